//! Ports for programs that speak OSC or WebSockets instead of MIDI: notes and controls in, chords out.
//!
//! ```text
//! osc, web socket threads   what comes in -> Inbox (the engine answers) and controls (the main thread)
//! midi thread               the engine; what it sends goes into a queue
//! teller                    from the queue to all listeners
//! ```

mod listeners;
mod osc;
mod players;
mod teller;
mod web_socket;

use std::any::Any;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use live::{Engine, Shared};
use ringbuf::HeapProd;
use session::control::Control;

pub use listeners::Listeners;

use super::audio::{AudioSettings, SoundOutput};
use super::midi::playing::{
    DRAIN, InputRole, NANOSECONDS, Outputs, PlayingThread, Replacement, SharedEngine, tend_sound,
};
use super::midi::{Connections, MidiBackend, MidiError, OpenPorts, PortPlan, PortStatus, Ports};
use players::Desk;
use teller::Queue;

const SYSTEM: &str = "sockets";
/// Movements of controls that wait for the main thread.
const CONTROLS: usize = 256;
/// How long a thread waits before it looks whether the house closes.
const LOOK: Duration = Duration::from_millis(200);

/// A control, and what it is moved to.
pub type Movement = (Control, u8);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub ip: IpAddr,
    /// UDP and TCP ports; 0 takes any that is free.
    pub osc: Option<u16>,
    pub web_socket: Option<u16>,
    /// What programs must show before they play or hear.
    pub token: Option<String>,
}

/// Who may come in.
#[derive(Debug)]
struct Access {
    token: Option<String>,
}

impl Access {
    /// Whether somebody who shows this may come in.
    fn admits(&self, token: Option<&str>) -> bool {
        self.token.as_deref().is_none_or(|wanted| token.is_some_and(|shown| is_same(wanted, shown)))
    }
}

