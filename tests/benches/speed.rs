//! `make bench`: what the networks cost, each row beside what it is measured against, in one run on one machine. Times are
//! wall-clock; a ratio is of medians.
//!
//! Run with `cargo bench --workspace --bench speed -- [--json] [--python PYTHON]`; PYTHON needs numpy and onnxruntime.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use candle_core::Device;
use chorale::{Chord, Part, Phase, Pitch, Token};
use hdrhistogram::Histogram;
use performer::guards::Purpose;
use performer::harmonizer::{Harmonizer, Sampling};
use performer::model::{self, Model, Row, State};
use performer::score::{Direction, Note, Score};
use performer::search::{self, PARTICLES, Task};
use performer::wav::{self, Instrument};
use prost::Message;
use serde_json::{Value, json};
use tract_onnx::pb::ModelProto;
use trainer::checkpoint::Header;
use trainer::network::Network;
use trainer::settings::{Settings, TrunkSettings};

const STEPS: usize = 3000;

/// Steps a second at 80 quarters a minute.
const STEPS_A_SECOND: f64 = 80.0 / 60.0 * Phase::STEPS_PER_BEAT as f64;

/// A line of the table.
struct Line {
    what: String,
    /// Against what is named in `what`, and what is wanted of it.
    ratio: Option<f64>,
    wanted: &'static str,
    times: Option<Times>,
}

fn main() -> Result<()> {
    let mut json_wanted = false;
    let mut python = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json_wanted = true,
            "--python" => python = Some(PathBuf::from(arguments.next().context("--python needs a path")?)),
            // What `cargo bench` adds by itself.
            "--bench" => {}
            other => bail!("unknown option '{other}': expected --json or --python PYTHON"),
        }
    }
    eprintln!("measuring the program ...");
    let mut lines = program()?;
    for name in ["wavenet", "lstm"] {
        eprintln!("measuring {name} ...");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../models/{name}.onnx"));
        let measured = network(&file, python.as_deref()).with_context(|| name.to_string())?;
        lines.extend(measured.into_iter().map(|line| Line { what: format!("{name}: {}", line.what), ..line }));
    }
    eprintln!("measuring growth ...");
    lines.extend(growth()?);
    lines.push(Line::rate("sound: a WAV file by the organ, times real time", "", sound_times_real_time()?));
    if json_wanted {
        let lines: Vec<Value> = lines.iter().map(Line::json).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "machine": machine(), "lines": lines }))?);
    } else {
        println!("{}", machine());
        println!(
            "{:>8}  {:>7}  {:<66} {:>9} {:>9} {:>9} {:>9}",
            "ratio", "wanted", "times in microseconds", "p50", "p99", "p99.9", "max"
        );
        lines.iter().for_each(Line::print);
    }
    Ok(())
}

impl Line {
    fn times(what: &str, times: Times) -> Line {
        Line { what: what.into(), ratio: None, wanted: "", times: Some(times) }
    }

    fn ratio(what: &str, wanted: &'static str, times: Times, against: &Times) -> Line {
        let ratio = Some(times.median() / against.median());
        Line { what: what.into(), ratio, wanted, times: Some(times) }
    }

    fn rate(what: &str, wanted: &'static str, ratio: f64) -> Line {
        Line { what: what.into(), ratio: Some(ratio), wanted, times: None }
    }

    fn json(&self) -> Value {
        let times = self.times.as_ref().map(Times::json);
        json!({ "what": self.what, "ratio": self.ratio, "wanted": self.wanted, "us": times })
    }

    fn print(&self) {
        let ratio = match self.ratio {
            Some(ratio) if ratio >= 20.0 => format!("{ratio:.0}"),
            Some(ratio) => format!("{ratio:.2}"),
            None => String::new(),
        };
        let times = self.times.as_ref().map(Times::json).unwrap_or_default();
        let at = |percentile: &str| times[percentile].as_f64().map_or(String::new(), |us| format!("{us:.1}"));
        let line = format!(
            "{ratio:>8}  {:>7}  {:<66} {:>9} {:>9} {:>9} {:>9}",
            self.wanted,
            self.what,
            at("p50"),
            at("p99"),
            at("p99.9"),
            at("max")
        );
        println!("{}", line.trim_end());
    }
}

