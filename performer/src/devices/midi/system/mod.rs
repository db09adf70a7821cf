//! The operating system's own MIDI through midir: ALSA on Linux, CoreMIDI on macOS, WinMM on Windows.
//!
//! The session and the outputs are a [`SharedEngine`], which is locked by whoever has something to play: midir's callback
//! with a message, which it answers itself, and a thread of ours, which sleeps until the next table or step. The callback
//! never waits for the lock: should the thread have it, the message is in a queue already, and the thread plays it.

mod connections;
mod ports;

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use connections::{InputPort, SystemConnections};
use crossbeam_channel::Sender;
use live::Engine;
use midir::{MidiInput, MidiInputPort, MidiOutput, MidiOutputPort};
use ports::{choose, input_ports, new_input, new_output, output_ports, own_input, own_outputs, shown_name};

use super::playing::{Carrier, DRAIN, Inbox, InputRole, NANOSECONDS, Outputs, PlayingThread, SharedEngine};
use super::{
    CLOCK_PORT, INPUT_PORT, MidiBackend, MidiError, OUTPUT_PORT, OpenPorts, PortPlan, PortStatus, Ports, Side,
    find_port, hand_on,
};
use crate::devices::audio::{AudioSettings, SoundOutput};

const SYSTEM: &str = if cfg!(target_os = "macos") {
    "CoreMIDI"
} else if cfg!(windows) {
    "WinMM"
} else {
    "ALSA"
};

pub struct SystemMidi {
    input: MidiInput,
    output: MidiOutput,
}

impl SystemMidi {
    pub fn open() -> Result<SystemMidi, MidiError> {
        #[cfg(target_os = "linux")]
        check_sequencer()?;
        Ok(SystemMidi { input: new_input().map_err(unavailable)?, output: new_output().map_err(unavailable)? })
    }
}

/// Real-time: called by midir with one whole message.
fn receive(_: u64, bytes: &[u8], inbox: &mut Inbox) {
    inbox.receive(bytes);
    inbox.ask_for_real_time();
}

fn unavailable(error: midir::InitError) -> MidiError {
    MidiError::Unavailable {
        system: SYSTEM,
        cause: error.to_string(),
        hint: "does any other MIDI program work?".to_owned(),
    }
}

/// midir only says that it failed, and libasound writes to stderr when it does: look for the cause first.
#[cfg(target_os = "linux")]
fn check_sequencer() -> Result<(), MidiError> {
    use std::io::ErrorKind;

    const DEVICE: &str = "/dev/snd/seq";
    let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open(DEVICE) else { return Ok(()) };
    let hint = match error.kind() {
        ErrorKind::NotFound => "load its kernel module (sudo modprobe snd-seq), or use --midi jack",
        ErrorKind::PermissionDenied => {
            "join the group audio (sudo usermod -aG audio $USER, then log in again), or use --midi jack"
        }
        _ => "use --midi jack",
    };
    Err(MidiError::Unavailable { system: SYSTEM, cause: format!("{DEVICE}: {error}"), hint: hint.to_owned() })
}

impl MidiBackend for SystemMidi {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn ports(&self) -> Result<Ports, MidiError> {
        Ok(Ports { inputs: input_ports(&self.input).1, outputs: output_ports(&self.output).1 })
    }

    fn rate(&self) -> f64 {
        NANOSECONDS
    }

    fn listen(self: Box<Self>, plan: &PortPlan, messages: Sender<[u8; 3]>) -> Result<Box<dyn Any>, MidiError> {
        let input = self.input;
        let (ports, names) = input_ports(&input);
        let index = choose(Side::Input, &names, &plan.input, false)?.unwrap_or_default();
        let received = move |_, bytes: &[u8], (): &mut ()| hand_on(&messages, bytes);
        let receiver = input.connect(&ports[index], INPUT_PORT, received, ());
        Ok(Box::new(receiver.map_err(|error| refused(Side::Input, &names[index], error))?))
    }

