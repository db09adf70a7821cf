//! The terminal screen of `performer play`: what is played, how it stands, and the keys that change it.

use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;

use chorale::{Harmony, Key, KeyFinder, Part, Pitch};
use hdrhistogram::Histogram;
use live::{AnsweredNote, PerformanceEvent, Status, Summary};
use performer::devices::midi::PortStatus;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use ratatui::{DefaultTerminal, Frame};
use session::clock::ClockSource;
use session::control::Control;

/// Steps that the roll remembers: the widest terminals show no more.
const ROLL: usize = 512;
const COLOURS: [Color; 4] = [Color::LightRed, Color::LightYellow, Color::LightGreen, Color::LightBlue];
const LABEL: usize = 5;

/// What the screen shows.
pub struct View {
    pub system: &'static str,
    pub source: ClockSource,
    pub ports: PortStatus,
    pub status: Status,
    pub summary: Summary,
    /// Nanoseconds.
    pub latencies: Histogram<u64>,
    /// As it was started.
    first_temperature: f32,
    /// The file that the take is going to, if one is recorded.
    pub take: Option<String>,
    /// Warnings, the newest last.
    pub notes: Vec<String>,
    position: u64,
    parts: [Option<Pitch>; 4],
    last: Option<AnsweredNote>,
    /// One column a step, oldest first.
    roll: VecDeque<Column>,
    /// How long each pitch class has sounded lately.
    classes: [f64; 12],
}

#[derive(Clone, Copy)]
struct Column {
    position: u64,
    parts: [Option<Pitch>; 4],
    /// Parts that changed within the step.
    struck: [bool; 4],
}

impl View {
    /// # Errors
    /// When there is no memory for a histogram.
    pub fn new(
        system: &'static str,
        source: ClockSource,
        ports: PortStatus,
        status: Status,
        temperature: f32,
    ) -> Result<View, hdrhistogram::CreationError> {
        const MINUTE: u64 = 60_000_000_000;
        Ok(View {
            system,
            source,
            ports,
            status,
            summary: Summary::default(),
            latencies: Histogram::new_with_bounds(1, MINUTE, 3)?,
            first_temperature: temperature,
            take: None,
            notes: Vec::new(),
            position: 0,
            parts: [None; 4],
            last: None,
            roll: VecDeque::with_capacity(ROLL),
            classes: [0.0; 12],
        })
    }

    pub fn temperature(&self) -> f32 {
        self.status.temperature.unwrap_or(self.first_temperature)
    }

    pub fn show(&mut self, shown: &PerformanceEvent) {
        match *shown {
            PerformanceEvent::AnsweredNote(heard) => {
                self.last = Some(heard);
                if let Some(column) = self.roll.back_mut() {
                    column.struck[0] = true;
                }
            }
            PerformanceEvent::Moment { position, parts, .. } => self.moment(position, parts),
            // The status has it.
            PerformanceEvent::Switched { .. } => {}
        }
    }

    fn moment(&mut self, position: u64, parts: [Option<Pitch>; 4]) {
        let changed: [bool; 4] = std::array::from_fn(|part| parts[part] != self.parts[part]);
        match self.roll.back_mut().filter(|column| column.position == position) {
            Some(column) => {
                column.parts = parts;
                column.struck.iter_mut().zip(changed).for_each(|(struck, changed)| *struck |= changed);
            }
            // Silence takes no room.
            None if parts == [None; 4] && self.parts == [None; 4] => {}
            None => {
                if self.roll.len() == ROLL {
                    self.roll.pop_front();
                }
                self.roll.push_back(Column { position, parts, struck: changed });
                self.classes.iter_mut().for_each(|weight| *weight *= KeyFinder::MEMORY);
                for pitch in parts.into_iter().flatten() {
                    self.classes[usize::from(pitch.class())] += 1.0;
                }
            }
        }
        (self.position, self.parts) = (position, parts);
    }

