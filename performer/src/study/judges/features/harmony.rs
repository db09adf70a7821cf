//! Chords, what follows what, and where they lie in the key.

use chorale::{Harmony, Part, Phase, Pitch, Quality, Sonority, is_falling_fifth};

use super::super::reading::{Place, Reading};
use super::Counts;

pub fn count(reading: &Reading, counts: &mut Counts) {
    let mut before: Option<(String, u8)> = None;
    let mut run = 0;
    for step in (0..reading.chords.len()).step_by(Phase::STEPS_PER_BEAT) {
        let chord = Named::at(reading, step);
        counts.add(format!("on beats: {}", chord.name));
        counts.add(format!("on beats over the bass: {}", over_bass(reading, step)));
        if let Some(midi) = reading.midi(step, Part::Bass) {
            counts.add(format!("bass on degree {}", reading.degree(midi)));
        }
        doubling(reading, step, counts);
        if let Some((name, root)) = &before {
            if *name != chord.name {
                counts.add(format!("on beats: {name} {}", chord.name));
            }
            if let Some(harmony) = chord.harmony {
                counts.add(format!("root {}", moves((harmony.root + 12 - root) % 12)));
                if harmony.root == *root {
                    run += 1;
                } else {
                    counts.add(format!("a root for {} beats", (run + 1).min(5)));
                    run = 0;
                }
            }
        }
        secondary_dominant(reading, step, chord.harmony, counts);
        if let Some(harmony) = chord.harmony {
            before = Some((chord.name, harmony.root));
        }
    }
    for step in (2..reading.chords.len()).step_by(Phase::STEPS_PER_BEAT) {
        counts.add(format!("on half beats over the bass: {}", over_bass(reading, step)));
    }
    let last = reading.chords.len().saturating_sub(1);
    counts.add(format!("beginning: {}", Named::at(reading, 0).name));
    counts.add(format!("end: {}", Named::at(reading, last).name));
    for (part, place) in cross_relations(reading) {
        counts.add("cross relation".into());
        counts.add(format!("cross relation into the {} {}", part.name().to_lowercase(), place.name()));
    }
}

struct Named {
    harmony: Option<Harmony>,
    name: String,
}

impl Named {
    fn at(reading: &Reading, step: usize) -> Named {
        let harmony = reading.harmony(step);
        let name = harmony.map_or_else(|| "no chord".into(), |harmony| harmony.numeral(reading.key));
        Named { harmony, name }
    }
}

fn moves(up: u8) -> &'static str {
    const NAMES: [&str; 12] = [
        "stays",
        "rises by a semitone",
        "rises by a tone",
        "rises by a minor third",
        "rises by a major third",
        "falls by a fifth",
        "goes by a tritone",
        "rises by a fifth",
        "falls by a major third",
        "falls by a minor third",
        "falls by a tone",
        "falls by a semitone",
    ];
    NAMES[usize::from(up)]
}

/// The pitch classes in semitones over the bass.
fn over_bass(reading: &Reading, step: usize) -> String {
    let Some(bass) = reading.midi(step, Part::Bass) else { return "no bass".into() };
    let mut above: Vec<i16> = Part::ALL
        .into_iter()
        .filter_map(|part| Some((reading.midi(step, part)? - bass).rem_euclid(12)))
        .filter(|above| *above != 0)
        .collect();
    above.sort_unstable();
    above.dedup();
    let above: Vec<String> = above.iter().map(i16::to_string).collect();
    if above.is_empty() { "nothing".into() } else { above.join(" ") }
}

/// Which notes of a triad sound twice or not at all.
fn doubling(reading: &Reading, step: usize, counts: &mut Counts) {
    let pitches = reading.chords[step].pitches();
    let Some(harmony) = reading.harmony(step).filter(|_| Sonority::of(&pitches) == Sonority::Triad) else { return };
    let above = |pitch: Pitch| (pitch.class() + 12 - harmony.root) % 12;
    let parts = |degrees: [u8; 2]| pitches.iter().flatten().filter(|pitch| degrees.contains(&above(**pitch))).count();
    let [root, third, fifth] = [[0, 0], [3, 4], [7, 7]].map(parts);
    counts.add(format!("inversion {} with {root} roots, {third} thirds, {fifth} fifths", harmony.inversion()));
}

/// A major triad or a dominant seventh.
pub fn is_dominant(chord: Harmony) -> bool {
    matches!(chord.quality, Quality::Major | Quality::DominantSeventh)
}

/// Whether a chord is the dominant of a degree other than the tonic: a major triad or dominant seventh outside the key.
pub fn is_secondary_dominant(reading: &Reading, step: usize, harmony: Harmony) -> bool {
    let mut classes = reading.chords[step].pitches().into_iter().flatten().map(Pitch::class);
    is_dominant(harmony) && classes.any(|class| !reading.key.has(class)) && reading.key.degree(harmony.root) != 7
}

fn secondary_dominant(reading: &Reading, step: usize, harmony: Option<Harmony>, counts: &mut Counts) {
    let Some(harmony) = harmony.filter(|&harmony| is_secondary_dominant(reading, step, harmony)) else { return };
    let next = reading.harmony(step + Phase::STEPS_PER_BEAT);
    let falls = next.is_some_and(|next| is_falling_fifth(harmony.root, next.root));
    counts.add(format!("secondary dominant that {}", if falls { "falls by a fifth" } else { "goes elsewhere" }));
}

pub fn relations(reading: &Reading) -> usize {
    cross_relations(reading).len()
}

/// Where one part has a note within a beat after another part had it a semitone higher or lower and both are the same degree
/// of the scale, altered: at each begun note, the part that begins it and where.
fn cross_relations(reading: &Reading) -> Vec<(Part, Place)> {
    let mut found = Vec::new();
    for part in Part::ALL {
        for note in &reading.notes[part.index()] {
            let Some(before) = note.start.checked_sub(1) else { continue };
            let other_has_it = Part::ALL
                .into_iter()
                .filter(|other| *other != part)
                .any(|other| reading.midi(before, other).is_some_and(|midi| is_altered(reading, midi, note.midi)));
            // The part that had it may alter it.
            let is_own = reading.midi(before, part).is_some_and(|midi| is_altered(reading, midi, note.midi));
            if other_has_it && !is_own {
                found.push((part, Place::of(note.start)));
            }
        }
    }
    found
}

/// Whether two pitches are two forms of one degree: a semitone apart, and not both in the scale (of minor, the natural one).
fn is_altered(reading: &Reading, a: i16, b: i16) -> bool {
    let scale: &[i16] = if reading.key.minor { &[0, 2, 3, 5, 7, 8, 10] } else { &[0, 2, 4, 5, 7, 9, 11] };
    let [a, b] = [a, b].map(|midi| reading.degree(midi));
    let distance = (b - a).rem_euclid(12);
    if distance != 1 && distance != 11 {
        return false;
    }
    let (lower, upper) = if distance == 1 { (a, b) } else { (b, a) };
    // A raised degree and its natural form, or the natural form and a lowered one; leading tones to degrees are neither.
    match (scale.contains(&lower), scale.contains(&upper)) {
        (true, false) => !scale.contains(&((upper + 1) % 12)) || is_raised(reading, upper),
        (false, true) => scale.contains(&((lower + 11) % 12)) && !is_raised(reading, lower),
        _ => false,
    }
}

/// Whether a degree outside the scale is usually the raised form of the one below it.
fn is_raised(reading: &Reading, degree: i16) -> bool {
    if reading.key.minor { matches!(degree, 11 | 9 | 6 | 4) } else { matches!(degree, 6 | 8 | 1 | 3) }
}
