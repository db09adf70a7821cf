//! A live performance: the session on the sound system's thread, the network on a worker thread, wait-free queues
//! between them.
//!
//! ```text
//! MIDI in -> Engine (session): look the answer up, send it ------> MIDI out
//!               |  ^            \------> recorder (the take), main (the screen)
//!       reports v  | answer tables
//!              worker: advance the network, work the next table out
//! ```

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use chorale::Pitch;
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use thiserror::Error;

use crate::devices::audio::AudioSettings;
use crate::devices::midi::{Backend, Links, MidiError, Running, Wiring};
use chorale::Density;
use harmonizer::Harmonizer;
use live::Worker;
use live::take::{Recorder, SessionInput, TakeEvent};
use network::ModelError;
use panics;
use session::control::{self, Control};
use session::{AnswerTable, Message, Session, Settings, TableRequest, Time};

/// Longest wait for the sound system to take the last note-offs. Beyond it the server is as good as dead.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
/// The recorder writes what has happened so often. A crash loses no more.
const RECORD_EVERY: Duration = Duration::from_millis(200);
/// How often ports are looked after: one that is plugged in again is connected within this time.
const TEND_EVERY: Duration = Duration::from_millis(500);
/// No value of a control.
const NO_TEMPERATURE: u8 = u8::MAX;
const TABLES: usize = 16;
const REPORTS: usize = 64;
const SHOWN: usize = 1024;
const COMMANDS: usize = 64;
/// Some ten seconds of the densest playing.
const EVENTS: usize = 8192;

