//! Pieces in four parts to learn from and to measure by. The chorales come from their archive or the unpacked folder,
//! split as they are; other folders of MIDI and MusicXML files are split by a seed.
//!
//! What archives unpack to is bounded, stays in memory and may not lead out of the archive; nothing here uses the network or
//! prints.
//!
//! ```
//! use std::fs;
//!
//! use corpus::{Dataset, SPLIT_SEED, Split};
//!
//! let folder = tempfile::tempdir()?;
//! for split in Split::ALL {
//!     let folder = folder.path().join(split.name());
//!     fs::create_dir(&folder)?;
//!     fs::write(folder.join("piece.csv"), "note0,note1,note2,note3\n72,67,64,48\n72,67,64,48\n")?;
//! }
//! let dataset = Dataset::open(folder.path(), SPLIT_SEED)?;
//! assert_eq!(dataset.split(Split::Test)[0].name, "piece");
//! assert_eq!(dataset.split(Split::Test)[0].chorale.chords.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use chorale::{Chorale, Chord, Phase};
use files::melody::{self, MAX_STEPS};
use files::{Grid, Score, chords_of};

/// No CSV of a chorale comes near this size.
const LARGEST_CSV: u64 = 4 << 20;
const MOST_CHORALES: usize = 100_000;
/// A hundred times what the chorales unpack to. More comes from an archive made to fill memory.
const LARGEST_ARCHIVE: u64 = 256 << 20;

/// The seed by which folders are split where no other is chosen.
pub const SPLIT_SEED: u64 = 1;

/// The share of a folder's pieces that goes to each of validation and test.
const HELD_OUT: f64 = 0.1;

pub struct CorpusPiece {
    /// The file's name without its ending, for example `chorale_305`; of a folder without splits, its path in there.
    pub name: String,
    pub chorale: Chorale,
    /// The phase of each step, as the file's metre has it; `None` for a table, which has none.
    pub metre: Option<Vec<Phase>>,
}

impl CorpusPiece {
    /// The phase of every step, with the place in the bar where it is known; else only that in the beat.
    pub fn phases(&self, in_bar: bool) -> Vec<Phase> {
        match &self.metre {
            Some(metre) if in_bar => metre.clone(),
            Some(metre) => metre.iter().map(|phase| Phase::in_beat(phase.index())).collect(),
            None => guessed_phases(&self.chorale, in_bar),
        }
    }
}

#[derive(Default)]
pub struct Dataset {
    pub train: Vec<CorpusPiece>,
    pub valid: Vec<CorpusPiece>,
    pub test: Vec<CorpusPiece>,
    /// The files of a folder that could not be used, each with its reason.
    pub left_out: Vec<String>,
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
    /// The .tgz archive, the folder that it unpacks to, or any folder of pieces in four parts, split by `seed`.
    ///
    /// # Errors
    /// Names the file (and for a malformed CSV the line and the value) that cannot be used.
    pub fn open(path: &Path, seed: u64) -> Result<Dataset> {
        if path.is_dir() {
            let is_split = path.join("train").is_dir() || path.join("jsb_chorales/train").is_dir();
            return if is_split { Dataset::from_folder(path) } else { Dataset::from_files(path, seed) };
        }
        let bytes = files::load(path).context("the data set (expected its .tgz archive or a folder)")?;
        Dataset::from_archive(&bytes).with_context(|| format!("the archive '{}'", path.display()))
    }

    /// All pieces of both.
    pub fn add(&mut self, other: Dataset) {
        self.train.extend(other.train);
        self.valid.extend(other.valid);
        self.test.extend(other.test);
        self.left_out.extend(other.left_out);
    }

