use crate::{Chord, Pitch};

/// A major or minor key as far as one hears it: a tonic and a mode, whatever its signature ([`crate::harmony::Key`] spells).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyClass {
    /// Pitch class, 0 = C.
    pub tonic: u8,
    pub is_minor: bool,
}

impl KeyClass {
    /// The pitch class a semitone under the tonic.
    pub fn leading_tone(self) -> u8 {
        (self.tonic + 11) % 12
    }

    /// Number of keys.
    pub const COUNT: usize = 24;

    /// The major keys from C upwards, then the minor ones.
    pub fn index(self) -> usize {
        usize::from(self.tonic) + 12 * usize::from(self.is_minor)
    }

    /// The inverse of [`KeyClass::index`]; `None` from 24 on.
    pub fn from_index(index: usize) -> Option<KeyClass> {
        (index < KeyClass::COUNT).then_some(KeyClass { tonic: (index % 12) as u8, is_minor: index >= 12 })
    }

    /// Semitones from the tonic up to the pitch, within an octave.
    pub fn degree(self, pitch: Pitch) -> u8 {
        (pitch.class() + 12 - self.tonic) % 12
    }

    /// Whether the pitch belongs to the key: to its scale, in minor with both sixths and both sevenths.
    pub fn has(self, pitch: Pitch) -> bool {
        let is_foreign = if self.is_minor { [1, 4, 6].as_slice() } else { [1, 3, 6, 8, 10].as_slice() };
        !is_foreign.contains(&self.degree(pitch))
    }

    fn all() -> impl Iterator<Item = KeyClass> {
        (0..KeyClass::COUNT).filter_map(KeyClass::from_index)
    }

    /// How much each pitch class, from C upwards, speaks for this key.
    fn profile(self) -> impl Iterator<Item = i64> {
        let profile = &PROFILES[usize::from(self.is_minor)];
        (0..12).map(move |class| profile[(class + 12 - usize::from(self.tonic)) % 12])
    }

    /// The key whose profile has the greatest product with the duration of each pitch class; of equally good ones the
    /// first by [`KeyClass::index`]. `None` when nothing has sounded. In whole numbers, so that whoever counts the same gets
    /// the same key.
    pub fn of(durations: &[u32; 12]) -> Option<KeyClass> {
        let fit = |key: KeyClass| -> i64 {
            durations.iter().zip(key.profile()).map(|(&duration, value)| i64::from(duration) * value).sum()
        };
        let has_sounded = durations.iter().any(|&duration| duration != 0);
        KeyClass::all().max_by_key(|&key| (fit(key), std::cmp::Reverse(key.index()))).filter(|_| has_sounded)
    }
}

/// The tonal profiles of major and minor of Krumhansl and Kessler (1982) brought to mean 0 and length 1, in thousandths:
/// a product with them orders the keys as the correlation does.
const PROFILES: [[i64; 12]; 2] = [
    [655, -286, -1, -263, 205, 139, -220, 390, -250, 41, -273, -138],
    [655, -257, -47, 418, -277, -45, -292, 260, 68, -255, -92, -135],
];

/// Finds the key of what has sounded lately: pitch classes weighed by how long they lasted, the older the less, are set
/// against the profiles of major and minor; the key whose profile correlates best is the present one.
#[derive(Clone, Debug, Default)]
pub struct KeyFinder {
    weights: [f32; 12],
}

/// What a step still weighs after the next one: half after eight beats.
const MEMORY: f32 = 0.978;
/// By how much the best correlation must exceed the next one for the key to be clear.
const CLEAR: f32 = 0.08;

impl KeyFinder {
    /// Takes note of one more step.
    pub fn step(&mut self, chord: Chord) {
        self.weights.iter_mut().for_each(|weight| *weight *= MEMORY);
        for pitch in chord.pitches().into_iter().flatten().map(Pitch::class) {
            self.weights[usize::from(pitch)] += 1.0;
        }
    }

