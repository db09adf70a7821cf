//! What a DAW makes of a take: read by midly, which knows nothing of how it was written, every note is where it was
//! played, in the bars that were played.

mod human;
mod plain;

use std::fs;

use chorale::{Chord, Part};
use human::{Hands, Heard, RATE, perform, tune};
use live::take::{Recorder, TakeEvent};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use session::Settings;
use session::clock::{self, ClockSource, Metre, Time};

const TEMPO: f64 = 84.0;

/// A MIDI file as a DAW lays it out.
struct Opened {
    ticks_per_quarter: f64,
    /// Tick and microseconds a quarter.
    tempi: Vec<(u64, f64)>,
    /// Tick and sixteenths in a bar.
    metres: Vec<(u64, u64)>,
    /// Of each track with notes, their ticks and keys.
    parts: Vec<Vec<(u64, u8)>>,
}

impl Opened {
    fn new(bytes: &[u8]) -> Opened {
        let file = Smf::parse(bytes).unwrap();
        let Timing::Metrical(quarter) = file.header.timing else { panic!("a grid of quarters") };
        let ticks_per_quarter = f64::from(quarter.as_int());
        let mut opened = Opened { ticks_per_quarter, tempi: vec![], metres: vec![], parts: vec![] };
        for track in &file.tracks {
            let (mut now, mut notes) = (0, Vec::new());
            for event in track {
                now += u64::from(event.delta.as_int());
                match event.kind {
                    TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => {
                        opened.tempi.push((now, f64::from(tempo.as_int())));
                    }
                    TrackEventKind::Meta(MetaMessage::TimeSignature(numerator, log2, ..)) => {
                        opened.metres.push((now, (16 * u64::from(numerator)) >> log2));
                    }
                    TrackEventKind::Midi { message: MidiMessage::NoteOn { key, vel }, .. } if vel > 0 => {
                        notes.push((now, key.as_int()));
                    }
                    _ => {}
                }
            }
            opened.parts.extend(Some(notes).filter(|notes| !notes.is_empty()));
        }
        opened
    }

    fn seconds(&self, tick: u64) -> f64 {
        let ends = self.tempi.iter().skip(1).map(|(at, _)| *at).chain([u64::MAX]);
        let spans = self.tempi.iter().zip(ends);
        spans.map(|(&(from, tempo), to)| tick.min(to).saturating_sub(from) as f64 * tempo).sum::<f64>()
            / self.ticks_per_quarter
            / 1e6
    }

    /// Sixteenths from the last bar line, and to the next.
    fn in_bar(&self, tick: u64) -> [f64; 2] {
        let &(from, bar) =
            self.metres.iter().rev().find(|(from, _)| *from <= tick).expect("a metre from the beginning");
        let sixteenth = self.ticks_per_quarter / 4.0;
        let since = ((tick - from) as f64 / sixteenth) % bar as f64;
        [since, bar as f64 - since]
    }

    fn beats(&self) -> f64 {
        let last = self.parts.iter().flatten().map(|(tick, _)| *tick).max().unwrap_or(0);
        last as f64 / self.ticks_per_quarter
    }

    /// In beats a minute.
    fn tempi(&self) -> Vec<f64> {
        self.tempi.iter().map(|(_, tempo)| 60e6 / tempo).collect()
    }
}

/// Writes the take and opens it.
fn open(settings: &Settings, heard: &Heard) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
    heard.steps.iter().for_each(|&step| recorder.event(settings, &TakeEvent::Step(step)).unwrap());
    heard.sent.iter().for_each(|&message| recorder.event(settings, &TakeEvent::Sent(message)).unwrap());
    recorder.flush(true).unwrap();
    Opened::new(&fs::read(recorder.paths().1).unwrap())
}

/// All notes are there, each as long after the first as it was played, and no tempo is one that nobody plays.
fn check_moments(name: &str, heard: &Heard, opened: &Opened) {
    let origin = heard.sent.iter().find(|message| message.is_note_on()).expect("something was played").at;
    let first = opened.parts.iter().flatten().map(|(tick, _)| *tick).min().unwrap();
    for (part, notes) in Part::ALL.into_iter().zip(&opened.parts) {
        let sent: Vec<f64> = heard
            .sent
            .iter()
            .filter(|message| message.part == part && message.is_note_on())
            .map(|message| (message.at - origin) as f64 / RATE)
            .collect();
        assert_eq!(notes.len(), sent.len(), "{name}: {part:?}");
        for (&(tick, _), sent) in notes.iter().zip(sent) {
            let read = opened.seconds(tick) - opened.seconds(first);
            // A note is never shorter than a tick, and half a tick is the error of each.
            assert!((read - sent).abs() < 0.004, "{name}: {part:?} at {sent} s is read at {read} s");
        }
    }
    let tempi = opened.tempi();
    assert!(tempi.iter().all(|tempo| (TEMPO / 2.6..TEMPO * 2.6).contains(tempo)), "{name}: {tempi:?}");
}

