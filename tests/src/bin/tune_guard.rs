//! Finds the guard's weights: each shipped network does its task with the validation sopranos again and again, and each
//! rule's weight is moved until the network breaks it about as often as Bach. (Matching expected features by exponential
//! tilting, as in maximum-entropy models: Della Pietra et al. 1997, "Inducing features of random fields"; steps that
//! shrink, and a mean of the later ones: Polyak & Juditsky 1992.)
//!
//!     cargo run --release --bin tune_guard -- DATA live|ahead|new [ROUNDS] [TEMPERATURE]
//!
//! Writes a table of models/guards.toml; how it went is told on stderr. It begins with the weights that are there, and without
//! a critic: critics are fitted after it, beside these weights. DATA is a path, or `chorales` as in the trainer.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chorale::census::Census;
use chorale::{Chorale, Guard, Phase, Rule};
use files::write_whole;
use harmonizer::search::PARTICLES;
use harmonizer::{Purpose, Sampling, guard};
use network::{Architecture, Model};
use performer::study::report::{Way, generate_all, harmonize_all};
use tests::aims::{by_hand, off, set_weight};

/// A step of a weight, for each nat by which the rate is off, in the first half of the rounds; then it shrinks.
const RATE: f32 = 0.4;
/// No weight goes beyond.
const LIMIT: f32 = 4.0;
/// Steps of a new chorale.
const NEW_STEPS: usize = 256;

fn main() -> Result<()> {
    const USAGE: &str = "usage: tune_guard DATA live|ahead|new [ROUNDS] [TEMPERATURE]";
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().context(USAGE)?;
    let table = arguments.next().context(USAGE)?;
    let purpose = match table.as_str() {
        "live" => Purpose::Live,
        "ahead" => Purpose::Ahead,
        "new" => Purpose::New,
        _ => bail!(USAGE),
    };
    let rounds: usize = arguments.next().map_or(Ok(24), |text| text.parse()).context("ROUNDS is a number")?;
    let mut sampling = Sampling::default();
    if let Some(text) = arguments.next() {
        sampling.temperature = text.parse().context("TEMPERATURE is a number")?;
    }
    let dataset = tests::chorales::named(&data)?;
    let pieces: Vec<_> = dataset.valid.iter().map(|piece| (piece.chorale.clone(), piece.phases(false))).collect();
    let mut columns = Vec::new();
    for (family, model) in [(Architecture::Wavenet, Model::wavenet()?), (Architecture::Lstm, Model::lstm()?)] {
        eprintln!("{family:?}");
        let sampling = Sampling { guard: Guard { critic: None, ..guard(family, purpose) }, ..sampling };
        columns.push(tune(&Arc::new(model), sampling, purpose, &pieces, rounds)?);
    }
    let path = tests::root().join("models/guards.toml");
    let mut toml = std::fs::read_to_string(&path)?;
    for (network, weights) in ["wavenet", "lstm"].into_iter().zip(columns) {
        for rule in Rule::ALL {
            set_weight(&mut toml, &table, rule, network, weights[rule.index()] + by_hand(purpose, rule))?;
        }
    }
    Ok(write_whole(&path, toml.as_bytes())?)
}

fn tune(
    model: &Arc<Model>,
    mut sampling: Sampling,
    purpose: Purpose,
    pieces: &[(Chorale, Vec<Phase>)],
    rounds: usize,
) -> Result<[f32; Rule::COUNT]> {
    let mut bach = Census::default();
    pieces.iter().for_each(|(piece, _)| bach.add(&Census::of(piece)));
    let averaged = rounds.div_ceil(2);
    let mut average = [0.0f32; Rule::COUNT];
    for round in 0..rounds {
        sampling.seed = 1000 * round as u64;
        let ours = match purpose {
            Purpose::Live => harmonize_all(model, sampling, pieces, Way::Live, || ())?.0,
            Purpose::Ahead => harmonize_all(model, sampling, pieces, Way::Ahead(PARTICLES), || ())?.0,
            Purpose::New => generate_all(model, sampling, pieces.len(), NEW_STEPS, || ())?.0,
        };
        let rate = RATE * (averaged as f32 / (round + 1) as f32).min(1.0);
        let mut worst = (0.0f32, Rule::ParallelFifths);
        for rule in Rule::ALL {
            let off = off(rule, &ours, &bach);
            if off.abs() > worst.0.abs() {
                worst = (off, rule);
            }
            let weight = &mut sampling.guard.weights[rule.index()];
            *weight = (*weight + rate * off).clamp(-LIMIT, LIMIT);
            if round >= rounds - averaged {
                average[rule.index()] += *weight / averaged as f32;
            }
        }
        let changes = ours.changes as f64 / ours.beats as f64;
        eprintln!(
            "  round {round}: chord changes {changes:.3} a beat; farthest off: {}, {:.2} times its aim",
            worst.1.name(),
            worst.0.exp()
        );
    }
    Ok(average)
}
