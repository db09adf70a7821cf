//! The `performer` binary as a user runs it, over files.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use midly::{MetaMessage, MidiMessage, Smf, TrackEventKind};
use serde_json::Value;
use tempfile::TempDir;
use tests::binary::performer;
use tests::tune::{self, NUN_DANKET, Tune};

/// Four bars, which is enough to see everything and quick to harmonize.
const SHORT: Tune = Tune {
    name: "Melody",
    tempo: 72,
    sharps: 0,
    quarters: 4,
    notes: "C5/4 | C5/4 D5/4 E5/4 C5/4 | F5/4 E5/4 D5/2 , | r/4 D5/4 D5/4 E5/8 D5/8 | C5/2.",
};

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(performer()).args(arguments).current_dir(folder.path()).output().expect("performer runs")
}

fn succeed(folder: &TempDir, arguments: &[&str]) -> Output {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The same with `input` on stdin.
fn pipe(folder: &TempDir, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(performer());
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("performer runs");
    // It may refuse its options before it reads.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("performer ends")
}

/// What a failed run said on stderr. It must not have crashed, and must have written nothing to stdout.
fn fail(folder: &TempDir, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {:?} {said}", output.status);
    assert!(output.stdout.is_empty() && !said.contains("panicked"), "{said}");
    said
}

fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a file in a temporary folder");
    }
    folder
}

/// Start, end, key and velocity.
type Note = (u32, u32, u8, u8);

/// By track name: channel and notes, read by midly alone. Every note-on must have its note-off.
fn parts(path: &Path) -> HashMap<String, (u8, Vec<Note>)> {
    let bytes = fs::read(path).expect("the output");
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    let mut parts = HashMap::new();
    for track in &smf.tracks {
        let (mut now, mut name, mut channels) = (0, String::new(), Vec::new());
        let (mut open, mut notes): (HashMap<u8, (u32, u8)>, Vec<Note>) = Default::default();
        for event in track {
            now += event.delta.as_int();
            match event.kind {
                TrackEventKind::Meta(MetaMessage::TrackName(text)) => name = String::from_utf8_lossy(text).into_owned(),
                TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel } } if vel.as_int() > 0 => {
                    channels.push(channel.as_int());
                    let before = open.insert(key.as_int(), (now, vel.as_int()));
                    assert_eq!(before, None, "{name}: {key} struck at {now} while it sounds");
                }
                TrackEventKind::Midi {
                    message: MidiMessage::NoteOff { key, .. } | MidiMessage::NoteOn { key, .. },
                    ..
                } => {
                    let (start, velocity) = open.remove(&key.as_int()).expect("a note-off has its note-on");
                    notes.push((start, now, key.as_int(), velocity));
                }
                _ => {}
            }
        }
        assert!(open.is_empty(), "{name}: never ended: {open:?}");
        notes.sort_unstable();
        channels.dedup();
        if let [channel] = channels[..] {
            parts.insert(name, (channel, notes));
        }
    }
    parts
}

const PARTS: [&str; 4] = ["Soprano", "Alto", "Tenor", "Bass"];

#[test]
fn the_demo_melody_is_what_its_text_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/melody.mid");
    let expected = tune::midi_file(&NUN_DANKET);
    if std::env::var_os("WRITE_DEMO").is_some() {
        fs::write(&path, &expected).expect("demo/melody.mid");
    }
    let found = fs::read(&path).unwrap_or_default();
    assert!(found == expected, "demo/melody.mid differs from tests/src/tune.rs; WRITE_DEMO=1 makes it anew");
}

#[test]
fn both_networks_harmonize_a_melody_in_four_named_tracks() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let mut results = Vec::new();
    for model in ["wavenet", "lstm"] {
        succeed(&folder, &["render", "tune.mid", "-o", "out.mid", "--quiet", "--force", "--model", model]);
        let parts = parts(&folder.path().join("out.mid"));
        for (channel, name) in PARTS.iter().enumerate() {
            assert_eq!(usize::from(parts[*name].0), channel, "{name}");
        }
        let soprano: Vec<(u32, u32, u8)> =
            parts["Soprano"].1.iter().map(|&(start, end, key, _)| (start, end, key)).collect();
        assert_eq!(soprano, tune::write_out(&SHORT).notes);
        let ranges = [(52, 74), (46, 69), (36, 66)];
        for (name, (low, high)) in PARTS[1..].iter().zip(ranges) {
            let notes = &parts[*name].1;
            assert!(notes.iter().all(|note| (low..=high).contains(&note.2)), "{name} {notes:?}");
            for pair in notes.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "{name} overlaps itself: {pair:?}");
            }
            // The second bar ends, after nine quarters, with a breath; the third begins with a rest of a quarter.
            let rest = 480 * 9 - 120..480 * 10;
            assert!(notes.iter().all(|note| note.1 <= rest.start || note.0 >= rest.end), "{name} sounds in the rest");
            assert!(notes.len() > 5, "{name} moves with the melody: {notes:?}");
        }
        results.push(fs::read(folder.path().join("out.mid")).expect("the output"));
    }
    assert_ne!(results[0], results[1], "two networks, two harmonizations");
}

#[test]
fn tempo_metre_and_key_are_kept() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&NUN_DANKET))]);
    let said = succeed(&folder, &["render", "tune.mid", "-o", "out.mid"]).stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(" melody notes in G major, "), "{said}");
    let metas = |name: &str| -> Vec<String> {
        let bytes = fs::read(folder.path().join(name)).expect("a file");
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let mut metas = Vec::new();
        let mut now = 0;
        for event in &smf.tracks[0] {
            now += event.delta.as_int();
            if let TrackEventKind::Meta(
                meta @ (MetaMessage::Tempo(_) | MetaMessage::TimeSignature(..) | MetaMessage::KeySignature(..)),
            ) = event.kind
            {
                metas.push(format!("{now} {meta:?}"));
            }
        }
        metas
    };
    assert_eq!(metas("out.mid"), metas("tune.mid"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let with_seed = |seed: &str, name: &str| {
        succeed(&folder, &["render", "tune.mid", "-o", name, "--quiet", "--force", "--seed", seed]);
        fs::read(folder.path().join(name)).expect("the output")
    };
    let first = with_seed("7", "a.mid");
    assert_eq!(first, with_seed("7", "b.mid"));
    assert!((8..13).any(|seed| with_seed(&seed.to_string(), "c.mid") != first), "five seeds, all the same");
}

#[test]
fn as_in_live_playing_the_harmony_knows_only_the_past() {
    let whole = tune::midi_file(&NUN_DANKET);
    let half =
        tune::midi_file(&Tune { notes: NUN_DANKET.notes.rsplit_once("A4/4 | A4/4 A4/4").unwrap().0, ..NUN_DANKET });
    let folder = folder_with(&[("whole.mid", &whole), ("half.mid", &half)]);
    succeed(&folder, &["render", "whole.mid", "-o", "whole-out.mid", "--quiet", "--live"]);
    succeed(&folder, &["render", "half.mid", "-o", "half-out.mid", "--quiet", "--live"]);
    let (whole, half) = (parts(&folder.path().join("whole-out.mid")), parts(&folder.path().join("half-out.mid")));
    for name in PARTS {
        // The last note may be held longer where the piece goes on.
        let (last, before) = half[name].1.split_last().expect("notes");
        assert_eq!(whole[name].1[..before.len()], *before, "{name}");
        assert_eq!(whole[name].1[before.len()].0, last.0, "{name}");
    }
}

#[test]
fn rendering_shows_note_names_and_a_roll_without_colours_in_a_pipe() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let shown = String::from_utf8(succeed(&folder, &["render", "tune.mid", "-o", "out.mid"]).stdout).expect("UTF-8");
    for letter in ["S │C5", "A │", "T │", "B │", "C5 │Ssss│"] {
        assert!(shown.contains(letter), "{letter} is missing:\n{shown}");
    }
    assert!(!shown.contains('\x1b'));
    assert!(succeed(&folder, &["render", "tune.mid", "-o", "quiet.mid", "--quiet"]).stdout.is_empty());
}

