//! What is played live, apart from ports, threads and clocks: times and MIDI messages in, MIDI messages out.
//!
//! A [`Session`] answers each struck soprano from an [`AnswerTable`] that was worked out beforehand, moves the lower
//! parts on the step clock while the soprano holds, and tells through [`TableRequest`]s which tables it will need next. It
//! never reads a clock and never allocates after [`Session::new`], so that it can run inside a real-time callback, and
//! the same calls always give the same messages.
//!
//! Rules of play:
//! - A step's chord is provisional until the step ends; a key struck later in the step revises it. A key struck just
//!   before a step belongs to it.
//! - Of keys struck together the highest is the soprano. A key struck later takes over if it is higher, or lower by
//!   less than an octave: in a legato line the finger before is only late in leaving.
//! - When the soprano's key goes up while others within an octave are held, the highest of them returns, unless they
//!   too go up at once. Keys farther below are an accompaniment and never become the soprano while one is held.
//! - The sustain pedal holds the soprano's key down, sostenuto those keys that are down as it goes down. A new
//!   soprano ends the old one under the pedal too: a part sings one note.
//! - Keys below a split may be the bass ([`Below::Bass`]): the last one struck is, and when it goes up the lowest of
//!   those still held. It sounds at once, and the alto and tenor that fit it follow as soon as they are worked out, some
//!   thousandths of a second later. A beat after it ended the network has the bass again.
//! - A gap shorter than a beat is articulation: the lower parts sound on as if the soprano did. After a beat of silence
//!   they are released, and the network's time stands still until the next key, while the bar goes on.
//! - Where a table is late the harmony holds, the miss is counted, and the answer is adopted when it comes, be it steps
//!   later: on a machine too slow for its tempo the harmony lags, but it goes on.

mod bass;
mod input;
mod keys;
mod requests;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use chorale::{Chord, Density, Part, Phase, Pitch, Token};

use crate::answer::AnswerTable;
use crate::clock::{Clock, Time};
use crate::control::Overrides;
use crate::midi::MidiReader;
use crate::routing::{Message, Routing};

pub use requests::TableRequest;
pub use settings::{BINDINGS, Below, KeyboardSplit, SPLIT_CHANNEL, Settings};

use bass::GivenBass;
use input::Fingers;
use keys::Keys;
use requests::{Requests, Tables};

/// Ends of notes that were sent so many seconds before an overrun may be lost with it.
const LOST: f64 = 0.2;
const BEGUN: usize = 64;

/// A performance as it stands.
pub struct Session {
    settings: Settings,
    clock: Clock,
    routing: Routing,
    reader: MidiReader,
    fingers: Fingers,
    keys: Keys,
    bass: GivenBass,

    /// Steps begun, and the musical position of the present one. They part where the clock is set to another place.
    step: u64,
    position: u64,
    /// The last final chord; [`Chord::START`] before the first.
    previous: Chord,
    /// The present step's chord so far; `None` in a silence.
    chord: Option<Chord>,
    tables: Tables,
    requests: Requests,
    /// Steps that have begun, each at its moment and position, not yet told.
    begun: VecDeque<(Time, u64)>,

    is_held: bool,
    frozen: [bool; 4],
    density: Density,
    overrides: Overrides,

    now: Time,
    is_stopped: bool,
    counts: Counts,
}

/// Figures of a performance so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sopranos struck.
    pub notes: u64,
    /// Sopranos struck and steps begun without a table at hand.
    pub missed: u64,
    /// Messages of our own that came back to us.
    pub echoes: u64,
}

