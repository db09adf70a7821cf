//! What the search is given: the melody step by step, with what binds the chord of each.

use chorale::{Key, Part, Phase, Pitch, Token};
use files::Note;
use files::melody::{Fold, MelodyStep};
use thiserror::Error;

use crate::constraints::{Constraints, OutOfReach};
use crate::harmonizer::Limits;

/// A sixteenth that is to be harmonized.
#[derive(Clone, Copy, Debug)]
pub struct SearchStep {
    /// `None` where it is to be found too.
    pub soprano: Option<Token>,
    pub phase: Phase,
    pub limits: Limits,
    /// Whether other parts than the melody may move here.
    pub may_move: bool,
    /// The piece comes to its end: a chord to end on is sought.
    pub is_closing: bool,
    /// A phrase comes to its end, and all parts to rest with it.
    pub is_phrase_end: bool,
    /// The key, while the piece begins and ends: from what it has heard so far the network cannot be sure of it.
    pub home: Option<(Key, KeySpan)>,
}

/// Where in a piece its key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpan {
    /// The first four beats.
    Opening,
    /// The beat before the last note.
    Approach,
    /// The last note.
    Close,
}

/// Steps of [`KeySpan::Opening`].
const OPENING: usize = 16;

/// The steps of a whole melody; when it `closes`, an ending is sought under all of its last pitch, since notes struck again
/// look here like one that lasts.
pub fn steps(sopranos: impl Iterator<Item = (Token, Phase)>, closes: bool) -> Vec<SearchStep> {
    let mut steps: Vec<SearchStep> = sopranos
        .map(|(soprano, phase)| SearchStep {
            soprano: Some(soprano),
            phase,
            limits: Limits::default(),
            may_move: true,
            is_closing: false,
            is_phrase_end: false,
            home: None,
        })
        .collect();
    if let Some(last) = steps.last().filter(|_| closes).map(|step| step.soprano) {
        steps.iter_mut().rev().take_while(|step| step.soprano == last).for_each(|step| step.is_closing = true);
    }
    steps
}

/// Tells in which key the piece begins and ends.
pub fn set_home(steps: &mut [SearchStep], key: Key) {
    let close = steps.iter().position(|step| step.is_closing).unwrap_or(0);
    let approach = close.saturating_sub(Phase::STEPS_PER_BEAT)..close;
    for (index, step) in steps.iter_mut().enumerate() {
        let span = match index {
            _ if step.is_closing => Some(KeySpan::Close),
            _ if approach.contains(&index) => Some(KeySpan::Approach),
            ..OPENING => Some(KeySpan::Opening),
            _ => None,
        };
        step.home = span.map(|span| (key, span));
    }
}

/// The steps of a melody from a file, with the notes of the kept lower parts that sound in them, in the same ticks.
///
/// # Errors
/// The first kept note outside the vocabulary, once it is moved by the octaves by which the melody is; a range outside it.
pub fn steps_under(
    melody: &[MelodyStep],
    fold: Fold,
    kept: &[Option<Vec<Note>>; 4],
    constraints: &Constraints,
) -> Result<Vec<SearchStep>, StepError> {
    let mut steps = steps(melody.iter().map(|given| (fold.apply(given.soprano).0, given.phase)), false);
    for ((step, given), may_move) in steps.iter_mut().zip(melody).zip(constraints.moves(melody)) {
        step.limits = constraints.limits(fold.apply(given.soprano).1)?;
        step.may_move = may_move && !given.in_triplet;
        step.is_phrase_end = given.fermata;
    }
    for part in Part::LOWER {
        let Some(notes) = &kept[part.index()] else { continue };
        for (step, given) in steps.iter_mut().zip(melody) {
            let sounding = notes.iter().find(|note| note.start <= given.start && given.start < note.end);
            let semitones = 12 * fold.apply(given.soprano).1.max(0);
            let token = match sounding {
                None => Token::REST,
                Some(note) => note.pitch.transposed(semitones).and_then(Token::from_pitch).ok_or_else(|| {
                    StepError::CannotKeep {
                        part,
                        pitch: note.pitch,
                        lowest: Pitch::LOWEST.transposed(-semitones).unwrap_or(Pitch::LOWEST),
                        highest: Pitch::HIGHEST.transposed(-semitones).unwrap_or(Pitch::HIGHEST),
                    }
                })?,
            };
            step.limits.kept[part.index()] = Some(token);
        }
    }
    close(&mut steps, melody);
    Ok(steps)
}

