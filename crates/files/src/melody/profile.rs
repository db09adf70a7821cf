//! What a line is like: the figures by which a melody is told from what goes along with it.

use super::lines::Line;
use super::switches::without_switches;
use super::top_line::top_line;
use super::weigh::LIKE_A_TUNE;
use crate::score::{Note, Tick};
use crate::single_line::is_single_line;
use crate::source::Source;

/// Figures of one line.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// Its top line, which would be the melody.
    pub tune: Vec<Note>,
    /// For so many ticks it sounds; gaps shorter than a quarter are articulation.
    pub sounding: u64,
    /// The part of that time in which it has one note alone, from 0 to 1.
    pub single: f64,
    /// How many notes it has at once.
    pub at_once: usize,
    /// The mean pitch of the tune, each note weighing as much as it is long.
    pub height: f64,
    /// Semitones from the lowest to the highest note of the tune.
    pub span: u8,
    /// How much it moves as melodies do, from 0 to 1.
    pub motion: f64,
    /// How different its notes are in length, from 0 to 1.
    pub rhythm: f64,
    /// Whether it only repeats chords or breaks them, at an even pace, or a few notes to the end.
    pub is_figure: bool,
}

impl Profile {
    pub fn of(line: &Line, file: &Source) -> Profile {
        let quarter = Tick::from(file.ticks_per_quarter);
        let notes = &*without_switches(line, file);
        let slip = (quarter / 8).max(1);
        let tune = top_line(notes, quarter);
        let sounding = sounding(notes, quarter);
        let is_single = is_single_line(notes, slip);
        let pitches = || tune.iter().map(|note| note.pitch.midi());
        Profile {
            sounding,
            single: if is_single { 1.0 } else { share_alone(notes) },
            at_once: if is_single { 1 } else { most_at_once(notes, slip) },
            height: height(&tune),
            span: pitches().max().unwrap_or(0) - pitches().min().unwrap_or(0),
            motion: motion(&tune, sounding, quarter),
            rhythm: rhythm(&tune),
            is_figure: is_figure(&tune) || is_ostinato(&tune),
            tune,
        }
    }
}

/// A tune has this much of a rhythm, and single notes for that part of its time.
const RHYTHM: f64 = 0.3;
const SINGLE: f64 = 0.8;

impl Profile {
    /// Whether it goes as tunes do, and nothing that goes along with them does.
    pub fn is_tune(&self) -> bool {
        !self.is_figure && self.motion >= LIKE_A_TUNE && self.rhythm >= RHYTHM && self.single >= SINGLE
    }
}

/// Of a line that is never empty.
pub(super) fn height(notes: &[Note]) -> f64 {
    let (mut length, mut sum) = (0.0, 0.0);
    for note in notes {
        let weight = f64::from(note.end - note.start);
        length += weight;
        sum += weight * f64::from(note.pitch.midi());
    }
    sum / length
}

fn sounding(notes: &[Note], quarter: Tick) -> u64 {
    let (mut sum, mut end) = (0_u64, 0 as Tick);
    for note in notes {
        let since = if end > 0 && note.start < end.saturating_add(quarter) { end } else { note.start };
        sum += u64::from(note.end.saturating_sub(since.min(note.end)));
        end = end.max(note.end);
    }
    sum
}

/// Beginnings and ends in order of time; at one tick the ends come first.
fn edges(notes: &[Note]) -> Vec<(Tick, bool)> {
    let mut edges: Vec<(Tick, bool)> = notes.iter().flat_map(|note| [(note.start, true), (note.end, false)]).collect();
    edges.sort_unstable();
    edges
}

/// Of the time in which anything sounds, the part in which one note does.
fn share_alone(notes: &[Note]) -> f64 {
    let (mut alone, mut any, mut now, mut count) = (0_u64, 0_u64, 0, 0_usize);
    for (tick, begins) in edges(notes) {
        let ticks = u64::from(tick - now);
        alone += if count == 1 { ticks } else { 0 };
        any += if count > 0 { ticks } else { 0 };
        count = if begins { count + 1 } else { count - 1 };
        now = tick;
    }
    if any > 0 { alone as f64 / any as f64 } else { 1.0 }
}

