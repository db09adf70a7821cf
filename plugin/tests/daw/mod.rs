//! A small DAW: one plugin on one track, a song with a transport, no screen.
#![allow(dead_code, reason = "each test uses its own part of it")]

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use clack_extensions::params::PluginParams;
use clack_extensions::preset_discovery::prelude::{Location, PluginPresetLoad};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{
    MidiEvent, NoteOffEvent, NoteOnEvent, ParamValueEvent, TransportEvent, TransportFlags,
};
use clack_host::events::spaces::CoreEventSpace;
use clack_host::events::{EventFlags, EventHeader, Match};
use clack_host::prelude::*;
use clack_host::process::StartedPluginAudioProcessor;
use clack_host::utils::{BeatTime, Cookie, SecondsTime};

pub const ONE_PORT: &str = chorale_plugin::ID;
pub const PORT_PER_PART: &str = chorale_plugin::ID_OF_PORTS;

/// The plugin of this very program.
pub fn in_process() -> PluginEntry {
    PluginEntry::load_from_clack::<chorale_plugin::ChoraleEntry>(c"").expect("the entry loads")
}

/// What goes in, at a frame of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum In {
    /// On and off go as notes, everything else as MIDI.
    Midi([u8; 3]),
    Parameter(u32, f64),
}

/// What came out, at a frame from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Out {
    pub at: u64,
    pub port: u16,
    pub bytes: [u8; 3],
}

impl Out {
    pub fn is_on(&self) -> bool {
        self.bytes[0] & 0xf0 == 0x90
    }

    pub fn is_off(&self) -> bool {
        self.bytes[0] & 0xf0 == 0x80
    }

    pub fn channel(&self) -> u8 {
        self.bytes[0] & 0x0f
    }
}

/// The song's transport: 4/4, at one tempo.
#[derive(Clone, Copy, Debug)]
pub struct Song {
    pub is_playing: bool,
    pub quarters: f64,
    pub tempo: f64,
}

pub struct Daw {
    // Before the instance, which it holds on to.
    processor: Option<StartedPluginAudioProcessor<()>>,
    instance: PluginInstance<()>,
    pub rate: f64,
    /// Frames since the beginning.
    pub now: u64,
    pub song: Song,
    pub heard: Vec<Out>,
    /// Of the last block, left and right.
    pub sound: [Vec<f32>; 2],
    /// In the plugin's callback.
    pub spent: Duration,
}

impl Daw {
    /// Activated, with a song that stands at its beginning.
    pub fn new(entry: &PluginEntry, id: &str, rate: f64, settings: &[(u32, f64)]) -> Daw {
        let id = CString::new(id).unwrap();
        let host = HostInfo::new("test", "test", "", "1").unwrap();
        let instance = PluginInstance::<()>::new(|_| (), |_| (), entry, &id, &host).expect("an instance");
        let song = Song { is_playing: false, quarters: 0.0, tempo: 80.0 };
        let sound = [const { Vec::new() }; 2];
        let (heard, spent) = (Vec::new(), Duration::ZERO);
        let mut daw = Daw { processor: None, instance, rate, now: 0, song, heard, sound, spent };
        daw.set(settings);
        daw.activate();
        daw
    }

    pub fn activate(&mut self) {
        let (sample_rate, min_frames_count, max_frames_count) = (self.rate, 1, 8192);
        let configuration = PluginAudioConfiguration { sample_rate, min_frames_count, max_frames_count };
        let processor = self.instance.activate(|_, _| (), configuration).expect("it is activated");
        self.processor = Some(processor.start_processing().expect("it starts"));
    }

    pub fn deactivate(&mut self) {
        let processor = self.processor.take().expect("it is active");
        self.instance.deactivate(processor.stop_processing());
    }

    pub fn reset(&mut self) {
        self.processor.as_mut().expect("it is active").reset();
    }

    /// Nobody listens: every answer is waited for.
    pub fn render_offline(&mut self, is_offline: bool) {
        let mode = if is_offline { RenderMode::Offline } else { RenderMode::Realtime };
        let plugin = self.instance.plugin_handle();
        let render = plugin.get_extension::<PluginRender>().expect("it renders");
        render.set(&plugin, mode).unwrap();
    }

    /// Sets parameters while it is not active.
    pub fn set(&mut self, settings: &[(u32, f64)]) {
        let events = events(settings.iter().map(|&(id, value)| (0, In::Parameter(id, value))));
        let mut plugin = self.instance.inactive_plugin_handle().expect("it is not active");
        let parameters = plugin.get_extension::<PluginParams>().expect("it has parameters");
        parameters.flush(&mut plugin, &events.as_input(), &mut OutputEvents::void());
    }

