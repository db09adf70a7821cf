//! Where the steps begin: by a tempo that is strict or leans towards the player, by MIDI clock, or by the playing itself.
//!
//! A [`Clock`] counts musical time in positions, sixteenths since beat 0 of the piece, and says when each begins. It
//! reads no time of its own and never allocates after [`Clock::new`].

pub mod follow;
mod host;
mod metre;
pub mod midi;

use chorale::Phase;
use serde::{Deserialize, Serialize};

use follow::Follower;
use host::HostClock;
use metre::Steps;
use midi::MidiClock;

use crate::midi::MidiMessage;

pub use host::HostTransport;
pub use metre::Metre;

/// A moment, counted in the units of whoever drives the clock: frames under JACK, nanoseconds elsewhere.
pub type Time = u64;

/// What gives the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// A tempo that leans towards the player; the first key starts it.
    #[default]
    Internal,
    /// A tempo that nothing moves; the first key starts it.
    Strict,
    /// MIDI clock: 24 ticks a quarter, start, stop, continue and song position.
    Midi,
    /// Tempo and beat are inferred from the keys as they are struck.
    Follow,
    /// The transport of a plugin's host. While it stands our own clock runs at its tempo and leans towards the player.
    #[serde(skip)]
    Host,
}

impl ClockSource {
    /// Whether the tempo is our own, and can be set.
    pub fn has_own_tempo(self) -> bool {
        matches!(self, ClockSource::Internal | ClockSource::Strict)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub source: ClockSource,
    /// Units of [`Time`] in a second.
    pub rate: f64,
    /// Beats a minute. Under MIDI clock, a host and when following it is only the first guess.
    pub tempo: f64,
    /// Sixteenths of the bar before the first key: 0 when it is a downbeat, in 4/4 12 for a pickup of a quarter.
    pub first: u64,
}

/// What a MIDI clock's master or a host did, as far as the music is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The music goes on from this position, from now on.
    Runs(u64),
    Stops,
}

/// Beginning with this share of a step, a key struck belongs to the next step.
const AHEAD_FROM: f64 = 0.75;

pub struct Clock {
    rate: f64,
    source: ClockSource,
    first: u64,
    metre: Metre,
    steps: Steps,
    /// Of the strict clock: a sixteenth and when it begins. `None` before the first key.
    anchor: Option<(u64, f64)>,
    /// Of the strict clock: units of [`Time`] in a sixteenth, a fraction so that rounding never adds up.
    length: f64,
    midi: MidiClock,
    host: HostClock,
    follower: Follower,
}

impl Clock {
    /// # Panics
    /// When rate or tempo is not above zero.
    pub fn new(settings: Settings, metre: Metre) -> Clock {
        let Settings { source, rate, tempo, first } = settings;
        assert!(rate > 0.0 && tempo > 0.0, "rate and tempo must be above zero: {settings:?}");
        let length = step_length(rate, tempo, metre.beat());
        Clock {
            rate,
            source,
            first,
            metre,
            steps: Steps::new(metre),
            anchor: None,
            length,
            midi: MidiClock::new(rate, tempo * metre.beat() as f64 / 4.0),
            host: HostClock::new(rate, length),
            follower: match source {
                ClockSource::Internal | ClockSource::Host => Follower::leaning(rate, length, first, metre),
                _ => Follower::new(rate, length, first, metre),
            },
        }
    }

    /// The position of a melody note struck at `now`, while the music stands at position `present`. Our own clock is
    /// started by the first one. Only one that goes by the keys ever answers less than `present`: it had run ahead of the
    /// player.
    pub fn onset(&mut self, now: Time, present: u64) -> u64 {
        match self.source {
            _ if self.goes_by_keys() => {
                let sixteenth = self.follower.onset(now);
                return self.steps.strike(sixteenth);
            }
            ClockSource::Midi => self.midi.onset(now),
            ClockSource::Strict if self.anchor.is_none() => {
                self.anchor = Some((self.first, now as f64));
                return self.steps.strike(self.first);
            }
            _ => {}
        }
        let Some((anchor, at)) = self.anchor() else { return present };
        let place = anchor as f64 + (now as f64 - at) / self.step_length();
        self.steps.strike(self.steps.nearest(place)).max(present)
    }

