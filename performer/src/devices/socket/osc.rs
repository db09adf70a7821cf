//! OSC over UDP.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Instant;

use remote::{Incoming, Outgoing, of_osc};

use super::players::{Desk, Player, SILENT};
use super::{House, LOOK};

/// Of a packet, in bytes; longer ones are refused.
const LONGEST: usize = 2048;
/// Machines that may play at once.
const MACHINES: usize = 64;

/// Takes packets until the house closes.
pub fn receive(socket: &UdpSocket, house: &House, desk: &Desk) {
    let mut bytes = [0; LONGEST + 1];
    let mut players = Players { house, desk, all: HashMap::new() };
    let mut looked = Instant::now();
    while !house.is_closed() {
        let received = socket.recv_from(&mut bytes);
        let now = Instant::now();
        match received {
            Ok((length, from)) => players.hear(&bytes[..length], from, now),
            // Nothing has come.
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {}
            // As Windows tells of listeners that are gone and of packets that are too long.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::Interrupted) => {}
            Err(_) => thread::sleep(LOOK / 20),
        }
        if now.duration_since(looked) >= LOOK {
            looked = now;
            players.lift_silent(now);
        }
    }
}

/// Who plays. A machine is known by its address: programs speak from one port and listen at another, and some speak from
/// another port each time.
struct Players<'a> {
    house: &'a House,
    desk: &'a Desk,
    all: HashMap<IpAddr, Player>,
}

impl Players<'_> {
    /// Takes a packet, and answers what is not understood or not done.
    fn hear(&mut self, packet: &[u8], from: SocketAddr, now: Instant) {
        let said = match packet.len() {
            0..=LONGEST => of_osc(packet),
            _ => Err(format!("a packet of more than {LONGEST} bytes")),
        };
        let tell = |why: String| self.house.listeners.tell_osc(from, &Outgoing::Error(why));
        let is_known = self.all.contains_key(&from.ip());
        match said {
            Ok(said) => {
                for said in &said {
                    if let Err(why) = self.obey(said, from, now) {
                        self.house.listeners.tell_osc(from, &Outgoing::Error(why));
                        // To strangers not more is sent than comes from them.
                        if !self.all.contains_key(&from.ip()) {
                            return;
                        }
                    }
                }
            }
            Err(_) if !is_known && !self.house.access.admits(None) => tell(STRANGER.to_owned()),
            Err(why) => tell(why),
        }
    }

    fn obey(&mut self, said: &Incoming, from: SocketAddr, now: Instant) -> Result<(), String> {
        let Players { house, desk, all } = self;
        if !all.contains_key(&from.ip()) {
            let token = match said {
                Incoming::Hello { token, .. } => token.as_deref(),
                _ => None,
            };
            if !house.access.admits(token) {
                return Err(STRANGER.to_owned());
            }
            if all.len() == MACHINES {
                let longest =
                    all.iter().min_by_key(|(_, player)| player.heard()).map(|(ip, player)| (*ip, player.heard()));
                match longest {
                    Some((ip, heard)) if now.saturating_duration_since(heard) >= SILENT => drop(all.remove(&ip)),
                    _ => return Err(format!("{MACHINES} machines play already")),
                }
            }
        }
        let player = all.entry(from.ip()).or_insert_with(|| Player::new((*desk).clone()));
        player.hear(now);
        let at = |port: &Option<u16>| SocketAddr::new(from.ip(), port.unwrap_or(from.port()));
        match said {
            Incoming::Hello { port, .. } if !house.listeners.admit_osc(at(port)) => {
                return Err("there is no room for one more listener".to_owned());
            }
            Incoming::Hello { .. } => {}
            Incoming::Bye { port } => {
                player.lift_of(from.port());
                if !house.listeners.remove_osc(at(port)) {
                    all.remove(&from.ip());
                }
            }
            Incoming::State => house.listeners.tell_osc(from, &house.listeners.state()),
            Incoming::Midi(..) | Incoming::Control(..) => return player.play(said, from.port()),
        }
        Ok(())
    }

    /// A program that is gone says nothing, and nothing else tells that it is.
    fn lift_silent(&mut self, now: Instant) {
        for (ip, player) in &mut self.all {
            if now.saturating_duration_since(player.heard()) >= SILENT && player.lift() {
                let seconds = SILENT.as_secs();
                self.house
                    .listeners
                    .tell(&Outgoing::Said(format!("{ip} has been silent for {seconds} s: its keys go up")));
            }
        }
    }
}

const STRANGER: &str = "say /hello with the token first";

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use crossbeam_channel::{bounded, unbounded};
    use rosc::{OscMessage, OscPacket, OscType};

    use super::super::{Access, Listeners};
    use super::*;

    #[test]
    fn the_keys_of_a_machine_that_says_nothing_any_more_go_up_and_strangers_take_its_place() {
        let listeners = Arc::new(Listeners::default());
        let house = House { listeners, access: Access { token: None }, is_closed: AtomicBool::new(false) };
        let (play, played) = unbounded();
        let keyboard = move |bytes: &[u8]| play.send(bytes.to_vec()).is_ok();
        let desk = Desk { keyboard: Arc::new(Mutex::new(keyboard)), controls: bounded(1).0 };
        let mut players = Players { house: &house, desk: &desk, all: HashMap::new() };
        let key = |key: i32| {
            let args = vec![OscType::Int(key), OscType::Int(80)];
            rosc::encoder::encode(&OscPacket::Message(OscMessage { addr: "/note".to_owned(), args })).unwrap()
        };
        let of = |machine: u8| SocketAddr::from(([127, 0, 0, machine], 9000));
        let begin = Instant::now();
        players.hear(&key(60), of(0), begin);
        let later = begin + SILENT - Duration::from_millis(1);
        players.hear(&key(62), of(1), later);
        players.lift_silent(later);
        assert_eq!(played.try_iter().count(), 2);
        let later = begin + SILENT;
        players.lift_silent(later);
        assert_eq!(played.try_iter().collect::<Vec<_>>(), [[0x80, 60, 64]]);

        (2..MACHINES as u8 + 1).for_each(|machine| players.hear(&key(64), of(machine), later));
        assert_eq!(players.all.len(), MACHINES);
        assert!(!players.all.contains_key(&of(0).ip()) && players.all.contains_key(&of(1).ip()));
        players.hear(&key(64), of(0), later);
        assert!(!players.all.contains_key(&of(0).ip()), "all others have just played");
    }
}
