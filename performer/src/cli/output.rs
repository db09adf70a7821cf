//! What `render` and `generate` do alike: options, reading MIDI, showing and writing scores.

use std::env;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chorale::writing::Counts;
use performer::grid::Grid;
use performer::score::Score;
use performer::smf::{self, MidiFile};
use performer::{json, view};
use tempfile::Builder;

/// Columns when neither a terminal nor $COLUMNS tells.
const DEFAULT_WIDTH: usize = 100;

/// Where a score goes.
#[derive(clap::Args)]
pub struct OutputOptions {
    /// The MIDI file to write (.mid): format 1, tracks Soprano, Alto, Tenor and Bass on channels 1 to 4. It appears
    /// whole or not at all
    #[arg(short, long, value_name = "OUT.mid")]
    output: PathBuf,

    /// Replace the output file where there is one already
    #[arg(short, long)]
    force: bool,

    /// Print nothing but what needs your attention
    #[arg(short, long)]
    quiet: bool,

    /// Print notes and part-writing counts as JSON instead of the picture
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

impl OutputOptions {
    /// Refuses, before any work is done, what could not be written in the end.
    pub fn check(&self, input: Option<&Path>) -> Result<()> {
        let output = &self.output;
        let ending = output.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        if !matches!(ending.as_str(), "mid" | "midi") {
            bail!("--output {}: only MIDI files can be written; end its name in .mid", output.display());
        }
        if output.is_dir() {
            bail!("--output {} is a folder; name a file in it", output.display());
        }
        let folder = folder_of(output);
        if !folder.is_dir() {
            bail!("--output {}: there is no folder {}; create it first", output.display(), folder.display());
        }
        if let Some(input) = input
            && let (Ok(from), Ok(to)) = (input.canonicalize(), output.canonicalize())
            && from == to
        {
            bail!("--output {} is the file that is read; choose another name", output.display());
        }
        if !self.force && output.exists() {
            bail!("--output {} is there already; --force replaces it", output.display());
        }
        Ok(())
    }

    /// For people, on stderr; silent under `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Writes the file, then shows what is in it on stdout.
    pub fn deliver(&self, score: &Score, grid: &Grid, counts: Counts) -> Result<()> {
        write_whole(&self.output, &smf::write(score))?;
        if self.json {
            print(&(serde_json::to_string_pretty(&json::document(score, counts))? + "\n"))
        } else if self.quiet {
            Ok(())
        } else {
            let style = terminal_style();
            print(&format!("{}{}", view::names(score, grid, style), view::piano_roll(score, grid, style)))
        }
    }

    pub fn path(&self) -> &Path {
        &self.output
    }
}

/// Reads a MIDI file and says what had to be interpreted.
pub fn read_midi(path: &Path, say: impl Fn(&str)) -> Result<MidiFile> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = smf::read(&bytes).with_context(|| path.display().to_string())?;
    for remark in &file.remarks {
        say(&format!("{}: {remark}", path.display()));
    }
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes beside the target and renames, so that nobody ever sees half a file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut builder = Builder::new();
    builder.prefix(".performer-").suffix(".tmp");
    // Temporary files are private by default; this one becomes the user's, under their umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let write = || -> io::Result<()> {
        let mut file = builder.tempfile_in(folder_of(path))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}

/// Colours only on a terminal, and not where NO_COLOR is set (https://no-color.org).
fn terminal_style() -> view::Style {
    let is_terminal = io::stdout().is_terminal();
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|&columns| columns > 0);
    let width = columns
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .unwrap_or(DEFAULT_WIDTH);
    view::Style { width, colour: is_terminal && !no_color && !is_dumb }
}
