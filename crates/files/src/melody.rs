//! The melody of a file: which of its lines it is, and which step each of its notes belongs to.

use std::collections::{BTreeMap, BTreeSet};

use chorale::harmony::{Key, Spelling};
use chorale::{Part, Phase, Pitch, Token};
use thiserror::Error;

use crate::grid::Grid;
use crate::score::{Lyric, Note, Tick};
use crate::source::{Kind, Source};

/// Over an hour of slow music; a longer one is a damaged file, not a melody.
pub const MAX_STEPS: usize = 50_000;

/// General MIDI plays drums on channel 10, whose keys are no pitches.
const DRUM_CHANNEL: u8 = 9;

/// Names by which programs and people call the part on top, in the languages of the usual editions.
const SOPRANO_NAMES: [&str; 7] = ["sopran", "melod", "cantus", "canto", "discant", "diskant", "treble"];

/// Where to look for the melody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// A track's number, from 1, or (part of) its name.
    pub track: Option<String>,
    /// 1..=16.
    pub channel: Option<u8>,
}

/// Why no melody was found. The texts list what there is.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MelodyError {
    #[error("the file holds no notes")]
    NoNotes,
    #[error("no {kind} '{asked}'; there are: {available}", kind = kind.track())]
    UnknownTrack { kind: Kind, asked: String, available: String },
    #[error("'{asked}' names several {kind}s; choose one by number: {available}", kind = kind.track())]
    AmbiguousTrack { kind: Kind, asked: String, available: String },
    #[error("no notes on {kind} {asked} {place}; there are: {available}", kind = kind.line())]
    EmptyChannel { kind: Kind, asked: u8, place: String, available: String },
    #[error("{kind} {track} holds no notes; there are: {available}", kind = kind.track())]
    EmptyTrack { kind: Kind, track: usize, available: String },
    #[error("four parts are needed, and neither their names nor their number tell which: {available}")]
    NotFourParts { available: String },
    #[error("the melody sounds for {steps} sixteenths; more than {MAX_STEPS} are taken for a damaged file")]
    TooLong { steps: u64 },
}

/// One line of music, as it stands in the file, and how it was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Melody {
    /// In order of start. Notes may overlap a little, as legato playing does.
    pub notes: Vec<Note>,
    pub lyrics: Vec<Lyric>,
    /// Whether the other parts sing the lyrics too, and so strike each syllable.
    pub all_sing: bool,
    /// Where notes with a fermata begin, in order.
    pub fermatas: Vec<Tick>,
    /// How the file wrote the notes, by their start; empty where it doesn't tell.
    pub spellings: BTreeMap<Tick, Spelling>,
    /// What was decided on the way, in sentences for the user.
    pub remarks: Vec<String>,
}

