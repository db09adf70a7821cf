//! The lines of a part when its measures are played in their order.

use std::collections::{BTreeMap, BTreeSet};

use super::timeline::Timeline;
use super::verses::{Sung, Verses};
use super::{RepeatSigns, WrittenExpression, WrittenLyric, WrittenMeasure, WrittenNote, WrittenPart};
use crate::notation::DIVISIONS;
use crate::phrasing::Expression;
use crate::score::{Lyric, MAX_TICK, Note, Tick};
use crate::source::{Place, Track, cut_where_struck_again};
use crate::wandering::join_voices;

/// The velocity of written notes, which nobody played.
const VELOCITY: u8 = 80;

/// What is the same for all parts.
pub(super) struct Player<'a> {
    pub timeline: &'a Timeline,
    pub signs: &'a [RepeatSigns],
    pub ticks_per_quarter: u64,
}

impl Player<'_> {
    pub fn track(&self, part: WrittenPart) -> Track {
        let WrittenPart { name, measures, mut remarks, unpitched, percussion, .. } = part;
        let lines: BTreeSet<&(u32, String)> =
            measures.iter().flat_map(|measure| &measure.notes).map(|note| &note.line).collect();
        // Staves from the top; more voices than MIDI has channels are no piano's.
        let lines: BTreeMap<&(u32, String), u8> = lines.into_iter().zip(0..=u8::MAX).collect();
        let order: Vec<usize> = self.timeline.played.iter().map(|(measure, _)| *measure).collect();
        let mut verses = Verses::of_passes(&measures, self.signs, &order);
        remarks.extend(verses.as_ref().map(Verses::remark));
        let irregular = (1..).zip(&measures).filter(|(_, measure)| is_irregular(measure, self.ticks_per_quarter));
        let irregular: Vec<usize> = irregular.map(|(number, _)| number).collect();
        if let [first, others @ ..] = &irregular[..] {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            remarks.push(format!(
                "measure {first}{more} divides a beat irregularly: a score gets the nearest thirty-second or triplet, MIDI \
                 the exact time"
            ));
        }
        if unpitched > 0 {
            remarks.push(format!("notes without pitch are left out ({unpitched})"));
        }
        let track = Track { name, remarks, unpitched, ..Track::default() };
        let mut line_track = Playing { track, ..Playing::default() };
        let mut before = None;
        let mut ever_sung: BTreeSet<(usize, u8)> = BTreeSet::new();
        for &(measure, bar_line) in &self.timeline.played {
            if before.is_some_and(|before| before + 1 != measure) {
                line_track.ties.values_mut().for_each(|tie| tie.is_near = false);
            }
            before = Some(measure);
            let Some(content) = measures.get(measure) else { continue };
            let mut sung = verses.as_mut().map(|verses| verses.begin(measure));
            if let Some(sung) = sung.as_mut().filter(|sung| sung.lacks_single_notes(content)) {
                sung.common = None;
            }
            ever_sung.extend(sung.iter().flat_map(|sung| &sung.lines).map(|(verse, _)| (measure, *verse)));
            for note in &content.notes {
                let Some(&line) = lines.get(&note.line) else { continue };
                line_track.note(line, note, bar_line, sung.as_ref());
            }
            for (at, expression) in &content.expressions {
                line_track.expression(bar_line + at, expression);
            }
            let symbols = content.symbols.iter().map(|(at, symbol)| (bar_line + at, symbol.clone()));
            line_track.track.symbols.extend(symbols);
        }
        let mut track = line_track.finish();
        let unsung = match verses {
            Some(_) => unsung(&measures, &order, &ever_sung),
            None => 0,
        };
        track
            .remarks
            .extend((unsung > 0).then(|| format!("words of passes that are not played are left out ({unsung})")));
        let places = lines.iter().map(|((staff, voice), line)| (*line, Place { staff: *staff, voice: voice.clone() }));
        track.places = places.collect();
        let on_percussion = lines.iter().filter(|((staff, _), _)| percussion.contains(staff));
        track.rhythm = on_percussion.map(|(_, line)| (*line, true)).collect();
        join_voices(&mut track, &self.rests(&measures, &lines));
        track
    }

    /// By line, in order.
    fn rests(
        &self,
        measures: &[WrittenMeasure],
        lines: &BTreeMap<&(u32, String), u8>,
    ) -> BTreeMap<u8, Vec<(Tick, Tick)>> {
        let mut rests: BTreeMap<u8, Vec<(Tick, Tick)>> = BTreeMap::new();
        for &(measure, bar_line) in &self.timeline.played {
            for (place, start, end) in measures.get(measure).into_iter().flat_map(|content| &content.rests) {
                if let Some(line) = lines.get(place) {
                    let rest = (bar_line.saturating_add(*start), bar_line.saturating_add(*end));
                    rests.entry(*line).or_default().push(rest);
                }
            }
        }
        rests
    }
}

