use chorale::Part;
use proptest::prelude::*;

use super::*;
use crate::any_score::any_score;
use crate::score::{Direction, Lyric, Metre, Score, Tick};
use crate::source::Source;

/// A file from the bytes of its tracks; an end mark is added to each.
fn file(format: u8, division: [u8; 2], tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06".to_vec();
    bytes.extend([0, format, 0, tracks.len() as u8, division[0], division[1]]);
    for track in tracks {
        bytes.extend(b"MTrk");
        bytes.extend((track.len() as u32 + 4).to_be_bytes());
        bytes.extend(*track);
        bytes.extend(b"\0\xff\x2f\0");
    }
    bytes
}

fn one_track(events: &[u8]) -> Source {
    read(&file(0, [0, 96], &[events])).unwrap()
}

/// Start, end and pitch of the notes on channel 1.
fn spans(file: &Source) -> Vec<(Tick, Tick, u8)> {
    file.tracks[0].channels[&0].iter().map(|note| (note.start, note.end, note.pitch.midi())).collect()
}

#[test]
fn running_status_and_note_ons_of_velocity_zero_end_notes() {
    let file = one_track(b"\0\x90\x48\x40\x60\x48\0\0\x4a\x50\x60\x4a\0");
    assert_eq!(spans(&file), [(0, 96, 72), (96, 192, 74)]);
    assert_eq!(file.tracks[0].channels[&0][1].velocity, 0x50);
    assert_eq!(file.remarks, [] as [&str; 0]);
}

#[test]
fn a_note_that_never_ends_lasts_to_the_next_and_the_last_one_to_the_end() {
    let file = one_track(b"\0\x90\x48\x40\x60\x4a\x40\x60\xff\x01\0");
    assert_eq!(spans(&file), [(0, 96, 72), (96, 192, 74)]);
    assert_eq!(file.remarks, ["track 1: 2 notes never ended; each ends where the next begins"]);
    let at_the_end_mark = one_track(b"\0\x90\x48\x40");
    assert_eq!(spans(&at_the_end_mark), [(0, 96, 72)], "a quarter, for want of anything better");
}

#[test]
fn doubled_note_offs_and_notes_without_length_leave_the_others_alone() {
    let doubled = one_track(b"\0\x90\x48\x40\x60\x80\x48\x40\0\x48\x40\0\x90\x48\x40\x60\x80\x48\x40\0\x48\0");
    assert_eq!(spans(&doubled), [(0, 96, 72), (96, 192, 72)]);
    let soundless = one_track(b"\0\x90\x48\x40\0\x48\0\x60\x4a\x40\x60\x4a\0");
    assert_eq!(spans(&soundless), [(96, 192, 74)]);
    assert_eq!(soundless.remarks, ["track 1: 1 note without length left out"]);
}

#[test]
fn a_key_struck_again_before_it_was_let_go_begins_a_new_note() {
    // On at 0, on at 96, off at 144, off at 192: the key sounds throughout, struck twice.
    let overlapping = one_track(b"\0\x90\x48\x40\x60\x48\x41\x30\x48\0\x30\x48\0");
    assert_eq!(spans(&overlapping), [(0, 96, 72), (96, 192, 72)]);
    // The same note written twice sounds once.
    let doubled = one_track(b"\0\x90\x48\x40\0\x48\x40\x60\x48\0\0\x48\0");
    assert_eq!(spans(&doubled), [(0, 96, 72)]);
    // The off of the first comes at the tick of the second, after it in the file.
    let out_of_order = one_track(b"\0\x90\x48\x40\x60\x48\x41\0\x80\x48\x40\x60\x48\x40");
    assert_eq!(spans(&out_of_order), [(0, 96, 72), (96, 192, 72)]);
}

#[test]
fn tempo_metre_key_names_and_lyrics_are_kept_and_said_once() {
    let conductor = b"\0\xff\x51\x03\x07\xa1\x20\0\xff\x58\x04\x03\x02\x18\x08\0\xff\x59\x02\xfe\x01";
    let melody = b"\0\xff\x03\x05S\xf6\0lo\0\xff\x58\x04\x03\x02\x18\x08\0\xff\x05\x03Nun\0\x90\x48\x40\x60\x48\0";
    let file = read(&file(1, [0, 96], &[conductor, melody])).unwrap();
    let metre = Metre { numerator: 3, ..Metre::FOUR_FOUR };
    let expected = [Direction::Tempo(500_000), Direction::Metre(metre), Direction::Key { sharps: -2, minor: true }]
        .map(|d| (0, d));
    assert_eq!(file.directions, expected);
    assert_eq!(file.tracks[1].name.as_deref(), Some("Sölo"), "Latin-1, without the control character");
    assert_eq!(file.tracks[1].lyrics, [Lyric { tick: 0, verse: 1, text: b"Nun".to_vec() }]);
}

