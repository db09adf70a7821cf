//! What a player can change while playing, by MIDI, by the computer's keys or by a script.

use chorale::{Key, Part, Pitch};
use serde::{Deserialize, Serialize};

use crate::midi::MidiMessage::{self, Controller, NoteOff, NoteOn};

/// Something that can be changed. All take a value from 0 to 127, as MIDI controllers have; a switch is on from 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Control {
    /// Ends everything that sounds.
    Panic,
    /// Switch: the three lower parts stay on their notes, under whatever soprano and through silence.
    Hold,
    /// Switch: one lower part stays on its note.
    Freeze(Part),
    /// Switch: one part is not heard.
    Mute(Part),
    /// How much the lower parts move while the soprano holds: not at all, on beats, on eighths, on sixteenths.
    Density,
    /// 0 to 127 stand for 0.5 to 1.5.
    Temperature,
    /// Switch: the harmony comes to a close, on a chord that a phrase can end with.
    Cadence,
    /// Switch: part-writing rules are kept.
    Guard,
    /// Switch: the second network answers instead of the first.
    Model,
    /// 0 to 127 stand for 40 to 167 beats a minute, where the tempo is our own.
    Tempo,
    /// Pushed on the beat, some times in a row: it goes at that tempo, where the tempo is our own.
    Tap,
    /// Switch: a click on every beat.
    Click,
    /// Beats are counted, and the music begins anew after them, where the tempo is our own.
    CountIn,
    /// The key of the music: 0 to 4 for none, 5 to 64 for the major keys from C upwards and 65 to 127 for the minor ones,
    /// five values each.
    Key,
    /// Which stops of the organ are drawn: 0 to 127 stand for the [`REGISTRATIONS`].
    Registration,
    /// Semitones by which the keyboard sounds higher: 64 for none.
    Transpose,
    /// The song of the set list, from 0.
    Song,
    NextSong,
    PreviousSong,
}

impl Control {
    pub const ALL: [Control; 24] = [
        Control::Panic,
        Control::Hold,
        Control::Freeze(Part::Alto),
        Control::Freeze(Part::Tenor),
        Control::Freeze(Part::Bass),
        Control::Mute(Part::Soprano),
        Control::Mute(Part::Alto),
        Control::Mute(Part::Tenor),
        Control::Mute(Part::Bass),
        Control::Cadence,
        Control::Density,
        Control::Temperature,
        Control::Guard,
        Control::Model,
        Control::Tempo,
        Control::Tap,
        Control::Click,
        Control::CountIn,
        Control::Key,
        Control::Registration,
        Control::Transpose,
        Control::Song,
        Control::NextSong,
        Control::PreviousSong,
    ];

    /// For example `freeze-alto`.
    pub fn name(self) -> String {
        let of = |verb: &str, part: Part| format!("{verb}-{}", part.name().to_lowercase());
        match self {
            Control::Panic => "panic".to_owned(),
            Control::Hold => "hold".to_owned(),
            Control::Freeze(part) => of("freeze", part),
            Control::Mute(part) => of("mute", part),
            Control::Cadence => "cadence".to_owned(),
            Control::Density => "density".to_owned(),
            Control::Temperature => "temperature".to_owned(),
            Control::Guard => "guard".to_owned(),
            Control::Model => "model".to_owned(),
            Control::Tempo => "tempo".to_owned(),
            Control::Tap => "tap".to_owned(),
            Control::Click => "click".to_owned(),
            Control::CountIn => "count-in".to_owned(),
            Control::Key => "key".to_owned(),
            Control::Registration => "registration".to_owned(),
            Control::Transpose => "transpose".to_owned(),
            Control::Song => "song".to_owned(),
            Control::NextSong => "next-song".to_owned(),
            Control::PreviousSong => "previous-song".to_owned(),
        }
    }

