//! What JavaScript calls. Texts are JSON in UTF-8; whatever memory is handed over belongs to who got it.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::panic;
use std::sync::{Mutex, Once, PoisonError};

use crate::call::Page;
use crate::organ::OrganBlock;

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
    static ORGAN: RefCell<Option<OrganBlock>> = const { RefCell::new(None) };
}

/// What the last panic said. After it the instance is of no further use.
static COMPLAINT: Mutex<String> = Mutex::new(String::new());

/// Memory to write into, for [`call`] and [`give`].
#[unsafe(no_mangle)]
pub extern "C" fn alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; length].into_boxed_slice()).cast()
}

/// Gives back what a call returned.
///
/// # Safety
/// `start` and `length` are those of a result that was not given back yet, or of [`alloc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(start: *mut u8, length: usize) {
    // SAFETY: the caller's.
    drop(unsafe { owned(start, length) });
}

/// Answers a request. Takes its text over.
///
/// # Safety
/// As [`release`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call(start: *mut u8, length: usize) -> u64 {
    watch_for_panics();
    // SAFETY: the caller's.
    let request = unsafe { owned(start, length) };
    let answer = PAGE.with_borrow_mut(|page| page.call(&request));
    hand_over(answer.into_bytes())
}

/// Bytes for the next call, such as those of a file. Takes them over.
///
/// # Safety
/// As [`release`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn give(start: *mut u8, length: usize) {
    // SAFETY: the caller's.
    let bytes = unsafe { owned(start, length) };
    PAGE.with_borrow_mut(|page| page.given = bytes.into_vec());
}

/// The bytes that the last call has left, such as those of a file; none if it has left none.
#[unsafe(no_mangle)]
pub extern "C" fn take() -> u64 {
    hand_over(PAGE.with_borrow_mut(|page| std::mem::take(&mut page.left)))
}

/// What a panic said, after a call has trapped.
#[unsafe(no_mangle)]
pub extern "C" fn complaint() -> u64 {
    let text = COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner);
    hand_over(text.clone().into_bytes())
}

/// Begins the organ, at so many samples a second. Returns whether it can play.
#[unsafe(no_mangle)]
pub extern "C" fn organ_new(rate: f32) -> bool {
    watch_for_panics();
    ORGAN.set(OrganBlock::new(rate));
    ORGAN.with_borrow(Option::is_some)
}

/// A MIDI message for a part, 0 to 3 from the soprano down.
#[unsafe(no_mangle)]
pub extern "C" fn organ_message(part: u32, status: u32, data: u32, value: u32) {
    with_organ(|organ| organ.message(part, [status, data, value].map(|byte| byte as u8)));
}

/// Draws the organ's stops: a place in `session::control::REGISTRATIONS`.
#[unsafe(no_mangle)]
pub extern "C" fn organ_stops(place: u32) {
    with_organ(|organ| organ.draw_stops(place));
}

/// How loud a part is; 1 is usual.
#[unsafe(no_mangle)]
pub extern "C" fn organ_gain(part: u32, gain: f32) {
    with_organ(|organ| organ.set_gain(part, gain));
}

/// The metronome's click, 1 to 127.
#[unsafe(no_mangle)]
pub extern "C" fn organ_click(velocity: u32) {
    with_organ(|organ| organ.click(velocity));
}

/// Renders so many frames, [`OrganBlock::FRAMES`] at most. Returns where they lie: the left ones, then the right ones.
#[unsafe(no_mangle)]
pub extern "C" fn organ_render(frames: u32) -> *const f32 {
    let mut rendered = std::ptr::null();
    with_organ(|organ| rendered = organ.render(frames as usize).as_ptr());
    rendered
}

fn with_organ(work: impl FnOnce(&mut OrganBlock)) {
    ORGAN.with_borrow_mut(|organ| {
        if let Some(organ) = organ {
            work(organ);
        }
    });
}

/// # Safety
/// As [`release`].
unsafe fn owned(start: *mut u8, length: usize) -> Box<[u8]> {
    // SAFETY: it was made by `alloc` or `hand_over`, with this length, and the caller has it no more.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, length)) }
}

/// The address in the upper half, the length in the lower.
fn hand_over(bytes: Vec<u8>) -> u64 {
    let bytes = bytes.into_boxed_slice();
    let length = bytes.len() as u64;
    (Box::into_raw(bytes).cast::<u8>() as u64) << 32 | length
}

fn watch_for_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|told| {
            let text = told.to_string();
            *COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner) = text;
        }));
    });
}
