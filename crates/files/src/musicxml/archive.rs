//! From the bytes of a file to the text of its score, and back: zip archives (.mxl), and the encodings of plain files.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use roxmltree::{Document, Node};

use super::reader::{ReadError, shorten};
use super::zip::{self, Archive};
use crate::foreign;
use crate::text::{decode_as, utf16};

/// A symphony is smaller; more comes from an archive made to fill memory.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// The table of contents of a compressed score.
const CONTAINER: &str = "META-INF/container.xml";

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
    const CONTENTS: &str = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<container>\n  <rootfiles>\n    <rootfile full-path=\"score.musicxml\" ",
        "media-type=\"application/vnd.recordare.musicxml+xml\"/>\n  </rootfiles>\n</container>\n"
    );
    zip::write(&[(CONTAINER, CONTENTS.as_bytes()), ("score.musicxml", musicxml.as_bytes())])
}

/// The score of a compressed file: the one that its table of contents names, else the only one in it.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let archive = Archive::open(bytes).map_err(|error| ReadError::Archive(error.to_owned()))?;
    let named = member(&archive, CONTAINER).and_then(|container| score_named_in(&container));
    let named = named.map(|name| name.replace('\\', "/"));
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
        ([], None, Err(error)) => match archive.names().any(|member| member == CONTAINER) {
            true => Err(error),
            false => Err(ReadError::NoScore(shorten(&archive.names().collect::<Vec<_>>().join(", ")))),
        },
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

/// The score that a table of contents names: the first file in it that is none of another kind, as pages and sounds are.
fn score_named_in(container: &[u8]) -> Result<String, ReadError> {
    let container = decode_document(container)?;
    let document = Document::parse(&container).map_err(|error| ReadError::Archive(shorten(&error.to_string())))?;
    let is_score = |node: &Node| node.attribute("media-type").is_none_or(|kind| kind.ends_with("xml"));
    let mut root_files = document.descendants().filter(|node| node.tag_name().name() == "rootfile");
    let root_file = root_files.find(is_score);
    let path = root_file.and_then(|node| node.attribute("full-path")).map(str::to_owned);
    path.ok_or_else(|| ReadError::Archive("its table of contents names no score".into()))
}

/// UTF-16, UTF-8, what the document says, or Latin-1.
fn decode_document(bytes: &[u8]) -> Result<String, ReadError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    if let Some(text) = utf16(bytes) {
        return Ok(text);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(decode_as(declared_encoding(bytes).unwrap_or(WINDOWS_1252), bytes))
}

/// As in `<?xml version="1.0" encoding="windows-1251"?>`; what the document is not is not believed.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let (_, told) = head.split_once("?>")?.0.split_once("encoding")?;
    let label = told.trim_start().strip_prefix('=')?.trim_start();
    let label = label.split(['"', '\'']).nth(1)?;
    Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != UTF_8 && encoding.is_ascii_compatible())
}
