//! The least that a MIDI program can do under JACK: what comes in goes out again, in the same cycle and at the same
//! frame. `performer/benches/live.rs` measures the co-performer against it.
//!
//! With `--thread` another thread sends it back: what an answer costs that is not given in the callback.

use std::thread;

use jack::{Client, ClientOptions, MidiIn, MidiOut, MidiWriter, ProcessScope, RawMidi};
use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Producer, Split};

/// Frame in the period and the message.
type Event = (u32, [u8; 3], usize);

fn main() -> Result<(), jack::Error> {
    let by_thread = std::env::args().any(|argument| argument == "--thread");
    let (client, _) = Client::new(if by_thread { "echo-thread" } else { "echo" }, ClientOptions::NO_START_SERVER)?;
    let input = client.register_port("in", MidiIn::default())?;
    let mut output = client.register_port("out", MidiOut::default())?;

    let (mut there, mut arrived) = HeapRb::<Event>::new(1024).split();
    let (mut answered, mut back) = HeapRb::<Event>::new(1024).split();
    let answering = thread::spawn(move || {
        loop {
            thread::park();
            while let Some(event) = arrived.try_pop() {
                let _ = answered.try_push(event);
            }
        }
    });
    let answering = answering.thread().clone();
    let process = move |_: &Client, scope: &ProcessScope| {
        let mut writer = output.writer(scope);
        let write = |writer: &mut MidiWriter, time: u32, bytes: &[u8]| {
            let _ = writer.write(&RawMidi { time, bytes });
        };
        // JACK takes events in the order of their frames only, and these may be of several cycles.
        let mut earliest = 0;
        while let Some((time, bytes, length)) = back.try_pop() {
            earliest = earliest.max(time);
            write(&mut writer, earliest, &bytes[..length]);
        }
        for event in input.iter(scope) {
            let mut bytes = [0; 3];
            let Some(place) = bytes.get_mut(..event.bytes.len()) else { continue };
            place.copy_from_slice(event.bytes);
            if by_thread {
                let _ = there.try_push((event.time, bytes, event.bytes.len()));
                answering.unpark();
            } else {
                write(&mut writer, event.time, event.bytes);
            }
        }
        jack::Control::Continue
    };
    let _active = client.activate_async((), jack::contrib::ClosureProcessHandler::new(process))?;
    println!("READY");
    loop {
        thread::park();
    }
}