    /// The key of what has sounded lately and sounds now, once anything has. [`KeyFinder`] keeps silent where no key is
    /// clear; here chords need the name of the likeliest, and the same one that the piece would get on the page.
    fn key(&self, parts: [Option<Pitch>; 4]) -> Option<Key> {
        let mut classes = self.classes;
        parts.into_iter().flatten().for_each(|pitch| classes[usize::from(pitch.class())] += 1.0);
        (classes.iter().sum::<f64>() > 0.0).then(|| Key::find(&classes, None))
    }

    /// The chord of these notes, and its Roman numeral in the key of what has sounded lately.
    pub fn chord_of(&self, parts: [Option<Pitch>; 4]) -> Option<(String, String)> {
        let key = self.key(parts)?;
        let pitches: Vec<Pitch> = parts.into_iter().flatten().collect();
        let harmony = Harmony::of(&pitches)?;
        Some((harmony.symbol(key), harmony.numeral(key)))
    }

    /// The names of these notes in the key of what has sounded lately.
    pub fn names(&self, parts: [Option<Pitch>; 4]) -> [String; 4] {
        let key = self.key(parts).unwrap_or(Key::of_tonic(0, false));
        parts.map(|pitch| pitch.map_or_else(|| "-".to_owned(), |pitch| key.spell(pitch, &[], None).to_string()))
    }

    /// Where the music stands: bar, beat and sixteenth of the beat, all from 1. A player who is followed tells nobody
    /// where the bar begins: then beats are counted.
    fn place(&self) -> String {
        let (beat, sixteenth) = (self.position / 4, self.position % 4 + 1);
        match self.source {
            ClockSource::Follow => format!("beat {}.{sixteenth}", beat + 1),
            _ => format!("bar {}  beat {}.{sixteenth}", beat / 4 + 1, beat % 4 + 1),
        }
    }
}

/// The keys, as the last lines tell them. Lines break between them only.
const HELP: [&str; 11] = [
    "space/Esc panic",
    "q quit",
    "h hold",
    "c cadence",
    "a t b freeze a part",
    "1-4 mute a part",
    "d density",
    "[ ] safer/bolder",
    "g guard",
    "m model",
    "- + tempo",
];

/// Columns of the panel with the parts, beside the roll where the terminal is wide enough.
const PANEL: u16 = 28;
const WIDE: u16 = 70;

pub fn draw(frame: &mut Frame, view: &View) {
    let whole = frame.area();
    let help = help_lines(usize::from(whole.width));
    let notes = u16::from(!view.notes.is_empty());
    // What is most missed in a small terminal stays longest.
    let panel_height = if whole.width >= WIDE { 0 } else { 4 };
    let most_help = whole.height.saturating_sub(2 + panel_height + 3 + 1 + notes);
    let [head, narrow, middle, figures, notes, help_area] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(panel_height),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(notes),
        Constraint::Length((help.len() as u16).min(most_help)),
    ])
    .areas(whole);
    frame.render_widget(Paragraph::new(head_lines(view)), head);
    let (roll, panel) = if panel_height == 0 {
        let [roll, panel] = Layout::horizontal([Constraint::Min(0), Constraint::Length(PANEL)]).areas(middle);
        (roll, panel)
    } else {
        (middle, narrow)
    };
    let block = Block::bordered().title(chord_title(view));
    let inside = block.inner(roll);
    frame.render_widget(block, roll);
    frame.render_widget(Paragraph::new(roll_lines(view, inside)), inside);
    frame.render_widget(Paragraph::new(panel_lines(view)), panel.inner(Margin::new(1, 0)));
    frame.render_widget(Paragraph::new(figure_line(view)), figures);
    if let Some(note) = view.notes.last() {
        frame.render_widget(Paragraph::new(format!(" {note}")).style(ALARM), notes);
    }
    frame.render_widget(Paragraph::new(help.join("\n")).style(FAINT), help_area);
}

const ALARM: Style = Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

fn help_lines(width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for item in HELP {
        if lines.last().is_some_and(|line| !line.is_empty() && line.len() + 2 + item.len() >= width) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { " " } else { "  " });
            line.push_str(item);
        }
    }
    lines
}

