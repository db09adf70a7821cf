//! The choice of a sound system, shared by `play` and `ports`.

use anyhow::{Result, anyhow};
use performer::devices::midi::{MidiBackend, MidiError, SystemMidi};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum MidiSystem {
    /// The operating system's own MIDI
    #[cfg_attr(target_os = "macos", value(name = "coremidi"))]
    #[cfg_attr(windows, value(name = "winmm"))]
    #[cfg_attr(not(any(target_os = "macos", windows)), value(name = "alsa"))]
    System,
    /// A JACK server, or PipeWire in its place
    #[cfg(feature = "jack")]
    Jack,
}

#[derive(clap::Args, Clone)]
pub struct MidiOptions {
    /// The sound system to use. Left out: the operating system's own, or JACK where that is missing
    #[arg(long, value_enum, value_name = "SYSTEM")]
    midi: Option<MidiSystem>,
}

impl MidiOptions {
    pub fn open(&self) -> Result<Box<dyn MidiBackend>> {
        match self.midi {
            Some(system) => Ok(open(system)?),
            None => open(MidiSystem::System).or_else(open_instead),
        }
    }
}

fn open(system: MidiSystem) -> Result<Box<dyn MidiBackend>, MidiError> {
    match system {
        MidiSystem::System => Ok(Box::new(SystemMidi::open()?)),
        #[cfg(feature = "jack")]
        MidiSystem::Jack => Ok(Box::new(performer::devices::midi::JackMidi::open()?)),
    }
}

#[cfg(feature = "jack")]
fn open_instead(first: MidiError) -> Result<Box<dyn MidiBackend>> {
    open(MidiSystem::Jack).map_err(|second| anyhow!("no MIDI here\n{first}\n{second}"))
}

#[cfg(not(feature = "jack"))]
fn open_instead(first: MidiError) -> Result<Box<dyn MidiBackend>> {
    Err(anyhow!("no MIDI here\n{first}"))
}