/// A distribution of times, recorded in nanoseconds.
#[derive(Clone)]
struct Times(Histogram<u64>);

impl Times {
    fn of(count: usize, mut run: impl FnMut(usize) -> Result<Duration>) -> Result<Times> {
        let mut histogram = Histogram::new(3)?;
        for index in 0..count {
            histogram.record(run(index)?.as_nanos() as u64)?;
        }
        Ok(Times(histogram))
    }

    fn median(&self) -> f64 {
        self.0.value_at_percentile(50.0) as f64 / 1000.0
    }

    /// In microseconds.
    fn json(&self) -> Value {
        let us = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
        let at = |percentile: f64| us(self.0.value_at_percentile(percentile));
        json!({ "p50": at(50.0), "p99": at(99.0), "p99.9": at(99.9), "max": us(self.0.max()) })
    }
}

/// How many seconds of a WAV file the organ makes in one: four parts in quarters at 80 to the minute.
fn sound_times_real_time() -> Result<f64> {
    let note = |index: u32, pitch: u8| {
        let pitch = Pitch::new(pitch + (index % 5) as u8).context("a MIDI note")?;
        Ok(Note { start: index * 480, end: (index + 1) * 480, pitch, velocity: 80 })
    };
    let part = |pitch: u8| (0..320).map(|index| note(index, pitch)).collect::<Result<Vec<_>>>();
    let parts = [part(72)?, part(65)?, part(58)?, part(45)?];
    let directions = vec![(0, Direction::Tempo(750_000))];
    let score = Score { ticks_per_quarter: 480, directions, parts, ..Score::default() };
    let begun = Instant::now();
    wav::write(&score, &Instrument::Organ, [1.0; 4])?;
    Ok(score.clock().seconds(score.end()) / begun.elapsed().as_secs_f64())
}

/// From the start of the program to a chord written, its memory and its size.
fn program() -> Result<Vec<Line>> {
    let program = tests::binary::performer();
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("new.mid");
    let mut megabytes = 0f64;
    let start = Times::of(20, |_| {
        let begun = Instant::now();
        let arguments = ["generate", "--steps", "4", "--force", "-o"];
        let mut command = Command::new(program);
        let child = command.args(arguments).arg(&output).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        megabytes = megabytes.max(wait(child)?);
        Ok(begun.elapsed())
    })?;
    let mut lines = vec![Line::times("start to first chords in a file (wanted: 200 ms)", start)];
    if megabytes > 0.0 {
        lines.push(Line::rate("its resident memory at the most, MB", "<= 64", megabytes));
    }
    lines.push(Line::rate("its size on disk, MB", "<= 30", program.metadata()?.len() as f64 / 1e6));
    Ok(lines)
}

/// Waits for the end of a program and gives the most memory that it had, in megabytes.
#[cfg(unix)]
fn wait(child: Child) -> Result<f64> {
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    #[allow(unsafe_code)]
    // SAFETY: the call fills what it is given, and zeros are a valid value of it.
    let (found, usage) = unsafe {
        let found = libc::wait4(child.id() as libc::pid_t, &mut status, 0, usage.as_mut_ptr());
        (found, usage.assume_init())
    };
    ensure!(found == child.id() as libc::pid_t && status == 0, "the program failed to write a chorale");
    // In kilobytes, but on macOS in bytes.
    Ok(usage.ru_maxrss as f64 * if cfg!(target_os = "macos") { 1e-6 } else { 1024e-6 })
}

/// Waits for the end of a program.
#[cfg(not(unix))]
fn wait(mut child: Child) -> Result<f64> {
    ensure!(child.wait()?.success(), "the program failed to write a chorale");
    Ok(0.0)
}

