//! A tune: its head, and its lines of music, words and fields.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::fields::{self, Signature};
use super::lyrics::unescaped;
use super::music::{Sign, signs};
use super::order;
use super::voice::{Heading, Voice};
use super::{FINE_TICKS, ReadError};
use crate::score::{Creator, Direction};
use crate::written::{RepeatSigns, WrittenPart};

/// A longer one fills memory instead of evenings.
const MAX_BYTES: usize = 4 << 20;

/// More voices come from a damaged file.
const MAX_VOICES: usize = 64;

/// A tune as far as it has been read.
pub(super) struct Tune {
    pub title: Option<String>,
    pub creators: Vec<Creator>,
    /// Words under the whole tune (`W:`), line by line.
    pub below: Vec<String>,
    voices: Vec<Voice>,
    /// Their places, by name.
    names: BTreeMap<String, usize>,
    /// The voice that the present line belongs to.
    voice: usize,
    heading: Heading,
    unit_is_told: bool,
    is_in_head: bool,
    /// Whether the line of music before goes on in the next.
    goes_on: bool,
    /// Whether an empty line follows notes.
    is_over: bool,
    graces: usize,
    /// The letters to which the file gives a meaning of its own (`U:`).
    own_signs: BTreeSet<char>,
    /// Whether there are lines in its head that are no fields.
    has_loose_lines: bool,
    /// In which order the head has its parts played, as it stands there and part by part.
    order: Option<(String, Vec<char>)>,
    /// Where parts begin: the measures before each.
    marks: Vec<(char, usize)>,
    /// The voices that a line such as `%%score (S A) B` has printed; `None` where all are.
    printed: Option<BTreeSet<String>>,
    /// Fields that say nothing that can be read, in sentences for the user.
    unread: Vec<String>,
}

/// So many of them are told.
const MOST_UNREAD: usize = 5;

impl Tune {
    /// `head` is what the file says of all its tunes.
    pub fn read(head: &[&str], text: &str) -> Result<Tune, ReadError> {
        if text.len() > MAX_BYTES {
            return Err(ReadError::TooLarge { most: MAX_BYTES, what: "letters" });
        }
        let mut tune = Tune {
            title: None,
            creators: Vec::new(),
            below: Vec::new(),
            voices: Vec::new(),
            names: BTreeMap::new(),
            voice: 0,
            heading: Heading {
                signature: Signature::C_MAJOR,
                metre: None,
                unit: FINE_TICKS / 2,
                tempo: None,
                moved: 0,
            },
            unit_is_told: false,
            is_in_head: true,
            goes_on: false,
            is_over: false,
            graces: 0,
            own_signs: BTreeSet::new(),
            has_loose_lines: false,
            order: None,
            marks: Vec::new(),
            printed: head.iter().copied().chain(text.lines()).filter_map(printed_voices).next_back(),
            unread: Vec::new(),
        };
        // Tags are those of a page that the tune stands in.
        let is_comment = |line: &&str| line.trim_start().starts_with(['%', '<']);
        let lines = head.iter().copied().chain(outside_blocks(text)).filter(|line| !is_comment(line));
        let mut lines = lines.map(without_comment).peekable();
        while let Some(line) = lines.next() {
            let mut line = line.to_owned();
            while let Some(more) = lines.next_if(|next| next.starts_with("+:")) {
                line.push(' ');
                line.push_str(&more[2..]);
            }
            tune.line(&line)?;
        }
        Ok(tune)
    }

    pub fn has_notes(&self) -> bool {
        self.voices.iter().any(Voice::has_notes)
    }

    /// Whether its head never ends, so that no line is one of music.
    pub fn lacks_key(&self) -> bool {
        self.is_in_head && self.has_loose_lines
    }

    pub fn remarks(&self) -> Vec<String> {
        let graces = self.graces;
        let mut remarks = self.unread.clone();
        let hidden = self.names.iter().filter(|(_, voice)| self.is_hidden(**voice)).map(|(name, _)| name.as_str());
        let hidden: Vec<&str> = hidden.collect();
        remarks.extend((!hidden.is_empty()).then(|| {
            format!("not printed, and left out: {} (a line %%score or %%staves names the others)", hidden.join(", "))
        }));
        remarks.extend(self.unmarked_part().map(|(order, part)| {
            format!("P:{order} is left out: no line P:{part} marks part {part}; the parts are played as they stand")
        }));
        remarks.extend((graces > 0).then(|| format!("grace notes are left out ({graces})")));
        remarks
    }

    /// Whether a voice has notes for players alone, while others are printed.
    fn is_hidden(&self, voice: usize) -> bool {
        let Some(printed) = &self.printed else { return false };
        let is_printed =
            |voice: usize| self.names.iter().any(|(name, place)| *place == voice && printed.contains(name));
        let has_notes = |voice: usize| self.voices[voice].has_notes();
        has_notes(voice)
            && !is_printed(voice)
            && (0..self.voices.len()).any(|other| has_notes(other) && is_printed(other))
    }

