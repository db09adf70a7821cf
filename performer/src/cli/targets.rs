//! Where a piece goes: files of given or new names, folders, stdout.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use arranger::FileKind;
use chorale::Part;
use files::Ensemble;

/// What stands for stdin and stdout in place of a file.
const STANDARD_STREAM: &str = "-";

/// Whether a path names stdin or stdout.
pub fn is_stream(path: &Path) -> bool {
    path == Path::new(STANDARD_STREAM)
}

pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The same file however it is written: `a.mid` and `./a.mid`. Neither it nor its folder need be there.
pub fn full(path: &Path) -> PathBuf {
    let new = || Some(full(folder_of(path)).join(path.file_name()?));
    path.canonicalize().ok().or_else(new).unwrap_or_else(|| path.to_owned())
}

/// Whether a path says that it is a folder, which need not be there: `hymns/`.
pub fn names_folder(path: &Path) -> bool {
    path.to_string_lossy().ends_with(std::path::is_separator)
}

/// Folders that were not there before; unless they are `kept`, those that hold nothing go again.
#[derive(Default)]
pub struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes a folder with all that it lies in.
    ///
    /// # Errors
    /// With its name, where it cannot be made.
    pub fn make(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|above| !is_there(above)).collect();
        self.0.extend(missing.into_iter().rev().map(Path::to_owned));
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
    }

    pub fn kept(mut self) {
        self.0.clear();
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        self.0.iter().rev().for_each(|folder| _ = fs::remove_dir(folder));
    }
}

fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.exists()
}

/// Whether there can be a file; `option` names it.
pub fn check_place(option: &str, path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("{option} {} is a folder; name a file in it", path.display());
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        bail!("{option} {}: there is no folder {}; create it first", path.display(), folder.display());
    }
    Ok(())
}

/// A file, or stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    File(PathBuf),
    Stdout,
}

/// The files that one piece becomes, and perhaps what goes to stdout.
#[derive(Clone, Debug)]
pub struct Targets(pub Vec<(Target, FileKind)>);

impl Targets {
    /// All files that will be written, for rehearsals of these singers too.
    pub fn files(&self, rehearsed: Option<&Ensemble>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for (target, kind) in &self.0 {
            let Target::File(path) = target else { continue };
            files.push(path.clone());
            if let Some(ensemble) = rehearsed.filter(|_| kind.is_sound()) {
                files.extend(ensemble.parts().into_iter().map(|part| rehearsal_path(path, ensemble, part)));
            }
        }
        files
    }

    /// What goes to stdout, once for each time.
    pub fn on_stdout(&self) -> impl Iterator<Item = FileKind> {
        self.0.iter().filter(|(target, _)| *target == Target::Stdout).map(|(_, kind)| *kind)
    }

    /// The same with a number behind each name.
    pub fn version(&self, number: u16) -> Targets {
        let numbered = |path: &Path| behind_stem(path, &number.to_string());
        let versions = self.0.iter().map(|(target, kind)| match target {
            Target::File(path) => (Target::File(numbered(path)), *kind),
            Target::Stdout => (Target::Stdout, *kind),
        });
        Targets(versions.collect())
    }

