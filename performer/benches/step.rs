//! `make bench`: what a step costs, for each shipped model, beside what one would do without the cached state, and
//! beside the same file in onnxruntime. Times are wall-clock on the machine that is named; ratios are measured in one
//! run, side by side.
//!
//! Run with `cargo bench --workspace --bench step -- [--json] [--python PYTHON]`; PYTHON needs numpy and onnxruntime.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chorale::rules::Guard;
use chorale::{Chord, Part, Phase, Pitch, Token};
use hdrhistogram::Histogram;
use performer::harmonizer::{Harmonizer, Sampling};
use performer::model::{self, Model, Row};
use performer::score::{Direction, Note, Score};
use performer::search::{self, PARTICLES};
use performer::wav::{self, Instrument};
use serde_json::{Value, json};

const STEPS: usize = 3000;

/// Steps a second at 80 quarters a minute.
const STEPS_A_SECOND: f64 = 80.0 / 60.0 * Phase::STEPS_PER_BEAT as f64;

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
    let mut models = serde_json::Map::new();
    for (name, model) in [("wavenet", Model::wavenet()?), ("lstm", Model::lstm()?)] {
        eprintln!("measuring {name} ...");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../models/{name}.onnx"));
        models.insert(name.into(), measure(Arc::new(model), &file, python.as_deref())?);
    }
    let sound = sound_times_real_time()?;
    let result = json!({ "machine": machine(), "steps": STEPS, "models": models, "sound_times_real_time": sound });
    if json_wanted {
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        print_table(&result);
    }
    Ok(())
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

/// A distribution of times, recorded in nanoseconds.
struct Times(Histogram<u64>);

impl Times {
    fn of(count: usize, mut run: impl FnMut(usize) -> Result<Duration>) -> Result<Times> {
        let mut histogram = Histogram::new(3)?;
        for index in 0..count {
            histogram.record(run(index)?.as_nanos() as u64)?;
        }
        Ok(Times(histogram))
    }

    fn json(&self) -> Value {
        let us = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
        let at = |percentile: f64| us(self.0.value_at_percentile(percentile));
        json!({ "p50": at(50.0), "p99": at(99.0), "p99.9": at(99.9), "max": us(self.0.max()) })
    }
}

fn measure(model: Arc<Model>, file: &Path, python: Option<&Path>) -> Result<Value> {
    let piece = piece(&model)?;
    let before = |step: usize| if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };

    let mut context = model::Context::default();
    let mut logits = Vec::new();
    let mut state = model.start();
    let trunk = Times::of(STEPS, |step| {
        let started = Instant::now();
        model.step(&mut [&mut state], &[before(step)], Phase::in_beat(step), &mut context)?;
        Ok(started.elapsed())
    })?;

    // Without the cached state every step starts over from the oldest chord that it can hear. An LSTM hears
    // everything; as many steps as the WaveNet's receptive field stand for it.
    let window = model.metadata.get("receptive_field").and_then(|text| text.parse().ok()).unwrap_or(512);
    let recomputed = Times::of(20, |_| {
        let started = Instant::now();
        let mut state = model.start();
        for step in 0..window {
            model.step(&mut [&mut state], &[before(step)], Phase::in_beat(step), &mut context)?;
        }
        Ok(started.elapsed())
    })?;

    let mut state = model.start();
    let whole = Times::of(STEPS, |step| {
        let (before, given) = (before(step), piece[step % piece.len()]);
        let started = Instant::now();
        model.step(&mut [&mut state], &[before], Phase::in_beat(step), &mut context)?;
        for part in Part::ALL {
            model.logits(part, &mut context, &[Row { state: 0, given }], &mut logits)?;
        }
        Ok(started.elapsed())
    })?;

    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::default());
    let answer = Times::of(STEPS, |step| {
        let soprano = piece[step % piece.len()][Part::Soprano];
        let started = Instant::now();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        harmonizer.answer(soprano)?;
        Ok(started.elapsed())
    })?;

    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::default());
    let table = Times::of(STEPS, |step| {
        let started = Instant::now();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        harmonizer.answers()?;
        Ok(started.elapsed())
    })?;

    // One answer for each soprano of the range, as one would have to without the table.
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::default());
    let separate = Times::of(STEPS / 10, |step| {
        let started = Instant::now();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        let (low, high) = Part::Soprano.range();
        for soprano in (low.midi()..=high.midi()).filter_map(Pitch::new).filter_map(Token::from_pitch) {
            harmonizer.answer(soprano)?;
        }
        Ok(started.elapsed())
    })?;

    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::default());
    let started = Instant::now();
    let mut last = Chord::START;
    for step in 0..STEPS {
        harmonizer.step(last, Phase::in_beat(step))?;
        last = harmonizer.answer(piece[step % piece.len()][Part::Soprano])?;
    }
    let real_time = STEPS as f64 / STEPS_A_SECOND / started.elapsed().as_secs_f64();

    let tasks =
        search::tasks((0..).map(Phase::in_beat).zip(&piece).map(|(phase, chord)| (chord[Part::Soprano], phase)), true);
    let sampling = Sampling { guard: Guard::AHEAD, ..Sampling::default() };
    let started = Instant::now();
    search::search(&model, sampling, &tasks, PARTICLES)?;
    let ahead = tasks.len() as f64 / STEPS_A_SECOND / started.elapsed().as_secs_f64();

    Ok(json!({
        "window": window,
        "trunk_step_us": trunk.json(),
        "recomputed_step_us": recomputed.json(),
        "whole_graph_us": whole.json(),
        "onnxruntime_whole_graph_us": onnxruntime(file, python)?,
        "answer_us": answer.json(),
        "answer_table_us": table.json(),
        "separate_answers_us": separate.json(),
        "render_live_times_real_time": real_time.round(),
        "render_ahead_times_real_time": ahead.round(),
    }))
}

