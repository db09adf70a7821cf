//! Standard MIDI Files (MIDI 1.0, RP-001): read whatever a sequencer or notation program wrote, write scores.
//!
//! Reading is lenient where the music is beyond doubt (notes never ended, doubled note-offs, missing end marks; each
//! is put into [`Source::remarks`]) and strict where it is not: a file that breaks off is an error.

use std::collections::{BTreeMap, HashSet, VecDeque};

use chorale::{Part, Pitch};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{EventIter, Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};
use thiserror::Error;

use crate::score::{DEFAULT_TEMPO, Direction, Lyric, Metre, Note, Score, Tick};
use crate::source::{Kind, Source, Track, cut_where_struck_again};

/// The last tick that a file may reach, so that any distance fits into one delta time.
const MAX_TICK: u64 = (1 << 28) - 1;

/// Some programs wrap the file: RIFF (.rmi) or a MacBinary header of 128 bytes stand before `MThd`.
const LONGEST_WRAPPING: usize = 512;

/// Why bytes are no MIDI file that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("not a MIDI file: it should begin with 'MThd' but begins with '{found}'")]
    NotMidi { found: String },
    #[error("the file breaks off inside its header")]
    TruncatedHeader,
    #[error("the file breaks off: {what} should hold {declared} bytes, {present} are there")]
    Truncated { what: String, declared: usize, present: usize },
    #[error("the file breaks off: its header promises {declared} tracks, {present} are there")]
    MissingTracks { declared: u16, present: usize },
    #[error("track {track} cannot be read from its byte {byte} on (the track has {length})")]
    Malformed { track: usize, byte: usize, length: usize },
    #[error("a format 2 file holds independent patterns, not one piece; save it as format 0 or 1")]
    Sequential,
    #[error("unknown MIDI file format {0}; only 0 and 1 can be read")]
    UnknownFormat(u16),
    #[error("the header's time division {0:#06x} means nothing; expected ticks a quarter or SMPTE frames")]
    Division(u16),
    #[error("track {track} goes on beyond {MAX_TICK} ticks")]
    TooLong { track: usize },
}

/// Reads format 0 and 1, with SMPTE divisions taken at 120 quarters a minute (their ticks know no beat).
///
/// # Errors
/// Where the file breaks off or makes no sense; never a panic, whatever the bytes.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    let (header, chunks) = read_header(bytes)?;
    let mut remarks = Vec::new();
    let clock = TempoMap::new(header.division, &mut remarks)?;
    let mut directions: Vec<_> = clock.tempo.map(|tempo| (0, Direction::Tempo(tempo))).into_iter().collect();
    let tracks = track_chunks(chunks, header.tracks)?;
    let tracks = tracks
        .into_iter()
        .enumerate()
        .map(|(index, data)| read_track(index + 1, data, &clock, &mut directions, &mut remarks))
        .collect::<Result<Vec<_>, _>>()?;

    // Stable: at one tick the order of the file stays, so that the last of two contradicting events still wins.
    directions.sort_by_key(|(tick, _)| *tick);
    let mut said = HashSet::new();
    directions.retain(|direction| said.insert(direction.clone()));
    // In format 1 the name of the first track, which only conducts, is the name of the piece.
    let title = tracks.first().filter(|first| first.channels.is_empty()).and_then(|first| first.name.clone());
    let (creators, ticks_per_quarter) = (Vec::new(), clock.ticks_per_quarter);
    Ok(Source { kind: Kind::Midi, title, creators, ticks_per_quarter, directions, tracks, remarks })
}

struct HeaderChunk {
    tracks: u16,
    division: u16,
}

