//! The measures of one staff, with the one part or two that stand on it.

use std::collections::BTreeMap;
use std::ops::Range;

use chorale::Part;

use super::lyrics::Syllable;
use super::note::NoteElement;
use super::xml::Xml;
use crate::ensemble::Scoring;
use crate::notation::{DIVISIONS, Measure};
use crate::score::{Score, Tick};
use crate::smf;
use crate::written::{WrittenExpression, mode_name};

/// An upper part whose notes lie below A3 on average would stand on ledger lines; its clef is that of a tenor.
const LOWEST_MEAN: f64 = 57.0;

pub(super) struct Staff<'a> {
    pub score: &'a Score,
    pub parts: &'a [Part],
    pub lyrics: &'a BTreeMap<Tick, Vec<Syllable>>,
    pub marks: &'a [(u32, String)],
    /// What holds for all staves is written on the top one.
    pub is_top: bool,
}

impl Staff<'_> {
    /// `accidentals` are those of the measure, by voice and position.
    pub fn measure(
        &self,
        xml: &mut Xml,
        measure: &Measure,
        accidentals: &BTreeMap<(usize, u32), i8>,
        is_first: bool,
        is_last: bool,
    ) {
        let metre = measure.metre;
        let whole = u32::from(metre.numerator) * 4 * DIVISIONS / u32::from(metre.denominator());
        let implicit = if measure.length < whole && !is_last { " implicit=\"yes\"" } else { "" };
        xml.open(&format!("measure number=\"{}\"{implicit}", measure.number));
        if is_first || measure.new_key || measure.new_metre {
            self.attributes(xml, measure, is_first);
        }
        if self.is_top {
            tempos(xml, measure, is_first, self.score.is_notated);
            rehearsal_marks(xml, measure);
            self.marks(xml, measure);
        }
        for (voice, part) in self.parts.iter().enumerate() {
            if voice > 0 {
                xml.open("backup");
                xml.leaf("duration", &measure.length.to_string());
                xml.close("backup");
            }
            for item in &measure.parts[part.index()] {
                if voice == 0 {
                    expressions(xml, measure, item.position..item.position + item.length, self.is_top);
                }
                let accidental = accidentals.get(&(voice, item.position)).copied();
                let has_words = *part == self.score.melody || self.score.all_sing && self.parts.len() == 1;
                let syllables = item.notehead.as_ref().and_then(|head| self.lyrics.get(&head.sung?));
                let syllables = syllables.filter(|_| has_words).map(Vec::as_slice).unwrap_or_default();
                let (is_alone, is_melody) = (self.parts.len() == 1, *part == self.score.melody);
                NoteElement { item, voice, is_alone, accidental, syllables, is_melody }.write(xml);
            }
            if voice == 0 {
                expressions(xml, measure, measure.length..u32::MAX, self.is_top);
            }
        }
        if is_last {
            xml.open("barline location=\"right\"");
            xml.leaf("bar-style", "light-heavy");
            xml.close("barline");
        }
        xml.close("measure");
    }

    fn attributes(&self, xml: &mut Xml, measure: &Measure, is_first: bool) {
        xml.open("attributes");
        if is_first {
            xml.leaf("divisions", &DIVISIONS.to_string());
        }
        if measure.new_key {
            xml.open("key");
            xml.leaf("fifths", &measure.key.sharps.to_string());
            let of_church =
                mode_name(measure.key.sharps, self.score.home()).filter(|_| measure.key == self.score.key());
            xml.leaf("mode", of_church.unwrap_or(if measure.key.minor { "minor" } else { "major" }));
            xml.close("key");
        }
        if measure.new_metre {
            xml.open(if measure.metre.is_printed { "time" } else { "time print-object=\"no\"" });
            xml.leaf("beats", &measure.metre.numerator.to_string());
            xml.leaf("beat-type", &measure.metre.denominator().to_string());
            xml.close("time");
        }
        if is_first {
            self.clef(xml);
        }
        xml.close("attributes");
    }

    fn clef(&self, xml: &mut Xml) {
        let notes = || self.parts.iter().flat_map(|part| self.score.part(*part));
        let count = notes().count().max(1) as f64;
        let mean = notes().map(|note| f64::from(note.pitch.midi())).sum::<f64>() / count;
        let is_alone = self.parts.len() == 1;
        let is_of_men = self.score.ensemble.scoring == Scoring::Ttbb;
        let (sign, line, octave) = match self.parts[0] {
            Part::Soprano | Part::Alto if is_of_men => ("G", "2", -1),
            Part::Tenor if is_of_men => ("F", "4", 0),
            Part::Bass => ("F", "4", 0),
            Part::Tenor if !is_alone => ("F", "4", 0),
            Part::Tenor => ("G", "2", -1),
            _ if notes().next().is_some() && mean < LOWEST_MEAN => ("G", "2", -1),
            _ => ("G", "2", 0),
        };
        xml.open("clef");
        xml.leaf("sign", sign);
        xml.leaf("line", line);
        if octave != 0 {
            xml.leaf("clef-octave-change", &octave.to_string());
        }
        xml.close("clef");
    }

    fn marks(&self, xml: &mut Xml, measure: &Measure) {
        let steps = measure.first_step..measure.first_step + measure.length.div_ceil(DIVISIONS / 4);
        for (step, words) in self.marks.iter().filter(|(step, _)| steps.contains(step)) {
            xml.open("direction placement=\"above\"");
            xml.open("direction-type");
            xml.leaf_with("words", "font-size=\"7\" color=\"#C00000\"", words);
            xml.close("direction-type");
            xml.leaf("offset", &((step - measure.first_step) * DIVISIONS / 4).to_string());
            xml.close("direction");
        }
    }
}