fn head_lines(view: &View) -> Vec<Line<'static>> {
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
    let clock = match (view.status.is_running, view.status.is_stalled) {
        (false, _) => Span::raw("waiting"),
        (true, true) => Span::styled("CLOCK STALLED, going on", ALARM),
        (true, false) => Span::styled(view.place(), Style::new().add_modifier(Modifier::BOLD)),
    };
    let source = match view.source {
        ClockSource::Internal => "own clock",
        ClockSource::Strict => "strict clock",
        ClockSource::Midi => "MIDI clock",
        ClockSource::Follow => "following you",
    };
    let take = view.take.as_deref().unwrap_or("no take");
    let rest = format!("  {source}, {:.1} beats a minute  {take}", view.status.tempo);
    vec![Line::from(line), Line::from(vec![Span::raw(" "), clock, Span::raw(rest)])]
}

fn chord_title(view: &View) -> String {
    let key = view.key(view.parts).map(|key| format!(" {key} ")).unwrap_or_default();
    match view.chord_of(view.parts) {
        Some((symbol, numeral)) => format!(" {symbol}  {numeral}  in{key}"),
        None => key,
    }
}

/// The parts with their notes and what was done to them, then what holds for all.
fn panel_lines(view: &View) -> Vec<Line<'static>> {
    let on = |control| view.status.is_on(control);
    let mut lines: Vec<Line> = Part::ALL
        .into_iter()
        .zip(view.names(view.parts))
        .map(|(part, note)| {
            let mut text = format!("{:<8} {note:<4}", part.name());
            let is_lower = part != Part::Soprano;
            let states = [
                (on(Control::Mute(part)), "muted"),
                (is_lower && on(Control::Freeze(part)), "frozen"),
                (is_lower && on(Control::Hold) && !on(Control::Freeze(part)), "held"),
            ];
            for (_, state) in states.into_iter().filter(|(is_so, _)| *is_so) {
                text += &format!(" {state}");
            }
            Line::styled(text, Style::new().fg(COLOURS[part.index()]))
        })
        .collect();
    lines.push(Line::default());
    let names = [
        (on(Control::Hold), "harmony held"),
        (on(Control::Cadence), "cadence"),
        (on(Control::Model), "second model"),
        (!on(Control::Guard), "no guard"),
    ];
    let strong = Style::new().add_modifier(Modifier::BOLD);
    lines.extend(names.into_iter().filter(|(is_so, _)| *is_so).map(|(_, name)| Line::styled(name, strong)));
    lines.push(Line::from(format!("density: {}", view.status.density.name())));
    lines.push(Line::from(format!("temperature: {:.2}", view.temperature())));
    lines
}

/// The last steps, one column each, a row for every pitch or for several where the room is small.
fn roll_lines(view: &View, area: Rect) -> Vec<Line<'static>> {
    let (width, height) = (usize::from(area.width).saturating_sub(LABEL), usize::from(area.height));
    let columns: Vec<Column> = view.roll.iter().skip(view.roll.len().saturating_sub(width)).copied().collect();
    let sounding = || columns.iter().flat_map(|column| column.parts).flatten().map(|pitch| usize::from(pitch.midi()));
    let (Some(lowest), Some(highest)) = (sounding().min(), sounding().max()) else {
        return vec![Line::from(" Play a melody: the first key starts.")];
    };
    if height == 0 {
        return Vec::new();
    }
    let key = view.key(view.parts).unwrap_or(Key::of_tonic(0, false));
    let per_row = (highest - lowest + 1).div_ceil(height);
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
    let names = || names().map(|pitch| key.spell(pitch, &[], None).to_string());
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
        None if column.position.is_multiple_of(16) => Span::styled("|", FAINT),
        None if column.position.is_multiple_of(4) => Span::styled(".", FAINT),
        None => Span::raw(" "),
    }
}

