use std::io::Write;

use anyhow::Result;

use super::midi::MidiOptions;

/// List the MIDI ports that `play` can be connected to.
///
/// `performer play --input` and `--output` take a name from this list, a part of a name, or its number.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer ports
  performer ports --midi jack
  performer play --input keystation --output 2")]
pub struct Args {
    #[command(flatten)]
    midi: MidiOptions,
}

pub fn run(args: Args) -> Result<()> {
    let backend = args.midi.open()?;
    let ports = backend.ports()?;
    eprintln!("{} ports", backend.name());
    let mut out = std::io::stdout().lock();
    for (title, names) in [("inputs", &ports.inputs), ("outputs", &ports.outputs)] {
        writeln!(out, "{title}:{}", if names.is_empty() { " none" } else { "" })?;
        for (number, name) in (1..).zip(names) {
            writeln!(out, "  {number} {name}")?;
        }
    }
    Ok(())
}
