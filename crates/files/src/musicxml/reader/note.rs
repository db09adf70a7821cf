//! One `<note>`: pitch, spelling, ties, slurs, fermata, breath and words.

use chorale::{Pitch, Spelling};
use roxmltree::Node;

use super::ReadError;
use super::elements::{child, children, text_of};
use super::part::Context;
use crate::score::Tick;
use crate::written::{WrittenLyric, WrittenNote};

/// What stands between the syllables of two words on one note where the file doesn't tell.
const UNDERTIE: &str = "\u{203f}";

const LETTERS: [(char, i32); 7] = [('C', 0), ('D', 2), ('E', 4), ('F', 5), ('G', 7), ('A', 9), ('B', 11)];

/// From written to sounding pitch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transposition {
    pub semitones: i32,
    /// By how many letters the name of the note moves; `None` where the file doesn't tell.
    letters: Option<i32>,
}

impl Transposition {
    pub const NONE: Transposition = Transposition { semitones: 0, letters: Some(0) };

    pub fn read(transpose: Node, context: &Context) -> Result<Transposition, ReadError> {
        let number = |name, most: f64, expected| match text_of(transpose, name) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse::<f64>() {
                Ok(number) if number.abs() <= most => Ok(Some(number as i32)),
                _ => Err(context.value_error(name, text, expected)),
            },
        };
        let chromatic = number("chromatic", 60.0, "-60 to 60 semitones")?.unwrap_or(0);
        let octaves = number("octave-change", 5.0, "-5 to 5 octaves")?.unwrap_or(0);
        let diatonic = number("diatonic", 35.0, "-35 to 35 letters")?;
        let of_octaves = (chromatic % 12 == 0).then_some(chromatic / 12 * 7);
        let letters = diatonic.filter(|letters| *letters != 0 || chromatic == 0).or(of_octaves);
        let letters = letters.map(|letters| letters + 7 * octaves);
        Ok(Transposition { semitones: chromatic + 12 * octaves, letters })
    }
}

/// `None` for a rest, and for what has no pitch.
pub(super) fn read_note(
    node: Node,
    start: f64,
    length: f64,
    context: &mut Context,
) -> Result<Option<WrittenNote>, ReadError> {
    let Some(pitch) = child(node, "pitch") else { return Ok(None) };
    let line = line_of(node);
    let (pitch, spelling) = read_pitch(pitch, line.0, context)?;
    let notations = || children(node, "notations");
    let ties = |kind: &str| {
        let tied = notations().flat_map(|notations| children(notations, "tied"));
        children(node, "tie").chain(tied).any(|tie| tie.attribute("type") == Some(kind))
    };
    let slurs = |kind: &str| {
        let slurs = notations().flat_map(|notations| children(notations, "slur"));
        let slurs = slurs.filter(|slur| slur.attribute("type") == Some(kind));
        slurs.map(|slur| slur.attribute("number").and_then(|number| number.parse().ok()).unwrap_or(1)).collect()
    };
    // Its end is rounded rather than its length, so that the next one begins there.
    let end = (start + length).round();
    let start = start.round();
    Ok(Some(WrittenNote {
        line,
        start: start as Tick,
        length: (end - start) as Tick,
        pitch,
        spelling,
        tied_from: ties("stop"),
        tied_to: ties("start"),
        fermata: notations().any(|notations| child(notations, "fermata").is_some()),
        breath: notations().flat_map(|notations| children(notations, "articulations")).any(has_breath),
        slurs_from: slurs("start"),
        slurs_to: slurs("stop"),
        lyrics: read_words(node),
    }))
}

fn has_breath(articulations: Node) -> bool {
    child(articulations, "breath-mark").or_else(|| child(articulations, "caesura")).is_some()
}

/// The staff and the voice of a note or rest.
pub(super) fn line_of(node: Node) -> (u32, String) {
    let staff = text_of(node, "staff").and_then(|staff| staff.parse().ok()).unwrap_or(1);
    (staff, text_of(node, "voice").unwrap_or("1").to_owned())
}

