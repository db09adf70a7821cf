//! From the bytes of a file to the text of its score, and back: zip archives (.mxl), and the encodings of plain files.

use std::io::{Cursor, Read, Write as _};

use roxmltree::Document;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::reader::{ReadError, shorten};
use crate::text::decode;

/// A symphony is smaller; more comes from an archive made to fill memory.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// The text of a score, compressed or plain.
pub(super) fn text_of_score(bytes: &[u8]) -> Result<String, ReadError> {
    if bytes.starts_with(b"PK") { decode_document(&unpack(bytes)?) } else { decode_document(bytes) }
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

/// The score of a compressed file, which its table of contents names.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let archive_error = |error: &dyn std::fmt::Display| ReadError::Archive(shorten(&error.to_string()));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| archive_error(&error))?;
    let mut member = |name: &str| -> Result<Vec<u8>, ReadError> {
        let file = archive.by_name(name).map_err(|error| ReadError::Archive(format!("{name}: {error}")))?;
        let mut content = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|error| archive_error(&error))?;
        if content.len() as u64 > MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(content) }
    };
    let container = decode_document(&member("META-INF/container.xml")?)?;
    let document = Document::parse(&container).map_err(|error| archive_error(&error))?;
    let path = document
        .descendants()
        .find(|node| node.tag_name().name() == "rootfile")
        .and_then(|node| node.attribute("full-path"))
        .ok_or_else(|| ReadError::Archive("its table of contents names no score".into()))?;
    member(path)
}

/// UTF-16 by its byte order mark, else UTF-8, else Latin-1.
fn decode_document(bytes: &[u8]) -> Result<String, ReadError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
    };
    Ok(match bytes {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        _ => decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    })
}
