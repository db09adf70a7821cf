//! The operating system's own MIDI through midir: ALSA on Linux, CoreMIDI on macOS, WinMM on Windows.
//!
//! The session and the output stand on a `Stage`, which whoever has something to play steps onto: midir's callback
//! with a message, which it answers itself, and a thread of ours, which sleeps until the next table or step. The callback
//! never waits: should the stage be taken, its message is in a queue already, and the thread plays it.

use std::any::Any;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use midir::{Ignore, MidiInput, MidiInputConnection, MidiOutput, MidiOutputConnection};
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::{
    Backend, CLIENT, CLOCK_PORT, Connections, INPUT_PORT, Links, MidiError, OUTPUT_PORT, Ports, Running, Side, Wiring,
    find_port,
};
use crate::devices::audio::{Audio, AudioSettings};
use live::{Engine, Failure, Shared, fault};
use panics;
use session::{Message, Time};

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
/// Windows forbids to send from its callbacks (MidiInProc: "could cause a deadlock"); there the thread answers.
const ANSWERS_IN_CALLBACK: bool = !cfg!(windows);
const NANOSECONDS: f64 = 1e9;

pub struct System {
    input: MidiInput,
    output: MidiOutput,
}

impl System {
    pub fn open() -> Result<System, MidiError> {
        #[cfg(target_os = "linux")]
        check_sequencer()?;
        let input = new_input().map_err(unavailable)?;
        Ok(System { input, output: MidiOutput::new(CLIENT).map_err(unavailable)? })
    }
}

fn unavailable(error: midir::InitError) -> MidiError {
    MidiError::Unavailable {
        system: SYSTEM,
        cause: error.to_string(),
        hint: "does any other MIDI program work?".to_owned(),
    }
}

