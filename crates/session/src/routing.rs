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
    /// A key below the split that is passed on, on a channel of its own: no part's note.
    pub is_through: bool,
    pub midi: MidiMessage,
}

impl Message {
    /// As it goes over the wire.
    pub fn bytes(&self) -> MidiBytes {
        self.midi.bytes()
    }

    pub fn is_note_on(&self) -> bool {
        matches!(self.midi, NoteOn { .. })
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
/// Of every part: all-notes-off and pitch bend.
const CLOSING: usize = 8;
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
    /// Parts that were ever sent anything.
    touched: [bool; 4],
    bent: bool,
    outbox: VecDeque<Message>,
    /// The last messages, the next one goes to `oldest`.
    remembered: [Option<(Time, Part, MidiMessage)>; REMEMBERED],
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
    pub fn new(routes: [Route; 4], has_own_ports: bool, through_channel: u8) -> Routing {
        Routing {
            routes,
            has_own_ports,
            singing: [None; 4],
            through: [false; 128],
            through_count: 0,
            through_channel,
            touched: [false; 4],
            bent: false,
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
            if let Some(program) = program {
                self.push_if_room(at, part, ProgramChange { channel, program });
            }
        }
    }

    /// Chooses one sound for all parts; `None`: those that they began with.
    pub fn choose_program(&mut self, at: Time, program: Option<u8>) {
        let Some(program) = program else { return self.send_programs(at) };
        for part in Part::ALL {
            let channel = self.routes[part.index()].channel;
            self.push_if_room(at, part, ProgramChange { channel, program });
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
            self.through[index] = true;
            self.through_count += 1;
            self.push_through(at, sent.on(velocity));
        }
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
        for (_, part, midi) in recent.into_iter().flatten().filter(|(sent, ..)| *sent >= since) {
            let NoteOff { channel, key, .. } = midi else { continue };
            let sent = Sent { channel, key };
            let is_same = |other: Part| other == part || !self.has_own_ports;
            let sounds = Part::ALL
                .into_iter()
                .filter(|&other| is_same(other))
                .any(|other| self.singing[other.index()].is_some_and(|note| note.sent == sent && note.is_heard));
            let is_held_through = sent.channel == self.through_channel && self.through[usize::from(key)];
            if !sounds && !is_held_through && self.has_room(1) {
                // Not remembered again: overruns come in swarms.
                self.outbox.push_back(Message { at, part, is_heard: true, is_through: false, midi });
            }
        }
    }

    /// Whether we have sent this since then. Each message is recognized once.
    pub fn take_echo(&mut self, midi: MidiMessage, since: Time) -> bool {
        let is_it =
            |sent: &Option<(Time, Part, MidiMessage)>| sent.is_some_and(|(at, _, sent)| sent == midi && at >= since);
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
        let owed = self.singing.iter().flatten().count() + self.through_count + CLOSING;
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
        self.outbox.push_back(Message { at, part, is_heard, is_through: false, midi });
        if is_heard {
            self.touched[part.index()] = true;
            self.remember(at, part, midi);
        }
    }

    /// Through the bass's port, where each part has its own.
    fn push_through(&mut self, at: Time, midi: MidiMessage) {
        self.outbox.push_back(Message { at, part: Part::Bass, is_heard: true, is_through: true, midi });
        self.touched[Part::Bass.index()] = true;
        self.remember(at, Part::Bass, midi);
    }

    fn remember(&mut self, at: Time, part: Part, midi: MidiMessage) {
        self.remembered[self.oldest] = Some((at, part, midi));
        self.oldest = (self.oldest + 1) % REMEMBERED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pitch(midi: u8) -> Pitch {
        Pitch::new(midi).unwrap()
    }

    fn drain(routing: &mut Routing) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some(message) = routing.next_message() {
            if message.is_heard {
                sent.push(message.bytes().to_vec());
            }
            routing.sent();
        }
        sent
    }

    #[test]
    fn a_pitch_that_two_parts_share_on_one_channel_ends_with_the_last_of_them() {
        let routes = Route::all().map(|route| Route { channel: 0, ..route });
        let mut routing = Routing::new(routes, false, 4);
        routing.begin(0, Part::Tenor, pitch(60), 80);
        routing.begin(0, Part::Bass, pitch(60), 80);
        assert_eq!(drain(&mut routing), [[0x90, 60, 80], [0x80, 60, 64], [0x90, 60, 80]]);
        routing.end(1, Part::Tenor);
        assert_eq!(drain(&mut routing), [[0; 3]; 0]);
        routing.end(2, Part::Bass);
        assert_eq!(drain(&mut routing), [[0x80, 60, 64]]);

        let mut apart = Routing::new(routes, true, 4);
        apart.begin(0, Part::Tenor, pitch(60), 80);
        apart.begin(0, Part::Bass, pitch(60), 80);
        apart.end(1, Part::Tenor);
        assert_eq!(drain(&mut apart), [[0x90, 60, 80], [0x90, 60, 80], [0x80, 60, 64]], "on ports of their own");
    }

    #[test]
    fn channel_octave_loudness_and_program_are_each_parts_own() {
        let mut routes = Route::all();
        routes[3] = Route { channel: 9, muted: false, octave: -1, velocity: 0.5, program: Some(43) };
        let mut routing = Routing::new(routes, false, 4);
        routing.send_programs(0);
        routing.begin(0, Part::Bass, pitch(48), 81);
        routing.end(0, Part::Bass);
        let sent = drain(&mut routing);
        assert_eq!(sent, [vec![0xc9, 43], vec![0x99, 36, 41], vec![0x89, 36, 64]]);
        routing.begin(0, Part::Bass, pitch(5), 1);
        assert_eq!(drain(&mut routing), [[0x99, 5, 1]], "no octave below: as it is; never velocity 0");
    }

    #[test]
    fn a_muted_part_sings_unheard_until_its_next_note_after_that() {
        let mut routing = Routing::new(Route::all(), false, 4);
        routing.begin(0, Part::Alto, pitch(67), 80);
        routing.mute(1, Part::Alto, true);
        assert_eq!(drain(&mut routing), [[0x91, 67, 80], [0x81, 67, 64]]);
        assert_eq!(routing.singing()[1], Some(pitch(67)));
        routing.begin(2, Part::Alto, pitch(65), 80);
        routing.mute(3, Part::Alto, false);
        assert_eq!(drain(&mut routing), [[0; 3]; 0]);
        routing.begin(4, Part::Alto, pitch(64), 80);
        assert_eq!(drain(&mut routing), [[0x91, 64, 80]]);
    }

    #[test]
    fn an_instrument_that_comes_is_told_to_be_silent_on_all_channels_but_those_of_muted_parts() {
        let mut routes = Route::all();
        routes[0].muted = true;
        let mut routing = Routing::new(routes, false, 4);
        routing.silence_all_heard(0);
        assert_eq!(drain(&mut routing), [[0xb1, 123, 0], [0xb2, 123, 0], [0xb3, 123, 0]]);
    }

    #[test]
    fn ends_that_may_be_lost_are_sent_again_but_not_those_of_notes_that_sound_anew() {
        let mut routing = Routing::new(Route::all(), false, 4);
        routing.begin(0, Part::Alto, pitch(67), 80);
        routing.begin(10, Part::Alto, pitch(65), 80);
        routing.begin(20, Part::Alto, pitch(67), 80);
        routing.begin(30, Part::Tenor, pitch(60), 80);
        routing.end(40, Part::Tenor);
        drain(&mut routing);
        routing.repeat_ends(50, 15);
        assert_eq!(drain(&mut routing), [[0x81, 65, 64], [0x82, 60, 64]]);
        assert_eq!(routing.singing()[1], Some(pitch(67)));
    }

    #[test]
    fn a_bend_moves_all_parts_and_is_undone_by_silence() {
        let mut routing = Routing::new(Route::all(), false, 4);
        routing.to_all(0, PitchBend { channel: 0, bend: 80 << 7 });
        assert_eq!(drain(&mut routing), [[0xe0, 0, 80], [0xe1, 0, 80], [0xe2, 0, 80], [0xe3, 0, 80]]);
        routing.silence(1);
        assert_eq!(drain(&mut routing)[..2], [[0xb0, 123, 0], [0xe0, 0, 64]]);
    }
}
