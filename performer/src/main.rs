//! `performer`: harmonizes a soprano in the manner of Bach, live and offline.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever would read it may have left.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Harmonizes a soprano in the manner of Bach, live over MIDI and offline from files.
#[derive(Parser)]
#[command(name = "performer", version, disable_help_subcommand = true)]
enum Command {
    Render(cli::render::Args),
    Generate(cli::generate::Args),
    Explain(cli::explain::Args),
    Inspect(cli::inspect::Args),
    Play(cli::play::Args),
    Ports(cli::ports::Args),
    Learn(cli::learn::Args),
    Replay(cli::replay::Args),
    Report(Box<cli::report::Args>),
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Render(args) => cli::render::run(args),
        Command::Generate(args) => cli::generate::run(args),
        Command::Explain(args) => cli::explain::run(args),
        Command::Inspect(args) => cli::inspect::run(args),
        Command::Play(args) => cli::play::run(args),
        Command::Ports(args) => cli::ports::run(args),
        Command::Learn(args) => cli::learn::run(args),
        Command::Replay(args) => cli::replay::run(args),
        Command::Report(args) => cli::report::run(*args),
    }
}
