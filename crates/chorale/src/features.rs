use std::collections::VecDeque;

use crate::history::{PartHistory, PitchClassDurations};
use crate::phrase_memory::{PhraseMatch, PhraseMemory};
use crate::{Chord, Key, Phase, Token};

/// What the networks are told of the past besides what they remember themselves: the passages that return, the key, and
/// for each part its note before the present one and how long the present one has been held.
#[derive(Clone, Debug, Default)]
pub struct FeatureTracker {
    memory: PhraseMemory,
    parts: [PartHistory; 4],
    /// The latest chords, as many as count for the local key.
    window: VecDeque<Chord>,
    /// In the window, and since the beginning.
    local: PitchClassDurations,
    global: PitchClassDurations,
}

/// What the networks are told before one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFeatures {
    pub by_chord: PhraseMatch,
    pub by_melody: PhraseMatch,
    /// Of the latest [`FeatureTracker::WINDOW`] steps, and of all.
    pub local_key: Option<Key>,
    pub global_key: Option<Key>,
    /// What each part sang before its present note; [`Token::START`] when that is its first.
    pub notes_before: Chord,
    /// For how many steps each part's present note has been held.
    pub held: [usize; 4],
}

impl FeatureTracker {
    /// Steps that count for the local key: two bars.
    pub const WINDOW: usize = 32;

    pub fn new() -> FeatureTracker {
        FeatureTracker::default()
    }

    /// Takes the chord of the step before ([`Chord::START`] at the beginning) and the phase of the present step.
    pub fn step(&mut self, before: Chord, phase: Phase) -> StepFeatures {
        if before != Chord::START {
            self.parts.iter_mut().zip(before.0).for_each(|(part, note)| part.step(note));
            self.local.add(before);
            self.global.add(before);
            self.window.push_back(before);
            if self.window.len() > Self::WINDOW
                && let Some(oldest) = self.window.pop_front()
            {
                self.local.remove(oldest);
            }
        }
        let (by_chord, by_melody) = self.memory.step(before, phase);
        StepFeatures {
            by_chord,
            by_melody,
            local_key: self.local.key(),
            global_key: self.global.key(),
            notes_before: Chord(self.parts.map(|part| part.note_before)),
            held: self.parts.map(|part| part.steps),
        }
    }
}

/// The columns of a step in a network's input, each a word of a small vocabulary. The trunk reads the first
/// [`columns::COUNT`] and the phase; a head reads them and the present chord as far as it is chosen. Where a column begins
/// a group of four, there is one for each part, soprano first.
pub mod columns {
    use super::StepFeatures;
    use crate::{Key, PhraseMatch, Token};

    /// Tokens of the chord before.
    pub const CHORD: usize = 0;
    /// Here begin [`StepFeatures::words`].
    pub const FEATURES: usize = CHORD + 4;
    /// Tokens that followed the passage which returns by whole chords.
    pub const RECALLED_BY_CHORD: usize = FEATURES;
    /// [`PhraseMatch::class`] of that passage's length.
    pub const LENGTH_BY_CHORD: usize = RECALLED_BY_CHORD + 4;
    /// Tokens that followed the passage which returns by its melody.
    pub const RECALLED_BY_MELODY: usize = LENGTH_BY_CHORD + 1;
    /// [`PhraseMatch::class`] of that passage's length.
    pub const LENGTH_BY_MELODY: usize = RECALLED_BY_MELODY + 4;
    /// Index of the key of the latest [`FeatureTracker::WINDOW`](super::FeatureTracker::WINDOW) steps,
    /// [`Key::COUNT`] for none.
    pub const LOCAL_KEY: usize = LENGTH_BY_MELODY + 1;
    /// The same of all steps.
    pub const GLOBAL_KEY: usize = LOCAL_KEY + 1;
    /// Tokens that the parts had before their present notes.
    pub const NOTES_BEFORE: usize = GLOBAL_KEY + 1;
    /// Classes of how long the present notes have been held.
    pub const HELD: usize = NOTES_BEFORE + 4;
    /// Columns that trunk and heads share.
    pub const COUNT: usize = HELD + 4;
    /// For the trunk: [`Phase::index`](crate::Phase::index) of the present step.
    pub const PHASE: usize = COUNT;
    /// For the heads: tokens of the present chord.
    pub const GIVEN: usize = COUNT;

    /// Words that a token's column may hold: the vocabulary and the start.
    pub const TOKENS: usize = Token::VOCABULARY + 1;

