//! Where the parts go: channel, octave, loudness and sound of each, and the notes that sound there. Every note begun
//! here is ended here, once.

use std::collections::VecDeque;

use chorale::{Part, Pitch};
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::midi::MidiMessage::{Controller, NoteOff, NoteOn, PitchBend, PolyPressure, ProgramChange};
use crate::midi::{MidiBytes, MidiMessage, controller};

/// A MIDI message of a part, and when it is to sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Time,
    /// Whose port it goes to where each part has its own.
    pub part: Part,
    /// What a muted part sings is told but not sent.
    pub is_heard: bool,
    pub kind: MessageKind,
    pub midi: MidiMessage,
}

/// What a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Its part.
    Part,
    /// A key below the split that is passed on, on a channel of its own: no part's note.
    Through,
    /// The metronome.
    Click,
}

impl Message {
    /// As it goes over the wire.
    pub fn bytes(&self) -> MidiBytes {
        self.midi.bytes()
    }

    pub fn is_note_on(&self) -> bool {
        matches!(self.midi, NoteOn { .. })
    }

    /// The strength of a click that begins, 1..=127.
    pub fn click(&self) -> Option<u8> {
        match self.midi {
            NoteOn { velocity, .. } if self.kind == MessageKind::Click => Some(velocity),
            _ => None,
        }
    }
}

/// The note of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickNote {
    /// 0..=15.
    pub channel: u8,
    pub key: u8,
}

impl Default for ClickNote {
    /// The high wood block of General MIDI's percussion.
    fn default() -> ClickNote {
        ClickNote { channel: 9, key: 76 }
    }
}

/// Where and how a part sounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// 0..=15.
    pub channel: u8,
    pub muted: bool,
    /// Octaves by which the part is sent higher (below zero: lower) than it sings.
    pub octave: i8,
    /// Multiplies the velocity of the key.
    pub velocity: f32,
    /// MIDI program, 0..=127, sent at the start.
    pub program: Option<u8>,
}

impl Route {
    /// Channels 1 to 4 from the soprano down, all else as it was played.
    pub fn all() -> [Route; 4] {
        Part::ALL.map(|part| Route {
            channel: part.index() as u8,
            muted: false,
            octave: 0,
            velocity: 1.0,
            program: None,
        })
    }
}

/// Messages that can wait for a slow port. A step or a key makes a dozen at most, a panic some 150.
const OUTBOX: usize = 512;
/// Of every part: all-notes-off and pitch bend; of the click all-notes-off.
const CLOSING: usize = 9;
/// Messages that are remembered for their echoes: those of the last few steps.
const REMEMBERED: usize = 32;
const RELEASE_VELOCITY: u8 = 64;

/// The parts' channels with what sounds on them, and the messages that wait to be sent. Never allocates after
/// [`Routing::new`].
pub struct Routing {
    routes: [Route; 4],
    has_own_ports: bool,
    singing: [Option<SoundingNote>; 4],
    /// Keys passed on below the keyboard's split.
    through: [bool; 128],
    through_count: usize,
    through_channel: u8,
    click_note: Sent,
    is_clicking: bool,
    has_clicked: bool,
    /// Parts that were ever sent anything.
    touched: [bool; 4],
    bent: bool,
    /// The sound chosen for all parts.
    program: Option<u8>,
    /// The values of [`KEPT`](controller::KEPT), once they were sent.
    kept: [Option<u8>; controller::KEPT.len()],
    outbox: VecDeque<Message>,
    /// The last messages, the next one goes to `oldest`.
    remembered: [Option<Message>; REMEMBERED],
    oldest: usize,
    dropped: u64,
}

/// What a part sings, and how the instrument has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SoundingNote {
    pitch: Pitch,
    begun: Time,
    sent: Sent,
    is_heard: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    channel: u8,
    key: u8,
}

impl Sent {
    fn on(self, velocity: u8) -> MidiMessage {
        NoteOn { channel: self.channel, key: self.key, velocity }
    }

    fn off(self) -> MidiMessage {
        NoteOff { channel: self.channel, key: self.key, velocity: RELEASE_VELOCITY }
    }
}

