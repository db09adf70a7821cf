//! How likely a phrase has come to its end, or is about to, for a listener who knows only the past.
//!
//! Three logistic regressions over one set of features, learned from the training chorales
//! (`tests/src/bin/fit_phrase_tracker.rs`). Which notes have ended phrases is told by all four parts once the note is over:
//! they have rested on a triad over its root, or not. That goes into a few guesses at where the last phrase ended, each with
//! its weight (the forward pass of a semi-Markov model: Sarawagi and Cohen 2004, cut to the likeliest states). What is
//! expected of the present note and of the next beat is told by the soprano alone, so that it doesn't depend on what the
//! lower parts do there.

mod features;
mod lessons;
mod weights;

use std::array;

use crate::cadence::is_falling_fifth;
use crate::phrase_ends::{above_bass, is_over_its_root};
use crate::{Chord, Key, Part, Phase, Pitch, Token};

pub use features::{COUNT as FEATURES, motion_class};
pub use lessons::{Lesson, Lessons, lessons};

use features::{Moment, NoteSoFar, Stillness};
use weights::{ARRIVAL, DOMINANTS, PAST, REST};

/// Guesses at where the last phrase ended that are kept.
const GUESSES: usize = 4;

/// Follows a piece step by step.
#[derive(Clone, Debug)]
pub struct PhraseTracker {
    /// Steps heard, and the chord of the last one.
    steps: u32,
    before: Chord,
    /// The soprano's present note.
    note: Option<Sounding>,
    guesses: Guesses,
}

impl Default for PhraseTracker {
    fn default() -> PhraseTracker {
        PhraseTracker { steps: 0, before: Chord::START, note: None, guesses: Guesses::default() }
    }
}

/// A note of the soprano, and how the lower parts rest under it.
#[derive(Clone, Copy, Debug)]
struct Sounding {
    note: NoteSoFar,
    /// Since when no part has moved from a triad over its root that was there on a beat, and whether the bass fell a fifth to
    /// it.
    run: Option<(u32, bool)>,
    /// The longest so far, and the step at which it began.
    stillness: Stillness,
    arrival: u32,
}

/// Where the last phrase may have ended.
#[derive(Clone, Copy, Debug, Default)]
struct Guess {
    /// The step at which its last chord was reached; `None` in the first phrase.
    arrival: Option<u32>,
    /// Steps from the end before to that one.
    distance: Option<u32>,
    weight: f32,
}

#[derive(Clone, Copy, Debug)]
struct Guesses([Guess; GUESSES]);

impl Default for Guesses {
    fn default() -> Guesses {
        let mut guesses = [Guess::default(); GUESSES];
        guesses[0].weight = 1.0;
        Guesses(guesses)
    }
}

/// What is expected of a step, as likelihoods.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prospect {
    /// A phrase rests on its last chord.
    pub rest: f32,
    /// It will reach it on the next beat.
    pub arrival: f32,
}

/// What is expected of the next step under each soprano.
pub struct Prospects<'a> {
    tracker: &'a PhraseTracker,
    home: Option<Key>,
    phase: Phase,
    /// The guesses once the present note is over.
    over: Guesses,
}

impl PhraseTracker {
    /// Takes note of the chord of a step; `home` is the key of all that sounded before it.
    pub fn step(&mut self, chord: Chord, phase: Phase, home: Option<Key>) {
        let pitch = chord[Part::Soprano].pitch();
        if self.note.map(|sounding| sounding.note.pitch) != pitch {
            if let Some(sounding) = self.note {
                self.guesses = self.guesses.after(&sounding, self.steps, home);
            }
            self.note = pitch.map(|pitch| self.begin(pitch));
        }
        let (steps, before) = (self.steps, self.before);
        if let Some(sounding) = self.note.as_mut() {
            sounding.watch(before, chord, phase, steps);
        }
        self.before = chord;
        self.steps += 1;
    }

    /// What is expected of the next step, at `phase`; `home` as in [`PhraseTracker::step`].
    pub fn prospects(&self, phase: Phase, home: Option<Key>) -> Prospects<'_> {
        let over = self.note.map_or(self.guesses, |sounding| self.guesses.after(&sounding, self.steps, home));
        Prospects { tracker: self, home, phase, over }
    }

    fn begin(&self, pitch: Pitch) -> Sounding {
        let before = self.note.map(|sounding| sounding.note);
        let note = NoteSoFar {
            onset: self.steps,
            pitch,
            motion: before.map(|before| i32::from(pitch.midi()) - i32::from(before.pitch.midi())),
            length_before: before.map(|before| self.steps - before.onset),
        };
        Sounding { note, run: None, stillness: Stillness::default(), arrival: self.steps }
    }
}

