//! Where the steps of a piece lie: sixteenths counted from the bar lines, with the phase of each.

use std::ops::Range;

use chorale::Phase;

use crate::score::{Direction, Metre, Tick};

/// Steps of a bar of four quarters, which is what the networks know as a bar.
const QUADRUPLE: u32 = Phase::STEPS_PER_BAR as u32;

/// Steps ↔ ticks ↔ bars. Each time signature begins a bar and a new count of sixteenths, so that a metre change off
/// the sixteenth grid does not leave the rest of the piece off it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    ticks_per_quarter: u64,
    /// Never empty; the first begins at tick 0, each later one at least a step after the one before.
    stretches: Vec<Stretch>,
}

/// From one time signature to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    start: Tick,
    pub first_step: u32,
    /// Counts from 1; 0 for a pickup.
    first_bar: u32,
    pub metre: Option<Metre>,
    /// Steps of the first bar that are missing before `first_step`: not 0 for a pickup.
    pub missing: u32,
}

/// One bar, or what there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// 1 for the first whole bar, 0 for a pickup before it.
    pub number: u32,
    pub first_step: u32,
    /// The step after its last one.
    pub end_step: u32,
}

impl Grid {
    /// `first_onset` is where the melody begins. It settles one thing that the time signatures leave open: which of
    /// two bars of 2/4 is the first half of a whole.
    pub fn new(ticks_per_quarter: u16, directions: &[(Tick, Direction)], first_onset: Tick) -> Grid {
        let ticks_per_quarter = u64::from(ticks_per_quarter);
        let step_ticks = |steps: u64| (steps * ticks_per_quarter / 4) as Tick;
        let mut stretches = vec![Stretch { start: 0, first_step: 0, first_bar: 1, metre: None, missing: 0 }];
        for (tick, direction) in directions {
            let Direction::Metre(metre) = direction else { continue };
            let last = stretches.last_mut().expect("never empty");
            if last.metre == Some(*metre) && last.is_bar_line(nearest(last.start, *tick, ticks_per_quarter)) {
                // The same metre again on a bar line changes nothing.
                continue;
            }
            if tick - last.start < step_ticks(1).max(1) {
                last.metre = Some(*metre);
                continue;
            }
            let steps = nearest(last.start, *tick, ticks_per_quarter).max(1);
            let first_step = last.first_step + steps;
            let first_bar = last.first_bar + last.bar_of(steps - 1).0 + 1;
            stretches.push(Stretch { start: *tick, first_step, first_bar, metre: Some(*metre), missing: 0 });
        }
        let mut grid = Grid { ticks_per_quarter, stretches };
        grid.find_pickup(first_onset);
        grid
    }

    /// A first stretch shorter than the bar that follows it is a pickup to that bar.
    fn find_pickup(&mut self, first_onset: Tick) {
        let first_onset = self.nearest_step(first_onset);
        let (first, later) = self.stretches.split_first_mut().expect("never empty");
        if let Some(next) = later.first()
            && let Some(metre) = next.metre
        {
            let bar = if next.is_quadruple() { QUADRUPLE } else { steps_of_bars(metre, 1) };
            // A bar that is longer than the metre that goes on has one that is not printed.
            let is_whole = first.metre.is_some_and(|first_metre| {
                first_metre.is_printed && !metre.is_printed && next.first_step == steps_of_bars(first_metre, 1)
            });
            if next.first_step < bar && !is_whole {
                first.metre = Some(metre);
                first.missing = bar - next.first_step;
                first.first_bar = 0;
                let surplus = next.first_bar - 1;
                later.iter_mut().for_each(|stretch| stretch.first_bar -= surplus);
                return;
            }
        }
        // A first bar of 2/4 that only holds a pickup is the second half of a whole bar.
        let half = QUADRUPLE / 2;
        if first.metre.is_some_and(|metre| steps_of_bars(metre, 1) == half)
            && first.is_quadruple()
            && (half / 2..half).contains(&first_onset)
        {
            first.missing = half;
        }
    }

