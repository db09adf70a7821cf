//! MIDI clock: 24 ticks a quarter with start, stop, continue and song position (MIDI 1.0, system real time and common
//! messages). The first tick after a start is beat 0.
//!
//! Ticks arrive late by what USB, schedulers and sound systems make of them. An alpha-beta filter, the steady state of
//! a Kalman filter for phase and tempo, smooths them; it begins with the gains of a growing memory, so that it locks
//! within a few ticks.

use super::{Time, Transport};
use crate::midi::MidiMessage;

const TICKS_PER_STEP: u64 = 6;
const TICKS_PER_QUARTER: f64 = 24.0;

/// In the long run: the share of a tick's deviation that moves the phase, and that moves the tempo (critically damped).
/// A tick that deviates by 2 ms moves the beat by 0.4 ms.
const PHASE_GAIN: f64 = 0.2;
const TEMPO_GAIN: f64 = PHASE_GAIN * PHASE_GAIN / (2.0 - PHASE_GAIN);
/// A tick that comes after less than this share of a tick's length is a doubled one. 2 ms of jitter at 300 beats a
/// minute make the length between two ticks shrink to a half.
const DOUBLED: f64 = 0.3;
/// A tick that deviates by more than this share of a tick's length is an accident at first, and a new tempo when it
/// happens again.
const DEVIANT: f64 = 0.35;
/// So many ticks in a row that look doubled, or that follow a gap, are right: the tempo has changed.
const CONVINCING: u32 = 3;
const CONVINCING_GAPS: u32 = 6;
/// After half a beat without a tick the master has stalled.
const STALLED: f64 = TICKS_PER_QUARTER / 2.0;
/// Beats a minute that a master may have.
const TEMPI: (f64, f64) = (10.0, 600.0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never started: the first key starts the music where the ticks are running already.
    Unstarted,
    Stopped,
    /// Started or continued: goes on with the next tick.
    Armed,
    Running,
}

pub struct MidiClock {
    rate: f64,
    state: State,
    /// The last tick's number, counted from beat 0; while the music stands, that of the tick with which it will go on.
    ticks: u64,
    /// When the last tick was, filtered.
    at: f64,
    /// When it came.
    came: f64,
    /// Length of a tick, filtered.
    period: f64,
    /// Ticks that the filter has seen since it began anew.
    seen: u32,
    /// Ticks in a row that seemed to be doubled, and how many seemed lost in a row of gaps.
    doubled: u32,
    gaps: u32,
    lost: u64,
    /// The sign of the last deviation too large to be believed, 0 after an ordinary tick.
    deviation: f64,
}

impl MidiClock {
    pub fn new(rate: f64, tempo: f64) -> MidiClock {
        let period = rate * 60.0 / tempo / TICKS_PER_QUARTER;
        MidiClock {
            rate,
            state: State::Unstarted,
            ticks: 0,
            at: 0.0,
            came: 0.0,
            period,
            seen: 0,
            doubled: 0,
            gaps: 0,
            lost: 0,
            deviation: 0.0,
        }
    }

    pub fn message(&mut self, at: Time, message: MidiMessage) -> Option<Transport> {
        match message {
            MidiMessage::Clock => return self.tick(at as f64),
            MidiMessage::Start => self.arm(0),
            MidiMessage::Continue if self.state != State::Running => self.state = State::Armed,
            MidiMessage::Stop if self.state != State::Stopped => {
                // A continue goes on after the last tick that was played.
                self.ticks += u64::from(self.state == State::Running);
                self.state = State::Stopped;
                return Some(Transport::Stops);
            }
            MidiMessage::SongPosition(position) => {
                self.ticks = TICKS_PER_STEP * u64::from(position);
                self.state = if self.state == State::Running { State::Armed } else { State::Stopped };
            }
            _ => {}
        }
        None
    }

    /// A key is struck. Where the ticks have come all along without a start, as from a master that was running before
    /// us, this is beat 0.
    pub fn onset(&mut self, now: Time) {
        if self.state == State::Unstarted && self.seen > 0 && !self.is_late(now) {
            self.state = State::Running;
            self.ticks = 0;
        }
    }

