//! The values of fields: keys, metres, lengths, tempos, and the properties of voices.

use chorale::Key;

use super::FINE_TICKS;
use super::music::LETTERS;
use crate::score::Metre;
use crate::written::key_of_mode;

/// The letters in the order in which signatures raise them; backwards, lower.
const SHARPS: [char; 7] = ['F', 'C', 'G', 'D', 'A', 'E', 'B'];

/// A signature, and what it makes of each letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub key: Key,
    /// In the order of [`LETTERS`].
    pub alterations: [i8; 7],
    /// See [`Source::mode`](crate::Source::mode).
    pub mode: Option<Key>,
    /// See [`Source::names_major`](crate::Source::names_major).
    pub names_major: bool,
}

impl Signature {
    pub const C_MAJOR: Signature =
        Signature { key: Key { sharps: 0, minor: false }, alterations: [0; 7], mode: None, names_major: false };

    /// `G`, `Am`, `D dorian`, `F#mix`, `D ^f _b`, `HP` or `none`; `None` where the text names no key.
    pub fn read(text: &str) -> Option<Signature> {
        // Accidentals may stand at the mode: `C#m^f`.
        let text = &text.replace('^', " ^").replace('_', " _").replace("^ ^", "^^").replace("_ _", "__");
        let mut words = text.split_whitespace().peekable();
        let first = words.peek().copied().unwrap_or("none");
        if first.starts_with("HP") || first.starts_with("Hp") {
            return Some(Signature::of(2, false));
        }
        let letter =
            first.chars().next().map(|letter| if is_small_key(first) { letter.to_ascii_uppercase() } else { letter });
        let letter = letter.filter(|letter| SHARPS.contains(letter));
        let Some(letter) = letter.filter(|_| !first.contains('=')) else {
            // A key of clefs alone says nothing about the notes.
            return first.eq_ignore_ascii_case("none").then_some(Signature::C_MAJOR);
        };
        words.next();
        let rest = &first[1..];
        let (accidental, mode) = match rest.chars().next() {
            Some('#' | '♯') => (7, rest.trim_start_matches(['#', '♯'])),
            Some('b' | '♭') => (-7, rest.trim_start_matches(['b', '♭'])),
            _ => (0, rest),
        };
        let of_next = words.peek().copied().filter(|_| mode.is_empty()).and_then(mode_offset);
        let is_explicit = |word: &str| word.to_lowercase().starts_with("exp");
        if is_explicit(mode) || words.peek().is_some_and(|word| is_explicit(word)) {
            let mut signature = Signature::C_MAJOR;
            words.for_each(|word| signature.amend(word));
            return Some(signature);
        }
        let (offset, minor) = mode_offset(mode).filter(|_| !mode.is_empty()).or(of_next).unwrap_or((0, false));
        let place = SHARPS.iter().position(|known| *known == letter)? as i8 - 1 + accidental + offset;
        let sharps = if place > 7 {
            place - 12
        } else if place < -7 {
            place + 12
        } else {
            place
        };
        let mut signature = Signature::of(sharps, minor);
        let named = if mode.is_empty() { words.peek().copied().unwrap_or_default() } else { mode };
        signature.mode = key_of_mode(sharps, named);
        signature.names_major = ["maj", "ion"].iter().any(|major| named.to_lowercase().starts_with(major));
        words.for_each(|word| signature.amend(word));
        Some(signature)
    }

    fn of(sharps: i8, minor: bool) -> Signature {
        let mut signature = Signature { key: Key { sharps, minor }, ..Signature::C_MAJOR };
        let count = usize::from(sharps.unsigned_abs());
        for at in 0..count {
            let letter = if sharps > 0 { SHARPS[at] } else { SHARPS[6 - at] };
            signature.alter(letter, sharps.signum());
        }
        signature
    }

    /// An accidental of its own, such as `^f` or `_b`.
    fn amend(&mut self, word: &str) {
        let letter = word.chars().last().map(|letter| letter.to_ascii_uppercase()).unwrap_or_default();
        let alteration = match word.get(..word.len().saturating_sub(1)) {
            Some("^") => 1,
            Some("^^") => 2,
            Some("_") => -1,
            Some("__") => -2,
            Some("=") => 0,
            _ => return,
        };
        self.alter(letter, alteration);
    }

    fn alter(&mut self, letter: char, alteration: i8) {
        if let Some(place) = LETTERS.iter().position(|(known, _)| *known == letter) {
            self.alterations[place] = alteration;
        }
    }
}

/// Whether a word such as `g`, `bb` or `am` is a key in small letters, and no clef.
fn is_small_key(word: &str) -> bool {
    let rest = word.strip_prefix(|letter: char| matches!(letter, 'a'..='g'));
    let mode = rest.map(|rest| rest.strip_prefix(['#', 'b', '♯', '♭']).unwrap_or(rest));
    mode.is_some_and(|mode| mode_offset(mode).is_some())
}

