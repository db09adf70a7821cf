//! Lines for stdout and stderr, written by a thread of its own: whoever reads them may stop reading, as a terminal after
//! Ctrl-S or a pipe that is full, and the music may not wait for that.

use std::cell::Cell;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Lines that wait for a slow reader: minutes of dense playing.
const LINES: usize = 4096;
/// How long the last lines may take. Beyond it nobody reads.
const LAST: Duration = Duration::from_millis(500);

/// Where a line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// Dropping it writes what waits, as long as somebody reads.
pub struct Printer {
    /// `None` only when dropped.
    lines: Option<Sender<(Stream, String)>>,
    /// Ends with the thread.
    done: Receiver<()>,
    left_out: Cell<u64>,
}

impl Printer {
    pub fn start() -> io::Result<Printer> {
        Printer::writing(|stream, line| {
            // A reader who has left is no reason to stop playing.
            let _ = match stream {
                Stream::Out => writeln!(io::stdout(), "{line}"),
                Stream::Err => writeln!(io::stderr(), "{line}"),
            };
        })
    }

    fn writing(mut write: impl FnMut(Stream, String) + Send + 'static) -> io::Result<Printer> {
        let (lines, waiting) = bounded::<(Stream, String)>(LINES);
        let (is_done, done) = bounded(0);
        thread::Builder::new().name("printer".to_owned()).spawn(move || {
            let _is_done: Sender<()> = is_done;
            for (stream, line) in waiting {
                write(stream, line);
            }
        })?;
        Ok(Printer { lines: Some(lines), done, left_out: Cell::new(0) })
    }

    /// A line on stdout.
    pub fn out(&self, line: impl ToString) {
        self.line(Stream::Out, line.to_string());
    }

    /// A line on stderr.
    pub fn err(&self, line: impl ToString) {
        self.line(Stream::Err, line.to_string());
    }

    fn line(&self, stream: Stream, line: String) {
        if self.lines.as_ref().is_some_and(|lines| lines.try_send((stream, line)).is_err()) {
            self.left_out.set(self.left_out.get() + 1);
        }
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        let left_out = self.left_out.get();
        if left_out > 0 {
            self.err(format!("{left_out} lines were left out, since nobody read them"));
        }
        self.lines = None;
        let _ = self.done.recv_timeout(LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_their_order_and_all_of_them_before_the_end() {
        let (send, written) = bounded(LINES);
        let printer = Printer::writing(move |stream, line| send.send((stream, line)).unwrap()).unwrap();
        (0..100).for_each(|number| printer.out(number));
        printer.err("last");
        drop(printer);
        let written: Vec<_> = written.iter().collect();
        let expected = (0..100).map(|number| (Stream::Out, number.to_string()));
        assert_eq!(written, expected.chain([(Stream::Err, "last".to_owned())]).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_who_stops_reading_holds_up_neither_whoever_prints_nor_the_end() {
        let (reads, never_reads) = bounded::<()>(0);
        let printer = Printer::writing(move |_, _| never_reads.recv().unwrap_or_default()).unwrap();
        (0..LINES as u64 + 100).for_each(|number| printer.out(number));
        assert!((99..=100).contains(&printer.left_out.get()), "one is being written, or not yet");
        drop(printer);
        drop(reads);
    }
}