/// The notes of one channel in one track.
struct Line<'a> {
    /// From 0.
    track: usize,
    /// From 0.
    channel: u8,
    notes: &'a [Note],
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
        let several = candidates.len() > 1;
        let line = match choice.track.is_none().then(|| named_soprano(file, &candidates)).flatten() {
            Some(line) => line,
            None => highest(&candidates),
        };
        if several {
            let others = candidates.iter().filter(|other| !std::ptr::eq(*other, line));
            let others: Vec<String> = others.map(|other| describe(file, other)).collect();
            remarks.push(format!(
                "melody: {}; not taken (see --track, --channel): {}",
                describe(file, line),
                others.join(", ")
            ));
        }
        let quarter = Tick::from(file.ticks_per_quarter);
        let notes = top_line(line.notes, quarter);
        if notes.len() < line.notes.len() {
            remarks.push(format!(
                "{} has several notes at once: its top line of {} notes is taken, {} below it are left out",
                describe(file, line),
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
        Ok(Melody { notes, lyrics, all_sing: false, fermatas, spellings, remarks })
    }

    /// Moved by so many semitones.
    ///
    /// # Errors
    /// The first pitch that would leave the MIDI range.
    pub fn transposed(mut self, semitones: i32) -> Result<Melody, Pitch> {
        for note in &mut self.notes {
            note.pitch = note.pitch.transposed(semitones).ok_or(note.pitch)?;
        }
        // Letters move with their octave; elsewhere the key tells them anew.
        if semitones % 12 != 0 {
            self.spellings.clear();
        }
        for spelling in self.spellings.values_mut() {
            spelling.octave += (semitones / 12) as i8;
        }
        Ok(self)
    }

    /// The key that fits the notes best.
    pub fn found_key(&self) -> Key {
        let notes = self.notes.iter().map(|note| (note.pitch, note.end - note.start));
        // A melody ends on the tonic more often than on any other degree.
        Key::of_notes(notes, self.notes.last().map(|note| note.pitch))
    }

    /// The tick of the first note; 0 without notes.
    pub fn first_onset(&self) -> Tick {
        self.notes.first().map_or(0, |note| note.start)
    }
}

fn all_lines(file: &Source) -> Vec<Line<'_>> {
    let lines = file.tracks.iter().enumerate().flat_map(|(track, content)| {
        content.channels.iter().map(move |(&channel, notes)| Line { track, channel, notes })
    });
    lines.collect()
}

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
        let lines: Vec<Line> = lines.into_iter().filter(|line| line.channel + 1 == asked).collect();
        if lines.is_empty() {
            let place = track.map_or("of the file".into(), |track| format!("of {} {}", file.kind.track(), track + 1));
            return Err(MelodyError::EmptyChannel { kind: file.kind, asked, place, available: available() });
        }
        return Ok(lines);
    }
    let (drums, pitched): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| file.kind == Kind::Midi && line.channel == DRUM_CHANNEL);
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

fn list_tracks(file: &Source) -> String {
    let tracks = file.tracks.iter().enumerate().map(|(index, track)| {
        let name = track.name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
        let notes: usize = track.channels.values().map(Vec::len).sum();
        let channels: Vec<String> = track.channels.keys().map(|channel| (channel + 1).to_string()).collect();
        let (kind, line) = (file.kind.track(), file.kind.line());
        match channels.len() {
            0 => format!("{kind} {}{name} (no notes)", index + 1),
            1 => format!("{kind} {}{name} ({notes} notes, {line} {})", index + 1, channels[0]),
            _ => format!("{kind} {}{name} ({notes} notes, {line}s {})", index + 1, channels.join(", ")),
        }
    });
    tracks.collect::<Vec<_>>().join("; ")
}

fn describe(file: &Source, line: &Line) -> String {
    let name = file.tracks[line.track].name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
    format!("{} {}{name} {} {}", file.kind.track(), line.track + 1, file.kind.line(), line.channel + 1)
}

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

/// The line of each part that the file names: a track or part called Soprano, Alto, Tenor or Bass, or by its letter.
/// A part named twice counts as not named.
pub fn named_parts(file: &Source) -> [Option<Vec<Note>>; 4] {
    let mut lines = all_lines(file);
    lines.retain(|line| file.kind != Kind::Midi || line.channel != DRUM_CHANNEL);
    Part::ALL.map(|part| {
        let name = part.name().to_lowercase();
        let is_named = |line: &&Line| {
            let track = file.tracks[line.track].name.as_deref().unwrap_or_default().trim().to_lowercase();
            track.starts_with(&name) || track == name[..1]
        };
        let mut lines = lines.iter().filter(is_named);
        lines.next().filter(|_| lines.next().is_none()).map(|line| line.notes.to_vec())
    })
}

/// The words of a track; where it has none, those of a track without notes, as karaoke files have it.
pub fn lyrics_of(file: &Source, track: usize) -> &[Lyric] {
    let of_words = file.tracks.iter().filter(|other| other.channels.is_empty() && !other.lyrics.is_empty());
    let own = file.tracks.get(track).filter(|track| !track.lyrics.is_empty());
    own.or_else(|| of_words.max_by_key(|other| other.lyrics.len())).map_or(&[], |track| &track.lyrics)
}

