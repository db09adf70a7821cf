//! The words of karaoke files (.kar), which stand as text events in a track of their own: `/` begins a line, `\` a
//! paragraph, `@` what is not sung.

use std::borrow::Cow;

use super::text;
use crate::score::{Lyric, Tick};
use crate::source::{Source, Track};

/// Text events of one track, in the bytes of the file.
pub(super) type Texts<'a> = Vec<(Tick, Cow<'a, [u8]>)>;

/// No song has more syllables; a damaged file may have more texts than fit into memory.
pub(super) const MOST_TEXTS: usize = 100_000;

/// Makes lyrics of the text events that are meant to be sung, and the title and the singer of those that tell them. Where
/// the file has lyrics already, its texts repeat them or are none.
pub(super) fn take_words(source: &mut Source, texts: &[Texts]) {
    let has_lyrics = source.tracks.iter().any(|track| !track.lyrics.is_empty());
    if let Some(title) = texts.iter().flatten().find_map(|(_, bytes)| control(bytes, 'T')) {
        source.title = Some(title);
    }
    for (track, texts) in source.tracks.iter_mut().zip(texts) {
        if !has_lyrics && are_words(track, texts) {
            track.lyrics = lyrics(texts.iter().map(|(tick, bytes)| (*tick, &**bytes)));
        }
        // Lyrics may have the marks of texts.
        if track.lyrics.iter().any(|lyric| has_mark(&lyric.text)) {
            track.lyrics = lyrics(track.lyrics.iter().map(|lyric| (lyric.tick, lyric.text.as_slice())));
        }
    }
}

fn has_mark(bytes: &[u8]) -> bool {
    matches!(bytes, [b'/' | b'\\', ..])
}

/// What a line such as `@TNun danket` tells.
fn control(bytes: &[u8], letter: char) -> Option<String> {
    let told = text(bytes).strip_prefix('@')?.strip_prefix(letter)?.trim().to_owned();
    Some(told).filter(|told| !told.is_empty())
}

/// Texts may also be remarks on the piece; words have the marks of karaoke, or a track that is called so.
fn are_words(track: &Track, texts: &Texts) -> bool {
    let name = track.name.as_deref().unwrap_or_default().trim().to_lowercase();
    let is_named = ["words", "lyric", "text", "paroles", "letra", "karaoke"].iter().any(|word| name.starts_with(word));
    let sung = || texts.iter().filter(|(_, bytes)| !bytes.starts_with(b"@"));
    sung().any(|(_, bytes)| has_mark(bytes)) || is_named && sung().any(|(tick, _)| *tick > 0)
}

/// As lyrics of MIDI files are written: a line ends with a carriage return behind its last syllable, a paragraph with a
/// line feed.
fn lyrics<'t>(texts: impl Iterator<Item = (Tick, &'t [u8])>) -> Vec<Lyric> {
    let mut lyrics: Vec<Lyric> = Vec::new();
    for (tick, bytes) in texts.filter(|(_, bytes)| !bytes.starts_with(b"@")) {
        let (end, syllable) = match bytes {
            [b'/', syllable @ ..] => (Some(b'\r'), syllable),
            [b'\\', syllable @ ..] => (Some(b'\n'), syllable),
            syllable => (None, syllable),
        };
        if let (Some(end), Some(before)) = (end, lyrics.last_mut()) {
            before.text.push(end);
        }
        if !syllable.is_empty() {
            lyrics.push(Lyric { tick, verse: 1, text: syllable.to_vec() });
        }
    }
    lyrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Kind;

    fn source(names: &[&str]) -> Source {
        let track = |name: &&str| Track { name: Some((*name).into()), ..Track::default() };
        Source {
            kind: Kind::Midi,
            title: names.first().map(|name| (*name).into()),
            creators: Vec::new(),
            below: Vec::new(),
            mode: None,
            names_major: false,
            ticks_per_quarter: 480,
            directions: Vec::new(),
            tracks: names.iter().map(track).collect(),
            remarks: Vec::new(),
        }
    }

    fn texts<'a>(of: &[&'a str]) -> Texts<'a> {
        (0..).step_by(480).zip(of).map(|(tick, text)| (tick, text.as_bytes().into())).collect()
    }

    fn words(source: &Source, track: usize) -> Vec<String> {
        source.tracks[track].lyrics.iter().map(|lyric| String::from_utf8_lossy(&lyric.text).into_owned()).collect()
    }

    #[test]
    fn syllables_lose_the_marks_of_lines_and_the_title_is_the_one_that_is_told() {
        let mut file = source(&["Soft Karaoke", "Words"]);
        let sung = ["@LENGL", "@TNun danket", "@Tanonymous", "\\Nun ", "dan", "ket ", "/Gott ", "\\Der "];
        take_words(&mut file, &[texts(&["@KMIDI KARAOKE FILE"]), texts(&sung)]);
        assert_eq!(words(&file, 1), ["Nun ", "dan", "ket \r", "Gott \n", "Der "]);
        assert_eq!(file.tracks[1].lyrics[0].tick, 3 * 480);
        assert_eq!(file.title.as_deref(), Some("Nun danket"));
    }

    #[test]
    fn other_texts_are_no_words_and_lyrics_come_before_texts() {
        let mut remarks = source(&["Piano"]);
        take_words(&mut remarks, &[texts(&["for my mother", "Refrain"])]);
        assert!(remarks.tracks[0].lyrics.is_empty());
        let mut both = source(&["Melody", "Words"]);
        both.tracks[0].lyrics = vec![Lyric { tick: 0, verse: 1, text: b"Nun".to_vec() }];
        take_words(&mut both, &[texts(&[]), texts(&["/Nun", "/dan"])]);
        assert!(both.tracks[1].lyrics.is_empty());
        both.tracks[0].lyrics.push(Lyric { tick: 480, verse: 1, text: b"/dan".to_vec() });
        take_words(&mut both, &[texts(&[]), texts(&[])]);
        assert_eq!(words(&both, 0), ["Nun\r", "dan"], "marks are none of the words");
    }
}
