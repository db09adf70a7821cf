//! A piece in four parts as it is written to files and shown: notes on ticks, with tempo, metre and key.

use std::collections::{BTreeMap, BTreeSet};

use chorale::{Key, Part, Pitch, Spelling};

use crate::ensemble::Ensemble;
use crate::melody::line_ends;
use crate::named_key::NamedKey;
use crate::phrasing::Phrasing;
use crate::program::Program;
use crate::written::mode_name;

/// Ticks from the beginning of the piece, of which [`Score::ticks_per_quarter`] make a quarter; at most 2²⁸ - 1.
pub type Tick = u32;

/// The longest distance between two events that a MIDI file can hold.
pub(crate) const MAX_TICK: Tick = (1 << 28) - 1;

/// One sounding note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub start: Tick,
    /// The first tick at which it no longer sounds; always after `start`.
    pub end: Tick,
    pub pitch: Pitch,
    /// MIDI velocity, 1..=127.
    pub velocity: u8,
}

/// What applies to all parts at once, from one tick on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Microseconds a quarter.
    Tempo(u32),
    Metre(Metre),
    /// Sharps (below zero: flats), and whether the key is minor.
    Key {
        sharps: i8,
        minor: bool,
    },
    /// A rehearsal mark or section name, in the bytes of the file it came from.
    Marker(Vec<u8>),
    Copyright(Vec<u8>),
}

/// A time signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Metre {
    /// 1..=255.
    pub numerator: u8,
    /// The denominator as a power of two, 0..=6: 2 stands for quarters.
    pub denominator_log2: u8,
    /// MIDI clocks (24 a quarter) between two clicks of a metronome.
    pub clocks_per_click: u8,
    /// 8, unless the file reinterprets the quarter.
    pub thirtyseconds_per_quarter: u8,
    /// Not where the file has none, and its bar lines alone tell it.
    pub is_printed: bool,
}

impl Metre {
    pub const FOUR_FOUR: Metre = Metre {
        numerator: 4,
        denominator_log2: 2,
        clocks_per_click: 24,
        thirtyseconds_per_quarter: 8,
        is_printed: true,
    };

    pub fn denominator(self) -> u8 {
        1 << self.denominator_log2
    }

    /// Whether three eighths or sixteenths make a beat, as it is written: 3/8, 6/8, 9/16.
    pub fn is_compound(self) -> bool {
        self.denominator() >= 8 && self.numerator.is_multiple_of(3)
    }

    /// Whether its beats are heard in threes: 6/8, 9/8, 12/8, also 6/4, and 3/8 with one beat a bar. Where bar lines alone
    /// tell it, quarters are counted.
    pub fn has_dotted_beats(self) -> bool {
        self.numerator.is_multiple_of(3)
            && match self.denominator() {
                4 => self.numerator > 3 && self.is_printed,
                8 => true,
                denominator => self.numerator > 3 && denominator > 8,
            }
    }
}

impl std::fmt::Display for Metre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator())
    }
}

/// A syllable under a note of the melody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lyric {
    pub tick: Tick,
    /// From 1.
    pub verse: u8,
    /// In the bytes of the file it came from. A syllable that its word goes on from ends in a hyphen.
    pub text: Vec<u8>,
}

/// Who made the piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creator {
    /// `composer`, `lyricist`, `arranger`, ...
    pub role: String,
    pub name: String,
}

/// The first key signature.
pub fn signature(directions: &[(Tick, Direction)]) -> Option<Key> {
    directions.iter().find_map(|(_, direction)| match direction {
        Direction::Key { sharps, minor } => Some(Key { sharps: *sharps, minor: *minor }),
        _ => None,
    })
}

/// Where a syllable is sung that stands at `tick`: with a note that begins there, within a note, or else with the next one.
/// A syllable of a file that somebody played may come a little early or late.
pub fn sung_at(notes: &[Note], tick: Tick, ticks_per_quarter: u16) -> Option<Tick> {
    let slip = Tick::from(ticks_per_quarter / 8);
    let index = notes.partition_point(|note| note.start < tick);
    let next = notes.get(index).map(|note| note.start);
    let held = index.checked_sub(1).map(|before| notes[before]).filter(|held| held.end > tick);
    match held {
        Some(held) if next != Some(tick) && tick - held.start <= slip => Some(held.start),
        Some(_) if next.is_none_or(|next| next - tick > slip) => Some(tick),
        _ => next,
    }
}

/// Moves the keys by a number of semitones, each to the simplest signature there.
pub fn transpose_keys(directions: &mut [(Tick, Direction)], semitones: i32) {
    for (_, direction) in directions {
        if let Direction::Key { sharps, minor } = direction {
            *sharps = Key { sharps: *sharps, minor: *minor }.transposed(semitones).sharps;
        }
    }
}

