//! How a performance is told: on the screen, in lines for people or in lines for programs.

use std::io::{self, IsTerminal};
use std::time::Instant;

use anyhow::{Context, Result};
use live::PerformanceEvent;

use super::args::Args;
use super::printer::Printer;
use super::terminal::{Gone, Terminal};
use super::{json, lines};
use crate::cli::screen::View;

/// Whoever reads it may stop reading: nothing here waits for a terminal or a pipe.
pub struct Telling {
    form: Form,
    /// The screen, while it is open.
    terminal: Option<Terminal>,
    printer: Printer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Screen,
    Plain,
    Json,
}

impl Telling {
    /// What the command line asks for; the screen, which is not open yet, where there is a terminal.
    pub fn new(args: &Args) -> io::Result<Telling> {
        let is_terminal = || io::stdin().is_terminal() && io::stdout().is_terminal();
        let form = match (args.json, args.plain) {
            (true, _) => Form::Json,
            (false, false) if is_terminal() => Form::Screen,
            _ => Form::Plain,
        };
        Ok(Telling { form, terminal: None, printer: Printer::start()? })
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// Shows the screen, if that is the form.
    pub fn open_screen(&mut self) -> Result<()> {
        if self.form == Form::Screen {
            let terminal = Terminal::open();
            self.terminal = Some(terminal.context("the terminal can't show the screen; --plain does without")?);
        }
        Ok(())
    }

    /// Gives the terminal back as it was. From now on there are lines.
    pub fn close_screen(&mut self) {
        self.terminal = None;
    }

    /// # Errors
    /// When there was a screen, and its terminal is gone.
    pub fn draw(&self, view: &View) -> Result<(), Gone> {
        self.terminal.as_ref().map_or(Ok(()), |terminal| terminal.draw(view))
    }

    /// Tells what has been played.
    pub fn event(&self, view: &mut View, event: &PerformanceEvent) {
        view.show(event);
        match (self.form, event) {
            (Form::Plain, PerformanceEvent::AnsweredNote(note)) => self.printer.out(lines::line(note, view)),
            (Form::Plain, PerformanceEvent::Switched { switch, is_on, .. }) => {
                self.say(format!("{} {}", switch.name(), if *is_on { "on" } else { "off" }));
            }
            (Form::Json, event) => self.printer.out(json::event(event, view)),
            _ => {}
        }
    }

    /// Tells what has happened besides.
    pub fn note(&self, view: &mut View, text: String) {
        match self.form {
            Form::Screen => view.say(Instant::now(), text),
            Form::Plain => self.say(text),
            Form::Json => {
                self.printer.out(json::message(&text));
                self.say(text);
            }
        }
    }

    /// A line on stderr, beside the screen.
    pub fn say(&self, text: impl ToString) {
        self.printer.err(text);
    }
}