/// System exclusive messages and active sensing have nothing to say to us.
fn new_input() -> Result<MidiInput, midir::InitError> {
    let mut input = MidiInput::new(CLIENT)?;
    input.ignore(Ignore::SysexAndActiveSense);
    Ok(input)
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

    fn listen(self: Box<Self>, wiring: &Wiring, messages: Sender<Vec<u8>>) -> Result<Box<dyn Any>, MidiError> {
        let input = self.input;
        let (ports, names) = named(input.ports(), |port| input.port_name(port).ok());
        let index = choose(Side::Input, &names, &wiring.input, false)?.unwrap_or_default();
        let hand_on = move |_, bytes: &[u8], (): &mut ()| {
            // Nobody listens any more when the receiver is gone.
            let _ = messages.send(bytes.to_vec());
        };
        let receiver = input.connect(&ports[index], INPUT_PORT, hand_on, ());
        Ok(Box::new(receiver.map_err(|error| refused(Side::Input, &names[index], error))?))
    }

    fn start(
        self: Box<Self>,
        wiring: &Wiring,
        engine: Engine,
        sound: Option<&AudioSettings>,
    ) -> Result<Running, MidiError> {
        let System { input, output } = *self;
        let (input_ports, input_names) = named(input.ports(), |port| input.port_name(port).ok());
        let (output_ports, output_names) = named(output.ports(), |port| output.port_name(port).ok());
        if wiring.per_part && wiring.output.is_some() {
            return Err(MidiError::PerPart(wiring.output_ports()));
        }
        let source = choose(Side::Input, &input_names, &wiring.input, wiring.own_ports)?;
        let clock = match &wiring.clock_input {
            Some(wanted) => Some(find_port(Side::Input, &input_names, wanted)?),
            None => None,
        };
        let destination = choose(Side::Output, &output_names, &wiring.output, wiring.own_ports || wiring.per_part)?;

        let (senders, output_name) = match destination {
            Some(index) => {
                let name = output_names[index].clone();
                let sender = output.connect(&output_ports[index], OUTPUT_PORT);
                (vec![sender.map_err(|error| refused(Side::Output, &name, error))?], name)
            }
            None => own_outputs(output, &wiring.output_ports())?,
        };
        let name_of = |index: usize| input_names[index].clone();
        let mut links = Links {
            sound: None,
            input: source.map_or_else(|| shown_name(INPUT_PORT), name_of),
            clock: clock.map(name_of).or_else(|| wiring.own_clock_port.then(|| shown_name(CLOCK_PORT))),
            output: output_name,
            has_server: true,
            has_input: true,
            has_clock: true,
            has_output: true,
        };
        let destination_name = destination.map(|_| links.output.clone());
        if destination.is_some() {
            engine.shared().regain_output();
        }

        let control = Arc::clone(engine.shared());
        let audio = sound.map(|settings| Audio::start(settings, &control)).transpose()?;
        let (audio, instrument) = audio.map_or((None, None), |(audio, queue)| (Some(audio), Some(queue)));
        links.sound = audio.as_ref().map(|audio| audio.description.clone());
        let epoch = Instant::now();
        let (keyboard_in, keyboard_events) = HeapRb::new(EVENTS).split();
        let (clock_in, clock_events) = HeapRb::new(EVENTS).split();
        let events = [keyboard_events, clock_events];
        let (inboxes, new_inboxes) = HeapRb::new(2).split();
        let (replacements, replaced) = HeapRb::new(1).split();
        let outputs = Outputs { senders, instrument };
        let stage = Arc::new(Mutex::new(Stage { engine, outputs, events, epoch, has_panicked: false }));
        let handle = thread::Builder::new()
            .name("midi".to_owned())
            .spawn({
                let stage = Arc::clone(&stage);
                move || play(&stage, new_inboxes, replaced)
            })
            .map_err(|cause| MidiError::Thread { name: "MIDI", cause })?;
        let player = Joined { control: Arc::clone(&control), handle: Some(handle) };
        control.set_player(player.thread());

        let open = |input: MidiInput, from: Option<usize>, role: Role, events: HeapProd<Arrival>| {
            let mailbox = Mailbox::new(events, role, &stage, player.thread(), Arc::clone(&control));
            let receiver = match from {
                Some(index) => {
                    let receiver = input.connect(&input_ports[index], role.port(), receive, mailbox);
                    receiver.map_err(|error| refused(Side::Input, &input_names[index], error))?
                }
                None => own_input(input, mailbox)?,
            };
            Ok::<_, MidiError>(Input { receiver: Some(receiver), source: from.map(name_of), role })
        };
        let mut inputs = vec![open(input, source, Role::Keyboard, keyboard_in)?];
        if links.clock.is_some() {
            inputs.push(open(new_input().map_err(unavailable)?, clock, Role::Clock, clock_in)?);
        }
        let connections =
            Cables { inputs, inboxes, destination: destination_name, replacements, stage, player, _audio: audio };
        Ok(Running { links, drain: DRAIN, connections: Box::new(connections) })
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
fn own_input(input: MidiInput, mailbox: Mailbox) -> Result<MidiInputConnection<Mailbox>, MidiError> {
    use midir::os::unix::VirtualInput;
    let port = mailbox.role.port();
    input.create_virtual(&own_name(port), receive, mailbox).map_err(|error| refused(Side::Input, port, error))
}

/// Ports of these names, and all their names in one.
#[cfg(unix)]
fn own_outputs(first: MidiOutput, ports: &[String]) -> Result<(Vec<MidiOutputConnection>, String), MidiError> {
    use midir::os::unix::VirtualOutput;
    let mut first = Some(first);
    let mut senders = Vec::new();
    for port in ports {
        // midir gives each client one port.
        let output = match first.take() {
            Some(output) => output,
            None => MidiOutput::new(CLIENT).map_err(|error| MidiError::Connect {
                side: Side::Output,
                port: port.clone(),
                cause: error.to_string(),
            })?,
        };
        senders.push(output.create_virtual(&own_name(port)).map_err(|error| refused(Side::Output, port, error))?);
    }
    let names: Vec<String> = ports.iter().map(|port| shown_name(port)).collect();
    Ok((senders, names.join(", ")))
}

/// What a port of ours is called. CoreMIDI shows this name alone, without that of the program.
#[cfg(unix)]
fn own_name(port: &str) -> String {
    if cfg!(target_os = "macos") { format!("{CLIENT} {port}") } else { port.to_owned() }
}

/// What other programs show of it.
fn shown_name(port: &str) -> String {
    format!("{CLIENT}{}{port}", if cfg!(target_os = "macos") { ' ' } else { ':' })
}

#[cfg(not(unix))]
fn own_input(_: MidiInput, _: Mailbox) -> Result<MidiInputConnection<Mailbox>, MidiError> {
    Err(MidiError::NoVirtualPorts)
}

#[cfg(not(unix))]
fn own_outputs(_: MidiOutput, _: &[String]) -> Result<(Vec<MidiOutputConnection>, String), MidiError> {
    Err(MidiError::NoVirtualPorts)
}

/// Real-time: called by midir with one whole message.
fn receive(_: u64, bytes: &[u8], mailbox: &mut Mailbox) {
    mailbox.receive(bytes);
}

/// A message as it came in.
#[derive(Clone, Copy)]
struct Arrival {
    entered: Instant,
    bytes: [u8; 3],
    length: u8,
}

/// What an input brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Everything.
    Keyboard,
    /// MIDI clock and nothing else.
    Clock,
}

impl Role {
    /// The name of a port of ours.
    fn port(self) -> &'static str {
        match self {
            Role::Keyboard => INPUT_PORT,
            Role::Clock => CLOCK_PORT,
        }
    }

    fn takes(self, message: &[u8]) -> bool {
        self == Role::Keyboard || matches!(message, [0xf2, ..] | [0xf8 | 0xfa..=0xfc])
    }
}

