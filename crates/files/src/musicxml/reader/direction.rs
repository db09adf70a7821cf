//! Directions: tempo, rehearsal marks, dynamics, hairpins and words.

use roxmltree::Node;

use super::elements::{child, children, text_of};
use super::part::Context;
use super::shorten;
use super::signs::{is_part_of_way, printed_way};
use crate::score::{Direction, Tick};
use crate::written::{WrittenExpression, WrittenMeasure};

/// What a `<direction>` or `<sound>` says of tempo and expression. Words about repeats are followed instead.
pub(super) fn read_direction(node: Node, at: Tick, context: &mut Context, content: &mut WrittenMeasure) {
    let sound = if node.has_tag_name("sound") { Some(node) } else { child(node, "sound") };
    let sounding = sound.and_then(|sound| sound.attribute("tempo")).and_then(first_number);
    let kinds = || children(node, "direction-type");
    let printed = || kinds().find_map(|kind| child(kind, "metronome")).and_then(metronome);
    let in_words =
        || kinds().flat_map(|kind| children(kind, "words")).filter_map(|words| tempo_in(words.text()?)).next();
    match sounding.or_else(printed).or_else(in_words) {
        Some(beats) if (4.0..=2000.0).contains(&beats) => {
            content.directions.push((at, Direction::Tempo((60e6 / beats).round() as u32)));
        }
        Some(beats) => {
            context.remark(&format!("a tempo of {beats} quarters a minute is left out; it can be from 4 to 2000"));
        }
        None => {}
    }
    for mark in kinds().filter_map(|kind| text_of(kind, "rehearsal")).filter(|mark| !mark.is_empty()) {
        content.directions.push((at, Direction::Marker(mark.as_bytes().to_vec())));
    }
    let words = kinds().flat_map(|kind| children(kind, "words")).filter_map(|words| words.text());
    let words: Vec<String> = words.map(|words| shorten(words.trim())).filter(|words| !words.is_empty()).collect();
    let leads = printed_way(node).is_some() || words.iter().any(|words| is_part_of_way(words));
    if !leads {
        content.expressions.extend(words.into_iter().map(|words| (at, WrittenExpression::Words(words))));
    }
    content.expressions.extend(kinds().flat_map(read_dynamics).map(|sign| (at, sign)));
    let hairpins = kinds().flat_map(|kind| children(kind, "wedge"));
    content.expressions.extend(hairpins.filter_map(hairpin).map(|sign| (at, sign)));
}

/// The `<dynamics>` in a direction or under a note.
pub(super) fn read_dynamics<'a, 'i: 'a>(parent: Node<'a, 'i>) -> impl Iterator<Item = WrittenExpression> + use<'a, 'i> {
    let signs = children(parent, "dynamics").flat_map(|dynamics| dynamics.children()).filter(Node::is_element);
    signs.filter_map(|sign| {
        let name = match sign.tag_name().name() {
            "other-dynamics" => sign.text()?.trim(),
            name => name,
        };
        (!name.is_empty()).then(|| WrittenExpression::Dynamic(shorten(name)))
    })
}

fn hairpin(wedge: Node) -> Option<WrittenExpression> {
    Some(match wedge.attribute("type")? {
        "crescendo" => WrittenExpression::HairpinStart { louder: true },
        "diminuendo" => WrittenExpression::HairpinStart { louder: false },
        "stop" => WrittenExpression::HairpinStop,
        _ => return None,
    })
}

/// Quarters a minute.
fn metronome(node: Node) -> Option<f64> {
    let quarters = match text_of(node, "beat-unit")? {
        "breve" => 8.0,
        "whole" => 4.0,
        "half" => 2.0,
        "quarter" => 1.0,
        "eighth" => 0.5,
        "16th" => 0.25,
        _ => return None,
    };
    let dotted = match children(node, "beat-unit-dot").count() {
        0 => 1.0,
        1 => 1.5,
        _ => 1.75,
    };
    Some(first_number(text_of(node, "per-minute")?)? * quarters * dotted)
}

/// Quarters a minute in words such as `Andante ♩ = 72`.
fn tempo_in(words: &str) -> Option<f64> {
    const NOTES: [(&str, f64); 4] = [("♩", 1.0), ("\u{1d15f}", 1.0), ("♪", 0.5), ("\u{1d15e}", 2.0)];
    let (before, number) = words.split_once('=')?;
    let before = before.trim_end();
    let (dotted, note) = before.strip_suffix('.').map_or((1.0, before), |note| (1.5, note));
    let (_, quarters) = NOTES.into_iter().find(|(sign, _)| note.trim_end().ends_with(sign))?;
    Some(first_number(number)? * quarters * dotted)
}

/// Of `c. 88`, `88-92`, `88,5` or `-5`.
fn first_number(text: &str) -> Option<f64> {
    let sign = if text.trim_start().starts_with('-') { -1.0 } else { 1.0 };
    let digits = &text[text.find(|c: char| c.is_ascii_digit())?..];
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(digits.len());
    let number: f64 = digits[..end].trim_end_matches(['.', ',']).replace(',', ".").parse().ok()?;
    Some(sign * number)
}
