use chorale::{Part, Phase, Pitch};

use super::*;
use crate::grid::Grid;
use crate::score::{Direction, Metre};
use crate::source::{Source, Track};

fn note(start: Tick, end: Tick, pitch: u8) -> Note {
    Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 80 }
}

/// A name, and the notes of each channel.
type NamedTrack<'a> = (&'a str, &'a [(u8, &'a [Note])]);

/// 480 ticks a quarter.
fn file(tracks: &[NamedTrack]) -> Source {
    let track = |(name, lines): &NamedTrack| Track {
        name: Some((*name).to_owned()).filter(|name| !name.is_empty()),
        channels: lines.iter().map(|(channel, notes)| (channel - 1, notes.to_vec())).collect(),
        ..Track::default()
    };
    let tracks = tracks.iter().map(track).collect();
    Source {
        kind: Kind::Midi,
        title: None,
        creators: Vec::new(),
        below: Vec::new(),
        mode: None,
        names_major: false,
        ticks_per_quarter: 480,
        directions: Vec::new(),
        tracks,
        remarks: Vec::new(),
    }
}

fn pitches(file: &Source, choice: Choice) -> Vec<u8> {
    Melody::find(file, &choice).unwrap().notes.iter().map(|note| note.pitch.midi()).collect()
}

fn track(asked: &str) -> Choice {
    Choice { track: Some(asked.into()), channel: None }
}

fn channel(asked: u8) -> Choice {
    Choice { track: None, channel: Some(asked) }
}

#[test]
fn a_few_high_notes_do_not_take_the_place_of_a_tune() {
    let at = |start: u32, length: u32, pitch: u8| note(480 * start, 480 * (start + length), pitch);
    let pitches_of_tune = [67, 67, 69, 67, 72, 71, 67, 67, 69, 67, 74, 72];
    let tune: Vec<Note> = (0..).zip(pitches_of_tune).map(|(start, pitch)| at(start, 1, pitch)).collect();
    for high in [vec![at(2, 1, 88), at(3, 1, 86), at(4, 1, 88), at(8, 1, 84), at(9, 2, 86)], vec![at(0, 6, 84)]] {
        assert_eq!(pitches(&file(&[("", &[(2, &high)]), ("", &[(1, &tune)])]), Choice::default()), pitches_of_tune);
    }
}

/// Quarters from a pitch up and down.
fn tune_from(lowest: u8) -> Vec<Note> {
    let degrees = [0, 0, 7, 7, 9, 9, 7, 5, 5, 4, 4, 2, 2, 0, 7, 5, 4, 2];
    (0..).zip(degrees).map(|(place, degree)| note(480 * place, 480 * place + 480, lowest + degree)).collect()
}

#[test]
fn three_notes_of_a_flute_do_not_take_the_place_of_the_tubas_tune() {
    let (signal, tune) = ([note(0, 480, 76), note(960, 1440, 74), note(1920, 2400, 72)], tune_from(48));
    let file = file(&[("Tuba", &[(1, &tune)]), ("Flute", &[(2, &signal)])]);
    assert_eq!(Melody::find(&file, &Choice::default()).unwrap().notes, tune);
}

#[test]
fn what_is_called_the_tune_is_it_under_a_descant_or_a_treble_an_octave_higher() {
    let (high, low) = (tune_from(72), tune_from(60));
    for (upper, lower) in [
        ("Soprano descant", "Tune"),
        ("Descant", "Soprano"),
        ("Soprano descant", "Soprano"),
        ("Treble", "Tenor (melody)"),
        ("Treble", "Tenor Air"),
        ("Soprano", "Melody"),
    ] {
        let file = file(&[(upper, &[(1, &high)]), (lower, &[(2, &low)])]);
        assert_eq!(Melody::find(&file, &Choice::default()).unwrap().notes, low, "{upper}, {lower}");
    }
    let flutes = file(&[("Descant recorder", &[(1, &high)]), ("Tenor recorder", &[(2, &low)])]);
    assert_eq!(Melody::find(&flutes, &Choice::default()).unwrap().notes, high, "an instrument");
}

/// Whether the lower of two tunes an octave apart is taken, called so.
fn is_lower_taken(upper: &str, lower: &str) -> bool {
    let file = file(&[(upper, &[(1, &tune_from(72))]), (lower, &[(2, &tune_from(60))])]);
    Melody::find(&file, &Choice::default()).unwrap().notes == tune_from(60)
}

