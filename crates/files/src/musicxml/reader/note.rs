//! One `<note>`: pitch, spelling, ties, fermata and words.

use chorale::{Pitch, Spelling};
use roxmltree::Node;

use super::ReadError;
use super::elements::{child, children, text_of};
use super::part::Context;
use crate::score::Tick;

/// A note as written, its times counted in ticks from the bar line.
pub(super) struct WrittenNote {
    /// Staff and voice.
    pub line: (u32, String),
    pub start: Tick,
    pub length: Tick,
    pub pitch: Pitch,
    /// `None` where the instrument transposes.
    pub spelling: Option<Spelling>,
    pub tied_from: bool,
    pub tied_to: bool,
    pub fermata: bool,
    /// Whether a breath is taken after it.
    pub breath: bool,
    /// Verse and syllable.
    pub lyrics: Vec<(u8, Vec<u8>)>,
}

/// `None` for a rest, and for what has no pitch.
pub(super) fn read_note(
    node: Node,
    start: f64,
    length: f64,
    context: &Context,
) -> Result<Option<WrittenNote>, ReadError> {
    let Some(pitch) = child(node, "pitch") else { return Ok(None) };
    let line = line_of(node);
    let (pitch, spelling) = read_pitch(pitch, line.0, context)?;
    let notations = || children(node, "notations");
    let ties = |kind: &str| {
        let tied = notations().flat_map(|notations| children(notations, "tied"));
        children(node, "tie").chain(tied).any(|tie| tie.attribute("type") == Some(kind))
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
        lyrics: (1..=u8::MAX)
            .zip(children(node, "lyric"))
            .filter_map(|(verse, lyric)| read_lyric(verse, lyric))
            .collect(),
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

/// The sounding pitch, and how it is written; `None` on a staff that transposes by other than octaves.
fn read_pitch(pitch: Node, staff: u32, context: &Context) -> Result<(Pitch, Option<Spelling>), ReadError> {
    let letter = text_of(pitch, "step").unwrap_or_default();
    let naturals = [("C", 0), ("D", 2), ("E", 4), ("F", 5), ("G", 7), ("A", 9), ("B", 11)];
    let natural = naturals.iter().find(|(name, _)| *name == letter).map(|(_, class)| *class);
    let natural = natural.ok_or_else(|| context.value_error("step", letter, "a letter from A to G"))?;
    let octave_text = text_of(pitch, "octave").unwrap_or_default();
    let octave = octave_text.parse::<i32>().ok().filter(|octave| (-1..=9).contains(octave));
    let octave = octave.ok_or_else(|| context.value_error("octave", octave_text, "0 to 9"))?;
    // Quarter tones are rounded towards the natural note.
    let alteration = text_of(pitch, "alter").and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let alteration = alteration.clamp(-3.0, 3.0) as i32;
    let moved = context.transposition(staff);
    let sounding = 12 * (octave + 1) + natural + alteration + moved;
    let Some(pitch) = u8::try_from(sounding).ok().and_then(Pitch::new) else {
        return Err(context.value_error("octave", octave_text, "a pitch within C-1 to G9, as MIDI has them"));
    };
    let spelling = (moved % 12 == 0).then(|| Spelling {
        letter: letter.chars().next().unwrap_or('C'),
        alteration: alteration as i8,
        octave: (octave + moved / 12) as i8,
    });
    Ok((pitch, spelling))
}

/// Verse (`place` where the file does not number it) and syllable, with a hyphen where its word goes on.
fn read_lyric(place: u8, lyric: Node) -> Option<(u8, Vec<u8>)> {
    let texts = lyric.children().filter(|child| child.has_tag_name("text"));
    let text: Vec<&str> = texts.filter_map(|text| text.text()).map(str::trim).collect();
    let mut text: String = text.join(" ").chars().filter(|character| !character.is_control()).collect();
    if text.is_empty() {
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
    let number = lyric.attribute("number").and_then(|number| number.parse().ok());
    Some((number.unwrap_or(place), text.into_bytes()))
}
