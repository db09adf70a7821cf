//! A hymn of four minutes from melody to score and sound, on one core.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use chorale::{Key, Part, Pitch};
use engraving::{ExportOptions, Format, Piece};
use files::melody::{self, Fold, Melody};
use files::musicxml::Layout;
use files::{Direction, Grid, Metre, Note, parts};
use harmonizer::search::{self, PARTICLES, Plan};
use harmonizer::{Constraints, Harmonizer, Purpose, Sampling};
use network::Model;
use sound::Timbre;

use crate::table::{Goal, Row, Times};

/// Four minutes at 80 quarters to the minute.
const QUARTERS: u32 = 320;
const SECONDS: f64 = 240.0;

/// Each is measured so many times.
const RUNS: usize = 5;

pub fn rows() -> Result<Vec<Row>> {
    // "Nun danket alle Gott", first line and what answers it, over and over.
    const TUNE: [u8; 16] = [67, 74, 74, 74, 76, 76, 74, 71, 72, 71, 69, 71, 69, 69, 67, 67];
    let notes: Vec<Note> = (0..QUARTERS)
        .map(|quarter| Note {
            start: quarter * 480,
            end: quarter * 480 + 480,
            pitch: Pitch::new(TUNE[quarter as usize % TUNE.len()]).expect("a MIDI note"),
            velocity: 80,
        })
        .collect();
    let melody = Melody { notes, ..Melody::default() };
    let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR)), (0, Direction::Tempo(750_000))];
    let grid = Grid::new(480, &directions, 0);
    let steps = melody::steps(&melody, &grid)?;
    let fold = Fold::of(&steps);
    let constraints = Constraints::default();
    let mut rows = Vec::new();
    for (name, model) in [("wavenet", Arc::new(Model::wavenet()?)), ("lstm", Arc::new(Model::lstm()?))] {
        let (contour, spans) = search::contour_of(&steps, Some(4));
        let mut plan = Plan::of(search::steps_under(&steps, fold, &[const { None }; 4], &constraints)?);
        plan.head_for_cadences(&contour, &spans, Key { sharps: 1, minor: false });
        let ahead = Sampling::of(&model, Purpose::Ahead);
        let what = format!("{name}: a hymn, looking ahead ({PARTICLES} particles)");
        rows.push(row(&what, 50.0, || search::search(&model, ahead, &plan, PARTICLES).map(drop))?);
        rows.push(row(&format!("{name}: a hymn, --live"), 1000.0, || {
            let mut harmonizer = Harmonizer::new(Arc::clone(&model), Sampling::of(&model, Purpose::Live));
            harmonizer::harmonize(&steps, fold, &constraints, &mut harmonizer).map(drop)
        })?);
    }
    let mut harmonizer = Harmonizer::new(Arc::new(Model::wavenet()?), Sampling::default());
    let chords = harmonizer::harmonize(&steps, fold, &constraints, &mut harmonizer)?;
    let score = parts::score(&melody, Part::Soprano, &steps, &chords, fold, 480, directions);
    let piece = Piece::new(score, grid);
    let options = ExportOptions { layout: Layout::Open, timbre: Timbre::Organ, with_marks: true };
    let formats = [
        ("the organ's sound as a WAV file", Format::Wav, 100.0),
        ("the hymn as MusicXML", Format::MusicXml, 500.0),
        ("the hymn as SVG", Format::Svg, 500.0),
        ("the hymn as PNG", Format::Png, 500.0),
    ];
    for (what, format, least) in formats {
        rows.push(row(what, least, || piece.export(format, &options).map(drop))?);
    }
    Ok(rows)
}

/// Against the time that the hymn lasts.
fn row<E: std::error::Error + Send + Sync + 'static>(
    what: &str,
    least: f64,
    work: impl Fn() -> Result<(), E>,
) -> Result<Row> {
    let times = Times::of(RUNS, |_| {
        let begun = Instant::now();
        work()?;
        Ok(begun.elapsed())
    })?;
    let against = "real time at 80 BPM (240 s)";
    let faster = SECONDS * 1e6 / times.median();
    Ok(Row { times: [Some(times), None], ..Row::figure(what, against, faster, Goal::AtLeast(least)) })
}
