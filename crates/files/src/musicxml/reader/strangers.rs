//! What programs write that the standard does not foresee, or that is easily misread; each as small as it can be.

use std::io::{Cursor, Write as _};

use chorale::GivenChord;

use super::tests::{ATTRIBUTES, note, read_text, score, spans};
use super::*;
use crate::melody::{Choice, Melody};
use crate::phrasing::Expression;
use crate::score::{Metre, Tick, signature};

pub(super) fn lyric(verse: u8, syllabic: &str, text: &str) -> String {
    format!("<lyric number=\"{verse}\"><syllabic>{syllabic}</syllabic><text>{text}</text></lyric>")
}

/// Tick, verse and text.
pub(super) fn words(source: &Source) -> Vec<(Tick, u8, &str)> {
    let text = |lyric: &'_ crate::Lyric| std::str::from_utf8(&lyric.text).unwrap().to_owned();
    let words = source.tracks[0].lyrics.iter().map(|lyric| (lyric.tick, lyric.verse, text(lyric)));
    words.map(|(tick, verse, text)| (tick, verse, &*Box::leak(text.into_boxed_str()))).collect()
}

fn pitches(source: &Source) -> Vec<u8> {
    spans(source).iter().map(|(_, _, pitch)| *pitch).collect()
}

fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn utf_16_is_read_without_a_mark_and_words_of_windows_with_their_quotes() {
    let text = score(&[&[ATTRIBUTES, &note("C5", 8, &lyric(1, "single", "\u{201c}Lob"))].concat()]);
    let units = || text.encode_utf16();
    let (little, big) = (units().flat_map(u16::to_le_bytes), units().flat_map(u16::to_be_bytes));
    let plain = crate::read(text.as_bytes()).unwrap();
    assert_eq!(crate::read(&little.collect::<Vec<u8>>()), Ok(plain.clone()));
    assert_eq!(crate::read(&big.collect::<Vec<u8>>()), Ok(plain.clone()));
    let windows: Vec<u8> = text.chars().map(|letter| if letter == '\u{201c}' { 0x93 } else { letter as u8 }).collect();
    assert_eq!(crate::read(&windows), Ok(plain));
}

#[test]
fn the_encoding_that_a_document_declares_is_believed() {
    let text = score(&[&[ATTRIBUTES, &note("C5", 8, &lyric(1, "single", "Тихая"))].concat()]);
    for encoding in [encoding_rs::WINDOWS_1251, encoding_rs::KOI8_R, encoding_rs::ISO_8859_5] {
        let declared = format!("<?xml version='1.0' encoding='{}'?>", encoding.name());
        let declared = text.replace("<?xml version=\"1.0\"?>", &declared);
        assert_eq!(crate::read(&encoding.encode(&declared).0), crate::read(text.as_bytes()), "{}", encoding.name());
    }
    let wrong = text.replace("?>", " encoding=\"windows-1251\"?>");
    assert_eq!(crate::read(wrong.as_bytes()), crate::read(text.as_bytes()), "it is UTF-8");
}

#[test]
fn words_and_fermatas_that_stand_at_rests_are_told() {
    let fermata = "<notations><fermata/></notations>";
    let rest = |more: &str| format!("<note><rest/><duration>8</duration>{more}</note>");
    let bars = [&[ATTRIBUTES, &note("C5", 8, "")].concat(), &*rest(&lyric(1, "single", "clap")), &*rest(fermata)];
    let told = ["words under rests are left out (1)", "fermatas over rests are left out (1)"];
    assert_eq!(read_text(&score(&bars)).tracks[0].remarks, told);
}

#[test]
fn a_fermata_over_a_bar_line_is_that_of_the_note_before_it() {
    let bar_line = "<barline location=\"right\"><fermata/></barline>";
    let bars = [&[ATTRIBUTES, &note("C5", 4, ""), &note("D5", 4, ""), bar_line].concat(), &*note("C5", 8, "")];
    let source = read_text(&score(&bars));
    let second = source.tracks[0].channels[&0][1].start;
    assert_eq!(source.tracks[0].fermatas, [second]);
}

