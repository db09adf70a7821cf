//! Every message that a user can meet where something is wrong, provoked, and compared with messages.txt, to be read as a
//! whole. UPDATE_MESSAGES=1 writes that file anew.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use files::{Direction, Metre, Note, Score};
use harmonizer::Sampling;
use live::take::{self, ModelIdentity, TakeHeader};
use network::Model;
use session::{Settings, clock};
use tempfile::TempDir;
use tests::binary::{performer, trainer};
use tests::networks;
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
            &["render", "ampersand.musicxml", "-o", "out.mid"],
            &["render", "song.sgu", "-o", "out.mid"],
            &["render", "table.xml", "-o", "out.mid"],
            &["render", "step.musicxml", "-o", "out.mid"],
            &["render", "repeats.musicxml", "-o", "out.mid"],
            &["render", "broken.mxl", "-o", "out.mid"],
            &["render", "elsewhere.mxl", "-o", "out.mid"],
            &["render", "bomb.mxl", "-o", "out.mid"],
            &["render", "entities.musicxml", "-o", "out.mid"],
            &["render", "tracks.mid", "-o", "out.mid"],
            &["render", "later.mid", "-o", "out.mid"],
            &["render", "endless.mid", "-o", "out.mid"],
            &["render", "/dev/zero", "-o", "out.mid"],
            &["render", "folder.mid", "-o", "out.mid"],
            &["render", "songs.zip", "-o", "out.mid"],
            &["render", "key.abc", "-o", "out.mid"],
            &["render", "empty.abc", "-o", "out.mid"],
            &["render", "rest.abc", "-o", "out.mid"],
            &["render", "held.abc", "-o", "out.mid"],
            &["render", "lengths.abc", "-o", "out.mid"],
            &["render", "measures.abc", "-o", "out.mid"],
            &["render", "divisions.musicxml", "-o", "out.mid"],
            &["render", "transpose.musicxml", "-o", "out.mid"],
            &["render", "fifths.musicxml", "-o", "out.mid"],
            &["render", "percussion.musicxml", "-o", "out.mid"],
            &["render", "http://example.org/tune.mid"],
            &["inspect", "hymn"],
            &["inspect", "https://example.org/tune.mid"],
            &["explain", "hymn"],
            &["explain", "missing.mid"],
            &["explain", "missing.csv"],
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
            &["render", "tune.mid", "-o", "out.mid", "--tune", "2"],
            &["render", "book.abc", "-o", "out.mid", "--tune", "3"],
            &["render", "book.abc", "-o", "out.mid", "--tune", "Duke Street"],
            &["render", "tune.mid", "-o", "out.mid", "--melody-part", "treble"],
            &["render", "tune.mid", "-o", "out.mid", "--melody-part", "tenor", "--live"],
            &["render", "tune.mid", "-o", "out.mid", "--melody-part", "tenor", "--ranges", "SAB"],
            &["render", "wide.mid", "-o", "out.mid", "--melody-part", "bass"],
            &["render", "tune.mid", "-o", "out.mid", "--keep", "tune.mid"],
            &["render", "tune.mid", "-o", "out.mid", "--keep", "deep.mid"],
            &["render", "tune.mid", "-o", "out.mid", "--keep", "missing.mid"],
            &["render", "tune.mid", "-o", "out.mid", "--bars", "1"],
            &["render", "tune.mid", "-o", "out.mid", "--fix", "alto:1:1=C4"],
            &["explain", "tune.mid"],
            &["render", "four.mid", "-o", "out.mid", "--bars", "2-9"],
            &["render", "four.mid", "-o", "out.mid", "--bars", "9-2"],
            &["render", "four.mid", "-o", "out.mid", "--bars", "two"],
            &["render", "four.mid", "-o", "out.mid", "--redo", "treble"],
            &["render", "four.mid", "-o", "out.mid", "--redo", "alto", "--live"],
            &["render", "four.mid", "-o", "out.mid", "--fix", "alto:1:9=C4"],
            &["render", "four.mid", "-o", "out.mid", "--fix", "alto:1:1=H4"],
            &["render", "four.mid", "-o", "out.mid", "--fix", "alto=C4"],
            &["render", "four.mid", "-o", "out.mid", "--fix", "alto:1:1=C4", "--bars", "1"],
            &["render", "tune.mid", "-o", "out.mid", "--chords", "C H7"],
            &["render", "tune.mid", "-o", "out.mid", "--chords", ""],
            &["render", "tune.mid", "-o", "out.mid", "--chords", "| % | C |"],
            &["render", "tune.mid", "-o", "out.mid", "--chords", "file"],
            &["render", "tune.mid", "-o", "out.mid", "--chords", "C", "--live"],
            &["render", "tune.mid", "-o", "out.mid", "--harmonic-rhythm", "fast"],
            &["render", "high.mid", "-o", "out.mid", "--transpose", "36"],
            &["render", "drums.mid", "-o", "out.mid"],
            &["inspect", "missing.mid"],
            &["inspect", "silent.mid"],
            &["inspect", "tune.mid", "--track", "9"],
        ],
    ),
    (
        "Where to write",
        &[
            &["render", "-"],
            &["render", "-", "tune.mid", "-o", "out"],
            &["render", "tune.mid", "-o", "-", "--json"],
            &["render", "tune.mid", "-o", "-", "--format", "mid,svg"],
            &["render", "tune.mid", "-o", "-", "--alternatives", "2"],
            &["render", "tune.mid", "four.mid", "-o", "-"],
            &["render", "hymn", "-o", "hymn"],
            &["render", "tune.mid", "-o", "tune.mid"],
            &["render", "tune.mid", "-o", "there.mid"],
            &["render", "tune.mid", "-o", "nowhere/out.mid"],
            &["render", "tune.mid", "-o", "notes.txt/out/"],
            &["render", "missing.mid", "-o", "nowhere/"],
            &["render", "my", "song.mid"],
            &["render", "tune.mid", "-o", "folder.mid"],
            &["render", "tune.mid", "-o", "out.pdf"],
            &["render", "tune.mid", "-o", "out.score.svg"],
            &["explain", "four.mid", "-o", "out.pdf"],
            &["render", "tune.mid", "-o", "out.mp3"],
            &["render", "tune.mid", "-o", "out.ogg"],
            &["render", "tune.mid", "-o", "out.flac"],
            &["render", "tune.mid", "-o", "out.mscz"],
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
            &["render", "tune.mid", "four.mid", "-o", "out.mid", "-o", "out.svg"],
            &["render", "tune.mid", "hymn/tune.mid", "-o", "out"],
            &["render", "tune.mid", "four.mid", "-o", "notes.txt/out"],
            &["render", "[.mid", "-o", "out"],
            &["render", "pauses.mid", "-o", "out.musicxml", "--particles", "1"],
            &["render", "low.mid", "-o", "out.musicxml", "--live"],
            &["render", "slow.mid", "-o", "out.wav", "--particles", "1"],
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
            &["render", "tune.mid", "-o", "out.mid", "--seed", "-3"],
            &["render", "tune.mid", "-o", "out.mid", "--transpose", "octave"],
            &["render", "tune.mid", "-o", "out.mid", "--jobs", "0"],
            &["render", "tune.mid", "-o", "out.mid", "--program", "kazoo"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "transformer"],
            &["render", "tune.mid", "-o", "out.mid", "--pickup", "9"],
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
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/state_of_another_kind.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/huge_state.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/other_order.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/no_outputs.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/no_nodes.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/graph_within.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/weights_turned.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/weights_elsewhere.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/huge_constant.onnx"],
            &["render", "tune.mid", "-o", "out.mid", "--model", "network/huge_answer.onnx"],
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
            &["generate", "-o", "new.mid", "--prompt", "top.csv", "--ranges", "TTBB"],
        ],
    ),
    (
        "Explaining",
        &[
            &["explain", "missing.mid"],
            &["explain", "tune.mid"],
            &["explain", "high.csv"],
            &["explain", "four.mid", "-o", "out.mid"],
            &["explain", "long.csv", "-o", "out.png"],
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
            &["play", "--metre", "7/8"],
            &["play", "--split", "H4"],
            &["play", "--no-take", "--take-folder", "takes"],
            &["serve"],
            &["serve", "--osc", "70000"],
            &["serve", "--osc", "0", "--listen", "everywhere"],
            &["serve", "--osc", "0", "--listen", "0.0.0.0"],
            &["serve", "--osc", "0", "--token", "two words"],
            &["serve", "--ws", "0", "--listen", "192.0.2.1", "--token", "rosalie"],
            &["serve", "--osc", "0", "--virtual"],
            &["serve", "--ws", "0", "--input", "keystation"],
            &["replay", "missing.log"],
            &["replay", "notes.txt"],
            &["replay", "old.log"],
            &["replay", "old.log", "-o", "there.mid"],
            &["replay", "event.log"],
            &["replay", "table.log"],
            &["replay", "days.log"],
            &["replay", "tempo.log"],
            &["replay", "nobody.log"],
            &["replay", "stranger.log"],
            &["replay", "changed.log"],
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
        &["dataset", "--data", "half"],
        &["dataset", "--data", "outside.tgz"],
        &["dataset", "--data", "astray.tgz"],
        &["dataset", "--data", "cut.tgz"],
        &["dataset", "--data", "bomb.tgz"],
        &["dataset", "--offline"],
        &["train", "transformer", "--data", "spoiled"],
        &["train", "lstm", "--data", "small", "--dropout", "1.5"],
        &["train", "lstm", "--data", "small", "--errors", "2"],
        &["train", "lstm", "--data", "small", "--order", "ABTS"],
        &["train", "lstm", "--data", "small", "--context", "5"],
        &["train", "wavenet", "--data", "small", "--layers", "99"],
        &["train", "lstm", "--data", "small", "--head-width", "0"],
        &["train", "lstm", "--data", "small", "--epochs", "-3"],
        &["train", "lstm", "--data", "small", "--batch", "many"],
        &["train", "lstm", "--data", "small", "--learning-rate", "0"],
        &["train", "lstm", "--data", "small", "--out", "notes.txt/run"],
        &["train", "lstm", "--data", "small", "--out", "run"],
        &["train", "lstm", "--data", "small", "--out", "run", "--resume", "--seed", "9"],
        &["train", "lstm", "--data", "small", "--out", "run", "--resume", "--epochs", "0"],
        &["train", "wavenet", "--data", "small", "--out", "run", "--resume"],
        &["train", "lstm", "--data", "small", "--from", "run/best.safetensors"],
        &["train", "lstm", "--data", "small", "--teacher", "run/best.safetensors", "--order", "SATB"],
        &["train", "lstm", "--data", "small", "--from", "notes.txt"],
        &["train", "lstm", "--data", "small", "--teacher", "missing.safetensors"],
        &["evaluate", "notes.txt", "--data", "small"],
        &["evaluate", "empty.onnx", "--data", "small"],
        &["evaluate", "missing.safetensors", "--data", "small"],
        &["evaluate", "missing.onnx", "--data", "small"],
        &["evaluate", "network/weights_turned.onnx", "--data", "small"],
        &["evaluate", "run/best.safetensors", "--data", "small", "--only", "missing.txt"],
        &["evaluate", "run/best.safetensors", "--data", "small", "--only", "notes.txt"],
        &["export", "notes.txt", "-o", "out.onnx", "--data", "small"],
        &["export", "run/best.safetensors", "-o", "out.onnx", "--data", "small"],
        &["export", "run/best.safetensors", "-o", "notes.txt", "--data", "small"],
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
    write("my song.mid", &tune);
    write("drums.mid", &midi_track(&[0, 0x99, 36, 64, 96, 0x89, 36, 0, 0, 0x99, 38, 64, 96, 0x89, 38, 0]));
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
    write("book.abc", b"X:1\nT:Old Hundredth\nK:G\nG4\n\nX:2\nT:St Anne\nK:C\nG4\n");
    write("key.abc", b"X:1\nT:Old Hundredth\nL:1/4\nG4|\n");
    write("rest.abc", b"X:1\nK:C\ncZ1000000000|c|\n");
    write("held.abc", b"X:1\nL:1/4\nM:4/4\nK:C\ncdef|g10000|\n");
    write("lengths.abc", b"X:1\nL:1/1\nK:C\nc|c9999 d9999|\n");
    write("measures.abc", format!("X:1\nK:C\n{}\n", "c|".repeat(10_001)).as_bytes());
    write("deep.mid", &four_parts(-20));
    for name in ["empty.mid", "empty.abc", "empty.onnx"] {
        write(name, b"");
    }
    write("notes.txt", b"nothing but words\n");
    write("there.mid", b"precious");
    write("there.svg", b"precious");
    fs::create_dir(folder.path().join("folder.mid")).expect("a folder");
    fs::create_dir(folder.path().join("hymns")).expect("a folder");
    write("broken.musicxml", b"<score-partwise><part>");
    write("ampersand.musicxml", b"<score-partwise>\n<work>Rock & Roll</work></score-partwise>");
    write("song.sgu", b"B\x12");
    write("table.xml", b"<table/>");
    let part = |content: &str| {
        format!("<score-partwise><part id=\"P1\"><measure number=\"1\">{content}</measure></part></score-partwise>")
    };
    let note =
        |step: &str| format!("<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>4</duration></note>");
    write("step.musicxml", part(&note("H")).as_bytes());
    let attributes = |inside: &str| part(&format!("<attributes>{inside}</attributes>{}", note("C")));
    write("divisions.musicxml", attributes("<divisions>2147483648</divisions>").as_bytes());
    let transpose = "<transpose><chromatic>99999</chromatic></transpose>";
    write("transpose.musicxml", attributes(transpose).as_bytes());
    write("fifths.musicxml", attributes("<key><fifths>40</fifths></key>").as_bytes());
    let beat = "<note><unpitched/><duration>4</duration></note>";
    write("percussion.musicxml", part(beat).as_bytes());
    let repeat = "<barline><repeat direction=\"backward\" times=\"99999\"/></barline>";
    write("repeats.musicxml", part(&format!("{}{repeat}", note("C"))).as_bytes());
    write("broken.mxl", b"PK\x03\x04 nothing");
    let container =
        |path: &str| format!("<container><rootfiles><rootfile full-path=\"{path}\"/></rootfiles></container>");
    write("elsewhere.mxl", &zipped(&[("META-INF/container.xml", &container("../../../../etc/passwd"))]));
    write("songs.zip", &zipped(&[("Lieder/eins.mid", "MThd"), ("zwei.pdf", "%PDF")]));
    let zeros = " ".repeat(65 << 20);
    write("bomb.mxl", &zipped(&[("META-INF/container.xml", &container("zeros")), ("zeros", &zeros)]));
    let laughs: String =
        (1..=9).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let doctype = format!("<!DOCTYPE score-partwise [<!ENTITY l0 \"laugh\">{laughs}]>");
    write("entities.musicxml", format!("{doctype}<score-partwise>&l9;</score-partwise>").as_bytes());
    write("tracks.mid", &spoiled(10, &[0, 5])[..14]);
    let at = |ticks: u32| {
        // A note as long as a variable-length number reaches, so many times.
        let mut track = Vec::new();
        for number in 0..ticks {
            track.extend([
                0,
                0x90,
                60 + (number % 2) as u8,
                64,
                0xff,
                0xff,
                0xff,
                0x7f,
                0x80,
                60 + (number % 2) as u8,
                0,
            ]);
        }
        midi_track(&track)
    };
    write("later.mid", &at(2));
    write("endless.mid", &at(1));
    write("header.csv", b"soprano,alto\n");
    write("columns.csv", format!("{CSV}72,67,64\n").as_bytes());
    write("word.csv", format!("{CSV}72,67,64,C3\n").as_bytes());
    write("high.csv", format!("{CSV}72,67,64,48\n99,67,64,48\n").as_bytes());
    write("bare.csv", CSV.as_bytes());
    write("top.csv", format!("{CSV}81,76,72,60\n").as_bytes());
    write("bad.toml", b"tempo = 72\n[alto]\nchannel = 17\n");
    write("unknown.toml", b"tempoo = 72\n");
    write("old.log", b"performer take 2\n{\"models\":[]}\n");
    write_takes(&write);
    write("few/one.mid", &four_parts(0));
    write("few/broken.mid", b"MThd");
    fs::create_dir_all(folder.path().join("unsplit")).expect("a folder");
    for split in ["train", "valid"] {
        write(&format!("half/{split}/a.csv"), format!("{CSV}72,67,64,48\n").as_bytes());
    }
    fs::create_dir(folder.path().join("half/test")).expect("a folder");
    write("outside.tgz", &archive(&["../../train/a.csv"]));
    write("astray.tgz", &archive(&["jsb/practice/a.csv"]));
    let whole = archive(&["train/a.csv", "valid/a.csv", "test/a.csv"]);
    write("cut.tgz", &whole[..whole.len() / 2]);
    let mut bomb = tar::Header::new_gnu();
    bomb.set_size(300 << 20);
    bomb.set_cksum();
    write("bomb.tgz", &packed(&[bomb.as_bytes(), &vec![0; 300 << 20][..]].concat()));
    for (name, bytes) in networks::faulty() {
        write(&format!("network/{name}.onnx"), &bytes);
    }
    write("hymn/tune.mid", &tune);
    write("low.mid", &short("C-1/4 | C-1/2 D-1/2"));
    // Two notes with a silence between them that no score is wide enough for, and one that lasts for hours.
    write(
        "pauses.mid",
        &midi_track(&[0, 0x90, 72, 64, 96, 0x80, 72, 0, 0x86, 0xff, 0xff, 0x7f, 0x90, 74, 64, 96, 0x80, 74, 0]),
    );
    write(
        "slow.mid",
        &midi_track(
            &[&[0, 0xff, 0x51, 3, 0xff, 0xff, 0xff][..], &[0, 0x90, 72, 64, 0x82, 0xc0, 0, 0x80, 72, 0]].concat(),
        ),
    );
    write("long.csv", format!("{CSV}{}", "72,67,64,48\n".repeat(48_000)).as_bytes());
    for split in ["train", "valid", "test"] {
        write(&format!("small/{split}/a.csv"), format!("{CSV}72,67,64,48\n").as_bytes());
        write(&format!("spoiled/{split}/a.csv"), format!("{CSV}72,67,64,48\n").as_bytes());
    }
    write("spoiled/train/b.csv", format!("{CSV}72,67,64,48\n72,67,64,99\n").as_bytes());
    folder
}

/// A MIDI file of one track with 96 ticks a quarter.
fn midi_track(events: &[u8]) -> Vec<u8> {
    let length = (events.len() as u32 + 4).to_be_bytes();
    [b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk", &length[..], events, b"\0\xff\x2f\0"].concat()
}

fn zipped(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("an archive in memory");
        archive.write_all(content.as_bytes()).expect("an archive in memory");
    }
    archive.finish().expect("an archive in memory").into_inner()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("a Vec takes all bytes");
    gzip.finish().expect("a Vec takes all bytes")
}

/// A data set's archive with a table at each of these paths, written as they are.
fn archive(paths: &[&str]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let table = format!("{CSV}72,67,64,48\n");
    for path in paths {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().expect("made as one").name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(table.len() as u64);
        header.set_cksum();
        builder.append(&header, table.as_bytes()).expect("a Vec takes all bytes");
    }
    packed(&builder.into_inner().expect("a Vec takes all bytes"))
}

/// Logs of takes that can't be played again, each for a reason of its own.
fn write_takes(write: &impl Fn(&str, &[u8])) {
    let clock = clock::Settings { source: clock::ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 0 };
    let lstm = ModelIdentity::new("lstm", &Model::lstm().expect("the network"));
    let log = |models: Vec<ModelIdentity>, tempo: f64, events: &str| {
        let session = Settings::new(clock::Settings { tempo, ..clock });
        let sampling = models.iter().map(|_| Sampling::default().into()).collect();
        let header = TakeHeader { models, sampling, session };
        let header = serde_json::to_string(&header).expect("JSON");
        format!("{}\n{header}\n0 table 0\n5 midi 90 48 50\n{events}\n", take::FIRST_LINE).into_bytes()
    };
    write("event.log", &log(vec![lstm.clone()], 60.0, "7 control volume 3"));
    write("table.log", &log(vec![lstm.clone()], 60.0, "9 table 77"));
    write("days.log", &log(vec![lstm.clone()], 60.0, "999999999999 stop"));
    write("tempo.log", &log(vec![lstm.clone()], 0.0, "9 stop"));
    write("nobody.log", &log(Vec::new(), 60.0, "9 stop"));
    write("changed.log", &log(vec![lstm.clone()], 60.0, "5 > 0 90 48 51"));
    let stranger = ModelIdentity { fingerprint: "0".into(), ..lstm };
    write("stranger.log", &log(vec![stranger], 60.0, "9 stop"));
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
    let options = ["--epochs", "1", "--width", "4", "--layers", "1", "--head-width", "4", "--out", "run"];
    let trained = Command::new(trainer())
        .args(["train", "lstm", "--data", "small"])
        .args(options)
        .current_dir(folder.path())
        .output()
        .expect("the trainer runs");
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    let mut text = String::new();
    for (name, binary, groups) in [("performer", performer(), CALLS), ("trainer", trainer(), TRAINER_CALLS)] {
        for (title, calls) in groups {
            text += &format!("== {title}\n\n");
            for arguments in *calls {
                text += &provoke(name, binary, folder.path(), arguments);
            }
        }
    }
    let kept = ["tune.mid", "out.mid", "out.wav", "new.mid", "out.onnx", "nowhere", "chorales", "out"]
        .map(|name| folder.path().join(name).exists());
    assert_eq!(kept, [true, false, false, false, false, false, false, true], "nothing is written by what fails");
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
        // No program that happens to be there.
        .env("PATH", folder)
        .env_remove("RUST_BACKTRACE")
        // No sound system that happens to be there.
        .env("JACK_DEFAULT_SERVER", "performer-messages")
        .env("JACK_NO_START_SERVER", "1")
        .output()
        .expect("the program runs");
    // The folder has another name each time.
    let said = String::from_utf8_lossy(&output.stderr).replace(&*folder.to_string_lossy(), "FOLDER");
    let called = format!("{name} {}", arguments.join(" "));
    assert!(matches!(output.status.code(), Some(1 | 2)), "{called}: {:?}\n{said}", output.status);
    assert!(!said.trim().is_empty() && !said.contains("panicked"), "{called}: {said}");
    // The usage that clap adds says nothing of the mistake.
    let said = said.split("\n\nUsage:").next().unwrap_or_default().trim_end();
    format!("$ {called}\n{said}\n\n")
}