    /// The tick at which a step begins.
    pub fn tick(&self, step: u32) -> Tick {
        let stretch = self.stretch_of_step(step);
        let tick = u64::from(stretch.start) + u64::from(step - stretch.first_step) * self.ticks_per_quarter / 4;
        tick.min(Tick::MAX.into()) as Tick
    }

    /// The step that begins nearest to `tick`; the earlier of two equally near.
    pub fn nearest_step(&self, tick: Tick) -> u32 {
        let index = self.stretches.partition_point(|stretch| stretch.start <= tick) - 1;
        let stretch = &self.stretches[index];
        let step = stretch.first_step + nearest(stretch.start, tick, self.ticks_per_quarter);
        match self.stretches.get(index + 1) {
            None => step,
            // The last step of a stretch may be longer or shorter than the others.
            Some(next) if step >= next.first_step => {
                let last = next.first_step - 1;
                if tick - self.tick(last) <= next.start - tick { last } else { next.first_step }
            }
            Some(next) if step + 1 == next.first_step && next.start - tick < tick.saturating_sub(self.tick(step)) => {
                next.first_step
            }
            Some(_) => step,
        }
    }

    /// Within the bar in 4/4, 2/2 and in 2/4 as its half; within the beat, dotted or not, in other metres or none.
    pub fn phase(&self, step: u32) -> Phase {
        let stretch = self.stretch_of_step(step);
        let count = step - stretch.first_step + stretch.missing;
        if stretch.is_quadruple() {
            Phase::in_bar(count as usize)
        } else {
            let (_, first_step) = stretch.bar_of(step - stretch.first_step);
            let within_bar = (count - first_step) as usize;
            match stretch.metre.filter(|metre| metre.has_dotted_beats()) {
                // Of a dotted beat the last third is the half beat, as `pulse.rs` hears it.
                Some(metre) => {
                    let unit = (16 / usize::from(metre.denominator())).max(1);
                    let (third, rest) = (within_bar / unit % 3, within_bar % unit);
                    Phase::in_beat(match (third, rest) {
                        (0, 0) => 0,
                        (2, 0) => 2,
                        (2, _) => 3,
                        _ => 1,
                    })
                }
                None => Phase::in_beat(within_bar),
            }
        }
    }

    /// Where no metre is given, bars of four quarters are assumed, which is the default of a MIDI file.
    pub fn bar(&self, step: u32) -> Bar {
        let index = self.stretches.partition_point(|stretch| stretch.first_step <= step) - 1;
        let stretch = &self.stretches[index];
        let (bar, first) = stretch.bar_of(step - stretch.first_step);
        let end = steps_of_bars(stretch.metre.unwrap_or(Metre::FOUR_FOUR), bar + 1 + stretch.hidden_bars());
        let absolute = |count: u32| (stretch.first_step + count).saturating_sub(stretch.missing);
        let end_step = absolute(end).min(self.stretches.get(index + 1).map_or(u32::MAX, |next| next.first_step));
        Bar { number: stretch.first_bar + bar, first_step: absolute(first).max(stretch.first_step), end_step }
    }

    /// The bars into which these steps reach.
    pub fn bars(&self, steps: Range<u32>) -> impl Iterator<Item = Bar> {
        let mut next = steps.start;
        std::iter::from_fn(move || {
            let bar = (next < steps.end).then(|| self.bar(next))?;
            next = bar.end_step;
            Some(bar)
        })
    }

    /// The metre of the bar that holds a step: of a pickup, that of the bar it leads to.
    pub fn metre(&self, step: u32) -> Metre {
        self.stretch_of_step(step).metre.unwrap_or(Metre::FOUR_FOUR)
    }

    /// Ticks of a quarter, the shortest silence that counts as a rest.
    pub fn quarter(&self) -> Tick {
        self.ticks_per_quarter as Tick
    }

    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The place of the stretch that holds a step.
    pub(crate) fn stretch_at(&self, step: u32) -> usize {
        self.stretches.partition_point(|stretch| stretch.first_step <= step) - 1
    }

    fn stretch_of_step(&self, step: u32) -> &Stretch {
        &self.stretches[self.stretch_at(step)]
    }
}

