//! The stage: a session and its worker in virtual time.

use anyhow::Result;
use chorale::Chord;
use harmonizer::Harmonizer;
use live::Worker;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use session::midi::MidiMessage;
use session::{AnswerTable, Session, Settings, TableRequest, Time};

use super::{HeardNote, Plan};

/// Frames a second.
pub const RATE: f64 = 48_000.0;
/// How long a table takes, in seconds.
const TABLE: (f64, f64) = (0.001, 0.002);
/// The performance goes on after its last event.
const TAIL: f64 = 3.0;

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// By part; times in seconds.
    pub notes: Vec<HeardNote>,
    /// When each soprano was struck, its key and the position that the session gave it.
    pub answered: Vec<(f64, u8, u64)>,
    /// The chord of each step, as the network heard it.
    pub chords: Vec<Chord>,
    /// Notes begun twice, ends of nothing, notes that never end.
    pub faults: usize,
    pub missed: u64,
}

/// Plays a plan. `settings` are at [`RATE`].
pub fn perform(plan: &Plan, settings: Settings, harmonizer: Harmonizer, seed: u64) -> Result<Heard> {
    let (worker, first) = Worker::new(harmonizer, None, &settings)?;
    let mut stage = Stage {
        session: Session::new(settings),
        worker,
        rng: ChaCha8Rng::seed_from_u64(seed ^ 0x7ab1e),
        requests: Vec::new(),
        tables: Vec::new(),
        sounding: [None; 4],
        step: None,
        steps: 0,
        heard: Heard::default(),
    };
    stage.session.table(0, &first);
    for (at, bytes) in &plan.events {
        let at = (at * RATE) as Time;
        stage.play_before(at)?;
        if stage.session.midi(at, bytes) {
            let answered = (at as f64 / RATE, bytes[1], stage.session.position());
            stage.heard.answered.push(answered);
        }
        stage.collect(at)?;
    }
    let end = plan.events.last().map_or(0.0, |(at, _)| *at);
    stage.play_before(((end + TAIL) * RATE) as Time)?;
    let now = stage.session.now();
    stage.session.stop(now);
    stage.collect(now)?;
    stage.heard.faults += stage.sounding.iter().flatten().count();
    stage.heard.missed = stage.session.counts().missed;
    stage.heard.notes.sort_by(|a, b| a.on.total_cmp(&b.on));
    Ok(stage.heard)
}

struct Stage {
    session: Session,
    worker: Worker,
    rng: ChaCha8Rng,
    /// Not yet seen by the worker.
    requests: Vec<TableRequest>,
    /// On their way, with their arrival.
    tables: Vec<(Time, AnswerTable)>,
    /// Begin, key and velocity.
    sounding: [Option<(f64, u8, u8)>; 4],
    /// The last step that was reported, and how many had a chord before it.
    step: Option<u64>,
    steps: usize,
    heard: Heard,
}

impl Stage {
    /// Everything that happens of itself before a moment; what is struck at that moment comes first.
    fn play_before(&mut self, until: Time) -> Result<()> {
        loop {
            let table = self.tables.first().map(|(at, _)| *at);
            let Some(next) = [table, self.session.due()].into_iter().flatten().min().filter(|next| *next < until)
            else {
                return Ok(());
            };
            if table == Some(next) {
                let (at, table) = self.tables.remove(0);
                self.session.table(at, &table);
            } else {
                self.session.advance(next);
            }
            self.collect(next)?;
        }
    }

    /// Steps with a chord before that one.
    fn steps_heard(&mut self, step: u64) -> usize {
        if self.step != Some(step) {
            self.step = Some(step);
            self.steps = self.heard.chords.len();
        }
        self.steps
    }

    fn collect(&mut self, now: Time) -> Result<()> {
        while let Some(message) = self.session.next_message() {
            let at = message.at as f64 / RATE;
            let part = message.part.index();
            match message.midi {
                MidiMessage::NoteOn { key, velocity, .. } => {
                    self.heard.faults += usize::from(self.sounding[part].is_some());
                    self.sounding[part] = Some((at, key, velocity));
                }
                MidiMessage::NoteOff { key, .. } => match self.sounding[part].take() {
                    Some((on, begun, velocity)) if begun == key => {
                        self.heard.notes.push(HeardNote { part, key, on, off: at, velocity });
                    }
                    _ => self.heard.faults += 1,
                },
                _ => {}
            }
            self.session.sent();
        }
        while let Some(request) = self.session.next_request() {
            if let Some(chord) = request.chord {
                // A step's last report tells its chord.
                let before = self.steps_heard(request.step);
                self.heard.chords.truncate(before);
                self.heard.chords.push(chord);
            }
            self.requests.push(request);
        }
        // One worker: what is asked while it works waits for it.
        if self.tables.is_empty() && !self.requests.is_empty() {
            for request in self.requests.drain(..) {
                self.worker.follow(&request)?;
            }
            let mut at = now;
            for table in [self.worker.present_table()?, self.worker.table()?].into_iter().flatten() {
                at += ((TABLE.0 + (TABLE.1 - TABLE.0) * self.rng.random::<f64>()) * RATE) as Time;
                self.tables.push((at, table));
            }
        }
        Ok(())
    }
}
