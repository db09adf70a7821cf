//! Finds weights for the guard: harmonizes validation sopranos with both shipped networks again and again and moves each
//! rule's weight until the networks break it about as often as Bach. (Matching expected features by exponential
//! tilting, as in maximum-entropy models: Della Pietra et al. 1997, "Inducing features of random fields".)
//!
//!     cargo run --release --workspace --bin tune_guard -- DATA [PIECES] [ROUNDS] [TEMPERATURE] [PARTICLES|new]
//!
//! With particles it is the guard of the search that looks ahead, with `new` that of new chorales, else that of live
//! playing.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use chorale::census::Census;
use chorale::rules::{Guard, Rule};
use corpus::{Dataset, SPLIT_SEED};
use performer::harmonizer::Sampling;
use performer::model::Model;
use performer::report::{Way, generate_all, harmonize_all};

/// A step of a weight, for each nat by which the rate is off.
const RATE: f32 = 0.4;
/// No weight goes beyond.
const LIMIT: f32 = 8.0;

/// The rate to reach, against Bach's. What goes wrong in Bach has its reasons, which the networks see only in part:
/// they had better do it less often. On other sopranos than these they move less than Bach. And Bach knew which held
/// note would go on: who doesn't had better have a chord under each that could be the last.
fn aim(rule: Rule) -> f64 {
    match rule {
        Rule::ParallelFifths | Rule::ParallelOctaves => 0.5,
        Rule::BeatParallels => 0.6,
        Rule::Crossing | Rule::Hollow => 0.75,
        Rule::DirectFifthsOctaves | Rule::Overlap | Rule::DoubledLeadingTone | Rule::UnresolvedSeventh => 0.8,
        Rule::Clash => 0.75,
        Rule::UnsettledHold | Rule::OpenHold => 0.6,
        Rule::Foreign | Rule::PassingClash | Rule::AloneSoprano | Rule::Stuck => 0.85,
        Rule::EighthAlto | Rule::EighthTenor | Rule::EighthBass => 1.08,
        _ => 1.0,
    }
}

/// What the guard is for.
enum Task {
    Harmonize(Way),
    Invent,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: f32| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let data = arguments.first().context("usage: tune_guard DATA [PIECES] [ROUNDS] [TEMPERATURE] [PARTICLES|new]")?;
    let (pieces, rounds, temperature) = (number(1, 60.0)? as usize, number(2, 15.0)? as usize, number(3, 0.9)?);
    let dataset = Dataset::open(Path::new(data), SPLIT_SEED)?;
    let all: Vec<_> = dataset.valid.iter().map(|piece| (piece.chorale.clone(), piece.phases(false))).collect();
    let models = [Arc::new(Model::wavenet()?), Arc::new(Model::lstm()?)];
    let (mut guard, task) = match arguments.get(4).map(String::as_str) {
        None => (Guard::LIVE, Task::Harmonize(Way::Live)),
        Some("new") => (Guard::NEW, Task::Invent),
        Some(particles) => (Guard::AHEAD, Task::Harmonize(Way::Ahead(particles.parse()?))),
    };
    let mut average = [0.0f32; Rule::COUNT];
    for round in 0..rounds {
        // Other pieces each time, the same for both networks.
        let chosen: Vec<_> = (0..pieces).map(|index| all[(round * pieces + index) * 7 % all.len()].clone()).collect();
        let mut bach = Census::default();
        chosen.iter().for_each(|(piece, _)| bach.add(&Census::of(piece)));
        let mut ours = Census::default();
        for model in &models {
            let sampling = Sampling { temperature, seed: round as u64 * 1000, guard, ..Sampling::default() };
            ours.add(&match task {
                Task::Harmonize(way) => harmonize_all(model, sampling, &chosen, way, || ())?.0,
                Task::Invent => generate_all(model, sampling, pieces, 256, || ())?.0,
            });
        }
        println!("round {round}: chord changes {:.3} a beat", ours.changes as f64 / ours.beats as f64);
        for rule in Rule::ALL {
            let (theirs, own) = (aim(rule) * bach.rate(rule).0, ours.rate(rule).0);
            println!(
                "  {:24} aim {theirs:7.2}  ours {own:7.2}  weight {:6.2}",
                rule.name(),
                guard.weights[rule.index()]
            );
            // A little is added to both, so that what is rare moves its weight little.
            let off = ((own + 0.1) / (theirs + 0.1)).ln() as f32;
            let weight = &mut guard.weights[rule.index()];
            *weight = (*weight + RATE * off).clamp(-LIMIT, LIMIT);
            if round >= rounds / 2 {
                average[rule.index()] += *weight / (rounds - rounds / 2) as f32;
            }
        }
    }
    for rule in Rule::ALL {
        println!("            {:.2}, // {}", average[rule.index()], rule.name());
    }
    Ok(())
}
