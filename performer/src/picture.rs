//! A score as a piano roll in SVG: four colours, bar lines, chord names, and marks where a rule is broken.

use std::fmt::Write as _;
use std::ops::Range;

use chorale::{Part, Pitch};

use crate::analysis::{Mark, Sounding, place};
use crate::grid::{Bar, Grid};
use crate::musicxml::escape;
use crate::score::Score;

/// In pixels.
const STEP: f64 = 9.0;
const ROW: f64 = 7.0;
const GUTTER: f64 = 40.0;
const HEADER: f64 = 40.0;
const BELOW: f64 = 18.0;
const TITLE: f64 = 54.0;
const PAGE_WIDTH: f64 = 1240.0;

/// Soprano to bass; told apart by the colour-blind too (from P. Tol, Colour Schemes, SRON/EPS/TN/09-002).
pub const COLOURS: [&str; 4] = ["#cc3311", "#ee9922", "#009966", "#0077bb"];

/// As wide as a browser scrolls; a longer piece is one that is mostly silence.
const MAX_BARS: usize = 5_000;

/// A whole picture, in lines as wide as a page.
pub fn page(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> String {
    let roll = Roll::new(score, grid, chords, marks);
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut used = 0.0;
    for (index, bar) in roll.bars.iter().enumerate() {
        let width = f64::from(bar.end_step - bar.first_step) * STEP;
        match lines.last_mut() {
            Some(line) if used + width <= PAGE_WIDTH - GUTTER - 10.0 => line.end = index + 1,
            _ => {
                lines.push(index..index + 1);
                used = 0.0;
            }
        }
        used += width;
    }
    let width = lines.iter().map(|line| roll.width(line)).fold(360.0, f64::max);
    let height = TITLE + lines.len() as f64 * roll.height();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let title = score.title.as_deref().unwrap_or("");
    let _ =
        writeln!(svg, "<text x=\"{GUTTER}\" y=\"24\" font-size=\"17\" font-weight=\"bold\">{}</text>", escape(title));
    for part in Part::ALL {
        let x = GUTTER + 90.0 * part.index() as f64;
        let colour = COLOURS[part.index()];
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"34\" width=\"16\" height=\"9\" rx=\"2\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"43\" font-size=\"11\">{}</text>",
            x + 21.0,
            part.name()
        );
    }
    for (index, line) in lines.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", TITLE + index as f64 * roll.height());
        roll.draw(&mut svg, line);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// One long line, for a page that scrolls, and where in it each step begins (in pixels, from the first step drawn).
pub fn strip(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> (String, Strip) {
    let roll = Roll::new(score, grid, chords, marks);
    let line = 0..roll.bars.len();
    let (width, height) = (roll.width(&line), roll.height());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"roll\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n"
    );
    roll.draw(&mut svg, &line);
    let _ = writeln!(svg, "<line id=\"head\" x1=\"-9\" x2=\"-9\" y1=\"{HEADER}\" y2=\"{}\"/>", height - BELOW);
    svg.push_str("</svg>\n");
    let mut steps = Vec::new();
    let mut x = GUTTER;
    for bar in &roll.bars {
        steps.extend((bar.first_step..bar.end_step).map(|step| (step, x + f64::from(step - bar.first_step) * STEP)));
        x += f64::from(bar.end_step - bar.first_step) * STEP;
    }
    (svg, Strip { steps, end: x })
}

/// See [`strip`].
pub struct Strip {
    /// Steps of the grid with their places; bars in which all rest are left out.
    pub steps: Vec<(u32, f64)>,
    pub end: f64,
}

struct Roll<'a> {
    score: &'a Score,
    grid: &'a Grid,
    chords: &'a [Sounding],
    marks: &'a [Mark],
    /// Those in which something sounds.
    bars: Vec<Bar>,
    lowest: u8,
    highest: u8,
}

