//! From a context to a chord: sampling the parts one after the other, for one soprano or for all.

use std::sync::Arc;

use chorale::{Chord, Part, Phase, Token};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::answer::fold_soprano;
use crate::model::{Context, Model, ModelError, Row, State};

/// How freely the notes are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 always takes the likeliest token.
    pub temperature: f32,
    /// Tokens less likely than this share of the likeliest one are never drawn.
    pub min_p: f32,
    /// The draw at a step depends on the seed, the step and the soprano alone, not on what was asked before.
    pub seed: u64,
}

/// A model, where it stands in a piece, and how it draws. A clone can try a step and be thrown away.
#[derive(Clone)]
pub struct Harmonizer {
    model: Arc<Model>,
    sampling: Sampling,
    state: State,
    /// Steps begun so far.
    steps: u64,
    /// The chord of the step before, and the context of the present one; `None` before the first step.
    present: Option<(Chord, Context)>,
}

impl Harmonizer {
    pub fn new(model: Arc<Model>, sampling: Sampling) -> Harmonizer {
        let state = model.start();
        Harmonizer { model, sampling, state, steps: 0, present: None }
    }

    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Draws differently from now on.
    pub fn set_sampling(&mut self, sampling: Sampling) {
        self.sampling = sampling;
    }

    pub fn reset(&mut self) {
        self.state = self.model.start();
        self.steps = 0;
        self.present = None;
    }

    /// Feeds the chord of the step before ([`Chord::START`] before the first) and readies the answers for the step at
    /// `phase`.
    ///
    /// # Errors
    /// When tract fails.
    pub fn step(&mut self, before: Chord, phase: Phase) -> Result<(), ModelError> {
        let context = self.model.step(&mut self.state, before, phase)?;
        self.present = Some((before, context));
        self.steps += 1;
        Ok(())
    }

    /// The chord under `soprano` in the present step.
    ///
    /// # Errors
    /// When tract fails, or before the first [`Harmonizer::step`].
    pub fn answer(&mut self, soprano: Token) -> Result<Chord, ModelError> {
        Ok(self.complete(&[soprano])?[0])
    }

    /// The chords under all 47 sopranos, by index of the soprano's token, in one batched run. Those below the
    /// soprano's range get the answer of their octave within it, as [`crate::answer::AnswerTable`] looks them up.
    ///
    /// # Errors
    /// When tract fails, or before the first [`Harmonizer::step`].
    pub fn answers(&mut self) -> Result<[Chord; Token::VOCABULARY], ModelError> {
        let sopranos: Vec<Token> =
            Token::all().filter(|token| token.pitch().is_none_or(|pitch| fold_soprano(pitch).1 == 0)).collect();
        let answers = self.complete(&sopranos)?;
        let mut chords = [Chord::SILENCE; Token::VOCABULARY];
        for token in Token::all() {
            let folded = token.pitch().map_or(token, |pitch| fold_soprano(pitch).0);
            let place = sopranos.iter().position(|&soprano| soprano == folded).unwrap_or_default();
            chords[token.index()] = answers[place];
            chords[token.index()][Part::Soprano] = token;
        }
        Ok(chords)
    }

    /// A chord whose soprano is drawn from the network too.
    ///
    /// # Errors
    /// When tract fails, or before the first [`Harmonizer::step`].
    pub fn continuation(&mut self) -> Result<Chord, ModelError> {
        let (before, context) = self.present()?;
        let logits = self.model.logits(Part::Soprano, &context, &[Row { before, given: Chord::SILENCE }])?;
        let soprano = draw(&logits, self.sampling, &mut self.generator(Token::START));
        self.answer(soprano)
    }

    fn present(&self) -> Result<(Chord, Context), ModelError> {
        self.present.clone().ok_or_else(|| ModelError::Run("an answer was asked for before the first step".into()))
    }

