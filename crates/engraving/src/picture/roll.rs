//! A piano roll as shapes: bars, notes, chords, words and marks.

use std::ops::Range;

use chorale::{Part, Pitch, Spelling};
use files::musicxml::syllables;
use files::notation::spellings;
use files::{Bar, Grid, Score, Tick};

use super::COLOURS;
use super::shape::{Shape, Text};
use crate::analysis::Sounding;
use crate::marks::{Mark, by_step};
use crate::position::bar_position;

/// In pixels.
pub const STEP: f64 = 9.0;
const ROW: f64 = 8.0;
pub const GUTTER: f64 = 40.0;
/// Bar numbers, chords and their numerals.
pub const HEADER: f64 = 52.0;
const WORDS: f64 = 15.0;
/// For marks.
const BELOW: f64 = 18.0;

const GREY: &str = "#666666";

/// As wide as a browser scrolls; a longer piece is one that is mostly silence.
const MAX_BARS: usize = 5_000;

/// A piano roll of a score, in lines of whole bars.
pub struct Roll<'a> {
    score: &'a Score,
    grid: &'a Grid,
    chords: &'a [Sounding],
    marks: &'a [Mark],
    /// Those in which something sounds.
    pub bars: Vec<Bar>,
    spellings: [Vec<Spelling>; 4],
    /// The first verse, by the ticks of its syllables.
    words: Vec<(Tick, String)>,
    lowest: u8,
    highest: u8,
}

