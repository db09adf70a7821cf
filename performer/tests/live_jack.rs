//! A performance beside a real JACK server: a player and a recorder that are not ours, and our program between them.
#![cfg(all(target_os = "linux", feature = "jack"))]

mod live;

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::Command;

use live::jack::{notes, perform, recorded};
use live::{Heard, PARTS, check_harmony, loudness, numbers, read};

/// Frames of a beat at 120 beats a minute and 48 kHz.
const BEAT: u64 = 24_000;
/// From the soprano's end to that of the lower parts: 150 ms.
const RELEASE: u64 = 7200;

#[test]
#[ignore = "needs jackd, root and 20 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn every_note_of_a_jack_player_is_answered_in_its_own_frame_by_three_parts_that_all_end() {
    let folder = perform(128, "jack_play.sh");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{}", read(&folder, "talk"));
    let ours = recorded(folder.path(), "ours");
    let both = recorded(folder.path(), "both");

    let sopranos = check_harmony(&ours);
    assert!(sopranos.len() >= 20, "the melody has 11 notes and was played twice, but {} were heard", sopranos.len());
    println!("{} sopranos answered; {}", sopranos.len(), read(&folder, "talk").lines().last().unwrap_or_default());

    // The player's note and ours that passes it on: same frame, same pitch, twice the event.
    let mut seen = HashSet::new();
    let mut pairs = 0;
    for note in both.iter().filter(|note| note.is_on && note.channel == 0) {
        pairs += usize::from(!seen.insert((note.at, note.pitch)));
    }
    assert_eq!(pairs, sopranos.len(), "each soprano is passed on at the frame where the player struck it");

    let struck_with = |at: u64| ours.iter().filter(|note| note.is_on && note.at == at && note.channel > 0).count();
    assert_eq!(struck_with(sopranos[0].at), 3, "the first note is answered by three at the same frame");
    let moved = ours.iter().filter(|note| note.is_on && note.channel > 0);
    let moved = moved.filter(|note| sopranos.iter().all(|soprano| soprano.at != note.at)).count();
    println!("{moved} notes of lower parts began between sopranos");
    // Frozen harmony means that no table arrives.
    assert!(moved > 0, "the lower parts never move while a soprano holds");

    let mut rests = 0;
    for pair in sopranos.windows(2) {
        // Of its own pitch: after an overrun the ends of the note before come once more.
        let is_its_end = |note: &&Heard| !note.is_on && note.channel == 0 && note.pitch == pair[0].pitch;
        let off = ours.iter().filter(is_its_end).find(|note| note.at > pair[0].at).expect("checked above").at;
        if pair[1].at > off + BEAT {
            rests += 1;
            let struck = ours.iter().find(|note| note.at > off && note.at < pair[1].at && note.is_on);
            assert_eq!(struck, None, "in a silence nothing is struck");
            let ended = ours.iter().filter(|note| note.at == off + RELEASE && !note.is_on).count();
            assert_eq!(ended, 3, "the harmony ends with the soprano, frame {off}");
        }
    }
    assert!(rests > 0, "the melody has a rest of three beats");
    let summary = read(&folder, "talk");
    // A busy machine misses some; without a working worker all are missed.
    let missed = live::missed(&summary);
    assert!(missed < sopranos.len() as u64 / 2, "too few answers were ready in time: {summary}");
}

#[test]
#[ignore = "needs jackd, root and 20 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn fingers_that_are_early_and_late_are_answered_once_each() {
    let folder = perform(128, "jack_hands.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{talk}");
    let ours = recorded(folder.path(), "ours");
    let sopranos = check_harmony(&ours);
    assert!(sopranos.len() >= 16, "{} sopranos:\n{talk}", sopranos.len());
    let end = |note: &Heard| {
        let is_it = |other: &&Heard| !other.is_on && other.channel == note.channel && other.at >= note.at;
        ours.iter().find(|other| is_it(other) && other.pitch == note.pitch).map_or(u64::MAX, |end| end.at)
    };
    let lower: Vec<(u64, u64)> =
        ours.iter().filter(|note| note.is_on && note.channel > 0).map(|note| (note.at, end(note))).collect();
    // Moved by the clock and cut off by a late finger: of 125 ms at most, up to a soprano.
    let is_false = |&(on, off): &(u64, u64)| {
        off - on <= BEAT / 4 && sopranos.iter().any(|soprano| soprano.at.abs_diff(off) < BEAT / 160)
    };
    let false_moves = lower.iter().copied().filter(is_false).count();
    println!("{} sopranos, {} lower notes, {false_moves} false moves", sopranos.len(), lower.len());
    assert!(10 * false_moves <= sopranos.len(), "{false_moves} false moves: {lower:?}");
    let struck_with = |soprano: &Heard| ours.iter().filter(|note| note.is_on && note.at == soprano.at).count() > 1;
    let moved = sopranos.iter().filter(|soprano| struck_with(soprano)).count();
    assert!(2 * moved > sopranos.len(), "only {moved} sopranos moved a part in their own frame");
}

