//! Notes that a score keeps for its players alone, and notes that are no pitches.

use super::tests::{ATTRIBUTES, note, read_text, score, spans};
use super::*;
use crate::melody::{Choice, Melody};

fn pitches(source: &Source) -> Vec<u8> {
    spans(source).iter().map(|(_, _, pitch)| *pitch).collect()
}

#[test]
fn notes_that_are_not_printed_are_no_line_and_no_part_of_one_and_are_told() {
    let hidden = |pitch: &str| note(pitch, 4, "").replace("<note>", "<note print-object=\"no\">");
    let headless = note("E6", 8, "<notehead>none</notehead>");
    let visible = [ATTRIBUTES, &note("C5", 8, ""), "<backup><duration>8</duration></backup>"].concat();
    let source =
        read_text(&score(&[&[&visible, &*hidden("D6"), &hidden("E6")].concat(), &headless, &note("D5", 8, "")]));
    assert_eq!(pitches(&source), [72, 74]);
    assert_eq!(source.tracks[0].channels.len(), 1);
    assert_eq!(source.remarks, ["notes that are not printed are left out (3)"]);
}

#[test]
fn a_staff_that_is_not_printed_is_left_out() {
    let staves = |hidden: u32| {
        let details = format!("<staff-details number=\"{hidden}\" print-object=\"no\"/></attributes>");
        let on = |staff: u32, pitch: &str| note(pitch, 8, &format!("<staff>{staff}</staff>"));
        let backup = "<backup><duration>8</duration></backup>";
        let attributes = ATTRIBUTES.replace("</attributes>", &details);
        pitches(&read_text(&score(&[&[&attributes, &*on(1, "C5"), backup, &on(2, "C4")].concat()])))
    };
    assert_eq!([staves(1), staves(2)], [[60], [72]]);
}

#[test]
fn where_nothing_is_printed_the_notes_are_the_piece() {
    let hidden = note("C5", 8, "").replace("<note>", "<note print-object=\"no\">");
    let source = read_text(&score(&[&[ATTRIBUTES, &*hidden].concat()]));
    assert_eq!((pitches(&source), source.remarks), (vec![72], vec![]));
}

#[test]
fn a_staff_with_the_clef_of_percussion_is_never_the_melody() {
    let clefs = |upper: &str, more: &str| {
        let clef =
            |staff: u32, sign: &str| format!("<clef number=\"{staff}\"><sign>{sign}</sign><line>2</line></clef>");
        let attributes = [&clef(1, upper), &*clef(2, "G"), "</attributes>"].concat();
        let on = |staff: u32, pitch: &str| note(pitch, 8, &format!("<staff>{staff}</staff>"));
        let backup = "<backup><duration>8</duration></backup>";
        let first = [&ATTRIBUTES.replace("</attributes>", &attributes), &*on(1, "C6"), backup, &on(2, "C5")].concat();
        Melody::find(&read_text(&score(&[&first, &[more, &*on(1, "D6")].concat()])), &Choice::default()).unwrap().notes
            [0]
        .pitch
    };
    assert_eq!(clefs("G", "").midi(), 84);
    assert_eq!(clefs("percussion", "").midi(), 72);
    let bells = "<attributes><clef><sign>G</sign></clef></attributes>";
    assert_eq!(clefs("percussion", bells).midi(), 84, "a player who turns to bells has pitches");
}
