use std::ops::{Index, IndexMut};

use thiserror::Error;

use crate::{Pitch, Token};

/// One of the four parts, from the top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    #[default]
    Soprano,
    Alto,
    Tenor,
    Bass,
}

impl Part {
    pub const ALL: [Part; 4] = [Part::Soprano, Part::Alto, Part::Tenor, Part::Bass];
    /// The parts that answer the soprano.
    pub const LOWER: [Part; 3] = [Part::Alto, Part::Tenor, Part::Bass];
    /// Every two parts, the upper one first.
    pub const PAIRS: [(Part, Part); 6] = [
        (Part::Soprano, Part::Alto),
        (Part::Soprano, Part::Tenor),
        (Part::Soprano, Part::Bass),
        (Part::Alto, Part::Tenor),
        (Part::Alto, Part::Bass),
        (Part::Tenor, Part::Bass),
    ];

    /// Column in the data set and in every `[_; 4]` of this project: soprano 0 .. bass 3.
    pub const fn index(self) -> usize {
        self as usize
    }

    pub const fn name(self) -> &'static str {
        ["Soprano", "Alto", "Tenor", "Bass"][self as usize]
    }

    /// S, A, T or B.
    pub const fn letter(self) -> char {
        ['S', 'A', 'T', 'B'][self as usize]
    }

    pub fn from_letter(letter: char) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.letter() == letter.to_ascii_uppercase())
    }

    /// Lowest and highest pitch of the part in the 382 chorales.
    pub const fn range(self) -> (Pitch, Pitch) {
        const RANGES: [(Pitch, Pitch); 4] = [range(60, 81), range(52, 74), range(46, 69), range(36, 66)];
        RANGES[self as usize]
    }

    /// The octave of `pitch` inside the part's range, and how many octaves it was moved up (below zero: down).
    pub fn fold(self, pitch: Pitch) -> (Token, i32) {
        let (low, high) = self.range();
        let midi = i32::from(pitch.midi());
        let octaves = if pitch < low {
            (i32::from(low.midi()) - midi + 11) / 12
        } else {
            -(((midi - i32::from(high.midi())).max(0) + 11) / 12)
        };
        let folded = pitch.transposed(12 * octaves).and_then(Token::from_pitch);
        (folded.expect("a part's range spans more than an octave"), octaves)
    }
}

/// Some of the parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parts(u8);

impl Parts {
    pub fn which(mut belongs: impl FnMut(Part) -> bool) -> Parts {
        Parts(Part::ALL.into_iter().fold(0, |parts, part| parts | u8::from(belongs(part)) << part.index()))
    }

    pub fn contains(self, part: Part) -> bool {
        self.0 >> part.index() & 1 == 1
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// From the top.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(move |part| self.contains(*part))
    }
}

impl<const COUNT: usize> From<[Part; COUNT]> for Parts {
    fn from(parts: [Part; COUNT]) -> Parts {
        Parts(parts.into_iter().fold(0, |all, part| all | 1 << part.index()))
    }
}

/// Of MIDI notes. Where it makes a constant, the compiler checks that they are some, and more than an octave.
const fn range(low: u8, high: u8) -> (Pitch, Pitch) {
    assert!(high - low > 12 && low >= Pitch::LOWEST.midi() && high <= Pitch::HIGHEST.midi());
    (Pitch::new(low).unwrap(), Pitch::new(high).unwrap())
}

/// Puts an answer to a folded soprano where it belongs: under a soprano that was moved up, the answer goes back down,
/// except where it would leave the MIDI range; under one that was moved down it stays, being low enough already.
pub fn unfold(pitch: Option<Pitch>, octaves: i32) -> Option<Pitch> {
    pitch.map(|pitch| pitch.transposed(-12 * octaves.max(0)).unwrap_or(pitch))
}

/// What the four parts do in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord(pub [Token; 4]);

impl Chord {
    /// What stands before the first step.
    pub const START: Chord = Chord([Token::START; 4]);
    pub const SILENCE: Chord = Chord([Token::REST; 4]);

