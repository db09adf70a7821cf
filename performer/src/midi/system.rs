//! The operating system's own MIDI through midir: ALSA on Linux, CoreMIDI on macOS, WinMM on Windows.
//!
//! The input callback stamps each message and hands it through a wait-free queue to one thread of ours, which owns the
//! session and the output, and sleeps until the next message, table or step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use midir::{Ignore, MidiInput, MidiInputConnection, MidiOutput, MidiOutputConnection};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::{Backend, CLIENT, INPUT_PORT, MidiError, OUTPUT_PORT, Ports, Running, Side, Wiring, find_port};
use crate::live::{Control, Engine};
use crate::session::{Message, Time};

pub const SYSTEM: &str = if cfg!(target_os = "macos") {
    "CoreMIDI"
} else if cfg!(windows) {
    "WinMM"
} else {
    "ALSA"
};

/// midir's send returns before the message is carried away, and closing the port then loses it.
const DRAIN: Duration = Duration::from_millis(50);
const EVENTS: usize = 1024;
const NANOSECONDS: f64 = 1e9;

pub struct System {
    input: MidiInput,
    output: MidiOutput,
}

impl System {
    pub fn open() -> Result<System, MidiError> {
        #[cfg(target_os = "linux")]
        check_sequencer()?;
        let unavailable = |error: midir::InitError| MidiError::Unavailable {
            system: SYSTEM,
            cause: error.to_string(),
            hint: "does any other MIDI program work?".to_owned(),
        };
        let mut input = MidiInput::new(CLIENT).map_err(unavailable)?;
        // System exclusive messages, clock and active sensing have nothing to say to us yet.
        input.ignore(Ignore::All);
        Ok(System { input, output: MidiOutput::new(CLIENT).map_err(unavailable)? })
    }
}

/// midir only says that it failed, and libasound writes to stderr when it does: look for the cause first.
#[cfg(target_os = "linux")]
fn check_sequencer() -> Result<(), MidiError> {
    use std::io::ErrorKind;

    const DEVICE: &str = "/dev/snd/seq";
    let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open(DEVICE) else { return Ok(()) };
    let hint = match error.kind() {
        ErrorKind::NotFound => "load its kernel module (sudo modprobe snd-seq), or use --midi jack",
        ErrorKind::PermissionDenied => {
            "join the group audio (sudo usermod -aG audio $USER, then log in again), or use --midi jack"
        }
        _ => "use --midi jack",
    };
    Err(MidiError::Unavailable { system: SYSTEM, cause: format!("{DEVICE}: {error}"), hint: hint.to_owned() })
}

impl Backend for System {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn ports(&self) -> Result<Ports, MidiError> {
        // A port that vanishes while the list is read has no name any more, and is left out by both lists below.
        Ok(Ports {
            inputs: named(self.input.ports(), |port| self.input.port_name(port).ok()).1,
            outputs: named(self.output.ports(), |port| self.output.port_name(port).ok()).1,
        })
    }

    fn rate(&self) -> f64 {
        NANOSECONDS
    }

