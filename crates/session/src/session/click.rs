//! The metronome: a click on each beat of the clock, and the beats that are counted before the music begins.

use crate::clock::{ClockSource, Time};

use super::Session;

/// Seconds from a click's beginning to its end.
const LENGTH: f64 = 0.05;
/// Velocities of a bar's first beat and of the others.
const VELOCITIES: (u8, u8) = (127, 72);
/// A beat that is over by more than this share of a step is not clicked any more: it would be a wrong beat.
const LATE: f64 = 0.5;
/// Beats that are counted as a bar where there are no bars.
const FREE_BAR: i64 = 4;

/// Beats are told by their sixteenth, counted from beat 0; those of a count-in may be below zero.
pub struct Click {
    pub is_on: bool,
    /// The last beat that clicked, and when it did.
    last: Option<(i64, Time)>,
    /// The first beat of the count-in, while that lasts.
    counted_from: Option<i64>,
    /// When the note that sounds ends.
    pub ends: Option<Time>,
}

impl Click {
    pub fn new(is_on: bool) -> Click {
        Click { is_on, last: None, counted_from: None, ends: None }
    }

    /// The clock goes on elsewhere, or stands.
    pub fn lose_place(&mut self) {
        (self.last, self.counted_from) = (None, None);
    }
}

impl Session {
    /// The beat of the bar that is being counted in, from 1.
    pub fn counted_beat(&self) -> Option<u64> {
        let from = self.click.counted_from?;
        let beats = self.click.last.map_or(0, |(last, _)| (last - from) / self.beat_sixteenths());
        Some((beats % (self.bar_sixteenths() / self.beat_sixteenths())) as u64 + 1)
    }

    pub(super) fn is_counting(&self) -> bool {
        self.click.counted_from.is_some()
    }

    pub(super) fn click_due(&self) -> Option<Time> {
        self.next_click().map(|(_, at)| at)
    }

    /// The next beat that clicks, or the end of the count-in.
    fn next_click(&self) -> Option<(i64, Time)> {
        let beat = self.beat_sixteenths();
        let at = |sixteenth: i64| Some((sixteenth, self.clock.moment(sixteenth)?));
        if let Some(from) = self.click.counted_from {
            let next = self.click.last.map_or(from, |(last, _)| last + beat);
            return at(next.min(self.clock.first() as i64));
        }
        // Whoever is followed is the clock.
        if !self.click.is_on || self.settings.clock.source == ClockSource::Follow {
            return None;
        }
        let here = self.clock.sixteenth(self.position) as i64 / beat * beat;
        let missed = (LATE * self.clock.step_length()) as Time;
        let last = self.click.last.map(|(last, _)| last);
        let is_late = |at: Time| at + missed < self.now;
        match at(here)? {
            (_, moment) if last.is_some_and(|last| here <= last) || is_late(moment) => {
                at(last.map_or(here, |last| last.max(here)) + beat)
            }
            now => Some(now),
        }
    }

    pub(super) fn click(&mut self) {
        let Some((sixteenth, _)) = self.next_click() else { return };
        if self.is_counting() && sixteenth == self.clock.first() as i64 {
            self.click.counted_from = None;
            return;
        }
        self.click.last = Some((sixteenth, self.now));
        if self.keys.soprano().is_none() && !self.is_counting() {
            self.clock.hear_beat(sixteenth as u64, self.now);
        }
        let is_accented = self.clock.metre().bar().is_some_and(|bar| sixteenth.rem_euclid(bar as i64) == 0);
        let (accent, other) = VELOCITIES;
        self.routing.click(self.now, if is_accented { accent } else { other });
        self.click.ends = Some(self.now + self.units(LENGTH));
    }

    pub(super) fn end_click(&mut self) {
        self.click.ends = None;
        self.routing.end_click(self.now);
    }

    /// The music begins anew after a count-in.
    pub(super) fn count_in(&mut self) {
        if self.settings.clock.source.has_own_tempo() {
            self.panic();
            self.begin_anew(self.tempo, self.clock.metre());
            self.begin_count(self.settings.click.count_in.max(1));
        }
    }

    /// Counts so many bars of a clock that stands: from then on it runs, and the first key is on its grid.
    pub(super) fn begin_count(&mut self, bars: u8) {
        if bars == 0 || !self.settings.clock.source.has_own_tempo() {
            return;
        }
        let (bar, first) = (self.bar_sixteenths(), self.clock.first() as i64);
        // A pickup of half a bar or more is within the last bar that is counted.
        let bar_line = (first + bar / 2).div_euclid(bar) * bar;
        let from = bar_line - i64::from(bars) * bar;
        self.click.counted_from = Some(from);
        self.clock.start(self.now as f64 + (first - from) as f64 * self.clock.step_length());
        self.go_to(self.clock.first_position());
    }

    /// Who wants silence wants no count either: the next key starts the clock.
    pub(super) fn stop_counting(&mut self) {
        if self.is_counting() {
            self.begin_anew(self.tempo, self.clock.metre());
        }
    }

    /// Changes our own tempo. In a count-in the beats go on from the last one.
    pub(super) fn set_tempo(&mut self, tempo: f64) {
        self.tempo = tempo;
        self.clock.set_tempo(tempo, self.position);
        if let (true, Some((last, at))) = (self.is_counting(), self.click.last) {
            let rest = (self.clock.first() as i64 - last) as f64;
            self.clock.start(at as f64 + rest * self.clock.step_length());
        }
    }

    pub(super) fn tap(&mut self) {
        if let Some(beat) = self.taps.tap(self.now) {
            self.set_tempo(60.0 * self.settings.clock.rate / beat);
        }
    }

    fn beat_sixteenths(&self) -> i64 {
        self.clock.metre().beat() as i64
    }

    fn bar_sixteenths(&self) -> i64 {
        self.clock.metre().bar().map_or(FREE_BAR * self.beat_sixteenths(), |bar| bar as i64)
    }
}