    /// Takes clock, start, stop, continue and song position; ignores everything else, and everything where the time
    /// comes from elsewhere.
    pub fn midi(&mut self, at: Time, message: MidiMessage) -> Option<Transport> {
        let transport = if self.source == ClockSource::Midi { self.midi.message(at, message) } else { None };
        transport.map(|transport| match transport {
            Transport::Runs(sixteenth) => Transport::Runs(self.steps.position(sixteenth)),
            Transport::Stops => Transport::Stops,
        })
    }

    /// Takes what a host says of its song; ignores it where the time comes from elsewhere. Where the music goes may be told
    /// while the host stands, too: the playhead was moved.
    pub fn host(&mut self, at: Time, told: &HostTransport) -> Option<Transport> {
        if self.source != ClockSource::Host {
            return None;
        }
        let is_new_metre = told.metre != self.metre;
        let transport = self.host.told(at, told, is_new_metre);
        if is_new_metre {
            self.metre = told.metre;
            self.steps = Steps::new(told.metre);
        }
        let length = self.host.step_length();
        if length != self.length {
            self.follower.set_length(length, self.follower.anchor());
        }
        self.length = length;
        transport.map(|transport| match transport {
            Transport::Runs(sixteenth) => Transport::Runs(self.steps.position(sixteenth)),
            Transport::Stops => Transport::Stops,
        })
    }

    /// The next key that is struck while the host stands is the first, at the place of its playhead.
    pub fn stand(&mut self) {
        self.first = nearest(self.host.place());
        self.follower = Follower::leaning(self.rate, self.length, self.first, self.metre);
    }

    /// Whether a host's song runs.
    pub fn is_host_playing(&self) -> bool {
        self.host.is_playing()
    }

    /// Whether each key struck may move the beat.
    pub fn goes_by_keys(&self) -> bool {
        match self.source {
            ClockSource::Internal | ClockSource::Follow => true,
            ClockSource::Host => !self.host.is_playing(),
            ClockSource::Strict | ClockSource::Midi => false,
        }
    }

    /// When a position begins, as far as is known now; `None` while the clock stands.
    pub fn boundary(&self, position: u64) -> Option<Time> {
        self.moment(self.sixteenth(position) as i64)
    }

    /// The same of a sixteenth; those before beat 0 are below zero.
    pub fn moment(&self, sixteenth: i64) -> Option<Time> {
        let (anchor, at) = self.anchor()?;
        let sixteenths = sixteenth as f64 - anchor as f64;
        Some((at + sixteenths * self.step_length()).round().max(0.0) as Time)
    }

    /// Starts our own clock before any key is struck: the first key's place is at `at`.
    pub fn start(&mut self, at: f64) {
        if self.source.has_own_tempo() {
            self.anchor = Some((self.first, at));
            self.follower.set_length(self.length, self.anchor);
        }
    }

    pub fn metre(&self) -> Metre {
        self.metre
    }

    /// Sixteenths from beat 0 to the first key's place.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// From now on bars and beats are those of another metre; the time goes on. Returns where the step that begins at
    /// `position` then stands.
    pub fn count_in_bars_of(&mut self, metre: Metre, position: u64) -> u64 {
        let sixteenth = self.sixteenth(position);
        (self.metre, self.steps) = (metre, Steps::new(metre));
        self.steps.position(sixteenth)
    }

    /// A beat is heard in a silence: the player will come in on it, however long the silence lasts.
    pub fn hear_beat(&mut self, sixteenth: u64, at: Time) {
        if self.source == ClockSource::Internal {
            self.follower.be_at(sixteenth, at as f64);
        }
    }

    /// The first key's position.
    pub fn first_position(&self) -> u64 {
        self.steps.position(self.first)
    }

    /// Sixteenths from beat 0 to a position.
    pub fn sixteenth(&self, position: u64) -> u64 {
        self.steps.sixteenth(position)
    }

    /// Whether lower parts may move with the step at a position, when no key is struck in it.
    pub fn may_move(&self, position: u64) -> bool {
        self.steps.may_move(position)
    }

    /// A sixteenth and when it begins.
    fn anchor(&self) -> Option<(u64, f64)> {
        match self.source {
            ClockSource::Strict => self.anchor,
            ClockSource::Midi => self.midi.anchor(),
            ClockSource::Host if self.host.is_playing() => self.host.anchor(),
            ClockSource::Internal | ClockSource::Follow | ClockSource::Host => self.follower.anchor(),
        }
    }

    /// Units of [`Time`] in a beat at the present tempo.
    pub fn beat_length(&self) -> f64 {
        self.step_length() * self.metre.beat() as f64
    }