#[test]
fn percussion_alone_is_told_from_silence_and_beside_a_tune_it_is_counted() {
    let beat = "<note><unpitched><display-step>C</display-step><display-octave>5</display-octave></unpitched>\
                <duration>2</duration></note>";
    let source = read_text(&score(&[&[ATTRIBUTES, beat, beat].concat()]));
    let error = Melody::find(&source, &Choice::default()).unwrap_err().to_string();
    assert!(error.starts_with("the file holds nothing but notes without pitch, as percussion has them"), "{error}");
    let source = read_text(&score(&[&[ATTRIBUTES, &note("C5", 4, ""), beat, beat].concat()]));
    assert_eq!(source.tracks[0].remarks, ["notes without pitch are left out (2)"]);
    let silence = read_text(&score(&[&[ATTRIBUTES, "<note><rest/><duration>8</duration></note>"].concat()]));
    assert_eq!(Melody::find(&silence, &Choice::default()), Err(crate::melody::MelodyError::NoNotes));
}

#[test]
fn notes_without_a_duration_last_as_long_as_they_are_written() {
    let of = |kind: &str| note("C5", 1, "").replace("<duration>1</duration>", kind);
    let tuplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>";
    let measure = [
        of("<type>half</type><dot/>"),
        of("<type>16th</type>"),
        of(&format!("<type>eighth</type>{tuplet}")),
        of("<type>quarter</type><dot/><dot/>"),
    ];
    let source = read_text(&score(&[&measure.concat()]));
    let lengths: Vec<Tick> = spans(&source).iter().map(|(start, end, _)| end - start).collect();
    assert_eq!(lengths, [1440, 120, 160, 840]);
}

#[test]
fn a_bar_of_beats_of_several_units_is_their_sum() {
    let time = |inside: &str| {
        let attributes = format!("<attributes><divisions>2</divisions><time>{inside}</time></attributes>");
        let source = read_text(&score(&[&[attributes.as_str(), &note("C5", 7, "")].concat()]));
        source.directions.iter().find_map(|(_, direction)| match direction {
            Direction::Metre(metre) => Some(metre.to_string()),
            _ => None,
        })
    };
    let part = |beats: &str, unit: u8| format!("<beats>{beats}</beats><beat-type>{unit}</beat-type>");
    assert_eq!(time(&[part("2", 4), part("3", 8)].concat()).as_deref(), Some("7/8"));
    assert_eq!(time(&part("3+2+2", 8)).as_deref(), Some("7/8"));
    assert_eq!(time(&[part("3", 8), part("1+1", 4)].concat()).as_deref(), Some("7/8"));
}

#[test]
fn values_that_become_others_are_told() {
    let remarks = |inside: &str| read_text(&score(&[&[inside, &note("C5", 4, "")].concat()])).tracks[0].remarks.clone();
    let key = |fifths: i8| format!("<attributes><key><fifths>{fifths}</fifths></key></attributes>");
    assert_eq!(
        remarks(&key(12)),
        ["measure 1: a signature of 12 fifths is written as that of C major, which sounds alike"]
    );
    assert_eq!(signature(&read_text(&score(&[&key(-8)])).directions).map(|key| key.sharps), Some(4));
    assert!(remarks(&key(7)).is_empty());
    let tempo = |text: &str| format!("<direction><sound tempo=\"{text}\"/></direction>");
    let left_out =
        |beats: &str| format!("measure 1: a tempo of {beats} quarters a minute is left out; it can be from 4 to 2000");
    assert_eq!(remarks(&tempo("-5")), [left_out("-5")]);
    assert_eq!(remarks(&tempo("2001")), [left_out("2001")]);
    let quarter_tone = note("C5", 4, "").replace("</step>", "</step><alter>0.5</alter>");
    assert_eq!(remarks(&quarter_tone), ["quarter tones are rounded (1)"]);
}

#[test]
fn space_before_a_document_and_control_characters_are_passed_over() {
    let text = score(&[&[ATTRIBUTES, &note("C5", 8, &lyric(1, "single", "Lob"))].concat()]);
    let faulty = format!("\u{feff}\n {}\n\0\0", text.replace("Lob", "L\u{b}ob"));
    assert_eq!(crate::read(faulty.as_bytes()), crate::read(text.as_bytes()));
}