/// In a time that does not tell where they differ.
fn is_same(wanted: &str, shown: &str) -> bool {
    let differences = wanted.bytes().zip(shown.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    wanted.len() == shown.len() && differences == 0
}

/// What the threads share.
struct House {
    listeners: Arc<Listeners>,
    access: Access,
    is_closed: AtomicBool,
}

impl House {
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

/// Sockets that are open, but not yet listened to.
pub struct SocketMidi {
    osc: Option<UdpSocket>,
    web_socket: Option<TcpListener>,
    listeners: Arc<Listeners>,
    token: Option<String>,
    controls: (Sender<Movement>, Receiver<Movement>),
    /// For people.
    name: String,
}

impl SocketMidi {
    /// # Errors
    /// When a port is taken, or may not be opened.
    pub fn open(addresses: &Addresses) -> Result<SocketMidi, MidiError> {
        let at = |port: u16| SocketAddr::new(addresses.ip, port);
        let failed = |kind: &str, port: u16, cause: io::Error| MidiError::Unavailable {
            system: "the socket",
            cause: format!("{kind} at {}: {cause}", at(port)),
            hint: match cause.kind() {
                ErrorKind::AddrInUse => "another program listens there; 0 takes any port that is free",
                ErrorKind::AddrNotAvailable => {
                    "--listen takes an address that this machine has: 127.0.0.1, or 0.0.0.0 for all"
                }
                _ => "ports from 1024 on are open to everybody; 0 takes any that is free",
            }
            .to_owned(),
        };
        let osc = addresses.osc.map(|port| UdpSocket::bind(at(port)).map_err(|cause| failed("OSC", port, cause)));
        let osc = osc.transpose()?;
        let listen = |port: u16| {
            let listener = TcpListener::bind(at(port))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let web_socket = addresses.web_socket;
        let web_socket = web_socket.map(|port| listen(port).map_err(|cause| failed("WebSocket", port, cause)));
        let web_socket = web_socket.transpose()?;
        let told = |what: &str, address: io::Result<SocketAddr>| Some(format!("{what}{}", address.ok()?));
        let names = [
            osc.as_ref().and_then(|socket| told("OSC ", socket.local_addr())),
            web_socket.as_ref().and_then(|listener| told("ws://", listener.local_addr())),
        ];
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        let to_send = osc.as_ref().and_then(|socket| socket.try_clone().ok());
        let listeners = Arc::new(Listeners::new(to_send));
        let (token, controls) = (addresses.token.clone(), bounded(CONTROLS));
        Ok(SocketMidi { osc, web_socket, listeners, token, controls, name })
    }

    /// Where it listens, for people.
    pub fn address(&self) -> &str {
        &self.name
    }

    /// For what is told beside the notes.
    pub fn listeners(&self) -> Arc<Listeners> {
        Arc::clone(&self.listeners)
    }

    /// What programs move controls to.
    pub fn controls(&self) -> Receiver<Movement> {
        self.controls.1.clone()
    }
}

impl MidiBackend for SocketMidi {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn ports(&self) -> Result<Ports, MidiError> {
        Ok(Ports::default())
    }

    fn rate(&self) -> f64 {
        NANOSECONDS
    }

    fn listen(self: Box<Self>, _: &PortPlan, _: Sender<[u8; 3]>) -> Result<Box<dyn Any>, MidiError> {
        Ok(Box::new(self))
    }

    fn start(
        self: Box<Self>,
        _: &PortPlan,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<OpenPorts, MidiError> {
        let SocketMidi { osc, web_socket, listeners, token, controls: (controls, _), name } = *self;
        let shared = Arc::clone(engine.shared());
        let (sound, instrument) = sound.map(|settings| SoundOutput::start(settings, &shared)).transpose()?.unzip();
        let status = PortStatus {
            sound: sound.as_ref().and_then(|sound| sound.description().map(str::to_owned)),
            has_sound: sound.is_some(),
            input: name,
            output: "whoever listens".to_owned(),
            has_server: true,
            has_input: true,
            has_output: true,
            ..PortStatus::default()
        };
        let access = Access { token };
        let house = Arc::new(House { listeners, access, is_closed: AtomicBool::new(false) });
        let mut threads = Threads { house, handles: Vec::new() };
        let (source, teller) = teller::new();
        let thread = threads.spawn("teller", move |house| teller.run(house))?;
        let outputs = Outputs::new(vec![Box::new(Queue { source, thread })], instrument);
        let (engine, [inbox, _]) = SharedEngine::new(engine, outputs, Instant::now());
        let (player, replacements) = PlayingThread::start(engine, shared)?;
        let mut inbox = player.inbox(inbox, InputRole::Keyboard);
        let keyboard = Arc::new(Mutex::new(move |bytes: &[u8]| inbox.receive(bytes)));
        let desk = Desk { keyboard, controls };
        if let Some(socket) = osc {
            let failed = |cause| MidiError::Thread { name: "OSC", cause };
            socket.set_read_timeout(Some(LOOK)).map_err(failed)?;
            let desk = desk.clone();
            threads.spawn("osc", move |house| osc::receive(&socket, house, &desk))?;
        }
        if let Some(listener) = web_socket {
            threads.spawn("web sockets", move |house| web_socket::receive(&listener, house, &desk))?;
        }
        let connections = SocketConnections { _threads: threads, replacements, _player: player, sound };
        Ok(OpenPorts { status, drain: DRAIN, connections: Box::new(connections) })
    }
}

/// All but the player's. Dropping it ends them.
struct Threads {
    house: Arc<House>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    fn spawn(
        &mut self,
        name: &'static str,
        run: impl FnOnce(&Arc<House>) + Send + 'static,
    ) -> Result<Thread, MidiError> {
        let house = Arc::clone(&self.house);
        let handle = thread::Builder::new().name(name.to_owned()).spawn(move || run(&house));
        let handle = handle.map_err(|cause| MidiError::Thread { name, cause })?;
        let thread = handle.thread().clone();
        self.handles.push(handle);
        Ok(thread)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.house.is_closed.store(true, Ordering::Release);
        for handle in self.handles.drain(..) {
            handle.thread().unpark();
            let _ = handle.join();
        }
    }
}

/// Closed in this order: nothing more comes in or is told, then the playing thread ends, then the sound.
struct SocketConnections {
    _threads: Threads,
    replacements: HeapProd<Replacement>,
    _player: PlayingThread,
    sound: Option<SoundOutput>,
}

impl Connections for SocketConnections {
    fn tend(&mut self, status: &mut PortStatus, _: &Arc<Shared>) {
        tend_sound(self.sound.as_mut(), &mut self.replacements, status);
    }
}
