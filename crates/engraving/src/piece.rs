//! A finished piece: its notes, and what is heard in them.

use files::{Grid, Score};

use crate::analysis::{self, Sounding};
use crate::marks::{self, Mark};

/// A score with what is known of it.
pub struct Piece {
    pub score: Score,
    pub grid: Grid,
    pub chords: Vec<Sounding>,
    pub marks: Vec<Mark>,
}

impl Piece {
    pub fn new(score: Score, grid: Grid) -> Piece {
        let chords = analysis::chords(&score, &grid);
        let marks = marks::marks(&score, &grid);
        Piece { score, grid, chords, marks }
    }
}
