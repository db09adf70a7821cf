//! Takes: what was played and what was answered, on disk while it happens.
//!
//! A take is two files. The log is text, one event a line, only ever appended to; [`replay`] plays it again and gives
//! the same messages. The MIDI file has one track a part on the grid of the performance's own beats; it is written
//! anew every second, beside its place, and renamed.
//!
//! ```text
//! performer take 2
//! {"models":[...],"sampling":[...],"session":{...}}
//! 48000 midi 90 48 50
//! 48000 > 0 90 48 50        sent: part, bytes
//! 48000 < 1 91 44 50        sung by a muted part
//! 48310 table 1             the answer table number 1 arrived
//! 60000 control hold 127
//! 72000 stop
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chorale::{Guard, Part, Pitch, Rule};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::worker::Worker;
use files::{Direction, Metre, Note, Score, Tick, smf};
use harmonizer::{Harmonizer, Sampling};
use network::{Model, ModelError};
use session::clock::Time;
use session::control::Control;
use session::{Message, Session, Settings, TableRequest};

pub const FIRST_LINE: &str = "performer take 2";
/// No performance is longer, a machine asleep for a weekend included.
const MOST_HOURS: f64 = 100.0;
const TICKS_PER_QUARTER: u16 = 480;
const TICKS_PER_STEP: u64 = TICKS_PER_QUARTER as u64 / 4;
const STEPS_PER_BAR: u64 = 16;
/// The MIDI file is written anew so often, and the log put on the disk itself. A crash loses no more.
const WRITE_EVERY: Duration = Duration::from_millis(800);
/// Of a take of many hours the writing takes its time: at most this share of all time. The log has what it lacks.
const WRITING_SHARE: u32 = 20;

/// What a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionInput {
    Midi {
        bytes: [u8; 3],
        length: u8,
    },
    /// The answer table of this number.
    Table(u64),
    /// The one of the same number for the present step, over another bass.
    PresentTable(u64),
    Control(Control, u8),
    InputLost,
    OutputRegained,
    MessagesLost,
    Stop,
}

impl SessionInput {
    /// `None` for messages that no session looks at: empty ones and those longer than three bytes.
    pub fn midi(message: &[u8]) -> Option<SessionInput> {
        let mut bytes = [0; 3];
        bytes.get_mut(..message.len()).filter(|bytes| !bytes.is_empty())?.copy_from_slice(message);
        Some(SessionInput::Midi { bytes, length: message.len() as u8 })
    }
}

/// Something that happened in a performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeEvent {
    Input(Time, SessionInput),
    Sent(Message),
    /// The step at this position began.
    Step {
        at: Time,
        position: u64,
    },
}

/// All that a performance depends on, apart from what is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeHeader {
    /// The network, and the second one if there was one.
    pub models: Vec<ModelIdentity>,
    /// By the place in `models`.
    pub sampling: Vec<SamplingRecord>,
    pub session: Settings,
}

impl TakeHeader {
    /// Whether all values are some that a performance can have.
    fn check(&self) -> Result<(), String> {
        if self.models.len() != self.sampling.len() {
            return Err(format!("{} networks, but {} samplings", self.models.len(), self.sampling.len()));
        }
        let is_weight = |weight: &f32| (-1000.0..=1000.0).contains(weight);
        for SamplingRecord { temperature, min_p, guard, .. } in &self.sampling {
            if !(0.0..=10.0).contains(temperature) || !(0.0..=1.0).contains(min_p) || !guard.values().all(is_weight) {
                return Err("a sampling's temperature, min_p or weights are out of bounds".into());
            }
        }
        self.session.check()
    }
}

/// Which network it was: as the user named it, and a number that another network will hardly have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    pub name: String,
    pub fingerprint: String,
}

