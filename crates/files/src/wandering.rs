//! A tune whose notes stand on several channels, or in several voices of a staff, is still one tune.

use std::collections::{BTreeMap, BTreeSet};

use crate::score::{Lyric, Note, Tick};
use crate::single_line::is_single_line;
use crate::source::{Track, cut_where_struck_again};

/// Notes that a channel has in a row, on average, where it has no phrases of its own.
const LONGEST_RUN: usize = 3;

/// Where each channel has one in so many notes at least, none of them only fills the gaps of another.
const SHARE: usize = 4;

/// A fifth: what the notes before and after a change of channel lie apart, in the middle of all changes, where both belong
/// to one tune.
const LARGEST_LEAP: u8 = 7;

/// No staff that anyone reads has more voices; a damaged file may.
const MOST_VOICES: usize = 8;

/// Puts channels of a track together that have one instrument and take turns. Tells which.
pub(crate) fn join_channels(track: &mut Track, slip: Tick) -> Vec<String> {
    let by_program = |channel: &u8| track.programs.get(channel).copied();
    let programs: BTreeSet<Option<u8>> = track.channels.keys().map(by_program).collect();
    let groups: Vec<Vec<u8>> = programs
        .into_iter()
        .map(|program| track.channels.keys().copied().filter(|channel| by_program(channel) == program).collect())
        .collect();
    let mut said = Vec::new();
    for mut group in groups {
        if !take_turns(track, &group, slip) {
            group.retain(|channel| !track.is_drums(*channel));
            if !take_turns(track, &group, slip) {
                continue;
            }
        }
        let list: Vec<String> = group.iter().map(|channel| (u16::from(*channel) + 1).to_string()).collect();
        said.push(format!("its notes take turns on the channels {} and are taken as one line", list.join(", ")));
        // A tune may wander over the drums' channel, but is never put on it.
        group.sort_by_key(|channel| track.is_drums(*channel));
        if let Some((first, others)) = group.split_first() {
            let added = others.iter().filter_map(|line| track.channels.remove(line)).flatten().collect();
            add(track, *first, added);
        }
    }
    said
}

/// Puts tracks together that are called alike, have a channel each and take turns: a tune that is written with a track for
/// each channel over which it wanders. Tells which.
pub(crate) fn join_tracks(tracks: &mut [Track], slip: Tick) -> Vec<String> {
    let mut by_name: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (index, track) in tracks.iter().enumerate().filter(|(_, track)| track.channels.len() == 1) {
        by_name.entry(track.name.as_deref()).or_default().push(index);
    }
    let groups: Vec<Vec<usize>> = by_name.into_values().filter(|group| group.len() > 1).collect();
    let mut said = Vec::new();
    for group in groups {
        let mut all = Track::default();
        for track in group.iter().map(|index| &tracks[*index]) {
            all.channels.extend(track.channels.clone());
            all.programs.extend(track.programs.clone());
            all.rhythm.clone_from(&track.rhythm);
        }
        let channels: Vec<u8> = all.channels.keys().copied().collect();
        let has_one_program =
            channels.iter().all(|channel| all.programs.get(channel) == all.programs.get(&channels[0]));
        if channels.len() < group.len() || !has_one_program || !take_turns(&all, &channels, slip) {
            continue;
        }
        let list: Vec<String> = group.iter().map(|index| (index + 1).to_string()).collect();
        said.push(format!("the notes of the tracks {} take turns and are taken as one line", list.join(", ")));
        for index in &group[1..] {
            tracks[*index].channels.clear();
        }
        let line = channels.iter().copied().find(|channel| !all.is_drums(*channel)).unwrap_or(channels[0]);
        let first = &mut tracks[group[0]];
        first.channels.clear();
        add(first, line, all.channels.into_values().flatten().collect());
    }
    said
}

