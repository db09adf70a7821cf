//! A score on the terminal: four lines of note names, then a piano roll.

use std::collections::{BTreeMap, BTreeSet};

use chorale::{Key, Part, Pitch, Spelling, Surroundings};

use files::notation::spellings;
use files::{Bar, Grid, Score, Scoring};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal. A bar that is wider stays whole.
    pub width: usize,
    /// Parts by ANSI colours; else by their letters, large where a note begins.
    pub colour: bool,
}

/// Four lines of note names: a name where a note begins, `·` while it is held. A column for every step in which any
/// part moves.
pub fn names(score: &Score, grid: &Grid, style: Style) -> String {
    let sheet = Sheet::new(score, grid);
    let sounds = sheet.onsets.iter().flat_map(BTreeMap::values);
    let longest = sounds.map(|sound| sound.spelling.to_string().len()).max().unwrap_or(0);
    let columns = |bar: &Bar| -> Vec<u32> {
        let mut columns = BTreeSet::from([bar.first_step]);
        for onsets in &sheet.onsets {
            columns.extend(onsets.range(bar.first_step..bar.end_step).map(|(step, _)| *step));
        }
        columns.into_iter().collect()
    };
    let cell = longest + 1;
    let label = score.ensemble.parts().iter().map(|part| score.ensemble.short_name(*part).len()).max().unwrap_or(1);
    sheet.draw(
        style.width,
        label + 2,
        |bar| columns(bar).len() * cell,
        |lines, bars| {
            for part in score.ensemble.parts() {
                lines.paint(style, Some(part), &format!("{:<label$}", score.ensemble.short_name(part)));
                lines.text.push_str(" │");
                for bar in bars {
                    for step in columns(bar) {
                        let name = match sheet.onsets[part.index()].get(&step) {
                            Some(sound) => sound.spelling.to_string(),
                            None if sheet.sounding(part, step).is_some() => "·".into(),
                            None => String::new(),
                        };
                        lines.paint(style, Some(part), &format!("{name:<cell$}"));
                    }
                    lines.text.push('│');
                }
                lines.end_line();
            }
        },
    )
}

/// Time from left to right, a column a step; pitch upwards, a row a semitone.
pub fn piano_roll(score: &Score, grid: &Grid, style: Style) -> String {
    let sheet = Sheet::new(score, grid);
    let key = score.key();
    sheet.draw(
        style.width,
        6,
        |bar| (bar.end_step - bar.first_step) as usize,
        |lines, bars| {
            let mut sounding: BTreeMap<(Pitch, u32), (Part, bool)> = BTreeMap::new();
            for step in bars.iter().flat_map(|bar| bar.first_step..bar.end_step) {
                for part in Part::ALL {
                    if let Some(sound) = sheet.sounding(part, step) {
                        // In a unison the upper part is seen.
                        sounding.entry((sound.pitch, step)).or_insert((part, sound.begins));
                    }
                }
            }
            let pitches = || sounding.keys().map(|(pitch, _)| pitch.midi());
            let (Some(low), Some(high)) = (pitches().min(), pitches().max()) else { return };
            for pitch in (low..=high).rev().filter_map(Pitch::new) {
                lines.text.push_str(&format!("{:>4} │", spell(pitch, key)));
                for bar in bars {
                    for step in bar.first_step..bar.end_step {
                        match sounding.get(&(pitch, step)) {
                            Some(&(part, begins)) => {
                                let letter = match (score.ensemble.scoring, begins) {
                                    // Men's parts begin with the same letters: their numbers from the top, then a line.
                                    (Scoring::Ttbb, true) => char::from(b'1' + part.index() as u8),
                                    (Scoring::Ttbb, false) => '-',
                                    (_, true) => part.letter(),
                                    (_, false) => part.letter().to_ascii_lowercase(),
                                };
                                let block = if begins { '▐' } else { '█' };
                                lines.paint(
                                    style,
                                    Some(part),
                                    &String::from(if style.colour { block } else { letter }),
                                );
                            }
                            None => {
                                let is_beat = (step - bar.first_step).is_multiple_of(4) && pitch.class() == 0;
                                lines.paint(style, None, if is_beat { "·" } else { " " });
                            }
                        }
                    }
                    lines.paint(style, None, "│");
                }
                lines.end_line();
            }
        },
    )
}

