use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use harmonizer::{Harmonizer, Purpose, Sampling, guard_for};
use hdrhistogram::Histogram;
use live::take::{ModelIdentity, Recorder};
use live::{AnsweredNote, PerformanceEvent, Summary};
use network::Model;
use performer::devices::audio::{AudioError, AudioSettings};
use performer::devices::midi::{Links, MidiError, Ports, Wiring};
use performer::performance::{Cast, Performance, PerformanceError};
use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use serde_json::json;
use session::clock::{self, ClockSource};
use session::config::{self, Config, KeyNumber};
use session::control::{self, Control};
use session::{Below, KeyboardSplit, SPLIT_CHANNEL, Settings};

use super::learn::default_path;
use super::midi::MidiOptions;
use super::options::{ModelOptions, load_model};
use super::screen::{self, Screen, View, Wish};

/// Play live: answer each soprano note at once with alto, tenor and bass.
///
/// The soprano comes in on one MIDI port, on any channel; of keys struck together the highest is the soprano. The parts
/// go out on another port: soprano on channel 1, alto on 2, tenor on 3, bass on 4. While a note holds, the lower parts
/// move on the step clock, four steps a beat. After a beat of silence the harmony ends and waits for the next key.
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
  performer play --input keystation --output fluid      a keyboard and an instrument, by part of their names
  performer play --input keystation --synth             the built-in organ
  performer play --midi jack --clock midi               JACK, in the time of a DAW's MIDI clock
  performer play --virtual --clock follow --tempo 60    no click: you give the time, 60 to the minute at first
  performer play --virtual --no-soprano                 the soprano sounds elsewhere
  performer play --virtual --split C4 --below bass      your left hand is the bass

`performer ports` lists the names; `performer learn` binds knobs and pads to the screen's keys.")]
pub struct Args {
    /// The port the soprano comes from: a name, a part of one, or a number from `performer ports`
    #[arg(long, value_name = "PORT")]
    input: Option<String>,

    /// The port the parts go to: a name, a part of one, or a number from `performer ports`
    #[arg(long, value_name = "PORT")]
    output: Option<String>,

    /// Make ports of our own where no name is given, for other programs to connect to. JACK always does; Windows can't
    #[arg(long = "virtual")]
    own_ports: bool,

    /// One output port with four channels, or a port for each part
    #[arg(long, value_enum, value_name = "HOW", default_value_t = PortLayout::One)]
    ports: PortLayout,

    /// Beats (quarter notes) a minute [default: 80]
    #[arg(long, value_name = "BPM", value_parser = tempo)]
    tempo: Option<f64>,

    /// What gives the time [default: internal]
    #[arg(long, value_enum, value_name = "SOURCE")]
    clock: Option<ClockChoice>,

    /// The port MIDI clock comes from, where that is not the keyboard's. With --virtual and left out, a port of our own
    #[arg(long, value_name = "PORT")]
    clock_input: Option<String>,

    /// Beats of pickup: 1 when the first key is the last beat of a 4/4 bar; 0.5 for an eighth
    #[arg(long, value_name = "BEATS", default_value_t = 0.0, value_parser = pickup)]
    pickup: f64,

    /// Keys below this one are no melody but passed on as they are, on channel 5, or what --below says. For example C4
    #[arg(long, value_name = "KEY")]
    split: Option<KeyNumber>,

    /// What the keys below the split are [default: through]
    #[arg(long, value_enum, value_name = "WHAT")]
    below: Option<BelowSplit>,

    /// Don't send the soprano on, only the three lower parts
    #[arg(long)]
    no_soprano: bool,

    /// Sound by the built-in organ
    #[arg(long)]
    synth: bool,

    /// Sound by a SoundFont instead
    #[arg(long, value_name = "FILE.sf2")]
    soundfont: Option<PathBuf>,

