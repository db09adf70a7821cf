//! The lines of a file: what each track has on each channel, or each part in each voice.

use std::cmp::Ordering;

use crate::score::Note;
use crate::source::{Kind, Source};

/// General MIDI plays drums on channel 10, whose keys are no pitches.
const DRUM_CHANNEL: u8 = 9;

/// The notes of one channel in one track.
pub(super) struct Line<'a> {
    /// From 0.
    pub track: usize,
    /// From 0.
    pub channel: u8,
    pub notes: &'a [Note],
}

impl Line<'_> {
    /// As musicians count channels, from 1.
    pub fn number(&self) -> u16 {
        u16::from(self.channel) + 1
    }

    pub fn is_drums(&self, kind: Kind) -> bool {
        kind == Kind::Midi && self.channel == DRUM_CHANNEL
    }

    /// For remarks, such as `track 2 'Soprano' channel 1`.
    pub fn describe(&self, file: &Source) -> String {
        let name = file.tracks[self.track].name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
        format!("{} {}{name} {} {}", file.kind.track(), self.track + 1, file.kind.line(), self.number())
    }

    /// The mean pitch of what sounds, each note weighing as much as it is long.
    fn height(&self) -> f64 {
        let (mut length, mut sum) = (0.0, 0.0);
        for note in self.notes {
            let weight = f64::from(note.end - note.start);
            length += weight;
            sum += weight * f64::from(note.pitch.midi());
        }
        sum / length
    }
}

/// The lower line first.
pub(super) fn by_height(a: &Line, b: &Line) -> Ordering {
    a.height().total_cmp(&b.height())
}

pub(super) fn all_lines(file: &Source) -> Vec<Line<'_>> {
    let lines = file.tracks.iter().enumerate().flat_map(|(track, content)| {
        content.channels.iter().map(move |(&channel, notes)| Line { track, channel, notes })
    });
    lines.collect()
}

/// The tracks of a file and what is in them, for error messages.
pub(super) fn list_tracks(file: &Source) -> String {
    let tracks = file.tracks.iter().enumerate().map(|(index, track)| {
        let name = track.name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
        let notes: usize = track.channels.values().map(Vec::len).sum();
        let channels: Vec<String> =
            track.channels.keys().map(|channel| (u16::from(*channel) + 1).to_string()).collect();
        let (kind, line) = (file.kind.track(), file.kind.line());
        match channels.len() {
            0 => format!("{kind} {}{name} (no notes)", index + 1),
            1 => format!("{kind} {}{name} ({notes} notes, {line} {})", index + 1, channels[0]),
            _ => format!("{kind} {}{name} ({notes} notes, {line}s {})", index + 1, channels.join(", ")),
        }
    });
    tracks.collect::<Vec<_>>().join("; ")
}
