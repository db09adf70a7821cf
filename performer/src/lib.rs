//! Four-part harmony for a soprano, step by step: the same [`harmonizer`] serves files and live playing.

#[cfg(test)]
#[path = "../../files/src/any_score.rs"]
mod any_score;

pub mod analysis;
pub mod answer;
pub mod arrangement;
pub mod audio;
pub mod clock;
pub mod config;
pub mod control;
pub mod distance;
pub mod explain;
pub mod export;
pub mod guards;
pub mod harmonizer;
pub mod json;
pub mod live;
pub mod midi;
pub mod model;
pub mod musicxml;
pub mod notation;
pub mod page;
mod panics;
pub mod picture;
pub mod render;
pub mod report;
pub mod routing;
pub mod search;
pub mod session;
pub mod synth;
pub mod take;
#[cfg(unix)]
#[allow(unsafe_code)]
pub mod unix;
pub mod view;
pub mod wav;
pub mod worker;

pub use files::{ensemble, grid, melody, score, smf, source};
