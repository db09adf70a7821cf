//! AdamW (Loshchilov & Hutter, arXiv 1711.05101) with clipped gradients and an exponential average of the weights.
//! candle's own AdamW keeps its moments to itself, so a run that uses it could not resume exactly.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};

use crate::layers::Weights;
use crate::settings::TrainingSettings;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.98;
const EPSILON: f64 = 1e-8;

pub struct Optimizer {
    pub variables: BTreeMap<String, Var>,
    first: Weights,
    second: Weights,
    pub average: Weights,
    /// Updates made so far.
    pub updates: usize,
}

impl Optimizer {
    pub fn new(variables: BTreeMap<String, Var>) -> Result<Optimizer> {
        let zeros = |variables: &BTreeMap<String, Var>| {
            variables.iter().map(|(name, var)| Ok((name.clone(), var.zeros_like()?))).collect::<Result<Weights>>()
        };
        let average =
            variables.iter().map(|(name, var)| Ok((name.clone(), var.as_detached_tensor().copy()?))).collect::<Result<Weights>>()?;
        Ok(Optimizer { first: zeros(&variables)?, second: zeros(&variables)?, average, variables, updates: 0 })
    }

    /// One update along `gradients` (summed over the batch; one entry a variable). `total` is the number of updates
    /// of the whole run. Returns the gradients' length before clipping.
    pub fn step(&mut self, gradients: &Weights, settings: &TrainingSettings, total: usize) -> Result<f64> {
        let mut squares = 0f64;
        for gradient in gradients.values() {
            squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
        let length = squares.sqrt();
        let scale = if length > settings.clip { settings.clip / length } else { 1.0 };
        self.updates += 1;
        let rate = learning_rate(self.updates, settings, total);
        let correction1 = 1.0 - BETA1.powi(self.updates as i32);
        let correction2 = 1.0 - BETA2.powi(self.updates as i32);
        // Early on a short average follows the weights, which still move fast.
        let decay = settings.average_decay.min((1.0 + self.updates as f64) / (10.0 + self.updates as f64));
        for (name, variable) in &self.variables {
            let gradient = (&gradients[name] * scale)?;
            let first = ((&self.first[name] * BETA1)? + (&gradient * (1.0 - BETA1))?)?;
            let second = ((&self.second[name] * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
            let direction = ((&first / correction1)? / ((&second / correction2)?.sqrt()? + EPSILON)?)?;
            // Biases are no part of the decay.
            let decayed = if variable.rank() > 1 { rate * settings.weight_decay } else { 0.0 };
            // Detached, or every average would keep the graphs of all updates before it.
            let value = ((variable.as_detached_tensor() * (1.0 - decayed))? - (direction * rate)?)?;
            let average = ((&self.average[name] * decay)? + (&value * (1.0 - decay))?)?;
            variable.set(&value)?;
            self.average.insert(name.clone(), average);
            self.first.insert(name.clone(), first);
            self.second.insert(name.clone(), second);
        }
        Ok(length)
    }

    /// Everything that a resumed run needs, by prefixed names.
    pub fn state(&self) -> Weights {
        let plain = self.variables.iter().map(|(name, var)| (format!("weights.{name}"), var.as_tensor().clone()));
        let prefixed = |prefix: &'static str, tensors: &Weights| {
            tensors.clone().into_iter().map(move |(name, tensor)| (format!("{prefix}.{name}"), tensor))
        };
        plain
            .chain(prefixed("first", &self.first))
            .chain(prefixed("second", &self.second))
            .chain(prefixed("average", &self.average))
            .collect()
    }

    /// The inverse of [`Optimizer::state`].
    pub fn restore(&mut self, state: &Weights, updates: usize) -> Result<()> {
        for (name, variable) in &self.variables {
            variable.set(&crate::layers::weight(state, &format!("weights.{name}"))?)?;
        }
        for (prefix, tensors) in
            [("first", &mut self.first), ("second", &mut self.second), ("average", &mut self.average)]
        {
            for (name, tensor) in tensors.iter_mut() {
                let stored: Tensor = crate::layers::weight(state, &format!("{prefix}.{name}"))?;
                if stored.shape() != tensor.shape() {
                    candle_core::bail!("{prefix}.{name}: expected the shape {:?}, found {:?}", tensor, stored);
                }
                *tensor = stored;
            }
        }
        self.updates = updates;
        Ok(())
    }
}

fn learning_rate(update: usize, settings: &TrainingSettings, total: usize) -> f64 {
    const FLOOR: f64 = 0.01;
    let warmup = settings.warmup.max(1) as f64;
    let update = update as f64;
    if update < warmup {
        return settings.learning_rate * update / warmup;
    }
    let progress = ((update - warmup) / (total as f64 - warmup).max(1.0)).min(1.0);
    let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
    settings.learning_rate * (FLOOR + (1.0 - FLOOR) * cosine)
}
