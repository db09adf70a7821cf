//! The contract between the trainer, which writes networks, and those who run them: what an ONNX file holds
//! (models/README.md says the same in words).
//!
//! Nothing here trains or runs a network.

#![forbid(unsafe_code)]

pub mod graph;
pub mod half;
pub mod metadata;
pub mod onnx;
mod state;

pub use state::StateContract;

/// Operator set of the files. What is used of it has been stable since 13.
pub const OPSET: i64 = 17;
/// Version of ONNX's own format.
pub const IR_VERSION: i64 = 8;
