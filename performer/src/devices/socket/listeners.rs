//! Who hears what is played.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use remote::{Outgoing, Setting};

/// Programs that hear at once.
pub const MOST: usize = 8;
/// Messages that wait for a program that is slow to read, or for our own thread that writes to it, which on a busy machine comes
/// late; beyond them it is left.
const WAITING: usize = 1 << 14;

/// Programs that are told what happens. No message to one of them waits for another.
#[derive(Default)]
pub struct Listeners {
    /// What OSC messages are sent by.
    udp: Option<UdpSocket>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    all: Vec<Listener>,
    /// For whoever comes later.
    state: Vec<(String, Setting)>,
    chord: Option<Outgoing>,
}

enum Listener {
    Osc(SocketAddr),
    WebSocket {
        number: u64,
        /// What its own thread writes.
        texts: Sender<String>,
        /// Whether it has shown what is wanted; until then it is told of nothing but itself.
        is_admitted: bool,
    },
}

impl Listener {
    fn is_osc(&self, address: SocketAddr) -> bool {
        matches!(self, Listener::Osc(known) if *known == address)
    }
}

impl Listeners {
    pub fn new(udp: Option<UdpSocket>) -> Listeners {
        Listeners { udp, inside: Mutex::default() }
    }

    /// From now on it hears what is played, first how everything stands. Returns whether there was room.
    pub fn admit_osc(&self, address: SocketAddr) -> bool {
        let mut inside = self.lock();
        let all = &mut inside.all;
        all.retain(|listener| !listener.is_osc(address));
        if !has_room(all) {
            return false;
        }
        all.push(Listener::Osc(address));
        inside.greeting().iter().for_each(|told| self.send(told, address));
        true
    }

    /// Returns whether another program of that machine still listens.
    pub fn remove_osc(&self, address: SocketAddr) -> bool {
        let all = &mut self.lock().all;
        all.retain(|listener| !listener.is_osc(address));
        all.iter().any(|listener| matches!(listener, Listener::Osc(known) if known.ip() == address.ip()))
    }

    /// What is to be written to it; `None` where there is no room for one more. It ends when the listener is removed, or left
    /// since it did not read.
    pub fn add_web_socket(&self, number: u64) -> Option<Receiver<String>> {
        let all = &mut self.lock().all;
        let (texts, to_write) = bounded(WAITING);
        has_room(all).then(|| {
            all.push(Listener::WebSocket { number, texts, is_admitted: false });
            to_write
        })
    }

    /// From now on it hears what is played, first how everything stands.
    pub fn admit_web_socket(&self, admitted: u64) {
        let mut inside = self.lock();
        let greeting = inside.greeting();
        for listener in &mut inside.all {
            if let Listener::WebSocket { number, texts, is_admitted } = listener
                && *number == admitted
            {
                *is_admitted = true;
                // Who does not read is left when it is told the next thing.
                greeting.iter().for_each(|told| drop(texts.try_send(told.json())));
            }
        }
    }

    pub fn remove_web_socket(&self, removed: u64) {
        self.lock()
            .all
            .retain(|listener| !matches!(listener, Listener::WebSocket { number, .. } if *number == removed));
    }

    /// Tells all.
    pub fn tell(&self, what: &Outgoing) {
        let mut inside = self.lock();
        if matches!(what, Outgoing::Chord { .. }) {
            inside.chord = Some(what.clone());
        }
        self.tell_each(&mut inside.all, what);
    }

    /// Tells all what has changed of it.
    pub fn tell_state(&self, state: Vec<(String, Setting)>) {
        let mut inside = self.lock();
        let changed: Vec<_> = state.iter().filter(|value| !inside.state.contains(value)).cloned().collect();
        if !changed.is_empty() {
            inside.state = state;
            self.tell_each(&mut inside.all, &Outgoing::State(changed));
        }
    }

    fn tell_each(&self, all: &mut Vec<Listener>, what: &Outgoing) {
        let mut text = None;
        all.retain(|listener| match listener {
            Listener::Osc(address) => {
                self.send(what, *address);
                true
            }
            Listener::WebSocket { is_admitted: false, .. } => true,
            Listener::WebSocket { texts, .. } => {
                texts.try_send(text.get_or_insert_with(|| what.json()).clone()).is_ok()
            }
        });
    }

    /// How everything stands.
    pub fn state(&self) -> Outgoing {
        Outgoing::State(self.lock().state.clone())
    }

