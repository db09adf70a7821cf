//! The answer table: what the lower parts do under every soprano that could sound in a step, worked out beforehand.

use chorale::{Chord, Pitch, Token};

/// Soprano pitch → voicing, for one step. Plain data: it is copied through wait-free queues into the MIDI callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTable {
    /// The number of the report that it answers; 0 for the first table of all.
    pub number: u64,
    /// Whether it is for the step of that report, not for the one after it.
    pub is_present: bool,
    /// The step that the answers are for.
    pub step: u64,
    /// The chord of the step before, on which they rest. They are void if something else was played.
    pub after: Chord,
    /// The bass that the player gives, which all answers have; void with another one.
    pub bass: Option<Token>,
    /// Indexed by the soprano's [`Token`]; each chord holds that soprano.
    pub chords: [Chord; Token::VOCABULARY],
}

impl AnswerTable {
    /// Alto, tenor and bass under `soprano`; `None` for a part at rest. A soprano outside the trained range is
    /// answered as its octave inside it, and the answer moves by the same octaves when the soprano lies below.
    pub fn lower_parts(&self, soprano: Pitch) -> [Option<Pitch>; 3] {
        let (token, octaves) = fold_soprano(soprano);
        let [_, lower @ ..] = self.chords[token.index()].pitches();
        lower.map(|pitch| unfold(pitch, octaves))
    }
}

/// The octave of `soprano` inside the soprano's trained range, and how many octaves it was moved up (below zero: down).
pub fn fold_soprano(soprano: Pitch) -> (Token, i32) {
    let (low, high) = chorale::Part::Soprano.range();
    let midi = i32::from(soprano.midi());
    let octaves = if soprano < low {
        (i32::from(low.midi()) - midi + 11) / 12
    } else if soprano > high {
        -((midi - i32::from(high.midi()) + 11) / 12)
    } else {
        0
    };
    let folded = soprano.transposed(12 * octaves).and_then(Token::from_pitch);
    (folded.expect("the soprano's range spans more than an octave"), octaves)
}

/// The octave of a given bass inside the range that the networks know for it.
pub fn fold_bass(bass: Pitch) -> Token {
    let (low, high) = chorale::Part::Bass.range();
    let semitones = |pitch: Pitch| i32::from(pitch.midi());
    let octaves = if bass < low {
        (semitones(low) - semitones(bass) + 11) / 12
    } else {
        -((semitones(bass) - semitones(high)).max(0) + 11) / 12
    };
    let folded = bass.transposed(12 * octaves).and_then(Token::from_pitch);
    folded.expect("the bass's range spans more than an octave")
}

/// Puts an answer to a folded soprano where it belongs: under a soprano that was moved up, the answer goes back down,
/// except where it would leave the MIDI range; under one that was moved down it stays, being low enough already.
pub fn unfold(pitch: Option<Pitch>, octaves: i32) -> Option<Pitch> {
    pitch.map(|pitch| pitch.transposed(-12 * octaves.max(0)).unwrap_or(pitch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_midi_note_is_folded_by_whole_octaves_into_the_sopranos_range() {
        for midi in 0..=127 {
            let soprano = Pitch::new(midi).unwrap();
            let (token, octaves) = fold_soprano(soprano);
            let folded = token.pitch().unwrap();
            assert_eq!(i32::from(folded.midi()) - i32::from(midi), 12 * octaves);
            assert!((60..=81).contains(&folded.midi()));
            assert!((60..=81).contains(&midi) == (octaves == 0), "{midi} is moved only when it has to be");
            let bass = i32::from(fold_bass(soprano).pitch().unwrap().midi());
            assert!((36..=66).contains(&bass) && (bass - i32::from(midi)) % 12 == 0, "{midi} becomes the bass {bass}");
            assert!((36..=66).contains(&midi) == (bass == i32::from(midi)), "{midi} becomes the bass {bass}");
        }
    }
}
