//! Chords as four parts of notes.

use std::collections::{BTreeMap, BTreeSet};

use chorale::{Chorale, Chord, Part, Pitch};

use crate::grid::Grid;
use crate::melody::{Fold, Melody, MelodyStep};
use crate::score::{Direction, Note, Score, Tick, sung_at};

/// Ticks of a quarter in pieces that come from no MIDI file; divisible by every usual subdivision.
pub const TICKS_PER_QUARTER: u16 = 480;

/// The velocity of notes that nobody played.
const VELOCITY: u8 = 80;

/// The melody as it is, with the chords below it as notes: a pitch that stays is held, except where the soprano strikes
/// its own again, after a fermata or a breath, and where a syllable begins that all sing; where the melody rests, all rest. The
/// soprano's velocity is everybody's.
pub fn score(
    melody: &Melody,
    melody_part: Part,
    steps: &[MelodyStep],
    chords: &[Chord],
    fold: Fold,
    ticks_per_quarter: u16,
    directions: Vec<(Tick, Direction)>,
) -> Score {
    let mut parts = [const { Vec::new() }; 4];
    parts[melody_part.index()].clone_from(&melody.notes);
    let struck = struck_anew(melody, steps, ticks_per_quarter);
    for part in Part::ALL.into_iter().filter(|part| *part != melody_part) {
        let pitch = |index: usize| {
            let (_, semitones) = fold.apply(steps[index].soprano);
            let pitch = chords.get(index)?[part].pitch()?;
            Some(pitch.transposed(-semitones).unwrap_or(pitch))
        };
        parts[part.index()] = line(steps, &struck, pitch);
    }
    let mut spellings = [const { BTreeMap::new() }; 4];
    spellings[melody_part.index()].clone_from(&melody.spellings);
    Score {
        ticks_per_quarter,
        directions,
        parts,
        melody: melody_part,
        lyrics: melody.lyrics.clone(),
        all_sing: melody.all_sing,
        fermatas: melody.fermatas.clone(),
        phrasing: melody.phrasing.clone(),
        spellings,
        ..Score::default()
    }
}

/// In which steps all parts strike what they have, though it was sounding before.
pub fn struck_anew(melody: &Melody, steps: &[MelodyStep], ticks_per_quarter: u16) -> Vec<bool> {
    let begins = |step: &MelodyStep| melody.notes.binary_search_by_key(&step.start, |note| note.start).is_ok();
    let sung = melody.lyrics.iter().filter(|_| melody.all_sing);
    let sung: BTreeSet<Tick> = sung.filter_map(|lyric| sung_at(&melody.notes, lyric.tick, ticks_per_quarter)).collect();
    let is_struck = |(index, step): (usize, &MelodyStep)| {
        let before = index.checked_sub(1).map(|before| &steps[before]).filter(|before| before.end == step.start);
        let is_syllable = sung.range(step.start..step.end).next().is_some();
        let has_paused = |before: &MelodyStep| (before.fermata || before.breath) && begins(step);
        step.restruck || is_syllable || before.is_none_or(has_paused)
    };
    steps.iter().enumerate().map(is_struck).collect()
}

/// A part that has a pitch in some steps and rests in the others; `struck` as [`struck_anew`] tells it.
pub fn line(steps: &[MelodyStep], struck: &[bool], pitch: impl Fn(usize) -> Option<Pitch>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (index, (step, struck)) in steps.iter().zip(struck).enumerate() {
        let Some(pitch) = pitch(index) else { continue };
        extend(&mut notes, !struck, Note { start: step.start, end: step.end, pitch, velocity: step.velocity });
    }
    notes
}

/// Appends `note`, or makes the last one longer when it is the same and may be `held`.
fn extend(notes: &mut Vec<Note>, held: bool, note: Note) {
    match notes.last_mut() {
        Some(last) if held && last.pitch == note.pitch && last.end == note.start => last.end = note.end,
        _ => notes.push(note),
    }
}

