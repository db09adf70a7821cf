//! What a performance does when things go wrong around it: floods, loops, full queues, mad clocks, full disks, signals.
//! docs/RELIABILITY.md states the promises.
#![cfg(all(target_os = "linux", feature = "jack"))]

mod live;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use ::live::{Engine, EngineEnds, PerformanceEvent, Shared};
use chorale::{Chord, Token};
use live::jack::recorded;
use live::{PARTS, check_harmony, read};
use performer::devices::midi::Cycle;
use proptest::prelude::*;
use ringbuf::traits::{Consumer, Observer, Producer};
use session::clock::{self, ClockSource};
use session::{AnswerTable, Session, Settings, TableRequest, Time};

const RATE: u64 = 48_000;

/// An engine in a sound system of this test, in which no time passes but the one that is told. It checks all along what
/// an instrument would have to bear.
struct Rig {
    engine: Engine,
    ends: EngineEnds,
    period: u32,
    start: Time,
    sounding: [Option<u8>; PARTS],
    begun: u64,
    last: Time,
    /// What was sent in the last cycle.
    sent: Vec<[u8; 3]>,
    /// Whether tables are worked out, and whether messages are taken.
    has_worker: bool,
    takes: bool,
}

impl Rig {
    fn new(source: ClockSource, tempo: f64, period: u32) -> Rig {
        let clock = clock::Settings { source, rate: RATE as f64, tempo, first: 0 };
        let session = Session::new(Settings::new(clock));
        let (engine, mut ends) = Engine::new(session, thread::current(), Arc::new(Shared::default()));
        ends.tables.try_push(table(0, Chord::START, 0)).unwrap();
        Rig {
            engine,
            ends,
            period,
            start: 0,
            sounding: [None; PARTS],
            begun: 0,
            last: 0,
            sent: Vec::new(),
            has_worker: true,
            takes: true,
        }
    }

    /// One period of the sound system, with messages at their frames.
    fn cycle(&mut self, events: &[(u32, Vec<u8>)]) {
        self.sent.clear();
        let Rig { engine, start, sounding, begun, last, sent, takes, .. } = self;
        let events = events.iter().map(|(frame, bytes)| (*frame, &bytes[..]));
        let cycle = Cycle { entered: Instant::now(), start: *start, frames: self.period };
        cycle.play(engine, events, |frame, message| {
            if !*takes {
                return false;
            }
            let at = *start + Time::from(frame);
            assert!(at >= *last, "time goes back at {message:?}");
            *last = at;
            if let [status, key, value] = *message.bytes() {
                let part = &mut sounding[usize::from(status & 0x0f)];
                match status & 0xf0 {
                    0x90 => {
                        assert_eq!(part.replace(key), None, "two notes at once: {message:?}");
                        *begun += 1;
                    }
                    0x80 => assert_eq!(part.take(), Some(key), "the end of a note that did not sound: {message:?}"),
                    _ => {}
                }
                sent.push([status, key, value]);
            }
            true
        });
        self.start += Time::from(self.period);
        if self.has_worker {
            while let Some(report) = self.ends.requests.try_pop() {
                let TableRequest { number, step, chord, previous, .. } = report;
                let _ = self.ends.tables.try_push(table(step + 1, chord.unwrap_or(previous), number));
            }
        }
    }

    fn empty_queues(&mut self) -> Vec<PerformanceEvent> {
        while self.ends.events.try_pop().is_some() {}
        std::iter::from_fn(|| self.ends.shown.try_pop()).collect()
    }

    /// Panic, as space on the screen: afterwards nothing sounds.
    fn end(mut self) -> u64 {
        self.ends.commands.try_push((session::control::Control::Panic, 127)).unwrap();
        self.cycle(&[]);
        assert_eq!(self.sounding, [None; PARTS], "notes sound on");
        self.begun
    }
}

/// Three parts that move at every step and with every soprano.
fn table(step: u64, after: Chord, number: u64) -> AnswerTable {
    let chords = std::array::from_fn(|index| {
        let lower = |offset: usize| Token::from_index(offset + (index + step as usize) % 3).expect("a low pitch");
        Chord([Token::from_index(index).expect("in the vocabulary"), lower(25), lower(20), lower(5)])
    });
    AnswerTable { number, is_present: false, step, after, bass: None, chords }
}

fn note(key: u8, is_on: bool) -> Vec<u8> {
    vec![if is_on { 0x9f } else { 0x8f }, key, 80]
}

