//! JACK, or PipeWire in its place. The session runs in the process callback: the answer leaves in the cycle and at the
//! very frame of the note it answers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use jack::{
    AsyncClient, AudioOut, Client, ClientOptions, ClientStatus, Frames, MidiIn, MidiOut, MidiWriter, Port, PortFlags,
    PortId, ProcessScope, RawMidi,
};

use super::{Backend, CLIENT, Connections, INPUT_PORT, Links, MidiError, Ports, Running, Side, Wiring, find_port};
use crate::audio::{AudioError, AudioSettings, Instrument};
use crate::live::{Control, Engine, Failure};
use crate::session::{Message, Time};

const SYSTEM: &str = "JACK";
/// JACK's name for the type of MIDI ports.
const MIDI_TYPE: &str = "8 bit raw midi";

pub struct Jack {
    client: Client,
}

impl Jack {
    /// Becomes a client of the server that runs; it starts none.
    pub fn open() -> Result<Jack, MidiError> {
        match Client::new(CLIENT, ClientOptions::NO_START_SERVER) {
            Ok((client, _)) => Ok(Jack { client }),
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
}

impl Backend for Jack {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn ports(&self) -> Result<Ports, MidiError> {
        Ok(Ports { inputs: self.names(PortFlags::IS_OUTPUT), outputs: self.names(PortFlags::IS_INPUT) })
    }

    fn rate(&self) -> f64 {
        f64::from(self.client.sample_rate())
    }

    fn listen(self: Box<Self>, wiring: &Wiring, messages: Sender<Vec<u8>>) -> Result<Box<dyn Any>, MidiError> {
        let names = self.ports()?.inputs;
        let source = wiring.input.as_ref().map(|wanted| find_port(Side::Input, &names, wanted)).transpose()?;
        let ours = format!("{}:{INPUT_PORT}", self.client.name());
        let failed =
            |error: jack::Error| MidiError::Connect { side: Side::Input, port: ours.clone(), cause: error.to_string() };
        let input = self.client.register_port(INPUT_PORT, MidiIn::default()).map_err(failed)?;
        let handler = jack::contrib::ClosureProcessHandler::new(move |_: &Client, scope: &ProcessScope| {
            for event in input.iter(scope) {
                // Nobody listens any more when the receiver is gone.
                let _ = messages.send(event.bytes.to_vec());
            }
            jack::Control::Continue
        });
        let active = self.client.activate_async((), handler).map_err(failed)?;
        if let Some(index) = source {
            connect(active.as_client(), &names[index], &ours).map_err(failed)?;
        }
        Ok(Box::new(active))
    }

    fn start(
        self: Box<Self>,
        wiring: &Wiring,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<Running, MidiError> {
        let ports = self.ports()?;
        let find = |side, names: &[String], wanted: &Option<String>| {
            wanted.as_ref().map(|wanted| find_port(side, names, wanted).map(|index| names[index].clone())).transpose()
        };
        let source = find(Side::Input, &ports.inputs, &wiring.input)?;
        let destination = find(Side::Output, &ports.outputs, &wiring.output)?;

        let client = self.client;
        let ours = |port: &str| format!("{}:{port}", client.name());
        let our_input = ours(INPUT_PORT);
        let our_outputs: Vec<String> = wiring.output_ports().iter().map(|port| ours(port)).collect();
        let failed = |side, port: &str| {
            let port = port.to_owned();
            move |error: jack::Error| MidiError::Connect { side, port, cause: error.to_string() }
        };
        let input = client.register_port(INPUT_PORT, MidiIn::default()).map_err(failed(Side::Input, &our_input))?;
        let outputs = wiring
            .output_ports()
            .into_iter()
            .map(|port| client.register_port(&port, MidiOut::default()).map_err(failed(Side::Output, &ours(&port))));
        let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        // Three periods: the cycle that writes, the one that carries, and one for luck.
        let period = f64::from(client.buffer_size()) / f64::from(client.sample_rate());
        let drain = Duration::from_secs_f64(3.0 * period).max(Duration::from_millis(50));

        let sound = sound.map(|settings| Sound::new(&client, settings)).transpose()?;
        let has_sound = sound.is_some();
        let notifications = Notifications { control: Arc::clone(engine.control()), our_input: our_input.clone() };
        let player = Player { input, outputs, sound, engine, clock: FrameClock::default(), has_panicked: false };
        let active = client.activate_async(notifications, player).map_err(failed(Side::Input, &our_input))?;
        if let Some(source) = &source {
            connect(active.as_client(), source, &our_input).map_err(failed(Side::Input, source))?;
        }
        for output in destination.iter().flat_map(|_| &our_outputs) {
            let destination = destination.as_deref().unwrap_or_default();
            connect(active.as_client(), output, destination).map_err(failed(Side::Output, destination))?;
        }
        if has_sound {
            connect_speakers(active.as_client());
        }
        let described = |ours: &str, other: &Option<String>| match other {
            Some(other) => format!("{ours} ({other})"),
            None => ours.to_owned(),
        };
        let links = Links {
            sound: has_sound.then(|| format!("{CLIENT}:{}", SOUND_PORTS.join(", "))),
            input: described(&our_input, &source),
            output: described(&our_outputs.join(", "), &destination),
            has_input: true,
            has_output: true,
        };
        let connections = Patch { active, our_input, our_outputs, source, destination };
        Ok(Running { links, drain, connections: Box::new(connections) })
    }
}

fn connect(client: &Client, source: &str, destination: &str) -> Result<(), jack::Error> {
    match client.connect_ports_by_name(source, destination) {
        Err(jack::Error::PortAlreadyConnected(..)) => Ok(()),
        result => result,
    }
}

/// Our client with the ports it was told to be connected to. What else is connected to it is the patchbay's business.
struct Patch {
    active: AsyncClient<Notifications, Player>,
    our_input: String,
    our_outputs: Vec<String>,
    source: Option<String>,
    destination: Option<String>,
}

impl Connections for Patch {
    fn tend(&mut self, links: &mut Links, control: &Control) {
        let client = self.active.as_client();
        let is_there = |name: &Option<String>| {
            name.as_ref().is_none_or(|name| client.port_by_name(name).is_some_and(|port| port.name().is_ok()))
        };
        let (has_input, has_output) = (is_there(&self.source), is_there(&self.destination));
        if links.has_input && !has_input {
            control.lose_input();
        }
        // Only what has come back is connected: who has pulled a cable in the patchbay meant it.
        links.has_input = match &self.source {
            Some(source) if has_input && !links.has_input => connect(client, source, &self.our_input).is_ok(),
            _ => has_input,
        };
        links.has_output = match &self.destination {
            Some(destination) if has_output && !links.has_output => {
                let is_connected = self.our_outputs.iter().all(|output| connect(client, output, destination).is_ok());
                if is_connected {
                    control.regain_output();
                }
                is_connected
            }
            _ => has_output,
        };
    }
}

struct Notifications {
    control: Arc<Control>,
    our_input: String,
}

impl jack::NotificationHandler for Notifications {
    // The trait asks for an unsafe function; nothing unsafe is done in it.
    #[allow(unsafe_code)]
    unsafe fn shutdown(&mut self, _status: ClientStatus, _reason: &str) {
        self.control.fail(Failure::ServerGone(SYSTEM));
    }

    fn xrun(&mut self, _: &Client) -> jack::Control {
        self.control.count_overrun();
        jack::Control::Continue
    }

    /// Whatever is disconnected from our input may have keys down that nobody will lift.
    fn ports_connected(&mut self, client: &Client, a: PortId, b: PortId, are_connected: bool) {
        let is_our_input = |port: PortId| {
            client.port_by_id(port).and_then(|port| port.name().ok()).is_some_and(|name| name == self.our_input)
        };
        if !are_connected && (is_our_input(a) || is_our_input(b)) {
            self.control.lose_input();
        }
    }
}

struct Player {
    input: Port<MidiIn>,
    /// One for all parts, or one for each.
    outputs: Vec<Port<MidiOut>>,
    sound: Option<Sound>,
    engine: Engine,
    clock: FrameClock,
    has_panicked: bool,
}

impl jack::ProcessHandler for Player {
    /// Real-time: called by the server once a period.
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> jack::Control {
        let entered = Instant::now();
        let start = self.clock.extend(scope.last_frame_time());
        // At most one for each part; made anew every cycle, which also clears what was sent in the last one.
        let mut writers: [Option<MidiWriter>; 4] = [const { None }; 4];
        for (writer, port) in writers.iter_mut().zip(&mut self.outputs) {
            *writer = Some(port.writer(scope));
        }
        if self.has_panicked {
            return jack::Control::Continue;
        }
        let (mut no_sound, frames) = (None, scope.n_frames());
        let sound = if frames as usize <= MOST_FRAMES { &mut self.sound } else { &mut no_sound };
        let mut sounded = 0;
        let mut write = |frame: Frames, message: &Message| {
            if let Some(sound) = sound.as_mut() {
                sound.render(sounded, frame as usize);
                sounded = sounded.max(frame as usize);
                sound.instrument.message(message);
            }
            let own = if writers[1].is_some() { message.part.index() } else { 0 };
            let Some(writer) = &mut writers[own] else { return false };
            writer.write(&RawMidi { time: frame, bytes: message.bytes() }).is_ok()
        };
        let events = self.input.iter(scope).map(|event| (event.time, event.bytes));
        let engine = &mut self.engine;
        let played = catch_unwind(AssertUnwindSafe(|| {
            cycle(engine, entered, start, scope.n_frames(), events, &mut write);
        }));
        if played.is_err() {
            self.has_panicked = true;
            let last = scope.n_frames().saturating_sub(1);
            engine.abandon("JACK", |message| {
                write(last, &message);
            });
        }
        if let Some(sound) = &mut self.sound {
            sound.render(sounded, frames as usize);
            sound.hand_over(scope);
        }
        jack::Control::Continue
    }
}

/// Longest period for which our instrument has room.
const MOST_FRAMES: usize = 8192;
const SOUND_PORTS: [&str; 2] = ["left", "right"];

/// Our own instrument, in the same cycle as the notes that it plays.
struct Sound {
    instrument: Instrument,
    ports: Vec<Port<AudioOut>>,
    /// Left, right, left, ... of the present cycle.
    stereo: Vec<f32>,
}

impl Sound {
    fn new(client: &Client, settings: &AudioSettings) -> Result<Sound, MidiError> {
        if settings.sample_rate.is_some() || settings.buffer.is_some() {
            return Err(AudioError::ServersChoice.into());
        }
        let instrument = Instrument::new(client.sample_rate(), settings.sound_font.as_deref())?;
        let ports = SOUND_PORTS.into_iter().map(|name| {
            client.register_port(name, AudioOut::default()).map_err(|error| MidiError::Connect {
                side: Side::Output,
                port: name.to_owned(),
                cause: error.to_string(),
            })
        });
        Ok(Sound { instrument, ports: ports.collect::<Result<_, _>>()?, stereo: vec![0.0; 2 * MOST_FRAMES] })
    }

    /// Real-time: renders the frames from `from` to `to` of the present cycle.
    fn render(&mut self, from: usize, to: usize) {
        let to = to.min(MOST_FRAMES);
        if from < to {
            self.instrument.render(&mut self.stereo[2 * from..2 * to]);
        }
    }

    /// Real-time.
    fn hand_over(&mut self, scope: &ProcessScope) {
        for (side, port) in self.ports.iter_mut().enumerate() {
            let samples = port.as_mut_slice(scope);
            samples.fill(0.0);
            for (sample, frame) in samples.iter_mut().zip(self.stereo.chunks_exact(2)) {
                *sample = frame[side];
            }
        }
    }
}

/// To the first two outputs of the sound card, as most JACK programs do. Without any, the patchbay may do it later.
fn connect_speakers(client: &Client) {
    let speakers = client.ports(None, Some("32 bit float mono audio"), PortFlags::IS_INPUT | PortFlags::IS_PHYSICAL);
    for (port, speaker) in SOUND_PORTS.into_iter().zip(speakers) {
        let _ = connect(client, &format!("{}:{port}", client.name()), &speaker);
    }
}

/// One period: everything that falls into the frames from `start` on, each event at its own frame. `write` gets the
/// frame within the period, never descending as JACK demands, and says whether there was room.
pub fn cycle<'a>(
    engine: &mut Engine,
    entered: Instant,
    start: Time,
    frames: Frames,
    events: impl Iterator<Item = (Frames, &'a [u8])>,
    mut write: impl FnMut(Frames, &Message) -> bool,
) {
    let last = frames.saturating_sub(1);
    let mut earliest = 0;
    let mut send = |message: Message| {
        let offset = message.at.saturating_sub(start).min(Time::from(last)) as Frames;
        let frame = offset.max(earliest);
        let is_written = write(frame, &message);
        if is_written {
            earliest = frame;
        }
        is_written
    };
    engine.begin(start);
    engine.advance(start, &mut send);
    for (frame, bytes) in events {
        engine.receive(start + Time::from(frame), bytes, entered, &mut send);
    }
    engine.advance(start + Time::from(last), &mut send);
}

/// JACK counts frames in 32 bits, which are full after a day at 48 kHz.
#[derive(Default)]
struct FrameClock {
    frames: Time,
    before: Option<Frames>,
}

impl FrameClock {
    fn extend(&mut self, now: Frames) -> Time {
        let passed = self.before.map_or(0, |before| now.wrapping_sub(before));
        self.before = Some(now);
        // More than half the range is a step back, which only a server with a restarted clock makes.
        if passed < Frames::MAX / 2 {
            self.frames += Time::from(passed);
        }
        self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_go_on_counting_where_jacks_counter_wraps() {
        let mut clock = FrameClock::default();
        assert_eq!(clock.extend(u32::MAX - 99), 0);
        assert_eq!(clock.extend(u32::MAX), 99);
        assert_eq!(clock.extend(28), 128);
        assert_eq!(clock.extend(20), 128, "never back");
    }
}
