//! The chorales on disk: read from the archive or the unpacked folder, checked, and split as they come.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Component, Path};

use anyhow::{Context, Result, anyhow, bail, ensure};
use chorale::{Chorale, Phase};

/// No CSV of a chorale comes near this; a larger one is no chorale.
const LARGEST_CSV: u64 = 4 << 20;
const MOST_CHORALES: usize = 100_000;

pub struct Piece {
    /// The file's name without its ending, for example `chorale_305`.
    pub name: String,
    pub chorale: Chorale,
}

#[derive(Default)]
pub struct Dataset {
    pub train: Vec<Piece>,
    pub valid: Vec<Piece>,
    pub test: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    Train,
    Valid,
    Test,
}

impl Split {
    pub const ALL: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

    pub fn name(self) -> &'static str {
        ["train", "valid", "test"][self as usize]
    }
}

impl Dataset {
    /// The .tgz archive, or the folder that it unpacks to.
    ///
    /// # Errors
    /// Names the file (and for a malformed CSV the line and the value) that cannot be used.
    pub fn open(path: &Path) -> Result<Dataset> {
        if path.is_dir() {
            return Dataset::from_folder(path);
        }
        let bytes = fs::read(path).with_context(|| {
            format!("cannot read the data set '{}' (expected its .tgz archive or the unpacked folder)", path.display())
        })?;
        Dataset::from_archive(&bytes).with_context(|| format!("the archive '{}'", path.display()))
    }

    pub fn split(&self, split: Split) -> &[Piece] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    /// A folder that holds `train`, `valid` and `test`, or whose only folder does, each with CSV files.
    ///
    /// # Errors
    /// Names the folder or file that cannot be used.
    pub fn from_folder(folder: &Path) -> Result<Dataset> {
        let mut root = folder.to_path_buf();
        if !root.join("train").is_dir() && root.join("jsb_chorales/train").is_dir() {
            root.push("jsb_chorales");
        }
        let mut dataset = Dataset::default();
        for split in Split::ALL {
            let folder = root.join(split.name());
            let entries = fs::read_dir(&folder).with_context(|| {
                format!(
                    "cannot list '{}' (expected the folders train, valid and test with CSV files)",
                    folder.display()
                )
            })?;
            for entry in entries {
                let path = entry.with_context(|| format!("cannot list '{}'", folder.display()))?.path();
                if path.extension().is_some_and(|extension| extension == "csv") {
                    let file = File::open(&path).with_context(|| format!("cannot open '{}'", path.display()))?;
                    dataset.add(split, &path, file)?;
                }
            }
        }
        dataset.checked()
    }

    /// A gzipped tar archive with the same folders.
    ///
    /// # Errors
    /// A truncated or damaged archive, a path that leads out of it, a malformed CSV.
    pub fn from_archive(bytes: &[u8]) -> Result<Dataset> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(Cursor::new(bytes)));
        let mut dataset = Dataset::default();
        for (index, entry) in archive.entries().context("not a gzipped tar archive")?.enumerate() {
            let entry = entry.with_context(|| format!("entry {} is damaged or cut off", index + 1))?;
            let path = entry.path().with_context(|| format!("entry {} has no readable path", index + 1))?.into_owned();
            ensure!(
                path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)),
                "the path '{}' leads out of the archive",
                path.display()
            );
            if !entry.header().entry_type().is_file() || path.extension().is_none_or(|extension| extension != "csv") {
                continue;
            }
            let split = path
                .parent()
                .and_then(Path::file_name)
                .and_then(|folder| Split::ALL.into_iter().find(|split| folder == split.name()))
                .ok_or_else(|| anyhow!("'{}' lies in none of the folders train, valid and test", path.display()))?;
            dataset.add(split, &path, entry)?;
        }
        dataset.checked()
    }

    fn add(&mut self, split: Split, path: &Path, reader: impl Read) -> Result<()> {
        let mut text = String::new();
        let length = reader
            .take(LARGEST_CSV + 1)
            .read_to_string(&mut text)
            .with_context(|| format!("cannot read '{}' (cut off, or not text)", path.display()))?;
        ensure!(length as u64 <= LARGEST_CSV, "'{}' is larger than {LARGEST_CSV} bytes: no chorale", path.display());
        let chorale = Chorale::from_csv(&text).with_context(|| format!("'{}'", path.display()))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let pieces = match split {
            Split::Train => &mut self.train,
            Split::Valid => &mut self.valid,
            Split::Test => &mut self.test,
        };
        ensure!(pieces.len() < MOST_CHORALES, "more than {MOST_CHORALES} chorales");
        pieces.push(Piece { name, chorale });
        Ok(())
    }

    fn checked(mut self) -> Result<Dataset> {
        for split in Split::ALL {
            if self.split(split).is_empty() {
                bail!("no chorale found for the split '{}'", split.name());
            }
        }
        for pieces in [&mut self.train, &mut self.valid, &mut self.test] {
            pieces.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(self)
    }
}

