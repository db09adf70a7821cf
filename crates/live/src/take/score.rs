//! A take as a score: its notes on the grid of the performance's own beats.

use chorale::{Part, Pitch};
use files::{Direction, Metre, Note, Score, Tick};
use session::Message;
use session::clock::Time;
use session::midi::MidiMessage;

const TICKS_PER_QUARTER: u16 = 480;
const TICKS_PER_STEP: u64 = TICKS_PER_QUARTER as u64 / 4;
const STEPS_PER_BAR: u64 = 16;

/// The notes of a take and the steps that they fell on.
#[derive(Clone, Debug, Default)]
pub struct TakeScore {
    /// When each step began, and its position; both ascend.
    steps: Vec<(Time, u64)>,
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
    pub fn step(&mut self, at: Time, position: u64) {
        // A follower that had run ahead goes back to where the player is.
        while self.steps.last().is_some_and(|&(_, last)| (position..position + STEPS_PER_BAR).contains(&last)) {
            self.steps.pop();
        }
        if self.steps.last().is_none_or(|&(before, _)| before < at) {
            self.steps.push((at, position));
        }
    }

    pub fn sent(&mut self, message: &Message) {
        let part = message.part.index();
        let (is_on, key, velocity) = match message.midi {
            MidiMessage::NoteOn { key, velocity, .. } => (true, key, velocity),
            MidiMessage::NoteOff { key, velocity, .. } => (false, key, velocity),
            _ => return,
        };
        if message.is_through {
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

    /// `rate`: units of time in a second.
    pub fn score(&self, rate: f64) -> Score {
        let grid = self.grid(rate);
        let mut score = Score {
            ticks_per_quarter: TICKS_PER_QUARTER,
            directions: vec![(0, Direction::Metre(Metre::FOUR_FOUR))],
            ..Score::default()
        };
        score.directions.extend(grid.tempi(rate));
        for part in Part::ALL {
            let last = self.open[part.index()].map(|note| TakenNote { end: grid.end.max(note.start), ..note });
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

    /// Lays the steps on bars. Where the time stood still or jumped, whole bars are filled in, so that bar lines stay
    /// where they were heard.
    fn grid(&self, rate: f64) -> TakeGrid {
        let mut points: Vec<(Time, u64)> = Vec::with_capacity(self.steps.len());
        let mut length = rate / 5.0; // a sixteenth, until one is known
        for &(at, position) in &self.steps {
            let Some(&(before, step)) = points.last() else {
                points.push((at, position % STEPS_PER_BAR));
                continue;
            };
            let passed = (at - before) as f64 / length;
            let least = (passed.round() as u64).saturating_sub(STEPS_PER_BAR / 2).max(1);
            let to_position = (position + STEPS_PER_BAR - (step + least) % STEPS_PER_BAR) % STEPS_PER_BAR;
            let steps = least + to_position;
            length = (at - before) as f64 / steps as f64;
            points.push((at, step + steps));
        }
        let last_note = self.notes.iter().flatten().map(|note| note.end).max().unwrap_or(0);
        let last_open = self.open.iter().flatten().map(|note| note.start).max().unwrap_or(0);
        let last_step = points.last().map_or(0, |&(at, _)| at + length as Time);
        TakeGrid { points, length, end: last_note.max(last_open).max(last_step) }
    }
}

/// Moments and the steps, counted from a bar line, that begin there.
struct TakeGrid {
    points: Vec<(Time, u64)>,
    /// Of a sixteenth after the last point.
    length: f64,
    end: Time,
}

impl TakeGrid {
    fn tick(&self, at: Time) -> Tick {
        let index = self.points.partition_point(|&(point, _)| point <= at);
        let Some(&(before, step)) = index.checked_sub(1).and_then(|index| self.points.get(index)) else {
            return self.points.first().map_or(0, |&(_, step)| (step * TICKS_PER_STEP) as Tick);
        };
        let ticks = match self.points.get(index) {
            Some(&(after, next)) => {
                (at - before) as f64 / (after - before) as f64 * ((next - step) * TICKS_PER_STEP) as f64
            }
            None => (at - before) as f64 / self.length * TICKS_PER_STEP as f64,
        };
        (step * TICKS_PER_STEP + ticks.round() as u64).min(u64::from(Tick::MAX >> 5)) as Tick
    }

    /// A tempo wherever it changes by more than a thousandth.
    fn tempi(&self, rate: f64) -> Vec<(Tick, Direction)> {
        let mut tempi: Vec<(Tick, Direction)> = Vec::new();
        let mut last = 0.0;
        for pair in self.points.windows(2) {
            let [(at, step), (after, next)] = pair else { continue };
            let quarter = 4e6 * (after - at) as f64 / rate / (next - step) as f64;
            if (quarter / last - 1.0_f64).abs() > 1e-3 {
                last = quarter;
                let tick = if tempi.is_empty() { 0 } else { (step * TICKS_PER_STEP) as Tick };
                tempi.push((tick, Direction::Tempo(quarter.round().clamp(1.0, 16_777_215.0) as u32)));
            }
        }
        tempi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_become_whole_bars_and_a_followers_step_back_is_taken_back() {
        let mut score = TakeScore::default();
        for (at, position) in [(0, 12), (100, 13), (200, 14), (300, 15), (400, 16), (10_000, 17)] {
            score.step(at, position);
        }
        let steps: Vec<u64> = score.grid(1000.0).points.iter().map(|&(_, step)| step).collect();
        assert_eq!(steps[..5], [12, 13, 14, 15, 16]);
        assert!(steps[5] > 80 && steps[5] % 16 == 1, "{steps:?}");
        score.step(10_100, 18);
        score.step(10_150, 17);
        assert_eq!(score.steps.last(), Some(&(10_150, 17)));
        assert_eq!(score.steps.len(), 6);
    }
}