#[test]
fn json_tells_the_notes_of_the_written_file_and_the_chord_changes() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let output = succeed(&folder, &["render", "tune.mid", "-o", "out.mid", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    let parts = parts(&folder.path().join("out.mid"));
    for name in PARTS {
        let notes = document[name.to_lowercase()].as_array().expect("a list of notes");
        let number = |note: &serde_json::Value, key: &str| note[key].as_u64().expect("a number") as u32;
        let read: Vec<Note> = notes
            .iter()
            .map(|note| {
                let start = number(note, "start_tick");
                assert_eq!(note["start_step"].as_f64(), Some(f64::from(start) / 120.0));
                (
                    start,
                    start + number(note, "length_ticks"),
                    number(note, "pitch") as u8,
                    number(note, "velocity") as u8,
                )
            })
            .collect();
        assert_eq!(read, parts[name].1, "{name}");
    }
    assert!(document["chord_changes"].as_u64() > Some(5));
}

#[test]
fn a_low_melody_is_moved_up_to_its_singers_and_a_wide_one_is_harmonized_below_itself() {
    let low = Tune { notes: "D4/4 | F3/4 A3/4 Bb3/4 F3/4 | A3/2 F3/2", ..SHORT };
    let wide = Tune { notes: "C3/4 | C3/4 D6/4 E3/4 C5/4 | D7/2 C3/2", ..SHORT };
    let folder = folder_with(&[("low.mid", &tune::midi_file(&low)), ("wide.mid", &tune::midi_file(&wide))]);
    let cases: [(&str, &[&str], &str, i32); 3] = [
        (
            "low.mid",
            &[],
            "moved an octave up, into the range of the soprano; --transpose 7 would be enough; --melody-part \
             alto gives it to the alto",
            12,
        ),
        ("low.mid", &["--live"], "too low", 0),
        ("wide.mid", &[], "octave inside", 0),
    ];
    for (tune, more, said, moved) in cases {
        let output = succeed(&folder, &[&["render", tune, "-o", "out.mid", "--force"], more].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(said), "{tune}: {stderr}");
        let first = if tune == "low.mid" { 62 } else { 48 };
        let soprano = &parts(&folder.path().join("out.mid"))["Soprano"].1;
        assert_eq!(i32::from(soprano[0].2), first + moved, "{tune}");
        let parts = parts(&folder.path().join("out.mid"));
        for name in &PARTS[1..] {
            let mean = |name: &str| {
                let notes = &parts[name].1;
                notes.iter().map(|note| f64::from(note.2)).sum::<f64>() / notes.len() as f64
            };
            assert!(mean(name) < mean("Soprano"), "{tune} {name}");
        }
    }
}

#[test]
fn what_cannot_be_rendered_is_refused_with_the_reason() {
    let tune = tune::midi_file(&SHORT);
    let silent = tune::midi_file(&Tune { notes: "r/1 | r/1", ..SHORT });
    let folder = folder_with(&[
        ("tune.mid", &tune),
        ("cut.mid", &tune[..tune.len() - 9]),
        ("empty.mid", b""),
        ("text.mid", b"no music here"),
        ("silent.mid", &silent),
        ("bad.musicxml", b"<score-partwise><part>"),
        ("table.xml", b"<table/>"),
    ]);
    fs::create_dir(folder.path().join("folder.mid")).expect("a folder");
    let check = |arguments: &[&str], expected: &[&str]| {
        let said = fail(&folder, &[&["render"], arguments].concat());
        for part in expected {
            assert!(said.contains(part), "{arguments:?} should say '{part}': {said}");
        }
    };
    check(&["missing.mid", "-o", "out.mid"], &["missing.mid", "No such file"]);
    check(&["empty.mid", "-o", "out.mid"], &["empty.mid", "empty"]);
    check(&["text.mid", "-o", "out.mid"], &["text.mid", "no MIDI file", "no m"]);
    check(&["cut.mid", "-o", "out.mid"], &["cut.mid", "breaks off", "track 2"]);
    check(&["silent.mid", "-o", "out.mid"], &["silent.mid", "no notes"]);
    check(&["tune.mid", "-o", "out.mid", "--track", "9"], &["no track '9'", "track 2 'Melody' (13 notes, channel 1)"]);
    check(&["tune.mid", "-o", "out.mid", "--track", "Alto"], &["no track 'Alto'", "'Melody'"]);
    check(&["tune.mid", "-o", "out.mid", "--channel", "4"], &["channel 4", "channel 1"]);
    check(&["tune.mid", "-o", "out.mid", "--channel", "17"], &["17", "from 1 to 16"]);
    check(&["tune.mid", "-o", "tune.mid"], &["tune.mid is the file that is read"]);
    check(&["tune.mid", "-o", "./folder.mid/../tune.mid"], &["is the file that is read"]);
    check(&["tune.mid", "-o", "nowhere/out.mid"], &["there is no folder nowhere"]);
    check(&["tune.mid", "-o", "folder.mid"], &["folder.mid is a folder"]);
    check(&["tune.mid", "-o", "out.ps"], &["out.ps", "must end in .mid, .musicxml", "makes it of .pdf"]);
    check(&["tune.mid", "-o", "out.mid", "--rehearsal"], &["--rehearsal makes sound"]);
    check(&["tune.mid", "-o", "out.mid", "--key", "H"], &["'H' is no key"]);
    check(&["tune.mid", "-o", "kept.mid", "-f", "--keep", "kept.mid"], &["kept.mid is the file that --keep reads"]);
    check(&["tune.mid", "-o", "out.wav", "--soundfont", "text.mid"], &["text.mid", "not a SoundFont"]);
    check(&["bad.musicxml", "-o", "out.mid"], &["bad.musicxml", "the score breaks off in line 1"]);
    check(&["table.xml", "-o", "out.mid"], &["table.xml", "outermost element is <table>"]);
    check(&["nothing*.mid", "-o", "."], &["nothing matches the pattern 'nothing*.mid'"]);
    check(&["tune.mid", "-o", "out.mid", "--transpose", "99"], &["99", "semitones from -36 to 36"]);
    check(&["tune.mid", "-o", "out.mid", "--transpose", "octave"], &["'octave'", "12 for an octave up"]);
    check(&["tune.mid", "-o", "out.mid", "--temperature", "-1"], &["-1"]);
    check(&["tune.mid", "-o", "out.mid", "--seed", "-3"], &["'-3'", "--seed", "a whole number from 0"]);
    check(&["tune.mid", "-o", "out.mid", "--particles", "many"], &["'many'", "a whole number from 1 to 1024"]);
    check(&["tune.mid", "-o", "out.mid", "--pickup", "9"], &["--pickup 9", "a bar of 4/4 has 4 quarters"]);
    check(&["tune.mid", "-o", "out.mid", "--pickup", "-1"], &["'-1'", "such as 1 or 0.5"]);
    check(&["tune.mid", "-o", "out.mid", "--program", "kazoo"], &["'kazoo'", "choir, voices, organ", "1 to 128"]);
    check(&["tune.mid", "-o", "out.mid", "--model", "transformer"], &["'transformer'", "wavenet and lstm", "ONNX"]);
    check(&["tune.mid", "-o", "out.flac"], &["out.flac", "must end in .mid", "ffmpeg"]);
    check(&["tune.mid", "-o", "out.mid", "--model", "missing.onnx"], &["missing.onnx"]);
    check(&["tune.mid", "-o", "out.mid", "--model", "text.mid"], &["text.mid"]);
    assert_eq!(fs::read(folder.path().join("tune.mid")).expect("the input"), tune, "the input is as it was");
    let mut left: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the folder").map(|entry| entry.unwrap().path()).collect();
    left.retain(|path| {
        path.file_name().is_some_and(|name| name == "out.mid" || name.to_string_lossy().contains("tmp"))
    });
    assert_eq!(left, [] as [PathBuf; 0], "nothing was written");
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT)), ("out.mid", b"precious")]);
    let said = fail(&folder, &["render", "tune.mid", "-o", "out.mid"]);
    assert!(said.contains("out.mid is there already; --force"), "{said}");
    assert_eq!(fs::read(folder.path().join("out.mid")).expect("the file"), b"precious");
    succeed(&folder, &["render", "tune.mid", "-o", "out.mid", "--force"]);
    assert_eq!(parts(&folder.path().join("out.mid")).len(), 4);
}

#[test]
fn a_new_chorale_is_as_long_as_asked_and_the_same_for_a_seed() {
    let folder = folder_with(&[]);
    for name in ["a.mid", "b.mid"] {
        succeed(&folder, &["generate", "-o", name, "--steps", "64", "--seed", "3", "--quiet"]);
    }
    let read = |name: &str| fs::read(folder.path().join(name)).expect("the output");
    assert_eq!(read("a.mid"), read("b.mid"));
    let parts = parts(&folder.path().join("a.mid"));
    let end = PARTS.iter().flat_map(|name| &parts[*name].1).map(|note| note.1).max();
    assert_eq!(end, Some(64 * 120));
    let source = files::read(&read("a.mid")).expect("a MIDI file");
    let key = files::signature(&source.directions).expect("its key is told");
    let bass = source.tracks.last().and_then(|track| track.channels[&3].last()).expect("a last note");
    assert_eq!(bass.pitch.class(), key.tonic(), "it ends over the tonic of its key");
}

