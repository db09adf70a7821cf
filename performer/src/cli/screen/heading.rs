//! What is to be read from two metres: the chord, its numeral, the beat, and whatever is out of the ordinary.

use chorale::Part;
use live::Status;
use performer::devices::midi::PortStatus;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use session::control::Control;

use super::view::View;
use super::{STRONG, big};

const NUMERAL: Style = Style::new().fg(Color::LightCyan);
const BEAT: Style = Style::new().fg(Color::DarkGray);
const DOWNBEAT: Style = Style::new().fg(Color::LightYellow);
const STATE: Style = Style::new().fg(Color::LightYellow).add_modifier(Modifier::BOLD);
const ALARM: Style = Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD);
/// Columns between two words of large letters, of one pixel each.
const GAP: u16 = 5;

/// How large letters are in a terminal: columns of a pixel, 0 for ordinary letters.
pub fn scale(area: Rect) -> u16 {
    let by_width = if area.width < 30 { 0 } else { (area.width / 70).clamp(1, 3) };
    let by_height = match area.height {
        0..10 => 0,
        10..34 => 1,
        34..52 => 2,
        _ => 3,
    };
    by_width.min(by_height)
}

/// Rows of letters of that scale.
pub fn rows(scale: u16) -> u16 {
    if scale == 0 { 1 } else { big::rows(scale) }
}

/// The chord on the left, its numeral beside it, the beat on the right. What has no room is left out, the chord last.
pub fn draw_chord(buffer: &mut Buffer, area: Rect, view: &View, scale: u16) {
    if area.is_empty() {
        return;
    }
    let (chord, numeral) = view.chord().map_or(("", ""), |(chord, numeral)| (chord, numeral));
    let (beat, beat_style) = match view.beat() {
        Some(beat) => (beat.to_string(), if beat == 1 { DOWNBEAT } else { BEAT }),
        None if view.is_on_beat() => ("•".to_owned(), BEAT),
        None => (String::new(), BEAT),
    };
    let end = area.right().saturating_sub(width(&beat, scale) + 1);
    let chord_end = word(buffer, area.x + 1, end, area, chord, scale, STRONG);
    word(buffer, chord_end + GAP * scale.max(1) / 2 + 1, end, area, numeral, scale, NUMERAL);
    if view.status.is_running && end > chord_end {
        word(buffer, end, area.right(), area, &beat, scale, beat_style);
    }
}

/// One word from a column on, in letters of that scale or the largest smaller ones that end before `end`. Returns where
/// it ended.
fn word(buffer: &mut Buffer, left: u16, end: u16, area: Rect, text: &str, scale: u16, style: Style) -> u16 {
    let fits = |scale: &u16| left + width(text, *scale) <= end;
    let Some(scale) = (0..=scale).rev().find(fits) else { return left };
    // Smaller letters stand on the same line.
    let top = area.bottom().saturating_sub(rows(scale)).max(area.y);
    if scale == 0 {
        buffer.set_stringn(left, top, text, usize::from(end - left), style);
    } else {
        big::write(buffer, (left, top), text, scale, style);
    }
    left + width(text, scale)
}

fn width(text: &str, scale: u16) -> u16 {
    if scale == 0 { text.chars().count() as u16 } else { big::width(text, scale) }
}

/// What is out of the ordinary: alarms, then what the player has switched on.
pub fn states(view: &View) -> Vec<(String, Style)> {
    let alarms = alarms(view).into_iter().map(|alarm| (alarm.to_owned(), ALARM));
    alarms.chain(switched(&view.status).into_iter().map(|state| (state, STATE))).collect()
}

fn alarms(view: &View) -> Vec<&'static str> {
    let PortStatus { clock, sound, has_sound, has_server, has_input, has_clock, has_output, .. } = &view.ports;
    if !has_server {
        return vec!["NO SERVER"];
    }
    [
        (!has_input, "KEYBOARD GONE"),
        (!has_output, "OUTPUT GONE"),
        (clock.is_some() && !has_clock, "CLOCK GONE"),
        (view.status.is_running && view.status.is_stalled, "CLOCK STALLED"),
        (sound.is_some() && !has_sound, "NO SOUND"),
        (view.has_lost_take, "NO TAKE"),
    ]
    .into_iter()
    .filter_map(|(is_so, alarm)| is_so.then_some(alarm))
    .collect()
}

fn switched(status: &Status) -> Vec<String> {
    let of_parts = |control: fn(Part) -> Control| -> String {
        Part::ALL.into_iter().filter(|&part| status.is_on(control(part))).map(Part::letter).collect()
    };
    let with_parts = |word: &str, parts: String| (!parts.is_empty()).then(|| format!("{word} {parts}"));
    [
        status.counted_beat.map(|_| "COUNT IN".to_owned()),
        status.is_on(Control::Hold).then(|| "HELD".to_owned()),
        status.is_on(Control::Cadence).then(|| "CADENCE".to_owned()),
        with_parts("FROZEN", of_parts(Control::Freeze)),
        with_parts("MUTED", of_parts(Control::Mute)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How the states are written: the first so many large, the others in a row beneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatesLayout {
    scale: u16,
    large: usize,
    pub rows: u16,
}

/// As many states in letters of the largest scale as it has room for, but at least one; in a terminal without rows to
/// spare none.
pub fn lay_out_states(states: &[(String, Style)], columns: u16, most: u16) -> StatesLayout {
    let fit = |scale: u16| {
        let ends = states.iter().scan(1, |left, (text, _)| {
            let end = *left + width(text, scale);
            *left = end + GAP * scale;
            Some(end)
        });
        ends.take_while(|end| *end <= columns).count()
    };
    let scale = (1..=most).rev().find(|&scale| fit(scale) > 0).unwrap_or(0);
    let large = if scale == 0 { 0 } else { fit(scale) };
    let rows = if large > 0 { big::rows(scale) } else { 0 } + u16::from(large < states.len());
    StatesLayout { scale, large, rows }
}

pub fn draw_states(buffer: &mut Buffer, area: Rect, states: &[(String, Style)], layout: StatesLayout) {
    if area.is_empty() {
        return;
    }
    let (large, small) = states.split_at(layout.large);
    let mut left = area.x + 1;
    for (text, style) in large {
        big::write(buffer, (left, area.y), text, layout.scale, *style);
        left += width(text, layout.scale) + GAP * layout.scale;
    }
    if let Some(row) = area.rows().next_back() {
        let mut left = row.x + 1;
        for (text, style) in small {
            let room = usize::from(row.right().saturating_sub(left));
            let style = style.add_modifier(Modifier::REVERSED);
            left = buffer.set_stringn(left, row.y, format!(" {text} "), room, style).0 + 1;
        }
    }
}