fn figure_line(view: &View) -> Line<'static> {
    let Summary { notes, missed, dropped, overruns, echoes, .. } = view.summary;
    let mut spans = vec![Span::raw(format!(" {notes} notes"))];
    for (count, what) in [(missed, "missed"), (dropped, "dropped"), (overruns, "overruns"), (echoes, "echoes ignored")]
    {
        if count > 0 || what == "missed" {
            spans.push(Span::styled(format!("  {count} {what}"), if count > 0 { ALARM } else { Style::new() }));
        }
    }
    if !view.latencies.is_empty() {
        let microseconds = |quantile| view.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        spans.push(Span::raw(format!(
            "  answer p50 {:.0} p99 {:.0} max {:.0} us  8us[{}]2ms",
            microseconds(0.5),
            microseconds(0.99),
            view.latencies.max() as f64 / 1000.0,
            bars(&view.latencies)
        )));
    }
    Line::from(spans)
}

/// A histogram of the latencies from 8 to 2048 microseconds, two bars for each doubling.
fn bars(latencies: &Histogram<u64>) -> String {
    const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const BARS: usize = 16;
    let bound = |bar: usize| (8000.0 * 2f64.powf(bar as f64 / 2.0)) as u64;
    let counts: Vec<u64> = (0..BARS)
        .map(|bar| {
            let from = if bar == 0 { 0 } else { bound(bar) };
            let to = if bar + 1 == BARS { latencies.high() } else { bound(bar + 1) - 1 };
            latencies.count_between(from, to)
        })
        .collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: u64| if count == 0 { 0 } else { 1 + (count * 7 / most) as usize };
    counts.into_iter().map(|count| HEIGHTS[height(count).min(8)]).collect()
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Quit,
    Toggle(Control),
    /// More or less of it.
    Change(Control, i8),
}

pub fn wish(code: KeyCode, modifiers: KeyModifiers) -> Option<Wish> {
    if modifiers.contains(KeyModifiers::CONTROL) {
        return (code == KeyCode::Char('c')).then_some(Wish::Quit);
    }
    let KeyCode::Char(key) = code else { return (code == KeyCode::Esc).then_some(Wish::Toggle(Control::Panic)) };
    Some(match key.to_ascii_lowercase() {
        'q' => Wish::Quit,
        ' ' => Wish::Toggle(Control::Panic),
        'h' => Wish::Toggle(Control::Hold),
        'c' => Wish::Toggle(Control::Cadence),
        'a' => Wish::Toggle(Control::Freeze(Part::Alto)),
        't' => Wish::Toggle(Control::Freeze(Part::Tenor)),
        'b' => Wish::Toggle(Control::Freeze(Part::Bass)),
        '1' => Wish::Toggle(Control::Mute(Part::Soprano)),
        '2' => Wish::Toggle(Control::Mute(Part::Alto)),
        '3' => Wish::Toggle(Control::Mute(Part::Tenor)),
        '4' => Wish::Toggle(Control::Mute(Part::Bass)),
        'g' => Wish::Toggle(Control::Guard),
        'm' => Wish::Toggle(Control::Model),
        'd' => Wish::Change(Control::Density, 1),
        ']' => Wish::Change(Control::Temperature, 1),
        '[' => Wish::Change(Control::Temperature, -1),
        '+' | '=' => Wish::Change(Control::Tempo, 1),
        '-' => Wish::Change(Control::Tempo, -1),
        _ => return None,
    })
}

/// The terminal while it shows the screen. Dropping it gives the terminal back as it was.
pub struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    pub fn open() -> io::Result<Screen> {
        Ok(Screen { terminal: ratatui::try_init()? })
    }

    pub fn draw(&mut self, view: &View) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, view)).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Waits for a key that asks for something. A terminal of another size needs no answer but the next drawing.
