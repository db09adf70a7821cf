//! Keys, the spelling of pitches in them, and the names of chords: letters (D7/F#) and Roman numerals (V65).
//!
//! Note names are places on the line of fifths: ... F = -1, C = 0, G = 1, ..., F# = 6; a sharp is seven places up.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Pitch;

/// A major or minor key, by its signature.
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

/// How well each degree above the tonic, in semitones, speaks for a major and for a minor key (D. Temperley, The
/// Cognition of Basic Musical Structures, 2001, table 7.2).
const MAJOR_PROFILE: [f64; 12] = [5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0];
const MINOR_PROFILE: [f64; 12] = [5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0];

/// What the last bass note adds to the correlation of the keys in which it is the tonic.
const LAST_BASS_WEIGHT: f64 = 0.25;

impl Key {
    /// The signatures in use, from C outwards; of two enharmonic keys the one with fewer accidentals comes first.
    fn all() -> impl Iterator<Item = Key> {
        [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6]
            .into_iter()
            .flat_map(|sharps| [false, true].map(|minor| Key { sharps, minor }))
    }

    /// The key that fits best: `weights` holds how long each pitch class sounds (in any unit), `last_bass` is the pitch
    /// class on which the piece ends. Silence is C major.
    pub fn find(weights: &[f64; 12], last_bass: Option<u8>) -> Key {
        let fit = |key: &Key| {
            let profile = if key.minor { &MINOR_PROFILE } else { &MAJOR_PROFILE };
            let tonic = usize::from(key.tonic());
            let turned: [f64; 12] = std::array::from_fn(|class| profile[(class + 12 - tonic) % 12]);
            let closing = if last_bass == Some(key.tonic()) { LAST_BASS_WEIGHT } else { 0.0 };
            correlation(weights, &turned) + closing
        };
        // Of equals the first, which has the simplest signature.
        Key::all().fold(Key { sharps: 0, minor: false }, |best, key| if fit(&key) > fit(&best) { key } else { best })
    }

    /// The key that fits the notes best, each with its length (in any unit, the same for all). `last` is the note on which
    /// the piece ends: the last of the bass, or of a melody alone.
    pub fn of_notes(notes: impl IntoIterator<Item = (Pitch, u32)>, last: Option<Pitch>) -> Key {
        let mut weights = [0.0; 12];
        for (pitch, length) in notes {
            weights[usize::from(pitch.class())] += f64::from(length);
        }
        Key::find(&weights, last.map(Pitch::class))
    }

    /// The key so many semitones higher, by its simplest signature; as it is where the tonic stays.
    pub fn transposed(self, semitones: i32) -> Key {
        let tonic = (i32::from(self.tonic()) + semitones).rem_euclid(12) as u8;
        if tonic == self.tonic() { self } else { Key::of_tonic(tonic, self.minor) }
    }

    /// With its simplest signature. `tonic` is a pitch class.
    pub fn of_tonic(tonic: u8, minor: bool) -> Key {
        let simplest = Key::all().find(|key| key.minor == minor && key.tonic() == tonic % 12);
        simplest.unwrap_or(Key { sharps: 0, minor })
    }

    /// The tonic on the line of fifths.
    pub fn tonic_fifths(self) -> i8 {
        if self.minor { self.sharps + 3 } else { self.sharps }
    }

    /// The pitch class of the tonic.
    pub fn tonic(self) -> u8 {
        class_of(self.tonic_fifths())
    }

    /// The pitch classes of the scale; in minor also the raised sixth and seventh.
    fn scale(self) -> impl Iterator<Item = u8> {
        let raised = if self.minor { [9, 11].as_slice() } else { &[] };
        let natural = (self.sharps - 1..=self.sharps + 5).map(class_of);
        natural.chain(raised.iter().map(move |degree| (self.tonic() + degree) % 12))
    }

    /// Whether a pitch class belongs to the scale; in minor also the raised sixth and seventh do.
    pub fn has(self, class: u8) -> bool {
        self.scale().any(|degree| degree == class)
    }

    /// The usual name of a pitch class, by its place on the line of fifths: sharps where they lead to the degrees of
    /// the key, flats where they are borrowed from its minor.
    fn place(self, class: u8) -> i8 {
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.minor { "minor" } else { "major" };
        write!(f, "{} {mode}", name_of(self.tonic_fifths()))
    }
}

