//! When each measure sounds: bar lines, which all parts share, and the metres between them.

use super::{Endless, WrittenPart};
use crate::score::{Direction, MAX_TICK, Metre, Tick};

/// The measures in the order of playing.
pub(super) struct Timeline {
    /// The place of each measure in the score, and its start.
    pub played: Vec<(usize, Tick)>,
    /// By the measure's place in the score.
    measures: Vec<Span>,
    /// Whether the first measure is a pickup, as the file says.
    has_pickup: bool,
    ticks_per_quarter: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Span {
    pub metre: Metre,
    /// The length of a full measure of that metre.
    pub full: Tick,
    pub length: Tick,
}

impl Timeline {
    pub fn new(parts: &[WrittenPart], ticks_per_quarter: u64, order: &[usize]) -> Result<Timeline, Endless> {
        let measures = spans(parts, ticks_per_quarter);
        let is_short = measures.first().is_some_and(|first| first.length < first.full);
        let has_pickup =
            is_short && parts.iter().filter_map(|part| part.measures.first()).any(|first| first.is_partial);
        let mut played = Vec::with_capacity(order.len());
        let mut now: u64 = 0;
        for &measure in order {
            played.push((measure, now as Tick));
            now += u64::from(measures[measure].length);
            if now > u64::from(MAX_TICK) {
                return Err(Endless::Ticks { measure: measure + 1 });
            }
        }
        Ok(Timeline { played, measures, has_pickup, ticks_per_quarter })
    }

    /// Of the measure at a place in the score.
    pub fn span(&self, measure: usize) -> Span {
        self.measures[measure]
    }

    /// How many measures are written.
    pub fn written(&self) -> usize {
        self.measures.len()
    }

    /// The metre where it changes, and again where a measure that is not full has moved the bar lines. Of two measures that
    /// make a full one together (before and after a repeat sign) the second begins no bar, unless the first is a pickup. A
    /// measure that holds more than its metre has one of its own, which is not printed, so that bars count as the bar lines of
    /// the file do.
    pub fn metres(&self) -> Vec<(Tick, Direction)> {
        let mut directions: Vec<(Tick, Direction)> = Vec::new();
        let mut current: Option<(Metre, Tick)> = None;
        // The last that is printed, once another has stood in its place.
        let (mut printed, mut is_interrupted) = (None, false);
        for (place, &(measure, start)) in self.played.iter().enumerate() {
            let ends_pickup = self.has_pickup && place == 1 && measure == 1;
            let Span { metre, full, length } = self.measures[measure];
            let is_too_long = metre.is_printed && length > full && length <= 2 * full;
            let own =
                Some(length).filter(|_| is_too_long).and_then(|length| metre_of_length(length, self.ticks_per_quarter));
            is_interrupted |= own.is_some();
            let (metre, full) = own.map_or((metre, full), |own| (own, length));
            let is_due = match current {
                Some((last, since)) if last == metre => {
                    !(start - since).is_multiple_of(full.max(1)) && (length >= full || ends_pickup)
                }
                _ => true,
            };
            if is_due {
                let is_printed = metre.is_printed && !(is_interrupted && printed == Some(metre));
                directions.push((start, Direction::Metre(Metre { is_printed, ..metre })));
                printed = Some(metre).filter(|metre| metre.is_printed).or(printed);
                current = Some((metre, start));
            }
        }
        directions
    }
}

/// Every written measure is as long as the longest of the parts makes it; an empty one is full. Where no metre is given,
/// its bar lines make its metre, which is not printed; so do those of measures that are longer than a metre that is hidden,
/// as programs write what is free.
fn spans(parts: &[WrittenPart], ticks_per_quarter: u64) -> Vec<Span> {
    let count = parts.iter().map(|part| part.measures.len()).max().unwrap_or(0);
    let mut given: Option<Metre> = None;
    let span = |measure: usize| {
        let contents = || parts.iter().filter_map(|part| part.measures.get(measure));
        given = contents().find_map(|content| content.metre).unwrap_or(given);
        let longest = contents().map(|content| content.length).max().filter(|length| *length > 0);
        let metre = given.or_else(|| metre_of_length(longest?, ticks_per_quarter)).unwrap_or(Metre::FOUR_FOUR);
        let full = (u64::from(metre.numerator) * 4 * ticks_per_quarter / u64::from(metre.denominator())) as Tick;
        Span { metre, full, length: longest.unwrap_or(full) }
    };
    let mut spans: Vec<Span> = (0..count).map(span).collect();
    if spans.iter().any(|span| !span.metre.is_printed && span.length > span.full) {
        for span in spans.iter_mut().filter(|span| !span.metre.is_printed) {
            span.metre = metre_of_length(span.length, ticks_per_quarter).unwrap_or(span.metre);
            span.full = span.length;
        }
    }
    spans
}

/// Of quarters where they fill the measure, else of eighths and so on.
fn metre_of_length(length: Tick, ticks_per_quarter: u64) -> Option<Metre> {
    (2..=6_u8).find_map(|denominator_log2| {
        let beats = (u64::from(length) << denominator_log2) / (4 * ticks_per_quarter);
        let is_whole = beats * 4 * ticks_per_quarter == u64::from(length) << denominator_log2;
        let numerator = u8::try_from(beats).ok().filter(|beats| is_whole && *beats > 0)?;
        Some(Metre { numerator, denominator_log2, is_printed: false, ..Metre::FOUR_FOUR })
    })
}
