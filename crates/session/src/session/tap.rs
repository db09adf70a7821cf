//! Tap tempo: the mean of the last taps.

use crate::clock::Time;
use crate::control::TEMPI;

/// Taps that count. More of them follow a change too slowly.
const TAPS: usize = 6;
/// From so many on there is a tempo: two taps may be an accident.
const FIRST: usize = 3;
/// A tap whose distance from the last is off their mean by a larger share begins anew.
const OUTLIER: f64 = 0.25;

pub struct Taps {
    /// Units of time between two taps: the least, below which a pad has bounced, and the most.
    bounds: (f64, f64),
    /// Oldest first.
    taps: [Time; TAPS],
    count: usize,
}

impl Taps {
    /// `rate`: units of time in a second.
    pub fn new(rate: f64) -> Taps {
        Taps { bounds: (60.0 * rate / TEMPI.1, 60.0 * rate / TEMPI.0), taps: [0; TAPS], count: 0 }
    }

    /// A tap. The units of time in a beat, once there are enough.
    pub fn tap(&mut self, now: Time) -> Option<f64> {
        if let [.., last] = self.taps[..self.count] {
            let passed = now.saturating_sub(last) as f64;
            if passed < self.bounds.0 {
                return None;
            }
            let is_outlier = self.mean().is_some_and(|mean| (passed / mean - 1.0).abs() > OUTLIER);
            if is_outlier || passed > self.bounds.1 {
                self.count = 0;
            }
        }
        if self.count == TAPS {
            self.taps.copy_within(1.., 0);
            self.count -= 1;
        }
        self.taps[self.count] = now;
        self.count += 1;
        self.mean().filter(|_| self.count >= FIRST)
    }

    fn mean(&self) -> Option<f64> {
        let [first, .., last] = self.taps[..self.count] else { return None };
        Some((last - first) as f64 / (self.count - 1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last tempo, in beats a minute, of taps at these milliseconds.
    fn tapped(taps: &[Time]) -> Option<f64> {
        let mut all = Taps::new(1000.0);
        taps.iter().fold(None, |tempo, &at| all.tap(at).map(|beat| 60_000.0 / beat).or(tempo))
    }

    #[test]
    fn the_tempo_is_the_mean_of_the_last_taps_from_the_third_on() {
        assert_eq!(tapped(&[0, 500]), None);
        assert_eq!(tapped(&[0, 490, 1000]), Some(120.0));
        let last_six = [0, 1100, 2100, 3100, 4100, 5100, 6100];
        assert_eq!(tapped(&last_six), Some(60.0), "the first of seven no longer counts");
    }

    #[test]
    fn a_pause_or_a_tap_far_off_the_others_begins_anew() {
        assert_eq!(tapped(&[0, 500, 1000, 4000, 4750]), Some(120.0), "two taps after a pause are no tempo yet");
        assert_eq!(tapped(&[0, 500, 1000, 4000, 4750, 5500]), Some(80.0));
        assert_eq!(tapped(&[0, 500, 1000, 1300, 1600, 1900]), Some(200.0));
        assert_eq!(tapped(&[0, 7000, 7500, 8000]), Some(120.0));
    }

    #[test]
    fn a_pad_that_bounces_is_no_tap_and_the_tempo_stays_within_its_bounds() {
        assert_eq!(tapped(&[0, 20, 600, 630, 1200]), Some(100.0));
        assert_eq!(tapped(&[0, 149, 298, 447, 596]), Some(60_000.0 / 298.0), "149 would be 403 to the minute");
    }
}
