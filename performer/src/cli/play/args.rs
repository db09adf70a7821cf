//! What `performer play` is told on its command line and in the settings file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chorale::{Key, Part};
use files::Program;
use harmonizer::{Harmonizer, Purpose, Sampling, guard_for};
use live::take::{ModelIdentity, Recorder};
use network::Model;
use performer::devices::audio::AudioSettings;
use performer::performance::Cast;
use session::clock::{self, ClockSource, Metre};
use session::config::{self, Config, KeyNumber};
use session::{Below, KeyboardSplit, MOST_COUNTED, Release, SPLIT_CHANNEL, Settings, WhichModel};
use sound::Timbre;

use crate::cli::learn::default_path;
use crate::cli::midi::MidiOptions;
use crate::cli::options::{ModelOptions, load_model, whole};

/// Play live: answer each soprano note at once with alto, tenor and bass.
///
/// The soprano comes in on one MIDI port, on any channel; of keys struck together the highest is the soprano. The parts
/// go out on another port: soprano on channel 1, alto on 2, tenor on 3, bass on 4. While a note holds, the lower parts
/// move on the step clock, four steps a beat. They end with you (--release says when) and wait for the next key.
///
/// On a terminal a screen shows what is played; its last line names the keys. Elsewhere, or with --plain, each struck
/// note is printed with its chord, soprano to bass, to stdout; everything else goes to stderr. The keys then work as
/// lines on stdin: `h` and Enter holds the harmony. A line that begins with READY says that the ports are open. q or
/// Ctrl-C ends everything in silence; SIGUSR1 ends what sounds.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer play                                        the only keyboard there is, or asks
  performer play --virtual                              ports of our own, to connect in a DAW
  performer play --input keystation --output fluid      keyboard, instrument, by parts of names
  performer play --input keystation --synth             the built-in organ
  performer play --midi jack --clock midi               JACK, in the time of a DAW's MIDI clock
  performer play --virtual --clock strict --tempo 60    the tempo stays, whatever you do
  performer play --virtual --clock follow --tempo 60    no click: you give the time, 60 at first
  performer play --virtual --metre 6/8 --tempo 50       50 dotted quarters to the minute
  performer play --synth --click --count-in 1           a bar is counted first, the beat clicks
  performer play --virtual --no-soprano                 the soprano sounds elsewhere
  performer play --virtual --split C4 --below bass      your left hand is the bass
  performer play --config set.toml                      a set list, in a file that learn begins

`performer ports` lists the names; `performer learn` binds knobs and pads to the screen's keys.")]
pub struct Args {
    /// The port the soprano comes from: a name, a part of one, or a number from `performer ports`
    #[arg(long, value_name = "PORT")]
    pub(super) input: Option<String>,

    /// The port the parts go to: a name, a part of one, or a number from `performer ports`
    #[arg(long, value_name = "PORT")]
    pub(super) output: Option<String>,

    /// Make ports of our own where no name is given, for other programs to connect to. JACK always does; Windows can't
    #[arg(long = "virtual")]
    pub(super) own_ports: bool,

    /// One output port with four channels, or a port for each part
    #[arg(long, value_enum, value_name = "HOW", default_value_t = PortLayout::One)]
    pub(super) ports: PortLayout,

    /// Beats a minute: quarter notes, dotted ones in 6/8 and the like [default: 80]
    #[arg(long, value_name = "BPM", value_parser = tempo, allow_negative_numbers = true)]
    tempo: Option<f64>,

    /// What gives the time [default: internal]
    #[arg(long, value_enum, value_name = "SOURCE")]
    clock: Option<ClockChoice>,

    /// The port MIDI clock comes from, where that is not the keyboard's. With --virtual and left out, a port of our own
    #[arg(long, value_name = "PORT")]
    pub(super) clock_input: Option<String>,

    /// Bars such as 3/4, or 6/8 in two dotted beats; free has beats without bars [default: 4/4]
    #[arg(long, value_name = "METRE")]
    metre: Option<Metre>,

    /// A click on each beat: a sound of our own with --synth or --soundfont, and a MIDI note. Not under --clock follow,
    /// where you give the time
    #[arg(long)]
    click: bool,

    /// The channel of the click's note, 1 to 16 [default: 10]
    #[arg(long, value_name = "CHANNEL", value_parser = whole(1_u8, 16), allow_negative_numbers = true)]
    click_channel: Option<u8>,

    /// The click's note, for example 37, the side stick [default: E5, the high wood block]
    #[arg(long, value_name = "KEY")]
    click_key: Option<KeyNumber>,

    /// Bars that click before the music begins, and before each song of a set list; the beat then runs on, and your first
    /// key falls where it has it [default: 0]
    #[arg(long, value_name = "BARS", value_parser = whole(0_u8, MOST_COUNTED), allow_negative_numbers = true)]
    count_in: Option<u8>,

