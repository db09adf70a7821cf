//! The words of karaoke files (.kar), which stand as text events in a track of their own: `/` begins a line, `\` a
//! paragraph, `@` what is not sung. In lyrics, tags in braces (`{@LATIN}`, RP-026) are not sung either, and those of Yamaha's XF
//! have marks of their own.

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
    let has_words = source.tracks.iter().zip(texts).any(|(track, texts)| are_words(track, texts));
    let is_karaoke = || texts.iter().flatten().any(|(_, bytes)| control(bytes, 'K').is_some());
    // Old files of karaoke have no marks: the track with most texts has the words.
    let most = (0..texts.len()).max_by_key(|track| sung(&texts[*track]).count()).filter(|_| !has_words && is_karaoke());
    for (index, (track, texts)) in source.tracks.iter_mut().zip(texts).enumerate() {
        if !has_lyrics && (are_words(track, texts) || most == Some(index)) {
            track.lyrics = lyrics(texts.iter().map(|(tick, bytes)| (*tick, &**bytes)));
        }
        untag(&mut track.lyrics);
        // Lyrics may have the marks of texts.
        if track.lyrics.iter().any(|lyric| has_mark(&lyric.text)) {
            track.lyrics = lyrics(track.lyrics.iter().map(|lyric| (lyric.tick, lyric.text.as_slice())));
        }
        join_held(&mut track.lyrics);
    }
}

/// Singing programs write `+` or `_` under the further notes of a syllable, which are no words; the end of a line behind one is
/// that of the syllable.
fn join_held(lyrics: &mut Vec<Lyric>) {
    let is_held = |lyric: &Lyric| matches!(lyric.text.trim_ascii(), b"+" | b"_");
    for at in 1..lyrics.len() {
        let end = lyrics[at].text.last().copied().filter(|end| matches!(end, b'\r' | b'\n'));
        if is_held(&lyrics[at])
            && let Some(end) = end
            && let Some(before) = lyrics[..at].iter_mut().rfind(|lyric| !is_held(lyric))
        {
            before.text.push(end);
        }
    }
    lyrics.retain(|lyric| !is_held(lyric));
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
    sung(texts).any(|(_, bytes)| has_mark(bytes)) || is_named && sung(texts).any(|(tick, _)| *tick > 0)
}

fn sung<'t>(texts: &'t Texts) -> impl Iterator<Item = &'t (Tick, Cow<'t, [u8]>)> {
    texts.iter().filter(|(_, bytes)| !bytes.starts_with(b"@"))
}

/// Takes out what lyrics tell of themselves, and makes the marks of XF (`/` the end of a line, `<` that of a page, `^` a space, `>`
/// an indent) those of other files.
fn untag(lyrics: &mut Vec<Lyric>) {
    let is_xf = lyrics.iter().any(|lyric| lyric.text.starts_with(XF));
    lyrics.retain_mut(|Lyric { text, .. }| {
        let was_empty = text.is_empty();
        let told = std::mem::take(text);
        let mut rest = &told[..];
        while let Some(start) = rest.windows(2).position(|two| matches!(two, b"{@" | b"{#")) {
            let (sung, tag) = rest.split_at(start);
            text.extend(sung);
            rest = &tag[tag.iter().position(|byte| *byte == b'}').map_or(tag.len(), |end| end + 1)..];
        }
        text.extend(rest);
        if is_xf && text.starts_with(XF) {
            text.clear();
        } else if is_xf {
            let plain = text.iter().filter(|byte| **byte != b'>').map(|byte| match byte {
                b'/' => b'\r',
                b'<' => b'\n',
                b'^' => b' ',
                other => *other,
            });
            *text = plain.collect();
        }
        was_empty || !text.is_empty()
    });
}

/// How a file begins whose lyrics are those of XF.
const XF: &[u8] = b"$Lyrc";

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
    fn with_the_header_of_karaoke_texts_without_marks_are_words() {
        let mut file = source(&["Soft Karaoke", "Piano"]);
        take_words(&mut file, &[texts(&["@KMIDI KARAOKE FILE"]), texts(&["Nun ", "dan", "ket"])]);
        assert_eq!(words(&file, 1), ["Nun ", "dan", "ket"]);
        take_words(&mut file, &[texts(&["for my mother"]), texts(&["@KMIDI KARAOKE FILE"])]);
        assert!(file.tracks[0].lyrics.is_empty());
    }

    #[test]
    fn tags_and_marks_of_lyrics_are_not_sung() {
        let sung = |lyrics: &[&str]| {
            let mut file = source(&["Melody"]);
            let lyric = |(tick, text): (Tick, &&str)| Lyric { tick, verse: 1, text: text.as_bytes().to_vec() };
            file.tracks[0].lyrics = (0..).zip(lyrics).map(lyric).collect();
            take_words(&mut file, &[texts(&[])]);
            words(&file, 0)
        };
        assert_eq!(sung(&["{@LATIN}", "{#Title=x}Nun", "{dan}", "ket{@"]), ["Nun", "{dan}", "ket"]);
        assert_eq!(sung(&["$Lyrc:1:0:JP", ">Nun^", "dan", "ket/", "Gott<"]), ["Nun ", "dan", "ket\r", "Gott\n"]);
        assert_eq!(sung(&["a<b^c"]), ["a<b^c"], "as long as no XF is told");
    }

    #[test]
    fn signs_for_the_further_notes_of_a_syllable_are_no_words() {
        let mut file = source(&["Melody"]);
        let lyric = |(tick, text): (Tick, &&str)| Lyric { tick, verse: 1, text: text.as_bytes().to_vec() };
        file.tracks[0].lyrics = (0..).zip(&["glo", "+", "_", "ri", "_\r", "a"]).map(lyric).collect();
        take_words(&mut file, &[texts(&[])]);
        assert_eq!(words(&file, 0), ["glo", "ri\r", "a"]);
        assert_eq!(file.tracks[0].lyrics[1].tick, 3);
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
