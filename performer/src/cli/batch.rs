//! Many melodies in one call: which files, several at once, one bar of progress, and a table at the end.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use harmonizer::parallel::on_threads;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{OutputOptions, Targets, print};

/// A melody and where it goes.
pub struct Job {
    pub input: PathBuf,
    pub targets: Targets,
}

pub enum Jobs {
    One(Job),
    /// Sorted by name. An input whose outputs cannot be written has its reason instead.
    Many(Vec<(PathBuf, Result<Job>)>),
}

/// What the table says of a melody that was harmonized.
pub struct Row {
    pub notes: usize,
    pub steps: usize,
    pub marks: usize,
    pub seconds: f64,
}

/// One file is one piece; folders, patterns and several files are many.
pub fn jobs(inputs: &[String], output: &OutputOptions) -> Result<Jobs> {
    if let [input] = inputs
        && !Path::new(input).is_dir()
        && (Path::new(input).exists() || !is_pattern(input))
    {
        let input = PathBuf::from(input);
        let stem = input.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let targets = output.targets(Some(&input), &stem)?;
        return Ok(Jobs::One(Job { input, targets }));
    }
    output.check_folder()?;
    // With the place of each below the folder that was named.
    let mut found: Vec<(PathBuf, PathBuf)> = Vec::new();
    for input in inputs {
        let path = Path::new(input);
        if path.is_dir() {
            let before = found.len();
            search(path, path, &mut found)?;
            if found.len() == before {
                bail!("{input} holds no melodies: nothing in it ends in .{}", files::ENDINGS.join(", ."));
            }
        } else if !path.exists() && is_pattern(input) {
            let matching = glob::glob(input).with_context(|| format!("the pattern '{input}'"))?;
            let files: Vec<PathBuf> = matching.filter_map(Result::ok).filter(|path| path.is_file()).collect();
            if files.is_empty() {
                bail!("nothing matches the pattern '{input}'");
            }
            found.extend(files.into_iter().map(|file| (file.clone(), name_of(&file))));
        } else {
            found.push((path.to_owned(), name_of(path)));
        }
    }
    found.sort();
    found.dedup();
    let mut stems: HashMap<PathBuf, usize> = HashMap::new();
    found.iter().for_each(|(_, below)| *stems.entry(below.with_extension("")).or_default() += 1);
    let mut taken: HashMap<PathBuf, PathBuf> = HashMap::new();
    for (input, below) in &mut found {
        // The same piece in two formats: the name tells which it was made from.
        if stems[&below.with_extension("")] > 1
            && let (Some(stem), Some(ending)) = (below.file_stem(), below.extension())
        {
            let (stem, ending) = (stem.to_string_lossy(), ending.to_string_lossy());
            *below = below.with_file_name(format!("{stem}-{ending}.{ending}"));
        }
        if let Some(other) = taken.insert(below.clone(), input.clone()) {
            bail!("{} and {} would be written to the same file; rename one", other.display(), input.display());
        }
    }
    let mut jobs = Vec::new();
    for (input, below) in found {
        let job = output.targets_in_folder(&input, &below).map(|targets| Job { input: input.clone(), targets });
        jobs.push((input, job));
    }
    Ok(Jobs::Many(jobs))
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn name_of(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}

/// Files of the known endings, in `folder` and below.
fn search(root: &Path, folder: &Path, found: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let path = entry.path();
        // Links to folders are left alone: they may lead in a circle.
        if entry.file_type().with_context(cannot)?.is_dir() {
            search(root, &path, found)?;
        } else if path.is_file() && files::is_music(&path) {
            let below = path.strip_prefix(root).unwrap_or(&path).to_owned();
            found.push((path, below));
        }
    }
    Ok(())
}

/// Works on all, `workers` at once. What fails is listed and the rest is done.
///
/// # Errors
/// When any failed.
pub fn run(
    jobs: Vec<(PathBuf, Result<Job>)>,
    workers: Option<u16>,
    output: &OutputOptions,
    work: impl Fn(&Job, &dyn Fn(&str)) -> Result<Row> + Sync,
) -> Result<()> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.map_or(processors, usize::from).min(jobs.len());
    let bar = ProgressBar::with_draw_target(Some(jobs.len() as u64), progress_target(output));
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {eta} {msg}") {
        bar.set_style(style);
    }
    let results = on_threads(workers, &jobs, |_, (input, job)| {
        let name = input.display().to_string();
        let say = |remark: &str| {
            let line = if remark.starts_with(&name) { remark.into() } else { format!("{name}: {remark}") };
            bar.suspend(|| output.say(&line));
        };
        let result = match job {
            Ok(job) => work(job, &say),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        bar.inc(1);
        // What fails is listed below, and stops nothing.
        Ok::<_, Infallible>(result)
    });
    bar.finish_and_clear();
    let Ok(results) = results;
    let (mut table, mut failures) = (String::new(), Vec::new());
    let width = jobs.iter().map(|(input, _)| input.display().to_string().chars().count()).max().unwrap_or(0);
    table += &format!("{:<width$}  {:>6}  {:>6}  {:>6}  {:>7}\n", "melody", "notes", "steps", "marks", "seconds");
    for ((input, _), result) in jobs.iter().zip(results) {
        let name = input.display().to_string();
        match result {
            Ok(Row { notes, steps, marks, seconds }) => {
                table += &format!("{name:<width$}  {notes:>6}  {steps:>6}  {marks:>6}  {seconds:>7.2}\n");
            }
            Err(error) => {
                table += &format!("{name:<width$}  failed\n");
                failures.push(format!("{error:#}"));
            }
        }
    }
    if !output.is_quiet() {
        print(&table)?;
    }
    if failures.is_empty() {
        output.say(&format!("{} melodies harmonized", jobs.len()));
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
