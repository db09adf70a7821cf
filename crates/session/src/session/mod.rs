//! What is played live, apart from ports, threads and clocks: times and MIDI messages in, MIDI messages out.
//!
//! A [`Session`] answers each struck soprano from an [`AnswerTable`] that was worked out beforehand, moves the lower
//! parts on the step clock while the soprano holds, and tells through [`TableRequest`]s which tables it will need next. It
//! never reads a clock and never allocates after [`Session::new`], so that it can run inside a real-time callback, and
//! the same calls always give the same messages.
//!
//! Rules of play:
//! - What is struck at the very moment of a step comes before it.
//! - A step's chord is provisional until the step ends; a key struck later in the step revises it. A key struck just
//!   before a step belongs to it.
//! - Where a key is likely, the lower parts wait for it some hundredths of a second before they move by themselves, as
//!   long as this player is usually late ([`Touch`]). A part that was just struck is not struck again: it stays if it fits
//!   the chord, or moves a little later. Under trills and fast repetitions the parts move on beats.
//! - Of keys struck together the highest is the soprano. A key struck later takes over if it is higher, or lower by
//!   less than an octave: in a legato line the finger before is only late in leaving. Where lower keys have gone with
//!   the melody, a key nearer to them waits for a higher one before it is taken for the melody ([`Company`]).
//! - When the soprano's key goes up while others within an octave are held, the highest of them returns, unless they
//!   too go up at once. One that was struck just before, as in a legato leap, returns at once, however far below, and one
//!   that was struck some time before when it has been held alone for as long as both were held. Other keys farther below
//!   are an accompaniment and never become the soprano while one is held. When none is, a single one of them does that is
//!   held for more than a moment.
//! - The sustain pedal holds the soprano's key down, sostenuto those keys that are down as it goes down. A new
//!   soprano ends the old one under the pedal too: a part sings one note.
//! - Keys below a split may be the bass ([`Below::Bass`]): the last one struck is, and when it goes up the lowest of
//!   those still held. It sounds at once, and the alto and tenor that fit it follow as soon as they are worked out, some
//!   thousandths of a second later. A beat after it ended the network has the bass again.
//! - The network hears a gap shorter than a beat as articulation, in which the soprano goes on; after it the network's
//!   time stands still until the next key, while the bar goes on. When the lower parts end is a matter of taste
//!   ([`Release`]); until the next key none of them is struck.
//! - A click may sound on the clock's beats ([`ClickSettings`]); a count-in clicks before the music begins, and lets the
//!   clock run from there on without a key. It is no part: neither the network nor the take's score hears it.
//! - Where a table is late the harmony holds, the miss is counted, and the answer is adopted when it comes, be it steps
//!   later: on a machine too slow for its tempo the harmony lags, but it goes on.

mod bass;
mod click;
mod company;
mod dues;
mod fingers;
mod harmony;
mod host;
mod input;
mod keys;
mod requests;
mod settings;
mod songs;
mod tap;
#[cfg(test)]
mod tests;
mod touch;

use std::collections::VecDeque;

use chorale::{Chord, Density, Key, Pitch};

use crate::answer::AnswerTable;
use crate::clock::{Clock, Metre, Time};
use crate::control::{FIRST_REGISTRATION, Overrides};
use crate::midi::MidiReader;
use crate::routing::{Message, Routing};

pub use requests::TableRequest;
pub use settings::{
    BINDINGS, Below, CHORD_WINDOW, ClickSettings, KeyboardSplit, MOST_COUNTED, Release, SPLIT_CHANNEL, Settings,
};
use songs::Transposition;

use bass::GivenBass;
use click::Click;
use fingers::Fingers;
use harmony::Motion;
use keys::Keys;
use requests::{Awaited, Requests, Tables};
use tap::Taps;
use touch::Touch;

/// Ends of notes that were sent so many seconds before an overrun may be lost with it.
const LOST: f64 = 0.2;
const BEGUN: usize = 64;
/// Steps that a key may go over: a bar without the one that it goes to.
const MOST_PASSED: u64 = 15;

/// A performance as it stands.
pub struct Session {
    settings: Settings,
    clock: Clock,
    routing: Routing,
    reader: MidiReader,
    fingers: Fingers,
    keys: Keys,
    bass: GivenBass,
    touch: Touch,
    click: Click,
    taps: Taps,

