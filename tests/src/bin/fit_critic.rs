//! Fits the critic of a shipped network (`chorale::critic`): the training sopranos are harmonized again and again, and each
//! thing's weight is moved until the network does it about as often as Bach. What differs by no more than chance is left
//! alone (the relaxed maximum entropy of Dudík et al. 2004, "Performance guarantees for regularized maximum entropy density
//! estimation"); steps that shrink and a mean of the later ones, as in tune_guard.
//!
//!     cargo run --release --bin fit_critic -- DATA wavenet|lstm live|ahead [ROUNDS]
//!
//! For the LSTM, live, what may lead to the end of a phrase has its value (`tests::value`) before, and keeps it.
//!
//! Writes models/wavenet-live.critic and so on. Some rules are to be broken less often than by Bach, or more
//! often kept: the guard's weights of parallels, live of all that the textbooks forbid and of what ends a phrase, are found
//! anew beside the critic, and written into models/guards.toml. How it goes is told on stderr. DATA is a path, or `chorales` as
//! in the trainer.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chorale::census::Census;
use chorale::critic::{Critic, Of, THINGS, things};
use chorale::{Chorale, Guard, Phase, Rule};
use files::write_whole;
use harmonizer::parallel::on_all_cores;
use harmonizer::search::{PARTICLES, Plan};
use harmonizer::{Purpose, Sampling};
use network::Model;
use performer::study::report::{Way, harmonize_all, plan};
use tests::aims::{by_hand, off, set_weight};

type Piece = (Chorale, Vec<Phase>);

/// How a task is fitted.
struct Task {
    purpose: Purpose,
    way: Way,
    rounds: usize,
    /// Of the pieces each so-manyth a round, in turn: the search takes its time.
    every: usize,
    /// A step of a weight, for each part by which ours and Bach's differ, in the first half of the rounds. Some sixty things
    /// that happen together share a chord, so that greater steps overshoot.
    rate: f32,
    /// No step is so many times as long as the first.
    fastest: f32,
    /// Whether a rule's weight is found anew.
    anew: fn(Rule) -> bool,
}

impl Task {
    fn rules(&self) -> impl Iterator<Item = Rule> {
        Rule::ALL.into_iter().filter(|rule| (self.anew)(*rule))
    }
}

const LIVE: Task = Task {
    purpose: Purpose::Live,
    way: Way::Live,
    rounds: 20,
    every: 1,
    rate: 0.1,
    fastest: 1.0,
    anew: |rule| rule.is_textbook() || ends_a_phrase(rule),
};
const AHEAD: Task = Task {
    purpose: Purpose::Ahead,
    way: Way::Ahead(PARTICLES),
    rounds: 18,
    every: 3,
    rate: 0.08,
    fastest: 4.0,
    anew: |rule| matches!(rule, Rule::ParallelFifths | Rule::ParallelOctaves | Rule::BeatParallels),
};

/// Live a habit; the search has goals there.
fn ends_a_phrase(rule: Rule) -> bool {
    matches!(rule, Rule::PhraseEndMotion | Rule::PhraseEndChord | Rule::AuthenticCadence | Rule::CadentialDominant)
}

/// What differs by less than so many standard deviations of its own is left alone.
const CHANCE: f32 = 0.7;
/// A weight that goes on the same way makes steps so many times as long as the round before.
const FASTER: f32 = 1.4;
/// Added to what was counted, so that what is rare moves its weight little.
const RARE: f32 = 10.0;
/// No thing's weight goes beyond: sixty of them would say more than the network and the guard.
const LIMIT: f32 = 1.5;
/// What is worth less is left out of the file, which is a third smaller so.
const LEAST: f32 = 0.035;
/// No rule's weight goes beyond, half as much again as tune_guard allows.
const RULE_LIMIT: f32 = 6.0;
/// A step of a rule's weight, as in tune_guard.
const RULE_RATE: f32 = 0.4;

fn main() -> Result<()> {
    const USAGE: &str = "usage: fit_critic DATA wavenet|lstm live|ahead [ROUNDS]";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (data, network, way, rounds) = match &arguments[..] {
        [data, network, way] => (data, network, way, None),
        [data, network, way, rounds] => (data, network, way, Some(rounds.parse().context("ROUNDS is a number")?)),
        _ => bail!(USAGE),
    };
    let model = Arc::new(match network.as_str() {
        "wavenet" => Model::wavenet()?,
        "lstm" => Model::lstm()?,
        _ => bail!(USAGE),
    });
    let task = match way.as_str() {
        "live" => LIVE,
        "ahead" => AHEAD,
        _ => bail!(USAGE),
    };
    let dataset = tests::chorales::named(data)?;
    let pieces: Vec<Piece> = dataset.train.iter().map(|piece| (piece.chorale.clone(), piece.phases(false))).collect();
    // The WaveNet's live phrases ended no better with one (models/EXPERIMENTS.md).
    let has_value = network == "lstm" && task.purpose == Purpose::Live;
    let (weights, guard) = fit(&model, &task, has_value, &pieces, rounds.unwrap_or(task.rounds))?;
    let heard: Vec<f32> = weights.iter().map(|weight| if weight.abs() < LEAST { 0.0 } else { *weight }).collect();
    let critic = Critic::new(&heard).context("a weight for each thing")?;
    let path = tests::root().join(format!("models/{network}-{way}.critic"));
    write_whole(&path, &critic.to_bytes()).with_context(|| format!("cannot write '{}'", path.display()))?;
    let path = tests::root().join("models/guards.toml");
    let mut toml = std::fs::read_to_string(&path)?;
    for rule in task.rules() {
        set_weight(&mut toml, way, rule, network, guard.weights[rule.index()] + by_hand(task.purpose, rule))?;
    }
    Ok(write_whole(&path, toml.as_bytes())?)
}

