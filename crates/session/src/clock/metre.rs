//! What the player counts: bars and beats, and the four steps that the networks hear in each beat.

use std::fmt;
use std::str::FromStr;

use chorale::Phase;
use serde::{Deserialize, Serialize};

const STEPS: u64 = Phase::STEPS_PER_BEAT as u64;
const QUARTER: u64 = 4;
/// Sixteenths of a dotted quarter.
const DOTTED: u64 = 6;

/// A metre, or none. A quarter is a beat, or a dotted quarter in 3/8, 6/8, 9/8 and 12/8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metre {
    /// Beats without bars.
    Free,
    Bars {
        numerator: u8,
        denominator: u8,
    },
}

impl Default for Metre {
    fn default() -> Metre {
        Metre::Bars { numerator: 4, denominator: 4 }
    }
}

impl Metre {
    /// The metre of these figures; `None` where its beats are not all alike, or nobody counts so.
    pub fn of(numerator: u16, denominator: u16) -> Option<Metre> {
        let (Ok(numerator @ 1..=16), Ok(denominator @ (2 | 4 | 8))) = (numerator.try_into(), denominator.try_into())
        else {
            return None;
        };
        let metre = Metre::Bars { numerator, denominator };
        metre.bar().is_some_and(|bar| bar.is_multiple_of(metre.beat())).then_some(metre)
    }

    /// Sixteenths in a beat.
    pub fn beat(self) -> u64 {
        match self {
            Metre::Bars { numerator, denominator: 8 } if numerator.is_multiple_of(3) => DOTTED,
            _ => QUARTER,
        }
    }

    /// Sixteenths in a bar.
    pub fn bar(self) -> Option<u64> {
        match self {
            Metre::Free => None,
            Metre::Bars { numerator, denominator } => Some(16 * u64::from(numerator) / u64::from(denominator)),
        }
    }

    /// Steps in a bar, four of each beat.
    pub fn steps(self) -> Option<u64> {
        self.bar().map(|bar| bar / self.beat() * STEPS)
    }

    /// Where the `position`-th step stands in the bar, as far as the networks know such bars.
    pub(super) fn phase(self, position: u64) -> Phase {
        match self.steps() {
            Some(8 | 16 | 32) => Phase::in_bar((position % Phase::STEPS_PER_BAR as u64) as usize),
            _ => Phase::in_beat((position % STEPS) as usize),
        }
    }
}

impl fmt::Display for Metre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metre::Free => f.write_str("free"),
            Metre::Bars { numerator, denominator } => write!(f, "{numerator}/{denominator}"),
        }
    }
}

impl From<Metre> for String {
    fn from(metre: Metre) -> String {
        metre.to_string()
    }
}

impl TryFrom<String> for Metre {
    type Error = String;

    fn try_from(text: String) -> Result<Metre, String> {
        text.parse()
    }
}

impl FromStr for Metre {
    type Err = String;

    fn from_str(text: &str) -> Result<Metre, String> {
        let expected = || format!("'{text}' is no metre; expected one such as 4/4, 3/4 or 6/8, or free");
        if text.eq_ignore_ascii_case("free") {
            return Ok(Metre::Free);
        }
        let (numerator, denominator) = text.split_once('/').ok_or_else(expected)?;
        let [numerator, denominator] = [numerator, denominator].map(|number| number.trim().parse::<u16>().ok());
        match (numerator, denominator) {
            (Some(numerator @ 1..=16), Some(denominator @ (2 | 4 | 8))) => Metre::of(numerator, denominator)
                .ok_or_else(|| format!("the beats of {text} are not all alike; free has beats without bars")),
            _ => Err(expected()),
        }
    }
}

/// The four steps of each beat on its sixteenths. Of a dotted quarter the first key within it is the half beat and the next
/// one comes after it, as offline (`pulse.rs` of `chorale-files`): three eighths are a quarter and two of its halves, a
/// quarter and an eighth two equal halves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    beat: u64,
    /// Of dotted beats: the last one within which a key was struck, and on which of its sixteenths first.
    struck: Option<(u64, u64)>,
}

impl Steps {
    pub fn new(metre: Metre) -> Steps {
        Steps { beat: metre.beat(), struck: None }
    }

    /// With which sixteenth a step begins.
    pub fn sixteenth(&self, position: u64) -> u64 {
        let (beat, step) = (position / STEPS, position % STEPS);
        beat * self.beat + self.offsets(beat)[step as usize]
    }

    /// The step that has begun at a sixteenth.
    pub fn position(&self, sixteenth: u64) -> u64 {
        let (beat, within) = (sixteenth / self.beat, sixteenth % self.beat);
        beat * STEPS + self.offsets(beat).iter().rposition(|&offset| offset <= within).unwrap_or(0) as u64
    }