    /// Frames a second of our own sound; the device's own when left out
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=384_000))]
    sample_rate: Option<u32>,

    /// Frames a buffer of our own sound
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(16..=8192))]
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
    plain: bool,

    /// No screen: an object in JSON for each struck note and each step in which a part moves
    #[arg(long)]
    json: bool,

    /// A second network to switch to while playing: `wavenet`, `lstm` or an ONNX file
    #[arg(long, value_name = "NAME|FILE")]
    second_model: Option<PathBuf>,

    #[command(flatten)]
    midi: MidiOptions,

    #[command(flatten)]
    model: ModelOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ClockChoice {
    /// The tempo given; the first key starts it
    Internal,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PortLayout {
    One,
    PerPart,
}

const DEFAULT_TEMPO: f64 = 80.0;

impl Args {
    fn settings(&self, config: &Config) -> Settings {
        let first = (16 - (self.pickup * 4.0) as u64) % 16;
        // The rate is the sound system's.
        let clock = clock::Settings { source: ClockSource::Internal, rate: 1.0, tempo: DEFAULT_TEMPO, first };
        let mut settings = Settings::new(clock);
        config.apply(&mut settings);
        if let Some(clock) = self.clock {
            settings.clock.source = match clock {
                ClockChoice::Internal => ClockSource::Internal,
                ClockChoice::Midi => ClockSource::Midi,
                ClockChoice::Follow => ClockSource::Follow,
            };
        }
        settings.clock.tempo = self.tempo.unwrap_or(settings.clock.tempo);
        if let Some(KeyNumber(key)) = self.split {
            let before = settings.split.unwrap_or(KeyboardSplit { key, channel: SPLIT_CHANNEL, below: Below::Through });
            settings.split = Some(KeyboardSplit { key, ..before });
        }
        if let (Some(split), Some(below)) = (&mut settings.split, self.below) {
            split.below = match below {
                BelowSplit::Through => Below::Through,
                BelowSplit::Bass => Below::Bass,
            };
        }
        settings.routes[0].muted |= self.no_soprano;
        if self.soundfont.is_some() {
            settings.routes.iter_mut().for_each(|route| route.program = route.program.or(Some(sound::CHOIR_AAHS)));
        }
        settings
    }

    /// The settings file that was named, or the one in its usual place if there is one.
    fn config(&self) -> Result<Config> {
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

    fn sound(&self) -> Result<Option<AudioSettings>> {
        let sound_font = match &self.soundfont {
            Some(path) => Some(fs::read(path).with_context(|| format!("--soundfont {}", path.display()))?),
            None if self.synth => None,
            None => return Ok(None),
        };
        Ok(Some(AudioSettings { sample_rate: self.sample_rate, buffer: self.buffer, sound_font }))
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
}

pub fn run(args: Args) -> Result<()> {
    // First of all, so that from now on no signal can leave notes sounding.
    let is_over = stop_on_signals()?;
    let config = args.config()?;
    let session = args.settings(&config);
    let source = session.clock.source;
    if args.below.is_some() && session.split.is_none() {
        bail!("--below says what the keys below a split are, but there is no split; --split C4 makes one");
    }
    if args.clock_input.is_some() && source != ClockSource::Midi {
        bail!("--clock-input says where MIDI clock comes from, but nothing goes by it; --clock midi does");
    }
    let backend = args.midi.open()?;
    let system = backend.name();
    let first = args.model.model()?;
    let second: Option<Arc<Model>> = args.second_model.as_deref().map(load_model).transpose()?;
    let sampling = |model: &Model| args.model.sampling(guard_for(model, Purpose::Live));
    let mut models = vec![(ModelIdentity::new(args.model.name(), &first), sampling(&first))];
    if let (Some(name), Some(second)) = (&args.second_model, &second) {
        models.push((ModelIdentity::new(&name.to_string_lossy(), second), sampling(second)));
    }
    let recorder = args.recorder(models)?;
    let take = recorder.as_ref().map(Recorder::paths);
    let mut wiring = Wiring {
        input: args.input.clone().or_else(|| config.input.clone()),
        output: args.output.clone().or_else(|| config.output.clone()),
        own_ports: args.own_ports,
        per_part: args.ports == PortLayout::PerPart,
        ..Wiring::default()
    };
    let harmonizer = |model: Arc<Model>| {
        let sampling = sampling(&model);
        Harmonizer::new(model, sampling)
    };
    let cast =
        Cast { harmonizer: harmonizer(first), second: second.map(harmonizer), session, sound: args.sound()?, recorder };
    complete(&mut wiring, backend.ports()?, cast.sound.is_some(), ask)?;
    if source == ClockSource::Midi {
        wiring.clock_input = args.clock_input.or(config.clock_input);
        wiring.own_clock_port = wiring.own_ports && wiring.input.is_some();
    }
    let tempo = cast.session.clock.tempo;
    let channels = cast.session.routes.map(|route| route.channel + 1);
    let temperature = cast.harmonizer.sampling().temperature;
    let can = Can { switch_model: cast.second.is_some(), set_tempo: source == ClockSource::Internal };
    let mut performance =
        Performance::start(backend, &wiring, cast).map_err(|error| match (error, &args.soundfont) {
            (PerformanceError::Midi(MidiError::Sound(error @ AudioError::SoundFont(_))), Some(path)) => {
                anyhow::Error::new(error).context(format!("--soundfont {}", path.display()))
            }
            (error, _) => error.into(),
        })?;
    let links = performance.links().cloned().context("the ports closed at once")?;
    eprintln!("READY {system}: soprano from {}, parts to {}, {tempo} beats a minute", links.input, links.output);
    if source == ClockSource::Midi {
        eprintln!("MIDI clock from {}", links.clock.as_ref().unwrap_or(&links.input));
    }
    if let Some(sound) = &links.sound {
        eprintln!("sound: {sound}");
    }
    if wiring.input.is_none() {
        eprintln!("Connect the keyboard to {}.", links.input);
    }
    if wiring.output.is_none() {
        eprintln!("{}", to_connect(&links, channels, wiring.per_part));
    }

    let mut view = View::new(system, source, links, performance.status(), temperature)?;
    view.take = take.as_ref().and_then(|(_, score)| Some(score.file_name()?.to_string_lossy().into_owned()));
    let manner = match (args.json, args.plain) {
        (true, _) => Manner::Json,
        (false, false) if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => Manner::Screen(
            Box::new(Screen::open().context("the terminal can't show the screen; --plain does without")?),
        ),
        _ => Manner::Plain,
    };
    let ended = perform(&mut performance, &mut view, manner, can, &is_over);
    let is_silent = performance.stop();
    let manner = if args.json { Manner::Json } else { Manner::Plain };
    while let Some(shown) = performance.next_shown() {
        tell(&mut view, &shown, &manner);
    }
    if let Some((log, score)) = take.filter(|(log, _)| log.exists()) {
        eprintln!("take: {}\ntake: {} (play again: performer replay)", score.display(), log.display());
    }
    eprintln!("{}", summary(performance.summary(), &view.latencies));
    ended?;
    match performance.failure() {
        Some(failure) => bail!(failure),
        None if !is_silent => bail!("{system} did not take the last note-offs: some notes may sound on"),
        None => Ok(()),
    }
}

/// What the player still has to do in the DAW.
fn to_connect(links: &Links, [soprano, alto, tenor, bass]: [u8; 4], per_part: bool) -> String {
    let ports = &links.output;
    if per_part {
        return format!("In the DAW: four tracks, one for each of {ports}.");
    }
    format!(
        "In the DAW: four tracks that listen to {ports}, on channels {soprano} (soprano), {alto} (alto), {tenor} (tenor) \
         and {bass} (bass)."
    )
}

/// Who is asked for a port may say.
enum Answer {
    Port(String),
    /// A port of our own, to be connected later.
    Own,
    /// Nobody can be asked: the sound system says what there is to choose from.
    Nobody,
}

/// Chooses what was left open: the only port there is, one that the user names when asked, or ports of our own.
fn complete(
    wiring: &mut Wiring,
    ports: Ports,
    has_sound: bool,
    ask: impl Fn(&[String], &str) -> Result<Answer>,
) -> Result<()> {
    if wiring.own_ports {
        return Ok(());
    }
    let mut wants_own = wiring.per_part || has_sound;
    for (name, ports, what) in [
        (&mut wiring.input, ports.inputs, "the soprano come from"),
        (&mut wiring.output, ports.outputs, "the parts go to"),
    ] {
        if name.is_some() || (wants_own && what.starts_with("the parts")) {
            continue;
        }
        // ALSA's own loop is always there and nobody's keyboard.
        let real: Vec<String> = ports.into_iter().filter(|port| !port.contains("Midi Through")).collect();
        match &real[..] {
            [] => wants_own = cfg!(unix),
            [only] => *name = Some(only.clone()),
            _ => match ask(&real, what)? {
                Answer::Port(port) => *name = Some(port),
                Answer::Own => wants_own = true,
                Answer::Nobody => {}
            },
        }
    }
    wiring.own_ports = wants_own;
    Ok(())
}

fn ask(ports: &[String], what: &str) -> Result<Answer> {
    if !std::io::stdin().is_terminal() {
        return Ok(Answer::Nobody);
    }
    eprintln!("Where shall {what}?");
    if cfg!(unix) {
        eprintln!("  0 a port of our own, to be connected later, as in a DAW");
    }
    for (number, port) in (1..).zip(ports) {
        eprintln!("  {number} {port}");
    }
    loop {
        eprint!("number: ");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line)? == 0 {
            return Ok(Answer::Nobody);
        }
        match line.trim().parse::<usize>() {
            Ok(0) if cfg!(unix) => return Ok(Answer::Own),
            Ok(number) if (1..=ports.len()).contains(&number) => return Ok(Answer::Port(ports[number - 1].clone())),
            _ => {}
        }
    }
}

/// How the performance is told.
enum Manner {
    Screen(Box<Screen>),
    Plain,
    Json,
}

/// What this performance can do besides.
#[derive(Clone, Copy)]
struct Can {
    switch_model: bool,
    set_tempo: bool,
}

/// Until the player ends it, or something else does.
fn perform(
    performance: &mut Performance,
    view: &mut View,
    mut manner: Manner,
    can: Can,
    is_over: &AtomicBool,
) -> Result<()> {
    let typed = if matches!(manner, Manner::Screen(_)) { mpsc::channel().1 } else { typed_keys() };
    while !is_over.load(Ordering::Acquire) && performance.failure().is_none() {
        while let Some(shown) = performance.next_shown() {
            tell(view, &shown, &manner);
        }
        let _ = std::io::stdout().flush();
        let before = view.status;
        (view.status, view.summary) = (performance.status(), performance.summary());
        if performance.tend()
            && let Some(links) = performance.links()
        {
            for change in changes(view.system, &view.links, links) {
                note(view, &manner, change);
            }
            view.links = links.clone();
        }
        if view.status.is_stalled != before.is_stalled {
            let what = if view.status.is_stalled { "has stalled, the time goes on" } else { "is back" };
            note(view, &manner, format!("the MIDI clock {what}"));
        }
        if let Some(error) = performance.take_error() {
            note(view, &manner, format!("the take is no longer recorded: {error}"));
        }
        #[cfg(unix)]
        if performer::devices::unix::take_panic_signal() {
            performance.turn(Control::Panic, 127);
        }
        let wish = match &mut manner {
            Manner::Screen(screen) => {
                screen.draw(view).context("cannot draw on the terminal")?;
                screen.wish(Duration::from_millis(33)).context("cannot read the terminal")?
            }
            Manner::Plain | Manner::Json => {
                let now = view.status;
                if now.density != before.density {
                    note(view, &manner, format!("density {}", now.density.name()));
                }
                if now.temperature != before.temperature {
                    note(view, &manner, format!("temperature {:.2}", view.temperature()));
                }
                match typed.try_recv() {
                    Ok(key) => screen::wish(KeyCode::Char(key), KeyModifiers::NONE),
                    Err(_) => {
                        thread::park_timeout(Duration::from_millis(50));
                        None
                    }
                }
            }
        };
        match wish {
            Some(Wish::Quit) => break,
            Some(Wish::Toggle(Control::Model)) if !can.switch_model => {
                note(view, &manner, "there is no second model: start with --second-model lstm".to_owned());
            }
            Some(Wish::Change(Control::Tempo, _)) if !can.set_tempo => {
                note(view, &manner, "the tempo comes from the clock".to_owned());
            }
            Some(Wish::Toggle(control)) => performance.toggle(control),
            Some(Wish::Change(control, by)) => performance.turn(control, changed(control, by, view)),
            Some(Wish::Redraw) | None => {}
        }
    }
    Ok(())
}

/// What is typed on stdin, whose lines are handed on letter by letter. Its end changes nothing.
fn typed_keys() -> Receiver<char> {
    // A program in the background that reads its terminal would be stopped, with notes sounding.
    #[cfg(unix)]
    performer::devices::unix::read_terminal_from_background();
    let (send, typed) = mpsc::channel();
    let main = thread::current();
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line.chars().any(|key| send.send(key).is_err()) {
                return;
            }
            main.unpark();
        }
    });
    typed
}

