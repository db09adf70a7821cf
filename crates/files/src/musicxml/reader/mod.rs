//! Scores of any notation program, partwise or timewise, plain or compressed, with their repeats written out.

mod direction;
mod elements;
mod harmony;
mod note;
mod part;
mod repeated;
mod signs;

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;

use self::elements::{PartNodes, child, children, partwise, text_of, timewise};
use self::part::read_part;
use self::signs::repeat_signs;
use super::VERSES;
use super::archive::{MAX_BYTES, text_of_score};
use crate::foreign::{self, Foreign};
use crate::melody::may_be_drums;
use crate::score::{Creator, Direction};
use crate::source::{Kind, Source, in_order_each_once, told_below, trimmed_lines};
use crate::written::{Endless, Played, WrittenPart, WrittenScore};

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
    #[error(
        "the score breaks off in line {0}: its file is not whole; save it once more from the program that made it, or \
         download it again"
    )]
    BreaksOff(usize),
    #[error(
        "not a MusicXML file: line {line}, column {column} is no XML ({reason}); save the score once more from the program \
         that made it, or mend that place with a text editor"
    )]
    IllFormed { line: u32, column: u32, reason: String },
    #[error("not a MusicXML score: its outermost element is <{0}>, expected <score-partwise> or <score-timewise>")]
    NotAScore(String),
    #[error("the compressed file (.mxl) cannot be opened; is it whole? ({0})")]
    Archive(String),
    #[error("this is a zip archive without a MusicXML score ({0}); unzip it, and take the file that holds the music")]
    NoScore(String),
    #[error("the compressed file (.mxl) holds several scores ({0}); unzip it, and take one of them")]
    SeveralScores(String),
    #[error("{0}")]
    Foreign(Foreign),
    #[error("the score unpacks to more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("measure {measure} of part {part}: <{element}> is '{value}', expected {expected}")]
    Value { part: usize, measure: String, element: &'static str, value: String, expected: &'static str },
    #[error(transparent)]
    Endless(#[from] Endless),
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
    let document = Document::parse_with_options(&text, options).map_err(|error| not_xml(&text, &error))?;
    let root = document.root_element();
    let parts = match root.tag_name().name() {
        "score-partwise" => partwise(root),
        "score-timewise" => timewise(root),
        other => {
            return Err(
                foreign::by_root(other).map_or_else(|| ReadError::NotAScore(shorten(other)), ReadError::Foreign)
            );
        }
    };
    read_score(root, &parts)
}

/// Why a text is no XML, and what to do: a score that was begun and does not end is cut off.
fn not_xml(text: &str, error: &roxmltree::Error) -> ReadError {
    let is_begun = text.contains("<score-partwise") || text.contains("<score-timewise");
    let is_ended = text.contains("</score-partwise") || text.contains("</score-timewise");
    if is_begun && !is_ended {
        return ReadError::BreaksOff(text.lines().count());
    }
    let (said, place) = (error.to_string(), error.pos());
    match said.strip_suffix(&format!(" at {place}")) {
        Some(reason) => ReadError::IllFormed { line: place.row, column: place.col, reason: shorten(reason) },
        None => ReadError::NotXml(shorten(&said)),
    }
}

