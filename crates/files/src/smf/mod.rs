//! Standard MIDI Files (MIDI 1.0, RP-001): read whatever a sequencer or notation program wrote, write scores.
//!
//! Reading is lenient where the music is beyond doubt (notes never ended, doubled note-offs, missing end marks, values above
//! 127, fewer tracks than the header promises, tracks whose length was never written; each goes into
//! [`Source::remarks`](crate::Source::remarks)) and strict where it is not: a track that breaks off is an error.

mod chunks;
mod events;
mod karaoke;
mod notes;
mod percussion;
mod read;
mod write;
mod zones;

pub use read::{ReadError, read};
pub use write::write;

use crate::text::decode;

/// Text of a file that declares no encoding: UTF-8 where it is that, else Latin-1; without control characters, which
/// would reach the user's terminal.
pub fn text(bytes: &[u8]) -> String {
    decode(bytes).chars().filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
