//! Lets a thread of a debug build panic, for the tests of what a panic leads to. A release build has none of it.

use crate::shared::Shared;

/// To be called before the threads start: reads which thread is to panic.
pub fn prepare() {
    #[cfg(debug_assertions)]
    injection::prepare();
}

/// Panics in the thread of that name once some notes were played, if a test wants it to. Real-time.
#[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "release builds inject nothing"))]
pub fn trip(shared: &Shared, thread: &str) {
    #[cfg(debug_assertions)]
    injection::trip(shared, thread);
}

#[cfg(debug_assertions)]
mod injection {
    use std::sync::OnceLock;

    use crate::shared::Shared;

    /// The variable that names the thread.
    const PANICS: &str = "PERFORMER_PANICS";
    /// Notes are played before, so that there is something to silence.
    const PANICS_AFTER: u64 = 3;

    static THREAD: OnceLock<Option<String>> = OnceLock::new();

    pub fn prepare() {
        THREAD.get_or_init(|| std::env::var(PANICS).ok());
    }

    pub fn trip(shared: &Shared, thread: &str) {
        if THREAD.get().and_then(Option::as_deref) == Some(thread) {
            assert!(shared.summary().notes < PANICS_AFTER, "{PANICS} asks for it");
        }
    }
}