    /// Units of [`Time`] in a sixteenth at the present tempo.
    pub fn step_length(&self) -> f64 {
        match self.source {
            ClockSource::Strict => self.length,
            ClockSource::Midi => self.midi.step_length(),
            ClockSource::Host if self.host.is_playing() => self.host.step_length(),
            ClockSource::Internal | ClockSource::Follow | ClockSource::Host => self.follower.step_length(),
        }
    }

    /// Beats a minute.
    pub fn tempo(&self) -> f64 {
        self.rate * 60.0 / self.beat_length()
    }

    /// Changes the tempo of our own clock from the beginning of `position` on, the one that the music stands at.
    pub fn set_tempo(&mut self, tempo: f64, position: u64) {
        if tempo > 0.0 && self.source.has_own_tempo() {
            self.anchor = self.boundary(position).map(|at| (self.sixteenth(position), at as f64));
            self.length = step_length(self.rate, tempo, self.metre.beat());
            self.follower.set_length(self.length, self.anchor);
        }
    }

    /// Where a position stands in the bar. A player who is followed tells nobody where the bar begins.
    pub fn phase(&self, position: u64) -> Phase {
        match self.source {
            ClockSource::Follow => Metre::Free.phase(position),
            _ => self.metre.phase(position),
        }
    }

    /// Whether a MIDI clock has stopped sending without a stop. The time goes on at its last tempo.
    pub fn is_stalled(&self, now: Time) -> bool {
        self.source == ClockSource::Midi && self.midi.is_stalled(now)
    }
}

/// The sixteenth that is meant by a place that may lie a little before it.
fn nearest(place: f64) -> u64 {
    (place + 1.0 - AHEAD_FROM).floor().max(0.0) as u64
}

/// Units of [`Time`] in a sixteenth, of which so many make a beat.
fn step_length(rate: f64, tempo: f64, beat: u64) -> f64 {
    rate * 60.0 / tempo / beat as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 units a second and 60 beats a minute: a step is 250 units.
    fn strict(first: u64) -> Clock {
        Clock::new(Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 60.0, first }, Metre::default())
    }

    #[test]
    fn the_first_key_starts_the_strict_clock_on_a_downbeat_or_after_a_pickup() {
        let mut clock = strict(0);
        assert_eq!(clock.boundary(1), None);
        assert_eq!(clock.onset(1000, 0), 0);
        assert_eq!(clock.boundary(1), Some(1250));
        assert_eq!([clock.onset(1187, 0), clock.onset(1188, 0)], [0, 1], "the last quarter belongs to the next step");

        let mut pickup = strict(12);
        assert_eq!(pickup.onset(1000, 0), 12);
        assert_eq!((pickup.boundary(16), pickup.phase(16)), (Some(2000), Phase::in_bar(0)));
    }

    #[test]
    fn a_new_tempo_holds_from_the_beginning_of_the_present_step() {
        let mut clock = strict(0);
        clock.onset(0, 0);
        clock.set_tempo(120.0, 4);
        assert_eq!([clock.boundary(4), clock.boundary(5)], [Some(1000), Some(1125)]);
        assert_eq!(clock.tempo(), 120.0);
    }

    #[test]
    fn in_six_eight_the_tempo_counts_dotted_quarters_and_keys_find_the_four_steps_of_each() {
        let settings = Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 10 };
        let mut clock = Clock::new(settings, "6/8".parse().unwrap());
        assert_eq!(clock.onset(0, clock.first_position()), 6, "a pickup of an eighth");
        assert_eq!((clock.boundary(8), clock.tempo()), (Some(333), 60.0));
        // Three eighths, the second 40 ms early, and a quarter and an eighth.
        let mut present = 8;
        for (at, expected) in [(333, 8), (627, 10), (1000, 11), (1333, 12), (2000, 14)] {
            present = clock.onset(at, present);
            assert_eq!(present, expected, "at {at}");
        }
        assert_eq!(clock.phase(8), Phase::in_bar(8));
    }

    #[test]
    fn fractions_of_a_unit_never_add_up() {
        let settings = Settings { source: ClockSource::Strict, rate: 48_000.0, tempo: 97.0, first: 0 };
        let mut clock = Clock::new(settings, Metre::default());
        clock.onset(0, 0);
        let minute = 48_000 * 60;
        assert_eq!(clock.boundary(97 * 4), Some(minute));
        assert_eq!(clock.boundary(97 * 4 * 600), Some(600 * minute));
    }
}
