//! A live performance as a pure function: events and times in, events out. No port, thread, file or network.

#![forbid(unsafe_code)]

mod answer;
pub mod clock;
pub mod config;
pub mod control;
mod routing;
mod session;

pub use answer::AnswerTable;
pub use clock::Time;
pub use routing::{Message, Route, Routing};
pub use session::{BINDINGS, Below, Counts, KeyboardSplit, SPLIT_CHANNEL, Session, Settings, TableRequest};
