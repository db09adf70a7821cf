//! The top line of a track that holds several notes at once, such as a piano's right hand.

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
        let end = |index: usize, note: &Note| notes.get(index + 1).map_or(note.end, |next| next.start.min(note.end));
        return notes.iter().enumerate().map(|(index, note)| Note { end: end(index, note), ..*note }).collect();
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
    line
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
