//! From the engine to the listeners.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};

use remote::Outgoing;
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use session::Message;

use super::{House, LOOK, Listeners};
use crate::devices::midi::playing::Carrier;

/// Messages that wait to be told.
const MESSAGES: usize = 512;

/// What the teller tells, and what fills it.
pub fn new() -> (Source, Teller) {
    let (into, messages) = HeapRb::new(MESSAGES).split();
    let lost = Arc::new(AtomicU64::new(0));
    (Source { messages: into, lost: Arc::clone(&lost) }, Teller { messages, lost, sounding: HashSet::new() })
}

pub struct Source {
    messages: HeapProd<Message>,
    lost: Arc<AtomicU64>,
}

impl Source {
    /// Real-time.
    fn put(&mut self, message: &Message) {
        if self.messages.try_push(*message).is_err() {
            self.lost.fetch_add(1, Ordering::Release);
        }
    }
}

/// Takes the engine's messages to the teller's thread.
pub struct Queue {
    pub source: Source,
    pub thread: Thread,
}

impl Carrier for Queue {
    fn carry(&mut self, message: &Message) {
        self.source.put(message);
        self.thread.unpark();
    }
}

pub struct Teller {
    messages: HeapCons<Message>,
    /// Messages that found no room.
    lost: Arc<AtomicU64>,
    /// Notes that the listeners have heard begin.
    sounding: HashSet<(&'static str, u8)>,
}

impl Teller {
    /// The teller's thread, until the house closes.
    pub fn run(mut self, house: &House) {
        loop {
            let is_closed = house.is_closed();
            self.tell(&house.listeners);
            if is_closed {
                return;
            }
            thread::park_timeout(LOOK);
        }
    }

    /// Tells what has come. Among messages that were lost there may be ends of notes: after them every note ends.
    fn tell(&mut self, listeners: &Listeners) {
        // First, since whatever was lost came after what waits now.
        let lost = self.lost.swap(0, Ordering::Acquire);
        while let Some(message) = self.messages.try_pop() {
            let told = Outgoing::from(&message);
            match told {
                Outgoing::Note { voice, key, velocity: 0 } => drop(self.sounding.remove(&(voice, key))),
                Outgoing::Note { voice, key, .. } => drop(self.sounding.insert((voice, key))),
                _ => {}
            }
            listeners.tell(&told);
        }
        if lost > 0 {
            for (voice, key) in self.sounding.drain() {
                listeners.tell(&Outgoing::Note { voice, key, velocity: 0 });
            }
            listeners.tell(&Outgoing::Error(format!("{lost} messages to you were lost: they came too thick")));
        }
    }
}

#[cfg(test)]
mod tests {
    use chorale::Part;
    use session::MessageKind;
    use session::midi::MidiMessage;

    use super::*;

    #[test]
    fn where_messages_were_lost_that_is_told_and_no_note_sounds_on() {
        let (mut source, mut teller) = new();
        let note = |key: u8, velocity: u8| {
            let midi = match velocity {
                0 => MidiMessage::NoteOff { channel: 0, key, velocity: 64 },
                _ => MidiMessage::NoteOn { channel: 0, key, velocity },
            };
            Message { at: 0, part: Part::Alto, is_heard: true, kind: MessageKind::Part, midi }
        };
        let listeners = Listeners::default();
        let heard = listeners.add_web_socket(0).unwrap();
        listeners.admit_web_socket(0);
        let mut tell = |messages: &[Message]| {
            messages.iter().for_each(|message| source.put(message));
            teller.tell(&listeners);
            heard.try_iter().collect::<Vec<String>>()
        };
        assert_eq!(tell(&[note(60, 80)]).last().unwrap(), r#"{"note":["alto",60,80]}"#);
        let pedal = Message { midi: MidiMessage::Controller { channel: 0, controller: 1, value: 2 }, ..note(0, 0) };
        let told =
            tell(&[vec![pedal; MESSAGES - 24], vec![note(62, 80)], vec![pedal; 23], vec![note(60, 0); 2]].concat());
        let mut ends = told[told.len() - 3..told.len() - 1].to_vec();
        ends.sort();
        assert_eq!(ends, [r#"{"note":["alto",60,0]}"#, r#"{"note":["alto",62,0]}"#]);
        assert!(told.last().unwrap().starts_with(r#"{"error":"2 messages"#), "{told:?}");
        assert_eq!(tell(&[note(60, 80), note(60, 0)]).len(), 2, "and it goes on");
    }
}