/// The header, and all that follows it. Read here rather than by midly, whose 0.5.3 negates the SMPTE byte 0x80 with
/// an overflow.
fn read_header(bytes: &[u8]) -> Result<(HeaderChunk, &[u8]), ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let wrapping = bytes.windows(4).take(LONGEST_WRAPPING).position(|window| window == b"MThd");
    let Some(wrapping) = wrapping else {
        let found = String::from_utf8_lossy(&bytes[..bytes.len().min(4)]).escape_default().to_string();
        return Err(ReadError::NotMidi { found });
    };
    let (data, rest) = match next_chunk(&bytes[wrapping..]) {
        Some(Chunk { declared, data, rest, .. }) if declared == data.len() && declared >= 6 => (data, rest),
        _ => return Err(ReadError::TruncatedHeader),
    };
    let word = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]);
    match word(0) {
        0 | 1 => Ok((HeaderChunk { tracks: word(2), division: word(4) }, rest)),
        2 => Err(ReadError::Sequential),
        other => Err(ReadError::UnknownFormat(other)),
    }
}

struct Chunk<'a> {
    kind: &'a [u8],
    declared: usize,
    /// Shorter than `declared` when the file breaks off.
    data: &'a [u8],
    rest: &'a [u8],
}

fn next_chunk(bytes: &[u8]) -> Option<Chunk<'_>> {
    let (kind, rest) = bytes.split_at_checked(4)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let declared = u32::from_be_bytes(*length) as usize;
    let (data, rest) = rest.split_at(declared.min(rest.len()));
    Some(Chunk { kind, declared, data, rest })
}

/// The tracks' bytes. Chunks of other kinds are skipped, as the standard asks, and so is what follows the last track.
fn track_chunks(mut bytes: &[u8], declared: u16) -> Result<Vec<&[u8]>, ReadError> {
    let mut tracks = Vec::new();
    while let Some(chunk) = next_chunk(bytes) {
        let is_track = chunk.kind == b"MTrk";
        if !is_track && tracks.len() >= usize::from(declared) {
            break;
        }
        if chunk.data.len() < chunk.declared {
            let what = if is_track { format!("track {}", tracks.len() + 1) } else { "a chunk".into() };
            return Err(ReadError::Truncated { what, declared: chunk.declared, present: chunk.data.len() });
        }
        if is_track {
            tracks.push(chunk.data);
        }
        bytes = chunk.rest;
    }
    if tracks.len() < usize::from(declared) {
        return Err(ReadError::MissingTracks { declared, present: tracks.len() });
    }
    Ok(tracks)
}

/// How the file's ticks become ours.
struct TempoMap {
    ticks_per_quarter: u16,
    scale: u64,
    /// Set where the file's own tempo events do not govern its ticks.
    tempo: Option<u32>,
}

impl TempoMap {
    fn new(division: u16, remarks: &mut Vec<String>) -> Result<TempoMap, ReadError> {
        let [high, subframes] = division.to_be_bytes();
        if high & 0x80 == 0 {
            // Four steps must fit into a quarter evenly where that costs nothing.
            let scale = if !division.is_multiple_of(4) && division < 0x2000 { 4 } else { 1 };
            return match division {
                0 => Err(ReadError::Division(division)),
                _ => Ok(TempoMap { ticks_per_quarter: division * scale, scale: u64::from(scale), tempo: None }),
            };
        }
        // The high byte is minus the frames a second; 29 stands for 30/1.001, which a tempo slower by 1.001 makes exact.
        let frames = high.wrapping_neg();
        let tempo = if frames == 29 { DEFAULT_TEMPO + DEFAULT_TEMPO / 1000 } else { DEFAULT_TEMPO };
        if !matches!(frames, 24 | 25 | 29 | 30) || subframes == 0 {
            return Err(ReadError::Division(division));
        }
        let frames = if frames == 29 { 30 } else { frames };
        remarks.push(format!(
            "the file counts SMPTE frames ({frames} a second), not beats: half a second is taken as a quarter"
        ));
        // A quarter is half a second; doubled ticks keep an odd number of them whole, and four steps even.
        let ticks_per_second = u16::from(frames) * u16::from(subframes);
        Ok(TempoMap { ticks_per_quarter: ticks_per_second * 4, scale: 8, tempo: Some(tempo) })
    }
}

