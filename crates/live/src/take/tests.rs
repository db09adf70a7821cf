use std::fs;
use std::sync::Arc;

use chorale::Part;
use files::smf;
use harmonizer::{Harmonizer, Sampling};
use network::Model;
use proptest::prelude::*;
use session::clock::{self, ClockSource, Time};
use session::control::Control;
use session::{Below, ClickSettings, KeyboardSplit, Session, Settings, Song};

use super::log::sent_line;
use super::*;
use crate::worker::Worker;

fn settings() -> Settings {
    Settings::new(clock::Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 60.0, first: 0 })
}

fn harmonizer() -> Harmonizer {
    Harmonizer::new(Arc::new(Model::wavenet().unwrap()), sampling())
}

fn sampling() -> Sampling {
    Sampling { seed: 3, ..Sampling::default() }
}

fn midi(bytes: [u8; 3]) -> SessionInput {
    SessionInput::midi(&bytes).unwrap()
}

/// Plays inputs, in order of their moments, to a session that a driver calls once a period and whose worker takes so long
/// for the table of each number, and takes everything down. What was sent.
fn play(
    recorder: &mut Recorder,
    settings: Settings,
    inputs: &[(Time, SessionInput)],
    period: Time,
    delay: impl Fn(u64) -> Time,
) -> (Session, String) {
    let mut session = Session::new(settings);
    let (mut worker, first) = Worker::new(harmonizer(), None, &settings).unwrap();
    let (mut sent, mut tables, mut last_arrival) = (String::new(), vec![(0, first)], 0);
    let end = inputs.last().map_or(0, |(at, _)| *at);
    for now in (0..=end).step_by(period as usize) {
        for (_, table) in tables.extract_if(.., |(at, _)| *at <= now) {
            let number = table.number;
            let input = if table.is_present { SessionInput::PresentTable(number) } else { SessionInput::Table(number) };
            recorder.event(&settings, &TakeEvent::Input(now, input)).unwrap();
            session.table(now, &table);
        }
        for &(at, input) in inputs.iter().filter(|(at, _)| (now..now + period).contains(at)) {
            recorder.event(&settings, &TakeEvent::Input(at, input)).unwrap();
            match input {
                SessionInput::Midi { bytes, length } => drop(session.midi(at, &bytes[..usize::from(length)])),
                SessionInput::Control(control, value) => session.control(at, control, value),
                SessionInput::Stop => session.stop(at),
                _ => unreachable!("nobody plays that here"),
            }
        }
        session.advance(now + period - 1);
        while let Some(message) = session.next_message() {
            recorder.event(&settings, &TakeEvent::Sent(message)).unwrap();
            sent += &sent_line(&message);
            session.sent();
        }
        while let Some(step) = session.next_step_begun() {
            recorder.event(&settings, &TakeEvent::Step(step)).unwrap();
        }
        let mut is_new = false;
        while let Some(request) = session.next_request() {
            worker.follow(&request).unwrap();
            is_new = true;
        }
        let new = if is_new { [worker.present_table().unwrap(), worker.table().unwrap()] } else { [None, None] };
        for table in new.into_iter().flatten() {
            // One worker gives one table after the other.
            last_arrival = last_arrival.max(now + delay(table.number));
            tables.push((last_arrival, table));
        }
    }
    (session, sent)
}

/// A performance in which every third table comes late, and what it sent.
fn perform(recorder: &mut Recorder) -> String {
    let mut inputs = Vec::new();
    for (start, key) in (0..).step_by(600).zip([67, 69, 71, 72, 71, 69, 67, 66, 67, 67]) {
        inputs.extend([(start + 10, midi([0x90, key, 80])), (start + 520, midi([0x80, key, 0]))]);
    }
    let freeze = |value| SessionInput::Control(Control::Freeze(Part::Bass), value);
    inputs.extend([(2000, freeze(127)), (2900, freeze(0)), (5999, SessionInput::Stop)]);
    inputs.sort_by_key(|(at, _)| *at);
    let (session, sent) = play(recorder, settings(), &inputs, 1, |number| if number % 3 == 0 { 400 } else { 2 });
    assert!(session.counts().missed > 0, "some tables came late");
    sent
}