#[test]
#[ignore = "needs jackd, root and 15 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn a_bar_is_counted_before_anything_sounds_and_the_click_goes_on_at_exact_frames_under_the_keys() {
    const CLICK: usize = 9;
    let folder = perform(128, "jack_click.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{talk}");
    let record = read(&folder, "ours");
    let (clicks, ours): (Vec<Heard>, Vec<Heard>) =
        notes(&record).into_iter().partition(|note| note.channel == CLICK && note.pitch == 76);
    let sopranos = check_harmony(&ours);
    assert!(sopranos.len() >= 6, "{} sopranos:\n{talk}", sopranos.len());

    let (begun, ended): (Vec<Heard>, Vec<Heard>) = clicks.into_iter().partition(|click| click.is_on);
    let first = begun[0].at;
    for (number, click) in (0..).zip(&begun) {
        // After an overrun ends come once more.
        let length = ended.iter().find(|end| end.at >= click.at).map(|end| end.at - click.at);
        assert_eq!(click.at - first, number * BEAT, "click {number}");
        let is_cut_off = number + 1 == begun.len() as u64 && length.is_some_and(|length| length < BEAT / 10);
        assert!(length == Some(BEAT / 10) || is_cut_off, "click {number} lasts {length:?} frames");
    }
    assert!(begun.len() >= 12, "three bars at least, but {} clicks", begun.len());
    let velocities = record.lines().filter(|line| line.contains(": 99 4c ")).filter_map(|line| numbers(line).pop());
    let accents: Vec<bool> = velocities.map(|velocity| velocity == 127).collect();
    assert!(accents.iter().enumerate().all(|(beat, is_accent)| *is_accent == (beat % 4 == 0)), "{accents:?}");

    // The grid begins with the beat after the bar that was counted.
    let grid = first + 4 * BEAT;
    assert!(sopranos[0].at > grid, "nothing sounds before it");
    let loudness = loudness(&folder, "sound.wav");
    assert!((0.001..0.2).contains(&loudness), "the count-in is heard, mean loudness {loudness}");
    let played: Vec<u64> = json_lines(&folder)
        .iter()
        .filter(|event| event["event"] == "note")
        .filter_map(|event| event["position"].as_u64())
        .collect();
    let expected = sopranos.iter().map(|soprano| (4 * (soprano.at - grid) + BEAT / 4) / BEAT);
    assert_eq!(played, expected.collect::<Vec<_>>(), "the keys are where the grid has them");
    let log = log_of(&folder);
    let again = Command::new(env!("CARGO_BIN_EXE_performer")).arg("replay").arg(&log).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
#[ignore = "needs jackd, root and 20 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn the_rig_survives_a_dead_keyboard_a_panic_and_a_stopped_clock_and_the_take_tells_all_of_it() {
    let folder = perform(128, "jack_rig.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{talk}");

    // Every note ends, also those that were cut off by the keyboard's death, the panic and the stop.
    let ours = recorded(folder.path(), "ours");
    assert!(check_harmony(&ours).len() > 10, "{talk}");
    assert!(talk.contains("gone, waiting for it"), "the keyboard's death was not noticed:\n{talk}");
    let connected = read(&folder, "connected");
    let ours_is_fed = connected.split("performer:in\n").nth(1).is_some_and(|rest| rest.contains("player:out"));
    assert!(ours_is_fed, "not connected again after it came back:\n{connected}");
    let record = read(&folder, "ours");
    let panics = record.lines().filter(|line| line.contains("channel  3): controller 123")).count();
    assert!(panics >= 4, "all-notes-off after death, panic, stop and end, but {panics} times:\n{record}");

    // Under a clock of 120 beats a minute steps last 6000 frames. jack_midi_clock's ticks stand on their exact frames.
    let log = log_of(&folder);
    let text = std::fs::read_to_string(&log).unwrap();
    let ticks = text.lines().filter(|line| line.ends_with(" midi f8")).count();
    assert!(ticks > 24 * 8, "{ticks} ticks of MIDI clock:\n{talk}");
    let replay = Command::new(env!("CARGO_BIN_EXE_performer"))
        .args(["replay".as_ref(), log.as_os_str(), "-o".as_ref(), folder.path().join("again.mid").as_os_str()])
        .output()
        .unwrap();
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
    let written = std::fs::read(log.with_extension("mid")).unwrap();
    assert_eq!(written, std::fs::read(folder.path().join("again.mid")).unwrap(), "the replayed MIDI file");

    let loudness = loudness(&folder, "sound.wav");
    assert!((0.01..0.5).contains(&loudness), "the organ's mean loudness is {loudness}");
    println!("rig: {}", talk.lines().last().unwrap_or_default());
}