#[test]
fn a_prompt_is_kept_as_table_or_midi_file_and_the_piece_goes_on_from_it() {
    let rows = ["74,67,59,43"; 8].into_iter().chain(["76,67,60,48"; 8]).chain(["74,67,59,55"; 16]);
    let table = format!("note0,note1,note2,note3\n{}\n", rows.collect::<Vec<_>>().join("\n"));
    let folder = folder_with(&[("prompt.csv", table.as_bytes())]);
    succeed(&folder, &["generate", "-o", "a.mid", "--steps", "64", "--prompt", "prompt.csv", "--quiet"]);
    let check = |name: &str, steps: u32| {
        let parts = parts(&folder.path().join(name));
        for (part, pitches) in PARTS.iter().zip([[74, 76, 74], [67, 67, 67], [59, 60, 59], [43, 48, 55]]) {
            for (step, pitch) in [(0, pitches[0]), (8, pitches[1]), (16, pitches[2]), (31, pitches[2])] {
                let sounds = |note: &&Note| (note.0..note.1).contains(&(step * 120));
                let found = parts[*part].1.iter().find(sounds).map(|note| note.2);
                assert_eq!(found, Some(pitch), "{name} {part} step {step}");
            }
        }
        let end = PARTS.iter().flat_map(|name| &parts[*name].1).map(|note| note.1).max();
        assert_eq!(end, Some(steps * 120));
    };
    check("a.mid", 64);
    let arguments =
        ["generate", "-o", "b.mid", "--steps", "48", "--prompt", "a.mid", "--prompt-steps", "32", "--quiet"];
    succeed(&folder, &arguments);
    check("b.mid", 48);
    let said = fail(&folder, &["generate", "-o", "c.mid", "--steps", "32", "--prompt", "prompt.csv"]);
    assert!(said.contains("--steps 32 leaves nothing"), "{said}");
    fs::write(folder.path().join("bad.csv"), "note0,note1,note2,note3\n74,67,59,99\n").expect("a file");
    let said = fail(&folder, &["generate", "-o", "c.mid", "--prompt", "bad.csv"]);
    assert!(said.contains("bad.csv") && said.contains("line 2") && said.contains("99"), "{said}");
    fs::write(folder.path().join("one.mid"), tune::midi_file(&SHORT)).expect("a file");
    let said = fail(&folder, &["generate", "-o", "c.mid", "--prompt", "one.mid"]);
    assert!(said.contains("one.mid") && said.contains("four parts"), "{said}");
}

#[test]
fn help_has_an_example_of_every_option() {
    let folder = folder_with(&[]);
    for command in ["render", "generate", "explain", "inspect"] {
        let help = String::from_utf8(succeed(&folder, &[command, "--help"]).stdout).expect("UTF-8");
        let (options, examples) = help.split_once("Examples:").expect("examples");
        assert!(examples.contains(&format!("performer {command} ")), "{help}");
        let lines =
            options.lines().map(str::trim_start).filter(|line| line.starts_with('-') && !line.starts_with("- "));
        for line in lines {
            let names: Vec<&str> = line.split([' ', ',']).filter(|word| word.starts_with('-')).take(2).collect();
            let shown = |name: &&str| [" ", "\n"].iter().any(|end| examples.contains(&format!(" {name}{end}")));
            let is_shown = names.iter().any(shown) || examples.trim_end().ends_with(names[names.len() - 1]);
            assert!(is_shown || names.contains(&"--help"), "{command} {line} has no example");
        }
    }
}

/// A pickup, two bars and two lines of words, as a notation program writes them.
const HYMN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="3.1">
  <work><work-title>Wachet &amp; betet</work-title></work>
  <identification><creator type="composer">Drese &amp; Freylinghausen</creator><rights>Public domain</rights></identification>
  <part-list><score-part id="P1"><part-name>Soprano</part-name></score-part></part-list>
  <part id="P1">
    <measure number="0" implicit="yes">
      <attributes><divisions>4</divisions><key><fifths>-1</fifths><mode>major</mode></key>
        <time><beats>3</beats><beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef></attributes>
      <note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration><voice>1</voice><type>quarter</type>
        <lyric number="1"><syllabic>begin</syllabic><text>Wa</text></lyric>
        <lyric number="2"><syllabic>single</syllabic><text>Mit</text></lyric></note>
    </measure>
    <measure number="1">
      <note><pitch><step>F</step><octave>4</octave></pitch><duration>8</duration><voice>1</voice><type>half</type>
        <lyric number="1"><syllabic>end</syllabic><text>chet</text></lyric></note>
      <note><pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch><duration>4</duration><voice>1</voice><type>quarter</type></note>
    </measure>
    <measure number="2">
      <note><pitch><step>A</step><octave>4</octave></pitch><duration>8</duration><voice>1</voice><type>half</type>
        <notations><fermata/></notations></note>
    </measure>
  </part>
</score-partwise>"#;

#[test]
fn one_call_writes_every_format_from_musicxml_with_words_key_metre_and_pickup() {
    let folder = folder_with(&[("hymn.musicxml", HYMN.as_bytes())]);
    let outputs = ["out.mid", "out.musicxml", "out.mxl", "out.svg", "out.html", "out.wav", "out.json"];
    let mut arguments = vec!["render", "hymn.musicxml", "--quiet", "--rehearsal"];
    outputs.iter().for_each(|name| arguments.extend(["-o", *name]));
    succeed(&folder, &arguments);
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = |name: &str| String::from_utf8(read(name)).expect("UTF-8");

    let soprano: Vec<(u32, u32, u8)> = parts(&folder.path().join("out.mid"))["Soprano"]
        .1
        .iter()
        .map(|&(start, end, key, _)| (start, end, key))
        .collect();
    assert_eq!(soprano, [(0, 480, 72), (480, 1440, 65), (1440, 1920, 70), (1920, 2880, 69)]);
    let score = text("out.musicxml");
    for expected in [
        "<work-title>Wachet &amp; betet</work-title>",
        "<creator type=\"composer\">Drese &amp; Freylinghausen</creator>",
        "<rights>Public domain</rights>",
        "<measure number=\"0\" implicit=\"yes\">",
        "<fifths>-1</fifths>",
        "<beats>3</beats>",
        "<syllabic>begin</syllabic>",
        "<text>chet</text>",
        "<lyric number=\"2\">",
        "<alter>-1</alter>",
        "<fermata type=\"upright\"/>",
        "<part-name>Tenor</part-name>",
        "<clef-octave-change>-1</clef-octave-change>",
    ] {
        assert!(score.contains(expected), "{expected} is missing:\n{score}");
    }
    assert!(read("out.mxl").starts_with(b"PK"));
    assert!(text("out.svg").starts_with("<svg") && text("out.svg").contains("Wachet &amp; betet"));
    let page = text("out.html");
    assert!(page.contains("<script") && page.contains("Wachet &amp; betet"), "complete");
    assert!(
        !["{{title}}", "{{style}}", "{{script}}", "{{data}}", "src=", "<link"].iter().any(|other| page.contains(other)),
        "nothing from outside"
    );
    let json: serde_json::Value = serde_json::from_slice(&read("out.json")).expect("JSON");
    assert_eq!(json["key"], "F major");
    assert_eq!(json["chords"][0]["bar"], 0);
    for name in ["out.wav", "out_soprano.wav", "out_alto.wav", "out_tenor.wav", "out_bass.wav"] {
        let sound = read(name);
        assert!(sound.starts_with(b"RIFF") && sound.len() > 44_100 * 4 * 3, "{name}");
    }
    // What was written can be read: the same melody, the same words.
    succeed(&folder, &["render", "out.mxl", "--part", "Soprano", "-o", "again.musicxml", "--quiet"]);
    assert_eq!(text("again.musicxml").matches("<text>").count(), score.matches("<text>").count());
}

