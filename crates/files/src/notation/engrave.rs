//! The notes of a part in measures: tied where notation cuts them, with rests between.

use chorale::{Part, Spelling};

use super::ruler::Ruler;
use super::spell::spellings;
use super::values::{QUARTER_OF_THREE, bracket, first_value, follows_in_triplet};
use super::{DIVISIONS, Item, Measure, Notehead};
use crate::score::{Note, Score, Tick};

/// Writes a part into the measures.
pub(super) fn engrave(part: Part, score: &Score, ruler: &Ruler, measures: &mut [Measure]) {
    let mut line = PartLine { part, ruler, measures };
    let mut now = 0;
    for Placed { note, spelling, start, end, fermata } in placed(part, score, ruler) {
        line.fill(now, start, None);
        let head = Notehead { spelling, tied_from: false, tied_to: false, fermata, start: note.start };
        line.fill(start, end, Some(head));
        now = end;
    }
    line.fill(now, ruler.end, None);
}

/// A part's line through the measures.
struct PartLine<'a> {
    part: Part,
    ruler: &'a Ruler,
    measures: &'a mut [Measure],
}

impl PartLine<'_> {
    /// Writes a note or rest from `start` to `end`, cut where notation cuts.
    fn fill(&mut self, start: u32, end: u32, notehead: Option<Notehead>) {
        let mut now = start;
        while now < end {
            let (index, position) = self.ruler.place(now);
            let Some(measure) = self.measures.get_mut(index) else { return };
            let items = &mut measure.parts[self.part.index()];
            let here = (end - now).min(measure.length - position);
            if notehead.is_none() && here == measure.length {
                items.push(Item {
                    position,
                    length: here,
                    value: None,
                    tuplet: None,
                    beams: Vec::new(),
                    notehead: None,
                });
                now += here;
                continue;
            }
            let (length, value) = match items.last() {
                Some(before) if follows_in_triplet(before, position, here) => {
                    (here, before.value.unwrap_or(QUARTER_OF_THREE))
                }
                _ => first_value(position, here, measure.metre),
            };
            let is_last = now + length == end;
            let notehead = notehead.clone().map(|head| Notehead {
                tied_from: now > start,
                tied_to: !is_last,
                // The sign stands where the note ends.
                fermata: head.fermata && is_last,
                ..head
            });
            items.push(Item { position, length, value: Some(value), tuplet: None, beams: Vec::new(), notehead });
            now += length;
            if value.triplet {
                bracket(items);
            }
        }
    }
}

/// A note of a part on the ruler.
struct Placed<'a> {
    note: &'a Note,
    spelling: Spelling,
    start: u32,
    end: u32,
    fermata: bool,
}

/// One after the other, none without length.
fn placed<'a>(part: Part, score: &'a Score, ruler: &Ruler) -> Vec<Placed<'a>> {
    let eighth = Tick::from(score.ticks_per_quarter / 2);
    let sixteenth = Tick::from(score.ticks_per_quarter / 4).max(1);
    let notes = score.part(part);
    let mut line: Vec<Placed> = Vec::with_capacity(notes.len());
    for ((index, note), spelling) in notes.iter().enumerate().zip(spellings(score, part)) {
        let start = ruler.places[&note.start];
        let next = notes.get(index + 1);
        let end = match next {
            // Written rests are kept, however short; of notes that overlap the first is cut.
            _ if score.is_notated && part == score.melody => {
                ruler.places[&note.end].min(next.map_or(ruler.end, |next| ruler.places[&next.start]))
            }
            Some(next) if next.start < note.end + eighth => ruler.places[&next.start],
            // A note that ends off the grid was held a little shorter or longer than written.
            _ if !note.end.is_multiple_of(sixteenth) => {
                let half = DIVISIONS / 2;
                let end = (ruler.places[&note.end] + half / 2) / half * half;
                end.min(next.map_or(ruler.end, |next| ruler.places[&next.start]))
            }
            _ => ruler.places[&note.end],
        };
        let end = if end > start || next.is_some() { end } else { (start + DIVISIONS / 4).min(ruler.end) };
        if end <= start {
            continue;
        }
        line.push(Placed { note, spelling, start, end, fermata: has_fermata(score, part, note) });
    }
    line
}

/// The fermata of a melody note is held by all: by the note that ends with it.
fn has_fermata(score: &Score, part: Part, note: &Note) -> bool {
    score.fermatas.iter().any(|&tick| {
        if part == score.melody {
            return note.start == tick;
        }
        let melody = score.part(score.melody);
        let held = melody[..melody.partition_point(|held| held.start <= tick)].last();
        held.is_some_and(|held| held.start == tick && note.start < held.end && note.end >= held.end)
    })
}
