//! Figures counted on finished pieces, by which harmonizations are set beside Bach's own.

use crate::cadence::is_falling_fifth;
use crate::phrase_ends::is_over_its_root;
use crate::sonority::{has_semitone_dissonance, is_good_ending};
use crate::{
    Approach, Chorale, Chord, Part, Past, Phase, PhraseEnd, PhraseEnds, Pitch, PitchClassDurations, Rule, Sonority,
    cadence_of,
};

/// Counts over one piece or, added up with [`Census::add`], over many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub pieces: usize,
    pub steps: usize,
    pub beats: usize,
    /// Steps at which any part's pitch changes.
    pub changes: usize,
    /// Beats that have a beat before them.
    pub later_beats: usize,
    /// How often each rule is broken, by [`Rule::index`].
    pub breaches: Totals,
    /// Changes of pitch, by part.
    pub moves: [usize; 4],
    /// Chord changes on the four sixteenths of the beat.
    pub changes_by_place: [usize; 4],
    /// Steps of a chord change after which any part sounds above the part over it.
    pub crossed_changes: usize,
    /// Beats and steps by what sounds in them, in the order of [`Census::SONORITIES`].
    pub beats_by_sonority: [usize; 5],
    pub steps_by_sonority: [usize; 5],
    /// Steps in which two pitch classes a semitone apart sound.
    pub dissonant_steps: usize,
    /// Times that alto, tenor or bass keeps a pitch for eight beats or longer while the soprano moves.
    pub stuck_parts: usize,
    /// Pieces that end on a major or minor triad over its root.
    pub good_endings: usize,
    /// Pieces whose bass falls by a fifth, or rises by a fourth, to where it ends.
    pub fifths_to_the_end: usize,
    /// Ends of phrases, those under which no part moves, that have a triad over its root, that are reached from their
    /// dominant over its root, and that stay on the key's dominant.
    pub phrase_ends: usize,
    pub phrases_at_rest: usize,
    pub phrases_over_root: usize,
    pub authentic_phrases: usize,
    pub half_phrases: usize,
    /// Notes of alto, tenor and bass compared with another harmonization, and those that agree.
    pub compared: usize,
    pub match_length: usize,
}

/// A count for each rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals(pub [usize; Rule::COUNT]);

impl Default for Totals {
    fn default() -> Totals {
        Totals([0; Rule::COUNT])
    }
}

/// A figure of the census.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub name: String,
    /// What one counts it by, such as `per 100 beats`.
    pub unit: &'static str,
    pub value: f64,
}

const PER_CHANGES: &str = "per 100 chord changes";
const PER_BEATS: &str = "% of beats";
const STUCK_STEPS: usize = 32;

impl Census {
    pub const SONORITIES: [Sonority; 5] =
        [Sonority::Triad, Sonority::Incomplete, Sonority::DissonantTriad, Sonority::Seventh, Sonority::Unclassified];

    /// Counts a piece whose first step is on a beat.
    pub fn of(chorale: &Chorale) -> Census {
        let mut census = Census { pieces: 1, ..Census::default() };
        let mut past = Past::default();
        let mut before = None;
        for (step, &chord) in chorale.chords.iter().enumerate() {
            let phase = Phase::in_beat(step);
            census.count_step(&past, before, chord, phase);
            past.step(chord, phase);
            before = Some(chord);
        }
        census.later_beats = census.beats.saturating_sub(1);
        census.stuck_parts = Part::LOWER.into_iter().map(|part| stuck(&chorale.chords, part)).sum();
        census.good_endings = usize::from(chorale.chords.last().is_some_and(|chord| is_good_ending(&chord.pitches())));
        census.fifths_to_the_end = usize::from(ends_by_a_fifth(&chorale.chords));
        census
    }

    fn count_step(&mut self, past: &Past, before: Option<Chord>, chord: Chord, phase: Phase) {
        let now = chord.pitches();
        let kind = Sonority::of(&now);
        let kind = Census::SONORITIES.iter().position(|&sonority| sonority == kind).unwrap_or_default();
        self.steps += 1;
        self.steps_by_sonority[kind] += 1;
        self.dissonant_steps += usize::from(has_semitone_dissonance(&now));
        if phase.is_on_beat() {
            self.beats += 1;
            self.beats_by_sonority[kind] += 1;
        }
        for (total, count) in self.breaches.0.iter_mut().zip(past.breaches(chord, phase)) {
            *total += usize::from(count);
        }
        if let Some(before) = before.filter(|&before| before != chord) {
            self.changes += 1;
            self.changes_by_place[phase.index() % Phase::STEPS_PER_BEAT] += 1;
            for part in Part::ALL {
                self.moves[part.index()] += usize::from(before[part] != chord[part]);
            }
            let sounding: Vec<_> = now.iter().flatten().collect();
            self.crossed_changes += usize::from(sounding.windows(2).any(|pair| pair[0] < pair[1]));
        }
    }

