//! A worker on a thread of its own, which whoever plays opens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use network::ModelError;
use ringbuf::traits::{Consumer, Producer};
use ringbuf::{HeapCons, HeapProd};
use session::{AnswerTable, TableRequest};

use crate::fault;
use crate::shared::{Failure, Shared};
use crate::worker::Worker;

/// The engine's queues, as far as they are the worker's.
pub type WorkerQueues = (HeapProd<AnswerTable>, HeapCons<TableRequest>);

impl Worker {
    /// Works until `stop`, asleep while there is nothing to do. `awake` is called whenever the thread wakes: the engine
    /// wakes it for whatever there is to show, too. What goes wrong, a panic too, ends it and is told to `shared`.
    pub fn run(mut self, mut queues: WorkerQueues, shared: &Shared, stop: &AtomicBool, awake: impl Fn()) {
        match panics::catch(|| self.work(&mut queues, shared, stop, awake)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => shared.fail(Failure::Worker(error.to_string())),
            Err(told) => shared.fail(Failure::Panic { thread: "worker", told }),
        }
    }

    /// Of several requests that came meanwhile only the last is worth a table.
    fn work(
        &mut self,
        (tables, requests): &mut WorkerQueues,
        shared: &Shared,
        stop: &AtomicBool,
        awake: impl Fn(),
    ) -> Result<(), ModelError> {
        while !stop.load(Ordering::Acquire) {
            awake();
            let mut is_new = false;
            while let Some(request) = requests.try_pop() {
                fault::trip(shared, "worker");
                self.follow(&request)?;
                is_new = true;
            }
            if !is_new {
                thread::park();
                continue;
            }
            // That of the step to come is the last, by which whoever waits knows that all are there.
            for table in [Worker::present_table, Worker::table] {
                if let Some(table) = table(self)? {
                    // The queue is full only if the sound system has stopped calling us. Then this table is stale anyway.
                    let _ = tables.try_push(table);
                    shared.wake_player();
                }
            }
        }
        Ok(())
    }
}
