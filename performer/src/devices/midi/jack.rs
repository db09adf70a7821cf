//! JACK, or PipeWire in its place. The session runs in the process callback: the answer leaves in the cycle and at the
//! very frame of the note it answers.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jack::{
    AsyncClient, AudioOut, Client, ClientOptions, ClientStatus, Frames, MidiIn, MidiOut, MidiWriter, Port, PortFlags,
    PortId, ProcessScope, RawMidi,
};

use super::{Backend, CLIENT, Connections, INPUT_PORT, Links, MidiError, Ports, Running, Side, Wiring, find_port};
use crate::devices::audio::{AudioError, AudioSettings, Instrument};
use live::{Engine, Failure, Shared, fault};
use panics;
use session::{Message, Time};

const SYSTEM: &str = "JACK";
/// A server that has not called us for so long is gone, whatever it said.
const STUCK: Duration = Duration::from_secs(3);
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
        let clock = find(Side::Input, &ports.inputs, &wiring.clock_input)?;
        let destination = find(Side::Output, &ports.outputs, &wiring.output)?;

        let client = self.client;
        // Three periods: the cycle that writes, the one that carries, and one for luck.
        let period = f64::from(client.buffer_size()) / f64::from(client.sample_rate());
        let drain = Duration::from_secs_f64(3.0 * period).max(Duration::from_millis(50));
        let rate = client.sample_rate();
        let sound = sound.map(|settings| Sound::new(&client, settings)).transpose()?;
        let has_sound = sound.is_some();
        let news = Arc::new(News { control: Arc::clone(engine.shared()), ..News::default() });
        let stage = Stage { engine, sound, clock: FrameClock::default(), since_panic: None };
        let home = Arc::new(Mutex::new(None));
        let outputs = wiring.output_ports();
        let active = activate(client, &outputs, stage, &home, &news)?;

        // What is played before the instrument is there would be heard by halves: its cables come first.
        let mut wanted = Vec::new();
        for ours in destination.iter().flat_map(|_| &outputs) {
            let theirs = destination.clone().unwrap_or_default();
            wanted.push(Cable { ours: ours.clone(), theirs, is_input: false });
        }
        let inputs = source.into_iter().chain(clock.clone());
        wanted.extend(inputs.map(|theirs| Cable { ours: INPUT_PORT.to_owned(), theirs, is_input: true }));
        for cable in &wanted {
            let side = if cable.is_input { Side::Input } else { Side::Output };
            cable.plug_in(active.as_client()).map_err(failed(side, &cable.theirs))?;
        }
        if wanted.iter().any(|cable| !cable.is_input) {
            news.control.regain_output();
        }
        if has_sound {
            connect_speakers(active.as_client());
        }
        let patch = Patch {
            rate,
            active: Some(active),
            home,
            news,
            outputs,
            wanted,
            clock,
            cables: Vec::new(),
            owed: Vec::new(),
            cycles: 0,
            last_cycle: Instant::now(),
        };
        let mut links =
            Links { has_server: true, has_input: true, has_clock: true, has_output: true, ..Links::default() };
        patch.describe(&mut links);
        links.sound = has_sound.then(|| format!("{CLIENT}:{}", SOUND_PORTS.join(", ")));
        Ok(Running { links, drain, connections: Box::new(patch) })
    }
}

fn failed(side: Side, port: &str) -> impl Fn(jack::Error) -> MidiError {
    let port = port.to_owned();
    move |error| MidiError::Connect { side, port: port.clone(), cause: error.to_string() }
}

/// Makes our ports and lets `stage` play in the client's callback. When the client is dropped, and when this fails, the
/// stage goes to `home`.
fn activate(
    client: Client,
    outputs: &[String],
    stage: Stage,
    home: &Home,
    news: &Arc<News>,
) -> Result<AsyncClient<Notifications, Player>, MidiError> {
    let ours = |port: &str| format!("{}:{port}", client.name());
    let mut player = Player {
        input: None,
        outputs: Vec::new(),
        speakers: Vec::new(),
        stage: Some(stage),
        home: Arc::clone(home),
        news: Arc::clone(news),
    };
    let input = client.register_port(INPUT_PORT, MidiIn::default());
    player.input = Some(input.map_err(failed(Side::Input, &ours(INPUT_PORT)))?);
    for port in outputs {
        let output = client.register_port(port, MidiOut::default());
        player.outputs.push(output.map_err(failed(Side::Output, &ours(port)))?);
    }
    if player.stage.as_ref().is_some_and(|stage| stage.sound.is_some()) {
        for port in SOUND_PORTS {
            let speaker = client.register_port(port, AudioOut::default());
            player.speakers.push(speaker.map_err(failed(Side::Output, &ours(port)))?);
        }
    }
    let notifications = Notifications { news: Arc::clone(news), our_input: ours(INPUT_PORT) };
    client.activate_async(notifications, player).map_err(failed(Side::Input, CLIENT))
}

