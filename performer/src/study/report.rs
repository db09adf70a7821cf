//! Whole data sets harmonized as in live playing, and what comes of it in figures.

use std::collections::HashMap;
use std::sync::Arc;

use chorale::census::Census;
use chorale::{Chorale, Chord, Part, Phase, Sonority, Token, has_semitone_dissonance, phrase_ends};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use harmonizer::parallel::on_all_cores;
use harmonizer::phrasing::{self, Mark, Phrasing, Signature};
use harmonizer::search::{self, Plan};
use harmonizer::{Harmonizer, Limits, Outline, Sampling, StepRules};
use network::{Model, ModelError};

/// How a soprano is harmonized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As in live playing.
    Live,
    /// The same, with the cadence cue given as the last soprano note is struck.
    LiveWithCue,
    /// By [`search`], with so many particles, in the key that the soprano is found to be in.
    Ahead(usize),
    /// The same, told where the phrases of the piece end.
    AheadWithFermatas(usize),
}

/// Alto, tenor and bass anew under the soprano of `piece`, each step knowing only what came before it.
///
/// # Errors
/// When the model fails to run.
pub fn harmonized(
    model: &Arc<Model>,
    sampling: Sampling,
    piece: &Chorale,
    phases: &[Phase],
    way: Way,
) -> Result<Chorale, ModelError> {
    if let Way::Ahead(particles) | Way::AheadWithFermatas(particles) = way {
        let plan = plan(piece, phases, matches!(way, Way::AheadWithFermatas(_)));
        return Ok(Chorale { chords: search::search(model, sampling, &plan, particles)?.chords });
    }
    let steps = search::steps(sopranos(piece, phases), way == Way::LiveWithCue);
    let mut harmonizer = Harmonizer::new(Arc::clone(model), sampling);
    let mut previous = Chord::START;
    let mut chords = Vec::with_capacity(steps.len());
    for step in steps {
        harmonizer.step(previous, step.phase)?;
        let rules = StepRules { is_closing: step.is_closing, ..harmonizer.rules() };
        previous = harmonizer.answer_by(step.soprano.unwrap_or(Token::REST), &rules)?;
        chords.push(previous);
    }
    Ok(Chorale { chords })
}

fn sopranos<'a>(piece: &'a Chorale, phases: &'a [Phase]) -> impl Iterator<Item = (Token, Phase)> + 'a {
    piece.chords.iter().map(|chord| chord[Part::Soprano]).zip(phases.iter().copied())
}

/// What the search is given: as `render` does for a melody that comes without a key, with or without fermatas where the
/// piece's phrases end.
pub fn plan(piece: &Chorale, phases: &[Phase], has_fermatas: bool) -> Plan {
    let mut plan = Plan::of(search::steps(sopranos(piece, phases), false));
    let sopranos: Vec<Token> = piece.chords.iter().map(|chord| chord[Part::Soprano]).collect();
    let (mut contour, notes) = search::contour_of_sopranos(&sopranos);
    let ends = if has_fermatas { phrase_ends(&piece.chords).ends } else { Vec::new() };
    for note in &mut contour.notes {
        let sounds = note.onset..note.onset + note.length;
        if ends.iter().any(|end| sounds.contains(&(end.arrival as u32))) {
            note.mark = Mark::Fermata;
        }
    }
    let key = phrasing::melody_key(&contour, Signature::None, Phrasing::learned());
    plan.head_for_cadences(&contour, &notes, key);
    plan
}

/// Harmonizes every piece (the seed of each is the sampling's plus its place) and counts what comes of it, beside what
/// Bach wrote.
///
/// # Errors
/// When the model fails to run.
pub fn harmonize_all(
    model: &Arc<Model>,
    sampling: Sampling,
    pieces: &[(Chorale, Vec<Phase>)],
    way: Way,
    done: impl Fn() + Sync,
) -> Result<(Census, Vec<Chorale>), ModelError> {
    let chorales = on_all_cores(pieces, |index, (piece, phases)| {
        let sampling = Sampling { seed: sampling.seed.wrapping_add(index as u64), ..sampling };
        let chorale = harmonized(model, sampling, piece, phases, way);
        done();
        chorale
    })?;
    let mut census = Census::default();
    for (chorale, (piece, _)) in chorales.iter().zip(pieces) {
        census.add(&of_phrases(chorale, piece));
        census.compare(chorale, piece);
    }
    Ok((census, chorales))
}

/// A harmonization counted, its phrases where those of `piece` end: the same soprano, as Bach harmonized it.
pub fn of_phrases(chorale: &Chorale, piece: &Chorale) -> Census {
    let mut census = Census::of(chorale);
    census.count_phrases(&chorale.chords, &phrase_ends(&piece.chords));
    census
}

