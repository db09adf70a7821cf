//! `performer explain`: what a teacher would say of a piece in four parts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use chorale::harmony::{Key, Spelling};
use chorale::{Chorale, Part};
use engraving::{ExportOptions, Format, Piece, explain};
use files::musicxml::Layout;
use files::parts::TICKS_PER_QUARTER;
use files::{Direction, Grid, Kind, Metre, Note, Score, Tick, melody, parts};
use sound::Timbre;

use super::output::{print, read_source};

/// Reads a piece in four parts as a teacher would: key, Roman numerals, cadences, broken rules
///
/// The numerals stand beat by beat, in the key of the signature. Phrases end at fermatas, else at rests and long notes.
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
  performer explain chorale.csv --json > reading.json")]
pub struct Args {
    /// Four parts in a MIDI or MusicXML file, or a table in the form of the data set (.csv)
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The key to read it in, instead of the file's own: C, Bb, F#; small letters or an m for minor
    #[arg(long, value_name = "KEY")]
    key: Option<Key>,

    /// Print the reading as JSON
    #[arg(long)]
    json: bool,

    /// Also write the piece with its marks: .musicxml, .mxl, .svg, .png, .html or .json
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Replace files that are there already
    #[arg(short, long)]
    force: bool,
}

pub fn run(args: Args) -> Result<()> {
    let Args { file, key, json, output, force } = args;
    let mut formats = Vec::new();
    for path in &output {
        let format = Format::from_path(path).filter(|format| !matches!(format, Format::Midi | Format::Wav));
        let Some(format) = format else {
            bail!("--output {}: marks are written into .musicxml, .mxl, .svg, .png, .html or .json", path.display());
        };
        if path.exists() && !force {
            bail!("--output {} is there already; --force replaces it", path.display());
        }
        formats.push(format);
    }
    let piece = read_piece(&file, key)?;
    let options = ExportOptions { layout: Layout::Open, timbre: Timbre::Organ, with_marks: true };
    for (path, format) in output.iter().zip(formats) {
        let bytes = piece.export(format, &options).with_context(|| format!("cannot make {}", path.display()))?;
        files::write_whole(path, &bytes)?;
    }
    print(&if json { piece.json() } else { explain::text(&piece) })
}

fn read_piece(path: &PathBuf, key: Option<Key>) -> Result<Piece> {
    let is_told = key.is_some();
    let key = key.map(|Key { sharps, minor }| (0, Direction::Key { sharps, minor }));
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let chorale = Chorale::from_csv(&text).with_context(|| path.display().to_string())?;
        let mut directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
        directions.extend(key);
        let grid = Grid::new(TICKS_PER_QUARTER, &directions, 0);
        let score = parts::chorale_score(&chorale, &grid, 0, TICKS_PER_QUARTER, directions);
        return Ok(Piece::new(score, grid));
    }
    let source = read_source(path, |remark| eprintln!("{remark}"))?;
    let parts = melody::four_parts(&source).with_context(|| path.display().to_string())?;
    let mut directions = source.directions.clone();
    if let Some(key) = key {
        directions.retain(|(_, direction)| !matches!(direction, Direction::Key { .. }));
        directions.insert(0, key);
    }
    let first_onset = parts[Part::Soprano.index()].first().map_or(0, |note| note.start);
    let grid = Grid::new(source.ticks_per_quarter, &directions, first_onset);
    let begins = |part: &[Note], tick: Tick| part.binary_search_by_key(&tick, |note| note.start).is_ok();
    let fermatas: BTreeSet<Tick> = source.tracks.iter().flat_map(|track| track.fermatas.iter().copied()).collect();
    let fermatas = fermatas.into_iter().filter(|tick| begins(&parts[0], *tick)).collect();
    let written: BTreeMap<(Tick, u8), Spelling> = source
        .tracks
        .iter()
        .flat_map(|track| track.spellings.iter().map(|(note, spelling)| (*note, *spelling)))
        .collect();
    let spellings = parts.each_ref().map(|part| {
        let spelling = |note: &Note| Some((note.start, *written.get(&(note.start, note.pitch.midi()))?));
        part.iter().filter_map(spelling).collect()
    });
    // The words of the upper part; the others sing them where they have words of their own.
    let sung: Vec<usize> = (0..source.tracks.len()).filter(|track| !source.tracks[*track].lyrics.is_empty()).collect();
    let mut score = Score {
        lyrics: sung.first().map_or(Vec::new(), |track| source.tracks[*track].lyrics.clone()),
        all_sing: sung.len() > 1,
        title: source.title,
        creators: source.creators,
        ticks_per_quarter: source.ticks_per_quarter,
        is_notated: source.kind == Kind::MusicXml,
        directions,
        parts,
        fermatas,
        spellings,
        ..Score::default()
    };
    if !is_told {
        score.settle_mode();
    }
    Ok(Piece::new(score, grid))
}