/// The value of a control without a switch, 0 to 127, one step up or down from where it stands.
fn changed(control: Control, by: i8, view: &View) -> u8 {
    let status = &view.status;
    match control {
        Control::Density => status.density.value().wrapping_add(32) % 128,
        Control::Temperature => control::temperature_value(view.temperature()).saturating_add_signed(8 * by).min(127),
        _ => ((status.tempo.round() + f64::from(by)).clamp(40.0, 167.0) - 40.0) as u8,
    }
}

/// What is told of ports and servers that come and go.
fn changes(system: &str, before: &Links, after: &Links) -> Vec<String> {
    if !after.has_server {
        return vec![format!("{system} has shut down, waiting for it to come back")];
    }
    let server = (!before.has_server).then(|| format!("{system} is back"));
    let state = |is_there: bool| if is_there { "connected" } else { "gone, waiting for it" };
    let (input, output) = (state(after.has_input), state(after.has_output));
    let ports = format!("input {}: {input}; output {}: {output}", after.input, after.output);
    let clock = after.clock.as_ref().map(|clock| format!("; clock {clock}: {}", state(after.has_clock)));
    server.into_iter().chain([ports + &clock.unwrap_or_default()]).collect()
}

fn note(view: &mut View, manner: &Manner, text: String) {
    match manner {
        Manner::Screen(_) => view.notes.push(text),
        Manner::Plain => eprintln!("{text}"),
        Manner::Json => {
            let _ = writeln!(std::io::stdout(), "{}", json!({ "event": "message", "text": text }));
            eprintln!("{text}");
        }
    }
}

