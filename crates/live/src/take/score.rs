//! A take as a score: its notes on the grid of the performance's own beats.

use chorale::{Key, Part, Pitch};
use files::{Direction, Note, Score};
use session::clock::Time;
use session::midi::MidiMessage;
use session::{Message, MessageKind, Settings, StepBegun};

use super::grid::{TICKS_PER_QUARTER, TakeGrid};

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
        // Each song of a set list may have another key.
        let has_songs = settings.songs.iter().any(Option::is_some);
        if let Some(Key { sharps, minor }) = settings.key.filter(|_| !has_songs) {
            directions.insert(0, (0, Direction::Key { sharps, minor }));
        }
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
