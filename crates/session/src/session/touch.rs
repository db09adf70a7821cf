//! How the player strikes: how far from the clock, and at which places of the beat. Where a key is likely, the lower
//! parts wait for it a little before they move by themselves.

use chorale::Phase;

use crate::clock::Time;

const PLACES: usize = Phase::STEPS_PER_BEAT;
/// Deviation of a key from the clock that is assumed of a player not yet heard, in seconds.
const FIRST_DEVIATION: f64 = 0.02;
/// How fast mean and variance of the deviations are learned, a key.
const LEARNING: f64 = 0.07;
/// Farther from the clock than these seconds nobody was early or late: the clock was wrong.
const ASTRAY: f64 = 0.1;
/// Keys later than the mean by so many standard deviations are not waited for.
const SPREAD: f64 = 2.2;
/// Least and longest wait, in seconds, and the longest as a share of a step.
const WAIT: (f64, f64) = (0.008, 0.09);
const LONGEST_SHARE: f64 = 0.55;
/// How often a melody strikes at each place of the beat before anything is known of it, and how fast that is learned, a
/// beat.
const FIRST_SHARES: [f64; PLACES] = [0.9, 0.05, 0.4, 0.05];
const SHARE_LEARNING: f64 = 0.12;
/// Where fewer keys come nobody waits for one.
const LIKELY: f64 = 0.015;

pub struct Touch {
    rate: f64,
    /// Of the deviations from the clock, in seconds.
    mean: f64,
    variance: f64,
    /// Share of steps of each place in which a key was struck.
    shares: [f64; PLACES],
    has_struck: bool,
}

impl Touch {
    /// `rate`: units of time in a second.
    pub fn new(rate: f64) -> Touch {
        Touch { rate, mean: 0.0, variance: FIRST_DEVIATION * FIRST_DEVIATION, shares: FIRST_SHARES, has_struck: false }
    }

    /// A key was struck so many units of time after its step was to begin; `None` where that says nothing of the clock.
    pub fn strike(&mut self, deviation: Option<f64>) {
        self.has_struck = true;
        let seconds = deviation.map(|deviation| deviation / self.rate);
        if let Some(deviation) = seconds.filter(|deviation| deviation.abs() < ASTRAY) {
            let error = deviation - self.mean;
            self.mean += LEARNING * error;
            self.variance += LEARNING * (error * error - self.variance);
        }
    }

    /// The step at `position` has ended; `was_music` if the soprano sounded.
    pub fn end_step(&mut self, position: u64, was_music: bool) {
        let has_struck = std::mem::take(&mut self.has_struck);
        if was_music || has_struck {
            let share = &mut self.shares[(position % PLACES as u64) as usize];
            *share += SHARE_LEARNING * (f64::from(u8::from(has_struck)) - *share);
        }
    }

    /// How long after the beginning of the step at `position` a key of it may still come; 0 where none is likely.
    pub fn wait(&self, position: u64, step_length: f64) -> Time {
        let is_likely = self.shares[(position % PLACES as u64) as usize] >= LIKELY;
        if is_likely { self.longest_wait(step_length) } else { 0 }
    }

    /// The same while none has come.
    pub fn wait_for_key(&self, position: u64, step_length: f64) -> Time {
        if self.has_struck { 0 } else { self.wait(position, step_length) }
    }

    /// How long after its moment a key may still come.
    pub fn longest_wait(&self, step_length: f64) -> Time {
        let wait = (self.mean + SPREAD * self.variance.sqrt()).clamp(WAIT.0, WAIT.1);
        (wait * self.rate).min(LONGEST_SHARE * step_length) as Time
    }
}
