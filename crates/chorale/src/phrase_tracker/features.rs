//! What speaks for the end of a phrase, to somebody who doesn't know how the melody goes on.

use std::ops::Range;

use crate::{Key, Phase, Pitch};

const BEAT: u32 = Phase::STEPS_PER_BEAT as u32;

/// How many features there are. Each has a weight in nats.
pub const COUNT: usize = BY_FIFTH + 1;

const ALWAYS: usize = 0;
/// Semitones above the tonic in major, then in minor; the same, whatever the mode, in the first beat of a note, in the
/// second, later.
const DEGREE: Range<usize> = 1..25;
const HELD_DEGREE: Range<usize> = DEGREE.end..DEGREE.end + 36;
/// Reached by repetition, step, third or leap, upwards or downwards; or the first note.
const APPROACH: Range<usize> = HELD_DEGREE.end..HELD_DEGREE.end + 8;
/// Held for one step, up to three, a beat, less than two beats, two beats, longer.
const HELD: Range<usize> = APPROACH.end..APPROACH.end + 6;
/// The note before was shorter than a beat, a beat, shorter than two, longer.
const BEFORE: Range<usize> = HELD.end..HELD.end + 4;
/// It doesn't begin on a beat, counted from the end before or, in the first phrase, from the beginning.
const OFF_BEAT: usize = BEFORE.end;
/// Beats from the end before to the note's onset, and to the beat in question; 21 or more are alike.
const ONSET_DISTANCE: Range<usize> = OFF_BEAT + 1..OFF_BEAT + 23;
const BEAT_DISTANCE: Range<usize> = ONSET_DISTANCE.end..ONSET_DISTANCE.end + 22;
/// Pairs of beats from the beginning, in the first phrase; 18 beats or more are alike.
const ONSET_FIRST: Range<usize> = BEAT_DISTANCE.end..BEAT_DISTANCE.end + 10;
const BEAT_FIRST: Range<usize> = ONSET_FIRST.end..ONSET_FIRST.end + 10;
/// As far from the end before as that was from the one before it: the onset, the beat.
const REGULAR: Range<usize> = BEAT_FIRST.end..BEAT_FIRST.end + 2;
/// No part moved for less than a beat, a beat, less than two, longer, on a triad over its root; and the bass fell a fifth to
/// it. Only of notes that are over.
const STILL: Range<usize> = REGULAR.end..REGULAR.end + 4;
const BY_FIFTH: usize = STILL.end;

/// A note of the soprano so far. Times are in steps.
#[derive(Clone, Copy, Debug)]
pub struct NoteSoFar {
    pub onset: u32,
    pub pitch: Pitch,
    /// Semitones from the note before, and how long that was.
    pub motion: Option<i32>,
    pub length_before: Option<u32>,
}

/// How long no part moved from a triad over its root; the longer the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stillness {
    /// 0 where there was none.
    class: u8,
    by_fifth: bool,
}

impl Stillness {
    pub fn of(steps: u32, by_fifth: bool) -> Stillness {
        let class = match steps {
            0 => 0,
            1..4 => 1,
            4 => 2,
            5..8 => 3,
            _ => 4,
        };
        Stillness { class, by_fifth }
    }
}

/// A beat that may be a phrase's end, as it stands at some step.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub note: NoteSoFar,
    /// Steps that the note has sounded.
    pub held: u32,
    /// The beat in question.
    pub beat: u32,
    pub home: Option<Key>,
    /// Of a note that is over.
    pub stillness: Option<Stillness>,
    /// Where the phrase before ended, and how far after the end before it.
    pub last_arrival: Option<u32>,
    pub last_distance: Option<u32>,
}

impl Moment {
    /// Tells each of its features.
    pub fn features(&self, mut tell: impl FnMut(usize)) {
        let NoteSoFar { onset, pitch, motion, length_before } = self.note;
        tell(ALWAYS);
        if let Some(home) = self.home {
            let degree = usize::from(home.degree(pitch.class()));
            let held = (self.held.saturating_sub(1) / BEAT).min(2) as usize;
            tell(DEGREE.start + 12 * usize::from(home.minor) + degree);
            tell(HELD_DEGREE.start + 12 * held + degree);
        }
        tell(APPROACH.start + motion_class(motion));
        tell(HELD.start + held_class(self.held));
        if let Some(length) = length_before {
            tell(BEFORE.start + length_class(length));
        }
        match self.last_arrival {
            Some(last) => {
                let distances = [onset.saturating_sub(last), self.beat.saturating_sub(last)];
                if !distances[0].is_multiple_of(BEAT) {
                    tell(OFF_BEAT);
                }
                for (index, (range, distance)) in [ONSET_DISTANCE, BEAT_DISTANCE].into_iter().zip(distances).enumerate()
                {
                    tell(range.start + ((distance / BEAT) as usize).min(range.len() - 1));
                    if self.last_distance == Some(distance) {
                        tell(REGULAR.start + index);
                    }
                }
            }
            None => {
                if !onset.is_multiple_of(BEAT) {
                    tell(OFF_BEAT);
                }
                for (range, steps) in [ONSET_FIRST, BEAT_FIRST].into_iter().zip([onset, self.beat]) {
                    tell(range.start + ((steps / BEAT / 2) as usize).min(range.len() - 1));
                }
            }
        }
        if let Some(stillness) = self.stillness.filter(|stillness| stillness.class > 0) {
            tell(STILL.start + usize::from(stillness.class) - 1);
            if stillness.by_fifth {
                tell(BY_FIFTH);
            }
        }
    }
}

/// The kind of motion by so many semitones, 0 to 7: repetition, step, third or leap, each upwards or downwards, or none.
pub fn motion_class(semitones: Option<i32>) -> usize {
    let Some(semitones) = semitones else { return 7 };
    let size = match semitones.unsigned_abs() {
        0 => return 0,
        1 | 2 => 1,
        3 | 4 => 3,
        _ => 5,
    };
    size + usize::from(semitones < 0)
}

fn held_class(steps: u32) -> usize {
    match steps {
        0..2 => 0,
        2..4 => 1,
        4 => 2,
        5..8 => 3,
        8 => 4,
        _ => 5,
    }
}

fn length_class(steps: u32) -> usize {
    match steps {
        0..4 => 0,
        4 => 1,
        5..8 => 2,
        _ => 3,
    }
}
