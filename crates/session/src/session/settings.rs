//! How a performance is set up, and the bounds of what may be.

use chorale::{Key, Phase};
use serde::{Deserialize, Serialize};

use crate::clock::{self, Clock, Metre};
use crate::control::Binding;
use crate::logged::{key_name, places};
use crate::routing::{ClickNote, Route};
use crate::songs::{SONGS, Song};

/// How a performance is set up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub clock: clock::Settings,
    #[serde(default)]
    pub metre: Metre,
    /// Soprano to bass.
    pub routes: [Route; 4],
    /// Whether each part has a port of its own.
    pub has_own_ports: bool,
    pub split: Option<KeyboardSplit>,
    /// Seconds over which the keys of a chord may be rolled.
    #[serde(default = "default_window")]
    pub chord_window: f64,
    #[serde(default)]
    pub release: Release,
    /// Semitones by which the keyboard sounds higher, -12..=12.
    #[serde(default)]
    pub transpose: i8,
    #[serde(default)]
    pub click: ClickSettings,
    /// Seconds by which the music is later than MIDI clock says, -0.5..=0.5.
    #[serde(default)]
    pub clock_offset: f64,
    /// The set list.
    #[serde(default, with = "places")]
    pub songs: [Option<Song>; SONGS],
    #[serde(with = "places")]
    pub bindings: [Option<Binding>; BINDINGS],
    /// The key in which the player begins, if it was told.
    #[serde(default, with = "key_name")]
    pub key: Option<Key>,
}

/// Divides the keyboard: keys below `key` do not take part in the melody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyboardSplit {
    pub key: u8,
    /// 0..=15, for keys that are passed on.
    pub channel: u8,
    #[serde(default)]
    pub below: Below,
}

/// What the keys below a split are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Below {
    /// Passed on as they are.
    #[default]
    Through,
    /// The bass of the harmony.
    Bass,
}

/// The metronome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickSettings {
    /// Whether it clicks from the start.
    pub is_on: bool,
    pub note: ClickNote,
    /// Bars that are counted before each song, and before the first one as soon as whoever drives the session asks for
    /// it.
    pub count_in: u8,
}

/// When the lower parts end after the soprano's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// With the soprano, as soon as no other key follows.
    #[default]
    WithMe,
    /// A beat later.
    Beat,
    /// With the next key.
    Hold,
}

/// Nobody notices that one key of a chord comes so many seconds after another.
pub const CHORD_WINDOW: f64 = 0.03;

fn default_window() -> f64 {
    CHORD_WINDOW
}

/// Bars that a count-in may have.
pub const MOST_COUNTED: u8 = 8;
/// Controls that can be bound to MIDI messages.
pub const BINDINGS: usize = 32;
/// The channel of a split's lower keys where no other is named: the fifth, after the four parts'.
pub const SPLIT_CHANNEL: u8 = 4;

impl Settings {
    /// The parts on channels 1 to 4, everything else switched off.
    pub fn new(clock: clock::Settings) -> Settings {
        Settings {
            clock,
            metre: Metre::default(),
            routes: Route::all(),
            has_own_ports: false,
            split: None,
            chord_window: CHORD_WINDOW,
            release: Release::default(),
            transpose: 0,
            click: ClickSettings::default(),
            clock_offset: 0.0,
            songs: [None; SONGS],
            bindings: [None; BINDINGS],
            key: None,
        }
    }

    /// Where the first step stands in the bar.
    pub fn first_phase(&self) -> Phase {
        let clock = Clock::new(self.clock, self.metre);
        clock.phase(clock.first_position())
    }

    /// Whether a performance can be begun with them, as it can with all that the command line and settings files let
    /// through.
    ///
    /// # Errors
    /// Names the first value out of its bounds.
    pub fn check(&self) -> Result<(), String> {
        let clock::Settings { rate, tempo, first, .. } = self.clock;
        let within = |name: &str, value: f64, low: f64, high: f64| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(format!("{name} is {value}, expected {low} to {high}")),
        };
        within("rate", rate, 1.0, 1e9)?;
        within("tempo", tempo, 10.0, 400.0)?;
        within("first", first as f64, 0.0, self.metre.bar().unwrap_or(1) as f64 - 1.0)?;
        within("the chord window", self.chord_window, 0.0, 0.1)?;
        within("transpose", self.transpose.into(), -12.0, 12.0)?;
        within("the click's channel", self.click.note.channel.into(), 0.0, 15.0)?;
        within("the click's key", self.click.note.key.into(), 0.0, 127.0)?;
        within("the count-in", self.click.count_in.into(), 0.0, MOST_COUNTED.into())?;
        within("the clock's offset", self.clock_offset, -0.5, 0.5)?;
        self.songs.iter().flatten().try_for_each(Song::check)?;
        for route in &self.routes {
            within("a channel", route.channel.into(), 0.0, 15.0)?;
            within("an octave", route.octave.into(), -4.0, 4.0)?;
            within("a velocity", route.velocity.into(), 0.0, 4.0)?;
            within("a program", route.program.unwrap_or(0).into(), 0.0, 127.0)?;
        }
        if let Some(split) = self.split {
            within("the split", split.key.into(), 0.0, 127.0)?;
            within("the split's channel", split.channel.into(), 0.0, 15.0)?;
        }
        Ok(())
    }
}
