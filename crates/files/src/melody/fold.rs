//! The octaves between a melody and the range in which the networks know sopranos.

use chorale::{Part, Pitch, Token};

use super::MelodyStep;

/// How the melody is brought into the range that the networks know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The whole melody, by this number of octaves up (below zero: down); 0 when it fits as it is.
    Whole(i32),
    /// No octave holds it all: each note by itself.
    NoteByNote,
}

impl Fold {
    pub fn of(steps: &[MelodyStep]) -> Fold {
        Fold::into_range(steps, Part::Soprano.range())
    }

    /// Into the range of those who sing it.
    pub fn into_range(steps: &[MelodyStep], (low, high): (Pitch, Pitch)) -> Fold {
        let fits = |octaves: i32| {
            let inside = |step: &MelodyStep| {
                step.soprano.transposed(12 * octaves).is_some_and(|pitch| (low..=high).contains(&pitch))
            };
            steps.iter().all(inside)
        };
        [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5]
            .into_iter()
            .find(|&octaves| fits(octaves))
            .map_or(Fold::NoteByNote, Fold::Whole)
    }

    /// What to tell the user; nothing when the melody fits as it is.
    pub fn remark(self) -> Option<String> {
        let (low, high) = Part::Soprano.range();
        match self {
            Fold::Whole(0) => None,
            Fold::Whole(octaves) => {
                let many = if octaves.abs() == 1 { "an octave".into() } else { format!("{} octaves", octaves.abs()) };
                let (place, way) = if octaves > 0 { ("low", "higher") } else { ("high", "lower") };
                Some(format!(
                    "the melody lies too {place} for the network ({low} to {high}): harmonized as if {many} {way}"
                ))
            }
            Fold::NoteByNote => Some(format!(
                "no octave of the melody fits into what the network knows ({low} to {high}): \
                 notes outside are harmonized as their octave inside"
            )),
        }
    }

    /// The soprano as the network hears it, and by how many octaves it was moved up.
    pub fn apply(self, soprano: Pitch) -> (Token, i32) {
        let whole = match self {
            Fold::Whole(octaves) => soprano.transposed(12 * octaves).and_then(Token::from_pitch).zip(Some(octaves)),
            Fold::NoteByNote => None,
        };
        whole.unwrap_or_else(|| Part::Soprano.fold(soprano))
    }
}
