//! What a plugin's host tells: its transport, and settings that change while it plays.

use chorale::{Chord, Part};

use crate::clock::{HostTransport, Time, Transport};
use crate::control::Overrides;

use super::keys::Keys;
use super::touch::Touch;
use super::{Release, Session};

/// Where a step has begun less than this share of a sixteenth before the host tells that its song is elsewhere, it is
/// that place's step: hosts tell of a loop with the next block.
const YOUNG: f64 = 0.25;

impl Session {
    /// Takes what the host says of its song. A stop ends every note; what comes after it is the beginning of a piece, so
    /// that the same song from the same place gives the same notes.
    pub fn host(&mut self, at: Time, told: &HostTransport) {
        self.reach(at);
        if self.is_stopped {
            return;
        }
        let was_playing = self.clock.is_host_playing();
        let phase = self.clock.phase(self.position);
        let young = (YOUNG * self.clock.step_length()) as Time;
        let is_young = self.clock.boundary(self.position).is_some_and(|begun| self.now < begun + young);
        match self.clock.host(self.now, told) {
            None => {}
            Some(Transport::Runs(position)) if was_playing && is_young => {
                self.go_to(position);
                self.unheard_from = position;
                self.request_tables();
            }
            Some(Transport::Runs(position)) if was_playing => self.jump(position),
            // Who plays while the song stands is not disturbed by the playhead.
            Some(Transport::Runs(_)) if !told.is_playing && !self.is_fresh() => {}
            Some(_) => {
                self.clock.stand();
                let position = self.clock.first_position();
                if !self.is_fresh() {
                    self.start_over();
                } else if self.clock.phase(position) != phase {
                    self.begin_piece();
                }
                self.go_to(position);
                self.unheard_from = position;
                self.request_tables();
            }
        }
    }

    /// Ends every note; what comes next is the beginning of a piece.
    pub fn restart(&mut self, at: Time) {
        self.reach(at);
        self.start_over();
        self.request_tables();
    }

    /// Nothing is left of what was played, nor of what was learned of the player.
    fn start_over(&mut self) {
        self.panic();
        self.keys = Keys::new(self.settings.clock.rate, self.settings.chord_window);
        self.touch = Touch::new(self.settings.clock.rate);
        self.begin_piece();
    }

    /// How the network answers, from the next step on; before the first note, from there.
    pub fn set_overrides(&mut self, at: Time, overrides: Overrides) {
        self.reach(at);
        if overrides == self.overrides {
            return;
        }
        self.overrides = overrides;
        if self.is_fresh() {
            self.begin_piece();
        }
        self.request_tables();
    }

    pub fn set_release(&mut self, at: Time, release: Release) {
        self.reach(at);
        self.settings.release = release;
    }

    /// Octaves by which a part is sent higher, and what multiplies its velocity: from its next note on.
    pub fn set_register(&mut self, at: Time, part: Part, octave: i8, velocity: f32) {
        self.reach(at);
        self.routing.set_register(part, octave, velocity);
    }

    /// Whether nothing was played since the beginning.
    fn is_fresh(&self) -> bool {
        self.previous == Chord::START && self.chord.is_none()
    }
}
