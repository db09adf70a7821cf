//! How the notes of a score are written: as their source wrote them, else for their key, their chord and where they lead.

use chorale::{Part, Pitch, Spelling};

use super::key_at;
use crate::score::{Note, Score, Tick};

/// Of each note of a part, in order. Whatever shows names shows these, so that a score and a list of its notes agree.
pub fn spellings(score: &Score, part: Part) -> Vec<Spelling> {
    let (keys, notes) = (score.keys(), score.part(part));
    let written = &score.spellings[part.index()];
    let spelling = |(index, note): (usize, &Note)| {
        written.get(&note.start).copied().unwrap_or_else(|| {
            let next = notes.get(index + 1).map(|next| next.pitch);
            key_at(&keys, note.start).spell(note.pitch, &sounding_with(score, part, note.start), next)
        })
    };
    notes.iter().enumerate().map(spelling).collect()
}

/// The pitches of the other parts at a tick.
fn sounding_with(score: &Score, part: Part, tick: Tick) -> Vec<Pitch> {
    let others = Part::ALL.into_iter().filter(|other| *other != part);
    let sounding = others.filter_map(|other| {
        let notes = score.part(other);
        let last = notes[..notes.partition_point(|note| note.start <= tick)].last()?;
        (last.end > tick).then_some(last.pitch)
    });
    sounding.collect()
}
