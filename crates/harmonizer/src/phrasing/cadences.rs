//! Which cadences suit the end of a phrase, by how Bach ended phrases of such sopranos.

use chorale::{Approach, Cadence, Key, Phase};

use super::{Contour, Phrasing};

/// One of several cadences that are possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CadenceOption {
    pub cadence: Cadence,
    /// Of all options together, 1.
    pub share: f32,
}

/// How many phrases a rarer context counts for beside a more special one.
const SHRINKAGE: f32 = 3.0;
/// What a note outside the key of a cadence leaves of its share, among the last notes of the phrase.
const FOREIGN: f32 = 0.3;
const LAST_NOTES: usize = 6;
/// A piece closes with an authentic cadence wherever its melody allows one: where they have so large a share.
const ALLOWS_AUTHENTIC: f32 = 0.2;
/// What is left of an authentic end's share where the soprano falls from the fifth to the root as the bass does: Bach has none.
/// In the last phrase it is still the best that such a melody allows.
const SAME_FALL: f32 = 0.03;
/// The degree from which minor tunes of the old modes come to their tonic: no raised third follows it.
const WHOLE_TONE_BELOW: u8 = 10;
/// Less is never tried.
const LEAST_SHARE: f32 = 0.01;

/// The cadences that suit the phrase that ends with a note; in the last phrase those on the tonic alone.
pub fn cadences_under(
    contour: &Contour,
    end: usize,
    key: Key,
    is_last: bool,
    phrasing: &Phrasing,
) -> Vec<CadenceOption> {
    let degree = contour.degree(end, key) as u8;
    let pitch = |index: usize| contour.notes[index].pitch;
    let last = (0..end).rev().find(|&index| pitch(index) != pitch(end));
    let degree_of = |index: usize| contour.degree(index, key) as u8;
    let before = last.map_or(degree, degree_of);
    let ornamented = last.and_then(|last| ornamented(contour, last)).map_or(before, degree_of);
    let first = end.saturating_sub(LAST_NOTES - 1);
    let classes: Vec<u8> = (first..=end).map(|index| pitch(index).class()).collect();
    let shares = Shares { phrasing, key, is_last, degree, before };
    let is_phrygian = is_last && is_phrygian(contour, key);
    let mut options: Vec<CadenceOption> = Vec::new();
    for above in 0..12 {
        for minor in [false, true] {
            for approach in Approach::ALL {
                let cadence = Cadence { root: (key.tonic() + above) % 12, minor, approach };
                let is_raised = key.minor && !minor && !is_phrygian && before == WHOLE_TONE_BELOW;
                if is_last && (above != 0 || minor && !key.minor || is_raised) {
                    continue;
                }
                let usual = if is_phrygian { phrygian_share(cadence) } else { shares.of(cadence) };
                let falls_alike = !is_last && approach == Approach::Authentic && falls_to(cadence, key, before, degree);
                let share = usual * fit(cadence, key, &classes, [before, ornamented]);
                let share = if falls_alike { SAME_FALL * share } else { share };
                options.push(CadenceOption { cadence, share });
            }
        }
    }
    let total: f32 = options.iter().map(|option| option.share).sum();
    options.iter_mut().for_each(|option| option.share /= total.max(f32::MIN_POSITIVE));
    let is_authentic = |option: &CadenceOption| option.cadence.approach == Approach::Authentic;
    let authentic: f32 = options.iter().filter(|option| is_authentic(option)).map(|option| option.share).sum();
    if is_last && authentic >= ALLOWS_AUTHENTIC {
        options.retain(is_authentic);
    }
    options.retain(|option| option.share >= LEAST_SHARE);
    ranked(options)
}

/// Whether the soprano has the roots of the dominant and of the chord after it.
fn falls_to(cadence: Cadence, key: Key, before: u8, degree: u8) -> bool {
    let above = |degree: u8| cadence.above((key.tonic() + degree) % 12);
    above(before) == 7 && above(degree) == 0
}

/// The note that a short one after it ornaments, in the beat before the end, by a step: the D of "D E C", an échappée.
fn ornamented(contour: &Contour, short: usize) -> Option<usize> {
    let before = short.checked_sub(1)?;
    let (note, ornament) = (contour.notes[before], contour.notes[short]);
    let is_step = (1..=2).contains(&note.pitch.midi().abs_diff(ornament.pitch.midi()));
    (is_step && note.rest == 0 && ornament.rest == 0 && ornament.length < Phase::STEPS_PER_BEAT as u32)
        .then_some(before)
}