#[cfg(unix)]
#[test]
fn other_programs_make_compressed_sound_and_engraved_pages_of_ours_or_it_is_told_which_to_install() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    fs::create_dir(folder.path().join("all")).expect("a folder");
    let options = ["generate", "-o", "four.mid", "--steps", "16", "--quiet"];
    succeed(&folder, &options);
    let programs = folder.path().join("programs");
    let render = |path: &str, arguments: &[&str]| {
        let mut command = Command::new(performer());
        command.arg("render").args(arguments).current_dir(folder.path()).env("PATH", path);
        command.args(["--quiet", "--particles", "2"]).output().expect("performer runs")
    };
    let nothing = render("", &["tune.mid", "-o", "out.mid", "-o", "out.ogg"]);
    let said = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(!nothing.status.success() && said.contains("out.ogg") && said.contains("install oggenc"), "{said}");
    assert!(!folder.path().join("out.mid").exists(), "nothing is begun that can't be finished");
    let many = render("", &["tune.mid", "tune.mid", "-o", "all/", "--format", "mp3"]);
    let said = String::from_utf8_lossy(&many.stderr).into_owned();
    assert!(!many.status.success() && said.contains("--format mp3") && said.contains("lame"), "{said}");

    // Each writes its name, and what it was given behind it.
    fs::create_dir(&programs).expect("a folder");
    for (name, out, from) in [("oggenc", "$7", "$8"), ("lame", "$5", "$4"), ("mscore3", "$2", "$3")] {
        let script = programs.join(name);
        fs::write(&script, format!("#!/bin/sh\n(printf {name}; cat \"{from}\") > \"{out}\"\n")).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a program");
    }
    // As MuseScore does, a picture for each page.
    let page = "<svg viewBox=\\\"0 0 10 20\\\"><path/></svg>";
    let pages = format!("for page in 1 2; do echo \"{page}\" > \"${{2%.svg}}-$page.svg\"; done");
    let score = format!("#!/bin/sh\ncase $2 in *.svg) {pages};; *) (printf mscore3; cat \"$3\") > \"$2\";; esac\n");
    fs::write(programs.join("mscore3"), score).expect("a script");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let outputs = ["out.ogg", "out.mp3", "out.pdf", "out.wav", "out.svg", "out.score.svg"];
    let outputs = outputs.map(|name| ["-o", name]).concat();
    let made = render(&path, &[&["tune.mid", "--rehearsal"], &outputs[..]].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read("out.ogg"), [b"oggenc", &read("out.wav")[..]].concat());
    assert_eq!(read("out.mp3"), [b"lame", &read("out.wav")[..]].concat());
    assert_eq!(read("out_tenor.ogg"), [b"oggenc", &read("out_tenor.wav")[..]].concat());
    assert!(read("out.pdf").starts_with(b"mscore3<?xml"));
    let text = |name: &str| String::from_utf8(read(name)).expect("text");
    assert!(
        text("out.score.svg").contains("viewBox=\"0 0 10.00 40.00\"") && !text("out.svg").contains("0 0 10.00 40.00")
    );
    let versions = render(&path, &["tune.mid", "-o", "all/", "--format", "score.svg", "--alternatives", "2"]);
    assert!(versions.status.success(), "{}", String::from_utf8_lossy(&versions.stderr));
    assert!(text("all/tune_2.score.svg").contains("viewBox=\"0 0 10.00 40.00\""));
    let explained = Command::new(performer())
        .args(["explain", "four.mid", "-o", "marked.pdf", "-o", "marked.score.svg"])
        .current_dir(folder.path())
        .env("PATH", &path)
        .output()
        .expect("performer runs");
    assert!(explained.status.success(), "{}", String::from_utf8_lossy(&explained.stderr));
    assert!(text("marked.pdf").contains("mscore3<?xml") && text("marked.score.svg").contains("<svg"));
    assert!(read("out_tenor.wav").len() > read("out.wav").len() + 44_100 * 4 * 4, "pitches and a count come first");

    // One that fails leaves what was there.
    fs::write(programs.join("oggenc"), "#!/bin/sh\necho 'no room' >&2\nexit 1\n").expect("a script");
    let failed = render(&path, &["tune.mid", "-o", "out.ogg", "--force", "--seed", "2"]);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success() && said.contains("oggenc makes no .ogg") && said.contains("no room"), "{said}");
    assert!(read("out.ogg").starts_with(b"oggenc"));
}

#[test]
fn the_words_stand_under_every_part_that_strikes_their_syllables() {
    let folder = folder_with(&[("hymn.xml", HYMN.as_bytes())]);
    let score = |more: &[&str]| {
        let arguments = ["render", "hymn.xml", "-o", "out.musicxml", "-o", "out.mid", "--quiet", "--force"];
        succeed(&folder, &[&arguments, more].concat());
        fs::read_to_string(folder.path().join("out.musicxml")).expect("a score")
    };
    let syllables = |score: &str| -> Vec<usize> {
        score.split("<part id=").skip(1).map(|part| part.matches("<text>").count()).collect()
    };
    assert_eq!(syllables(&score(&[])), [3, 3, 3, 3]);
    let parts = parts(&folder.path().join("out.mid"));
    for name in PARTS {
        let onsets: Vec<u32> = parts[name].1.iter().map(|note| note.0).collect();
        assert!(onsets.contains(&0) && onsets.contains(&480), "{name} strikes both syllables: {onsets:?}");
    }
    assert_eq!(syllables(&score(&["--staves", "2"])), [3, 0], "between the staves");
    assert_eq!(syllables(&score(&["--words", "melody"])), [3, 0, 0, 0]);
}

#[test]
fn under_a_fermata_all_parts_come_to_rest_together() {
    let hymn = HYMN.replace(
        "<pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch><duration>4</duration><voice>1</voice><type>quarter</type>",
        "<pitch><step>C</step><octave>5</octave></pitch><duration>4</duration><voice>1</voice><type>quarter</type>\
         <notations><fermata/></notations>",
    );
    let folder = folder_with(&[("hymn.xml", hymn.as_bytes())]);
    for seed in ["1", "2", "3"] {
        let arguments = ["render", "hymn.xml", "-o", "out.mid", "-o", "out.json", "--quiet", "--force", "--seed", seed];
        succeed(&folder, &arguments);
        let parts = parts(&folder.path().join("out.mid"));
        for name in PARTS {
            assert!(
                parts[name].1.iter().all(|note| note.1 <= 1920 || note.0 >= 1920),
                "{name} sounds beyond the fermata"
            );
        }
        let json = fs::read_to_string(folder.path().join("out.json")).expect("JSON");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["fermatas"].as_array().map(Vec::len), Some(2));
        assert_ne!(json["cadences"][0]["chords"], serde_json::Value::Null, "{json}");
    }
}

#[test]
fn a_new_chorale_is_in_the_key_that_is_asked_for() {
    let folder = folder_with(&[]);
    for (key, name, tonic) in [("Eb", "Eb major", 3), ("b", "B minor", 11)] {
        let new =
            ["generate", "-o", "new.musicxml", "-o", "new.mid", "--steps", "128", "--quiet", "--force", "--key", key];
        succeed(&folder, &new);
        let explained = String::from_utf8(succeed(&folder, &["explain", "new.musicxml"]).stdout).expect("UTF-8");
        assert!(explained.starts_with(name), "its signature: {explained}");
        let parts = parts(&folder.path().join("new.mid"));
        let bass = parts["Bass"].1.last().expect("a bass").2;
        assert_eq!(bass % 12, tonic, "it ends on its tonic: {explained}");
    }
}

#[test]
fn a_transposed_melody_takes_its_key_along() {
    let folder = folder_with(&[("hymn.xml", HYMN.as_bytes())]);
    succeed(&folder, &["render", "hymn.xml", "-o", "out.mid", "-o", "out.musicxml", "--transpose", "-2", "--quiet"]);
    let soprano = &parts(&folder.path().join("out.mid"))["Soprano"].1;
    assert_eq!(soprano.iter().map(|note| note.2).collect::<Vec<_>>(), [70, 63, 68, 67]);
    let score = fs::read_to_string(folder.path().join("out.musicxml")).expect("a score");
    assert!(score.contains("<fifths>-3</fifths>"), "{score}");
}

