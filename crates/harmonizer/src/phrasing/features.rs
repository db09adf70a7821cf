//! What speaks for a phrase's end: features of a note, of the distance to the end before, and of two distances.

use std::ops::Range;

use chorale::phrase_tracker::motion_class;
use chorale::{Key, Phase};

use super::{Contour, Mark};

const BEAT: u32 = Phase::STEPS_PER_BEAT as u32;

/// Beats between two ends at most.
pub const FARTHEST: u32 = 40;

/// How many features there are. Each has a weight in nats.
pub const COUNT: usize = PARALLEL.end;

/// The note lasts, with the rest after it, for less than a beat, one, more than one, two, three, four or more.
pub const DURATION: Range<usize> = 0..6;
/// Of the notes of the melody, so many are as long or longer: up to a tenth, a quarter, half, more.
pub const RANK: Range<usize> = DURATION.end..DURATION.end + 4;
/// It is longer than the note before, as long, shorter; then the same for the next note.
pub const LONGER: Range<usize> = RANK.end..RANK.end + 6;
/// It is reached by repetition, step, third or leap, upwards or downwards; or is the first.
pub const APPROACH: Range<usize> = LONGER.end..LONGER.end + 8;
/// It is left so, or is the last.
pub const DEPARTURE: Range<usize> = APPROACH.end..APPROACH.end + 8;
/// Semitones above the tonic in major, then in minor.
pub const DEGREE: Range<usize> = DEPARTURE.end..DEPARTURE.end + 24;
/// A rest of a beat or more follows. Bach's sopranos hardly rest, so that this weight is set by hand, as are those of the
/// marks: line end, breath, fermata.
pub const MARK: Range<usize> = DEGREE.end..DEGREE.end + 4;
/// Bars since the end before: one, two, three, four, more; a half more; something else. First in bars of four beats, then
/// of three.
pub const DISTANCE: Range<usize> = MARK.end..MARK.end + 14;
/// Beats from the beginning to the first end: up to 2, 4, 8, 12, 16, more.
pub const FIRST: Range<usize> = DISTANCE.end..DISTANCE.end + 6;
/// As far from the end before as that was from the one before it, or from the beginning with a pickup to fill.
pub const REGULAR: Range<usize> = FIRST.end..FIRST.end + 2;
/// How long it is, as at first, in melodies in which few notes are long; and where a note struck again looks like one that
/// lasts.
pub const FEW_LONG: Range<usize> = REGULAR.end..REGULAR.end + LONGER.end;
pub const UNTOLD: Range<usize> = FEW_LONG.end..FEW_LONG.end + LONGER.end;

/// Behind it begins what comes twice with the same lengths: four beats, on other degrees; four on the same; eight or more.
/// Where a note struck again looks like one that lasts, nobody can tell.
pub const PARALLEL: Range<usize> = UNTOLD.end..UNTOLD.end + 3;

/// How long the notes of a melody last, with the rests after them.
pub struct Lengths {
    /// In steps, in order.
    sorted: Vec<u32>,
    /// Where the features of a length begin: 0, or a start of those that stand in for the first ones.
    features: usize,
}

impl Lengths {
    pub fn of(contour: &Contour) -> Lengths {
        let mut sorted: Vec<u32> = contour.notes.iter().map(|note| note.length + note.rest).collect();
        sorted.sort_unstable();
        let features = match contour.tells_strokes {
            true if has_few_long(&sorted) => FEW_LONG.start,
            true => 0,
            false => UNTOLD.start,
        };
        Lengths { sorted, features }
    }

    /// How many notes are as long or longer.
    fn as_long(&self, length: u32) -> usize {
        self.sorted.len() - self.sorted.partition_point(|other| *other < length)
    }
}

/// Whether some notes, at least one in 24 beats and at most a quarter of all, last twice as long as is usual: there a tune
/// rests.
fn has_few_long(sorted: &[u32]) -> bool {
    let usual = u64::from(sorted[sorted.len() / 2]);
    let long = sorted.iter().rev().take_while(|length| u64::from(**length) >= 2 * usual).count();
    let span: u64 = sorted.iter().map(|length| u64::from(*length)).sum();
    4 * long <= sorted.len() && long as u64 * 24 * u64::from(BEAT) >= span
}

/// Whether a melody rests on each note, be it the end of a phrase or not: on one of half a bar or two beats, twice as long as
/// is usual and longer than its neighbours.
pub fn is_rest(contour: &Contour) -> Vec<bool> {
    let lengths: Vec<u32> = contour.notes.iter().map(|note| note.length + note.rest).collect();
    let usual = Lengths::of(contour).sorted.get(lengths.len() / 2).copied().unwrap_or(0);
    let least = (contour.bar.unwrap_or(4) * BEAT / 2).min(2 * BEAT).max(2 * usual);
    let length = |index: Option<usize>| index.and_then(|index| lengths.get(index));
    let is_rest = |index: usize| {
        let is_longer = |other: Option<usize>| length(other).is_some_and(|other| *other < lengths[index]);
        lengths[index] >= least
            && contour.may_end(index)
            && is_longer(index.checked_sub(1))
            && is_longer(index.checked_add(1))
    };
    (0..lengths.len()).map(is_rest).collect()
}

