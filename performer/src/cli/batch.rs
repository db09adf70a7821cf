//! Many melodies in one call: which files, several at once, one bar of progress, and a table at the end.

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use harmonizer::parallel::on_threads;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{Names, OutputOptions, check_no_address, print};
use super::share::{Report, Share};
use super::targets::{Targets, is_stream};

/// A melody and where it goes.
pub struct Job {
    pub input: PathBuf,
    /// Which tune of an ABC file it is.
    pub tune: Option<String>,
    pub targets: Targets,
    /// All of the files are there already, and are to stay.
    pub is_done: bool,
}

/// What `--tune` calls all tunes of an ABC file, each of them a melody.
const ALL: &str = "all";

/// A file, perhaps only a tune of it, and its place below the folder that was named.
type Found = (PathBuf, Option<String>, PathBuf);

pub enum Jobs {
    One(Job),
    /// Sorted by name, which comes first. An input whose outputs cannot be written has its reason instead, as has a folder that
    /// cannot be read; those come last. All go into one folder.
    Many(PathBuf, Vec<(String, Result<Job>)>),
}

impl Jobs {
    /// Those whose outputs can be written.
    pub fn all(&self) -> impl Iterator<Item = &Job> {
        let (one, many) = match self {
            Jobs::One(job) => (Some(job), [].as_slice()),
            Jobs::Many(_, jobs) => (None, jobs.as_slice()),
        };
        one.into_iter().chain(many.iter().filter_map(|(_, job)| job.as_ref().ok()))
    }
}

/// What the table and the report say of a melody that was harmonized.
#[derive(Clone, Debug)]
pub struct Row {
    pub notes: usize,
    pub steps: usize,
    pub marks: usize,
    pub seconds: f64,
    /// Which line of the file it is.
    pub place: String,
    /// All that it became.
    pub files: Vec<PathBuf>,
}

/// One file is one piece; folders, patterns, several files and all tunes of one are many, of which a `share` may be wanted.
pub fn jobs(inputs: &[String], tune: Option<&str>, share: Option<Share>, output: &OutputOptions) -> Result<Jobs> {
    inputs.iter().try_for_each(|input| check_no_address(Path::new(input)))?;
    if inputs.len() > 1 && !inputs.iter().all(|input| Path::new(input).exists()) {
        let name = inputs.join(" ");
        if Path::new(&name).is_file() {
            bail!("'{name}' is one file; write its name in quotes, since it has spaces");
        }
    }
    if let [input] = inputs
        && !Path::new(input).is_dir()
        && (Path::new(input).exists() || !is_pattern(input))
        && (tune != Some(ALL) || is_stream(Path::new(input)))
    {
        return Ok(Jobs::One(one(PathBuf::from(input), tune, output)?));
    }
    let melodies = inputs.first().map(Path::new).filter(|path| inputs.len() == 1 && path.is_dir());
    let folder = output.folder(melodies)?;
    let results = Results::of(&folder, output);
    // With the place of each below the folder that was named.
    let mut found: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut locked: Vec<Locked> = Vec::new();
    for input in inputs {
        let path = Path::new(input);
        if is_stream(path) {
            bail!("what comes from stdin is one melody; harmonize it in a call of its own");
        } else if path.is_dir() {
            let before = found.len() + locked.len();
            results.check(path)?;
            search(path, path, &results, (&mut found, &mut locked));
            if found.len() + locked.len() == before {
                bail!("{input} holds no melodies: nothing in it ends in .{}", files::ENDINGS.join(", ."));
            }
        } else if !path.exists() && is_pattern(input) {
            found.extend(matching(input, &results)?.into_iter().map(|file| (file.clone(), name_of(&file))));
        } else {
            found.push((path.to_owned(), name_of(path)));
        }
    }
    if found.is_empty()
        && let Some((.., error)) = locked.pop()
    {
        return Err(error);
    }
    found.sort();
    found.dedup();
    let mut found = with_tunes(found, tune);
    let mut stems: HashMap<PathBuf, usize> = HashMap::new();
    found.iter().for_each(|(.., below)| *stems.entry(below.with_extension("")).or_default() += 1);
    for (.., below) in &mut found {
        // The same piece in two formats: the name tells which it was made from.
        if stems[&below.with_extension("")] > 1
            && let (Some(stem), Some(ending)) = (below.file_stem(), below.extension())
        {
            let (stem, ending) = (stem.to_string_lossy(), ending.to_string_lossy());
            *below = below.with_file_name(format!("{stem}-{ending}.{ending}"));
        }
    }
    check_apart(&found, &folder, output)?;
    // After the names are given, so that they are the same in every share.
    found.retain(|(.., below)| share.is_none_or(|share| share.has(below)));
    if let Some(share) = share.filter(|_| found.is_empty()) {
        output.say(&format!("--shard {share} has none of the {} melodies", stems.values().sum::<usize>()));
    }
    let (is_all, mut jobs) = (tune == Some(ALL), Vec::new());
    for (input, tune, below) in found {
        let number = tune.as_ref().filter(|_| is_all).map(|tune| format!(" --tune {tune}")).unwrap_or_default();
        let name = format!("{}{number}", input.display());
        let targets = output.targets_in_folder(&folder, &input, &below);
        let job = |targets| Job { input, tune, is_done: output.is_done(&targets), targets };
        jobs.push((name, targets.map(job)));
    }
    let locked = locked.into_iter().filter(|(_, below, _)| share.is_none_or(|share| share.has(below)));
    jobs.extend(locked.map(|(folder, _, error)| (folder.display().to_string(), Err(error))));
    Ok(Jobs::Many(folder, jobs))
}

