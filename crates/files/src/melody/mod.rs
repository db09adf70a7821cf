//! The melody of a file: which of its lines it is, and which step each of its notes belongs to.

mod find;
mod fold;
mod four_parts;
mod inspect;
mod lines;
mod names;
mod pickup;
mod profile;
mod rivals;
mod steps;
mod sung;
mod switches;
mod text_lines;
mod top_line;
mod turns;
mod weigh;

use std::collections::BTreeMap;

use chorale::{Key, Pitch, Spelling};
use thiserror::Error;

pub use self::find::{Choice, lyrics_of};
pub use self::fold::Fold;
pub use self::four_parts::{four_parts, named_choir, named_parts};
pub use self::inspect::{Inspection, LineReport, inspect};
pub(crate) use self::names::may_be_drums;
pub use self::pickup::guess_pickup;
use self::steps::MAX_HELD;
pub use self::steps::{MAX_STEPS, MelodyStep, beats_in_bar, steps};
pub(crate) use self::text_lines::line_ends;
pub use self::weigh::{Clue, Evidence};
use crate::phrasing::Phrasing;
use crate::score::{Lyric, Note, Tick};
use crate::source::Kind;

/// One line of music, as it stands in the file, and how it was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Melody {
    /// In order of start. Notes may overlap a little, as legato playing does.
    pub notes: Vec<Note>,
    /// Which line of the file it is, and of how many: `track 2 'Vocals' channel 1 of 5`.
    pub place: String,
    pub lyrics: Vec<Lyric>,
    /// Whether the other parts sing the lyrics too, and so strike each syllable.
    pub all_sing: bool,
    /// Where notes with a fermata begin, in order.
    pub fermatas: Vec<Tick>,
    pub phrasing: Phrasing,
    /// Where the notes begin on which a line of the text ends, in order.
    pub line_ends: Vec<Tick>,
    /// How the file wrote the notes, by their start; empty where it has no spelling.
    pub spellings: BTreeMap<Tick, Spelling>,
    /// The chord symbols of its track, or else of the one that has most.
    pub symbols: Vec<(Tick, String)>,
    /// What was decided on the way, in sentences for the user.
    pub remarks: Vec<String>,
}

impl Melody {
    /// Moved by a number of semitones.
    ///
    /// # Errors
    /// The first pitch that would leave the MIDI range.
    pub fn transposed(mut self, semitones: i32) -> Result<Melody, Pitch> {
        for note in &mut self.notes {
            note.pitch = note.pitch.transposed(semitones).ok_or(note.pitch)?;
        }
        // Letters move with their octave; after any other interval they follow from the key.
        if semitones % 12 != 0 {
            self.spellings.clear();
        }
        for spelling in self.spellings.values_mut() {
            spelling.octave += (semitones / 12) as i8;
        }
        Ok(self)
    }

    /// The key that fits the notes best.
    pub fn found_key(&self) -> Key {
        let notes = self.notes.iter().map(|note| (note.pitch, note.end - note.start));
        // A melody ends on the tonic more often than on any other degree.
        Key::of_notes(notes, self.notes.last().map(|note| note.pitch))
    }

    /// The tick of the first note; 0 without notes.
    pub fn first_onset(&self) -> Tick {
        self.notes.first().map_or(0, |note| note.start)
    }
}

/// Why no melody was found. The messages list what there is.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MelodyError {
    #[error("the file holds no notes")]
    NoNotes,
    #[error(
        "the file holds nothing but notes without pitch, as percussion has them; a melody needs notes with pitches"
    )]
    OnlyUnpitched,
    #[error(
        "the file holds nothing but drums, whose keys are no pitches; if they are meant as pitches, name the {}: {available}",
        kind.track()
    )]
    OnlyDrums { kind: Kind, available: String },
    #[error("no {kind} '{asked}'; there are: {available}", kind = kind.track())]
    UnknownTrack { kind: Kind, asked: String, available: String },
    #[error("'{asked}' names several {kind}s; choose one by number: {available}", kind = kind.track())]
    AmbiguousTrack { kind: Kind, asked: String, available: String },
    #[error("no notes on {kind} {asked} {place}; there are: {available}", kind = kind.line())]
    EmptyChannel { kind: Kind, asked: u8, place: String, available: String },
    #[error("{kind} {track} holds no notes; there are: {available}", kind = kind.track())]
    EmptyTrack { kind: Kind, track: usize, available: String },
    #[error(
        "four parts are needed, and neither the names nor the number of lines show which they are: {available}; name them \
         Soprano, Alto, Tenor and Bass"
    )]
    NotFourParts { available: String },
    #[error("four parts are needed, and it holds a melody alone")]
    MelodyAlone,
    #[error(
        "{pitch} in bar {bar} is held for {steps} sixteenths; no voice holds a note for more than {MAX_HELD}: correct its \
         length, or name another line as the melody"
    )]
    HeldTooLong { pitch: Pitch, bar: u32, steps: u32 },
    #[error("the melody lasts for {steps} sixteenths; more than {MAX_STEPS} mean that the file is damaged")]
    TooLong { steps: u64 },
}

#[cfg(test)]
mod hands_tests;
#[cfg(test)]
mod made_songs;
#[cfg(test)]
mod tests;
