use std::sync::Arc;

use chorale::{Chord, Phase, Token};
use harmonizer::{Harmonizer, Sampling};
use network::{Model, Runtime};

/// A file of the trainer's, spoiled: what is still taken for one is run, as if tract were to run it, within its bounds.
///
/// # Panics
/// When something does not hold.
pub fn own_network(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes("fuzz.onnx", bytes) else { return };
    if model.runtime() != Runtime::Fused {
        return; // the target `network`'s business
    }
    let mut harmonizer = Harmonizer::new(Arc::new(model), Sampling::default());
    for step in 0..3 {
        if harmonizer.step(Chord::START, Phase::in_bar(step)).is_ok() {
            Token::all().for_each(|soprano| drop(harmonizer.answer(soprano)));
        }
    }
}
