//! The last steps as a piano roll.

use std::ops::RangeInclusive;

use chorale::{Key, Part, Pitch, Surroundings};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::view::{Column, View};
use super::{COLOURS, FAINT};

/// Columns of a row's name.
const LABEL: usize = 5;

/// The steps for which there is room, and their lowest and highest pitches.
fn shown(view: &View, area: Rect) -> (Vec<Column>, Option<(usize, usize)>) {
    let width = usize::from(area.width).saturating_sub(LABEL);
    let columns: Vec<Column> = view.roll.iter().skip(view.roll.len().saturating_sub(width)).copied().collect();
    let sounding = || columns.iter().flat_map(|column| column.parts).flatten().map(|pitch| usize::from(pitch.midi()));
    let range = sounding().min().zip(sounding().max());
    (columns, range)
}

/// Semitones of a row, of which as many are one as the room needs.
fn semitones_a_row((lowest, highest): (usize, usize), area: Rect) -> usize {
    (highest - lowest + 1).div_ceil(usize::from(area.height).max(1))
}

/// What the letters and rows of the roll mean.
pub fn legend(view: &View, area: Rect) -> String {
    let letters = "S A T B struck, s a t b held";
    match shown(view, area).1.map(|range| semitones_a_row(range, area)) {
        None => String::new(),
        Some(1) => format!(" {letters} "),
        Some(semitones) => format!(" {letters}; {semitones} semitones a row "),
    }
}

/// The last steps, one column each, a row for every pitch or for several where the room is small.
pub fn roll_lines(view: &View, area: Rect) -> Vec<Line<'static>> {
    let height = usize::from(area.height);
    let (columns, Some((lowest, highest))) = shown(view, area) else {
        let now = if view.status.is_running { "the beat goes on" } else { "the first key starts" };
        return vec![Line::from(format!(" Play a melody: {now}."))];
    };
    if height == 0 {
        return Vec::new();
    }
    let key = view.key().unwrap_or(Key::of_tonic(0, false));
    let per_row = semitones_a_row((lowest, highest), area);
    let rows = (highest - lowest + 1).div_ceil(per_row);
    (0..rows)
        .map(|row| {
            let top = highest - row * per_row;
            let keys = (top + 1).saturating_sub(per_row)..=top;
            let mut spans = vec![Span::styled(format!("{:>4} ", row_name(&keys, key)), FAINT)];
            spans.extend(columns.iter().map(|column| cell(column, &keys)));
            Line::from(spans)
        })
        .collect()
}

/// The name of a row's pitch; of several the highest that needs no accidental.
fn row_name(keys: &RangeInclusive<usize>, key: Key) -> String {
    let names = || keys.clone().rev().filter_map(|midi| Pitch::new(midi as u8));
    let names = || names().map(|pitch| key.spell(pitch, Surroundings::default()).to_string());
    let natural = names().find(|name| !name.contains(['#', 'b']));
    natural.or_else(|| names().next()).unwrap_or_default()
}

fn cell(column: &Column, keys: &RangeInclusive<usize>) -> Span<'static> {
    let singing = Part::ALL
        .into_iter()
        .find(|part| column.parts[part.index()].is_some_and(|pitch| keys.contains(&usize::from(pitch.midi()))));
    match singing {
        Some(part) => {
            let letter = part.letter();
            let letter = if column.struck[part.index()] { letter } else { letter.to_ascii_lowercase() };
            Span::styled(letter.to_string(), Style::new().fg(COLOURS[part.index()]))
        }
        None if column.is_bar_line => Span::styled("|", FAINT),
        None if column.position.is_multiple_of(4) => Span::styled(".", FAINT),
        None => Span::raw(" "),
    }
}
