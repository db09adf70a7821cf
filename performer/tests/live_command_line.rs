//! The live subcommands as their user types them, as far as they need no MIDI.

use std::path::Path;
use std::process::Command;

/// Runs the program in `folder` and returns whether it succeeded, and what it said on stderr.
fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_performer"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn each_mistake_on_the_way_to_a_performance_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("bad.toml"), "tempo = 72\n[alto]\nchannel = 17\n").unwrap();
    std::fs::write(folder.join("performer.toml"), "tempoo = 72\n").unwrap();
    std::fs::write(folder.join("empty.toml"), "").unwrap();
    std::fs::write(folder.join("notes.txt"), "not a log\n").unwrap();
    std::fs::write(folder.join("old.log"), format!("{}\n{{\"models\":[]}}\n", live::take::FIRST_LINE)).unwrap();
    let check = |arguments: &[&str], expected: &[&str]| {
        let (succeeded, said) = run(folder, arguments);
        assert!(!succeeded, "{arguments:?} succeeded");
        for words in expected {
            assert!(said.contains(words), "{arguments:?}: no {words:?} in\n{said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    };
    check(&["play", "--config", "bad.toml"], &["bad.toml", "line 3", "a channel goes from 1 to 16, not 17"]);
    check(&["play"], &["performer.toml", "line 1", "tempoo"]);
    check(&["play", "--config", "nowhere.toml"], &["cannot read nowhere.toml"]);
    check(&["play", "--tempo", "1000"], &["--tempo", "from 10 to 400"]);
    check(&["play", "--pickup", "4.1", "--config", "empty.toml"], &["--pickup", "less than a bar of 4/4"]);
    check(&["play", "--split", "H9"], &["--split", "'H9' is no key"]);
    check(&["play", "--below", "bass", "--config", "empty.toml"], &["there is no split", "--split C4"]);
    std::fs::write(folder.join("drums.toml"), "[alto]\nchannel = 10\n").unwrap();
    let click = ["play", "--click", "--config", "drums.toml"];
    check(&click, &["channel 10 is the click's and the alto's", "--click-channel 16"]);
    check(&["play", "--click", "--clock", "follow", "--config", "empty.toml"], &["--clock internal"]);
    check(&["play", "--count-in", "1", "--clock", "midi", "--config", "empty.toml"], &["--count-in", "strict"]);
    check(&["play", "--count-in", "9"], &["--count-in", "8"]);
    check(&["play", "--clock-input", "daw", "--config", "empty.toml"], &["--clock-input", "--clock midi"]);
    check(&["play", "--no-take", "--take-folder", "takes"], &["cannot be used with"]);
    check(&["replay", "nowhere.log"], &["cannot read nowhere.log"]);
    check(&["replay", "notes.txt"], &["notes.txt", "not a take", "'not a log'"]);
    check(&["replay", "old.log"], &["old.log", "line 2", "missing field"]);
    check(&["replay", "old.log", "-o", "notes.txt"], &["notes.txt is there already", "--force"]);
    check(&["learn", "-o", "bad.toml"], &["bad.toml", "line 3", "a channel goes from 1 to 16, not 17"]);
}