/// What midir's input thread owns.
struct Mailbox {
    events: HeapProd<Arrival>,
    role: Role,
    stage: Arc<Mutex<Stage>>,
    player: Thread,
    control: Arc<Shared>,
    has_asked_for_real_time: bool,
}

impl Mailbox {
    fn new(
        events: HeapProd<Arrival>,
        role: Role,
        stage: &Arc<Mutex<Stage>>,
        player: Thread,
        control: Arc<Shared>,
    ) -> Mailbox {
        Mailbox { events, role, stage: Arc::clone(stage), player, control, has_asked_for_real_time: false }
    }

    fn receive(&mut self, message: &[u8]) {
        let entered = Instant::now();
        if !self.role.takes(message) {
            return;
        }
        let mut bytes = [0; 3];
        // Longer ones are system exclusive.
        let Some(place) = bytes.get_mut(..message.len()) else { return };
        place.copy_from_slice(message);
        let arrival = Arrival { entered, bytes, length: message.len() as u8 };
        if self.events.try_push(arrival).is_err() {
            self.control.count_unread();
        }
        if ANSWERS_IN_CALLBACK && let Ok(mut stage) = self.stage.try_lock() {
            stage.play();
        }
        // To find out when the next step is now, and to play the message if that was not done here.
        self.player.unpark();
        // CoreMIDI's thread is one for real time by itself.
        if cfg!(target_os = "linux") && !std::mem::replace(&mut self.has_asked_for_real_time, true) {
            #[cfg(unix)]
            crate::devices::unix::ask_for_real_time();
        }
    }
}

/// Our connections. Closed in this order: nothing more comes in, then the thread ends.
struct Cables {
    inputs: Vec<Input>,
    /// Inputs opened anew, for the playing thread.
    inboxes: HeapProd<(Role, HeapCons<Arrival>)>,
    /// The name of the port that we were told to send to.
    destination: Option<String>,
    /// Outputs opened anew, for the playing thread.
    replacements: HeapProd<MidiOutputConnection>,
    stage: Arc<Mutex<Stage>>,
    player: Joined,
    _audio: Option<Audio>,
}

struct Input {
    /// `None` while it is unplugged.
    receiver: Option<MidiInputConnection<Mailbox>>,
    /// The name of the port that we were told to listen to; `None` for one of our own.
    source: Option<String>,
    role: Role,
}

impl Connections for Cables {
    fn tend(&mut self, links: &mut Links, control: &Arc<Shared>) {
        for place in 0..self.inputs.len() {
            self.tend_input(place, links, control);
        }
        self.tend_output(links, control);
    }
}

impl Cables {
    fn tend_input(&mut self, place: usize, links: &mut Links, control: &Arc<Shared>) {
        let Input { receiver, source: Some(source), role } = &mut self.inputs[place] else { return };
        let (role, has_input) = match role {
            Role::Keyboard => (Role::Keyboard, &mut links.has_input),
            Role::Clock => (Role::Clock, &mut links.has_clock),
        };
        let Ok(input) = new_input() else { return };
        let (ports, names) = named(input.ports(), |port| input.port_name(port).ok());
        let found = same_port(&names, source);
        if found.is_none() && *has_input {
            *has_input = false;
            *receiver = None;
            if role == Role::Keyboard {
                control.lose_input();
            }
        }
        // One that can't be opened yet, since its driver is still busy or another program was faster, is tried again.
        let Some(index) = found.filter(|_| !*has_input && !self.inboxes.is_full()) else { return };
        let (events_in, events) = HeapRb::new(EVENTS).split();
        let mailbox = Mailbox::new(events_in, role, &self.stage, self.player.thread(), Arc::clone(control));
        if let Ok(opened) = input.connect(&ports[index], role.port(), receive, mailbox) {
            // What comes before the playing thread takes it waits there.
            let _ = self.inboxes.try_push((role, events));
            *receiver = Some(opened);
            *has_input = true;
            match role {
                Role::Keyboard => links.input.clone_from(&names[index]),
                Role::Clock => links.clock = Some(names[index].clone()),
            }
        }
    }

