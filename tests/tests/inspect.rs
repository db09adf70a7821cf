//! `performer inspect`, and what render says of its choice, as a user meets them.

use std::fs;
use std::process::{Command, Output};

use files::{Direction, Metre, Note, Score, smf};
use tempfile::TempDir;
use tests::binary::performer;

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let output = Command::new(performer()).args(arguments).current_dir(folder.path()).output().expect("performer runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn track(events: &[u8]) -> Vec<u8> {
    [b"MTrk", &(events.len() as u32 + 4).to_be_bytes()[..], events, &[0, 0xff, 0x2f, 0]].concat()
}

/// Events of notes of a quarter each, 96 ticks, with a text event of this kind before each.
fn notes(channel: u8, pitches: &[u8], kind: u8, syllables: &[&str]) -> Vec<u8> {
    let mut events = Vec::new();
    for (index, pitch) in pitches.iter().enumerate() {
        if let Some(syllable) = syllables.get(index) {
            events.extend([0, 0xff, kind, syllable.len() as u8]);
            events.extend(syllable.as_bytes());
        }
        events.extend([0, 0x90 | channel, *pitch, 80, 96, 0x80 | channel, *pitch, 64]);
    }
    events
}

fn named(name: &str, events: &[u8]) -> Vec<u8> {
    track(&[&[0, 0xff, 3, name.len() as u8], name.as_bytes(), events].concat())
}

fn file(tracks: &[Vec<u8>]) -> Vec<u8> {
    let head = [b"MThd\0\0\0\x06\0\x01\0", &[tracks.len() as u8][..], b"\0\x60"].concat();
    [&head[..], &tracks.concat()].concat()
}

const TUNE: [u8; 13] = [72, 74, 76, 77, 79, 79, 81, 79, 77, 76, 74, 74, 72];

fn song() -> Vec<u8> {
    let high = [96, 98, 96, 98, 96, 98, 96, 98, 96, 98, 96, 98, 96];
    let syllables = ["Nun ", "dan", "ket ", "al", "le "];
    file(&[
        named("Singstimme", &notes(0, &TUNE, 5, &syllables)),
        named("Streicher", &notes(1, &high, 5, &[])),
        named("", &notes(9, &[36; 13], 5, &[])),
    ])
}

#[test]
fn inspect_lists_the_lines_and_marks_the_melody() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("song.mid"), song()).expect("a file");
    let text = String::from_utf8(run(&folder, &["inspect", "song.mid"]).stdout).expect("UTF-8");
    let expected = [
        "   track  channel  name        notes  range  sounds  at once  words",
        "*      1        1  Singstimme     13  C5-A5   100 %        1      5",
        "       2        2  Streicher      13  C7-D7   100 %        1      0",
        "       3       10  (drums)        13  C2-C2   100 %        1      0",
    ];
    assert_eq!(text.lines().take(4).collect::<Vec<_>>(), expected);
    assert!(
        text.ends_with("* track 1 'Singstimme' channel 1 is the melody, for its words and its name; --track, --channel choose another.\n"),
        "{text}"
    );
    let json = run(&folder, &["inspect", "song.mid", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let taken: Vec<bool> = json["lines"].as_array().expect("lines").iter().map(|line| line["taken"] == true).collect();
    assert_eq!(taken, [true, false, false]);
    assert_eq!(json["lines"][0]["evidence"]["words"], 7.0);
    let other = run(&folder, &["inspect", "song.mid", "--track", "Streicher"]).stdout;
    assert!(String::from_utf8_lossy(&other).contains(
        "* track 2 'Streicher' channel 2 is the melody, as it was asked for; --track, --channel choose another."
    ));
}

#[test]
fn of_soprano_and_alto_on_one_staff_the_soprano_is_the_melody_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for tune in ["st_anne", "veni_emmanuel", "drink_to_me"] {
        let melody = tests::root().join(format!("demo/{tune}.abc"));
        let melody = melody.to_str().expect("a path");
        for seed in ["1", "2"] {
            let options = ["--staves", "2", "--particles", "2", "--force", "--quiet", "--seed", seed];
            run(&folder, &[&["render", melody, "-o", "hymn.musicxml"], &options[..]].concat());
            let found = String::from_utf8(run(&folder, &["inspect", "hymn.musicxml"]).stdout).expect("text");
            assert!(found.contains("* part 1 'Soprano Alto' line 1 is the melody"), "{tune}, seed {seed}: {found}");
        }
    }
}