#[test]
fn the_log_of_a_version_with_fewer_places_for_bindings_and_no_songs_is_read_and_played() {
    let take = read(include_str!("old_take.log")).unwrap();
    let session = take.header.session;
    assert!(session.bindings[0].is_some() && session.bindings[1..].iter().all(Option::is_none));
    assert_eq!((session.songs[0], session.click, session.chord_window), (None, Default::default(), 0.03));
    let replayed = replay(&take, harmonizer(), None).unwrap();
    assert_eq!(replayed.score.parts.iter().filter(|part| !part.is_empty()).count(), 4);
}

#[test]
fn a_take_with_click_count_in_taps_and_keys_is_played_again_to_the_same_bytes_without_a_click_in_its_score() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
    let mut settings = settings();
    settings.click = ClickSettings { is_on: true, count_in: 1, ..ClickSettings::default() };
    settings.songs[3] = Some(Song { metre: "3/4".parse().ok(), key: "Gb".parse().ok(), ..Song::default() });
    let control = |control, value| SessionInput::Control(control, value);
    let mut inputs = vec![(10, control(Control::CountIn, 127))];
    inputs.extend([1000, 1700, 2400].map(|at| (at, control(Control::Tap, 127))));
    inputs.extend([(3000, control(Control::Key, 40)), (9000, control(Control::Song, 3))]);
    for (start, key) in (3000..9000).step_by(700).zip([67, 69, 71, 72, 71, 69, 67, 66, 67]) {
        inputs.extend([(start + 10, midi([0x90, key, 80])), (start + 520, midi([0x80, key, 0]))]);
    }
    inputs.extend([(13_000, midi([0x90, 66, 80])), (15_000, SessionInput::Stop)]);
    inputs.sort_by_key(|(at, _)| *at);
    let (_, sent) = play(&mut recorder, settings, &inputs, 1, |_| 2);
    recorder.flush(true).unwrap();
    assert!(sent.lines().filter(|line| line.contains(" 99 4c ")).count() > 15, "{sent}");
    let (log, score) = recorder.paths();
    let take = read(&fs::read_to_string(log).unwrap()).unwrap();
    assert_eq!(take.header.session, settings);
    let replayed = replay(&take, harmonizer(), None).unwrap();
    assert_eq!(replayed.sent, sent);
    assert_eq!(smf::write(&replayed.score), fs::read(score).unwrap());
    let lowest = replayed.score.parts[3].iter().all(|note| note.pitch.midi() < 70);
    assert!(lowest, "the click is no bass: {:?}", replayed.score.parts[3]);
}

