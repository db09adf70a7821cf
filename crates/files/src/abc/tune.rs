//! A tune: its head, and its lines of music, words and fields.

use std::collections::BTreeMap;

use super::fields::{self, Signature};
use super::lyrics::unescaped;
use super::music::{Sign, signs};
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
}

impl Tune {
    /// `head` is what the file says of all its tunes.
    pub fn read(head: &[&str], text: &str) -> Result<Tune, ReadError> {
        if text.len() > MAX_BYTES {
            return Err(ReadError::TooLarge { most: MAX_BYTES, what: "letters" });
        }
        let mut tune = Tune {
            title: None,
            creators: Vec::new(),
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
        };
        let is_comment = |line: &&str| line.trim_start().starts_with('%');
        let lines = head.iter().copied().chain(text.lines()).filter(|line| !is_comment(line));
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

    pub fn remarks(&self) -> Vec<String> {
        let graces = self.graces;
        (graces > 0).then(|| format!("grace notes are left out ({graces})")).into_iter().collect()
    }

    /// The voices, and the signs that all of them follow.
    pub fn finish(self) -> (Vec<WrittenPart>, Vec<RepeatSigns>) {
        let mut all: Vec<RepeatSigns> = Vec::new();
        let mut parts = Vec::new();
        for voice in self.voices.into_iter().filter(Voice::has_notes) {
            let (part, signs) = voice.finish();
            all.resize(all.len().max(signs.len()), RepeatSigns::default());
            for (known, sign) in all.iter_mut().zip(signs) {
                known.add(sign);
            }
            parts.push(part);
        }
        (parts, all)
    }

    fn line(&mut self, line: &str) -> Result<(), ReadError> {
        if let Some((name, value)) = field(line) {
            return self.field(name, value);
        }
        // Behind an empty line a tune is over, but for those who leave space between strains.
        self.is_over |= line.trim().is_empty() && !self.is_in_head && self.has_notes();
        if self.is_in_head || line.trim().is_empty() || self.is_over && !line.contains('|') {
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
            'w' if !self.is_in_head => self.present()?.words(value),
            'P' if !self.is_in_head => self.present()?.direction(Direction::Marker(unescaped(value).into_bytes())),
            'M' => {
                let Some(metre) = fields::metre(value) else { return Ok(()) };
                self.heading.metre = metre;
                if self.is_in_head {
                    self.heading.unit = if self.unit_is_told { self.heading.unit } else { fields::usual_unit(metre) };
                } else {
                    self.present()?.set_metre(metre);
                }
            }
            'L' => {
                let Some(unit) = fields::ticks(value) else { return Ok(()) };
                if self.is_in_head {
                    (self.heading.unit, self.unit_is_told) = (unit, true);
                } else {
                    self.present()?.unit = unit;
                }
            }
            'Q' => {
                let unit = if self.is_in_head { self.heading.unit } else { self.present()?.unit };
                let tempo = fields::tempo(value, unit);
                if self.is_in_head {
                    self.heading.tempo = tempo;
                } else if let Some(tempo) = tempo {
                    self.present()?.direction(Direction::Tempo(tempo));
                }
            }
            'K' => {
                let (signature, moved) = (Signature::read(value), fields::semitones(value));
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

/// A line's letter and value, such as `K` and `G`.
fn field(line: &str) -> Option<(char, &str)> {
    let mut letters = line.chars();
    let name = letters.next().filter(|name| name.is_ascii_uppercase() || matches!(name, 'w' | 'r' | 's' | 'm'))?;
    (letters.next() == Some(':') && !line[2..].starts_with(['|', ':'])).then(|| (name, &line[2..]))
}

/// The line up to a comment. In its words a per cent sign may be written `\%`.
fn without_comment(line: &str) -> &str {
    let is_comment = |at: &usize| *at == 0 || line.as_bytes()[at - 1] != b'\\';
    line.match_indices('%').map(|(at, _)| at).find(is_comment).map_or(line, |at| &line[..at])
}