impl Sounding {
    fn watch(&mut self, before: Chord, chord: Chord, phase: Phase, step: u32) {
        if before != chord {
            self.run = None;
        }
        if self.run.is_none() && phase.is_on_beat() && is_over_its_root(chord) {
            let bass = |chord: Chord| chord[Part::Bass].pitch().map(Pitch::class);
            let falls = bass(before).zip(bass(chord)).is_some_and(|(before, now)| is_falling_fifth(before, now));
            self.run = Some((step, falls));
        }
        if let Some((start, by_fifth)) = self.run {
            let stillness = Stillness::of(step + 1 - start, by_fifth);
            if stillness > self.stillness {
                (self.stillness, self.arrival) = (stillness, start);
            }
        }
    }

    /// Its end at `step`, looked back on.
    fn moment(&self, step: u32, guess: &Guess, home: Option<Key>) -> Moment {
        let NoteSoFar { onset, .. } = self.note;
        guess.at(Moment {
            note: self.note,
            held: step - onset,
            beat: onset,
            home,
            stillness: Some(self.stillness),
            last_arrival: None,
            last_distance: None,
        })
    }
}

impl Guesses {
    /// The guesses once a note has ended at `step`.
    fn after(&self, sounding: &Sounding, step: u32, home: Option<Key>) -> Guesses {
        let mut guesses = [Guess::default(); GUESSES + 1];
        guesses[..GUESSES].copy_from_slice(&self.0);
        let (mut ended, mut likeliest) = (0.0, (0.0, None));
        for guess in &mut guesses[..GUESSES] {
            let moment = sounding.moment(step, guess, home);
            let share = guess.weight * likelihood(&PAST, &moment);
            guess.weight -= share;
            ended += share;
            if share > likeliest.0 {
                likeliest = (share, guess.arrival);
            }
        }
        let distance = likeliest.1.map(|arrival| sounding.arrival - arrival);
        guesses[GUESSES] = Guess { arrival: Some(sounding.arrival), distance, weight: ended };
        guesses.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let total: f32 = guesses[..GUESSES].iter().map(|guess| guess.weight).sum();
        Guesses(array::from_fn(|index| Guess { weight: guesses[index].weight / total, ..guesses[index] }))
    }

    fn expect(&self, weights: &[f32; FEATURES], moment: &Moment) -> f32 {
        let guesses = self.0.iter().filter(|guess| guess.weight > 0.0);
        guesses.map(|guess| guess.weight * likelihood(weights, &guess.at(*moment))).sum()
    }
}

impl Guess {
    fn at(&self, moment: Moment) -> Moment {
        Moment { last_arrival: self.arrival, last_distance: self.distance, ..moment }
    }
}

impl Prospects<'_> {
    /// What is expected if the soprano sings so. A rest of all parts has no steps, so that a soprano that rests while others
    /// sing is none that a phrase ends with.
    pub fn of(&self, soprano: Token) -> Prospect {
        let PhraseTracker { steps, note, .. } = *self.tracker;
        let Some(pitch) = soprano.pitch() else { return Prospect::default() };
        let (note, guesses) = match note {
            Some(sounding) if sounding.note.pitch == pitch => (sounding.note, self.tracker.guesses),
            _ => (self.tracker.begin(pitch).note, self.over),
        };
        let beat = steps - (self.phase.index() as u32 % Phase::STEPS_PER_BEAT as u32).min(steps);
        let now = Moment {
            note,
            held: steps + 1 - note.onset,
            beat,
            home: self.home,
            stillness: None,
            last_arrival: None,
            last_distance: None,
        };
        let next = Moment { beat: beat + Phase::STEPS_PER_BEAT as u32, ..now };
        Prospect { rest: guesses.expect(&REST, &now), arrival: guesses.expect(&ARRIVAL, &next) }
    }
}

/// Whether a chord over its root is the dominant of a triad on which phrases end whose soprano comes from such a note.
pub(crate) fn is_cadential_dominant(chord: Chord, home: Option<Key>) -> bool {
    let (Some(bass), Some(soprano), Some(home)) = (chord[Part::Bass].pitch(), chord[Part::Soprano].pitch(), home)
    else {
        return false;
    };
    let classes = above_bass(chord).unwrap_or_default();
    let is_dominant = classes & 1 << 4 != 0 && classes & !(1 | 1 << 4 | 1 << 7 | 1 << 10) == 0;
    let tonic = (home.degree(bass.class()) + 5) % 12;
    is_dominant && DOMINANTS[usize::from(home.minor)][usize::from(home.degree(soprano.class()))] & 1 << tonic != 0
}

