//! What a file of music holds before the melody is chosen: its lines, whatever format they came in.

use std::collections::{BTreeMap, HashSet};

use chorale::{Key, Spelling};

use crate::phrasing::Phrasing;
use crate::score::{Creator, Direction, Lyric, Note, Tick};

/// The format of a file, and what users call the places in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Tracks and channels.
    Midi,
    /// Parts and their lines: a line is a voice of a staff.
    MusicXml,
    /// Voices and their lines, which begin together in a measure.
    Abc,
}

impl Kind {
    pub fn track(self) -> &'static str {
        match self {
            Kind::Midi => "track",
            Kind::MusicXml => "part",
            Kind::Abc => "voice",
        }
    }

    /// Whether lengths are what is written, and not how somebody played.
    pub fn is_notated(self) -> bool {
        self != Kind::Midi
    }

    pub fn line(self) -> &'static str {
        match self {
            Kind::Midi => "channel",
            Kind::MusicXml | Kind::Abc => "line",
        }
    }

    /// The options that choose a track and a line of it.
    pub fn options(self) -> &'static str {
        match self {
            Kind::Midi => "--track, --channel",
            Kind::MusicXml | Kind::Abc => "--part, --channel",
        }
    }
}

/// What a file holds, as far as melodies go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub kind: Kind,
    pub title: Option<String>,
    pub creators: Vec<Creator>,
    /// Words that stand under the tune and not under its notes: line by line, an empty one between two verses.
    pub below: Vec<String>,
    pub ticks_per_quarter: u16,
    /// In order of tick, from all tracks together, each once.
    pub directions: Vec<(Tick, Direction)>,
    /// Of a church mode that the file names, the major or minor key with its tonic and its third: D minor for D dorian.
    pub mode: Option<Key>,
    /// Whether the file names the mode of its signature major, which others leave to the reader.
    pub names_major: bool,
    /// All of them, in the order of the file; number 1 comes first.
    pub tracks: Vec<Track>,
    /// What had to be interpreted, in sentences for the user.
    pub remarks: Vec<String>,
}

/// A MIDI track, or a part of a score.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    pub name: Option<String>,
    /// The notes channel by channel (0..=15; in a score, line by line), each in order of start, then pitch. A pitch
    /// never overlaps itself.
    pub channels: BTreeMap<u8, Vec<Note>>,
    /// The first General MIDI program of each channel, from 0. Empty for a score.
    pub programs: BTreeMap<u8, u8>,
    /// Whether a line plays percussion, whose notes are no pitches, where the file tells it; of MIDI that doesn't, the tenth
    /// channel does.
    pub rhythm: BTreeMap<u8, bool>,
    /// Where a line of a score stands. Empty for MIDI.
    pub places: BTreeMap<u8, Place>,
    /// Of all lines together; where two have a syllable at once, that of the first.
    pub lyrics: Vec<Lyric>,
    /// Of a score, the words that stand under each line, in order; empty for MIDI.
    pub words: BTreeMap<u8, Vec<Lyric>>,
    /// Where notes with a fermata begin.
    pub fermatas: Vec<Tick>,
    pub phrasing: Phrasing,
    /// Of a score, the slurs of each line, in order; empty for MIDI.
    pub slurs: BTreeMap<u8, Vec<(Tick, Tick)>>,
    /// Chord symbols as they stand in the file, such as `Am7/E`, or `N.C.`; in order.
    pub symbols: Vec<(Tick, String)>,
    /// How the file wrote its notes, by start and MIDI pitch; empty for MIDI, which has no spelling.
    pub spellings: BTreeMap<(Tick, u8), Spelling>,
    /// What had to be interpreted in it, in sentences for the user; of interest where the melody is in it.
    pub remarks: Vec<String>,
    /// How many notes of a score have no pitch, and are left out.
    pub unpitched: usize,
}

/// The staff of a part, from 1 at the top, and what the file calls the voice there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub staff: u32,
    pub voice: String,
}

/// General MIDI plays drums on channel 10, whose keys are no pitches.
pub(crate) const DRUM_CHANNEL: u8 = 9;

impl Source {
    /// Whether the notes of a channel or line are no pitches.
    pub(crate) fn is_drums(&self, track: usize, channel: u8) -> bool {
        let track = &self.tracks[track];
        match self.kind {
            Kind::Midi => track.is_drums(channel),
            Kind::MusicXml | Kind::Abc => track.rhythm.get(&channel).copied().unwrap_or(false),
        }
    }
}

impl Track {
    /// The same of a track of MIDI.
    pub(crate) fn is_drums(&self, channel: u8) -> bool {
        self.rhythm.get(&channel).copied().unwrap_or(channel == DRUM_CHANNEL)
    }
}

/// What becomes of [`Source::below`], in a sentence for the user.
pub(crate) fn told_below(below: &[String]) -> Option<String> {
    let lines = below.iter().filter(|line| !line.is_empty()).count();
    let lines = if lines == 1 { "1 line".into() } else { format!("{lines} lines") };
    (!below.is_empty()).then(|| {
        format!(
            "{lines} of words under the tune stand below the page (.html) and in .json; a score keeps them in its properties, \
             unprinted, and MIDI has none"
        )
    })
}

/// Lines without spaces around them; no empty one at either end, and no two in a row.
pub(crate) fn trimmed_lines(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut trimmed: Vec<String> = Vec::new();
    for line in lines {
        let line: String = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let line = line.trim();
        if !line.is_empty() || trimmed.last().is_some_and(|last| !last.is_empty()) {
            trimmed.push(line.to_owned());
        }
    }
    trimmed.truncate(trimmed.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
    trimmed
}

/// In order of tick, each once; at one tick in the order of the file, so that the last of two that contradict each
/// other still wins.
pub(crate) fn in_order_each_once(mut directions: Vec<(Tick, Direction)>) -> Vec<(Tick, Direction)> {
    directions.sort_by_key(|(tick, _)| *tick);
    let mut known = HashSet::new();
    directions.retain(|direction| known.insert(direction.clone()));
    directions
}

/// A key struck again before its note has ended: the first ends there, and the second lasts as long as the longer of
/// the two. Of two struck at once one is left.
pub(crate) fn cut_where_struck_again(notes: &mut Vec<Note>) {
    let mut last_of_pitch: [Option<usize>; 128] = [None; 128];
    let mut is_double = vec![false; notes.len()];
    for index in 0..notes.len() {
        let note = notes[index];
        let last = &mut last_of_pitch[usize::from(note.pitch.midi())];
        if let Some(before) = *last
            && notes[before].end > note.start
        {
            notes[index].end = note.end.max(notes[before].end);
            if notes[before].start == note.start {
                is_double[before] = true;
            } else {
                notes[before].end = note.start;
            }
        }
        *last = Some(index);
    }
    let mut is_double = is_double.into_iter();
    notes.retain(|_| !is_double.next().unwrap_or(false));
}
