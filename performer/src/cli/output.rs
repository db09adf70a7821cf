//! What `render`, `generate` and `explain` do alike: options, reading music, showing and writing pieces.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use arranger::{FileKind, Heading, Tune};
use engraving::{ExportOptions, Piece, view};
use files::musicxml::Layout;
use files::{Ensemble, NamedKey, Program};
use sound::Timbre;

use super::targets::{
    NewFolders, Target, Targets, check_place, check_stdout, first_free, folder_beside, folder_of, full, is_stream,
    kind_named, kind_of, names_folder, rehearsal_path, write_stdout,
};

/// Columns when neither a terminal nor $COLUMNS tells.
const DEFAULT_WIDTH: usize = 100;

pub const OUTPUT: &str = "Output";
const SCORE: &str = "Score";
const SOUND: &str = "Sound";

/// The first sentence of the help of `--output`.
macro_rules! what_endings_say {
    () => {
        "A file to write; its ending says what: .mid (a track a part, channels 1 to 4), .musicxml or .mxl (a choir score), .svg or \
         .png (piano roll), .html (a page that plays), .wav (sound), .json (for programs); where other programs are installed that \
         make them, .ogg or .mp3 (sound; oggenc, lame, ffmpeg) and .pdf or .score.svg (an engraved choir score, in the latter \
         its pages one below the other; MuseScore). "
    };
}
pub(super) use what_endings_say;

const OUTPUT_HELP: &str = concat!(
    what_endings_say!(),
    "Several with several -o. A folder (done/ makes a new one) takes the name of the input and the formats of --format, and - \
     stands for stdout, in the one format of --format. Each file appears whole or not at all [default: a new name beside the \
     input, such as tune-chorale.mid, in the formats of --format; nothing is replaced]"
);

/// Where a piece goes, and how it looks and sounds there.
#[derive(clap::Args)]
pub struct OutputOptions {
    // A doc comment could not share it with `generate`.
    #[arg(short, long, value_name = "FILE", help = OUTPUT_HELP, help_heading = OUTPUT)]
    output: Vec<PathBuf>,

    /// What to write where no name says it: endings with commas between
    #[arg(long, value_name = "ENDINGS", value_delimiter = ',', value_parser = kind_named, default_value = "mid", help_heading = OUTPUT)]
    format: Vec<(String, FileKind)>,

    /// Replace files that are there already
    #[arg(short, long, help_heading = OUTPUT)]
    force: bool,

    /// Print nothing but what needs your attention
    #[arg(short, long, help_heading = OUTPUT)]
    quiet: bool,

    /// Print notes, chords and marks as JSON instead of the picture
    #[arg(long, conflicts_with = "quiet", help_heading = OUTPUT)]
    json: bool,

    /// The title of the piece [default: the file's own]
    #[arg(long, value_name = "TEXT", help_heading = SCORE)]
    title: Option<String>,

    /// The key: C, Bb, F#; small letters or an m for minor; church modes such as "D dorian". The piece begins and ends in it, and it is spelled for it
    /// [default: the file's own, else the one that is found]
    #[arg(long, value_name = "KEY", help_heading = SCORE)]
    key: Option<NamedKey>,

    /// Who sings: SATB; SAB, where the tenor is left out; TTBB, men's voices, the melody in the first tenor; and ranges of
    /// single parts, alone or behind one of these: TTBB,Bass:D2-C4. The melody is moved by octaves into the highest
    /// part's range
    #[arg(long, value_name = "WHO", default_value = "SATB", help_heading = SCORE)]
    pub ranges: Ensemble,

    /// Staves of a score: 4, one a part, or 2, as hymnals print [default: 4; with --bars, --redo or --fix as the score that is
    /// read]
    #[arg(long, value_name = "N", value_parser = staves, help_heading = SCORE)]
    staves: Option<u8>,

    /// Write the broken rules of part-writing into the score, with the parts that break them
    #[arg(long, help_heading = SCORE)]
    marks: bool,

    /// What plays a MIDI file or a score, and a SoundFont: choir, voices, organ, reed-organ, piano, harpsichord, strings,
    /// brass, trombone, recorder, or a number of General MIDI from 1 to 128
    #[arg(long, value_name = "NAME|N", default_value_t = Program::CHOIR, allow_negative_numbers = true, help_heading = SOUND)]
    pub program: Program,

