//! Scores of any notation program, partwise or timewise, plain or compressed, with their repeats written out.

mod elements;
mod note;
mod part;
mod repeats;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;

use self::elements::{PartNodes, child, children, partwise, text_of, timewise};
use self::part::WrittenPart;
use self::repeats::{MAX_MEASURES, play_order};
use self::timeline::Timeline;
use super::archive::{MAX_BYTES, text_of_score};
use crate::score::{Creator, Direction, Tick};
use crate::source::{Kind, Source, in_order_each_once};

/// A symphony has fewer; more come from a file made to fill memory.
const MAX_NODES: u32 = 8_000_000;

/// Where durations need no finer ticks.
const TICKS_PER_QUARTER: u64 = 480;

/// Divisible by 2 to 10, for files whose divisions have no common multiple that fits.
const FALLBACK_TICKS: u64 = 10_080;

/// MIDI files hold 15 bits.
const MAX_TICKS_PER_QUARTER: u64 = 0x7fff;

/// Why bytes are no MusicXML that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("not a MusicXML file: {0}")]
    NotXml(String),
    #[error("not a MusicXML score: its outermost element is <{0}>, expected <score-partwise> or <score-timewise>")]
    NotAScore(String),
    #[error("the compressed file (.mxl) cannot be opened; is it whole? ({0})")]
    Archive(String),
    #[error("the score unpacks to more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("measure {measure} of part {part}: <{element}> is '{value}', expected {expected}")]
    Value { part: usize, measure: String, element: &'static str, value: String, expected: &'static str },
    #[error("with its repeats the piece has more than {MAX_MEASURES} measures; take out the repeat signs")]
    TooManyMeasures,
}

/// Reads a score: each part a track, each voice of a staff a line of it.
///
/// # Errors
/// Where the file is damaged; never a panic, whatever the bytes. Archives and entities are bounded.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let text = text_of_score(bytes)?;
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(&text, options).map_err(|error| ReadError::NotXml(shorten(&error.to_string())))?;
    let root = document.root_element();
    let parts = match root.tag_name().name() {
        "score-partwise" => partwise(root),
        "score-timewise" => timewise(root),
        other => return Err(ReadError::NotAScore(shorten(other))),
    };
    read_score(root, &parts)
}

fn read_score(root: Node, parts: &[PartNodes]) -> Result<Source, ReadError> {
    let ticks_per_quarter = common_ticks(root);
    let written: Vec<WrittenPart> = (1..)
        .zip(parts)
        .map(|(number, part)| WrittenPart::read(number, part, ticks_per_quarter))
        .collect::<Result<_, _>>()?;
    let mut remarks = Vec::new();
    let order = play_order(parts, &mut remarks)?;
    let timeline = Timeline::new(&written, &order)?;
    if order.len() > timeline.written() {
        remarks.push(format!("repeats are written out: {} measures become {}", timeline.written(), order.len()));
    }
    let graces: usize = written.iter().map(|part| part.graces).sum();
    if graces > 0 {
        remarks.push(format!("grace notes are left out ({graces})"));
    }
    let names = part_names(root);
    let tracks = parts.iter().zip(&written).map(|(nodes, part)| part.track(&timeline, names.get(nodes.id).cloned()));
    Ok(Source {
        kind: Kind::MusicXml,
        title: title(root),
        creators: creators(root),
        ticks_per_quarter: ticks_per_quarter as u16,
        directions: directions(root, &written, &timeline),
        tracks: tracks.collect(),
        remarks,
    })
}

/// Metres, tempos and marks of all parts, keys and rights, when they apply.
fn directions(root: Node, parts: &[WrittenPart], timeline: &Timeline) -> Vec<(Tick, Direction)> {
    let mut directions = timeline.metres();
    for &(measure, start) in &timeline.played {
        for content in parts.iter().filter_map(|part| part.measures.get(measure)) {
            directions.extend(content.directions.iter().map(|(at, direction)| (start + at, direction.clone())));
        }
    }
    // Every part has the same key, but for transposing instruments, whose key is not that of the piece.
    if let Some(part) = parts.iter().find(|part| !part.is_transposing).or(parts.first()) {
        for &(measure, start) in &timeline.played {
            let keys = part.measures.get(measure).into_iter().flat_map(|content| &content.keys);
            directions.extend(keys.map(|(at, direction)| (start + at, direction.clone())));
        }
    }
    directions.extend(rights(root).into_iter().map(|notice| (0, Direction::Copyright(notice.into_bytes()))));
    in_order_each_once(directions)
}

fn title(root: Node) -> Option<String> {
    let work = child(root, "work").and_then(|work| text_of(work, "work-title"));
    let title = work.filter(|title| !title.is_empty()).or_else(|| text_of(root, "movement-title"))?;
    let title: String = title.chars().filter(|character| !character.is_control()).collect();
    Some(title).filter(|title| !title.trim().is_empty())
}

/// The text of an element of `<identification>`, in one line.
fn line_of_text(node: Node) -> Option<String> {
    let text: Vec<&str> = node.text()?.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let text: Vec<&str> = text.into_iter().filter(|word| !word.is_empty()).collect();
    Some(text.join(" ")).filter(|text| !text.is_empty())
}

fn creators(root: Node) -> Vec<Creator> {
    let identification = child(root, "identification").into_iter();
    let creator = |node: Node| {
        let role = node.attribute("type").unwrap_or("composer").chars().filter(|c| c.is_alphanumeric()).collect();
        Some(Creator { role, name: line_of_text(node)? })
    };
    identification.flat_map(|node| children(node, "creator")).filter_map(creator).collect()
}

fn rights(root: Node) -> Vec<String> {
    let identification = child(root, "identification").into_iter();
    identification.flat_map(|node| children(node, "rights")).filter_map(line_of_text).collect()
}

fn part_names(root: Node) -> BTreeMap<String, String> {
    let Some(list) = child(root, "part-list") else { return BTreeMap::new() };
    let name = |part: Node| {
        let name = text_of(part, "part-name").filter(|name| !name.is_empty());
        let name = name.or_else(|| text_of(part, "part-abbreviation"))?;
        let name: String = name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        Some((part.attribute("id")?.to_owned(), Some(name.trim().to_owned()).filter(|name| !name.is_empty())?))
    };
    children(list, "score-part").filter_map(name).collect()
}

/// Ticks in which every duration of the file is whole, where there are some.
fn common_ticks(root: Node) -> u64 {
    let divisions = root.descendants().filter(|node| node.has_tag_name("divisions"));
    let divisions: BTreeSet<u64> =
        divisions.filter_map(|node| node.text()?.trim().parse().ok()).filter(|value| *value > 0).collect();
    let multiple_of_all = |first: u64| {
        divisions.iter().try_fold(first, |ticks, &other| {
            let multiple = (ticks / greatest_divisor(ticks, other)).checked_mul(other)?;
            (multiple <= MAX_TICKS_PER_QUARTER).then_some(multiple)
        })
    };
    multiple_of_all(TICKS_PER_QUARTER).or_else(|| multiple_of_all(4)).unwrap_or(FALLBACK_TICKS)
}

fn greatest_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// What an error may quote of a file.
pub(super) fn shorten(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests;