impl ModelIdentity {
    /// The fingerprint is taken of the metadata (training command, commit, epoch, scores).
    pub fn new(name: &str, model: &Model) -> ModelIdentity {
        let mut entries: Vec<_> = model.metadata.iter().collect();
        entries.sort();
        let text = entries.into_iter().flat_map(|(key, value)| [key.as_bytes(), b"=", value.as_bytes(), b"\n"]);
        // FNV-1a.
        let hash = text
            .flatten()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        ModelIdentity { name: name.to_owned(), fingerprint: format!("{hash:016x}") }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingRecord {
    pub temperature: f32,
    pub min_p: f32,
    pub seed: u64,
    /// The guard's weights of the rules, by name.
    pub guard: BTreeMap<String, f32>,
}

impl From<Sampling> for SamplingRecord {
    fn from(sampling: Sampling) -> SamplingRecord {
        let Sampling { temperature, min_p, seed, guard } = sampling;
        let weights = Rule::ALL.into_iter().map(|rule| (rule.name().to_owned(), guard.weights[rule.index()]));
        SamplingRecord { temperature, min_p, seed, guard: weights.collect() }
    }
}

impl From<&SamplingRecord> for Sampling {
    fn from(record: &SamplingRecord) -> Sampling {
        let mut guard = Guard::OFF;
        for rule in Rule::ALL {
            guard.weights[rule.index()] = record.guard.get(rule.name()).copied().unwrap_or(0.0);
        }
        Sampling { temperature: record.temperature, min_p: record.min_p, seed: record.seed, guard }
    }
}

/// Writes a take. No file is made before the first note: a performance in which nothing is played leaves nothing.
pub struct Recorder {
    log_path: PathBuf,
    score_path: PathBuf,
    models: Vec<ModelIdentity>,
    sampling: Vec<SamplingRecord>,
    log: Option<File>,
    /// Lines not yet written.
    lines: Vec<u8>,
    score: TakeScore,
    /// Units of time in a second, once an event has come.
    rate: f64,
    is_score_new: bool,
    /// When the MIDI file was written last, and how long that took.
    written: Instant,
    writing: Duration,
}

impl Recorder {
    /// A take in `folder`, named by the present moment (UTC). The folder is made if it is missing. The networks come
    /// with how each draws, the one that begins first.
    ///
    /// # Errors
    /// When the folder can't be made, is none, or can't be written.
    pub fn new(folder: &Path, models: Vec<(ModelIdentity, Sampling)>) -> io::Result<Recorder> {
        fs::create_dir_all(folder)?;
        tempfile::tempfile_in(folder)?; // better told now than at the first note
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let name = moment_name(seconds);
        // Two performances begun in one second both keep their takes.
        let base = (1..)
            .map(|number| folder.join(if number == 1 { name.clone() } else { format!("{name}-{number}") }))
            .find(|base| !base.with_extension("log").exists() && !base.with_extension("mid").exists())
            .unwrap_or_else(|| folder.join(&name));
        Ok(Recorder {
            log_path: base.with_extension("log"),
            score_path: base.with_extension("mid"),
            sampling: models.iter().map(|(_, sampling)| (*sampling).into()).collect(),
            models: models.into_iter().map(|(model, _)| model).collect(),
            log: None,
            lines: Vec::new(),
            score: TakeScore::default(),
            rate: 1.0,
            is_score_new: false,
            written: Instant::now(),
            writing: Duration::ZERO,
        })
    }

    /// The log and the MIDI file; they are there once something was played.
    pub fn paths(&self) -> (PathBuf, PathBuf) {
        (self.log_path.clone(), self.score_path.clone())
    }

    /// Takes note of an event. `session` is what the performance was begun with.
    ///
    /// # Errors
    /// When the log can't be made.
    pub fn event(&mut self, session: &Settings, event: &TakeEvent) -> io::Result<()> {
        self.rate = session.clock.rate;
        self.score.event(event);
        if let Some(line) = line(event) {
            self.lines.extend_from_slice(line.as_bytes());
        }
        if matches!(event, TakeEvent::Sent(message) if message.is_note_on()) {
            self.is_score_new = true;
            if self.log.is_none() {
                let header =
                    TakeHeader { models: self.models.clone(), sampling: self.sampling.clone(), session: *session };
                let mut log = File::create_new(&self.log_path).map_err(|error| named(error, &self.log_path))?;
                writeln!(log, "{FIRST_LINE}\n{}", serde_json::to_string(&header)?)?;
                self.log = Some(log);
            }
        }
        Ok(())
    }

    /// Hands what was noted to the system, and writes the MIDI file when its time has come or this is the end.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn flush(&mut self, is_last: bool) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        log.write_all(&self.lines).map_err(|error| named(error, &self.log_path))?;
        self.lines.clear();
        let pause = WRITE_EVERY.max(WRITING_SHARE * self.writing);
        if is_last || (self.is_score_new && self.written.elapsed() >= pause) {
            self.is_score_new = false;
            let begun = Instant::now();
            files::write_whole(&self.score_path, &smf::write(&self.score.score(self.rate)))?;
            log.sync_data().map_err(|error| named(error, &self.log_path))?;
            self.written = Instant::now();
            self.writing = self.written - begun;
        }
        Ok(())
    }
}

fn named(error: io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// For example `take-2026-11-23-221504`.
fn moment_name(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 1970 into a date of the Gregorian calendar, counting years from March
    // (http://howardhinnant.github.io/date_algorithms.html#civil_from_days).
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("take-{:04}-{month:02}-{day:02}-{hour:02}{minute:02}{second:02}", year + 400 * era)
}

fn line(event: &TakeEvent) -> Option<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
    Some(match event {
        TakeEvent::Input(at, SessionInput::Midi { bytes, length }) => {
            format!("{at} midi{}\n", hex(&bytes[..usize::from(*length).min(3)]))
        }
        TakeEvent::Input(at, SessionInput::Table(number)) => format!("{at} table {number}\n"),
        TakeEvent::Input(at, SessionInput::PresentTable(number)) => format!("{at} present-table {number}\n"),
        TakeEvent::Input(at, SessionInput::Control(control, value)) => {
            format!("{at} control {} {value}\n", control.name())
        }
        TakeEvent::Input(at, SessionInput::InputLost) => format!("{at} input-lost\n"),
        TakeEvent::Input(at, SessionInput::OutputRegained) => format!("{at} output-regained\n"),
        TakeEvent::Input(at, SessionInput::MessagesLost) => format!("{at} messages-lost\n"),
        TakeEvent::Input(at, SessionInput::Stop) => format!("{at} stop\n"),
        TakeEvent::Sent(message) => sent_line(message),
        // Follows from the rest.
        TakeEvent::Step { .. } => return None,
    })
}

fn sent_line(message: &Message) -> String {
    let bytes: String = message.bytes().iter().map(|byte| format!(" {byte:02x}")).collect();
    format!("{} {} {}{bytes}\n", message.at, if message.is_heard { '>' } else { '<' }, message.part.index())
}

/// Why a text is no log of a take. Lines count from 1.
#[derive(Debug, Error)]
pub enum LogError {
    #[error("not a take: the first line should be '{FIRST_LINE}', not '{found}'")]
    NotATake { found: String },
    #[error("line 2: the take's settings can't be read: {0}")]
    TakeHeader(String),
    #[error("line {line}: more than {MOST_HOURS} hours after the first event, which is taken for a damaged file")]
    TooLong { line: usize },
    #[error("line {line}: '{text}' is no event")]
    TakeEvent { line: usize, text: String },
    #[error(
        "line {line}: the answer table {number} was never asked for; the log was changed, or is of another version"
    )]
    Table { line: usize, number: u64 },
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A take as its log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    pub header: TakeHeader,
    /// Inputs with their moments and lines.
    inputs: Vec<(usize, Time, SessionInput)>,
    /// What was sent then, in the form of the log.
    pub sent: String,
}

