//! The transport of a host, as a DAW tells it to a plugin: place, tempo and metre, exactly and as often as it likes.
//!
//! Nothing is filtered. A place that goes on from the last one keeps the grid where it was, to the last fraction of a
//! unit, so that blocks of any length give the same steps; any other place is taken as it is told.

use super::{Metre, Time, Transport};

/// Beats a minute that a host may have, and quarters from the beginning of the longest song.
const TEMPI: (f64, f64) = (10.0, 600.0);
const LONGEST: f64 = 1e7;
/// A place off the expected one by less than this share of a sixteenth is a ramp of the tempo, and no jump.
const RAMP: f64 = 0.5;
/// What differs by less than so many units of time is the same.
const SAME: f64 = 0.5;

/// What a host says of its song at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostTransport {
    pub is_playing: bool,
    /// From the song's beginning; below zero in a count-in.
    pub quarters: f64,
    /// Quarters from the song's beginning to that of the present bar.
    pub bar: f64,
    /// Quarters a minute.
    pub tempo: f64,
    pub metre: Metre,
}

pub struct HostClock {
    rate: f64,
    is_playing: bool,
    /// Units of time in a sixteenth.
    length: f64,
    /// Where the song stood when it was told last, in sixteenths as the session counts them.
    place: f64,
    at: f64,
    /// The session's sixteenths less the host's: whole ones, so that bars begin where the session has them begin, and
    /// nothing lies below zero.
    shift: f64,
}

impl HostClock {
    pub fn new(rate: f64, length: f64) -> HostClock {
        HostClock { rate, is_playing: false, length, place: 0.0, at: 0.0, shift: 0.0 }
    }

    pub fn is_playing(&self) -> bool {
        self.is_playing
    }

    /// Units of time in a sixteenth.
    pub fn step_length(&self) -> f64 {
        self.length
    }

    /// A sixteenth and when it begins; `None` while the song stands.
    pub fn anchor(&self) -> Option<(u64, f64)> {
        self.is_playing.then(|| (self.place as u64, self.at - self.place.fract() * self.length))
    }

    /// Where the song stands at the last moment told, in sixteenths.
    pub fn place(&self) -> f64 {
        self.place
    }

    /// Takes what the host says, unless it is nonsense. `is_new_metre`: its metre is another than before. Returns what the
    /// music makes of it, with a sixteenth.
    pub fn told(&mut self, at: Time, told: &HostTransport, is_new_metre: bool) -> Option<Transport> {
        let is_sane = told.quarters.abs() <= LONGEST && told.bar.abs() <= LONGEST && told.tempo.is_finite();
        if !is_sane {
            return None;
        }
        let (now, was_playing) = (at as f64, self.is_playing);
        let length = self.rate * 15.0 / told.tempo.clamp(TEMPI.0, TEMPI.1);
        let is_moved = self.align(told);
        let place = 4.0 * told.quarters + self.shift;
        let elapsed = if was_playing { (now - self.at) / self.length } else { 0.0 };
        let deviation = (place - self.place - elapsed).abs();
        self.is_playing = told.is_playing;
        let is_same = deviation * self.length <= SAME && length == self.length;
        if !is_same || was_playing != told.is_playing || is_moved || is_new_metre {
            (self.place, self.at, self.length) = (place, now, length);
        }
        let sixteenth = super::nearest(place);
        match (was_playing, told.is_playing) {
            (true, false) => Some(Transport::Stops),
            (false, true) => Some(Transport::Runs(sixteenth)),
            _ if deviation >= RAMP || is_moved || is_new_metre => Some(Transport::Runs(sixteenth)),
            _ => None,
        }
    }

    /// Lets a bar of the host's begin where the session has one begin. Returns whether that moves the song.
    fn align(&mut self, told: &HostTransport) -> bool {
        let bar = told.metre.bar().unwrap_or(told.metre.beat()) as f64;
        let (begun, place) = ((4.0 * told.bar).round(), 4.0 * told.quarters);
        if (begun + self.shift).rem_euclid(bar) == 0.0 && place + self.shift >= 0.0 {
            return false;
        }
        let least = (-place.floor()).max(0.0);
        let shift = least + (-begun - least).rem_euclid(bar);
        let is_moved = shift != self.shift;
        self.shift = shift;
        is_moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(quarters: f64) -> HostTransport {
        let metre = Metre::default();
        HostTransport { is_playing: true, quarters, bar: (quarters / 4.0).floor() * 4.0, tempo: 120.0, metre }
    }

    /// At 8000 units a second and 120 beats a minute: a sixteenth is 1000 units.
    fn clock() -> HostClock {
        HostClock::new(8000.0, 1000.0)
    }

    #[test]
    fn a_song_that_goes_on_keeps_its_grid_whatever_the_blocks_and_roundings() {
        let mut clock = clock();
        assert_eq!(clock.told(40, &told(1.0), false), Some(Transport::Runs(4)));
        let mut at = 40;
        for block in [1, 64, 0, 8192, 333, 1000, 7] {
            at += block;
            let quarters = 1.0 + (at - 40) as f64 / 4000.0 + 1e-5;
            assert_eq!(clock.told(at, &told(quarters), false), None, "after {block}");
            assert_eq!(clock.anchor(), Some((4, 40.0)));
        }
    }

    #[test]
    fn a_new_tempo_holds_from_where_it_is_told() {
        let mut clock = clock();
        clock.told(0, &told(0.0), false);
        assert_eq!(clock.told(1500, &HostTransport { tempo: 60.0, ..told(0.375) }, false), None);
        assert_eq!((clock.anchor(), clock.step_length()), (Some((1, 500.0)), 2000.0), "half of it at the new tempo");
    }

    #[test]
    fn a_loop_goes_back_and_a_stop_stands() {
        let mut clock = clock();
        clock.told(0, &told(4.0), false);
        assert_eq!(clock.told(16_000, &told(4.0), false), Some(Transport::Runs(16)));
        assert_eq!(
            clock.told(20_000, &HostTransport { is_playing: false, ..told(5.0) }, false),
            Some(Transport::Stops)
        );
        assert_eq!(clock.anchor(), None);
        assert_eq!(clock.told(30_000, &HostTransport { is_playing: false, ..told(5.0) }, false), None);
        let moved = HostTransport { is_playing: false, ..told(2.0) };
        assert_eq!(clock.told(40_000, &moved, false), Some(Transport::Runs(8)), "the playhead was moved");
    }

    #[test]
    fn bars_begin_where_the_host_says_and_a_count_in_is_not_below_zero() {
        let mut clock = clock();
        let three = Metre::Bars { numerator: 3, denominator: 4 };
        clock.told(0, &HostTransport { metre: three, bar: 0.0, ..told(0.0) }, true);
        // A bar of three quarters, then one of four.
        clock.told(12_000, &HostTransport { bar: 3.0, ..told(3.0) }, true);
        assert_eq!(clock.place().rem_euclid(16.0), 0.0);
        let mut early = self::clock();
        early.told(0, &told(-3.5), false);
        assert_eq!(early.place(), 2.0, "an eighth into a bar");
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut clock = clock();
        clock.told(0, &told(1.0), false);
        for nonsense in [f64::NAN, f64::INFINITY, -1e12] {
            assert_eq!(clock.told(500, &told(nonsense), false), None);
            assert_eq!(clock.told(500, &HostTransport { tempo: f64::NAN, ..told(9.0) }, false), None);
        }
        assert_eq!(clock.anchor(), Some((4, 0.0)));
        clock.told(1000, &HostTransport { tempo: 0.0, ..told(1.25) }, false);
        assert!(clock.step_length().is_finite());
    }
}