/// Nats a note that the network gives whole chorales, all four parts.
///
/// # Errors
/// When the model fails to run.
pub fn nats_a_note(
    model: &Arc<Model>,
    chorales: &[Chorale],
    pieces: &[(Chorale, Vec<Phase>)],
) -> Result<f64, ModelError> {
    let both: Vec<_> = chorales.iter().zip(pieces).collect();
    let nats = on_all_cores(&both, |_, (chorale, (_, phases))| {
        let mut steps = search::steps(sopranos(chorale, phases), false);
        for (step, chord) in steps.iter_mut().zip(&chorale.chords) {
            for part in Part::LOWER {
                step.limits.kept[part.index()] = Some(chord[part]);
            }
        }
        // One particle has nothing to choose: every part is given.
        Ok(-search::search(model, Sampling::default(), &Plan::of(steps), 1)?.log_likelihood)
    })?;
    let notes: usize = chorales.iter().map(|chorale| 4 * chorale.chords.len()).sum();
    Ok(nats.iter().sum::<f64>() / notes.max(1) as f64)
}

/// `count` new chorales of `steps` steps, and their figures.
///
/// # Errors
/// When the model fails to run.
pub fn generate_all(
    model: &Arc<Model>,
    sampling: Sampling,
    count: usize,
    steps: usize,
    done: impl Fn() + Sync,
) -> Result<(Census, Vec<Chorale>), ModelError> {
    let seeds: Vec<u64> = (0..count as u64).map(|index| sampling.seed.wrapping_add(index)).collect();
    let chorales = on_all_cores(&seeds, |_, &seed| {
        let outline = Outline { prompt: &[], length: steps, key: None, limits: Limits::default() };
        let chorale = harmonizer::generate(model, Sampling { seed, ..sampling }, outline, Phase::in_bar);
        done();
        chorale
    })?;
    let mut census = Census::default();
    chorales.iter().for_each(|chorale| census.add(&Census::of(chorale)));
    Ok((census, chorales))
}

/// How much of some pieces stands in others, up to transposition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copied {
    /// Share of the windows of [`COPY_WINDOW`] steps that stand in the others.
    pub share: f64,
    /// The longest run of steps that stands in the others, and the median over the pieces of each one's longest, and what
    /// nine in ten don't exceed.
    pub longest: usize,
    pub median_longest: usize,
    pub ninetieth_longest: usize,
}

pub const COPY_WINDOW: usize = 8;

impl Copied {
    pub fn of(pieces: &[Chorale], others: &[&Chorale]) -> Copied {
        // A window that never moves says nothing about copying.
        let is_moving = |window: &[Chord]| window.iter().any(|chord| *chord != window[0]);
        let mut places: HashMap<Vec<u8>, Vec<(usize, usize)>> = HashMap::new();
        for (index, other) in others.iter().enumerate() {
            for (step, window) in other.chords.windows(COPY_WINDOW).enumerate() {
                places.entry(relative(window)).or_default().push((index, step));
            }
        }
        let (mut windows, mut copied, mut longest_runs) = (0, 0, Vec::new());
        for piece in pieces {
            let mut longest = 0;
            for (step, window) in piece.chords.windows(COPY_WINDOW).enumerate() {
                if !is_moving(window) {
                    continue;
                }
                windows += 1;
                let Some(found) = places.get(&relative(window)) else { continue };
                copied += 1;
                for &(index, place) in found {
                    let theirs = &others[index].chords[place..];
                    let run = (COPY_WINDOW..=theirs.len().min(piece.chords.len() - step))
                        .take_while(|&run| relative(&piece.chords[step..][..run]) == relative(&theirs[..run]))
                        .last();
                    longest = longest.max(run.unwrap_or(0));
                }
            }
            longest_runs.push(longest);
        }
        longest_runs.sort_unstable();
        let quantile = |tenths: usize| longest_runs.get(longest_runs.len() * tenths / 10).copied().unwrap_or(0);
        Copied {
            share: f64::from(copied) / f64::from(windows.max(1)),
            longest: longest_runs.last().copied().unwrap_or(0),
            median_longest: quantile(5),
            ninetieth_longest: quantile(9),
        }
    }
}

/// The pitches as seen from the first bass note; 255 for a rest.
fn relative(window: &[Chord]) -> Vec<u8> {
    let first = window.iter().find_map(|chord| chord[Part::Bass].pitch()).map_or(0, |pitch| pitch.midi());
    let from_first = |token: chorale::Token| token.pitch().map_or(255, |pitch| pitch.midi() + 64 - first);
    window.iter().flat_map(|chord| chord.0.map(from_first)).collect()
}

/// What can befall a soprano in the middle of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    None,
    /// From the middle on everything is a semitone higher.
    Transposition,
    /// Three notes from the middle on are others, up to a third away.
    WrongNotes,
}

impl Disturbance {
    pub const ALL: [Disturbance; 3] = [Disturbance::None, Disturbance::Transposition, Disturbance::WrongNotes];

