//! A live performance as a pure function: MIDI messages and times in, MIDI messages out.
//!
//! No port, thread, file, clock of its own or network may be here, and nothing after [`Session::new`] allocates: a
//! [`Session`] runs inside a sound system's callback, in a plugin, in a page, and in a replay that gives the same bytes.
//! Whoever drives it sends its messages, and fills the answer tables that it asks for (`chorale-live` does so with a
//! network).
//!
//! A key is struck, and answered from a table with one chord for every soprano:
//!
//! ```
//! use chorale::{Chord, Token};
//! use session::clock::{self, ClockSource};
//! use session::{AnswerTable, Session, Settings};
//!
//! let clock = clock::Settings { source: ClockSource::Internal, rate: 1000.0, tempo: 72.0, first: 0 };
//! let mut session = Session::new(Settings::new(clock));
//!
//! let token = |midi| Token::from_pitch(chorale::Pitch::new(midi).unwrap()).unwrap();
//! let chords = std::array::from_fn(|soprano| {
//!     Chord([Token::from_index(soprano).unwrap(), token(67), token(64), token(48)])
//! });
//! session.table(0, &AnswerTable { number: 0, is_present: false, step: 0, after: Chord::START, bass: None, chords });
//!
//! assert!(session.midi(5, &[0x90, 72, 80]), "a soprano is struck");
//! let mut sent = Vec::new();
//! while let Some(message) = session.next_message() {
//!     sent.push(message.bytes().to_vec());
//!     session.sent();
//! }
//! assert_eq!(sent, [[0x90, 72, 80], [0x91, 67, 80], [0x92, 64, 80], [0x93, 48, 80]]);
//! assert_eq!(session.next_request().unwrap().step, 0, "the table for the step after this one is wanted");
//! ```

#![forbid(unsafe_code)]

mod answer;
pub mod clock;
pub mod config;
pub mod control;
mod logged;
pub mod midi;
mod routing;
mod session;
mod songs;

pub use answer::AnswerTable;
pub use clock::Time;
pub use routing::{ClickNote, Message, MessageKind, Route, Routing};
pub use session::{
    BINDINGS, Below, CHORD_WINDOW, ClickSettings, Counts, KeyboardSplit, MOST_COUNTED, Release, SPLIT_CHANNEL, Session,
    Settings, StepBegun, TableRequest,
};
pub use songs::{SONGS, Song, SongConfig, WhichModel};
