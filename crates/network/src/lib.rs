//! The networks at run time: what never changes ([`Model`]) and what changes at each step ([`State`]).
//!
//! A step has two halves: the trunk, run once, gives a [`Context`]; the head of each part is run on it for as many rows
//! (sopranos) at once as one likes. What the trainer writes is run by arithmetic of our own ([`Runtime::Fused`]), any
//! other file that keeps the contract of models/README.md by tract, in a build with the feature `tract`.
//!
//! ```
//! use chorale::{Chord, Part, Phase};
//! use network::{Context, Model, Row};
//!
//! let model = Model::lstm()?;
//! let (mut state, mut context, mut logits) = (model.start(), Context::default(), Vec::new());
//! // The trunk takes what sounded in the step before; the heads are asked what follows.
//! model.step(&mut [&mut state], &[Chord::START], Phase::in_bar(0), &mut context)?;
//! model.logits(Part::Soprano, &mut context, &[Row { state: 0, given: Chord::SILENCE }], &mut logits)?;
//! assert_eq!(logits.len(), 47);
//! # Ok::<(), network::ModelError>(())
//! ```
//!
//! In reading order: [`Model`], [`State`], `recipe` (which files are ours), `layers` with `wavenet` or `lstm` (trunk) and
//! `head`, and what they are made of: `conv_queue`, `embedding`, `linear`, `logit_groups`; `reference` (tract).

mod conv_queue;
mod embedding;
mod head;
mod layers;
mod linear;
mod logit_groups;
mod lstm;
mod model;
mod recipe;
#[cfg(feature = "tract")]
mod reference;
mod state;
#[cfg(test)]
mod tiny;
mod wavenet;

pub use model::{Architecture, Model, ModelError, Runtime};
pub use state::{Context, Row, State};