    /// Draws the parts under each soprano, in the model's order.
    fn complete(&self, sopranos: &[Token]) -> Result<Vec<Chord>, ModelError> {
        let (before, context) = self.present()?;
        let mut rows: Vec<Row> = sopranos
            .iter()
            .map(|&soprano| {
                let mut given = Chord::SILENCE;
                given[Part::Soprano] = soprano;
                Row { before, given }
            })
            .collect();
        let mut generators: Vec<ChaCha8Rng> = sopranos.iter().map(|&soprano| self.generator(soprano)).collect();
        for part in &self.model.order()[1..] {
            let mut logits = self.model.logits(*part, &context, &rows)?;
            for ((row, generator), logits) in
                rows.iter_mut().zip(&mut generators).zip(logits.chunks_mut(Token::VOCABULARY))
            {
                if row.given[Part::Soprano] != Token::REST {
                    keep_singable(*part, logits);
                }
                row.given[*part] = draw(logits, self.sampling, generator);
            }
        }
        Ok(rows.into_iter().map(|row| row.given).collect())
    }

    fn generator(&self, soprano: Token) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        for (bytes, number) in key.chunks_mut(8).zip([self.sampling.seed, self.steps, soprano.index() as u64]) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// Under a sounding soprano a part sings, and nothing that Bach's singers never had to: rests and pitches outside
/// [`Part::range`] are left out. The networks give them little, but a long performance would meet them.
fn keep_singable(part: Part, logits: &mut [f32]) {
    let (low, high) = part.range();
    for (token, logit) in Token::all().zip(logits) {
        if token.pitch().is_none_or(|pitch| pitch < low || pitch > high) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

/// A token drawn from softmax(logits / temperature), leaving out the unlikely (min-p: Nguyen et al. 2024,
/// arXiv 2407.01082).
fn draw(logits: &[f32], sampling: Sampling, generator: &mut ChaCha8Rng) -> Token {
    let (likeliest, largest) = logits
        .iter()
        .copied()
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, (index, logit)| if logit > best.1 { (index, logit) } else { best });
    // One draw a token, used or not: the temperature does not shift what is drawn for the parts that follow.
    let mut left: f32 = generator.random();
    let mut chosen = likeliest;
    if sampling.temperature > 0.0 {
        let weight = |logit: f32| {
            let likelihood = (logit - largest).exp();
            if likelihood < sampling.min_p { 0.0 } else { ((logit - largest) / sampling.temperature).exp() }
        };
        left *= logits.iter().map(|&logit| weight(logit)).sum::<f32>();
        for (index, &logit) in logits.iter().enumerate() {
            left -= weight(logit);
            if left < 0.0 {
                chosen = index;
                break;
            }
        }
    }
    Token::from_index(chosen).unwrap_or(Token::REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f32, min_p: f32) -> Sampling {
        Sampling { temperature, min_p, seed: 1 }
    }

    fn shares(logits: &[f32], sampling: Sampling) -> Vec<f64> {
        const DRAWS: usize = 20_000;
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let mut counts = vec![0usize; Token::VOCABULARY];
        for _ in 0..DRAWS {
            counts[draw(logits, sampling, &mut generator).index()] += 1;
        }
        counts.into_iter().map(|count| count as f64 / DRAWS as f64).collect()
    }

    #[test]
    fn every_part_under_a_sounding_soprano_sings_within_its_range() {
        // The hottest draws there are: without the limit nearly every chord breaks it.
        let model = Arc::new(Model::wavenet().unwrap());
        let mut harmonizer = Harmonizer::new(model, Sampling { temperature: 10.0, min_p: 0.0, seed: 1 });
        harmonizer.step(Chord::START, Phase::in_bar(0)).unwrap();
        for chord in &harmonizer.answers().unwrap()[1..] {
            for part in Part::LOWER {
                let ((low, high), pitch) = (part.range(), chord[part].pitch());
                assert!(pitch.is_some_and(|pitch| low <= pitch && pitch <= high), "{part:?} in {chord:?}");
            }
        }
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
