use std::cmp::Reverse;
use std::fmt;
use std::iter::Sum;
use std::ops::Mul;
use std::str::FromStr;

use thiserror::Error;

use crate::spelling::{class_of, name_of};
use crate::{Chord, Pitch};

/// A major or minor key, by its signature, which tells how its notes are spelled.
///
/// Enharmonic keys such as F# and Gb major are two keys that sound as one: they differ for `==`, and share their
/// [`Key::index`], by which the networks know them. Whoever finds a key by its sound gives the one with the simplest
/// signature, so that keys that were found are equal when they sound the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Sharps of the signature, -7..=7; flats below zero.
    pub sharps: i8,
    pub minor: bool,
}

/// A text that names no key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is no key; expected one such as C, F#, Eb (major) or a, f#, eb, Am (minor)")]
pub struct NoKey(pub String);

impl Key {
    /// Number of keys that sound different.
    pub const COUNT: usize = 24;

    /// By sound: the major keys from C upwards, then the minor ones.
    pub fn index(self) -> usize {
        usize::from(self.tonic()) + 12 * usize::from(self.minor)
    }

    /// The key of an index, by its simplest signature; `None` from 24 on.
    pub fn from_index(index: usize) -> Option<Key> {
        (index < Key::COUNT).then(|| Key::of_tonic((index % 12) as u8, index >= 12))
    }

    /// With its simplest signature, from five flats to six sharps; of the two with six accidentals the usual one, F# major
    /// and E flat minor. `tonic` is a pitch class.
    pub const fn of_tonic(tonic: u8, minor: bool) -> Key {
        // A semitone is seven fifths; minor keys have the signature of the major key a minor third higher.
        let fifths = (tonic as u32 + if minor { 3 } else { 0 }) * 7 % 12;
        let most_sharps = if minor { 5 } else { 6 };
        Key { sharps: if fifths > most_sharps { fifths as i8 - 12 } else { fifths as i8 }, minor }
    }

    /// The same to the ear, by the signature that lies nearest to that of `home`: a piece in G flat major closes in G flat
    /// major, not in F#.
    pub fn written_near(self, home: Key) -> Key {
        let signatures = [self.sharps - 12, self.sharps, self.sharps + 12].into_iter();
        let written = signatures.filter(|sharps| (-7..=7).contains(sharps));
        let nearest = written.min_by_key(|sharps| (sharps.abs_diff(home.sharps), *sharps != self.sharps));
        Key { sharps: nearest.unwrap_or(self.sharps), ..self }
    }

    /// The key so many semitones higher, by its simplest signature; as it is where the tonic stays.
    pub fn transposed(self, semitones: i32) -> Key {
        let tonic = (i32::from(self.tonic()) + semitones).rem_euclid(12) as u8;
        if tonic == self.tonic() { self } else { Key::of_tonic(tonic, self.minor) }
    }

    /// The tonic on the line of fifths.
    pub fn tonic_fifths(self) -> i8 {
        if self.minor { self.sharps + 3 } else { self.sharps }
    }

    /// The pitch class of the tonic.
    pub fn tonic(self) -> u8 {
        class_of(self.tonic_fifths())
    }

    /// The pitch class a semitone under the tonic.
    pub fn leading_tone(self) -> u8 {
        (self.tonic() + 11) % 12
    }

    /// Semitones from the tonic up to a pitch class.
    pub fn degree(self, class: u8) -> u8 {
        (class + 12 - self.tonic()) % 12
    }

    /// Whether a pitch class belongs to the scale; in minor also the raised sixth and seventh do.
    pub fn has(self, class: u8) -> bool {
        let chromatic = if self.minor { [1, 4, 6].as_slice() } else { [1, 3, 6, 8, 10].as_slice() };
        !chromatic.contains(&self.degree(class))
    }

    /// The key of a whole piece: `weights` holds how long each pitch class sounds (in any unit), `last_bass` is the pitch
    /// class on which the piece ends. Silence is C major.
    ///
    /// Another finder than [`Key::of_durations`], to which the trained networks are bound: this one is for the signatures of
    /// whole pieces, hears the end, and goes by Temperley's profiles. Of equally good keys the one with the fewest
    /// accidentals.
    pub fn find(weights: &[f64; 12], last_bass: Option<u8>) -> Key {
        let correlations = correlations(weights, &TEMPERLEY);
        let fit = |key: &Key| {
            let closing = if last_bass == Some(key.tonic()) { LAST_BASS_WEIGHT } else { 0.0 };
            correlations[key.index()] + closing
        };
        Key::by_signature()
            .fold(Key { sharps: 0, minor: false }, |best, key| if fit(&key) > fit(&best) { key } else { best })
    }