fn read_track(
    number: usize,
    data: &[u8],
    clock: &TempoMap,
    directions: &mut Vec<(Tick, Direction)>,
    remarks: &mut Vec<String>,
) -> Result<Track, ReadError> {
    let mut track = Track::default();
    let mut notes = NoteCollector::default();
    let (mut now, mut file_tick, mut is_ended) = (0, 0_u64, false);
    let mut events = EventIter::new(data);
    loop {
        let unread = events.unread().len();
        // midly ends the iteration silently where it cannot go on; bytes left unread tell the two ends apart.
        let Some(Ok(event)) = events.next() else {
            if unread > 0 {
                return Err(ReadError::Malformed { track: number, byte: data.len() - unread, length: data.len() });
            }
            break;
        };
        file_tick += u64::from(event.delta.as_int());
        let tick = file_tick * clock.scale;
        if tick > MAX_TICK {
            return Err(ReadError::TooLong { track: number });
        }
        now = tick as Tick;
        match event.kind {
            TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel } } if vel > 0 => {
                notes.begin(channel.as_int(), key.as_int(), now, vel.as_int());
            }
            TrackEventKind::Midi {
                channel,
                message: MidiMessage::NoteOff { key, .. } | MidiMessage::NoteOn { key, .. },
            } => notes.end(channel.as_int(), key.as_int(), now),
            TrackEventKind::Meta(MetaMessage::EndOfTrack) => {
                is_ended = true;
                break;
            }
            TrackEventKind::Meta(MetaMessage::TrackName(name)) if track.name.is_none() => {
                track.name = Some(text(name)).filter(|name| !name.is_empty());
            }
            TrackEventKind::Meta(MetaMessage::Lyric(syllable)) => {
                track.lyrics.push(Lyric { tick: now, verse: 1, text: syllable.to_vec() });
            }
            TrackEventKind::Meta(MetaMessage::TimeSignature(numerator, denominator_log2, clocks, thirtyseconds)) => {
                if numerator == 0 || denominator_log2 > 6 {
                    remarks.push(format!("a time signature of {numerator}/2^{denominator_log2} is passed over"));
                    continue;
                }
                let metre = Metre {
                    numerator,
                    denominator_log2,
                    clocks_per_click: clocks,
                    thirtyseconds_per_quarter: thirtyseconds,
                };
                directions.push((now, Direction::Metre(metre)));
            }
            // Under SMPTE the file's tempo events change nothing, and here they would.
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) if clock.tempo.is_none() && tempo > 0 => {
                directions.push((now, Direction::Tempo(tempo.as_int())));
            }
            TrackEventKind::Meta(MetaMessage::KeySignature(sharps, minor)) if (-7..=7).contains(&sharps) => {
                directions.push((now, Direction::Key { sharps, minor }));
            }
            TrackEventKind::Meta(MetaMessage::Marker(name)) => {
                directions.push((now, Direction::Marker(name.to_vec())));
            }
            TrackEventKind::Meta(MetaMessage::Copyright(notice)) => {
                directions.push((now, Direction::Copyright(notice.to_vec())));
            }
            _ => {}
        }
    }
    if !is_ended {
        remarks.push(format!("track {number} has no end mark"));
    }
    let (channels, repairs) = notes.finish(now, Tick::from(clock.ticks_per_quarter));
    track.channels = channels;
    if repairs.unended > 0 {
        remarks.push(format!(
            "track {number}: {} never ended; each ends where the next begins",
            notes_of(repairs.unended)
        ));
    }
    if repairs.soundless > 0 {
        remarks.push(format!("track {number}: {} without length left out", notes_of(repairs.soundless)));
    }
    Ok(track)
}

fn notes_of(count: usize) -> String {
    if count == 1 { "1 note".into() } else { format!("{count} notes") }
}

