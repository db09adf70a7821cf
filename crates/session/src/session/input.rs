//! What each MIDI message and each control does to a session.

use chorale::Density;

use crate::clock::{Time, Transport};
use crate::control::{self, Binding, Control, REGISTRATIONS};
use crate::midi::MidiMessage::{
    self, ChannelPressure, Clock, Continue, Controller, NoteOff, NoteOn, PitchBend, PolyPressure, ProgramChange, Reset,
    SongPosition, Start, Stop,
};
use crate::midi::controller;

use super::bass::BassChange;
use super::{Below, Session};

/// A message of ours that comes back within this many seconds is an echo. No finger repeats a key so fast.
const ECHO: f64 = 0.06;
/// They are for all parts alike.
const SHARED_CONTROLLERS: [u8; 4] =
    [controller::MODULATION, controller::BREATH, controller::VOLUME, controller::EXPRESSION];

impl Session {
    /// Moves a control to a value of 0 to 127.
    pub fn control(&mut self, at: Time, control: Control, value: u8) {
        self.reach(at);
        let is_on = value >= 64;
        match control {
            Control::Panic => self.panic(),
            Control::Hold => self.is_held = is_on,
            Control::Freeze(part) => self.frozen[part.index()] = is_on,
            Control::Mute(part) => self.routing.mute(self.now, part, is_on),
            Control::Density => self.density = Density::from_value(value),
            Control::Tempo => self.set_tempo(control::tempo(value)),
            Control::Tap => self.tap(),
            Control::Click => self.click.is_on = is_on,
            Control::CountIn => self.count_in(),
            Control::Temperature => self.overrides.temperature = Some(control::temperature(value)),
            Control::Cadence => self.overrides.cadence = is_on,
            Control::Guard => self.overrides.guard = Some(is_on),
            Control::Model => self.overrides.second_model = is_on,
            Control::Key => self.overrides.key = control::key(value),
            Control::Registration => self.draw_stops(control::registration(value)),
            Control::Transpose => self.transpose(control::transposition(value)),
            Control::Song => self.choose_song(value),
            Control::NextSong => self.step_song(1),
            Control::PreviousSong => self.step_song(-1),
        }
        if matches!(control, Control::Hold | Control::Freeze(_)) && !is_on && self.keys.soprano().is_none() {
            // What was held through a silence is released.
            self.fall_silent();
        }
        use Control::{Cadence, Guard, Key, Model, Temperature};
        if matches!(control, Cadence | Temperature | Guard | Model | Key) {
            self.request_tables();
        }
    }

    pub(super) fn draw_stops(&mut self, registration: u8) {
        self.registration = registration;
        let (_, stops) = REGISTRATIONS[usize::from(registration)];
        for (controller, value) in controller::STOPS.into_iter().zip(stops) {
            self.routing.to_all(self.now, Controller { channel: 0, controller, value });
        }
    }

    /// Whether a switch is on.
    pub fn is_on(&self, control: Control) -> bool {
        match control {
            Control::Hold => self.is_held,
            Control::Freeze(part) => self.frozen[part.index()],
            Control::Mute(part) => self.routing.is_muted(part),
            Control::Cadence => self.overrides.cadence,
            Control::Guard => self.overrides.guard.unwrap_or(true),
            Control::Model => self.overrides.second_model,
            Control::Click => self.click.is_on,
            Control::Panic
            | Control::Density
            | Control::Temperature
            | Control::Tempo
            | Control::Tap
            | Control::CountIn
            | Control::Key
            | Control::Registration
            | Control::Transpose
            | Control::Song
            | Control::NextSong
            | Control::PreviousSong => false,
        }
    }

    pub(super) fn receive(&mut self, message: MidiMessage) {
        match message {
            Clock | Start | Continue | Stop | SongPosition(_) => self.transport(message),
            Reset => self.panic(),
            _ if self.is_echo(message) => self.counts.echoes += 1,
            _ => self.act_on(message),
        }
    }

    fn act_on(&mut self, message: MidiMessage) {
        let is_layered = self.fingers.see(self.now, message);
        let fits = |binding: &Option<Binding>| binding.is_some_and(|binding| binding.trigger.fits(message));
        let place = self.settings.bindings.iter().position(fits);
        match place.and_then(|place| Some((place, self.settings.bindings[place]?))) {
            Some((_, binding)) if is_layered && binding.trigger.channel.is_none() => {}
            Some((place, binding)) => self.triggered(place, binding, message),
            None if is_layered => {}
            None => {
                if let Some(message) = self.as_transposed(message) {
                    self.played(message);
                }
            }
        }
    }

    fn transport(&mut self, message: MidiMessage) {
        let offset = (self.settings.clock_offset * self.settings.clock.rate) as i64;
        let transport = self.clock.midi(self.now.saturating_add_signed(offset), message);
        if transport.is_some() {
            self.click.lose_place();
        }
        match transport {
            Some(Transport::Stops) => self.panic(),
            Some(Transport::Runs(position)) => self.jump(position),
            None => {}
        }
    }

    /// The music goes on at another place.
    pub(super) fn jump(&mut self, position: u64) {
        if self.chord.is_none() {
            // The present table was meant for another place in the bar, but it is there.
            self.go_to(position);
            return self.request_tables();
        }
        self.enter_next_step(position);
        // What a master leaves out is not played.
        self.unheard_from = position;
        self.continue_into_step();
    }

