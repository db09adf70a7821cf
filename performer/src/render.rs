//! Harmony for a whole melody, and new chorales: the [`Harmonizer`] that plays live, run over a file.
//!
//! It stays causal: the chord of a step rests on the steps before it and the soprano of the step, never on what comes.

use std::collections::{BTreeMap, BTreeSet};

use chorale::census::ends_by_a_fifth;
use chorale::{Chorale, Chord, KeyClass, Part, Phase, is_good_ending};
use thiserror::Error;

use crate::answer::unfold;
use crate::arrangement::{Arrangement, OutOfReach};
use crate::ensemble::Ensemble;
use crate::grid::Grid;
use crate::harmonizer::{Harmonizer, Sampling};
use crate::melody::{Fold, Melody, MelodyStep};
use crate::model::ModelError;
use crate::score::{Direction, Note, Score, Tick, sung_at};

/// Ticks of a quarter in pieces that come from no MIDI file; divisible by every usual subdivision.
pub const TICKS_PER_QUARTER: u16 = 480;

/// The last steps of a new chorale, in which it seeks a close: two beats.
const CLOSE: usize = 8;

/// The last steps that are drawn again, and how often, until the bass falls by a fifth to the tonic.
const ENDING: usize = 16;
const ENDINGS: u64 = 48;
const BY_A_FIFTH: u8 = 3;

/// The velocity of notes that nobody played.
const VELOCITY: u8 = 80;

/// The chord of every step, as the network heard and answered it: folded into its range.
///
/// A rest of the melody has no steps: the network's time stands still in it, as it does in live playing, and the bar
/// phase goes on.
///
/// # Errors
/// When the model fails to run; a range outside what it knows.
pub fn harmonize(
    steps: &[MelodyStep],
    fold: Fold,
    arrangement: &Arrangement,
    harmonizer: &mut Harmonizer,
) -> Result<Vec<Chord>, HarmonizeError> {
    let mut chords: Vec<Chord> = Vec::with_capacity(steps.len());
    for (step, may_move) in steps.iter().zip(arrangement.moves(steps)) {
        let before = chords.last().copied();
        harmonizer.step(before.unwrap_or(Chord::START), step.phase)?;
        let (soprano, octaves) = fold.apply(step.soprano);
        chords.push(match before.filter(|_| !may_move) {
            Some(held) => held,
            None => {
                harmonizer.set_limits(arrangement.limits(octaves)?);
                harmonizer.answer(soprano)?
            }
        });
    }
    Ok(chords)
}

/// See [`harmonize`].
#[derive(Debug, Error)]
pub enum HarmonizeError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

/// The melody as it is, with the chords below it as notes: a pitch that stays is held, except where the soprano strikes
/// its own again, after a fermata, and where a syllable begins that all sing; where the melody rests, all rest. The
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
    let begins = |step: &MelodyStep| melody.notes.binary_search_by_key(&step.start, |note| note.start).is_ok();
    let sung = melody.lyrics.iter().filter(|_| melody.all_sing);
    let sung: BTreeSet<Tick> = sung.filter_map(|lyric| sung_at(&melody.notes, lyric.tick)).collect();
    for part in Part::ALL.into_iter().filter(|part| *part != melody_part) {
        let notes = &mut parts[part.index()];
        for (index, (step, chord)) in steps.iter().zip(chords).enumerate() {
            let (_, octaves) = fold.apply(step.soprano);
            let Some(pitch) = unfold(chord[part].pitch(), octaves) else { continue };
            let before = index.checked_sub(1).map(|before| &steps[before]).filter(|before| before.end == step.start);
            let is_struck = step.restruck || sung.range(step.start..step.end).next().is_some();
            let is_held = !is_struck && before.is_some_and(|before| !before.fermata || !begins(step));
            extend(notes, is_held, Note { start: step.start, end: step.end, pitch, velocity: step.velocity });
        }
    }
    let mut spellings = [const { BTreeMap::new() }; 4];
    spellings[melody_part.index()].clone_from(&melody.spellings);
    Score {
        title: None,
        creators: Vec::new(),
        ticks_per_quarter,
        directions,
        parts,
        ensemble: Ensemble::default(),
        melody: melody_part,
        lyrics: melody.lyrics.clone(),
        all_sing: melody.all_sing,
        is_notated: false,
        fermatas: melody.fermatas.clone(),
        spellings,
    }
}

