//! A score as the networks hear it: a chord a step.

use chorale::{Chord, Part, Pitch, Token};
use thiserror::Error;

use crate::grid::Grid;
use crate::score::Score;

/// A pitch that has no token.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{} has {pitch} in bar {bar}, outside the trained {} to {}", part.name(), Pitch::LOWEST, Pitch::HIGHEST)]
pub struct OutOfVocabulary {
    part: Part,
    pitch: Pitch,
    bar: u32,
}

/// The chords that a score has on `grid` from `first_step` on, one a step, to its end but at most `limit`.
///
/// # Errors
/// The first pitch among them that the networks do not know.
pub fn chords_of(score: &Score, grid: &Grid, first_step: u32, limit: u32) -> Result<Vec<Chord>, OutOfVocabulary> {
    let end_step = grid.nearest_step(score.end()).clamp(first_step, first_step.saturating_add(limit));
    let mut chords = vec![Chord::SILENCE; (end_step - first_step) as usize];
    for part in Part::ALL {
        for note in score.part(part) {
            let onset = grid.nearest_step(note.start);
            let end = grid.nearest_step(note.end).max(onset + 1).min(end_step);
            for step in onset.max(first_step)..end {
                let token = Token::from_pitch(note.pitch).ok_or_else(|| OutOfVocabulary {
                    part,
                    pitch: note.pitch,
                    bar: grid.bar(step).number,
                })?;
                chords[(step - first_step) as usize][part] = token;
            }
        }
    }
    Ok(chords)
}
