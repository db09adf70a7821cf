//! The same numbers on every path: candle on whole pieces, the exported file in tract step by step, the performer
//! with its cached state.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use chorale::rules::Guard;
use chorale::{Chord, Part, Phase, Token};
use performer::harmonizer::{Harmonizer, Sampling};
use performer::model::{Model, Row};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trainer::checkpoint::Header;
use trainer::export::{difference, encode};
use trainer::layers::Weights;
use trainer::network::Network;
use trainer::onnx::Runner;
use trainer::settings::{Settings, TrunkSettings};

/// Between two orders of the same sums in f32, on nets whose logits are of the order of 1.
const CLOSE: f32 = 1e-5;

/// A network of random weights, biases included, and the file exported from it.
fn random_network(settings: &Settings, seed: u64) -> (Network, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = Weights::new();
    for (name, variable) in Network::declare(settings, &Device::Cpu).unwrap().variables {
        let values: Vec<f32> = (0..variable.elem_count()).map(|_| (rng.random::<f32>() - 0.5) * 0.6).collect();
        weights.insert(name, Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap());
    }
    let network = Network::new(settings, &weights).unwrap();
    let header = Header {
        settings: settings.clone(),
        epoch: 0,
        updates: 0,
        valid_t: 0.0,
        best_t: 0.0,
        seconds: 0.0,
        command: "none: random weights".into(),
        commit: "none".into(),
    };
    let bytes = encode(&network, &header, 0.0, 0.0).unwrap();
    (network, bytes)
}

fn random_piece(steps: usize, seed: u64) -> (Vec<Chord>, Vec<Phase>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let chords: Vec<Chord> = (0..steps)
        .map(|_| Chord([(); 4].map(|()| Token::from_index(rng.random_range(0..Token::VOCABULARY)).unwrap())))
        .collect();
    let first = rng.random_range(0..Phase::STEPS_PER_BAR);
    let in_bar = rng.random::<bool>();
    let phase = |step| if in_bar { Phase::in_bar(step) } else { Phase::in_beat(step) };
    (chords, (0..steps).map(|step| phase(first + step)).collect())
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let wavenet = (1usize..10, 2usize..4, prop::collection::vec(1usize..12, 1..5), 1usize..12).prop_map(
        |(channels, kernel, dilations, context)| TrunkSettings::Wavenet { channels, kernel, dilations, context },
    );
    let lstm = (1usize..10, 1usize..10, 1usize..4).prop_map(|(input, hidden, layers)| TrunkSettings::Lstm {
        input,
        hidden,
        layers,
    });
    let order = prop::sample::select(vec!["SATB", "SBTA", "SBAT", "STAB"]);
    (prop_oneof![wavenet, lstm], 1usize..10, order).prop_map(|(trunk, head_width, order)| Settings {
        trunk,
        head_width,
        order: order.into(),
        ..Settings::lstm()
    })
}

/// The performer's logits of a whole piece, teacher-forced: for each step, four times 47.
fn stream(model: &Model, chords: &[Chord], phases: &[Phase]) -> Vec<[Vec<f32>; 4]> {
    let mut state = model.start();
    let mut before = Chord::START;
    let mut logits = Vec::new();
    for (&given, &phase) in chords.iter().zip(phases) {
        let context = model.step(&mut state, before, phase).unwrap();
        logits.push(Part::ALL.map(|part| model.logits(part, &context, &[Row { before, given }]).unwrap()));
        before = given;
    }
    logits
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |largest, d| if d.is_nan() { f32::INFINITY } else { d.max(largest) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn streaming_equals_recomputing_the_whole_piece_for_any_network(
        settings in any_settings(), seed in any::<u64>(), steps in 1usize..60
    ) {
        let (network, bytes) = random_network(&settings, seed);
        let (chords, phases) = random_piece(steps, seed ^ 1);
        let runner = Runner::new(&bytes).unwrap();
        let exported = difference(&network, &runner, &chords, &phases).unwrap();
        prop_assert!(exported <= CLOSE, "the exported step differs from candle by {exported:e}");

        let whole = trainer::train::logits(&network, &chords, &phases, &Device::Cpu).unwrap();
        let model = Model::from_bytes("random", &bytes).unwrap();
        for (step, logits) in stream(&model, &chords, &phases).iter().enumerate() {
            for part in Part::ALL {
                let expected = &whole[part.index()][step * Token::VOCABULARY..][..Token::VOCABULARY];
                let largest = largest_difference(expected, &logits[part.index()]);
                prop_assert!(largest <= CLOSE, "step {step}, {}: the performer differs by {largest:e}", part.name());
            }
        }
    }
}

fn shipped() -> BTreeMap<&'static str, std::sync::Arc<Model>> {
    [("wavenet", Model::wavenet()), ("lstm", Model::lstm())]
        .into_iter()
        .map(|(name, model)| (name, std::sync::Arc::new(model.unwrap())))
        .collect()
}

/// A piece of the kind that the networks meet: the shipped WaveNet makes it up.
fn piece() -> (Vec<Chord>, Vec<Phase>) {
    const STEPS: usize = 192;
    let model = shipped().remove("wavenet").unwrap();
    let mut harmonizer = Harmonizer::new(model, Sampling::default());
    let phases: Vec<Phase> = (0..STEPS).map(Phase::in_beat).collect();
    let mut chords = Vec::new();
    let mut before = Chord::START;
    for &phase in &phases {
        harmonizer.step(before, phase).unwrap();
        before = harmonizer.continuation().unwrap();
        chords.push(before);
    }
    (chords, phases)
}

#[test]
fn a_reset_harmonizer_plays_like_a_new_one() {
    let (chords, phases) = piece();
    for (name, model) in shipped() {
        let sampling = Sampling { seed: 3, ..Sampling::default() };
        let play = |harmonizer: &mut Harmonizer| -> Vec<Chord> {
            let mut before = Chord::START;
            let mut answers = Vec::new();
            for (chord, &phase) in chords.iter().zip(&phases).take(64) {
                harmonizer.step(before, phase).unwrap();
                before = harmonizer.answer(chord[Part::Soprano]).unwrap();
                answers.push(before);
            }
            answers
        };
        let mut harmonizer = Harmonizer::new(model, sampling);
        let first = play(&mut harmonizer);
        assert!(play(&mut harmonizer) != first, "{name}: without a reset the past is heard");
        harmonizer.reset();
        assert_eq!(play(&mut harmonizer), first, "{name}");
    }
}

#[test]
fn the_answer_table_agrees_with_single_answers_for_every_soprano() {
    let (chords, phases) = piece();
    for (name, model) in shipped() {
        let mut harmonizer =
            Harmonizer::new(model, Sampling { temperature: 1.0, min_p: 0.0, seed: 5, guard: Guard::OFF });
        let mut before = Chord::START;
        for (&chord, &phase) in chords.iter().zip(&phases).take(48) {
            harmonizer.step(before, phase).unwrap();
            let table = harmonizer.answers().unwrap();
            for soprano in (60..=81).map(|midi| Token::from_pitch(chorale::Pitch::new(midi).unwrap()).unwrap()) {
                assert_eq!(harmonizer.answer(soprano).unwrap(), table[soprano.index()], "{name}");
            }
            before = chord;
        }
    }
}
