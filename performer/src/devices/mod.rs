//! MIDI ports, sound cards and what else is asked of the operating system. Nothing outside this folder knows a driver;
//! its callbacks never allocate, log or wait, for a lock or anything else.

pub mod audio;
pub mod midi;
pub mod socket;
#[cfg(unix)]
#[allow(unsafe_code)]
pub mod unix;