impl Session {
    /// # Panics
    /// When rate or tempo is not above zero.
    pub fn new(settings: Settings) -> Session {
        let through_channel = settings.split.map_or(SPLIT_CHANNEL, |split| split.channel);
        let mut routing = Routing::new(settings.routes, settings.has_own_ports, through_channel);
        routing.send_programs(0);
        Session {
            settings,
            clock: Clock::new(settings.clock),
            routing,
            reader: MidiReader::default(),
            fingers: Fingers::new(),
            keys: Keys::new(settings.clock.rate),
            bass: GivenBass::new(),
            step: 0,
            position: settings.clock.first,
            previous: Chord::START,
            chord: None,
            tables: Tables::default(),
            requests: Requests::new(),
            begun: VecDeque::with_capacity(BEGUN),
            is_held: false,
            frozen: [false; 4],
            density: Density::default(),
            overrides: Overrides::default(),
            now: 0,
            is_stopped: false,
            counts: Counts::default(),
        }
    }

    /// Takes one whole MIDI message from the keyboard (its status byte may be left out if it is that of the message
    /// before), of any channel. Returns whether it struck a soprano.
    pub fn midi(&mut self, at: Time, bytes: &[u8]) -> bool {
        self.advance(at);
        if self.is_stopped {
            return false;
        }
        let notes = self.counts.notes;
        if let Some(message) = self.reader.read(bytes) {
            self.receive(message);
        }
        self.counts.notes != notes
    }

    /// Takes an answer table; one that no longer fits what was played is ignored.
    pub fn table(&mut self, at: Time, table: &AnswerTable) {
        self.advance(at);
        let fits = table.bass == self.bass.token();
        if fits && table.step == self.step && table.after == self.previous {
            self.tables.present = Some(*table);
            if self.tables.is_awaited {
                self.answer(false);
            }
        } else if fits && table.step == self.step + 1 && table.after == self.chord.unwrap_or(self.previous) {
            self.tables.next = Some(*table);
        } else if self.tables.is_awaited && table.step < self.step {
            // Its step is over, but nothing newer is there. The right one is still waited for.
            self.sing(table, false);
        }
    }

    pub fn density(&self) -> Density {
        self.density
    }

    pub fn overrides(&self) -> Overrides {
        self.overrides
    }

    /// The keyboard is gone: all its keys are up.
    pub fn input_lost(&mut self, at: Time) {
        self.advance(at);
        self.panic();
    }

    /// The instrument has come, or come back: it knows nothing of what sounds, and may sound on from a performance that
    /// was cut off.
    pub fn output_regained(&mut self, at: Time) {
        self.advance(at);
        self.routing.silence_all_heard(self.now);
        self.routing.send_programs(self.now);
    }

    /// The sound system has lost what was sent just before: no note may sound on because of that.
    pub fn messages_lost(&mut self, at: Time) {
        self.advance(at);
        self.repeat_ends();
    }

    fn repeat_ends(&mut self) {
        let window = (LOST * self.settings.clock.rate) as Time;
        self.routing.repeat_ends(self.now, self.now.saturating_sub(window));
    }

    /// Does what is due of itself up to and including `until`: step boundaries, the release after a beat of silence,
    /// the return to a key still held.
    pub fn advance(&mut self, until: Time) {
        while let Some(due) = self.due()
            && due <= until
        {
            self.now = self.now.max(due);
            if self.keys.return_due().is_some_and(|at| at <= due) {
                if let Some((pitch, velocity)) = self.keys.returning() {
                    self.sing_soprano(pitch, velocity);
                }
            } else if self.silence_due().is_some_and(|at| at <= due) {
                self.fall_silent();
            } else if self.bass_due().is_some_and(|at| at <= due) {
                self.bass.forget();
                self.bass_has_changed();
            } else {
                self.enter_next_step(self.position + 1);
                self.continue_into_step();
            }
        }
        self.now = self.now.max(until);
    }

    /// When [`Session::advance`] next has something to do.
    pub fn due(&self) -> Option<Time> {
        if self.is_stopped {
            return None;
        }
        let step = self.clock.boundary(self.position + 1);
        [step, self.silence_due(), self.keys.return_due(), self.bass_due()].into_iter().flatten().min()
    }

    /// Ends everything that sounds, and says so once more with all-notes-off on our channels. Nothing sounds after.
    pub fn stop(&mut self, at: Time) {
        if self.is_stopped {
            return;
        }
        self.advance(at);
        self.panic();
        self.is_stopped = true;
    }

