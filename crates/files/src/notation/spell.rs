//! How the notes of a score are written: as their source wrote them, else for their key, their chord and where they lead.

use chorale::{Part, Pitch, Spelling, Surroundings};

use super::key_at;
use crate::score::{Note, Score, Tick};

/// Of each note of a part, in order. Whatever shows names shows these, so that a score and a list of its notes agree.
pub fn spellings(score: &Score, part: Part) -> Vec<Spelling> {
    let [soprano, alto, tenor, bass] = all_spellings(score);
    match part {
        Part::Soprano => soprano,
        Part::Alto => alto,
        Part::Tenor => tenor,
        Part::Bass => bass,
    }
}

/// Of each note of all parts. What sounds at once has one name in all parts, but where the source writes it otherwise.
pub fn all_spellings(score: &Score) -> [Vec<Spelling>; 4] {
    let mut all = Part::ALL.map(|part| each_alone(score, part));
    let mut onsets: Vec<(Tick, Part, usize)> = Vec::new();
    for part in Part::ALL {
        onsets.extend(score.part(part).iter().enumerate().map(|(index, note)| (note.start, part, index)));
    }
    onsets.sort_unstable_by_key(|(start, part, _)| (*start, part.index()));
    for (start, part, index) in onsets {
        let note = score.part(part)[index];
        let name = |spelling: Spelling| (spelling.letter, spelling.alteration);
        let mine = all[part.index()][index];
        let others = Part::ALL.into_iter().filter(|other| *other != part);
        let sounding = others.filter_map(|other| Some((other, index_at(score.part(other), start)?)));
        let of_class = sounding.filter(|(other, at)| score.part(*other)[*at].pitch.class() == note.pitch.class());
        let differs = |(other, at): &(Part, usize)| name(all[other.index()][*at]) != name(mine);
        let Some((other, at)) = of_class.into_iter().find(differs) else { continue };
        let theirs = all[other.index()][at];
        let is_written = |part: Part, tick: Tick| score.spellings[part.index()].contains_key(&tick);
        let other_note = score.part(other)[at];
        // What the source wrote stays, then what is printed already; of two that begin together what suits their chord.
        let keeps_mine = match (is_written(part, start), is_written(other, other_note.start)) {
            (true, true) => continue,
            (true, false) => true,
            (false, true) => false,
            _ if other_note.start < start => false,
            _ => name(in_chord(score, part, note)) == name(mine),
        };
        if keeps_mine {
            all[other.index()][at] = mine.of_octave(other_note.pitch);
        } else {
            all[part.index()][index] = theirs.of_octave(note.pitch);
        }
    }
    all
}

/// As its chord alone has it written, wherever it leads.
fn in_chord(score: &Score, part: Part, note: Note) -> Spelling {
    let others: Vec<Pitch> = sounding_with(score, part, note.start).iter().map(|other| other.pitch).collect();
    let around = Surroundings { others: &others, ..Surroundings::default() };
    key_at(&score.keys(), note.start).spell(note.pitch, around)
}

/// Of each note of a part, whatever names the other parts have.
fn each_alone(score: &Score, part: Part) -> Vec<Spelling> {
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
    others.filter_map(|other| Some(score.part(other)[index_at(score.part(other), tick)?])).collect()
}

/// The place of the note that sounds at a tick.
fn index_at(notes: &[Note], tick: Tick) -> Option<usize> {
    let at = notes.partition_point(|note| note.start <= tick).checked_sub(1)?;
    (notes[at].end > tick).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Direction;

    fn note(start: Tick, end: Tick, pitch: u8) -> Note {
        Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 80 }
    }

    fn c_major() -> Vec<(Tick, Direction)> {
        vec![(0, Direction::Key { sharps: 0, minor: false })]
    }

    /// The names of what sounds at a tick, from the top.
    fn names_at(score: &Score, tick: Tick) -> Vec<String> {
        let all = all_spellings(score);
        let names = Part::ALL
            .into_iter()
            .filter_map(|part| Some(all[part.index()][index_at(score.part(part), tick)?].to_string()));
        names.collect()
    }

    #[test]
    fn what_sounds_at_once_has_one_name_in_all_parts_but_where_the_source_writes_another() {
        // In the alto Eb goes down to D, in the bass D# goes up to E.
        let parts = [
            vec![note(0, 480, 67), note(480, 960, 67)],
            vec![note(0, 480, 63), note(480, 960, 62)],
            vec![note(0, 480, 57), note(480, 960, 59)],
            vec![note(0, 480, 51), note(480, 960, 52)],
        ];
        let mut score = Score { ticks_per_quarter: 480, directions: c_major(), parts, ..Score::default() };
        let alone = [Part::Alto, Part::Bass].map(|part| each_alone(&score, part)[0].to_string());
        assert_eq!(alone, ["Eb4", "D#3"]);
        assert_eq!(names_at(&score, 0), ["G4", "Eb4", "A3", "Eb3"]);
        score.spellings[3].insert(0, Spelling { letter: 'D', alteration: 1, octave: 3 });
        assert_eq!(names_at(&score, 0), ["G4", "D#4", "A3", "D#3"]);
        score.spellings[1].insert(0, Spelling { letter: 'E', alteration: -1, octave: 4 });
        assert_eq!(names_at(&score, 0), ["G4", "Eb4", "A3", "D#3"], "as the source has both");
    }

    #[test]
    fn a_note_that_is_held_keeps_its_name_when_another_joins_it() {
        let parts = [
            vec![note(0, 960, 67)],
            vec![note(0, 960, 63), note(960, 1440, 62)],
            vec![note(0, 960, 57)],
            vec![note(0, 480, 48), note(480, 960, 51), note(960, 1440, 52)],
        ];
        let score = Score { ticks_per_quarter: 480, directions: c_major(), parts, ..Score::default() };
        assert_eq!(each_alone(&score, Part::Bass)[1].to_string(), "D#3");
        assert_eq!(names_at(&score, 480), ["G4", "Eb4", "A3", "Eb3"]);
    }
}