#[derive(Debug, Error)]
pub enum LiveError {
    #[error(transparent)]
    Midi(#[from] MidiError),
    #[error("the network gave no answer: {0}")]
    Model(#[from] ModelError),
    #[error("the {name} thread can't be started: {cause}")]
    Thread { name: &'static str, cause: std::io::Error },
}

/// What ends a performance before the player does.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    #[error("the {0} server came back, but not as it was: {1}\nhint: start `performer play` again")]
    ServerChanged(&'static str, String),
    #[error("the network stopped answering: {0}")]
    Worker(String),
    #[error("the {thread} thread panicked, a bug of ours; everything was silenced ({told})")]
    Panic { thread: &'static str, told: String },
}

/// What a performer's friends may want to see of a performance as it goes.
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
    pub is_running: bool,
    /// MIDI clock has stopped coming.
    pub is_stalled: bool,
    pub density: Density,
    /// `None`: as it was started.
    pub temperature: Option<f32>,
    switches: u32,
}

impl Status {
    /// At rest, with these switches on.
    pub fn new(tempo: f64, switches: &[Control]) -> Status {
        Status {
            tempo,
            is_running: false,
            is_stalled: false,
            density: Density::default(),
            temperature: None,
            switches: switches.iter().fold(0, |all, &knob| all | switch(knob)),
        }
    }

    pub fn is_on(&self, knob: Control) -> bool {
        self.switches & switch(knob) != 0
    }
}

fn switches_of(session: &Session) -> u32 {
    Control::ALL.into_iter().filter(|&knob| session.is_on(knob)).map(switch).fold(0, |all, one| all | one)
}

fn switch(knob: Control) -> u32 {
    Control::ALL.iter().position(|&other| other == knob).map_or(0, |place| 1 << place)
}

/// What the threads of a performance tell each other without waiting.
#[derive(Debug, Default)]
pub struct Shared {
    stop: AtomicBool,
    silent: AtomicBool,
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
    is_running: AtomicBool,
    is_stalled: AtomicBool,
    switches: AtomicU32,
    /// A value as of [`Control::Density`], and of [`Control::Temperature`] or [`NO_TEMPERATURE`].
    density: AtomicU8,
    temperature: AtomicU8,
    /// The keyboard has left, or the instrument come back; the engine looks at its next turn.
    input_lost: AtomicBool,
    output_regained: AtomicBool,
    messages_lost: AtomicBool,
    /// Why the take is no longer written.
    take_error: Mutex<Option<String>>,
    /// The thread that runs the engine, where it sleeps between events.
    player: OnceLock<Thread>,
    /// The thread that [`Shared::trip`] makes panic.
    panics: OnceLock<String>,
}

/// The variable that names the thread that is to panic, in tests of what a panic leads to. Release builds do not look
/// at it.
const PANICS: &str = "PERFORMER_PANICS";
/// Notes are played before, so that there is something to silence.
const PANICS_AFTER: u64 = 3;

impl Shared {
    /// Panics in the thread of that name if a test wants it to.
    pub fn trip(&self, thread: &str) {
        if cfg!(debug_assertions) && self.panics.get().is_some_and(|name| name == thread) {
            assert!(self.notes.load(Ordering::Relaxed) < PANICS_AFTER, "{PANICS} asks for it");
        }
    }

    pub(crate) fn fail(&self, failure: Failure) {
        let _ = self.failure.set(failure); // the first one is the cause
    }

    pub fn count_overrun(&self) {
        self.overruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_unread(&self) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }

    /// Names the thread that must be woken when a table arrives or the end has come.
    pub(crate) fn set_player(&self, player: Thread) {
        let _ = self.player.set(player);
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Acquire)
    }

    /// Asks the engine to end every note, wherever it runs.
    pub(crate) fn request_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake_player();
    }

    /// The keyboard is gone: nothing that it holds may sound on.
    pub(crate) fn lose_input(&self) {
        self.input_lost.store(true, Ordering::Release);
        self.wake_player();
    }

    /// The instrument has come back and knows nothing.
    pub(crate) fn regain_output(&self) {
        self.output_regained.store(true, Ordering::Release);
        self.wake_player();
    }

    /// What was sent last may not have arrived.
    #[cfg_attr(not(feature = "jack"), expect(dead_code, reason = "only JACK says so"))]
    pub(crate) fn lose_messages(&self) {
        self.messages_lost.store(true, Ordering::Release);
    }

    fn lose_take(&self, why: &str) {
        if let Ok(mut told) = self.take_error.lock() {
            *told = Some(why.to_owned());
        }
    }

    fn wake_player(&self) {
        if let Some(player) = self.player.get() {
            player.unpark();
        }
    }
}

/// The session with its queues: what a backend runs on its thread. No method but `new` allocates, locks or waits.
pub struct Engine {
    session: Session,
    tables: HeapCons<AnswerTable>,
    commands: HeapCons<(Control, u8)>,
    reports: HeapProd<TableRequest>,
    shown: HeapProd<PerformanceEvent>,
    events: HeapProd<TakeEvent>,
    /// The last moment shown.
    moment: (u64, [Option<Pitch>; 4]),
    worker: Thread,
    control: Arc<Shared>,
}

/// The other ends of an engine's queues.
pub struct EngineEnds {
    pub tables: HeapProd<AnswerTable>,
    pub commands: HeapProd<(Control, u8)>,
    pub reports: HeapCons<TableRequest>,
    pub shown: HeapCons<PerformanceEvent>,
    /// Everything that a take holds.
    pub events: HeapCons<TakeEvent>,
}

impl Engine {
    /// `worker` is unparked whenever there is a report for it.
    pub fn new(session: Session, worker: Thread, control: Arc<Shared>) -> (Engine, EngineEnds) {
        let (tables_in, tables) = HeapRb::new(TABLES).split();
        let (commands_in, commands) = HeapRb::new(COMMANDS).split();
        let (reports, reports_out) = HeapRb::new(REPORTS).split();
        let (shown, shown_out) = HeapRb::new(SHOWN).split();
        let (events, events_out) = HeapRb::new(EVENTS).split();
        let moment = (u64::MAX, [None; 4]);
        let mut engine = Engine { session, tables, commands, reports, shown, events, moment, worker, control };
        // What is on from the start was not moved.
        engine.control.switches.store(switches_of(&engine.session), Ordering::Relaxed);
        engine.tell();
        let ends = EngineEnds {
            tables: tables_in,
            commands: commands_in,
            reports: reports_out,
            shown: shown_out,
            events: events_out,
        };
        (engine, ends)
    }