impl<'a> Roll<'a> {
    fn new(score: &'a Score, grid: &'a Grid, chords: &'a [Sounding], marks: &'a [Mark]) -> Roll<'a> {
        let mut bars: Vec<Bar> = Vec::new();
        let mut notes: Vec<_> = score.parts.iter().flatten().collect();
        notes.sort_by_key(|note| note.start);
        for note in notes {
            let end_step = grid.nearest_step(note.end).max(grid.nearest_step(note.start) + 1);
            let mut step = grid.nearest_step(note.start).max(bars.last().map_or(0, |bar| bar.end_step));
            while step < end_step && bars.len() < MAX_BARS {
                let bar = grid.bar(step);
                step = bar.end_step;
                bars.push(bar);
            }
        }
        let pitches = || score.parts.iter().flatten().map(|note| note.pitch.midi());
        let (lowest, highest) = (pitches().min().unwrap_or(60), pitches().max().unwrap_or(60));
        Roll { score, grid, chords, marks, bars, lowest: lowest.saturating_sub(1), highest: (highest + 1).min(127) }
    }

    fn rows(&self) -> f64 {
        f64::from(self.highest - self.lowest + 1) * ROW
    }

    fn height(&self) -> f64 {
        HEADER + self.rows() + BELOW
    }

    fn width(&self, line: &Range<usize>) -> f64 {
        let steps: u32 = self.bars[line.clone()].iter().map(|bar| bar.end_step - bar.first_step).sum();
        GUTTER + f64::from(steps) * STEP + 10.0
    }

    fn y(&self, pitch: Pitch) -> f64 {
        HEADER + f64::from(self.highest - pitch.midi()) * ROW
    }

    /// The bars of a line, from its left edge.
    fn draw(&self, svg: &mut String, line: &Range<usize>) {
        let bars = &self.bars[line.clone()];
        let right = self.width(line) - 10.0;
        for pitch in (self.lowest..=self.highest).filter_map(Pitch::new) {
            let y = self.y(pitch);
            // The black keys.
            if matches!(pitch.class(), 1 | 3 | 6 | 8 | 10) {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{GUTTER}\" y=\"{y}\" width=\"{}\" height=\"{ROW}\" fill=\"#f1f1f4\"/>",
                    right - GUTTER
                );
            }
            if pitch.class() == 0 {
                let _ = writeln!(
                    svg,
                    "<text x=\"{}\" y=\"{}\" font-size=\"9\" fill=\"#666\" text-anchor=\"end\">{pitch}</text>",
                    GUTTER - 5.0,
                    y + ROW
                );
            }
        }
        let mut x = GUTTER;
        let bottom = HEADER + self.rows();
        for bar in bars {
            for step in bar.first_step..bar.end_step {
                let is_bar_line = step == bar.first_step;
                if !is_bar_line && (step - bar.first_step) % 4 != 0 {
                    continue;
                }
                let at = x + f64::from(step - bar.first_step) * STEP;
                let (colour, width) = if is_bar_line { ("#555", 1.2) } else { ("#d5d5da", 0.7) };
                vertical(svg, at, bottom, colour, width);
            }
            if bar.number > 0 {
                let _ = writeln!(svg, "<text x=\"{x}\" y=\"12\" font-size=\"10\" fill=\"#666\">{}</text>", bar.number);
            }
            x += f64::from(bar.end_step - bar.first_step) * STEP;
        }
        vertical(svg, right, bottom, "#555", 1.2);
        // The upper part is seen where two are on one pitch.
        for part in Part::ALL.into_iter().rev() {
            self.draw_part(svg, bars, part);
        }
        for (index, chord) in self.chords.iter().enumerate() {
            let Some(at) = self.x(bars, chord.steps.start) else { continue };
            let symbol = chord.harmony.symbol(chord.key);
            let next = self.chords.get(index + 1).map_or(u32::MAX, |next| next.steps.start);
            let room = f64::from((next - chord.steps.start).min(16)) * STEP;
            // A letter is about 0.62 times as wide as it is high.
            let size = (room / (0.62 * symbol.chars().count() as f64)).min(11.0);
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" font-size=\"{size:.1}\" fill=\"#222\"><title>{}</title>{}</text>",
                at + 1.0,
                HEADER - 6.0,
                escape(&chord.harmony.numeral(chord.key)),
                escape(&symbol)
            );
        }
        let mut shown: Vec<u32> = self.marks.iter().map(|mark| mark.step).collect();
        shown.dedup();
        for step in shown {
            let Some(at) = self.x(bars, step) else { continue };
            let rules: Vec<String> =
                self.marks.iter().filter(|mark| mark.step == step).map(|mark| mark.words()).collect();
            let (x, y) = (at + STEP / 2.0, bottom + 4.0);
            let _ = writeln!(
                svg,
                "<path class=\"mark\" data-step=\"{step}\" d=\"M{x} {y} l6 10 h-12 z\" fill=\"#aa3377\">\
                 <title>{}: {}</title></path>",
                place(self.grid, step),
                escape(&rules.join(", "))
            );
        }
    }

    fn draw_part(&self, svg: &mut String, bars: &[Bar], part: Part) {
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
        let _ = writeln!(svg, "<g class=\"{}\" fill=\"{}\">", part.name().to_lowercase(), COLOURS[part.index()]);
        for note in self.score.part(part) {
            let start = self.grid.nearest_step(note.start);
            let end = self.grid.nearest_step(note.end).max(start + 1);
            if end <= first.first_step || start >= last.end_step {
                continue;
            }
            let (Some(left), Some(right)) = (self.x_of_tick(bars, note.start), self.x_of_tick(bars, note.end)) else {
                continue;
            };
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" rx=\"2\"><title>{} {}</title></rect>",
                self.y(note.pitch) + 0.5,
                (right - left - 1.0).max(2.0),
                ROW - 1.0,
                part.name(),
                note.pitch
            );
        }
        svg.push_str("</g>\n");
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

fn vertical(svg: &mut String, x: f64, bottom: f64, colour: &str, width: f64) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x}\" x2=\"{x}\" y1=\"{HEADER}\" y2=\"{bottom}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
    );
}

#[cfg(test)]
mod tests {
    use chorale::rules::Rule;
    use proptest::prelude::*;

    use super::*;
    use crate::analysis;
    use crate::smf;

    proptest! {
        #[test]
        fn every_note_of_any_score_is_drawn_and_the_xml_is_sound(score in smf::tests::any_score()) {
            let grid = Grid::new(score.ticks_per_quarter, &score.directions, 0);
            let chords = analysis::chords(&score, &grid);
            let mark = Mark { step: grid.nearest_step(score.end() / 2), rule: Rule::ParallelFifths };
            let notes: usize = score.parts.iter().map(Vec::len).sum();
            let page = page(&score, &grid, &chords, &[mark]);
            let document = roxmltree::Document::parse(&page).unwrap();
            let drawn = document.descendants().filter(|node| node.has_tag_name("rect") && node.attribute("rx").is_some());
            // The legend has one of each part; notes that cross to the next line are drawn in both.
            prop_assert!(drawn.count() >= notes + 4);
            let (strip, places) = strip(&score, &grid, &chords, &[]);
            let document = roxmltree::Document::parse(&strip).unwrap();
            let drawn = document.descendants().filter(|node| node.has_tag_name("rect") && node.attribute("rx").is_some());
            prop_assert_eq!(drawn.count(), notes);
            prop_assert!(places.steps.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        }
    }
}
