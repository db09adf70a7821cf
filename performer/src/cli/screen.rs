//! The terminal screen of `performer play`: what is played, how it stands, and the keys that change it.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use chorale::harmony::{Harmony, Key};
use chorale::{Part, Pitch};
use hdrhistogram::Histogram;
use performer::control::Control;
use performer::live::{Heard, Shown, Status, Summary};
use performer::midi::Links;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};
use ratatui::{DefaultTerminal, Frame};

/// Steps that the roll remembers: the widest terminals show no more.
const ROLL: usize = 512;
/// What a step still weighs in the search for the key after the next one: half after eight beats.
const KEY_MEMORY: f64 = 0.978;
const COLOURS: [Color; 4] = [Color::LightRed, Color::LightYellow, Color::LightGreen, Color::LightBlue];
const LABEL: usize = 5;

/// What the screen shows.
pub struct View {
    pub system: &'static str,
    pub links: Links,
    pub status: Status,
    pub summary: Summary,
    /// Nanoseconds.
    pub latencies: Histogram<u64>,
    /// Where the take is going, if one is recorded.
    pub take: Option<String>,
    /// Warnings, the newest last.
    pub notes: Vec<String>,
    position: u64,
    parts: [Option<Pitch>; 4],
    last: Option<Heard>,
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
    pub fn new(system: &'static str, links: Links, status: Status, latencies: Histogram<u64>) -> View {
        View {
            system,
            links,
            status,
            summary: Summary::default(),
            latencies,
            take: None,
            notes: Vec::new(),
            position: 0,
            parts: [None; 4],
            last: None,
            roll: VecDeque::with_capacity(ROLL),
            classes: [0.0; 12],
        }
    }

    pub fn show(&mut self, shown: &Shown) {
        match *shown {
            Shown::Heard(heard) => {
                self.last = Some(heard);
                if let Some(column) = self.roll.back_mut() {
                    column.struck[0] = true;
                }
            }
            Shown::Moment { position, parts, .. } => self.moment(position, parts),
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
                self.classes.iter_mut().for_each(|weight| *weight *= KEY_MEMORY);
                for pitch in parts.into_iter().flatten() {
                    self.classes[usize::from(pitch.class())] += 1.0;
                }
            }
        }
        (self.position, self.parts) = (position, parts);
    }

    /// The key of what has sounded lately, once anything has.
    fn key(&self) -> Option<Key> {
        (self.classes.iter().sum::<f64>() > 0.0).then(|| Key::find(&self.classes, None))
    }

    /// The chord that sounds, with its Roman numeral.
    fn chord(&self) -> Option<(String, String)> {
        let key = self.key()?;
        let pitches: Vec<Pitch> = self.parts.into_iter().flatten().collect();
        let harmony = Harmony::of(&pitches)?;
        Some((harmony.symbol(key), harmony.numeral(key)))
    }

    /// Bar and beat from 1, and the sixteenth of the beat.
    fn place(&self) -> (u64, u64, u64) {
        (self.position / 16 + 1, self.position / 4 % 4 + 1, self.position % 4 + 1)
    }
}

/// The keys, as the last line tells them.
const HELP: &str = "space panic  h hold harmony  c cadence  a/t/b freeze alto/tenor/bass  1-4 mute soprano..bass  \
                    d density  g guard  m model  [ ] bolder/safer  - + tempo  q quit";

pub fn draw(frame: &mut Frame, view: &View) {
    let [head, parts, roll, figures, notes, help] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(6),
        Constraint::Min(6),
        Constraint::Length(3),
        Constraint::Length(if view.notes.is_empty() { 0 } else { 1 }),
        Constraint::Length(2),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head_lines(view)).block(Block::bordered().title(" performer ")), head);
    frame.render_widget(Paragraph::new(part_lines(view)).block(Block::bordered().title(chord_title(view))), parts);
    let block = Block::bordered();
    let inside = block.inner(roll);
    frame.render_widget(block, roll);
    frame.render_widget(Paragraph::new(roll_lines(view, inside)), inside);
    frame.render_widget(Paragraph::new(figure_line(view)).block(Block::bordered()), figures);
    if let Some(note) = view.notes.last() {
        frame.render_widget(Paragraph::new(format!(" {note}")).style(Style::new().fg(Color::LightRed)), notes);
    }
    frame.render_widget(
        Paragraph::new(HELP).wrap(Wrap { trim: true }).style(Style::new().add_modifier(Modifier::DIM)),
        help,
    );
}

