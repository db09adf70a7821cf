//! Which key is the soprano, and what holds it: fingers, the sustain pedal, sostenuto.

use chorale::Pitch;

use crate::clock::Time;

use super::company::Company;

/// Keys struck within this many seconds are one chord, and those lifted within it leave together. A pianist's chord
/// spreads over some 30 ms.
const TOGETHER: f64 = 0.05;
/// In a legato leap the finger before leaves within so many seconds.
const OVERLAP: f64 = 0.1;
/// A finger that is longer on its key than so many seconds has played no grace note.
const GRACE: f64 = 0.12;

/// A low key that is held alone for so many seconds after the melody has ended is no accompaniment.
const ALONE: f64 = 0.12;

/// Nobody begins a melody below this key, C3.
const LOW: u8 = 48;

/// The melody's part of the keyboard.
pub struct Keys {
    /// Velocity of each key that is down, 0 when it is up.
    velocities: [u8; 128],
    struck: [Time; 128],
    pedals: Pedals,
    soprano: Option<Soprano>,
    company: Company,
    /// A key that would be the soprano, unless a higher one comes until then.
    waiting: Option<(Pitch, Time)>,
    /// Units of time in a second.
    rate: f64,
    /// How long a key that looks like an accompaniment waits.
    window: Time,
}

/// The note that the harmony stands under.
#[derive(Clone, Copy, Debug)]
pub struct Soprano {
    pub pitch: Pitch,
    pub velocity: u8,
    pub struck: Time,
    /// Its key is up and only a pedal holds it.
    on_pedal: bool,
    /// When it ended.
    lifted: Option<Time>,
}

impl Keys {
    /// `rate`: units of time in a second; `window`: seconds over which a chord may be rolled.
    pub fn new(rate: f64, window: f64) -> Keys {
        Keys {
            velocities: [0; 128],
            struck: [0; 128],
            pedals: Pedals::default(),
            soprano: None,
            company: Company::new(),
            waiting: None,
            rate,
            window: (window * rate) as Time,
        }
    }

    /// The soprano, for a beat after its end too.
    pub fn soprano(&self) -> Option<Soprano> {
        self.soprano
    }

    /// A key goes down. Returns its pitch if it takes the melody over.
    pub fn press(&mut self, now: Time, key: u8, velocity: u8) -> Option<Pitch> {
        self.velocities[usize::from(key)] = velocity;
        self.struck[usize::from(key)] = now;
        let pitch = Pitch::new(key)?;
        match self.role(now, pitch) {
            Role::Melody => {
                if let Some((below, _)) = self.waiting.take() {
                    self.company.leads(below, pitch);
                }
                Some(pitch)
            }
            Role::Perhaps => {
                let highest = self.waiting.map_or(pitch, |(waiting, _)| waiting.max(pitch));
                let until = self.waiting.map_or(now + self.window, |(_, until)| until);
                self.waiting = Some((highest, until));
                None
            }
            Role::Accompaniment => None,
        }
    }

    fn role(&mut self, now: Time, pitch: Pitch) -> Role {
        let Some(held) = self.soprano.filter(|soprano| soprano.lifted.is_none() && !soprano.on_pedal) else {
            let is_likely = self.company.is_likely(pitch) || self.company.is_new() && pitch.midi() < LOW;
            let is_low = self.window > 0 && is_likely;
            return if is_low { Role::Perhaps } else { Role::Melody };
        };
        let is_chord = now - held.struck < self.units(TOGETHER);
        if pitch >= held.pitch {
            if is_chord && !is_step(held.pitch, pitch) {
                self.company.leads(held.pitch, pitch);
            }
            return Role::Melody;
        }
        if is_step(held.pitch, pitch) {
            return Role::Melody;
        }
        if is_chord {
            self.company.joins(pitch, held.pitch);
            return Role::Accompaniment;
        }
        if is_melodic(held.pitch, pitch) && !self.company.is_likely(pitch) {
            return Role::Melody;
        }
        Role::Accompaniment
    }

