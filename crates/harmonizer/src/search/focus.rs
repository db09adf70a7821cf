//! A piece whose notes are there already, of which some are to be found anew: they lead on from what stands before them, and
//! into what stands after them.

use std::ops::Range;

use chorale::{Approach, Cadence, Chord, GivenChord, Part, Parts, Pitch, Token};
use files::melody::MelodyStep;

use super::steps::{Plan, SearchStep, Span, close};
use crate::constraints::Constraints;
use crate::harmonizer::Limits;

/// Steps after the last free one by which the ways there are judged: a bar of four quarters.
const HORIZON: usize = 16;

/// The steps of a piece whose `chords` are as the network hears them. At each step some parts are `free`; the others stay as
/// they are. `limits` bind the free ones.
pub fn steps_among(
    melody: &[MelodyStep],
    chords: &[Chord],
    free: &[Parts],
    limits: Limits,
    constraints: &Constraints,
) -> Vec<SearchStep> {
    let mut steps = Vec::with_capacity(melody.len());
    let moves = constraints.moves(melody);
    for (index, ((given, &chord), (&free, may_move))) in
        melody.iter().zip(chords).zip(free.iter().zip(moves)).enumerate()
    {
        let mut limits = limits;
        for part in Part::LOWER {
            limits.kept[part.index()] = (!free.contains(part)).then_some(chord[part]);
        }
        let before = index.checked_sub(1).map(|before| chords[before]);
        let kept_moves = before
            .is_none_or(|before| Part::ALL.into_iter().any(|part| !free.contains(part) && before[part] != chord[part]));
        steps.push(SearchStep {
            soprano: (!free.contains(Part::Soprano)).then_some(chord[Part::Soprano]),
            phase: given.phase,
            limits,
            may_move: may_move && !given.in_triplet || kept_moves,
            is_closing: false,
            sounding: None,
            chord: None,
            span: None,
        });
    }
    close(&mut steps, melody);
    steps
}

impl Plan {
    /// Binds the steps to chords that are given: `begins` tells where one does. Cadences that they contradict are not headed for,
    /// and the piece begins with the first of them.
    pub fn obey(&mut self, chords: &[Option<GivenChord>], begins: &[bool]) {
        for ((step, &chord), &begins) in self.steps.iter_mut().zip(chords).zip(begins) {
            step.chord = chord;
            step.limits.chord = chord.filter(|_| begins || step.phase.is_on_beat());
            step.may_move |= begins;
            step.span = step.span.filter(|_| chord.is_none());
        }
        if chords.first().is_some_and(Option::is_some) {
            self.home = None;
        }
        self.retain_goals();
    }

    /// Lets the lower parts move where the chord `changes` and nowhere else. Each chord is then chosen by all of the melody that it
    /// will stand under.
    pub fn change_only_at(&mut self, changes: &[bool]) {
        let mut end = self.steps.len();
        for index in (0..self.steps.len()).rev() {
            let changes = changes.get(index).is_none_or(|changes| *changes);
            self.steps[index].may_move &= changes;
            if changes {
                self.steps[index].span = Span::of(&self.steps[index..end]);
                end = index;
            }
        }
    }

    /// Leaves out of the search what has no choice: all before the `free` steps has sounded, and of what comes after them
    /// as much counts as they can be heard to lead to. Cadences that kept notes contradict are not headed for.
    pub fn focus(&mut self, free: Range<usize>) {
        let end = (free.end + HORIZON).min(self.steps.len());
        self.steps.truncate(end);
        let before = self.steps.drain(..free.start);
        self.given.extend(before.map(|step| {
            let [_, alto, tenor, bass] = step.limits.kept.map(|kept| kept.unwrap_or(Token::REST));
            (Chord([step.soprano.unwrap_or(Token::REST), alto, tenor, bass]), step.phase)
        }));
        if free.start > 0 {
            self.home = None;
        }
        self.goals.retain(|goal| goal.arrival >= free.start && goal.end <= end);
        for goal in &mut self.goals {
            (goal.arrival, goal.end) = (goal.arrival - free.start, goal.end - free.start);
        }
        self.retain_goals();
    }

    /// Heads for no cadence that what is kept and given contradicts.
    fn retain_goals(&mut self) {
        for goal in &mut self.goals {
            let before = goal.arrival.checked_sub(1).map(|before| &self.steps[before]);
            let last = &self.steps[goal.end - 1];
            goal.options.retain(|option| allows(last, before, option.cadence));
            let total: f32 = goal.options.iter().map(|option| option.share).sum();
            goal.options.iter_mut().for_each(|option| option.share /= total.max(f32::MIN_POSITIVE));
        }
        self.goals.retain(|goal| !goal.options.is_empty());
    }
}

