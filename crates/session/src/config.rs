//! The settings file: ports, time, parts and controls, in TOML.
//!
//! Everything in it may be left out, and the command line goes before it. [`template`] makes a file that explains itself,
//! [`bind`] puts controls into any.

use std::collections::HashMap;

use chorale::{Key, NoKey, Part, Pitch};
use serde::Deserialize;

use crate::clock::{ClockSource, Metre};
use crate::control::{Binding, Control, Trigger};
use crate::routing::Route;
use crate::session::{BINDINGS, Below, KeyboardSplit, MOST_COUNTED, Release, SPLIT_CHANNEL, Settings};
use crate::songs::{SONGS, SongConfig};

/// What a settings file may say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    pub input: Option<String>,
    pub output: Option<String>,
    pub clock: Option<ClockSource>,
    pub clock_input: Option<String>,
    pub tempo: Option<Tempo>,
    pub metre: Option<Metre>,
    /// The key in which the music is.
    pub key: Option<KeyName>,
    /// Whether the beats click, and the click's note.
    pub click: Option<bool>,
    pub click_channel: Option<Channel>,
    pub click_key: Option<KeyNumber>,
    pub count_in: Option<CountIn>,
    /// Keys below this one are no melody.
    pub split: Option<KeyNumber>,
    /// What they are instead.
    pub below: Option<Below>,
    pub split_channel: Option<Channel>,
    /// When the lower parts end.
    pub release: Option<Release>,
    pub chord_window: Option<ChordWindow>,
    pub transpose: Option<Semitones>,
    pub clock_offset: Option<ClockOffset>,
    /// The set list.
    #[serde(default)]
    pub songs: Vec<SongConfig>,
    #[serde(default)]
    pub soprano: PartConfig,
    #[serde(default)]
    pub alto: PartConfig,
    #[serde(default)]
    pub tenor: PartConfig,
    #[serde(default)]
    pub bass: PartConfig,
    #[serde(default)]
    pub controls: HashMap<Control, Trigger>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PartConfig {
    pub channel: Option<Channel>,
    pub muted: Option<bool>,
    pub octave: Option<Octave>,
    pub velocity: Option<Scale>,
    pub program: Option<Program>,
}

/// A number of a type, within bounds that its error message names.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $number:ty, $low:expr, $high:expr, $what:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
        #[serde(try_from = "f64")]
        pub struct $name(pub $number);

        impl TryFrom<f64> for $name {
            type Error = String;

            fn try_from(number: f64) -> Result<$name, String> {
                let value = number as $number;
                let is_exact = f64::from(value) == number || std::mem::size_of::<$number>() >= 4;
                if is_exact && (f64::from($low)..=f64::from($high)).contains(&number) {
                    Ok($name(value))
                } else {
                    Err(format!("{} goes from {} to {}, not {number}", $what, $low, $high))
                }
            }
        }
    };
}

bounded!(
    /// 1..=16, as musicians count.
    Channel, u8, 1, 16, "a channel"
);
bounded!(Octave, i8, -4, 4, "octave");
bounded!(
    /// 1..=128, as musicians count.
    Program, u8, 1, 128, "a program"
);
bounded!(Scale, f32, 0.1, 4.0, "velocity");
bounded!(Tempo, f64, 10, 400, "tempo");
bounded!(Temperature, f32, 0, 10, "temperature");
bounded!(Semitones, i8, -12, 12, "transpose");
bounded!(
    /// In milliseconds.
    ClockOffset, f64, -500, 500, "clock-offset"
);
bounded!(
    /// Milliseconds.
    ChordWindow, f64, 0, 100, "chord-window"
);

bounded!(
    /// In bars.
    CountIn, u8, 0, MOST_COUNTED, "count-in"
);

/// A major or minor key, such as `Eb` or `f#`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyName(pub Key);

impl TryFrom<String> for KeyName {
    type Error = NoKey;

    fn try_from(text: String) -> Result<KeyName, NoKey> {
        text.parse().map(KeyName)
    }
}

/// A key, by its MIDI number or a name such as `C3`, `F#4` or `Bb3` (C4 is middle C).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyNumber(pub u8);

impl TryFrom<String> for KeyNumber {
    type Error = String;

    fn try_from(text: String) -> Result<KeyNumber, String> {
        let numbered = text.trim().parse().ok().and_then(Pitch::new);
        numbered.or_else(|| text.parse().ok()).map(|pitch| KeyNumber(pitch.midi())).ok_or_else(|| {
            format!("'{text}' is no key; expected a name such as C3, F#4 or Bb3, or a number from 0 to 127")
        })
    }
}

