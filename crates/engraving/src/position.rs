//! Bars and beats.

use std::fmt;

use files::{Bar, Grid};

/// Where a step is, as musicians count it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarPosition {
    /// 0 for a pickup.
    pub bar: u32,
    /// From 1, in beats of the metre; halves and quarters lie between.
    pub beat: f64,
}

impl fmt::Display for BarPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bar {
            0 => write!(f, "pickup beat {}", self.beat),
            bar => write!(f, "bar {bar} beat {}", self.beat),
        }
    }
}

pub fn bar_position(grid: &Grid, step: u32) -> BarPosition {
    let bar = grid.bar(step);
    let beat = f64::from(step - bar.first_step + missing_before(grid, bar)) / f64::from(steps_per_beat(grid, step));
    BarPosition { bar: bar.number, beat: beat + 1.0 }
}

/// Steps of what musicians count: of the metre's unit, three of which make a beat in 6/8, 9/8 and 12/8.
pub(crate) fn steps_per_beat(grid: &Grid, step: u32) -> u32 {
    let metre = grid.metre(step);
    let unit = (16 / u32::from(metre.denominator())).max(1);
    let is_compound = metre.denominator() >= 8 && metre.numerator > 3 && metre.numerator.is_multiple_of(3);
    if is_compound { 3 * unit } else { unit }
}

/// The beats that a pickup lacks are counted all the same.
pub(crate) fn missing_before(grid: &Grid, bar: Bar) -> u32 {
    let metre = grid.metre(bar.first_step);
    let whole = 16 * u32::from(metre.numerator) / u32::from(metre.denominator());
    if bar.number == 0 { whole.saturating_sub(bar.end_step - bar.first_step) } else { 0 }
}

#[cfg(test)]
mod tests {
    use files::{Direction, Metre};

    use super::*;

    #[test]
    fn positions_are_counted_in_what_the_metre_counts() {
        let check = |numerator, denominator_log2, steps: [u32; 3], expected: [&str; 3]| {
            let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
            let grid = Grid::new(480, &[(0, Direction::Metre(metre))], 0);
            assert_eq!(steps.map(|step| bar_position(&grid, step).to_string()), expected);
        };
        check(4, 2, [0, 6, 20], ["bar 1 beat 1", "bar 1 beat 2.5", "bar 2 beat 2"]);
        check(3, 1, [8, 12, 24], ["bar 1 beat 2", "bar 1 beat 2.5", "bar 2 beat 1"]);
        check(6, 3, [6, 9, 12], ["bar 1 beat 2", "bar 1 beat 2.5", "bar 2 beat 1"]);
        check(3, 3, [2, 4, 6], ["bar 1 beat 2", "bar 1 beat 3", "bar 2 beat 1"]);
        check(5, 3, [8, 9, 10], ["bar 1 beat 5", "bar 1 beat 5.5", "bar 2 beat 1"]);
    }
}
