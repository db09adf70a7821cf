//! The notes of a part in measures: tied where notation cuts them, with rests between.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chorale::{Part, Spelling};

use super::melisma::melismas;
use super::ruler::Ruler;
use super::spell::spellings;
use super::values::{QUARTER_OF_THREE, bracket, first_value, follows_in_triplet};
use super::{DIVISIONS, Item, Measure, Notehead};
use crate::score::{Note, Score, Tick};

/// Writes a part into the measures.
pub(super) fn engrave(part: Part, score: &Score, ruler: &Ruler, measures: &mut [Measure]) {
    let is_melody = part == score.melody;
    let syllables = if is_melody { score.syllables_in_notes() } else { BTreeSet::new() };
    let notes = placed(part, score, ruler);
    let starts: Vec<Tick> = notes.iter().map(|placed| placed.note.start).collect();
    let (slurs_from, slurs_to) = match is_melody {
        true => slur_ends(&score.phrasing.slurs, OF_MELODY),
        false => slur_ends(&melismas(score, part, &starts), below_melody(part)),
    };
    let mut line = PartLine { part, ruler, measures };
    let mut now = 0;
    for Placed { note, spelling, start, end, fermata, breath, .. } in notes {
        line.fill(now, start, None, &BTreeMap::new());
        let slurs = |ends: &BTreeMap<Tick, Vec<u8>>| ends.get(&note.start).cloned().unwrap_or_default();
        let head = Notehead {
            spelling,
            tied_from: false,
            tied_to: false,
            fermata,
            breath,
            sung: Some(note.start),
            slurs_from: slurs(&slurs_from),
            slurs_to: slurs(&slurs_to),
        };
        let sung = syllables.range(note.start..note.end).map(|tick| (ruler.places[tick], *tick));
        line.fill(start, end, Some(head), &sung.collect());
        now = end;
    }
    line.fill(now, ruler.end, None, &BTreeMap::new());
}

/// MusicXML tells slurs of a staff that overlap apart by six numbers: these are the melody's, whose slurs may overlap.
const OF_MELODY: RangeInclusive<u8> = 1..=4;

/// The number of the slurs of a part that may share its staff with the melody or with one more part.
fn below_melody(part: Part) -> RangeInclusive<u8> {
    let number = if matches!(part, Part::Soprano | Part::Tenor) { 5 } else { 6 };
    number..=number
}

/// The numbers of the slurs that begin and end at each note.
fn slur_ends(
    slurs: &[(Tick, Tick)],
    numbers: RangeInclusive<u8>,
) -> (BTreeMap<Tick, Vec<u8>>, BTreeMap<Tick, Vec<u8>>) {
    let (mut from, mut to) = (BTreeMap::<Tick, Vec<u8>>::new(), BTreeMap::<Tick, Vec<u8>>::new());
    for (&(first, last), number) in slurs.iter().zip(numbers.cycle()) {
        from.entry(first).or_default().push(number);
        to.entry(last).or_default().push(number);
    }
    (from, to)
}

/// A part's line through the measures.
struct PartLine<'a> {
    part: Part,
    ruler: &'a Ruler,
    measures: &'a mut [Measure],
}

impl PartLine<'_> {
    /// Writes a note or rest from `start` to `end`, cut where notation cuts, and where something new is `sung`, which is
    /// given with its tick.
    fn fill(&mut self, start: u32, end: u32, notehead: Option<Notehead>, sung: &BTreeMap<u32, Tick>) {
        let mut now = start;
        while now < end {
            let (index, position) = self.ruler.place(now);
            let Some(measure) = self.measures.get_mut(index) else { return };
            let items = &mut measure.parts[self.part.index()];
            let next = sung.range(now + 1..).next().map_or(end, |(place, _)| *place);
            let here = (end.min(next) - now).min(measure.length - position);
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
            let (is_first, is_last) = (now == start, now + length == end);
            let notehead = notehead.clone().map(|head| Notehead {
                tied_from: !is_first,
                tied_to: !is_last,
                // These signs stand where the note ends.
                fermata: head.fermata && is_last,
                breath: head.breath && is_last,
                slurs_to: if is_last { head.slurs_to } else { Vec::new() },
                slurs_from: if is_first { head.slurs_from } else { Vec::new() },
                sung: if is_first { head.sung } else { sung.get(&now).copied() },
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
pub(super) struct Placed<'a> {
    /// Its place among the notes of its part.
    pub index: usize,
    note: &'a Note,
    spelling: Spelling,
    pub start: u32,
    pub end: u32,
    fermata: bool,
    breath: bool,
}

/// One after the other, none without length.
pub(super) fn placed<'a>(part: Part, score: &'a Score, ruler: &Ruler) -> Vec<Placed<'a>> {
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
        let ends_with = |signs: &[Tick]| ends_with(signs, score, part, note);
        let (fermata, breath) = (ends_with(&score.fermatas), ends_with(&score.phrasing.breaths));
        line.push(Placed { index, note, spelling, start, end, fermata, breath });
    }
    line
}

/// What stands at the end of a melody note (a fermata, a breath) holds for all: for the note that ends with it. `signs` are
/// in order.
fn ends_with(signs: &[Tick], score: &Score, part: Part, note: &Note) -> bool {
    let has_sign = |note: &Note| signs.binary_search(&note.start).is_ok();
    if part == score.melody {
        return has_sign(note);
    }
    let melody = score.part(score.melody);
    let ended = melody.partition_point(|held| held.end <= note.start);
    melody[ended..].iter().take_while(|held| held.end <= note.end).any(has_sign)
}