fn connect(client: &Client, source: &str, destination: &str) -> Result<(), jack::Error> {
    match client.connect_ports_by_name(source, destination) {
        Err(jack::Error::PortAlreadyConnected(..)) => Ok(()),
        result => result,
    }
}

/// A connection of one of our ports.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cable {
    /// Without the client's name, which may be another after the server was started again.
    ours: String,
    theirs: String,
    is_input: bool,
}

impl Cable {
    fn plug_in(&self, client: &Client) -> Result<(), jack::Error> {
        let ours = format!("{}:{}", client.name(), self.ours);
        if self.is_input { connect(client, &self.theirs, &ours) } else { connect(client, &ours, &self.theirs) }
    }

    fn has_other_end(&self, client: &Client) -> bool {
        client.port_by_name(&self.theirs).is_some_and(|port| port.name().is_ok())
    }
}

/// Our client and its connections. One that was torn because its other end or the server went away is made again when
/// that comes back, whoever had made it; one that was pulled in the patchbay was meant to be.
struct Patch {
    /// Frames a second, in which the session counts.
    rate: Frames,
    /// `None` while there is no server.
    active: Option<AsyncClient<Notifications, Player>>,
    home: Home,
    news: Arc<News>,
    outputs: Vec<String>,
    /// Those that we were told to make.
    wanted: Vec<Cable>,
    /// The other end of the one that brings MIDI clock alone.
    clock: Option<String>,
    /// Those that there are, and those that were torn.
    cables: Vec<Cable>,
    owed: Vec<Cable>,
    /// Cycles that the server has called us for, and when that was seen to grow.
    cycles: u64,
    last_cycle: Instant,
}

impl Connections for Patch {
    fn tend(&mut self, links: &mut Links, control: &Arc<Shared>) {
        self.leave_dead_server();
        links.has_server = self.active.is_some() || self.come_back(links, control);
        if self.active.is_some() {
            self.tend_cables(control);
            self.describe(links);
        }
        let owes = |is_it: &dyn Fn(&Cable) -> bool| self.owed.iter().any(|one| is_it(one) && self.wanted.contains(one));
        links.has_output = !owes(&|one| !one.is_input);
        links.has_input = !owes(&|one| one.is_input && !self.is_clock(one));
        links.has_clock = !owes(&|one| self.is_clock(one));
    }

    fn play_unheard(&mut self) {
        self.leave_dead_server();
        let Ok(mut home) = self.home.lock() else { return };
        let Some(Stage { engine, sound, since_panic: None, .. }) = home.as_mut() else { return };
        let now = engine.now();
        engine.begin(now);
        engine.advance(now, &mut |message| {
            if let Some(sound) = sound {
                sound.instrument.message(&message);
            }
            true
        });
    }
}

impl Patch {
    /// Closes our client if its server is gone. The engine comes home and ends, unheard, all that sounded.
    fn leave_dead_server(&mut self) {
        let cycles = self.news.cycles.load(Ordering::Relaxed);
        if cycles != self.cycles {
            (self.cycles, self.last_cycle) = (cycles, Instant::now());
        }
        // PipeWire 0.3 does not say that it goes.
        let is_stuck = self.active.is_some() && self.last_cycle.elapsed() > STUCK;
        if !self.news.has_shut_down.swap(false, Ordering::AcqRel) && !is_stuck {
            return;
        }
        self.news.control.lose_input();
        self.active = None;
        self.owed.append(&mut self.cables);
        if let Ok(Some(stage)) = self.home.lock().as_deref_mut() {
            stage.clock.stand();
        }
        self.play_unheard();
    }

    /// Becomes a client again if the server is back. Returns whether it is.
    fn come_back(&mut self, links: &mut Links, control: &Shared) -> bool {
        let Ok(Jack { client }) = Jack::open() else { return false };
        let stage = self.home.lock().ok().and_then(|mut home| home.take());
        let rate = client.sample_rate();
        let result = match stage {
            _ if rate != self.rate => Err(format!("it runs at {rate} frames a second, not {}", self.rate)),
            None => Err("it did not give our client back".to_owned()),
            Some(stage) => {
                activate(client, &self.outputs, stage, &self.home, &self.news).map_err(|error| error.to_string())
            }
        };
        match result {
            Ok(active) => {
                if links.sound.is_some() {
                    connect_speakers(active.as_client());
                }
                self.active = Some(active);
                self.last_cycle = Instant::now();
                true
            }
            Err(cause) => {
                control.fail(Failure::Driver(format!(
                    "the {SYSTEM} server came back, but not as it was: {cause}\nhint: start `performer play` again"
                )));
                false
            }
        }
    }

