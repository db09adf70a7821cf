//! What programs play, and the keys that each has down.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use remote::Incoming;
use session::midi::controller::{SOSTENUTO, SUSTAIN};

use super::Movement;

/// The keys of a program that says nothing for so long go up, should nothing else tell that it is gone.
pub const SILENT: Duration = Duration::from_secs(30);

/// Takes a whole MIDI message; false where there is no room for it.
pub type Keyboard = Arc<Mutex<dyn FnMut(&[u8]) -> bool + Send>>;

/// Where what is said goes. The threads of all programs share it.
#[derive(Clone)]
pub struct Desk {
    pub keyboard: Keyboard,
    pub controls: Sender<Movement>,
}

/// A program that plays, or all that speak OSC from one machine. When it is dropped, its keys go up.
pub struct Player {
    desk: Desk,
    /// Channels and keys that are down, with the port that struck them.
    down: HashMap<(u8, u8), u16>,
    /// Channels and pedals that are down.
    pedals: HashSet<(u8, u8)>,
    heard: Instant,
}

impl Player {
    pub fn new(desk: Desk) -> Player {
        Player { desk, down: HashMap::new(), pedals: HashSet::new(), heard: Instant::now() }
    }

    /// When it was last heard of.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// It is still there.
    pub fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Plays a message, or moves a control.
    ///
    /// # Errors
    /// When it comes too thick; then it is lost.
    pub fn play(&mut self, said: &Incoming, port: u16) -> Result<(), String> {
        let is_taken = match said {
            Incoming::Midi(bytes, length) => {
                self.note_down(*bytes, port);
                self.receive(&bytes[..*length])
            }
            Incoming::Control(control, value) => self.desk.controls.try_send((*control, *value)).is_ok(),
            Incoming::Hello { .. } | Incoming::Bye { .. } | Incoming::State => true,
        };
        is_taken.then_some(()).ok_or_else(|| "too much at once: this was lost".to_owned())
    }

    fn note_down(&mut self, [status, number, value]: [u8; 3], port: u16) {
        let place = (status & 0x0f, number);
        match status & 0xf0 {
            0x90 if value > 0 => drop(self.down.insert(place, port)),
            0x80 | 0x90 => drop(self.down.remove(&place)),
            0xb0 if matches!(number, SUSTAIN | SOSTENUTO) && value > 0 => drop(self.pedals.insert(place)),
            0xb0 => drop(self.pedals.remove(&place)),
            _ => {}
        }
    }

    /// All keys and pedals go up. Returns whether any was down.
    pub fn lift(&mut self) -> bool {
        let (keys, pedals) = (std::mem::take(&mut self.down), std::mem::take(&mut self.pedals));
        for &(channel, key) in keys.keys() {
            self.receive(&[0x80 | channel, key, 64]);
        }
        for &(channel, pedal) in &pedals {
            self.receive(&[0xb0 | channel, pedal, 0]);
        }
        !keys.is_empty() || !pedals.is_empty()
    }

    /// The keys that were struck from that port go up.
    pub fn lift_of(&mut self, port: u16) {
        let keys: Vec<_> = self.down.extract_if(|_, struck| *struck == port).collect();
        for ((channel, key), _) in keys {
            self.receive(&[0x80 | channel, key, 64]);
        }
    }

    fn receive(&self, bytes: &[u8]) -> bool {
        self.desk.keyboard.lock().unwrap_or_else(PoisonError::into_inner)(bytes)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.lift();
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded, unbounded};
    use session::control::Control;

    use super::*;

    /// A desk with room for so many controls, and what is played at it.
    fn desk(room: usize) -> (Desk, Receiver<Vec<u8>>, Receiver<Movement>) {
        let (play, played) = unbounded();
        let (controls, moved) = bounded(room);
        let keyboard = move |bytes: &[u8]| play.send(bytes.to_vec()).is_ok();
        (Desk { keyboard: Arc::new(Mutex::new(keyboard)), controls }, played, moved)
    }

    fn sorted(played: &Receiver<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut played: Vec<_> = played.try_iter().collect();
        played.sort();
        played
    }

    #[test]
    fn who_leaves_leaves_no_key_and_no_pedal_down() {
        let (desk, played, _moved) = desk(1);
        let mut player = Player::new(desk);
        for (bytes, port) in
            [([0x90, 60, 80], 1), ([0x91, 62, 80], 1), ([0x90, 64, 80], 2), ([0xb0, 64, 127], 1), ([0x91, 62, 0], 2)]
        {
            player.play(&Incoming::Midi(bytes, 3), port).unwrap();
        }
        assert_eq!(played.try_iter().count(), 5);
        player.lift_of(1);
        assert_eq!(sorted(&played), [[0x80, 60, 64]]);
        drop(player);
        assert_eq!(sorted(&played), [[0x80, 64, 64], [0xb0, 64, 0]]);
    }

    #[test]
    fn what_finds_no_room_is_told() {
        let (desk, _played, moved) = desk(1);
        let mut player = Player::new(desk.clone());
        let hold = Incoming::Control(Control::Hold, 127);
        assert_eq!(player.play(&hold, 0), Ok(()));
        assert!(player.play(&hold, 0).unwrap_err().contains("lost"));
        moved.recv().unwrap();
        assert_eq!(player.play(&hold, 0), Ok(()));
        let mut full = Player::new(Desk { keyboard: Arc::new(Mutex::new(|_: &[u8]| false)), ..desk });
        assert!(full.play(&Incoming::Midi([0x90, 60, 80], 3), 0).is_err());
    }
}
