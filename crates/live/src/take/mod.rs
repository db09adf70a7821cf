//! Takes: what was played and what was answered, on disk while it happens.
//!
//! A take is two files. The log is text, one event a line, only ever appended to; [`replay`] plays it again and gives
//! the same messages. The MIDI file has one track a part on the grid of the performance's own beats; it is written
//! anew every second, beside its place, and renamed.
//!
//! ```text
//! performer take 2
//! {"models":[...],"sampling":[...],"session":{...}}
//! 48000 midi 90 48 50
//! 48000 > 0 90 48 50        sent: part, bytes
//! 48000 < 1 91 44 50        sung by a muted part
//! 48310 table 1             the answer table number 1 arrived
//! 60000 control hold 127
//! 72000 stop
//! ```

mod grid;
mod log;
#[cfg(not(target_family = "wasm"))]
mod recorder;
mod replay;
mod score;
#[cfg(test)]
mod tests;

pub use log::{
    FIRST_LINE, LogError, ModelIdentity, SamplingRecord, SessionInput, Take, TakeEvent, TakeHeader, UnknownCritic, read,
};
#[cfg(not(target_family = "wasm"))]
pub use recorder::Recorder;
pub use replay::{ReplayError, Replayed, replay};
