//! How a performance is told: on the screen, in lines for people or in lines for programs.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use chorale::Pitch;
use live::{AnsweredNote, PerformanceEvent};
use performer::devices::socket::Listeners;
use remote::{Outgoing, Setting};
use session::control::Control;

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
    /// Programs that hear it too.
    listeners: Option<Arc<Listeners>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Screen,
    Plain,
    Json,
}

impl Telling {
    /// What the command line asks for; the screen, which is not open yet, where there is a terminal.
    pub fn new(args: &Args, listeners: Option<Arc<Listeners>>) -> io::Result<Telling> {
        let is_terminal = || io::stdin().is_terminal() && io::stdout().is_terminal();
        let form = match (args.json, args.plain) {
            (true, _) => Form::Json,
            (false, false) if is_terminal() => Form::Screen,
            _ => Form::Plain,
        };
        Ok(Telling { form, terminal: None, printer: Printer::start()?, listeners })
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
        if let Some((listeners, chord)) = self.listeners.as_ref().zip(chord(event, view)) {
            listeners.tell(&chord);
        }
        match (self.form, event) {
            (Form::Plain, PerformanceEvent::AnsweredNote(note)) => self.printer.out(lines::line(note, view)),
            (Form::Plain, PerformanceEvent::Switched { switch, is_on, .. }) => {
                self.say(format!("{} {}", switch.name(), if *is_on { "on" } else { "off" }));
            }
            (Form::Json, event) => self.printer.out(json::event(event, view)),
            _ => {}
        }
    }

    /// Tells other programs how everything stands.
    pub fn state(&self, view: &View) {
        if let Some(listeners) = &self.listeners {
            listeners.tell_state(state(view));
        }
    }

    /// Tells what has happened besides.
    pub fn note(&self, view: &mut View, text: String) {
        if let Some(listeners) = &self.listeners {
            listeners.tell(&Outgoing::Said(text.clone()));
        }
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

/// As other programs hear it.
fn chord(event: &PerformanceEvent, view: &View) -> Option<Outgoing> {
    match *event {
        PerformanceEvent::AnsweredNote(AnsweredNote { parts, .. }) | PerformanceEvent::Moment { parts, .. } => {
            let (symbol, numeral) = view.name(parts).unzip();
            Some(Outgoing::Chord { parts: parts.map(|pitch| pitch.map(Pitch::midi)), symbol, numeral })
        }
        // Of the state.
        PerformanceEvent::Switched { .. } => None,
    }
}

/// How everything stands, by the controls' names where there are such.
fn state(view: &View) -> Vec<(String, Setting)> {
    let status = &view.status;
    let rounded = |value: f64, per_unit: f64| Setting::Number((value * per_unit).round() / per_unit);
    let values = [
        ("running", Setting::Switch(status.is_running)),
        ("tempo", rounded(status.tempo, 10.0)),
        ("metre", Setting::Text(status.metre.to_string())),
        ("key", Setting::Text(status.key.map_or_else(|| "none".to_owned(), |key| key.to_string()))),
        ("density", Setting::Text(status.density.name().to_owned())),
        ("temperature", rounded(view.temperature().into(), 100.0)),
        ("transpose", Setting::Number(status.transposition.into())),
        ("song", Setting::Text(view.song().map_or_else(String::new, |(_, name)| name.to_owned()))),
    ];
    let switches = Control::ALL.into_iter().filter(|control| control.is_switch());
    let switches = switches.map(|control| (control.name(), Setting::Switch(status.is_on(control))));
    values.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(switches).collect()
}
