//! What is asked of the operating system past the standard library.

use std::sync::atomic::{AtomicBool, Ordering};

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

/// Set by SIGUSR1.
static PANIC: AtomicBool = AtomicBool::new(false);

extern "C" fn note_panic_signal(_: libc::c_int) {
    PANIC.store(true, Ordering::Release);
}

/// From now on SIGUSR1 is remembered for [`take_panic_signal`] instead of ending the program.
pub fn watch_for_panic_signal() {
    let handler: extern "C" fn(libc::c_int) = note_panic_signal;
    // SAFETY: the handler only stores to an atomic, which a signal handler may.
    unsafe {
        libc::signal(libc::SIGUSR1, handler as libc::sighandler_t);
    }
}

/// Whether SIGUSR1 has come since this was asked last.
pub fn take_panic_signal() -> bool {
    PANIC.swap(false, Ordering::AcqRel)
}
