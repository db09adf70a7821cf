//! Scores as MusicXML 4.0 (W3C, score-partwise) for notation programs to print.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chorale::harmony::Spelling;
use chorale::{Part, Pitch};
use thiserror::Error;

use crate::ensemble::{Ensemble, Scoring};
use crate::grid::Grid;
use crate::notation::{Beam, DIVISIONS, Item, Measure, Sound, TooLong, Tuplet, is_compound, measures};
use crate::score::{Creator, Direction, Score, Tick, sung_at};
use crate::smf;

/// How the four parts stand on staves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A staff each, for choirs.
    #[default]
    Open,
    /// Soprano with alto, tenor with bass, as hymnals print.
    Closed,
}

/// Why a piece cannot be a score.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Unwritable {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("it goes down to {0}, and MusicXML only to C0; move it up, or write MIDI")]
    TooLow(Spelling),
}

/// A choir score, with `marks` (a step of the grid, and words) above the top staff.
///
/// # Errors
/// Where the piece has more measures than anyone engraves, or lower notes than MusicXML can say.
pub fn write(score: &Score, grid: &Grid, layout: Layout, marks: &[(u32, String)]) -> Result<String, Unwritable> {
    let measures = measures(score, grid)?;
    let sounds = measures.iter().flat_map(|measure| &measure.parts).flatten().filter_map(|item| item.sound.as_ref());
    if let Some(sound) = sounds.min_by_key(|sound| sound.spelling.octave).filter(|sound| sound.spelling.octave < 0) {
        return Err(Unwritable::TooLow(sound.spelling));
    }
    let sung = score.ensemble.parts();
    let staves: Vec<Vec<Part>> = match layout {
        Layout::Open => sung.iter().map(|part| vec![*part]).collect(),
        Layout::Closed => {
            let (upper, lower) = sung.iter().partition(|part| matches!(part, Part::Soprano | Part::Alto));
            vec![upper, lower]
        }
    };
    let mut xml = Xml::default();
    xml.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n");
    xml.text.push_str(concat!(
        "<!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" ",
        "\"http://www.musicxml.org/dtds/partwise.dtd\">\n"
    ));
    xml.open("score-partwise version=\"4.0\"");
    if let Some(title) = &score.title {
        xml.open("work");
        xml.leaf("work-title", title);
        xml.close("work");
    }
    xml.open("identification");
    for Creator { role, name } in &score.creators {
        xml.leaf_with("creator", &format!("type=\"{}\"", escape(role)), name);
    }
    for (_, direction) in &score.directions {
        if let Direction::Copyright(notice) = direction {
            xml.leaf("rights", &smf::text(notice));
        }
    }
    xml.open("encoding");
    xml.leaf("software", concat!("performer ", env!("CARGO_PKG_VERSION")));
    xml.close("encoding");
    xml.close("identification");
    part_list(&mut xml, score.ensemble, &staves);
    let lyrics = syllables(score);
    for (index, parts) in staves.iter().enumerate() {
        xml.open(&format!("part id=\"P{}\"", index + 1));
        let staff = Staff { score, parts, lyrics: &lyrics, marks, is_top: index == 0 };
        for (number, measure) in measures.iter().enumerate() {
            staff.measure(&mut xml, measure, number == 0, number + 1 == measures.len());
        }
        xml.close("part");
    }
    xml.close("score-partwise");
    Ok(xml.text)
}

fn part_list(xml: &mut Xml, ensemble: Ensemble, staves: &[Vec<Part>]) {
    xml.open("part-list");
    xml.open("part-group number=\"1\" type=\"start\"");
    xml.leaf("group-symbol", "bracket");
    xml.close("part-group");
    for (index, parts) in staves.iter().enumerate() {
        let id = index + 1;
        let names: Vec<&str> = parts.iter().map(|part| ensemble.name(*part)).collect();
        let short: Vec<String> = parts.iter().map(|part| format!("{}.", ensemble.short_name(*part))).collect();
        xml.open(&format!("score-part id=\"P{id}\""));
        xml.leaf("part-name", &names.join(" "));
        xml.leaf("part-abbreviation", &short.join(" "));
        xml.open(&format!("score-instrument id=\"P{id}-I1\""));
        xml.leaf("instrument-name", "Choir Aahs");
        xml.close("score-instrument");
        xml.open(&format!("midi-instrument id=\"P{id}-I1\""));
        xml.leaf("midi-channel", &id.to_string());
        // General MIDI's choir, counted from 1.
        xml.leaf("midi-program", "53");
        xml.close("midi-instrument");
        xml.close("score-part");
    }
    xml.empty("part-group number=\"1\" type=\"stop\"");
    xml.close("part-list");
}

