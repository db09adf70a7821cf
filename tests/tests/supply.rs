//! What the project is built of: the compiler that it promises to need, crates from outside, how they are built, and where
//! it goes past the compiler's proofs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::root;

/// What cargo says about the workspace and what it builds on this system.
fn metadata() -> serde_json::Value {
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo says what it runs on");
    let text = cargo(&["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]);
    serde_json::from_str(&text).expect("JSON")
}

/// What cargo writes to its output.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn toml_file(name: &str) -> toml::Table {
    fs::read_to_string(root().join(name)).expect(name).parse().expect(name)
}

#[test]
#[allow(clippy::assertions_on_constants, reason = "a constant of the build, which is what is tested")]
fn tests_run_with_debug_assertions_and_overflow_checks() {
    assert!(cfg!(debug_assertions), "run the tests by make test or scripts/checked.sh test");
    let least = std::hint::black_box(0u8);
    assert!(std::panic::catch_unwind(|| least - 1).is_err(), "an overflow goes unnoticed");
}

#[test]
fn every_crate_of_ours_is_tested_with_debug_assertions_and_overflow_checks() {
    let checked = toml_file("scripts/checked.toml");
    let profiles = checked["profile"]["release"]["package"].as_table().expect("packages");
    let metadata = metadata();
    let members: BTreeSet<&str> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package["source"].is_null())
        .filter_map(|package| package["name"].as_str())
        .collect();
    assert!(members.len() > 10, "{members:?}");
    assert_eq!(members, profiles.keys().map(String::as_str).collect::<BTreeSet<_>>());
    for (name, profile) in profiles {
        for setting in ["debug-assertions", "overflow-checks"] {
            assert_eq!(profile.get(setting).and_then(toml::Value::as_bool), Some(true), "{setting} of {name}");
        }
    }
}

/// Cargo builds a crate once for each set of its features.
#[test]
fn the_performer_alone_needs_the_same_builds_from_outside_as_the_workspace() {
    let workspace = builds(&["--workspace"], "normal,build,dev");
    let performer = builds(&["--package", "performer"], "normal,build");
    assert!(performer.len() > 100, "{performer:?}");
    let twice: Vec<_> = performer.difference(&workspace).collect();
    assert!(twice.is_empty(), "performer/Cargo.toml must name more features of these: {twice:#?}");
}

