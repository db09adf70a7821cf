//! Shapes as pixels, with the letters of DejaVu Sans.

use std::sync::LazyLock;

use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::shape::{MARK, Shape, Text};

static FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(dejavu::sans_condensed::regular(), 0).ok());

/// The bytes of a PNG file, `scale` pixels for each unit; `None` where there is no memory for it.
pub fn png(shapes: &[Shape], width: f64, height: f64, scale: f64) -> Option<Vec<u8>> {
    let pixels = |length: f64| (length * scale).ceil() as u32;
    let mut pixmap = Pixmap::new(pixels(width), pixels(height))?;
    pixmap.fill(Color::WHITE);
    let mut canvas = Canvas { pixmap, scale: Transform::from_scale(scale as f32, scale as f32) };
    for shape in shapes {
        canvas.draw(shape);
    }
    canvas.pixmap.encode_png().ok()
}

struct Canvas {
    pixmap: Pixmap,
    scale: Transform,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Box { x, y, width, height, radius, fill, .. } => {
                let rect = Rect::from_xywh(*x as f32, *y as f32, *width as f32, *height as f32);
                if let Some(path) = rect.and_then(|rect| rounded(rect, *radius as f32)) {
                    self.fill(&path, fill);
                }
            }
            Shape::Vertical { x, top, bottom, colour, width } => {
                let mut path = PathBuilder::new();
                path.move_to(*x as f32, *top as f32);
                path.line_to(*x as f32, *bottom as f32);
                if let Some(path) = path.finish() {
                    self.stroke(&path, colour, *width as f32);
                }
            }
            Shape::Text(text) => self.text(text),
            Shape::Mark { x, y, .. } => {
                let (x, y) = (*x as f32, *y as f32);
                let mut path = PathBuilder::new();
                path.move_to(x, y);
                path.line_to(x + 6.0, y + 10.0);
                path.line_to(x - 6.0, y + 10.0);
                path.close();
                if let Some(path) = path.finish() {
                    self.fill(&path, MARK);
                }
            }
        }
    }

    fn text(&mut self, text: &Text) {
        let Some(face) = FACE.as_ref() else { return };
        let unit = text.size as f32 / f32::from(face.units_per_em());
        let glyphs: Vec<(GlyphId, f32)> = text
            .text
            .chars()
            .map(|letter| {
                let glyph = face.glyph_index(letter).unwrap_or_default();
                (glyph, f32::from(face.glyph_hor_advance(glyph).unwrap_or_default()) * unit)
            })
            .collect();
        let width: f32 = glyphs.iter().map(|(_, advance)| advance).sum();
        let mut outline = Outline {
            path: PathBuilder::new(),
            x: text.x as f32 - if text.ends { width } else { 0.0 },
            y: text.y as f32,
            unit,
        };
        for (glyph, advance) in glyphs {
            face.outline_glyph(glyph, &mut outline);
            outline.x += advance;
        }
        let Some(path) = outline.path.finish() else { return };
        self.fill(&path, text.colour);
        if text.is_bold {
            self.stroke(&path, text.colour, text.size as f32 / 24.0);
        }
    }

    fn fill(&mut self, path: &Path, colour: &str) {
        self.pixmap.fill_path(path, &paint(colour), FillRule::Winding, self.scale, None);
    }

    fn stroke(&mut self, path: &Path, colour: &str, width: f32) {
        self.pixmap.stroke_path(path, &paint(colour), &Stroke { width, ..Stroke::default() }, self.scale, None);
    }
}

/// Of a colour written `#rrggbb`.
fn paint(colour: &str) -> Paint<'static> {
    let number = u32::from_str_radix(colour.trim_start_matches('#'), 16).unwrap_or_default();
    let [_, red, green, blue] = number.to_be_bytes();
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

fn rounded(rect: Rect, radius: f32) -> Option<Path> {
    let radius = radius.min(rect.width() / 2.0).min(rect.height() / 2.0);
    if radius <= 0.0 {
        return Some(PathBuilder::from_rect(rect));
    }
    let (left, top, right, bottom) = (rect.left(), rect.top(), rect.right(), rect.bottom());
    let mut path = PathBuilder::new();
    path.move_to(left + radius, top);
    path.line_to(right - radius, top);
    path.quad_to(right, top, right, top + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(left + radius, bottom);
    path.quad_to(left, bottom, left, bottom - radius);
    path.line_to(left, top + radius);
    path.quad_to(left, top, left + radius, top);
    path.close();
    path.finish()
}

/// Puts the outlines of letters, whose y goes upwards, on the page.
struct Outline {
    path: PathBuilder,
    x: f32,
    y: f32,
    unit: f32,
}

impl Outline {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.unit, self.y - y * self.unit)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
