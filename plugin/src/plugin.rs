//! The instance as CLAP knows it: what is shared, what belongs to the main thread, what to the audio thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortType, PluginAudioPorts, PluginAudioPortsImpl,
};
use clack_extensions::latency::{PluginLatency, PluginLatencyImpl};
use clack_extensions::log::{HostLog, LogSeverity};
use clack_extensions::note_ports::{
    NoteDialect, NoteDialects, NotePortInfo, NotePortInfoWriter, PluginNotePorts, PluginNotePortsImpl,
};
use clack_extensions::params::{
    HostParams, ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, ParamRescanFlags,
    PluginAudioProcessorParams, PluginMainThreadParams, PluginParams,
};
use clack_extensions::preset_discovery::prelude::{HostPresetLoad, Location, PluginPresetLoad, PluginPresetLoadImpl};
use clack_extensions::render::{PluginRender, PluginRenderImpl, RenderMode};
use clack_extensions::state::{PluginState, PluginStateImpl};
use clack_plugin::events::Match;
use clack_plugin::events::event_types::{MidiEvent, NoteOffEvent, NoteOnEvent};
use clack_plugin::events::spaces::CoreEventSpace;
use clack_plugin::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};
use clack_plugin::utils::Cookie;
use session::midi::MidiMessage;

use crate::outlet::{Outgoing, Ports};
use crate::parameters::{self, ALL, COUNT, Kind, Values, place, place_of};
use crate::player::{Input, Player};
use crate::{presets, state, transport};

/// After a panic the ends of notes are sent in so many more blocks.
const REPEATS: u32 = 3;

/// The plugin.
pub struct Chorale;

impl Plugin for Chorale {
    type AudioProcessor<'a> = AudioProcessor<'a>;
    type Shared<'a> = Instance<'a>;
    type MainThread<'a> = MainThread<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _: Option<&Instance<'_>>) {
        builder
            .register::<PluginAudioPorts>()
            .register::<PluginLatency>()
            .register::<PluginNotePorts>()
            .register::<PluginParams>()
            .register::<PluginPresetLoad>()
            .register::<PluginRender>()
            .register::<PluginState>();
    }
}

/// What all threads of an instance see.
pub struct Instance<'a> {
    host: HostSharedHandle<'a>,
    ports: Ports,
    parameters: Arc<parameters::Shared>,
    /// Nobody listens: the host renders as fast as it can.
    is_offline: AtomicBool,
}

impl<'a> Instance<'a> {
    pub fn new(host: HostSharedHandle<'a>, ports: Ports) -> Instance<'a> {
        Instance { host, ports, parameters: Arc::default(), is_offline: AtomicBool::new(false) }
    }
}

impl<'a> PluginShared<'a> for Instance<'a> {}

pub struct MainThread<'a> {
    host: HostMainThreadHandle<'a>,
    instance: &'a Instance<'a>,
    /// Ends of notes that sounded when it was deactivated, when nothing can be sent.
    owed: RefCell<Vec<Outgoing>>,
}

impl<'a> MainThread<'a> {
    pub fn new(host: HostMainThreadHandle<'a>, instance: &'a Instance<'a>) -> MainThread<'a> {
        MainThread { host, instance, owed: RefCell::default() }
    }

    /// All values anew, of which the host is told.
    fn take(&self, values: &Values) {
        values.0.iter().enumerate().for_each(|(place, &value)| self.instance.parameters.set(place, value));
        if let Some(host) = self.instance.host.get_extension::<HostParams>() {
            host.rescan(&self.host, ParamRescanFlags::VALUES);
        }
    }

    fn log(&self, severity: LogSeverity, told: &str) {
        let log = self.instance.host.get_extension::<HostLog>();
        if let Some((log, told)) = log.zip(CString::new(told).ok()) {
            log.log(&self.instance.host, severity, &told);
        }
    }
}

impl<'a> PluginMainThread<'a, Instance<'a>> for MainThread<'a> {}

impl PluginAudioPortsImpl for MainThread<'_> {
    /// No input, and a stereo output, since many hosts refuse plugins without sound.
    fn count(&self, is_input: bool) -> u32 {
        u32::from(!is_input)
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter) {
        if !is_input && index == 0 {
            writer.set(&AudioPortInfo {
                id: ClapId::new(0),
                name: b"Organ",
                channel_count: 2,
                flags: AudioPortFlags::IS_MAIN,
                port_type: Some(AudioPortType::STEREO),
                in_place_pair: None,
            });
        }
    }
}