#[test]
fn a_counter_melody_above_does_not_take_the_place_of_a_tune_and_alone_it_is_one() {
    for (upper, lower) in [
        ("Counter-Melody", "Melody"),
        ("C.Melody", "Melody"),
        ("Contre-chant", "Chant"),
        ("Melody fill", "Melody"),
        ("Melody (8va)", "Melody"),
        ("Alto melody", "Melody"),
        ("\u{dc}berstimme", "Stimme"),
        ("Obbligato", "Clarinet"),
    ] {
        assert!(is_lower_taken(upper, lower), "{upper}, {lower}");
    }
    let alone = file(&[("Counter-Melody", &[(1, &tune_from(60))]), ("Piano", &[(2, &[note(0, 8640, 72)])])]);
    assert_eq!(Melody::find(&alone, &Choice::default()).unwrap().notes, tune_from(60));
}

#[test]
fn of_numbered_voices_the_first_is_taken_though_the_second_lies_an_octave_higher() {
    for (second, first) in [
        ("Voix 2", "Voix 1"),
        ("2\u{aa} voz", "1\u{aa} voz"),
        ("Zweite Stimme", "Erste Stimme"),
        ("Второй голос", "Первый голос"),
        ("Lead 2", "Lead 1"),
        ("Vocals 2", "Vocals"),
        ("Violin II", "Violin I"),
    ] {
        assert!(is_lower_taken(second, first), "{second}, {first}");
    }
    assert!(!is_lower_taken("Lead 2", "Bass 1"), "without a first of its kind the second is taken");
    let (high, short) = (tune_from(72), &tune_from(60)[..4]);
    let breaks_off = file(&[("Voice 2", &[(1, &high)]), ("Voice 1", &[(2, short)])]);
    assert_eq!(Melody::find(&breaks_off, &Choice::default()).unwrap().notes, high, "the first hardly sounds");
}

#[test]
fn a_held_sound_that_is_called_a_voice_does_not_take_the_place_of_what_goes_as_a_tune() {
    let held: Vec<Note> =
        (0..5).zip([86, 83, 84, 81, 86]).map(|(bar, it)| note(1920 * bar, 1920 * bar + 1920, it)).collect();
    let tune = tune_from(60);
    for name in
        ["Voice", "Choir", "Air Vox", "Human Voice", "Vocal Stab", "Melody Pad", "Melodic Tom", "Lead 1 (square)"]
    {
        let song = file(&[(name, &[(1, &held)]), ("Clarinet", &[(2, &tune)])]);
        assert_eq!(Melody::find(&song, &Choice::default()).unwrap().notes, tune, "{name}");
        let alone = file(&[(name, &[(1, &held)]), ("Bass", &[(2, &tune_from(36))])]);
        assert_eq!(Melody::find(&alone, &Choice::default()).unwrap().notes, held, "{name} over a bass");
    }
    let mut aahs = file(&[("", &[(1, &held)]), ("", &[(2, &tune)])]);
    aahs.tracks[0].programs.insert(1, 52);
    assert_eq!(Melody::find(&aahs, &Choice::default()).unwrap().notes, tune, "called a voice by its program");
    let firmus = file(&[("Cantus firmus", &[(1, &held)]), ("Flute", &[(2, &tune)])]);
    assert_eq!(Melody::find(&firmus, &Choice::default()).unwrap().notes, held, "the tune may go in long notes");
}

#[test]
fn a_few_notes_that_come_again_to_the_end_are_not_taken_for_the_tune() {
    // With a rest in every third beat, so that it is not even.
    let beats = (0..48_u32).filter(|beat| beat % 3 > 0);
    let riff: Vec<Note> =
        beats.map(|beat| note(480 * beat, 480 * beat + 480, [83, 79, 76, 78][beat as usize % 4])).collect();
    let tune: Vec<Note> = (0..48_u32)
        .zip([0, 2, 4, 5, 4, 2, 0, 0, 2, 4, 2].into_iter().cycle())
        .filter(|(beat, _)| beat % 8 != 7)
        .map(|(beat, degree)| note(480 * beat, 480 * beat + if beat % 8 == 6 { 960 } else { 480 }, 55 + degree))
        .collect();
    let song = file(&[("", &[(1, &riff)]), ("", &[(2, &tune)])]);
    assert_eq!(Melody::find(&song, &Choice::default()).unwrap().notes, tune);
    assert_eq!(Melody::find(&song, &channel(1)).unwrap().notes, riff, "unless it is asked for");
}

