//! An ONNX file: wrong names, shapes, types, metadata. Refused or run, within bounded memory.
#![no_main]

use std::sync::Arc;

use chorale::{Chord, Phase, Pitch, Token};
use libfuzzer_sys::fuzz_target;
use performer::harmonizer::{Harmonizer, Sampling};
use performer::model::Model;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::from_bytes("fuzz.onnx", bytes) else { return };
    let mut harmonizer = Harmonizer::new(Arc::new(model), Sampling::default());
    let soprano = Pitch::new(67).and_then(Token::from_pitch).expect("within the vocabulary");
    if harmonizer.step(Chord::START, Phase::in_bar(0)).is_ok() {
        let _ = harmonizer.answer(soprano);
    }
});
