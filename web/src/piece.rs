//! A piece on its way to the page.

use engraving::{ExportOptions, Format, Piece, Sheet};
use files::musicxml::Layout;
use serde::Serialize;

/// A piece, and which of how many it is.
#[derive(Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    pub sheet: Sheet,
    /// From 0, the best first.
    pub alternative: usize,
    pub alternatives: usize,
    /// How many changes can be taken back.
    pub past: usize,
    /// How unlikely each is, in nats a note, by the network, the rules and the faults; null where nobody asked.
    pub nats: Vec<Option<f64>>,
}

/// A file that was made; its bytes are left for `take`.
#[derive(Debug, Serialize)]
pub struct Exported {
    pub name: String,
    pub mime: &'static str,
    pub length: usize,
}

/// The bytes of a file in the format that its ending names, and what it is.
///
/// # Errors
/// Where there is no such format, or the piece can't be written so.
pub fn export(piece: &Piece, ending: &str, staves: u8, marks: bool) -> Result<(Exported, Vec<u8>), String> {
    let format = Format::from_ending(ending)
        .ok_or_else(|| format!("there is no format '{ending}'; there are {}", Format::ENDINGS))?;
    let layout = if staves == 2 { Layout::Closed } else { Layout::Open };
    let options = ExportOptions { layout, with_marks: marks, ..ExportOptions::default() };
    let bytes = piece.export(format, &options).map_err(|error| error.to_string())?;
    let mime = match format {
        Format::Midi => "audio/midi",
        Format::MusicXml => "application/vnd.recordare.musicxml+xml",
        Format::Mxl => "application/vnd.recordare.musicxml",
        Format::Svg => "image/svg+xml",
        Format::Png => "image/png",
        Format::Html => "text/html",
        Format::Wav => "audio/wav",
        Format::Json => "application/json",
    };
    let title = piece.score.title.as_deref().unwrap_or("chorale");
    let is_odd = |letter: char| letter.is_control() || "/\\:*?\"<>|".contains(letter);
    let stem: String = title.chars().map(|letter| if is_odd(letter) { '-' } else { letter }).take(60).collect();
    let name = format!("{}.{ending}", stem.trim_matches(['.', ' ']));
    Ok((Exported { name, mime, length: bytes.len() }, bytes))
}
