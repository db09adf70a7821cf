use crate::cadence::is_falling_fifth;
use crate::history::{PartHistory, PitchClassDurations, interval};
use crate::phrase_ends::is_over_its_root;
use crate::phrase_tracker::{PhraseTracker, Prospect, Prospects, is_cadential_dominant};
use crate::rules::Rule;
use crate::sonority::{Sonority, Triad, dominant_seventh_root, has_semitone_dissonance, is_good_ending, root};
use crate::{Chord, Key, KeyFinder, Part, Parts, Phase, Pitch};

type Pitches = [Option<Pitch>; 4];

/// How often a chord breaks each rule, by [`Rule::index`]; several pairs or parts may break one at once.
pub type Breaches = [u8; Rule::COUNT];

/// Takes what is found: the guard and the census count it, a teacher wants to know who it was.
trait Findings {
    fn add(&mut self, rule: Rule, by: Parts);
}

impl Findings for Breaches {
    fn add(&mut self, rule: Rule, _: Parts) {
        self[rule.index()] += 1;
    }
}

impl Findings for Vec<(Rule, Parts)> {
    fn add(&mut self, rule: Rule, by: Parts) {
        self.push((rule, by));
    }
}

/// What the rules look back on: the chord before, the beat before, and how the parts got there.
#[derive(Clone, Debug, Default)]
pub struct Past {
    parts: [PartHistory; 4],
    /// The chord on the last beat.
    beat: Pitches,
    /// The root of that chord.
    root: Option<u8>,
    /// Parts that are suspended.
    suspended: [bool; 4],
    /// Root of the dominant seventh chord before, if it was one.
    dominant: Option<u8>,
    finder: KeyFinder,
    /// The key of what has sounded lately, where it is clear.
    key: Option<Key>,
    durations: PitchClassDurations,
    /// The key of all that has sounded so far, or that was told.
    home: Option<Key>,
    is_home_told: bool,
    phrase: PhraseTracker,
}

/// The two lowest and highest of a hundred notes lie outside (training chorales, alto to bass).
const TESSITURA: [(u8, u8); 3] = [(57, 71), (53, 66), (41, 60)];
/// Steps after which a part is stuck, and a soprano held.
const STUCK: usize = 12;
const HELD: usize = 8;
/// Steps after which a soprano note is a likely end: four beats.
const LIKELY_END: usize = 16;

impl Past {
    /// Takes note of the chord of a step; `phase` is that step's.
    pub fn step(&mut self, chord: Chord, phase: Phase) {
        let (before, now) = (self.before(), chord.pitches());
        self.parts.iter_mut().zip(chord.0).for_each(|(part, note)| part.step(note));
        if phase.is_on_beat() {
            self.suspended = suspended(&before, &now);
            self.beat = now;
            self.root = root(&now);
        } else {
            for (part, is_suspended) in self.suspended.iter_mut().enumerate() {
                *is_suspended &= now[part] == before[part];
            }
        }
        self.dominant = dominant_seventh_root(&now);
        self.phrase.step(chord, phase, self.home);
        self.durations.add(chord);
        if !self.is_home_told {
            self.home = self.durations.key();
        }
        self.finder.step(chord);
        self.key = self.finder.key();
    }

    /// Tells the key of the piece; `None` goes back to what has sounded.
    pub fn set_home(&mut self, key: Option<Key>) {
        self.is_home_told = key.is_some();
        self.home = key.or_else(|| self.durations.key());
    }

    /// The chord before.
    pub(crate) fn before(&self) -> Pitches {
        self.parts.map(|part| part.note.pitch())
    }

    /// The key of all that has sounded so far.
    pub(crate) fn home(&self) -> Option<Key> {
        self.home
    }

    /// Whether `chord` prolongs a soprano note that has held for so long that it is a likely end.
    pub fn is_likely_end(&self, chord: Chord) -> bool {
        let soprano = self.parts[Part::Soprano.index()];
        soprano.held() >= LIKELY_END && chord[Part::Soprano] == soprano.note
    }

