//! What the server tells us outside the process callback.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jack::{Client, ClientStatus, PortId};
use live::Shared;

/// What the server's notifications leave for the connections to be looked after.
#[derive(Default)]
pub struct ServerNews {
    pub shared: Arc<Shared>,
    has_shut_down: AtomicBool,
    /// Counts the server's calls.
    cycles: AtomicU64,
    /// Names of ports that have appeared.
    new_ports: Mutex<Vec<String>>,
}

impl ServerNews {
    pub fn new(shared: &Arc<Shared>) -> ServerNews {
        ServerNews { shared: Arc::clone(shared), ..ServerNews::default() }
    }

    /// Real-time.
    pub fn count_cycle(&self) {
        self.cycles.fetch_add(1, Ordering::Relaxed);
    }

    pub fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }

    /// Whether the server has said that it goes; told once.
    pub fn take_shut_down(&self) -> bool {
        self.has_shut_down.swap(false, Ordering::AcqRel)
    }

    /// The ports that have appeared since this was asked last.
    pub fn take_new_ports(&self) -> Vec<String> {
        self.new_ports.lock().map(|mut ports| std::mem::take(&mut *ports)).unwrap_or_default()
    }
}

pub struct Notifications {
    pub news: Arc<ServerNews>,
    pub our_input: String,
}

impl jack::NotificationHandler for Notifications {
    // The trait asks for an unsafe function; nothing unsafe is done in it.
    #[allow(unsafe_code)]
    unsafe fn shutdown(&mut self, _status: ClientStatus, _reason: &str) {
        self.news.shared.lose_input();
        self.news.has_shut_down.store(true, Ordering::Release);
    }

    fn xrun(&mut self, _: &Client) -> jack::Control {
        self.news.shared.count_overrun();
        // An overrun can cost a whole cycle's messages.
        self.news.shared.lose_messages();
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
            self.news.shared.lose_input();
        }
    }
}
