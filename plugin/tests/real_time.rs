//! The process callback neither allocates nor frees, whatever comes in.

mod daw;

use std::process::Command;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use clack_host::events::event_types::{MidiEvent, NoteOffEvent, NoteOnEvent, ParamValueEvent, TransportFlags};
use clack_host::events::io::{OutputEventBuffer, TryPushError};
use clack_host::events::{Match, UnknownEvent};
use clack_host::prelude::*;
use daw::{ONE_PORT, in_process};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAMES: u32 = 64;

/// A host's list that counts, and takes no more at times.
#[derive(Default)]
struct Counting {
    notes: u32,
    pushed: u32,
}

impl OutputEventBuffer for Counting {
    fn try_push(&mut self, event: &UnknownEvent) -> Result<(), TryPushError> {
        self.pushed += 1;
        if self.pushed.is_multiple_of(97) {
            return Err(TryPushError::new());
        }
        self.notes += u32::from(event.as_event::<NoteOnEvent>().is_some());
        Ok(())
    }
}

#[test]
fn the_callback_neither_allocates_nor_frees_whatever_comes_in() {
    let id = std::ffi::CString::new(ONE_PORT).unwrap();
    let host = HostInfo::new("test", "test", "", "1").unwrap();
    let mut instance = PluginInstance::<()>::new(|_| (), |_| (), &in_process(), &id, &host).unwrap();
    let configuration =
        PluginAudioConfiguration { sample_rate: 48_000.0, min_frames_count: FRAMES, max_frames_count: FRAMES };
    let processor = instance.activate(|_, _| (), configuration).unwrap();
    let mut processor = processor.start_processing().unwrap();
    let (mut input, mut counting) = (EventBuffer::with_capacity(32), Counting::default());
    let mut sound = [[0.0f32; FRAMES as usize]; 2];
    let (mut no_ports, mut ports) = (AudioPorts::with_capacity(0, 0), AudioPorts::with_capacity(2, 1));
    let mut transport = daw::transport(daw::Song { is_playing: true, quarters: 0.0, tempo: 120.0 });
    for block in 0..6000u32 {
        input.clear();
        let note = |key: u32| Pckn::new(0u16, 0u16, key as u16, Match::All);
        let key = 60 + block / 48 % 21;
        match block % 48 {
            0 => input.push(&NoteOnEvent::new(block % FRAMES, note(key), 0.7)),
            7 => input.push(&MidiEvent::new(3, 0, [0xb0, 64, (block % 128) as u8])),
            11 => input.push(&MidiEvent::new(3, 0, [0xe0, 5, (block % 128) as u8])),
            13 => input.push(&NoteOnEvent::new(9, note(key - 20), 0.5)),
            17 => input.push(&NoteOffEvent::new(9, Pckn::match_all(), 0.5)),
            40 => input.push(&NoteOffEvent::new(0, note(key), 0.5)),
            _ => {}
        }
        if block % 5 == 0 {
            let id = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 20, 21, 31, 43, 52, 61, 73][block as usize / 5 % 20];
            let value = f64::from(block / 100 % 9) - 1.0;
            input.push(&ParamValueEvent::new(5, ClapId::new(id), Pckn::match_all(), value));
        }
        transport.song_pos_beats = (f64::from(block % 1000) / 750.0).into();
        transport.time_signature_numerator = if block % 2000 < 1000 { 4 } else { 3 };
        transport.flags.set(TransportFlags::IS_PLAYING, block % 700 < 600);
        let no_input = no_ports.with_input_buffers(std::iter::empty::<
            AudioPortBuffer<std::iter::Empty<InputChannel<f32>>, std::iter::Empty<InputChannel<f64>>>,
        >());
        let mut output = ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(sound.iter_mut().map(<[f32; 64]>::as_mut_slice)),
        }]);
        if block % 900 == 800 {
            assert_no_alloc(|| processor.reset());
        }
        let events = input.as_input();
        let mut sent = OutputEvents::from_buffer(&mut counting);
        let played =
            assert_no_alloc(|| processor.process(&no_input, &mut output, &events, &mut sent, None, Some(&transport)));
        played.unwrap();
    }
    assert!(counting.notes > 200, "{} notes were sent", counting.notes);
}

/// Without this the test above could pass because nobody looks.
#[test]
fn the_checker_ends_a_program_that_allocates() {
    const CHILD: &str = "ALLOCATE_WHERE_IT_IS_FORBIDDEN";
    if std::env::var_os(CHILD).is_some() {
        assert_no_alloc(|| drop(std::hint::black_box(vec![1u8; 100])));
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_checker_ends_a_program_that_allocates"])
        .env(CHILD, "1")
        .output()
        .unwrap()
        .status;
    assert!(!status.success(), "the allocation went unnoticed");
}