#[test]
fn the_melody_is_the_only_line_else_the_one_named_soprano_else_the_highest() {
    let (high, low) = ([note(0, 480, 79)], [note(0, 480, 67)]);
    assert_eq!(pitches(&file(&[("", &[]), ("Bass", &[(4, &low)])]), Choice::default()), [67]);
    let named = file(&[("Flute", &[(1, &high)]), ("Soprano 1", &[(2, &low)])]);
    assert_eq!(pitches(&named, Choice::default()), [67]);
    assert_eq!(pitches(&file(&[("x", &[(1, &low)]), ("S", &[(2, &low)])]), Choice::default()), [67]);
    let unnamed = file(&[("one", &[(1, &low)]), ("two", &[(2, &high), (10, &[note(0, 9, 99)])])]);
    assert_eq!(pitches(&unnamed, Choice::default()), [79], "drums are no melody, however high their keys");
    let remark = Melody::find(&unnamed, &Choice::default()).unwrap().remarks.remove(0);
    assert_eq!(
        remark,
        "melody: track 2 'two' channel 2, for its height; not taken (see --track, --channel): track 1 'one' channel 1"
    );
}

#[test]
fn two_words_over_many_notes_are_no_text() {
    let line = |lowest: u8| -> Vec<Note> {
        (0..100_u32).map(|place| note(480 * place, 480 * place + 480, lowest + (place % 5) as u8)).collect()
    };
    let (high, low) = (line(74), line(67));
    let mut file = file(&[("", &[(1, &high)]), ("", &[(2, &low)])]);
    let lyric = |place: u32| Lyric { tick: 480 * place, verse: 1, text: b"dolce".to_vec() };
    file.tracks[1].lyrics = vec![lyric(3), lyric(30)];
    assert_eq!(Melody::find(&file, &Choice::default()).unwrap().notes, high, "marks of expression");
    file.tracks[1].lyrics = (0..8).map(lyric).collect();
    assert_eq!(Melody::find(&file, &Choice::default()).unwrap().notes, low, "a melisma on each");
}

#[test]
fn drums_alone_are_refused_unless_they_are_asked_for() {
    let keys = [note(0, 240, 36), note(240, 480, 38), note(480, 720, 36), note(720, 960, 38)];
    let drums = file(&[("Beat", &[(10, &keys)]), ("Drum Kit", &[(1, &keys)])]);
    let error = Melody::find(&drums, &Choice::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "the file holds nothing but drums, whose keys are no pitches; if they are meant as pitches, name the track: \
         track 1 'Beat' (4 notes, channel 10); track 2 'Drum Kit' (4 notes, channel 1)"
    );
    assert_eq!(pitches(&drums, track("1")), [36, 38, 36, 38]);
    assert_eq!(pitches(&drums, channel(10)), [36, 38, 36, 38]);
    let scale: Vec<Note> = (0..8).map(|place| note(480 * place, 480 * place + 480, 60 + place as u8)).collect();
    assert_eq!(pitches(&file(&[("Little Drum", &[(1, &scale)])]), Choice::default()).len(), 8, "a title");
}

#[test]
fn a_voice_among_the_drums_is_left_out_and_told() {
    let tune: Vec<Note> = (0..8).map(|place| note(480 * place, 480 * place + 480, 60 + place as u8)).collect();
    let melody =
        Melody::find(&file(&[("Piano", &[(1, &tune)]), ("Vocal", &[(10, &tune)])]), &Choice::default()).unwrap();
    assert!(melody.place.contains("'Piano'"), "{}", melody.place);
    let said = "track 2 'Vocal' channel 10 is left out, since it is set to play drums (channel 10); if its notes are pitches, \
                name it (--track 2)";
    assert_eq!(melody.remarks, [said]);
}

#[test]
fn a_very_short_note_far_below_a_line_is_a_key_switch_and_none_of_its_notes() {
    let tune: Vec<Note> = (0..8).map(|place| note(480 * place, 480 * place + 480, 60 + place as u8)).collect();
    let found = |switch: Note| {
        let mut played = tune.clone();
        played.push(switch);
        played.sort_by_key(|note| (note.start, note.pitch));
        let melody = Melody::find(&file(&[("", &[(1, &played)])]), &Choice::default()).unwrap();
        (melody.notes, melody.remarks)
    };
    let said =
        "track 1 channel 1: 1 note far below all others and very short, as a key switch of a sampler is, is left out";
    for (start, pitch) in [(0, 24), (960, 36), (1900, 41)] {
        assert_eq!(found(note(start, start + 60, pitch)), (tune.clone(), vec![said.into()]), "{start} {pitch}");
    }
    assert_eq!(found(note(3840, 3900, 42)).0.len(), 9, "an octave and a half below is not far");
    assert_eq!(found(note(3840, 3910, 24)).0.len(), 9, "longer than a thirty-second");
}