#[test]
fn what_is_played_in_the_counted_bars_has_its_time_in_bars_before_the_first() {
    for source in [ClockSource::Strict, ClockSource::Internal] {
        for starts in [&[1010, 2010, 3010, 3950, 5010, 6010][..], &[3010, 4010, 5010], &[3950, 5010, 6010]] {
            let folder = tempfile::tempdir().unwrap();
            let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
            let mut settings = settings();
            settings.clock.source = source;
            let mut inputs = vec![(10, SessionInput::Control(Control::CountIn, 127))];
            for (&start, key) in starts.iter().zip([67, 69, 71, 72, 71, 69]) {
                inputs.extend([(start, midi([0x90, key, 80])), (start + 500, midi([0x80, key, 0]))]);
            }
            inputs.push((9000, SessionInput::Stop));
            play(&mut recorder, settings, &inputs, 1, |_| 2);
            recorder.flush(true).unwrap();
            let (log, score) = recorder.paths();
            let take = read(&fs::read_to_string(log).unwrap()).unwrap();
            let replayed = replay(&take, harmonizer(), None).unwrap().score;
            assert_eq!(smf::write(&replayed), fs::read(score).unwrap());
            let notes: Vec<_> = replayed.parts[0].iter().map(|note| (note.start, note.end - note.start)).collect();
            let tick = |time: Time| ((time - 10) as f64 * 0.48).round() as u32;
            let expected: Vec<_> = starts.iter().map(|&start| (tick(start), 240)).collect();
            let is_near =
                |(is, should): (&(u32, u32), &(u32, u32))| is.0.abs_diff(should.0) <= 1 && is.1.abs_diff(240) <= 1;
            assert!(notes.iter().zip(&expected).all(is_near), "{source:?}: {notes:?} should be {expected:?}");
            let metres = replayed.directions.iter().filter(|(_, it)| matches!(it, files::Direction::Metre(_)));
            assert_eq!(metres.count(), 1, "{:?}", replayed.directions);
        }
    }
}

#[test]
fn each_song_has_a_marker_and_its_key_where_its_first_note_is() {
    use files::Direction;
    let directions = |settings: Settings, songs: &[(Time, u8)], keys: &[Time]| {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
        let mut inputs: Vec<_> =
            songs.iter().map(|&(at, song)| (at, SessionInput::Control(Control::Song, song))).collect();
        for &at in keys {
            inputs.extend([(at, midi([0x90, 67, 80])), (at + 900, midi([0x80, 67, 0]))]);
        }
        inputs.push((keys.last().unwrap() + 2000, SessionInput::Stop));
        inputs.sort_by_key(|(at, _)| *at);
        play(&mut recorder, settings, &inputs, 1, |_| 2);
        recorder.flush(true).unwrap();
        let take = read(&fs::read_to_string(recorder.paths().0).unwrap()).unwrap();
        let score = replay(&take, harmonizer(), None).unwrap().score;
        let seconds = |tick: u32| f64::from(tick) / 480.0;
        let told = |(tick, direction): &(u32, Direction)| match direction {
            Direction::Key { sharps, minor } => Some((seconds(*tick), format!("{sharps} {minor}"))),
            Direction::Marker(name) => Some((seconds(*tick), String::from_utf8_lossy(name).into_owned())),
            _ => None,
        };
        score.directions.iter().filter_map(told).collect::<Vec<_>>()
    };
    let list =
        |found: Vec<(f64, String)>| found.into_iter().map(|(at, what)| format!("{at} {what}")).collect::<Vec<_>>();
    let mut settings = settings();
    let keys = [10, 1010, 2010];
    assert!(directions(settings, &[], &keys).is_empty());
    settings.key = "f".parse().ok();
    assert_eq!(list(directions(settings, &[], &keys)), ["0 -4 true"]);
    settings.key = None;
    settings.songs[0] = Some(Song { key: "D".parse().ok(), ..Song::default() });
    settings.songs[1] = Some(Song { key: "g".parse().ok(), ..Song::default() });
    let found = directions(settings, &[(5, 0), (3000, 1)], &[10, 1010, 5010, 6010]);
    assert_eq!(list(found.clone())[..2], ["0 Song 1", "0 2 false"]);
    assert_eq!(
        list(found.clone())[2..].iter().map(|it| it.split_once(' ').unwrap().1).collect::<Vec<_>>(),
        ["Song 2", "-2 true"]
    );
    assert_eq!(found[2].0, found[3].0);
    assert!((3.0..=6.0).contains(&found[2].0), "{found:?}");
}

#[test]
fn a_log_tells_that_events_are_missing_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
    perform(&mut recorder);
    recorder.lost(3);
    recorder.flush(true).unwrap();
    let text = fs::read_to_string(recorder.paths().0).unwrap();
    let take = read(&text).unwrap();
    assert_eq!((take.lost, take.lost_at), (3, Some(text.lines().count())), "{text}");
    assert!(text.ends_with("5999 lost 3\n"), "{text}");
    assert!(read(&text.replace("lost 3", "lost many")).is_err());
}