/// Four parts, and the directions that hold for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub title: Option<String>,
    pub creators: Vec<Creator>,
    /// Words that stand under the piece, as [`Source::below`](crate::Source::below) has them.
    pub below: Vec<String>,
    pub ticks_per_quarter: u16,
    /// The key in which it begins and ends where that is known, and the signature may tell another: D minor for D dorian.
    pub home: Option<Key>,
    /// Whether the file or the user names the church mode that this and the first signature make.
    pub names_mode: bool,
    /// In order of tick.
    pub directions: Vec<(Tick, Direction)>,
    /// Soprano, alto, tenor, bass; each in order of start.
    pub parts: [Vec<Note>; 4],
    /// Who sings the parts.
    pub ensemble: Ensemble,
    /// What plays the parts where a program sings for them.
    pub program: Program,
    /// Which part is the given melody, to which the lyrics and fermatas belong.
    pub melody: Part,
    pub lyrics: Vec<Lyric>,
    /// Whether all parts sing the lyrics, or the melody alone.
    pub all_sing: bool,
    /// Whether the melody comes from a score, so that its lengths are what is written and not how it was played.
    pub is_notated: bool,
    /// Where melody notes with a fermata begin, in order.
    pub fermatas: Vec<Tick>,
    /// Of the melody.
    pub phrasing: Phrasing,
    /// How the source wrote the notes of each part, by their start; empty where it has no spelling.
    pub spellings: [BTreeMap<Tick, Spelling>; 4],
}

impl Score {
    /// The same for other singers; the part that none of them sings is left out.
    pub fn sung_by(mut self, ensemble: Ensemble) -> Score {
        if let Some(silent) = ensemble.silent() {
            self.parts[silent.index()].clear();
        }
        Score { ensemble, ..self }
    }

    /// The tick at which the last note ends; 0 for an empty score.
    pub fn end(&self) -> Tick {
        self.parts.iter().flatten().map(|note| note.end).max().unwrap_or(0)
    }

    /// Where syllables stand within notes of the melody, as on the second of two tied ones.
    pub(crate) fn syllables_in_notes(&self) -> BTreeSet<Tick> {
        let melody = self.part(self.melody);
        let sung = self.lyrics.iter().filter_map(|lyric| sung_at(melody, lyric.tick, self.ticks_per_quarter));
        sung.filter(|tick| melody.binary_search_by_key(tick, |note| note.start).is_err()).collect()
    }

    /// Where the notes of the melody begin on which a line of its text ends.
    pub fn line_ends(&self) -> Vec<Tick> {
        line_ends(&self.lyrics, self.part(self.melody))
    }

    pub fn part(&self, part: Part) -> &[Note] {
        &self.parts[part.index()]
    }

    /// The first key signature, else the key that the piece or its notes are in.
    pub fn key(&self) -> Key {
        signature(&self.directions).or(self.home).unwrap_or_else(|| self.found_key())
    }

    /// The key in which it begins and ends.
    pub fn home(&self) -> Key {
        self.home.unwrap_or_else(|| self.key())
    }

    /// The same, or the church mode that the file or the user names.
    pub fn named_home(&self) -> NamedKey {
        let home = self.home();
        NamedKey { signature: if self.names_mode { self.key() } else { home }, home }
    }

    /// Keeps the key in which it begins and ends, and makes the signatures that it shares minor or major with it.
    pub fn set_home(&mut self, home: Key) {
        self.set_mode(home);
        self.home = Some(home);
    }

    /// Finds the key in which it begins and ends where the signature may not tell it: many programs write all signatures as
    /// major ones, and those of church modes are those of other keys. That the notes are in one of these and the bass ends
    /// on its tonic tells it.
    pub fn settle_home(&mut self) {
        let Some(first) = signature(&self.directions) else { return };
        let found = self.found_key().written_near(first);
        let ends_on_it = self.part(Part::Bass).last().is_some_and(|last| last.pitch.class() == found.tonic());
        if found.minor && found.sharps == first.sharps || ends_on_it && mode_name(first.sharps, found).is_some() {
            self.set_home(found);
        }
    }

    /// Gives its mode to the signatures that it shares, if the first one is among them.
    fn set_mode(&mut self, found: Key) {
        if signature(&self.directions).is_none_or(|first| first.sharps != found.sharps) {
            return;
        }
        for (_, direction) in &mut self.directions {
            if let Direction::Key { sharps, minor } = direction
                && *sharps == found.sharps
            {
                *minor = found.minor;
            }
        }
    }

