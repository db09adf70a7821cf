//! Chords that are given are the chords that sound, and the part-writing is as good as without them.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use arranger::{Chords, Heading, Method, Options, Piece, Tune};
use chorale::{GivenChord, Key, Part, Rule};
use files::Tick;
use network::Model;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| Arc::new(Model::wavenet().unwrap()));

/// Progressions of eight bars as songs have them, in degrees, for major and for minor keys.
const MAJOR: [&str; 6] = [
    "I | vi | IV | V | I | vi | ii V7 | I",
    "I V | vi iii | IV I | IV V | I V | vi iii | IV V7 | I",
    "I | I7 | IV | iv | I | V7/V | V7 | I",
    "I V6 | vi | ii65 | V | I6 | IV | I64 V7 | I",
    "IM7 | vi7 | ii7 | V7 | iii7 | vi7 | ii7 V7 | I",
    "I | V | bVII | IV | I | V | IV V | I",
];
const MINOR: [&str; 4] = [
    "i | VI | III | VII | i | VI | iv V7 | i",
    "i | iv | V7 | i | VI | iv | V | i",
    "i VII | VI V | i VII | VI V | iv | i | iiø7 V7 | i",
    "i | V6 | VII | iv6 | VI | iv | V7 | i",
];
const MAJOR_KEYS: [&str; 6] = ["C", "G", "D", "F", "Bb", "Eb"];
const MINOR_KEYS: [&str; 4] = ["a", "e", "d", "g"];
const SHARPS: [&str; 12] = ["C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B"];

