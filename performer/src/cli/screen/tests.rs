//! The screen as text, in terminals of many sizes.

use std::time::Duration;

use chorale::{Part, Pitch};
use live::{PerformanceEvent, Status};
use performer::devices::midi::PortStatus;
use ratatui::layout::Rect;
use session::clock::ClockSource;
use session::control::Control;

use super::*;

fn view_with(switches: &[Control]) -> View {
    let ports = PortStatus {
        input: "keys".to_owned(),
        output: "organ".to_owned(),
        has_server: true,
        has_input: true,
        has_output: true,
        ..PortStatus::default()
    };
    let mut status = Status::new(72.0, switches);
    status.is_running = true;
    View::new("JACK", ClockSource::Internal, ports, status, 0.9).unwrap()
}

fn view() -> View {
    view_with(&[Control::Guard, Control::Freeze(Part::Bass), Control::Mute(Part::Alto)])
}

fn pitches(keys: [u8; 4]) -> [Option<Pitch>; 4] {
    keys.map(Pitch::new)
}

fn rows_of(buffer: &Buffer) -> Vec<String> {
    let rows = buffer.content().chunks(usize::from(buffer.area.width));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect()
}

fn drawn_at(view: &View, width: u16, height: u16, now: Instant) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&mut buffer, view, now);
    rows_of(&buffer).iter().map(|row| row.trim_end().to_owned() + "\n").collect()
}

fn drawn(view: &View, width: u16, height: u16) -> String {
    drawn_at(view, width, height, Instant::now())
}

/// Whether a word is written in letters of that scale.
fn has_large(screen: &str, word: &str, scale: u16) -> bool {
    let mut buffer = Buffer::empty(Rect::new(0, 0, big::width(word, scale), big::rows(scale)));
    big::write(&mut buffer, (0, 0), word, scale, Style::new());
    let wanted: Vec<Vec<char>> = rows_of(&buffer).iter().map(|row| row.chars().collect()).collect();
    let rows: Vec<Vec<char>> = screen.lines().map(|row| row.chars().collect()).collect();
    let is_at = |top: usize, left: usize| {
        let cell = |row: usize, column: usize| rows.get(top + row).and_then(|row| row.get(left + column)).copied();
        let ink = |row: usize| (0..wanted[row].len()).all(|x| cell(row, x).unwrap_or(' ') == wanted[row][x]);
        (0..wanted.len()).all(ink)
    };
    (0..rows.len()).any(|top| (0..rows[top].len()).any(|left| is_at(top, left)))
}

fn play(view: &mut View, chords: &[[u8; 4]]) {
    for (beat, keys) in (4..).zip(chords) {
        for step in 0..4 {
            view.show(&PerformanceEvent::Moment { at: 0, position: 4 * beat + step, parts: pitches(*keys) });
        }
    }
}

const CADENCE: [[u8; 4]; 4] = [[67, 62, 59, 43], [67, 64, 60, 48], [67, 65, 59, 50], [67, 64, 60, 48]];

fn played() -> View {
    let mut view = view();
    play(&mut view, &CADENCE);
    view
}

#[test]
fn the_place_is_told_in_the_metre() {
    let mut view = view();
    let places = ["4/4", "3/4", "6/8", "free"].map(|metre| {
        view.status.metre = metre.parse().unwrap();
        view.show(&PerformanceEvent::Moment { at: 0, position: 21, parts: [None; 4] });
        view.place()
    });
    assert_eq!(places, ["bar 2  beat 2.2", "bar 2  beat 3.2", "bar 3  beat 2.2", "beat 6.2"]);
}

#[test]
fn the_screen_tells_ports_place_notes_key_and_switches() {
    let mut view = played();
    (view.summary.notes, view.take) = (41, Some("take.mid".to_owned()));
    for (width, height) in [(80, 24), (100, 40), (200, 60)] {
        let screen = drawn(&view, width, height);
        for words in [
            "JACK  keys -> organ",
            "bar 2  beat 4.4",
            "72.0 BPM, own clock  41 notes  take.mid",
            " in C major ",
            "Soprano  G4",
            "Alto     E4   muted",
            "Bass     C3   frozen",
            "temperature: 0.90",
            "Ssssssss",
            "  G4 ",
            "space/Esc panic",
            "q quit",
        ] {
            assert!(screen.contains(words), "no '{words}' in\n{screen}");
        }
    }
}

