//! Offline harmony that looks ahead: a particle search over the networks' joint model of all four parts.
//!
//! Each particle is a harmonization so far. At each step it is weighed by how well it foresaw the soprano that really
//! comes, p(next soprano | all before), and by how much the guard leaves of its voicings; then it draws a voicing as
//! live playing would. Particles that led nowhere die out, the others multiply: a particle filter with the melody as
//! its evidence (arXiv 1909.05030).

use std::sync::Arc;

use chorale::harmony::Key;
use chorale::rules::{Guard, Past};
use chorale::{Chord, Part, Phase, Pitch, Token};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::arrangement::{Arrangement, OutOfReach};
use crate::harmonizer::{Asked, Candidate, Limits, Sampling, beams, draw, log_softmax};
use files::Note;
use files::melody::{Fold, MelodyStep};
use network::{Context, Model, ModelError, Row, State};

/// A step of what is to be harmonized.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// `None` where it is to be found too.
    pub soprano: Option<Token>,
    pub phase: Phase,
    pub limits: Limits,
    /// Else all parts stay as they are.
    pub may_move: bool,
    /// The piece comes to its end: a chord to end on is sought.
    pub is_closing: bool,
    /// A phrase comes to its end, and all parts to rest with it.
    pub is_phrase_end: bool,
    /// The key, while the piece begins and ends: from what it has heard so far the network cannot be sure of it.
    pub home: Option<(Key, Place)>,
}

/// Where in a piece its key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first four beats.
    Opening,
    /// The beat before the last note.
    Approach,
    /// The last note.
    Close,
}

/// A finished harmonization.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub chords: Vec<Chord>,
    /// Of all four parts, in nats, and what the guard takes off.
    pub log_likelihood: f64,
    pub cost: f64,
}

impl Found {
    pub fn score(&self) -> f64 {
        self.log_likelihood - self.cost
    }
}

/// See [`opening_cost`].
const FOREIGN_COST: f32 = 0.85;
const AWAY_COST: f32 = 1.4;
/// Steps of [`Place::Opening`].
const OPENING: usize = 16;
/// See [`approach_cost`].
const APPROACH_COST: f32 = 1.2;

/// How many particles serve by default: the gain of more is small.
pub const PARTICLES: usize = 16;

struct Particle {
    state: State,
    past: Past,
    before: Chord,
    /// Logarithm of the weight since the particles were last drawn anew.
    weight: f64,
    log_likelihood: f64,
    cost: f64,
}

/// The best of `particles` harmonizations.
///
/// # Errors
/// When the model fails to run.
pub fn search(model: &Arc<Model>, sampling: Sampling, tasks: &[Task], particles: usize) -> Result<Found, ModelError> {
    let mut context = Context::default();
    let mut generator = ChaCha8Rng::seed_from_u64(sampling.seed);
    let mut swarm: Vec<Particle> = (0..particles.max(1))
        .map(|_| Particle {
            state: model.start(),
            past: Past::default(),
            before: Chord::START,
            weight: 0.0,
            log_likelihood: 0.0,
            cost: 0.0,
        })
        .collect();
    // For each step and particle the particle it came from, and its chord.
    let mut trail: Vec<Vec<(usize, Chord)>> = Vec::with_capacity(tasks.len());
    for task in tasks {
        let candidates = candidates(model, &mut context, &mut swarm, task, sampling, &mut generator)?;
        let mut chosen = Vec::with_capacity(swarm.len());
        for (particle, (soprano, candidates)) in swarm.iter_mut().zip(&candidates) {
            let scores: Vec<f32> = candidates.iter().map(Candidate::score).collect();
            let candidate = candidates[draw(&scores, sampling, &mut generator)];
            // A soprano that was drawn is no evidence.
            let evidence = if task.soprano.is_some() { f64::from(*soprano) } else { 0.0 };
            particle.weight += evidence + log_sum(&scores);
            particle.log_likelihood += f64::from(soprano + candidate.log_likelihood);
            particle.cost += f64::from(candidate.cost);
            particle.before = candidate.chord;
            particle.past.step(candidate.chord, task.phase);
            chosen.push(candidate.chord);
        }
        let parents = drawn_anew(&mut swarm, &mut generator);
        trail.push(parents.into_iter().map(|parent| (parent, chosen[parent])).collect());
    }
    let best = (0..swarm.len())
        .max_by(|&a, &b| {
            let score = |index: usize| swarm[index].log_likelihood - swarm[index].cost;
            score(a).total_cmp(&score(b))
        })
        .unwrap_or_default();
    let mut chords = Vec::with_capacity(tasks.len());
    let mut index = best;
    for step in trail.iter().rev() {
        let (parent, chord) = step[index];
        chords.push(chord);
        index = parent;
    }
    chords.reverse();
    Ok(Found { chords, log_likelihood: swarm[best].log_likelihood, cost: swarm[best].cost })
}

