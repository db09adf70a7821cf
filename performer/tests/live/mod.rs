//! What the live tests share: notes as a recorder heard them, and the rules that every performance keeps.

#![allow(dead_code, reason = "each test takes what it needs")]

#[cfg(target_os = "linux")]
pub mod jack;

use std::collections::HashSet;
use std::path::Path;

use chorale::Part;

pub const PARTS: usize = Part::ALL.len();

/// A note's beginning or end as recorded. `channel` counts from 0, which is the soprano's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub at: u64,
    pub is_on: bool,
    pub channel: usize,
    pub pitch: u8,
}

/// Checks a whole performance: a channel has one note at a time, every note ends, every soprano has its three parts
/// by the time the next thing happens, in their ranges when it is in its own. An end may come twice, as it does after an
/// overrun. Returns the sopranos.
pub fn check_harmony(heard: &[Heard]) -> Vec<Heard> {
    check_harmony_but(heard, 0)
}

/// The same where so many deadlines were missed, as on an emulated machine: so many answers may be lacking.
pub fn check_harmony_but(heard: &[Heard], missed: u64) -> Vec<Heard> {
    let mut lacking = 0;
    let mut sounding: [Option<u8>; PARTS] = [None; PARTS];
    let mut sopranos: Vec<Heard> = Vec::new();
    let mut ended: HashSet<(usize, u8)> = HashSet::new();
    for (index, note) in heard.iter().enumerate() {
        let part = &mut sounding[note.channel];
        if note.is_on {
            assert_eq!(part.replace(note.pitch), None, "two notes at once on channel {}: {note:?}", note.channel + 1);
            if note.channel == 0 {
                sopranos.push(*note);
            }
        } else if *part == Some(note.pitch) {
            *part = None;
            ended.insert((note.channel, note.pitch));
        } else {
            let has_ended = ended.contains(&(note.channel, note.pitch));
            assert!(has_ended, "the end of a note that never sounded: {note:?}");
        }
        // The answer is complete when the soprano's next event comes.
        let next = heard.get(index + 1);
        if let Some(next) = next.filter(|next| next.channel == 0 && !next.is_on && sounding[0].is_some()) {
            let soprano = sounding[0].expect("checked in the line above");
            for part in Part::LOWER {
                let pitch = sounding[part.index()];
                let Some(pitch) = pitch else {
                    lacking += 1;
                    let most = missed * Part::LOWER.len() as u64;
                    assert!(lacking <= most, "no {} under {soprano} before {next:?}", part.name());
                    continue;
                };
                let (low, high) = part.range();
                let (soprano_low, soprano_high) = Part::Soprano.range();
                if (soprano_low.midi()..=soprano_high.midi()).contains(&soprano) {
                    assert!((low.midi()..=high.midi()).contains(&pitch), "{} sings {pitch}: {next:?}", part.name());
                }
            }
        }
    }
    assert_eq!(sounding, [None; PARTS], "notes sound on after the end");
    sopranos
}

/// Missed deadlines, by the performer's last line.
pub fn missed(talk: &str) -> u64 {
    numbers(talk.lines().last().unwrap_or_default()).get(1).copied().unwrap_or(0)
}

/// Every decimal number in a line; what is glued to letters is none.
pub fn numbers(line: &str) -> Vec<u64> {
    line.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.parse().ok()).collect()
}

pub fn read(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| format!("({name}: {error})"))
}

/// Mean loudness of a 16-bit WAV file, 1 being the loudest square wave.
pub fn loudness(folder: &tempfile::TempDir, name: &str) -> f64 {
    let samples = samples(folder, name);
    let squares: f64 = samples.iter().map(|sample| sample * sample).sum();
    (squares / samples.len().max(1) as f64).sqrt()
}

/// How strongly a frequency sounds in the left channel of a 16-bit stereo WAV file of 48 kHz (Goertzel).
pub fn strength(folder: &tempfile::TempDir, name: &str, frequency: f64) -> f64 {
    let samples = samples(folder, name);
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (index, sample) in samples.iter().step_by(2).enumerate() {
        let angle = std::f64::consts::TAU * frequency / 48_000.0 * index as f64;
        // Without a window the parts' harmonics would leak everywhere (Hann).
        let window = (std::f64::consts::PI * index as f64 / (samples.len() as f64 / 2.0)).sin().powi(2);
        real += window * sample * angle.cos();
        imaginary += window * sample * angle.sin();
    }
    f64::hypot(real, imaginary) / samples.len() as f64
}

fn samples(folder: &tempfile::TempDir, name: &str) -> Vec<f64> {
    let wav = std::fs::read(folder.path().join(name)).unwrap();
    wav[44..].chunks_exact(2).map(|bytes| f64::from(i16::from_le_bytes([bytes[0], bytes[1]])) / 32_768.0).collect()
}

/// # Panics
/// When the program is not installed, saying how to install it. These tests run only when asked for.
pub fn require(program: &str, installation: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file());
    assert!(is_there, "{program} is not installed: {installation}");
}