fn network(file: &Path, python: Option<&Path>) -> Result<Vec<Line>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read '{}'", file.display()))?;
    let name = file.display().to_string();
    let model = Arc::new(Model::from_bytes(&name, &bytes)?);
    ensure!(!model.is_in_tract(), "the network is left to tract");
    let piece = piece(&model)?;
    let before = |step: usize| if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };
    let sopranos = |step: usize| piece[step % piece.len()][Part::Soprano];
    let mut lines = Vec::new();

    let mut context = model::Context::default();
    let mut state = model.start();
    let trunk = Times::of(STEPS, |step| {
        let started = Instant::now();
        model.step(&mut [&mut state], &[before(step)], Phase::in_beat(step), &mut context)?;
        Ok(started.elapsed())
    })?;

    // Without the cached state every step starts over from the oldest chord that it can hear. An LSTM hears
    // everything; twice as many steps as the WaveNet's receptive field stand for it.
    let window = model.metadata.get("receptive_field").and_then(|text| text.parse().ok()).unwrap_or(512);
    let recomputed = Times::of(20, |_| {
        let started = Instant::now();
        let mut state = model.start();
        for step in 0..window {
            model.step(&mut [&mut state], &[before(step)], Phase::in_beat(step), &mut context)?;
        }
        Ok(started.elapsed())
    })?;
    let what = format!("recomputing {window} steps, against the trunk's step");
    let recomputed = Line::ratio(&what, ">= 50", recomputed, &trunk);
    lines.extend([Line::times("trunk step, cached state", trunk), recomputed]);

    let whole = whole_graph(&model, &piece)?;
    let in_tract = whole_graph(&Model::in_tract(&name, &bytes)?, &piece)?;
    lines.push(Line::ratio("whole graph (trunk and four heads), against tract", "", whole.clone(), &in_tract));
    if let Some(theirs) = onnxruntime(file, python)? {
        let ratio = Some(whole.median() / theirs["p50"].as_f64().context("a median")?);
        lines.push(Line { ratio, ..Line::rate("the same, against onnxruntime, 1 thread", "<= 0.7", 0.0) });
        let at = |key: &str| theirs[key].as_f64().unwrap_or_default();
        let what = format!("onnxruntime (p99 {:.1}, max {:.1}), p50", at("p99"), at("max"));
        lines.push(Line::rate(&what, "", at("p50")));
    }
    let floor = floor(&bytes)?;
    lines.push(Line::ratio("the same, against the floor: each weight once, plainly", "<= 3", whole, &floor));
    lines.extend([Line::times("the floor", floor), Line::times("the same graph in tract", in_tract)]);

    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
    let answer = Times::of(STEPS, |step| {
        let started = Instant::now();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        harmonizer.answer(sopranos(step))?;
        Ok(started.elapsed())
    })?;
    let tables = || {
        let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
        Times::of(STEPS, |step| {
            let started = Instant::now();
            harmonizer.step(before(step), Phase::in_beat(step))?;
            harmonizer.answers()?;
            Ok(started.elapsed())
        })
    };
    let table = tables()?;
    let (low, high) = Part::Soprano.range();
    let range: Vec<Token> = (low.midi()..=high.midi()).filter_map(Pitch::new).filter_map(Token::from_pitch).collect();
    // What a program without the table would do for each soprano: the whole way from the state.
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
    let separate = Times::of(STEPS / 10, |step| {
        let started = Instant::now();
        for &soprano in &range {
            let mut alone = harmonizer.clone();
            alone.step(before(step), Phase::in_beat(step))?;
            alone.answer(soprano)?;
        }
        let elapsed = started.elapsed();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        Ok(elapsed)
    })?;
    // What is left of it where the trunk's step is shared, as here it always is.
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
    let after_one_step = Times::of(STEPS / 10, |step| {
        let started = Instant::now();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        for &soprano in &range {
            harmonizer.answer(soprano)?;
        }
        Ok(started.elapsed())
    })?;
    lines.push(Line::times("step and answer to one soprano", answer));
    lines.push(Line::ratio("step and answer table, against 22 separate answers", "<= 0.2", table.clone(), &separate));
    lines.push(Line::ratio("the same, against 22 answers after one step", "", table, &after_one_step));
    lines.push(Line::times("22 separate answers, each with its step", separate));
    lines.push(Line::times("22 answers after one step", after_one_step));
    lines.push(Line::times("answer table, the other core busy (wanted: p99 3 ms)", while_busy(&model, tables)?));

    let begun = Instant::now();
    walk(&model, &piece, STEPS)?;
    let live = STEPS as f64 / STEPS_A_SECOND / begun.elapsed().as_secs_f64();
    lines.push(Line::rate("rendering, --live: times real time at 80 BPM, one core", ">= 1000", live));
    let tasks = tasks(&piece);
    let begun = Instant::now();
    search::search(&model, Sampling::of(&model, Purpose::Ahead), &tasks, PARTICLES)?;
    let ahead = tasks.len() as f64 / STEPS_A_SECOND / begun.elapsed().as_secs_f64();
    lines.push(Line::rate("rendering, looking ahead: times real time at 80 BPM, one core", ">= 50", ahead));
    Ok(lines)
}

