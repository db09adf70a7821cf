//! One part of a score, measure by measure as written, and the track that it makes when it is played.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::Node;

use super::elements::{PartNodes, child, children, text_of};
use super::note::{WrittenNote, line_of, read_note};
use super::timeline::Timeline;
use super::{ReadError, shorten};
use crate::score::{Direction, Lyric, MAX_TICK, Metre, Note, Tick};
use crate::source::{Place, Track, cut_where_struck_again};
use crate::wandering::join_voices;

/// The velocity of written notes, which nobody played.
const VELOCITY: u8 = 80;

/// A part, measure by measure as written.
pub(super) struct WrittenPart {
    pub measures: Vec<WrittenMeasure>,
    pub ticks_per_quarter: u64,
    pub is_transposing: bool,
    /// How many grace notes it has, chords of them counted once.
    pub graces: usize,
}

/// What a part has in one measure, its times counted in ticks from the bar line.
#[derive(Default)]
pub(super) struct WrittenMeasure {
    pub length: Tick,
    pub notes: Vec<WrittenNote>,
    /// Printed rests: the staff and voice, the beginning and the end.
    pub rests: Vec<((u32, String), Tick, Tick)>,
    /// Tempo and marks.
    pub directions: Vec<(Tick, Direction)>,
    pub keys: Vec<(Tick, Direction)>,
    pub metre: Option<Metre>,
}

/// Where in the file the reader is, for errors, and the attributes in force there, which last from one measure of a part to
/// the next.
pub(super) struct Context<'a> {
    /// From 1.
    part: usize,
    /// As the file numbers it.
    measure: &'a str,
    ticks_per_quarter: u64,
    /// Of a quarter; 1 until the file says otherwise, as all programs take it.
    divisions: f64,
    /// Semitones from written to sounding pitch, by staff; 0 is for all staves.
    transposition: BTreeMap<u32, i32>,
}

impl Context<'_> {
    pub fn value_error(&self, element: &'static str, value: &str, expected: &'static str) -> ReadError {
        ReadError::Value { part: self.part, measure: shorten(self.measure), element, value: shorten(value), expected }
    }

    /// Semitones from the written to the sounding pitch on a staff.
    pub fn transposition(&self, staff: u32) -> i32 {
        self.transposition.get(&staff).or_else(|| self.transposition.get(&0)).copied().unwrap_or(0)
    }

    /// The `<duration>` of a node.
    fn ticks(&self, node: Node) -> Result<f64, ReadError> {
        let Some(text) = text_of(node, "duration") else { return Ok(0.0) };
        let expected = "a number of divisions";
        let duration: f64 = text.parse().map_err(|_| self.value_error("duration", text, expected))?;
        if !(0.0..1e7).contains(&duration) {
            return Err(self.value_error("duration", text, expected));
        }
        Ok(duration / self.divisions * self.ticks_per_quarter as f64)
    }
}

impl WrittenPart {
    pub fn read(number: usize, nodes: &PartNodes, ticks_per_quarter: u64) -> Result<WrittenPart, ReadError> {
        let mut part = WrittenPart { measures: Vec::new(), ticks_per_quarter, is_transposing: false, graces: 0 };
        let mut context =
            Context { part: number, measure: "", ticks_per_quarter, divisions: 1.0, transposition: BTreeMap::new() };
        for measure in &nodes.measures {
            context.measure = measure.attribute("number").unwrap_or("?");
            let content = part.read_measure(*measure, &mut context)?;
            part.measures.push(content);
        }
        Ok(part)
    }

