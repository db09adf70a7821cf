//! What can be set: names, ranges, texts, and what each setting is to a session.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use chorale::{Density, Key, Part, Pitch};
use session::Release;
use session::control::Overrides;

/// How a value is written, and which values there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Switch,
    /// Whole numbers from 0, each with its name.
    Choice(&'static [&'static str]),
    Whole,
    /// MIDI notes, by their names.
    Note,
    Number,
}

/// A parameter. Its identifier never changes: projects and automation know it by that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    pub id: u32,
    /// In the state.
    pub key: &'static str,
    /// On the screen.
    pub name: &'static str,
    /// The group under which hosts show it.
    pub module: &'static str,
    pub kind: Kind,
    pub least: f64,
    pub most: f64,
    pub default: f64,
}

const fn switch(id: u32, key: &'static str, name: &'static str, module: &'static str, default: f64) -> Parameter {
    Parameter { id, key, name, module, kind: Kind::Switch, least: 0.0, most: 1.0, default }
}

const fn choice(id: u32, key: &'static str, name: &'static str, names: &'static [&'static str]) -> Parameter {
    let most = (names.len() - 1) as f64;
    Parameter { id, key, name, module: "", kind: Kind::Choice(names), least: 0.0, most, default: 0.0 }
}

/// Octave, velocity, mute and freeze of a part, and its range.
const fn register(id: u32, key: &'static str, name: &'static str, part: &'static str) -> Parameter {
    Parameter { id, key, name, module: part, kind: Kind::Whole, least: -4.0, most: 4.0, default: 0.0 }
}

const fn velocity(id: u32, key: &'static str, name: &'static str, part: &'static str) -> Parameter {
    Parameter { id, key, name, module: part, kind: Kind::Number, least: 0.1, most: 4.0, default: 1.0 }
}

const fn note(
    id: u32,
    key: &'static str,
    name: &'static str,
    module: &'static str,
    [least, most]: [u8; 2],
    default: u8,
) -> Parameter {
    let (least, most, default) = (least as f64, most as f64, default as f64);
    Parameter { id, key, name, module, kind: Kind::Note, least, most, default }
}

