use std::collections::VecDeque;

use crate::{Chord, Part, Phase};

/// How passages that return went on when they were heard before: Bach's chorales say whole phrases twice, and a passage
/// that has been returning for a bar goes on to return in nineteen steps of twenty.
///
/// Finds the longest passage up to the present step that stood in the piece before, at the same sixteenth of the beat,
/// and gives the chord that followed it there; once comparing whole chords, once the soprano alone.
#[derive(Clone, Debug)]
pub struct PhraseMemory {
    by_chord: RepeatFinder,
    by_melody: RepeatFinder,
}

/// What followed a passage that returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhraseMatch {
    /// [`Chord::START`] when nothing returns.
    pub chord: Chord,
    /// For how many steps the passage has been returning.
    pub steps: usize,
}

impl PhraseMemory {
    /// Steps that are remembered: 64 bars, more than any of the 382 chorales has.
    pub const LONGEST: usize = 1024;

    pub fn new() -> PhraseMemory {
        PhraseMemory { by_chord: RepeatFinder::new(&Part::ALL), by_melody: RepeatFinder::new(&[Part::Soprano]) }
    }

    /// Takes the chord of the step before ([`Chord::START`] at the beginning) and the phase of the present step, and
    /// gives what is recalled for the present step. Of equally long passages the latest counts.
    ///
    /// The first match is by whole chords, the second by the melody.
    pub fn step(&mut self, before: Chord, phase: Phase) -> (PhraseMatch, PhraseMatch) {
        (self.by_chord.step(before, phase), self.by_melody.step(before, phase))
    }
}

impl Default for PhraseMemory {
    fn default() -> PhraseMemory {
        PhraseMemory::new()
    }
}

impl PhraseMatch {
    pub const NONE: PhraseMatch = PhraseMatch { chord: Chord::START, steps: 0 };
    /// Number of [`PhraseMatch::class`]es.
    pub const CLASSES: usize = 7;

    /// `steps` by powers of two: 0; 1; 2..=3; 4..=7; 8..=15; 16..=31; 32 and more.
    pub fn class(self) -> usize {
        (usize::BITS - self.steps.leading_zeros()).min(Self::CLASSES as u32 - 1) as usize
    }
}

#[derive(Clone, Debug)]
struct RepeatFinder {
    /// The parts by which passages are compared.
    parts: &'static [Part],
    /// The latest [`PhraseMemory::LONGEST`] steps, oldest first.
    past: VecDeque<PastStep>,
    /// Of the step that is being played, whose chord is not known yet.
    sixteenth: u8,
}

#[derive(Clone, Copy, Debug)]
struct PastStep {
    chord: Chord,
    /// Of the beat, 0..=3.
    sixteenth: u8,
    /// How many steps just before this one agree with as many just before the present step.
    match_length: u16,
}

impl RepeatFinder {
    fn new(parts: &'static [Part]) -> RepeatFinder {
        RepeatFinder { parts, past: VecDeque::new(), sixteenth: 0 }
    }

    fn step(&mut self, before: Chord, phase: Phase) -> PhraseMatch {
        if before != Chord::START {
            self.push(before);
        }
        self.sixteenth = (phase.index() % Phase::STEPS_PER_BEAT) as u8;
        let matches = self.past.iter().filter(|past| past.match_length > 0 && past.sixteenth == self.sixteenth);
        matches.max_by_key(|past| past.match_length).map_or(PhraseMatch::NONE, |longest| PhraseMatch {
            chord: longest.chord,
            steps: usize::from(longest.match_length),
        })
    }