fn head_lines(view: &View) -> Vec<Line<'static>> {
    let link = |name: &str, is_there: bool| {
        if is_there {
            Span::raw(name.to_owned())
        } else {
            Span::styled(format!("{name} (gone, waiting for it)"), Style::new().fg(Color::LightRed))
        }
    };
    let mut ports = vec![
        link(view.system, view.links.has_server),
        Span::raw(": "),
        link(&view.links.input, view.links.has_input),
        Span::raw(" -> "),
        link(&view.links.output, view.links.has_output),
    ];
    if let Some(sound) = &view.links.sound {
        ports.push(Span::raw(format!("   sound: {sound}")));
    }
    let (bar, beat, sixteenth) = view.place();
    let clock = match (view.status.is_running, view.status.is_stalled) {
        (false, _) => "waiting".to_owned(),
        (true, true) => "CLOCK STALLED, going on".to_owned(),
        (true, false) => format!("bar {bar}  beat {beat}.{sixteenth}"),
    };
    let take = view.take.as_ref().map_or_else(|| "no take".to_owned(), |take| format!("take: {take}"));
    let time = Line::from(format!("{clock}   {:.1} beats a minute   {take}", view.status.tempo));
    vec![Line::from(ports), time]
}

fn chord_title(view: &View) -> String {
    let key = view.key().map(|key| format!(" key {key} ")).unwrap_or_default();
    match view.chord() {
        Some((symbol, numeral)) => format!(" {symbol}  {numeral} {key}"),
        None => key,
    }
}

fn part_lines(view: &View) -> Vec<Line<'static>> {
    let on = |control| view.status.is_on(control);
    Part::ALL
        .into_iter()
        .map(|part| {
            let note = view.parts[part.index()].map_or_else(|| "-".to_owned(), |pitch| pitch.name());
            let mut text = format!("{:<8} {note:<4}", part.name());
            if on(Control::Mute(part)) {
                text += "  muted";
            }
            if part != Part::Soprano && on(Control::Freeze(part)) {
                text += "  frozen";
            }
            if part != Part::Soprano && on(Control::Hold) {
                text += "  held";
            }
            if part == Part::Soprano {
                let switches = [(Control::Cadence, "cadence"), (Control::Model, "second model")];
                let names = switches.into_iter().filter(|(control, _)| on(*control)).map(|(_, name)| name);
                let guard = if on(Control::Guard) { "guard" } else { "no guard" };
                text += &format!("   {}", std::iter::once(guard).chain(names).collect::<Vec<_>>().join(", "));
            }
            Line::styled(text, Style::new().fg(COLOURS[part.index()]))
        })
        .collect()
}

/// The last steps, one column each, a row for every pitch or for two where the room is small.
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
    let per_row = (highest - lowest + 1).div_ceil(height);
    let rows = (highest - lowest + 1).div_ceil(per_row);
    (0..rows)
        .map(|row| {
            let top = highest - row * per_row;
            let keys = (top + 1).saturating_sub(per_row)..=top;
            let label = Pitch::new(top as u8).map_or_else(String::new, |pitch| pitch.name());
            let mut spans = vec![Span::styled(format!("{label:>4} "), Style::new().add_modifier(Modifier::DIM))];
            spans.extend(columns.iter().map(|column| cell(column, &keys)));
            Line::from(spans)
        })
        .collect()
}

fn cell(column: &Column, keys: &std::ops::RangeInclusive<usize>) -> Span<'static> {
    let singing = Part::ALL
        .into_iter()
        .find(|part| column.parts[part.index()].is_some_and(|pitch| keys.contains(&usize::from(pitch.midi()))));
    match singing {
        Some(part) => {
            let letter = part.letter();
            let letter = if column.struck[part.index()] { letter } else { letter.to_ascii_lowercase() };
            Span::styled(letter.to_string(), Style::new().fg(COLOURS[part.index()]))
        }
        None if column.position.is_multiple_of(16) => Span::styled("|", Style::new().add_modifier(Modifier::DIM)),
        None if column.position.is_multiple_of(4) => Span::styled(".", Style::new().add_modifier(Modifier::DIM)),
        None => Span::raw(" "),
    }
}

