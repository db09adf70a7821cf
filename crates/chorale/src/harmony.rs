//! Chords and their names: letters (D7/F#) and Roman numerals (V65).

use crate::spelling::{name_of, place_in_chord};
use crate::{Key, Pitch, Quality, Spelling};

/// A triad or seventh chord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Harmony {
    /// Pitch class.
    pub root: u8,
    pub quality: Quality,
    /// Pitch class of the lowest note; always one of the chord's.
    pub bass: u8,
}

/// The share of what sounds that must belong to a chord for it to be named.
const LEAST_SHARE: f64 = 0.75;

/// The share that makes a note a root or a seventh and not one that passes. A third may be as short as a suspension leaves it.
const LEAST_PLACE: f64 = 0.1;

impl Harmony {
    /// The chord that explains most of what sounds: `weights` by pitch class (how long, in any unit), over `bass`.
    /// `None` when nothing explains three quarters of it with root and third sounding.
    pub fn find(weights: &[f64; 12], bass: u8) -> Option<Harmony> {
        let total: f64 = weights.iter().sum();
        let mut best: Option<(f64, Harmony)> = None;
        for root in 0..12 {
            for quality in Quality::NAMED {
                let intervals = quality.intervals();
                let weight = |interval: &u8| weights[usize::from((root + interval) % 12)];
                let is_placed = |interval: &u8| weight(interval) >= LEAST_PLACE * total;
                let is_named = is_placed(&intervals[0])
                    && weight(&intervals[1]) > 0.0
                    && intervals[3..].iter().all(is_placed)
                    && intervals.iter().any(|interval| (root + interval) % 12 == bass);
                // The perfect fifth is often left out; the others are what the chord is.
                let is_complete = weight(&intervals[2]) > 0.0;
                if !is_named || (!is_complete && intervals[2] != 7) {
                    continue;
                }
                let share = intervals.iter().map(weight).sum::<f64>() / total;
                // A complete triad before a seventh chord without its fifth; the root in the bass before an inversion.
                let score = share + if is_complete { 0.05 } else { 0.0 } + if bass == root { 0.02 } else { 0.0 };
                if share >= LEAST_SHARE && best.is_none_or(|(least, _)| score > least) {
                    best = Some((score, Harmony { root, quality, bass }));
                }
            }
        }
        best.map(|(_, harmony)| harmony)
    }

    /// The triad of `key` on the bass, where hardly more than bass and fifth sound and no third.
    pub fn of_fifth(weights: &[f64; 12], bass: u8, key: Key) -> Option<Harmony> {
        let weight = |interval: u8| weights[usize::from((bass + interval) % 12)];
        let total: f64 = weights.iter().sum();
        let is_open_fifth = weight(0) > 0.0 && weight(7) > 0.0 && weight(3) + weight(4) == 0.0;
        if !is_open_fifth || weight(0) + weight(7) < LEAST_SHARE * total || !key.has(bass) {
            return None;
        }
        // In minor the dominant's third leads to the tonic.
        let is_dominant = (bass + 5) % 12 == key.tonic();
        let natural = Key { minor: false, ..key };
        let is_minor = natural.has((bass + 3) % 12) && !(key.minor && is_dominant);
        let quality = if is_minor { Quality::Minor } else { Quality::Major };
        Some(Harmony { root: bass, quality, bass })
    }

    /// Of the pitches that sound at one moment.
    pub fn of(pitches: &[Pitch]) -> Option<Harmony> {
        let mut weights = [0.0; 12];
        pitches.iter().for_each(|pitch| weights[usize::from(pitch.class())] = 1.0);
        let bass = pitches.iter().min()?;
        Harmony::find(&weights, bass.class()).filter(|harmony| harmony.holds_all(&weights))
    }

    fn holds_all(self, weights: &[f64; 12]) -> bool {
        (0..12).all(|class| weights[usize::from(class)] == 0.0 || self.holds(class))
    }

    fn holds(self, class: u8) -> bool {
        self.quality.intervals().contains(&((class + 12 - self.root) % 12))
    }

    /// 0 in root position, 1 with the third in the bass, and so on.
    pub fn inversion(self) -> usize {
        let above = (self.bass + 12 - self.root) % 12;
        self.quality.intervals().iter().position(|&interval| interval == above).unwrap_or(0)
    }