/// Of what is built on this system. cargo-deny (`make deny`) looks at other systems, licences and advisories too.
#[test]
fn crates_in_two_versions_and_from_other_places_are_only_those_listed() {
    for package in toml_file("Cargo.lock")["package"].as_array().expect("packages") {
        if let Some(source) = package.get("source") {
            assert_eq!(source.as_str(), Some("registry+https://github.com/rust-lang/crates.io-index"), "{package}");
        }
    }
    let deny = toml_file("deny.toml");
    let is_listed = |name: &str, version: &str| {
        let listed = deny["bans"]["skip"].as_array().into_iter().flatten().filter_map(toml::Value::as_str);
        listed.filter_map(|listed| listed.split_once('@')).any(|(listed, start)| {
            let rest = version.strip_prefix(start);
            listed == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let builds = builds(&["--workspace"], "normal,build,dev");
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for build in &builds {
        let mut words = build.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { panic!("{build}") };
        let version = version.strip_prefix('v').expect("a version");
        if !is_listed(name, version) {
            versions.entry(name).or_default().insert(version);
        }
    }
    assert!(versions.len() > 100, "{versions:?}");
    versions.retain(|_, versions| versions.len() > 1);
    assert!(versions.is_empty(), "these come in several versions: {versions:?}");
}

/// Name, version and features of everything from outside that these packages need on this system.
fn builds(whose: &[&str], edges: &str) -> BTreeSet<String> {
    let options =
        ["tree", "--locked", "--offline", "--no-dedupe", "--prefix", "none", "--format", "{p} {f}", "--edges"];
    let text = cargo(&[&options[..], &[edges], whose].concat());
    // Our own have their path behind the version.
    text.lines().filter(|line| !line.is_empty() && !line.contains(" (/")).map(str::to_owned).collect()
}

#[test]
fn no_library_wants_a_newer_compiler_than_we_promise() {
    let metadata = metadata();
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let built: BTreeSet<&str> = nodes.filter_map(|node| node["id"].as_str()).collect();
    let parsed = |text: &str| -> Vec<u32> { text.split('.').filter_map(|number| number.parse().ok()).collect() };
    let promised = parsed(env!("CARGO_PKG_RUST_VERSION"));
    let mut named = 0;
    for package in metadata["packages"].as_array().expect("packages") {
        let (Some(id), Some(wanted)) = (package["id"].as_str(), package["rust_version"].as_str()) else { continue };
        if built.contains(id) {
            named += 1;
            assert!(parsed(wanted)[..2] <= promised[..2], "{id} wants Rust {wanted}");
        }
    }
    assert!(named > 100, "only {named} libraries say what they want");
}

#[test]
fn the_documents_promise_the_compiler_that_the_manifest_does() {
    let promised = env!("CARGO_PKG_RUST_VERSION");
    for (document, words) in [
        ("README.md", format!("({promised} or newer)")),
        ("docs/RELIABILITY.md", format!("The oldest Rust is {promised} ")),
    ] {
        let text = fs::read_to_string(root().join(document)).expect(document);
        assert!(text.contains(&words), "{document} does not say {words:?}");
    }
}

#[test]
fn every_file_with_unsafe_code_is_named_in_the_docs() {
    let text = fs::read_to_string(root().join("docs/RELIABILITY.md")).expect("docs/RELIABILITY.md");
    let mut found = 0;
    for package in ["crates", "performer", "plugin", "tests", "trainer"] {
        for file in sources(&root().join(package)) {
            let source = fs::read_to_string(&file).expect("a source file");
            let uses_unsafe = source.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
            if uses_unsafe
                .into_iter()
                .any(|line| line.contains(concat!("unsafe", " {")) || line.contains(concat!("unsafe", " fn")))
            {
                let name = file.strip_prefix(root()).expect("below the root").display().to_string().replace('\\', "/");
                assert!(text.contains(&format!("`{name}`")), "{name} is not among the places of unsafe code");
                found += 1;
            }
        }
    }
    assert!(found >= 5, "{found} files with unsafe code");
}

/// All .rs files in a folder and below.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// What a facade shows is what its users have to read. The table on its first page gives the reason of each.
#[test]
fn the_facade_has_at_most_150_public_items_and_names_its_types_on_its_first_page() {
    let folder = root().join("crates/arranger/src");
    let files = fs::read_dir(folder).expect("the facade").map(|file| file.expect("a file").path());
    let texts: Vec<String> = files.map(|path| fs::read_to_string(path).expect("source")).collect();
    let (mut items, mut in_enum) = (0, false);
    let mut types = Vec::new();
    for line in texts.iter().flat_map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().lines()) {
        let public = line.trim_start().strip_prefix("pub ").filter(|item| !item.starts_with("use "));
        items += usize::from(public.is_some());
        // Variants stand at the first level of their enum.
        let variant =
            line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(|first: char| first.is_uppercase()));
        items += usize::from(in_enum && variant);
        in_enum = match line {
            "}" => false,
            _ => in_enum || line.starts_with("pub enum "),
        };
        let named = public
            .filter(|_| !line.starts_with(' '))
            .and_then(|item| item.strip_prefix("struct ").or_else(|| item.strip_prefix("enum ")));
        types.extend(named.map(|name| name.split(|other: char| !other.is_alphanumeric()).next().unwrap_or_default()));
    }
    assert!((60..=150).contains(&items), "{items} public items");
    let first_page = fs::read_to_string(root().join("crates/arranger/src/lib.rs")).expect("the first page");
    let untold: Vec<&str> = types.into_iter().filter(|name| !first_page.contains(&format!("[`{name}`]"))).collect();
    assert!(untold.is_empty(), "not on the first page: {untold:?}");
}
