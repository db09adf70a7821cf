//! The choice of notes: from a network's logits to chords, step by step or with the whole melody in view.
//!
//! ```
//! use std::sync::Arc;
//!
//! use chorale::{Chord, Phase, Pitch, Token};
//! use harmonizer::{Harmonizer, Purpose, Sampling};
//! use network::Model;
//!
//! # fn main() -> Result<(), network::ModelError> {
//! let model = Arc::new(Model::wavenet()?);
//! let sampling = Sampling::of(&model, Purpose::Live);
//! let mut harmonizer = Harmonizer::new(model, sampling);
//! harmonizer.step(Chord::START, Phase::in_bar(0))?;
//! let soprano = Pitch::new(72).and_then(Token::from_pitch).unwrap();
//! let chord = harmonizer.answer(soprano)?;
//! assert_eq!(chord.0[0], soprano);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here knows of files, ports or time: the same network, seed and notes give the same chords on every machine.
//! Without the feature `parallel` no thread is started.

mod bound;
mod constraints;
mod generate;
mod guards;
mod harmonizer;
pub mod parallel;
pub mod phrasing;
mod sampling;
pub mod search;
mod stepwise;
#[cfg(test)]
mod test_steps;

pub use constraints::{Constraints, OutOfReach};
pub use generate::{Outline, generate};
pub use guards::{Purpose, critic_of, guard, guard_for};
pub use harmonizer::{Harmonizer, Limits, StepRules};
pub use sampling::Sampling;
pub use stepwise::{HarmonizeError, harmonize};
