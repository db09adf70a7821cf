//! Figures of many pieces beside Bach's, for `performer report`.

pub mod distance;
pub mod judges;
pub mod kept;
pub mod report;
