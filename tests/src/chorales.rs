//! The 382 chorales, for tests that need them and for programs that learn from them.

use std::path::PathBuf;
use std::sync::OnceLock;

use trainer::dataset::{Dataset, Source};

/// From a path, or where the trainer keeps them: `chorales`.
///
/// # Errors
/// When they cannot be had.
pub fn named(name: &str) -> anyhow::Result<Dataset> {
    Source::new((name != "chorales").then(|| PathBuf::from(name)), false).load()
}

/// From the path in the environment variable CHORALES, else downloaded.
///
/// # Panics
/// When they cannot be had.
pub fn dataset() -> &'static Dataset {
    static DATASET: OnceLock<Dataset> = OnceLock::new();
    DATASET.get_or_init(|| {
        let path = std::env::var_os("CHORALES").filter(|path| !path.is_empty()).map(PathBuf::from);
        Source::new(path, false).load().unwrap_or_else(|error| panic!("{error:#}"))
    })
}
