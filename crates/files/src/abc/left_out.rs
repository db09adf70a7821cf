//! What of a voice is left out or changed, counted.

use std::collections::BTreeSet;

/// So many letters that are no notes are listed.
const MOST_LETTERS: usize = 8;

/// So many letters of words are shown.
const SHOWN: usize = 40;

#[derive(Default)]
pub(super) struct LeftOut {
    pub ornaments: usize,
    pub fermatas_over_rests: usize,
    pub quarter_tones: usize,
    pub out_of_reach: usize,
    /// Letters that stand among the notes and are none.
    pub letters: Vec<char>,
    /// Syllables for which there is no note.
    pub words: Vec<String>,
}

impl LeftOut {
    /// In sentences for the user.
    pub fn remarks(&self) -> Vec<String> {
        let told = [
            (self.ornaments, "ornaments and articulations are left out"),
            (self.fermatas_over_rests, "fermatas over rests are left out"),
            (self.quarter_tones, "quarter tones are rounded"),
            (self.out_of_reach, "notes beyond C-1 to G9 are left out"),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        let told = told.map(|(count, what)| format!("{what} ({count})"));
        let words = self.words.iter().fold(String::new(), |words, next| {
            let gap = if words.is_empty() || words.ends_with('-') { "" } else { " " };
            format!("{}{gap}{}", words.trim_end_matches('-'), next.trim())
        });
        let more = if words.chars().count() > SHOWN { " ..." } else { "" };
        let shown: String = words.chars().take(SHOWN).collect();
        let beyond = (!words.is_empty()).then(|| {
            format!("words for which there are no notes are left out ({}): {}{more}", self.words.len(), shown.trim())
        });
        told.chain(self.told_letters()).chain(beyond).collect()
    }

    /// Which letters are no notes.
    fn told_letters(&self) -> Option<String> {
        let names: BTreeSet<char> = self.letters.iter().copied().collect();
        let listed: Vec<String> = names.iter().take(MOST_LETTERS).map(char::to_string).collect();
        let more = if names.len() > MOST_LETTERS { " ..." } else { "" };
        let hint = if names.contains(&'H') { "; what German calls H is written B, and its B is _B" } else { "" };
        let (count, listed) = (self.letters.len(), listed.join(", "));
        (count > 0).then(|| format!("letters that are no notes are left out ({count}): {listed}{more}{hint}"))
    }
}
