//! The key of a melody before anything is harmonized.

use chorale::Key;

use super::{Contour, Phrasing};

/// What a file says of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    #[default]
    None,
    /// C major, as programs write it that nobody has told the key.
    Default,
    /// So many sharps, without a word on the mode.
    Sharps(i8),
    /// A key with its mode.
    Key(Key),
}

/// How much a beat counts: the beats of a melody are not drawn one by one.
const BEAT_WEIGHT: f32 = 0.3;
/// Nats that a key loses for another signature than the file's: one that is an accidental off, as modes are written; any
/// other. And for another mode than the file names.
const NEAR_SIGNATURE: f32 = 5.0;
const OTHER_SIGNATURE: f32 = 12.0;
const OTHER_MODE: f32 = 3.0;
/// What the usual default is still worth.
const DEFAULT_SIGNATURE: f32 = 1.5;

/// The key that explains best how long each degree sounds, where the melody begins and where it ends.
pub fn melody_key(contour: &Contour, signature: Signature, phrasing: &Phrasing) -> Key {
    let keys = (0..Key::COUNT).filter_map(Key::from_index).map(|key| with_signature(key, signature));
    let score = |key: &Key| fit(contour, *key, phrasing) + signature_score(*key, signature);
    let best = keys.max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or(Key { sharps: 0, minor: false });
    let is_told = !matches!(signature, Signature::None | Signature::Default);
    // Where neither notes nor signature tell the mode, it is major.
    let is_open = |index: usize| MODELESS.contains(&contour.degree(index, best));
    match best.minor && !is_told && (0..contour.notes.len()).all(is_open) {
        true => Key::of_tonic(best.tonic(), false),
        false => best,
    }
}

/// Degrees that major and minor share.
const MODELESS: [usize; 5] = [0, 2, 5, 7, 11];

/// As the signature spells it, where it sounds the same.
fn with_signature(key: Key, signature: Signature) -> Key {
    let sharps = match signature {
        Signature::Sharps(sharps) => sharps,
        Signature::Key(named) => named.sharps,
        Signature::None | Signature::Default => return key,
    };
    let named = Key { sharps, minor: key.minor };
    if named.tonic() == key.tonic() { named } else { key }
}

fn signature_score(key: Key, signature: Signature) -> f32 {
    // Enharmonic signatures lie twelve apart.
    let apart = |sharps: i8| (key.sharps - sharps).rem_euclid(12).min((sharps - key.sharps).rem_euclid(12));
    let off = |sharps: i8| match apart(sharps) {
        0 => 0.0,
        1 => NEAR_SIGNATURE,
        _ => OTHER_SIGNATURE,
    };
    match signature {
        Signature::None => 0.0,
        Signature::Default if key.sharps == 0 => DEFAULT_SIGNATURE,
        Signature::Default => 0.0,
        Signature::Sharps(sharps) => -off(sharps),
        Signature::Key(named) => -off(named.sharps) - if named.minor == key.minor { 0.0 } else { OTHER_MODE },
    }
}

fn fit(contour: &Contour, key: Key, phrasing: &Phrasing) -> f32 {
    let mode = usize::from(key.minor);
    let degree = |index: usize| contour.degree(index, key);
    let beats = |index: usize| contour.notes[index].length as f32 / 4.0;
    let Some(last) = contour.notes.len().checked_sub(1) else { return 0.0 };
    let sounding: f32 = (0..=last).map(|index| beats(index) * phrasing.durations[mode][degree(index)]).sum();
    BEAT_WEIGHT * sounding + phrasing.first[mode][degree(0)] + phrasing.last[mode][degree(last)]
}
