//! MIDI Polyphonic Expression (RP-053): the notes of one instrument wander over the channels of a zone, so that each can be
//! bent by itself.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::source::{Track, cut_where_struck_again};

/// The registered parameter that sets a zone up, by the controllers that ask for it.
const CONFIGURATION: u8 = 6;

/// The zones that a track has told so far.
#[derive(Default)]
pub(super) struct Zones {
    /// By channel, the registered parameter that the next value is for.
    parameters: BTreeMap<u8, (u8, u8)>,
    /// How many channels the master channels 0 and 15 have at their disposal.
    members: BTreeMap<u8, u8>,
}

impl Zones {
    pub fn controller(&mut self, channel: u8, controller: u8, value: u8) {
        let parameter = self.parameters.entry(channel).or_insert((127, 127));
        match controller {
            101 => parameter.0 = value,
            100 => parameter.1 = value,
            6 if *parameter == (0, CONFIGURATION) && matches!(channel, 0 | 15) => {
                self.members.insert(channel, value.min(15));
            }
            _ => {}
        }
    }

    /// Puts the notes of each zone together on its master channel; what is said of it.
    pub fn join(self, track: &mut Track) -> Vec<String> {
        let mut said = Vec::new();
        for (master, members) in self.members {
            let zone = if master == 0 { 0..=members } else { 15 - members..=15 };
            if members > 0 && join(track, master, zone.clone()) {
                let (first, last) = (zone.start() + 1, zone.end() + 1);
                said.push(format!(
                    "its notes wander over the channels {first} to {last} (MPE) and are taken as one line"
                ));
            }
        }
        said
    }
}

/// Whether there was anything to put together.
fn join(track: &mut Track, master: u8, zone: RangeInclusive<u8>) -> bool {
    let inside: Vec<u8> = track.channels.range(zone).map(|(channel, _)| *channel).collect();
    if inside.len() < 2 {
        return false;
    }
    let mut notes: Vec<_> = inside.iter().filter_map(|channel| track.channels.remove(channel)).flatten().collect();
    notes.sort_by_key(|note| (note.start, note.pitch));
    cut_where_struck_again(&mut notes);
    track.channels.insert(master, notes);
    true
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::score::Note;

    fn track(channels: &[u8]) -> Track {
        let note = |start| Note { start, end: start + 10, pitch: Pitch::new(60).unwrap(), velocity: 80 };
        let notes = (0..).step_by(5).zip(channels).map(|(start, channel)| (*channel, vec![note(start)]));
        Track { channels: notes.collect(), ..Track::default() }
    }

    fn configured(master: u8, members: u8) -> Zones {
        let mut zones = Zones::default();
        for (controller, value) in [(101, 0), (100, 6), (6, members)] {
            zones.controller(master, controller, value);
        }
        zones
    }

    #[test]
    fn the_channels_of_a_zone_are_one_line_and_others_stay() {
        let mut lower = track(&[1, 2, 3, 9, 14]);
        let said = configured(0, 10).join(&mut lower);
        assert_eq!(
            lower.channels.iter().map(|(channel, notes)| (*channel, notes.len())).collect::<Vec<_>>(),
            [(0, 4), (14, 1)]
        );
        assert_eq!(said, ["its notes wander over the channels 1 to 11 (MPE) and are taken as one line"]);
        let mut upper = track(&[0, 13, 14]);
        configured(15, 3).join(&mut upper);
        assert_eq!(upper.channels.keys().copied().collect::<Vec<_>>(), [0, 15]);
        let pitches_twice = &lower.channels[&0];
        assert!(pitches_twice.windows(2).all(|two| two[0].end <= two[1].start), "a pitch never overlaps itself");
    }

    #[test]
    fn without_a_zone_nothing_is_put_together() {
        let mut apart = track(&[1, 2]);
        let mut other = Zones::default();
        for (controller, value) in [(101, 0), (100, 0), (6, 12)] {
            other.controller(0, controller, value);
        }
        assert!(other.join(&mut apart).is_empty());
        assert!(configured(0, 0).join(&mut apart).is_empty());
        assert_eq!(apart.channels.len(), 2);
    }
}
