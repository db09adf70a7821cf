//! Signatures that nobody wrote: many programs put C major into files whose key they were never told.

use chorale::Key;

use crate::score::{Direction, Tick, signature};
use crate::source::Source;

/// So much more of the notes must belong to the found key than to C major.
const CLEAR: f64 = 0.08;

/// The key that takes the place of a signature of C major at which the notes are at odds.
pub fn mended_signature(source: &Source, found: Key) -> Option<Key> {
    let default = Key { sharps: 0, minor: false };
    let changes =
        |direction: &Direction| matches!(direction, Direction::Key { sharps, minor } if *minor || *sharps != 0);
    let is_default = signature(&source.directions) == Some(default)
        && !source.directions.iter().any(|(_, direction)| changes(direction));
    if !is_default || found.sharps == 0 {
        return None;
    }
    let weights = weights(source);
    (share(&weights, found) >= share(&weights, default) + CLEAR).then_some(found)
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

/// The part of what sounds that belongs to the key.
fn share(weights: &[f64; 12], key: Key) -> f64 {
    let all: f64 = weights.iter().sum();
    let inside: f64 = (0..12_u8).filter(|class| key.has(*class)).map(|class| weights[usize::from(class)]).sum();
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
    fn a_signature_that_somebody_wrote_stays() {
        let g_major = Key { sharps: 1, minor: false };
        assert_eq!(mended_signature(&source(3, &[g_major]), E_FLAT), None);
        assert_eq!(mended_signature(&source(3, &[C_MAJOR, g_major]), E_FLAT), None, "who changes key knows it");
        assert_eq!(mended_signature(&source(3, &[]), E_FLAT), None);
        assert_eq!(mended_signature(&source(0, &[C_MAJOR]), g_major), None, "the notes are all in C major");
        assert_eq!(mended_signature(&source(3, &[C_MAJOR, C_MAJOR]), E_FLAT), Some(E_FLAT), "the same on each page");
    }
}