#[test]
#[ignore = "needs jackd, root and 25 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn a_clock_master_starts_stops_moves_and_stalls_and_a_pulled_cable_is_silence_at_once() {
    let folder = perform(128, "jack_clock.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{talk}");
    let master = read(&folder, "clock");
    for (byte, what) in [(" fa", "start"), (" fc", "stop"), (" f2 54 00", "song position"), (" fb", "continue")] {
        assert!(master.contains(byte), "the master sent no {what}:\n{master}");
    }
    let events = json_lines(&folder);
    let position = |event: &serde_json::Value| event["position"].as_u64();
    let steps = || events.iter().enumerate().filter(|(_, event)| event["event"] == "step");
    let said = |words: &str| {
        let is_it = |event: &serde_json::Value| event["text"].as_str().is_some_and(|text| text.contains(words));
        events.iter().position(is_it).unwrap_or_else(|| panic!("'{words}' was not said:\n{talk}"))
    };
    let before = steps().filter_map(|(_, step)| position(step)).take_while(|&position| position < 84).max();
    assert!(before.is_some_and(|before| (8..40).contains(&before)), "three seconds from bar 1: {before:?}");
    let jump = steps().find(|(_, step)| position(step) >= Some(84)).expect("the music goes on at the song position");
    assert!(position(jump.1).is_some_and(|position| position < 90), "{}", jump.1);
    let (stalled, back) = (said("has stalled"), said("is back"));
    let meanwhile = steps().filter(|(line, _)| (stalled..back).contains(line)).count();
    assert!(meanwhile > 8, "only {meanwhile} steps without the master:\n{talk}");

    assert!(talk.contains("clock jack_midi_clock:mclk_out: gone") && talk.contains("mclk_out: connected"), "{talk}");

    // Every note ends at the moment of the stop, and at that at which the cable was pulled. A master that ends disturbs the
    // server, which may lose messages then: what was sent is seen in the log, and that it came in the record.
    let log = std::fs::read_to_string(log_of(&folder)).unwrap();
    let sopranos = check_harmony(&sent(&log)).len();
    let heard = recorded(folder.path(), "ours").iter().filter(|note| note.is_on && note.channel == 0).count();
    assert!(sopranos > 15 && heard.abs_diff(sopranos) <= 2, "{sopranos} sopranos were sent, {heard} came:\n{talk}");
    for cause in ["midi fc", "input-lost"] {
        let silenced = log.lines().filter(|line| line.ends_with(cause)).filter(|line| {
            let moment = line.split(' ').next().unwrap_or_default();
            let is_end = |line: &&str| line.starts_with(&format!("{moment} > ")) && line.contains(" 8");
            log.lines().filter(is_end).count() >= PARTS
        });
        assert!(silenced.count() > 0, "no chord ended with '{cause}':\n{log}");
    }
    let pulled = log.lines().position(|line| line.ends_with("input-lost")).unwrap();
    assert!(log.lines().skip(pulled).any(|line| line.contains(" midi 90")), "heard again when it is put in again");
    // An instrument that is put in again may sound on what has ended since: on each channel all is ended.
    let ends = || log.lines().skip(pulled).skip_while(|line| !line.ends_with("output-regained"));
    let ended = ends().filter(|line| line.ends_with(" 7b 00")).count();
    assert!(ended >= PARTS, "{ended} channels were silenced:\n{log}");
}

