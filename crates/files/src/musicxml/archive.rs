//! From the bytes of a file to the text of its score, and back: zip archives (.mxl), and the encodings of plain files.

use std::io::{Cursor, Read, Write as _};

use roxmltree::Document;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::reader::{ReadError, shorten};
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
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // The date of the archive's members would make the same score other bytes each time.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    let mut add = |name: &str, content: &str| -> zip::result::ZipResult<()> {
        archive.start_file(name, options)?;
        archive.write_all(content.as_bytes())?;
        Ok(())
    };
    let added = add("META-INF/container.xml", CONTAINER).and_then(|()| add("score.musicxml", musicxml));
    added.and_then(|()| archive.finish()).expect("an archive in memory takes two files").into_inner()
}

/// The score of a compressed file: the one that its table of contents names, else the only one in it.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| ReadError::Archive(shorten(&error.to_string())))?;
    let named = member(&mut archive, "META-INF/container.xml").and_then(|container| score_named_in(&container));
    let is_there = |name: &String| archive.index_for_name(name).is_some();
    if let Some(name) = named.as_ref().ok().filter(|name| is_there(name)) {
        return member(&mut archive, name);
    }
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let foreign = foreign::by_members(names.iter().map(String::as_str));
    let scores: Vec<&String> = names.iter().filter(|name| is_score(name)).collect();
    match (&scores[..], foreign, named) {
        ([score], ..) => member(&mut archive, score),
        ([], Some(foreign), _) => Err(ReadError::Foreign(foreign)),
        ([], None, Ok(name)) => member(&mut archive, &name),
        ([], None, Err(error)) => Err(error),
        _ => {
            let names: Vec<&str> = scores.iter().map(|name| name.as_str()).collect();
            Err(ReadError::SeveralScores(shorten(&names.join(", "))))
        }
    }
}

/// Whether a member of an archive looks like a score by its name.
fn is_score(name: &str) -> bool {
    let lower = name.to_lowercase();
    let is_hidden = lower.starts_with("meta-inf/") || name.rsplit('/').next().is_some_and(|file| file.starts_with('.'));
    !is_hidden && [".xml", ".musicxml"].iter().any(|ending| lower.ends_with(ending))
}

fn member(archive: &mut zip::ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>, ReadError> {
    let file = archive.by_name(name).map_err(|error| ReadError::Archive(shorten(&format!("{name}: {error}"))))?;
    let mut content = Vec::new();
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut content);
    read.map_err(|error| ReadError::Archive(shorten(&error.to_string())))?;
    if content.len() as u64 > MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(content) }
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
