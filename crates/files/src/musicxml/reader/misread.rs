//! Scores that say what they mean, only not in the place where one looks first.

use super::strangers::lyric;
use super::tests::{ATTRIBUTES, note, read_text, score, spans};
use super::*;
use crate::grid::Grid;
use crate::score::Tick;

fn bars(source: &Source) -> Vec<(u32, u32)> {
    let grid = Grid::new(source.ticks_per_quarter, &source.directions, 0);
    let end = spans(source).iter().map(|(_, end, _)| *end).max().unwrap();
    grid.bars(0..grid.nearest_step(end)).map(|bar| (bar.number, bar.end_step - bar.first_step)).collect()
}

#[test]
fn a_pickup_that_is_told_stays_one_before_a_measure_that_is_shorter_by_as_much() {
    let quarters = |count: usize| note("C5", 2, "").repeat(count);
    let text = |attributes: &str| {
        let first = [ATTRIBUTES, &quarters(1)].concat();
        score(&[&first, &quarters(3), &quarters(1), &quarters(4), &quarters(3)])
            .replace("<measure number=\"1\">", attributes)
    };
    let whole = [(0, 4), (1, 16), (2, 16), (3, 16)];
    assert_eq!(bars(&read_text(&text("<measure number=\"1\" implicit=\"yes\">"))), whole);
    assert_eq!(bars(&read_text(&text("<measure number=\"0\">"))), whole);
    assert_eq!(bars(&read_text(&text("<measure number=\"1\">")))[..2], [(1, 16), (2, 4)], "a measure in two pieces");
}

#[test]
fn tuplets_whose_durations_are_rounded_last_as_long_as_they_are_written() {
    let triplet = |length: u32, more: &str| {
        let ratio =
            "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>";
        note("C5", length, &[more, "<type>eighth</type>", ratio].concat())
    };
    let starts = |measure: &str| -> Vec<Tick> {
        let mut starts: Vec<Tick> = spans(&read_text(&score(&[measure]))).iter().map(|(start, ..)| *start).collect();
        starts.dedup();
        starts
    };
    let eighth = ATTRIBUTES.replace("<divisions>2<", "<divisions>8<");
    let down = [&*eighth, &triplet(2, "").repeat(3), &note("D5", 8, "")].concat();
    assert_eq!(starts(&down), [0, 160, 320, 480]);
    let evenly = [&*eighth, &triplet(3, "").repeat(2), &triplet(2, ""), &note("D5", 8, "")].concat();
    assert_eq!(starts(&evenly), [0, 160, 320, 480]);
    // Another voice begins where the file says, by its own count.
    let lower = format!("<backup><duration>14</duration></backup>{}", note("C4", 14, "<voice>2</voice>"));
    let source = read_text(&score(&[&[&*down, &lower, &note("E5", 8, "")].concat()]));
    let all: Vec<Vec<Tick>> =
        source.tracks[0].channels.values().map(|notes| notes.iter().map(|note| note.start).collect()).collect();
    assert_eq!(all, [vec![0, 160, 320, 480, 840], vec![0]]);
    let exact = ATTRIBUTES.replace("<divisions>2<", "<divisions>12<");
    assert_eq!(
        starts(&[&*exact, &triplet(5, "").repeat(3)].concat()),
        [0, 200, 400],
        "what is no rounding is believed"
    );
}

#[test]
fn endings_without_numbers_are_counted() {
    let ending = |number: &str, kind: &str| format!("<barline><ending number=\"{number}\" type=\"{kind}\"/></barline>");
    let repeat = "<barline><repeat direction=\"backward\"/></barline>";
    let order = |first: &str, second: &str| {
        let first = [&*ending(first, "start"), &note("D5", 8, ""), &ending(first, "stop"), repeat].concat();
        let second = [&*ending(second, "start"), &note("E5", 8, ""), &ending(second, "discontinue")].concat();
        let source = read_text(&score(&[&[ATTRIBUTES, &note("C5", 8, "")].concat(), &first, &second]));
        spans(&source).iter().map(|(_, _, pitch)| *pitch).collect::<Vec<_>>()
    };
    for (first, second) in [("1", "2"), ("", ""), (" ", " "), ("1", "")] {
        assert_eq!(order(first, second), [72, 74, 72, 76], "'{first}', '{second}'");
    }
}

#[test]
fn a_part_on_the_channel_of_drums_is_no_tune_beside_one_that_is_not_unless_it_is_called_one() {
    let rhythm = |channels: [&str; 2], name: &str, words: &str| {
        let measure = format!("<measure number=\"1\">{ATTRIBUTES}{}</measure>", note("C5", 8, words));
        let part = |number: usize| {
            format!(
                "<score-part id=\"P{number}\"><part-name>{name}</part-name><midi-instrument id=\"I{number}\">\
                 <midi-channel>{}</midi-channel></midi-instrument></score-part>",
                channels[number - 1]
            )
        };
        let source = read_text(&format!(
            "<score-partwise><part-list>{}{}</part-list><part id=\"P1\">{measure}</part><part id=\"P2\">{measure}</part>\
             </score-partwise>",
            part(1),
            part(2)
        ));
        [0, 1].map(|track| source.is_drums(track, 0))
    };
    assert_eq!(rhythm(["10", "1"], "Track", ""), [true, false]);
    assert_eq!(rhythm(["10", "1"], "Voice", ""), [false; 2], "by its name");
    assert_eq!(rhythm(["10", "1"], "Track", &lyric(1, "single", "la")), [false; 2], "by its words");
    assert_eq!(rhythm(["10", "10"], "Track", ""), [false; 2], "nothing else is there");
}

