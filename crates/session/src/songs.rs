//! The songs of a set list: what changes with each.

use chorale::{Density, Key, Part, Pitch};
use serde::{Deserialize, Serialize};

use crate::clock::Metre;
use crate::config::{KeyName, Program, Semitones, Temperature, Tempo};
use crate::control::REGISTRATIONS;
use crate::logged::key_name;

/// Songs that a set list may have.
pub const SONGS: usize = 32;

/// What is set when a song is chosen; what is left out stays as the performance was begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Song {
    /// Beats a minute, where the tempo is our own.
    pub tempo: Option<f64>,
    #[serde(default, with = "key_name")]
    pub key: Option<Key>,
    #[serde(default)]
    pub metre: Option<Metre>,
    /// A value as of [`Control::Density`](crate::control::Control::Density).
    pub density: Option<u8>,
    pub temperature: Option<f32>,
    /// Whether the second network answers.
    pub second_model: bool,
    /// Semitones by which the keyboard sounds higher.
    pub transpose: Option<i8>,
    /// A place in [`REGISTRATIONS`].
    pub registration: Option<u8>,
    /// MIDI program of all parts, 0..=127.
    pub program: Option<u8>,
    /// Lowest and highest pitch of each part, soprano to bass.
    pub ranges: Option<[[u8; 2]; 4]>,
}

impl Song {
    /// Whether all values are some that a settings file lets through.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_sound = self.tempo.is_none_or(|tempo| (10.0..=400.0).contains(&tempo))
            && self.density.is_none_or(|density| density < 128)
            && self.temperature.is_none_or(|temperature| (0.0..=10.0).contains(&temperature))
            && self.transpose.is_none_or(|semitones| (-12..=12).contains(&semitones))
            && self.registration.is_none_or(|place| usize::from(place) < REGISTRATIONS.len())
            && self.program.is_none_or(|program| program < 128)
            && self.ranges.is_none_or(|ranges| ranges.into_iter().all(is_range));
        if is_sound { Ok(()) } else { Err(format!("a song is out of bounds: {self:?}")) }
    }
}

/// Whether a part can sing in it: an octave or more, of the pitches that the networks know.
fn is_range([low, high]: [u8; 2]) -> bool {
    low >= 36 && high <= 81 && high >= low + 12
}

/// A song as a settings file has it, under `[[songs]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SongConfig {
    pub name: String,
    pub tempo: Option<Tempo>,
    pub key: Option<KeyName>,
    pub metre: Option<Metre>,
    pub density: Option<DensityName>,
    pub temperature: Option<Temperature>,
    #[serde(default)]
    pub model: WhichModel,
    pub transpose: Option<Semitones>,
    pub stops: Option<Stops>,
    pub program: Option<Program>,
    pub ranges: Option<Ranges>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhichModel {
    #[default]
    First,
    Second,
}

/// By its name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct DensityName(Density);

impl TryFrom<String> for DensityName {
    type Error = String;

    fn try_from(name: String) -> Result<DensityName, String> {
        let density = Density::ALL.into_iter().find(|density| density.name() == name);
        let names = Density::ALL.map(Density::name).join(", ");
        density.map(DensityName).ok_or_else(|| format!("'{name}' is no density; expected one of {names}"))
    }
}

/// A place in [`REGISTRATIONS`], by its name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Stops(u8);

impl TryFrom<String> for Stops {
    type Error = String;

    fn try_from(name: String) -> Result<Stops, String> {
        let place = (0..).zip(REGISTRATIONS).find(|(_, (stops, _))| *stops == name);
        let names = REGISTRATIONS.map(|(stops, _)| format!("\"{stops}\"")).join(", ");
        place.map(|(place, _)| Stops(place)).ok_or_else(|| format!("'{name}' are no stops; expected one of {names}"))
    }
}

/// Written as `B:E2-C4`, `A:F3-D5,B:F2-C4`; parts that are not named keep theirs.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Ranges([[u8; 2]; 4]);

impl TryFrom<String> for Ranges {
    type Error = String;

    fn try_from(text: String) -> Result<Ranges, String> {
        let mut ranges = Part::ALL.map(|part| [part.range().0.midi(), part.range().1.midi()]);
        for one in text.split(',') {
            let (part, range) = parsed_range(one).ok_or_else(|| {
                format!(
                    "'{one}' is no range; expected parts with their lowest and highest notes, an octave or more from C2 to \
                     A5, as in A:F3-D5,B:F2-C4"
                )
            })?;
            ranges[part.index()] = range;
        }
        Ok(Ranges(ranges))
    }
}

fn parsed_range(text: &str) -> Option<(Part, [u8; 2])> {
    let (part, notes) = text.trim().split_once(':')?;
    let part = Part::ALL.into_iter().find(|one| part.eq_ignore_ascii_case(&one.letter().to_string()))?;
    let (low, high) = notes.split_once('-')?;
    let note = |text: &str| text.trim().parse::<Pitch>().ok().map(Pitch::midi);
    let range = [note(low)?, note(high)?];
    is_range(range).then_some((part, range))
}

impl From<&SongConfig> for Song {
    fn from(config: &SongConfig) -> Song {
        Song {
            tempo: config.tempo.map(|Tempo(tempo)| tempo),
            key: config.key.map(|KeyName(key)| key),
            metre: config.metre,
            density: config.density.map(|DensityName(density)| density.value()),
            temperature: config.temperature.map(|Temperature(temperature)| temperature),
            second_model: config.model == WhichModel::Second,
            transpose: config.transpose.map(|Semitones(semitones)| semitones),
            registration: config.stops.map(|Stops(place)| place),
            program: config.program.map(|Program(program)| program - 1),
            ranges: config.ranges.map(|Ranges(ranges)| ranges),
        }
    }
}
