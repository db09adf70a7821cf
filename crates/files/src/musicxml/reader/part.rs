//! One part of a score, measure by measure.

use std::collections::{BTreeMap, BTreeSet};

use chorale::Key;
use roxmltree::Node;

use super::direction::{read_direction, read_dynamics};
use super::elements::{PartNodes, child, children, text_of};
use super::harmony::read_harmony;
use super::note::{Transposition, line_of, read_note, read_words};
use super::repeated::MeasureRepeats;
use super::{ReadError, shorten};
use crate::score::{Direction, Metre, Tick};
use crate::written::{WrittenMeasure, WrittenPart, key_of_mode, transposed_symbol};

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
    /// From written to sounding pitch, by staff; 0 is for all staves.
    transposition: BTreeMap<u32, Transposition>,
    mode: Option<Key>,
    /// Whether the first signature is named major.
    names_major: Option<bool>,
    pub quarter_tones: usize,
    unpitched: usize,
    /// Words and fermatas that stand at rests.
    under_rests: usize,
    fermatas_over_rests: usize,
    /// Whether notes count that are not printed.
    takes_hidden: bool,
    /// The staves of which nothing is printed.
    hidden_staves: BTreeSet<u32>,
    hidden: usize,
    /// The staves that have ever had a clef of percussion, and those that have had another.
    percussion: BTreeSet<u32>,
    pitched: BTreeSet<u32>,
    /// What had to be interpreted, in sentences for the user.
    remarks: Vec<String>,
}

/// So many values that cannot be kept are told of a part.
const MOST_REMARKS: usize = 5;

impl Context<'_> {
    pub fn value_error(&self, element: &'static str, value: &str, expected: &'static str) -> ReadError {
        ReadError::Value { part: self.part, measure: shorten(self.measure), element, value: shorten(value), expected }
    }

    /// That a value is another one in what is made of the file.
    pub fn remark(&mut self, said: &str) {
        if self.remarks.len() < MOST_REMARKS {
            self.remarks.push(format!("measure {}: {said}", shorten(self.measure)));
        }
    }

    /// From the written to the sounding pitch on a staff.
    pub fn transposition(&self, staff: u32) -> Transposition {
        self.transposition.get(&staff).or_else(|| self.transposition.get(&0)).copied().unwrap_or(Transposition::NONE)
    }

    /// The ticks of the `<offset>` of a node, which may point back.
    fn offset(&self, node: Node) -> f64 {
        let offset = text_of(node, "offset").and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        offset.clamp(-1e7, 1e7) / self.divisions * self.ticks_per_quarter as f64
    }

    /// The `<duration>` of a node; of a note without one, what its head tells.
    fn ticks(&self, node: Node) -> Result<f64, ReadError> {
        let Some(text) = text_of(node, "duration") else {
            return Ok(written_length(node).unwrap_or(0.0) * self.ticks_per_quarter as f64);
        };
        let expected = "a number of divisions";
        let duration: f64 = text.parse().map_err(|_| self.value_error("duration", text, expected))?;
        if !(0.0..1e7).contains(&duration) {
            return Err(self.value_error("duration", text, expected));
        }
        Ok(duration / self.divisions * self.ticks_per_quarter as f64)
    }
}

/// The ticks of a note of so many. In a tuplet that the file's divisions cannot tell, programs round durations: those are as long
/// as its head says.
fn unrounded(note: Node, ticks: f64, context: &Context) -> f64 {
    let division = context.ticks_per_quarter as f64 / context.divisions;
    let written = child(note, "time-modification").and_then(|_| written_length(note));
    let written = written.map(|quarters| quarters * context.ticks_per_quarter as f64);
    let is_rounded = |written: &f64| {
        let divisions = written / division;
        (divisions - divisions.round()).abs() > 1e-6 && (written - ticks).abs() < division
    };
    written.filter(is_rounded).unwrap_or(ticks)
}

/// Where in a measure the reader is, in ticks.
#[derive(Default)]
struct Place {
    now: f64,
    /// As the file counts, with its rounded durations.
    counted: f64,
    /// Where it was before: of the file's count, which is never below 0, the bits, and the ticks.
    known: BTreeMap<u64, f64>,
}

