//! How pitches are written. Names are places on the line of fifths: ... F = -1, C = 0, G = 1, ..., F# = 6; a sharp is
//! seven places up.

use std::fmt;

use crate::{Key, Pitch};

/// A pitch as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spelling {
    /// `A`..=`G`.
    pub letter: char,
    /// Semitones by which the letter is raised; flats below zero.
    pub alteration: i8,
    /// Of the letter: B#3 sounds as C4.
    pub octave: i8,
}

impl Spelling {
    /// `fifths` must be a name of the pitch's class.
    fn new(pitch: Pitch, fifths: i8) -> Spelling {
        let alteration = alteration_of(fifths);
        let octave = (i32::from(pitch.midi()) - i32::from(alteration)).div_euclid(12) - 1;
        Spelling { letter: letter_of(fifths), alteration, octave: octave as i8 }
    }

    /// What the signature of `key` makes of the letter.
    pub fn signature_alteration(self, key: Key) -> i8 {
        (key.sharps - 1..=key.sharps + 5).find(|&fifths| letter_of(fifths) == self.letter).map_or(0, alteration_of)
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accidental = if self.alteration > 0 { "#" } else { "b" };
        let accidentals = accidental.repeat(usize::from(self.alteration.unsigned_abs()));
        f.pad(&format!("{}{accidentals}{}", self.letter, self.octave))
    }
}

impl Key {
    /// The usual name of a pitch class, by its place on the line of fifths: sharps where they lead to the degrees of
    /// the key, flats where they are borrowed from its minor.
    pub(crate) fn place(self, class: u8) -> i8 {
        let lowest = if self.minor { self.tonic_fifths() - 5 } else { self.tonic_fifths() - 3 };
        (lowest..lowest + 12).find(|&fifths| class_of(fifths) == class).unwrap_or(lowest)
    }

    /// How `pitch` is written in this key when `others` sound with it and its part goes on to `next`: near the other
    /// notes and the key on the line of fifths; a chromatic note that moves by a semitone leads, as sharp or as flat.
    pub fn spell(self, pitch: Pitch, others: &[Pitch], next: Option<Pitch>) -> Spelling {
        let usual = self.place(pitch.class());
        let is_diatonic = self.has(pitch.class());
        let context: Vec<f64> = others
            .iter()
            .filter(|other| other.class() != pitch.class() && self.has(other.class()))
            .map(|other| f64::from(self.place(other.class())))
            .collect();
        let mean = match context.len() {
            0 => f64::from(usual),
            count => context.iter().sum::<f64>() / count as f64,
        };
        let step = next.map_or(0, |next| i32::from(next.midi()) - i32::from(pitch.midi()));
        let cost = |fifths: i8| {
            // Chromatic semitones, such as F# to F, stay on their line: only a move to a note of the key leads.
            let leads = next.is_some_and(|next| self.has(next.class())) && step.abs() == 1;
            let leading = match leads {
                true if (step > 0) == (fifths > usual || (fifths == usual && usual > self.sharps + 5)) => -1.5,
                _ => 0.0,
            };
            (f64::from(fifths) - mean).abs() + 1.5 * f64::from((fifths - usual).abs().min(1)) + leading
        };
        let mut best = usual;
        if !is_diatonic {
            for other in [usual - 12, usual + 12] {
                if cost(other) < cost(best) {
                    best = other;
                }
            }
        }
        Spelling::new(pitch, best)
    }
}

/// Its pitch class.
pub(crate) fn class_of(fifths: i8) -> u8 {
    (i32::from(fifths) * 7).rem_euclid(12) as u8
}

/// `F#`, `Bb`, `C`.
pub(crate) fn name_of(fifths: i8) -> String {
    let accidental = if fifths > 5 { "#" } else { "b" };
    format!("{}{}", letter_of(fifths), accidental.repeat(usize::from(alteration_of(fifths).unsigned_abs())))
}

pub(crate) fn letter_of(fifths: i8) -> char {
    ['F', 'C', 'G', 'D', 'A', 'E', 'B'][(fifths + 1).rem_euclid(7) as usize]
}

fn alteration_of(fifths: i8) -> i8 {
    (fifths + 1).div_euclid(7)
}

/// Letters from one up to the next of the other.
pub(crate) fn letter_steps(from: char, to: char) -> i8 {
    let index = |letter| "CDEFGAB".find(letter).unwrap_or(0) as i8;
    (index(to) - index(from)).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    fn pitches(midi: &[u8]) -> Vec<Pitch> {
        midi.iter().map(|&midi| Pitch::new(midi).unwrap()).collect()
    }

    #[test]
    fn chromatic_notes_are_written_for_their_chord_and_where_they_lead() {
        let check = |in_key: &str, pitch: u8, others: &[u8], next: Option<u8>, expected: &str| {
            let next = next.and_then(Pitch::new);
            let spelled = key(in_key).spell(Pitch::new(pitch).unwrap(), &pitches(others), next);
            assert_eq!(spelled.to_string(), expected, "{pitch} in {in_key} with {others:?} before {next:?}");
        };
        check("C", 63, &[59, 66, 71], Some(64), "D#4");
        check("C", 63, &[48, 67, 72], Some(62), "Eb4");
        check("C", 66, &[50, 62, 69], Some(67), "F#4");
        check("C", 66, &[50, 62, 69], Some(65), "F#4");
        check("C", 70, &[48, 64, 67], Some(69), "Bb4");
        check("C", 68, &[52, 64, 71], Some(69), "G#4");
        check("a", 68, &[52, 64, 71], Some(69), "G#4");
        check("a", 63, &[47, 66, 57], Some(64), "D#4");
        check("a", 70, &[50, 62, 65], Some(68), "Bb4");
        check("Eb", 66, &[50, 57, 62], Some(67), "F#4");
        check("E", 67, &[], None, "G4");
        check("F#", 65, &[49, 61, 68], Some(66), "E#4");
        check("Db", 72, &[], None, "C5");
        check("Gb", 71, &[], None, "Cb5");
        check("C#", 60, &[], None, "B#3");
    }

    proptest! {
        #[test]
        fn a_spelling_sounds_as_its_pitch(
            midi in 0u8..=127,
            others in prop::collection::vec(0u8..=127, 0..4),
            next in prop::option::of(0u8..=127),
            sharps in -7i8..=7,
            minor: bool,
        ) {
            let key = Key { sharps, minor };
            let spelled = key.spell(Pitch::new(midi).unwrap(), &pitches(&others), next.and_then(Pitch::new));
            let natural = [("C", 0), ("D", 2), ("E", 4), ("F", 5), ("G", 7), ("A", 9), ("B", 11)]
                .into_iter()
                .find(|(letter, _)| letter.starts_with(spelled.letter))
                .unwrap().1;
            let sounds = 12 * (i32::from(spelled.octave) + 1) + natural + i32::from(spelled.alteration);
            prop_assert_eq!(sounds, i32::from(midi));
            prop_assert!(spelled.alteration.abs() <= 3);
        }
    }
}