/// Reads a log. A last line that breaks off, as a crash leaves it, is passed over.
///
/// # Errors
/// The first line that is no event.
pub fn read(text: &str) -> Result<Take, LogError> {
    let short = |text: &str| text.chars().take(60).collect::<String>();
    let mut lines = text.split_inclusive('\n').zip(1..);
    let first = lines.next().map_or("", |(line, _)| line).trim_end();
    if first != FIRST_LINE {
        return Err(LogError::NotATake { found: short(first) });
    }
    let header = lines.next().map_or("", |(line, _)| line);
    let header: TakeHeader = serde_json::from_str(header).map_err(|error| LogError::TakeHeader(error.to_string()))?;
    header.check().map_err(LogError::TakeHeader)?;
    let longest = (header.session.clock.rate * 3600.0 * MOST_HOURS) as Time;
    let mut take = Take { header, inputs: Vec::new(), sent: String::new() };
    for (text, line) in lines.filter(|(text, _)| text.ends_with('\n')) {
        let malformed = || LogError::TakeEvent { line, text: short(text.trim_end()) };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (at, kind, rest) = match words[..] {
            [at, kind, ref rest @ ..] => (at.parse().map_err(|_| malformed())?, kind, rest),
            _ => return Err(malformed()),
        };
        if matches!(kind, ">" | "<") {
            take.sent += text;
            continue;
        }
        let begun = take.inputs.first().map_or(at, |&(_, begun, _)| begun);
        if at.saturating_sub(begun) > longest {
            return Err(LogError::TooLong { line });
        }
        let input = input(kind, rest).ok_or_else(malformed)?;
        take.inputs.push((line, at, input));
    }
    Ok(take)
}

