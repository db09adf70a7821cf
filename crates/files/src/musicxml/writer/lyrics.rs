//! The words of a melody as syllables of notation.

use std::collections::{BTreeMap, BTreeSet};

use crate::score::{Score, Tick, sung_at};
use crate::smf;
use crate::text::decode;

/// A syllable as MusicXML has it.
pub struct Syllable {
    pub verse: u8,
    /// Whether its word began before.
    pub(super) begun: bool,
    /// Whether its word goes on.
    pub goes_on: bool,
    pub text: String,
    /// Whether it is sung on the notes that follow too, and a line shows it.
    pub(super) extends: bool,
}

impl Syllable {
    /// With a hyphen where its word goes on.
    pub fn with_hyphen(&self) -> String {
        format!("{}{}", self.text, if self.goes_on { "-" } else { "" })
    }
}

/// The syllables of all verses, by the start of the melody's note.
pub fn syllables(score: &Score) -> BTreeMap<Tick, Vec<Syllable>> {
    let mut syllables: BTreeMap<Tick, Vec<Syllable>> = BTreeMap::new();
    let verses: BTreeSet<u8> = score.lyrics.iter().map(|lyric| lyric.verse).collect();
    for verse in verses {
        for (start, syllable) in verse_syllables(score, verse) {
            let on_note = syllables.entry(start).or_default();
            match on_note.iter_mut().find(|other| other.verse == verse) {
                // Two on one note are sung together.
                Some(before) => {
                    before.text = format!("{} {}", before.text, syllable.text);
                    before.goes_on = syllable.goes_on;
                    before.extends = syllable.extends;
                }
                None => on_note.push(syllable),
            }
        }
    }
    syllables
}

/// The syllables of a verse, each with the start of its note. MIDI files show which of them make a word by hyphens inside
/// words, or by spaces between them.
fn verse_syllables(score: &Score, verse: u8) -> Vec<(Tick, Syllable)> {
    let melody = score.part(score.melody);
    let lyrics = score.lyrics.iter().filter(|lyric| lyric.verse == verse);
    let lyrics: Vec<(Tick, String)> = lyrics.map(|lyric| (lyric.tick, decode(&lyric.text))).collect();
    let has_hyphens = lyrics.iter().any(|(_, text)| text.trim_end().ends_with('-'));
    let has_spaces = lyrics.iter().any(|(_, text)| text.starts_with(' ') || text.ends_with(' '));
    let begins_word = |text: &str| text.starts_with([' ', '/', '\\', '\r', '\n']);
    let mut syllables = Vec::new();
    let mut begun = false;
    for (index, (tick, text)) in lyrics.iter().enumerate() {
        let goes_on = if has_hyphens {
            text.trim_end().ends_with('-')
        } else {
            let next = lyrics.get(index + 1);
            has_spaces && !text.ends_with([' ', '\r', '\n']) && next.is_some_and(|(_, next)| !begins_word(next))
        };
        let Some(text) = shown(text) else { continue };
        let Some(start) = sung_at(melody, *tick, score.ticks_per_quarter) else { continue };
        let extends = !goes_on && score.phrasing.extenders.binary_search(tick).is_ok();
        syllables.push((start, Syllable { verse, begun, goes_on, text, extends }));
        begun = goes_on;
    }
    syllables
}

/// What is sung of a lyric, without the marks of karaoke programs: a slash for a line, a backslash for a paragraph, `@` for
/// what is not sung.
fn shown(text: &str) -> Option<String> {
    let words = smf::text(text.trim_start_matches(['/', '\\']).as_bytes());
    let words = words.trim_end_matches('-').trim();
    (!text.starts_with('@') && !words.is_empty()).then(|| words.to_owned())
}
