use session::Settings;
use session::clock;
use session::config;

/// A settings file in TOML.
///
/// # Panics
/// When something does not hold.
pub fn settings(text: &str) {
    if let Ok(config) = config::read(text) {
        let clock = clock::Settings { source: clock::ClockSource::Strict, rate: 1e9, tempo: 72.0, first: 0 };
        config.apply(&mut Settings::new(clock));
    }
}