    /// Compares the lower parts with another harmonization of the same soprano, step by step.
    pub fn compare(&mut self, ours: &Chorale, theirs: &Chorale) {
        for (ours, theirs) in ours.chords.iter().zip(&theirs.chords) {
            self.compared += Part::LOWER.len();
            self.match_length += Part::LOWER.into_iter().filter(|&part| ours[part] == theirs[part]).count();
        }
    }

    /// Counts how the phrases end whose ends were found in another harmonization of the same soprano.
    pub fn count_phrases(&mut self, chords: &[Chord], ends: &PhraseEnds) {
        let Some(key) = PitchClassDurations::of(chords).key() else { return };
        for &PhraseEnd { arrival, end } in &ends.ends {
            let Some(last) = end.checked_sub(1).and_then(|last| chords.get(last)) else { continue };
            let class = |step: usize| chords[step][Part::Bass].pitch().map(Pitch::class);
            self.phrase_ends += 1;
            self.phrases_at_rest += usize::from(chords[arrival..end].iter().all(|chord| chord == last));
            let Some(root) = class(end - 1).filter(|_| is_over_its_root(*last)) else { continue };
            self.phrases_over_root += 1;
            let cadence = cadence_of(chords, arrival, key);
            let is_authentic =
                cadence.is_some_and(|cadence| cadence.root == root && cadence.approach == Approach::Authentic);
            self.authentic_phrases += usize::from(is_authentic);
            self.half_phrases += usize::from(!is_authentic && key.degree(root) == 7);
        }
    }

    pub fn add(&mut self, other: &Census) {
        let Census {
            pieces,
            steps,
            beats,
            changes,
            later_beats,
            breaches,
            moves,
            changes_by_place,
            crossed_changes,
            beats_by_sonority,
            steps_by_sonority,
            dissonant_steps,
            stuck_parts,
            good_endings,
            fifths_to_the_end,
            phrase_ends,
            phrases_at_rest,
            phrases_over_root,
            authentic_phrases,
            half_phrases,
            compared,
            match_length,
        } = self;
        for (sum, more) in [
            (pieces, other.pieces),
            (steps, other.steps),
            (beats, other.beats),
            (changes, other.changes),
            (later_beats, other.later_beats),
            (crossed_changes, other.crossed_changes),
            (dissonant_steps, other.dissonant_steps),
            (stuck_parts, other.stuck_parts),
            (good_endings, other.good_endings),
            (fifths_to_the_end, other.fifths_to_the_end),
            (phrase_ends, other.phrase_ends),
            (phrases_at_rest, other.phrases_at_rest),
            (phrases_over_root, other.phrases_over_root),
            (authentic_phrases, other.authentic_phrases),
            (half_phrases, other.half_phrases),
            (compared, other.compared),
            (match_length, other.match_length),
        ] {
            *sum += more;
        }
        add_each(&mut breaches.0, &other.breaches.0);
        add_each(moves, &other.moves);
        add_each(changes_by_place, &other.changes_by_place);
        add_each(beats_by_sonority, &other.beats_by_sonority);
        add_each(steps_by_sonority, &other.steps_by_sonority);
    }

    /// How often a rule is broken: textbook rules per 100 chord changes, habits in hundredths of what they speak of.
    pub fn rate(&self, rule: Rule) -> (f64, &'static str) {
        let count = self.breaches.0[rule.index()];
        let (of, unit) = match rule {
            Rule::SemitoneDissonance
            | Rule::Suspension
            | Rule::Unclassified
            | Rule::Tension
            | Rule::IncompleteTriad
            | Rule::FirstInversion
            | Rule::SecondInversion
            | Rule::DoubledThird
            | Rule::Chromatic => (self.beats, PER_BEATS),
            Rule::RootFallingFifth
            | Rule::RootFallingSecond
            | Rule::RootRisingThird
            | Rule::StaticSoprano
            | Rule::StaticAlto
            | Rule::StaticTenor
            | Rule::StaticBass
            | Rule::StaticChord => (self.later_beats, PER_BEATS),
            Rule::AloneSoprano | Rule::SopranoLeap => (self.moves[0], "% of soprano moves"),
            Rule::UnderHeldSoprano | Rule::Stuck | Rule::UnsettledHold | Rule::OpenHold | Rule::Restless => {
                (self.beats, "per 100 beats")
            }
            Rule::HalfBeat
            | Rule::EighthSoprano
            | Rule::EighthAlto
            | Rule::EighthTenor
            | Rule::EighthBass
            | Rule::Sixteenth => (self.beats, "per 100 beats"),
            _ => (self.changes, PER_CHANGES),
        };
        (hundredths(count, of), unit)
    }