    /// When the key that waits is the soprano after all.
    pub fn waiting_due(&self) -> Option<Time> {
        self.waiting.map(|(_, until)| until)
    }

    /// The key that has waited long enough, if it takes the melody over, with its velocity. One that does not yet because
    /// it is far below the melody waits on.
    pub fn waited(&mut self, now: Time) -> Option<(Pitch, u8)> {
        let (pitch, _) = self.waiting.take()?;
        let key = usize::from(pitch.midi());
        let is_held = self.soprano.is_some_and(|soprano| soprano.lifted.is_none() && !soprano.on_pedal);
        let velocity = self.velocities[key];
        if is_held || velocity == 0 {
            return None;
        }
        if let Some(soprano) = self.soprano.filter(|soprano| !is_melodic(soprano.pitch, pitch)) {
            let alone_from = self.struck[key] + self.units(ALONE);
            if soprano.lifted.is_none() || self.velocities.iter().filter(|velocity| **velocity > 0).count() > 1 {
                return None;
            }
            if now < alone_from {
                self.waiting = Some((pitch, alone_from));
                return None;
            }
        }
        Some((pitch, velocity))
    }

    /// A key goes up. Returns whether that ends the soprano.
    pub fn release(&mut self, now: Time, key: u8) -> bool {
        self.velocities[usize::from(key)] = 0;
        let is_held = self.pedals.hold(key);
        let Some(soprano) = self.soprano.as_mut().filter(|soprano| soprano.pitch.midi() == key) else { return false };
        soprano.on_pedal = is_held;
        !is_held && self.lift(now)
    }

    /// `value` as the pedal sends it, 0 to 127. Returns whether that ends the soprano.
    pub fn sustain(&mut self, now: Time, value: u8) -> bool {
        self.pedals.sustain = is_down(value);
        self.lift_from_pedals(now)
    }

    /// Like [`Keys::sustain`].
    pub fn sostenuto(&mut self, now: Time, value: u8) -> bool {
        self.pedals.sostenuto(value, &self.velocities);
        self.lift_from_pedals(now)
    }

    /// Like [`Keys::sustain`].
    pub fn release_pedals(&mut self, now: Time) -> bool {
        self.pedals = Pedals::default();
        self.lift_from_pedals(now)
    }

    #[cfg(test)]
    pub fn is_down(&self, key: u8) -> bool {
        self.velocities[usize::from(key)] > 0
    }

    pub fn is_sustained(&self) -> bool {
        self.pedals.sustain
    }

    /// `pitch` is the soprano from now on.
    pub fn sing(&mut self, now: Time, pitch: Pitch, velocity: u8) {
        self.company.soprano(pitch);
        self.soprano = Some(Soprano { pitch, velocity, struck: now, on_pedal: false, lifted: None });
    }

    /// The key still held that follows a soprano whose key went up, with its velocity and when.
    pub fn returning(&self) -> Option<(Time, Pitch, u8)> {
        let soprano = self.soprano?;
        let lifted = soprano.lifted?;
        let key = (0..128u8).rev().find(|&key| self.velocities[usize::from(key)] > 0)?;
        let (pitch, struck) = (Pitch::new(key)?, self.struck[usize::from(key)]);
        let velocity = self.velocities[usize::from(key)];
        let is_new = struck > soprano.struck && lifted - struck.min(lifted) < self.units(OVERLAP);
        let was_grace = lifted - soprano.struck < self.units(GRACE);
        if is_new && (was_grace || struck - soprano.struck >= self.units(TOGETHER)) && !self.company.is_likely(pitch) {
            return Some((lifted, pitch, velocity));
        }
        if self.company.is_likely(pitch) {
            return None;
        }
        let together = self.units(TOGETHER);
        if is_melodic(soprano.pitch, pitch) {
            return Some((lifted + together, pitch, velocity));
        }
        // A leap whose fingers overlapped for long, or a note under the melody: the longer, the more likely that.
        let is_later = struck >= soprano.struck + together && struck < lifted;
        is_later.then(|| (lifted + (lifted - struck), pitch, velocity))
    }

