//! Zip archives as far as compressed scores need them: members stored or deflated, none encrypted, in one file below 4 GiB
//! (PKWARE's APPNOTE 6.3, sections 4.3 and 4.4). What is declared is believed nowhere: lengths are checked against what is
//! there.

use std::io::{Read, Write as _};

use flate2::{Compression, Crc};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_LENGTH: usize = 22;
/// A comment may follow the end.
const LONGEST_COMMENT: usize = 0xffff;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// 2.0, which inflates.
const VERSION: u16 = 20;
/// Names are in UTF-8.
const UTF8: u16 = 1 << 11;
/// 1 January 1980. Today's date would make the same score other bytes each time.
const DATE: u16 = 1 << 5 | 1;

/// The members of an archive, in the order of its table of contents.
pub struct Archive<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
}

struct Member {
    name: String,
    is_encrypted: bool,
    method: u16,
    crc: u32,
    packed: usize,
    /// Where its local header begins.
    start: usize,
}

impl<'a> Archive<'a> {
    /// # Errors
    /// Where there is no whole table of contents.
    pub fn open(bytes: &'a [u8]) -> Result<Archive<'a>, &'static str> {
        const CUT_OFF: &str = "no zip archive, or cut off: its table of contents is missing";
        let last = bytes.len().checked_sub(END_LENGTH).ok_or(CUT_OFF)?;
        let first = last.saturating_sub(LONGEST_COMMENT);
        let end = (first..=last).rev().find(|&at| u32_at(bytes, at) == Some(END)).ok_or(CUT_OFF)?;
        let (count, length) =
            (u16_at(bytes, end + 10).ok_or(CUT_OFF)?, u32_at(bytes, end + 12).ok_or(CUT_OFF)? as usize);
        let contents = u32_at(bytes, end + 16).ok_or(CUT_OFF)? as usize;
        // Something may stand before an archive; places count from its beginning.
        let before = end.checked_sub(length).and_then(|begins| begins.checked_sub(contents)).ok_or(CUT_OFF)?;
        let mut at = before + contents;
        let mut members = Vec::new();
        for _ in 0..count {
            let (member, next) = Member::read(&bytes[..end], at, before).ok_or("its table of contents is damaged")?;
            members.push(member);
            at = next;
        }
        Ok(Archive { bytes, members })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The content of a member, which is no longer than `most`; else `None`.
    ///
    /// # Errors
    /// Where there is no such member, or it is damaged or in a form that isn't known here.
    pub fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, &'static str> {
        let member = self.members.iter().find(|member| member.name == name).ok_or("it is not in the archive")?;
        if member.is_encrypted {
            return Err("it is encrypted");
        }
        const DAMAGED: &str = "it is damaged or cut off";
        let (name, extra) = (u16_at(self.bytes, member.start + 26), u16_at(self.bytes, member.start + 28));
        let (Some(LOCAL), Some(name), Some(extra)) = (u32_at(self.bytes, member.start), name, extra) else {
            return Err(DAMAGED);
        };
        let start = member.start + 30 + usize::from(name) + usize::from(extra);
        let packed = self.bytes.get(start..).and_then(|rest| rest.get(..member.packed)).ok_or(DAMAGED)?;
        let mut content = Vec::new();
        let unpacked = match member.method {
            STORED => packed.take(most + 1).read_to_end(&mut content),
            DEFLATED => flate2::read::DeflateDecoder::new(packed).take(most + 1).read_to_end(&mut content),
            _ => return Err("it is packed in a way that is not known here"),
        };
        unpacked.map_err(|_| DAMAGED)?;
        if content.len() as u64 > most {
            return Ok(None);
        }
        if crc(&content) != member.crc { Err(DAMAGED) } else { Ok(Some(content)) }
    }
}

impl Member {
    /// The member whose entry begins at that place, and where the next entry does.
    fn read(bytes: &[u8], at: usize, before: usize) -> Option<(Member, usize)> {
        const LENGTH: usize = 46;
        let entry = bytes.get(at..)?;
        let short = |place: usize| u16_at(entry, place);
        let long = |place: usize| u32_at(entry, place);
        if long(0)? != CENTRAL {
            return None;
        }
        let [name, extra, comment] = [short(28)?, short(30)?, short(32)?].map(usize::from);
        let member = Member {
            name: String::from_utf8_lossy(entry.get(LENGTH..LENGTH + name)?).into_owned(),
            is_encrypted: short(8)? & 1 == 1,
            method: short(10)?,
            crc: long(16)?,
            packed: long(20)? as usize,
            start: before.checked_add(long(42)? as usize)?,
        };
        Some((member, at + LENGTH + name + extra + comment))
    }
}

/// An archive of these members, deflated: the same bytes for the same content.
///
/// # Panics
/// Where they don't fit into one of 4 GiB.
pub fn write(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut contents) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let start = length(archive.len());
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
        let packed = deflated.write_all(content).and_then(|()| deflated.finish()).expect("memory takes all bytes");
        let mut common = Vec::new();
        for short in [VERSION, UTF8, DEFLATED, 0, DATE] {
            common.extend(short.to_le_bytes());
        }
        for long in [crc(content), length(packed.len()), length(content.len()), length(name.len())] {
            common.extend(long.to_le_bytes()); // the name's length and, in its upper half, that of nothing
        }
        archive.extend(LOCAL.to_le_bytes());
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(packed);
        contents.extend(CENTRAL.to_le_bytes());
        contents.extend(VERSION.to_le_bytes());
        contents.extend(common);
        contents.extend([0; 10]);
        contents.extend(start.to_le_bytes());
        contents.extend(name.as_bytes());
    }
    let (begins, count) = (length(archive.len()), members.len() as u16);
    archive.extend(&contents);
    archive.extend(END.to_le_bytes());
    archive.extend([0; 4]);
    archive.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend(length(contents.len()).to_le_bytes());
    archive.extend(begins.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a score of less than 4 GiB")
}

fn crc(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn by_another_program(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            archive.start_file(*name, options).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn what_others_write_is_read_and_others_read_what_is_written() {
        let long = b"abc".repeat(9000);
        let members: [(&str, &[u8]); 3] = [("META-INF/a.xml", b"one"), ("b/\u{e4}.xml", &long), ("empty", b"")];
        let archives = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated]
            .map(|method| by_another_program(&members, method));
        let prefixed = [&b"#!/bin/sh\n"[..], &archives[1]].concat();
        for bytes in archives.iter().chain([&write(&members), &prefixed]) {
            let archive = Archive::open(bytes).unwrap();
            assert_eq!(archive.names().collect::<Vec<_>>(), members.map(|(name, _)| name));
            for (name, content) in members {
                assert_eq!(archive.read(name, 1 << 20), Ok(Some(content.to_vec())), "{name}");
            }
            assert_eq!(archive.read("b/\u{e4}.xml", 26_999), Ok(None), "longer than is wanted");
        }
        let written = write(&members);
        let mut other = zip::ZipArchive::new(Cursor::new(&written)).unwrap();
        for (name, content) in members {
            let mut read = Vec::new();
            other.by_name(name).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, content, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_archive_is_refused_or_gives_what_was_packed_and_never_panics(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let content = b"some words that are some words".repeat(20);
            let mut bytes = write(&[("a", &content[..]), ("b", b"2")]);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(bytes.len() - cut.index(3));
            if let Ok(archive) = Archive::open(&bytes) {
                for name in archive.names() {
                    if let Ok(Some(read)) = archive.read(name, 1 << 16) {
                        prop_assert!(read == content || read == b"2" || read.is_empty());
                    }
                }
            }
        }
    }
}
