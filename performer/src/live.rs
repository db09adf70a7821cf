//! A live performance: the session on the sound system's thread, the network on a worker thread, wait-free queues
//! between them.
//!
//! ```text
//! MIDI in -> Engine (session): look the answer up, send it ------> MIDI out
//!               |  ^
//!       reports v  | answer tables
//!              worker: advance the network, work the next table out
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use chorale::{Part, Pitch};
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use thiserror::Error;

use crate::answer::AnswerTable;
use crate::harmonizer::Harmonizer;
use crate::midi::{Backend, MidiError, Running, Wiring};
use crate::model::ModelError;
use crate::session::{Message, Report, Session, Settings, Time};
use crate::worker::Worker;

/// Longest wait for the sound system to take the last note-offs. Beyond it the server is as good as dead.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
const TABLES: usize = 16;
const REPORTS: usize = 64;
const HEARD: usize = 256;

#[derive(Debug, Error)]
pub enum LiveError {
    #[error(transparent)]
    Midi(#[from] MidiError),
    #[error("the network gave no answer: {0}")]
    Model(#[from] ModelError),
    #[error("the worker thread can't be started: {0}")]
    Thread(std::io::Error),
}

/// What ends a performance before the player does.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    #[error("the {0} server has shut down or thrown us out\nhint: start it again, then `performer play`")]
    ServerGone(&'static str),
    #[error("the network stopped answering: {0}")]
    Worker(String),
    #[error("the {0} thread panicked, a bug of ours; everything was silenced")]
    Panic(&'static str),
}

/// A soprano that was struck, and how it was answered.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The soprano, passed through or not, and the lower parts as they sound under it.
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
}

/// What the threads of a performance tell each other without waiting.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    silent: AtomicBool,
    failure: OnceLock<Failure>,
    notes: AtomicU64,
    missed: AtomicU64,
    dropped: AtomicU64,
    unread: AtomicU64,
    overruns: AtomicU64,
    /// The thread that runs the engine, where it sleeps between events.
    player: OnceLock<Thread>,
}

impl Control {
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
    reports: HeapProd<Report>,
    heard: HeapProd<Heard>,
    worker: Thread,
    control: Arc<Control>,
}

/// The other ends of an engine's queues.
pub struct EngineEnds {
    pub tables: HeapProd<AnswerTable>,
    pub reports: HeapCons<Report>,
    pub heard: HeapCons<Heard>,
}

impl Engine {
    /// `worker` is unparked whenever there is a report for it.
    pub fn new(session: Session, worker: Thread, control: Arc<Control>) -> (Engine, EngineEnds) {
        let (tables_in, tables) = HeapRb::new(TABLES).split();
        let (reports, reports_out) = HeapRb::new(REPORTS).split();
        let (heard, heard_out) = HeapRb::new(HEARD).split();
        let engine = Engine { session, tables, reports, heard, worker, control };
        (engine, EngineEnds { tables: tables_in, reports: reports_out, heard: heard_out })
    }

    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Takes in the tables that have arrived, and stops if that was asked for. To be called before each batch of
    /// events, with the time of the earliest.
    pub fn begin(&mut self, now: Time) {
        if self.control.stop.load(Ordering::Acquire) {
            self.session.stop(now);
        }
        while let Some(table) = self.tables.try_pop() {
            self.session.table(now, &table);
        }
    }

    /// Plays one message and sends the answer. `entered` is when the sound system called us with it.
    pub fn receive(&mut self, at: Time, bytes: &[u8], entered: Instant, send: &mut impl FnMut(Message) -> bool) {
        let struck = self.session.midi(at, bytes);
        self.send(send);
        if let Some(soprano) = self.session.soprano().filter(|_| struck) {
            let mut parts = self.session.sounding();
            parts[Part::Soprano.index()] = Some(soprano);
            // A full queue loses a line on the screen, nothing else.
            let _ = self.heard.try_push(Heard { parts, latency: entered.elapsed() });
        }
    }