/// The steps of a melody that is sung by a lower part; the soprano is to be found too. Under its last note an ending is
/// sought.
///
/// # Errors
/// The first note outside the part's range; a range outside the vocabulary.
pub fn steps_around(
    melody: &[MelodyStep],
    part: Part,
    constraints: &Constraints,
) -> Result<Vec<SearchStep>, StepError> {
    let limits = constraints.limits(0)?;
    let (lowest, highest) = limits.ranges[part.index()];
    let mut steps = Vec::with_capacity(melody.len());
    for (given, may_move) in melody.iter().zip(constraints.moves(melody)) {
        let is_sung = (lowest..=highest).contains(&given.soprano);
        let token = Token::from_pitch(given.soprano).filter(|_| is_sung);
        let token = token.ok_or(StepError::CannotSing { part, pitch: given.soprano, lowest, highest })?;
        let mut limits = limits;
        limits.kept[part.index()] = Some(token);
        let may_move = may_move && !given.in_triplet;
        let (phase, is_phrase_end) = (given.phase, given.fermata);
        steps.push(SearchStep { soprano: None, phase, limits, may_move, is_closing: false, is_phrase_end, home: None });
    }
    close(&mut steps, melody);
    Ok(steps)
}

/// Seeks an ending under the last note that is struck, and no sooner: of two on one pitch ("A-men") only the second closes.
fn close(steps: &mut [SearchStep], melody: &[MelodyStep]) {
    let lasts = |two: &[MelodyStep]| two[0].soprano == two[1].soprano && two[0].end == two[1].start && !two[1].restruck;
    let last = melody.windows(2).rposition(|two| !lasts(two)).map_or(0, |before| before + 1);
    steps[last..].iter_mut().for_each(|step| step.is_closing = true);
}

/// Why a melody cannot be harmonized as asked.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StepError {
    #[error(
        "the {} to keep has {pitch} where the networks, with this melody, know only {lowest} to {highest}; \
         transpose both, or keep another part", part.name().to_lowercase()
    )]
    CannotKeep { part: Part, pitch: Pitch, lowest: Pitch, highest: Pitch },
    #[error(
        "the melody has {pitch}, which the {} cannot sing ({lowest} to {highest}); --transpose, --ranges or another \
         --melody-part", part.name().to_lowercase()
    )]
    CannotSing { part: Part, pitch: Pitch, lowest: Pitch, highest: Pitch },
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::melody;

    /// Sixteenths of quarters; a note is struck where `true` stands.
    fn quarters(notes: &[(u8, bool)]) -> Vec<MelodyStep> {
        let steps = (0..4 * notes.len()).map(|index| {
            let (midi, is_struck) = notes[index / 4];
            let start = index as u32;
            MelodyStep {
                phase: Phase::in_beat(index),
                start,
                end: start + 1,
                soprano: Pitch::new(midi).unwrap(),
                velocity: 80,
                restruck: index % 4 == 0 && is_struck && index >= 4 && notes[index / 4 - 1].0 == midi,
                fermata: false,
                breath: false,
                line_end: false,
                in_triplet: false,
            }
        });
        steps.collect()
    }

    #[test]
    fn the_key_counts_in_four_beats_in_the_one_before_the_last_note_and_under_it() {
        let key: Key = "G".parse().unwrap();
        let places = |steps: &mut [SearchStep]| -> Vec<Option<KeySpan>> {
            set_home(steps, key);
            steps.iter().map(|step| step.home.map(|(_, place)| place)).collect()
        };
        let found = places(&mut melody());
        // A note that is struck again looks like one that lasts.
        let close = found.iter().position(|place| *place == Some(KeySpan::Close)).unwrap();
        assert_eq!(found[..16], [Some(KeySpan::Opening); 16]);
        assert_eq!(found[16..close - 4], vec![None; close - 20]);
        assert_eq!(found[close - 4..close], [Some(KeySpan::Approach); 4]);
        assert_eq!(found[close..], vec![Some(KeySpan::Close); found.len() - close]);
        let mut open = steps(melody().into_iter().filter_map(|step| Some((step.soprano?, step.phase))), false);
        assert!(places(&mut open)[16..].iter().all(Option::is_none), "an end that is not sought");
    }

    #[test]
    fn of_a_last_note_that_is_struck_twice_only_the_second_closes() {
        let closing = |last: [(u8, bool); 2]| {
            let melody = quarters(&[(67, true), (69, true), last[0], last[1]]);
            let constraints = Constraints::default();
            let kept = [const { None }; 4];
            let under = steps_under(&melody, Fold::Whole(0), &kept, &constraints).unwrap();
            let around = steps_around(&melody, Part::Alto, &constraints).unwrap();
            let count = |steps: &[SearchStep]| steps.iter().filter(|step| step.is_closing).count();
            assert!(under.last().is_some_and(|step| step.is_closing));
            (count(&under), count(&around))
        };
        assert_eq!(closing([(67, true), (67, true)]), (4, 4), "A-men");
        assert_eq!(closing([(67, true), (67, false)]), (8, 8), "a half note");
        assert_eq!(closing([(69, true), (67, true)]), (4, 4));
        assert!(steps_under(&[], Fold::Whole(0), &[const { None }; 4], &Constraints::default()).unwrap().is_empty());
    }
}
