use proptest::prelude::*;

use super::*;
use crate::melody::{Choice, Melody};
use crate::score::{Direction, Metre, Note, Tick};

fn read_text(text: &str) -> Source {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A tune in C with quarters as its unit.
fn quarters(music: &str) -> Source {
    read_text(&format!("X:1\nT:x\nM:4/4\nL:1/4\nK:C\n{music}\n"))
}

fn notes(source: &Source) -> &[Note] {
    source.tracks[0].channels.values().next().map_or(&[], Vec::as_slice)
}

/// Pitches with their lengths in quarters, such as `72:1`.
fn line(source: &Source) -> String {
    let quarter = f64::from(source.ticks_per_quarter);
    let note = |note: &Note| format!("{}:{}", note.pitch.midi(), f64::from(note.end - note.start) / quarter);
    notes(source).iter().map(note).collect::<Vec<_>>().join(" ")
}

fn pitches(source: &Source) -> Vec<u8> {
    notes(source).iter().map(|note| note.pitch.midi()).collect()
}

fn starts(source: &Source) -> Vec<f64> {
    notes(source).iter().map(|note| f64::from(note.start) / f64::from(source.ticks_per_quarter)).collect()
}

fn key(source: &Source) -> (i8, bool) {
    let key = crate::score::signature(&source.directions).unwrap();
    (key.sharps, key.minor)
}

fn words(source: &Source) -> Vec<(f64, u8, String)> {
    let quarter = f64::from(source.ticks_per_quarter);
    let word = |lyric: &crate::Lyric| {
        (f64::from(lyric.tick) / quarter, lyric.verse, String::from_utf8_lossy(&lyric.text).replace('\r', "/"))
    };
    source.tracks[0].lyrics.iter().map(word).collect()
}

#[test]
fn a_tune_without_ado_is_read() {
    let source = read_text("X:1\nT:x\nM:4/4\nL:1/4\nK:C\ncdef|ggag|\n");
    assert_eq!(line(&source), "72:1 74:1 76:1 77:1 79:1 79:1 81:1 79:1");
    assert_eq!((source.title.as_deref(), source.ticks_per_quarter), (Some("x"), 480));
    assert_eq!(source.directions[0], (0, Direction::Metre(Metre::FOUR_FOUR)));
    assert!(is_abc(b"%abc-2.1\n") && is_abc(b"% tunes\r\nX:1\rK:G\r") && is_abc(b"T:no number\nK:C\n"));
    assert!(!is_abc(b"MThd\0\0") && !is_abc(b"text\nK:") && !is_abc(b""));
    assert_eq!(crate::read(b"X:1\nK:C\nc\n").map(|source| source.kind), Ok(Kind::Abc));
}

#[test]
fn words_under_a_tune_are_kept_and_words_beyond_its_notes_are_told() {
    let source = quarters("cdef|g4|\nw:One two three four five six se-ven\nW:2. Then \\\"over\nW:again\nW:\nW:3. Amen");
    assert_eq!(source.below, ["2. Then över", "again", "", "3. Amen"]);
    assert!(
        source.remarks[0].starts_with("3 lines of words under the tune stand below the page"),
        "{:?}",
        source.remarks
    );
    let said = "words for which there are no notes are left out (3): six seven";
    assert_eq!(source.tracks[0].remarks, [said]);
    assert_eq!(words(&source).len(), 5);
    let source = quarters("cdef|\nw:One two three four\n");
    assert!(source.below.is_empty() && source.remarks.is_empty() && source.tracks[0].remarks.is_empty());
}

#[test]
fn blocks_of_text_are_no_music() {
    let source =
        quarters("%%begintext\nCABBAGE | dad | egg |\n%%endtext\ncdef|g4|\n%%beginsvg\n<g>abc|\n%%endsvg\nc4|");
    assert_eq!(pitches(&source), [72, 74, 76, 77, 79, 72]);
}

#[test]
fn head_and_comments_are_understood() {
    let head =
        "%abc-2.1\nA text before\n\nX:7\nT:Nun danket % a comment\nT:again\nC:J. Cr\\\"uger\nM:C|\nQ:1/2=60\nK:F#m\r\n";
    let source = read_text(&format!("{head}f % not these: gggg\n% nor this\n%%directive x\nW:words\n"));
    assert_eq!((line(&source).as_str(), key(&source)), ("78:0.5", (3, true)));
    assert_eq!((source.title.as_deref(), source.creators[0].name.as_str()), (Some("Nun danket"), "J. Crüger"));
    assert!(source.directions.contains(&(0, Direction::Tempo(500_000))));
    let unit = |head: &str| line(&read_text(&format!("X:1\n{head}\nK:C\nc\n")));
    assert_eq!([unit("M:6/8"), unit("M:2/4"), unit("L:1/16"), unit("")], ["72:0.5", "72:0.25", "72:0.25", "72:0.5"]);
}

#[test]
fn keys_have_modes_and_accidentals_of_their_own() {
    let of = |text: &str| {
        let source = read_text(&format!("X:1\nL:1/4\nK:{text}\nCDEFGAB\n"));
        (key(&source), pitches(&source))
    };
    assert_eq!(of("D").0, (2, false));
    assert_eq!(of("Am").0, (0, true));
    assert_eq!(of("A minor").0, (0, true));
    assert_eq!(of("Bb").0, (-2, false));
    assert_eq!(of("Ddor").0, (0, false));
    assert_eq!(of("E Phrygian").0, (0, false));
    assert_eq!(of("F#mix").0, (5, false));
    assert_eq!(of("Glyd clef=bass").0, (2, false));
    assert_eq!(of("HP").0, (2, false));
    assert_eq!(of("none").0, (0, false));
    assert_eq!([of("g dorian").0, of("bb").0, of("am").0], [(-1, false), (-2, false), (0, true)], "in small letters");
    assert_eq!([of("bass").0, of("alto").0], [(0, false); 2], "clefs");
    assert_eq!(of("F lyd"), ((0, false), vec![60, 62, 64, 65, 67, 69, 71]));
    assert_eq!(of("D Phr ^f").1, [60, 62, 63, 66, 67, 69, 70]);
    assert_eq!(of("D exp ^f _b").1, [60, 62, 64, 66, 67, 69, 70]);
    let mode = |text: &str| {
        let source = read_text(&format!("X:1\nL:1/4\nK:{text}\nCDEF|[K:G]GAB\n"));
        source.mode.map(|key| key.to_string())
    };
    let modes = ["Ddor", "E Phrygian", "F lyd", "Amix", "g dorian transpose=2"].map(mode);
    assert_eq!(
        modes.each_ref().map(Option::as_deref),
        [Some("D minor"), Some("E minor"), Some("F major"), Some("A major"), Some("A minor")]
    );
    assert_eq!(["D", "Am", "C ion", "A aeo", "HP"].map(mode), [const { None }; 5], "the signature has it all");
}

#[test]
fn accidentals_last_to_the_bar_line_and_through_ties() {
    assert_eq!(pitches(&quarters("^c c C =c|c_d d __d")), [73, 73, 60, 72, 72, 73, 73, 72]);
    assert_eq!(line(&quarters("d2 ^c2-|c2 c2|")), "74:2 73:4 72:2");
    assert_eq!(line(&quarters("[ce]-[ce] [c-e]c|")), "72:2 76:2 72:2 76:1");
    assert_eq!(pitches(&quarters("c' C, ^/c _3/2d")), [84, 48, 72, 73], "quarter tones are rounded");
}

#[test]
fn lengths_broken_rhythms_and_tuplets_are_exact() {
    assert_eq!(line(&quarters("c2 d/ e/2 f3/2 g// a//")), "72:2 74:0.5 76:0.5 77:1.5 79:0.25 81:0.25");
    assert_eq!(line(&quarters("c>d e<f g>>a")), "72:1.5 74:0.5 76:0.5 77:1.5 79:1.75 81:0.25");
    let thirds = quarters("(3cde f (3:2:2c2d g");
    assert_eq!(starts(&thirds), [0.0, 1.0 / 3.0 * 2.0, 4.0 / 3.0, 2.0, 3.0, 3.0 + 4.0 / 3.0, 5.0]);
    assert_eq!(starts(&quarters("(2cd (5cdefg a"))[..3], [0.0, 1.5, 3.0]);
    assert_eq!(quarters("(7c/d/e/f/g/a/b/").ticks_per_quarter, 10_080);
    assert_eq!(line(&quarters("[CEG]2 [c2e2]/ z g")), "60:2 64:2 67:2 72:1 76:1 79:1");
    assert_eq!(Melody::find(&quarters("[CEG]2 c2"), &Choice::default()).unwrap().notes.len(), 2, "the top of a chord");
    assert_eq!(starts(&quarters("c4|Z2|d4|")), [0.0, 12.0]);
}

#[test]
fn repeats_and_endings_are_written_out() {
    let order = |music: &str| pitches(&quarters(music)).iter().map(|midi| midi - 60).collect::<Vec<_>>();
    assert_eq!(order("C4|D4:|E4|"), [0, 2, 0, 2, 4]);
    assert_eq!(order("|:C4|1 D4:|2 E4||F4|"), [0, 2, 0, 4, 5]);
    assert_eq!(order("|:C4|[1,3 D4:|[2 E4:|F4|]"), [0, 2, 0, 4, 0, 2, 5]);
    assert_eq!(order("C4::D4:|"), [0, 0, 2, 2]);
    assert_eq!(order("C4:||:D4|\nE4:|"), [0, 0, 2, 4, 2, 4]);
    assert_eq!(order("C4|\"^Fine\"D4|E4|!D.C.!F4|"), [0, 2, 4, 5, 0, 2]);
    assert_eq!(order("|:C4|1 D4|E4:|2 F4|G4|]"), [0, 2, 4, 0, 5, 7]);
}

#[test]
fn a_pickup_and_bars_without_metre_keep_their_lines() {
    let metres = |source: &Source| -> Vec<(Tick, u8)> {
        let metres = source.directions.iter().filter_map(|(tick, direction)| match direction {
            Direction::Metre(metre) => Some((*tick / 480, metre.numerator)),
            _ => None,
        });
        metres.collect()
    };
    assert_eq!(metres(&quarters("c|defg|c4|")), [(0, 4), (1, 4)]);
    assert_eq!(metres(&read_text("X:1\nM:none\nL:1/4\nK:C\nc5|d3|e4|\n")), [(0, 5), (5, 3), (8, 4)]);
    assert_eq!(metres(&quarters("c4|[M:3/4]def|\nM:2/4\nga|")), [(0, 4), (4, 3), (7, 2)]);
}

/// Where metres begin, in quarters, and whether they are printed.
fn metres(source: &Source) -> Vec<(Tick, String, bool)> {
    let metres = source.directions.iter().filter_map(|(tick, direction)| match direction {
        Direction::Metre(metre) => {
            Some((*tick / Tick::from(source.ticks_per_quarter), metre.to_string(), metre.is_printed))
        }
        _ => None,
    });
    metres.collect()
}

#[test]
fn a_bar_of_the_wrong_length_is_told_and_the_bars_count_as_the_bar_lines_do() {
    let source = quarters("cdef|c2d2|cBBAA|c4|d4|]");
    assert_eq!(source.remarks, ["bar 3 has 5 beats of 4/4; where that is not meant, correct the file"]);
    let grid = crate::Grid::new(source.ticks_per_quarter, &source.directions, 0);
    let bar = |quarter: u32| grid.bar(4 * quarter).number;
    assert_eq!([0, 4, 8, 12, 13, 17].map(bar), [1, 2, 3, 3, 4, 5]);
    let told = |tick, metre: &str, is_printed| (tick, metre.to_owned(), is_printed);
    assert_eq!(metres(&source), [told(0, "4/4", true), told(8, "5/4", false), told(13, "4/4", false)]);
    let said = |music: &str| quarters(music).remarks;
    assert_eq!(
        said("c|defg|cde|c4|c2|ABcde|c3|]")[0].split(';').next(),
        Some("bar 2 has 3 beats of 4/4, and 2 other bars have too many or too few")
    );
    assert!(said("cdef|c8|c4|]")[0].starts_with("bar 2 has 8 beats of 4/4;"));
    let source = read_text("X:1\nM:6/8\nL:1/8\nK:C\ncdecde|cdecd|c6|c6|]\n");
    assert!(source.remarks[0].starts_with("bar 2 has 5 eighths of 6/8;"), "{:?}", source.remarks);
}

#[test]
fn what_is_no_whole_bar_for_a_reason_is_not_told() {
    for music in [
        "c|defg|cdef|c3|]",
        "c|defg|c3:|d|efga|c3:|",
        "c|defg|c3||d|efga|c3|]",
        "cdef|gfe|1d:|2c|]",
        "cdef|c4|[M:3/4]cde|c3|]",
        "cdef|(3cdec2|(7:4:7cdefgab|c4|]",
    ] {
        let told = quarters(music).remarks;
        assert!(!told.iter().any(|remark| remark.contains("where that is not meant")), "{music}: {told:?}");
    }
    assert_eq!(read_text("X:1\nM:none\nL:1/4\nK:C\nc5|d3|e4|\n").remarks, [""; 0]);
}

#[test]
fn letters_that_are_no_notes_are_told() {
    let remarks = |text: &str| read_text(text).tracks.remove(0).remarks;
    let head = "X:1\nM:4/4\nL:1/4\nK:C\n";
    let hint = "; what German calls H is written B, and its B is _B";
    assert_eq!(
        remarks(&format!("{head}c B H A|c h2 A|c4|]\n")),
        [format!("letters that are no notes are left out (2): H, h{hint}")]
    );
    assert_eq!(remarks(&format!("{head}cBcA|Hc4|]\n")), [""; 0], "a fermata stands at its note");
    assert_eq!(remarks(&format!("U:h=!fermata!\n{head}chBcA|]\n")), [""; 0], "a sign of the file's own");
}

#[test]
fn words_stand_under_their_notes() {
    let source = quarters("c d e f|g4|\nw:1.~Lo-bet den_ Herrn\nw:Mit * tel, O_");
    let expected = [
        (0.0, 1, "1. Lo-"),
        (0.0, 2, "Mit"),
        (1.0, 1, "bet"),
        (2.0, 1, "den"),
        (2.0, 2, "tel,"),
        (3.0, 2, "O/"),
        (4.0, 1, "Herrn/"),
    ];
    assert_eq!(words(&source), expected.map(|(tick, verse, text)| (tick, verse, text.to_owned())));
    assert_eq!(source.tracks[0].phrasing.extenders, [960, 1440]);
    // Rests and grace notes have none; a bar line goes on to the next bar.
    let texts = |music: &str| words(&quarters(music)).iter().map(|word| word.0).collect::<Vec<_>>();
    assert_eq!(texts("z c {d}e f|g4|\nw:one two | four"), [1.0, 2.0, 4.0]);
    // Words for two lines stand below the second.
    assert_eq!(texts("cdef|\ngagf|\nw:a b c d e f g h\n"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert_eq!(texts("cdef|\ngagf|\nw:a b c d\n"), [4.0, 5.0, 6.0, 7.0]);
    let melody = Melody::find(&quarters("cdef|\nw:a b c d\ng4|\nw:e\n"), &Choice::default()).unwrap();
    assert_eq!(melody.line_ends, [1440]);
}

#[test]
fn voices_are_tracks_with_their_names() {
    let head = "X:1\nM:4/4\nL:1/4\nV:S name=\"Soprano 1\"\nV:B clef=bass octave=-1\nK:G\n";
    let source = read_text(&format!("{head}[V:S] Bcde|\n[V:B] GGGG|\nV:S\nf4|\nw:Lord\nV:B\nG4|\n"));
    let names: Vec<_> = source.tracks.iter().map(|track| track.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["Soprano 1", "B"]);
    assert_eq!(pitches(&source), [71, 72, 74, 76, 78]);
    assert_eq!(source.tracks[1].channels[&0][4].pitch.midi(), 55);
    assert_eq!(words(&source), [(4.0, 1, "Lord/".to_owned())]);
    let overlay = quarters("c4 & E4|d4|");
    assert_eq!((pitches(&overlay), overlay.tracks[0].channels[&1].len()), (vec![72, 74], 1));
}

#[test]
fn a_tune_is_known_whatever_its_bytes_are_like() {
    let plain = "X:1\nT:Größe\nL:1/4\nK:C\ncdef|\n";
    let marked = format!("\u{feff}{plain}");
    let units = || plain.encode_utf16();
    let (little, big) = (units().flat_map(u16::to_le_bytes), units().flat_map(u16::to_be_bytes));
    let western: Vec<u8> = plain.chars().map(|letter| letter as u8).collect();
    let all = [
        marked.clone().into_bytes(),
        marked.replace("X:1\n", "").into_bytes(),
        little.collect(),
        big.collect(),
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        plain.replace("cd", "c\0d").into_bytes(),
        plain.replace('\n', "\r").into_bytes(),
        plain.replace('\n', "\r\n").into_bytes(),
        western,
    ];
    let expected = read_text(plain);
    for bytes in all {
        assert_eq!(crate::read(&bytes), Ok(expected.clone()), "{:?}", String::from_utf8_lossy(&bytes));
    }
    let page = format!("<pre>\n{plain}</pre>\n");
    assert_eq!(crate::read_named("tunes.abc", page.as_bytes(), None), Ok(expected));
    let russian = "X:1\nT:Тихая ночь\nK:C\nL:1/4\ncdef|\nw:Ти-ха-я ночь\n";
    let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(russian);
    assert_eq!(crate::read(&bytes), Ok(read_text(russian)));
}

#[test]
fn a_tune_without_key_is_told_what_it_lacks() {
    let error = |name: &str, bytes: &[u8]| crate::read_named(name, bytes, None).unwrap_err().to_string();
    let no_key = "the tune has no line such as K:G, which names its key and ends its head; write one above its notes";
    assert_eq!(error("a", b"X:1\nT:x\nL:1/4\ncdef|\n"), no_key);
    assert_eq!(error("a.ABC", b"T:x\ncdef|\n"), no_key);
    assert_eq!(error("a.abc", b"X:1\nT:x\n"), ReadError::NoTune.to_string());
    assert_eq!(error("a.abc", b"\x01\x02\0"), no_key);
    assert!(error("a.abc", b"MThd\0\0").contains("breaks off"), "a MIDI file under another name");
}

#[test]
fn fields_that_cannot_be_read_are_told() {
    let remarks = |head: &str| read_text(&format!("X:1\n{head}\nK:C\ncdef|\n")).remarks;
    assert_eq!(remarks("L:1/0"), ["L:1/0 is left out: the unit of length is one such as L:1/8"]);
    assert_eq!(remarks("L:Z1000000000"), ["L:Z1000000000 is left out: the unit of length is one such as L:1/8"]);
    assert_eq!(remarks("M:0/4"), ["M:0/4 is left out: a metre is one such as M:3/4, M:C or M:none"]);
    let tempo = "is left out: a tempo is one such as Q:1/4=80, from 4 to 2000 quarters a minute";
    assert_eq!(remarks("Q:1/4=-5"), [format!("Q:1/4=-5 {tempo}")]);
    assert_eq!(remarks("P:Reel"), ["P:Reel is left out: an order of parts is one such as P:AABB or P:A(BC)2"]);
    let parts = "P:AABB is left out: no line P:A marks part A; the parts are played as they stand";
    assert_eq!(remarks("P:AABB"), [parts]);
    assert!(remarks("P:A").is_empty());
    assert!(remarks("M:none\nQ:\"Slowly\"\nL:1/16").is_empty());
    let of_key = |key: &str| read_text(&format!("X:1\nK:{key}\ncdef|\n")).remarks;
    assert_eq!(of_key("Z1000000000"), ["K:Z1000000000 is left out: a key is one such as K:G, K:Am or K:D dorian"]);
    for key in ["G", "none", "", "clef=bass", "treble", "Hp", "octave=-1"] {
        assert!(of_key(key).is_empty(), "{key}");
    }
    let track = |music: &str| quarters(music).tracks[0].remarks.clone();
    assert_eq!(track("^/c _3/2d c"), ["quarter tones are rounded (2)"]);
    assert_eq!(track("c c''''''' d"), ["notes beyond C-1 to G9 are left out (1)"]);
}

#[test]
fn parts_are_played_in_the_order_that_the_head_tells_each_with_its_own_repeats() {
    let pitches = |head: &str, music: &str| {
        let source = read_text(&format!("X:1\nP:{head}\nM:2/4\nL:1/4\nK:C\n{music}\n"));
        notes(&source).iter().map(|note| note.pitch.midi()).collect::<Vec<_>>()
    };
    assert_eq!(pitches("ABA", "P:A\nc2|\nP:B\nd2|\n"), [72, 74, 72]);
    assert_eq!(pitches("A(BC)2", "P:A\nc2|\nP:B\nd2|\nP:C\ne2|\n"), [72, 74, 76, 74, 76]);
    assert_eq!(pitches("AB", "P:A\n|:c2:|\nP:B\nd2|[P:C]e2|\n"), [72, 72, 74]);
    assert_eq!(pitches("BA", "G|\nP:A\nc2|\nP:B\nd2|\n"), [67, 74, 72], "a pickup before the parts");
    assert_eq!(pitches("AC", "P:A\nc2|\nP:B\nd2|\n"), [72, 74], "no part C");
    let voices = read_text("X:1\nP:BA\nL:1/4\nM:2/4\nK:C\nP:A\nV:1\nc2|\nV:2\nC2|\nP:B\nV:1\nd2|\nV:2\nD2|\n");
    assert_eq!(notes(&voices).iter().map(|note| note.pitch.midi()).collect::<Vec<_>>(), [74, 72]);
}

#[test]
fn a_note_that_nobody_holds_is_refused_by_its_bar() {
    let source = quarters("cdef|g10000|");
    let melody = Melody::find(&source, &Choice::default()).unwrap();
    let grid = crate::Grid::new(source.ticks_per_quarter, &source.directions, 0);
    let error = crate::melody::steps(&melody, &grid).unwrap_err().to_string();
    assert!(error.starts_with("G5 in bar 2 is held for 40000 sixteenths; no voice holds"), "{error}");
}

#[test]
fn signs_are_kept_or_told() {
    let source = quarters("\"Am\"(c {/d}d) Te !fermata!f|!p!g !breath!a \"^dolce\"b Hc'|");
    let track = &source.tracks[0];
    assert_eq!((track.fermatas.clone(), track.phrasing.breaths.clone()), (vec![1440, 3360], vec![2400]));
    assert_eq!(track.phrasing.slurs, [(0, 480)]);
    let expected = [(1920, crate::Expression::Dynamic("p".into())), (2880, crate::Expression::Words("dolce".into()))];
    assert_eq!(track.phrasing.expressions, expected);
    assert_eq!(track.symbols, [(0, "Am".to_owned())]);
    assert_eq!(source.remarks, ["grace notes are left out (1)"]);
    assert_eq!(track.remarks, ["ornaments and articulations are left out (1)"]);
}

#[test]
fn of_several_tunes_the_first_is_taken_and_the_others_are_told() {
    let book = "X:1\nT:Empty\nK:C\n\nX:2\nT:One\nK:C\nc\n\nA text, not music.\n\nX:3\nT:Two\nK:C\nd\n";
    let source = read_text(book);
    assert_eq!((source.title.as_deref(), pitches(&source)), (Some("One"), vec![72]));
    assert_eq!(
        source.remarks,
        ["the file holds 3 tunes, and 2 'One' is taken; --tune takes another: 1 'Empty', 3 'Two'"]
    );
    let split = read_text("X:1\nL:1/4\nK:C\nc\n% a comment\nd\n\nef|\n");
    assert_eq!(pitches(&split), [72, 74, 76, 77], "an empty line between strains");
    let prose = read_text("X:1\nL:1/4\nK:C\ncd|\n\nSome text | with a bar\n\n\"Am\"e !trill!f|\n");
    assert_eq!(pitches(&prose), [72, 74, 76, 77]);
}

#[test]
fn a_tune_is_found_by_its_number_its_place_or_its_title() {
    let of = |book: &str, wanted: &str| {
        read_tune(book.as_bytes(), Some(wanted))
            .map(|source| (pitches(&source)[0], source.remarks.len()))
            .map_err(|error| error.to_string())
    };
    let book = "M:4/4\nL:1/4\nX:7\nT:St Anne\nK:C\nc\n\nX:12\nT:Old H\\\"undredth\nK:C\nd\n\nX:13\nK:C\n";
    assert_eq!([of(book, "7"), of(book, "12"), of(book, "HÜNDRED")], [Ok((72, 0)), Ok((74, 0)), Ok((74, 0))]);
    assert_eq!(
        of(book, "1").unwrap_err().split(';').next(),
        Some("--tune 1: the file holds 7 'St Anne', 12 'Old Hündredth', 13")
    );
    assert_eq!(of(book, "13"), Err(ReadError::NoTune.to_string()));
    let numbered_alike = "X:1\nK:C\nc\n\nX:1\nK:C\nd\n";
    assert_eq!([of(numbered_alike, "1"), of(numbered_alike, "2")], [Ok((72, 0)), Ok((74, 0))], "by their places");
    let many: String = (1..=40).map(|number| format!("X:{number}\nK:C\nc\n\n")).collect();
    assert!(of(&many, "41").unwrap_err().contains("11, 12, 28 more; name one"));
    assert_eq!(numbers(book.as_bytes()), Ok(vec![7, 12]), "those with notes");
    assert_eq!(numbers(b"X:1\nK:C\n"), Err(ReadError::NoTune));
    let refused = crate::read_named("a.mid", b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0", Some("2"));
    assert_eq!(refused, Err(crate::ReadError::OnePiece("2".into())));
}

#[test]
fn what_stands_before_the_first_tune_holds_for_all() {
    let book = "%abc-2.1\nM:3/4\nL:1/4\nQ:1/4=60\n\nX:1\nK:C\nc\n\nX:2\nL:1/2\nK:C\nc\n";
    let of = |number: &str| read_tune(book.as_bytes(), Some(number)).unwrap();
    assert_eq!([line(&of("1")), line(&of("2"))], ["72:1", "72:2"]);
    let three = Metre { numerator: 3, ..Metre::FOUR_FOUR };
    assert!(of("2").directions.contains(&(0, Direction::Metre(three))));
    assert!(of("2").directions.contains(&(0, Direction::Tempo(1_000_000))));
}

#[test]
fn what_is_no_tune_or_endless_is_refused() {
    assert_eq!(read(b"X:1\nT:x\nK:C\n"), Err(ReadError::NoTune));
    assert_eq!(read(b""), Err(ReadError::NoTune));
    let measures = format!("X:1\nK:C\n{}", "c|".repeat(10_001));
    assert_eq!(read(measures.as_bytes()), Err(Endless::Measures.into()));
    let error = |music: &str| read(format!("X:1\nL:1/1\nK:C\n{music}\n").as_bytes()).unwrap_err().to_string();
    assert_eq!(error("cZ1000000000|c|"), "Z1000000000 is a rest of more than 10000 measures; correct its number");
    assert_eq!(error("cZ9999|Z9999|"), "the piece has more than 10000 measures; cut it");
    assert_eq!(error(&":c:|".repeat(5_001)), Endless::Repeats.to_string());
    assert!(error("c|c9999 c9999|c|").starts_with("measure 2 ends later than any file can tell"));
    let voices: String = (0..65).map(|voice| format!("[V:{voice}]c\n")).collect();
    let error = read(format!("X:1\nK:C\n{voices}").as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "the tune has more than 64 voices; is it one?");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        head in "([TMLQKVwP]:[ -~]{0,12}\n){0,6}",
        music in r#"([A-Ga-gzxZ\[\]|:(){}<>"!+^_=/,'0-9&\-HSO \n.~]|\[V:[12]\]|\[[KMLQ]:[ -~]{0,6}\]|w:[a-z_*|~ \\-]{0,9}\n){0,60}"#,
    ) {
        let text = format!("X:1\n{head}K:G\n{music}\n");
        if let Ok(source) = read(text.as_bytes()) {
            for track in &source.tracks {
                for note in track.channels.values().flatten() {
                    prop_assert!(note.start < note.end);
                }
            }
            let _ = Melody::find(&source, &Choice::default());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&[b"X:1\nK:C\n", bytes.as_slice()].concat());
        let _ = is_abc(&bytes);
    }
}

/// It is one of the rest, and no note of it waits for the next.
#[test]
fn a_fermata_over_a_rest_is_told_and_belongs_to_no_note() {
    let source = quarters("CDE!fermata!z|HZ|C4|]");
    assert!(source.tracks[0].fermatas.is_empty());
    assert_eq!(source.tracks[0].remarks, ["fermatas over rests are left out (2)"]);
}

#[test]
fn a_fermata_before_a_bar_line_is_that_of_the_note_before_it_and_notes_behind_an_ampersand_are_told() {
    let source = quarters("cdef!fermata!|g4|");
    assert_eq!(source.tracks[0].fermatas, [notes(&source)[3].start]);
    let source = quarters("EDCD & C4|EEE2|");
    let remarks = Melody::find(&source, &Choice::default()).unwrap().remarks;
    assert!(remarks.contains(&"1 note behind & is left out".to_owned()), "{remarks:?}");
}

#[test]
fn accidentals_of_a_key_may_stand_at_its_mode() {
    for text in ["C#m^f", "C#m ^f"] {
        assert_eq!(key(&read_text(&format!("X:1\nK:{text}\ncdef|\n"))), (4, true), "{text}");
    }
    let notes = |text: &str| pitches(&read_text(&format!("X:1\nL:1/4\nK:{text}\nFCB|\n")));
    assert_eq!([notes("D^^f"), notes("D_b")], [vec![67, 61, 71], vec![66, 61, 70]]);
}

#[test]
fn a_voice_that_no_score_line_prints_is_left_out_and_told() {
    let tune = |score: &str| read_text(&format!("X:1\n{score}M:4/4\nL:1/4\nK:C\nV:1\nCDEF|\nV:2\ncdef|\n"));
    let with_notes =
        |source: &Source| -> Vec<bool> { source.tracks.iter().map(|it| !it.channels.is_empty()).collect() };
    let hidden = tune("%%score [1|3]\n");
    assert_eq!(with_notes(&hidden), [true, false]);
    assert_eq!(hidden.remarks, ["not printed, and left out: 2 (a line %%score or %%staves names the others)"]);
    for all in ["", "%%staves {(1 2)}\n", "%%score (1 2)\n", "%%score x y\n"] {
        assert_eq!(with_notes(&tune(all)), [true, true], "{all}");
    }
}