fn input(kind: &str, rest: &[&str]) -> Option<SessionInput> {
    match (kind, rest) {
        ("midi", bytes) => {
            let bytes: Option<Vec<u8>> = bytes.iter().map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
            SessionInput::midi(&bytes?)
        }
        ("table", [number]) => number.parse().ok().map(SessionInput::Table),
        ("present-table", [number]) => number.parse().ok().map(SessionInput::PresentTable),
        ("control", [name, value]) => {
            let control = Control::try_from((*name).to_owned()).ok()?;
            value.parse().ok().filter(|value| *value < 128).map(|value| SessionInput::Control(control, value))
        }
        ("input-lost", []) => Some(SessionInput::InputLost),
        ("output-regained", []) => Some(SessionInput::OutputRegained),
        ("messages-lost", []) => Some(SessionInput::MessagesLost),
        ("stop", []) => Some(SessionInput::Stop),
        _ => None,
    }
}

/// What a take gives when it is played again.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// What is sent, in the form of the log.
    pub sent: String,
    /// The take's MIDI file.
    pub score: Score,
}

/// Plays a take again with the same networks: the same moments, the same answer tables at the same times.
///
/// # Errors
/// When a table arrives in the log that nothing asked for, or when tract fails.
pub fn replay(take: &Take, first: Harmonizer, second: Option<Harmonizer>) -> Result<Replayed, LogError> {
    let settings = take.header.session;
    let mut replaying = Replaying {
        session: Session::new(settings),
        score: TakeScore::default(),
        sent: String::new(),
        reports: Vec::new(),
    };
    let (mut worker, first_table) = Worker::new(first, second, settings.first_phase())?;
    // The number of the last report that the worker was told.
    let mut followed = 0;
    for &(line, at, input) in &take.inputs {
        // Step by step, so that no report is lost in a queue.
        while let Some(due) = replaying.session.due().filter(|&due| due <= at) {
            replaying.session.advance(due);
            replaying.collect();
        }
        let session = &mut replaying.session;
        match input {
            SessionInput::Midi { bytes, length } => drop(session.midi(at, &bytes[..usize::from(length).min(3)])),
            SessionInput::Control(control, value) => session.control(at, control, value),
            SessionInput::InputLost => session.input_lost(at),
            SessionInput::OutputRegained => session.output_regained(at),
            SessionInput::MessagesLost => session.messages_lost(at),
            SessionInput::Stop => session.stop(at),
            SessionInput::Table(0) => session.table(at, &first_table),
            SessionInput::Table(number) | SessionInput::PresentTable(number) => {
                let asked = replaying.reports.iter().position(|report| report.number == number);
                if asked.is_none() && followed != number {
                    return Err(LogError::Table { line, number });
                }
                for report in replaying.reports.drain(..asked.map_or(0, |asked| asked + 1)) {
                    worker.follow(&report)?;
                }
                followed = number;
                let is_present = matches!(input, SessionInput::PresentTable(_));
                let table = if is_present { worker.present_table()? } else { worker.table()? };
                if let Some(table) = table {
                    session.table(at, &table);
                }
            }
        }
        replaying.collect();
    }
    let score = replaying.score.score(settings.clock.rate);
    Ok(Replayed { sent: replaying.sent, score })
}

struct Replaying {
    session: Session,
    score: TakeScore,
    sent: String,
    reports: Vec<TableRequest>,
}

impl Replaying {
    fn collect(&mut self) {
        while let Some(message) = self.session.next_message() {
            self.sent += &sent_line(&message);
            self.score.sent(&message);
            self.session.sent();
        }
        self.reports.extend(std::iter::from_fn(|| self.session.next_request()));
        while let Some((at, position)) = self.session.next_step_begun() {
            self.score.step(at, position);
        }
    }
}

