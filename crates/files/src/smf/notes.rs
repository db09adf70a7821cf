//! Notes from their note-ons and note-offs.

use std::collections::{BTreeMap, VecDeque};

use chorale::Pitch;

use crate::score::{MAX_TICK, Note, Tick};
use crate::source::cut_where_struck_again;

/// Pairs note-ons with note-offs: per channel and key, first on, first off.
#[derive(Default)]
pub(super) struct NoteCollector {
    /// Start and velocity of the notes still open, by channel and key.
    open: BTreeMap<(u8, u8), VecDeque<(Tick, u8)>>,
    channels: BTreeMap<u8, Vec<Note>>,
    /// By channel, when its pedal goes down and up; the last one may stay down.
    pedals: BTreeMap<u8, Vec<(Tick, Option<Tick>)>>,
}

/// A note rings on under a pedal for so many quarters at most after its key has gone up: strings die away.
const LONGEST_RING: Tick = 4;

/// What was wrong with the notes of a track.
#[derive(Default)]
pub(super) struct Repairs {
    unended: usize,
    soundless: usize,
}

impl Repairs {
    /// In sentences for the user.
    pub fn remarks(&self, track: usize) -> Vec<String> {
        let notes = |count: usize| if count == 1 { "1 note".into() } else { format!("{count} notes") };
        let mut remarks = Vec::new();
        if self.unended > 0 {
            let unended = notes(self.unended);
            remarks.push(format!("track {track}: {unended} never ended; each ends where the next begins"));
        }
        if self.soundless > 0 {
            remarks.push(format!("track {track}: {} without length left out", notes(self.soundless)));
        }
        remarks
    }
}

impl NoteCollector {
    /// A velocity of 0 ends the note.
    pub fn on(&mut self, channel: u8, key: u8, velocity: u8, now: Tick) {
        match velocity {
            0 => self.off(channel, key, now),
            _ => self.open.entry((channel, key)).or_default().push_back((now, velocity)),
        }
    }

    /// A note-off without its note-on (doubled, or meant for an earlier note that never ended) has nothing to end.
    pub fn off(&mut self, channel: u8, key: u8, now: Tick) {
        let Some((start, velocity)) = self.open.get_mut(&(channel, key)).and_then(VecDeque::pop_front) else { return };
        self.push(channel, key, start, now, velocity);
    }

    /// The sustain pedal. One that is down already stays down.
    pub fn pedal(&mut self, channel: u8, is_down: bool, now: Tick) {
        let pedals = self.pedals.entry(channel).or_default();
        match (pedals.last_mut().filter(|(_, up)| up.is_none()), is_down) {
            (Some((_, up)), false) => *up = Some(now),
            (None, true) => pedals.push((now, None)),
            _ => {}
        }
    }

    fn push(&mut self, channel: u8, key: u8, start: Tick, end: Tick, velocity: u8) {
        let Some(pitch) = Pitch::new(key) else { return };
        self.channels.entry(channel).or_default().push(Note { start, end, pitch, velocity });
    }

    /// Ends what is still open, where the next note of the channel begins or at `track_end`, and makes sure that no
    /// pitch overlaps itself.
    pub fn finish(mut self, track_end: Tick, ticks_per_quarter: Tick) -> (BTreeMap<u8, Vec<Note>>, Repairs) {
        let mut repairs = Repairs { unended: self.end_open(track_end, ticks_per_quarter), soundless: 0 };
        for notes in self.channels.values_mut() {
            let counted = notes.len();
            notes.retain(|note| note.end > note.start);
            repairs.soundless += counted - notes.len();
            notes.sort_by_key(|note| (note.start, note.pitch));
            cut_where_struck_again(notes);
        }
        for (channel, pedals) in &self.pedals {
            if let Some(notes) = self.channels.get_mut(channel) {
                ring_on(notes, pedals, ticks_per_quarter, track_end);
            }
        }
        self.channels.retain(|_, notes| !notes.is_empty());
        (self.channels, repairs)
    }

    /// How many notes were open.
    fn end_open(&mut self, track_end: Tick, ticks_per_quarter: Tick) -> usize {
        let open = std::mem::take(&mut self.open).into_iter();
        let hanging: Vec<_> = open
            .flat_map(|((channel, key), notes)| {
                notes.into_iter().map(move |(start, velocity)| (channel, key, start, velocity))
            })
            .collect();
        let mut starts: BTreeMap<u8, Vec<Tick>> = BTreeMap::new();
        for (&channel, notes) in &self.channels {
            starts.entry(channel).or_default().extend(notes.iter().map(|note| note.start));
        }
        for &(channel, _, start, _) in &hanging {
            starts.entry(channel).or_default().push(start);
        }
        starts.values_mut().for_each(|starts| starts.sort_unstable());
        for &(channel, key, start, velocity) in &hanging {
            let starts = &starts[&channel];
            let next = starts.get(starts.partition_point(|&other| other <= start)).copied();
            let last = if track_end > start { track_end } else { (start + ticks_per_quarter).min(MAX_TICK) };
            self.push(channel, key, start, next.unwrap_or(last), velocity);
        }
        hanging.len()
    }
}

/// Makes notes whose keys go up under the pedal last until it goes up or the next of them begins. What is played while they
/// are held keeps their length: it is another part.
fn ring_on(notes: &mut [Note], pedals: &[(Tick, Option<Tick>)], ticks_per_quarter: Tick, track_end: Tick) {
    let slip = (ticks_per_quarter / 8).max(1);
    for index in 0..notes.len() {
        let Note { start, end, .. } = notes[index];
        let later = &notes[index..];
        let next = later.get(later.partition_point(|other| other.start < start.saturating_add(slip)));
        let next = next.map_or(Tick::MAX, |next| next.start);
        let pedal = pedals[..pedals.partition_point(|(down, _)| *down <= end)].last();
        let up = pedal.map_or(0, |(_, up)| up.unwrap_or(track_end));
        let longest = end.saturating_add(LONGEST_RING * ticks_per_quarter);
        notes[index].end = end.max(up.min(next).min(longest));
    }
}
