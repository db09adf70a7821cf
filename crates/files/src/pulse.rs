//! The beat in which a melody is heard. The networks know beats of four steps, as in Bach's chorales, where a beat is a
//! quarter and a step a sixteenth. Other beats are laid on four steps too: dotted quarters in 6/8, half notes where a
//! melody in 2/2 or 3/2 moves in halves.

use chorale::Phase;

use crate::grid::{Grid, Stretch};
use crate::score::{Metre, Note, Tick};

const STEPS: u32 = Phase::STEPS_PER_BEAT as u32;

/// How the grid of a file is heard under a melody.
pub(crate) struct Pulse<'a> {
    grid: &'a Grid,
    /// Whether the melody moves in halves where halves are counted.
    in_halves: bool,
    /// Beats before each stretch of the grid.
    beats_before: Vec<u32>,
    /// Beats that a pickup lacks of four, besides those that its own bar lacks.
    lacking: u32,
}

/// A beat as it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    /// The sixteenth of the grid with which it begins; a pickup may begin inside its first beat.
    pub first_step: i64,
    /// Its length in sixteenths, if no bar line cuts it short.
    pub length: u32,
    /// Whether three units make it.
    pub is_compound: bool,
    /// Beats before it since the beginning, and since the first beat of its stretch (with those that a pickup lacks of the
    /// four that the networks know as a bar).
    number: u32,
    in_stretch: u32,
    /// Whether its bars are wholes, halves or doubles of the four beats that the networks know as a bar.
    is_quadruple: bool,
}

/// One of the four steps of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Steps since the beginning.
    pub position: u32,
    pub phase: Phase,
    /// Where it begins, in sixteenths from the beginning of the beat.
    pub offset: u32,
    /// Whether parts may move here without the melody.
    pub may_move: bool,
}

