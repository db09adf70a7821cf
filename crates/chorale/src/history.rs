//! What the parts have done so far, as the networks are told of it and the rules look back on it.

use crate::{Chord, Key, Pitch, Token};

/// One part's present note and what came before it. A rest is a note here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartHistory {
    /// What it sounds, as of the last step; [`Token::START`] before the first one.
    pub note: Token,
    /// What it sounded before that; [`Token::START`] where `note` is its first.
    pub note_before: Token,
    /// For how many steps it has had its note.
    pub steps: usize,
}

impl Default for PartHistory {
    fn default() -> PartHistory {
        PartHistory { note: Token::START, note_before: Token::START, steps: 0 }
    }
}

impl PartHistory {
    pub fn step(&mut self, note: Token) {
        *self = if self.note == note {
            PartHistory { steps: self.steps + 1, ..*self }
        } else {
            PartHistory { note, note_before: self.note, steps: 1 }
        };
    }

    /// By how many semitones it moved to its present note; 0 from or to a rest.
    pub fn motion(self) -> i16 {
        self.note_before.pitch().zip(self.note.pitch()).map_or(0, |(from, to)| interval(from, to))
    }

    /// For how many steps a pitch has been held; 0 at rest.
    pub fn held(self) -> usize {
        if self.note.pitch().is_some() { self.steps } else { 0 }
    }
}

/// Upwards; below zero where `to` is the lower one.
pub(crate) fn interval(from: Pitch, to: Pitch) -> i16 {
    i16::from(to.midi()) - i16::from(from.midi())
}

/// Steps that each pitch class has sounded, a part at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PitchClassDurations([u32; 12]);

impl PitchClassDurations {
    pub fn of(chords: &[Chord]) -> PitchClassDurations {
        let mut durations = PitchClassDurations::default();
        chords.iter().for_each(|&chord| durations.add(chord));
        durations
    }

    /// Counts a step.
    pub fn add(&mut self, chord: Chord) {
        classes(chord).for_each(|class| self.0[class] += 1);
    }

    /// Takes a step that was counted out again.
    pub(crate) fn remove(&mut self, chord: Chord) {
        classes(chord).for_each(|class| self.0[class] -= 1);
    }

    /// See [`Key::of_durations`].
    pub fn key(&self) -> Option<Key> {
        Key::of_durations(&self.0)
    }
}

fn classes(chord: Chord) -> impl Iterator<Item = usize> {
    chord.pitches().into_iter().flatten().map(|pitch| usize::from(pitch.class()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(midi: u8) -> Token {
        Pitch::new(midi).and_then(Token::from_pitch).unwrap_or(Token::REST)
    }

    #[test]
    fn a_part_remembers_its_note_the_one_before_and_how_long_it_is_held() {
        let mut part = PartHistory::default();
        let mut after = |midi| {
            part.step(token(midi));
            (part.motion(), part.held(), part.steps)
        };
        assert_eq!([after(60), after(60), after(57)], [(0, 1, 1), (0, 2, 2), (-3, 1, 1)]);
        assert_eq!([after(0), after(0)], [(0, 0, 1), (0, 0, 2)]);
        assert_eq!([after(62), after(62)], [(0, 1, 1), (0, 2, 2)]);
    }

    #[test]
    fn durations_that_are_taken_out_again_leave_no_trace() {
        let chord = |midi: [u8; 4]| Chord(midi.map(token));
        let (first, second) = (chord([72, 67, 64, 48]), chord([74, 67, 0, 43]));
        let mut durations = PitchClassDurations::of(&[first, second]);
        assert_eq!(durations.0, [2, 0, 1, 0, 1, 0, 0, 3, 0, 0, 0, 0]);
        durations.remove(second);
        assert_eq!(durations, PitchClassDurations::of(&[first]));
        assert_eq!(PitchClassDurations::default().key(), None);
    }
}
