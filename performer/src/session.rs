//! What is played live, apart from ports, threads and clocks: times and MIDI messages in, MIDI messages out.
//!
//! A [`Session`] answers each struck soprano from an [`AnswerTable`] that was worked out beforehand, moves the lower
//! parts on the step clock while the soprano holds, and tells through [`Report`]s which tables it will need next. It
//! never reads a clock and never allocates after [`Session::new`], so that it can run inside a real-time callback, and
//! the same calls always give the same messages.
//!
//! Rules of play:
//! - The clock starts with the first key: that is step 0, a downbeat.
//! - A step's chord is provisional until the step ends; a key struck later in the step revises it. A key struck in the
//!   last quarter of a step belongs to the next one.
//! - Of keys struck together the highest is the soprano. A key struck later takes over if it is higher, or lower by
//!   less than an octave: in a legato line the finger before is only late in leaving.
//! - When the soprano's key goes up while others within an octave are held, the highest of them returns, unless they
//!   too go up at once. Keys farther below are an accompaniment and never become the soprano while one is held.
//! - A gap shorter than a beat is articulation: the lower parts sound on as if the soprano did. After a beat of silence
//!   they are released, and the network's time stands still until the next key, while the bar goes on.
//! - Where a table is late the harmony holds, the miss is counted, and the answer is adopted when it comes.

use std::collections::VecDeque;

use chorale::{Chord, Part, Phase, Pitch, Token};

use crate::answer::{AnswerTable, fold_soprano};

/// A moment, counted in the units of whoever drives the session: frames under JACK, nanoseconds elsewhere.
pub type Time = u64;

/// A MIDI message of the harmony (or of the soprano passed through), and when it is to sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Time,
    pub bytes: [u8; 3],
}

/// What stands in the present step, for whoever prepares the next answer table.
///
/// The table wanted is that of `step + 1`, after `chord`, or after `previous` while nothing sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub step: u64,
    /// The last chord that is final.
    pub previous: Chord,
    /// The present step's chord so far; `None` in a silence, which the network does not hear.
    pub chord: Option<Chord>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Units of [`Time`] in a second.
    pub rate: f64,
    /// Quarter notes a minute.
    pub tempo: f64,
    /// Whether the soprano is sent on, on its own channel.
    pub pass_soprano: bool,
}

/// Beginning with this share of a step, a key struck belongs to the next step.
const AHEAD_FROM: f64 = 0.75;
/// Keys struck within this many seconds are one chord, and those lifted within it leave together. A pianist's chord
/// spreads over some 30 ms.
const TOGETHER: f64 = 0.05;
/// Messages that can wait for a slow port. A step or a key makes eight at most.
const OUTBOX: usize = 256;
const REPORTS: usize = 64;
const RELEASE_VELOCITY: u8 = 64;
const ALL_SOUND_OFF: u8 = 120;
const ALL_NOTES_OFF: u8 = 123;

pub struct Session {
    settings: Settings,
    steps: StepClock,
    /// Velocity of each key that is down, 0 when it is up.
    keys: [u8; 128],
    soprano: Option<Soprano>,
    /// What sounds on each part's channel.
    sounding: [Option<Pitch>; 4],

    step: u64,
    /// The last final chord; [`Chord::START`] before the first.
    previous: Chord,
    /// The present step's chord so far; `None` in a silence.
    chord: Option<Chord>,
    /// Answers for `step`, after `previous`.
    present: Option<AnswerTable>,
    /// Answers for the step after, should the present chord stay as it is.
    next: Option<AnswerTable>,
    /// The present chord was made without a table and will be remade when it arrives.
    waiting: bool,

    outbox: VecDeque<Message>,
    reports: VecDeque<Report>,
    now: Time,
    stopped: bool,
    notes: u64,
    missed: u64,
    dropped: u64,
}

/// The note that the harmony stands under.
#[derive(Clone, Copy, Debug)]
struct Soprano {
    pitch: Pitch,
    velocity: u8,
    struck: Time,
    /// When its key went up.
    lifted: Option<Time>,
}

/// Where the steps begin. Nothing moves before `start`.
#[derive(Clone, Copy, Debug)]
struct StepClock {
    start: Option<Time>,
    /// In units of [`Time`]; kept as a fraction so that rounding never adds up.
    length: f64,
}

impl StepClock {
    fn boundary(&self, step: u64) -> Option<Time> {
        self.start.map(|start| start + (step as f64 * self.length).round() as Time)
    }
}

impl Session {
    /// # Panics
    /// When rate or tempo is not above zero.
    pub fn new(settings: Settings) -> Session {
        assert!(settings.rate > 0.0 && settings.tempo > 0.0, "rate and tempo must be above zero: {settings:?}");
        let length = settings.rate * 60.0 / settings.tempo / Phase::STEPS_PER_BEAT as f64;
        Session {
            settings,
            steps: StepClock { start: None, length },
            keys: [0; 128],
            soprano: None,
            sounding: [None; 4],
            step: 0,
            previous: Chord::START,
            chord: None,
            present: None,
            next: None,
            waiting: false,
            outbox: VecDeque::with_capacity(OUTBOX),
            reports: VecDeque::with_capacity(REPORTS),
            now: 0,
            stopped: false,
            notes: 0,
            missed: 0,
            dropped: 0,
        }
    }

