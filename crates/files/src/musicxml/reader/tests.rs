use super::super::archive::compress;
use super::*;
use crate::grid::Grid;
use crate::score::{Metre, Tick};

/// A score of one part, `P1`, with the given measures.
pub(super) fn score(measures: &[&str]) -> String {
    let measures: Vec<String> = (1..)
        .zip(measures)
        .map(|(number, content)| format!("<measure number=\"{number}\">{content}</measure>"))
        .collect();
    format!(
        "<?xml version=\"1.0\"?><!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 3.1 Partwise//EN\" \
         \"http://www.musicxml.org/dtds/partwise.dtd\"><score-partwise><part-list><score-part id=\"P1\">\
         <part-name>Voice</part-name></score-part></part-list><part id=\"P1\">{}</part></score-partwise>",
        measures.join("")
    )
}

pub(super) const ATTRIBUTES: &str = "<attributes><divisions>2</divisions><key><fifths>-3</fifths><mode>minor</mode></key>\
                          <time><beats>4</beats><beat-type>4</beat-type></time></attributes>";

/// `step` and `octave` such as `C5`, length in divisions, and what else belongs into the note.
pub(super) fn note(name: &str, length: u32, more: &str) -> String {
    let (step, octave) = name.split_at(1);
    format!(
        "<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{length}</duration>{more}</note>"
    )
}

pub(super) fn spans(source: &Source) -> Vec<(Tick, Tick, u8)> {
    let lines = source.tracks[0].channels.values().next().unwrap();
    lines.iter().map(|note| (note.start, note.end, note.pitch.midi())).collect()
}

pub(super) fn read_text(text: &str) -> Source {
    read(text.as_bytes()).unwrap()
}

/// Found by fuzzing: their common multiple overflowed.
#[test]
fn divisions_beyond_all_measure_are_refused_by_name() {
    let attributes = "<attributes><divisions>18446744073709551615</divisions></attributes>";
    let error = read(score(&[&[attributes, &note("C5", 4, "")].concat()]).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("18446744073709551615"), "{error}");
}

#[test]
fn notes_ties_key_metre_words_and_fermatas_are_read() {
    let first = format!(
        "{ATTRIBUTES}<direction><sound tempo=\"72\"/></direction>{}{}",
        note("C5", 4, "<lyric number=\"1\"><syllabic>begin</syllabic><text>dan</text></lyric>"),
        note("D5", 4, "<tie type=\"start\"/><lyric number=\"1\"><syllabic>end</syllabic><text>ket</text></lyric>"),
    );
    let second = format!(
        "{}<note><rest/><duration>2</duration></note>{}",
        note("D5", 2, "<tie type=\"stop\"/>"),
        "<note><pitch><step>E</step><alter>-1</alter><octave>5</octave></pitch><duration>4</duration>\
         <notations><fermata/></notations></note>"
    );
    let source = read_text(&score(&[&first, &second]));
    assert_eq!(spans(&source), [(0, 960, 72), (960, 2400, 74), (2880, 3840, 75)]);
    let track = &source.tracks[0];
    assert_eq!(track.name.as_deref(), Some("Voice"));
    assert_eq!(track.fermatas, [2880]);
    assert_eq!(track.spellings[&(2880, 75)].to_string(), "Eb5");
    let words: Vec<(Tick, &[u8])> = track.lyrics.iter().map(|lyric| (lyric.tick, lyric.text.as_slice())).collect();
    assert_eq!(words, [(0, b"dan-".as_slice()), (960, b"ket")]);
    let expected = [
        (0, Direction::Metre(Metre::FOUR_FOUR)),
        (0, Direction::Tempo(833_333)),
        (0, Direction::Key { sharps: -3, minor: true }),
    ];
    assert_eq!(source.directions, expected);
}

#[test]
fn breath_marks_and_ends_of_text_lines_reach_the_melody() {
    let breath = "<notations><articulations><breath-mark/></articulations></notations>";
    let word = |text: &str, end: &str| format!("<lyric><syllabic>single</syllabic><text>{text}</text>{end}</lyric>");
    let measure = format!(
        "{ATTRIBUTES}{}{}{}{}",
        note("C5", 2, &word("O", "")),
        note("D5", 2, &word("Lord", "<end-line/>")),
        note("E5", 2, &[breath, &word("my", "")].concat()),
        note("F5", 2, &word("God", "")),
    );
    let source = read_text(&score(&[&measure]));
    let melody = crate::melody::Melody::find(&source, &crate::melody::Choice::default()).unwrap();
    assert_eq!((melody.phrasing.breaths, melody.line_ends), (vec![960], vec![480]));
}

