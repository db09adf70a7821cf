//! The function that runs in JACK's process callback neither allocates nor frees.
#![cfg(feature = "jack")]

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use chorale::{Chord, Token};
use live::{Engine, Shared};
use performer::devices::audio::Playback;
use performer::devices::midi::Cycle;
use ringbuf::traits::{Consumer, Producer};
use session::clock::{self, ClockSource};
use session::control::{Binding, Control, Trigger};
use session::{AnswerTable, Below, KeyboardSplit, Session, Settings, Time};
use sound::{Instrument, Timbre};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAMES: u32 = 128;
const RATE: f64 = 48_000.0;

/// Three parts that move at every step and with every soprano.
fn table(step: u64, after: Chord) -> AnswerTable {
    let chords = std::array::from_fn(|index| {
        let lower = |offset: usize| Token::from_index(offset + (index + step as usize) % 3).expect("a low pitch");
        Chord([Token::from_index(index).expect("in the vocabulary"), lower(25), lower(20), lower(5)])
    });
    AnswerTable { number: 0, is_present: false, step, after, bass: None, chords }
}

fn cycle(start: Time) -> Cycle {
    Cycle { entered: Instant::now(), start, frames: FRAMES }
}

#[test]
fn the_callback_neither_allocates_nor_frees_and_answers_at_the_frame_of_the_note() {
    // A beat lasts 160 cycles.
    let tempo = RATE * 60.0 / (160.0 * f64::from(FRAMES));
    let clock = clock::Settings { source: ClockSource::Strict, rate: RATE, tempo, first: 0 };
    let session = Session::new(Settings::new(clock));
    let (mut engine, mut ends) = Engine::new(session, thread::current(), Arc::new(Shared::default()));
    ends.tables.try_push(table(0, Chord::START)).unwrap();

    let (mut answered, mut moved) = (0, 0);
    for number in 0..16_000u32 {
        let key = 60 + (2 * (number / 160) % 21) as u8;
        let frame = number % FRAMES;
        let (on, off) = ([0x90, key, 80], [0x80, key, 0]);
        let events: &[(u32, &[u8])] = match number % 160 {
            0 => &[(frame, &on)],
            120 => &[(3, &[0xf8]), (frame.max(3), &off)],
            _ => &[],
        };
        let start = Time::from(number) * Time::from(FRAMES);
        let (mut before, mut at_frame, mut others) = (0, 0, 0);
        assert_no_alloc(|| {
            cycle(start).play(&mut engine, events.iter().copied(), |at, message| {
                assert!(before <= at && at < FRAMES);
                before = at;
                match message.is_note_on() {
                    true if number % 160 == 0 && at == frame => at_frame += 1,
                    true => others += 1,
                    false => {}
                }
                true
            });
        });
        answered += u32::from(at_frame == 4);
        moved += others;
        while let Some(report) = ends.requests.try_pop() {
            ends.tables.try_push(table(report.step + 1, report.chord.unwrap_or(report.previous))).unwrap();
        }
        while ends.shown.try_pop().is_some() {}
        while ends.events.try_pop().is_some() {}
    }
    assert_eq!(answered, 100, "each note was passed on and answered by three at its own frame");
    assert!(moved > 100, "parts moved in {moved} places between the notes");
}

