//! MIDI messages by what they mean. Here alone bytes become messages and messages bytes.

use std::ops::Deref;

/// Controllers that a session knows (MIDI 1.0, tables 3 and 3a).
pub mod controller {
    pub const MODULATION: u8 = 1;
    pub const BREATH: u8 = 2;
    pub const VOLUME: u8 = 7;
    pub const EXPRESSION: u8 = 11;
    pub const SUSTAIN: u8 = 64;
    pub const SOSTENUTO: u8 = 66;
    /// 8', 4', 2' and mixture of our organ, by the general purpose controllers 5 to 8.
    pub const STOPS: [u8; 4] = [80, 81, 82, 83];
    /// An instrument that comes back must be told them again: loudness and stops.
    pub const KEPT: [u8; 6] = [VOLUME, EXPRESSION, STOPS[0], STOPS[1], STOPS[2], STOPS[3]];
    pub const ALL_SOUND_OFF: u8 = 120;
    pub const RESET_ALL_CONTROLLERS: u8 = 121;
    pub const ALL_NOTES_OFF: u8 = 123;
    /// Omni off, the first of the mode messages up to 127 that mean all-notes-off too.
    pub const OMNI_OFF: u8 = 124;
}

/// A message of a channel, or one of the system's that tells the time. Channels are 0..=15, all else is 0..=127.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MidiMessage {
    NoteOff {
        channel: u8,
        key: u8,
        velocity: u8,
    },
    /// The velocity is never 0: that is a note-off.
    NoteOn {
        channel: u8,
        key: u8,
        velocity: u8,
    },
    PolyPressure {
        channel: u8,
        key: u8,
        pressure: u8,
    },
    Controller {
        channel: u8,
        controller: u8,
        value: u8,
    },
    ProgramChange {
        channel: u8,
        program: u8,
    },
    ChannelPressure {
        channel: u8,
        pressure: u8,
    },
    /// 0..=16383, [`MidiMessage::BEND_CENTER`] for none.
    PitchBend {
        channel: u8,
        bend: u16,
    },
    /// In sixteenths, 0..=16383.
    SongPosition(u16),
    /// 24 a quarter note.
    Clock,
    Start,
    Continue,
    Stop,
    Reset,
}

use MidiMessage::{
    ChannelPressure, Clock, Continue, Controller, NoteOff, NoteOn, PitchBend, PolyPressure, ProgramChange, Reset,
    SongPosition, Start, Stop,
};

impl MidiMessage {
    pub const BEND_CENTER: u16 = 0x2000;

    /// The same message on another channel; messages without a channel stay as they are.
    pub fn on_channel(self, channel: u8) -> MidiMessage {
        match self {
            NoteOff { key, velocity, .. } => NoteOff { channel, key, velocity },
            NoteOn { key, velocity, .. } => NoteOn { channel, key, velocity },
            PolyPressure { key, pressure, .. } => PolyPressure { channel, key, pressure },
            Controller { controller, value, .. } => Controller { channel, controller, value },
            ProgramChange { program, .. } => ProgramChange { channel, program },
            ChannelPressure { pressure, .. } => ChannelPressure { channel, pressure },
            PitchBend { bend, .. } => PitchBend { channel, bend },
            SongPosition(_) | Clock | Start | Continue | Stop | Reset => self,
        }
    }

    /// As it goes over the wire.
    pub fn bytes(self) -> MidiBytes {
        let low = |value: u16| (value & 0x7f) as u8;
        let high = |value: u16| (value >> 7 & 0x7f) as u8;
        let (bytes, length) = match self {
            NoteOff { channel, key, velocity } => ([0x80 | channel, key, velocity], 3),
            NoteOn { channel, key, velocity } => ([0x90 | channel, key, velocity], 3),
            PolyPressure { channel, key, pressure } => ([0xa0 | channel, key, pressure], 3),
            Controller { channel, controller, value } => ([0xb0 | channel, controller, value], 3),
            ProgramChange { channel, program } => ([0xc0 | channel, program, 0], 2),
            ChannelPressure { channel, pressure } => ([0xd0 | channel, pressure, 0], 2),
            PitchBend { channel, bend } => ([0xe0 | channel, low(bend), high(bend)], 3),
            SongPosition(position) => ([0xf2, low(position), high(position)], 3),
            Clock => ([0xf8, 0, 0], 1),
            Start => ([0xfa, 0, 0], 1),
            Continue => ([0xfb, 0, 0], 1),
            Stop => ([0xfc, 0, 0], 1),
            Reset => ([0xff, 0, 0], 1),
        };
        MidiBytes { bytes, length }
    }
}

/// One to three bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MidiBytes {
    bytes: [u8; 3],
    length: usize,
}

impl Deref for MidiBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Reads whole messages, of which a channel's may leave its status byte out if it is that of the one before (running
/// status).
#[derive(Clone, Debug, Default)]
pub struct MidiReader {
    /// 0 when there is none.
    running_status: u8,
}

