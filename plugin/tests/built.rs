//! The file that hosts load.

mod daw;

use clack_host::prelude::PluginEntry;
use daw::{Daw, ONE_PORT, PORT_PER_PART, in_process, track};

/// Cargo builds it beside the tests of this package.
fn built() -> PluginEntry {
    let tests = std::env::current_exe().unwrap();
    let name = format!("{}chorale_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let file = tests.with_file_name(name);
    #[expect(unsafe_code, reason = "a library of ours is loaded, whose entry is CLAP's")]
    // SAFETY: it is the plugin, built with these tests: what it runs as it is loaded and unloaded is Rust's own.
    let entry = unsafe { PluginEntry::load(&file) };
    entry.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn the_built_file_plays_a_melody_as_the_plugin_in_this_program_does() {
    let play = |entry: &PluginEntry| {
        let mut daw = Daw::new(entry, ONE_PORT, 48_000.0, &[]);
        daw.render_offline(true);
        let (track, end) = track(&daw);
        daw.play(&track, end, 480);
        daw.assert_all_ended();
        daw.heard
    };
    let heard = play(&built());
    assert!(heard.len() > 100);
    assert_eq!(heard, play(&in_process()));
}

#[test]
fn the_built_file_names_both_plugins() {
    let entry = built();
    let factory = entry.get_plugin_factory().expect("it has plugins");
    let names: Vec<_> = factory.plugin_descriptors().map(|plugin| plugin.id().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, [ONE_PORT, PORT_PER_PART]);
}
