//! Harmony for a whole melody as live playing would give it.
//!
//! It stays causal: the chord of a step rests on the steps before it and the soprano of the step, never on what comes.

use chorale::{Chord, Phase};
use files::melody::{Fold, MelodyStep};
use network::ModelError;
use thiserror::Error;

use crate::constraints::{Constraints, OutOfReach};
use crate::harmonizer::{Harmonizer, StepRules};

/// The chord of every step, as the network heard and answered it: folded into its range.
///
/// A rest of the melody has no steps. As in live playing, where nobody knows it from an articulation before a beat is over,
/// the network hears the last chord go on in its first beat; then its time stands still, and the bar phase goes on.
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
    let mut last: Option<&MelodyStep> = None;
    for (step, may_move) in steps.iter().zip(constraints.moves(steps)) {
        let before = chords.last().copied();
        if let (Some(last), Some(before)) = (last.replace(step), before) {
            for phase in heard_in_rest(last, step) {
                harmonizer.step(before, phase)?;
            }
        }
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

/// The steps of the first beat of a rest, if there is one between two steps of the melody.
fn heard_in_rest(last: &MelodyStep, next: &MelodyStep) -> impl Iterator<Item = Phase> {
    let first = last.position + 1;
    let end = if last.end < next.start { next.position.min(first + Phase::STEPS_PER_BEAT as u32) } else { first };
    let (phase, position) = (next.phase, next.position);
    (first..end).map(move |heard| phase.before((position - heard) as usize))
}

/// See [`harmonize`].
#[derive(Debug, Error)]
pub enum HarmonizeError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use network::Model;

    use super::*;
    use crate::sampling::Sampling;
    use crate::test_steps::step;

    #[test]
    fn in_the_first_beat_of_a_rest_the_network_hears_the_last_chord_go_on_and_then_nothing() {
        let model = Arc::new(Model::wavenet().unwrap());
        let harmonizer = || Harmonizer::new(Arc::clone(&model), Sampling::default());
        let check = |rest: u32, heard: u32| {
            let next = 4 + rest;
            let steps: Vec<MelodyStep> = (0..4).chain(next..next + 4).map(|index| step(index, 67)).collect();
            let found = harmonize(&steps, Fold::Whole(0), &Constraints::default(), &mut harmonizer()).unwrap();
            let mut alone = harmonizer();
            let mut before = Chord::START;
            for (step, chord) in steps[..4].iter().zip(&found) {
                alone.step(before, step.phase).unwrap();
                before = *chord;
            }
            for index in 4..4 + heard {
                alone.step(before, Phase::in_beat(index as usize)).unwrap();
            }
            alone.step(before, steps[4].phase).unwrap();
            let (soprano, _) = Fold::Whole(0).apply(steps[4].soprano);
            assert_eq!(found[4], alone.answer(soprano).unwrap(), "after a rest of {rest} sixteenths");
        };
        check(4, 4);
        check(6, 4);
        check(16, 4);
    }
}