    /// The key in which you play, such as Eb or f#. Without it the harmony begins in major and goes by what it hears
    #[arg(long, value_name = "KEY")]
    key: Option<Key>,

    /// Beats of pickup: 1 when the first key is the last beat of a bar; 0.5 for an eighth, in 6/8 0.33
    #[arg(long, value_name = "BEATS", default_value_t = 0.0, value_parser = pickup, allow_negative_numbers = true)]
    pickup: f64,

    /// Keys below this one are no melody but passed on as they are, on channel 5, or what --below says. For example C4
    #[arg(long, value_name = "KEY")]
    split: Option<KeyNumber>,

    /// What the keys below the split are [default: through]
    #[arg(long, value_enum, value_name = "WHAT")]
    below: Option<BelowSplit>,

    /// When the lower parts end after your last key [default: with-me]
    #[arg(long, value_enum, value_name = "WHEN")]
    release: Option<ReleaseChoice>,

    /// Milliseconds over which you roll chords under the melody: keys so close together are one [default: 30]
    #[arg(long, value_name = "MS", value_parser = chord_window, allow_negative_numbers = true)]
    chord_window: Option<f64>,

    /// Semitones by which the keyboard sounds higher, below zero lower [default: 0]
    #[arg(long, value_name = "SEMITONES", value_parser = semitones, allow_negative_numbers = true)]
    transpose: Option<i8>,

    /// Milliseconds by which the music is later than MIDI clock says, below zero earlier: to make good what a DAW's sound
    /// lags behind its clock [default: 0]
    #[arg(long, value_name = "MS", value_parser = clock_offset, allow_negative_numbers = true)]
    clock_offset: Option<f64>,

    /// Don't send the soprano on, only the three lower parts
    #[arg(long)]
    no_soprano: bool,

    /// Sound by the built-in organ
    #[arg(long)]
    synth: bool,

    /// Sound by a SoundFont instead
    #[arg(long, value_name = "FILE.sf2")]
    pub(super) soundfont: Option<PathBuf>,

    /// Frames a second of our own sound; the device's own when left out
    #[arg(long, value_name = "HZ", value_parser = whole(8_000_u32, 384_000), allow_negative_numbers = true)]
    sample_rate: Option<u32>,

    /// Frames a buffer of our own sound
    #[arg(long, value_name = "FRAMES", value_parser = whole(16_u32, 8192), allow_negative_numbers = true)]
    buffer: Option<u32>,

    /// A settings file, as `performer learn` writes it. Left out: performer.toml in your configuration folder
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Record no take
    #[arg(long)]
    no_take: bool,

    /// Where takes are put. Left out: the folder `performer-takes` in your home
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_take")]
    take_folder: Option<PathBuf>,

    /// No screen: a line for each struck note
    #[arg(long, conflicts_with = "json")]
    pub(super) plain: bool,

    /// No screen: an object in JSON for each struck note and each step in which a part moves
    #[arg(long)]
    pub(super) json: bool,

    /// A second network to switch to while playing: `wavenet`, `lstm` or an ONNX file
    #[arg(long, value_name = "NAME|FILE")]
    second_model: Option<PathBuf>,

    #[command(flatten)]
    pub(super) midi: MidiOptions,