#[test]
fn render_says_in_one_line_what_it_took_and_a_folder_in_its_table() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("songs")).expect("a folder");
    fs::write(folder.path().join("songs/song.mid"), song()).expect("a file");
    let said = run(&folder, &["render", "songs/song.mid", "-o", "out.mid", "--live"]).stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    let taken = "melody: track 1 'Singstimme' channel 1, for its words and its name; not taken (see --track, --channel): track 2 'Streicher' channel 2";
    assert!(said.lines().any(|line| line == taken), "{said}");
    let table = run(&folder, &["render", "songs", "-o", "out/", "--live"]).stdout;
    let table = String::from_utf8_lossy(&table).into_owned();
    assert!(table.lines().next().is_some_and(|heading| heading.ends_with("  taken")), "{table}");
    assert!(table.contains("  track 1 'Singstimme' channel 1, of 2 lines\n"), "{table}");
}

#[test]
fn the_words_of_a_karaoke_file_stand_under_its_melody() {
    let folder = TempDir::new().expect("a folder");
    let words: Vec<u8> = ["\\Nun ", "dan", "ket ", "/al", "le "]
        .iter()
        .zip([0, 96, 96, 96, 96])
        .flat_map(|(text, wait)| [&[wait, 0xff, 1, text.len() as u8], text.as_bytes()].concat())
        .collect();
    let head = named("Soft Karaoke", b"\0\xff\x01\x13@KMIDI KARAOKE FILE");
    let kar = file(&[head, named("Words", &words), named("Melody", &notes(0, &TUNE, 5, &[]))]);
    fs::write(folder.path().join("song.kar"), kar).expect("a file");
    run(&folder, &["render", "song.kar", "-o", "out.musicxml", "-o", "out.mid", "--live", "--quiet"]);
    let score = fs::read_to_string(folder.path().join("out.musicxml")).expect("the score");
    let words = ["<text>Nun</text>", "<text>dan</text>", "<text>ket</text>", "<text>al</text>", "<text>le</text>"];
    assert!(words.iter().all(|word| score.contains(word)) && !score.contains('\\'), "{score}");
}

#[test]
fn a_tune_in_e_flat_under_c_major_is_written_with_flats() {
    let folder = TempDir::new().expect("a folder");
    let pitches = [63, 63, 65, 67, 68, 67, 65, 65, 67, 70, 68, 65, 67, 65, 63, 63];
    let note = |(start, pitch)| Note {
        start,
        end: start + 480,
        pitch: chorale::Pitch::new(pitch).expect("a pitch"),
        velocity: 80,
    };
    let melody = (0..).step_by(480).zip(pitches).map(note).collect();
    let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR)), (0, Direction::Key { sharps: 0, minor: false })];
    let parts = [melody, Vec::new(), Vec::new(), Vec::new()];
    let score = Score { ticks_per_quarter: 480, directions, parts, ..Score::default() };
    fs::write(folder.path().join("tune.mid"), smf::write(&score)).expect("a file");
    let said = run(&folder, &["render", "tune.mid", "-o", "out.musicxml", "-o", "out.mid", "--live"]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("the notes are in Eb major: spelled in that"));
    let written = fs::read_to_string(folder.path().join("out.musicxml")).expect("the score");
    assert!(written.contains("<fifths>-3</fifths>"), "{written}");
    let midi = files::read(&fs::read(folder.path().join("out.mid")).expect("a file")).expect("MIDI");
    assert_eq!(files::signature(&midi.directions).map(|key| key.to_string()).as_deref(), Some("Eb major"));
}

const BOOK: &str = "X:1\nT:Old Hundredth\nM:4/4\nL:1/4\nK:G\nG|G F E D|G A B !breath!B|(B A) G G|\n\n\
    X:2\nT:St Anne\nM:4/4\nL:1/4\nK:C\nG|E A G c|c B c3|\n";

