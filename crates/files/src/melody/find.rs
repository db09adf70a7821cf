//! The line that is the melody: the one asked for, else the one named soprano, else the highest.

use std::collections::BTreeSet;

use super::lines::{Line, all_lines, by_height, list_tracks};
use super::text_lines::line_ends;
use super::top_line::top_line;
use super::{Melody, MelodyError};
use crate::score::{Lyric, Note, Tick};
use crate::source::Source;

/// What programs and people call the part on top, in the languages of the usual editions.
const SOPRANO_NAMES: [&str; 7] = ["sopran", "melod", "cantus", "canto", "discant", "diskant", "treble"];

/// Where to look for the melody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// A track's number, from 1, or (part of) its name.
    pub track: Option<String>,
    /// 1..=16.
    pub channel: Option<u8>,
}

impl Melody {
    /// The line that `choice` points to. Where it leaves several: the one named soprano, or melody, else the one that
    /// lies highest. Of a line in several parts the top is taken.
    ///
    /// # Errors
    /// When there are no notes, or none where `choice` points to.
    pub fn find(file: &Source, choice: &Choice) -> Result<Melody, MelodyError> {
        let lines = all_lines(file);
        if lines.is_empty() {
            return Err(MelodyError::NoNotes);
        }
        let mut remarks = Vec::new();
        let candidates = candidates(file, lines, choice)?;
        let line = match choice.track.is_none().then(|| named_soprano(file, &candidates)).flatten() {
            Some(line) => line,
            None => highest(&candidates),
        };
        if candidates.len() > 1 {
            let others = candidates.iter().filter(|other| !std::ptr::eq(*other, line));
            let others: Vec<String> = others.map(|other| other.describe(file)).collect();
            remarks.push(format!(
                "melody: {}; not taken (see --track, --channel): {}",
                line.describe(file),
                others.join(", ")
            ));
        }
        let quarter = Tick::from(file.ticks_per_quarter);
        let notes = top_line(line.notes, quarter);
        if notes.len() < line.notes.len() {
            remarks.push(format!(
                "{} has several notes at once: its top line of {} notes is taken, {} below it are left out",
                line.describe(file),
                notes.len(),
                line.notes.len() - notes.len()
            ));
        }
        let track = &file.tracks[line.track];
        let starts: BTreeSet<Tick> = notes.iter().map(|note| note.start).collect();
        let fermatas = track.fermatas.iter().copied().filter(|tick| starts.contains(tick)).collect();
        let spelling = |note: &Note| Some((note.start, *track.spellings.get(&(note.start, note.pitch.midi()))?));
        let spellings = notes.iter().filter_map(spelling).collect();
        let lyrics = lyrics_of(file, line.track).to_vec();
        remarks.extend(track.remarks.iter().cloned());
        let line_ends = line_ends(&lyrics, &notes);
        let phrasing = track.phrasing.of_notes(&starts);
        Ok(Melody { notes, lyrics, all_sing: false, fermatas, phrasing, line_ends, spellings, remarks })
    }
}

/// The lines among which `choice` leaves the melody; drums only where nothing else is.
fn candidates<'a>(file: &Source, lines: Vec<Line<'a>>, choice: &Choice) -> Result<Vec<Line<'a>>, MelodyError> {
    let available = || list_tracks(file);
    let track = choice.track.as_deref().map(|asked| find_track(file, asked)).transpose()?;
    let lines: Vec<Line> = lines.into_iter().filter(|line| track.is_none_or(|track| line.track == track)).collect();
    if let Some(track) = track
        && lines.is_empty()
    {
        return Err(MelodyError::EmptyTrack { kind: file.kind, track: track + 1, available: available() });
    }
    if let Some(asked) = choice.channel {
        let lines: Vec<Line> = lines.into_iter().filter(|line| line.number() == u16::from(asked)).collect();
        if lines.is_empty() {
            let place = track.map_or("of the file".into(), |track| format!("of {} {}", file.kind.track(), track + 1));
            return Err(MelodyError::EmptyChannel { kind: file.kind, asked, place, available: available() });
        }
        return Ok(lines);
    }
    let (drums, pitched): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.is_drums(file.kind));
    Ok(if pitched.is_empty() { drums } else { pitched })
}

/// By number, by whole name, or by a part of the name that only one track has.
fn find_track(file: &Source, asked: &str) -> Result<usize, MelodyError> {
    let available = || list_tracks(file);
    if let Ok(number) = asked.trim().parse::<usize>() {
        return match number.checked_sub(1) {
            Some(track) if track < file.tracks.len() => Ok(track),
            _ => Err(MelodyError::UnknownTrack { kind: file.kind, asked: asked.into(), available: available() }),
        };
    }
    let asked_lower = asked.trim().to_lowercase();
    let matching = |is_match: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let names = file.tracks.iter().enumerate().filter_map(|(track, content)| Some((track, content.name.as_ref()?)));
        names.filter(|(_, name)| is_match(&name.to_lowercase())).map(|(track, _)| track).collect()
    };
    let whole = matching(&|name| name == asked_lower);
    let found = if whole.is_empty() { matching(&|name| name.contains(&asked_lower)) } else { whole };
    match found[..] {
        [track] => Ok(track),
        [] => Err(MelodyError::UnknownTrack { kind: file.kind, asked: asked.into(), available: available() }),
        _ => Err(MelodyError::AmbiguousTrack { kind: file.kind, asked: asked.into(), available: available() }),
    }
}

/// Of several lines named so, the highest.
fn named_soprano<'l, 'a>(file: &Source, lines: &'l [Line<'a>]) -> Option<&'l Line<'a>> {
    let is_soprano = |line: &&Line| {
        let name = file.tracks[line.track].name.as_deref().unwrap_or_default().to_lowercase();
        name == "s"
            || name
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| SOPRANO_NAMES.iter().any(|known| word.starts_with(known)))
    };
    let named: Vec<&Line> = lines.iter().filter(is_soprano).collect();
    named.into_iter().max_by(|a, b| by_height(a, b))
}

/// Of lines equally high, the first. `lines` must not be empty.
fn highest<'l, 'a>(lines: &'l [Line<'a>]) -> &'l Line<'a> {
    lines.iter().rev().max_by(|a, b| by_height(a, b)).expect("a file with notes has a line")
}

/// The words of a track; where it has none, those of a track without notes, as karaoke files have it.
pub fn lyrics_of(file: &Source, track: usize) -> &[Lyric] {
    let of_words = file.tracks.iter().filter(|other| other.channels.is_empty() && !other.lyrics.is_empty());
    let own = file.tracks.get(track).filter(|track| !track.lyrics.is_empty());
    own.or_else(|| of_words.max_by_key(|other| other.lyrics.len())).map_or(&[], |track| &track.lyrics)
}
