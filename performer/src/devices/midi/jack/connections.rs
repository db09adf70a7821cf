//! Our client and its connections. One that broke because its other end or the server went away is made again when
//! that comes back, whoever had made it; one that was taken off in the patchbay was meant to be.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jack::{AsyncClient, Client, Frames, PortFlags};
use live::{Engine, Failure, Shared};
use sound::BlockSound;

use super::notifications::{Notifications, ServerNews};
use super::process::{CycleState, Handover, Process, SOUND_PORTS};
use super::{INPUT_PORT, JackMidi, SYSTEM};
use crate::devices::midi::{CLIENT, Connections, MidiError, PortStatus, Side};

/// A server that has not called us for so long is gone, whatever it said.
const STUCK: Duration = Duration::from_secs(3);

/// Ports of others, by their names, that we were told to be connected to.
pub struct WantedPorts {
    pub source: Option<String>,
    pub clock: Option<String>,
    pub destination: Option<String>,
}

/// A connection of one of our ports.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Connection {
    /// Without the client's name, which may be another after the server was started again.
    ours: String,
    theirs: String,
    is_input: bool,
}

impl Connection {
    fn make(&self, client: &Client) -> Result<(), jack::Error> {
        let ours = format!("{}:{}", client.name(), self.ours);
        if self.is_input { connect(client, &self.theirs, &ours) } else { connect(client, &ours, &self.theirs) }
    }

    fn has_other_end(&self, client: &Client) -> bool {
        client.port_by_name(&self.theirs).is_some_and(|port| port.name().is_ok())
    }
}

pub struct JackConnections {
    /// Frames a second, in which the session counts.
    rate: Frames,
    /// `None` while there is no server.
    active: Option<AsyncClient<Notifications, Process>>,
    handover: Handover,
    news: Arc<ServerNews>,
    outputs: Vec<String>,
    /// Those that we were told to make.
    wanted: Vec<Connection>,
    /// The other end of the one that brings MIDI clock alone.
    clock: Option<String>,
    /// Those that there are, and those that broke.
    connections: Vec<Connection>,
    broken: Vec<Connection>,
    /// Cycles that the server has called us for, and when that was seen to grow.
    cycles: u64,
    last_cycle: Instant,
}

impl JackConnections {
    /// Makes our ports and their connections, and lets `engine` play.
    pub fn open(
        client: Client,
        outputs: Vec<String>,
        wanted: WantedPorts,
        engine: Engine,
        sound: Option<BlockSound>,
    ) -> Result<JackConnections, MidiError> {
        let rate = client.sample_rate();
        let news = Arc::new(ServerNews::new(engine.shared()));
        let handover = Arc::new(Mutex::new(None));
        let has_sound = sound.is_some();
        let active = activate(client, &outputs, CycleState::new(engine, sound), &handover, &news)?;
        let clock = wanted.clock.clone();
        let wanted = wanted_connections(wanted, &outputs);
        for connection in &wanted {
            let side = if connection.is_input { Side::Input } else { Side::Output };
            connection.make(active.as_client()).map_err(refused(side, &connection.theirs))?;
        }
        if wanted.iter().any(|connection| !connection.is_input) {
            news.shared.regain_output();
        }
        if has_sound {
            connect_speakers(active.as_client());
        }
        Ok(JackConnections {
            rate,
            active: Some(active),
            handover,
            news,
            outputs,
            wanted,
            clock,
            connections: Vec::new(),
            broken: Vec::new(),
            cycles: 0,
            last_cycle: Instant::now(),
        })
    }

    /// Names our ports and what they were told to be connected to.
    pub fn describe(&self, status: &mut PortStatus) {
        let Some(client) = self.active.as_ref().map(AsyncClient::as_client) else { return };
        let described = |ports: &[String], is_input| {
            let ours: Vec<String> = ports.iter().map(|port| format!("{}:{port}", client.name())).collect();
            match self.wanted.iter().find(|one| one.is_input == is_input && !self.is_clock(one)) {
                Some(Connection { theirs, .. }) => format!("{} ({theirs})", ours.join(", ")),
                None => ours.join(", "),
            }
        };
        status.input = described(&[INPUT_PORT.to_owned()], true);
        status.clock.clone_from(&self.clock);
        status.output = described(&self.outputs, false);
    }

