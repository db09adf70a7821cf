//! New chorales: the soprano is drawn too.
//!
//! A chorale has a form before it has notes: phrases of two bars, each with its end, the first two of them sung twice where
//! there are enough (bar form, as in most of Bach's chorales). The search then heads for a cadence at each end.

use std::sync::Arc;

use chorale::{Chorale, Chord, GivenChord, Key, Part, Phase, PitchClassDurations};
use network::{Model, ModelError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::harmonizer::Limits;
use crate::phrasing::{self, Phrasing};
use crate::sampling::Sampling;
use crate::search::{self, Goal, Plan, SearchStep, goals};

/// Steps of a phrase: two bars of four beats; and of its last note, and the piece's.
const PHRASE: usize = 2 * Phase::STEPS_PER_BAR;
const REST: usize = 4;
const LAST_REST: usize = 8;
/// Steps for which the last dominant stands at least: half a beat, before which it may be suspended.
const LAST_DOMINANT: usize = 2;

/// The fewest steps before the first end, and phrases of a piece in bar form.
const SHORTEST: usize = 12;
const BAR_FORM: usize = 5;

/// Particles of the search, and how often it is run again when a piece goes round in circles.
const PARTICLES: usize = 8;
const ATTEMPTS: u64 = 8;

/// Keys in which the parts lie well, each once; about as many minor as Bach has.
const KEYS: [&str; 12] = ["C", "D", "Eb", "F", "G", "A", "Bb", "a", "d", "e", "g", "b"];

/// What a new chorale is to be.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// Chords to begin with.
    pub prompt: &'a [Chord],
    /// Steps of the whole piece.
    pub length: usize,
    /// That in which it begins and ends; without one that of the prompt, or one drawn by the seed.
    pub key: Option<Key>,
    pub limits: Limits,
}

impl Outline<'_> {
    /// The key in which the piece of a seed begins and ends.
    pub fn home(&self, seed: u64) -> Key {
        let drawn = || KEYS[ChaCha8Rng::seed_from_u64(seed).random_range(0..KEYS.len())].parse().ok();
        let told = self.key.or_else(|| PitchClassDurations::of(self.prompt).key());
        told.or_else(drawn).unwrap_or(Key { sharps: 0, minor: false })
    }
}

/// A chorale after an outline; `phase` tells the phase of each step, counted from 0.
///
/// # Errors
/// When the model fails to run.
pub fn generate(
    model: &Arc<Model>,
    sampling: Sampling,
    outline: Outline,
    phase: impl Fn(usize) -> Phase,
) -> Result<Chorale, ModelError> {
    let home = outline.home(sampling.seed);
    let mut best = None;
    for attempt in 0..ATTEMPTS {
        // Far from the seeds that a user would give.
        let seed = sampling.seed.wrapping_add(attempt << 40);
        let chords = write(model, Sampling { seed, ..sampling }, outline, home, &phase)?;
        let is_going_round = goes_round(&chords[outline.prompt.len()..]);
        best.get_or_insert_with(|| chords.clone());
        if !is_going_round {
            best = Some(chords);
            break;
        }
    }
    Ok(Chorale { chords: best.unwrap_or_default() })
}

fn write(
    model: &Arc<Model>,
    sampling: Sampling,
    outline: Outline,
    home: Key,
    phase: &impl Fn(usize) -> Phase,
) -> Result<Vec<Chord>, ModelError> {
    let Outline { prompt, length, limits, .. } = outline;
    let spans = phrases(prompt.len(), length);
    let search = |chords: &[Chord], until: usize| {
        let plan = plan(chords, until, &spans, home, limits, phase, length);
        search::search(model, sampling, &plan, PARTICLES).map(|found| found.chords)
    };
    if !prompt.is_empty() || spans.len() < BAR_FORM {
        return search(prompt, length);
    }
    // Two phrases, and the same again.
    let until = spans[1].1;
    let mut chords = search(prompt, until)?;
    chords.extend_from_within(..);
    search(&chords, length)
}

/// The last note of each phrase, from its arrival to its end, counted back from the end of the piece.
fn phrases(prompt: usize, length: usize) -> Vec<(usize, usize)> {
    let mut spans = vec![(length.saturating_sub(LAST_REST).max(prompt), length)];
    // From here on two bars back each, so that the piece divides into phrases.
    let mut end = length.saturating_sub(PHRASE);
    while end >= prompt + SHORTEST + REST {
        spans.push((end - REST, end));
        end = end.saturating_sub(PHRASE);
    }
    spans.reverse();
    spans
}