    fn tend_cables(&mut self, control: &Shared) {
        let Some(client) = self.active.as_ref().map(AsyncClient::as_client) else { return };
        let new_ports = self.news.new_ports.lock().map(|mut ports| std::mem::take(&mut *ports)).unwrap_or_default();
        let now = self.connected(client);
        let torn: Vec<Cable> = std::mem::replace(&mut self.cables, now)
            .into_iter()
            .filter(|cable| !self.cables.contains(cable))
            .filter(|cable| !cable.has_other_end(client) || new_ports.contains(&cable.theirs))
            .collect();
        if torn.iter().any(|cable| cable.is_input) {
            control.lose_input();
        }
        self.owed.extend(torn);
        self.owed.sort_by_key(|cable| cable.is_input);
        let (back, owed): (Vec<Cable>, Vec<Cable>) = std::mem::take(&mut self.owed)
            .into_iter()
            .partition(|cable| cable.has_other_end(client) && cable.plug_in(client).is_ok());
        if back.iter().any(|cable| !cable.is_input) {
            control.regain_output();
        }
        self.owed = owed;
        self.cables.extend(back);
    }

    fn connected(&self, client: &Client) -> Vec<Cable> {
        let inputs = std::iter::once((INPUT_PORT, true));
        let outputs = self.outputs.iter().map(String::as_str).chain(SOUND_PORTS).map(|port| (port, false));
        let mut cables = Vec::new();
        for (ours, is_input) in inputs.chain(outputs) {
            let Some(port) = client.port_by_name(&format!("{}:{ours}", client.name())) else { continue };
            let others = port.get_connections().into_iter();
            cables.extend(others.map(|theirs| Cable { ours: ours.to_owned(), theirs, is_input }));
        }
        cables
    }

    fn is_clock(&self, cable: &Cable) -> bool {
        cable.is_input && Some(&cable.theirs) == self.clock.as_ref()
    }

    fn describe(&self, links: &mut Links) {
        let Some(client) = self.active.as_ref().map(AsyncClient::as_client) else { return };
        let described = |ports: &[String], is_input| {
            let ours: Vec<String> = ports.iter().map(|port| format!("{}:{port}", client.name())).collect();
            match self.wanted.iter().find(|cable| cable.is_input == is_input && !self.is_clock(cable)) {
                Some(Cable { theirs, .. }) => format!("{} ({theirs})", ours.join(", ")),
                None => ours.join(", "),
            }
        };
        links.input = described(&[INPUT_PORT.to_owned()], true);
        links.clock.clone_from(&self.clock);
        links.output = described(&self.outputs, false);
    }
}

/// What the server's notifications leave for [`Patch`] to look after.
#[derive(Default)]
struct News {
    control: Arc<Shared>,
    has_shut_down: AtomicBool,
    /// Counts the server's calls.
    cycles: AtomicU64,
    /// Names of ports that have appeared.
    new_ports: Mutex<Vec<String>>,
}

struct Notifications {
    news: Arc<News>,
    our_input: String,
}

impl jack::NotificationHandler for Notifications {
    // The trait asks for an unsafe function; nothing unsafe is done in it.
    #[allow(unsafe_code)]
    unsafe fn shutdown(&mut self, _status: ClientStatus, _reason: &str) {
        self.news.control.lose_input();
        self.news.has_shut_down.store(true, Ordering::Release);
    }

    fn xrun(&mut self, _: &Client) -> jack::Control {
        self.news.control.count_overrun();
        // An overrun can cost a whole cycle's messages.
        self.news.control.lose_messages();
        jack::Control::Continue
    }

    fn port_registration(&mut self, client: &Client, port: PortId, is_there: bool) {
        let name = client.port_by_id(port).filter(|_| is_there).and_then(|port| port.name().ok());
        if let (Some(name), Ok(mut ports)) = (name, self.news.new_ports.lock()) {
            ports.push(name);
        }
    }

    /// Whatever is disconnected from our input may have keys down that nobody will lift.
    fn ports_connected(&mut self, client: &Client, a: PortId, b: PortId, are_connected: bool) {
        let is_our_input = |port: PortId| {
            client.port_by_id(port).and_then(|port| port.name().ok()).is_some_and(|name| name == self.our_input)
        };
        if !are_connected && (is_our_input(a) || is_our_input(b)) {
            self.news.control.lose_input();
        }
    }
}

