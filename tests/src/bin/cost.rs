//! What quality costs: validation T of networks of several sizes against the time that one step takes live, as a table
//! and as a picture.
//!
//!     cargo run --release --bin cost -- OUT.svg MODEL.onnx ...
//!
//! T is what the trainer wrote into the file. Times are medians on one core, all networks in turn in one run: the trunk
//! with one answer, and the trunk with the answers to all sopranos.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chorale::{Chord, Part, Phase};
use harmonizer::{Harmonizer, Sampling};
use network::Model;
use plotters::prelude::*;

/// Rounds in which each network takes its turn, and steps of a turn.
const ROUNDS: usize = 20;
const STEPS: usize = 64;

struct Size {
    name: String,
    architecture: String,
    valid_t: f64,
    megabytes: f64,
    walk: Walk,
    answer_us: Vec<f64>,
    table_us: Vec<f64>,
}

/// A chorale that the network writes as it goes, so that its answers are those of real music.
struct Walk {
    harmonizer: Harmonizer,
    last: Chord,
    steps: usize,
}

impl Walk {
    /// Microseconds for the trunk and one answer, and for the trunk and all of them.
    fn step(&mut self) -> Result<(f64, f64)> {
        let microseconds = |since: Instant| since.elapsed().as_secs_f64() * 1e6;
        let phase = Phase::in_beat(self.steps);
        let begun = Instant::now();
        self.harmonizer.step(self.last, phase)?;
        let trunk = microseconds(begun);
        self.last = self.harmonizer.continuation()?;
        let begun = Instant::now();
        self.harmonizer.answer(self.last[Part::Soprano])?;
        let answer = trunk + microseconds(begun);
        let begun = Instant::now();
        self.harmonizer.answers()?;
        self.steps += 1;
        Ok((answer, trunk + microseconds(begun)))
    }
}

impl Size {
    fn open(path: &Path) -> Result<Size> {
        let model = Model::load(path)?;
        let entry = |name: &str| {
            model.metadata.get(name).with_context(|| format!("{}: no '{name}' in its metadata", path.display()))
        };
        Ok(Size {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            architecture: entry("architecture")?.clone(),
            valid_t: entry("valid_T")?.parse().with_context(|| format!("valid_T of {}", path.display()))?,
            megabytes: std::fs::metadata(path)?.len() as f64 / 1e6,
            walk: Walk {
                harmonizer: Harmonizer::new(Arc::new(model), Sampling::default()),
                last: Chord::START,
                steps: 0,
            },
            answer_us: Vec::new(),
            table_us: Vec::new(),
        })
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<()> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let out = paths.next().context("usage: cost OUT.svg MODEL.onnx ...")?;
    let mut sizes = paths.map(|path| Size::open(&path)).collect::<Result<Vec<_>>>()?;
    ensure!(!sizes.is_empty(), "usage: cost OUT.svg MODEL.onnx ...");
    for _ in 0..ROUNDS {
        for size in &mut sizes {
            for _ in 0..STEPS {
                let (answer, table) = size.walk.step()?;
                size.answer_us.push(answer);
                size.table_us.push(table);
            }
        }
    }
    sizes.sort_by(|a, b| a.valid_t.total_cmp(&b.valid_t));
    println!("| network | MB | valid T | step and answer, µs | step and answer table, µs |\n|---|---|---|---|---|");
    let mut points = Vec::new();
    for size in &mut sizes {
        let (answer, table) = (median(&mut size.answer_us), median(&mut size.table_us));
        println!("| {} | {:.2} | {:.4} | {answer:.0} | {table:.0} |", size.name, size.megabytes, size.valid_t);
        points.push((answer, size.valid_t, size.name.clone(), size.architecture == "lstm"));
    }
    let svg = draw(&points)?;
    std::fs::write(&out, svg).with_context(|| format!("cannot write {}", out.display()))
}

/// Points of (microseconds a step, T, name, whether it is an LSTM) as SVG.
fn draw(points: &[(f64, f64, String, bool)]) -> Result<String> {
    let bounds = |value: fn(&(f64, f64, String, bool)) -> f64, margin: f64| {
        let values = points.iter().map(value);
        let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
        let room = (high - low).max(1e-3) * margin;
        low - room..high + room
    };
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Validation T against the time of a step with its answer", ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(bounds(|point| point.0, 0.2), bounds(|point| point.1, 0.1))?;
    chart.configure_mesh().disable_mesh().x_desc("microseconds, one core").y_desc("nats per note").draw()?;
    // The names of one family stand below its points, those of the other above.
    for (is_lstm, label, color, above) in [(false, "WaveNet", BLUE, 6), (true, "LSTM", RED, -18)] {
        let family = points.iter().filter(|point| point.3 == is_lstm);
        chart
            .draw_series(family.map(|(time, t, name, _)| {
                EmptyElement::at((*time, *t))
                    + Circle::new((0, 0), 5, color.filled())
                    + Text::new(name.clone(), (-14, above), ("sans-serif", 13))
            }))?
            .label(label)
            .legend(move |(x, y)| Circle::new((x + 10, y), 5, color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    drop(chart);
    drop(area);
    Ok(svg)
}
