//! Helpers of the tests that cross crates.

pub mod adam;
pub mod binary;
pub mod chorales;
pub mod hands;
pub mod networks;
pub mod tune;
