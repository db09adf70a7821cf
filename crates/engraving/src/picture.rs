//! A score as a piano roll in SVG or PNG: four colours, bar lines, chord names, and marks where a rule is broken.

mod raster;
mod roll;
mod shape;
mod svg;

use std::ops::Range;

use files::{Grid, Score};
use thiserror::Error;

use crate::analysis::Sounding;
use crate::marks::Mark;
use roll::{GUTTER, Roll, STEP};
use shape::{Shape, Text};

/// In pixels.
const TITLE: f64 = 54.0;
const PAGE_WIDTH: f64 = 1240.0;

/// Soprano to bass; told apart by the colour-blind too (from P. Tol, Colour Schemes, SRON/EPS/TN/09-002).
const COLOURS: [&str; 4] = ["#cc3311", "#ee9922", "#009966", "#0077bb"];

/// So many pixels are drawn; a piece that needs more is no picture but a wallpaper.
const MAX_PIXELS: f64 = 80e6;

/// A whole picture in SVG, in lines as wide as a page.
pub fn page(score: &Score, grid: &Grid, chords: &[Sounding], marks: &[Mark]) -> String {
    let (shapes, width, height) = page_shapes(score, grid, chords, marks);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    svg::write(&mut svg, &shapes);
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

#[cfg(test)]
mod tests {
    use chorale::{Part, Pitch, Rule};
    use proptest::prelude::*;

    use super::*;
    use crate::analysis;
    use files::{Note, any_score};

    proptest! {
        #[test]
        fn every_note_of_any_score_is_drawn_and_the_xml_is_sound(score in any_score()) {
            let grid = Grid::new(score.ticks_per_quarter, &score.directions, 0);
            let chords = analysis::chords(&score, &grid);
            let (step, parts) = (grid.nearest_step(score.end() / 2), [Part::Soprano, Part::Bass].into());
            let mark = Mark { step, rule: Rule::ParallelFifths, parts };
            let notes: usize = score.parts.iter().map(Vec::len).sum();
            let page = page(&score, &grid, &chords, &[mark]);
            let document = roxmltree::Document::parse(&page).unwrap();
            let drawn = document.descendants().filter(|node| node.has_tag_name("rect") && node.attribute("rx").is_some());
            // The legend has one of each part; notes that cross to the next line are drawn in both.
            prop_assert!(drawn.count() >= notes + 4);
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