/// Text of a file that declares no encoding: UTF-8 where it is that, else Latin-1; without control characters, which
/// would reach the user's terminal.
pub fn text(bytes: &[u8]) -> String {
    let decoded = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    decoded.chars().filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

/// Pairs note-ons with note-offs: per channel and key, first on, first off.
#[derive(Default)]
struct NoteCollector {
    /// Start and velocity of the notes still open, by channel and key.
    open: BTreeMap<(u8, u8), VecDeque<(Tick, u8)>>,
    channels: BTreeMap<u8, Vec<Note>>,
    repairs: Repairs,
}

#[derive(Default)]
struct Repairs {
    unended: usize,
    soundless: usize,
}

impl NoteCollector {
    fn begin(&mut self, channel: u8, key: u8, now: Tick, velocity: u8) {
        self.open.entry((channel, key)).or_default().push_back((now, velocity));
    }

    /// An off without its on (doubled, or meant for a hanging note of before) has nothing to end.
    fn end(&mut self, channel: u8, key: u8, now: Tick) {
        let Some((start, velocity)) = self.open.get_mut(&(channel, key)).and_then(VecDeque::pop_front) else { return };
        self.push(channel, key, start, now, velocity);
    }

    fn push(&mut self, channel: u8, key: u8, start: Tick, end: Tick, velocity: u8) {
        let Some(pitch) = Pitch::new(key) else { return };
        self.channels.entry(channel).or_default().push(Note { start, end, pitch, velocity });
    }

    /// Ends what is still open, where the next note of the channel begins or at `track_end`, and makes sure that no
    /// pitch overlaps itself.
    fn finish(mut self, track_end: Tick, ticks_per_quarter: Tick) -> (BTreeMap<u8, Vec<Note>>, Repairs) {
        let open = std::mem::take(&mut self.open);
        let hanging: Vec<_> = open
            .into_iter()
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
        self.repairs.unended = hanging.len();
        for (channel, key, start, velocity) in hanging {
            let starts = &starts[&channel];
            let next = starts.get(starts.partition_point(|&other| other <= start)).copied();
            let last = if track_end > start { track_end } else { (start + ticks_per_quarter).min(MAX_TICK as Tick) };
            self.push(channel, key, start, next.unwrap_or(last), velocity);
        }
        for notes in self.channels.values_mut() {
            let counted = notes.len();
            notes.retain(|note| note.end > note.start);
            self.repairs.soundless += counted - notes.len();
            notes.sort_by_key(|note| (note.start, note.pitch));
            cut_where_struck_again(notes);
        }
        self.channels.retain(|_, notes| !notes.is_empty());
        (self.channels, self.repairs)
    }
}

/// A format 1 file: a track for the conductor, then soprano, alto, tenor and bass (or what the ensemble calls them) on
/// channels 1 to 4.
pub fn write(score: &Score) -> Vec<u8> {
    let mut tracks = vec![conductor_track(score)];
    for part in score.ensemble.parts() {
        let lyrics = if part == score.melody { score.lyrics.as_slice() } else { &[] };
        tracks.push(part_track(part, score, lyrics));
    }
    let timing = Timing::Metrical(u15::from(score.ticks_per_quarter));
    let smf = Smf { header: Header { format: Format::Parallel, timing }, tracks };
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes).expect("five tracks of ticks below 2^28, with texts from a file, fit into a file");
    bytes
}

fn conductor_track(score: &Score) -> Vec<TrackEvent<'_>> {
    let directions = score.directions.iter().map(|(tick, direction)| {
        let message = match direction {
            Direction::Tempo(tempo) => MetaMessage::Tempo(u24::from(*tempo)),
            Direction::Metre(metre) => MetaMessage::TimeSignature(
                metre.numerator,
                metre.denominator_log2,
                metre.clocks_per_click,
                metre.thirtyseconds_per_quarter,
            ),
            Direction::Key { sharps, minor } => MetaMessage::KeySignature(*sharps, *minor),
            Direction::Marker(name) => MetaMessage::Marker(name),
            Direction::Copyright(notice) => MetaMessage::Copyright(notice),
        };
        (*tick, TrackEventKind::Meta(message))
    });
    let name = score.title.as_ref().map(|title| (0, TrackEventKind::Meta(MetaMessage::TrackName(title.as_bytes()))));
    track(name.into_iter().chain(directions).collect())
}

