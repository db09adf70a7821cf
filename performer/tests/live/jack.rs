//! Performances beside a JACK server of their own.

use std::path::Path;
use std::process::Command;

use super::{Heard, PARTS, numbers, read};

/// What jack_sandbox.sh returns when the server got stuck.
const STUCK: i32 = 75;

/// Runs the performance; a stuck server is not our fault, and gets one more chance.
pub fn perform(period: u32, script: &str) -> tempfile::TempDir {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live");
    for tool in ["jackd", "jack_midiseq", "jack_midi_dump", "jack_midi_clock", "unshare"] {
        super::require(tool, "apt-get install --no-install-recommends jackd2 jack-midi-clock util-linux");
    }
    for attempt in 1..=2 {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("timeout")
            .args(["--kill-after=10", "90", "bash"])
            .arg(scripts.join("jack_sandbox.sh"))
            .arg(period.to_string())
            .arg("bash")
            .arg(scripts.join(script))
            .arg(env!("CARGO_BIN_EXE_performer"))
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => return folder,
            Some(STUCK | 124 | 137) if attempt == 1 => println!("the JACK server got stuck, trying once more: {said}"),
            status => panic!("the performance ended with {status:?}\n{said}\n{}", read(&folder, "talk")),
        }
    }
    unreachable!("the second attempt returns or panics")
}

/// The parts' notes in a record of jack_midi_dump.
pub fn recorded(folder: &Path, name: &str) -> Vec<Heard> {
    notes(&std::fs::read_to_string(folder.join(name)).unwrap())
        .into_iter()
        .inspect(|note| assert!(note.channel < PARTS, "{note:?}"))
        .collect()
}

/// Reads jack_midi_dump's lines, such as `  71296: 90 48 40 note on  (channel  0): pitch  72, velocity  64`.
pub fn notes(text: &str) -> Vec<Heard> {
    let notes = text.lines().filter(|line| line.contains(" note on ") || line.contains(" note off "));
    notes
        .map(|line| match numbers(line)[..] {
            // The bytes are hexadecimal; the numbers after them are those wanted.
            [at, .., channel, pitch, velocity] => Heard {
                at,
                is_on: line.contains(" note on ") && velocity > 0,
                channel: channel as usize,
                pitch: pitch as u8,
            },
            _ => panic!("can't read {line:?}"),
        })
        .collect()
}
