//! Rows made of what `performer/benches/live.rs` measured through a real JACK server.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::table::{Goal, Row, Times};

/// Of the server there.
const FRAMES_A_SECOND: f64 = 48_000.0;
const PERIODS: [u32; 3] = [64, 128, 256];

/// All that was measured.
pub fn read(figures: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(figures).with_context(|| format!("cannot read '{}'", figures.display()))?;
    serde_json::from_str(&text).with_context(|| format!("'{}' holds no figures", figures.display()))
}

pub fn rows(figures: &Path) -> Result<Vec<Row>> {
    let figures = read(figures)?;
    let mut rows = Vec::new();
    for period in PERIODS {
        let answers = &figures[format!("answers_{period}")];
        // What is told of a distribution stands for it; ratios are of medians.
        let times = |what: &str| {
            let trip = &answers[format!("{what}_round_trip_frames")];
            let at = |percentile: &str| {
                let frames = trip[percentile].as_f64();
                frames.map(|frames| frames * 1e6 / FRAMES_A_SECOND).with_context(|| format!("no {what} at {period}"))
            };
            let (median, tail) = (at("p50")?, at("p99")?);
            Times::from_microseconds([[median; 49].as_slice(), &[tail]].concat())
        };
        let what = format!("key to three notes out and back, {period} frames");
        let goal = Goal::AtMost(1.1);
        rows.push(Row::share(&what, &times("answer")?, "bare MIDI echo, same JACK server", &times("echo")?, goal));
    }
    Ok(rows)
}