    fn tend_output(&mut self, links: &mut Links, control: &Shared) {
        let Some(destination) = &self.destination else { return };
        let Ok(output) = MidiOutput::new(CLIENT) else { return };
        let (ports, names) = named(output.ports(), |port| output.port_name(port).ok());
        let Some(index) = same_port(&names, destination) else {
            links.has_output = false;
            return;
        };
        if !links.has_output
            && let Ok(sender) = output.connect(&ports[index], OUTPUT_PORT)
            && self.replacements.try_push(sender).is_ok()
        {
            links.has_output = true;
            links.output.clone_from(&names[index]);
            control.regain_output();
        }
    }
}

/// The port that was called `name`. ALSA ends names in numbers that change when a device is plugged in again.
fn same_port(names: &[String], name: &str) -> Option<usize> {
    let exact = names.iter().position(|other| other == name);
    exact.or_else(|| names.iter().position(|other| without_numbers(other) == without_numbers(name)))
}

/// `Keystation:MIDI 1 20:0` without its last word.
fn without_numbers(name: &str) -> &str {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once(' ') {
        Some((rest, address)) if address.split_once(':').is_some_and(|(a, b)| is_number(a) && is_number(b)) => rest,
        _ => name,
    }
}

/// What the playing thread sends through: one output for all parts, or one for each.
struct Outputs {
    senders: Vec<MidiOutputConnection>,
    /// Our own, in the audio callback.
    instrument: Option<HeapProd<Message>>,
}

impl Outputs {
    /// A port that is gone takes nothing ever again: a message that fails is let go, not tried again.
    fn send(&mut self, message: &Message) {
        if let Some(instrument) = &mut self.instrument {
            // Full only if the audio callback has stopped; then nothing sounds anyway.
            let _ = instrument.try_push(*message);
        }
        let index = if self.senders.len() > 1 { message.part.index() } else { 0 };
        if let Some(sender) = self.senders.get_mut(index) {
            let _ = sender.send(message.bytes());
        }
    }
}

/// The playing thread, which ends when it was told to stop and has sent everything.
struct Joined {
    control: Arc<Shared>,
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

/// What plays.
struct Stage {
    engine: Engine,
    outputs: Outputs,
    /// By [`Role`].
    events: [HeapCons<Arrival>; 2],
    /// The moment from which the session counts.
    epoch: Instant,
    has_panicked: bool,
}

impl Stage {
    /// Real-time: plays the messages that have come, and what is due by now.
    fn play(&mut self) {
        if self.has_panicked {
            return;
        }
        if let Err(told) = panics::catch(|| self.play_unguarded()) {
            self.has_panicked = true;
            self.engine.shared().fail(Failure::Panic { thread: "MIDI", told });
            self.engine.abandon(|message| self.outputs.send(&message));
        }
    }

    fn play_unguarded(&mut self) {
        let Stage { engine, outputs, events, epoch, .. } = self;
        let time = |moment: Instant| moment.saturating_duration_since(*epoch).as_nanos() as Time;
        let mut send = |message: Message| {
            outputs.send(&message);
            true
        };
        fault::trip(engine.shared(), "MIDI");
        let next = |events: &[HeapCons<Arrival>; 2]| {
            let waiting = events.iter().zip(0..).filter_map(|(queue, place)| Some((queue.try_peek()?.entered, place)));
            waiting.min()
        };
        engine.begin(time(next(events).map_or_else(Instant::now, |(entered, _)| entered)));
        while let Some((_, place)) = next(events)
            && let Some(event) = events[place].try_pop()
        {
            engine.receive(time(event.entered), &event.bytes[..usize::from(event.length)], event.entered, &mut send);
        }
        engine.advance(time(Instant::now()), &mut send);
    }

    /// How long nothing happens of itself; `None` if ever so long.
    fn pause(&self) -> Option<Duration> {
        let now = self.epoch.elapsed().as_nanos() as Time;
        self.engine.due().map(|due| Duration::from_nanos(due.saturating_sub(now)))
    }
}

/// The playing thread: sleeps until a table or a step comes, or a message that the callback could not play, and ends in
/// silence.
fn play(
    stage: &Mutex<Stage>,
    mut new_inboxes: HeapCons<(Role, HeapCons<Arrival>)>,
    mut new_outputs: HeapCons<MidiOutputConnection>,
) {
    #[cfg(unix)]
    crate::devices::unix::ask_for_real_time();
    loop {
        let pause = {
            // Panics are caught inside.
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some((role, events)) = new_inboxes.try_pop() {
                stage.events[role as usize] = events;
            }
            if let Some(sender) = new_outputs.try_pop() {
                stage.outputs.senders = vec![sender];
            }
            stage.play();
            if stage.engine.shared().is_silent() {
                break;
            }
            stage.pause()
        };
        match pause {
            Some(pause) => thread::park_timeout(pause),
            None => thread::park(),
        }
    }
    // The output closes with this thread: leave the last messages the time to get away.
    thread::sleep(DRAIN);
}

#[cfg(test)]
mod tests {
    use chorale::{Chord, Token};

