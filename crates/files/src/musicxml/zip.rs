//! Zip archives as far as compressed scores need them: members stored or deflated, none encrypted. rawzip finds them, flate2
//! unpacks them; no length that is declared is believed.

use std::io::{Read, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipArchiveWriter, ZipSliceArchive};

/// The members of an archive, in the order of its table of contents.
pub struct Archive<'a> {
    bytes: ZipSliceArchive<&'a [u8]>,
    members: Vec<Member>,
}

struct Member {
    name: String,
    is_encrypted: bool,
    method: CompressionMethod,
    place: ZipArchiveEntryWayfinder,
}

impl<'a> Archive<'a> {
    /// # Errors
    /// Where there is no whole table of contents.
    pub fn open(bytes: &'a [u8]) -> Result<Archive<'a>, &'static str> {
        const DAMAGED: &str = "its table of contents is damaged";
        let bytes = ZipArchive::from_slice(bytes)
            .map_err(|_| "no zip archive, or cut off: its table of contents is missing")?;
        let (mut entries, mut members) = (bytes.entries(), Vec::new());
        while let Some(entry) = entries.next_entry().map_err(|_| DAMAGED)? {
            members.push(Member {
                // Programs of Windows write paths as Windows does.
                name: String::from_utf8_lossy(entry.file_path().as_ref()).replace('\\', "/"),
                is_encrypted: entry.flags().is_encrypted(),
                method: entry.compression_method(),
                place: entry.wayfinder(),
            });
        }
        if members.len() as u64 == bytes.entries_hint() { Ok(Archive { bytes, members }) } else { Err(DAMAGED) }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The content of a member, which is no longer than `most`; else `None`.
    ///
    /// # Errors
    /// Where there is no such member, or it is damaged or in a form that isn't known here.
    pub fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, &'static str> {
        const DAMAGED: &str = "it is damaged or cut off";
        let member = self.members.iter().find(|member| member.name == name).ok_or("it is not in the archive")?;
        if member.is_encrypted {
            return Err("it is encrypted");
        }
        let entry = self.bytes.get_entry(member.place).map_err(|_| DAMAGED)?;
        let packed = entry.data();
        let mut content = Vec::new();
        let unpacked = match member.method {
            CompressionMethod::STORE => entry.verifying_reader(packed).take(most + 1).read_to_end(&mut content),
            CompressionMethod::DEFLATE => {
                entry.verifying_reader(DeflateDecoder::new(packed)).take(most + 1).read_to_end(&mut content)
            }
            _ => return Err("it is packed in a way that is not known here"),
        };
        unpacked.map_err(|_| DAMAGED)?;
        Ok((content.len() as u64 <= most).then_some(content))
    }
}

/// An archive of these members, deflated: the same bytes for the same content, as no date is written.
///
/// # Panics
/// Where a name is too long for an archive.
pub fn write(members: &[(&str, &[u8])]) -> Vec<u8> {
    let written = || -> Result<Vec<u8>, rawzip::Error> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, content) in members {
            let (mut entry, config) = archive.new_file(name).compression_method(CompressionMethod::DEFLATE).start()?;
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            writer.write_all(content)?;
            let (encoder, descriptor) = writer.finish()?;
            encoder.finish()?;
            entry.finish(descriptor)?;
        }
        archive.finish()
    };
    written().expect("memory takes all bytes")
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