/// Appends `note`, or makes the last one longer when it is the same and may be `held`.
fn extend(notes: &mut Vec<Note>, held: bool, note: Note) {
    match notes.last_mut() {
        Some(last) if held && last.pitch == note.pitch && last.end == note.start => last.end = note.end,
        _ => notes.push(note),
    }
}

/// `length` steps: those of `prompt`, then new ones, the soprano too drawn from the network. `phase` tells the phase
/// of each, counted from 0. The last four beats are drawn again until the bass falls by a fifth to the tonic.
///
/// # Errors
/// When the model fails to run.
pub fn generate(
    prompt: &[Chord],
    length: usize,
    phase: impl Fn(usize) -> Phase,
    harmonizer: &mut Harmonizer,
) -> Result<Chorale, ModelError> {
    let mut chords: Vec<Chord> = Vec::with_capacity(length);
    let write = |chords: &mut Vec<Chord>, harmonizer: &mut Harmonizer, until: usize| -> Result<(), ModelError> {
        for step in chords.len()..until {
            harmonizer.set_closing(step + CLOSE >= length);
            harmonizer.step(chords.last().copied().unwrap_or(Chord::START), phase(step))?;
            chords.push(match prompt.get(step) {
                Some(&chord) => chord,
                None => harmonizer.continuation()?,
            });
        }
        Ok(())
    };
    write(&mut chords, harmonizer, length.saturating_sub(ENDING).max(prompt.len()).min(length))?;
    let sampling = harmonizer.sampling();
    let mut best: Option<(u8, Vec<Chord>)> = None;
    for attempt in 0..ENDINGS {
        let (mut chords, mut harmonizer) = (chords.clone(), harmonizer.clone());
        // Far from the seeds that a user would give.
        harmonizer.set_sampling(Sampling { seed: sampling.seed.wrapping_add(attempt << 40), ..sampling });
        write(&mut chords, &mut harmonizer, length)?;
        let closes = closes(&chords);
        if best.as_ref().is_none_or(|(least, _)| closes > *least) {
            best = Some((closes, chords));
        }
        if closes == BY_A_FIFTH {
            break;
        }
    }
    Ok(Chorale { chords: best.map_or(chords, |(_, chords)| chords) })
}