/// Without what only rings on for a `slip`.
fn most_at_once(notes: &[Note], slip: Tick) -> usize {
    let shortened = |note: &Note| Note { end: note.end.saturating_sub(slip).max(note.start + 1), ..*note };
    let shortened: Vec<Note> = notes.iter().map(shortened).collect();
    let (mut count, mut most) = (0_usize, 0);
    for (_, begins) in edges(&shortened) {
        count = if begins { count + 1 } else { count - 1 };
        most = most.max(count);
    }
    most
}

/// How much each interval, in semitones up or down, is one of a melody: steps make it, thirds are at home in it, chords are
/// broken into what is wider, and repetition alone is none.
const INTERVALS: [f64; 13] = [0.4, 1.0, 1.0, 0.6, 0.6, 0.4, 0.1, 0.3, 0.2, 0.2, 0.1, 0.0, 0.2];

/// A tune has so many different notes.
const DIFFERENT_NOTES: f64 = 5.0;

/// So many notes a quarter are neither a held chord nor figuration.
const LIVELINESS: (f64, f64) = (0.5, 2.5);

fn motion(tune: &[Note], sounding: u64, quarter: Tick) -> f64 {
    if tune.len() < 2 {
        return 0.0;
    }
    let interval = |two: &[Note]| usize::from(two[0].pitch.midi().abs_diff(two[1].pitch.midi()));
    let steps: f64 = tune.windows(2).map(|two| INTERVALS.get(interval(two)).copied().unwrap_or(0.0)).sum();
    let mut is_there = [false; 128];
    tune.iter().for_each(|note| is_there[usize::from(note.pitch.midi())] = true);
    let different = is_there.iter().filter(|there| **there).count() as f64;
    let rate = tune.len() as f64 * f64::from(quarter) / sounding.max(1) as f64;
    let (slow, fast) = LIVELINESS;
    let liveliness = if rate < slow { rate / slow } else { (2.0 - rate / fast).clamp(0.0, 1.0) };
    steps / (tune.len() - 1) as f64 * (different / DIFFERENT_NOTES).min(1.0) * liveliness
}

/// Of a tune no more than this part follows each other at one distance; of accompaniments everything does.
const EVEN: f64 = 0.7;

fn rhythm(tune: &[Note]) -> f64 {
    evenness(tune).map_or(0.0, |alike| ((1.0 - alike) / (1.0 - EVEN)).min(1.0))
}

/// So many notes make a figure, in whose pace and steps no more than these parts are exceptions.
const FIGURE: usize = 16;
const UNEVEN: f64 = 0.08;
const STEPS: f64 = 0.3;

fn is_figure(tune: &[Note]) -> bool {
    let is_step = |two: &&[Note]| (1..=2).contains(&two[0].pitch.midi().abs_diff(two[1].pitch.midi()));
    let steps = tune.windows(2).filter(is_step).count() as f64;
    tune.len() >= FIGURE
        && steps <= STEPS * (tune.len() - 1) as f64
        && evenness(tune).is_some_and(|alike| alike >= 1.0 - UNEVEN)
}

/// At most so many notes make an ostinato, which comes so many times at least, and in which no more than this part differs.
const LOOP: usize = 8;
const TIMES: usize = 4;
const OTHER: f64 = 0.05;

fn is_ostinato(tune: &[Note]) -> bool {
    let comes_again = |length: &usize| {
        let later = &tune[*length..];
        let distance = |notes: &[Note], place: usize| notes[place + 1].start - notes[place].start;
        let differs = |place: &usize| {
            tune[*place].pitch != later[*place].pitch
                || distance(tune, *place).abs_diff(distance(later, *place)) > distance(tune, *place) / 8
        };
        let differing = (0..later.len() - 1).filter(differs).count() as f64;
        differing <= OTHER * (later.len() - 1) as f64
    };
    (1..=LOOP).filter(|length| tune.len() >= FIGURE.max(TIMES * length)).any(|length| comes_again(&length))
}

/// The part of its notes that follow each other at the usual distance.
fn evenness(tune: &[Note]) -> Option<f64> {
    let mut distances: Vec<Tick> = tune.windows(2).map(|two| two[1].start - two[0].start).collect();
    if distances.is_empty() {
        return None;
    }
    distances.sort_unstable();
    let usual = distances[distances.len() / 2];
    let alike = distances.iter().filter(|distance| distance.abs_diff(usual) <= usual / 8).count();
    Some(alike as f64 / distances.len() as f64)
}
