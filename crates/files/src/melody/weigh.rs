//! Which line is the melody, weighed as a person would: by what is written over it and under it, and by how it goes.

use std::collections::{BTreeMap, BTreeSet};

use super::find::words_alone;
use super::lines::Line;
use super::names::{DRUMS, is_upper_voice, may_lend_words};
use super::profile::Profile;
use super::rivals::{Named, Said, names_say};
use crate::score::{Lyric, Note, Tick};
use crate::source::Source;

/// What may speak for a line, or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue {
    /// Words stand under its notes.
    Words,
    /// It is called a tune or a singer, in whatever language.
    Name,
    /// It sounds for a good part of the piece.
    Coverage,
    /// It lies above the others.
    Height,
    /// It lies where people sing.
    Compass,
    /// It has one note at a time.
    SingleNotes,
    /// It moves by steps, neither too slowly nor too fast.
    Motion,
    /// Its notes are of different lengths.
    Rhythm,
    /// It is played on what plays tunes.
    Instrument,
}

impl Clue {
    pub const ALL: [Clue; 9] = [
        Clue::Words,
        Clue::Name,
        Clue::Coverage,
        Clue::Height,
        Clue::Compass,
        Clue::SingleNotes,
        Clue::Motion,
        Clue::Rhythm,
        Clue::Instrument,
    ];

    /// How many points it gives at most. What somebody wrote weighs more than any guess from the notes; a line that hardly
    /// ever sounds cannot make up for it by its height and its instrument.
    pub const fn weight(self) -> f64 {
        match self {
            Clue::Words => 7.0,
            Clue::Name => 6.0,
            Clue::Coverage => 4.0,
            Clue::Height | Clue::Motion => 3.0,
            Clue::Compass | Clue::SingleNotes | Clue::Rhythm => 2.0,
            Clue::Instrument => 1.5,
        }
    }

    /// For tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Clue::Words => "words",
            Clue::Name => "name",
            Clue::Coverage => "coverage",
            Clue::Height => "height",
            Clue::Compass => "compass",
            Clue::SingleNotes => "single",
            Clue::Motion => "motion",
            Clue::Rhythm => "rhythm",
            Clue::Instrument => "instrument",
        }
    }

    /// Why a line is taken: for ...
    const fn reason(self) -> &'static str {
        match self {
            Clue::Words => "its words",
            Clue::Name => "its name",
            Clue::Coverage => "how much of the piece it has",
            Clue::Height => "its height",
            Clue::Compass => "its compass",
            Clue::SingleNotes => "its single notes",
            Clue::Motion => "its motion",
            Clue::Rhythm => "its rhythm",
            Clue::Instrument => "its instrument",
        }
    }
}

/// What speaks for one line, by [`Clue::ALL`], in points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence(pub [f64; 9]);

impl Evidence {
    pub fn points(&self) -> f64 {
        self.0.iter().sum()
    }

    /// The one or two clues that put it most before another, in the order of [`Clue::ALL`].
    pub(super) fn reasons_over(&self, other: &Evidence) -> Vec<&'static str> {
        let lead = |clue: &usize| self.0[*clue] - other.0[*clue];
        let mut clues: Vec<usize> = (0..self.0.len()).collect();
        clues.sort_by(|a, b| lead(b).total_cmp(&lead(a)));
        let largest = lead(&clues[0]);
        let mut clues: Vec<usize> =
            clues.into_iter().take(2).filter(|clue| lead(clue) > 0.0 && 2.0 * lead(clue) >= largest).collect();
        clues.sort_unstable();
        clues.into_iter().map(|clue| Clue::ALL[clue].reason()).collect()
    }
}

/// A line with what is known of it.
pub(super) struct Candidate<'a> {
    pub line: Line<'a>,
    pub profile: Profile,
    pub evidence: Evidence,
    /// How many syllables stand under its notes.
    pub words: usize,
    /// Of the piece, the part in which it sounds, from 0 to 1.
    pub coverage: f64,
    /// Whether it stands in a later voice of a staff beside a tune that sounds longer: small notes to choose from, a cue.
    pub is_beside: bool,
    /// What its name says for it, whatever the others are called.
    pub name: f64,
    /// The track of a lower voice under which its words stand.
    pub words_of: Option<usize>,
}

