//! MusicXML (W3C, score-partwise and score-timewise), read and written.

mod reader;
mod writer;

pub use reader::{ReadError, compress, read};
pub use writer::{Layout, Syllable, Unwritable, escape, syllables, write};
