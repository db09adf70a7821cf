//! A finished piece as the bytes of a file, in the format that the file's ending names.

use std::path::Path;

use chorale::Part;
use thiserror::Error;

use crate::marks::by_step;
use crate::picture::TooHigh;
use crate::{Piece, json, page, picture};
use files::musicxml::{self, Layout, Unwritable};
use files::smf;
use sound::{SoundError, Timbre, wav};

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Midi,
    MusicXml,
    /// Compressed MusicXML.
    Mxl,
    Svg,
    Png,
    Html,
    Wav,
    Json,
}

impl Format {
    /// What to name where a format is asked for.
    pub const ENDINGS: &str = ".mid, .musicxml, .mxl, .svg, .png, .html, .wav or .json";

    /// By its ending, without the dot.
    pub fn from_ending(ending: &str) -> Option<Format> {
        Some(match ending.to_lowercase().as_str() {
            "mid" | "midi" => Format::Midi,
            "musicxml" | "xml" => Format::MusicXml,
            "mxl" => Format::Mxl,
            "svg" => Format::Svg,
            "png" => Format::Png,
            "html" | "htm" => Format::Html,
            "wav" => Format::Wav,
            "json" => Format::Json,
            _ => return None,
        })
    }

    pub fn from_path(path: &Path) -> Option<Format> {
        Format::from_ending(path.extension()?.to_str()?)
    }
}

/// What cannot be written, though the piece is sound.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error(transparent)]
    TooHigh(#[from] TooHigh),
    #[error(transparent)]
    Sound(#[from] SoundError),
}

/// What a format leaves open.
#[derive(Clone)]
pub struct ExportOptions {
    pub layout: Layout,
    pub timbre: Timbre,
    /// Whether the rules that are broken are written into scores.
    pub with_marks: bool,
}

impl Default for ExportOptions {
    /// Four staves without marks; the organ.
    fn default() -> ExportOptions {
        ExportOptions { layout: Layout::Open, timbre: Timbre::Organ, with_marks: false }
    }
}

impl Piece {
    /// # Errors
    /// Where a piece is too long or too low to be engraved, or too long to be rendered as sound.
    pub fn export(&self, format: Format, options: &ExportOptions) -> Result<Vec<u8>, ExportError> {
        let Piece { score, grid, chords, marks, .. } = self;
        Ok(match format {
            Format::Midi => smf::write(score),
            Format::MusicXml => self.musicxml(options)?.into_bytes(),
            Format::Mxl => musicxml::compress(&self.musicxml(options)?),
            Format::Svg => picture::page(score, grid, chords, marks).into_bytes(),
            Format::Png => picture::png(score, grid, chords, marks)?,
            Format::Html => page::page(self).into_bytes(),
            Format::Wav => wav::write(score, &options.timbre)?,
            Format::Json => self.json().into_bytes(),
        })
    }

    /// Sound to learn a part by: the parts' starting pitches, a counted bar, that part in the foreground, fermatas held.
    ///
    /// # Errors
    /// Where the piece is too long.
    pub fn rehearsal(&self, part: Part, options: &ExportOptions) -> Result<Vec<u8>, ExportError> {
        Ok(wav::rehearsal(&self.score, &self.grid, &options.timbre, part)?)
    }

    pub fn json(&self) -> String {
        let document = json::document(self);
        serde_json::to_string_pretty(&document).expect("numbers and texts become JSON") + "\n"
    }

    fn musicxml(&self, options: &ExportOptions) -> Result<String, Unwritable> {
        let marks = if options.with_marks { by_step(&self.marks, &self.score.ensemble) } else { Vec::new() };
        musicxml::write(&self.score, &self.grid, options.layout, &marks)
    }
}