    /// All figures, in the order in which one reads them.
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |name: &str, unit, value| Figure { name: name.into(), unit, value };
        let mut figures: Vec<Figure> = Vec::new();
        let rule = |rule: Rule| {
            let (value, unit) = self.rate(rule);
            figure(rule.name(), unit, value)
        };
        figures.extend(Rule::ALL.into_iter().filter(|rule| rule.is_textbook()).map(rule));
        figures.push(figure("crossed-chords", PER_CHANGES, hundredths(self.crossed_changes, self.changes)));
        let share = |of: &[usize; 5], total, wanted: fn(Sonority) -> bool| {
            let count =
                Census::SONORITIES.iter().zip(of).filter(|(kind, _)| wanted(**kind)).map(|(_, count)| count).sum();
            hundredths(count, total)
        };
        let is_high = Sonority::is_triad_or_seventh;
        let on_beat = |wanted| share(&self.beats_by_sonority, self.beats, wanted);
        let in_time = |wanted| share(&self.steps_by_sonority, self.steps, wanted);
        figures.push(figure("triad-or-seventh", PER_BEATS, on_beat(is_high)));
        figures.push(figure("consonant", PER_BEATS, on_beat(Sonority::is_consonant)));
        figures.push(rule(Rule::SemitoneDissonance));
        figures.push(figure("triad-or-seventh-in-time", "% of steps", in_time(is_high)));
        figures.push(figure("consonant-in-time", "% of steps", in_time(Sonority::is_consonant)));
        figures.push(figure("clash-in-time", "% of steps", hundredths(self.dissonant_steps, self.steps)));
        let per_beat = |count| hundredths(count, self.beats) / 100.0;
        figures.push(figure("chord-changes", "per beat", per_beat(self.changes)));
        for part in Part::ALL {
            let name = format!("{}-moves", part.name().to_lowercase());
            figures.push(figure(&name, "per beat", per_beat(self.moves[part.index()])));
        }
        for (place, name) in ["beat", "second-sixteenth", "half-beat", "last-sixteenth"].into_iter().enumerate() {
            figures.push(figure(&format!("changes-on-{name}"), "per beat", per_beat(self.changes_by_place[place])));
        }
        let lower = [Rule::StaticAlto, Rule::StaticTenor, Rule::StaticBass];
        let is_static = lower.map(|rule| self.rate(rule).0).iter().sum::<f64>() / 3.0;
        figures.push(figure("static-lower-parts", PER_BEATS, is_static));
        figures.extend(
            Rule::ALL.into_iter().filter(|rule| !rule.is_textbook() && *rule != Rule::SemitoneDissonance).map(rule),
        );
        let per_piece = |count| hundredths(count, self.pieces) / 100.0;
        figures.push(figure("stuck-parts", "per piece", per_piece(self.stuck_parts)));
        figures.push(figure("good-ending", "% of pieces", hundredths(self.good_endings, self.pieces)));
        figures.push(figure("ending-by-a-fifth", "% of pieces", hundredths(self.fifths_to_the_end, self.pieces)));
        if self.phrase_ends > 0 {
            let of_phrases = |name: &str, count| figure(name, "% of phrases", hundredths(count, self.phrase_ends));
            figures.push(of_phrases("phrase-at-rest", self.phrases_at_rest));
            figures.push(of_phrases("phrase-over-root", self.phrases_over_root));
            figures.push(of_phrases("phrase-authentic", self.authentic_phrases));
            figures.push(of_phrases("phrase-half", self.half_phrases));
        }
        if self.compared > 0 {
            figures.push(figure("agreement", "% of notes", hundredths(self.match_length, self.compared)));
        }
        figures
    }
}