    pub fn value(&mut self, id: u32) -> f64 {
        let plugin = self.instance.plugin_handle();
        let parameters = plugin.get_extension::<PluginParams>().expect("it has parameters");
        parameters.get_value(&plugin, ClapId::new(id)).expect("a parameter")
    }

    pub fn instance(&mut self) -> &mut PluginInstance<()> {
        &mut self.instance
    }

    pub fn save(&mut self) -> Vec<u8> {
        let plugin = self.instance.plugin_handle();
        let mut bytes = Vec::new();
        plugin.get_extension::<PluginState>().expect("it has a state").save(&plugin, &mut bytes).unwrap();
        bytes
    }

    /// Returns whether it was taken.
    pub fn load(&mut self, mut bytes: &[u8]) -> bool {
        let plugin = self.instance.plugin_handle();
        plugin.get_extension::<PluginState>().expect("it has a state").load(&plugin, &mut bytes).is_ok()
    }

    /// Returns whether the plugin has that preset.
    pub fn load_preset(&mut self, key: &CStr) -> bool {
        let plugin = self.instance.plugin_handle();
        let presets = plugin.get_extension::<PluginPresetLoad>().expect("it loads presets");
        presets.load_from_location(&plugin, Location::Plugin, Some(key)).is_ok()
    }

    /// Plays one block and lets the song go on. Times count from its beginning and may be any.
    pub fn block(&mut self, frames: u32, input: &[(u32, In)]) {
        let events = events(input.iter().copied());
        let transport = transport(self.song);
        self.sound = [vec![1.0; frames as usize], vec![1.0; frames as usize]];
        let (mut inputs, mut outputs) = (AudioPorts::with_capacity(0, 0), AudioPorts::with_capacity(2, 1));
        let no_inputs = inputs.with_input_buffers(std::iter::empty::<
            AudioPortBuffer<std::iter::Empty<InputChannel<f32>>, std::iter::Empty<InputChannel<f64>>>,
        >());
        let mut outputs = outputs.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(self.sound.iter_mut().map(Vec::as_mut_slice)),
        }]);
        let mut sent = EventBuffer::new();
        let processor = self.processor.as_mut().expect("it is active");
        let entered = Instant::now();
        let status = processor.process(
            &no_inputs,
            &mut outputs,
            &events.as_input(),
            &mut sent.as_output(),
            Some(self.now),
            Some(&transport),
        );
        self.spent += entered.elapsed();
        status.expect("the block is played");
        let mut before = 0;
        for event in &sent {
            let time = event.header().time();
            assert!(before <= time && (time < frames || time == 0), "at {time}, after {before}, of {frames}");
            before = time;
            self.heard.extend(described(self.now + u64::from(time), event));
        }
        self.now += u64::from(frames);
        if self.song.is_playing {
            self.song.quarters += f64::from(frames) / self.rate * self.song.tempo / 60.0;
        }
    }

    /// Frames from the beginning of a quarter.
    pub fn frames(&self, quarters: f64) -> u64 {
        (quarters * 60.0 / self.song.tempo * self.rate).round() as u64
    }

    /// Plays the song from its beginning in blocks of so many frames, with notes of a track, and stops it.
    pub fn play(&mut self, track: &[(u64, In)], until: u64, block: u32) {
        (self.song.is_playing, self.song.quarters) = (true, 0.0);
        let begun = self.now;
        while self.now < begun + until {
            let (from, to) = (self.now - begun, self.now - begun + u64::from(block));
            let due: Vec<(u32, In)> = track
                .iter()
                .filter(|(at, _)| (from..to).contains(at))
                .map(|&(at, event)| ((at - from) as u32, event))
                .collect();
            self.block(block, &due);
        }
        self.song.is_playing = false;
        self.block(block, &[]);
    }

    /// What came out between two moments, from the first on.
    pub fn heard_since(&self, from: u64) -> Vec<Out> {
        self.heard.iter().filter(|out| out.at >= from).map(|out| Out { at: out.at - from, ..*out }).collect()
    }

    /// Every note that begins ends, once, where it began.
    pub fn assert_all_ended(&self) {
        let mut sounding = std::collections::BTreeSet::new();
        for out in &self.heard {
            let note = (out.port, out.channel(), out.bytes[1]);
            if out.is_on() {
                assert!(sounding.insert(note), "{note:?} begins twice, at {}", out.at);
            } else if out.is_off() {
                sounding.remove(&note);
            }
        }
        assert!(sounding.is_empty(), "{sounding:?} hang");
    }
}

