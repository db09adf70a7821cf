//! Helpers of the tests that cross crates.

use std::path::{Path, PathBuf};

pub mod adam;
pub mod aims;
pub mod binary;
pub mod chorales;
pub mod hands;
pub mod lines;
pub mod networks;
pub mod tune;
pub mod value;

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