impl Candidate<'_> {
    /// Never the melody, unless somebody asks for it.
    pub fn is_percussion(&self, file: &Source) -> bool {
        // A piece may be called after a drum and have its title for a name.
        self.line.is_drums(file) || self.name <= DRUMS && self.profile.motion < LIKE_A_TUNE
    }
}

/// What goes by steps more than this is no drum.
pub(super) const LIKE_A_TUNE: f64 = 0.6;

/// The programs of General MIDI that sing. What plays single notes by one of them is called a voice by it.
const VOICES: std::ops::RangeInclusive<u8> = 52..=54;
pub(super) const SINGS_ALONE: f64 = 0.9;
const A_VOICE: f64 = 0.6;

/// What calls its line less than this says nothing of a tune.
const RIGHT_HAND: f64 = 0.3;

/// What sings while another line is called the tune itself says no more than this by its name.
pub(super) const BESIDE_THE_TUNE: f64 = 0.45;

/// Of a line that is a signal, beside one with so many times its notes, neither name nor height speak.
const SIGNAL: usize = 3;

/// A line has its full weight when it sounds for so much of the piece: singers rest while others play.
pub(super) const FULL_COVERAGE: f64 = 0.5;

/// What fewer do says little: they are a signal, or a refrain of bells.
const FEWEST_NOTES: f64 = 8.0;

/// Of the notes of a line that is sung, so many at least have syllables, even in long melismas: a few words over a part for
/// strings are no text.
const WORDED: f64 = 0.08;

/// What sounds less than this is not what others are measured against.
const LEAST_COVERAGE: f64 = 0.25;

/// What lies above this pitch, C6, lies no higher for being a melody.
const TOP: f64 = 84.0;

/// Two octaves below the highest line nothing speaks for being the tune.
const DEPTH: f64 = 24.0;

/// A3 to C6: the middle of what is sung lies here. An octave beyond there is no tune.
const COMPASS: (f64, f64) = (57.0, 84.0);

/// Semitones that a tune spans, and those that only keyboards do.
const SPANS: (f64, f64) = (19.0, 43.0);

/// Nobody has named more lines than this; a damaged file may.
const MOST_NAMES: usize = 2_000;

