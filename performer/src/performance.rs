//! A live performance: the session on the sound system's thread, the network on a worker thread, wait-free queues
//! between them.
//!
//! ```text
//! MIDI in -> Engine (session): look the answer up, send it ------> MIDI out
//!               |  ^            \------> recorder (the take), main (the screen)
//!       reports v  | answer tables
//!              worker: advance the network, work the next table out
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use harmonizer::Harmonizer;
use live::take::{Recorder, TakeEvent};
use live::{Engine, EngineEnds, Failure, PerformanceEvent, Shared, Status, Summary, Worker, WorkerQueues, fault};
use network::ModelError;
use ringbuf::traits::{Consumer, Producer};
use ringbuf::{HeapCons, HeapProd};
use session::control::Control;
use session::{Session, Settings};
use thiserror::Error;

use crate::devices::audio::AudioSettings;
use crate::devices::midi::{MidiBackend, MidiError, OpenPorts, PortPlan, PortStatus};

/// Longest wait for the sound system to take the last note-offs. Beyond it the server is as good as dead.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
/// The recorder writes what has happened so often. A crash loses no more.
const RECORD_EVERY: Duration = Duration::from_millis(200);
/// How often [`Performance::tend`] is to be called: a port that is plugged in again is connected within this time.
pub const TEND_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Error)]
pub enum PerformanceError {
    #[error(transparent)]
    Midi(#[from] MidiError),
    #[error("the network gave no answer: {0}")]
    Model(#[from] ModelError),
    #[error("the {name} thread can't be started: {cause}")]
    Thread { name: &'static str, cause: std::io::Error },
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
pub struct Performance {
    /// `None` once stopped.
    open: Option<OpenPorts>,
    worker: Option<JoinHandle<()>>,
    recorder: Option<JoinHandle<()>>,
    threads: ThreadContext,
    shared: Arc<Shared>,
    commands: HeapProd<(Control, u8)>,
    shown: HeapCons<PerformanceEvent>,
    news: Receiver<()>,
}

/// What the worker's and the recorder's threads go by.
#[derive(Clone)]
struct ThreadContext {
    shared: Arc<Shared>,
    /// Whether they are to end.
    stop: Arc<AtomicBool>,
    /// Wakes whoever watches. Full means that the watcher has been told already.
    news: Sender<()>,
}

impl Performance {
    /// Works the first answers out, then opens the ports. The first key is answered like any other. The rate of the
    /// cast's clock is replaced by the backend's.
    pub fn start(backend: Box<dyn MidiBackend>, plan: &PortPlan, cast: Cast) -> Result<Performance, PerformanceError> {
        let Cast { harmonizer, second, mut session, sound, recorder } = cast;
        session.clock.rate = backend.rate();
        session.has_own_ports = plan.per_part;
        fault::prepare();
        panics::prepare();
        let shared = Arc::new(Shared::default());
        let (news_in, news) = bounded(1);
        let threads = ThreadContext { shared: Arc::clone(&shared), stop: Arc::default(), news: news_in };
        let (worker, first) = Worker::new(harmonizer, second, &session)?;
        let (worker, queues) = spawn_worker(worker, threads.clone())?;
        let (engine, ends) = Engine::new(Session::new(session), worker.thread().clone(), Arc::clone(&shared));
        let EngineEnds { mut tables, commands, requests, shown, events } = ends;
        let _ = tables.try_push(first); // the queue is new and empty
        let _ = queues.send((tables, requests)); // the thread waits for it
        let recorder = spawn_recorder(recorder, session, events, threads.clone());
        let worker = Some(worker);
        // From here on an error ends the threads, too.
        let mut performance =
            Performance { open: None, worker, recorder: None, threads, shared, commands, shown, news };
        performance.recorder = Some(recorder?);
        performance.open = Some(backend.start(plan, engine, sound.as_ref())?);
        Ok(performance)
    }

    /// The names of our input and output, or of what they are connected to, and whether that is there.
    pub fn ports(&self) -> Option<&PortStatus> {
        self.open.as_ref().map(|open| &open.status)
    }

    /// Looks after the ports: connects again what was plugged in again. Returns whether anything has changed.
    pub fn tend(&mut self) -> bool {
        fault::trip(&self.shared, "main");
        let Some(open) = &mut self.open else { return false };
        let before = open.status.clone();
        open.connections.tend(&mut open.status, &self.shared);
        open.status != before
    }

    /// Has a message when something may have been played or failed since the last one was taken.
    pub fn news(&self) -> &Receiver<()> {
        &self.news
    }

    /// What has been played since it was last asked for.
    pub fn next_shown(&mut self) -> Option<PerformanceEvent> {
        self.shown.try_pop()
    }

    /// Moves a control to a value of 0 to 127. Returns whether it will be; it is not where too many wait, as when the sound
    /// system has stopped calling us.
    pub fn turn(&mut self, control: Control, value: u8) -> bool {
        let is_taken = self.commands.try_push((control, value)).is_ok();
        self.shared.wake_player();
        is_taken
    }

    /// Moves a switch to its other position; pushes what is none.
    pub fn toggle(&mut self, control: Control) {
        let value = if self.status().is_on(control) { 0 } else { 127 };
        self.turn(control, value);
    }

    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// What has ended the performance, if anything has.
    pub fn failure(&self) -> Option<Failure> {
        self.shared.failure()
    }

    /// Why the take is no longer written, if it should be; told once.
    pub fn take_error(&self) -> Option<String> {
        self.shared.take_error()
    }

    pub fn summary(&self) -> Summary {
        self.shared.summary()
    }

    /// Ends every note, waits until the sound system has carried the ends away, and plays nothing until
    /// [`Performance::resume`]. Returns whether it is silent now.
    pub fn pause(&mut self) -> bool {
        let Some(open) = &mut self.open else { return true };
        self.shared.pause();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.shared.is_at_rest() && Instant::now() < deadline {
            self.shared.wake_player();
            open.connections.play_unheard();
            thread::sleep(Duration::from_millis(1));
        }
        let is_silent = self.shared.is_at_rest();
        if is_silent {
            thread::sleep(open.drain);
            open.connections.leave();
        }
        is_silent
    }

    /// Plays again what comes from now on.
    pub fn resume(&mut self) {
        // What was played while nobody listened comes first.
        thread::sleep(self.open.as_ref().map_or(Duration::ZERO, |open| open.drain));
        self.shared.resume();
    }

    /// Ends every note, waits until the sound system has carried the ends away, and closes the ports and the take.
    /// Returns whether the sound system took them.
    pub fn stop(&mut self) -> bool {
        let Some(mut open) = self.open.take() else { return true };
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.shared.is_silent() && Instant::now() < deadline {
            self.shared.request_stop();
            open.connections.play_unheard();
            thread::sleep(Duration::from_millis(1));
        }
        let is_silent = self.shared.is_silent();
        if is_silent {
            thread::sleep(open.drain);
        }
        drop(open);
        self.join();
        is_silent
    }

    fn join(&mut self) {
        self.threads.stop.store(true, Ordering::Release);
        for thread in [self.worker.take(), self.recorder.take()].into_iter().flatten() {
            thread.thread().unpark();
            let _ = thread.join(); // its panic was reported where it was caught
        }
    }
}

impl Drop for Performance {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}

fn spawn_recorder(
    recorder: Option<Recorder>,
    session: Settings,
    events: HeapCons<TakeEvent>,
    context: ThreadContext,
) -> Result<JoinHandle<()>, PerformanceError> {
    let run = move || guard_recording(&context.shared, || record(recorder, session, events, &context));
    let handle = thread::Builder::new().name("recorder".to_owned()).spawn(run);
    handle.map_err(|cause| PerformanceError::Thread { name: "recorder", cause })
}

/// Runs the recorder. Whatever happens there, the music goes on without its take.
fn guard_recording(shared: &Shared, record: impl FnOnce()) {
    if let Err(told) = panics::catch(record) {
        shared.lose_take(&format!("a bug of ours ({told})"));
    }
}

/// The recorder's thread. Without a recorder it empties the queue all the same.
fn record(
    mut recorder: Option<Recorder>,
    session: Settings,
    mut events: HeapCons<TakeEvent>,
    ThreadContext { shared, stop, .. }: &ThreadContext,
) {
    let mut lost = 0;
    loop {
        let is_last = stop.load(Ordering::Acquire);
        let mut result = Ok(());
        while let Some(event) = events.try_pop() {
            fault::trip(shared, "recorder");
            if let (Some(recorder), Ok(())) = (&mut recorder, &result) {
                result = recorder.event(&session, &event);
            }
        }
        if let (Some(recorder), Ok(())) = (&mut recorder, &result) {
            let before = std::mem::replace(&mut lost, shared.summary().unrecorded);
            if lost > before {
                recorder.lost(lost - before);
            }
            result = recorder.flush(is_last);
        }
        if let Err(error) = result {
            // The music goes on without its take.
            recorder = None;
            shared.lose_take(&error.to_string());
        }
        if is_last {
            return;
        }
        thread::park_timeout(RECORD_EVERY);
    }
}

/// Starts the worker's thread. The engine needs the thread to wake it, the worker the engine's queues: they are sent
/// after it.
fn spawn_worker(
    worker: Worker,
    context: ThreadContext,
) -> Result<(JoinHandle<()>, Sender<WorkerQueues>), PerformanceError> {
    let (queues_in, queues) = bounded(1);
    let run = move || {
        if let Ok(queues) = queues.recv() {
            let tell = || {
                let _ = context.news.try_send(());
            };
            worker.run(queues, &context.shared, &context.stop, tell);
            tell();
        }
    };
    let handle = thread::Builder::new().name("worker".to_owned()).spawn(run);
    Ok((handle.map_err(|cause| PerformanceError::Thread { name: "worker", cause })?, queues_in))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::devices::midi::Connections;
    use ringbuf::HeapRb;
    use ringbuf::traits::Split;
    use session::Message;
    use session::clock::{self, ClockSource};

    /// A sound system of this test: a thread that calls the engine every millisecond and strikes a key now and then.
    struct Stand {
        sent: Arc<Mutex<Vec<[u8; 3]>>>,
    }

    struct Standing {
        shared: Arc<Shared>,
        thread: Option<JoinHandle<()>>,
    }

    impl Connections for Standing {
        fn tend(&mut self, _: &mut PortStatus, _: &Arc<Shared>) {}
    }

    impl Drop for Standing {
        fn drop(&mut self) {
            self.shared.request_stop();
            self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
        }
    }

    impl MidiBackend for Stand {
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
            _: &PortPlan,
            _: crossbeam_channel::Sender<[u8; 3]>,
        ) -> Result<Box<dyn std::any::Any>, MidiError> {
            Ok(Box::new(()))
        }

        fn start(
            self: Box<Self>,
            _: &PortPlan,
            mut engine: Engine,
            _: Option<&AudioSettings>,
        ) -> Result<OpenPorts, MidiError> {
            let (shared, sent) = (Arc::clone(engine.shared()), self.sent);
            let thread = thread::spawn(move || {
                let mut send = |message: Message| {
                    sent.lock().unwrap().extend(<[u8; 3]>::try_from(&*message.bytes()));
                    true
                };
                for now in 0.. {
                    engine.begin(now);
                    if now % 200 == 5 {
                        engine.receive(now, &[0x90, 72, 80], Instant::now(), &mut send);
                    }
                    engine.advance(now, &mut send);
                    if engine.shared().is_silent() {
                        return;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            });
            let (input, output) = (String::new(), String::new());
            let status = PortStatus { input, output, ..PortStatus::default() };
            let connections = Box::new(Standing { shared, thread: Some(thread) });
            Ok(OpenPorts { status, drain: Duration::ZERO, connections })
        }
    }

    fn harmonizer() -> Harmonizer {
        Harmonizer::new(Arc::new(network::Model::lstm().unwrap()), harmonizer::Sampling::default())
    }

    fn settings() -> Settings {
        Settings::new(clock::Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 0 })
    }

    /// A performance in which a chord sounds, and what it has sent.
    fn sounding_performance() -> (Performance, Arc<Mutex<Vec<[u8; 3]>>>) {
        let cast = Cast { harmonizer: harmonizer(), second: None, session: settings(), sound: None, recorder: None };
        let sent = Arc::default();
        let live = Performance::start(Box::new(Stand { sent: Arc::clone(&sent) }), &PortPlan::default(), cast).unwrap();
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
    fn whoever_watches_is_woken_by_what_is_played() {
        let (mut live, _) = sounding_performance();
        let mut is_struck = false;
        while !is_struck {
            live.news().recv_timeout(Duration::from_secs(10)).expect("nobody woke us");
            while let Some(event) = live.next_shown() {
                is_struck |= matches!(event, PerformanceEvent::AnsweredNote(_));
            }
        }
    }

    #[test]
    fn a_performance_that_pauses_ends_every_note_and_answers_again_when_it_goes_on() {
        let (mut live, sent) = sounding_performance();
        assert!(live.pause());
        assert_all_ended(&sent);
        let notes = live.summary().notes;
        live.resume();
        while live.summary().notes == notes {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_panic_of_the_worker_is_the_end_of_the_performance_and_of_every_note() {
        let (mut live, sent) = sounding_performance();
        let (worker, _) = Worker::new(harmonizer(), None, &settings()).unwrap();
        let queues = (HeapRb::new(1).split().0, HeapRb::new(1).split().1);
        worker.run(queues, &live.shared, &live.threads.stop, || panic!("a bug of ours, for this test"));
        assert!(matches!(live.failure(), Some(Failure::Panic { thread: "worker", .. })));
        assert!(live.stop(), "it falls silent all the same");
        assert_all_ended(&sent);
    }

    #[test]
    fn a_panic_of_the_recorder_costs_the_take_and_nothing_else() {
        let (mut live, sent) = sounding_performance();
        guard_recording(&live.shared, || panic!("a bug of ours, for this test"));
        let told = live.take_error().unwrap();
        assert!(told.starts_with("a bug of ours (") && live.failure().is_none(), "{told}");
        assert!(live.stop());
        assert_all_ended(&sent);
    }
}
