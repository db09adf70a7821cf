//! One part of a score, measure by measure.

use std::collections::BTreeMap;

use chorale::Key;
use roxmltree::Node;

use super::direction::{read_direction, read_dynamics};
use super::elements::{PartNodes, child, children, text_of};
use super::note::{Transposition, line_of, read_note};
use super::{ReadError, shorten};
use crate::score::{Direction, Metre, Tick};
use crate::written::{WrittenMeasure, WrittenPart};

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
}

impl Context<'_> {
    pub fn value_error(&self, element: &'static str, value: &str, expected: &'static str) -> ReadError {
        ReadError::Value { part: self.part, measure: shorten(self.measure), element, value: shorten(value), expected }
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

pub(super) fn read_part(number: usize, nodes: &PartNodes, ticks_per_quarter: u64) -> Result<WrittenPart, ReadError> {
    let mut context =
        Context { part: number, measure: "", ticks_per_quarter, divisions: 1.0, transposition: BTreeMap::new() };
    let mut part = WrittenPart::default();
    for measure in &nodes.measures {
        context.measure = measure.attribute("number").unwrap_or("?");
        let content = read_measure(*measure, &mut context)?;
        part.measures.push(content);
        part.is_transposing |= context.transposition.values().any(|transposition| transposition.semitones % 12 != 0);
    }
    part.remarks = left_out(nodes);
    Ok(part)
}

/// What of a part has no place in a new harmonization, counted.
fn left_out(nodes: &PartNodes) -> Vec<String> {
    let mut remarks = Vec::new();
    let contents = || nodes.measures.iter().flat_map(|measure| measure.children());
    let symbols = contents().filter(|node| node.has_tag_name("harmony")).count();
    if symbols > 0 {
        remarks.push(format!("chord symbols are left out ({symbols}): the harmony is new"));
    }
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
    let (mut now, mut before, mut end) = (0.0_f64, 0.0_f64, 0.0_f64);
    for node in measure.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "attributes" => read_attributes(node, now as Tick, context, &mut content)?,
            "backup" => now = (now - context.ticks(node)?).max(0.0),
            "forward" => now += context.ticks(node)?,
            "note" if child(node, "grace").is_some() => {}
            "note" => {
                let length = context.ticks(node)?;
                let in_chord = child(node, "chord").is_some();
                let is_cue = child(node, "cue").is_some();
                let start = if in_chord { before } else { now };
                let note = read_note(node, start, length, context)?;
                content.notes.extend(note.filter(|_| !is_cue));
                if child(node, "rest").is_some() && node.attribute("print-object") != Some("no") {
                    content.rests.push((line_of(node), now as Tick, (now + length) as Tick));
                }
                let notations = children(node, "notations");
                content.expressions.extend(notations.flat_map(read_dynamics).map(|sign| (start as Tick, sign)));
                if !in_chord {
                    before = now;
                    now += length;
                }
            }
            "direction" | "sound" => read_direction(node, (now + context.offset(node)).max(0.0) as Tick, &mut content),
            _ => {}
        }
        end = end.max(now);
    }
    content.length = end.round() as Tick;
    // What is printed elsewhere than it stands stays within its measure.
    content.directions.iter_mut().for_each(|(at, _)| *at = (*at).min(content.length));
    content.expressions.iter_mut().for_each(|(at, _)| *at = (*at).min(content.length));
    Ok(content)
}

fn read_attributes(node: Node, at: Tick, context: &mut Context, content: &mut WrittenMeasure) -> Result<(), ReadError> {
    if let Some(text) = text_of(node, "divisions") {
        let divisions = text.parse::<f64>().ok().filter(|value| (1e-3..=1e7).contains(value));
        context.divisions = divisions.ok_or_else(|| context.value_error("divisions", text, "a number above zero"))?;
    }
    for transpose in children(node, "transpose") {
        let staff = transpose.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(0);
        context.transposition.insert(staff, Transposition::read(transpose));
    }
    // A transposing instrument's key is read as it sounds.
    if let Some(key) = child(node, "key")
        && let Some(fifths) = text_of(key, "fifths")
    {
        let sharps = fifths.parse::<i8>().map_err(|_| context.value_error("fifths", fifths, "-7 to 7"))?;
        let minor = text_of(key, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("minor"));
        let staff = key.attribute("number").and_then(|staff| staff.parse().ok()).unwrap_or(1);
        // Signatures with double accidentals exist only to test programs.
        if (-7..=7).contains(&sharps) {
            let Key { sharps, minor } = Key { sharps, minor }.transposed(context.transposition(staff).semitones);
            content.keys.push((at, Direction::Key { sharps, minor }));
        }
    }
    if let Some(time) = child(node, "time") {
        content.metre = read_metre(time, context)?.or(content.metre);
    }
    Ok(())
}

/// `None` where it says nothing that can be understood, `Some(None)` from where on there is no metre.
fn read_metre(time: Node, context: &Context) -> Result<Option<Option<Metre>>, ReadError> {
    if child(time, "senza-misura").is_some() {
        return Ok(Some(None));
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
    let is_printed = time.attribute("print-object") != Some("no");
    let (numerator, denominator_log2) = (beats as u8, unit.ilog2() as u8);
    Ok(Some(Some(Metre { numerator, denominator_log2, is_printed, ..Metre::FOUR_FOUR })))
}
