//! A session joined to the network: the worker that fills its tables, and takes that can be played again.

#![forbid(unsafe_code)]

pub mod take;
mod worker;

pub use worker::Worker;