    /// A position and when it begins; `None` while the music stands.
    pub fn anchor(&self) -> Option<(u64, f64)> {
        let into = (self.ticks % TICKS_PER_STEP) as f64;
        (self.state == State::Running).then_some((self.ticks / TICKS_PER_STEP, self.at - into * self.period))
    }

    pub fn step_length(&self) -> f64 {
        self.period * TICKS_PER_STEP as f64
    }

    pub fn is_stalled(&self, now: Time) -> bool {
        self.state == State::Running && self.is_late(now)
    }

    fn is_late(&self, now: Time) -> bool {
        now as f64 - self.came > STALLED * self.period
    }

    fn arm(&mut self, ticks: u64) {
        self.state = State::Armed;
        self.ticks = ticks;
    }

    fn tick(&mut self, now: f64) -> Option<Transport> {
        let passed = self.filter(now);
        match self.state {
            State::Unstarted | State::Stopped => None,
            State::Running => {
                self.ticks = self.ticks.saturating_add_signed(passed);
                None
            }
            // A doubled tick is none: the first one came before the start.
            State::Armed if passed == 0 => None,
            State::Armed => {
                self.state = State::Running;
                Some(Transport::Runs(self.ticks / TICKS_PER_STEP))
            }
        }
    }

    /// Takes one tick into the filter and returns how many ticks of the master have passed with it.
    fn filter(&mut self, now: f64) -> i64 {
        let since = now - self.came;
        if self.seen == 0 {
            self.lock(now, self.period);
            return 1;
        }
        if since > STALLED * self.period {
            // Lost ticks, a pause, or a master that is silent while stopped: what matters is where it goes on.
            let passed = ((now - self.at) / self.period).round();
            self.lock(now, self.period);
            return passed as i64;
        }
        if since < DOUBLED * self.period {
            self.came = now;
            self.doubled += 1;
            if self.doubled < CONVINCING {
                return 0;
            }
            let passed = i64::from(self.doubled);
            self.lock(now, since);
            return passed;
        }
        self.doubled = 0;
        let passed = ((now - self.at) / self.period).round().max(1.0);
        if passed > 1.0 {
            self.gaps += 1;
            self.lost += passed as u64 - 1;
            if self.gaps >= CONVINCING_GAPS {
                let lost = self.lost as i64;
                self.lock(now, since);
                return passed as i64 - lost;
            }
        } else {
            self.gaps = 0;
            self.lost = 0;
        }
        self.came = now;
        self.correct(now, passed);
        passed as i64
    }

    fn correct(&mut self, now: f64, passed: f64) {
        let expected = self.at + passed * self.period;
        let limit = DEVIANT * self.period;
        let mut phase_error = now - expected;
        if phase_error.abs() > limit && self.seen > 2 {
            if self.deviation * phase_error > 0.0 {
                self.seen = 2; // the second of its kind: believe it, and learn the tempo anew
            } else {
                self.deviation = phase_error;
                phase_error = phase_error.clamp(-limit, limit);
            }
        } else {
            self.deviation = 0.0;
        }
        self.seen = self.seen.saturating_add(1);
        let seen = f64::from(self.seen);
        let phase_gain = (2.0 * (2.0 * seen - 1.0) / (seen * (seen + 1.0))).max(PHASE_GAIN);
        let tempo_gain = (6.0 / (seen * (seen + 1.0))).max(TEMPO_GAIN);
        self.at = expected + phase_gain.min(1.0) * phase_error;
        self.period = self.plausible(self.period + tempo_gain.min(1.0) * phase_error / passed);
    }

    /// Begins anew at a tick that is believed, with this length of a tick for a start.
    fn lock(&mut self, now: f64, period: f64) {
        self.at = now;
        self.came = now;
        self.period = self.plausible(period);
        self.seen = 1;
        (self.doubled, self.gaps, self.lost, self.deviation) = (0, 0, 0, 0.0);
    }

