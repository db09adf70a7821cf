//! Many melodies on many machines: which share of them is whose, and a report of each that can be put together.

use std::fmt::{self, Display, Formatter};
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::json;

use super::batch::Row;
use super::output::in_words;
use super::targets::check_place;

/// One of so many shares of about the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The first is 1.
    number: u32,
    of: u32,
}

impl Share {
    /// Whether a melody is in it, by its path below the folder that was named: the same on every machine with this program.
    pub fn has(self, below: &Path) -> bool {
        let mut hasher = DefaultHasher::new();
        for part in below.components() {
            hasher.write(part.as_os_str().to_string_lossy().as_bytes());
            hasher.write_u8(b'/');
        }
        hasher.finish() % u64::from(self.of) == u64::from(self.number - 1)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Share { number, of }),
            _ => Err("expected a share and how many there are, such as 3/16; the first is 1".into()),
        }
    }
}

impl Display for Share {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        write!(formatter, "{}/{}", self.number, self.of)
    }
}

/// A file that gets a line of JSON for each melody as soon as it is done, behind what it has.
pub struct Report {
    path: PathBuf,
    file: Mutex<File>,
}

impl Report {
    /// # Errors
    /// Where the file cannot be written.
    pub fn open(path: &Path) -> Result<Report> {
        check_place("--report", path)?;
        let open = || -> io::Result<File> {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            if is_cut_off(path)? {
                file.write_all(b"\n")?;
            }
            Ok(file)
        };
        let file = Mutex::new(open().with_context(|| format!("--report {}", path.display()))?);
        Ok(Report { path: path.to_owned(), file })
    }

    /// `there` are the files of a melody that was done already.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add(&self, melody: &str, there: impl Fn() -> Vec<PathBuf>, result: &Result<Option<Row>>) -> Result<()> {
        let names = |files: &[PathBuf]| files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        let mut line = match result {
            Ok(Some(Row { notes, steps, marks, seconds, place, files })) => json!({
                "result": "harmonized", "notes": notes, "steps": steps, "marks": marks, "seconds": seconds, "taken": place,
                "files": names(files),
            }),
            Ok(None) => json!({ "result": "there already", "files": names(&there()) }),
            Err(error) => json!({ "result": "failed", "error": in_words(error) }),
        };
        line["melody"] = melody.into();
        // In one piece, so that the lines of several programs do not mix.
        let line = format!("{line}\n");
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        file.write_all(line.as_bytes()).with_context(|| format!("--report {}", self.path.display()))
    }
}

/// Whether the last line of a file has no end.
fn is_cut_off(path: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(path)?;
    // What is no file, such as a pipe, has nothing to read.
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_line_that_was_cut_off_a_report_begins_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.jsonl");
        let reopened = |before: &str| {
            fs::write(&path, before).unwrap();
            Report::open(&path).unwrap().add("tune.mid", Vec::new, &Ok(None)).unwrap();
            fs::read_to_string(&path).unwrap()
        };
        let line = reopened("");
        assert!(line.starts_with('{') && line.ends_with("}\n"), "{line}");
        assert_eq!(reopened(&line), line.repeat(2));
        assert_eq!(reopened("{\"resu"), format!("{{\"resu\n{line}"));
    }

    #[test]
    fn every_melody_is_in_one_share_of_all_and_the_shares_are_about_alike() {
        let names: Vec<PathBuf> = (0..2000).map(|number| format!("book/tune{number}.mid").into()).collect();
        let counts: Vec<usize> =
            (1..=16).map(|number| names.iter().filter(|name| Share { number, of: 16 }.has(name)).count()).collect();
        assert_eq!(counts.iter().sum::<usize>(), 2000);
        assert!(counts.iter().all(|count| (80..=170).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_share_is_a_number_from_one_to_how_many_there_are() {
        assert_eq!("3/16".parse(), Ok(Share { number: 3, of: 16 }));
        for wrong in ["0/4", "5/4", "1/0", "3", "a/b", "-1/4", "1/4/2", ""] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }
}
