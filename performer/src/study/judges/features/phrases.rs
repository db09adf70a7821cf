//! What happens under the soprano's long notes, which is where phrases end, and at the end of the piece.

use chorale::{Part, Phase, Sonority};

use super::super::reading::Reading;
use super::Counts;

/// Steps from which on a note is long: two beats.
const LONG: usize = 2 * Phase::STEPS_PER_BEAT;

pub fn count(reading: &Reading, counts: &mut Counts) {
    let notes = &reading.notes[Part::Soprano.index()];
    for (index, note) in notes.iter().enumerate() {
        let is_last = index + 1 == notes.len();
        let title = match (is_last, note.end - note.start) {
            (true, _) => "last note",
            (_, LONG..) => "long note",
            _ => continue,
        };
        let (first, last) = (note.start, note.end - 1);
        let is_at_rest = (first..last).all(|step| reading.chords[step] == reading.chords[last]);
        counts.add(format!("{title}: {}", if is_at_rest { "at rest" } else { "parts move" }));
        let moves = (first + 1..=last).filter(|&step| reading.chords[step] != reading.chords[step - 1]).count();
        counts.add(format!("{title}: {} changes under it", moves.min(6)));
        for (moment, step) in [("begins", first), ("ends", last)] {
            let kind = match (reading.harmony(step), Sonority::of(&reading.chords[step].pitches())) {
                (Some(harmony), Sonority::Triad) => format!("on a triad, inversion {}", harmony.inversion()),
                (_, Sonority::Seventh) => "on a seventh chord".into(),
                (_, Sonority::Incomplete) => "on an incomplete triad".into(),
                _ => "on a dissonance".into(),
            };
            counts.add(format!("{title}: {moment} {kind}"));
            if let Some(bass) = reading.midi(step, Part::Bass) {
                counts.add(format!("{title}: {moment} over degree {}", reading.degree(bass)));
            }
        }
        if let (Some(before), Some(now)) =
            (first.checked_sub(1).and_then(|before| reading.midi(before, Part::Bass)), reading.midi(first, Part::Bass))
        {
            counts.add(format!("{title}: bass comes by {}", now - before));
        }
        for part in [Part::Alto, Part::Tenor] {
            let before = first.checked_sub(1).and_then(|before| reading.midi(before, part));
            if let (Some(before), Some(now)) = (before, reading.midi(first, part))
                && reading.degree(before) == 11
            {
                counts.add(format!("{title}: leading tone moves by {}", now - before));
            }
        }
    }
}
