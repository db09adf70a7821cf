//! The small lines on top: where the music stands, what gives the time, and what is connected.

use performer::devices::midi::PortStatus;
use ratatui::text::{Line, Span};
use session::clock::ClockSource;

use super::view::View;
use super::{ALARM, STRONG};

/// Place, what goes wrong, which a narrow terminal must not cut off, tempo, the count of notes, the take.
pub fn place_line(view: &View) -> Line<'static> {
    let place = match (view.status.counted_beat, view.status.is_running) {
        (Some(_), _) => "count-in".to_owned(),
        (None, true) => view.place(),
        (None, false) => "waiting".to_owned(),
    };
    let source = match view.source {
        ClockSource::Internal => "own clock",
        ClockSource::Strict => "strict clock",
        ClockSource::Midi => "MIDI clock",
        ClockSource::Follow => "following you",
        ClockSource::Host => "the host's transport",
    };
    let mut line = vec![Span::raw(" ")];
    if let Some((number, name)) = view.song() {
        line.push(Span::styled(format!("{number} {name}  "), STRONG));
    }
    line.push(Span::styled(place, STRONG));
    let counts = [
        (view.summary.missed, "missed"),
        (view.summary.dropped, "dropped"),
        (view.summary.overruns, "overruns"),
        (view.summary.echoes, "echoes ignored"),
    ];
    let wrong = counts.into_iter().filter(|(count, _)| *count > 0);
    line.extend(wrong.map(|(count, what)| Span::styled(format!("  {count} {what}"), ALARM)));
    let take = view.take.as_deref().unwrap_or("no take");
    line.push(Span::raw(format!("  {:.1} BPM, {source}  {} notes  {take}", view.status.tempo, view.summary.notes)));
    Line::from(line)
}

pub fn ports_line(view: &View) -> Line<'static> {
    let port = |name: &str, is_there: bool| match is_there {
        true => Span::raw(name.to_owned()),
        false => Span::styled(format!("{name} (gone, waiting for it)"), ALARM),
    };
    let PortStatus { sound, input, clock, output, has_sound, has_server, has_input, has_clock, has_output } =
        &view.ports;
    let mut line = vec![
        Span::raw(" "),
        port(view.system, *has_server),
        Span::raw("  "),
        port(input, *has_input || !has_server),
        Span::raw(" -> "),
        port(output, *has_output || !has_server),
    ];
    if let Some(clock) = clock {
        line.extend([Span::raw("  clock: "), port(clock, *has_clock || !has_server)]);
    }
    if let Some(sound) = sound {
        line.extend([Span::raw("  sound: "), port(sound, *has_sound)]);
    }
    Line::from(line)
}
