//! From the start of the program to a chord written, its memory and its size.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::table::{Goal, Row, Times};

const LONGEST_START: f64 = 200_000.0; // microseconds
const MOST_MEMORY: f64 = 64.0; // megabytes
const LARGEST: f64 = 30.0; // megabytes

pub fn rows() -> Result<Vec<Row>> {
    let program = tests::binary::performer();
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("new.mid");
    let mut megabytes = 0f64;
    let start = Times::of(20, |_| {
        let begun = Instant::now();
        let arguments = ["generate", "--steps", "4", "--force", "-o"];
        let mut command = Command::new(program);
        let child = command.args(arguments).arg(&output).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        megabytes = megabytes.max(wait(child)?);
        Ok(begun.elapsed())
    })?;
    let goal = Goal::AtMost(1.0);
    let ratio = start.median() / LONGEST_START;
    let first = Row::figure("start to first chords in a file", "200 ms", ratio, goal);
    let mut rows = vec![Row { times: [Some(start), None], ..first }];
    if megabytes > 0.0 {
        let what = format!("its resident memory at the most: {megabytes:.1} MB");
        rows.push(Row::figure(&what, "64 MB", megabytes / MOST_MEMORY, goal));
    }
    let size = program.metadata()?.len() as f64 / 1e6;
    rows.push(Row::figure(&format!("its size on disk: {size:.1} MB"), "30 MB", size / LARGEST, goal));
    Ok(rows)
}

/// Waits for the end of a program and gives the most memory that it had, in megabytes.
#[cfg(unix)]
fn wait(child: Child) -> Result<f64> {
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    #[allow(unsafe_code)]
    // SAFETY: the call fills what it is given, and zeros are a valid value of it.
    let (found, usage) = unsafe {
        let found = libc::wait4(child.id() as libc::pid_t, &mut status, 0, usage.as_mut_ptr());
        (found, usage.assume_init())
    };
    ensure!(found == child.id() as libc::pid_t && status == 0, "the program failed to write a chorale");
    // In kilobytes, but on macOS in bytes.
    Ok(usage.ru_maxrss as f64 * if cfg!(target_os = "macos") { 1e-6 } else { 1024e-6 })
}

/// Waits for the end of a program.
#[cfg(not(unix))]
fn wait(mut child: Child) -> Result<f64> {
    ensure!(child.wait()?.success(), "the program failed to write a chorale");
    Ok(0.0)
}
