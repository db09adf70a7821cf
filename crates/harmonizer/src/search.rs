//! Offline harmony that looks ahead: a particle search over the networks' joint model of all four parts.
//!
//! Each particle is a harmonization so far. At each step it is weighed by how well it foresaw the soprano that really
//! comes, p(next soprano | all before), and by how much the guard leaves of its voicings; then it draws a voicing as
//! live playing would. Particles that led nowhere die out, the others multiply: a particle filter with the melody as
//! its evidence (arXiv 1909.05030).

mod focus;
pub(crate) mod goals;
mod off_beat;
mod steps;

use std::sync::Arc;

use chorale::critic::Trace;
use chorale::phrase_tracker::Prospect;
use chorale::{Cadence, Chord, Part, Past, Rule, Token};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::goals::Role;
use self::off_beat::OffBeat;
use crate::harmonizer::{Candidate, Limits, Query, StepRules, beams};
use crate::sampling::{Sampling, draw, log_softmax};
use network::{Context, Model, ModelError, Row, State};

pub use focus::steps_among;
pub use goals::Goal;
pub use steps::{Plan, SearchStep, Span, StepError, contour_of, contour_of_sopranos, steps, steps_around, steps_under};

/// A finished harmonization.
#[derive(Clone, Debug, PartialEq)]
pub struct Harmonization {
    pub chords: Vec<Chord>,
    /// Of all four parts, in nats, and what the guard takes off.
    pub log_likelihood: f64,
    pub cost: f64,
    /// What a teacher would mark: breaches of the textbooks' rules, and twice as much for each beginning or end of a phrase
    /// that is missed.
    pub faults: usize,
}

/// Nats that a fault counts for where harmonizations are ranked: the likeliest is of no use with parallels in it.
const FAULT_COST: f64 = 4.0;

impl Harmonization {
    /// By which alternatives are ranked.
    pub fn merit(&self) -> f64 {
        self.score() - FAULT_COST * self.faults as f64
    }

    pub fn score(&self) -> f64 {
        self.log_likelihood - self.cost
    }
}

/// How many particles serve by default: the gain of more is small.
pub const PARTICLES: usize = 16;

/// The best of `particles` harmonizations.
///
/// # Errors
/// When the model fails to run.
pub fn search(
    model: &Arc<Model>,
    sampling: Sampling,
    plan: &Plan,
    particles: usize,
) -> Result<Harmonization, ModelError> {
    let Grown { swarm, trail } = grow(model, sampling, plan, particles)?;
    let score = |index: usize| swarm[index].log_likelihood - swarm[index].cost;
    let best = (0..swarm.len()).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or_default();
    let mut chords = Vec::with_capacity(plan.steps.len());
    let mut index = best;
    for step in trail.iter().rev() {
        let (parent, chord) = step[index];
        chords.push(chord);
        index = parent;
    }
    chords.reverse();
    let faults = faults(plan, &chords);
    Ok(Harmonization { chords, log_likelihood: swarm[best].log_likelihood, cost: swarm[best].cost, faults })
}

/// See [`Harmonization::faults`].
fn faults(plan: &Plan, chords: &[Chord]) -> usize {
    let mut past = Past::default();
    plan.given.iter().for_each(|&(chord, phase)| past.step(chord, phase));
    let mut faults = 0;
    for (&chord, step) in chords.iter().zip(&plan.steps) {
        let breaches = past.breaches(chord, step.phase);
        let marked = Rule::ALL.into_iter().filter(|rule| rule.is_marked());
        faults += marked.map(|rule| usize::from(breaches[rule.index()])).sum::<usize>();
        past.step(chord, step.phase);
    }
    let heard = |step: usize| plan.steps[step].limits.heard(chords[step]);
    let missed = plan.goals.iter().filter(|goal| !goal.is_reached(heard(goal.end - 1))).count();
    let begins = plan.home.is_none_or(|home| chords.is_empty() || goals::begins_well(home, heard(0)));
    faults + 2 * (missed + usize::from(!begins))
}