    /// Soprano, alto, tenor, bass; `None` for a part at rest.
    pub fn pitches(self) -> [Option<Pitch>; 4] {
        self.0.map(Token::pitch)
    }

    /// `None` when a sounding part would leave the vocabulary.
    pub fn transposed(self, semitones: i32) -> Option<Chord> {
        let mut chord = self;
        for token in &mut chord.0 {
            *token = token.transposed(semitones)?;
        }
        Some(chord)
    }
}

impl Index<Part> for Chord {
    type Output = Token;
    fn index(&self, part: Part) -> &Token {
        &self.0[part.index()]
    }
}

impl IndexMut<Part> for Chord {
    fn index_mut(&mut self, part: Part) -> &mut Token {
        &mut self.0[part.index()]
    }
}

/// A piece in four parts, one chord a step (a sixteenth note). Step 0 is on a beat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chorale {
    pub chords: Vec<Chord>,
}

/// Why a text is no chorale. `line` counts from 1, the header included.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CsvError {
    #[error("line 1: expected the header 'note0,note1,note2,note3', found '{found}'")]
    Header { found: String },
    #[error("line {line}: expected 4 columns (soprano, alto, tenor, bass), found {found}")]
    Columns { line: usize, found: usize },
    #[error("line {line}: '{value}' is not a whole number")]
    NotANumber { line: usize, value: String },
    #[error("line {line}: pitch {value} lies outside the vocabulary (0 for a rest, or 36 to 81)")]
    OutOfVocabulary { line: usize, value: i64 },
    #[error("no chord follows the header")]
    Empty,
}

const CSV_HEADER: &str = "note0,note1,note2,note3";