impl std::str::FromStr for KeyNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<KeyNumber, String> {
        KeyNumber::try_from(text.to_owned())
    }
}

/// Reads a settings file.
///
/// # Errors
/// With line and column, and what was expected there.
pub fn read(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    match config.songs.len() {
        0..=SONGS => Ok(config),
        songs => Err(format!("a set list has {SONGS} songs at most, not {songs}: make two files of it")),
    }
}

impl Config {
    /// Controls that the same movement of the keyboard moves, two by two.
    pub fn shared_triggers(&self) -> Vec<(Control, Control, Trigger)> {
        let bound = Control::ALL.into_iter().filter_map(|control| Some((control, *self.controls.get(&control)?)));
        let bound: Vec<(Control, Trigger)> = bound.collect();
        let mut shared = Vec::new();
        for (index, &(first, trigger)) in bound.iter().enumerate() {
            let same = bound[index + 1..].iter().filter(|(_, other)| trigger.overlaps(*other));
            shared.extend(same.map(|&(second, _)| (first, second, trigger)));
        }
        shared
    }

    /// Puts what the file says into a performance's settings.
    pub fn apply(&self, settings: &mut Settings) {
        if let Some(source) = self.clock {
            settings.clock.source = source;
        }
        if let Some(Tempo(tempo)) = self.tempo {
            settings.clock.tempo = tempo;
        }
        settings.metre = self.metre.unwrap_or(settings.metre);
        settings.key = self.key.map(|KeyName(key)| key).or(settings.key);
        let click = &mut settings.click;
        click.is_on = self.click.unwrap_or(click.is_on);
        click.note.channel = self.click_channel.map_or(click.note.channel, |Channel(channel)| channel - 1);
        click.note.key = self.click_key.map_or(click.note.key, |KeyNumber(key)| key);
        click.count_in = self.count_in.map_or(click.count_in, |CountIn(bars)| bars);
        if let Some(KeyNumber(key)) = self.split {
            let channel = self.split_channel.map_or(SPLIT_CHANNEL, |Channel(channel)| channel - 1);
            settings.split = Some(KeyboardSplit { key, channel, below: self.below.unwrap_or_default() });
        }
        settings.release = self.release.unwrap_or(settings.release);
        if let Some(ChordWindow(window)) = self.chord_window {
            settings.chord_window = window / 1000.0;
        }
        settings.transpose = self.transpose.map_or(settings.transpose, |Semitones(semitones)| semitones);
        if let Some(ClockOffset(milliseconds)) = self.clock_offset {
            settings.clock_offset = milliseconds / 1000.0;
        }
        for (place, song) in settings.songs.iter_mut().zip(&self.songs) {
            *place = Some(song.into());
        }
        let parts = [self.soprano, self.alto, self.tenor, self.bass];
        for (route, part) in settings.routes.iter_mut().zip(parts) {
            *route = Route {
                channel: part.channel.map_or(route.channel, |Channel(channel)| channel - 1),
                muted: part.muted.unwrap_or(route.muted),
                octave: part.octave.map_or(route.octave, |Octave(octave)| octave),
                velocity: part.velocity.map_or(route.velocity, |Scale(scale)| scale),
                program: part.program.map_or(route.program, |Program(program)| Some(program - 1)),
            };
        }
        // In the order of the controls, whatever the order of the file.
        let bound = Control::ALL
            .into_iter()
            .filter_map(|control| self.controls.get(&control).map(|&trigger| Binding { trigger, control }));
        for (place, binding) in settings.bindings.iter_mut().zip(bound) {
            *place = Some(binding);
        }
    }
}

const _: () = assert!(Control::ALL.len() <= BINDINGS, "every control can be bound");

