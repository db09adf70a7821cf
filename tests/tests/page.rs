//! The page's module in Node, beside the same code on this machine and beside `render --live`. They need the module and
//! Node (`make page-check`): MODULE and NODE name them. CHORALES names the archive of the chorales, of which the test
//! sopranos are played too.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arranger::{Method, Options, Tune};
use chorale::Part;
use chorale_web::{Live, LiveSettings, Reply};
use corpus::{Dataset, Split};
use files::melody::{self, Choice, Melody, MelodyStep};
use files::{Direction, Grid, Metre, Score, parts, smf};
use network::Model;
use serde_json::{Value, json};

/// Beats a minute.
const TEMPO: f64 = 80.0;
/// Milliseconds by which a key goes up before the next one goes down.
const GAP: f64 = 5.0;
/// The part of a step after which all parts have moved.
const SETTLED: f64 = 0.95;

/// One message: milliseconds and three bytes.
type Event = (f64, u8, u8, u8);

/// A melody as keys on the grid, and the chords that `render --live` gives it.
struct Played {
    name: String,
    settings: Value,
    events: Vec<Event>,
    end: f64,
    /// When each step has settled, and what sounds then, soprano to bass.
    expected: Vec<(f64, [Option<u8>; 4])>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `pickup` as [`Options::pickup`].
fn played(name: &str, bytes: &[u8], pickup: Option<f64>, model: &Arc<Model>) -> Played {
    let tune = Tune::read(name, bytes).unwrap();
    let melody = Melody::find(&tune.source, &Choice::default()).unwrap();
    let grid = Grid::new(tune.source.ticks_per_quarter, &tune.source.directions, melody.first_onset());
    let steps = melody::steps(&melody, &grid).unwrap();
    let options = Options { method: Method::Live, pickup, ..Options::default() };
    let cantus = tune.choose(&options).unwrap();
    let score = cantus.harmonize(model).unwrap().remove(0).piece.score;
    let first = melody.first_onset();
    let sixteenth = 60_000.0 / TEMPO / 4.0;
    let ticks = f64::from(tune.source.ticks_per_quarter) / 4.0;
    let at = |tick: u32| f64::from(tick - first) / ticks * sixteenth;
    let mut events = Vec::new();
    for note in &melody.notes {
        let key = note.pitch.midi();
        events.extend([(at(note.start), 0x90, key, 80), (at(note.end) - GAP, 0x80, key, 64)]);
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let step = grid.nearest_step(first);
    let metre = grid.metre(step);
    // A pickup is the end of a bar.
    let bar = 16 * u32::from(metre.numerator) / u32::from(metre.denominator());
    let place = bar - (grid.bar(step).end_step - step).min(bar);
    let expected = steps
        .iter()
        .map(|step| (at(step.start) + SETTLED * sixteenth, Part::ALL.map(|part| sings(&score, part, step))))
        .collect();
    Played {
        name: name.to_owned(),
        settings: json!({
            "config": { "clock": "strict", "tempo": TEMPO, "release": "hold", "metre": format!("{}/{}", metre.numerator, metre.denominator()) },
            "first": place,
        }),
        end: events.last().map_or(0.0, |event| event.0) + 3000.0,
        events,
        expected,
    }
}

fn sings(score: &Score, part: Part, step: &MelodyStep) -> Option<u8> {
    let note = score.part(part).iter().rev().find(|note| note.start <= step.start);
    note.filter(|note| note.end > step.start).map(|note| note.pitch.midi())
}

/// In the module.
fn in_node(pieces: &[Played]) -> Vec<Vec<Event>> {
    let variable = |name: &str, usual: PathBuf| std::env::var_os(name).map_or(usual, PathBuf::from);
    let module = variable("MODULE", root().join("web/dist/site/chorale.wasm"));
    let mut node = Command::new(variable("NODE", "node".into()))
        .arg(root().join("web/tests/play.mjs"))
        .args([&module, &root().join("models/wavenet.onnx")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node runs (NODE names it)");
    let all: Vec<Value> = pieces
        .iter()
        .map(|piece| json!({ "settings": piece.settings, "events": piece.events, "end": piece.end }))
        .collect();
    let mut stdin = node.stdin.take().unwrap();
    let text = json!(all).to_string();
    let writing = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "Node failed");
    serde_json::from_slice(&output.stdout).expect("messages")
}

/// The same, on this machine.
fn natively(piece: &Played, model: &Arc<Model>) -> Vec<Event> {
    let settings: LiveSettings = serde_json::from_value(piece.settings.clone()).unwrap();
    let mut live = Live::new(model, &settings).unwrap();
    let mut sent = Vec::new();
    let mut settle = |live: &mut Live, at: f64, mut reply: Reply| {
        sent.append(&mut reply.messages);
        while reply.works {
            reply = live.work(at).unwrap();
            sent.append(&mut reply.messages);
        }
        reply.next
    };
    let reply = live.advance(0.0);
    let mut next = settle(&mut live, 0.0, reply);
    for &(at, status, key, velocity) in piece.events.iter().chain(&[(piece.end, 0, 0, 0)]) {
        while let Some(due) = next.filter(|due| *due < at) {
            let reply = live.advance(due);
            next = settle(&mut live, due, reply);
        }
        let reply = if status > 0 { live.midi(at, &[status, key, velocity]) } else { live.stop(at) };
        next = settle(&mut live, at, reply);
    }
    sent
}

/// What sounds at a moment on the channels of the four parts.
fn sounding(sent: &[Event], at: f64) -> [Option<u8>; 4] {
    let mut parts = [None; 4];
    for &(_, status, key, velocity) in sent.iter().take_while(|event| event.0 <= at) {
        let Some(part) = parts.get_mut(usize::from(status & 0x0f)) else { continue };
        match status & 0xf0 {
            0x90 if velocity > 0 => *part = Some(key),
            0x80 | 0x90 if *part == Some(key) => *part = None,
            _ => {}
        }
    }
    parts
}

/// Steps, and those at which something else sounds than `render --live` has.
fn other_chords(piece: &Played, sent: &[Event]) -> Vec<usize> {
    let other = |(_, (at, expected)): &(usize, &(f64, [Option<u8>; 4]))| sounding(sent, *at) != *expected;
    piece.expected.iter().enumerate().filter(other).map(|(step, _)| step).collect()
}

#[test]
#[ignore = "needs the page's module and Node: make page-check"]
fn keys_on_the_grid_are_answered_in_the_module_as_on_this_machine_and_as_render_live_answers_them() {
    let model = Arc::new(Model::wavenet().unwrap());
    let demo = ["melody.mid", "amazing_grace.abc", "st_anne.abc", "veni_emmanuel.abc"];
    let pieces = demo.map(|name| played(name, &std::fs::read(root().join("demo").join(name)).unwrap(), None, &model));
    for (piece, sent) in pieces.iter().zip(in_node(&pieces)) {
        assert_eq!(sent, natively(piece, &model), "{}: in the module and on this machine", piece.name);
        let other = other_chords(piece, &sent);
        assert!(other.is_empty(), "{}: at steps {other:?} of {} other chords", piece.name, piece.expected.len());
    }
}

#[test]
#[ignore = "needs the page's module, Node and the chorales: CHORALES=... make page-check"]
fn the_test_sopranos_are_answered_as_render_live_answers_them_and_in_the_module_as_on_this_machine() {
    let Some(path) = std::env::var_os("CHORALES").filter(|path| !path.is_empty()) else { return };
    let dataset = Dataset::open(Path::new(&path), 1).unwrap();
    let model = Arc::new(Model::wavenet().unwrap());
    let soprano = |piece: &corpus::CorpusPiece| {
        let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
        let grid = Grid::new(parts::TICKS_PER_QUARTER, &directions, 0);
        let mut score = parts::chorale_score(&piece.chorale, &grid, 0, parts::TICKS_PER_QUARTER, directions);
        score.parts[1..].iter_mut().for_each(Vec::clear);
        played(&piece.name, &smf::write(&score), Some(0.0), &model)
    };
    let pieces: Vec<Played> = dataset.split(Split::Test).iter().map(soprano).collect();
    let (mut steps, mut by_rounding) = (0, Vec::new());
    for (piece, sent) in pieces.iter().zip(in_node(&pieces)) {
        let other = other_chords(piece, &natively(piece, &model));
        assert!(other.is_empty(), "{}: at steps {other:?} other chords than render --live's", piece.name);
        let other = other_chords(piece, &sent).len();
        steps += piece.expected.len();
        by_rounding.extend((other > 0).then_some((&*piece.name, other)));
    }
    println!(
        "{} sopranos, {steps} steps: other chords in the module than in render --live: {by_rounding:?}",
        pieces.len()
    );
    // Without fused multiply-add the last bits differ, and a draw that lies on a border may fall to its other side.
    let differing: usize = by_rounding.iter().map(|(_, other)| other).sum();
    assert!(differing * 100 <= steps, "more than one chord in a hundred");
}
