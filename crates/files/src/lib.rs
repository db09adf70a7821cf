//! Music from and to files: [`read`] takes MIDI, MusicXML and ABC alike, [`melody`] finds the melody or the four parts in them,
//! a [`Grid`] lays them on sixteenths, [`chords_of`] makes them the chords that networks hear; [`parts`] makes notes of
//! chords again, [`notation`] measures of notes, [`smf`] and [`musicxml`] write them.
//!
//! Whatever the bytes, reading ends in a [`Source`] or an error, never in a panic, and within bounded memory; nothing here
//! uses the network or prints.
//!
//! ```
//! use files::melody::{self, Choice, Melody};
//! use files::{Grid, Score, smf};
//!
//! let bytes = b"<score-partwise><part id='P1'><measure number='1'>\
//!     <note><pitch><step>C</step><octave>5</octave></pitch><duration>1</duration></note>\
//!     <note><pitch><step>D</step><octave>5</octave></pitch><duration>1</duration></note>\
//!     </measure></part></score-partwise>";
//! let source = files::read(bytes)?;
//! let melody = Melody::find(&source, &Choice::default())?;
//! let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
//! let steps = melody::steps(&melody, &grid)?;
//! assert_eq!(steps.len(), 8, "two quarters are eight sixteenths");
//! assert_eq!(steps[4].soprano.name(), "D5");
//! let parts = [melody.notes, vec![], vec![], vec![]];
//! let score = Score { ticks_per_quarter: source.ticks_per_quarter, parts, ..Score::default() };
//! assert!(smf::write(&score).starts_with(b"MThd"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod abc;
#[cfg(any(test, feature = "test-support"))]
mod any_score;
mod chords;
mod disk;
mod ensemble;
mod foreign;
mod grid;
pub mod melody;
pub mod musicxml;
mod named_key;
pub mod notation;
pub mod parts;
mod phrasing;
mod pickup_bar;
mod program;
mod pulse;
mod score;
mod signature;
mod single_line;
pub mod smf;
mod source;
mod text;
mod wandering;
mod written;

use std::path::Path;

use thiserror::Error;

#[cfg(any(test, feature = "test-support"))]
pub use any_score::any_score;
pub use chords::{OutOfVocabulary, chords_of};
pub use disk::{is_unfinished, load, read_all, write_whole};
pub use ensemble::{Ensemble, EnsembleError, Scoring};
pub use foreign::Foreign;
pub use grid::{Bar, Grid};
pub use named_key::{NamedKey, NoNamedKey};
pub use phrasing::{Expression, Phrasing};
pub use pickup_bar::tell_pickup;
pub use program::{NoProgram, Program};
pub use score::{
    Creator, DEFAULT_TEMPO, Direction, Lyric, Metre, Note, Score, TempoMap, Tick, signature, sung_at, transpose_keys,
};
pub use signature::{FoundKey, is_contradicted, mended_signature, set_signature};
pub use source::{Kind, Place, Source, Track};
pub use written::Endless;

/// The endings of the files that [`read`] understands.
pub const ENDINGS: [&str; 7] = ["mid", "midi", "kar", "musicxml", "xml", "mxl", "abc"];

/// Whether a file has one of the [`ENDINGS`].
pub fn is_music(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// Why bytes are no music that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error(transparent)]
    Midi(#[from] smf::ReadError),
    #[error(transparent)]
    MusicXml(#[from] musicxml::ReadError),
    #[error(transparent)]
    Abc(#[from] abc::ReadError),
    #[error("{0}")]
    Foreign(Foreign),
    #[error("--tune {0} chooses among the tunes of an ABC file, and this file holds one piece; leave it out")]
    OnePiece(String),
}

/// Reads a file by what its bytes are, as [`read`] does; of a file of several tunes the one that is named, as
/// [`abc::read_tune`] does. Where that cannot be, the file's name tells what it is.
///
/// # Errors
/// See [`read`]; where there is no such tune.
pub fn read_named(name: &str, bytes: &[u8], tune: Option<&str>) -> Result<Source, ReadError> {
    let is_called_abc = name.to_lowercase().ends_with(".abc");
    read_any(bytes, tune, is_called_abc).map_err(|error| foreign::by_name(name).map_or(error, ReadError::Foreign))
}

/// Reads MIDI, MusicXML or ABC, by what the bytes are.
///
/// # Errors
/// Where the file is none of them, or damaged; never a panic, whatever the bytes.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    read_any(bytes, None, false)
}

/// What is called ABC, and is nothing else, is read as that.
fn read_any(bytes: &[u8], tune: Option<&str>, is_called_abc: bool) -> Result<Source, ReadError> {
    if let Some(foreign) = foreign::by_bytes(bytes) {
        return Err(ReadError::Foreign(foreign));
    }
    let decoded = text::utf16(bytes);
    let bytes = decoded.as_ref().map_or(bytes, |text| text.as_bytes());
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_xml = start.trim_ascii_start().starts_with(b"<") || bytes.starts_with(b"PK");
    let is_midi = bytes.starts_with(b"MThd");
    // A tune may stand in a page.
    let is_abc = abc::is_abc(start) && (!is_xml || is_called_abc);
    if is_abc || is_called_abc && !is_xml && !is_midi {
        return Ok(abc::read_tune(bytes, tune)?);
    }
    let source = if is_xml { musicxml::read(bytes)? } else { smf::read(bytes)? };
    tune.map_or(Ok(source), |tune| Err(ReadError::OnePiece(tune.to_owned())))
}