    pub fn split(&self, split: Split) -> &[CorpusPiece] {
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
                if is_table(&path) {
                    let file = File::open(&path).with_context(|| format!("cannot open '{}'", path.display()))?;
                    dataset.add_table(split, &path, file)?;
                } else if files::is_music(&path) {
                    match read_music(&path) {
                        Ok((chorale, metre)) => {
                            dataset.push(split, CorpusPiece { name: stem(&path), chorale, metre: Some(metre) })?;
                        }
                        Err(error) => dataset.left_out.push(format!("{}: {error:#}", path.display())),
                    }
                }
            }
        }
        dataset.checked().with_context(|| format!("'{}'", root.display()))
    }

    /// Every MIDI and MusicXML file of four parts and every table (.csv) in a folder and below, a tenth of them (at
    /// least one) for validation and as many for the test. Which these are depends on the seed and their names alone.
    ///
    /// # Errors
    /// Where fewer than three pieces can be used.
    pub fn from_files(folder: &Path, seed: u64) -> Result<Dataset> {
        let mut paths = Vec::new();
        files_below(folder, &mut paths)?;
        paths.sort();
        let mut dataset = Dataset::default();
        let mut pieces = Vec::new();
        for path in &paths {
            let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
            let name = below.to_string_lossy().into_owned();
            let read = if is_table(path) { read_table(path) } else { read_music(path).map(|(a, b)| (a, Some(b))) };
            match read {
                Ok((chorale, metre)) => pieces.push(CorpusPiece { name, chorale, metre }),
                Err(error) => dataset.left_out.push(format!("{}: {error:#}", path.display())),
            }
            ensure!(pieces.len() <= MOST_CHORALES, "more than {MOST_CHORALES} pieces");
        }
        if pieces.len() < Split::ALL.len() {
            let reasons: Vec<String> = dataset.left_out.iter().take(5).map(|reason| format!("\n  {reason}")).collect();
            bail!(
                "'{}': of pieces in four parts (.mid, .musicxml, .mxl or .csv) at least three are needed, one for each of \
                 train, valid and test; {} can be used{}",
                folder.display(),
                pieces.len(),
                reasons.concat()
            );
        }
        let held_out = ((pieces.len() as f64 * HELD_OUT).round() as usize).max(1);
        pieces.sort_by_key(|piece| hash(seed, &piece.name));
        dataset.test = pieces.split_off(pieces.len() - held_out);
        dataset.valid = pieces.split_off(pieces.len() - held_out);
        dataset.train = pieces;
        dataset.checked()
    }

    /// A gzipped tar archive with the same folders.
    ///
    /// # Errors
    /// A truncated or damaged archive, a path that leads out of it, a malformed CSV.
    pub fn from_archive(bytes: &[u8]) -> Result<Dataset> {
        let unpacked = Bounded { inner: flate2::read::GzDecoder::new(Cursor::new(bytes)), left: LARGEST_ARCHIVE };
        let mut archive = tar::Archive::new(unpacked);
        let mut dataset = Dataset::default();
        for (index, entry) in archive.entries().context("not a gzipped tar archive")?.enumerate() {
            let entry = entry.with_context(|| format!("entry {} is damaged or cut off", index + 1))?;
            let path = entry.path().with_context(|| format!("entry {} has no readable path", index + 1))?.into_owned();
            ensure!(
                path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)),
                "the path '{}' leads out of the archive",
                path.display()
            );
            if !entry.header().entry_type().is_file() || !is_table(&path) {
                continue;
            }
            let split = path
                .parent()
                .and_then(Path::file_name)
                .and_then(|folder| Split::ALL.into_iter().find(|split| folder == split.name()))
                .ok_or_else(|| anyhow!("'{}' lies in none of the folders train, valid and test", path.display()))?;
            dataset.add_table(split, &path, entry)?;
        }
        dataset.checked()
    }

    fn add_table(&mut self, split: Split, path: &Path, reader: impl Read) -> Result<()> {
        self.push(split, CorpusPiece { name: stem(path), chorale: table(path, reader)?, metre: None })
    }

    fn push(&mut self, split: Split, piece: CorpusPiece) -> Result<()> {
        let pieces = match split {
            Split::Train => &mut self.train,
            Split::Valid => &mut self.valid,
            Split::Test => &mut self.test,
        };
        ensure!(pieces.len() < MOST_CHORALES, "more than {MOST_CHORALES} chorales");
        pieces.push(piece);
        Ok(())
    }

    fn checked(mut self) -> Result<Dataset> {
        for split in Split::ALL {
            if self.split(split).is_empty() {
                bail!("no chorale lies in its folder '{}'", split.name());
            }
        }
        for pieces in [&mut self.train, &mut self.valid, &mut self.test] {
            pieces.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(self)
    }
}

