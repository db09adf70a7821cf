//! Judges that learn to tell Bach's harmonization from another of the same soprano. They hear whole pieces of some sopranos
//! and are tried on others; what they go by is what gives the harmonizations away.

pub mod auc;
pub mod features;
pub mod give_aways;
pub mod linear;
pub mod reading;
pub mod trial;
pub mod windows;
