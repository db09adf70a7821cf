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
pub mod serve;
mod share;
mod targets;

/// Harmonizes a soprano in the manner of Bach, live over MIDI and offline from files.
#[derive(clap::Parser)]
#[command(name = "performer", version)]
pub enum Command {
    Render(render::Args),
    Generate(generate::Args),
    Explain(explain::Args),
    Inspect(inspect::Args),
    Play(play::Args),
    Serve(serve::Args),
    Ports(ports::Args),
    Learn(learn::Args),
    Replay(replay::Args),
    Report(Box<report::Args>),
}

impl Command {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Command::Render(args) => render::run(args),
            Command::Generate(args) => generate::run(args),
            Command::Explain(args) => explain::run(args),
            Command::Inspect(args) => inspect::run(args),
            Command::Play(args) => play::run(args),
            Command::Serve(args) => serve::run(args),
            Command::Ports(args) => ports::run(args),
            Command::Learn(args) => learn::run(args),
            Command::Replay(args) => replay::run(args),
            Command::Report(args) => report::run(*args),
        }
    }
}
