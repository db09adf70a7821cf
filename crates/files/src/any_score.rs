//! Scores of every shape, for properties that must hold for them all.

use chorale::Pitch;
use proptest::prelude::*;

use crate::score::{Direction, Lyric, Metre, Note, Score};

prop_compose! {
    /// Notes one after the other, with or without a gap.
    fn line()(notes in prop::collection::vec((0_u32..500, 1_u32..2000, 0_u8..=127, 1_u8..=127), 0..40)) -> Vec<Note> {
        let mut now = 0;
        notes.into_iter().map(|(gap, length, pitch, velocity)| {
            let start = now + gap;
            now = start + length;
            Note { start, end: now, pitch: Pitch::new(pitch).unwrap(), velocity }
        }).collect()
    }
}

prop_compose! {
    pub fn any_score()(
        ticks_per_quarter in 1_u16..8000,
        parts in [line(), line(), line(), line()],
        tempo in 1_u32..0x100_0000,
        metre in (1_u8..=255, 0_u8..=6),
        later in 1_u32..100_000,
        lyrics in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..3),
    ) -> Score {
        let metre = Metre { numerator: metre.0, denominator_log2: metre.1, ..Metre::FOUR_FOUR };
        let directions = vec![
            (0, Direction::Metre(Metre::FOUR_FOUR)),
            (0, Direction::Key { sharps: 3, minor: false }),
            (later, Direction::Tempo(tempo)),
            (later, Direction::Metre(metre)),
        ];
        let lyrics = (0..).zip(lyrics).map(|(tick, text)| Lyric { tick, verse: 1, text }).collect();
        let title = Some("Lobet den Herren".into());
        Score { title, ticks_per_quarter: ticks_per_quarter * 4, directions, parts, lyrics, ..Score::default() }
    }
}