/// Fails once more than `left` bytes are read.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(format!("it unpacks to more than {} MiB", LARGEST_ARCHIVE >> 20)))?;
        Ok(read)
    }
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "csv")
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A chorale in the form of the data set.
fn table(path: &Path, reader: impl Read) -> Result<Chorale> {
    let mut text = String::new();
    let length = reader
        .take(LARGEST_CSV + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read '{}' (cut off, or not text)", path.display()))?;
    ensure!(length as u64 <= LARGEST_CSV, "'{}' is larger than {LARGEST_CSV} bytes: no chorale", path.display());
    Chorale::from_csv(&text).with_context(|| format!("'{}'", path.display()))
}

fn read_table(path: &Path) -> Result<(Chorale, Option<Vec<Phase>>)> {
    Ok((table(path, File::open(path)?)?, None))
}

/// Tables and music files, in `folder` and below. Links to folders are left alone: they may lead in a circle.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let cannot = || format!("cannot list '{}'", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let path = entry.path();
        if entry.file_type().with_context(cannot)?.is_dir() {
            files_below(&path, found)?;
        } else if path.is_file() && (files::is_music(&path) || is_table(&path)) {
            found.push(path);
        }
    }
    Ok(())
}

/// The four parts of a MIDI or MusicXML file, with the phases that its metre gives. Rests of all parts for a beat or
/// longer are left out, as they are where a melody is harmonized: the networks' time stands still in them.
fn read_music(path: &Path) -> Result<(Chorale, Vec<Phase>)> {
    let source = files::read(&files::load(path)?)?;
    let parts = melody::four_parts(&source)?;
    let first_onset = parts.iter().flatten().map(|note| note.start).min().unwrap_or(0);
    let grid = Grid::new(source.ticks_per_quarter, &source.directions, first_onset);
    let score = Score { ticks_per_quarter: source.ticks_per_quarter, parts, ..Score::default() };
    let first_step = grid.nearest_step(first_onset);
    let all = chords_of(&score, &grid, first_step, MAX_STEPS as u32 + 1)?;
    ensure!(all.len() <= MAX_STEPS, "more than {MAX_STEPS} sixteenths mean that the file is damaged");
    let (mut chords, mut metre) = (Vec::new(), Vec::new());
    let mut step = first_step;
    for run in all.chunk_by(|a, b| (*a == Chord::SILENCE) == (*b == Chord::SILENCE)) {
        let is_rest = run[0] == Chord::SILENCE && run.len() >= Phase::STEPS_PER_BEAT;
        if !is_rest {
            chords.extend_from_slice(run);
            metre.extend((step..).take(run.len()).map(|step| grid.phase(step)));
        }
        step += run.len() as u32;
    }
    ensure!(!chords.is_empty(), "its notes are too short to be sung");
    Ok((Chorale { chords }, metre))
}

