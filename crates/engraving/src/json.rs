//! A score for programs to read.

use chorale::{Part, Spelling};
use serde::Serialize;

use crate::Piece;
use crate::explain;
use crate::position::bar_position;
use files::musicxml::syllables;
use files::notation::spellings;
use files::{Direction, Note};

/// See [`document`].
#[derive(Debug, Serialize)]
pub struct Document {
    title: Option<String>,
    /// What the four parts are called here, from the top; none where nobody sings it.
    parts: [Option<&'static str>; 4],
    /// `G major`: in which it begins and ends, which need not be the signature's.
    key: String,
    /// `D dorian`, where the file or the user names such a mode; `key` is then D minor.
    mode: Option<String>,
    ticks_per_quarter: u16,
    /// The longest part, in sixteenths from the beginning of the file.
    length_steps: f64,
    metres: Vec<JsonMetre>,
    tempos: Vec<JsonTempo>,
    lyrics: Vec<JsonLyric>,
    /// Words that stand under the tune and not under its notes, line by line.
    words_below: Vec<String>,
    /// Where melody notes with a fermata begin, in sixteenths.
    fermatas: Vec<f64>,
    /// Where melody notes begin after which a breath is taken, in sixteenths.
    breaths: Vec<f64>,
    slurs: Vec<JsonSlur>,
    soprano: Vec<JsonNote>,
    alto: Vec<JsonNote>,
    tenor: Vec<JsonNote>,
    bass: Vec<JsonNote>,
    chords: Vec<JsonChord>,
    cadences: Vec<JsonCadence>,
    marks: Vec<JsonMark>,
    rates: Vec<JsonRate>,
    chord_changes: usize,
}

/// From a place on, in sixteenths.
#[derive(Debug, Serialize)]
struct JsonMetre {
    start_step: f64,
    beats: u8,
    beat_type: u8,
}

#[derive(Debug, Serialize)]
struct JsonTempo {
    start_step: f64,
    quarters_per_minute: f64,
}

/// A syllable of the melody; one that its word goes on from ends in a hyphen.
#[derive(Debug, Serialize)]
struct JsonLyric {
    start_step: f64,
    verse: u8,
    text: String,
}

/// Over melody notes: where the first and the last of them begin, in sixteenths.
#[derive(Debug, Serialize)]
struct JsonSlur {
    first_step: f64,
    last_step: f64,
}

#[derive(Debug, Serialize)]
struct JsonChord {
    start_step: u32,
    length_steps: u32,
    bar: u32,
    beat: f64,
    symbol: String,
    numeral: String,
}

#[derive(Debug, Serialize)]
struct JsonCadence {
    bar: u32,
    beat: f64,
    kind: &'static str,
    key: String,
    chords: String,
}

/// Breaches per 100 chord changes.
#[derive(Debug, Serialize)]
struct JsonRate {
    rule: &'static str,
    /// What a textbook calls it.
    term: &'static str,
    count: usize,
    rate: f64,
    bach: f64,
}

#[derive(Debug, Serialize)]
struct JsonMark {
    step: u32,
    bar: u32,
    beat: f64,
    rule: &'static str,
    /// Who breaks it, as `parts` calls them.
    parts: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct JsonNote {
    pitch: u8,
    /// As it is written in the score, such as `Eb4`.
    name: String,
    velocity: u8,
    /// Sixteenths; whole numbers where the note lies on the grid.
    start_step: f64,
    length_steps: f64,
    start_tick: u32,
    length_ticks: u32,
}

/// The notes of each part, chords, cadences, marks and rates.
pub fn document(piece: &Piece) -> Document {
    let Piece { score, grid, chords, marks, .. } = piece;
    let steps = |ticks: u32| f64::from(ticks) * 4.0 / f64::from(score.ticks_per_quarter);
    let note = |(note, spelling): (&Note, Spelling)| JsonNote {
        pitch: note.pitch.midi(),
        name: spelling.to_string(),
        velocity: note.velocity,
        start_step: steps(note.start),
        length_steps: steps(note.end - note.start),
        start_tick: note.start,
        length_ticks: note.end - note.start,
    };
    let part = |part: Part| score.part(part).iter().zip(spellings(score, part)).map(note).collect();
    let chords = chords.iter().map(|chord| {
        let position = bar_position(grid, chord.steps.start);
        JsonChord {
            start_step: chord.steps.start,
            length_steps: chord.steps.end - chord.steps.start,
            bar: position.bar,
            beat: position.beats(),
            symbol: chord.symbol.clone(),
            numeral: chord.harmony.numeral(chord.key),
        }
    });
    let marks = marks.iter().map(|mark| {
        let position = bar_position(grid, mark.step);
        let (bar, beat, parts) = (position.bar, position.beats(), mark.names(&score.ensemble));
        JsonMark { step: mark.step, bar, beat, rule: mark.rule.name(), parts }
    });
    let (mut metres, mut tempos) = (Vec::new(), Vec::new());
    for (tick, direction) in &score.directions {
        let start_step = steps(*tick);
        match direction {
            Direction::Metre(metre) => {
                metres.push(JsonMetre { start_step, beats: metre.numerator, beat_type: metre.denominator() });
            }
            Direction::Tempo(tempo) => {
                // A file's microseconds are whole: the tempo that was meant is near.
                let quarters_per_minute = (60e9 / f64::from((*tempo).max(1))).round() / 1e3;
                tempos.push(JsonTempo { start_step, quarters_per_minute });
            }
            _ => {}
        }
    }
    let syllables = syllables(score);
    let lyrics = syllables.iter().flat_map(|(tick, sung)| sung.iter().map(move |syllable| (tick, syllable)));
    let lyrics = lyrics.map(|(tick, syllable)| JsonLyric {
        start_step: steps(*tick),
        verse: syllable.verse,
        text: syllable.with_hyphen(),
    });
    let slurs = score.phrasing.slurs.iter();
    let slurs = slurs.map(|(first, last)| JsonSlur { first_step: steps(*first), last_step: steps(*last) });
    Document {
        title: score.title.clone(),
        parts: Part::ALL.map(|part| score.ensemble.parts().contains(&part).then(|| score.ensemble.name(part))),
        key: score.home().to_string(),
        mode: Some(score.named_home()).filter(|mode| mode.is_church_mode()).map(|mode| mode.to_string()),
        ticks_per_quarter: score.ticks_per_quarter,
        length_steps: steps(score.end()),
        metres,
        tempos,
        lyrics: lyrics.collect(),
        words_below: score.below.clone(),
        fermatas: score.fermatas.iter().map(|tick| steps(*tick)).collect(),
        breaths: score.phrasing.breaths.iter().map(|tick| steps(*tick)).collect(),
        slurs: slurs.collect(),
        soprano: part(Part::Soprano),
        alto: part(Part::Alto),
        tenor: part(Part::Tenor),
        bass: part(Part::Bass),
        chords: chords.collect(),
        cadences: explain::cadences(piece)
            .into_iter()
            .map(|cadence| JsonCadence {
                bar: cadence.position.bar,
                beat: cadence.position.beats(),
                kind: cadence.kind.name(),
                key: cadence.key.to_string(),
                chords: cadence.chords,
            })
            .collect(),
        marks: marks.collect(),
        rates: explain::rates(piece)
            .into_iter()
            .map(|explain::Rate { rule, count, rate, bach }| JsonRate {
                rule: rule.name(),
                term: rule.term(),
                count,
                rate,
                bach,
            })
            .collect(),
        chord_changes: explain::chord_changes(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExportOptions, Format};
    use files::parts::chorale_score;
    use files::{Grid, Metre};

    /// The letter, accidental and octave of each note in a score, part by part.
    fn written(score: &str) -> Vec<String> {
        let document = roxmltree::Document::parse_with_options(
            score,
            roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
        );
        let document = document.unwrap();
        let notes = document.descendants().filter(|node| node.has_tag_name("note"));
        let struck = notes.filter(|note| {
            !note.children().any(|child| child.has_tag_name("tie") && child.attribute("type") == Some("stop"))
        });
        let text = |note: roxmltree::Node, name: &str| {
            note.descendants().find(|node| node.has_tag_name(name)).and_then(|node| node.text()).map(str::to_owned)
        };
        let name = |note: roxmltree::Node| {
            let accidental = match text(note, "alter").as_deref() {
                Some("1") => "#",
                Some("-1") => "b",
                _ => "",
            };
            Some(format!("{}{accidental}{}", text(note, "step")?, text(note, "octave")?))
        };
        struck.filter_map(name).collect()
    }

    #[test]
    fn notes_are_spelled_as_the_score_spells_them() {
        // In E flat: I, its own seventh as dominant of IV, IV, the minor's iv, V with its leading note, I.
        let rows = ["75,67,58,51", "73,67,58,51", "72,68,56,44", "71,68,56,44", "70,65,62,46", "70,67,63,51"];
        let rows: Vec<&str> = rows.iter().flat_map(|row| vec![*row; 4]).collect();
        let chorale = chorale::Chorale::from_csv(&format!("note0,note1,note2,note3\n{}\n", rows.join("\n"))).unwrap();
        let directions =
            vec![(0, Direction::Metre(Metre::FOUR_FOUR)), (0, Direction::Key { sharps: -3, minor: false })];
        let grid = Grid::new(480, &directions, 0);
        let piece = Piece::new(chorale_score(&chorale, &grid, 0, 480, directions), grid);
        let score = piece.export(Format::MusicXml, &ExportOptions::default()).unwrap();
        let Document { soprano, alto, tenor, bass, .. } = document(&piece);
        let names: Vec<String> = [soprano, alto, tenor, bass].into_iter().flatten().map(|note| note.name).collect();
        assert_eq!(names, written(&String::from_utf8(score).unwrap()));
        assert_eq!(names[..3], ["Eb5", "Db5", "C5"]);
        assert!(!names.iter().any(|name| name.starts_with("D#") || name.starts_with("A#")), "{names:?}");
    }
}
