//! A value of the phrase: how much better an end turns out for what was done on the way to it.
//!
//! Each soprano is harmonized live several times. Of two runs that stand at the same place of the same soprano, the one that
//! comes to a better end did something else on the way: the returns are explained, by ridge regression on the things that a
//! critic is told of phrases (`chorale::critic::Of::Phrase`), by what the runs did, both less the mean of the runs. What a
//! thing is worth is added to its weight, which improves the policy: the weights of a log-linear policy moved along the natural
//! gradient of its return (Kakade 2001, "A natural policy gradient"; the mean of the runs is the baseline).

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use chorale::critic::{Critic, Of, THINGS, things};
use chorale::{Chorale, Chord, Harmony, Phase, Pitch, Sonority, phrase_ends};
use harmonizer::Sampling;
use network::Model;
use performer::study::report::{Way, harmonize_all};

/// Times that the policy is improved, and runs of each soprano for it.
const ROUNDS: u64 = 2;
const RUNS: u64 = 6;
/// Nats for a return that is greater by 1.
const SCALE: f32 = 2.0;
/// Steps before an end by which it is explained: two beats.
const WAY: usize = 8;
/// Of the ridge, in samples; sweeps of the regression, and how far one goes.
const RIDGE: f32 = 50.0;
const SWEEPS: usize = 60;
const PACE: f32 = 0.15;

/// Things of one run at one step, and the return, both less the mean of the runs.
struct Sample {
    things: Vec<(usize, f32)>,
    better: f32,
}

/// Nats for each thing that a critic is told.
///
/// # Errors
/// When the model fails to run.
pub fn of_phrases(model: &Arc<Model>, mut sampling: Sampling, pieces: &[(Chorale, Vec<Phase>)]) -> Result<Vec<f32>> {
    let mut values = vec![0.0f32; THINGS];
    for round in 0..ROUNDS {
        let critic = Critic::new(&values).context("a value for each thing")?;
        // A third of a megabyte a round, until the program ends.
        sampling.guard.critic = Some(Box::leak(Box::new(critic)));
        let mut runs = Vec::new();
        for run in 0..RUNS {
            sampling.seed = 1_000_000 * (round + 1) + 1000 * run;
            runs.push(harmonize_all(model, sampling, pieces, Way::Live, || ())?.1);
        }
        let (mut samples, mut returned, mut bach, mut ends) = (Vec::new(), 0.0, 0.0, 0);
        for (index, (piece, phases)) in pieces.iter().enumerate() {
            let runs: Vec<&Chorale> = runs.iter().map(|of_pieces| &of_pieces[index]).collect();
            let found: Vec<Vec<Vec<usize>>> = runs.iter().map(|run| of_steps(&run.chords, phases)).collect();
            for end in phrase_ends(&piece.chords).ends {
                let returns: Vec<f32> = runs.iter().map(|run| worth(&run.chords, &piece.chords, end.arrival)).collect();
                let mean = returns.iter().sum::<f32>() / returns.len() as f32;
                (returned, bach, ends) =
                    (returned + mean, bach + worth(&piece.chords, &piece.chords, end.arrival), ends + 1);
                for step in end.arrival.saturating_sub(WAY)..=end.arrival {
                    let at_step: Vec<&[usize]> = found.iter().map(|steps| &steps[step][..]).collect();
                    samples.extend(centred(&at_step, &returns, mean));
                }
            }
        }
        let explained = explain(&samples);
        values.iter_mut().zip(explained).for_each(|(value, more)| *value += SCALE * more);
        let [returned, bach] = [returned, bach].map(|sum| sum / ends as f32);
        eprintln!("value, round {round}: a phrase ends with {returned:.3} (Bach {bach:.3})");
    }
    Ok(values)
}

/// The things of phrases at each step.
fn of_steps(chords: &[Chord], phases: &[Phase]) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new(); chords.len()];
    things(chords, phases, None, |step, thing, of| {
        if of == Of::Phrase {
            found[step].push(thing);
        }
    });
    found
}

