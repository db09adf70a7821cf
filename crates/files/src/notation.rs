//! A score as it is engraved: measures, note values, ties, tuplets and spelled pitches.

use std::collections::BTreeMap;

use chorale::harmony::{Key, Spelling};
use chorale::{Part, Pitch};
use thiserror::Error;

use crate::grid::{Bar, Grid};
use crate::score::{Direction, Metre, Note, Score, Tick};

/// Units of a quarter: thirty-seconds (3) and triplets of sixteenths (4) are whole.
pub const DIVISIONS: u32 = 24;

/// As many as nobody engraves in one piece; a damaged file can ask for millions.
const MAX_MEASURES: usize = 5_000;

/// A score of so many measures is not engraved.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the piece goes on for more than {MAX_MEASURES} measures, mostly silence; cut it, or write MIDI only")]
pub struct TooLong;

/// What stands between two bar lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub first_step: u32,
    /// 0 for a pickup.
    pub number: u32,
    pub metre: Metre,
    /// Whether the metre is printed here.
    pub new_metre: bool,
    pub key: Key,
    pub new_key: bool,
    /// In [`DIVISIONS`].
    pub length: u32,
    /// Microseconds a quarter, from a place in the measure on.
    pub tempos: Vec<(u32, u32)>,
    /// Rehearsal marks, in the bytes of the file.
    pub markers: Vec<(u32, Vec<u8>)>,
    /// Without gaps from 0 to `length`, for each part.
    pub parts: [Vec<Item>; 4],
}

/// A note, a piece of a tied one, or a rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// From the bar line, in [`DIVISIONS`].
    pub position: u32,
    pub length: u32,
    /// `None` for a rest that fills the measure.
    pub value: Option<Value>,
    pub tuplet: Option<Tuplet>,
    /// The first joins the notes of a beat from eighths on, the second from sixteenths on, and so on.
    pub beams: Vec<Beam>,
    /// `None` for a rest.
    pub sound: Option<Sound>,
}

/// The written length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// As a part of a whole note: 4 is a quarter.
    pub denominator: u32,
    pub dots: u32,
    /// Three in the time of two.
    pub triplet: bool,
}

/// Where a bracket of three begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuplet {
    Start,
    Stop,
}

/// What a beam does at a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beam {
    Begin,
    Continue,
    End,
    /// The beginning of a beam that no neighbour shares, towards the next note.
    ForwardHook,
    BackwardHook,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    pub spelling: Spelling,
    /// The note begins in an item before this one.
    pub tied_from: bool,
    pub tied_to: bool,
    pub fermata: bool,
    /// The tick at which the whole note begins.
    pub start: Tick,
}

/// Lays a score out in measures. Times are brought to thirty-seconds or triplets, whichever is nearer in each quarter;
/// gaps shorter than an eighth are articulation and close.
///
/// # Errors
/// Where there are more measures than anyone engraves.
pub fn measures(score: &Score, grid: &Grid) -> Result<Vec<Measure>, TooLong> {
    let ruler = Ruler::new(score, grid)?;
    let place_of = |tick: Tick| ruler.place(ruler.nearest(tick, grid, score.ticks_per_quarter));
    let keys = score.keys();
    let mut measures: Vec<Measure> = Vec::with_capacity(ruler.bars.len());
    for (index, (bar, start)) in ruler.bars.iter().enumerate() {
        let tick = grid.tick(bar.first_step);
        let metre = grid.metre(bar.first_step);
        let key = keys[keys.partition_point(|(at, _)| *at <= tick).max(1) - 1].1;
        let before = measures.last();
        measures.push(Measure {
            first_step: bar.first_step,
            number: bar.number,
            metre,
            new_metre: before.is_none_or(|before| before.metre != metre),
            key,
            new_key: before.is_none_or(|before| before.key != key),
            length: ruler.bars.get(index + 1).map_or(ruler.end, |(_, next)| *next) - start,
            tempos: Vec::new(),
            markers: Vec::new(),
            parts: Default::default(),
        });
    }
    for (tick, direction) in &score.directions {
        let (index, position) = place_of(*tick);
        let Some(measure) = measures.get_mut(index) else { continue };
        match direction {
            Direction::Tempo(tempo) => measure.tempos.push((position, *tempo)),
            Direction::Marker(text) => measure.markers.push((position, text.clone())),
            _ => {}
        }
    }
    for part in Part::ALL {
        engrave(part, score, &ruler, &keys, &mut measures);
    }
    for measure in &mut measures {
        let beat = if is_compound(measure.metre) { 3 * DIVISIONS / 2 } else { DIVISIONS };
        measure.parts.iter_mut().for_each(|items| beam(items, beat));
    }
    Ok(measures)
}