#[test]
fn a_transposing_instrument_alone_is_read_as_it_sounds() {
    let clarinet = "<attributes><divisions>1</divisions><key><fifths>2</fifths></key><transpose><diatonic>-1</diatonic>\
                    <chromatic>-2</chromatic></transpose></attributes>";
    let sharp = note("F5", 1, "").replace("</step>", "</step><alter>1</alter>");
    let source = read_text(&score(&[&[clarinet, &note("D5", 1, ""), &sharp].concat()]));
    assert_eq!(pitches(&source), [72, 76]);
    assert_eq!(signature(&source.directions).map(|key| key.to_string()).as_deref(), Some("C major"));
    let spellings: Vec<String> = source.tracks[0].spellings.values().map(ToString::to_string).collect();
    assert_eq!(spellings, ["C5", "E5"]);
    let key = "<key><fifths>2</fifths><mode>Mixolydian</mode></key>";
    let mixolydian = clarinet.replace("<key><fifths>2</fifths></key>", key);
    let source = read_text(&score(&[&[mixolydian.as_str(), &note("D5", 1, "")].concat()]));
    assert_eq!(source.mode.map(|key| key.to_string()).as_deref(), Some("G major"));
    let saxophone = clarinet.replace("-1<", "-5<").replace("-2<", "-9<");
    let source = read_text(&score(&[&[saxophone.as_str(), &note("D5", 1, "")].concat()]));
    assert_eq!(signature(&source.directions).map(|key| key.to_string()).as_deref(), Some("F major"));
    assert_eq!(source.tracks[0].spellings[&(0, 65)].to_string(), "F4");
}

#[test]
fn nested_tuplets_begin_where_they_are_played_and_what_notation_moves_is_told() {
    let notes = [("C5", 12), ("D5", 12), ("E5", 4), ("F5", 4), ("G5", 4), ("E5", 36)];
    let notes: String = notes.iter().map(|(name, length)| note(name, *length, "")).collect();
    let source = read_text(&score(&[&format!("<attributes><divisions>18</divisions></attributes>{notes}")]));
    let starts: Vec<Tick> = spans(&source).iter().map(|(start, ..)| *start).collect();
    assert_eq!((source.ticks_per_quarter, starts), (1440, vec![0, 960, 1920, 2240, 2560, 2880]));
    let remarks = Melody::find(&source, &Choice::default()).unwrap().remarks;
    assert!(remarks.iter().any(|remark| remark.starts_with("measure 1 divides a beat irregularly")), "{remarks:?}");
    let plain: String = (0..3).map(|_| note("C5", 6, "")).collect();
    let source = read_text(&score(&[&format!("<attributes><divisions>18</divisions></attributes>{plain}")]));
    assert!(source.tracks[0].remarks.is_empty(), "triplets have their place");
}

#[test]
fn elisions_melismas_and_slurs_are_kept() {
    let elided = |first: &str, between: &str, last: &str, syllabic: &str| {
        format!(
            "<lyric number=\"1\"><syllabic>end</syllabic><text>{first}</text>{between}<syllabic>{syllabic}</syllabic>\
             <text>{last}</text></lyric>"
        )
    };
    let slur = |kind: &str| format!("<notations><slur type=\"{kind}\" number=\"1\"/></notations>");
    let me = lyric(1, "end", "me").replace("</lyric>", "<extend/></lyric>");
    let measure = [
        ATTRIBUTES,
        &note("C5", 2, &elided("1.", "<elision> </elision>", "Come,", "single")),
        &note("D5", 2, &elided("né", "<elision>_</elision>", "a", "begin")),
        &note("E5", 2, &[slur("start"), me].concat()),
        &note("F5", 2, &slur("stop")),
    ];
    let source = read_text(&score(&[&measure.concat()]));
    assert_eq!(words(&source), [(0, 1, "1. Come,"), (480, 1, "né\u{203f}a-"), (960, 1, "me")]);
    let phrasing = &source.tracks[0].phrasing;
    assert_eq!((&phrasing.slurs[..], &phrasing.extenders[..]), (&[(960, 1440)][..], &[960][..]));
}