impl Stretch {
    /// Bars of the metre that lie wholly in `missing` (the first half of a divided 4/4) are not counted.
    fn hidden_bars(&self) -> u32 {
        bar_at(self.metre.unwrap_or(Metre::FOUR_FOUR), self.missing)
    }

    /// Of the `step`-th step of the stretch: how many bars of the stretch lie before its bar, and where that bar begins,
    /// counted in steps from the beginning of the (perhaps incomplete) first bar.
    fn bar_of(&self, step: u32) -> (u32, u32) {
        let metre = self.metre.unwrap_or(Metre::FOUR_FOUR);
        let bar = bar_at(metre, step + self.missing);
        (bar - self.hidden_bars(), steps_of_bars(metre, bar))
    }

    /// Of a step counted from the beginning of the first bar, were it whole: bars before its bar, and where that begins.
    pub fn whole_bar_of(&self, count: u32) -> (u32, u32) {
        let metre = self.metre.unwrap_or(Metre::FOUR_FOUR);
        let bar = bar_at(metre, count);
        (bar, steps_of_bars(metre, bar))
    }

    fn is_bar_line(&self, step: u32) -> bool {
        self.bar_of(step).1 == step + self.missing
    }

    /// 4/4 and 2/2; also 2/4 and 4/2, halves and doubles of it.
    fn is_quadruple(&self) -> bool {
        self.metre.is_some_and(|metre| matches!((metre.numerator, metre.denominator()), (2 | 4, 2 | 4)))
    }
}

/// In steps from `start`; halves go down.
fn nearest(start: Tick, tick: Tick, ticks_per_quarter: u64) -> u32 {
    let distance = 4 * u64::from(tick - start);
    let below = distance / ticks_per_quarter;
    // Boundaries are rounded down to whole ticks, so the nearer one is found among them, not among the exact sixteenths.
    let boundary = |step: u64| step * ticks_per_quarter / 4;
    let distance = distance / 4;
    let below = if boundary(below + 1) <= distance { below + 1 } else { below };
    let nearer_above = boundary(below + 1) - distance < distance - boundary(below);
    (below + u64::from(nearer_above)) as u32
}

/// The bar that holds the `step`-th sixteenth, counted from 0.
fn bar_at(metre: Metre, step: u32) -> u32 {
    (u64::from(step) * u64::from(metre.denominator()) / (16 * u64::from(metre.numerator))) as u32
}