/// How many syllables of measures that are played are never sung.
fn unsung(measures: &[WrittenMeasure], order: &[usize], ever_sung: &BTreeSet<(usize, u8)>) -> usize {
    let played: BTreeSet<usize> = order.iter().copied().collect();
    let syllables = played.into_iter().filter_map(|measure| Some((measure, measures.get(measure)?)));
    let of = |(measure, content): (usize, &WrittenMeasure)| {
        let verses = content.notes.iter().flat_map(|note| &note.lyrics).map(|lyric| lyric.verse);
        verses.filter(|verse| !ever_sung.contains(&(measure, *verse))).count()
    };
    syllables.map(of).sum()
}

/// A track in the making.
#[derive(Default)]
struct Playing {
    track: Track,
    /// By line and MIDI pitch.
    ties: BTreeMap<(u8, u8), OpenTie>,
    /// Where slurs begin, by line and number.
    slurs: BTreeMap<(u8, u8), Tick>,
    /// Where the hairpin begins, and whether it gets louder.
    hairpin: Option<(Tick, bool)>,
    /// Where a verse has its syllable.
    sung: BTreeSet<(Tick, u8)>,
    /// By line and verse, whether its last syllable goes on.
    goes_on: BTreeMap<(u8, u8), bool>,
}

/// A tie that waits for the next note.
struct OpenTie {
    /// The place of its note in the line.
    note: usize,
    /// Whether what is played now follows it on paper, so that a note of that pitch may be meant without saying so.
    is_near: bool,
}

impl Playing {
    /// `sung` tells the verses that are sung this time, where not all are.
    fn note(&mut self, line: u8, note: &WrittenNote, bar_line: Tick, sung: Option<&Sung>) {
        let begins = self.add(line, note, bar_line);
        let track = &mut self.track;
        if note.fermata {
            track.fermatas.push(begins);
        }
        if note.breath {
            track.phrasing.breaths.push(begins);
        }
        if let Some(spelling) = note.spelling {
            track.spellings.insert((begins, note.pitch.midi()), spelling);
        }
        for number in &note.slurs_to {
            if let Some(first) = self.slurs.remove(&(line, *number)).filter(|first| *first < begins) {
                track.phrasing.slurs.push((first, begins));
                track.slurs.entry(line).or_default().push((first, begins));
            }
        }
        self.slurs.extend(note.slurs_from.iter().map(|number| ((line, *number), begins)));
        let tick = bar_line + note.start;
        for (number, lyric) in self.syllables(line, note, sung) {
            self.goes_on.insert((line, number), lyric.extends || lyric.text.ends_with('-'));
            let track = &mut self.track;
            let syllable = Lyric { tick, verse: number, text: lyric.text.clone().into_bytes() };
            track.words.entry(line).or_default().push(syllable.clone());
            // Parts on one staff sing the same words; they are kept once.
            if self.sung.insert((tick, number)) {
                track.lyrics.push(syllable);
                track.phrasing.extenders.extend(lyric.extends.then_some(tick));
            }
        }
    }

