//! Which channels play percussion: the tenth, and whatever a file makes of the others in the ways of GM2, XG and GS.

use std::collections::BTreeMap;

use super::events::{Event, Events};

/// The controller that chooses a bank of sounds.
const BANK: u8 = 0;

/// The banks that hold drum kits and effects in XG, and in GM2.
const KITS: [u8; 3] = [120, 126, 127];

/// The bank of GM2 that holds none.
const NO_KITS: u8 = 121;

/// Whether the channels that a file says anything about play percussion.
pub(super) fn rhythm(tracks: &[&[u8]]) -> BTreeMap<u8, bool> {
    let (mut of_banks, mut of_parts) = (BTreeMap::new(), BTreeMap::new());
    let mut has_kits = true;
    for data in tracks {
        // Banks count as they stand when the first note sounds.
        let mut banks: BTreeMap<u8, u8> = BTreeMap::new();
        let mut sounding: BTreeMap<u8, Option<u8>> = BTreeMap::new();
        for (_, event) in Events::new(data) {
            match event {
                Event::Controller { channel, controller: BANK, value } => {
                    banks.insert(channel, value);
                }
                Event::NoteOn { channel, .. } => {
                    sounding.entry(channel).or_insert_with(|| banks.get(&channel).copied());
                }
                Event::Exclusive(message) => match Message::read(message) {
                    Some(Message::Part { channel, is_rhythm }) => _ = of_parts.insert(channel, is_rhythm),
                    // GS has other sounds in these banks.
                    Some(Message::Gs) => has_kits = false,
                    None => {}
                },
                _ => {}
            }
        }
        // A track may set the banks up for the others.
        for (channel, bank) in banks {
            let bank = sounding.get(&channel).copied().flatten().unwrap_or(bank);
            if KITS.contains(&bank) || bank == NO_KITS {
                of_banks.insert(channel, bank != NO_KITS);
            }
        }
    }
    if !has_kits {
        of_banks.clear();
    }
    of_banks.extend(of_parts);
    of_banks
}

enum Message {
    /// A part is used for rhythm from now on, or no longer.
    Part { channel: u8, is_rhythm: bool },
    /// The file is for GS.
    Gs,
}

impl Message {
    /// Of a system exclusive message without its first byte.
    fn read(bytes: &[u8]) -> Option<Message> {
        match *bytes {
            // Roland, GS: "GS reset", and "use for rhythm part"; part 0 plays on channel 10.
            [0x41, _, 0x42, 0x12, 0x40, 0x00, 0x7f, 0x00, ..] => Some(Message::Gs),
            [0x41, _, 0x42, 0x12, 0x40, part @ 0x10..=0x1f, 0x15, map, ..] => {
                let channel = match part & 0x0f {
                    0 => 9,
                    part @ 1..=9 => part - 1,
                    part => part,
                };
                Some(Message::Part { channel, is_rhythm: map > 0 })
            }
            // Yamaha, XG: "part mode".
            [0x43, 0x10..=0x1f, 0x4c, 0x08, part @ 0..=15, 0x07, mode, ..] => {
                Some(Message::Part { channel: part, is_rhythm: mode > 0 })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(why: &str, tracks: &[&[u8]], expected: &[(u8, bool)]) {
        assert_eq!(rhythm(tracks), expected.iter().copied().collect(), "{why}");
    }

    #[test]
    fn a_channel_with_a_bank_of_kits_or_a_rhythm_part_plays_percussion() {
        check("nothing is said", &[b"\0\x90\x3c\x40"], &[]);
        check("an XG kit, chosen last", &[b"\0\xb2\0\0\0\xb2\0\x7f\0\x92\x24\x40"], &[(2, true)]);
        check("a bank after the first note", &[b"\0\x92\x24\x40\0\xb2\0\x7f"], &[(2, true)]);
        check("a bank before it", &[b"\0\xb2\0\0\0\x92\x24\x40\0\xb2\0\x7f"], &[]);
        check("set up in another track", &[b"\0\xb2\0\x7e", b"\0\x92\x24\x40"], &[(2, true)]);
        check("GM2: no kit on channel 10", &[b"\0\xb9\0\x79\0\x99\x48\x40"], &[(9, false)]);
        let gs = b"\0\xf0\x0a\x41\x10\x42\x12\x40\x00\x7f\x00\x41\xf7";
        check("an old bank of GS", &[gs, b"\0\xb2\0\x7f\0\x92\x48\x40"], &[]);
        let part = |part: u8, map: u8| [b"\0\xf0\x0a\x41\x10\x42\x12\x40", &[part, 0x15, map, 0x00, 0xf7][..]].concat();
        check("a rhythm part of GS", &[&part(0x1a, 2)], &[(10, true)]);
        check("and one that is none", &[&part(0x10, 0)], &[(9, false)]);
        check("its parts from 1", &[&part(0x11, 1)], &[(0, true)]);
        check("a drum part of XG", &[b"\0\xf0\x08\x43\x10\x4c\x08\x03\x07\x02\xf7"], &[(3, true)]);
    }
}