#[test]
fn a_line_tells_what_it_is_like_and_the_one_that_is_taken_why() {
    let chords = [note(0, 960, 60), note(0, 960, 64), note(960, 1920, 62), note(960, 1920, 65)];
    let tune = [note(0, 480, 72), note(480, 960, 74), note(960, 1440, 76)];
    let mut file = file(&[("Piano", &[(1, &chords)]), ("Vocals", &[(2, &tune)]), ("Kit", &[(10, &chords)])]);
    file.tracks[1].lyrics = vec![Lyric { tick: 0, verse: 1, text: b"la".to_vec() }];
    let Inspection { lines, remarks } = inspect(&file, &Choice::default()).unwrap();
    let [piano, vocals, kit] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((piano.notes, piano.at_once, piano.words), (4, 2, 0));
    assert_eq!((piano.lowest.to_string(), piano.highest.to_string()), ("C4".into(), "F4".into()));
    assert_eq!((vocals.track, vocals.channel, vocals.words, vocals.coverage), (2, 2, 1, 0.75));
    assert_eq!(vocals.taken.as_deref(), Some("for its words and its name"));
    assert!(piano.taken.is_none() && kit.taken.is_none() && kit.is_percussion && !vocals.is_percussion);
    assert!(remarks.is_empty(), "{remarks:?}");
    let only = inspect(&file, &track("1")).unwrap();
    assert_eq!(only.lines[0].taken.as_deref(), Some("as it was asked for"));
    assert!(
        only.remarks[0].starts_with("track 1 'Piano' channel 1 has several notes at once: its top line of 2 notes")
    );
    let drums = self::file(&[("Kit", &[(10, &chords)])]);
    let Inspection { lines, remarks } = inspect(&drums, &Choice::default()).unwrap();
    assert!(lines[0].taken.is_none() && remarks[0].starts_with("the file holds nothing but drums"), "{remarks:?}");
}

#[test]
fn a_line_that_has_no_rival_tells_whether_it_is_alone_or_was_asked_for() {
    let (tune, beat) = ([note(0, 480, 72), note(480, 960, 74)], [note(0, 480, 36)]);
    let why = |file: &Source, choice: &Choice| {
        let lines = inspect(file, choice).unwrap().lines;
        lines.into_iter().find_map(|line| line.taken).unwrap()
    };
    let alone = file(&[("Tune", &[(1, &tune)])]);
    assert_eq!([why(&alone, &Choice::default()), why(&alone, &channel(1))], ["the only line", "the only line"]);
    let two = file(&[("Tune", &[(1, &tune)]), ("Other", &[(2, &tune)])]);
    assert_eq!([why(&two, &channel(2)), why(&two, &track("Tune"))], ["as it was asked for", "as it was asked for"]);
    let with_drums = file(&[("Tune", &[(1, &tune)]), ("", &[(10, &beat)])]);
    assert_eq!(why(&with_drums, &Choice::default()), "the only line besides drums");
    let chord = file(&[("Tune", &[(1, &[note(0, 480, 72), note(0, 480, 67)])])]);
    let remarks = inspect(&chord, &Choice::default()).unwrap().remarks;
    let said =
        "track 1 'Tune' channel 1 has several notes at once: its top line of 1 note is taken, 1 below it is left out";
    assert_eq!(remarks, [said]);
}

#[test]
fn words_under_the_alto_alone_are_the_sopranos_too_and_those_under_a_lower_line_its_own() {
    let (high, low) = (tune_from(67), tune_from(60));
    let words: Vec<Lyric> = low.iter().map(|note| Lyric { tick: note.start, verse: 1, text: b"la".to_vec() }).collect();
    for (upper, taken) in [("Soprano", &high), ("", &low), ("Flute", &low)] {
        let mut file = file(&[(upper, &[(1, &high)]), ("Alto", &[(2, &low)])]);
        file.tracks[1].lyrics.clone_from(&words);
        let melody = Melody::find(&file, &Choice::default()).unwrap();
        assert_eq!((&melody.notes, &melody.lyrics), (taken, &words), "{upper}");
        let are_told = melody.remarks.iter().any(|remark| remark == "its words are those of track 2 'Alto'");
        assert_eq!(are_told, taken == &high, "{:?}", melody.remarks);
    }
}