#[test]
#[ignore = "needs jackd, root and 15 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn each_part_goes_to_its_own_port_as_its_settings_say_while_the_beat_is_taken_from_the_player() {
    let folder = perform(128, "jack_parts.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after q:\n{talk}");
    let events = json_lines(&folder);
    let notes = || events.iter().filter(|event| event["event"] == "note");
    let places: Vec<u64> = notes().filter_map(|note| note["position"].as_u64()).collect();
    assert!(places.len() > 12, "{talk}");
    assert!(places[1..].iter().all(|place| (place - places[1]).is_multiple_of(4)), "each key on a beat: {places:?}");
    let numerals = notes().filter(|note| note["numeral"].is_string()).count();
    assert!(2 * numerals > places.len(), "{numerals} chords have a name");

    // The alto is told in JSON as it sings, and sent an octave higher and half as loud.
    let sung = |part: usize| -> HashSet<u64> { notes().filter_map(|note| note["parts"][part].as_u64()).collect() };
    let on = |name: &str| recorded(folder.path(), name).into_iter().filter(|note| note.is_on).collect::<Vec<_>>();
    let alto = on("alto");
    assert!(alto.len() > 5 && alto.iter().all(|note| note.channel == 2), "{alto:?}");
    assert!(alto.iter().any(|note| sung(1).contains(&(u64::from(note.pitch) - 12))), "{alto:?}");
    assert!(read(&folder, "alto").contains("velocity  32"), "half of 64:\n{}", read(&folder, "alto"));
    assert!(sung(2).len() > 1 && on("tenor").is_empty(), "the tenor sings muted");
    assert!(on("bass").iter().all(|note| note.channel == 3 && sung(3).len() > 1));

    let switches: Vec<usize> = (0..events.len()).filter(|&line| events[line]["event"] == "switch").collect();
    let [held, until] = switches[..] else { panic!("hold on, hold off: {switches:?}\n{talk}") };
    assert_eq!((&events[held]["name"], &events[held]["on"]), (&"hold".into(), &true.into()));
    let basses: HashSet<Option<u64>> = events[held + 1..until]
        .iter()
        .filter(|event| event["event"] == "note")
        .map(|event| event["parts"][3].as_u64())
        .collect();
    assert_eq!(basses.len(), 1, "the bass stays while the harmony is held: {basses:?}");
}

#[test]
#[ignore = "needs jackd, root and 20 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn the_organ_and_a_sound_font_sound_at_the_pitch_that_is_played() {
    let folder = perform(128, "jack_sound.sh");
    for sound in ["organ", "soundfont"] {
        let talk = read(&folder, &format!("talk_{sound}"));
        let wav = format!("{sound}.wav");
        let loudness = loudness(&folder, &wav);
        assert!((0.003..0.5).contains(&loudness), "the {sound}'s mean loudness is {loudness}:\n{talk}");
        // A4, and a quarter tone above and below it, where nobody sings.
        let [at, above, below] = [440.0, 452.9, 427.5].map(|frequency| live::strength(&folder, &wav, frequency));
        assert!(at > 10.0 * above.max(below), "the {sound} at 440 Hz: {at}, beside it {below} and {above}");
        println!(
            "{sound}: mean loudness {loudness:.3}, 440 Hz {:.0} times a quarter tone beside",
            at / above.max(below)
        );
    }
}

#[test]
#[ignore = "needs jackd, fluidsynth, root and 20 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn a_jack_server_that_is_killed_under_a_chord_and_started_again_finds_the_performance_going_on() {
    live::require("fluidsynth", "apt-get install --no-install-recommends fluidsynth timgm6mb-soundfont");
    let folder = perform(128, "jack_restart.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{talk}");
    assert!(talk.contains("JACK has shut down") && talk.contains("JACK is back"), "{talk}");

    let connected = read(&folder, "connected");
    for (ours, theirs) in
        [("performer:in", "player:out"), ("performer:out", "fluid:midi"), ("performer:out", "ours:input")]
    {
        let ends = connected.split(&format!("\n{ours}\n")).nth(1).unwrap_or_default();
        let ends: Vec<&str> = ends.lines().take_while(|line| line.starts_with(' ')).collect();
        assert!(ends.iter().any(|end| end.contains(theirs)), "{ours} is not connected to {theirs} again:\n{connected}");
    }
    // The first record breaks off in the middle of a chord, since its server was killed.
    assert!(recorded(folder.path(), "ours_1").iter().filter(|note| note.is_on).count() > 8, "{talk}");
    let sopranos = check_harmony(&recorded(folder.path(), "ours_2"));
    assert!(sopranos.len() >= 4, "only {} notes were answered after the server came back:\n{talk}", sopranos.len());

    for sound in ["sound_1.wav", "sound_2.wav"] {
        let loudness = loudness(&folder, sound);
        assert!((0.003..0.5).contains(&loudness), "{sound}: fluidsynth's mean loudness is {loudness}:\n{talk}");
    }
    let left = loudness(&folder, "silence.wav");
    assert!(left < 1e-3, "fluidsynth sounds on at the loudness {left}");
    let log = log_of(&folder);
    let replay =
        Command::new(env!("CARGO_BIN_EXE_performer")).args(["replay".as_ref(), log.as_os_str()]).output().unwrap();
    assert!(replay.status.success(), "the take: {}", String::from_utf8_lossy(&replay.stderr));
    println!("restart: {}", talk.lines().last().unwrap_or_default());
}

