//! A critic of the networks' own playing: how much likelier a step is Bach's than ours, judged by some ten thousand small
//! things that each chord does (how long a note was, how a dissonance is left, what follows what in the key). It is a
//! log-linear model beside the network, of which every weight is learned (tests/src/bin/critic_lab.rs) until our own
//! runs do each thing about as often as Bach.

mod features;

use crate::phrase_tracker::Prospect;
use crate::{Chord, Past, Phase};

pub use features::Trace;

/// Things that are told apart; which is which is decided by a hash.
pub const THINGS: usize = 1 << 18;

/// What each thing is worth.
#[derive(Clone)]
pub struct Critic {
    /// Nats, by thing.
    weights: Vec<f32>,
}

impl std::fmt::Debug for Critic {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "Critic of {} weights", self.weights.iter().filter(|weight| **weight != 0.0).count())
    }
}

/// Two critics are the same where they are one.
impl PartialEq for Critic {
    fn eq(&self, other: &Critic) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Critic {
    /// `None` unless there is one weight for each of [`THINGS`].
    pub fn new(weights: Vec<f32>) -> Option<Critic> {
        (weights.len() == THINGS).then_some(Critic { weights })
    }

    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Nats to add for `chord` as the next step, at `phase`; `prospect` is that under its soprano.
    pub fn worth(&self, trace: &Trace, past: &Past, chord: Chord, phase: Phase, prospect: Prospect) -> f32 {
        let mut sum = 0.0;
        trace.things(past.home(), chord, phase, prospect, |thing| sum += self.weights[thing]);
        sum
    }
}

/// Counts how often each thing happens in a piece.
pub fn count(chords: &[Chord], phases: &[Phase], counts: &mut [u32]) {
    let (mut past, mut trace) = (Past::default(), Trace::default());
    for (&chord, &phase) in chords.iter().zip(phases) {
        let prospect = past.prospects(phase).of(chord[crate::Part::Soprano]);
        trace.things(past.home(), chord, phase, prospect, |thing| counts[thing] += 1);
        past.step(chord, phase);
        trace.step(chord, phase);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chorale, Part};

    #[test]
    fn a_step_is_worth_what_the_things_that_it_does_are_worth() {
        let rows = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,50\n71,67,62,55\n72,67,64,48\n";
        let chords = Chorale::from_csv(rows).unwrap().chords;
        let phases: Vec<Phase> = (0..chords.len()).map(Phase::in_beat).collect();
        let mut counts = vec![0; THINGS];
        count(&chords, &phases, &mut counts);
        let all: u32 = counts.iter().sum();
        assert!(all > 100, "{all} things in four steps");
        let critic = Critic::new(vec![0.5; THINGS]).unwrap();
        let (mut past, mut trace, mut worth) = (Past::default(), Trace::default(), 0.0);
        for (&chord, &phase) in chords.iter().zip(&phases) {
            let prospect = past.prospects(phase).of(chord[Part::Soprano]);
            worth += critic.worth(&trace, &past, chord, phase, prospect);
            past.step(chord, phase);
            trace.step(chord, phase);
        }
        assert_eq!(worth, 0.5 * all as f32);
        assert!(Critic::new(vec![0.0; 3]).is_none());
    }
}
