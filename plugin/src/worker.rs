//! The worker's thread: the only one of an instance that runs the networks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle, Thread};

use live::{Engine, EngineEnds, Failure, Shared, Worker};
use network::ModelError;
use ringbuf::traits::{Consumer, Producer};
use ringbuf::{HeapCons, HeapProd};
use session::{AnswerTable, Session, TableRequest};

/// The engine's queues, as far as they are the worker's.
type Queues = (HeapProd<AnswerTable>, HeapCons<TableRequest>);

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
                run(worker, queues, &context.0, &context.1);
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

/// Works until the end; what goes wrong is told, and the harmony stays where it is.
fn run(mut worker: Worker, mut queues: Queues, shared: &Shared, stop: &AtomicBool) {
    match panics::catch(|| work(&mut worker, &mut queues, stop)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => shared.fail(Failure::Worker(error.to_string())),
        Err(told) => shared.fail(Failure::Panic { thread: "worker", told }),
    }
}

fn work(worker: &mut Worker, (tables, requests): &mut Queues, stop: &AtomicBool) -> Result<(), ModelError> {
    while !stop.load(Ordering::Acquire) {
        let mut is_new = false;
        while let Some(request) = requests.try_pop() {
            worker.follow(&request)?;
            is_new = true;
        }
        if !is_new {
            thread::park();
            continue;
        }
        // The one for the step to come is the last, by which whoever waits knows that all are there.
        for table in [worker.present_table()?, worker.table()?].into_iter().flatten() {
            // The queue is full only if the host has stopped calling us. Then this table is stale anyway.
            let _ = tables.try_push(table);
        }
    }
    Ok(())
}
