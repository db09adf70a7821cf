//! The process callback: one period of the server.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use jack::{AudioOut, Client, Frames, MidiIn, MidiOut, MidiWriter, Port, ProcessScope, RawMidi};
use live::{Engine, Failure, fault};
use session::{Message, Time};
use sound::{BlockSound, Instrument};

use super::connections::refused;
use super::notifications::ServerNews;
use crate::devices::audio::{self, AudioError, AudioSettings};
use crate::devices::midi::{INPUT_PORT, MidiError, Side};

/// A panic's cycle is likely to overrun, and what is written in it to be lost: the ends are sent in so many more.
const REPEATS: u32 = 3;
/// Longest period for which our instrument has room.
const MOST_FRAMES: usize = 8192;
pub const SOUND_PORTS: [&str; 2] = ["left", "right"];

/// Where the state is put when its client is closed.
pub type Handover = Arc<Mutex<Option<CycleState>>>;

/// What the server's thread owns.
pub struct Process {
    /// `None` only while the ports are being made.
    input: Option<Port<MidiIn>>,
    /// One for all parts, or one for each.
    outputs: Vec<Port<MidiOut>>,
    /// Left and right, if our own instrument sounds.
    speakers: Vec<Port<AudioOut>>,
    /// `None` only when dropped.
    state: Option<CycleState>,
    handover: Handover,
    news: Arc<ServerNews>,
}

impl Process {
    pub fn new(state: CycleState, handover: &Handover, news: &Arc<ServerNews>) -> Process {
        Process {
            input: None,
            outputs: Vec::new(),
            speakers: Vec::new(),
            state: Some(state),
            handover: Arc::clone(handover),
            news: Arc::clone(news),
        }
    }

