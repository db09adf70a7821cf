//! `performer`: harmonizes a soprano in the manner of Bach, live and offline.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use cli::Command;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever would read it may have left.
            let _ = writeln!(io::stderr(), "error: {}", cli::output::in_words(&error));
            ExitCode::FAILURE
        }
    }
}
