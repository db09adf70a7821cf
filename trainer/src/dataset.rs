//! Where the chorales come from: a path, or a download that is checked and kept.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
pub use corpus::{Dataset, Piece, Split, phases};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

pub const URL: &str = "https://homl.info/bach";
pub const SHA256: &str = "e722fbc866fc1ba0bac56a6fcad95d7e3e584da80173e13932e3da441440efd7";

/// Where the chorales come from.
#[derive(clap::Args, Clone)]
pub struct Source {
    /// The data set: its .tgz archive, or the unpacked folder. Without it the archive is downloaded once from
    /// https://homl.info/bach and kept in the user's cache folder
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Never download; fail if the data set is not on this machine
    #[arg(long)]
    offline: bool,
}

impl Source {
    pub fn new(data: Option<PathBuf>, offline: bool) -> Source {
        Source { data, offline }
    }

    /// # Errors
    /// Names the file (and for a malformed CSV the line and the value) that cannot be used.
    pub fn load(&self) -> Result<Dataset> {
        match &self.data {
            Some(path) => Dataset::open(path),
            None => Dataset::open(&self.cached()?),
        }
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
        write_atomically(&path, &bytes)?;
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

/// Writes beside the file, then renames: a reader sees the old file or the new one, whole.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".part-");
        // Temporary files are private by default; this one becomes the user's, under their umask.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write '{}'", path.display()))
}