/// The soprano, alto, tenor and bass of a file that has them all: by their names, else four lines from high to low. A
/// line of chords counts as so many lines as it has notes at once.
///
/// # Errors
/// When there are no notes, or the lines are neither so named nor four.
pub fn four_parts(file: &Source) -> Result<[Vec<Note>; 4], MelodyError> {
    let mut lines = all_lines(file);
    lines.retain(|line| file.kind != Kind::Midi || line.channel != DRUM_CHANNEL);
    if lines.is_empty() {
        return Err(MelodyError::NoNotes);
    }
    if let [Some(soprano), Some(alto), Some(tenor), Some(bass)] = named_parts(file) {
        return Ok([soprano, alto, tenor, bass]);
    }
    if lines.len() == 4 {
        lines.sort_by(|a, b| by_height(b, a));
        let mut lines = lines.iter().map(|line| line.notes.to_vec());
        return Ok(std::array::from_fn(|_| lines.next().unwrap_or_default()));
    }
    lines.sort_by(|a, b| by_height(b, a));
    let slip = Tick::from(file.ticks_per_quarter / 8);
    let voices: Vec<Vec<Note>> = lines.iter().flat_map(|line| voices(line.notes, slip)).collect();
    let not_four = |_| MelodyError::NotFourParts { available: list_tracks(file) };
    voices.try_into().map_err(not_four)
}

/// The notes of a line of chords, from the top: as many voices as ever sound at once, for longer than a `slip`. A chord of
/// fewer notes goes to the voices that are nearest.
fn voices(notes: &[Note], slip: Tick) -> Vec<Vec<Note>> {
    let chords = || notes.chunk_by(|a, b| a.start == b.start);
    let mut ends: Vec<Tick> = Vec::new();
    let mut most = 0;
    for chord in chords() {
        ends.retain(|end| *end > chord[0].start + slip);
        ends.extend(chord.iter().map(|note| note.end));
        most = most.max(ends.len());
    }
    let mut voices: Vec<Vec<Note>> = vec![Vec::new(); most];
    if most > Part::ALL.len() {
        return voices;
    }
    for chord in chords() {
        let start = chord[0].start;
        let is_free = |voice: &Vec<Note>| voice.last().is_none_or(|last| last.end <= start + slip);
        let free: u8 = (0..most).filter(|&voice| is_free(&voices[voice])).map(|voice| 1 << voice).sum();
        // The lower note to the lower voice, and of all such ways the one with the smallest leaps.
        let chosen = |set: u8| (0..most).filter(move |voice| set & (1 << voice) != 0);
        let leaps = |set: &u8| -> u32 {
            let falling = chord.iter().rev();
            let leap = |(note, voice): (&Note, usize)| {
                voices[voice].last().map_or(0, |last| u32::from(last.pitch.midi().abs_diff(note.pitch.midi())))
            };
            falling.zip(chosen(*set)).map(leap).sum()
        };
        let ways = (0..1_u8 << most).filter(|set| set & !free == 0 && set.count_ones() as usize == chord.len());
        let Some(set) = ways.min_by_key(leaps) else { continue };
        for (note, voice) in chord.iter().rev().zip(chosen(set).collect::<Vec<_>>()) {
            if let Some(last) = voices[voice].last_mut() {
                last.end = last.end.min(start);
            }
            voices[voice].push(*note);
        }
    }
    voices
}

/// Of lines equally high, the first. `lines` must not be empty.
fn highest<'l, 'a>(lines: &'l [Line<'a>]) -> &'l Line<'a> {
    lines.iter().rev().max_by(|a, b| by_height(a, b)).expect("a file with notes has a line")
}

/// By the mean pitch of what sounds, each note weighing as much as it is long.
fn by_height(a: &Line, b: &Line) -> std::cmp::Ordering {
    let mean = |line: &Line| {
        let weighted = |note: &Note| (f64::from(note.end - note.start), f64::from(note.pitch.midi()));
        let (length, sum) = line
            .notes
            .iter()
            .map(weighted)
            .fold((0.0, 0.0), |(length, sum), (weight, pitch)| (length + weight, sum + weight * pitch));
        sum / length
    };
    mean(a).total_cmp(&mean(b))
}