#[test]
fn a_folder_is_harmonized_as_a_whole_and_what_fails_is_listed() {
    let folder = folder_with(&[]);
    let melodies = folder.path().join("hymns/more");
    fs::create_dir_all(&melodies).expect("folders");
    fs::write(folder.path().join("hymns/a.mid"), tune::midi_file(&SHORT)).expect("a file");
    fs::write(folder.path().join("hymns/a.musicxml"), HYMN).expect("a file");
    fs::write(folder.path().join("hymns/broken.mid"), "MThd").expect("a file");
    fs::write(folder.path().join("hymns/notes.txt"), "no melody").expect("a file");
    fs::write(melodies.join("b.mid"), tune::midi_file(&SHORT)).expect("a file");
    let output = run(&folder, &["render", "hymns", "-o", "out", "--format", "mid,musicxml", "--jobs", "2"]);
    assert_eq!(output.status.code(), Some(1));
    let (table, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 of 4 melodies failed") && said.contains("broken.mid: the file breaks off"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(table.lines().any(|line| line.contains("broken.mid") && line.contains("failed")), "{table}");
    for name in ["a-mid.mid", "a-mid.musicxml", "a-musicxml.mid", "more/b.mid", "more/b.musicxml"] {
        assert!(folder.path().join("out").join(name).is_file(), "{name} is missing:\n{table}");
    }
    assert!(!folder.path().join("out/broken.mid").exists());
    // One melody gives the same bytes alone as among others.
    succeed(&folder, &["render", "hymns/more/b.mid", "-o", "alone.mid", "--quiet"]);
    let read = |name: &str| fs::read(folder.path().join(name)).expect("the output");
    assert_eq!(read("alone.mid"), read("out/more/b.mid"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_listed_and_the_rest_is_harmonized() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder_with(&[]);
    let locked = folder.path().join("hymns/locked");
    fs::create_dir_all(&locked).expect("folders");
    fs::write(folder.path().join("hymns/a.mid"), tune::midi_file(&SHORT)).expect("a file");
    let lock = |mode| fs::set_permissions(&locked, fs::Permissions::from_mode(mode)).expect("permissions");
    lock(0o000);
    // Whoever runs this as root reads everything.
    if fs::read_dir(&locked).is_ok() {
        return;
    }
    let output = run(&folder, &["render", "hymns", "-o", "out", "--particles", "1"]);
    let alone = fail(&folder, &["render", "hymns/locked", "-o", "out"]);
    lock(0o755);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 of 2 melodies failed") && said.contains("cannot read the folder hymns/locked"), "{said}");
    assert!(folder.path().join("out/a.mid").is_file());
    assert!(alone.contains("cannot read the folder hymns/locked"), "{alone}");
}

#[test]
fn a_program_that_no_sound_is_made_by_is_told() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let said = |output: &str| {
        let call = ["render", "tune.mid", "-o", output, "--program", "piano", "--particles", "1"];
        String::from_utf8_lossy(&succeed(&folder, &call).stderr).into_owned()
    };
    assert!(said("out.wav").starts_with("--program piano is for MIDI files, scores and SoundFonts"));
    assert!(!said("out.mid").contains("--program"));
}

#[test]
fn a_folder_that_is_named_is_made_and_nothing_is_left_of_one_into_which_nothing_comes() {
    let folder = folder_with(&[("a.mid", &tune::midi_file(&SHORT)), ("broken.mid", b"MThd")]);
    let render = ["render", "a.mid", "--particles", "1", "--quiet"];
    succeed(&folder, &[&render[..], &["-o", "new/below/", "--format", "mid,musicxml"]].concat());
    assert_eq!(names_in(&folder.path().join("new/below")), ["a.mid", "a.musicxml"]);
    succeed(&folder, &["generate", "-o", "other/", "--steps", "8", "--quiet"]);
    assert_eq!(names_in(&folder.path().join("other")), ["chorale.mid"]);
    let report = ["-o", "done/", "--report", "done/report.jsonl"];
    succeed(&folder, &[&render[..], &["a.mid", "--jobs", "1"], &report].concat());
    assert_eq!(names_in(&folder.path().join("done")), ["a.mid", "report.jsonl"]);
    let before = names_in(folder.path());
    for nothing in [
        &["render", "my", "hymn.abc"][..],
        &["render", "broken.mid", "-o", "left/"],
        &["render", "broken.mid", "missing.mid", "-o", "left/below"],
        &["render", "a.mid", "-o", "left/", "--format", "pdf", "--rehearsal"],
        &["render", "a.mid", "-o", "broken.mid/"],
    ] {
        assert_eq!(run(&folder, nothing).status.code(), Some(1), "{nothing:?}");
        assert_eq!(names_in(folder.path()), before, "{nothing:?}");
    }
}

#[test]
fn some_bars_of_a_score_on_two_staves_are_found_anew_and_all_others_stay_as_they_are() {
    let tune = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/st_anne.abc")).expect("the demo");
    let folder = folder_with(&[("tune.abc", &tune)]);
    let fast = ["--particles", "2", "--quiet"];
    succeed(&folder, &[&["render", "tune.abc", "-o", "two.musicxml", "--staves", "2"], &fast[..]].concat());
    let measures = |name: &str| -> Vec<Vec<String>> {
        let score = fs::read_to_string(folder.path().join(name)).expect("a score");
        let staves = score.split("<part id=").skip(1);
        staves.map(|staff| staff.split("<measure ").skip(1).map(str::to_owned).collect()).collect()
    };
    let before = measures("two.musicxml");
    let slurs = |staves: &[Vec<String>]| staves.concat().concat().matches("<slur").count();
    assert!(before.len() == 2 && slurs(&before) > 0);
    succeed(&folder, &[&["render", "two.musicxml", "-o", "again.musicxml", "--bars", "5-6"], &fast[..]].concat());
    let after = measures("again.musicxml");
    assert_eq!(after.len(), 2, "two staves, where nobody says otherwise");
    for (before, after) in before.iter().zip(&after) {
        // The bar behind them may have reminders of what they alter.
        let unsigned = |bar: &str| bar.lines().filter(|line| !line.contains("<accidental>")).collect::<String>();
        let is_same =
            |bar: &usize| before[*bar] == after[*bar] || *bar == 7 && unsigned(&before[7]) == unsigned(&after[7]);
        let changed = (0..before.len()).filter(|bar| !is_same(bar));
        assert!(changed.clone().all(|bar| (5..=6).contains(&bar)), "{:?}", changed.collect::<Vec<_>>());
    }
    // Every syllable is struck by the basses, the second voice of the lower staff, in the new bars too.
    let bass = |bar: &str| bar.rsplit("</backup>").next().unwrap_or_default().matches("<note>").count();
    assert!((5..=6).all(|bar| bass(&after[1][bar]) >= 4), "{:?}", after[1]);
    succeed(
        &folder,
        &[&["render", "two.musicxml", "-o", "four.musicxml", "--bars", "5", "--staves", "4"], &fast[..]].concat(),
    );
    assert_eq!(measures("four.musicxml").len(), 4);
}

#[test]
fn help_is_there_under_each_of_the_names_by_which_people_ask_for_it() {
    let folder = folder_with(&[]);
    let said = |arguments: &[&str]| String::from_utf8(succeed(&folder, arguments).stdout).expect("UTF-8");
    assert_eq!(said(&["help"]), said(&["--help"]));
    assert_eq!(said(&["help", "render"]), said(&["render", "--help"]));
}

#[test]
fn melodies_that_would_become_the_same_file_are_refused_before_any_is_written() {
    let midi = tune::midi_file(&SHORT);
    let abc = b"X:1\nT:A\nL:1/4\nK:C\nCDEF|G4|\n";
    let files: [(&str, &[u8]); 5] =
        [("a.abc", abc), ("a.mid", &midi), ("a-abc.mid", &midi), ("b.mid", &midi), ("b_alto.mid", &midi)];
    let folder = folder_with(&files);
    let refused = |call: &[&str], names: &[&str]| {
        let said = fail(&folder, &[&["render"], call, &["--particles", "1"][..]].concat());
        assert!(names.iter().all(|name| said.contains(name)), "{call:?}: {said}");
    };
    let same = "would be written to the same file";
    refused(&["a.abc", "a.mid", "a-abc.mid", "-o", "out"], &["a-abc.mid and a.abc", same, "rename one"]);
    let sound = ["--format", "wav", "--rehearsal", "-o"];
    refused(&[&["b.mid", "b_alto.mid"], &sound[..], &["out"]].concat(), &["b.mid and b_alto.mid", same]);
    assert!(!folder.path().join("out").exists());
    let twice = "would be written twice; choose another name";
    refused(&["a.mid", "-o", "one.wav", "-o", "./one_alto.wav", "--rehearsal"], &["one_alto.wav", twice]);
    refused(&["a.mid", "-o", "one.mid", "-o", "one.mid"], &["one.mid", twice]);
    assert_eq!(names_in(folder.path()).len(), files.len());
}

#[test]
fn a_folder_that_was_cut_off_goes_on_and_what_is_there_stays() {
    let melody = tune::midi_file(&SHORT);
    let folder = folder_with(&[]);
    fs::create_dir(folder.path().join("hymns")).expect("a folder");
    for name in ["a", "b", "c"] {
        fs::write(folder.path().join(format!("hymns/{name}.mid")), &melody).expect("a file");
    }
    let render = |more: &[&str]| {
        let call = ["render", "hymns", "-o", "out", "--format", "mid,json", "--particles", "1"];
        String::from_utf8_lossy(&succeed(&folder, &[&call, more].concat()).stderr).into_owned()
    };
    render(&[]);
    let read = |name: &str| fs::read(folder.path().join("out").join(name)).expect("the output");
    let [whole, json] = ["a.mid", "a.json"].map(read);
    fs::remove_file(folder.path().join("out/a.json")).expect("a file");
    fs::remove_file(folder.path().join("out/b.mid")).expect("a file");
    fs::remove_file(folder.path().join("out/b.json")).expect("a file");
    fs::write(folder.path().join("out/a.mid"), "mine").expect("a file");
    let said = render(&[]);
    assert!(said.contains("1 melody is there already") && said.contains("2 melodies harmonized"), "{said}");
    assert!(said.contains("a.mid is there already and stays"), "{said}");
    assert_eq!((read("a.mid"), read("a.json"), read("b.mid")), (b"mine".to_vec(), json, whole.clone()));
    let said = render(&["--force"]);
    assert!(said.contains("3 melodies harmonized") && !said.contains("already"), "{said}");
    assert_eq!(read("a.mid"), whole);
}

#[test]
fn shares_are_together_the_whole_folder_and_their_reports_can_be_put_together() {
    let folder = folder_with(&[]);
    fs::create_dir(folder.path().join("hymns")).expect("a folder");
    let names: Vec<String> = (0..8).map(|number| format!("{number}.mid")).collect();
    for name in &names {
        fs::write(folder.path().join("hymns").join(name), tune::midi_file(&SHORT)).expect("a file");
    }
    fs::write(folder.path().join("hymns/broken.mid"), "MThd").expect("a file");
    let calls = ["1/2", "2/2", "1/1"].map(|share| {
        let call = ["render", "hymns", "-o", "out", "--particles", "1", "--quiet", "--report", "all.jsonl", "--shard"];
        run(&folder, &[&call, &[share][..]].concat()).status.success()
    });
    assert_eq!(calls.iter().filter(|call| **call).count(), 1, "one share has the broken file");
    assert_eq!(names_in(&folder.path().join("out")), names);
    let report = fs::read_to_string(folder.path().join("all.jsonl")).expect("a report");
    let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let with = |result: &str| lines.iter().filter(|line| line["result"] == result).count();
    assert_eq!(["harmonized", "there already", "failed"].map(with), [8, 8, 2], "{report}");
    let mut files: Vec<&str> = lines.iter().filter_map(|line| line["files"][0].as_str()).collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), 8, "{report}");
    assert!(report.contains("the file breaks off"), "{report}");
    let said = fail(&folder, &["render", "hymns/1.mid", "-o", "one.mid", "--shard", "1/2"]);
    assert!(said.contains("name a folder"), "{said}");
}