    /// A diminished seventh chord is the same on each of its notes: by the one that is written as its root, from which the
    /// others are written in thirds.
    pub fn by_spelling(self, written: &[(Pitch, Spelling)]) -> Option<Harmony> {
        let name = |class: u8| Some(written.iter().find(|(pitch, _)| pitch.class() == class)?.1);
        self.roots().find_map(|root| {
            let lowest = name(root)?;
            let mut thirds = (1..4).map(|third| (third, name((root + 3 * third as u8) % 12)));
            let are_thirds = thirds.all(|(third, name)| name.is_none_or(|name| lowest.has_thirds_to(name, third)));
            are_thirds.then_some(Harmony { root, ..self })
        })
    }

    /// A diminished seventh chord by its note that is the leading tone of the chord to come, or of that chord's dominant where
    /// it is a six-four.
    pub fn led_to(self, next: Harmony) -> Option<Harmony> {
        let is_six_four = next.inversion() == 2 && !next.quality.has_seventh();
        let goal = if is_six_four { next.bass } else { next.root };
        self.roots().find(|root| (root + 1) % 12 == goal).map(|root| Harmony { root, ..self })
    }

    /// The same; any other chord as it is.
    pub fn leading_to(self, next: Harmony) -> Harmony {
        self.led_to(next).unwrap_or(self)
    }

    /// The notes that may be the root: all of a diminished seventh chord, of other chords none but theirs.
    fn roots(self) -> impl Iterator<Item = u8> {
        let count = if self.quality == Quality::DiminishedSeventh { 4 } else { 1 };
        (0..count).map(move |third| (self.root + 3 * third) % 12)
    }

    /// Letters as on a lead sheet: `Am`, `D7/F#`, `Bdim`.
    pub fn symbol(self, key: Key) -> String {
        let root = self.root_place(key);
        // Thirds, fifths and sevenths lie on their own letters above the root's.
        let bass = place_in_chord(root, self.inversion(), self.bass).unwrap_or_else(|| key.place(self.bass));
        self.named(&name_of(root), &name_of(bass))
    }

    /// The same with the names that its notes have in a score, the first of each. A diminished seventh chord is named after
    /// where it leads, wherever its notes are written.
    pub fn symbol_as_written(self, key: Key, written: &[(Pitch, Spelling)]) -> String {
        let name = |class: u8| Some(written.iter().find(|(pitch, _)| pitch.class() == class)?.1.name());
        let root = name(self.root).filter(|_| self.quality != Quality::DiminishedSeventh);
        match (root, name(self.bass)) {
            (Some(root), Some(bass)) => self.named(&root, &bass),
            (None, Some(bass)) => self.named(&name_of(self.root_place(key)), &bass),
            _ => self.symbol(key),
        }
    }

    fn named(self, root: &str, bass: &str) -> String {
        let suffix = match self.quality {
            Quality::Major => "",
            Quality::Minor => "m",
            Quality::Diminished => "dim",
            Quality::Augmented => "+",
            Quality::DominantSeventh => "7",
            Quality::MinorSeventh => "m7",
            Quality::MajorSeventh => "maj7",
            Quality::HalfDiminished => "m7b5",
            Quality::DiminishedSeventh => "dim7",
            Quality::MinorMajorSeventh => "mM7",
            Quality::AugmentedMajorSeventh => "+M7",
        };
        let slash = if self.bass == self.root { String::new() } else { format!("/{bass}") };
        format!("{root}{suffix}{slash}")
    }

    /// A leading chord is named after the note it leads to, one letter below it.
    fn root_place(self, key: Key) -> i8 {
        let usual = key.place(self.root);
        match self.quality {
            Quality::Diminished | Quality::HalfDiminished | Quality::DiminishedSeventh if usual < key.sharps - 1 => {
                usual + 12
            }
            _ => usual,
        }
    }

    /// The Roman numeral in `key` with figured bass: `V65`, `viiø7`, `V7/V`, `bII6`. Chords outside the key that lead
    /// into one of its degrees are named as its dominants.
    pub fn numeral(self, key: Key) -> String {
        let figures = match (self.quality.has_seventh(), self.inversion()) {
            (false, 0) => "",
            (false, 1) => "6",
            (false, _) => "64",
            (true, 0) => "7",
            (true, 1) => "65",
            (true, 2) => "43",
            (true, _) => "42",
        };
        let degree = |class: u8| key.degree(class);
        let plain = |numeral: &str| format!("{}{figures}", self.with_quality(numeral));
        let above = degree(self.root);
        if self.belongs_to(key) {
            return plain(degree_numeral(above, key.minor));
        }
        // The degree a fifth below a major chord, or a semitone above a diminished one; the tonic has its own dominant.
        let (target, dominant) = match self.quality {
            Quality::Major | Quality::DominantSeventh => ((self.root + 5) % 12, "V"),
            Quality::Diminished | Quality::HalfDiminished | Quality::DiminishedSeventh => ((self.root + 1) % 12, "VII"),
            _ => return plain(degree_numeral(above, key.minor)),
        };
        let goal = degree_triad(degree(target), key.minor);
        match goal {
            Some(goal) if target != key.tonic() && key.has(target) => format!("{}/{goal}", plain(dominant)),
            _ => plain(degree_numeral(above, key.minor)),
        }
    }