/// The melody of a track that may hold several notes at once: a note stays when most of it lies above all others.
///
/// A line played legato, where each note ends a little after the next begins, is no such track and stays whole.
fn top_line(notes: &[Note], quarter: Tick) -> Vec<Note> {
    let thirtysecond = (quarter / 8).max(1);
    if !is_polyphonic(notes, thirtysecond) {
        return notes.to_vec();
    }
    let exposed = exposed_ticks(notes);
    let mut line: Vec<Note> = Vec::new();
    for (note, exposed) in notes.iter().zip(exposed) {
        if 2 * exposed <= note.end - note.start {
            continue;
        }
        match line.last_mut() {
            // Struck together, as fingers do: the higher one is meant.
            Some(last) if note.start - last.start < thirtysecond && last.end > note.start => {
                if note.pitch > last.pitch {
                    *last = *note;
                }
            }
            _ => line.push(*note),
        }
    }
    line
}

/// Whether any two notes sound together for more than half of the shorter one, and longer than a slip of the fingers.
fn is_polyphonic(notes: &[Note], thirtysecond: Tick) -> bool {
    // Looking back at the note that lasts longest is enough: whatever overlaps an earlier one overlaps it as much.
    let mut longest: Option<Note> = None;
    notes.iter().any(|note| {
        let overlaps = longest.is_some_and(|before| {
            let overlap = before.end.min(note.end).saturating_sub(note.start);
            let shorter = (note.end - note.start).min(before.end - before.start);
            overlap >= thirtysecond && 2 * overlap > shorter
        });
        if longest.is_none_or(|before| note.end >= before.end) {
            longest = Some(*note);
        }
        overlaps
    })
}

/// For each note, the ticks during which no other note sounds above it.
fn exposed_ticks(notes: &[Note]) -> Vec<Tick> {
    let mut exposed = vec![0; notes.len()];
    let mut edges: Vec<(Tick, bool, usize)> = notes
        .iter()
        .enumerate()
        .flat_map(|(index, note)| [(note.start, true, index), (note.end, false, index)])
        .collect();
    // At one tick the ends come first, so that a pitch struck again is not taken for the one that ended.
    edges.sort_unstable();
    let mut sounding: [Option<usize>; 128] = [None; 128];
    let mut now = 0;
    for (tick, begins, index) in edges {
        if let Some(top) = sounding.iter().rev().flatten().next() {
            exposed[*top] += tick - now;
        }
        now = tick;
        sounding[usize::from(notes[index].pitch.midi())] = begins.then_some(index);
    }
    exposed
}

/// What the melody does in one step of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MelodyStep {
    pub phase: Phase,
    /// Where the parts move. When a note begins off the grid, its step begins with it, so that the parts begin together.
    pub start: Tick,
    /// The start of the next step, or where the melody falls silent.
    pub end: Tick,
    pub soprano: Pitch,
    /// The velocity of the soprano's note.
    pub velocity: u8,
    /// Whether the soprano strikes the pitch that it had in the step before.
    pub restruck: bool,
    /// Whether its note has a fermata, under which a phrase ends.
    pub fermata: bool,
    /// Whether no note begins here, in a beat that the melody divides otherwise than into sixteenths.
    pub in_triplet: bool,
}

/// The steps in which the melody sounds. A gap shorter than a quarter is articulation, through which the note before
/// goes on sounding; a longer one is a rest and has no steps.
///
/// Of several notes in one step (faster than sixteenths) the one that sounds longest stands for the step.
///
/// # Errors
/// [`MelodyError::TooLong`].
pub fn steps(melody: &Melody, grid: &Grid) -> Result<Vec<MelodyStep>, MelodyError> {
    let phrases = phrases(&melody.notes, grid);
    let length = |phrase: &Phrase| u64::from(phrase.end_step - phrase.first_step);
    let steps = phrases.iter().map(length).sum();
    if steps > MAX_STEPS as u64 {
        return Err(MelodyError::TooLong { steps });
    }
    Ok(phrases.iter().flat_map(|phrase| phrase_steps(phrase, &melody.fermatas, grid)).collect())
}

/// Notes without a rest between them.
struct Phrase<'a> {
    notes: &'a [Note],
    end: Tick,
    first_step: u32,
    end_step: u32,
}