    /// The instrument of files of sound: a SoundFont (.sf2), of which --program plays [default: a built-in organ]
    #[arg(long, value_name = "FILE.sf2", help_heading = SOUND)]
    soundfont: Option<PathBuf>,

    /// With each file of sound four more, _soprano to _bass, to learn a part by: the parts' first notes from the bass up, then
    /// its own; a counted bar; that part in the foreground; fermatas held
    #[arg(long, help_heading = SOUND)]
    rehearsal: bool,

    /// How many versions of each file there will be, _1 and so on; 0 for one, without a number.
    #[arg(skip)]
    pub versions: u16,
}

/// What a piece is called that has to be named.
pub struct Names<'a> {
    /// The file that is read, which is never written.
    pub input: Option<&'a Path>,
    /// In a folder.
    pub stem: &'a str,
    /// Where no --output is given: without its ending, and a number behind it if need be. None where there is no name to go
    /// by.
    pub new: Option<PathBuf>,
}

impl OutputOptions {
    /// For one piece. Refuses, before any work is done, what could not be written in the end.
    pub fn targets(&self, names: &Names) -> Result<Targets> {
        let mut targets = Vec::new();
        for output in &self.output {
            let is_folder = names_folder(output) || output.is_dir() && FileKind::from_path(output).is_none();
            if is_stream(output) {
                targets.extend(self.format.iter().map(|(_, kind)| (Target::Stdout, *kind)));
            } else if is_folder {
                targets.extend(self.in_formats(&output.join(names.stem)));
            } else {
                targets.push((Target::File(output.clone()), kind_of(output)?));
            }
        }
        if !self.output.is_empty() {
            return self.check(names.input, Targets(targets));
        }
        let Some(new) = &names.new else {
            bail!(
                "what is read from stdin has no name to go by; --output FILE says where it goes, --output - to stdout"
            );
        };
        let name = new.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let targets = |name: &str| Targets(self.in_formats(&new.with_file_name(name)));
        let is_free = |targets: &Targets| self.all_files(targets).iter().all(|file| !file.exists());
        self.check(names.input, first_free(&name, targets, is_free))
    }

    /// A file for each `--format`. `name` lacks its ending.
    fn in_formats(&self, name: &Path) -> Vec<(Target, FileKind)> {
        let file = |ending: &str| {
            let mut path = name.as_os_str().to_owned();
            path.push(format!(".{ending}"));
            Target::File(path.into())
        };
        self.format.iter().map(|(ending, kind)| (file(ending), *kind)).collect()
    }

    /// The folder for many pieces: the one that is named; else a new one beside the folder they are from, or here.
    pub fn folder(&self, melodies: Option<&Path>) -> Result<PathBuf> {
        self.format.iter().try_for_each(|(ending, kind)| kind.check().with_context(|| format!("--format {ending}")))?;
        let folder = match (self.output.as_slice(), melodies) {
            ([folder], _) => folder,
            ([], Some(melodies)) => return folder_beside(melodies),
            ([], None) => return Ok(first_free("chorales", |name| PathBuf::from(name), |folder| !folder.exists())),
            _ => {
                bail!("several melodies go into one folder: give one --output, and --format for what to write into it")
            }
        };
        if is_stream(folder) {
            bail!("--output -: several melodies don't fit into stdout; name a folder");
        }
        if FileKind::from_path(folder).is_some() && !folder.is_dir() {
            bail!("--output {}: several melodies need a folder; --format says what to write", folder.display());
        }
        Ok(folder.clone())
    }

    /// For one of many pieces: `below` is where it lies in the folder that was named, with its file name. Files that are there
    /// already stay, as an earlier call that was cut off may have left them.
    pub fn targets_in_folder(&self, folder: &Path, input: &Path, below: &Path) -> Result<Targets> {
        let targets = self.named_in_folder(folder, below);
        self.check_names(Some(input), &targets, &[folder])?;
        Ok(targets)
    }

    /// Whether a file lies in a folder that is named for the results, and may have to be made.
    pub fn is_in_new_folder(&self, file: &Path) -> bool {
        self.output.iter().any(|output| !is_stream(output) && folder_of(file).starts_with(output))
    }

