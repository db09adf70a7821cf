//! How many of the lines of forty tunes that are not Bach's are found (tests/fixtures/tunes/lines.txt).

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Result;
use harmonizer::phrasing::{Phrasing, Segmentation};

/// What is found in one tune. Notes count from 1.
pub struct TuneLines {
    pub name: String,
    /// Last notes of lines that are not found, and ends that are found where no line or half of one ends.
    pub missed: Vec<usize>,
    pub wrong: Vec<usize>,
    lines: usize,
    found: usize,
}

/// What is found in all tunes; the last line of each counts nowhere.
pub struct Lines {
    pub tunes: Vec<TuneLines>,
}

impl Lines {
    fn sum(&self, of: impl Fn(&TuneLines) -> usize) -> usize {
        self.tunes.iter().map(of).sum()
    }

    /// Of the ends that are found, how many are ends of lines or of their halves.
    pub fn precision(&self) -> f64 {
        1.0 - self.sum(|tune| tune.wrong.len()) as f64 / self.sum(|tune| tune.found) as f64
    }

    /// How many lines' ends are found.
    pub fn recall(&self) -> f64 {
        1.0 - self.sum(|tune| tune.missed.len()) as f64 / self.sum(|tune| tune.lines) as f64
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, lines) = (self.sum(|tune| tune.found), self.sum(|tune| tune.lines));
        write!(
            formatter,
            "of {found} inner ends found {} are ends of lines or of their halves; of {lines} lines' ends {} are found",
            found - self.sum(|tune| tune.wrong.len()),
            lines - self.sum(|tune| tune.missed.len())
        )
    }
}

/// Finds the phrases of each tune.
///
/// # Errors
/// When a fixture can't be read.
pub fn found(phrasing: &Phrasing) -> Result<Lines> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tunes");
    let text = std::fs::read_to_string(folder.join("lines.txt"))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let tunes = lines.filter_map(|line| line.split_once(' ')).map(|(name, ends)| {
        let ends: Vec<_> = ends.split_whitespace().map(end).collect::<Result<_>>()?;
        let cantus = arranger::open(folder.join(format!("{name}.abc")))?.choose(&arranger::Options::default())?;
        let segmentation = Segmentation::new(cantus.contour(), cantus.home(), phrasing);
        let mut places = segmentation.likely_ends(&segmentation.likelihoods());
        places.pop();
        let ends = &ends[..ends.len() - 1];
        let lines: Vec<_> = ends.iter().filter(|(_, is_half)| !is_half).map(|(end, _)| end).collect();
        let is_end = |place: &usize| ends.iter().any(|(end, _)| end.contains(&(place + 1)));
        let is_met = |end: &RangeInclusive<usize>| places.iter().any(|place| end.contains(&(place + 1)));
        Ok(TuneLines {
            name: name.to_owned(),
            missed: lines.iter().filter(|end| !is_met(end)).map(|end| *end.start()).collect(),
            wrong: places.iter().filter(|place| !is_end(place)).map(|place| place + 1).collect(),
            lines: lines.len(),
            found: places.len(),
        })
    });
    Ok(Lines { tunes: tunes.collect::<Result<_>>()? })
}

/// The notes among which a line ends, and whether it is half of one.
fn end(word: &str) -> Result<(RangeInclusive<usize>, bool)> {
    let is_half = word.starts_with('(');
    let word = word.trim_matches(['(', ')']);
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Ok((first.parse()?..=last.parse()?, is_half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_lines_of_tunes_that_are_not_bachs_are_found_and_few_ends_besides() {
        let lines = found(Phrasing::learned()).unwrap();
        assert!(lines.precision() > 0.8, "{lines}");
        assert!(lines.recall() > 0.79, "{lines}");
    }
}