    /// That a field is left out, and what it should be.
    fn leave_out(&mut self, name: char, value: &str, expected: &str) {
        let value: String = value.chars().filter(|letter| !letter.is_control()).take(40).collect();
        let said = format!("{name}:{value} is left out: {expected}");
        if self.unread.len() < MOST_UNREAD && !self.unread.contains(&said) {
            self.unread.push(said);
        }
    }

    /// A part that the order has and the music does not, with the order.
    fn unmarked_part(&self) -> Option<(&str, char)> {
        let (text, order) = self.order.as_ref().filter(|(_, order)| order.len() > 1)?;
        let unmarked = order.iter().find(|part| self.marks.iter().all(|(marked, _)| marked != *part))?;
        Some((text, *unmarked))
    }

    /// The voices, the signs that all of them follow, and the measures of each part in the order of playing.
    pub fn finish(self) -> (Vec<WrittenPart>, Vec<RepeatSigns>, Vec<Range<usize>>) {
        let mut all: Vec<RepeatSigns> = Vec::new();
        let mut parts = Vec::new();
        let hidden: Vec<bool> = (0..self.voices.len()).map(|voice| self.is_hidden(voice)).collect();
        for (voice, is_hidden) in self.voices.into_iter().zip(hidden).filter(|(voice, _)| voice.has_notes()) {
            let (mut part, signs) = voice.finish();
            if is_hidden {
                part.measures.iter_mut().for_each(|measure| measure.notes.clear());
            }
            all.resize(all.len().max(signs.len()), RepeatSigns::default());
            for (known, sign) in all.iter_mut().zip(signs) {
                known.add(sign);
            }
            parts.push(part);
        }
        let order = self.order.unwrap_or_default().1;
        let sections = order::sections(&order, &self.marks, all.len()).filter(|_| !order.is_empty());
        let whole = 0..all.len();
        (parts, all, sections.unwrap_or_else(|| vec![whole]))
    }

    fn line(&mut self, line: &str) -> Result<(), ReadError> {
        if let Some((name, value)) = field(line) {
            return self.field(name, value);
        }
        // Behind an empty line a tune is over, but for those who leave space between strains.
        self.is_over |= line.trim().is_empty() && !self.is_in_head && self.has_notes();
        self.has_loose_lines |= self.is_in_head && !line.trim().is_empty();
        if self.is_in_head || line.trim().is_empty() || self.is_over && is_prose(line) {
            return Ok(());
        }
        let line = line.trim_end();
        let music = line.strip_suffix('\\').unwrap_or(line);
        let goes_on = self.goes_on;
        self.present()?.begin_line(goes_on);
        for sign in signs(music) {
            match sign {
                Sign::Grace => self.graces += 1,
                Sign::Field('V', value) => {
                    self.turn_to(&value)?;
                    self.present()?.begin_line(goes_on);
                }
                Sign::Field(name, value) => self.field(name, &value)?,
                Sign::Unknown(letter) if self.own_signs.contains(&letter) => {}
                sign => self.present()?.sign(sign)?,
            }
        }
        self.goes_on = line.ends_with('\\');
        Ok(())
    }

