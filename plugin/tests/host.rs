//! The plugin in a host: what is heard of a melody, whatever the host does.

mod daw;

use std::ffi::{CStr, CString};
use std::sync::Arc;

use chorale::{Part, Phase, Pitch};
use clack_extensions::audio_ports::PluginAudioPorts;
use clack_extensions::latency::PluginLatency;
use clack_extensions::note_ports::PluginNotePorts;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::preset_discovery::metadata_receiver::MetadataReceiverImpl;
use clack_extensions::preset_discovery::prelude::*;
use clack_host::prelude::{HostError, HostInfo};
use daw::{Daw, In, MELODY, ONE_PORT, Out, PORT_PER_PART, id, in_process, track};
use files::melody::{Fold, MelodyStep};
use harmonizer::{Constraints, Harmonizer, Purpose, Sampling, harmonize};
use network::Model;

const RATE: f64 = 48_000.0;

/// A bounce of the melody, from the song's beginning.
fn bounce(daw: &mut Daw, block: u32) -> Vec<Out> {
    daw.render_offline(true);
    let (track, end) = track(daw);
    let begun = daw.now;
    daw.play(&track, end, block);
    daw.assert_all_ended();
    daw.heard_since(begun)
}

fn new(id: &str, settings: &[(u32, f64)]) -> Daw {
    Daw::new(&in_process(), id, RATE, settings)
}

/// What each part sings at the end of each sixteenth, as it was heard on its port and channel.
fn sung(heard: &[Out], daw: &Daw, port: u16, channel: u8) -> Vec<Option<u8>> {
    let sixteenths = MELODY.iter().map(|(_, quarters)| 4.0 * quarters).sum::<f64>() as u32;
    let at_end = |step: u32| daw.frames(f64::from(step + 1) / 4.0) - 48;
    let sounds = |at: u64| {
        let mut sounding = None;
        for out in heard.iter().filter(|out| out.at <= at && out.port == port && out.channel() == channel) {
            match (out.is_on(), out.is_off()) {
                (true, _) => sounding = Some(out.bytes[1]),
                (_, true) if sounding == Some(out.bytes[1]) => sounding = None,
                _ => {}
            }
        }
        sounding
    };
    (0..sixteenths).map(|step| sounds(at_end(step))).collect()
}

/// What `performer render --live` makes of the melody.
fn rendered_live(seed: u64) -> Vec<[Option<u8>; 4]> {
    let mut steps = Vec::new();
    for (key, quarters) in MELODY {
        for sixteenth in 0..(4.0 * quarters) as u32 {
            let position = steps.len() as u32;
            steps.push(MelodyStep {
                position,
                phase: Phase::in_bar(position as usize),
                start: position * 120,
                end: (position + 1) * 120,
                soprano: Pitch::new(key).unwrap(),
                velocity: 80,
                restruck: sixteenth == 0,
                fermata: false,
                breath: false,
                line_end: false,
                in_triplet: false,
            });
        }
    }
    let model = Arc::new(Model::wavenet().unwrap());
    let sampling = Sampling { seed, ..Sampling::of(&model, Purpose::Live) };
    let fold = Fold::of(&steps);
    let chords = harmonize(&steps, fold, &Constraints::default(), &mut Harmonizer::new(model, sampling));
    chords.unwrap().iter().map(|chord| Part::ALL.map(|part| chord[part].pitch().map(Pitch::midi))).collect()
}

#[test]
fn a_note_is_answered_at_its_own_frame_on_channels_1_to_4() {
    let mut daw = new(ONE_PORT, &[]);
    daw.song.is_playing = true;
    daw.block(128, &[(37, In::Midi([0x90, 71, 80]))]);
    let told: Vec<_> = daw.heard.iter().map(|out| (out.at, out.port, out.bytes[0], out.bytes[2])).collect();
    assert_eq!(told, [(37, 0, 0x90, 80), (37, 0, 0x91, 80), (37, 0, 0x92, 80), (37, 0, 0x93, 80)]);
    assert_eq!(daw.heard[0].bytes[1], 71);
    let handle = daw.instance().plugin_handle();
    assert_eq!(handle.get_extension::<PluginLatency>().unwrap().get(&handle), 0);
}