    use super::*;
    use session::{AnswerTable, Session, Settings, clock};

    #[test]
    fn without_a_choice_the_only_real_port_is_taken() {
        let names = ["Midi Through:Port-0 14:0", "Keystation 61:MIDI 1 20:0"].map(str::to_owned);
        assert_eq!(choose(Side::Input, &names, &None, false).unwrap(), Some(1));
        assert_eq!(choose(Side::Input, &names, &Some("through".to_owned()), false).unwrap(), Some(0));
        let error = choose(Side::Input, &names[..1], &None, false).unwrap_err().to_string();
        assert!(error.contains("--input NAME") && error.contains("Midi Through"), "{error}");
    }

    #[test]
    fn the_callback_answers_itself_and_leaves_its_message_to_the_thread_where_the_stage_is_taken() {
        let clock = clock::Settings { source: clock::ClockSource::Internal, rate: NANOSECONDS, tempo: 60.0, first: 0 };
        let session = Session::new(Settings::new(clock));
        let (engine, mut ends) = Engine::new(session, thread::current(), Arc::default());
        let chords = std::array::from_fn(|index| {
            Chord([index, 30, 25, 10].map(|index| Token::from_index(index).expect("in the vocabulary")))
        });
        let first = AnswerTable { number: 0, is_present: false, step: 0, after: Chord::START, bass: None, chords };
        ends.tables.try_push(first).unwrap();
        let (keyboard, keyboard_events) = HeapRb::new(EVENTS).split();
        let (clock, clock_events) = HeapRb::new(EVENTS).split();
        let (instrument, mut sent) = HeapRb::new(64).split();
        let outputs = Outputs { senders: Vec::new(), instrument: Some(instrument) };
        let events = [keyboard_events, clock_events];
        let stage = Arc::new(Mutex::new(Stage { engine, outputs, events, epoch: Instant::now(), has_panicked: false }));
        let [mut mailbox, mut clock_mailbox] =
            [(keyboard, Role::Keyboard), (clock, Role::Clock)].map(|(events, role)| {
                let mailbox = Mailbox::new(events, role, &stage, thread::current(), Arc::default());
                Mailbox { has_asked_for_real_time: true, ..mailbox } // not for the test's thread
            });
        // From a clock's port nothing else is taken.
        clock_mailbox.receive(&[0x90, 60, 80]);

        mailbox.receive(&[0x90, 72, 80]);
        let answer =
            |sent: &mut HeapCons<Message>| sent.pop_iter().map(|message| message.bytes()[1]).collect::<Vec<_>>();
        assert_eq!(answer(&mut sent), if ANSWERS_IN_CALLBACK { vec![72, 65, 60, 45] } else { Vec::new() });

        let mut taken = stage.lock().unwrap();
        mailbox.receive(&[0x80, 72, 0]);
        assert_eq!(answer(&mut sent), [0; 0]);
        taken.play();
        assert!(answer(&mut sent).contains(&72), "played when whoever is on the stage looks again");
        assert!(taken.pause().is_some_and(|pause| pause <= Duration::from_millis(250)), "a step lasts so long");
    }

    #[cfg(unix)]
    #[test]
    fn own_ports_are_made_only_where_no_name_is_given() {
        let names = ["Keystation 61:MIDI 1 20:0".to_owned()];
        assert_eq!(choose(Side::Output, &names, &None, true).unwrap(), None);
        assert_eq!(choose(Side::Output, &names, &Some("1".to_owned()), true).unwrap(), Some(0));
    }

    #[test]
    fn a_device_plugged_in_again_is_known_by_its_name_without_numbers() {
        let names = ["Keystation:MIDI 1 24:0", "Keystation:MIDI 2 24:1", "2"].map(str::to_owned);
        assert_eq!(same_port(&names, "Keystation:MIDI 2 20:1"), Some(1));
        assert_eq!(same_port(&names, "Keystation:MIDI 3 20:2"), None);
        assert_eq!(same_port(&names, "2"), Some(2));
    }
}
