//! Scores and live notes as sound: an organ or a SoundFont, in an audio callback or as a WAV file.
//!
//! No device is opened here, and nothing allocates between [`Instrument::new`] and its end.
//!
//! ```
//! use chorale::{Part, Pitch};
//! use sound::{Instrument, Timbre};
//!
//! let mut instrument = Instrument::new(&Timbre::Organ, 48_000).unwrap();
//! instrument.note_on(Part::Soprano, Pitch::new(72).unwrap(), 90);
//! let mut stereo = [0.0; 2 * 480];
//! instrument.render(&mut stereo);
//! assert!(stereo.iter().any(|sample| sample.abs() > 0.01));
//! ```

#![forbid(unsafe_code)]

mod block;
mod click;
mod instrument;
mod organ;
mod performance;
pub mod wav;

pub use block::BlockSound;
pub use instrument::{Instrument, SoundError, Timbre};
pub use organ::Organ;