/// Dynamics and hairpins for every staff, above the words; other words on the top one. Those of one note, before which they
/// stand: not all programs heed an offset.
fn expressions(xml: &mut Xml, measure: &Measure, of_note: Range<u32>, is_top: bool) {
    for (position, expression) in measure.expressions.iter().filter(|(position, _)| of_note.contains(position)) {
        if matches!(expression, WrittenExpression::Words(_)) && !is_top {
            continue;
        }
        xml.open("direction placement=\"above\"");
        xml.open("direction-type");
        match expression {
            WrittenExpression::Words(words) => xml.leaf_with("words", "font-style=\"italic\"", words),
            WrittenExpression::Dynamic(name) => dynamics(xml, name),
            WrittenExpression::HairpinStart { louder: true } => xml.empty("wedge type=\"crescendo\""),
            WrittenExpression::HairpinStart { louder: false } => xml.empty("wedge type=\"diminuendo\""),
            WrittenExpression::HairpinStop => xml.empty("wedge type=\"stop\""),
        }
        xml.close("direction-type");
        if *position > of_note.start {
            xml.leaf("offset", &(position - of_note.start).to_string());
        }
        xml.close("direction");
    }
}

fn dynamics(xml: &mut Xml, name: &str) {
    const NAMES: [&str; 26] = [
        "p", "pp", "ppp", "pppp", "ppppp", "pppppp", "f", "ff", "fff", "ffff", "fffff", "ffffff", "mp", "mf", "sf",
        "sfp", "sfpp", "fp", "rf", "rfz", "sfz", "sffz", "fz", "n", "pf", "sfzp",
    ];
    xml.open("dynamics");
    match NAMES.contains(&name) {
        true => xml.empty(name),
        false => xml.leaf("other-dynamics", name),
    }
    xml.close("dynamics");
}

/// The first tempo is printed; later ones only sound where the file was played and not written, for it has many.
fn tempos(xml: &mut Xml, measure: &Measure, is_first: bool, is_notated: bool) {
    // The note value that the metre counts in, whether it is dotted, and how many quarters it has.
    let metre = measure.metre;
    let is_dotted = metre.is_compound() || metre.has_dotted_beats();
    let (unit, quarters) = match metre.denominator() {
        4 if is_dotted => ("half", 3.0),
        8 if is_dotted => ("quarter", 1.5),
        _ if is_dotted => ("eighth", 0.75),
        1 | 2 => ("half", 2.0),
        _ => ("quarter", 1.0),
    };
    for (index, (position, tempo)) in measure.tempos.iter().enumerate() {
        let beats = 60_000_000.0 / f64::from((*tempo).max(1));
        let beats = (beats * 100.0).round() / 100.0;
        let is_printed = is_notated || (is_first && index == 0);
        if is_printed {
            xml.open("direction placement=\"above\"");
            xml.open("direction-type");
            xml.open("metronome");
            xml.leaf("beat-unit", unit);
            if is_dotted {
                xml.empty("beat-unit-dot");
            }
            xml.leaf("per-minute", &format!("{}", (beats / quarters).round()));
            xml.close("metronome");
            xml.close("direction-type");
            if *position > 0 {
                xml.leaf("offset", &position.to_string());
            }
            xml.empty(&format!("sound tempo=\"{beats}\""));
            xml.close("direction");
        } else {
            xml.open(&format!("sound tempo=\"{beats}\""));
            xml.leaf("offset", &position.to_string());
            xml.close("sound");
        }
    }
}

fn rehearsal_marks(xml: &mut Xml, measure: &Measure) {
    for (position, marker) in &measure.markers {
        let text = smf::text(marker);
        if text.is_empty() {
            continue;
        }
        xml.open("direction placement=\"above\"");
        xml.open("direction-type");
        xml.leaf("rehearsal", &text);
        xml.close("direction-type");
        if *position > 0 {
            xml.leaf("offset", &position.to_string());
        }
        xml.close("direction");
    }
}
