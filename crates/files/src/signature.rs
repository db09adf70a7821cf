//! Signatures that are wrong: many programs put C major into files whose key they were never told, and others keep that of the
//! piece before.

use chorale::Key;

use crate::score::{Direction, Tick, signature};
use crate::source::Source;

/// So much more of the notes must belong to the found key than to that of the signature.
const CLEAR: f64 = 0.08;

/// A signature that somebody wrote is an accidental off in church modes, and in tunes that dwell on their dominant.
const OFF: i8 = 2;

/// The key that takes the place of a signature at which the notes are at odds.
pub fn mended_signature(source: &Source, found: Key) -> Option<Key> {
    let told = signature(&source.directions)?;
    let changes = |direction: &Direction| matches!(direction, Direction::Key { sharps, minor } if *minor != told.minor || *sharps != told.sharps);
    if source.directions.iter().any(|(_, direction)| changes(direction)) {
        return None;
    }
    let weights = weights(source);
    let is_default = told == Key { sharps: 0, minor: false };
    if is_default {
        let is_clear = found.sharps != 0 && share(&weights, &[found]) >= share(&weights, &[told]) + CLEAR;
        return is_clear.then_some(found);
    }
    // Twelve apart they sound alike.
    let apart = (found.sharps - told.sharps).rem_euclid(12);
    let of_signature = [false, true].map(|minor| Key { sharps: told.sharps, minor });
    let is_clear = apart.min(12 - apart) >= OFF && share(&weights, &[found]) >= share(&weights, &of_signature) + CLEAR;
    is_clear.then_some(found)
}

/// Puts a key in the place of all signatures.
pub fn set_signature(directions: &mut Vec<(Tick, Direction)>, Key { sharps, minor }: Key) {
    directions.retain(|(_, direction)| !matches!(direction, Direction::Key { .. }));
    directions.insert(0, (0, Direction::Key { sharps, minor }));
}

/// How long each pitch class sounds, drums apart.
fn weights(source: &Source) -> [f64; 12] {
    let mut weights = [0.0; 12];
    let lines = (0..source.tracks.len()).flat_map(|track| {
        source.tracks[track].channels.iter().filter(move |(channel, _)| !source.is_drums(track, **channel))
    });
    for note in lines.flat_map(|(_, notes)| notes) {
        weights[usize::from(note.pitch.class())] += f64::from(note.end - note.start);
    }
    weights
}

/// The part of what sounds that belongs to one of the keys.
fn share(weights: &[f64; 12], keys: &[Key]) -> f64 {
    let all: f64 = weights.iter().sum();
    let inside: f64 = (0..12_u8)
        .filter(|class| keys.iter().any(|key| key.has(*class)))
        .map(|class| weights[usize::from(class)])
        .sum();
    if all > 0.0 { inside / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::score::Note;
    use crate::source::{Kind, Track};

    const C_MAJOR: Key = Key { sharps: 0, minor: false };
    const E_FLAT: Key = Key { sharps: -3, minor: false };

    /// A scale with its tonic last, under signatures.
    fn source(tonic: u8, keys: &[Key]) -> Source {
        let pitches = [0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0].map(|degree| Pitch::new(60 + tonic + degree).unwrap());
        let note = |(start, pitch)| Note { start, end: start + 480, pitch, velocity: 80 };
        let notes = (0..).step_by(480).zip(pitches).map(note).collect();
        let key = |(tick, key): (Tick, &Key)| (tick, Direction::Key { sharps: key.sharps, minor: key.minor });
        Source {
            kind: Kind::Midi,
            title: None,
            creators: Vec::new(),
            below: Vec::new(),
            mode: None,
            names_major: false,
            ticks_per_quarter: 480,
            directions: (0..).step_by(960).zip(keys).map(key).collect(),
            tracks: vec![Track { channels: [(0, notes)].into(), ..Track::default() }],
            remarks: Vec::new(),
        }
    }

    #[test]
    fn c_major_on_a_tune_in_e_flat_is_no_signature() {
        assert_eq!(mended_signature(&source(3, &[C_MAJOR]), E_FLAT), Some(E_FLAT));
        let mut directions = source(3, &[C_MAJOR]).directions;
        set_signature(&mut directions, E_FLAT);
        assert_eq!(signature(&directions), Some(E_FLAT));
    }

    #[test]
    fn a_signature_that_somebody_wrote_stays_where_the_notes_do_not_contradict_it() {
        let (g_major, f_major, d_major) = (key("G"), key("F"), key("D"));
        assert_eq!(mended_signature(&source(0, &[g_major]), C_MAJOR), None, "an accidental off");
        assert_eq!(mended_signature(&source(3, &[C_MAJOR, g_major]), E_FLAT), None, "who changes key knows it");
        assert_eq!(mended_signature(&source(3, &[]), E_FLAT), None);
        assert_eq!(mended_signature(&source(0, &[C_MAJOR]), g_major), None, "the notes are all in C major");
        assert_eq!(mended_signature(&source(3, &[C_MAJOR, C_MAJOR]), E_FLAT), Some(E_FLAT), "the same on each page");
        assert_eq!(mended_signature(&source(2, &[f_major]), d_major), Some(d_major), "F# and C# under one flat");
        assert_eq!(mended_signature(&source(7, &[key("Db")]), g_major), Some(g_major));
        assert_eq!(mended_signature(&source(1, &[key("C#")]), key("Db")), None, "it sounds alike");
    }

    #[test]
    fn raised_degrees_of_minor_do_not_contradict_its_signature() {
        let mut minor = source(0, &[key("d")]);
        let pitches = [62, 64, 65, 67, 69, 71, 73, 74, 69, 73, 74];
        let notes = minor.tracks[0].channels.get_mut(&0).unwrap();
        notes.iter_mut().zip(pitches).for_each(|(note, pitch)| note.pitch = Pitch::new(pitch).unwrap());
        for told in ["d", "F"] {
            minor.directions = source(0, &[key(told)]).directions;
            assert_eq!(mended_signature(&minor, key("A")), None, "{told}");
        }
    }

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }
}
