//! What a melody does in each step.

use std::collections::BTreeSet;

use chorale::{Phase, Pitch};

use super::{Melody, MelodyError};
use crate::grid::Grid;
use crate::pulse::{Pulse, Slot, tick_of};
use crate::score::{Note, Tick};

/// Over an hour of slow music; a longer one is a damaged file, not a melody.
pub const MAX_STEPS: usize = 50_000;

/// 256 bars of 4/4; what is longer has lost its end.
pub(super) const MAX_HELD: u32 = 4096;

/// What the melody does in one step of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MelodyStep {
    /// Steps from the beginning of the piece, rests included; four make a beat of the metre, of which a beat of three
    /// sixteenths leaves one out.
    pub position: u32,
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
    /// Whether no note begins here, at a place where nothing else may: in a beat that the melody divides otherwise than
    /// into sixteenths, or off the eighths of a dotted quarter.
    pub in_triplet: bool,
}

/// The steps in which the melody sounds. A gap shorter than a quarter is articulation, through which the note before
/// goes on sounding; a longer one is a rest and has no steps.
///
/// Of several notes in one step (faster than sixteenths) the one that sounds longest stands for the step.
///
/// # Errors
/// [`MelodyError::HeldTooLong`], [`MelodyError::TooLong`].
pub fn steps(melody: &Melody, grid: &Grid) -> Result<Vec<MelodyStep>, MelodyError> {
    for note in &melody.notes {
        let first = grid.nearest_step(note.start);
        let steps = grid.nearest_step(note.end) - first;
        if steps > MAX_HELD {
            return Err(MelodyError::HeldTooLong { pitch: note.pitch, bar: grid.bar(first).number, steps });
        }
    }
    let phrases = phrases(&melody.notes, grid);
    let length = |phrase: &Phrase| u64::from(phrase.end_step - phrase.first_step);
    let steps = phrases.iter().map(length).sum();
    if steps > MAX_STEPS as u64 {
        return Err(MelodyError::TooLong { steps });
    }
    let pulse = Pulse::new(&melody.notes, grid);
    let mut steps = phrases.iter().flat_map(|phrase| phrase_steps(phrase, melody, &pulse, grid)).collect::<Vec<_>>();
    begin_with_a_beat(&mut steps);
    Ok(steps)
}

/// Gives a pickup that is shorter than a beat, as most are in 6/8, all the steps of one. The chorales begin with whole beats: a
/// chord of half as long passes, to the networks, and is left for a dissonance on the first downbeat.
fn begin_with_a_beat(steps: &mut Vec<MelodyStep>) {
    let Some(&first) = steps.first() else { return };
    let missing = first.position % Phase::STEPS_PER_BEAT as u32;
    let ticks = first.end - first.start;
    if missing == 0 || ticks <= missing {
        return;
    }
    let boundary = |index: u32| first.start + (u64::from(ticks) * u64::from(index) / u64::from(missing + 1)) as Tick;
    let parts = (0..=missing).map(|index| MelodyStep {
        position: first.position - missing + index,
        phase: first.phase.before((missing - index) as usize),
        start: boundary(index),
        end: boundary(index + 1),
        in_triplet: first.in_triplet || index > 0,
        ..first
    });
    steps.splice(..1, parts);
}

/// Beats of the bar in which the melody begins, as the steps count them; `None` where the file has no metre.
pub fn beats_in_bar(melody: &Melody, grid: &Grid) -> Option<u32> {
    Pulse::new(&melody.notes, grid).beats_in_bar(grid.nearest_step(melody.first_onset()))
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

/// A step of the melody before its notes are known, with the sixteenth in which it begins.
struct Place {
    slot: Slot,
    start: Tick,
    first_step: u32,
}

/// The steps of a phrase. Only those of its beats in which it sounds.
fn places(phrase: &Phrase, onsets: &[u32], pulse: &Pulse, grid: &Grid) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut step = phrase.first_step;
    while step < phrase.end_step {
        let beat = pulse.beat(step);
        let end = i64::from(beat.length) + beat.first_step;
        // A bar line may cut a beat short.
        let next = (step + 1..).find(|next| i64::from(*next) >= end || pulse.beat(*next).first_step != beat.first_step);
        let next = next.unwrap_or(u32::MAX);
        let within = |step: u32| (i64::from(step) - beat.first_step) as u32;
        let struck =
            &onsets[onsets.partition_point(|onset| *onset < step)..onsets.partition_point(|onset| *onset < next)];
        let struck: Vec<u32> = struck.iter().map(|onset| within(*onset)).collect();
        for slot in beat.slots(&struck) {
            let first_step = beat.first_step + i64::from(slot.offset);
            // A beat of three sixteenths has only as many.
            let is_taken = places.last().is_some_and(|place| i64::from(place.first_step) == first_step);
            if !is_taken && i64::from(step) <= first_step && first_step < i64::from(next.min(phrase.end_step)) {
                places.push(Place { slot, start: tick_of(grid, first_step), first_step: first_step as u32 });
            }
        }
        step = next;
    }
    if places.is_empty() {
        // Shorter than a step of its beat.
        let beat = pulse.beat(phrase.first_step);
        let [slot, ..] = beat.slots(&[]);
        places.push(Place { slot, start: grid.tick(phrase.first_step), first_step: phrase.first_step });
    }
    places
}

fn phrase_steps(phrase: &Phrase, melody: &Melody, pulse: &Pulse, grid: &Grid) -> Vec<MelodyStep> {
    let onsets: Vec<u32> = phrase.notes.iter().map(|note| grid.nearest_step(note.start)).collect();
    let places = places(phrase, &onsets, pulse, grid);
    let triplets = beats_of_triplets(phrase, pulse, grid);
    let mut steps: Vec<MelodyStep> = Vec::with_capacity(places.len());
    let mut notes = phrase.notes.iter().enumerate().peekable();
    let mut held = phrase.notes[0];
    for (index, Place { slot, start: nominal, first_step }) in places.iter().enumerate() {
        let next = places.get(index + 1);
        let boundary = next.map_or(phrase.end, |next| next.start);
        let mut start = None;
        let mut longest: Option<(Tick, Note)> = None;
        let is_here = |index: usize| next.is_none_or(|next| onsets[index] < next.first_step);
        while let Some((index, note)) = notes.next_if(|(index, _)| is_here(*index)) {
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
        let start = start.unwrap_or(*nominal);
        if let Some(before) = before {
            before.end = start;
        }
        let Note { pitch: soprano, velocity, .. } = chosen;
        let has = |signs: &[Tick]| signs.binary_search(&chosen.start).is_ok();
        let (fermata, breath) = (has(&melody.fermatas), has(&melody.phrasing.breaths));
        let line_end = has(&melody.line_ends);
        let in_triplet =
            longest.is_none() && (!slot.may_move || triplets.contains(&pulse.beat(*first_step).first_step));
        let Slot { position, phase, .. } = *slot;
        steps.push(MelodyStep {
            position,
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

/// The beats, by their first sixteenth, that the phrase divides otherwise than into sixteenths.
fn beats_of_triplets(phrase: &Phrase, pulse: &Pulse, grid: &Grid) -> BTreeSet<i64> {
    // Triplets lie a twelfth of a quarter off the sixteenths; fingers rarely miss by as much as a sixteenth of it.
    let is_off = |note: &&Note| note.start.abs_diff(grid.tick(grid.nearest_step(note.start))) > grid.quarter() / 16;
    let off = phrase.notes.iter().filter(is_off).map(|note| pulse.beat(grid.nearest_step(note.start)));
    off.filter(|beat| !beat.is_compound).map(|beat| beat.first_step).collect()
}
