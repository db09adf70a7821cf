//! A step and the answers of a shipped network.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chorale::{Chord, Part, Phase, Pitch, Token};
use contract::half::from_half;
use harmonizer::{Harmonizer, Purpose, Sampling};
use network::{Model, Row as Asked};
use prost::Message;
use tract_onnx::pb::ModelProto;

use crate::table::{Goal, Row, Times};

const STEPS: usize = 3000;

/// How long a table may take at the 99th of a hundred, in microseconds.
const LONGEST_TABLE: f64 = 3000.0;

pub fn rows(name: &str, python: Option<&Path>) -> Result<Vec<Row>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../models/{name}.onnx"));
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read '{}'", file.display()))?;
    let model = Arc::new(Model::from_bytes(name, &bytes)?);
    ensure!(model.runtime() == network::Runtime::Fused, "the network is left to tract: {:?}", model.runtime());
    let piece = piece(&model)?;
    let before = |step: usize| if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };
    let sopranos = |step: usize| piece[step % piece.len()][Part::Soprano];
    let mut rows = Vec::new();

    let mut context = network::Context::default();
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
    let against = format!("recomputing {window} steps, same engine");
    rows.push(Row::times_faster("trunk step, cached state", &trunk, &against, &recomputed, Goal::AtLeast(50.0)));

    let whole = whole_graph(&model, &piece)?;
    let what = "whole step (trunk and four heads)";
    if let Some(theirs) = onnxruntime(&file, python)? {
        let against = "onnxruntime, 1 thread, I/O binding";
        rows.push(Row::share(what, &whole, against, &theirs, Goal::AtMost(0.7)));
    }
    rows.push(Row::share(what, &whole, "each weight once, plainly", &floor(&bytes)?, Goal::AtMost(3.0)));
    let in_tract = whole_graph(&Model::in_tract(name, &bytes)?, &piece)?;
    rows.push(Row::share(what, &whole, "the same graph in tract", &in_tract, Goal::None));

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
    let (all, range) = (Token::all().collect::<Vec<_>>(), &range[..]);
    for (sopranos, goal) in [(range, Goal::AtMost(0.2)), (&all[..], Goal::None)] {
        // What a program without the table would do for each soprano: the whole way from the state.
        let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
        let separate = Times::of(STEPS / 10, |step| {
            let started = Instant::now();
            for &soprano in sopranos {
                let mut alone = harmonizer.clone();
                alone.step(before(step), Phase::in_beat(step))?;
                alone.answer(soprano)?;
            }
            let elapsed = started.elapsed();
            harmonizer.step(before(step), Phase::in_beat(step))?;
            Ok(elapsed)
        })?;
        let against = format!("{} separate answers", sopranos.len());
        rows.push(Row::share("step and whole answer table", &table, &against, &separate, goal));
    }
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(&model, Purpose::Live));
    let answer = Times::of(STEPS, |step| {
        let started = Instant::now();
        harmonizer.step(before(step), Phase::in_beat(step))?;
        harmonizer.answer(sopranos(step))?;
        Ok(started.elapsed())
    })?;
    rows.push(Row::share("step and answer to one soprano", &answer, "step and whole answer table", &table, Goal::None));
    let busy = while_busy(&model, tables)?;
    let ratio = busy.at(99.0) / LONGEST_TABLE;
    let what = "the table's p99 while the other core is busy";
    rows.push(Row { times: [Some(busy), None], ..Row::figure(what, "3 ms", ratio, Goal::AtMost(1.0)) });
    rows.iter_mut().for_each(|row| row.what = format!("{name}: {}", row.what));
    Ok(rows)
}

/// The trunk and each head for one row.
fn whole_graph(model: &Model, piece: &[Chord]) -> Result<Times> {
    let (mut state, mut context, mut logits) = (model.start(), network::Context::default(), Vec::new());
    Times::of(STEPS, |step| {
        let before = if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };
        let given = piece[step % piece.len()];
        let started = Instant::now();
        model.step(&mut [&mut state], &[before], Phase::in_beat(step), &mut context)?;
        for part in Part::ALL {
            model.logits(part, &mut context, &[Asked { state: 0, given }], &mut logits)?;
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
        .filter(|constant| constant.name.ends_with(".weight.halves"))
        .map(|constant| {
            let values = constant.raw_data.as_chunks().0.iter().map(|&value| from_half(u16::from_le_bytes(value)));
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

arithmetic::multiversion! {
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
            let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(model, Purpose::Live));
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

/// A piece to walk along: the model's own, always the same.
pub fn piece(model: &Arc<Model>) -> Result<Vec<Chord>> {
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(model, Purpose::Live));
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
fn onnxruntime(file: &Path, python: Option<&Path>) -> Result<Option<Times>> {
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
    let microseconds: Vec<f64> =
        serde_json::from_slice(&output.stdout).context("the times printed by onnxruntime_step.py")?;
    Times::from_microseconds(microseconds).map(Some)
}
