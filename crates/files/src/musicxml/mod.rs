//! MusicXML (W3C, up to version 4.0), read and written: partwise or timewise, plain or compressed, with repeats written out.

mod archive;
mod reader;
mod writer;
mod zip;

/// The property of a score that keeps the words which stand under it.
const VERSES: &str = "verses";

pub use archive::compress;
pub use reader::{ReadError, read};
pub use writer::{Layout, Syllable, Unwritable, escape, syllables, write};