    /// [`Key::find`] for notes, each with its length (in any unit, the same for all). `last` is the note on which the piece
    /// ends: the last of the bass, or of a melody alone.
    pub fn of_notes(notes: impl IntoIterator<Item = (Pitch, u32)>, last: Option<Pitch>) -> Key {
        let mut weights = [0.0; 12];
        for (pitch, length) in notes {
            weights[usize::from(pitch.class())] += f64::from(length);
        }
        Key::find(&weights, last.map(Pitch::class))
    }

    /// The key of what has sounded so far, by the duration of each pitch class; `None` when nothing has.
    ///
    /// By the profiles of Krumhansl and Kessler, in whole numbers, so that whoever counts the same finds the same key:
    /// every program that runs the networks has to, since they were trained on what it finds. Of equally good keys the
    /// first by [`Key::index`].
    pub fn of_durations(durations: &[u32; 12]) -> Option<Key> {
        let fits = products(&durations.map(i64::from), &KRUMHANSL_KESSLER);
        let best = (0..Key::COUNT).max_by_key(|&index| (fits[index], Reverse(index)));
        best.filter(|_| *durations != [0; 12]).and_then(Key::from_index)
    }

    /// From C outwards.
    fn by_signature() -> impl Iterator<Item = Key> {
        let sharps = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6].into_iter();
        let usual = |key: Key| Key::of_tonic(key.tonic(), key.minor);
        sharps.flat_map(move |sharps| [false, true].map(|minor| usual(Key { sharps, minor })))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.minor { "minor" } else { "major" };
        write!(f, "{} {mode}", name_of(self.tonic_fifths()))
    }
}

impl FromStr for Key {
    type Err = NoKey;

    /// `G`, `Bb`, `BbM`, `F# major`; `e`, `em`, `Em`, `E minor`.
    fn from_str(text: &str) -> Result<Key, NoKey> {
        let no_key = || NoKey(text.chars().take(40).collect());
        let words = text.trim();
        let letter = words.chars().next().ok_or_else(no_key)?;
        let natural = "FCGDAEB".find(letter.to_ascii_uppercase()).ok_or_else(no_key)? as i8 - 1;
        let rest = &words[1..];
        let (accidental, rest) = match rest.chars().next() {
            Some(sharp @ ('#' | '♯')) => (7, &rest[sharp.len_utf8()..]),
            Some(flat @ ('b' | '♭')) => (-7, &rest[flat.len_utf8()..]),
            _ => (0, rest),
        };
        let mode = rest.trim();
        let minor = match mode.to_lowercase().as_str() {
            "" => letter.is_ascii_lowercase(),
            // A capital M is major, as on lead sheets.
            "m" => mode == "m",
            "min" | "minor" => true,
            "maj" | "major" => false,
            _ => return Err(no_key()),
        };
        let sharps = natural + accidental - if minor { 3 } else { 0 };
        if (-7..=7).contains(&sharps) { Ok(Key { sharps, minor }) } else { Err(no_key()) }
    }
}

/// Finds the key of what has sounded lately, where one is clear: what is older counts less. By the profiles of Krumhansl
/// and Kessler, as [`Key::of_durations`], but in floating-point numbers: weights that fade do not stay whole.
#[derive(Clone, Debug, Default)]
pub struct KeyFinder {
    weights: [f32; 12],
}

impl KeyFinder {
    /// What a step still weighs after the next one: half after eight beats.
    pub const MEMORY: f64 = 0.978;

    /// Takes note of one more step.
    pub fn step(&mut self, chord: Chord) {
        self.weights.iter_mut().for_each(|weight| *weight *= KeyFinder::MEMORY as f32);
        for class in chord.pitches().into_iter().flatten().map(Pitch::class) {
            self.weights[usize::from(class)] += 1.0;
        }
    }

    /// The key, if one stands out.
    pub fn key(&self) -> Option<Key> {
        let mean = self.weights.iter().sum::<f32>() / 12.0;
        let length = self.weights.iter().map(|weight| (weight - mean).powi(2)).sum::<f32>().sqrt();
        let fits = products(&self.weights, &KRUMHANSL_KESSLER.map(|profile| profile.map(|value| value as f32)));
        let (mut best, mut second) = ((f32::MIN, 0), f32::MIN);
        for (index, fit) in fits.into_iter().enumerate() {
            if fit > best.0 {
                second = best.0;
                best = (fit, index);
            } else {
                second = second.max(fit);
            }
        }
        Key::from_index(best.1).filter(|_| best.0 - second > 1000.0 * CLEAR * length)
    }
}

/// By how much the best correlation must exceed the next one for the key to be clear.
const CLEAR: f32 = 0.08;