    /// Adds the chord of the step before. Each match that it goes on with is now longer by one, and ends a step later.
    fn push(&mut self, before: Chord) {
        if self.past.len() == PhraseMemory::LONGEST {
            self.past.pop_front();
        }
        self.past.push_back(PastStep { chord: before, sixteenth: self.sixteenth, match_length: 0 });
        // What came before the oldest step is forgotten, and matches nothing.
        let mut length = 0;
        for past in &mut self.past {
            let goes_on = self.parts.iter().all(|&part| past.chord[part] == before[part]);
            let longer = if goes_on { past.match_length + 1 } else { 0 };
            past.match_length = std::mem::replace(&mut length, longer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Token;
    use proptest::prelude::*;

    fn chord(tokens: [usize; 4]) -> Chord {
        Chord(tokens.map(|token| Token::from_index(token).unwrap()))
    }

    /// What is recalled at each step of a piece that begins on a beat.
    fn recalled(parts: &'static [Part], chords: &[Chord]) -> Vec<PhraseMatch> {
        let mut memory = RepeatFinder::new(parts);
        let before = std::iter::once(Chord::START).chain(chords.iter().copied());
        before.enumerate().map(|(step, before)| memory.step(before, Phase::in_beat(step))).collect()
    }

    #[test]
    fn a_passage_that_returns_is_recalled_until_it_goes_another_way() {
        let phrase: Vec<Chord> = (1..=8).map(|n| chord([n, n, n, n])).collect();
        let mut piece = [&phrase[..], &phrase[..6]].concat();
        piece.push(chord([40, 7, 7, 7]));
        let recalled = recalled(&Part::ALL, &piece);
        assert!(recalled[..9].iter().all(|&found| found == PhraseMatch::NONE));
        for step in 9..15 {
            assert_eq!(recalled[step], PhraseMatch { chord: phrase[step - 8], steps: step - 8 });
        }
        assert_eq!(recalled[15], PhraseMatch::NONE);
    }

    #[test]
    fn a_melody_that_returns_recalls_its_harmony_though_the_lower_parts_changed() {
        let mut piece: Vec<Chord> = (1..=4).map(|n| chord([n, n, n, n])).collect();
        piece.push(chord([1, 9, 9, 9]));
        let at_the_end = |parts| *recalled(parts, &piece).last().unwrap();
        assert_eq!(at_the_end(&[Part::Soprano]), PhraseMatch { chord: piece[1], steps: 1 });
        assert_eq!(at_the_end(&Part::ALL), PhraseMatch::NONE);
    }

    #[test]
    fn passages_on_other_sixteenths_of_the_beat_do_not_count() {
        let piece: Vec<Chord> = (1..=6).chain(1..=3).map(|n| chord([n, n, n, n])).collect();
        assert_eq!(recalled(&Part::ALL, &piece).last(), Some(&PhraseMatch::NONE));
    }

    #[test]
    fn lengths_are_classed_by_powers_of_two() {
        let class = |steps| PhraseMatch { chord: Chord::START, steps }.class();
        assert_eq!([0, 1, 2, 3, 4, 8, 16, 31, 32, 1000].map(class), [0, 1, 2, 2, 3, 4, 5, 5, 6, 6]);
    }

    proptest! {
        #[test]
        fn the_longest_and_then_latest_passage_is_found(
            notes in prop::collection::vec(1usize..3, 0..80), by_melody in any::<bool>()
        ) {
            let parts: &'static [Part] = if by_melody { &[Part::Soprano] } else { &Part::ALL };
            let piece: Vec<Chord> = notes.iter().enumerate().map(|(step, &n)| chord([n, step % 2, 3, 4])).collect();
            let same = |a: &Chord, b: &Chord| parts.iter().all(|&part| a[part] == b[part]);
            for (step, found) in recalled(parts, &piece).into_iter().enumerate() {
                let longest = |earlier: usize| {
                    (0..earlier).take_while(|&back| same(&piece[earlier - 1 - back], &piece[step - 1 - back])).count()
                };
                let expected = (0..step)
                    .filter(|&earlier| (step - earlier) % 4 == 0 && longest(earlier) > 0)
                    .max_by_key(|&earlier| (longest(earlier), earlier))
                    .map_or(PhraseMatch::NONE, |earlier| PhraseMatch { chord: piece[earlier], steps: longest(earlier) });
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn only_the_latest_steps_are_remembered(extra in 1usize..40) {
            let steps = PhraseMemory::LONGEST + extra;
            let mut memory = PhraseMemory::new();
            // All different from each other for longer than is remembered.
            let piece: Vec<Chord> = (0..steps).map(|n| chord([n % 46, n / 46, 1, 1])).collect();
            memory.step(Chord::START, Phase::in_beat(0));
            for (step, &chord) in piece.iter().enumerate() {
                prop_assert_eq!(memory.step(chord, Phase::in_beat(step + 1)).0, PhraseMatch::NONE);
            }
            prop_assert_eq!(memory.by_chord.past.len(), PhraseMemory::LONGEST);
        }
    }
}
