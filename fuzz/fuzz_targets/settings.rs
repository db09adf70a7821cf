//! A settings file in TOML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::clock;
use session::config;
use session::Settings;

fuzz_target!(|text: &str| {
    if let Ok(config) = config::read(text) {
        let clock = clock::Settings { source: clock::ClockSource::Internal, rate: 1e9, tempo: 72.0, first: 0 };
        config.apply(&mut Settings::new(clock));
    }
});