/// All lines with what speaks for each of them.
pub(super) fn weigh<'a>(file: &Source, lines: Vec<Line<'a>>) -> Vec<Candidate<'a>> {
    let profiles: Vec<Profile> = lines.iter().map(|line| Profile::of(line, file)).collect();
    let begins = lines.iter().filter_map(|line| line.notes.first()).map(|note| note.start).min().unwrap_or(0);
    let ends = lines.iter().flat_map(|line| line.notes).map(|note| note.end).max().unwrap_or(0);
    let length = f64::from(ends.saturating_sub(begins).max(1));
    let coverage = |profile: &Profile| (profile.sounding as f64 / length).min(1.0);
    let is_pitched = |line: &Line| !line.is_drums(file);
    // Above a tune, broken chords are no reason to look for another.
    let is_tune = |(line, profile): (&Line, &Profile)| {
        is_pitched(line) && profile.is_tune() && coverage(profile) >= FULL_COVERAGE
    };
    let has_tune = lines.iter().zip(&profiles).any(is_tune);
    let is_figure = |profile: &Profile| has_tune && profile.is_figure;
    let counts = |(line, profile): &(&Line, &Profile)| {
        is_pitched(line) && coverage(profile) >= LEAST_COVERAGE && !is_figure(profile)
    };
    let heights = lines.iter().zip(&profiles).filter(counts).map(|(_, profile)| profile.height.min(TOP));
    let top = heights.fold(0.0, f64::max);
    let wordless = wordless(file, &lines);
    let words = words(file, &lines, &profiles, &wordless);
    // Words that are printed once for a choir, under the alto, are the soprano's too.
    let lender = |index: usize| {
        let has_words = |other: &usize| words[*other].syllables > 0;
        let name = |other: usize| file.tracks[lines[other].track].name.as_deref().filter(|_| other < MOST_NAMES);
        let is_fit = !has_words(&index) && name(index).is_some_and(is_upper_voice) && is_pitched(&lines[index]);
        let mut sung = (0..lines.len()).filter(|_| is_fit).filter(has_words);
        let lender = sung.next().filter(|other| sung.next().is_none() && name(*other).is_some_and(may_lend_words))?;
        let sounds = profiles[index].sounding as f64 >= BESIDE * profiles[lender].sounding as f64;
        (sounds && profiles[index].height > profiles[lender].height).then_some(lender)
    };
    let lenders: Vec<Option<usize>> = (0..lines.len()).map(lender).collect();
    let words_of: Vec<Option<usize>> = lenders.iter().map(|lender| Some(lines[(*lender)?].track)).collect();
    // A line that has none of its own counts as many as its lender.
    let heard: Vec<Words> =
        lenders.iter().zip(&words).map(|(lender, own)| lender.map_or(*own, |it| words[it])).collect();
    let most_words = words.iter().map(|words| words.syllables).max().unwrap_or(0).max(1) as f64;
    let beside: Vec<bool> =
        (0..lines.len()).map(|index| is_beside(file, index, &lines, &profiles, &wordless)).collect();
    let below: Vec<bool> = (0..lines.len()).map(|index| is_below(file, index, &lines, &profiles, &wordless)).collect();
    let name_of = |index: usize, line: &Line| file.tracks[line.track].name.as_deref().filter(|_| index < MOST_NAMES);
    let named = lines.iter().zip(&profiles).enumerate().map(|(index, (line, profile))| Named {
        name: name_of(index, line),
        profile,
        coverage: coverage(profile),
        is_pitched: is_pitched(line),
        is_figure: is_figure(profile),
        has_words: heard[index].syllables > 0,
    });
    let said = names_say(&named.collect::<Vec<_>>(), Tick::from(file.ticks_per_quarter));
    let pitched = lines.iter().zip(&profiles).filter(|(line, _)| is_pitched(line));
    let whole = pitched.filter(|(_, profile)| coverage(profile) >= FULL_COVERAGE && profile.single >= SINGS_ALONE);
    let most_notes = whole.map(|(_, profile)| profile.tune.len()).max().unwrap_or(0);
    let weighed = lines.into_iter().zip(profiles).zip(words).enumerate().map(|(index, ((line, profile), words))| {
        let coverage = coverage(&profile);
        let Said { alone, value: name, is_held } = said[index];
        let notes = profile.tune.len();
        let is_signal = (notes as f64) < FEWEST_NOTES
            && coverage < LEAST_COVERAGE
            && SIGNAL * notes < most_notes
            && heard[index].syllables == 0
            && name < BESIDE_THE_TUNE;
        let is_figure = is_figure(&profile);
        let trust = (profile.tune.len() as f64 / FEWEST_NOTES).min(1.0);
        let value = |clue: Clue| match clue {
            Clue::Words => {
                let Words { syllables, fit } = heard[index];
                let density = syllables as f64 / (WORDED * profile.tune.len() as f64);
                fit * density.min(1.0).powi(2) * syllables as f64 / most_words
            }
            // A right hand that breaks chords is one, and not the tune.
            Clue::Name if is_signal || is_figure && name < RIGHT_HAND => name.min(0.0),
            Clue::Name if name == 0.0 && !is_held && profile.single >= SINGS_ALONE => file.tracks[line.track]
                .programs
                .get(&line.channel)
                .filter(|it| VOICES.contains(*it))
                .map_or(0.0, |_| A_VOICE),
            Clue::Name => name,
            Clue::Coverage => (coverage / FULL_COVERAGE).min(1.0) * trust,
            Clue::Height if below[index] || is_figure || is_signal => 0.0,
            Clue::Height => (1.0 - (top - profile.height.min(TOP)) / DEPTH).clamp(0.0, 1.0),
            Clue::Compass => compass(&profile),
            Clue::SingleNotes => profile.single,
            Clue::Motion if is_figure => 0.0,
            Clue::Motion => profile.motion * trust,
            Clue::Rhythm => profile.rhythm * trust,
            Clue::Instrument => file.tracks[line.track].programs.get(&line.channel).map_or(0.0, |it| instrument(*it)),
        };
        let evidence = Evidence(Clue::ALL.map(|clue| clue.weight() * value(clue)));
        let (words, is_beside, words_of) = (words.syllables, beside[index], words_of[index]);
        Candidate { words, evidence, coverage, is_beside, name: alone, line, profile, words_of }
    });
    weighed.collect()
}

