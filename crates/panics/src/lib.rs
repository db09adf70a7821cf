//! Panics that are caught: they are told by whoever catches them, and at once by nobody.
//!
//! The ordinary hook writes to stderr, with a backtrace on wish: in a sound system's callback that takes longer than the
//! callback may, and what ends the notes would come too late.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    static TOLD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// To be called before [`catch`] is used in a real-time thread: installs the hook, which is the process's.
pub fn prepare() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IS_CAUGHT.get() {
                TOLD.set(describe(panic));
            } else {
                others(panic);
            }
        }));
    });
}

fn describe(panic: &PanicHookInfo) -> String {
    let place = panic.location().map_or_else(String::new, |place| format!("{}:{}: ", place.file(), place.line()));
    place + panic.payload_as_str().unwrap_or("a panic without words")
}

/// Runs `work`. What is left behind by a panic in it is the caller's to mend.
///
/// # Errors
/// The panic's place and message.
///
/// Real-time as long as nothing panics, after [`prepare`].
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    prepare();
    let before = IS_CAUGHT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(before);
    result.map_err(|_| TOLD.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_by_its_place_and_message_also_from_inside_another_catch() {
        let outer = catch(|| {
            let inner = catch(|| panic!("of {}", 7)).unwrap_err();
            assert!(inner.starts_with(file!()) && inner.ends_with(": of 7"), "{inner}");
            panic!("outside");
        });
        assert!(outer.unwrap_err().ends_with(": outside"));
        assert_eq!(catch(|| 3), Ok(3));
    }
}