/// The names in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_leaves_out_the_chorales_that_an_earlier_call_put_into_it() {
    let folder = folder_with(&[]);
    let hymns = folder.path().join("hymns");
    fs::create_dir(&hymns).expect("a folder");
    fs::write(hymns.join("a.mid"), tune::midi_file(&SHORT)).expect("a file");
    let quick = ["--particles", "1"];
    let calls: [&[&str]; 3] = [
        &["render", "hymns", "-o", "hymns/done"],
        &["render", "hymns", "-o", "hymns/done", "--force"],
        &["render", "hymns/**/*.mid", "-o", "hymns/../hymns/done", "--force"],
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let output = succeed(&folder, &[call, &quick].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("1 melody harmonized"), "{call:?}: {said}");
        assert_eq!(said.contains("left out"), number > 0, "{call:?}: {said}");
        assert_eq!(names_in(&hymns.join("done")), ["a.mid"]);
    }
    let said = fail(&folder, &["render", "hymns", "-o", "hymns", "--format", "musicxml"]);
    assert!(said.contains("the folder that is read") && said.contains("another folder"), "{said}");
    // Nor what an earlier call put beside its melody.
    succeed(&folder, &[&["render", "hymns/a.mid"][..], &quick].concat());
    let said = succeed(&folder, &[&["render", "hymns"][..], &quick].concat()).stderr;
    assert!(String::from_utf8_lossy(&said).contains("a-chorale.mid is left out"), "{}", String::from_utf8_lossy(&said));
    // Who names the chorales gets them.
    succeed(&folder, &[&["render", "hymns/done/*.mid", "-o", "hymns/done", "--format", "svg"][..], &quick].concat());
    assert_eq!(names_in(&hymns.join("done")), ["a.mid", "a.svg"]);
}

#[test]
fn the_report_of_one_melody_says_what_came_of_it_or_why_nothing_did() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT)), ("text.mid", b"no music")]);
    let render = |melody: &str| {
        let output = format!("new-{melody}");
        let call = ["render", melody, "-o", &output, "--particles", "1", "--quiet", "--report", "one.jsonl"];
        run(&folder, &call).status.success()
    };
    assert!(render("tune.mid") && !render("text.mid"));
    let report = fs::read_to_string(folder.path().join("one.jsonl")).expect("a report");
    let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines[0]["result"].as_str(), lines[0]["notes"].as_u64()), (Some("harmonized"), Some(13)), "{report}");
    let failed = lines.get(1).map(|line| line["error"].to_string()).unwrap_or_default();
    assert!(failed.contains("text.mid"), "{report}");
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_any_work() {
    let midi = tune::midi_file(&SHORT);
    let folder = folder_with(&[("a.mid", &midi), ("b.mid", &midi), ("bass.mid", &midi)]);
    fs::create_dir(folder.path().join("sub")).expect("a folder");
    for melodies in [&["a.mid"][..], &["a.mid", "b.mid"]] {
        let refused = |report: &str, reason: &str| {
            let call = ["--keep", "bass.mid", "-o", "sub", "--particles", "1", "--report", report];
            let said = fail(&folder, &[&["render"], melodies, &call[..]].concat());
            assert!(said.contains(&format!("--report {report}")) && said.contains(reason), "{melodies:?}: {said}");
        };
        refused("sub", "is a folder; name a file in it");
        refused("none/all.jsonl", "there is no folder none; create it first");
        refused("./a.mid", "is a file that is read; choose another name");
        refused("bass.mid", "is a file that is read; choose another name");
        refused("sub/a.mid", "is a file that --output writes; choose another name");
    }
    assert!(names_in(&folder.path().join("sub")).is_empty());
    assert_eq!(fs::read(folder.path().join("a.mid")).expect("the melody"), midi);
}

#[test]
fn a_report_lists_the_files_that_are_there_every_version_and_rehearsal_track() {
    let folder = folder_with(&[]);
    fs::create_dir(folder.path().join("hymns")).expect("a folder");
    fs::write(folder.path().join("hymns/a.mid"), tune::midi_file(&SHORT)).expect("a file");
    let calls: [&[&str]; 4] = [
        &["hymns", "-o", "out", "--alternatives", "2"],
        &["hymns", "-o", "out", "--alternatives", "2"],
        &["hymns/a.mid", "-o", "one.mid", "--alternatives", "2"],
        &["hymns/a.mid", "-o", "one.wav", "--rehearsal"],
    ];
    for call in calls {
        succeed(&folder, &[&["render", "--particles", "4", "--quiet", "--report", "all.jsonl"], call].concat());
    }
    let report = fs::read_to_string(folder.path().join("all.jsonl")).expect("a report");
    let files = |line: &str| -> Vec<String> {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let files = line["files"].as_array().cloned().unwrap_or_default();
        files.iter().map(|file| file.as_str().expect("a name").replace('\\', "/")).collect()
    };
    let files: Vec<Vec<String>> = report.lines().map(files).collect();
    assert!(files.iter().flatten().all(|file| folder.path().join(file).is_file()), "{report}");
    assert_eq!(
        files[..3],
        [["out/a_1.mid", "out/a_2.mid"], ["out/a_1.mid", "out/a_2.mid"], ["one_1.mid", "one_2.mid"]]
    );
    assert_eq!(files[3].len(), 5, "{report}");
}

