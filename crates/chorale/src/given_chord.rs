//! Chords as they are given to an arranger: letters as on a lead sheet (`Am7`, `D7/F#`), degrees of a key as in an analysis
//! (`ii65`, `V7/V`).

use thiserror::Error;

use crate::pitch::{accidentals, leading_class};
use crate::quality::mask;
use crate::sonority::classes;
use crate::{Key, Pitch};

/// Which pitch classes may sound, and which must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GivenChord {
    /// Pitch class.
    pub root: u8,
    /// One bit for each pitch class of the chord, C lowest.
    pub classes: u16,
    /// Those that make it this chord, at most three: root, third, and the seventh or sixth or an altered fifth.
    pub needed: u16,
    /// The pitch class of the lowest part, where it is told.
    pub bass: Option<u8>,
}

/// A text that names no chord.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "'{0}' is no chord; letters such as Am7, D7/F# or Bbmaj7, or degrees such as ii65, V7/V or bVII, name one, and N.C. none"
)]
pub struct NoChord(pub String);

/// What stands above a root, in semitones.
struct Above {
    third: Option<u8>,
    fifth: u8,
    /// A seventh or a sixth.
    fourth: Option<u8>,
    others: Vec<u8>,
}

impl GivenChord {
    /// By letters or, in `key`, by a degree. A degree is in root position where its figures say nothing else; letters leave the
    /// bass open.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn parse(text: &str, key: Key) -> Result<GivenChord, NoChord> {
        let is_letter = text.starts_with(|letter: char| ('A'..='G').contains(&letter));
        let found = if is_letter { of_letters(text) } else { of_degree(text, key) };
        found.ok_or_else(|| NoChord(text.to_owned()))
    }

    /// Semitones higher.
    pub fn transposed(self, semitones: i32) -> GivenChord {
        let by = semitones.rem_euclid(12) as u8;
        let moved = |classes: u16| (classes << by | classes >> (12 - by)) & 0xfff;
        GivenChord {
            root: (self.root + by) % 12,
            classes: moved(self.classes),
            needed: moved(self.needed),
            bass: self.bass.map(|bass| (bass + by) % 12),
        }
    }

    pub fn holds(self, class: u8) -> bool {
        self.classes >> class & 1 == 1
    }

    /// How many of the pitch classes that make it what it is don't sound.
    pub fn missing(self, pitches: &[Option<Pitch>; 4]) -> u32 {
        (self.needed & !classes(pitches)).count_ones()
    }

    /// Whether it is what sounds: the lower parts have nothing else, nothing that makes it is missing, and the bass is the one
    /// that is told. A melody may have notes of its own.
    pub fn is_heard_in(self, pitches: &[Option<Pitch>; 4]) -> bool {
        let lower = || pitches[1..].iter().flatten().map(|pitch| pitch.class());
        let bass = pitches[1..].iter().flatten().min().map(|pitch| pitch.class());
        lower().all(|class| self.holds(class))
            && self.missing(pitches) == 0
            && self.bass.is_none_or(|told| bass == Some(told))
    }

    fn new(root: u8, above: &Above, bass: Option<u8>) -> GivenChord {
        let Above { third, fifth, fourth, ref others } = *above;
        let at = |interval: u8| (root + interval) % 12;
        let intervals = [0, fifth].into_iter().chain(third).chain(fourth).chain(others.iter().copied());
        let all: Vec<u8> = intervals.map(at).chain(bass).collect();
        // A perfect fifth is often left out.
        let makes_it = fourth.or((fifth != 7 || third.is_none()).then_some(fifth));
        let needed: Vec<u8> = [0].into_iter().chain(third).chain(makes_it).map(at).collect();
        GivenChord { root, classes: mask(&all), needed: mask(&needed), bass }
    }
}

fn of_letters(text: &str) -> Option<GivenChord> {
    let (root, rest) = leading_class(text)?;
    // 6/9 has no bass.
    let (quality, bass) = match rest.rsplit_once('/') {
        Some((quality, bass)) if !bass.starts_with('9') => match leading_class(bass)? {
            (class, "") => (quality, Some(class)),
            _ => return None,
        },
        _ => (rest, None),
    };
    Some(GivenChord::new(root, &above(quality)?, bass))
}

