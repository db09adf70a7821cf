//! Sound without a DAW: an instrument in an audio callback, fed through a wait-free queue, on an output that is opened
//! again when it was lost.

mod card;
mod output;
mod playback;

pub(crate) use output::SoundOutput;
pub use playback::Playback;
use session::{Message, MessageKind};
use sound::{Instrument, SoundError, Timbre};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum AudioError {
    #[error("there is no sound output\nhint: is a sound card there? On Linux: are you in the group audio?")]
    NoDevice,
    #[error("the sound output '{device}' can't be used: {cause}{hint}")]
    Device { device: String, cause: String, hint: &'static str },
    #[error(transparent)]
    Instrument(#[from] SoundError),
    #[error("under JACK the sound has the server's rate and buffer\nhint: leave --sample-rate and --buffer out")]
    ServersChoice,
}

/// Real-time: plays a message on our own instrument, whose click is a sound of its own.
pub fn sound(instrument: &mut Instrument, message: &Message) {
    match (message.kind, message.click()) {
        (_, Some(velocity)) => instrument.click(velocity),
        (MessageKind::Click, None) => {}
        _ => instrument.message(message.part, &message.bytes()),
    }
}

/// How the sound is to come out. What is left out is the device's choice.
#[derive(Clone)]
pub struct AudioSettings {
    /// Frames a second.
    pub sample_rate: Option<u32>,
    /// Frames a buffer.
    pub buffer: Option<u32>,
    pub timbre: Timbre,
}
