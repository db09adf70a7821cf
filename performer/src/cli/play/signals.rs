//! Signals, as messages to the main thread.

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, bounded};

/// What the operating system asks for. A message that is not taken yet stands for all that came meanwhile.
pub struct Signals {
    /// SIGINT, SIGTERM or SIGHUP; Ctrl-C and closing the window on Windows.
    pub stop: Receiver<()>,
    /// SIGUSR1: end what sounds.
    pub panic: Receiver<()>,
}

impl Signals {
    /// To be called before any thread is started.
    pub fn watch() -> Result<Signals> {
        let panic = panic_signal()?;
        let (send, stop) = bounded(1);
        ctrlc::set_handler(move || {
            let _ = send.try_send(());
        })
        .context("can't watch for Ctrl-C")?;
        Ok(Signals { stop, panic })
    }
}

#[cfg(unix)]
fn panic_signal() -> Result<Receiver<()>> {
    let (send, panic) = bounded(1);
    let tell = move || {
        let _ = send.try_send(());
    };
    performer::devices::unix::on_panic_signal(tell).context("can't watch for SIGUSR1")?;
    Ok(panic)
}

#[cfg(not(unix))]
fn panic_signal() -> Result<Receiver<()>> {
    Ok(crossbeam_channel::never())
}