/// A settings file in which everything that can be set stands in a comment.
pub fn template(input: Option<&str>) -> String {
    let mut text = String::from(
        "# Settings of `performer play`. Everything may be left out; the command line goes before it.\n\n",
    );
    match input {
        Some(input) => text += &format!("input = {}\n", toml::Value::from(input)),
        None => text += "# input = \"keystation\"     # a port's name, or a part of it\n",
    }
    text += "# output = \"fluid\"\n";
    text += "# clock = \"internal\"        # or \"strict\", \"midi\", \"follow\"\n";
    text += "# clock-input = \"IAC\"       # the port of MIDI clock, where it is not the keyboard's\n# tempo = 80\n";
    text += "# metre = \"4/4\"             # or \"3/4\", \"6/8\" and the like, or \"free\"\n";
    text += "# key = \"Eb\"                # or \"f#\" (minor); left out, it is found by what is heard\n";
    text += "# click = false             # a click on each beat\n# click-channel = 10        # as MIDI\n";
    text += "# click-key = \"E5\"          # the high wood block\n# count-in = 1              # bars\n";
    text += "# clock-offset = 0          # milliseconds by which the music is later than MIDI clock\n";
    text += "# transpose = 0             # semitones by which the keyboard sounds higher\n";
    text += "# split = \"C4\"              # keys below are no melody\n";
    text += "# below = \"through\"         # passed on as they are; \"bass\": they are the bass of the harmony\n";
    text += "# split-channel = 5         # of what is passed on\n";
    text += "# release = \"with-me\"       # when the lower parts end; or \"beat\" (a beat later), \"hold\" (with the next key)\n";
    text += "# chord-window = 30         # milliseconds over which you roll the keys of a chord\n";
    for part in Part::ALL {
        text += &format!(
            "\n# [{}]\n# channel = {}\n# muted = false\n# octave = 0               # sounds this many octaves higher\n\
             # velocity = 1.0           # louder or softer than you play\n# program = 20             # a sound, 1 to 128\n",
            part.name().to_lowercase(),
            part.index() + 1,
        );
    }
    text += "\n## The set list: [[songs]] as often as there are songs. A program change, or the controls song, next-song and\n\
             ## previous-song choose. All but the name may be left out.\n\
             # [[songs]]\n# name = \"Nun danket\"\n# tempo = 72\n# key = \"Eb\"\n# metre = \"4/4\"\n# density = \"beats\"\n# temperature = 0.8\n\
             # model = \"second\"         # the network of --second-model\n# transpose = 2            # semitones\n\
             # stops = \"8' 4' 2'\"       # of the organ\n# program = 20             # of all parts\n\
             # ranges = \"A:F3-D5,B:F2-C4\"\n";
    text +=
        "\n# \"cc 20\" is controller 20, \"note 36\" a key as a button; \"cc 20 channel 3\" on that channel only.\n";
    text += CONTROLS;
    text += "\n";
    for control in Control::ALL {
        text += &format!("# {}\n", control_line(control, "cc 20"));
    }
    text
}

const CONTROLS: &str = "[controls]";

fn control_line(control: Control, trigger: &str) -> String {
    let line = format!("{} = \"{trigger}\"", control.name());
    format!("{line:<36} # {}", control.description())
}

/// Binds controls in the text of a settings file and leaves all else in it as it is. Another control that had the same
/// trigger loses it.
///
/// # Errors
/// When the file is written in a way in which its controls can't be found, or is none.
pub fn bind(text: &str, learned: &[(Control, Trigger)]) -> Result<String, String> {
    let mut wanted = read(text)?.controls;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header = lines.iter().position(|line| line.trim() == CONTROLS).unwrap_or_else(|| {
        lines.extend([String::new(), CONTROLS.to_owned()]);
        lines.len() - 1
    });
    for &(control, trigger) in learned {
        if let Some((&robbed, _)) = wanted.iter().find(|(other, has)| **other != control && **has == trigger) {
            wanted.remove(&robbed);
            if let Some(line) = line_of(&lines, header, robbed) {
                lines[line].insert_str(0, "# ");
            }
        }
        wanted.insert(control, trigger);
        let text = control_line(control, &trigger.to_string());
        match line_of(&lines, header, control) {
            Some(line) => lines[line] = text,
            None => lines.insert(header + 1, text),
        }
    }
    let text = lines.join("\n") + "\n";
    match read(&text) {
        Ok(config) if config.controls == wanted => Ok(text),
        _ => Err("its controls are not written one a line under [controls], as this program would".to_owned()),
    }
}

/// The line below the header that binds a control; where none does, the one that would without its `#`.
fn line_of(lines: &[String], header: usize, control: Control) -> Option<usize> {
    let section = || (header + 1..lines.len()).take_while(|&line| !lines[line].trim_start().starts_with('['));
    let names = |line: &str| line.trim_start().split(['=', ' ']).next() == Some(&control.name());
    section()
        .find(|&line| names(&lines[line]))
        .or_else(|| section().find(|&line| lines[line].strip_prefix('#').is_some_and(names)))
}

#[cfg(test)]
mod tests {
    use chorale::Density;

    use super::*;
    use crate::clock;
    use crate::routing::ClickNote;
    use crate::session::ClickSettings;

    fn settings() -> Settings {
        Settings::new(clock::Settings { source: ClockSource::Internal, rate: 1.0, tempo: 80.0, first: 0 })
    }