fn add_each<const N: usize>(sums: &mut [usize; N], more: &[usize; N]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn hundredths(count: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { 100.0 * count as f64 / of as f64 }
}

/// Times that a part keeps its pitch for [`STUCK_STEPS`] or longer while the soprano moves.
fn stuck(chords: &[Chord], part: Part) -> usize {
    chords
        .chunk_by(|a, b| a[part] == b[part])
        .filter(|held| {
            held.len() >= STUCK_STEPS && held.iter().any(|chord| chord[Part::Soprano] != held[0][Part::Soprano])
        })
        .count()
}

/// Whether the bass falls by a fifth, or rises by a fourth, to the pitch class that it keeps to the end.
pub fn ends_by_a_fifth(chords: &[Chord]) -> bool {
    let mut bass = chords.iter().rev().filter_map(|chord| Some(chord[Part::Bass].pitch()?.class()));
    let Some(last) = bass.next() else { return false };
    bass.find(|&class| class != last).is_some_and(|before| is_falling_fifth(before, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chorale(rows: &str) -> Chorale {
        Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap()
    }

    #[test]
    fn a_piece_is_counted_by_step_beat_and_change() {
        // Two beats of C major, its third in the bass from the second half beat on; then F over C; then C.
        let rows = [
            "72,67,64,48\n".repeat(6),
            "72,67,64,52\n".repeat(2),
            "72,69,65,48\n".repeat(4),
            "72,67,64,48\n".repeat(4),
        ];
        let census = Census::of(&chorale(&rows.concat()));
        assert_eq!((census.pieces, census.steps, census.beats, census.changes), (1, 16, 4, 3));
        assert_eq!((census.moves, census.changes_by_place), ([0, 2, 2, 2], [2, 0, 1, 0]));
        assert_eq!((census.beats_by_sonority, census.good_endings), ([4, 0, 0, 0, 0], 1));
        assert_eq!(census.rate(Rule::SecondInversion), (25.0, "% of beats"));
        assert_eq!(census.rate(Rule::EighthBass), (25.0, "per 100 beats"));
    }

    #[test]
    fn figures_of_many_pieces_are_those_of_their_counts_added_up() {
        let (one, other) = (chorale("72,67,64,48\n74,67,64,50\n"), chorale("72,67,64,48\n72,67,59,47\n"));
        let mut sum = Census::of(&one);
        sum.add(&Census::of(&other));
        let figure = |name: &str| sum.figures().into_iter().find(|figure| figure.name == name).unwrap().value;
        assert_eq!(figure("parallel-octaves"), 50.0);
        assert_eq!(figure("good-ending"), 0.0);
        assert_eq!(figure("chord-changes"), 1.0);
    }

    #[test]
    fn the_bass_falls_by_a_fifth_to_the_end_whatever_octaves_it_leaps_in() {
        let falls = |rows: &str| Census::of(&chorale(rows)).fifths_to_the_end;
        assert_eq!(falls("71,67,62,55\n72,67,64,60\n72,67,64,48\n"), 1);
        assert_eq!(falls("71,67,62,43\n72,67,64,48\n"), 1);
        assert_eq!(falls("71,67,62,59\n72,67,64,60\n"), 0, "from the leading tone");
        assert_eq!(falls("72,69,65,53\n72,67,64,48\n"), 0, "a plagal close");
        assert_eq!(falls("72,67,64,48\n"), 0, "nothing before");
    }

    #[test]
    fn a_part_is_stuck_when_it_holds_for_eight_beats_under_a_moving_soprano() {
        let rows: String =
            (0..40).map(|step| format!("{},67,64,{}\n", 72 + step / 8 % 2, 48 + step / 16 % 2)).collect();
        assert_eq!(Census::of(&chorale(&rows)).stuck_parts, 2);
        assert_eq!(Census::of(&chorale(&"72,67,64,48\n".repeat(40))).stuck_parts, 0);
    }

    #[test]
    fn phrases_are_counted_by_how_they_rest_and_are_reached() {
        let rows = |chord: &str, count: usize| format!("{chord}\n").repeat(count);
        let piece = rows("72,67,64,48", 4) + &rows("71,67,62,55", 4) + &rows("72,67,64,48", 8);
        let moving =
            rows("72,67,64,48", 4) + &rows("71,67,62,59", 4) + &rows("72,67,64,48", 4) + &rows("72,67,64,52", 4);
        let ends = PhraseEnds { bar: 4, ends: vec![PhraseEnd { arrival: 8, end: 16 }] };
        let counts = |rows: &str| {
            let mut census = Census::default();
            census.count_phrases(&chorale(rows).chords, &ends);
            [census.phrase_ends, census.phrases_at_rest, census.phrases_over_root, census.authentic_phrases]
        };
        assert_eq!(counts(&piece), [1, 1, 1, 1]);
        assert_eq!(counts(&moving), [1, 0, 0, 0]);
    }

    #[test]
    fn agreement_counts_the_lower_parts_alone() {
        let mut census = Census::default();
        census.compare(&chorale("72,67,64,48\n72,67,64,48\n"), &chorale("72,67,64,48\n74,67,62,48\n"));
        assert_eq!((census.compared, census.match_length), (6, 5));
    }
}
