//! Every message that a user can meet where something is wrong, provoked, and compared with messages.txt, to be read as a
//! whole. UPDATE_MESSAGES=1 writes that file anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use files::score::{Direction, Metre, Note, Score};
use tempfile::TempDir;
use tests::binary::{performer, trainer};
use tests::tune::{self, NUN_DANKET, Tune};

/// One call a line, in groups; `tune.mid` is a melody, what else is named is made by [`workplace`].
const CALLS: &[(&str, &[&[&str]])] = &[
    (
        "Files that are no music",
        &[
            &["render", "missing.mid", "-o", "out.mid"],
            &["render", "empty.mid", "-o", "out.mid"],
            &["render", "notes.txt", "-o", "out.mid"],
            &["render", "header.mid", "-o", "out.mid"],
            &["render", "cut.mid", "-o", "out.mid"],
            &["render", "pattern.mid", "-o", "out.mid"],
            &["render", "format9.mid", "-o", "out.mid"],
            &["render", "division.mid", "-o", "out.mid"],
            &["render", "junk.mid", "-o", "out.mid"],
            &["render", "silent.mid", "-o", "out.mid"],
            &["render", "broken.musicxml", "-o", "out.mid"],
            &["render", "table.xml", "-o", "out.mid"],
            &["render", "step.musicxml", "-o", "out.mid"],
            &["render", "repeats.musicxml", "-o", "out.mid"],
            &["render", "broken.mxl", "-o", "out.mid"],
        ],
    ),
    (
        "Which melody",
        &[
            &["render", "tune.mid", "-o", "out.mid", "--track", "9"],
            &["render", "tune.mid", "-o", "out.mid", "--track", "1"],
            &["render", "four.mid", "-o", "out.mid", "--track", "o"],
            &["render", "tune.mid", "-o", "out.mid", "--channel", "4"],
            &["render", "tune.mid", "-o", "out.mid", "--channel", "17"],
            &["render", "tune.mid", "-o", "out.mid", "--melody-part", "treble"],
            &["render", "tune.mid", "-o", "out.mid", "--melody-part", "tenor", "--live"],
            &["render", "tune.mid", "-o", "out.mid", "--melody-part", "tenor", "--ranges", "SAB"],
            &["render", "wide.mid", "-o", "out.mid", "--melody-part", "bass"],
            &["render", "tune.mid", "-o", "out.mid", "--keep", "tune.mid"],
            &["render", "tune.mid", "-o", "out.mid", "--keep", "deep.mid"],
            &["render", "tune.mid", "-o", "out.mid", "--keep", "missing.mid"],
            &["render", "high.mid", "-o", "out.mid", "--transpose", "36"],
        ],
    ),
    (
        "Where to write",
        &[
            &["render", "tune.mid"],
            &["render", "tune.mid", "-o", "tune.mid"],
            &["render", "tune.mid", "-o", "there.mid"],
            &["render", "tune.mid", "-o", "nowhere/out.mid"],
            &["render", "tune.mid", "-o", "folder.mid"],
            &["render", "tune.mid", "-o", "out.pdf"],
            &["render", "tune.mid", "-o", "hymns", "--format", "pdf"],
            &["render", "tune.mid", "-o", "out.mid", "--rehearsal"],
            &["render", "tune.mid", "-o", "out.mid", "--staves", "3"],
            &["render", "tune.mid", "-o", "out.mid", "--key", "H"],
            &["render", "tune.mid", "-o", "out.wav", "--soundfont", "missing.sf2"],
            &["render", "tune.mid", "-o", "out.wav", "--soundfont", "notes.txt"],
            &["render", "nothing*.mid", "-o", "out"],
            &["render", "hymns", "-o", "out"],
            &["render", "tune.mid", "four.mid", "-o", "out.mid"],
            &["render", "tune.mid", "four.mid", "-o", "out", "--json"],
            &["render", "tune.mid", "cut.mid", "-o", "out", "--particles", "1", "--quiet"],
        ],
    ),
    (
        "Choices",
        &[
            &["render", "tune.mid", "-o", "out.mid", "--temperature", "-1"],
            &["render", "tune.mid", "-o", "out.mid", "--min-p", "2"],
            &["render", "tune.mid", "-o", "out.mid", "--rule", "fifths=3"],
            &["render", "tune.mid", "-o", "out.mid", "--rule", "crossing"],
            &["render", "tune.mid", "-o", "out.mid", "--rule", "crossing=1000"],
            &["render", "tune.mid", "-o", "out.mid", "--pickup", "17"],
            &["render", "tune.mid", "-o", "out.mid", "--density", "thick"],
            &["render", "tune.mid", "-o", "out.mid", "--words", "tenor"],
            &["render", "tune.mid", "-o", "out.mid", "--ranges", "SSA"],
            &["render", "tune.mid", "-o", "out.mid", "--ranges", "A:H3-D5"],
            &["render", "tune.mid", "-o", "out.mid", "--ranges", "A:D5-G3"],
            &["render", "tune.mid", "-o", "out.mid", "--ranges", "SAB,T:C3-G4"],
            &["render", "tune.mid", "-o", "out.mid", "--ranges", "B:C6-C7"],
            &["render", "tune.mid", "-o", "out.mid", "--live", "--alternatives", "3"],
            &["render", "tune.mid", "-o", "out.mid", "--particles", "0"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "missing.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "notes.txt"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "empty.onnx"],
        ],
    ),
    (
        "New chorales",
        &[
            &["generate", "-o", "new.mid", "--steps", "0"],
            &["generate", "-o", "new.mid", "--steps", "8", "--prompt", "four.mid"],
            &["generate", "-o", "new.mid", "--prompt", "missing.csv"],
            &["generate", "-o", "new.mid", "--prompt", "header.csv"],
            &["generate", "-o", "new.mid", "--prompt", "columns.csv"],
            &["generate", "-o", "new.mid", "--prompt", "word.csv"],
            &["generate", "-o", "new.mid", "--prompt", "high.csv"],
            &["generate", "-o", "new.mid", "--prompt", "bare.csv"],
            &["generate", "-o", "new.mid", "--prompt", "tune.mid"],
            &["generate", "-o", "new.mid", "--prompt", "deep.mid"],
            &["generate", "-o", "new.mid", "--tempo", "5"],
            &["generate", "-o", "new.mid", "--prompt-steps", "5"],
        ],
    ),
    (
        "Explaining",
        &[
            &["explain", "missing.mid"],
            &["explain", "tune.mid"],
            &["explain", "high.csv"],
            &["explain", "four.mid", "-o", "out.mid"],
            &["explain", "four.mid", "-o", "there.svg"],
            &["explain", "four.mid", "-o", "nowhere/out.svg"],
            &["explain", "four.mid", "--key", "Cis"],
        ],
    ),
    (
        "Playing",
        &[
            &["play", "--config", "missing.toml"],
            &["play", "--config", "bad.toml"],
            &["play", "--config", "unknown.toml"],
            &["play", "--tempo", "1000"],
            &["play", "--clock", "sun"],
            &["play", "--pickup", "9"],
            &["play", "--split", "H4"],
            &["play", "--no-take", "--take-folder", "takes"],
            &["replay", "missing.log"],
            &["replay", "notes.txt"],
            &["replay", "old.log"],
            &["replay", "old.log", "-o", "there.mid"],
            &["learn", "-o", "bad.toml"],
            &["report", "--data", "missing.tgz"],
            &["report", "--data", "few"],
            &["dance"],
        ],
    ),
];

const TRAINER_CALLS: &[(&str, &[&[&str]])] = &[(
    "Training",
    &[
        &["dataset", "--data", "missing.tgz"],
        &["dataset", "--data", "notes.txt"],
        &["dataset", "--data", "few"],
        &["dataset", "--data", "unsplit"],
        &["dataset", "--data", "spoiled"],
        &["train", "transformer", "--data", "spoiled"],
        &["train", "lstm", "--data", "small", "--dropout", "1.5"],
        &["train", "lstm", "--data", "small", "--errors", "2"],
        &["train", "lstm", "--data", "small", "--order", "ABTS"],
        &["train", "lstm", "--data", "small", "--context", "5"],
        &["train", "wavenet", "--data", "small", "--layers", "99"],
        &["train", "lstm", "--data", "small", "--gpu", "0"],
        &["train", "lstm", "--data", "small", "--from", "notes.txt"],
        &["train", "lstm", "--data", "small", "--teacher", "missing.safetensors"],
        &["evaluate", "notes.txt", "--data", "small"],
        &["evaluate", "empty.onnx", "--data", "small"],
        &["evaluate", "missing.safetensors", "--data", "small"],
        &["export", "notes.txt", "-o", "out.onnx", "--data", "small"],
    ],
)];

const CSV: &str = "note0,note1,note2,note3\n";

fn workplace() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    };
    let short = |notes: &'static str| tune::midi_file(&Tune { notes, ..NUN_DANKET });
    let tune = short("C5/4 | C5/4 D5/4 E5/4 C5/4 | D5/2 C5/2");
    write("tune.mid", &tune);
    write("wide.mid", &short("C3/4 | C3/4 D6/4 E3/4 C5/4 | D6/2 C3/2"));
    write("high.mid", &short("C9/4 | C9/2 G9/2"));
    write("silent.mid", &short("r/1 | r/1"));
    write("cut.mid", &tune[..tune.len() - 9]);
    write("header.mid", &tune[..10]);
    let spoiled = |at: usize, bytes: &[u8]| {
        let mut spoiled = tune.clone();
        spoiled[at..at + bytes.len()].copy_from_slice(bytes);
        spoiled
    };
    write("pattern.mid", &spoiled(8, &[0, 2]));
    write("format9.mid", &spoiled(8, &[0, 9]));
    write("division.mid", &spoiled(12, &[0, 0]));
    write(
        "junk.mid",
        &[&b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x06"[..], &[0, 0x90, 0x48, 0x40, 0, 0xf4]].concat(),
    );
    write("four.mid", &four_parts(0));
    write("deep.mid", &four_parts(-20));
    for name in ["empty.mid", "empty.onnx"] {
        write(name, b"");
    }
    write("notes.txt", b"nothing but words\n");
    write("there.mid", b"precious");
    write("there.svg", b"precious");
    fs::create_dir(folder.path().join("folder.mid")).expect("a folder");
    fs::create_dir(folder.path().join("hymns")).expect("a folder");
    write("broken.musicxml", b"<score-partwise><part>");
    write("table.xml", b"<table/>");
    let part = |content: &str| {
        format!("<score-partwise><part id=\"P1\"><measure number=\"1\">{content}</measure></part></score-partwise>")
    };
    let note =
        |step: &str| format!("<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>4</duration></note>");
    write("step.musicxml", part(&note("H")).as_bytes());
    let repeat = "<barline><repeat direction=\"backward\" times=\"99999\"/></barline>";
    write("repeats.musicxml", part(&format!("{}{repeat}", note("C"))).as_bytes());
    write("broken.mxl", b"PK\x03\x04 nothing");
    write("header.csv", b"soprano,alto\n");
    write("columns.csv", format!("{CSV}72,67,64\n").as_bytes());
    write("word.csv", format!("{CSV}72,67,64,C3\n").as_bytes());
    write("high.csv", format!("{CSV}72,67,64,48\n99,67,64,48\n").as_bytes());
    write("bare.csv", CSV.as_bytes());
    write("bad.toml", b"tempo = 72\n[alto]\nchannel = 17\n");
    write("unknown.toml", b"tempoo = 72\n");
    write("old.log", b"performer take 1\n{\"models\":[]}\n");
    write("few/one.mid", &four_parts(0));
    write("few/broken.mid", b"MThd");
    fs::create_dir_all(folder.path().join("unsplit")).expect("a folder");
    for split in ["train", "valid", "test"] {
        write(&format!("small/{split}/a.csv"), format!("{CSV}72,67,64,48\n").as_bytes());
        write(&format!("spoiled/{split}/a.csv"), format!("{CSV}72,67,64,48\n").as_bytes());
    }
    write("spoiled/train/b.csv", format!("{CSV}72,67,64,48\n72,67,64,99\n").as_bytes());
    folder
}

