//! Notes that are foreign to what the other parts make: where they stand, and how they are reached and left.

use chorale::{Part, Sonority};

use super::super::reading::{Place, Reading};
use super::Counts;
use super::melody::motion;

pub fn count(reading: &Reading, counts: &mut Counts) {
    for part in Part::ALL {
        let name = part.name().to_lowercase();
        for note in &reading.notes[part.index()] {
            // A note that stays while the others move may become foreign more than once.
            let mut was_foreign = false;
            for step in note.start..note.end {
                let foreign = is_foreign(reading, step, part);
                if foreign && !was_foreign {
                    let by = if step == note.start { motion(note.approach) } else { "staying" };
                    let stays = (step + 1..note.end).any(|later| !is_foreign(reading, later, part));
                    let left = if stays { "stays and becomes consonant" } else { motion(note.leave) };
                    counts.add(format!("{name} foreign {}: by {by}, {left}", Place::of(step).name()));
                }
                was_foreign = foreign;
            }
            let is_dissonant = reading.is_dissonant(note.start, part);
            if is_dissonant && note.approach.is_some() {
                let place = Place::of(note.start).name();
                counts.add(format!("{name} dissonant {place}: by {}, {}", motion(note.approach), motion(note.leave)));
                if (note.start..note.end).all(|step| reading.is_dissonant(step, part)) {
                    counts.add(format!("{name} dissonant {place}, and stays so"));
                }
            }
        }
    }
}

/// Whether all parts make no chord, and those without this one do.
fn is_foreign(reading: &Reading, step: usize, part: Part) -> bool {
    let mut pitches = reading.chords[step].pitches();
    if pitches[part.index()].is_none() || Sonority::of(&pitches) != Sonority::Unclassified {
        return false;
    }
    pitches[part.index()] = None;
    Sonority::of(&pitches) != Sonority::Unclassified
}
