//! Harmonizes a file in four calls: open, choose, harmonize, export.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arranger::{ExportOptions, Format, Options};
//! use network::Model;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Arc::new(Model::wavenet()?);
//! let tune = arranger::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/melody.mid"))?;
//! let cantus = tune.choose(&Options::default())?;
//! let best = cantus.harmonize(&model)?.remove(0);
//! let score = best.piece.export(Format::MusicXml, &ExportOptions::default())?;
//! assert!(score.starts_with(b"<?xml"));
//! # Ok(())
//! # }
//! ```
//!
//! The command line does the same. [`compose()`] writes a new chorale, [`Tune::four_parts`] reads one that is there already,
//! of which [`redo`] finds some bars or parts anew and [`fix`] sets a note.
//!
//! | what for | with |
//! |---|---|
//! | a file, read | [`open`], [`Tune`] |
//! | which of its lines is the melody, and how it is to be harmonized | [`Options`] with [`Choice`], [`Heading`], [`Method`], [`Freedom`]; every default is the command line's |
//! | chords that are given, and how fast they may follow | [`Chords`], [`Progression`], [`HarmonicRhythm`] |
//! | the melody, ready and to be looked at before anything is harmonized | [`Cantus`] |
//! | what was found, the best first | [`Arrangement`] with [`Nats`], a [`Piece`] |
//! | bars, parts or a note of it anew | [`redo`] with [`Selection`], [`fix`] with [`Correction`] |
//! | a chorale without a melody | [`compose()`] with [`ComposeOptions`], [`Prompt`], [`piece_of_table`] |
//! | bytes of a file | [`Piece::export`] with [`Format`], [`ExportOptions`] |
//! | the same, or what a program that is installed makes of them: .ogg, .mp3, .pdf, .score.svg | [`FileKind`] |
//! | what went wrong | [`ArrangeError`], [`ProgressionError`] and [`MakeError`], which name the file and the way out |
//!
//! Compressed sound and engraved pages are made by oggenc, lame or ffmpeg, and MuseScore:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use arranger::{ExportOptions, FileKind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let piece = arranger::open("chorale.mid")?.four_parts(None)?;
//! for name in ["chorale.mp3", "chorale.pdf", "chorale.score.svg"] {
//!     let kind = FileKind::from_path(Path::new(name)).ok_or("what is that to be?")?;
//!     kind.check()?; // says what to install where no program is there
//!     std::fs::write(name, kind.export(&piece, &ExportOptions::default())?)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Playing live needs no file: the crate `chorale-session` is a performance without ports, driven by events and times, as its
//! first page shows.
//!
//! Nothing is printed here: what a user should know stands in `remarks`, and errors name the way out. Only [`open`] touches
//! a file; [`FileKind`] runs programs, which are handed theirs in a folder that is gone afterwards. In WebAssembly, where
//! there are no programs, it is missing.

#![forbid(unsafe_code)]

mod again;
mod arrangement;
mod cantus;
mod changes;
mod compose;
mod error;
#[cfg(not(target_family = "wasm"))]
mod file_kind;
mod four_parts;
mod options;
#[cfg(not(target_family = "wasm"))]
mod pages;
mod phrase_ends;
mod progression;
mod rhythm;
mod told_chords;
mod tune;
mod untold;

pub use again::{Correction, Selection, bars_in_words, fix, redo};
pub use arrangement::{Arrangement, Nats};
pub use cantus::Cantus;
pub use compose::{ComposeOptions, Prompt, compose};
pub use engraving::{ExportOptions, Format, Piece};
pub use error::ArrangeError;
#[cfg(not(target_family = "wasm"))]
pub use file_kind::{FileKind, MakeError};
pub use files::melody::Choice;
pub use four_parts::piece_of_table;
pub use options::{Chords, Freedom, Heading, Method, Options};
pub use progression::{Progression, ProgressionError};
pub use rhythm::HarmonicRhythm;
pub use tune::{Tune, open};