#[test]
#[ignore = "needs jackd, root and 10 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn a_performance_whose_jack_server_stays_away_ends_when_it_is_told_to() {
    let folder = perform(128, "jack_lost.sh");
    let talk = read(&folder, "talk");
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGTERM:\n{talk}");
    assert!(talk.contains("JACK has shut down, waiting for it to come back"), "{talk}");
    println!("the end took {} ms without a server", read(&folder, "took").trim());
}

/// The notes that a take's log says were sent.
fn sent(log: &str) -> Vec<Heard> {
    let lines = log.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    lines
        .filter_map(|words| match words[..] {
            [at, ">", _, status, pitch, _] if status.starts_with(['8', '9']) => Some(Heard {
                at: at.parse().unwrap(),
                is_on: status.starts_with('9'),
                channel: usize::from_str_radix(&status[1..], 16).unwrap(),
                pitch: u8::from_str_radix(pitch, 16).unwrap(),
            }),
            _ => None,
        })
        .collect()
}

/// What the performer told in JSON.
fn json_lines(folder: &tempfile::TempDir) -> Vec<serde_json::Value> {
    read(folder, "json").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[ignore = "needs jackd, root and 20 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn what_is_wrong_with_ports_and_servers_is_told_with_the_way_out() {
    let folder = perform(128, "jack_messages.sh");
    let text = read(&folder, "messages");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/messages.txt");
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (found, expected) in text.split("\n$ ").zip(expected.split("\n$ ")) {
        assert_eq!(found, expected, "another message than in messages.txt; UPDATE_MESSAGES=1 writes it anew");
    }
    assert_eq!(text.len(), expected.len(), "as many messages as in messages.txt");
}

fn log_of(folder: &tempfile::TempDir) -> PathBuf {
    let mut files = std::fs::read_dir(folder.path().join("takes")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "log")).expect("the take's log")
}

#[test]
#[ignore = "needs PipeWire, root and 30 seconds: cargo test -p performer --test live_jack -- --ignored"]
fn under_pipewire_too_the_performance_survives_its_server() {
    live::require("pw-jack", "apt-get install --no-install-recommends pipewire pipewire-bin pipewire-jack jackd2");
    // PipeWire loses the messages of a whole cycle now and then, one run in six on a machine of two cores, also between
    // programs that are not ours. What we do wrong ourselves, we do wrong every time.
    let mut runs = (1..=3).map(|run| (run, perform_under_pipewire()));
    let (run, (folder, output)) = runs
        .find(|(run, (folder, _))| *run == 3 || is_in_harmony(&recorded(folder.path(), "ours_2")))
        .expect("the third run counts in any case");
    println!("PipeWire: run {run} was recorded whole");
    let talk = read(&folder, "talk");
    assert!(output.status.success(), "{}\n{talk}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGINT:\n{talk}");
    let idle = read(&folder, "talk_idle");
    assert!(!idle.contains("shut down"), "a server at rest is no dead one:\n{idle}");
    assert!(recorded(folder.path(), "ours_1").iter().filter(|note| note.is_on).count() > 8, "{talk}");
    let sopranos = check_harmony(&recorded(folder.path(), "ours_2"));
    assert!(sopranos.len() >= 4, "only {} notes were answered after the server came back:\n{talk}", sopranos.len());
    println!("PipeWire: {}", talk.lines().last().unwrap_or_default());
}

fn perform_under_pipewire() -> (tempfile::TempDir, std::process::Output) {
    let folder = tempfile::tempdir().unwrap();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/pipewire.sh");
    let output = Command::new("timeout")
        .args(["--kill-after=10", "90", "bash"])
        .args([script.as_os_str(), env!("CARGO_BIN_EXE_performer").as_ref(), folder.path().as_os_str()])
        .output()
        .unwrap();
    (folder, output)
}

fn is_in_harmony(heard: &[Heard]) -> bool {
    std::panic::catch_unwind(|| check_harmony(heard)).is_ok()
}