/// The notes of a take and the steps that they fell on.
#[derive(Clone, Debug, Default)]
struct TakeScore {
    /// When each step began, and its position; both ascend.
    steps: Vec<(Time, u64)>,
    notes: [Vec<TakenNote>; 4],
    /// The note that each part is singing.
    open: [Option<TakenNote>; 4],
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct TakenNote {
    start: Time,
    end: Time,
    pitch: Pitch,
    velocity: u8,
}

impl TakeScore {
    fn event(&mut self, event: &TakeEvent) {
        match *event {
            TakeEvent::Step { at, position } => self.step(at, position),
            TakeEvent::Sent(message) => self.sent(&message),
            TakeEvent::Input(..) => {}
        }
    }

    fn step(&mut self, at: Time, position: u64) {
        // A follower that had run ahead goes back to where the player is.
        while self.steps.last().is_some_and(|&(_, last)| (position..position + STEPS_PER_BAR).contains(&last)) {
            self.steps.pop();
        }
        if self.steps.last().is_none_or(|&(before, _)| before < at) {
            self.steps.push((at, position));
        }
    }

    fn sent(&mut self, message: &Message) {
        let part = message.part.index();
        let [status, key, velocity] = *message.bytes() else { return };
        let is_on = status & 0xf0 == 0x90;
        if message.is_through || !is_on && status & 0xf0 != 0x80 {
            return;
        }
        if let Some(note) = self.open[part].filter(|note| is_on || note.pitch.midi() == key) {
            self.open[part] = None;
            self.notes[part].push(TakenNote { end: message.at, ..note });
        }
        if let Some(pitch) = Pitch::new(key).filter(|_| is_on) {
            self.open[part] = Some(TakenNote { start: message.at, end: message.at, pitch, velocity });
        }
    }

    /// `rate`: units of time in a second.
    fn score(&self, rate: f64) -> Score {
        let grid = self.grid(rate);
        let mut score = Score {
            ticks_per_quarter: TICKS_PER_QUARTER,
            directions: vec![(0, Direction::Metre(Metre::FOUR_FOUR))],
            ..Score::default()
        };
        score.directions.extend(grid.tempi(rate));
        for part in Part::ALL {
            let last = self.open[part.index()].map(|note| TakenNote { end: grid.end.max(note.start), ..note });
            let mut free_from = 0;
            for note in self.notes[part.index()].iter().chain(&last) {
                let start = grid.tick(note.start).max(free_from);
                let end = grid.tick(note.end).max(start + 1);
                free_from = end;
                score.parts[part.index()].push(Note { start, end, pitch: note.pitch, velocity: note.velocity });
            }
        }
        score
    }

    /// Lays the steps on bars. Where the time stood still or jumped, whole bars are filled in, so that bar lines stay
    /// where they were heard.
    fn grid(&self, rate: f64) -> TakeGrid {
        let mut points: Vec<(Time, u64)> = Vec::with_capacity(self.steps.len());
        let mut length = rate / 5.0; // a sixteenth, until one is known
        for &(at, position) in &self.steps {
            let Some(&(before, step)) = points.last() else {
                points.push((at, position % STEPS_PER_BAR));
                continue;
            };
            let passed = (at - before) as f64 / length;
            let least = (passed.round() as u64).saturating_sub(STEPS_PER_BAR / 2).max(1);
            let to_position = (position + STEPS_PER_BAR - (step + least) % STEPS_PER_BAR) % STEPS_PER_BAR;
            let steps = least + to_position;
            length = (at - before) as f64 / steps as f64;
            points.push((at, step + steps));
        }
        let last_note = self.notes.iter().flatten().map(|note| note.end).max().unwrap_or(0);
        let last_open = self.open.iter().flatten().map(|note| note.start).max().unwrap_or(0);
        let last_step = points.last().map_or(0, |&(at, _)| at + length as Time);
        TakeGrid { points, length, end: last_note.max(last_open).max(last_step) }
    }
}

/// Moments and the steps, counted from a bar line, that begin there.
struct TakeGrid {
    points: Vec<(Time, u64)>,
    /// Of a sixteenth after the last point.
    length: f64,
    end: Time,
}

impl TakeGrid {
    fn tick(&self, at: Time) -> Tick {
        let index = self.points.partition_point(|&(point, _)| point <= at);
        let Some(&(before, step)) = index.checked_sub(1).and_then(|index| self.points.get(index)) else {
            return self.points.first().map_or(0, |&(_, step)| (step * TICKS_PER_STEP) as Tick);
        };
        let ticks = match self.points.get(index) {
            Some(&(after, next)) => {
                (at - before) as f64 / (after - before) as f64 * ((next - step) * TICKS_PER_STEP) as f64
            }
            None => (at - before) as f64 / self.length * TICKS_PER_STEP as f64,
        };
        (step * TICKS_PER_STEP + ticks.round() as u64).min(u64::from(Tick::MAX >> 5)) as Tick
    }