fn tasks(piece: &[Chord]) -> Vec<Task> {
    search::tasks(piece.iter().map(|chord| chord[Part::Soprano]).zip((0..).map(Phase::in_beat)), true)
}

/// Answers to a soprano, each fed back.
fn walk(model: &Arc<Model>, piece: &[Chord], steps: usize) -> Result<()> {
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
    let mut last = Chord::START;
    for step in 0..steps {
        harmonizer.step(last, Phase::in_beat(step))?;
        last = harmonizer.answer(piece[step % piece.len()][Part::Soprano])?;
    }
    Ok(())
}

/// The trunk and each head for one row.
fn whole_graph(model: &Model, piece: &[Chord]) -> Result<Times> {
    let (mut state, mut context, mut logits) = (model.start(), model::Context::default(), Vec::new());
    Times::of(STEPS, |step| {
        let before = if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };
        let given = piece[step % piece.len()];
        let started = Instant::now();
        model.step(&mut [&mut state], &[before], Phase::in_beat(step), &mut context)?;
        for part in Part::ALL {
            model.logits(part, &mut context, &[Row { state: 0, given }], &mut logits)?;
        }
        Ok(started.elapsed())
    })
}

/// Every matrix of the file times a vector, by two plain loops over its lines and columns, one after the other.
fn floor(bytes: &[u8]) -> Result<Times> {
    let graph = ModelProto::decode(bytes)?.graph.context("a graph")?;
    let matrices: Vec<(usize, Vec<f32>)> = graph
        .initializer
        .iter()
        .filter(|constant| constant.name.ends_with(".weight"))
        .map(|constant| {
            let values = constant.raw_data.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value));
            (constant.dims[1] as usize, values.collect())
        })
        .collect();
    let x = vec![0.5f32; 4096];
    let mut sums = vec![0f32; 4096];
    Times::of(STEPS, |_| {
        let started = Instant::now();
        for (columns, values) in &matrices {
            let sums = &mut sums[..*columns];
            sums.fill(0.0);
            add_lines(&x, values, sums);
            std::hint::black_box(sums);
        }
        Ok(started.elapsed())
    })
}

arithmetic::wide! {
    fn add_lines(x: &[f32], values: &[f32], sums: &mut [f32]) {
        for (x, line) in x.iter().zip(values.chunks_exact(sums.len())) {
            sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += x * value);
        }
    }
}

/// What is measured while a second network works out tables of its own, on another core.
fn while_busy(model: &Arc<Model>, measure: impl FnOnce() -> Result<Times>) -> Result<Times> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| -> Result<()> {
            let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
            for step in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                harmonizer.step(if step == 0 { Chord::START } else { Chord::SILENCE }, Phase::in_beat(step))?;
                harmonizer.answers()?;
            }
            Ok(())
        });
        let times = measure();
        is_over.store(true, Ordering::Relaxed);
        busy.join().map_err(|_| anyhow::anyhow!("the busy thread panicked"))??;
        times
    })
}

