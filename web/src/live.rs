//! Live playing in a page: a session and the worker that fills its tables, on one thread.
//!
//! What is played is answered by [`Live::midi`] from a table that is ready; the table after it is worked out by
//! [`Live::work`], when the answer is on its way already.

use std::sync::Arc;

use chorale::{Guard, Part, Pitch};
use harmonizer::{Harmonizer, Purpose, Sampling};
use live::{Naming, Worker};
use network::{Model, ModelError};
use serde::{Deserialize, Serialize};
use session::clock::{self, Time};
use session::config::Config;
use session::control::{self, Control, Overrides};
use session::{Message, Release, Session, Settings, TableRequest};
use thiserror::Error;

/// Units of a session's time in a millisecond, which is what pages count in.
const PER_MILLISECOND: f64 = 1000.0;
/// Beats a minute where nothing is said.
const TEMPO: f64 = 80.0;

/// Why nothing can be played.
#[derive(Debug, Error)]
pub enum LiveError {
    #[error("{0}")]
    Settings(String),
    #[error("the network gave no answer: {0}")]
    Model(#[from] ModelError),
}

/// How a performance is set up: what a settings file may say, and how the network answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LiveSettings {
    pub config: Config,
    /// Sixteenths of the bar before the first key: 0 when it is a downbeat.
    pub first: u64,
    /// How bold the harmony is, 0 to 10.
    pub temperature: Option<f32>,
    pub seed: Option<u64>,
    /// Whether rules of part-writing are left out.
    pub no_guard: bool,
    /// A value as the control `density` takes it.
    pub density: Option<u8>,
}

/// What a call brought.
#[derive(Debug, Default, Serialize)]
pub struct Reply {
    /// Messages to send, at once where their time is over: milliseconds and one to three bytes.
    pub messages: Vec<Sent>,
    /// When [`Live::advance`] next has something to do, in milliseconds.
    pub next: Option<f64>,
    /// Whether a table is wanted from [`Live::work`].
    pub works: bool,
    /// How things stand, where that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// A MIDI message: when it is to sound, in milliseconds, and its bytes; 0 for those that it doesn't have.
pub type Sent = (f64, u8, u8, u8);

/// How a performance stands. Of the parts from the soprano down.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    pub running: bool,
    /// MIDI numbers as they sing, heard or muted; null at rest.
    pub sounding: [Option<u8>; 4],
    pub names: [Option<String>; 4],
    pub chord: Option<String>,
    pub numeral: Option<String>,
    /// As it is heard or was told, such as `Eb major`, and its sharps; below zero, flats.
    pub key: Option<String>,
    pub fifths: i8,
    #[serde(rename = "keyIsTold")]
    pub key_is_told: bool,
    /// Beats a minute.
    pub tempo: f64,
    pub metre: String,
    /// From 1; no bar where nobody knows where bars begin.
    pub bar: Option<u64>,
    pub beat: u64,
    /// Fourth of the beat, 0 to 3.
    pub step: u64,
    /// Steps from beat 0 to the present one, four of each beat.
    pub position: u64,
    /// Sixteenths of the music from there: six of a dotted beat.
    pub sixteenth: u64,
    /// The beat that is being counted in.
    pub counted: Option<u64>,
    /// Those that are on, by name.
    pub switches: Vec<String>,
    pub density: &'static str,
    pub temperature: f32,
    /// Semitones by which the keyboard sounds higher.
    pub transpose: i8,
    pub registration: &'static str,
    /// Sopranos struck, and sopranos and steps without a table at hand.
    pub notes: u64,
    pub missed: u64,
}

/// The answer that waits under a key.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct KeyAnswer {
    pub key: u8,
    /// Alto, tenor and bass.
    pub parts: [Option<u8>; 3],
    pub chord: Option<String>,
}

/// A performance.
pub struct Live {
    session: Session,
    worker: Worker,
    requests: Vec<TableRequest>,
    naming: Naming,
    /// Of the last step that was named.
    place: Option<u64>,
    temperature: f32,
    has_bars: bool,
    told: Option<State>,
}