    pub fn control(&self) -> &Arc<Shared> {
        &self.control
    }

    /// The moment up to which everything has happened.
    pub fn now(&self) -> Time {
        self.session.now()
    }

    /// Takes in the tables and commands that have arrived, and stops if that was asked for. To be called before each
    /// batch of events, with the time of the earliest.
    pub fn begin(&mut self, now: Time) {
        let now = now.max(self.session.now());
        if self.control.stop.load(Ordering::Acquire) && !self.session.is_stopped() {
            self.record(now, SessionInput::Stop);
            self.session.stop(now);
        }
        if self.control.input_lost.swap(false, Ordering::AcqRel) {
            self.record(now, SessionInput::InputLost);
            self.session.input_lost(now);
        }
        if self.control.output_regained.swap(false, Ordering::AcqRel) {
            self.record(now, SessionInput::OutputRegained);
            self.session.output_regained(now);
        }
        if self.control.messages_lost.swap(false, Ordering::AcqRel) && !self.session.is_stopped() {
            self.record(now, SessionInput::MessagesLost);
            self.session.messages_lost(now);
        }
        while let Some((knob, value)) = self.commands.try_pop() {
            self.record(now, SessionInput::Control(knob, value));
            self.session.control(now, knob, value);
            self.tell_switches();
        }
        while let Some(table) = self.tables.try_pop() {
            let number = table.number;
            self.record(
                now,
                if table.is_present { SessionInput::PresentTable(number) } else { SessionInput::Table(number) },
            );
            self.session.table(now, &table);
        }
    }

    /// Plays one message and sends the answer. `entered` is when the sound system called us with it.
    pub fn receive(&mut self, at: Time, bytes: &[u8], entered: Instant, send: &mut impl FnMut(Message) -> bool) {
        let at = at.max(self.session.now());
        if let Some(input) = SessionInput::midi(bytes) {
            self.record(at, input);
        }
        let struck = self.session.midi(at, bytes);
        self.send(send);
        let latency = entered.elapsed();
        if struck {
            let parts = self.session.sounding();
            // A full queue loses a line on the screen, nothing else.
            let _ = self.shown.try_push(PerformanceEvent::AnsweredNote(AnsweredNote {
                at,
                position: self.session.position(),
                parts,
                latency,
            }));
        }
        self.tell();
    }

    /// Plays what is due of itself up to and including `until`, and sends it.
    pub fn advance(&mut self, until: Time, send: &mut impl FnMut(Message) -> bool) {
        self.session.advance(until);
        self.send(send);
        self.tell();
    }

    /// When [`Engine::advance`] next has something to do.
    pub fn due(&self) -> Option<Time> {
        self.session.due()
    }

    /// Whether a message could not be sent yet.
    pub fn has_unsent(&self) -> bool {
        self.session.next_message().is_some()
    }