impl FromStr for Key {
    type Err = NoKey;

    /// `G`, `Bb`, `F# major`; `e`, `em`, `Em`, `E minor`.
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
        let minor = match rest.trim().to_lowercase().as_str() {
            "" => letter.is_ascii_lowercase(),
            "m" | "min" | "minor" => true,
            "maj" | "major" => false,
            _ => return Err(no_key()),
        };
        let sharps = natural + accidental - if minor { 3 } else { 0 };
        if (-7..=7).contains(&sharps) { Ok(Key { sharps, minor }) } else { Err(no_key()) }
    }
}

fn correlation(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let mean = |values: &[f64; 12]| values.iter().sum::<f64>() / 12.0;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |x: &[f64; 12], mean_x: f64, y: &[f64; 12], mean_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum()
    };
    let spread = (sum(a, mean_a, a, mean_a) * sum(b, mean_b, b, mean_b)).sqrt();
    if spread > 0.0 { sum(a, mean_a, b, mean_b) / spread } else { 0.0 }
}

fn class_of(fifths: i8) -> u8 {
    (i32::from(fifths) * 7).rem_euclid(12) as u8
}

/// `F#`, `Bb`, `C`.
fn name_of(fifths: i8) -> String {
    let accidental = if fifths > 5 { "#" } else { "b" };
    format!("{}{}", letter_of(fifths), accidental.repeat(usize::from(alteration_of(fifths).unsigned_abs())))
}

fn letter_of(fifths: i8) -> char {
    ['F', 'C', 'G', 'D', 'A', 'E', 'B'][(fifths + 1).rem_euclid(7) as usize]
}

fn alteration_of(fifths: i8) -> i8 {
    (fifths + 1).div_euclid(7)
}

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

/// What kind of chord stands on a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quality {
    Major,
    Minor,
    Diminished,
    Augmented,
    DominantSeventh,
    MinorSeventh,
    MajorSeventh,
    HalfDiminished,
    DiminishedSeventh,
}

impl Quality {
    const ALL: [Quality; 9] = [
        Quality::Major,
        Quality::Minor,
        Quality::Diminished,
        Quality::Augmented,
        Quality::DominantSeventh,
        Quality::MinorSeventh,
        Quality::MajorSeventh,
        Quality::HalfDiminished,
        Quality::DiminishedSeventh,
    ];

    /// Semitones of the chord's notes above the root, the root itself first.
    pub fn intervals(self) -> &'static [u8] {
        match self {
            Quality::Major => &[0, 4, 7],
            Quality::Minor => &[0, 3, 7],
            Quality::Diminished => &[0, 3, 6],
            Quality::Augmented => &[0, 4, 8],
            Quality::DominantSeventh => &[0, 4, 7, 10],
            Quality::MinorSeventh => &[0, 3, 7, 10],
            Quality::MajorSeventh => &[0, 4, 7, 11],
            Quality::HalfDiminished => &[0, 3, 6, 10],
            Quality::DiminishedSeventh => &[0, 3, 6, 9],
        }
    }

    fn has_seventh(self) -> bool {
        self.intervals().len() == 4
    }

    fn is_major_third(self) -> bool {
        self.intervals()[1] == 4
    }
}

/// A triad or seventh chord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Harmony {
    /// Pitch class.
    pub root: u8,
    pub quality: Quality,
    /// Pitch class of the lowest note; always one of the chord's.
    pub bass: u8,
}

/// The share of what sounds that must belong to a chord for it to be named.
const LEAST_SHARE: f64 = 0.75;

/// The share that makes a note a root or a seventh and not one that passes. A third may be as short as a suspension leaves it.
const LEAST_PLACE: f64 = 0.1;

