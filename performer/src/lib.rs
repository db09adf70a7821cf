//! Four-part harmony for a soprano, step by step: the same [`harmonizer`] serves files and live playing.

pub mod answer;
pub mod harmonizer;
pub mod live;
pub mod midi;
pub mod model;
pub mod session;
pub mod worker;
