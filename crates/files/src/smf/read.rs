//! From the bytes of a file to its tracks.

use std::borrow::Cow;

use thiserror::Error;

use super::chunks::{read_header, track_chunks};
use super::events::{END_OF_TRACK, Event, Events};
use super::karaoke::{self, MOST_TEXTS, Texts};
use super::notes::NoteCollector;
use super::percussion::rhythm;
use super::text;
use super::zones::Zones;
use crate::score::{DEFAULT_TEMPO, Direction, Lyric, MAX_TICK, Metre, Tick};
use crate::source::{Kind, Source, Track, in_order_each_once};
use crate::text::{Letters, encoding_of, marked};
use crate::wandering;

/// Why bytes are no MIDI file that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("no MIDI file, which begins with 'MThd', nor MusicXML or ABC: it begins with '{found}'")]
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
    let (mut tracks, mut texts) = (Vec::new(), Vec::new());
    let (chunks, said) = track_chunks(chunks, header.tracks)?;
    remarks.extend(said);
    let letters = encoding_of(chunks.iter().flat_map(|data| texts_of(data)));
    if let Some(letters) = letters {
        let name = letters.name();
        remarks.push(format!(
            "its words and names seem to be written in {name}, which the file does not tell; if they are not, save it with \
             texts in UTF-8"
        ));
    }
    let rhythm = rhythm(&chunks);
    for (number, data) in (1..).zip(chunks) {
        let mut reader = TrackReader::new(number, &scale, letters);
        reader.track.rhythm.clone_from(&rhythm);
        reader.read(data)?;
        directions.append(&mut reader.directions);
        texts.push(std::mem::take(&mut reader.texts));
        let (track, said) = reader.finish();
        tracks.push(track);
        remarks.extend(said);
    }
    remarks.extend(wandering::join_tracks(&mut tracks, Tick::from(scale.ticks_per_quarter / 8).max(1)));
    // In format 1 the name of the first track, which only conducts, is the name of the piece.
    let title = tracks.first().filter(|first| first.channels.is_empty()).and_then(|first| first.name.clone());
    let mut source = Source {
        kind: Kind::Midi,
        title,
        creators: Vec::new(),
        below: Vec::new(),
        mode: None,
        names_major: false,
        ticks_per_quarter: scale.ticks_per_quarter,
        directions: in_order_each_once(directions),
        tracks,
        remarks,
    };
    karaoke::take_words(&mut source, &texts);
    Ok(source)
}

/// The texts of a track, words, names and marks, that don't tell how they are written.
fn texts_of(data: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    Events::new(data).filter_map(|(_, event)| match event {
        Event::Meta { kind, data } if is_text(kind) && marked(data).is_none() => Some(data),
        _ => None,
    })
}