#[test]
fn signatures_and_tempi_that_are_cut_short_say_what_they_can() {
    let directions = |events: &[u8]| one_track(&[events, b"\0\x90\x48\x40\x60\x48\0"].concat()).directions;
    assert_eq!(directions(b"\0\xff\x59\x00\0\xff\x51\x01\x07"), [], "nothing");
    assert_eq!(directions(b"\0\xff\x59\x01\xfd"), [(0, Direction::Key { sharps: -3, minor: false })]);
    let metre = Metre { numerator: 3, ..Metre::FOUR_FOUR };
    assert_eq!(directions(b"\0\xff\x58\x02\x03\x02"), [(0, Direction::Metre(metre))]);
    assert_eq!(directions(b"\0\xff\x59\x02\x40\x00"), [], "64 sharps");
}

#[test]
fn values_above_127_are_passed_over_and_the_notes_stay() {
    let file = one_track(b"\0\xb0\x07\xff\0\x90\x48\x40\x60\x80\x48\xff\0\x90\xff\x40\0\x4a\xff\x60\x4a\0");
    assert_eq!(spans(&file), [(0, 96, 72), (96, 192, 74)]);
    assert_eq!(file.tracks[0].channels[&0][1].velocity, 127);
    assert_eq!(file.remarks, ["track 1: 4 values above 127, which MIDI does not have, ignored"]);
}

#[test]
fn a_note_whose_key_goes_up_under_the_pedal_sounds_until_the_next_or_until_the_pedal_goes_up() {
    let events = |down: &[u8], up: &[u8]| {
        // Keys of a quarter of a beat, a beat apart; the last is alone.
        let keys = b"\0\x90\x48\x40\x18\x48\0\x48\x4a\x40\x18\x4a\0";
        one_track(&[down, &keys[..], up].concat())
    };
    let (down, up) = (&b"\0\xb0\x40\x7f"[..], &b"\x18\xb0\x40\0"[..]);
    assert_eq!(spans(&events(down, up)), [(0, 96, 72), (96, 144, 74)]);
    assert_eq!(spans(&events(b"", up)), [(0, 24, 72), (96, 120, 74)], "no pedal");
    assert_eq!(spans(&events(b"\0\xb0\x40\x3f", up)), [(0, 24, 72), (96, 120, 74)], "less than half of it");
    assert_eq!(spans(&events(b"\0\xb1\x40\x7f", up)), [(0, 24, 72), (96, 120, 74)], "another channel's");
    let never_up = events(down, b"\x8f\0\xff\x01\0");
    assert_eq!(spans(&never_up), [(0, 96, 72), (96, 504, 74)], "no longer than strings ring");
    // The left hand plays while the key is held, and goes on after it.
    let held = b"\0\xb0\x40\x7f\0\x90\x48\x40\x18\x30\x40\x18\x30\0\0\x48\0\x30\x4a\x40\x18\x4a\0\0\xb0\x40\0";
    assert_eq!(spans(&one_track(held)), [(0, 48, 72), (24, 96, 48), (96, 120, 74)]);
    let struck_again = one_track(b"\0\xb0\x40\x7f\0\x90\x48\x40\x18\x48\0\x48\x48\x40\x60\x48\0");
    assert_eq!(spans(&struck_again), [(0, 96, 72), (96, 192, 72)]);
}

#[test]
fn running_status_may_go_on_after_a_text() {
    let file = one_track(b"\0\x90\x48\x40\0\xff\x01\x01x\x60\x48\0\0\x4a\x50\0\xff\x01\x01x\x60\x4a\0");
    assert_eq!(spans(&file), [(0, 96, 72), (96, 192, 74)]);
}

