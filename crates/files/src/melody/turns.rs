//! Another tune that goes on where the melody rests: one soloist after the other, question and answer.

use super::profile::Profile;
use super::weigh::Candidate;
use crate::grid::Grid;
use crate::score::{Note, Tick};
use crate::source::{Kind, Source};

/// Quarters for which the melody must rest for anybody to take over.
const REST: Tick = 4;

/// So many notes make a tune, of whose notes this part stands where the melody rests.
const FEWEST: usize = 8;
const ALONE: f64 = 0.7;

/// A tune moves so much as melodies do.
const MOTION: f64 = 0.5;

/// So many stretches of bars are listed.
const LISTED: usize = 4;

/// Which other line goes on while the one that is taken rests, in which bars, and the option that takes it.
pub(super) fn what_goes_on(file: &Source, taken: &Candidate, others: &[&Candidate]) -> Option<String> {
    let rests = rests(&taken.profile.tune, REST * Tick::from(file.ticks_per_quarter));
    let in_rests = |other: &Candidate| -> Vec<Note> {
        let before = |tick: Tick| rests[..rests.partition_point(|(start, _)| *start <= tick)].last();
        let is_in = |note: &&Note| before(note.start).is_some_and(|(_, end)| note.start < *end);
        other.profile.tune.iter().filter(is_in).copied().collect()
    };
    let goes_on = |profile: &Profile, notes: usize| {
        !profile.is_figure
            && profile.single >= 0.8
            && profile.motion >= MOTION
            && notes >= FEWEST
            && notes as f64 >= ALONE * profile.tune.len() as f64
    };
    let others = others.iter().filter(|other| other.name >= 0.0 && !other.is_percussion(file));
    let others = others.map(|other| (other, in_rests(other)));
    let (other, notes) = others
        .filter(|(other, notes)| goes_on(&other.profile, notes.len()))
        .max_by_key(|(other, notes)| (notes.len(), std::cmp::Reverse(other.line.track)))?;
    let option = match file.kind {
        Kind::Midi => "--track",
        Kind::MusicXml | Kind::Abc => "--part",
    };
    let mut option = format!("{option} {}", other.line.track + 1);
    if file.tracks[other.line.track].channels.len() > 1 {
        option.push_str(&format!(" --channel {}", other.line.number()));
    }
    let described = other.line.describe(file);
    Some(format!("while it rests, in {}, {described} goes on; {option} takes that instead", bars(file, taken, &notes)))
}

/// Where a tune is silent for so long, before its first note and after its last too.
fn rests(tune: &[Note], least: Tick) -> Vec<(Tick, Tick)> {
    let (mut rests, mut end) = (Vec::new(), 0);
    for note in tune {
        if note.start >= end + least {
            rests.push((end, note.start));
        }
        end = end.max(note.end);
    }
    rests.push((end, Tick::MAX));
    rests
}

/// The bars in which notes begin: `bars 5 to 8 and 13 to 16`.
fn bars(file: &Source, taken: &Candidate, notes: &[Note]) -> String {
    let first = taken.profile.tune.first().map_or(0, |note| note.start);
    let grid = Grid::new(file.ticks_per_quarter, &file.directions, first);
    let mut stretches: Vec<(u32, u32)> = Vec::new();
    for note in notes {
        let bar = grid.bar(grid.nearest_step(note.start)).number;
        match stretches.last_mut() {
            Some((_, last)) if bar <= *last + 1 => *last = bar.max(*last),
            _ => stretches.push((bar, bar)),
        }
    }
    let stretch = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    let more = stretches.len().saturating_sub(LISTED);
    let mut list: Vec<String> = stretches.iter().take(LISTED).map(stretch).collect();
    if more > 0 {
        list.push(format!("{more} more stretches"));
    }
    let last = list.pop().unwrap_or_default();
    let word = if stretches.len() == 1 && stretches[0].0 == stretches[0].1 { "bar" } else { "bars" };
    if list.is_empty() { format!("{word} {last}") } else { format!("{word} {} and {last}", list.join(", ")) }
}