    /// The next message to send; it stays until [`Session::sent`].
    pub fn next_message(&self) -> Option<Message> {
        self.routing.next_message()
    }

    pub fn sent(&mut self) {
        self.routing.sent();
    }

    /// The next request for the worker, oldest first.
    pub fn next_request(&mut self) -> Option<TableRequest> {
        self.requests.pop()
    }

    /// The next step that has begun: when, and at which position.
    pub fn next_step_begun(&mut self) -> Option<(Time, u64)> {
        self.begun.pop_front()
    }

    /// Soprano to bass, as they sing, heard or not.
    pub fn sounding(&self) -> [Option<Pitch>; 4] {
        self.routing.singing()
    }

    /// Ends every note without looking at anything else, after a panic in the middle of something. Called again, it ends
    /// them again.
    pub fn abandon(&mut self) {
        self.repeat_ends();
        self.routing.silence(self.now);
        self.is_stopped = true;
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// The soprano that the harmony stands under, passed through or not.
    pub fn soprano(&self) -> Option<Pitch> {
        self.keys.soprano().map(|soprano| soprano.pitch)
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Notes never begun because the port took no more messages.
    pub fn dropped(&self) -> u64 {
        self.routing.dropped()
    }

    /// The moment up to which everything has happened.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Sixteenths from beat 0 to the present step.
    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    fn give_bass(&mut self, pitch: Pitch, velocity: u8) {
        self.routing.begin(self.now, Part::Bass, pitch, velocity);
        self.bass_has_changed();
    }

    fn end_bass(&mut self) {
        self.routing.end(self.now, Part::Bass);
    }

    fn end_soprano(&mut self) {
        self.routing.end(self.now, Part::Soprano);
    }

    /// The present chord gets the bass that is given now, and tables that rest on another one are void.
    fn bass_has_changed(&mut self) {
        self.tables.keep_over(self.bass.token());
        match self.chord {
            Some(chord) if self.keys.soprano().is_some() => {
                self.tables.is_awaited |= self.tables.present.is_none();
                self.revise(self.held_chord(chord[Part::Soprano]));
            }
            _ => self.request_tables(),
        }
    }

    /// A new soprano: the clock tells its step, and the three lower parts answer at once.
    fn strike(&mut self, pitch: Pitch, velocity: u8) {
        let is_first = self.counts.notes == 0;
        let position = self.clock.onset(self.now, self.position);
        if position > self.position && (self.chord.is_some() || self.tables.next.is_some()) {
            self.enter_next_step(position);
        } else if position != self.position || is_first {
            self.go_to(position);
        }
        self.counts.notes += 1;
        self.sing_soprano(pitch, velocity);
    }

    fn sing_soprano(&mut self, pitch: Pitch, velocity: u8) {
        let is_repeated = self.keys.sing(self.now, pitch, velocity);
        self.routing.begin(self.now, Part::Soprano, pitch, velocity);
        self.answer(is_repeated);
    }

    /// Looks up what the lower parts do under the soprano, and lets them do it. A part that keeps its pitch holds,
    /// unless `restrike`.
    fn answer(&mut self, restrike: bool) {
        let Some(soprano) = self.keys.soprano() else { return };
        let Some(table) = self.tables.present else {
            self.counts.missed += 1;
            self.tables.is_awaited = true;
            let (token, _) = Part::Soprano.fold(soprano.pitch);
            return self.revise(self.held_chord(token));
        };
        self.tables.is_awaited = false;
        self.sing(&table, restrike);
    }

    fn sing(&mut self, table: &AnswerTable, restrike: bool) {
        let Some(soprano) = self.keys.soprano() else { return };
        let (token, _) = Part::Soprano.fold(soprano.pitch);
        let held = self.held_chord(token);
        let mut chord = table.chords[token.index()];
        let sounding = self.routing.singing();
        for (part, pitch) in Part::LOWER.into_iter().zip(table.lower_parts(soprano.pitch)) {
            if self.is_given(part) || self.is_frozen(part) && sounding[part.index()].is_some() {
                chord[part] = held[part];
                continue;
            }
            match pitch {
                None => self.routing.end(self.now, part),
                Some(pitch) if sounding[part.index()] == Some(pitch) && !restrike => {}
                Some(pitch) => self.routing.begin(self.now, part, pitch, soprano.velocity),
            }
        }
        self.revise(chord);
    }

    fn is_frozen(&self, part: Part) -> bool {
        part != Part::Soprano && (self.is_held || self.frozen[part.index()])
    }

    fn is_given(&self, part: Part) -> bool {
        part == Part::Bass && self.bass.is_given()
    }

    /// The chord of a step in which the lower parts that sound go on as they were.
    fn held_chord(&self, soprano: Token) -> Chord {
        let before = self.chord.unwrap_or(self.previous);
        let mut chord = Chord::SILENCE;
        let sounding = self.routing.singing();
        for part in Part::LOWER.into_iter().filter(|part| sounding[part.index()].is_some()) {
            chord[part] = before[part];
        }
        if let Some(bass) = self.bass.token() {
            chord[Part::Bass] = bass;
        }
        chord[Part::Soprano] = soprano;
        chord
    }

    fn revise(&mut self, chord: Chord) {
        self.chord = Some(chord);
        self.tables.keep_after(chord);
        self.request_tables();
    }

    /// The present chord becomes final, the next table the present one.
    fn enter_next_step(&mut self, position: u64) {
        self.previous = self.chord.unwrap_or(self.previous);
        self.step += 1;
        self.go_to(position);
        self.tables.enter_next_step();
    }

    /// Moves the present step to another position: the first key came, the clock was set, or a follower corrects itself.
    fn go_to(&mut self, position: u64) {
        self.position = position;
        if self.begun.len() == BEGUN {
            self.begun.pop_front();
        }
        self.begun.push_back((self.now, position));
    }

    fn continue_into_step(&mut self) {
        let Some(soprano) = self.keys.soprano() else {
            self.chord = None;
            return self.request_tables();
        };
        if self.density.moves_at(self.position) {
            return self.answer(false);
        }
        let (token, _) = Part::Soprano.fold(soprano.pitch);
        self.revise(self.held_chord(token));
    }

    /// After a beat without soprano; parts that are held, frozen or given sound on.
    fn fall_silent(&mut self) {
        self.keys.forget_soprano();
        for part in Part::ALL {
            if !self.is_frozen(part) && !self.is_given(part) {
                self.routing.end(self.now, part);
            }
        }
    }

    /// Ends everything, whatever holds it.
    fn panic(&mut self) {
        self.fingers = Fingers::new();
        self.keys.clear();
        let had_bass = self.bass.is_given();
        self.bass.clear();
        self.routing.silence(self.now);
        if had_bass {
            self.bass_has_changed();
        }
    }

    fn request_tables(&mut self) {
        self.requests.push(TableRequest {
            number: 0, // the queue counts
            step: self.step,
            previous: self.previous,
            chord: self.chord,
            phases: [self.clock.phase(self.position), self.clock.phase(self.position + 1)],
            bass: self.bass.token(),
            is_present_void: self.has_split_bass() && self.tables.present.is_none(),
            overrides: self.overrides,
        });
    }

    fn silence_due(&self) -> Option<Time> {
        self.keys.lifted().map(|lifted| lifted + self.beat())
    }

    /// When the network gets the bass again.
    fn bass_due(&self) -> Option<Time> {
        self.bass.lifted().map(|lifted| lifted + self.beat())
    }

    fn beat(&self) -> Time {
        (self.clock.step_length() * Phase::STEPS_PER_BEAT as f64).round() as Time
    }

    fn has_split_bass(&self) -> bool {
        self.settings.split.is_some_and(|split| split.below == Below::Bass)
    }
}