    /// What it does, for whoever binds it.
    pub fn description(self) -> String {
        match self {
            Control::Panic => "end everything that sounds".to_owned(),
            Control::Hold => "the lower parts stay on their notes".to_owned(),
            Control::Freeze(part) => format!("the {} stays on its note", part.name().to_lowercase()),
            Control::Mute(part) => format!("the {} is not heard", part.name().to_lowercase()),
            Control::Cadence => "the harmony comes to a close".to_owned(),
            Control::Density => "how much the lower parts move while you hold a note".to_owned(),
            Control::Temperature => "how bold the harmony is".to_owned(),
            Control::Guard => "keep the rules of part-writing".to_owned(),
            Control::Model => "the second network answers".to_owned(),
            Control::Tempo => "beats a minute".to_owned(),
            Control::Tap => "the tempo, tapped on the beat three times or more".to_owned(),
            Control::Click => "a click on every beat".to_owned(),
            Control::CountIn => "count the beats in and begin anew".to_owned(),
            Control::Key => "the key: none, then C to B major, then c to b minor".to_owned(),
            Control::Registration => "the organ's stops".to_owned(),
            Control::Transpose => "the keyboard sounds higher or lower, by semitones".to_owned(),
            Control::Song => "a song of the set list, by its number".to_owned(),
            Control::NextSong => "the next song of the set list".to_owned(),
            Control::PreviousSong => "the song of the set list before".to_owned(),
        }
    }

    /// Whether it does something each time that it is pressed, and nothing when it is let go.
    pub fn is_push(self) -> bool {
        use Control::{CountIn, NextSong, Panic, PreviousSong, Tap};
        matches!(self, Panic | Tap | CountIn | NextSong | PreviousSong)
    }

    /// Whether it is either on or off.
    pub fn is_switch(self) -> bool {
        use Control::{Cadence, Click, Freeze, Guard, Hold, Model, Mute};
        matches!(self, Hold | Freeze(_) | Mute(_) | Cadence | Guard | Model | Click)
    }
}

impl From<Control> for String {
    fn from(control: Control) -> String {
        control.name()
    }
}

impl TryFrom<String> for Control {
    type Error = String;

    fn try_from(name: String) -> Result<Control, String> {
        Control::ALL.into_iter().find(|control| control.name() == name).ok_or_else(|| {
            let names = Control::ALL.map(Control::name).join(", ");
            format!("unknown control '{name}'. Controls are: {names}")
        })
    }
}

/// The MIDI message that moves a control: a controller by its value, a note as a push button.
///
/// Written as `cc 20`, `note 36`, or `cc 20 channel 3` (channels count from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Trigger {
    pub is_note: bool,
    /// 0..=15; `None` for any.
    pub channel: Option<u8>,
    /// Controller or key, 0..=127.
    pub number: u8,
}

impl Trigger {
    /// Whether a message can be one of both.
    pub fn overlaps(self, other: Trigger) -> bool {
        let is_any = self.channel.is_none() || other.channel.is_none();
        (self.is_note, self.number) == (other.is_note, other.number) && (is_any || self.channel == other.channel)
    }

    /// Whether a message is one of this trigger.
    pub fn fits(self, midi: MidiMessage) -> bool {
        let (is_note, from, number) = match midi {
            Controller { channel, controller, .. } => (false, channel, controller),
            NoteOn { channel, key, .. } | NoteOff { channel, key, .. } => (true, channel, key),
            _ => return false,
        };
        is_note == self.is_note && number == self.number && self.channel.is_none_or(|channel| channel == from)
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.is_note { "note" } else { "cc" }, self.number)?;
        self.channel.map_or(Ok(()), |channel| write!(f, " channel {}", channel + 1))
    }
}

impl From<Trigger> for String {
    fn from(trigger: Trigger) -> String {
        trigger.to_string()
    }
}

impl TryFrom<String> for Trigger {
    type Error = String;

    fn try_from(text: String) -> Result<Trigger, String> {
        let number = |word: &str, low: u8, high: u8| word.parse().ok().filter(|number| (low..=high).contains(number));
        let words: Vec<&str> = text.split_whitespace().collect();
        let parsed = match words[..] {
            [kind @ ("cc" | "note"), data] => number(data, 0, 127).map(|data| (kind, data, None)),
            [kind @ ("cc" | "note"), data, "channel", channel] => {
                number(data, 0, 127).zip(number(channel, 1, 16)).map(|(data, channel)| (kind, data, Some(channel - 1)))
            }
            _ => None,
        };
        let (kind, number, channel) = parsed.ok_or_else(|| {
            format!("'{text}' is no control of a keyboard; expected \"cc 0\" to \"cc 127\", \"note 36\" or \"cc 20 channel 3\"")
        })?;
        Ok(Trigger { is_note: kind == "note", channel, number })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub trigger: Trigger,
    pub control: Control,
}

/// What the player has changed about how the network answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `None`: as it was started.
    pub temperature: Option<f32>,
    pub guard: Option<bool>,
    /// The phrase ends.
    pub cadence: bool,
    pub second_model: bool,
    /// `None`: as it is heard.
    pub key: Option<Key>,
    /// `None`: as it was started.
    pub seed: Option<u64>,
    /// Lowest and highest pitch of each part, soprano to bass; `None` for the usual ones.
    pub ranges: Option<[(Pitch, Pitch); 4]>,
}

