//! Keys that are typed, as wishes to the main thread. Each source has a thread of its own, which the end of the program
//! ends.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::cli::screen::{Wish, next_wish, wish};

/// Wishes that wait to be looked at. Whoever types faster waits.
const WAITING: usize = 64;

/// The keys of a terminal that shows the screen, which must be open by now.
pub fn of_screen() -> Receiver<io::Result<Wish>> {
    let (send, typed) = bounded(WAITING);
    thread::spawn(move || {
        loop {
            let wish = next_wish();
            let is_over = wish.is_err();
            if send.send(wish).is_err() || is_over {
                return;
            }
        }
    });
    typed
}

/// The letters of the lines on stdin.
pub fn of_lines() -> Receiver<io::Result<Wish>> {
    // A program in the background that reads its terminal would be stopped, with notes sounding.
    #[cfg(unix)]
    performer::devices::unix::read_terminal_from_background();
    let (send, typed) = bounded(WAITING);
    thread::spawn(move || {
        let lines = io::stdin().lines().map_while(Result::ok);
        for key in lines.flat_map(|line| line.chars().collect::<Vec<_>>()) {
            if let Some(wish) = wish(KeyCode::Char(key), KeyModifiers::NONE)
                && send.send(Ok(wish)).is_err()
            {
                return;
            }
        }
    });
    typed
}