impl Routing {
    /// `has_own_ports`: each part has a port of its own, so that equal channels don't meet. `through_channel` takes the
    /// keys below a split.
    pub fn new(routes: [Route; 4], has_own_ports: bool, through_channel: u8, click: ClickNote) -> Routing {
        Routing {
            routes,
            has_own_ports,
            singing: [None; 4],
            through: [false; 128],
            through_count: 0,
            through_channel,
            click_note: Sent { channel: click.channel, key: click.key },
            is_clicking: false,
            has_clicked: false,
            touched: [false; 4],
            bent: false,
            program: None,
            kept: [None; controller::KEPT.len()],
            outbox: VecDeque::with_capacity(OUTBOX),
            remembered: [None; REMEMBERED],
            oldest: 0,
            dropped: 0,
        }
    }

    /// Chooses the instruments' sounds, where that was asked for.
    pub fn send_programs(&mut self, at: Time) {
        for part in Part::ALL {
            let Route { channel, program, .. } = self.routes[part.index()];
            if let Some(program) = self.program.or(program) {
                self.push_if_room(at, part, ProgramChange { channel, program });
            }
        }
    }

    /// Chooses one sound for all parts; `None`: those that they began with.
    pub fn choose_program(&mut self, at: Time, program: Option<u8>) {
        self.program = program;
        self.send_programs(at);
    }

    /// Tells an instrument that comes anew its sounds, loudness and stops.
    pub fn set_up_instrument(&mut self, at: Time) {
        self.send_programs(at);
        let kept = self.kept;
        for (controller, value) in controller::KEPT.into_iter().zip(kept) {
            if let Some(value) = value {
                self.to_all(at, Controller { channel: 0, controller, value });
            }
        }
    }

    /// Begins a note of a part, after ending its last one.
    pub fn begin(&mut self, at: Time, part: Part, pitch: Pitch, velocity: u8) {
        self.end(at, part);
        // Every note that sounds keeps room for its end: a port that takes nothing for a while can't leave one hanging.
        let this_note_with_what_it_ends = 3;
        if !self.has_room(this_note_with_what_it_ends) {
            self.dropped += 1;
            return;
        }
        let route = self.routes[part.index()];
        let key = pitch.transposed(12 * i32::from(route.octave)).unwrap_or(pitch).midi();
        let note =
            SoundingNote { pitch, begun: at, sent: Sent { channel: route.channel, key }, is_heard: !route.muted };
        if self.sounds_elsewhere(part, note) {
            self.push(at, part, note.sent.off(), true);
        }
        self.make_way(at, note.sent);
        self.singing[part.index()] = Some(note);
        let velocity = (f32::from(velocity) * route.velocity).round().clamp(1.0, 127.0) as u8;
        self.push(at, part, note.sent.on(velocity), note.is_heard);
    }

    /// Ends what a part sings. A pitch that another part has on the same channel sounds on until that one ends too.
    pub fn end(&mut self, at: Time, part: Part) {
        if let Some(note) = self.singing[part.index()].take()
            && !self.sounds_elsewhere(part, note)
        {
            self.push(at, part, note.sent.off(), note.is_heard);
        }
    }

    /// Soprano to bass: what the parts sing, muted or not.
    pub fn singing(&self) -> [Option<Pitch>; 4] {
        self.singing.map(|note| note.map(|note| note.pitch))
    }

    /// When a part began what it sings.
    pub fn begun(&self, part: Part) -> Option<Time> {
        self.singing[part.index()].map(|note| note.begun)
    }

    /// From the part's next note on.
    pub fn set_register(&mut self, part: Part, octave: i8, velocity: f32) {
        let route = &mut self.routes[part.index()];
        (route.octave, route.velocity) = (octave, velocity);
    }

    pub fn is_muted(&self, part: Part) -> bool {
        self.routes[part.index()].muted
    }

