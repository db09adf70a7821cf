//! From the bytes of a file to the text of its score, and back: zip archives (.mxl), and the encodings of plain files.

use roxmltree::Document;

use super::reader::{ReadError, shorten};
use super::zip::{self, Archive};
use crate::foreign;
use crate::text::decode;

/// A symphony is smaller; more comes from an archive made to fill memory.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// The text of a score, compressed or plain.
pub(super) fn text_of_score(bytes: &[u8]) -> Result<String, ReadError> {
    let text = if bytes.starts_with(b"PK") { decode_document(&unpack(bytes)?) } else { decode_document(bytes) }?;
    Ok(without_faults(text))
}

/// Without what keeps documents from being XML that nobody meant anything by: space before the declaration, zeros at the
/// end, control characters.
fn without_faults(mut text: String) -> String {
    if !text.starts_with('<') || text.chars().any(is_fault) {
        text.retain(|letter| !is_fault(letter));
        text = text.trim_start().to_owned();
    }
    text
}

fn is_fault(letter: char) -> bool {
    letter == '\u{feff}' || letter < ' ' && !letter.is_ascii_whitespace()
}

/// A score in a compressed file (.mxl): a zip archive with a table of contents.
pub fn compress(musicxml: &str) -> Vec<u8> {
    const CONTAINER: &str = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<container>\n  <rootfiles>\n    <rootfile full-path=\"score.musicxml\" ",
        "media-type=\"application/vnd.recordare.musicxml+xml\"/>\n  </rootfiles>\n</container>\n"
    );
    zip::write(&[("META-INF/container.xml", CONTAINER.as_bytes()), ("score.musicxml", musicxml.as_bytes())])
}

/// The score of a compressed file: the one that its table of contents names, else the only one in it.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let archive = Archive::open(bytes).map_err(|error| ReadError::Archive(error.to_owned()))?;
    let named = member(&archive, "META-INF/container.xml").and_then(|container| score_named_in(&container));
    let is_there = |name: &String| archive.names().any(|member| member == name);
    if let Some(name) = named.as_ref().ok().filter(|name| is_there(name)) {
        return member(&archive, name);
    }
    let foreign = foreign::by_members(archive.names());
    let scores: Vec<&str> = archive.names().filter(|name| is_score(name)).collect();
    match (&scores[..], foreign, named) {
        ([score], ..) => member(&archive, score),
        ([], Some(foreign), _) => Err(ReadError::Foreign(foreign)),
        ([], None, Ok(name)) => member(&archive, &name),
        ([], None, Err(error)) => Err(error),
        _ => Err(ReadError::SeveralScores(shorten(&scores.join(", ")))),
    }
}

/// Whether a member of an archive looks like a score by its name.
fn is_score(name: &str) -> bool {
    let lower = name.to_lowercase();
    let is_hidden = lower.starts_with("meta-inf/") || name.rsplit('/').next().is_some_and(|file| file.starts_with('.'));
    !is_hidden && [".xml", ".musicxml"].iter().any(|ending| lower.ends_with(ending))
}

fn member(archive: &Archive, name: &str) -> Result<Vec<u8>, ReadError> {
    let content = archive.read(name, MAX_BYTES);
    let content = content.map_err(|error| ReadError::Archive(shorten(&format!("{name}: {error}"))))?;
    content.ok_or(ReadError::TooLarge)
}

/// The score that a table of contents names.
fn score_named_in(container: &[u8]) -> Result<String, ReadError> {
    let container = decode_document(container)?;
    let document = Document::parse(&container).map_err(|error| ReadError::Archive(shorten(&error.to_string())))?;
    let root_file = document.descendants().find(|node| node.tag_name().name() == "rootfile");
    let path = root_file.and_then(|node| node.attribute("full-path")).map(str::to_owned);
    path.ok_or_else(|| ReadError::Archive("its table of contents names no score".into()))
}

/// The order of the bytes in text of two bytes a letter.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// Whether bytes are text of two bytes a letter.
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    utf16(bytes).is_some()
}

/// Where text of two bytes a letter begins: by its mark, or by the zero beside the first letter of a document.
fn utf16(bytes: &[u8]) -> Option<(usize, Order)> {
    let begins = |letter: u8| letter == b'<' || letter.is_ascii_whitespace();
    match bytes {
        [0xff, 0xfe, ..] => Some((2, Order::Little)),
        [0xfe, 0xff, ..] => Some((2, Order::Big)),
        [letter, 0, _, 0, ..] if begins(*letter) => Some((0, Order::Little)),
        [0, letter, 0, _, ..] if begins(*letter) => Some((0, Order::Big)),
        _ => None,
    }
}

/// UTF-16, else UTF-8, else Latin-1.
fn decode_document(bytes: &[u8]) -> Result<String, ReadError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    Ok(match utf16(bytes) {
        Some((start, order)) => {
            let unit = |pair: &[u8]| match order {
                Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
                Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
            };
            let units = bytes[start..].chunks_exact(2).map(unit);
            char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect()
        }
        None => decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    })
}