    fn read_measure(&mut self, measure: Node, context: &mut Context) -> Result<WrittenMeasure, ReadError> {
        let mut content = WrittenMeasure::default();
        // In ticks, not yet rounded. The other notes of a chord begin where the note before them began.
        let (mut now, mut before, mut end) = (0.0_f64, 0.0_f64, 0.0_f64);
        for node in measure.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "attributes" => self.read_attributes(node, now as Tick, context, &mut content)?,
                "backup" => now = (now - context.ticks(node)?).max(0.0),
                "forward" => now += context.ticks(node)?,
                "note" if child(node, "grace").is_some() => {
                    self.graces += usize::from(child(node, "chord").is_none());
                }
                "note" => {
                    let length = context.ticks(node)?;
                    let in_chord = child(node, "chord").is_some();
                    let is_cue = child(node, "cue").is_some();
                    let note = read_note(node, if in_chord { before } else { now }, length, context)?;
                    content.notes.extend(note.filter(|_| !is_cue));
                    if child(node, "rest").is_some() && node.attribute("print-object") != Some("no") {
                        content.rests.push((line_of(node), now as Tick, (now + length) as Tick));
                    }
                    if !in_chord {
                        before = now;
                        now += length;
                    }
                }
                "direction" | "sound" => content.directions.extend(read_direction(node, now as Tick)),
                _ => {}
            }
            end = end.max(now);
        }
        content.length = end.round() as Tick;
        Ok(content)
    }

    fn read_attributes(
        &mut self,
        node: Node,
        at: Tick,
        context: &mut Context,
        content: &mut WrittenMeasure,
    ) -> Result<(), ReadError> {
        if let Some(text) = text_of(node, "divisions") {
            let divisions = text.parse::<f64>().ok().filter(|value| (1e-3..=1e7).contains(value));
            context.divisions =
                divisions.ok_or_else(|| context.value_error("divisions", text, "a number above zero"))?;
        }
        if let Some(key) = child(node, "key")
            && let Some(fifths) = text_of(key, "fifths")
        {
            let sharps = fifths.parse::<i8>().map_err(|_| context.value_error("fifths", fifths, "-7 to 7"))?;
            let minor = text_of(key, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("minor"));
            // Signatures with double accidentals exist only to test programs.
            if (-7..=7).contains(&sharps) {
                content.keys.push((at, Direction::Key { sharps, minor }));
            }
        }
        if let Some(time) = child(node, "time") {
            content.metre = read_metre(time, context)?.or(content.metre);
        }
        for transpose in children(node, "transpose") {
            let number = |name| text_of(transpose, name).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            let semitones = number("chromatic").clamp(-60.0, 60.0) as i32;
            let octaves = number("octave-change").clamp(-5.0, 5.0) as i32;
            let staff = transpose.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(0);
            context.transposition.insert(staff, semitones + 12 * octaves);
            self.is_transposing |= semitones % 12 != 0;
        }
        Ok(())
    }

    /// The part with its measures in the order in which they are played.
    pub fn track(&self, timeline: &Timeline, name: Option<String>) -> Track {
        let mut track = Track { name, ..Track::default() };
        let lines: BTreeSet<&(u32, String)> =
            self.measures.iter().flat_map(|measure| &measure.notes).map(|note| &note.line).collect();
        // Staves from the top; more voices than MIDI has channels are no piano's.
        let lines: BTreeMap<&(u32, String), u8> = lines.into_iter().zip(0..=u8::MAX).collect();
        let mut ties = OpenTies::new();
        let mut sung: BTreeSet<(Tick, u8)> = BTreeSet::new();
        for &(measure, bar_line) in &timeline.played {
            let Some(content) = self.measures.get(measure) else { continue };
            for note in &content.notes {
                let Some(&line) = lines.get(&note.line) else { continue };
                let begins = add(&mut track, line, note, bar_line, &mut ties);
                if note.fermata {
                    track.fermatas.push(begins);
                }
                if note.breath {
                    track.phrasing.breaths.push(begins);
                }
                if let Some(spelling) = note.spelling {
                    track.spellings.insert((begins, note.pitch.midi()), spelling);
                }
                // Parts on one staff sing the same words; they are kept once.
                let tick = bar_line + note.start;
                for (verse, text) in &note.lyrics {
                    if sung.insert((tick, *verse)) {
                        track.lyrics.push(Lyric { tick, verse: *verse, text: text.clone() });
                    }
                }
            }
        }
        let mut track = in_order(track);
        let place =
            |((staff, voice), line): (&(u32, String), &u8)| (*line, Place { staff: *staff, voice: voice.clone() });
        track.places = lines.iter().map(|(place, line)| (*place, line)).map(place).collect();
        join_voices(&mut track, &self.rests(timeline, &lines));
        track
    }

    /// By line, in order.
    fn rests(&self, timeline: &Timeline, lines: &BTreeMap<&(u32, String), u8>) -> BTreeMap<u8, Vec<(Tick, Tick)>> {
        let mut rests: BTreeMap<u8, Vec<(Tick, Tick)>> = BTreeMap::new();
        for &(measure, bar_line) in &timeline.played {
            for (place, start, end) in self.measures.get(measure).into_iter().flat_map(|content| &content.rests) {
                if let Some(line) = lines.get(place) {
                    rests
                        .entry(*line)
                        .or_default()
                        .push((bar_line.saturating_add(*start), bar_line.saturating_add(*end)));
                }
            }
        }
        rests
    }
}

/// By line and MIDI pitch, the place in its line of the note whose tie waits for the next.
type OpenTies = BTreeMap<(u8, u8), usize>;

