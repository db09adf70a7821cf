//! Keys as people name them, church modes among them.

use std::fmt;
use std::str::FromStr;

use chorale::{Key, Pitch};
use thiserror::Error;

use crate::written::{key_of_mode, mode_name};

/// A key by its name: `Eb`, `f#`, `A minor`, `G mixolydian`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamedKey {
    /// What is printed; of a church mode the major key with its accidentals.
    pub signature: Key,
    /// In which a piece begins and ends: the key, or that with the tonic and the third of the church mode.
    pub home: Key,
}

/// A text that names no key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "'{0}' is no key; expected one such as C, F#, Eb (major) or a, f#, eb, Am (minor), or a church mode such as D dorian"
)]
pub struct NoNamedKey(String);

impl From<Key> for NamedKey {
    fn from(key: Key) -> NamedKey {
        NamedKey { signature: key, home: key }
    }
}

impl NamedKey {
    /// The mode of a signature whose final is a pitch class; none on its seventh degree, which no mode has.
    pub fn of_final(sharps: i8, class: u8) -> Option<NamedKey> {
        let signature = Key { sharps, minor: false };
        match signature.degree(class) {
            0 => Some(signature.into()),
            9 => Some(Key { sharps, minor: true }.into()),
            2 => NamedKey::church(sharps, "dorian"),
            4 => NamedKey::church(sharps, "phrygian"),
            5 => NamedKey::church(sharps, "lydian"),
            7 => NamedKey::church(sharps, "mixolydian"),
            _ => None,
        }
    }

    fn church(sharps: i8, mode: &str) -> Option<NamedKey> {
        let home = key_of_mode(sharps, mode)?;
        Some(NamedKey { signature: Key { sharps, minor: false }, home })
    }

    /// The key so many semitones higher.
    pub fn transposed(self, semitones: i32) -> NamedKey {
        let signature = self.signature.transposed(semitones);
        NamedKey { signature, home: self.home.transposed(semitones).written_near(signature) }
    }

    /// Whether it is neither major nor minor.
    pub fn is_church_mode(self) -> bool {
        self.signature.sharps != self.home.sharps
    }
}

impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match mode_name(self.signature.sharps, self.home) {
            Some(mode) => {
                let home = self.home.to_string();
                write!(f, "{} {mode}", home.split(' ').next().unwrap_or_default())
            }
            None => write!(f, "{}", self.home),
        }
    }
}

impl FromStr for NamedKey {
    type Err = NoNamedKey;

    /// As [`Key`], and with the name of a church mode behind the tonic.
    fn from_str(text: &str) -> Result<NamedKey, NoNamedKey> {
        if let Ok(key) = text.parse::<Key>() {
            return Ok(key.into());
        }
        let no_key = || NoNamedKey(text.chars().take(40).collect());
        let name = text.trim().to_lowercase();
        let at = name.char_indices().skip(1).find(|(_, letter)| !matches!(letter, '#' | 'b' | '♯' | '♭'));
        let (tonic, mode) = name.split_at(at.ok_or_else(no_key)?.0);
        let mode = mode.trim();
        let is_mode = ["dorian", "phrygian", "lydian", "mixolydian", "ionian", "aeolian"]
            .iter()
            .any(|known| known.starts_with(mode) && mode.len() >= 3);
        // As a major key has its tonic.
        let (letter, accidental) = tonic.split_at(tonic.chars().next().map_or(0, char::len_utf8));
        let tonic: Key = format!("{}{accidental}", letter.to_uppercase()).parse().map_err(|_| no_key())?;
        let flats = match &mode[..mode.len().min(3)] {
            "mix" => 1,
            "dor" => 2,
            "aeo" => 3,
            "phr" => 4,
            "lyd" => -1,
            _ => 0,
        };
        let sharps = tonic.sharps - flats;
        let is_written = (-7..=7).contains(&sharps) && is_mode;
        let class = Pitch::new(60 + tonic.tonic()).map(Pitch::class);
        class.filter(|_| is_written).and_then(|class| NamedKey::of_final(sharps, class)).ok_or_else(no_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_church_modes_are_read_by_their_names_and_say_them() {
        let check = |text: &str, signature: i8, home: &str, name: &str| {
            let key: NamedKey = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((key.signature.sharps, key.home.to_string().as_str()), (signature, home), "{text}");
            assert_eq!(key.to_string(), name);
            assert_eq!(name.parse::<NamedKey>(), Ok(key), "{name}");
        };
        check("Eb", -3, "Eb major", "Eb major");
        check("f#", 3, "F# minor", "F# minor");
        check("G mixolydian", 0, "G major", "G mixolydian");
        check("Gmix", 0, "G major", "G mixolydian");
        check("d dorian", 0, "D minor", "D dorian");
        check("Bb Lydian", -1, "Bb major", "Bb lydian");
        check("bb dorian", -4, "Bb minor", "Bb dorian");
        check("b phrygian", 1, "B minor", "B phrygian");
        check("F# phr", 2, "F# minor", "F# phrygian");
        check("E♭ mixolydian", -4, "Eb major", "Eb mixolydian");
        check("A aeolian", 0, "A minor", "A minor");
        check("C ionian", 0, "C major", "C major");
        for text in ["", "H", "C locrian", "dorian", "C do", "D# lydian", "é dorian", "b"] {
            assert_eq!(text.parse::<NamedKey>().is_ok(), text == "b", "{text}");
        }
        assert_eq!(NamedKey::of_final(0, 11), None);
        assert!(
            NamedKey::of_final(0, 2).unwrap().is_church_mode() && !NamedKey::of_final(0, 9).unwrap().is_church_mode()
        );
    }
}