#[test]
fn four_instances_of_one_part_and_one_seed_sing_the_four_parts_of_render_live() {
    for seed in [1, 7] {
        let expected = rendered_live(seed);
        for part in 0..4u8 {
            let mut daw = new(ONE_PORT, &[(id::LAYOUT, f64::from(part + 1)), (id::SEED, seed as f64)]);
            let heard = bounce(&mut daw, 256);
            assert!(heard.iter().all(|out| out.channel() == 0 && out.port == 0), "on channel 1");
            let expected: Vec<_> = expected.iter().map(|chord| chord[usize::from(part)]).collect();
            assert_eq!(sung(&heard, &daw, 0, 0), expected, "part {part} of seed {seed}");
        }
    }
}

#[test]
fn a_port_a_part_carries_the_same_notes_as_channels_do() {
    let mut together = new(ONE_PORT, &[]);
    let together = bounce(&mut together, 512);
    let mut apart = new(PORT_PER_PART, &[]);
    let heard = bounce(&mut apart, 512);
    assert!(heard.iter().all(|out| out.port == u16::from(out.channel())));
    let without_port: Vec<Out> = heard.iter().map(|out| Out { port: 0, ..*out }).collect();
    assert_eq!(without_port, together);
}

#[test]
fn bounced_twice_and_in_other_blocks_and_by_another_instance_the_notes_are_the_same() {
    let mut daw = new(ONE_PORT, &[]);
    let first = bounce(&mut daw, 512);
    assert!(first.len() > 100);
    assert_eq!(bounce(&mut daw, 512), first);
    let notes = |heard: &[Out]| heard.iter().filter(|out| out.is_on()).copied().collect::<Vec<_>>();
    daw.deactivate();
    daw.activate();
    assert_eq!(notes(&bounce(&mut daw, 512)), notes(&first), "activated again");
    for block in [64, 333, 8192] {
        assert_eq!(notes(&bounce(&mut new(ONE_PORT, &[]), block)), notes(&first), "blocks of {block}");
    }
    let other_seed = notes(&bounce(&mut new(ONE_PORT, &[(id::SEED, 2.0)]), 512));
    assert_ne!(other_seed, notes(&first));
}

#[test]
fn a_loop_goes_on_with_the_same_song_and_every_note_ends() {
    let mut daw = new(ONE_PORT, &[]);
    daw.render_offline(true);
    (daw.song.is_playing, daw.song.tempo) = (true, 120.0);
    let bar = daw.frames(4.0) as u32;
    for pass in 0..3 {
        daw.song.quarters = 4.0;
        for quarter in 0..4u32 {
            let key = [71, 69, 67, 66][quarter as usize];
            daw.block(bar / 4, &[(0, In::Midi([0x90, key, 80])), (bar / 4 - 1, In::Midi([0x80, key, 64]))]);
        }
        let begun = daw.heard.iter().filter(|out| out.is_on() && out.channel() == 0).count();
        assert_eq!(begun, 4 * (pass + 1));
    }
    // A leap into the middle of a bar, with a key down.
    daw.block(100, &[(3, In::Midi([0x90, 72, 80]))]);
    daw.song.quarters = 33.37;
    daw.block(bar, &[]);
    assert!(daw.heard.iter().any(|out| out.is_on() && out.at > daw.now - u64::from(bar)), "the parts go on");
    daw.song.is_playing = false;
    daw.block(64, &[]);
    daw.assert_all_ended();
}

#[test]
fn while_the_song_stands_it_plays_by_the_first_key_at_the_songs_tempo() {
    let mut daw = new(ONE_PORT, &[]);
    daw.render_offline(true);
    daw.song.tempo = 60.0;
    daw.block(64, &[]);
    daw.block(8192, &[(100, In::Midi([0x90, 71, 80]))]);
    for _ in 0..60 {
        daw.block(8192, &[]);
    }
    let moved: Vec<u64> = daw.heard.iter().filter(|out| out.is_on()).map(|out| out.at - 164).collect();
    assert!(moved.iter().any(|&at| at > 0), "the lower parts move of themselves");
    let off_beat = moved.iter().filter(|&&at| at > 0).map(|at| at % 12_000);
    assert!(off_beat.clone().all(|late| late < 6000), "with sixteenths of a quarter of a second: {moved:?}");
    daw.song.is_playing = true;
    daw.block(64, &[]);
    daw.song.is_playing = false;
    daw.block(64, &[]);
    daw.assert_all_ended();
}

