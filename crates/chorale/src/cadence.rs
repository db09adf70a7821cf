//! How phrases end.

use crate::{Chord, Key, Part, Phase, Pitch};

/// How the last chord of a phrase is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Approach {
    /// From its dominant over the root: V or V7.
    Authentic,
    /// From another chord with its leading tone: V6, V43, vii°6.
    Leading,
    /// From the fourth degree over its root.
    Plagal,
    /// From iv6 of the key whose dominant it is: the bass falls by a semitone to the root of a major chord.
    Phrygian,
    Other,
}

impl Approach {
    pub const ALL: [Approach; 5] =
        [Approach::Authentic, Approach::Leading, Approach::Plagal, Approach::Phrygian, Approach::Other];

    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The end of a phrase: a triad over its root, and how it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cadence {
    /// Pitch class.
    pub root: u8,
    pub minor: bool,
    pub approach: Approach,
}

impl Cadence {
    /// Whether a pitch class belongs to the last chord.
    pub fn holds(self, class: u8) -> bool {
        [0, self.third(), 7].contains(&self.above(class))
    }

    /// Semitones from the root to its third.
    pub fn third(self) -> u8 {
        if self.minor { 3 } else { 4 }
    }

    /// Whether no part of a chord has the third.
    pub fn lacks_third(self, chord: Chord) -> bool {
        !chord.pitches().into_iter().flatten().any(|pitch| self.above(pitch.class()) == self.third())
    }

    /// Semitones from the root up.
    pub fn above(self, class: u8) -> u8 {
        (class + 12 - self.root) % 12
    }
}

/// Whether a bass or root goes to the pitch class a fifth lower, or a fourth higher.
pub fn is_falling_fifth(from: u8, to: u8) -> bool {
    (to + 12 - from) % 12 == 5
}

/// The cadence that leads to the chord at `arrival`, a triad over its root; `None` over a rest.
pub fn cadence_of(chords: &[Chord], arrival: usize, key: Key) -> Option<Cadence> {
    let classes = |step: usize| chords[step].pitches().map(|pitch| pitch.map(Pitch::class));
    let bass = |step: usize| classes(step)[Part::Bass.index()];
    let root = bass(arrival)?;
    let has = |step: usize, above: u8| classes(step).contains(&Some((root + above) % 12));
    let minor = has(arrival, 3) || !has(arrival, 4) && key.degree((root + 4) % 12) != 0 && !key.has((root + 4) % 12);
    let before = arrival.saturating_sub(Phase::STEPS_PER_BEAT)..arrival;
    let any = |is: &dyn Fn(usize) -> bool| before.clone().any(is);
    let approach = if any(&|step| bass(step) == Some((root + 7) % 12) && has(step, 11)) {
        Approach::Authentic
    } else if any(&|step| has(step, 11) && (has(step, 7) || has(step, 2)) && bass(step) != Some(root)) {
        Approach::Leading
    } else if arrival > 0 && bass(arrival - 1) == Some((root + 5) % 12) {
        Approach::Plagal
    } else if !minor
        && arrival > 0
        && bass(arrival - 1) == Some((root + 1) % 12)
        && [5, 10].iter().all(|&above| has(arrival - 1, above))
    {
        Approach::Phrygian
    } else {
        Approach::Other
    };
    Some(Cadence { root, minor, approach })
}
