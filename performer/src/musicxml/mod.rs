//! MusicXML 4.0 (W3C): scores for notation programs to print, and melodies from them.

mod read;
mod write;

pub use read::{ReadError, read};
pub use write::{Layout, compress, escape, write};