    /// The step of a key struck on a sixteenth, which may move the steps after it.
    pub fn strike(&mut self, sixteenth: u64) -> u64 {
        let (beat, within) = (sixteenth / self.beat, sixteenth % self.beat);
        if self.beat == DOTTED && (2..=4).contains(&within) {
            let is_first = self.struck.is_none_or(|(before, first)| before != beat || within <= first);
            if !is_first {
                return beat * STEPS + 3;
            }
            self.struck = Some((beat, within));
            return beat * STEPS + 2;
        }
        self.position(sixteenth)
    }

    /// The sixteenth that is meant by a key at this place. Of dotted beats mostly an eighth is, and otherwise a key in the
    /// last quarter of a sixteenth belongs to the next.
    pub fn nearest(&self, place: f64) -> u64 {
        const OF_EIGHTH: f64 = 0.7;
        let eighth = 2.0 * (place / 2.0).round();
        let is_eighth = self.beat == DOTTED && (place - eighth).abs() <= OF_EIGHTH;
        (if is_eighth { eighth } else { (place + 1.0 - super::AHEAD_FROM).floor() }).max(0.0) as u64
    }

    /// Whether lower parts may move with a step that no key is struck in.
    pub fn may_move(&self, position: u64) -> bool {
        self.beat == QUARTER || position.is_multiple_of(2) && self.sixteenth(position).is_multiple_of(2)
    }

    fn offsets(&self, beat: u64) -> [u64; 4] {
        match self.struck {
            _ if self.beat == QUARTER => [0, 1, 2, 3],
            Some((of, 2)) if of == beat => [0, 1, 2, 4],
            Some((of, 3)) if of == beat => [0, 1, 3, 4],
            _ => [0, 2, 4, 5],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metre(text: &str) -> Metre {
        text.parse().unwrap()
    }

    #[test]
    fn a_metre_has_beats_of_quarters_or_dotted_quarters() {
        let told = |text: &str| (metre(text).beat(), metre(text).bar());
        assert_eq!(told("4/4"), (4, Some(16)));
        assert_eq!(told("3/4"), (4, Some(12)));
        assert_eq!(told("2/2"), (4, Some(16)));
        assert_eq!(told("6/8"), (6, Some(12)));
        assert_eq!(told("12/8"), (6, Some(24)));
        assert_eq!(told("free"), (4, None));
        assert!(["", "4", "0/4", "4/3", "17/4", "x/4"].iter().all(|text| text.parse::<Metre>().is_err()));
        assert!("7/8".parse::<Metre>().unwrap_err().contains("free"));
    }

    #[test]
    fn the_networks_are_told_the_place_in_bars_that_they_know_and_else_the_place_in_the_beat() {
        assert_eq!(metre("4/4").phase(21), Phase::in_bar(5));
        assert_eq!(metre("6/8").phase(9), Phase::in_bar(9), "two bars of two beats are one of four");
        assert_eq!(metre("3/4").phase(9), Phase::in_beat(1));
        assert_eq!(metre("free").phase(9), Phase::in_beat(1));
    }

    #[test]
    fn keys_within_a_dotted_beat_fall_on_the_half_beat_and_after_it() {
        let check = |sixteenths: &[u64], expected: &[u64]| {
            let mut steps = Steps::new(metre("6/8"));
            let told: Vec<u64> = sixteenths.iter().map(|&sixteenth| steps.strike(sixteenth)).collect();
            assert_eq!(told, expected, "{sixteenths:?}");
            let back: Vec<u64> = told[told.len() - 1..].iter().map(|&position| steps.sixteenth(position)).collect();
            assert_eq!(back, sixteenths[sixteenths.len() - 1..]);
        };
        check(&[0, 2, 4, 6], &[0, 2, 3, 4]);
        check(&[0, 4, 6, 10], &[0, 2, 4, 6]);
        check(&[0, 3, 4, 6], &[0, 2, 3, 4]);
        check(&[6, 8], &[4, 6]);
        check(&[0, 2, 2, 4], &[0, 2, 2, 3]);
    }

    #[test]
    fn a_key_is_meant_for_the_eighth_of_a_dotted_beat_that_it_is_near() {
        let steps = Steps::new(metre("6/8"));
        assert_eq!([1.4, 2.0, 2.6, 3.0, 3.4].map(|place| steps.nearest(place)), [2, 2, 2, 3, 4]);
        let quarters = Steps::new(Metre::default());
        assert_eq!([1.4, 1.74, 1.76].map(|place| quarters.nearest(place)), [1, 1, 2]);
    }
}