#[test]
fn chords_backups_voices_and_transposition_are_understood() {
    let both = format!(
        "{ATTRIBUTES}<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>{}{}<backup><duration>8</duration></backup>{}",
        note("E5", 8, "<voice>1</voice>"),
        note("C5", 8, "<voice>1</voice>").replace("<note>", "<note><chord/>"),
        note("G4", 8, "<voice>2</voice>"),
    );
    let source = read_text(&score(&[&both]));
    assert_eq!(source.tracks[0].channels.len(), 2);
    assert_eq!(spans(&source), [(0, 1920, 70), (0, 1920, 74)]);
    assert_eq!(source.tracks[0].channels[&1][0].pitch.midi(), 65);
}

#[test]
fn a_tune_that_wanders_between_voice_numbers_is_one_and_small_notes_beside_it_are_not_its() {
    let voice = |number: u32| format!("<voice>{number}</voice>");
    let bar = |name: &str, number: u32| note(name, 2, &voice(number)).repeat(4);
    let wandering = score(&[
        &format!("{ATTRIBUTES}{}", bar("C5", 1)),
        &bar("D5", 2),
        &bar("E5", 1),
        &format!("{}{}", note("F5", 4, &voice(2)), note("G5", 4, &voice(1))),
    ]);
    let source = read_text(&wandering);
    assert_eq!(spans(&source).len(), 14);
    assert_eq!(source.tracks[0].channels.len(), 1);
    let rest = format!("<note><rest/><duration>8</duration>{}</note>", voice(1));
    let cue = format!("{rest}<backup><duration>8</duration></backup>{}", bar("B5", 2));
    let with_cue = score(&[
        &format!("{ATTRIBUTES}{}", bar("C5", 1)),
        &bar("D5", 1),
        &bar("E5", 1),
        &bar("D5", 1),
        &bar("C5", 1),
        &cue,
        &bar("C5", 1),
    ]);
    let source = read_text(&with_cue);
    assert_eq!(spans(&source).len(), 24);
    assert_eq!(source.tracks[0].channels.len(), 2);
    assert_eq!(source.tracks[0].places[&1], crate::source::Place { staff: 1, voice: "2".into() });
    let melody = crate::melody::Melody::find(&source, &crate::melody::Choice::default()).unwrap();
    assert_eq!(melody.notes.len(), 24, "the cue is not the melody");
}

#[test]
fn a_part_without_a_name_has_that_of_its_instrument() {
    let instrument =
        "<part-name/><score-instrument id=\"I1\"><instrument-name>Voice</instrument-name></score-instrument>";
    let text = score(&[&note("C5", 4, "")]).replace("<part-name>Voice</part-name>", instrument);
    assert_eq!(read_text(&text).tracks[0].name.as_deref(), Some("Voice"));
}

#[test]
fn notes_to_choose_from_in_a_second_voice_do_not_replace_the_tune() {
    let voice = |name: &str, number: u32| note(name, 2, &format!("<voice>{number}</voice>")).repeat(4);
    let back = "<backup><duration>8</duration></backup>";
    let plain: Vec<String> = ["D5", "E5", "F5"].iter().map(|name| voice(name, 1)).collect();
    let with_choice = format!("{}{back}{}", voice("C5", 1), voice("A5", 2));
    let bars = [
        format!("{ATTRIBUTES}{with_choice}"),
        plain[0].clone(),
        with_choice.clone(),
        plain[1].clone(),
        plain[2].clone(),
    ];
    let source = read_text(&score(&bars.each_ref().map(String::as_str)));
    let find = |channel| crate::melody::Melody::find(&source, &crate::melody::Choice { track: None, channel }).unwrap();
    assert_eq!(find(None).notes.len(), 20);
    assert!(find(None).notes.iter().all(|note| note.pitch.midi() < 80));
    assert_eq!(find(Some(2)).notes.len(), 8, "unless they are asked for");
}

/// A bar of four quarters on one staff, `upper` and `lower`, with a syllable under each note of a voice that has words.
fn two_voices(upper: (&str, &str), lower: (&str, &str)) -> String {
    let voice = |number: u32, (notes, words): (&str, &str)| -> String {
        let words = words.split_whitespace().map(Some).chain(std::iter::repeat(None));
        let sung = |(name, word): (&str, Option<&str>)| {
            let word = word.map(|word| format!("<lyric><syllabic>single</syllabic><text>{word}</text></lyric>"));
            note(name, 2, &format!("<voice>{number}</voice>{}", word.unwrap_or_default()))
        };
        notes.split_whitespace().zip(words).map(sung).collect()
    };
    format!("{ATTRIBUTES}{}<backup><duration>8</duration></backup>{}", voice(1, upper), voice(2, lower))
}

