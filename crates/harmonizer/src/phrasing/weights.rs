//! What was learned of phrasing: models/phrasing.toml.

use std::sync::LazyLock;

use serde::Deserialize;

/// Learned from the training chorales by tests/src/bin/fit_phrasing.rs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrasing {
    /// In nats, by the places in `features.rs`.
    pub phrases: Vec<f32>,
    /// How likely a sounding beat of a melody has each degree, in nats: by semitones above the tonic, in major, in minor.
    pub durations: [[f32; 12]; 2],
    /// The same for its first and for its last note.
    pub first: [[f32; 12]; 2],
    pub last: [[f32; 12]; 2],
    /// How often phrases end in which way.
    pub cadences: Vec<CadenceCount>,
}

/// How often phrases that end on a degree, from another, end in a cadence.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct CadenceCount {
    pub minor: bool,
    /// Whether it is the last phrase.
    pub last: bool,
    /// Of the soprano's last note, and of the one before that differs, in semitones above the tonic.
    pub degree: u8,
    pub before: u8,
    /// Of the last chord's root.
    pub root: u8,
    pub minor_triad: bool,
    pub approach: u8,
    pub count: u32,
}

impl Phrasing {
    /// What is shipped.
    pub fn learned() -> &'static Phrasing {
        static PHRASING: LazyLock<Phrasing> = LazyLock::new(|| {
            toml::from_str(include_str!("../../../../models/phrasing.toml")).expect("models/phrasing.toml is ours")
        });
        &PHRASING
    }
}