    /// Whether all its notes are in the key: in minor with the raised leading note where it is a dominant, else
    /// without.
    pub fn belongs_to(self, key: Key) -> bool {
        let classes = || self.quality.intervals().iter().map(|interval| (self.root + interval) % 12);
        if !key.minor {
            return classes().all(|class| key.has(class));
        }
        let degree = |class: u8| key.degree(class);
        let is_in = |scale: &[u8]| classes().all(|class| scale.contains(&degree(class)));
        let is_dominant = matches!(degree(self.root), 7 | 11);
        is_in(&[0, 2, 3, 5, 7, 8, 10])
            || (is_dominant && is_in(&[0, 2, 3, 5, 7, 8, 11]))
            || (degree(self.root) == 3 && self.quality == Quality::Augmented)
            // The melodic minor's sixth: ii and IV going up.
            || (matches!(degree(self.root), 2 | 5) && is_in(&[0, 2, 3, 5, 7, 9]))
            // The Picardy third.
            || (degree(self.root) == 0 && self.quality == Quality::Major)
    }

    /// Large for a major third, small for a minor one; `°`, `ø`, `+` and `M` for what the figures don't tell.
    fn with_quality(self, numeral: &str) -> String {
        let cased = if self.quality.has_major_third() {
            numeral.to_owned()
        } else {
            // The accidental of an altered degree stays.
            numeral.chars().map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let mark = match self.quality {
            Quality::Diminished | Quality::DiminishedSeventh => "°",
            Quality::HalfDiminished => "ø",
            Quality::Augmented => "+",
            Quality::MajorSeventh | Quality::MinorMajorSeventh => "M",
            Quality::AugmentedMajorSeventh => "+M",
            _ => "",
        };
        format!("{cased}{mark}")
    }
}

/// Large numerals by semitones above the tonic; altered degrees with an accidental.
fn degree_numeral(above: u8, minor: bool) -> &'static str {
    const MAJOR: [&str; 12] = ["I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII"];
    const MINOR: [&str; 12] = ["I", "bII", "II", "III", "#III", "IV", "#IV", "V", "VI", "#VI", "VII", "VII"];
    if minor { MINOR[usize::from(above)] } else { MAJOR[usize::from(above)] }
}

