//! Formats that another program makes of ours, where it is installed: compressed sound, and engraved pages.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, process};

use anyhow::{Context, Result, anyhow, bail};
use engraving::Format;

/// See [`Kind::Outside`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    Ogg,
    Mp3,
    Pdf,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours(Format),
    /// Made of a format of ours by another program.
    Outside(Outside),
}

impl Kind {
    pub fn from_ending(ending: &str) -> Option<Kind> {
        let outside = match ending.to_lowercase().as_str() {
            "ogg" => Outside::Ogg,
            "mp3" => Outside::Mp3,
            "pdf" => Outside::Pdf,
            _ => return Format::from_ending(ending).map(Kind::Ours),
        };
        Some(Kind::Outside(outside))
    }

    pub fn from_path(path: &Path) -> Option<Kind> {
        Kind::from_ending(path.extension()?.to_str()?)
    }

    /// The format of ours that it is, or is made of.
    pub fn format(self) -> Format {
        match self {
            Kind::Ours(format) => format,
            Kind::Outside(Outside::Ogg | Outside::Mp3) => Format::Wav,
            Kind::Outside(Outside::Pdf) => Format::MusicXml,
        }
    }

    pub fn is_sound(self) -> bool {
        self.format() == Format::Wav
    }

    /// Whether a terminal can show it.
    pub fn is_text(self) -> bool {
        matches!(self, Kind::Ours(Format::MusicXml | Format::Svg | Format::Html | Format::Json))
    }

    /// Refuses what no program that is installed makes.
    pub fn check(self) -> Result<()> {
        match self {
            Kind::Ours(_) => Ok(()),
            Kind::Outside(outside) => outside.maker(&search_path()).map(drop),
        }
    }

    /// What becomes of the bytes of its [`Kind::format`].
    pub fn finish(self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Kind::Ours(_) => Ok(bytes),
            Kind::Outside(outside) => outside.maker(&search_path())?.make(&bytes),
        }
    }
}

/// What makes a format: programs by their names or places, and how they are called. `IN` and `OUT` stand for files.
type Way = (&'static [&'static str], &'static [&'static str]);

impl Outside {
    fn ending(self) -> &'static str {
        match self {
            Outside::Ogg => "ogg",
            Outside::Mp3 => "mp3",
            Outside::Pdf => "pdf",
        }
    }

    /// The first that is installed is taken.
    fn ways(self) -> &'static [Way] {
        match self {
            // The serial number of the stream would be another one each time.
            Outside::Ogg => &[
                (&["oggenc"], &["--quiet", "--quality", "5", "--serial", "1", "-o", "OUT", "IN"]),
                (&["ffmpeg"], &["-v", "error", "-i", "IN", "-c:a", "libvorbis", "-q:a", "5", "-bitexact", "OUT"]),
            ],
            Outside::Mp3 => &[
                (&["lame"], &["--quiet", "-V", "2", "IN", "OUT"]),
                (&["ffmpeg"], &["-v", "error", "-i", "IN", "-c:a", "libmp3lame", "-q:a", "2", "-bitexact", "OUT"]),
            ],
            Outside::Pdf => &[(MUSESCORE, &["-o", "OUT", "IN"])],
        }
    }

    /// What to install where none is.
    fn hint(self) -> &'static str {
        match self {
            Outside::Ogg => "install oggenc (vorbis-tools) or ffmpeg",
            Outside::Mp3 => "install lame or ffmpeg",
            Outside::Pdf => "install MuseScore (https://musescore.org), or write .html, which a browser prints",
        }
    }

    fn maker(self, search_path: &[PathBuf]) -> Result<Maker> {
        let found = self.ways().iter().find_map(|(names, arguments)| {
            let program = names.iter().find_map(|name| find(name, search_path))?;
            Some(Maker { program, arguments, ending: self.ending(), from: Kind::Outside(self).format() })
        });
        found.ok_or_else(|| {
            anyhow!(".{} is made by another program, and none is here\nhint: {}", self.ending(), self.hint())
        })
    }
}

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
    ending: &'static str,
    from: Format,
}

/// No piece takes longer; a program that waits for somebody would take for ever.
const PATIENCE: Duration = Duration::from_secs(180);

impl Maker {
    fn make(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.run(bytes).with_context(|| format!("{name} makes no .{} of the piece", self.ending))
    }

    fn run(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let folder = PassingFolder::new()?;
        let from = folder.0.join(if self.from == Format::Wav { "piece.wav" } else { "piece.musicxml" });
        let to = folder.0.join(format!("piece.{}", self.ending));
        let said = folder.0.join("said.txt");
        fs::write(&from, bytes).with_context(|| format!("cannot write {}", from.display()))?;
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(|argument| match *argument {
            "IN" => from.clone().into_os_string(),
            "OUT" => to.clone().into_os_string(),
            other => OsString::from(other),
        }));
        if env::var_os("DISPLAY").is_none() && env::var_os("WAYLAND_DISPLAY").is_none() && cfg!(target_os = "linux") {
            command.env("QT_QPA_PLATFORM", "offscreen");
        }
        let log = File::create(&said).with_context(|| format!("cannot write {}", said.display()))?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let begun = Instant::now();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => {
                    let _ = child.kill().and_then(|()| child.wait());
                    bail!("it has taken more than {} seconds", PATIENCE.as_secs());
                }
                None => sleep(Duration::from_millis(10)),
            }
        };
        match fs::read(&to) {
            Ok(made) if status.success() && !made.is_empty() => Ok(made),
            _ => {
                let said = fs::read(&said).unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
                bail!("it ended with {status}: {}", last.unwrap_or("without a word"))
            }
        }
    }
}

/// A new folder that is gone when it is dropped.
struct PassingFolder(PathBuf);

impl PassingFolder {
    fn new() -> Result<PassingFolder> {
        PassingFolder::below(&env::temp_dir())
    }

    /// Goes past what a program of the same process number has left behind.
    fn below(place: &Path) -> Result<PassingFolder> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = place.join(format!("performer-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => {
                    made.with_context(|| format!("cannot make the folder {}", path.display()))?;
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
    fn what_no_program_here_makes_is_told_with_what_to_install() {
        for (outside, hint) in [(Outside::Ogg, "vorbis-tools"), (Outside::Mp3, "lame"), (Outside::Pdf, "musescore.org")]
        {
            // Where MuseScore is wherever one looks.
            if outside == Outside::Pdf && MUSESCORE.iter().any(|name| find(name, &[]).is_some()) {
                continue;
            }
            let said = outside.maker(&[]).err().expect("nothing is there").to_string();
            assert!(said.contains(&format!(".{}", outside.ending())) && said.contains(hint), "{said}");
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

    #[cfg(unix)]
    #[test]
    fn a_program_makes_a_file_of_ours_and_one_that_fails_is_told_with_its_last_words() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("oggenc");
        let maker = |script: &str| {
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            Outside::Ogg.maker(&[folder.path().to_owned()]).unwrap()
        };
        // The last two arguments are OUT and IN.
        let takes = "while [ $# -gt 2 ]; do shift; done";
        let made = maker(&format!("{takes}; (printf OggS; cat \"$2\") > \"$1\"")).make(b"RIFF").unwrap();
        assert_eq!(made, b"OggSRIFF");
        let said = |script: &str| format!("{:#}", maker(script).make(b"RIFF").unwrap_err());
        let failed = said("echo 'no room on the disk' >&2; exit 3");
        assert!(failed.contains("oggenc makes no .ogg") && failed.contains("no room on the disk"), "{failed}");
        assert!(said("exit 0").contains("without a word"), "a program that makes nothing has failed");
    }
}