    /// Whether we have just sent that message ourselves: somebody connects our output to our input. Each is recognized
    /// once.
    fn is_echo(&mut self, message: MidiMessage) -> bool {
        // On our soprano's channel, from a keyboard with our release velocity, it may be the very message that we sent.
        if self.fingers.is_lifted_by(message) {
            return false;
        }
        let window = (ECHO * self.settings.clock.rate) as Time;
        self.routing.take_echo(message, self.now.saturating_sub(window))
    }

    /// A bound message: controllers give the value, keys push a button. `place` is that of the binding.
    fn triggered(&mut self, place: usize, binding: Binding, message: MidiMessage) {
        let control = binding.control;
        match message {
            Controller { value, .. } => {
                let before = std::mem::replace(&mut self.controller_values[place], value);
                // A pedal on its way sends no value twice; a button that is never told to be up sends no other.
                let is_pushed = value >= 64 && (before < 64 || before == value);
                if !control.is_push() || is_pushed {
                    self.control(self.now, control, value);
                }
            }
            NoteOn { .. } => {
                let value = if control.is_switch() && self.is_on(control) { 0 } else { 127 };
                self.control(self.now, control, value);
            }
            _ => {}
        }
    }

    fn played(&mut self, message: MidiMessage) {
        match message {
            NoteOn { key, velocity, .. } => self.key(key, velocity),
            NoteOff { key, .. } => self.key(key, 0),
            PolyPressure { key, pressure, .. } if self.soprano().is_some_and(|soprano| soprano.midi() == key) => {
                self.routing.press_all(self.now, pressure);
            }
            Controller { controller, value, .. } => self.controller(message, controller, value),
            ChannelPressure { .. } | PitchBend { .. } => self.routing.to_all(self.now, message),
            ProgramChange { program, .. } => self.choose_song(program),
            PolyPressure { .. } => {}
            SongPosition(_) | Clock | Start | Continue | Stop | Reset => {}
        }
    }

    /// A key goes down, or up with velocity 0.
    fn key(&mut self, key: u8, velocity: u8) {
        match self.settings.split {
            Some(split) if key < split.key && split.below == Below::Through => {
                self.routing.pass_through(self.now, key, velocity);
            }
            _ if velocity == 0 => {
                if self.fingers.release(self.now, key) {
                    self.key_up(key);
                }
            }
            _ if !self.fingers.press(self.now, key) => {}
            Some(split) if key < split.key => self.bass_key(key, velocity),
            _ => {
                if let Some(pitch) = self.keys.press(self.now, key, velocity) {
                    self.strike(pitch, velocity);
                }
            }
        }
    }

    /// A key that did not only bounce is up.
    pub(super) fn key_up(&mut self, key: u8) {
        if self.settings.split.is_some_and(|split| key < split.key) {
            self.bass_key(key, 0);
        } else if self.keys.release(self.now, key) {
            self.end_soprano();
        }
    }

    fn bass_key(&mut self, key: u8, velocity: u8) {
        match self.bass.key(self.now, key, velocity, self.keys.is_sustained()) {
            Some(BassChange::Begins { pitch, velocity }) => self.give_bass(pitch, velocity),
            Some(BassChange::Ends) => self.end_bass(),
            None => {}
        }
    }

    fn controller(&mut self, message: MidiMessage, controller: u8, value: u8) {
        let is_passed_on = self.settings.split.is_some_and(|split| split.below == Below::Through);
        if is_passed_on && matches!(controller, controller::SUSTAIN | controller::SOSTENUTO) {
            self.routing.control_through(self.now, controller, value);
        }
        let now = self.now;
        match controller {
            controller::SUSTAIN => {
                let ends = self.keys.sustain(now, value);
                self.pedals_moved(ends);
            }
            controller::SOSTENUTO => {
                let ends = self.keys.sostenuto(now, value);
                self.pedals_moved(ends);
            }
            controller::RESET_ALL_CONTROLLERS => {
                let ends = self.keys.release_pedals(now);
                self.pedals_moved(ends);
                self.routing.to_all(now, PitchBend { channel: 0, bend: MidiMessage::BEND_CENTER });
                self.routing.to_all(now, ChannelPressure { channel: 0, pressure: 0 });
            }
            controller::ALL_SOUND_OFF => self.panic(),
            // Some keyboards send it whenever their last key goes up. Pedals hold on (MIDI 1.0, mode messages).
            controller::ALL_NOTES_OFF | controller::OMNI_OFF..=127 => self.keys_up(message),
            _ if SHARED_CONTROLLERS.contains(&controller) || controller::STOPS.contains(&controller) => {
                self.routing.to_all(now, message)
            }
            _ => {}
        }
    }

    /// All keys of a channel are up.
    fn keys_up(&mut self, message: MidiMessage) {
        let Controller { channel, .. } = message else { return };
        while let Some(key) = self.fingers.any_down(channel) {
            self.act_on(NoteOff { channel, key, velocity: 0 });
        }
    }

    /// `ends_soprano`: only a pedal held it.
    fn pedals_moved(&mut self, ends_soprano: bool) {
        if ends_soprano {
            self.end_soprano();
        }
        if !self.keys.is_sustained() && self.bass.lift_from_pedal(self.now) {
            self.end_bass();
        }
    }
}