/// As [`search`], `count` times with seeds that follow each other; those that differ, the best first.
///
/// # Errors
/// When the model fails to run.
pub fn alternatives(
    model: &Arc<Model>,
    sampling: Sampling,
    plan: &Plan,
    particles: usize,
    count: usize,
) -> Result<Vec<Harmonization>, ModelError> {
    let seeds: Vec<u64> = (0..count as u64).map(|index| sampling.seed.wrapping_add(index)).collect();
    let mut found: Vec<Harmonization> = Vec::new();
    for one in
        crate::parallel::on_all_cores(&seeds, |_, &seed| search(model, Sampling { seed, ..sampling }, plan, particles))?
    {
        if found.iter().all(|other| other.chords != one.chords) {
            found.push(one);
        }
    }
    found.sort_by(|a, b| b.merit().total_cmp(&a.merit()));
    Ok(found)
}

struct Particle {
    state: State,
    past: Past,
    trace: Option<Trace>,
    before: Chord,
    /// Logarithm of the weight since the particles were last resampled.
    weight: f64,
    log_likelihood: f64,
    cost: f64,
    off_beat: OffBeat,
    /// What it heads for.
    cadence: Option<Cadence>,
}

/// The particles after the last step.
struct Grown {
    swarm: Vec<Particle>,
    /// For each step and particle the particle it came from, and its chord.
    trail: Vec<Vec<(usize, Chord)>>,
}

fn grow(model: &Model, sampling: Sampling, plan: &Plan, particles: usize) -> Result<Grown, ModelError> {
    let Plan { given, steps, home, goals, .. } = plan;
    let prospects = plan.prospects();
    let is_new = steps.iter().any(|step| step.soprano.is_none());
    let roles = goals::roles(steps, *home, goals);
    let mut context = Context::default();
    let mut generator = ChaCha8Rng::seed_from_u64(sampling.seed);
    let (mut past, mut trace) = (Past::default(), sampling.guard.trace());
    if let Some((trace, home)) = trace.as_mut().zip(*home) {
        trace.know(home);
    }
    if is_new {
        // A soprano of our own has no way home but the key that was told.
        past.set_home(*home);
    }
    let (mut state, mut before, mut off_beat) = (model.start(), Chord::START, OffBeat::default());
    for &(chord, phase) in given {
        model.step(&mut [&mut state], &[before], phase, &mut context)?;
        off_beat.step(before, chord, phase);
        past.step(chord, phase);
        if let Some(trace) = &mut trace {
            trace.step(chord, phase);
        }
        before = chord;
    }
    let mut swarm: Vec<Particle> = (0..particles.max(1))
        .map(|_| Particle {
            state: state.clone(),
            past: past.clone(),
            trace: trace.clone(),
            before,
            weight: 0.0,
            log_likelihood: 0.0,
            cost: 0.0,
            off_beat,
            cadence: None,
        })
        .collect();
    let mut trail: Vec<Vec<(usize, Chord)>> = Vec::with_capacity(steps.len());
    let mut heads_for = None;
    for (index, (step, &role)) in steps.iter().zip(&roles).enumerate() {
        if let Role::Lead { goal, .. } | Role::Rest { goal } = role
            && heads_for != Some(goal)
        {
            heads_for = Some(goal);
            choose_cadences(&mut swarm, &goals[goal], &mut generator);
        }
        let candidates = candidates(
            model,
            &mut context,
            &mut swarm,
            (step, role, prospects.as_ref().map(|prospects| prospects[index])),
            sampling,
            &mut generator,
        )?;
        let mut chosen = Vec::with_capacity(swarm.len());
        for (particle, (soprano, candidates)) in swarm.iter_mut().zip(&candidates) {
            let scores: Vec<f32> = candidates.iter().map(Candidate::score).collect();
            let candidate = candidates[draw(&scores, sampling, &mut generator)];
            // A soprano that was drawn is no evidence.
            let evidence = if step.soprano.is_some() { f64::from(*soprano) } else { 0.0 };
            particle.weight += evidence + log_sum(scores.iter().map(|score| f64::from(*score)));
            particle.log_likelihood += f64::from(soprano + candidate.log_likelihood);
            particle.cost += f64::from(candidate.cost);
            particle.off_beat.step(particle.before, candidate.chord, step.phase);
            particle.before = candidate.chord;
            particle.past.step(candidate.chord, step.phase);
            if let Some(trace) = &mut particle.trace {
                trace.step(candidate.chord, step.phase);
            }
            chosen.push(candidate.chord);
        }
        let leads = match role {
            Role::Lead { .. } => true,
            Role::Rest { goal } => index == goals[goal].arrival,
            Role::Within | Role::Opening(_) => false,
        };
        if leads {
            level(&mut swarm);
        }
        // After the last step nothing is left to foresee, and the best particle must not be lost.
        let parents = match index + 1 < steps.len() && is_uneven(&swarm) {
            true => resample(&mut swarm, &mut generator),
            false => (0..swarm.len()).collect(),
        };
        trail.push(parents.into_iter().map(|parent| (parent, chosen[parent])).collect());
    }
    Ok(Grown { swarm, trail })
}

