//! A player with hands, in virtual time: fingers that are early and late, legato, chords, ornaments and pedals play a
//! melody to a live session with a real network, far faster than it sounds, and what comes back is judged.
//!
//! The same seed gives the same performance. No port, thread or clock is involved: `bin/hands.rs` makes a table of it,
//! `performer/tests/live_jack.rs` plays a short one through a real server.

mod fingers;
mod judge;
mod stage;

use std::path::Path;

use anyhow::{Result, ensure};
use files::melody::{self, Choice, Melody, MelodyStep};
use files::{Grid, Tick};

pub use fingers::{Manner, Plan, Strike, StrikeKind};
pub use judge::{HeardNote, Measures, judge};
pub use stage::{Heard, RATE, perform};

/// A melody as it is written, in sixteenths.
#[derive(Clone, Debug)]
pub struct Written {
    pub name: String,
    pub notes: Vec<WrittenNote>,
    /// Where the first note stands in the bar.
    pub first: u64,
    pub steps: Vec<MelodyStep>,
}

#[derive(Clone, Copy, Debug)]
pub struct WrittenNote {
    /// From the first note on.
    pub start: f64,
    pub length: f64,
    pub key: u8,
}

impl Written {
    /// Reads any file of music.
    pub fn open(path: &Path) -> Result<Written> {
        Written::read(&path.display().to_string(), &std::fs::read(path)?)
    }

    pub fn read(file: &str, bytes: &[u8]) -> Result<Written> {
        let source = arranger::Tune::read(file, bytes)?.source;
        let melody = Melody::find(&source, &Choice::default())?;
        let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
        let steps = melody::steps(&melody, &grid)?;
        ensure!(!steps.is_empty(), "{file} holds no melody");
        let (step, first) = (f64::from(source.ticks_per_quarter) / 4.0, melody.first_onset());
        let sixteenths = |ticks: Tick| f64::from(ticks) / step;
        let notes = melody.notes.iter().map(|note| WrittenNote {
            start: sixteenths(note.start - first),
            length: sixteenths(note.end - note.start),
            key: note.pitch.midi(),
        });
        Ok(Written {
            name: Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            notes: notes.collect(),
            first: steps[0].phase.index() as u64,
            steps,
        })
    }

    pub fn shortened(mut self, notes: usize) -> Written {
        self.notes.truncate(notes);
        let end = self.notes.last().map_or(0.0, |note| note.start + note.length);
        let first = self.steps[0].position;
        self.steps.retain(|step| f64::from(step.position - first) < end);
        self
    }
}