    /// What is sung on a note, with the verse in which it is. Where a line for a pass changes only some syllables, the others are
    /// printed once; but a syllable that goes on, and notes under a slur, have no other.
    fn syllables<'n>(&self, line: u8, note: &'n WrittenNote, sung: Option<&Sung>) -> Vec<(u8, &'n WrittenLyric)> {
        let Some(sung) = sung else { return note.lyrics.iter().map(|lyric| (lyric.verse, lyric)).collect() };
        let of_pass = note.lyrics.iter().filter_map(|lyric| Some((*sung.lines.get(&lyric.verse)?, lyric)));
        let mut syllables: Vec<(u8, &WrittenLyric)> = of_pass.collect();
        let common = note.lyrics.iter().find(|lyric| sung.common == Some(lyric.verse));
        let is_slurred = !note.slurs_to.is_empty()
            || self.slurs.keys().any(|(of, number)| *of == line && !note.slurs_from.contains(number));
        if let Some(common) = common.filter(|_| !is_slurred) {
            let goes_on = |number: u8| self.goes_on.get(&(line, number)).copied().unwrap_or(false);
            let missing: Vec<u8> =
                sung.lines.values().copied().filter(|number| syllables.iter().all(|(had, _)| had != number)).collect();
            syllables.extend(missing.into_iter().filter(|number| !goes_on(*number)).map(|number| (number, common)));
        }
        syllables
    }

    /// Adds a note to its line, or makes the one longer that is tied to it; returns where the whole note begins. Some
    /// programs write the beginning of a tie alone.
    fn add(&mut self, line: u8, note: &WrittenNote, bar_line: Tick) -> Tick {
        let start = bar_line + note.start;
        // A chord's other notes may be longer than their measure.
        let end = start.saturating_add(note.length).min(MAX_TICK);
        let pitch = note.pitch.midi();
        let held =
            self.held(line, pitch, start).filter(|(_, tie)| note.tied_from || tie.is_near && note.lyrics.is_empty());
        // A tie may lead into another voice: the note stays where it began.
        let others = || self.track.channels.keys().copied().filter(|other| *other != line);
        let crossed = || others().filter(|_| note.tied_from).find_map(|other| self.held(other, pitch, start));
        let held = held.or_else(crossed).map(|(line, tie)| (line, tie.note));
        self.ties.remove(&(held.map_or(line, |(line, _)| line), pitch));
        let (line, index) = held.unwrap_or((line, usize::MAX));
        let notes = self.track.channels.entry(line).or_default();
        let index = index.min(notes.len());
        match notes.get_mut(index) {
            Some(held) => held.end = end,
            None => notes.push(Note { start, end, pitch: note.pitch, velocity: VELOCITY }),
        }
        if note.tied_to {
            self.ties.insert((line, pitch), OpenTie { note: index, is_near: true });
        }
        notes[index].start
    }

    /// The tie that waits for a note in a line, where it waits for one that begins now.
    fn held(&self, line: u8, pitch: u8, now: Tick) -> Option<(u8, &OpenTie)> {
        let tie = self.ties.get(&(line, pitch))?;
        (self.track.channels.get(&line)?[tie.note].end == now).then_some((line, tie))
    }

    fn expression(&mut self, tick: Tick, expression: &WrittenExpression) {
        let hairpin = match expression {
            WrittenExpression::Dynamic(name) => Some((tick, Expression::Dynamic(name.clone()))),
            WrittenExpression::Words(words) => Some((tick, Expression::Words(words.clone()))),
            WrittenExpression::HairpinStart { louder } => {
                self.hairpin = Some((tick, *louder));
                None
            }
            WrittenExpression::HairpinStop => {
                let open = self.hairpin.take().filter(|(start, _)| *start < tick);
                open.map(|(start, louder)| (start, Expression::Hairpin { louder, end: tick }))
            }
        };
        self.track.phrasing.expressions.extend(hairpin);
    }

    /// Every list in the order that a [`Track`] promises; without notes that have no length, and lines without notes.
    fn finish(self) -> Track {
        let mut track = self.track;
        for notes in track.channels.values_mut() {
            notes.retain(|note| note.end > note.start);
            notes.sort_by_key(|note| (note.start, note.pitch));
            cut_where_struck_again(notes);
        }
        track.channels.retain(|_, notes| !notes.is_empty());
        track.lyrics.sort_by_key(|lyric| (lyric.tick, lyric.verse));
        track.words.values_mut().for_each(|words| words.sort_by_key(|lyric| (lyric.tick, lyric.verse)));
        track.slurs.values_mut().for_each(|slurs| slurs.sort_unstable());
        track.symbols.sort_by_key(|(tick, _)| *tick);
        track.fermatas.sort_unstable();
        track.fermatas.dedup();
        track.phrasing = track.phrasing.in_order();
        track
    }
}

/// Whether notes begin where notation has no place for them: in a quarter that is divided neither into thirty-seconds nor
/// into triplets of sixteenths.
fn is_irregular(measure: &WrittenMeasure, ticks_per_quarter: u64) -> bool {
    let ticks = ticks_per_quarter as f64;
    let mut quarters: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for note in &measure.notes {
        let start = u64::from(note.start);
        let place = (start % ticks_per_quarter) as f64 / ticks * f64::from(DIVISIONS);
        quarters.entry(start / ticks_per_quarter).or_default().push(place);
    }
    let fits = |places: &[f64], spacing: f64| {
        places
            .iter()
            .all(|place| ((place / spacing).round() * spacing - place).abs() * ticks < 1.01 * f64::from(DIVISIONS))
    };
    quarters.values().any(|places| !fits(places, 3.0) && !fits(places, 4.0))
}
