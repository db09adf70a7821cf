//! Four-part harmony for a soprano, step by step: the same [`harmonizer`] serves files and live playing.

pub mod answer;
pub mod clock;
pub mod config;
pub mod control;
pub mod grid;
pub mod harmonizer;
pub mod json;
pub mod live;
pub mod melody;
pub mod midi;
pub mod model;
pub mod render;
pub mod report;
pub mod routing;
pub mod score;
pub mod search;
pub mod session;
pub mod smf;
pub mod take;
pub mod view;
pub mod worker;
