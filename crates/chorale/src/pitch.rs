use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A MIDI note number, 0..=127. 60 is middle C, written C4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pitch(u8);

impl Pitch {
    /// The lowest and highest pitch of the 382 chorales: those that have a [`Token`].
    pub const LOWEST: Pitch = Pitch(36);
    pub const HIGHEST: Pitch = Pitch(81);

    /// `None` above 127.
    pub const fn new(midi: u8) -> Option<Pitch> {
        if midi <= 127 { Some(Pitch(midi)) } else { None }
    }

    pub const fn midi(self) -> u8 {
        self.0
    }

    /// 0 = C .. 11 = B.
    pub const fn class(self) -> u8 {
        self.0 % 12
    }

    /// `None` when the result would leave 0..=127.
    pub fn transposed(self, semitones: i32) -> Option<Pitch> {
        u8::try_from(i32::from(self.0) + semitones).ok().and_then(Pitch::new)
    }

    /// Scientific pitch notation, for example `F#4`; of two names the one that more keys have, since no key is known here.
    pub fn name(self) -> String {
        const NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
        format!("{}{}", NAMES[self.class() as usize], i32::from(self.0) / 12 - 1)
    }
}

impl fmt::Display for Pitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

/// A text that names no pitch.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is no pitch; expected a name such as C4, F#3 or Bb2 (C4 is middle C)")]
pub struct NoPitch(pub String);

impl FromStr for Pitch {
    type Err = NoPitch;

    /// Scientific pitch notation from `C-1` to `G9`: a letter of either case, up to two sharps (`#`, `♯`) or flats (`b`,
    /// `♭`), the octave. An accidental crosses octaves as it does on paper: `Cb4` is the key below `C4`.
    fn from_str(text: &str) -> Result<Pitch, NoPitch> {
        named(text.trim()).ok_or_else(|| NoPitch(text.chars().take(40).collect()))
    }
}

/// Semitones of a letter from A to G above C.
fn natural(letter: char) -> Option<i32> {
    Some(match letter {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    })
}

/// The pitch class that a text such as `Bb7` begins with, by a capital letter with any accidentals, and what stands behind it.
pub fn leading_class(text: &str) -> Option<(u8, &str)> {
    let mut letters = text.chars();
    let natural = natural(letters.next()?)?;
    let (raised, rest) = accidentals(letters.as_str());
    Some(((natural + raised).rem_euclid(12) as u8, rest))
}

/// The sharps and flats in front of a text, in semitones, and what stands behind them.
pub(crate) fn accidentals(text: &str) -> (i32, &str) {
    let rest = text.trim_start_matches(['#', '♯', 'b', '♭']);
    let signs = text[..text.len() - rest.len()].chars();
    (signs.map(|sign| if matches!(sign, '#' | '♯') { 1 } else { -1 }).sum(), rest)
}

fn named(text: &str) -> Option<Pitch> {
    let natural = natural(text.chars().next()?.to_ascii_uppercase())?;
    let accidentals = &text[1..];
    let octave = accidentals.trim_start_matches(['#', '♯', 'b', '♭']);
    let alteration = match &accidentals[..accidentals.len() - octave.len()] {
        "" => 0,
        "#" | "♯" => 1,
        "##" | "♯♯" => 2,
        "b" | "♭" => -1,
        "bb" | "♭♭" => -2,
        _ => return None,
    };
    let octave = match octave.as_bytes() {
        b"-1" => -1,
        [digit @ b'0'..=b'9'] => i32::from(digit - b'0'),
        _ => return None,
    };
    u8::try_from(12 * (octave + 1) + natural + alteration).ok().and_then(Pitch::new)
}

/// An index in the networks' vocabulary: 0 is a rest, 1..=46 are the pitches 36..=81.
///
/// [`Token::START`] stands outside the vocabulary. It marks "before the first step" in the input of a network and
/// never comes out of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u8);

impl Token {
    pub const VOCABULARY: usize = 47;
    pub const REST: Token = Token(0);
    pub const START: Token = Token(Self::VOCABULARY as u8);

    /// Every token that can sound or rest, in order of index.
    pub fn all() -> impl Iterator<Item = Token> {
        (0..Self::VOCABULARY as u8).map(Token)
    }

    /// `None` outside the vocabulary.
    pub const fn from_index(index: usize) -> Option<Token> {
        if index < Self::VOCABULARY { Some(Token(index as u8)) } else { None }
    }

    /// `None` when the pitch lies outside 36..=81.
    pub fn from_pitch(pitch: Pitch) -> Option<Token> {
        (Pitch::LOWEST..=Pitch::HIGHEST).contains(&pitch).then(|| Token(pitch.midi() - Pitch::LOWEST.midi() + 1))
    }

    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The pitch of a sounding token; `None` for a rest (and for [`Token::START`]).
    pub const fn pitch(self) -> Option<Pitch> {
        if self.0 == 0 || self.0 >= Self::VOCABULARY as u8 { None } else { Some(Pitch(self.0 - 1 + Pitch::LOWEST.0)) }
    }

    /// A rest stays a rest. `None` when the pitch would leave the vocabulary.
    pub fn transposed(self, semitones: i32) -> Option<Token> {
        match self.pitch() {
            None => Some(self),
            Some(pitch) => pitch.transposed(semitones).and_then(Token::from_pitch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back_from_its_index_and_its_pitch() {
        for token in Token::all() {
            assert_eq!(Token::from_index(token.index()), Some(token));
            if let Some(pitch) = token.pitch() {
                assert_eq!(Token::from_pitch(pitch), Some(token));
            }
        }
        assert_eq!(Token::all().filter(|token| token.pitch().is_none()).count(), 1);
        assert_eq!(Token::from_index(47), None);
        assert_eq!(Token::START.pitch(), None);
    }

    #[test]
    fn pitches_carry_their_scientific_names() {
        let name = |midi| Pitch::new(midi).unwrap().name();
        assert_eq!([name(60), name(36), name(81), name(66), name(0)], ["C4", "C2", "A5", "F#4", "C-1"]);
        assert_eq!([name(58), name(63)], ["Bb3", "Eb4"], "nobody's part goes down to A sharp");
        assert_eq!(Pitch::new(128), None);
    }

    #[test]
    fn every_pitch_comes_back_from_its_name() {
        for pitch in (0..128).filter_map(Pitch::new) {
            assert_eq!(pitch.name().parse(), Ok(pitch));
            assert_eq!(pitch.name().to_lowercase().parse(), Ok(pitch));
        }
    }

    #[test]
    fn a_pitch_has_the_names_that_musicians_write() {
        let check = |name: &str, midi: u8| assert_eq!(name.parse(), Ok(Pitch(midi)), "{name}");
        check("Bb3", 58);
        check("A#3", 58);
        check("bb3", 58);
        check("B♭3", 58);
        check("b3", 59);
        check("Cb4", 59);
        check("B#3", 60);
        check(" f♯4 ", 66);
        check("F##4", 67);
        check("Bbb2", 45);
        check("C-1", 0);
        check("G9", 127);
    }

    #[test]
    fn a_text_that_names_no_pitch_is_answered_with_names_that_do() {
        for text in ["", "H3", "C", "4", "C10", "C+4", "C04", "G#9", "Cb-1", "C#b4", "C###4", "C4 x", "é4", "Cé"] {
            assert_eq!(text.parse::<Pitch>(), Err(NoPitch(text.into())));
        }
        let error = "H3".parse::<Pitch>().unwrap_err().to_string();
        assert_eq!(error, "'H3' is no pitch; expected a name such as C4, F#3 or Bb2 (C4 is middle C)");
    }
}
