//! What the project is built of: the compiler that it promises to need, and where it goes past the compiler's proofs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn no_library_wants_a_newer_compiler_than_we_promise() {
    let version = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo runs").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo says what it runs on");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let ids = |list: &serde_json::Value, key: &str| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().filter_map(|one| Some(one[key].as_str()?.to_owned())).collect()
    };
    let built = ids(&metadata["resolve"]["nodes"], "id");
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
    for package in ["crates", "performer", "tests", "trainer"] {
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
