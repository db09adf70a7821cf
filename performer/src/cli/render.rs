//! `performer render`: a melody from a MIDI file, harmonized in four parts.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use performer::grid::Grid;
use performer::harmonizer::Harmonizer;
use performer::melody::{self, Choice, Fold, Melody};
use performer::render;
use performer::score::{Direction, Metre, Tick};
use performer::smf::MidiFile;

use super::options::ModelOptions;
use super::output::{OutputOptions, read_midi};

/// Harmonizes the melody of a MIDI file in four parts
///
/// The soprano stays as it is, note for note. Alto, tenor and bass are chosen step by step, a sixteenth each, knowing
/// only what came before, as in live playing. Tempo, metre and key are kept; the metre tells
/// the network where the bar begins, so it is worth having in the file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A MIDI file, format 0 or 1, that holds the melody
    #[arg(value_name = "MELODY.mid")]
    melody: PathBuf,

    #[command(flatten)]
    output: OutputOptions,

    /// The track of the melody: its number (the first is 1), its name or a part of it. Without this it is the one named
    /// soprano or melody, else the one that lies highest
    #[arg(long, value_name = "N|NAME")]
    track: Option<String>,

    /// The MIDI channel of the melody, 1 to 16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    channel: Option<u8>,

    /// Quarters before the first bar line, for files that don't tell: many notation programs write a pickup as if the
    /// first bar began with it
    #[arg(long, value_name = "QUARTERS", value_parser = pickup)]
    pickup: Option<f64>,

    #[command(flatten)]
    model: ModelOptions,
}

const EXAMPLES: &str = "\
Examples:
  performer render tune.mid -o chorale.mid
      The melody of tune.mid with alto, tenor and bass, as four tracks; notes and piano roll on the terminal.
  performer render tune.mid -o other.mid --seed 2 --temperature 1.1
      Another harmonization of it, a bolder one. Each seed gives one, always the same.
  performer render band.mid -o chorale.mid --track Flute
  performer render band.mid -o chorale.mid --track 3 --channel 5
      The melody is in the track named Flute; in channel 5 of the third track.
  performer render hymn.mid -o chorale.mid --pickup 1
      The first note is an upbeat of a quarter, which the file keeps to itself.
  performer render tune.mid -o chorale.mid --model lstm --quiet
  performer render tune.mid -o chorale.mid --json > notes.json";

pub fn run(args: Args) -> Result<()> {
    let Args { melody: path, output, track, channel, pickup, model } = args;
    output.check(Some(&path))?;
    let file = read_midi(&path, |remark| output.say(remark))?;
    let in_file = || path.display().to_string();
    let melody = Melody::find(&file, &Choice { track, channel }).with_context(in_file)?;
    let bars = match pickup {
        Some(quarters) => with_pickup(&file, quarters, melody.first_onset()),
        None => file.directions.clone(),
    };
    let grid = Grid::new(file.ticks_per_quarter, &bars, melody.first_onset());
    let steps = melody::steps(&melody, &grid).with_context(in_file)?;
    melody.remarks.iter().for_each(|remark| output.say(remark));
    let fold = Fold::of(&steps);
    if let Some(remark) = fold.remark() {
        output.say(&remark);
    }

    let mut harmonizer = Harmonizer::new(model.model()?, model.sampling());
    let before = Instant::now();
    let chords = render::harmonize(&steps, fold, &mut harmonizer)?;
    let seconds = before.elapsed().as_secs_f64();
    let score = render::score(&melody, &steps, &chords, fold, file.ticks_per_quarter, file.directions);
    output.deliver(&score, &grid, render::counts(&steps, &chords))?;
    output.say(&format!(
        "{}: {} soprano notes, {} steps harmonized in {seconds:.2} s",
        output.path().display(),
        melody.notes.len(),
        steps.len()
    ));
    Ok(())
}

/// The file's metre, beginning anew so many quarters after the first note.
fn with_pickup(file: &MidiFile, quarters: f64, first_onset: Tick) -> Vec<(Tick, Direction)> {
    let metre = file.directions.iter().find_map(|(_, direction)| match direction {
        Direction::Metre(metre) => Some(*metre),
        _ => None,
    });
    let bar_line = first_onset + (quarters * f64::from(file.ticks_per_quarter)).round() as Tick;
    let mut directions = file.directions.clone();
    directions.push((bar_line, Direction::Metre(metre.unwrap_or(Metre::FOUR_FOUR))));
    directions.sort_by_key(|(tick, _)| *tick);
    directions
}

fn pickup(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(quarters) if (0.0..=16.0).contains(&quarters) => Ok(quarters),
        _ => Err("expected quarters, from 0 to 16, such as 1 or 0.5".into()),
    }
}
