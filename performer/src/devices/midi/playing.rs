//! The engine between the threads that messages come in on and one of ours that plays what is due: of midir's ports and of
//! sockets.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use live::{Engine, Failure, Shared, fault};
use midir::MidiOutputConnection;
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use session::midi::MidiMessage;
use session::midi::controller::KEPT;
use session::{Message, Time};

use super::{CLOCK_PORT, INPUT_PORT, MidiError, PortStatus};
use crate::devices::audio::SoundOutput;

/// The session counts in them.
pub const NANOSECONDS: f64 = 1e9;
/// The output closes with the playing thread: the last messages have so long to get away. midir's send, for one, returns
/// before a message is carried away, and closing the port then loses it.
pub const DRAIN: Duration = Duration::from_millis(50);
/// Messages that wait in an inbox.
const MESSAGES: usize = 1024;
/// What was opened anew and waits for the playing thread: each input, the output and the sound.
const REPLACEMENTS: usize = 4;
/// Windows forbids to send from its callbacks (MidiInProc: "could cause a deadlock"); there the thread answers.
const ANSWERS_IN_CALLBACK: bool = !cfg!(windows);

/// What takes messages out. One that is gone takes nothing ever again: what it doesn't take is let go, not tried again.
pub trait Carrier: Send {
    /// Real-time.
    fn carry(&mut self, message: &Message);
}

impl Carrier for MidiOutputConnection {
    fn carry(&mut self, message: &Message) {
        let _ = self.send(&message.bytes());
    }
}

/// What an input brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputRole {
    /// Everything.
    Keyboard,
    /// MIDI clock and nothing else.
    Clock,
}

impl InputRole {
    /// The name of a port of ours.
    pub fn port(self) -> &'static str {
        match self {
            InputRole::Keyboard => INPUT_PORT,
            InputRole::Clock => CLOCK_PORT,
        }
    }

    fn takes(self, message: &[u8]) -> bool {
        self == InputRole::Keyboard || matches!(message, [0xf2, ..] | [0xf8 | 0xfa..=0xfc])
    }
}

/// A message as it came in.
#[derive(Clone, Copy)]
pub struct ReceivedMessage {
    entered: Instant,
    bytes: [u8; 3],
    length: u8,
}

/// A queue for an inbox, and its end at the engine.
pub fn new_inbox() -> (HeapProd<ReceivedMessage>, HeapCons<ReceivedMessage>) {
    HeapRb::new(MESSAGES).split()
}

/// What the thread of an input owns.
pub struct Inbox {
    messages: HeapProd<ReceivedMessage>,
    role: InputRole,
    engine: Arc<Mutex<SharedEngine>>,
    player: Thread,
    shared: Arc<Shared>,
    has_asked_for_real_time: bool,
}

impl Inbox {
    pub fn role(&self) -> InputRole {
        self.role
    }

    /// Real-time: takes one whole message. Returns whether there was room for it.
    pub fn receive(&mut self, message: &[u8]) -> bool {
        let entered = Instant::now();
        if !self.role.takes(message) {
            return true;
        }
        let mut bytes = [0; 3];
        // Longer ones are system exclusive.
        let Some(place) = bytes.get_mut(..message.len()) else { return true };
        place.copy_from_slice(message);
        let received = ReceivedMessage { entered, bytes, length: message.len() as u8 };
        let is_taken = self.messages.try_push(received).is_ok();
        if !is_taken {
            self.shared.count_unread();
        }
        if ANSWERS_IN_CALLBACK && let Ok(mut engine) = self.engine.try_lock() {
            engine.play();
        }
        // To find out when the next step is now, and to play the message if that was not done here.
        self.player.unpark();
        is_taken
    }

    /// Once, for the thread that calls it. CoreMIDI's thread is one for real time by itself.
    pub fn ask_for_real_time(&mut self) {
        if cfg!(target_os = "linux") && !mem::replace(&mut self.has_asked_for_real_time, true) {
            #[cfg(unix)]
            crate::devices::unix::ask_for_real_time();
        }
    }
}