    /// What is expected of the next step, at `phase`, under each soprano.
    pub fn prospects(&self, phase: Phase) -> Prospects<'_> {
        self.phrase.prospects(phase, self.home)
    }

    /// What `chord` does against the rules as the next step, at `phase`.
    pub fn breaches(&self, chord: Chord, phase: Phase) -> Breaches {
        self.breaches_expecting(chord, phase, self.prospects(phase).of(chord[Part::Soprano]))
    }

    /// The same where the prospect under its soprano is known.
    pub fn breaches_expecting(&self, chord: Chord, phase: Phase, prospect: Prospect) -> Breaches {
        self.judge(chord, phase, prospect, [0; Rule::COUNT])
    }

    /// The same one by one, in order of [`Rule::ALL`]: each with the parts that do it, which are none for habits.
    pub fn breaches_by_part(&self, chord: Chord, phase: Phase) -> Vec<(Rule, Parts)> {
        let prospect = self.prospects(phase).of(chord[Part::Soprano]);
        let mut found = self.judge(chord, phase, prospect, Vec::new());
        found.sort_by_key(|(rule, _)| rule.index());
        found
    }

    fn judge<F: Findings>(&self, chord: Chord, phase: Phase, prospect: Prospect, found: F) -> F {
        let mut next = Next::new(self, chord, found);
        let changes = next.now != next.before;
        if changes {
            next.parallels();
            next.outer_parts();
            next.spacing();
            next.melodic_motion();
            next.tendency_tones();
        }
        if phase.is_on_beat() {
            next.sonority_on_beat();
            next.position_of_triad();
            next.since_last_beat();
            next.key_of_piece();
        } else if changes {
            next.sonority_between_beats();
            next.motion_between_beats(phase);
        }
        next.under_soprano(phase);
        next.end_of_phrase(chord, phase, prospect);
        next.found
    }
}

/// A chord that could come next, beside the past, and what it breaks.
struct Next<'a, F> {
    past: &'a Past,
    before: Pitches,
    now: Pitches,
    /// By how many semitones each part moves; 0 from or to a rest.
    moves: [i16; 4],
    found: F,
}

