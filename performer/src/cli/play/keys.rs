//! Keys that are typed, as wishes to the main thread. Each source has a thread of its own, which the end of the program
//! ends.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::cli::screen::{Wish, wish};

/// Wishes that wait to be looked at. Whoever types faster waits.
const WAITING: usize = 64;

/// The keys of a terminal that shows the screen, which must be open by now. An error, or the end, means that the
/// terminal is gone.
pub fn of_screen() -> Receiver<io::Result<Wish>> {
    let (send, typed) = bounded(WAITING);
    thread::spawn(move || {
        if let Err(error) = screen::send_keys(&send) {
            let _ = send.send(Err(error));
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
            if let Some(wish) = wish(key)
                && send.send(Ok(wish)).is_err()
            {
                return;
            }
        }
    });
    typed
}

/// The bytes of the terminal itself: crossterm's reader, at the end of a terminal that was closed, reads on for ever.
#[cfg(unix)]
mod screen {
    use std::io::BufRead;

    use super::{Sender, Wish, io, wish};

    const ESCAPE: u8 = 0x1b;

    pub fn send_keys(send: &Sender<io::Result<Wish>>) -> io::Result<()> {
        let mut stdin = io::stdin().lock();
        loop {
            let bytes = match stdin.fill_buf() {
                Ok([]) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let wishes: Vec<Wish> = keys(bytes).filter_map(wish).collect();
            let read = bytes.len();
            stdin.consume(read);
            for wish in wishes {
                if send.send(Ok(wish)).is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// The keys in what a terminal sent at once. Of those that send a sequence, such as arrows, none means anything to
    /// us (ECMA-48 5.4, control sequences; `ESC O` and a letter in a terminal's application mode).
    pub(super) fn keys(bytes: &[u8]) -> impl Iterator<Item = char> {
        let mut rest = bytes.iter();
        std::iter::from_fn(move || {
            loop {
                let key = *rest.next()?;
                match rest.as_slice() {
                    [b'[', ..] if key == ESCAPE => {
                        rest.next();
                        rest.find(|byte| (0x40..0x7f).contains(*byte));
                    }
                    [b'O', _, ..] if key == ESCAPE => drop(rest.nth(1)),
                    // A letter typed with Alt.
                    [_, ..] if key == ESCAPE => {}
                    _ => return Some(char::from(key)),
                }
            }
        })
    }
}

#[cfg(not(unix))]
mod screen {
    use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

    use super::{Sender, Wish, io, wish};

    pub fn send_keys(send: &Sender<io::Result<Wish>>) -> io::Result<()> {
        loop {
            let Event::Key(key) = event::read()? else { continue };
            let typed = match key.code {
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => '\x03',
                KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::CONTROL) => continue,
                KeyCode::Char(typed) => typed,
                KeyCode::Esc => '\x1b',
                _ => continue,
            };
            if key.kind != KeyEventKind::Release
                && let Some(wish) = wish(typed)
                && send.send(Ok(wish)).is_err()
            {
                return Ok(());
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::screen::keys;

    #[test]
    fn arrows_and_function_keys_are_no_keys_and_escape_alone_is_one() {
        let typed = |bytes: &str| keys(bytes.as_bytes()).collect::<String>();
        assert_eq!(typed("h"), "h");
        assert_eq!(typed("\x1b"), "\x1b");
        assert_eq!(typed("\x1b[A\x1b[1;5Ch\x1bOP\x1b[15~q"), "hq");
        assert_eq!(typed("\x1bq\x1b"), "q\x1b", "Alt and a letter is the letter");
        assert_eq!(typed("\x03\x1a"), "\x03\x1a");
        assert_eq!(typed("\x1b["), "", "cut off");
    }
}