    /// Steps begun, and the musical position of the present one. They part where the clock is set to another place.
    step: u64,
    position: u64,
    /// The position after the last step that was heard, from which a key may have gone to a later one.
    unheard_from: u64,
    /// The last final chord; [`Chord::START`] before the first.
    previous: Chord,
    /// The present step's chord so far; `None` in a silence.
    chord: Option<Chord>,
    /// When lower parts go to the present answer that have not gone there yet.
    settling: Option<Time>,
    /// When the next table is asked for, since the present chord is likely to change before.
    asking: Option<Time>,
    /// The lower parts have ended with the soprano, while the network hears them go on.
    is_released: bool,
    /// The last value of each binding's controller.
    controller_values: [u8; BINDINGS],
    /// The last beat in which a key was answered by all parts.
    answered_beat: Option<u64>,
    tables: Tables,
    requests: Requests,
    /// Steps that have begun, not yet told.
    begun: VecDeque<StepBegun>,

    is_held: bool,
    frozen: [bool; 4],
    density: Density,
    overrides: Overrides,
    /// A place in [`control::REGISTRATIONS`](crate::control::REGISTRATIONS).
    registration: u8,
    transposition: Transposition,
    /// Our own, as it was set last, in beats a minute.
    tempo: f64,
    song: Option<u8>,
    /// Songs that were begun.
    restarts: u32,

    now: Time,
    is_stopped: bool,
    counts: Counts,
}

