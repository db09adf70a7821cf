//! A score as a piano roll in SVG or PNG: four colours, bar lines, chord names, and marks where a rule is broken.

mod raster;

use std::fmt::Write as _;
use std::ops::Range;

use chorale::{Part, Pitch};
use thiserror::Error;

use crate::analysis::{Mark, Sounding, by_step, place};
use files::musicxml::{escape, syllables};
use files::{Bar, Grid, Score, Tick};

/// In pixels.
const STEP: f64 = 9.0;
const ROW: f64 = 8.0;
const GUTTER: f64 = 40.0;
/// Bar numbers, chords and their numerals.
const HEADER: f64 = 52.0;
const WORDS: f64 = 15.0;
/// For marks.
const BELOW: f64 = 18.0;
const TITLE: f64 = 54.0;
const PAGE_WIDTH: f64 = 1240.0;

/// Soprano to bass; told apart by the colour-blind too (from P. Tol, Colour Schemes, SRON/EPS/TN/09-002).
pub const COLOURS: [&str; 4] = ["#cc3311", "#ee9922", "#009966", "#0077bb"];

const GREY: &str = "#666666";

/// As wide as a browser scrolls; a longer piece is one that is mostly silence.
const MAX_BARS: usize = 5_000;

/// So many pixels are drawn; a piece that needs more is no picture but a wallpaper.
const MAX_PIXELS: f64 = 80e6;

