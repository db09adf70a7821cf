//! How the cost grows with the work: each row's ratio is between the ends, by unit of work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use chorale::{Chord, Part, Phase};
use harmonizer::search::{self, Plan};
use harmonizer::{Harmonizer, Purpose, Sampling};
use network::{Model, State};
use trainer::checkpoint::Header;
use trainer::network::Network;
use trainer::settings::{Settings, TrunkSettings};

use crate::network::piece;
use crate::table::{Goal, Row, Times};

pub fn rows() -> Result<Vec<Row>> {
    let model = Arc::new(Model::wavenet()?);
    let piece = piece(&model)?;
    let mut rows = Vec::new();

    let mut costs = BTreeMap::new();
    for steps in [100, 1000, 10_000, 100_000] {
        let repeats = (10_000 / steps).max(1);
        let begun = Instant::now();
        (0..repeats).try_for_each(|_| walk(&model, &piece, steps))?;
        costs.insert(steps, begun.elapsed().as_secs_f64() * 1e6 / (repeats * steps) as f64);
    }
    rows.push(row("a step of a chorale of N steps", 1.1, &costs)?);

    let sopranos = piece[..64].iter().map(|chord| chord[Part::Soprano]);
    let plan = Plan::of(search::steps(sopranos.zip((0..).map(Phase::in_beat)), true));
    let sampling = Sampling::of(&model, Purpose::Ahead);
    let mut costs = BTreeMap::new();
    for particles in [1, 4, 16, 64, 256] {
        let begun = Instant::now();
        search::search(&model, sampling, &plan, particles)?;
        costs.insert(particles, begun.elapsed().as_secs_f64() * 1e6 / (plan.steps.len() * particles) as f64);
    }
    rows.push(row("a step of each of N particles", 1.0, &costs)?);

    let mut costs = BTreeMap::new();
    for field in (6..=12).map(|power| 1usize << power) {
        let model = Model::from_bytes("random", &random_wavenet(field)?)?;
        let (mut state, mut context) = (model.start(), network::Context::default());
        let times = Times::of(2 * field + 500, |step| {
            let before = if step == 0 { Chord::START } else { piece[(step - 1) % piece.len()] };
            let begun = Instant::now();
            model.step(&mut [&mut state as &mut State], &[before], Phase::in_beat(step), &mut context)?;
            Ok(begun.elapsed())
        })?;
        costs.insert(field, times.median());
    }
    rows.push(row("a step of six layers that hear N steps", 1.1, &costs)?);
    Ok(rows)
}

/// `costs` in microseconds, by amount of work.
fn row(what: &str, most: f64, costs: &BTreeMap<usize, f64>) -> Result<Row> {
    let (first, last) = costs.first_key_value().zip(costs.last_key_value()).context("no costs")?;
    let all: Vec<String> = costs.iter().map(|(work, cost)| format!("{work}: {cost:.1}")).collect();
    let what = format!("growth: {what}, N = {}, for", last.0);
    let against = format!("N = {}; us by N: {}", first.0, all.join(", "));
    Ok(Row::figure(&what, &against, last.1 / first.1, Goal::AtMost(most)))
}

/// Answers to a soprano, each fed back.
fn walk(model: &Arc<Model>, piece: &[Chord], steps: usize) -> Result<()> {
    let mut harmonizer = Harmonizer::new(model.clone(), Sampling::of(model, Purpose::Live));
    let mut last = Chord::START;
    for step in 0..steps {
        harmonizer.step(last, Phase::in_beat(step))?;
        last = harmonizer.answer(piece[step % piece.len()][Part::Soprano])?;
    }
    Ok(())
}

/// Six layers of 64 channels with random weights.
fn random_wavenet(receptive_field: usize) -> Result<Vec<u8>> {
    let dilations = (0..6).map(|layer| (1 << layer) * receptive_field / 64).collect();
    let trunk = TrunkSettings::Wavenet { channels: 64, kernel: 2, dilations, context: 128 };
    let settings = Settings { trunk, head_width: 64, ..Settings::wavenet() };
    let variables = Network::declare(&settings)?.variables;
    let weights = variables.into_iter().map(|(name, variable)| (name, variable.as_tensor().clone())).collect();
    let header = Header {
        settings: settings.clone(),
        epoch: 0,
        updates: 0,
        valid_t: 0.0,
        best_t: 0.0,
        seconds: 0.0,
        command: "none: random weights".into(),
        commit: "none".into(),
        teachers: None,
    };
    trainer::export::encode(&Network::new(&settings, &weights)?, &header, 0.0, 0.0)
}