fn read_score(root: Node, parts: &[PartNodes]) -> Result<Source, ReadError> {
    let ticks_per_quarter = common_ticks(root);
    let names = part_names(root);
    let drums = drum_parts(root, &names);
    let read = |takes_hidden: bool| -> Result<(Vec<WrittenPart>, usize), ReadError> {
        let mut all_hidden = 0;
        let written = (1..).zip(parts).map(|(number, part)| {
            let name = names.get(part.id).cloned();
            let (mut content, hidden) = read_part(number, part, ticks_per_quarter, takes_hidden)?;
            all_hidden += hidden;
            if drums.contains(part.id) && !content.has_words() {
                content.percussion.extend(content.staves());
            }
            Ok(WrittenPart { name, ..content })
        });
        let written = written.collect::<Result<_, ReadError>>()?;
        Ok((written, all_hidden))
    };
    let (mut written, mut hidden) = read(false)?;
    let has_notes = |part: &WrittenPart| part.measures.iter().any(|measure| !measure.notes.is_empty());
    if hidden > 0 && !written.iter().any(has_notes) {
        (written, hidden) = (read(true)?.0, 0);
    }
    let mode = written.iter().find_map(|part| part.mode);
    let names_major = written.iter().any(|part| part.names_major);
    let signs = repeat_signs(parts);
    let whole = 0..signs.len();
    let score = WrittenScore { ticks_per_quarter, parts: written, signs, sections: vec![whole] };
    let Played { mut directions, tracks, mut remarks } = score.play()?;
    let graces = parts.iter().flat_map(|part| &part.measures).flat_map(|measure| children(*measure, "note"));
    let graces = graces.filter(|note| child(*note, "grace").is_some() && child(*note, "chord").is_none()).count();
    if graces > 0 {
        remarks.push(format!("grace notes are left out ({graces})"));
    }
    if hidden > 0 {
        remarks.push(format!("notes that are not printed are left out ({hidden})"));
    }
    let below = below(root);
    remarks.extend(told_below(&below));
    directions.extend(rights(root).into_iter().map(|notice| (0, Direction::Copyright(notice.into_bytes()))));
    Ok(Source {
        kind: Kind::MusicXml,
        title: title(root),
        creators: creators(root),
        below,
        ticks_per_quarter: ticks_per_quarter as u16,
        directions: in_order_each_once(directions),
        mode,
        names_major,
        tracks,
        remarks,
    })
}

fn title(root: Node) -> Option<String> {
    let told = |text: &str| -> Option<String> {
        let title: String = text.chars().filter(|character| !character.is_control()).collect();
        Some(title).filter(|title| !title.trim().is_empty())
    };
    let work = child(root, "work").and_then(|work| text_of(work, "work-title"));
    work.and_then(told).or_else(|| text_of(root, "movement-title").and_then(told)).or_else(|| printed_title(root))
}