/// A whole picture in SVG, in lines as wide as a page.
pub fn page(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> String {
    let (shapes, width, height) = page_shapes(score, grid, chords, marks);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    write_svg(&mut svg, &shapes);
    svg.push_str("</svg>\n");
    svg
}

/// The picture has so many lines that it would fill memory.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("as a picture the piece would be {height} pixels high; write .svg, which has no such limit")]
pub struct TooHigh {
    height: u32,
}

/// The same picture in PNG, two pixels for each of the SVG's, one where it is long.
///
/// # Errors
/// Where it is very long.
pub fn png(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> Result<Vec<u8>, TooHigh> {
    let (shapes, width, height) = page_shapes(score, grid, chords, marks);
    let scale = [2.0, 1.0].into_iter().find(|scale| width * height * scale * scale <= MAX_PIXELS);
    let too_high = TooHigh { height: height as u32 };
    scale.and_then(|scale| raster::png(&shapes, width, height, scale)).ok_or(too_high)
}

/// With the width and height of the whole, in pixels.
fn page_shapes(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> (Vec<Shape>, f64, f64) {
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
    let mut shapes = Vec::new();
    let title = score.title.clone().unwrap_or_default();
    shapes.push(Shape::Text(Text { x: GUTTER, y: 24.0, size: 17.0, is_bold: true, ..Text::new(title) }));
    for (place, part) in score.ensemble.parts().into_iter().enumerate() {
        let x = GUTTER + 90.0 * place as f64;
        let fill = COLOURS[part.index()];
        shapes.push(Shape::Box { x, y: 34.0, width: 16.0, height: 9.0, radius: 2.0, fill, note: None });
        let name = Text::new(score.ensemble.name(part).into());
        shapes.push(Shape::Text(Text { x: x + 21.0, y: 43.0, size: 11.0, ..name }));
    }
    for (index, line) in lines.iter().enumerate() {
        roll.draw(&mut shapes, line, TITLE + index as f64 * roll.height());
    }
    (shapes, width, height)
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
    let mut shapes = Vec::new();
    roll.draw(&mut shapes, &line, 0.0);
    write_svg(&mut svg, &shapes);
    let (rows, bottom) = (roll.rows(), HEADER + roll.rows());
    let band = format!("x=\"0\" y=\"{HEADER}\" width=\"{STEP}\" height=\"{rows}\"");
    let _ = writeln!(svg, "<rect id=\"band\" {band} style=\"display:none\"/>");
    let _ = writeln!(svg, "<line id=\"head\" x1=\"-9\" x2=\"-9\" y1=\"{HEADER}\" y2=\"{bottom}\"/>");
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

/// What a picture is made of, in the order in which it is painted. Colours are written `#rrggbb`.
enum Shape {
    Box {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        radius: f64,
        fill: &'static str,
        note: Option<(Part, String)>,
    },
    Vertical {
        x: f64,
        top: f64,
        bottom: f64,
        colour: &'static str,
        width: f64,
    },
    Text(Text),
    /// A triangle under the steps where a rule is broken, its top at (x, y).
    Mark {
        step: u32,
        x: f64,
        y: f64,
        hint: String,
    },
}

struct Text {
    x: f64,
    /// Of the baseline.
    y: f64,
    size: f64,
    colour: &'static str,
    is_bold: bool,
    /// Whether `x` is where it ends.
    ends: bool,
    text: String,
    hint: Option<String>,
}

impl Text {
    fn new(text: String) -> Text {
        Text { x: 0.0, y: 0.0, size: 10.0, colour: "#000000", is_bold: false, ends: false, text, hint: None }
    }
}

const MARK: &str = "#aa3377";

fn write_svg(svg: &mut String, shapes: &[Shape]) {
    // The notes of a part stand in a group of their own, which a page can mute.
    let mut group = None;
    for shape in shapes {
        let part = match shape {
            Shape::Box { note: Some((part, _)), .. } => Some(*part),
            _ => None,
        };
        if part != group {
            if group.is_some() {
                svg.push_str("</g>\n");
            }
            if let Some(part) = part {
                let _ = writeln!(svg, "<g class=\"part{}\" fill=\"{}\">", part.index(), COLOURS[part.index()]);
            }
            group = part;
        }
        let _ = match shape {
            Shape::Box { x, y, width, height, radius, fill, note } => {
                let corners = if *radius > 0.0 { format!(" rx=\"{radius}\"") } else { String::new() };
                let place = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"{corners}");
                match note {
                    Some((_, hint)) => writeln!(svg, "<rect {place}><title>{}</title></rect>", escape(hint)),
                    None => writeln!(svg, "<rect {place} fill=\"{fill}\"/>"),
                }
            }
            Shape::Vertical { x, top, bottom, colour, width } => writeln!(
                svg,
                "<line x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
            ),
            Shape::Text(Text { x, y, size, colour, is_bold, ends, text, hint }) => {
                let bold = if *is_bold { " font-weight=\"bold\"" } else { "" };
                let anchor = if *ends { " text-anchor=\"end\"" } else { "" };
                let title = hint.as_ref().map(|hint| format!("<title>{}</title>", escape(hint))).unwrap_or_default();
                let text = escape(text);
                writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.1}\" fill=\"{colour}\"{bold}{anchor}>{title}{text}</text>"
                )
            }
            Shape::Mark { step, x, y, hint } => writeln!(
                svg,
                "<path class=\"mark\" data-step=\"{step}\" d=\"M{x} {y} l6 10 h-12 z\" fill=\"{MARK}\">\
                 <title>{}</title></path>",
                escape(hint)
            ),
        };
    }
    if group.is_some() {
        svg.push_str("</g>\n");
    }
}

/// The size at which a text fits into `room`, at most `size`. A letter is at most about 0.68 times as wide as it is high; a
/// little room parts it from what follows.
fn fitting(text: &str, room: f64, size: f64) -> f64 {
    ((room - 3.0) / (0.68 * text.chars().count().max(1) as f64)).clamp(1.0, size)
}

struct Roll<'a> {
    score: &'a Score,
    grid: &'a Grid,
    chords: &'a [Sounding],
    marks: &'a [Mark],
    /// Those in which something sounds.
    bars: Vec<Bar>,
    /// The first verse, by the ticks of its syllables.
    words: Vec<(Tick, String)>,
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
        let words = syllables(score).into_iter().filter_map(|(tick, syllables)| {
            let syllable = syllables.into_iter().find(|syllable| syllable.verse == 1)?;
            Some((tick, format!("{}{}", syllable.text, if syllable.goes_on { "-" } else { "" })))
        });
        let (lowest, highest) = (lowest.saturating_sub(1), (highest + 1).min(127));
        Roll { score, grid, chords, marks, bars, words: words.collect(), lowest, highest }
    }

    fn rows(&self) -> f64 {
        f64::from(self.highest - self.lowest + 1) * ROW
    }

    fn height(&self) -> f64 {
        HEADER + self.rows() + self.words_height() + BELOW
    }

    fn words_height(&self) -> f64 {
        if self.words.is_empty() { 0.0 } else { WORDS }
    }

    fn width(&self, line: &Range<usize>) -> f64 {
        let steps: u32 = self.bars[line.clone()].iter().map(|bar| bar.end_step - bar.first_step).sum();
        GUTTER + f64::from(steps) * STEP + 10.0
    }

    fn y(&self, pitch: Pitch) -> f64 {
        HEADER + f64::from(self.highest - pitch.midi()) * ROW
    }

    /// The bars of a line, from its left edge, `top` below that of the picture.
    fn draw(&self, shapes: &mut Vec<Shape>, line: &Range<usize>, top: f64) {
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
                if !is_bar_line && place(self.grid, step).beat.fract() != 0.0 {
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
            let (symbol, numeral) = (chord.harmony.symbol(chord.key), chord.harmony.numeral(chord.key));
            let hint = Some(format!("{}: {symbol}, {numeral}", place(self.grid, chord.steps.start)));
            for (text, y, size, colour) in
                [(symbol, header - 19.0, 11.0, "#222222"), (numeral, header - 6.0, 9.5, GREY)]
            {
                let (x, size, hint) = (at + 1.0, fitting(&text, room, size), hint.clone());
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
        for (step, rules) in by_step(self.marks) {
            let Some(at) = self.x(bars, step) else { continue };
            let hint = format!("{}: {rules}", place(self.grid, step));
            shapes.push(Shape::Mark { step, x: at + STEP / 2.0, y: bottom + self.words_height() + 4.0, hint });
        }
    }

    fn draw_part(&self, shapes: &mut Vec<Shape>, bars: &[Bar], part: Part, top: f64) {
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
        for note in self.score.part(part) {
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
                note: Some((part, format!("{} {}", self.score.ensemble.name(part), note.pitch))),
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

#[cfg(test)]
mod tests {
    use chorale::rules::Rule;
    use proptest::prelude::*;

    use super::*;
    use crate::analysis;
    use files::{Note, any_score};

    proptest! {
        #[test]
        fn every_note_of_any_score_is_drawn_and_the_xml_is_sound(score in any_score()) {
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

    #[test]
    fn a_png_shows_each_part_in_its_colour_on_white() {
        let note = |pitch: u8| Note { start: 0, end: 480, pitch: Pitch::new(pitch).unwrap(), velocity: 80 };
        let parts = [72, 67, 64, 48].map(|pitch| vec![note(pitch)]);
        let score = Score { ticks_per_quarter: 480, parts, title: Some("Lobet".into()), ..Score::default() };
        let grid = Grid::new(480, &[], 0);
        let bytes = png(&score, &grid, &analysis::chords(&score, &grid), &[]).unwrap();
        let picture = tiny_skia::Pixmap::decode_png(&bytes).unwrap();
        assert_eq!(picture.width(), 720);
        let count = |colour: &str| {
            let wanted: Vec<u8> =
                (1..7).step_by(2).map(|at| u8::from_str_radix(&colour[at..at + 2], 16).unwrap()).collect();
            let pixels = picture.pixels().iter();
            pixels.filter(|pixel| [pixel.red(), pixel.green(), pixel.blue()] == wanted[..]).count()
        };
        // A note of a quarter is 35 by 6 pixels, doubled; and there is the legend.
        for colour in COLOURS {
            assert!(count(colour) > 35 * 6 * 4, "{colour}: {}", count(colour));
        }
        assert!(count("#ffffff") > 100_000);
        // Of the title's strokes at least some pixels are wholly black.
        assert!(count("#000000") > 50, "{}", count("#000000"));
    }
}
