//! Four-part harmony for a soprano, step by step: the same [`harmonizer`] serves files and live playing.

pub mod analysis;
pub mod answer;
pub mod explain;
pub mod export;
pub mod grid;
pub mod harmonizer;
pub mod json;
pub mod live;
pub mod melody;
pub mod midi;
pub mod model;
pub mod musicxml;
pub mod notation;
pub mod page;
pub mod picture;
pub mod render;
pub mod report;
pub mod score;
pub mod search;
pub mod session;
pub mod smf;
pub mod source;
pub mod synth;
pub mod view;
pub mod wav;
pub mod worker;