impl Chorale {
    /// Reads the form of the data set: the header `note0,note1,note2,note3`, then soprano, alto, tenor and bass of
    /// one step a line, as MIDI note numbers with 0 for a rest.
    ///
    /// # Errors
    /// The first line that breaks the form, with its number and the offending value.
    pub fn from_csv(text: &str) -> Result<Chorale, CsvError> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let (_, header) = lines.next().unwrap_or((1, ""));
        if header != CSV_HEADER {
            return Err(CsvError::Header { found: header.chars().take(60).collect() });
        }
        let mut chords = Vec::new();
        for (line, row) in lines.filter(|(_, row)| !row.is_empty()) {
            let columns: Vec<&str> = row.split(',').map(str::trim).collect();
            let columns: [&str; 4] =
                columns.as_slice().try_into().map_err(|_| CsvError::Columns { line, found: columns.len() })?;
            let mut chord = Chord::SILENCE;
            for (part, column) in Part::ALL.into_iter().zip(columns) {
                let value: i64 = column
                    .parse()
                    .map_err(|_| CsvError::NotANumber { line, value: column.chars().take(40).collect() })?;
                chord[part] = match value {
                    0 => Token::REST,
                    _ => u8::try_from(value)
                        .ok()
                        .and_then(Pitch::new)
                        .and_then(Token::from_pitch)
                        .ok_or(CsvError::OutOfVocabulary { line, value })?,
                };
            }
            chords.push(chord);
        }
        if chords.is_empty() { Err(CsvError::Empty) } else { Ok(Chorale { chords }) }
    }

    /// The inverse of [`Chorale::from_csv`].
    pub fn to_csv(&self) -> String {
        let mut text = format!("{CSV_HEADER}\n");
        for chord in &self.chords {
            let row = chord.pitches().map(|pitch| pitch.map_or(0, Pitch::midi).to_string());
            text += &row.join(",");
            text.push('\n');
        }
        text
    }

    /// `None` when a part would leave the vocabulary.
    pub fn transposed(&self, semitones: i32) -> Option<Chorale> {
        let chords = self.chords.iter().map(|chord| chord.transposed(semitones)).collect::<Option<_>>()?;
        Some(Chorale { chords })
    }

    /// Lowest and highest pitch of a part; `None` when it only rests.
    pub fn range(&self, part: Part) -> Option<(Pitch, Pitch)> {
        let pitches = || self.chords.iter().filter_map(|chord| chord[part].pitch());
        pitches().min().zip(pitches().max())
    }

    /// The transpositions, in semitones, that keep every part inside [`Part::range`], ascending; 0 is among them
    /// whenever the piece itself is inside.
    pub fn legal_transpositions(&self) -> Vec<i32> {
        (-24..=24)
            .filter(|&semitones| {
                Part::ALL.into_iter().all(|part| {
                    let (low, high) = part.range();
                    self.range(part).is_none_or(|(lowest, highest)| {
                        lowest.transposed(semitones).is_some_and(|pitch| pitch >= low)
                            && highest.transposed(semitones).is_some_and(|pitch| pitch <= high)
                    })
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO_CHORDS: &str = "note0,note1,note2,note3\n72,67,64,48\n81,0,69,36\n";

    #[test]
    fn every_midi_note_is_folded_by_whole_octaves_into_a_parts_range_and_only_when_it_has_to_be() {
        for (part, midi) in Part::ALL.into_iter().flat_map(|part| (0..=127).map(move |midi| (part, midi))) {
            let pitch = Pitch::new(midi).unwrap();
            let range = part.range().0..=part.range().1;
            let (token, octaves) = part.fold(pitch);
            let folded = token.pitch().unwrap();
            assert_eq!(i32::from(folded.midi()) - i32::from(midi), 12 * octaves);
            assert!(range.contains(&folded), "{part:?} {midi} becomes {folded:?}");
            assert_eq!(range.contains(&pitch), octaves == 0, "{part:?} {midi}");
        }
    }

    #[test]
    fn a_csv_text_comes_back_unchanged() {
        assert_eq!(Chorale::from_csv(TWO_CHORDS).unwrap().to_csv(), TWO_CHORDS);
    }

    #[test]
    fn each_malformed_row_is_named_by_line_and_value() {
        let check = |rows: &str, expected: CsvError| {
            assert_eq!(Chorale::from_csv(&format!("{CSV_HEADER}\n72,67,64,48\n{rows}")), Err(expected), "{rows:?}");
        };
        check("72,67,64", CsvError::Columns { line: 3, found: 3 });
        check("72,67,64,48,36", CsvError::Columns { line: 3, found: 5 });
        check("72,x,64,48", CsvError::NotANumber { line: 3, value: "x".into() });
        check("72,67.5,64,48", CsvError::NotANumber { line: 3, value: "67.5".into() });
        check("72,67,64,35", CsvError::OutOfVocabulary { line: 3, value: 35 });
        check("72,67,64,48\n82,67,64,48", CsvError::OutOfVocabulary { line: 4, value: 82 });
        check("-1,67,64,48", CsvError::OutOfVocabulary { line: 3, value: -1 });
        check("300,67,64,48", CsvError::OutOfVocabulary { line: 3, value: 300 });
        assert_eq!(Chorale::from_csv(CSV_HEADER), Err(CsvError::Empty));
        assert_eq!(Chorale::from_csv(""), Err(CsvError::Header { found: String::new() }));
    }

    proptest! {
        #[test]
        fn transposing_there_and_back_changes_nothing(semitones in -12i32..=12) {
            let chorale = Chorale::from_csv(TWO_CHORDS).unwrap();
            if let Some(there) = chorale.transposed(semitones) {
                prop_assert_eq!(there.transposed(-semitones), Some(chorale));
            }
        }

        #[test]
        fn legal_transpositions_keep_every_part_in_its_range(soprano in 60u8..=81, bass in 36u8..=66) {
            let text = format!("{CSV_HEADER}\n{soprano},60,57,{bass}\n");
            let chorale = Chorale::from_csv(&text).unwrap();
            let legal = chorale.legal_transpositions();
            prop_assert!(legal.contains(&0));
            for semitones in legal {
                let moved = chorale.transposed(semitones).unwrap();
                for part in Part::ALL {
                    let ((low, high), (lowest, highest)) = (part.range(), moved.range(part).unwrap());
                    prop_assert!(low <= lowest && highest <= high);
                }
            }
        }
    }
}
