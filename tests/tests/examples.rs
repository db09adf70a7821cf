//! The examples of the help texts do what they say: a shell runs each as it stands, in a folder that holds what it reads.
//!
//! Not run but only read, with --help behind them, are those that need a keyboard, a sound card, a SoundFont, a take or the
//! 382 chorales. `serve` takes ports that are free instead of those that are named. The trainer's networks are small and learn
//! from a few bars. What makes sound small and engraves is a stand-in here; `make pages` has the real programs.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use arranger::{ExportOptions, Format};
use chorale::{Chorale, Chord, Pitch, Token};
use files::musicxml;
use tempfile::TempDir;
use tests::binary::{performer, trainer};
use tests::root;
use tests::tune::{self, NUN_DANKET, Tune};

/// The commands among the examples of a help text, as one would copy them.
fn examples(name: &str, command: &str) -> Vec<String> {
    let program = if name == "performer" { performer() } else { trainer() };
    let output = Command::new(program).args([command, "--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    let (_, text) = help.split_once("Example").unwrap_or_else(|| panic!("{name} {command} has no example"));
    let start = format!("{name} ");
    let is_whole =
        |line: &str| line.trim_start().starts_with(&start) || !line.starts_with("  ") || line.starts_with("      ");
    let broken = text.lines().skip(1).take_while(|line| !line.starts_with("Usage")).find(|line| !is_whole(line));
    assert!(broken.is_none(), "{name} {command}: too long for a line of a help text, before {broken:?}");
    let lines = text.lines().map(|line| line.trim_start_matches(['s', ':']).trim());
    // Spaces, and what stands behind them, are said of it.
    let bare = |line: &str| line.split("   ").next().unwrap_or(line).trim().to_owned();
    let found: Vec<String> = lines.filter(|line| line.starts_with(&start)).map(bare).collect();
    assert!(!found.is_empty(), "{name} {command} has no example");
    found
}

/// Sixteen bars in four parts.
fn chorale() -> Chorale {
    let token = |pitch| Pitch::new(pitch).and_then(Token::from_pitch).expect("a pitch");
    let beats = [[72, 67, 64, 48], [74, 67, 59, 55], [72, 64, 55, 48], [71, 67, 62, 55]];
    let bar = beats.map(|pitches: [u8; 4]| [Chord(pitches.map(token)); 4]).concat();
    Chorale { chords: bar.repeat(16) }
}

/// A track of quarters, 96 ticks each.
fn track(name: &str, channel: u8, pitches: &[u8]) -> Vec<u8> {
    let mut events = [&[0, 0xff, 3, name.len() as u8], name.as_bytes()].concat();
    for pitch in pitches {
        events.extend([0, 0x90 | channel, *pitch, 80, 96, 0x80 | channel, *pitch, 64]);
    }
    events.extend([0, 0xff, 0x2f, 0]);
    [b"MTrk", &(events.len() as u32).to_be_bytes()[..], &events].concat()
}

/// Three lines, of which any may be the melody.
fn band() -> Vec<u8> {
    let tracks = [
        track("Violin", 0, &[76, 77, 79, 81, 79, 77, 76, 74]),
        track("Flute", 4, &[72, 74, 76, 77, 79, 77, 74, 72]),
        track("Organ", 4, &[67, 69, 71, 72, 71, 69, 67, 67]),
    ];
    [&b"MThd\0\0\0\x06\0\x01\0\x03\0\x60"[..], &tracks.concat()].concat()
}

/// Two bars with words, chord symbols and a fermata.
fn score() -> String {
    let note = |step: &str, word: &str, more: &str| {
        format!(
            "<note><pitch><step>{step}</step><octave>5</octave></pitch><duration>1</duration>{more}\
             <lyric><text>{word}</text></lyric></note>"
        )
    };
    let harmony =
        |root: &str| format!("<harmony><root><root-step>{root}</root-step></root><kind>major</kind></harmony>");
    let first = ["C", "D", "E", "C"].map(|step| note(step, "la", "")).concat();
    let fermata = "<notations><fermata/></notations>";
    let second = [note("E", "la", ""), note("D", "la", ""), note("D", "la", ""), note("C", "la", fermata)].concat();
    format!(
        "<score-partwise><part-list><score-part id=\"P1\"><part-name>Voice</part-name></score-part></part-list>\
         <part id=\"P1\"><measure number=\"1\"><attributes><divisions>1</divisions><key><fifths>0</fifths></key>\
         <time><beats>4</beats><beat-type>4</beat-type></time></attributes>{}{first}</measure>\
         <measure number=\"2\">{}{second}</measure></part></score-partwise>",
        harmony("C"),
        harmony("G"),
    )
}

/// A data set's archive of a few chorales.
fn data_set() -> Vec<u8> {
    let table = chorale().to_csv();
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for path in ["train/a.csv", "train/b.csv", "valid/a.csv", "test/a.csv"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(table.len() as u64);
        archive.append_data(&mut header, path, table.as_bytes()).expect("a Vec takes all bytes");
    }
    archive.into_inner().and_then(|gzip| gzip.finish()).expect("a Vec takes all bytes")
}

/// Everything that some example reads.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let short = |name: &'static str, notes: &'static str| tune::midi_file(&Tune { name, notes, ..NUN_DANKET });
    let melody = short("Melody", "D5/4 | D5/4 D5/4 E5/4 E5/4 | D5/2. B4/4 | A4/2. B4/4 | G4/2.");
    let bass = short("Bass", "G2/4 | G2/4 B2/4 C3/4 C3/4 | G2/2. G2/4 | D3/2. D3/4 | G2/2.");
    let cantus = short("Melody", "D4/4 | D4/4 D4/4 E4/4 E4/4 | D4/2. B3/4 | A3/2. B3/4 | G3/2.");
    let table = chorale().to_csv();
    let piece = arranger::piece_of_table("chorale", &table, None).expect("a chorale");
    let export = |format| piece.export(format, &ExportOptions::default()).expect("a file");
    // The second of the two tunes has four parts, to be explained.
    let first = "X:1\nT:Old Hundredth\nL:1/4\nM:4/4\nK:C\nceeg|g2f2|e2d2|c4|\n";
    let voices = ["ceeg|g2f2|e2d2|c4|", "GGGG|G2A2|G2G2|G4|", "EEEC|E2F2|C2B,2|E4|", "C,C,C,E,|C,2F,2|C,2G,2|C,4|"];
    let voices: String = (1..).zip(voices).map(|(number, notes)| format!("V:{number}\n{notes}\n")).collect();
    let book = format!("{first}\nX:12\nT:Eventide\nL:1/4\nM:4/4\nK:C\n{voices}");
    vec![
        ("tune.mid", melody.clone()),
        ("hymn.mid", melody.clone()),
        ("hymns/one.mid", melody.clone()),
        ("hymns/below/two.mid", melody),
        ("bass.mid", bass),
        ("cantus.mid", cantus),
        ("band.mid", band()),
        ("song.mid", band()),
        ("hymnal.abc", book.into_bytes()),
        ("hymn.musicxml", score().into_bytes()),
        ("song.musicxml", score().into_bytes()),
        ("song.mxl", musicxml::compress(&score())),
        ("chorale.mid", export(Format::Midi)),
        ("chorale.musicxml", export(Format::MusicXml)),
        ("chorale.csv", table.into_bytes()),
        ("jsb_chorales.tgz", data_set()),
        ("models/wavenet.onnx", fs::read(root().join("models/wavenet.onnx")).expect("the network")),
    ]
}

/// The programs that examples call, in a folder of their own.
fn programs() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    symlink(performer(), folder.path().join("performer")).expect("a link");
    symlink(trainer(), folder.path().join("trainer")).expect("a link");
    let page = "echo '<svg viewBox=\"0 0 10 20\"></svg>' > \"${2%.svg}-1.svg\"";
    for (name, script) in [
        ("oggenc", "cp \"$8\" \"$7\"".to_owned()),
        ("lame", "cp \"$4\" \"$5\"".to_owned()),
        ("mscore4portable", format!("case $2 in *.svg) {page};; *) cp \"$3\" \"$2\";; esac")),
        ("aplay", "cat > /dev/null".to_owned()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }
    folder
}

/// The files that a command is to write: behind -o, --report and >.
fn outputs(command: &str) -> Vec<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let written = words.windows(2).filter(|two| ["-o", "--report", ">"].contains(&two[0]) && two[1] != "-");
    written.map(|two| two[1]).collect()
}

