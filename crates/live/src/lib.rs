//! A session joined to the network: the [`Worker`] that fills its tables, the [`Engine`] that plays it between wait-free
//! queues, and [`take`]s that can be played again.
//!
//! No port, driver or thread is opened here: a program, a plugin and a page bring their own and call. Only the take's
//! recorder writes files, which a page leaves out.
//!
//! One note in, four notes out, and the table for the next step worked out:
//!
//! ```
//! use std::sync::Arc;
//!
//! use harmonizer::{Harmonizer, Sampling};
//! use live::Worker;
//! use network::Model;
//! use session::clock::{self, ClockSource};
//! use session::{Session, Settings};
//!
//! let harmonizer = Harmonizer::new(Arc::new(Model::lstm()?), Sampling::default());
//! let clock = clock::Settings { source: ClockSource::Internal, rate: 1000.0, tempo: 72.0, first: 0 };
//! let settings = Settings::new(clock);
//! let mut session = Session::new(settings);
//! let (mut worker, first_table) = Worker::new(harmonizer, None, &settings)?;
//! session.table(0, &first_table);
//!
//! session.midi(5, &[0x90, 67, 80]);
//! let mut notes = 0;
//! while let Some(message) = session.next_message() {
//!     notes += u32::from(message.is_note_on());
//!     session.sent();
//! }
//! assert_eq!(notes, 4);
//!
//! while let Some(request) = session.next_request() {
//!     worker.follow(&request)?;
//! }
//! assert_eq!(worker.table()?.unwrap().step, 1);
//! # Ok::<(), network::ModelError>(())
//! ```

#![forbid(unsafe_code)]

mod engine;
#[doc(hidden)]
pub mod fault;
mod naming;
mod shared;
pub mod take;
mod work;
mod worker;

pub use engine::{Engine, EngineEnds};
pub use naming::Naming;
pub use shared::{AnsweredNote, Failure, PerformanceEvent, Shared, Status, Summary};
pub use work::WorkerQueues;
pub use worker::Worker;
