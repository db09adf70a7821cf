//! `performer explain`: what a teacher would say of a piece in four parts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use arranger::FileKind;
use engraving::{ExportOptions, Format, Piece, explain};
use files::NamedKey;
use files::musicxml::Layout;

use super::output::{self, is_table, print};

/// Reads a piece in parts as a teacher would: key, Roman numerals, cadences, broken rules
///
/// The numerals stand beat by beat, in the key in which the piece begins and ends. Phrases end at fermatas, else
/// where the melody shows it: on long notes, before rests and breaths, with lines of the text, after equal lengths.
/// Each broken rule of part-writing is named with bar and beat, and its rate set beside Bach's in the 382 chorales.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer explain chorale.mid
  performer explain chorale.musicxml --key em
      In E minor, whatever the signature says.
  performer explain chorale.mid -o marked.musicxml -o marked.svg
      The broken rules written over the notes, and in a piano roll.
  performer explain chorale.mid -o marked.png --force
  performer explain chorale.mid -o marked.pdf
      Engraved, where MuseScore is installed.
  performer explain hymnal.abc --tune 12
  performer explain chorale.csv --json > reading.json")]
pub struct Args {
    /// The parts of SATB, SAB or TTBB in a MIDI, MusicXML or ABC file, or a table in the form of the data set (.csv)
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The key to read it in, instead of the file's own: C, Bb, F#; small letters or an m for minor; church modes such
    /// as "D dorian"
    #[arg(long, value_name = "KEY")]
    key: Option<NamedKey>,

    /// The tune of an ABC file that holds several: its number (X:), or a part of its title [default: the first]
    #[arg(long, value_name = "N|TITLE")]
    tune: Option<String>,

    /// Print the reading as JSON
    #[arg(long)]
    json: bool,

    /// Also write the piece with its marks: .musicxml, .mxl, .svg, .png, .html or .json; where MuseScore is installed, .pdf or
    /// .score.svg
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Replace files that are there already
    #[arg(short, long)]
    force: bool,
}

const MARKED: &str = ".musicxml, .mxl, .svg, .png, .html, .json, .pdf or .score.svg";

pub fn run(args: Args) -> Result<()> {
    let Args { file, key, tune, json, output, force } = args;
    let mut kinds = Vec::new();
    for path in &output {
        let kind = FileKind::from_path(path).filter(|kind| !matches!(kind.format(), Format::Midi | Format::Wav));
        let Some(kind) = kind else {
            bail!("--output {}: marks are written into {MARKED}", path.display());
        };
        if path.exists() && !force {
            bail!("--output {} is there already; --force replaces it", path.display());
        }
        kind.check().with_context(|| format!("--output {}", path.display()))?;
        kinds.push(kind);
    }
    let (piece, layout) = read_piece(&file, tune.as_deref(), key)?;
    let options = ExportOptions { with_marks: true, layout, ..ExportOptions::default() };
    for (path, kind) in output.iter().zip(kinds) {
        let bytes = kind.export(&piece, &options).with_context(|| format!("cannot make {}", path.display()))?;
        files::write_whole(path, &bytes)?;
    }
    print(&if json { piece.json() } else { explain::text(&piece) })
}

/// And how a score of it is laid out.
fn read_piece(path: &Path, tune: Option<&str>, key: Option<NamedKey>) -> Result<(Piece, Layout)> {
    if is_table(path) {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Ok((arranger::piece_of_table(&path.display().to_string(), &text, key)?, Layout::default()));
    }
    let tune = output::open(path, tune, output::tell)?;
    Ok((tune.four_parts(key)?, tune.layout()))
}