/// For each particle the log-likelihood of the soprano, and the voicings under it.
fn candidates(
    model: &Model,
    context: &mut Context,
    swarm: &mut [Particle],
    task: &Task,
    sampling: Sampling,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(f32, Vec<Candidate>)>, ModelError> {
    let before: Vec<Chord> = swarm.iter().map(|particle| particle.before).collect();
    let mut states: Vec<&mut State> = swarm.iter_mut().map(|particle| &mut particle.state).collect();
    model.step(&mut states, &before, task.phase, context)?;
    let rows: Vec<Row> = (0..swarm.len()).map(|state| Row { state, given: Chord::SILENCE }).collect();
    let mut soprano_logits = Vec::new();
    model.logits(Part::Soprano, context, &rows, &mut soprano_logits)?;
    let mut likelihoods = Vec::with_capacity(swarm.len());
    let mut asked = Vec::with_capacity(swarm.len());
    for (state, logits) in soprano_logits.chunks_exact_mut(Token::VOCABULARY).enumerate() {
        log_softmax(logits);
        let mut limits = task.limits;
        let held = Some(before[state]).filter(|before| !task.may_move && *before != Chord::START);
        if let Some(held) = held {
            for (kept, token) in limits.kept.iter_mut().zip(held.0) {
                *kept = kept.or(Some(token));
            }
        }
        let soprano = match (task.soprano, held) {
            (Some(soprano), _) => soprano,
            (None, Some(held)) => held[Part::Soprano],
            (None, None) => draw_soprano(logits, &limits, sampling, generator),
        };
        likelihoods.push(logits[soprano.index()]);
        asked.push(Asked { state, soprano, limits });
    }
    let mut beams = beams(model, context, &asked)?;
    for (particle, beam) in swarm.iter().zip(&mut beams) {
        for candidate in beam {
            candidate.judge(&sampling.guard, &particle.past, task.phase, task.is_closing, &task.limits);
            if task.is_phrase_end && !task.is_closing {
                candidate.cost += Guard::resting_cost(&particle.past, task.limits.heard(candidate.chord));
            }
            if let Some((home, place)) = task.home {
                candidate.cost += match place {
                    Place::Opening => opening_cost(home, particle.before, candidate.chord),
                    Place::Approach => approach_cost(home, candidate.chord),
                    Place::Close => Guard::off_tonic_cost(task.limits.heard(candidate.chord), home.tonic()),
                };
            }
        }
    }
    Ok(likelihoods.into_iter().zip(beams).collect())
}

/// Nats taken off a chord at the beginning for each lower part that begins a note outside the key, and off a first chord
/// elsewhere than on the tonic. With them harmonizations of validation sopranos begin in the key about as often as Bach's
/// do (tests/tests/report.rs).
fn opening_cost(home: Key, before: Chord, chord: Chord) -> f32 {
    let begins = |part: &Part| before == Chord::START || before[*part] != chord[*part];
    let pitches = Part::LOWER.into_iter().filter(begins).filter_map(|part| chord[part].pitch());
    let foreign = pitches.filter(|pitch| !home.has(pitch.class())).count();
    let bass = chord[Part::Bass].pitch().map(Pitch::class);
    let is_away = before == Chord::START && bass.is_some_and(|bass| bass != home.tonic());
    FOREIGN_COST * foreign as f32 + if is_away { AWAY_COST } else { 0.0 }
}

/// Nats taken off a chord in the beat before the last note whose bass is not the fifth degree. With them harmonizations of
/// validation sopranos fall by a fifth to their end about as often as Bach's (tests/tests/report.rs).
fn approach_cost(home: Key, chord: Chord) -> f32 {
    let bass = chord[Part::Bass].pitch().map(Pitch::class);
    if bass.is_some_and(|bass| bass != (home.tonic() + 7) % 12) { APPROACH_COST } else { 0.0 }
}

/// Over kept parts that sing, within its range and not below them.
fn draw_soprano(logits: &[f32], limits: &Limits, sampling: Sampling, generator: &mut ChaCha8Rng) -> Token {
    let (low, high) = limits.ranges[Part::Soprano.index()];
    let floor = limits.kept.iter().flatten().filter_map(|token| token.pitch()).max().unwrap_or(low).clamp(low, high);
    let open: Vec<f32> = Token::all()
        .zip(logits)
        .map(|(token, &logit)| match token.pitch() {
            Some(pitch) if (floor..=high).contains(&pitch) => logit,
            _ => f32::NEG_INFINITY,
        })
        .collect();
    Token::from_index(draw(&open, sampling, generator)).unwrap_or(Token::REST)
}

/// Once the weights have grown too unequal (effective number below half: Kong 1992), draws as many particles anew, each
/// as often as its weight tells (systematic resampling: Kitagawa 1996). Returns where each came from.
fn drawn_anew(swarm: &mut Vec<Particle>, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let largest = swarm.iter().map(|particle| particle.weight).fold(f64::NEG_INFINITY, f64::max);
    let shares: Vec<f64> = swarm.iter().map(|particle| (particle.weight - largest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    let effective = sum * sum / shares.iter().map(|share| share * share).sum::<f64>();
    // Not so where a network gone wrong gives NaN.
    let is_uneven = effective < swarm.len() as f64 / 2.0;
    if !is_uneven {
        return (0..swarm.len()).collect();
    }
    let offset: f64 = generator.random();
    let (mut parents, mut reached, mut source) = (Vec::with_capacity(swarm.len()), shares[0], 0);
    for index in 0..swarm.len() {
        let mark = (index as f64 + offset) / swarm.len() as f64 * sum;
        while reached < mark && source + 1 < swarm.len() {
            source += 1;
            reached += shares[source];
        }
        parents.push(source);
    }
    *swarm = parents
        .iter()
        .map(|&parent| {
            let Particle { ref state, ref past, before, log_likelihood, cost, .. } = swarm[parent];
            Particle { state: state.clone(), past: past.clone(), before, weight: 0.0, log_likelihood, cost }
        })
        .collect();
    parents
}

fn log_sum(scores: &[f32]) -> f64 {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    f64::from(largest) + scores.iter().map(|score| f64::from(score - largest).exp()).sum::<f64>().ln()
}

/// As [`search`], `count` times with seeds that follow each other; those that differ, the best first.
///
/// # Errors
/// When the model fails to run.
pub fn alternatives(
    model: &Arc<Model>,
    sampling: Sampling,
    tasks: &[Task],
    particles: usize,
    count: usize,
) -> Result<Vec<Found>, ModelError> {
    let seeds: Vec<u64> = (0..count as u64).map(|index| sampling.seed.wrapping_add(index)).collect();
    let mut found: Vec<Found> = Vec::new();
    for one in crate::parallel::on_all_cores(&seeds, |_, &seed| {
        search(model, Sampling { seed, ..sampling }, tasks, particles)
    })? {
        if found.iter().all(|other| other.chords != one.chords) {
            found.push(one);
        }
    }
    found.sort_by(|a, b| b.score().total_cmp(&a.score()));
    Ok(found)
}

/// The steps of a whole melody; when it `closes`, an ending is sought under its last note.
pub fn tasks(sopranos: impl Iterator<Item = (Token, Phase)>, closes: bool) -> Vec<Task> {
    let mut tasks: Vec<Task> = sopranos
        .map(|(soprano, phase)| Task {
            soprano: Some(soprano),
            phase,
            limits: Limits::default(),
            may_move: true,
            is_closing: false,
            is_phrase_end: false,
            home: None,
        })
        .collect();
    if closes {
        close(&mut tasks);
    }
    tasks
}

/// Seeks an ending under the last note of what is given.
fn close(tasks: &mut [Task]) {
    let given = |task: &Task| (task.soprano, task.limits.kept);
    if let Some(last) = tasks.last().map(given) {
        tasks.iter_mut().rev().take_while(|task| given(task) == last).for_each(|task| task.is_closing = true);
    }
}

/// Tells in which key the piece begins and ends.
pub fn set_home(tasks: &mut [Task], key: Key) {
    let close = tasks.iter().position(|task| task.is_closing).unwrap_or(0);
    let approach = close.saturating_sub(Phase::STEPS_PER_BEAT)..close;
    for (index, task) in tasks.iter_mut().enumerate() {
        let place = match index {
            _ if task.is_closing => Some(Place::Close),
            _ if approach.contains(&index) => Some(Place::Approach),
            ..OPENING => Some(Place::Opening),
            _ => None,
        };
        task.home = place.map(|place| (key, place));
    }
}

/// Why a melody cannot be harmonized as asked.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TaskError {
    #[error(
        "the {} to keep has {pitch} where the networks, with this melody, know only {lowest} to {highest}; \
         transpose both, or keep another part", part.name().to_lowercase()
    )]
    CannotKeep { part: Part, pitch: Pitch, lowest: Pitch, highest: Pitch },
    #[error(
        "the melody has {pitch}, which the {} cannot sing ({lowest} to {highest}); --transpose, --ranges or another \
         --melody-part", part.name().to_lowercase()
    )]
    CannotSing { part: Part, pitch: Pitch, lowest: Pitch, highest: Pitch },
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

