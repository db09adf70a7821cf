//! The co-performer in a browser page: one module of WebAssembly behind a plain C interface, which imports nothing.
//!
//! A page runs it three times, each where it is wanted: [`Live`] in a worker that plays, [`Studio`] in a worker that
//! harmonizes files, [`OrganBlock`] in an audio worklet. `abi.rs` is what JavaScript calls, `call.rs` what it may ask;
//! README.md beside it has both for readers of JavaScript. There are no threads, files or clocks here: every call says
//! what time it is.

mod abi;
mod call;
mod live;
mod organ;
mod piece;
mod studio;

pub use call::Page;
pub use live::{Live, LiveError, LiveSettings, Reply};
pub use organ::OrganBlock;
pub use studio::Studio;
