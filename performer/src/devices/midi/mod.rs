//! MIDI ports. One trait, two implementations chosen at run time: [`SystemMidi`] (ALSA, CoreMIDI or WinMM, by midir) and
//! `JackMidi` (JACK, or PipeWire in its place).

mod error;
#[cfg(feature = "jack")]
mod jack;
pub(crate) mod playing;
mod ports;
mod system;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
pub use error::MidiError;
#[cfg(feature = "jack")]
pub use jack::{Cycle, JackMidi};
use live::{Engine, Shared};
use ports::find_port;
pub use ports::{PortPlan, PortStatus, Ports, Side};
pub use system::SystemMidi;

use crate::devices::audio::AudioSettings;

/// The name under which other programs see us, and the names of our ports.
pub const CLIENT: &str = "performer";
pub const INPUT_PORT: &str = "in";
pub const OUTPUT_PORT: &str = "out";
/// A port of ours for MIDI clock alone.
pub const CLOCK_PORT: &str = "clock";

/// A sound system's MIDI side, open but without ports of ours yet.
pub trait MidiBackend {
    /// As its users call it, for example "ALSA".
    fn name(&self) -> &'static str;

    /// Ports of others that we could be connected to.
    fn ports(&self) -> Result<Ports, MidiError>;

    /// Units of [`session::Time`] in a second.
    fn rate(&self) -> f64;

    /// Hands every message of three bytes of an input to `messages` as long as what is returned lives, except where that
    /// is full.
    fn listen(self: Box<Self>, plan: &PortPlan, messages: Sender<[u8; 3]>) -> Result<Box<dyn Any>, MidiError>;

    /// Makes our ports, connects them, and lets `engine` play on the sound system's thread. With `sound` an instrument of
    /// ours plays too.
    fn start(
        self: Box<Self>,
        plan: &PortPlan,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<OpenPorts, MidiError>;
}

/// Hands a message of three bytes on, from a callback that may not wait: where the queue is full, or nobody listens any more,
/// the message is lost.
fn hand_on(messages: &Sender<[u8; 3]>, bytes: &[u8]) {
    if let Ok(message) = bytes.try_into() {
        let _ = messages.try_send(message);
    }
}

/// A backend at work. Dropping it closes the ports; whoever does so sees to it that everything is silent by then.
pub struct OpenPorts {
    pub status: PortStatus,
    /// How long the sound system may take to carry the last message away. Ports closed earlier lose messages.
    pub drain: Duration,
    /// Whatever keeps the ports open.
    pub(crate) connections: Box<dyn Connections>,
}

/// The connections of open ports.
pub(crate) trait Connections {
    /// Notices ports, servers and sound cards that went away and connects those that came back. Called twice a second.
    fn tend(&mut self, status: &mut PortStatus, shared: &Arc<Shared>);

    /// Lets the engine do what is due where the sound system has gone and no longer calls it.
    fn play_unheard(&mut self) {}

    /// Leaves a sound system that would wait for a program that is stopped. What is looked after next comes back to it.
    fn leave(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_loses_what_a_full_queue_does_not_take_and_never_waits() {
        let (send, messages) = crossbeam_channel::bounded(2);
        for value in 0..5 {
            hand_on(&send, &[0xb0, 20, value]);
        }
        hand_on(&send, &[0xf8]);
        hand_on(&send, &[0xf0, 1, 2, 3, 0xf7]);
        assert_eq!(messages.try_iter().collect::<Vec<_>>(), [[0xb0, 20, 0], [0xb0, 20, 1]]);
        hand_on(&send, &[0xb0, 20, 7]);
        assert_eq!(messages.try_recv(), Ok([0xb0, 20, 7]), "once there is room it goes on");
        drop(messages);
        hand_on(&send, &[0xb0, 20, 8]);
    }
}