    fn start(self: Box<Self>, wiring: &Wiring, engine: Engine) -> Result<Running, MidiError> {
        let System { input, output } = *self;
        let (input_ports, input_names) = named(input.ports(), |port| input.port_name(port).ok());
        let (output_ports, output_names) = named(output.ports(), |port| output.port_name(port).ok());
        let source = choose(Side::Input, &input_names, &wiring.input, wiring.own_ports)?;
        let destination = choose(Side::Output, &output_names, &wiring.output, wiring.own_ports)?;

        let (sender, output_name) = match destination {
            Some(index) => {
                let name = output_names[index].clone();
                let sender = output.connect(&output_ports[index], OUTPUT_PORT);
                (sender.map_err(|error| refused(Side::Output, &name, error))?, name)
            }
            None => (own_output(output)?, format!("{CLIENT}:{OUTPUT_PORT}")),
        };

        let control = Arc::clone(engine.control());
        let epoch = Instant::now();
        let (events_in, events) = HeapRb::new(EVENTS).split();
        let handle = thread::Builder::new()
            .name("midi".to_owned())
            .spawn(move || play_guarded(engine, sender, events, epoch))
            .map_err(|cause| MidiError::Thread { name: "MIDI", cause })?;
        let player = Joined { control: Arc::clone(&control), handle: Some(handle) };
        control.set_player(player.thread());

        let mut mailbox = Mailbox { events: events_in, player: player.thread(), control };
        let receive = move |_, bytes: &[u8], (): &mut ()| mailbox.receive(bytes);
        let (receiver, input_name) = match source {
            Some(index) => {
                let name = input_names[index].clone();
                let receiver = input.connect(&input_ports[index], INPUT_PORT, receive, ());
                (receiver.map_err(|error| refused(Side::Input, &name, error))?, name)
            }
            None => (own_input(input, receive)?, format!("{CLIENT}:{INPUT_PORT}")),
        };
        Ok(Running {
            input: input_name,
            output: output_name,
            drain: DRAIN,
            _connections: Box::new(Connections { _receiver: receiver, _player: player }),
        })
    }
}

/// The ports that still have a name, and their names.
fn named<P>(ports: Vec<P>, name: impl Fn(&P) -> Option<String>) -> (Vec<P>, Vec<String>) {
    ports.into_iter().filter_map(|port| name(&port).map(|name| (port, name))).unzip()
}

/// The port to connect to; `None` for a port of our own.
fn choose(side: Side, names: &[String], wanted: &Option<String>, own_ports: bool) -> Result<Option<usize>, MidiError> {
    if let Some(wanted) = wanted {
        return find_port(side, names, wanted).map(Some);
    }
    if own_ports {
        return if cfg!(windows) { Err(MidiError::NoVirtualPorts) } else { Ok(None) };
    }
    // ALSA's own loop is always there and nobody's keyboard.
    let real: Vec<usize> = (0..names.len()).filter(|&index| !names[index].starts_with("Midi Through")).collect();
    match real[..] {
        [index] => Ok(Some(index)),
        _ => Err(MidiError::NoPortChosen { side, available: names.to_vec(), own_ports_possible: !cfg!(windows) }),
    }
}

fn refused<T>(side: Side, port: &str, error: midir::ConnectError<T>) -> MidiError {
    MidiError::Connect { side, port: port.to_owned(), cause: error.to_string() }
}

#[cfg(unix)]
fn own_input<F>(input: MidiInput, receive: F) -> Result<MidiInputConnection<()>, MidiError>
where
    F: FnMut(u64, &[u8], &mut ()) + Send + 'static,
{
    use midir::os::unix::VirtualInput;
    input.create_virtual(INPUT_PORT, receive, ()).map_err(|error| refused(Side::Input, INPUT_PORT, error))
}

#[cfg(unix)]
fn own_output(output: MidiOutput) -> Result<MidiOutputConnection, MidiError> {
    use midir::os::unix::VirtualOutput;
    output.create_virtual(OUTPUT_PORT).map_err(|error| refused(Side::Output, OUTPUT_PORT, error))
}

#[cfg(not(unix))]
fn own_input<F>(_: MidiInput, _: F) -> Result<MidiInputConnection<()>, MidiError>
where
    F: FnMut(u64, &[u8], &mut ()) + Send + 'static,
{
    Err(MidiError::NoVirtualPorts)
}

#[cfg(not(unix))]
fn own_output(_: MidiOutput) -> Result<MidiOutputConnection, MidiError> {
    Err(MidiError::NoVirtualPorts)
}

/// A message as it came in.
#[derive(Clone, Copy)]
struct Arrival {
    entered: Instant,
    bytes: [u8; 3],
}

/// What midir's input thread owns.
struct Mailbox {
    events: HeapProd<Arrival>,
    player: Thread,
    control: Arc<Control>,
}

