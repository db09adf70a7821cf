//! A performance on a real ALSA sequencer, in an emulated machine that has one: aplaymidi plays, aseqdump records.
#![cfg(target_os = "linux")]

mod live;

use std::path::Path;
use std::process::Command;

use live::{Heard, PARTS, check_harmony, check_harmony_but, missed, numbers, read};
use midly::num::{u4, u7, u15, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, PitchBend, Smf, Timing, TrackEvent, TrackEventKind};

const TICKS: u32 = 96;
/// Key, length and the rest after it, in ticks.
const MELODY: [(u8, u32, u32); 10] = [
    (72, 90, 6),
    (74, 90, 6),
    (74, 44, 4),
    (76, 48, 0),
    (74, 24, 0),
    (72, 24, 0),
    (71, 24, 0),
    (72, 200, 250),
    (90, 90, 6),
    (67, 190, 2),
];

#[test]
#[ignore = "needs qemu, root and three minutes: cargo test -p performer --test live_alsa -- --ignored"]
fn every_note_of_an_alsa_player_is_answered_by_three_parts_that_all_end() {
    live::require("fluidsynth", "apt-get install --no-install-recommends fluidsynth timgm6mb-soundfont");
    for tool in ["qemu-system-x86_64", "aplaymidi", "aseqdump", "aconnect"] {
        live::require(tool, "apt-get install --no-install-recommends qemu-system-x86 cpio kmod alsa-utils");
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(scripts.join("alsa_guest.sh"), folder.path().join("guest.sh")).unwrap();
    // The machine sees this folder; what lies elsewhere may be hidden from it, as a checkout under /tmp is.
    std::fs::copy(env!("CARGO_BIN_EXE_performer"), folder.path().join("performer")).unwrap();
    write_melody(&folder.path().join("melody.mid"), &MELODY);
    let many: Vec<_> = (0..400).map(|number| (60 + (number % 20) as u8, 4, 0)).collect();
    write_melody(&folder.path().join("many.mid"), &many);

    let channel = |message| TrackEventKind::Midi { channel: u4::new(0), message };
    let controller = |controller: u8, value: u8| {
        channel(MidiMessage::Controller { controller: u7::new(controller), value: u7::new(value) })
    };
    let knobs =
        [(0, controller(20, 100)), (400, controller(20, 0)), (0, controller(21, 100)), (100, controller(21, 0))];
    write(&folder.path().join("knobs.mid"), &knobs);
    let key = u7::new(72);
    let controls = [
        (0, channel(MidiMessage::NoteOn { key, vel: u7::new(80) })),
        (50, channel(MidiMessage::PitchBend { bend: PitchBend::from_int(1000) })),
        (50, channel(MidiMessage::ChannelAftertouch { vel: u7::new(33) })),
        (50, controller(64, 127)),
        (50, channel(MidiMessage::NoteOff { key, vel: u7::new(0) })),
        (400, controller(20, 127)),
        (50, controller(64, 0)),
    ];
    write(&folder.path().join("controls.mid"), &controls);

    let output = Command::new("timeout")
        .args(["--kill-after=10", "500", "bash"])
        .arg(scripts.join("alsa_vm.sh"))
        .arg(folder.path())
        .env("ALSA_VM_TIMEOUT", "480")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}\n{}", output.status, read(&folder, "talk"));

    assert_eq!(read(&folder, "status").trim(), "0", "exit status after SIGTERM:\n{}", read(&folder, "talk"));
    let ports = read(&folder, "ports");
    assert!(ports.contains("performer:in") && ports.contains("performer:out"), "{ports}");
    let sung = |record: &str, talk: &str| -> Vec<u8> {
        let sopranos = check_harmony_but(&recorded(&folder, record), missed(&read(&folder, talk)));
        sopranos.iter().map(|note| note.pitch).collect()
    };
    let sopranos = sung("ours", "talk");
    assert_eq!(sopranos, MELODY.map(|(key, ..)| key));
    println!("{}", read(&folder, "talk").lines().last().unwrap_or_default());

    let talk = read(&folder, "talk_replug");
    let again = sung("after", "talk_replug");
    assert_eq!(again, MELODY.map(|(key, ..)| key), "after the instrument came back:\n{talk}");

    let announced = read(&folder, "announced");
    assert!(announced.contains("Waiting for data"), "nobody listened: {announced}");
    assert!(!announced.contains("Client"), "clients came and went though nothing changed:\n{announced}");

    let talk = read(&folder, "talk_per_part");
    assert!(talk.contains("a port for each part must be one of our own"), "{talk}");

    let talk = read(&folder, "talk_keys");
    assert!(talk.contains("gone, waiting for it"), "the keyboard's end was not noticed:\n{talk}");
    let all = sung("ours_keys", "talk_keys");
    assert!(all.ends_with(&MELODY.map(|(key, ..)| key)), "after the keyboard came back: {all:?}\n{talk}");
    assert!(all.len() > MELODY.len(), "it played before, too: {all:?}");

    let learned = read(&folder, "learned.toml");
    assert!(read(&folder, "learned").contains("2 controls learned"), "{}", read(&folder, "talk_learn"));
    for line in ["input = \"keys\"", "panic = \"cc 20 channel 1\"", "hold = \"cc 21 channel 1\"", "# freeze-alto ="] {
        assert!(learned.lines().any(|found| found.starts_with(line)), "no {line} in\n{learned}");
    }
    let ports = read(&folder, "ports_controls");
    assert!(ports.contains("'clock "), "no port for a DAW's MIDI clock beside the keyboard:\n{ports}");
    let text = read(&folder, "ours_controls");
    let before = text.split("END").next().unwrap_or_default();
    for what in ["Pitch bend", "Channel aftertouch"] {
        assert_eq!(
            before.lines().filter(|line| line.contains(what)).count() % PARTS,
            0,
            "for all parts alike:\n{text}"
        );
        assert!(before.contains(what), "no {what}:\n{text}");
    }
    // The pedal holds the soprano until the knob that was learned ends all.
    let place = |words: &str| before.find(words).unwrap_or_else(|| panic!("no '{words}':\n{text}"));
    assert!(place("Note off                0, note 72") < place("controller 123"), "{text}");
    assert!(place("Channel aftertouch") < place("Note off                0, note 72"), "{text}");
    let (on, off) = (before.matches("Note on").count(), before.matches("Note off").count());
    assert!(on >= PARTS && on == off, "{on} notes, {off} ends before the end:\n{text}");

    let talk = read(&folder, "talk_stopped");
    assert_eq!(read(&folder, "status_stopped").trim(), "0", "an instrument that takes nothing:\n{talk}");
    // Keys that a slow machine hands us within a few thousandths of a second are a bounce: one strike.
    let answered = talk.lines().find_map(|line| line.split_once(" notes answered")?.0.parse::<usize>().ok());
    assert!(answered.is_some_and(|notes| (360..=400).contains(&notes)), "{talk}");

    if cfg!(debug_assertions) {
        for thread in ["MIDI", "sound"] {
            let talk = read(&folder, &format!("talk_{thread}"));
            let told = format!("the {thread} thread panicked, a bug of ours; everything was silenced");
            assert!(talk.contains("PERFORMER_PANICS asks for it") && talk.contains(&told), "{thread}:\n{talk}");
            assert_eq!(read(&folder, &format!("status_{thread}")).trim(), "1", "{talk}");
            let sopranos = check_harmony(&recorded(&folder, &format!("ours_{thread}"))).len();
            assert!((3..MELODY.len()).contains(&sopranos), "{thread}: {sopranos} notes before the end:\n{talk}");
        }
    }

    for sound in ["organ", "soundfont"] {
        let (loudness, talk) =
            (live::loudness(&folder, &format!("{sound}.wav")), read(&folder, &format!("talk_{sound}")));
        assert!((0.001..0.5).contains(&loudness), "the {sound}'s mean loudness is {loudness}:\n{talk}");
        println!("{sound}: mean loudness {loudness:.3}, {}", talk.lines().last().unwrap_or_default());
    }
}