/// A chorale as notes on `grid`, beginning at `first_step`: a pitch that stays is held, since held and repeated notes
/// look alike in a chorale.
pub fn chorale_score(
    chorale: &Chorale,
    grid: &Grid,
    first_step: u32,
    ticks_per_quarter: u16,
    directions: Vec<(Tick, Direction)>,
) -> Score {
    let mut parts = [const { Vec::new() }; 4];
    for (step, chord) in (first_step..).zip(&chorale.chords) {
        let (start, end) = (grid.tick(step), grid.tick(step + 1));
        for (notes, pitch) in parts.iter_mut().zip(chord.pitches()) {
            let Some(pitch) = pitch else { continue };
            extend(notes, true, Note { start, end, pitch, velocity: VELOCITY });
        }
    }
    Score { ticks_per_quarter, directions, parts, ..Score::default() }
}

#[cfg(test)]
mod tests {
    use chorale::Token;
    use proptest::prelude::*;

    use super::*;
    use crate::chords::chords_of;
    use crate::melody;
    use crate::score::{Lyric, Metre};

    fn note(start: Tick, end: Tick, pitch: u8) -> Note {
        Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 80 }
    }

    fn chord(pitches: [u8; 4]) -> Chord {
        Chord(pitches.map(|pitch| Pitch::new(pitch).and_then(Token::from_pitch).unwrap_or(Token::REST)))
    }

    fn melody(notes: &[Note]) -> Melody {
        Melody { notes: notes.to_vec(), ..Melody::default() }
    }

    /// The score of `notes` at 480 ticks a quarter, with `answer` under each step.
    fn score_of(notes: &[Note], answer: impl Fn(usize, Token) -> Chord) -> (Vec<MelodyStep>, Score) {
        score_in(Metre::FOUR_FOUR, notes, answer)
    }

    fn score_in(metre: Metre, notes: &[Note], answer: impl Fn(usize, Token) -> Chord) -> (Vec<MelodyStep>, Score) {
        let melody = melody(notes);
        let grid = Grid::new(480, &[(0, Direction::Metre(metre))], melody.first_onset());
        let steps = melody::steps(&melody, &grid).unwrap();
        let fold = Fold::of(&steps);
        let chords: Vec<Chord> =
            steps.iter().enumerate().map(|(index, step)| answer(index, fold.apply(step.soprano).0)).collect();
        let score = score(&melody, Part::Soprano, &steps, &chords, fold, 480, Vec::new());
        (steps, score)
    }

    fn spans(score: &Score, part: Part) -> Vec<(Tick, Tick, u8)> {
        score.part(part).iter().map(|note| (note.start, note.end, note.pitch.midi())).collect()
    }

    #[test]
    fn a_part_holds_its_pitch_until_it_moves_or_the_soprano_strikes_again() {
        let notes = [note(0, 240, 72), note(240, 480, 74), note(480, 600, 74)];
        let (_, score) = score_of(&notes, |step, _| chord([72, 67, if step < 3 { 64 } else { 62 }, 48]));
        assert_eq!(spans(&score, Part::Soprano), [(0, 240, 72), (240, 480, 74), (480, 600, 74)]);
        assert_eq!(spans(&score, Part::Alto), [(0, 480, 67), (480, 600, 67)]);
        assert_eq!(spans(&score, Part::Tenor), [(0, 360, 64), (360, 480, 62), (480, 600, 62)]);
    }

    #[test]
    fn all_parts_strike_anew_at_a_syllable_that_all_sing_and_after_a_fermata_or_a_breath() {
        let melody = Melody {
            notes: vec![note(0, 480, 72), note(480, 960, 74), note(960, 1440, 76), note(1440, 1920, 77)],
            lyrics: vec![Lyric { tick: 480, verse: 1, text: b"la".to_vec() }],
            all_sing: true,
            fermatas: vec![960],
            ..Melody::default()
        };
        let bass = |all_sing: bool, breaths: &[Tick]| {
            let mut melody = Melody { all_sing, ..melody.clone() };
            melody.phrasing.breaths = breaths.to_vec();
            let grid = Grid::new(480, &[], 0);
            let steps = melody::steps(&melody, &grid).unwrap();
            let chords = vec![chord([72, 67, 64, 48]); steps.len()];
            let score = score(&melody, Part::Soprano, &steps, &chords, Fold::Whole(0), 480, Vec::new());
            spans(&score, Part::Bass)
        };
        assert_eq!(bass(true, &[]), [(0, 480, 48), (480, 1440, 48), (1440, 1920, 48)]);
        assert_eq!(bass(false, &[]), [(0, 1440, 48), (1440, 1920, 48)]);
        assert_eq!(bass(false, &[0])[0], (0, 480, 48));
    }

    #[test]
    fn all_parts_rest_with_the_soprano_and_nothing_is_held_through() {
        let (steps, score) = score_of(&[note(0, 240, 72), note(960, 1200, 72)], |_, _| chord([72, 67, 64, 48]));
        assert_eq!(steps.len(), 4, "no step falls into the rest");
        assert_eq!(spans(&score, Part::Bass), [(0, 240, 48), (960, 1200, 48)]);
    }

    #[test]
    fn under_a_melody_that_was_moved_up_the_answer_goes_back_down() {
        let (_, low) = score_of(&[note(0, 480, 55)], |_, soprano| chord([soprano.pitch().unwrap().midi(), 64, 60, 48]));
        assert_eq!(spans(&low, Part::Soprano), [(0, 480, 55)]);
        assert_eq!(spans(&low, Part::Alto), [(0, 480, 52)]);
        let (_, high) =
            score_of(&[note(0, 480, 93)], |_, soprano| chord([soprano.pitch().unwrap().midi(), 64, 60, 48]));
        assert_eq!(spans(&high, Part::Alto), [(0, 480, 64)]);
    }

    #[test]
    fn a_chorale_comes_back_from_its_score() {
        let rows = "note0,note1,note2,note3\n72,67,64,48\n72,67,64,48\n74,67,0,43\n72,67,64,48\n";
        let chorale = Chorale::from_csv(rows).unwrap();
        let grid = Grid::new(480, &[], 0);
        let score = chorale_score(&chorale, &grid, 0, 480, Vec::new());
        assert_eq!(spans(&score, Part::Tenor), [(0, 240, 64), (360, 480, 64)]);
        assert_eq!(chords_of(&score, &grid, 1, 2), Ok(chorale.chords[1..3].to_vec()));
        let low = Score { parts: [vec![note(0, 480, 30)], vec![], vec![], vec![]], ..score };
        let error = chords_of(&low, &grid, 0, 99).unwrap_err().to_string();
        assert_eq!(error, "Soprano has F#1 in bar 1, outside the trained C2 to A5");
    }

    proptest! {
        #[test]
        fn whatever_the_melody_the_soprano_stays_and_no_part_overlaps_itself(
            notes in prop::collection::vec((0_u32..1500, 1_u32..2000, 30_u8..=100), 1..40),
            overlap in 0_u32..100,
            answers in prop::collection::vec([0_u8..=74, 0_u8..=69, 0_u8..=66], 1..9),
            (numerator, denominator_log2) in prop::sample::select(vec![(4, 2), (3, 2), (6, 3), (12, 3), (2, 1), (3, 1), (6, 4), (9, 4), (5, 4)]),
        ) {
            let mut now = 0;
            let notes: Vec<Note> = notes.into_iter().map(|(gap, length, pitch)| {
                let start = now + gap;
                now = start + length;
                note(start, now + overlap, pitch)
            }).collect();
            let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
            let (steps, score) = score_in(metre, &notes, |step, soprano| {
                let [alto, tenor, bass] = answers[step % answers.len()];
                Chord([soprano, chord([alto; 4]).0[1], chord([tenor; 4]).0[2], chord([bass; 4]).0[3]])
            });
            prop_assert_eq!(score.part(Part::Soprano), notes.as_slice());
            for part in Part::LOWER {
                for pair in score.part(part).windows(2) {
                    prop_assert!(pair[0].end <= pair[1].start, "{:?}", pair);
                }
                for note in score.part(part) {
                    prop_assert!(note.start < note.end && note.end <= score.part(Part::Soprano).last().unwrap().end);
                }
            }
            for pair in steps.windows(2) {
                prop_assert!(pair[0].start < pair[0].end && pair[0].end <= pair[1].start, "{:?}", pair);
            }
        }

    }
}
