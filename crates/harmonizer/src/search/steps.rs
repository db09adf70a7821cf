//! What the search is given: the melody step by step, with what binds the chord of each.

use std::ops::Range;

use chorale::phrase_tracker::Prospect;
use chorale::{Chord, GivenChord, Key, Part, Phase, Pitch, Token};
use files::Note;
use files::melody::{Fold, MelodyStep};
use thiserror::Error;

use super::goals::{Goal, Role};
use crate::constraints::{Constraints, OutOfReach};
use crate::harmonizer::Limits;
use crate::phrasing::{self, Contour, ContourNote, Mark, Phrasing, Segmentation};

/// A sixteenth that is to be harmonized.
#[derive(Clone, Copy, Debug)]
pub struct SearchStep {
    /// `None` where it is to be found too.
    pub soprano: Option<Token>,
    pub phase: Phase,
    pub limits: Limits,
    /// Whether other parts than the melody may move here.
    pub may_move: bool,
    /// The piece comes to its end: a chord to end on is sought, whatever the key.
    pub is_closing: bool,
    /// What sounds here already, and is left only where there is reason to.
    pub sounding: Option<Chord>,
    /// The chord that is given here; on beats and where it begins the limits bind to it.
    pub chord: Option<GivenChord>,
    /// What the melody sings while the chord of this step stands.
    pub span: Option<Span>,
}

/// A stretch of melody over one chord.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Of each pitch class, the beats counting double; together 1.
    shares: [f32; 12],
    lowest: Pitch,
}

/// Nats for a melody that has no note of its chord, and for each part above some of it.
const DISCORD_COST: f32 = 8.0;
const BELOW_COST: f32 = 2.0;

impl Span {
    /// Of steps; `None` where the soprano is still to be found, or rests.
    pub(super) fn of(steps: &[SearchStep]) -> Option<Span> {
        let mut shares = [0.0; 12];
        let sung = || steps.iter().filter_map(|step| Some((step, step.soprano?.pitch()?)));
        for (step, pitch) in sung() {
            shares[usize::from(pitch.class())] += if step.phase.is_on_beat() { 2.0 } else { 1.0 };
        }
        let total: f32 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        Some(Span { shares, lowest: sung().map(|(_, pitch)| pitch).min()? })
    }

    fn cost(self, chord: Chord) -> f32 {
        let lower: Vec<Pitch> = Part::LOWER.into_iter().filter_map(|part| chord[part].pitch()).collect();
        let is_held = |class: usize| lower.iter().any(|pitch| usize::from(pitch.class()) == class);
        let outside: f32 = (0..12).filter(|class| !is_held(*class)).map(|class| self.shares[class]).sum();
        DISCORD_COST * outside + BELOW_COST * lower.iter().filter(|pitch| **pitch > self.lowest).count() as f32
    }
}

/// Nats for each lower part and step outside the chord that is given, off the beat, where notes may pass.
const PASSING_COST: f32 = 1.5;

/// Nats for each lower part and step that leaves what sounds already. A quarter that changes costs four times as much, which
/// is about what the guard takes off for parallels: less than a fault is no reason to change a note.
const LEAVING_COST: f32 = 1.0;

impl SearchStep {
    pub(super) fn span_cost(&self, chord: Chord) -> f32 {
        self.span.map_or(0.0, |span| span.cost(chord))
    }

    pub(super) fn passing_cost(&self, chord: Chord) -> f32 {
        let Some(given) = self.chord.filter(|_| self.limits.chord.is_none()) else { return 0.0 };
        let is_free = |part: &Part| self.limits.kept[part.index()].is_none();
        let pitches = Part::LOWER.into_iter().filter(is_free).filter_map(|part| chord[part].pitch());
        PASSING_COST * pitches.filter(|pitch| !given.holds(pitch.class())).count() as f32
    }

    pub(super) fn leaving_cost(&self, chord: Chord) -> f32 {
        let Some(sounding) = self.sounding else { return 0.0 };
        LEAVING_COST * Part::LOWER.into_iter().filter(|part| sounding[*part] != chord[*part]).count() as f32
    }
}

/// A melody and where it leads.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What has sounded before the first step.
    pub given: Vec<(Chord, Phase)>,
    pub steps: Vec<SearchStep>,
    /// The key in which the piece begins, if that is known.
    pub home: Option<Key>,
    /// The ends of its phrases, in order.
    pub goals: Vec<Goal>,
    /// How likely each step is the end of a phrase, or leads to one; empty where nobody knows.
    pub(crate) outlook: Vec<Prospect>,
}

impl Plan {
    /// Heads for nothing.
    pub fn of(steps: Vec<SearchStep>) -> Plan {
        Plan { steps, ..Plan::default() }
    }

