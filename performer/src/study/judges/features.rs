//! What the first judge hears in a piece: how often each of some hundreds of things happens in it, all of them named so
//! that a musician knows what is meant.

mod dissonance;
mod harmony;
mod melody;
mod phrases;

use std::collections::BTreeMap;

use chorale::{Past, Phase, Rule};

use super::reading::Reading;

pub use harmony::{is_dominant, is_secondary_dominant, relations};

/// How often each thing happens, per 100 beats, by its name.
pub type Rates = BTreeMap<String, f64>;

/// Things as they are counted.
#[derive(Default)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    pub fn add(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }
}

pub fn rates(reading: &Reading) -> Rates {
    let mut counts = Counts::default();
    rules(reading, &mut counts);
    melody::count(reading, &mut counts);
    harmony::count(reading, &mut counts);
    dissonance::count(reading, &mut counts);
    phrases::count(reading, &mut counts);
    let per = 100.0 / reading.beats().max(1) as f64;
    counts.0.into_iter().map(|(name, count)| (name, per * count as f64)).collect()
}

fn rules(reading: &Reading, counts: &mut Counts) {
    let mut past = Past::default();
    for (step, &chord) in reading.chords.iter().enumerate() {
        let phase = Phase::in_beat(step);
        let breaches = past.breaches(chord, phase);
        for rule in Rule::ALL {
            (0..breaches[rule.index()]).for_each(|_| counts.add(format!("rule: {}", rule.term())));
        }
        past.step(chord, phase);
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::tests::piece;
    use super::*;

    #[test]
    fn the_features_of_a_piece_made_by_hand_are_counted_right() {
        // I with a passing note in the bass, I6, V, I: five beats of C major.
        let piece = piece(&[
            ([72, 67, 64, 60], 2),
            ([72, 67, 64, 62], 2),
            ([72, 67, 64, 64], 4),
            ([71, 67, 62, 55], 4),
            ([72, 67, 64, 48], 8),
        ]);
        let reading = Reading::of(&piece);
        assert_eq!(reading.key.to_string(), "C major");
        let rates = rates(&reading);
        let per_100_beats = |name: &str| rates.get(name).copied().unwrap_or(0.0);
        let once = 100.0 / 5.0;
        for (name, times) in [
            ("rule: stepwise motion in the bass", 2.0),
            ("bass moves by 2 on the half beat", 1.0),
            ("bass moves by -7 on the beat", 1.0),
            ("bass: step up, step up", 1.0),
            ("bass rhythm: x.x.", 1.0),
            ("bass: 2 steps from on the beat", 1.0),
            ("on beats: I", 3.0),
            ("on beats: I6", 1.0),
            ("on beats: I6 V", 1.0),
            ("root falls by a fifth", 1.0),
            ("bass foreign on the half beat: by step up, step up", 1.0),
            ("bass foreign on the beat: by step up, step up", 0.0),
            ("long note: parts move", 1.0),
            ("last note: at rest", 1.0),
            ("last note: bass comes by -7", 1.0),
            ("end: I", 1.0),
        ] {
            assert_eq!(per_100_beats(name), times * once, "{name}: {rates:#?}");
        }
    }
}
