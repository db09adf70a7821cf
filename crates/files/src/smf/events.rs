//! The events of a track, one after the other, as other programs write them and not only as the standard has them.

/// As far as music goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A velocity of 0 ends the note.
    NoteOn {
        channel: u8,
        key: u8,
        velocity: u8,
    },
    NoteOff {
        channel: u8,
        key: u8,
    },
    Controller {
        channel: u8,
        controller: u8,
        value: u8,
    },
    Program {
        channel: u8,
        program: u8,
    },
    Meta {
        kind: u8,
        data: &'a [u8],
    },
    /// A system exclusive message, without its first byte.
    Exclusive(&'a [u8]),
    /// What says nothing about notes.
    Other,
}

pub(super) const END_OF_TRACK: u8 = 0x2f;

/// Reads what midly refuses: data bytes above 127, running status that goes on after a meta or system exclusive event,
/// and messages of the system. What is read of them cannot be misunderstood.
#[derive(Clone)]
pub(super) struct Events<'a> {
    bytes: &'a [u8],
    at: usize,
    running_status: Option<u8>,
    /// Data bytes above 127 so far.
    pub above_127: usize,
    /// Messages between instruments so far, which have no place in a file.
    pub system_common: usize,
}

impl<'a> Iterator for Events<'a> {
    /// With the ticks since the event before.
    type Item = (u32, Event<'a>);

    /// `None` where there is no event, or none that can be read, and then the place stays.
    fn next(&mut self) -> Option<(u32, Event<'a>)> {
        let before = self.at;
        let event = self.delta_and_event();
        if event.is_none() {
            self.at = before;
        }
        event
    }
}

impl<'a> Events<'a> {
    pub fn new(bytes: &'a [u8]) -> Events<'a> {
        Events { bytes, at: 0, running_status: None, above_127: 0, system_common: 0 }
    }

    /// How many bytes are read.
    pub fn read(&self) -> usize {
        self.at
    }

    fn delta_and_event(&mut self) -> Option<(u32, Event<'a>)> {
        let delta = self.variable_length()?;
        let first = *self.bytes.get(self.at)?;
        let status = if first >= 0x80 {
            self.at += 1;
            first
        } else {
            self.running_status?
        };
        let event = match status {
            0x80..=0xef => {
                self.running_status = Some(status);
                self.channel_message(status)?
            }
            0xff => {
                let kind = self.byte()?;
                Event::Meta { kind, data: self.counted_bytes()? }
            }
            0xf0 => Event::Exclusive(self.counted_bytes()?),
            0xf7 => {
                self.counted_bytes()?;
                Event::Other
            }
            // A clock's tick and the like stand alone.
            0xf8..=0xfe => Event::Other,
            // The place in a song and its number are followed by values, the call to tune is not.
            0xf1..=0xf3 | 0xf6 => {
                let values = match status {
                    0xf2 => 2,
                    0xf6 => 0,
                    _ => 1,
                };
                for _ in 0..values {
                    self.byte().filter(|value| *value <= 127)?;
                }
                self.system_common += 1;
                Event::Other
            }
            _ => return None,
        };
        Some((delta, event))
    }

    fn channel_message(&mut self, status: u8) -> Option<Event<'a>> {
        let channel = status & 0x0f;
        let first = self.byte()?;
        let has_second = !matches!(status >> 4, 0xc | 0xd);
        let second = if has_second { self.byte()? } else { 0 };
        self.above_127 += [first, second].iter().filter(|byte| **byte > 127).count();
        let is_readable = first <= 127;
        Some(match status >> 4 {
            _ if !is_readable => Event::Other,
            0x8 => Event::NoteOff { channel, key: first },
            // Louder than the loudest is still a note.
            0x9 => Event::NoteOn { channel, key: first, velocity: second.min(127) },
            0xb if second <= 127 => Event::Controller { channel, controller: first, value: second },
            0xc => Event::Program { channel, program: first },
            _ => Event::Other,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Seven bits a byte, at most four of them.
    fn variable_length(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            value = value << 7 | u32::from(byte & 0x7f);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Its length, then as many bytes.
    fn counted_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.variable_length()? as usize;
        let end = self.at.checked_add(length)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_status_goes_on_after_meta_and_system_exclusive_events() {
        let bytes = b"\0\x91\x48\x40\0\xff\x01\x01x\x60\x48\0\0\xf0\x02\x7d\xf7\0\x4a\x40";
        let mut events = Events::new(bytes);
        let on = |key, velocity| Event::NoteOn { channel: 1, key, velocity };
        let notes: Vec<_> = events.by_ref().filter(|(_, event)| matches!(event, Event::NoteOn { .. })).collect();
        assert_eq!(notes, [(0, on(72, 64)), (0x60, on(72, 0)), (0, on(74, 64))]);
        assert_eq!(events.read(), bytes.len());
    }

    #[test]
    fn values_above_127_are_counted_and_change_nothing_but_a_velocity() {
        let mut events = Events::new(b"\0\xb0\x07\xff\0\x90\xc8\x40\0\x90\x48\xff\0\xf8\0\xc2\x05");
        let read: Vec<_> = events.by_ref().map(|(_, event)| event).collect();
        let loud = Event::NoteOn { channel: 0, key: 72, velocity: 127 };
        let program = Event::Program { channel: 2, program: 5 };
        assert_eq!(read, [Event::Other, Event::Other, loud, Event::Other, program]);
        assert_eq!(events.above_127, 3);
    }

    #[test]
    fn messages_between_instruments_are_passed_over_with_their_values() {
        let mut events = Events::new(b"\0\x90\x48\x40\0\xf2\x01\x02\0\xf3\x05\0\xf6\x60\x48\0");
        let notes = events.by_ref().filter(|(_, event)| matches!(event, Event::NoteOn { key: 72, .. }));
        assert_eq!(notes.map(|(delta, _)| delta).collect::<Vec<_>>(), [0, 0x60]);
        assert_eq!(events.system_common, 3);
    }

    #[test]
    fn what_cannot_be_read_stops_the_events_where_it_begins() {
        let check = |why: &str, damaged: &[u8]| {
            let bytes = [b"\0\xff\x01\0", damaged].concat();
            let mut events = Events::new(&bytes);
            assert_eq!((events.by_ref().count(), events.read()), (1, 4), "{why}");
        };
        check("a note before any status", b"\0\x48\x40");
        check("a message that is not defined", b"\0\xf4\x00");
        check("a value that is none", b"\0\xf3\x90");
        check("broken off", b"\0\x90\x48");
        check("longer than the track", b"\0\xff\x51\x05\x01");
        check("a distance of five bytes", b"\xff\xff\xff\xff\x01\xf8");
    }
}