    /// What is to be expected of each step, if anything is known: what is headed for is certain.
    pub fn prospects(&self) -> Option<Vec<Prospect>> {
        let roles = super::goals::roles(&self.steps, self.home, &self.goals);
        let prospect = |(&unsure, role): (&Prospect, &Role)| match role {
            Role::Lead { .. } => Prospect { rest: 0.0, arrival: 1.0 },
            Role::Rest { .. } => Prospect { rest: 1.0, arrival: 0.0 },
            Role::Within | Role::Opening(_) => unsure,
        };
        (!self.outlook.is_empty()).then(|| self.outlook.iter().zip(&roles).map(prospect).collect())
    }

    /// Begins in a key and heads for a cadence at each of the phrase ends that the melody shows, the last one on the tonic.
    ///
    /// `notes` are the steps of each note of the contour.
    pub fn head_for_cadences(&mut self, contour: &Contour, notes: &[Range<usize>], key: Key) {
        let phrasing = Phrasing::learned();
        self.home = Some(key);
        self.goals.clear();
        let segmentation = Segmentation::new(contour, key, phrasing);
        let likelihoods = segmentation.likelihoods();
        let length = notes.last().map_or(0, |note| note.end).max(self.steps.len());
        self.outlook = outlook(&likelihoods, notes, length);
        for end in segmentation.rests(&likelihoods) {
            let is_last = end + 1 == contour.notes.len();
            let options = phrasing::cadences_under(contour, end, key, is_last, phrasing);
            // A last note struck again is one rest.
            let first = (0..end).rev().take_while(|&before| is_same_rest(contour, before, end)).last().unwrap_or(end);
            let Range { start: arrival, .. } = notes[first];
            let Range { end, .. } = notes[end];
            let is_free = self.goals.last().is_none_or(|before| before.end < arrival);
            if is_free && !options.is_empty() {
                self.goals.push(Goal { arrival, end, options });
            }
        }
    }
}

/// What is to be expected of each of so many steps, by how likely each note ends a phrase: under it, and a beat before.
fn outlook(likelihoods: &[f64], notes: &[Range<usize>], steps: usize) -> Vec<Prospect> {
    let mut prospects = vec![Prospect::default(); steps];
    for (note, &likelihood) in notes.iter().zip(likelihoods) {
        let likelihood = likelihood as f32;
        prospects[note.clone()].iter_mut().for_each(|prospect| prospect.rest = likelihood);
        let lead = note.start.saturating_sub(Phase::STEPS_PER_BEAT)..note.start;
        prospects[lead].iter_mut().for_each(|prospect| prospect.arrival = prospect.arrival.max(likelihood));
    }
    prospects
}

/// Whether a note before the last one of a phrase is the same struck before. Two long ones are chords of their own, as in
/// "A-men".
fn is_same_rest(contour: &Contour, before: usize, end: usize) -> bool {
    let (note, last) = (contour.notes[before], contour.notes[end]);
    let beats = |steps: u32| steps / Phase::STEPS_PER_BEAT as u32;
    let are_long = beats(note.length) >= 2 && beats(last.length) >= 2;
    note.pitch == last.pitch && note.rest == 0 && beats(last.onset - note.onset) <= 8 && !are_long
}

/// The notes of a melody for its phrases, and the steps of each.
pub fn contour_of(melody: &[MelodyStep], bar: Option<u32>) -> (Contour, Vec<Range<usize>>) {
    let mut notes: Vec<ContourNote> = Vec::new();
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (index, step) in melody.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &melody[before]);
        let lasts = |before: &MelodyStep| before.soprano == step.soprano && !step.restruck && before.end == step.start;
        match (notes.last_mut(), spans.last_mut()) {
            (Some(note), Some(span)) if before.is_some_and(lasts) => {
                note.length = step.position + 1 - note.onset;
                span.end += 1;
            }
            (last, _) => {
                if let Some(last) = last {
                    last.rest = step.position.saturating_sub(last.onset + last.length);
                }
                let mark = mark_of(step);
                notes.push(ContourNote { onset: step.position, length: 1, rest: 0, pitch: step.soprano, mark });
                spans.push(index..index + 1);
            }
        }
    }
    (Contour { notes, bar, tells_strokes: true }, spans)
}

fn mark_of(step: &MelodyStep) -> Mark {
    match step {
        MelodyStep { fermata: true, .. } => Mark::Fermata,
        MelodyStep { breath: true, .. } => Mark::Breath,
        MelodyStep { line_end: true, .. } => Mark::LineEnd,
        _ => Mark::None,
    }
}

/// Steps for which a phrase rests where nobody knows whether a long note is struck again: two beats.
const LONGEST_REST: usize = 8;