#[test]
fn a_flood_of_ten_thousand_events_a_second_for_a_minute_leaves_no_note_and_holds_up_nothing() {
    let mut rig = Rig::new(ClockSource::Strict, 120.0, 128);
    let mut random = 1u64;
    let mut draw = |below: u64| {
        // Knuth's linear congruential generator (MMIX).
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut owed = 0;
    for _ in 0..60 * RATE / 128 {
        owed += 10_000 * 128;
        let mut frames: Vec<u32> = (0..owed / RATE).map(|_| draw(128) as u32).collect();
        owed %= RATE;
        frames.sort_unstable();
        let events = frames.into_iter().map(|frame| {
            let (key, value) = (draw(128) as u8, draw(128) as u8);
            (frame, vec![[0x9f, 0x8f, 0xbf, 0xef, 0xdf][draw(5) as usize], key, value])
        });
        let events: Vec<_> = events.collect();
        rig.cycle(&events);
        rig.empty_queues();
    }
    assert!(rig.end() > 10_000, "it was played all the time");
}

#[test]
fn a_loop_from_our_output_to_our_input_adds_no_note() {
    // The output comes back at once, after one period, and after 40 ms.
    for delay in [1, 2, 15] {
        let mut rig = Rig::new(ClockSource::Strict, 120.0, 128);
        let mut back: VecDeque<Vec<[u8; 3]>> = vec![Vec::new(); delay].into();
        let mut struck = 0;
        for number in 0..4000u32 {
            let mut events: Vec<(u32, Vec<u8>)> = Vec::new();
            events.extend(back.pop_front().unwrap().iter().map(|bytes| (0, bytes.to_vec())));
            let key = 60 + (number / 100 % 20) as u8;
            match number % 100 {
                0 => {
                    struck += 1;
                    events.push((64, note(key, true)));
                }
                80 => events.push((64, note(key, false))),
                _ => {}
            }
            rig.cycle(&events);
            back.push_back(rig.sent.clone());
            let heard = rig
                .empty_queues()
                .into_iter()
                .filter(|shown| matches!(shown, PerformanceEvent::AnsweredNote(_)))
                .count();
            assert!(heard <= usize::from(number % 100 == 0), "an echo after {delay} periods was taken for a key");
        }
        assert_eq!(struck, 40);
        rig.end();
    }
}

#[test]
fn where_nobody_empties_the_queues_the_music_goes_on_and_every_note_ends() {
    let mut rig = Rig::new(ClockSource::Strict, 160.0, 256);
    for number in 0..20_000u32 {
        rig.has_worker = number < 5000;
        let key = 60 + (number / 16 % 20) as u8;
        match number % 16 {
            0 => rig.cycle(&[(7, note(key, true))]),
            12 => rig.cycle(&[(7, note(key, false))]),
            _ => rig.cycle(&[]),
        }
    }
    assert!(rig.ends.events.is_full() && rig.ends.shown.is_full() && rig.ends.requests.is_full());
    assert!(rig.begun > 1250, "{} notes", rig.begun);
    assert!(rig.sounding.iter().flatten().count() >= 3, "the last chord holds though no table comes");
    rig.end();
}

#[test]
fn an_output_that_takes_nothing_for_minutes_gets_every_end_that_is_owed_and_then_what_is_played() {
    let mut rig = Rig::new(ClockSource::Strict, 160.0, 256);
    for number in 0..40_000u32 {
        rig.takes = !(8000..32_000).contains(&number);
        let key = 60 + (number / 16 % 20) as u8;
        match number % 16 {
            0 => rig.cycle(&[(7, note(key, true))]),
            12 => rig.cycle(&[(7, note(key, false))]),
            _ => rig.cycle(&[]),
        }
        rig.empty_queues();
    }
    let begun = rig.begun;
    rig.cycle(&[(0, note(72, true))]);
    assert!(rig.begun > begun, "it plays again");
    rig.end();
}

#[test]
fn a_clock_master_may_be_slow_or_fast_jump_and_stall() {
    for tempo in [20.0, 120.0, 300.0] {
        let mut rig = Rig::new(ClockSource::Midi, 120.0, 128);
        let tick = RATE as f64 * 60.0 / tempo / 24.0;
        // Sixteenths from the start until the stall, and after it.
        let ticks = 24 * 16;
        let mut events: VecDeque<(Time, Vec<u8>)> = VecDeque::new();
        let mut at = 1000.0;
        let mut play = |count: u64, at: &mut f64| {
            for number in 0..count {
                if number % 24 == 0 {
                    events.push_back((*at as Time, note(60 + (number / 24 % 20) as u8, true)));
                }
                events.push_back((*at as Time, vec![0xf8]));
                if number % 24 == 20 {
                    events.push_back((*at as Time, note(60 + (number / 24 % 20) as u8, false)));
                }
                *at += tick;
            }
        };
        play(0, &mut at);
        play(ticks, &mut at);
        at += 40.0 * tick; // stalls
        play(ticks, &mut at);
        events.push_front((900, vec![0xfa]));
        // A jump to bar 100 in the midst of it.
        let middle = events.len() / 2;
        let moment = events[middle].0;
        events.insert(middle, (moment, vec![0xf2, 1600u16 as u8 & 0x7f, (1600u16 >> 7) as u8]));
        events.insert(middle + 1, (moment, vec![0xfb]));
        let end = events.back().unwrap().0 + RATE;
        let mut furthest = 0;
        while rig.start < end {
            let until = rig.start + 128;
            let mut now = Vec::new();
            let due = events.partition_point(|(at, _)| *at < until);
            now.extend(events.drain(..due).map(|(at, bytes)| ((at - rig.start) as u32, bytes)));
            rig.cycle(&now);
            for shown in rig.empty_queues() {
                if let PerformanceEvent::Moment { position, .. } = shown {
                    furthest = furthest.max(position);
                }
            }
        }
        assert!((1600..1760).contains(&furthest), "at {tempo} beats a minute the music came to sixteenth {furthest}");
        rig.cycle(&[(0, vec![0xfc])]);
        assert_eq!(rig.sounding, [None; PARTS], "the master's stop is silence");
        assert!(rig.end() > 80);
    }
}

#[test]
fn eight_hours_of_dense_playing_drift_by_no_frame_and_leave_no_note() {
    // Sixteenths at 160 beats a minute: 4500 frames each.
    const STEP: u64 = 4500;
    let mut rig = Rig::new(ClockSource::Strict, 160.0, 4500);
    let first = STEP;
    let steps = 8 * 3600 * RATE / STEP;
    let mut last = 0;
    for step in 0..steps {
        let key = 60 + (step * 7 % 20) as u8;
        if step == 0 {
            rig.cycle(&[]);
        }
        rig.cycle(&[(0, note(key, true)), (3600, note(key, false))]);
        for shown in rig.empty_queues() {
            if let PerformanceEvent::Moment { at, position, .. } = shown
                && position != last
            {
                assert_eq!(at, first + position * STEP, "the beginning of sixteenth {position}");
                last = position;
            }
        }
    }
    assert_eq!(last, steps - 1);
    let begun = rig.end();
    assert!(begun > 2 * steps, "{begun} notes in {steps} sixteenths");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A sound system's clock that goes back, stands, or leaps by hours, as after a suspended machine.
    #[test]
    fn time_may_go_back_stand_and_leap(
        moments in prop::collection::vec((prop_oneof![
            4 => -2_000i64..10_000, 1 => Just(0i64), 1 => -10_000_000i64..1_000_000_000,
        ], 60u8..80, any::<bool>()), 1..60),
    ) {
        let mut rig = Rig::new(ClockSource::Strict, 120.0, 128);
        for (leap, key, is_on) in moments {
            rig.start = rig.start.saturating_add_signed(leap);
            // What is sent goes out in the present cycle, whatever its number.
            rig.last = rig.start;
            rig.cycle(&[(5, note(key, is_on))]);
            rig.empty_queues();
        }
        rig.last = 0;
        rig.end();
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds let no thread panic for a test")]
#[cfg_attr(debug_assertions, ignore = "needs jackd, root and 20 seconds: make live")]
fn whichever_thread_panics_every_note_ends_and_only_the_recorders_leaves_the_music_playing() {
    let folder = live::jack::perform(128, "jack_panics.sh");
    for thread in ["JACK", "worker", "recorder", "main"] {
        let talk = read(&folder, &format!("talk_{thread}"));
        let heard = recorded(folder.path(), &format!("ours_{thread}"));
        let status = read(&folder, &format!("status_{thread}"));
        println!("{thread}: {} events, status {}", heard.len(), status.trim());
        let sopranos = check_harmony(&heard).len();
        assert!(talk.contains("PERFORMER_PANICS asks for it"), "{thread} did not panic:\n{talk}");
        if thread == "recorder" {
            assert!(talk.contains("the take is no longer recorded: a bug of ours"), "{talk}");
            assert!(sopranos > 12, "the music goes on: {sopranos} notes");
            assert_eq!(status.trim(), "0", "{talk}");
            continue;
        }
        assert!((3..12).contains(&sopranos), "{thread}: {sopranos} notes before the end");
        assert_ne!(status.trim(), "0", "{talk}");
        let told = format!("the {thread} thread panicked, a bug of ours; everything was silenced");
        assert!(thread == "main" || talk.contains(&told), "{talk}");
    }
}

#[test]
#[ignore = "needs jackd, root and 40 seconds: make live"]
fn full_and_read_only_disks_signals_and_a_swapped_model_spoil_neither_music_nor_take() {
    let folder = live::jack::perform(128, "jack_faults.sh");
    let folder_path = folder.path();
    let talk = read(&folder, "talk_full");
    // The log's words, or those of the MIDI file, whichever was written first.
    let is_full = talk.contains("No space left") || talk.contains("no storage space");
    assert!(talk.contains("the take is no longer recorded") && is_full, "{talk}");
    assert_eq!(read(&folder, "status_full").trim(), "0", "SIGHUP ends it in good order:\n{talk}");
    assert!(!folder_path.join("full_left").exists() || !read(&folder, "full_left").contains(".part"), "half a file");
    let lines = |name: &str| read(&folder, name).trim().parse::<usize>().unwrap();
    assert!(lines("chords_after") > lines("chords_before") + 3, "the music did not go on:\n{talk}");

    let talk = read(&folder, "talk_read_only");
    assert_ne!(read(&folder, "status_read_only").trim(), "0");
    assert!(talk.contains("takes can't be put into") && talk.contains("--no-take"), "{talk}");

    // Killed while it sounded; the next performance silences what it left.
    let before = recorded(folder_path, "killed");
    assert!(before.len() > 8);
    let mut sounding = [None; PARTS];
    for note in &before {
        sounding[note.channel] = note.is_on.then_some(note.pitch);
    }
    assert!(sounding.iter().flatten().count() > 0, "nothing sounded when it was killed");
    let after = read(&folder, "after");
    for channel in 0..PARTS {
        let silence = format!("(channel {channel:2}): controller 123");
        assert!(after.contains(&silence), "channel {channel} is not silenced by the next performance:\n{after}");
    }
    check_harmony(&recorded(folder_path, "after"));
    let replay = read(&folder, "replay");
    assert!(replay.contains("the same as recorded"), "the killed performance's take: {replay}");
    let missing = lines("killed_ms") - lines("take_ms");
    assert!(missing < 5000, "the take's MIDI file was written last {missing} ms before the end");
    println!("the take's MIDI file was written last {missing} ms before the end");
}

#[test]
#[ignore = "needs jackd, root and a minute: make live"]
fn a_terminal_that_is_closed_or_takes_nothing_keeps_neither_a_signal_nor_the_end_of_a_note_waiting() {
    let folder = live::jack::perform(128, "jack_terminal.sh");
    for case in ["hangup", "silent_hangup", "stuck", "stuck_lines"] {
        let talk = read(&folder, &format!("talk_{case}"));
        assert_eq!(read(&folder, &format!("status_{case}")).trim(), "gone", "{case}: the process goes on:\n{talk}");
        println!("{case}: gone after {} ms", read(&folder, &format!("milliseconds_{case}")).trim());
        assert!(check_harmony(&recorded(folder.path(), &format!("ours_{case}"))).len() >= 3, "{case}:\n{talk}");
    }

    let talk = read(&folder, "talk_suspended");
    assert_eq!(read(&folder, "state").trim(), "T", "SIGTSTP stops it:\n{talk}");
    let lines = |name: &str| read(&folder, name).trim().parse::<usize>().unwrap();
    assert_eq!(lines("before"), lines("after"), "something was sent while it was stopped");
    // Its first so many lines, as it was stopped.
    let record = read(&folder, "ours_suspended");
    let before: String = record.lines().take(lines("before")).map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.path().join("ours_before"), before).unwrap();
    let [before, all] =
        ["ours_before", "ours_suspended"].map(|name| check_harmony(&recorded(folder.path(), name)).len());
    assert!(before >= 3 && all > before + 3, "{before} notes before the pause, {all} in all:\n{talk}");
    assert_eq!(read(&folder, "status_suspended").trim(), "0", "{talk}");
}