#[test]
fn tempos_that_are_not_just_a_number_are_understood() {
    let tempo = |unit: &str, text: &str| {
        let metronome = format!(
            "<direction><direction-type><metronome>{unit}<per-minute>{text}</per-minute></metronome></direction-type>\
             </direction>{}",
            note("C5", 4, "")
        );
        let source = read_text(&score(&[&metronome]));
        source.directions.iter().find_map(|(_, direction)| match direction {
            Direction::Tempo(tempo) => Some((60e6 / f64::from(*tempo)).round()),
            _ => None,
        })
    };
    let quarter = "<beat-unit>quarter</beat-unit>";
    assert_eq!(tempo(quarter, "c. 88"), Some(88.0));
    assert_eq!(tempo(quarter, "88-92"), Some(88.0));
    assert_eq!(tempo(quarter, "ca. 72,5."), Some(73.0));
    assert_eq!(tempo(quarter, "fast"), None);
    assert_eq!(tempo("<beat-unit>half</beat-unit><beat-unit-dot/>", "= 40"), Some(120.0));
}

#[test]
fn a_tempo_is_printed_for_the_beat_of_its_metre() {
    let printed = |numerator: u8, denominator_log2: u8| {
        let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
        let directions = vec![(0, Direction::Metre(metre)), (0, Direction::Tempo(500_000))];
        let notes = crate::Note { start: 0, end: 1920, pitch: chorale::Pitch::new(72).unwrap(), velocity: 80 };
        let parts = [vec![notes], vec![], vec![], vec![]];
        let score = crate::Score { ticks_per_quarter: 480, directions, parts, ..crate::Score::default() };
        let grid = crate::Grid::new(480, &score.directions, 0);
        let text = crate::musicxml::write(&score, &grid, crate::musicxml::Layout::Open, &[]).unwrap();
        let metronome = text.split_once("<metronome>").unwrap().1.split_once("</metronome>").unwrap().0;
        metronome.split(['<', '>']).map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let beats = |unit: &str, number: u32| format!("beat-unit {unit} /beat-unit per-minute {number} /per-minute");
    let dotted = |unit: &str, number: u32| beats(unit, number).replace("/beat-unit", "/beat-unit beat-unit-dot/");
    assert_eq!([printed(4, 2), printed(3, 1)], [beats("quarter", 120), beats("half", 60)]);
    assert_eq!([printed(6, 3), printed(6, 2)], [dotted("quarter", 80), dotted("half", 40)]);
    assert_eq!(printed(9, 4), dotted("eighth", 160));
}

#[test]
fn a_tempo_may_stand_among_words() {
    let tempo = |words: &str| {
        let direction = format!("<direction><direction-type><words>{words}</words></direction-type></direction>");
        let source = read_text(&score(&[&[direction.as_str(), &note("C5", 4, "")].concat()]));
        source.directions.iter().find_map(|(_, direction)| match direction {
            Direction::Tempo(tempo) => Some((60e6 / f64::from(*tempo)).round()),
            _ => None,
        })
    };
    assert_eq!(tempo("Andante \u{2669} = 72"), Some(72.0));
    assert_eq!(tempo("(\u{1d15e}. = c. 40)"), Some(120.0));
    assert_eq!([tempo("Andante"), tempo("a = 3"), tempo("\u{2669} = \u{2669}")], [None; 3]);
}

#[test]
fn without_a_metre_the_bar_lines_are_those_of_the_file() {
    let quarters = |count: usize| note("C5", 1, "").repeat(count);
    let source = read_text(&score(&[&quarters(5), &quarters(3), &note("C5", 1, "").replace(">1<", ">0.5<").repeat(3)]));
    let metres = |source: &Source| -> Vec<(Tick, String, bool)> {
        let metres = source.directions.iter().filter_map(|(tick, direction)| match direction {
            Direction::Metre(metre) => Some((*tick, metre.to_string(), metre.is_printed)),
            _ => None,
        });
        metres.collect()
    };
    let unprinted = |tick, text: &str| (tick, text.to_owned(), false);
    assert_eq!(metres(&source), [unprinted(0, "5/4"), unprinted(2400, "3/4"), unprinted(3840, "3/8")]);
    let hidden = "<attributes><time print-object=\"no\"><beats>4</beats><beat-type>4</beat-type></time></attributes>";
    let source = read_text(&score(&[&[hidden, &quarters(8)].concat(), &quarters(3), &quarters(7)]));
    assert_eq!(metres(&source), [unprinted(0, "8/4"), unprinted(3840, "3/4"), unprinted(5280, "7/4")]);
    let source = read_text(&score(&[&[hidden, &quarters(1)].concat(), &quarters(4), &quarters(3)]));
    assert_eq!(metres(&source), [unprinted(0, "4/4"), unprinted(480, "4/4")], "a metre that bars keep to");
    let free = format!("<attributes><time><senza-misura/></time></attributes>{}", quarters(5));
    let source = read_text(&score(&[&[ATTRIBUTES, &note("C5", 8, "")].concat(), &free]));
    assert_eq!(metres(&source)[0], (0, Metre::FOUR_FOUR.to_string(), true));
    assert_eq!(metres(&source).len(), 2);
    let written = crate::musicxml::write(
        &crate::Score {
            ticks_per_quarter: 480,
            directions: vec![(0, Direction::Metre(Metre { is_printed: false, ..Metre::FOUR_FOUR }))],
            ..crate::Score::default()
        },
        &crate::Grid::new(480, &[], 0),
        crate::musicxml::Layout::Open,
        &[],
    );
    assert!(written.is_ok());
}

#[test]
fn a_measure_of_the_wrong_length_is_told_unless_the_file_says_that_it_is_none_of_its_own() {
    let quarters = |count: usize| note("C5", 2, "").repeat(count);
    let text = score(&[
        &[ATTRIBUTES, &quarters(4)].concat(),
        &quarters(4),
        &quarters(5),
        &quarters(3),
        &quarters(4),
        &quarters(2),
    ]);
    let said = |text: &str| read_text(text).remarks;
    let two =
        "bar 3 has 5 beats of 4/4, and 1 other bar has too many or too few; where that is not meant, correct the file";
    assert_eq!(said(&text), [two]);
    let one = "bar 3 has 5 beats of 4/4; where that is not meant, correct the file";
    assert_eq!(said(&text.replace("number=\"4\"", "number=\"4\" implicit=\"yes\"")), [one]);
}

#[test]
fn endings_fine_and_coda_go_where_they_are_meant() {
    let bar = |inside: &str| format!("<barline>{inside}</barline>");
    let (forward, backward) = (bar("<repeat direction=\"forward\"/>"), bar("<repeat direction=\"backward\"/>"));
    let ending = |number: u8, kind: &str| bar(&format!("<ending number=\"{number}\" type=\"{kind}\"/>"));
    let direction = |inside: &str| format!("<direction><direction-type>{inside}</direction-type></direction>");
    let order = |signs: &[String]| -> Vec<u8> {
        let steps = ["C5", "D5", "E5", "F5", "G5", "A5", "B5"];
        let measures: Vec<String> =
            signs.iter().zip(steps).map(|(sign, step)| format!("{}{sign}", note(step, 4, ""))).collect();
        let measures: Vec<&str> = measures.iter().map(String::as_str).collect();
        let names = [0, 0, 2, 0, 3, 4, 0, 5, 0, 6, 0, 7];
        pitches(&read_text(&score(&measures))).iter().map(|midi| names[usize::from(midi % 12)].max(1)).collect()
    };
    let short = [ending(1, "start"), ending(1, "stop")].concat();
    let second = [ending(2, "start"), ending(2, "stop")].concat();
    let none = String::new();
    assert_eq!(
        order(&[forward.clone(), none.clone(), short.clone(), backward.clone(), second.clone(), none.clone()]),
        [1, 2, 3, 4, 1, 2, 5, 6]
    );
    let (fine, da_capo) = (direction("<words>Fine</words>"), direction("<words>D.C. al Fine</words>"));
    let first = [short, fine, backward.clone()].concat();
    assert_eq!(order(&[forward.clone(), first, second, da_capo]), [1, 2, 1, 3, 4, 1, 2]);
    // Brackets that nothing closes end with their section.
    let open = |number: u8| ending(number, "start");
    let (first, last) = ([open(1), backward.clone()].concat(), open(2));
    assert_eq!(order(&[none.clone(), first, last, forward.clone(), backward.clone()]), [1, 2, 1, 3, 4, 5, 4, 5]);
    let coda = direction("<coda/>");
    let jump = direction("<words>D.C. al Coda</words>");
    assert_eq!(order(&[none.clone(), coda.clone(), jump, coda, none]), [1, 2, 3, 1, 2, 4, 5]);
}

#[test]
fn the_only_score_in_an_archive_is_read_whatever_its_table_of_contents() {
    let text = score(&[&note("C5", 4, "")]);
    let apostrophe = "<container><rootfiles><rootfile full-path='Mary's Tune.xml'/></rootfiles></container>";
    let plain = read(text.as_bytes());
    assert_eq!(read(&archive(&[("META-INF/container.xml", apostrophe), ("Mary's Tune.xml", &text)])), plain);
    assert_eq!(read(&archive(&[("__MACOSX/._a.xml", "x"), ("folder/a.MusicXML", &text)])), plain);
    let windows = "<container><rootfiles><rootfile full-path=\"score\\a.xml\"/></rootfiles></container>";
    assert_eq!(read(&archive(&[("META-INF\\container.xml", windows), ("score\\a.xml", &text)])), plain);
    let other = "<container><rootfiles><rootfile full-path=\"b.xml\"/></rootfiles></container>";
    assert_eq!(read(&archive(&[("META-INF/container.xml", other), ("a.xml", "no"), ("b.xml", &text)])), plain);
    let page_first = "<container><rootfiles><rootfile full-path=\"a.pdf\" media-type=\"application/pdf\"/>\
                      <rootfile full-path=\"b.xml\" media-type=\"application/vnd.recordare.musicxml+xml\"/></rootfiles></container>";
    assert_eq!(read(&archive(&[("META-INF/container.xml", page_first), ("a.pdf", "%PDF"), ("b.xml", &text)])), plain);
    let error = read(&archive(&[("a.xml", &text), ("b.xml", &text)])).unwrap_err().to_string();
    assert_eq!(error, "the compressed file (.mxl) holds several scores (a.xml, b.xml); unzip it, and take one of them");
}

#[test]
fn a_file_of_another_kind_says_which_program_makes_musicxml_of_it() {
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let error = crate::read_named(name, bytes, None).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    };
    let container = "<container><rootfiles><rootfile full-path=\"a.mscx\"/></rootfiles></container>";
    let members = [("META-INF/container.xml", container), ("a.mscx", "<museScore version=\"3.01\"/>")];
    let musescore = "this is a MuseScore file; open it in MuseScore and choose File > Export > MusicXML";
    check("a.mscz", &archive(&members), musescore);
    check("a.omr", b"PK\x03\x04", "this is a book of Audiveris; open it in Audiveris and choose Book > Export Book");
    check("renamed.mxl", &archive(&members[1..]), musescore);
    check("a", members[1].1.as_bytes(), musescore);
    check("a.MSCZ", b"PK broken", musescore);
    let songs = archive(&[("Lieder/eins.mid", "MThd"), ("zwei.pdf", "%PDF")]);
    check("a.zip", &songs, "this is a zip archive without a MusicXML score (Lieder/eins.mid, zwei.pdf); unzip it");
    let document = archive(&[("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<w/>")]);
    check("tune.docx", &document, "this is a text document; write its tune in a notation program");
    check("a", b"%PDF-1.4", "a picture of a page");
    check("a", b"\xff\xd8\xff\xe0", "Audiveris");
    check("IMG 1.heic", b"\0\0\0\x20ftypheic", "Audiveris");
    check("a.mp3", b"ID3\x04", "a recording");
    check("a.mp3", b"\0\0", "a recording");
    check("a", b"RIFF\x24\0\0\0WAVEfmt ", "Basic Pitch");
    check("a.sib", b"", "Sibelius");
    check("a.ly", b"{ c4 }", "LilyPond");
    check("a.gp5", b"\x18FICHIER GUITAR PRO v5.00", "Guitar Pro");
    check(
        "a.mid.gz",
        b"\x1f\x8b\x08\0",
        "this is a compressed file; unpack it, and take the MIDI, MusicXML or ABC file",
    );
    check("a.mxl", b"\x1f\x8b\x08\0", "unpack it");
    check("songs.7z", b"7z\xbc\xaf\x27\x1c", "unpack it");
    // What can be read is read, whatever it is called.
    assert!(crate::read_named("a.pdf", score(&[&note("C5", 4, "")]).as_bytes(), None).is_ok());
}