/// FNV-1a (Fowler, Noll, Vo), for an order that is the same on every machine.
fn hash(seed: u64, name: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The phase of every step. The data do not say where bars begin; with `in_bar` it is guessed, else a phase only has the
/// place in the beat.
///
/// Nearly all chorales are in 4/4 and hold whole bars with or without a quarter's pickup; in the training split 83 %
/// of the notes of a half or longer then begin on the first or third beat. Pieces of other lengths stay unknown.
fn guessed_phases(chorale: &Chorale, in_bar: bool) -> Vec<Phase> {
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
    use flate2::Compression;
    use flate2::write::GzEncoder;

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

    /// A score of four voices in 3/4 with a pickup: quarters of C major, moved by a number of semitones.
    fn hymn(semitones: u8) -> Vec<u8> {
        let note = |start: u32, pitch: u8| files::Note {
            start,
            end: start + 480,
            pitch: chorale::Pitch::new(pitch + semitones).unwrap(),
            velocity: 80,
        };
        let metre = files::Metre { numerator: 3, ..files::Metre::FOUR_FOUR };
        let pickup = files::Metre { numerator: 1, ..metre };
        use files::Direction::Metre;
        let directions = vec![(0, Metre(pickup)), (480, Metre(metre))];
        // A quarter, a rest of a whole, six quarters.
        let starts = || [0].into_iter().chain((5..11).map(|quarter| quarter * 480));
        let parts = [72, 67, 64, 48].map(|pitch| starts().map(|start| note(start, pitch)).collect());
        files::smf::write(&Score { ticks_per_quarter: 480, directions, parts, ..Score::default() })
    }

    #[test]
    fn a_folder_of_files_is_split_by_the_seed_and_what_cannot_be_used_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("more")).unwrap();
        for piece in 0..12 {
            fs::write(folder.path().join(format!("more/hymn{piece}.mid")), hymn(piece % 3)).unwrap();
        }
        fs::write(folder.path().join("table.csv"), CSV).unwrap();
        fs::write(folder.path().join("broken.mid"), b"MThd").unwrap();
        fs::write(folder.path().join("notes.txt"), b"no music").unwrap();
        let dataset = Dataset::open(folder.path(), 1).unwrap();
        assert_eq!([dataset.train.len(), dataset.valid.len(), dataset.test.len()], [11, 1, 1]);
        assert_eq!(dataset.left_out.len(), 1);
        assert!(dataset.left_out[0].contains("broken.mid") && dataset.left_out[0].contains("breaks off"));
        let held_out = |seed: u64| {
            let dataset = Dataset::open(folder.path(), seed).unwrap();
            (dataset.valid[0].name.clone(), dataset.test[0].name.clone())
        };
        assert_eq!(held_out(1), held_out(1));
        assert!((2..8).any(|seed| held_out(seed) != held_out(1)), "another seed holds out others");
        let piece = dataset.train.iter().find(|piece| piece.name == "more/hymn0").expect("most are trained on");
        // Seven quarters sound; the rest between them is left out, and the metre goes on counting from its bar lines.
        assert_eq!(piece.chorale.chords.len(), 28);
        assert_eq!(piece.phases(true), (0..28).map(Phase::in_beat).collect::<Vec<_>>());
        assert_eq!(piece.phases(false), piece.phases(true));
    }

    #[test]
    fn a_folder_with_too_few_pieces_is_refused_with_what_was_wrong_with_the_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("one.mid"), hymn(0)).unwrap();
        fs::write(folder.path().join("broken.mid"), b"MThd").unwrap();
        let error = format!("{:#}", Dataset::open(folder.path(), 1).err().expect("an error"));
        for part in ["1 can be used", "at least three", "broken.mid: the file breaks off"] {
            assert!(error.contains(part), "{error:?} should name {part}");
        }
    }

    #[test]
    fn a_folder_with_splits_may_hold_scores_beside_tables() {
        let folder = tempfile::tempdir().unwrap();
        for split in Split::ALL {
            fs::create_dir(folder.path().join(split.name())).unwrap();
            fs::write(folder.path().join(split.name()).join("hymn.mid"), hymn(0)).unwrap();
        }
        fs::write(folder.path().join("train/table.csv"), CSV).unwrap();
        let dataset = Dataset::open(folder.path(), 1).unwrap();
        assert_eq!([dataset.train.len(), dataset.valid.len(), dataset.test.len()], [2, 1, 1]);
        assert!(dataset.train[0].metre.is_some() && dataset.train[1].metre.is_none());
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
    fn an_archive_that_unpacks_to_more_than_chorales_do_is_refused_within_bounded_memory() {
        // A header's long name is read into memory at one go; this one is longer than that of any machine.
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 40);
        header.set_cksum();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        std::io::Write::write_all(&mut gzip, header.as_bytes()).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..(2 * LARGEST_ARCHIVE) >> 20 {
            std::io::Write::write_all(&mut gzip, &zeros).unwrap();
        }
        let bomb = gzip.finish().unwrap();
        assert!(bomb.len() < 8 << 20, "it is small itself: {} bytes", bomb.len());
        let message = error(&bomb);
        assert!(message.contains("unpacks to more than 256 MiB"), "{message}");
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
