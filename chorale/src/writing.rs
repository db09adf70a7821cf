//! Part-writing counted on finished chorales: the figures by which a harmonization is set beside Bach's own.

use crate::rules::{PAIRS, Parallel, parallel};
use crate::{Chorale, Part, Pitch};

/// Counts over one chorale or, added up with [`Counts::add`], over many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps at which any part's pitch changes.
    pub chord_changes: usize,
    /// Pairs of parts that move by the same sign from one perfect fifth (any octave) to another.
    pub parallel_fifths: usize,
    /// The same for octaves and unisons.
    pub parallel_octaves: usize,
    /// Steps of a chord change after which a part sounds above the part over it.
    pub crossings: usize,
    /// Steps, all of them, at which a sounding part leaves [`Part::range`].
    pub out_of_range: usize,
}

impl Counts {
    /// Counts one chorale, step against step.
    pub fn of(chorale: &Chorale) -> Counts {
        let mut counts = Counts::default();
        let mut previous = None;
        for chord in &chorale.chords {
            let now = chord.pitches();
            counts.out_of_range += Part::ALL
                .into_iter()
                .filter(|part| {
                    let (low, high) = part.range();
                    now[part.index()].is_some_and(|pitch| pitch < low || pitch > high)
                })
                .count();
            if let Some(before) = previous
                && before != now
            {
                counts.chord_changes += 1;
                counts.crossings += usize::from(is_crossed(&now));
                for (upper, lower) in PAIRS {
                    match parallel(&before, &now, upper, lower) {
                        Some(Parallel::Fifth) => counts.parallel_fifths += 1,
                        Some(Parallel::Octave) => counts.parallel_octaves += 1,
                        None => {}
                    }
                }
            }
            previous = Some(now);
        }
        counts
    }

    pub fn add(&mut self, other: Counts) {
        self.chord_changes += other.chord_changes;
        self.parallel_fifths += other.parallel_fifths;
        self.parallel_octaves += other.parallel_octaves;
        self.crossings += other.crossings;
        self.out_of_range += other.out_of_range;
    }
}

fn is_crossed(chord: &[Option<Pitch>; 4]) -> bool {
    let sounding: Vec<Pitch> = chord.iter().flatten().copied().collect();
    sounding.windows(2).any(|pair| pair[0] < pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &str) -> Counts {
        Counts::of(&Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap())
    }

    #[test]
    fn parallels_are_counted_once_a_pair_and_only_when_both_parts_move_together() {
        // Soprano and bass an octave apart, both up a tone; alto and tenor stay.
        assert_eq!(counts("72,67,64,48\n74,67,64,50\n").parallel_octaves, 1);
        // Tenor and bass a fifth apart, both down a tone.
        assert_eq!(counts("72,67,55,48\n72,67,53,46\n").parallel_fifths, 1);
        // A repeated fifth is no parallel, nor is contrary motion from fifth to twelfth.
        assert_eq!(counts("72,67,55,48\n74,67,55,48\n").parallel_fifths, 0);
        assert_eq!(counts("72,67,55,48\n72,67,62,43\n").parallel_fifths, 0);
    }

    #[test]
    fn crossings_and_ranges_are_counted_by_step() {
        let counts = counts("72,67,64,48\n72,60,64,48\n72,60,64,48\n72,67,64,67\n");
        assert_eq!((counts.chord_changes, counts.crossings, counts.out_of_range), (2, 2, 1));
    }
}
