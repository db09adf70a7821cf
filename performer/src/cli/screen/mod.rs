//! The terminal screen of `performer play`: what is played, how it stands, and the keys that change it.
//!
//! What counts on a stage is written large ([`heading`]), as large as the terminal allows; the rest is for whoever sits
//! before it, and leaves first where there is little room.

mod big;
mod figures;
mod head;
mod heading;
mod panel;
mod roll;
#[cfg(test)]
mod tests;
mod view;
mod wishes;

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Margin};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Widget};

pub use view::View;
pub use wishes::{Wish, wish};

/// Of the parts, soprano to bass.
const COLOURS: [Color; 4] = [Color::LightRed, Color::LightYellow, Color::LightGreen, Color::LightBlue];
const ALARM: Style = Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

/// Columns of the panel with the parts, beside the roll where the terminal is wide enough.
const PANEL: u16 = 28;
const WIDE: u16 = 70;
/// Rows of a terminal that has some to spare.
const TALL: u16 = 16;
/// Messages that are shown at once.
const MESSAGES: u16 = 3;

/// Draws all of it; messages are those of the moment `now`.
pub fn draw(buffer: &mut Buffer, view: &View, now: Instant) {
    let whole = buffer.area;
    let (is_wide, is_tall) = (whole.width >= WIDE, whole.height >= TALL);
    let scale = heading::scale(whole);
    let states = heading::states(view);
    let layout = heading::lay_out_states(&states, whole.width, if is_tall { scale } else { 0 });
    let messages = view.messages(now, usize::from(if is_tall { MESSAGES } else { 1 }));
    let help = wishes::help_lines(usize::from(whole.width));

    let rows = |is_there: bool, rows: u16| if is_there { rows } else { 0 };
    let needed = [
        1,
        rows(is_tall, 1),
        heading::rows(scale),
        layout.rows,
        rows(!is_wide, 1),
        rows(view.shows_figures, 1),
        messages.len() as u16,
    ];
    // What is most missed in a small terminal stays longest.
    let least_roll = if is_tall { 6 } else { 2 };
    let most_help = whole.height.saturating_sub(needed.iter().sum::<u16>() + least_roll);
    let [place, ports, chord, state, parts, figures, said] = needed.map(Constraint::Length);
    let keys = Constraint::Length((help.len() as u16).min(most_help));
    let areas = Layout::vertical([place, ports, chord, state, parts, Constraint::Min(0), figures, said, keys]);
    let [place, ports, chord, state, parts, middle, figures, said, keys] = areas.areas(whole);

    head::place_line(view).render(place, buffer);
    head::ports_line(view).render(ports, buffer);
    heading::draw_chord(buffer, chord, view, scale);
    heading::draw_states(buffer, state, &states, layout);
    panel::parts_line(view).render(parts, buffer);
    let panel_width = if is_wide { PANEL } else { 0 };
    let [roll, panel] = Layout::horizontal([Constraint::Min(0), Constraint::Length(panel_width)]).areas(middle);
    let roll = if is_tall {
        let inside = Block::bordered().inner(roll);
        let legend = Line::styled(roll::legend(view, inside), FAINT).right_aligned();
        Block::bordered().title(key_title(view)).title_bottom(legend).render(roll, buffer);
        inside
    } else {
        roll
    };
    Paragraph::new(roll::roll_lines(view, roll)).render(roll, buffer);
    Paragraph::new(panel::panel_lines(view)).render(panel.inner(Margin::new(1, 0)), buffer);
    figures::figure_line(view).render(figures, buffer);
    let said_lines: Vec<Line> = messages.iter().map(|text| Line::styled(format!(" {text}"), ALARM)).collect();
    Paragraph::new(said_lines).render(said, buffer);
    Paragraph::new(help.join("\n")).style(FAINT).render(keys, buffer);
}

fn key_title(view: &View) -> String {
    let how = if view.status.key.is_some() { ", as told" } else { "" };
    view.key().map(|key| format!(" in {key}{how} ")).unwrap_or_default()
}