#[test]
fn of_two_voices_on_a_staff_the_one_with_words_is_the_melody_where_the_other_has_none() {
    let (high, low) = ("G4 G4 G4 A4", "C4 D4 E4 F4");
    let taken = |upper: (&str, &str), lower: (&str, &str)| {
        let bar = two_voices(upper, lower);
        let source = read_text(&score(&[&bar, &bar]));
        let melody = crate::melody::Melody::find(&source, &crate::melody::Choice::default()).unwrap();
        let words: Vec<String> =
            melody.lyrics.iter().map(|lyric| String::from_utf8_lossy(&lyric.text).into()).collect();
        (melody.place.clone(), words[..words.len() / 2].join(" "))
    };
    let [first, second] = ["part 1 'Voice' line 1, of 2 lines", "part 1 'Voice' line 2, of 2 lines"].map(str::to_owned);
    let words = |text: &str| text.to_owned();
    assert_eq!(taken((high, ""), (low, "la le lo lu")), (second.clone(), words("la le lo lu")), "below alone");
    assert_eq!(taken((high, "la le lo lu"), (low, "")), (first.clone(), words("la le lo lu")), "above alone");
    assert_eq!(taken((high, "la le lo lu"), (low, "da de do du")), (first.clone(), words("la le lo lu")), "both");
    assert_eq!(taken((high, ""), (low, "")), (first.clone(), words("")), "neither");
    assert_eq!(taken((high, "la le"), (low, "da de do du")), (first, words("la le do du")), "the rest is shared");
    // A descant, and below it a tune that rests in every other bar.
    let with_words = two_voices(("C5 D5 E5 F5", ""), ("E4 F4 G4 F4", "la le lo lu"));
    let without = two_voices(("E5 D5 C5 D5", ""), ("E4 F4", "la le"));
    let source = read_text(&score(&[&with_words, &without, &with_words, &without]));
    let melody = crate::melody::Melody::find(&source, &crate::melody::Choice::default()).unwrap();
    assert_eq!((melody.place, melody.notes.len()), (second, 12), "it is no cue");
}

#[test]
fn words_between_two_staves_are_those_of_the_voice_under_which_they_stand() {
    let voice = |name: &str, number: u32, staff: u32, word: &str| {
        let lyric = format!("<lyric><syllabic>single</syllabic><text>{word}</text></lyric>");
        let more = if word.is_empty() { String::new() } else { lyric };
        note(name, 2, &format!("<voice>{number}</voice><staff>{staff}</staff>{more}")).repeat(4)
    };
    let back = "<backup><duration>8</duration></backup>";
    let bar = [voice("C5", 1, 1, "la"), voice("A4", 2, 1, ""), voice("E4", 3, 2, ""), voice("C3", 4, 2, "")].join(back);
    let source = read_text(&score(&[&[ATTRIBUTES, &bar].concat()]));
    let lines = crate::melody::inspect(&source, &crate::melody::Choice::default()).unwrap().lines;
    assert_eq!(lines.iter().map(|line| line.words).collect::<Vec<_>>(), [4, 0, 0, 0]);
    assert_eq!(lines[0].taken.as_deref(), Some("for its words"));
}

