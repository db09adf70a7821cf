//! Drives a live session without ports or threads: a small melody is struck key by key, each answer is printed as it
//! sounds. A program with real ports does the same, with the sound system's times.
//!
//! `cargo run -p chorale-live --example live_session`

use std::sync::Arc;

use chorale::Pitch;
use harmonizer::{Harmonizer, Sampling};
use live::Worker;
use network::{Model, ModelError};
use session::clock::{self, ClockSource};
use session::{Session, Settings, Time};

/// Times are milliseconds.
const RATE: f64 = 1000.0;
const BEAT: Time = 800;
/// A finger leaves its key so long before the next is struck.
const GAP: Time = 50;

/// "Jesu, meine Freude", its first line: keys and beats.
const MELODY: [(u8, Time); 7] = [(71, 1), (71, 1), (69, 1), (67, 1), (66, 2), (64, 1), (64, 1)];

fn main() -> Result<(), ModelError> {
    let tempo = 60.0 * RATE / BEAT as f64;
    let settings = Settings::new(clock::Settings { source: ClockSource::Internal, rate: RATE, tempo, first: 0 });
    let harmonizer = Harmonizer::new(Arc::new(Model::lstm()?), Sampling { seed: 3, ..Sampling::default() });
    // The worker has the first answers ready before a key is struck.
    let (worker, first_table) = Worker::new(harmonizer, None, &settings)?;
    let mut session = Session::new(settings);
    session.table(0, &first_table);

    let mut performance = Performance { session, worker, printed: [None; 4] };
    println!("   time  soprano  alto  tenor  bass");
    let mut now = 0;
    for (key, beats) in MELODY {
        performance.play_until(now)?;
        performance.session.midi(now, &[0x90, key, 80]);
        performance.collect(now)?;
        now += beats * BEAT;
        performance.play_until(now - GAP)?;
        performance.session.midi(now - GAP, &[0x80, key, 0]);
        performance.collect(now - GAP)?;
    }
    performance.play_until(now)?;
    performance.session.stop(now);
    performance.collect(now)
}

struct Performance {
    session: Session,
    worker: Worker,
    /// The chord that was printed last.
    printed: [Option<Pitch>; 4],
}

impl Performance {
    /// Plays what happens of itself, as the parts that move while a key is held.
    fn play_until(&mut self, until: Time) -> Result<(), ModelError> {
        while let Some(due) = self.session.due().filter(|&due| due <= until) {
            self.session.advance(due);
            self.collect(due)?;
        }
        self.session.advance(until);
        Ok(())
    }

    /// Takes the messages out and brings the tables that the session asks for.
    fn collect(&mut self, now: Time) -> Result<(), ModelError> {
        while let Some(_message) = self.session.next_message() {
            // Here a program sends `_message.bytes()` to its port.
            self.session.sent();
        }
        let chord = self.session.sounding();
        if chord != self.printed && chord.iter().all(Option::is_some) {
            let [soprano, alto, tenor, bass] = chord.map(|pitch| pitch.map_or_else(String::new, |it| it.to_string()));
            println!("{now:>7}  {soprano:<7}  {alto:<4}  {tenor:<5}  {bass}");
        }
        self.printed = chord;
        // In a program the worker has a thread of its own.
        while let Some(request) = self.session.next_request() {
            self.worker.follow(&request)?;
            for table in [self.worker.present_table()?, self.worker.table()?].into_iter().flatten() {
                self.session.table(now, &table);
            }
        }
        Ok(())
    }
}