/// Where the engine's messages go: one carrier for all parts, or one for each, and our own instrument.
pub struct Outputs {
    carriers: Vec<Box<dyn Carrier>>,
    /// Our own, in the audio callback.
    instrument: Option<HeapProd<Message>>,
    /// What an instrument that comes anew does not know: the last choice of a sound on each channel, and the last values
    /// of its [`KEPT`] controllers.
    programs: [Option<Message>; 16],
    controllers: [[Option<Message>; KEPT.len()]; 16],
}

impl Outputs {
    pub fn new(carriers: Vec<Box<dyn Carrier>>, instrument: Option<HeapProd<Message>>) -> Outputs {
        Outputs { carriers, instrument, programs: [None; 16], controllers: [[None; KEPT.len()]; 16] }
    }

    fn send(&mut self, message: &Message) {
        match message.midi {
            MidiMessage::ProgramChange { channel, .. } => self.programs[usize::from(channel)] = Some(*message),
            MidiMessage::Controller { channel, controller, .. } => {
                if let Some(place) = KEPT.iter().position(|&kept| kept == controller) {
                    self.controllers[usize::from(channel)][place] = Some(*message);
                }
            }
            _ => {}
        }
        if let Some(instrument) = &mut self.instrument {
            // Full only if the audio callback has stopped; then nothing sounds anyway.
            let _ = instrument.try_push(*message);
        }
        let index = if self.carriers.len() > 1 { message.part.index() } else { 0 };
        if let Some(carrier) = self.carriers.get_mut(index) {
            carrier.carry(message);
        }
    }

    fn replace_instrument(&mut self, mut instrument: HeapProd<Message>) -> Option<HeapProd<Message>> {
        instrument.push_iter(self.programs.iter().chain(self.controllers.iter().flatten()).flatten().copied());
        self.instrument.replace(instrument)
    }
}

/// What was opened anew and takes the place of what went away.
pub enum Replacement {
    Inbox(InputRole, HeapCons<ReceivedMessage>),
    Carriers(Vec<Box<dyn Carrier>>),
    Instrument(HeapProd<Message>),
}

/// Gives an own instrument that comes back, as its sound card does, to the playing thread.
pub fn tend_sound(sound: Option<&mut SoundOutput>, replacements: &mut HeapProd<Replacement>, status: &mut PortStatus) {
    // Full only if the playing thread has stopped; then nothing sounds anyway.
    let Some(sound) = sound.filter(|_| !replacements.is_full()) else { return };
    if let Some(instrument) = sound.tend() {
        let _ = replacements.try_push(Replacement::Instrument(instrument));
        status.sound = sound.description().map(str::to_owned);
    }
    status.has_sound = sound.description().is_some();
}

/// What plays, for whoever locks it.
pub struct SharedEngine {
    engine: Engine,
    outputs: Outputs,
    /// By [`InputRole`].
    inboxes: [HeapCons<ReceivedMessage>; 2],
    /// The moment from which the session counts.
    epoch: Instant,
    has_panicked: bool,
}

impl SharedEngine {
    /// With the ends of its inboxes, by [`InputRole`].
    pub fn new(engine: Engine, outputs: Outputs, epoch: Instant) -> (SharedEngine, [HeapProd<ReceivedMessage>; 2]) {
        let [(keyboard_in, keyboard), (clock_in, clock)] = [new_inbox(), new_inbox()];
        let inboxes = [keyboard, clock];
        (SharedEngine { engine, outputs, inboxes, epoch, has_panicked: false }, [keyboard_in, clock_in])
    }

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
        let SharedEngine { engine, outputs, inboxes, epoch, .. } = self;
        let time = |moment: Instant| moment.saturating_duration_since(*epoch).as_nanos() as Time;
        let mut send = |message: Message| {
            outputs.send(&message);
            true
        };
        fault::trip(engine.shared(), "MIDI");
        let next = |inboxes: &[HeapCons<ReceivedMessage>; 2]| {
            let waiting = inboxes.iter().zip(0..).filter_map(|(inbox, place)| Some((inbox.try_peek()?.entered, place)));
            waiting.min()
        };
        engine.begin(time(next(inboxes).map_or_else(Instant::now, |(entered, _)| entered)));
        while let Some((_, place)) = next(inboxes)
            && let Some(message) = inboxes[place].try_pop()
        {
            let bytes = &message.bytes[..usize::from(message.length)];
            engine.receive(time(message.entered), bytes, message.entered, &mut send);
        }
        engine.advance(time(Instant::now()), &mut send);
    }

    /// How long nothing happens of itself; `None` if ever so long.
    fn pause(&self) -> Option<Duration> {
        let now = self.epoch.elapsed().as_nanos() as Time;
        self.engine.due().map(|due| Duration::from_nanos(due.saturating_sub(now)))
    }

    /// Puts something in the place of what it replaces, and gives that back, to be freed without the lock.
    fn replace(&mut self, replacement: Replacement) -> Option<Replacement> {
        match replacement {
            Replacement::Inbox(role, inbox) => {
                Some(Replacement::Inbox(role, mem::replace(&mut self.inboxes[role as usize], inbox)))
            }
            Replacement::Carriers(carriers) => {
                Some(Replacement::Carriers(mem::replace(&mut self.outputs.carriers, carriers)))
            }
            Replacement::Instrument(instrument) => {
                self.outputs.replace_instrument(instrument).map(Replacement::Instrument)
            }
        }
    }
}

