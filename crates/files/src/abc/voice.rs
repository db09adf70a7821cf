//! A voice of a tune, note by note.

mod words;

use std::collections::BTreeMap;
use std::ops::Range;

use chorale::{Key, Pitch, Spelling};

use super::fields::{self, Signature};
use super::left_out::LeftOut;
use super::lyrics;
use super::music::{Bar, LETTERS, Length, Sign};
use super::{FINE_TICKS, ReadError};
use crate::score::{Direction, MAX_TICK, Metre, Tick};
use crate::written::{
    Endless, MAX_MEASURES, Navigation, RepeatSigns, WrittenExpression, WrittenMeasure, WrittenNote, WrittenPart,
    navigation, transposed_symbol,
};

/// A book of tunes has fewer.
const MAX_NOTES: usize = 400_000;

/// What the head of a tune says for all voices.
#[derive(Clone, Copy)]
pub(super) struct Heading {
    pub signature: Signature,
    pub metre: Option<Metre>,
    /// Ticks of the unit of length.
    pub unit: u32,
    /// Microseconds a quarter.
    pub tempo: Option<u32>,
    /// Semitones from written to sounding pitch.
    pub moved: i32,
}

/// A note or chord or rest, the last one in the measure.
#[derive(Clone)]
struct Event {
    start: Tick,
    length: Tick,
    notes: Range<usize>,
}

/// A tuplet whose notes are not all there yet.
struct OpenTuplet {
    left: u32,
    notes: u32,
    time: u32,
}

/// What waits for the next note.
#[derive(Default)]
struct Pending {
    fermata: bool,
    breath: bool,
    slurs: Vec<u8>,
}

/// A voice in the making.
pub(super) struct Voice {
    pub name: Option<String>,
    /// Ticks of the unit of length.
    pub unit: u32,
    /// Semitones from written to sounding pitch.
    pub moved: i32,
    signature: Signature,
    mode: Option<Key>,
    names_major: bool,
    metre: Option<Metre>,
    measures: Vec<WrittenMeasure>,
    signs: Vec<RepeatSigns>,
    measure: WrittenMeasure,
    sign: RepeatSigns,
    /// The passes of the ending whose bracket is open.
    ending: Vec<u32>,
    now: Tick,
    /// The longest of the voices that begin together at the bar line, and the number of the present one.
    end: Tick,
    overlay: u32,
    /// Of letter and octave, in this measure.
    accidentals: BTreeMap<(usize, i32), i8>,
    /// The alteration of each letter and octave whose tie is open.
    ties: BTreeMap<(usize, i32), i8>,
    last: Option<Event>,
    /// Letter, octave and alteration of the notes that were struck last.
    struck: Vec<((usize, i32), i8)>,
    /// What holds from the next measure on.
    next_metre: Option<Option<Metre>>,
    /// Where the open chord began, and its length, that of its first note.
    chord: Option<(usize, Option<Tick>)>,
    tuplet: Option<OpenTuplet>,
    broken: i32,
    pending: Pending,
    /// The numbers of the open slurs.
    slurs: Vec<u8>,
    /// The places of the notes since the last words, and how many of them stand before the present line.
    sung: Vec<(usize, usize)>,
    line_start: usize,
    verse: u8,
    /// Of which of `sung` the words are.
    worded: usize,
    note_count: usize,
    left_out: LeftOut,
}

impl Voice {
    pub fn new(name: &str) -> Voice {
        Voice {
            name: Some(name.to_owned()),
            unit: FINE_TICKS / 2,
            moved: 0,
            signature: Signature::C_MAJOR,
            mode: None,
            names_major: false,
            metre: None,
            measures: Vec::new(),
            signs: Vec::new(),
            measure: WrittenMeasure::default(),
            sign: RepeatSigns::default(),
            ending: Vec::new(),
            now: 0,
            end: 0,
            overlay: 0,
            accidentals: BTreeMap::new(),
            ties: BTreeMap::new(),
            last: None,
            struck: Vec::new(),
            next_metre: None,
            chord: None,
            tuplet: None,
            broken: 0,
            pending: Pending::default(),
            slurs: Vec::new(),
            sung: Vec::new(),
            line_start: 0,
            verse: 0,
            worded: 0,
            note_count: 0,
            left_out: LeftOut::default(),
        }
    }

