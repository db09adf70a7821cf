//! What is asked of the operating system past the standard library.

use std::time::Duration;
use std::{io, ptr, thread};

/// Lets this thread go before others when its time has come. Where the user may not ask for that (on Linux the group
/// audio usually may), it plays all the same, and later when the machine is busy.
pub fn ask_for_real_time() {
    // Below JACK's and the kernel's own threads, above all ordinary ones.
    const PRIORITY: libc::c_int = 40;
    // SAFETY: sched_param is plain numbers, for which zero is valid, and the call only reads it.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = PRIORITY;
        libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &parameters);
    }
}

/// From now on reading the terminal in the background is an error, instead of stopping the program.
pub fn read_terminal_from_background() {
    // SAFETY: no handler is installed.
    unsafe {
        libc::signal(libc::SIGTTIN, libc::SIG_IGN);
    }
}

/// Whether stdin has something to read within that time.
pub fn stdin_has_within(time: Duration) -> bool {
    let mut stdin = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let milliseconds = time.as_millis().try_into().unwrap_or(libc::c_int::MAX);
    // SAFETY: one descriptor, which lives for the length of the call.
    unsafe { libc::poll(&mut stdin, 1, milliseconds) > 0 }
}

/// A signal by which a user or a shell moves a program that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSignal {
    /// SIGUSR1.
    Panic,
    /// SIGTSTP, as Ctrl-Z on a terminal sends it.
    Suspend,
    /// SIGQUIT, as Ctrl-\ on a terminal sends it.
    Quit,
}

/// From now on each SIGUSR1, SIGTSTP and SIGQUIT calls `tell`, on a thread of its own, instead of ending or stopping the program.
/// To be called before any other thread is started: they inherit that the signals are not for them.
///
/// # Errors
/// When there is no thread to be had.
pub fn on_job_signals(tell: impl Fn(JobSignal) + Send + 'static) -> io::Result<()> {
    let set = signal_set(&[libc::SIGUSR1, libc::SIGTSTP, libc::SIGQUIT]);
    mask(libc::SIG_BLOCK, &set);
    let wait = move || {
        let mut signal = 0;
        // SAFETY: both point to values of this closure, initialized above.
        while unsafe { libc::sigwait(&set, &mut signal) } == 0 {
            tell(match signal {
                libc::SIGTSTP => JobSignal::Suspend,
                libc::SIGQUIT => JobSignal::Quit,
                _ => JobSignal::Panic,
            });
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// Stops the whole program as SIGTSTP does, and returns when SIGCONT lets it go on; at once where nobody could send
/// that, since no shell watches over the program.
pub fn stop_until_continued() {
    let set = signal_set(&[libc::SIGTSTP]);
    mask(libc::SIG_UNBLOCK, &set);
    // SAFETY: no memory is passed. The signal is for this thread, which has just unblocked it.
    unsafe {
        libc::raise(libc::SIGTSTP);
    }
    mask(libc::SIG_BLOCK, &set);
}

fn signal_set(signals: &[libc::c_int]) -> libc::sigset_t {
    // SAFETY: a signal set is plain memory, which sigemptyset initializes and sigaddset writes to.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for &signal in signals {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

fn mask(how: libc::c_int, set: &libc::sigset_t) {
    // SAFETY: the set is read only, and the old one is not asked for.
    unsafe {
        libc::pthread_sigmask(how, set, ptr::null_mut());
    }
}
