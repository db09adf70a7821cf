//! A `<note>`: a note, a piece of a tied one, or a rest.

use super::lyrics::Syllable;
use super::xml::Xml;
use crate::notation::{Beam, Item, Tuplet, Value};

pub(super) struct NoteElement<'a> {
    pub item: &'a Item,
    /// From 0, the upper one.
    pub voice: usize,
    /// Whether its voice is the only one on the staff.
    pub is_alone: bool,
    /// What to print before it.
    pub accidental: Option<i8>,
    /// What is sung from here on.
    pub syllables: &'a [Syllable],
    /// Whether its syllables last as long as the file they come from says.
    pub is_melody: bool,
}

impl NoteElement<'_> {
    /// Whether a line follows a syllable: where the melody's source has one, and in the other parts where a word ends on several
    /// notes.
    fn extends(&self, syllable: &Syllable) -> bool {
        match &self.item.notehead {
            Some(head) if !self.is_melody => !syllable.goes_on && !head.slurs_from.is_empty(),
            _ => syllable.extends,
        }
    }

    /// In the order of elements that the format prescribes.
    pub fn write(&self, xml: &mut Xml) {
        xml.open("note");
        self.pitch(xml);
        xml.leaf("duration", &self.item.length.to_string());
        self.ties(xml, "tie");
        xml.leaf("voice", &(self.voice + 1).to_string());
        if let Some(value) = self.item.value {
            self.value(xml, value);
        }
        if !self.is_alone && self.item.notehead.is_some() {
            xml.leaf("stem", if self.voice == 0 { "up" } else { "down" });
        }
        for (level, beam) in (1..).zip(&self.item.beams) {
            xml.leaf_with("beam", &format!("number=\"{level}\""), beam_name(*beam));
        }
        self.notations(xml);
        self.syllables.iter().for_each(|syllable| lyric(xml, syllable, self.extends(syllable)));
        xml.close("note");
    }

    fn pitch(&self, xml: &mut Xml) {
        match &self.item.notehead {
            Some(head) => {
                xml.open("pitch");
                xml.leaf("step", &head.spelling.letter.to_string());
                if head.spelling.alteration != 0 {
                    xml.leaf("alter", &head.spelling.alteration.to_string());
                }
                xml.leaf("octave", &head.spelling.octave.to_string());
                xml.close("pitch");
            }
            None if self.item.value.is_none() => xml.empty("rest measure=\"yes\""),
            None => xml.empty("rest"),
        }
    }

    /// As `<tie>`, which sounds, or as `<tied>`, which is printed.
    fn ties(&self, xml: &mut Xml, name: &str) {
        let Some(head) = &self.item.notehead else { return };
        if head.tied_from {
            xml.empty(&format!("{name} type=\"stop\""));
        }
        if head.tied_to {
            xml.empty(&format!("{name} type=\"start\""));
        }
    }

    fn value(&self, xml: &mut Xml, value: Value) {
        xml.leaf("type", type_name(value.denominator));
        (0..value.dots).for_each(|_| xml.empty("dot"));
        if let Some(accidental) = self.accidental {
            xml.leaf("accidental", accidental_name(accidental));
        }
        if value.triplet {
            xml.open("time-modification");
            xml.leaf("actual-notes", "3");
            xml.leaf("normal-notes", "2");
            xml.close("time-modification");
        }
    }

    fn notations(&self, xml: &mut Xml) {
        let head = self.item.notehead.as_ref();
        let is_tied = head.is_some_and(|head| head.tied_from || head.tied_to);
        let fermata = head.is_some_and(|head| head.fermata);
        let breath = head.is_some_and(|head| head.breath);
        let has_slurs = head.is_some_and(|head| !head.slurs_from.is_empty() || !head.slurs_to.is_empty());
        if !is_tied && self.item.tuplet.is_none() && !fermata && !breath && !has_slurs {
            return;
        }
        xml.open("notations");
        self.ties(xml, "tied");
        for (numbers, kind) in head.iter().flat_map(|head| [(&head.slurs_to, "stop"), (&head.slurs_from, "start")]) {
            numbers.iter().for_each(|number| xml.empty(&format!("slur type=\"{kind}\" number=\"{number}\"")));
        }
        match self.item.tuplet {
            Some(Tuplet::Start) => xml.empty("tuplet type=\"start\" number=\"1\""),
            Some(Tuplet::Stop) => xml.empty("tuplet type=\"stop\" number=\"1\""),
            None => {}
        }
        if breath {
            xml.open("articulations");
            xml.empty("breath-mark");
            xml.close("articulations");
        }
        // Below on the lower voice of a staff, upside down, as engravers do.
        if fermata && self.voice > 0 {
            xml.empty("fermata type=\"inverted\"");
        } else if fermata {
            xml.empty("fermata type=\"upright\"");
        }
        xml.close("notations");
    }
}

fn lyric(xml: &mut Xml, syllable: &Syllable, extends: bool) {
    xml.open(&format!("lyric number=\"{}\"", syllable.verse));
    let syllabic = match (syllable.begun, syllable.goes_on) {
        (false, false) => "single",
        (false, true) => "begin",
        (true, true) => "middle",
        (true, false) => "end",
    };
    xml.leaf("syllabic", syllabic);
    xml.leaf("text", &syllable.text);
    if extends {
        xml.empty("extend");
    }
    xml.close("lyric");
}

fn beam_name(beam: Beam) -> &'static str {
    match beam {
        Beam::Begin => "begin",
        Beam::Continue => "continue",
        Beam::End => "end",
        Beam::ForwardHook => "forward hook",
        Beam::BackwardHook => "backward hook",
    }
}

fn type_name(denominator: u32) -> &'static str {
    match denominator {
        1 => "whole",
        2 => "half",
        4 => "quarter",
        8 => "eighth",
        16 => "16th",
        32 => "32nd",
        _ => "64th",
    }
}

fn accidental_name(alteration: i8) -> &'static str {
    match alteration {
        ..=-2 => "flat-flat",
        -1 => "flat",
        0 => "natural",
        1 => "sharp",
        2.. => "double-sharp",
    }
}