    pub fn register_ports(&mut self, client: &Client, outputs: &[String]) -> Result<(), MidiError> {
        let failed = |side, port: &str| refused(side, &format!("{}:{port}", client.name()));
        let input = client.register_port(INPUT_PORT, MidiIn::default());
        self.input = Some(input.map_err(failed(Side::Input, INPUT_PORT))?);
        for port in outputs {
            let output = client.register_port(port, MidiOut::default());
            self.outputs.push(output.map_err(failed(Side::Output, port))?);
        }
        if self.state.as_ref().is_some_and(|state| state.sound.is_some()) {
            for port in SOUND_PORTS {
                let speaker = client.register_port(port, AudioOut::default());
                self.speakers.push(speaker.map_err(failed(Side::Output, port))?);
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    /// Never in the callback: the client is closed by then.
    fn drop(&mut self) {
        if let Ok(mut handover) = self.handover.lock() {
            *handover = self.state.take();
        }
    }
}

impl jack::ProcessHandler for Process {
    /// Real-time: called by the server once a period.
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> jack::Control {
        let entered = Instant::now();
        self.news.count_cycle();
        let Process { input: Some(input), outputs, speakers, state: Some(state), .. } = self else {
            return jack::Control::Continue;
        };
        let cycle = Cycle { entered, start: state.clock.extend(scope.last_frame_time()), frames: scope.n_frames() };
        let mut writers = PortWriters::new(outputs, scope);
        let events = input.iter(scope).map(|event| (event.time, event.bytes));
        state.play(&cycle, events, |frame, message| writers.write(frame, message));
        for (side, speaker) in speakers.iter_mut().enumerate() {
            state.copy_sound(side, speaker.as_mut_slice(scope));
        }
        jack::Control::Continue
    }
}

/// What is written into our ports in the present cycle.
struct PortWriters<'a> {
    /// At most one for each part; made anew every cycle, which also clears what was sent in the last one.
    writers: [Option<MidiWriter<'a>>; 4],
}

impl<'a> PortWriters<'a> {
    fn new(ports: &'a mut [Port<MidiOut>], scope: &'a ProcessScope) -> PortWriters<'a> {
        let mut writers = [const { None }; 4];
        for (writer, port) in writers.iter_mut().zip(ports) {
            *writer = Some(port.writer(scope));
        }
        PortWriters { writers }
    }

    /// Returns whether there was room.
    fn write(&mut self, frame: Frames, message: &Message) -> bool {
        let own = if self.writers[1].is_some() { message.part.index() } else { 0 };
        let Some(writer) = &mut self.writers[own] else { return false };
        writer.write(&RawMidi { time: frame, bytes: &message.bytes() }).is_ok()
    }
}

/// What plays, and what is remembered from cycle to cycle. It outlives the client, and with it the server.
pub struct CycleState {
    engine: Engine,
    sound: Option<BlockSound>,
    clock: FrameClock,
    /// Cycles since a panic.
    since_panic: Option<u32>,
}

impl CycleState {
    pub fn new(engine: Engine, sound: Option<BlockSound>) -> CycleState {
        CycleState { engine, sound, clock: FrameClock::default(), since_panic: None }
    }

    /// Real-time: one period. After a panic it is silent.
    fn play<'a>(
        &mut self,
        cycle: &Cycle,
        events: impl Iterator<Item = (Frames, &'a [u8])>,
        mut write: impl FnMut(Frames, &Message) -> bool,
    ) {
        if self.since_panic.is_none()
            && let Err(told) = panics::catch(|| self.play_unguarded(cycle, events, &mut write))
        {
            self.engine.shared().fail(Failure::Panic { thread: "JACK", told });
            self.since_panic = Some(0);
        }
        if let Some(cycles) = self.since_panic.as_mut().filter(|cycles| **cycles <= REPEATS) {
            *cycles += 1;
            self.engine.abandon(|message| {
                write(cycle.last_frame(), &message);
            });
        }
    }

    fn play_unguarded<'a>(
        &mut self,
        cycle: &Cycle,
        events: impl Iterator<Item = (Frames, &'a [u8])>,
        mut write: impl FnMut(Frames, &Message) -> bool,
    ) {
        let CycleState { engine, sound, .. } = self;
        fault::trip(engine.shared(), "JACK");
        if let Some(sound) = sound {
            sound.begin_block();
        }
        cycle.play(engine, events, |frame, message| hand_over(frame, message, &mut write, sound.as_mut()));
        if let Some(sound) = sound {
            sound.render_until(cycle.frames as usize);
        }
    }

    /// Real-time: the present cycle's sound of one side; silence after a panic, for what is not written would be what
    /// was heard last.
    fn copy_sound(&self, side: usize, samples: &mut [f32]) {
        samples.fill(0.0);
        if let (Some(sound), None) = (&self.sound, self.since_panic) {
            for (sample, frame) in samples.iter_mut().zip(sound.frames()) {
                *sample = frame[side];
            }
        }
    }

    /// Does what is due where no server calls us any more.
    pub fn play_unheard(&mut self) {
        let CycleState { engine, sound, since_panic: None, .. } = self else { return };
        let now = engine.now();
        engine.begin(now);
        engine.advance(now, &mut |message| {
            if let Some(sound) = sound {
                audio::sound(sound.unheard(), &message);
            }
            true
        });
    }

    /// The next server's frames have nothing to do with this one's.
    pub fn leave_server(&mut self) {
        self.clock.before = None;
    }
}

/// Real-time: gives a message to the port, and to our own instrument once the port has taken it. What the port refuses
/// is offered again in the next cycle, and would sound twice.
fn hand_over(
    frame: Frames,
    message: &Message,
    write: &mut impl FnMut(Frames, &Message) -> bool,
    sound: Option<&mut BlockSound>,
) -> bool {
    let is_written = write(frame, message);
    if let Some(sound) = sound.filter(|_| is_written) {
        audio::sound(sound.at(frame as usize), message);
    }
    is_written
}

/// Our own instrument, in the same cycle as the notes that it plays.
pub fn own_sound(sample_rate: Frames, settings: &AudioSettings) -> Result<BlockSound, MidiError> {
    if settings.sample_rate.is_some() || settings.buffer.is_some() {
        return Err(AudioError::ServersChoice.into());
    }
    let instrument = Instrument::new(&settings.timbre, sample_rate).map_err(AudioError::from)?;
    Ok(BlockSound::new(instrument, MOST_FRAMES))
}

/// One period: the frames from `start` on.
pub struct Cycle {
    /// When the server called us.
    pub entered: Instant,
    pub start: Time,
    pub frames: Frames,
}

impl Cycle {
    /// Real-time: plays everything that falls into the period, each event at its own frame. `write` gets the frame
    /// within the period, never descending as JACK demands, and says whether there was room.
    pub fn play<'a>(
        &self,
        engine: &mut Engine,
        events: impl Iterator<Item = (Frames, &'a [u8])>,
        mut write: impl FnMut(Frames, &Message) -> bool,
    ) {
        let last = self.last_frame();
        let mut earliest = 0;
        let mut send = |message: Message| {
            let offset = message.at.saturating_sub(self.start).min(Time::from(last)) as Frames;
            let frame = offset.max(earliest);
            let is_written = write(frame, &message);
            if is_written {
                earliest = frame;
            }
            is_written
        };
        engine.begin(self.start);
        for (frame, bytes) in events {
            engine.receive(self.start + Time::from(frame), bytes, self.entered, &mut send);
        }
        engine.advance(self.start + Time::from(last), &mut send);
    }

    fn last_frame(&self) -> Frames {
        self.frames.saturating_sub(1)
    }
}

/// JACK counts frames in 32 bits, which are full after a day at 48 kHz.
#[derive(Default)]
struct FrameClock {
    frames: Time,
    /// The count at the last look; `None` before a server's first.
    before: Option<Frames>,
}

impl FrameClock {
    fn extend(&mut self, now: Frames) -> Time {
        let passed = self.before.map_or(0, |before| now.wrapping_sub(before));
        self.before = Some(now);
        // More than half the range is a step back, which only a server with a restarted clock makes.
        if passed < Frames::MAX / 2 {
            self.frames += Time::from(passed);
        }
        self.frames
    }
}

#[cfg(test)]
mod tests {
    use chorale::{Part, Pitch};
    use session::{ClickNote, Route, Routing};
    use sound::Timbre;

    use super::*;

    fn organ() -> BlockSound {
        let settings = AudioSettings { sample_rate: None, buffer: None, timbre: Timbre::Organ };
        own_sound(48_000, &settings).unwrap()
    }

    fn note() -> Message {
        let mut routing = Routing::new(Route::all(), false, 4, ClickNote::default());
        routing.begin(0, Part::Alto, Pitch::new(67).unwrap(), 90);
        routing.next_message().unwrap()
    }

    fn heard(sound: &mut BlockSound) -> Vec<f32> {
        sound.render_until(4800);
        sound.frames().flatten().collect()
    }

    #[test]
    fn a_message_that_a_full_port_refuses_sounds_once_the_port_has_taken_it_and_once_only() {
        let mut refused = organ();
        assert!(!hand_over(5, &note(), &mut |_, _| false, Some(&mut refused)));
        assert!(heard(&mut refused).iter().all(|sample| *sample == 0.0), "it sounded although it was refused");
        refused.begin_block();
        assert!(hand_over(5, &note(), &mut |_, _| true, Some(&mut refused)));
        let mut taken = organ();
        taken.render_until(4800);
        taken.begin_block();
        audio::sound(taken.at(5), &note());
        let heard = [heard(&mut refused), heard(&mut taken)];
        assert_eq!(heard[0], heard[1], "as if it had been offered once");
        assert!(heard[0].iter().any(|sample| sample.abs() > 0.01));
    }

    #[test]
    fn frames_go_on_counting_where_jacks_counter_wraps() {
        let mut clock = FrameClock::default();
        assert_eq!(clock.extend(u32::MAX - 99), 0);
        assert_eq!(clock.extend(u32::MAX), 99);
        assert_eq!(clock.extend(28), 128);
        assert_eq!(clock.extend(20), 128, "never back");
        clock.before = None;
        assert_eq!([clock.extend(5000), clock.extend(5064)], [128, 192], "on with another server");
    }
}
