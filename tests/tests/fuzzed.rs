//! What the fuzzer found worth keeping (`fuzz/saved`), tried again without it.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;
use network::Model;
use tests::networks::random_network;
use trainer::settings::{Settings, TrunkSettings};

/// Gives every input of an archive to `target`.
fn try_saved(target: &str, run: impl Fn(&[u8])) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/saved/{target}.tgz"));
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).expect("it is in the repository")));
    let mut tried = 0;
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().expect("a path").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("readable");
        assert!(catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_ok(), "{name} of fuzz/saved/{target}.tgz");
        tried += 1;
    }
    assert!(tried > 10, "{tried} inputs");
}

/// As far as they are text, as the fuzzer does.
fn text(bytes: &[u8]) -> &str {
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    std::str::from_utf8(&bytes[..valid]).expect("valid so far")
}

#[test]
fn saved_midi_files_are_read_or_refused() {
    try_saved("midi_file", fuzzing::midi_file);
}

#[test]
fn saved_musicxml_is_read_or_refused() {
    try_saved("musicxml", fuzzing::musicxml);
}

#[test]
fn saved_tunes_in_abc_are_read_or_refused() {
    try_saved("abc", fuzzing::abc);
}

#[test]
fn saved_data_sets_are_read_or_refused() {
    try_saved("data_set", fuzzing::data_set);
}

#[test]
fn saved_scores_are_written_in_every_format_and_read_again() {
    try_saved("render", fuzzing::render);
}

#[test]
fn after_saved_bytes_from_a_keyboard_nothing_sounds_on() {
    try_saved("live_midi", fuzzing::live_midi);
}

#[test]
fn what_other_programs_were_saved_to_say_is_understood_or_refused() {
    try_saved("remote", fuzzing::remote);
}

#[test]
fn saved_settings_are_read_or_refused() {
    try_saved("settings", |bytes| fuzzing::settings(text(bytes)));
}

#[test]
fn saved_takes_are_refused_or_played_again() {
    let trunk = TrunkSettings::Lstm { input: 2, hidden: 2, layers: 1 };
    let (_, file) = random_network(&Settings { trunk, head_width: 2, ..Settings::lstm() }, 1);
    let model = Arc::new(Model::from_bytes("small", &file).expect("a network"));
    try_saved("take", |bytes| fuzzing::take(text(bytes), &model));
}

#[test]
fn saved_networks_are_refused_or_run() {
    try_saved("network", fuzzing::network);
}