#[test]
fn the_words_of_a_karaoke_file_are_lyrics_and_its_title_is_the_songs() {
    let head = b"\0\xff\x03\x0cSoft Karaoke\0\xff\x01\x13@KMIDI KARAOKE FILE";
    let words =
        b"\0\xff\x03\x05Words\0\xff\x01\x0c@TNun danket\0\xff\x01\x05\\Nun \x60\xff\x01\x03dan\x60\xff\x01\x05/ket ";
    let file = read(&file(1, [0, 96], &[head, words, b"\0\x90\x48\x40\x60\x48\0"])).unwrap();
    let lyric = |tick, text: &[u8]| Lyric { tick, verse: 1, text: text.to_vec() };
    assert_eq!(file.tracks[1].lyrics, [lyric(0, b"Nun "), lyric(96, b"dan\r"), lyric(192, b"ket ")]);
    assert_eq!(file.title.as_deref(), Some("Nun danket"));
}

#[test]
fn the_notes_of_an_mpe_zone_are_one_line() {
    let zone = b"\0\xb0\x65\0\0\x64\x06\0\x06\x0f";
    let notes = b"\0\x91\x48\x40\x60\x99\x4a\x40\x20\x81\x48\0\x40\x89\x4a\0";
    let file = one_track(&[&zone[..], notes].concat());
    assert_eq!(spans(&file), [(0, 128, 72), (96, 192, 74)]);
    assert_eq!(file.remarks, ["track 1: its notes wander over the channels 1 to 16 (MPE) and are taken as one line"]);
}

#[test]
fn words_in_the_letters_of_other_systems_are_read_by_how_these_follow_each_other() {
    let song = |name: &str, syllables: &[&str], encoding: &'static encoding_rs::Encoding| {
        let mut events = Vec::new();
        let mut text = |kind: u8, text: &str| {
            let bytes = encoding.encode(text).0;
            events.extend([&[0, 0xff, kind, bytes.len() as u8], &*bytes].concat());
        };
        text(3, name);
        syllables.iter().for_each(|syllable| text(5, syllable));
        events.extend(b"\0\x90\x48\x40\x60\x48\0");
        let source = one_track(&events);
        let lyrics = &source.tracks[0].lyrics;
        let words: Vec<&str> = lyrics.iter().map(|lyric| std::str::from_utf8(&lyric.text).unwrap()).collect();
        assert_eq!((source.tracks[0].name.as_deref(), &words[..]), (Some(name), syllables));
        source.remarks
    };
    let remarks = song("Голос", &["Ти", "ха", "я ", "ночь", ", див", "на", "я "], encoding_rs::WINDOWS_1251);
    let expected = "its words and names seem to be written in windows-1251, which the file does not tell; if they are not, \
                    save it with texts in UTF-8";
    assert_eq!(remarks, [expected]);
    song("صوت", &["لي", "لة ", "صا", "م", "تة ", "مقد", "سة "], encoding_rs::WINDOWS_1256);
    song("うた", &["き", "よ", "し", "こ", "の", "夜"], encoding_rs::SHIFT_JIS);
    assert!(song("Größe", &["schö", "ne "], encoding_rs::UTF_8).is_empty());
    let ignored = one_track(b"\0\xff\x59\x02\x0c\0\0\xff\x51\x03\0\0\0\0\x90\x48\x40\x60\x48\0");
    let said = [
        "a key signature of 12 sharps is ignored: they go from -7 (flats) to 7",
        "a tempo without end (0 microseconds a quarter) is ignored",
    ];
    assert_eq!(ignored.remarks, said);
}

#[test]
fn smpte_time_is_taken_at_two_quarters_a_second() {
    // 25 frames of 40: a millisecond a tick.
    let notes: &[u8] = b"\0\x90\x48\x40\x83\x74\x48\0";
    let milliseconds = read(&file(0, [0xe7, 40], &[notes])).unwrap();
    assert_eq!(milliseconds.directions, [(0, Direction::Tempo(500_000))]);
    assert_eq!(spans(&milliseconds), [(0, u32::from(milliseconds.ticks_per_quarter), 72)], "half a second");
    // 29 stands for 30 frames in 1.001 seconds.
    let drop_frame = read(&file(0, [0xe3, 4], &[notes])).unwrap();
    assert_eq!(drop_frame.directions, [(0, Direction::Tempo(500_500))]);
}

#[test]
fn coarse_ticks_are_made_finer_so_that_sixteenths_exist() {
    let file = read(&file(0, [0, 1], &[b"\0\x90\x48\x40\x02\x48\0"])).unwrap();
    assert_eq!((file.ticks_per_quarter, spans(&file)), (4, vec![(0, 8, 72)]));
}