/// Scientific pitch notation, as the key writes it.
fn spell(pitch: Pitch, key: Key) -> String {
    key.spell(pitch, Surroundings::default()).to_string()
}

/// A score on steps, bar by bar.
struct Sheet {
    /// Per part, by the step in which a note begins. Of several notes in a step the last, to which the others lead.
    onsets: [BTreeMap<u32, HeldNote>; 4],
    /// The bars in which something sounds, by first step.
    bars: BTreeMap<u32, Bar>,
}

#[derive(Clone, Copy)]
struct HeldNote {
    pitch: Pitch,
    spelling: Spelling,
    /// The step after its last.
    end_step: u32,
    begins: bool,
}

impl Sheet {
    fn new(score: &Score, grid: &Grid) -> Sheet {
        let mut sheet = Sheet { onsets: Default::default(), bars: BTreeMap::new() };
        for (onsets, part) in sheet.onsets.iter_mut().zip(Part::ALL) {
            for (note, spelling) in score.part(part).iter().zip(spellings(score, part)) {
                let step = grid.nearest_step(note.start);
                let end_step = grid.nearest_step(note.end).max(step + 1);
                onsets.insert(step, HeldNote { pitch: note.pitch, spelling, end_step, begins: true });
                sheet.bars.extend(grid.bars(step..end_step).map(|bar| (bar.first_step, bar)));
            }
        }
        sheet
    }

    fn sounding(&self, part: Part, step: u32) -> Option<HeldNote> {
        let (&first, sound) = self.onsets[part.index()].range(..=step).next_back()?;
        (step < sound.end_step).then_some(HeldNote { begins: first == step, ..*sound })
    }

    /// As many bars a line as fit, with their numbers above; bars in which all rest are left out.
    fn draw(
        &self,
        width: usize,
        gutter: usize,
        width_of: impl Fn(&Bar) -> usize,
        mut draw_lines: impl FnMut(&mut Lines, &[Bar]),
    ) -> String {
        let mut lines = Lines::default();
        let bars: Vec<Bar> = self.bars.values().copied().collect();
        let mut rest = bars.as_slice();
        while !rest.is_empty() {
            let mut used = gutter;
            let fits = |bar: &&Bar| {
                used += width_of(bar) + 1;
                used <= width
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (line, later) = rest.split_at(count);
            rest = later;
            let mut numbers = " ".repeat(gutter);
            for bar in line {
                let cells = width_of(bar);
                // A pickup has no number.
                let number = if bar.number == 0 { String::new() } else { bar.number.to_string() };
                numbers.push_str(&format!("{:<width$.width$} ", number, width = cells));
            }
            lines.text.push_str(numbers.trim_end());
            lines.end_line();
            draw_lines(&mut lines, line);
            lines.end_line();
        }
        lines.text
    }
}

/// Text in the making, with the colour that the terminal is in.
#[derive(Default)]
struct Lines {
    text: String,
    colour: Option<Part>,
}

impl Lines {
    /// `None` for what belongs to no part.
    fn paint(&mut self, style: Style, part: Option<Part>, text: &str) {
        if style.colour && part != self.colour {
            self.text.push_str(match part {
                Some(Part::Soprano) => "\x1b[91m",
                Some(Part::Alto) => "\x1b[93m",
                Some(Part::Tenor) => "\x1b[92m",
                Some(Part::Bass) => "\x1b[94m",
                None => "\x1b[0m",
            });
            self.colour = part;
        }
        self.text.push_str(text);
    }

