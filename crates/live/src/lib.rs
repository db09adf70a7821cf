//! A session joined to the network: the worker that fills its tables, the engine that plays it between wait-free queues,
//! and takes that can be played again.

#![forbid(unsafe_code)]

mod engine;
#[doc(hidden)]
pub mod fault;
mod shared;
pub mod take;
mod worker;

pub use engine::{Engine, EngineEnds};
pub use shared::{AnsweredNote, Failure, PerformanceEvent, Shared, Status, Summary};
pub use worker::Worker;