/// Whether the text of a key is neither a key nor a clef or another property.
pub(super) fn is_no_key(text: &str) -> bool {
    const CLEFS: [&str; 8] = ["treble", "alto", "tenor", "bass", "perc", "neutral", "clef", "auto"];
    let first = text.split_whitespace().next().unwrap_or("none").to_lowercase();
    let is_clef = CLEFS.iter().any(|clef| first.starts_with(clef));
    Signature::read(text).is_none() && !first.contains('=') && !is_clef
}

/// How many fifths the signature of a mode lies above that of major, and whether it is the minor one.
fn mode_offset(word: &str) -> Option<(i8, bool)> {
    let word = word.to_lowercase();
    Some(match word.get(..3).unwrap_or(&word) {
        "" | "maj" | "ion" => (0, false),
        "m" | "min" | "aeo" => (-3, true),
        "mix" => (-1, false),
        "dor" => (-2, false),
        "phr" => (-4, false),
        "loc" => (-5, false),
        "lyd" => (1, false),
        _ => return None,
    })
}

/// `3/4`, `C`, `C|`, `2+3/8`; `Some(None)` for none, `None` where it cannot be understood.
pub(super) fn metre(text: &str) -> Option<Option<Metre>> {
    let text = text.trim();
    let (beats, unit) = match text {
        "" => return Some(None),
        "C" => ("4", "4"),
        "C|" => ("2", "2"),
        _ if text.eq_ignore_ascii_case("none") => return Some(None),
        _ => text.split_once('/')?,
    };
    let terms = beats.trim_matches(['(', ')', ' ']).split('+');
    let numerator =
        terms.map(|term| term.trim().parse::<u8>().ok()).try_fold(0_u8, |sum, term| sum.checked_add(term?))?;
    let denominator = unit.trim().parse::<u8>().ok().filter(|unit| unit.is_power_of_two() && *unit <= 64)?;
    let metre = Metre { numerator, denominator_log2: denominator.ilog2() as u8, ..Metre::FOUR_FOUR };
    (numerator > 0).then_some(Some(metre))
}

/// Ticks of the length that notes have where the tune doesn't tell: an eighth, in short bars a sixteenth.
pub(super) fn usual_unit(metre: Option<Metre>) -> u32 {
    let is_short = metre.is_some_and(|metre| 4 * u32::from(metre.numerator) < 3 * u32::from(metre.denominator()));
    if is_short { FINE_TICKS / 4 } else { FINE_TICKS / 2 }
}

/// The ticks of `1/8`.
pub(super) fn ticks(fraction: &str) -> Option<u32> {
    let (over, under) = fraction.split_once('/').unwrap_or((fraction, "1"));
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| (1..=512).contains(number));
    Some(4 * FINE_TICKS * number(over)? / number(under)?).filter(|ticks| *ticks > 0)
}

/// Microseconds a quarter of `1/4=120`, `"Slow" 3/8=60` or, in the old form, `120` units a minute.
pub(super) fn tempo(text: &str, unit: u32) -> Option<u32> {
    let text: String = text.split('"').step_by(2).collect();
    let (beat, beats) = match text.split_once('=') {
        None => (unit, text.trim()),
        Some((length, beats)) => {
            let length = length.trim();
            let sum: u32 = length.split_whitespace().filter_map(ticks).fold(0, u32::saturating_add);
            let of_unit = length.strip_prefix('C').map(|times| unit * times.parse::<u32>().unwrap_or(1).clamp(1, 64));
            (of_unit.unwrap_or(sum), beats.trim())
        }
    };
    let beats: f64 = beats.split_whitespace().find_map(|word| word.parse().ok())?;
    let quarters = beats * f64::from(beat) / f64::from(FINE_TICKS);
    (4.0..=2000.0).contains(&quarters).then(|| (60e6 / quarters).round() as u32)
}

/// The value of a property of a voice or key, such as `name="Soprano"`.
pub(super) fn property<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let at = text.match_indices(name).map(|(at, _)| at).find(|&at| {
            let is_word = text[..at].chars().next_back().is_none_or(char::is_whitespace);
            is_word && text[at + name.len()..].trim_start().starts_with('=')
        })?;
        let value = text[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split_whitespace().next(),
        }
    })
}

/// Semitones from written to sounding pitch.
pub(super) fn semitones(text: &str) -> Option<i32> {
    let number = |names: &[&str]| property(text, names).and_then(|value| value.parse::<i32>().ok());
    let (octave, moved) = (number(&["octave"]), number(&["transpose"]));
    let of_clef = text.split_whitespace().find_map(|word| match word.get(word.len().checked_sub(2)?..)? {
        "-8" => Some(-1),
        "+8" => Some(1),
        _ => None,
    });
    let is_told = octave.or(moved).or(of_clef).is_some();
    let octaves = octave.or(of_clef).unwrap_or(0).clamp(-4, 4);
    is_told.then(|| 12 * octaves + moved.unwrap_or(0).clamp(-36, 36))
}