#[test]
fn a_tie_without_its_end_holds_to_the_next_note_of_its_pitch() {
    let start = "<tie type=\"start\"/><notations><tied type=\"start\"/></notations>";
    let first = [ATTRIBUTES, &note("C5", 4, ""), &note("E5", 4, start)].concat();
    let source = read_text(&score(&[&first, &[note("E5", 2, ""), note("E5", 2, "")].concat()]));
    assert_eq!(spans(&source), [(0, 960, 72), (960, 2400, 76), (2400, 2880, 76)]);
    let source = read_text(&score(&[&first, &note("E5", 2, &lyric(1, "single", "la"))]));
    assert_eq!(spans(&source).len(), 3, "with a word of its own it is struck");
    let source = read_text(&score(&[&first, &note("F5", 2, "")]));
    assert_eq!(spans(&source).len(), 3);
    // Where a repeat parts them, they are no neighbours on paper.
    let back = "<barline><repeat direction=\"backward\"/></barline>";
    let held = note("E5", 8, start);
    let source = read_text(&score(&[&[ATTRIBUTES, &held, back].concat()]));
    assert_eq!(spans(&source).len(), 2);
}

#[test]
fn a_tie_may_lead_into_another_voice_of_its_part() {
    let tied = |kind: &str, voice: u32| format!("<voice>{voice}</voice><tie type=\"{kind}\"/>");
    let second = |kind: &str| [note("G4", 4, &tied(kind, 2)), note("A4", 4, "<voice>1</voice>")].concat();
    let first = [ATTRIBUTES, &note("G4", 8, &tied("start", 1))].concat();
    let source = read_text(&score(&[&first, &second("stop")]));
    assert_eq!(spans(&source), [(0, 2880, 67), (2880, 3840, 69)]);
    let struck_again = read_text(&score(&[&first, &second("start")]));
    assert_eq!(spans(&struck_again).len(), 3, "no end is told, and the voice is another");
    // In each voice of two in unison the tie is its own.
    let back = "<backup><duration>8</duration></backup>";
    let both = |kind: &str| [note("G4", 8, &tied(kind, 1)), back.into(), note("G4", 8, &tied(kind, 2))].concat();
    let source = read_text(&score(&[&[ATTRIBUTES, &both("start")].concat(), &both("stop")]));
    let lengths: Vec<Tick> = source.tracks[0].channels.values().flatten().map(|note| note.end - note.start).collect();
    assert_eq!(lengths, [3840, 3840]);
}

