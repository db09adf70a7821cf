//! What the threads of a performance tell each other without waiting, and what they tell whoever watches it.

use std::sync::atomic::{AtomicBool, AtomicI8, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use chorale::{Density, Key, Pitch};
use session::clock::Metre;
use session::control::{self, Control};
use session::{Session, Time};
use thiserror::Error;

/// The temperature that stands for "as it was started".
const NO_TEMPERATURE: u8 = u8::MAX;

/// Of a key's signature.
const MOST_SHARPS: i8 = 7;

/// What ends a performance before the player does.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    /// Whatever runs the engine can't go on, in its own words.
    #[error("{0}")]
    Driver(String),
    #[error("the network stopped answering: {0}")]
    Worker(String),
    #[error("the {thread} thread panicked, a bug of ours; everything was silenced ({told})")]
    Panic { thread: &'static str, told: String },
}

/// What happens in a performance, for a screen or whatever else shows it as it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PerformanceEvent {
    /// A soprano was struck.
    AnsweredNote(AnsweredNote),
    /// A step began, or a part changed its note.
    Moment { at: Time, position: u64, parts: [Option<Pitch>; 4] },
    /// A switch was moved. What is told after it was played with it.
    Switched { at: Time, switch: Control, is_on: bool },
}

/// A soprano that was struck, and how it was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnsweredNote {
    pub at: Time,
    pub position: u64,
    /// Soprano to bass, heard or muted.
    pub parts: [Option<Pitch>; 4],
    /// From the entry of our callback until the last message of the answer was handed over.
    pub latency: Duration,
}

/// Figures of a whole performance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sopranos struck.
    pub notes: u64,
    /// Sopranos struck and steps begun before their answer was ready.
    pub missed: u64,
    /// Notes left out because the port took no more messages, and keys that came too thick to be read.
    pub dropped: u64,
    /// Overruns that the sound system told us of.
    pub overruns: u64,
    /// Messages of ours that came back to us and were ignored.
    pub echoes: u64,
    /// Events that the take lost because the disk was too slow.
    pub unrecorded: u64,
}

/// How a performance stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// Beats a minute.
    pub tempo: f64,
    pub metre: Metre,
    /// The key that was told, if any was.
    pub key: Option<Key>,
    pub is_running: bool,
    /// MIDI clock has stopped coming.
    pub is_stalled: bool,
    pub density: Density,
    /// `None`: as it was started.
    pub temperature: Option<f32>,
    /// A place in [`control::REGISTRATIONS`].
    pub registration: u8,
    /// Semitones by which the keyboard sounds higher.
    pub transposition: i8,
    /// The song of the set list, from 0.
    pub song: Option<u8>,
    /// The beat of the bar that is being counted in, from 1.
    pub counted_beat: Option<u8>,
    switches: u32,
}

impl Status {
    /// At rest, with these switches on.
    pub fn new(tempo: f64, switches: &[Control]) -> Status {
        Status {
            tempo,
            metre: Metre::default(),
            key: None,
            is_running: false,
            is_stalled: false,
            density: Density::default(),
            temperature: None,
            registration: control::FIRST_REGISTRATION,
            transposition: 0,
            song: None,
            counted_beat: None,
            switches: switches.iter().fold(0, |all, &control| all | switch(control)),
        }
    }

    pub fn is_on(&self, control: Control) -> bool {
        self.switches & switch(control) != 0
    }
}