/// The sounding pitch, and how it is written; `None` where a staff transposes without telling the letters.
fn read_pitch(pitch: Node, staff: u32, context: &mut Context) -> Result<(Pitch, Option<Spelling>), ReadError> {
    let letter = text_of(pitch, "step").unwrap_or_default();
    let place = LETTERS.iter().position(|(name, _)| letter.chars().eq([*name]));
    let place = place.ok_or_else(|| context.value_error("step", letter, "a letter from A to G"))?;
    let octave_text = text_of(pitch, "octave").unwrap_or_default();
    let octave = octave_text.parse::<i32>().ok().filter(|octave| (-1..=9).contains(octave));
    let octave = octave.ok_or_else(|| context.value_error("octave", octave_text, "0 to 9"))?;
    let alter_text = text_of(pitch, "alter").filter(|text| !text.is_empty()).unwrap_or("0");
    let alteration = alter_text.parse::<f64>().ok().filter(|alteration| alteration.abs() <= 3.0);
    let alteration = alteration.ok_or_else(|| context.value_error("alter", alter_text, "-3 to 3 semitones"))?;
    context.quarter_tones += usize::from(alteration.fract() != 0.0);
    // They are rounded towards the natural note.
    let alteration = alteration as i32;
    let moved = context.transposition(staff);
    let sounding = 12 * (octave + 1) + LETTERS[place].1 + alteration + moved.semitones;
    let Some(pitch) = u8::try_from(sounding).ok().and_then(Pitch::new) else {
        return Err(context.value_error(
            "octave",
            octave_text,
            "a pitch that sounds within C-1 to G9, as MIDI has them",
        ));
    };
    let spelling = moved.letters.and_then(|letters| spelled(sounding, 7 * octave + place as i32 + letters));
    Ok((pitch, spelling))
}

/// A pitch on the line of the staff that is so many letters above C0; `None` where that takes triple accidentals.
fn spelled(sounding: i32, line: i32) -> Option<Spelling> {
    let octave = line.div_euclid(7);
    let (letter, natural) = LETTERS[line.rem_euclid(7) as usize];
    let alteration = sounding - 12 * (octave + 1) - natural;
    let octave = i8::try_from(octave).ok()?;
    (-3..=3).contains(&alteration).then_some(Spelling { letter, alteration: alteration as i8, octave })
}

/// The syllables under a note or rest.
pub(super) fn read_words(node: Node) -> Vec<WrittenLyric> {
    (1..=u8::MAX).zip(children(node, "lyric")).filter_map(|(place, lyric)| read_lyric(place, lyric)).collect()
}

/// A syllable, with a hyphen where its word goes on; `place` numbers its verse where the file doesn't.
fn read_lyric(place: u8, lyric: Node) -> Option<WrittenLyric> {
    let mut text = String::new();
    let mut elision = None;
    for node in lyric.children().filter(Node::is_element) {
        let content = node.text().unwrap_or_default();
        match node.tag_name().name() {
            "elision" => elision = Some(if matches!(content, "" | "_") { UNDERTIE } else { content }),
            "text" => {
                let between = if text.is_empty() { "" } else { elision.unwrap_or(" ") };
                text.push_str(between);
                text.push_str(content.trim());
                elision = None;
            }
            _ => {}
        }
    }
    text.retain(|character| !character.is_control());
    if text.trim().is_empty() {
        return None;
    }
    // A word that is divided by elision goes on where its last syllable does.
    let syllabic = children(lyric, "syllabic").last().and_then(|syllabic| syllabic.text());
    if matches!(syllabic.map(str::trim), Some("begin" | "middle")) && !text.ends_with('-') {
        text.push('-');
    }
    if child(lyric, "end-line").or_else(|| child(lyric, "end-paragraph")).is_some() {
        // As MIDI files end a line of words.
        text.push('\r');
    }
    // Some programs write `part1verse2`.
    let number = lyric.attribute("number").and_then(|number| number.rsplit(|c: char| !c.is_ascii_digit()).next());
    let verse = number.and_then(|number| number.parse().ok()).filter(|verse| *verse > 0).unwrap_or(place);
    let extends = child(lyric, "extend").is_some_and(|extend| extend.attribute("type") != Some("stop"));
    Some(WrittenLyric { verse, text, extends })
}