/// The temperature that a control's value stands for.
pub fn temperature(value: u8) -> f32 {
    0.5 + f32::from(value.min(127)) / 127.0
}

/// The value that stands for a temperature, as near as there is one.
pub fn temperature_value(temperature: f32) -> u8 {
    ((temperature - 0.5) * 127.0).round().clamp(0.0, 127.0) as u8
}

/// Combinations of the organ's stops: how far 8', 4', 2' and mixture are drawn (controllers 80 to 83), from soft to loud.
pub const REGISTRATIONS: [(&str, [u8; 4]); 4] = [
    ("8'", [127, 0, 0, 0]),
    ("8' 4'", [127, 64, 0, 0]),
    ("8' 4' 2'", [127, 100, 90, 0]),
    ("8' 4' 2' mixture", [127, 127, 127, 127]),
];
/// The one that an organ begins with.
pub const FIRST_REGISTRATION: u8 = 1;

/// The place in [`REGISTRATIONS`] that a control's value stands for.
pub fn registration(value: u8) -> u8 {
    value.min(127) / 32
}

/// The semitones that a control's value stands for, up or down by an octave at most.
pub fn transposition(value: u8) -> i8 {
    (value.min(127) as i8 - 64).clamp(-12, 12)
}

/// Values of a control that stand for one key.
const OF_KEY: u8 = 5;

/// The key that a control's value stands for.
pub fn key(value: u8) -> Option<Key> {
    let index = usize::from(value.min(127) / OF_KEY).checked_sub(1)?;
    Key::from_index(index.min(Key::COUNT - 1))
}

/// A value that stands for a key.
pub fn key_value(key: Option<Key>) -> u8 {
    key.map_or(0, |key| OF_KEY * (key.index() as u8 + 1))
}

/// Beats a minute that our own tempo may have.
pub const TEMPI: (f64, f64) = (10.0, 400.0);

/// The tempo that a control's value stands for, in beats a minute.
pub fn tempo(value: u8) -> f64 {
    40.0 + f64::from(value.min(127))
}

#[cfg(test)]
mod tests {
    use chorale::Density;

    use super::*;

    #[test]
    fn every_control_comes_back_from_its_name() {
        for control in Control::ALL {
            assert_eq!(Control::try_from(control.name()), Ok(control));
        }
        let unknown = Control::try_from("volume".to_owned()).unwrap_err();
        assert!(unknown.contains("'volume'") && unknown.contains("freeze-alto"), "{unknown}");
    }

    #[test]
    fn values_of_keys_stand_for_them_and_every_value_for_one_or_none() {
        for index in 0..Key::COUNT {
            assert_eq!(key(key_value(Key::from_index(index))), Key::from_index(index));
        }
        let named = |value: u8| key(value).map(|key| key.to_string());
        assert_eq!(
            [0, 4, 5, 64, 65, 127].map(named),
            [
                None,
                None,
                Some("C major".to_owned()),
                Some("B major".to_owned()),
                Some("C minor".to_owned()),
                Some("B minor".to_owned())
            ]
        );
    }

    #[test]
    fn values_of_densities_and_temperatures_stand_for_them() {
        for density in Density::ALL {
            assert_eq!(Density::from_value(density.value()), density);
        }
        for value in 0..128 {
            assert_eq!(temperature_value(temperature(value)), value);
        }
    }

    #[test]
    fn a_trigger_fits_its_own_messages_only() {
        let controller = Trigger { is_note: false, channel: Some(2), number: 20 };
        assert!(controller.fits(Controller { channel: 2, controller: 20, value: 5 }));
        for other in [
            Controller { channel: 1, controller: 20, value: 5 },
            Controller { channel: 2, controller: 21, value: 5 },
            NoteOn { channel: 2, key: 20, velocity: 5 },
            MidiMessage::ProgramChange { channel: 2, program: 20 },
        ] {
            assert!(!controller.fits(other), "{other:?}");
        }
        let key = Trigger { is_note: true, channel: None, number: 20 };
        assert!(key.fits(NoteOn { channel: 15, key: 20, velocity: 1 }));
        assert!(key.fits(NoteOff { channel: 0, key: 20, velocity: 0 }));
    }
}
