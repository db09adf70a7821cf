//! MIDI ports. One trait, two implementations chosen at run time: [`SystemMidi`] (ALSA, CoreMIDI or WinMM, by midir) and
//! `JackMidi` (JACK, or PipeWire in its place).

mod error;
#[cfg(feature = "jack")]
mod jack;
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
}
