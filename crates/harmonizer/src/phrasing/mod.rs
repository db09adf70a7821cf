//! What a melody alone tells about its form: its key, where its phrases end, and which cadences suit those ends.
//!
//! All three are learned from the training chorales (tests/src/bin/fit_phrasing.rs) and stand in models/phrasing.toml.
//! Whoever has more than notes (a signature, fermatas, words) says so, and it counts for more than what was learned.

mod cadences;
mod features;
mod melody_key;
mod segments;
mod weights;

use chorale::{Key, Phase, Pitch};

pub use cadences::{CadenceOption, cadences, cadences_under};
pub use features::{COUNT as FEATURES, MARK as MARKS, PARALLEL as PARALLELS};
pub use melody_key::{Signature, melody_key};
pub use segments::{Segmentation, expected_features, observed_features};
pub use weights::{CadenceCount, Phrasing};

/// A note of a melody. Times are in steps, of which [`Phase::STEPS_PER_BEAT`] make a beat; rests count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContourNote {
    pub onset: u32,
    /// For how long it sounds, and for how long all is silent after it.
    pub length: u32,
    pub rest: u32,
    pub pitch: Pitch,
    pub mark: Mark,
}

/// What a file tells of a note besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    None,
    /// A line of the words ends.
    LineEnd,
    Breath,
    Fermata,
}

/// A melody whose phrases are sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contour {
    /// In order of onset, without overlaps.
    pub notes: Vec<ContourNote>,
    /// Beats of a bar, where there are any.
    pub bar: Option<u32>,
    /// Whether a note that is struck again is told from one that lasts: then long notes are long.
    pub tells_strokes: bool,
}

impl Contour {
    /// Beats of what counts as a bar: bars of one and two beats count in fours, those of six in threes. A melody without
    /// bars has none.
    fn bar_beats(&self) -> Option<u32> {
        self.bar.map(|beats| match beats {
            0..=2 | 4 | 8 => 4,
            3 | 6 => 3,
            other => other,
        })
    }

    /// Every note so many semitones higher; those that would leave the range of MIDI stay.
    pub fn transposed(&self, semitones: i32) -> Contour {
        let moved =
            |note: &ContourNote| ContourNote { pitch: note.pitch.transposed(semitones).unwrap_or(note.pitch), ..*note };
        Contour { notes: self.notes.iter().map(moved).collect(), ..*self }
    }

    /// Whether a note may end a phrase: on a beat, marked, before a rest, or last.
    fn may_end(&self, index: usize) -> bool {
        let beat = Phase::STEPS_PER_BEAT as u32;
        let note = self.notes[index];
        note.onset.is_multiple_of(beat) || note.mark != Mark::None || note.rest >= beat || index + 1 == self.notes.len()
    }

    /// Semitones from the note before, and to the next one.
    fn motion(&self, index: usize) -> (Option<i32>, Option<i32>) {
        let between = |from: usize, to: usize| {
            let midi = |index: usize| self.notes.get(index).map(|note| i32::from(note.pitch.midi()));
            Some(midi(to)? - midi(from)?)
        };
        (index.checked_sub(1).and_then(|before| between(before, index)), between(index, index + 1))
    }