/// The steps of a melody from a file, with the notes of the kept lower parts that sound in them, in the same ticks.
///
/// # Errors
/// The first kept note outside the vocabulary, once it is moved by the octaves by which the melody is; a range outside it.
pub fn melody_tasks(
    steps: &[MelodyStep],
    fold: Fold,
    kept: &[Option<Vec<Note>>; 4],
    arrangement: &Arrangement,
) -> Result<Vec<Task>, TaskError> {
    let sopranos = steps.iter().map(|step| (fold.apply(step.soprano).0, step.phase));
    let mut tasks = tasks(sopranos, true);
    for ((task, step), may_move) in tasks.iter_mut().zip(steps).zip(arrangement.moves(steps)) {
        task.limits = arrangement.limits(fold.apply(step.soprano).1)?;
        task.may_move = may_move && !step.in_triplet;
        task.is_phrase_end = step.fermata;
    }
    for part in Part::LOWER {
        let Some(notes) = &kept[part.index()] else { continue };
        for (task, step) in tasks.iter_mut().zip(steps) {
            let sounding = notes.iter().find(|note| note.start <= step.start && step.start < note.end);
            let semitones = 12 * fold.apply(step.soprano).1.max(0);
            let token = match sounding {
                None => Token::REST,
                Some(note) => note.pitch.transposed(semitones).and_then(Token::from_pitch).ok_or_else(|| {
                    TaskError::CannotKeep {
                        part,
                        pitch: note.pitch,
                        lowest: Pitch::LOWEST.transposed(-semitones).unwrap_or(Pitch::LOWEST),
                        highest: Pitch::HIGHEST.transposed(-semitones).unwrap_or(Pitch::HIGHEST),
                    }
                })?,
            };
            task.limits.kept[part.index()] = Some(token);
        }
    }
    Ok(tasks)
}