    /// Hands over messages until `send` takes no more of them; the rest stays for the next call.
    fn send(&mut self, send: &mut impl FnMut(Message) -> bool) {
        while let Some(message) = self.session.next_message() {
            if message.is_heard && !send(message) {
                break;
            }
            self.session.sent();
            if self.events.try_push(TakeEvent::Sent(message)).is_err() {
                self.control.unrecorded.fetch_add(1, Ordering::Relaxed);
            }
        }
        while let Some((at, position)) = self.session.next_step_begun() {
            if self.events.try_push(TakeEvent::Step { at, position }).is_err() {
                self.control.unrecorded.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut has_report = false;
        while !self.reports.is_full()
            && let Some(report) = self.session.next_request()
        {
            has_report |= self.reports.try_push(report).is_ok();
        }
        if has_report {
            self.worker.unpark();
        }
        if self.session.is_stopped() && !self.has_unsent() {
            self.control.silent.store(true, Ordering::Release);
        }
    }

    /// Tells the other threads how things stand.
    fn tell(&mut self) {
        let (session, control) = (&self.session, &self.control);
        let counts = session.counts();
        control.notes.store(counts.notes, Ordering::Relaxed);
        control.missed.store(counts.missed, Ordering::Relaxed);
        control.echoes.store(counts.echoes, Ordering::Relaxed);
        control.dropped.store(session.dropped(), Ordering::Relaxed);
        let (now, position, parts) = (session.now(), session.position(), session.sounding());
        let clock = session.clock();
        control.tempo.store(clock.tempo().to_bits(), Ordering::Relaxed);
        control.is_stalled.store(clock.is_stalled(now), Ordering::Relaxed);
        control.is_running.store(clock.boundary(position).is_some(), Ordering::Relaxed);
        control.density.store(session.density().value(), Ordering::Relaxed);
        let temperature = session.preferences().temperature.map_or(NO_TEMPERATURE, control::temperature_value);
        control.temperature.store(temperature, Ordering::Relaxed);
        self.tell_switches();
        if self.moment == (position, parts) {
            return;
        }
        self.moment = (position, parts);
        let _ = self.shown.try_push(PerformanceEvent::Moment { at: now, position, parts });
    }

    fn tell_switches(&mut self) {
        let switches = switches_of(&self.session);
        let before = self.control.switches.swap(switches, Ordering::Relaxed);
        for knob in Control::ALL.into_iter().filter(|&knob| (switches ^ before) & switch(knob) != 0) {
            let (at, is_on) = (self.session.now(), switches & switch(knob) != 0);
            let _ = self.shown.try_push(PerformanceEvent::Switched { at, switch: knob, is_on });
        }
    }

    fn record(&mut self, at: Time, input: SessionInput) {
        if self.events.try_push(TakeEvent::Input(at, input)).is_err() {
            self.control.unrecorded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// After a panic in the middle of anything: sends the end of every note that may sound, straight past the queues.
    /// Called again, it sends them again.
    pub(crate) fn abandon(&mut self, mut send: impl FnMut(Message)) {
        self.session.abandon();
        while let Some(message) = self.session.next_message() {
            if message.is_heard && !message.is_note_on() {
                send(message);
            }
            self.session.sent();
        }
        self.control.silent.store(true, Ordering::Release);
    }
}

/// What a performance plays with.
pub struct Cast {
    pub harmonizer: Harmonizer,
    /// Answers instead while [`Control::Model`] is on.
    pub second: Option<Harmonizer>,
    pub session: Settings,
    /// Our own instrument, if it shall sound.
    pub sound: Option<AudioSettings>,
    /// Writes the take, if there is to be one.
    pub recorder: Option<Recorder>,
}

/// A performance at work. Dropping it, for whatever reason, ends every note first.
pub struct Live {
    /// `None` once stopped.
    running: Option<Running>,
    tended: Instant,
    worker: Option<JoinHandle<()>>,
    recorder: Option<JoinHandle<()>>,
    /// Ends the worker and the recorder.
    threads_stop: Arc<AtomicBool>,
    control: Arc<Shared>,
    commands: HeapProd<(Control, u8)>,
    shown: HeapCons<PerformanceEvent>,
}

impl Live {
    /// Works the first answers out, then opens the ports. The first key is answered like any other. The rate of the
    /// cast's clock is replaced by the backend's.
    pub fn start(backend: Box<dyn Backend>, wiring: &Wiring, cast: Cast) -> Result<Live, LiveError> {
        let Cast { harmonizer, second, mut session, sound, recorder } = cast;
        session.clock.rate = backend.rate();
        session.has_own_ports = wiring.per_part;
        let control = Arc::new(Shared::default());
        if cfg!(debug_assertions)
            && let Ok(thread) = std::env::var(PANICS)
        {
            let _ = control.panics.set(thread);
        }
        panics::prepare();
        let threads_stop = Arc::new(AtomicBool::new(false));
        let (worker, first) = Worker::new(harmonizer, second, session.first_phase())?;
        // The engine needs the worker's thread to wake it, the worker the engine's queues: they go after it.
        let (ends_in, ends_out) = std::sync::mpsc::sync_channel::<(HeapProd<AnswerTable>, HeapCons<TableRequest>)>(1);
        let handle = thread::Builder::new()
            .name("worker".to_owned())
            .spawn({
                let (control, stop) = (Arc::clone(&control), Arc::clone(&threads_stop));
                move || {
                    if let Ok((tables, reports)) = ends_out.recv() {
                        guard_work(&control, || work(worker, tables, reports, &control, &stop));
                    }
                }
            })
            .map_err(|cause| LiveError::Thread { name: "worker", cause })?;

        let (engine, ends) = Engine::new(Session::new(session), handle.thread().clone(), Arc::clone(&control));
        let EngineEnds { mut tables, commands, reports, shown, events } = ends;
        let _ = tables.try_push(first); // the queue is new and empty
        let _ = ends_in.send((tables, reports)); // the thread waits for it
        let mut live = Live {
            running: None,
            tended: Instant::now(),
            worker: Some(handle),
            recorder: None,
            threads_stop,
            control,
            commands,
            shown,
        };
        live.recorder = Some(live.spawn_recorder(recorder, session, events)?);
        live.running = Some(backend.start(wiring, engine, sound.as_ref())?);
        Ok(live)
    }

    fn spawn_recorder(
        &self,
        recorder: Option<Recorder>,
        session: Settings,
        events: HeapCons<TakeEvent>,
    ) -> Result<JoinHandle<()>, LiveError> {
        let (control, stop) = (Arc::clone(&self.control), Arc::clone(&self.threads_stop));
        thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || guard_recording(&control, || record(recorder, session, events, &control, &stop)))
            .map_err(|cause| LiveError::Thread { name: "recorder", cause })
    }

    /// The names of our input and output, or of what they are connected to, and whether that is there.
    pub fn links(&self) -> Option<&Links> {
        self.running.as_ref().map(|running| &running.links)
    }

    /// Looks after the ports: connects again what was plugged in again. To be called often; returns whether anything
    /// has changed.
    pub fn tend(&mut self) -> bool {
        self.control.trip("main");
        let Some(running) = self.running.as_mut().filter(|_| self.tended.elapsed() >= TEND_EVERY) else { return false };
        self.tended = Instant::now();
        let before = running.links.clone();
        running.connections.tend(&mut running.links, &self.control);
        running.links != before
    }

    /// What has been played since it was last asked for.
    pub fn next_shown(&mut self) -> Option<PerformanceEvent> {
        self.shown.try_pop()
    }

    /// Moves a control to a value of 0 to 127.
    pub fn turn(&mut self, knob: Control, value: u8) {
        // The queue is full only if the sound system has stopped calling us.
        let _ = self.commands.try_push((knob, value));
        self.control.wake_player();
    }

    /// Moves a switch to its other position; pushes what is none.
    pub fn toggle(&mut self, knob: Control) {
        let value = if self.status().is_on(knob) { 0 } else { 127 };
        self.turn(knob, value);
    }

    pub fn status(&self) -> Status {
        let control = &self.control;
        Status {
            tempo: f64::from_bits(control.tempo.load(Ordering::Relaxed)),
            is_running: control.is_running.load(Ordering::Relaxed),
            is_stalled: control.is_stalled.load(Ordering::Relaxed),
            density: Density::from_value(control.density.load(Ordering::Relaxed)),
            temperature: Some(control.temperature.load(Ordering::Relaxed))
                .filter(|value| *value != NO_TEMPERATURE)
                .map(control::temperature),
            switches: control.switches.load(Ordering::Relaxed),
        }
    }

    /// What has ended the performance, if anything has.
    pub fn failure(&self) -> Option<Failure> {
        self.control.failure.get().cloned()
    }

    /// Why the take is no longer written, if it should be; told once.
    pub fn take_error(&self) -> Option<String> {
        self.control.take_error.lock().ok()?.take()
    }

    pub fn summary(&self) -> Summary {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let control = &self.control;
        Summary {
            notes: read(&control.notes),
            missed: read(&control.missed),
            dropped: read(&control.dropped) + read(&control.unread),
            overruns: read(&control.overruns),
            echoes: read(&control.echoes),
            unrecorded: read(&control.unrecorded),
        }
    }

    /// Ends every note, waits until the sound system has carried the ends away, and closes the ports and the take.
    /// Returns whether the sound system took them.
    pub fn stop(&mut self) -> bool {
        let Some(mut running) = self.running.take() else { return true };
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.control.is_silent() && Instant::now() < deadline {
            self.control.request_stop();
            running.connections.play_unheard();
            thread::sleep(Duration::from_millis(1));
        }
        let is_silent = self.control.is_silent();
        if is_silent {
            thread::sleep(running.drain);
        }
        drop(running);
        self.join();
        is_silent
    }

    fn join(&mut self) {
        self.threads_stop.store(true, Ordering::Release);
        for thread in [self.worker.take(), self.recorder.take()].into_iter().flatten() {
            thread.thread().unpark();
            let _ = thread.join(); // its panic was reported where it was caught
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}

/// The recorder's thread. Without a recorder it empties the queue all the same.
fn record(
    mut recorder: Option<Recorder>,
    session: Settings,
    mut events: HeapCons<TakeEvent>,
    control: &Shared,
    stop: &AtomicBool,
) {
    loop {
        let is_last = stop.load(Ordering::Acquire);
        let mut result = Ok(());
        while let Some(event) = events.try_pop() {
            control.trip("recorder");
            if let (Some(recorder), Ok(())) = (&mut recorder, &result) {
                result = recorder.event(&session, &event);
            }
        }
        if let (Some(recorder), Ok(())) = (&mut recorder, &result) {
            result = recorder.flush(is_last);
        }
        if let Err(error) = result {
            // The music goes on without its take.
            recorder = None;
            control.lose_take(&error.to_string());
        }
        if is_last {
            return;
        }
        thread::park_timeout(RECORD_EVERY);
    }
}

/// Runs the worker. What goes wrong there ends the performance.
fn guard_work(control: &Shared, work: impl FnOnce() -> Result<(), ModelError>) {
    match panics::catch(work) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => control.fail(Failure::Worker(error.to_string())),
        Err(told) => control.fail(Failure::Panic { thread: "worker", told }),
    }
}

/// Runs the recorder. Whatever happens there, the music goes on without its take.
fn guard_recording(control: &Shared, record: impl FnOnce()) {
    if let Err(told) = panics::catch(record) {
        control.lose_take(&format!("a bug of ours ({told})"));
    }
}

/// The worker's thread: sleeps until something was played, then works the next table out. Of several reports that came
/// meanwhile only the last is worth a table.
fn work(
    mut worker: Worker,
    mut tables: HeapProd<AnswerTable>,
    mut reports: HeapCons<TableRequest>,
    control: &Shared,
    stop: &AtomicBool,
) -> Result<(), ModelError> {
    while !stop.load(Ordering::Acquire) {
        let mut is_new = false;
        while let Some(report) = reports.try_pop() {
            control.trip("worker");
            worker.follow(&report)?;
            is_new = true;
        }
        if !is_new {
            thread::park();
            continue;
        }
        for table in [Worker::present_table, Worker::table] {
            if let Some(table) = table(&worker)? {
                // The queue is full only if the sound system has stopped calling us. Then this table is stale anyway.
                let _ = tables.try_push(table);
                control.wake_player();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chorale::{Chord, Token};

    use super::*;
    use crate::devices::midi::Connections;
    use session::clock::{self, ClockSource};

    /// A sound system of this test: a thread that calls the engine every millisecond and strikes one key.
    struct Stand {
        sent: Arc<Mutex<Vec<[u8; 3]>>>,
    }

    struct Standing {
        control: Arc<Shared>,
        thread: Option<JoinHandle<()>>,
    }

    impl Connections for Standing {
        fn tend(&mut self, _: &mut Links, _: &Arc<Shared>) {}
    }

    impl Drop for Standing {
        fn drop(&mut self) {
            self.control.request_stop();
            self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
        }
    }

    impl Backend for Stand {
        fn name(&self) -> &'static str {
            "test"
        }

        fn ports(&self) -> Result<crate::devices::midi::Ports, MidiError> {
            Ok(crate::devices::midi::Ports::default())
        }

        fn rate(&self) -> f64 {
            1000.0
        }

        fn listen(
            self: Box<Self>,
            _: &Wiring,
            _: std::sync::mpsc::Sender<Vec<u8>>,
        ) -> Result<Box<dyn std::any::Any>, MidiError> {
            Ok(Box::new(()))
        }

        fn start(
            self: Box<Self>,
            _: &Wiring,
            mut engine: Engine,
            _: Option<&AudioSettings>,
        ) -> Result<Running, MidiError> {
            let (control, sent) = (Arc::clone(engine.control()), self.sent);
            let thread = thread::spawn(move || {
                let mut send = |message: Message| {
                    sent.lock().unwrap().extend(<[u8; 3]>::try_from(message.bytes()));
                    true
                };
                for now in 0.. {
                    engine.begin(now);
                    if now == 5 {
                        engine.receive(now, &[0x90, 72, 80], Instant::now(), &mut send);
                    }
                    engine.advance(now, &mut send);
                    if engine.control().is_silent() {
                        return;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            });
            let (input, output) = (String::new(), String::new());
            let links = Links { input, output, ..Links::default() };
            let connections = Box::new(Standing { control, thread: Some(thread) });
            Ok(Running { links, drain: Duration::ZERO, connections })
        }
    }

    /// A performance in which a chord sounds, and what it has sent.
    fn sounding_performance() -> (Live, Arc<Mutex<Vec<[u8; 3]>>>) {
        let model = Arc::new(network::Model::lstm().unwrap());
        let harmonizer = Harmonizer::new(model, harmonizer::Sampling::default());
        let clock = clock::Settings { source: ClockSource::Internal, rate: 1000.0, tempo: 60.0, first: 0 };
        let cast = Cast { harmonizer, second: None, session: Settings::new(clock), sound: None, recorder: None };
        let sent = Arc::default();
        let live = Live::start(Box::new(Stand { sent: Arc::clone(&sent) }), &Wiring::default(), cast).unwrap();
        while live.summary().notes == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        (live, sent)
    }

    fn assert_all_ended(sent: &Mutex<Vec<[u8; 3]>>) {
        let sent = sent.lock().unwrap();
        let count = |kind: u8| sent.iter().filter(|bytes| bytes[0] & 0xf0 == kind).count();
        assert!(count(0x90) >= 4 && count(0x90) == count(0x80), "{sent:?}");
    }

    #[test]
    fn a_panic_of_the_thread_that_owns_the_performance_ends_every_note() {
        let (live, sent) = sounding_performance();
        let owner = panics::catch(move || {
            let _live = live;
            panic!("a bug of ours, for this test");
        });
        assert!(owner.is_err());
        assert_all_ended(&sent);
    }

    #[test]
    fn a_panic_of_the_worker_is_the_end_of_the_performance_and_of_every_note() {
        let (mut live, sent) = sounding_performance();
        guard_work(&live.control, || panic!("a bug of ours, for this test"));
        assert!(matches!(live.failure(), Some(Failure::Panic { thread: "worker", .. })));
        assert!(live.stop(), "it falls silent all the same");
        assert_all_ended(&sent);
    }

    #[test]
    fn a_panic_of_the_recorder_costs_the_take_and_nothing_else() {
        let (mut live, sent) = sounding_performance();
        guard_recording(&live.control, || panic!("a bug of ours, for this test"));
        let told = live.take_error().unwrap();
        assert!(told.starts_with("a bug of ours (") && live.failure().is_none(), "{told}");
        assert!(live.stop());
        assert_all_ended(&sent);
    }

    fn sounding_engine() -> (Engine, EngineEnds, Vec<[u8; 3]>) {
        let clock = clock::Settings { source: ClockSource::Internal, rate: 1000.0, tempo: 60.0, first: 0 };
        let session = Session::new(Settings::new(clock));
        let (mut engine, mut ends) = Engine::new(session, thread::current(), Arc::default());
        let chords = std::array::from_fn(|index| Chord([index, 30, 25, 10].map(|i| Token::from_index(i).unwrap())));
        ends.tables
            .try_push(AnswerTable { number: 0, is_present: false, step: 0, after: Chord::START, bass: None, chords })
            .unwrap();
        let mut sent = Vec::new();
        engine.begin(0);
        engine.receive(5, &[0x90, 72, 80], Instant::now(), &mut |message| {
            sent.push(<[u8; 3]>::try_from(message.bytes()).unwrap());
            true
        });
        (engine, ends, sent)
    }

    #[test]
    fn a_struck_note_is_sent_told_and_reported() {
        let (engine, mut ends, sent) = sounding_engine();
        assert_eq!(sent, [[0x90, 72, 80], [0x91, 65, 80], [0x92, 60, 80], [0x93, 45, 80]]);
        let mut shown = std::iter::from_fn(|| ends.shown.try_pop());
        let heard =
            shown.find_map(|shown| if let PerformanceEvent::AnsweredNote(heard) = shown { Some(heard) } else { None });
        let heard = heard.expect("nothing shown");
        assert_eq!(heard.parts.map(|pitch| pitch.unwrap().midi()), [72, 65, 60, 45]);
        assert_eq!(ends.reports.try_pop().unwrap().step, 0);
        assert_eq!(engine.control.notes.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_switch_is_told_before_what_is_played_with_it() {
        let (mut engine, mut ends, _) = sounding_engine();
        while ends.shown.try_pop().is_some() {}
        ends.commands.try_push((Control::Hold, 127)).unwrap();
        engine.begin(10);
        engine.receive(100, &[0x90, 74, 80], Instant::now(), &mut |_| true);
        let switched = PerformanceEvent::Switched { at: 10, switch: Control::Hold, is_on: true };
        assert_eq!(ends.shown.try_pop(), Some(switched));
        assert!(matches!(ends.shown.try_pop(), Some(PerformanceEvent::AnsweredNote(_))));
    }

    #[test]
    fn when_asked_to_stop_the_engine_falls_silent_once_the_port_has_taken_everything() {
        let (mut engine, _ends, _) = sounding_engine();
        engine.control.request_stop();
        engine.begin(100);
        engine.advance(100, &mut |_| false);
        assert!(engine.has_unsent() && !engine.control.is_silent());
        let mut ends_sent = 0;
        engine.advance(110, &mut |message| {
            ends_sent += u32::from(message.bytes()[0] & 0xf0 == 0x80);
            true
        });
        assert!(engine.control.is_silent());
        assert_eq!(ends_sent, 4);
    }

    #[test]
    fn after_a_panic_every_note_that_may_sound_is_ended() {
        let (mut engine, _ends, _) = sounding_engine();
        // A port that is full leaves the end of one note and the beginning of another waiting.
        engine.receive(20, &[0x90, 74, 80], Instant::now(), &mut |_| false);
        let mut sent = Vec::new();
        // Twice, since the first may be lost in an overrun.
        for _ in 0..2 {
            sent.clear();
            engine.abandon(|message| sent.push(<[u8; 3]>::try_from(message.bytes()).unwrap()));
            for (channel, pitch) in [(0, 72), (1, 65), (2, 60), (3, 45)] {
                assert!(sent.iter().any(|bytes| bytes[..2] == [0x80 | channel, pitch]), "{sent:?}");
                assert!(sent.contains(&[0xb0 | channel, 123, 0]));
            }
            assert!(sent.iter().all(|bytes| bytes[0] & 0xf0 != 0x90), "nothing begins: {sent:?}");
        }
        assert!(engine.control.is_silent());
    }
}
