//! What the audio thread owns: a session, told by the host, whose messages go to the host.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chorale::Part;
use live::{Engine, Failure, Worker};
use network::ModelError;
use session::clock::{self, ClockSource, HostTransport};
use session::control::Control;
use session::midi::MidiReader;
use session::{Session, Settings, Time};
use sound::SoundError;
use thiserror::Error;

use crate::networks;
use crate::outlet::{Outgoing, Outlet, PassedKeys, Ports};
use crate::parameters::{self, ALL, COUNT, Values, place};
use crate::transport;
use crate::worker::Work;

/// In an offline render nobody waits longer for one table: then the worker is dead.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_micros(20);
/// Sample rates that hosts have.
const RATES: (f64, f64) = (1000.0, 1e6);

/// Why an instance can't be played.
#[derive(Debug, Error)]
pub enum PlayerError {
    #[error("a sample rate of {0} Hz can't be played; expected 1000 to 1000000")]
    Rate(f64),
    #[error("the network gave no answer: {0}")]
    Model(#[from] ModelError),
    #[error("the worker's thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error(transparent)]
    Sound(#[from] SoundError),
}

/// Something that a host tells at a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// A whole message.
    Midi([u8; 3]),
    /// By its place in [`ALL`].
    Parameter(usize, f64),
    Transport(HostTransport),
}

/// Plays one instance. Only [`Player::new`] and dropping it allocate, wait or take a lock; in an offline render it waits
/// for its worker, too.
pub struct Player {
    engine: Engine,
    outlet: Outlet,
    values: Values,
    shared: Arc<parameters::Shared>,
    /// The version of `shared` that was taken over.
    version: u32,
    transport: HostTransport,
    reader: MidiReader,
    passed: PassedKeys,
    /// Frames since the beginning.
    now: Time,
    frames: u32,
    is_offline: bool,
    must_restart: bool,
    /// What the instance before this one could not send any more.
    owed: Vec<Outgoing>,
    /// After the engine, which wakes its thread.
    _work: Work,
}

impl Player {
    /// Works the first answers out. `owed` is sent first.
    ///
    /// # Errors
    /// See [`PlayerError`].
    pub fn new(
        shared: &Arc<parameters::Shared>,
        ports: Ports,
        rate: f64,
        most_frames: u32,
        owed: Vec<Outgoing>,
    ) -> Result<Player, PlayerError> {
        if !(RATES.0..=RATES.1).contains(&rate) {
            return Err(PlayerError::Rate(rate));
        }
        panics::prepare();
        let version = shared.version();
        let values = shared.values();
        let tempo = transport::SILENT.tempo;
        let mut settings = Settings::new(clock::Settings { source: ClockSource::Host, rate, tempo, first: 0 });
        settings.has_own_ports = ports == Ports::OnePerPart;
        let [first, second] = networks::harmonizers()?;
        let (worker, table) = Worker::new(first, Some(second), &settings)?;
        let mut worker = worker.with_one_asleep();
        let mut session = Session::new(settings);
        session.table(0, &table);
        for place in 0..COUNT {
            apply(&mut session, 0, &values, place);
        }
        while let Some(request) = session.next_request() {
            worker.follow(&request)?;
            for table in [worker.present_table()?, worker.table()?].into_iter().flatten() {
                session.table(0, &table);
            }
        }
        let mut outlet = Outlet::new(ports, rate, most_frames)?;
        (outlet.layout, outlet.is_sounding) = (values.layout(), values.is_on(place::SOUND));
        let (work, engine) = Work::start(worker, session)?;
        Ok(Player {
            engine,
            outlet,
            values,
            shared: Arc::clone(shared),
            version,
            transport: transport::SILENT,
            reader: MidiReader::default(),
            passed: PassedKeys::NONE,
            now: 0,
            frames: 0,
            is_offline: false,
            must_restart: false,
            owed,
            _work: work,
        })
    }

    /// What the host told last.
    pub fn transport(&self) -> &HostTransport {
        &self.transport
    }

    /// What has ended the harmony, if anything has.
    pub fn failure(&self) -> Option<Failure> {
        self.engine.shared().failure()
    }

    /// Everything begins anew with the next block, and what sounds ends there.
    pub fn reset(&mut self) {
        self.must_restart = true;
    }

    /// Real-time: begins a block of so many frames. `is_offline`: nobody listens, so that every answer is waited for.
    pub fn begin_block(&mut self, frames: u32, is_offline: bool, write: &mut impl FnMut(Outgoing) -> bool) {
        self.frames = frames;
        self.is_offline = is_offline;
        self.outlet.begin_block(self.now, frames);
        while self.owed.last().is_some_and(|&owed| write(owed)) {
            self.owed.pop();
        }
        self.engine.begin(self.now);
        if std::mem::take(&mut self.must_restart) {
            self.end_passed(self.now, write);
            self.change(self.now, |session, at| session.restart(at), write);
        }
        let version = self.shared.version();
        if version != self.version {
            self.version = version;
            for place in 0..COUNT {
                self.set(self.now, place, self.shared.value(place), write);
            }
        }
        self.settle(self.now, write);
    }