impl<'a, F: Findings> Next<'a, F> {
    fn new(past: &'a Past, chord: Chord, found: F) -> Next<'a, F> {
        let (before, now) = (past.before(), chord.pitches());
        let moves = std::array::from_fn(|part| match (before[part], now[part]) {
            (Some(before), Some(now)) => interval(before, now),
            _ => 0,
        });
        Next { past, before, now, moves, found }
    }

    fn breach(&mut self, rule: Rule) {
        self.breach_by(rule, Parts::default());
    }

    fn breach_by(&mut self, rule: Rule, parts: impl Into<Parts>) {
        self.found.add(rule, parts.into());
    }

    fn parallels(&mut self) {
        for (upper, lower) in Part::PAIRS {
            match parallel(&self.before, &self.now, upper, lower) {
                Some(Parallel::Fifth) => self.breach_by(Rule::ParallelFifths, [upper, lower]),
                Some(Parallel::Octave) => self.breach_by(Rule::ParallelOctaves, [upper, lower]),
                None => {}
            }
        }
    }

    fn outer_parts(&mut self) {
        let (soprano, bass) = (self.moves[0], self.moves[3]);
        match soprano.signum() * bass.signum() {
            1 => self.breach(Rule::SimilarOuter),
            -1 => self.breach(Rule::ContraryOuter),
            _ => {}
        }
        if soprano.signum() * bass.signum() == 1
            && soprano.abs() > 2
            && let (Some(highest), Some(lowest)) = (self.now[0], self.now[3])
            && matches!(interval(lowest, highest).rem_euclid(12), 0 | 7)
        {
            self.breach_by(Rule::DirectFifthsOctaves, [Part::Soprano, Part::Bass]);
        }
        if soprano != 0 && self.moves.iter().all(|by| by.signum() == soprano.signum()) {
            self.breach(Rule::AllTogether);
        }
    }

    fn spacing(&mut self) {
        for upper in 0..3 {
            let lower = upper + 1;
            let both = [Part::ALL[upper], Part::ALL[lower]];
            let (Some(above), Some(below)) = (self.now[upper], self.now[lower]) else { continue };
            if above < below {
                self.breach_by(Rule::Crossing, both);
            }
            if self.moves[lower] != 0 && self.before[upper].is_some_and(|before| below > before)
                || self.moves[upper] != 0 && self.before[lower].is_some_and(|before| above < before)
            {
                self.breach_by(Rule::Overlap, both);
            }
            match interval(below, above) {
                0 => self.breach(Rule::Unison),
                13.. => self.breach_by(if upper < 2 { Rule::Spacing } else { Rule::TenorBassSpacing }, both),
                _ => {}
            }
        }
    }

    fn melodic_motion(&mut self) {
        if self.moves[0].abs() > 2 {
            self.breach(Rule::SopranoLeap);
        }
        for part in Part::LOWER {
            let index = part.index();
            let by = self.moves[index];
            match (part, by.abs()) {
                (Part::Bass, 1..=2) => self.breach(Rule::BassStep),
                (Part::Bass, 5 | 7) => self.breach(Rule::BassFourth),
                (Part::Bass, 12) => self.breach(Rule::BassOctave),
                (Part::Alto | Part::Tenor, 3..=4) => self.breach(Rule::InnerThird),
                (_, 6 | 10 | 11 | 13..) => self.breach_by(Rule::ForbiddenLeap, [part]),
                (Part::Bass, 8..=9) | (Part::Alto | Part::Tenor, 6..) => self.breach_by(Rule::WideLeap, [part]),
                _ => {}
            }
            if by == 0 {
                continue;
            }
            let (low, high) = TESSITURA[index - 1];
            if self.now[index].is_some_and(|pitch| pitch.midi() < low || pitch.midi() > high) {
                self.breach_by(Rule::Tessitura, [part]);
            }
            if by == -self.past.parts[index].motion() {
                self.breach(Rule::ReturningMotion);
            }
        }
    }

    /// The leading tone, the seventh and the suspended note, which want to go on by step.
    fn tendency_tones(&mut self) {
        if let Some(key) = self.past.key {
            let leading = Some(key.leading_tone());
            let doubled = Parts::which(|part| self.now[part.index()].map(Pitch::class) == leading);
            if doubled.len() > 1 {
                self.breach_by(Rule::DoubledLeadingTone, doubled);
            }
        }
        let is_unresolved = |by: i16| by != 0 && !(-2..0).contains(&by);
        if let Some(root) = self.past.dominant {
            for part in Part::ALL {
                let is_seventh = self.before[part.index()].is_some_and(|pitch| pitch.class() == (root + 10) % 12);
                if is_seventh && is_unresolved(self.moves[part.index()]) {
                    self.breach_by(Rule::UnresolvedSeventh, [part]);
                }
            }
        }
        let left = |part: Part| self.past.suspended[part.index()] && is_unresolved(self.moves[part.index()]);
        let unresolved = Parts::which(left);
        if !unresolved.is_empty() {
            self.breach_by(Rule::UnresolvedSuspension, unresolved);
        }
    }

    fn sonority_on_beat(&mut self) {
        match Sonority::of(&self.now) {
            Sonority::Triad => {}
            Sonority::Incomplete => self.breach(Rule::IncompleteTriad),
            Sonority::DissonantTriad | Sonority::Seventh => self.breach(Rule::Tension),
            Sonority::Unclassified if suspended(&self.before, &self.now).contains(&true) => {
                self.breach(Rule::Suspension);
            }
            Sonority::Unclassified => self.breach(Rule::Unclassified),
        }
        if has_semitone_dissonance(&self.now) {
            self.breach(Rule::SemitoneDissonance);
        }
    }

    fn position_of_triad(&mut self) {
        let Some(triad) = Triad::of(&self.now) else { return };
        match triad.bass {
            0 => {}
            7 => self.breach(Rule::SecondInversion),
            _ => self.breach(Rule::FirstInversion),
        }
        if triad.thirds > 1 {
            self.breach(Rule::DoubledThird);
        }
    }

    fn since_last_beat(&mut self) {
        const STATIC: [Rule; 4] = [Rule::StaticSoprano, Rule::StaticAlto, Rule::StaticTenor, Rule::StaticBass];
        let is_static: [bool; 4] =
            std::array::from_fn(|part| self.now[part].is_some() && self.now[part] == self.past.beat[part]);
        for (rule, _) in STATIC.into_iter().zip(is_static).filter(|(_, is_static)| *is_static) {
            self.breach(rule);
        }
        if is_static == [true; 4] {
            self.breach(Rule::StaticChord);
        }
        for part in Part::LOWER.map(Part::index) {
            if self.moves[part] == 0 && self.past.parts[part].held() >= STUCK {
                self.breach(Rule::Stuck);
            }
        }
        if let (Some(before), Some(root)) = (self.past.root, root(&self.now)) {
            match (root + 12 - before) % 12 {
                5 => self.breach(Rule::RootFallingFifth),
                10 | 11 => self.breach(Rule::RootFallingSecond),
                3 | 4 => self.breach(Rule::RootRisingThird),
                _ => {}
            }
        }
        for (upper, lower) in Part::PAIRS {
            if parallel(&self.past.beat, &self.now, upper, lower).is_some() {
                self.breach_by(Rule::BeatParallels, [upper, lower]);
            }
        }
    }

    fn key_of_piece(&mut self) {
        if self.past.home.is_some_and(|home| !self.now.iter().flatten().all(|pitch| home.has(pitch.class()))) {
            self.breach(Rule::Chromatic);
        }
    }

    fn sonority_between_beats(&mut self) {
        if Sonority::of(&self.now) == Sonority::Unclassified {
            self.breach(Rule::PassingUnclassified);
        }
        if has_semitone_dissonance(&self.now) {
            self.breach(Rule::PassingSemitoneDissonance);
        }
    }

    fn motion_between_beats(&mut self, phase: Phase) {
        const EIGHTHS: [Rule; 4] = [Rule::EighthSoprano, Rule::EighthAlto, Rule::EighthTenor, Rule::EighthBass];
        if phase.is_half_beat() {
            self.breach(Rule::HalfBeat);
        }
        for (part, eighth) in Part::ALL.into_iter().zip(EIGHTHS) {
            match self.moves[part.index()] {
                0 => {}
                _ if phase.is_half_beat() => self.breach(eighth),
                _ if part == Part::Soprano => {}
                _ => self.breach(Rule::Sixteenth),
            }
        }
    }

    /// What the lower parts do beside a soprano that moves alone, stays, or has been held for long.
    fn under_soprano(&mut self, phase: Phase) {
        let lower_moves = self.moves[1..].iter().filter(|&&by| by != 0).count();
        if self.moves[0] != 0 {
            if lower_moves == 0 {
                self.breach(Rule::AloneSoprano);
            }
            return;
        }
        if phase.is_on_beat() && self.before[0].is_some() && lower_moves > 0 {
            self.breach(Rule::UnderHeldSoprano);
        }
        if self.past.parts[0].held() < HELD {
            return;
        }
        (0..lower_moves).for_each(|_| self.breach(Rule::Restless));
        if phase.is_on_beat() && !Sonority::of(&self.now).is_consonant() {
            self.breach(Rule::UnsettledHold);
        }
        if !is_good_ending(&self.now) {
            self.breach(Rule::OpenHold);
        }
    }

    fn end_of_phrase(&mut self, chord: Chord, phase: Phase, Prospect { rest, arrival }: Prospect) {
        let lower_moves = self.moves[1..].iter().filter(|&&by| by != 0).count();
        if self.moves[0] == 0 && self.before[0].is_some() {
            (0..times(rest) * lower_moves).for_each(|_| self.breach(Rule::PhraseEndMotion));
        }
        if phase.is_on_beat() {
            if !is_over_its_root(chord) {
                (0..times(rest)).for_each(|_| self.breach(Rule::PhraseEndChord));
            } else if self.comes_from_dominant() {
                (0..times(rest)).for_each(|_| self.breach(Rule::AuthenticCadence));
            }
        }
        if (phase.is_on_beat() || phase.is_half_beat()) && is_cadential_dominant(chord, self.past.home) {
            (0..times(arrival)).for_each(|_| self.breach(Rule::CadentialDominant));
        }
    }

    /// Whether the bass moves to its note from the root of its dominant.
    fn comes_from_dominant(&self) -> bool {
        let (Some(bass), Some(before)) = (self.now[3], self.before[3]) else { return false };
        let leading = (bass.class() + 11) % 12;
        let has_leading_tone = self.before.iter().flatten().any(|pitch| pitch.class() == leading);
        is_falling_fifth(before.class(), bass.class()) && has_leading_tone
    }
}

/// How often something counts that is so likely: not at all below a fifth, four times from four fifths on.
fn times(likelihood: f32) -> usize {
    (5.0 * likelihood).clamp(0.0, 4.0) as usize
}

/// Which parts stay on a dissonance that would become a triad or seventh chord if they went down by step, to a note that no
/// other part has yet; the bass may have it where it is the root (the suspended ninth).
fn suspended(before: &Pitches, now: &Pitches) -> [bool; 4] {
    if Sonority::of(now) != Sonority::Unclassified {
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

enum Parallel {
    Fifth,
    Octave,
}

/// Both parts move in the same direction and keep the same perfect interval class (0 or 7 semitones, octaves apart).
fn parallel(before: &Pitches, now: &Pitches, upper: Part, lower: Part) -> Option<Parallel> {
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
        check("72,67,64,48\n72,67,59,48\n", 0, Rule::SemitoneDissonance, 1);
        check("72,67,64,48\n72,67,59,48\n", 2, Rule::PassingSemitoneDissonance, 1);
        check("72,67,64,48\n72,67,65,48\n", 0, Rule::Unclassified, 1);
        check("72,67,64,48\n72,67,65,48\n", 2, Rule::PassingUnclassified, 1);
        check("72,67,64,48\n71,65,62,55\n", 0, Rule::Tension, 1);
        check("72,67,64,48\n72,67,60,48\n", 0, Rule::IncompleteTriad, 1);
        check("72,67,64,48\n74,67,64,48\n", 2, Rule::AloneSoprano, 1);
        check("72,67,64,48\n72,67,64,47\n", 0, Rule::UnderHeldSoprano, 1);
        check("72,67,64,48\n72,67,64,48\n72,65,64,48\n72,65,62,48\n74,67,62,48\n", 0, Rule::StaticAlto, 1);
        check("72,67,64,48\n72,67,64,48\n72,65,64,48\n72,65,62,48\n74,67,62,48\n", 0, Rule::StaticTenor, 0);
        check(&"72,67,64,48\n".repeat(5), 0, Rule::StaticChord, 1);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::EighthBass, 1);
        check("72,67,64,48\n72,65,62,47\n", 3, Rule::Sixteenth, 3);
        check(&"72,67,64,48\n".repeat(13), 0, Rule::Stuck, 3);
        check("72,67,64,48\n72,65,64,48\n72,67,64,48\n", 2, Rule::ReturningMotion, 1);
        check("72,67,64,48\n74,69,65,50\n", 2, Rule::AllTogether, 1);
        check(&format!("{}72,67,64,47\n", "72,67,64,48\n".repeat(8)), 2, Rule::Restless, 1);
        check(&format!("{}72,67,65,48\n", "72,67,64,48\n".repeat(8)), 0, Rule::UnsettledHold, 1);
        check(&format!("{}72,67,64,52\n", "72,67,64,48\n".repeat(8)), 2, Rule::OpenHold, 1);
        check("72,67,64,48\n72,67,64,52\n", 0, Rule::FirstInversion, 1);
        check("72,67,64,48\n72,67,64,43\n", 0, Rule::SecondInversion, 1);
        check("72,67,64,48\n72,67,64,52\n", 0, Rule::DoubledThird, 1);
        check("72,67,64,48\n72,64,64,48\n", 2, Rule::Unison, 1);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::TenorBassSpacing, 1);
        check("72,67,64,48\n72,67,64,47\n", 2, Rule::BassStep, 1);
        check("72,67,64,48\n72,67,64,43\n", 2, Rule::BassFourth, 1);
        check("72,67,64,48\n72,67,64,60\n", 2, Rule::BassOctave, 1);
        check("72,67,64,48\n72,64,64,48\n", 2, Rule::InnerThird, 1);
        check("72,67,64,48\n74,67,64,47\n", 2, Rule::ContraryOuter, 1);
        check("72,67,64,48\n74,67,64,50\n", 2, Rule::SimilarOuter, 1);
        check("72,69,65,53\n72,67,65,48\n", 0, Rule::Suspension, 1);
        check("72,69,65,53\n72,67,65,48\n", 0, Rule::Unclassified, 0);
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
    fn whoever_breaks_a_rule_of_the_textbook_is_named() {
        let check = |rows: &str, phase: usize, rule: Rule, by: &[Part]| {
            let chords = chords(rows);
            let mut past = Past::default();
            for (back, chord) in (1..chords.len()).rev().zip(&chords) {
                past.step(*chord, Phase::in_beat((phase + 64 - back) % 4));
            }
            let last = chords[chords.len() - 1];
            let found = past.breaches_by_part(last, Phase::in_beat(phase));
            let by_rule: Vec<Vec<Part>> =
                found.iter().filter(|(found, _)| *found == rule).map(|(_, by)| by.iter().collect()).collect();
            assert_eq!(by_rule, [by], "{rule:?} in {rows:?}");
            let mut counts = [0; Rule::COUNT];
            found.iter().for_each(|(rule, _)| counts[rule.index()] += 1);
            assert_eq!(counts, past.breaches(last, Phase::in_beat(phase)), "the same as is counted");
            let mut textbook = found.iter().filter(|(rule, _)| rule.is_textbook());
            assert!(textbook.all(|(_, by)| !by.is_empty()), "{found:?}");
        };
        use Part::{Alto, Bass, Soprano, Tenor};
        check("72,67,55,48\n72,67,53,46\n", 2, Rule::ParallelFifths, &[Tenor, Bass]);
        check("72,67,60,48\n72,69,60,50\n", 2, Rule::ParallelFifths, &[Alto, Bass]);
        check("72,67,64,48\n74,67,64,50\n", 2, Rule::ParallelOctaves, &[Soprano, Bass]);
        check("72,67,64,48\n76,67,64,57\n", 2, Rule::DirectFifthsOctaves, &[Soprano, Bass]);
        check("72,67,64,48\n72,60,64,48\n", 2, Rule::Crossing, &[Alto, Tenor]);
        check("72,67,64,48\n81,67,64,48\n", 2, Rule::Spacing, &[Soprano, Alto]);
        check("72,67,64,48\n72,67,64,54\n", 2, Rule::ForbiddenLeap, &[Bass]);
        let cadence = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        check(&format!("{cadence}71,67,59,55\n"), 2, Rule::DoubledLeadingTone, &[Soprano, Tenor]);
        check("74,65,59,55\n72,67,60,48\n", 2, Rule::UnresolvedSeventh, &[Alto]);
        check("72,69,65,53\n72,67,65,48\n72,67,67,48\n", 1, Rule::UnresolvedSuspension, &[Tenor]);
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
}