    /// A tempo wherever it changes by more than a thousandth.
    fn tempi(&self, rate: f64) -> Vec<(Tick, Direction)> {
        let mut tempi: Vec<(Tick, Direction)> = Vec::new();
        let mut last = 0.0;
        for pair in self.points.windows(2) {
            let [(at, step), (after, next)] = pair else { continue };
            let quarter = 4e6 * (after - at) as f64 / rate / (next - step) as f64;
            if (quarter / last - 1.0_f64).abs() > 1e-3 {
                last = quarter;
                let tick = if tempi.is_empty() { 0 } else { (step * TICKS_PER_STEP) as Tick };
                tempi.push((tick, Direction::Tempo(quarter.round().clamp(1.0, 16_777_215.0) as u32)));
            }
        }
        tempi
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use session::clock::{self, ClockSource};
    use session::{Below, KeyboardSplit};

    fn settings() -> Settings {
        Settings::new(clock::Settings { source: ClockSource::Internal, rate: 1000.0, tempo: 60.0, first: 0 })
    }

    fn harmonizer() -> Harmonizer {
        Harmonizer::new(Arc::new(Model::wavenet().unwrap()), sampling())
    }

    fn sampling() -> Sampling {
        Sampling { seed: 3, ..Sampling::default() }
    }

    /// A performance in which every third table comes late, and what it sent.
    fn perform(recorder: &mut Recorder) -> String {
        let settings = settings();
        let mut session = Session::new(settings);
        let (mut worker, first) = Worker::new(harmonizer(), None, settings.first_phase()).unwrap();
        let mut sent = String::new();
        let (mut tables, mut last_arrival) = (vec![(0, first)], 0);
        let keys = [67, 69, 71, 72, 71, 69, 67, 66, 67];
        for now in 0..6000 {
            while let Some(place) = tables.iter().position(|(at, _)| *at <= now) {
                let (_, table) = tables.remove(place);
                recorder.event(&settings, &TakeEvent::Input(now, SessionInput::Table(table.number))).unwrap();
                session.table(now, &table);
            }
            let (note, key) = ((now / 600) as usize, |note: usize| keys[note % keys.len()]);
            let message = match now % 600 {
                10 => Some([0x90, key(note), 80]),
                520 => Some([0x80, key(note), 0]),
                _ => None,
            };
            if let Some(bytes) = message {
                recorder.event(&settings, &TakeEvent::Input(now, SessionInput::midi(&bytes).unwrap())).unwrap();
                session.midi(now, &bytes);
            }
            if now == 2000 || now == 2900 {
                let value = if now == 2000 { 127 } else { 0 };
                let control = Control::Freeze(Part::Bass);
                recorder.event(&settings, &TakeEvent::Input(now, SessionInput::Control(control, value))).unwrap();
                session.control(now, control, value);
            }
            if now == 5999 {
                recorder.event(&settings, &TakeEvent::Input(now, SessionInput::Stop)).unwrap();
                session.stop(now);
            }
            session.advance(now);
            while let Some(message) = session.next_message() {
                recorder.event(&settings, &TakeEvent::Sent(message)).unwrap();
                sent += &sent_line(&message);
                session.sent();
            }
            while let Some((at, position)) = session.next_step_begun() {
                recorder.event(&settings, &TakeEvent::Step { at, position }).unwrap();
            }
            let mut is_new = false;
            while let Some(report) = session.next_request() {
                worker.follow(&report).unwrap();
                is_new = true;
            }
            if is_new {
                let table = worker.table().unwrap().unwrap();
                // One worker gives one table after the other.
                let delay = if table.number % 3 == 0 { 400 } else { 2 };
                last_arrival = last_arrival.max(now + delay);
                tables.push((last_arrival, table));
            }
        }
        assert!(session.counts().missed > 0, "some tables came late");
        sent
    }

    #[test]
    fn a_take_played_again_gives_the_same_messages_and_the_same_midi_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
        let sent = perform(&mut recorder);
        recorder.flush(true).unwrap();
        let (log, score) = recorder.paths();
        let take = read(&fs::read_to_string(log).unwrap()).unwrap();
        assert_eq!(take.header.session, settings());
        let replayed = replay(&take, harmonizer(), None).unwrap();
        assert_eq!(replayed.sent, sent);
        assert_eq!(take.sent, sent);
        assert_eq!(smf::write(&replayed.score), fs::read(score).unwrap());
        assert!(replayed.score.parts.iter().all(|notes| notes.len() > 5), "{:?}", replayed.score);
    }

