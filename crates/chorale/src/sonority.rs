use std::sync::LazyLock;

use crate::quality::{Quality, mask};
use crate::{Part, Pitch};

/// What kind of chord the sounding pitch classes make, whatever their octaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sonority {
    /// A whole major or minor triad.
    Triad,
    /// A part of one: a third, a fifth, a single pitch class. Silence too.
    Incomplete,
    /// A diminished or augmented triad.
    DissonantTriad,
    /// A seventh chord with all four pitch classes.
    Seventh,
    /// Everything else: mostly suspensions, passing and neighbouring notes.
    Unclassified,
}

/// One bit for each sounding pitch class, C lowest.
pub(crate) fn classes(pitches: &[Option<Pitch>; 4]) -> u16 {
    pitches.iter().flatten().fold(0, |classes, pitch| classes | 1 << pitch.class())
}

/// The classes as seen from `root`: bit 0 is the root.
fn above(classes: u16, root: u32) -> u16 {
    (classes >> root | classes << (12 - root)) & 0xfff
}

impl Sonority {
    pub fn of(pitches: &[Option<Pitch>; 4]) -> Sonority {
        static TABLE: LazyLock<Vec<Sonority>> = LazyLock::new(sonorities);
        TABLE[usize::from(classes(pitches))]
    }

    /// No dissonance in it: a triad or a part of one.
    pub fn is_consonant(self) -> bool {
        matches!(self, Sonority::Triad | Sonority::Incomplete)
    }

    pub fn is_triad_or_seventh(self) -> bool {
        matches!(self, Sonority::Triad | Sonority::DissonantTriad | Sonority::Seventh)
    }
}

/// By the classes that sound. Filled in from the chords, since to look all chords up for all classes takes milliseconds.
fn sonorities() -> Vec<Sonority> {
    let mut sonorities = vec![Sonority::Unclassified; 1 << 12];
    let mut set = |chord: u16, sonority: Sonority| {
        (1..=12).for_each(|down| sonorities[usize::from(above(chord, down))] = sonority);
    };
    for part in 0..1 << 12 {
        if TRIADS.iter().any(|triad| part & !triad == 0) {
            set(part, Sonority::Incomplete);
        }
    }
    // Where two qualities have the same classes, the first one stays.
    for quality in Quality::ALL.into_iter().rev() {
        let sonority = match quality {
            _ if quality.is_consonant_triad() => Sonority::Triad,
            _ if quality.has_seventh() => Sonority::Seventh,
            _ => Sonority::DissonantTriad,
        };
        set(quality.mask(), sonority);
    }
    sonorities
}

const TRIADS: [u16; 2] = [Quality::Major.mask(), Quality::Minor.mask()];

/// A whole major or minor triad, seen from its root.
pub(crate) struct Triad {
    /// Semitones from the root up to the lowest part's pitch class.
    pub bass: u8,
    /// Parts that sound the third.
    pub thirds: usize,
}

impl Triad {
    pub fn of(pitches: &[Option<Pitch>; 4]) -> Option<Triad> {
        let classes = classes(pitches);
        let root = (0..12u8).find(|&root| TRIADS.contains(&above(classes, u32::from(root))))?;
        let degree = |pitch: Pitch| (pitch.class() + 12 - root) % 12;
        let lowest = pitches.iter().flatten().min()?;
        let thirds = pitches.iter().flatten().filter(|&&pitch| matches!(degree(pitch), 3 | 4)).count();
        Some(Triad { bass: degree(*lowest), thirds })
    }
}

/// Two pitch classes a semitone apart: minor seconds, major sevenths and their compounds.
pub fn has_semitone_dissonance(pitches: &[Option<Pitch>; 4]) -> bool {
    let classes = classes(pitches);
    classes & above(classes, 1) != 0
}

/// A fifth, fourth, octave or unison alone: an open fifth or less, for want of the third.
pub fn lacks_third(pitches: &[Option<Pitch>; 4]) -> bool {
    let classes = classes(pitches);
    Sonority::of(pitches) == Sonority::Incomplete && classes & (above(classes, 3) | above(classes, 4)) == 0
}

