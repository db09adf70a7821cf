//! The documents say what is so: their links lead somewhere, and what the README tells to type works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::binary::performer;
use tests::root;

fn text(document: &Path) -> String {
    fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", document.display()))
}

/// The Markdown files of the repository.
fn documents() -> Vec<PathBuf> {
    let folders = [".", "docs", "models", "fuzz", "web", "extras/musescore"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder of the repository"));
    let paths = files.map(|file| file.expect("a file").path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// Where the links of a document lead, but those to other sites and within the document.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn every_link_within_the_repository_leads_to_a_file() {
    let mut found = 0;
    for document in documents() {
        for link in links(&text(&document)) {
            let target = document.parent().expect("in a folder").join(link);
            assert!(target.exists(), "{}: '{link}' is not there", document.display());
            found += 1;
        }
    }
    assert!(found > 30, "only {found} links");
}

#[test]
fn no_merge_left_its_marks_in_a_document() {
    let is_mark = |line: &str| ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark));
    for document in documents() {
        assert!(!text(&document).lines().any(is_mark), "{}", document.display());
    }
}

/// The words of a document outside its commands and what it quotes, but those with a link.
fn words(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("    ")).collect();
    let said: String = lines.join("\n").split('`').step_by(2).collect();
    said.split_whitespace().filter(|word| !word.contains("](")).map(str::to_owned).collect()
}

#[test]
fn a_document_that_another_one_names_is_linked() {
    for document in documents() {
        let folder = document.parent().expect("in a folder");
        for word in words(&text(&document)) {
            let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
            let is_document = word.ends_with(".md") && (root().join(word).exists() || folder.join(word).exists());
            assert!(!is_document, "{}: '{word}' is no link", document.display());
        }
    }
}

#[test]
fn the_readme_stays_short_enough_to_be_read() {
    let words = text(&root().join("README.md")).split_whitespace().count();
    assert!(words <= 1200, "{words} words; figures and details belong in docs/");
}

/// The commands of a document's blocks that call a program, without what follows a `#`.
fn commands(document: &str, program: &str) -> Vec<Vec<String>> {
    let document = text(&root().join(document));
    let lines = document
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|line| line.split(" #").next().unwrap_or(line));
    let words = lines.map(shell_words);
    words.filter(|words| words.first().is_some_and(|first| first == program)).map(|words| words[1..].to_vec()).collect()
}

/// As a shell divides a line: what stands in quotation marks is one word.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

#[test]
fn programs_that_are_told_to_be_run_by_cargo_are_named_as_cargo_takes_them() {
    let programs = root().join("tests/src/bin");
    let sources = fs::read_dir(&programs).expect("a folder").map(|file| file.expect("a file").path());
    let mut seen = Vec::new();
    for document in documents().into_iter().chain([root().join("Makefile")]).chain(sources) {
        for line in text(&document).lines() {
            let Some((_, command)) = line.split_once("cargo run ") else { continue };
            let command = command.split(" -- ").next().unwrap_or(command);
            assert!(!command.contains("--workspace"), "{}: run takes no --workspace: {line}", document.display());
            if let Some((_, name)) = command.split_once("--bin ") {
                let name = name.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or(name);
                let is_there = programs.join(name).with_extension("rs").exists();
                assert!(is_there, "{}: there is no program '{name}'", document.display());
                seen.push(name.to_owned());
            }
        }
    }
    assert!(["tune_guard", "fit_critic", "closes"].iter().all(|name| seen.iter().any(|one| one == name)), "{seen:?}");
}

/// The tunes of the repository, and what `make demo` does with them, but that few particles are quicker.
fn make_demo(folder: &Path) {
    let demo = folder.join("demo");
    fs::create_dir(&demo).expect("a folder");
    for file in fs::read_dir(root().join("demo")).expect("the demo").map(|file| file.expect("a file").path()) {
        fs::copy(&file, demo.join(file.file_name().expect("a name"))).expect("a copy");
    }
    let output = ["-o", "demo/harmony.mid", "--force", "--seed", "3", "--particles", "2"];
    run(&[&["render", "demo/melody.mid"][..], &output].concat(), folder);
}

fn run(arguments: &[&str], folder: &Path) {
    let output = Command::new(performer()).args(arguments).current_dir(folder).output().expect("performer runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "performer {}: {said}", arguments.join(" "));
}

#[test]
fn what_is_said_of_the_tunes_of_the_repository_and_of_arranging_works() {
    let folder = tempfile::tempdir().expect("a folder");
    make_demo(folder.path());
    let of_arrangers = ["--bars", "--redo", "--fix", "--chords", "--harmonic-rhythm"];
    let commands = commands("docs/FILES.md", "performer");
    let commands = commands.iter().filter(|command| command.iter().any(|word| word.starts_with("demo/")));
    let mut seen = Vec::new();
    for command in commands {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        seen.extend(of_arrangers.into_iter().filter(|option| arguments.contains(option)));
        if arguments[0] == "render" {
            arguments.extend(["--particles", "2"]);
        }
        run(&arguments, folder.path());
    }
    assert!(of_arrangers.iter().all(|option| seen.contains(option)), "{seen:?}");
}

#[test]
fn what_the_readme_tells_to_type_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| run(arguments, folder.path());
    make_demo(folder.path());
    let (mut rendered, mut live) = (0, 0);
    for command in commands("README.md", "performer") {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        match arguments[0] {
            // They need keyboards and instruments; that the options exist is seen all the same.
            "play" | "ports" | "learn" => {
                arguments.push("--help");
                live += 1;
            }
            "render" => {
                arguments.extend(["--particles", "2"]);
                rendered += 1;
            }
            _ => rendered += 1,
        }
        run(&arguments);
        let outputs = command.windows(2).filter(|two| two[0] == "-o").map(|two| folder.path().join(&two[1]));
        for output in outputs.filter(|output| !output.exists()) {
            // Of several alternatives each has its number in its name.
            let stem = output.file_stem().expect("a name").to_string_lossy().into_owned();
            let mut files =
                fs::read_dir(folder.path()).expect("the folder").map(|file| file.expect("a file").file_name());
            assert!(
                files.any(|file| file.to_string_lossy().starts_with(&stem)),
                "{} was not written",
                output.display()
            );
        }
    }
    assert!(rendered >= 8 && live >= 3, "{rendered} commands over files and {live} live ones");
    let makefile = text(&root().join("Makefile"));
    for command in commands("README.md", "make") {
        assert!(makefile.contains(&format!("\n{}:", command[0])), "make {} does not exist", command[0]);
    }
}
