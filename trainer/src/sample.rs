//! What a network makes of a melody's first bar: shown beside the loss, so that one can see what the number means.

use anyhow::Result;
use chorale::{Chord, Part, Phase, Token};

use crate::dataset::CorpusPiece;
use crate::likelihood::{Told, likeliest};
use crate::network::Network;
use crate::train;

/// The chord on each beat of the piece's first bar, soprano first. The soprano is the piece's, each other note the
/// likeliest.
///
/// # Errors
/// When the arithmetic fails.
pub fn first_bar(network: &Network, piece: &CorpusPiece) -> Result<String> {
    let phases = Told::Beat.phases(piece);
    let mut chords: Vec<Chord> = Vec::new();
    for (step, given) in piece.chorale.chords.iter().take(Phase::STEPS_PER_BAR).enumerate() {
        chords.push(Chord::SILENCE);
        chords[step][Part::Soprano] = given[Part::Soprano];
        for &part in &network.order[1..] {
            let logits = train::logits(network, &chords, &phases[..=step])?;
            let logits = &logits[part.index()][step * Token::VOCABULARY..];
            chords[step][part] = Token::from_index(likeliest(logits)).unwrap_or(Token::REST);
        }
    }
    let name = |token: Token| token.pitch().map_or("-".into(), |pitch| pitch.name());
    let beats = chords.iter().step_by(Phase::STEPS_PER_BEAT).map(|chord| chord.0.map(name).join(" "));
    Ok(beats.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use chorale::{Chorale, Pitch};

    use super::*;
    use crate::layers::Weights;
    use crate::settings::{Settings, TrunkSettings};

    #[test]
    fn a_bar_has_four_chords_over_the_given_melody_and_a_shorter_piece_fewer() {
        let trunk = TrunkSettings::Lstm { input: 4, hidden: 4, layers: 1 };
        let settings = Settings { trunk, head_width: 4, ..Settings::lstm() };
        let variables = Network::declare(&settings).unwrap().variables;
        let weights: Weights =
            variables.iter().map(|(name, variable)| (name.clone(), variable.as_tensor().clone())).collect();
        let network = Network::new(&settings, &weights).unwrap();
        let chord = Chord([72, 67, 60, 48].map(|midi| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap()));
        for (steps, beats) in [(40, 4), (6, 2)] {
            let chorale = Chorale { chords: vec![chord; steps] };
            let bar = first_bar(&network, &CorpusPiece { name: String::new(), chorale, metre: None }).unwrap();
            let chords: Vec<&str> = bar.split(" | ").collect();
            assert_eq!(chords.len(), beats, "{bar}");
            assert!(chords.iter().all(|chord| chord.starts_with("C5 ") && chord.split(' ').count() == 4), "{bar}");
        }
    }
}