    #[test]
    fn controls_that_one_movement_moves_together_are_found() {
        let text = "[controls]\nhold = 'cc 20'\npanic = 'cc 20 channel 3'\ncadence = 'note 20'\ndensity = 'cc 21 channel 1'\n\
                    temperature = 'cc 21 channel 2'\n";
        let shared = read(text).unwrap().shared_triggers();
        let mut names: Vec<_> = shared.iter().flat_map(|(first, second, _)| [first.name(), second.name()]).collect();
        names.sort_unstable();
        assert_eq!(names, ["hold", "panic"]);
    }

    #[test]
    fn a_file_sets_ports_time_parts_split_and_controls() {
        let config = read(
            "input = 'key'\nclock = 'follow'\ntempo = 72.5\nmetre = '6/8'\nkey = 'f#'\nclick = true\nclick-channel = 16\n\
             click-key = '37'\ncount-in = 2\nsplit = 'C4'\nbelow = 'bass'\n\
             release = 'hold'\nchord-window = 20\n[alto]\nchannel = 10\noctave = -1\n\
             program = 20\n[bass]\nmuted = true\nvelocity = 0.5\n[controls]\npanic = 'cc 20'\nhold = 'note 36 channel 2'\n",
        )
        .unwrap();
        let mut settings = settings();
        config.apply(&mut settings);
        assert_eq!((settings.clock.source, settings.clock.tempo), (ClockSource::Follow, 72.5));
        assert_eq!((settings.metre.to_string(), settings.key.unwrap().to_string()), ("6/8".into(), "F# minor".into()));
        let note = ClickNote { channel: 15, key: 37 };
        assert_eq!(settings.click, ClickSettings { is_on: true, note, count_in: 2 });
        assert_eq!(settings.split, Some(KeyboardSplit { key: 60, channel: 4, below: Below::Bass }));
        assert_eq!((settings.release, settings.chord_window), (Release::Hold, 0.02));
        let alto = Route { channel: 9, muted: false, octave: -1, velocity: 1.0, program: Some(19) };
        assert_eq!(settings.routes[1], alto);
        assert_eq!((settings.routes[3].muted, settings.routes[3].velocity), (true, 0.5));
        let bound: Vec<_> = settings.bindings.iter().flatten().map(|binding| binding.control).collect();
        assert_eq!(bound, [Control::Panic, Control::Hold]);
        let hold = Trigger { is_note: true, channel: Some(1), number: 36 };
        assert_eq!(settings.bindings[1].unwrap().trigger, hold);
    }

    #[test]
    fn each_mistake_is_told_with_its_line_and_what_was_expected() {
        let check = |text: &str, line: usize, expected: &str| {
            let error = read(text).unwrap_err();
            assert!(error.contains(&format!("line {line}")) && error.contains(expected), "{error}");
        };
        check("tempo = 72\nclok = 'midi'\n", 2, "clok");
        check("clock = 'mdi'\n", 1, "follow");
        check("\n[alto]\nchannel = 17\n", 3, "a channel goes from 1 to 16, not 17");
        check("[alto]\noctave = 0.5\n", 2, "octave goes from -4 to 4, not 0.5");
        check("tempo = 'fast'\n", 1, "fast");
        check("split = 'H3'\n", 1, "'H3' is no key");
        check("below = 'treble'\n", 1, "bass");
        check("metre = '7/8'\n", 1, "free");
        check("key = 'H'\n", 1, "'H' is no key");
        check("count-in = 9\n", 1, "count-in goes from 0 to 8, not 9");
        check("release = 'never'\n", 1, "with-me");
        check("chord-window = 200\n", 1, "chord-window goes from 0 to 100, not 200");
        check("[controls]\npanic = 'cc 128'\n", 2, "cc 128");
        check("[controls]\nvolume = 'cc 7'\n", 2, "unknown control 'volume'");
        check("tempo = \n", 1, "");
    }

    #[test]
    fn a_key_is_named_with_a_sharp_or_a_flat_or_by_its_number() {
        let key = |text: &str| text.parse::<KeyNumber>().map(|key| key.0);
        assert_eq!([key("Bb3"), key("A#3"), key("b3"), key("60")], [Ok(58), Ok(58), Ok(59), Ok(60)]);
        assert!(key("128").is_err() && key("H3").is_err());
    }

    const PANIC: Trigger = Trigger { is_note: false, channel: Some(15), number: 64 };
    const FREEZE: Trigger = Trigger { is_note: true, channel: None, number: 21 };

