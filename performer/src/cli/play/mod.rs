//! `performer play`: a live performance from the command line.

mod args;
mod json;
mod keys;
mod lines;
mod performing;
mod ports;
mod printer;
mod signals;
mod telling;
mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
pub use args::Args;
use crossbeam_channel::{Receiver, never};
use live::take::Recorder;
use performer::devices::midi::MidiBackend;
use performer::devices::socket::{Addresses, Listeners, Movement, SocketMidi};
use performer::performance::Performance;
use performing::{Abilities, Show};
use session::control::Control;
use signals::Signals;
use telling::Telling;

use super::screen::View;

pub fn run(args: Args) -> Result<()> {
    perform(args, |args| Ok((args.midi.open()?, None)))
}

/// The same for programs that speak by sockets.
pub fn run_at(args: Args, addresses: &Addresses) -> Result<()> {
    args.check_without_ports()?;
    perform(args, |args| {
        let sockets = SocketMidi::open(addresses)?;
        args.name_ports(sockets.address());
        let remote = Remote { listeners: sockets.listeners(), controls: sockets.controls() };
        Ok((Box::new(sockets), Some(remote)))
    })
}

/// Programs that hear what is told, and move controls.
struct Remote {
    listeners: Arc<Listeners>,
    controls: Receiver<Movement>,
}

fn perform(
    mut args: Args,
    open: impl FnOnce(&mut Args) -> Result<(Box<dyn MidiBackend>, Option<Remote>)>,
) -> Result<()> {
    // First of all, so that no signal can leave notes sounding.
    let signals = Signals::watch()?;
    let config = args.config()?;
    let settings = args.settings(&config)?;
    let (backend, remote) = open(&mut args)?;
    let system = backend.name();
    let cast = args.cast(settings)?;
    let plan = ports::plan(&args, &config, backend.ports()?, &cast)?;
    let take = cast.recorder.as_ref().map(Recorder::paths);
    let (abilities, temperature) = (Abilities::of(&cast), cast.harmonizer.sampling().temperature);

    // The performance goes first where this is left by an error: silence, and then the terminal.
    let _held = signals.hold();
    let (listeners, controls) = remote.map(|remote| (remote.listeners, remote.controls)).unzip();
    let mut telling = Telling::new(&args, listeners)?;
    let mut performance = Performance::start(backend, &plan, cast)?;
    let ports = performance.ports().cloned().context("the ports closed at once")?;
    lines::ready(system, &settings, &plan, &ports).iter().for_each(|line| telling.say(line));
    config.shared_triggers().iter().for_each(|shared| telling.say(lines::shared(shared)));
    let mut view = View::new(system, settings.clock.source, ports, performance.status(), temperature)?;
    view.songs = config.songs.iter().map(|song| song.name.clone()).collect();
    view.take = take.as_ref().and_then(|(_, score)| Some(score.file_name()?.to_string_lossy().into_owned()));
    telling.open_screen()?;
    // With its first song a set list begins; each song counts in by itself.
    if !view.songs.is_empty() {
        performance.turn(Control::NextSong, 127);
    } else if settings.click.count_in > 0 {
        performance.turn(Control::CountIn, 127);
    }
    let controls = controls.unwrap_or_else(never);
    let mut show = Show { performance: &mut performance, view: &mut view, telling: &mut telling, abilities, controls };
    let ended = panics::catch(|| show.run(&signals));

    let is_silent = performance.stop();
    telling.close_screen();
    // What was played since the last look.
    while let Some(event) = performance.next_shown() {
        telling.event(&mut view, &event);
    }
    say_take(&telling, take);
    telling.say(lines::summary(performance.summary(), &view.latencies));
    match ended {
        Ok(ended) => ended?,
        Err(told) => bail!("the main thread panicked, a bug of ours; everything was silenced ({told})"),
    }
    match performance.failure() {
        Some(failure) => bail!(failure),
        None if !is_silent => bail!("{system} did not take the last note-offs: some notes may sound on"),
        None => Ok(()),
    }
}

/// Where the take is: its log and its MIDI file.
fn say_take(telling: &Telling, take: Option<(PathBuf, PathBuf)>) {
    if let Some((log, score)) = take.filter(|(log, _)| log.exists()) {
        telling.say(format!("take: {}\ntake: {} (play again: performer replay)", score.display(), log.display()));
    }
}
