//! The words of a voice, under its notes.

use super::Voice;
use crate::abc::lyrics::{self, Place};
use crate::written::{WrittenLyric, WrittenNote};

impl Voice {
    /// Words below the line of music, or, where they are too many for it, below all lines that have no words yet.
    pub fn words(&mut self, line: &str) {
        let places = lyrics::places(line);
        if self.verse == 0 {
            let is_long = lyrics::notes(&places) > self.sung.len().saturating_sub(self.line_start);
            self.worded = if is_long { 0 } else { self.line_start };
        }
        self.verse = self.verse.saturating_add(1);
        let verse = self.verse;
        let mut at = self.worded;
        let mut before: Option<(usize, usize)> = None;
        for place in places {
            let here = self.sung.get(at).copied();
            match place {
                Place::Bar => {
                    let before = at.checked_sub(1).filter(|before| *before >= self.worded);
                    let bar = before.and_then(|before| self.sung.get(before)).or(here.as_ref()).map(|(bar, _)| *bar);
                    let rest = self.sung.get(at..).unwrap_or_default();
                    at += rest.iter().take_while(|(measure, _)| Some(*measure) == bar).count();
                    continue;
                }
                Place::Syllable(text) => {
                    match here.and_then(|place| self.note_at(place)) {
                        Some(note) => note.lyrics.push(WrittenLyric { verse, text, extends: false }),
                        None => self.left_out.words.push(text),
                    }
                    before = here;
                }
                Place::Held => {
                    let lyrics = before.and_then(|place| self.note_at(place)).map(|note| &mut note.lyrics);
                    if let Some(lyric) = lyrics.and_then(|lyrics| lyrics.last_mut()) {
                        lyric.extends |= !lyric.text.ends_with('-');
                    }
                }
                Place::Skipped => before = None,
            }
            at += 1;
        }
    }

    fn note_at(&mut self, (measure, note): (usize, usize)) -> Option<&mut WrittenNote> {
        let measure = self.measures.get_mut(measure).unwrap_or(&mut self.measure);
        measure.notes.get_mut(note)
    }
}
