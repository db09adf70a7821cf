//! The octaves between a melody and the range in which the networks know sopranos.

use chorale::{Part, Pitch, Token};

use super::MelodyStep;

/// How the melody is brought into the range that the networks know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The whole melody, by this number of octaves up (below zero: down); 0 when it fits as it is.
    Whole(i32),
    /// No octave holds it as well as this number of semitones: the whole melody with its key, and the answer back, but for
    /// the octaves that the melody lies above a choir.
    Shift(i32),
    /// Nothing holds it all: each note by itself, in another octave.
    NoteByNote,
}

/// As far as a melody is moved with its key rather than by octaves.
const FAR: i32 = 6;

/// As far below its range as a choir sings a melody by lying lower, to G3 under the sopranos' C4, before an octave up is nearer.
const DIP: i32 = 5;

/// As far as `--transpose` moves.
const MOST_TRANSPOSED: i32 = 36;

/// The nearest first.
const OCTAVES: [i32; 11] = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5];

/// By how many semitones a melody goes below a range, and above it; below zero where there is room. `None` of no notes.
fn beyond(steps: &[MelodyStep], (low, high): (Pitch, Pitch)) -> Option<(i32, i32)> {
    let pitches = || steps.iter().map(|step| i32::from(step.soprano.midi()));
    Some((i32::from(low.midi()) - pitches().min()?, pitches().max()? - i32::from(high.midi())))
}

impl Fold {
    pub fn of(steps: &[MelodyStep]) -> Fold {
        Fold::into_range(steps, Part::Soprano.range())
    }

    /// As [`Fold::of`], but by a few semitones where that is enough: who has the whole melody in view can think in another
    /// key. So a melody that dips below the range stays in one piece, and all parts lie a little lower.
    pub fn with_shift(steps: &[MelodyStep]) -> Fold {
        let Some((up, down)) = beyond(steps, Part::Soprano.range()) else { return Fold::Whole(0) };
        match (up, down) {
            (1..=FAR, _) if down + up <= 0 => Fold::Shift(up),
            (_, 1..=FAR) if up + down <= 0 => Fold::Shift(-down),
            _ => match Fold::of(steps) {
                Fold::NoteByNote if up > 0 && down + up <= 0 => Fold::Shift(up),
                Fold::NoteByNote if down > 0 && up + down <= 0 => {
                    let nearest = (up..=-down).rev().min_by_key(|semitones| Fold::way_back(*semitones).abs());
                    Fold::Shift(nearest.unwrap_or(-down))
                }
                fold => fold,
            },
        }
    }

    /// By how many semitones up a melody that goes below the range lies in it; `None` where no such number holds it.
    pub fn semitones_up(steps: &[MelodyStep], range: (Pitch, Pitch)) -> Option<i32> {
        beyond(steps, range).filter(|(below, above)| *below > 0 && above + below <= 0).map(|(below, _)| below)
    }

    /// Whether a melody goes below the range by no more than what a choir sings by lying a little lower.
    pub fn dips(steps: &[MelodyStep], range: (Pitch, Pitch)) -> bool {
        Fold::semitones_up(steps, range).is_some_and(|semitones| semitones <= DIP)
    }

    /// Into the range of those who sing it.
    pub fn into_range(steps: &[MelodyStep], (low, high): (Pitch, Pitch)) -> Fold {
        let fits = |octaves: i32| {
            let inside = |step: &MelodyStep| {
                step.soprano.transposed(12 * octaves).is_some_and(|pitch| (low..=high).contains(&pitch))
            };
            steps.iter().all(inside)
        };
        OCTAVES.into_iter().find(|&octaves| fits(octaves)).map_or(Fold::NoteByNote, Fold::Whole)
    }

    /// By how many semitones the answer goes back down under a melody that was moved up by so many: under one that was
    /// moved down it stays as near as octaves let it to where a choir sings.
    fn way_back(semitones: i32) -> i32 {
        if semitones > 0 { semitones } else { (semitones + FAR).rem_euclid(12) - FAR }
    }

