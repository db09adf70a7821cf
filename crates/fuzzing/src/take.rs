use std::sync::Arc;

use files::smf;
use harmonizer::{Harmonizer, Sampling};
use live::take;
use network::Model;

/// Longer takes take longer and do nothing new.
const MOST_EVENTS: usize = 60;
const MOST_MINUTES: f64 = 10.0;

/// The log of a take: refused, or played again, with a network as small as they get; its MIDI file is read again.
///
/// # Panics
/// When what is played again cannot be written and read.
pub fn take(text: &str, model: &Arc<Model>) {
    let Ok(take) = take::read(text) else { return };
    let times = text.lines().filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let longest = times.max().unwrap_or(0) as f64 / take.header.session.clock.rate;
    if text.lines().count() > MOST_EVENTS || longest > 60.0 * MOST_MINUTES {
        return;
    }
    let known = take.header.sampling.iter().filter_map(|sampling| Sampling::try_from(sampling).ok());
    let mut harmonizers = known.map(|sampling| Harmonizer::new(Arc::clone(model), sampling));
    let Some(first) = harmonizers.next() else { return };
    if let Ok(replayed) = take::replay(&take, first, harmonizers.next()) {
        smf::read(&smf::write(&replayed.score)).expect("what we write can be read");
    }
}
