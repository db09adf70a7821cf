//! The main thread while the music plays: it sleeps until something is typed, played, signalled or due.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Result;
use chorale::Key;
use crossbeam_channel::{Receiver, never, select, tick};
use live::Status;
use performer::devices::socket::Movement;
use performer::performance::{Cast, Performance, TEND_EVERY};
use session::clock::ClockSource;
use session::control::{self, Control};

use super::signals::Signals;
use super::telling::{Form, Telling};
use super::{keys, lines};
use crate::cli::screen::{View, Wish};

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(33);

/// What can be changed in a performance, as far as that depends on how it was started.
#[derive(Clone, Copy)]
pub struct Abilities {
    switch_model: bool,
    set_tempo: bool,
}

impl Abilities {
    pub fn of(cast: &Cast) -> Abilities {
        Abilities { switch_model: cast.second.is_some(), set_tempo: cast.session.clock.source.has_own_tempo() }
    }
}

/// A performance and whoever watches it.
pub struct Show<'a> {
    pub performance: &'a mut Performance,
    pub view: &'a mut View,
    pub telling: &'a mut Telling,
    pub abilities: Abilities,
    /// What other programs move controls to.
    pub controls: Receiver<Movement>,
}

impl Show<'_> {
    /// Until the player ends it, or something else does.
    ///
    /// # Errors
    /// When the terminal can't be had again after a pause.
    pub fn run(&mut self, signals: &Signals) -> Result<()> {
        let news = self.performance.news().clone();
        let (mut typed, drawing) = self.keys_and_frames();
        let tending = tick(TEND_EVERY);
        loop {
            select! {
                recv(signals.stop) -> _ => return Ok(()),
                recv(signals.panic) -> _ => { self.performance.turn(Control::Panic, 127); }
                recv(signals.suspend) -> _ => self.suspend()?,
                recv(typed) -> wish => match wish {
                    Ok(Ok(wish)) => {
                        if self.obey(wish)?.is_break() {
                            return Ok(());
                        }
                    }
                    // A terminal that is gone ends the performance that it showed.
                    Ok(Err(_)) => return Ok(()),
                    // The end of stdin changes nothing.
                    Err(_) => typed = never(),
                },
                recv(self.controls) -> moved => match moved {
                    Ok((control, value)) => { let _ = self.obey(Wish::Set(control, value))?; }
                    Err(_) => self.controls = never(),
                },
                recv(news) -> _ => {}
                recv(tending) -> _ => self.tend(),
                recv(drawing) -> _ => if self.telling.draw(self.view).is_err() {
                    return Ok(());
                },
            }
            self.tell_events();
            self.tell_status();
            if self.performance.failure().is_some() {
                return Ok(());
            }
        }
    }

    /// Where wishes come from, and when to draw.
    fn keys_and_frames(&self) -> (Receiver<io::Result<Wish>>, Receiver<Instant>) {
        match self.telling.form() {
            Form::Screen => (keys::of_screen(), tick(FRAME)),
            Form::Plain | Form::Json => (keys::of_lines(), never()),
        }
    }

    fn obey(&mut self, wish: Wish) -> Result<ControlFlow<()>> {
        if let Wish::Toggle(control) | Wish::Set(control, _) | Wish::Change(control, _) = wish
            && let Some(why) = self.refusal(control)
        {
            self.note(why.to_owned());
            return Ok(ControlFlow::Continue(()));
        }
        match wish {
            Wish::Quit => return Ok(ControlFlow::Break(())),
            Wish::Suspend => self.suspend()?,
            Wish::Figures => self.view.shows_figures ^= true,
            Wish::Toggle(control) => self.performance.toggle(control),
            Wish::Set(control, value) => {
                if !self.performance.turn(control, value) {
                    self.note(format!("too much at once: {} {value} was lost", control.name()));
                }
            }
            Wish::Change(control, by) => {
                let value = changed(control, by, self.view);
                return self.obey(Wish::Set(control, value));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Why a control has nothing to move, if so.
    fn refusal(&self, control: Control) -> Option<&'static str> {
        match control {
            Control::Model if !self.abilities.switch_model => {
                Some("there is no second model: start with --second-model lstm")
            }
            Control::Tempo | Control::Tap | Control::CountIn if !self.abilities.set_tempo => {
                Some("the tempo comes from the clock")
            }
            Control::Click if self.view.source == ClockSource::Follow => {
                Some("there is no click: the time comes from you")
            }
            Control::Song | Control::NextSong | Control::PreviousSong if self.view.songs.is_empty() => {
                Some("there is no set list: write [[songs]] into a settings file, --config FILE.toml")
            }
            Control::Registration if self.view.ports.sound.is_none() => {
                Some("there are no stops to draw: the organ does not sound, start with --synth")
            }
            _ => None,
        }
    }

    /// Falls silent, gives the terminal back and stops the program, as Ctrl-Z asks for, until it is continued.
    #[cfg(unix)]
    fn suspend(&mut self) -> Result<()> {
        if !self.performance.pause() {
            self.note("not stopped: the sound system does not take the last note-offs".to_owned());
        } else {
            self.telling.close_screen();
            performer::devices::unix::stop_until_continued();
            self.telling.open_screen()?;
        }
        self.performance.resume();
        self.tend();
        Ok(())
    }

    #[cfg(not(unix))]
    fn suspend(&mut self) -> Result<()> {
        Ok(())
    }

    fn tend(&mut self) {
        if self.performance.tend()
            && let Some(ports) = self.performance.ports().cloned()
        {
            for change in lines::changes(self.view.system, &self.view.ports, &ports) {
                self.note(change);
            }
            self.view.ports = ports;
        }
    }

    fn tell_events(&mut self) {
        while let Some(event) = self.performance.next_shown() {
            self.telling.event(self.view, &event);
        }
    }

    fn tell_status(&mut self) {
        let before = self.view.status;
        self.view.stand(self.performance.status());
        self.view.summary = self.performance.summary();
        if self.view.status.is_stalled != before.is_stalled {
            let what = if self.view.status.is_stalled { "has stalled, the time goes on" } else { "is back" };
            self.note(format!("the MIDI clock {what}"));
        }
        if let Some(error) = self.performance.take_error() {
            self.view.has_lost_take = true;
            self.note(format!("the take is no longer recorded: {error}"));
        }
        self.telling.state(self.view);
        // The screen shows them anyway.
        if self.telling.form() != Form::Screen {
            self.tell_values(before);
        }
    }

    fn tell_values(&mut self, before: Status) {
        let now = self.view.status;
        if now.density != before.density {
            self.note(format!("density {}", now.density.name()));
        }
        if now.transposition != before.transposition {
            self.note(format!("transposed by {:+}", now.transposition));
        }
        if now.song != before.song
            && let Some((number, name)) = self.view.song()
        {
            self.note(format!("song {number}: {name}"));
        }
        if now.key != before.key {
            self.note(now.key.map_or_else(|| "no key".to_owned(), |key| format!("in {key}")));
        }
        if now.metre != before.metre {
            self.note(format!("metre {}", now.metre));
        }
        if now.counted_beat.is_some() && before.counted_beat.is_none() {
            self.note(format!("count-in, {:.1} beats a minute", now.tempo));
        }
        if now.registration != before.registration {
            let (stops, _) = control::REGISTRATIONS[usize::from(now.registration)];
            self.note(format!("stops {stops}"));
        }
        if now.temperature != before.temperature {
            self.note(format!("temperature {:.2}", self.view.temperature()));
        }
    }

    fn note(&mut self, text: String) {
        self.telling.note(self.view, text);
    }
}

/// The value of a control without a switch, 0 to 127, one step up or down from where it stands.
fn changed(control: Control, by: i8, view: &View) -> u8 {
    let status = &view.status;
    match control {
        Control::Key => control::key_value(Some(neighbour(status.key, view.key(), by))),
        Control::Density => status.density.value().wrapping_add(32) % 128,
        Control::Transpose => (64 + status.transposition + by).clamp(52, 76) as u8,
        Control::Registration => status.registration.wrapping_add(1) % 4 * 32,
        Control::Temperature => control::temperature_value(view.temperature()).saturating_add_signed(8 * by).min(127),
        _ => ((status.tempo.round() + f64::from(by)).clamp(40.0, 167.0) - 40.0) as u8,
    }
}

/// The next key of those in which each major key stands before its relative minor one and a fifth below the next; the one
/// that is heard where none was told.
fn neighbour(told: Option<Key>, heard: Option<Key>, by: i8) -> Key {
    let relative = |tonic: u8, minor: bool| Key::of_tonic((tonic + if minor { 9 } else { 0 }) % 12, minor);
    let circle: Vec<Key> = (0..24).map(|place: u8| relative(place / 2 * 7 % 12, place % 2 == 1)).collect();
    let Some(told) = told else { return heard.unwrap_or(circle[0]) };
    let place = circle.iter().position(|key| key.index() == told.index()).unwrap_or(0);
    circle[(place as i64 + i64::from(by)).rem_euclid(24) as usize]
}

#[cfg(test)]
mod tests {
    use chorale::Density;
    use performer::devices::midi::PortStatus;

    use super::*;

    #[test]
    fn the_screens_steps_stay_within_what_a_control_can_say() {
        let (ports, status) = (PortStatus::default(), Status::new(80.0, &[]));
        let mut view = View::new("JACK", ClockSource::Internal, ports, status, 0.9).unwrap();
        let densities: Vec<&str> = (0..4)
            .map(|_| {
                view.status.density = Density::from_value(changed(Control::Density, 1, &view));
                view.status.density.name()
            })
            .collect();
        assert_eq!(densities, ["still", "beats", "eighths", "sixteenths"]);
        assert_eq!(changed(Control::Temperature, 1, &view), 51 + 8, "from where it was started");
        for _ in 0..50 {
            view.status.temperature = Some(control::temperature(changed(Control::Temperature, 1, &view)));
        }
        assert_eq!(view.status.temperature, Some(1.5));
        assert_eq!(changed(Control::Tempo, 1, &view), 41);
        let keys: Vec<String> = (0..4)
            .map(|_| {
                view.status.key = control::key(changed(Control::Key, 1, &view));
                view.status.key.unwrap().to_string()
            })
            .collect();
        assert_eq!(keys, ["C major", "A minor", "G major", "E minor"]);
        let all: std::collections::HashSet<usize> = (0..24)
            .map(|_| {
                view.status.key = control::key(changed(Control::Key, -1, &view));
                view.status.key.unwrap().index()
            })
            .collect();
        assert_eq!(all.len(), 24, "each of them is reached");
        view.status.tempo = 400.0;
        assert_eq!(changed(Control::Tempo, 1, &view), 127);
    }
}
