//! What the project claims of its data set and of its shipped models, on the real chorales. Ignored by default,
//! because they are not in the repository: `make data` (downloads them), or `CHORALES=FILE.tgz make data`.

use std::path::{Path, PathBuf};
use std::process::Command;

use chorale::{Chord, Part, Phase, Token};
use network::{Context, Model, Row, State};
use serde_json::Value;
use tests::chorales::dataset;
use trainer::likelihood::Told;
use trainer::onnx;

fn model_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../models/{name}.onnx"))
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn the_data_set_has_the_known_counts_lengths_and_ranges() {
    let dataset = dataset();
    let check = |pieces: &[trainer::dataset::CorpusPiece], chorales, steps, shortest, longest| {
        let lengths = || pieces.iter().map(|piece| piece.chorale.chords.len());
        assert_eq!(pieces.len(), chorales);
        assert_eq!(lengths().sum::<usize>(), steps);
        assert_eq!((lengths().min(), lengths().max()), (Some(shortest), Some(longest)));
        for piece in pieces {
            assert!(piece.chorale.legal_transpositions().contains(&0), "{} leaves the parts' ranges", piece.name);
        }
    };
    check(&dataset.train, 229, 55_228, 100, 516);
    check(&dataset.valid, 76, 18_408, 128, 576);
    check(&dataset.test, 77, 18_900, 128, 640);
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn the_shipped_models_reach_the_test_t_that_their_metadata_and_the_model_card_state() {
    for (name, at_most) in [("wavenet", 0.33), ("lstm", 0.335)] {
        let path = model_path(name);
        assert!(path.metadata().unwrap().len() <= 8_000_000, "{name} is larger than 8 MB");
        let report = onnx::evaluate(&path, &dataset().test, Told::Beat, 2).unwrap().report();
        let model = Model::load(&path).unwrap();
        let stated: f64 = model.metadata["test_T"].parse().unwrap();
        println!("{name}: T {:.4}, accuracy {:.4} on test; stated {stated}", report.t, report.accuracy);
        assert_eq!(report.notes, 75_600);
        assert!((report.t - stated).abs() < 5e-4, "{name}: measured {:.4}, stated {stated}", report.t);
        assert!(report.t <= at_most, "{name}: {:.4} is above {at_most}", report.t);
        let card = std::fs::read_to_string(model_path(name).with_file_name("README.md")).unwrap();
        assert!(card.contains(&format!("{stated:.4}")), "models/README.md does not state {stated:.4} for {name}");
    }
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn the_performer_has_the_trainers_logits_on_a_real_chorale() {
    let piece = &dataset().test[0];
    let phases = piece.phases(true);
    for name in ["wavenet", "lstm"] {
        let runner = onnx::Runner::new(&std::fs::read(model_path(name)).unwrap()).unwrap();
        let model = Model::load(&model_path(name)).unwrap();
        let (mut theirs, mut ours) = (runner.start(), model.start());
        let mut before = Chord::START;
        let mut largest = 0f32;
        let (mut context, mut logits) = (Context::default(), Vec::new());
        for (&given, &phase) in piece.chorale.chords.iter().zip(&phases) {
            let expected = runner.step(&mut theirs, before, phase, given).unwrap();
            model.step(&mut [&mut ours], &[before], phase, &mut context).unwrap();
            for part in Part::ALL {
                model.logits(part, &mut context, &[Row { state: 0, given }], &mut logits).unwrap();
                let expected = &expected[part.index() * Token::VOCABULARY..][..Token::VOCABULARY];
                for (a, b) in logits.iter().zip(expected) {
                    assert!(a.is_finite() && b.is_finite());
                    largest = largest.max((a - b).abs());
                }
            }
            before = given;
        }
        println!("{name}: largest difference {largest:e} over {} steps", piece.chorale.chords.len());
        // The trainer runs the graph in tract, the performer its own arithmetic, which sums in other orders.
        assert!(largest <= trainer::export::TOLERANCE, "{name}: {largest:e}");
    }
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn the_cached_state_equals_recomputing_all_that_was_heard_of_a_real_chorale() {
    let piece = &dataset().test[0];
    let chords = &piece.chorale.chords;
    let before = |step: usize| if step == 0 { Chord::START } else { chords[step - 1] };
    for name in ["wavenet", "lstm"] {
        let model = Model::load(&model_path(name)).unwrap();
        let logits = |state: &mut State, step: usize| {
            let mut context = Context::default();
            model.step(&mut [state], &[before(step)], Phase::in_beat(step), &mut context).unwrap();
            Part::ALL.map(|part| {
                let mut logits = Vec::new();
                model.logits(part, &mut context, &[Row { state: 0, given: chords[step] }], &mut logits).unwrap();
                logits
            })
        };
        let mut cached = model.start();
        let mut largest = 0f32;
        for step in 0..chords.len() {
            let expected = logits(&mut cached, step);
            if step % 24 != 23 {
                continue;
            }
            let mut fresh = model.start();
            let recomputed = (0..=step).map(|step| logits(&mut fresh, step)).last().unwrap();
            for (a, b) in expected.iter().flatten().zip(recomputed.iter().flatten()) {
                assert!(a.is_finite() && b.is_finite());
                largest = largest.max((a - b).abs());
            }
        }
        println!("{name}: cached and recomputed differ by {largest:e} at most");
        assert!(largest <= 1e-5, "{name}: {largest:e}");
    }
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn both_models_harmonize_a_test_soprano_in_four_singable_parts() {
    let piece = &dataset().test[0];
    let folder = tempfile::tempdir().unwrap();
    let melody = folder.path().join("melody.mid");
    tests::tune::write_soprano(&melody, &piece.chorale);
    for name in ["wavenet", "lstm"] {
        let output = folder.path().join(format!("{name}.mid"));
        let run = Command::new(tests::binary::performer())
            .args(["render", "--model", name, "--seed", "1", "--json", "-o"])
            .args([&output, &melody])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(output.metadata().unwrap().len() > 100);
        let result: Value = serde_json::from_slice(&run.stdout).unwrap();
        let bars = piece.chorale.chords.len() / 16;
        for part in Part::ALL {
            let notes = result[part.name().to_lowercase()].as_array().expect("a list of notes for each part");
            assert!(notes.len() >= bars, "{name}: {} notes in {bars} bars of the {}", notes.len(), part.name());
            let (low, high) = part.range();
            for note in notes {
                let pitch = note["pitch"].as_u64().expect("a MIDI key");
                let is_singable = (u64::from(low.midi())..=high.midi().into()).contains(&pitch);
                assert!(is_singable, "{name}: the {} sings {note}", part.name());
            }
        }
    }
}
