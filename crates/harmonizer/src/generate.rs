//! New chorales: the soprano is drawn too.

use chorale::census::ends_by_a_fifth;
use chorale::{Chorale, Chord, Part, Phase, PitchClassDurations, is_good_ending};
use network::ModelError;

use crate::harmonizer::{Harmonizer, Limits, Sampling, StepRules};

/// The last steps of a new chorale, in which it seeks a close: two beats.
const CLOSE: usize = 8;

/// The last steps that are drawn again, and how often, until the bass falls by a fifth to the tonic.
const ENDING: usize = 16;
const ENDINGS: u64 = 48;
const BY_A_FIFTH: u8 = 3;

/// `length` steps: those of `prompt`, then new ones within `limits`, the soprano too drawn from the network. `phase` tells
/// the phase of each, counted from 0. The last four beats are drawn again until the bass falls by a fifth to the tonic.
///
/// # Errors
/// When the model fails to run.
pub fn generate(
    prompt: &[Chord],
    length: usize,
    phase: impl Fn(usize) -> Phase,
    limits: Limits,
    harmonizer: &mut Harmonizer,
) -> Result<Chorale, ModelError> {
    let sampling = harmonizer.sampling();
    let write = |chords: &mut Vec<Chord>, harmonizer: &mut Harmonizer, sampling: Sampling, until: usize| {
        for step in chords.len()..until {
            harmonizer.step(chords.last().copied().unwrap_or(Chord::START), phase(step))?;
            chords.push(match prompt.get(step) {
                Some(&chord) => chord,
                None => {
                    let is_closing = step + CLOSE >= length;
                    harmonizer.continuation_by(&StepRules { sampling, limits, is_closing })?
                }
            });
        }
        Ok::<(), ModelError>(())
    };
    let mut chords: Vec<Chord> = Vec::with_capacity(length);
    write(&mut chords, harmonizer, sampling, length.saturating_sub(ENDING).max(prompt.len()).min(length))?;
    let mut best: Option<(u8, Vec<Chord>)> = None;
    for attempt in 0..ENDINGS {
        let (mut chords, mut harmonizer) = (chords.clone(), harmonizer.clone());
        // Far from the seeds that a user would give.
        let sampling = Sampling { seed: sampling.seed.wrapping_add(attempt << 40), ..sampling };
        write(&mut chords, &mut harmonizer, sampling, length)?;
        let closes = closes(&chords);
        if best.as_ref().is_none_or(|(least, _)| closes > *least) {
            best = Some((closes, chords));
        }
        if closes == BY_A_FIFTH {
            break;
        }
    }
    Ok(Chorale { chords: best.map_or(chords, |(_, chords)| chords) })
}

/// How well a piece ends: 0 on no chord to end on, 1 on one, 2 on that of its key, [`BY_A_FIFTH`] if the bass falls to it
/// from the fifth degree too, as nine in ten of Bach's do.
fn closes(chords: &[Chord]) -> u8 {
    let Some(last) = chords.last().filter(|last| is_good_ending(&last.pitches())) else { return 0 };
    let tonic = PitchClassDurations::of(chords).key().map(|key| key.tonic());
    match last[Part::Bass].pitch().map(|bass| bass.class()) == tonic {
        true if ends_by_a_fifth(chords) => BY_A_FIFTH,
        is_on_tonic => 1 + u8::from(is_on_tonic),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chorale::{Pitch, Token};
    use network::Model;

    use super::*;

    fn chord(pitches: [u8; 4]) -> Chord {
        Chord(pitches.map(|pitch| Pitch::new(pitch).and_then(Token::from_pitch).unwrap_or(Token::REST)))
    }

    #[test]
    fn a_new_chorale_ends_on_its_tonic() {
        let model = Arc::new(Model::lstm().unwrap());
        let ends = |seed: u64| {
            let mut harmonizer = Harmonizer::new(Arc::clone(&model), Sampling { seed, ..Sampling::default() });
            let chorale = generate(&[], 64, Phase::in_bar, Limits::default(), &mut harmonizer).unwrap();
            assert_eq!(chorale.chords.len(), 64);
            closes(&chorale.chords)
        };
        let count = (0..8).filter(|seed| ends(*seed) == BY_A_FIFTH).count();
        assert!(count >= 6, "{count} of 8");
        let mut harmonizer = Harmonizer::new(model, Sampling::default());
        let prompt = vec![chord([72, 67, 64, 48]); 60];
        assert_eq!(
            generate(&prompt, 64, Phase::in_bar, Limits::default(), &mut harmonizer).unwrap().chords[..60],
            prompt
        );
    }
}