fn settings(source: ClockSource, tempo: f64, first: u64) -> Settings {
    Settings::new(clock::Settings { source, rate: RATE, tempo, first })
}

fn play(settings: Settings, events: &[(Time, Vec<u8>)]) -> Heard {
    perform(settings, &plain::table(0, Chord::START), events, plain::answer)
}

const TUNES: [&str; 6] = ["austria", "ode_to_joy", "nun_danket", "all_through", "god_rest", "ein_feste_burg"];

#[test]
fn with_a_strict_clock_a_take_is_one_tempo_in_the_bars_of_the_tune() {
    for (name, seed) in TUNES.into_iter().zip(0..) {
        let tune = tune(name);
        let keys = Hands { tempo: TEMPO, deviation: 25.0, seed, ..Hands::default() }.play(&tune);
        let settings = settings(ClockSource::Strict, TEMPO, tune.first());
        let heard = play(settings, &human::messages(&keys));
        let opened = open(&settings, &heard);
        check_moments(name, &heard, &opened);
        assert_eq!((opened.tempi.len(), &opened.metres[..]), (1, &[(0, 16)][..]), "{name}");
        for (&(tick, _), (_, _, note)) in opened.parts[0].iter().zip(&keys) {
            let off = (opened.in_bar(tick)[0] - note.start as f64 + 24.0).rem_euclid(16.0) - 8.0;
            assert!(off.abs() < 1.0, "{name}: the note at {} stands {off} sixteenths beside it", note.start);
        }
    }
}

#[test]
fn a_take_in_three_four_or_six_eight_has_its_bars_and_one_without_bars_says_none() {
    for (name, metre, bar) in [
        ("amazing_grace", "3/4", 12),
        ("america", "3/4", 12),
        ("greensleeves", "6/8", 12),
        ("drink_to_me", "6/8", 12),
        ("bunessan", "9/8", 18),
        ("ode_to_joy", "free", 0),
    ] {
        for source in [ClockSource::Internal, ClockSource::Strict] {
            let tune = tune(name);
            let keys = Hands { tempo: TEMPO, deviation: 15.0, seed: 2, ..Hands::default() }.play(&tune);
            let metre: Metre = metre.parse().unwrap();
            // The hands count quarters.
            let beats = TEMPO * 4.0 / metre.beat() as f64;
            let first = if bar == 0 { 0 } else { tune.first() };
            let settings = Settings { metre, ..settings(source, beats, first) };
            let heard = play(settings, &human::messages(&keys));
            let opened = open(&settings, &heard);
            let name = format!("{name}, {source:?}");
            check_moments(&name, &heard, &opened);
            assert_eq!(opened.metres, if bar == 0 { vec![] } else { vec![(0, bar)] }, "{name}");
            assert!(opened.tempi.len() <= 4, "{name}: {:?}", opened.tempi());
            let mut beside = 0;
            for (&(tick, _), (.., note)) in opened.parts[0].iter().zip(&keys).filter(|_| bar > 0) {
                let half = bar as f64 / 2.0;
                let off = (opened.in_bar(tick)[0] - note.start as f64 + half).rem_euclid(bar as f64) - half;
                beside += usize::from(off.abs() > 0.6);
            }
            assert!(beside * 50 <= keys.len(), "{name}: {beside} of {} notes stand beside their sixteenth", keys.len());
        }
    }
}

#[test]
fn a_clock_that_leans_towards_a_steady_player_writes_a_few_tempi() {
    for (name, seed) in TUNES.into_iter().zip(0..) {
        let tune = tune(name);
        let keys = Hands { tempo: TEMPO, deviation: 25.0, seed, ..Hands::default() }.play(&tune);
        let settings = settings(ClockSource::Internal, TEMPO, tune.first());
        let heard = play(settings, &human::messages(&keys));
        let opened = open(&settings, &heard);
        check_moments(name, &heard, &opened);
        println!("{name} {:?}", opened.tempi());
        assert!(opened.tempi.len() <= 4, "{name}: {:?}", opened.tempi());
        assert_eq!(opened.metres, [(0, 16)], "{name}");
    }
}

#[test]
fn followed_playing_has_as_many_beats_as_were_played_whatever_tempo_was_named() {
    for (index, name) in TUNES.into_iter().enumerate() {
        for (rubato, named) in [(0.0, TEMPO), (0.15, TEMPO), (0.05, 0.8 * TEMPO)] {
            let tune = tune(name);
            let hands = Hands { tempo: TEMPO, deviation: 20.0, rubato, seed: index as u64, ..Hands::default() };
            let mut keys = hands.play(&tune);
            // The player holds a note in the middle for some seconds.
            let middle = keys.len() / 2;
            let pause = if index % 2 == 0 { 7.3 } else { 0.0 };
            keys[middle..].iter_mut().for_each(|(on, off, _)| (*on, *off) = (*on + pause, *off + pause));
            let settings = settings(ClockSource::Follow, named, tune.first());
            let heard = play(settings, &human::messages(&keys));
            let opened = open(&settings, &heard);
            let name = format!("{name}, rubato {rubato}, named {named}");
            check_moments(&name, &heard, &opened);
            let played = (keys[keys.len() - 1].0 - keys[0].0) * TEMPO / 60.0;
            let beats = opened.beats();
            assert!((0.8..1.35).contains(&(beats / played)), "{name}: {played} beats became {beats}");
        }
    }
}

