//! Measures that hold more or less than their metre, where nothing explains it.

use super::timeline::{Span, Timeline};
use super::{RepeatSigns, WrittenPart};
use crate::grid::Grid;
use crate::score::{Direction, Tick};

/// Music in longer measures is written without bar lines.
const MOST_BARS: u64 = 4;

/// The first such measure and how many there are, in a sentence for the user. A short one is explained where it is a pickup or
/// the last, makes a full one with its neighbour, or stands beside a repeat sign.
pub(super) fn remark(
    parts: &[WrittenPart],
    signs: &[RepeatSigns],
    timeline: &Timeline,
    directions: &[(Tick, Direction)],
    ticks_per_quarter: u64,
) -> Option<String> {
    let written = timeline.written();
    let mut is_wrong: Vec<bool> =
        (0..written).map(|measure| is_wrong(parts, signs, timeline, measure, ticks_per_quarter)).collect();
    // Each where it is played first.
    let played = timeline.played.iter().filter(|(measure, _)| std::mem::take(&mut is_wrong[*measure]));
    let wrong: Vec<(usize, Tick)> = played.copied().collect();
    let [(first, start), others @ ..] = &wrong[..] else { return None };
    let Span { metre, length, .. } = timeline.span(*first);
    let grid = Grid::new(ticks_per_quarter as u16, directions, 0);
    let bar = grid.bar(grid.nearest_step(*start)).number;
    let units = f64::from(length) * f64::from(metre.denominator()) / (4.0 * ticks_per_quarter as f64);
    let units = (1000.0 * units).round() / 1000.0;
    let unit = match metre.denominator() {
        8 => "eighth",
        16 => "sixteenth",
        _ => "beat",
    };
    let plural = if units == 1.0 { "" } else { "s" };
    let more = match others.len() {
        0 => String::new(),
        1 => ", and 1 other bar has too many or too few".into(),
        others => format!(", and {others} other bars have too many or too few"),
    };
    Some(format!("bar {bar} has {units} {unit}{plural} of {metre}{more}; where that is not meant, correct the file"))
}

fn is_wrong(
    parts: &[WrittenPart],
    signs: &[RepeatSigns],
    timeline: &Timeline,
    measure: usize,
    ticks_per_quarter: u64,
) -> bool {
    let Span { metre, full, length } = timeline.span(measure);
    // What lengths of tuplets are rounded by is less.
    let differ = |a: Tick, b: Tick| u64::from(a.abs_diff(b)) * 8 >= ticks_per_quarter;
    if !metre.is_printed || !differ(length, full) {
        return false;
    }
    if length > full {
        return u64::from(length) <= MOST_BARS * u64::from(full);
    }
    let (first, last) = (0, timeline.written() - 1);
    let completes = |other: usize| !differ(length.saturating_add(timeline.span(other).length), full);
    let stands_at = |sign: &RepeatSigns| sign.begins || sign.ends.is_some() || !sign.endings.is_empty();
    let around = measure.saturating_sub(1)..=(measure + 1).min(last);
    let is_explained = measure == first
        || measure == last
        || completes(measure - 1)
        || completes(measure + 1)
        || signs.get(around).is_some_and(|signs| signs.iter().any(stands_at))
        || parts.iter().filter_map(|part| part.measures.get(measure)).any(|content| content.is_partial);
    !is_explained
}
