//! The lines of a file: what each track has on each channel, or each part in each voice.

use std::cmp::Ordering;

use super::MelodyError;
use super::profile::height;
use crate::score::Note;
use crate::source::Source;

/// The notes of one channel in one track.
pub(super) struct Line<'a> {
    /// From 0.
    pub track: usize,
    /// From 0.
    pub channel: u8,
    pub notes: &'a [Note],
}

/// `track 2 'Alto'`.
pub(super) fn describe_track(file: &Source, track: usize) -> String {
    let name = file.tracks[track].name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
    format!("{} {}{name}", file.kind.track(), track + 1)
}

impl Line<'_> {
    /// As musicians count channels, from 1.
    pub fn number(&self) -> u16 {
        u16::from(self.channel) + 1
    }

    pub fn is_drums(&self, file: &Source) -> bool {
        file.is_drums(self.track, self.channel)
    }

    /// For remarks, such as `track 2 'Soprano' channel 1`, or `part 1 'Voice'` where a part of a score has one line.
    pub fn describe(&self, file: &Source) -> String {
        let (track, place) = (&file.tracks[self.track], describe_track(file, self.track));
        match file.kind {
            kind if kind.is_notated() && track.channels.len() == 1 => place,
            kind => format!("{place} {} {}", kind.line(), self.number()),
        }
    }

    fn height(&self) -> f64 {
        height(self.notes)
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

/// `1 note`, `2 notes`.
pub(super) fn counted(notes: usize) -> String {
    if notes == 1 { "1 note".into() } else { format!("{notes} notes") }
}

/// Why there are no lines.
pub(super) fn no_lines(file: &Source) -> MelodyError {
    let has_unpitched = file.tracks.iter().any(|track| track.unpitched > 0);
    if has_unpitched { MelodyError::OnlyUnpitched } else { MelodyError::NoNotes }
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
            1 => format!("{kind} {}{name} ({}, {line} {})", index + 1, counted(notes), channels[0]),
            _ => format!("{kind} {}{name} ({}, {line}s {})", index + 1, counted(notes), channels.join(", ")),
        }
    });
    tracks.collect::<Vec<_>>().join("; ")
}