impl PluginLatencyImpl for MainThread<'_> {
    fn get(&self) -> u32 {
        0
    }
}

impl PluginNotePortsImpl for MainThread<'_> {
    fn count(&self, is_input: bool) -> u32 {
        if is_input || self.instance.ports == Ports::One { 1 } else { 4 }
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut NotePortInfoWriter) {
        let names: &[&[u8]] = match (is_input, self.instance.ports) {
            (true, _) => &[b"Melody"],
            (false, Ports::One) => &[b"Harmony"],
            (false, Ports::OnePerPart) => &[b"Soprano", b"Alto", b"Tenor", b"Bass"],
        };
        if let Some(name) = names.get(index as usize) {
            writer.set(&NotePortInfo {
                id: ClapId::new(index),
                name,
                supported_dialects: NoteDialects::CLAP | NoteDialects::MIDI,
                preferred_dialect: Some(if is_input { NoteDialect::Midi } else { NoteDialect::Clap }),
            });
        }
    }
}

impl PluginRenderImpl for MainThread<'_> {
    fn has_hard_realtime_requirement(&self) -> bool {
        false
    }

    fn set(&self, mode: RenderMode) -> Result<(), PluginError> {
        self.instance.is_offline.store(mode == RenderMode::Offline, Ordering::Release);
        Ok(())
    }
}

impl PluginStateImpl for MainThread<'_> {
    fn save(&self, output: &mut OutputStream) -> Result<(), PluginError> {
        std::io::Write::write_all(output, state::write(&self.instance.parameters.values()).as_bytes())?;
        Ok(())
    }

    fn load(&self, input: &mut InputStream) -> Result<(), PluginError> {
        let mut bytes = Vec::new();
        input.take(state::MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        self.take(&state::read(&bytes)?);
        Ok(())
    }
}

impl PluginPresetLoadImpl for MainThread<'_> {
    fn load_from_location(&self, location: Location, key: Option<&CStr>) -> Result<(), PluginError> {
        let values = key.filter(|_| location == Location::Plugin).and_then(presets::values);
        self.take(&values.ok_or(PluginError::Message("the plugin has no such preset"))?);
        if let Some(host) = self.instance.host.get_extension::<HostPresetLoad>() {
            host.loaded(&self.host, location, key);
        }
        Ok(())
    }
}

impl PluginMainThreadParams for MainThread<'_> {
    fn count(&self) -> u32 {
        COUNT as u32
    }

    fn get_info(&self, index: u32, info: &mut ParamInfoWriter) {
        let Some(parameter) = ALL.get(index as usize) else { return };
        let mut flags = ParamInfoFlags::IS_AUTOMATABLE;
        if parameter.is_stepped() {
            flags |= ParamInfoFlags::IS_STEPPED;
        }
        if matches!(parameter.kind, Kind::Choice(_)) {
            flags |= ParamInfoFlags::IS_ENUM;
        }
        if index as usize == place::BYPASS {
            flags |= ParamInfoFlags::IS_BYPASS;
        }
        info.set(&ParamInfo {
            id: ClapId::new(parameter.id),
            flags,
            cookie: Cookie::empty(),
            name: parameter.name.as_bytes(),
            module: parameter.module.as_bytes(),
            min_value: parameter.least,
            max_value: parameter.most,
            default_value: parameter.default,
        });
    }

    fn get_value(&self, id: ClapId) -> Option<f64> {
        Some(self.instance.parameters.value(place_of(id.get())?))
    }

    fn value_to_text(&self, id: ClapId, value: f64, writer: &mut ParamDisplayWriter) -> std::fmt::Result {
        ALL[place_of(id.get()).ok_or(std::fmt::Error)?].write(value, writer)
    }

    fn text_to_value(&self, id: ClapId, text: &CStr) -> Option<f64> {
        ALL[place_of(id.get())?].read(text.to_str().ok()?)
    }

    fn flush(&self, input: &InputEvents, _: &mut OutputEvents) {
        flush(&self.instance.parameters, input);
    }
}