#[test]
fn in_books_of_shape_notes_the_tune_is_in_the_tenor_and_in_a_choir_of_boys_in_the_treble() {
    let voices: Vec<Vec<Note>> = [72, 67, 60, 48].map(tune_from).to_vec();
    for names in [["Treble", "Counter", "Tenor", "Bass"], ["Tr.", "COUNTER", "Tenor 1", "Bass"]] {
        let mut book = file(&[("", &[]), ("", &[]), ("", &[]), ("", &[])]);
        for ((track, name), notes) in book.tracks.iter_mut().zip(names).zip(&voices) {
            track.name = Some(name.into());
            track.channels.insert(0, notes.clone());
        }
        assert_eq!(pitches(&book, Choice::default())[0], 60, "{names:?}");
    }
    let boys = file(&[
        ("Treble", &[(1, &voices[0])]),
        ("Alto", &[(2, &voices[1])]),
        ("Tenor", &[(3, &voices[2])]),
        ("Bass", &[(4, &voices[3])]),
    ]);
    assert_eq!(pitches(&boys, Choice::default())[0], 72);
}

#[test]
fn words_under_the_tenor_alone_are_his_and_he_has_the_tune() {
    let (high, low) = (tune_from(72), tune_from(60));
    let words: Vec<Lyric> = low.iter().map(|note| Lyric { tick: note.start, verse: 1, text: b"la".to_vec() }).collect();
    let mut file = file(&[("Soprano", &[(1, &high)]), ("Tenor", &[(2, &low)])]);
    file.tracks[1].lyrics.clone_from(&words);
    let melody = Melody::find(&file, &Choice::default()).unwrap();
    assert_eq!((&melody.notes, &melody.lyrics), (&low, &words));
    assert!(Melody::find(&file, &track("Soprano")).unwrap().lyrics.is_empty());
    // Over tenor and bass they stand between the staves.
    file.tracks[1].name = Some("Tenor/Bass".into());
    let melody = Melody::find(&file, &Choice::default()).unwrap();
    assert_eq!((&melody.notes, &melody.lyrics), (&high, &words));
    let lines = inspect(&file, &Choice::default()).unwrap().lines;
    assert_eq!(lines.iter().map(|line| (line.words, line.words_of)).collect::<Vec<_>>(), [(0, Some(2)), (18, None)]);
}

#[test]
fn figures_under_a_bass_are_no_words() {
    let lines = [[note(0, 480, 72), note(480, 960, 74)], [note(0, 480, 48), note(480, 960, 50)]];
    let mut file = file(&[("", &[(1, &lines[0])]), ("", &[(2, &lines[1])])]);
    let lyric = |tick, text: &[u8]| Lyric { tick, verse: 1, text: text.to_vec() };
    for [first, second] in [["6", "#"], ["I", "V6"], ["5 3", "7b"]] {
        file.tracks[1].lyrics = vec![lyric(0, first.as_bytes()), lyric(480, second.as_bytes())];
        assert_eq!(pitches(&file, Choice::default()), [72, 74], "{first} {second}");
    }
    file.tracks[1].lyrics = vec![lyric(0, b"In"), lyric(480, b"vain")];
    assert_eq!(pitches(&file, Choice::default()), [48, 50]);
}

#[test]
fn of_many_other_lines_some_are_listed() {
    let lines: Vec<[Note; 1]> = (0..7).map(|line| [note(0, 480, 60 + line)]).collect();
    let channels: Vec<(u8, &[Note])> = (1..).zip(&lines).map(|(channel, notes)| (channel, &notes[..])).collect();
    let melody = Melody::find(&file(&[("", &channels)]), &Choice::default()).unwrap();
    assert!(melody.remarks[0].ends_with("track 1 channel 3, track 1 channel 4, 2 more"), "{:?}", melody.remarks);
    assert_eq!(melody.place, "track 1 channel 7, of 7 lines");
}

#[test]
fn notes_that_ring_on_under_a_pedal_are_all_kept() {
    // Each goes on for a quarter under the next one; the same pitch again ends the first.
    let pitches = [72, 74, 76, 77, 79, 79, 81, 79, 77, 76, 74, 74, 72];
    let ringing: Vec<Note> =
        (0..).step_by(480).zip(pitches).map(|(start, pitch)| note(start, start + 960, pitch)).collect();
    let melody = Melody::find(&file(&[("", &[(1, &ringing)])]), &Choice::default()).unwrap();
    assert_eq!(melody.notes.iter().map(|note| note.pitch.midi()).collect::<Vec<_>>(), pitches);
    assert!(melody.notes.windows(2).all(|two| two[0].end == two[1].start));
    assert!(melody.remarks[0].contains("ring on"), "{:?}", melody.remarks);
}