impl<'a> Roll<'a> {
    pub fn new(score: &'a Score, grid: &'a Grid, chords: &'a [Sounding], marks: &'a [Mark]) -> Roll<'a> {
        let mut bars: Vec<Bar> = Vec::new();
        let mut notes: Vec<_> = score.parts.iter().flatten().collect();
        notes.sort_by_key(|note| note.start);
        for note in notes {
            let end_step = grid.nearest_step(note.end).max(grid.nearest_step(note.start) + 1);
            let step = grid.nearest_step(note.start).max(bars.last().map_or(0, |bar| bar.end_step));
            bars.extend(grid.bars(step..end_step).take(MAX_BARS - bars.len()));
        }
        let pitches = || score.parts.iter().flatten().map(|note| note.pitch.midi());
        let (lowest, highest) = (pitches().min().unwrap_or(60), pitches().max().unwrap_or(60));
        let words = syllables(score).into_iter().filter_map(|(tick, syllables)| {
            let syllable = syllables.into_iter().find(|syllable| syllable.verse == 1)?;
            Some((tick, syllable.with_hyphen()))
        });
        let (lowest, highest) = (lowest.saturating_sub(1), (highest + 1).min(127));
        let spellings = Part::ALL.map(|part| spellings(score, part));
        Roll { score, grid, chords, marks, bars, spellings, words: words.collect(), lowest, highest }
    }

    pub fn rows(&self) -> f64 {
        f64::from(self.highest - self.lowest + 1) * ROW
    }

    pub fn height(&self) -> f64 {
        HEADER + self.rows() + self.words_height() + BELOW
    }

    fn words_height(&self) -> f64 {
        if self.words.is_empty() { 0.0 } else { WORDS }
    }

    pub fn width(&self, line: &Range<usize>) -> f64 {
        let steps: u32 = self.bars[line.clone()].iter().map(|bar| bar.end_step - bar.first_step).sum();
        GUTTER + f64::from(steps) * STEP + 10.0
    }

    fn y(&self, pitch: Pitch) -> f64 {
        HEADER + f64::from(self.highest - pitch.midi()) * ROW
    }

    /// The bars of a line, from its left edge, `top` below that of the picture.
    pub fn draw(&self, shapes: &mut Vec<Shape>, line: &Range<usize>, top: f64) {
        let bars = &self.bars[line.clone()];
        let right = self.width(line) - 10.0;
        for pitch in (self.lowest..=self.highest).filter_map(Pitch::new) {
            let y = top + self.y(pitch);
            // The black keys.
            if matches!(pitch.class(), 1 | 3 | 6 | 8 | 10) {
                let (width, fill) = (right - GUTTER, "#f1f1f4");
                shapes.push(Shape::Box { x: GUTTER, y, width, height: ROW, radius: 0.0, fill, note: None });
            }
            if pitch.class() == 0 {
                let (x, y, colour) = (GUTTER - 5.0, y + ROW, GREY);
                let name = Text::new(pitch.to_string());
                shapes.push(Shape::Text(Text { x, y, size: 9.0, colour, ends: true, ..name }));
            }
        }
        let mut x = GUTTER;
        let (header, bottom) = (top + HEADER, top + HEADER + self.rows());
        let vertical = |x, (colour, width)| Shape::Vertical { x, top: header, bottom, colour, width };
        const BAR_LINE: (&str, f64) = ("#555555", 1.2);
        for bar in bars {
            for step in bar.first_step..bar.end_step {
                let is_bar_line = step == bar.first_step;
                if !is_bar_line && !bar_position(self.grid, step).is_on_beat() {
                    continue;
                }
                let at = x + f64::from(step - bar.first_step) * STEP;
                shapes.push(vertical(at, if is_bar_line { BAR_LINE } else { ("#d5d5da", 0.7) }));
            }
            if bar.number > 0 {
                let number = Text::new(bar.number.to_string());
                shapes.push(Shape::Text(Text { x, y: top + 12.0, colour: GREY, ..number }));
            }
            x += f64::from(bar.end_step - bar.first_step) * STEP;
        }
        shapes.push(vertical(right, BAR_LINE));
        // The upper part is seen where two are on one pitch.
        for part in Part::ALL.into_iter().rev() {
            self.draw_part(shapes, bars, part, top);
        }
        for (index, chord) in self.chords.iter().enumerate() {
            let Some(at) = self.x(bars, chord.steps.start) else { continue };
            let next = self.chords.get(index + 1).map_or(u32::MAX, |next| next.steps.start);
            let room = f64::from((next - chord.steps.start).min(16)) * STEP;
            let (symbol, numeral) = (chord.symbol.clone(), chord.harmony.numeral(chord.key));
            let hint = Some(format!("{}: {symbol}, {numeral}", bar_position(self.grid, chord.steps.start)));
            for (text, y, size, colour) in
                [(symbol, header - 19.0, 11.0, "#222222"), (numeral, header - 6.0, 9.5, GREY)]
            {
                let (x, size, hint) = (at + 1.0, fitting(&text, room, size), hint.clone());
                if size < SMALLEST {
                    continue;
                }
                shapes.push(Shape::Text(Text { x, y, size, colour, hint, ..Text::new(text) }));
            }
        }
        for (index, (tick, text)) in self.words.iter().enumerate() {
            let step = self.grid.nearest_step(*tick);
            let Some(at) = self.x(bars, step) else { continue };
            let next = self.words.get(index + 1).map_or(u32::MAX, |(next, _)| self.grid.nearest_step(*next));
            let room = f64::from(next.saturating_sub(step).min(16)) * STEP;
            let (x, y, size) = (at + 1.0, bottom + 12.0, fitting(text, room, 11.0));
            shapes.push(Shape::Text(Text { x, y, size, ..Text::new(text.clone()) }));
        }
        for (step, rules) in by_step(self.marks, &self.score.ensemble) {
            let Some(at) = self.x(bars, step) else { continue };
            let hint = format!("{}: {rules}", bar_position(self.grid, step));
            shapes.push(Shape::Mark { step, x: at + STEP / 2.0, y: bottom + self.words_height() + 4.0, hint });
        }
    }

    fn draw_part(&self, shapes: &mut Vec<Shape>, bars: &[Bar], part: Part, top: f64) {
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
        for (note, spelling) in self.score.part(part).iter().zip(&self.spellings[part.index()]) {
            let start = self.grid.nearest_step(note.start);
            let end = self.grid.nearest_step(note.end).max(start + 1);
            if end <= first.first_step || start >= last.end_step {
                continue;
            }
            let (Some(left), Some(right)) = (self.x_of_tick(bars, note.start), self.x_of_tick(bars, note.end)) else {
                continue;
            };
            shapes.push(Shape::Box {
                x: left,
                y: top + self.y(note.pitch) + 0.5,
                width: (right - left - 1.0).max(2.0),
                height: ROW - 1.0,
                radius: 2.0,
                fill: COLOURS[part.index()],
                note: Some((part, format!("{} {spelling}", self.score.ensemble.name(part)))),
            });
        }
    }

    /// Where a step of the line begins; `None` for those of other lines.
    fn x(&self, bars: &[Bar], step: u32) -> Option<f64> {
        let mut x = GUTTER;
        for bar in bars {
            if (bar.first_step..bar.end_step).contains(&step) {
                return Some(x + f64::from(step - bar.first_step) * STEP);
            }
            x += f64::from(bar.end_step - bar.first_step) * STEP;
        }
        None
    }

    /// Between steps too; at the edges of the line for what goes on beyond.
    fn x_of_tick(&self, bars: &[Bar], tick: u32) -> Option<f64> {
        let (first, last) = (bars.first()?, bars.last()?);
        if tick <= self.grid.tick(first.first_step) {
            return Some(GUTTER);
        }
        if tick >= self.grid.tick(last.end_step) {
            return Some(self.x(bars, last.end_step - 1)? + STEP);
        }
        let nearest = self.grid.nearest_step(tick);
        let step = if self.grid.tick(nearest) > tick { nearest.saturating_sub(1) } else { nearest };
        let (start, end) = (self.grid.tick(step), self.grid.tick(step + 1));
        let within = f64::from(tick - start) / f64::from((end - start).max(1));
        match self.x(bars, step) {
            Some(x) => Some(x + within * STEP),
            // In a bar at rest that was left out lie only ends that round to its bar line, and beginnings that round to
            // the next one's.
            None => self.x(bars, nearest).or_else(|| Some(self.x(bars, step.checked_sub(1)?)? + STEP)),
        }
    }
}