fn take_turns(track: &Track, channels: &[u8], slip: Tick) -> bool {
    let mut notes: Vec<(Note, u8)> =
        channels.iter().flat_map(|channel| track.channels[channel].iter().map(move |note| (*note, *channel))).collect();
    notes.sort_by_key(|(note, _)| (note.start, note.pitch));
    let mut leaps: Vec<u8> = notes
        .windows(2)
        .filter(|two| two[0].1 != two[1].1)
        .map(|two| two[0].0.pitch.midi().abs_diff(two[1].0.pitch.midi()))
        .collect();
    leaps.sort_unstable();
    let in_order: Vec<Note> = notes.iter().map(|(note, _)| *note).collect();
    let fills_gaps = |channel: &u8| SHARE * track.channels[channel].len() < notes.len();
    let has_short_runs = notes.len() <= LONGEST_RUN * (leaps.len() + 1);
    channels.len() > 1
        && (has_short_runs || !channels.iter().any(fills_gaps))
        && leaps.get(leaps.len() / 2).is_some_and(|leap| *leap <= LARGEST_LEAP)
        && is_single_line(&in_order, slip)
}

fn add(track: &mut Track, line: u8, added: Vec<Note>) {
    let notes = track.channels.entry(line).or_default();
    notes.extend(added);
    notes.sort_by_key(|note| (note.start, note.pitch));
    cut_where_struck_again(notes);
}

/// Puts the voices of a staff together that sound when the voices before them are silent, as scanned scores have them: the
/// tune goes on under another number. A voice below the tune stays by itself, and so do a few notes that stand beside its
/// written `rests`.
pub(crate) fn join_voices(track: &mut Track, rests: &BTreeMap<u8, Vec<(Tick, Tick)>>) {
    let mut staves: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for line in track.channels.keys() {
        if let Some(place) = track.places.get(line) {
            staves.entry(place.staff).or_default().push(*line);
        }
    }
    for mut lines in staves.into_values() {
        lines.truncate(MOST_VOICES);
        for (index, line) in lines.iter().enumerate().skip(1) {
            for first in &lines[..index] {
                go_on(track, *first, *line, rests.get(first).map_or(&[], Vec::as_slice));
            }
        }
    }
}

/// Moves those notes of `line` to `first` that go on with its tune, with their words.
fn go_on(track: &mut Track, first: u8, line: u8, rests: &[(Tick, Tick)]) {
    let (Some(tune), Some(notes)) = (track.channels.get(&first), track.channels.get(&line)) else { return };
    let sounding = |notes: &[Note]| notes.iter().map(|note| u64::from(note.end - note.start)).sum::<u64>();
    let sung = spans(tune);
    // A tenth may ring on.
    let is_alone = |note: &Note| overlap(note, &sung) <= (note.end - note.start) / 10;
    let (alone, together): (Vec<Note>, Vec<Note>) = notes.iter().partition(|note| is_alone(note));
    let in_rests: u64 = alone.iter().map(|note| u64::from(overlap(note, rests))).sum();
    let (added, all, own) = (sounding(&alone), sounding(notes), sounding(tune));
    let mostly_alone = 2 * added >= all && 4 * added >= own + added || together.is_empty();
    // What stands in the tune's written rests is another's, unless both do nothing but take turns.
    let take_turns = together.is_empty() && 4 * added >= own + added && changes(tune, &alone) >= 3;
    let is_beside_rests = 2 * in_rests > added && !take_turns;
    if alone.is_empty() || !mostly_alone || is_beside_rests {
        return;
    }
    match together.is_empty() {
        true => drop(track.channels.remove(&line)),
        false => drop(track.channels.insert(line, together)),
    }
    move_words(track, line, first, &spans(&alone));
    add(track, first, alone);
}

/// Gives the words of one line that stand within spans to another.
fn move_words(track: &mut Track, from: u8, to: u8, spans: &[(Tick, Tick)]) {
    let Some(words) = track.words.remove(&from) else { return };
    let is_within = |lyric: &Lyric| {
        let begun = spans.partition_point(|(start, _)| *start <= lyric.tick);
        begun.checked_sub(1).is_some_and(|span| lyric.tick < spans[span].1)
    };
    let (moved, left): (Vec<Lyric>, Vec<Lyric>) = words.into_iter().partition(is_within);
    track.words.insert(from, left);
    let words = track.words.entry(to).or_default();
    words.extend(moved);
    words.sort_by_key(|lyric| (lyric.tick, lyric.verse));
}