fn write_melody(path: &Path, melody: &[(u8, u32, u32)]) {
    let mut events = Vec::new();
    let mut rest = 0;
    for &(key, length, rest_after) in melody {
        let (channel, key) = (u4::new(0), u7::new(key));
        let on = MidiMessage::NoteOn { key, vel: u7::new(80) };
        let off = MidiMessage::NoteOff { key, vel: u7::new(0) };
        events.push((rest, TrackEventKind::Midi { channel, message: on }));
        events.push((length, TrackEventKind::Midi { channel, message: off }));
        rest = rest_after;
    }
    write(path, &events);
}

/// A MIDI file of these events, each so many ticks after the last, at 120 beats a minute.
fn write(path: &Path, events: &[(u32, TrackEventKind)]) {
    let tempo = (0, TrackEventKind::Meta(MetaMessage::Tempo(500_000.into())));
    let end = (0, TrackEventKind::Meta(MetaMessage::EndOfTrack));
    let all = [tempo].into_iter().chain(events.iter().copied()).chain([end]);
    let track = all.map(|(delta, kind)| TrackEvent { delta: u28::new(delta), kind }).collect();
    let header = Header::new(Format::SingleTrack, Timing::Metrical(u15::new(TICKS as u16)));
    Smf { header, tracks: vec![track] }.save(path).unwrap();
}

/// Reads aseqdump's lines, such as ` 129:0   Note on                 0, note 72, velocity 80`. It knows no times: the
/// number of the line stands in for them.
fn recorded(folder: &tempfile::TempDir, name: &str) -> Vec<Heard> {
    let text = read(folder, name);
    let notes = text.lines().filter(|line| line.contains("Note on") || line.contains("Note off"));
    (0..)
        .zip(notes)
        .map(|(at, line)| match numbers(line)[..] {
            [_, _, channel, pitch, velocity] => Heard {
                at,
                is_on: line.contains("Note on") && velocity > 0,
                channel: channel as usize,
                pitch: pitch as u8,
            },
            _ => panic!("can't read {line:?}"),
        })
        .collect()
}