/// What would be smaller could not be read.
const SMALLEST: f64 = 4.5;
/// Between a text and what follows it.
const APART: f64 = 5.0;

/// The size at which a text fits into `room`, at most `size`.
fn fitting(text: &str, room: f64, size: f64) -> f64 {
    ((room - APART) / width_of(text)).clamp(1.0, size)
}

/// How wide a text is at size 1 in the widest of the usual fonts.
fn width_of(text: &str) -> f64 {
    let wide = |letter: char| match letter {
        'm' | 'M' | 'w' | 'W' => 0.98,
        'i' | 'j' | 'l' | 'I' | '/' | '.' | ',' | '\'' | '°' | '-' => 0.36,
        _ => 0.69,
    };
    text.chars().map(wide).sum::<f64>().max(0.36)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Piece;
    use crate::analysis::tests::piece;

    #[test]
    fn names_of_chords_that_follow_each_other_stand_apart_or_are_left_out() {
        // B minor over D and G on quarters, F# half-diminished over A on an eighth.
        let rows = [("74,66,59,50", 4), ("74,67,59,43", 4), ("72,64,66,57", 2), ("71,67,59,43", 2), ("74,67,59,43", 4)];
        let (score, grid) = piece(&rows);
        let Piece { score, grid, chords, marks, .. } = Piece::new(score, grid);
        let roll = Roll::new(&score, &grid, &chords, &marks);
        let mut shapes = Vec::new();
        roll.draw(&mut shapes, &(0..roll.bars.len()), 0.0);
        let named = |shape: &Shape| match shape {
            Shape::Text(text) if text.hint.is_some() => {
                Some((text.y, text.x, text.x + text.size * width_of(&text.text)))
            }
            _ => None,
        };
        let mut names: Vec<(f64, f64, f64)> = shapes.iter().filter_map(named).collect();
        names.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        assert!(names.len() >= 6, "{names:?}");
        for pair in names.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            assert!(pair[0].2 + 3.0 <= pair[1].1, "{pair:?}");
        }
    }
}
