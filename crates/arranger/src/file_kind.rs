//! What a file is by its ending: one of our formats, or what a program that is installed makes of one, compressed sound and
//! engraved pages.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, process};

use engraving::{ExportError, ExportOptions, Format, Piece};
use thiserror::Error;

use crate::pages;

/// What a file is. All but the first are made by programs that are installed: oggenc, lame or ffmpeg, and MuseScore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Needs no other program.
    Own(Format),
    Ogg,
    Mp3,
    /// An engraved score.
    Pdf,
    /// An engraved score as a picture, its pages one below the other.
    ScoreSvg,
}

/// Why a file cannot be made.
#[derive(Debug, Error)]
pub enum MakeError {
    #[error(transparent)]
    Unwritable(#[from] ExportError),
    #[error(".{ending} is made by another program, and none is here\nhint: {hint}")]
    NoProgram { ending: &'static str, hint: &'static str },
    #[error("{program} makes no .{ending} of the piece: {reason}")]
    Failed { program: String, ending: &'static str, reason: String },
}

impl FileKind {
    /// What to name where a kind is asked for.
    pub const ENDINGS: &str = ".mid, .musicxml, .mxl, .svg, .png, .html, .wav, .json, .pdf, .score.svg, .ogg or .mp3";

    /// By its ending, without the first dot.
    pub fn from_ending(ending: &str) -> Option<FileKind> {
        Some(match ending.to_lowercase().as_str() {
            "ogg" => FileKind::Ogg,
            "mp3" => FileKind::Mp3,
            "pdf" => FileKind::Pdf,
            SCORE_SVG => FileKind::ScoreSvg,
            ending => FileKind::Own(Format::from_ending(ending)?),
        })
    }

    pub fn from_path(path: &Path) -> Option<FileKind> {
        FileKind::from_ending(FileKind::split(&path.file_name()?.to_string_lossy()).1)
    }

    /// The name of a file without its ending, and the ending: `hymn` and `score.svg`. Empty where there is none.
    pub fn split(name: &str) -> (&str, &str) {
        let dot = name.len().checked_sub(SCORE_SVG.len() + 1).filter(|&dot| dot > 0);
        if let Some(dot) = dot
            && let (Some(stem), Some(ending)) = (name.get(..dot), name.get(dot + 1..))
            && ending.eq_ignore_ascii_case(SCORE_SVG)
            && name.as_bytes()[dot] == b'.'
        {
            return (stem, ending);
        }
        match name.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem, ending),
            _ => (name, ""),
        }
    }

    /// The format of ours that it is, or is made of.
    pub fn format(self) -> Format {
        match self {
            FileKind::Own(format) => format,
            FileKind::Ogg | FileKind::Mp3 => Format::Wav,
            FileKind::Pdf | FileKind::ScoreSvg => Format::MusicXml,
        }
    }

    pub fn is_sound(self) -> bool {
        self.format() == Format::Wav
    }

    /// Whether a terminal can show it.
    pub fn is_text(self) -> bool {
        let is_text = |format| matches!(format, Format::MusicXml | Format::Svg | Format::Html | Format::Json);
        self == FileKind::ScoreSvg || matches!(self, FileKind::Own(format) if is_text(format))
    }

    /// Looks whether a program is there that makes it, before any work is done.
    ///
    /// # Errors
    /// Where none is, with what to install.
    pub fn check(self) -> Result<(), MakeError> {
        match self {
            FileKind::Own(_) => Ok(()),
            _ => self.maker(&search_path()).map(drop),
        }
    }

    /// The bytes of a file of this kind.
    ///
    /// # Errors
    /// Where the piece cannot be written so, no program is there that makes it, or the program fails.
    pub fn export(self, piece: &Piece, options: &ExportOptions) -> Result<Vec<u8>, MakeError> {
        self.finish(piece.export(self.format(), options)?)
    }