/// The playing thread, which ends when it was told to stop and has sent everything.
pub struct PlayingThread {
    engine: Arc<Mutex<SharedEngine>>,
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
}

impl PlayingThread {
    /// With the queue for what is opened anew.
    pub fn start(
        engine: SharedEngine,
        shared: Arc<Shared>,
    ) -> Result<(PlayingThread, HeapProd<Replacement>), MidiError> {
        let engine = Arc::new(Mutex::new(engine));
        let (replacements_in, replacements) = HeapRb::new(REPLACEMENTS).split();
        let handle = thread::Builder::new()
            .name("midi".to_owned())
            .spawn({
                let engine = Arc::clone(&engine);
                move || play(&engine, replacements)
            })
            .map_err(|cause| MidiError::Thread { name: "MIDI", cause })?;
        shared.set_player(handle.thread().clone());
        Ok((PlayingThread { engine, shared, handle: Some(handle) }, replacements_in))
    }

    /// What an input's thread is to own.
    pub fn inbox(&self, messages: HeapProd<ReceivedMessage>, role: InputRole) -> Inbox {
        let player = self.handle.as_ref().expect("taken on drop only").thread().clone();
        Inbox {
            messages,
            role,
            engine: Arc::clone(&self.engine),
            player,
            shared: Arc::clone(&self.shared),
            has_asked_for_real_time: false,
        }
    }
}

impl Drop for PlayingThread {
    fn drop(&mut self) {
        self.shared.request_stop();
        if let Some(handle) = self.handle.take() {
            let _ = handle.join(); // its panic was reported where it was caught
        }
    }
}

/// The playing thread: sleeps until a table or a step comes, or a message that the callback could not play, and ends in
/// silence.
fn play(engine: &Mutex<SharedEngine>, mut replacements: HeapCons<Replacement>) {
    #[cfg(unix)]
    crate::devices::unix::ask_for_real_time();
    // Panics are caught inside.
    let lock = || engine.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        while let Some(replacement) = replacements.try_pop() {
            let replaced = lock().replace(replacement);
            drop(replaced); // by now the callback may have the lock
        }
        let pause = {
            let mut engine = lock();
            engine.play();
            if engine.engine.shared().is_silent() {
                break;
            }
            engine.pause()
        };
        match pause {
            Some(pause) => thread::park_timeout(pause),
            None => thread::park(),
        }
    }
    thread::sleep(DRAIN);
}

#[cfg(test)]
mod tests {
    use chorale::{Chord, Part, Pitch, Token};
    use session::midi::controller;
    use session::{AnswerTable, ClickNote, Route, Routing, Session, Settings, clock};

    use super::*;

