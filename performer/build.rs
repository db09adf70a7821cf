//! Packs the program's relocations, 1.7 of 31 MB, where the linker and the C library of this machine know how (binutils 2.38
//! or lld 15, glibc 2.36): a program of one line is linked so and started. `CHORALE_PORTABLE=1` leaves it, for packages that
//! must start on older systems.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

const PACKED: &str = "-Wl,-z,pack-relative-relocs";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CHORALE_PORTABLE");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_native = env::var("HOST").ok() == env::var("TARGET").ok();
    let is_glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_native && is_glibc && !is("CHORALE_PORTABLE", "1") && packs_and_starts().unwrap_or(false) {
        println!("cargo::rustc-link-arg-bins={PACKED}");
    }
}

fn packs_and_starts() -> Option<bool> {
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    let (source, program) = (folder.join("packs.rs"), folder.join("packs"));
    fs::write(&source, "fn main() {}").ok()?;
    let mut compiler = Command::new(env::var_os("RUSTC")?);
    compiler.arg(&source).arg("-o").arg(&program).arg(format!("-Clink-arg={PACKED}"));
    let is_linked = compiler.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.success();
    Some(is_linked && Command::new(program).status().ok()?.success())
}
