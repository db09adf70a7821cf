//! A score as it stands on paper, measure by measure, whatever the format it comes in; and the lines that it makes when it
//! is played, with its repeats written out.

mod lengths;
mod repeats;
mod symbols;
mod timeline;
mod track;
mod verses;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chorale::{Key, Pitch, Spelling};
use thiserror::Error;

pub(crate) use self::repeats::{CODA, Jump, MAX_MEASURES, Navigation, RepeatSigns, SEGNO, navigation};
use self::repeats::{play_order, settled};
pub(crate) use self::symbols::transposed as transposed_symbol;
use self::timeline::Timeline;
use self::track::Player;
use crate::score::{Direction, Metre, Tick};
use crate::source::{Track, in_order_each_once};

/// A piece goes on for longer than anybody plays.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Endless {
    #[error("the piece has more than {MAX_MEASURES} measures; cut it")]
    Measures,
    #[error("with its repeats the piece has more than {MAX_MEASURES} measures; take out the repeat signs")]
    Repeats,
    #[error("with its repeats the piece has more than {MAX_ITEMS} notes, words and signs; take out the repeat signs")]
    Items,
    #[error("measure {measure} ends later than any file can tell; correct the lengths in it, and in those before")]
    Ticks { measure: usize },
}

/// Notes, words and signs; a symphony has fewer.
const MAX_ITEMS: usize = 16_000_000;

/// What is written for all to play.
pub(crate) struct WrittenScore {
    pub ticks_per_quarter: u64,
    pub parts: Vec<WrittenPart>,
    /// Of each measure of the longest part.
    pub signs: Vec<RepeatSigns>,
    /// The measures that are played, section after section; each follows its own signs.
    pub sections: Vec<Range<usize>>,
}

/// The major or minor key with the tonic and the third of a church mode of this signature; `None` for another word.
pub(crate) fn key_of_mode(sharps: i8, mode: &str) -> Option<Key> {
    let mode = mode.to_lowercase();
    let (sharps, minor) = match mode.get(..3)? {
        "dor" => (sharps - 1, true),
        "phr" => (sharps + 1, true),
        "lyd" => (sharps - 1, false),
        "mix" => (sharps + 1, false),
        _ => return None,
    };
    Some(Key { sharps, minor }).filter(|key| (-7..=7).contains(&key.sharps))
}

/// The church mode in which a signature goes with a major or minor key, as [`key_of_mode`] reads it.
pub(crate) fn mode_name(sharps: i8, Key { sharps: of_key, minor }: Key) -> Option<&'static str> {
    match (of_key - sharps, minor) {
        (-1, true) => Some("dorian"),
        (1, true) => Some("phrygian"),
        (-1, false) => Some("lydian"),
        (1, false) => Some("mixolydian"),
        _ => None,
    }
}

/// A part, measure by measure.
#[derive(Default)]
pub(crate) struct WrittenPart {
    pub name: Option<String>,
    pub measures: Vec<WrittenMeasure>,
    /// Whether it sounds in another key than it is written in.
    pub is_transposing: bool,
    /// See [`Source::mode`](crate::Source::mode), as it sounds.
    pub mode: Option<Key>,
    /// See [`Source::names_major`](crate::Source::names_major).
    pub names_major: bool,
    /// What had to be interpreted in it, in sentences for the user.
    pub remarks: Vec<String>,
    /// How many of its notes have no pitch, and are left out.
    pub unpitched: usize,
    /// The staves whose notes are no pitches, whatever they look like.
    pub percussion: BTreeSet<u32>,
}

impl WrittenPart {
    fn notes(&self) -> impl Iterator<Item = &WrittenNote> {
        self.measures.iter().flat_map(|measure| &measure.notes)
    }

    pub fn has_words(&self) -> bool {
        self.notes().any(|note| !note.lyrics.is_empty())
    }

    /// On which there are notes.
    pub fn staves(&self) -> BTreeSet<u32> {
        self.notes().map(|note| note.line.0).collect()
    }
}

/// What a part has in one measure, its times counted in ticks from the bar line.
#[derive(Default)]
pub(crate) struct WrittenMeasure {
    pub length: Tick,
    /// Whether the file says that it is no bar to be counted: a pickup, or the rest of a measure that is divided.
    pub is_partial: bool,
    pub notes: Vec<WrittenNote>,
    /// Printed rests: the staff and voice, the beginning and the end.
    pub rests: Vec<((u32, String), Tick, Tick)>,
    /// Tempo and marks.
    pub directions: Vec<(Tick, Direction)>,
    /// As they sound.
    pub keys: Vec<(Tick, Direction)>,
    /// `Some(None)` from where on there is none.
    pub metre: Option<Option<Metre>>,
    pub expressions: Vec<(Tick, WrittenExpression)>,
    /// Chord symbols, as they sound.
    pub symbols: Vec<(Tick, String)>,
}

impl WrittenMeasure {
    /// Whether all its times are whole in ticks of so many.
    pub fn has_multiples_of(&self, ticks: Tick) -> bool {
        let of_notes = self.notes.iter().flat_map(|note| [note.start, note.length]);
        let of_directions = self.directions.iter().chain(&self.keys).map(|(at, _)| *at);
        let of_expressions = self.expressions.iter().map(|(at, _)| *at);
        let of_symbols = self.symbols.iter().map(|(at, _)| *at);
        let mut all = of_notes.chain(of_directions).chain(of_expressions).chain(of_symbols).chain([self.length]);
        all.all(|time| time.is_multiple_of(ticks))
    }