fn phrases<'a>(notes: &'a [Note], grid: &Grid) -> Vec<Phrase<'a>> {
    let mut phrases: Vec<Phrase> = Vec::new();
    let (mut first, mut end) = (0, 0);
    for (index, note) in notes.iter().enumerate() {
        end = end.max(note.end);
        let is_last = notes.get(index + 1).is_none_or(|next| next.start.saturating_sub(end) >= grid.quarter());
        if !is_last {
            continue;
        }
        let first_step = grid.nearest_step(notes[first].start);
        let last_onset = grid.nearest_step(note.start);
        let end_step = grid.nearest_step(end).max(last_onset + 1);
        phrases.push(Phrase { notes: &notes[first..=index], end, first_step, end_step });
        first = index + 1;
    }
    phrases
}

fn phrase_steps(phrase: &Phrase, fermatas: &[Tick], grid: &Grid) -> Vec<MelodyStep> {
    let mut steps: Vec<MelodyStep> = Vec::new();
    let beat_of = |step: u32| step.saturating_sub((grid.phase(step).index() % Phase::STEPS_PER_BEAT) as u32);
    // Triplets lie a twelfth of a quarter off the sixteenths; fingers rarely miss by as much as a sixteenth of it.
    let is_off = |note: &Note| note.start.abs_diff(grid.tick(grid.nearest_step(note.start))) > grid.quarter() / 16;
    let off = phrase.notes.iter().filter(|note| is_off(note));
    let triplets: BTreeSet<u32> = off.map(|note| beat_of(grid.nearest_step(note.start))).collect();
    let mut notes = phrase.notes.iter().enumerate().peekable();
    let mut held = phrase.notes[0];
    for step in phrase.first_step..phrase.end_step {
        let boundary = grid.tick(step + 1);
        let mut start = None;
        let mut longest: Option<(Tick, Note)> = None;
        while let Some((index, note)) = notes.next_if(|(_, note)| grid.nearest_step(note.start) <= step) {
            start.get_or_insert(note.start);
            // A note gives way to the next one, even where it is held over it.
            let next = phrase.notes.get(index + 1).map_or(phrase.end, |next| next.start);
            let sounds = next.min(boundary).saturating_sub(note.start);
            if longest.is_none_or(|(length, _)| sounds > length) {
                longest = Some((sounds, *note));
            }
            held = *note;
        }
        // Without an onset the note of before goes on; of several in the step before, the last.
        let chosen = longest.map_or(held, |(_, note)| note);
        let before = steps.last_mut();
        let restruck = longest.is_some() && before.as_ref().is_some_and(|before| before.soprano == chosen.pitch);
        let start = start.unwrap_or_else(|| grid.tick(step));
        if let Some(before) = before {
            before.end = start;
        }
        let Note { pitch: soprano, velocity, .. } = chosen;
        let (phase, fermata) = (grid.phase(step), fermatas.binary_search(&chosen.start).is_ok());
        let in_triplet = longest.is_none() && triplets.contains(&beat_of(step));
        steps.push(MelodyStep { phase, start, end: phrase.end, soprano, velocity, restruck, fermata, in_triplet });
    }
    steps
}

/// How the melody is brought into the range that the networks know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The whole melody by so many octaves up (below zero: down); 0 when it fits as it is.
    Whole(i32),
    /// No octave holds it all: each note by itself.
    NoteByNote,
}

impl Fold {
    pub fn of(steps: &[MelodyStep]) -> Fold {
        Fold::into_range(steps, Part::Soprano.range())
    }

    /// Into the range of those who sing it.
    pub fn into_range(steps: &[MelodyStep], (low, high): (Pitch, Pitch)) -> Fold {
        let fits = |octaves: i32| {
            let inside = |step: &MelodyStep| {
                step.soprano.transposed(12 * octaves).is_some_and(|pitch| (low..=high).contains(&pitch))
            };
            steps.iter().all(inside)
        };
        [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5]
            .into_iter()
            .find(|&octaves| fits(octaves))
            .map_or(Fold::NoteByNote, Fold::Whole)
    }

