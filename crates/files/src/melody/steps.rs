//! What a melody does in each step of the grid.

use std::collections::BTreeSet;

use chorale::{Phase, Pitch};

use super::{Melody, MelodyError};
use crate::grid::Grid;
use crate::score::{Note, Tick};

/// Over an hour of slow music; a longer one is a damaged file, not a melody.
pub const MAX_STEPS: usize = 50_000;

/// What the melody does in one step of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MelodyStep {
    pub phase: Phase,
    /// Where the parts move. When a note begins off the grid, its step begins with it, so that the parts begin together.
    pub start: Tick,
    /// The start of the next step, or where the melody falls silent.
    pub end: Tick,
    pub soprano: Pitch,
    /// The velocity of the soprano's note.
    pub velocity: u8,
    /// Whether the soprano strikes the pitch that it had in the step before.
    pub restruck: bool,
    /// Whether its note has a fermata, under which a phrase ends.
    pub fermata: bool,
    /// Whether a breath is taken after its note.
    pub breath: bool,
    /// Whether a line of the text ends on its note.
    pub line_end: bool,
    /// Whether no note begins here, in a beat that the melody divides otherwise than into sixteenths.
    pub in_triplet: bool,
}

/// The steps in which the melody sounds. A gap shorter than a quarter is articulation, through which the note before
/// goes on sounding; a longer one is a rest and has no steps.
///
/// Of several notes in one step (faster than sixteenths) the one that sounds longest stands for the step.
///
/// # Errors
/// [`MelodyError::TooLong`].
pub fn steps(melody: &Melody, grid: &Grid) -> Result<Vec<MelodyStep>, MelodyError> {
    let phrases = phrases(&melody.notes, grid);
    let length = |phrase: &Phrase| u64::from(phrase.end_step - phrase.first_step);
    let steps = phrases.iter().map(length).sum();
    if steps > MAX_STEPS as u64 {
        return Err(MelodyError::TooLong { steps });
    }
    Ok(phrases.iter().flat_map(|phrase| phrase_steps(phrase, melody, grid)).collect())
}

/// Notes without a rest between them.
struct Phrase<'a> {
    notes: &'a [Note],
    end: Tick,
    first_step: u32,
    end_step: u32,
}

fn phrases<'a>(notes: &'a [Note], grid: &Grid) -> Vec<Phrase<'a>> {
    let mut phrases: Vec<Phrase> = Vec::new();
    let (mut first, mut end) = (0, 0);
    for (index, note) in notes.iter().enumerate() {
        end = end.max(note.end);
        let is_last = notes.get(index + 1).is_none_or(|next| next.start.saturating_sub(end) >= grid.quarter());
        if !is_last {
            continue;
        }
        let first_step = grid.nearest_step(notes[first].start);
        let last_onset = grid.nearest_step(note.start);
        let end_step = grid.nearest_step(end).max(last_onset + 1);
        phrases.push(Phrase { notes: &notes[first..=index], end, first_step, end_step });
        first = index + 1;
    }
    phrases
}

fn phrase_steps(phrase: &Phrase, melody: &Melody, grid: &Grid) -> Vec<MelodyStep> {
    let mut steps: Vec<MelodyStep> = Vec::new();
    let triplets = beats_of_triplets(phrase, grid);
    let mut notes = phrase.notes.iter().enumerate().peekable();
    let mut held = phrase.notes[0];
    for step in phrase.first_step..phrase.end_step {
        let boundary = grid.tick(step + 1);
        let mut start = None;
        let mut longest: Option<(Tick, Note)> = None;
        while let Some((index, note)) = notes.next_if(|(_, note)| grid.nearest_step(note.start) <= step) {
            start.get_or_insert(note.start);
            // A note gives way to the next one, even where it is held over it.
            let next = phrase.notes.get(index + 1).map_or(phrase.end, |next| next.start);
            let sounds = next.min(boundary).saturating_sub(note.start);
            if longest.is_none_or(|(length, _)| sounds > length) {
                longest = Some((sounds, *note));
            }
            held = *note;
        }
        // Without an onset the note before goes on; of several in the step before, the last.
        let chosen = longest.map_or(held, |(_, note)| note);
        let before = steps.last_mut();
        let restruck = longest.is_some() && before.as_ref().is_some_and(|before| before.soprano == chosen.pitch);
        let start = start.unwrap_or_else(|| grid.tick(step));
        if let Some(before) = before {
            before.end = start;
        }
        let Note { pitch: soprano, velocity, .. } = chosen;
        let phase = grid.phase(step);
        let has = |signs: &[Tick]| signs.binary_search(&chosen.start).is_ok();
        let (fermata, breath) = (has(&melody.fermatas), has(&melody.phrasing.breaths));
        let line_end = has(&melody.line_ends);
        let in_triplet = longest.is_none() && triplets.contains(&beat_of(step, grid));
        steps.push(MelodyStep {
            phase,
            start,
            end: phrase.end,
            soprano,
            velocity,
            restruck,
            fermata,
            breath,
            line_end,
            in_triplet,
        });
    }
    steps
}

/// The beats, by their first step, that the phrase divides otherwise than into sixteenths.
fn beats_of_triplets(phrase: &Phrase, grid: &Grid) -> BTreeSet<u32> {
    // Triplets lie a twelfth of a quarter off the sixteenths; fingers rarely miss by as much as a sixteenth of it.
    let is_off = |note: &&Note| note.start.abs_diff(grid.tick(grid.nearest_step(note.start))) > grid.quarter() / 16;
    phrase.notes.iter().filter(is_off).map(|note| beat_of(grid.nearest_step(note.start), grid)).collect()
}

/// The first step of the beat.
fn beat_of(step: u32, grid: &Grid) -> u32 {
    step.saturating_sub((grid.phase(step).index() % Phase::STEPS_PER_BEAT) as u32)
}