#[test]
fn words_that_come_a_little_late_belong_to_the_note_before() {
    let lyric = |tick| Lyric { tick, verse: 1, text: b"la".to_vec() };
    let mut file = file(&[("", &[(1, &[note(0, 480, 72), note(480, 960, 74)])])]);
    file.tracks[0].lyrics = vec![lyric(30), lyric(450)];
    let ticks: Vec<Tick> =
        Melody::find(&file, &Choice::default()).unwrap().lyrics.iter().map(|lyric| lyric.tick).collect();
    assert_eq!(ticks, [0, 480]);
}

#[test]
fn a_track_is_found_by_number_name_or_part_of_a_name_and_a_channel_by_number() {
    let [first, second, third] = [72, 60, 64].map(|pitch| [note(0, 480, pitch)]);
    let file = file(&[("Violin", &[(1, &first)]), ("Viola", &[(2, &second), (3, &third)]), ("Notes", &[])]);
    assert_eq!(pitches(&file, track("1")), [72]);
    assert_eq!(pitches(&file, track("viola")), [64], "the higher of its two channels");
    assert_eq!(pitches(&file, track("OLIN")), [72]);
    assert_eq!(pitches(&file, channel(2)), [60]);
    let available =
        "track 1 'Violin' (1 note, channel 1); track 2 'Viola' (2 notes, channels 2, 3); track 3 'Notes' (no notes)";
    let check = |choice: Choice, expected: &str| {
        let error = Melody::find(&file, &choice).unwrap_err().to_string();
        assert_eq!(error, format!("{expected}{available}"));
    };
    check(track("4"), "no track '4'; there are: ");
    check(track("cello"), "no track 'cello'; there are: ");
    check(track("vio"), "'vio' names several tracks; choose one by number: ");
    check(track("3"), "track 3 holds no notes; there are: ");
    check(channel(9), "no notes on channel 9 of the file; there are: ");
    check(Choice { channel: Some(3), ..track("1") }, "no notes on channel 3 of track 1; there are: ");
    assert_eq!(Melody::find(&self::file(&[("", &[])]), &track("1")), Err(MelodyError::NoNotes));
}

#[test]
fn of_a_track_in_several_parts_the_top_is_the_melody() {
    // A quarter-note tune over a held third, the fingers not quite together.
    let piano = [note(0, 470, 72), note(5, 1900, 64), note(480, 960, 74), note(500, 960, 67), note(960, 1920, 76)];
    assert_eq!(pitches(&file(&[("", &[(1, &piano)])]), Choice::default()), [72, 74, 76]);
    let legato = [note(0, 520, 76), note(480, 1000, 74), note(960, 1440, 72)];
    assert_eq!(pitches(&file(&[("", &[(1, &legato)])]), Choice::default()), [76, 74, 72]);
}

/// Start and end tick, pitch and re-strike of every step.
fn step_list(notes: &[Note]) -> Vec<(Tick, Tick, u8, bool)> {
    let melody = Melody { notes: notes.to_vec(), ..Melody::default() };
    let grid = Grid::new(480, &[(0, Direction::Metre(Metre::FOUR_FOUR))], melody.first_onset());
    let steps = steps(&melody, &grid).unwrap();
    steps.iter().map(|step| (step.start, step.end, step.soprano.midi(), step.restruck)).collect()
}

#[test]
fn a_note_fills_its_steps_and_only_the_same_pitch_again_is_a_restrike() {
    let steps = step_list(&[note(0, 240, 72), note(240, 360, 72), note(360, 480, 74)]);
    assert_eq!(steps, [(0, 120, 72, false), (120, 240, 72, false), (240, 360, 72, true), (360, 480, 74, false)]);
}

#[test]
fn steps_begin_with_onsets_that_lie_off_the_grid() {
    // A triplet of eighths.
    let steps = step_list(&[note(0, 160, 72), note(160, 320, 74), note(320, 480, 76)]);
    assert_eq!(steps, [(0, 160, 72, false), (160, 240, 74, false), (240, 320, 74, false), (320, 480, 76, false)]);
}

#[test]
fn of_notes_faster_than_sixteenths_the_longest_stands_for_the_step() {
    let steps = step_list(&[note(0, 30, 74), note(30, 120, 72), note(120, 180, 74), note(180, 360, 76)]);
    assert_eq!(steps, [(0, 120, 72, false), (120, 240, 74, false), (240, 360, 76, false)]);
}