/// A whole in each part, moved by so many semitones.
fn four_parts(semitones: i32) -> Vec<u8> {
    let note = |pitch: u8| Note {
        start: 0,
        end: 1920,
        pitch: chorale::Pitch::new(pitch).and_then(|pitch| pitch.transposed(semitones)).expect("a pitch"),
        velocity: 80,
    };
    let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
    let parts = [72, 67, 64, 48].map(|pitch| vec![note(pitch)]);
    files::smf::write(&Score { ticks_per_quarter: 480, directions, parts, ..Score::default() })
}

#[test]
fn every_mistake_has_a_message_that_names_it_and_the_way_out() {
    let folder = workplace();
    let mut text = String::new();
    for (name, binary, groups) in [("performer", performer(), CALLS), ("trainer", trainer(), TRAINER_CALLS)] {
        for (title, calls) in groups {
            text += &format!("== {title}\n\n");
            for arguments in *calls {
                text += &provoke(name, binary, folder.path(), arguments);
            }
        }
    }
    let kept = ["tune.mid", "out.mid", "out.wav", "new.mid", "out.onnx"].map(|name| folder.path().join(name).exists());
    assert_eq!(kept, [true, false, false, false, false], "nothing is written by what fails");
    assert_eq!(fs::read(folder.path().join("there.mid")).expect("the file"), b"precious");

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages.txt");
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        fs::write(&path, &text).expect("messages.txt");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (found, expected) in text.split("\n$ ").zip(expected.split("\n$ ")) {
        assert_eq!(found, expected, "another message than in messages.txt; UPDATE_MESSAGES=1 writes it anew");
    }
    assert_eq!(text.len(), expected.len(), "as many messages as in messages.txt");
}

/// The call with what it said on stderr. It must fail in an orderly way.
fn provoke(name: &str, binary: &Path, folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(binary)
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("XDG_CACHE_HOME", folder)
        .env("COLUMNS", "100")
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let called = format!("{name} {}", arguments.join(" "));
    assert!(matches!(output.status.code(), Some(1 | 2)), "{called}: {:?}\n{said}", output.status);
    assert!(!said.trim().is_empty() && !said.contains("panicked"), "{called}: {said}");
    // The usage that clap adds says nothing of the mistake.
    let said = said.split("\n\nUsage:").next().unwrap_or_default().trim_end();
    format!("$ {called}\n{said}\n\n")
}