    /// What becomes of the bytes of its [`format`](FileKind::format): of a rehearsal track, say.
    ///
    /// # Errors
    /// Where no program is there that makes it, or the program fails.
    pub fn finish(self, bytes: Vec<u8>) -> Result<Vec<u8>, MakeError> {
        match self {
            FileKind::Own(_) => Ok(bytes),
            _ => self.maker(&search_path())?.make(&bytes),
        }
    }

    fn ending(self) -> &'static str {
        match self {
            FileKind::Own(_) => "",
            FileKind::Ogg => "ogg",
            FileKind::Mp3 => "mp3",
            FileKind::Pdf => "pdf",
            FileKind::ScoreSvg => SCORE_SVG,
        }
    }

    /// The first that is installed is taken.
    fn ways(self) -> &'static [Way] {
        match self {
            FileKind::Own(_) => &[],
            // The serial number of the stream would be another one each time.
            FileKind::Ogg => &[
                (&["oggenc"], &["--quiet", "--quality", "5", "--serial", "1", "-o", "OUT", "IN"]),
                (&["ffmpeg"], &["-v", "error", "-i", "IN", "-c:a", "libvorbis", "-q:a", "5", "-bitexact", "OUT"]),
            ],
            FileKind::Mp3 => &[
                (&["lame"], &["--quiet", "-V", "2", "IN", "OUT"]),
                (&["ffmpeg"], &["-v", "error", "-i", "IN", "-c:a", "libmp3lame", "-q:a", "2", "-bitexact", "OUT"]),
            ],
            FileKind::Pdf | FileKind::ScoreSvg => &[(MUSESCORE, &["-o", "OUT", "IN"])],
        }
    }

    /// What to install where none is.
    fn hint(self) -> &'static str {
        match self {
            FileKind::Own(_) => "",
            FileKind::Ogg => "install oggenc (vorbis-tools) or ffmpeg",
            FileKind::Mp3 => "install lame or ffmpeg",
            FileKind::Pdf | FileKind::ScoreSvg => {
                "install MuseScore (https://musescore.org), or write .html, which a browser prints"
            }
        }
    }

    fn maker(self, search_path: &[PathBuf]) -> Result<Maker, MakeError> {
        let found = self.ways().iter().find_map(|(names, arguments)| {
            let program = names.iter().find_map(|name| find(name, search_path))?;
            Some(Maker { program, arguments, kind: self })
        });
        found.ok_or(MakeError::NoProgram { ending: self.ending(), hint: self.hint() })
    }
}

/// The ending of an engraved score; that of a piano roll is only its second half.
const SCORE_SVG: &str = "score.svg";

/// What makes a file: programs by their names or places, and how they are called. `IN` and `OUT` stand for files.
type Way = (&'static [&'static str], &'static [&'static str]);

/// As distributions, snaps, Windows and macOS call it.
const MUSESCORE: &[&str] = &[
    "mscore4portable",
    "MuseScore4",
    "mscore3",
    "musescore3",
    "MuseScore3",
    "mscore",
    "musescore",
    "/Applications/MuseScore 4.app/Contents/MacOS/mscore",
    "/Applications/MuseScore 3.app/Contents/MacOS/mscore",
    "C:\\Program Files\\MuseScore 4\\bin\\MuseScore4.exe",
    "C:\\Program Files\\MuseScore 3\\bin\\MuseScore3.exe",
];

fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|paths| env::split_paths(&paths).collect()).unwrap_or_default()
}

fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let file = format!("{name}{}", if name.ends_with(env::consts::EXE_SUFFIX) { "" } else { env::consts::EXE_SUFFIX });
    if Path::new(&file).is_absolute() {
        return Some(PathBuf::from(file)).filter(|path| path.is_file());
    }
    folders.iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// A program that makes a file of another.
struct Maker {
    program: PathBuf,
    arguments: &'static [&'static str],
    kind: FileKind,
}

/// No piece takes longer; a program that waits for somebody would take for ever.
const PATIENCE: Duration = Duration::from_secs(180);

impl Maker {
    fn make(&self, bytes: &[u8]) -> Result<Vec<u8>, MakeError> {
        let program = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |reason| MakeError::Failed { program, ending: self.kind.ending(), reason };
        self.run(bytes).map_err(failed)
    }

