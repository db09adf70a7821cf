#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzzing::settings(text));