fn part_track<'a>(part: Part, score: &'a Score, lyrics: &'a [Lyric]) -> Vec<TrackEvent<'a>> {
    let channel = u4::from(part.index() as u8);
    // Offs come before ons at the same tick, or a repeated note would end as it begins.
    const OFF: u8 = 0;
    const TEXT: u8 = 1;
    const ON: u8 = 2;
    let notes = score.part(part);
    let mut events = Vec::with_capacity(2 * notes.len() + lyrics.len());
    for note in notes {
        let key = u7::from(note.pitch.midi());
        let on = MidiMessage::NoteOn { key, vel: u7::from(note.velocity) };
        let off = MidiMessage::NoteOff { key, vel: u7::from(64) };
        events.push((note.start, ON, TrackEventKind::Midi { channel, message: on }));
        events.push((note.end, OFF, TrackEventKind::Midi { channel, message: off }));
    }
    // MIDI knows one line of words.
    for lyric in lyrics.iter().filter(|lyric| lyric.verse == 1) {
        events.push((lyric.tick, TEXT, TrackEventKind::Meta(MetaMessage::Lyric(&lyric.text))));
    }
    events.sort_by_key(|(tick, order, _)| (*tick, *order));
    let name = (0, TrackEventKind::Meta(MetaMessage::TrackName(score.ensemble.name(part).as_bytes())));
    track(std::iter::once(name).chain(events.into_iter().map(|(tick, _, kind)| (tick, kind))).collect())
}