    /// The key that fits the notes best, whatever the signature says.
    pub fn found_key(&self) -> Key {
        let notes = self.parts.iter().flatten().map(|note| (note.pitch, note.end - note.start));
        Key::of_notes(notes, self.part(Part::Bass).last().map(|note| note.pitch))
    }

    /// Keys in order of tick, the first at 0.
    pub fn keys(&self) -> Vec<(Tick, Key)> {
        let mut keys = vec![(0, self.key())];
        for (tick, direction) in &self.directions {
            let Direction::Key { sharps, minor } = direction else { continue };
            let key = Key { sharps: *sharps, minor: *minor };
            if keys.last().is_some_and(|(_, last)| *last != key) {
                keys.push((*tick, key));
            }
        }
        keys
    }

    /// From ticks to seconds, by the tempo of each stretch.
    pub fn clock(&self) -> TempoMap {
        let stretches = vec![(0, 0.0, f64::from(DEFAULT_TEMPO))];
        let mut clock = TempoMap { ticks_per_quarter: self.ticks_per_quarter, stretches };
        for (tick, direction) in &self.directions {
            if let Direction::Tempo(tempo) = direction {
                let seconds = clock.seconds(*tick);
                clock.stretches.push((*tick, seconds, f64::from(*tempo)));
            }
        }
        clock
    }
}

/// Microseconds of a quarter at 120 to the minute, which holds where nothing names a tempo.
pub const DEFAULT_TEMPO: u32 = 500_000;

/// See [`Score::clock`].
#[derive(Clone, Debug)]
pub struct TempoMap {
    ticks_per_quarter: u16,
    /// First tick, its time in seconds, and microseconds a quarter from there on.
    stretches: Vec<(Tick, f64, f64)>,
}

impl TempoMap {
    pub fn seconds(&self, tick: Tick) -> f64 {
        let index = self.stretches.partition_point(|(start, ..)| *start <= tick).max(1) - 1;
        let (start, seconds, tempo) = self.stretches[index];
        seconds + f64::from(tick - start) * tempo * 1e-6 / f64::from(self.ticks_per_quarter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syllable_is_sung_with_the_note_at_it_or_within_a_long_one() {
        let note = |start, end| Note { start, end, pitch: Pitch::new(72).unwrap(), velocity: 80 };
        let notes = [note(0, 480), note(480, 1440), note(1920, 2400)];
        let sung = |tick| sung_at(&notes, tick, 480);
        assert_eq!([sung(480), sung(500), sung(1900)], [Some(480), Some(480), Some(1920)], "or nearly at it");
        assert_eq!([sung(960), sung(1400)], [Some(960), Some(1400)]);
        assert_eq!([sung(440), sung(1500), sung(2400)], [Some(480), Some(1920), None]);
    }

    #[test]
    fn a_signature_becomes_minor_where_the_notes_are() {
        let note = |start, pitch| Note { start, end: start + 480, pitch: Pitch::new(pitch).unwrap(), velocity: 80 };
        let key = |sharps| (0, Direction::Key { sharps, minor: false });
        let piece = |sharps, pitches: [u8; 8]| {
            let bass = (0..).step_by(480).zip(pitches).map(|(start, pitch)| note(start, pitch)).collect();
            let parts = [vec![], vec![], vec![], bass];
            let mut score = Score { ticks_per_quarter: 480, directions: vec![key(sharps)], parts, ..Score::default() };
            score.settle_home();
            score.home().to_string()
        };
        let (e_minor, g_major) = ([52, 54, 55, 57, 59, 63, 59, 52], [55, 57, 59, 60, 62, 54, 62, 55]);
        assert_eq!(piece(1, e_minor), "E minor");
        assert_eq!(piece(1, g_major), "G major");
        assert_eq!(piece(3, e_minor), "A major", "another signature is none of the relative key");
    }

    #[test]
    fn a_piece_in_a_church_mode_begins_and_ends_on_its_tonic_and_keeps_its_signature() {
        let note = |start, pitch| Note { start, end: start + 480, pitch: Pitch::new(pitch).unwrap(), velocity: 80 };
        let piece = |pitches: [u8; 8]| {
            let bass = (0..).step_by(480).zip(pitches).map(|(start, pitch)| note(start, pitch)).collect();
            let directions = vec![(0, Direction::Key { sharps: 0, minor: false })];
            let parts = [vec![], vec![], vec![], bass];
            let mut score = Score { ticks_per_quarter: 480, directions, parts, ..Score::default() };
            score.settle_home();
            assert_eq!(score.key().sharps, 0);
            score.home().to_string()
        };
        assert_eq!(piece([50, 53, 55, 57, 59, 57, 52, 50]), "D minor");
        assert_eq!(piece([48, 52, 53, 55, 57, 55, 48, 55]), "C major", "that ends on its fifth");
    }
}
