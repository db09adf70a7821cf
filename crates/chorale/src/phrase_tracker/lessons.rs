//! What finished pieces teach the tracker.

use super::features::Moment;
use super::{GUESSES, Guess, Guesses, PhraseTracker};
use crate::{Chord, Part, Phase, PhraseEnd, PitchClassDurations};

/// The features that are there, by their places, and whether it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub features: Vec<usize>,
    pub is_so: bool,
}

/// For each of the three models what a piece teaches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lessons {
    /// Whether a note that is over ended a phrase.
    pub past: Vec<Lesson>,
    /// Whether a step lies in the rest at a phrase's end.
    pub rest: Vec<Lesson>,
    /// Whether a phrase's last chord comes with the next beat.
    pub arrival: Vec<Lesson>,
}

/// What a piece teaches that begins on a beat and whose phrases end so.
pub fn lessons(chords: &[Chord], ends: &[PhraseEnd]) -> Lessons {
    let mut lessons = Lessons::default();
    let mut tracker = PhraseTracker::default();
    let mut durations = PitchClassDurations::default();
    for (step, &chord) in chords.iter().enumerate() {
        let (phase, home) = (Phase::in_beat(step), durations.key());
        let soprano = chord[Part::Soprano];
        let is_over = tracker.note.filter(|sounding| Some(sounding.note.pitch) != soprano.pitch());
        if let Some(sounding) = is_over {
            let last = tracker.guesses.0[0];
            let onset = sounding.note.onset as usize;
            let end = ends.iter().rev().find(|end| (onset..step).contains(&end.arrival));
            lessons.past.push(lesson(&sounding.moment(step as u32, &last, home), end.is_some()));
            tracker.step(chord, phase, home);
            tracker.guesses = certain(end.map_or(last, |end| {
                let arrival = end.arrival as u32;
                Guess { arrival: Some(arrival), distance: last.arrival.map(|before| arrival - before), weight: 1.0 }
            }));
        } else {
            tracker.step(chord, phase, home);
        }
        durations.add(chord);
        let Some(sounding) = tracker.note else { continue };
        let (beat, length) = (step - step % Phase::STEPS_PER_BEAT, Phase::STEPS_PER_BEAT);
        let now = Moment {
            held: (step + 1) as u32 - sounding.note.onset,
            beat: beat as u32,
            stillness: None,
            ..sounding.moment(step as u32 + 1, &tracker.guesses.0[0], home)
        };
        let is_rest = ends.iter().any(|end| (end.arrival..end.end).contains(&step));
        lessons.rest.push(lesson(&now, is_rest));
        let next = Moment { beat: (beat + length) as u32, ..now };
        let is_arrival = ends.iter().any(|end| end.arrival == beat + length);
        lessons.arrival.push(lesson(&next, is_arrival));
    }
    lessons
}

fn certain(guess: Guess) -> Guesses {
    let mut guesses = [Guess::default(); GUESSES];
    guesses[0] = Guess { weight: 1.0, ..guess };
    Guesses(guesses)
}

fn lesson(moment: &Moment, is_so: bool) -> Lesson {
    let mut features = Vec::new();
    moment.features(|feature| features.push(feature));
    Lesson { features, is_so }
}
