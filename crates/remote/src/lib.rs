//! What other programs say to a live performance and hear of it, as OSC messages (Open Sound Control 1.0) and as JSON. No
//! socket: bytes in, words out.
//!
//! ```
//! use remote::{Incoming, Outgoing};
//!
//! let said = remote::of_json(r#"{"note": [67, 80]}"#)?;
//! assert_eq!(said, Incoming::Midi([0x90, 67, 80], 3));
//! let heard = Outgoing::Note { voice: "alto", key: 62, velocity: 80 };
//! assert_eq!(heard.json(), r#"{"note":["alto",62,80]}"#);
//! # Ok::<(), String>(())
//! ```

mod json;
mod osc;
mod words;

use chorale::Part;
use session::control::Control;
use session::midi::MidiMessage;
use session::{Message, MessageKind};

pub use json::of_json;
pub use osc::{MOST_MESSAGES, of_osc};

/// What a program says.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// The bytes of a MIDI message, and how many they are.
    Midi([u8; 3], usize),
    /// A control, moved to 0 to 127.
    Control(Control, u8),
    /// Wants to hear what is played, perhaps at another port than it speaks from, and perhaps has the token.
    Hello { token: Option<String>, port: Option<u16> },
    /// Wants to hear no more, at the port it speaks from or at this one.
    Bye { port: Option<u16> },
    /// Wants to hear how everything stands.
    State,
}

/// What a program hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// The answer to hello.
    Ready,
    /// Of a part by its name, of `through`, the keys that are passed on, or of `click`. Velocity 0 ends the note.
    Note { voice: &'static str, key: u8, velocity: u8 },
    /// Any other MIDI message to a voice.
    Midi { voice: &'static str, bytes: Vec<u8> },
    /// What sounds since the last key or step, soprano to bass; its name and Roman numeral where it has one.
    Chord { parts: [Option<u8>; 4], symbol: Option<String>, numeral: Option<String> },
    /// What has changed, or everything, by name.
    State(Vec<(String, Setting)>),
    /// In words.
    Said(String),
    /// Why something that it said was not understood, or not done.
    Error(String),
}

/// A value of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    Switch(bool),
    Number(f64),
    Text(String),
}

impl From<&Message> for Outgoing {
    fn from(message: &Message) -> Outgoing {
        let voice = match (message.kind, message.part) {
            (MessageKind::Through, _) => "through",
            (MessageKind::Click, _) => "click",
            (MessageKind::Part, Part::Soprano) => "soprano",
            (MessageKind::Part, Part::Alto) => "alto",
            (MessageKind::Part, Part::Tenor) => "tenor",
            (MessageKind::Part, Part::Bass) => "bass",
        };
        match message.midi {
            MidiMessage::NoteOn { key, velocity, .. } => Outgoing::Note { voice, key, velocity },
            MidiMessage::NoteOff { key, .. } => Outgoing::Note { voice, key, velocity: 0 },
            _ => Outgoing::Midi { voice, bytes: message.bytes().to_vec() },
        }
    }
}

/// Of Ready.
const VERSION: &str = env!("CARGO_PKG_VERSION");
