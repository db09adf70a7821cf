//! A harmony without a network: parts that go along with the soprano.

use chorale::{Chord, Pitch, Token};
use session::{AnswerTable, TableRequest};

pub fn table(step: u64, after: Chord) -> AnswerTable {
    let chords = std::array::from_fn(|index| {
        let soprano = Token::from_index(index).unwrap();
        let pitch = soprano.pitch().map_or(72, |pitch| i32::from(pitch.midi()));
        let token = |midi: i32| Token::from_pitch(Pitch::new(midi.clamp(36, 81) as u8).unwrap()).unwrap();
        Chord([soprano, token(pitch - 4), token(pitch - 9), token(pitch - 24)])
    });
    AnswerTable { number: 0, is_present: false, step, after, bass: None, chords }
}

pub fn answer(request: &TableRequest) -> Vec<AnswerTable> {
    vec![table(request.step + 1, request.chord.unwrap_or(request.previous))]
}