#[test]
fn where_nothing_but_the_click_sounds_no_take_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
    let inputs = [(10, SessionInput::Control(Control::CountIn, 127)), (9000, SessionInput::Stop)];
    let (_, sent) = play(&mut recorder, settings(), &inputs, 1, |_| 2);
    recorder.flush(true).unwrap();
    assert!(sent.contains(" 99 4c "));
    assert!(!recorder.paths().0.exists());
}

#[test]
fn a_take_played_again_gives_the_same_messages_and_the_same_midi_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
    let sent = perform(&mut recorder);
    recorder.flush(true).unwrap();
    let (log, score) = recorder.paths();
    let take = read(&fs::read_to_string(log).unwrap()).unwrap();
    assert_eq!(take.header.session, settings());
    let replayed = replay(&take, harmonizer(), None).unwrap();
    assert_eq!(replayed.sent, sent);
    assert_eq!(take.sent, sent);
    assert_eq!(smf::write(&replayed.score), fs::read(score).unwrap());
    assert!(replayed.score.parts.iter().all(|notes| notes.len() > 5), "{:?}", replayed.score);
}

#[test]
fn a_take_over_a_given_bass_is_played_again_as_it_was_and_keys_passed_on_are_no_bass() {
    for below in [Below::Bass, Below::Through] {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
        let mut settings = settings();
        settings.split = Some(KeyboardSplit { key: 60, channel: 4, below });
        let key = |at: Time, status: u8, key: u8| (at, midi([status, key, 80]));
        let mut inputs = vec![key(40, 0x90, 43), key(1300, 0x90, 41), key(1310, 0x80, 43), key(2900, 0x80, 41)];
        for (start, soprano) in (0..).step_by(800).zip([67, 69, 71, 72]) {
            inputs.extend([key(start + 10, 0x90, soprano), key(start + 700, 0x80, soprano)]);
        }
        inputs.push((3999, SessionInput::Stop));
        inputs.sort_by_key(|(at, _)| *at);
        let (_, sent) = play(&mut recorder, settings, &inputs, 1, |_| 3);
        recorder.flush(true).unwrap();
        let (log, score) = recorder.paths();
        let text = fs::read_to_string(log).unwrap();
        let take = read(&text).unwrap();
        assert_eq!(take.sent, sent);
        let replayed = replay(&take, harmonizer(), None).unwrap();
        assert_eq!(replayed.sent, sent);
        assert_eq!(smf::write(&replayed.score), fs::read(score).unwrap());
        let bass = &replayed.score.parts[Part::Bass.index()];
        let has_low_f = bass.iter().any(|note| note.pitch.midi() == 41 && note.end - note.start > 700);
        assert_eq!(has_low_f, below == Below::Bass, "{bass:?}");
        assert_eq!(text.contains("present-table"), below == Below::Bass);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A period is as long as some steps, and requests that are superseded in it never reach the worker: what it has heard
    /// must not depend on them.
    #[test]
    fn a_player_who_was_followed_is_heard_again_byte_for_byte(
        keys in prop::collection::vec((prop::sample::select(vec![1_u64, 2, 2, 4, 4, 4, 8]), -60..60_i64, 60_u8..80), 4..24),
        period in prop::sample::select(vec![1_u64, 7, 40, 150]),
        lateness in 0_u64..60,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
        let mut settings = settings();
        settings.clock.source = ClockSource::Follow;
        settings.clock.tempo = 90.0;
        let (mut inputs, mut beat) = (Vec::new(), 100);
        for (sixteenths, off, key) in keys {
            let at = (beat + off) as u64;
            inputs.extend([(at, midi([0x90, key, 80])), (at + 120 * sixteenths, midi([0x80, key, 0]))]);
            beat += 150 * sixteenths as i64;
        }
        inputs.push((beat as u64 + 1000, SessionInput::Stop));
        inputs.sort_by_key(|(at, _)| *at);
        let (_, sent) = play(&mut recorder, settings, &inputs, period, |number| number * 7 % (lateness + 1));
        recorder.flush(true).unwrap();
        let (log, score) = recorder.paths();
        let take = read(&fs::read_to_string(log).unwrap()).unwrap();
        let replayed = replay(&take, harmonizer(), None).unwrap();
        prop_assert_eq!(&replayed.sent, &sent);
        prop_assert_eq!(smf::write(&replayed.score), fs::read(score).unwrap());
    }
}

#[test]
fn a_log_that_breaks_off_is_read_up_to_its_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path(), Vec::new()).unwrap();
    perform(&mut recorder);
    recorder.flush(false).unwrap();
    let text = fs::read_to_string(recorder.paths().0).unwrap();
    let header = text.match_indices('\n').nth(1).unwrap().0 + 1;
    for cut in (header..text.len()).step_by(97) {
        let take = read(&text[..cut]).unwrap();
        assert!(text.contains(&take.sent.lines().last().unwrap_or_default().to_owned()));
    }
}

