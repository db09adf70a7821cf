//! A file of music, read: where everything begins.

use std::path::Path;

use files::Source;

use crate::ArrangeError;

/// What a file holds, before a melody is chosen.
#[derive(Clone, Debug)]
pub struct Tune {
    /// What messages call it: usually the path.
    pub name: String,
    pub source: Source,
}

/// Reads a MIDI, MusicXML or ABC file.
///
/// # Errors
/// Where it cannot be read, is none of these, or is damaged.
pub fn open(path: impl AsRef<Path>) -> Result<Tune, ArrangeError> {
    let path = path.as_ref();
    Tune::read(&path.display().to_string(), &files::load(path).map_err(ArrangeError::Load)?)
}

impl Tune {
    /// What is called so where a file has a name.
    pub const STDIN: &str = "stdin";

    /// Reads the bytes of a MIDI, MusicXML or ABC file.
    ///
    /// # Errors
    /// Where they are none of these, or damaged.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Tune, ArrangeError> {
        Tune::read_one(name, bytes, None)
    }

    /// The same; of an ABC file of several tunes the one of this number or title.
    ///
    /// # Errors
    /// As above; where there is no such tune.
    pub fn read_one(name: &str, bytes: &[u8], tune: Option<&str>) -> Result<Tune, ArrangeError> {
        let source = files::read_named(name, bytes, tune).map_err(|error| ArrangeError::in_file(name, error))?;
        Ok(Tune { name: name.to_owned(), source })
    }

    /// What had to be interpreted in the file, in sentences for the user that begin with its name.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        self.source.remarks.iter().map(|remark| format!("{}: {remark}", self.name))
    }
}
