//! Which sound a synthesizer is asked for.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A program of General MIDI, 0..=127 as in a message; users count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program(u8);

/// What four parts are likely to be played by: the name to call it by, General MIDI's, and its number from 1.
const NAMED: [(&str, &str, u8); 10] = [
    ("choir", "Choir Aahs", 53),
    ("voices", "Voice Oohs", 54),
    ("organ", "Church Organ", 20),
    ("reed-organ", "Reed Organ", 21),
    ("piano", "Acoustic Grand Piano", 1),
    ("harpsichord", "Harpsichord", 7),
    ("strings", "String Ensemble 1", 49),
    ("brass", "Brass Section", 62),
    ("trombone", "Trombone", 58),
    ("recorder", "Recorder", 75),
];

impl Program {
    pub const CHOIR: Program = Program(52);

    /// As a MIDI message has it, from 0.
    pub const fn midi(self) -> u8 {
        self.0
    }

    /// As people and MusicXML count, from 1.
    pub const fn number(self) -> u8 {
        self.0 + 1
    }

    /// General MIDI's name, where it is one of those that have names here.
    pub fn instrument(self) -> Option<&'static str> {
        NAMED.iter().find(|(.., number)| *number == self.number()).map(|(_, instrument, _)| *instrument)
    }
}

impl Default for Program {
    fn default() -> Program {
        Program::CHOIR
    }
}

impl fmt::Display for Program {
    /// The name that [`Program::from_str`] takes, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(.., number)| *number == self.number()) {
            Some((name, ..)) => f.write_str(name),
            None => write!(f, "{}", self.number()),
        }
    }
}

/// A text that names no program.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("expected {}, or a number of General MIDI from 1 to 128", NAMED.map(|(name, ..)| name).join(", "))]
pub struct NoProgram;

impl FromStr for Program {
    type Err = NoProgram;

    /// `choir`, or a number from 1 to 128.
    fn from_str(text: &str) -> Result<Program, NoProgram> {
        let text = text.trim();
        if let Some((.., number)) = NAMED.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text)) {
            return Ok(Program(number - 1));
        }
        match text.parse::<u8>() {
            Ok(number @ 1..=128) => Ok(Program(number - 1)),
            _ => Err(NoProgram),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_or_counted_from_one() {
        let midi = |text: &str| text.parse::<Program>().map(Program::midi);
        assert_eq!([midi("choir"), midi("Organ"), midi(" 1 "), midi("128")], [Ok(52), Ok(19), Ok(0), Ok(127)]);
        assert_eq!([midi("0"), midi("129"), midi("kazoo"), midi("-1"), midi("")], [const { Err(NoProgram) }; 5]);
        for number in 1..=128_u8 {
            let program: Program = number.to_string().parse().unwrap();
            assert_eq!(program.to_string().parse(), Ok(program));
        }
        assert_eq!(Program::default().instrument(), Some("Choir Aahs"));
        assert!(NoProgram.to_string().contains("choir, voices, organ"), "{NoProgram}");
    }
}
