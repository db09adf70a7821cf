//! What the screen knows of a performance.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chorale::{Key, Pitch};
use hdrhistogram::Histogram;
use live::{AnsweredNote, Naming, PerformanceEvent, Status, Summary};
use performer::devices::midi::PortStatus;
use session::clock::ClockSource;

/// Steps that the roll remembers: the widest terminals show no more.
const ROLL: usize = 512;
/// How long a message is shown.
const SHOWN: Duration = Duration::from_secs(8);

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
    /// The names of the set list.
    pub songs: Vec<String>,
    /// The file that the take is going to, if one is recorded.
    pub take: Option<String>,
    pub has_lost_take: bool,
    pub shows_figures: bool,
    /// What was said, oldest first, and when.
    messages: VecDeque<(Instant, String)>,
    position: u64,
    pub parts: [Option<Pitch>; 4],
    naming: Naming,
    /// One column a step, oldest first.
    pub roll: VecDeque<Column>,
}

#[derive(Clone, Copy)]
pub struct Column {
    pub position: u64,
    pub is_bar_line: bool,
    pub parts: [Option<Pitch>; 4],
    /// Parts that changed within the step.
    pub struck: [bool; 4],
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
            songs: Vec::new(),
            take: None,
            has_lost_take: false,
            shows_figures: false,
            messages: VecDeque::new(),
            position: 0,
            parts: [None; 4],
            naming: Naming::new(status.key),
            roll: VecDeque::with_capacity(ROLL),
        })
    }

    /// Things stand so now. Of another song nothing is known of what was heard before.
    pub fn stand(&mut self, status: Status) {
        if status.song != self.status.song {
            self.naming.forget();
        }
        self.naming.told = status.key;
        self.status = status;
    }

    /// The song that was chosen: its number, from 1, and its name.
    pub fn song(&self) -> Option<(u8, &str)> {
        let song = self.status.song?;
        Some((song + 1, self.songs.get(usize::from(song))?))
    }

    pub fn temperature(&self) -> f32 {
        self.status.temperature.unwrap_or(self.first_temperature)
    }

    /// Shows a message for a while.
    pub fn say(&mut self, now: Instant, text: String) {
        self.messages.retain(|(said, _)| now.saturating_duration_since(*said) < SHOWN);
        self.messages.push_back((now, text));
    }

    /// The last messages that are not too old, at most so many.
    pub fn messages(&self, now: Instant, most: usize) -> Vec<&str> {
        let fresh = self.messages.iter().filter(|(said, _)| now.saturating_duration_since(*said) < SHOWN);
        let fresh: Vec<&str> = fresh.map(|(_, text)| text.as_str()).collect();
        fresh[fresh.len().saturating_sub(most)..].to_vec()
    }

    pub fn show(&mut self, shown: &PerformanceEvent) {
        match *shown {
            PerformanceEvent::AnsweredNote(AnsweredNote { latency, .. }) => {
                self.latencies.saturating_record(latency.as_nanos() as u64);
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
        let mut is_step = false;
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
                let is_bar_line = self.status.metre.steps().is_some_and(|steps| position.is_multiple_of(steps));
                self.roll.push_back(Column { position, is_bar_line, parts, struck: changed });
                is_step = true;
            }
        }
        (self.position, self.parts) = (position, parts);
        self.naming.hear(parts, is_step);
    }

    /// The key that was told, else that of what has sounded lately.
    pub fn key(&self) -> Option<Key> {
        self.naming.key()
    }

    /// The name of these notes' chord and its Roman numeral.
    pub fn name(&self, parts: [Option<Pitch>; 4]) -> Option<(String, String)> {
        self.naming.name(parts)
    }

    /// Of the chord that sounds; where notes pass through it, of the one before.
    pub fn chord(&self) -> Option<&(String, String)> {
        self.naming.chord()
    }

    /// The names of these notes.
    pub fn names(&self, parts: [Option<Pitch>; 4]) -> [String; 4] {
        self.naming.names(parts).map(|name| name.unwrap_or_else(|| "-".to_owned()))
    }

    /// Where the music stands: bar, beat and fourth of the beat, all from 1. Where nobody knows the bar, beats are counted.
    pub fn place(&self) -> String {
        let (beat, step) = (self.position / 4, self.position % 4 + 1);
        match self.beats_in_bar() {
            None => format!("beat {}.{step}", beat + 1),
            Some(beats) => format!("bar {}  beat {}.{step}", beat / beats + 1, beat % beats + 1),
        }
    }

    /// The beat of the bar, from 1, also in a count-in, where somebody knows it.
    pub fn beat(&self) -> Option<u64> {
        if let Some(beat) = self.status.counted_beat {
            return Some(beat.into());
        }
        self.beats_in_bar().map(|beats| self.position / 4 % beats + 1)
    }

    /// A player who is followed tells nobody where the bar begins, and a free metre has none.
    fn beats_in_bar(&self) -> Option<u64> {
        self.status.metre.steps().filter(|_| self.source != ClockSource::Follow).map(|steps| steps / 4)
    }

    /// Whether the music stands in the first half of a beat.
    pub fn is_on_beat(&self) -> bool {
        self.position % 4 < 2
    }
}