    /// What to tell the user; nothing when the melody fits as it is.
    pub fn remark(self) -> Option<String> {
        let (low, high) = Part::Soprano.range();
        match self {
            Fold::Whole(0) => None,
            Fold::Whole(octaves) => {
                let many = if octaves.abs() == 1 { "an octave".into() } else { format!("{} octaves", octaves.abs()) };
                let way = if octaves > 0 { "low" } else { "high" };
                Some(format!(
                    "the melody lies too {way} for the network ({low} to {high}): harmonized as if {many} away"
                ))
            }
            Fold::NoteByNote => Some(format!(
                "no octave of the melody fits into what the network knows ({low} to {high}): \
                 notes outside are harmonized as their octave inside"
            )),
        }
    }

    /// The soprano as the network hears it, and by how many octaves it was moved up.
    pub fn apply(self, soprano: Pitch) -> (Token, i32) {
        let whole = match self {
            Fold::Whole(octaves) => soprano.transposed(12 * octaves).and_then(Token::from_pitch).zip(Some(octaves)),
            Fold::NoteByNote => None,
        };
        whole.unwrap_or_else(|| Part::Soprano.fold(soprano))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{Direction, Metre};
    use crate::source::Track;

    fn note(start: Tick, end: Tick, pitch: u8) -> Note {
        Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 80 }
    }