    /// Takes one whole MIDI message from the keyboard, of any channel. Notes, all-notes-off and all-sound-off are
    /// obeyed, everything else is passed over. Returns whether the message struck a soprano.
    pub fn midi(&mut self, at: Time, bytes: &[u8]) -> bool {
        self.advance(at);
        if self.stopped {
            return false;
        }
        let notes = self.notes;
        match *bytes {
            [status, key, velocity] if key < 128 && velocity < 128 => match (status & 0xf0, velocity) {
                (0x90, 1..) => self.key_down(key, velocity),
                (0x90 | 0x80, _) => self.key_up(key),
                (0xb0, _) if key == ALL_NOTES_OFF || key == ALL_SOUND_OFF => {
                    self.keys = [0; 128];
                    self.fall_silent();
                }
                _ => {}
            },
            _ => {}
        }
        self.notes != notes
    }

    /// Takes an answer table; one that no longer fits what was played is passed over.
    pub fn table(&mut self, at: Time, table: &AnswerTable) {
        self.advance(at);
        if table.step == self.step && table.after == self.previous {
            self.present = Some(*table);
            if self.waiting && self.soprano.is_some() {
                self.answer(false);
            }
        } else if table.step == self.step + 1 && table.after == self.chord.unwrap_or(self.previous) {
            self.next = Some(*table);
        }
    }

    /// Does what is due of itself up to and including `until`: step boundaries, the release after a beat of silence,
    /// the return to a key still held.
    pub fn advance(&mut self, until: Time) {
        while let Some(due) = self.due()
            && due <= until
        {
            self.now = self.now.max(due);
            if self.return_due().is_some_and(|at| at <= due) {
                if let Some((pitch, velocity)) = self.returning_key() {
                    self.strike(pitch, velocity);
                }
            } else if self.silence_due().is_some_and(|at| at <= due) {
                self.fall_silent();
            } else {
                self.enter_next_step();
                self.continue_into_step();
            }
        }
        self.now = self.now.max(until);
    }

    /// When [`Session::advance`] next has something to do.
    pub fn due(&self) -> Option<Time> {
        if self.stopped {
            return None;
        }
        [self.steps.boundary(self.step + 1), self.silence_due(), self.return_due()].into_iter().flatten().min()
    }

    /// Ends everything that sounds, and says so once more with all-notes-off on every channel. Nothing sounds after.
    pub fn stop(&mut self, at: Time) {
        if self.stopped {
            return;
        }
        self.advance(at);
        self.fall_silent();
        self.stopped = true;
        for part in Part::ALL {
            self.outbox.push_back(Message { at: self.now, bytes: [0xb0 | channel(part), ALL_NOTES_OFF, 0] });
        }
    }

    /// The next message to send; it stays until [`Session::sent`].
    pub fn next_message(&self) -> Option<Message> {
        self.outbox.front().copied()
    }

    pub fn sent(&mut self) {
        self.outbox.pop_front();
    }

    /// The next report for the worker, oldest first.
    pub fn next_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// Soprano to bass, as they sound.
    pub fn sounding(&self) -> [Option<Pitch>; 4] {
        self.sounding
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The soprano that the harmony stands under, passed through or not.
    pub fn soprano(&self) -> Option<Pitch> {
        self.soprano.map(|soprano| soprano.pitch)
    }

    /// Sopranos struck so far.
    pub fn notes(&self) -> u64 {
        self.notes
    }

    /// Sopranos struck and steps begun without a table at hand.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Notes never begun because the port took no more messages.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn key_down(&mut self, key: u8, velocity: u8) {
        self.keys[usize::from(key)] = velocity;
        let Some(pitch) = Pitch::new(key) else { return };
        let is_melody = self.held_soprano().is_none_or(|held| {
            let is_chord = self.now - held.struck < self.together();
            pitch >= held.pitch || (!is_chord && is_melodic(held.pitch, pitch))
        });
        if is_melody {
            self.strike(pitch, velocity);
        }
    }

    fn key_up(&mut self, key: u8) {
        self.keys[usize::from(key)] = 0;
        let now = self.now;
        if let Some(soprano) = self.soprano.as_mut().filter(|soprano| soprano.pitch.midi() == key)
            && soprano.lifted.is_none()
        {
            soprano.lifted = Some(now);
            self.end(Part::Soprano);
        }
    }