/// The state that the threads share. Any thread may call any method; none waits, apart from [`Shared::lose_take`] and
/// [`Shared::take_error`], which are not for the thread that runs the engine.
#[derive(Debug, Default)]
pub struct Shared {
    pub(crate) stop: AtomicBool,
    silent: AtomicBool,
    is_paused: AtomicBool,
    is_at_rest: AtomicBool,
    failure: OnceLock<Failure>,
    notes: AtomicU64,
    missed: AtomicU64,
    dropped: AtomicU64,
    unread: AtomicU64,
    overruns: AtomicU64,
    echoes: AtomicU64,
    unrecorded: AtomicU64,
    /// The bits of an f64.
    tempo: AtomicU64,
    /// See [`of_metre`] and [`of_key`].
    metre: AtomicU16,
    key: AtomicU8,
    is_running: AtomicBool,
    is_stalled: AtomicBool,
    /// A bit for each control that is on, by its place in [`Control::ALL`].
    switches: AtomicU32,
    /// A value as of [`Control::Density`], and of [`Control::Temperature`] or [`NO_TEMPERATURE`].
    density: AtomicU8,
    temperature: AtomicU8,
    registration: AtomicU8,
    transposition: AtomicI8,
    /// One more than its number; 0 for none.
    song: AtomicU8,
    /// 0 for none.
    counted_beat: AtomicU8,
    /// The keyboard has left, or the instrument come back; the engine looks at its next turn.
    pub(crate) input_lost: AtomicBool,
    pub(crate) output_regained: AtomicBool,
    pub(crate) messages_lost: AtomicBool,
    /// Why the take is no longer written.
    take_error: Mutex<Option<String>>,
    /// The thread that runs the engine, where it sleeps between events.
    player: OnceLock<Thread>,
}

impl Shared {
    pub fn fail(&self, failure: Failure) {
        let _ = self.failure.set(failure); // the first one is the cause
    }

    /// What has ended the performance, if anything has.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.get().cloned()
    }

    pub fn count_overrun(&self) {
        self.overruns.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message that came too thick to be read.
    pub fn count_unread(&self) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_unrecorded(&self) {
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// Names the thread that must be woken when a table arrives or the end has come.
    pub fn set_player(&self, player: Thread) {
        let _ = self.player.set(player);
    }

    pub fn wake_player(&self) {
        if let Some(player) = self.player.get() {
            player.unpark();
        }
    }

    /// Whether the engine has stopped and its last message is sent.
    pub fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Acquire)
    }

    pub(crate) fn set_silent(&self) {
        self.silent.store(true, Ordering::Release);
    }

    /// Asks the engine to end every note, wherever it runs.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake_player();
    }

    /// Asks the engine to end every note and to take nothing in until [`Shared::resume`].
    pub fn pause(&self) {
        self.set_at_rest(false);
        self.is_paused.store(true, Ordering::Release);
        self.wake_player();
    }

    pub fn resume(&self) {
        self.is_paused.store(false, Ordering::Release);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    /// Whether the engine pauses and its last message is sent.
    pub fn is_at_rest(&self) -> bool {
        self.is_at_rest.load(Ordering::Acquire)
    }

    pub(crate) fn set_at_rest(&self, is_at_rest: bool) {
        self.is_at_rest.store(is_at_rest, Ordering::Release);
    }

    /// The keyboard is gone: nothing that it holds may sound on.
    pub fn lose_input(&self) {
        self.input_lost.store(true, Ordering::Release);
        self.wake_player();
    }

    /// The instrument has come back and knows nothing.
    pub fn regain_output(&self) {
        self.output_regained.store(true, Ordering::Release);
        self.wake_player();
    }

    /// What was sent last may not have arrived.
    pub fn lose_messages(&self) {
        self.messages_lost.store(true, Ordering::Release);
    }

    /// The take is no longer written.
    pub fn lose_take(&self, why: &str) {
        if let Ok(mut told) = self.take_error.lock() {
            *told = Some(why.to_owned());
        }
    }

    /// Why the take is no longer written, if it should be; told once.
    pub fn take_error(&self) -> Option<String> {
        self.take_error.lock().ok()?.take()
    }

    pub fn status(&self) -> Status {
        Status {
            tempo: f64::from_bits(self.tempo.load(Ordering::Relaxed)),
            metre: metre(self.metre.load(Ordering::Relaxed)),
            key: key(self.key.load(Ordering::Relaxed)),
            is_running: self.is_running.load(Ordering::Relaxed),
            is_stalled: self.is_stalled.load(Ordering::Relaxed),
            density: Density::from_value(self.density.load(Ordering::Relaxed)),
            temperature: Some(self.temperature.load(Ordering::Relaxed))
                .filter(|value| *value != NO_TEMPERATURE)
                .map(control::temperature),
            registration: self.registration.load(Ordering::Relaxed),
            transposition: self.transposition.load(Ordering::Relaxed),
            song: self.song.load(Ordering::Relaxed).checked_sub(1),
            counted_beat: Some(self.counted_beat.load(Ordering::Relaxed)).filter(|beat| *beat > 0),
            switches: self.switches.load(Ordering::Relaxed),
        }
    }

    pub fn summary(&self) -> Summary {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Summary {
            notes: read(&self.notes),
            missed: read(&self.missed),
            dropped: read(&self.dropped) + read(&self.unread),
            overruns: read(&self.overruns),
            echoes: read(&self.echoes),
            unrecorded: read(&self.unrecorded),
        }
    }

    /// Writes down how the session stands, switches apart.
    pub(crate) fn tell(&self, session: &Session) {
        let counts = session.counts();
        self.notes.store(counts.notes, Ordering::Relaxed);
        self.missed.store(counts.missed, Ordering::Relaxed);
        self.echoes.store(counts.echoes, Ordering::Relaxed);
        self.dropped.store(session.dropped(), Ordering::Relaxed);
        let clock = session.clock();
        self.tempo.store(clock.tempo().to_bits(), Ordering::Relaxed);
        self.metre.store(of_metre(clock.metre()), Ordering::Relaxed);
        self.key.store(of_key(session.overrides().key), Ordering::Relaxed);
        self.is_stalled.store(clock.is_stalled(session.now()), Ordering::Relaxed);
        self.is_running.store(clock.boundary(session.position()).is_some(), Ordering::Relaxed);
        self.density.store(session.density().value(), Ordering::Relaxed);
        let temperature = session.overrides().temperature.map_or(NO_TEMPERATURE, control::temperature_value);
        self.temperature.store(temperature, Ordering::Relaxed);
        self.registration.store(session.registration(), Ordering::Relaxed);
        self.transposition.store(session.transposition(), Ordering::Relaxed);
        self.counted_beat.store(session.counted_beat().unwrap_or(0) as u8, Ordering::Relaxed);
        self.song.store(session.song().map_or(0, |song| song + 1), Ordering::Relaxed);
    }

    /// Writes the session's switches down and gives those that were moved, with what they are now.
    pub(crate) fn tell_switches(&self, session: &Session) -> impl Iterator<Item = (Control, bool)> + use<> {
        let all = || Control::ALL.into_iter().enumerate();
        let now = all().fold(0, |on, (place, control)| on | u32::from(session.is_on(control)) << place);
        let before = self.switches.load(Ordering::Relaxed);
        if now != before {
            self.switches.store(now, Ordering::Relaxed);
        }
        let is_in = |set: u32, place: usize| set & 1 << place != 0;
        let moved = all().filter(move |&(place, _)| is_in(now ^ before, place));
        moved.map(move |(place, control)| (control, is_in(now, place)))
    }
}