fn tell(view: &mut View, shown: &PerformanceEvent, manner: &Manner) {
    view.show(shown);
    if let PerformanceEvent::AnsweredNote(heard) = shown {
        view.latencies.saturating_record(heard.latency.as_nanos() as u64);
    }
    // A reader who has left is no reason to stop playing.
    let mut out = std::io::stdout().lock();
    let _ = match (manner, shown) {
        (Manner::Plain, PerformanceEvent::AnsweredNote(heard)) => {
            writeln!(out, "{}", line(heard, view.chord_of(heard.parts)))
        }
        (Manner::Plain, PerformanceEvent::Switched { switch, is_on, .. }) => {
            eprintln!("{} {}", switch.name(), if *is_on { "on" } else { "off" });
            Ok(())
        }
        (Manner::Json, shown) => writeln!(out, "{}", json_line(shown, view)),
        _ => Ok(()),
    };
}

fn json_line(shown: &PerformanceEvent, view: &View) -> serde_json::Value {
    let midi = |parts: [Option<chorale::Pitch>; 4]| parts.map(|pitch| pitch.map(chorale::Pitch::midi));
    match *shown {
        PerformanceEvent::AnsweredNote(AnsweredNote { at, position, parts, latency }) => {
            let (chord, numeral) = view.chord_of(parts).unzip();
            json!({
                "event": "note", "at": at, "position": position, "parts": midi(parts),
                "chord": chord, "numeral": numeral, "latency_us": latency.as_nanos() as f64 / 1000.0,
            })
        }
        PerformanceEvent::Moment { at, position, parts } => {
            json!({ "event": "step", "at": at, "position": position, "parts": midi(parts) })
        }
        PerformanceEvent::Switched { at, switch, is_on } => {
            json!({ "event": "switch", "at": at, "name": switch.name(), "on": is_on })
        }
    }
}

