//! A take as a score: its notes on the grid of the performance's own beats.

use chorale::{Key, Part, Pitch};
use files::{Direction, Note, Score, Tick};
use session::clock::Time;
use session::midi::MidiMessage;
use session::{Message, MessageKind, Settings, StepBegun};

use super::grid::{TICKS_PER_QUARTER, TICKS_PER_SIXTEENTH, TakeGrid};

/// The notes of a take and the steps that they fell on.
#[derive(Clone, Debug, Default)]
pub struct TakeScore {
    /// Their moments ascend.
    steps: Vec<StepBegun>,
    notes: [Vec<TakenNote>; 4],
    /// The note that each part is singing.
    open: [Option<TakenNote>; 4],
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct TakenNote {
    start: Time,
    end: Time,
    pitch: Pitch,
    velocity: u8,
}

impl TakeScore {
    pub fn step(&mut self, step: StepBegun) {
        // A clock may think better of when a step begins that an early key had begun.
        while self.steps.last().is_some_and(|last| last.at >= step.at) {
            self.steps.pop();
        }
        self.steps.push(step);
    }

    pub fn sent(&mut self, message: &Message) {
        let part = message.part.index();
        let (is_on, key, velocity) = match message.midi {
            MidiMessage::NoteOn { key, velocity, .. } => (true, key, velocity),
            MidiMessage::NoteOff { key, velocity, .. } => (false, key, velocity),
            _ => return,
        };
        if message.kind != MessageKind::Part {
            return;
        }
        if let Some(note) = self.open[part].filter(|note| is_on || note.pitch.midi() == key) {
            self.open[part] = None;
            self.notes[part].push(TakenNote { end: message.at, ..note });
        }
        if let Some(pitch) = Pitch::new(key).filter(|_| is_on) {
            self.open[part] = Some(TakenNote { start: message.at, end: message.at, pitch, velocity });
        }
    }

    /// `settings`: what the performance was begun with.
    pub fn score(&self, settings: &Settings) -> Score {
        let grid = TakeGrid::new(&self.steps, settings, self.begin());
        let mut directions = grid.directions();
        directions.extend(self.songs(&grid));
        directions.sort_by_key(|(tick, _)| *tick);
        let mut score = Score { ticks_per_quarter: TICKS_PER_QUARTER, directions, ..Score::default() };
        let end = self.end();
        for part in Part::ALL {
            let last = self.open[part.index()].map(|note| TakenNote { end, ..note });
            let mut free_from = 0;
            for note in self.notes[part.index()].iter().chain(&last) {
                let start = grid.tick(note.start).max(free_from);
                let end = grid.tick(note.end).max(start + 1);
                free_from = end;
                score.parts[part.index()].push(Note { start, end, pitch: note.pitch, velocity: note.velocity });
            }
        }
        score
    }

    /// A marker where each song of a set list begins, and the keys that are told, each from its first note on.
    fn songs(&self, grid: &TakeGrid) -> Vec<(Tick, Direction)> {
        const SIXTEENTH: Tick = TICKS_PER_SIXTEENTH as Tick;
        let notes = self.notes.iter().flatten().chain(self.open.iter().flatten());
        let mut starts: Vec<Time> = notes.map(|note| note.start).collect();
        starts.sort_unstable();
        let mut directions = Vec::new();
        let mut before: Option<(Option<u8>, Option<Key>)> = None;
        let mut runs = self.steps.chunk_by(|a, b| (a.song, a.key) == (b.song, b.key)).peekable();
        while let Some(run) = runs.next() {
            let begin = if before.is_none() { 0 } else { run[0].at };
            let end = runs.peek().map_or(Time::MAX, |next| next[0].at);
            let Some(first) = starts.iter().find(|start| (begin..end).contains(*start)) else { continue };
            let sixteenth = grid.tick(*first) / SIXTEENTH * SIXTEENTH;
            let tick = if before.is_none() { 0 } else { sixteenth };
            let (song, key) = before.unwrap_or_default();
            if let Some(number) = run[0].song.filter(|number| song != Some(*number)) {
                directions.push((tick, Direction::Marker(format!("Song {}", number + 1).into_bytes())));
            }
            if let Some(Key { sharps, minor }) = run[0].key.filter(|told| key != Some(*told)) {
                directions.push((tick, Direction::Key { sharps, minor }));
            }
            before = Some((run[0].song, run[0].key.or(key)));
        }
        directions
    }

    /// When the first note begins.
    fn begin(&self) -> Option<Time> {
        self.notes
            .iter()
            .filter_map(|notes| notes.first())
            .chain(self.open.iter().flatten())
            .map(|note| note.start)
            .min()
    }

    /// The last moment of which anything is known. What still sounds is written until then.
    fn end(&self) -> Time {
        let notes = self.notes.iter().flatten().map(|note| note.end).max();
        let open = self.open.iter().flatten().map(|note| note.start).max();
        let steps = self.steps.last().map(|step| step.at + step.length);
        [notes, open, steps].into_iter().flatten().max().unwrap_or(0)
    }
}