    /// What the head says holds from the beginning, except where the voice says otherwise of itself.
    pub fn head(&mut self, heading: &Heading) {
        (self.unit, self.signature) = (heading.unit, heading.signature);
        self.moved = if self.moved == 0 { heading.moved } else { self.moved };
        self.measure = WrittenMeasure::default();
        self.set_metre(heading.metre);
        self.set_signature(heading.signature);
        heading.tempo.into_iter().for_each(|tempo| self.direction(Direction::Tempo(tempo)));
    }

    pub fn properties(&mut self, value: &str) {
        if let Some(name) = fields::property(value, &["name", "nm"]) {
            self.name = Some(lyrics::unescaped(name)).filter(|name| !name.is_empty());
        }
        self.moved = fields::semitones(value).unwrap_or(self.moved);
    }

    pub fn has_notes(&self) -> bool {
        self.note_count > 0
    }

    pub fn set_metre(&mut self, metre: Option<Metre>) {
        self.metre = metre;
        let place = if self.now == 0 { &mut self.measure.metre } else { &mut self.next_metre };
        *place = Some(metre);
    }

    pub fn set_signature(&mut self, signature: Signature) {
        self.signature = signature;
        if self.now == 0 && self.measures.is_empty() {
            self.mode = signature.mode.map(|key| key.transposed(self.moved));
            self.names_major = signature.names_major;
        }
        let key = signature.key.transposed(self.moved);
        self.measure.keys.push((self.now, Direction::Key { sharps: key.sharps, minor: key.minor }));
    }

    pub fn direction(&mut self, direction: Direction) {
        self.measure.directions.push((self.now, direction));
    }

    /// The measures that are there, the present one too if anything stands in it.
    pub fn measures_begun(&self) -> usize {
        self.measures.len() + usize::from(self.now.max(self.end) > 0)
    }

    /// A new line of music; words under the one before belong to that.
    pub fn begin_line(&mut self, goes_on: bool) {
        if self.verse > 0 {
            self.sung.clear();
            self.verse = 0;
        }
        if !goes_on {
            self.line_start = self.sung.len();
        }
    }

    pub fn sign(&mut self, sign: Sign) -> Result<(), ReadError> {
        match sign {
            Sign::Note { letter, octave, alteration, is_rounded, length } => {
                self.left_out.quarter_tones += usize::from(is_rounded);
                self.note(letter, octave, alteration, length)?;
            }
            Sign::Rest(length) => {
                self.left_out.fermatas_over_rests += usize::from(std::mem::take(&mut self.pending.fermata));
                let ticks = self.ticks(length);
                self.add_event(self.measure.notes.len(), ticks);
            }
            Sign::FullRest(count) => self.rest_for(count)?,
            Sign::ChordBegins => {
                self.struck.clear();
                self.chord = Some((self.measure.notes.len(), None));
            }
            Sign::ChordEnds(length) => self.end_chord(length),
            Sign::Bar(bar) => self.bar(bar)?,
            Sign::Ending(passes) => {
                self.end_measure()?;
                self.ending = passes;
            }
            Sign::Tie => self.tie(),
            Sign::SlurBegins => {
                let number = (1..=u8::MAX).find(|number| !self.slurs.contains(number)).unwrap_or(u8::MAX);
                self.slurs.push(number);
                self.pending.slurs.push(number);
            }
            Sign::SlurEnds => {
                let number = self.slurs.pop();
                if let Some(note) = self.last_notes().first_mut() {
                    note.slurs_to.extend(number);
                }
            }
            Sign::Broken(dots) => self.break_rhythm(dots),
            Sign::Tuplet { notes, time, count } => {
                let is_compound = self.metre.is_some_and(Metre::is_compound);
                let usual = match notes {
                    2 | 4 | 8 => 3,
                    3 | 6 => 2,
                    _ if is_compound => 3,
                    _ => 2,
                };
                self.tuplet = Some(OpenTuplet { left: count.unwrap_or(notes), notes, time: time.unwrap_or(usual) });
            }
            Sign::Decoration(name) => self.decoration(&name),
            Sign::Unknown(letter) => self.left_out.letters.push(letter),
            Sign::Text(text) => self.text(&text),
            Sign::Overlay => {
                self.end = self.end.max(self.now);
                (self.now, self.last, self.overlay) = (0, None, self.overlay.saturating_add(1));
            }
            Sign::Grace | Sign::Field(..) => {}
        }
        Ok(())
    }

    pub fn finish(mut self) -> (WrittenPart, Vec<RepeatSigns>) {
        // A measure too many is refused when the piece is played.
        let _ = self.end_measure();
        let remarks = self.left_out.remarks();
        let is_transposing = self.moved % 12 != 0;
        let (name, measures, mode, names_major) = (self.name, self.measures, self.mode, self.names_major);
        let part = WrittenPart { name, measures, is_transposing, mode, names_major, remarks, ..WrittenPart::default() };
        (part, self.signs)
    }

