//! Rows of the table, and the times in them.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// A row of the table.
pub struct Row {
    pub what: String,
    pub against: String,
    /// What the first is of the second (for [`Goal::AtLeast`]: how many times as fast, or as much as is asked for).
    pub ratio: f64,
    pub goal: Goal,
    /// Of `what` and of `against`, where they are times.
    pub times: [Option<Times>; 2],
}

/// What the ratio should be.
#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// There is none; the row tells for itself.
    None,
}

impl Goal {
    /// Whether the ratio misses it.
    fn is_missed(self, ratio: f64) -> bool {
        match self {
            Goal::AtMost(most) => ratio.is_nan() || ratio > most,
            Goal::AtLeast(least) => ratio.is_nan() || ratio < least,
            Goal::None => false,
        }
    }

    fn text(self) -> String {
        match self {
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::AtLeast(least) => format!(">= {least}"),
            Goal::None => String::new(),
        }
    }
}

impl Row {
    /// What share of the time of `against` `what` takes.
    pub fn share(what: &str, times: &Times, against: &str, others: &Times, goal: Goal) -> Row {
        Row {
            what: what.into(),
            against: against.into(),
            ratio: times.median() / others.median(),
            goal,
            times: [Some(times.clone()), Some(others.clone())],
        }
    }

    /// How many times as long `against` takes.
    pub fn times_faster(what: &str, times: &Times, against: &str, others: &Times, goal: Goal) -> Row {
        Row { ratio: others.median() / times.median(), ..Row::share(what, times, against, others, goal) }
    }

    /// A figure, against what is wanted.
    pub fn figure(what: &str, against: &str, ratio: f64, goal: Goal) -> Row {
        Row { what: what.into(), against: against.into(), ratio, goal, times: [None, None] }
    }

    pub fn json(&self) -> Value {
        let [times, others] = self.times.each_ref().map(|times| times.as_ref().map(Times::json));
        json!({
            "ratio": self.ratio,
            "goal": self.goal.text(),
            "missed": self.goal.is_missed(self.ratio),
            "what": self.what,
            "against": self.against,
            "us": times,
            "against_us": others,
        })
    }
}

/// Prints rows beneath their heading; a ratio that misses its goal is followed by an exclamation mark.
pub fn print(rows: &[Row]) {
    println!(
        "{:>8}  {:>7}  {:<48} {:>8} {:>8}   {:<40} {:>8}",
        "ratio", "goal", "", "p50 us", "p99 us", "against", "p50 us"
    );
    for row in rows {
        let ratio = match row.ratio {
            ratio if ratio >= 20.0 => format!("{ratio:.0}"),
            ratio => format!("{ratio:.2}"),
        };
        let mark = if row.goal.is_missed(row.ratio) { '!' } else { ' ' };
        let at = |times: &Option<Times>, percentile| {
            times.as_ref().map_or(String::new(), |times| format!("{:.1}", times.at(percentile)))
        };
        let line = format!(
            "{ratio:>8}{mark} {:>7}  {:<48} {:>8} {:>8}   {:<40} {:>8}",
            row.goal.text(),
            row.what,
            at(&row.times[0], 50.0),
            at(&row.times[0], 99.0),
            row.against,
            at(&row.times[1], 50.0)
        );
        println!("{}", line.trim_end());
    }
}

/// A distribution of times, recorded in nanoseconds.
#[derive(Clone)]
pub struct Times(Histogram<u64>);

impl Times {
    /// Of `count` runs, each of which says how long it took.
    pub fn of(count: usize, mut run: impl FnMut(usize) -> Result<Duration>) -> Result<Times> {
        let mut histogram = Histogram::new(3)?;
        for index in 0..count {
            histogram.record(run(index)?.as_nanos() as u64)?;
        }
        Ok(Times(histogram))
    }

    pub fn from_microseconds(values: impl IntoIterator<Item = f64>) -> Result<Times> {
        let mut histogram = Histogram::new(3)?;
        for value in values {
            histogram.record((value * 1000.0) as u64)?;
        }
        Ok(Times(histogram))
    }

    /// In microseconds.
    pub fn at(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1000.0
    }

    pub fn median(&self) -> f64 {
        self.at(50.0)
    }

    fn json(&self) -> Value {
        json!({ "p50": self.at(50.0), "p99": self.at(99.0), "p99.9": self.at(99.9), "max": self.0.max() as f64 / 1000.0 })
    }
}