pub fn next_wish() -> io::Result<Wish> {
    loop {
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && let Some(wish) = wish(key.code, key.modifiers)
        {
            return Ok(wish);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn view() -> View {
        let ports = PortStatus {
            input: "keys".to_owned(),
            output: "organ".to_owned(),
            has_server: true,
            has_input: true,
            has_output: true,
            ..PortStatus::default()
        };
        let mut status = Status::new(72.0, &[Control::Guard, Control::Freeze(Part::Bass), Control::Mute(Part::Alto)]);
        status.is_running = true;
        View::new("JACK", ClockSource::Internal, ports, status, 0.9).unwrap()
    }

    fn pitches(keys: [u8; 4]) -> [Option<Pitch>; 4] {
        keys.map(Pitch::new)
    }

    fn drawn(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view)).unwrap();
        terminal.backend().to_string()
    }

    fn played() -> View {
        let mut view = view();
        for (position, keys) in
            [[67, 62, 59, 43], [67, 64, 60, 48], [67, 65, 59, 50], [67, 64, 60, 48]].iter().enumerate()
        {
            for step in 0..4 {
                let position = 16 + 4 * position as u64 + step;
                view.show(&PerformanceEvent::Moment { at: 0, position, parts: pitches(*keys) });
            }
        }
        view
    }

    #[test]
    fn the_screen_tells_ports_place_notes_chord_key_latencies_and_switches() {
        let mut view = played();
        (view.summary.notes, view.take) = (41, Some("take.mid".to_owned()));
        (1..100).for_each(|microseconds| view.latencies.record(1000 * microseconds).unwrap());
        for (width, height) in [(80, 24), (100, 40), (60, 20)] {
            let screen = drawn(&view, width, height);
            for words in [
                "JACK  keys -> organ",
                "bar 2  beat 4.4",
                "own clock, 72.0 beats a minute",
                " C  I  in C major ",
                "Soprano  G4",
                "Alto     E4   muted",
                "Bass     C3   frozen",
                "41 notes  0 missed",
                "Ssssssss",
                "  G4 ",
                "space/Esc panic",
                "q quit",
            ] {
                assert!(screen.contains(words), "no '{words}' in\n{screen}");
            }
            assert_eq!(screen.contains("p50 50 p99 99 max 99 us  8us[▃▂▂▃▄▅█▃        ]2ms"), width > 60, "{screen}");
            assert_eq!(screen.contains("temperature: 0.90"), width > 60, "{screen}");
        }
    }

    #[test]
    fn names_on_the_screen_are_those_of_the_key() {
        let mut view = view();
        for (position, keys) in [[74, 70, 65, 58], [75, 70, 67, 51], [74, 70, 65, 46]].into_iter().enumerate() {
            view.show(&PerformanceEvent::Moment { at: 0, position: position as u64, parts: pitches(keys) });
        }
        let screen = drawn(&view, 100, 50);
        assert_eq!(view.names(pitches([75, 70, 67, 51])), ["Eb5", "Bb4", "G4", "Eb3"]);
        for words in ["in Bb major", "Alto     Bb4", " Eb5 ", " Bb4 "] {
            assert!(screen.contains(words), "no '{words}' in\n{screen}");
        }
        assert!(drawn(&view, 80, 20).contains("  D5 "), "a row of several is named by what needs no accidental");
    }

    #[test]
    fn every_terminal_size_is_drawn_without_a_panic() {
        let mut view = played();
        view.notes.push("the take is no longer recorded".to_owned());
        view.ports.has_input = false;
        for (width, height) in [(1, 1), (5, 3), (20, 10), (69, 8), (80, 24), (300, 100)] {
            drawn(&view, width, height);
        }
        assert!(drawn(&view, 100, 30).contains("gone, waiting"));
        assert!(drawn(&super::tests::view(), 100, 30).contains("Play a melody"));
    }

    #[test]
    fn every_key_that_the_help_line_names_does_something() {
        let words = HELP.iter().flat_map(|item| item.split_whitespace());
        let keys = words.filter(|word| word.chars().count() == 1);
        for key in keys.flat_map(str::chars).chain("atb1234 ".chars()) {
            assert!(wish(KeyCode::Char(key), KeyModifiers::NONE).is_some(), "{key}");
        }
        assert_eq!(wish(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Quit));
        assert_eq!(wish(KeyCode::Char('z'), KeyModifiers::NONE), None);
    }

    #[test]
    fn the_bracket_that_closes_means_bolder_as_the_help_line_says() {
        let asked = |key| wish(KeyCode::Char(key), KeyModifiers::NONE);
        assert_eq!(asked(']'), Some(Wish::Change(Control::Temperature, 1)));
        assert_eq!(asked('['), Some(Wish::Change(Control::Temperature, -1)));
        assert!(HELP.contains(&"[ ] safer/bolder"));
    }
}