fn figure_line(view: &View) -> Line<'static> {
    let Summary { notes, missed, dropped, overruns, echoes, .. } = view.summary;
    let microseconds = |quantile| view.latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let mut text = format!("{notes} notes");
    if !view.latencies.is_empty() {
        text += &format!(
            "   answer after p50 {:.0} p99 {:.0} max {:.0} us  {}",
            microseconds(0.5),
            microseconds(0.99),
            view.latencies.max() as f64 / 1000.0,
            bars(&view.latencies)
        );
    }
    let mut spans = vec![Span::raw(text)];
    for (count, what) in [(missed, "missed"), (dropped, "dropped"), (overruns, "overruns"), (echoes, "echoes ignored")]
    {
        let style = if count > 0 { Style::new().fg(Color::LightRed) } else { Style::new() };
        if count > 0 || what == "missed" {
            spans.push(Span::styled(format!("   {count} {what}"), style));
        }
    }
    Line::from(spans)
}

/// A histogram of the latencies in doublings from 8 to 2048 microseconds.
fn bars(latencies: &Histogram<u64>) -> String {
    const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let counts: Vec<u64> = (3..11)
        .map(|power| latencies.count_between(if power == 3 { 0 } else { 1000 << power }, (1000 << (power + 1)) - 1))
        .collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: u64| if count == 0 { 0 } else { 1 + (count * 7 / most) as usize };
    let drawn: String = counts.into_iter().map(|count| HEIGHTS[height(count).min(8)]).collect();
    format!("8us[{drawn}]2ms")
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Quit,
    Toggle(Control),
    /// More or less of it.
    Change(Control, i8),
    Redraw,
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
        '[' => Wish::Change(Control::Temperature, 1),
        ']' => Wish::Change(Control::Temperature, -1),
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

    /// Waits for a key, at most so long.
    pub fn wish(&self, wait: Duration) -> io::Result<Option<Wish>> {
        if !event::poll(wait)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => wish(key.code, key.modifiers),
            Event::Resize(..) => Some(Wish::Redraw),
            _ => None,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn view() -> View {
        let links = Links {
            input: "keys".to_owned(),
            output: "organ".to_owned(),
            has_server: true,
            has_input: true,
            has_output: true,
            sound: None,
        };
        let status = Status::new(72.0, true, false, &[Control::Guard, Control::Freeze(Part::Bass)]);
        View::new("JACK", links, status, Histogram::new(3).unwrap())
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
                view.show(&Shown::Moment { at: 0, position, parts: pitches(*keys) });
            }
        }
        view
    }

    #[test]
    fn the_screen_tells_ports_place_notes_chord_key_and_switches() {
        let screen = drawn(&played(), 100, 40);
        for word in ["keys -> organ", "bar 2  beat 4.4", "72.0 beats", "Soprano  G4", "Bass     C3", "frozen", "guard"]
        {
            assert!(screen.contains(word), "no {word} in\n{screen}");
        }
        assert!(screen.contains(" C  I ") && screen.contains("key C"), "{screen}");
        assert!(screen.contains("  G4 "), "{screen}");
    }

    #[test]
    fn every_terminal_size_is_drawn_without_a_panic() {
        let mut view = played();
        view.notes.push("the take is no longer recorded".to_owned());
        view.links.has_input = false;
        for (width, height) in [(1, 1), (5, 3), (20, 10), (80, 24), (300, 100)] {
            drawn(&view, width, height);
        }
        assert!(drawn(&view, 100, 30).contains("gone, waiting"));
        assert!(drawn(&super::tests::view(), 100, 30).contains("Play a melody"));
    }

    #[test]
    fn every_key_that_the_help_line_names_does_something() {
        let keys = HELP.split_whitespace().filter(|word| word.chars().count() == 1);
        for key in keys.flat_map(str::chars).chain("at b1234 q".chars()) {
            assert!(wish(KeyCode::Char(key), KeyModifiers::NONE).is_some(), "{key}");
        }
        assert_eq!(wish(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Quit));
        assert_eq!(wish(KeyCode::Char('z'), KeyModifiers::NONE), None);
    }
}
