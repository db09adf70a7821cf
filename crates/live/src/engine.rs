//! The session with its queues: what a driver of MIDI ports, a plugin or a page runs on the thread that plays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Instant;

use chorale::Pitch;
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use session::clock::HostTransport;
use session::control::Control;
use session::{AnswerTable, Message, Session, TableRequest, Time};

use crate::shared::{AnsweredNote, PerformanceEvent, Shared};
use crate::take::{SessionInput, TakeEvent};

const TABLES: usize = 16;
const REQUESTS: usize = 64;
const SHOWN: usize = 1024;
const COMMANDS: usize = 64;
/// Some ten seconds of the densest playing.
const EVENTS: usize = 8192;

/// A session that takes tables, commands and MIDI in and hands messages, requests and events out, all through wait-free
/// queues. No method but `new` allocates, locks or waits.
pub struct Engine {
    session: Session,
    tables: HeapCons<AnswerTable>,
    commands: HeapCons<(Control, u8)>,
    requests: HeapProd<TableRequest>,
    shown: HeapProd<PerformanceEvent>,
    events: HeapProd<TakeEvent>,
    /// The last moment shown.
    moment: (u64, [Option<Pitch>; 4]),
    worker: Thread,
    shared: Arc<Shared>,
    /// Takes no message in.
    is_paused: bool,
    /// The numbers of the last table that was asked for and of the last one that came for a step to come.
    asked: u64,
    answered: u64,
}

/// The other ends of an engine's queues.
pub struct EngineEnds {
    pub tables: HeapProd<AnswerTable>,
    pub commands: HeapProd<(Control, u8)>,
    pub requests: HeapCons<TableRequest>,
    pub shown: HeapCons<PerformanceEvent>,
    /// Everything that a take holds.
    pub events: HeapCons<TakeEvent>,
}