impl Harmony {
    /// The chord that explains most of what sounds: `weights` by pitch class (how long, in any unit), over `bass`.
    /// `None` when nothing explains three quarters of it with root and third sounding.
    pub fn find(weights: &[f64; 12], bass: u8) -> Option<Harmony> {
        let total: f64 = weights.iter().sum();
        let mut best: Option<(f64, Harmony)> = None;
        for root in 0..12 {
            for quality in Quality::ALL {
                let intervals = quality.intervals();
                let weight = |interval: &u8| weights[usize::from((root + interval) % 12)];
                let is_placed = |interval: &u8| weight(interval) >= LEAST_PLACE * total;
                let is_named = is_placed(&intervals[0])
                    && weight(&intervals[1]) > 0.0
                    && intervals[3..].iter().all(is_placed)
                    && intervals.iter().any(|interval| (root + interval) % 12 == bass);
                // The perfect fifth is often left out; the others are what the chord is.
                let is_complete = weight(&intervals[2]) > 0.0;
                if !is_named || (!is_complete && intervals[2] != 7) {
                    continue;
                }
                let share = intervals.iter().map(weight).sum::<f64>() / total;
                // A complete triad before a seventh chord without its fifth; the root in the bass before an inversion.
                let score = share + if is_complete { 0.05 } else { 0.0 } + if bass == root { 0.02 } else { 0.0 };
                if share >= LEAST_SHARE && best.is_none_or(|(least, _)| score > least) {
                    best = Some((score, Harmony { root, quality, bass }));
                }
            }
        }
        best.map(|(_, harmony)| harmony)
    }

    /// The triad of `key` on the bass, where hardly more than bass and fifth sound and no third.
    pub fn of_fifth(weights: &[f64; 12], bass: u8, key: Key) -> Option<Harmony> {
        let weight = |interval: u8| weights[usize::from((bass + interval) % 12)];
        let total: f64 = weights.iter().sum();
        let is_hollow = weight(0) > 0.0 && weight(7) > 0.0 && weight(3) + weight(4) == 0.0;
        if !is_hollow || weight(0) + weight(7) < LEAST_SHARE * total || !key.has(bass) {
            return None;
        }
        // In minor the dominant's third leads to the tonic.
        let is_dominant = (bass + 5) % 12 == key.tonic();
        let natural = Key { minor: false, ..key };
        let is_minor = natural.has((bass + 3) % 12) && !(key.minor && is_dominant);
        let quality = if is_minor { Quality::Minor } else { Quality::Major };
        Some(Harmony { root: bass, quality, bass })
    }

    /// Of the pitches that sound at one moment.
    pub fn of(pitches: &[Pitch]) -> Option<Harmony> {
        let mut weights = [0.0; 12];
        pitches.iter().for_each(|pitch| weights[usize::from(pitch.class())] = 1.0);
        let bass = pitches.iter().min()?;
        Harmony::find(&weights, bass.class()).filter(|harmony| harmony.holds_all(&weights))
    }

    fn holds_all(self, weights: &[f64; 12]) -> bool {
        (0..12).all(|class| weights[usize::from(class)] == 0.0 || self.holds(class))
    }

    fn holds(self, class: u8) -> bool {
        self.quality.intervals().contains(&((class + 12 - self.root) % 12))
    }

    /// 0 in root position, 1 with the third in the bass, and so on.
    pub fn inversion(self) -> usize {
        let above = (self.bass + 12 - self.root) % 12;
        self.quality.intervals().iter().position(|&interval| interval == above).unwrap_or(0)
    }

    /// Letters as on a lead sheet: `Am`, `D7/F#`, `Bdim`.
    pub fn symbol(self, key: Key) -> String {
        let root = self.root_place(key);
        let suffix = match self.quality {
            Quality::Major => "",
            Quality::Minor => "m",
            Quality::Diminished => "dim",
            Quality::Augmented => "+",
            Quality::DominantSeventh => "7",
            Quality::MinorSeventh => "m7",
            Quality::MajorSeventh => "maj7",
            Quality::HalfDiminished => "m7b5",
            Quality::DiminishedSeventh => "dim7",
        };
        let mut symbol = format!("{}{suffix}", name_of(root));
        if self.bass != self.root {
            // Thirds, fifths and sevenths lie on their own letters above the root's.
            let letters_above = 2 * self.inversion() as i8;
            let bass = (root - 12..=root + 12)
                .find(|&fifths| {
                    class_of(fifths) == self.bass && letter_steps(letter_of(root), letter_of(fifths)) == letters_above
                })
                .unwrap_or_else(|| key.place(self.bass));
            symbol += &format!("/{}", name_of(bass));
        }
        symbol
    }