#[test]
fn without_an_output_chorales_go_beside_their_melodies_under_new_names() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    fs::create_dir_all(folder.path().join("hymns/more")).expect("folders");
    for name in ["hymns/a.mid", "hymns/more/b.mid"] {
        fs::write(folder.path().join(name), tune::midi_file(&SHORT)).expect("a file");
    }
    let render = |more: &[&str]| succeed(&folder, &[&["render"], more, &["--particles", "1", "--force"]].concat());
    let said = render(&["tune.mid"]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("tune-chorale.mid: "), "it says where");
    let first = fs::read(folder.path().join("tune-chorale.mid")).expect("the chorale");
    render(&["tune.mid", "--seed", "2", "--format", "mid,svg"]);
    assert_eq!(fs::read(folder.path().join("tune-chorale.mid")).expect("the chorale"), first, "nothing is replaced");
    render(&["hymns/more/b.mid", "--alternatives", "2"]);
    let written = ["b-chorale_1.mid", "b.mid"];
    assert!(written.iter().all(|name| names_in(&folder.path().join("hymns/more")).contains(&(*name).to_owned())));
    render(&["hymns/a.mid", "tune.mid"]);
    fs::remove_file(folder.path().join("hymns/more/b-chorale_1.mid")).expect("a file");
    let _ = fs::remove_file(folder.path().join("hymns/more/b-chorale_2.mid"));
    render(&["hymns"]);
    let expected = [
        "chorales",
        "hymns",
        "hymns-chorales",
        "tune-chorale-2.mid",
        "tune-chorale-2.svg",
        "tune-chorale.mid",
        "tune.mid",
    ];
    assert_eq!(names_in(folder.path()), expected);
    assert_eq!(names_in(&folder.path().join("chorales")), ["a.mid", "tune.mid"]);
    assert_eq!(names_in(&folder.path().join("hymns-chorales")), ["a.mid", "more"]);
    for name in ["chorale.mid", "chorale-2.mid"] {
        succeed(&folder, &["generate", "--steps", "16", "--quiet"]);
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn the_same_call_for_a_folder_goes_on_in_the_folder_that_it_made_and_in_no_other() {
    let folder = folder_with(&[]);
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("hymns/more")).expect("folders");
    let write = |name: &str, bytes: &[u8]| fs::write(path(name), bytes).expect("a file");
    ["hymns/a.mid", "hymns/more/b.mid"].iter().for_each(|name| write(name, &tune::midi_file(&SHORT)));
    let render = || {
        let said = succeed(&folder, &["render", "hymns", "--particles", "1"]).stderr;
        String::from_utf8_lossy(&said).into_owned()
    };
    let said = render();
    assert!(said.contains("2 melodies harmonized, into hymns-chorales"), "{said}");
    fs::remove_file(path("hymns-chorales/a.mid")).expect("a file");
    let said = render();
    assert!(said.contains("1 melody is there already in hymns-chorales;"), "{said}");
    assert!(said.contains("1 melody harmonized, into hymns-chorales"), "{said}");
    assert_eq!(names_in(folder.path()), ["hymns", "hymns-chorales"]);
    // Cut off within the first one, it leaves what it was writing.
    fs::remove_dir_all(path("hymns-chorales")).expect("a folder");
    fs::create_dir(path("hymns-chorales")).expect("a folder");
    write("hymns-chorales/.part-a1b2c3.tmp", b"");
    assert!(render().contains("2 melodies harmonized, into hymns-chorales"));
    // Somebody else's folder stays as it is, and the next one is found again.
    fs::remove_dir_all(path("hymns-chorales")).expect("a folder");
    fs::create_dir(path("hymns-chorales")).expect("a folder");
    write("hymns-chorales/letter.txt", b"Dear all");
    write("hymns-chorales/c.mid", b"mine");
    let said = render();
    assert!(said.contains("2 melodies harmonized, into hymns-chorales-2"), "{said}");
    assert!(render().contains("2 melodies are there already in hymns-chorales-2"));
    assert_eq!(names_in(&path("hymns-chorales")), ["c.mid", "letter.txt"]);
    assert_eq!(names_in(folder.path()), ["hymns", "hymns-chorales", "hymns-chorales-2"]);
}

#[test]
fn a_melody_comes_from_stdin_and_its_chorale_goes_to_stdout() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT)), ("hymn.xml", HYMN.as_bytes())]);
    succeed(&folder, &["render", "tune.mid", "-o", "named.mid", "--quiet"]);
    let named = fs::read(folder.path().join("named.mid")).expect("the chorale");
    let output = pipe(&folder, &["render", "-", "-o", "-"], &tune::midi_file(&SHORT));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == named, "the same bytes, and nothing but them");
    let output = pipe(&folder, &["render", "-", "-o", "-", "-o", "too.svg", "--format", "musicxml"], HYMN.as_bytes());
    let score = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(score.starts_with("<?xml") && score.ends_with("</score-partwise>\n"), "{score}");
    assert!(folder.path().join("too.svg").is_file());
    let explained = pipe(&folder, &["explain", "-"], &named);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("Cadences"));

    let check = |arguments: &[&str], input: &[u8], expected: &str| {
        let output = pipe(&folder, arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)) && said.contains(expected), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    };
    check(&["render", "-"], b"", "--output FILE says where it goes");
    check(&["render", "-", "-o", "-"], b"", "stdin: the file is empty");
    check(&["render", "-", "-o", "-"], b"no music", "stdin: no MIDI file");
    check(&["render", "-", "tune.mid", "-o", "out"], b"", "a call of its own");
    check(&["explain", "-"], &tune::midi_file(&SHORT), "harmonize it first: performer render - -o -");
    check(&["render", "tune.mid", "hymn.xml", "-o", "-"], b"", "name a folder");
    check(&["render", "tune.mid", "-o", "-", "--json"], b"", "--format json");
    check(&["render", "tune.mid", "-o", "-", "--format", "mid,svg"], b"", "only one file");
    check(&["render", "tune.mid", "-o", "-", "--alternatives", "2"], b"", "several files");
}

#[test]
fn a_reader_of_messages_who_leaves_stops_no_work() {
    let folder = folder_with(&[]);
    let mut command = Command::new(performer());
    command.args(["render", "-", "-o", "out.mid"]).current_dir(folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    child.stdin.take().unwrap().write_all(&tune::midi_file(&SHORT)).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(folder.path().join("out.mid").exists());
}

#[test]
fn midi_files_begin_with_the_program_that_was_asked_for() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let programs = |arguments: &[&str]| -> Vec<u8> {
        succeed(&folder, &[arguments, &["-o", "out.mid", "--quiet", "--force"]].concat());
        let bytes = fs::read(folder.path().join("out.mid")).expect("the output");
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let chosen = smf.tracks.iter().flatten().filter_map(|event| match event.kind {
            TrackEventKind::Midi { message: MidiMessage::ProgramChange { program }, .. } => Some(program.as_int() + 1),
            _ => None,
        });
        chosen.collect()
    };
    let quick = ["render", "tune.mid", "--particles", "1"];
    assert_eq!(programs(&quick), [53; 4], "General MIDI's choir");
    assert_eq!(programs(&[&quick[..], &["--program", "organ"]].concat()), [20; 4]);
    assert_eq!(programs(&["generate", "--steps", "16", "--program", "7"]), [7; 4]);
}

#[test]
fn the_help_of_render_has_headings_and_tells_what_holds_where_nothing_is_said() {
    let folder = folder_with(&[]);
    let help = String::from_utf8(succeed(&folder, &["render", "--help"]).stdout).expect("UTF-8");
    let (options, _) = help.split_once("Examples:").expect("examples");
    let headings: Vec<&str> =
        options.lines().filter(|line| !line.starts_with(' ') && line.ends_with(':') && line.len() > 1).collect();
    let expected = [
        "Arguments:",
        "Output:",
        "Score:",
        "Sound:",
        "Melody:",
        "Harmony:",
        "Keep and redo:",
        "Choice of notes:",
        "Options:",
    ];
    assert_eq!(headings.len(), expected.len(), "{headings:?}");
    assert!(expected.iter().all(|heading| headings.contains(heading)), "{headings:?}");
    let mut told: Vec<String> = Vec::new();
    for line in options.lines().map(str::trim) {
        match told.last_mut() {
            _ if line.starts_with('-') => told.push(line.to_owned()),
            Some(option) => *option += &format!(" {line}"),
            None => {}
        }
    }
    // Switches are off, and nothing is kept; which line is the melody stands in words.
    let others = ["--force", "--quiet", "--json", "--marks", "--rehearsal", "--live", "--no-guard", "--help", "--keep"];
    for option in told {
        let is_other = others
            .iter()
            .chain(&["--track", "--channel", "--bars", "--redo", "--fix"])
            .any(|name| option.split([' ', ',']).any(|word| word == *name));
        assert!(is_other || option.contains("[default: "), "no default is told: {option}");
    }
}

