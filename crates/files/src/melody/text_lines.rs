//! Where the lines of a text end, which is where most phrases do.

use std::collections::{BTreeMap, BTreeSet};

use crate::score::{Lyric, Note, Tick};
use crate::text::decode;

/// A line of verse has at least so many syllables; of fewer, punctuation makes no line.
const FEWEST_SYLLABLES: usize = 4;

/// A syllable, and which of the notes it begins on.
struct Sung {
    note: usize,
    text: String,
}

/// Where the notes begin on which a line of the text ends, in order. A file may say so (a line break in or after a syllable,
/// the slashes of karaoke); else a line ends where a clause does, after a comma before a capital or under a note longer than
/// the next, before a capital that no name has, and where all of several verses go on with a capital.
pub(crate) fn line_ends(lyrics: &[Lyric], notes: &[Note]) -> Vec<Tick> {
    let mut verses: Vec<u8> = lyrics.iter().map(|lyric| lyric.verse).collect();
    verses.sort_unstable();
    verses.dedup();
    let verses: Vec<Vec<Sung>> = verses.iter().map(|verse| sung(lyrics, *verse, notes)).collect();
    let Some(first) = verses.first() else { return Vec::new() };
    let told = line_starts(first, |before, next| breaks_after(before) || breaks_before(next));
    let starts = if told.is_empty() { guessed_starts(&verses, notes) } else { told };
    let mut ends: Vec<Tick> = starts.into_iter().filter_map(|note| Some(notes[note.checked_sub(1)?].start)).collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

fn sung(lyrics: &[Lyric], verse: u8, notes: &[Note]) -> Vec<Sung> {
    let of_verse = lyrics.iter().filter(|lyric| lyric.verse == verse);
    let syllables = of_verse
        .map(|lyric| Sung { note: notes.partition_point(|note| note.start < lyric.tick), text: decode(&lyric.text) });
    syllables.filter(|syllable| syllable.note < notes.len()).collect()
}

/// The notes with which a line begins: where `is_break` holds for the syllables before and after.
fn line_starts(syllables: &[Sung], is_break: impl Fn(&str, &str) -> bool) -> Vec<usize> {
    let breaks = syllables.windows(2).filter(|pair| is_break(&pair[0].text, &pair[1].text));
    breaks.map(|pair| pair[1].note).collect()
}

fn breaks_after(syllable: &str) -> bool {
    syllable.ends_with(['\r', '\n'])
}

fn breaks_before(syllable: &str) -> bool {
    syllable.starts_with(['/', '\\', '\r', '\n'])
}

/// By punctuation and capitals. A comma before a small letter ends no line that a stop ends a few syllables later.
fn guessed_starts(verses: &[Vec<Sung>], notes: &[Note]) -> Vec<usize> {
    let (common, small) = (common_capitals(verses), small_words(verses));
    let mut starts = Vec::new();
    let mut length = 0;
    // What begins after such a comma, and at which length.
    let mut comma: Option<(usize, usize)> = None;
    for pair in verses[0].windows(2) {
        length += 1;
        let (mark, next) = (last_mark(&pair[0].text), &pair[1]);
        let is_stop = mark.is_some_and(|mark| ".;:!?".contains(mark));
        let is_comma = mark == Some(',');
        let is_capital = begins_with_capital(&next.text);
        let is_sure = is_stop
            || is_capital && (is_comma || !is_within_word(&pair[0].text) && small.contains(&word(&next.text)))
            || common.contains(&next.note);
        let is_line = length - comma.map_or(0, |(_, length)| length) >= FEWEST_SYLLABLES;
        if is_sure && length >= FEWEST_SYLLABLES {
            starts.extend(comma.take().filter(|_| is_line).map(|(note, _)| note));
            starts.push(next.note);
            length = 0;
        } else if is_comma && is_line && is_longer_than_next(notes, next.note) {
            starts.extend(comma.replace((next.note, length)).map(|(note, _)| note));
        }
    }
    starts.extend(comma.map(|(note, _)| note));
    starts
}

/// Words that a verse writes with a capital where a line begins and nowhere else: conjunctions, prepositions and articles of
/// languages that have many hymns. Besides them whatever the text itself writes small elsewhere.
const SMALL_WORDS: &str = "a an and as at but by for from how if in is it its nor of on or our she so than that the their then \
    there they this till to was we were what when where which while with yet your \
    als am an auf aus bei da das dass dem den der die doch durch ein eine es für im in ist mit nicht nun ob so und uns \
    von vor was wenn wer wie wir zu zum zur \
    à au aux avec ce dans de des du elle en et je la le les ne nous on par pour qu que qui sur un une \
    al che con del della e en los las no per por que si una y ad cum non quae quod sed sub ut \
    een het van voor met op te zijn och att som för";

/// Pronouns that stand for God may have a capital anywhere, and so may a call.
const HONOURED: &str = "o he him his thee thine thou thy who whom whose you du dein deine dich dir er ihm ihn sein seine il \
    lui son tu toi ton";

/// The words of a text that begin with a capital for no other reason than that a line does; none where most words have one.
fn small_words(verses: &[Vec<Sung>]) -> BTreeSet<String> {
    let firsts = verses.iter().flat_map(|verse| {
        let is_first = |at: usize| at == 0 || !is_within_word(&verse[at - 1].text);
        (0..verse.len()).filter(move |&at| is_first(at)).map(|at| verse[at].text.as_str())
    });
    let (capitals, small): (Vec<&str>, Vec<&str>) = firsts.partition(|syllable| begins_with_capital(syllable));
    if capitals.len() > small.len() {
        return BTreeSet::new();
    }
    // A first syllable alone is not the word.
    let small = small.into_iter().filter(|syllable| !is_within_word(syllable)).map(word);
    let words = SMALL_WORDS.split_whitespace().map(str::to_owned).chain(small);
    words.filter(|word| !HONOURED.split_whitespace().any(|honoured| honoured == word)).collect()
}

/// The letters of a syllable, small.
fn word(syllable: &str) -> String {
    syllable.chars().filter(|c| c.is_alphabetic() || *c == '\'' || *c == '’').collect::<String>().to_lowercase()
}

/// Whether the word goes on with the next syllable.
fn is_within_word(syllable: &str) -> bool {
    syllable.trim_end().ends_with('-')
}

/// The notes on which several verses have a syllable, and all of them a capital.
fn common_capitals(verses: &[Vec<Sung>]) -> BTreeSet<usize> {
    let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for syllable in verses.iter().flatten() {
        let (sung, capitals) = counts.entry(syllable.note).or_default();
        *sung += 1;
        *capitals += usize::from(begins_with_capital(&syllable.text));
    }
    let common = counts.into_iter().filter(|(_, (sung, capitals))| *sung > 1 && sung == capitals);
    common.map(|(note, _)| note).collect()
}

/// The last character of a syllable but for spaces and closing quotes.
fn last_mark(syllable: &str) -> Option<char> {
    syllable.trim_end_matches(|c: char| c.is_whitespace() || "\"'”’»)".contains(c)).chars().last()
}

/// Whether the note before one lasts longer than it.
fn is_longer_than_next(notes: &[Note], next: usize) -> bool {
    let length = |note: &Note| note.end - note.start;
    let before = next.checked_sub(1).and_then(|before| notes.get(before));
    before.zip(notes.get(next)).is_some_and(|(before, next)| length(before) > length(next))
}

fn begins_with_capital(syllable: &str) -> bool {
    syllable.trim_start_matches(|c: char| !c.is_alphabetic()).starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;

    /// The places, counted from 0, of the notes on which lines end; each text has a syllable a note.
    fn ends(verses: &[&str]) -> Vec<u32> {
        let pitch = Pitch::new(72).unwrap();
        // The sixth lasts longer.
        let note = |start| Note { start, end: start + if start == 5 { 2 } else { 1 }, pitch, velocity: 80 };
        let lyrics = (1..).zip(verses).flat_map(|(verse, text)| {
            let syllables = (0..).zip(text.split(' '));
            syllables.filter(|(_, text)| *text != "_").map(move |(tick, text)| Lyric { tick, verse, text: text.into() })
        });
        let lyrics: Vec<Lyric> = lyrics.collect();
        line_ends(&lyrics, &(0..20).map(note).collect::<Vec<_>>())
    }

    #[test]
    fn a_line_of_the_text_ends_where_the_file_breaks_it() {
        assert_eq!(ends(&["Praise God,\r from whom\n all"]), [1, 3]);
        assert_eq!(ends(&["/Praise God, \\From"]), [1]);
    }

    #[test]
    fn without_breaks_a_line_ends_with_a_clause_or_before_the_capitals_of_all_verses() {
        assert_eq!(ends(&["A- bide with me; _ fast falls the e- ven- tide"]), [4], "on the last note of the melisma");
        assert_eq!(ends(&["Ho- ly, Ho- ly, Ho- ly! Lord God"]), [3], "no line has two syllables");
        assert_eq!(ends(&["God in three Per- sons, bless- ed Tri-"]).len(), 0, "a comma alone");
        assert_eq!(ends(&["O God in three Per- sons, bless- ed Tri-"]), [5], "a comma under a long note");
        assert_eq!(ends(&["It cau- ses to trem- ble, trem- ble. Were"]), [7], "a stop soon after the comma");
        assert_eq!(ends(&["O- ne foun- da- tion Is Je- sus Christ her Lord She is his new cre-"]), [4, 10]);
        assert_eq!(ends(&["Sing to the Lord Thy God and King of all"]).len(), 0, "names");
        assert_eq!(ends(&["Come Thou Al- migh- ty King And Help Us Now"]).len(), 0, "capitals everywhere");
        assert_eq!(ends(&["Praise him all day, Praise him O God my"]), [3], "a capital alone may be a name");
        assert_eq!(ends(&["A- ma- zing grace Christ saved", "Through ma- ny toils I have"]), [3]);
        assert_eq!(ends(&["A- ma- zing grace Christ saved", "Through ma- ny toils and have"]).len(), 0);
        assert_eq!(ends(&[]).len(), 0);
    }
}