/// Whether a melody in minor has the semitone above its tonic and not the whole tone.
fn is_phrygian(contour: &Contour, key: Key) -> bool {
    let has = |degree: usize| (0..contour.notes.len()).any(|index| contour.degree(index, key) == degree);
    key.minor && has(1) && !has(2)
}

/// How a piece in the Phrygian mode closes, which is on a major chord and never from a dominant, whose fifth and third are
/// foreign to it. Bach heard such tunes in another key and left them on its dominant, so that his counts say nothing of this:
/// set by hand.
fn phrygian_share(cadence: Cadence) -> f32 {
    match (cadence.minor, cadence.approach) {
        (false, Approach::Phrygian) => 0.6,
        (false, Approach::Plagal) => 0.3,
        (false, Approach::Other) => 0.1,
        _ => 0.0,
    }
}

/// The cadences with which phrases end whose soprano is still to be found; the last one is authentic.
pub fn cadences(key: Key, is_last: bool, phrasing: &Phrasing) -> Vec<CadenceOption> {
    let mut options: Vec<CadenceOption> = Vec::new();
    for count in phrasing.cadences.iter().filter(|count| count.minor == key.minor && count.last == is_last) {
        let approach = Approach::ALL[usize::from(count.approach).min(Approach::ALL.len() - 1)];
        let cadence = Cadence { root: (key.tonic() + count.root) % 12, minor: count.minor_triad, approach };
        if is_last && (count.root != 0 || approach != Approach::Authentic || cadence.minor && !key.minor) {
            continue;
        }
        match options.iter_mut().find(|option| option.cadence == cadence) {
            Some(option) => option.share += count.count as f32,
            None => options.push(CadenceOption { cadence, share: count.count as f32 }),
        }
    }
    let total: f32 = options.iter().map(|option| option.share).sum();
    // What is rare needs a soprano that asks for it.
    options.retain(|option| option.share >= 0.03 * total);
    ranked(options)
}

/// With shares that make one, the largest first.
fn ranked(mut options: Vec<CadenceOption>) -> Vec<CadenceOption> {
    let total: f32 = options.iter().map(|option| option.share).sum();
    options.iter_mut().for_each(|option| option.share /= total);
    options.sort_by(|a, b| b.share.total_cmp(&a.share));
    options
}

/// What the counts say, the more special context shrunk towards the more general one.
struct Shares<'a> {
    phrasing: &'a Phrasing,
    key: Key,
    is_last: bool,
    degree: u8,
    before: u8,
}

impl Shares<'_> {
    fn of(&self, cadence: Cadence) -> f32 {
        let root = self.key.degree(cadence.root);
        let is_it = |count: &super::CadenceCount| {
            count.root == root
                && count.minor_triad == cadence.minor
                && usize::from(count.approach) == cadence.approach.index()
        };
        let (mut all, mut on_degree, mut special) = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0));
        for count in &self.phrasing.cadences {
            if count.minor != self.key.minor || count.last != self.is_last {
                continue;
            }
            let add = |sums: &mut (f32, f32)| {
                sums.0 += if is_it(count) { count.count as f32 } else { 0.0 };
                sums.1 += count.count as f32;
            };
            add(&mut all);
            if count.degree == self.degree {
                add(&mut on_degree);
                if count.before == self.before {
                    add(&mut special);
                }
            }
        }
        // What Bach never did stays out, and so does the minor tonic of a major key.
        if all.0 == 0.0 || root == 0 && cadence.minor && !self.key.minor {
            return 0.0;
        }
        let usual = all.0 / all.1;
        let shrunk = |(some, many): (f32, f32), to: f32| (some + SHRINKAGE * to) / (many + SHRINKAGE);
        shrunk(special, shrunk(on_degree, usual))
    }
}