    fn start(
        self: Box<Self>,
        plan: &PortPlan,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<OpenPorts, MidiError> {
        let wanted = WantedPorts::find(&self, plan)?;
        let (senders, output_name) = wanted.open_output(plan)?;
        let mut status = wanted.status(plan, output_name);
        if wanted.destination.is_some() {
            engine.shared().regain_output();
        }
        let shared = Arc::clone(engine.shared());
        let (sound, instrument) = sound.map(|settings| SoundOutput::start(settings, &shared)).transpose()?.unzip();
        status.sound = sound.as_ref().and_then(|sound| sound.description().map(str::to_owned));
        status.has_sound = sound.is_some();

        let carriers = senders.into_iter().map(|sender| Box::new(sender) as Box<dyn Carrier>).collect();
        let outputs = Outputs::new(carriers, instrument);
        let (engine, [keyboard_inbox, clock_inbox]) = SharedEngine::new(engine, outputs, Instant::now());
        let (player, replacements) = PlayingThread::start(engine, shared)?;
        let mut inputs =
            vec![wanted.open_input(wanted.source.as_ref(), player.inbox(keyboard_inbox, InputRole::Keyboard))?];
        if status.clock.is_some() {
            inputs.push(wanted.open_input(wanted.clock.as_ref(), player.inbox(clock_inbox, InputRole::Clock))?);
        }
        let destination = wanted.destination.map(|port| port.name);
        let SystemMidi { input, output } = *self;
        let connections = SystemConnections {
            inputs,
            destination,
            replacements,
            player,
            sound,
            input_lister: input,
            output_lister: output,
        };
        Ok(OpenPorts { status, drain: DRAIN, connections: Box::new(connections) })
    }
}

/// A port of another program or a device.
struct FoundPort<P> {
    port: P,
    name: String,
}

/// The ports that the plan names or leaves no choice of; `None` for ports of our own.
struct WantedPorts {
    source: Option<FoundPort<MidiInputPort>>,
    clock: Option<FoundPort<MidiInputPort>>,
    destination: Option<FoundPort<MidiOutputPort>>,
}

impl WantedPorts {
    fn find(system: &SystemMidi, plan: &PortPlan) -> Result<WantedPorts, MidiError> {
        let inputs = input_ports(&system.input);
        let outputs = output_ports(&system.output);
        if plan.per_part && plan.output.is_some() {
            return Err(MidiError::PerPart(plan.output_ports()));
        }
        let source = choose(Side::Input, &inputs.1, &plan.input, plan.own_ports)?;
        let clock = plan.clock_input.as_ref().map(|wanted| find_port(Side::Input, &inputs.1, wanted)).transpose()?;
        let destination = choose(Side::Output, &outputs.1, &plan.output, plan.own_ports || plan.per_part)?;
        let input = |index: usize| FoundPort { port: inputs.0[index].clone(), name: inputs.1[index].clone() };
        let output = |index: usize| FoundPort { port: outputs.0[index].clone(), name: outputs.1[index].clone() };
        Ok(WantedPorts { source: source.map(input), clock: clock.map(input), destination: destination.map(output) })
    }

    /// The outputs, and their names in one.
    fn open_output(&self, plan: &PortPlan) -> Result<(Vec<midir::MidiOutputConnection>, String), MidiError> {
        let output = new_output().map_err(unavailable)?;
        let Some(FoundPort { port, name }) = &self.destination else {
            return own_outputs(output, &plan.output_ports());
        };
        let sender = output.connect(port, OUTPUT_PORT).map_err(|error| refused(Side::Output, name, error))?;
        Ok((vec![sender], name.clone()))
    }

    fn open_input(&self, from: Option<&FoundPort<MidiInputPort>>, inbox: Inbox) -> Result<InputPort, MidiError> {
        let (input, role) = (new_input().map_err(unavailable)?, inbox.role());
        let receiver = match from {
            Some(FoundPort { port, name }) => {
                input.connect(port, role.port(), receive, inbox).map_err(|error| refused(Side::Input, name, error))?
            }
            None => own_input(input, inbox)?,
        };
        Ok(InputPort { receiver: Some(receiver), source: from.map(|from| from.name.clone()), role })
    }

    fn status(&self, plan: &PortPlan, output: String) -> PortStatus {
        let name = |port: &Option<FoundPort<MidiInputPort>>| port.as_ref().map(|port| port.name.clone());
        PortStatus {
            input: name(&self.source).unwrap_or_else(|| shown_name(INPUT_PORT)),
            clock: name(&self.clock).or_else(|| plan.own_clock_port.then(|| shown_name(CLOCK_PORT))),
            output,
            has_server: true,
            has_input: true,
            has_clock: true,
            has_output: true,
            ..PortStatus::default()
        }
    }
}

fn refused<T>(side: Side, port: &str, error: midir::ConnectError<T>) -> MidiError {
    MidiError::Connect { side, port: port.to_owned(), cause: error.to_string() }
}