    /// Plays what is due of itself up to and including `until`, and sends it.
    pub fn advance(&mut self, until: Time, send: &mut impl FnMut(Message) -> bool) {
        self.session.advance(until);
        self.send(send);
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
            if !send(message) {
                break;
            }
            self.session.sent();
        }
        let mut has_report = false;
        while !self.reports.is_full()
            && let Some(report) = self.session.next_report()
        {
            has_report |= self.reports.try_push(report).is_ok();
        }
        if has_report {
            self.worker.unpark();
        }
        self.control.notes.store(self.session.notes(), Ordering::Relaxed);
        self.control.missed.store(self.session.missed(), Ordering::Relaxed);
        self.control.dropped.store(self.session.dropped(), Ordering::Relaxed);
        if self.session.is_stopped() && !self.has_unsent() {
            self.control.silent.store(true, Ordering::Release);
        }
    }

    /// After a panic in the middle of anything: sends the end of every note that may sound, straight past the queues.
    pub(crate) fn abandon(&mut self, thread: &'static str, mut send: impl FnMut([u8; 3])) {
        while let Some(message) = self.session.next_message() {
            if message.bytes[0] & 0xf0 != 0x90 {
                send(message.bytes);
            }
            self.session.sent();
        }
        for (part, pitch) in Part::ALL.into_iter().zip(self.session.sounding()) {
            let channel = part.index() as u8;
            if let Some(pitch) = pitch {
                send([0x80 | channel, pitch.midi(), 64]);
            }
            send([0xb0 | channel, 123, 0]);
        }
        self.control.fail(Failure::Panic(thread));
        self.control.silent.store(true, Ordering::Release);
    }
}

/// A performance at work. Dropping it, for whatever reason, ends every note first.
pub struct Live {
    /// `None` once stopped.
    running: Option<Running>,
    worker: Option<JoinHandle<()>>,
    worker_stop: Arc<AtomicBool>,
    control: Arc<Control>,
    heard: HeapCons<Heard>,
}

impl Live {
    /// Works the first answers out, then opens the ports. The first key is answered like any other.
    pub fn start(
        backend: Box<dyn Backend>,
        wiring: &Wiring,
        harmonizer: Harmonizer,
        tempo: f64,
        pass_soprano: bool,
    ) -> Result<Live, LiveError> {
        let control = Arc::new(Control::default());
        let worker_stop = Arc::new(AtomicBool::new(false));
        let (worker, first) = Worker::new(harmonizer)?;
        // The engine needs the worker's thread to wake it, the worker the engine's queues: they go after it.
        let (ends_in, ends_out) = std::sync::mpsc::sync_channel::<(HeapProd<AnswerTable>, HeapCons<Report>)>(1);
        let handle = thread::Builder::new()
            .name("worker".to_owned())
            .spawn({
                let (control, stop) = (Arc::clone(&control), Arc::clone(&worker_stop));
                move || {
                    if let Ok((tables, reports)) = ends_out.recv() {
                        work_guarded(worker, tables, reports, &control, &stop);
                    }
                }
            })
            .map_err(LiveError::Thread)?;

        let session = Session::new(Settings { rate: backend.rate(), tempo, pass_soprano });
        let (engine, ends) = Engine::new(session, handle.thread().clone(), Arc::clone(&control));
        let EngineEnds { mut tables, reports, heard } = ends;
        let _ = tables.try_push(first); // the queue is new and empty
        let _ = ends_in.send((tables, reports)); // the thread waits for it
        let mut live = Live { running: None, worker: Some(handle), worker_stop, control, heard };
        live.running = Some(backend.start(wiring, engine)?);
        Ok(live)
    }

    /// The names of our input and output, or of what they are connected to.
    pub fn ports(&self) -> Option<(&str, &str)> {
        self.running.as_ref().map(|running| (running.input.as_str(), running.output.as_str()))
    }

    /// The next struck soprano that was not told yet.
    pub fn next_heard(&mut self) -> Option<Heard> {
        self.heard.try_pop()
    }

    /// What has ended the performance, if anything has.
    pub fn failure(&self) -> Option<Failure> {
        self.control.failure.get().cloned()
    }

    pub fn summary(&self) -> Summary {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let control = &self.control;
        Summary {
            notes: read(&control.notes),
            missed: read(&control.missed),
            dropped: read(&control.dropped) + read(&control.unread),
            overruns: read(&control.overruns),
        }
    }