impl Live {
    /// Sets a performance up; the first table is ready.
    ///
    /// # Errors
    /// Names what is out of its bounds.
    pub fn new(model: &Arc<Model>, wanted: &LiveSettings) -> Result<Live, LiveError> {
        let rate = 1000.0 * PER_MILLISECOND;
        let source = clock::ClockSource::default();
        let mut settings = Settings::new(clock::Settings { source, rate, tempo: TEMPO, first: 0 });
        wanted.config.apply(&mut settings);
        settings.clock.first = wanted.first;
        settings.check().map_err(LiveError::Settings)?;
        let sampling = wanted.sampling(model)?;
        let (worker, first) = Worker::new(Harmonizer::new(Arc::clone(model), sampling), None, &settings)?;
        let mut session = Session::new(settings);
        session.table(0, &first);
        if let Some(value) = wanted.density {
            session.control(0, Control::Density, value);
        }
        let mut live = Live {
            session,
            worker,
            requests: Vec::new(),
            naming: Naming::new(settings.key),
            place: None,
            temperature: sampling.temperature,
            has_bars: settings.clock.source != clock::ClockSource::Follow,
            told: None,
        };
        live.work(0.0)?;
        Ok(live)
    }

    /// A message from a keyboard.
    pub fn midi(&mut self, at: f64, bytes: &[u8]) -> Reply {
        let at = self.reach(at);
        self.session.midi(at, bytes);
        self.reply()
    }

    /// A control's value, 0 to 127.
    pub fn control(&mut self, at: f64, control: Control, value: u8) -> Reply {
        let at = self.reach(at);
        self.session.control(at, control, value.min(127));
        self.reply()
    }

    /// Octaves by which a part is sent higher, -4 to 4, and what multiplies its velocity, 0 to 4: from its next note on.
    pub fn register(&mut self, at: f64, part: Part, octave: i8, velocity: f32) -> Reply {
        let at = self.reach(at);
        let velocity = if velocity.is_finite() { velocity.clamp(0.0, 4.0) } else { 1.0 };
        self.session.set_register(at, part, octave.clamp(-4, 4), velocity);
        self.reply()
    }

    pub fn release(&mut self, at: f64, release: Release) -> Reply {
        let at = self.reach(at);
        self.session.set_release(at, release);
        self.reply()
    }

    /// How the network answers: another temperature, or another seed.
    pub fn choose(&mut self, at: f64, temperature: Option<f32>, seed: Option<u64>) -> Result<Reply, LiveError> {
        let at = self.reach(at);
        let before = self.session.overrides();
        let temperature = temperature.map(checked).transpose()?.or(before.temperature);
        self.session.set_overrides(at, Overrides { temperature, seed: seed.or(before.seed), ..before });
        Ok(self.reply())
    }

    /// All keys are up: the keyboard is gone.
    pub fn lose_input(&mut self, at: f64) -> Reply {
        let at = self.reach(at);
        self.session.input_lost(at);
        self.reply()
    }

    /// An instrument has come, which knows nothing of what sounds.
    pub fn regain_output(&mut self, at: f64) -> Reply {
        let at = self.reach(at);
        self.session.output_regained(at);
        self.reply()
    }

    /// Ends everything; nothing sounds after.
    pub fn stop(&mut self, at: f64) -> Reply {
        let at = self.reach(at);
        self.session.stop(at);
        self.reply()
    }

    /// Does what is due up to then.
    pub fn advance(&mut self, at: f64) -> Reply {
        let at = self.reach(at);
        self.session.advance(at);
        self.reply()
    }

    /// Works the next table out, which is there at that moment.
    ///
    /// # Errors
    /// Where the network fails.
    pub fn work(&mut self, at: f64) -> Result<Reply, LiveError> {
        let at = self.reach(at);
        let is_new = !self.requests.is_empty();
        for request in self.requests.drain(..) {
            self.worker.follow(&request)?;
        }
        if is_new {
            for table in [self.worker.present_table()?, self.worker.table()?].into_iter().flatten() {
                self.session.table(at, &table);
            }
        }
        Ok(self.reply())
    }

    /// What waits under the keys from `low` to `high`, where it is ready.
    pub fn answers(&self, low: u8, high: u8) -> Vec<KeyAnswer> {
        let Some(table) = self.session.answers() else { return Vec::new() };
        (low..=high.min(127))
            .filter_map(Pitch::new)
            .map(|key| {
                let lower = table.lower_parts(key);
                let chord = self.naming.name([Some(key), lower[0], lower[1], lower[2]]).map(|(chord, _)| chord);
                KeyAnswer { key: key.midi(), parts: lower.map(|pitch| pitch.map(Pitch::midi)), chord }
            })
            .collect()
    }