impl PluginAudioProcessorParams for AudioProcessor<'_> {
    fn flush(&mut self, input: &InputEvents, _: &mut OutputEvents) {
        flush(&self.instance.parameters, input);
    }
}

/// Takes values outside a block; the next one plays by them.
fn flush(parameters: &parameters::Shared, input: &InputEvents) {
    for event in input {
        if let Some(Input::Parameter(place, value)) = parameter(event) {
            parameters.set(place, value);
        }
    }
}

fn parameter(event: &UnknownEvent) -> Option<Input> {
    let CoreEventSpace::ParamValue(event) = event.as_core_event()? else { return None };
    let place = place_of(event.param_id()?.get())?;
    Some(Input::Parameter(place, ALL[place].nearest(event.value())?))
}

/// What the audio thread owns.
pub struct AudioProcessor<'a> {
    instance: &'a Instance<'a>,
    player: Player,
    /// Blocks since a panic.
    since_panic: Option<u32>,
    has_failed: bool,
}

impl<'a> PluginAudioProcessor<'a, Instance<'a>, MainThread<'a>> for AudioProcessor<'a> {
    fn activate(
        _: HostAudioProcessorHandle<'a>,
        main_thread: &MainThread<'a>,
        instance: &'a Instance<'a>,
        configuration: PluginAudioConfiguration,
    ) -> Result<AudioProcessor<'a>, PluginError> {
        let owed = main_thread.owed.take();
        let PluginAudioConfiguration { sample_rate, max_frames_count, .. } = configuration;
        let player = Player::new(&instance.parameters, instance.ports, sample_rate, max_frames_count, owed)?;
        Ok(AudioProcessor { instance, player, since_panic: None, has_failed: false })
    }

    /// Real-time: never allocates, locks or waits, unless the host renders offline.
    fn process(&mut self, process: Process, mut audio: Audio, events: Events) -> Result<ProcessStatus, PluginError> {
        let Events { input, output } = events;
        let mut write = |outgoing| push(output, outgoing);
        if self.since_panic.is_none()
            && panics::catch(|| self.play(&process, audio.frames_count(), input, &mut write)).is_err()
        {
            self.since_panic = Some(0);
        }
        if let Some(blocks) = self.since_panic.as_mut().filter(|blocks| **blocks < REPEATS) {
            *blocks += 1;
            self.player.abandon(&mut write);
        }
        self.fill(&mut audio);
        if !self.has_failed && self.player.failure().is_some() {
            self.has_failed = true;
            self.instance.host.request_callback();
        }
        Ok(ProcessStatus::Continue)
    }

    fn reset(&mut self) {
        self.player.reset();
    }

    /// What sounds can't be ended any more: hosts are to do it, and when it is activated again it is.
    fn deactivate(mut self, main_thread: &MainThread<'a>) {
        if let Some(failure) = self.player.failure() {
            main_thread.log(LogSeverity::Error, &failure.to_string());
        }
        let mut owed = main_thread.owed.borrow_mut();
        self.player.abandon(&mut |outgoing| {
            owed.push(Outgoing { frame: 0, ..outgoing });
            true
        });
        owed.reverse();
    }
}