/// The triad on a degree of the scale, as the goal of a dominant; `None` for one that is none, or diminished.
fn degree_triad(above: u8, minor: bool) -> Option<&'static str> {
    let triads: &[(u8, &'static str)] = if minor {
        &[(0, "i"), (3, "III"), (5, "iv"), (7, "V"), (8, "VI"), (10, "VII")]
    } else {
        &[(0, "I"), (2, "ii"), (4, "iii"), (5, "IV"), (7, "V"), (9, "vi")]
    };
    triads.iter().find(|(degree, _)| *degree == above).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    fn pitches(midi: &[u8]) -> Vec<Pitch> {
        midi.iter().map(|&midi| Pitch::new(midi).unwrap()).collect()
    }

    #[test]
    fn chords_have_letters_and_numerals_in_their_key() {
        let check = |in_key: &str, midi: &[u8], symbol: &str, numeral: &str| {
            let harmony = Harmony::of(&pitches(midi)).unwrap_or_else(|| panic!("{midi:?} is a chord"));
            let found = (harmony.symbol(key(in_key)), harmony.numeral(key(in_key)));
            assert_eq!(found, (symbol.into(), numeral.into()), "{midi:?} in {in_key}");
        };
        check("C", &[48, 55, 64, 72], "C", "I");
        check("C", &[52, 55, 67, 72], "C/E", "I6");
        check("C", &[55, 60, 64, 72], "C/G", "I64");
        check("C", &[53, 55, 62, 71], "G7/F", "V42");
        check("G", &[54, 57, 60, 62], "D7/F#", "V65");
        check("C", &[50, 54, 57, 60], "D7", "V7/V");
        check("C", &[54, 57, 60, 63], "F#dim7", "vii°7/V");
        check("C", &[56, 59, 62], "G#dim", "vii°/vi");
        check("C", &[47, 50, 53, 57], "Bm7b5", "viiø7");
        check("a", &[52, 56, 59, 64], "E", "V");
        check("a", &[57, 60, 64], "Am", "i");
        check("a", &[57, 61, 64], "A", "I");
        check("a", &[56, 59, 62, 65], "G#dim7", "vii°7");
        check("a", &[50, 58, 65], "Bb/D", "bII6");
        check("a", &[48, 52, 55], "C", "III");
        check("C", &[53, 57, 60, 64], "Fmaj7", "IVM7");
        check("Eb", &[50, 54, 57, 62], "D", "V/iii");
        check("C", &[55, 59, 65], "G7", "V7");
        assert_eq!(Harmony::of(&pitches(&[48, 50, 52, 54])), None);
        assert_eq!(Harmony::of(&pitches(&[48, 55])), None);
        assert_eq!(Harmony::of(&[]), None);
    }

    #[test]
    fn a_diminished_seventh_has_the_root_that_is_written_or_leads_to_the_next_chord() {
        let of = |midi: &[u8]| Harmony::of(&pitches(midi)).unwrap();
        let chord = of(&[47, 56, 62, 65]);
        assert_eq!(chord.symbol(key("C")), "Bdim7", "by its bass");
        let check = |next: &[u8], symbol: &str, numeral: &str| {
            let led = chord.leading_to(of(next));
            assert_eq!((led.symbol(key("C")), led.numeral(key("C"))), (symbol.into(), numeral.into()), "{next:?}");
        };
        check(&[45, 57, 60, 64], "G#dim7/B", "vii°65/vi");
        check(&[48, 55, 64], "Bdim7", "vii°7");
        check(&[57, 62, 65], "G#dim7/B", "vii°65/vi");
        check(&[52, 55, 59], "Bdim7", "vii°7");
        let spelled = |names: [(u8, &str); 4]| {
            let notes = names.map(|(midi, name)| {
                let letter = name.chars().next().unwrap();
                let alteration = match &name[1..] {
                    "#" => 1,
                    "b" => -1,
                    _ => 0,
                };
                (Pitch::new(midi).unwrap(), Spelling { letter, alteration, octave: 4 })
            });
            chord.by_spelling(&notes).map(|harmony| harmony.symbol(key("C")))
        };
        assert_eq!(spelled([(47, "B"), (56, "G#"), (62, "D"), (65, "F")]).as_deref(), Some("G#dim7/B"));
        assert_eq!(spelled([(47, "B"), (56, "Ab"), (62, "D"), (65, "F")]).as_deref(), Some("Bdim7"));
        assert_eq!(spelled([(47, "Cb"), (56, "G#"), (62, "D"), (65, "F")]), None, "no thirds");
        let seventh = of(&[55, 59, 62, 65]);
        assert_eq!(seventh.leading_to(of(&[45, 57, 60, 64])), seventh);
    }

    #[test]
    fn a_bare_fifth_is_the_triad_of_its_key() {
        let check = |in_key: &str, bass: u8, more: &[(u8, f64)], expected: Option<&str>| {
            let mut weights = [0.0; 12];
            weights[usize::from(bass)] = 4.0;
            weights[usize::from((bass + 7) % 12)] = 2.0;
            more.iter().for_each(|(class, weight)| weights[usize::from(*class)] += weight);
            let found = Harmony::of_fifth(&weights, bass, key(in_key)).map(|harmony| harmony.numeral(key(in_key)));
            assert_eq!(found.as_deref(), expected, "{bass} in {in_key} with {more:?}");
        };
        check("C", 0, &[], Some("I"));
        check("C", 2, &[(7, 1.0)], Some("ii"));
        check("a", 4, &[], Some("V"));
        check("a", 9, &[], Some("i"));
        check("a", 2, &[], Some("iv"));
        check("C", 0, &[(4, 1.0)], None);
        check("C", 0, &[(5, 4.0)], None);
        check("C", 1, &[], None);
    }

    proptest! {
        #[test]
        fn a_chord_moved_with_its_key_keeps_its_numeral(semitones in 0u8..12, sharps in -5i8..=5, minor: bool) {
            let move_class = |class: u8| (class + semitones) % 12;
            let here = Key { sharps, minor };
            let there = Key::of_tonic(move_class(here.tonic()), minor);
            for root in 0..12 {
                for quality in Quality::ALL {
                    let harmony = Harmony { root, quality, bass: root };
                    let moved = Harmony { root: move_class(root), quality, bass: move_class(root) };
                    prop_assert_eq!(harmony.numeral(here), moved.numeral(there));
                }
            }
        }
    }
}