#[test]
fn a_syllable_on_the_second_of_two_tied_notes_is_kept_in_its_place() {
    let tied = |kind: &str, syllabic: &str, text: &str| format!("<tie type=\"{kind}\"/>{}", lyric(1, syllabic, text));
    let first = [ATTRIBUTES, &note("C5", 4, ""), &note("D5", 4, &tied("start", "begin", "gran"))].concat();
    let second = [note("D5", 2, &tied("stop", "end", "de")), note("E5", 6, &lyric(1, "single", "nuit"))].concat();
    let source = read_text(&score(&[&first, &second]));
    assert_eq!(spans(&source)[1], (960, 2400, 74));
    assert_eq!(words(&source), [(960, 1, "gran-"), (1920, 1, "de"), (2400, 1, "nuit")]);
    let melody = Melody::find(&source, &Choice::default()).unwrap();
    let score = crate::Score {
        ticks_per_quarter: 480,
        directions: source.directions.clone(),
        parts: [melody.notes, vec![], vec![], vec![]],
        lyrics: melody.lyrics,
        is_notated: true,
        ..crate::Score::default()
    };
    let grid = crate::Grid::new(480, &score.directions, 0);
    let again = crate::musicxml::write(&score, &grid, crate::musicxml::Layout::Open, &[]).unwrap();
    let again = read_text(&again);
    assert_eq!((spans(&again), words(&again)), (spans(&source), words(&source)), "also in what we write");
}