/// From ticks to [`DIVISIONS`] from the beginning of the piece, and back to measures.
struct Ruler {
    /// With the place of each bar line.
    bars: Vec<(Bar, u32)>,
    /// The place of the last bar line.
    end: u32,
    /// The place of every tick at which a note begins or ends.
    places: BTreeMap<Tick, u32>,
}

impl Ruler {
    fn new(score: &Score, grid: &Grid) -> Result<Ruler, TooLong> {
        let mut bars = Vec::new();
        let (mut step, mut end) = (0, 0);
        loop {
            let bar = grid.bar(step);
            bars.push((bar, end));
            end += (bar.end_step - step) * DIVISIONS / 4;
            step = bar.end_step;
            if grid.tick(step) >= score.end() {
                break;
            }
            if bars.len() >= MAX_MEASURES {
                return Err(TooLong);
            }
        }
        let mut ruler = Ruler { bars, end, places: BTreeMap::new() };
        // The quarters of the piece, each with the ticks in it, their exact places, and whether the melody has them.
        let mut quarters: BTreeMap<(usize, u32), BTreeMap<Tick, (f64, bool)>> = BTreeMap::new();
        for part in Part::ALL {
            for tick in score.part(part).iter().flat_map(|note| [note.start, note.end]) {
                let index = ruler.bars.partition_point(|(bar, _)| grid.tick(bar.first_step) <= tick).max(1) - 1;
                let (bar, start) = ruler.bars[index];
                let distance = f64::from(tick - grid.tick(bar.first_step)) * f64::from(DIVISIONS);
                let place = distance / f64::from(score.ticks_per_quarter);
                let quarter = (place / f64::from(DIVISIONS)) as u32;
                let ticks = quarters.entry((index, quarter)).or_default();
                ticks.entry(tick).or_insert((f64::from(start) + place, false)).1 |= part == score.melody;
            }
        }
        for ((index, quarter), ticks) in quarters {
            let origin = ruler.bars[index].1 + quarter * DIVISIONS;
            let limit = ruler.bars.get(index + 1).map_or(ruler.end, |(_, next)| *next);
            let spacing = spacing(ticks.values().map(|(place, is_melody)| (place - f64::from(origin), *is_melody)));
            for (tick, (place, _)) in ticks {
                let place = origin + (((place - f64::from(origin)) / spacing).round() * spacing) as u32;
                ruler.places.insert(tick, place.min(limit));
            }
        }
        // The last measure gives back what a pickup took.
        let pickup = ruler.bars.first().filter(|(bar, _)| bar.number == 0).map_or(0, |(bar, _)| bar.end_step);
        let pickup = pickup * DIVISIONS / 4;
        let sounds_to = ruler.places.values().max().copied().unwrap_or(0);
        let last = ruler.bars.last().map_or(0, |(_, start)| *start);
        if sounds_to + pickup <= ruler.end && ruler.end > last + pickup {
            ruler.end -= pickup;
        }
        Ok(ruler)
    }

    /// Of a tick at which perhaps nothing begins or ends: the sixteenth nearest to it.
    fn nearest(&self, tick: Tick, grid: &Grid, ticks_per_quarter: u16) -> u32 {
        if let Some(place) = self.places.get(&tick) {
            return *place;
        }
        let index = self.bars.partition_point(|(bar, _)| grid.tick(bar.first_step) <= tick).max(1) - 1;
        let (bar, start) = self.bars[index];
        let sixteenths = f64::from(tick - grid.tick(bar.first_step)) * 4.0 / f64::from(ticks_per_quarter);
        (start + sixteenths.round() as u32 * DIVISIONS / 4).min(self.end)
    }

    /// The measure that holds a place, and the distance from its bar line.
    fn place(&self, at: u32) -> (usize, u32) {
        let index = self.bars.partition_point(|(_, start)| *start <= at) - 1;
        (index, at - self.bars[index].1)
    }
}