    #[test]
    fn a_take_over_a_given_bass_is_played_again_as_it_was_and_keys_passed_on_are_no_bass() {
        for below in [Below::Bass, Below::Through] {
            let folder = tempfile::tempdir().unwrap();
            let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
            let mut settings = settings();
            settings.split = Some(KeyboardSplit { key: 60, channel: 4, below });
            let mut keys = vec![(40, 0x90, 43), (1300, 0x90, 41), (1310, 0x80, 43), (2900, 0x80, 41)];
            keys.extend(
                [67, 69, 71, 72]
                    .iter()
                    .zip(0..)
                    .flat_map(|(&key, number)| [(10 + 800 * number, 0x90, key), (700 + 800 * number, 0x80, key)]),
            );
            let sent = perform_keys(&mut recorder, settings, &keys);
            recorder.flush(true).unwrap();
            let (log, score) = recorder.paths();
            let text = fs::read_to_string(log).unwrap();
            let take = read(&text).unwrap();
            assert_eq!(take.sent, sent);
            let replayed = replay(&take, harmonizer(), None).unwrap();
            assert_eq!(replayed.sent, sent);
            assert_eq!(smf::write(&replayed.score), fs::read(score).unwrap());
            let bass = &replayed.score.parts[Part::Bass.index()];
            let has_low_f = bass.iter().any(|note| note.pitch.midi() == 41 && note.end - note.start > 700);
            assert_eq!(has_low_f, below == Below::Bass, "{bass:?}");
            assert_eq!(text.contains("present-table"), below == Below::Bass);
        }
    }

    /// Plays keys (moment, status, key) to a session whose worker takes three units of time for its tables.
    fn perform_keys(recorder: &mut Recorder, settings: Settings, keys: &[(Time, u8, u8)]) -> String {
        let mut session = Session::new(settings);
        let (mut worker, first) = Worker::new(harmonizer(), None, settings.first_phase()).unwrap();
        let mut sent = String::new();
        let mut tables = vec![(0, first)];
        for now in 0..4000 {
            for (_, table) in tables.extract_if(.., |(at, _)| *at <= now) {
                let number = table.number;
                let input =
                    if table.is_present { SessionInput::PresentTable(number) } else { SessionInput::Table(number) };
                recorder.event(&settings, &TakeEvent::Input(now, input)).unwrap();
                session.table(now, &table);
            }
            for &(_, status, key) in keys.iter().filter(|(at, ..)| *at == now) {
                recorder
                    .event(&settings, &TakeEvent::Input(now, SessionInput::midi(&[status, key, 80]).unwrap()))
                    .unwrap();
                session.midi(now, &[status, key, 80]);
            }
            if now == 3999 {
                recorder.event(&settings, &TakeEvent::Input(now, SessionInput::Stop)).unwrap();
                session.stop(now);
            }
            session.advance(now);
            while let Some(message) = session.next_message() {
                recorder.event(&settings, &TakeEvent::Sent(message)).unwrap();
                sent += &sent_line(&message);
                session.sent();
            }
            while let Some((at, position)) = session.next_step_begun() {
                recorder.event(&settings, &TakeEvent::Step { at, position }).unwrap();
            }
            let mut is_new = false;
            while let Some(report) = session.next_request() {
                worker.follow(&report).unwrap();
                is_new = true;
            }
            if is_new {
                let new = [worker.present_table().unwrap(), worker.table().unwrap()];
                tables.extend(new.into_iter().flatten().map(|table| (now + 3, table)));
            }
        }
        sent
    }