/// A syllable as MusicXML has it.
pub struct Syllable {
    pub verse: u8,
    /// Whether its word began before, and whether it goes on.
    begun: bool,
    pub goes_on: bool,
    pub text: String,
}

/// By the start of the melody's note. MIDI files mark words in two ways: by hyphens inside, or by spaces between.
pub fn syllables(score: &Score) -> BTreeMap<Tick, Vec<Syllable>> {
    let melody = score.part(score.melody);
    let decode = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    let mut syllables: BTreeMap<Tick, Vec<Syllable>> = BTreeMap::new();
    let mut verses: Vec<u8> = score.lyrics.iter().map(|lyric| lyric.verse).collect();
    verses.sort_unstable();
    verses.dedup();
    for verse in verses {
        let lines: Vec<(Tick, String)> = score
            .lyrics
            .iter()
            .filter(|lyric| lyric.verse == verse)
            .map(|lyric| (lyric.tick, decode(&lyric.text)))
            .collect();
        let has_hyphens = lines.iter().any(|(_, text)| text.trim_end().ends_with('-'));
        let has_spaces = lines.iter().any(|(_, text)| text.starts_with(' ') || text.ends_with(' '));
        let mut begun = false;
        for (index, (tick, text)) in lines.iter().enumerate() {
            let next = lines.get(index + 1).map(|(_, next)| next.as_str());
            let begins_line = |text: &str| text.starts_with([' ', '/', '\\', '\r', '\n']);
            let goes_on = if has_hyphens {
                text.trim_end().ends_with('-')
            } else {
                has_spaces && !text.ends_with([' ', '\r', '\n']) && next.is_some_and(|next| !begins_line(next))
            };
            // Marks of karaoke programs: a slash for a line, a backslash for a paragraph, @ for what is not sung.
            let is_heading = text.starts_with('@');
            let shown = smf::text(text.trim_start_matches(['/', '\\']).as_bytes());
            let shown = shown.trim_end_matches('-').trim();
            if is_heading || shown.is_empty() {
                continue;
            }
            let Some(start) = sung_at(melody, *tick) else { continue };
            let syllable = Syllable { verse, begun, goes_on, text: shown.to_owned() };
            let at = syllables.entry(start).or_default();
            match at.iter_mut().find(|other| other.verse == verse) {
                // Two on one note are sung together.
                Some(before) => {
                    before.text = format!("{} {}", before.text, syllable.text);
                    before.goes_on = goes_on;
                }
                None => at.push(syllable),
            }
            begun = goes_on;
        }
    }
    syllables
}

/// One staff of the score, with one part or two.
struct Staff<'a> {
    score: &'a Score,
    parts: &'a [Part],
    lyrics: &'a BTreeMap<Tick, Vec<Syllable>>,
    marks: &'a [(u32, String)],
    /// What holds for all staves is written on the top one.
    is_top: bool,
}

