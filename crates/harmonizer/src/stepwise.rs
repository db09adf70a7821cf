//! Harmony for a whole melody as live playing would give it.
//!
//! It stays causal: the chord of a step rests on the steps before it and the soprano of the step, never on what comes.

use chorale::Chord;
use files::melody::{Fold, MelodyStep};
use network::ModelError;
use thiserror::Error;

use crate::constraints::{Constraints, OutOfReach};
use crate::harmonizer::{Harmonizer, StepRules};

/// The chord of every step, as the network heard and answered it: folded into its range.
///
/// A rest of the melody has no steps: the network's time stands still in it, as it does in live playing, and the bar
/// phase goes on.
///
/// # Errors
/// When the model fails to run; a range outside what it knows.
pub fn harmonize(
    steps: &[MelodyStep],
    fold: Fold,
    constraints: &Constraints,
    harmonizer: &mut Harmonizer,
) -> Result<Vec<Chord>, HarmonizeError> {
    let mut chords: Vec<Chord> = Vec::with_capacity(steps.len());
    for (step, may_move) in steps.iter().zip(constraints.moves(steps)) {
        let before = chords.last().copied();
        harmonizer.step(before.unwrap_or(Chord::START), step.phase)?;
        let (soprano, semitones) = fold.apply(step.soprano);
        chords.push(match before.filter(|_| !may_move) {
            Some(held) => held,
            None => {
                let limits = constraints.limits(semitones)?;
                harmonizer.answer_by(soprano, &StepRules { limits, ..harmonizer.rules() })?
            }
        });
    }
    Ok(chords)
}

/// See [`harmonize`].
#[derive(Debug, Error)]
pub enum HarmonizeError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}
