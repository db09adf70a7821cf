//! How pitches are written. Names are places on the line of fifths: ... F = -1, C = 0, G = 1, ..., F# = 6; a sharp is
//! seven places up.

use std::fmt;

use crate::{Harmony, Key, Pitch, Quality};

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

    /// A pitch that sounds like this one, or octaves from it, by the same name.
    pub fn of_octave(self, pitch: Pitch) -> Spelling {
        let octave = (i32::from(pitch.midi()) - i32::from(self.alteration)).div_euclid(12) - 1;
        Spelling { octave: octave as i8, ..self }
    }

    /// Without the octave: `F#`, `Bb`, `C`.
    pub fn name(self) -> String {
        let accidental = if self.alteration > 0 { "#" } else { "b" };
        format!("{}{}", self.letter, accidental.repeat(usize::from(self.alteration.unsigned_abs())))
    }

    /// Whether the letter of a note lies so many thirds above this one's.
    pub(crate) fn has_thirds_to(self, other: Spelling, thirds: i8) -> bool {
        letter_steps(self.letter, other.letter) == (2 * thirds).rem_euclid(7)
    }

    /// What the signature of `key` makes of the letter.
    pub fn signature_alteration(self, key: Key) -> i8 {
        (key.sharps - 1..=key.sharps + 5).find(|&fifths| letter_of(fifths) == self.letter).map_or(0, alteration_of)
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", self.name(), self.octave))
    }
}

impl Key {
    /// The usual name of a pitch class, by its place on the line of fifths: sharps where they lead to the degrees of
    /// the key, flats where they are borrowed from its minor.
    pub(crate) fn place(self, class: u8) -> i8 {
        let lowest = if self.minor { self.tonic_fifths() - 5 } else { self.tonic_fifths() - 3 };
        (lowest..lowest + 12).find(|&fifths| class_of(fifths) == class).unwrap_or(lowest)
    }

    /// How `pitch` is written in this key. A chromatic note is written for its chord, in thirds; where the chord leaves the
    /// choice, or there is none, for the note of the key to which it moves by a semitone: one that rises as a raised note, one
    /// that falls as a lowered one. Else it lies near the other notes on the line of fifths.
    pub fn spell(self, pitch: Pitch, around: Surroundings) -> Spelling {
        let class = pitch.class();
        let usual = self.place(class);
        if self.has(class) {
            return Spelling::new(pitch, usual);
        }
        let led = self.led(pitch, around);
        // What only touches a chord that others hold, and goes back, or passes through it upwards by semitones, is none of its
        // notes; downwards it may be a third that was suspended.
        let goes_back = around.before == around.next;
        let is_ornament = around.is_alone && led.is_some() && (goes_back || around.passes_upwards(pitch));
        let chord = if is_ornament { Vec::new() } else { self.names_in_chord(pitch, around) };
        let place = match (led, chord.as_slice()) {
            (Some(led), []) => led,
            (Some(led), names) if names.contains(&led) => led,
            (_, [only]) => *only,
            (_, []) => self.near(class, around.others, &[usual, usual - 12, usual + 12]),
            (_, names) => self.near(class, around.others, names),
        };
        Spelling::new(pitch, place)
    }

    /// As what a chromatic note leads by a semitone to a note of the key: as its raised lower neighbour, or its lowered upper
    /// one.
    fn led(self, pitch: Pitch, around: Surroundings) -> Option<i8> {
        let next = around.next.filter(|next| self.has(next.class()))?;
        match i32::from(next.midi()) - i32::from(pitch.midi()) {
            1 => Some(self.place(next.class()) + 5),
            // Downwards, too, the raised fourth is one, but for what only touches the fourth.
            -1 if self.degree(pitch.class()) == 6 && around.before != around.next => None,
            -1 => Some(self.place(next.class()) - 5),
            _ => None,
        }
    }

