use std::fmt;

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

    /// Scientific pitch notation with sharps, for example `F#4`.
    pub fn name(self) -> String {
        const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        format!("{}{}", NAMES[self.class() as usize], i32::from(self.0) / 12 - 1)
    }
}

impl fmt::Display for Pitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
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
        assert_eq!(Pitch::new(128), None);
    }
}