    /// By how many octaves a melody that lies too low for its singers, but that no octave fits, is moved up: to where it
    /// dips no further than by the few semitones by which a choir sings lower. 0 where it spans too much for that.
    pub fn octaves_up(steps: &[MelodyStep], range: (Pitch, Pitch)) -> i32 {
        let Some((below, above)) = beyond(steps, range) else { return 0 };
        if below + above > 0 { 0 } else { (below - FAR + 11).max(0) / 12 }
    }

    /// By how many octaves up (below zero: down) a melody that no octave fits lies nearest to the range of its singers.
    pub fn nearest_octaves(steps: &[MelodyStep], range: (Pitch, Pitch)) -> i32 {
        let Some((below, above)) = beyond(steps, range) else { return 0 };
        let left = |octaves: &i32| (below - 12 * octaves).max(0) + (above + 12 * octaves).max(0);
        OCTAVES.into_iter().min_by_key(left).unwrap_or(0)
    }

    /// By how many semitones a melody that nothing holds is moved so that the least of it is outside the range, and how many
    /// hundredths of it are outside as it is and then.
    pub fn least_outside(steps: &[MelodyStep], (low, high): (Pitch, Pitch)) -> (i32, usize, usize) {
        let is_inside = |step: &MelodyStep, semitones: i32| {
            step.soprano.transposed(semitones).is_some_and(|pitch| (low..=high).contains(&pitch))
        };
        let outside = |semitones: i32| {
            let outside = steps.iter().filter(|step| !is_inside(step, semitones)).count();
            (100 * outside).div_ceil(steps.len().max(1))
        };
        let nearest = (-18..=18).min_by_key(|&semitones: &i32| (outside(semitones), semitones.abs())).unwrap_or(0);
        (nearest, outside(0), outside(nearest))
    }

    /// What to tell the user; nothing when the melody fits as it is. `transpose` is by how much it was moved already.
    pub fn remark(self, transpose: i32) -> Option<String> {
        let (low, high) = Part::Soprano.range();
        match self {
            Fold::Whole(0) => None,
            Fold::Whole(octaves) => {
                let many = if octaves.abs() == 1 { "an octave".into() } else { format!("{} octaves", octaves.abs()) };
                let (place, way) = if octaves > 0 { ("low", "higher") } else { ("high", "lower") };
                let sung = transpose + 12 * octaves;
                let way_out = match sung.abs() {
                    0..=MOST_TRANSPOSED => format!("; --transpose {sung} brings it in"),
                    _ => String::new(),
                };
                Some(format!(
                    "the melody lies too {place} for the network ({low} to {high}): harmonized as if {many} {way}{way_out}"
                ))
            }
            Fold::Shift(semitones) => {
                let (up, back) = (semitones, Fold::way_back(semitones));
                let end = if semitones > 0 { "below" } else { "above" };
                let way = if back > 0 { "low" } else { "high" };
                let parts = if back == semitones { "all parts lie" } else { "the other parts lie" };
                let many = back.unsigned_abs();
                let semitones = if many == 1 { "a semitone".into() } else { format!("{many} semitones") };
                Some(format!(
                    "the melody goes {end} the range of a soprano ({low} to {high}), so that {parts} {semitones} too {way}; \
                     --transpose {} brings it in",
                    transpose + up
                ))
            }
            Fold::NoteByNote => Some(format!(
                "no key or octave of the melody fits into what the network knows ({low} to {high}): \
                 notes outside are harmonized as their octave inside"
            )),
        }
    }

    /// The soprano as the network hears it, and by how many semitones the answer goes back down. Under a melody that was
    /// moved down by octaves it stays, being low enough already.
    pub fn apply(self, soprano: Pitch) -> (Token, i32) {
        let moved = |semitones: i32| soprano.transposed(semitones).and_then(Token::from_pitch);
        let whole = match self {
            Fold::Whole(octaves) => moved(12 * octaves).zip(Some(12 * octaves.max(0))),
            Fold::Shift(semitones) => moved(semitones).zip(Some(Fold::way_back(semitones))),
            Fold::NoteByNote => None,
        };
        whole.unwrap_or_else(|| {
            let (token, octaves) = Part::Soprano.fold(soprano);
            (token, 12 * octaves.max(0))
        })
    }
}
