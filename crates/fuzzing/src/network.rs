use std::sync::Arc;

use chorale::{Chord, Part, Phase, Pitch, Token};
use harmonizer::{Harmonizer, Sampling};
use network::{Context, Model, Row};

/// An ONNX file: wrong names, shapes, types, metadata. Refused or run, within bounded memory.
///
/// # Panics
/// When something does not hold.
pub fn network(bytes: &[u8]) {
    if let Ok(model) = Model::from_bytes("fuzz.onnx", bytes) {
        // Two performances side by side, as the search has them.
        let (mut one, mut other, mut context) = (model.start(), model.start(), Context::default());
        let phase = Phase::in_bar(0);
        if model.step(&mut [&mut one, &mut other], &[Chord::START, Chord::SILENCE], phase, &mut context).is_ok() {
            let rows = [0, 1, 1].map(|state| Row { state, given: Chord::SILENCE });
            let mut logits = Vec::new();
            if model.logits(Part::Bass, &mut context, &rows, &mut logits).is_ok() {
                assert_eq!(logits.len(), rows.len() * Token::VOCABULARY);
            }
        }
        let mut harmonizer = Harmonizer::new(Arc::new(model), Sampling::default());
        let soprano = Pitch::new(67).and_then(Token::from_pitch).expect("within the vocabulary");
        if harmonizer.step(Chord::START, phase).is_ok() {
            let _ = harmonizer.answer(soprano);
        }
    }
}
