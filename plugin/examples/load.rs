//! How much of a core instances of the plugin need: `cargo run --release -p chorale-plugin --example load -- 10 64`
//!
//! So many instances play the same melody in blocks of so many frames, as in a session at 48 kHz and 120 beats a minute,
//! for a minute of music that passes in real time; then the processor time of their callbacks and of their workers is told.
//! What this host itself needs, to sleep and to write its lists of events, is told apart.

#[path = "../tests/daw/mod.rs"]
mod daw;

use std::path::Path;
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
    let mut longest = Duration::ZERO;
    let mut now = 0u64;
    while (now as f64) < SECONDS * RATE {
        let place = now % length;
        let due: Vec<(u32, In)> = track
            .iter()
            .filter(|(at, _)| (place..place + u64::from(frames)).contains(at))
            .map(|&(at, event)| ((at - place) as u32, event))
            .collect();
        let spent = in_callbacks(&daws);
        daws.iter_mut().for_each(|daw| daw.block(frames, &due));
        longest = longest.max(in_callbacks(&daws) - spent);
        now += u64::from(frames);
        let until = Duration::from_secs_f64(now as f64 / RATE);
        std::thread::sleep(until.saturating_sub(begun.elapsed()));
    }
    let wall = begun.elapsed().as_secs_f64();
    let share = |seconds: f64| 100.0 * seconds / wall;
    let notes = daws[0].heard.iter().filter(|out| out.is_on()).count();
    println!("{notes} notes an instance in {wall:.1} s, blocks of {frames} frames");
    let callbacks = share(in_callbacks(&daws).as_secs_f64());
    let longest = longest.as_secs_f64() * 1e6;
    println!("callbacks {callbacks:.2} % of a core, the longest of all instances together {longest:.0} us");
    match before.zip(processor_seconds()) {
        Some(([here, everywhere], [here_after, everywhere_after])) => {
            let [here, everywhere] = [share(here_after - here), share(everywhere_after - everywhere)];
            let workers = everywhere - here;
            println!("workers {workers:.2} %, together {:.2} %", callbacks + workers);
            println!("this host {:.2} %, the whole process {everywhere:.2} %", here - callbacks);
        }
        None => println!("the workers: this system does not tell"),
    }
}

fn in_callbacks(daws: &[Daw]) -> Duration {
    daws.iter().map(|daw| daw.spent).sum()
}

/// Processor time so far of this thread and of all threads of this process, where Linux tells it.
fn processor_seconds() -> Option<[f64; 2]> {
    let seconds = |path: &Path| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
    };
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let all = threads.map(|thread| seconds(&thread.ok()?.path())).sum::<Option<f64>>()?;
    Some([seconds(Path::new("/proc/thread-self"))?, all])
}
