//! The `trainer` binary as a user runs it, on a small data set of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use trainer::checkpoint::Checkpoint;
use trainer::settings::{Settings, TrainingSettings, TrunkSettings};

/// A folder with the data set `data`: scales in parallel tenths and held basses, in several keys. Long enough that an
/// export can be checked on it.
fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (split, pieces) in [("train", 6), ("valid", 3), ("test", 2)] {
        let path = folder.path().join("data").join(split);
        fs::create_dir_all(&path).unwrap();
        for piece in 0..pieces {
            let mut text = String::from("note0,note1,note2,note3\n");
            for step in 0..128 {
                let degree = [0, 2, 4, 5, 7, 5, 4, 2][step / 4 % 8] + piece % 4;
                text += &format!("{},{},{},{}\n", 64 + degree, 60 + degree, 52 + piece % 4, 45 + degree / 2);
            }
            fs::write(path.join(format!("piece_{piece}.csv")), text).unwrap();
        }
    }
    folder
}

fn trainer(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.current_dir(folder).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    trainer(folder, arguments).output().unwrap()
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?} should fail");
    String::from_utf8(output.stderr).unwrap()
}

/// Arguments that train a small network of the architecture into the folder `out`.
fn small<'a>(architecture: &'a str, epochs: &'a str, out: &'a str) -> Vec<&'a str> {
    let size = ["--width", "8", "--layers", "2", "--head-width", "12", "--batch", "2"];
    let mut arguments = vec!["train", architecture, "--data", "data", "--epochs", epochs, "--out", out];
    arguments.extend(size);
    arguments
}

fn checkpoint(folder: &Path, path: &str) -> Checkpoint {
    Checkpoint::load(&folder.join(path)).unwrap()
}

fn assert_same_tensors(a: &Checkpoint, b: &Checkpoint) {
    assert_eq!(a.tensors.keys().collect::<Vec<_>>(), b.tensors.keys().collect::<Vec<_>>());
    for (name, tensor) in &a.tensors {
        let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values(tensor) == values(&b.tensors[name]), "{name} differs");
    }
}

#[test]
fn the_same_seed_trains_the_same_network_byte_for_byte_and_another_seed_another() {
    let folder = workplace();
    let folder = folder.path();
    for architecture in ["wavenet", "lstm"] {
        let out = |run: &str| format!("{architecture}-{run}");
        for (run, seed) in [("a", "5"), ("b", "5"), ("c", "6")] {
            let out = out(run);
            let mut arguments = small(architecture, "2", &out);
            arguments.extend(["--seed", seed]);
            succeed(folder, &arguments);
        }
        let last = |run: &str| checkpoint(folder, &format!("{}/last.safetensors", out(run)));
        assert_same_tensors(&last("a"), &last("b"));
        assert_ne!(last("a").header.valid_t, last("c").header.valid_t);
        // The checkpoints tell how long they took; the network does not.
        let [a, b, c] = ["a", "b", "c"].map(|run| {
            let (best, file) = (format!("{}/best.safetensors", out(run)), format!("{}.onnx", out(run)));
            succeed(folder, &["export", &best, "-o", &file, "--data", "data"]);
            fs::read(folder.join(file)).unwrap()
        });
        assert!(a == b, "the {architecture}'s files differ");
        assert!(a != c);
    }
}

#[test]
fn a_killed_run_resumes_to_exactly_the_weights_of_one_that_was_not() {
    let folder = workplace();
    let folder = folder.path();
    let whole = small("wavenet", "24", "whole");
    succeed(folder, &whole);
    let mut cut = small("wavenet", "24", "cut");
    let mut child = trainer(folder, &cut).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !folder.join("cut/last.safetensors").exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let epochs = checkpoint(folder, "cut/last.safetensors").header.epoch;
    assert!((1..24).contains(&epochs), "the run was cut off after {epochs} epochs");

    assert!(fail(folder, &cut).contains("--resume"), "a run is not overwritten");
    cut.push("--resume");
    succeed(folder, &cut);
    assert_same_tensors(&checkpoint(folder, "whole/last.safetensors"), &checkpoint(folder, "cut/last.safetensors"));
    let log = fs::read_to_string(folder.join("cut/log.jsonl")).unwrap();
    let epochs: Vec<u64> =
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, (1..=24).collect::<Vec<_>>());

    let mut other = small("wavenet", "24", "cut");
    other.extend(["--resume", "--seed", "9"]);
    assert!(fail(folder, &other).contains("other settings"));
}