    /// How many words each of the shared columns may hold.
    pub const VOCABULARIES: [usize; COUNT] = {
        let mut sizes = [TOKENS; COUNT];
        sizes[LENGTH_BY_CHORD] = PhraseMatch::CLASSES;
        sizes[LENGTH_BY_MELODY] = PhraseMatch::CLASSES;
        sizes[LOCAL_KEY] = Key::COUNT + 1;
        sizes[GLOBAL_KEY] = Key::COUNT + 1;
        let mut part = 0;
        while part < 4 {
            sizes[HELD + part] = StepFeatures::HOLDS;
            part += 1;
        }
        sizes
    };

    const _: () = assert!(COUNT == FEATURES + StepFeatures::WORDS);
}

impl StepFeatures {
    /// Length of [`StepFeatures::words`].
    pub const WORDS: usize = 20;
    /// Classes of the duration of a held note.
    pub const HOLDS: usize = 12;

    /// As the networks read it: the [`columns`] from [`columns::FEATURES`] up to [`columns::COUNT`].
    pub fn words(self) -> [usize; StepFeatures::WORDS] {
        let mut words = [0; StepFeatures::WORDS];
        let mut put = |column: usize, values: &[usize]| {
            words[column - columns::FEATURES..][..values.len()].copy_from_slice(values);
        };
        put(columns::RECALLED_BY_CHORD, &self.by_chord.chord.0.map(Token::index));
        put(columns::LENGTH_BY_CHORD, &[self.by_chord.class()]);
        put(columns::RECALLED_BY_MELODY, &self.by_melody.chord.0.map(Token::index));
        put(columns::LENGTH_BY_MELODY, &[self.by_melody.class()]);
        let index = |key: Option<Key>| key.map_or(Key::COUNT, Key::index);
        put(columns::LOCAL_KEY, &[index(self.local_key)]);
        put(columns::GLOBAL_KEY, &[index(self.global_key)]);
        put(columns::NOTES_BEFORE, &self.notes_before.0.map(Token::index));
        put(columns::HELD, &self.held.map(hold_class));
        words
    }
}

/// 0 to 8 steps, then up to three beats, up to a bar, and longer.
pub(crate) fn hold_class(steps: usize) -> usize {
    match steps {
        0..=8 => steps,
        9..=12 => 9,
        13..=16 => 10,
        _ => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Part, Pitch};

    fn chord(midi: [u8; 4]) -> Chord {
        Chord(midi.map(|midi| Token::from_pitch(Pitch::new(midi).unwrap()).unwrap()))
    }

    #[test]
    fn notes_are_held_and_followed_by_others() {
        let mut tracker = FeatureTracker::new();
        let (first, second) = (chord([72, 67, 64, 48]), chord([74, 67, 65, 48]));
        let features = tracker.step(Chord::START, Phase::in_beat(0));
        assert_eq!((features.held, features.notes_before, features.local_key), ([0; 4], Chord::START, None));
        for (step, before) in [first, first, second].into_iter().enumerate() {
            tracker.step(before, Phase::in_beat(step + 1));
        }
        let features = tracker.step(second, Phase::in_beat(4));
        assert_eq!(features.held, [2, 4, 2, 4]);
        assert_eq!(features.notes_before[Part::Soprano], first[Part::Soprano]);
        assert_eq!(features.notes_before[Part::Alto], Token::START);
        assert_eq!(features.words()[16..], [2, 4, 2, 4]);
    }

    #[test]
    fn the_local_key_follows_a_modulation_and_the_global_key_stays() {
        let mut tracker = FeatureTracker::new();
        let c_major =
            [chord([72, 67, 64, 48]), chord([72, 69, 65, 53]), chord([71, 67, 62, 55]), chord([72, 67, 64, 48])];
        let mut step = 0;
        let mut play = |semitones: i32, bars: usize| {
            let mut features = None;
            for _ in 0..bars {
                for chord in c_major {
                    for _ in 0..4 {
                        step += 1;
                        features = Some(tracker.step(chord.transposed(semitones).unwrap(), Phase::in_beat(step)));
                    }
                }
            }
            features.map(|features: StepFeatures| (features.local_key, features.global_key)).unwrap()
        };
        let key = |tonic| Some(Key::of_tonic(tonic, false));
        assert_eq!(play(0, 8), (key(0), key(0)));
        assert_eq!(play(2, 3), (key(2), key(0)));
    }
}