/// What stands behind the root on a lead sheet, word by word.
fn above(text: &str) -> Option<Above> {
    let text: String = text.chars().filter(|sign| !" (),/".contains(*sign)).collect();
    let text = text.replace('♭', "b").replace('♯', "#");
    let mut above = Above { third: Some(4), fifth: 7, fourth: None, others: Vec::new() };
    let mut rest = text.as_str();
    // What a seventh would be.
    let mut seventh = 10;
    while !rest.is_empty() {
        let has_seventh = above.fourth.is_some_and(|fourth| fourth == seventh || matches!(fourth, 10 | 11));
        let behind = if has_seventh { BEHIND_SEVENTH } else { &[] };
        let (word, change) = behind.iter().chain(WORDS).find(|(word, _)| rest.starts_with(word))?;
        rest = &rest[word.len()..];
        match *change {
            Change::Third(third) => above.third = third,
            Change::Fifth(fifth) => above.fifth = fifth,
            Change::Diminished => (above.third, above.fifth, seventh) = (Some(3), 6, 9),
            // The sign may stand behind its seventh: C7M.
            Change::Major if has_seventh => (seventh, above.fourth) = (11, Some(11)),
            Change::Major => seventh = 11,
            Change::Fourth(fourth) => above.fourth = Some(fourth),
            Change::HalfDiminished => (above.third, above.fifth, above.fourth) = (Some(3), 6, Some(10)),
            Change::Seventh(others) => {
                above.fourth = Some(seventh);
                above.others.extend(others);
            }
            Change::SixNine => {
                above.fourth = Some(9);
                above.others.push(2);
            }
            Change::Added(interval) => above.others.push(interval),
            Change::Nothing => {}
        }
    }
    Some(above)
}