    /// The names that make thirds of the chord that sounds with the pitch, those of the key's notes being given. None where
    /// no chord sounds; several where it is built of equal thirds, or may be a part of such a chord.
    fn names_in_chord(self, pitch: Pitch, around: Surroundings) -> Vec<i8> {
        let sounding: Vec<Pitch> = around.others.iter().copied().chain([pitch]).collect();
        let Some(harmony) = Harmony::of(&sounding) else { return Vec::new() };
        // Of the chords in which a lowered note may rise, only major ones are more than what passes makes them.
        if around.passes_upwards(pitch)
            && matches!(harmony.quality, Quality::Minor | Quality::MinorSeventh | Quality::HalfDiminished)
        {
            return Vec::new();
        }
        let (roots, quality) = match harmony.quality {
            Quality::Diminished | Quality::DiminishedSeventh => (4, Quality::DiminishedSeventh),
            Quality::Augmented => (3, Quality::Augmented),
            quality => (1, quality),
        };
        // The seventh of the chord on the lowered sixth that rises is an augmented sixth.
        let above_root = (pitch.class() + 12 - harmony.root) % 12;
        let is_augmented_sixth =
            quality == Quality::DominantSeventh && self.degree(harmony.root) == 8 && above_root == 10;
        if is_augmented_sixth && let Some(led) = self.led(pitch, around) {
            return vec![led];
        }
        let fits = |root: i8| {
            let name = |class: u8| name_in_chord(root, quality, class);
            let is_kept =
                |other: &Pitch| !self.has(other.class()) || name(other.class()) == Some(self.place(other.class()));
            around.others.iter().all(is_kept).then(|| name(pitch.class())).flatten()
        };
        let classes = (0..roots).map(|index| (harmony.root + index * (12 / roots)) % 12);
        let places = classes.map(|class| self.place(class)).flat_map(|place| [place - 12, place, place + 12]);
        let mut names: Vec<i8> = places.filter_map(fits).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The name that lies nearest to the other notes of the key and to its usual names.
    fn near(self, class: u8, others: &[Pitch], names: &[i8]) -> i8 {
        let usual = self.place(class);
        let context = others.iter().filter(|other| other.class() != class && self.has(other.class()));
        let context: Vec<f64> = context.map(|other| f64::from(self.place(other.class()))).collect();
        let mean = match context.len() {
            0 => f64::from(usual),
            count => context.iter().sum::<f64>() / count as f64,
        };
        let cost = |name: i8| (f64::from(name) - mean).abs() + if name == usual { 0.0 } else { 1.5 };
        names.iter().copied().min_by(|one, other| cost(*one).total_cmp(&cost(*other))).unwrap_or(usual)
    }
}

/// What stands around a note that is to be spelled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// What sounds with it when it begins.
    pub others: &'a [Pitch],
    /// Whether none of them begins with it.
    pub is_alone: bool,
    /// The pitches of its part before it and after it, other than its own.
    pub before: Option<Pitch>,
    pub next: Option<Pitch>,
}

impl Surroundings<'_> {
    /// Whether its part goes up by semitones through it.
    fn passes_upwards(self, pitch: Pitch) -> bool {
        self.before.and_then(|before| before.transposed(1)) == Some(pitch) && self.next == pitch.transposed(1)
    }
}

/// The name of a pitch class in a chord whose root has the name `root`; `None` for a class that is none of its notes.
fn name_in_chord(root: i8, quality: Quality, class: u8) -> Option<i8> {
    let above = (class + 12 - class_of(root)) % 12;
    let third = quality.intervals().iter().position(|interval| *interval == above)?;
    place_in_chord(root, third, class)
}

