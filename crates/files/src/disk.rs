//! Files on disk, read within bounds and written whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// No music comes near this; more comes from a device, or fills memory.
const LARGEST_FILE: u64 = 64 << 20;

/// The bytes of a file of at most 64 MiB.
///
/// # Errors
/// With the path, when it cannot be read or is larger.
pub fn load(path: &Path) -> io::Result<Vec<u8>> {
    let cannot = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()));
    if path.is_dir() {
        return Err(cannot(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file in it")));
    }
    File::open(path).and_then(read_all).map_err(cannot)
}

/// Everything that can be read, at most 64 MiB.
///
/// # Errors
/// When reading fails, or there is more.
pub fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
    }
    Ok(bytes)
}

/// The name of a file that is being written begins and ends so.
const UNFINISHED: (&str, &str) = (".part-", ".tmp");

/// Whether a file was being written by [`write_whole`] when that was cut off.
#[must_use]
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1)
}

/// Writes beside the file, then renames: at any moment the old file is there or the new one, whole.
///
/// # Errors
/// With the path, when the folder cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED.0).suffix(UNFINISHED.1);
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
        // Without the name of the temporary file, which would help nobody.
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
    fn what_never_ends_is_read_no_further_than_music_goes() {
        assert_eq!(read_all(&b"MThd"[..]).unwrap(), b"MThd");
        let error = read_all(io::repeat(0)).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 64 MiB");
    }

    #[test]
    fn a_folder_is_no_file_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let said = load(folder.path()).unwrap_err().to_string();
        assert!(said.starts_with("cannot read") && said.ends_with("it is a folder; name a file in it"), "{said}");
    }

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
