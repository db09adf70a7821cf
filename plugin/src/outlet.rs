//! Where messages leave: at which frame, port and channel, and as sound.

use chorale::Part;
use session::midi::MidiMessage;
use session::midi::MidiMessage::{NoteOff, NoteOn};
use session::{Message, Time};
use sound::{BlockSound, Instrument, SoundError, Timbre};

use crate::parameters::Layout;

/// A message for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Within the block.
    pub frame: u32,
    pub port: u16,
    pub midi: MidiMessage,
}

/// Note ports out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    One,
    OnePerPart,
}

/// Hands messages to the host and to the organ. Real-time.
pub struct Outlet {
    pub layout: Layout,
    ports: Ports,
    /// Our own instrument.
    organ: BlockSound,
    pub is_sounding: bool,
    start: Time,
    frames: u32,
    /// Times never go back within a block.
    earliest: u32,
}

impl Outlet {
    /// # Errors
    /// Where the organ can't be played at this rate.
    pub fn new(ports: Ports, rate: f64, most_frames: u32) -> Result<Outlet, SoundError> {
        let organ = BlockSound::new(Instrument::new(&Timbre::Organ, rate as u32)?, most_frames as usize);
        Ok(Outlet { layout: Layout::All, ports, organ, is_sounding: false, start: 0, frames: 0, earliest: 0 })
    }

    pub fn begin_block(&mut self, start: Time, frames: u32) {
        (self.start, self.frames, self.earliest) = (start, frames, 0);
        self.organ.begin_block();
    }

    /// The frame of a moment, within the block.
    pub fn frame(&self, at: Time) -> u32 {
        let last = self.frames.saturating_sub(1);
        at.saturating_sub(self.start).min(Time::from(last)) as u32
    }

    /// Returns whether the host took it. What goes to no port is taken.
    pub fn send(&mut self, message: &Message, write: &mut impl FnMut(Outgoing) -> bool) -> bool {
        if !message.is_heard {
            return true;
        }
        let midi = match self.layout {
            Layout::One(part) if part != message.part && self.ports == Ports::One => return true,
            Layout::One(_) if self.ports == Ports::One => message.midi.on_channel(0),
            _ => message.midi,
        };
        let frame = self.frame(message.at).max(self.earliest);
        if !write(Outgoing { frame, port: self.port(message.part), midi }) {
            return false;
        }
        self.earliest = frame;
        if self.is_sounding {
            self.organ.at(frame as usize).message(message.part, &message.bytes());
        } else if !message.is_note_on() {
            self.organ.unheard().message(message.part, &message.bytes());
        }
        true
    }

    /// A message of the player's that is passed on as it came.
    pub fn pass(&mut self, at: Time, midi: MidiMessage, write: &mut impl FnMut(Outgoing) -> bool) {
        let frame = self.frame(at).max(self.earliest);
        if write(Outgoing { frame, port: 0, midi }) {
            self.earliest = frame;
        }
    }

    fn port(&self, part: Part) -> u16 {
        if self.ports == Ports::OnePerPart { part.index() as u16 } else { 0 }
    }

    /// The block's sound, left and right; silence while it is switched off.
    pub fn sound(&mut self) -> impl ExactSizeIterator<Item = [f32; 2]> {
        if self.is_sounding {
            self.organ.render_until(self.frames as usize);
        }
        self.organ.frames().take(if self.is_sounding { usize::MAX } else { 0 })
    }
}

/// Keys that were passed on and are down, by channel.
pub struct PassedKeys([u128; 16]);

impl PassedKeys {
    pub const NONE: PassedKeys = PassedKeys([0; 16]);

    pub fn see(&mut self, midi: MidiMessage) {
        match midi {
            NoteOn { channel, key, .. } => self.0[usize::from(channel)] |= 1 << key,
            NoteOff { channel, key, .. } => self.0[usize::from(channel)] &= !(1 << key),
            _ => {}
        }
    }

    /// The end of one of them, which is up then.
    pub fn next_end(&mut self) -> Option<MidiMessage> {
        let channel = (0..16u8).find(|&channel| self.0[usize::from(channel)] != 0)?;
        let keys = &mut self.0[usize::from(channel)];
        let key = keys.trailing_zeros() as u8;
        *keys &= !(1 << key);
        Some(NoteOff { channel, key, velocity: 64 })
    }
}