/// A piece to walk along: the model's own, always the same.
fn piece(model: &Arc<Model>) -> Result<Vec<Chord>> {
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::default());
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

/// The same whole graph in onnxruntime, or null with a message when there is none.
fn onnxruntime(file: &Path, python: Option<&Path>) -> Result<Value> {
    let Some(python) = python else {
        eprintln!("  onnxruntime: skipped, no --python given");
        return Ok(Value::Null);
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
        return Ok(Value::Null);
    }
    serde_json::from_slice(&output.stdout).context("the times printed by onnxruntime_step.py")
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix("model name")?.trim_start_matches([' ', '\t', ':']).to_string()))
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores, {}", cpu.as_deref().unwrap_or(std::env::consts::ARCH), std::env::consts::OS)
}

fn print_table(result: &Value) {
    println!("{}, {} steps", result["machine"].as_str().unwrap_or_default(), result["steps"]);
    println!("{:>8}  {:<58} {:>9} {:>9} {:>9} {:>9}", "ratio", "times in microseconds", "p50", "p99", "p99.9", "max");
    if let Some(times) = result["sound_times_real_time"].as_f64() {
        println!("{times:>8.1}  sound: a WAV file by the organ, times real time");
    }
    let Some(models) = result["models"].as_object() else { return };
    for (name, model) in models {
        let p50 = |key: &str| model[key]["p50"].as_f64();
        let row = |ratio: Option<f64>, what: String, key: &str| {
            let at = |percentile: &str| model[key][percentile].as_f64().map_or("-".into(), |us| format!("{us:.1}"));
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
            println!("{ratio:>8}  {what:<58} {:>9} {:>9} {:>9} {:>9}", at("p50"), at("p99"), at("p99.9"), at("max"));
        };
        let ratio = |a: &str, b: &str| Some(p50(a)? / p50(b)?);
        row(None, format!("{name}: trunk step, cached state"), "trunk_step_us");
        row(
            ratio("recomputed_step_us", "trunk_step_us"),
            format!("{name}: recomputing {} steps, against it", model["window"]),
            "recomputed_step_us",
        );
        row(None, format!("{name}: whole graph (trunk and four heads)"), "whole_graph_us");
        row(
            ratio("onnxruntime_whole_graph_us", "whole_graph_us"),
            format!("{name}: the same in onnxruntime, against it"),
            "onnxruntime_whole_graph_us",
        );
        row(None, format!("{name}: step and answer to one soprano"), "answer_us");
        row(
            ratio("answer_table_us", "separate_answers_us"),
            format!("{name}: step and whole answer table, against separate answers"),
            "answer_table_us",
        );
        row(None, format!("{name}: step and separate answers to 22 sopranos"), "separate_answers_us");
        for (key, what) in
            [("render_live_times_real_time", "--live"), ("render_ahead_times_real_time", "looking ahead")]
        {
            let times = model[key].as_f64().unwrap_or_default();
            println!("{times:>8.0}  {name}: rendering, {what}: times real time at 80 BPM, one core");
        }
    }
}