    /// A name, and the notes of each channel.
    type NamedTrack<'a> = (&'a str, &'a [(u8, &'a [Note])]);

    /// 480 ticks a quarter.
    fn file(tracks: &[NamedTrack]) -> Source {
        let track = |(name, lines): &NamedTrack| Track {
            name: Some((*name).to_owned()).filter(|name| !name.is_empty()),
            channels: lines.iter().map(|(channel, notes)| (channel - 1, notes.to_vec())).collect(),
            ..Track::default()
        };
        let tracks = tracks.iter().map(track).collect();
        Source {
            kind: Kind::Midi,
            title: None,
            creators: Vec::new(),
            ticks_per_quarter: 480,
            directions: Vec::new(),
            tracks,
            remarks: Vec::new(),
        }
    }

    fn pitches(file: &Source, choice: Choice) -> Vec<u8> {
        Melody::find(file, &choice).unwrap().notes.iter().map(|note| note.pitch.midi()).collect()
    }

    fn track(asked: &str) -> Choice {
        Choice { track: Some(asked.into()), channel: None }
    }

    fn channel(asked: u8) -> Choice {
        Choice { track: None, channel: Some(asked) }
    }

    #[test]
    fn the_melody_is_the_only_line_else_the_one_named_soprano_else_the_highest() {
        let (high, low) = ([note(0, 480, 79)], [note(0, 480, 67)]);
        assert_eq!(pitches(&file(&[("", &[]), ("Bass", &[(4, &low)])]), Choice::default()), [67]);
        let named = file(&[("Flute", &[(1, &high)]), ("Soprano 1", &[(2, &low)])]);
        assert_eq!(pitches(&named, Choice::default()), [67]);
        assert_eq!(pitches(&file(&[("x", &[(1, &low)]), ("S", &[(2, &low)])]), Choice::default()), [67]);
        let unnamed = file(&[("one", &[(1, &low)]), ("two", &[(2, &high), (10, &[note(0, 9, 99)])])]);
        assert_eq!(pitches(&unnamed, Choice::default()), [79], "drums are no melody, however high their keys");
        let remark = Melody::find(&unnamed, &Choice::default()).unwrap().remarks.remove(0);
        assert_eq!(
            remark,
            "melody: track 2 'two' channel 2; not taken (see --track, --channel): track 1 'one' channel 1"
        );
    }

    #[test]
    fn a_track_is_found_by_number_name_or_part_of_a_name_and_a_channel_by_number() {
        let [first, second, third] = [72, 60, 64].map(|pitch| [note(0, 480, pitch)]);
        let file = file(&[("Violin", &[(1, &first)]), ("Viola", &[(2, &second), (3, &third)]), ("Notes", &[])]);
        assert_eq!(pitches(&file, track("1")), [72]);
        assert_eq!(pitches(&file, track("viola")), [64], "the higher of its two channels");
        assert_eq!(pitches(&file, track("OLIN")), [72]);
        assert_eq!(pitches(&file, channel(2)), [60]);
        let available = "track 1 'Violin' (1 notes, channel 1); track 2 'Viola' (2 notes, channels 2, 3); track 3 'Notes' (no notes)";
        let check = |choice: Choice, expected: &str| {
            let error = Melody::find(&file, &choice).unwrap_err().to_string();
            assert_eq!(error, format!("{expected}{available}"));
        };
        check(track("4"), "no track '4'; there are: ");
        check(track("cello"), "no track 'cello'; there are: ");
        check(track("vio"), "'vio' names several tracks; choose one by number: ");
        check(track("3"), "track 3 holds no notes; there are: ");
        check(channel(9), "no notes on channel 9 of the file; there are: ");
        check(Choice { channel: Some(3), ..track("1") }, "no notes on channel 3 of track 1; there are: ");
        assert_eq!(Melody::find(&self::file(&[("", &[])]), &track("1")), Err(MelodyError::NoNotes));
    }

    #[test]
    fn of_a_track_in_several_parts_the_top_is_the_melody() {
        // A quarter-note tune over a held third, the fingers not quite together.
        let piano = [note(0, 470, 72), note(5, 1900, 64), note(480, 960, 74), note(500, 960, 67), note(960, 1920, 76)];
        assert_eq!(pitches(&file(&[("", &[(1, &piano)])]), Choice::default()), [72, 74, 76]);
        let legato = [note(0, 520, 76), note(480, 1000, 74), note(960, 1440, 72)];
        assert_eq!(pitches(&file(&[("", &[(1, &legato)])]), Choice::default()), [76, 74, 72]);
    }

    /// Start and end tick, pitch and re-strike of every step.
    fn step_list(notes: &[Note]) -> Vec<(Tick, Tick, u8, bool)> {
        let melody = Melody { notes: notes.to_vec(), ..Melody::default() };
        let grid = Grid::new(480, &[(0, Direction::Metre(Metre::FOUR_FOUR))], melody.first_onset());
        let steps = steps(&melody, &grid).unwrap();
        steps.iter().map(|step| (step.start, step.end, step.soprano.midi(), step.restruck)).collect()
    }

    #[test]
    fn a_note_fills_its_steps_and_only_the_same_pitch_again_is_a_restrike() {
        let steps = step_list(&[note(0, 240, 72), note(240, 360, 72), note(360, 480, 74)]);
        assert_eq!(steps, [(0, 120, 72, false), (120, 240, 72, false), (240, 360, 72, true), (360, 480, 74, false)]);
    }

    #[test]
    fn steps_begin_with_onsets_that_lie_off_the_grid() {
        // A triplet of eighths.
        let steps = step_list(&[note(0, 160, 72), note(160, 320, 74), note(320, 480, 76)]);
        assert_eq!(steps, [(0, 160, 72, false), (160, 240, 74, false), (240, 320, 74, false), (320, 480, 76, false)]);
    }

    #[test]
    fn of_notes_faster_than_sixteenths_the_longest_stands_for_the_step() {
        let steps = step_list(&[note(0, 30, 74), note(30, 120, 72), note(120, 180, 74), note(180, 360, 76)]);
        assert_eq!(steps, [(0, 120, 72, false), (120, 240, 74, false), (240, 360, 76, false)]);
    }

    #[test]
    fn a_gap_shorter_than_a_quarter_goes_on_sounding_and_a_longer_one_is_a_rest() {
        let steps = step_list(&[note(480, 500, 72), note(979, 1100, 74), note(1580, 1600, 76)]);
        let expected = [
            (480, 600, 72, false),
            (600, 720, 72, false),
            (720, 840, 72, false),
            (840, 979, 72, false),
            (979, 1100, 74, false),
            (1580, 1600, 76, false),
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn steps_tell_fermatas_and_where_a_beat_is_divided_by_three() {
        let notes = [note(0, 160, 72), note(160, 320, 74), note(320, 480, 76), note(480, 720, 77), note(720, 960, 76)];
        let melody = Melody { notes: notes.to_vec(), fermatas: vec![720], ..Melody::default() };
        let grid = Grid::new(480, &[(0, Direction::Metre(Metre::FOUR_FOUR))], 0);
        let steps = steps(&melody, &grid).unwrap();
        let flags = |flag: fn(&MelodyStep) -> bool| steps.iter().map(|step| u8::from(flag(step))).collect::<Vec<_>>();
        assert_eq!(flags(|step| step.fermata), [0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(flags(|step| step.in_triplet), [0, 0, 1, 0, 0, 0, 0, 0]);
        // Played a little late, a note divides nothing.
        let late = Melody { notes: vec![note(0, 480, 72), note(500, 960, 74)], ..Melody::default() };
        assert!(super::steps(&late, &grid).unwrap().iter().all(|step| !step.in_triplet));
    }

    #[test]
    fn four_parts_are_found_in_chords_on_two_staves() {
        // The alto holds over the soprano's second note; the bass rests under the tenor's last one.
        let upper = [note(0, 480, 67), note(0, 480, 72), note(480, 960, 67), note(480, 720, 74), note(720, 960, 76)];
        let lower = [note(0, 480, 48), note(0, 480, 64), note(480, 720, 47), note(480, 720, 62), note(720, 960, 60)];
        let file = file(&[("Piano", &[(1, &upper), (2, &lower)])]);
        let parts =
            four_parts(&file).unwrap().map(|part| part.iter().map(|note| note.pitch.midi()).collect::<Vec<_>>());
        assert_eq!(parts, [vec![72, 74, 76], vec![67, 67], vec![64, 62, 60], vec![48, 47]]);
        let three = self::file(&[("Piano", &[(1, &upper)]), ("Bass", &[(2, &[note(0, 960, 48)])])]);
        assert!(matches!(four_parts(&three), Err(MelodyError::NotFourParts { .. })));
        let cluster: Vec<Note> = (60..70).map(|pitch| note(0, 480, pitch)).collect();
        assert!(four_parts(&self::file(&[("Organ", &[(1, &cluster)])])).is_err());
    }

    #[test]
    fn words_may_stand_in_a_track_of_their_own() {
        let lyric = |text: &str| Lyric { tick: 0, verse: 1, text: text.as_bytes().to_vec() };
        let mut file = file(&[("Words", &[]), ("Melody", &[(1, &[note(0, 480, 72)])])]);
        file.tracks[0].lyrics = vec![lyric("Nun")];
        let words = |file: &Source| Melody::find(file, &Choice::default()).unwrap().lyrics;
        assert_eq!(words(&file), [lyric("Nun")]);
        file.tracks[1].lyrics = vec![lyric("Lobt")];
        assert_eq!(words(&file), [lyric("Lobt")]);
    }

    #[test]
    fn a_melody_out_of_range_is_moved_by_octaves_as_a_whole_or_else_note_by_note() {
        let fold = |pitches: &[u8]| {
            let step = |&pitch: &u8| MelodyStep {
                phase: Phase::in_bar(0),
                start: 0,
                end: 1,
                soprano: Pitch::new(pitch).unwrap(),
                velocity: 80,
                restruck: false,
                fermata: false,
                in_triplet: false,
            };
            Fold::of(&pitches.iter().map(step).collect::<Vec<_>>())
        };
        assert_eq!(fold(&[60, 81]), Fold::Whole(0));
        assert_eq!(fold(&[48, 55]), Fold::Whole(1));
        assert_eq!(fold(&[90, 96]), Fold::Whole(-2));
        assert_eq!(fold(&[50, 80]), Fold::NoteByNote);
        let apply = |fold: Fold, pitch: u8| {
            let (token, octaves) = fold.apply(Pitch::new(pitch).unwrap());
            (token.pitch().unwrap().midi(), octaves)
        };
        assert_eq!(apply(Fold::Whole(1), 55), (67, 1));
        assert_eq!([apply(Fold::NoteByNote, 50), apply(Fold::NoteByNote, 80)], [(62, 1), (80, 0)]);
    }
}