    /// A new soprano: the three lower parts answer at once.
    fn strike(&mut self, pitch: Pitch, velocity: u8) {
        match self.steps.boundary(self.step + 1) {
            None => self.steps.start = Some(self.now),
            Some(boundary) => {
                let ahead = ((1.0 - AHEAD_FROM) * self.steps.length) as Time;
                if boundary.saturating_sub(self.now) < ahead {
                    self.enter_next_step();
                }
            }
        }
        let repeated = self.soprano.is_some_and(|before| before.pitch == pitch);
        self.soprano = Some(Soprano { pitch, velocity, struck: self.now, lifted: None });
        self.notes += 1;
        if self.settings.pass_soprano {
            self.begin(Part::Soprano, pitch, velocity);
        }
        self.answer(repeated);
    }

    /// Looks up what the lower parts do under the soprano, and lets them do it. A part that keeps its pitch holds,
    /// unless `restrike`.
    fn answer(&mut self, restrike: bool) {
        let Some(soprano) = self.soprano else { return };
        let (token, _) = fold_soprano(soprano.pitch);
        let Some(table) = self.present else {
            self.missed += 1;
            self.waiting = true;
            return self.revise(self.held_chord(token));
        };
        self.waiting = false;
        for (part, pitch) in Part::LOWER.into_iter().zip(table.lower_parts(soprano.pitch)) {
            match pitch {
                None => self.end(part),
                Some(pitch) if self.sounding[part.index()] == Some(pitch) && !restrike => {}
                Some(pitch) => self.begin(part, pitch, soprano.velocity),
            }
        }
        self.revise(table.chords[token.index()]);
    }

    /// The chord of a step whose table is late: the parts that sound go on as they were.
    fn held_chord(&self, soprano: Token) -> Chord {
        let before = self.chord.unwrap_or(self.previous);
        let mut chord = Chord::SILENCE;
        for part in Part::LOWER.into_iter().filter(|part| self.sounding[part.index()].is_some()) {
            chord[part] = before[part];
        }
        chord[Part::Soprano] = soprano;
        chord
    }

    fn revise(&mut self, chord: Chord) {
        self.chord = Some(chord);
        self.next = self.next.filter(|table| table.after == chord);
        self.report();
    }

    /// The present chord becomes final, the next table the present one.
    fn enter_next_step(&mut self) {
        self.previous = self.chord.unwrap_or(self.previous);
        self.step += 1;
        self.present = self.next.take();
        self.waiting = false;
    }

    fn continue_into_step(&mut self) {
        match self.soprano {
            Some(_) => self.answer(false),
            None => {
                self.chord = None;
                self.report();
            }
        }
    }

    fn fall_silent(&mut self) {
        self.soprano = None;
        Part::ALL.into_iter().for_each(|part| self.end(part));
    }

    fn begin(&mut self, part: Part, pitch: Pitch, velocity: u8) {
        self.end(part);
        // Every note that sounds keeps room for its end, as does `stop` for its four messages: a port that takes
        // nothing for a while can't leave a note sounding.
        let owed = self.sounding.iter().flatten().count() + Part::ALL.len();
        let this_note_and_its_end = 2;
        if self.outbox.len() + owed + this_note_and_its_end > OUTBOX {
            self.dropped += 1;
            return;
        }
        self.sounding[part.index()] = Some(pitch);
        self.outbox.push_back(Message { at: self.now, bytes: [0x90 | channel(part), pitch.midi(), velocity] });
    }

    fn end(&mut self, part: Part) {
        if let Some(pitch) = self.sounding[part.index()].take() {
            let bytes = [0x80 | channel(part), pitch.midi(), RELEASE_VELOCITY];
            self.outbox.push_back(Message { at: self.now, bytes });
        }
    }

    fn report(&mut self) {
        let report = Report { step: self.step, previous: self.previous, chord: self.chord };
        if self.reports.back().is_some_and(|last| last.step == report.step) {
            self.reports.pop_back();
        } else if self.reports.len() == REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back(report);
    }

    fn held_soprano(&self) -> Option<Soprano> {
        self.soprano.filter(|soprano| soprano.lifted.is_none())
    }

    /// The key still held that follows a soprano whose key went up, with its velocity.
    fn returning_key(&self) -> Option<(Pitch, u8)> {
        let left = self.soprano?.pitch;
        let key = (0..128u8).rev().find(|&key| self.keys[usize::from(key)] > 0)?;
        let pitch = Pitch::new(key).filter(|&pitch| is_melodic(left, pitch))?;
        Some((pitch, self.keys[usize::from(key)]))
    }

    fn together(&self) -> Time {
        (TOGETHER * self.settings.rate) as Time
    }

    fn silence_due(&self) -> Option<Time> {
        let beat = (self.steps.length * Phase::STEPS_PER_BEAT as f64).round() as Time;
        self.soprano?.lifted.map(|lifted| lifted + beat)
    }

    fn return_due(&self) -> Option<Time> {
        let lifted = self.soprano?.lifted?;
        self.returning_key().map(|_| lifted + self.together())
    }
}

/// Whether a melody may go from one pitch to the other while fingers overlap: by less than an octave.
fn is_melodic(from: Pitch, to: Pitch) -> bool {
    from.midi().abs_diff(to.midi()) < 12
}

const fn channel(part: Part) -> u8 {
    part.index() as u8
}