/// A major or minor triad, or as much of one as sounds, over its root.
pub fn is_good_ending(pitches: &[Option<Pitch>; 4]) -> bool {
    let Some(bass) = pitches[Part::Bass.index()] else { return false };
    let is_above =
        |semitones| pitches.iter().flatten().any(|pitch| (pitch.class() + 12 - bass.class()) % 12 == semitones);
    Sonority::of(pitches).is_consonant() && (is_above(3) != is_above(4)) && !is_above(8) && !is_above(9)
}

/// The pitch class of the root (Rameau, Traité de l'harmonie, 1722): of a triad, a seventh chord, a third or a fifth.
/// `None` for other chords, and for those that have none since all their intervals are equal.
pub(crate) fn root(pitches: &[Option<Pitch>; 4]) -> Option<u8> {
    static TABLE: LazyLock<Vec<Option<u8>>> = LazyLock::new(roots);
    TABLE[usize::from(classes(pitches))]
}

/// By the classes that sound.
fn roots() -> Vec<Option<u8>> {
    const DYADS: [u16; 3] = [mask(&[0, 7]), mask(&[0, 4]), mask(&[0, 3])];
    let chords = || Quality::ALL.into_iter().filter(|quality| !quality.is_symmetric()).map(Quality::mask);
    let mut roots = vec![None; 1 << 12];
    // Where two roots explain the same classes, the lower one stays.
    for root in (0..12u8).rev() {
        for chord in chords().chain(DYADS) {
            roots[usize::from(above(chord, 12 - u32::from(root)))] = Some(root);
        }
    }
    roots
}

/// The pitch class of the root of a major triad with minor seventh, its fifth there or not.
pub(crate) fn dominant_seventh_root(pitches: &[Option<Pitch>; 4]) -> Option<u8> {
    const WHOLE: u16 = Quality::DominantSeventh.mask();
    const WITHOUT_FIFTH: u16 = mask(&[0, 4, 10]);
    let classes = classes(pitches);
    (0..12u8).find(|&root| matches!(above(classes, u32::from(root)), WHOLE | WITHOUT_FIFTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pitches(midi: [u8; 4]) -> [Option<Pitch>; 4] {
        midi.map(|midi| if midi == 0 { None } else { Pitch::new(midi) })
    }

    #[test]
    fn chords_are_known_in_every_inversion_and_doubling() {
        let check = |midi, sonority| assert_eq!(Sonority::of(&pitches(midi)), sonority, "{midi:?}");
        check([72, 67, 64, 48], Sonority::Triad);
        check([72, 67, 63, 51], Sonority::Triad);
        check([72, 67, 60, 48], Sonority::Incomplete);
        check([0, 0, 0, 48], Sonority::Incomplete);
        check([71, 65, 62, 50], Sonority::DissonantTriad);
        check([72, 68, 64, 48], Sonority::DissonantTriad);
        check([71, 65, 62, 55], Sonority::Seventh);
        check([72, 67, 65, 48], Sonority::Unclassified);
    }

    #[test]
    fn a_semitone_is_dissonant_in_any_octave() {
        assert!(has_semitone_dissonance(&pitches([72, 67, 64, 47])));
        assert!(has_semitone_dissonance(&pitches([72, 71, 64, 48])));
        assert!(!has_semitone_dissonance(&pitches([74, 72, 64, 48])));
    }

    #[test]
    fn a_root_is_found_in_every_inversion_and_none_where_all_intervals_are_equal() {
        let check = |midi, expected| assert_eq!(root(&pitches(midi)), expected, "{midi:?}");
        check([72, 67, 64, 48], Some(0));
        check([72, 67, 64, 52], Some(0));
        check([72, 69, 64, 48], Some(9));
        check([71, 65, 62, 55], Some(7));
        check([69, 65, 62, 60], Some(2));
        check([71, 65, 62, 50], Some(11));
        check([67, 64, 60, 60], Some(0));
        check([67, 67, 55, 48], Some(0));
        check([72, 68, 64, 48], None);
        check([72, 69, 66, 63], None);
        check([72, 67, 65, 48], None);
        check([60, 60, 48, 48], None);
    }

    #[test]
    fn the_root_of_a_dominant_seventh_is_found_with_and_without_its_fifth() {
        assert_eq!(dominant_seventh_root(&pitches([65, 62, 59, 43])), Some(7));
        assert_eq!(dominant_seventh_root(&pitches([65, 59, 55, 43])), Some(7));
        assert_eq!(dominant_seventh_root(&pitches([67, 62, 59, 43])), None);
    }
}