fn plan(
    chords: &[Chord],
    until: usize,
    spans: &[(usize, usize)],
    home: Key,
    limits: Limits,
    phase: &impl Fn(usize) -> Phase,
    length: usize,
) -> Plan {
    let given = chords.iter().enumerate().map(|(step, chord)| {
        let mut limits = limits;
        for part in Part::LOWER {
            limits.kept[part.index()] = Some(chord[part]);
        }
        SearchStep {
            soprano: Some(chord[Part::Soprano]),
            phase: phase(step),
            limits,
            may_move: true,
            is_closing: false,
            sounding: None,
            chord: None,
            span: None,
        }
    });
    let is_held = |step: usize| spans.iter().any(|(arrival, end)| (arrival + 1..*end).contains(&step));
    let last_arrival = spans.last().map_or(length, |(arrival, _)| *arrival);
    let chord = |step: usize| match step {
        0 => Some(over_its_root(goals::tonic(home))),
        _ if (last_arrival.saturating_sub(LAST_DOMINANT)..last_arrival).contains(&step) => {
            Some(over_its_root(goals::dominant(home.tonic())))
        }
        _ => None,
    };
    let free = (chords.len()..until).map(|step| SearchStep {
        soprano: None,
        phase: phase(step),
        limits: Limits { chord: chord(step), ..limits },
        may_move: !is_held(step),
        is_closing: false,
        sounding: None,
        chord: None,
        span: None,
    });
    let steps = given.chain(free).collect();
    let goals =
        spans.iter().filter(|(arrival, end)| *arrival >= chords.len() && *end <= until).map(|&(arrival, end)| {
            let options = phrasing::cadences(home, end == length, Phrasing::learned());
            Goal { arrival, end, options }
        });
    Plan { steps, home: chords.is_empty().then_some(home), goals: goals.collect(), ..Plan::default() }
}

/// A chord over its root: of the first one and of the dominant before the last no cost of a wrong third would let only right
/// ones through, since no draw of them is weighed against others. A soprano of our own can always go to them.
fn over_its_root(chord: GivenChord) -> GivenChord {
    GivenChord { bass: Some(chord.root), ..chord }
}

/// Whether a figure of a bar or less comes three times in a row.
fn goes_round(chords: &[Chord]) -> bool {
    [Phase::STEPS_PER_BAR / 2, Phase::STEPS_PER_BAR].into_iter().any(|length| {
        let same = |step: usize| chords[step] == chords[step + length];
        let mut run = 0;
        (0..chords.len().saturating_sub(length)).any(|step| {
            run = if same(step) { run + 1 } else { 0 };
            // What does not move at all is a rest.
            run >= 2 * length && chords[step + 1 - length..=step].iter().any(|chord| *chord != chords[step])
        })
    })
}

#[cfg(test)]
mod tests {
    use chorale::census::ends_by_a_fifth;
    use chorale::{Pitch, Token};

    use super::*;
    use crate::Purpose;

    fn chord(pitches: [u8; 4]) -> Chord {
        Chord(pitches.map(|pitch| Pitch::new(pitch).and_then(Token::from_pitch).unwrap_or(Token::REST)))
    }

    #[test]
    fn a_new_chorale_begins_on_its_tonic_rests_at_its_phrases_and_closes_from_its_dominant() {
        let model = Arc::new(Model::lstm().unwrap());
        let mut rested = 0;
        for (seed, key) in [(1, "D"), (2, "g"), (3, "Bb"), (4, "e")] {
            let key: Key = key.parse().unwrap();
            let outline = Outline { prompt: &[], length: 192, key: Some(key), limits: Limits::default() };
            let sampling = Sampling { seed, ..Sampling::of(&model, Purpose::New) };
            let chords = generate(&model, sampling, outline, Phase::in_bar).unwrap().chords;
            assert_eq!(chords.len(), 192);
            assert_eq!(chords[..64], chords[64..128], "{key}: bar form");
            let bass = |step: usize| chords[step][Part::Bass].pitch().map(Pitch::class);
            assert_eq!([bass(0), bass(191)], [Some(key.tonic()); 2], "{key}");
            assert!(ends_by_a_fifth(&chords), "{key}");
            let dominant = goals::dominant(key.tonic());
            for (step, chord) in [(0, goals::tonic(key)), (182, dominant), (183, dominant)] {
                let chord = over_its_root(chord);
                assert!(chord.is_heard_in(&chords[step].pitches()), "{key}: step {step} is {:?}", chords[step]);
            }
            for end in [32, 64, 160, 192] {
                let is_still = chords[end - 4..end].iter().all(|chord| *chord == chords[end - 1]);
                assert!(is_still, "{key}: a rest before {end}");
                rested += usize::from(chorale::is_good_ending(&chords[end - 1].pitches()));
            }
        }
        assert!(rested >= 15, "of 16 phrases {rested} end on a triad over its root");
    }

    #[test]
    fn a_prompt_stays_as_it_is() {
        let model = Arc::new(Model::lstm().unwrap());
        let prompt = vec![chord([72, 67, 64, 48]); 40];
        let outline = Outline { prompt: &prompt, length: 64, key: None, limits: Limits::default() };
        let chords = generate(&model, Sampling::default(), outline, Phase::in_bar).unwrap().chords;
        assert_eq!((chords.len(), &chords[..40]), (64, &prompt[..]));
        assert_eq!(chords[63][Part::Bass].pitch().map(Pitch::class), Some(0));
    }

    #[test]
    fn a_bar_three_times_in_a_row_goes_round_and_a_rest_does_not() {
        let bar: Vec<Chord> = (0..16).map(|step| chord([72, 67, 64, 48 + step / 4])).collect();
        assert!(!goes_round(&bar.repeat(2)));
        assert!(goes_round(&bar.repeat(3)));
        assert!(!goes_round(&[chord([72, 67, 64, 48])].repeat(64)));
    }
}
