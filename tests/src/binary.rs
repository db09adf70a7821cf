//! The binaries under test, as a user would run them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where `performer` lies, built first where it is not up to date. Cargo tells tests of other packages neither.
///
/// # Panics
/// When it does not build.
pub fn performer() -> &'static Path {
    &binaries()["performer"]
}

/// The same for `trainer`.
///
/// # Panics
/// When it does not build.
pub fn trainer() -> &'static Path {
    &binaries()["trainer"]
}

fn binaries() -> &'static HashMap<String, PathBuf> {
    static BINARIES: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        // As these tests were built themselves (scripts/checked.toml), so that little is built again.
        cargo.args(option_env!("CHECKED").into_iter().flat_map(|config| ["--config", config]));
        // The whole workspace, so that no dependency is built again with fewer features.
        cargo.args(["build", "--workspace", "--bins", "--message-format", "json-render-diagnostics"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        // What cargo tells a test about its package, which build scripts of other crates (ring's) would take for a change.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                cargo.env_remove(name);
            }
        }
        if option_env!("CHECKED").is_some() || !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8_lossy(&output.stdout).into_owned();
        let executables = messages.lines().filter_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(message["executable"].as_str()?)))
        });
        executables.collect()
    })
}
