//! How the notes of a score are written: as their source wrote them, else for their key, their chord and where they lead.

use chorale::{Part, Pitch, Spelling, Surroundings};

use super::key_at;
use crate::score::{Note, Score, Tick};

/// Of each note of a part, in order. Whatever shows names shows these, so that a score and a list of its notes agree.
pub fn spellings(score: &Score, part: Part) -> Vec<Spelling> {
    let (keys, notes) = (score.keys(), score.part(part));
    let written = &score.spellings[part.index()];
    let spelling = |(index, note): (usize, &Note)| {
        written.get(&note.start).copied().unwrap_or_else(|| {
            let is_other = |other: &&Note| other.pitch != note.pitch;
            let sounding = sounding_with(score, part, note.start);
            let others: Vec<Pitch> = sounding.iter().map(|other| other.pitch).collect();
            let around = Surroundings {
                others: &others,
                is_alone: sounding.iter().all(|other| other.start < note.start),
                before: notes[..index].iter().rev().find(is_other).map(|before| before.pitch),
                next: notes[index..].iter().find(is_other).map(|next| next.pitch),
            };
            key_at(&keys, note.start).spell(note.pitch, around)
        })
    };
    notes.iter().enumerate().map(spelling).collect()
}

/// The notes of the other parts at a tick.
fn sounding_with(score: &Score, part: Part, tick: Tick) -> Vec<Note> {
    let others = Part::ALL.into_iter().filter(|other| *other != part);
    let sounding = others.filter_map(|other| {
        let notes = score.part(other);
        notes[..notes.partition_point(|note| note.start <= tick)].last().filter(|last| last.end > tick)
    });
    sounding.copied().collect()
}