    /// Tells the programs of a machine, which may speak from other ports than they listen at; if none listens, whoever spoke.
    pub fn tell_osc(&self, from: SocketAddr, what: &Outgoing) {
        let inside = self.lock();
        let of_machine = inside.all.iter().filter_map(|listener| match listener {
            Listener::Osc(address) => Some(*address).filter(|address| address.ip() == from.ip()),
            Listener::WebSocket { .. } => None,
        });
        let addresses: Vec<SocketAddr> = of_machine.collect();
        let addresses = if addresses.is_empty() { vec![from] } else { addresses };
        addresses.into_iter().for_each(|address| self.send(what, address));
    }

    pub fn tell_web_socket(&self, told: u64, what: &Outgoing) {
        self.lock().all.retain(|listener| match listener {
            Listener::WebSocket { number, texts, .. } if *number == told => texts.try_send(what.json()).is_ok(),
            _ => true,
        });
    }

    /// A program that is gone hears nothing, which is no concern of ours.
    fn send(&self, what: &Outgoing, address: SocketAddr) {
        if let Some(udp) = &self.udp {
            what.osc().iter().for_each(|packet| drop(udp.send_to(packet, address)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is room for one more. If not, the OSC listener that came first leaves: nothing tells whether it still listens.
fn has_room(all: &mut Vec<Listener>) -> bool {
    if all.len() >= MOST
        && let Some(first) = all.iter().position(|listener| matches!(listener, Listener::Osc(_)))
    {
        all.remove(first);
    }
    all.len() < MOST
}

impl Inside {
    fn greeting(&self) -> Vec<Outgoing> {
        let state = Outgoing::State(self.state.clone());
        [Outgoing::Ready, state].into_iter().chain(self.chord.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn there_is_room_for_some_and_who_does_not_read_is_left() {
        let listeners = Listeners::default();
        let first = listeners.add_web_socket(0).unwrap();
        assert!((1..MOST as u16).all(|port| listeners.admit_osc(address(port))));
        assert!(listeners.admit_osc(address(99)));
        let has = |port: u16| listeners.lock().all.iter().any(|one| one.is_osc(address(port)));
        assert_eq!([1, 2, 99].map(has), [false, true, true], "who came first by OSC may be gone long since");
        let told = Outgoing::Said("x".to_owned());
        listeners.tell(&told);
        assert!(first.is_empty(), "it is not admitted yet");
        listeners.admit_web_socket(0);
        (0..=WAITING).for_each(|_| listeners.tell(&told));
        assert_eq!(first.iter().count(), WAITING, "then its end comes");
        assert!((2..MOST as u16).all(|port| listeners.remove_osc(address(port))));
        assert!(!listeners.remove_osc(address(99)), "nobody is left there");
        assert!((1..=MOST as u16).all(|port| listeners.admit_osc(address(port))));
        let pages: Vec<_> = (0..MOST as u64).map(|number| listeners.add_web_socket(number)).collect();
        assert!(pages.iter().all(Option::is_some), "pages take the places of those by OSC");
        assert!(listeners.add_web_socket(99).is_none() && !listeners.admit_osc(address(1)));
    }

    #[test]
    fn who_comes_later_hears_how_everything_stands_and_who_is_there_what_has_changed() {
        let listeners = Listeners::default();
        let state = |hold: bool, tempo: f64| {
            vec![("hold".to_owned(), Setting::Switch(hold)), ("tempo".to_owned(), Setting::Number(tempo))]
        };
        let heard = listeners.add_web_socket(0).unwrap();
        listeners.admit_web_socket(0);
        listeners.tell_state(state(false, 80.0));
        listeners.tell_state(state(true, 80.0));
        listeners.tell_state(state(true, 80.0));
        let chord = Outgoing::Chord { parts: [Some(67), None, None, None], symbol: None, numeral: None };
        listeners.tell(&chord);
        let ready = Outgoing::Ready.json();
        let first =
            [&ready, r#"{"state":{}}"#, r#"{"state":{"hold":false,"tempo":80.0}}"#, r#"{"state":{"hold":true}}"#];
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [&first[..], &[&chord.json()]].concat());
        let later = listeners.add_web_socket(1).unwrap();
        listeners.admit_web_socket(1);
        let told = [ready.as_str(), r#"{"state":{"hold":true,"tempo":80.0}}"#, &chord.json()];
        assert_eq!(later.try_iter().collect::<Vec<_>>(), told);
        assert!(heard.is_empty());
    }
}