#[test]
fn a_stop_a_bypass_a_reset_another_layout_and_a_deactivation_leave_no_note() {
    let key = (5, In::Midi([0x90, 71, 80]));
    let sounding = || {
        let mut daw = new(ONE_PORT, &[]);
        daw.song.is_playing = true;
        daw.block(64, &[key]);
        assert_eq!(daw.heard.len(), 4);
        daw
    };
    let mut stopped = sounding();
    stopped.song.is_playing = false;
    stopped.block(64, &[]);
    stopped.assert_all_ended();

    let mut bypassed = sounding();
    bypassed.block(64, &[(10, In::Parameter(id::BYPASS, 1.0)), (20, In::Midi([0x93, 40, 64]))]);
    let passed = bypassed.heard.last().copied().unwrap();
    assert_eq!((passed.at, passed.bytes), (84, [0x93, 40, 64]), "what is played is passed on as it is");
    bypassed.block(64, &[(10, In::Parameter(id::BYPASS, 0.0)), (30, In::Midi([0x83, 40, 64]))]);
    bypassed.assert_all_ended();

    let mut reset = sounding();
    reset.reset();
    reset.block(64, &[]);
    reset.assert_all_ended();

    let mut changed = sounding();
    changed.block(64, &[(10, In::Parameter(id::LAYOUT, 2.0))]);
    changed.assert_all_ended();

    let mut deactivated = sounding();
    deactivated.deactivate();
    deactivated.activate();
    deactivated.block(64, &[]);
    deactivated.assert_all_ended();
}

#[test]
fn a_bad_host_hears_every_note_end() {
    for rate in [8000.0, 44_100.0, 96_000.0, 384_000.0] {
        let mut daw = Daw::new(&in_process(), ONE_PORT, rate, &[(id::SOUND, 1.0)]);
        daw.song.is_playing = true;
        let on = |key| In::Midi([0x90, key, 80]);
        let off = |key| In::Midi([0x80, key, 64]);
        daw.block(0, &[(0, on(70))]);
        daw.block(0, &[(99, off(70)), (7, on(72))]);
        daw.block(8192, &[(9000, on(74)), (3, off(72)), (8191, on(76)), (u32::MAX, off(76))]);
        for (number, value) in [(0, f64::NAN), (1, 1e300), (5, -1.0), (6, f64::INFINITY), (999, 3.0)] {
            daw.block(1, &[(0, In::Parameter(number, value)), (0, In::Midi([0x40, 200, 255]))]);
        }
        daw.block(0, &[]);
        daw.block(8192, &[(0, In::Midi([0xb0, 64, 127])), (0, off(74))]);
        assert!(daw.sound.iter().flatten().all(|sample| sample.is_finite()));
        daw.song = daw::Song { is_playing: true, quarters: f64::MAX, tempo: f64::NAN };
        daw.block(64, &[(1, on(60))]);
        daw.song = daw::Song { is_playing: false, quarters: 0.0, tempo: 120.0 };
        daw.block(64, &[]);
        daw.assert_all_ended();
    }
}

#[test]
fn a_rate_that_no_host_has_is_refused() {
    let host = clack_host::prelude::HostInfo::new("test", "test", "", "1").unwrap();
    let id = std::ffi::CString::new(ONE_PORT).unwrap();
    let new = || clack_host::prelude::PluginInstance::<()>::new(|_| (), |_| (), &in_process(), &id, &host).unwrap();
    for sample_rate in [0.0, -48_000.0, 10.0, f64::NAN, 1e12] {
        let configuration =
            clack_host::prelude::PluginAudioConfiguration { sample_rate, min_frames_count: 1, max_frames_count: 64 };
        assert!(new().activate(|_, _| (), configuration).is_err(), "{sample_rate}");
    }
}