#[test]
fn a_run_is_made_longer_by_more_epochs_and_needs_no_other_option_again() {
    let folder = workplace();
    let folder = folder.path();
    succeed(folder, &small("lstm", "2", "run"));
    let resumed =
        |more: &[&'static str]| [&["train", "lstm", "--data", "data", "--out", "run", "--resume"], more].concat();
    let before = checkpoint(folder, "run/last.safetensors");
    succeed(folder, &resumed(&[]));
    assert_same_tensors(&before, &checkpoint(folder, "run/last.safetensors"));
    succeed(folder, &resumed(&["--epochs", "5"]));
    let after = checkpoint(folder, "run/last.safetensors").header;
    assert_eq!((after.epoch, after.settings.training.epochs), (5, 5));
    assert_eq!(after.settings.trunk, before.header.settings.trunk, "the sizes are the run's own");
    assert!(after.command == format!("{}; then --resume --epochs 5", before.header.command), "{}", after.command);
    assert!(fail(folder, &resumed(&["--epochs", "3"])).contains("has had 5 already"));
    assert!(fail(folder, &resumed(&["--teacher", "run/best.safetensors"])).contains("learns from 0 teachers"));
    let message = fail(folder, &["train", "lstm", "--data", "data", "--out", "run"]);
    assert!(message.contains("trainer train lstm --data data --out run --resume"), "{message}");
}

#[test]
fn a_network_that_is_there_is_replaced_by_force_alone() {
    let folder = workplace();
    let folder = folder.path();
    succeed(folder, &small("lstm", "1", "run"));
    let export = ["export", "run/best.safetensors", "-o", "mine.onnx", "--data", "data"];
    fs::write(folder.join("mine.onnx"), "kept").unwrap();
    assert!(fail(folder, &export).contains("--force replaces it"));
    assert_eq!(fs::read(folder.join("mine.onnx")).unwrap(), b"kept");
    succeed(folder, &[&export[..], &["--force"]].concat());
}

#[test]
fn the_defaults_in_the_help_are_those_of_the_settings() {
    let folder = workplace();
    let help = succeed(folder.path(), &["train", "--help"]);
    let words: Vec<&str> = help.split_whitespace().collect();
    let help = words.join(" ");
    let (wavenet, lstm) = (Settings::wavenet(), Settings::lstm());
    let (TrunkSettings::Wavenet { channels, dilations, context, .. }, TrunkSettings::Lstm { hidden, layers, .. }) =
        (&wavenet.trunk, &lstm.trunk)
    else {
        panic!("the two architectures")
    };
    let TrainingSettings { seed, batch, shards, learning_rate, weight_decay, dropout, errors, jumps, .. } =
        lstm.training;
    let networks = |a: usize, b: usize| format!("{a} for the WaveNet, {b} for the LSTM");
    let defaults = [
        ("seed", seed.to_string()),
        ("epochs", networks(wavenet.training.epochs, lstm.training.epochs)),
        ("batch", batch.to_string()),
        ("shards", shards.to_string()),
        ("learning-rate", learning_rate.to_string()),
        ("weight-decay", weight_decay.to_string()),
        ("dropout", dropout.to_string()),
        ("errors", errors.to_string()),
        ("jumps", jumps.to_string()),
        ("order", lstm.order),
        ("head-width", networks(wavenet.head_width, lstm.head_width)),
        ("width", format!("{channels}, {hidden}")),
        ("layers", format!("{}, {layers}", dilations.len())),
        ("context", context.to_string()),
    ];
    for (option, value) in defaults {
        let (_, of_option) = help.split_once(&format!(" --{option} <")).unwrap();
        let (_, told) = of_option.split_once("[default: ").unwrap();
        assert!(told.starts_with(&format!("{value}]")), "--{option} is {value}, and told is {}", &told[..40]);
    }
    let training = TrainingSettings { epochs: lstm.training.epochs, ..wavenet.training };
    assert_eq!(training, Settings::lstm().training, "all others are the same in both");
}

#[test]
fn training_learns_and_leaves_a_log_and_a_curve_and_a_file_that_scores_like_the_checkpoint() {
    let folder = workplace();
    let folder = folder.path();
    for architecture in ["wavenet", "lstm"] {
        succeed(folder, &small(architecture, "60", architecture));
        let path = |name: &str| folder.join(architecture).join(name);
        let log = fs::read_to_string(path("log.jsonl")).unwrap();
        let t: Vec<f64> =
            log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["valid_T"].as_f64().unwrap()).collect();
        assert_eq!(t.len(), 60);
        assert!(t[59] < t[0] - 0.5, "{architecture}: T went from {} to {}", t[0], t[59]);
        assert!(fs::read_to_string(path("curve.svg")).unwrap().contains("validation T"));

        let best = format!("{architecture}/best.safetensors");
        let onnx = format!("{architecture}.onnx");
        succeed(folder, &["export", &best, "-o", &onnx, "--data", "data"]);
        let score = |model: &str| -> Value {
            let text = succeed(folder, &["evaluate", model, "--split", "test", "--data", "data", "--json"]);
            serde_json::from_str(&text).unwrap()
        };
        let (checkpoint, exported) = (score(&best), score(&onnx));
        assert_eq!(checkpoint["notes"], 2 * 4 * 128);
        for key in ["T", "atb_given_s"] {
            let difference = checkpoint[key].as_f64().unwrap() - exported[key].as_f64().unwrap();
            assert!(difference.abs() < 1e-5, "{architecture}: {key} differs by {difference}");
        }
        for part in ["S", "A", "T", "B"] {
            assert!(exported["per_part"][part]["nats"].as_f64().unwrap() > 0.0);
            assert!(exported["per_part"][part]["accuracy"].as_f64().unwrap() <= 1.0);
        }
    }
}