    /// When the soprano ended; `None` while it sounds.
    pub fn lifted(&self) -> Option<Time> {
        self.soprano?.lifted
    }

    pub fn forget_soprano(&mut self) {
        self.soprano = None;
    }

    /// All keys and pedals are up.
    pub fn clear(&mut self) {
        self.velocities = [0; 128];
        self.pedals = Pedals::default();
        (self.soprano, self.waiting) = (None, None);
        self.company = Company::new();
    }

    /// After a pedal moved: ends the soprano if only that pedal held it.
    fn lift_from_pedals(&mut self, now: Time) -> bool {
        let is_left = self.soprano.is_some_and(|it| it.on_pedal && !self.pedals.hold(it.pitch.midi()));
        is_left && self.lift(now)
    }

    /// Returns whether the soprano sounded until now.
    fn lift(&mut self, now: Time) -> bool {
        let Some(soprano) = self.soprano.as_mut().filter(|soprano| soprano.lifted.is_none()) else { return false };
        soprano.lifted = Some(now);
        true
    }

    fn units(&self, seconds: f64) -> Time {
        (seconds * self.rate) as Time
    }
}

/// What a key that goes down is.
enum Role {
    Melody,
    /// The melody unless a higher key follows at once.
    Perhaps,
    Accompaniment,
}

#[derive(Clone, Copy)]
struct Pedals {
    sustain: bool,
    sostenuto: bool,
    /// Keys that the sostenuto pedal holds.
    latched: [bool; 128],
}

impl Default for Pedals {
    fn default() -> Pedals {
        Pedals { sustain: false, sostenuto: false, latched: [false; 128] }
    }
}

impl Pedals {
    /// Sostenuto takes the keys that are down as it goes down, and none after that: a continuous pedal sends many values
    /// on its way.
    fn sostenuto(&mut self, value: u8, velocities: &[u8; 128]) {
        let was_down = std::mem::replace(&mut self.sostenuto, is_down(value));
        if !self.sostenuto {
            self.latched = [false; 128];
        } else if !was_down {
            self.latched = velocities.map(|velocity| velocity > 0);
        }
    }

    fn hold(&self, key: u8) -> bool {
        self.sustain || self.latched[usize::from(key)]
    }
}

/// MIDI's threshold of a pedal.
fn is_down(value: u8) -> bool {
    value >= 64
}

/// Whether two pitches are neighbours, as those of a trill: nobody strikes them together.
fn is_step(from: Pitch, to: Pitch) -> bool {
    from.midi().abs_diff(to.midi()) <= 2
}

/// Whether a melody may go from one pitch to the other while fingers overlap: by less than an octave.
fn is_melodic(from: Pitch, to: Pitch) -> bool {
    from.midi().abs_diff(to.midi()) < 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continuous_sostenuto_pedal_latches_once_on_its_way_down() {
        let mut keys = Keys::new(1000.0, 0.03);
        let sing = |keys: &mut Keys, now: Time, key: u8| {
            let pitch = keys.press(now, key, 80).expect("it takes the melody over");
            keys.sing(now, pitch, 80);
        };
        sing(&mut keys, 0, 72);
        for (now, value) in [(10, 20), (11, 50), (12, 70), (13, 84)] {
            assert!(!keys.sostenuto(now, value));
        }
        assert!(!keys.release(100, 72), "it is held");
        for (now, value) in [(110, 97), (111, 127), (112, 90), (113, 64)] {
            assert!(!keys.sostenuto(now, value), "the pedal is still down at {value}");
        }
        sing(&mut keys, 200, 76);
        assert!(!keys.sostenuto(210, 100));
        assert!(keys.release(300, 76), "a key struck after the pedal went down is not held by it");
        sing(&mut keys, 400, 72);
        assert!(!keys.release(500, 72));
        assert!(keys.sostenuto(600, 63), "the pedal goes up");
        sing(&mut keys, 700, 77);
        assert!(!keys.sostenuto(710, 64), "and down again");
        assert!(!keys.release(720, 77));
    }
}