#[test]
fn the_organ_sounds_where_it_is_switched_on_and_is_silent_otherwise() {
    for (is_on, settings) in [(false, &[][..]), (true, &[(id::SOUND, 1.0)][..])] {
        let mut daw = new(ONE_PORT, settings);
        daw.song.is_playing = true;
        daw.block(8192, &[(100, In::Midi([0x90, 71, 80]))]);
        let loudest = daw.sound.iter().flatten().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
        assert_eq!(loudest > 0.01, is_on, "{loudest}");
        assert!(daw.sound.iter().all(|side| side[..100].iter().all(|&sample| sample == 0.0)));
    }
}

#[test]
fn parameters_change_what_is_played() {
    let notes = |settings: &[(u32, f64)]| {
        let mut daw = new(ONE_PORT, settings);
        let heard = bounce(&mut daw, 512);
        [0, 1, 2, 3].map(|channel| sung(&heard, &daw, 0, channel))
    };
    let usual = notes(&[]);
    let lower = notes(&[(id::OCTAVE_BASS, -1.0)]);
    let octave_below = |key: &Option<u8>| key.map(|key| key - 12);
    assert_eq!(lower[3], usual[3].iter().map(octave_below).collect::<Vec<_>>());
    let muted = notes(&[(id::MUTE_ALTO, 1.0)]);
    assert!(muted[1].iter().all(Option::is_none) && muted[2] == usual[2], "the others sing as before");
    assert_ne!(notes(&[(id::MODEL, 1.0)]), usual);
    assert_ne!(notes(&[(id::TEMPERATURE, 1.8)]), usual);
    assert_ne!(notes(&[(id::KEY, 8.0), (id::MODE, 0.0)]), notes(&[(id::KEY, 5.0), (id::MODE, 1.0)]));
}

#[test]
fn automation_is_played_at_its_frame() {
    let mut daw = new(ONE_PORT, &[]);
    daw.render_offline(true);
    daw.song.is_playing = true;
    daw.block(64, &[(0, In::Midi([0x90, 71, 80]))]);
    daw.block(64, &[(17, In::Parameter(id::MUTE_ALTO, 1.0))]);
    assert_eq!(daw.heard.last().map(|out| (out.at, out.bytes[0])), Some((81, 0x81)));
    assert_eq!(daw.value(id::MUTE_ALTO), 1.0);
}

#[test]
fn a_parameter_of_the_first_notes_frame_comes_before_it_in_whatever_order_they_are_told() {
    let (note, layout) = ((9, In::Midi([0x90, 71, 80])), (9, In::Parameter(id::LAYOUT, 4.0)));
    for events in [[note, layout], [layout, note]] {
        let mut daw = new(ONE_PORT, &[]);
        daw.song.is_playing = true;
        daw.block(64, &events);
        let told: Vec<_> = daw.heard.iter().map(|out| (out.at, out.bytes[0])).collect();
        assert_eq!(told, [(9, 0x90)], "the bass alone, on channel 1");
    }
}

#[test]
fn a_state_comes_back_in_another_instance_and_what_is_none_changes_nothing() {
    let settings = [(id::SEED, 42.0), (id::TEMPERATURE, 1.25), (id::LAYOUT, 3.0), (id::KEY, 4.0)];
    let mut daw = new(ONE_PORT, &settings);
    let state = daw.save();
    let mut other = new(ONE_PORT, &[]);
    assert!(other.load(&state));
    assert_eq!(other.save(), state);
    assert_eq!(bounce(&mut other, 512), bounce(&mut daw, 512));
    let newer = String::from_utf8(state.clone()).unwrap().replace("\"version\":1", "\"version\":2");
    for garbage in [&b""[..], b"\x00\xff garbage", b"{}", newer.as_bytes(), &[b'['; 1 << 20]] {
        assert!(!other.load(garbage));
        assert_eq!(other.save(), state);
    }
}

