//! A score on the terminal: four lines of note names, then a piano roll.

use std::collections::{BTreeMap, BTreeSet};

use chorale::{Part, Pitch};

use crate::grid::{Bar, Grid};
use crate::score::Score;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal. A bar that is wider stays whole.
    pub width: usize,
    /// Parts by ANSI colours; else by their letters, large where a note begins.
    pub colour: bool,
}

/// Four lines of note names: a name where a note begins, `·` while it is held. A column for every step in which any
/// part moves.
pub fn names(score: &Score, grid: &Grid, style: Style) -> String {
    let sheet = Sheet::new(score, grid);
    let flats = score.prefers_flats();
    let name_of = |pitch| spell(pitch, flats);
    let longest = score.parts.iter().flatten().map(|note| name_of(note.pitch).len()).max().unwrap_or(0);
    let columns = |bar: &Bar| -> Vec<u32> {
        let mut columns = BTreeSet::from([bar.first_step]);
        for onsets in &sheet.onsets {
            columns.extend(onsets.range(bar.first_step..bar.end_step).map(|(step, _)| *step));
        }
        columns.into_iter().collect()
    };
    let cell = longest + 1;
    sheet.draw(
        style.width,
        3,
        |bar| columns(bar).len() * cell,
        |page, bars| {
            for part in Part::ALL {
                page.paint(style, Some(part), &part.letter().to_string());
                page.text.push_str(" │");
                for bar in bars {
                    for step in columns(bar) {
                        let name = match sheet.onsets[part.index()].get(&step) {
                            Some(sound) => name_of(sound.pitch),
                            None if sheet.sounding(part, step).is_some() => "·".into(),
                            None => String::new(),
                        };
                        page.paint(style, Some(part), &format!("{name:<cell$}"));
                    }
                    page.text.push('│');
                }
                page.end_line();
            }
        },
    )
}

/// Time from left to right, a column a step; pitch upwards, a row a semitone.
pub fn piano_roll(score: &Score, grid: &Grid, style: Style) -> String {
    let sheet = Sheet::new(score, grid);
    let flats = score.prefers_flats();
    sheet.draw(
        style.width,
        6,
        |bar| (bar.end_step - bar.first_step) as usize,
        |page, bars| {
            let mut sounding: BTreeMap<(Pitch, u32), (Part, bool)> = BTreeMap::new();
            for step in bars.iter().flat_map(|bar| bar.first_step..bar.end_step) {
                for part in Part::ALL {
                    if let Some(sound) = sheet.sounding(part, step) {
                        // In a unison the upper part is seen.
                        sounding.entry((sound.pitch, step)).or_insert((part, sound.begins));
                    }
                }
            }
            let pitches = || sounding.keys().map(|(pitch, _)| pitch.midi());
            let (Some(low), Some(high)) = (pitches().min(), pitches().max()) else { return };
            for pitch in (low..=high).rev().filter_map(Pitch::new) {
                page.text.push_str(&format!("{:>4} │", spell(pitch, flats)));
                for bar in bars {
                    for step in bar.first_step..bar.end_step {
                        match sounding.get(&(pitch, step)) {
                            Some(&(part, begins)) => {
                                let letter = if begins { part.letter() } else { part.letter().to_ascii_lowercase() };
                                let block = if begins { '▐' } else { '█' };
                                page.paint(style, Some(part), &String::from(if style.colour { block } else { letter }));
                            }
                            None => {
                                let is_beat = (step - bar.first_step).is_multiple_of(4) && pitch.class() == 0;
                                page.paint(style, None, if is_beat { "·" } else { " " });
                            }
                        }
                    }
                    page.paint(style, None, "│");
                }
                page.end_line();
            }
        },
    )
}

/// Scientific pitch notation with the accidentals of the key.
fn spell(pitch: Pitch, flats: bool) -> String {
    const FLATS: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];
    if flats { format!("{}{}", FLATS[pitch.class() as usize], i32::from(pitch.midi()) / 12 - 1) } else { pitch.name() }
}

/// A score on steps, bar by bar.
struct Sheet {
    /// Per part, by the step in which a note begins. Of several notes in a step the last, to which the others lead.
    onsets: [BTreeMap<u32, Sound>; 4],
    /// The bars in which something sounds, by first step.
    bars: BTreeMap<u32, Bar>,
}

#[derive(Clone, Copy)]
struct Sound {
    pitch: Pitch,
    /// The step after its last.
    end_step: u32,
    begins: bool,
}

impl Sheet {
    fn new(score: &Score, grid: &Grid) -> Sheet {
        let mut sheet = Sheet { onsets: Default::default(), bars: BTreeMap::new() };
        for (onsets, notes) in sheet.onsets.iter_mut().zip(&score.parts) {
            for note in notes {
                let mut step = grid.nearest_step(note.start);
                let end_step = grid.nearest_step(note.end).max(step + 1);
                onsets.insert(step, Sound { pitch: note.pitch, end_step, begins: true });
                while step < end_step {
                    let bar = grid.bar(step);
                    sheet.bars.insert(bar.first_step, bar);
                    step = bar.end_step;
                }
            }
        }
        sheet
    }

    fn sounding(&self, part: Part, step: u32) -> Option<Sound> {
        let (&first, sound) = self.onsets[part.index()].range(..=step).next_back()?;
        (step < sound.end_step).then_some(Sound { begins: first == step, ..*sound })
    }

    /// As many bars a line as fit, with their numbers above; bars in which all rest are left out.
    fn draw(
        &self,
        width: usize,
        gutter: usize,
        width_of: impl Fn(&Bar) -> usize,
        mut draw_lines: impl FnMut(&mut Page, &[Bar]),
    ) -> String {
        let mut page = Page::default();
        let bars: Vec<Bar> = self.bars.values().copied().collect();
        let mut rest = bars.as_slice();
        while !rest.is_empty() {
            let mut used = gutter;
            let fits = |bar: &&Bar| {
                used += width_of(bar) + 1;
                used <= width
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (line, later) = rest.split_at(count);
            rest = later;
            let mut numbers = " ".repeat(gutter);
            for bar in line {
                let cells = width_of(bar);
                // A pickup has no number.
                let number = if bar.number == 0 { String::new() } else { bar.number.to_string() };
                numbers.push_str(&format!("{:<width$.width$} ", number, width = cells));
            }
            page.text.push_str(numbers.trim_end());
            page.end_line();
            draw_lines(&mut page, line);
            page.end_line();
        }
        page.text
    }
}

/// Text in the making, with the colour that the terminal is in.
#[derive(Default)]
struct Page {
    text: String,
    colour: Option<Part>,
}

impl Page {
    /// `None` for what belongs to no part.
    fn paint(&mut self, style: Style, part: Option<Part>, text: &str) {
        if style.colour && part != self.colour {
            self.text.push_str(match part {
                Some(Part::Soprano) => "\x1b[91m",
                Some(Part::Alto) => "\x1b[93m",
                Some(Part::Tenor) => "\x1b[92m",
                Some(Part::Bass) => "\x1b[94m",
                None => "\x1b[0m",
            });
            self.colour = part;
        }
        self.text.push_str(text);
    }

    fn end_line(&mut self) {
        if self.colour.take().is_some() {
            self.text.push_str("\x1b[0m");
        }
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }
}