    /// Closes our client if its server is gone. The engine is handed back and ends, unheard, all that sounded.
    fn leave_dead_server(&mut self) {
        let cycles = self.news.cycles();
        if cycles != self.cycles {
            (self.cycles, self.last_cycle) = (cycles, Instant::now());
        }
        // PipeWire 0.3 does not say that it goes.
        let is_stuck = self.active.is_some() && self.last_cycle.elapsed() > STUCK;
        if self.news.take_shut_down() || is_stuck {
            self.news.shared.lose_input();
            self.close();
            self.play_unheard();
        }
    }

    /// Closes our client, whose callback hands the engine back. Its connections are to be made again.
    fn close(&mut self) {
        self.active = None;
        self.broken.append(&mut self.connections);
        if let Ok(Some(state)) = self.handover.lock().as_deref_mut() {
            state.leave_server();
        }
    }

    /// Becomes a client again if the server is back. Returns whether it is.
    fn come_back(&mut self, has_sound: bool, shared: &Shared) -> bool {
        let Ok(JackMidi { client }) = JackMidi::open() else { return false };
        let state = self.handover.lock().ok().and_then(|mut state| state.take());
        let rate = client.sample_rate();
        let result = match state {
            _ if rate != self.rate => Err(format!("it runs at {rate} frames a second, not {}", self.rate)),
            None => Err("it did not give our client back".to_owned()),
            Some(state) => {
                activate(client, &self.outputs, state, &self.handover, &self.news).map_err(|error| error.to_string())
            }
        };
        match result {
            Ok(active) => {
                if has_sound {
                    connect_speakers(active.as_client());
                }
                self.active = Some(active);
                self.last_cycle = Instant::now();
                true
            }
            Err(cause) => {
                shared.fail(Failure::Driver(format!(
                    "the {SYSTEM} server came back, but not as it was: {cause}\nhint: start `performer play` again"
                )));
                false
            }
        }
    }

    /// Makes those again that broke, as far as their other ends are back.
    fn mend(&mut self, shared: &Shared) {
        let Some(client) = self.active.as_ref().map(AsyncClient::as_client) else { return };
        let new_ports = self.news.take_new_ports();
        let now = self.connected(client);
        let broken: Vec<Connection> = std::mem::replace(&mut self.connections, now)
            .into_iter()
            .filter(|one| !self.connections.contains(one))
            .filter(|one| !one.has_other_end(client) || new_ports.contains(&one.theirs))
            .collect();
        if broken.iter().any(|one| one.is_input) {
            shared.lose_input();
        }
        self.broken.extend(broken);
        self.broken.sort_by_key(|one| one.is_input);
        let (back, broken): (Vec<Connection>, Vec<Connection>) =
            std::mem::take(&mut self.broken).into_iter().partition(|one| {
                // What is told below needs no telling by the notification.
                self.news.put_in(&[format!("{}:{}", client.name(), one.ours), one.theirs.clone()]);
                one.has_other_end(client) && one.make(client).is_ok()
            });
        if back.iter().any(|one| !one.is_input) {
            shared.regain_output();
        }
        self.broken = broken;
        self.connections.extend(back);
    }

    fn connected(&self, client: &Client) -> Vec<Connection> {
        let inputs = std::iter::once((INPUT_PORT, true));
        let outputs = self.outputs.iter().map(String::as_str).chain(SOUND_PORTS).map(|port| (port, false));
        let mut connections = Vec::new();
        for (ours, is_input) in inputs.chain(outputs) {
            let Some(port) = client.port_by_name(&format!("{}:{ours}", client.name())) else { continue };
            let others = port.get_connections().into_iter();
            connections.extend(others.map(|theirs| Connection { ours: ours.to_owned(), theirs, is_input }));
        }
        connections
    }

    fn is_clock(&self, connection: &Connection) -> bool {
        connection.is_input && Some(&connection.theirs) == self.clock.as_ref()
    }
}

