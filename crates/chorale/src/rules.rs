//! Rules of four-part writing, and habits of Bach's that are no rules: each can be told from a chord and what came
//! before it, without looking ahead. They are counted on finished pieces ([`crate::census`]), and a [`Guard`] weighs
//! the candidates for the next chord by them.

use crate::history::{PitchClassDurations, interval};
use crate::sonority::{Sonority, Triad, dominant_seventh_root, has_clash, is_good_ending, root};
use crate::{Chord, Key, KeyFinder, Part, Phase, Pitch};

type Pitches = [Option<Pitch>; 4];

/// Declares [`Rule`] with the name of each, once.
macro_rules! rules {
    ($(#[$meta:meta])* pub enum Rule { $($(#[$rule_meta:meta])* $rule:ident = $name:literal,)* }) => {
        $(#[$meta])*
        pub enum Rule { $($(#[$rule_meta])* $rule,)* }

        impl Rule {
            pub const ALL: [Rule; Rule::COUNT] = [$(Rule::$rule),*];
            pub const COUNT: usize = [$($name),*].len();

            /// In kebab case, for command lines and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$rule => $name),* }
            }
        }
    };
}

rules! {
    /// What a chord can do against a rule or a habit. How often Bach does is found by `performer report`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Rule {
        /// Two parts go the same way from one perfect fifth (any octave) to another. (Fux, Gradus ad Parnassum, 1725, I)
        ParallelFifths = "parallel-fifths",
        /// The same for octaves and unisons.
        ParallelOctaves = "parallel-octaves",
        /// Parallel fifths, octaves or unisons between the chords of one beat and the next, whatever lies between.
        /// (Kirnberger, Die Kunst des reinen Satzes, 1771)
        BeatParallels = "beat-parallels",
        /// Soprano and bass go the same way into a perfect fifth or octave, the soprano by a leap.
        /// (Aldwell & Schachter, Harmony and Voice Leading, ch. 5)
        DirectFifthsOctaves = "direct-fifths-octaves",
        /// A part above the next higher one. (Aldwell & Schachter, ch. 5)
        Crossing = "crossing",
        /// A part moves beyond where its neighbour was just before. (the same)
        Overlap = "overlap",
        /// More than an octave between soprano and alto or between alto and tenor. (the same)
        Spacing = "spacing",
        /// A lower part leaps by a tritone, a seventh or more than an octave. (the same)
        ForbiddenLeap = "forbidden-leap",
        /// Alto or tenor leaps by more than a fourth, the bass by a sixth.
        WideLeap = "wide-leap",
        /// A lower part among the lowest or highest two in a hundred of the notes that Bach gave it.
        Tessitura = "tessitura",
        /// Two parts on the leading tone, where the key is clear. (Aldwell & Schachter, ch. 6)
        DoubledLeadingTone = "doubled-leading-tone",
        /// The seventh of a dominant seventh chord goes elsewhere than down by step, when it moves. (the same, ch. 8)
        UnresolvedSeventh = "unresolved-seventh",
        /// A suspended part goes elsewhere than down by step, when it moves. (the same, ch. 21)
        UnresolvedSuspension = "unresolved-suspension",
        /// On the beat: two pitch classes a semitone apart.
        Clash = "clash",
        /// On the beat: a part stays on a dissonance that becomes a triad or seventh chord if it goes down by step.
        Suspension = "suspension",
        /// On the beat: neither triad nor seventh chord nor a part of a triad nor a suspension.
        Foreign = "foreign",
        /// On the beat: a seventh chord, or a diminished or augmented triad.
        Tension = "tension",
        /// On the beat: a triad without its third or fifth.
        Hollow = "hollow",
        /// Off the beat, where the chord changes: two pitch classes a semitone apart.
        PassingClash = "passing-clash",
        /// Off the beat, where the chord changes: neither triad nor seventh chord nor a part of a triad.
        PassingForeign = "passing-foreign",
        /// The soprano moves, and no other part does.
        AloneSoprano = "alone-soprano",
        /// The soprano stays, and another part moves, on the beat.
        UnderHeldSoprano = "under-held-soprano",
        /// On the beat: the part has the pitch that it had a beat ago.
        StaticAlto = "static-alto",
        StaticTenor = "static-tenor",
        StaticBass = "static-bass",
        /// On the beat: all four parts have the pitches that they had a beat ago.
        StaticChord = "static-chord",
        /// The chord changes on the half beat.
        HalfBeat = "half-beat",
        /// A lower part moves on the half beat, in eighths.
        EighthAlto = "eighth-alto",
        EighthTenor = "eighth-tenor",
        EighthBass = "eighth-bass",
        /// A lower part moves on the first or last quarter of the beat, in sixteenths.
        Sixteenth = "sixteenth",
        /// On the beat: a lower part keeps its pitch for the fourth beat or longer.
        Stuck = "stuck",
        /// A lower part goes back to the pitch that it came from.
        Return = "return",
        /// All four parts move the same way.
        AllTogether = "all-together",
        /// A lower part moves though the soprano has held for two beats or longer.
        Restless = "restless",
        /// On the beat: no consonance, though the soprano has held for two beats or longer.
        UnsettledHold = "unsettled-hold",
        /// No major or minor triad over its root, though the soprano has held for two beats or longer.
        OpenHold = "open-hold",
        /// On the beat: a triad over its third.
        FirstInversion = "first-inversion",
        /// On the beat: a triad over its fifth.
        SecondInversion = "second-inversion",
        /// On the beat: a triad whose third sounds in two parts.
        DoubledThird = "doubled-third",
        /// Two neighbouring parts on one pitch.
        Unison = "unison",
        /// More than an octave between tenor and bass.
        DeepBass = "deep-bass",
        /// The bass moves by a second; by a fourth or fifth; by an octave.
        BassStep = "bass-step",
        BassFourth = "bass-fourth",
        BassOctave = "bass-octave",
        /// Alto or tenor moves by a third.
        InnerThird = "inner-third",
        /// Soprano and bass move in opposite ways.
        ContraryOuter = "contrary-outer",
        /// Soprano and bass move the same way.
        SimilarOuter = "similar-outer",
        /// On the beat: the root falls by a fifth (or rises by a fourth) from that of the last beat's chord; falls by a
        /// second; rises by a third. The first is the usual way, the others go against it. (Piston, Harmony, 1941, ch. 2)
        RootFallingFifth = "root-falling-fifth",
        RootFallingSecond = "root-falling-second",
        RootRisingThird = "root-rising-third",
        /// On the beat: a pitch outside the scale of the key of all that has sounded so far.
        Chromatic = "chromatic",
        /// On the beat: the soprano has the pitch that it had a beat ago.
        StaticSoprano = "static-soprano",
        /// The soprano moves on the half beat.
        EighthSoprano = "eighth-soprano",
        /// The soprano moves by more than a second.
        SopranoLeap = "soprano-leap",
    }
}

impl Rule {
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The inverse of [`Rule::name`].
    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// Whether a textbook forbids it; the others are habits, of which only the frequency matters.
    pub const fn is_textbook(self) -> bool {
        self.index() <= Rule::UnresolvedSuspension.index()
    }
}

/// How often a chord breaks each rule, by [`Rule::index`]; several pairs or parts may break one at once.
pub type Breaches = [u8; Rule::COUNT];

/// What the rules look back on: the chord before, the beat before, and how the parts got there.
#[derive(Clone, Debug, Default)]
pub struct Past {
    before: Pitches,
    /// The chord on the last beat.
    beat: Pitches,
    /// Steps for which each part has kept its pitch, the step before included.
    held: [u16; 4],
    /// By how many semitones each part last moved.
    motion: [i16; 4],
    /// Parts that are suspended.
    suspended: [bool; 4],
    /// Root of the dominant seventh chord before, if it was one.
    dominant: Option<u8>,
    finder: KeyFinder,
    key: Option<Key>,
    /// Root of the chord on the last beat.
    root: Option<u8>,
    /// The key of all that has sounded so far.
    home: Option<Key>,
    /// Steps that each pitch class has sounded, a part at a time, since the beginning.
    durations: PitchClassDurations,
}

/// The two lowest and highest of a hundred notes lie outside (training chorales, alto to bass).
const TESSITURA: [(u8, u8); 3] = [(57, 71), (53, 66), (41, 60)];
const OPEN_COST: f32 = 9.0;
/// For an ending elsewhere than on the tonic of the piece so far.
const OFF_TONIC_COST: f32 = 4.0;
const MOVE_COST: f32 = 2.0;
/// Steps after which a part is stuck, and a soprano held.
const STUCK: u16 = 12;
const HELD: u16 = 8;
/// Steps after which a soprano note is a likely end: four beats.
const LIKELY_END: u16 = 16;

impl Past {
    /// Takes note of the chord of a step; `phase` is that step's.
    pub fn step(&mut self, chord: Chord, phase: Phase) {
        let now = chord.pitches();
        for (part, pitch) in now.iter().enumerate() {
            match (self.before[part], pitch) {
                (Some(before), Some(pitch)) if before != *pitch => {
                    self.motion[part] = interval(before, *pitch);
                    self.held[part] = 1;
                }
                (Some(_), Some(_)) => self.held[part] = self.held[part].saturating_add(1),
                _ => (self.motion[part], self.held[part]) = (0, 1),
            }
        }
        if phase.is_on_beat() {
            self.suspended = suspended(&self.before, &now);
            self.beat = now;
            self.root = root(&now);
        } else {
            for (part, is_suspended) in self.suspended.iter_mut().enumerate() {
                *is_suspended &= now[part] == self.before[part];
            }
        }
        self.before = now;
        self.dominant = dominant_seventh_root(&now);
        self.durations.add(chord);
        self.home = self.durations.key();
        self.finder.step(chord);
        self.key = self.finder.key();
    }

    /// Whether a piece could end on the chord before.
    fn is_closed(&self) -> bool {
        is_good_ending(&self.before)
    }

    /// Whether `chord` prolongs a soprano note that has held for so long that it is a likely end.
    pub fn is_likely_end(&self, chord: Chord) -> bool {
        self.held[0] >= LIKELY_END && chord[Part::Soprano].pitch() == self.before[0]
    }

    /// What `chord` does against the rules as the next step, at `phase`.
    pub fn breaches(&self, chord: Chord, phase: Phase) -> Breaches {
        let now = chord.pitches();
        let mut found: Breaches = [0; Rule::COUNT];
        let mut breach = |rule: Rule| found[rule.index()] += 1;
        let moves: [i16; 4] = std::array::from_fn(|part| match (self.before[part], now[part]) {
            (Some(before), Some(now)) => interval(before, now),
            _ => 0,
        });
        let changes = now != self.before;
        let has_before = self.before[0].is_some();
        if changes {
            self.part_writing(&now, &moves, &mut breach);
        }

        if phase.is_on_beat() {
            match Sonority::of(&now) {
                Sonority::Triad => {}
                Sonority::Incomplete => breach(Rule::Hollow),
                Sonority::Diminished | Sonority::Seventh => breach(Rule::Tension),
                Sonority::Other if suspended(&self.before, &now).contains(&true) => breach(Rule::Suspension),
                Sonority::Other => breach(Rule::Foreign),
            }
            if has_clash(&now) {
                breach(Rule::Clash);
            }
            if let Some(triad) = Triad::of(&now) {
                match triad.bass {
                    0 => {}
                    7 => breach(Rule::SecondInversion),
                    _ => breach(Rule::FirstInversion),
                }
                if triad.thirds > 1 {
                    breach(Rule::DoubledThird);
                }
            }
            let is_static = |part: Part| now[part.index()].is_some() && now[part.index()] == self.beat[part.index()];
            let rules = [Rule::StaticAlto, Rule::StaticTenor, Rule::StaticBass];
            for (part, rule) in Part::LOWER.into_iter().zip(rules) {
                if is_static(part) {
                    breach(rule);
                }
                if moves[part.index()] == 0 && self.held[part.index()] >= STUCK {
                    breach(Rule::Stuck);
                }
            }
            if is_static(Part::Soprano) {
                breach(Rule::StaticSoprano);
            }
            if Part::ALL.into_iter().all(is_static) {
                breach(Rule::StaticChord);
            }
            if let (Some(before), Some(root)) = (self.root, root(&now)) {
                match (root + 12 - before) % 12 {
                    5 => breach(Rule::RootFallingFifth),
                    10 | 11 => breach(Rule::RootFallingSecond),
                    3 | 4 => breach(Rule::RootRisingThird),
                    _ => {}
                }
            }
            if self.home.is_some_and(|home| !now.iter().flatten().all(|pitch| home.has(pitch.class()))) {
                breach(Rule::Chromatic);
            }
            if has_before && moves[0] == 0 && moves != [0; 4] {
                breach(Rule::UnderHeldSoprano);
            }
            for (upper, lower) in PAIRS {
                if let Some(Parallel::Fifth | Parallel::Octave) = parallel(&self.beat, &now, upper, lower) {
                    breach(Rule::BeatParallels);
                }
            }
        } else if changes {
            if phase.is_half_beat() {
                breach(Rule::HalfBeat);
            }
            if Sonority::of(&now) == Sonority::Other {
                breach(Rule::PassingForeign);
            }
            if has_clash(&now) {
                breach(Rule::PassingClash);
            }
            if moves[0] != 0 && phase.is_half_beat() {
                breach(Rule::EighthSoprano);
            }
            let eighths = [Rule::EighthAlto, Rule::EighthTenor, Rule::EighthBass];
            for (part, eighth) in Part::LOWER.into_iter().zip(eighths) {
                if moves[part.index()] != 0 {
                    breach(if phase.is_half_beat() { eighth } else { Rule::Sixteenth });
                }
            }
        }

        if moves[0] != 0 && moves[1..] == [0; 3] {
            breach(Rule::AloneSoprano);
        }
        if moves[0] == 0 && self.held[0] >= HELD {
            (moves[1..].iter().filter(|&&by| by != 0)).for_each(|_| breach(Rule::Restless));
            if phase.is_on_beat() && !Sonority::of(&now).is_consonant() {
                breach(Rule::UnsettledHold);
            }
            if !is_good_ending(&now) {
                breach(Rule::OpenHold);
            }
        }
        found
    }

    fn part_writing(&self, now: &Pitches, moves: &[i16; 4], breach: &mut impl FnMut(Rule)) {
        for (upper, lower) in PAIRS {
            match parallel(&self.before, now, upper, lower) {
                Some(Parallel::Fifth) => breach(Rule::ParallelFifths),
                Some(Parallel::Octave) => breach(Rule::ParallelOctaves),
                None => {}
            }
        }
        if moves[0].signum() * moves[3].signum() == 1
            && moves[0].abs() > 2
            && let (Some(soprano), Some(bass)) = (now[0], now[3])
            && matches!((i16::from(soprano.midi()) - i16::from(bass.midi())).rem_euclid(12), 0 | 7)
        {
            breach(Rule::DirectFifthsOctaves);
        }
        for upper in 0..3 {
            let lower = upper + 1;
            let (Some(above), Some(below)) = (now[upper], now[lower]) else { continue };
            if above < below {
                breach(Rule::Crossing);
            }
            if moves[lower] != 0 && self.before[upper].is_some_and(|before| below > before)
                || moves[upper] != 0 && self.before[lower].is_some_and(|before| above < before)
            {
                breach(Rule::Overlap);
            }
            match interval(below, above) {
                0 => breach(Rule::Unison),
                13.. => breach(if upper < 2 { Rule::Spacing } else { Rule::DeepBass }),
                _ => {}
            }
        }
        if moves[0].abs() > 2 {
            breach(Rule::SopranoLeap);
        }
        for part in Part::LOWER {
            let (by, index) = (moves[part.index()].abs(), part.index());
            match (part, by) {
                (Part::Bass, 1..=2) => breach(Rule::BassStep),
                (Part::Bass, 5 | 7) => breach(Rule::BassFourth),
                (Part::Bass, 12) => breach(Rule::BassOctave),
                (Part::Alto | Part::Tenor, 3..=4) => breach(Rule::InnerThird),
                (_, 6 | 10 | 11 | 13..) => breach(Rule::ForbiddenLeap),
                (Part::Bass, 8..=9) | (Part::Alto | Part::Tenor, 6..) => breach(Rule::WideLeap),
                _ => {}
            }
            if by != 0
                && now[index].is_some_and(|pitch| {
                    let (low, high) = TESSITURA[index - 1];
                    pitch.midi() < low || pitch.midi() > high
                })
            {
                breach(Rule::Tessitura);
            }
            if by != 0 && moves[index] == -self.motion[index] {
                breach(Rule::Return);
            }
        }
        if let Some(key) = self.key
            && now.iter().flatten().filter(|pitch| pitch.class() == key.leading_tone()).count() > 1
        {
            breach(Rule::DoubledLeadingTone);
        }
        let resolves = |by: i16| (-2..0).contains(&by);
        if let Some(root) = self.dominant {
            for (before, &by) in self.before.iter().zip(moves) {
                let is_seventh = before.is_some_and(|pitch| pitch.class() == (root + 10) % 12);
                if is_seventh && by != 0 && !resolves(by) {
                    breach(Rule::UnresolvedSeventh);
                }
            }
        }
        if self.suspended.iter().zip(moves).any(|(&is_suspended, &by)| is_suspended && by != 0 && !resolves(by)) {
            breach(Rule::UnresolvedSuspension);
        }
        let way = moves[0].signum();
        match way * moves[3].signum() {
            1 => breach(Rule::SimilarOuter),
            -1 => breach(Rule::ContraryOuter),
            _ => {}
        }
        if way != 0 && moves.iter().all(|by| by.signum() == way) {
            breach(Rule::AllTogether);
        }
    }
}

/// How much each rule weighs when the next chord is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guard {
    /// Nats taken off a candidate's log-likelihood for each breach, by [`Rule::index`]; below zero: added.
    pub weights: [f32; Rule::COUNT],
}

impl Guard {
    /// Weighs nothing.
    pub const OFF: Guard = Guard { weights: [0.0; Rule::COUNT] };

    /// While the player asks for a close: nats taken off for a chord that a piece could not end on, less for one
    /// elsewhere than on the tonic, and for each part that leaves an ending, besides what the rules take off.
    pub fn closing_cost(past: &Past, chord: Chord) -> f32 {
        let off_tonic = past.home.map_or(0.0, |key| Guard::off_tonic_cost(chord, key.tonic()));
        if off_tonic > 0.0 { off_tonic } else { Guard::resting_cost(past, chord) }
    }

    /// For a chord that a piece could end on, but elsewhere than on its tonic (a pitch class).
    pub fn off_tonic_cost(chord: Chord, tonic: u8) -> f32 {
        let bass = chord[Part::Bass].pitch().map(Pitch::class);
        if is_good_ending(&chord.pitches()) && bass != Some(tonic) { OFF_TONIC_COST } else { 0.0 }
    }

    /// The same for the end of a phrase, which may lie on any degree.
    pub fn resting_cost(past: &Past, chord: Chord) -> f32 {
        if !is_good_ending(&chord.pitches()) {
            return OPEN_COST;
        }
        if !past.is_closed() {
            return 0.0;
        }
        let moves = past.before.iter().zip(chord.pitches()).filter(|(before, now)| **before != *now);
        MOVE_COST * moves.count() as f32
    }

    /// Nats taken off a chord's log-likelihood.
    pub fn cost(&self, breaches: &Breaches) -> f32 {
        self.weights.iter().zip(breaches).map(|(weight, &count)| weight * f32::from(count)).sum()
    }
}

/// Which parts stay on a dissonance that would become a triad or seventh chord if they went down by step, to a note that no
/// other part has yet; the bass may have it where it is the root (the suspended ninth).
fn suspended(before: &Pitches, now: &Pitches) -> [bool; 4] {
    if Sonority::of(now) != Sonority::Other {
        return [false; 4];
    }
    std::array::from_fn(|part| {
        let Some(pitch) = now[part].filter(|_| now[part] == before[part]) else { return false };
        [-1, -2].into_iter().any(|by| {
            let mut resolved = *now;
            resolved[part] = pitch.transposed(by);
            let class = resolved[part].map(Pitch::class);
            let has_it = |other: usize| other != part && now[other].map(Pitch::class) == class;
            let is_free = (0..3).all(|other| !has_it(other)) && (!has_it(3) || root(&resolved) == class);
            is_free && Sonority::of(&resolved).is_triad_or_seventh()
        })
    })
}

pub(crate) enum Parallel {
    Fifth,
    Octave,
}

/// Every two parts, the upper one first.
pub(crate) const PAIRS: [(Part, Part); 6] = [
    (Part::Soprano, Part::Alto),
    (Part::Soprano, Part::Tenor),
    (Part::Soprano, Part::Bass),
    (Part::Alto, Part::Tenor),
    (Part::Alto, Part::Bass),
    (Part::Tenor, Part::Bass),
];

/// Both parts move in the same direction and keep the same perfect interval class (0 or 7 semitones, octaves apart).
pub(crate) fn parallel(before: &Pitches, now: &Pitches, upper: Part, lower: Part) -> Option<Parallel> {
    let sounding = |chord: &Pitches, part: Part| chord[part.index()].map(|pitch| i32::from(pitch.midi()));
    let (upper_before, upper_now) = (sounding(before, upper)?, sounding(now, upper)?);
    let (lower_before, lower_now) = (sounding(before, lower)?, sounding(now, lower)?);
    if (upper_now - upper_before).signum() * (lower_now - lower_before).signum() != 1 {
        return None;
    }
    let class = (upper_now - lower_now).rem_euclid(12);
    if class != (upper_before - lower_before).rem_euclid(12) {
        return None;
    }
    match class {
        0 => Some(Parallel::Octave),
        7 => Some(Parallel::Fifth),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chorale;

    fn chords(rows: &str) -> Vec<Chord> {
        Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap().chords
    }

    /// What the last of some chords breaks, each a step, the last one at `phase`.
    fn breaches(rows: &str, phase: usize) -> Breaches {
        let chords = chords(rows);
        let (last, before) = chords.split_last().unwrap();
        let mut past = Past::default();
        for (back, chord) in (1..=before.len()).rev().zip(before) {
            past.step(*chord, Phase::in_beat((phase + 64 - back) % 4));
        }
        past.breaches(*last, Phase::in_beat(phase))
    }

    #[test]
    fn every_rule_is_found_where_it_is_broken() {
        let check = |rows: &str, phase: usize, rule: Rule, count: u8| {
            assert_eq!(breaches(rows, phase)[rule.index()], count, "{rule:?} in {rows:?} at {phase}");
        };
        check("72,67,55,48\n74,67,55,48\n", 2, Rule::ParallelFifths, 0);
        check("72,67,55,48\n72,67,53,46\n", 2, Rule::ParallelFifths, 1);
        check("72,67,64,48\n74,67,64,50\n", 2, Rule::ParallelOctaves, 1);
        check("72,67,64,48\n74,67,64,49\n74,67,64,49\n74,67,64,49\n74,67,64,50\n", 0, Rule::BeatParallels, 1);
        check("72,67,64,48\n76,67,64,57\n", 2, Rule::DirectFifthsOctaves, 1);
        check("72,67,64,48\n74,67,64,55\n", 2, Rule::DirectFifthsOctaves, 0);
        check("72,67,64,48\n72,60,64,48\n", 2, Rule::Crossing, 1);
        check("72,67,64,48\n65,64,60,48\n", 2, Rule::Overlap, 1);
        check("72,67,64,48\n81,67,64,48\n", 2, Rule::Spacing, 1);
        check("72,67,64,48\n72,67,64,54\n", 2, Rule::ForbiddenLeap, 1);
        check("72,67,55,48\n72,67,64,48\n", 2, Rule::WideLeap, 1);
        check("72,67,64,41\n72,67,64,40\n", 2, Rule::Tessitura, 1);
        let cadence = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        check(&format!("{cadence}71,67,59,55\n"), 2, Rule::DoubledLeadingTone, 1);
        check("74,65,59,55\n72,67,60,48\n", 2, Rule::UnresolvedSeventh, 1);
        check("74,65,59,55\n72,64,60,48\n", 2, Rule::UnresolvedSeventh, 0);
        check("72,67,64,48\n72,67,59,48\n", 0, Rule::Clash, 1);
        check("72,67,64,48\n72,67,59,48\n", 2, Rule::PassingClash, 1);
        check("72,67,64,48\n72,67,65,48\n", 0, Rule::Foreign, 1);
        check("72,67,64,48\n72,67,65,48\n", 2, Rule::PassingForeign, 1);
        check("72,67,64,48\n71,65,62,55\n", 0, Rule::Tension, 1);
        check("72,67,64,48\n72,67,60,48\n", 0, Rule::Hollow, 1);
        check("72,67,64,48\n74,67,64,48\n", 2, Rule::AloneSoprano, 1);
        check("72,67,64,48\n72,67,64,47\n", 0, Rule::UnderHeldSoprano, 1);
        check("72,67,64,48\n72,67,64,48\n72,65,64,48\n72,65,62,48\n74,67,62,48\n", 0, Rule::StaticAlto, 1);
        check("72,67,64,48\n72,67,64,48\n72,65,64,48\n72,65,62,48\n74,67,62,48\n", 0, Rule::StaticTenor, 0);
        check(&"72,67,64,48\n".repeat(5), 0, Rule::StaticChord, 1);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::EighthBass, 1);
        check("72,67,64,48\n72,65,62,47\n", 3, Rule::Sixteenth, 3);
        check(&"72,67,64,48\n".repeat(13), 0, Rule::Stuck, 3);
        check("72,67,64,48\n72,65,64,48\n72,67,64,48\n", 2, Rule::Return, 1);
        check("72,67,64,48\n74,69,65,50\n", 2, Rule::AllTogether, 1);
        check(&format!("{}72,67,64,47\n", "72,67,64,48\n".repeat(8)), 2, Rule::Restless, 1);
        check(&format!("{}72,67,65,48\n", "72,67,64,48\n".repeat(8)), 0, Rule::UnsettledHold, 1);
        check(&format!("{}72,67,64,52\n", "72,67,64,48\n".repeat(8)), 2, Rule::OpenHold, 1);
        check("72,67,64,48\n72,67,64,52\n", 0, Rule::FirstInversion, 1);
        check("72,67,64,48\n72,67,64,43\n", 0, Rule::SecondInversion, 1);
        check("72,67,64,48\n72,67,64,52\n", 0, Rule::DoubledThird, 1);
        check("72,67,64,48\n72,64,64,48\n", 2, Rule::Unison, 1);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::DeepBass, 1);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::BassStep, 1);
        check("72,67,64,48\n72,67,64,43\n", 2, Rule::BassFourth, 1);
        check("72,67,64,48\n72,67,64,60\n", 2, Rule::BassOctave, 1);
        check("72,67,64,48\n72,64,64,48\n", 2, Rule::InnerThird, 1);
        check("72,67,64,48\n74,67,64,47\n", 2, Rule::ContraryOuter, 1);
        check("72,67,64,48\n74,67,64,50\n", 2, Rule::SimilarOuter, 1);
        check("72,69,65,53\n72,67,65,48\n", 0, Rule::Suspension, 1);
        check("72,69,65,53\n72,67,65,48\n", 0, Rule::Foreign, 0);
        check("72,69,65,53\n72,67,65,48\n72,67,67,48\n", 1, Rule::UnresolvedSuspension, 1);
        check("72,69,65,53\n72,67,65,48\n72,67,64,48\n", 1, Rule::UnresolvedSuspension, 0);
        check("72,69,65,53\n72,67,65,48\n72,67,64,48\n72,67,67,48\n", 2, Rule::UnresolvedSuspension, 0);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::HalfBeat, 1);
        check("72,67,64,48\n72,67,64,47\n", 3, Rule::HalfBeat, 0);
        let beat = "72,67,64,48\n".repeat(4);
        check(&format!("{beat}72,69,65,53\n"), 0, Rule::RootFallingFifth, 1);
        check(&format!("{beat}74,65,62,46\n"), 0, Rule::RootFallingSecond, 1);
        check(&format!("{beat}71,67,64,52\n"), 0, Rule::RootRisingThird, 1);
        check(&format!("{cadence}72,69,66,50\n"), 0, Rule::Chromatic, 1);
        check(&format!("{cadence}72,69,65,50\n"), 0, Rule::Chromatic, 0);
        check(&"72,67,64,48\n".repeat(5), 0, Rule::StaticSoprano, 1);
        check("72,67,64,48\n74,67,64,48\n", 2, Rule::EighthSoprano, 1);
        check("72,67,64,48\n76,67,64,48\n", 2, Rule::SopranoLeap, 1);
    }

    #[test]
    fn nothing_is_found_in_a_plain_cadence() {
        let cadence = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        let chords = chords(cadence);
        let mut past = Past::default();
        for (step, chord) in chords.into_iter().enumerate() {
            let phase = Phase::in_beat(4 * step);
            let textbook: usize = Rule::ALL
                .iter()
                .filter(|rule| rule.is_textbook())
                .map(|rule| past.breaches(chord, phase)[rule.index()] as usize)
                .sum();
            assert_eq!(textbook, 0, "{:?} in step {step}", past.breaches(chord, phase));
            past.step(chord, phase);
        }
    }

    #[test]
    fn every_rule_has_a_place_and_a_name_of_its_own() {
        for (index, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!((rule.index(), Rule::from_name(rule.name())), (index, Some(rule)));
        }
        assert_eq!(Rule::from_name("parallel-sixths"), None);
    }

    #[test]
    fn a_guard_takes_off_its_weight_for_each_breach() {
        let mut guard = Guard::OFF;
        guard.weights[Rule::Sixteenth.index()] = 1.5;
        guard.weights[Rule::InnerThird.index()] = -0.5;
        assert_eq!(guard.cost(&breaches("72,67,64,48\n72,65,60,47\n", 3)), 3.0 * 1.5 - 0.5);
        assert_eq!(Guard::OFF.cost(&breaches("72,67,64,48\n72,65,60,47\n", 3)), 0.0);
    }

    #[test]
    fn closing_seeks_a_root_position_triad_and_stays_on_it() {
        let in_c_major = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        let cost = |rows: &str| {
            let chords = chords(&format!("{in_c_major}{rows}"));
            let (last, before) = chords.split_last().unwrap();
            let mut past = Past::default();
            before.iter().for_each(|&chord| past.step(chord, Phase::in_beat(0)));
            Guard::closing_cost(&past, *last)
        };
        assert!(cost("71,67,62,55\n72,67,64,52\n") > 0.0, "an inversion");
        assert_eq!(cost("71,67,62,53\n72,67,64,48\n"), 0.0, "the close itself");
        assert!(cost("71,67,62,53\n72,69,64,45\n") > 0.0, "a close on the sixth degree");
        assert_eq!(cost("72,67,64,48\n72,67,64,48\n"), 0.0, "staying on it");
        assert!(cost("72,67,64,48\n72,67,64,60\n") > 0.0, "leaving it for another good one");
    }
}
