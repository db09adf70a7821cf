//! The line that is the melody: the one asked for, else the one for which most speaks.

use std::collections::BTreeSet;

use super::lines::{Line, all_lines, counted, describe_track, list_tracks, no_lines};
use super::sung::{bring_to_notes, with_own, without_others};
use super::switches::{told_switches, without_switches};
use super::text_lines::line_ends;
use super::turns::what_goes_on;
use super::weigh::{Candidate, weigh};
use super::{Melody, MelodyError};
use crate::score::{Lyric, Note, Tick};
use crate::source::{Kind, Source, Track};

/// Where to look for the melody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// A track's number, from 1, or (part of) its name.
    pub track: Option<String>,
    /// 1..=16.
    pub channel: Option<u8>,
}

impl Melody {
    /// The line that `choice` points to. Where it leaves several: the one for which most speaks (see
    /// [`Clue`](super::Clue)). Of a line in several parts the top is taken.
    ///
    /// # Errors
    /// When there are no notes, or none where `choice` points to, or only drums.
    pub fn find(file: &Source, choice: &Choice) -> Result<Melody, MelodyError> {
        let lines = all_lines(file);
        if lines.is_empty() {
            return Err(no_lines(file));
        }
        let candidates = weigh(file, lines);
        let eligible = eligible(file, &candidates, choice)?;
        let Some(taken) = best(&eligible) else { return Err(MelodyError::NoNotes) };
        let mut remarks = Vec::new();
        remarks.extend(what_was_taken(file, taken, &eligible));
        remarks.extend(what_goes_on(file, taken, &others_of(taken, &eligible)));
        remarks.extend(what_of_it(file, taken));
        remarks.extend(told_switches(&taken.line, file));
        remarks.extend(tunes_of_drums(file, &candidates, choice));
        if !taken.is_beside {
            remarks.extend(overlays(file, taken, &candidates));
        }
        let notes = taken.profile.tune.clone();
        let track = &file.tracks[taken.line.track];
        let starts: BTreeSet<Tick> = notes.iter().map(|note| note.start).collect();
        let fermatas = track.fermatas.iter().copied().filter(|tick| starts.contains(tick)).collect();
        let spelling = |note: &Note| Some((note.start, *track.spellings.get(&(note.start, note.pitch.midi()))?));
        let spellings = notes.iter().filter_map(spelling).collect();
        let own = track.words.get(&taken.line.channel).map_or(&[][..], Vec::as_slice);
        let mut lyrics = match taken.words_of {
            Some(lender) => {
                let lyrics = lyrics_of(file, lender).iter().filter(|lyric| starts.contains(&lyric.tick)).cloned();
                remarks.push(format!("its words are those of {}", describe_track(file, lender)));
                lyrics.collect()
            }
            None => with_own(lyrics_of(file, taken.line.track), own),
        };
        let quarter = Tick::from(file.ticks_per_quarter);
        if file.kind == Kind::Midi {
            bring_to_notes(&mut lyrics, &notes, quarter / 4);
        }
        remarks.extend(without_others(&mut lyrics, &notes, quarter));
        remarks.extend(track.remarks.iter().cloned());
        let line_ends = line_ends(&lyrics, &notes);
        let phrasing = track.phrasing.of_notes(&starts);
        let place = match eligible.len() {
            1 => taken.line.describe(file),
            count => format!("{}, of {count} lines", taken.line.describe(file)),
        };
        let most = file.tracks.iter().rev().max_by_key(|track| track.symbols.len());
        let has_symbols = |track: &&Track| !track.symbols.is_empty();
        let symbols = Some(track).filter(has_symbols).or(most).map_or(Vec::new(), |track| track.symbols.clone());
        let all_sing = false;
        Ok(Melody { notes, place, lyrics, all_sing, fermatas, phrasing, line_ends, spellings, symbols, remarks })
    }
}

/// Of those for which equally much speaks, the first.
pub(super) fn best<'c, 'a>(candidates: &[&'c Candidate<'a>]) -> Option<&'c Candidate<'a>> {
    let points = |candidate: &Candidate| candidate.evidence.points();
    candidates.iter().copied().rev().max_by(|a, b| points(a).total_cmp(&points(b)))
}

pub(super) fn others_of<'c, 'a>(taken: &Candidate<'a>, eligible: &[&'c Candidate<'a>]) -> Vec<&'c Candidate<'a>> {
    eligible.iter().copied().filter(|other| !std::ptr::eq(*other, taken)).collect()
}

/// At most so many lines that were not taken are listed.
const LISTED: usize = 4;

/// What was taken, why, and what else there was; nothing where there was nothing else.
fn what_was_taken(file: &Source, taken: &Candidate, eligible: &[&Candidate]) -> Option<String> {
    let others = others_of(taken, eligible);
    let reasons = why(taken, &others)?;
    let mut list: Vec<String> = others.iter().take(LISTED).map(|other| other.line.describe(file)).collect();
    if others.len() > LISTED {
        list.push(format!("{} more", others.len() - LISTED));
    }
    let (options, taken) = (file.kind.options(), taken.line.describe(file));
    Some(format!("melody: {taken}, {reasons}; not taken (see {options}): {}", list.join(", ")))
}

/// What puts a line before the next best of the others; `None` where there are none.
pub(super) fn why(taken: &Candidate, others: &[&Candidate]) -> Option<String> {
    let second = best(others)?;
    let reasons = taken.evidence.reasons_over(&second.evidence);
    Some(if reasons.is_empty() { "the first of equals".into() } else { format!("for {}", reasons.join(" and ")) })
}