    /// What it has made, or why nothing, in words.
    fn run(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let folder = PassingFolder::new()?;
        let from = folder.0.join(if self.kind.is_sound() { "piece.wav" } else { "piece.musicxml" });
        // Of a score MuseScore writes each page as a picture, and tells by the last part of the ending that it is to.
        let to = folder.0.join(if self.kind == FileKind::ScoreSvg {
            "piece.svg".to_owned()
        } else {
            format!("piece.{}", self.kind.ending())
        });
        let said = folder.0.join("said.txt");
        fs::write(&from, bytes).map_err(|error| format!("cannot write {}: {error}", from.display()))?;
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(|argument| match *argument {
            "IN" => from.clone().into_os_string(),
            "OUT" => to.clone().into_os_string(),
            other => OsString::from(other),
        }));
        if env::var_os("DISPLAY").is_none() && env::var_os("WAYLAND_DISPLAY").is_none() && cfg!(target_os = "linux") {
            command.env("QT_QPA_PLATFORM", "offscreen");
        }
        let log = File::create(&said).map_err(|error| format!("cannot write {}: {error}", said.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let status = ended(&mut command)?;
        let made = match self.kind {
            FileKind::ScoreSvg => pages::in_folder(&folder.0),
            _ => fs::read(&to).into_iter().filter(|made| !made.is_empty()).collect(),
        };
        match made.as_slice() {
            [_, ..] if status.success() && self.kind == FileKind::ScoreSvg => pages::joined(&made),
            [made, ..] if status.success() => Ok(made.clone()),
            _ => Err(format!("it ended with {status}: {}", last_words(&said))),
        }
    }
}

/// How a program ended.
fn ended(command: &mut Command) -> Result<ExitStatus, String> {
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => return Ok(status),
            None if begun.elapsed() > PATIENCE => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(format!("it has taken more than {} seconds", PATIENCE.as_secs()));
            }
            None => sleep(Duration::from_millis(10)),
        }
    }
}

/// The last line that is not empty.
fn last_words(log: &Path) -> String {
    let said = fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("without a word").to_owned()
}

/// A new folder that is gone when it is dropped.
struct PassingFolder(PathBuf);

impl PassingFolder {
    fn new() -> Result<PassingFolder, String> {
        PassingFolder::below(&env::temp_dir())
    }

    /// Goes past what a program of the same process number has left behind.
    fn below(place: &Path) -> Result<PassingFolder, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = place.join(format!("performer-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => {
                    made.map_err(|error| {
                        let place = if cfg!(windows) { "TEMP" } else { "TMPDIR" };
                        format!("cannot make the folder {}: {error}; {place} names another place", path.display())
                    })?;
                    return Ok(PassingFolder(path));
                }
            }
        }
    }
}