#[test]
fn a_run_from_a_checkpoint_begins_where_that_one_ended() {
    let folder = workplace();
    let folder = folder.path();
    succeed(folder, &small("lstm", "8", "first"));
    let mut second = small("lstm", "1", "second");
    second.extend(["--from", "first/best.safetensors", "--learning-rate", "0.0001"]);
    succeed(folder, &second);
    let t = |path: &str| checkpoint(folder, path).header.valid_t;
    let difference = t("second/best.safetensors") - t("first/best.safetensors");
    assert!(difference.abs() < 0.05, "T moved by {difference}");

    let mut other = small("wavenet", "1", "other");
    other.extend(["--from", "first/best.safetensors"]);
    assert!(fail(folder, &other).contains("another shape"));
}

#[test]
fn a_network_learns_from_teachers_of_either_kind_and_its_command_names_no_path() {
    let folder = workplace();
    let folder = folder.path();
    succeed(folder, &small("wavenet", "12", "first"));
    succeed(folder, &small("lstm", "12", "second"));
    let student = |out: &'static str, teaching: &[&'static str]| {
        let mut arguments = small("wavenet", "1", out);
        arguments.extend(teaching);
        arguments
    };
    let teachers = ["--teacher", "first/best.safetensors", "--teacher=second/best.safetensors"];
    succeed(folder, &student("taught", &teachers));
    succeed(folder, &student("untaught", &[]));
    let [taught, untaught] = ["taught", "untaught"].map(|run| checkpoint(folder, &format!("{run}/best.safetensors")));
    assert_ne!(taught.header.valid_t, untaught.header.valid_t);
    assert_eq!(taught.header.command.matches("trainer train").count(), 3, "{}", taught.header.command);
    assert_eq!(taught.header.command.matches("--teacher BEST").count(), 2, "{}", taught.header.command);
    assert!(!taught.header.command.contains("safetensors"), "{}", taught.header.command);

    let message = fail(folder, &student("other", &["--teacher", "first/best.safetensors", "--order", "SATB"]));
    assert!(message.contains("SBTA") && message.contains("SATB"), "{message}");
    assert!(fail(folder, &student("none", &["--teacher", "nowhere.safetensors"])).contains("nowhere.safetensors"));
}

/// A score in 3/4 with a pickup: four parts in quarters, moved by so many semitones.
fn waltz(semitones: u8) -> Vec<u8> {
    use files::{Direction, Metre, Note, Score};
    let metre = Metre { numerator: 3, ..Metre::FOUR_FOUR };
    let directions = vec![(0, Direction::Metre(Metre { numerator: 1, ..metre })), (480, Direction::Metre(metre))];
    let parts = [[72, 71, 74, 72], [67, 67, 65, 67], [64, 62, 59, 60], [48, 55, 43, 48]].map(|pitches: [u8; 4]| {
        let note = |quarter: u32| Note {
            start: quarter * 480,
            end: quarter * 480 + 480,
            pitch: chorale::Pitch::new(pitches[quarter as usize % 4] + semitones).unwrap(),
            velocity: 80,
        };
        (0..24).map(note).collect()
    });
    files::smf::write(&Score { ticks_per_quarter: 480, directions, parts, ..Score::default() })
}