#[test]
fn each_part_begins_by_choosing_the_program() {
    let programs = |score: &Score| -> Vec<(u8, u8)> {
        let bytes = write(score);
        let smf = midly::Smf::parse(&bytes).unwrap();
        let chosen = smf.tracks.iter().filter_map(|track| match track.get(1)?.kind {
            midly::TrackEventKind::Midi { channel, message: midly::MidiMessage::ProgramChange { program } } => {
                Some((channel.as_int(), program.as_int()))
            }
            _ => None,
        });
        chosen.collect()
    };
    let score = Score { ticks_per_quarter: 480, ..Score::default() };
    assert_eq!(programs(&score), [(0, 52), (1, 52), (2, 52), (3, 52)], "a choir");
    let organ = Score { program: "organ".parse().unwrap(), ..score };
    assert_eq!(programs(&organ), [(0, 19), (1, 19), (2, 19), (3, 19)]);
}

#[test]
fn each_unusable_file_is_told_why() {
    let good = file(0, [0, 96], &[b"\0\x90\x48\x40\x60\x48\0"]);
    let check = |bytes: &[u8], expected: &str| assert_eq!(read(bytes).unwrap_err().to_string(), expected);
    check(b"", "the file is empty");
    check(b"ID3\x04rest", "no MIDI file, which begins with 'MThd', nor MusicXML or ABC: it begins with 'ID3\\u{4}'");
    check(&good[..10], "the file breaks off inside its header");
    check(&good[..good.len() - 5], "the file breaks off: track 1 should hold 11 bytes, 6 are there");
    check(&good[..14], "the file breaks off: its header promises 1 tracks, 0 are there");
    check(
        &file(2, [0, 96], &[b""]),
        "a format 2 file holds independent patterns, not one piece; save it as format 0 or 1",
    );
    check(&file(7, [0, 96], &[b""]), "unknown MIDI file format 7; only 0 and 1 can be read");
    for division in [[0, 0], [0x80, 0], [0x80, 40], [0xe7, 0]] {
        assert!(matches!(read(&file(0, division, &[b""])), Err(ReadError::Division(_))), "{division:?}");
    }
    check(
        &file(0, [0, 96], &[b"\0\x90\x48\x40\0\xf4\0"]),
        "track 1 cannot be read from its byte 4 on (the track has 11)",
    );
    let endless = [b"\xff\xff\xff\x7f\x90\x48\x40\xff\xff\xff\x7f\x48\0".as_slice(); 1];
    check(&file(0, [0, 96], &endless), "track 1 goes on beyond 268435455 ticks");
}

#[test]
fn a_header_that_promises_more_tracks_than_there_are_and_a_length_of_0_are_told() {
    let events = b"\0\x90\x48\x40\x60\x48\0";
    let mut promising = file(1, [0, 96], &[events]);
    promising[11] = 5;
    let read_of = |bytes: &[u8]| {
        let source = read(bytes).unwrap();
        (spans(&source), source.remarks)
    };
    let said = "the file's header promises 5 tracks; 1 track is there and read";
    assert_eq!(read_of(&promising), (vec![(0, 96, 72)], vec![said.into()]));
    let mut unfinished = file(1, [0, 96], &[events, events]);
    for at in [18, 37] {
        assert_eq!(unfinished[at - 4..at], *b"MTrk");
        unfinished[at..at + 4].fill(0);
    }
    let said = [1, 2].map(|track| format!("track {track}: its length is said to be 0; it is read to its end"));
    assert_eq!(read_of(&unfinished), (vec![(0, 96, 72)], said.to_vec()));
    assert_eq!(read(&unfinished).unwrap().tracks.len(), 2);
    unfinished.truncate(unfinished.len() - 4);
    assert_eq!(read(&unfinished).unwrap().tracks[1].channels[&0].len(), 1, "without an end mark");
    // An empty track, and a chunk of another kind.
    let empty = [&file(1, [0, 96], &[events, b""])[..37], b"\0\0\0\0XFIH\0\0\0\x04abcd"].concat();
    assert_eq!(read_of(&empty), (vec![(0, 96, 72)], vec!["track 2 has no end mark".into()]));
}