    fn field(&mut self, name: char, value: &str) -> Result<(), ReadError> {
        let value = value.trim();
        match name {
            'T' if self.title.is_none() => self.title = Some(unescaped(value)).filter(|title| !title.is_empty()),
            'C' => {
                let name = unescaped(value);
                self.creators.extend((!name.is_empty()).then(|| Creator { role: "composer".into(), name }));
            }
            'V' => self.turn_to(value)?,
            'U' => self.own_signs.extend(value.chars().next()),
            'W' => self.below.push(unescaped(value)),
            'w' if !self.is_in_head => self.present()?.words(value),
            'P' if self.is_in_head => {
                self.order = order::parts(value).map(|parts| (value.to_owned(), parts));
                if self.order.is_none() && !value.is_empty() {
                    self.leave_out(name, value, "an order of parts is one such as P:AABB or P:A(BC)2");
                }
            }
            'P' => {
                let voice = self.present()?;
                voice.direction(Direction::Marker(unescaped(value).into_bytes()));
                let begun = voice.measures_begun();
                let part = value.chars().next().filter(char::is_ascii_uppercase);
                let is_new = |part: &char| self.marks.iter().all(|(marked, _)| marked != part);
                self.marks.extend(part.filter(is_new).map(|part| (part, begun)));
            }
            'M' => {
                let Some(metre) = fields::metre(value) else {
                    self.leave_out(name, value, "a metre is one such as M:3/4, M:C or M:none");
                    return Ok(());
                };
                self.heading.metre = metre;
                if self.is_in_head {
                    self.heading.unit = if self.unit_is_told { self.heading.unit } else { fields::usual_unit(metre) };
                } else {
                    self.present()?.set_metre(metre);
                }
            }
            'L' => {
                let Some(unit) = fields::ticks(value) else {
                    self.leave_out(name, value, "the unit of length is one such as L:1/8");
                    return Ok(());
                };
                if self.is_in_head {
                    (self.heading.unit, self.unit_is_told) = (unit, true);
                } else {
                    self.present()?.unit = unit;
                }
            }
            'Q' => {
                let unit = if self.is_in_head { self.heading.unit } else { self.present()?.unit };
                let tempo = fields::tempo(value, unit);
                let is_told =
                    value.split('"').step_by(2).any(|text| text.contains(|letter: char| letter.is_ascii_digit()));
                if tempo.is_none() && is_told {
                    self.leave_out(name, value, "a tempo is one such as Q:1/4=80, from 4 to 2000 quarters a minute");
                }
                if self.is_in_head {
                    self.heading.tempo = tempo;
                } else if let Some(tempo) = tempo {
                    self.present()?.direction(Direction::Tempo(tempo));
                }
            }
            'K' => {
                let (signature, moved) = (Signature::read(value), fields::semitones(value));
                if fields::is_no_key(value) {
                    self.leave_out(name, value, "a key is one such as K:G, K:Am or K:D dorian");
                }
                if self.is_in_head {
                    self.heading.signature = signature.unwrap_or(Signature::C_MAJOR);
                    self.heading.moved = moved.unwrap_or(0);
                    self.end_head();
                } else {
                    let voice = self.present()?;
                    signature.into_iter().for_each(|signature| voice.set_signature(signature));
                    voice.moved = moved.unwrap_or(voice.moved);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The voices that the head names begin with what it says at its end.
    fn end_head(&mut self) {
        self.is_in_head = false;
        let heading = self.heading;
        self.voices.iter_mut().for_each(|voice| voice.head(&heading));
        self.voice = 0;
    }

    /// To the voice that a field names, perhaps a new one, with its properties.
    fn turn_to(&mut self, value: &str) -> Result<(), ReadError> {
        let name = value.split_whitespace().next().unwrap_or("1").to_owned();
        self.voice = match self.names.get(&name) {
            Some(place) => *place,
            None if self.voices.len() >= MAX_VOICES => {
                return Err(ReadError::TooLarge { most: MAX_VOICES, what: "voices" });
            }
            None => {
                let mut voice = Voice::new(&name);
                voice.properties(value);
                voice.head(&self.heading);
                self.voices.push(voice);
                self.names.insert(name, self.voices.len() - 1);
                self.voices.len() - 1
            }
        };
        self.voices[self.voice].properties(value);
        Ok(())
    }

    /// The voice of the present line; the only one where none is named.
    fn present(&mut self) -> Result<&mut Voice, ReadError> {
        if self.voices.is_empty() {
            self.turn_to("1")?;
            self.voices[0].name = None;
        }
        Ok(&mut self.voices[self.voice])
    }
}

/// The lines of a text without those between `%%begintext` and `%%endtext`, or of another block that is no music.
fn outside_blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut block: Option<&str> = None;
    text.lines().filter(move |line| {
        let instruction = line.strip_prefix("%%").map_or("", str::trim);
        let opened = BLOCKS
            .into_iter()
            .find(|name| instruction.strip_prefix("begin").is_some_and(|rest| rest.starts_with(name)));
        match block {
            None => {
                block = opened;
                true
            }
            Some(name) => {
                if instruction.strip_prefix("end").is_some_and(|rest| rest.starts_with(name)) {
                    block = None;
                }
                false
            }
        }
    })
}

const BLOCKS: [&str; 4] = ["text", "ps", "svg", "ml"];

/// The names in a line that tells which voices are printed and how they stand together.
fn printed_voices(line: &str) -> Option<BTreeSet<String>> {
    let names = line.strip_prefix("%%score ").or_else(|| line.strip_prefix("%%staves "))?;
    let names = without_comment(names).split(|letter: char| letter.is_whitespace() || "()[]{}|*".contains(letter));
    let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

/// A line's letter and value, such as `K` and `G`.
fn field(line: &str) -> Option<(char, &str)> {
    let mut letters = line.chars();
    let name = letters.next().filter(|name| name.is_ascii_uppercase() || matches!(name, 'w' | 'r' | 's' | 'm'))?;
    (letters.next() == Some(':') && !line[2..].starts_with(['|', ':'])).then(|| (name, &line[2..]))
}

/// Whether a line behind a tune is rather text than music: without a bar line, or with letters that are no notes.
fn is_prose(line: &str) -> bool {
    let outside = |marks: char| move |text: &str| text.split(marks).step_by(2).collect::<String>();
    let letters: Vec<char> = outside('!')(&outside('"')(line)).chars().filter(char::is_ascii_alphabetic).collect();
    let notes = letters.iter().filter(|letter| "ABCDEFGabcdefgzZxXyuvHTMP".contains(**letter)).count();
    !line.contains('|') || 4 * notes < 3 * letters.len()
}

/// The line up to a comment. In its words a per cent sign may be written `\%`.
fn without_comment(line: &str) -> &str {
    let is_comment = |at: &usize| *at == 0 || line.as_bytes()[at - 1] != b'\\';
    line.match_indices('%').map(|(at, _)| at).find(is_comment).map_or(line, |at| &line[..at])
}
