//! How a performance is told: on the screen, in lines for people or in lines for programs.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use live::PerformanceEvent;

use super::args::Args;
use super::{json, lines};
use crate::cli::screen::{Screen, View};

pub enum Telling {
    Screen(Box<Screen>),
    Plain,
    Json,
}

impl Telling {
    /// What the command line asks for; the screen where there is a terminal.
    pub fn open(args: &Args) -> Result<Telling> {
        let is_terminal = || std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if args.json || args.plain || !is_terminal() {
            return Ok(Telling::without_screen(args));
        }
        let screen = Screen::open().context("the terminal can't show the screen; --plain does without")?;
        Ok(Telling::Screen(Box::new(screen)))
    }

    pub fn without_screen(args: &Args) -> Telling {
        if args.json { Telling::Json } else { Telling::Plain }
    }

    /// Tells what has been played.
    pub fn event(&self, view: &mut View, event: &PerformanceEvent) {
        view.show(event);
        if let PerformanceEvent::AnsweredNote(note) = event {
            view.latencies.saturating_record(note.latency.as_nanos() as u64);
        }
        match (self, event) {
            (Telling::Plain, PerformanceEvent::AnsweredNote(note)) => {
                print(&lines::line(note, view));
            }
            (Telling::Plain, PerformanceEvent::Switched { switch, is_on, .. }) => {
                eprintln!("{} {}", switch.name(), if *is_on { "on" } else { "off" });
            }
            (Telling::Json, event) => print(&json::event(event, view)),
            _ => {}
        }
    }

    /// Tells what has happened besides.
    pub fn note(&self, view: &mut View, text: String) {
        match self {
            Telling::Screen(_) => view.notes.push(text),
            Telling::Plain => eprintln!("{text}"),
            Telling::Json => {
                print(&json::message(&text));
                eprintln!("{text}");
            }
        }
    }
}

/// A reader who has left is no reason to stop playing.
fn print(line: &impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