    /// In ticks of so many.
    pub fn divide(&mut self, ticks: Tick) {
        for note in &mut self.notes {
            (note.start, note.length) = (note.start / ticks, note.length / ticks);
        }
        self.rests.iter_mut().for_each(|(_, start, end)| (*start, *end) = (*start / ticks, *end / ticks));
        self.directions.iter_mut().chain(&mut self.keys).for_each(|(at, _)| *at /= ticks);
        self.expressions.iter_mut().for_each(|(at, _)| *at /= ticks);
        self.symbols.iter_mut().for_each(|(at, _)| *at /= ticks);
        self.length /= ticks;
    }
}

/// See [`crate::Expression`]; of hairpins both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WrittenExpression {
    Dynamic(String),
    Words(String),
    HairpinStart { louder: bool },
    HairpinStop,
}

/// A note, or a piece of a tied one.
#[derive(Clone)]
pub(crate) struct WrittenNote {
    /// Staff and voice.
    pub line: (u32, String),
    pub start: Tick,
    pub length: Tick,
    pub pitch: Pitch,
    /// `None` where the file doesn't tell how the sounding pitch is written.
    pub spelling: Option<Spelling>,
    pub tied_from: bool,
    pub tied_to: bool,
    pub fermata: bool,
    /// Whether a breath is taken after it.
    pub breath: bool,
    /// The numbers of the slurs that begin and end here.
    pub slurs_from: Vec<u8>,
    pub slurs_to: Vec<u8>,
    pub lyrics: Vec<WrittenLyric>,
}

/// A syllable, in the form of [`crate::Lyric`].
#[derive(Clone)]
pub(crate) struct WrittenLyric {
    pub verse: u8,
    pub text: String,
    /// Whether a line is drawn after it.
    pub extends: bool,
}

/// A score as it is played.
pub(crate) struct Played {
    pub directions: Vec<(Tick, Direction)>,
    pub tracks: Vec<Track>,
    pub remarks: Vec<String>,
}

impl WrittenScore {
    /// With its repeats written out.
    pub fn play(self) -> Result<Played, Endless> {
        if self.signs.len() > MAX_MEASURES {
            return Err(Endless::Measures);
        }
        let signs = settled(self.signs);
        let mut remarks = Vec::new();
        let mut order = Vec::new();
        for section in self.sections {
            let start = section.start;
            let played = play_order(signs.get(section).unwrap_or_default(), &mut remarks)?;
            order.extend(played.into_iter().map(|measure| start + measure));
            if order.len() > MAX_MEASURES {
                return Err(Endless::Repeats);
            }
        }
        remarks.dedup();
        if is_endless(&self.parts, &order) {
            return Err(Endless::Items);
        }
        let timeline = Timeline::new(&self.parts, self.ticks_per_quarter, &order)?;
        let (written, again) = (timeline.written(), played_again(&order));
        if again > 0 {
            let are = if again == 1 { "is" } else { "are" };
            remarks.push(format!("repeats are written out: {again} of {written} measures {are} played again"));
        }
        let directions = directions(&self.parts, &timeline);
        remarks.extend(lengths::remark(&self.parts, &signs, &timeline, &directions, self.ticks_per_quarter));
        let player = Player { timeline: &timeline, signs: &signs, ticks_per_quarter: self.ticks_per_quarter };
        let tracks = self.parts.into_iter().map(|part| player.track(part)).collect();
        Ok(Played { directions, tracks, remarks })
    }
}

/// How many measures are played more than once. Upbeats count as measures here, which in the score lie within a bar.
fn played_again(order: &[usize]) -> usize {
    let mut times: BTreeMap<usize, usize> = BTreeMap::new();
    order.iter().for_each(|measure| *times.entry(*measure).or_default() += 1);
    times.values().filter(|times| **times > 1).count()
}

/// Whether what is played fills more memory than any music: a crowded measure may be repeated thousands of times.
fn is_endless(parts: &[WrittenPart], order: &[usize]) -> bool {
    let played = order.iter().flat_map(|&measure| parts.iter().filter_map(move |part| part.measures.get(measure)));
    let items = played.map(|measure| {
        let words: usize = measure.notes.iter().map(|note| note.lyrics.len()).sum();
        measure.notes.len()
            + measure.rests.len()
            + words
            + measure.directions.len()
            + measure.keys.len()
            + measure.expressions.len()
            + measure.symbols.len()
    });
    items.sum::<usize>() > MAX_ITEMS
}

/// Metres, tempos and marks of all parts, and keys, when they apply.
fn directions(parts: &[WrittenPart], timeline: &Timeline) -> Vec<(Tick, Direction)> {
    // All parts sound in the same key; that of a part which is written as it sounds needs no arithmetic.
    let key_part = parts.iter().find(|part| !part.is_transposing).or(parts.first());
    let mut directions = timeline.metres();
    for &(measure, start) in &timeline.played {
        let here = parts.iter().filter_map(|part| part.measures.get(measure)).flat_map(|content| &content.directions);
        let keys = key_part.and_then(|part| part.measures.get(measure)).into_iter().flat_map(|content| &content.keys);
        directions.extend(here.chain(keys).map(|(at, direction)| (start + at, direction.clone())));
    }
    in_order_each_once(directions)
}