    /// A muted part goes on singing unheard; unmuted, it is heard from its next note on.
    pub fn mute(&mut self, at: Time, part: Part, is_muted: bool) {
        self.routes[part.index()].muted = is_muted;
        if let Some(note) = self.singing[part.index()].filter(|note| is_muted && note.is_heard) {
            self.end(at, part);
            self.singing[part.index()] = Some(SoundingNote { is_heard: false, ..note });
        }
    }

    /// Passes a key below the split on as it is; velocity 0 ends it.
    pub fn pass_through(&mut self, at: Time, key: u8, velocity: u8) {
        let index = usize::from(key);
        let sent = Sent { channel: self.through_channel, key };
        if self.through[index] {
            self.through[index] = false;
            self.through_count -= 1;
            self.push_through(at, sent.off());
        }
        if velocity > 0 && self.has_room(2) {
            self.make_way(at, sent);
            self.through[index] = true;
            self.through_count += 1;
            self.push_through(at, sent.on(velocity));
        }
    }

    /// Begins a click, unless somebody sings its very note.
    pub fn click(&mut self, at: Time, velocity: u8) {
        self.end_click(at);
        let note = self.click_note;
        let is_sung = self.singing.iter().flatten().any(|singing| singing.is_heard && singing.sent == note);
        if is_sung || self.is_held_through(note) || !self.has_room(2) {
            return;
        }
        (self.is_clicking, self.has_clicked) = (true, true);
        self.push_click(at, note.on(velocity));
    }

    pub fn end_click(&mut self, at: Time) {
        if std::mem::take(&mut self.is_clicking) {
            self.push_click(at, self.click_note.off());
        }
    }

    pub fn is_clicking(&self) -> bool {
        self.is_clicking
    }

    /// A click gives way to a note that is the same for the instrument.
    fn make_way(&mut self, at: Time, note: Sent) {
        if note == self.click_note {
            self.end_click(at);
        }
    }

    fn is_held_through(&self, note: Sent) -> bool {
        note.channel == self.through_channel && self.through[usize::from(note.key)]
    }

    /// A controller for what is passed through, as the sustain pedal.
    pub fn control_through(&mut self, at: Time, controller: u8, value: u8) {
        if self.has_room(1) {
            self.push_through(at, Controller { channel: self.through_channel, controller, value });
        }
    }

    /// Sends a message without note (pressure, pitch bend, a controller) on every heard part's channel.
    pub fn to_all(&mut self, at: Time, midi: MidiMessage) {
        for part in Part::ALL {
            if !self.is_muted(part) {
                self.push_if_room(at, part, midi.on_channel(self.routes[part.index()].channel));
            }
        }
        self.bent |= matches!(midi, PitchBend { .. });
        if let Controller { controller, value, .. } = midi
            && let Some(place) = controller::KEPT.iter().position(|&kept| kept == controller)
        {
            self.kept[place] = Some(value);
        }
    }

    /// Presses every sounding note.
    pub fn press_all(&mut self, at: Time, pressure: u8) {
        for part in Part::ALL {
            if let Some(SoundingNote { sent: Sent { channel, key }, is_heard: true, .. }) = self.singing[part.index()] {
                self.push_if_room(at, part, PolyPressure { channel, key, pressure });
            }
        }
    }

    /// Ends every note and says so once more with all-notes-off, on every channel that was ever used: instruments may
    /// have missed something.
    pub fn silence(&mut self, at: Time) {
        Part::ALL.into_iter().for_each(|part| self.end(at, part));
        for key in 0..128 {
            if self.through[usize::from(key)] {
                self.pass_through(at, key, 0);
            }
        }
        self.end_click(at);
        if self.has_clicked && self.outbox.len() < OUTBOX {
            let (channel, controller) = (self.click_note.channel, controller::ALL_NOTES_OFF);
            self.push_click(at, Controller { channel, controller, value: 0 });
        }
        let touched = self.touched;
        for part in Part::ALL.into_iter().filter(|part| touched[part.index()]) {
            let channel = self.routes[part.index()].channel;
            self.send_closing(at, part, Controller { channel, controller: controller::ALL_NOTES_OFF, value: 0 });
            if self.bent {
                self.send_closing(at, part, PitchBend { channel, bend: MidiMessage::BEND_CENTER });
            }
        }
        self.bent = false;
    }