fn is_text(kind: u8) -> bool {
    matches!(kind, 0x01..=0x07)
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

/// The controller of the pedal that lets strings ring.
const SUSTAIN: u8 = 64;

/// A track while it is read.
struct TrackReader<'a, 'f> {
    number: usize,
    scale: &'a TickScale,
    /// Of all texts, where it isn't one that each of them tells.
    letters: Option<Letters>,
    now: Tick,
    track: Track,
    notes: NoteCollector,
    zones: Zones,
    directions: Vec<(Tick, Direction)>,
    texts: Texts<'f>,
    /// What stands in for a name.
    instrument: Option<String>,
    remarks: Vec<String>,
}

impl<'a, 'f> TrackReader<'a, 'f> {
    fn new(number: usize, scale: &'a TickScale, letters: Option<Letters>) -> TrackReader<'a, 'f> {
        TrackReader {
            number,
            scale,
            letters,
            now: 0,
            track: Track::default(),
            notes: NoteCollector::default(),
            zones: Zones::default(),
            directions: Vec::new(),
            texts: Vec::new(),
            instrument: None,
            remarks: Vec::new(),
        }
    }

    /// Takes what stands before the end mark.
    fn read(&mut self, data: &'f [u8]) -> Result<(), ReadError> {
        let mut events = Events::new(data);
        let mut file_tick = 0;
        let mut has_end_mark = false;
        for (delta, event) in events.by_ref() {
            file_tick += u64::from(delta);
            let tick = file_tick * self.scale.factor;
            if tick > u64::from(MAX_TICK) {
                return Err(ReadError::TooLong { track: self.number });
            }
            self.now = tick as Tick;
            has_end_mark = matches!(event, Event::Meta { kind: END_OF_TRACK, .. });
            if has_end_mark {
                break;
            }
            self.take(event);
        }
        if !has_end_mark && events.read() < data.len() {
            return Err(ReadError::Malformed { track: self.number, byte: events.read(), length: data.len() });
        }
        if !has_end_mark {
            self.remarks.push(format!("track {} has no end mark", self.number));
        }
        if events.above_127 > 0 {
            let values = if events.above_127 == 1 { "1 value".into() } else { format!("{} values", events.above_127) };
            self.remarks.push(format!("track {}: {values} above 127, which MIDI does not have, ignored", self.number));
        }
        if events.system_common > 0 {
            let (number, count) = (self.number, events.system_common);
            self.remarks.push(format!(
                "track {number}: messages between instruments, which belong to no file, ignored ({count})"
            ));
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'f>) {
        match event {
            Event::NoteOn { channel, key, velocity } => self.notes.on(channel, key, velocity, self.now),
            Event::NoteOff { channel, key } => self.notes.off(channel, key, self.now),
            Event::Program { channel, program } => {
                self.track.programs.entry(channel).or_insert(program);
            }
            Event::Controller { channel, controller: SUSTAIN, value } => {
                self.notes.pedal(channel, value >= 64, self.now);
            }
            Event::Controller { channel, controller, value } => self.zones.controller(channel, controller, value),
            Event::Meta { kind, data } => {
                let told = if is_text(kind) { marked(data) } else { None };
                let data = match (told, self.letters.filter(|_| is_text(kind))) {
                    (Some(text), _) => text.into_bytes().into(),
                    (None, Some(letters)) => letters.decode(data).into_bytes().into(),
                    (None, None) => Cow::Borrowed(data),
                };
                self.take_meta(kind, data);
            }
            Event::Exclusive(_) | Event::Other => {}
        }
    }

    fn take_meta(&mut self, kind: u8, data: Cow<'f, [u8]>) {
        match kind {
            0x01 if self.texts.len() < MOST_TEXTS => self.texts.push((self.now, data)),
            0x04 if self.instrument.is_none() => self.instrument = Some(text(&data)).filter(|name| !name.is_empty()),
            0x03 if self.track.name.is_none() => {
                self.track.name = Some(text(&data)).filter(|name| !name.is_empty());
            }
            0x05 => self.track.lyrics.push(Lyric { tick: self.now, verse: 1, text: data.into_owned() }),
            _ => {
                let direction = direction(kind, &data, self.scale, &mut self.remarks);
                self.directions.extend(direction.map(|direction| (self.now, direction)));
            }
        }
    }

    fn finish(self) -> (Track, Vec<String>) {
        let TrackReader { number, scale, now, mut track, notes, zones, instrument, mut remarks, .. } = self;
        let (channels, repairs) = notes.finish(now, Tick::from(scale.ticks_per_quarter));
        track.name = track.name.or(instrument.filter(|_| !channels.is_empty()));
        track.channels = channels;
        remarks.extend(repairs.remarks(number));
        let slip = Tick::from(scale.ticks_per_quarter / 8).max(1);
        for joined in zones.join(&mut track).into_iter().chain(wandering::join_channels(&mut track, slip)) {
            remarks.push(format!("track {number}: {joined}"));
        }
        (track, remarks)
    }
}

/// What a meta event says about all tracks; nothing where it is too short to say it.
fn direction(kind: u8, data: &[u8], scale: &TickScale, remarks: &mut Vec<String>) -> Option<Direction> {
    match (kind, data) {
        (0x58, [numerator, denominator_log2, rest @ ..]) => {
            let (numerator, denominator_log2) = (*numerator, *denominator_log2);
            if numerator == 0 || denominator_log2 > 6 {
                remarks.push(format!("a time signature of {numerator}/2^{denominator_log2} is ignored"));
                return None;
            }
            // Some programs leave out what only concerns a metronome.
            let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
            Some(Direction::Metre(match rest {
                [clocks_per_click, thirtyseconds_per_quarter, ..] => Metre {
                    clocks_per_click: *clocks_per_click,
                    thirtyseconds_per_quarter: *thirtyseconds_per_quarter,
                    ..metre
                },
                _ => metre,
            }))
        }
        // Under SMPTE the file's tempo events change nothing, and here they would.
        (0x51, [high, middle, low, ..]) if scale.tempo.is_none() => {
            let tempo = u32::from_be_bytes([0, *high, *middle, *low]);
            if tempo == 0 {
                remarks.push("a tempo without end (0 microseconds a quarter) is ignored".into());
            }
            (tempo > 0).then_some(Direction::Tempo(tempo))
        }
        (0x59, [sharps, rest @ ..]) => {
            let sharps = i8::from_be_bytes([*sharps]);
            let minor = rest.first().is_some_and(|minor| *minor != 0);
            if !(-7..=7).contains(&sharps) {
                remarks.push(format!("a key signature of {sharps} sharps is ignored: they go from -7 (flats) to 7"));
                return None;
            }
            Some(Direction::Key { sharps, minor })
        }
        (0x06, name) => Some(Direction::Marker(name.to_vec())),
        (0x02, notice) => Some(Direction::Copyright(notice.to_vec())),
        _ => None,
    }
}
