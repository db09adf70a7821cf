//! Bars and beats.

use std::fmt;

use files::{Bar, Grid};

/// Where a step is, as musicians count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarPosition {
    /// 0 for a pickup.
    pub bar: u32,
    /// From 1, in beats of the metre.
    pub beat: u32,
    /// What has passed of the beat: so many of so many steps.
    pub passed: (u32, u32),
}

impl BarPosition {
    /// With what has passed of the beat: 2.5 in the middle of the second.
    pub fn beats(self) -> f64 {
        let (steps, whole) = self.passed;
        f64::from(self.beat) + f64::from(steps) / f64::from(whole)
    }

    /// Whether the beat begins here.
    pub fn is_on_beat(self) -> bool {
        self.passed.0 == 0
    }
}

impl fmt::Display for BarPosition {
    /// `bar 3 beat 2½`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bar {
            0 => write!(f, "pickup beat {}", self.beat),
            bar => write!(f, "bar {bar} beat {}", self.beat),
        }?;
        f.write_str(&fraction(self.passed))
    }
}

/// As it is printed behind a whole number; nothing for nothing.
fn fraction((part, whole): (u32, u32)) -> String {
    let common = (1..=whole).rev().find(|by| part.is_multiple_of(*by) && whole.is_multiple_of(*by)).unwrap_or(1);
    let sign = match (part / common, whole / common) {
        (0, _) => "",
        (1, 2) => "½",
        (1, 3) => "⅓",
        (2, 3) => "⅔",
        (1, 4) => "¼",
        (3, 4) => "¾",
        (1, 6) => "⅙",
        (5, 6) => "⅚",
        (1, 8) => "⅛",
        (3, 8) => "⅜",
        (5, 8) => "⅝",
        (7, 8) => "⅞",
        (part, whole) => return format!(" {part}/{whole}"),
    };
    sign.to_owned()
}

pub fn bar_position(grid: &Grid, step: u32) -> BarPosition {
    let (bar, whole) = (grid.bar(step), steps_per_beat(grid, step));
    let steps = step - bar.first_step + missing_before(grid, bar);
    BarPosition { bar: bar.number, beat: steps / whole + 1, passed: (steps % whole, whole) }
}

/// Steps of what musicians count: of the metre's unit, three of which make a beat in 6/8, 9/8 and 12/8.
pub(crate) fn steps_per_beat(grid: &Grid, step: u32) -> u32 {
    let metre = grid.metre(step);
    let unit = (16 / u32::from(metre.denominator())).max(1);
    if metre.is_compound() && metre.numerator > 3 { 3 * unit } else { unit }
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
        check(4, 2, [0, 6, 20], ["bar 1 beat 1", "bar 1 beat 2½", "bar 2 beat 2"]);
        check(4, 2, [1, 3, 16], ["bar 1 beat 1¼", "bar 1 beat 1¾", "bar 2 beat 1"]);
        check(3, 1, [8, 12, 24], ["bar 1 beat 2", "bar 1 beat 2½", "bar 2 beat 1"]);
        check(2, 0, [15, 17, 31], ["bar 1 beat 1 15/16", "bar 1 beat 2 1/16", "bar 1 beat 2 15/16"]);
        check(6, 3, [6, 9, 12], ["bar 1 beat 2", "bar 1 beat 2½", "bar 2 beat 1"]);
        check(6, 3, [2, 8, 10], ["bar 1 beat 1⅓", "bar 1 beat 2⅓", "bar 1 beat 2⅔"]);
        check(9, 3, [1, 12, 17], ["bar 1 beat 1⅙", "bar 1 beat 3", "bar 1 beat 3⅚"]);
        check(3, 3, [2, 4, 6], ["bar 1 beat 2", "bar 1 beat 3", "bar 2 beat 1"]);
        check(5, 3, [8, 9, 10], ["bar 1 beat 5", "bar 1 beat 5½", "bar 2 beat 1"]);
    }
}
