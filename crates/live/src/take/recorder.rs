//! Writes a take while it is played.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use files::smf;
use harmonizer::Sampling;
use session::{MessageKind, Settings, Time};

use super::log::{FIRST_LINE, LOST, ModelIdentity, SamplingRecord, TakeEvent, TakeHeader, line};
use super::score::TakeScore;

/// The MIDI file is written anew so often, and the log put on the disk itself. A crash loses no more.
const WRITE_EVERY: Duration = Duration::from_millis(800);
/// Of a take of many hours the writing takes its time: at most this share of all time. The log has what it lacks.
const WRITING_SHARE: u32 = 20;

/// Writes a take. No file is made before the first note: a performance in which nothing is played leaves nothing.
pub struct Recorder {
    log_path: PathBuf,
    score_path: PathBuf,
    models: Vec<ModelIdentity>,
    sampling: Vec<SamplingRecord>,
    log: Option<File>,
    /// Lines not yet written, and the moment of the last event noted.
    lines: Vec<u8>,
    noted: Time,
    score: TakeScore,
    /// What the performance was begun with, once an event has come.
    session: Option<Settings>,
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
        // Two programs begun in one second both keep their takes, and make their files only later.
        let name = format!("{}-{}", moment_name(seconds), std::process::id());
        // And so do two performances of one program.
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
            noted: 0,
            score: TakeScore::default(),
            session: None,
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
        self.session = Some(*session);
        match *event {
            TakeEvent::Step(step) => self.score.step(step),
            TakeEvent::Sent(message) => self.score.sent(&message),
            TakeEvent::Input(at, _) => self.noted = at,
        }
        if let Some(line) = line(event) {
            self.lines.extend_from_slice(line.as_bytes());
        }
        if matches!(event, TakeEvent::Sent(message) if message.is_note_on() && message.kind != MessageKind::Click) {
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

    /// Takes note that so many events never came here, since the one noted last.
    pub fn lost(&mut self, count: u64) {
        self.lines.extend_from_slice(format!("{} {LOST} {count}\n", self.noted).as_bytes());
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
        if let Some(session) = &self.session
            && (is_last || (self.is_score_new && self.written.elapsed() >= pause))
        {
            self.is_score_new = false;
            let begun = Instant::now();
            files::write_whole(&self.score_path, &smf::write(&self.score.score(session)))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_are_named_by_date_and_time() {
        assert_eq!(moment_name(0), "take-1970-01-01-000000");
        assert_eq!(moment_name(951_827_696), "take-2000-02-29-123456");
        assert_eq!(moment_name(1_795_472_104), "take-2026-11-23-221504");
    }
}