/// The same of a soprano of which nothing else is known. Notes struck again look here like one that lasts, which has no
/// more than two beats of rest.
pub fn contour_of_sopranos(sopranos: &[Token]) -> (Contour, Vec<Range<usize>>) {
    let mut notes: Vec<ContourNote> = Vec::new();
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for run in sopranos.chunk_by(|a, b| a == b) {
        let length = run.len() as u32;
        match (run[0].pitch(), notes.last_mut()) {
            (Some(pitch), _) => {
                notes.push(ContourNote { onset: start as u32, length, rest: 0, pitch, mark: Mark::None });
                let is_last = start + run.len() == sopranos.len();
                spans.push(start..start + if is_last { run.len() } else { run.len().min(LONGEST_REST) });
            }
            (None, Some(last)) => last.rest += length,
            (None, None) => {}
        }
        start += run.len();
    }
    (Contour { notes, bar: None, tells_strokes: false }, spans)
}

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
            sounding: None,
            chord: None,
            span: None,
        })
        .collect();
    if let Some(last) = steps.last().filter(|_| closes).map(|step| step.soprano) {
        steps.iter_mut().rev().take_while(|step| step.soprano == last).for_each(|step| step.is_closing = true);
    }
    steps
}

/// The steps of a melody from a file, with the notes of the kept lower parts that sound in them, in the same ticks.
///
/// # Errors
/// The first kept note outside the vocabulary, once it is moved as the melody is; a range outside it.
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
    }
    for part in Part::LOWER {
        let Some(notes) = &kept[part.index()] else { continue };
        for (step, given) in steps.iter_mut().zip(melody) {
            let sounding = notes.iter().find(|note| note.start <= given.start && given.start < note.end);
            let semitones = fold.apply(given.soprano).1;
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
        let (soprano, phase) = (None, given.phase);
        steps.push(SearchStep {
            soprano,
            phase,
            limits,
            may_move,
            is_closing: false,
            sounding: None,
            chord: None,
            span: None,
        });
    }
    close(&mut steps, melody);
    Ok(steps)
}

/// Seeks an ending under the last note that is struck, and no sooner: of two on one pitch ("A-men") only the second closes.
pub(super) fn close(steps: &mut [SearchStep], melody: &[MelodyStep]) {
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
    use crate::test_steps::step;

    /// Sixteenths of quarters; a note is struck where `true` stands.
    fn quarters(notes: &[(u8, bool)]) -> Vec<MelodyStep> {
        let steps = (0..4 * notes.len()).map(|index| {
            let (midi, is_struck) = notes[index / 4];
            MelodyStep {
                restruck: index % 4 == 0 && is_struck && index >= 4 && notes[index / 4 - 1].0 == midi,
                ..step(index as u32, midi)
            }
        });
        steps.collect()
    }

    #[test]
    fn each_phrase_of_a_hymn_is_headed_for_and_the_last_on_its_tonic() {
        // "Nun danket", the first two lines, in quarters and halves.
        let line = |notes: &[u8]| notes.iter().map(|&midi| (midi, true)).collect::<Vec<_>>();
        let first = line(&[67, 74, 74, 74, 76, 76, 74]);
        let second = line(&[71, 72, 71, 69, 71, 69, 67]);
        let melody = quarters(&[first, vec![(74, false)], second, vec![(67, false)]].concat());
        let (contour, spans) = contour_of(&melody, Some(4));
        assert_eq!(contour.notes.len(), 14);
        assert_eq!((spans[6].clone(), contour.notes[6].length), (24..32, 8));
        let mut plan =
            Plan::of(steps_under(&melody, Fold::Whole(0), &[const { None }; 4], &Constraints::default()).unwrap());
        plan.head_for_cadences(&contour, &spans, "G".parse().unwrap());
        assert_eq!(plan.goals.iter().map(|goal| (goal.arrival, goal.end)).collect::<Vec<_>>(), [(24, 32), (56, 64)]);
        assert!(plan.goals[1].options.iter().all(|option| option.cadence.root == 7 && !option.cadence.minor));
        assert!(plan.goals[0].options.len() > 1, "{:?}", plan.goals[0].options);
        let prospects = plan.prospects().unwrap();
        assert_eq!(prospects.len(), 64);
        let certain = |step: usize| (prospects[step].rest == 1.0, prospects[step].arrival == 1.0);
        assert_eq!(
            [19, 20, 24, 32, 63].map(certain),
            [(false, false), (false, true), (true, false), (false, false), (true, false)]
        );
        // The ends alone may be asked for.
        let mut ends = Plan::default();
        ends.head_for_cadences(&contour, &spans, "G".parse().unwrap());
        assert_eq!(ends.goals, plan.goals);
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
