//! Which words are sung when measures are repeated.

use super::strangers::{lyric, words};
use super::tests::{ATTRIBUTES, note, read_text, score};

const REPEAT: &str = "<barline location=\"right\"><repeat direction=\"backward\"/></barline>";

const BACK: &str = "<repeat direction=\"backward\"/>";

/// A measure under a bracket.
fn ending(number: u8, more: &str, measure: &str) -> String {
    format!(
        "<barline location=\"left\"><ending number=\"{number}\" type=\"start\"/></barline>{measure}\
             <barline location=\"right\"><ending number=\"{number}\" type=\"stop\"/>{more}</barline>"
    )
}

/// A measure with a word for each verse.
fn sung(verses: &[&str]) -> String {
    let lyrics = (1..).zip(verses).map(|(verse, text)| lyric(verse, "single", text));
    note("C5", 8, &lyrics.collect::<String>())
}

/// The words of each verse, in order, of a repeated measure and one that is not.
fn verses(repeated: &[&str], once: &[&str]) -> Vec<String> {
    let source = read_text(&score(&[&[ATTRIBUTES, &sung(repeated), REPEAT].concat(), &sung(once)]));
    let of = |wanted: u8| {
        let words = words(&source);
        words.iter().filter(|(_, verse, _)| *verse == wanted).map(|(.., text)| *text).collect::<Vec<_>>().join(" ")
    };
    (1..=9).map(of).filter(|words| !words.is_empty()).collect()
}

#[test]
fn repeated_measures_with_several_lines_of_words_sing_one_each_time() {
    let two = |a: &str, b: &str| [lyric(1, "single", a), lyric(2, "single", b)].concat();
    let first = [ATTRIBUTES, &note("C5", 8, &two("A", "P")), REPEAT].concat();
    let source = read_text(&score(&[&first, &note("D5", 8, &lyric(1, "single", "E"))]));
    assert_eq!(words(&source), [(0, 1, "A"), (1920, 1, "P"), (3840, 1, "E")]);
    // Strophes, which the rest has too, are sung to the whole.
    let source = read_text(&score(&[&first, &note("D5", 8, &two("E", "R"))]));
    assert_eq!(words(&source).len(), 6);
    // A measure without words of the second pass has those of the first.
    let measures = [note("C5", 8, &two("A", "P")), format!("{}{REPEAT}", note("D5", 8, &lyric(1, "single", "Amen")))];
    let source = read_text(&score(&[&measures[0], &measures[1]]));
    let texts: Vec<&str> = words(&source).iter().map(|(.., text)| *text).collect();
    assert_eq!(texts, ["A", "Amen", "P", "Amen"]);
}

#[test]
fn lines_beyond_the_passes_are_further_verses() {
    assert_eq!(verses(&["1", "2", "3"], &["R"]), ["1 2 R", "3"]);
    assert_eq!(verses(&["1", "2", "3", "4"], &[]), ["1 2", "3 4"]);
    // The first part of a bar form has two lines for each of the last.
    assert_eq!(verses(&["1a", "1b", "2a", "2b"], &["1c", "2c"]), ["1a 1b 1c", "2a 2b 2c"]);
    assert_eq!(verses(&["1", "2", "3"], &["1c", "2c", "3c"]), ["1 1 1c", "2 2 2c", "3 3 3c"], "strophes");
    let source = read_text(&score(&[&[ATTRIBUTES, &sung(&["1", "2", "3"]), REPEAT].concat()]));
    let said = "sing one of them each time; lines beyond the first 2 make further verses";
    assert!(source.tracks[0].remarks[0].ends_with(said), "{:?}", source.tracks[0].remarks);
}

#[test]
fn an_ending_has_the_words_of_its_pass_and_a_refrain_one_line_whatever_its_number() {
    let three = [ATTRIBUTES, &sung(&["1", "2", "3"])].concat();
    let (first, second) =
        (ending(1, BACK, &sung(&["a", "", "c"])), ending(2, "", &note("D5", 8, &lyric(2, "single", "b"))));
    let source = read_text(&score(&[&three, &first, &second, &note("E5", 8, &lyric(3, "single", "R"))]));
    let texts: Vec<(u8, &str)> = words(&source).iter().map(|(_, verse, text)| (*verse, *text)).collect();
    assert_eq!(texts, [(1, "1"), (2, "3"), (1, "a"), (2, "c"), (1, "2"), (1, "b"), (1, "R")]);
}

