//! Where the chorales come from: a path, or a download that is checked and kept.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
pub use corpus::{CorpusPiece, Dataset, SPLIT_SEED, Split};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

pub const URL: &str = "https://homl.info/bach";
pub const SHA256: &str = "e722fbc866fc1ba0bac56a6fcad95d7e3e584da80173e13932e3da441440efd7";

/// The word that stands for the chorales among other data.
const CHORALES: &str = "chorales";

/// Where the pieces come from.
#[derive(clap::Args, Clone)]
pub struct Source {
    /// What to learn from: the chorales' .tgz archive, the unpacked folder, or any folder of pieces in four parts (.mid,
    /// .musicxml, .mxl, or tables .csv), in any metre. Several with several --data; `--data chorales` stands for the
    /// chorales themselves. Without it these are downloaded once from <https://homl.info/bach> and kept in the user's
    /// cache folder
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,

    /// Which pieces of a folder without the folders train, valid and test are held out: a tenth for each
    #[arg(long, value_name = "N", default_value_t = SPLIT_SEED)]
    split_seed: u64,

    /// Never download; fail if the data set is not on this machine
    #[arg(long)]
    offline: bool,
}

impl Source {
    /// The chorales, from `data` where that is given.
    pub fn new(data: Option<PathBuf>, offline: bool) -> Source {
        Source { data: data.into_iter().collect(), split_seed: SPLIT_SEED, offline }
    }

    /// All that is named, put together. Says on stderr which files could not be used.
    ///
    /// # Errors
    /// Names the file (and for a malformed CSV the line and the value) that cannot be used.
    pub fn load(&self) -> Result<Dataset> {
        if self.data.is_empty() {
            return Dataset::open(&self.cached()?, self.split_seed);
        }
        let mut dataset = Dataset::default();
        for path in &self.data {
            let is_word = path.as_os_str() == CHORALES && !path.exists();
            let path = if is_word { &self.cached()? } else { path };
            dataset.add(Dataset::open(path, self.split_seed)?);
        }
        for reason in &dataset.left_out {
            eprintln!("left out: {reason}");
        }
        Ok(dataset)
    }

    /// The archive in the cache folder, downloaded if it is not there or not the right one.
    fn cached(&self) -> Result<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "chorale-trainer")
            .context("this system has no cache folder; give the data set with --data PATH")?;
        let path = folders.cache_dir().join("jsb_chorales.tgz");
        if fs::read(&path).is_ok_and(|bytes| checksum(&bytes) == SHA256) {
            return Ok(path);
        }
        ensure!(
            !self.offline,
            "the data set is not in the cache ('{}') and --offline forbids the download; \
             give it with --data PATH or leave --offline out",
            path.display()
        );
        let bytes = download().with_context(|| {
            format!("cannot download the data set from {URL}; fetch it by other means and give it with --data PATH")
        })?;
        let found = checksum(&bytes);
        ensure!(
            found == SHA256,
            "the download from {URL} has the SHA-256 {found}, expected {SHA256}; nothing was kept"
        );
        fs::create_dir_all(folders.cache_dir())
            .with_context(|| format!("cannot create '{}'", folders.cache_dir().display()))?;
        files::write_whole(&path, &bytes)?;
        Ok(path)
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn download() -> Result<Vec<u8>> {
    const LARGEST: u64 = 64 << 20;
    let response = ureq::get(URL).call()?;
    let length = response.body().content_length();
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}")?);
    bar.set_message("downloading the chorales");
    let mut bytes = Vec::new();
    bar.wrap_read(response.into_body().into_reader().take(LARGEST)).read_to_end(&mut bytes)?;
    bar.finish_and_clear();
    Ok(bytes)
}