    fn last_notes(&mut self) -> &mut [WrittenNote] {
        let notes = self.last.as_ref().map_or(0..0, |event| event.notes.clone());
        self.measure.notes.get_mut(notes).unwrap_or_default()
    }

    /// Ticks of a note of that length, in the tuplet that is open.
    fn ticks(&self, Length { over, under }: Length) -> Tick {
        let (notes, time) = self.tuplet.as_ref().map_or((1, 1), |tuplet| (tuplet.notes, tuplet.time));
        let over = u64::from(self.unit) * u64::from(over) * u64::from(time);
        let under = u64::from(under) * u64::from(notes);
        ((over + under / 2) / under).min(u64::from(MAX_TICK)) as Tick
    }

    fn note(&mut self, letter: usize, octave: i32, told: Option<i8>, length: Length) -> Result<(), ReadError> {
        self.note_count += 1;
        if self.note_count > MAX_NOTES {
            return Err(ReadError::TooLarge { most: MAX_NOTES, what: "notes" });
        }
        let place = (letter, octave);
        let of_signature = self.signature.alterations[letter];
        let tied = self.ties.get(&place).copied();
        let in_force = self.accidentals.get(&place).copied().unwrap_or(of_signature);
        let alteration = told.or(tied).unwrap_or(in_force);
        if told.is_some() {
            self.accidentals.insert(place, alteration);
        }
        let (name, natural) = LETTERS[letter];
        let sounding = 12 * (octave + 1) + natural + i32::from(alteration) + self.moved;
        let octaves = (self.moved % 12 == 0).then_some(self.moved / 12);
        let spelling = octaves.map(|moved| Spelling { letter: name, alteration, octave: (octave + moved) as i8 });
        let length = self.ticks(length);
        let index = self.measure.notes.len();
        if self.chord.is_none() {
            self.struck.clear();
        }
        self.struck.push((place, alteration));
        let pitch = u8::try_from(sounding).ok().and_then(Pitch::new);
        // What no instrument reaches is a rest.
        self.left_out.out_of_reach += usize::from(pitch.is_none());
        self.measure.notes.extend(pitch.map(|pitch| WrittenNote {
            line: (0, self.overlay.to_string()),
            start: self.now,
            length,
            pitch,
            spelling,
            tied_from: self.ties.remove(&place).is_some(),
            tied_to: false,
            fermata: std::mem::take(&mut self.pending.fermata),
            breath: std::mem::take(&mut self.pending.breath),
            slurs_from: std::mem::take(&mut self.pending.slurs),
            slurs_to: Vec::new(),
            lyrics: Vec::new(),
        }));
        match &mut self.chord {
            Some((_, first)) => *first = first.or(Some(length)),
            None => self.add_event(index, length),
        }
        Ok(())
    }

    /// The chord lasts as long as its first note, times what stands behind it.
    fn end_chord(&mut self, Length { over, under }: Length) {
        let Some((first, Some(length))) = self.chord.take() else { return };
        let ticks = u64::from(length) * u64::from(over) / u64::from(under);
        let ticks = ticks.min(u64::from(MAX_TICK)) as Tick;
        self.measure.notes[first..].iter_mut().for_each(|note| note.length = ticks);
        self.add_event(first, ticks);
    }

    /// The notes from `first` on, or a rest, with what a broken rhythm and the tuplet make of their length.
    fn add_event(&mut self, first: usize, length: Tick) {
        let length = match std::mem::take(&mut self.broken) {
            0 => length,
            dots => broken(length, -dots),
        };
        let notes = first..self.measure.notes.len();
        self.measure.notes[notes.clone()].iter_mut().for_each(|note| note.length = length);
        if !notes.is_empty() && self.overlay == 0 {
            self.sung.push((self.measures.len(), first));
        }
        self.last = Some(Event { start: self.now, length, notes });
        self.now = self.now.saturating_add(length).min(MAX_TICK);
        self.tuplet = self
            .tuplet
            .take()
            .filter(|tuplet| tuplet.left > 1)
            .map(|tuplet| OpenTuplet { left: tuplet.left - 1, ..tuplet });
    }

    fn break_rhythm(&mut self, dots: i32) {
        let Some(event) = &mut self.last else { return };
        event.length = broken(event.length, dots);
        let (length, end) = (event.length, event.start.saturating_add(event.length));
        self.last_notes().iter_mut().for_each(|note| note.length = length);
        (self.now, self.broken) = (end.min(MAX_TICK), dots);
    }