/// Why there is nothing to choose from: of `all` lines one is left.
pub(super) fn why_alone(file: &Source, taken: &Candidate, all: &[Candidate], choice: &Choice) -> &'static str {
    let others = || all.iter().filter(|other| !std::ptr::eq(*other, taken));
    let is_asked = choice.track.is_some() || choice.channel.is_some();
    let (has_drums, has_small) =
        (others().any(|other| other.is_percussion(file)), others().any(|other| other.is_beside));
    match (has_drums, has_small) {
        _ if all.len() == 1 => "the only line",
        _ if is_asked => "as it was asked for",
        (true, false) => "the only line besides drums",
        (false, _) => "the only line besides small notes",
        (true, true) => "the only line besides drums and small notes",
    }
}

/// That an ABC voice has bars in several voices, `&`, of which the first is taken.
fn overlays(file: &Source, taken: &Candidate, all: &[Candidate]) -> Option<String> {
    let are_left = |other: &&Candidate| other.is_beside && other.line.track == taken.line.track;
    let notes: usize = all.iter().filter(are_left).map(|other| other.line.notes.len()).sum();
    (file.kind == Kind::Abc && notes > 0).then(|| {
        let are = if notes == 1 { "is" } else { "are" };
        format!("{} behind & {are} left out", counted(notes))
    })
}

/// What its name says for a tune, where a file has it among the drums.
const CALLED_A_TUNE: f64 = 0.4;

/// That a line is left out which is called a tune or a voice, since its channel plays drums.
fn tunes_of_drums(file: &Source, candidates: &[Candidate], choice: &Choice) -> Option<String> {
    let is_meant = |candidate: &&Candidate| candidate.line.is_drums(file) && candidate.name >= CALLED_A_TUNE;
    let left = candidates.iter().find(is_meant).filter(|_| choice.track.is_none() && choice.channel.is_none())?;
    let (described, kind) = (left.line.describe(file), file.kind.track());
    let why = if file.kind == Kind::Midi { format!(" (channel {})", left.line.number()) } else { String::new() };
    Some(format!(
        "{described} is left out, since it is set to play drums{why}; if its notes are pitches, name it (--{kind} {})",
        left.line.track + 1
    ))
}

/// What was made of its notes.
pub(super) fn what_of_it(file: &Source, taken: &Candidate) -> Option<String> {
    let played = without_switches(&taken.line, file);
    let (all, notes) = (played.len(), taken.profile.tune.len());
    let described = taken.line.describe(file);
    if notes < all {
        let (kept, left) = (counted(notes), all - notes);
        let are = if left == 1 { "is" } else { "are" };
        return Some(format!(
            "{described} has several notes at once: its top line of {kept} is taken, {left} below it {are} left out"
        ));
    }
    let is_cut = taken.profile.tune != *played;
    is_cut.then(|| {
        format!("{described}: its notes ring on over the next ones, as under a pedal; each ends where the next begins")
    })
}

/// The lines among which `choice` leaves the melody; drums, and small notes beside a tune, only where they are asked for.
pub(super) fn eligible<'c, 'a>(
    file: &Source,
    candidates: &'c [Candidate<'a>],
    choice: &Choice,
) -> Result<Vec<&'c Candidate<'a>>, MelodyError> {
    let available = || list_tracks(file);
    let track = choice.track.as_deref().map(|asked| find_track(file, asked)).transpose()?;
    let is_in = |line: &Line| track.is_none_or(|track| line.track == track);
    let inside: Vec<&Candidate> = candidates.iter().filter(|candidate| is_in(&candidate.line)).collect();
    if let Some(track) = track
        && inside.is_empty()
    {
        return Err(MelodyError::EmptyTrack { kind: file.kind, track: track + 1, available: available() });
    }
    if let Some(asked) = choice.channel {
        let inside: Vec<&Candidate> =
            inside.into_iter().filter(|candidate| candidate.line.number() == u16::from(asked)).collect();
        if inside.is_empty() {
            let place = track.map_or("of the file".into(), |track| format!("of {} {}", file.kind.track(), track + 1));
            return Err(MelodyError::EmptyChannel { kind: file.kind, asked, place, available: available() });
        }
        return Ok(inside);
    }
    let (drums, pitched): (Vec<&Candidate>, Vec<&Candidate>) = inside
        .into_iter()
        .filter(|candidate| !candidate.is_beside)
        .partition(|candidate| candidate.is_percussion(file));
    match pitched.is_empty() {
        true if track.is_none() => Err(MelodyError::OnlyDrums { kind: file.kind, available: available() }),
        true => Ok(drums),
        false => Ok(pitched),
    }
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

/// The words of a track; where it has none, those of a track without notes, as karaoke files have it.
pub fn lyrics_of(file: &Source, track: usize) -> &[Lyric] {
    let own = file.tracks.get(track).filter(|track| !track.lyrics.is_empty());
    own.map_or_else(|| words_alone(file), |track| &track.lyrics)
}

/// The words of the track that has no notes and the most words.
pub(super) fn words_alone(file: &Source) -> &[Lyric] {
    let of_words = file.tracks.iter().filter(|track| track.channels.is_empty());
    of_words.max_by_key(|track| track.lyrics.len()).map_or(&[], |track| &track.lyrics)
}
