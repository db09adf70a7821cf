//! What a training piece goes through in an epoch: another key, and now and then what Bach's pages never show but live
//! playing does: wrong notes in the past, and a sudden transposition.

use chorale::{Chorale, Chord, Part, Phase, Token};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::dataset::CorpusPiece;
use crate::settings::TrainingSettings;

/// A sequence to learn from: what is to be foretold at each step, and what is heard of it afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub chords: Vec<Chord>,
    /// As long as `chords`, and the same but for wrong notes.
    pub heard: Vec<Chord>,
    pub phases: Vec<Phase>,
}

/// Wrong notes stay for at most so many steps, and lie at most so many semitones off.
const LONGEST_ERROR: usize = 8;
const WIDEST_ERROR: i32 = 5;
/// One wrong note in so many steps, in a piece that has any.
const STEPS_AN_ERROR: usize = 24;
/// A transposition within the piece leaves at least so many steps before and after it.
const STEPS_AROUND_A_JUMP: usize = 16;

/// The piece in a freshly drawn legal transposition, with or without its place in the bar, perturbed or not.
pub fn example(piece: &CorpusPiece, settings: &TrainingSettings, rng: &mut impl Rng) -> Example {
    let semitones = *piece.chorale.legal_transpositions().choose(rng).unwrap_or(&0);
    let moved = piece.chorale.transposed(semitones).unwrap_or_else(|| piece.chorale.clone());
    let in_bar = rng.random::<f64>() >= settings.unknown_phase;
    let phases = piece.phases(in_bar);
    let chords = if rng.random::<f64>() < settings.jumps { jump(moved, rng) } else { moved.chords };
    let mut heard = chords.clone();
    if rng.random::<f64>() < settings.errors {
        for _ in 0..heard.len().div_ceil(STEPS_AN_ERROR) {
            err(&mut heard, rng);
        }
    }
    Example { chords, heard, phases }
}

/// From some step on a semitone or a tone higher or lower, where the parts' ranges allow it.
fn jump(chorale: Chorale, rng: &mut impl Rng) -> Vec<Chord> {
    let mut chords = chorale.chords;
    if chords.len() <= 2 * STEPS_AROUND_A_JUMP {
        return chords;
    }
    let from = rng.random_range(STEPS_AROUND_A_JUMP..chords.len() - STEPS_AROUND_A_JUMP);
    let rest = Chorale { chords: chords.split_off(from) };
    let legal: Vec<i32> =
        rest.legal_transpositions().into_iter().filter(|semitones| (1..=2).contains(&semitones.abs())).collect();
    let moved = legal.choose(rng).and_then(|&semitones| rest.transposed(semitones)).unwrap_or(rest);
    chords.extend(moved.chords);
    chords
}

/// One note of one part somewhere, or a part of it, is another.
fn err(heard: &mut [Chord], rng: &mut impl Rng) {
    let part = *Part::ALL.choose(rng).unwrap_or(&Part::Bass);
    let from = rng.random_range(0..heard.len());
    let steps = rng.random_range(1..=LONGEST_ERROR);
    let semitones = rng.random_range(1..=WIDEST_ERROR) * if rng.random() { 1 } else { -1 };
    for chord in heard.iter_mut().skip(from).take(steps) {
        let (low, high) = part.range();
        let wrong = chord[part]
            .transposed(semitones)
            .filter(|wrong: &Token| wrong.pitch().is_some_and(|pitch| low <= pitch && pitch <= high));
        chord[part] = wrong.unwrap_or(chord[part]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn piece() -> CorpusPiece {
        let mut text = String::from("note0,note1,note2,note3\n");
        for step in 0..96 {
            text += &format!("{},{},{},{}\n", 67 + step / 4 % 5, 60 + step / 8 % 3, 55, 43 + step / 4 % 7);
        }
        CorpusPiece { name: "piece".into(), chorale: Chorale::from_csv(&text).unwrap(), metre: None }
    }

    fn settings(jumps: f64, errors: f64) -> TrainingSettings {
        TrainingSettings { jumps, errors, ..Settings::lstm().training }
    }

    proptest! {
        #[test]
        fn without_perturbation_an_example_is_the_piece_in_another_key(seed in any::<u64>()) {
            let example = example(&piece(), &settings(0.0, 0.0), &mut ChaCha8Rng::seed_from_u64(seed));
            let original = piece().chorale;
            let keys: Vec<_> =
                original.legal_transpositions().iter().filter_map(|&semitones| original.transposed(semitones)).collect();
            let in_some_key = keys.iter().any(|moved| moved.chords == example.chords);
            prop_assert!(in_some_key);
            prop_assert_eq!(&example.heard, &example.chords);
            prop_assert_eq!(example.phases.len(), 96);
        }

        #[test]
        fn a_jump_moves_all_parts_once_and_keeps_them_in_their_ranges(seed in any::<u64>()) {
            let original = piece().chorale.chords;
            let jumped = jump(piece().chorale, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(jumped.len(), original.len());
            let offset = |step: usize| {
                Part::ALL.map(|part| jumped[step][part].index() as i32 - original[step][part].index() as i32)
            };
            let last = offset(95);
            prop_assert!((1..=2).contains(&last[0].abs()), "{last:?}");
            prop_assert_eq!(last, [last[0]; 4]);
            let from = (0..96).position(|step| offset(step) == last).unwrap();
            prop_assert!((16..=80).contains(&from));
            for step in 0..96 {
                prop_assert_eq!(offset(step), if step < from { [0; 4] } else { last });
            }
            let legal = Chorale { chords: jumped.clone() }.legal_transpositions();
            prop_assert!(legal.contains(&0));
        }

        #[test]
        fn errors_change_what_is_heard_and_never_what_is_to_be_foretold(seed in any::<u64>()) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut errors = 0;
            // A wrong note that would leave its part's range is left out, so that one piece may happen to have none.
            for _ in 0..16 {
                let example = example(&piece(), &settings(0.0, 1.0), &mut rng);
                let wrong = example.heard.iter().zip(&example.chords).filter(|(heard, chord)| heard != chord).count();
                prop_assert!(wrong <= 4 * LONGEST_ERROR, "{} steps with errors", wrong);
                errors += wrong;
                let heard = Chorale { chords: example.heard };
                prop_assert!(heard.legal_transpositions().contains(&0));
            }
            prop_assert!(errors > 0);
        }
    }
}