/// Everything that a keyboard, a master and a player of knobs can send, under each clock: nothing of it allocates.
#[test]
fn no_message_control_or_clock_makes_the_callback_allocate() {
    let messages: [&[u8]; 22] = [
        &[0xfa],
        &[0x90, 72, 80],
        &[0xf8],
        &[0xb0, 64, 127],
        &[0x80, 72, 0],
        &[0x90, 76, 80],
        &[0xf8],
        &[0xe0, 0, 80],
        &[0xd0, 40],
        &[0xa0, 76, 40],
        &[0xb0, 66, 127],
        &[0x90, 40, 80],
        &[0xb0, 64, 0],
        &[0xf8],
        &[0x80, 40, 0],
        &[0xb0, 20, 100],
        &[74, 3],
        &[0xb0, 66, 0],
        &[0xf2, 4, 0],
        &[0xb0, 121, 0],
        &[0xf0, 1, 2, 3, 0xf7],
        &[0xfc],
    ];
    for (source, below) in [
        (ClockSource::Internal, Below::Bass),
        (ClockSource::Strict, Below::Bass),
        (ClockSource::Midi, Below::Through),
        (ClockSource::Follow, Below::Bass),
    ] {
        let mut settings = Settings::new(clock::Settings { source, rate: RATE, tempo: 120.0, first: 0 });
        settings.split = Some(KeyboardSplit { key: 50, channel: 4, below });
        let trigger = Trigger { is_note: false, channel: None, number: 20 };
        settings.bindings[0] = Some(Binding { trigger, control: Control::Density });
        let control = Arc::new(Shared::default());
        let (mut engine, mut ends) = Engine::new(Session::new(settings), thread::current(), control);
        let (mut player, mut queue) = Playback::new(Instrument::new(&Timbre::Organ, RATE as u32).unwrap(), 2);
        let mut sound = [0.0f32; 2 * FRAMES as usize];
        ends.tables.try_push(table(0, Chord::START)).unwrap();
        let mut sent = 0;
        for number in 0..3000usize {
            let start = Time::from(number as u32) * Time::from(FRAMES);
            let events = [(5, messages[number % 22])];
            if number % 13 == 0 {
                ends.commands.try_push((Control::ALL[number % Control::ALL.len()], (number % 128) as u8)).unwrap();
            }
            assert_no_alloc(|| {
                cycle(start).play(&mut engine, events.into_iter(), |_, message| {
                    sent += 1;
                    queue.try_push(*message).is_ok()
                });
                player.fill(&mut sound, |sample| sample);
            });
            while let Some(report) = ends.requests.try_pop() {
                let _ = ends.tables.try_push(table(report.step + 1, report.chord.unwrap_or(report.previous)));
            }
            while ends.shown.try_pop().is_some() {}
            while ends.events.try_pop().is_some() {}
        }
        assert!(sent > 1000, "{source:?}: only {sent} messages were sent");
    }
}

/// The instrument of `--soundfont`, with everything that is sent to it.
#[test]
#[ignore = "needs Debian's timgm6mb-soundfont: make live"]
fn a_sound_font_neither_allocates_nor_frees_while_it_plays() {
    let font = std::fs::read("/usr/share/sounds/sf2/TimGM6mb.sf2").expect("apt-get install timgm6mb-soundfont");
    let (mut player, mut queue) =
        Playback::new(Instrument::new(&Timbre::sound_font(&font).unwrap(), RATE as u32).unwrap(), 2);
    let mut settings =
        Settings::new(clock::Settings { source: ClockSource::Strict, rate: RATE, tempo: 120.0, first: 0 });
    settings.routes.iter_mut().for_each(|route| route.program = Some(52));
    let (mut engine, mut ends) = Engine::new(Session::new(settings), thread::current(), Arc::default());
    ends.tables.try_push(table(0, Chord::START)).unwrap();
    let mut sound = [0.0f32; 2 * FRAMES as usize];
    let mut loudest = 0.0f32;
    for number in 0..4000u32 {
        let key = 60 + (number / 40 % 21) as u8;
        let bytes = match number % 40 {
            0 => [0x90, key, 80],
            10 => [0xe0, 0, 80],
            20 => [0xb0, 1, 100],
            30 => [0x80, key, 0],
            _ => [0xb0, 7, 100],
        };
        let start = Time::from(number) * Time::from(FRAMES);
        assert_no_alloc(|| {
            cycle(start)
                .play(&mut engine, [(0, &bytes[..])].into_iter(), |_, message| queue.try_push(*message).is_ok());
            player.fill(&mut sound, |sample| sample);
        });
        loudest = sound.iter().fold(loudest, |loudest, sample| loudest.max(sample.abs()));
        while let Some(report) = ends.requests.try_pop() {
            ends.tables.try_push(table(report.step + 1, report.chord.unwrap_or(report.previous))).unwrap();
        }
        while ends.shown.try_pop().is_some() {}
        while ends.events.try_pop().is_some() {}
    }
    assert!(loudest > 0.01, "it sounds: {loudest}");
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