/// Absolute ticks, ascending, to the distances of the file; with the end mark.
fn track(events: Vec<(Tick, TrackEventKind<'_>)>) -> Vec<TrackEvent<'_>> {
    let mut now = 0;
    let mut track = Vec::with_capacity(events.len() + 1);
    for (tick, kind) in events {
        track.push(TrackEvent { delta: u28::from(tick - now), kind });
        now = tick;
    }
    track.push(TrackEvent { delta: u28::from(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::any_score::any_score;

    /// A file from the bytes of its tracks; an end mark is added to each.
    fn file(format: u8, division: [u8; 2], tracks: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"MThd\0\0\0\x06".to_vec();
        bytes.extend([0, format, 0, tracks.len() as u8, division[0], division[1]]);
        for track in tracks {
            bytes.extend(b"MTrk");
            bytes.extend((track.len() as u32 + 4).to_be_bytes());
            bytes.extend(*track);
            bytes.extend(b"\0\xff\x2f\0");
        }
        bytes
    }

    fn one_track(events: &[u8]) -> Source {
        read(&file(0, [0, 96], &[events])).unwrap()
    }

    /// Start, end and pitch of the notes on channel 1.
    fn spans(file: &Source) -> Vec<(Tick, Tick, u8)> {
        file.tracks[0].channels[&0].iter().map(|note| (note.start, note.end, note.pitch.midi())).collect()
    }

    #[test]
    fn running_status_and_note_ons_of_velocity_zero_end_notes() {
        let file = one_track(b"\0\x90\x48\x40\x60\x48\0\0\x4a\x50\x60\x4a\0");
        assert_eq!(spans(&file), [(0, 96, 72), (96, 192, 74)]);
        assert_eq!(file.tracks[0].channels[&0][1].velocity, 0x50);
        assert_eq!(file.remarks, [] as [&str; 0]);
    }

    #[test]
    fn a_note_that_never_ends_lasts_to_the_next_and_the_last_one_to_the_end() {
        let file = one_track(b"\0\x90\x48\x40\x60\x4a\x40\x60\xff\x01\0");
        assert_eq!(spans(&file), [(0, 96, 72), (96, 192, 74)]);
        assert_eq!(file.remarks, ["track 1: 2 notes never ended; each ends where the next begins"]);
        let at_the_end_mark = one_track(b"\0\x90\x48\x40");
        assert_eq!(spans(&at_the_end_mark), [(0, 96, 72)], "a quarter, for want of anything better");
    }

    #[test]
    fn doubled_note_offs_and_notes_without_length_leave_the_others_alone() {
        let doubled = one_track(b"\0\x90\x48\x40\x60\x80\x48\x40\0\x48\x40\0\x90\x48\x40\x60\x80\x48\x40\0\x48\0");
        assert_eq!(spans(&doubled), [(0, 96, 72), (96, 192, 72)]);
        let soundless = one_track(b"\0\x90\x48\x40\0\x48\0\x60\x4a\x40\x60\x4a\0");
        assert_eq!(spans(&soundless), [(96, 192, 74)]);
        assert_eq!(soundless.remarks, ["track 1: 1 note without length left out"]);
    }

    #[test]
    fn a_key_struck_again_before_it_was_let_go_begins_a_new_note() {
        // On at 0, on at 96, off at 144, off at 192: the key sounds throughout, struck twice.
        let overlapping = one_track(b"\0\x90\x48\x40\x60\x48\x41\x30\x48\0\x30\x48\0");
        assert_eq!(spans(&overlapping), [(0, 96, 72), (96, 192, 72)]);
        // The same note written twice sounds once.
        let doubled = one_track(b"\0\x90\x48\x40\0\x48\x40\x60\x48\0\0\x48\0");
        assert_eq!(spans(&doubled), [(0, 96, 72)]);
        // The off of the first comes at the tick of the second, after it in the file.
        let out_of_order = one_track(b"\0\x90\x48\x40\x60\x48\x41\0\x80\x48\x40\x60\x48\x40");
        assert_eq!(spans(&out_of_order), [(0, 96, 72), (96, 192, 72)]);
    }

    #[test]
    fn tempo_metre_key_names_and_lyrics_are_kept_and_said_once() {
        let conductor = b"\0\xff\x51\x03\x07\xa1\x20\0\xff\x58\x04\x03\x02\x18\x08\0\xff\x59\x02\xfe\x01";
        let melody = b"\0\xff\x03\x05S\xf6\0lo\0\xff\x58\x04\x03\x02\x18\x08\0\xff\x05\x03Nun\0\x90\x48\x40\x60\x48\0";
        let file = read(&file(1, [0, 96], &[conductor, melody])).unwrap();
        let metre = Metre { numerator: 3, ..Metre::FOUR_FOUR };
        let expected = [Direction::Tempo(500_000), Direction::Metre(metre), Direction::Key { sharps: -2, minor: true }]
            .map(|d| (0, d));
        assert_eq!(file.directions, expected);
        assert_eq!(file.tracks[1].name.as_deref(), Some("Sölo"), "Latin-1, without the control character");
        assert_eq!(file.tracks[1].lyrics, [Lyric { tick: 0, verse: 1, text: b"Nun".to_vec() }]);
    }

    #[test]
    fn smpte_time_is_taken_at_two_quarters_a_second() {
        // 25 frames of 40: a millisecond a tick.
        let notes: &[u8] = b"\0\x90\x48\x40\x83\x74\x48\0";
        let milliseconds = read(&file(0, [0xe7, 40], &[notes])).unwrap();
        assert_eq!(milliseconds.directions, [(0, Direction::Tempo(500_000))]);
        assert_eq!(spans(&milliseconds), [(0, u32::from(milliseconds.ticks_per_quarter), 72)], "half a second");
        // 29 stands for 30 frames in 1.001 seconds.
        let drop_frame = read(&file(0, [0xe3, 4], &[notes])).unwrap();
        assert_eq!(drop_frame.directions, [(0, Direction::Tempo(500_500))]);
    }

    #[test]
    fn coarse_ticks_are_made_finer_so_that_sixteenths_exist() {
        let file = read(&file(0, [0, 1], &[b"\0\x90\x48\x40\x02\x48\0"])).unwrap();
        assert_eq!((file.ticks_per_quarter, spans(&file)), (4, vec![(0, 8, 72)]));
    }

    #[test]
    fn each_unusable_file_is_told_why() {
        let good = file(0, [0, 96], &[b"\0\x90\x48\x40\x60\x48\0"]);
        let check = |bytes: &[u8], expected: &str| assert_eq!(read(bytes).unwrap_err().to_string(), expected);
        check(b"", "the file is empty");
        check(b"ID3\x04rest", "not a MIDI file: it should begin with 'MThd' but begins with 'ID3\\u{4}'");
        check(&good[..10], "the file breaks off inside its header");
        check(&good[..good.len() - 5], "the file breaks off: track 1 should hold 11 bytes, 6 are there");
        check(&good[..14], "the file breaks off: its header promises 1 tracks, 0 are there");
        check(
            &file(2, [0, 96], &[b""]),
            "a format 2 file holds independent patterns, not one piece; save it as format 0 or 1",
        );
        check(&file(7, [0, 96], &[b""]), "unknown MIDI file format 7; only 0 and 1 can be read");
        for division in [[0, 0], [0x80, 0], [0x80, 40], [0xe7, 0]] {
            assert!(matches!(read(&file(0, division, &[b""])), Err(ReadError::Division(_))), "{division:?}");
        }
        check(
            &file(0, [0, 96], &[b"\0\x90\x48\x40\0\xf4\0"]),
            "track 1 cannot be read from its byte 4 on (the track has 11)",
        );
        let endless = [b"\xff\xff\xff\x7f\x90\x48\x40\xff\xff\xff\x7f\x48\0".as_slice(); 1];
        check(&file(0, [0, 96], &endless), "track 1 goes on beyond 268435455 ticks");
    }

    #[test]
    fn a_wrapped_file_is_found_and_what_follows_the_last_track_is_ignored() {
        let mut bytes = b"RIFF\x2c\0\0\0RMIDdata\x20\0\0\0".to_vec();
        bytes.extend(file(0, [0, 96], &[b"\0\x90\x48\x40\x60\x48\0"]));
        bytes.extend([0; 37]);
        assert_eq!(spans(&read(&bytes).unwrap()), [(0, 96, 72)]);
    }

    proptest! {
        #[test]
        fn a_score_comes_back_from_its_file(score in any_score()) {
            let file = read(&write(&score)).unwrap();
            prop_assert_eq!(&file.title, &score.title);
            prop_assert_eq!(file.ticks_per_quarter, score.ticks_per_quarter);
            prop_assert_eq!(&file.directions, &score.directions);
            prop_assert_eq!(&file.tracks[1].lyrics, &score.lyrics);
            prop_assert_eq!(file.tracks.len(), 5);
            for part in Part::ALL {
                let track = &file.tracks[part.index() + 1];
                prop_assert_eq!(track.name.as_deref(), Some(part.name()));
                let notes = track.channels.get(&(part.index() as u8)).cloned().unwrap_or_default();
                prop_assert_eq!(notes.as_slice(), score.part(part));
            }
            prop_assert!(file.remarks.is_empty(), "{:?}", file.remarks);
        }

        #[test]
        fn damaged_files_are_read_or_refused_without_a_panic(
            score in any_score(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = write(&score);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Ok(file) = read(&bytes) {
                for note in file.tracks.iter().flat_map(|track| track.channels.values().flatten()) {
                    prop_assert!(note.start < note.end && note.velocity > 0);
                }
            }
        }

        #[test]
        fn a_file_cut_anywhere_is_refused(score in any_score(), cut in any::<prop::sample::Index>()) {
            let bytes = write(&score);
            prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
        }
    }
}