/// Numerator and denominator in a byte each; 0 without bars.
fn of_metre(metre: Metre) -> u16 {
    match metre {
        Metre::Free => 0,
        Metre::Bars { numerator, denominator } => u16::from_be_bytes([numerator, denominator]),
    }
}

fn metre(number: u16) -> Metre {
    match number.to_be_bytes() {
        [0, _] => Metre::Free,
        [numerator, denominator] => Metre::Bars { numerator, denominator },
    }
}

/// Its signature and its mode; 0 for none.
fn of_key(key: Option<Key>) -> u8 {
    key.map_or(0, |key| (2 * (key.sharps + MOST_SHARPS) + i8::from(key.minor) + 1) as u8)
}

fn key(number: u8) -> Option<Key> {
    let number = number.checked_sub(1)?;
    Some(Key { sharps: (number / 2) as i8 - MOST_SHARPS, minor: number % 2 == 1 })
}

/// The bit of a control.
fn switch(control: Control) -> u32 {
    Control::ALL.iter().position(|&other| other == control).map_or(0, |place| 1 << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_metres_come_back_from_the_numbers_that_threads_tell_each_other() {
        for sharps in -MOST_SHARPS..=MOST_SHARPS {
            for minor in [false, true] {
                let told = Some(Key { sharps, minor });
                assert_eq!(key(of_key(told)), told);
            }
        }
        assert_eq!(key(of_key(None)), None);
        for text in ["4/4", "3/4", "12/8", "free"] {
            let told: Metre = text.parse().unwrap();
            assert_eq!(metre(of_metre(told)), told);
        }
    }
}
