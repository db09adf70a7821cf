//! From ticks to the places where notation can put notes.

use std::collections::BTreeMap;

use chorale::Part;

use super::{DIVISIONS, MAX_MEASURES, TooLong};
use crate::grid::{Bar, Grid};
use crate::score::{Score, Tick};

/// From ticks to [`DIVISIONS`] from the beginning of the piece, and back to measures.
pub(super) struct Ruler {
    /// With the place of each bar line.
    pub bars: Vec<(Bar, u32)>,
    /// The place of the last bar line.
    pub end: u32,
    /// The place of every tick at which a note begins or ends.
    pub places: BTreeMap<Tick, u32>,
}

impl Ruler {
    pub fn new(score: &Score, grid: &Grid) -> Result<Ruler, TooLong> {
        let (bars, end) = bars(score, grid)?;
        let mut ruler = Ruler { bars, end, places: BTreeMap::new() };
        ruler.place_notes(score, grid);
        ruler.shorten_last_measure();
        Ok(ruler)
    }

    /// Brings the ends of all notes to sixteenths, triplets or thirty-seconds, quarter by quarter.
    fn place_notes(&mut self, score: &Score, grid: &Grid) {
        // The quarters of the piece, each with the ticks in it, their exact places, and whether the melody has them.
        let mut quarters: BTreeMap<(usize, u32), BTreeMap<Tick, (f64, bool)>> = BTreeMap::new();
        let syllables = score.syllables_in_notes();
        for part in Part::ALL {
            let syllables = syllables.iter().copied().filter(|_| part == score.melody);
            let notes = score.part(part).iter().flat_map(|note| [note.start, note.end]);
            for tick in notes.chain(syllables) {
                let (index, start, ticks) = self.in_bar(tick, grid);
                let place = f64::from(ticks) * f64::from(DIVISIONS) / f64::from(score.ticks_per_quarter);
                let quarter = (place / f64::from(DIVISIONS)) as u32;
                let ticks = quarters.entry((index, quarter)).or_default();
                ticks.entry(tick).or_insert((f64::from(start) + place, false)).1 |= part == score.melody;
            }
        }
        for ((index, quarter), ticks) in quarters {
            let origin = self.bars[index].1 + quarter * DIVISIONS;
            let limit = self.bars.get(index + 1).map_or(self.end, |(_, next)| *next);
            let spacing = spacing(ticks.values().map(|(place, is_melody)| (place - f64::from(origin), *is_melody)));
            for (tick, (place, _)) in ticks {
                let place = origin + (((place - f64::from(origin)) / spacing).round() * spacing) as u32;
                self.places.insert(tick, place.min(limit));
            }
        }
    }

    /// The last measure lacks what the pickup has.
    fn shorten_last_measure(&mut self) {
        let pickup = self.bars.first().filter(|(bar, _)| bar.number == 0).map_or(0, |(bar, _)| bar.end_step);
        let pickup = pickup * DIVISIONS / 4;
        let sounds_to = self.places.values().max().copied().unwrap_or(0);
        let last = self.bars.last().map_or(0, |(_, start)| *start);
        if sounds_to + pickup <= self.end && self.end > last + pickup {
            self.end -= pickup;
        }
    }

    /// Of a tick at which perhaps nothing begins or ends: the sixteenth nearest to it.
    pub fn nearest(&self, tick: Tick, grid: &Grid, ticks_per_quarter: u16) -> u32 {
        if let Some(place) = self.places.get(&tick) {
            return *place;
        }
        let (_, start, ticks) = self.in_bar(tick, grid);
        let sixteenths = f64::from(ticks) * 4.0 / f64::from(ticks_per_quarter);
        (start + sixteenths.round() as u32 * DIVISIONS / 4).min(self.end)
    }

    /// The measure that holds a place, and the distance from its bar line.
    pub fn place(&self, at: u32) -> (usize, u32) {
        let index = self.bars.partition_point(|(_, start)| *start <= at) - 1;
        (index, at - self.bars[index].1)
    }

    /// The measure that holds a tick, the place of its bar line, and the ticks since.
    fn in_bar(&self, tick: Tick, grid: &Grid) -> (usize, u32, Tick) {
        let index = self.bars.partition_point(|(bar, _)| grid.tick(bar.first_step) <= tick).max(1) - 1;
        let (bar, start) = self.bars[index];
        (index, start, tick - grid.tick(bar.first_step))
    }
}

/// The bars of the piece, each with the place where it begins, and the place where the last one ends.
fn bars(score: &Score, grid: &Grid) -> Result<(Vec<(Bar, u32)>, u32), TooLong> {
    let mut bars = Vec::new();
    let (mut step, mut end) = (0, 0);
    loop {
        let bar = grid.bar(step);
        bars.push((bar, end));
        end += (bar.end_step - step) * DIVISIONS / 4;
        step = bar.end_step;
        if grid.tick(step) >= score.end() {
            return Ok((bars, end));
        }
        if bars.len() >= MAX_MEASURES {
            return Err(TooLong);
        }
    }
}

const SIXTEENTH: f64 = DIVISIONS as f64 / 4.0;

/// What the places in a quarter may be multiples of, and what each place off the sixteenths costs there: sixteenths,
/// triplets, thirty-seconds and triplets of sixteenths. The costs are chosen by hand, in [`DIVISIONS`]: the rarer in
/// chorales, the more, and all of them below 1, by which exact places on one of these miss the others at least, so that a
/// score's own values come back.
const SPACINGS: [(f64, f64); 4] = [(SIXTEENTH, 0.0), (8.0, 0.3), (3.0, 0.5), (4.0, 0.6)];

/// What is nearer than this to a sixteenth is on it: a tick, at 96 to the quarter.
const ROUNDING: f64 = DIVISIONS as f64 / 96.0;

/// How much a place of another part counts beside one of the melody: little, for the other parts move on sixteenths even
/// under its triplets.
const OTHER_PARTS: f64 = 0.1;

/// What the places in a quarter, each with whether the melody has it, are multiples of, in [`DIVISIONS`].
fn spacing(places: impl Iterator<Item = (f64, bool)> + Clone) -> f64 {
    let off = |place: f64, spacing: f64| ((place / spacing).round() * spacing - place).abs();
    let cost = |(spacing, handicap): (f64, f64)| -> f64 {
        let of_place = |(place, is_melody): (f64, bool)| {
            let cost = off(place, spacing) + if off(place, SIXTEENTH) > ROUNDING { handicap } else { 0.0 };
            if is_melody { cost } else { OTHER_PARTS * cost }
        };
        places.clone().map(of_place).sum()
    };
    SPACINGS.into_iter().min_by(|a, b| cost(*a).total_cmp(&cost(*b))).map_or(SIXTEENTH, |(spacing, _)| spacing)
}
