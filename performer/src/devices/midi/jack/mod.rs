//! JACK, or PipeWire in its place. The session runs in the process callback: the answer leaves in the cycle and at the
//! very frame of the note it answers.

mod connections;
mod notifications;
mod process;

use std::any::Any;
use std::time::Duration;

use connections::{JackConnections, WantedPorts, connect, refused};
use crossbeam_channel::Sender;
use jack::{Client, ClientOptions, ClientStatus, MidiIn, PortFlags, ProcessScope};
use live::Engine;
pub use process::Cycle;
use process::own_sound;

use super::{
    CLIENT, INPUT_PORT, MidiBackend, MidiError, OpenPorts, PortPlan, PortStatus, Ports, Side, find_port, hand_on,
};
use crate::devices::audio::AudioSettings;

const SYSTEM: &str = "JACK";
/// JACK's name for the type of MIDI ports.
const MIDI_TYPE: &str = "8 bit raw midi";

pub struct JackMidi {
    client: Client,
}

impl JackMidi {
    /// Becomes a client of the server that runs; it starts none.
    pub fn open() -> Result<JackMidi, MidiError> {
        match Client::new(CLIENT, ClientOptions::NO_START_SERVER) {
            Ok((client, _)) => Ok(JackMidi { client }),
            Err(jack::Error::LibraryError(cause)) => Err(MidiError::Unavailable {
                system: SYSTEM,
                cause: format!("its library can't be loaded ({cause})"),
                hint: "install libjack-jackd2-0 or pipewire-jack".to_owned(),
            }),
            Err(jack::Error::ClientError(status)) if status.contains(ClientStatus::SERVER_FAILED) => {
                Err(MidiError::Unavailable {
                    system: SYSTEM,
                    cause: "no server runs".to_owned(),
                    hint: "start one (jackd, qjackctl), or with PipeWire: pw-jack performer ...".to_owned(),
                })
            }
            Err(error) => Err(MidiError::Unavailable {
                system: SYSTEM,
                cause: error.to_string(),
                hint: "is the server run by another user?".to_owned(),
            }),
        }
    }

    fn names(&self, flags: PortFlags) -> Vec<String> {
        let mut names = self.client.ports(None, Some(MIDI_TYPE), flags);
        let ours = format!("{}:", self.client.name());
        names.retain(|name| !name.starts_with(&ours));
        names
    }

    /// The ports that the plan names.
    fn find(&self, plan: &PortPlan) -> Result<WantedPorts, MidiError> {
        let Ports { inputs, outputs } = self.ports()?;
        let find = |side, names: &[String], wanted: &Option<String>| {
            wanted.as_ref().map(|wanted| find_port(side, names, wanted).map(|index| names[index].clone())).transpose()
        };
        Ok(WantedPorts {
            source: find(Side::Input, &inputs, &plan.input)?,
            clock: find(Side::Input, &inputs, &plan.clock_input)?,
            destination: find(Side::Output, &outputs, &plan.output)?,
        })
    }

    /// Three periods: the cycle that writes, the one that carries, and one for luck.
    fn drain(&self) -> Duration {
        let period = f64::from(self.client.buffer_size()) / f64::from(self.client.sample_rate());
        Duration::from_secs_f64(3.0 * period).max(Duration::from_millis(50))
    }
}

impl MidiBackend for JackMidi {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn ports(&self) -> Result<Ports, MidiError> {
        Ok(Ports { inputs: self.names(PortFlags::IS_OUTPUT), outputs: self.names(PortFlags::IS_INPUT) })
    }

    fn rate(&self) -> f64 {
        f64::from(self.client.sample_rate())
    }

    fn listen(self: Box<Self>, plan: &PortPlan, messages: Sender<[u8; 3]>) -> Result<Box<dyn Any>, MidiError> {
        let source = self.find(&PortPlan { input: plan.input.clone(), ..PortPlan::default() })?.source;
        let ours = format!("{}:{INPUT_PORT}", self.client.name());
        let failed = refused(Side::Input, &ours);
        let input = self.client.register_port(INPUT_PORT, MidiIn::default()).map_err(&failed)?;
        let handler = jack::contrib::ClosureProcessHandler::new(move |_: &Client, scope: &ProcessScope| {
            input.iter(scope).for_each(|event| hand_on(&messages, event.bytes));
            jack::Control::Continue
        });
        let active = self.client.activate_async((), handler).map_err(&failed)?;
        if let Some(source) = source {
            connect(active.as_client(), &source, &ours).map_err(failed)?;
        }
        Ok(Box::new(active))
    }

    fn start(
        self: Box<Self>,
        plan: &PortPlan,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<OpenPorts, MidiError> {
        let wanted = self.find(plan)?;
        let drain = self.drain();
        let sound = sound.map(|settings| own_sound(self.client.sample_rate(), settings)).transpose()?;
        let sounds_through = sound.is_some().then(|| format!("{CLIENT}:{}", process::SOUND_PORTS.join(", ")));
        let connections = JackConnections::open(self.client, plan.output_ports(), wanted, engine, sound)?;
        let mut status = PortStatus {
            has_sound: sounds_through.is_some(),
            sound: sounds_through,
            has_server: true,
            has_input: true,
            has_clock: true,
            has_output: true,
            ..PortStatus::default()
        };
        connections.describe(&mut status);
        Ok(OpenPorts { status, drain, connections: Box::new(connections) })
    }
}
