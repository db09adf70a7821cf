//! Who sings: how many parts, what they are called, and how high and low each goes.

use std::str::FromStr;

use chorale::{NoPitch, Part, Pitch};
use thiserror::Error;

/// Which voices sing the four parts of a chorale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scoring {
    #[default]
    Satb,
    /// Three parts. The men sing the bass, within a baritone's reach; there is no tenor.
    Sab,
    /// Men's voices: soprano, alto, tenor and bass become first and second tenor, baritone and bass.
    Ttbb,
}

/// A scoring with the range of each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ensemble {
    pub scoring: Scoring,
    /// Lowest and highest pitch, by [`Part::index`].
    pub ranges: [(Pitch, Pitch); 4],
}

impl Default for Ensemble {
    fn default() -> Ensemble {
        Ensemble::of(Scoring::Satb)
    }
}

impl Scoring {
    fn names(self) -> [&'static str; 4] {
        match self {
            Scoring::Satb => ["Soprano", "Alto", "Tenor", "Bass"],
            Scoring::Sab => ["Soprano", "Alto", "Tenor", "Baritone"],
            Scoring::Ttbb => ["Tenor 1", "Tenor 2", "Baritone", "Bass"],
        }
    }

    fn short_names(self) -> [&'static str; 4] {
        match self {
            Scoring::Satb => ["S", "A", "T", "B"],
            Scoring::Sab => ["S", "A", "T", "Bar"],
            Scoring::Ttbb => ["T1", "T2", "Bar", "B"],
        }
    }
}

impl Ensemble {
    /// With the usual ranges: of SATB those of Bach's chorales, of the others those of amateur choirs.
    pub fn of(scoring: Scoring) -> Ensemble {
        let midi = |ranges: [(u8, u8); 4]| {
            let pitch = |midi| Pitch::new(midi).unwrap_or(Pitch::LOWEST);
            ranges.map(|(low, high)| (pitch(low), pitch(high)))
        };
        let ranges = match scoring {
            Scoring::Satb => Part::ALL.map(Part::range),
            // C4-A5, G3-D5, (tenor), A2-D4.
            Scoring::Sab => midi([(60, 81), (55, 74), (46, 69), (45, 62)]),
            // C3-A4, B2-F4, G2-D4, D2-C4.
            Scoring::Ttbb => midi([(48, 69), (47, 65), (43, 62), (38, 60)]),
        };
        Ensemble { scoring, ranges }
    }

    /// What the part is called, for example `Tenor 1`.
    pub fn name(&self, part: Part) -> &'static str {
        self.scoring.names()[part.index()]
    }

    /// For example `T1`.
    pub fn short_name(&self, part: Part) -> &'static str {
        self.scoring.short_names()[part.index()]
    }

    /// For file names: `tenor1`.
    pub fn file_name(&self, part: Part) -> String {
        self.name(part).to_lowercase().replace(' ', "")
    }

    /// The part that nobody sings.
    pub fn silent(&self) -> Option<Part> {
        (self.scoring == Scoring::Sab).then_some(Part::Tenor)
    }

    /// From the top, those that somebody sings.
    pub fn parts(&self) -> Vec<Part> {
        Part::ALL.into_iter().filter(|part| Some(*part) != self.silent()).collect()
    }

    pub fn range(&self, part: Part) -> (Pitch, Pitch) {
        self.ranges[part.index()]
    }
}

/// Why a text names no ensemble.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnsembleError {
    #[error("'{0}' is neither SATB, SAB, TTBB nor a part with its range, such as A:G3-D5")]
    Word(String),
    #[error("'{word}': there is no part '{part}'; the parts are {parts}")]
    Part { word: String, part: String, parts: String },
    #[error("'{word}': {error}")]
    Pitch { word: String, error: NoPitch },
    #[error("'{0}': the lowest pitch comes first, and at least an octave lies between both")]
    Narrow(String),
}

impl FromStr for Ensemble {
    type Err = EnsembleError;

    /// `SATB`, `SAB` or `TTBB`, and behind it, or instead of it for SATB, ranges of single parts, with commas between:
    /// `S:C4-G5,B:E2-C4`.
    fn from_str(text: &str) -> Result<Ensemble, EnsembleError> {
        let mut ensemble = Ensemble::default();
        for (index, word) in text.split(',').map(str::trim).enumerate() {
            let Some((part, range)) = word.split_once(':') else {
                let scoring = match word.to_uppercase().as_str() {
                    "SATB" => Scoring::Satb,
                    "SAB" => Scoring::Sab,
                    "TTBB" => Scoring::Ttbb,
                    _ => return Err(EnsembleError::Word(word.into())),
                };
                if index > 0 {
                    return Err(EnsembleError::Word(word.into()));
                }
                ensemble = Ensemble::of(scoring);
                continue;
            };
            let parts = ensemble.parts();
            let found = parts.iter().find(|known| {
                let names = [ensemble.short_name(**known), ensemble.name(**known)];
                names.iter().any(|name| name.replace(' ', "").eq_ignore_ascii_case(&part.trim().replace(' ', "")))
                    || ensemble.scoring != Scoring::Ttbb && known.letter().to_string().eq_ignore_ascii_case(part.trim())
            });
            let found = found.ok_or_else(|| EnsembleError::Part {
                word: word.into(),
                part: part.trim().into(),
                parts: parts.iter().map(|part| ensemble.short_name(*part)).collect::<Vec<_>>().join(", "),
            })?;
            let pitch = |text: &str| -> Result<Pitch, EnsembleError> {
                text.trim().parse().map_err(|error| EnsembleError::Pitch { word: word.into(), error })
            };
            // The octave below C0 is written with a hyphen too; no voice goes there.
            let (low, high) = range.split_once('-').ok_or_else(|| EnsembleError::Word(word.into()))?;
            let (low, high) = (pitch(low)?, pitch(high)?);
            if low.transposed(12).is_none_or(|octave| octave > high) {
                return Err(EnsembleError::Narrow(word.into()));
            }
            ensemble.ranges[found.index()] = (low, high);
        }
        Ok(ensemble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_named_by_scoring_by_part_or_by_both() {
        let ranges = |text: &str| text.parse::<Ensemble>().unwrap().ranges.map(|(low, high)| format!("{low}-{high}"));
        assert_eq!(ranges("satb"), ["C4-A5", "E3-D5", "Bb2-A4", "C2-F#4"]);
        assert_eq!(ranges("SAB"), ["C4-A5", "G3-D5", "Bb2-A4", "A2-D4"]);
        assert_eq!(ranges("TTBB,T1:D3-Bb4, Bass:D2-C4"), ["D3-Bb4", "B2-F4", "G2-D4", "D2-C4"]);
        assert_eq!(ranges("a:G3-C5,B:E2-C4"), ["C4-A5", "G3-C5", "Bb2-A4", "E2-C4"]);
        assert_eq!("SAB".parse::<Ensemble>().unwrap().parts(), [Part::Soprano, Part::Alto, Part::Bass]);
    }

    #[test]
    fn a_text_that_names_no_ensemble_is_told_why() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Ensemble>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("SSA", "'SSA' is neither SATB");
        check("A:G3", "'A:G3' is neither");
        check("A:G3-D5,SAB", "'SAB' is neither");
        check("X:G3-D5", "there is no part 'X'; the parts are S, A, T, B");
        check("SAB,T:C3-G4", "the parts are S, A, Bar");
        check("A:H3-D5", "'H3' is no pitch");
        check("A:D5-G3", "the lowest pitch comes first");
        check("A:G3-D4", "at least an octave");
        check("", "'' is neither");
    }
}
