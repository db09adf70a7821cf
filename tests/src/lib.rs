//! Helpers of the tests that cross crates.

pub mod binary;
pub mod tune;
