//! Harmonizes a file in one call: open, choose, harmonize, export.

#![forbid(unsafe_code)]