impl AudioProcessor<'_> {
    fn play(&mut self, process: &Process, frames: u32, input: &InputEvents, write: &mut impl FnMut(Outgoing) -> bool) {
        let player = &mut self.player;
        player.begin_block(frames, self.instance.is_offline.load(Ordering::Acquire), write);
        if let Some(event) = process.transport {
            let told = transport::read(event, player.transport());
            player.input(0, Input::Transport(told), write);
        }
        // Of one frame parameters come first: hosts restore automation with the first note, in whatever order.
        let (mut next, count) = (0, input.len());
        while next < count
            && let Some(frame) = input.get(next).map(|event| event.header().time())
        {
            let first = next;
            while next < count && input.get(next).is_some_and(|event| event.header().time() == frame) {
                next += 1;
            }
            for value in (first..next).filter_map(|place| parameter(input.get(place)?)) {
                player.input(frame, value, write);
            }
            for event in (first..next).filter_map(|place| input.get(place)) {
                play_event(player, frame, event, write);
            }
        }
        player.end_block(write);
    }

    /// The organ, or silence.
    fn fill(&mut self, audio: &mut Audio) {
        let frames = audio.frames_count() as usize;
        for mut port in audio.output_ports() {
            let Some(mut channels) = port.channels().ok().and_then(|channels| channels.into_f32()) else { continue };
            for samples in channels.iter_mut() {
                samples.fill(0.0);
            }
            if self.since_panic.is_some() {
                continue;
            }
            for side in 0..2 {
                let Some(samples) = channels.channel_mut(side as u32) else { continue };
                for (sample, stereo) in samples.iter_mut().take(frames).zip(self.player.sound()) {
                    *sample = stereo[side];
                }
            }
        }
    }
}

/// Plays one event that is no parameter.
fn play_event(player: &mut Player, frame: u32, event: &UnknownEvent, write: &mut impl FnMut(Outgoing) -> bool) {
    match event.as_core_event() {
        Some(CoreEventSpace::NoteOn(note)) => {
            let velocity = (note.velocity() * 127.0).round().clamp(1.0, 127.0) as u8;
            if let Some((channel, key)) = channel(note.channel()).zip(specific(note.key())) {
                player.input(frame, Input::Midi([0x90 | channel, key, velocity]), write);
            }
        }
        Some(CoreEventSpace::NoteOff(note)) => end_notes(player, frame, note.channel(), note.key(), write),
        Some(CoreEventSpace::NoteChoke(note)) => end_notes(player, frame, note.channel(), note.key(), write),
        Some(CoreEventSpace::Midi(midi)) => player.input(frame, Input::Midi(midi.data()), write),
        Some(CoreEventSpace::Transport(told)) => {
            let told = transport::read(told, player.transport());
            player.input(frame, Input::Transport(told), write);
        }
        _ => {}
    }
}

/// The end of one note, or of all that the host means.
fn end_notes(
    player: &mut Player,
    frame: u32,
    on: Match<u16>,
    key: Match<u16>,
    write: &mut impl FnMut(Outgoing) -> bool,
) {
    let channels = channel(on).map_or(0..16, |channel| channel..channel + 1);
    match (key.is_all(), specific(key)) {
        (false, Some(key)) => {
            channels.for_each(|channel| player.input(frame, Input::Midi([0x80 | channel, key, 64]), write));
        }
        (true, _) => channels.for_each(|channel| player.input(frame, Input::Midi([0xb0 | channel, 123, 0]), write)),
        (false, None) => {}
    }
}

fn specific(number: Match<u16>) -> Option<u8> {
    number.into_specific().filter(|&number| number < 128).map(|number| number as u8)
}

/// Notes of no channel are on the first.
fn channel(channel: Match<u16>) -> Option<u8> {
    specific(channel).filter(|&channel| channel < 16)
}

/// Hands a message to the host; returns whether it took it.
fn push(output: &mut OutputEvents, Outgoing { frame, port, midi }: Outgoing) -> bool {
    let note = |channel: u8, key: u8| Pckn::new(port, u16::from(channel), u16::from(key), Match::All);
    let velocity = |velocity: u8| f64::from(velocity) / 127.0;
    let taken = match midi {
        MidiMessage::NoteOn { channel, key, velocity: struck } => {
            output.try_push(NoteOnEvent::new(frame, note(channel, key), velocity(struck)))
        }
        MidiMessage::NoteOff { channel, key, velocity: lifted } => {
            output.try_push(NoteOffEvent::new(frame, note(channel, key), velocity(lifted)))
        }
        _ => {
            let mut data = [0; 3];
            for (byte, &sent) in data.iter_mut().zip(midi.bytes().iter()) {
                *byte = sent;
            }
            output.try_push(MidiEvent::new(frame, port, data))
        }
    };
    taken.is_ok()
}
