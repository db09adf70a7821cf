//! What is shown of a finished piece: analysis, explanation, pictures, pages, JSON, sound.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod explain;
mod export;
pub mod json;
pub mod page;
pub mod picture;
pub mod view;

pub use export::{ExportError, ExportOptions, Format, Piece};