/// The title that stands on the first page alone: a credit that says so; else the largest of those of no other kind, if it
/// is centred.
fn printed_title(root: Node) -> Option<String> {
    let credits = || {
        let on_first =
            children(root, "credit").filter(|credit| credit.attribute("page").is_none_or(|page| page == "1"));
        on_first.map(|credit| (credit, kinds_of_credit(credit))).collect::<Vec<(Node, Vec<&str>)>>()
    };
    let text = |credit: Node| {
        let words = children(credit, "credit-words").filter_map(line_of_text);
        Some(words.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
    };
    let named = credits().into_iter().filter(|(_, kinds)| kinds.contains(&"title"));
    named.filter_map(|(credit, _)| text(credit)).next().or_else(|| {
        let is_notice = |text: &str| text.contains('©') || text.to_lowercase().contains("copyright");
        let words = credits().into_iter().filter(|(_, kinds)| kinds.is_empty()).filter_map(|(credit, _)| {
            let first = child(credit, "credit-words")?;
            let size = first.attribute("font-size").and_then(|size| size.parse::<f64>().ok()).unwrap_or(0.0);
            let is_centred = [first.attribute("justify"), first.attribute("halign")].contains(&Some("center"))
                && !matches!(first.attribute("valign"), Some("bottom"));
            Some((size, is_centred, text(credit)?)).filter(|(.., text)| !is_notice(text))
        });
        let words: Vec<(f64, bool, String)> = words.collect();
        let largest = words.iter().map(|(size, ..)| *size).fold(0.0, f64::max);
        let is_short = |text: &str| text.split_whitespace().count() < VERSE_WORDS;
        words
            .into_iter()
            .find(|(size, is_centred, text)| *is_centred && *size >= largest && is_short(text))
            .map(|it| it.2)
    })
}

fn kinds_of_credit<'a>(credit: Node<'a, '_>) -> Vec<&'a str> {
    children(credit, "credit-type").filter_map(|kind| kind.text()).map(str::trim).collect()
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

/// What a page names in its credits besides verses.
const NAMED: [&str; 8] =
    ["title", "subtitle", "composer", "lyricist", "arranger", "rights", "page number", "part name"];

/// Words that are long enough for verses: fewer tell where a tune comes from.
const VERSE_LINES: usize = 3;
const VERSE_WORDS: usize = 14;

/// Verses that stand under the music: texts of the page that name neither the piece nor who made or owns it; or those that we
/// kept.
fn below(root: Node) -> Vec<String> {
    let identification = child(root, "identification");
    let fields = identification.into_iter().flat_map(|node| children(node, "miscellaneous"));
    let kept = fields
        .flat_map(|node| children(node, "miscellaneous-field"))
        .filter(|field| field.attribute("name") == Some(VERSES));
    let kept: Vec<String> = kept.filter_map(|field| field.text()).flat_map(str::lines).map(str::to_owned).collect();
    if !kept.is_empty() {
        return trimmed_lines(kept);
    }
    let creators = creators(root).into_iter().map(|creator| creator.name);
    let known: Vec<String> = creators.chain(title(root)).chain(rights(root)).collect();
    let mut lines: Vec<String> = Vec::new();
    for credit in children(root, "credit") {
        let is_named = kinds_of_credit(credit).iter().any(|kind| NAMED.contains(kind));
        let words: Vec<&str> = children(credit, "credit-words").filter_map(|words| words.text()).collect();
        let text = words.join("\n");
        let filled = text.lines().filter(|line| !line.trim().is_empty()).count();
        let is_long = filled >= VERSE_LINES || text.split_whitespace().count() >= VERSE_WORDS;
        let is_notice = text.contains('©') || text.to_lowercase().contains("copyright");
        let is_known = known.iter().any(|known| known.split_whitespace().eq(text.split_whitespace()));
        if is_long && !is_named && !is_notice && !is_known {
            lines.extend(text.lines().map(str::to_owned));
            lines.push(String::new());
        }
    }
    trimmed_lines(lines)
}

fn part_names(root: Node) -> BTreeMap<String, String> {
    let Some(list) = child(root, "part-list") else { return BTreeMap::new() };
    let name = |part: Node| {
        let name = text_of(part, "part-name").filter(|name| !name.is_empty());
        let name = name.or_else(|| text_of(part, "part-abbreviation")).filter(|name| !name.is_empty());
        let name = name.or_else(|| text_of(child(part, "score-instrument")?, "instrument-name"))?;
        let name: String = name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        Some((part.attribute("id")?.to_owned(), Some(name.trim().to_owned()).filter(|name| !name.is_empty())?))
    };
    children(list, "score-part").filter_map(name).collect()
}

/// The parts that play on the channel of drums alone, while others don't, unless their names call them something else.
fn drum_parts<'a>(root: Node<'a, '_>, names: &BTreeMap<String, String>) -> BTreeSet<&'a str> {
    let list = child(root, "part-list");
    let parts = || list.into_iter().flat_map(|list| children(list, "score-part"));
    let are_drums = |part: &Node| {
        let mut channels = children(*part, "midi-instrument").filter_map(|it| text_of(it, "midi-channel")).peekable();
        channels.peek().is_some() && channels.all(|channel| channel == "10")
    };
    if parts().all(|part| are_drums(&part)) {
        return BTreeSet::new();
    }
    let drums = parts().filter(are_drums).filter_map(|part| part.attribute("id"));
    drums.filter(|id| names.get(*id).is_none_or(|name| may_be_drums(name))).collect()
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
mod hidden;
#[cfg(test)]
mod misread;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verses;
