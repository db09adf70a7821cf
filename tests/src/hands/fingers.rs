//! What the fingers do: a melody with all that hands make of it.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Written;

/// How somebody plays. Times are milliseconds, shares go from 0 to 1.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Quarters a minute.
    pub bpm: f64,
    /// Gaussian deviation of each onset, and its mean: late above zero.
    pub sd: f64,
    pub bias: f64,
    /// A slow wave in the tempo, in per cent.
    pub rubato: f64,
    /// Share of notes that overlap the next by 10 to 60; the others end 30 to 120 before it.
    pub legato: f64,
    /// Velocity of note-offs.
    pub release: u8,
    /// Shares of notes that are played so.
    pub grace: f64,
    pub trill: f64,
    pub repeat: f64,
    pub wrong: f64,
    /// Legato leaps by more than an octave.
    pub leap: f64,
    /// Of repeated notes, a second.
    pub repeat_hz: f64,
    /// Semitones below the melody at which the hands play chords to it.
    pub chord: Vec<u8>,
    pub pedal: bool,
    /// Starts, lengths and keys of a left hand of its own, in sixteenths.
    pub left_hand: Vec<(f64, f64, u8)>,
    /// MIDI clock is sent with it.
    pub master: bool,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner {
            bpm: 80.0,
            sd: 0.0,
            bias: 0.0,
            rubato: 0.0,
            legato: 0.5,
            release: 0,
            grace: 0.0,
            trill: 0.0,
            repeat: 0.0,
            wrong: 0.0,
            leap: 0.0,
            repeat_hz: 8.0,
            chord: Vec::new(),
            pedal: false,
            left_hand: Vec::new(),
            master: false,
        }
    }
}

/// What a finger strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrikeKind {
    Melody,
    /// Grace notes, the inner notes of trills and repetitions, wrong notes.
    Ornament,
    /// Chords below the melody, and the left hand.
    Accompaniment,
}

/// A key that goes down and up, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    pub on: f64,
    pub off: f64,
    pub key: u8,
    pub velocity: u8,
    pub kind: StrikeKind,
    /// Where it is written, in sixteenths.
    pub position: f64,
}

/// A whole performance, before it is played.
#[derive(Clone, Debug)]
pub struct Plan {
    pub strikes: Vec<Strike>,
    /// Seconds and bytes, in order.
    pub events: Vec<(f64, Vec<u8>)>,
    pub bpm: f64,
}

/// Nothing happens before.
const BEGIN: f64 = 3.0;

impl Plan {
    /// Draws a performance.
    pub fn new(written: &Written, manner: &Manner, seed: u64) -> Plan {
        let mut hands = Hands { manner, rng: ChaCha8Rng::seed_from_u64(seed), strikes: Vec::new(), events: Vec::new() };
        hands.play(written);
        let Hands { strikes, mut events, .. } = hands;
        // What ends goes before what begins.
        events.sort_by(|(a, this), (b, other)| a.total_cmp(b).then((this[0] & 0xf0).cmp(&(other[0] & 0xf0))));
        let mut plan = Plan { strikes, events, bpm: manner.bpm };
        plan.strikes.sort_by(|a, b| a.on.total_cmp(&b.on));
        plan
    }
}

struct Hands<'a> {
    manner: &'a Manner,
    rng: ChaCha8Rng,
    strikes: Vec<Strike>,
    events: Vec<(f64, Vec<u8>)>,
}

