//! Steps of melodies for tests.

use chorale::{Phase, Pitch};
use files::melody::MelodyStep;

/// A sixteenth in which a pitch is held and of which a file tells nothing else.
pub(crate) fn step(index: u32, midi: u8) -> MelodyStep {
    MelodyStep {
        position: index,
        phase: Phase::in_beat(index as usize),
        start: index,
        end: index + 1,
        soprano: Pitch::new(midi).unwrap(),
        velocity: 80,
        restruck: false,
        fermata: false,
        breath: false,
        line_end: false,
        in_triplet: false,
    }
}