/// Where a stage goes when its client is closed.
type Home = Arc<Mutex<Option<Stage>>>;

/// What plays. It outlives the client, and with it the server.
struct Stage {
    engine: Engine,
    sound: Option<Sound>,
    clock: FrameClock,
    /// Cycles since a panic.
    since_panic: Option<u32>,
}

/// A panic's cycle is likely to overrun, and what is written in it to be lost: the ends are sent in so many more.
const REPEATS: u32 = 3;

struct Player {
    /// `None` only while the ports are being made.
    input: Option<Port<MidiIn>>,
    /// One for all parts, or one for each.
    outputs: Vec<Port<MidiOut>>,
    /// Left and right, if our own instrument sounds.
    speakers: Vec<Port<AudioOut>>,
    /// `None` only when dropped.
    stage: Option<Stage>,
    home: Home,
    news: Arc<News>,
}

impl Drop for Player {
    /// Never in the callback: the client is closed by then.
    fn drop(&mut self) {
        if let Ok(mut home) = self.home.lock() {
            *home = self.stage.take();
        }
    }
}

impl jack::ProcessHandler for Player {
    /// Real-time: called by the server once a period.
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> jack::Control {
        let entered = Instant::now();
        self.news.cycles.fetch_add(1, Ordering::Relaxed);
        let (Some(stage), Some(input)) = (&mut self.stage, &self.input) else { return jack::Control::Continue };
        let Stage { engine, sound, clock, since_panic } = stage;
        let start = clock.extend(scope.last_frame_time());
        // At most one for each part; made anew every cycle, which also clears what was sent in the last one.
        let mut writers: [Option<MidiWriter>; 4] = [const { None }; 4];
        for (writer, port) in writers.iter_mut().zip(&mut self.outputs) {
            *writer = Some(port.writer(scope));
        }
        let mut write = |frame: Frames, message: &Message| {
            let own = if writers[1].is_some() { message.part.index() } else { 0 };
            let Some(writer) = &mut writers[own] else { return false };
            writer.write(&RawMidi { time: frame, bytes: message.bytes() }).is_ok()
        };
        let events = input.iter(scope).map(|event| (event.time, event.bytes));
        let frames = scope.n_frames();
        let play = || {
            fault::trip(engine.shared(), "JACK");
            let mut sounded = 0;
            cycle(engine, entered, start, frames, events, |frame, message| {
                if let Some(sound) = sound.as_mut().filter(|_| frames as usize <= MOST_FRAMES) {
                    sound.render(sounded, frame as usize);
                    sounded = sounded.max(frame as usize);
                    sound.instrument.message(message);
                }
                write(frame, message)
            });
            if let Some(sound) = sound {
                sound.render(sounded, frames as usize);
                sound.hand_over(&mut self.speakers, scope);
            }
        };
        if since_panic.is_none()
            && let Err(told) = panics::catch(play)
        {
            engine.shared().fail(Failure::Panic { thread: "JACK", told });
            *since_panic = Some(0);
        }
        if let Some(cycles) = since_panic {
            if *cycles <= REPEATS {
                engine.abandon(|message| {
                    write(frames.saturating_sub(1), &message);
                });
                *cycles += 1;
            }
            // What is not written would be what was heard last.
            self.speakers.iter_mut().for_each(|port| port.as_mut_slice(scope).fill(0.0));
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
    /// Left, right, left, ... of the present cycle.
    stereo: Vec<f32>,
}

impl Sound {
    fn new(client: &Client, settings: &AudioSettings) -> Result<Sound, MidiError> {
        if settings.sample_rate.is_some() || settings.buffer.is_some() {
            return Err(AudioError::ServersChoice.into());
        }
        let instrument = Instrument::new(client.sample_rate(), settings.sound_font.as_deref())?;
        Ok(Sound { instrument, stereo: vec![0.0; 2 * MOST_FRAMES] })
    }

    /// Real-time: renders the frames from `from` to `to` of the present cycle.
    fn render(&mut self, from: usize, to: usize) {
        let to = to.min(MOST_FRAMES);
        if from < to {
            self.instrument.render(&mut self.stereo[2 * from..2 * to]);
        }
    }

    /// Real-time.
    fn hand_over(&self, speakers: &mut [Port<AudioOut>], scope: &ProcessScope) {
        for (side, port) in speakers.iter_mut().enumerate() {
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

    /// The next server's count has nothing to do with this one's.
    fn stand(&mut self) {
        self.before = None;
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
        clock.stand();
        assert_eq!([clock.extend(5000), clock.extend(5064)], [128, 192], "on with another server");
    }
}
