//! What stands in the way, with the way out. Options are named as the command line names them.

use std::io;

use chorale::{Part, Pitch};
use files::melody::MelodyError;
use files::{Kind, Metre};
use harmonizer::OutOfReach;
use network::ModelError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ArrangeError {
    #[error(transparent)]
    Load(io::Error),
    /// What is in a file cannot be used. `place` is its name, or the option that names it.
    #[error("{place}: {reason}")]
    File { place: String, reason: String },
    #[error("--transpose {semitones} moves {pitch} of {file} out of the range of MIDI")]
    OutOfMidi { semitones: i32, pitch: Pitch, file: String },
    #[error(
        "--pickup {quarters}: a bar of {metre} has {bar} quarters, and a pickup fewer; leave it out where there is none"
    )]
    LongPickup { quarters: f64, metre: Metre, bar: f64 },
    #[error("{0} cannot be moved by octaves")]
    CannotMove(Pitch),
    #[error("--live answers a soprano; without it the search harmonizes around the {0}")]
    LiveBelow(String),
    #[error("--melody-part {0}: --ranges SAB leaves the tenor out; give the melody to another part")]
    LeftOut(String),
    #[error("--keep {file}: no {} in it is named Alto, Tenor or Bass; name those that are to stay", kind.track())]
    NothingToKeep { file: String, kind: Kind },
    #[error(
        "--steps {length} leaves nothing to write after {prompt} steps of prompt; ask for more, or lower --prompt-steps"
    )]
    NothingToWrite { length: usize, prompt: usize },
    #[error("{0} lies too high for --ranges TTBB, which takes it an octave up; move it down, or leave that out")]
    PromptTooHigh(String),
    #[error(
        "--chords file: {file} has no chord symbols{hint}; give them instead, such as --chords \"| C Am | F G7 |\""
    )]
    NoSymbols { file: String, hint: &'static str },
    #[error("--live knows only what came before; chords and their rhythm are given to the search, without it")]
    LiveChords,
    #[error("--bars {asked}: the piece has bars {first} to {last}")]
    NoSuchBar { asked: String, first: u32, last: u32 },
    #[error("nothing is left to be found anew: no note of these parts begins in these bars; take others, or more")]
    NothingSelected,
    #[error("--redo {part}: --ranges SAB leaves the {part} out; name other parts", part = .0.name().to_lowercase())]
    RedoLeftOut(Part),
    #[error("the {} has no note there; name a beat on which one sounds", .0.name().to_lowercase())]
    NoNote(Part),
    #[error("--live knows only what came before; without it the search leads into what stands after, too")]
    LiveAgain,
    /// What is wrong with a piece that has no file.
    #[error("{0}")]
    Piece(String),
    #[error("a part of the new chorale lies too low")]
    TooLow,
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ArrangeError {
    /// Why a file has no four parts, with what makes them of a melody.
    pub(crate) fn no_four_parts(file: &str, reason: MelodyError) -> ArrangeError {
        if reason != MelodyError::MelodyAlone {
            return ArrangeError::in_file(file, reason);
        }
        if file == crate::Tune::STDIN {
            return ArrangeError::in_file(file, format!("{reason}; harmonize it first: performer render - -o -"));
        }
        let quote = if file.contains(char::is_whitespace) { "\"" } else { "" };
        ArrangeError::in_file(file, format!("{reason}; harmonize it first: performer render {quote}{file}{quote}"))
    }

    pub(crate) fn in_file(file: &str, reason: impl ToString) -> ArrangeError {
        ArrangeError::File { place: file.to_owned(), reason: reason.to_string() }
    }
}