fn fill(folder: &Path, command: &str) {
    for (name, bytes) in files() {
        if outputs(command).contains(&name) {
            continue;
        }
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

/// Runs a command by a shell. It must do what it says without an error, and write the files that it names; else what went wrong
/// is returned.
fn run(command: &str, folder: &Path, programs: &Path) -> Option<String> {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env("XDG_CONFIG_HOME", folder)
        .env("XDG_CACHE_HOME", folder)
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || said.contains("error:") {
        return Some(format!("$ {command}\n{said}"));
    }
    if command.contains("--help") {
        return None;
    }
    let is_missing = |file: &&str| {
        let (stem, ending) = file.split_once('.').unwrap_or((file, ""));
        let numbered = format!("{stem}_1.{ending}");
        // A share of few melodies may hold none.
        let is_there = [*file, &numbered].iter().any(|name| folder.join(name).exists());
        !is_there && !command.contains("--shard")
    };
    outputs(command).into_iter().find(is_missing).map(|file| format!("$ {command}\n{said}{file} is not there\n"))
}

/// Whether it can't be run here.
fn is_only_read(command: &str) -> bool {
    let live = ["performer play", "performer ports", "performer report", "performer replay", "performer learn --input"];
    live.iter().any(|start| command.starts_with(start))
        || ["--soundfont", "--synth"].iter().any(|what| command.contains(what))
}

#[test]
fn every_example_of_the_performer_does_what_it_says() {
    let programs = programs();
    let (mut ran, mut failed) = (Vec::new(), String::new());
    let commands = ["render", "generate", "explain", "inspect", "play", "ports", "learn", "replay", "report"];
    for example in commands.iter().flat_map(|command| examples("performer", command)) {
        let folder = tempfile::tempdir().expect("a folder");
        if is_only_read(&example) {
            failed.extend(run(&format!("{example} --help > help.txt"), folder.path(), programs.path()));
        } else {
            fill(folder.path(), &example);
            failed.extend(run(&example, folder.path(), programs.path()));
            ran.push(example);
        }
    }
    assert!(failed.is_empty(), "{failed}");
    let all = ran.join("\n") + "\n";
    let of_arrangers = [
        "--chords \"|",
        "--chords file",
        "--harmonic-rhythm",
        "--bars",
        "--redo",
        "--fix",
        "--alternatives",
        "--rehearsal",
        ".pdf",
        ".score.svg",
        ".ogg",
        ".mp3",
        "hymns/",
        "--shard",
        "--report",
        "--jobs",
    ];
    for what in of_arrangers {
        assert!(all.contains(what), "no example of {what} was run");
    }
    assert!(ran.len() > 50, "{all}");
}

#[test]
fn every_example_of_the_performer_as_a_server_opens_its_ports() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut osc, mut web_socket) = (0, 0);
    for example in examples("performer", "serve") {
        if is_only_read(&example) {
            let output = Command::new(performer()).args(example.split(' ').skip(1)).arg("--help").output();
            assert!(output.expect("it runs").status.success(), "{example}");
            continue;
        }
        // Others may have the ports that it names.
        let words = example.split(' ').skip(1).map(|word| if word.starts_with("900") { "0" } else { word });
        let mut child = Command::new(performer())
            .args(words)
            .current_dir(folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let ready =
            said.find(|line| line.starts_with("READY")).unwrap_or_else(|| panic!("{example}: it never listened"));
        osc += usize::from(ready.contains("OSC "));
        web_socket += usize::from(ready.contains("ws://"));
        child.stdin.take().expect("a pipe").write_all(b"q\n").expect("it reads");
        said.for_each(drop);
        assert!(child.wait().expect("its end").success(), "{example}");
    }
    assert!(osc >= 2 && web_socket >= 1, "{osc} with OSC, {web_socket} with WebSockets");
}

#[test]
fn every_example_of_the_trainer_does_what_it_says_one_after_the_other() {
    let (folder, programs) = (tempfile::tempdir().expect("a folder"), programs());
    fill(folder.path(), "");
    let mut ran = String::new();
    for example in ["dataset", "train", "evaluate", "export"].iter().flat_map(|command| examples("trainer", command)) {
        let mut command = example.clone();
        if !command.contains("--data") {
            command += " --data jsb_chorales.tgz";
        }
        if command.starts_with("trainer train") && !command.contains("--resume") {
            command += " --epochs 1 --width 4 --layers 1 --head-width 4";
        }
        let failed = run(&command, folder.path(), programs.path());
        assert!(failed.is_none(), "{}", failed.unwrap_or_default());
        ran += &example;
    }
    for what in ["--resume", "--epochs", "--force", "evaluate", "dataset"] {
        assert!(ran.contains(what), "no example of {what} was run");
    }
}