    /// The key, if one stands out.
    pub fn key(&self) -> Option<KeyClass> {
        let mean = self.weights.iter().sum::<f32>() / 12.0;
        let length = self.weights.iter().map(|weight| (weight - mean).powi(2)).sum::<f32>().sqrt();
        let (mut best, mut second) = ((f32::MIN, None), f32::MIN);
        for key in KeyClass::all() {
            let fit: f32 = self.weights.iter().zip(key.profile()).map(|(weight, value)| weight * value as f32).sum();
            if fit > best.0 {
                second = best.0;
                best = (fit, Some(key));
            } else {
                second = second.max(fit);
            }
        }
        best.1.filter(|_| best.0 - second > 1000.0 * CLEAR * length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chorale;

    fn key_after(rows: &str) -> Option<KeyClass> {
        let mut finder = KeyFinder::default();
        let chorale = Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap();
        chorale.chords.into_iter().for_each(|chord| finder.step(chord));
        finder.key()
    }

    #[test]
    fn a_cadence_tells_the_key_in_any_transposition() {
        // I IV V I in C major, then i iv V i in A minor.
        let major = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        let minor = "72,69,64,57\n74,69,65,50\n71,68,64,52\n72,69,64,45\n";
        assert_eq!(key_after(major), Some(KeyClass { tonic: 0, is_minor: false }));
        assert_eq!(key_after(minor), Some(KeyClass { tonic: 9, is_minor: true }));
        let up = Chorale::from_csv(&format!("note0,note1,note2,note3\n{major}")).unwrap().transposed(2).unwrap();
        assert_eq!(key_after(up.to_csv().split_once('\n').unwrap().1), Some(KeyClass { tonic: 2, is_minor: false }));
    }

    #[test]
    fn one_pitch_or_none_tells_no_key() {
        assert_eq!(KeyFinder::default().key(), None);
        assert_eq!(key_after("72,60,60,48\n"), None);
    }

    fn key_of(classes: &[usize]) -> Option<KeyClass> {
        let mut durations = [0; 12];
        classes.iter().for_each(|&class| durations[class] += 1);
        KeyClass::of(&durations)
    }

    #[test]
    fn whole_numbers_find_the_key_of_a_cadence_wherever_it_is_transposed() {
        // Tonic, subdominant, dominant, tonic; in minor with a raised leading tone.
        let major = [0, 4, 7, 5, 9, 0, 7, 11, 2, 0, 4, 7];
        let minor = [0, 3, 7, 5, 8, 0, 7, 11, 2, 0, 3, 7];
        for tonic in 0..12 {
            for (cadence, is_minor) in [(major, false), (minor, true)] {
                let key = key_of(&cadence.map(|class| (class + tonic) % 12));
                assert_eq!(key, Some(KeyClass { tonic: tonic as u8, is_minor }));
            }
        }
        assert_eq!(key_of(&[]), None);
    }

    #[test]
    fn the_scale_belongs_to_the_key_and_in_minor_both_forms_of_it() {
        let classes = |is_minor| {
            let key = KeyClass { tonic: 2, is_minor };
            (60..72u8).filter(|&midi| key.has(Pitch::new(midi).unwrap())).map(|midi| midi - 60).collect::<Vec<_>>()
        };
        assert_eq!(classes(false), [1, 2, 4, 6, 7, 9, 11]);
        assert_eq!(classes(true), [0, 1, 2, 4, 5, 7, 9, 10, 11]);
    }

    #[test]
    fn every_key_comes_back_from_its_index_and_has_its_tonic_as_first_degree() {
        for index in 0..KeyClass::COUNT {
            let key = KeyClass::from_index(index).unwrap();
            assert_eq!(key.index(), index);
            assert_eq!(key.degree(Pitch::new(60 + key.tonic).unwrap()), 0);
        }
        assert_eq!(KeyClass::from_index(24), None);
    }
}
