//! What the program `performer` is made of besides its command line. To be read in this order:
//!
//! - [`performance`]: starts and stops a performance: the engine of crate `live` on a driver's thread, the worker, the
//!   recorder. The only one that starts them.
//! - [`devices`]: MIDI ports and sound cards. Nothing else knows a driver; its callbacks never allocate, log or wait.
//! - [`study`]: figures of many pieces, for `performer report`. No port and no thread.
//!
//! The command line (`main.rs`, `cli/`) reads arguments, asks and prints; it decides nothing about music.

pub mod devices;
pub mod performance;
pub mod study;
