//! The networks at run time: what never changes ([`Model`]) and what changes at each step ([`State`]).

mod model;

pub use model::{Architecture, Context, Model, ModelError, Row, State};