    fn named_in_folder(&self, folder: &Path, below: &Path) -> Targets {
        Targets(self.in_formats(&folder.join(below).with_extension("")))
    }

    /// All that [`targets_in_folder`](Self::targets_in_folder) will make of one of many pieces.
    pub fn files_in_folder(&self, folder: &Path, below: &Path) -> Vec<PathBuf> {
        self.all_files(&self.named_in_folder(folder, below))
    }

    /// Whether all files of one of many pieces are there, and are to stay.
    pub fn is_done(&self, targets: &Targets) -> bool {
        !self.force && self.all_files(targets).iter().all(|file| file.exists())
    }

    fn check(&self, input: Option<&Path>, targets: Targets) -> Result<Targets> {
        let folders: Vec<&Path> =
            self.output.iter().filter(|output| names_folder(output)).map(PathBuf::as_path).collect();
        self.check_names(input, &targets, &folders)?;
        for (target, kind) in &targets.0 {
            kind.check().with_context(|| match target {
                Target::File(path) => format!("--output {}", path.display()),
                Target::Stdout => "--output -".into(),
            })?;
        }
        if let Some(file) = self.all_files(&targets).iter().find(|file| !self.force && file.exists()) {
            bail!("--output {} is there already; --force replaces it", file.display());
        }
        Ok(targets)
    }

    /// `folders` are those that are made where they are not there yet.
    fn check_names(&self, input: Option<&Path>, targets: &Targets, folders: &[&Path]) -> Result<()> {
        if self.rehearsal && !targets.0.iter().any(|(_, kind)| kind.is_sound()) {
            bail!(
                "--rehearsal makes sound: name a .wav, .ogg or .mp3 file with --output, or one of them with --format"
            );
        }
        self.check_stdout(targets)?;
        let mut taken = HashSet::new();
        for output in self.all_files(targets) {
            let folder = folder_of(&output);
            if folders.iter().any(|made| folder.starts_with(made)) && !folder.is_dir() {
                // Whether it can be made; it is made for good when there is something to be put into it.
                NewFolders::default().make(folder).with_context(|| format!("--output {}", output.display()))?;
            } else {
                check_place("--output", &output)?;
            }
            if !taken.insert(full(&output)) {
                bail!("--output {} would be written twice; choose another name for one", output.display());
            }
            if let Some(input) = input
                && let (Ok(from), Ok(to)) = (input.canonicalize(), output.canonicalize())
                && from == to
            {
                bail!("--output {} is the file that is read; choose another name", output.display());
            }
        }
        Ok(())
    }

    fn check_stdout(&self, targets: &Targets) -> Result<()> {
        let kinds: Vec<FileKind> = targets.on_stdout().collect();
        if kinds.is_empty() {
            return Ok(());
        }
        if self.json {
            bail!("--json and --output - both write to stdout; --format json --output - writes the same alone");
        }
        if self.versions > 0 || self.rehearsal && kinds.iter().any(|kind| kind.is_sound()) {
            bail!("--output -: several files don't fit into stdout; name one with --output, the others go beside it");
        }
        check_stdout(&kinds, io::stdout().is_terminal())
    }

    /// Of one version, with rehearsal tracks.
    pub fn files(&self, targets: &Targets) -> Vec<PathBuf> {
        targets.files(self.rehearsal.then_some(&self.ranges))
    }

    /// Of every version.
    pub fn all_files(&self, targets: &Targets) -> Vec<PathBuf> {
        match self.versions {
            0 => self.files(targets),
            versions => (1..=versions).flat_map(|version| self.files(&targets.version(version))).collect(),
        }
    }

    /// That no `--program` is heard on the organ, which plays files of sound where no SoundFont does.
    pub fn tell_program(&self, targets: &Targets) {
        let has_sound = targets.0.iter().any(|(_, kind)| kind.is_sound());
        if self.program != Program::CHOIR && self.soundfont.is_none() && has_sound {
            self.say(&format!(
                "--program {} is for MIDI files, scores and SoundFonts: sound is made by the built-in organ; \
                 --soundfont FILE.sf2 makes it by that program",
                self.program
            ));
        }
    }

    /// For people, on stderr; silent under `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            tell(text);
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

    /// What --staves says, else another.
    pub fn layout(&self, usual: Layout) -> Layout {
        self.staves.map_or(usual, |staves| if staves == 2 { Layout::Closed } else { Layout::Open })
    }

