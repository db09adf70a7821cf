//! The terminal while it shows the screen. What is drawn is written by a thread of its own: a terminal that takes nothing
//! (Ctrl-S, a lost connection) holds up nobody else.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;

use crate::cli::screen::{self, View};

/// How long a terminal may take to become as it was. Beyond it, it takes nothing.
const CLOSING: Duration = Duration::from_millis(300);
/// Columns and lines of a terminal that does not tell.
const USUAL: (u16, u16) = (80, 24);

/// Dropping it gives the terminal back as it was.
pub struct Terminal {
    /// `None` only when dropped.
    frames: Option<Sender<Buffer>>,
    /// Ends with the thread.
    done: Receiver<()>,
}

/// Nothing can be written to the terminal any more: its window is closed, or the connection lost.
#[derive(Debug)]
pub struct Gone;

impl Terminal {
    pub fn open() -> io::Result<Terminal> {
        enable_raw_mode()?;
        Terminal::painting(io::stdout())
    }

    fn painting(out: impl Write + Send + 'static) -> io::Result<Terminal> {
        let (frames, to_paint) = bounded(1);
        let (is_done, done) = bounded(0);
        thread::Builder::new().name("painter".to_owned()).spawn(move || {
            let _is_done: Sender<()> = is_done;
            let _ = paint(out, to_paint); // whoever draws next is told
        })?;
        Ok(Terminal { frames: Some(frames), done })
    }

    /// Draws, unless the terminal is still busy with what was drawn last.
    ///
    /// # Errors
    /// When there is no terminal any more.
    pub fn draw(&self, view: &View) -> Result<(), Gone> {
        let Some(frames) = self.frames.as_ref().filter(|frames| !frames.is_full()) else { return Ok(()) };
        let (width, height) = terminal_size::terminal_size().map_or(USUAL, |(width, height)| (width.0, height.0));
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        screen::draw(&mut buffer, view, Instant::now());
        match frames.try_send(buffer) {
            Err(TrySendError::Disconnected(_)) => Err(Gone),
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.frames = None;
        let _ = self.done.recv_timeout(CLOSING);
        let _ = disable_raw_mode();
    }
}

/// The painter's thread: writes what has changed from frame to frame. It takes none any more when it has ended.
fn paint(mut out: impl Write, frames: Receiver<Buffer>) -> io::Result<()> {
    execute!(out, EnterAlternateScreen)?;
    let mut backend = CrosstermBackend::new(&mut out);
    backend.hide_cursor()?;
    let mut shown = Buffer::empty(Rect::ZERO);
    for frame in frames {
        if frame.area != shown.area {
            backend.clear()?;
            shown = Buffer::empty(frame.area);
        }
        backend.draw(shown.diff(&frame).into_iter())?;
        Backend::flush(&mut backend)?;
        shown = frame;
    }
    backend.show_cursor()?;
    execute!(out, LeaveAlternateScreen)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use live::Status;
    use performer::devices::midi::PortStatus;
    use session::clock::ClockSource;

    use super::*;

    /// A terminal that hands what it is sent to `written`, or fails or waits when its other end is as it is.
    struct Pipe(mpsc::SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::Error::from_raw_os_error(5))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn view() -> View {
        View::new("JACK", ClockSource::Internal, PortStatus::default(), Status::new(80.0, &[]), 0.9).unwrap()
    }

    #[test]
    fn a_terminal_shows_what_is_drawn_and_is_left_as_it_was() {
        let (send, written) = mpsc::sync_channel(100_000);
        let terminal = Terminal::painting(Pipe(send)).unwrap();
        terminal.draw(&view()).unwrap();
        drop(terminal);
        let written = String::from_utf8_lossy(&written.into_iter().flatten().collect::<Vec<_>>()).into_owned();
        assert!(written.starts_with("\x1b[?1049h") && written.ends_with("\x1b[?1049l"), "{written:?}");
        assert!(written.contains("JACK"), "{written:?}");
    }

    #[test]
    fn whoever_draws_is_told_that_the_terminal_is_gone() {
        let (send, written) = mpsc::sync_channel(1);
        drop(written);
        let terminal = Terminal::painting(Pipe(send)).unwrap();
        terminal.done.recv().unwrap_err();
        assert!(terminal.draw(&view()).is_err());
    }

    #[test]
    fn a_terminal_that_takes_nothing_holds_up_neither_the_drawing_nor_the_end() {
        let (send, written) = mpsc::sync_channel(0);
        let terminal = Terminal::painting(Pipe(send)).unwrap();
        for _ in 0..10 {
            terminal.draw(&view()).unwrap();
        }
        drop(terminal);
        drop(written);
    }
}