/// How the cost grows with the work: each line's ratio is between the ends, by unit of work.
fn growth() -> Result<Vec<Line>> {
    let model = Arc::new(Model::wavenet()?);
    let piece = piece(&model)?;
    let mut lines = Vec::new();
    let mut add = |what: &str, wanted, costs: &BTreeMap<usize, f64>| {
        let (first, last) = (costs.first_key_value(), costs.last_key_value());
        let ratio = first.zip(last).map_or(f64::NAN, |((_, first), (_, last))| last / first);
        let costs: Vec<String> = costs.iter().map(|(work, cost)| format!("{work}: {cost:.1}")).collect();
        lines.push(Line::rate(&format!("{what}, us ({})", costs.join(", ")), wanted, ratio));
    };

    let mut costs = BTreeMap::new();
    for steps in [100, 1000, 10_000, 100_000] {
        let repeats = (10_000 / steps).max(1);
        let begun = Instant::now();
        (0..repeats).try_for_each(|_| walk(&model, &piece, steps))?;
        costs.insert(steps, begun.elapsed().as_secs_f64() * 1e6 / (repeats * steps) as f64);
    }
    add("growth: a step of a piece of so many", "~ 1", &costs);

    let tasks = tasks(&piece[..64]);
    let mut costs = BTreeMap::new();
    for particles in [1, 4, 16, 64, 256] {
        let begun = Instant::now();
        search::search(&model, Sampling::of(&model, Purpose::Ahead), &tasks, particles)?;
        costs.insert(particles, begun.elapsed().as_secs_f64() * 1e6 / (tasks.len() * particles) as f64);
    }
    add("growth: a step of each of so many particles", "<= 1", &costs);

    let mut costs = BTreeMap::new();
    for field in (6..=12).map(|power| 1usize << power) {
        let model = Model::from_bytes("random", &random_wavenet(field)?)?;
        let (mut state, mut context) = (model.start(), model::Context::default());
        let times = Times::of(2 * field + 500, |step| {
            let before = if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };
            let begun = Instant::now();
            model.step(&mut [&mut state as &mut State], &[before], Phase::in_beat(step), &mut context)?;
            Ok(begun.elapsed())
        })?;
        costs.insert(field, times.median());
    }
    add("growth: a step of six layers that hear so far back", "~ 1", &costs);
    Ok(lines)
}

/// Six layers of 64 channels with random weights.
fn random_wavenet(receptive_field: usize) -> Result<Vec<u8>> {
    let dilations = (0..6).map(|layer| (1 << layer) * receptive_field / 64).collect();
    let trunk = TrunkSettings::Wavenet { channels: 64, kernel: 2, dilations, context: 128 };
    let settings = Settings { trunk, head_width: 64, ..Settings::wavenet() };
    let variables = Network::declare(&settings, &Device::Cpu)?.variables;
    let weights = variables.into_iter().map(|(name, variable)| (name, variable.as_tensor().clone())).collect();
    let header = Header {
        settings: settings.clone(),
        epoch: 0,
        updates: 0,
        valid_t: 0.0,
        best_t: 0.0,
        seconds: 0.0,
        command: "none: random weights".into(),
        commit: "none".into(),
    };
    trainer::export::encode(&Network::new(&settings, &weights)?, &header, 0.0, 0.0)
}

/// A piece to walk along: the model's own, always the same.
fn piece(model: &Arc<Model>) -> Result<Vec<Chord>> {
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
    let mut piece = Vec::new();
    let mut last = Chord::START;
    for step in 0..256 {
        harmonizer.step(last, Phase::in_beat(step))?;
        last = harmonizer.continuation()?;
        if last[Part::Soprano] == Token::REST {
            last = Chord::SILENCE;
        }
        piece.push(last);
    }
    Ok(piece)
}

/// The same whole graph in onnxruntime, or nothing but a message when there is none.
fn onnxruntime(file: &Path, python: Option<&Path>) -> Result<Option<Value>> {
    let Some(python) = python else {
        eprintln!("  onnxruntime: skipped, no --python given");
        return Ok(None);
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/onnxruntime_step.py");
    let output = Command::new(python)
        .arg(script)
        .arg(file)
        .arg(STEPS.to_string())
        .output()
        .with_context(|| format!("cannot run '{}'", python.display()))?;
    if !output.status.success() {
        eprintln!("  onnxruntime: skipped: {}", String::from_utf8_lossy(&output.stderr).trim());
        return Ok(None);
    }
    serde_json::from_slice(&output.stdout).map(Some).context("the times printed by onnxruntime_step.py")
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix("model name")?.trim_start_matches([' ', '\t', ':']).to_string()))
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores, {}", cpu.as_deref().unwrap_or(std::env::consts::ARCH), std::env::consts::OS)
}