const LAYOUTS: &[&str] = &["All parts", "Soprano", "Alto", "Tenor", "Bass"];
const KEYS: &[&str] = &["As heard", "C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const DENSITIES: &[&str] = &["Still", "Beats", "Eighths", "Sixteenths"];
const RELEASES: &[&str] = &["With me", "A beat later", "With the next key"];
const SOPRANO: &str = "Soprano";
const ALTO: &str = "Alto";
const TENOR: &str = "Tenor";
const BASS: &str = "Bass";

/// All of them, in the order in which hosts show them.
pub const ALL: [Parameter; COUNT] = [
    choice(1, "layout", "Layout", LAYOUTS),
    choice(2, "key", "Key", KEYS),
    choice(3, "mode", "Mode", &["Major", "Minor"]),
    choice(4, "model", "Model", &["WaveNet", "LSTM"]),
    Parameter {
        id: 5,
        key: "temperature",
        name: "Temperature",
        module: "",
        kind: Kind::Number,
        least: 0.0,
        most: 2.0,
        default: 0.8,
    },
    Parameter { default: 3.0, ..choice(6, "density", "Density", DENSITIES) },
    switch(7, "guard", "Guard", "", 1.0),
    Parameter {
        id: 8,
        key: "seed",
        name: "Seed",
        module: "",
        kind: Kind::Whole,
        least: 0.0,
        most: 9999.0,
        default: 1.0,
    },
    switch(9, "hold", "Hold", "", 0.0),
    switch(10, "cadence", "Cadence", "", 0.0),
    choice(11, "release", "Release", RELEASES),
    switch(12, "sound", "Organ", "", 0.0),
    switch(13, "bypass", "Bypass", "", 0.0),
    switch(20, "mute-soprano", "Mute soprano", SOPRANO, 0.0),
    switch(21, "mute-alto", "Mute alto", ALTO, 0.0),
    switch(22, "mute-tenor", "Mute tenor", TENOR, 0.0),
    switch(23, "mute-bass", "Mute bass", BASS, 0.0),
    register(30, "octave-soprano", "Octave soprano", SOPRANO),
    register(31, "octave-alto", "Octave alto", ALTO),
    register(32, "octave-tenor", "Octave tenor", TENOR),
    register(33, "octave-bass", "Octave bass", BASS),
    velocity(40, "velocity-soprano", "Velocity soprano", SOPRANO),
    velocity(41, "velocity-alto", "Velocity alto", ALTO),
    velocity(42, "velocity-tenor", "Velocity tenor", TENOR),
    velocity(43, "velocity-bass", "Velocity bass", BASS),
    switch(51, "freeze-alto", "Freeze alto", ALTO, 0.0),
    switch(52, "freeze-tenor", "Freeze tenor", TENOR, 0.0),
    switch(53, "freeze-bass", "Freeze bass", BASS, 0.0),
    note(61, "lowest-alto", "Lowest alto", ALTO, LOWEST_ALTO, 52),
    note(62, "lowest-tenor", "Lowest tenor", TENOR, LOWEST_TENOR, 46),
    note(63, "lowest-bass", "Lowest bass", BASS, LOWEST_BASS, 36),
    note(71, "highest-alto", "Highest alto", ALTO, [69, 81], 74),
    note(72, "highest-tenor", "Highest tenor", TENOR, [64, 81], 69),
    note(73, "highest-bass", "Highest bass", BASS, [57, 81], 66),
];
pub const COUNT: usize = 34;
/// So that an octave stays below the lowest upper end.
const LOWEST_ALTO: [u8; 2] = [36, 57];
const LOWEST_TENOR: [u8; 2] = [36, 52];
const LOWEST_BASS: [u8; 2] = [36, 45];

/// Places in [`ALL`].
pub mod place {
    pub const LAYOUT: usize = 0;
    pub const KEY: usize = 1;
    pub const MODE: usize = 2;
    pub const MODEL: usize = 3;
    pub const TEMPERATURE: usize = 4;
    pub const DENSITY: usize = 5;
    pub const GUARD: usize = 6;
    pub const SEED: usize = 7;
    pub const HOLD: usize = 8;
    pub const CADENCE: usize = 9;
    pub const RELEASE: usize = 10;
    pub const SOUND: usize = 11;
    pub const BYPASS: usize = 12;
    /// Of the soprano; the other parts follow.
    pub const MUTE: usize = 13;
    pub const OCTAVE: usize = 17;
    pub const VELOCITY: usize = 21;
    /// Of the alto.
    pub const FREEZE: usize = 25;
    pub const LOWEST: usize = 28;
    pub const HIGHEST: usize = 31;
}

/// The place in [`ALL`] of an identifier.
pub fn place_of(id: u32) -> Option<usize> {
    ALL.iter().position(|parameter| parameter.id == id)
}

impl Parameter {
    pub fn is_stepped(&self) -> bool {
        self.kind != Kind::Number
    }

    /// The nearest value that there is; `None` for what is no number.
    pub fn nearest(&self, value: f64) -> Option<f64> {
        let value = value.clamp(self.least, self.most);
        let value = if self.is_stepped() { value.round() } else { value };
        (!value.is_nan()).then_some(value)
    }

    /// A value as hosts show it.
    pub fn write(&self, value: f64, text: &mut impl fmt::Write) -> fmt::Result {
        let value = self.nearest(value).unwrap_or(self.default);
        match self.kind {
            Kind::Switch => text.write_str(if value < 0.5 { "Off" } else { "On" }),
            Kind::Choice(names) => text.write_str(names.get(value as usize).unwrap_or(&"")),
            Kind::Whole => write!(text, "{value:.0}"),
            Kind::Note => match Pitch::new(value as u8) {
                Some(pitch) => write!(text, "{pitch}"),
                None => Ok(()),
            },
            Kind::Number => write!(text, "{value:.2}"),
        }
    }

    /// The value of a text that somebody types.
    pub fn read(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        let named = |names: &[&str]| names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|at| at as f64);
        let by_name = match self.kind {
            Kind::Switch => named(&["Off", "On"]),
            Kind::Choice(names) => named(names),
            Kind::Note => text.parse::<Pitch>().ok().map(|pitch| f64::from(pitch.midi())),
            Kind::Whole | Kind::Number => None,
        };
        by_name.or_else(|| text.parse().ok()).and_then(|value| self.nearest(value))
    }
}