/// Of a logistic regression.
fn likelihood(weights: &[f32; FEATURES], moment: &Moment) -> f32 {
    let mut score = 0.0;
    moment.features(|feature| score += weights[feature]);
    1.0 / (1.0 + (-score).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chorale, PitchClassDurations, phrase_ends};

    /// Six moving beats and two of rest, four times: I ... V, then I ... I.
    fn piece() -> Vec<Chord> {
        let moving = "67,64,60,48\n74,67,59,47\n76,67,60,48\n77,65,60,45\n76,67,60,43\n";
        let beats = |rows: &str| rows.lines().map(|row| format!("{row}\n").repeat(4)).collect::<String>();
        let half = beats(&format!("{moving}77,69,62,50\n")) + &"74,67,59,43\n".repeat(8);
        let whole = beats(&format!("{moving}74,67,59,43\n")) + &"72,67,64,48\n".repeat(8);
        let rows = format!("note0,note1,note2,note3\n{half}{whole}{half}{whole}");
        Chorale::from_csv(&rows).unwrap().chords
    }

    /// What is expected of each step under the soprano that comes, and the tracker after it.
    fn followed(chords: &[Chord]) -> Vec<Prospect> {
        let (mut tracker, mut durations) = (PhraseTracker::default(), PitchClassDurations::default());
        let follow = |(step, &chord): (usize, &Chord)| {
            let (phase, home) = (Phase::in_beat(step), durations.key());
            let prospect = tracker.prospects(phase, home).of(chord[Part::Soprano]);
            tracker.step(chord, phase, home);
            durations.add(chord);
            prospect
        };
        chords.iter().enumerate().map(follow).collect()
    }

    #[test]
    fn in_phrases_of_eight_beats_the_end_is_expected_in_the_seventh() {
        let chords = piece();
        let prospects = followed(&chords);
        for phrase in 1..4 {
            let beat = |beat: usize| prospects[32 * phrase + 4 * beat];
            let expected = beat(6).rest;
            assert!(expected > 0.25, "phrase {phrase}: {expected}");
            for other in [0, 1, 2, 3] {
                assert!(beat(other).rest < 0.5 * expected, "phrase {phrase}, beat {other}: {:?}", beat(other));
            }
            assert!(beat(5).arrival > 0.3 && beat(2).arrival < 0.2, "phrase {phrase}: {:?}, {:?}", beat(5), beat(2));
        }
    }

    #[test]
    fn what_is_expected_is_a_likelihood_and_depends_on_the_past_alone() {
        let chords = piece();
        let whole = followed(&chords);
        assert_eq!(followed(&chords[..70]), whole[..70]);
        for prospect in whole {
            assert!((0.0..=1.0).contains(&prospect.rest) && (0.0..=1.0).contains(&prospect.arrival), "{prospect:?}");
        }
    }

    #[test]
    fn of_what_a_piece_teaches_one_lesson_a_phrase_says_that_it_ends() {
        let chords = piece();
        let Lessons { past, rest, arrival } = lessons(&chords, &phrase_ends(&chords).ends);
        let so = |lessons: &[Lesson]| lessons.iter().filter(|lesson| lesson.is_so).count();
        // The last note is never over.
        assert_eq!((so(&past), so(&rest), so(&arrival)), (3, 32, 16));
        assert_eq!(rest.len(), chords.len());
    }

    #[test]
    fn a_dominant_is_cadential_where_its_tonic_ends_phrases() {
        let chord = |row: &str| Chorale::from_csv(&format!("note0,note1,note2,note3\n{row}\n")).unwrap().chords[0];
        let home = "C".parse().ok();
        assert!(is_cadential_dominant(chord("74,67,59,43"), home));
        assert!(is_cadential_dominant(chord("74,65,59,43"), home));
        assert!(!is_cadential_dominant(chord("74,67,55,47"), home), "over its third");
        assert!(!is_cadential_dominant(chord("72,69,65,53"), home), "phrases don't end on the flat seventh degree");
        assert!(!is_cadential_dominant(chord("74,67,59,43"), None));
    }
}
