//! The words of the melody, each under its note.

use crate::score::{Lyric, Note, Tick};

/// The words of a track, and where one of its lines has a syllable `own`, that one. Both are in order.
pub(super) fn with_own(words: &[Lyric], own: &[Lyric]) -> Vec<Lyric> {
    let place = |lyric: &Lyric| (lyric.tick, lyric.verse);
    let at = |lyric: &Lyric| own.binary_search_by_key(&place(lyric), place).ok();
    words.iter().map(|lyric| at(lyric).map_or(lyric, |index| &own[index]).clone()).collect()
}

/// Words that come a little early or late belong to the note that is nearest.
pub(super) fn bring_to_notes(lyrics: &mut [Lyric], notes: &[Note], slip: Tick) {
    for lyric in lyrics {
        let next = notes.partition_point(|note| note.start < lyric.tick);
        let starts = [next.checked_sub(1), Some(next)].map(|index| Some(notes.get(index?)?.start));
        let nearest = starts.into_iter().flatten().min_by_key(|start| start.abs_diff(lyric.tick));
        if let Some(start) = nearest.filter(|start| start.abs_diff(lyric.tick) <= slip) {
            lyric.tick = start;
        }
    }
}

/// Leaves out what others sing while the melody rests: what stands in a rest before a note that has a syllable of its own, and
/// what stands behind the last note. Says so.
pub(super) fn without_others(lyrics: &mut Vec<Lyric>, notes: &[Note], quarter: Tick) -> Option<String> {
    let before = lyrics.len();
    let starts: Vec<(Tick, u8)> = lyrics.iter().map(|lyric| (lyric.tick, lyric.verse)).collect();
    let is_others = |lyric: &Lyric| {
        let index = notes.partition_point(|note| note.start <= lyric.tick);
        let ended = index.checked_sub(1).map_or(0, |before| notes[before].end);
        let Some(next) = notes.get(index) else { return lyric.tick >= ended };
        let is_rest = lyric.tick >= ended && next.start - ended >= quarter;
        is_rest && starts.binary_search(&(next.start, lyric.verse)).is_ok()
    };
    lyrics.retain(|lyric| !is_others(lyric));
    match before - lyrics.len() {
        0 => None,
        1 => Some("1 syllable that is sung while the melody rests is left out".into()),
        left => Some(format!("{left} syllables that are sung while the melody rests are left out")),
    }
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;

    #[test]
    fn what_others_sing_in_the_rests_of_the_melody_is_left_out_and_told() {
        let note = |start, end| Note { start, end, pitch: Pitch::new(72).unwrap(), velocity: 80 };
        // A gap of less than a quarter is no rest.
        let notes = [note(0, 480), note(1920, 2300), note(2400, 2880), note(4800, 5760)];
        let at = |ticks: &[Tick]| -> Vec<Lyric> {
            ticks.iter().map(|&tick| Lyric { tick, verse: 1, text: b"la".to_vec() }).collect()
        };
        let check = |sung: &[Tick], left: &[Tick], said: Option<&str>| {
            let mut lyrics = at(sung);
            let remark = without_others(&mut lyrics, &notes, 480);
            assert_eq!(lyrics, at(left), "{sung:?}");
            assert!(remark.as_deref().zip(said).map_or(remark.is_none() && said.is_none(), |(is, it)| is.contains(it)));
        };
        check(&[0, 960, 1440, 1920, 2350, 2400], &[0, 1920, 2350, 2400], Some("2 syllables"));
        check(&[0, 1440, 2400], &[0, 1440, 2400], None);
        check(&[0, 1920, 5000, 5760], &[0, 1920, 5000], Some("1 syllable"));
    }
}
