//! A person at the keyboard, in no time at all: fingers that are early and late, a tempo that comes and goes, and a session
//! that hears them.

use std::path::Path;

use chorale::Pitch;
use files::Grid;
use files::melody::{Choice, Melody};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use session::clock::Time;
use session::{AnswerTable, Message, Session, Settings, StepBegun, TableRequest};

/// Units of time in a second: frames.
pub const RATE: f64 = 48_000.0;

/// One line of music on sixteenths.
pub struct Tune {
    pub notes: Vec<TuneNote>,
    /// Of the metre.
    pub sixteenths_in_bar: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct TuneNote {
    /// In sixteenths from a bar line.
    pub start: u64,
    pub length: u64,
    pub pitch: u8,
}

/// A tune of `tests/fixtures/tunes`.
pub fn tune(name: &str) -> Tune {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/tunes/{name}.abc"));
    let source = files::read(&std::fs::read(path).unwrap()).unwrap();
    let melody = Melody::find(&source, &Choice::default()).unwrap();
    let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
    let metre = grid.metre(grid.nearest_step(melody.first_onset()));
    let sixteenths_in_bar = 16 * u64::from(metre.numerator) / u64::from(metre.denominator());
    let first_bar = (0..).map(|step| grid.bar(step)).find(|bar| bar.number == 1).unwrap();
    let pickup = u64::from(first_bar.first_step);
    let missing = (sixteenths_in_bar - pickup % sixteenths_in_bar) % sixteenths_in_bar;
    let notes = melody.notes.iter().map(|note| {
        let [start, end] = [note.start, note.end].map(|tick| u64::from(grid.nearest_step(tick)));
        TuneNote { start: start + missing, length: (end - start).max(1), pitch: note.pitch.midi() }
    });
    Tune { notes: notes.collect(), sixteenths_in_bar }
}

impl Tune {
    /// The place of the first note in its bar.
    pub fn first(&self) -> u64 {
        self.notes[0].start % self.sixteenths_in_bar
    }
}

/// How somebody plays.
#[derive(Clone, Copy, Debug)]
pub struct Hands {
    /// Quarters a minute.
    pub tempo: f64,
    /// Standard deviation of a finger from its moment, in milliseconds.
    pub deviation: f64,
    /// How much longer and shorter a sixteenth becomes in a slow wave, as a share of it.
    pub rubato: f64,
    /// How early the first key comes, in milliseconds.
    pub first_early: f64,
    pub seed: u64,
}

impl Default for Hands {
    fn default() -> Hands {
        Hands { tempo: 80.0, deviation: 0.0, rubato: 0.0, first_early: 0.0, seed: 1 }
    }
}

/// Sixteenths of a wave of rubato.
const WAVE: f64 = 44.0;

impl Hands {
    /// The keys: when they go down and up, in seconds, and their notes.
    pub fn play(&self, tune: &Tune) -> Vec<(f64, f64, TuneNote)> {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let end = tune.notes.iter().map(|note| note.start + note.length).max().unwrap_or(0);
        let wave = |position: u64| 1.0 + self.rubato * (std::f64::consts::TAU * position as f64 / WAVE).sin();
        let mut now = 1.0;
        let mut moments: Vec<f64> = Vec::new();
        for position in 0..=end {
            moments.push(now);
            now += 15.0 / self.tempo * wave(position);
        }
        let (mut keys, mut last) = (Vec::<(f64, f64, TuneNote)>::new(), 0.0_f64);
        for (index, &note) in tune.notes.iter().enumerate() {
            let early = if index == 0 { self.first_early } else { 0.0 };
            let deviate = normal(&mut generator).clamp(-3.0, 3.0) * self.deviation - early;
            let on = (moments[note.start as usize] + deviate / 1000.0).max(last + 0.03);
            let gap = generator.random_range(0.03..0.12);
            let off = (moments[(note.start + note.length) as usize] - gap).max(on + 0.06);
            keys.push((on, off, note));
            last = on;
        }
        keys
    }
}

/// A normal deviate by Box and Muller.
pub fn normal(generator: &mut ChaCha8Rng) -> f64 {
    let (u, v) = (generator.random::<f64>().max(1e-12), generator.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

pub fn time(seconds: f64) -> Time {
    (seconds * RATE).round() as Time
}

/// The messages of keys, in order.
pub fn messages(keys: &[(f64, f64, TuneNote)]) -> Vec<(Time, Vec<u8>)> {
    let both = |&(on, off, note): &(f64, f64, TuneNote)| {
        [(time(on), vec![0x90, note.pitch, 80]), (time(off), vec![0x80, note.pitch, 0])]
    };
    let mut messages: Vec<_> = keys.iter().flat_map(both).collect();
    messages.sort_by_key(|(at, _)| *at);
    messages
}

/// What came of it.
#[derive(Default)]
pub struct Heard {
    /// Of each struck soprano its moment, its place as the session has it, in positions, and the chord.
    pub strikes: Vec<(Time, u64, [Option<Pitch>; 4])>,
    pub sent: Vec<Message>,
    pub steps: Vec<StepBegun>,
}

/// Plays to a session. `answer` gives the tables that a request asks for, at once.
pub fn perform(
    settings: Settings,
    first: &AnswerTable,
    events: &[(Time, Vec<u8>)],
    mut answer: impl FnMut(&TableRequest) -> Vec<AnswerTable>,
) -> Heard {
    let mut session = Session::new(settings);
    let mut heard = Heard::default();
    session.table(0, first);
    let mut collect = |session: &mut Session, heard: &mut Heard| {
        loop {
            while let Some(message) = session.next_message() {
                heard.sent.push(message);
                session.sent();
            }
            heard.steps.extend(std::iter::from_fn(|| session.next_step_begun()));
            let Some(request) = session.next_request() else { return };
            for table in answer(&request) {
                session.table(session.now(), &table);
            }
        }
    };
    for (at, bytes) in events {
        while let Some(due) = session.due().filter(|due| due <= at) {
            session.advance(due);
            collect(&mut session, &mut heard);
        }
        if session.midi(*at, bytes) {
            heard.strikes.push((*at, session.position(), session.sounding()));
        }
        collect(&mut session, &mut heard);
    }
    let end = events.last().map_or(0, |(at, _)| *at) + time(3.0);
    while let Some(due) = session.due().filter(|&due| due <= end) {
        session.advance(due);
        collect(&mut session, &mut heard);
    }
    session.stop(end);
    collect(&mut session, &mut heard);
    heard
}
