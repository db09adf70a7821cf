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
//! - Where a table is late the harmony holds, the miss is counted, and the answer is adopted when it comes, be it steps
//!   later: on a machine too slow for its tempo the harmony lags, but it goes on.

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
            if self.waiting {
                self.answer(false);
            }
        } else if table.step == self.step + 1 && table.after == self.chord.unwrap_or(self.previous) {
            self.next = Some(*table);
        } else if self.waiting && table.step < self.step {
            // Its step is over, but nothing newer is there. The right one is still waited for.
            self.sing(table, false);
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

    /// Ends everything that sounds, and says so once more with all-notes-off on our channels. Nothing sounds after.
    pub fn stop(&mut self, at: Time) {
        if self.stopped {
            return;
        }
        self.advance(at);
        self.fall_silent();
        self.stopped = true;
        for part in Part::ALL.into_iter().filter(|&part| self.settings.pass_soprano || part != Part::Soprano) {
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
        let Some(table) = self.present else {
            self.missed += 1;
            self.waiting = true;
            let (token, _) = fold_soprano(soprano.pitch);
            return self.revise(self.held_chord(token));
        };
        self.waiting = false;
        self.sing(&table, restrike);
    }

    fn sing(&mut self, table: &AnswerTable, restrike: bool) {
        let Some(soprano) = self.soprano else { return };
        for (part, pitch) in Part::LOWER.into_iter().zip(table.lower_parts(soprano.pitch)) {
            match pitch {
                None => self.end(part),
                Some(pitch) if self.sounding[part.index()] == Some(pitch) && !restrike => {}
                Some(pitch) => self.begin(part, pitch, soprano.velocity),
            }
        }
        let (token, _) = fold_soprano(soprano.pitch);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1000 units a second and 60 beats a minute: a step is 250 units, a beat 1000.
    const SETTINGS: Settings = Settings { rate: 1000.0, tempo: 60.0, pass_soprano: true };
    const STEP: Time = 250;
    const BEAT: Time = 1000;

    /// A harmony that can be followed by eye: the alto lies 4 semitones under the soprano in even steps and 5 in odd
    /// ones, the tenor always sings C4, the bass doubles the soprano two octaves below.
    fn table(step: u64, after: Chord) -> AnswerTable {
        let chords = std::array::from_fn(|index| {
            let soprano = Token::from_index(index).unwrap();
            let pitch = soprano.pitch().map_or(72, |pitch| i32::from(pitch.midi()));
            let token = |midi: i32| Token::from_pitch(Pitch::new(midi.clamp(36, 81) as u8).unwrap()).unwrap();
            Chord([soprano, token(pitch - 4 - (step % 2) as i32), token(60), token(pitch - 24)])
        });
        AnswerTable { step, after, chords }
    }

    /// A session whose tables come at once.
    struct Player {
        session: Session,
        sent: Vec<Message>,
        reports: Vec<Report>,
    }

    impl Player {
        fn new() -> Player {
            Player::with(SETTINGS)
        }

        fn with(settings: Settings) -> Player {
            let mut session = Session::new(settings);
            session.table(0, &table(0, Chord::START));
            Player { session, sent: Vec::new(), reports: Vec::new() }
        }

        fn play(&mut self, at: Time, bytes: &[u8]) -> Vec<(u8, &'static str, u8)> {
            self.at(at);
            let from = self.sent.len();
            self.session.midi(at, bytes);
            self.collect(true);
            described(&self.sent[from..])
        }

        fn down(&mut self, at: Time, key: u8) -> Vec<(u8, &'static str, u8)> {
            self.play(at, &[0x90, key, 80])
        }

        fn up(&mut self, at: Time, key: u8) -> Vec<(u8, &'static str, u8)> {
            self.play(at, &[0x80, key, 0])
        }

        /// Lets the time pass, step by step so that each table is there in time.
        fn at(&mut self, until: Time) -> Vec<(u8, &'static str, u8)> {
            let from = self.sent.len();
            while let Some(due) = self.session.due().filter(|&due| due <= until) {
                self.session.advance(due);
                self.collect(true);
            }
            self.session.advance(until);
            self.collect(true);
            described(&self.sent[from..])
        }

        fn collect(&mut self, with_tables: bool) {
            while let Some(message) = self.session.next_message() {
                self.sent.push(message);
                self.session.sent();
            }
            while let Some(report) = self.session.next_report() {
                self.reports.push(report);
                if with_tables {
                    let after = report.chord.unwrap_or(report.previous);
                    self.session.table(0, &table(report.step + 1, after));
                }
            }
        }
    }

    /// (part's channel from 1, on or off, pitch).
    fn described(messages: &[Message]) -> Vec<(u8, &'static str, u8)> {
        let kind = |status: u8| match status & 0xf0 {
            0x90 => "on",
            0x80 => "off",
            _ => "control",
        };
        messages.iter().map(|message| (message.bytes[0] % 16 + 1, kind(message.bytes[0]), message.bytes[1])).collect()
    }

    #[test]
    fn a_struck_soprano_is_answered_at_once_on_channels_of_their_own_with_its_velocity() {
        let mut player = Player::new();
        assert_eq!(player.down(7, 72), [(1, "on", 72), (2, "on", 68), (3, "on", 60), (4, "on", 48)]);
        assert!(player.sent.iter().all(|message| message.at == 7 && message.bytes[2] == 80));
    }

    #[test]
    fn the_soprano_is_left_out_when_it_sounds_elsewhere() {
        let mut player = Player::with(Settings { pass_soprano: false, ..SETTINGS });
        assert_eq!(player.down(0, 72), [(2, "on", 68), (3, "on", 60), (4, "on", 48)]);
        assert_eq!(player.up(100, 72), []);
    }

    #[test]
    fn a_part_that_keeps_its_pitch_holds_unless_the_soprano_is_struck_again() {
        let mut player = Player::new();
        player.down(0, 72);
        let moved = [(1, "off", 72), (1, "on", 74), (2, "off", 68), (2, "on", 70), (4, "off", 48), (4, "on", 50)];
        assert_eq!(player.down(100, 74), moved);
        assert_eq!(player.up(110, 74), [(1, "off", 74)]);
        let struck_again = player.down(130, 74);
        let struck: Vec<u8> = struck_again.iter().filter(|event| event.1 == "on").map(|event| event.0).collect();
        assert_eq!(struck, [1, 2, 3, 4]);
    }

    #[test]
    fn inner_parts_move_at_the_step_boundary_while_the_soprano_holds() {
        let mut player = Player::new();
        player.down(1000, 72);
        assert_eq!(player.at(1000 + STEP - 1), []);
        assert_eq!(player.at(1000 + STEP), [(2, "off", 68), (2, "on", 67)]);
        assert_eq!(player.sent.last().unwrap().at, 1000 + STEP);
    }

    #[test]
    fn a_late_note_revises_its_step_and_one_just_before_the_beat_belongs_to_the_next() {
        let mut player = Player::new();
        player.down(0, 72);
        player.down(150, 74);
        let revised = *player.reports.last().unwrap();
        assert_eq!((revised.step, revised.previous), (0, Chord::START));
        assert_eq!(revised.chord, Some(table(0, Chord::START).chords[74 - 35]));

        let played = player.down(200, 76);
        assert!(played.contains(&(2, "on", 71)), "answered from step 1, where the alto is a fourth below: {played:?}");
        let next = *player.reports.last().unwrap();
        assert_eq!((next.step, next.previous), (1, revised.chord.unwrap()));
        assert_eq!(player.at(STEP), [], "step 1 has begun already");
        assert_eq!(player.reports.last(), Some(&next));
        assert!(player.at(2 * STEP).contains(&(2, "on", 72)));
    }

    #[test]
    fn a_gap_shorter_than_a_beat_is_articulation_and_a_longer_one_silence() {
        let mut player = Player::new();
        player.down(0, 72);
        assert_eq!(player.up(100, 72), [(1, "off", 72)]);
        player.at(100 + BEAT - 1);
        assert_eq!(player.session.sounding().iter().flatten().count(), 3);
        assert_eq!(player.reports.last().unwrap().chord.unwrap()[Part::Soprano].pitch().unwrap().midi(), 72);

        let released = player.at(100 + BEAT);
        assert_eq!(released.len(), 3);
        assert_eq!(player.session.sounding(), [None; 4]);
        let last = player.reports.last().unwrap().chord.unwrap();
        player.at(20 * BEAT);
        let silent = *player.reports.last().unwrap();
        assert_eq!(
            (silent.step, silent.previous, silent.chord),
            (80, last, None),
            "the bar goes on, the network waits"
        );
        assert_eq!(player.down(20 * BEAT + 10, 74).len(), 4);
        assert_eq!(player.session.missed(), 0);
    }

    #[test]
    fn of_keys_struck_together_the_highest_is_the_soprano() {
        let mut player = Player::new();
        player.down(0, 72);
        assert_eq!(player.down(10, 67), []);
        assert!(player.down(20, 76).contains(&(1, "on", 76)));
        assert_eq!(player.up(30, 67), []);
        assert_eq!(player.session.soprano().unwrap().midi(), 76);
    }

    #[test]
    fn a_legato_line_goes_down_although_the_finger_before_is_late() {
        let mut player = Player::new();
        player.down(0, 74);
        assert!(player.down(600, 72).contains(&(1, "on", 72)));
        assert_eq!(player.up(640, 74), [], "the late finger leaves unheard");
        assert_eq!(player.down(900, 48), [], "an accompaniment far below is not the melody");
    }

    #[test]
    fn a_key_still_held_returns_but_the_keys_of_a_chord_leave_together() {
        let mut player = Player::new();
        player.down(0, 72);
        player.down(100, 74);
        player.up(150, 74);
        assert!(player.at(200).contains(&(1, "on", 72)), "the trill's main note returns");

        player.up(300, 72);
        for (at, key) in [(400, 72), (500, 76), (510, 79)] {
            player.down(at, key);
        }
        for (at, key) in [(700, 79), (710, 76), (720, 72)] {
            player.up(at, key);
        }
        let after = player.at(1200);
        assert!(after.iter().all(|event| event.0 != 1), "the soprano stays silent: {after:?}");
    }

    #[test]
    fn note_on_with_velocity_0_and_all_notes_off_end_notes() {
        let mut player = Player::new();
        player.down(0, 72);
        assert_eq!(player.play(50, &[0x95, 72, 0]), [(1, "off", 72)]);
        player.down(100, 74);
        assert_eq!(player.play(120, &[0xb3, 123, 0]).len(), 4);
        assert_eq!(player.session.sounding(), [None; 4]);
        assert_eq!(player.at(140), []);
    }

    #[test]
    fn what_is_no_note_is_passed_over() {
        let mut player = Player::new();
        player.down(0, 72);
        for bytes in
            [&[0xf8][..], &[0xb0, 64, 127], &[0xe0, 0, 64], &[0xc0, 1], &[], &[0x90, 200, 1], &[0xf0, 1, 2, 0xf7]]
        {
            assert_eq!(player.play(10, bytes), [], "{bytes:?}");
        }
    }

    #[test]
    fn a_soprano_outside_the_trained_range_is_answered_as_its_octave() {
        let mut player = Player::new();
        assert_eq!(player.down(0, 48), [(1, "on", 48), (2, "on", 44), (3, "on", 48), (4, "on", 24)]);
        assert_eq!(player.reports.last().unwrap().chord.unwrap()[Part::Soprano].pitch().unwrap().midi(), 60);
        let above = player.down(100, 96);
        assert!(
            above.ends_with(&[(4, "off", 24), (4, "on", 48)]),
            "low enough under 72, an octave or two below: {above:?}"
        );
    }

    #[test]
    fn a_late_table_is_counted_and_adopted_when_it_comes() {
        let mut session = Session::new(SETTINGS);
        assert!(session.midi(0, &[0x90, 72, 80]));
        let drain = |session: &mut Session| {
            let mut sent = Vec::new();
            while let Some(message) = session.next_message() {
                sent.push(message);
                session.sent();
            }
            described(&sent)
        };
        assert_eq!((drain(&mut session), session.missed()), (vec![(1, "on", 72)], 1));
        session.table(20, &table(0, Chord::START));
        assert_eq!(drain(&mut session), [(2, "on", 68), (3, "on", 60), (4, "on", 48)]);

        session.advance(STEP);
        assert_eq!((drain(&mut session), session.missed()), (vec![], 2), "the harmony holds");
        let report = std::iter::from_fn(|| session.next_report()).last().unwrap();
        session.table(STEP + 9, &table(1, Chord::START));
        assert_eq!(drain(&mut session), [], "a table after another chord is void");
        session.table(STEP + 9, &table(1, report.previous));
        assert_eq!(drain(&mut session), [(2, "off", 68), (2, "on", 67)]);
    }

    #[test]
    fn a_worker_too_slow_for_the_tempo_makes_the_harmony_lag_but_not_stop() {
        let mut session = Session::new(SETTINGS);
        let mut on_the_way: Option<(Time, AnswerTable)> = Some((380, table(0, Chord::START)));
        let mut begun = Vec::new();
        for now in 0..8 * BEAT {
            match now {
                0 | 5000 => drop(session.midi(now, &[0x90, 72, 80])),
                2500 => drop(session.midi(now, &[0x80, 72, 0])),
                _ => session.advance(now),
            }
            if let Some((_, table)) = on_the_way.take_if(|(arrival, _)| *arrival == now) {
                session.table(now, &table);
            }
            if on_the_way.is_none() {
                let report = std::iter::from_fn(|| session.next_report()).last();
                let after = |report: Report| report.chord.unwrap_or(report.previous);
                on_the_way = report.map(|report| (now + 380, table(report.step + 1, after(report))));
            }
            while let Some(message) = session.next_message() {
                if message.bytes[0] & 0xf0 == 0x90 {
                    begun.push((message.at, message.bytes[0] & 0x0f));
                }
                session.sent();
            }
        }
        let begun_in =
            |from: Time, to: Time| begun.iter().filter(|(at, part)| *part > 0 && (from..to).contains(at)).count();
        assert!(session.missed() > 10);
        assert_eq!((begun_in(0, 380), begun_in(380, 381)), (0, 3));
        assert!(begun_in(400, 3000) > 1, "{begun:?}");
        assert!(begun_in(5000, 5800) >= 3, "sounds again after the silence: {begun:?}");
    }

    #[test]
    fn a_port_that_takes_nothing_delays_messages_but_loses_no_note_off() {
        let mut session = Session::new(SETTINGS);
        let capacity = session.outbox.capacity();
        session.table(0, &table(0, Chord::START));
        for at in 0..1000 {
            session.midi(at, &[0x90, 60 + (at % 20) as u8, 80]);
        }
        session.stop(1000);
        assert!(session.dropped() > 0 && session.outbox.len() <= OUTBOX && session.outbox.capacity() == capacity);
        let mut check = NoteCheck::default();
        session.outbox.iter().for_each(|message| check.message(message));
        check.end();
    }

    /// Follows messages as an instrument would and panics at the first that breaks the rules.
    #[derive(Default)]
    struct NoteCheck {
        sounding: [Option<u8>; 4],
        last: Time,
    }

    impl NoteCheck {
        fn message(&mut self, message: &Message) {
            assert!(message.at >= self.last, "time goes back at {message:?}");
            self.last = message.at;
            let [status, pitch, _] = message.bytes;
            let part = &mut self.sounding[usize::from(status & 0x0f)];
            match status & 0xf0 {
                0x90 => assert_eq!(part.replace(pitch), None, "two notes in a part at {message:?}"),
                0x80 => assert_eq!(part.take(), Some(pitch), "the end of a note that does not sound at {message:?}"),
                _ => assert_eq!((status & 0xf0, pitch), (0xb0, 123)),
            }
        }

        fn end(&self) {
            assert_eq!(self.sounding, [None; 4], "notes outlive the stop");
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        Midi(Vec<u8>),
        Wait,
        /// All tables asked for so far arrive.
        Tables,
        /// A table that nobody asked for.
        Stray(u64),
    }

    fn event() -> impl Strategy<Value = (Time, Event)> {
        let key = prop_oneof![55u8..85, 0u8..=127];
        let midi = prop_oneof![
            6 => (0u8..16, key.clone(), 0u8..=127).prop_map(|(channel, key, velocity)| vec![0x90 | channel, key, velocity]),
            4 => (0u8..16, key, 0u8..=127).prop_map(|(channel, key, velocity)| vec![0x80 | channel, key, velocity]),
            1 => prop::sample::select(vec![vec![0xb0, 123, 0], vec![0xb1, 120, 0], vec![0xfe], vec![0xb0, 64, 127]]),
            1 => prop::collection::vec(any::<u8>(), 0..5),
        ];
        let event = prop_oneof![
            8 => midi.prop_map(Event::Midi),
            4 => Just(Event::Wait),
            8 => Just(Event::Tables),
            1 => (0u64..40).prop_map(Event::Stray),
        ];
        (prop_oneof![3 => 0u64..60, 2 => 0u64..400, 1 => 0u64..4000], event)
    }

    fn perform(events: &[(Time, Event)], pass_soprano: bool) -> Vec<Message> {
        let mut session = Session::new(Settings { pass_soprano, ..SETTINGS });
        session.table(0, &table(0, Chord::START));
        let mut sent = Vec::new();
        let mut now = 0;
        let mut drain = |session: &mut Session| {
            while let Some(message) = session.next_message() {
                sent.push(message);
                session.sent();
            }
        };
        for (wait, event) in events {
            now += wait;
            match event {
                Event::Midi(bytes) => drop(session.midi(now, bytes)),
                Event::Wait => session.advance(now),
                Event::Stray(step) => session.table(now, &table(*step, Chord::SILENCE)),
                Event::Tables => {
                    while let Some(report) = session.next_report() {
                        session.table(now, &table(report.step + 1, report.chord.unwrap_or(report.previous)));
                    }
                }
            }
            drain(&mut session);
        }
        session.stop(now);
        session.midi(now + 1, &[0x90, 72, 80]);
        session.advance(now + 10 * BEAT);
        drain(&mut session);
        sent
    }

    proptest! {
        #[test]
        fn whatever_is_played_every_note_ends_once_and_parts_never_mix(
            events in prop::collection::vec(event(), 0..200),
            pass_soprano: bool,
        ) {
            let sent = perform(&events, pass_soprano);
            let mut check = NoteCheck::default();
            for message in &sent {
                check.message(message);
                prop_assert!(pass_soprano || message.bytes[0] & 0x0f != 0, "the soprano's channel is not ours");
            }
            check.end();
            prop_assert_eq!(&sent, &perform(&events, pass_soprano), "the same events give the same bytes");
        }

        #[test]
        fn when_tables_are_in_time_each_struck_soprano_sounds_with_three_parts(
            melody in prop::collection::vec((55u64..2000, 60u8..=81, 10u64..3000), 1..40),
        ) {
            let mut player = Player::new();
            let mut now = 0;
            for (wait, key, length) in melody {
                now += wait;
                player.down(now, key);
                let sounding = player.session.sounding();
                prop_assert_eq!(sounding[0].map(Pitch::midi), Some(key));
                prop_assert!(sounding.iter().all(Option::is_some));
                now += length;
                player.up(now, key);
            }
            prop_assert_eq!(player.session.missed(), 0);
        }
    }
}
