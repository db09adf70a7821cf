//! AdamW (Loshchilov & Hutter, arXiv 1711.05101) with clipped gradients and an exponential average of the weights.
//! candle's own AdamW keeps its moments to itself, so a run that uses it could not resume exactly.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Shape, Tensor, Var};

use crate::layers::{Weights, weight};
use crate::settings::TrainingSettings;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.98;
const EPSILON: f32 = 1e-8;

pub struct Optimizer {
    pub variables: BTreeMap<String, Var>,
    slots: BTreeMap<String, Slot>,
    /// Updates made so far.
    pub updates: usize,
}

/// What belongs to one variable, kept as plain numbers: one loop over them takes a tenth of the time of as many tensor
/// operations.
struct Slot {
    shape: Shape,
    value: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    average: Vec<f32>,
}

/// Names of a slot's contents in a checkpoint.
const CONTENTS: [&str; 4] = ["weights", "first", "second", "average"];

impl Slot {
    fn contents(&self) -> [&Vec<f32>; 4] {
        [&self.value, &self.first, &self.second, &self.average]
    }

    fn contents_mut(&mut self) -> [&mut Vec<f32>; 4] {
        [&mut self.value, &mut self.first, &mut self.second, &mut self.average]
    }
}

impl Optimizer {
    pub fn new(variables: BTreeMap<String, Var>) -> Result<Optimizer> {
        let slots = variables
            .iter()
            .map(|(name, variable)| {
                let value = variable.flatten_all()?.to_vec1::<f32>()?;
                let zeros = vec![0.0; value.len()];
                let slot = Slot {
                    shape: variable.shape().clone(),
                    average: value.clone(),
                    value,
                    first: zeros.clone(),
                    second: zeros,
                };
                Ok((name.clone(), slot))
            })
            .collect::<Result<_>>()?;
        Ok(Optimizer { slots, variables, updates: 0 })
    }

    /// One update along `gradients` (summed over the batch; one entry a variable). `total` is the number of updates
    /// of the whole run. Returns the gradients' length before clipping.
    pub fn step(&mut self, gradients: &Weights, settings: &TrainingSettings, total: usize) -> Result<f64> {
        let gradients = gradients
            .iter()
            .map(|(name, gradient)| Ok((name.as_str(), gradient.flatten_all()?.to_vec1::<f32>()?)))
            .collect::<Result<BTreeMap<&str, Vec<f32>>>>()?;
        let squares = |values: &Vec<f32>| values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        let length = gradients.values().map(squares).sum::<f64>().sqrt();
        let scale = if length > settings.clip { settings.clip / length } else { 1.0 } as f32;
        self.updates += 1;
        let rate = learning_rate(self.updates, settings, total);
        let correction1 = 1.0 / (1.0 - BETA1.powi(self.updates as i32)) as f32;
        let correction2 = 1.0 / (1.0 - BETA2.powi(self.updates as i32)) as f32;
        // Early on a short average follows the weights, which still move fast.
        let decay = settings.average_decay.min((1.0 + self.updates as f64) / (10.0 + self.updates as f64)) as f32;
        let (beta1, beta2) = (BETA1 as f32, BETA2 as f32);
        for (name, slot) in &mut self.slots {
            // Biases are no part of the decay.
            let shrink = if slot.shape.rank() > 1 { 1.0 - rate * settings.weight_decay } else { 1.0 } as f32;
            let rate = rate as f32;
            let numbers = slot.value.iter_mut().zip(&mut slot.first).zip(&mut slot.second).zip(&mut slot.average);
            for ((((value, first), second), average), gradient) in numbers.zip(&gradients[name.as_str()]) {
                let gradient = gradient * scale;
                *first = beta1 * *first + (1.0 - beta1) * gradient;
                *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
                let direction = *first * correction1 / ((*second * correction2).sqrt() + EPSILON);
                *value = *value * shrink - rate * direction;
                *average = decay * *average + (1.0 - decay) * *value;
            }
        }
        self.publish()?;
        Ok(length)
    }

    /// Sets the variables, which the network computes with, to the slots' values.
    fn publish(&self) -> Result<()> {
        for (name, variable) in &self.variables {
            let slot = &self.slots[name];
            variable.set(&Tensor::from_slice(&slot.value, &slot.shape, variable.device())?)?;
        }
        Ok(())
    }

    /// The averaged weights.
    pub fn average(&self) -> Result<Weights> {
        self.slots
            .iter()
            .map(|(name, slot)| {
                let device = self.variables[name].device();
                Ok((name.clone(), Tensor::from_slice(&slot.average, &slot.shape, device)?))
            })
            .collect()
    }

    /// Begins anew at these weights, without moments.
    pub fn start_from(&mut self, weights: &Weights) -> Result<()> {
        for (name, slot) in &mut self.slots {
            let given = weight(weights, name)?;
            if *given.shape() != slot.shape {
                candle_core::bail!("{name}: expected the shape {:?}, found {:?}", slot.shape, given.shape());
            }
            slot.value = given.flatten_all()?.to_vec1()?;
            slot.average.clone_from(&slot.value);
        }
        self.publish()
    }

    /// Everything that a resumed run needs, by prefixed names.
    pub fn state(&self) -> Result<Weights> {
        let mut state = Weights::new();
        for (name, slot) in &self.slots {
            for (prefix, values) in CONTENTS.iter().zip(slot.contents()) {
                state.insert(format!("{prefix}.{name}"), Tensor::from_slice(values, &slot.shape, &Device::Cpu)?);
            }
        }
        Ok(state)
    }

    /// The inverse of [`Optimizer::state`].
    pub fn restore(&mut self, state: &Weights, updates: usize) -> Result<()> {
        for (name, slot) in &mut self.slots {
            let shape = slot.shape.clone();
            for (prefix, values) in CONTENTS.iter().zip(slot.contents_mut()) {
                let stored = weight(state, &format!("{prefix}.{name}"))?;
                if *stored.shape() != shape {
                    candle_core::bail!("{prefix}.{name}: expected the shape {shape:?}, found {:?}", stored.shape());
                }
                *values = stored.flatten_all()?.to_vec1()?;
            }
        }
        self.updates = updates;
        self.publish()
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
