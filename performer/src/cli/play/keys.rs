//! Keys that are typed, as wishes to the main thread. Each source has a thread of its own, which the end of the program
//! ends.

use std::io::{self, BufRead};
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
    thread::spawn(move || send_letters(io::stdin().lock(), &send));
    typed
}

/// The letters of whatever comes, be it no text or without end, until it ends or nobody wants them any more.
fn send_letters(mut input: impl BufRead, send: &Sender<io::Result<Wish>>) {
    let mut bytes = Vec::new();
    while take_more(&mut input, &mut bytes).is_ok_and(|read| read > 0) {
        let letters = bytes.drain(..).filter(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let mut wishes = letters.filter_map(|byte| wish(char::from(byte)));
        if wishes.any(|wish| send.send(Ok(wish)).is_err()) {
            return;
        }
    }
}

/// Takes what has come, and tells how many bytes; none at the end.
fn take_more(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        match input.fill_buf() {
            Ok(come) => {
                let read = come.len();
                bytes.extend_from_slice(come);
                input.consume(read);
                return Ok(read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The bytes of the terminal itself: crossterm's reader, at the end of a terminal that was closed, reads on for ever.
#[cfg(unix)]
mod screen {
    use std::time::Duration;

    use performer::devices::unix::stdin_has_within;

    use super::{Sender, Wish, io, take_more, wish};

    const ESCAPE: u8 = 0x1b;
    /// How long the rest of a key's sequence may take, over a slow line too.
    const SEQUENCE: Duration = Duration::from_millis(100);
    /// No key sends more.
    const LONGEST: usize = 32;

    pub fn send_keys(send: &Sender<io::Result<Wish>>) -> io::Result<()> {
        let mut stdin = io::stdin().lock();
        let mut typed = Vec::new();
        loop {
            if take_more(&mut stdin, &mut typed)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if is_cut_off(&typed) && stdin_has_within(SEQUENCE) {
                continue;
            }
            for wish in keys(&typed).filter_map(wish) {
                if send.send(Ok(wish)).is_err() {
                    return Ok(());
                }
            }
            typed.clear();
        }
    }

    /// Whether the end may be the beginning of a key's sequence.
    pub(super) fn is_cut_off(bytes: &[u8]) -> bool {
        let Some(escape) = bytes.iter().rposition(|byte| *byte == ESCAPE) else { return false };
        match &bytes[escape + 1..] {
            [] | [b'O'] => true,
            [b'[', rest @ ..] => rest.len() < LONGEST && !rest.iter().any(|byte| (0x40..0x7f).contains(byte)),
            _ => false,
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
    use super::screen::{is_cut_off, keys};
    use super::*;

    #[test]
    fn a_sequence_that_comes_in_two_halves_is_waited_for() {
        let cut_off = ["\x1b", "h\x1b", "\x1b[", "\x1b[1;", "\x1bO"];
        assert!(cut_off.iter().all(|bytes| is_cut_off(bytes.as_bytes())));
        let whole = ["", "h", "\x1b[A", "\x1bOP", "\x1bq", "\x1b[15~h"];
        assert!(whole.iter().all(|bytes| !is_cut_off(bytes.as_bytes())));
        assert!(!is_cut_off(&[&b"\x1b["[..], &[b'1'; 100]].concat()), "nothing is waited for without end");
    }

    #[test]
    fn letters_count_among_bytes_that_are_no_text_and_in_lines_without_end() {
        let (send, typed) = bounded(WAITING);
        let bytes = [&b"\xff\xfe\0"[..], &[0xc3; 100_000], b"h\x1b\n"].concat();
        send_letters(&bytes[..], &send);
        drop(send);
        let wishes: Vec<_> = typed.into_iter().collect::<io::Result<_>>().unwrap();
        assert_eq!(wishes, [wish('h').unwrap()]);
    }

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