#[test]
fn expressions_are_read_and_what_has_no_place_is_counted() {
    let direction = |inside: &str| format!("<direction><direction-type>{inside}</direction-type></direction>");
    let ornament = "<notations><ornaments><trill-mark/></ornaments><articulations><staccato/><breath-mark/></articulations></notations>";
    let measure = [
        ATTRIBUTES,
        &direction("<dynamics><mf/></dynamics>"),
        &direction("<wedge type=\"crescendo\"/>"),
        "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>",
        &note("C5", 4, ornament),
        &direction("<wedge type=\"stop\"/>"),
        &direction("<words>dolce</words>"),
        &note("D5", 4, "<notations><dynamics><other-dynamics>subito f</other-dynamics></dynamics></notations>"),
        &direction("<words>Fine</words>"),
    ];
    let source = read_text(&score(&[&measure.concat()]));
    let expected = [
        (0, Expression::Dynamic("mf".into())),
        (0, Expression::Hairpin { louder: true, end: 960 }),
        (960, Expression::Dynamic("subito f".into())),
        (960, Expression::Words("dolce".into())),
    ];
    assert_eq!(source.tracks[0].phrasing.expressions, expected);
    assert_eq!(source.tracks[0].remarks, ["ornaments and articulations are left out (2)"]);
    assert_eq!(source.tracks[0].symbols, [(0, "C".to_owned())]);
}