/// A lead sheet in ABC: a tune that steps and leaps among the notes of its chords on the beats, mostly, and passes between.
fn lead_sheet(seed: u64) -> String {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let is_minor = generator.random_range(0..10) < 4;
    let of = |list: &[&'static str], generator: &mut ChaCha8Rng| list[generator.random_range(0..list.len())];
    let key_text = of(if is_minor { &MINOR_KEYS } else { &MAJOR_KEYS }, &mut generator);
    let progression = of(if is_minor { &MINOR } else { &MAJOR }, &mut generator);
    let key: Key = key_text.parse().unwrap();
    let beats = if generator.random_range(0..4) == 0 { 3 } else { 4 };
    let mode = if is_minor { "m" } else { "" };
    let tonic = key_text.to_uppercase().replacen("BB", "Bb", 1).replacen("EB", "Eb", 1);
    let mut abc = format!("X:1\nT:Sheet {seed}\nM:{beats}/4\nL:1/8\nQ:1/4=100\nK:{tonic}{mode}\n");
    let mut midi = 67 + generator.random_range(0..7);
    for bar in progression.split('|') {
        let chords: Vec<&str> = bar.split_whitespace().collect();
        for beat in 0..beats {
            let place = beat * chords.len() / beats;
            let chord = GivenChord::parse(chords[place], key).unwrap();
            if (beat * chords.len()).is_multiple_of(beats) || beat > 0 && (beat - 1) * chords.len() / beats != place {
                let symbol = if seed.is_multiple_of(2) { letters(chord) } else { chords[place].to_owned() };
                write!(abc, "\"{symbol}\"").unwrap();
            }
            // One beat in ten leans on another note of the key.
            let leans = beat > 0 && generator.random_range(0..10) == 0;
            let suits = |midi: i32| {
                let class = midi.rem_euclid(12) as u8;
                if leans { key.has(class) && !chord.holds(class) } else { chord.holds(class) }
            };
            let wish = (midi + generator.random_range(-4..=4)).clamp(62, 78);
            let next = (0..12).flat_map(|by| [wish + by, wish - by]).find(|&midi| suits(midi)).unwrap();
            let passes = generator.random_range(0..3) == 0;
            let between = (next + midi) / 2;
            let passing = (between..between + 3).find(|&midi| key.has(midi.rem_euclid(12) as u8)).unwrap_or(next);
            match passes {
                true => write!(abc, "{} {} ", note(next), note(passing)).unwrap(),
                false => write!(abc, "{}2 ", note(next)).unwrap(),
            }
            midi = next;
        }
        abc += "|";
    }
    abc + "\n"
}

/// As a lead sheet writes it; the bass is told where it is no root.
fn letters(chord: GivenChord) -> String {
    const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
    let name = |class: u8| NAMES[usize::from(class)];
    let above = (0..12).filter(|above| chord.holds((chord.root + above) % 12)).collect::<Vec<u8>>();
    let suffix = match above[..] {
        [0, 4, 7] => "",
        [0, 3, 7] => "m",
        [0, 3, 6] => "dim",
        [0, 4, 7, 10] => "7",
        [0, 3, 7, 10] => "m7",
        [0, 4, 7, 11] => "maj7",
        [0, 3, 6, 10] => "m7b5",
        _ => panic!("{above:?} has no name here"),
    };
    let bass = chord.bass.filter(|bass| *bass != chord.root).map_or(String::new(), |bass| format!("/{}", name(bass)));
    format!("{}{suffix}{bass}", name(chord.root))
}

/// With its accidental written out.
fn note(midi: i32) -> String {
    let name = SHARPS[midi.rem_euclid(12) as usize];
    let (sign, letter) = name.split_at(name.len() - 1);
    let sign = if sign.is_empty() { "=" } else { sign };
    match midi {
        72.. => format!("{sign}{}", letter.to_lowercase()),
        60.. => format!("{sign}{letter}"),
        _ => format!("{sign}{letter},"),
    }
}

/// What is counted over some lead sheets.
#[derive(Debug, Default)]
struct Count {
    beats: usize,
    /// Beats on which the chord sounds that is given.
    obeyed: usize,
    /// Beats for which the analysis, which knows nothing of it, finds its root.
    heard: usize,
    parallels: usize,
    crossings: usize,
    leaps: usize,
}

impl Count {
    fn add(&mut self, sheet: &Tune, piece: &Piece, key: Key) {
        let symbols = &sheet.source.tracks[0].symbols;
        let quarter = Tick::from(piece.score.ticks_per_quarter);
        for beat in 0..piece.score.end() / quarter {
            let tick = beat * quarter;
            let given = symbols[symbols.partition_point(|(at, _)| *at <= tick) - 1].1.as_str();
            let chord = GivenChord::parse(given, key).unwrap();
            let sounding = |part: Part| {
                let notes = piece.score.part(part).iter();
                notes.filter(|note| note.start <= tick && tick < note.end).map(|note| note.pitch).next()
            };
            let step = piece.grid.nearest_step(tick);
            let found = piece.chords.iter().find(|found| found.steps.contains(&step));
            self.beats += 1;
            self.obeyed += usize::from(chord.is_heard_in(&Part::ALL.map(sounding)));
            self.heard += usize::from(found.is_some_and(|found| found.harmony.root == chord.root));
        }
        let count = |rules: &[Rule]| piece.marks.iter().filter(|mark| rules.contains(&mark.rule)).count();
        self.parallels += count(&[Rule::ParallelFifths, Rule::ParallelOctaves, Rule::BeatParallels]);
        self.crossings += count(&[Rule::Crossing, Rule::Overlap]);
        self.leaps += count(&[Rule::ForbiddenLeap]);
    }
}

/// With the chords of the sheets, and without.
fn count(seeds: std::ops::Range<u64>, particles: usize) -> [Count; 2] {
    let mut counts = [Count::default(), Count::default()];
    for seed in seeds {
        let sheet = Tune::read("sheet.abc", lead_sheet(seed).as_bytes()).unwrap();
        for (count, chords) in counts.iter_mut().zip([Chords::OfFile, Chords::Found]) {
            let method = Method::Ahead { particles, alternatives: 1 };
            let cantus = sheet.choose(&Options { chords, method, ..Options::default() }).unwrap();
            let piece = cantus.harmonize(&MODEL).unwrap().remove(0).piece;
            count.add(&sheet, &piece, cantus.home());
        }
    }
    counts
}

fn check([with, without]: [Count; 2]) {
    println!("with the chords given: {with:?}\nwithout: {without:?}");
    let share = with.obeyed as f64 / with.beats as f64;
    assert!(share >= 0.97, "the chords given sound on {share:.3} of {} beats", with.beats);
    let faults = |count: &Count| count.parallels + count.crossings + count.leaps;
    let some = with.beats / 50;
    assert!(faults(&with) <= faults(&without) + some, "{with:?}, without {without:?}");
}

#[test]
fn given_chords_sound_and_the_part_writing_is_as_without() {
    check(count(0..4, 4));
}

#[test]
#[ignore = "some minutes; docs/QUALITY.md has its figures"]
fn given_chords_sound_in_fifty_lead_sheets() {
    check(count(0..50, 16));
}

#[test]
fn chords_of_the_command_line_are_those_of_the_key_and_move_with_the_melody() {
    let abc = "X:1\nM:4/4\nL:1/4\nK:C\nc e d B|c a g2|e f d d|c4|\n";
    let tune = Tune::read("tune.abc", abc.as_bytes()).unwrap();
    let names = |chords: &str, transpose: i32| {
        let options = Options {
            chords: Chords::Given(chords.into()),
            transpose,
            method: Method::Ahead { particles: 16, alternatives: 1 },
            ..Options::default()
        };
        let found = tune.choose(&options).unwrap().harmonize(&MODEL).unwrap().remove(0);
        let chords: Vec<String> = found.piece.chords.iter().map(|chord| chord.symbol.clone()).collect();
        (chords.join(" "), found.remarks.join("; "))
    };
    let all = "the chords that are given sound on all 16 beats".to_owned();
    assert_eq!(names("| I V | vi I | ii V7 | I |", 0), ("C G Am C Dm G7 C".into(), all.clone()));
    assert_eq!(names("| I V | vi I | ii V7 | I |", 2), ("D A Bm D Em A7 D".into(), all));
}

#[test]
fn chords_between_the_beats_are_counted_as_places() {
    let tune = Tune::read("tune.abc", b"X:1\nM:4/4\nL:1/8\nK:C\nc2 e2 d2 BB|c8|\n").unwrap();
    let chords = Chords::Given("| C . . . . . G G7 | C |".into());
    let method = Method::Ahead { particles: 2, alternatives: 1 };
    let found = tune.choose(&Options { chords, method, ..Options::default() }).unwrap().harmonize(&MODEL).unwrap();
    assert!(found[0].remarks.iter().any(|remark| remark.contains(" places")), "{:?}", found[0].remarks);
}

#[test]
fn what_are_no_chords_is_refused_and_what_is_left_out_is_told() {
    let abc = |symbols: [&str; 2]| format!("X:1\nM:4/4\nL:1/4\nK:C\n{}c e d B|{}c a g c|\n", symbols[0], symbols[1]);
    let choose = |symbols: [&str; 2], chords: Chords| {
        let tune = Tune::read("tune.abc", abc(symbols).as_bytes()).unwrap();
        let heading = Heading { key: "C".parse().ok(), ..Heading::default() };
        let chosen = tune.choose(&Options { chords, heading, ..Options::default() });
        chosen.map(|cantus| cantus.remarks).map_err(|error| error.to_string())
    };
    let given = |text: &str| choose(["", ""], Chords::Given(text.into()));
    assert_eq!(given("C").unwrap(), ["--chords has 1 bar, the melody 2 bars: they begin again at their end"]);
    assert_eq!(given("C F G").unwrap(), ["--chords has 3 bars, the melody 2 bars: the last are left out"]);
    assert!(given("C X7").unwrap_err().starts_with("--chords: 'X7' is no chord; letters such as"));
    assert!(given("| |").unwrap_err().starts_with("--chords: it names no chord"));
    let missing = choose(["", ""], Chords::OfFile).unwrap_err();
    assert!(missing.starts_with("--chords file: tune.abc has no chord symbols; give them instead"), "{missing}");
    let strange = choose(["\"C\"", "\"Tacet\""], Chords::OfFile).unwrap();
    assert_eq!(strange, ["no chords that are known, their time is left free: Tacet"]);
    let harmony = |kind: &str| format!("<harmony><root><root-step>C</root-step></root><kind>{kind}</kind></harmony>");
    let note = "<note><pitch><step>E</step><octave>5</octave></pitch><duration>2</duration></note>";
    let score = format!(
        "<score-partwise><part-list><score-part id=\"P1\"/></part-list><part id=\"P1\"><measure number=\"1\"><attributes>\
         <divisions>1</divisions></attributes>{}{note}{}{note}</measure></part></score-partwise>",
        harmony("major"),
        harmony("Neapolitan")
    );
    let tune = Tune::read("tune.musicxml", score.as_bytes()).unwrap();
    let left_free = tune.choose(&Options { chords: Chords::OfFile, ..Options::default() }).unwrap().remarks;
    assert_eq!(left_free, ["no chords that are known, their time is left free: C Neapolitan"]);
    let unasked = choose(["\"C\"", "\"F\""], Chords::Found).unwrap();
    assert_eq!(unasked, ["chord symbols are left out (2): the harmony is new (--chords file keeps to them)"]);
}