impl Engine {
    /// `worker` is unparked whenever there is a request for it or something to show.
    pub fn new(session: Session, worker: Thread, shared: Arc<Shared>) -> (Engine, EngineEnds) {
        let (tables_in, tables) = HeapRb::new(TABLES).split();
        let (commands_in, commands) = HeapRb::new(COMMANDS).split();
        let (requests, requests_out) = HeapRb::new(REQUESTS).split();
        let (shown, shown_out) = HeapRb::new(SHOWN).split();
        let (events, events_out) = HeapRb::new(EVENTS).split();
        let moment = (u64::MAX, [None; 4]);
        let (is_paused, asked, answered) = (false, 0, 0);
        let mut engine = Engine {
            session,
            tables,
            commands,
            requests,
            shown,
            events,
            moment,
            worker,
            shared,
            is_paused,
            asked,
            answered,
        };
        // What is on from the start was not moved.
        engine.shared.tell_switches(&engine.session).for_each(drop);
        engine.tell();
        let ends = EngineEnds {
            tables: tables_in,
            commands: commands_in,
            requests: requests_out,
            shown: shown_out,
            events: events_out,
        };
        (engine, ends)
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The moment up to which everything has happened.
    pub fn now(&self) -> Time {
        self.session.now()
    }

    /// Takes in the tables and commands that have arrived, and stops if that was asked for. To be called before each
    /// batch of events, with the time of the earliest.
    pub fn begin(&mut self, now: Time) {
        let now = now.max(self.session.now());
        if self.shared.stop.load(Ordering::Acquire) && !self.session.is_stopped() {
            self.record(now, SessionInput::Stop);
            self.session.stop(now);
        }
        let was_paused = std::mem::replace(&mut self.is_paused, self.shared.is_paused());
        if has_come(&self.shared.input_lost) || (self.is_paused && !was_paused) {
            self.record(now, SessionInput::InputLost);
            self.session.input_lost(now);
        }
        if has_come(&self.shared.output_regained) {
            self.record(now, SessionInput::OutputRegained);
            self.session.output_regained(now);
        }
        if has_come(&self.shared.messages_lost) && !self.session.is_stopped() {
            self.record(now, SessionInput::MessagesLost);
            self.session.messages_lost(now);
        }
        while let Some((control, value)) = self.commands.try_pop() {
            self.record(now, SessionInput::Control(control, value));
            self.session.control(now, control, value);
            self.tell_switches();
        }
        while let Some(table) = self.tables.try_pop() {
            let number = table.number;
            if !table.is_present {
                self.answered = number;
            }
            self.record(
                now,
                if table.is_present { SessionInput::PresentTable(number) } else { SessionInput::Table(number) },
            );
            self.session.table(now, &table);
        }
    }

    /// Plays one message and sends the answer. `entered` is when it came to us. In a pause it is passed over.
    pub fn receive(&mut self, at: Time, bytes: &[u8], entered: Instant, send: &mut impl FnMut(Message) -> bool) {
        if self.is_paused {
            return;
        }
        let at = at.max(self.session.now());
        if let Some(input) = SessionInput::midi(bytes) {
            self.record(at, input);
        }
        let struck = self.session.midi(at, bytes);
        self.send(send);
        let latency = entered.elapsed();
        if struck {
            let (position, parts) = (self.session.position(), self.session.sounding());
            self.show(PerformanceEvent::AnsweredNote(AnsweredNote { at, position, parts, latency }));
        }
        self.tell();
    }

    /// Plays what is due of itself up to and including `until`, and sends it.
    pub fn advance(&mut self, until: Time, send: &mut impl FnMut(Message) -> bool) {
        self.session.advance(until);
        self.send(send);
        self.tell();
    }

    /// Takes what a plugin's host says of its song, and sends what comes of it. A take has no place for it.
    pub fn host(&mut self, at: Time, told: &HostTransport, send: &mut impl FnMut(Message) -> bool) {
        let at = at.max(self.session.now());
        self.session.host(at, told);
        self.send(send);
        self.tell();
    }

    /// Changes settings of the session, and sends what comes of it. A take has no place for it.
    pub fn change(
        &mut self,
        at: Time,
        change: impl FnOnce(&mut Session, Time),
        send: &mut impl FnMut(Message) -> bool,
    ) {
        let at = at.max(self.session.now());
        change(&mut self.session, at);
        self.send(send);
        self.tell();
    }

    /// Whether a table that was asked for has not come yet, for who can wait.
    pub fn is_waiting(&self) -> bool {
        self.asked > self.answered
    }

    /// When [`Engine::advance`] next has something to do.
    pub fn due(&self) -> Option<Time> {
        self.session.due()
    }

    /// Whether a message could not be sent yet.
    pub fn has_unsent(&self) -> bool {
        self.session.next_message().is_some()
    }

    /// Hands over messages until `send` takes no more of them; the rest stays for the next call.
    fn send(&mut self, send: &mut impl FnMut(Message) -> bool) {
        while let Some(message) = self.session.next_message() {
            if message.is_heard && !send(message) {
                break;
            }
            self.session.sent();
            self.keep(TakeEvent::Sent(message));
        }
        while let Some(step) = self.session.next_step_begun() {
            self.keep(TakeEvent::Step(step));
        }
        let mut has_request = false;
        while !self.requests.is_full()
            && let Some(request) = self.session.next_request()
        {
            has_request |= self.requests.try_push(request).is_ok();
            self.asked = request.number;
        }
        if has_request {
            self.worker.unpark();
        }
        self.shared.set_at_rest(self.is_paused && !self.has_unsent());
        if self.session.is_stopped() && !self.has_unsent() {
            self.shared.set_silent();
        }
    }

    /// Tells the other threads how things stand, where somebody listens.
    fn tell(&mut self) {
        if !self.shown.read_is_held() {
            return;
        }
        self.shared.tell(&self.session);
        self.tell_switches();
        let (now, position, parts) = (self.session.now(), self.session.position(), self.session.sounding());
        if self.moment == (position, parts) {
            return;
        }
        self.moment = (position, parts);
        self.show(PerformanceEvent::Moment { at: now, position, parts });
    }

    fn tell_switches(&mut self) {
        let at = self.session.now();
        for (switch, is_on) in self.shared.tell_switches(&self.session) {
            self.show(PerformanceEvent::Switched { at, switch, is_on });
        }
    }

    /// Wakes the worker's thread, which tells whoever watches; where nobody does it sleeps on. A full queue loses a line on
    /// the screen, nothing else.
    fn show(&mut self, event: PerformanceEvent) {
        if self.shown.read_is_held() {
            let _ = self.shown.try_push(event);
            self.worker.unpark();
        }
    }

    fn record(&mut self, at: Time, input: SessionInput) {
        self.keep(TakeEvent::Input(at, input));
    }

    /// For the take, where one is made.
    fn keep(&mut self, event: TakeEvent) {
        if self.events.read_is_held() && self.events.try_push(event).is_err() {
            self.shared.count_unrecorded();
        }
    }

    /// After a panic in the middle of anything: sends the end of every note that may sound, straight past the queues.
    /// Called again, it sends them again.
    pub fn abandon(&mut self, mut send: impl FnMut(Message)) {
        self.session.abandon();
        while let Some(message) = self.session.next_message() {
            if message.is_heard && !message.is_note_on() {
                send(message);
            }
            self.session.sent();
        }
        self.shared.set_silent();
        self.worker.unpark();
    }
}

/// Whether that was told since it was last asked for.
fn has_come(flag: &AtomicBool) -> bool {
    flag.swap(false, Ordering::AcqRel)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use chorale::{Chord, Token};
    use session::Settings;
    use session::clock::{self, ClockSource};
    use session::midi::MidiMessage;

    use super::*;

    fn sounding_engine() -> (Engine, EngineEnds, Vec<[u8; 3]>) {
        let clock = clock::Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 0 };
        let session = Session::new(Settings::new(clock));
        let (mut engine, mut ends) = Engine::new(session, thread::current(), Arc::default());
        let chords = std::array::from_fn(|index| Chord([index, 30, 25, 10].map(|i| Token::from_index(i).unwrap())));
        ends.tables
            .try_push(AnswerTable { number: 0, is_present: false, step: 0, after: Chord::START, bass: None, chords })
            .unwrap();
        let mut sent = Vec::new();
        engine.begin(0);
        engine.receive(5, &[0x90, 72, 80], Instant::now(), &mut |message| {
            sent.push(<[u8; 3]>::try_from(&*message.bytes()).unwrap());
            true
        });
        (engine, ends, sent)
    }