#[test]
fn the_line_that_is_asked_for_has_its_own_words() {
    let bar = two_voices(("G4 G4 G4 A4", "la le lo lu"), ("C4 D4 E4 F4", "da de do du"));
    let source = read_text(&score(&[&bar]));
    let of_line = |channel| {
        let choice = crate::melody::Choice { track: None, channel: Some(channel) };
        let words = crate::melody::Melody::find(&source, &choice).unwrap().lyrics;
        words.iter().map(|lyric| String::from_utf8_lossy(&lyric.text).into_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([of_line(1), of_line(2)], ["la le lo lu", "da de do du"]);
}

#[test]
fn words_go_with_the_notes_that_go_on_in_another_voice() {
    let word = "<lyric><syllabic>single</syllabic><text>la</text></lyric>";
    let voice =
        |name: &str, number: u32, more: &str| note(name, 2, &format!("<voice>{number}</voice>{more}")).repeat(4);
    let alto = |name: &str| format!("<backup><duration>8</duration></backup>{}", voice(name, 2, ""));
    // The tune stands in the second voice wherever the first is silent.
    let source = read_text(&score(&[
        &format!("{ATTRIBUTES}{}{}", voice("C5", 1, ""), alto("E4")),
        &voice("D5", 2, word),
        &voice("E5", 2, word),
    ]));
    assert_eq!(source.tracks[0].channels.values().map(Vec::len).collect::<Vec<_>>(), [12, 4]);
    let words: Vec<(u8, usize)> = source.tracks[0].words.iter().map(|(line, words)| (*line, words.len())).collect();
    assert_eq!(words, [(0, 8), (1, 0)]);
}

#[test]
fn repeats_and_endings_are_written_out() {
    let forward = "<barline location=\"left\"><repeat direction=\"forward\"/></barline>";
    let backward = "<barline location=\"right\"><repeat direction=\"backward\"/></barline>";
    let ending = |number: &str, kind: &str| format!("<barline><ending number=\"{number}\" type=\"{kind}\"/></barline>");
    let order = |measures: &[String]| -> String {
        let texts: Vec<String> = measures
            .iter()
            .zip(["C", "D", "E", "F", "G", "A", "B"])
            .map(|(signs, step)| format!("{}{signs}", note(&format!("{step}4"), 4, "")))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let source = read_text(&score(&texts));
        let names = ["C", "", "D", "", "E", "F", "", "G", "", "A", "", "B"];
        spans(&source).iter().map(|(_, _, pitch)| names[usize::from(pitch % 12)]).collect()
    };
    let plain = String::new;
    assert_eq!(order(&[plain(), backward.into(), plain()]), "CDCDE");
    assert_eq!(order(&[plain(), forward.into(), backward.into(), plain()]), "CDEDEF");
    let first = format!("{}{}{backward}", ending("1", "start"), ending("1", "stop"));
    let second = format!("{}{}", ending("2", "start"), ending("2", "stop"));
    assert_eq!(order(&[plain(), first.clone(), second.clone(), plain()]), "CDCEF");
    assert_eq!(
        order(&[forward.into(), plain(), first.clone(), second.clone(), forward.into(), backward.into()]),
        "CDECDFGAGA"
    );
    let sound = |what: &str| format!("<direction><sound {what}/></direction>");
    assert_eq!(order(&[plain(), sound("fine=\"yes\""), plain(), sound("dacapo=\"yes\"")]), "CDEFCD");
    let (segno, da_segno) = (sound("segno=\"1\""), sound("dalsegno=\"1\""));
    let (to_coda, coda) = (sound("tocoda=\"1\""), sound("coda=\"1\""));
    assert_eq!(order(&[plain(), segno.clone(), to_coda.clone(), da_segno.clone(), coda, plain()]), "CDEFDEGA");
    assert_eq!(order(&[plain(), da_segno.clone(), to_coda]), "CDE", "nowhere to go");
    // A repeat is played before the jump, and not again after it.
    let back_and_da_capo = format!("{backward}{}", sound("dacapo=\"yes\""));
    assert_eq!(order(&[plain(), back_and_da_capo]), "CDCDCD");
    let again = format!("{}{}", ending("2", "stop"), sound("dacapo=\"yes\""));
    assert_eq!(order(&[plain(), first.clone(), second.replace(&ending("2", "stop"), &again), plain()]), "CDCECEF");
    let words = |text: &str| format!("<direction><direction-type><words>{text}</words></direction-type></direction>");
    assert_eq!(order(&[plain(), words("Fine"), plain(), words("D.C.  al Fine")]), "CDEFCD");
    let thrice = backward.replace("/></barline>", " times=\"3\"/></barline>");
    assert_eq!(order(&[plain(), thrice]), "CDCDCD");
    let endless = backward.replace("/></barline>", " times=\"4000000000\"/></barline>");
    let text = score(&[&format!("{}{endless}", note("C4", 4, ""))]);
    assert_eq!(read(text.as_bytes()), Err(Endless::Repeats.into()));
}

#[test]
fn a_pickup_and_a_measure_in_two_halves_keep_the_bar_lines() {
    let quarter = |count: usize| note("C5", 2, "").repeat(count);
    let measures = [format!("{ATTRIBUTES}{}", quarter(1)), quarter(4), quarter(3), quarter(1), quarter(4)];
    let measures: Vec<&str> = measures.iter().map(String::as_str).collect();
    let source = read_text(&score(&measures));
    let metres: Vec<Tick> = source
        .directions
        .iter()
        .filter(|(_, direction)| matches!(direction, Direction::Metre(_)))
        .map(|(tick, _)| *tick)
        .collect();
    assert_eq!(metres, [0, 480]);
    let grid = Grid::new(480, &source.directions, 0);
    assert_eq!((grid.bar(0).number, grid.bar(4).number, grid.bar(36).number), (0, 1, 3));
}

#[test]
fn compressed_and_timewise_scores_are_read_as_well() {
    let text = score(&[&format!("{ATTRIBUTES}{}", note("C5", 8, ""))]);
    assert_eq!(read(&compress(&text)), read(text.as_bytes()));
    let timewise = format!(
        "<score-timewise><measure number=\"1\"><part id=\"P1\">{ATTRIBUTES}{}</part></measure></score-timewise>",
        note("C5", 8, "")
    );
    assert_eq!(spans(&read_text(&timewise)), [(0, 1920, 72)]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(read(&utf16), read(text.as_bytes()));
}

#[test]
fn each_unusable_file_is_told_why() {
    let check = |bytes: &[u8], expected: &str| {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(b"", "the file is empty");
    check(b"<score-partwise>", "the score breaks off in line 1");
    check(b"<html><", "not a MusicXML file");
    check(b"<html/>", "its outermost element is <html>");
    check(b"PK\x03\x04nothing", "the compressed file (.mxl) cannot be opened");
    check(score(&[&note("H5", 4, "")]).as_bytes(), "measure 1 of part 1: <step> is 'H', expected a letter");
    check(score(&[&note("C5", 4, "").replace(">4<", ">x<")]).as_bytes(), "<duration> is 'x'");
    let attributes = |inside: &str| score(&[&format!("<attributes>{inside}</attributes>{}", note("C5", 4, ""))]);
    check(
        attributes("<divisions>2147483648</divisions>").as_bytes(),
        "is '2147483648', expected the divisions of a quarter, a number above 0, at most",
    );
    let transpose = |inside: &str| attributes(&format!("<transpose>{inside}</transpose>"));
    check(transpose("<chromatic>99999</chromatic>").as_bytes(), "<chromatic> is '99999', expected -60 to 60 semitones");
    check(transpose("<chromatic>low</chromatic>").as_bytes(), "<chromatic> is 'low'");
    check(transpose("<octave-change>9</octave-change>").as_bytes(), "expected -5 to 5 octaves");
    check(attributes("<key><fifths>40</fifths></key>").as_bytes(), "<fifths> is '40', expected -7 to 7");
    let sharp = note("C5", 4, "").replace("</step>", "</step><alter>9</alter>");
    check(score(&[&sharp]).as_bytes(), "<alter> is '9', expected -3 to 3 semitones");
    check(
        score(&vec!["<note><rest/><duration>4</duration></note>"; 10_001]).as_bytes(),
        "the piece has more than 10000 measures; cut it",
    );
    // Entities that grow by themselves.
    let levels: String =
        (1..10).map(|level| format!("<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE s [<!ENTITY e0 \"ha\">{levels}]><score-partwise>&e9;</score-partwise>");
    check(bomb.as_bytes(), "not a MusicXML file");
    // An archive of zeros that unpacks to more than memory should hold.
    let zeros = compress(&" ".repeat(MAX_BYTES as usize + 1));
    check(&zeros, "more than 64 MiB");
}

#[test]
fn more_verses_and_voices_than_numbers_are_read_without_a_panic() {
    let verses = "<lyric><text>la</text></lyric>".repeat(300);
    let source = read_text(&score(&[&note("C5", 4, &verses)]));
    assert_eq!(source.tracks[0].lyrics.len(), 255);
    let voices: String = (0..300)
        .map(|voice| note("C5", 4, &format!("<voice>{voice}</voice>")) + "<backup><duration>4</duration></backup>")
        .collect();
    let source = read_text(&score(&[&voices]));
    let melody = crate::melody::Melody::find(&source, &crate::melody::Choice::default()).unwrap();
    assert_eq!((source.tracks[0].channels.len(), melody.notes.len()), (256, 1));
}

#[test]
fn a_note_of_a_chord_that_outlasts_every_file_is_cut() {
    let endless = note("E5", 9_999_999, "").replace("<note>", "<note><chord/>");
    let divisions = "<attributes><divisions>0.001</divisions></attributes>";
    let source = read_text(&score(&[&[divisions, &note("C5", 1, ""), &note("C5", 1, ""), &endless].concat()]));
    let ends = spans(&source).iter().map(|(_, end, _)| *end).max();
    assert_eq!(ends, Some((1 << 28) - 1));
}