    /// Like [`Routing::silence`], also on channels that were not used yet, unless their part is muted: then somebody else
    /// may be playing there.
    pub fn silence_all_heard(&mut self, at: Time) {
        for (touched, route) in self.touched.iter_mut().zip(&self.routes) {
            *touched |= !route.muted;
        }
        self.silence(at);
    }

    /// Sends the ends of notes once more that were sent since then: they may have been lost on their way. An instrument
    /// ignores a note-off for a note that does not sound.
    pub fn repeat_ends(&mut self, at: Time, since: Time) {
        let recent = self.remembered;
        for message in recent.into_iter().flatten().filter(|message| message.at >= since) {
            let Message { part, midi: NoteOff { channel, key, .. }, .. } = message else { continue };
            let sent = Sent { channel, key };
            let is_same = |other: Part| other == part || !self.has_own_ports;
            let sounds = Part::ALL
                .into_iter()
                .filter(|&other| is_same(other))
                .any(|other| self.singing[other.index()].is_some_and(|note| note.sent == sent && note.is_heard));
            let clicks = self.is_clicking && sent == self.click_note;
            if !sounds && !clicks && !self.is_held_through(sent) && self.has_room(1) {
                // Not remembered again: overruns come in swarms.
                self.outbox.push_back(Message { at, ..message });
            }
        }
    }

    /// Whether we have sent this since then. Each message is recognized once.
    pub fn take_echo(&mut self, midi: MidiMessage, since: Time) -> bool {
        let is_it = |sent: &Option<Message>| sent.is_some_and(|sent| sent.midi == midi && sent.at >= since);
        let echo = self.remembered.iter_mut().find(|sent| is_it(sent));
        echo.map(|echo| *echo = None).is_some()
    }

    pub fn next_message(&self) -> Option<Message> {
        self.outbox.front().copied()
    }

    pub fn sent(&mut self) {
        self.outbox.pop_front();
    }

    /// Notes never begun because the port took no more messages.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn sounds_elsewhere(&self, part: Part, note: SoundingNote) -> bool {
        let is_same = |other: Part| {
            other != part && self.singing[other.index()].is_some_and(|also| also.is_heard && also.sent == note.sent)
        };
        note.is_heard && !self.has_own_ports && Part::ALL.into_iter().any(is_same)
    }

    fn has_room(&self, messages: usize) -> bool {
        let owed = self.singing.iter().flatten().count() + self.through_count + usize::from(self.is_clicking) + CLOSING;
        self.outbox.len() + owed + messages <= OUTBOX
    }

    /// For what nobody misses: without room it is left out.
    fn push_if_room(&mut self, at: Time, part: Part, midi: MidiMessage) {
        if self.has_room(1) {
            self.push(at, part, midi, true);
        }
    }

    /// Its room was kept, unless the port has taken nothing since the last panic; that one said the same.
    fn send_closing(&mut self, at: Time, part: Part, midi: MidiMessage) {
        if self.outbox.len() < OUTBOX {
            self.push(at, part, midi, true);
        }
    }

    fn push(&mut self, at: Time, part: Part, midi: MidiMessage, is_heard: bool) {
        self.send(Message { at, part, is_heard, kind: MessageKind::Part, midi });
    }

    /// Through the bass's port, where each part has its own.
    fn push_through(&mut self, at: Time, midi: MidiMessage) {
        self.send(Message { at, part: Part::Bass, is_heard: true, kind: MessageKind::Through, midi });
    }

    /// Likewise.
    fn push_click(&mut self, at: Time, midi: MidiMessage) {
        self.send(Message { at, part: Part::Bass, is_heard: true, kind: MessageKind::Click, midi });
    }

    fn send(&mut self, message: Message) {
        self.outbox.push_back(message);
        if message.is_heard {
            self.touched[message.part.index()] |= message.kind != MessageKind::Click;
            self.remembered[self.oldest] = Some(message);
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }
}

#[cfg(test)]
mod tests;
