//! Scores and live notes as sound.

#![forbid(unsafe_code)]

mod organ;
pub mod wav;

pub use organ::Organ;
