//! `make bench`: a hymn of four minutes from melody to score and sound, on one core, beside what a user would wait for.
//!
//! Run with `cargo bench --workspace --bench hymn`.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use chorale::{Part, Pitch};
use performer::arrangement::Arrangement;
use performer::export::{ExportOptions, Format, Piece};
use performer::grid::Grid;
use performer::guards::Purpose;
use performer::harmonizer::{Harmonizer, Sampling};
use performer::melody::{self, Fold, Melody};
use performer::model::Model;
use performer::musicxml::Layout;
use performer::render;
use performer::score::{Direction, Metre, Note};
use performer::search::{self, PARTICLES};
use performer::wav::Instrument;

/// Four minutes at 80 quarters to the minute.
const QUARTERS: u32 = 320;
const SECONDS: f64 = 240.0;

/// Each is measured so many times; the median counts.
const RUNS: usize = 5;

fn main() -> Result<()> {
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
    let arrangement = Arrangement::default();
    println!(
        "{:>9}  {:>9}  a hymn of four minutes ({} steps), one thread, median of {RUNS}",
        "seconds",
        "at most",
        steps.len()
    );
    for (name, model) in [("wavenet", Arc::new(Model::wavenet()?)), ("lstm", Arc::new(Model::lstm()?))] {
        let tasks = search::melody_tasks(&steps, fold, &[const { None }; 4], &arrangement)?;
        let ahead = Sampling::of(&model, Purpose::Ahead);
        row(&format!("{name}, looking ahead with {PARTICLES} particles"), 5.0, || {
            search::search(&model, ahead, &tasks, PARTICLES).map(drop)
        })?;
        row(&format!("{name}, --live"), 0.5, || {
            let mut harmonizer = Harmonizer::new(Arc::clone(&model), Sampling::of(&model, Purpose::Live));
            render::harmonize(&steps, fold, &arrangement, &mut harmonizer).map(drop)
        })?;
    }
    let mut harmonizer = Harmonizer::new(Arc::new(Model::wavenet()?), Sampling::default());
    let chords = render::harmonize(&steps, fold, &arrangement, &mut harmonizer)?;
    let score = render::score(&melody, Part::Soprano, &steps, &chords, fold, 480, directions);
    let piece = Piece::new(score, grid);
    let options = ExportOptions { layout: Layout::Open, instrument: Instrument::Organ, with_marks: true };
    row("the organ's sound as a WAV file (100 times real time)", SECONDS / 100.0, || {
        piece.export(Format::Wav, &options).map(drop)
    })?;
    for (name, format) in [("MusicXML", Format::MusicXml), ("SVG", Format::Svg), ("PNG", Format::Png)] {
        row(&format!("the score as {name}"), 0.5, || piece.export(format, &options).map(drop))?;
    }
    Ok(())
}

fn row<E: std::error::Error + Send + Sync + 'static>(
    name: &str,
    most: f64,
    work: impl Fn() -> Result<(), E>,
) -> Result<()> {
    let mut seconds = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let before = Instant::now();
        work()?;
        seconds.push(before.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!("{:>9.3}  {most:>9.3}  {name}", seconds[RUNS / 2]);
    Ok(())
}
