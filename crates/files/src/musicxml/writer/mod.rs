//! Scores as MusicXML 4.0 (score-partwise) for notation programs to print.

mod lyrics;
mod note;
mod staff;
mod xml;

use chorale::{Part, Spelling};
use thiserror::Error;

pub use self::lyrics::{Syllable, syllables};
use self::staff::Staff;
use self::xml::Xml;
pub use self::xml::escape;
use super::VERSES;
use crate::ensemble::Ensemble;
use crate::grid::Grid;
use crate::notation::{Measure, TooLong, accidentals, measures};
use crate::score::{Creator, Direction, Score};
use crate::smf;

/// How the four parts stand on staves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A staff each, for choirs.
    #[default]
    Open,
    /// Soprano with alto, tenor with bass, as hymnals print.
    Closed,
}

/// Why a piece cannot be a score.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Unwritable {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("it goes down to {0}, and MusicXML only to C0; move it up, or write MIDI")]
    TooLow(Spelling),
}

/// A choir score, with `marks` (a step of the grid, and words) above the top staff.
///
/// # Errors
/// Where the piece has more measures than anyone engraves, or lower notes than MusicXML has octaves for.
pub fn write(score: &Score, grid: &Grid, layout: Layout, marks: &[(u32, String)]) -> Result<String, Unwritable> {
    let measures = measures(score, grid)?;
    check_octaves(&measures)?;
    let staves = staves(score.ensemble, layout);
    let mut xml = Xml::document(concat!(
        "score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" ",
        "\"http://www.musicxml.org/dtds/partwise.dtd\""
    ));
    xml.open("score-partwise version=\"4.0\"");
    head(&mut xml, score);
    part_list(&mut xml, score, &staves);
    let lyrics = syllables(score);
    for (index, parts) in staves.iter().enumerate() {
        xml.open(&format!("part id=\"P{}\"", index + 1));
        let staff = Staff { score, parts, lyrics: &lyrics, marks, is_top: index == 0 };
        let accidentals = accidentals(&measures, parts);
        for (number, (measure, accidentals)) in measures.iter().zip(&accidentals).enumerate() {
            staff.measure(&mut xml, measure, accidentals, number == 0, number + 1 == measures.len());
        }
        xml.close("part");
    }
    xml.close("score-partwise");
    Ok(xml.text)
}

/// MusicXML counts octaves from 0.
fn check_octaves(measures: &[Measure]) -> Result<(), Unwritable> {
    let items = measures.iter().flat_map(|measure| &measure.parts).flatten();
    let spellings = items.filter_map(|item| Some(item.notehead.as_ref()?.spelling));
    match spellings.min_by_key(|spelling| spelling.octave) {
        Some(lowest) if lowest.octave < 0 => Err(Unwritable::TooLow(lowest)),
        _ => Ok(()),
    }
}

/// The parts of each staff, from the top.
fn staves(ensemble: Ensemble, layout: Layout) -> Vec<Vec<Part>> {
    let sung = ensemble.parts();
    match layout {
        Layout::Open => sung.iter().map(|part| vec![*part]).collect(),
        Layout::Closed => {
            let (upper, lower) = sung.iter().partition(|part| matches!(part, Part::Soprano | Part::Alto));
            vec![upper, lower]
        }
    }
}

/// Title, authors, rights and the program that wrote the file.
fn head(xml: &mut Xml, score: &Score) {
    if let Some(title) = &score.title {
        xml.open("work");
        xml.leaf("work-title", title);
        xml.close("work");
    }
    xml.open("identification");
    for Creator { role, name } in &score.creators {
        xml.leaf_with("creator", &format!("type=\"{}\"", escape(role)), name);
    }
    for (_, direction) in &score.directions {
        if let Direction::Copyright(notice) = direction {
            xml.leaf("rights", &smf::text(notice));
        }
    }
    xml.open("encoding");
    xml.leaf("software", concat!("performer ", env!("CARGO_PKG_VERSION")));
    xml.close("encoding");
    if !score.below.is_empty() {
        xml.open("miscellaneous");
        xml.lines("miscellaneous-field", &format!("name=\"{VERSES}\""), &score.below);
        xml.close("miscellaneous");
    }
    xml.close("identification");
}