/// Deals the cadences out to the particles, each to as many as its share tells.
fn choose_cadences(swarm: &mut [Particle], goal: &Goal, generator: &mut ChaCha8Rng) {
    let offset: f32 = generator.random();
    let count = swarm.len() as f32;
    for (index, particle) in swarm.iter_mut().enumerate() {
        let mut left = (index as f32 + offset) / count;
        let option = goal.options.iter().find(|option| {
            left -= option.share;
            left <= 0.0
        });
        particle.cadence = option.or(goal.options.first()).map(|option| option.cadence);
    }
}

/// Weighs each particle against those alone that head for the same cadence, so that up to the arrival every cadence keeps the
/// share that it was dealt: on the way to a dominant more costs something than where the way is free, and those who go there
/// would die out.
fn level(swarm: &mut [Particle]) {
    let means: Vec<f64> = swarm
        .iter()
        .map(|particle| {
            let alike = swarm.iter().filter(|other| other.cadence == particle.cadence).map(|other| other.weight);
            log_sum(alike.clone()) - (alike.count() as f64).ln()
        })
        .collect();
    for (particle, mean) in swarm.iter_mut().zip(means).filter(|(_, mean)| mean.is_finite()) {
        particle.weight -= mean;
    }
}

/// For each particle the log-likelihood of the soprano, and the voicings under it.
fn candidates(
    model: &Model,
    context: &mut Context,
    swarm: &mut [Particle],
    (step, role, prospect): (&SearchStep, Role, Option<Prospect>),
    sampling: Sampling,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(f32, Vec<Candidate>)>, ModelError> {
    let before: Vec<Chord> = swarm.iter().map(|particle| particle.before).collect();
    let bass = |particle: &Particle| goals::bass_class(role, particle.cadence, particle.before, step.soprano);
    let basses: Vec<Option<u8>> = swarm.iter().map(bass).collect();
    let mut states: Vec<&mut State> = swarm.iter_mut().map(|particle| &mut particle.state).collect();
    model.step(&mut states, &before, step.phase, context)?;
    let rows: Vec<Row> = (0..swarm.len()).map(|state| Row { state, given: Chord::SILENCE }).collect();
    let mut soprano_logits = Vec::new();
    model.logits(Part::Soprano, context, &rows, &mut soprano_logits)?;
    let mut likelihoods = Vec::with_capacity(swarm.len());
    let mut queries = Vec::with_capacity(swarm.len());
    for (state, logits) in soprano_logits.chunks_exact_mut(Token::VOCABULARY).enumerate() {
        log_softmax(logits);
        let mut limits = step.limits;
        let held = Some(before[state]).filter(|before| !step.may_move && *before != Chord::START);
        if let Some(held) = held {
            for (kept, token) in limits.kept.iter_mut().zip(held.0) {
                *kept = kept.or(Some(token));
            }
        }
        let soprano = match (step.soprano, held) {
            (Some(soprano), _) => soprano,
            (None, Some(held)) => held[Part::Soprano],
            (None, None) => {
                let classes = goals::soprano_classes(role, swarm[state].cadence, before[state])
                    & limits.chord.map_or(0xfff, |chord| chord.classes);
                draw_soprano(logits, &limits, classes, sampling, generator)
            }
        };
        if limits.chord.is_none() && step.limits.kept.iter().flatten().all(|kept| *kept == Token::REST) {
            let particle = &swarm[state];
            limits.chord = goals::chord(role, particle.cadence, particle.before, soprano);
        }
        likelihoods.push(logits[soprano.index()]);
        queries.push(Query { state, soprano, limits, bass: basses[state] });
    }
    let mut beams = beams(model, context, &queries)?;
    let rules = StepRules { sampling, limits: step.limits, is_closing: step.is_closing };
    for ((particle, beam), query) in swarm.iter().zip(&mut beams).zip(&queries) {
        let prospect = prospect.unwrap_or_else(|| particle.past.prospects(step.phase).of(query.soprano));
        for candidate in beam {
            candidate.judge((&particle.past, particle.trace.as_ref()), step.phase, prospect, &rules);
            let heard = step.limits.heard(candidate.chord);
            candidate.cost += goals::cost(role, particle.cadence, particle.before, heard)
                + particle.off_beat.cost(particle.before, candidate.chord, step.phase)
                + step.leaving_cost(candidate.chord)
                + step.passing_cost(candidate.chord)
                + step.span_cost(candidate.chord);
        }
    }
    Ok(likelihoods.into_iter().zip(beams).collect())
}

/// Over kept parts that sing, within its range and not below them, among some pitch classes where any of them is open.
fn draw_soprano(
    logits: &[f32],
    limits: &Limits,
    classes: u16,
    sampling: Sampling,
    generator: &mut ChaCha8Rng,
) -> Token {
    let (low, high) = limits.ranges[Part::Soprano.index()];
    let floor = limits.kept.iter().flatten().filter_map(|token| token.pitch()).max().unwrap_or(low).clamp(low, high);
    let open: Vec<f32> = Token::all()
        .zip(logits)
        .map(|(token, &logit)| match token.pitch() {
            Some(pitch) if (floor..=high).contains(&pitch) && classes >> pitch.class() & 1 == 1 => logit,
            _ => f32::NEG_INFINITY,
        })
        .collect();
    if open.iter().all(|logit| *logit == f32::NEG_INFINITY) && classes != 0xfff {
        return draw_soprano(logits, limits, 0xfff, sampling, generator);
    }
    Token::from_index(draw(&open, sampling, generator)).unwrap_or(Token::REST)
}

/// Whether the weights have grown too unequal: the effective number of particles is below half (Kong 1992).
fn is_uneven(swarm: &[Particle]) -> bool {
    let shares = shares(swarm);
    let sum: f64 = shares.iter().sum();
    let effective = sum * sum / shares.iter().map(|share| share * share).sum::<f64>();
    // Not so where a network gone wrong gives NaN.
    effective < swarm.len() as f64 / 2.0
}

/// Draws as many particles anew, each as often as its weight tells (systematic resampling: Kitagawa 1996). Returns where
/// each came from.
fn resample(swarm: &mut Vec<Particle>, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let shares = shares(swarm);
    let sum: f64 = shares.iter().sum();
    let offset: f64 = generator.random();
    let (mut parents, mut reached, mut source) = (Vec::with_capacity(swarm.len()), shares[0], 0);
    for index in 0..swarm.len() {
        let mark = (index as f64 + offset) / swarm.len() as f64 * sum;
        while reached < mark && source + 1 < swarm.len() {
            source += 1;
            reached += shares[source];
        }
        parents.push(source);
    }
    *swarm = parents
        .iter()
        .map(|&parent| {
            let Particle { ref state, ref past, ref trace, before, log_likelihood, cost, off_beat, cadence, .. } =
                swarm[parent];
            let (state, past, trace) = (state.clone(), past.clone(), trace.clone());
            Particle { state, past, trace, before, weight: 0.0, log_likelihood, cost, off_beat, cadence }
        })
        .collect();
    parents
}

/// The weight of each particle, that of the heaviest being 1.
fn shares(swarm: &[Particle]) -> Vec<f64> {
    let largest = swarm.iter().map(|particle| particle.weight).fold(f64::NEG_INFINITY, f64::max);
    swarm.iter().map(|particle| (particle.weight - largest).exp()).collect()
}

fn log_sum(logarithms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logarithms.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + logarithms.map(|logarithm| (logarithm - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use chorale::{Approach, Phase, Pitch};
    use files::melody::MelodyStep;

    use super::*;
    use crate::test_steps::step;
    use crate::{Constraints, Purpose};

    fn token(midi: u8) -> Token {
        Pitch::new(midi).and_then(Token::from_pitch).unwrap()
    }

    /// The first line of "Nun danket alle Gott", in quarters, the last note twice as long.
    pub(super) fn melody() -> Vec<SearchStep> {
        let notes = [67, 74, 74, 74, 76, 76, 74, 74];
        steps(notes.into_iter().flat_map(|midi| [token(midi); 4]).zip((0..).map(Phase::in_beat)), true)
    }

    fn plan() -> Plan {
        Plan::of(melody())
    }

    #[test]
    fn on_the_way_to_an_end_no_cadence_gains_on_another_and_particles_of_one_are_weighed_as_before() {
        let model = Model::lstm().unwrap();
        let cadence = |root: u8| Some(Cadence { root, minor: false, approach: Approach::Authentic });
        let particle = |root: u8, weight: f64| Particle {
            state: model.start(),
            past: Past::default(),
            trace: None,
            before: Chord::START,
            weight,
            log_likelihood: 0.0,
            cost: 0.0,
            off_beat: OffBeat::default(),
            cadence: cadence(root),
        };
        let mut swarm = vec![particle(7, -3.0), particle(0, -1.0), particle(7, -5.0), particle(2, f64::NEG_INFINITY)];
        level(&mut swarm);
        let mass = |root: u8| {
            let alike = swarm.iter().filter(|particle| particle.cadence == cadence(root));
            alike.map(|particle| particle.weight.exp()).sum::<f64>()
        };
        assert!((mass(7) - 2.0).abs() < 1e-9 && (mass(0) - 1.0).abs() < 1e-9, "as many as were dealt");
        assert!((swarm[0].weight - swarm[2].weight - 2.0).abs() < 1e-9);
        assert_eq!(swarm[3].weight, f64::NEG_INFINITY, "what leads nowhere stays so");
    }

    #[test]
    fn many_states_side_by_side_go_the_way_that_each_goes_alone() {
        for model in [Model::wavenet().unwrap(), Model::lstm().unwrap()].map(Arc::new) {
            let chord = |shift: u8| Chord([72, 67, 64, 48].map(|midi| token(midi + shift)));
            let mut alone: Vec<State> = (0..3).map(|_| model.start()).collect();
            let mut together = alone.clone();
            let (mut contexts, mut context) = (Context::default(), Context::default());
            let (mut logits, mut own) = (Vec::new(), Vec::new());
            for step in 0..40 {
                let before: Vec<Chord> = (0..3).map(|index| chord((step * index) % 7)).collect();
                let phase = Phase::in_beat(step.into());
                let mut states: Vec<&mut State> = together.iter_mut().collect();
                model.step(&mut states, &before, phase, &mut contexts).unwrap();
                let given = chord(1);
                let rows: Vec<Row> = (0..3).map(|state| Row { state, given }).collect();
                for part in Part::ALL {
                    model.logits(part, &mut contexts, &rows, &mut logits).unwrap();
                    for (index, state) in alone.iter().enumerate() {
                        let mut state = state.clone();
                        model.step(&mut [&mut state], &before[index..=index], phase, &mut context).unwrap();
                        model.logits(part, &mut context, &[Row { state: 0, given }], &mut own).unwrap();
                        let theirs = &logits[index * Token::VOCABULARY..][..Token::VOCABULARY];
                        let off = own.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                        assert!(off < 1e-4, "step {step}, state {index}, {part:?}: off by {off}");
                    }
                }
                for (state, before) in alone.iter_mut().zip(before) {
                    model.step(&mut [state], &[before], phase, &mut context).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_same_seed_finds_the_same_and_ends_well() {
        let model = Arc::new(Model::lstm().unwrap());
        let found = search(&model, Sampling::default(), &plan(), 4).unwrap();
        assert_eq!(found, search(&model, Sampling::default(), &plan(), 4).unwrap());
        let sopranos: Vec<Token> = found.chords.iter().map(|chord| chord[Part::Soprano]).collect();
        assert_eq!(sopranos, melody().iter().filter_map(|step| step.soprano).collect::<Vec<_>>());
        assert!(chorale::is_good_ending(&found.chords[31].pitches()), "{:?}", found.chords[31].pitches());
    }

    #[test]
    fn the_best_particle_is_never_lost_after_the_last_step() {
        let model = Arc::new(Model::lstm().unwrap());
        let (melody, sampling) = (melody(), Sampling::default());
        let mut uneven = 0;
        for length in 1..=melody.len() {
            let plan = Plan::of(melody[..length].to_vec());
            let Grown { swarm, trail } = grow(&model, sampling, &plan, 8).unwrap();
            uneven += usize::from(is_uneven(&swarm));
            let parents = trail[length - 1].iter().map(|(parent, _)| *parent);
            assert!(parents.eq(0..8), "resampled after the last of {length} steps");
            let best = swarm.iter().map(|one| one.log_likelihood - one.cost).fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(search(&model, sampling, &plan, 8).unwrap().score(), best);
        }
        assert!(uneven > 0, "some of these would have been resampled");
    }

    #[test]
    fn phrases_come_to_rest_and_the_piece_begins_and_ends_at_home() {
        let model = Arc::new(Model::lstm().unwrap());
        let notes = [74, 74, 74, 76, 76, 74, 74, 71, 72, 71, 69, 71, 69, 67];
        let sopranos: Vec<Token> = notes.into_iter().flat_map(|midi| [token(midi); 4]).collect();
        let (contour, spans) = contour_of_sopranos(&sopranos);
        let key = "G".parse().unwrap();
        let mut plan = Plan::of(steps(sopranos.into_iter().zip((0..).map(Phase::in_beat)), false));
        plan.head_for_cadences(&contour, &spans, key);
        plan.goals = vec![plan.goals.pop().unwrap()];
        let options = crate::phrasing::cadences_under(&contour, 2, key, false, crate::phrasing::Phrasing::learned());
        plan.goals.insert(0, Goal { arrival: 20, end: 28, options });
        let (mut rests, mut foreign, mut fifths) = (0, 0, 0);
        for seed in 0..4 {
            let sampling = Sampling { seed, ..Sampling::of(&model, Purpose::Ahead) };
            let chords = search(&model, sampling, &plan, 8).unwrap().chords;
            rests += chords[20..28].iter().filter(|chord| chorale::is_good_ending(&chord.pitches())).count();
            let opening = chords[..16].iter().flat_map(|chord| chord.pitches());
            foreign += opening.flatten().filter(|pitch| !key.has(pitch.class())).count();
            assert_eq!(chords[55][Part::Bass].pitch().map(Pitch::class), Some(7), "it ends on G");
            fifths += usize::from(chorale::census::ends_by_a_fifth(&chords));
        }
        assert!(rests >= 30, "of 32 steps under fermatas {rests} are triads over their roots");
        assert!(foreign <= 20, "of 256 notes at the beginning {foreign} are outside the key");
        assert!(fifths >= 3, "{fifths} of 4 basses fall by a fifth to the end");
    }

    #[test]
    fn a_kept_part_is_kept_and_costs_its_likelihood() {
        let model = Arc::new(Model::lstm().unwrap());
        let mut steps = melody();
        for (step, bass) in
            steps.iter_mut().zip([43, 47, 50, 43, 48, 36, 43, 43].into_iter().flat_map(|bass| [bass; 4]))
        {
            step.limits.kept[Part::Bass.index()] = Some(token(bass));
        }
        let plan = Plan::of(steps);
        let found = search(&model, Sampling::default(), &plan, 4).unwrap();
        assert!(
            found.chords.iter().zip(&plan.steps).all(|(chord, step)| Some(chord[Part::Bass]) == step.limits.kept[3])
        );
        assert!(found.log_likelihood.is_finite());
    }

    #[test]
    fn around_a_tenor_a_soprano_is_found_above_it() {
        let model = Arc::new(Model::lstm().unwrap());
        let tenor = [55, 62, 62, 62, 67, 67, 62, 62].into_iter().flat_map(|midi| [midi; 4]);
        let melody: Vec<MelodyStep> = (0..).zip(tenor).map(|(index, midi)| step(index, midi)).collect();
        let constraints = Constraints::default();
        let plan = Plan::of(steps_around(&melody, Part::Tenor, &constraints).unwrap());
        let found = search(&model, Sampling::default(), &plan, 4).unwrap();
        for (chord, step) in found.chords.iter().zip(&melody) {
            assert_eq!(chord[Part::Tenor].pitch(), Some(step.soprano));
            assert!(chord[Part::Soprano].pitch().is_some_and(|pitch| pitch.midi() >= 60), "{:?}", chord.pitches());
        }
        let error = steps_around(&melody, Part::Bass, &constraints).unwrap_err();
        assert!(matches!(error, StepError::CannotSing { part: Part::Bass, .. }), "{error}");
    }

    #[test]
    fn alternatives_differ_and_the_best_comes_first() {
        let model = Arc::new(Model::lstm().unwrap());
        let found = alternatives(&model, Sampling::default(), &plan(), 2, 3).unwrap();
        assert!(!found.is_empty() && found.windows(2).all(|two| two[0].merit() >= two[1].merit()));
        assert!(found.windows(2).all(|two| two[0].chords != two[1].chords));
    }
}