#[test]
fn words_of_a_pass_that_is_not_played_are_told() {
    let first = [ATTRIBUTES, &sung(&["1", "2"])].concat();
    let endings = [ending(1, BACK, &sung(&["a", "never"])), ending(2, "", &sung(&["", "b"]))];
    let source = read_text(&score(&[&first, &endings[0], &endings[1]]));
    assert_eq!(source.tracks[0].remarks.last().unwrap(), "words of passes that are not played are left out (1)");
}

#[test]
fn the_syllable_of_a_grace_note_is_sung_on_the_note_that_it_leads_to() {
    let grace = format!(
        "<note><grace/><pitch><step>D</step><octave>5</octave></pitch>{}{}</note>",
        lyric(1, "single", "Oh"),
        lyric(2, "single", "Ah")
    );
    let source = read_text(&score(&[&[ATTRIBUTES, &grace, &note("C5", 8, &lyric(2, "single", "own"))].concat()]));
    assert_eq!(words(&source), [(0, 1, "Oh"), (0, 2, "own")]);
}

#[test]
fn verses_among_the_texts_of_a_page_are_kept_and_names_and_notices_are_none() {
    let credit = |kind: &str, words: &str| {
        let kind = if kind.is_empty() { String::new() } else { format!("<credit-type>{kind}</credit-type>") };
        format!("<credit page=\"1\">{kind}<credit-words>{words}</credit-words></credit>")
    };
    let with = |credits: &str| {
        read_text(&score(&[&[ATTRIBUTES, &note("C5", 8, "")].concat()]).replacen(
            "<part-list>",
            &format!("{credits}<part-list>"),
            1,
        ))
    };
    let named = [
        credit("subtitle", "A\nsubtitle\nof many\nlines"),
        credit("", "Old tune"),
        credit("", "Copyright by\nsomebody\nfor ever"),
    ];
    let source = with(&named.concat());
    assert!(source.below.is_empty() && source.remarks.is_empty(), "{:?}", source.below);
    let verses = credit("", " 2. Then\nagain \nAmen") + &credit("lyrics", "3. One\n\n\ntwo\nthree");
    let source = with(&(named.concat() + &verses));
    assert_eq!(source.below, ["2. Then", "again", "Amen", "", "3. One", "", "two", "three"]);
    assert!(source.remarks[0].starts_with("6 lines of words under the tune"), "{:?}", source.remarks);
}

#[test]
fn a_line_that_changes_some_syllables_of_a_repeated_measure_leaves_the_others_as_they_are() {
    let second_pass = |notes: [&str; 4]| {
        let measure = [ATTRIBUTES, &notes.concat(), REPEAT].concat();
        let source = read_text(&score(&[&measure, &note("D5", 8, &lyric(1, "single", "E"))]));
        words(&source)
            .iter()
            .filter(|(tick, ..)| (1920..3840).contains(tick))
            .map(|(.., text)| *text)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let both = |one: &str, two: &str| note("C5", 2, &[lyric(1, "single", one), lyric(2, "single", two)].concat());
    let one = |text: &str, more: &str| note("C5", 2, &[&lyric(1, "single", text), more].concat());
    let (a, b) = (both("a1", "a2"), both("b1", "b2"));
    assert_eq!(second_pass([&a, &b, &one("c", ""), &one("d", "")]), "a2 b2 c d");
    assert_eq!(
        second_pass([&a, &b, &both("c", "c2"), &one("d", "")]),
        "a2 b2 c2",
        "one note may belong to the one before"
    );
    let begun = note("C5", 2, &[lyric(1, "single", "b1"), lyric(2, "begin", "b")].concat());
    assert_eq!(second_pass([&a, &begun, &one("c", ""), &one("d", "")]), "a2 b-", "a syllable that goes on");
    let slur = |kind: &str| format!("<notations><slur type=\"{kind}\" number=\"1\"/></notations>");
    let slurred = b.replace("</note>", &[&slur("start"), "</note>"].concat());
    assert_eq!(second_pass([&a, &slurred, &one("c", &slur("stop")), &one("d", "")]), "a2 b2 d", "a note under a slur");
}
