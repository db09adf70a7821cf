//! The bass that the player gives with the keys below a split.

use chorale::{Part, Pitch, Token};

use crate::clock::Time;

/// The last low key struck is the bass, and when it goes up the lowest of those still held.
pub struct GivenBass {
    /// Velocity of each key that is down, 0 when it is up.
    velocities: [u8; 128],
    note: Option<BassNote>,
}

#[derive(Clone, Copy)]
struct BassNote {
    pitch: Pitch,
    /// Its key is up and only the sustain pedal holds it.
    on_pedal: bool,
    /// When it ended.
    lifted: Option<Time>,
}

/// What a key does to the bass.
pub enum BassChange {
    Begins { pitch: Pitch, velocity: u8 },
    Ends,
}

impl GivenBass {
    pub fn new() -> GivenBass {
        GivenBass { velocities: [0; 128], note: None }
    }

    /// A key goes down, or up with velocity 0.
    pub fn key(&mut self, now: Time, key: u8, velocity: u8, is_sustained: bool) -> Option<BassChange> {
        self.velocities[usize::from(key)] = velocity;
        let pitch = Pitch::new(key)?;
        if velocity > 0 {
            return Some(self.begin(pitch, velocity));
        }
        let note = self.note.as_mut().filter(|note| note.pitch == pitch)?;
        let lowest = (0..128u8).find(|&key| self.velocities[usize::from(key)] > 0);
        match lowest.and_then(Pitch::new) {
            Some(held) => {
                let velocity = self.velocities[usize::from(held.midi())];
                Some(self.begin(held, velocity))
            }
            None if is_sustained => {
                note.on_pedal = true;
                None
            }
            None => self.lift(now).then_some(BassChange::Ends),
        }
    }

    /// The sustain pedal is up. Returns whether that ends the bass.
    pub fn lift_from_pedal(&mut self, now: Time) -> bool {
        self.note.is_some_and(|note| note.on_pedal) && self.lift(now)
    }

    /// For a beat after its end too.
    pub fn is_given(&self) -> bool {
        self.note.is_some()
    }

    /// As the network hears it.
    pub fn token(&self) -> Option<Token> {
        self.note.map(|note| Part::Bass.fold(note.pitch).0)
    }

    /// When it ended; `None` while it sounds.
    pub fn lifted(&self) -> Option<Time> {
        self.note?.lifted
    }

    /// Gives the bass back to the network.
    pub fn forget(&mut self) {
        self.note = None;
    }

    /// All keys are up.
    pub fn clear(&mut self) {
        *self = GivenBass::new();
    }

    fn begin(&mut self, pitch: Pitch, velocity: u8) -> BassChange {
        self.note = Some(BassNote { pitch, on_pedal: false, lifted: None });
        BassChange::Begins { pitch, velocity }
    }

    /// Returns whether the bass sounded until now.
    fn lift(&mut self, now: Time) -> bool {
        let Some(note) = self.note.as_mut().filter(|note| note.lifted.is_none()) else { return false };
        note.lifted = Some(now);
        true
    }
}