    fn end_line(&mut self) {
        if self.colour.take().is_some() {
            self.text.push_str("\x1b[0m");
        }
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use chorale::{Chord, Token};
    use files::melody::{self, Choice, Fold, Melody};
    use files::{any_score, smf};
    use proptest::prelude::*;

    use chorale::Chorale;

    use super::*;
    use files::parts::chorale_score;
    use files::{Direction, Metre};

    const PLAIN: Style = Style { width: 60, colour: false };

    /// A pickup of a quarter and a bar of 4/4, in F major.
    fn example() -> (Score, Grid) {
        let rows = ["72,69,65,53"; 4].into_iter().chain(["72,67,64,48"; 8]).chain(["70,67,62,55"; 2]);
        let rows: Vec<&str> = rows.chain(["69,65,60,53"; 6]).collect();
        let chorale = Chorale::from_csv(&format!("note0,note1,note2,note3\n{}\n", rows.join("\n"))).unwrap();
        let quarter = Metre { numerator: 1, ..Metre::FOUR_FOUR };
        let directions = vec![
            (0, Direction::Key { sharps: -1, minor: false }),
            (0, Direction::Metre(quarter)),
            (480, Direction::Metre(Metre::FOUR_FOUR)),
        ];
        let grid = Grid::new(480, &directions, 0);
        (chorale_score(&chorale, &grid, 0, 480, directions), grid)
    }

    #[test]
    fn note_names_stand_where_notes_begin_in_four_lines_with_bar_lines() {
        let (score, grid) = example();
        let expected = "
        1
S │C5 │·  Bb4 A4  │
A │A4 │G4 ·   F4  │
T │F4 │E4 D4  C4  │
B │F3 │C3 G3  F3  │
";
        let shown = names(&score, &grid, PLAIN);
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&shown), squeeze(expected), "\n{shown}");
        let lengths: Vec<usize> = shown.lines().skip(1).take(4).map(|line| line.chars().count()).collect();
        assert_eq!(lengths, [lengths[0]; 4], "the parts stand under each other");
    }

    #[test]
    fn the_piano_roll_shows_parts_by_letters_where_there_is_no_colour() {
        let (score, grid) = example();
        let roll = piano_roll(&score, &grid, PLAIN);
        let row = |name: &str| roll.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
        assert_eq!(row("C5"), "  C5 │Ssss│ssssssss·   ·   │");
        assert_eq!(row("Bb4"), " Bb4 │    │        Ss      │");
        assert_eq!(row("F4"), "  F4 │Tttt│          Aaaaaa│");
        assert!(!roll.contains('\x1b'));
    }

    #[test]
    fn colours_end_with_each_line() {
        let (score, grid) = example();
        let style = Style { colour: true, ..PLAIN };
        for line in names(&score, &grid, style).lines().chain(piano_roll(&score, &grid, style).lines()) {
            let last_escape = line.rsplit_once('\x1b').map(|(_, rest)| rest);
            assert!(last_escape.is_none_or(|rest| rest.starts_with("[0m")), "{line:?}");
        }
        assert!(piano_roll(&score, &grid, style).contains("\x1b[91m▐███"));
    }

    #[test]
    fn lines_keep_to_the_width_and_bars_at_rest_are_left_out() {
        let (mut score, grid) = example();
        let mut late = score.parts[0][0];
        (late.start, late.end) = (480 + 1920 * 100, 480 + 1920 * 101);
        score.parts[0].push(late);
        let narrow = Style { width: 27, colour: false };
        let roll = piano_roll(&score, &grid, narrow);
        assert!(roll.lines().all(|line| line.chars().count() <= 27), "{roll}");
        let numbers: Vec<&str> = roll.lines().map(str::trim).filter(|line| line.parse::<u32>().is_ok()).collect();
        assert_eq!(numbers, ["1", "101"]);
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_rendered_shown_and_written_or_refused_without_a_panic(
            score in any_score(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        ) {
            let mut bytes = smf::write(&score);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let Ok(file) = smf::read(&bytes) else { return Ok(()) };
            let Ok(melody) = Melody::find(&file, &Choice::default()) else { return Ok(()) };
            let grid = Grid::new(file.ticks_per_quarter, &file.directions, melody.first_onset());
            let Ok(steps) = melody::steps(&melody, &grid) else { return Ok(()) };
            let fold = Fold::of(&steps);
            let low = [0, 67, 0, 48].map(|midi| Pitch::new(midi).and_then(Token::from_pitch).unwrap_or(Token::REST));
            let chords: Vec<Chord> = steps.iter().map(|step| Chord([fold.apply(step.soprano).0, low[1], low[2], low[3]])).collect();
            let directions = file.directions.clone();
            let score = files::parts::score(&melody, Part::Soprano, &steps, &chords, fold, file.ticks_per_quarter, directions);
            let written = smf::read(&smf::write(&score)).expect("what we write can be read");
            prop_assert_eq!(written.tracks[1].channels.get(&0), Some(&melody.notes));
            let style = Style { width: 80, colour: false };
            prop_assert!(!names(&score, &grid, style).is_empty());
            prop_assert!(!piano_roll(&score, &grid, style).is_empty());
        }
    }
}