    /// A leading chord is named after the note it leads to, one letter below it.
    fn root_place(self, key: Key) -> i8 {
        let usual = key.place(self.root);
        match self.quality {
            Quality::Diminished | Quality::HalfDiminished | Quality::DiminishedSeventh if usual < key.sharps - 1 => {
                usual + 12
            }
            _ => usual,
        }
    }

    /// The Roman numeral in `key` with figured bass: `V65`, `viiø7`, `V7/V`, `bII6`. Chords outside the key that lead
    /// into one of its degrees are named as its dominants.
    pub fn numeral(self, key: Key) -> String {
        let figures = match (self.quality.has_seventh(), self.inversion()) {
            (false, 0) => "",
            (false, 1) => "6",
            (false, _) => "64",
            (true, 0) => "7",
            (true, 1) => "65",
            (true, 2) => "43",
            (true, _) => "42",
        };
        let degree = |class: u8| (class + 12 - key.tonic()) % 12;
        let plain = |numeral: &str| format!("{}{figures}", self.with_quality(numeral));
        let above = degree(self.root);
        if self.belongs_to(key) {
            return plain(degree_numeral(above, key.minor));
        }
        // The degree a fifth below a major chord, or a semitone above a diminished one; the tonic has its own dominant.
        let (target, dominant) = match self.quality {
            Quality::Major | Quality::DominantSeventh => ((self.root + 5) % 12, "V"),
            Quality::Diminished | Quality::HalfDiminished | Quality::DiminishedSeventh => ((self.root + 1) % 12, "VII"),
            _ => return plain(degree_numeral(above, key.minor)),
        };
        let goal = degree_triad(degree(target), key.minor);
        match goal {
            Some(goal) if target != key.tonic() && key.has(target) => format!("{}/{goal}", plain(dominant)),
            _ => plain(degree_numeral(above, key.minor)),
        }
    }

    /// Whether all its notes are in the key: in minor with the raised leading note where it is a dominant, else
    /// without.
    pub fn belongs_to(self, key: Key) -> bool {
        let classes = || self.quality.intervals().iter().map(|interval| (self.root + interval) % 12);
        if !key.minor {
            return classes().all(|class| key.has(class));
        }
        let degree = |class: u8| (class + 12 - key.tonic()) % 12;
        let is_in = |scale: &[u8]| classes().all(|class| scale.contains(&degree(class)));
        let is_dominant = matches!(degree(self.root), 7 | 11);
        is_in(&[0, 2, 3, 5, 7, 8, 10])
            || (is_dominant && is_in(&[0, 2, 3, 5, 7, 8, 11]))
            || (degree(self.root) == 3 && self.quality == Quality::Augmented)
            // The melodic minor's sixth: ii and IV going up.
            || (matches!(degree(self.root), 2 | 5) && is_in(&[0, 2, 3, 5, 7, 9]))
            // The Picardy third.
            || (degree(self.root) == 0 && self.quality == Quality::Major)
    }

    /// Large for a major third, small for a minor one; `°`, `ø`, `+` and `M` for what the figures don't tell.
    fn with_quality(self, numeral: &str) -> String {
        let cased = if self.quality.is_major_third() {
            numeral.to_owned()
        } else {
            // The accidental of an altered degree stays.
            numeral.chars().map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let mark = match self.quality {
            Quality::Diminished | Quality::DiminishedSeventh => "°",
            Quality::HalfDiminished => "ø",
            Quality::Augmented => "+",
            Quality::MajorSeventh => "M",
            _ => "",
        };
        format!("{cased}{mark}")
    }
}

fn letter_steps(from: char, to: char) -> i8 {
    let index = |letter| "CDEFGAB".find(letter).unwrap_or(0) as i8;
    (index(to) - index(from)).rem_euclid(7)
}

/// Large numerals by semitones above the tonic; altered degrees with an accidental.
fn degree_numeral(above: u8, minor: bool) -> &'static str {
    const MAJOR: [&str; 12] = ["I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII"];
    const MINOR: [&str; 12] = ["I", "bII", "II", "III", "#III", "IV", "#IV", "V", "VI", "#VI", "VII", "VII"];
    if minor { MINOR[usize::from(above)] } else { MAJOR[usize::from(above)] }
}