/// What sounds for less than this part of the time of an earlier voice on its staff does not take its place.
pub(super) const BESIDE: f64 = 0.8;

/// The same where it has words and the earlier voice has none.
const BESIDE_WITH_WORDS: f64 = 0.5;

/// Fewer syllables than this part of those that another line of its part has are no words of its own: a voice sings an `Oh`
/// here and there.
const FEW_WORDS: f64 = 0.125;

/// Under which lines no words stand, but under another one of their part.
fn wordless(file: &Source, lines: &[Line]) -> Vec<bool> {
    let words = |line: &Line| file.tracks[line.track].words.get(&line.channel).map_or(0, |words| ticks(words).len());
    let counts: Vec<usize> = lines.iter().map(words).collect();
    let mut most: BTreeMap<usize, usize> = BTreeMap::new();
    for (line, count) in lines.iter().zip(&counts) {
        let most = most.entry(line.track).or_default();
        *most = (*most).max(*count);
    }
    lines.iter().zip(&counts).map(|(line, count)| (*count as f64) < FEW_WORDS * most[&line.track] as f64).collect()
}

/// Whether another voice of its staff lies higher and sounds about as long: of soprano and alto on one staff the upper is the
/// tune, however little lies between them, unless it leaves the words to the lower.
fn is_below(file: &Source, index: usize, lines: &[Line], profiles: &[Profile], wordless: &[bool]) -> bool {
    let own = &profiles[index];
    let is_above =
        |other: &Profile| other.height > own.height + 1.0 && other.sounding as f64 >= BESIDE * own.sounding as f64;
    let others = (0..lines.len()).filter(|&other| other != index && (wordless[index] || !wordless[other]));
    others.filter(|&other| share_staff(file, &lines[index], &lines[other])).any(|other| is_above(&profiles[other]))
}

fn share_staff(file: &Source, one: &Line, other: &Line) -> bool {
    let staff = |line: &Line| Some(file.tracks[line.track].places.get(&line.channel)?.staff);
    one.track == other.track && staff(one).is_some() && staff(one) == staff(other)
}

/// Lines come in the order of the file.
fn is_beside(file: &Source, index: usize, lines: &[Line], profiles: &[Profile], wordless: &[bool]) -> bool {
    let before = (0..index).rev().take_while(|other| lines[*other].track == lines[index].track);
    let mut on_staff = before.filter(|other| share_staff(file, &lines[index], &lines[*other]));
    let least = |other: usize| if wordless[other] && !wordless[index] { BESIDE_WITH_WORDS } else { BESIDE };
    let own = profiles[index].sounding as f64;
    on_staff.any(|other| own < least(other) * profiles[other].sounding as f64)
}

pub(super) fn compass(profile: &Profile) -> f64 {
    let (low, high) = COMPASS;
    let beyond = (low - profile.height).max(profile.height - high).max(0.0);
    let (narrow, wide) = SPANS;
    let width = (f64::from(profile.span) - narrow).max(0.0) / (wide - narrow);
    (1.0 - beyond / 12.0).max(0.0) * (1.0 - width).max(0.0)
}