    pub fn name(self) -> &'static str {
        ["undisturbed", "transposition", "wrong-notes"][self as usize]
    }

    /// The soprano so disturbed from `middle` on; and the step from which on it is right again.
    fn apply(self, soprano: &mut [Token], middle: usize, seed: u64) -> usize {
        match self {
            Disturbance::None => middle,
            Disturbance::Transposition => {
                soprano[middle..].iter_mut().for_each(|token| *token = token.transposed(1).unwrap_or(*token));
                middle
            }
            Disturbance::WrongNotes => {
                let mut generator = ChaCha8Rng::seed_from_u64(seed);
                let mut step = middle;
                for _ in 0..3 {
                    let right = soprano[step.min(soprano.len() - 1)];
                    let by = [-3, -2, -1, 1, 2, 3][generator.random_range(0..6)];
                    while step < soprano.len() && soprano[step] == right {
                        soprano[step] = right.transposed(by).unwrap_or(right);
                        step += 1;
                    }
                }
                step
            }
        }
    }
}

/// A piece that has not recovered after so many steps counts as if it took so many.
pub const RECOVERY_WINDOW: usize = 64;

/// Steps from the end of a disturbance (a transposition ends where it begins) to the first of two beats, one after the
/// other, whose chord is a triad, a part of one or a seventh chord, without a clash; ascending, one for each piece.
///
/// # Errors
/// When the model fails to run.
pub fn recovery(
    model: &Arc<Model>,
    sampling: Sampling,
    pieces: &[(Chorale, Vec<Phase>)],
    disturbance: Disturbance,
    done: impl Fn() + Sync,
) -> Result<Vec<usize>, ModelError> {
    let mut steps = on_all_cores(pieces, |index, (piece, phases)| {
        let mut soprano: Vec<Token> = piece.chords.iter().map(|chord| chord[Part::Soprano]).collect();
        let middle = soprano.len() / 2 / Phase::STEPS_PER_BEAT * Phase::STEPS_PER_BEAT;
        let right = disturbance.apply(&mut soprano, middle, index as u64);
        let sopranos = soprano.iter().map(|&token| {
            let mut chord = Chord::SILENCE;
            chord[Part::Soprano] = token;
            chord
        });
        let piece = Chorale { chords: sopranos.collect() };
        let sampling = Sampling { seed: sampling.seed.wrapping_add(index as u64), ..sampling };
        let chorale = harmonized(model, sampling, &piece, phases, Way::Live)?;
        done();
        let first_beat = right.next_multiple_of(Phase::STEPS_PER_BEAT);
        let is_right = |step: usize| {
            chorale.chords.get(step).is_none_or(|chord| {
                let pitches = chord.pitches();
                Sonority::of(&pitches) != Sonority::Unclassified && !has_semitone_dissonance(&pitches)
            })
        };
        let recovered = (first_beat..right + RECOVERY_WINDOW)
            .step_by(Phase::STEPS_PER_BEAT)
            .find(|&step| is_right(step) && is_right(step + Phase::STEPS_PER_BEAT));
        Ok(recovered.map_or(RECOVERY_WINDOW, |step| step - right))
    })?;
    steps.sort_unstable();
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chorale(bass: impl Iterator<Item = u8>) -> Chorale {
        let rows: String = bass.map(|pitch| format!("72,67,64,{pitch}\n")).collect();
        Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap()
    }

    #[test]
    fn a_passage_is_copied_up_to_transposition_and_a_held_chord_is_none() {
        let original = chorale(40..=52);
        let transposed = chorale(40..=52).transposed(3).unwrap();
        let copied = Copied::of(&[transposed], &[&original]);
        assert_eq!(copied, Copied { share: 1.0, longest: 13, median_longest: 13, ninetieth_longest: 13 });
        let held = chorale(std::iter::repeat_n(48, 20));
        assert_eq!(Copied::of(std::slice::from_ref(&held), &[&held]).share, 0.0);
        let half = chorale((40..=47).chain([60, 41, 60, 41, 60]));
        let copied = Copied::of(&[half], &[&original]);
        assert_eq!((copied.longest, copied.share), (8, 1.0 / 6.0));
    }

    #[test]
    fn a_disturbance_changes_the_soprano_from_the_middle_on_and_says_where_it_is_over() {
        let token = |midi| Token::from_pitch(chorale::Pitch::new(midi).unwrap()).unwrap();
        let soprano: Vec<Token> = (0..8u8).flat_map(|note| [token(65 + note); 4]).collect();
        let mut higher = soprano.clone();
        assert_eq!(Disturbance::Transposition.apply(&mut higher, 16, 1), 16);
        assert_eq!(higher[..16], soprano[..16]);
        assert!(higher[16..].iter().zip(&soprano[16..]).all(|(new, old)| Some(*new) == old.transposed(1)));
        let mut wrong = soprano.clone();
        assert_eq!(Disturbance::WrongNotes.apply(&mut wrong, 16, 1), 28);
        assert!(
            wrong.iter().zip(&soprano).enumerate().all(|(step, (new, old))| (new != old) == (16..28).contains(&step))
        );
    }
}