    /// The names, for people.
    pub fn list(&self) -> String {
        let names = self.0.iter().map(|(target, _)| match target {
            Target::File(path) => path.display().to_string(),
            Target::Stdout => "stdout".into(),
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

pub fn rehearsal_path(path: &Path, ensemble: &Ensemble, part: Part) -> PathBuf {
    behind_stem(path, &ensemble.file_name(part))
}

/// `hymn_2.score.svg` for `hymn.score.svg`.
fn behind_stem(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = FileKind::split(&name);
    path.with_file_name(format!("{stem}_{what}.{ending}"))
}

/// The first of `name`, `name-2`, `name-3` and so on that is free.
pub fn first_free<T>(name: &str, mut made: impl FnMut(&str) -> T, is_free: impl Fn(&T) -> bool) -> T {
    let mut number = 1;
    loop {
        let numbered = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let candidate = made(&numbered);
        if is_free(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// The folder beside the one that holds the melodies: `hymns-chorales` beside `hymns`. One that is there is taken if an
/// earlier call may have made it, so that this call goes on there.
pub fn folder_beside(melodies: &Path) -> Result<PathBuf> {
    let nameless =
        || anyhow!("{} has no name to go by; --output FOLDER says where the chorales go", melodies.display());
    // `.` has a name only in full.
    let named = match melodies.file_name() {
        Some(_) => melodies.to_owned(),
        None => melodies.canonicalize().with_context(|| format!("cannot read the folder {}", melodies.display()))?,
    };
    let name = named.file_name().ok_or_else(nameless)?.to_string_lossy().into_owned();
    let is_free = |folder: &PathBuf| !folder.exists() || has_chorales_of(melodies, folder);
    Ok(first_free(&format!("{name}-chorales"), |name| named.with_file_name(name), is_free))
}

/// Whether a folder holds a chorale of one of the melodies, or no files but those of which a call was writing one when it
/// was cut off.
fn has_chorales_of(melodies: &Path, folder: &Path) -> bool {
    let Some(files) = files_below(folder) else { return false };
    let stems: HashSet<PathBuf> =
        files_below(melodies).unwrap_or_default().iter().map(|file| file.with_extension("")).collect();
    let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Behind the melody's name may stand a version, a tune, an ending or a part.
    let is_chorale = |file: &PathBuf| {
        let name = name(file);
        let (stem, _) = FileKind::split(&name);
        let ends = stem.match_indices(['_', '-']).map(|(at, _)| at).chain([stem.len()]);
        FileKind::from_path(file).is_some()
            && ends.into_iter().any(|end| stems.contains(&file.with_file_name(&stem[..end])))
    };
    files.iter().any(is_chorale) || files.iter().all(|file| files::is_unfinished(&name(file)))
}

/// The files in a folder and in those below it, by where they lie in it; `None` where it cannot be read or is none.
fn files_below(root: &Path) -> Option<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(_) if folder == root => return None,
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.extend(entry.path().strip_prefix(root).map(Path::to_owned)),
            }
        }
    }
    Some(files)
}

/// What the ending of a file's name asks for; where that is nothing, what comes nearest to it.
pub fn kind_of(path: &Path) -> Result<FileKind> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    FileKind::from_path(path).ok_or_else(|| {
        anyhow!("--output {}: its name must end in {}{}", path.display(), FileKind::ENDINGS, hint(&ending))
    })
}

/// `mid`, `.musicxml`: for `--format`.
pub fn kind_named(ending: &str) -> Result<(String, FileKind), String> {
    let ending = ending.trim().trim_start_matches('.').to_lowercase();
    match FileKind::from_ending(&ending) {
        Some(kind) => Ok((ending, kind)),
        None => Err(format!("expected {}{}", FileKind::ENDINGS, hint(&ending))),
    }
}

/// How to come by a format that is not written.
fn hint(ending: &str) -> String {
    let way = match ending.to_lowercase().as_str() {
        "ps" => "pdf2ps makes it of .pdf",
        "opus" | "flac" | "m4a" | "aac" => "ffmpeg and Audacity make it of .wav",
        "mscz" | "mscx" | "sib" | "mus" | "musx" | "dorico" | "gp" => "notation programs open .musicxml and .mxl",
        "ly" | "abc" => "musicxml2ly makes LilyPond of .musicxml, xml2abc makes ABC",
        "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "tiff" => "as a picture there are .png and .svg",
        _ => return String::new(),
    };
    format!("\nhint: {way}")
}

/// What goes to stdout goes alone, in one format, and no binary to a terminal.
pub fn check_stdout(kinds: &[FileKind], is_terminal: bool) -> Result<()> {
    let [kind] = kinds else {
        bail!("--output -: only one file fits into stdout; --format names which, other --output take the rest");
    };
    if is_terminal && !kind.is_text() {
        bail!("--output -: that is no text for a terminal; lead it on with > FILE or |, or name a file");
    }
    Ok(())
}

/// A reader that has seen enough (`| head`) is no error.
pub fn write_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}

#[cfg(test)]
mod tests {
    use engraving::Format;

    use super::*;

    #[test]
    fn a_format_that_is_not_written_comes_with_the_way_to_it() {
        let said = |name: &str| kind_of(Path::new(name)).unwrap_err().to_string();
        assert!(said("x.ps").contains("must end in .mid") && said("x.ps").contains(".pdf"), "{}", said("x.ps"));
        assert!(said("x.FLAC").contains(".wav"), "{}", said("x.FLAC"));
        assert!(!said("x").contains("hint") && !said("x.y").contains("hint"));
        assert!(kind_named("mscz").unwrap_err().contains(".musicxml"));
        assert_eq!(kind_named(" .MXL"), Ok(("mxl".into(), FileKind::Own(Format::Mxl))));
        assert_eq!(kind_of(Path::new("x.OGG")).unwrap(), FileKind::Ogg);
    }

    #[test]
    fn new_folders_go_again_unless_they_are_kept_and_those_that_were_there_stay() {
        let root = tempfile::tempdir().unwrap();
        let (there, new) = (root.path().join("there"), root.path().join("there/new/below"));
        fs::create_dir(&there).unwrap();
        let make = || {
            let mut folders = NewFolders::default();
            folders.make(&new).unwrap();
            folders
        };
        drop(make());
        assert!(there.is_dir() && !there.join("new").exists());
        let folders = make();
        fs::write(there.join("new/file"), b"").unwrap();
        drop(folders);
        assert!(there.join("new/file").exists() && !new.exists(), "nobody's file is lost");
        make().kept();
        assert!(new.is_dir());
        let failed = NewFolders::default().make(&there.join("new/file/below/it")).unwrap_err();
        assert!(failed.to_string().contains("cannot make the folder"), "{failed}");
    }

    #[test]
    fn a_file_is_the_same_however_it_is_written_also_in_a_folder_to_be_made() {
        assert_eq!(full(Path::new("not/there/a.mid")), full(Path::new("./not/there/a.mid")));
        assert_ne!(full(Path::new("not/there/a.mid")), full(Path::new("not/a.mid")));
    }

    #[test]
    fn a_new_name_is_the_first_that_is_free() {
        let taken = ["tune", "tune-2"];
        let found = first_free("tune", str::to_owned, |name| !taken.contains(&name.as_str()));
        assert_eq!(found, "tune-3");
        assert_eq!(first_free("tune", str::to_owned, |_| true), "tune");
    }

    #[test]
    fn stdout_takes_one_file_and_a_terminal_only_text() {
        let (midi, json) = (FileKind::Own(Format::Midi), FileKind::Own(Format::Json));
        assert!(check_stdout(&[midi], false).is_ok());
        assert!(check_stdout(&[json], true).is_ok());
        assert!(check_stdout(&[midi], true).is_err());
        assert!(check_stdout(&[json, json], false).is_err());
    }
}
