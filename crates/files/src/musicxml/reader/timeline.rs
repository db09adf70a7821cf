//! When each measure sounds: bar lines, which all parts share, and the metres between them.

use super::part::WrittenPart;
use super::{ReadError, TICKS_PER_QUARTER};
use crate::score::{Direction, MAX_TICK, Metre, Tick};

/// The measures in the order of playing.
pub(super) struct Timeline {
    /// The place of each measure in the score, and its start.
    pub played: Vec<(usize, Tick)>,
    /// By the measure's place in the score.
    measures: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    metre: Metre,
    /// The length of a full measure of that metre.
    full: Tick,
    length: Tick,
}

impl Timeline {
    pub fn new(parts: &[WrittenPart], order: &[usize]) -> Result<Timeline, ReadError> {
        let measures = spans(parts);
        let mut played = Vec::with_capacity(order.len());
        let mut now: u64 = 0;
        for &measure in order {
            played.push((measure, now as Tick));
            now += u64::from(measures[measure].length);
            if now > u64::from(MAX_TICK) {
                return Err(ReadError::TooManyMeasures);
            }
        }
        Ok(Timeline { played, measures })
    }

    /// How many measures are written.
    pub fn written(&self) -> usize {
        self.measures.len()
    }

    /// The metre where it changes, and again where a measure that is not full has moved the bar lines. Of two measures that
    /// make a full one together (before and after a repeat sign) the second begins no bar.
    pub fn metres(&self) -> Vec<(Tick, Direction)> {
        let mut directions: Vec<(Tick, Direction)> = Vec::new();
        let mut current: Option<(Metre, Tick)> = None;
        for &(measure, start) in &self.played {
            let Span { metre, full, length } = self.measures[measure];
            let is_due = match current {
                Some((last, since)) if last == metre => !(start - since).is_multiple_of(full.max(1)) && length >= full,
                _ => true,
            };
            if is_due {
                directions.push((start, Direction::Metre(metre)));
                current = Some((metre, start));
            }
        }
        directions
    }
}

/// Every written measure is as long as the longest of the parts makes it; an empty one is full. Where no metre is given:
/// 4/4.
fn spans(parts: &[WrittenPart]) -> Vec<Span> {
    let ticks = parts.first().map_or(TICKS_PER_QUARTER, |part| part.ticks_per_quarter);
    let count = parts.iter().map(|part| part.measures.len()).max().unwrap_or(0);
    let mut metre = Metre::FOUR_FOUR;
    let span = |measure: usize| {
        let contents = || parts.iter().filter_map(|part| part.measures.get(measure));
        metre = contents().find_map(|content| content.metre).unwrap_or(metre);
        let full = (u64::from(metre.numerator) * 4 * ticks / u64::from(metre.denominator())) as Tick;
        let longest = contents().map(|content| content.length).max();
        Span { metre, full, length: longest.filter(|length| *length > 0).unwrap_or(full) }
    };
    (0..count).map(span).collect()
}