    /// How things stand.
    pub fn state(&self) -> State {
        let clock = self.session.clock();
        let (metre, position, parts) = (clock.metre(), self.session.position(), self.session.sounding());
        let beats = metre.steps().filter(|_| self.has_bars).map(|steps| steps / 4);
        let on = Control::ALL.into_iter().filter(|&control| self.session.is_on(control)).map(Control::name);
        let overrides = self.session.overrides();
        let (chord, numeral) = self.naming.chord().cloned().unzip();
        State {
            running: clock.boundary(position).is_some(),
            sounding: parts.map(|pitch| pitch.map(Pitch::midi)),
            names: self.naming.names(parts),
            chord,
            numeral,
            key: self.naming.key().map(|key| key.to_string()),
            fifths: self.naming.key().map_or(0, |key| key.sharps),
            key_is_told: self.naming.told.is_some(),
            tempo: (clock.tempo() * 10.0).round() / 10.0,
            metre: metre.to_string(),
            bar: beats.map(|beats| position / 4 / beats + 1),
            beat: beats.map_or(position / 4, |beats| position / 4 % beats) + 1,
            step: position % 4,
            position,
            sixteenth: clock.sixteenth(position),
            counted: self.session.counted_beat(),
            switches: on.collect(),
            density: self.session.density().name(),
            temperature: overrides.temperature.unwrap_or(self.temperature),
            transpose: self.session.transposition(),
            registration: control::REGISTRATIONS[usize::from(self.session.registration())].0,
            notes: self.session.counts().notes,
            missed: self.session.counts().missed,
        }
    }

    /// A page's clock in a session's units; never back.
    fn reach(&mut self, at: f64) -> Time {
        let at = (at.max(0.0) * PER_MILLISECOND).round() as Time;
        let at = at.max(self.session.now());
        // Step by step, so that no request is lost in a queue and each step is named.
        while let Some(due) = self.session.due().filter(|&due| due < at) {
            self.session.advance(due);
            self.collect();
        }
        at
    }

    fn collect(&mut self) {
        self.requests.extend(std::iter::from_fn(|| self.session.next_request()));
        while self.session.next_step_begun().is_some() {}
        self.naming.told = self.session.overrides().key;
        let (position, parts) = (self.session.position(), self.session.sounding());
        let is_step = self.place != Some(position) && parts != [None; 4];
        if is_step {
            self.place = Some(position);
        }
        self.naming.hear(parts, is_step);
    }

    fn reply(&mut self) -> Reply {
        self.collect();
        let mut messages = Vec::new();
        while let Some(message) = self.session.next_message() {
            if message.is_heard {
                messages.push(sent(&message));
            }
            self.session.sent();
        }
        let state = self.state();
        let state = (self.told.as_ref() != Some(&state)).then_some(state);
        if state.is_some() {
            self.told.clone_from(&state);
        }
        let next = self.session.due().map(|due| due as f64 / PER_MILLISECOND);
        Reply { messages, next, works: !self.requests.is_empty(), state }
    }
}

impl LiveSettings {
    fn sampling(&self, model: &Model) -> Result<Sampling, LiveError> {
        let mut sampling = Sampling::of(model, Purpose::Live);
        if let Some(temperature) = self.temperature {
            sampling.temperature = checked(temperature)?;
        }
        if self.no_guard {
            sampling.guard = Guard::OFF;
        }
        sampling.seed = self.seed.unwrap_or(sampling.seed);
        Ok(sampling)
    }
}

fn checked(temperature: f32) -> Result<f32, LiveError> {
    match (0.0..=10.0).contains(&temperature) {
        true => Ok(temperature),
        false => Err(LiveError::Settings(format!("temperature is {temperature}, expected 0 to 10"))),
    }
}

fn sent(message: &Message) -> Sent {
    let bytes = message.bytes();
    let byte = |index: usize| bytes.get(index).copied().unwrap_or(0);
    (message.at as f64 / PER_MILLISECOND, byte(0), byte(1), byte(2))
}