impl Hands<'_> {
    fn play(&mut self, written: &Written) {
        let Manner { bpm, sd, bias, pedal, .. } = *self.manner;
        let end = written.notes.iter().map(|note| note.start + note.length).fold(0.0, f64::max).ceil() as usize + 1;
        // The player's own time: when each sixteenth is.
        let mut moments = vec![BEGIN];
        for position in 0..=end {
            let wave = (std::f64::consts::TAU * position as f64 / 44.0).sin();
            moments.push(moments[position] + 15.0 / bpm * (1.0 + self.manner.rubato / 100.0 * wave));
        }
        let at = |position: f64| {
            let whole = (position as usize).min(end);
            moments[whole] + (position - whole as f64) * (moments[whole + 1] - moments[whole])
        };
        let mut last = 0.0;
        for (index, note) in written.notes.iter().enumerate() {
            let reach = 3.0 * sd + bias.abs();
            let deviation = (bias + sd * self.normal()).clamp(-reach, reach) / 1000.0;
            let on = (at(note.start) + deviation).max(last + 0.03);
            last = on;
            let next = written.notes.get(index + 1);
            let own_end = at(note.start + note.length);
            let next_on = next.map_or(own_end, |next| at(next.start));
            let is_legato = self.rng.random::<f64>() < self.manner.legato;
            let overlap = if is_legato { self.between(10.0, 60.0) } else { -self.between(30.0, 120.0) };
            let mut off = (own_end.min(next_on) + overlap / 1000.0).max(on + 0.06);
            if next.is_some_and(|next| next.key == note.key) {
                off = off.min(next_on - 0.05);
            }
            let wave = 22.0 * (std::f64::consts::TAU * note.start / 32.0).sin();
            let velocity = (68.0 + wave + 8.0 * self.normal()).clamp(15.0, 125.0);
            self.note(note.key, on, off, velocity, note.start, note.length);
            if pedal {
                self.events.push((on - 0.025, vec![0xb0, 64, 0]));
                let down = on + self.between(0.06, 0.12);
                self.events.push((down, vec![0xb0, 64, 127]));
            }
        }
        if pedal {
            self.events.push((last + 3.0, vec![0xb0, 64, 0]));
        }
        for &(start, length, key) in &self.manner.left_hand {
            let on = at(start) + sd * self.normal() / 1000.0;
            self.strike(on, at(start + length) - 0.03, key, 60.0, StrikeKind::Accompaniment, start);
        }
        if self.manner.master {
            self.send_clock(written.first, moments[end]);
        }
    }

    /// A note of the melody with what ornaments and accompanies it.
    fn note(&mut self, key: u8, mut on: f64, off: f64, velocity: f64, position: f64, length: f64) {
        let manner = self.manner;
        let mut key = i32::from(key);
        let may = |hands: &mut Self, share: f64| hands.rng.random::<f64>() < share;
        if may(self, manner.leap) {
            key += [-19, -14, 14, 19][self.rng.random_range(0..4)];
        }
        let key = key.clamp(0, 125) as u8;
        if may(self, manner.wrong) {
            let wrong = key.saturating_add_signed([-2, -1, 1, 2][self.rng.random_range(0..4)]);
            let end = on + self.between(0.06, 0.14);
            self.strike(on, end, wrong, velocity, StrikeKind::Ornament, position);
            on += 0.10;
        } else if may(self, manner.grace) {
            let grace = key.saturating_add_signed([-2, 2][self.rng.random_range(0..2)]);
            self.strike(on - 0.04, on + 0.01, grace, velocity * 0.8, StrikeKind::Ornament, position);
        }
        let is_long = length >= 4.0;
        if is_long && may(self, manner.trill) {
            let count = (((off - on) * 12.0) as usize).max(2);
            let each = (off - on) / count as f64;
            self.strike(on, on + each, key, velocity, StrikeKind::Melody, position);
            for number in 1..count {
                let (at, place) = (on + number as f64 * each, position + length * number as f64 / count as f64);
                let upper = key + if number % 2 == 1 { 2 } else { 0 };
                self.strike(at, at + each + 0.01, upper, velocity * 0.9, StrikeKind::Ornament, place);
            }
        } else if is_long && may(self, manner.repeat) {
            let count = (((off - on) * manner.repeat_hz) as usize).max(2);
            let each = (off - on) / count as f64;
            for number in 0..count {
                let (at, place) = (on + number as f64 * each, position + length * number as f64 / count as f64);
                let kind = if number == 0 { StrikeKind::Melody } else { StrikeKind::Ornament };
                self.strike(at, at + each - 0.03, key, velocity, kind, place);
            }
        } else {
            self.strike(on, off, key, velocity, StrikeKind::Melody, position);
        }
        if length >= 2.0 {
            for below in manner.chord.clone() {
                let start = on + 0.004 + 0.012 * self.normal();
                let end = off - self.between(0.0, 0.05);
                let below = key.saturating_sub(below);
                self.strike(start, end, below, velocity * 0.8, StrikeKind::Accompaniment, position);
            }
        }
    }

    fn strike(&mut self, on: f64, off: f64, key: u8, velocity: f64, kind: StrikeKind, position: f64) {
        let velocity = velocity.clamp(1.0, 127.0) as u8;
        self.strikes.push(Strike { on, off, key, velocity, kind, position });
        self.events.push((on, vec![0x90, key, velocity]));
        self.events.push((off, vec![0x80, key, self.manner.release]));
    }

    /// Start and 24 ticks a quarter, so that the first note stands at its place in the bar.
    fn send_clock(&mut self, first: u64, end: f64) {
        let tick = 2.5 / self.manner.bpm;
        let start = BEGIN - first as f64 * 6.0 * tick;
        // A bar beforehand, which tells the tempo.
        let before = 24;
        self.events.push((start - 0.01, vec![0xfa]));
        let count = ((end + 4.0 - start) / tick) as i32;
        self.events.extend((-before..count).map(|number| (start + f64::from(number) * tick, vec![0xf8])));
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.rng.random::<f64>()
    }

    /// A normal deviate by Box and Muller.
    fn normal(&mut self) -> f64 {
        let (u, v) = (self.rng.random::<f64>().max(1e-12), self.rng.random::<f64>());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}