    pub fn export_options(&self) -> Result<ExportOptions> {
        let timbre = match &self.soundfont {
            None => Timbre::Organ,
            Some(path) => {
                let bytes = fs::read(path).with_context(|| format!("--soundfont {}", path.display()))?;
                Timbre::sound_font(&bytes).with_context(|| format!("--soundfont {}", path.display()))?
            }
        };
        let layout = self.layout(Layout::Open);
        Ok(ExportOptions { layout, timbre, with_marks: self.marks })
    }

    /// Writes all files of a piece that are not there yet, or all by --force. What cannot be made is said before any of them is
    /// there.
    pub fn write(&self, piece: &Piece, targets: &Targets, options: &ExportOptions) -> Result<()> {
        let mut files = Vec::new();
        for (target, kind) in &targets.0 {
            let piece_as = || kind.export(piece, options);
            let Target::File(path) = target else {
                files.push((None, piece_as().context("cannot make what goes to stdout")?));
                continue;
            };
            let failed = || format!("cannot make {}", path.display());
            files.push((Some(path.clone()), piece_as().with_context(failed)?));
            if self.rehearsal && kind.is_sound() {
                for part in self.ranges.parts() {
                    let path = rehearsal_path(path, &self.ranges, part);
                    let sound = piece.rehearsal(part, options).map_err(anyhow::Error::from);
                    let file = sound.and_then(|sound| Ok(kind.finish(sound)?));
                    files.push((Some(path), file.with_context(failed)?));
                }
            }
        }
        let mut folders = NewFolders::default();
        files.iter().flat_map(|(path, _)| path).try_for_each(|path| folders.make(folder_of(path)))?;
        files.iter().try_for_each(|(path, bytes)| match path {
            Some(path) if !self.force && path.exists() => {
                self.say(&format!("{} is there already and stays; --force replaces it", path.display()));
                Ok(())
            }
            Some(path) => Ok(files::write_whole(path, bytes)?),
            None => write_stdout(bytes),
        })?;
        folders.kept();
        Ok(())
    }

    /// What is in the piece, on stdout, if nothing else goes there.
    pub fn show(&self, piece: &Piece) -> Result<()> {
        if self.json {
            print(&piece.json())
        } else if self.quiet || self.output.iter().any(|output| is_stream(output)) {
            Ok(())
        } else {
            let (style, Piece { score, grid, .. }) = (terminal_style(), piece);
            print(&format!("{}{}", view::names(score, grid, style), view::piano_roll(score, grid, style)))
        }
    }
}

fn staves(text: &str) -> Result<u8, String> {
    match text {
        "2" => Ok(2),
        "4" => Ok(4),
        _ => Err("expected 4 or 2".into()),
    }
}

/// Opens a file, or stdin where the path is `-`, and tells the user what had to be interpreted. `tune` names one of the
/// tunes of an ABC file.
pub fn open(path: &Path, tune: Option<&str>, say: impl Fn(&str)) -> Result<Tune> {
    check_no_address(path)?;
    let tune = if is_stream(path) {
        Tune::read_one(Tune::STDIN, &files::read_all(io::stdin().lock()).context("cannot read stdin")?, tune)?
    } else {
        Tune::read_one(&path.display().to_string(), &files::load(path)?, tune)?
    };
    tune.remarks().for_each(|remark| say(&remark));
    Ok(tune)
}

/// Files are read, and no pages.
pub fn check_no_address(path: &Path) -> Result<()> {
    let is_address = ["http://", "https://"].iter().any(|scheme| path.to_string_lossy().starts_with(scheme));
    if is_address && !path.exists() {
        bail!("{} is an address on the web; download the file first, and name that", path.display());
    }
    Ok(())
}

/// Whether a file is a table in the form of the data set.
pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

/// What went wrong, without the system's numbers for it, such as `(os error 2)`.
pub fn in_words(error: &anyhow::Error) -> String {
    let said = format!("{error:#}");
    let mut parts = said.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |words, rest| words + rest.split_once(')').map_or(rest, |(_, rest)| rest))
}

/// For people, on stderr. Whoever would read it may have left (`2>&1 | head`), which stops no work.
pub fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

pub fn print(text: &str) -> Result<()> {
    write_stdout(text.as_bytes())
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
