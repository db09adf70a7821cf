//! MIDI ports and sound cards. Nothing else may know a driver; callbacks never allocate, lock, log or wait.

pub mod audio;
pub mod midi;
#[cfg(unix)]
#[allow(unsafe_code)]
pub mod unix;
