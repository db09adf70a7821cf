//! Music from files, for all who need it: [`read`] takes MIDI and MusicXML alike, [`melody`] finds the melody or the
//! four parts in them, [`grid`] lays them on sixteenths, [`chords`] makes them what the networks hear.

#![forbid(unsafe_code)]

#[cfg(any(test, feature = "test-support"))]
mod any_score;
mod chords;
mod ensemble;
mod grid;
pub mod melody;
pub mod musicxml;
pub mod notation;
pub mod parts;
mod score;
pub mod smf;
mod source;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use thiserror::Error;

#[cfg(any(test, feature = "test-support"))]
pub use any_score::any_score;
pub use chords::{OutOfVocabulary, chords_of};
pub use ensemble::{Ensemble, EnsembleError, Scoring};
pub use grid::{Bar, Grid};
pub use score::{
    Creator, DEFAULT_TEMPO, Direction, Lyric, Metre, Note, Score, TempoMap, Tick, signature, sung_at, transpose_keys,
};
pub use source::{Kind, Source, Track};

/// The endings of the files that [`read`] understands.
pub const ENDINGS: [&str; 5] = ["mid", "midi", "musicxml", "xml", "mxl"];

/// Whether a file has one of the [`ENDINGS`].
pub fn is_music(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// Why bytes are no music that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error(transparent)]
    Midi(#[from] smf::ReadError),
    #[error(transparent)]
    MusicXml(#[from] musicxml::ReadError),
}

/// Reads MIDI or MusicXML, by what the bytes are.
///
/// # Errors
/// Where the file is neither, or damaged; never a panic, whatever the bytes.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_xml = start.trim_ascii_start().starts_with(b"<")
        || [b"PK".as_slice(), b"\xff\xfe", b"\xfe\xff"].iter().any(|magic| bytes.starts_with(magic));
    Ok(if is_xml { musicxml::read(bytes)? } else { smf::read(bytes)? })
}

/// No music comes near this; more comes from a device, or fills memory.
const LARGEST_FILE: u64 = 64 << 20;

/// The bytes of a file of at most 64 MiB.
///
/// # Errors
/// With the path, when it cannot be read or is larger.
pub fn load(path: &Path) -> io::Result<Vec<u8>> {
    let cannot = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(cannot(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB")));
    }
    Ok(bytes)
}

/// Writes beside the file, then renames: whoever looks sees the old file or the new one, whole.
///
/// # Errors
/// With the path, when the folder cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".part-").suffix(".tmp");
        // Temporary files are private by default; this one becomes the user's, under their umask.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| {
        // Without the name of the passing file, which tells nobody anything.
        let reason = match folder.is_dir() {
            true => io::Error::from(error.kind()).to_string(),
            false => format!("there is no folder {}", folder.display()),
        };
        io::Error::new(error.kind(), format!("cannot write {}: {reason}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.txt");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let nowhere = folder.path().join("nowhere/file.txt");
        let error = write_whole(&nowhere, b"").unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("nowhere/file.txt"), "{error}");
    }
}