/// What a General MIDI program, from 0, says for a line that plays it.
fn instrument(program: u8) -> f64 {
    match program {
        // Bells and mallets; organs; guitars.
        8..=15 => -0.5,
        16..=20 => 0.0,
        21..=23 => 0.3,
        24..=31 => -0.2,
        // Basses and drums.
        32..=39 | 47 | 112..=113 | 115..=127 => -1.0,
        // Violin, viola and cello alone; together, plucked, or a harp.
        40..=42 => 0.3,
        43..=51 | 55 => -0.5,
        52..=54 => 0.3,
        56..=60 => 0.4,
        61..=63 => -0.3,
        // Saxophones, oboe, clarinet; flutes.
        64..=69 | 71..=79 => 0.6,
        80..=87 => 0.5,
        88..=103 => -0.7,
        _ => 0.0,
    }
}

/// The syllables of one line.
#[derive(Clone, Copy, Default)]
struct Words {
    syllables: usize,
    /// How well they stand under its notes, from 0 to 1.
    fit: f64,
}

/// A karaoke program's syllables may come a little early or late.
const LATE: Tick = 4;

/// The words of each line: those of its track where the track has no other line, else those that its notes fit under;
/// none where another line of its part has them.
fn words(file: &Source, lines: &[Line], profiles: &[Profile], wordless: &[bool]) -> Vec<Words> {
    let are_with_notes = file.tracks.iter().any(|track| !track.channels.is_empty() && !track.lyrics.is_empty());
    let slip = Tick::from(file.ticks_per_quarter) / LATE;
    let shared = if are_with_notes { BTreeSet::new() } else { ticks(words_alone(file)) };
    let mut own: BTreeMap<usize, BTreeSet<Tick>> = BTreeMap::new();
    let of_line = |((line, profile), wordless): ((&Line, &Profile), &bool)| {
        let track = &file.tracks[line.track];
        if *wordless {
            return Words::default();
        }
        match (track.lyrics.is_empty(), track.channels.len()) {
            (true, _) => fit(&shared, &profile.tune, slip),
            (false, 1) => Words { syllables: ticks(&track.lyrics).len(), fit: 1.0 },
            (false, _) => fit(own.entry(line.track).or_insert_with(|| ticks(&track.lyrics)), &profile.tune, slip),
        }
    };
    lines.iter().zip(profiles).zip(wordless).map(of_line).collect()
}

/// When something is sung. Figures under a bass and numerals under chords are written as words, and are none.
fn ticks(lyrics: &[Lyric]) -> BTreeSet<Tick> {
    let figures = lyrics.iter().filter(|lyric| lyric.text.iter().all(|byte| FIGURES.contains(byte))).count();
    match 10 * figures > 7 * lyrics.len() {
        true => BTreeSet::new(),
        false => lyrics.iter().map(|lyric| lyric.tick).collect(),
    }
}

/// What figured basses and Roman numerals are made of.
const FIGURES: &[u8] = b"0123456789#bn+-/()ivIVxXo%_.,~ ";

/// Syllables that begin with notes, of all syllables, and notes that begin with syllables, of all that are struck while
/// the words go on: what has many more notes than words is not what is sung.
fn fit(sung: &BTreeSet<Tick>, tune: &[Note], slip: Tick) -> Words {
    let (Some(first), Some(last)) = (sung.first(), sung.last()) else { return Words::default() };
    let mut begun: BTreeSet<Tick> = BTreeSet::new();
    let (mut struck, mut hit) = (0_usize, 0_usize);
    for note in tune {
        let before = sung.range(..note.start).next_back();
        let near = [before, sung.range(note.start..).next()].into_iter().flatten();
        let near: Vec<Tick> = near.copied().filter(|tick| tick.abs_diff(note.start) <= slip).collect();
        struck += usize::from(note.start + slip >= *first && note.start <= last.saturating_add(slip));
        hit += usize::from(!near.is_empty());
        begun.extend(near);
    }
    let recall = begun.len() as f64 / sung.len() as f64;
    let precision = hit as f64 / struck.max(1) as f64;
    Words { syllables: begun.len(), fit: recall * (0.3 + 0.7 * precision) }
}
