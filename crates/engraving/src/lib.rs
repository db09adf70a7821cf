//! What is shown of a finished piece: analysis, explanation, pictures, pages, JSON, sound, and the files of all these.
//!
//! ```
//! use chorale::Pitch;
//! use engraving::{ExportOptions, Format, Piece, explain};
//! use files::{Grid, Note, Score};
//!
//! let note = |midi| Note { start: 0, end: 480, pitch: Pitch::new(midi).unwrap(), velocity: 80 };
//! let parts = [72, 67, 64, 48].map(|midi| vec![note(midi)]);
//! let score = Score { ticks_per_quarter: 480, parts, ..Score::default() };
//! let piece = Piece::new(score, Grid::new(480, &[], 0));
//! assert!(explain::text(&piece).contains("C major"));
//! assert!(piece.export(Format::Svg, &ExportOptions::default()).unwrap().starts_with(b"<svg"));
//! ```
//!
//! Nothing is harmonized or changed here, no file is opened, and the same piece gives the same bytes.

#![forbid(unsafe_code)]

mod analysis;
pub mod explain;
mod export;
mod json;
mod marks;
mod page;
mod picture;
mod piece;
mod position;
mod sheet;
pub mod view;

pub use analysis::Sounding;
pub use export::{ExportError, ExportOptions, Format};
pub use marks::Mark;
pub use piece::Piece;
pub use position::BarPosition;
pub use sheet::Sheet;