    /// Ends every note, waits until the sound system has carried the ends away, and closes the ports. Returns whether
    /// the sound system took them.
    pub fn stop(&mut self) -> bool {
        let Some(running) = self.running.take() else { return true };
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.control.is_silent() && Instant::now() < deadline {
            self.control.request_stop();
            thread::sleep(Duration::from_millis(1));
        }
        let is_silent = self.control.is_silent();
        if is_silent {
            thread::sleep(running.drain);
        }
        drop(running);
        is_silent
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop();
        self.worker_stop.store(true, Ordering::Release);
        if let Some(worker) = self.worker.take() {
            worker.thread().unpark();
            let _ = worker.join(); // its panic was reported where it was caught
        }
    }
}

fn work_guarded(
    worker: Worker,
    tables: HeapProd<AnswerTable>,
    reports: HeapCons<Report>,
    control: &Control,
    stop: &AtomicBool,
) {
    match catch_unwind(AssertUnwindSafe(|| work(worker, tables, reports, control, stop))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => control.fail(Failure::Worker(error.to_string())),
        Err(_) => control.fail(Failure::Panic("worker")),
    }
}

/// The worker's thread: sleeps until something was played, then works the next table out. Of several reports that came
/// meanwhile only the last is worth a table.
fn work(
    mut worker: Worker,
    mut tables: HeapProd<AnswerTable>,
    mut reports: HeapCons<Report>,
    control: &Control,
    stop: &AtomicBool,
) -> Result<(), ModelError> {
    while !stop.load(Ordering::Acquire) {
        let mut is_new = false;
        while let Some(report) = reports.try_pop() {
            worker.follow(&report)?;
            is_new = true;
        }
        if !is_new {
            thread::park();
            continue;
        }
        let table = worker.table()?;
        // The queue is full only if the sound system has stopped calling us. Then this table is stale anyway.
        let _ = tables.try_push(table);
        control.wake_player();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chorale::{Chord, Token};

    use super::*;

    fn sounding_engine() -> (Engine, EngineEnds, Vec<[u8; 3]>) {
        let session = Session::new(Settings { rate: 1000.0, tempo: 60.0, pass_soprano: true });
        let (mut engine, mut ends) = Engine::new(session, thread::current(), Arc::default());
        let chords = std::array::from_fn(|index| Chord([index, 30, 25, 10].map(|i| Token::from_index(i).unwrap())));
        ends.tables.try_push(AnswerTable { step: 0, after: Chord::START, chords }).unwrap();
        let mut sent = Vec::new();
        engine.begin(0);
        engine.receive(5, &[0x90, 72, 80], Instant::now(), &mut |message| {
            sent.push(message.bytes);
            true
        });
        (engine, ends, sent)
    }

    #[test]
    fn a_struck_note_is_sent_told_and_reported() {
        let (engine, mut ends, sent) = sounding_engine();
        assert_eq!(sent, [[0x90, 72, 80], [0x91, 65, 80], [0x92, 60, 80], [0x93, 45, 80]]);
        let heard = ends.heard.try_pop().unwrap();
        assert_eq!(heard.parts.map(|pitch| pitch.unwrap().midi()), [72, 65, 60, 45]);
        assert_eq!(ends.reports.try_pop().unwrap().step, 0);
        assert_eq!(engine.control.notes.load(Ordering::Relaxed), 1);
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
            ends_sent += u32::from(message.bytes[0] & 0xf0 == 0x80);
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
        engine.abandon("test", |bytes| sent.push(bytes));
        for (channel, pitch) in [(0, 72), (1, 65), (2, 60), (3, 45)] {
            assert!(sent.iter().any(|bytes| bytes[..2] == [0x80 | channel, pitch]), "{sent:?}");
            assert!(sent.contains(&[0xb0 | channel, 123, 0]));
        }
        assert!(sent.iter().all(|bytes| bytes[0] & 0xf0 != 0x90), "nothing begins: {sent:?}");
        assert!(engine.control.is_silent());
        assert!(matches!(engine.control.failure.get(), Some(Failure::Panic("test"))));
    }
}
