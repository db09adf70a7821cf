//! T, the mean nats per note, and what goes with it.

use std::collections::BTreeMap;

use anyhow::Result;
use chorale::{Chord, Part, Phase, Token};
use serde::Serialize;

use crate::dataset::CorpusPiece;
use crate::parallel;

/// What the network is told of the place in the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Told {
    /// Only the sixteenth of the beat, as where nobody knows the bar
    Beat,
    /// The place in the bar, where the piece's length gives it away (the future: not for headlines)
    Bar,
    /// A place one beat later than that
    WrongBar,
}

impl Told {
    pub fn phases(self, piece: &CorpusPiece) -> Vec<Phase> {
        let mut phases = piece.phases(self != Told::Beat);
        if self == Told::WrongBar {
            for phase in phases.iter_mut().filter(|phase| phase.index() < Phase::STEPS_PER_BAR) {
                *phase = Phase::in_bar(phase.index() + Phase::STEPS_PER_BEAT);
            }
        }
        phases
    }
}

/// Sums over every note of every step seen so far.
#[derive(Clone, Debug, Default)]
pub struct Likelihood {
    parts: [Tally; 4],
    /// Steps at which two or more parts leave the pitch of the step before, and all the others.
    moving: Tally,
    other: Tally,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    nats: f64,
    correct: usize,
    notes: usize,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.nats += other.nats;
        self.correct += other.correct;
        self.notes += other.notes;
    }

    fn measure(self) -> Measure {
        let notes = self.notes.max(1) as f64;
        Measure { nats: self.nats / notes, accuracy: self.correct as f64 / notes, notes: self.notes }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measure {
    /// Mean nats per note.
    pub nats: f64,
    /// Share of notes that were the likeliest token.
    pub accuracy: f64,
    pub notes: usize,
}

/// What `trainer evaluate` reports. T and the nats are per note, in natural units.
#[derive(Clone, Debug, Serialize)]
pub struct LikelihoodReport {
    #[serde(rename = "T")]
    pub t: f64,
    pub accuracy: f64,
    pub per_part: BTreeMap<char, Measure>,
    /// Mean nats of alto, tenor and bass, each given the soprano, the parts chosen before it and the past.
    pub atb_given_s: f64,
    pub notes: usize,
    /// Steps at which two or more parts move, against the rest.
    pub moving: Measure,
    pub other: Measure,
}

impl Likelihood {
    /// One step: `logits` holds 47 values for each part, soprano first; `before` is the chord of the step before.
    pub fn add_step(&mut self, before: Chord, chord: Chord, logits: [&[f32]; 4]) {
        let mut step = Tally::default();
        let mut moves = 0;
        for part in Part::ALL {
            let logits = logits[part.index()];
            let target = chord[part].index();
            let tally =
                Tally { nats: nats(logits, target), correct: usize::from(likeliest(logits) == target), notes: 1 };
            self.parts[part.index()].add(tally);
            step.add(tally);
            moves += usize::from(before[part] != Token::START && before[part] != chord[part]);
        }
        if moves >= 2 { self.moving.add(step) } else { self.other.add(step) }
    }

    pub fn add(&mut self, other: &Likelihood) {
        for (tally, more) in self.parts.iter_mut().zip(other.parts) {
            tally.add(more);
        }
        self.moving.add(other.moving);
        self.other.add(other.other);
    }

    pub fn report(&self) -> LikelihoodReport {
        let sum = |parts: &[Part]| {
            let mut sum = Tally::default();
            parts.iter().for_each(|part| sum.add(self.parts[part.index()]));
            sum.measure()
        };
        let all = sum(&Part::ALL);
        LikelihoodReport {
            t: all.nats,
            accuracy: all.accuracy,
            per_part: Part::ALL.map(|part| (part.letter(), sum(&[part]))).into(),
            atb_given_s: sum(&Part::LOWER).nats,
            notes: all.notes,
            moving: self.moving.measure(),
            other: self.other.measure(),
        }
    }
}

/// Of all pieces, a part of them in each of the threads; the sums are added in the pieces' order.
///
/// # Errors
/// Those of `likelihood`.
pub fn in_threads(
    pieces: &[CorpusPiece],
    threads: usize,
    likelihood: impl Fn(&[CorpusPiece]) -> Result<Likelihood> + Sync,
) -> Result<Likelihood> {
    let size = pieces.len().div_ceil(threads.max(1)).max(1);
    let mut sum = Likelihood::default();
    for part in parallel::map(pieces.chunks(size), likelihood) {
        sum.add(&part?);
    }
    Ok(sum)
}

/// -ln of the softmax probability of `target`.
fn nats(logits: &[f32], target: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
    sum.ln() - f64::from(logits[target] - largest)
}

pub fn likeliest(logits: &[f32]) -> usize {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use chorale::Chorale;

    use super::*;

    #[test]
    fn a_wrong_bar_is_a_beat_late_and_an_unknown_one_tells_the_beat_alone() {
        let piece = |steps| CorpusPiece {
            name: String::new(),
            chorale: Chorale { chords: vec![Chord::SILENCE; steps] },
            metre: None,
        };
        let told = |told: Told, steps| told.phases(&piece(steps))[..2].iter().map(|p| p.index()).collect::<Vec<_>>();
        assert_eq!([told(Told::Beat, 32), told(Told::Bar, 32), told(Told::WrongBar, 32)], [[16, 17], [0, 1], [4, 5]]);
        assert_eq!([told(Told::Bar, 36), told(Told::WrongBar, 36)], [[12, 13], [0, 1]]);
        assert_eq!([told(Told::Bar, 40), told(Told::WrongBar, 40)], [[16, 17], [16, 17]]);
    }

    #[test]
    fn a_uniform_guess_costs_the_logarithm_of_the_vocabulary_and_a_sure_one_nothing() {
        let chord = Chord([70, 60, 55, 40].map(|midi| Token::from_pitch(chorale::Pitch::new(midi).unwrap()).unwrap()));
        let uniform = [0.0; Token::VOCABULARY];
        let mut likelihood = Likelihood::default();
        likelihood.add_step(Chord::START, chord, [&uniform; 4]);
        let report = likelihood.report();
        assert!((report.t - 47f64.ln()).abs() < 1e-9);
        assert_eq!((report.notes, report.moving.notes, report.other.notes), (4, 0, 4));

        let sure = chord.0.map(|token| {
            let mut logits = [0.0; Token::VOCABULARY];
            logits[token.index()] = 100.0;
            logits
        });
        let mut likelihood = Likelihood::default();
        likelihood.add_step(Chord::SILENCE, chord, [&sure[0], &sure[1], &sure[2], &sure[3]]);
        let report = likelihood.report();
        assert!(report.t < 1e-9 && report.accuracy == 1.0 && report.moving.notes == 4);
    }
}