/// How good an end is, where Bach has one: half for a triad over its root, half for rest, one for Bach's own root, so that the
/// key is kept, and one for an authentic cadence, both chords over their roots.
fn worth(chords: &[Chord], bach: &[Chord], arrival: usize) -> f32 {
    let harmony = |chord: Chord| Harmony::of(&chord.pitches().into_iter().flatten().collect::<Vec<Pitch>>());
    let last = (arrival + Phase::STEPS_PER_BEAT - 1).min(chords.len() - 1);
    let Some(end) = harmony(chords[last]) else { return 0.0 };
    let is_triad = Sonority::of(&chords[last].pitches()) == Sonority::Triad;
    let is_over_root = is_triad && end.inversion() == 0;
    let rests = chords[arrival..last].iter().all(|chord| *chord == chords[last]);
    let before = &chords[arrival.saturating_sub(Phase::STEPS_PER_BEAT)..arrival];
    let mut before = before.iter().filter_map(|chord| harmony(*chord));
    let is_authentic = is_over_root && before.any(|chord| (chord.root + 5) % 12 == end.root && chord.inversion() == 0);
    let is_bachs = is_over_root && harmony(bach[last]).is_some_and(|own| own.root == end.root);
    let half = |is: bool| if is { 0.5 } else { 0.0 };
    half(is_over_root) + half(rests) + 2.0 * half(is_bachs) + 2.0 * half(is_authentic)
}

/// A sample of each run at one step, where the runs differ.
fn centred<'a>(at_step: &'a [&[usize]], returns: &'a [f32], mean: f32) -> impl Iterator<Item = Sample> + use<'a> {
    let mut means: HashMap<usize, f32> = HashMap::new();
    for thing in at_step.iter().copied().flatten() {
        *means.entry(*thing).or_default() += 1.0 / at_step.len() as f32;
    }
    at_step.iter().zip(returns).map(move |(own, &returned)| {
        let less = |(&thing, &mean): (&usize, &f32)| {
            let count = own.iter().filter(|one| **one == thing).count() as f32;
            (thing, count - mean)
        };
        let mut things: Vec<(usize, f32)> = means.iter().map(less).filter(|(_, count)| count.abs() > 1e-6).collect();
        // In an order that is the same in every run of the program.
        things.sort_by_key(|(thing, _)| *thing);
        Sample { things, better: returned - mean }
    })
}

/// The weights of a ridge regression, by damped Jacobi steps.
fn explain(samples: &[Sample]) -> Vec<f32> {
    let mut weights = vec![0.0f32; THINGS];
    let mut squares = vec![RIDGE; THINGS];
    for (thing, count) in samples.iter().flat_map(|sample| &sample.things) {
        squares[*thing] += count * count;
    }
    for _ in 0..SWEEPS {
        let mut gradient = vec![0.0f32; THINGS];
        for Sample { things, better } in samples {
            let missing = better - things.iter().map(|(thing, count)| weights[*thing] * count).sum::<f32>();
            things.iter().for_each(|(thing, count)| gradient[*thing] += missing * count);
        }
        for ((weight, gradient), square) in weights.iter_mut().zip(gradient).zip(&squares) {
            *weight += PACE * (gradient - RIDGE * *weight) / square;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_better_runs_did_is_worth_something_and_what_all_did_is_not() {
        let runs: [&[usize]; 4] = [&[1, 7], &[1, 7], &[2, 7], &[2, 7]];
        let returns = [1.0, 1.0, 0.0, 0.0];
        let samples: Vec<Sample> = (0..200).flat_map(|_| centred(&runs, &returns, 0.5).collect::<Vec<_>>()).collect();
        let weights = explain(&samples);
        assert!(weights[1] > 0.3 && weights[2] < -0.3 && weights[7] == 0.0, "{:?}", &weights[..8]);
    }
}