/// The flag that SIGINT, SIGTERM, SIGHUP (Ctrl-C and closing the window on Windows) set.
fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (flag, main) = (Arc::clone(&is_over), thread::current());
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Release);
        main.unpark();
    })
    .context("can't watch for Ctrl-C")?;
    #[cfg(unix)]
    performer::devices::unix::watch_for_panic_signal();
    Ok(is_over)
}

/// The notes, soprano to bass, and the chord with its Roman numeral.
fn line(heard: &AnsweredNote, chord: Option<(String, String)>) -> String {
    let notes = heard.parts.map(|pitch| pitch.map_or_else(|| format!("{:<4}", "-"), |pitch| format!("{pitch:<4}")));
    let (symbol, numeral) = chord.unwrap_or_default();
    format!("{} {symbol:<7} {numeral}", notes.join(" ")).trim_end().to_owned()
}

fn summary(summary: Summary, latencies: &Histogram<u64>) -> String {
    let Summary { notes, missed, dropped, overruns, echoes, unrecorded } = summary;
    let counted =
        |count: u64, one: &str, rest: &str| format!("{count} {one}{}{rest}", if count == 1 { "" } else { "s" });
    let mut text = format!("{}, {}", counted(notes, "note", " answered"), counted(missed, "missed deadline", ""));
    let others = [
        (dropped, "message", " dropped"),
        (overruns, "overrun", " of the sound system"),
        (echoes, "message", " of our own that came back, ignored"),
        (unrecorded, "event", " missing in the take"),
    ];
    for (count, one, rest) in others.into_iter().filter(|(count, ..)| *count > 0) {
        text += &format!(", {}", counted(count, one, rest));
    }
    if !latencies.is_empty() {
        let microseconds = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
        text += &format!(
            "; note-on to answer p50 {:.1} us, p99 {:.1} us, max {:.1} us",
            microseconds(latencies.value_at_quantile(0.5)),
            microseconds(latencies.value_at_quantile(0.99)),
            microseconds(latencies.max())
        );
    }
    text
}