#[test]
fn chord_numeral_beat_and_states_are_as_large_as_the_terminal_allows() {
    for ((width, height), scale) in [((80, 24), 1), ((140, 36), 2), ((220, 60), 3)] {
        let screen = drawn(&played(), width, height);
        for word in ["C", "I", "4", "FROZEN B"] {
            assert!(has_large(&screen, word, scale), "no large '{word}' in {width}x{height}:\n{screen}");
        }
        assert!(has_large(&screen, "MUTED A", scale) || screen.contains(" MUTED A"), "{screen}");
        assert!(!has_large(&drawn(&view_with(&[Control::Guard]), width, height), "FROZEN B", scale));
    }
    let mut long = view_with(&[]);
    play(&mut long, &[[76, 72, 69, 54]]);
    let screen = drawn(&long, 80, 24);
    assert!(has_large(&screen, "F#m7b5", 1) && has_large(&screen, "1", 1), "{screen}");
}

#[test]
fn every_state_is_told_even_where_not_all_are_large() {
    let mut view = view_with(&[
        Control::Hold,
        Control::Cadence,
        Control::Freeze(Part::Tenor),
        Control::Freeze(Part::Bass),
        Control::Mute(Part::Soprano),
    ]);
    view.ports.has_input = false;
    play(&mut view, &CADENCE);
    for (width, height) in [(80, 24), (140, 36), (300, 80), (70, 16)] {
        let screen = drawn(&view, width, height);
        for word in ["KEYBOARD GONE", "HELD", "CADENCE", "FROZEN TB", "MUTED S"] {
            let is_large = (1..4).any(|scale| has_large(&screen, word, scale));
            assert!(is_large || screen.contains(&format!(" {word}")), "no '{word}' in {width}x{height}:\n{screen}");
        }
    }
}

#[test]
fn a_small_terminal_keeps_the_alarms_the_chord_and_the_parts() {
    let mut view = played();
    view.ports.has_output = false;
    view.summary.overruns = 12;
    let now = Instant::now();
    view.say(now, "the take is no longer recorded".to_owned());
    let screen = drawn_at(&view, 40, 12, now);
    for words in ["OUTPUT GONE", "bar 2  beat 4.4", "12 overruns", "S G4", "A (E4)", "the take is no longer recorded"] {
        assert!(screen.contains(words), "no '{words}' in\n{screen}");
    }
    assert!(has_large(&screen, "C", 1) && has_large(&screen, "I", 1), "{screen}");
    for alarm in ["NO SERVER", "OUTPUT GONE"] {
        view.ports.has_server = alarm != "NO SERVER";
        let screen = drawn(&view, 24, 6);
        assert!(screen.contains(alarm), "{screen}");
    }
}

#[test]
fn a_count_in_is_told_with_its_beats_in_large_letters() {
    let mut view = view();
    view.status.counted_beat = Some(3);
    let screen = drawn(&view, 80, 24);
    assert!(has_large(&screen, "3", 1) && has_large(&screen, "COUNT IN", 1) && screen.contains("count-in"), "{screen}");
}

#[test]
fn a_key_that_was_told_names_the_chords_and_a_song_without_one_is_in_none() {
    let mut view = played();
    let mut status = view.status;
    status.key = "Gb".parse().ok();
    view.stand(status);
    assert!(drawn(&view, 80, 24).contains(" in Gb major, as told "));
    assert_eq!(view.names(pitches([66, 61, 58, 54])), ["Gb4", "Db4", "Bb3", "Gb3"]);
    (status.song, status.key) = (Some(0), None);
    view.stand(status);
    assert_eq!(view.key(), None, "what was heard of the song before is forgotten too");
    assert!(!drawn(&view, 80, 24).contains(" in "));
}

