//! From the bytes of a file to its tracks.

use midly::{EventIter, MetaMessage, TrackEventKind};
use thiserror::Error;

use super::chunks::{read_header, track_chunks};
use super::notes::NoteCollector;
use super::text;
use crate::score::{DEFAULT_TEMPO, Direction, Lyric, MAX_TICK, Metre, Tick};
use crate::source::{Kind, Source, Track, in_order_each_once};

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
    let scale = TickScale::new(header.division, &mut remarks)?;
    let mut directions: Vec<_> = scale.tempo.map(|tempo| (0, Direction::Tempo(tempo))).into_iter().collect();
    let tracks = track_chunks(chunks, header.tracks)?
        .into_iter()
        .enumerate()
        .map(|(index, data)| read_track(index + 1, data, &scale, &mut directions, &mut remarks))
        .collect::<Result<Vec<_>, _>>()?;
    // In format 1 the name of the first track, which only conducts, is the name of the piece.
    let title = tracks.first().filter(|first| first.channels.is_empty()).and_then(|first| first.name.clone());
    Ok(Source {
        kind: Kind::Midi,
        title,
        creators: Vec::new(),
        ticks_per_quarter: scale.ticks_per_quarter,
        directions: in_order_each_once(directions),
        tracks,
        remarks,
    })
}

/// How the file's ticks become those of the [`Source`].
struct TickScale {
    ticks_per_quarter: u16,
    /// The ticks of the source in one of the file.
    factor: u64,
    /// Set where the file's own tempo events do not govern its ticks.
    tempo: Option<u32>,
}

impl TickScale {
    fn new(division: u16, remarks: &mut Vec<String>) -> Result<TickScale, ReadError> {
        let [high, subframes] = division.to_be_bytes();
        if high & 0x80 == 0 {
            // Four steps must fit into a quarter evenly where that costs nothing.
            let factor = if !division.is_multiple_of(4) && division < 0x2000 { 4 } else { 1 };
            return match division {
                0 => Err(ReadError::Division(division)),
                _ => Ok(TickScale { ticks_per_quarter: division * factor, factor: u64::from(factor), tempo: None }),
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
        Ok(TickScale { ticks_per_quarter: ticks_per_second * 4, factor: 8, tempo: Some(tempo) })
    }
}

fn read_track(
    number: usize,
    data: &[u8],
    scale: &TickScale,
    directions: &mut Vec<(Tick, Direction)>,
    remarks: &mut Vec<String>,
) -> Result<Track, ReadError> {
    let mut track = Track::default();
    let mut notes = NoteCollector::default();
    let mut events = TrackEvents::new(number, data, scale);
    while let Some(event) = events.read()? {
        let now = events.now;
        match event {
            TrackEventKind::Midi { channel, message } => notes.message(channel.as_int(), message, now),
            TrackEventKind::Meta(MetaMessage::TrackName(name)) if track.name.is_none() => {
                track.name = Some(text(name)).filter(|name| !name.is_empty());
            }
            TrackEventKind::Meta(MetaMessage::Lyric(syllable)) => {
                track.lyrics.push(Lyric { tick: now, verse: 1, text: syllable.to_vec() });
            }
            TrackEventKind::Meta(message) => {
                directions.extend(direction(message, scale, remarks).map(|direction| (now, direction)));
            }
            _ => {}
        }
    }
    if !events.has_end_mark {
        remarks.push(format!("track {number} has no end mark"));
    }
    let (channels, repairs) = notes.finish(events.now, Tick::from(scale.ticks_per_quarter));
    remarks.extend(repairs.remarks(number));
    Ok(Track { channels, ..track })
}

/// The events of a track up to its end mark.
struct TrackEvents<'a> {
    number: usize,
    length: usize,
    events: EventIter<'a>,
    factor: u64,
    file_tick: u64,
    /// The tick of the event that was read last.
    now: Tick,
    has_end_mark: bool,
}

impl<'a> TrackEvents<'a> {
    fn new(number: usize, data: &'a [u8], scale: &TickScale) -> TrackEvents<'a> {
        let events = EventIter::new(data);
        TrackEvents {
            number,
            length: data.len(),
            events,
            factor: scale.factor,
            file_tick: 0,
            now: 0,
            has_end_mark: false,
        }
    }

    /// The next event; `None` at the end.
    fn read(&mut self) -> Result<Option<TrackEventKind<'a>>, ReadError> {
        let unread = self.events.unread().len();
        // midly ends the iteration silently where it cannot go on; only bytes left unread show that it was not the end.
        let Some(Ok(event)) = self.events.next() else {
            return match unread {
                0 => Ok(None),
                _ => Err(ReadError::Malformed { track: self.number, byte: self.length - unread, length: self.length }),
            };
        };
        self.file_tick += u64::from(event.delta.as_int());
        let tick = self.file_tick * self.factor;
        if tick > u64::from(MAX_TICK) {
            return Err(ReadError::TooLong { track: self.number });
        }
        self.now = tick as Tick;
        self.has_end_mark = matches!(event.kind, TrackEventKind::Meta(MetaMessage::EndOfTrack));
        Ok(Some(event.kind).filter(|_| !self.has_end_mark))
    }
}

/// What a meta event says about all tracks.
fn direction(message: MetaMessage, scale: &TickScale, remarks: &mut Vec<String>) -> Option<Direction> {
    match message {
        MetaMessage::TimeSignature(numerator, denominator_log2, clocks_per_click, thirtyseconds_per_quarter) => {
            if numerator == 0 || denominator_log2 > 6 {
                remarks.push(format!("a time signature of {numerator}/2^{denominator_log2} is ignored"));
                return None;
            }
            let metre = Metre { numerator, denominator_log2, clocks_per_click, thirtyseconds_per_quarter };
            Some(Direction::Metre(metre))
        }
        // Under SMPTE the file's tempo events change nothing, and here they would.
        MetaMessage::Tempo(tempo) if scale.tempo.is_none() && tempo > 0 => Some(Direction::Tempo(tempo.as_int())),
        MetaMessage::KeySignature(sharps, minor) if (-7..=7).contains(&sharps) => {
            Some(Direction::Key { sharps, minor })
        }
        MetaMessage::Marker(name) => Some(Direction::Marker(name.to_vec())),
        MetaMessage::Copyright(notice) => Some(Direction::Copyright(notice.to_vec())),
        _ => None,
    }
}