impl Staff<'_> {
    fn measure(&self, xml: &mut Xml, measure: &Measure, is_first: bool, is_last: bool) {
        let metre = measure.metre;
        let whole = u32::from(metre.numerator) * 4 * DIVISIONS / u32::from(metre.denominator());
        let implicit = if measure.length < whole && !is_last { " implicit=\"yes\"" } else { "" };
        xml.open(&format!("measure number=\"{}\"{implicit}", measure.number));
        if is_first || measure.new_key || measure.new_metre {
            xml.open("attributes");
            if is_first {
                xml.leaf("divisions", &DIVISIONS.to_string());
            }
            if measure.new_key {
                xml.open("key");
                xml.leaf("fifths", &measure.key.sharps.to_string());
                xml.leaf("mode", if measure.key.minor { "minor" } else { "major" });
                xml.close("key");
            }
            if measure.new_metre {
                xml.open("time");
                xml.leaf("beats", &metre.numerator.to_string());
                xml.leaf("beat-type", &metre.denominator().to_string());
                xml.close("time");
            }
            if is_first {
                self.clef(xml);
            }
            xml.close("attributes");
        }
        if self.is_top {
            directions(xml, measure, is_first, self.score.is_notated);
            self.marks(xml, measure);
        }
        // Letter and octave, as altered so far in the measure.
        let mut altered: BTreeMap<(char, i8), i8> = BTreeMap::new();
        let mut accidentals: BTreeMap<(usize, u32), i8> = BTreeMap::new();
        let mut sounding: Vec<(u32, usize, &Sound)> = Vec::new();
        for (voice, part) in self.parts.iter().enumerate() {
            let items = &measure.parts[part.index()];
            sounding.extend(items.iter().filter_map(|item| Some((item.position, voice, item.sound.as_ref()?))));
        }
        // In the order of reading, since the voices of a staff share its accidentals.
        sounding.sort_by_key(|(position, voice, _)| (*position, *voice));
        for (position, voice, sound) in sounding {
            let spelling = sound.spelling;
            let place = (spelling.letter, spelling.octave);
            let present = altered.get(&place).copied().unwrap_or_else(|| spelling.signature_alteration(measure.key));
            if sound.tied_from {
                continue;
            }
            if present != spelling.alteration {
                accidentals.insert((voice, position), spelling.alteration);
                altered.insert(place, spelling.alteration);
            }
        }
        for (voice, part) in self.parts.iter().enumerate() {
            if voice > 0 {
                xml.open("backup");
                xml.leaf("duration", &measure.length.to_string());
                xml.close("backup");
            }
            for item in &measure.parts[part.index()] {
                self.item(xml, *part, voice, item, accidentals.get(&(voice, item.position)).copied());
            }
        }
        if is_last {
            xml.open("barline location=\"right\"");
            xml.leaf("bar-style", "light-heavy");
            xml.close("barline");
        }
        xml.close("measure");
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

    fn clef(&self, xml: &mut Xml) {
        let notes = || self.parts.iter().flat_map(|part| self.score.part(*part));
        let count = notes().count().max(1) as f64;
        let mean = notes().map(|note| f64::from(note.pitch.midi())).sum::<f64>() / count;
        let middle_c = f64::from(Pitch::LOWEST.midi()) + 24.0;
        let is_alone = self.parts.len() == 1;
        let is_of_men = self.score.ensemble.voicing == Scoring::Ttbb;
        let (sign, line, octave) = match self.parts[0] {
            Part::Soprano | Part::Alto if is_of_men => ("G", "2", -1),
            Part::Tenor if is_of_men => ("F", "4", 0),
            Part::Bass => ("F", "4", 0),
            Part::Tenor if !is_alone => ("F", "4", 0),
            Part::Tenor => ("G", "2", -1),
            _ if notes().next().is_some() && mean < middle_c - 3.0 => ("G", "2", -1),
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

    fn item(&self, xml: &mut Xml, part: Part, voice: usize, item: &Item, accidental: Option<i8>) {
        let begins = item.sound.as_ref().filter(|sound| !sound.tied_from);
        xml.open("note");
        match &item.sound {
            Some(sound) => {
                xml.open("pitch");
                xml.leaf("step", &sound.spelling.letter.to_string());
                if sound.spelling.alteration != 0 {
                    xml.leaf("alter", &sound.spelling.alteration.to_string());
                }
                xml.leaf("octave", &sound.spelling.octave.to_string());
                xml.close("pitch");
            }
            None if item.value.is_none() => xml.empty("rest measure=\"yes\""),
            None => xml.empty("rest"),
        }
        xml.leaf("duration", &item.length.to_string());
        let ties = item.sound.as_ref().map_or((false, false), |sound| (sound.tied_from, sound.tied_to));
        if ties.0 {
            xml.empty("tie type=\"stop\"");
        }
        if ties.1 {
            xml.empty("tie type=\"start\"");
        }
        xml.leaf("voice", &(voice + 1).to_string());
        if let Some(value) = item.value {
            xml.leaf("type", type_name(value.denominator));
            (0..value.dots).for_each(|_| xml.empty("dot"));
            if let Some(accidental) = accidental {
                xml.leaf("accidental", accidental_name(accidental));
            }
            if value.triplet {
                xml.open("time-modification");
                xml.leaf("actual-notes", "3");
                xml.leaf("normal-notes", "2");
                xml.close("time-modification");
            }
        }
        if self.parts.len() > 1 && item.sound.is_some() {
            xml.leaf("stem", if voice == 0 { "up" } else { "down" });
        }
        for (level, beam) in (1..).zip(&item.beams) {
            let name = match beam {
                Beam::Begin => "begin",
                Beam::Continue => "continue",
                Beam::End => "end",
                Beam::ForwardHook => "forward hook",
                Beam::BackwardHook => "backward hook",
            };
            xml.leaf_with("beam", &format!("number=\"{level}\""), name);
        }
        let fermata = item.sound.as_ref().is_some_and(|sound| sound.fermata);
        if ties.0 || ties.1 || item.tuplet.is_some() || fermata {
            xml.open("notations");
            if ties.0 {
                xml.empty("tied type=\"stop\"");
            }
            if ties.1 {
                xml.empty("tied type=\"start\"");
            }
            match item.tuplet {
                Some(Tuplet::Start) => xml.empty("tuplet type=\"start\" number=\"1\""),
                Some(Tuplet::Stop) => xml.empty("tuplet type=\"stop\" number=\"1\""),
                None => {}
            }
            // Below on the lower voice of a staff, upside down, as engravers do.
            if fermata && voice > 0 {
                xml.empty("fermata type=\"inverted\"");
            } else if fermata {
                xml.empty("fermata type=\"upright\"");
            }
            xml.close("notations");
        }
        if let Some(sound) = begins
            && (part == self.score.melody || self.score.all_sing && self.parts.len() == 1)
        {
            for syllable in self.lyrics.get(&sound.start).into_iter().flatten() {
                xml.open(&format!("lyric number=\"{}\"", syllable.verse));
                let syllabic = match (syllable.begun, syllable.goes_on) {
                    (false, false) => "single",
                    (false, true) => "begin",
                    (true, true) => "middle",
                    (true, false) => "end",
                };
                xml.leaf("syllabic", syllabic);
                xml.leaf("text", &syllable.text);
                xml.close("lyric");
            }
        }
        xml.close("note");
    }
}

/// The first tempo is printed; later ones only sound where the file was played and not written, for it has many.
fn directions(xml: &mut Xml, measure: &Measure, is_first: bool, is_notated: bool) {
    // Quarters of what the metre counts.
    let (unit, quarters) = match measure.metre.denominator() {
        _ if is_compound(measure.metre) => ("quarter", 1.5),
        1 | 2 => ("half", 2.0),
        _ => ("quarter", 1.0),
    };
    for (index, (position, tempo)) in measure.tempos.iter().enumerate() {
        let beats = 60_000_000.0 / f64::from((*tempo).max(1));
        let beats = (beats * 100.0).round() / 100.0;
        let is_shown = is_notated || (is_first && index == 0);
        if is_shown {
            xml.open("direction placement=\"above\"");
            xml.open("direction-type");
            xml.open("metronome");
            xml.leaf("beat-unit", unit);
            if quarters == 1.5 {
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

/// Text in the making, indented.
#[derive(Default)]
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
    }

    /// `tag` with its attributes, which must need no escaping.
    fn open(&mut self, tag: &str) {
        self.indent();
        let _ = writeln!(self.text, "<{tag}>");
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    fn empty(&mut self, tag: &str) {
        self.indent();
        let _ = writeln!(self.text, "<{tag}/>");
    }

    fn leaf(&mut self, name: &str, content: &str) {
        self.leaf_with(name, "", content);
    }

    fn leaf_with(&mut self, name: &str, attributes: &str, content: &str) {
        self.indent();
        let space = if attributes.is_empty() { "" } else { " " };
        let _ = writeln!(self.text, "<{name}{space}{attributes}>{}</{name}>", escape(content));
    }
}

/// For text and attributes of XML and HTML; without the characters that XML 1.0 forbids.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reader::{compress, read};
    use super::*;
    use crate::any_score::any_score;
    use crate::score::{Direction, Note};

    proptest! {
        #[test]
        fn a_written_score_comes_back_note_for_note(score in any_score(), closed: bool) {
            // On thirty-seconds, within the octaves that are written, and without gaps: what notation keeps.
            let mut score = Score { directions: Vec::new(), lyrics: Vec::new(), ..score };
            let unit = Tick::from(score.ticks_per_quarter / 4);
            for notes in &mut score.parts {
                notes.truncate(20);
                let mut now = 0;
                for note in notes {
                    let length = 1 + (note.end - note.start) % 9;
                    (note.start, note.end) = (now * unit, (now + length) * unit);
                    now += length;
                    note.pitch = Pitch::new(note.pitch.midi().clamp(24, 108)).unwrap();
                }
            }
            let grid = Grid::new(score.ticks_per_quarter, &[], 0);
            let layout = if closed { Layout::Closed } else { Layout::Open };
            let text = write(&score, &grid, layout, &[]).unwrap();
            let source = read(text.as_bytes()).unwrap();
            prop_assert_eq!(&source.title, &score.title);
            let sixteenths = |ticks: Tick, per_quarter: u16| f64::from(ticks) * 4.0 / f64::from(per_quarter);
            for part in Part::ALL {
                let (track, line) = if closed { (part.index() / 2, part.index() as u8 % 2) } else { (part.index(), 0) };
                let voices: Vec<&Vec<Note>> = source.tracks[track].channels.values().collect();
                // A part that only rests has no line.
                let line = if closed && score.parts[part.index() - usize::from(line)].is_empty() { 0 } else { line };
                let found = voices.get(usize::from(line)).map(|notes| notes.as_slice()).unwrap_or_default();
                if score.part(part).is_empty() {
                    continue;
                }
                prop_assert_eq!(found.len(), score.part(part).len());
                for (found, written) in found.iter().zip(score.part(part)) {
                    prop_assert_eq!(found.pitch, written.pitch);
                    for (a, b) in [(found.start, written.start), (found.end, written.end)] {
                        prop_assert_eq!(sixteenths(a, source.ticks_per_quarter), sixteenths(b, score.ticks_per_quarter));
                    }
                }
            }
        }

        #[test]
        fn only_octaves_that_the_format_knows_are_written(midi in 0u8..128, sharps in -7i8..8) {
            let note = Note { start: 0, end: 480, pitch: Pitch::new(midi).unwrap(), velocity: 80 };
            let mut score = Score {
                ticks_per_quarter: 480,
                directions: vec![(0, Direction::Key { sharps, minor: false })],
                ..Score::default()
            };
            score.parts[0] = vec![note];
            let grid = Grid::new(480, &[], 0);
            match write(&score, &grid, Layout::Open, &[]) {
                Ok(text) => {
                    let octaves = text.split("<octave>").skip(1).map(|rest| rest.split('<').next().unwrap().parse());
                    prop_assert!(octaves.map(Result::unwrap).all(|octave: i32| (0..=9).contains(&octave)), "{}", text);
                }
                Err(error) => prop_assert!(midi <= 12 && error.to_string().contains("-"), "{error}"),
            }
        }

        #[test]
        fn damaged_scores_are_read_or_refused_without_a_panic(
            score in any_score(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            compressed: bool,
        ) {
            let grid = Grid::new(score.ticks_per_quarter, &score.directions, 0);
            let Ok(text) = write(&score, &grid, Layout::Open, &[]) else { return Ok(()) };
            let mut bytes = if compressed { compress(&text) } else { text.into_bytes() };
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = read(&bytes);
        }
    }
}
