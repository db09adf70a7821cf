//! Signatures that are wrong: many programs put C major into files whose key they were never told, and others keep that of the
//! piece before.

use chorale::Key;

use crate::score::{Direction, Tick, signature};
use crate::source::{Kind, Source};

/// So much more of the notes must belong to the found key than to that of the signature.
const CLEAR: f64 = 0.08;

/// A signature that somebody wrote is an accidental off in church modes, and in tunes that dwell on their dominant: it takes
/// more to doubt it.
const OFF: i8 = 2;

/// So much longer must those notes sound that the found key spares of accidentals than those that it burdens with them.
const SPARED: f64 = 3.0;

/// And for so much of all that sounds, where somebody wrote the signature.
const SOUNDING: f64 = 0.03;

/// The key of a melody, by its notes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// By how long the notes sound, and the last one.
    pub key: Key,
    /// Whether it is the same by how melodies begin, lie and end.
    pub is_sure: bool,
}

/// The key that takes the place of a signature at which the notes are at odds.
pub fn mended_signature(source: &Source, found: FoundKey) -> Option<Key> {
    let told = signature(&source.directions)?;
    let changes = |direction: &Direction| matches!(direction, Direction::Key { sharps, minor } if *minor != told.minor || *sharps != told.sharps);
    if source.directions.iter().any(|(_, direction)| changes(direction)) {
        return None;
    }
    let (weights, key) = (weights(source), found.key);
    let apart = apart(told, key);
    let is_default = told == Key { sharps: 0, minor: false };
    let is_clear = if is_default {
        share(&weights, &[key]) >= share(&weights, &[told]) + CLEAR
    } else {
        let of_signature = [false, true].map(|minor| Key { sharps: told.sharps, minor });
        apart >= OFF && share(&weights, &[key]) >= share(&weights, &of_signature) + CLEAR
    };
    let accidentals = Accidentals::of(&weights, told, key);
    let is_plain = match apart {
        // Where no note tells one from the other, a sequencer's default tells nothing either.
        _ if is_default => {
            let is_silent = source.kind == Kind::Midi && !key.minor && accidentals.are_none();
            is_silent || accidentals.speak_for_the_key(f64::MIN_POSITIVE)
        }
        OFF.. => accidentals.speak_for_the_key(SOUNDING),
        _ => !is_of_old_prints(told, key) && accidentals.speak_for_the_key(SOUNDING),
    };
    (apart > 0 && (is_clear || found.is_sure && is_plain)).then_some(key)
}

/// Whether the notes are plainly in another key than the one that is asked for, and not in a mode of it.
pub fn is_contradicted(source: &Source, asked: Key, found: FoundKey) -> bool {
    let accidentals = Accidentals::of(&weights(source), asked, found.key);
    found.is_sure && apart(asked, found.key) > 0 && accidentals.speak_for_the_key(SOUNDING)
}

/// How many accidentals lie between two signatures; twelve apart they sound alike.
fn apart(a: Key, b: Key) -> i8 {
    let apart = (a.sharps - b.sharps).rem_euclid(12);
    apart.min(12 - apart)
}

/// Whether a signature lacks the last accidental of a key, as old prints have it: G minor under one flat, A major under two
/// sharps.
fn is_of_old_prints(told: Key, key: Key) -> bool {
    let sharps = key.written_near(told).sharps;
    sharps - told.sharps == sharps.signum()
}

/// The parts of what sounds that are accidentals under a signature or in a key, and not in both.
struct Accidentals {
    spared: f64,
    burdened: f64,
}

impl Accidentals {
    fn of(weights: &[f64; 12], told: Key, key: Key) -> Accidentals {
        let scale = |sharps: i8| Key { sharps, minor: false };
        let (told, written) = (scale(told.sharps), scale(key.sharps));
        let all: f64 = weights.iter().sum();
        let part = |is_meant: &dyn Fn(u8) -> bool| {
            let meant = (0..12_u8).filter(|class| is_meant(*class));
            meant.map(|class| weights[usize::from(class)]).sum::<f64>() / all.max(f64::MIN_POSITIVE)
        };
        Accidentals {
            spared: part(&|class| written.has(class) && !told.has(class)),
            // Raised degrees of minor are nothing against it.
            burdened: part(&|class| told.has(class) && !written.has(class) && !key.has(class)),
        }
    }

    fn speak_for_the_key(&self, sounding: f64) -> bool {
        self.spared >= sounding && self.spared >= SPARED * self.burdened
    }