/// How often the notes of two lines, in order of start, follow each other.
fn changes(one: &[Note], other: &[Note]) -> usize {
    let starts = |notes: &[Note], line: usize| notes.iter().map(|note| (note.start, line)).collect::<Vec<_>>();
    let mut starts = [starts(one, 0), starts(other, 1)].concat();
    starts.sort_unstable();
    starts.windows(2).filter(|two| two[0].1 != two[1].1).count()
}

/// When the notes sound, in spans that do not touch.
fn spans(notes: &[Note]) -> Vec<(Tick, Tick)> {
    let mut spans: Vec<(Tick, Tick)> = Vec::new();
    for note in notes {
        match spans.last_mut() {
            Some((_, end)) if note.start <= *end => *end = note.end.max(*end),
            _ => spans.push((note.start, note.end)),
        }
    }
    spans
}

/// Ticks of the note within the spans, which are in order.
fn overlap(note: &Note, spans: &[(Tick, Tick)]) -> Tick {
    let first = spans.partition_point(|(_, end)| *end <= note.start);
    let during = spans[first..].iter().take_while(|(start, _)| *start < note.end);
    let within = |(start, end): &(Tick, Tick)| note.end.min(*end).saturating_sub(note.start.max(*start));
    during.map(within).fold(0, Tick::saturating_add)
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::source::Place;

    /// Start and end in quarters of 480 ticks.
    type Written = (f64, f64, u8);

    fn notes(written: &[Written]) -> Vec<Note> {
        let note = |&(start, end, pitch): &Written| Note {
            start: (start * 480.0) as Tick,
            end: (end * 480.0) as Tick,
            pitch: Pitch::new(pitch).unwrap(),
            velocity: 80,
        };
        written.iter().map(note).collect()
    }

    /// Quarters of a scale, from a place on.
    fn scale(start: usize, count: usize, first: u8) -> Vec<Written> {
        (0..count).map(|index| ((start + index) as f64, (start + index + 1) as f64, first + index as u8)).collect()
    }

    fn track(lines: &[&[Written]]) -> Track {
        let channels = (0..).zip(lines).map(|(channel, line)| (channel, notes(line))).collect();
        Track { channels, ..Track::default() }
    }

    fn sizes(track: &Track) -> Vec<(u8, usize)> {
        track.channels.iter().map(|(line, notes)| (*line, notes.len())).collect()
    }

    #[test]
    fn a_tune_that_takes_turns_on_several_channels_is_one_line() {
        // As keyboards with a channel a note write: the last notes ring on.
        let mut wandering = track(&[]);
        for (index, (start, end, pitch)) in scale(0, 24, 60).into_iter().enumerate() {
            wandering.channels.entry(1 + (index % 15) as u8).or_default().extend(notes(&[(start, end + 0.7, pitch)]));
        }
        assert_eq!(join_channels(&mut wandering, 60).len(), 1);
        assert_eq!(sizes(&wandering), [(1, 24)], "the drums' channel is one of them");
        let mut in_two = track(&[&scale(0, 8, 60), &scale(8, 8, 62)]);
        assert_eq!(join_channels(&mut in_two, 60).len(), 1);
    }

    #[test]
    fn a_tune_with_a_track_for_each_of_its_channels_is_one_line() {
        let alone = |channel: u8, written: &[Written], name: &str| Track {
            name: Some(name.into()),
            channels: [(channel, notes(written))].into(),
            ..Track::default()
        };
        let turns = |names: [&str; 4]| -> Vec<Track> {
            let every_fourth =
                |first: u8| scale(0, 16, 60).into_iter().skip(first.into()).step_by(4).collect::<Vec<_>>();
            (0..).zip(names).map(|(channel, name)| alone(channel + 1, &every_fourth(channel), name)).collect()
        };
        let mut wandering = turns(["Lead"; 4]);
        assert_eq!(join_tracks(&mut wandering, 60).len(), 1);
        assert_eq!(wandering.iter().map(sizes).collect::<Vec<_>>(), [vec![(1, 16)], vec![], vec![], vec![]]);
        assert!(join_tracks(&mut turns(["A", "B", "C", "D"]), 60).is_empty(), "of four players");
        let mut choir = vec![alone(0, &scale(0, 8, 72), ""), alone(1, &scale(0, 8, 65), "")];
        assert!(join_tracks(&mut choir, 60).is_empty());
    }

    #[test]
    fn channels_with_phrases_instruments_or_chords_of_their_own_stay_apart() {
        let mut phrases =
            track(&[&[scale(0, 8, 60), scale(12, 8, 60)].concat(), &[scale(8, 2, 72), scale(20, 2, 72)].concat()]);
        assert!(join_channels(&mut phrases, 60).is_empty());
        let (odd, even): (Vec<Written>, Vec<Written>) = scale(0, 16, 60).into_iter().partition(|note| note.2 % 2 == 1);
        let mut instruments = track(&[&even, &odd]);
        instruments.programs = BTreeMap::from([(0, 40), (1, 73)]);
        assert!(join_channels(&mut instruments, 60).is_empty());
        let mut chords = track(&[&scale(0, 8, 72), &scale(0, 8, 67), &scale(0, 8, 64), &scale(0, 8, 48)]);
        assert!(join_channels(&mut chords, 60).is_empty());
        let on_and_off =
            |first: u8, parity: u8| scale(0, 16, first).into_iter().filter(move |note| note.2 % 2 == parity);
        let (bass, chords): (Vec<Written>, Vec<Written>) = (on_and_off(36, 0).collect(), on_and_off(60, 1).collect());
        let mut bass_and_chords = track(&[&bass, &chords]);
        assert!(join_channels(&mut bass_and_chords, 60).is_empty());
    }

    /// What is left of the voices of one staff.
    fn joined(voices: &[&[Written]], rests_of_the_first: &[(f64, f64)]) -> Vec<(u8, usize)> {
        let mut track = track(voices);
        let place = |line: &u8| (*line, Place { staff: 1, voice: (line + 1).to_string() });
        track.places = track.channels.keys().map(place).collect();
        let ticks = |quarters: f64| (quarters * 480.0) as Tick;
        let rests = rests_of_the_first.iter().map(|(start, end)| (ticks(*start), ticks(*end))).collect();
        join_voices(&mut track, &BTreeMap::from([(0, rests)]));
        sizes(&track)
    }

    #[test]
    fn a_tune_that_goes_on_in_another_voice_is_one_line() {
        let first = [scale(0, 4, 72), scale(8, 4, 72)].concat();
        let second = [scale(4, 4, 72), scale(12, 4, 72)].concat();
        assert_eq!(joined(&[&first, &second], &[]), [(0, 16)]);
        assert_eq!(joined(&[&first, &second], &[(4.0, 8.0)]), [(0, 16)], "even beside written rests");
        // In the first bar the second voice is an alto.
        let with_alto = [scale(0, 4, 60), second].concat();
        assert_eq!(joined(&[&first, &with_alto], &[]), [(0, 16), (1, 4)]);
    }

    #[test]
    fn an_alto_and_small_notes_stay_beside_the_tune() {
        let tune = scale(0, 16, 65);
        assert_eq!(joined(&[&tune, &scale(0, 16, 60)], &[]), [(0, 16), (1, 16)]);
        assert_eq!(joined(&[&tune, &scale(4, 4, 77)], &[]), [(0, 16), (1, 4)], "other notes to choose from");
        let with_rests = [scale(0, 12, 65), scale(14, 2, 65)].concat();
        assert_eq!(joined(&[&with_rests, &scale(12, 2, 84)], &[(12.0, 14.0)]), [(0, 14), (1, 2)], "a cue");
        assert_eq!(joined(&[&with_rests, &scale(12, 2, 74)], &[]), [(0, 16)], "no rest is written: the tune goes on");
        // While the soprano rests the alto sings on.
        let alto = scale(0, 16, 60);
        assert_eq!(joined(&[&with_rests, &alto], &[(12.0, 14.0)]), [(0, 14), (1, 16)]);
    }
}