#[test]
fn a_host_is_told_names_ranges_ports_and_texts() {
    let mut daw = new(PORT_PER_PART, &[]);
    let handle = daw.instance().plugin_handle();
    let notes = handle.get_extension::<PluginNotePorts>().unwrap();
    assert_eq!((notes.count(&handle, true), notes.count(&handle, false)), (1, 4));
    let sound = handle.get_extension::<PluginAudioPorts>().unwrap();
    assert_eq!((sound.count(&handle, true), sound.count(&handle, false)), (0, 1));
    let parameters = handle.get_extension::<PluginParams>().unwrap();
    assert_eq!(parameters.count(&handle), 34);
    for index in 0..34 {
        let mut buffer = ParamInfoBuffer::new();
        let info = parameters.get_info(&handle, index, &mut buffer).unwrap();
        assert!(info.min_value < info.max_value && !info.name.is_empty());
        let mut text = [0; 64];
        let text = parameters.value_to_text(&handle, info.id, info.default_value, &mut text).unwrap().to_vec();
        let text = std::ffi::CString::new(text).unwrap();
        assert_eq!(parameters.text_to_value(&handle, info.id, &text), Some(info.default_value), "{text:?}");
    }
}

/// What a host's browser finds: the keys of all presets, with the plugins that they are for.
#[derive(Default)]
struct Browser(Vec<(CString, Vec<CString>)>);

impl MetadataReceiverImpl for Browser {
    fn on_error(&mut self, _: i32, message: Option<&CStr>) {
        panic!("{message:?}");
    }

    fn begin_preset(&mut self, name: Option<&CStr>, key: Option<&CStr>) -> Result<(), HostError> {
        assert!(name.is_some_and(|name| !name.is_empty()));
        self.0.push((key.expect("a key").to_owned(), Vec::new()));
        Ok(())
    }

    fn add_plugin_id(&mut self, plugin: UniversalPluginId) {
        self.0.last_mut().expect("a preset").1.push(plugin.id.to_owned());
    }

    fn set_soundpack_id(&mut self, _: &CStr) {}
    fn set_flags(&mut self, _: Flags) {}
    fn add_creator(&mut self, _: &CStr) {}
    fn set_description(&mut self, _: &CStr) {}
    fn set_timestamps(&mut self, _: Option<Timestamp>, _: Option<Timestamp>) {}
    fn add_feature(&mut self, _: &CStr) {}
    fn add_extra_info(&mut self, _: &CStr, _: &CStr) {}
}

/// Counts the places that presets are in.
struct Places(usize);

impl IndexerImpl for Places {
    fn declare_filetype(&mut self, _: FileType) -> Result<(), HostError> {
        Ok(())
    }

    fn declare_location(&mut self, location: LocationInfo) -> Result<(), HostError> {
        assert_eq!(location.location, Location::Plugin);
        self.0 += 1;
        Ok(())
    }

    fn declare_soundpack(&mut self, _: Soundpack) -> Result<(), HostError> {
        Ok(())
    }
}

#[test]
fn every_preset_that_a_hosts_browser_finds_is_loaded_and_sets_all_parameters() {
    let entry = in_process();
    let factory = entry.get_factory::<PresetDiscoveryFactory>().expect("presets");
    let providers: Vec<_> = factory.provider_descriptors().filter_map(ProviderDescriptor::id).collect();
    let host = HostInfo::new("test", "test", "", "1").unwrap();
    let mut browser = Browser::default();
    for provider in providers {
        let mut provider = Provider::instantiate(Places(0), &entry, provider, &host).expect("a provider");
        assert_eq!(provider.indexer().0, 1);
        provider.get_metadata(Location::Plugin, &mut browser);
    }
    assert!(browser.0.len() > 4, "{:?}", browser.0);
    let mut daw = new(ONE_PORT, &[]);
    let first = daw.save();
    let mut states = Vec::new();
    for (key, plugins) in &browser.0 {
        assert!(plugins.iter().any(|id| id.to_str() == Ok(ONE_PORT)), "{key:?}");
        daw.block(64, &[(0, In::Parameter(id::HOLD, 1.0))]);
        assert!(daw.load_preset(key), "{key:?}");
        states.push(daw.save());
    }
    assert!(states.contains(&first), "one is a new instance: whatever was set before is gone");
    assert!(!daw.load_preset(c"none"));
    assert_eq!(daw.save(), *states.last().unwrap(), "what is not there changes nothing");
}
