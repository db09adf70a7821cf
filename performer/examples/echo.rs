//! The least that a MIDI program can do: what comes in goes out again, under JACK in the same cycle and at the same frame,
//! with `--alsa` from midir's callback. `performer/benches/live.rs` measures the co-performer against it.
//!
//! With `--thread` another thread sends it back: what an answer costs that is not given in the callback. With `--worker`
//! that thread asks the network first, for one soprano: what it costs not to have worked the answers out beforehand.

use std::error::Error;
use std::sync::Arc;
use std::thread::{self, Thread};

use chorale::{Chord, Phase, Pitch, Token};
use harmonizer::{Harmonizer, Sampling};
use jack::{Client, ClientOptions, MidiIn, MidiOut, MidiWriter, ProcessScope, RawMidi};
use network::{Model, ModelError};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapRb};

/// Frame in the period and the message.
type Event = (u32, [u8; 3], usize);

fn main() -> Result<(), Box<dyn Error>> {
    let is_asked = |option: &str| std::env::args().any(|argument| argument == option);
    let (by_thread, by_worker) = (is_asked("--thread"), is_asked("--worker"));
    let name = match (by_thread, by_worker) {
        (_, true) => "echo-worker",
        (true, _) => "echo-thread",
        _ => "echo",
    };
    #[cfg(target_os = "linux")]
    if is_asked("--alsa") {
        return alsa(name, by_thread);
    }
    let network = if by_worker { Some(network()?) } else { None };
    jack(name, by_thread || by_worker, network)
}

/// The default network before its first step.
fn network() -> Result<Harmonizer, ModelError> {
    let mut harmonizer = Harmonizer::new(Arc::new(Model::wavenet()?), Sampling::default());
    harmonizer.step(Chord::START, Phase::in_bar(0))?;
    Ok(harmonizer)
}

fn jack(name: &str, by_thread: bool, mut network: Option<Harmonizer>) -> Result<(), Box<dyn Error>> {
    let (client, _) = Client::new(name, ClientOptions::NO_START_SERVER)?;
    let input = client.register_port("in", MidiIn::default())?;
    let mut output = client.register_port("out", MidiOut::default())?;

    let (mut there, arrived) = HeapRb::<Event>::new(1024).split();
    let (mut answered, mut back) = HeapRb::<Event>::new(1024).split();
    let answering = answer(arrived, move |event| {
        let soprano = Pitch::new(event.1[1]).and_then(Token::from_pitch);
        if let (Some(network), Some(soprano)) = (&mut network, soprano) {
            // Asked afresh for each note, as if no two were alike.
            let _ = std::hint::black_box(network.answer(soprano));
        }
        let _ = answered.try_push(event);
    });
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
            if by_thread {
                let Some((bytes, length)) = short(event.bytes) else { continue };
                let _ = there.try_push((event.time, bytes, length));
                answering.unpark();
            } else {
                write(&mut writer, event.time, event.bytes);
            }
        }
        jack::Control::Continue
    };
    let _active = client.activate_async((), jack::contrib::ClosureProcessHandler::new(process))?;
    wait()
}

#[cfg(target_os = "linux")]
fn alsa(name: &str, by_thread: bool) -> Result<(), Box<dyn Error>> {
    use midir::os::unix::{VirtualInput, VirtualOutput};
    use midir::{Ignore, MidiInput, MidiOutput};

    let mut input = MidiInput::new(name)?;
    input.ignore(Ignore::SysexAndActiveSense);
    let mut output = MidiOutput::new(name)?.create_virtual("out")?;
    let (mut there, arrived) = HeapRb::<Event>::new(1024).split();
    let _input = if by_thread {
        let answering = answer(arrived, move |(_, bytes, length)| {
            let _ = output.send(&bytes[..length]);
        });
        let hand_on = move |_, message: &[u8], (): &mut ()| {
            let Some((bytes, length)) = short(message) else { return };
            let _ = there.try_push((0, bytes, length));
            answering.unpark();
        };
        input.create_virtual("in", hand_on, ())?
    } else {
        let echo = move |_, message: &[u8], (): &mut ()| {
            let _ = output.send(message);
        };
        input.create_virtual("in", echo, ())?
    };
    wait()
}

/// A thread that sends what arrives, once it is woken.
fn answer(mut arrived: HeapCons<Event>, mut send: impl FnMut(Event) + Send + 'static) -> Thread {
    let answering = thread::spawn(move || {
        loop {
            thread::park();
            while let Some(event) = arrived.try_pop() {
                send(event);
            }
        }
    });
    answering.thread().clone()
}

fn short(message: &[u8]) -> Option<([u8; 3], usize)> {
    let mut bytes = [0; 3];
    bytes.get_mut(..message.len())?.copy_from_slice(message);
    Some((bytes, message.len()))
}

fn wait() -> ! {
    println!("READY");
    loop {
        thread::park();
    }
}
