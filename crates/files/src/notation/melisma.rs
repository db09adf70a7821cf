//! Which notes of the parts below a melody are sung on one syllable of it.

use chorale::Part;

use crate::musicxml::syllables;
use crate::score::{Note, Score, Tick};

/// Where the first and the last note begin that a part sings on one syllable, wherever there are several; none for the
/// melody, whose source tells them, and for parts that sing no words. `starts` are where the notes of the part begin. Where
/// verses differ, a syllable ends where any verse has another.
pub(super) fn melismas(score: &Score, part: Part, starts: &[Tick]) -> Vec<(Tick, Tick)> {
    if part == score.melody || !score.all_sing {
        return Vec::new();
    }
    let sung: Vec<Tick> = syllables(score).into_keys().collect();
    let melisma = |(index, first): (usize, &Tick)| {
        let end = end_of_syllable(score, *first, sung.get(index + 1).copied());
        let notes = &starts[starts.partition_point(|start| start < first)..];
        let notes = &notes[..notes.partition_point(|start| *start < end)];
        // A note held from the syllable before sings no part of this one.
        let last = notes.last().filter(|last| notes[0] == *first && *last > first)?;
        Some((*first, *last))
    };
    sung.iter().enumerate().filter_map(melisma).collect()
}

/// Where the syllable that begins at a tick ends: with the `next` one, where the melody rests or breathes, or after a fermata.
/// The last one is sung on notes to come only where the melody's slur or extender says so.
fn end_of_syllable(score: &Score, first: Tick, next: Option<Tick>) -> Tick {
    let melody = score.part(score.melody);
    let eighth = Tick::from(score.ticks_per_quarter / 2);
    let breaks = |note: &Note| {
        let has_sign = |signs: &[Tick]| signs.binary_search(&note.start).is_ok();
        has_sign(&score.fermatas) || has_sign(&score.phrasing.breaths)
    };
    let goes_on = |to: &Note| {
        let is_slurred = |&(from, last): &(Tick, Tick)| from <= first && to.start <= last;
        score.phrasing.extenders.binary_search(&first).is_ok() || score.phrasing.slurs.iter().any(is_slurred)
    };
    let begun = melody.partition_point(|note| note.start <= first).saturating_sub(1);
    let Some(mut held) = melody.get(begun) else { return first };
    for note in &melody[begun + 1..] {
        let is_reached = next.map_or_else(|| goes_on(note), |next| note.start < next);
        if !is_reached || breaks(held) || note.start >= held.end + eighth {
            break;
        }
        held = note;
    }
    next.map_or(held.end, |next| next.min(held.end))
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::score::Lyric;

    /// A melody of quarters with words, and where the bass begins its notes, in eighths.
    fn score(words: &[(Tick, &str)], bass: &[Tick]) -> Score {
        let line = |starts: &[Tick]| {
            let ends = starts.iter().skip(1).copied().chain([16]);
            let note = |(start, end): (&Tick, Tick)| Note {
                start: start * 240,
                end: end * 240,
                pitch: Pitch::new(60 + (*start % 12) as u8).unwrap(),
                velocity: 80,
            };
            starts.iter().zip(ends).map(note).collect::<Vec<_>>()
        };
        let lyric = |&(tick, text): &(Tick, &str)| Lyric { tick: tick * 240, verse: 1, text: text.into() };
        Score {
            ticks_per_quarter: 480,
            parts: [line(&[0, 2, 4, 6, 8, 10, 12, 14]), vec![], vec![], line(bass)],
            lyrics: words.iter().map(lyric).collect(),
            all_sing: true,
            ..Score::default()
        }
    }

    fn found(score: &Score, part: Part) -> Vec<(Tick, Tick)> {
        let starts: Vec<Tick> = score.part(part).iter().map(|note| note.start).collect();
        melismas(score, part, &starts).into_iter().map(|(first, last)| (first / 240, last / 240)).collect()
    }

    #[test]
    fn the_notes_of_one_syllable_are_those_up_to_the_next_one() {
        let words = [(0, "Ho-"), (2, "ly"), (6, "Lord"), (8, "God"), (12, "on"), (14, "high")];
        let score = score(&words, &[0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 15]);
        assert_eq!(found(&score, Part::Bass), [(0, 1), (2, 5), (8, 10), (14, 15)]);
        assert!(found(&score, Part::Soprano).is_empty(), "the melody's are its source's");
        assert!(
            found(&Score { all_sing: false, ..score }, Part::Bass).is_empty(),
            "who sings no words has no syllables"
        );
    }

    #[test]
    fn a_syllable_ends_at_a_fermata_a_breath_a_rest_and_where_any_verse_goes_on() {
        let score = |change: fn(&mut Score)| {
            let mut score = score(&[(0, "Ah"), (14, "men")], &[0, 1, 2, 3, 4, 5, 6, 8, 14]);
            change(&mut score);
            found(&score, Part::Bass)
        };
        assert_eq!(score(|_| {}), [(0, 8)]);
        assert_eq!(score(|score| score.fermatas.push(480)), [(0, 3)]);
        assert_eq!(score(|score| score.phrasing.breaths.push(480)), [(0, 3)]);
        assert_eq!(score(|score| score.parts[0][1].end -= 240), [(0, 2)]);
        assert_eq!(
            score(|score| score.lyrics.push(Lyric { tick: 960, verse: 2, text: "men".into() })),
            [(0, 3), (4, 8)]
        );
    }

    #[test]
    fn after_the_last_word_only_marked_notes_belong_to_it() {
        let score = |change: fn(&mut Score)| {
            let mut score = score(&[(0, "Ah")], &[0, 1, 2, 4, 6]);
            change(&mut score);
            found(&score, Part::Bass)
        };
        assert_eq!(score(|_| {}), [(0, 1)], "what has no words may be played");
        assert_eq!(score(|score| score.phrasing.slurs.push((0, 960))), [(0, 4)]);
        assert_eq!(score(|score| score.phrasing.extenders.push(0)), [(0, 6)]);
    }

    #[test]
    fn a_part_that_holds_through_a_syllable_has_no_slur_for_it() {
        assert_eq!(found(&score(&[(0, "Ho-"), (2, "ly"), (6, "Lord")], &[0, 3, 4, 6]), Part::Bass), []);
    }
}