/// Adds a note to its line, or makes the one longer that is tied to it; returns where the whole note begins.
fn add(track: &mut Track, line: u8, note: &WrittenNote, bar_line: Tick, ties: &mut OpenTies) -> Tick {
    let notes = track.channels.entry(line).or_default();
    let start = bar_line + note.start;
    // A chord's other notes may be longer than their measure.
    let end = start.saturating_add(note.length).min(MAX_TICK);
    let key = (line, note.pitch.midi());
    let held = ties.remove(&key).filter(|&held| note.tied_from && notes[held].end == start);
    let index = held.unwrap_or(notes.len());
    match notes.get_mut(index) {
        Some(held) => held.end = end,
        None => notes.push(Note { start, end, pitch: note.pitch, velocity: VELOCITY }),
    }
    if note.tied_to {
        ties.insert(key, index);
    }
    notes[index].start
}

/// Every list in the order that a [`Track`] promises; without notes that have no length, and lines without notes.
fn in_order(mut track: Track) -> Track {
    for notes in track.channels.values_mut() {
        notes.retain(|note| note.end > note.start);
        notes.sort_by_key(|note| (note.start, note.pitch));
        cut_where_struck_again(notes);
    }
    track.channels.retain(|_, notes| !notes.is_empty());
    track.lyrics.sort_by_key(|lyric| (lyric.tick, lyric.verse));
    track.fermatas.sort_unstable();
    track.fermatas.dedup();
    track.phrasing = track.phrasing.in_order();
    track
}

fn read_metre(time: Node, context: &Context) -> Result<Option<Metre>, ReadError> {
    if child(time, "senza-misura").is_some() {
        return Ok(None);
    }
    let (Some(beats_text), Some(unit_text)) = (text_of(time, "beats"), text_of(time, "beat-type")) else {
        return Ok(None);
    };
    // 3+2 eighths, in one text or in pairs of the same unit, are a bar of five.
    let same_unit = children(time, "beat-type").all(|unit| unit.text().map(str::trim) == Some(unit_text));
    let texts = children(time, "beats").filter_map(|beats| beats.text());
    let terms: Option<Vec<u32>> = texts
        .take(if same_unit { usize::MAX } else { 1 })
        .flat_map(|text| text.split('+'))
        .map(|term| term.trim().parse().ok().filter(|beats| *beats <= 255))
        .collect();
    let beats = terms.map(|terms| terms.iter().sum::<u32>()).filter(|beats| (1..=255).contains(beats));
    let beats = beats.ok_or_else(|| context.value_error("beats", beats_text, "1 to 255"))?;
    let unit = unit_text.parse::<u32>().ok().filter(|unit| unit.is_power_of_two() && *unit <= 64);
    let unit = unit.ok_or_else(|| context.value_error("beat-type", unit_text, "1, 2, 4, 8, 16, 32 or 64"))?;
    Ok(Some(Metre { numerator: beats as u8, denominator_log2: unit.ilog2() as u8, ..Metre::FOUR_FOUR }))
}

/// Tempo and rehearsal marks.
fn read_direction(node: Node, at: Tick) -> Vec<(Tick, Direction)> {
    let mut directions = Vec::new();
    let sound = if node.has_tag_name("sound") { Some(node) } else { child(node, "sound") };
    let sounding = sound.and_then(|sound| sound.attribute("tempo")).and_then(|tempo| tempo.trim().parse::<f64>().ok());
    let kinds = || children(node, "direction-type");
    let printed = || kinds().find_map(|kind| child(kind, "metronome")).and_then(metronome);
    if let Some(beats) = sounding.or_else(printed).filter(|beats| (4.0..=2000.0).contains(beats)) {
        directions.push((at, Direction::Tempo((60e6 / beats).round() as u32)));
    }
    for mark in kinds().filter_map(|kind| text_of(kind, "rehearsal")).filter(|mark| !mark.is_empty()) {
        directions.push((at, Direction::Marker(mark.as_bytes().to_vec())));
    }
    directions
}

/// Quarters a minute.
fn metronome(node: Node) -> Option<f64> {
    let quarters = match text_of(node, "beat-unit")? {
        "whole" => 4.0,
        "half" => 2.0,
        "quarter" => 1.0,
        "eighth" => 0.5,
        "16th" => 0.25,
        _ => return None,
    };
    let dotted = if child(node, "beat-unit-dot").is_some() { 1.5 } else { 1.0 };
    Some(text_of(node, "per-minute")?.parse::<f64>().ok()? * quarters * dotted)
}