impl Drop for PassingFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_two_endings_counts_and_no_name_is_only_an_ending() {
        let kind = |name: &str| FileKind::from_path(Path::new(name));
        assert_eq!(kind("a/hymn.score.svg"), Some(FileKind::ScoreSvg));
        assert_eq!(kind("hymn.SCORE.Svg"), Some(FileKind::ScoreSvg));
        assert_eq!(kind("hymn.final.svg"), Some(FileKind::Own(Format::Svg)));
        assert_eq!(kind("hymnscore.svg"), Some(FileKind::Own(Format::Svg)));
        assert_eq!(kind(".score.svg"), Some(FileKind::Own(Format::Svg)));
        assert_eq!([kind("hymn"), kind(".mid"), kind("hymn."), kind("hymn.flac")], [None; 4]);
        assert_eq!(FileKind::split("hymn.score.svg"), ("hymn", "score.svg"));
        assert_eq!(FileKind::split("a.b.OGG"), ("a.b", "OGG"));
        assert_eq!(FileKind::split("ö.score.svg"), ("ö", "score.svg"));
        assert_eq!(FileKind::split("öööööö"), ("öööööö", ""));
        for ending in FileKind::ENDINGS.replace(" or ", " ").replace(',', "").split(' ') {
            assert!(FileKind::from_ending(&ending[1..]).is_some(), "{ending}");
        }
        assert!(FileKind::ENDINGS.starts_with(&Format::ENDINGS.replace(" or", ",")));
    }

    #[test]
    fn what_no_program_here_makes_is_told_with_what_to_install() {
        let all = [
            (FileKind::Ogg, "vorbis-tools"),
            (FileKind::Mp3, "lame"),
            (FileKind::Pdf, "musescore.org"),
            (FileKind::ScoreSvg, "musescore.org"),
        ];
        // Where MuseScore is wherever one looks.
        let has_musescore = MUSESCORE.iter().any(|name| find(name, &[]).is_some());
        for (kind, hint) in all.into_iter().filter(|(kind, _)| kind.is_sound() || !has_musescore) {
            let said = kind.maker(&[]).err().expect("nothing is there").to_string();
            assert!(said.contains(&format!(".{}", kind.ending())) && said.contains(hint), "{said}");
        }
    }

    #[test]
    fn a_folder_that_an_earlier_program_left_behind_stays_and_another_is_made() {
        let place = tempfile::tempdir().unwrap();
        let left: Vec<PathBuf> =
            (0..100).map(|number| place.path().join(format!("performer-{}-{number}", process::id()))).collect();
        left.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let made = PassingFolder::below(place.path()).unwrap();
        assert!(made.0.is_dir() && !left.contains(&made.0), "{}", made.0.display());
        drop(made);
        assert!(left.iter().all(|folder| folder.is_dir()));
        assert!(PassingFolder::below(&place.path().join("none")).is_err(), "what cannot be made is told");
    }

    /// In place of the program that makes this kind, one whose last two arguments are OUT and IN.
    #[cfg(unix)]
    fn stand_in(kind: FileKind, name: &str, script: &str, folder: &Path) -> Maker {
        use std::os::unix::fs::PermissionsExt;

        let program = folder.join(name);
        let takes = "while [ $# -gt 2 ]; do shift; done";
        fs::write(&program, format!("#!/bin/sh\n{takes}\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        kind.maker(&[folder.to_owned()]).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn a_program_makes_a_file_of_ours_and_one_that_fails_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let maker = |script: &str| stand_in(FileKind::Ogg, "oggenc", script, folder.path());
        let made = maker("(printf OggS; cat \"$2\") > \"$1\"").make(b"RIFF").unwrap();
        assert_eq!(made, b"OggSRIFF");
        let said = |script: &str| maker(script).make(b"RIFF").unwrap_err().to_string();
        let failed = said("echo 'no room on the disk' >&2; exit 3");
        assert!(failed.contains("oggenc makes no .ogg") && failed.contains("no room on the disk"), "{failed}");
        assert!(said("exit 0").contains("without a word"), "a program that makes nothing has failed");
    }

    #[cfg(unix)]
    #[test]
    fn the_pages_of_an_engraved_score_become_one_picture() {
        let folder = tempfile::tempdir().unwrap();
        let maker = |script: &str| stand_in(FileKind::ScoreSvg, MUSESCORE[0], script, folder.path());
        let page = "<svg width=\\\"10\\\" height=\\\"20\\\" viewBox=\\\"0 0 100 200\\\"><path/></svg>";
        let write = |number: &str| format!("echo \"{page}\" > \"${{1%.svg}}{number}.svg\"\n");
        let made = maker(&[write("-2"), write("-1")].concat()).make(b"<score/>").unwrap();
        let made = String::from_utf8(made).unwrap();
        assert!(made.contains("viewBox=\"0 0 100.00 400.00\"") && made.matches("<path/>").count() == 2, "{made}");
        let said = |script: &str| maker(script).make(b"<score/>").unwrap_err().to_string();
        assert!(said("exit 0").contains("makes no .score.svg"));
        assert!(said("echo nonsense > \"${1%.svg}-1.svg\"").contains("page 1"));
    }
}
