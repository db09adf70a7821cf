//! What is asked of the operating system past the standard library.

use std::io;
use std::thread;

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

/// From now on each SIGUSR1 calls `tell`, on a thread of its own, instead of ending the program. To be called before any
/// other thread is started: they inherit that the signal is not for them.
///
/// # Errors
/// When there is no thread to be had.
pub fn on_panic_signal(tell: impl Fn() + Send + 'static) -> io::Result<()> {
    // SAFETY: a signal set is plain memory, which sigemptyset initializes; the calls only write to it and read it.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        set
    };
    let wait = move || {
        let mut signal = 0;
        // SAFETY: both point to values of this closure, initialized above.
        while unsafe { libc::sigwait(&set, &mut signal) } == 0 {
            tell();
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