/// What the last bass note adds to the correlation of the keys in which it is the tonic.
const LAST_BASS_WEIGHT: f64 = 0.25;

/// How well each degree above the tonic, in semitones, speaks for a major and for a minor key.
type Profiles<T> = [[T; 12]; 2];

/// D. Temperley, The Cognition of Basic Musical Structures, 2001, table 7.2.
const TEMPERLEY: Profiles<f64> = [
    [5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0],
    [5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0],
];

/// C. Krumhansl and E. Kessler, Tracing the dynamic changes in perceived tonal organization, 1982; brought to mean 0 and
/// length 1, in thousandths: a product with them orders the keys as the correlation does.
const KRUMHANSL_KESSLER: Profiles<i64> = [
    [655, -286, -1, -263, 205, 139, -220, 390, -250, 41, -273, -138],
    [655, -257, -47, 418, -277, -45, -292, 260, 68, -255, -92, -135],
];

/// Of weights by pitch class with the profile of each key, by [`Key::index`].
fn products<T: Copy + Mul<Output = T> + Sum>(weights: &[T; 12], profiles: &Profiles<T>) -> [T; Key::COUNT] {
    std::array::from_fn(|index| product(weights, &profile_of(index, profiles)))
}

/// Of weights by pitch class with the profile of each key, by [`Key::index`]; 0 where all weights are equal.
fn correlations(weights: &[f64; 12], profiles: &Profiles<f64>) -> [f64; Key::COUNT] {
    let from_mean = |values: &[f64; 12]| {
        let mean = values.iter().sum::<f64>() / 12.0;
        values.map(|value| value - mean)
    };
    let (weights, profiles) = (from_mean(weights), profiles.each_ref().map(from_mean));
    let products = products(&weights, &profiles);
    std::array::from_fn(|index| {
        let profile = profile_of(index, &profiles);
        let spread = (product(&weights, &weights) * product(&profile, &profile)).sqrt();
        if spread > 0.0 { products[index] / spread } else { 0.0 }
    })
}

/// What each pitch class, from C upwards, says for the key of an index.
fn profile_of<T: Copy>(index: usize, profiles: &Profiles<T>) -> [T; 12] {
    let (minor, tonic) = (index / 12, index % 12);
    std::array::from_fn(|class| profiles[minor][(class + 12 - tonic) % 12])
}