#[test]
fn a_network_trains_on_a_folder_of_scores_alone_or_beside_other_pieces() {
    let folder = workplace();
    let folder = folder.path();
    fs::create_dir_all(folder.join("hymns/old")).unwrap();
    for piece in 0..10 {
        fs::write(folder.join(format!("hymns/old/hymn_{piece}.mid")), waltz(piece % 5)).unwrap();
    }
    fs::write(folder.join("hymns/broken.mid"), b"MThd").unwrap();
    let counts = |data: &[&str]| -> Vec<u64> {
        let sources = data.iter().flat_map(|path| ["--data", *path]);
        let arguments: Vec<&str> = ["dataset", "--json"].into_iter().chain(sources).collect();
        let splits: Value = serde_json::from_str(&succeed(folder, &arguments)).unwrap();
        ["train", "valid", "test"].map(|split| splits[split]["chorales"].as_u64().unwrap()).into()
    };
    assert_eq!(counts(&["hymns"]), [8, 1, 1]);
    assert_eq!(counts(&["data", "hymns"]), [6 + 8, 3 + 1, 2 + 1]);

    let mut arguments = small("lstm", "1", "run");
    arguments.extend(["--data", "hymns", "--split-seed", "4"]);
    let alone: Vec<&str> = arguments.iter().filter(|argument| **argument != "data").copied().collect();
    // Without the tables: the first --data has lost its value above.
    let alone: Vec<&str> = alone[..2].iter().chain(&alone[3..]).copied().collect();
    let output = run(folder, &alone);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("left out: hymns/broken.mid: the file breaks off"), "{said}");
    assert!(checkpoint(folder, "run/best.safetensors").header.valid_t > 0.0);
    let evaluate = ["evaluate", "run/best.safetensors", "--data", "hymns", "--json", "--phase", "bar"];
    let score: Value = serde_json::from_str(&succeed(folder, &evaluate)).unwrap();
    assert_eq!(score["notes"], 4 * 96);

    let few = fail(folder, &["dataset", "--data", "runs"]);
    assert!(few.contains("runs"), "{few}");
    fs::create_dir(folder.join("few")).unwrap();
    fs::write(folder.join("few/one.mid"), waltz(0)).unwrap();
    let few = fail(folder, &["dataset", "--data", "few"]);
    assert!(few.contains("'few': of pieces in four parts") && few.contains("1 can be used"), "{few}");
}

#[test]
fn evaluating_only_some_pieces_counts_only_those() {
    let folder = workplace();
    let folder = folder.path();
    succeed(folder, &small("wavenet", "1", "run"));
    fs::write(folder.join("list.txt"), "piece_1\n").unwrap();
    let evaluate = ["evaluate", "run/best.safetensors", "--data", "data", "--json", "--only", "list.txt"];
    let score: Value = serde_json::from_str(&succeed(folder, &evaluate)).unwrap();
    assert_eq!(score["notes"], 4 * 128);
    fs::write(folder.join("list.txt"), "piece_9\n").unwrap();
    assert!(fail(folder, &evaluate).contains("'piece_9'"));
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let folder = workplace();
    let folder: PathBuf = folder.path().into();
    let check = |arguments: &[&str], words: &[&str]| {
        let message = fail(&folder, arguments);
        for word in words {
            assert!(message.contains(word), "{arguments:?} should name {word}: {message}");
        }
    };
    check(&["dataset", "--data", "nowhere.tgz"], &["nowhere.tgz"]);
    fs::write(folder.join("text.tgz"), "no archive").unwrap();
    check(&["dataset", "--data", "text.tgz"], &["text.tgz"]);
    check(&["evaluate", "text.tgz", "--data", "data"], &["text.tgz"]);
    fs::write(folder.join("bad.onnx"), "no network").unwrap();
    check(&["evaluate", "bad.onnx", "--data", "data"], &["bad.onnx"]);
    check(&["export", "text.tgz", "-o", "x.onnx", "--data", "data"], &["text.tgz"]);
    assert!(!folder.join("x.onnx").exists());
    check(&["train", "wavenet", "--data", "data", "--order", "ABTS"], &["ABTS", "SBTA"]);
    check(&["train", "wavenet", "--data", "data", "--dropout", "1.5"], &["dropout", "1.5"]);
    check(&["train", "lstm", "--data", "data", "--context", "5"], &["--context"]);
    check(&["train", "lstm", "--data", "data", "--errors", "1.5"], &["errors", "1.5"]);
    fs::write(folder.join("data/valid/piece_0.csv"), "note0,note1,note2,note3\n64,60,52\n").unwrap();
    check(&["dataset", "--data", "data"], &["piece_0.csv", "line 2", "found 3"]);
}