    #[test]
    fn a_log_that_breaks_off_is_read_up_to_its_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
        perform(&mut recorder);
        recorder.flush(false).unwrap();
        let text = fs::read_to_string(recorder.paths().0).unwrap();
        let header = text.match_indices('\n').nth(1).unwrap().0 + 1;
        for cut in (header..text.len()).step_by(97) {
            let take = read(&text[..cut]).unwrap();
            assert!(text.contains(&take.sent.lines().last().unwrap_or_default().to_owned()));
        }
    }

    #[test]
    fn each_unusable_log_is_told_where_and_why() {
        let models = vec![ModelIdentity { name: "wavenet".into(), fingerprint: "0".into() }];
        let header =
            serde_json::to_string(&TakeHeader { models, sampling: vec![sampling().into()], session: settings() });
        let log = |event: &str| format!("{FIRST_LINE}\n{}\n5 midi 90 48 50\n{event}\n", header.as_ref().unwrap());
        let check = |text: &str, expected: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check("MThd", "not a take: the first line should be 'performer take 2', not 'MThd'");
        check("performer take 2\n{}\n", "line 2: ");
        for event in ["x midi 90", "7", "7 midi 9x 1 2", "7 midi 90 1 2 3", "7 control volume 3", "7 control hold 200"]
        {
            check(&log(event), &format!("line 4: '{event}' is no event"));
        }
        check(&log(&format!("{} stop", 101 * 3600 * 1000)), "line 4: more than 100 hours after the first event");
        let whole = log("9 stop");
        assert!(read(&whole).is_ok());
        for (name, wrong) in [
            ("tempo", "0.0"),
            ("tempo", "-60.0"),
            ("rate", "0.0"),
            ("rate", "1e300"),
            ("first", "16"),
            ("channel", "16"),
            ("velocity", "-1.0"),
            ("octave", "11"),
            ("temperature", "-1.0"),
            ("min_p", "7"),
            ("crossing", "1e30"),
        ] {
            let (before, after) = whole.split_once(&format!("\"{name}\":")).unwrap();
            let after = after.trim_start_matches(|character| !matches!(character, ',' | '}'));
            let changed = format!("{before}\"{name}\":{wrong}{after}");
            check(&changed, "line 2: the take's settings can't be read: ");
        }
        let take = read(&log("9 table 77")).unwrap();
        let error = replay(&take, harmonizer(), None).unwrap_err().to_string();
        assert!(error.starts_with("line 4: the answer table 77"), "{error}");
    }

    #[test]
    fn a_performance_without_a_note_leaves_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(&folder.path().join("takes"), Vec::new()).unwrap();
        recorder.event(&settings(), &TakeEvent::Input(5, SessionInput::Table(0))).unwrap();
        recorder.flush(true).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("takes")).unwrap().count(), 0);
    }

    #[test]
    fn takes_are_named_by_date_and_time() {
        assert_eq!(moment_name(0), "take-1970-01-01-000000");
        assert_eq!(moment_name(951_827_696), "take-2000-02-29-123456");
        assert_eq!(moment_name(1_795_472_104), "take-2026-11-23-221504");
    }

    #[test]
    fn pauses_become_whole_bars_and_a_followers_step_back_is_taken_back() {
        let mut score = TakeScore::default();
        for (at, position) in [(0, 12), (100, 13), (200, 14), (300, 15), (400, 16), (10_000, 17)] {
            score.step(at, position);
        }
        let steps: Vec<u64> = score.grid(1000.0).points.iter().map(|&(_, step)| step).collect();
        assert_eq!(steps[..5], [12, 13, 14, 15, 16]);
        assert!(steps[5] > 80 && steps[5] % 16 == 1, "{steps:?}");
        score.step(10_100, 18);
        score.step(10_150, 17);
        assert_eq!(score.steps.last(), Some(&(10_150, 17)));
        assert_eq!(score.steps.len(), 6);
    }
}