#[test]
fn each_unusable_log_is_told_where_and_why() {
    let models = vec![ModelIdentity { name: "wavenet".into(), fingerprint: "0".into() }];
    let header = serde_json::to_string(&TakeHeader { models, sampling: vec![sampling().into()], session: settings() });
    let mut of_later: SamplingRecord = sampling().into();
    of_later.critic = Some("f".into());
    let error = Sampling::try_from(&of_later).unwrap_err().to_string();
    assert!(error.starts_with("the guard had a critic that this version lacks (f)"), "{error}");
    let log = |event: &str| format!("{FIRST_LINE}\n{}\n5 midi 90 48 50\n{event}\n", header.as_ref().unwrap());
    let check = |text: &str, expected: &str| {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check("MThd", "not a take: the first line should be 'performer take 2', not 'MThd'");
    check("performer take 2\n{}\n", "line 2: ");
    for event in ["x midi 90", "7", "7 midi 9x 1 2", "7 midi 90 1 2 3", "7 control volume 3", "7 control hold 200"] {
        check(&log(event), &format!("line 4: '{event}' is no event"));
    }
    check(&log(&format!("{} stop", 101 * 3600 * 1000)), "line 4: more than 100 hours after the first event");
    let whole = log("9 stop");
    assert!(read(&whole).is_ok());
    for (name, wrong) in [
        ("tempo", "0.0"),
        ("tempo", "-60.0"),
        ("rate", "0.0"),
        ("rate", "1e300"),
        ("first", "16"),
        ("channel", "16"),
        ("velocity", "-1.0"),
        ("octave", "11"),
        ("temperature", "-1.0"),
        ("min_p", "7"),
        ("crossing", "1e30"),
    ] {
        let (before, after) = whole.split_once(&format!("\"{name}\":")).unwrap();
        let after = after.trim_start_matches(|character| !matches!(character, ',' | '}'));
        let changed = format!("{before}\"{name}\":{wrong}{after}");
        check(&changed, "line 2: the take's settings can't be read: ");
    }
    let take = read(&log("9 table 77")).unwrap();
    let error = replay(&take, harmonizer(), None).unwrap_err().to_string();
    assert!(error.starts_with("line 4: the answer table 77"), "{error}");
}

#[test]
fn a_performance_without_a_note_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(&folder.path().join("takes"), Vec::new()).unwrap();
    recorder.event(&settings(), &TakeEvent::Input(5, SessionInput::Table(0))).unwrap();
    recorder.flush(true).unwrap();
    assert_eq!(fs::read_dir(folder.path().join("takes")).unwrap().count(), 0);
}