impl Place {
    fn go_on(&mut self, counted: f64, length: f64) {
        self.known.entry(self.counted.to_bits()).or_insert(self.now);
        self.counted += counted;
        self.now += length;
    }

    fn go_back(&mut self, counted: f64) {
        self.counted = (self.counted - counted).max(0.0);
        let before = self.known.range(..=self.counted.to_bits()).next_back();
        let (since, now) = before.map_or((0.0, 0.0), |(bits, now)| (f64::from_bits(*bits), *now));
        self.now = now + self.counted - since;
    }
}

/// The quarters of a note by its head and dots, in its tuplet.
fn written_length(note: Node) -> Option<f64> {
    const TYPES: [&str; 10] = ["longa", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th"];
    let place = TYPES.iter().position(|name| text_of(note, "type") == Some(name))?;
    let dots = children(note, "dot").count().min(4) as i32;
    let length = 16.0 * 0.5_f64.powi(place as i32) * (2.0 - 0.5_f64.powi(dots));
    let number = |name| child(note, "time-modification").and_then(|node| text_of(node, name)?.parse::<f64>().ok());
    let (actual, normal) = number("actual-notes").zip(number("normal-notes")).unwrap_or((1.0, 1.0));
    Some(length * normal / actual).filter(|length| (0.0..1e3).contains(length))
}

/// The part, and how many of its notes are not printed; they are left out unless it `takes_hidden` ones.
pub(super) fn read_part(
    number: usize,
    nodes: &PartNodes,
    ticks_per_quarter: u64,
    takes_hidden: bool,
) -> Result<(WrittenPart, usize), ReadError> {
    let mut context = Context {
        part: number,
        measure: "",
        ticks_per_quarter,
        divisions: 1.0,
        transposition: BTreeMap::new(),
        quarter_tones: 0,
        unpitched: 0,
        under_rests: 0,
        fermatas_over_rests: 0,
        takes_hidden,
        hidden_staves: BTreeSet::new(),
        hidden: 0,
        percussion: BTreeSet::new(),
        pitched: BTreeSet::new(),
        mode: None,
        names_major: None,
        remarks: Vec::new(),
    };
    let mut part = WrittenPart::default();
    let mut repeats = MeasureRepeats::default();
    for measure in &nodes.measures {
        context.measure = measure.attribute("number").unwrap_or("?");
        let mut content = read_measure(*measure, &mut context)?;
        content.is_partial = measure.attribute("implicit") == Some("yes") || context.measure == "0";
        repeats.fill(*measure, &part.measures, &mut content);
        part.measures.push(content);
        part.is_transposing |= context.transposition.values().any(|transposition| transposition.semitones % 12 != 0);
    }
    part.mode = context.mode;
    part.names_major = context.names_major == Some(true);
    let told = [
        (context.quarter_tones, "quarter tones are rounded"),
        (context.under_rests, "words under rests are left out"),
        (context.fermatas_over_rests, "fermatas over rests are left out"),
    ];
    part.unpitched = context.unpitched;
    part.percussion = &context.percussion - &context.pitched;
    part.remarks = context.remarks;
    part.remarks.extend(left_out(nodes));
    let told = told.into_iter().filter(|(count, _)| *count > 0);
    part.remarks.extend(told.map(|(count, what)| format!("{what} ({count})")));
    Ok((part, context.hidden))
}

/// What of a part has no place in a new harmonization, counted.
fn left_out(nodes: &PartNodes) -> Vec<String> {
    let mut remarks = Vec::new();
    let contents = || nodes.measures.iter().flat_map(|measure| measure.children());
    let notations = || contents().flat_map(|note| children(note, "notations"));
    let signs =
        ["ornaments", "articulations"].into_iter().flat_map(|name| notations().flat_map(move |n| children(n, name)));
    let signs = signs.flat_map(|signs| signs.children()).filter(|sign| sign.is_element());
    let signs = signs.filter(|sign| !matches!(sign.tag_name().name(), "breath-mark" | "caesura")).count();
    if signs > 0 {
        remarks.push(format!("ornaments and articulations are left out ({signs})"));
    }
    remarks
}

fn read_measure(measure: Node, context: &mut Context) -> Result<WrittenMeasure, ReadError> {
    let mut content = WrittenMeasure::default();
    // In ticks, not yet rounded. The other notes of a chord begin where the note before them began.
    let (mut place, mut before, mut end) = (Place::default(), 0.0_f64, 0.0_f64);
    let mut of_graces = Vec::new();
    let mut has_fermata_at_end = false;
    for node in measure.children().filter(Node::is_element) {
        let now = place.now;
        match node.tag_name().name() {
            "attributes" => read_attributes(node, now.round() as Tick, context, &mut content)?,
            "backup" => place.go_back(context.ticks(node)?),
            "forward" => {
                let ticks = context.ticks(node)?;
                place.go_on(ticks, ticks);
            }
            // Its syllable is sung on the note that it leads to.
            "note" if child(node, "grace").is_some() => of_graces.extend(read_words(node)),
            "note" => {
                let counted = context.ticks(node)?;
                let length = unrounded(node, counted, context);
                let in_chord = child(node, "chord").is_some();
                let is_cue = child(node, "cue").is_some();
                let start = if in_chord { before } else { now };
                let mut note = read_note(node, start, length, context)?;
                if let Some(note) = &mut note {
                    let of_grace = of_graces.drain(..);
                    let own: Vec<u8> = note.lyrics.iter().map(|lyric| lyric.verse).collect();
                    note.lyrics.extend(of_grace.filter(|lyric| !own.contains(&lyric.verse)));
                }
                context.unpitched += usize::from(child(node, "unpitched").is_some() && !is_cue);
                let is_hidden = is_hidden(node) || context.hidden_staves.contains(&line_of(node).0);
                context.hidden += usize::from(is_hidden && note.is_some() && !is_cue);
                content.notes.extend(note.filter(|_| !is_cue && (context.takes_hidden || !is_hidden)));
                let notations = children(node, "notations");
                if child(node, "rest").is_some() && node.attribute("print-object") != Some("no") {
                    content.rests.push((line_of(node), now.round() as Tick, (now + length).round() as Tick));
                    context.under_rests += read_words(node).len();
                    let has_fermata = notations.clone().any(|notations| child(notations, "fermata").is_some());
                    context.fermatas_over_rests += usize::from(has_fermata);
                }
                content.expressions.extend(notations.flat_map(read_dynamics).map(|sign| (start.round() as Tick, sign)));
                if !in_chord {
                    before = now;
                    place.go_on(counted, length);
                }
            }
            "direction" | "sound" => {
                let at = (now + context.offset(node)).max(0.0).round() as Tick;
                read_direction(node, at, context, &mut content);
            }
            "barline" if child(node, "fermata").is_some() && node.attribute("location") != Some("left") => {
                has_fermata_at_end = true;
            }
            "harmony" => {
                let semitones = context.transposition(0).semitones;
                let symbol = read_harmony(node).map(|symbol| transposed_symbol(&symbol, semitones));
                let at = (now + context.offset(node)).max(0.0).round() as Tick;
                content.symbols.extend(symbol.map(|symbol| (at, symbol)));
            }
            _ => {}
        }
        end = end.max(place.now);
    }
    content.length = end.round() as Tick;
    // Over a bar line it is meant for the notes that end there.
    let at_end = content.notes.iter_mut().filter(|note| note.start.saturating_add(note.length) >= content.length);
    at_end.for_each(|note| note.fermata |= has_fermata_at_end);
    // What is printed elsewhere than it stands stays within its measure.
    content.directions.iter_mut().for_each(|(at, _)| *at = (*at).min(content.length));
    content.expressions.iter_mut().for_each(|(at, _)| *at = (*at).min(content.length));
    content.symbols.iter_mut().for_each(|(at, _)| *at = (*at).min(content.length));
    Ok(content)
}

fn read_attributes(node: Node, at: Tick, context: &mut Context, content: &mut WrittenMeasure) -> Result<(), ReadError> {
    if let Some(text) = text_of(node, "divisions") {
        let divisions = text.parse::<f64>().ok().filter(|value| (1e-3..=1e7).contains(value));
        let expected = "the divisions of a quarter, a number above 0, at most 10000000";
        context.divisions = divisions.ok_or_else(|| context.value_error("divisions", text, expected))?;
    }
    for transpose in children(node, "transpose") {
        let staff = transpose.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(0);
        let transposition = Transposition::read(transpose, context)?;
        context.transposition.insert(staff, transposition);
    }
    for details in children(node, "staff-details") {
        let staff = details.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(1);
        match details.attribute("print-object") {
            Some("no") => _ = context.hidden_staves.insert(staff),
            _ => _ = context.hidden_staves.remove(&staff),
        }
    }
    for clef in children(node, "clef") {
        let staff = clef.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(1);
        let is_percussion = text_of(clef, "sign") == Some("percussion");
        let staves = if is_percussion { &mut context.percussion } else { &mut context.pitched };
        staves.insert(staff);
    }
    // A transposing instrument's key is read as it sounds.
    if let Some(key) = child(node, "key")
        && let Some(fifths) = text_of(key, "fifths")
    {
        let written = fifths.parse::<i8>().ok().and_then(|sharps| Some((sharps, as_key(sharps)?)));
        let (told, sharps) = written.ok_or_else(|| context.value_error("fifths", fifths, "-7 to 7"))?;
        let mode = text_of(key, "mode").unwrap_or_default().to_lowercase();
        let minor = ["minor", "aeolian"].contains(&mode.as_str());
        let staff = key.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(1);
        let key = Key { sharps, minor };
        if told != sharps {
            context.remark(&format!("a signature of {told} fifths is written as that of {key}, which sounds alike"));
        }
        let semitones = context.transposition(staff).semitones;
        context.names_major = context.names_major.or(Some(["major", "ionian"].contains(&mode.as_str())));
        context.mode = context.mode.or(key_of_mode(sharps, &mode).map(|key| key.transposed(semitones)));
        let Key { sharps, minor } = key.transposed(semitones);
        content.keys.push((at, Direction::Key { sharps, minor }));
    }
    if let Some(time) = child(node, "time") {
        content.metre = read_metre(time, context)?.or(content.metre);
    }
    Ok(())
}

/// Whether nothing of a note is printed: programs hide what is meant for their players alone, as how an ornament is played.
fn is_hidden(note: Node) -> bool {
    note.attribute("print-object") == Some("no") || text_of(note, "notehead") == Some("none")
}

/// A signature with double accidentals as one without, which sounds alike; `None` for what nobody writes.
fn as_key(sharps: i8) -> Option<i8> {
    [0, -12, 12].into_iter().filter_map(|moved| sharps.checked_add(moved)).find(|sharps| (-7..=7).contains(sharps))
}

/// `None` where it says nothing that can be understood, `Some(None)` from where on there is no metre.
fn read_metre(time: Node, context: &Context) -> Result<Option<Option<Metre>>, ReadError> {
    if child(time, "senza-misura").is_some() {
        return Ok(Some(None));
    }
    let (Some(beats_text), Some(unit_text)) = (text_of(time, "beats"), text_of(time, "beat-type")) else {
        return Ok(None);
    };
    let unit_of = |node: Node| {
        let unit = node.text()?.trim().parse::<u32>().ok();
        unit.filter(|unit| unit.is_power_of_two() && *unit <= 64)
    };
    let units: Option<Vec<u32>> = children(time, "beat-type").map(unit_of).collect();
    let units = units.ok_or_else(|| context.value_error("beat-type", unit_text, "1, 2, 4, 8, 16, 32 or 64"))?;
    let unit = units.iter().copied().max().unwrap_or(4);
    // 3+2 eighths are a bar of five, two quarters and three eighths one of seven.
    let terms = children(time, "beats").zip(&units).flat_map(|(beats, of)| {
        let text = beats.text().unwrap_or_default();
        text.split('+')
            .map(move |term| Some(term.trim().parse::<u32>().ok().filter(|beats| *beats <= 255)? * (unit / of)))
    });
    let beats = terms.sum::<Option<u32>>().filter(|beats| (1..=255).contains(beats));
    let beats = beats.ok_or_else(|| context.value_error("beats", beats_text, "1 to 255"))?;
    let is_printed = time.attribute("print-object") != Some("no");
    let (numerator, denominator_log2) = (beats as u8, unit.ilog2() as u8);
    Ok(Some(Some(Metre { numerator, denominator_log2, is_printed, ..Metre::FOUR_FOUR })))
}