    fn plausible(&self, period: f64) -> f64 {
        let of_tempo = |tempo: f64| self.rate * 60.0 / tempo / TICKS_PER_QUARTER;
        period.clamp(of_tempo(TEMPI.1), of_tempo(TEMPI.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Nanoseconds.
    const RATE: f64 = 1e9;
    const MS: f64 = 1e6;

    fn period(tempo: f64) -> f64 {
        RATE * 60.0 / tempo / 24.0
    }

    fn tick(clock: &mut MidiClock, at: f64) -> Option<Transport> {
        clock.message(at as Time, MidiMessage::Clock)
    }

    /// Of `position`, how far the clock's idea is off the truth, in milliseconds.
    fn error_ms(clock: &MidiClock, position: u64, truth: f64) -> f64 {
        let (anchor, at) = clock.anchor().unwrap();
        (at + (position as f64 - anchor as f64) * clock.step_length() - truth).abs() / MS
    }

    /// A master at a changing tempo (beats a minute at each tick), with jitter, lost and doubled ticks, by shares.
    struct Master {
        jitter_ms: f64,
        lost: f64,
        doubled: f64,
    }

    /// Returns the errors of the next boundary's prediction, in ms, at each step from `from` on.
    fn errors(master: &Master, tempo: impl Fn(u64) -> f64, ticks: u64, from: u64, seed: u64) -> Vec<f64> {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut clock = MidiClock::new(RATE, 120.0);
        clock.message(0, MidiMessage::Start);
        let mut truth = RATE;
        let mut errors = Vec::new();
        for number in 0..ticks {
            let late = generator.random::<f64>() * master.jitter_ms * MS;
            if number == 0 || generator.random::<f64>() >= master.lost {
                tick(&mut clock, truth + late);
                if generator.random::<f64>() < master.doubled {
                    tick(&mut clock, truth + late + 0.3 * MS);
                }
            }
            let next = truth + period(tempo(number));
            if number / 6 >= from && number % 6 == 5 {
                // The jitter's mean is a latency that no filter can know.
                errors.push(error_ms(&clock, (number + 1) / 6, next + master.jitter_ms * MS / 2.0));
            }
            truth = next;
        }
        errors
    }

    #[test]
    fn the_first_tick_after_a_start_is_beat_0() {
        let mut clock = MidiClock::new(RATE, 120.0);
        assert_eq!(tick(&mut clock, 1.0 * RATE), None, "ticks before the start only tell the tempo");
        assert_eq!(clock.anchor(), None);
        assert_eq!(clock.message(1_005_000_000, MidiMessage::Start), None);
        assert_eq!(tick(&mut clock, 1.0 * RATE + period(120.0)), Some(Transport::Runs(0)));
        assert_eq!(clock.anchor().unwrap().0, 0);
    }

    #[test]
    fn a_stop_stands_still_a_continue_goes_on_and_song_position_moves() {
        let mut clock = MidiClock::new(RATE, 120.0);
        clock.message(0, MidiMessage::Start);
        let at = |number: u64| number as f64 * period(120.0);
        (0..13).for_each(|number| {
            tick(&mut clock, at(number));
        });
        assert_eq!(clock.message(at(13) as Time, MidiMessage::Stop), Some(Transport::Stops));
        (13..30).for_each(|number| assert_eq!(tick(&mut clock, at(number)), None));
        assert_eq!(clock.anchor(), None);
        clock.message(at(30) as Time, MidiMessage::Continue);
        assert_eq!(tick(&mut clock, at(30)), Some(Transport::Runs(2)), "tick 13 follows tick 12");

        clock.message(at(31) as Time, MidiMessage::Stop);
        clock.message(at(31) as Time, MidiMessage::SongPosition(133));
        clock.message(at(31) as Time, MidiMessage::Continue);
        assert_eq!(tick(&mut clock, at(32)), Some(Transport::Runs(133)), "a song position counts sixteenths");
        clock.message(at(33) as Time, MidiMessage::Stop);
        clock.message(at(33) as Time, MidiMessage::Start);
        assert_eq!(tick(&mut clock, at(34)), Some(Transport::Runs(0)));
    }

    #[test]
    fn a_master_that_was_running_before_us_is_joined_by_the_first_key() {
        let mut clock = MidiClock::new(RATE, 100.0);
        clock.onset(0);
        assert_eq!(clock.anchor(), None, "no master, no time");
        (0..48).for_each(|number| {
            tick(&mut clock, number as f64 * period(90.0));
        });
        let after = |ticks: f64| (ticks * period(90.0)) as Time;
        clock.onset(after(72.0));
        assert_eq!(clock.anchor(), None, "a master that fell silent gives no time either");
        clock.onset(after(47.5));
        assert_eq!(clock.anchor().unwrap().0, 0);
        let tempo = RATE * 15.0 / clock.step_length();
        assert!((tempo - 90.0).abs() < 0.1, "{tempo}");
    }

    #[test]
    fn two_milliseconds_of_jitter_move_the_beat_by_less_than_one() {
        for (tempo, seed) in [(60.0, 1), (120.0, 2), (200.0, 3), (300.0, 4)] {
            let mut errors = errors(&Master { jitter_ms: 2.0, lost: 0.0, doubled: 0.0 }, |_| tempo, 9600, 16, seed);
            errors.sort_by(f64::total_cmp);
            let p99 = errors[errors.len() * 99 / 100];
            assert!(p99 < 1.0, "at {tempo}: p99 {p99} ms");
        }
    }

    #[test]
    fn lost_and_doubled_ticks_are_made_good() {
        let master = Master { jitter_ms: 2.0, lost: 0.03, doubled: 0.03 };
        for seed in 0..20 {
            let errors = errors(&master, |_| 120.0, 4800, 16, seed);
            let worst = errors.iter().copied().fold(0.0, f64::max);
            assert!(worst < period(120.0) / 2.0 / MS, "a tick too many or too few: off by {worst} ms (seed {seed})");
        }
    }

    #[test]
    fn tempo_changes_are_followed_at_once_or_gradually() {
        let steady = Master { jitter_ms: 0.5, lost: 0.0, doubled: 0.0 };
        for (before, after) in [(120.0, 60.0), (60.0, 120.0), (120.0, 126.0), (70.0, 250.0), (200.0, 50.0)] {
            let errors = errors(&steady, |tick| if tick < 480 { before } else { after }, 960, 0, 5);
            let settled = &errors[100..];
            let worst = settled.iter().copied().fold(0.0, f64::max);
            assert!(worst < 1.0, "{before} to {after}: still off by {worst} ms after five beats");
        }
        let ritardando = errors(&steady, |tick| 120.0 - tick as f64 / 8.0, 480, 8, 6);
        let worst = ritardando.iter().copied().fold(0.0, f64::max);
        assert!(worst < 5.0, "in a ritardando off by {worst} ms");
    }

    #[test]
    fn a_stalled_master_is_noticed_and_the_time_goes_on() {
        let mut clock = MidiClock::new(RATE, 120.0);
        clock.message(0, MidiMessage::Start);
        let at = |number: u64| number as f64 * period(120.0);
        (0..48).for_each(|number| {
            tick(&mut clock, at(number));
        });
        assert!(!clock.is_stalled(at(53) as Time));
        assert!(clock.is_stalled(at(61) as Time));
        assert!(error_ms(&clock, 24, at(144)) < 0.1, "it goes on at the last tempo");
        tick(&mut clock, at(144));
        assert!(!clock.is_stalled(at(145) as Time));
        assert_eq!(clock.anchor().unwrap().0, 24);
    }

    proptest! {
        #[test]
        fn any_messages_at_any_time_leave_a_clock_that_goes_forward(
            messages in prop::collection::vec(
                (0u64..3_000_000_000, prop_oneof![
                    6 => Just(MidiMessage::Clock), 1 => Just(MidiMessage::Start), 1 => Just(MidiMessage::Continue),
                    1 => Just(MidiMessage::Stop), 1 => (0u16..0x4000).prop_map(MidiMessage::SongPosition),
                    1 => Just(MidiMessage::Reset),
                ]), 0..200),
        ) {
            let mut clock = MidiClock::new(RATE, 120.0);
            let mut now = 0;
            for (wait, message) in messages {
                now += wait / 50;
                clock.message(now, message);
                clock.onset(now);
                prop_assert!(clock.step_length() > 0.0 && clock.step_length().is_finite());
                prop_assert!(clock.anchor().is_none_or(|(_, at)| at.is_finite()));
            }
        }
    }
}