/// The values that host, screen and callback share. Any thread may read and write.
pub struct Shared {
    values: [AtomicU64; COUNT],
    /// Changes with each value that was not set by the callback.
    version: AtomicU32,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared { values: Values::default().0.map(|value| AtomicU64::new(value.to_bits())), version: AtomicU32::new(0) }
    }
}

impl Shared {
    pub fn value(&self, place: usize) -> f64 {
        f64::from_bits(self.values[place].load(Ordering::Relaxed))
    }

    pub fn values(&self) -> Values {
        Values(std::array::from_fn(|place| self.value(place)))
    }

    /// As the callback does: it knows.
    pub fn tell(&self, place: usize, value: f64) {
        self.values[place].store(value.to_bits(), Ordering::Relaxed);
    }

    /// As anybody else does: the callback takes it over with its next block.
    pub fn set(&self, place: usize, value: f64) {
        self.tell(place, value);
        self.version.fetch_add(1, Ordering::Release);
    }

    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }
}

/// A value for each parameter, within its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values(pub [f64; COUNT]);

impl Default for Values {
    fn default() -> Values {
        Values(ALL.map(|parameter| parameter.default))
    }
}

/// Which parts leave the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    All,
    One(Part),
}

impl Values {
    pub fn is_on(&self, place: usize) -> bool {
        self.0[place] >= 0.5
    }

    pub fn layout(&self) -> Layout {
        match Part::ALL.get((self.0[place::LAYOUT] as usize).wrapping_sub(1)) {
            Some(&part) => Layout::One(part),
            None => Layout::All,
        }
    }

    pub fn density(&self) -> Density {
        Density::ALL.get(self.0[place::DENSITY] as usize).copied().unwrap_or_default()
    }

    pub fn release(&self) -> Release {
        [Release::WithMe, Release::Beat, Release::Hold]
            .get(self.0[place::RELEASE] as usize)
            .copied()
            .unwrap_or_default()
    }

    /// What the network goes by.
    pub fn overrides(&self) -> Overrides {
        let tonic = (self.0[place::KEY] as u8).checked_sub(1);
        Overrides {
            temperature: Some(self.0[place::TEMPERATURE] as f32),
            guard: Some(self.is_on(place::GUARD)),
            cadence: self.is_on(place::CADENCE),
            second_model: self.is_on(place::MODEL),
            key: tonic.map(|tonic| Key::of_tonic(tonic, self.is_on(place::MODE))),
            seed: Some(self.0[place::SEED] as u64),
            ranges: Some(self.ranges()),
        }
    }

