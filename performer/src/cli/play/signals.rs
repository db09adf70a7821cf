//! Signals, as messages to the main thread.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, bounded};

/// The exit code of a program that SIGINT ends, as shells have it.
const INTERRUPTED: i32 = 130;

/// What the operating system asks for. A message that is not taken yet stands for all that came meanwhile.
pub struct Signals {
    /// SIGINT, SIGTERM, SIGHUP or SIGQUIT; Ctrl-C and closing the window on Windows.
    pub stop: Receiver<()>,
    /// SIGUSR1: end what sounds.
    pub panic: Receiver<()>,
    /// SIGTSTP: fall silent and stop, until SIGCONT.
    pub suspend: Receiver<()>,
    is_playing: Arc<AtomicBool>,
}

impl Signals {
    /// To be called before any thread is started. Until [`Signals::hold`], what asks for the end is the end.
    pub fn watch() -> Result<Signals> {
        let is_playing = Arc::new(AtomicBool::new(false));
        let (send, stop) = bounded(1);
        let is_held = Arc::clone(&is_playing);
        let end = move || {
            if !is_held.load(Ordering::Acquire) {
                process::exit(INTERRUPTED);
            }
            let _ = send.try_send(());
        };
        let [panic, suspend] = job_signals(end.clone())?;
        ctrlc::set_handler(end).context("can't watch for Ctrl-C")?;
        Ok(Signals { stop, panic, suspend, is_playing })
    }

    /// From now on nothing but a message comes of a signal, since notes may sound; until what is returned is dropped.
    pub fn hold(&self) -> Held {
        self.is_playing.store(true, Ordering::Release);
        Held(Arc::clone(&self.is_playing))
    }
}

pub struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Those that ask for silence, and for a pause; `end` is called by one that asks for the end.
#[cfg(unix)]
fn job_signals(end: impl Fn() + Send + 'static) -> Result<[Receiver<()>; 2]> {
    use performer::devices::unix::{JobSignal, on_job_signals};

    let ((panics, panic), (suspends, suspend)) = (bounded(1), bounded(1));
    let tell = move |signal| match signal {
        JobSignal::Panic => drop(panics.try_send(())),
        JobSignal::Suspend => drop(suspends.try_send(())),
        JobSignal::Quit => end(),
    };
    on_job_signals(tell).context("can't watch for SIGUSR1, SIGTSTP and SIGQUIT")?;
    Ok([panic, suspend])
}

#[cfg(not(unix))]
fn job_signals(_: impl Fn() + Send + 'static) -> Result<[Receiver<()>; 2]> {
    Ok([crossbeam_channel::never(), crossbeam_channel::never()])
}
