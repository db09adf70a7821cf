//! How freely notes are drawn: from logits to log-likelihoods, and from scores to one of them.

use arithmetic::{exp, larger, multiversion};
use chorale::Guard;
use network::{Architecture, Model};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::guards::{self, Purpose, guard_for};

/// How freely the notes are drawn, and by which rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divides a voicing's score (log-likelihood less the guard's cost); 0 always takes the best one.
    pub temperature: f32,
    /// Voicings (and sopranos) whose score makes them less likely than this share of the best one are never drawn.
    pub min_p: f32,
    /// The draw at a step depends on the seed, the step and the soprano alone, not on what was asked before.
    pub seed: u64,
    pub guard: Guard,
}

impl Sampling {
    /// With the guard that was set for such a network.
    pub fn of(model: &Model, purpose: Purpose) -> Sampling {
        Sampling::under(guard_for(model, purpose))
    }

    /// As freely as is usual.
    fn under(guard: Guard) -> Sampling {
        Sampling { temperature: 0.8, min_p: 0.02, seed: 1, guard }
    }
}

impl Default for Sampling {
    /// For live playing with the WaveNet.
    fn default() -> Sampling {
        Sampling::under(guards::guard(Architecture::Wavenet, Purpose::Live))
    }
}

multiversion! {
    /// Logits to log-likelihoods, in place.
    pub(crate) fn log_softmax(logits: &mut [f32]) {
        const LANES: usize = 16;
        let mut most = [f32::NEG_INFINITY; LANES];
        for chunk in logits.chunks(LANES) {
            for (most, &logit) in most.iter_mut().zip(chunk) {
                *most = larger(logit, *most);
            }
        }
        let largest = most.into_iter().fold(f32::NEG_INFINITY, larger);
        let mut sums = [0f32; LANES];
        for chunk in logits.chunks(LANES) {
            for (sum, &logit) in sums.iter_mut().zip(chunk) {
                *sum += exp(logit - largest);
            }
        }
        let norm = largest + sums.iter().sum::<f32>().ln();
        // A network gone wrong gives NaN; nothing is then likelier than anything else.
        logits.iter_mut().for_each(|logit| *logit = larger(*logit - norm, f32::NEG_INFINITY));
    }
}

/// An index drawn from softmax(scores / temperature), leaving out the unlikely (min-p: Nguyen et al. 2024,
/// arXiv 2407.01082). One random number each time, used or not.
pub(crate) fn draw(scores: &[f32], sampling: Sampling, generator: &mut ChaCha8Rng) -> usize {
    let (best, largest) = scores
        .iter()
        .copied()
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, (index, score)| if score > best.1 { (index, score) } else { best });
    let mut left: f32 = generator.random();
    if sampling.temperature > 0.0 {
        let weight = |score: f32| {
            let share = (score - largest).exp();
            if share < sampling.min_p { 0.0 } else { ((score - largest) / sampling.temperature).exp() }
        };
        left *= scores.iter().map(|&score| weight(score)).sum::<f32>();
        for (index, &score) in scores.iter().enumerate() {
            left -= weight(score);
            if left < 0.0 {
                return index;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use chorale::Token;
    use rand::SeedableRng;

    use super::*;

    fn sampling(temperature: f32, min_p: f32) -> Sampling {
        Sampling { temperature, min_p, seed: 1, guard: Guard::OFF }
    }

    fn shares(logits: &[f32], sampling: Sampling) -> Vec<f64> {
        const DRAWS: usize = 20_000;
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let mut counts = vec![0usize; Token::VOCABULARY];
        for _ in 0..DRAWS {
            counts[draw(logits, sampling, &mut generator)] += 1;
        }
        counts.into_iter().map(|count| count as f64 / DRAWS as f64).collect()
    }

    #[test]
    fn tokens_are_drawn_as_often_as_their_logits_say_and_the_unlikely_never() {
        let mut logits = [f32::NEG_INFINITY; Token::VOCABULARY];
        (logits[3], logits[10], logits[20]) = (0.0, (0.5f32).ln(), (0.02f32).ln());
        let plain = shares(&logits, sampling(1.0, 0.0));
        for (token, share) in [(3, 1.0 / 1.52), (10, 0.5 / 1.52), (20, 0.02 / 1.52)] {
            assert!((plain[token] - share).abs() < 0.015, "token {token}: {} instead of {share}", plain[token]);
        }
        assert_eq!(shares(&logits, sampling(1.0, 0.05))[20], 0.0);
        assert_eq!(shares(&logits, sampling(0.0, 0.0))[3], 1.0);
        assert!(shares(&logits, sampling(0.5, 0.0))[3] > 0.75);
    }
}
