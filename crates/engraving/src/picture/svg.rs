//! Shapes as SVG.

use std::fmt::Write as _;

use files::musicxml::escape;

use super::COLOURS;
use super::shape::{MARK, Shape, Text};

/// Appends a line for each shape.
pub fn write(svg: &mut String, shapes: &[Shape]) {
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