/// The first whole sixteenth at or after the beginning of the `bars`-th bar; bars of 5/32 don't begin on one each.
fn steps_of_bars(metre: Metre, bars: u32) -> u32 {
    (u64::from(bars) * 16 * u64::from(metre.numerator)).div_ceil(u64::from(metre.denominator())) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metre(tick: Tick, numerator: u8, denominator: u8) -> (Tick, Direction) {
        let denominator_log2 = denominator.ilog2() as u8;
        (tick, Direction::Metre(Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR }))
    }

    fn grid(metres: &[(Tick, Direction)]) -> Grid {
        Grid::new(480, metres, 0)
    }

    #[test]
    fn a_bar_of_four_quarters_counts_sixteen_phases_from_each_bar_line() {
        let grid = grid(&[metre(0, 4, 4)]);
        for step in 0..64 {
            assert_eq!(grid.phase(step), Phase::in_bar(step as usize));
            assert_eq!(grid.tick(step), step * 120);
        }
        assert_eq!(grid.bar(17), Bar { number: 2, first_step: 16, end_step: 32 });
    }

    #[test]
    fn other_metres_and_none_give_only_the_phase_within_the_beat() {
        for grid in [grid(&[]), grid(&[metre(0, 3, 4)]), grid(&[metre(0, 5, 4)])] {
            assert_eq!([grid.phase(0), grid.phase(5)], [Phase::in_beat(0), Phase::in_beat(1)]);
        }
        let dotted = grid(&[metre(0, 6, 8)]);
        assert_eq!([0, 2, 4, 6].map(|step| dotted.phase(step)), [0, 1, 2, 0].map(Phase::in_beat));
        // Bars of 3/8 are no multiple of a quarter: the count begins anew at each bar line.
        assert_eq!(grid(&[metre(0, 3, 8)]).phase(6), Phase::in_beat(0));
        assert_eq!(grid(&[metre(0, 3, 4)]).bar(12), Bar { number: 2, first_step: 12, end_step: 24 });
    }

    #[test]
    fn a_short_first_bar_is_a_pickup_counted_back_from_the_bar_line() {
        let quarter = grid(&[metre(0, 1, 4), metre(480, 4, 4)]);
        assert_eq!([quarter.phase(0), quarter.phase(3), quarter.phase(4)], [12, 15, 0].map(Phase::in_bar));
        assert_eq!(quarter.bar(0), Bar { number: 0, first_step: 0, end_step: 4 });
        assert_eq!(quarter.bar(4), Bar { number: 1, first_step: 4, end_step: 20 });
        let three_quarters = grid(&[metre(0, 3, 4), metre(1440, 4, 4)]);
        assert_eq!(three_quarters.phase(0), Phase::in_bar(4));
        // The same metre given again after one beat: what came before was its pickup.
        let repeated = grid(&[metre(0, 4, 4), metre(480, 4, 4)]);
        assert_eq!([repeated.phase(0), repeated.phase(4)], [12, 0].map(Phase::in_bar));
        let before_three = grid(&[metre(0, 1, 8), metre(240, 3, 4)]);
        assert_eq!([before_three.phase(0), before_three.phase(2)], [2, 0].map(Phase::in_beat));
    }

    #[test]
    fn bars_of_two_quarters_are_halves_and_a_late_start_makes_the_first_a_second_half() {
        let phases = |first_onset| {
            let grid = Grid::new(480, &[metre(0, 2, 4)], first_onset);
            [grid.phase(0), grid.phase(8), grid.phase(16)]
        };
        assert_eq!(phases(0), [0, 8, 0].map(Phase::in_bar));
        assert_eq!(phases(480), [8, 0, 8].map(Phase::in_bar));
        let late = Grid::new(480, &[metre(0, 2, 4)], 480);
        assert_eq!(late.bar(3), Bar { number: 1, first_step: 0, end_step: 8 });
        assert_eq!(late.bar(9), Bar { number: 2, first_step: 8, end_step: 16 });
    }

    #[test]
    fn a_metre_change_off_the_grid_begins_a_new_count() {
        // 7/32 make three and a half sixteenths: the third step lasts until the new metre.
        let grid = grid(&[metre(0, 7, 32), metre(420, 2, 2)]);
        assert_eq!([grid.tick(2), grid.tick(3), grid.tick(4)], [240, 420, 540]);
        assert_eq!([grid.phase(2), grid.phase(3)], [15, 0].map(Phase::in_bar));
        assert_eq!([grid.nearest_step(320), grid.nearest_step(340)], [2, 3]);
    }

    proptest! {
        #[test]
        fn every_tick_finds_the_step_that_begins_nearest(
            ticks_per_quarter in 1_u16..1000,
            changes in proptest::collection::vec((1_u32..5000, 1_u8..=12, 0_u8..=5), 0..6),
            tick in 0_u32..40_000,
        ) {
            let ticks_per_quarter = ticks_per_quarter.max(4);
            let mut at = 0;
            let metres: Vec<_> = changes
                .into_iter()
                .map(|(distance, numerator, log2)| {
                    at += distance;
                    metre(at, numerator, 1 << log2)
                })
                .collect();
            let grid = Grid::new(ticks_per_quarter, &metres, 0);
            let step = grid.nearest_step(tick);
            let distance = |step: u32| grid.tick(step).abs_diff(tick);
            prop_assert!(grid.tick(step) < grid.tick(step + 1));
            prop_assert!(distance(step) <= distance(step + 1));
            if step > 0 {
                prop_assert!(distance(step) <= distance(step - 1));
            }
            prop_assert_eq!(grid.nearest_step(grid.tick(step)), step);
            let bar = grid.bar(step);
            prop_assert!(bar.first_step <= step && step < bar.end_step, "{:?}", bar);
            prop_assert_eq!(grid.bar(bar.first_step), bar);
        }
    }
}
