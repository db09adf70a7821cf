//! What `render`, `generate` and `explain` do alike: options, reading music, showing and writing pieces.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use arranger::{Heading, Tune};
use chorale::{Key, Part};
use engraving::{ExportOptions, Format, Piece, view};
use files::Ensemble;
use files::musicxml::Layout;
use sound::Timbre;

/// Columns when neither a terminal nor $COLUMNS tells.
const DEFAULT_WIDTH: usize = 100;

/// Where a piece goes, and how it looks and sounds there.
#[derive(clap::Args)]
pub struct OutputOptions {
    /// A file to write; its ending says what: .mid (a track a part, channels 1 to 4), .musicxml or .mxl (a choir score),
    /// .svg or .png (piano roll), .html (a page that plays), .wav (sound), .json (for programs). Several with several -o. A
    /// folder takes the name of the input and the formats of --format. Each file appears whole or not at all
    #[arg(short, long, value_name = "FILE", required = true)]
    output: Vec<PathBuf>,

    /// What to write into a folder: endings with commas between
    #[arg(long, value_name = "ENDINGS", value_delimiter = ',', value_parser = format_named, default_value = "mid")]
    format: Vec<(String, Format)>,

    /// Replace files that are there already
    #[arg(short, long)]
    force: bool,

    /// Print nothing but what needs your attention
    #[arg(short, long)]
    quiet: bool,

    /// Print notes, chords and marks as JSON instead of the picture
    #[arg(long, conflicts_with = "quiet")]
    json: bool,

    /// The title of the piece, instead of the file's own
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// The key, instead of the file's own: C, Bb, F#; small letters or an m for minor. The piece begins and ends in it, and
    /// it is spelled for it
    #[arg(long, value_name = "KEY")]
    key: Option<Key>,

    /// Who sings: SATB; SAB, where the tenor is left out; TTBB, men's voices, the melody in the first tenor; and ranges of
    /// single parts, alone or behind one of these: TTBB,Bass:D2-C4. The melody is moved by octaves into the highest
    /// part's range
    #[arg(long, value_name = "WHO", default_value = "SATB", hide_default_value = true)]
    pub ranges: Ensemble,

    /// Staves of a score: 4, one a part, or 2, as hymnals print
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = staves)]
    staves: u8,

    /// Write the broken rules of part-writing into the score
    #[arg(long)]
    marks: bool,

    /// The instrument of .wav files: a SoundFont (.sf2), whose choir sings, instead of the built-in organ
    #[arg(long, value_name = "FILE.sf2")]
    soundfont: Option<PathBuf>,

    /// With each .wav four more, _soprano to _bass, each with that part in the foreground
    #[arg(long)]
    rehearsal: bool,

    /// How many versions of each file there will be, _1 and so on; 0 for one, without a number.
    #[arg(skip)]
    pub versions: u16,
}

/// The files that one piece becomes.
#[derive(Clone, Debug)]
pub struct Targets(Vec<(PathBuf, Format)>);

impl OutputOptions {
    /// For one piece. Refuses, before any work is done, what could not be written in the end. `stem` names files in
    /// folders.
    pub fn targets(&self, input: Option<&Path>, stem: &str) -> Result<Targets> {
        let mut targets = Vec::new();
        for output in &self.output {
            let is_folder = output.is_dir() || output.to_string_lossy().ends_with(std::path::is_separator);
            if is_folder && Format::from_path(output).is_none() {
                for (ending, format) in &self.format {
                    targets.push((output.join(format!("{stem}.{ending}")), *format));
                }
            } else {
                let format = Format::from_path(output);
                let format = format.with_context(|| {
                    format!("--output {}: its name must end in {}", output.display(), Format::ENDINGS)
                })?;
                targets.push((output.clone(), format));
            }
        }
        self.check(input, Targets(targets))
    }

    /// That many pieces can be written: they need one folder.
    pub fn check_folder(&self) -> Result<&Path> {
        let [folder] = self.output.as_slice() else {
            bail!("several melodies go into one folder: give one --output, and --format for what to write into it");
        };
        if Format::from_path(folder).is_some() && !folder.is_dir() {
            bail!("--output {}: several melodies need a folder; --format says what to write", folder.display());
        }
        Ok(folder)
    }

