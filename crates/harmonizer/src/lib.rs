//! The choice of notes: from a network's logits to chords, step by step or with the whole melody in view.

mod arrangement;
mod generate;
mod guards;
mod harmonizer;
pub mod parallel;
pub mod search;
mod stepwise;

pub use arrangement::{Arrangement, OutOfReach};
pub use generate::generate;
pub use guards::{Purpose, guard, guard_for};
pub use harmonizer::{Candidate, Harmonizer, Limits, Sampling};
pub use stepwise::{HarmonizeError, harmonize};