/// What the places in a quarter are multiples of: sixteenths, triplets, thirty-seconds or triplets of sixteenths, in
/// [`DIVISIONS`]. The finer ones must fit those that are off the sixteenths clearly better. The other parts, which move on
/// sixteenths even under the triplets of the melody, count little.
fn spacing(places: impl Iterator<Item = (f64, bool)> + Clone) -> f64 {
    const OF_OTHERS: f64 = 0.1;
    const CANDIDATES: [(f64, f64); 4] = [(6.0, 0.0), (8.0, 0.3), (3.0, 0.5), (4.0, 0.6)];
    let off = |place: f64, spacing: f64| ((place / spacing).round() * spacing - place).abs();
    let cost = |(spacing, handicap): (f64, f64)| -> f64 {
        let of_place = |(place, is_melody): (f64, bool)| {
            let cost = off(place, spacing) + if off(place, 6.0) > 0.25 { handicap } else { 0.0 };
            if is_melody { cost } else { OF_OTHERS * cost }
        };
        places.clone().map(of_place).sum()
    };
    CANDIDATES.into_iter().min_by(|a, b| cost(*a).total_cmp(&cost(*b))).map_or(6.0, |(spacing, _)| spacing)
}

/// A note of a part on the ruler.
struct Placed<'a> {
    note: &'a Note,
    start: u32,
    end: u32,
    fermata: bool,
}

fn engrave(part: Part, score: &Score, ruler: &Ruler, keys: &[(Tick, Key)], measures: &mut [Measure]) {
    let notes = placed(part, score, ruler);
    let mut now = 0;
    for (index, placed) in notes.iter().enumerate() {
        fill(ruler, measures, part, now, placed.start, None);
        let note = placed.note;
        let spelling = match score.spellings[part.index()].get(&note.start) {
            Some(spelling) => *spelling,
            None => {
                let key = keys[keys.partition_point(|(at, _)| *at <= note.start).max(1) - 1].1;
                let next = notes.get(index + 1).map(|next| next.note.pitch);
                key.spell(note.pitch, &sounding_with(score, part, note.start), next)
            }
        };
        let sound = Sound { spelling, tied_from: false, tied_to: false, fermata: placed.fermata, start: note.start };
        fill(ruler, measures, part, placed.start, placed.end, Some(sound));
        now = placed.end;
    }
    fill(ruler, measures, part, now, ruler.end, None);
}