/// A step that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBegun {
    /// When the clock has it begin: a key struck a little early is answered before.
    pub at: Time,
    /// Sixteenths from beat 0.
    pub sixteenth: u64,
    pub metre: Metre,
    /// Units of [`Time`] in a sixteenth at that moment.
    pub length: Time,
    /// A player who is followed has struck a key there: the place is sure, others are foretold.
    pub is_struck: bool,
    /// The song of the set list, from 0, and the key that is told.
    pub song: Option<u8>,
    pub key: Option<Key>,
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
        let click = settings.click;
        let mut routing = Routing::new(settings.routes, settings.has_own_ports, through_channel, click.note);
        routing.send_programs(0);
        let clock = Clock::new(settings.clock, settings.metre);
        Session {
            settings,
            routing,
            reader: MidiReader::default(),
            fingers: Fingers::new(settings.clock.rate),
            keys: Keys::new(settings.clock.rate, settings.chord_window),
            bass: GivenBass::new(),
            touch: Touch::new(settings.clock.rate),
            click: Click::new(click.is_on),
            taps: Taps::new(settings.clock.rate),
            step: 0,
            position: clock.first_position(),
            unheard_from: clock.first_position(),
            clock,
            previous: Chord::START,
            chord: None,
            settling: None,
            asking: None,
            is_released: false,
            controller_values: [0; BINDINGS],
            answered_beat: None,
            tables: Tables::default(),
            requests: Requests::new(),
            begun: VecDeque::with_capacity(BEGUN),
            is_held: false,
            frozen: [false; 4],
            density: Density::default(),
            registration: FIRST_REGISTRATION,
            overrides: Overrides { key: settings.key, ..Overrides::default() },
            transposition: Transposition::new(settings.transpose),
            tempo: settings.clock.tempo,
            song: None,
            restarts: 0,
            now: 0,
            is_stopped: false,
            counts: Counts::default(),
        }
    }

    /// Takes one whole MIDI message from the keyboard (its status byte may be left out if it is that of the message
    /// before), of any channel. Returns whether it struck a soprano.
    pub fn midi(&mut self, at: Time, bytes: &[u8]) -> bool {
        self.reach(at);
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
        self.reach(at);
        let fits = table.bass == self.bass.token();
        // In a gap nothing is struck; the next key finds the table there.
        let is_wanted = self.tables.awaited != Awaited::Nothing && self.keys.lifted().is_none();
        if fits && table.step == self.step && table.after == self.previous {
            self.tables.present = Some(*table);
            if is_wanted {
                self.adopt();
            }
        } else if fits && table.step == self.step + 1 && table.after == self.chord.unwrap_or(self.previous) {
            self.tables.next = Some(*table);
        } else if is_wanted && table.step < self.step {
            // Its step is over, but nothing newer is there. The right one is still waited for.
            self.sing(table, Motion::AtOnce);
        }
    }

    /// What a key struck now would be answered from, where it is ready.
    pub fn answers(&self) -> Option<&AnswerTable> {
        self.tables.present.as_ref()
    }

    pub fn density(&self) -> Density {
        self.density
    }

    pub fn overrides(&self) -> Overrides {
        self.overrides
    }

    /// A place in [`control::REGISTRATIONS`](crate::control::REGISTRATIONS): the stops that were drawn together last.
    pub fn registration(&self) -> u8 {
        self.registration
    }

    /// The keyboard is gone: all its keys are up.
    pub fn input_lost(&mut self, at: Time) {
        self.reach(at);
        self.panic();
    }

    /// The instrument has come, or come back: it knows nothing of what sounds, and may sound on from a performance that
    /// was cut off.
    pub fn output_regained(&mut self, at: Time) {
        self.reach(at);
        self.routing.silence_all_heard(self.now);
        self.click.ends = None;
        self.routing.set_up_instrument(self.now);
    }

    /// The sound system has lost what was sent just before: no note may sound on because of that.
    pub fn messages_lost(&mut self, at: Time) {
        self.reach(at);
        self.repeat_ends();
    }

    fn repeat_ends(&mut self) {
        let window = (LOST * self.settings.clock.rate) as Time;
        self.routing.repeat_ends(self.now, self.now.saturating_sub(window));
    }

    /// Does what is due of itself up to and including `until`: step boundaries, the release after the soprano's end, the
    /// return to a key still held, and the like.
    pub fn advance(&mut self, until: Time) {
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.fall_due(due);
        }
        self.now = self.now.max(until);
    }

    /// Does what is due before `at`: what comes from outside comes before what is due at the same moment.
    fn reach(&mut self, at: Time) {
        if let Some(before) = at.checked_sub(1).filter(|before| *before >= self.now) {
            self.advance(before);
        }
        self.now = self.now.max(at);
    }

    /// Ends everything that sounds, and says so once more with all-notes-off on our channels. Nothing sounds after.
    pub fn stop(&mut self, at: Time) {
        if self.is_stopped {
            return;
        }
        self.reach(at);
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

    /// The next step that has begun.
    pub fn next_step_begun(&mut self) -> Option<StepBegun> {
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

    /// The present chord becomes final, the next table the present one.
    fn enter_next_step(&mut self, position: u64) {
        if self.asking.is_some() {
            self.request_tables();
        }
        let was_music = self.keys.soprano().is_some() && self.keys.lifted().is_none();
        self.touch.end_step(self.position, was_music);
        self.unheard_from = if self.chord.is_some() { self.position + 1 } else { position };
        self.previous = self.chord.unwrap_or(self.previous);
        self.step += 1;
        self.go_to(position);
        self.tables.enter_next_step();
    }

    /// Moves the present step to another position: the first key came, the clock was set, or a follower corrects itself.
    fn go_to(&mut self, position: u64) {
        self.position = position;
        self.tell_begun(false);
    }

    fn tell_begun(&mut self, is_struck: bool) {
        if self.begun.len() == BEGUN {
            self.begun.pop_front();
        }
        let at = self.clock.boundary(self.position).unwrap_or(self.now);
        let length = self.clock.step_length().round() as Time;
        let (sixteenth, metre) = (self.clock.sixteenth(self.position), self.clock.metre());
        let (song, key) = (self.song, self.overrides.key);
        self.begun.push_back(StepBegun { at, sixteenth, metre, length, is_struck, song, key });
    }

    /// Ends everything, whatever holds it.
    fn panic(&mut self) {
        self.fingers.clear();
        self.settling = None;
        self.keys.clear();
        let had_bass = self.bass.is_given();
        self.bass.clear();
        self.routing.silence(self.now);
        self.click.ends = None;
        self.stop_counting();
        if had_bass {
            self.bass_has_changed();
        }
    }

    fn request_tables(&mut self) {
        self.asking = None;
        self.requests.push(TableRequest {
            number: 0, // the queue counts
            step: self.step,
            previous: self.previous,
            chord: self.chord,
            phases: [self.clock.phase(self.position), self.clock.phase(self.position + 1)],
            passed: self.position.saturating_sub(self.unheard_from).min(MOST_PASSED) as usize,
            bass: self.bass.token(),
            is_present_void: self.tables.present.is_none() && (self.has_split_bass() || self.has_begun_anew()),
            overrides: self.overrides,
            restarts: self.restarts,
        });
    }

    /// Whether nothing was played of this song yet, so that no table was asked for in the step before.
    fn has_begun_anew(&self) -> bool {
        self.restarts > 0 && self.previous == Chord::START
    }

    fn units(&self, seconds: f64) -> Time {
        (seconds * self.settings.clock.rate) as Time
    }

    fn beat(&self) -> Time {
        self.clock.beat_length().round() as Time
    }

    fn has_split_bass(&self) -> bool {
        self.settings.split.is_some_and(|split| split.below == Below::Bass)
    }
}
