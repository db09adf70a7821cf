//! A piece in four parts as it is written to files and shown: notes on ticks, with tempo, metre and key.

use chorale::{Part, Pitch};

/// Ticks from the beginning of the piece; how many make a quarter is told by [`Score::ticks_per_quarter`].
/// Always below 2^28, the longest distance between two events that a MIDI file can hold.
pub type Tick = u32;

/// One sounding note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub start: Tick,
    /// The first tick at which it no longer sounds; always after `start`.
    pub end: Tick,
    pub pitch: Pitch,
    /// MIDI velocity, 1..=127.
    pub velocity: u8,
}

/// What applies to all parts at once, from one tick on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Microseconds a quarter.
    Tempo(u32),
    Metre(Metre),
    /// Sharps (below zero: flats), and whether the key is minor.
    Key {
        sharps: i8,
        minor: bool,
    },
    /// A rehearsal mark or section name, in the bytes of the file it came from.
    Marker(Vec<u8>),
    Copyright(Vec<u8>),
}

/// A time signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Metre {
    /// 1..=255.
    pub numerator: u8,
    /// The denominator as a power of two, 0..=6: 2 stands for quarters.
    pub denominator_log2: u8,
    /// MIDI clocks (24 a quarter) between two clicks of a metronome.
    pub clocks_per_click: u8,
    /// 8, unless the file reinterprets the quarter.
    pub thirtyseconds_per_quarter: u8,
}

impl Metre {
    pub const FOUR_FOUR: Metre =
        Metre { numerator: 4, denominator_log2: 2, clocks_per_click: 24, thirtyseconds_per_quarter: 8 };

    pub fn denominator(self) -> u8 {
        1 << self.denominator_log2
    }
}

impl std::fmt::Display for Metre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator())
    }
}

/// Four parts with what conducts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    pub ticks_per_quarter: u16,
    /// In order of tick.
    pub directions: Vec<(Tick, Direction)>,
    /// Soprano, alto, tenor, bass; each in order of start.
    pub parts: [Vec<Note>; 4],
    /// Syllables of the soprano, in the bytes of the file they came from.
    pub lyrics: Vec<(Tick, Vec<u8>)>,
}

impl Score {
    /// The tick at which the last note ends; 0 for an empty score.
    pub fn end(&self) -> Tick {
        self.parts.iter().flatten().map(|note| note.end).max().unwrap_or(0)
    }

    pub fn part(&self, part: Part) -> &[Note] {
        &self.parts[part.index()]
    }

    /// Whether the first key signature is one with flats, so that black keys are better called flats.
    pub fn prefers_flats(&self) -> bool {
        let key = self.directions.iter().find_map(|(_, direction)| match direction {
            Direction::Key { sharps, .. } => Some(*sharps),
            _ => None,
        });
        key.is_some_and(|sharps| sharps < 0)
    }
}