    /// Of the last note, in a chord too; behind a chord, of all its notes.
    fn tie(&mut self) {
        if self.chord.is_some() {
            self.measure.notes.last_mut().into_iter().for_each(|note| note.tied_to = true);
            self.ties.extend(self.struck.last().copied());
        } else {
            self.last_notes().iter_mut().for_each(|note| note.tied_to = true);
            self.ties.extend(self.struck.iter().copied());
        }
    }

    fn rest_for(&mut self, count: u32) -> Result<(), ReadError> {
        self.left_out.fermatas_over_rests += usize::from(std::mem::take(&mut self.pending.fermata));
        if count as usize > MAX_MEASURES {
            return Err(ReadError::LongRest(count));
        }
        let metre = self.metre.unwrap_or(Metre::FOUR_FOUR);
        let length = u32::from(metre.numerator) * 4 * FINE_TICKS / u32::from(metre.denominator());
        for rest in 0..count {
            if rest > 0 {
                self.bar(Bar::default())?;
            }
            self.now = self.now.saturating_add(length).min(MAX_TICK);
        }
        Ok(())
    }

    fn bar(&mut self, bar: Bar) -> Result<(), ReadError> {
        // Over a bar line it is meant for the note before it.
        if self.now > 0 && std::mem::take(&mut self.pending.fermata) {
            self.last_notes().iter_mut().for_each(|note| note.fermata = true);
        }
        self.end_measure()?;
        if let Some(sign) = self.signs.last_mut() {
            sign.ends = bar.ends.or(sign.ends);
        }
        if bar.closes {
            self.ending.clear();
        }
        self.sign.begins |= bar.begins;
        self.accidentals.clear();
        Ok(())
    }

    /// What there is of the measure becomes one; nothing where there is nothing.
    fn end_measure(&mut self) -> Result<(), ReadError> {
        let length = self.now.max(self.end);
        if length == 0 {
            return Ok(());
        }
        if self.measures.len() >= MAX_MEASURES {
            return Err(Endless::Measures.into());
        }
        let measure = WrittenMeasure { length, ..std::mem::take(&mut self.measure) };
        self.measures.push(measure);
        let endings = self.ending.clone();
        self.signs.push(RepeatSigns { endings, ..std::mem::take(&mut self.sign) });
        (self.now, self.end, self.overlay, self.last, self.chord) = (0, 0, 0, None, None);
        self.measure.metre = self.next_metre.take();
        Ok(())
    }

    fn decoration(&mut self, name: &str) {
        const DYNAMICS: [&str; 13] =
            ["p", "pp", "ppp", "pppp", "mp", "mf", "f", "ff", "fff", "ffff", "sfz", "fp", "sf"];
        let expression = match name {
            "fermata" | "invertedfermata" => return self.pending.fermata = true,
            "breath" | "caesura" | "shortphrase" | "mediumphrase" | "longphrase" => return self.pending.breath = true,
            "<(" | "crescendo(" => WrittenExpression::HairpinStart { louder: true },
            ">(" | "diminuendo(" => WrittenExpression::HairpinStart { louder: false },
            "<)" | ">)" | "crescendo)" | "diminuendo)" => WrittenExpression::HairpinStop,
            _ if DYNAMICS.contains(&name) => WrittenExpression::Dynamic(name.to_owned()),
            "dacoda" => return self.sign.read(Navigation::ToCoda),
            _ => {
                match navigation(name) {
                    Some(navigation) => self.sign.read(navigation),
                    None => self.left_out.ornaments += 1,
                }
                return;
            }
        };
        self.measure.expressions.push((self.now, expression));
    }

    /// A chord symbol, or words above or below the notes.
    fn text(&mut self, text: &str) {
        let words = lyrics::unescaped(text.trim_start_matches(['^', '_', '<', '>', '@']));
        match navigation(&words) {
            Some(navigation) => self.sign.read(navigation),
            None if words.len() == text.trim().len() => {
                self.measure.symbols.push((self.now, transposed_symbol(&words, self.moved)));
            }
            None if words.is_empty() => {}
            None => self.measure.expressions.push((self.now, WrittenExpression::Words(words))),
        }
    }
}

/// A length with so many dots; below zero, the length that is left beside such a one.
fn broken(length: Tick, dots: i32) -> Tick {
    let rest = length >> dots.unsigned_abs().min(8);
    if dots > 0 { length.saturating_add(length - rest) } else { rest }
}