/// The mean weights of the later rounds.
fn fit(model: &Arc<Model>, task: &Task, has_value: bool, pieces: &[Piece], rounds: usize) -> Result<(Vec<f32>, Guard)> {
    let mut sampling = Sampling::of(model, task.purpose);
    let mut steps = vec![0.0f32; THINGS];
    let mut weights = if has_value { tests::value::of_phrases(model, sampling, pieces)? } else { vec![0.0; THINGS] };
    let averaged = rounds.div_ceil(2);
    let (mut mean, mut mean_guard) = (vec![0.0f32; THINGS], sampling.guard);
    task.rules().for_each(|rule| mean_guard.weights[rule.index()] = 0.0);
    for round in 0..rounds {
        let some: Vec<Piece> = pieces.iter().skip(round % task.every).step_by(task.every).cloned().collect();
        let own: Vec<Chorale> = some.iter().map(|piece| piece.0.clone()).collect();
        let critic = Critic::new(&weights).context("a weight for each thing")?;
        sampling.seed = 1000 * round as u64;
        // A quarter of a megabyte a round, until the program ends.
        sampling.guard.critic = Some(Box::leak(Box::new(critic)));
        let (census, ours) = harmonize_all(model, sampling, &some, task.way, || ())?;
        let shrunk = (averaged as f32 / (round + 1) as f32).min(1.0);
        move_rules(&mut sampling.guard, task.rules(), RULE_RATE * shrunk, &census, &own);
        let off = move_things(
            &mut weights,
            &mut steps,
            (task.rate * shrunk, task.fastest),
            &counts(&ours, &some, task),
            &counts(&own, &some, task),
        );
        eprintln!("round {round}: things that happen often enough are {off:.3} off their rate (mean logarithm)");
        if round >= rounds - averaged {
            let share = 1.0 / averaged as f32;
            mean.iter_mut().zip(&weights).for_each(|(mean, weight)| *mean += share * weight);
            for rule in task.rules().map(Rule::index) {
                mean_guard.weights[rule] += share * sampling.guard.weights[rule];
            }
        }
    }
    Ok((mean, mean_guard))
}

/// How often each thing happens.
fn counts(chorales: &[Chorale], pieces: &[Piece], task: &Task) -> Vec<f32> {
    let both: Vec<_> = chorales.iter().zip(pieces).collect();
    let each = on_all_cores(&both, |_, (chorale, (_, phases))| {
        let mut counts = vec![0u32; THINGS];
        let plan = (task.purpose == Purpose::Ahead).then(|| plan(chorale, phases, false));
        let prospects = plan.as_ref().and_then(Plan::prospects);
        let known = plan.as_ref().and_then(|plan| plan.home).zip(prospects.as_deref());
        things(&chorale.chords, phases, known, |_, thing, of| counts[thing] += u32::from(of != Of::Phrase));
        Ok::<_, Infallible>(counts)
    });
    let mut sum = vec![0.0; THINGS];
    let Ok(each) = each;
    for counts in each {
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count as f32);
    }
    sum
}

fn move_rules(guard: &mut Guard, rules: impl Iterator<Item = Rule>, rate: f32, ours: &Census, own: &[Chorale]) {
    let mut bach = Census::default();
    own.iter().for_each(|piece| bach.add(&Census::of(piece)));
    for rule in rules {
        let weight = &mut guard.weights[rule.index()];
        *weight = (*weight + rate * off(rule, ours, &bach)).clamp(-RULE_LIMIT, RULE_LIMIT);
    }
}

/// How far from Bach's rate what happened at least ten times is, in nats.
fn move_things(weights: &mut [f32], steps: &mut [f32], (rate, fastest): (f32, f32), ours: &[f32], bach: &[f32]) -> f32 {
    let (mut off, mut often) = (0.0, 0.0f32);
    for (((weight, step), &ours), &bach) in weights.iter_mut().zip(steps).zip(ours).zip(bach) {
        let (both, more) = (ours + bach, bach - ours);
        let beyond = more.signum() * (more.abs() - CHANCE * both.sqrt()).max(0.0);
        if beyond != 0.0 {
            let goes_on = beyond * *step >= 0.0;
            *step = beyond.signum() * if goes_on { (step.abs() * FASTER).clamp(1.0, fastest) } else { 1.0 };
        }
        *weight = (*weight + rate * step.abs() * beyond / (both + RARE)).clamp(-LIMIT, LIMIT);
        if both >= 20.0 {
            off += ((bach + 1.0) / (ours + 1.0)).ln().abs();
            often += 1.0;
        }
    }
    off / often.max(1.0)
}