impl Connections for JackConnections {
    fn tend(&mut self, status: &mut PortStatus, shared: &Arc<Shared>) {
        self.leave_dead_server();
        status.has_server = self.active.is_some() || self.come_back(status.sound.is_some(), shared);
        if self.active.is_some() {
            self.mend(shared);
            self.describe(status);
        }
        let lacks =
            |is_it: &dyn Fn(&Connection) -> bool| self.broken.iter().any(|one| is_it(one) && self.wanted.contains(one));
        status.has_output = !lacks(&|one| !one.is_input);
        status.has_input = !lacks(&|one| one.is_input && !self.is_clock(one));
        status.has_clock = !lacks(&|one| self.is_clock(one));
    }

    fn play_unheard(&mut self) {
        self.leave_dead_server();
        if let Ok(Some(state)) = self.handover.lock().as_deref_mut() {
            state.play_unheard();
        }
    }

    /// The connections as they are now, the patchbay's too, are found again after it.
    fn leave(&mut self) {
        if let Some(client) = self.active.as_ref().map(AsyncClient::as_client) {
            self.connections = self.connected(client);
        }
        self.close();
    }
}

pub fn refused(side: Side, port: &str) -> impl Fn(jack::Error) -> MidiError + use<> {
    let port = port.to_owned();
    move |error| MidiError::Connect { side, port: port.clone(), cause: error.to_string() }
}

pub fn connect(client: &Client, source: &str, destination: &str) -> Result<(), jack::Error> {
    match client.connect_ports_by_name(source, destination) {
        Err(jack::Error::PortAlreadyConnected(..)) => Ok(()),
        result => result,
    }
}

/// What is played before the instrument is there would be heard by halves: outputs come first.
fn wanted_connections(wanted: WantedPorts, outputs: &[String]) -> Vec<Connection> {
    let WantedPorts { source, clock, destination } = wanted;
    let outputs = destination.iter().flat_map(|theirs| {
        outputs.iter().map(|ours| Connection { ours: ours.clone(), theirs: theirs.clone(), is_input: false })
    });
    let inputs = source.into_iter().chain(clock);
    let inputs = inputs.map(|theirs| Connection { ours: INPUT_PORT.to_owned(), theirs, is_input: true });
    outputs.chain(inputs).collect()
}

/// Makes our ports and lets `state` play in the client's callback. When the client is dropped, and when this fails, the
/// state is handed back.
fn activate(
    client: Client,
    outputs: &[String],
    state: CycleState,
    handover: &Handover,
    news: &Arc<ServerNews>,
) -> Result<AsyncClient<Notifications, Process>, MidiError> {
    let mut process = Process::new(state, handover, news);
    process.register_ports(&client, outputs)?;
    let full = |port: &str| format!("{}:{port}", client.name());
    let our_outputs = outputs.iter().map(|port| full(port)).collect();
    let notifications = Notifications { news: Arc::clone(news), our_input: full(INPUT_PORT), our_outputs };
    client.activate_async(notifications, process).map_err(refused(Side::Input, CLIENT))
}

/// To the first two outputs of the sound card, as most JACK programs do. Without any, the patchbay may do it later.
fn connect_speakers(client: &Client) {
    let speakers = client.ports(None, Some("32 bit float mono audio"), PortFlags::IS_INPUT | PortFlags::IS_PHYSICAL);
    for (port, speaker) in SOUND_PORTS.into_iter().zip(speakers) {
        let _ = connect(client, &format!("{}:{port}", client.name()), &speaker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instrument_is_connected_before_the_keyboard() {
        let named = |name: &str| Some(name.to_owned());
        let wanted = WantedPorts { source: named("keys"), clock: named("daw"), destination: named("organ") };
        let made = wanted_connections(wanted, &["alto".to_owned(), "bass".to_owned()]);
        let made: Vec<[&str; 2]> = made.iter().map(|one| [&*one.ours, &*one.theirs]).collect();
        assert_eq!(made, [["alto", "organ"], ["bass", "organ"], ["in", "keys"], ["in", "daw"]]);
    }
}