/// One after the other, none without length.
fn placed<'a>(part: Part, score: &'a Score, ruler: &Ruler) -> Vec<Placed<'a>> {
    let eighth = Tick::from(score.ticks_per_quarter / 2);
    let sixteenth = Tick::from(score.ticks_per_quarter / 4).max(1);
    let notes = score.part(part);
    let mut line: Vec<Placed> = Vec::with_capacity(notes.len());
    for (index, note) in notes.iter().enumerate() {
        let start = ruler.places[&note.start];
        let next = notes.get(index + 1);
        let end = match next {
            // Written rests are kept, however short.
            _ if score.is_notated && part == score.melody => ruler.places[&note.end],
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
        line.push(Placed { note, start, end, fermata: has_fermata(score, part, note) });
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

/// The pitches of the other parts at a tick.
fn sounding_with(score: &Score, part: Part, tick: Tick) -> Vec<Pitch> {
    let others = Part::ALL.into_iter().filter(|other| *other != part);
    let sounding = others.filter_map(|other| {
        let notes = score.part(other);
        let last = notes[..notes.partition_point(|note| note.start <= tick)].last()?;
        (last.end > tick).then_some(last.pitch)
    });
    sounding.collect()
}

/// Writes a note or rest from `start` to `end`, cut where notation cuts.
fn fill(ruler: &Ruler, measures: &mut [Measure], part: Part, start: u32, end: u32, sound: Option<Sound>) {
    let mut now = start;
    while now < end {
        let (index, position) = ruler.place(now);
        let Some(measure) = measures.get_mut(index) else { return };
        let items = &mut measure.parts[part.index()];
        let here = (end - now).min(measure.length - position);
        if sound.is_none() && here == measure.length {
            items.push(Item { position, length: here, value: None, tuplet: None, beams: Vec::new(), sound: None });
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
        let sound = sound.clone().map(|sound| Sound {
            tied_from: now > start,
            tied_to: !is_last,
            // The sign stands where the note ends.
            fermata: sound.fermata && is_last,
            ..sound
        });
        items.push(Item { position, length, value: Some(value), tuplet: None, beams: Vec::new(), sound });
        now += length;
        if value.triplet {
            bracket(items);
        }
    }
}

const QUARTER_OF_THREE: Value = Value { denominator: 4, dots: 0, triplet: true };

/// Whether the second of three quarters in the time of a half begins here.
fn follows_in_triplet(before: &Item, position: u32, length: u32) -> bool {
    let third = 2 * DIVISIONS / 3;
    before.value == Some(QUARTER_OF_THREE)
        && before.length == third
        && length == third
        && position % (2 * DIVISIONS) == third
}

/// Joins neighbouring notes of a beat by beams.
fn beam(items: &mut [Item], beat: u32) {
    let levels = |item: &Item| match (&item.sound, item.value) {
        (Some(_), Some(value)) => value.denominator.ilog2().saturating_sub(2),
        _ => 0,
    };
    let mut first = 0;
    while first < items.len() {
        let is_joined = |item: &Item| levels(item) > 0 && item.position / beat == items[first].position / beat;
        let count = items[first..].iter().take_while(|item| is_joined(item)).count();
        for index in first..first + count {
            let reach = |neighbour: Option<usize>| {
                neighbour.filter(|at| (first..first + count).contains(at)).map_or(0, |at| levels(&items[at]))
            };
            let (before, after) = (reach(index.checked_sub(1)), reach(Some(index + 1)));
            let points_on = before == 0 || (after > 0 && items[index].position.is_multiple_of(DIVISIONS / 2));
            let beam = |level: u32| match (before >= level, after >= level) {
                (false, true) => Beam::Begin,
                (true, true) => Beam::Continue,
                (true, false) => Beam::End,
                (false, false) if points_on => Beam::ForwardHook,
                (false, false) => Beam::BackwardHook,
            };
            let beams = (1..=levels(&items[index])).map(beam).collect();
            // A note alone keeps its flag.
            items[index].beams = if count > 1 { beams } else { Vec::new() };
        }
        first += count.max(1);
    }
}

/// Beats of three eighths or sixteenths.
pub fn is_compound(metre: Metre) -> bool {
    metre.denominator() >= 8 && metre.numerator.is_multiple_of(3)
}

/// Puts brackets around the items of a triplet that has become whole.
fn bracket(items: &mut [Item]) {
    let Some(last) = items.last() else { return };
    let end = last.position + last.length;
    let open = items.iter().rposition(|item| item.tuplet == Some(Tuplet::Stop)).map_or(0, |stop| stop + 1);
    let Some(first) = (open..items.len()).find(|&index| items[index].value.is_some_and(|value| value.triplet)) else {
        return;
    };
    let start = items[first].position;
    if (end - start).is_multiple_of(DIVISIONS) && end > start && first + 1 < items.len() {
        items[first].tuplet = Some(Tuplet::Start);
        let last = items.len() - 1;
        items[last].tuplet = Some(Tuplet::Stop);
    }
}

/// The first of the values that make up `length` at `position` in a bar, with its own length.
fn first_value(position: u32, length: u32, metre: Metre) -> (u32, Value) {
    let in_quarter = position % DIVISIONS;
    let end = position + length;
    // Triplets stay within their quarter, except where they are quarters in the time of a half.
    let quarter_end = position - in_quarter + DIVISIONS;
    let is_ternary = |place: u32| !(place % DIVISIONS).is_multiple_of(3);
    if is_ternary(position) || (end < quarter_end && is_ternary(end)) {
        let room = length.min(quarter_end - position);
        let triplet = |denominator, dots| Value { denominator, dots, triplet: true };
        const VALUES: [(u32, u32, u32); 7] =
            [(16, 4, 0), (12, 8, 1), (8, 8, 0), (6, 16, 1), (4, 16, 0), (2, 32, 0), (1, 64, 0)];
        let (length, denominator, dots) = VALUES.into_iter().find(|(value, ..)| *value <= room).unwrap_or(VALUES[6]);
        return (length, triplet(denominator, dots));
    }
    // What ends inside a triplet is cut at its beginning.
    let length = if is_ternary(end) { length - end % DIVISIONS } else { length };
    let is_compound = is_compound(metre);
    let candidates: [(u32, u32, u32); 13] = [
        (144, 1, 1),
        (96, 1, 0),
        (72, 2, 1),
        (48, 2, 0),
        (36, 4, 1),
        (24, 4, 0),
        (18, 8, 1),
        (12, 8, 0),
        (9, 16, 1),
        (6, 16, 0),
        (3, 32, 0),
        (2, 64, 1),
        (1, 64, 0),
    ];
    // The middle of a bar of two or four beats is seen.
    let is_even = metre.numerator.is_multiple_of(2) && !is_compound;
    let hides_middle = |value: u32| is_even && in_quarter != 0 && position % 48 + value > 48;
    let allowed = |value: u32| match value {
        144 => position == 0,
        96 | 48 if is_compound => false,
        72 | 36 if is_compound => position.is_multiple_of(36),
        96 => position.is_multiple_of(48),
        72 | 48 => in_quarter == 0,
        36 => in_quarter == 0 || (in_quarter == 12 && !hides_middle(value)),
        24 if is_compound => matches!(position % 36, 0 | 12),
        24 => in_quarter.is_multiple_of(12) && !hides_middle(value),
        18 => matches!(in_quarter, 0 | 6) || (is_compound && position.is_multiple_of(12)),
        12 => in_quarter.is_multiple_of(6),
        9 => in_quarter.is_multiple_of(3),
        _ => true,
    };
    let fits = candidates.into_iter().find(|(value, ..)| *value <= length && allowed(*value));
    let (length, denominator, dots) = fits.unwrap_or((1, 64, 0));
    (length, Value { denominator, dots, triplet: false })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::any_score::any_score;

    fn metre(tick: Tick, numerator: u8, denominator: u8) -> (Tick, Direction) {
        let denominator_log2 = denominator.ilog2() as u8;
        (tick, Direction::Metre(Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR }))
    }

    fn score(metres: &[(Tick, Direction)], notes: &[(Tick, Tick, u8)]) -> (Score, Grid) {
        let note = |&(start, end, pitch): &(Tick, Tick, u8)| Note {
            start,
            end,
            pitch: Pitch::new(pitch).unwrap(),
            velocity: 80,
        };
        let soprano = notes.iter().map(note).collect();
        let parts = [soprano, Vec::new(), Vec::new(), Vec::new()];
        let score = Score { ticks_per_quarter: 480, directions: metres.to_vec(), parts, ..Score::default() };
        let grid = Grid::new(480, metres, 0);
        (score, grid)
    }

    /// The soprano in the notation of a hymnal: `C5/4.` a dotted quarter, `/8t` a triplet's eighth, `~` a tie to the
    /// next, `R` a measure's rest, `|` a bar line.
    fn line(metres: &[(Tick, Direction)], notes: &[(Tick, Tick, u8)]) -> String {
        let (score, grid) = score(metres, notes);
        let measures = measures(&score, &grid).unwrap();
        let item = |item: &Item| {
            let name = item.sound.as_ref().map_or("r".into(), |sound| sound.spelling.to_string());
            let Some(value) = item.value else { return "R".into() };
            let dots = ".".repeat(value.dots as usize);
            let triplet = if value.triplet { "t" } else { "" };
            let tie = if item.sound.as_ref().is_some_and(|sound| sound.tied_to) { "~" } else { "" };
            let (open, close) = match item.tuplet {
                Some(Tuplet::Start) => ("[", ""),
                Some(Tuplet::Stop) => ("", "]"),
                None => ("", ""),
            };
            format!("{open}{name}/{}{dots}{triplet}{tie}{close}", value.denominator)
        };
        let measure = |measure: &Measure| measure.parts[0].iter().map(item).collect::<Vec<_>>().join(" ");
        measures.iter().map(measure).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn notes_are_cut_at_bar_lines_and_beats_and_tied() {
        let four = [metre(0, 4, 4)];
        assert_eq!(line(&four, &[(0, 480, 72), (480, 2400, 74)]), "C5/4 D5/2.~ | D5/4 r/2.");
        assert_eq!(line(&four, &[(240, 720, 72), (720, 1920, 74)]), "r/8 C5/4 D5/8~ D5/2");
        assert_eq!(
            line(&four, &[(0, 720, 72), (720, 960, 74), (960, 1320, 76), (1320, 1440, 77)]),
            "C5/4. D5/8 E5/8. F5/16 r/4"
        );
        assert_eq!(line(&four, &[(1920, 3840, 72)]), "R | C5/1");
        let six_eight = [metre(0, 6, 8)];
        assert_eq!(line(&six_eight, &[(0, 720, 72), (720, 960, 74), (960, 1440, 76)]), "C5/4. D5/8 E5/4");
        assert_eq!(line(&six_eight, &[(0, 1440, 72)]), "C5/2.");
        let three = [metre(0, 3, 4)];
        assert_eq!(line(&three, &[(0, 1440, 72), (1440, 2400, 74)]), "C5/2. | D5/2 r/4");
    }

    #[test]
    fn a_pickup_is_a_short_measure_of_the_metre_that_follows_and_the_last_one_gives_it_back() {
        let metres = [metre(0, 1, 4), metre(480, 4, 4)];
        assert_eq!(line(&metres, &[(0, 480, 67), (480, 1920, 72)]), "G4/4 | C5/2.");
        assert_eq!(line(&metres, &[(0, 480, 67), (480, 2400, 72)]), "G4/4 | C5/1");
        let (score, grid) = score(&metres, &[(0, 480, 67), (480, 2400, 72)]);
        let measures = measures(&score, &grid).unwrap();
        let heads: Vec<_> = measures.iter().map(|m| (m.number, m.new_metre, m.metre.numerator, m.length)).collect();
        assert_eq!(heads, [(0, true, 4, 24), (1, false, 4, 96)]);
    }

    #[test]
    fn triplets_are_bracketed_and_articulation_closes() {
        let four = [metre(0, 4, 4)];
        let triplet = [(0, 160, 72), (160, 320, 74), (320, 480, 76), (480, 900, 77), (960, 1900, 79)];
        assert_eq!(line(&four, &triplet), "[C5/8t D5/8t E5/8t] F5/4 G5/2");
        let uneven = [(0, 320, 72), (320, 480, 74), (480, 960, 76)];
        assert_eq!(line(&four, &uneven), "[C5/4t D5/8t] E5/4 r/2");
        // A note that reaches into a triplet.
        let tied = [(0, 640, 72), (640, 960, 74), (960, 1920, 76)];
        assert_eq!(line(&four, &tied), "C5/4~ [C5/8t D5/4t] E5/2");
    }

    #[test]
    fn three_quarters_in_the_time_of_a_half_have_one_bracket() {
        let four = [metre(0, 4, 4)];
        assert_eq!(
            line(&four, &[(0, 320, 72), (320, 640, 74), (640, 960, 76), (960, 1920, 77)]),
            "[C5/4t D5/4t E5/4t] F5/2"
        );
    }

    #[test]
    fn the_triplets_of_the_melody_decide_how_all_parts_are_written() {
        let (mut score, grid) = score(&[metre(0, 4, 4)], &[(0, 160, 72), (160, 320, 74), (320, 480, 76)]);
        let note = |start, end| Note { start, end, pitch: Pitch::new(48).unwrap(), velocity: 80 };
        score.parts[3] = vec![note(0, 120), note(120, 240), note(240, 360), note(360, 480)];
        let measures = measures(&score, &grid).unwrap();
        let triplets = measures[0].parts[0].iter().filter(|item| item.value.is_some_and(|value| value.triplet));
        assert_eq!(triplets.count(), 3);
    }

    #[test]
    fn beams_join_the_notes_of_a_beat() {
        use Beam::{BackwardHook, Begin, Continue, End, ForwardHook};
        let beams = |metre: (Tick, Direction), notes: &[(Tick, Tick, u8)]| -> Vec<Vec<Beam>> {
            let (score, grid) = score(&[metre], notes);
            let measures = measures(&score, &grid).unwrap();
            measures
                .into_iter()
                .flat_map(|measure| measure.parts.into_iter().next().unwrap())
                .map(|item| item.beams)
                .collect()
        };
        let notes = [(0, 240, 72), (240, 360, 74), (360, 480, 76), (480, 840, 77), (840, 960, 76), (960, 1920, 72)];
        let expected =
            [vec![Begin], vec![Continue, Begin], vec![End, End], vec![Begin], vec![End, BackwardHook], vec![]];
        assert_eq!(beams(metre(0, 4, 4), &notes), expected);
        let snap = [(0, 120, 72), (120, 480, 74), (480, 720, 76), (960, 1080, 77), (1320, 1440, 76)];
        let expected = [vec![Begin, ForwardHook], vec![End], vec![], vec![], vec![], vec![], vec![]];
        assert_eq!(beams(metre(0, 4, 4), &snap)[..7], expected, "a note alone has a flag, and a rest parts two");
        let three = [(0, 240, 72), (240, 480, 74), (480, 720, 76), (720, 960, 77), (960, 1440, 76)];
        assert_eq!(beams(metre(0, 6, 8), &three)[..4], [vec![Begin], vec![Continue], vec![End], vec![]]);
    }

    #[test]
    fn a_tempo_stands_where_it_is_said_though_nothing_sounds_there() {
        let (mut score, grid) = score(&[metre(0, 4, 4)], &[(3840, 4320, 72)]);
        score.directions.extend([(0, Direction::Tempo(500_000)), (2400, Direction::Tempo(600_000))]);
        let measures = measures(&score, &grid).unwrap();
        let tempos: Vec<_> = measures.iter().map(|measure| measure.tempos.clone()).collect();
        assert_eq!(tempos, [vec![(0, 500_000)], vec![(24, 600_000)], vec![]]);
    }

    #[test]
    fn thirty_seconds_and_short_rests_of_a_notated_melody_are_kept() {
        let four = [metre(0, 4, 4)];
        let notes = [(0, 60, 72), (60, 120, 74), (120, 240, 76), (240, 360, 77), (480, 600, 79), (720, 960, 72)];
        assert_eq!(line(&four, &notes), "C5/32 D5/32 E5/16 F5/8 G5/8 C5/8 r/2", "a played one closes its gaps");
        let (score, grid) = score(&four, &notes);
        let measures = measures(&Score { is_notated: true, ..score }, &grid).unwrap();
        let lengths: Vec<u32> = measures[0].parts[0].iter().map(|item| item.length).collect();
        assert_eq!(lengths, [3, 3, 6, 6, 6, 6, 6, 12, 48]);
    }

    #[test]
    fn a_fermata_stands_on_the_end_of_every_parts_note() {
        let (mut score, grid) = score(&[metre(0, 4, 4)], &[(0, 960, 72), (960, 2880, 74)]);
        score.parts[3] = score.parts[0].clone();
        score.parts[3][1].start = 1440;
        score.parts[3][0].end = 1440;
        score.fermatas = vec![960];
        let measures = measures(&score, &grid).unwrap();
        let marked = |part: usize| -> Vec<(usize, u32)> {
            let items = measures
                .iter()
                .enumerate()
                .flat_map(|(index, measure)| measure.parts[part].iter().map(move |item| (index, item)));
            items
                .filter(|(_, item)| item.sound.as_ref().is_some_and(|sound| sound.fermata))
                .map(|(index, item)| (index, item.position))
                .collect()
        };
        assert_eq!((marked(0), marked(3)), (vec![(1, 0)], vec![(1, 0)]));
    }

    #[test]
    fn a_piece_of_endless_silence_is_refused() {
        let (score, grid) = score(&[metre(0, 4, 4)], &[(0, 480, 72), (200_000_000, 200_000_480, 72)]);
        assert_eq!(measures(&score, &grid), Err(TooLong));
    }

    proptest! {
        #[test]
        fn every_measure_is_full_and_every_value_is_as_long_as_it_sounds(score in any_score()) {
            let grid = Grid::new(score.ticks_per_quarter, &score.directions, 0);
            let Ok(measures) = measures(&score, &grid) else { return Ok(()) };
            for measure in &measures {
                for items in &measure.parts {
                    let mut now = 0;
                    let mut is_open = false;
                    for item in items {
                        prop_assert_eq!(item.position, now);
                        now += item.length;
                        if let Some(value) = item.value {
                            let plain = 4.0 * f64::from(DIVISIONS) / f64::from(value.denominator);
                            let dotted = plain * [1.0, 1.5][value.dots as usize];
                            let length = if value.triplet { dotted * 2.0 / 3.0 } else { dotted };
                            prop_assert!((length - f64::from(item.length)).abs() < 0.51, "{:?}", item);
                        }
                        match item.tuplet {
                            Some(Tuplet::Start) => { prop_assert!(!is_open); is_open = true; }
                            Some(Tuplet::Stop) => { prop_assert!(is_open); is_open = false; }
                            None => {}
                        }
                    }
                    prop_assert_eq!(now, measure.length);
                    prop_assert!(!is_open);
                }
            }
        }
    }
}