/// A MIDI clock's master: its messages, and the sixteenth from beat 0 at a moment while it runs.
struct Master {
    messages: Vec<(Time, Vec<u8>)>,
    /// Moment and tick.
    ticks: Vec<(f64, u64)>,
}

#[derive(Clone, Copy)]
enum Act {
    Start,
    Stop,
    Continue,
    Song(u16),
}

impl Master {
    fn new(acts: &[(f64, Act)], end: f64) -> Master {
        let mut master = Master { messages: Vec::new(), ticks: Vec::new() };
        let mut acts = acts.iter().peekable();
        let (mut next, mut is_running, mut now) = (0, false, 0.05);
        while now < end {
            while let Some((at, act)) = acts.next_if(|(at, _)| *at <= now) {
                let bytes = match *act {
                    Act::Start => vec![0xfa],
                    Act::Stop => vec![0xfc],
                    Act::Continue => vec![0xfb],
                    Act::Song(to) => vec![0xf2, (to & 127) as u8, (to >> 7) as u8],
                };
                master.messages.push((human::time(at.max(now - 0.02)), bytes));
                match *act {
                    Act::Start => (next, is_running) = (0, true),
                    Act::Stop => is_running = false,
                    Act::Continue => is_running = true,
                    Act::Song(to) => next = 6 * u64::from(to),
                }
            }
            master.messages.push((human::time(now), vec![0xf8]));
            if is_running {
                master.ticks.push((now, next));
                next += 1;
            }
            now += 2.5 / TEMPO;
        }
        master
    }

    fn sixteenth(&self, moment: f64) -> Option<f64> {
        let &(at, tick) = self.ticks.iter().rev().find(|(at, _)| *at <= moment)?;
        (moment - at < 2.0 * 2.5 / TEMPO).then(|| (tick as f64 + (moment - at) * TEMPO / 2.5) / 6.0)
    }
}

#[test]
fn under_a_midi_clock_that_starts_late_stops_and_jumps_the_bars_are_the_masters() {
    let performances: [(&str, &[(f64, Act)]); 6] = [
        ("from the start", &[(0.1, Act::Start)]),
        ("started in mid-phrase", &[(5.2, Act::Start)]),
        ("stopped for a while", &[(0.1, Act::Start), (9.3, Act::Stop), (15.0, Act::Continue)]),
        ("relocated while it runs", &[(0.1, Act::Start), (8.4, Act::Song(64)), (17.0, Act::Song(21))]),
        (
            "stopped and gone on elsewhere",
            &[(0.1, Act::Start), (9.0, Act::Stop), (9.5, Act::Song(133)), (9.6, Act::Continue), (20.0, Act::Stop)],
        ),
        ("started again in mid-phrase", &[(0.1, Act::Start), (7.7, Act::Stop), (7.8, Act::Start)]),
    ];
    for (index, (name, acts)) in performances.into_iter().enumerate() {
        for tune_name in [TUNES[index], TUNES[(index + 1) % 6]] {
            let tune = tune(tune_name);
            let keys = Hands { tempo: TEMPO, deviation: 15.0, seed: index as u64, ..Hands::default() }.play(&tune);
            let master = Master::new(acts, keys[keys.len() - 1].1 + 1.0);
            let mut events = human::messages(&keys);
            events.extend(master.messages.iter().cloned());
            events.sort_by_key(|(at, _)| *at);
            let settings = settings(ClockSource::Midi, 1.2 * TEMPO, 0);
            let heard = play(settings, &events);
            let opened = open(&settings, &heard);
            check_moments(name, &heard, &opened);
            let mut placed = 0;
            for (&(tick, _), (on, ..)) in opened.parts[0].iter().zip(&keys) {
                let Some(truth) = master.sixteenth(*on) else { continue };
                placed += 1;
                // A bar that a jump cuts short is counted from its beginning before the jump and from its end after it.
                let [since, until] = opened.in_bar(tick);
                let beside = [since - truth, 16.0 - until - truth].map(|off| (off + 8.0).rem_euclid(16.0) - 8.0);
                let is_there = beside.iter().any(|off| off.abs() < 0.25);
                assert!(is_there, "{name}, {tune_name}: at {on} s in {truth}, written {beside:?} beside it");
            }
            assert!(placed * 4 > keys.len(), "{name}: the master ran");
            let played = keys[keys.len() - 1].0 * TEMPO / 60.0;
            assert!((0.8..1.35).contains(&(opened.beats() / played)), "{name}: {played} became {}", opened.beats());
        }
    }
}