/// How far a cadence fits the notes, which the counts don't know of: its chord holds the last one, its dominant may hold
/// the one before or the one that this ornaments, and its key holds those before.
fn fit(cadence: Cadence, key: Key, classes: &[u8], [before, ornamented]: [u8; 2]) -> f32 {
    let last = classes[classes.len() - 1];
    if !cadence.holds(last) {
        return 0.0;
    }
    let [before, ornamented] = [before, ornamented].map(|degree| cadence.above((key.tonic() + degree) % 12));
    let leads = match cadence.approach {
        Approach::Authentic => [before, ornamented].iter().any(|degree| [2, 5, 7, 11].contains(degree)),
        Approach::Leading => [2, 5, 8, 9, 11].contains(&before),
        Approach::Plagal => [0, 5, 8, 9].contains(&before),
        Approach::Phrygian => [5, 10].contains(&before),
        Approach::Other => true,
    };
    let local = match cadence.approach {
        Approach::Other => key,
        Approach::Phrygian => Key::of_tonic((cadence.root + 5) % 12, true),
        _ => Key::of_tonic(cadence.root, cadence.minor),
    };
    let foreign = classes.iter().filter(|class| !local.has(**class)).count();
    FOREIGN.powi(foreign as i32) * if leads { 1.0 } else { 0.05 }
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::phrasing::{ContourNote, Mark};

    /// In E minor, of notes with their steps.
    fn options(notes: &[(u8, u32)], is_last: bool) -> Vec<CadenceOption> {
        let mut onset = 0;
        let notes = notes.iter().map(|&(pitch, length)| {
            onset += length;
            let pitch = Pitch::new(pitch).unwrap();
            ContourNote { onset: onset - length, length, rest: 0, pitch, mark: Mark::None }
        });
        let contour = Contour { notes: notes.collect(), bar: Some(4), tells_strokes: true };
        cadences_under(&contour, contour.notes.len() - 1, Key::of_tonic(4, true), is_last, Phrasing::learned())
    }

    fn beats(pitches: &[u8]) -> Vec<(u8, u32)> {
        pitches.iter().map(|&pitch| (pitch, 4)).collect()
    }

    fn last_approaches(pitches: &[u8]) -> Vec<Approach> {
        let options = options(&beats(pitches), true);
        assert!(options.iter().all(|option| option.cadence.root == 4));
        options.iter().map(|option| option.cadence.approach).collect()
    }

    #[test]
    fn a_tune_in_the_phrygian_mode_closes_by_a_semitone_in_the_bass_and_not_from_a_dominant() {
        assert_eq!(last_approaches(&[64, 65, 67, 69, 67, 65, 62, 64])[0], Approach::Phrygian);
        assert!(!last_approaches(&[64, 65, 67, 69, 67, 69, 65, 64]).contains(&Approach::Authentic));
        assert_eq!(last_approaches(&[64, 66, 67, 69, 67, 66, 63, 64])[0], Approach::Authentic);
    }

    #[test]
    fn a_short_note_by_step_behind_one_of_the_dominant_ornaments_it() {
        let last = |short: (u8, u32)| options(&[(67, 4), (69, 4), (67, 4), (66, 6 - short.1), short, (64, 8)], true);
        let is_authentic = |option: &CadenceOption| option.cadence.approach == Approach::Authentic;
        assert!(last((67, 2)).iter().all(is_authentic), "an échappée");
        assert!(!last((72, 2)).iter().all(is_authentic), "a leap");
    }

    #[test]
    fn a_tonic_in_minor_that_comes_by_a_whole_tone_from_below_is_not_raised() {
        let has_raised = |before: u8| {
            let options = options(&beats(&[64, 66, 67, 69, 67, 66, before, 64]), true);
            options.iter().any(|option| !option.cadence.minor)
        };
        assert!(!has_raised(62));
        assert!(has_raised(63), "as Bach does");
    }

    #[test]
    fn within_a_piece_the_outer_parts_do_not_fall_from_the_same_fifth() {
        let share = |before: u8| {
            let options = options(&beats(&[64, 66, 67, 69, 67, 69, before, 64]), false);
            let is_it =
                |option: &&CadenceOption| option.cadence.root == 4 && option.cadence.approach == Approach::Authentic;
            options.iter().filter(is_it).map(|option| option.share).sum::<f32>()
        };
        assert!(share(71) < 0.2 && share(66) > 0.3, "{} {}", share(71), share(66));
    }
}
