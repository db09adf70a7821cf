//! A piece as a page draws and plays it: everything in quarters from the beginning of the file.

use std::collections::BTreeMap;

use chorale::{Key, Part, Spelling};
use files::musicxml::syllables;
use files::notation::{spellings, written_times};
use files::{Bar, Direction, Grid, Note, Score, Tick};
use serde::Serialize;

use crate::marks::by_step;
use crate::position::bar_position;
use crate::{Piece, analysis::Sounding};

/// See [`Piece::sheet`].
#[derive(Debug, Serialize)]
pub struct Sheet {
    title: Option<String>,
    /// Such as `G major`.
    key: String,
    /// Sharps of the first signature; below zero, flats.
    fifths: i8,
    metre: String,
    /// Quarters a minute at the beginning.
    tempo: f64,
    /// What the four parts are called, from the top; none where nobody sings it.
    parts: [Option<&'static str>; 4],
    /// Which part the melody is.
    melody: usize,
    /// Of each verse the syllables, and where they begin. One that its word goes on from ends in a hyphen.
    words: Vec<Vec<(f64, String)>>,
    bars: Vec<SheetBar>,
    notes: Vec<SheetNote>,
    /// Quarters and their seconds, wherever the tempo changes and at the end; in between time goes evenly.
    clock: Vec<(f64, f64)>,
    chords: Vec<SheetChord>,
    marks: Vec<SheetMark>,
}

#[derive(Debug, Serialize)]
struct SheetBar {
    /// 0 for a pickup.
    number: u32,
    start: f64,
    end: f64,
    metre: (u8, u8),
    fifths: i8,
}

#[derive(Debug, Serialize)]
struct SheetNote {
    part: usize,
    start: f64,
    end: f64,
    /// Where it is written to begin and end, if elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<(f64, f64)>,
    pitch: u8,
    /// As it is written, such as `Eb4`.
    name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fermata: bool,
}

#[derive(Debug, Serialize)]
struct SheetChord {
    start: f64,
    end: f64,
    symbol: String,
    numeral: String,
    key: String,
}

#[derive(Debug, Serialize)]
struct SheetMark {
    start: f64,
    text: String,
}

/// Quarters by which a note may be written elsewhere than it is played without a word.
const AS_PLAYED: f64 = 1e-6;

impl Piece {
    /// What a page needs of it, for its JSON.
    pub fn sheet(&self) -> Sheet {
        let Piece { score, grid, chords, marks, .. } = self;
        let quarters = |tick: Tick| f64::from(tick) / f64::from(score.ticks_per_quarter);
        let at_step = |step: u32| quarters(grid.tick(step));
        let key = score.key();
        let written = written_times(score, grid).ok();
        let note = |part: Part, index: usize, note: &Note, spelling: Spelling| {
            let (start, end) = (quarters(note.start), quarters(note.end));
            let written = written.as_ref().map(|times| times[part.index()][index]);
            SheetNote {
                part: part.index(),
                start,
                end,
                written: written.filter(|(from, to)| (from - start).abs().max((to - end).abs()) > AS_PLAYED),
                pitch: note.pitch.midi(),
                name: spelling.to_string(),
                fermata: score.melody == part && score.fermatas.binary_search(&note.start).is_ok(),
            }
        };
        let notes = Part::ALL.into_iter().flat_map(|part| {
            let notes = score.part(part).iter().zip(spellings(score, part)).enumerate();
            notes.map(|(index, (one, spelling))| note(part, index, one, spelling)).collect::<Vec<_>>()
        });
        let notes: Vec<SheetNote> = notes.collect();
        let first =
            grid.metre(grid.nearest_step(score.parts.iter().flatten().map(|note| note.start).min().unwrap_or(0)));
        Sheet {
            title: score.title.clone(),
            key: score.named_home().to_string(),
            fifths: key.sharps,
            metre: format!("{}/{}", first.numerator, first.denominator()),
            tempo: tempo(score),
            parts: Part::ALL.map(|part| score.ensemble.parts().contains(&part).then(|| score.ensemble.name(part))),
            melody: score.melody.index(),
            words: words(score, quarters),
            bars: bars(score, grid, at_step),
            notes,
            clock: clock(score, quarters),
            chords: chords.iter().map(|chord| sheet_chord(chord, at_step)).collect(),
            marks: by_step(marks, &score.ensemble)
                .into_iter()
                .map(|(step, rules)| SheetMark {
                    start: at_step(step),
                    text: format!("{}: {rules}", bar_position(grid, step)),
                })
                .collect(),
        }
    }
}

fn tempo(score: &Score) -> f64 {
    let clock = score.clock();
    60.0 / clock.seconds(Tick::from(score.ticks_per_quarter)).max(1e-3)
}

fn words(score: &Score, quarters: impl Fn(Tick) -> f64) -> Vec<Vec<(f64, String)>> {
    let mut verses: BTreeMap<u8, Vec<(f64, String)>> = BTreeMap::new();
    for (tick, sung) in syllables(score) {
        for syllable in sung {
            verses.entry(syllable.verse).or_default().push((quarters(tick), syllable.with_hyphen()));
        }
    }
    verses.into_values().collect()
}

/// From the first in which something sounds to the last, which lacks what a pickup has taken from it, as in hymnals.
fn bars(score: &Score, grid: &Grid, at_step: impl Fn(u32) -> f64) -> Vec<SheetBar> {
    let keys: Vec<(Tick, Key)> = score.keys();
    let Some(first) = score.parts.iter().flatten().map(|note| note.start).min() else { return Vec::new() };
    let sounding = grid.nearest_step(first)..grid.nearest_step(score.end());
    let sheet_bar = |bar: Bar| {
        let tick = grid.tick(bar.first_step);
        let key = keys[keys.partition_point(|(at, _)| *at <= tick).max(1) - 1].1;
        let metre = grid.metre(bar.first_step);
        SheetBar {
            number: bar.number,
            start: at_step(bar.first_step),
            end: at_step(bar.end_step),
            metre: (metre.numerator, metre.denominator()),
            fifths: key.sharps,
        }
    };
    let mut bars: Vec<SheetBar> = grid.bars(sounding.clone()).map(sheet_bar).collect();
    if let [pickup, .., last] = &mut bars[..]
        && pickup.number == 0
    {
        let end = last.end - (pickup.end - pickup.start);
        if end > last.start && at_step(sounding.end) <= end {
            last.end = end;
        }
    }
    bars
}

fn clock(score: &Score, quarters: impl Fn(Tick) -> f64) -> Vec<(f64, f64)> {
    let tempi = score.directions.iter().filter(|(_, direction)| matches!(direction, Direction::Tempo(_)));
    let clock = score.clock();
    let mut ticks: Vec<Tick> = tempi.map(|(tick, _)| *tick).chain([0, score.end().max(1)]).collect();
    ticks.sort_unstable();
    ticks.dedup();
    ticks.into_iter().map(|tick| (quarters(tick), clock.seconds(tick))).collect()
}

fn sheet_chord(chord: &Sounding, at_step: impl Fn(u32) -> f64) -> SheetChord {
    SheetChord {
        start: at_step(chord.steps.start),
        end: at_step(chord.steps.end),
        symbol: chord.symbol.clone(),
        numeral: chord.harmony.numeral(chord.key),
        key: chord.key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::piece;
    use files::{Lyric, Metre};

    #[test]
    fn a_sheet_has_every_note_bar_chord_and_verse_in_quarters_and_seconds() {
        let (mut score, grid) = piece(&[("72,67,64,48", 16), ("74,67,62,55", 8), ("72,67,64,48", 8)]);
        let quarter = Tick::from(score.ticks_per_quarter);
        score.directions.extend([(0, Direction::Tempo(1_000_000)), (4 * quarter, Direction::Tempo(500_000))]);
        for (beat, verse, text) in [(4, 1, "o"), (6, 1, "ne "), (4, 2, "two ")] {
            score.lyrics.push(Lyric { tick: beat * quarter, verse, text: text.into() });
        }
        let sheet = Piece::new(score, grid).sheet();
        assert_eq!((sheet.tempo, sheet.metre.as_str()), (60.0, "4/4"));
        let bars: Vec<_> = sheet.bars.iter().map(|bar| (bar.number, bar.start, bar.end)).collect();
        assert_eq!(bars, [(1, 0.0, 4.0), (2, 4.0, 8.0)]);
        let soprano: Vec<_> =
            sheet.notes.iter().filter(|note| note.part == 0).map(|note| (note.start, &*note.name)).collect();
        assert_eq!(soprano, [(0.0, "C5"), (4.0, "D5"), (6.0, "C5")]);
        assert_eq!(sheet.clock, [(0.0, 0.0), (4.0, 4.0), (8.0, 6.0)]);
        let words = |words: &[(f64, &str)]| words.iter().map(|(at, text)| (*at, text.to_string())).collect::<Vec<_>>();
        assert_eq!(sheet.words, [words(&[(4.0, "o-"), (6.0, "ne")]), words(&[(4.0, "two")])]);
        let symbols: Vec<_> = sheet.chords.iter().map(|chord| (chord.start, &*chord.symbol)).collect();
        assert_eq!(symbols, [(0.0, "C"), (4.0, "G"), (6.0, "C")]);
    }

    #[test]
    fn the_last_bar_lacks_what_the_pickup_has_where_the_music_leaves_room() {
        let bars_of = |rows: &[(&str, usize)]| {
            let (score, _) = piece(rows);
            let quarter = Tick::from(score.ticks_per_quarter);
            let directions = [(0, Direction::Metre(Metre::FOUR_FOUR)), (quarter, Direction::Metre(Metre::FOUR_FOUR))];
            let grid = Grid::new(score.ticks_per_quarter, &directions, 0);
            let sheet = Piece::new(Score { directions: directions.to_vec(), ..score }, grid).sheet();
            sheet.bars.iter().map(|bar| (bar.number, bar.start, bar.end)).collect::<Vec<_>>()
        };
        let chord = "72,67,64,48";
        assert_eq!(bars_of(&[(chord, 4), (chord, 16), (chord, 12)]), [(0, 0.0, 1.0), (1, 1.0, 5.0), (2, 5.0, 8.0)]);
        assert_eq!(bars_of(&[(chord, 4), (chord, 8)]), [(0, 0.0, 1.0), (1, 1.0, 4.0)]);
        assert_eq!(bars_of(&[(chord, 4), (chord, 16)]), [(0, 0.0, 1.0), (1, 1.0, 5.0)]);
        assert_eq!(bars_of(&[(chord, 4)]), [(0, 0.0, 1.0)]);
    }

    #[test]
    fn a_sheet_says_where_a_note_is_written_that_is_played_elsewhere() {
        let (mut score, grid) = piece(&[("72,67,64,48", 4), ("74,67,62,55", 12)]);
        let quarter = Tick::from(score.ticks_per_quarter);
        score.parts[0][0].end = quarter - quarter / 10;
        score.parts[0][1].start = quarter + quarter / 24;
        let sheet = Piece::new(score, grid).sheet();
        let written: Vec<_> = sheet.notes.iter().filter(|note| note.part == 0).map(|note| note.written).collect();
        assert_eq!(written, [Some((0.0, 1.0)), Some((1.0, 4.0))]);
        assert!(sheet.notes.iter().filter(|note| note.part > 0).all(|note| note.written.is_none()));
    }
}