    fn ranges(&self) -> [(Pitch, Pitch); 4] {
        Part::ALL.map(|part| {
            let Some(lower) = part.index().checked_sub(1) else { return part.range() };
            let bound = |from: usize| Pitch::new(self.0[from + lower] as u8);
            bound(place::LOWEST).zip(bound(place::HIGHEST)).unwrap_or(part.range())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn identifiers_and_keys_are_each_their_own_and_places_are_where_they_are_said_to_be() {
        assert_eq!(ALL.iter().map(|parameter| parameter.id).collect::<BTreeSet<_>>().len(), COUNT);
        assert_eq!(ALL.iter().map(|parameter| parameter.key).collect::<BTreeSet<_>>().len(), COUNT);
        let places = [
            (place::LAYOUT, "layout"),
            (place::KEY, "key"),
            (place::MODE, "mode"),
            (place::MODEL, "model"),
            (place::TEMPERATURE, "temperature"),
            (place::DENSITY, "density"),
            (place::GUARD, "guard"),
            (place::SEED, "seed"),
            (place::HOLD, "hold"),
            (place::CADENCE, "cadence"),
            (place::RELEASE, "release"),
            (place::SOUND, "sound"),
            (place::BYPASS, "bypass"),
            (place::MUTE, "mute-soprano"),
            (place::OCTAVE, "octave-soprano"),
            (place::VELOCITY, "velocity-soprano"),
            (place::FREEZE, "freeze-alto"),
            (place::LOWEST, "lowest-alto"),
            (place::HIGHEST, "highest-alto"),
        ];
        places.iter().for_each(|&(place, key)| assert_eq!(ALL[place].key, key));
        assert_eq!((ALL[place::MUTE + 3].key, ALL[place::FREEZE + 2].key), ("mute-bass", "freeze-bass"));
    }

    #[test]
    fn every_value_comes_back_from_its_text() {
        for parameter in ALL {
            let steps = if parameter.is_stepped() { parameter.most - parameter.least } else { 100.0 };
            for step in 0..=steps as u32 {
                let value = parameter.least + f64::from(step) * (parameter.most - parameter.least) / steps;
                let mut text = String::new();
                parameter.write(value, &mut text).unwrap();
                let back = parameter.read(&text).unwrap_or_else(|| panic!("{}: '{text}'", parameter.key));
                assert!((back - value).abs() < 0.006, "{}: {value} is '{text}', which is {back}", parameter.key);
            }
            assert!(!parameter.name.is_empty() && parameter.nearest(parameter.default) == Some(parameter.default));
        }
        assert_eq!(ALL[place::KEY].read("eb"), Some(4.0));
        assert_eq!(ALL[place::KEY].read("H"), None);
    }

    #[test]
    fn whatever_a_host_sends_becomes_a_value_that_there_is_or_nothing() {
        for parameter in ALL {
            assert_eq!(parameter.nearest(f64::NAN), None);
            assert_eq!(parameter.nearest(f64::INFINITY), Some(parameter.most));
            assert_eq!(parameter.nearest(-1e300), Some(parameter.least));
        }
    }

    #[test]
    fn values_as_they_begin_are_those_of_the_performer() {
        let values = Values::default();
        let ranges = values.overrides().ranges.unwrap();
        assert_eq!(ranges, Part::ALL.map(Part::range));
        assert_eq!(values.overrides().temperature, Some(harmonizer::Sampling::default().temperature));
        assert_eq!(values.overrides().seed, Some(harmonizer::Sampling::default().seed));
        assert_eq!((values.density(), values.release()), (Density::default(), Release::default()));
        assert_eq!(values.layout(), Layout::All);
    }

    #[test]
    fn the_document_tells_every_parameter_with_the_value_that_it_begins_with() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/DAW.md");
        let document = std::fs::read_to_string(document).expect(document);
        let rows: Vec<Vec<&str>> = document.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
        for parameter in ALL {
            // Those of the parts stand in one row.
            let whose = parameter.module.to_lowercase();
            let name = parameter.name.strip_suffix(&format!(" {whose}")).unwrap_or(parameter.name);
            let told = rows.iter().filter(|row| row.len() == 6).find_map(|row| {
                let at = row[1].split(", ").position(|named| named == name)?;
                let of_part = row[3].split("; ").find_map(|values| values.strip_prefix(&format!("{whose} ")));
                of_part.unwrap_or(row[3]).split(", ").nth(at)
            });
            let mut default = String::new();
            parameter.write(parameter.default, &mut default).unwrap();
            assert_eq!(told, Some(default.as_str()), "{}", parameter.name);
        }
    }

    #[test]
    fn every_range_that_can_be_set_spans_an_octave() {
        for lower in 0..3 {
            assert!(ALL[place::HIGHEST + lower].least - ALL[place::LOWEST + lower].most >= 12.0);
        }
    }
}