    fn degree(&self, index: usize, key: Key) -> usize {
        usize::from(key.degree(self.notes[index].pitch.class()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes of a beat each, the first of them so many beats after a bar line.
    fn quarters(first: u32, pitches: &[u8]) -> Contour {
        let note = |(beat, midi): (u32, &u8)| {
            let pitch = Pitch::new(*midi).unwrap();
            ContourNote { onset: 4 * beat, length: 4, rest: 0, pitch, mark: Mark::None }
        };
        Contour { notes: (first..).zip(pitches).map(note).collect(), bar: Some(4), tells_strokes: true }
    }

    #[test]
    fn a_phrase_ends_off_the_beat_only_under_a_mark_or_before_a_rest() {
        // Sixteen beats of quarters but for a syncopation in the eighth beat.
        let lengths = [4, 4, 4, 4, 4, 4, 4, 2, 6, 4, 4, 4, 4, 4, 4, 4];
        let ends = |mark: Mark, rest: u32| {
            let mut onset = 0;
            let notes = lengths.iter().zip([72, 74, 76, 74, 72, 74, 76, 74, 72, 76, 77, 76, 74, 72, 71, 72]);
            let notes = notes.enumerate().map(|(index, (&length, pitch))| {
                let (mark, rest) = if index == 8 { (mark, rest) } else { (Mark::None, 0) };
                let pitch = Pitch::new(pitch).unwrap();
                let note = ContourNote { onset, length: length - rest, rest, pitch, mark };
                onset += length;
                note
            });
            let contour = Contour { notes: notes.collect(), bar: Some(4), tells_strokes: true };
            Segmentation::new(&contour, Key::of_tonic(0, false), Phrasing::learned()).ends()
        };
        assert!(!ends(Mark::None, 0).contains(&8));
        assert!(ends(Mark::LineEnd, 0).contains(&8));
        assert!(ends(Mark::Fermata, 0).contains(&8));
        assert!(ends(Mark::None, 4).contains(&8));
    }

    #[test]
    fn an_end_that_words_tell_may_share_its_beat_with_an_upbeat() {
        // Eighths in 6/8 are four and three steps of a beat; each line ends with a quarter, an eighth leads on.
        let ends = |mark: Mark| {
            let line = [(69, 3), (67, 1), (69, 3), (67, 1), (65, 3), (67, 1), (69, 3), (65, 1)];
            let (mut onset, mut notes) = (3, vec![]);
            for (index, (pitch, length)) in [(65, 1)].into_iter().chain(line.into_iter().cycle().take(32)).enumerate() {
                let mark = if index % 8 == 7 { mark } else { Mark::None };
                notes.push(ContourNote { onset, length, rest: 0, pitch: Pitch::new(pitch).unwrap(), mark });
                onset += length;
            }
            let contour = Contour { notes, bar: Some(2), tells_strokes: true };
            let segmentation = Segmentation::new(&contour, Key::of_tonic(5, false), Phrasing::learned());
            segmentation.likely_ends(&segmentation.likelihoods())
        };
        assert_eq!(ends(Mark::LineEnd)[..3], [7, 15, 23]);
        assert_ne!(ends(Mark::None)[..3.min(ends(Mark::None).len())], [7, 15, 23]);
    }

    #[test]
    fn a_melody_rests_on_long_notes_that_end_no_phrase() {
        let (mut onset, mut notes) = (0, Vec::new());
        for bar in 0..8 {
            // Every second bar ends with a half, and the fifth does too.
            let ends_long = bar % 2 == 1 || bar == 4;
            let lengths: &[u32] = if ends_long { &[4, 4, 8] } else { &[4, 4, 4, 4] };
            for &length in lengths {
                let pitch = Pitch::new([72, 74, 76, 77][notes.len() % 4]).unwrap();
                notes.push(ContourNote { onset, length, rest: 0, pitch, mark: Mark::None });
                onset += length;
            }
        }
        let told = Contour { notes, bar: Some(4), tells_strokes: true };
        let found = |contour: &Contour| {
            let segmentation = Segmentation::new(contour, Key::of_tonic(0, false), Phrasing::learned());
            let likelihoods = segmentation.likelihoods();
            (segmentation.likely_ends(&likelihoods), segmentation.rests(&likelihoods))
        };
        let (ends, rests) = found(&told);
        assert!(!ends.contains(&16) && rests.contains(&16), "{ends:?} {rests:?}");
        let (ends, rests) = found(&Contour { tells_strokes: false, ..told });
        assert_eq!(ends, rests);
    }

    #[test]
    fn among_phrases_of_one_length_an_end_stands_that_nothing_else_tells() {
        // The Old Hundredth, in quarters throughout.
        let pitches = [
            67, 67, 66, 64, 62, 67, 69, 71, 71, 71, 71, 69, 67, 72, 71, 69, 67, 69, 71, 69, 67, 64, 66, 67, 74, 71, 67,
            69, 72, 71, 69, 67,
        ];
        let told = quarters(3, &pitches);
        let ends = |contour: &Contour| {
            let segmentation = Segmentation::new(contour, Key::of_tonic(7, false), Phrasing::learned());
            segmentation.likely_ends(&segmentation.likelihoods())
        };
        assert_eq!(ends(&told), [7, 15, 23, 31]);
        assert_eq!(ends(&Contour { tells_strokes: false, ..told }), [23, 31]);
    }

    #[test]
    fn what_comes_twice_begins_behind_an_end() {
        let pitches = [60, 62, 64, 65, 67, 65, 60, 62, 64, 65, 69, 67, 69, 71, 72, 74];
        let told = quarters(0, &pitches);
        let found = |contour: &Contour| {
            let features = features::parallels(contour).into_iter().enumerate();
            features.filter_map(|(index, feature)| Some((index, feature? - PARALLELS.start))).collect::<Vec<_>>()
        };
        // The first four notes again, and the same intervals from the twelfth on.
        assert_eq!(found(&told), [(5, 1), (10, 0)]);
        assert_eq!(found(&Contour { tells_strokes: false, ..told }), []);
    }
}