    fn are_none(&self) -> bool {
        self.spared == 0.0 && self.burdened == 0.0
    }
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
    use crate::source::Track;

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

    /// Of a key that nothing but the lengths of the notes tells, or the melody's beginning and end too.
    fn mended(source: &Source, key: Key, is_sure: bool) -> Option<Key> {
        mended_signature(source, FoundKey { key, is_sure })
    }

    #[test]
    fn c_major_on_a_tune_in_e_flat_is_no_signature() {
        assert_eq!(mended(&source(3, &[C_MAJOR]), E_FLAT, false), Some(E_FLAT));
        let mut directions = source(3, &[C_MAJOR]).directions;
        set_signature(&mut directions, E_FLAT);
        assert_eq!(signature(&directions), Some(E_FLAT));
    }

    #[test]
    fn a_signature_that_somebody_wrote_stays_where_the_notes_do_not_contradict_it() {
        let (g_major, f_major, d_major) = (key("G"), key("F"), key("D"));
        for is_sure in [false, true] {
            let mended = |source: &Source, key: Key| mended(source, key, is_sure);
            assert_eq!(mended(&source(0, &[g_major]), g_major), None);
            assert_eq!(mended(&source(3, &[C_MAJOR, g_major]), E_FLAT), None, "who changes key knows it");
            assert_eq!(mended(&source(3, &[]), E_FLAT), None);
            assert_eq!(mended(&source(0, &[C_MAJOR]), g_major), None, "the notes are all in C major");
            assert_eq!(mended(&source(3, &[C_MAJOR, C_MAJOR]), E_FLAT), Some(E_FLAT), "the same on each page");
            assert_eq!(mended(&source(2, &[f_major]), d_major), Some(d_major), "F# and C# under one flat");
            assert_eq!(mended(&source(7, &[key("Db")]), g_major), Some(g_major));
            assert_eq!(mended(&source(1, &[key("C#")]), key("Db")), None, "it sounds alike");
        }
    }

    #[test]
    fn an_accidental_off_a_default_is_mended_by_one_note_and_what_somebody_wrote_by_several_and_not_what_old_prints_lack()
     {
        let g_major = |told: &str| mended(&source(7, &[key(told)]), key("G"), true);
        assert_eq!(g_major("C"), Some(key("G")), "F# and no F");
        assert_eq!(g_major("D"), Some(key("G")), "C and no C#");
        let d_minor = |told: &str, is_sure: bool| {
            let mut tune = source(0, &[key(told)]);
            let pitches = [62, 64, 65, 67, 69, 70, 73, 74, 69, 73, 74];
            let notes = tune.tracks[0].channels.get_mut(&0).unwrap();
            notes.iter_mut().zip(pitches).for_each(|(note, pitch)| note.pitch = Pitch::new(pitch).unwrap());
            mended(&tune, key("d"), is_sure)
        };
        assert_eq!(d_minor("C", true), Some(key("d")), "a sequencer's default");
        assert_eq!(d_minor("a", true), None, "the flat of the sixth is written at each");
        assert_eq!(d_minor("Bb", true), Some(key("d")), "E and no Eb");
        assert!(["a", "Bb"].iter().all(|told| d_minor(told, false).is_none()), "by the lengths alone");
    }

    #[test]
    fn of_two_scales_between_which_no_note_decides_a_midi_files_default_is_not_kept() {
        let mut tune = source(7, &[C_MAJOR]);
        tune.tracks[0].channels.get_mut(&0).unwrap().retain(|note| note.pitch.class() != 6);
        assert_eq!(mended(&tune, key("G"), true), Some(key("G")));
        tune.kind = Kind::Abc;
        assert_eq!(mended(&tune, key("G"), true), None, "who writes it may mean a mode");
    }

    #[test]
    fn raised_degrees_of_minor_do_not_contradict_its_signature() {
        let mut minor = source(0, &[key("d")]);
        let pitches = [62, 64, 65, 67, 69, 71, 73, 74, 69, 73, 74];
        let notes = minor.tracks[0].channels.get_mut(&0).unwrap();
        notes.iter_mut().zip(pitches).for_each(|(note, pitch)| note.pitch = Pitch::new(pitch).unwrap());
        for told in ["d", "F"] {
            minor.directions = source(0, &[key(told)]).directions;
            assert_eq!(mended(&minor, key("A"), true), None, "{told}");
        }
    }

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }
}