#[test]
fn a_track_whose_length_is_too_large_is_read_to_its_end_mark_and_that_is_told() {
    let events = b"\0\x90\x48\x40\x60\x48\0\0\xff\x2f\0";
    let read_with = |lengths: [u32; 2]| {
        let mut bytes = file(1, [0, 96], &[b"", b""])[..14].to_vec();
        for length in lengths {
            bytes.extend([&b"MTrk"[..], &length.to_be_bytes(), events].concat());
        }
        read(&bytes)
            .map(|source| (source.tracks.iter().filter(|track| !track.channels.is_empty()).count(), source.remarks))
    };
    let told = |track: usize, length: u32| {
        format!("track {track}: its length is said to be {length}; it is read to its end mark")
    };
    let right = events.len() as u32;
    assert_eq!(read_with([right; 2]), Ok((2, vec![])));
    for wrong in [right + 2, right + 4, right + 12, u32::MAX] {
        assert_eq!(read_with([wrong, right]), Ok((2, vec![told(1, wrong)])), "{wrong}");
        assert_eq!(read_with([right, wrong]), Ok((2, vec![told(2, wrong)])), "{wrong}");
    }
}

#[test]
fn texts_tell_their_encoding_by_a_mark() {
    let named = b"\0\xff\x03\x0a\xff\xfeV\0o\0i\0x\0\0\x90\x48\x40\x60\x48\0";
    assert_eq!(one_track(named).tracks[0].name.as_deref(), Some("Voix"));
    let sung = b"\0\xff\x05\x05\xef\xbb\xbfm\xe4\0\xff\x05\x06\xef\xbb\xbfn\xc3\xa4\0\x90\x48\x40\x60\x48\0";
    let words = one_track(sung).tracks[0].lyrics.clone();
    assert_eq!(words[1].text, "nä".as_bytes());
}

#[test]
fn a_wrapped_file_is_found_and_what_follows_the_last_track_is_ignored() {
    let mut bytes = b"RIFF\x2c\0\0\0RMIDdata\x20\0\0\0".to_vec();
    bytes.extend(file(0, [0, 96], &[b"\0\x90\x48\x40\x60\x48\0"]));
    bytes.extend([0; 37]);
    assert_eq!(spans(&read(&bytes).unwrap()), [(0, 96, 72)]);
}

proptest! {
    #[test]
    fn a_score_comes_back_from_its_file(score in any_score()) {
        let file = read(&write(&score)).unwrap();
        prop_assert_eq!(&file.title, &score.title);
        prop_assert_eq!(file.ticks_per_quarter, score.ticks_per_quarter);
        prop_assert_eq!(&file.directions, &score.directions);
        // Words that look like another encoding are read as that, and said to be.
        let is_told = file.remarks.iter().any(|remark| remark.contains("seem to be written in"));
        let has_marks = score.lyrics.iter().any(|Lyric { text, .. }| {
            let is_marked = matches!(text[..], [b'/' | b'\\' | b'@', ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0xef, 0xbb, 0xbf, ..]);
            let is_held = matches!(text.trim_ascii(), b"+" | b"_");
            is_marked || is_held || text.windows(2).any(|two| matches!(two, b"{@" | b"{#"))
        });
        prop_assert!(is_told || has_marks || file.tracks[1].lyrics == score.lyrics);
        prop_assert_eq!(file.tracks.len(), 5);
        for part in Part::ALL {
            let track = &file.tracks[part.index() + 1];
            prop_assert_eq!(track.name.as_deref(), Some(part.name()));
            let notes = track.channels.get(&(part.index() as u8)).cloned().unwrap_or_default();
            prop_assert_eq!(notes.as_slice(), score.part(part));
        }
        prop_assert_eq!(file.remarks.len(), usize::from(is_told), "{:?}", file.remarks);
    }

    #[test]
    fn damaged_files_are_read_or_refused_without_a_panic(
        score in any_score(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = write(&score);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(file) = read(&bytes) {
            for note in file.tracks.iter().flat_map(|track| track.channels.values().flatten()) {
                prop_assert!(note.start < note.end && note.velocity > 0);
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_or_said_to_lack_tracks(score in any_score(), cut in any::<prop::sample::Index>()) {
        let bytes = write(&score);
        if let Ok(file) = read(&bytes[..cut.index(bytes.len())]) {
            prop_assert!(file.remarks.iter().any(|remark| remark.contains("header promises 5 tracks")), "{:?}", file.remarks);
        }
    }
}
