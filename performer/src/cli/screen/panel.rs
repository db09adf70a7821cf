//! The parts with their notes and what was done to them.

use chorale::Part;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use session::control::{Control, REGISTRATIONS};

use super::view::View;
use super::{COLOURS, STRONG};

/// For a wide terminal: a line for each part, then what holds for all.
pub fn panel_lines(view: &View) -> Vec<Line<'static>> {
    let on = |control| view.status.is_on(control);
    let mut lines: Vec<Line> = Part::ALL
        .into_iter()
        .zip(view.names(view.parts))
        .map(|(part, note)| {
            let states: String = states(view, part).map(|state| format!(" {state}")).collect();
            let text = format!("{:<8} {note:<4}{states}", part.name());
            Line::styled(text, Style::new().fg(COLOURS[part.index()]))
        })
        .collect();
    let names =
        [(on(Control::Click), "click"), (on(Control::Model), "second model"), (!on(Control::Guard), "no guard")];
    lines.extend(names.into_iter().filter(|(is_so, _)| *is_so).map(|(_, name)| Line::styled(name, STRONG)));
    lines.push(Line::from(format!("density: {}", view.status.density.name())));
    lines.push(Line::from(format!("temperature: {:.2}", view.temperature())));
    if view.status.transposition != 0 {
        lines.push(Line::styled(format!("transposed: {:+}", view.status.transposition), STRONG));
    }
    if view.ports.sound.is_some() {
        let (stops, _) = REGISTRATIONS[usize::from(view.status.registration) % REGISTRATIONS.len()];
        lines.push(Line::from(format!("stops: {stops}")));
    }
    lines
}

/// For a narrow one: all in a line, soprano to bass, a muted part in brackets.
pub fn parts_line(view: &View) -> Line<'static> {
    let parts = Part::ALL.into_iter().zip(view.names(view.parts));
    let spans = parts.map(|(part, note)| {
        let is_muted = view.status.is_on(Control::Mute(part));
        let text = if is_muted { format!("({note})") } else { note };
        Span::styled(format!(" {} {text:<5}", part.letter()), Style::new().fg(COLOURS[part.index()]))
    });
    Line::from_iter(spans)
}

fn states(view: &View, part: Part) -> impl Iterator<Item = &'static str> {
    let on = |control| view.status.is_on(control);
    let is_lower = part != Part::Soprano;
    let is_frozen = is_lower && on(Control::Freeze(part));
    let states = [
        (on(Control::Mute(part)), "muted"),
        (is_frozen, "frozen"),
        (is_lower && on(Control::Hold) && !is_frozen, "held"),
    ];
    states.into_iter().filter_map(|(is_so, state)| is_so.then_some(state))
}