/// The pitches of measures of one note each that hold these signs and words.
fn order(measures: &[&str]) -> Vec<u8> {
    let pitches = ["C5", "D5", "E5", "F5", "G5"];
    let measure = |(number, signs): (usize, &&str)| {
        let attributes = if number == 0 { ATTRIBUTES } else { "" };
        [attributes, *signs, &note(pitches[number], 8, "")].concat()
    };
    let measures: Vec<String> = measures.iter().enumerate().map(measure).collect();
    let measures: Vec<&str> = measures.iter().map(String::as_str).collect();
    spans(&read_text(&score(&measures))).iter().map(|(_, _, pitch)| *pitch).collect()
}

#[test]
fn a_jump_is_followed_where_the_sign_stands_between_its_words() {
    let words = |words: &str| format!("<direction-type><words>{words}</words></direction-type>");
    let (segno, al_fine) = ("<direction-type><segno/></direction-type>", words("al Fine"));
    let direction = |content: &str| format!("<direction>{content}</direction>");
    let (sign, fine) = (direction(segno), direction(&words("Fine")));
    let symbol = direction("<direction-type><symbol>segno</symbol></direction-type>");
    let jumps = [
        direction(&[&words("D."), segno, &al_fine].concat()),
        [direction(&words("D.")), sign.clone(), direction(&al_fine)].concat(),
        direction(&[&words("Dal"), segno].concat()),
        direction(&words("D.S. al Fine")),
    ];
    for jump in &jumps {
        assert_eq!(order(&["", &sign, &fine, jump]), [72, 74, 76, 77, 74, 76], "{jump}");
    }
    assert_eq!(order(&["", &symbol, &fine, &jumps[3]]), [72, 74, 76, 77, 74, 76]);
    let source = read_text(&score(&[&[ATTRIBUTES, &*sign, &note("C5", 8, ""), &*jumps[1]].concat()]));
    assert!(
        source.tracks[0].phrasing.expressions.is_empty(),
        "no words of the way are left: {:?}",
        source.tracks[0].phrasing.expressions
    );
}

#[test]
fn a_coda_may_stand_at_the_bar_lines_of_both_measures() {
    let jump = "<direction><direction-type><words>D.S. al Coda</words></direction-type></direction>";
    let from = "<barline location=\"left\"><segno/></barline><barline location=\"right\"><coda/></barline>";
    let coda = "<barline location=\"left\"><coda/></barline>";
    assert_eq!(order(&["", from, jump, coda]), [72, 74, 76, 74, 77]);
}

#[test]
fn a_title_that_stands_on_the_page_alone_is_the_title() {
    let title = |more: &str| {
        let text = score(&[&[ATTRIBUTES, &note("C5", 8, "")].concat()]);
        let start = text.find("<part-list").expect("a list of parts");
        read_text(&[&text[..start], more, &text[start..]].concat()).title
    };
    let credit = |page: u32, kind: &str, look: &str, words: &str| {
        format!("<credit page=\"{page}\">{kind}<credit-words {look}>{words}</credit-words></credit>")
    };
    let (large, small) = ("font-size=\"24\" justify=\"center\"", "font-size=\"12\" justify=\"center\"");
    let kind = |kind: &str| format!("<credit-type>{kind}</credit-type>");
    let plain = [
        credit(1, "", small, "for Ada"),
        credit(1, "", large, "My\n Hymn"),
        credit(1, "", "justify=\"right\"", "N. N."),
    ];
    assert_eq!(title(&plain.concat()).as_deref(), Some("My Hymn"), "the largest in the middle");
    let named = [credit(1, "", large, "Hymnal"), credit(1, &kind("title"), "", "My Hymn")].concat();
    assert_eq!(title(&named).as_deref(), Some("My Hymn"), "one that says so");
    assert_eq!(title(&format!("<movement-title>Mine</movement-title>{named}")).as_deref(), Some("Mine"));
    let others = [
        credit(2, "", large, "Page two"),
        credit(1, &kind("composer"), large, "N. N."),
        credit(1, "", "font-size=\"12\" justify=\"right\"", "Words: N. N."),
        credit(1, "", small, "© 1900 N. N."),
    ];
    assert_eq!(others.map(|other| title(&other)), [const { None }; 4]);
}

#[test]
fn a_score_that_breaks_off_and_one_that_is_ill_formed_tell_the_line_and_the_way_out() {
    let whole = score(&[&[ATTRIBUTES, &note("C5", 8, "")].concat()]).replace("<part id", "\n<part id");
    let said = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
    for end in ["<note>", "</duration>", "uration>"] {
        let cut = &whole[..whole.find(end).expect("a note")];
        let told = "the score breaks off in line 2: its file is not whole; save it once more from the program that made it, or \
                    download it again";
        assert_eq!(said(cut), told, "{end}");
    }
    let told = said(&whole.replace("Voice", "Rock & Roll"));
    assert!(
        told.starts_with("not a MusicXML file: line 1, column ")
            && told.contains("is no XML (malformed entity reference);"),
        "{told}"
    );
    assert!(told.ends_with("or mend that place with a text editor"), "{told}");
}
