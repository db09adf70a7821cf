//! Harmony for a whole melody, and new chorales: the [`Harmonizer`] that plays live, run over a file.
//!
//! It stays causal: the chord of a step rests on the steps before it and the soprano of the step, never on what comes.

use chorale::writing::Counts;
use chorale::{Chorale, Chord, Part, Phase, Pitch, Token};
use thiserror::Error;

use crate::answer::unfold;
use crate::grid::Grid;
use crate::harmonizer::Harmonizer;
use crate::melody::{Fold, Melody, MelodyStep};
use crate::model::ModelError;
use crate::score::{Direction, Note, Score, Tick};

/// Ticks of a quarter in pieces that come from no MIDI file; divisible by every usual subdivision.
pub const TICKS_PER_QUARTER: u16 = 480;

/// The velocity of notes that nobody played.
const VELOCITY: u8 = 80;

/// The chord of every step, as the network heard and answered it: folded into its range.
///
/// A rest of the melody has no steps: the network's time stands still in it, as it does in live playing, and the bar
/// phase goes on.
///
/// # Errors
/// When the model fails to run.
pub fn harmonize(steps: &[MelodyStep], fold: Fold, harmonizer: &mut Harmonizer) -> Result<Vec<Chord>, ModelError> {
    let mut previous = Chord::START;
    steps
        .iter()
        .map(|step| {
            harmonizer.step(previous, step.phase)?;
            let (soprano, _) = fold.apply(step.soprano);
            previous = harmonizer.answer(soprano)?;
            Ok(previous)
        })
        .collect()
}

/// The melody as it is, with the chords below it as notes: a pitch that stays is held, except where the soprano strikes
/// its own again; where the melody rests, all rest. The soprano's velocity is everybody's.
pub fn score(
    melody: &Melody,
    steps: &[MelodyStep],
    chords: &[Chord],
    fold: Fold,
    ticks_per_quarter: u16,
    directions: Vec<(Tick, Direction)>,
) -> Score {
    let mut parts = [melody.notes.clone(), Vec::new(), Vec::new(), Vec::new()];
    for part in Part::LOWER {
        let notes = &mut parts[part.index()];
        for (index, (step, chord)) in steps.iter().zip(chords).enumerate() {
            let (_, octaves) = fold.apply(step.soprano);
            let Some(pitch) = unfold(chord[part].pitch(), octaves) else { continue };
            let follows = index > 0 && steps[index - 1].end == step.start;
            extend(
                notes,
                follows && !step.restruck,
                Note { start: step.start, end: step.end, pitch, velocity: step.velocity },
            );
        }
    }
    Score { ticks_per_quarter, directions, parts, lyrics: melody.lyrics.clone() }
}

/// Appends `note`, or makes the last one longer when it is the same and may be `held`.
fn extend(notes: &mut Vec<Note>, held: bool, note: Note) {
    match notes.last_mut() {
        Some(last) if held && last.pitch == note.pitch && last.end == note.start => last.end = note.end,
        _ => notes.push(note),
    }
}

/// `length` steps: those of `prompt`, then new ones, the soprano too drawn from the network. `phase` tells the phase
/// of each, counted from 0.
///
/// # Errors
/// When the model fails to run.
pub fn generate(
    prompt: &[Chord],
    length: usize,
    phase: impl Fn(usize) -> Phase,
    harmonizer: &mut Harmonizer,
) -> Result<Chorale, ModelError> {
    let mut previous = Chord::START;
    let mut chords = Vec::with_capacity(length);
    for step in 0..length {
        harmonizer.step(previous, phase(step))?;
        previous = match prompt.get(step) {
            Some(&chord) => chord,
            None => harmonizer.continuation()?,
        };
        chords.push(previous);
    }
    Ok(Chorale { chords })
}

/// A chorale as notes on `grid`, beginning at `first_step`: a pitch that stays is held, since held and repeated notes
/// look alike in a chorale.
pub fn chorale_score(
    chorale: &Chorale,
    grid: &Grid,
    first_step: u32,
    ticks_per_quarter: u16,
    directions: Vec<(Tick, Direction)>,
) -> Score {
    let mut parts = [const { Vec::new() }; 4];
    for (step, chord) in (first_step..).zip(&chorale.chords) {
        let (start, end) = (grid.tick(step), grid.tick(step + 1));
        for (notes, pitch) in parts.iter_mut().zip(chord.pitches()) {
            let Some(pitch) = pitch else { continue };
            extend(notes, true, Note { start, end, pitch, velocity: VELOCITY });
        }
    }
    Score { ticks_per_quarter, directions, parts, lyrics: Vec::new() }
}

/// A pitch that has no token.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{} has {pitch} in bar {bar}, outside the trained {} to {}", part.name(), Pitch::LOWEST, Pitch::HIGHEST)]
pub struct OutOfVocabulary {
    part: Part,
    pitch: Pitch,
    bar: u32,
}

/// The chords that a score has on `grid`, one a step from step 0 to its end.
///
/// # Errors
/// The first pitch that the networks do not know.
pub fn chords_of(score: &Score, grid: &Grid) -> Result<Vec<Chord>, OutOfVocabulary> {
    let length = grid.nearest_step(score.end());
    let mut chords = vec![Chord::SILENCE; length as usize];
    for part in Part::ALL {
        for note in score.part(part) {
            let first = grid.nearest_step(note.start);
            let token = Token::from_pitch(note.pitch).ok_or_else(|| OutOfVocabulary {
                part,
                pitch: note.pitch,
                bar: grid.bar(first).number,
            })?;
            let end = grid.nearest_step(note.end).max(first + 1).min(length);
            for step in first..end {
                chords[step as usize][part] = token;
            }
        }
    }
    Ok(chords)
}

/// Part-writing figures of a harmonized melody, with silence where it rests, so that nothing is counted across a rest.
pub fn counts(steps: &[MelodyStep], chords: &[Chord]) -> Counts {
    let mut with_rests = Vec::with_capacity(chords.len());
    for (index, (step, &chord)) in steps.iter().zip(chords).enumerate() {
        if index > 0 && steps[index - 1].end != step.start {
            with_rests.push(Chord::SILENCE);
        }
        with_rests.push(chord);
    }
    Counts::of(&Chorale { chords: with_rests })
}
