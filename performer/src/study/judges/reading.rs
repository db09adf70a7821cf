//! A piece as the judges read it.

use chorale::{Chorale, Chord, Harmony, Key, Part, Phase, Pitch};
use harmonizer::phrasing::{self, Phrasing, Signature};
use harmonizer::search;

/// A note of one part. What is struck again on the same pitch is one note: the data do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub start: usize,
    /// The step after its last one.
    pub end: usize,
    pub midi: i16,
    /// Semitones from the note before, and to the one after; `None` across a rest, and at the piece's ends.
    pub approach: Option<i16>,
    pub leave: Option<i16>,
}

impl Note {
    /// Whether it begins off the beat and goes on over the next one.
    pub fn is_syncopated(self) -> bool {
        let beat = self.start.next_multiple_of(Phase::STEPS_PER_BEAT);
        self.start < beat && beat < self.end
    }
}

/// A piece whose first step is on a beat.
pub struct Reading<'a> {
    pub chords: &'a [Chord],
    /// That of the soprano, so that two harmonizations of it are read in one key.
    pub key: Key,
    /// By part.
    pub notes: [Vec<Note>; 4],
}

/// Where a step stands in its beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Beat,
    Half,
    Sixteenth,
}

impl Place {
    pub fn of(step: usize) -> Place {
        match step % Phase::STEPS_PER_BEAT {
            0 => Place::Beat,
            2 => Place::Half,
            _ => Place::Sixteenth,
        }
    }

    pub fn name(self) -> &'static str {
        ["on the beat", "on the half beat", "on a sixteenth"][self as usize]
    }
}

impl<'a> Reading<'a> {
    pub fn of(piece: &'a Chorale) -> Reading<'a> {
        let sopranos: Vec<_> = piece.chords.iter().map(|chord| chord[Part::Soprano]).collect();
        let (contour, _) = search::contour_of_sopranos(&sopranos);
        let key = phrasing::melody_key(&contour, Signature::None, Phrasing::learned());
        Reading { chords: &piece.chords, key, notes: Part::ALL.map(|part| notes(&piece.chords, part)) }
    }

    pub fn beats(&self) -> usize {
        self.chords.len().div_ceil(Phase::STEPS_PER_BEAT)
    }

    pub fn midi(&self, step: usize, part: Part) -> Option<i16> {
        self.chords.get(step)?[part].pitch().map(|pitch| i16::from(pitch.midi()))
    }

    /// Semitones above the key's tonic.
    pub fn degree(&self, midi: i16) -> i16 {
        (midi - i16::from(self.key.tonic())).rem_euclid(12)
    }

    /// Its chord, where it is one.
    pub fn harmony(&self, step: usize) -> Option<Harmony> {
        let pitches: Vec<Pitch> = self.chords.get(step)?.pitches().into_iter().flatten().collect();
        Harmony::of(&pitches)
    }

    /// The note of a part that sounds at a step.
    pub fn note_at(&self, step: usize, part: Part) -> Option<Note> {
        let notes = &self.notes[part.index()];
        let next = notes.partition_point(|note| note.end <= step);
        notes.get(next).copied().filter(|note| note.start <= step)
    }

    /// Whether the part makes a second, a seventh or a tritone with another one, or a fourth with the bass.
    pub fn is_dissonant(&self, step: usize, part: Part) -> bool {
        let Some(own) = self.midi(step, part) else { return false };
        Part::ALL.into_iter().filter(|other| *other != part).any(|other| {
            let Some(midi) = self.midi(step, other) else { return false };
            let with_bass = part == Part::Bass || other == Part::Bass;
            match (own - midi).abs() % 12 {
                1 | 2 | 6 | 10 | 11 => true,
                5 => with_bass,
                _ => false,
            }
        })
    }
}

fn notes(chords: &[Chord], part: Part) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let mut start = 0;
    for run in chords.chunk_by(|a, b| a[part] == b[part]) {
        let end = start + run.len();
        if let Some(pitch) = run[0][part].pitch() {
            let midi = i16::from(pitch.midi());
            let approach = notes.last_mut().filter(|before| before.end == start).map(|before| {
                before.leave = Some(midi - before.midi);
                midi - before.midi
            });
            notes.push(Note { start, end, midi, approach, leave: None });
        }
        start = end;
    }
    notes
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Each row of pitches for so many steps; 0 is a rest.
    pub fn piece(rows: &[([u8; 4], usize)]) -> Chorale {
        let rows: String =
            rows.iter().map(|([s, a, t, b], steps)| format!("{s},{a},{t},{b}\n").repeat(*steps)).collect();
        Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap()
    }

    #[test]
    fn notes_know_how_they_are_reached_and_left_and_a_rest_parts_them() {
        let piece = piece(&[([72, 67, 64, 48], 4), ([72, 65, 64, 50], 2), ([72, 65, 0, 52], 2), ([72, 67, 64, 48], 4)]);
        let reading = Reading::of(&piece);
        let note = |start, end, midi, approach, leave| Note { start, end, midi, approach, leave };
        let alto = [note(0, 4, 67, None, Some(-2)), note(4, 8, 65, Some(-2), Some(2)), note(8, 12, 67, Some(2), None)];
        assert_eq!(reading.notes[1], alto);
        assert_eq!(reading.notes[2], [note(0, 6, 64, None, None), note(8, 12, 64, None, None)]);
        assert_eq!(reading.note_at(7, Part::Alto), Some(alto[1]));
        assert_eq!(reading.note_at(7, Part::Tenor), None);
        assert_eq!(reading.beats(), 3);
    }

    #[test]
    fn seconds_sevenths_tritones_and_fourths_over_the_bass_are_dissonant() {
        let check = |chord: [u8; 4], expected: [bool; 4]| {
            let piece = piece(&[(chord, 4)]);
            let reading = Reading::of(&piece);
            assert_eq!(Part::ALL.map(|part| reading.is_dissonant(0, part)), expected, "{chord:?}");
        };
        check([72, 67, 64, 48], [false; 4]);
        check([72, 67, 65, 48], [false, true, true, true]);
        check([72, 67, 60, 55], [true, false, true, true]);
        check([71, 67, 62, 48], [true, false, true, true]);
    }
}