impl<'a> Pulse<'a> {
    pub fn new(notes: &[Note], grid: &'a Grid) -> Pulse<'a> {
        let mut pulse = Pulse { grid, in_halves: moves_in_halves(notes, grid), beats_before: Vec::new(), lacking: 0 };
        let stretches = grid.stretches();
        let mut before = 0_u32;
        for (index, stretch) in stretches.iter().enumerate() {
            pulse.beats_before.push(before);
            if let Some(next) = stretches.get(index + 1) {
                let (_, _, beat) = pulse.place(stretch, next.first_step - 1);
                if index == 0 && stretch.missing > 0 {
                    pulse.lacking = 3 - beat % 4;
                }
                before = before.saturating_add(beat + 1);
            }
        }
        pulse
    }

    /// Beats of a bar where the melody begins; `None` where no metre is given, or bar lines alone tell it.
    pub fn beats_in_bar(&self, step: u32) -> Option<u32> {
        let stretch = &self.grid.stretches()[self.grid.stretch_at(step)];
        stretch.metre.filter(|metre| metre.is_printed).map(|metre| self.beats_of(metre))
    }

    /// The beat that holds a sixteenth of the grid.
    pub fn beat(&self, step: u32) -> Beat {
        let index = self.grid.stretch_at(step);
        let stretch = &self.grid.stretches()[index];
        let (within, length, in_stretch) = self.place(stretch, step);
        Beat {
            first_step: i64::from(step) - i64::from(within),
            length,
            is_compound: stretch.metre.is_some_and(Metre::has_dotted_beats),
            number: self.beats_before[index].saturating_add(in_stretch),
            in_stretch: in_stretch + if index == 0 { self.lacking } else { 0 },
            is_quadruple: stretch.metre.is_some_and(|metre| matches!(self.beats_of(metre), 2 | 4 | 8)),
        }
    }

    /// Of a sixteenth: how far it lies within its beat, that beat's length, and beats before it in the stretch.
    fn place(&self, stretch: &Stretch, step: u32) -> (u32, u32, u32) {
        let metre = stretch.metre.unwrap_or(Metre::FOUR_FOUR);
        let length = self.length_of(metre);
        let count = step - stretch.first_step + stretch.missing;
        let (bar, first) = stretch.whole_bar_of(count);
        let within_bar = count - first;
        (within_bar % length, length, bar.saturating_mul(self.beats_of(metre)).saturating_add(within_bar / length))
    }

    fn length_of(&self, metre: Metre) -> u32 {
        let unit = (16 / u32::from(metre.denominator())).max(1);
        match metre.denominator() {
            _ if metre.has_dotted_beats() => 3 * unit,
            2 if self.in_halves => 8,
            _ => STEPS,
        }
    }

    fn beats_of(&self, metre: Metre) -> u32 {
        let steps = 16 * u32::from(metre.numerator) / u32::from(metre.denominator());
        steps.div_ceil(self.length_of(metre)).max(1)
    }
}

/// Whether a melody where halves are counted moves in them, as old hymns are written: half of its notes are as long.
fn moves_in_halves(notes: &[Note], grid: &Grid) -> bool {
    let counted = |note: &&Note| grid.metre(grid.nearest_step(note.start)).denominator() == 2;
    let (mut long, mut all) = (0, 0);
    for note in notes.iter().filter(counted) {
        all += 1;
        // Played notes end before what is written.
        long += usize::from(2 * (note.end - note.start) > 3 * grid.quarter());
    }
    2 * long > all
}

impl Beat {
    /// The steps of the beat, for a melody that strikes notes so many sixteenths after its beginning (in order).
    pub fn slots(&self, onsets: &[u32]) -> [Slot; 4] {
        let offsets = match self.length {
            STEPS => [0, 1, 2, 3],
            length => offsets(length, self.is_compound, onsets),
        };
        std::array::from_fn(|index| {
            let count = self.in_stretch as usize * Phase::STEPS_PER_BEAT + index;
            let on_unit = offsets[index].is_multiple_of(self.length / 3);
            Slot {
                position: self.number.saturating_mul(STEPS).saturating_add(index as u32),
                phase: if self.is_quadruple { Phase::in_bar(count) } else { Phase::in_beat(index) },
                offset: offsets[index],
                may_move: !self.is_compound || index.is_multiple_of(2) && on_unit,
            }
        })
    }
}

/// Where the steps of a beat that is no quarter begin. Each onset of the melody gets a step of its own as long as there are
/// enough: of three eighths the second falls on the half beat, the third after it; a quarter and an eighth are heard as two
/// equal halves.
fn offsets(length: u32, is_compound: bool, onsets: &[u32]) -> [u32; 4] {
    /// In twelfths of the beat, where the steps after the first lie best.
    const IDEAL: [i64; 3] = [3, 6, 9];
    const IDEAL_OF_THREE: [i64; 3] = [2, 6, 10];
    /// What it costs to use the step, and to let an onset share one.
    const USE: [i64; 3] = [2, 0, 2];
    const SHARED: i64 = 12;
    let ideal = if is_compound { IDEAL_OF_THREE } else { IDEAL };
    let twelfths = |onset: u32| i64::from(12 * onset / length);
    let inner: Vec<u32> = onsets.iter().copied().filter(|onset| (1..length).contains(onset)).collect();
    // Each way to give the three steps an onset or none, in order.
    let mut best: (i64, [Option<u32>; 3]) = (SHARED * inner.len() as i64, [None; 3]);
    let choices: Vec<Option<u32>> = std::iter::once(None).chain(inner.iter().copied().map(Some)).collect();
    for &first in &choices {
        for &second in &choices {
            for &third in &choices {
                let way = [first, second, third];
                let given: Vec<u32> = way.iter().flatten().copied().collect();
                if given.windows(2).any(|two| two[0] >= two[1]) {
                    continue;
                }
                let cost = |(index, onset): (usize, &Option<u32>)| {
                    onset.map_or(0, |onset| (twelfths(onset) - ideal[index]).abs() + USE[index] - SHARED)
                };
                let cost = SHARED * inner.len() as i64 + way.iter().enumerate().map(cost).sum::<i64>();
                if cost < best.0 {
                    best = (cost, way);
                }
            }
        }
    }
    let [first, second, third] = best.1;
    // Without the melody parts move on the last third, as the melodies of such metres do themselves.
    let half = second.unwrap_or(if is_compound { 2 * length / 3 } else { length / 2 });
    let half = half.clamp(first.unwrap_or(0) + 1, third.unwrap_or(length) - 1);
    [0, first.unwrap_or(half / 2), half, third.unwrap_or((half + length) / 2)]
}

/// The first tick of a sixteenth that may lie before the grid begins.
pub(crate) fn tick_of(grid: &Grid, step: i64) -> Tick {
    grid.tick(u32::try_from(step).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighths_of_a_dotted_quarter_fall_on_the_beat_the_half_beat_and_after_it() {
        assert_eq!(offsets(6, true, &[0]), [0, 2, 4, 5], "one note");
        assert_eq!(offsets(6, true, &[0, 4]), [0, 2, 4, 5], "a quarter and an eighth");
        assert_eq!(offsets(6, true, &[0, 2]), [0, 1, 2, 4], "an eighth and a quarter");
        assert_eq!(offsets(6, true, &[0, 2, 4]), [0, 1, 2, 4], "three eighths");
        assert_eq!(offsets(6, true, &[0, 3, 4]), [0, 1, 3, 4], "dotted");
        assert_eq!(offsets(6, true, &[0, 3]), [0, 1, 3, 4], "two against three");
        assert_eq!(offsets(6, true, &[0, 2, 3, 4]), [0, 2, 3, 4]);
        assert_eq!(offsets(12, true, &[0, 4, 8]), [0, 2, 4, 8], "quarters of a dotted half");
        assert_eq!(offsets(8, false, &[0, 4]), [0, 2, 4, 6], "quarters of a half");
        assert_eq!(offsets(8, false, &[0, 6]), [0, 2, 4, 6], "dotted");
    }
}
