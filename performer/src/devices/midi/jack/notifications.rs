//! What the server tells us outside the process callback.

use std::collections::HashSet;
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
    /// Cables that were pulled out of our outputs: our port's name and the other's.
    pulled: Mutex<HashSet<[String; 2]>>,
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

    fn pull(&self, cable: [String; 2]) {
        if let Ok(mut pulled) = self.pulled.lock() {
            pulled.insert(cable);
        }
    }

    /// The cable is in again. Returns whether it had been pulled.
    pub fn put_in(&self, cable: &[String; 2]) -> bool {
        self.pulled.lock().is_ok_and(|mut pulled| pulled.remove(cable))
    }
}

pub struct Notifications {
    pub news: Arc<ServerNews>,
    pub our_input: String,
    pub our_outputs: Vec<String>,
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

    /// Whatever is disconnected from our input may have keys down that nobody will lift, and what was disconnected from an
    /// output has not heard since what has ended.
    fn ports_connected(&mut self, client: &Client, a: PortId, b: PortId, are_connected: bool) {
        let name = |port: PortId| client.port_by_id(port).and_then(|port| port.name().ok());
        let (Some(source), Some(destination)) = (name(a), name(b)) else { return };
        if !are_connected && destination == self.our_input {
            self.news.shared.lose_input();
        }
        if !self.our_outputs.contains(&source) {
            return;
        }
        let cable = [source, destination];
        if !are_connected {
            self.news.pull(cable);
        } else if self.news.put_in(&cable) {
            self.news.shared.regain_output();
        }
    }
}