/// The phase of every step. The data do not say where bars begin; `in_bar` guesses it, else only the place in the
/// beat is told.
///
/// Nearly all chorales are in 4/4 and hold whole bars with or without a quarter's pickup; in the training split 83 %
/// of the notes of a half or longer then begin on the first or third beat. Pieces of other lengths stay unknown.
pub fn phases(chorale: &Chorale, in_bar: bool) -> Vec<Phase> {
    let steps = chorale.chords.len();
    let pickup = match steps % Phase::STEPS_PER_BAR {
        0 => Some(0),
        Phase::STEPS_PER_BEAT => Some(Phase::STEPS_PER_BEAT),
        _ => None,
    };
    (0..steps)
        .map(|step| match pickup.filter(|_| in_bar) {
            Some(pickup) => Phase::in_bar(step + Phase::STEPS_PER_BAR - pickup),
            None => Phase::in_beat(step),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    const CSV: &str = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,48\n";

    /// A gzipped tar of the files, their paths written as they are.
    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(text.len() as u64);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn error(bytes: &[u8]) -> String {
        format!("{:#}", Dataset::from_archive(bytes).err().expect("an error"))
    }

    #[test]
    fn an_archive_and_its_unpacked_folder_hold_the_same_pieces() {
        let files =
            [("jsb/train/b.csv", CSV), ("jsb/train/a.csv", CSV), ("jsb/valid/c.csv", CSV), ("jsb/test/d.csv", CSV)];
        let dataset = Dataset::from_archive(&archive(&files)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let unpacked = Dataset::from_folder(&folder.path().join("jsb")).unwrap();
        for split in Split::ALL {
            let names = |dataset: &Dataset| dataset.split(split).iter().map(|p| p.name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&dataset), names(&unpacked));
        }
        assert_eq!(dataset.train[0].name, "a");
        assert_eq!(dataset.train[0].chorale, Chorale::from_csv(CSV).unwrap());
    }

    #[test]
    fn a_malformed_row_is_named_by_file_line_and_value() {
        let bad = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,99\n";
        let message = error(&archive(&[("jsb/train/chorale_007.csv", bad)]));
        for part in ["chorale_007.csv", "line 3", "99"] {
            assert!(message.contains(part), "{message:?} should name {part}");
        }
    }

    #[test]
    fn a_path_out_of_the_archive_is_refused() {
        for path in ["../train/a.csv", "/train/a.csv", "train/../../a.csv"] {
            assert!(error(&archive(&[(path, CSV)])).contains("leads out of the archive"), "{path}");
        }
    }

    #[test]
    fn a_truncated_archive_and_one_that_is_none_are_refused() {
        let mut rng = rand_chacha::ChaCha8Rng::from_seed([1; 32]);
        use rand::{RngExt, SeedableRng};
        let long: String = std::iter::once("note0,note1,note2,note3\n".to_string())
            .chain((0..20_000).map(|_| format!("{},67,64,48\n", rng.random_range(60..=81))))
            .collect();
        let whole = archive(&[("train/a.csv", &long), ("valid/a.csv", CSV), ("test/a.csv", CSV)]);
        assert!(Dataset::from_archive(&whole).is_ok());
        assert!(error(&whole[..whole.len() / 2]).contains("cut off"));
        assert!(!error(b"hello").is_empty());
        assert!(error(&archive(&[("train/a.csv", CSV)])).contains("valid"), "a missing split is named");
    }
}
