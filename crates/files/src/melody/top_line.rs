//! The top line of a track that holds several notes at once, such as a piano's right hand.

use std::collections::HashSet;

use chorale::Pitch;

use crate::score::{Note, Tick};
use crate::single_line::is_single_line;

/// The melody of a track that may hold several notes at once: a note stays when most of it lies above all others.
///
/// A line played legato, where each note ends a little after the next begins, is no such track and stays whole; one whose
/// notes ring on for long, as under a pedal, stays whole too, each note ending where the next begins.
pub(super) fn top_line(notes: &[Note], quarter: Tick) -> Vec<Note> {
    let thirtysecond = (quarter / 8).max(1);
    if is_single_line(notes, thirtysecond) {
        if !ring_on(notes, quarter / 2) {
            return notes.to_vec();
        }
        return one_by_one(notes);
    }
    if !is_polyphonic(notes, thirtysecond) {
        return notes.to_vec();
    }
    let exposed = exposed_ticks(notes);
    let mut line: Vec<Note> = Vec::new();
    for (note, exposed) in notes.iter().zip(exposed) {
        if 2 * exposed <= note.end - note.start {
            continue;
        }
        match line.last_mut() {
            // Struck together, as fingers do: the higher one is meant.
            Some(last) if note.start - last.start < thirtysecond && last.end > note.start => {
                if note.pitch > last.pitch {
                    *last = *note;
                }
            }
            _ => line.push(*note),
        }
    }
    without_lower_hand(line, notes, quarter)
}

/// Each note ends where the next begins at the latest; of two that begin together the higher one is meant.
fn one_by_one(notes: &[Note]) -> Vec<Note> {
    let mut line: Vec<Note> = Vec::with_capacity(notes.len());
    for note in notes {
        match line.last_mut() {
            Some(last) if last.start == note.start => {
                if note.pitch > last.pitch {
                    *last = *note;
                }
                continue;
            }
            Some(last) => last.end = last.end.min(note.start),
            None => {}
        }
        line.push(*note);
    }
    line
}

/// So many semitones at least lie between what two hands play.
const BETWEEN_HANDS: u8 = 3;

/// Of the notes under the top line, one in so many may be the upper hand's; of the lower hand's on top, one in so many may be a
/// pitch that it doesn't play below.
const UPPER_HAND: usize = 20;
const NEW_PITCH: usize = 5;

/// Of fewer notes above nobody can tell whose they are.
const FEWEST: usize = 8;

/// Quarters for which the upper hand rests at least, where what the lower plays is on top.
const HAND_RESTS: Tick = 2;

/// Leaves out what lies on top only where the upper hand rests: what lies among the notes below the top line, with some room to
/// all that is played above it.
fn without_lower_hand(line: Vec<Note>, notes: &[Note], quarter: Tick) -> Vec<Note> {
    let on_top: HashSet<(Tick, Pitch)> = line.iter().map(|note| (note.start, note.pitch)).collect();
    let mut below: Vec<Pitch> =
        notes.iter().filter(|note| !on_top.contains(&(note.start, note.pitch))).map(|note| note.pitch).collect();
    below.sort_unstable();
    let mut pitches: Vec<Pitch> = line.iter().map(|note| note.pitch).collect();
    pitches.sort_unstable();
    let is_between = |low: Pitch, high: Pitch| {
        let upper = pitches.len() - pitches.partition_point(|pitch| *pitch <= low);
        let above = below.len() - below.partition_point(|pitch| *pitch < high);
        let of_hand = || line.iter().filter(|note| note.pitch <= low);
        let new = of_hand().filter(|note| below.binary_search(&note.pitch).is_err()).count();
        upper >= FEWEST
            && 2 * upper > pitches.len()
            && above * UPPER_HAND <= below.len()
            && below.last().is_some_and(|highest| low <= *highest)
            && new * NEW_PITCH <= of_hand().count()
            && are_in_rests(&line, low, HAND_RESTS * quarter)
    };
    let gaps = pitches.windows(2).map(|two| (two[0], two[1], two[1].midi() - two[0].midi()));
    let gaps = gaps.filter(|(low, high, gap)| *gap >= BETWEEN_HANDS && is_between(*low, *high));
    match gaps.max_by_key(|(.., gap)| *gap) {
        Some((low, ..)) => line.into_iter().filter(|note| note.pitch > low).collect(),
        None => line,
    }
}

/// Whether all notes up to a pitch stand where those above it leave so much time.
fn are_in_rests(line: &[Note], low: Pitch, rest: Tick) -> bool {
    let above: Vec<&Note> = line.iter().filter(|note| note.pitch > low).collect();
    line.iter().filter(|note| note.pitch <= low).all(|note| {
        let next = above.partition_point(|other| other.start < note.start);
        let before = next.checked_sub(1).map_or(0, |before| above[before].end);
        above.get(next).is_none_or(|other| other.start >= before.saturating_add(rest))
    })
}

/// Whether any note sounds longer into the next one than legato does.
fn ring_on(notes: &[Note], legato: Tick) -> bool {
    notes.windows(2).any(|two| two[0].end > two[1].start.saturating_add(legato))
}

/// Whether any two notes sound together for more than half of the shorter one, and longer than a slip of the fingers.
fn is_polyphonic(notes: &[Note], thirtysecond: Tick) -> bool {
    // Looking back at the note that lasts longest is enough: whatever overlaps an earlier one overlaps it as much.
    let mut longest: Option<Note> = None;
    notes.iter().any(|note| {
        let overlaps = longest.is_some_and(|before| {
            let overlap = before.end.min(note.end).saturating_sub(note.start);
            let shorter = (note.end - note.start).min(before.end - before.start);
            overlap >= thirtysecond && 2 * overlap > shorter
        });
        if longest.is_none_or(|before| note.end >= before.end) {
            longest = Some(*note);
        }
        overlaps
    })
}

/// For each note, the ticks during which no other note sounds above it.
fn exposed_ticks(notes: &[Note]) -> Vec<Tick> {
    let mut exposed = vec![0; notes.len()];
    let mut edges: Vec<(Tick, bool, usize)> = notes
        .iter()
        .enumerate()
        .flat_map(|(index, note)| [(note.start, true, index), (note.end, false, index)])
        .collect();
    // At one tick the ends come first, so that a pitch struck again is not taken for the one that ended.
    edges.sort_unstable();
    let mut sounding: [Option<usize>; 128] = [None; 128];
    let mut now = 0;
    for (tick, begins, index) in edges {
        if let Some(top) = sounding.iter().rev().flatten().next() {
            exposed[*top] += tick - now;
        }
        now = tick;
        sounding[usize::from(notes[index].pitch.midi())] = begins.then_some(index);
    }
    exposed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_notes_that_ring_on_every_one_lasts_and_of_two_that_begin_together_the_higher_is_kept() {
        let note =
            |start: Tick, pitch: u8| Note { start, end: start + 960, pitch: Pitch::new(pitch).unwrap(), velocity: 80 };
        let mut notes: Vec<Note> = (0..20).map(|index| note(480 * index, 72 + (index % 5) as u8)).collect();
        notes.insert(10, note(notes[10].start, 60));
        let line = top_line(&notes, 480);
        assert_eq!(line.len(), 20);
        assert!(line.iter().all(|note| note.end > note.start && note.pitch.midi() >= 72));
        assert!(line.windows(2).all(|two| two[0].end <= two[1].start), "one after the other");
    }
}