/// How well a piece ends: 0 on no chord to end on, 1 on one, 2 on that of its key, [`BY_A_FIFTH`] if the bass falls to it
/// from the fifth degree too, as nine in ten of Bach's do.
fn closes(chords: &[Chord]) -> u8 {
    let Some(last) = chords.last().filter(|last| is_good_ending(&last.pitches())) else { return 0 };
    let mut durations = [0; 12];
    chords
        .iter()
        .flat_map(|chord| chord.pitches())
        .flatten()
        .for_each(|pitch| durations[usize::from(pitch.class())] += 1);
    let tonic = KeyClass::of(&durations).map(|key| key.tonic);
    match last[Part::Bass].pitch().map(|bass| bass.class()) == tonic {
        true if ends_by_a_fifth(chords) => BY_A_FIFTH,
        is_on_tonic => 1 + u8::from(is_on_tonic),
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
    use std::sync::Arc;

    use chorale::{Pitch, Token};
    use files::chords::chords_of;
    use proptest::prelude::*;

    use super::*;
    use crate::any_score::any_score;
    use crate::melody::{self, Choice};
    use crate::model::Model;
    use crate::score::{Lyric, Metre};
    use crate::{smf, view};

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
        let melody = melody(notes);
        let grid = Grid::new(480, &[(0, Direction::Metre(Metre::FOUR_FOUR))], melody.first_onset());
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
    fn a_new_chorale_ends_on_its_tonic() {
        let model = Arc::new(Model::lstm().unwrap());
        let ends = |seed: u64| {
            let mut harmonizer = Harmonizer::new(Arc::clone(&model), Sampling { seed, ..Sampling::default() });
            let chorale = generate(&[], 64, Phase::in_bar, &mut harmonizer).unwrap();
            assert_eq!(chorale.chords.len(), 64);
            closes(&chorale.chords)
        };
        let count = (0..8).filter(|seed| ends(*seed) == BY_A_FIFTH).count();
        assert!(count >= 6, "{count} of 8");
        let mut harmonizer = Harmonizer::new(model, Sampling::default());
        let prompt = vec![chord([72, 67, 64, 48]); 60];
        assert_eq!(generate(&prompt, 64, Phase::in_bar, &mut harmonizer).unwrap().chords[..60], prompt);
    }

    #[test]
    fn all_parts_strike_anew_at_a_syllable_that_all_sing_and_after_a_fermata() {
        let melody = Melody {
            notes: vec![note(0, 480, 72), note(480, 960, 74), note(960, 1440, 76), note(1440, 1920, 77)],
            lyrics: vec![Lyric { tick: 480, verse: 1, text: b"la".to_vec() }],
            all_sing: true,
            fermatas: vec![960],
            ..Melody::default()
        };
        let bass = |all_sing: bool| {
            let melody = Melody { all_sing, ..melody.clone() };
            let grid = Grid::new(480, &[], 0);
            let steps = melody::steps(&melody, &grid).unwrap();
            let chords = vec![chord([72, 67, 64, 48]); steps.len()];
            let score = score(&melody, Part::Soprano, &steps, &chords, Fold::Whole(0), 480, Vec::new());
            spans(&score, Part::Bass)
        };
        assert_eq!(bass(true), [(0, 480, 48), (480, 1440, 48), (1440, 1920, 48)]);
        assert_eq!(bass(false), [(0, 1440, 48), (1440, 1920, 48)]);
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
        ) {
            let mut now = 0;
            let notes: Vec<Note> = notes.into_iter().map(|(gap, length, pitch)| {
                let start = now + gap;
                now = start + length;
                note(start, now + overlap, pitch)
            }).collect();
            let (steps, score) = score_of(&notes, |step, soprano| {
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

        #[test]
        fn a_damaged_file_is_rendered_shown_and_written_or_refused_without_a_panic(
            score in any_score(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        ) {
            let mut bytes = smf::write(&score);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let Ok(file) = smf::read(&bytes) else { return Ok(()) };
            let Ok(melody) = Melody::find(&file, &Choice::default()) else { return Ok(()) };
            let grid = Grid::new(file.ticks_per_quarter, &file.directions, melody.first_onset());
            let Ok(steps) = melody::steps(&melody, &grid) else { return Ok(()) };
            let fold = Fold::of(&steps);
            let Chord(low) = chord([0, 67, 0, 48]);
            let chords: Vec<Chord> = steps.iter().map(|step| Chord([fold.apply(step.soprano).0, low[1], low[2], low[3]])).collect();
            let directions = file.directions.clone();
            let score = super::score(&melody, Part::Soprano, &steps, &chords, fold, file.ticks_per_quarter, directions);
            let written = smf::read(&smf::write(&score)).expect("what we write can be read");
            prop_assert_eq!(written.tracks[1].channels.get(&0), Some(&melody.notes));
            let style = view::Style { width: 80, colour: false };
            prop_assert!(!view::names(&score, &grid, style).is_empty());
            prop_assert!(!view::piano_roll(&score, &grid, style).is_empty());
        }
    }
}
