//! The answer table: what the lower parts do under every soprano that could sound in a step, worked out beforehand.

use chorale::{Chord, Part, Pitch, Token, unfold};

/// Soprano pitch → voicing, for one step. Plain data: it is copied through wait-free queues into the MIDI callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTable {
    /// The number of the request that it answers; 0 for the first table of all.
    pub number: u64,
    /// Whether it is for the step of that request, not for the one after it.
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
    /// answered as its octave inside it, and where it lies below, the answer goes down with it by one octave: farther down
    /// chords are a rumble, and a melody there is heard as a bass.
    pub fn lower_parts(&self, soprano: Pitch) -> [Option<Pitch>; 3] {
        let (token, octaves) = Part::Soprano.fold(soprano);
        let [_, lower @ ..] = self.chords[token.index()].pitches();
        lower.map(|pitch| unfold(pitch, octaves.min(1)))
    }
}
