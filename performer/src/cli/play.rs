use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use performer::clock::{self, Source};
use performer::harmonizer::Harmonizer;
use performer::live::{Cast, Heard, Live, Shown, Summary};
use performer::midi::Wiring;
use performer::session::Settings;
use performer::take::{ModelIdentity, Recorder};

use super::midi::MidiOptions;
use super::options::ModelOptions;

/// Play live: answer each soprano note at once with alto, tenor and bass.
///
/// The soprano comes in on one MIDI port, on any channel; of keys struck together the highest is the soprano. The parts
/// go out on another port: soprano on channel 1, alto on 2, tenor on 3, bass on 4. While a note holds, the lower parts
/// move on the step clock, four steps a beat; the first key starts it, on a downbeat. After a beat of silence the
/// harmony ends and waits for the next key. Ctrl-C ends everything in silence.
///
/// Each struck note is printed with its chord, soprano to bass, to stdout; everything else goes to stderr. A line that
/// begins with READY says that the ports are open.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer play --virtual                              ports of our own, to connect in a DAW
  performer play --input keystation --output fluid      a keyboard and an instrument, by part of their names
  performer play --midi jack                            JACK: connect performer:in and performer:out
  performer play --virtual --tempo 60 --no-soprano      slower; the soprano sounds elsewhere

`performer ports` lists the names.")]
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

    /// Beats (quarter notes) a minute
    #[arg(long, value_name = "BPM", default_value_t = 80.0, value_parser = tempo)]
    tempo: f64,

    /// What gives the time
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = ClockSource::Internal)]
    clock: ClockSource,

    /// Beats of pickup: 1 when the first key is the last beat of a 4/4 bar; 0.5 for an eighth
    #[arg(long, value_name = "BEATS", default_value_t = 0.0, value_parser = pickup)]
    pickup: f64,

    /// One output port with four channels, or a port for each part
    #[arg(long, value_enum, value_name = "HOW", default_value_t = PortLayout::One)]
    ports: PortLayout,

    /// Record no take
    #[arg(long)]
    no_take: bool,

    /// Where takes are put. Left out: the folder `performer-takes` in your home
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_take")]
    take_folder: Option<PathBuf>,

    /// Don't send the soprano on, only the three lower parts
    #[arg(long)]
    no_soprano: bool,

    #[command(flatten)]
    midi: MidiOptions,

    #[command(flatten)]
    model: ModelOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ClockSource {
    /// The tempo given; the first key starts it
    Internal,
    /// MIDI clock of the input port: start, stop, continue and song position are obeyed
    Midi,
    /// The playing itself: tempo and beat are inferred from your keys
    Follow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PortLayout {
    One,
    PerPart,
}

impl Args {
    fn settings(&self) -> Settings {
        let source = match self.clock {
            ClockSource::Internal => Source::Internal,
            ClockSource::Midi => Source::Midi,
            ClockSource::Follow => Source::Follow,
        };
        let first = (16 - (self.pickup * 4.0) as u64) % 16;
        // The rate is the sound system's.
        let mut settings = Settings::new(clock::Settings { source, rate: 1.0, tempo: self.tempo, first });
        settings.routes[0].muted = self.no_soprano;
        settings
    }

    fn take_folder(&self) -> Option<PathBuf> {
        if self.no_take {
            return None;
        }
        let home = || std::env::home_dir().unwrap_or_default().join("performer-takes");
        Some(self.take_folder.clone().unwrap_or_else(home))
    }
}

pub fn run(args: Args) -> Result<()> {
    // First of all, so that from now on no signal can leave notes sounding.
    let is_over = stop_on_signals()?;
    let backend = args.midi.open()?;
    let system = backend.name();
    let (model, sampling) = (args.model.model()?, args.model.sampling());
    let recorder = match args.take_folder() {
        Some(folder) => {
            let models = vec![ModelIdentity::new(args.model.name(), &model)];
            let recorder = Recorder::new(&folder, models, sampling);
            Some(recorder.with_context(|| {
                format!(
                    "takes can't be put into {}; --take-folder names another folder, --no-take does without",
                    folder.display()
                )
            })?)
        }
        None => None,
    };
    let take = recorder.as_ref().map(Recorder::paths);
    let cast = Cast { harmonizer: Harmonizer::new(model, sampling), second: None, session: args.settings(), recorder };
    let per_part = args.ports == PortLayout::PerPart;
    let wiring = Wiring { input: args.input, output: args.output, own_ports: args.own_ports, per_part };
    let mut live = Live::start(backend, &wiring, cast)?;
    if let Some(links) = live.links() {
        eprintln!(
            "READY {system}: soprano from {}, parts to {}, {} beats a minute",
            links.input, links.output, args.tempo
        );
    }

    // Nanoseconds, up to a minute.
    let mut latencies = Histogram::new_with_bounds(1, 60_000_000_000, 3).context("the latency histogram")?;
    while !is_over.load(Ordering::Acquire) && live.failure().is_none() {
        tell(&mut live, &mut latencies);
        if live.tend()
            && let Some(links) = live.links()
        {
            let state = |is_there: bool| if is_there { "connected" } else { "gone, waiting for it" };
            eprintln!("input {}: {}", links.input, state(links.has_input));
            eprintln!("output {}: {}", links.output, state(links.has_output));
        }
        if let Some(error) = live.take_error() {
            eprintln!("warning: the take is no longer recorded: {error}");
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    let is_silent = live.stop();
    tell(&mut live, &mut latencies);
    let totals = live.summary();
    if let Some((log, score)) = take.filter(|(log, _)| log.exists()) {
        eprintln!("take: {}\ntake: {} (play again: performer replay)", score.display(), log.display());
    }
    eprintln!("{}", summary(totals, &latencies));
    match live.failure() {
        Some(failure) => bail!(failure),
        None if !is_silent => bail!("{system} did not take the last note-offs: some notes may sound on"),
        None => Ok(()),
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
    Ok(is_over)
}

fn tell(live: &mut Live, latencies: &mut Histogram<u64>) {
    let mut out = std::io::stdout().lock();
    while let Some(shown) = live.next_shown() {
        let Shown::Heard(heard) = shown else { continue };
        latencies.saturating_record(heard.latency.as_nanos() as u64);
        // A reader who has left is no reason to stop playing.
        let _ = writeln!(out, "{}", line(&heard));
    }
    let _ = out.flush();
}

fn line(heard: &Heard) -> String {
    heard.parts.map(|pitch| pitch.map_or_else(|| format!("{:<4}", "-"), |pitch| format!("{pitch:<4}"))).join(" ")
}

fn summary(summary: Summary, latencies: &Histogram<u64>) -> String {
    let Summary { notes, missed, dropped, overruns, echoes, unrecorded } = summary;
    let mut text = format!("{notes} notes answered, {missed} missed deadlines");
    let others = [
        (dropped, "messages dropped"),
        (overruns, "overruns of the sound system"),
        (echoes, "messages of our own came back and were ignored"),
        (unrecorded, "events missing in the take"),
    ];
    for (count, what) in others {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
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