/// A folder that cannot be read, its place below the one that was named, and why.
type Locked = (PathBuf, PathBuf, anyhow::Error);

/// Refuses two melodies that would become the same file, which one of them would not get.
fn check_apart(found: &[Found], folder: &Path, output: &OutputOptions) -> Result<()> {
    let mut taken: HashMap<PathBuf, usize> = HashMap::new();
    for (number, (input, _, below)) in found.iter().enumerate() {
        for file in output.files_in_folder(folder, below) {
            if let Some(other) = taken.get(&file).filter(|&&other| other != number) {
                let (other, input, file) = (found[*other].0.display(), input.display(), file.display());
                bail!("{other} and {input} would be written to the same file, {file}; rename one");
            }
            taken.insert(file, number);
        }
    }
    Ok(())
}

/// With the tune of each; of ABC files, where all tunes are asked for, each with its number behind the name.
fn with_tunes(found: Vec<(PathBuf, PathBuf)>, tune: Option<&str>) -> Vec<Found> {
    let mut all = Vec::new();
    for (input, below) in found {
        if tune != Some(ALL) {
            all.push((input, tune.map(str::to_owned), below));
            continue;
        }
        let is_book = input.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("abc"));
        let numbers = files::load(&input).ok().filter(|_| is_book).map(|bytes| files::abc::numbers(&bytes));
        let Some(Ok(numbers)) = numbers else {
            // What cannot be read is told with the others that fail.
            all.push((input, None, below));
            continue;
        };
        let stem = stem_of(&below);
        let file = |number: u64| below.with_file_name(format!("{stem}-{number}.abc"));
        all.extend(numbers.into_iter().map(|number| (input.clone(), Some(number.to_string()), file(number))));
    }
    all
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn name_of(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}

fn one(input: PathBuf, tune: Option<&str>, output: &OutputOptions) -> Result<Job> {
    let stem = if is_stream(&input) { "chorale".into() } else { stem_of(&input) };
    let new = (!is_stream(&input)).then(|| input.with_file_name(format!("{stem}{CHORALE}")));
    let targets = output.targets(&Names { input: Some(&input), stem: &stem, new })?;
    Ok(Job { input, tune: tune.map(str::to_owned), targets, is_done: false })
}

/// Behind the name of a melody: its chorale, where no --output names it.
const CHORALE: &str = "-chorale";

/// The name of the melody of which a file was made, by its own: `tune` for `tune-chorale-2_1`.
fn melody_of(stem: &str) -> Option<&str> {
    let (melody, number) = stem.rsplit_once(CHORALE)?;
    number.chars().all(|character| character.is_ascii_digit() || matches!(character, '-' | '_')).then_some(melody)
}

fn stem_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder that the results go to: what an earlier call wrote into it is no melody.
struct Results<'a> {
    /// None where there is no such folder yet.
    folder: Option<PathBuf>,
    output: &'a OutputOptions,
}

impl Results<'_> {
    fn of<'a>(folder: &Path, output: &'a OutputOptions) -> Results<'a> {
        Results { folder: folder.canonicalize().ok(), output }
    }

    /// Refuses to write into the very folder that is read.
    fn check(&self, melodies: &Path) -> Result<()> {
        if self.folder.is_some() && melodies.canonicalize().ok() == self.folder {
            bail!(
                "--output {} is the folder that is read: the next call would take its chorales for melodies; name \
                 another folder, which may lie in it",
                melodies.display()
            );
        }
        Ok(())
    }

    fn is_at(&self, folder: &Path) -> bool {
        self.folder.is_some() && folder.canonicalize().ok() == self.folder
    }

    /// Whether a file lies in it.
    fn hold(&self, file: &Path) -> bool {
        let Some(folder) = &self.folder else { return false };
        file.canonicalize().is_ok_and(|file| file.starts_with(folder))
    }

    fn say_left_out(&self, what: &Path, why: &str) {
        self.output.say(&format!("{} is left out: {why}", what.display()));
    }
}