#[test]
fn of_a_file_of_many_tunes_the_one_that_is_named_is_taken() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("books")).expect("a folder");
    fs::write(folder.path().join("books/book.abc"), BOOK).expect("a file");
    let title = |more: &[&str]| {
        let arguments = ["render", "books/book.abc", "-o", "out.json", "--live", "--force"];
        let said = run(&folder, &[&arguments, more].concat()).stderr;
        let json = fs::read(folder.path().join("out.json")).expect("JSON");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        (json["title"].as_str().unwrap_or_default().to_owned(), String::from_utf8_lossy(&said).into_owned())
    };
    let (first, said) = title(&[]);
    assert_eq!(first, "Old Hundredth");
    let remark =
        "books/book.abc: the file holds 2 tunes, and 1 'Old Hundredth' is taken; --tune takes another: 2 'St Anne'";
    assert!(said.lines().any(|line| line == remark), "{said}");
    for named in ["2", "anne"] {
        let (second, said) = title(&["--tune", named]);
        assert!(second == "St Anne" && !said.contains("tunes"), "{second}: {said}");
    }
    let inspected = run(&folder, &["inspect", "books/book.abc", "--tune", "2", "--json"]).stdout;
    assert!(String::from_utf8_lossy(&inspected).contains("St Anne"));
    let said = run(&folder, &["render", "books", "-o", "out", "--live"]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("--tune takes another: 2 'St Anne'"), "in a folder, too");
    for (input, output) in [("books", "all"), ("books/book.abc", "alone")] {
        let table = run(&folder, &["render", input, "-o", output, "--live", "--tune", "all"]).stdout;
        let table = String::from_utf8_lossy(&table).into_owned();
        assert!(table.contains("books/book.abc --tune 1  ") && table.contains("books/book.abc --tune 2  "), "{table}");
        let names = ["book-1.mid", "book-2.mid"].map(|name| folder.path().join(output).join(name));
        assert!(names.iter().all(|name| name.exists()), "{names:?}");
    }
}

#[test]
fn json_has_the_breaths_and_slurs_of_the_score() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("book.abc"), BOOK).expect("a file");
    run(&folder, &["render", "book.abc", "-o", "out.json", "--live", "--quiet"]);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.json")).expect("JSON")).expect("JSON");
    assert_eq!(json["breaths"], serde_json::json!([32.0]));
    assert_eq!(json["slurs"], serde_json::json!([{ "first_step": 36.0, "last_step": 40.0 }]));
}

#[test]
fn a_pickup_that_was_guessed_or_told_stands_in_the_midi_file_that_is_written() {
    let folder = TempDir::new().expect("a folder");
    let scale = [67, 72, 74, 76, 77, 79, 79, 81, 79, 77, 76, 74, 74, 72];
    let note = |(start, pitch): (u32, u8)| Note {
        start,
        end: start + if pitch == 72 && start > 480 { 1440 } else { 480 },
        pitch: chorale::Pitch::new(pitch).expect("a pitch"),
        velocity: 80,
    };
    let melody = (0..).step_by(480).zip(scale).map(note).collect();
    let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
    let parts = [melody, Vec::new(), Vec::new(), Vec::new()];
    let score = Score { ticks_per_quarter: 480, directions, parts, ..Score::default() };
    fs::write(folder.path().join("tune.mid"), smf::write(&score)).expect("a file");
    fs::write(folder.path().join("book.abc"), BOOK).expect("a file");
    let metres = |input: &str, more: &[&str]| -> Vec<(u32, String)> {
        run(&folder, &[&["render", input, "-o", "out.mid", "--live", "--quiet", "--force"], more].concat());
        let midi = files::read(&fs::read(folder.path().join("out.mid")).expect("a file")).expect("MIDI");
        let metre = |(tick, direction): &(u32, Direction)| match direction {
            Direction::Metre(metre) => Some((*tick, metre.to_string())),
            _ => None,
        };
        midi.directions.iter().filter_map(metre).collect()
    };
    let told = [(0, "1/4".to_owned()), (480, "4/4".to_owned())];
    assert_eq!(metres("tune.mid", &[]), told);
    assert_eq!(metres("tune.mid", &["--pickup", "0.5"]), [(0, "1/8".to_owned()), (240, "4/4".to_owned())]);
    assert_eq!(metres("tune.mid", &["--pickup", "0"]), [(0, "4/4".to_owned())]);
    assert_eq!(metres("book.abc", &[]), told, "a score's pickup");
}

#[test]
fn the_range_of_a_line_is_written_as_the_signature_of_its_file_does() {
    let folder = TempDir::new().expect("a folder");
    for (key, range) in [("Ab", "Ab4-Db5"), ("E", "G#4-C#5")] {
        let notes = if key == "Ab" { "A2 B2 c2 d2" } else { "G2 A2 B2 c2" };
        fs::write(folder.path().join("tune.abc"), format!("X:1\nL:1/8\nM:4/4\nK:{key}\n{notes}|\n")).expect("a file");
        let said = String::from_utf8(run(&folder, &["inspect", "tune.abc"]).stdout).expect("UTF-8");
        assert!(said.contains(range), "{said}");
        let json = String::from_utf8(run(&folder, &["inspect", "tune.abc", "--json"]).stdout).expect("UTF-8");
        let (lowest, highest) = range.split_once('-').expect("two notes");
        assert!([lowest, highest].iter().all(|name| json.contains(&format!("\"{name}\""))), "{json}");
    }
}