#[test]
fn a_piece_is_explained_with_numerals_cadences_and_breaches() {
    let rows =
        ["72,67,64,48"; 4].into_iter().chain(["74,69,65,50"; 4]).chain(["71,67,62,55"; 4]).chain(["72,67,64,48"; 4]);
    let table = format!("note0,note1,note2,note3\n{}\n", rows.collect::<Vec<_>>().join("\n"));
    let folder = folder_with(&[("piece.csv", table.as_bytes()), ("hymn.xml", HYMN.as_bytes())]);
    let said = String::from_utf8(succeed(&folder, &["explain", "piece.csv"]).stdout).expect("UTF-8");
    for expected in ["C major", "I        ii       V        I", "perfect authentic", "parallel octaves"] {
        assert!(said.contains(expected), "{expected} is missing:\n{said}");
    }
    let json = succeed(&folder, &["explain", "piece.csv", "--json", "-o", "marked.musicxml"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["cadences"][0]["kind"], "perfect authentic");
    assert_eq!(json["marks"][0]["bar"], 1);
    let marked = fs::read_to_string(folder.path().join("marked.musicxml")).expect("a score");
    assert!(marked.contains(">parallel fifths A-B, parallel octaves S-B"), "{marked}");
    assert_eq!(json["marks"][1]["parts"], serde_json::json!(["Soprano", "Bass"]), "{}", json["marks"]);
    let said = fail(&folder, &["explain", "hymn.xml"]);
    assert!(said.contains("hymn.xml") && said.contains("four parts are needed"), "{said}");
}

#[test]
fn alternatives_are_numbered_and_differ() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&NUN_DANKET))]);
    let said = succeed(&folder, &["render", "tune.mid", "-o", "out.mid", "--alternatives", "3", "--particles", "2"]);
    let written: Vec<_> = (1..=3).map(|number| parts(&folder.path().join(format!("out_{number}.mid")))).collect();
    assert_ne!(written[0]["Bass"], written[1]["Bass"]);
    assert_ne!(written[1]["Bass"], written[2]["Bass"]);
    assert!(!folder.path().join("out.mid").exists());
    let said = String::from_utf8_lossy(&said.stderr);
    let numbers = |line: &str| -> Vec<f64> {
        line.split([' ', ',', ';']).filter(|word| word.contains('.')).filter_map(|word| word.parse().ok()).collect()
    };
    let ranks: Vec<Vec<f64>> = said.lines().filter(|line| line.contains(" by the network + ")).map(numbers).collect();
    assert_eq!(ranks.len(), 3, "{said}");
    assert!(ranks.is_sorted_by(|one, next| one[0] <= next[0]), "the order is that of what is printed: {said}");
    for [all, network, rules, faults] in ranks.iter().map(|rank| [rank[0], rank[1], rank[2], rank[3]]) {
        assert!((all - network - rules - faults).abs() < 0.002, "{said}");
    }
}

#[test]
fn kept_parts_stay_note_for_note() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&NUN_DANKET))]);
    succeed(&folder, &["render", "tune.mid", "-o", "first.mid", "--quiet", "--particles", "2"]);
    let kept =
        ["render", "tune.mid", "-o", "out.mid", "--quiet", "--seed", "2", "--particles", "2", "--keep", "first.mid"];
    succeed(&folder, &kept);
    let (first, out) = (parts(&folder.path().join("first.mid")), parts(&folder.path().join("out.mid")));
    for name in PARTS {
        assert_eq!(first[name], out[name], "{name}");
    }
}

#[test]
fn a_melody_in_the_tenor_is_harmonized_all_around() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&SHORT))]);
    let output =
        succeed(&folder, &["render", "tune.mid", "-o", "out.mid", "--melody-part", "tenor", "--particles", "4"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("into the range of the tenor"));
    let parts = parts(&folder.path().join("out.mid"));
    let tenor: Vec<u8> = parts["Tenor"].1.iter().map(|note| note.2).collect();
    assert_eq!(tenor, tune::write_out(&SHORT).notes.iter().map(|note| note.2 - 12).collect::<Vec<_>>());
    for (name, (low, high)) in [("Soprano", (60, 81)), ("Alto", (52, 74)), ("Bass", (36, 66))] {
        let notes = &parts[name].1;
        assert!(notes.len() > 4 && notes.iter().all(|note| (low..=high).contains(&note.2)), "{name} {notes:?}");
    }
    let said = fail(&folder, &["render", "tune.mid", "-o", "b.mid", "--melody-part", "tenor", "--live"]);
    assert!(said.contains("--live answers a soprano"), "{said}");
    let wide = tune::midi_file(&Tune { notes: "C3/4 | C3/4 D6/4 E3/4 C5/4 | D6/2 C3/2", ..SHORT });
    fs::write(folder.path().join("wide.mid"), wide).expect("a file");
    let said = fail(&folder, &["render", "wide.mid", "-o", "b.mid", "--melody-part", "bass"]);
    assert!(said.contains("wide.mid") && said.contains("the bass cannot sing"), "{said}");
}

/// The keys of a part, lowest and highest.
fn compass(notes: &[Note]) -> (u8, u8) {
    let keys = || notes.iter().map(|note| note.2);
    (keys().min().unwrap_or(0), keys().max().unwrap_or(0))
}

#[test]
fn every_choir_gets_parts_that_it_can_sing_live_and_ahead() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&NUN_DANKET))]);
    for more in [&["--particles", "2"][..], &["--live"]] {
        let render = |ranges: &str| {
            let arguments = ["render", "tune.mid", "-o", "out.mid", "-o", "out.musicxml", "--quiet", "--force"];
            succeed(&folder, &[&arguments[..], &["--ranges", ranges], more].concat());
            let score = fs::read_to_string(folder.path().join("out.musicxml")).expect("a score");
            (parts(&folder.path().join("out.mid")), score.matches("<score-part ").count())
        };
        let (men, staves) = render("TTBB");
        assert_eq!((men.len(), staves), (4, 4));
        for (name, low, high) in [("Tenor 2", 47, 65), ("Baritone", 43, 62), ("Bass", 38, 60)] {
            let (lowest, highest) = compass(&men[name].1);
            assert!(low <= lowest && highest <= high, "{name}: {lowest} to {highest}");
        }
        let (melody, sung) = (tune::write_out(&NUN_DANKET).notes, &men["Tenor 1"].1);
        assert!(sung.iter().zip(&melody).all(|(sung, note)| sung.2 + 12 == note.2), "{sung:?}");

        let (three, staves) = render("SAB");
        assert_eq!((three.len(), staves), (3, 3));
        for (name, low, high) in [("Alto", 55, 74), ("Baritone", 45, 62)] {
            let (lowest, highest) = compass(&three[name].1);
            assert!(low <= lowest && highest <= high, "{name}: {lowest} to {highest}");
        }

        // Without the tenor too, the last chord is a triad.
        let last = ["Soprano", "Alto", "Baritone"].map(|name| three[name].1.last().expect("notes").2);
        let has_third = last.iter().any(|key| matches!((key - last[2] % 12) % 12, 3 | 4));
        assert!(has_third || !more.contains(&"--particles"), "{last:?}");

        let (own, _) = render("A:G3-C5,B:G2-D4");
        let ((alto, top), (bass, _)) = (compass(&own["Alto"].1), compass(&own["Bass"].1));
        assert!(alto >= 55 && top <= 72 && bass >= 43, "{own:?}");
    }
    let said = fail(&folder, &["render", "tune.mid", "-o", "x.mid", "--ranges", "SSA"]);
    assert!(said.contains("'SSA' is neither SATB, SAB, TTBB"), "{said}");
    let said =
        succeed(&folder, &["render", "tune.mid", "-o", "y.mid", "--ranges", "S:C4-D5", "--particles", "1"]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("--transpose -2 would bring it in"), "{said:?}");
    let said = fail(&folder, &["render", "tune.mid", "-o", "x.mid", "--ranges", "B:C6-C7"]);
    assert!(said.contains("C6 to C7 of the bass") && said.contains("--transpose"), "{said}");
}

#[test]
fn with_less_density_the_other_parts_wait_for_the_melody_or_the_beat() {
    let folder = folder_with(&[("tune.mid", &tune::midi_file(&NUN_DANKET))]);
    for more in [&["--particles", "2"][..], &["--live"]] {
        let onsets = |density: &str| -> Vec<u32> {
            let arguments = ["render", "tune.mid", "-o", "out.mid", "--quiet", "--force", "--density", density];
            succeed(&folder, &[&arguments[..], more].concat());
            let parts = parts(&folder.path().join("out.mid"));
            PARTS[1..].iter().flat_map(|name| &parts[*name].1).map(|note| note.0).collect()
        };
        let melody: Vec<u32> = tune::write_out(&NUN_DANKET).notes.iter().map(|note| note.0).collect();
        assert!(onsets("still").iter().all(|onset| melody.contains(onset)));
        assert!(onsets("beats").iter().all(|onset| onset % 480 == 0 || melody.contains(onset)));
        assert!(onsets("sixteenths").iter().any(|onset| onset % 480 != 0 && !melody.contains(onset)));
    }
}

#[test]
fn new_chorales_are_written_for_every_choir_and_as_pictures() {
    let folder = folder_with(&[]);
    for (ranges, names) in
        [("TTBB", &["Tenor 1", "Tenor 2", "Baritone", "Bass"][..]), ("SAB", &["Soprano", "Alto", "Baritone"])]
    {
        let arguments =
            ["generate", "-o", "new.mid", "-o", "new.png", "--steps", "64", "--quiet", "--force", "--ranges"];
        succeed(&folder, &[&arguments[..], &[ranges]].concat());
        let parts = parts(&folder.path().join("new.mid"));
        assert_eq!(parts.len(), names.len());
        assert!(names.iter().all(|name| !parts[*name].1.is_empty()));
        if ranges == "TTBB" {
            assert!(compass(&parts["Tenor 1"].1).1 <= 69 && compass(&parts["Bass"].1).0 >= 38);
        }
        let picture = fs::read(folder.path().join("new.png")).expect("a picture");
        assert!(picture.starts_with(b"\x89PNG"));
    }
}
