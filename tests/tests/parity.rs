//! The same numbers on every path: candle on whole pieces, the exported file in tract step by step, the performer
//! with its cached state, in its own arithmetic and in tract.

use std::collections::BTreeMap;

use chorale::{Chord, Guard, Part, Phase, Token};
use harmonizer::{Harmonizer, Sampling};
use network::{Context, Model, Row, Runtime, State};
use proptest::prelude::*;
use prost::Message;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tests::networks::random_network;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use trainer::export::difference;
use trainer::onnx::Runner;
use trainer::settings::{Settings, TrunkSettings};

/// Between two orders of the same sums in f32, on nets whose logits are of the order of 1.
const CLOSE: f32 = 1e-5;

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
    let mut context = Context::default();
    let mut before = Chord::START;
    let mut logits = Vec::new();
    for (&given, &phase) in chords.iter().zip(phases) {
        model.step(&mut [&mut state], &[before], phase, &mut context).unwrap();
        logits.push(Part::ALL.map(|part| {
            let mut logits = Vec::new();
            model.logits(part, &mut context, &[Row { state: 0, given }], &mut logits).unwrap();
            logits
        }));
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

        let whole = trainer::train::logits(&network, &chords, &phases).unwrap();
        let own = Model::from_bytes("random", &bytes).unwrap();
        prop_assert_eq!(own.runtime(), Runtime::Fused, "a file of the trainer's is not recognized");
        let in_tract = Model::in_tract("random", &bytes).unwrap();
        for (engine, model) in [("own arithmetic", own), ("tract", in_tract)] {
            for (step, logits) in stream(&model, &chords, &phases).iter().enumerate() {
                for part in Part::ALL {
                    let expected = &whole[part.index()][step * Token::VOCABULARY..][..Token::VOCABULARY];
                    let largest = largest_difference(expected, &logits[part.index()]);
                    prop_assert!(
                        largest <= CLOSE,
                        "step {step}, {}: the performer's {engine} differs by {largest:e}",
                        part.name()
                    );
                }
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

fn model_bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../models/{name}.onnx", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_shipped_networks_give_the_logits_that_tract_gives_on_music_and_on_noise() {
    for name in ["wavenet", "lstm"] {
        let bytes = model_bytes(name);
        let (own, in_tract) = (Model::from_bytes(name, &bytes).unwrap(), Model::in_tract(name, &bytes).unwrap());
        assert_eq!(own.runtime(), Runtime::Fused);
        assert_eq!(in_tract.runtime(), Runtime::Tract { reason: "tract was asked for" });
        for (chords, phases) in [piece(), random_piece(300, 7)] {
            let pairs = stream(&own, &chords, &phases).into_iter().zip(stream(&in_tract, &chords, &phases));
            let largest = pairs
                .flat_map(|(own, tract)| own.into_iter().zip(tract).map(|(a, b)| largest_difference(&a, &b)))
                .fold(0.0, f32::max);
            println!("{name}: off by {largest:e} at most over {} steps", chords.len());
            assert!(largest <= 1e-4, "{name}: off by {largest:e}");
        }
    }
}

#[test]
fn many_states_at_once_give_in_tract_what_each_gives_in_our_arithmetic() {
    let bytes = model_bytes("lstm");
    let (own, in_tract) = (Model::from_bytes("lstm", &bytes).unwrap(), Model::in_tract("lstm", &bytes).unwrap());
    let (chords, phases) = random_piece(40, 3);
    let run = |model: &Model| {
        let mut states = [model.start(), model.start()];
        let mut context = Context::default();
        let (mut all, mut logits) = (Vec::new(), Vec::new());
        for (pair, &phase) in chords.chunks(2).zip(&phases) {
            let mut states: Vec<&mut State> = states.iter_mut().collect();
            model.step(&mut states, pair, phase, &mut context).unwrap();
            let rows = [1, 0, 1].map(|state| Row { state, given: chords[3 + state] });
            for part in Part::ALL {
                model.logits(part, &mut context, &rows, &mut logits).unwrap();
                all.extend_from_slice(&logits);
            }
        }
        all
    };
    let largest = largest_difference(&run(&own), &run(&in_tract));
    assert!(largest <= 1e-4, "off by {largest:e}");
}

#[test]
fn a_graph_that_differs_in_one_place_is_left_to_tract() {
    let settings = Settings { head_width: 5, ..Settings::wavenet() };
    let trunk = TrunkSettings::Wavenet { channels: 4, kernel: 2, dilations: vec![1, 2], context: 3 };
    let (_, bytes) = random_network(&Settings { trunk, ..settings }, 1);
    let engine = |change: &dyn Fn(&mut GraphProto)| {
        let mut proto = ModelProto::decode(&bytes[..]).unwrap();
        change(proto.graph.as_mut().unwrap());
        Model::from_bytes("changed", &proto.encode_to_vec()).unwrap().runtime() != Runtime::Fused
    };
    assert!(!engine(&|_| ()));
    fn node<'a>(graph: &'a mut GraphProto, op: &str) -> &'a mut NodeProto {
        graph.node.iter_mut().find(|node| node.op_type == op).unwrap()
    }
    assert!(engine(&|graph| node(graph, "Tanh").op_type = "Sigmoid".into()), "another operator");
    assert!(engine(&|graph| node(graph, "Mul").input.swap(0, 1)), "other inputs");
    assert!(
        engine(&|graph| {
            let constant =
                graph.initializer.iter_mut().find(|constant| constant.name == "trunk.0.filter.from").unwrap();
            constant.raw_data = 2i64.to_le_bytes().into();
            let constant = graph.initializer.iter_mut().find(|constant| constant.name == "trunk.0.filter.to").unwrap();
            constant.raw_data = 6i64.to_le_bytes().into();
        }),
        "other columns"
    );
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

proptest! {
    // Each case is loaded and optimized by tract.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_damaged_network_is_refused_or_answers_without_a_panic(
        seed in any::<u64>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let trunk = TrunkSettings::Lstm { input: 4, hidden: 4, layers: 1 };
        let (_, mut bytes) = random_network(&Settings { trunk, head_width: 4, ..Settings::lstm() }, seed);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for model in [Model::from_bytes("damaged.onnx", &bytes), Model::in_tract("damaged.onnx", &bytes)] {
            let Ok(model) = model else { continue };
            let mut state = model.start();
            let mut context = Context::default();
            if model.step(&mut [&mut state], &[Chord::START], Phase::in_bar(0), &mut context).is_ok() {
                let row = Row { state: 0, given: Chord([Token::from_index(40).unwrap(); 4]) };
                for part in Part::ALL {
                    let _ = model.logits(part, &mut context, &[row], &mut Vec::new());
                }
            }
        }
    }
}