#[test]
fn messages_are_shown_for_a_while_and_the_newest_are() {
    let (mut view, now) = (played(), Instant::now());
    let seconds = |seconds| now + Duration::from_secs(seconds);
    (0..4).for_each(|number| view.say(seconds(number), format!("message {number}")));
    let told = |at: u64| -> Vec<char> {
        let screen = drawn_at(&view, 80, 24, seconds(at));
        screen.match_indices("message ").filter_map(|(at, word)| screen[at + word.len()..].chars().next()).collect()
    };
    assert_eq!(told(3), ['1', '2', '3']);
    assert_eq!(told(10), ['3']);
    assert_eq!(told(12), [' '; 0]);
}

#[test]
fn latencies_are_shown_on_demand() {
    let mut view = played();
    (1..100).for_each(|microseconds| view.latencies.record(1000 * microseconds).unwrap());
    let figures = "p50 50 p99 99 max 99 us  8us[▃▂▂▃▄▅█▃        ]2ms";
    assert!(!drawn(&view, 80, 24).contains("us"));
    view.shows_figures = true;
    assert!(drawn(&view, 80, 24).contains(figures));
}

#[test]
fn names_on_the_screen_are_those_of_the_key() {
    let mut view = view();
    play(&mut view, &[[74, 70, 65, 58], [75, 70, 67, 51], [74, 70, 65, 46]]);
    let screen = drawn(&view, 100, 60);
    assert_eq!(view.names(pitches([75, 70, 67, 51])), ["Eb5", "Bb4", "G4", "Eb3"]);
    for words in ["in Bb major", "Alto     Bb4", " Eb5 ", " Bb4 "] {
        assert!(screen.contains(words), "no '{words}' in\n{screen}");
    }
    assert!(drawn(&view, 80, 26).contains("  D5 "), "a row of several is named by what needs no accidental");
}

#[test]
fn a_chord_from_elsewhere_does_not_change_the_key_and_with_it_all_names() {
    let mut view = view();
    // F, Bb, C7, F, then the dominants of the sixth and second degrees: D and A7 have their own sharps.
    let f = [[69, 65, 60, 53], [70, 65, 62, 46], [70, 64, 60, 48], [69, 65, 60, 53]];
    play(&mut view, &f);
    let (name, _) = view.name(pitches([70, 65, 62, 46])).unwrap();
    assert_eq!((view.key().unwrap().to_string(), name.as_str()), ("F major".to_owned(), "Bb"));
    play(&mut view, &[[69, 66, 62, 50], [69, 67, 61, 45]]);
    assert_eq!(view.key().unwrap().to_string(), "F major");
    assert_eq!(view.name(pitches([69, 66, 62, 50])).unwrap().0, "D");
    assert_eq!(view.name(pitches([70, 65, 62, 46])).unwrap().0, "Bb");
    // In another key for good.
    for _ in 0..6 {
        play(&mut view, &[[69, 66, 62, 50], [71, 67, 62, 55], [73, 69, 64, 57], [74, 69, 66, 50]]);
    }
    assert_eq!(view.key().unwrap().to_string(), "D major");
}

#[test]
fn while_notes_pass_the_last_chord_stays_and_silence_ends_it() {
    let mut view = view();
    play(&mut view, &[[67, 64, 60, 48], [67, 64, 60, 50]]);
    assert_eq!(view.chord().map(|(chord, _)| chord.as_str()), Some("C"));
    view.show(&PerformanceEvent::Moment { at: 0, position: 90, parts: [None; 4] });
    assert_eq!(view.chord(), None);
}

#[test]
fn every_terminal_size_is_drawn_without_a_panic() {
    let usual = played();
    let mut view = played();
    view.say(Instant::now(), "the take is no longer recorded".to_owned());
    view.shows_figures = true;
    view.ports.has_input = false;
    for width in [1, 2, 5, 20, 29, 30, 40, 69, 70, 80, 139, 140, 300] {
        for height in [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 24, 33, 34, 52, 100] {
            for view in [&usual, &view, &view_with(&[])] {
                drawn(view, width, height);
            }
        }
    }
    assert!(drawn(&view, 100, 30).contains("gone, waiting"));
    let mut silent = super::tests::view();
    assert!(drawn(&silent, 100, 30).contains("the beat goes on"));
    silent.status.is_running = false;
    assert!(drawn(&silent, 100, 30).contains("the first key starts"));
}
