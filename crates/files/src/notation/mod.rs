//! A score as it is engraved: measures, note values, ties, tuplets and spelled pitches.

mod accidentals;
mod beams;
mod engrave;
mod melisma;
mod ruler;
mod spell;
mod values;

use chorale::{Key, Part, Spelling};
use thiserror::Error;

pub use self::accidentals::accidentals;
use self::beams::beam;
use self::engrave::{engrave, placed};
use self::ruler::Ruler;
pub use self::spell::{all_spellings, spellings};
use crate::grid::Grid;
use crate::phrasing::Expression;
use crate::score::{Direction, Metre, Note, Score, Tick};
use crate::written::WrittenExpression;

/// Units of a quarter: thirty-seconds (3) and triplets of sixteenths (4) are whole.
pub const DIVISIONS: u32 = 24;

/// More than anyone engraves in one piece; a damaged file can ask for millions.
const MAX_MEASURES: usize = 5_000;

/// The score has more measures than anyone engraves.
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
    pub(crate) expressions: Vec<(u32, WrittenExpression)>,
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
    pub notehead: Option<Notehead>,
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

/// What is printed for a pitch that sounds: the head of a note, or of a piece of a tied one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notehead {
    pub spelling: Spelling,
    /// The note begins in an item before this one.
    pub tied_from: bool,
    pub tied_to: bool,
    pub fermata: bool,
    /// Whether a breath is taken after it.
    pub breath: bool,
    /// The tick of what is sung from here on; `None` where the note before goes on with it.
    pub sung: Option<Tick>,
    /// The numbers of the slurs that begin and end here.
    pub slurs_from: Vec<u8>,
    pub slurs_to: Vec<u8>,
}

/// Lays a score out in measures. Times are brought to thirty-seconds or triplets, whichever is nearer in each quarter;
/// gaps shorter than an eighth are articulation and close.
///
/// # Errors
/// Where there are more measures than anyone engraves.
pub fn measures(score: &Score, grid: &Grid) -> Result<Vec<Measure>, TooLong> {
    let ruler = Ruler::new(score, grid)?;
    let keys = score.keys();
    let mut measures = empty_measures(&ruler, grid, &keys);
    let mut tempo = None;
    for (tick, direction) in &score.directions {
        let (index, position) = ruler.place(ruler.nearest(*tick, grid, score.ticks_per_quarter));
        let Some(measure) = measures.get_mut(index) else { continue };
        match direction {
            // Where a repeat is written out, the tempo at its beginning is no new one.
            Direction::Tempo(new) if tempo != Some(*new) => {
                measure.tempos.push((position, *new));
                tempo = Some(*new);
            }
            Direction::Marker(text) => measure.markers.push((position, text.clone())),
            _ => {}
        }
    }
    for (tick, expression) in &score.phrasing.expressions {
        let place = |tick| ruler.place(ruler.nearest(tick, grid, score.ticks_per_quarter));
        for (tick, sign) in written(*tick, expression) {
            let (index, position) = place(tick);
            measures.get_mut(index).into_iter().for_each(|measure| measure.expressions.push((position, sign.clone())));
        }
    }
    for part in Part::ALL {
        engrave(part, score, &ruler, &mut measures);
    }
    for measure in &mut measures {
        let beat = if measure.metre.is_compound() { 3 * DIVISIONS / 2 } else { DIVISIONS };
        measure.parts.iter_mut().for_each(|items| beam(items, beat));
    }
    Ok(measures)
}

/// From where to where the notes of each part are written in [`measures`], in quarters from the beginning of the file. What is
/// too short to be written ends where it begins.
///
/// # Errors
/// As there.
pub fn written_times(score: &Score, grid: &Grid) -> Result<[Vec<(f64, f64)>; 4], TooLong> {
    let ruler = Ruler::new(score, grid)?;
    let quarters = |at: u32| {
        let (index, position) = ruler.place(at);
        let bar_line = grid.tick(ruler.bars[index].0.first_step);
        f64::from(bar_line) / f64::from(score.ticks_per_quarter) + f64::from(position) / f64::from(DIVISIONS)
    };
    Ok(Part::ALL.map(|part| {
        let start = |note: &Note| quarters(ruler.places[&note.start]);
        let mut times: Vec<_> = score.part(part).iter().map(|note| (start(note), start(note))).collect();
        for note in placed(part, score, &ruler) {
            times[note.index] = (quarters(note.start), quarters(note.end));
        }
        times
    }))
}

/// The signs of an expression, each at its tick.
fn written(tick: Tick, expression: &Expression) -> Vec<(Tick, WrittenExpression)> {
    match expression {
        Expression::Dynamic(name) => vec![(tick, WrittenExpression::Dynamic(name.clone()))],
        Expression::Words(words) => vec![(tick, WrittenExpression::Words(words.clone()))],
        Expression::Hairpin { louder, end } => {
            vec![(tick, WrittenExpression::HairpinStart { louder: *louder }), (*end, WrittenExpression::HairpinStop)]
        }
    }
}

fn empty_measures(ruler: &Ruler, grid: &Grid, keys: &[(Tick, Key)]) -> Vec<Measure> {
    let mut measures: Vec<Measure> = Vec::with_capacity(ruler.bars.len());
    for (index, (bar, start)) in ruler.bars.iter().enumerate() {
        let metre = grid.metre(bar.first_step);
        let key = key_at(keys, grid.tick(bar.first_step));
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
            expressions: Vec::new(),
            parts: Default::default(),
        });
    }
    measures
}

/// `keys` are in order of tick, the first at 0.
fn key_at(keys: &[(Tick, Key)], tick: Tick) -> Key {
    keys[keys.partition_point(|(at, _)| *at <= tick).max(1) - 1].1
}

#[cfg(test)]
mod tests;
