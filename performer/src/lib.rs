//! What the program `performer` is made of besides its command line.

pub mod devices;
pub mod performance;
pub mod study;