    /// For one of many pieces: `below` is where it lies in the folder that was named, with its file name.
    pub fn targets_in_folder(&self, input: &Path, below: &Path) -> Result<Targets> {
        let folder = self.check_folder()?;
        let target = |(ending, format): &(String, Format)| (folder.join(below).with_extension(ending), *format);
        let targets = Targets(self.format.iter().map(target).collect());
        for (path, _) in &targets.0 {
            let folder = folder_of(path);
            fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        self.check(Some(input), targets)
    }

    fn check(&self, input: Option<&Path>, targets: Targets) -> Result<Targets> {
        if self.rehearsal && !targets.0.iter().any(|(_, format)| *format == Format::Wav) {
            bail!("--rehearsal makes sound: name a .wav file with --output, or wav with --format");
        }
        let versions = (1..=self.versions).map(|version| targets.version(version)).collect::<Vec<_>>();
        let all = if versions.is_empty() { std::slice::from_ref(&targets) } else { &versions };
        for output in all.iter().flat_map(|targets| targets.files(self.rehearsal.then_some(&self.ranges))) {
            if output.is_dir() {
                bail!("--output {} is a folder; name a file in it", output.display());
            }
            let folder = folder_of(&output);
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
        }
        Ok(targets)
    }

    /// For people, on stderr; silent under `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// The user's title and key, in place of the file's.
    pub fn heading(&self) -> Heading {
        Heading { title: self.title.clone(), key: self.key }
    }

    pub fn export_options(&self) -> Result<ExportOptions> {
        let timbre = match &self.soundfont {
            None => Timbre::Organ,
            Some(path) => {
                let bytes = fs::read(path).with_context(|| format!("--soundfont {}", path.display()))?;
                Timbre::sound_font(&bytes).with_context(|| format!("--soundfont {}", path.display()))?
            }
        };
        let layout = if self.staves == 2 { Layout::Closed } else { Layout::Open };
        Ok(ExportOptions { layout, timbre, with_marks: self.marks })
    }

    /// Writes all files of a piece. What cannot be made is said before any of them is there.
    pub fn write(&self, piece: &Piece, targets: &Targets, options: &ExportOptions) -> Result<()> {
        let mut files = Vec::new();
        for (path, format) in &targets.0 {
            let failed = || format!("cannot make {}", path.display());
            files.push((path.clone(), piece.export(*format, options).with_context(failed)?));
            if self.rehearsal && *format == Format::Wav {
                for part in self.ranges.parts() {
                    let path = rehearsal_path(path, &self.ranges, part);
                    files.push((path, piece.rehearsal(part, options).with_context(failed)?));
                }
            }
        }
        files.iter().try_for_each(|(path, bytes)| Ok(files::write_whole(path, bytes)?))
    }

    /// What is in the piece, on stdout.
    pub fn show(&self, piece: &Piece) -> Result<()> {
        if self.json {
            print(&piece.json())
        } else if self.quiet {
            Ok(())
        } else {
            let (style, Piece { score, grid, .. }) = (terminal_style(), piece);
            print(&format!("{}{}", view::names(score, grid, style), view::piano_roll(score, grid, style)))
        }
    }
}

impl Targets {
    /// All that will be written.
    fn files(&self, rehearsed: Option<&Ensemble>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for (path, format) in &self.0 {
            files.push(path.clone());
            if let Some(ensemble) = rehearsed.filter(|_| *format == Format::Wav) {
                files.extend(ensemble.parts().into_iter().map(|part| rehearsal_path(path, ensemble, part)));
            }
        }
        files
    }

    /// The same with a number behind each name.
    pub fn version(&self, number: u16) -> Targets {
        let numbered = |path: &Path| {
            let (stem, ending) = (path.file_stem().unwrap_or_default(), path.extension().unwrap_or_default());
            path.with_file_name(format!("{}_{number}.{}", stem.to_string_lossy(), ending.to_string_lossy()))
        };
        Targets(self.0.iter().map(|(path, format)| (numbered(path), *format)).collect())
    }

    /// The names, for people.
    pub fn list(&self) -> String {
        self.0.iter().map(|(path, _)| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

fn rehearsal_path(path: &Path, ensemble: &Ensemble, part: Part) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_{}.wav", ensemble.file_name(part)))
}

fn format_named(ending: &str) -> Result<(String, Format), String> {
    let ending = ending.trim().trim_start_matches('.').to_lowercase();
    let format = Format::from_ending(&ending);
    format.map(|format| (ending, format)).ok_or_else(|| format!("expected {}", Format::ENDINGS))
}

fn staves(text: &str) -> Result<u8, String> {
    match text {
        "2" => Ok(2),
        "4" => Ok(4),
        _ => Err("expected 4 or 2".into()),
    }
}

/// Opens a file and tells the user what had to be interpreted.
pub fn open(path: &Path, say: impl Fn(&str)) -> Result<Tune> {
    let tune = arranger::open(path)?;
    tune.remarks().for_each(|remark| say(&remark));
    Ok(tune)
}

/// Whether a file is a table in the form of the data set.
pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