    #[command(flatten)]
    model: ModelOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ClockChoice {
    /// The tempo given, which leans towards you; the first key starts it
    Internal,
    /// The tempo given, which nothing moves; the first key starts it
    Strict,
    /// MIDI clock of the input port, or of --clock-input: start, stop, continue and song position are obeyed
    Midi,
    /// The playing itself: tempo and beat are inferred from your keys
    Follow,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BelowSplit {
    /// Passed on as they are
    Through,
    /// The bass of the harmony: alto and tenor are found to it
    Bass,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ReleaseChoice {
    /// With you, as soon as no other key follows
    WithMe,
    /// A beat later
    Beat,
    /// With your next key
    Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PortLayout {
    One,
    PerPart,
}

const DEFAULT_TEMPO: f64 = 80.0;

impl Args {
    /// The settings file that was named, or the one in its usual place if there is one.
    pub(super) fn config(&self) -> Result<Config> {
        let path = match &self.config {
            Some(path) => path.clone(),
            None => match default_path().filter(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(Config::default()),
            },
        };
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        config::read(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
    }

    /// # Errors
    /// When a port is named where there are none.
    pub(super) fn check_without_ports(&self) -> Result<()> {
        let named = [
            ("--input", self.input.is_some()),
            ("--output", self.output.is_some()),
            ("--clock-input", self.clock_input.is_some()),
            ("--virtual", self.own_ports),
            ("--ports", self.ports == PortLayout::PerPart),
        ];
        match named.into_iter().find(|(_, is_there)| *is_there) {
            Some((option, _)) => bail!("{option}: by sockets there are no MIDI ports; performer play has them"),
            None => Ok(()),
        }
    }

    /// What stands for both ports.
    pub(super) fn name_ports(&mut self, name: &str) {
        (self.input, self.output) = (Some(name.to_owned()), Some(name.to_owned()));
    }

    /// The session's settings: what the command line says goes before what the file says.
    ///
    /// # Errors
    /// When an option has nothing to act on.
    pub(super) fn settings(&self, config: &Config) -> Result<Settings> {
        // The rate is the sound system's.
        let clock = clock::Settings { source: ClockSource::Internal, rate: 1.0, tempo: DEFAULT_TEMPO, first: 0 };
        let mut settings = Settings::new(clock);
        config.apply(&mut settings);
        if let Some(clock) = self.clock {
            settings.clock.source = clock.into();
        }
        settings.clock.tempo = self.tempo.unwrap_or(settings.clock.tempo);
        settings.metre = self.metre.unwrap_or(settings.metre);
        settings.clock.first = first(settings.metre, self.pickup)?;
        settings.key = self.key.or(settings.key);
        let click = &mut settings.click;
        click.is_on |= self.click;
        click.note.channel = self.click_channel.map_or(click.note.channel, |channel| channel - 1);
        click.note.key = self.click_key.map_or(click.note.key, |KeyNumber(key)| key);
        click.count_in = self.count_in.unwrap_or(click.count_in);
        if let Some(KeyNumber(key)) = self.split {
            let before = settings.split.unwrap_or(KeyboardSplit { key, channel: SPLIT_CHANNEL, below: Below::Through });
            settings.split = Some(KeyboardSplit { key, ..before });
        }
        if let (Some(split), Some(below)) = (&mut settings.split, self.below) {
            split.below = below.into();
        }
        if let Some(release) = self.release {
            settings.release = release.into();
        }
        if let Some(window) = self.chord_window {
            settings.chord_window = window / 1000.0;
        }
        settings.transpose = self.transpose.unwrap_or(settings.transpose);
        if let Some(offset) = self.clock_offset {
            settings.clock_offset = offset / 1000.0;
        }
        settings.routes[0].muted |= self.no_soprano;
        if self.soundfont.is_some() {
            settings.routes.iter_mut().for_each(|route| route.program = route.program.or(Some(Program::CHOIR.midi())));
        }
        if self.below.is_some() && settings.split.is_none() {
            bail!("--below says what the keys below a split are, but there is no split; --split C4 makes one");
        }
        if self.clock_offset.is_some() && settings.clock.source != ClockSource::Midi {
            bail!("--clock-offset shifts MIDI clock, but nothing goes by it; --clock midi does");
        }
        if self.second_model.is_none()
            && let Some(song) = config.songs.iter().find(|song| song.model == WhichModel::Second)
        {
            bail!("the song '{}' wants the second network, but there is none; --second-model lstm gives it", song.name);
        }
        if self.clock_input.is_some() && settings.clock.source != ClockSource::Midi {
            bail!("--clock-input says where MIDI clock comes from, but nothing goes by it; --clock midi does");
        }
        check_click(&settings)?;
        Ok(settings)
    }

    /// Networks, recorder and sound.
    pub(super) fn cast(&self, session: Settings) -> Result<Cast> {
        let first = self.model.model()?;
        let second = self.second_model.as_deref().map(load_model).transpose()?;
        let mut models = vec![(ModelIdentity::new(self.model.name(), &first), self.sampling(&first))];
        if let (Some(name), Some(second)) = (&self.second_model, &second) {
            models.push((ModelIdentity::new(&name.to_string_lossy(), second), self.sampling(second)));
        }
        let recorder = self.recorder(models)?;
        let harmonizer = |model: Arc<Model>| {
            let sampling = self.sampling(&model);
            Harmonizer::new(model, sampling)
        };
        Ok(Cast {
            harmonizer: harmonizer(first),
            second: second.map(harmonizer),
            session,
            sound: self.sound()?,
            recorder,
        })
    }

    fn sampling(&self, model: &Model) -> Sampling {
        self.model.sampling(guard_for(model, Purpose::Live))
    }

    fn recorder(&self, models: Vec<(ModelIdentity, Sampling)>) -> Result<Option<Recorder>> {
        if self.no_take {
            return Ok(None);
        }
        let home = || std::env::home_dir().unwrap_or_default().join("performer-takes");
        let folder = self.take_folder.clone().unwrap_or_else(home);
        let recorder = Recorder::new(&folder, models).with_context(|| {
            let folder = folder.display();
            format!("takes can't be put into {folder}; --take-folder names another folder, --no-take does without")
        })?;
        Ok(Some(recorder))
    }

    fn sound(&self) -> Result<Option<AudioSettings>> {
        let timbre = match &self.soundfont {
            Some(path) => sound_font(path).with_context(|| format!("--soundfont {}", path.display()))?,
            None if self.synth => Timbre::Organ,
            None => return Ok(None),
        };
        Ok(Some(AudioSettings { sample_rate: self.sample_rate, buffer: self.buffer, timbre }))
    }
}

impl From<ClockChoice> for ClockSource {
    fn from(choice: ClockChoice) -> ClockSource {
        match choice {
            ClockChoice::Internal => ClockSource::Internal,
            ClockChoice::Strict => ClockSource::Strict,
            ClockChoice::Midi => ClockSource::Midi,
            ClockChoice::Follow => ClockSource::Follow,
        }
    }
}

impl From<BelowSplit> for Below {
    fn from(below: BelowSplit) -> Below {
        match below {
            BelowSplit::Through => Below::Through,
            BelowSplit::Bass => Below::Bass,
        }
    }
}

impl From<ReleaseChoice> for Release {
    fn from(choice: ReleaseChoice) -> Release {
        match choice {
            ReleaseChoice::WithMe => Release::WithMe,
            ReleaseChoice::Beat => Release::Beat,
            ReleaseChoice::Hold => Release::Hold,
        }
    }
}

/// Whether there is a clock to click, and a channel for it.
fn check_click(settings: &Settings) -> Result<()> {
    let (click, source) = (settings.click, settings.clock.source);
    if click.is_on && source == ClockSource::Follow {
        bail!(
            "the click goes by a clock, but --clock follow goes by you; --clock internal clicks and leans towards you"
        );
    }
    if click.count_in > 0 && !source.has_own_tempo() {
        bail!("a count-in is for our own clock; leave --count-in out, or let --clock internal or strict give the time");
    }
    let parts = Part::ALL.into_iter().zip(settings.routes);
    let mut taken: Vec<_> = parts.map(|(part, route)| (part.name().to_lowercase(), route.channel)).collect();
    let through = settings.split.filter(|split| split.below == Below::Through);
    taken.extend(through.map(|split| ("keys below the split".to_owned(), split.channel)));
    let is_heard = click.is_on || click.count_in > 0;
    match taken.into_iter().find(|(_, channel)| is_heard && *channel == click.note.channel) {
        Some((whose, channel)) => {
            bail!("channel {} is the click's and the {whose}'s; --click-channel 16 takes another", channel + 1)
        }
        None => Ok(()),
    }
}

fn sound_font(path: &Path) -> Result<Timbre> {
    Ok(Timbre::sound_font(&fs::read(path)?)?)
}

fn tempo(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tempo) if (10.0..=400.0).contains(&tempo) => Ok(tempo),
        _ => Err("expected beats a minute from 10 to 400".to_owned()),
    }
}

fn chord_window(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(window) if (0.0..=100.0).contains(&window) => Ok(window),
        _ => Err("expected milliseconds from 0 to 100".to_owned()),
    }
}

fn semitones(text: &str) -> Result<i8, String> {
    match text.parse::<i8>() {
        Ok(semitones) if (-12..=12).contains(&semitones) => Ok(semitones),
        _ => Err("expected semitones from -12 to 12".to_owned()),
    }
}

fn clock_offset(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(offset) if (-500.0..=500.0).contains(&offset) => Ok(offset),
        _ => Err("expected milliseconds from -500 to 500".to_owned()),
    }
}

fn pickup(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(beats) if (0.0..16.0).contains(&beats) => Ok(beats),
        _ => Err("expected beats: less than a bar, such as 1 or 0.5".to_owned()),
    }
}

/// Sixteenths of the bar before a first key that comes so many beats before the next bar line.
fn first(metre: Metre, pickup: f64) -> Result<u64> {
    /// Of a sixteenth: a third of a beat is told as 0.33.
    const ROUNDED: f64 = 0.05;
    let sixteenths = pickup * metre.beat() as f64;
    let Some(bar) = metre.bar() else {
        if pickup > 0.0 {
            bail!("--pickup {pickup}: without bars there is no pickup; --metre 4/4 has bars");
        }
        return Ok(0);
    };
    let is_exact = (sixteenths - sixteenths.round()).abs() <= ROUNDED;
    if !is_exact || sixteenths.round() >= bar as f64 {
        bail!("--pickup {pickup}: expected beats in sixteenths, less than a bar of {metre}, such as 1 or 0.5");
    }
    Ok((bar - sixteenths.round() as u64) % bar)
}
