//! The log of a take: refused, or played again, with a network as small as they get; its MIDI file is read again.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use harmonizer::Harmonizer;
use network::Model;
use files::smf;
use live::take;

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/own_network/lstm.onnx");
    Arc::new(Model::load(path.as_ref()).expect("scripts/fuzz.sh makes it"))
});

/// Longer takes take longer and do nothing new.
const MOST_EVENTS: usize = 60;
const MOST_MINUTES: f64 = 10.0;

fuzz_target!(|text: &str| {
    let Ok(take) = take::read(text) else { return };
    let times = text.lines().filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let longest = times.max().unwrap_or(0) as f64 / take.header.session.clock.rate;
    if text.lines().count() > MOST_EVENTS || longest > 60.0 * MOST_MINUTES {
        return;
    }
    let mut harmonizers =
        take.header.sampling.iter().map(|sampling| Harmonizer::new(Arc::clone(&MODEL), sampling.into()));
    let Some(first) = harmonizers.next() else { return };
    if let Ok(replayed) = take::replay(&take, first, harmonizers.next()) {
        smf::read(&smf::write(&replayed.score)).expect("what we write can be read");
    }
});