    /// An engine with its first table, the inboxes of both roles, and what goes to its own instrument.
    fn shared_engine() -> (Arc<Mutex<SharedEngine>>, [Inbox; 2], HeapCons<Message>) {
        let clock = clock::Settings { source: clock::ClockSource::Strict, rate: NANOSECONDS, tempo: 60.0, first: 0 };
        let session = Session::new(Settings::new(clock));
        let (engine, mut ends) = Engine::new(session, thread::current(), Arc::default());
        let chords = std::array::from_fn(|index| {
            Chord([index, 30, 25, 10].map(|index| Token::from_index(index).expect("in the vocabulary")))
        });
        let first = AnswerTable { number: 0, is_present: false, step: 0, after: Chord::START, bass: None, chords };
        ends.tables.try_push(first).unwrap();
        let (instrument, sent) = HeapRb::new(64).split();
        let outputs = Outputs::new(Vec::new(), Some(instrument));
        let (engine, [keyboard, clock]) = SharedEngine::new(engine, outputs, Instant::now());
        let engine = Arc::new(Mutex::new(engine));
        let inboxes = [(keyboard, InputRole::Keyboard), (clock, InputRole::Clock)].map(|(messages, role)| Inbox {
            messages,
            role,
            engine: Arc::clone(&engine),
            player: thread::current(),
            shared: Arc::default(),
            has_asked_for_real_time: false,
        });
        (engine, inboxes, sent)
    }

    fn keys(sent: &mut HeapCons<Message>) -> Vec<u8> {
        sent.pop_iter().map(|message| message.bytes()[1]).collect()
    }

    #[test]
    fn the_callback_answers_itself_and_leaves_its_message_to_the_thread_where_that_has_the_lock() {
        let (engine, [mut keyboard, mut clock], mut sent) = shared_engine();
        // From a clock's port nothing else is taken.
        clock.receive(&[0x90, 60, 80]);

        keyboard.receive(&[0x90, 72, 80]);
        assert_eq!(keys(&mut sent), if ANSWERS_IN_CALLBACK { vec![72, 65, 60, 45] } else { Vec::new() });

        let mut locked = engine.lock().unwrap();
        keyboard.receive(&[0x90, 74, 80]);
        assert_eq!(keys(&mut sent), [0; 0]);
        locked.play();
        assert!(keys(&mut sent).contains(&74), "played when whoever has the lock looks again");
        assert!(locked.pause().is_some_and(|pause| pause <= Duration::from_millis(250)), "a step lasts so long");
    }

    #[test]
    fn what_is_replaced_is_given_back_so_that_it_is_freed_without_the_lock() {
        let (engine, [_keyboard, _clock], mut sent) = shared_engine();
        let mut engine = engine.lock().unwrap();
        let (mut new_in, new) = new_inbox();
        new_in.try_push(ReceivedMessage { entered: Instant::now(), bytes: [0x90, 72, 80], length: 3 }).ok().unwrap();
        let replaced = engine.replace(Replacement::Inbox(InputRole::Keyboard, new));
        assert!(matches!(replaced, Some(Replacement::Inbox(InputRole::Keyboard, _))));
        engine.play();
        assert!(keys(&mut sent).contains(&72), "the new inbox is played");
        assert!(matches!(engine.replace(Replacement::Carriers(Vec::new())), Some(Replacement::Carriers(_))));
    }

    #[test]
    fn an_instrument_that_comes_anew_is_told_its_sounds_loudness_and_stops_before_anything_else() {
        let mut routes = Route::all();
        routes[Part::Bass.index()].program = Some(20);
        let mut routing = Routing::new(routes, false, 4, ClickNote::default());
        routing.send_programs(0);
        for (controller, value) in
            [(controller::EXPRESSION, 70), (controller::MODULATION, 9), (controller::STOPS[2], 127)]
        {
            routing.to_all(0, MidiMessage::Controller { channel: 0, controller, value });
        }
        routing.begin(0, Part::Bass, Pitch::new(48).unwrap(), 80);
        let mut outputs = Outputs::new(Vec::new(), None);
        while let Some(message) = routing.next_message() {
            outputs.send(&message);
            routing.sent();
        }
        let (instrument, mut sent) = HeapRb::new(16).split();
        assert!(outputs.replace_instrument(instrument).is_none());
        let sent: Vec<Vec<u8>> = sent.pop_iter().map(|message| message.bytes().to_vec()).collect();
        assert_eq!(sent[0], [0xc3, 20]);
        let controllers = (0..4).flat_map(|part| [vec![0xb0 | part, 11, 70], vec![0xb0 | part, 82, 127]]);
        assert_eq!(sent[1..], controllers.collect::<Vec<_>>());
    }
}
