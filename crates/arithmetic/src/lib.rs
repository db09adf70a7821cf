//! The arithmetic in which both the trainer and the performer spend their time: products with a matrix that stays
//! ([`Matrix`]), and the functions of gates in a form that plain loops take many at a time. Everything is compiled
//! several times, for ever wider registers, and the widest that the processor has is chosen when it is called.
//!
//! A product's sums are taken line by line whatever the registers and however many rows there are: a row gives the
//! same bits alone and among others.

mod matrix;
#[allow(unsafe_code)]
mod wide;

pub use matrix::{Matrix, Needed};
pub use wide::{exp, larger, rectified, sigmoid, tanh};

/// Whether the processor multiplies and adds in one instruction. Where it does not, products are worked out by a slow
/// function of the library.
pub fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    cfg!(target_arch = "aarch64")
}