/// Files of the known endings, in `folder` and below, without results of earlier calls; and the folders that cannot be read.
fn search(
    root: &Path,
    folder: &Path,
    results: &Results,
    (found, locked): (&mut Vec<(PathBuf, PathBuf)>, &mut Vec<Locked>),
) {
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
            .collect::<io::Result<Vec<_>>>()
    });
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let error = anyhow::Error::from(error).context(format!("cannot read the folder {}", folder.display()));
            locked.push((folder.to_owned(), below(folder), error));
            return;
        }
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for (path, kind) in entries {
        // Links to folders are left alone: they may lead in a circle.
        if kind.is_dir() {
            match results.is_at(&path) {
                true => results.say_left_out(&path, "the chorales go there"),
                false => search(root, &path, results, (&mut *found, &mut *locked)),
            }
        } else if (kind.is_file() || path.is_file()) && files::is_music(&path) {
            files.push(path);
        }
    }
    let stems: HashSet<String> = files.iter().map(|path| stem_of(path)).collect();
    for path in files {
        match melody_of(&stem_of(&path)).is_some_and(|melody| stems.contains(melody)) {
            true => results.say_left_out(&path, "it was made of another melody here"),
            false => found.push((path.clone(), below(&path))),
        }
    }
}

/// The files that a pattern matches, without the results, unless the pattern names their folder.
fn matching(pattern: &str, results: &Results) -> Result<Vec<PathBuf>> {
    let matching = glob::glob(pattern).with_context(|| format!("the pattern '{pattern}'"))?;
    let mut files: Vec<PathBuf> = matching.filter_map(Result::ok).filter(|path| path.is_file()).collect();
    let named: PathBuf =
        Path::new(pattern).components().take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy())).collect();
    let named = if named.as_os_str().is_empty() { Path::new(".") } else { &named };
    if !results.hold(named) && files.iter().any(|file| results.hold(file)) {
        files.retain(|file| !results.hold(file));
        results.output.say(&format!("what '{pattern}' matches among the chorales of an earlier call is left out"));
    }
    if files.is_empty() {
        bail!("nothing matches the pattern '{pattern}'");
    }
    Ok(files)
}

/// Works on all, `workers` at once, but for what is there already. What fails is listed and the rest is done.
///
/// # Errors
/// When any failed, or the report cannot be written.
pub fn run(
    (folder, jobs): (PathBuf, Vec<(String, Result<Job>)>),
    (workers, report): (Option<u16>, Option<Report>),
    output: &OutputOptions,
    work: impl Fn(&Job, &dyn Fn(&str)) -> Result<Row> + Sync,
) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.map_or(processors, usize::from).min(jobs.len());
    let bar = ProgressBar::with_draw_target(Some(jobs.len() as u64), progress_target(output));
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {eta} {msg}") {
        bar.set_style(style);
    }
    let results = on_threads(workers, &jobs, |_, (name, job)| {
        let say = |remark: &str| {
            let line = if remark.starts_with(name) { remark.into() } else { format!("{name}: {remark}") };
            bar.suspend(|| output.say(&line));
        };
        let result = match job {
            Ok(job) if job.is_done => Ok(None),
            Ok(job) => work(job, &say).map(Some),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        bar.inc(1);
        if let Some(report) = &report {
            report.add(name, || job.as_ref().map(|job| output.all_files(&job.targets)).unwrap_or_default(), &result)?;
        }
        // What fails is listed below, and stops nothing.
        Ok::<_, anyhow::Error>(result)
    });
    bar.finish_and_clear();
    let (mut table, mut failures, mut there) = (String::new(), Vec::new(), 0);
    let width = jobs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    table +=
        &format!("{:<width$}  {:>6}  {:>6}  {:>6}  {:>7}  taken\n", "melody", "notes", "steps", "marks", "seconds");
    for ((name, _), result) in jobs.iter().zip(results?) {
        match result {
            Ok(Some(Row { notes, steps, marks, seconds, place, .. })) => {
                table += &format!("{name:<width$}  {notes:>6}  {steps:>6}  {marks:>6}  {seconds:>7.2}  {place}\n");
            }
            Ok(None) => there += 1,
            Err(error) => {
                table += &format!("{name:<width$}  failed\n");
                failures.push(format!("{error:#}"));
            }
        }
    }
    if !output.is_quiet() && there < jobs.len() {
        print(&table)?;
    }
    let melodies = |count: usize| if count == 1 { "1 melody".into() } else { format!("{count} melodies") };
    let folder = folder.display();
    if there > 0 {
        let (are, them) = if there == 1 { ("is", "it") } else { ("are", "them") };
        output.say(&format!("{} {are} there already in {folder}; --force harmonizes {them} again", melodies(there)));
    }
    let harmonized = jobs.len() - there - failures.len();
    if harmonized > 0 {
        output.say(&format!("{} harmonized, into {folder}", melodies(harmonized)));
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{} of {} melodies failed:\n  {}", failures.len(), jobs.len(), failures.join("\n  "))
}

fn progress_target(output: &OutputOptions) -> ProgressDrawTarget {
    if output.is_quiet() || !io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    }
}
