//! The command line: one module a subcommand, each with its `Args` and `run`.

mod again;
pub mod batch;
pub mod discriminator;
pub mod explain;
pub mod generate;
pub mod inspect;
pub mod learn;
pub mod midi;
pub mod options;
pub mod output;
pub mod play;
pub mod ports;
pub mod render;
pub mod replay;
pub mod report;
pub mod screen;
mod targets;
