//! The keys that are down, whatever they play.

use crate::clock::Time;
use crate::midi::MidiMessage::{self, NoteOff, NoteOn};

/// A key that goes up within so many seconds of its stroke may have bounced: no finger is so quick.
const BOUNCE: f64 = 0.02;
/// The same key on another channel within so many seconds is the same stroke: a keyboard that sends on several channels.
const LAYERED: f64 = 0.03;
/// Keys that can bounce at once.
const BOUNCING: usize = 10;

pub struct Fingers {
    /// The channels on which each key is down, a bit each.
    down: [u16; 128],
    /// When each key went down on the first of these channels.
    begun: [Time; 128],
    struck: [Time; 128],
    /// Keys that went up so early that they may come down again, and until when that would be the same stroke.
    bouncing: [Option<(u8, Time)>; BOUNCING],
    /// [`BOUNCE`] in units of time.
    bounce: Time,
    /// [`LAYERED`] in units of time.
    layered: Time,
}

impl Fingers {
    /// `rate`: units of time in a second.
    pub fn new(rate: f64) -> Fingers {
        Fingers {
            down: [0; 128],
            begun: [0; 128],
            struck: [0; 128],
            bouncing: [None; BOUNCING],
            bounce: (BOUNCE * rate) as Time,
            layered: (LAYERED * rate) as Time,
        }
    }

    /// Returns whether it tells nothing new: a key that another channel has struck just before, or that others hold.
    pub fn see(&mut self, now: Time, message: MidiMessage) -> bool {
        let (NoteOn { channel, key, .. } | NoteOff { channel, key, .. }) = message else { return false };
        let key = usize::from(key);
        let (channel, before) = (1 << channel, self.down[key]);
        if matches!(message, NoteOn { .. }) {
            let is_layered = before & !channel != 0 && before & channel == 0 && now < self.begun[key] + self.layered;
            self.down[key] |= channel;
            if !is_layered {
                self.begun[key] = now;
            }
            return is_layered;
        }
        // An end on a channel that has not struck the key is that of a keyboard whose channel was changed.
        self.down[key] = if before & channel == 0 { 0 } else { before & !channel };
        self.down[key] != 0
    }

    /// Whether that is the end of a key that is down.
    pub fn is_lifted_by(&self, message: MidiMessage) -> bool {
        matches!(message, NoteOff { channel, key, .. } if self.down[usize::from(key)] & (1 << channel) != 0)
    }

    /// A key of that channel that is down.
    pub fn any_down(&self, channel: u8) -> Option<u8> {
        (0..128u8).find(|&key| self.down[usize::from(key)] & (1 << channel) != 0)
    }

    /// A key goes down. Returns whether that is a stroke of its own, and no bounce of the last.
    pub fn press(&mut self, now: Time, key: u8) -> bool {
        let bounced = self.bouncing.iter_mut().find(|bouncing| bouncing.is_some_and(|(bounced, _)| bounced == key));
        if let Some(bounced) = bounced {
            *bounced = None;
            return false;
        }
        self.struck[usize::from(key)] = now;
        true
    }

    /// A key goes up. Returns whether it may be taken for that at once; if not, [`Fingers::next_lifted`] tells it later.
    pub fn release(&mut self, now: Time, key: u8) -> bool {
        let until = self.struck[usize::from(key)] + self.bounce;
        let place = self.bouncing.iter_mut().find(|bouncing| bouncing.is_none()).filter(|_| now < until);
        place.map(|place| *place = Some((key, until))).is_none()
    }

    /// When a key that may have bounced is up after all.
    pub fn lifted_due(&self) -> Option<Time> {
        self.bouncing.iter().flatten().map(|(_, until)| *until).min()
    }

    /// A key that may have bounced before `now` and is up.
    pub fn next_lifted(&mut self, now: Time) -> Option<u8> {
        let lifted = self.bouncing.iter_mut().find(|bouncing| bouncing.is_some_and(|(_, until)| until <= now));
        lifted.and_then(Option::take).map(|(key, _)| key)
    }

    /// All keys are up.
    pub fn clear(&mut self) {
        self.down = [0; 128];
        self.bouncing = [None; BOUNCING];
    }
}
