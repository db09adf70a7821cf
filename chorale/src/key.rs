use crate::Pitch;

/// A major or minor key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Pitch class of the tonic, 0 = C .. 11 = B.
    pub tonic: u8,
    pub minor: bool,
}

/// How well each pitch class, counted in semitones from the tonic, fits a key: the ratings of Krumhansl & Kessler 1982
/// for major and minor, brought to mean 0 and length 1, in thousandths.
const PROFILES: [[i64; 12]; 2] = [
    [655, -286, -1, -263, 205, 139, -220, 390, -250, 41, -273, -138],
    [655, -257, -47, 418, -277, -45, -292, 260, 68, -255, -92, -135],
];

impl Key {
    /// Number of keys.
    pub const COUNT: usize = 24;

    /// The major keys from C upwards, then the minor ones.
    pub fn index(self) -> usize {
        usize::from(self.tonic) + 12 * usize::from(self.minor)
    }

    /// The inverse of [`Key::index`]; `None` from 24 on.
    pub fn from_index(index: usize) -> Option<Key> {
        (index < Key::COUNT).then(|| Key { tonic: (index % 12) as u8, minor: index >= 12 })
    }

    /// Semitones from the tonic up to the pitch, within an octave.
    pub fn degree(self, pitch: Pitch) -> u8 {
        (pitch.class() + 12 - self.tonic) % 12
    }

    /// The key whose profile has the greatest product with the duration of each pitch class (the algorithm of
    /// Krumhansl & Schmuckler); of equally good ones the first by [`Key::index`]. `None` when nothing has sounded.
    pub fn of(durations: &[u32; 12]) -> Option<Key> {
        if durations.iter().all(|&duration| duration == 0) {
            return None;
        }
        let fit = |key: Key| -> i64 {
            (0..12)
                .map(|class| {
                    i64::from(durations[class])
                        * PROFILES[usize::from(key.minor)][(class + 12 - usize::from(key.tonic)) % 12]
                })
                .sum()
        };
        let keys = (0..Key::COUNT).filter_map(Key::from_index);
        keys.max_by_key(|&key| (fit(key), std::cmp::Reverse(key.index())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(classes: &[usize]) -> Option<Key> {
        let mut durations = [0; 12];
        classes.iter().for_each(|&class| durations[class] += 1);
        Key::of(&durations)
    }

    #[test]
    fn a_cadence_is_in_its_key_wherever_it_is_transposed() {
        // Tonic, subdominant, dominant, tonic; in minor with a raised leading tone.
        let major = [0, 4, 7, 5, 9, 0, 7, 11, 2, 0, 4, 7];
        let minor = [0, 3, 7, 5, 8, 0, 7, 11, 2, 0, 3, 7];
        for tonic in 0..12 {
            for (cadence, is_minor) in [(major, false), (minor, true)] {
                let key = key_of(&cadence.map(|class| (class + tonic) % 12));
                assert_eq!(key, Some(Key { tonic: tonic as u8, minor: is_minor }));
            }
        }
        assert_eq!(key_of(&[]), None);
    }

    #[test]
    fn every_key_comes_back_from_its_index_and_has_its_tonic_as_first_degree() {
        for index in 0..Key::COUNT {
            let key = Key::from_index(index).unwrap();
            assert_eq!(key.index(), index);
            assert_eq!(key.degree(Pitch::new(60 + key.tonic).unwrap()), 0);
        }
        assert_eq!(Key::from_index(24), None);
    }
}
