//! How far some harmonizations are from others as a whole: what they are made of, as distributions.

use std::collections::HashMap;
use std::hash::Hash;

use chorale::census::Figure;
use chorale::{Chorale, Chord, Part, Phase, PitchClassDurations};

/// The Jensen-Shannon divergences (Lin 1991) between two sets of chorales, in thousandths of a nat, 0 to 693. They depend
/// on how much was counted: to be compared with those between as many other pieces of Bach's.
pub fn distances(ours: &[Chorale], theirs: &[Chorale]) -> Vec<Figure> {
    let figure = |name: &str, value| Figure { name: format!("distance-{name}"), unit: "thousandths of a nat", value };
    vec![
        figure("chords", divergence(ours, theirs, chords)),
        figure("chords-in-key", divergence(ours, theirs, chords_in_key)),
        figure("progressions", divergence(ours, theirs, progressions)),
        figure("intervals", divergence(ours, theirs, intervals)),
        figure("lengths", divergence(ours, theirs, lengths)),
        figure("spacings", divergence(ours, theirs, spacings)),
    ]
}

fn divergence<T: Eq + Hash>(ours: &[Chorale], theirs: &[Chorale], things: impl Fn(&Chorale) -> Vec<T>) -> f64 {
    let mut counts: HashMap<T, [u64; 2]> = HashMap::new();
    for (side, chorales) in [ours, theirs].into_iter().enumerate() {
        for thing in chorales.iter().flat_map(&things) {
            counts.entry(thing).or_default()[side] += 1;
        }
    }
    let totals = [0, 1].map(|side: usize| counts.values().map(|count| count[side]).sum::<u64>() as f64);
    if totals.contains(&0.0) {
        return f64::NAN;
    }
    let mut terms: Vec<f64> = counts
        .values()
        .map(|count| {
            let shares = [0, 1].map(|side: usize| count[side] as f64 / totals[side]);
            let mean = shares.iter().sum::<f64>() / 2.0;
            shares.iter().filter(|&&share| share > 0.0).map(|share| share / 2.0 * (share / mean).ln()).sum()
        })
        .collect();
    // A map has no order, and sums depend on it.
    terms.sort_by(f64::total_cmp);
    1000.0 * terms.iter().sum::<f64>()
}

/// The lowest part's pitch class, if it sounds, and the pitch classes as seen from it, a bit each.
fn over_bass(chord: &Chord) -> Option<(u8, u16)> {
    let bass = chord[Part::Bass].pitch()?.class();
    let classes = chord.pitches().into_iter().flatten();
    Some((bass, classes.fold(0, |classes, pitch| classes | 1 << ((pitch.class() + 12 - bass) % 12))))
}

fn on_beats(chorale: &Chorale) -> Vec<Option<(u8, u16)>> {
    chorale.chords.iter().step_by(Phase::STEPS_PER_BEAT).map(over_bass).collect()
}

fn chords(chorale: &Chorale) -> Vec<Option<u16>> {
    on_beats(chorale).into_iter().map(|chord| chord.map(|(_, classes)| classes)).collect()
}

/// With the mode, and the bass as a degree, of the key of the whole piece.
fn chords_in_key(chorale: &Chorale) -> Vec<(bool, u8, u16)> {
    let Some(key) = PitchClassDurations::of(&chorale.chords).key() else { return Vec::new() };
    let chords = on_beats(chorale).into_iter().flatten();
    chords.map(|(bass, classes)| (key.minor, key.degree(bass), classes)).collect()
}

/// From one beat to the next: both chords, and by how much the bass rises.
fn progressions(chorale: &Chorale) -> Vec<(u8, u16, u16)> {
    let chords = on_beats(chorale);
    let pairs = chords.windows(2).filter_map(|pair| Some((pair[0]?, pair[1]?)));
    pairs.map(|((before, first), (bass, second))| ((bass + 12 - before) % 12, first, second)).collect()
}

/// Alto, tenor and bass: the notes of each as pitch and steps.
fn notes(chorale: &Chorale) -> impl Iterator<Item = (Part, Vec<(u8, usize)>)> {
    Part::LOWER.into_iter().map(|part| {
        let mut notes: Vec<(u8, usize)> = Vec::new();
        for pitch in chorale.chords.iter().map(|chord| chord[part].pitch().map_or(0, |pitch| pitch.midi())) {
            match notes.last_mut() {
                Some((last, steps)) if *last == pitch => *steps += 1,
                _ => notes.push((pitch, 1)),
            }
        }
        (part, notes)
    })
}

fn intervals(chorale: &Chorale) -> Vec<(Part, i16)> {
    let of_part = |(part, notes): (Part, Vec<(u8, usize)>)| {
        let pairs: Vec<_> =
            notes.windows(2).map(|pair| [pair[0].0, pair[1].0]).filter(|pair| !pair.contains(&0)).collect();
        pairs.into_iter().map(move |[before, now]| (part, i16::from(now) - i16::from(before)))
    };
    notes(chorale).flat_map(of_part).collect()
}

fn lengths(chorale: &Chorale) -> Vec<(Part, usize)> {
    notes(chorale).flat_map(|(part, notes)| notes.into_iter().map(move |(_, steps)| (part, steps))).collect()
}

/// On the beats: from each part down to the next, in semitones.
fn spacings(chorale: &Chorale) -> Vec<[i16; 3]> {
    let spacing = |chord: &Chord| {
        let pitches = chord.pitches();
        let between = |upper: usize| Some(i16::from(pitches[upper]?.midi()) - i16::from(pitches[upper + 1]?.midi()));
        Some([between(0)?, between(1)?, between(2)?])
    };
    chorale.chords.iter().step_by(Phase::STEPS_PER_BEAT).filter_map(spacing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chorale(rows: &[[u8; 4]]) -> Chorale {
        let rows: String = rows.iter().map(|[s, a, t, b]| format!("{s},{a},{t},{b}\n").repeat(4)).collect();
        Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap()
    }

    #[test]
    fn the_same_music_is_at_no_distance_and_music_without_anything_in_common_at_the_greatest() {
        let plain = chorale(&[[72, 67, 64, 48], [74, 67, 59, 55], [72, 67, 64, 48]]);
        let other = chorale(&[[69, 63, 54, 50], [68, 60, 57, 54], [66, 61, 59, 47]]);
        for figure in distances(std::slice::from_ref(&plain), std::slice::from_ref(&plain)) {
            assert_eq!(figure.value, 0.0, "{}", figure.name);
        }
        let far = distances(&[plain], &[other]);
        assert!((far[0].value - 1000.0 * std::f64::consts::LN_2).abs() < 1e-9, "{:?}", far[0]);
    }

    #[test]
    fn transposed_music_has_the_same_chords_keys_and_intervals() {
        let plain = chorale(&[[72, 67, 64, 48], [74, 67, 59, 55], [72, 67, 64, 48]]);
        let higher = plain.transposed(2).unwrap();
        assert!(distances(&[plain], &[higher]).iter().all(|figure| figure.value == 0.0));
    }
}
