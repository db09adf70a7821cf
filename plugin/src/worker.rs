//! The worker's thread: the only one of an instance that runs the networks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle, Thread};

use live::{Engine, EngineEnds, Shared, Worker};
use session::Session;

/// A worker at work. Dropping it ends its thread.
pub struct Work {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Work {
    /// Starts the thread, and an engine that asks it.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(worker: Worker, session: Session) -> Result<(Work, Engine), std::io::Error> {
        let (shared, stop) = (Arc::new(Shared::default()), Arc::new(AtomicBool::new(false)));
        let (hand_over, queues) = mpsc::channel();
        let context = (Arc::clone(&shared), Arc::clone(&stop));
        let thread = thread::Builder::new().name("chorale worker".to_owned()).spawn(move || {
            if let Ok(queues) = queues.recv() {
                worker.run(queues, &context.0, &context.1, || ());
            }
        })?;
        let woken: Thread = thread.thread().clone();
        let (engine, EngineEnds { tables, requests, .. }) = Engine::new(session, woken, shared);
        let _ = hand_over.send((tables, requests)); // the thread waits for it
        Ok((Work { stop, thread: Some(thread) }, engine))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join(); // its panic was caught
        }
    }
}