/// The triad on a degree of the scale, as the goal of a dominant; `None` for one that is none, or diminished.
fn degree_triad(above: u8, minor: bool) -> Option<&'static str> {
    let triads: &[(u8, &'static str)] = if minor {
        &[(0, "i"), (3, "III"), (5, "iv"), (7, "V"), (8, "VI"), (10, "VII")]
    } else {
        &[(0, "I"), (2, "ii"), (4, "iii"), (5, "IV"), (7, "V"), (9, "vi")]
    };
    triads.iter().find(|(degree, _)| *degree == above).map(|(_, name)| *name)
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
        for text in ["", "H", "G##", "Fb", "C dorian", "é"] {
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

    #[test]
    fn chords_have_letters_and_numerals_in_their_key() {
        let check = |in_key: &str, midi: &[u8], symbol: &str, numeral: &str| {
            let harmony = Harmony::of(&pitches(midi)).unwrap_or_else(|| panic!("{midi:?} is a chord"));
            let found = (harmony.symbol(key(in_key)), harmony.numeral(key(in_key)));
            assert_eq!(found, (symbol.into(), numeral.into()), "{midi:?} in {in_key}");
        };
        check("C", &[48, 55, 64, 72], "C", "I");
        check("C", &[52, 55, 67, 72], "C/E", "I6");
        check("C", &[55, 60, 64, 72], "C/G", "I64");
        check("C", &[53, 55, 62, 71], "G7/F", "V42");
        check("G", &[54, 57, 60, 62], "D7/F#", "V65");
        check("C", &[50, 54, 57, 60], "D7", "V7/V");
        check("C", &[54, 57, 60, 63], "F#dim7", "vii°7/V");
        check("C", &[56, 59, 62], "G#dim", "vii°/vi");
        check("C", &[47, 50, 53, 57], "Bm7b5", "viiø7");
        check("a", &[52, 56, 59, 64], "E", "V");
        check("a", &[57, 60, 64], "Am", "i");
        check("a", &[57, 61, 64], "A", "I");
        check("a", &[56, 59, 62, 65], "G#dim7", "vii°7");
        check("a", &[50, 58, 65], "Bb/D", "bII6");
        check("a", &[48, 52, 55], "C", "III");
        check("C", &[53, 57, 60, 64], "Fmaj7", "IVM7");
        check("Eb", &[50, 54, 57, 62], "D", "V/iii");
        check("C", &[55, 59, 65], "G7", "V7");
        assert_eq!(Harmony::of(&pitches(&[48, 50, 52, 54])), None);
        assert_eq!(Harmony::of(&pitches(&[48, 55])), None);
        assert_eq!(Harmony::of(&[]), None);
    }

    #[test]
    fn a_bare_fifth_is_the_triad_of_its_key() {
        let check = |in_key: &str, bass: u8, more: &[(u8, f64)], expected: Option<&str>| {
            let mut weights = [0.0; 12];
            weights[usize::from(bass)] = 4.0;
            weights[usize::from((bass + 7) % 12)] = 2.0;
            more.iter().for_each(|(class, weight)| weights[usize::from(*class)] += weight);
            let found = Harmony::of_fifth(&weights, bass, key(in_key)).map(|harmony| harmony.numeral(key(in_key)));
            assert_eq!(found.as_deref(), expected, "{bass} in {in_key} with {more:?}");
        };
        check("C", 0, &[], Some("I"));
        check("C", 2, &[(7, 1.0)], Some("ii"));
        check("a", 4, &[], Some("V"));
        check("a", 9, &[], Some("i"));
        check("a", 2, &[], Some("iv"));
        check("C", 0, &[(4, 1.0)], None);
        check("C", 0, &[(5, 4.0)], None);
        check("C", 1, &[], None);
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

        #[test]
        fn a_chord_moved_with_its_key_keeps_its_numeral(semitones in 0u8..12, sharps in -5i8..=5, minor: bool) {
            let move_class = |class: u8| (class + semitones) % 12;
            let here = Key { sharps, minor };
            let there = Key::all().find(|key| key.minor == minor && key.tonic() == move_class(here.tonic())).unwrap();
            for root in 0..12 {
                for quality in Quality::ALL {
                    let harmony = Harmony { root, quality, bass: root };
                    let moved = Harmony { root: move_class(root), quality, bass: move_class(root) };
                    prop_assert_eq!(harmony.numeral(here), moved.numeral(there));
                }
            }
        }
    }
}