fn part_list(xml: &mut Xml, score: &Score, staves: &[Vec<Part>]) {
    let Score { ensemble, program, .. } = score;
    xml.open("part-list");
    xml.open("part-group number=\"1\" type=\"start\"");
    xml.leaf("group-symbol", "bracket");
    // Between the staves of a choir stand words.
    xml.leaf("group-barline", "no");
    xml.close("part-group");
    for (index, parts) in staves.iter().enumerate() {
        let id = index + 1;
        let names: Vec<&str> = parts.iter().map(|part| ensemble.name(*part)).collect();
        let short: Vec<String> = parts.iter().map(|part| format!("{}.", ensemble.short_name(*part))).collect();
        xml.open(&format!("score-part id=\"P{id}\""));
        xml.leaf("part-name", &names.join(" "));
        xml.leaf("part-abbreviation", &short.join(" "));
        xml.open(&format!("score-instrument id=\"P{id}-I1\""));
        xml.leaf("instrument-name", program.instrument().unwrap_or("Instrument"));
        xml.close("score-instrument");
        xml.open(&format!("midi-instrument id=\"P{id}-I1\""));
        xml.leaf("midi-channel", &id.to_string());
        xml.leaf("midi-program", &program.number().to_string());
        xml.close("midi-instrument");
        xml.close("score-part");
    }
    xml.empty("part-group number=\"1\" type=\"stop\"");
    xml.close("part-list");
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;
    use proptest::prelude::*;

    use super::super::{compress, read};
    use super::*;
    use crate::any_score::any_score;
    use crate::score::{Lyric, Note, Tick};

    #[test]
    fn bar_lines_leave_the_words_between_staves_alone_and_the_program_is_named() {
        let text = |program: &str| {
            let score = Score { ticks_per_quarter: 480, program: program.parse().unwrap(), ..Score::default() };
            write(&score, &Grid::new(480, &[], 0), Layout::Open, &[]).unwrap()
        };
        assert!(text("choir").contains("<group-barline>no</group-barline>"));
        for (program, name, number) in
            [("choir", "Choir Aahs", 53), ("organ", "Church Organ", 20), ("100", "Instrument", 100)]
        {
            let expected = [
                format!("<instrument-name>{name}</instrument-name>"),
                format!("<midi-program>{number}</midi-program>"),
            ];
            assert!(expected.iter().all(|leaf| text(program).matches(leaf).count() == 4), "{}", text(program));
        }
    }

    #[test]
    fn lower_parts_slur_the_notes_of_a_syllable_and_draw_a_line_after_a_word() {
        let note = |eighths: std::ops::Range<Tick>| {
            let pitch = Pitch::new(60 + eighths.start as u8).unwrap();
            Note { start: eighths.start * 240, end: eighths.end * 240, pitch, velocity: 80 }
        };
        let lyric = |tick, text: &str| Lyric { tick, verse: 1, text: text.into() };
        let score = Score {
            ticks_per_quarter: 480,
            parts: [
                vec![note(0..2), note(2..4)],
                vec![],
                vec![note(0..4)],
                (0..4).map(|at| note(at..at + 1)).collect(),
            ],
            lyrics: vec![lyric(0, "ho-"), lyric(480, "ly")],
            all_sing: true,
            ..Score::default()
        };
        let text = |score: &Score, layout| write(score, &Grid::new(480, &[], 0), layout, &[]).unwrap();
        let count = |text: &str, sign: &str| text.matches(sign).count();
        let open = text(&score, Layout::Open);
        let bass = &open[open.find("<part id=\"P4\">").unwrap()..];
        assert_eq!((count(bass, "<slur type=\"start\""), count(bass, "<slur type=\"stop\"")), (2, 2), "{bass}");
        assert_eq!(count(&open, "<slur"), 4, "those that hold a note have none");
        assert_eq!(
            (count(bass, "<extend/>"), count(&open, "<extend/>")),
            (1, 1),
            "after the word, not after its hyphen"
        );
        assert_eq!(
            count(&text(&score, Layout::Closed), "<slur"),
            4,
            "also where the words stand under the melody alone"
        );
        assert_eq!(count(&text(&Score { all_sing: false, ..score }, Layout::Open), "<slur"), 0);
    }

    #[test]
    fn words_under_the_tune_come_back_line_by_line() {
        let below = ["1. O God & Lord", "our help", "", "2. Before"].map(str::to_owned).to_vec();
        let score = Score { ticks_per_quarter: 480, below: below.clone(), ..any_note() };
        let text = write(&score, &Grid::new(480, &[], 0), Layout::Open, &[]).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap().below, below);
    }

    fn any_note() -> Score {
        let note = Note { start: 0, end: 480, pitch: Pitch::new(72).unwrap(), velocity: 80 };
        Score { parts: [vec![note], vec![], vec![], vec![]], ..Score::default() }
    }

    proptest! {
        #[test]
        fn a_written_score_comes_back_note_for_note(score in any_score(), closed: bool) {
            // On thirty-seconds, within the octaves that are written, and without gaps: what notation keeps.
            let mut score = Score { directions: Vec::new(), lyrics: Vec::new(), ..score };
            let unit = Tick::from(score.ticks_per_quarter / 4);
            for notes in &mut score.parts {
                notes.truncate(20);
                let mut now = 0;
                for note in notes {
                    let length = 1 + (note.end - note.start) % 9;
                    (note.start, note.end) = (now * unit, (now + length) * unit);
                    now += length;
                    note.pitch = Pitch::new(note.pitch.midi().clamp(24, 108)).unwrap();
                }
            }
            let grid = Grid::new(score.ticks_per_quarter, &[], 0);
            let layout = if closed { Layout::Closed } else { Layout::Open };
            let text = write(&score, &grid, layout, &[]).unwrap();
            let source = read(text.as_bytes()).unwrap();
            prop_assert_eq!(&source.title, &score.title);
            let sixteenths = |ticks: Tick, per_quarter: u16| f64::from(ticks) * 4.0 / f64::from(per_quarter);
            for part in Part::ALL {
                let (track, line) = if closed { (part.index() / 2, part.index() as u8 % 2) } else { (part.index(), 0) };
                let voices: Vec<&Vec<Note>> = source.tracks[track].channels.values().collect();
                // A part that only rests has no line.
                let line = if closed && score.parts[part.index() - usize::from(line)].is_empty() { 0 } else { line };
                let found = voices.get(usize::from(line)).map(|notes| notes.as_slice()).unwrap_or_default();
                if score.part(part).is_empty() {
                    continue;
                }
                prop_assert_eq!(found.len(), score.part(part).len());
                for (found, written) in found.iter().zip(score.part(part)) {
                    prop_assert_eq!(found.pitch, written.pitch);
                    for (a, b) in [(found.start, written.start), (found.end, written.end)] {
                        prop_assert_eq!(sixteenths(a, source.ticks_per_quarter), sixteenths(b, score.ticks_per_quarter));
                    }
                }
            }
        }

        #[test]
        fn only_octaves_that_the_format_knows_are_written(midi in 0u8..128, sharps in -7i8..8) {
            let note = Note { start: 0, end: 480, pitch: Pitch::new(midi).unwrap(), velocity: 80 };
            let mut score = Score {
                ticks_per_quarter: 480,
                directions: vec![(0, Direction::Key { sharps, minor: false })],
                ..Score::default()
            };
            score.parts[0] = vec![note];
            let grid = Grid::new(480, &[], 0);
            match write(&score, &grid, Layout::Open, &[]) {
                Ok(text) => {
                    let octaves = text.split("<octave>").skip(1).map(|rest| rest.split('<').next().unwrap().parse());
                    prop_assert!(octaves.map(Result::unwrap).all(|octave: i32| (0..=9).contains(&octave)), "{}", text);
                }
                Err(error) => prop_assert!(midi <= 12 && error.to_string().contains("-"), "{error}"),
            }
        }

        #[test]
        fn damaged_scores_are_read_or_refused_without_a_panic(
            score in any_score(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            compressed: bool,
        ) {
            let grid = Grid::new(score.ticks_per_quarter, &score.directions, 0);
            let Ok(text) = write(&score, &grid, Layout::Open, &[]) else { return Ok(()) };
            let mut bytes = if compressed { compress(&text) } else { text.into_bytes() };
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = read(&bytes);
        }
    }
}
