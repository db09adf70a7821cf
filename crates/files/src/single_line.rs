//! Notes that ring on over one another and are still one line, as under a pedal.

use std::collections::HashSet;

use chorale::Pitch;

use crate::score::{Note, Tick};

/// One in so many notes may be an accident.
const ACCIDENTS: usize = 20;

/// Whether the notes, in order of start, begin one after the other and end in that order too, or all at once: so does a
/// tune whose notes overlap because of a pedal or of legato. Of several parts some notes begin together, within a `slip` of
/// the fingers, or go on while others come and go.
pub(crate) fn is_single_line(notes: &[Note], slip: Tick) -> bool {
    let starts: HashSet<(Tick, Pitch)> = notes.iter().map(|note| (note.start, note.pitch)).collect();
    let mut longest: Option<(Note, Tick)> = None;
    let mut breaches = 0;
    for (index, note) in notes.iter().enumerate() {
        if let Some((before, until_next)) = longest {
            let sounds_together = before.end > note.start + slip;
            let begins_together = note.start - notes[index - 1].start < slip;
            // A note that rings for less than it was played may end after a shorter one.
            let outlasts = before.end > note.end + slip && before.end - before.start > 2 * until_next.max(slip);
            // What is struck again would have rung on.
            let is_cut = starts.contains(&(note.end, note.pitch));
            breaches += usize::from(sounds_together && (begins_together || outlasts && !is_cut));
        }
        if longest.is_none_or(|(before, _)| note.end >= before.end) {
            let next = notes.get(index + 1).map_or(note.end, |next| next.start);
            longest = Some((*note, next - note.start));
        }
    }
    breaches * ACCIDENTS <= notes.len()
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;

    /// Start and end in quarters.
    fn is_one(notes: &[(f64, f64, u8)]) -> bool {
        let ticks = |quarters: f64| (quarters * 480.0) as Tick;
        let note = |&(start, end, pitch): &(f64, f64, u8)| Note {
            start: ticks(start),
            end: ticks(end),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: 80,
        };
        is_single_line(&notes.iter().map(note).collect::<Vec<_>>(), 60)
    }

    #[test]
    fn notes_that_ring_into_the_next_ones_or_to_the_change_of_the_pedal_are_one_line() {
        for held in [0.1, 0.5, 1.0, 2.0] {
            assert!(is_one(&[(0.0, 1.0 + held, 72), (1.0, 2.0 + held, 74), (2.0, 4.0 + held, 76), (4.0, 5.0, 72)]));
        }
        // The second is struck again while all ring on to the change of the pedal.
        assert!(is_one(&[(0.0, 4.0, 72), (1.0, 2.0, 74), (2.0, 3.0, 74), (3.0, 4.0, 74), (4.0, 8.0, 79)]));
        assert!(is_one(&[(0.0, 4.0, 72), (1.0, 4.0, 74), (2.0, 4.0, 76), (3.0, 4.0, 77), (4.0, 8.0, 79)]));
        // Half as long again as written, long or short.
        assert!(is_one(&[(0.0, 3.0, 72), (2.0, 2.75, 74), (2.5, 3.25, 76), (3.0, 6.0, 77)]));
    }

    #[test]
    fn notes_that_begin_together_or_come_and_go_under_another_are_several_lines() {
        assert!(!is_one(&[(0.0, 1.0, 60), (0.0, 1.0, 64), (1.0, 2.0, 62)]));
        assert!(!is_one(&[(0.0, 4.0, 72), (1.0, 2.0, 64), (2.0, 3.0, 65), (3.0, 4.0, 64)]));
    }
}