#[test]
fn a_gap_shorter_than_a_quarter_goes_on_sounding_and_a_longer_one_is_a_rest() {
    let steps = step_list(&[note(480, 500, 72), note(979, 1100, 74), note(1580, 1600, 76)]);
    let expected = [
        (480, 600, 72, false),
        (600, 720, 72, false),
        (720, 840, 72, false),
        (840, 979, 72, false),
        (979, 1100, 74, false),
        (1580, 1600, 76, false),
    ];
    assert_eq!(steps, expected);
}

#[test]
fn steps_tell_fermatas_breaths_ends_of_lines_and_where_a_beat_is_divided_by_three() {
    let notes = [note(0, 160, 72), note(160, 320, 74), note(320, 480, 76), note(480, 720, 77), note(720, 960, 76)];
    let phrasing = Phrasing { breaths: vec![480], ..Phrasing::default() };
    let (notes, fermatas, line_ends) = (notes.to_vec(), vec![720], vec![320]);
    let melody = Melody { notes, fermatas, phrasing, line_ends, ..Melody::default() };
    let grid = Grid::new(480, &[(0, Direction::Metre(Metre::FOUR_FOUR))], 0);
    let steps = steps(&melody, &grid).unwrap();
    let flags = |flag: fn(&MelodyStep) -> bool| steps.iter().map(|step| u8::from(flag(step))).collect::<Vec<_>>();
    assert_eq!(flags(|step| step.fermata), [0, 0, 0, 0, 0, 0, 1, 1]);
    assert_eq!(flags(|step| step.breath), [0, 0, 0, 0, 1, 1, 0, 0]);
    assert_eq!(flags(|step| step.line_end), [0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(flags(|step| step.in_triplet), [0, 0, 1, 0, 0, 0, 0, 0]);
    // Played a little late, a note divides nothing.
    let late = Melody { notes: vec![note(0, 480, 72), note(500, 960, 74)], ..Melody::default() };
    assert!(super::steps(&late, &grid).unwrap().iter().all(|step| !step.in_triplet));
}

#[test]
fn a_pickup_is_told_as_the_last_beat_before_a_bar_and_has_all_the_steps_of_one() {
    let pickup = |(length, unit): (u8, u8), (numerator, denominator): (u8, u8)| {
        let metre = |numerator: u8, denominator: u8| {
            Direction::Metre(Metre { numerator, denominator_log2: denominator.ilog2() as u8, ..Metre::FOUR_FOUR })
        };
        let bar_line = 1920 / Tick::from(unit) * Tick::from(length);
        let directions = [(0, metre(length, unit)), (bar_line, metre(numerator, denominator))];
        let notes = vec![note(0, bar_line, 67), note(bar_line, bar_line + 960, 72)];
        let melody = Melody { notes, ..Melody::default() };
        let steps = steps(&melody, &Grid::new(480, &directions, 0)).unwrap();
        assert!(steps.windows(2).all(|two| two[0].end == two[1].start && two[0].position + 1 == two[1].position));
        assert_eq!((steps[0].start, steps[4].start), (0, bar_line));
        steps.iter().map(|step| step.phase).take(5).collect::<Vec<_>>()
    };
    let in_bar = [12, 13, 14, 15, 0].map(Phase::in_bar);
    let in_beat = [0, 1, 2, 3, 0].map(Phase::in_beat);
    assert_eq!(pickup((1, 8), (6, 8)), in_bar);
    assert_eq!(pickup((1, 4), (6, 4)), in_bar);
    assert_eq!(pickup((3, 8), (6, 8)), in_bar, "a whole beat");
    assert_eq!(pickup((1, 8), (9, 8)), in_beat);
    assert_eq!(pickup((1, 8), (3, 4)), in_beat);
    assert_eq!(pickup((1, 8), (4, 4)), in_bar);
    assert_eq!(pickup((1, 16), (4, 4)), in_bar);
    assert_eq!(pickup((1, 4), (2, 4)), in_bar);
    assert_eq!(pickup((1, 2), (2, 2)), in_bar, "halves");
}

#[test]
fn four_parts_are_found_in_chords_on_two_staves() {
    // The alto holds over the soprano's second note; the bass rests under the tenor's last one.
    let upper = [note(0, 480, 67), note(0, 480, 72), note(480, 960, 67), note(480, 720, 74), note(720, 960, 76)];
    let lower = [note(0, 480, 48), note(0, 480, 64), note(480, 720, 47), note(480, 720, 62), note(720, 960, 60)];
    let file = file(&[("Piano", &[(1, &upper), (2, &lower)])]);
    let parts = four_parts(&file).unwrap().map(|part| part.iter().map(|note| note.pitch.midi()).collect::<Vec<_>>());
    assert_eq!(parts, [vec![72, 74, 76], vec![67, 67], vec![64, 62, 60], vec![48, 47]]);
    let three = self::file(&[("Piano", &[(1, &upper)]), ("Bass", &[(2, &[note(0, 960, 48)])])]);
    assert!(matches!(four_parts(&three), Err(MelodyError::NotFourParts { .. })));
    assert_eq!(named_choir(&three), None);
    let cluster: Vec<Note> = (60..70).map(|pitch| note(0, 480, pitch)).collect();
    assert!(four_parts(&self::file(&[("Organ", &[(1, &cluster)])])).is_err());
}

#[test]
fn words_may_stand_in_a_track_of_their_own() {
    let lyric = |text: &str| Lyric { tick: 0, verse: 1, text: text.as_bytes().to_vec() };
    let mut file = file(&[("Words", &[]), ("Melody", &[(1, &[note(0, 480, 72)])])]);
    file.tracks[0].lyrics = vec![lyric("Nun")];
    let words = |file: &Source| Melody::find(file, &Choice::default()).unwrap().lyrics;
    assert_eq!(words(&file), [lyric("Nun")]);
    file.tracks[1].lyrics = vec![lyric("Lobt")];
    assert_eq!(words(&file), [lyric("Lobt")]);
}

#[test]
fn a_melody_out_of_range_is_moved_by_octaves_as_a_whole_or_else_note_by_note() {
    let step = |&pitch: &u8| MelodyStep {
        position: 0,
        phase: Phase::in_bar(0),
        start: 0,
        end: 1,
        soprano: Pitch::new(pitch).unwrap(),
        velocity: 80,
        restruck: false,
        fermata: false,
        breath: false,
        line_end: false,
        in_triplet: false,
    };
    let steps = |pitches: &[u8]| pitches.iter().map(step).collect::<Vec<_>>();
    let (fold, shift) =
        (|pitches: &[u8]| Fold::of(&steps(pitches)), |pitches: &[u8]| Fold::with_shift(&steps(pitches)));
    assert_eq!(fold(&[60, 81]), Fold::Whole(0));
    assert_eq!(fold(&[48, 55]), Fold::Whole(1));
    assert_eq!(fold(&[90, 96]), Fold::Whole(-2));
    assert_eq!(fold(&[50, 80]), Fold::NoteByNote);
    assert_eq!(
        [shift(&[60, 81]), shift(&[58, 75]), shift(&[65, 84])],
        [Fold::Whole(0), Fold::Shift(2), Fold::Shift(-3)]
    );
    assert_eq!(
        [shift(&[48, 55]), shift(&[52, 72]), shift(&[50, 80])],
        [Fold::Whole(1), Fold::Shift(8), Fold::NoteByNote]
    );
    // High above a choir the other parts stay near to where it sings.
    assert_eq!([shift(&[76, 95]), shift(&[70, 88])], [Fold::Shift(-14), Fold::Shift(-10)]);
    let octaves = |pitches: &[u8]| Fold::octaves_up(&steps(pitches), Part::Soprano.range());
    let range = Part::Soprano.range();
    assert_eq!(
        [[55, 69], [54, 69], [60, 81], [55, 81]].map(|it| Fold::dips(&steps(&it), range)),
        [true, false, false, false]
    );
    assert_eq!(Fold::semitones_up(&steps(&[48, 60]), range), Some(12));
    assert_eq!([[55, 79], [60, 72]].map(|it| Fold::semitones_up(&steps(&it), range)), [None, None]);
    assert_eq!([[60, 81], [55, 75], [52, 72], [45, 59], [40, 54], [50, 80]].map(|it| octaves(&it)), [0, 0, 1, 1, 2, 0]);
    let apply = |fold: Fold, pitch: u8| {
        let (token, octaves) = fold.apply(Pitch::new(pitch).unwrap());
        (token.pitch().unwrap().midi(), octaves)
    };
    assert_eq!([apply(Fold::Whole(1), 55), apply(Fold::Whole(-1), 90)], [(67, 12), (78, 0)]);
    assert_eq!([apply(Fold::Shift(2), 58), apply(Fold::Shift(-3), 84)], [(60, 2), (81, -3)]);
    assert_eq!([apply(Fold::Shift(-14), 95), apply(Fold::Shift(-10), 70)], [(81, -2), (60, 2)]);
    assert_eq!([apply(Fold::NoteByNote, 50), apply(Fold::NoteByNote, 80)], [(62, 12), (80, 0)]);
}