#[test]
fn chord_symbols_are_read_as_lead_sheets_write_them() {
    let root =
        |step: &str, alter: &str| format!("<root><root-step>{step}</root-step><root-alter>{alter}</root-alter></root>");
    let harmony = |inside: &str| format!("<harmony>{inside}</harmony>");
    let degree =
        "<degree><degree-value>9</degree-value><degree-alter>-1</degree-alter><degree-type>add</degree-type></degree>";
    let bass = "<bass><bass-step>F</bass-step><bass-alter>1</bass-alter></bass>";
    let measure = [
        ATTRIBUTES,
        &harmony(&format!("{}<kind>minor-seventh</kind>", root("B", "-1"))),
        &note("C5", 4, ""),
        &harmony(&format!("{}<kind text=\"7\">dominant</kind>{bass}{degree}", root("D", "0"))),
        &note("D5", 4, ""),
        &harmony(&format!("{}<kind>none</kind>", root("C", "0"))),
        &harmony("<function>V</function><kind>major</kind>"),
    ];
    let source = read_text(&score(&[&measure.concat()]));
    let symbols: Vec<&str> = source.tracks[0].symbols.iter().map(|(_, symbol)| symbol.as_str()).collect();
    assert_eq!(symbols, ["Bbm7", "D7(b9)/F#", "N.C."]);
}

#[test]
fn a_chord_of_an_unknown_kind_is_what_is_printed_or_stays_unknown() {
    let check = |kind: &str, expected: &str| {
        let harmony = format!("<harmony><root><root-step>C</root-step></root>{kind}</harmony>");
        let source = read_text(&score(&[&[ATTRIBUTES, &harmony, &note("C5", 4, "")].concat()]));
        assert_eq!(source.tracks[0].symbols, [(0, expected.to_owned())], "{kind}");
    };
    check("<kind text=\"m7\">other</kind>", "Cm7");
    check("<kind text=\"7alt\">other</kind>", "C7alt");
    check("<kind>min</kind>", "Cmin");
    check("<kind text=\"\">major</kind>", "C");
    check("<kind/>", "C");
    for unknown in ["pedal", "Neapolitan", "maj-seven", "other"] {
        check(&format!("<kind>{unknown}</kind>"), &format!("C {unknown}"));
        let is_chord = GivenChord::parse(&format!("C {unknown}"), "C".parse().unwrap()).is_ok();
        assert!(!is_chord, "{unknown} names no notes");
    }
}