/// The steps of a melody that is sung by a lower part; the soprano is to be found too. Under its last note an ending is
/// sought.
///
/// # Errors
/// The first note outside the part's range; a range outside the vocabulary.
pub fn tasks_around(steps: &[MelodyStep], part: Part, arrangement: &Arrangement) -> Result<Vec<Task>, TaskError> {
    let limits = arrangement.limits(0)?;
    let (lowest, highest) = limits.ranges[part.index()];
    let mut tasks = Vec::with_capacity(steps.len());
    for (step, may_move) in steps.iter().zip(arrangement.moves(steps)) {
        let is_sung = (lowest..=highest).contains(&step.soprano);
        let token = Token::from_pitch(step.soprano).filter(|_| is_sung);
        let token = token.ok_or(TaskError::CannotSing { part, pitch: step.soprano, lowest, highest })?;
        let mut limits = limits;
        limits.kept[part.index()] = Some(token);
        let may_move = may_move && !step.in_triplet;
        let (phase, is_phrase_end) = (step.phase, step.fermata);
        tasks.push(Task { soprano: None, phase, limits, may_move, is_closing: false, is_phrase_end, home: None });
    }
    close(&mut tasks);
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(midi: u8) -> Token {
        Pitch::new(midi).and_then(Token::from_pitch).unwrap()
    }

    /// The first line of "Nun danket alle Gott", in quarters, the last note twice as long.
    fn melody() -> Vec<Task> {
        let notes = [67, 74, 74, 74, 76, 76, 74, 74];
        tasks(notes.into_iter().flat_map(|midi| [token(midi); 4]).zip((0..).map(Phase::in_beat)), true)
    }

    #[test]
    fn many_states_side_by_side_go_the_way_that_each_goes_alone() {
        for model in [Model::wavenet().unwrap(), Model::lstm().unwrap()].map(Arc::new) {
            let chord = |shift: u8| Chord([72, 67, 64, 48].map(|midi| token(midi + shift)));
            let mut alone: Vec<State> = (0..3).map(|_| model.start()).collect();
            let mut together = alone.clone();
            let (mut contexts, mut context) = (Context::default(), Context::default());
            let (mut logits, mut own) = (Vec::new(), Vec::new());
            for step in 0..40 {
                let before: Vec<Chord> = (0..3).map(|index| chord((step * index) % 7)).collect();
                let phase = Phase::in_beat(step.into());
                let mut states: Vec<&mut State> = together.iter_mut().collect();
                model.step(&mut states, &before, phase, &mut contexts).unwrap();
                let given = chord(1);
                let rows: Vec<Row> = (0..3).map(|state| Row { state, given }).collect();
                for part in Part::ALL {
                    model.logits(part, &mut contexts, &rows, &mut logits).unwrap();
                    for (index, state) in alone.iter().enumerate() {
                        let mut state = state.clone();
                        model.step(&mut [&mut state], &before[index..=index], phase, &mut context).unwrap();
                        model.logits(part, &mut context, &[Row { state: 0, given }], &mut own).unwrap();
                        let theirs = &logits[index * Token::VOCABULARY..][..Token::VOCABULARY];
                        let off = own.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                        assert!(off < 1e-4, "step {step}, state {index}, {part:?}: off by {off}");
                    }
                }
                for (state, before) in alone.iter_mut().zip(before) {
                    model.step(&mut [state], &[before], phase, &mut context).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_same_seed_finds_the_same_and_ends_well() {
        let model = Arc::new(Model::lstm().unwrap());
        let found = search(&model, Sampling::default(), &melody(), 4).unwrap();
        assert_eq!(found, search(&model, Sampling::default(), &melody(), 4).unwrap());
        let sopranos: Vec<Token> = found.chords.iter().map(|chord| chord[Part::Soprano]).collect();
        assert_eq!(sopranos, melody().iter().filter_map(|task| task.soprano).collect::<Vec<_>>());
        assert!(chorale::is_good_ending(&found.chords[31].pitches()), "{:?}", found.chords[31].pitches());
    }

    #[test]
    fn a_phrase_comes_to_rest_under_its_fermata_and_the_piece_begins_at_home() {
        let model = Arc::new(Model::lstm().unwrap());
        let notes = [74, 74, 74, 76, 76, 74, 74, 71, 72, 71, 69, 71, 69, 67];
        let key = "G".parse().unwrap();
        let (mut rests, mut foreign) = (0, 0);
        for seed in 0..4 {
            let sopranos = notes.into_iter().flat_map(|midi| [token(midi); 4]).zip((0..).map(Phase::in_beat));
            let mut tasks = tasks(sopranos, true);
            tasks[20..28].iter_mut().for_each(|task| task.is_phrase_end = true);
            set_home(&mut tasks, key);
            let chords = search(&model, Sampling { seed, ..Sampling::default() }, &tasks, 8).unwrap().chords;
            rests += chords[20..28].iter().filter(|chord| chorale::is_good_ending(&chord.pitches())).count();
            let opening = chords[..OPENING].iter().flat_map(|chord| chord.pitches());
            foreign += opening.flatten().filter(|pitch| !key.has(pitch.class())).count();
            assert_eq!(chords[55][Part::Bass].pitch().map(Pitch::class), Some(7), "it ends on G");
        }
        assert!(rests >= 28, "of 32 steps under fermatas {rests} are triads over their roots");
        assert!(foreign <= 25, "of 256 notes at the beginning {foreign} are outside the key");
    }

    #[test]
    fn the_key_counts_in_four_beats_in_the_one_before_the_last_note_and_under_it() {
        let key: Key = "G".parse().unwrap();
        let places = |tasks: &mut [Task]| -> Vec<Option<Place>> {
            set_home(tasks, key);
            tasks.iter().map(|task| task.home.map(|(_, place)| place)).collect()
        };
        let found = places(&mut melody());
        // A note that is struck again looks like one that lasts.
        let close = found.iter().position(|place| *place == Some(Place::Close)).unwrap();
        assert_eq!(found[..16], [Some(Place::Opening); 16]);
        assert_eq!(found[16..close - 4], vec![None; close - 20]);
        assert_eq!(found[close - 4..close], [Some(Place::Approach); 4]);
        assert_eq!(found[close..], vec![Some(Place::Close); found.len() - close]);
        let mut open = tasks(melody().into_iter().filter_map(|task| Some((task.soprano?, task.phase))), false);
        assert!(places(&mut open)[16..].iter().all(Option::is_none), "an end that is not sought");
    }

    #[test]
    fn a_kept_part_is_kept_and_costs_its_likelihood() {
        let model = Arc::new(Model::lstm().unwrap());
        let mut tasks = melody();
        for (task, bass) in
            tasks.iter_mut().zip([43, 47, 50, 43, 48, 36, 43, 43].into_iter().flat_map(|bass| [bass; 4]))
        {
            task.limits.kept[Part::Bass.index()] = Some(token(bass));
        }
        let found = search(&model, Sampling::default(), &tasks, 4).unwrap();
        assert!(found.chords.iter().zip(&tasks).all(|(chord, task)| Some(chord[Part::Bass]) == task.limits.kept[3]));
        assert!(found.log_likelihood.is_finite());
    }

    #[test]
    fn around_a_tenor_a_soprano_is_found_above_it() {
        let model = Arc::new(Model::lstm().unwrap());
        let tenor = [55, 62, 62, 62, 67, 67, 62, 62].into_iter().flat_map(|midi| [midi; 4]);
        let step = |(index, midi): (u32, u8)| MelodyStep {
            phase: Phase::in_beat(index as usize),
            start: index,
            end: index + 1,
            soprano: Pitch::new(midi).unwrap(),
            velocity: 80,
            restruck: false,
            fermata: false,
            in_triplet: false,
        };
        let steps: Vec<MelodyStep> = (0..).zip(tenor).map(step).collect();
        let arrangement = Arrangement::default();
        let tasks = tasks_around(&steps, Part::Tenor, &arrangement).unwrap();
        let found = search(&model, Sampling::default(), &tasks, 4).unwrap();
        for (chord, step) in found.chords.iter().zip(&steps) {
            assert_eq!(chord[Part::Tenor].pitch(), Some(step.soprano));
            assert!(chord[Part::Soprano].pitch().is_some_and(|pitch| pitch.midi() >= 60), "{:?}", chord.pitches());
        }
        let error = tasks_around(&steps, Part::Bass, &arrangement).unwrap_err();
        assert!(matches!(error, TaskError::CannotSing { part: Part::Bass, .. }), "{error}");
    }

    #[test]
    fn alternatives_differ_and_the_best_comes_first() {
        let model = Arc::new(Model::lstm().unwrap());
        let found = alternatives(&model, Sampling::default(), &melody(), 2, 3).unwrap();
        assert!(!found.is_empty() && found.windows(2).all(|two| two[0].score() >= two[1].score()));
        assert!(found.windows(2).all(|two| two[0].chords != two[1].chords));
    }
}