    #[test]
    fn what_learning_writes_is_read_again() {
        let learned = [(Control::Panic, PANIC), (Control::Freeze(Part::Bass), FREEZE)];
        let config = read(&bind(&template(Some("My \"Keys\" 20:0")), &learned).unwrap()).unwrap();
        assert_eq!(config.controls, learned.into_iter().collect());
        assert_eq!(config.input.as_deref(), Some("My \"Keys\" 20:0"));
        let uncommented = template(None).replace("\n# ", "\n").replace("Settings of", "# Settings of");
        let uncommented: String =
            uncommented.lines().filter(|line| !line.starts_with('"')).map(|line| format!("{line}\n")).collect();
        let all = read(&uncommented).unwrap_or_else(|error| panic!("{error}\n{uncommented}"));
        assert_eq!(all.controls.len(), Control::ALL.len(), "the comments are settings too");
    }

    #[test]
    fn learning_once_more_changes_only_what_is_learned() {
        let mine = "tempo = 72 # slow\n\n[controls]\nhold = \"note 21\"\n# mine\n\n[alto]\nmuted = true\n";
        let text = bind(mine, &[(Control::Panic, PANIC), (Control::Freeze(Part::Bass), FREEZE)]).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim()).collect();
        let expected = [
            "tempo = 72",
            "",
            "[controls]",
            "freeze-bass = \"note 21\"",
            "panic = \"cc 64 channel 16\"",
            "# hold = \"note 21\"",
            "# mine",
            "",
            "[alto]",
            "muted = true",
        ];
        assert_eq!(lines, expected);
        let again = bind(&text, &[(Control::Panic, FREEZE)]).unwrap();
        assert!(again.contains("\npanic = \"note 21\"") && again.contains("\n# freeze-bass"), "{again}");
        assert_eq!(bind(&text, &[]).unwrap(), text);
        let bare = bind("tempo = 72", &[(Control::Panic, PANIC)]).unwrap();
        assert_eq!(read(&bare).unwrap().controls[&Control::Panic], PANIC);
        let odd = bind("controls = { panic = 'cc 1' }\n", &[(Control::Panic, PANIC)]).unwrap_err();
        assert!(odd.contains("one a line"), "{odd}");
        assert!(bind("tempoo = 7", &[]).unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_set_list_is_read_with_what_each_song_changes() {
        let config = read(
            "transpose = -2\nclock-offset = 12.5\n[[songs]]\nname = 'Nun danket'\ntempo = 72\nkey = 'Eb'\nmetre = '3/4'\ndensity = 'beats'\n\
             model = 'second'\nstops = \"8' 4' 2'\"\nprogram = 20\nranges = 'B:E2-C4'\n[[songs]]\nname = 'Amen'\n\
             transpose = 3\ntemperature = 0.5\n",
        )
        .unwrap();
        let mut settings = settings();
        config.apply(&mut settings);
        assert_eq!((settings.transpose, settings.clock_offset), (-2, 0.0125));
        let [Some(first), Some(second), None, ..] = settings.songs else { panic!("{:?}", settings.songs) };
        assert_eq!((first.tempo, first.density, first.second_model), (Some(72.0), Some(Density::Beats.value()), true));
        assert_eq!((first.registration, first.program, first.ranges.unwrap()[3]), (Some(2), Some(19), [40, 60]));
        assert_eq!((first.key, first.metre), ("Eb".parse().ok(), "3/4".parse().ok()));
        assert_eq!((second.transpose, second.temperature, second.second_model), (Some(3), Some(0.5), false));
        assert!(settings.check().is_ok());
    }

    #[test]
    fn each_mistake_in_a_song_is_told() {
        let check = |line: &str, expected: &str| {
            let error = read(&format!("[[songs]]\nname = 'x'\n{line}\n")).unwrap_err();
            assert!(error.contains("line 3") && error.contains(expected), "{error}");
        };
        check("density = 'busy'", "expected one of still, beats");
        check("stops = 'all'", "\"8' 4'\"");
        check("ranges = 'B:E2-C3'", "an octave or more");
        check("transpose = 13", "transpose goes from -12 to 12, not 13");
        check("key = 'X'", "'X' is no key");
        check("metre = '5/8'", "free");
        check("tempo = 5", "tempo goes from 10 to 400");
        assert!(read("[[songs]]\ntempo = 70\n").unwrap_err().contains("name"));
        assert!(read(&"[[songs]]\nname = 'x'\n".repeat(33)).unwrap_err().contains("32 songs at most, not 33"));
    }
}