impl Mailbox {
    /// Real-time: called by midir with one whole message. Messages of other lengths than three have no notes in them.
    fn receive(&mut self, bytes: &[u8]) {
        let Ok(bytes) = <[u8; 3]>::try_from(bytes) else { return };
        if self.events.try_push(Arrival { entered: Instant::now(), bytes }).is_err() {
            self.control.count_unread();
        }
        self.player.unpark();
    }
}

/// Closed in this order: nothing more comes in, then the thread ends.
struct Connections {
    _receiver: MidiInputConnection<()>,
    _player: Joined,
}

/// The playing thread, which ends when it was told to stop and has sent everything.
struct Joined {
    control: Arc<Control>,
    handle: Option<JoinHandle<()>>,
}

impl Joined {
    fn thread(&self) -> Thread {
        self.handle.as_ref().expect("taken on drop only").thread().clone()
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.control.request_stop();
        if let Some(handle) = self.handle.take() {
            let _ = handle.join(); // its panic was reported where it was caught
        }
    }
}

fn play_guarded(mut engine: Engine, mut output: MidiOutputConnection, events: HeapCons<Arrival>, epoch: Instant) {
    #[cfg(unix)]
    ask_for_real_time();
    if catch_unwind(AssertUnwindSafe(|| play(&mut engine, &mut output, events, epoch))).is_err() {
        engine.abandon("MIDI", |bytes| {
            let _ = output.send(&bytes);
        });
    }
    // The output closes with this thread: leave the last messages the time to get away.
    thread::sleep(DRAIN);
}

/// Lets this thread go before others when its time has come. Where the user may not ask for that (on Linux the group
/// audio usually may), it plays all the same, and later when the machine is busy.
#[cfg(unix)]
fn ask_for_real_time() {
    // Below JACK's and the kernel's own threads, above all ordinary ones.
    const PRIORITY: libc::c_int = 40;
    // SAFETY: sched_param is plain numbers, for which zero is valid, and the call only reads it.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = PRIORITY;
        libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &parameters);
    }
}

/// The playing thread: sleeps until a message, a table or a step comes, answers, and ends in silence.
fn play(engine: &mut Engine, output: &mut MidiOutputConnection, mut events: HeapCons<Arrival>, epoch: Instant) {
    let time = |moment: Instant| moment.saturating_duration_since(epoch).as_nanos() as Time;
    // A port that is gone takes nothing ever again: a message that fails is let go, not tried again.
    let mut send = |message: Message| {
        let _ = output.send(&message.bytes);
        true
    };
    while !engine.control().is_silent() {
        let earliest = events.try_peek().map_or_else(Instant::now, |event| event.entered);
        engine.begin(time(earliest));
        while let Some(event) = events.try_pop() {
            engine.receive(time(event.entered), &event.bytes, event.entered, &mut send);
        }
        let now = Instant::now();
        engine.advance(time(now), &mut send);
        match engine.due() {
            Some(due) => thread::park_timeout(Duration::from_nanos(due.saturating_sub(time(now)))),
            None if engine.control().is_silent() => break,
            None => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_the_only_real_port_is_taken() {
        let names = ["Midi Through:Port-0 14:0", "Keystation 61:MIDI 1 20:0"].map(str::to_owned);
        assert_eq!(choose(Side::Input, &names, &None, false).unwrap(), Some(1));
        assert_eq!(choose(Side::Input, &names, &Some("through".to_owned()), false).unwrap(), Some(0));
        let error = choose(Side::Input, &names[..1], &None, false).unwrap_err().to_string();
        assert!(error.contains("--input NAME") && error.contains("Midi Through"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn own_ports_are_made_only_where_no_name_is_given() {
        let names = ["Keystation 61:MIDI 1 20:0".to_owned()];
        assert_eq!(choose(Side::Output, &names, &None, true).unwrap(), None);
        assert_eq!(choose(Side::Output, &names, &Some("1".to_owned()), true).unwrap(), Some(0));
    }
}
