//! Trains the harmony networks on the Bach chorales with candle and exports them to ONNX.
//!
//! The way through a run, in reading order: [`dataset`] reads the chorales, [`augment`] varies them, [`settings`] says
//! what to train, [`features`] what goes in, [`network`] (heads) with [`wavenet`] or [`lstm`] (trunk) is what is
//! trained, [`train`] is the loop, [`likelihood`] measures T, [`sample`] shows a bar, and [`export`] writes the ONNX file
//! that the performer plays from.

pub mod augment;
pub mod checkpoint;
pub mod curve;
pub mod dataset;
pub mod export;
pub mod features;
pub mod layers;
pub mod likelihood;
pub mod logits;
pub mod lstm;
pub mod network;
pub mod onnx;
pub mod optimizer;
mod parallel;
pub mod sample;
pub mod settings;
pub mod train;
pub mod wavenet;