/// Notes from the first time to the second at most.
const FARTHEST_PARALLEL: usize = 256;

/// For each note the feature of what comes twice behind it, if anything does: what goes the same way from a note before has
/// begun there. (Parallelism is the preference rule 4 of Lerdahl and Jackendoff's grouping, 1983.)
pub fn parallels(contour: &Contour) -> Vec<Option<usize>> {
    let notes = &contour.notes;
    let mut found: Vec<Option<usize>> = vec![None; notes.len()];
    if !contour.tells_strokes {
        return found;
    }
    let interval = |index: usize| contour.motion(index).1;
    for is_exact in [false, true] {
        for distance in 1..notes.len().min(FARTHEST_PARALLEL + 1) {
            let is_same = |first: usize| {
                let [one, other] = [first, first + distance].map(|index| &notes[index]);
                let tune =
                    if is_exact { one.pitch == other.pitch } else { interval(first) == interval(first + distance) };
                tune && one.length + one.rest == other.length + other.rest
            };
            let mut first = 0;
            while first + distance < notes.len() {
                let run = (first..notes.len() - distance).take_while(|&index| is_same(index)).count();
                let span = notes[first + run.min(distance)].onset - notes[first].onset;
                let feature = match (is_exact, span / (4 * BEAT)) {
                    (_, 0) => None,
                    (false, _) => Some(PARALLEL.start),
                    (true, 1) => Some(PARALLEL.start + 1),
                    (true, _) => Some(PARALLEL.start + 2),
                };
                for start in [first, first + distance] {
                    if let Some(end) = start.checked_sub(1) {
                        found[end] = found[end].max(feature);
                    }
                }
                first += run + 1;
            }
        }
    }
    found
}

/// The features of a note as the end of a phrase, among notes of such lengths.
pub fn of_note(contour: &Contour, lengths: &Lengths, index: usize, key: Key) -> Vec<usize> {
    let notes = &contour.notes;
    let length = |index: usize| notes[index].length + notes[index].rest;
    let beats = length(index) / BEAT;
    // Where a mark tells of an end, a note with its upbeat behind it fills the beat: Bach's ends, which have none, know of no
    // shorter ones.
    let is_told = notes[index].mark != Mark::None && 2 * length(index) >= BEAT;
    let duration = match (beats, length(index) % BEAT) {
        (0, _) => usize::from(is_told),
        (1, 0) => 1,
        (1, _) => 2,
        (beats, _) => (beats as usize + 1).min(5),
    };
    let as_long = lengths.as_long(length(index));
    let rank = [10, 4, 2].into_iter().position(|part| part * as_long <= notes.len()).unwrap_or(3);
    let against = |other: Option<usize>| match other.map(|other| length(index).cmp(&length(other))) {
        Some(std::cmp::Ordering::Greater) | None => 0,
        Some(std::cmp::Ordering::Equal) => 1,
        Some(std::cmp::Ordering::Less) => 2,
    };
    let next = Some(index + 1).filter(|next| *next < notes.len());
    let (from, to) = contour.motion(index);
    let mut features = vec![
        lengths.features + DURATION.start + duration,
        lengths.features + RANK.start + rank,
        lengths.features + LONGER.start + against(index.checked_sub(1)),
        lengths.features + LONGER.start + 3 + against(next),
        APPROACH.start + motion_class(from),
        DEPARTURE.start + motion_class(to),
        DEGREE.start + 12 * usize::from(key.minor) + contour.degree(index, key),
    ];
    if notes[index].rest >= BEAT {
        features.push(MARK.start);
    }
    match notes[index].mark {
        Mark::None => {}
        Mark::LineEnd => features.push(MARK.start + 1),
        Mark::Breath => features.push(MARK.start + 2),
        Mark::Fermata => features.push(MARK.start + 3),
    }
    features
}

/// Of an end so many steps after the one before; `None` for those too close or too far apart.
pub fn of_distance(steps: u32, bar: u32) -> Option<usize> {
    let beats = steps / BEAT;
    if !(2..=FARTHEST).contains(&beats) || (!steps.is_multiple_of(BEAT) && beats < 4) {
        return None;
    }
    let (bars, rest) = (steps / (bar * BEAT), steps % (bar * BEAT));
    let class = match (bars, rest) {
        (0, _) => 6,
        (bars, 0) => bars.min(5) as usize - 1,
        (_, rest) if 2 * rest == bar * BEAT => 5,
        _ => 6,
    };
    Some(DISTANCE.start + if bar.is_multiple_of(3) { 7 } else { 0 } + class)
}

/// Of a first end so many steps after the first note.
pub fn of_first(steps: u32) -> usize {
    let class = match steps / BEAT {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        9..=12 => 3,
        13..=16 => 4,
        _ => 5,
    };
    FIRST.start + class
}

/// Of two distances that follow each other.
pub fn of_distances(before: u32, now: u32) -> Option<usize> {
    (before == now).then_some(REGULAR.start)
}

/// Of the first end's distance from the first note, and the next one's.
pub fn of_first_distances(first: u32, next: u32, bar: u32) -> Option<usize> {
    (first <= next && next < first + bar * BEAT).then_some(REGULAR.start + 1)
}