/// Whether the kept notes and the given chords of the last step, and of that before the arrival, leave room for a cadence.
fn allows(last: &SearchStep, before: Option<&SearchStep>, cadence: Cadence) -> bool {
    if last.chord.is_some_and(|chord| chord.root != cadence.root || !chord.holds((cadence.root + cadence.third()) % 12))
    {
        return false;
    }
    let class = |step: &SearchStep, part: Part| step.limits.kept[part.index()].and_then(Token::pitch).map(Pitch::class);
    let holds = |part: Part| class(last, part).is_none_or(|class| cadence.holds(class));
    let leads = |above: u8| {
        let bass = before.and_then(|before| class(before, Part::Bass));
        let root = before.and_then(|before| before.chord).map(|chord| chord.bass.unwrap_or(chord.root));
        bass.or(root).is_none_or(|bass| cadence.above(bass) == above)
    };
    Part::LOWER.into_iter().all(holds)
        && class(last, Part::Bass).or(last.chord.and_then(|chord| chord.bass)).is_none_or(|bass| bass == cadence.root)
        && match cadence.approach {
            Approach::Authentic => leads(7),
            Approach::Plagal => leads(5),
            Approach::Phrygian => leads(1),
            Approach::Leading | Approach::Other => true,
        }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chorale::{Phase, Rule};
    use files::melody::Fold;
    use network::Model;

    use super::*;
    use crate::search::{alternatives, contour_of, search, steps_under};
    use crate::test_steps::step;
    use crate::{Purpose, Sampling};

    /// "Nun danket", two lines, in quarters.
    fn melody() -> Vec<MelodyStep> {
        let notes = [67, 74, 74, 74, 76, 76, 74, 74, 71, 72, 71, 69, 71, 69, 67, 67];
        let steps = (0..4 * notes.len() as u32).map(|index| step(index, notes[index as usize / 4]));
        steps.map(|step| MelodyStep { phase: Phase::in_bar(step.position as usize), ..step }).collect()
    }

    fn plan(steps: Vec<SearchStep>) -> Plan {
        let (contour, spans) = contour_of(&melody(), Some(4));
        let mut plan = Plan::of(steps);
        plan.head_for_cadences(&contour, &spans, "G".parse().unwrap());
        plan
    }

    #[test]
    fn what_is_found_anew_leaves_the_rest_and_leads_into_it_without_a_fault_more() {
        let model = Arc::new(Model::lstm().unwrap());
        let sampling = Sampling::of(&model, Purpose::Ahead);
        let constraints = Constraints::default();
        let all = plan(steps_under(&melody(), Fold::Whole(0), &[const { None }; 4], &constraints).unwrap());
        let window = 24..40;
        let free: Vec<Parts> = (0..melody().len())
            .map(|index| Parts::which(|part| part != Part::Soprano && window.contains(&index)))
            .collect();
        let (mut faults, mut different) = (0, 0);
        // Of a piece that is as good as there is one, little can be found that is better.
        for seed in [2, 3] {
            let whole = search(&model, Sampling { seed, ..sampling }, &all, 8).unwrap();
            let mut again = plan(steps_among(&melody(), &whole.chords, &free, Limits::default(), &constraints));
            again.focus(window.clone());
            assert_eq!((again.given.len(), again.steps.len(), again.home), (24, 32, None));
            for seed in 1..=8 {
                let found = alternatives(&model, Sampling { seed, ..sampling }, &again, 8, 2).unwrap().remove(0);
                assert_eq!(found.chords[16..], whole.chords[40..56], "what stands after stays");
                let mut chords = whole.chords.clone();
                chords[window.clone()].copy_from_slice(&found.chords[..16]);
                assert!(
                    chords
                        .iter()
                        .zip(&melody())
                        .all(|(chord, step)| chord[Part::Soprano].pitch() == Some(step.soprano))
                );
                different += usize::from(chords != whole.chords);
                let mut past = chorale::Past::default();
                for (&chord, step) in chords.iter().zip(&melody()) {
                    let breaches = past.breaches(chord, step.phase);
                    let parallels = [Rule::ParallelFifths, Rule::ParallelOctaves];
                    faults += parallels.map(|rule| usize::from(breaches[rule.index()])).iter().sum::<usize>();
                    past.step(chord, step.phase);
                }
            }
        }
        assert!(different >= 12, "only {different} of 16 differ");
        assert!(faults <= 2, "{faults} parallels in 16 pieces");
    }

    #[test]
    fn a_kept_bass_is_headed_for_no_cadence_that_it_contradicts() {
        let chords = vec![Chord::SILENCE; 64];
        let free = vec![Parts::from([Part::Alto, Part::Tenor, Part::Bass]); 64];
        let steps = |bass: u8| {
            let mut steps = steps_among(&melody(), &chords, &free, Limits::default(), &Constraints::default());
            for step in &mut steps[56..] {
                step.limits.kept[Part::Bass.index()] = Pitch::new(bass).and_then(Token::from_pitch);
            }
            let mut plan = plan(steps);
            plan.focus(0..64);
            plan.goals.iter().filter(|goal| goal.end == 64).count()
        };
        assert_eq!([steps(43), steps(45)], [1, 0], "it ends on G, not on A");
    }
}