impl MidiReader {
    /// `None` for what is damaged or of no use to a performance, as system exclusive messages. A note-on of velocity 0
    /// is a note-off, a last byte that is missing is 0. No byte after the third is looked at.
    pub fn read(&mut self, bytes: &[u8]) -> Option<MidiMessage> {
        let bytes = &bytes[..bytes.len().min(3)];
        let (status, data) = match *bytes {
            [status @ 0xf0..=0xff, ..] => {
                // System common messages end a running status, real-time messages don't.
                if status < 0xf8 {
                    self.running_status = 0;
                }
                return system(bytes);
            }
            [status @ 0x80..=0xef, data @ 0..=0x7f, ref rest @ ..] => {
                self.running_status = status;
                (status, [data, rest.first().copied().unwrap_or(0)])
            }
            [data @ 0..=0x7f, ref rest @ ..] if self.running_status > 0 => {
                (self.running_status, [data, rest.first().copied().unwrap_or(0)])
            }
            _ => return None,
        };
        (data[1] < 128).then(|| of_channel(status, data))
    }
}

fn system(bytes: &[u8]) -> Option<MidiMessage> {
    match *bytes {
        [0xf2, low @ 0..=0x7f, high @ 0..=0x7f] => Some(SongPosition(fourteen_bits(low, high))),
        [0xf8] => Some(Clock),
        [0xfa] => Some(Start),
        [0xfb] => Some(Continue),
        [0xfc] => Some(Stop),
        [0xff, ..] => Some(Reset),
        _ => None,
    }
}

/// `status` is 0x80..=0xef.
fn of_channel(status: u8, [data, value]: [u8; 2]) -> MidiMessage {
    let channel = status & 0x0f;
    match status & 0xf0 {
        0x90 if value > 0 => NoteOn { channel, key: data, velocity: value },
        0x80 | 0x90 => NoteOff { channel, key: data, velocity: value },
        0xa0 => PolyPressure { channel, key: data, pressure: value },
        0xb0 => Controller { channel, controller: data, value },
        0xc0 => ProgramChange { channel, program: data },
        0xd0 => ChannelPressure { channel, pressure: data },
        _ => PitchBend { channel, bend: fourteen_bits(data, value) },
    }
}

fn fourteen_bits(low: u8, high: u8) -> u16 {
    u16::from(low) | u16::from(high) << 7
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Option<MidiMessage> {
        MidiReader::default().read(bytes)
    }

    #[test]
    fn every_message_comes_back_from_its_bytes() {
        let (channel, key) = (9, 60);
        for message in [
            NoteOff { channel, key, velocity: 0 },
            NoteOff { channel, key, velocity: 64 },
            NoteOn { channel, key, velocity: 1 },
            PolyPressure { channel, key, pressure: 127 },
            Controller { channel, controller: controller::SOSTENUTO, value: 64 },
            ProgramChange { channel, program: 52 },
            ChannelPressure { channel, pressure: 3 },
            PitchBend { channel, bend: MidiMessage::BEND_CENTER },
            PitchBend { channel, bend: 0x3fff },
            SongPosition(133),
            Clock,
            Start,
            Continue,
            Stop,
            Reset,
        ] {
            assert_eq!(read(&message.bytes()), Some(message));
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_came_but_for_the_two_ways_to_end_a_note(bytes: [u8; 3], length in 0usize..=3) {
            let Some(message) = read(&bytes[..length]) else { return Ok(()) };
            let written = message.bytes();
            prop_assert_eq!(read(&written), Some(message));
            let [status, data, value] = bytes;
            if status & 0xf0 == 0x90 && (value == 0 || length < 3) {
                prop_assert_eq!(message, NoteOff { channel: status & 0x0f, key: data, velocity: 0 });
            } else if length >= written.len() {
                prop_assert_eq!(&written[..], &bytes[..written.len()]);
            }
        }
    }

    #[test]
    fn a_running_status_outlives_the_clock_but_no_system_common_message() {
        let mut reader = MidiReader::default();
        let note = |key: u8| Some(NoteOn { channel: 2, key, velocity: 80 });
        assert_eq!(reader.read(&[72, 80]), None, "there is none at first");
        assert_eq!(reader.read(&[0x92, 72, 80]), note(72));
        assert_eq!(reader.read(&[0xf8]), Some(Clock));
        assert_eq!(reader.read(&[74, 80]), note(74));
        assert_eq!(reader.read(&[76, 0]), Some(NoteOff { channel: 2, key: 76, velocity: 0 }));
        assert_eq!(reader.read(&[0xf6]), None);
        assert_eq!(reader.read(&[74, 80]), None);
    }

    #[test]
    fn what_is_damaged_or_of_no_use_is_passed_over() {
        for bytes in [&[][..], &[0x90], &[0x90, 200, 1], &[0x90, 1, 200], &[0xf0, 1, 2, 0xf7], &[0xf8, 0], &[0xfe]] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        assert_eq!(read(&[0x91, 72]), Some(NoteOff { channel: 1, key: 72, velocity: 0 }), "a byte is missing");
    }
}