/// The place of a chord's note, so many thirds above the root's letter.
pub(crate) fn place_in_chord(root: i8, thirds: usize, class: u8) -> Option<i8> {
    let is_on_letter = |fifths: &i8| letter_steps(letter_of(root), letter_of(*fifths)) == 2 * thirds as i8;
    (root - 12..=root + 12).find(|fifths| class_of(*fifths) == class && is_on_letter(fifths))
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
            let around = Surroundings { others: &pitches(others), next, ..Surroundings::default() };
            let spelled = key(in_key).spell(Pitch::new(pitch).unwrap(), around);
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

    #[test]
    fn a_chromatic_neighbour_is_raised_below_and_lowered_above() {
        let check = |in_key: &str, pitch: u8, others: &[u8], next: u8, expected: &str| {
            let around = Surroundings { others: &pitches(others), next: Pitch::new(next), ..Surroundings::default() };
            assert_eq!(key(in_key).spell(Pitch::new(pitch).unwrap(), around).to_string(), expected, "{others:?}");
        };
        check("C", 51, &[54, 57, 72], 52, "D#3");
        check("C", 51, &[57, 60, 66], 52, "D#3");
        check("Bb", 61, &[52, 55, 64], 62, "C#4");
        check("C", 61, &[53, 60, 67], 62, "C#4");
        check("C", 70, &[53, 60, 67], 71, "A#4");
        check("C", 61, &[52, 55, 64], 60, "Db4");
        check("C", 63, &[50, 60, 67], 62, "Eb4");
        check("C", 68, &[], 67, "Ab4");
        check("C", 66, &[], 65, "F#4");
        check("a", 70, &[], 71, "A#4");
        check("a", 68, &[], 67, "G#4");
    }

    #[test]
    fn a_note_that_a_chord_needs_is_written_in_its_thirds_wherever_it_goes() {
        let check = |in_key: &str, pitch: u8, others: &[u8], next: Option<u8>, expected: &str| {
            let next = next.and_then(Pitch::new);
            let around = Surroundings { others: &pitches(others), next, ..Surroundings::default() };
            assert_eq!(key(in_key).spell(Pitch::new(pitch).unwrap(), around).to_string(), expected, "{others:?}");
        };
        // V/V, V7/IV with its seventh going either way, V/vi.
        check("C", 66, &[50, 57, 62], Some(65), "F#4");
        check("C", 70, &[48, 64, 67], Some(69), "Bb4");
        check("C", 70, &[48, 64, 67], Some(71), "Bb4");
        check("C", 68, &[52, 64, 71], Some(67), "G#4");
        // The Neapolitan, also in major; minor chords of the minor key.
        check("C", 61, &[53, 56, 65], Some(60), "Db4");
        check("C", 61, &[53, 56, 65], Some(62), "Db4");
        check("C", 56, &[53, 61, 65], Some(55), "Ab3");
        check("C", 56, &[53, 60, 65], Some(57), "Ab3");
        // Diminished sevenths, by where they lead.
        check("C", 63, &[54, 57, 60], Some(62), "Eb4");
        check("C", 63, &[54, 57, 60], Some(64), "D#4");
        check("C", 66, &[51, 57, 60], Some(67), "F#4");
        check("C", 68, &[53, 59, 62], Some(67), "Ab4");
        check("C", 68, &[53, 59, 62], Some(69), "G#4");
        // The augmented sixth, in minor and in major, and the seventh that falls.
        check("a", 63, &[53, 57, 60], Some(64), "D#4");
        check("C", 66, &[56, 60, 63], Some(67), "F#4");
        check("C", 56, &[60, 63, 66], Some(55), "Ab3");
        check("C", 66, &[56, 60, 63], Some(65), "Gb4");
    }

    #[test]
    fn a_note_that_touches_a_held_chord_and_goes_back_is_none_of_it() {
        let spelled = |is_alone| {
            let (others, touched) = (pitches(&[48, 55, 67]), Pitch::new(64));
            let around = Surroundings { others: &others, is_alone, before: touched, next: touched };
            key("C").spell(Pitch::new(63).unwrap(), around).to_string()
        };
        assert_eq!((spelled(true).as_str(), spelled(false).as_str()), ("D#4", "Eb4"));
    }

    #[test]
    fn a_note_that_passes_upwards_through_a_chord_is_raised_and_a_third_that_was_suspended_stays() {
        let check = |is_alone, before: u8, pitch: u8, next: u8, others: &[u8], expected: &str| {
            let (before, next) = (Pitch::new(before), Pitch::new(next));
            let around = Surroundings { others: &pitches(others), is_alone, before, next };
            assert_eq!(key("C").spell(Pitch::new(pitch).unwrap(), around).to_string(), expected);
        };
        check(true, 50, 51, 52, &[60, 67, 72], "D#3");
        check(false, 50, 51, 52, &[60, 67, 69], "D#3");
        check(false, 55, 56, 57, &[53, 60, 65], "G#3");
        check(false, 50, 51, 52, &[55, 63, 70], "Eb3");
        check(true, 62, 61, 60, &[45, 64, 67], "C#4");
        check(true, 71, 70, 69, &[48, 64, 67], "Bb4");
        check(true, 65, 66, 67, &[50, 57, 60], "F#4");
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
            let around =
                Surroundings { others: &pitches(&others), next: next.and_then(Pitch::new), ..Surroundings::default() };
            let spelled = key.spell(Pitch::new(midi).unwrap(), around);
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
