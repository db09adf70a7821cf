//! What is asked of a harmonization besides its melody: who sings it, and how much the parts move.

use chorale::{Density, Guard, Part, Pitch, Rule};
use files::melody::MelodyStep;
use files::{Ensemble, Scoring};
use thiserror::Error;

use crate::harmonizer::Limits;

#[derive(Clone, Copy, Debug, Default)]
pub struct Constraints {
    pub ensemble: Ensemble,
    /// Where the lower parts may move while the melody holds a note.
    pub density: Density,
}

/// Nats by which a unison costs men's voices more. They lie so close that the parts would often meet; the guard's own
/// weights were tuned on Bach's wider ones. By this "Nun danket" has unisons on one beat of 64, not on ten.
const MEN_UNISON: f32 = 2.0;

/// A range of which the networks know too little.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the range {low} to {high} of the {name} holds less than an octave of what the networks know with this melody, {} to {}; \
     another --ranges, or --transpose",
    lowest,
    highest
)]
pub struct OutOfReach {
    name: String,
    low: Pitch,
    high: Pitch,
    lowest: Pitch,
    highest: Pitch,
}

impl Constraints {
    /// What binds the network where it hears the melody so that its answer goes down by so many semitones.
    ///
    /// # Errors
    /// The first part whose range leaves it no octave to sing.
    pub fn limits(&self, semitones: i32) -> Result<Limits, OutOfReach> {
        // What lies an octave low is sung an octave lower than Bach wrote; nobody has asked for more.
        if self.ensemble == Ensemble::default() && semitones.rem_euclid(12) == 0 {
            return Ok(Limits::default());
        }
        let mut limits = Limits { silent: self.ensemble.silent(), ..Limits::default() };
        for part in Part::LOWER {
            let (low, high) = self.ensemble.range(part);
            let heard = |pitch: Pitch| pitch.transposed(semitones).unwrap_or(Pitch::HIGHEST);
            let range = (heard(low).max(Pitch::LOWEST), heard(high).min(Pitch::HIGHEST));
            if range.0.transposed(12).is_none_or(|octave| octave > range.1) {
                let sung = |pitch: Pitch| pitch.transposed(-semitones).unwrap_or(pitch);
                let (lowest, highest) = (sung(Pitch::LOWEST), sung(Pitch::HIGHEST));
                let name = self.ensemble.name(part).to_lowercase();
                return Err(OutOfReach { name, low, high, lowest, highest });
            }
            limits.ranges[part.index()] = range;
        }
        let (low, high) = self.ensemble.range(Part::Soprano);
        let (lowest, highest) = Part::Soprano.range();
        let heard = |pitch: Pitch| pitch.transposed(semitones).unwrap_or(pitch);
        // The melody is given; where a soprano is to be found, it keeps to what both know.
        let range = (heard(low).max(lowest), heard(high).min(highest));
        if range.0 < range.1 {
            limits.ranges[Part::Soprano.index()] = range;
        }
        Ok(limits)
    }

    /// The guard for those who sing.
    pub fn guard(&self, mut guard: Guard) -> Guard {
        if self.ensemble.scoring == Scoring::Ttbb && guard != Guard::OFF {
            guard.weights[Rule::Unison.index()] += MEN_UNISON;
        }
        guard
    }

    /// In which steps the other parts may move.
    pub fn moves(&self, steps: &[MelodyStep]) -> Vec<bool> {
        let mut before: Option<&MelodyStep> = None;
        let moves = steps.iter().map(|step| {
            let is_held = before
                .is_some_and(|before| before.end == step.start && before.soprano == step.soprano && !step.restruck);
            before = Some(step);
            !is_held || self.density.moves_at(step.phase.index() as u64)
        });
        moves.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_steps;

    fn constraints(ranges: &str) -> Constraints {
        Constraints { ensemble: ranges.parse().unwrap(), ..Constraints::default() }
    }

    #[test]
    fn ranges_move_with_a_melody_that_the_network_hears_an_octave_higher() {
        let ranges = |octaves: i32| {
            let limits = constraints("TTBB").limits(12 * octaves).unwrap();
            limits.ranges.map(|(low, high)| (low.midi(), high.midi()))
        };
        assert_eq!(ranges(0)[1..], [(47, 65), (43, 62), (38, 60)]);
        assert_eq!(ranges(1), [(60, 81), (59, 77), (55, 74), (50, 72)]);
        assert_eq!(constraints("SATB").limits(12), Ok(Limits::default()));
        let low = constraints("SATB").limits(3).unwrap().ranges.map(|(low, high)| (low.midi(), high.midi()));
        assert_eq!(low, [(63, 81), (55, 77), (49, 72), (39, 69)], "a melody that dips by three semitones");
        assert_eq!(constraints("SAB").limits(0).unwrap().silent, Some(Part::Tenor));
        let error = constraints("B:C6-C7").limits(0).unwrap_err().to_string();
        assert!(error.contains("C6 to C7 of the bass") && error.contains("C2 to A5"), "{error}");
    }

    #[test]
    fn under_a_held_note_the_parts_move_where_the_density_lets_them() {
        let step = |(index, midi, restruck): (u32, u8, bool)| MelodyStep { restruck, ..test_steps::step(index, midi) };
        let steps: Vec<MelodyStep> = [72, 72, 72, 72, 72, 72, 74, 74]
            .into_iter()
            .zip(0..)
            .map(|(midi, index)| step((index, midi, index == 3)))
            .collect();
        let moves = |density: Density| {
            let constraints = Constraints { density, ..Constraints::default() };
            constraints.moves(&steps).into_iter().map(u8::from).collect::<Vec<_>>()
        };
        assert_eq!(moves(Density::Sixteenths), [1; 8]);
        assert_eq!(moves(Density::Eighths), [1, 0, 1, 1, 1, 0, 1, 0]);
        assert_eq!(moves(Density::Beats), [1, 0, 0, 1, 1, 0, 1, 0]);
        assert_eq!(moves(Density::Still), [1, 0, 0, 1, 0, 0, 1, 0]);
    }
}
