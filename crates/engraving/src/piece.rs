//! A finished piece: its notes, and what is heard in them.

use files::{Grid, Score, Tick};

use crate::analysis::{self, Sounding};
use crate::marks::{self, Mark};
use crate::position::{BarPosition, bar_position};

/// A score with what is known of it.
pub struct Piece {
    pub score: Score,
    pub grid: Grid,
    pub chords: Vec<Sounding>,
    pub marks: Vec<Mark>,
    /// Where the last notes of phrases begin, in order, where somebody has found them; empty where nobody has looked for them.
    pub phrase_ends: Vec<Tick>,
}

impl Piece {
    pub fn new(score: Score, grid: Grid) -> Piece {
        let chords = analysis::chords(&score, &grid);
        let marks = marks::marks(&score, &grid);
        Piece { score, grid, chords, marks, phrase_ends: Vec::new() }
    }

    /// The bar and beat of a tick.
    pub fn position(&self, tick: Tick) -> BarPosition {
        bar_position(&self.grid, self.grid.nearest_step(tick))
    }

    /// Where a beat begins, or a part of one such as 2.5, as musicians count it: bars from 1, a pickup being bar 0, beats from
    /// 1. None where the piece has no such place.
    pub fn tick_at(&self, bar: u32, beat: f64) -> Option<Tick> {
        let Piece { score, grid, .. } = self;
        let places = (0..grid.nearest_step(score.end())).map(|step| (step, bar_position(grid, step)));
        let in_bar = places.skip_while(|(_, place)| place.bar < bar).take_while(|(_, place)| place.bar == bar);
        // Triplets lie between the steps.
        let reached = in_bar.take_while(|(_, place)| place.beats() <= beat + 0.01).last();
        let (step, place) = reached?;
        (beat - place.beats() < 1.0).then(|| grid.tick(step))
    }
}