/// As CLAP tells it.
pub fn transport(Song { is_playing, quarters, tempo }: Song) -> TransportEvent {
    let mut flags = TransportFlags::HAS_TEMPO | TransportFlags::HAS_BEATS_TIMELINE | TransportFlags::HAS_TIME_SIGNATURE;
    if is_playing {
        flags |= TransportFlags::IS_PLAYING;
    }
    let nowhere = BeatTime::from_int(0);
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags,
        song_pos_beats: BeatTime::from_float(quarters),
        song_pos_seconds: SecondsTime::from_float(quarters * 60.0 / tempo),
        tempo,
        tempo_inc: 0.0,
        loop_start_beats: nowhere,
        loop_end_beats: nowhere,
        loop_start_seconds: SecondsTime::from_int(0),
        loop_end_seconds: SecondsTime::from_int(0),
        bar_start: BeatTime::from_float((quarters / 4.0).floor() * 4.0),
        bar_number: (quarters / 4.0).floor() as i32,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}

fn events(input: impl Iterator<Item = (u32, In)>) -> EventBuffer {
    let mut events = EventBuffer::new();
    for (time, event) in input {
        match event {
            In::Midi([status, key, velocity]) => {
                let note = Pckn::new(0u16, u16::from(status & 0x0f), u16::from(key), Match::All);
                let velocity = f64::from(velocity) / 127.0;
                match status & 0xf0 {
                    0x90 => events.push(&NoteOnEvent::new(time, note, velocity)),
                    0x80 => events.push(&NoteOffEvent::new(time, note, velocity)),
                    _ => events.push(&MidiEvent::new(time, 0, [status, key, (velocity * 127.0).round() as u8])),
                }
            }
            In::Parameter(id, value) => {
                let everywhere = Pckn::match_all();
                let event = ParamValueEvent::new(time, ClapId::new(id), everywhere, value);
                let _: Cookie = event.cookie();
                events.push(&event);
            }
        }
    }
    events
}

fn described(at: u64, event: &UnknownEvent) -> Option<Out> {
    let note = |kind: u8, port: Match<u16>, channel: Match<u16>, key: Match<u16>, velocity: f64| {
        let specific = |number: Match<u16>| number.into_specific().expect("our notes say what they are");
        let bytes = [kind | specific(channel) as u8, specific(key) as u8, (velocity * 127.0).round() as u8];
        Out { at, port: specific(port), bytes }
    };
    match event.as_core_event()? {
        CoreEventSpace::NoteOn(on) => Some(note(0x90, on.port_index(), on.channel(), on.key(), on.velocity())),
        CoreEventSpace::NoteOff(off) => Some(note(0x80, off.port_index(), off.channel(), off.key(), off.velocity())),
        CoreEventSpace::Midi(midi) => Some(Out { at, port: midi.port_index(), bytes: midi.data() }),
        other => panic!("{other:?}"),
    }
}

/// "Jesu, meine Freude", its first two lines: keys and quarters.
pub const MELODY: [(u8, f64); 13] = [
    (71, 1.0),
    (71, 1.0),
    (69, 1.0),
    (67, 1.0),
    (66, 2.0),
    (64, 2.0),
    (71, 1.0),
    (71, 0.5),
    (72, 0.5),
    (74, 1.0),
    (72, 1.0),
    (71, 2.0),
    (69, 2.0),
];

/// The melody as a track of a piano roll, at frames from the song's beginning, and its end.
pub fn track(daw: &Daw) -> (Vec<(u64, In)>, u64) {
    let mut track = Vec::new();
    let mut place = 0.0;
    for (key, quarters) in MELODY {
        track.push((daw.frames(place), In::Midi([0x90, key, 80])));
        place += quarters;
        // A note ends where the next begins, and before it in the list.
        track.push((daw.frames(place), In::Midi([0x80, key, 64])));
    }
    (track, daw.frames(place + 2.0))
}

/// The identifiers of parameters.
pub mod id {
    pub const LAYOUT: u32 = 1;
    pub const KEY: u32 = 2;
    pub const MODE: u32 = 3;
    pub const MODEL: u32 = 4;
    pub const TEMPERATURE: u32 = 5;
    pub const SEED: u32 = 8;
    pub const HOLD: u32 = 9;
    pub const SOUND: u32 = 12;
    pub const BYPASS: u32 = 13;
    pub const MUTE_ALTO: u32 = 21;
    pub const OCTAVE_BASS: u32 = 33;
}