fn tempo(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tempo) if (10.0..=400.0).contains(&tempo) => Ok(tempo),
        _ => Err("expected beats a minute from 10 to 400".to_owned()),
    }
}

fn pickup(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(beats) if (0.0..4.0).contains(&beats) && (beats * 4.0).fract() == 0.0 => Ok(beats),
        _ => Err("expected beats from 0 to 3.75 in quarters of a beat".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use chorale::Density;
    use live::Status;

    use super::*;

    fn completed(wiring: Wiring, inputs: &[&str], outputs: &[&str], has_sound: bool) -> Wiring {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ports = Ports { inputs: names(inputs), outputs: names(outputs) };
        let mut wiring = wiring;
        let last = |ports: &[String], _: &str| Ok(ports.last().cloned().map_or(Answer::Nobody, Answer::Port));
        complete(&mut wiring, ports, has_sound, last).unwrap();
        wiring
    }

    #[test]
    fn a_start_without_arguments_takes_the_only_port_asks_among_several_and_makes_what_is_missing() {
        let one =
            completed(Wiring::default(), &["Midi Through 14:0", "Keys 20:0"], &["Midi Through 14:0", "Synth"], false);
        assert_eq!(
            (one.input.as_deref(), one.output.as_deref(), one.own_ports),
            (Some("Keys 20:0"), Some("Synth"), false)
        );
        let several = completed(Wiring::default(), &["Keys", "Pads"], &["Synth"], false);
        assert_eq!(several.input.as_deref(), Some("Pads"), "the one that was named when asked");
        let nothing = completed(Wiring::default(), &["Midi Through 14:0"], &[], false);
        assert_eq!((nothing.input, nothing.output, nothing.own_ports), (None, None, cfg!(unix)));
        let sounding = completed(Wiring::default(), &["Keys"], &["Synth", "Other"], true);
        assert_eq!((sounding.output, sounding.own_ports), (None, true), "our own sound needs no instrument");
        let named = Wiring { input: Some("x".to_owned()), output: Some("y".to_owned()), ..Wiring::default() };
        let kept = completed(named, &["Keys"], &["Synth"], false);
        assert_eq!((kept.input.as_deref(), kept.output.as_deref()), (Some("x"), Some("y")));
        let mut later = Wiring::default();
        let two = || vec!["Keys".to_owned(), "Pads".to_owned()];
        complete(&mut later, Ports { inputs: two(), outputs: two() }, false, |_, _| Ok(Answer::Own)).unwrap();
        assert_eq!((later.input, later.output, later.own_ports), (None, None, true));
    }

    #[test]
    fn the_screens_steps_stay_within_what_a_control_can_say() {
        let mut view = View::new("JACK", ClockSource::Internal, Links::default(), Status::new(80.0, &[]), 0.9).unwrap();
        let densities: Vec<&str> = (0..4)
            .map(|_| {
                view.status.density = Density::from_value(changed(Control::Density, 1, &view));
                view.status.density.name()
            })
            .collect();
        assert_eq!(densities, ["still", "beats", "eighths", "sixteenths"]);
        assert_eq!(changed(Control::Temperature, 1, &view), 51 + 8, "from where it was started");
        for _ in 0..50 {
            view.status.temperature = Some(control::temperature(changed(Control::Temperature, 1, &view)));
        }
        assert_eq!(view.status.temperature, Some(1.5));
        assert_eq!(changed(Control::Tempo, 1, &view), 41);
        view.status.tempo = 400.0;
        assert_eq!(changed(Control::Tempo, 1, &view), 127);
    }
}