    /// Real-time: takes what the host tells at a frame of the block. What comes out of order, or lies beyond the block, is
    /// taken where it can be.
    pub fn input(&mut self, frame: u32, input: Input, write: &mut impl FnMut(Outgoing) -> bool) {
        let frame = frame.min(self.frames.saturating_sub(1));
        let at = (self.now + Time::from(frame)).max(self.engine.now());
        if self.is_offline {
            self.play_until(at, write);
        }
        match input {
            Input::Midi(bytes) => self.midi(at, bytes, write),
            Input::Parameter(place, value) => {
                self.shared.tell(place, value);
                self.set(at, place, value, write);
            }
            Input::Transport(told) => {
                self.transport = told;
                let outlet = &mut self.outlet;
                self.engine.host(at, &told, &mut |message| outlet.send(&message, write));
            }
        }
        self.settle(at, write);
    }

    /// Real-time: plays the rest of the block.
    pub fn end_block(&mut self, write: &mut impl FnMut(Outgoing) -> bool) {
        if self.frames == 0 {
            return;
        }
        let last = self.now + Time::from(self.frames - 1);
        if self.is_offline {
            self.play_until(last + 1, write);
        }
        let outlet = &mut self.outlet;
        self.engine.advance(last, &mut |message| outlet.send(&message, write));
        self.settle(last, write);
        self.now += Time::from(self.frames);
    }

    /// Real-time: the block's sound, left and right; nothing while it is switched off.
    pub fn sound(&mut self) -> impl ExactSizeIterator<Item = [f32; 2]> {
        self.outlet.sound()
    }

    /// Ends everything that may sound, straight past the queues: after a panic, or at the very end.
    pub fn abandon(&mut self, write: &mut impl FnMut(Outgoing) -> bool) {
        let now = self.engine.now();
        self.end_passed(now, write);
        let outlet = &mut self.outlet;
        self.engine.abandon(|message| {
            outlet.send(&message, write);
        });
    }

    fn midi(&mut self, at: Time, bytes: [u8; 3], write: &mut impl FnMut(Outgoing) -> bool) {
        if self.values.is_on(place::BYPASS) {
            if let Some(midi) = self.reader.read(&bytes) {
                self.passed.see(midi);
                self.outlet.pass(at, midi, write);
            }
            return;
        }
        let outlet = &mut self.outlet;
        self.engine.receive(at, &bytes, Instant::now(), &mut |message| outlet.send(&message, write));
    }

    fn set(&mut self, at: Time, place: usize, value: f64, write: &mut impl FnMut(Outgoing) -> bool) {
        if self.values.0[place] == value {
            return;
        }
        // What sounds ends where it began.
        if matches!(place, place::LAYOUT | place::BYPASS) {
            self.change(at, |session, at| session.control(at, Control::Panic, 127), write);
            self.end_passed(at, write);
        }
        self.values.0[place] = value;
        let values = self.values;
        self.outlet.layout = values.layout();
        self.outlet.is_sounding = values.is_on(place::SOUND);
        self.change(at, |session, at| apply(session, at, &values, place), write);
    }

    fn change(&mut self, at: Time, change: impl FnOnce(&mut Session, Time), write: &mut impl FnMut(Outgoing) -> bool) {
        let outlet = &mut self.outlet;
        self.engine.change(at, change, &mut |message| outlet.send(&message, write));
    }

    fn end_passed(&mut self, at: Time, write: &mut impl FnMut(Outgoing) -> bool) {
        while let Some(end) = self.passed.next_end() {
            self.outlet.pass(at, end, write);
        }
    }

    /// Offline: plays what is due before `at`, and waits for each answer.
    fn play_until(&mut self, at: Time, write: &mut impl FnMut(Outgoing) -> bool) {
        while let Some(due) = self.engine.due().filter(|&due| due < at) {
            let outlet = &mut self.outlet;
            self.engine.advance(due, &mut |message| outlet.send(&message, write));
            self.settle(due, write);
        }
    }

    /// Offline: waits for the answers that were asked for, and plays what they change.
    fn settle(&mut self, at: Time, write: &mut impl FnMut(Outgoing) -> bool) {
        if !self.is_offline {
            return;
        }
        let deadline = Instant::now() + LONGEST_WAIT;
        while self.engine.is_waiting() && self.failure().is_none() && Instant::now() < deadline {
            self.engine.begin(at);
            if self.engine.is_waiting() {
                thread::sleep(POLL);
            }
        }
        let outlet = &mut self.outlet;
        self.engine.advance(self.engine.now(), &mut |message| outlet.send(&message, write));
    }
}

/// Lets a session have one parameter's value.
fn apply(session: &mut Session, at: Time, values: &Values, place: usize) {
    let switch = |is_on: bool| if is_on { 127 } else { 0 };
    let part = |from: usize| Part::ALL[(place - from) % 4];
    match place {
        place::DENSITY => session.control(at, Control::Density, values.density().value()),
        place::HOLD => session.control(at, Control::Hold, switch(values.is_on(place))),
        place::RELEASE => session.set_release(at, values.release()),
        place::MUTE..place::OCTAVE => {
            session.control(at, Control::Mute(part(place::MUTE)), switch(values.is_on(place)));
        }
        place::OCTAVE..place::FREEZE => {
            let part = part(place::OCTAVE);
            let value = |from: usize| values.0[from + part.index()];
            session.set_register(at, part, value(place::OCTAVE) as i8, value(place::VELOCITY) as f32);
        }
        place::FREEZE..place::LOWEST => {
            let part = Part::LOWER[place - place::FREEZE];
            session.control(at, Control::Freeze(part), switch(values.is_on(place)));
        }
        place::LAYOUT | place::SOUND | place::BYPASS => {}
        _ => session.set_overrides(at, values.overrides()),
    }
}

const _: () = assert!(ALL.len() == COUNT);