#[derive(Clone, Copy)]
enum Change {
    Third(Option<u8>),
    Fifth(u8),
    Diminished,
    /// Of the seventh, if there will be one.
    Major,
    Fourth(u8),
    HalfDiminished,
    /// And these with it.
    Seventh(&'static [u8]),
    SixNine,
    Added(u8),
    Nothing,
}

/// What is an alteration behind a seventh, and elsewhere has another meaning: A-9 is Am9.
const BEHIND_SEVENTH: &[(&str, Change)] =
    &[("-9", Change::Added(1)), ("+9", Change::Added(3)), ("+11", Change::Added(6)), ("-13", Change::Added(8))];

/// What the words of lead sheets mean; a word stands before those that it begins with.
const WORDS: &[(&str, Change)] = &[
    ("major", Change::Major),
    ("maj", Change::Major),
    ("Maj", Change::Major),
    ("ma", Change::Major),
    ("M", Change::Major),
    ("Δ", Change::Fourth(11)),
    ("^", Change::Fourth(11)),
    ("minor", Change::Third(Some(3))),
    ("min", Change::Third(Some(3))),
    ("mi", Change::Third(Some(3))),
    ("m", Change::Third(Some(3))),
    ("dim", Change::Diminished),
    ("°", Change::Diminished),
    ("o", Change::Diminished),
    ("ø", Change::HalfDiminished),
    ("h", Change::HalfDiminished),
    ("aug", Change::Fifth(8)),
    ("sus2", Change::Third(Some(2))),
    ("sus4", Change::Third(Some(5))),
    ("sus", Change::Third(Some(5))),
    ("add9", Change::Added(2)),
    ("add2", Change::Added(2)),
    ("add11", Change::Added(5)),
    ("add4", Change::Added(5)),
    ("add13", Change::Added(9)),
    ("add6", Change::Added(9)),
    ("no5", Change::Nothing),
    ("no3", Change::Third(None)),
    ("alt", Change::Seventh(&[1, 3, 8])),
    ("#11", Change::Added(6)),
    ("b13", Change::Added(8)),
    ("b9", Change::Added(1)),
    ("#9", Change::Added(3)),
    ("b5", Change::Fifth(6)),
    ("-5", Change::Fifth(6)),
    ("#5", Change::Fifth(8)),
    ("+5", Change::Fifth(8)),
    ("-", Change::Third(Some(3))),
    ("+", Change::Fifth(8)),
    ("13", Change::Seventh(&[2, 9])),
    ("11", Change::Seventh(&[2, 5])),
    ("9", Change::Seventh(&[2])),
    ("7", Change::Seventh(&[])),
    ("69", Change::SixNine),
    ("6", Change::Fourth(9)),
    ("5", Change::Third(None)),
    ("4", Change::Third(Some(5))),
    ("2", Change::Added(2)),
];

/// A degree of a key, perhaps seen from another: `V7/V`.
fn of_degree(text: &str, key: Key) -> Option<GivenChord> {
    if let Some((chord, target)) = text.split_once('/') {
        let (root, is_minor, rest) = degree(target, key)?;
        return if rest.is_empty() { of_degree(chord, Key::of_tonic(root, is_minor)) } else { None };
    }
    let (root, is_minor, rest) = degree(text, key)?;
    let marks = rest.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let figures = &rest[marks.len()..];
    // The triad on the leading note is what it is without a mark, too.
    let is_leading = is_minor && root == (key.tonic() + 11) % 12;
    let (third, fifth, seventh) = match marks {
        "" if is_leading => (3, 6, if key.minor { 9 } else { 10 }),
        "°" | "o" | "dim" => (3, 6, 9),
        "ø" => (3, 6, 10),
        "+" => (4, 8, 10),
        "M" | "maj" if is_minor => (3, 7, 11),
        "M" | "maj" => (4, 7, 11),
        "" => {
            let is_major = !key.has((root + 10) % 12) && key.has((root + 11) % 12);
            (if is_minor { 3 } else { 4 }, 7, if is_major { 11 } else { 10 })
        }
        _ => return None,
    };
    let (fourth, bass) = match figures {
        "" | "5" | "53" => (None, 0),
        "6" | "63" => (None, third),
        "64" => (None, fifth),
        "7" => (Some(seventh), 0),
        "65" => (Some(seventh), third),
        "43" => (Some(seventh), fifth),
        "42" | "2" => (Some(seventh), seventh),
        _ => return None,
    };
    let above = Above { third: Some(third), fifth, fourth, others: Vec::new() };
    Some(GivenChord::new(root, &above, Some((root + bass) % 12)))
}

/// The root of a degree, whether it is written small, and what stands behind it.
fn degree(text: &str, key: Key) -> Option<(u8, bool, &str)> {
    const NAMES: [(&str, usize); 7] = [("VII", 6), ("VI", 5), ("IV", 3), ("V", 4), ("III", 2), ("II", 1), ("I", 0)];
    const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
    const MINOR: [i32; 7] = [0, 2, 3, 5, 7, 8, 10];
    let (raised, text) = accidentals(text);
    let begins = |name: &str| {
        let start = text.get(..name.len())?;
        (start == name || start == name.to_lowercase()).then_some(start != name)
    };
    let (name, place, is_minor) = NAMES.iter().find_map(|(name, place)| Some((name, *place, begins(name)?)))?;
    // In minor the flats of popular music say what the scale has already, and a small seventh degree leads to the tonic.
    let is_of_major = !key.minor || raised < 0 && matches!(place, 2 | 5 | 6) || raised == 0 && place == 6 && is_minor;
    let above = if is_of_major { MAJOR[place] } else { MINOR[place] };
    let root = (i32::from(key.tonic()) + above + raised).rem_euclid(12) as u8;
    Some((root, is_minor, &text[name.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, key: &str) -> Option<GivenChord> {
        GivenChord::parse(text, key.parse().unwrap()).ok()
    }

    #[test]
    fn letters_name_chords_as_lead_sheets_do() {
        let check = |text: &str, classes: &[u8], needed: &[u8], bass: Option<u8>| {
            let chord = parse(text, "C").unwrap_or_else(|| panic!("{text} is a chord"));
            assert_eq!((chord.classes, chord.needed, chord.bass), (mask(classes), mask(needed), bass), "{text}");
        };
        check("C", &[0, 4, 7], &[0, 4], None);
        check("Am", &[9, 0, 4], &[9, 0], None);
        check("A-7", &[9, 0, 4, 7], &[9, 0, 7], None);
        check("Bbmaj7", &[10, 2, 5, 9], &[10, 2, 9], None);
        check("BbM7", &[10, 2, 5, 9], &[10, 2, 9], None);
        check("FΔ", &[5, 9, 0, 4], &[5, 9, 4], None);
        check("D7/F#", &[2, 6, 9, 0], &[2, 6, 0], Some(6));
        check("F#m7b5", &[6, 9, 0, 4], &[6, 9, 4], None);
        check("F#ø7", &[6, 9, 0, 4], &[6, 9, 4], None);
        check("Bdim", &[11, 2, 5], &[11, 2, 5], None);
        check("B°7", &[11, 2, 5, 8], &[11, 2, 8], None);
        check("Caug", &[0, 4, 8], &[0, 4, 8], None);
        check("G7sus4", &[7, 0, 2, 5], &[7, 0, 5], None);
        check("Dm6", &[2, 5, 9, 11], &[2, 5, 11], None);
        check("C6/9", &[0, 4, 7, 9, 2], &[0, 4, 9], None);
        check("G7(b9)", &[7, 11, 2, 5, 8], &[7, 11, 5], None);
        check("Em9", &[4, 7, 11, 2, 6], &[4, 7, 2], None);
        check("Cadd9", &[0, 4, 7, 2], &[0, 4], None);
        check("C5", &[0, 7], &[0, 7], None);
        check("C/D", &[0, 2, 4, 7], &[0, 4], Some(2));
        check("Cb", &[11, 3, 6], &[11, 3], None);
        for wrong in ["H7", "Cx", "C/", "C/x", "Am7b", "c", "", "G7/", "C#%"] {
            assert_eq!(parse(wrong, "C"), None, "{wrong}");
        }
    }

    #[test]
    fn a_chord_is_the_same_whichever_signs_of_lead_sheets_write_it() {
        let same = [
            ("C7M", "Cmaj7"),
            ("C7M(9)", "Cmaj9"),
            ("Cm7M", "CmM7"),
            ("C7-9", "C7b9"),
            ("G7(-9)", "G7b9"),
            ("G7+9", "G7#9"),
            ("C7+11", "C7#11"),
            ("C9+11", "C9#11"),
            ("C7-13", "C7b13"),
            ("A-9", "Am9"),
            ("A-7-9", "Am7b9"),
            ("C♯m7♭5", "C#m7b5"),
            ("B♭7♯9/A♭", "Bb7#9/Ab"),
        ];
        for (text, usual) in same {
            assert!(parse(text, "C").is_some_and(|chord| Some(chord) == parse(usual, "C")), "{text} is {usual}");
        }
    }

    #[test]
    fn degrees_name_the_chords_of_a_key_over_the_bass_of_their_figures() {
        let check = |key: &str, text: &str, letters: &str, bass: u8| {
            let found = parse(text, key).unwrap_or_else(|| panic!("{text} is a chord"));
            let expected = GivenChord { bass: Some(bass), ..parse(letters, key).unwrap() };
            assert_eq!(found, expected, "{text} in {key}");
        };
        check("C", "I", "C", 0);
        check("C", "ii65", "Dm7", 5);
        check("C", "IV7", "Fmaj7", 5);
        check("C", "V43", "G7", 2);
        check("C", "V42", "G7", 5);
        check("C", "viiø7", "Bm7b5", 11);
        check("C", "vii6", "Bdim", 2);
        check("C", "V7/V", "D7", 2);
        check("C", "V65/ii", "A7", 1);
        check("C", "bVII", "Bb", 10);
        check("C", "I64", "C", 7);
        check("a", "i", "Am", 9);
        check("a", "V7", "E7", 4);
        check("a", "VII", "G", 7);
        check("a", "bVII", "G", 7);
        check("a", "VI", "F", 5);
        check("a", "vii°7", "G#dim7", 8);
        check("a", "vii7", "G#dim7", 8);
        check("a", "bII6", "Bb", 2);
        check("Eb", "IVM7", "Abmaj7", 8);
        for wrong in ["VIII", "IX", "Iv", "I8", "V/", "V/x", "VV", "i?", "b"] {
            assert_eq!(parse(wrong, "C"), None, "{wrong}");
        }
    }

    #[test]
    fn a_chord_is_heard_under_any_melody_with_all_that_makes_it() {
        let pitches = |midi: [u8; 4]| midi.map(Pitch::new);
        let chord = parse("G7", "C").unwrap();
        assert!(chord.is_heard_in(&pitches([74, 65, 59, 55])));
        assert!(chord.is_heard_in(&pitches([72, 65, 59, 55])), "a suspension in the melody");
        assert!(chord.is_heard_in(&pitches([77, 67, 62, 47])), "an inversion");
        assert!(!chord.is_heard_in(&pitches([74, 67, 59, 55])), "no seventh");
        assert!(!chord.is_heard_in(&pitches([74, 65, 60, 55])), "a foreign note");
        assert!(!parse("V7", "C").unwrap().is_heard_in(&pitches([77, 67, 62, 47])), "another bass");
        assert_eq!(chord.transposed(-3), parse("E7", "C").unwrap());
    }
}