fn product<T: Copy + Mul<Output = T> + Sum>(a: &[T; 12], b: &[T; 12]) -> T {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chorale;

    fn key_after(rows: &str) -> Option<Key> {
        let mut finder = KeyFinder::default();
        let chorale = Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap();
        chorale.chords.into_iter().for_each(|chord| finder.step(chord));
        finder.key()
    }

    #[test]
    fn a_cadence_tells_the_key_in_any_transposition() {
        // I IV V I in C major, then i iv V i in A minor.
        let major = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        let minor = "72,69,64,57\n74,69,65,50\n71,68,64,52\n72,69,64,45\n";
        assert_eq!(key_after(major), Some(Key::of_tonic(0, false)));
        assert_eq!(key_after(minor), Some(Key::of_tonic(9, true)));
        let up = Chorale::from_csv(&format!("note0,note1,note2,note3\n{major}")).unwrap().transposed(2).unwrap();
        assert_eq!(key_after(up.to_csv().split_once('\n').unwrap().1), Some(Key::of_tonic(2, false)));
    }

    #[test]
    fn one_pitch_or_none_tells_no_key() {
        assert_eq!(KeyFinder::default().key(), None);
        assert_eq!(key_after("72,60,60,48\n"), None);
    }

    fn key_of(classes: &[usize]) -> Option<Key> {
        let mut durations = [0; 12];
        classes.iter().for_each(|&class| durations[class] += 1);
        Key::of_durations(&durations)
    }

    #[test]
    fn whole_numbers_find_the_key_of_a_cadence_wherever_it_is_transposed() {
        // Tonic, subdominant, dominant, tonic; in minor with a raised leading tone.
        let major = [0, 4, 7, 5, 9, 0, 7, 11, 2, 0, 4, 7];
        let minor = [0, 3, 7, 5, 8, 0, 7, 11, 2, 0, 3, 7];
        for tonic in 0..12 {
            for (cadence, minor) in [(major, false), (minor, true)] {
                let key = key_of(&cadence.map(|class| (class + tonic) % 12));
                assert_eq!(key, Some(Key::of_tonic(tonic as u8, minor)));
            }
        }
        assert_eq!(key_of(&[]), None);
    }

    #[test]
    fn the_scale_belongs_to_the_key_and_in_minor_both_forms_of_it() {
        let classes = |minor| (0..12).filter(|&class| Key::of_tonic(2, minor).has(class)).collect::<Vec<u8>>();
        assert_eq!(classes(false), [1, 2, 4, 6, 7, 9, 11]);
        assert_eq!(classes(true), [0, 1, 2, 4, 5, 7, 9, 10, 11]);
    }

    #[test]
    fn every_key_comes_back_from_its_index_and_has_its_tonic_as_first_degree() {
        for index in 0..Key::COUNT {
            let key = Key::from_index(index).unwrap();
            assert_eq!(key.index(), index);
            assert_eq!(key.degree(key.tonic()), 0);
        }
        assert_eq!(Key::from_index(24), None);
    }
    #[test]
    fn enharmonic_keys_differ_in_spelling_alone() {
        let (f_sharp, g_flat) = (Key { sharps: 6, minor: false }, Key { sharps: -6, minor: false });
        assert_ne!(f_sharp, g_flat);
        assert_eq!(f_sharp.index(), g_flat.index());
        assert_eq!(Key::from_index(g_flat.index()), Some(f_sharp), "the simplest signature, sharps before flats");
        let simplest: Vec<Key> = Key::by_signature().collect();
        assert!((0..Key::COUNT).all(|index| simplest.contains(&Key::from_index(index).unwrap())));
    }

    #[test]
    fn a_key_that_is_found_has_its_usual_name_and_beside_another_the_one_that_is_near() {
        let major = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
        let minor = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
        for tonic in 0..12 {
            let names = [false, true].map(|minor| Key::of_tonic(tonic, minor).to_string());
            let expected =
                [format!("{} major", major[usize::from(tonic)]), format!("{} minor", minor[usize::from(tonic)])];
            assert_eq!(names, expected);
        }
        let check = |found: &str, home: &str, expected: &str| {
            assert_eq!(key(found).written_near(key(home)), key(expected), "{found} in {home}");
        };
        check("F#", "Gb", "Gb");
        check("F#", "B", "F#");
        check("eb", "F#", "d#");
        check("eb", "Db", "eb");
        check("Bbm", "F#", "a#");
        check("Db", "F#", "C#");
        check("B", "Gb", "Cb");
        check("C", "Cb", "C");
    }

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn keys_are_read_in_the_usual_ways_and_say_their_names() {
        let check = |text: &str, sharps: i8, minor: bool, name: &str| {
            assert_eq!(key(text), Key { sharps, minor }, "{text}");
            assert_eq!(key(text).to_string(), name);
        };
        check("G", 1, false, "G major");
        check("e", 1, true, "E minor");
        check("Em", 1, true, "E minor");
        check("Bb", -2, false, "Bb major");
        check("f# minor", 3, true, "F# minor");
        check("E♭ major", -3, false, "Eb major");
        check("EbM", -3, false, "Eb major");
        check("Ebm", -6, true, "Eb minor");
        check("EbMaj", -3, false, "Eb major");
        check("Ebmaj", -3, false, "Eb major");
        check("EMin", 1, true, "E minor");
        for text in ["", "H", "G##", "Fb", "C dorian", "é", "EbMM", "Ebmi", "Ebm7"] {
            assert_eq!(text.parse::<Key>(), Err(NoKey(text.into())), "{text}");
        }
    }

    #[test]
    fn a_scale_with_its_tonic_longest_tells_its_key() {
        let check = |classes: &[u8], last: u8, expected: &str| {
            let mut weights = [0.0; 12];
            classes.iter().for_each(|&class| weights[usize::from(class)] += 1.0);
            assert_eq!(Key::find(&weights, Some(last)).to_string(), expected);
        };
        check(&[0, 2, 4, 5, 7, 9, 11, 0, 7, 4], 0, "C major");
        check(&[9, 11, 0, 2, 4, 5, 8, 9, 4, 0], 9, "A minor");
        check(&[3, 5, 7, 8, 10, 0, 2, 3, 10], 3, "Eb major");
        assert_eq!(Key::find(&[0.0; 12], None).to_string(), "C major");
    }
    #[test]
    fn notes_tell_the_key_by_how_long_they_are_and_by_the_last_one() {
        let scale = || [60, 62, 64, 65, 67, 69, 71].map(|midi| (Pitch::new(midi).unwrap(), 1));
        let key = |longest: usize, last: u8| {
            let mut notes = scale();
            notes[longest].1 = 4;
            Key::of_notes(notes, Pitch::new(last)).to_string()
        };
        assert_eq!(key(0, 48), "C major");
        assert_eq!(key(5, 45), "A minor");
        assert_eq!(Key::of_notes([], None).to_string(), "C major");
    }
}