    #[test]
    fn a_struck_note_is_sent_told_and_reported() {
        let (engine, mut ends, sent) = sounding_engine();
        assert_eq!(sent, [[0x90, 72, 80], [0x91, 65, 80], [0x92, 60, 80], [0x93, 45, 80]]);
        let mut shown = std::iter::from_fn(|| ends.shown.try_pop());
        let heard =
            shown.find_map(|shown| if let PerformanceEvent::AnsweredNote(heard) = shown { Some(heard) } else { None });
        let heard = heard.expect("nothing shown");
        assert_eq!(heard.parts.map(|pitch| pitch.unwrap().midi()), [72, 65, 60, 45]);
        assert_eq!(ends.requests.try_pop().unwrap().step, 0);
        assert_eq!(engine.shared.summary().notes, 1);
    }

    #[test]
    fn what_is_recorded_of_a_message_of_any_length_is_what_is_played_of_it() {
        let (mut engine, mut ends, _) = sounding_engine();
        while ends.events.try_pop().is_some() {}
        let clock = clock::Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 0 };
        let mut again = Session::new(Settings::new(clock));
        again.midi(5, &[0x90, 72, 80]);
        let messages: [&[u8]; 7] = [
            &[0x90, 74, 80, 76, 80],
            &[67, 80],
            &[0xf0, 1, 2, 3, 0xf7],
            &[69, 80],
            &[0xff, 0, 0, 0],
            &[0x91, 71, 80, 0x80],
            &[0xf2, 0, 1, 7],
        ];
        for (at, message) in (1000..).step_by(400).zip(messages) {
            engine.receive(at, message, Instant::now(), &mut |_| true);
            while let Some(event) = ends.events.try_pop() {
                if let TakeEvent::Input(at, SessionInput::Midi { bytes, length }) = event {
                    again.midi(at, &bytes[..usize::from(length)]);
                }
            }
            assert_eq!(again.soprano(), engine.session.soprano(), "{message:?}");
            assert_eq!(again.counts().notes, engine.session.counts().notes, "{message:?}");
        }
        assert_eq!(again.counts().notes, 4);
    }

    #[test]
    fn a_switch_is_told_before_what_is_played_with_it() {
        let (mut engine, mut ends, _) = sounding_engine();
        while ends.shown.try_pop().is_some() {}
        ends.commands.try_push((Control::Hold, 127)).unwrap();
        engine.begin(10);
        engine.receive(100, &[0x90, 74, 80], Instant::now(), &mut |_| true);
        let switched = PerformanceEvent::Switched { at: 10, switch: Control::Hold, is_on: true };
        assert_eq!(ends.shown.try_pop(), Some(switched));
        assert!(matches!(ends.shown.try_pop(), Some(PerformanceEvent::AnsweredNote(_))));
    }

    #[test]
    fn when_asked_to_stop_the_engine_falls_silent_once_the_port_has_taken_everything() {
        let (mut engine, _ends, _) = sounding_engine();
        engine.shared.request_stop();
        engine.begin(100);
        engine.advance(100, &mut |_| false);
        assert!(engine.has_unsent() && !engine.shared.is_silent());
        let mut ends_sent = 0;
        engine.advance(110, &mut |message| {
            ends_sent += u32::from(matches!(message.midi, MidiMessage::NoteOff { .. }));
            true
        });
        assert!(engine.shared.is_silent());
        assert_eq!(ends_sent, 4);
    }

    #[test]
    fn a_pause_ends_every_note_and_passes_over_what_is_played_in_it() {
        let (mut engine, _ends, _) = sounding_engine();
        engine.shared.pause();
        engine.begin(100);
        engine.advance(100, &mut |_| false);
        assert!(!engine.shared.is_at_rest(), "the port has not taken the ends");
        let mut sent = Vec::new();
        let mut play = |engine: &mut Engine, at: Time, key: u8| {
            engine.begin(at);
            engine.receive(at, &[0x90, key, 80], Instant::now(), &mut |message| {
                sent.extend(<[u8; 3]>::try_from(&*message.bytes()));
                true
            });
            engine.advance(at, &mut |_| true);
            std::mem::take(&mut sent)
        };
        play(&mut engine, 110, 74);
        assert!(engine.shared.is_at_rest());
        assert_eq!(play(&mut engine, 5000, 76), [[0; 3]; 0], "nothing is played in a pause");
        assert!(engine.shared.is_at_rest() && engine.session.sounding() == [None; 4]);
        engine.shared.resume();
        assert_eq!(play(&mut engine, 9000, 77).first(), Some(&[0x90, 77, 80]));
        assert!(!engine.shared.is_at_rest());
    }

    #[test]
    fn after_a_panic_every_note_that_may_sound_is_ended() {
        let (mut engine, _ends, _) = sounding_engine();
        // A port that is full leaves the end of one note and the beginning of another waiting.
        engine.receive(20, &[0x90, 74, 80], Instant::now(), &mut |_| false);
        let mut sent = Vec::new();
        // Twice, since the first may be lost in an overrun.
        for _ in 0..2 {
            sent.clear();
            engine.abandon(|message| sent.push(<[u8; 3]>::try_from(&*message.bytes()).unwrap()));
            for (channel, pitch) in [(0, 72), (1, 65), (2, 60), (3, 45)] {
                assert!(sent.iter().any(|bytes| bytes[..2] == [0x80 | channel, pitch]), "{sent:?}");
                assert!(sent.contains(&[0xb0 | channel, 123, 0]));
            }
            assert!(sent.iter().all(|bytes| bytes[0] & 0xf0 != 0x90), "nothing begins: {sent:?}");
        }
        assert!(engine.shared.is_silent());
    }
}
