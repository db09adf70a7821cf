//! How much of a core instances of the plugin need: `cargo run --release -p chorale-plugin --example load -- 10 64`
//!
//! So many instances play the same melody in blocks of so many frames, as in a session at 48 kHz and 120 beats a minute,
//! for a minute of music that passes in real time; then the processor time of the whole process is told.

#[path = "../tests/daw/mod.rs"]
mod daw;

use std::time::{Duration, Instant};

use daw::{Daw, In, ONE_PORT, in_process, track};

const RATE: f64 = 48_000.0;
const SECONDS: f64 = 60.0;

fn main() {
    let number = |place: usize, usual: u32| {
        std::env::args().nth(place).and_then(|number| number.parse().ok()).filter(|&number| number > 0).unwrap_or(usual)
    };
    let (instances, frames) = (number(1, 10), number(2, 64));
    let entry = in_process();
    let begun = Instant::now();
    let mut daws: Vec<Daw> = (0..instances).map(|_| Daw::new(&entry, ONE_PORT, RATE, &[])).collect();
    println!("{instances} instances made in {:.2} s", begun.elapsed().as_secs_f64());
    daws.iter_mut().for_each(|daw| (daw.song.is_playing, daw.song.tempo) = (true, 120.0));
    let (track, length) = track(&daws[0]);
    let (begun, before) = (Instant::now(), processor_seconds());
    let mut in_callbacks = Duration::ZERO;
    let mut longest = Duration::ZERO;
    let mut now = 0u64;
    while (now as f64) < SECONDS * RATE {
        let place = now % length;
        let due: Vec<(u32, In)> = track
            .iter()
            .filter(|(at, _)| (place..place + u64::from(frames)).contains(at))
            .map(|&(at, event)| ((at - place) as u32, event))
            .collect();
        let entered = Instant::now();
        daws.iter_mut().for_each(|daw| daw.block(frames, &due));
        let took = entered.elapsed();
        in_callbacks += took;
        longest = longest.max(took);
        now += u64::from(frames);
        let until = Duration::from_secs_f64(now as f64 / RATE);
        std::thread::sleep(until.saturating_sub(begun.elapsed()));
    }
    let wall = begun.elapsed().as_secs_f64();
    let notes = daws[0].heard.iter().filter(|out| out.is_on()).count();
    println!("{notes} notes an instance in {wall:.1} s, blocks of {frames} frames");
    println!(
        "callbacks {:.2} % of a core, the longest block of all instances {:.0} us",
        100.0 * in_callbacks.as_secs_f64() / wall,
        longest.as_secs_f64() * 1e6
    );
    match before.zip(processor_seconds()) {
        Some((before, after)) => println!("the whole process {:.2} % of a core", 100.0 * (after - before) / wall),
        None => println!("the whole process: this system does not tell"),
    }
}

/// User and system time of this process so far, where Linux tells it.
fn processor_seconds() -> Option<f64> {
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = text.rsplit(") ").next()?.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS)
}
