use crate::{Chord, Pitch};

/// A major or minor key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Pitch class, 0 = C.
    pub tonic: u8,
    pub is_minor: bool,
}

impl Key {
    /// The pitch class a semitone under the tonic.
    pub fn leading_tone(self) -> u8 {
        (self.tonic + 11) % 12
    }
}

/// Finds the key of what has sounded lately: pitch classes weighed by how long they lasted, the older the less, are set
/// against the tonal profiles of Krumhansl and Kessler (1982); the key whose profile correlates best is the present one.
#[derive(Clone, Debug, Default)]
pub struct KeyFinder {
    weights: [f32; 12],
}

/// What a step still weighs after the next one: half after eight beats.
const MEMORY: f32 = 0.978;
/// By how much the best correlation must exceed the next one for the key to be clear.
const CLEAR: f32 = 0.08;

const MAJOR: [f32; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f32; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];

impl KeyFinder {
    /// Takes note of one more step.
    pub fn step(&mut self, chord: Chord) {
        self.weights.iter_mut().for_each(|weight| *weight *= MEMORY);
        for pitch in chord.pitches().into_iter().flatten().map(Pitch::class) {
            self.weights[usize::from(pitch)] += 1.0;
        }
    }

    /// The key, if one stands out.
    pub fn key(&self) -> Option<Key> {
        let (mut best, mut second) = ((f32::MIN, None), f32::MIN);
        for (profile, is_minor) in [(&MAJOR, false), (&MINOR, true)] {
            for tonic in 0..12u8 {
                let correlation = correlation(profile, &self.weights, usize::from(tonic));
                if correlation > best.0 {
                    second = best.0;
                    best = (correlation, Some(Key { tonic, is_minor }));
                } else {
                    second = second.max(correlation);
                }
            }
        }
        best.1.filter(|_| best.0 - second > CLEAR)
    }
}

/// Pearson's correlation of a profile with the weights as seen from `tonic`; 0 where all weights are alike.
fn correlation(profile: &[f32; 12], weights: &[f32; 12], tonic: usize) -> f32 {
    let mean = |values: &[f32; 12]| values.iter().sum::<f32>() / 12.0;
    let (profile_mean, weight_mean) = (mean(profile), mean(weights));
    let (mut product, mut profile_square, mut weight_square) = (0.0, 0.0, 0.0);
    for (degree, value) in profile.iter().enumerate() {
        let (x, y) = (value - profile_mean, weights[(tonic + degree) % 12] - weight_mean);
        product += x * y;
        profile_square += x * x;
        weight_square += y * y;
    }
    if weight_square > 0.0 { product / (profile_square * weight_square).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chorale;

    fn key_after(rows: &str) -> Option<Key> {
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
        assert_eq!(key_after(major), Some(Key { tonic: 0, is_minor: false }));
        assert_eq!(key_after(minor), Some(Key { tonic: 9, is_minor: true }));
        let up = Chorale::from_csv(&format!("note0,note1,note2,note3\n{major}")).unwrap().transposed(2).unwrap();
        assert_eq!(key_after(up.to_csv().split_once('\n').unwrap().1), Some(Key { tonic: 2, is_minor: false }));
    }

    #[test]
    fn one_pitch_or_none_tells_no_key() {
        assert_eq!(KeyFinder::default().key(), None);
        assert_eq!(key_after("72,60,60,48\n"), None);
    }
}
