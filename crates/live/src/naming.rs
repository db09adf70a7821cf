//! What the chords of a performance are called while it goes on, in the key in which they are heard.

use chorale::{Harmony, Key, KeyFinder, Pitch, Surroundings};

/// Steps in a row that another key than the present one must be the likeliest, lest names change from note to note;
/// and steps at the beginning in which the first guess may be wrong.
const PATIENCE: u32 = 8;
const BEGINNING: u64 = 16;

/// Follows what sounds, step by step.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// The key that was told, if any was. It stands before the one found.
    pub told: Option<Key>,
    /// How long each pitch class has sounded lately.
    classes: [f64; 12],
    steps: u64,
    key: Option<Key>,
    /// The likeliest key where it is another, and for how many steps it has been.
    rival: Option<(Key, u32)>,
    /// The name and numeral of the last chord that had one, until there is silence.
    chord: Option<(String, String)>,
}

impl Naming {
    /// In the key that was told, if any was.
    pub fn new(told: Option<Key>) -> Naming {
        Naming { told, ..Naming::default() }
    }

    /// Of another song nothing is known of what was heard before.
    pub fn forget(&mut self) {
        *self = Naming { chord: self.chord.take(), ..Naming::new(self.told) };
    }

    /// These notes sound now; `is_step`: and a step has begun with them.
    pub fn hear(&mut self, parts: [Option<Pitch>; 4], is_step: bool) {
        if is_step {
            self.classes.iter_mut().for_each(|weight| *weight *= KeyFinder::MEMORY);
            for pitch in parts.into_iter().flatten() {
                self.classes[usize::from(pitch.class())] += 1.0;
            }
            self.follow_key();
        }
        self.chord = match self.name(parts) {
            None if parts != [None; 4] => self.chord.take(),
            chord => chord,
        };
    }

    /// Takes another key on once it has been the likeliest for long enough.
    fn follow_key(&mut self) {
        self.steps += 1;
        let likeliest = likeliest(&self.classes);
        if likeliest == self.key {
            self.rival = None;
            return;
        }
        let before = self.rival.filter(|(key, _)| Some(*key) == likeliest).map_or(0, |(_, steps)| steps);
        self.rival = likeliest.map(|key| (key, before + 1));
        if self.key.is_none() || self.steps <= BEGINNING || before + 1 >= PATIENCE {
            (self.key, self.rival) = (likeliest, None);
        }
    }

    /// The key of what has sounded lately, once anything has. [`KeyFinder`] keeps silent where no key is clear; here chords
    /// need the name of the likeliest, and the same one that the piece would get on the page.
    pub fn key(&self) -> Option<Key> {
        self.told.or(self.key)
    }

    /// That of the first chord, before anything has sounded, is guessed from the chord.
    fn key_of(&self, parts: [Option<Pitch>; 4]) -> Option<Key> {
        let mut classes = [0.0; 12];
        parts.into_iter().flatten().for_each(|pitch| classes[usize::from(pitch.class())] += 1.0);
        self.key().or_else(|| likeliest(&classes))
    }

    /// The name of these notes' chord and its Roman numeral.
    pub fn name(&self, parts: [Option<Pitch>; 4]) -> Option<(String, String)> {
        let key = self.key_of(parts)?;
        let pitches: Vec<Pitch> = parts.into_iter().flatten().collect();
        let harmony = Harmony::of(&pitches)?;
        Some((harmony.symbol(key), harmony.numeral(key)))
    }

    /// Of the chord that sounds; where notes pass through it, of the one before.
    pub fn chord(&self) -> Option<&(String, String)> {
        self.chord.as_ref()
    }

    /// The names of these notes; none of a part at rest.
    pub fn names(&self, parts: [Option<Pitch>; 4]) -> [Option<String>; 4] {
        let key = self.key_of(parts).unwrap_or(Key::of_tonic(0, false));
        parts.map(|pitch| pitch.map(|pitch| key.spell(pitch, Surroundings::default()).to_string()))
    }
}

fn likeliest(classes: &[f64; 12]) -> Option<Key> {
    (classes.iter().sum::<f64>() > 0.0).then(|| Key::find(classes, None))
}
