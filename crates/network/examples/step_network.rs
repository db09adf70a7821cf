//! Steps a network through a bar of one note, and prints the bass that it holds for likeliest under each step:
//!
//!     cargo run --release --example step_network

use chorale::{Chord, Part, Phase, Pitch, Token};
use network::{Context, Model, Row};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::wavenet()?;
    let mut state = model.start();
    let (mut context, mut logits) = (Context::default(), Vec::new());
    let soprano = Pitch::new(72).and_then(Token::from_pitch).ok_or("C5 is in the vocabulary")?;
    let mut before = Chord::START;
    for step in 0..16 {
        // The trunk hears the chord of the step before.
        model.step(&mut [&mut state], &[before], Phase::in_bar(step), &mut context)?;
        // The heads choose one part after the other, each knowing those before it.
        let mut chord = Chord::SILENCE;
        chord[Part::Soprano] = soprano;
        for part in model.order().into_iter().skip(1) {
            model.logits(part, &mut context, &[Row { state: 0, given: chord }], &mut logits)?;
            let likeliest = Token::all().zip(&logits).max_by(|a, b| a.1.total_cmp(b.1));
            chord[part] = likeliest.map_or(Token::REST, |(token, _)| token);
        }
        println!("step {step:2}: {}", chord[Part::Bass].pitch().map_or("rest".to_owned(), Pitch::name));
        before = chord;
    }
    Ok(())
}
