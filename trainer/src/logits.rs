//! From a head's outputs to logits, and from logits to nats, each as one operation with its own gradient: as graphs, a
//! dozen small tensors would be made for every head.

use std::sync::Arc;

use arithmetic::multiversion;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use chorale::Token;

use crate::layers::{Rows, values, with_values};

/// No logit falls below this. What is never heard would sink without end, to where an f32 no longer holds the digits
/// that candle and tract are compared by.
pub const LOWEST_LOGIT: f32 = -50.0;

const TOKENS: usize = Token::VOCABULARY;

/// `output` (N, outputs) → logits (N, 47): of each token its own output, the first 47, and one of each group. `groups`
/// holds groups · 47 outputs for each of the N.
pub fn grouped_logits(output: &Tensor, groups: &Rows) -> Result<Tensor> {
    output.contiguous()?.apply_op1(Grouped(groups.clone()))
}

struct Grouped(Rows);

impl CustomOp1 for Grouped {
    fn name(&self) -> &'static str {
        "grouped-logits"
    }

    fn cpu_fwd(&self, output: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (count, outputs) = layout.shape().dims2()?;
        let Rows { count: groups, indices } = &self.0;
        if indices.len() != count * groups || outputs < TOKENS || indices.iter().any(|&index| index as usize >= outputs)
        {
            candle_core::bail!("grouped-logits: the groups do not fit {count} rows of {outputs} outputs");
        }
        let mut logits = vec![0f32; count * TOKENS];
        add_groups(values(output, layout)?, outputs, indices, *groups, &mut logits);
        Ok((CpuStorage::F32(logits), (count, TOKENS).into()))
    }

    fn bwd(&self, output: &Tensor, logits: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let outputs = output.dim(1)?;
        let mut gradient = vec![0f32; output.elem_count()];
        with_values(logits, |logits| {
            with_values(grad, |grad| {
                let Rows { count: groups, indices } = &self.0;
                let rows = gradient.chunks_exact_mut(outputs).zip(indices.chunks_exact(*groups));
                let grads = logits.chunks_exact(TOKENS).zip(grad.chunks_exact(TOKENS));
                for ((gradient, groups), (logits, grad)) in rows.zip(grads) {
                    let mut passed = [0f32; TOKENS];
                    for ((passed, &grad), &logit) in passed.iter_mut().zip(grad).zip(logits) {
                        *passed = if logit == LOWEST_LOGIT { 0.0 } else { grad };
                    }
                    gradient[..TOKENS].copy_from_slice(&passed);
                    for groups in groups.chunks_exact(TOKENS) {
                        groups.iter().zip(&passed).for_each(|(&index, grad)| gradient[index as usize] += grad);
                    }
                }
            })
        })??;
        Ok(Some(Tensor::from_vec(gradient, output.shape(), output.device())?))
    }
}

multiversion! {
    /// Every index of a group is that of an output.
    fn add_groups(output: &[f32], outputs: usize, indices: &[u32], groups: usize, logits: &mut [f32]) {
        let rows = output.chunks_exact(outputs).zip(indices.chunks_exact(groups));
        for (logits, (output, groups)) in logits.chunks_exact_mut(TOKENS).zip(rows) {
            logits.copy_from_slice(&output[..TOKENS]);
            for groups in groups.chunks_exact(TOKENS) {
                logits.iter_mut().zip(groups).for_each(|(logit, &index)| *logit += output[index as usize]);
            }
            // Not by `max`, which would hide a NaN.
            logits.iter_mut().for_each(|logit| *logit = if *logit < LOWEST_LOGIT { LOWEST_LOGIT } else { *logit });
        }
    }
}

/// What is to be foretold in each of N rows.
#[derive(Clone)]
pub struct Targets {
    pub tokens: Arc<Vec<u32>>,
    /// A distribution (N, 47) and how much it counts against the token.
    pub taught: Option<(Tensor, f32)>,
}

/// The nats, summed, that `logits` (N, 47) leave to be told of the targets: → a scalar.
pub fn nats(logits: &Tensor, targets: &Targets) -> Result<Tensor> {
    logits.contiguous()?.apply_op1(Nats(targets.distribution()?))
}

impl Targets {
    /// Of all 47 tokens, for each of the rows.
    fn distribution(&self) -> Result<Vec<f32>> {
        let (mut wanted, share) = match &self.taught {
            Some((taught, share)) => (taught.affine(f64::from(*share), 0.0)?.flatten_all()?.to_vec1()?, *share),
            None => (vec![0f32; self.tokens.len() * TOKENS], 0.0),
        };
        for (wanted, &token) in wanted.chunks_exact_mut(TOKENS).zip(self.tokens.iter()) {
            wanted[token as usize] += 1.0 - share;
        }
        Ok(wanted)
    }
}

/// Cross-entropy with the distributions (N, 47).
struct Nats(Vec<f32>);

impl CustomOp1 for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = values(logits, layout)?;
        let mut shares = vec![0f32; logits.len()];
        let mut nats = 0.0;
        softmax(logits, &self.0, &mut shares, &mut nats);
        Ok((CpuStorage::F32(vec![nats as f32]), ().into()))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.to_scalar::<f32>()?;
        let mut gradient = vec![0f32; logits.elem_count()];
        with_values(logits, |logits| softmax(logits, &self.0, &mut gradient, &mut 0.0))?;
        gradient.iter_mut().zip(&self.0).for_each(|(share, wanted)| *share = (*share - wanted) * grad);
        Ok(Some(Tensor::from_vec(gradient, logits.shape(), logits.device())?))
    }
}

multiversion! {
    /// For each row of 47 its shares of one, and added to `nats` the cross-entropy with the wanted shares,
    /// which add up to one as well.
    fn softmax(logits: &[f32], wanted: &[f32], shares: &mut [f32], nats: &mut f64) {
        let rows = logits.chunks_exact(TOKENS).zip(wanted.chunks_exact(TOKENS));
        for (shares, (logits, wanted)) in shares.chunks_exact_mut(TOKENS).zip(rows) {
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            shares.iter_mut().zip(logits).for_each(|(share, &logit)| *share = arithmetic::exp(logit - largest));
            let sum: f32 = shares.iter().sum();
            shares.iter_mut().for_each(|share| *share /= sum);
            let met: f32 = logits.iter().zip(wanted).map(|(&logit, wanted)| (logit - largest) * wanted).sum();
            *nats += f64::from(sum.ln() - met);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::tests::{assert_same, variable};
    use candle_core::Device;

    fn grouped_logits_by_graph(output: &Tensor, groups: &Rows) -> Result<Tensor> {
        let indices = Tensor::from_slice(&groups.indices, ((), groups.count), output.device())?;
        let of_groups = output.gather(&indices, 1)?.reshape(((), groups.count / TOKENS, TOKENS))?.sum(1)?;
        (output.narrow(1, 0, TOKENS)? + of_groups)?.maximum(f64::from(LOWEST_LOGIT))
    }

    fn nats_by_graph(logits: &Tensor, targets: &Targets) -> Result<Tensor> {
        let wanted = Tensor::from_vec(targets.distribution()?, logits.shape(), logits.device())?;
        (candle_nn::ops::log_softmax(logits, 1)? * wanted)?.sum_all()?.neg()
    }

    #[test]
    fn the_fused_logits_have_the_values_and_gradients_of_the_graph() {
        let output = variable(&[3, 60]);
        let indices = (0..3 * 2 * TOKENS).map(|index| (index as u32 * 7 + 5) % 60).collect();
        let groups = Rows { count: 2 * TOKENS, indices: Arc::new(indices) };
        assert_same(&[&output], &|| grouped_logits(&output, &groups), &|| grouped_logits_by_graph(&output, &groups));
        // Where the lowest logit holds, too.
        let deep = || output.affine(40.0, 0.0);
        assert_same(&[&output], &|| grouped_logits(&deep()?, &groups), &|| grouped_logits_by_graph(&deep()?, &groups));
        let outside = Rows { count: TOKENS, indices: Arc::new(vec![60; 3 * TOKENS]) };
        assert!(grouped_logits(&output, &outside).is_err());
    }

    #[test]
    fn the_fused_nats_have_the_value_and_gradient_of_the_graph_with_and_without_a_teacher() {
        let logits = variable(&[4, TOKENS]);
        let tokens = Arc::new(vec![0, 46, 5, 5]);
        let taught = candle_nn::ops::softmax(&variable(&[4, TOKENS]).affine(0.5, 1.0).unwrap(), 1).unwrap();
        for taught in [None, Some((taught.to_device(&Device::Cpu).unwrap(), 0.5))] {
            let targets = Targets { tokens: Arc::clone(&tokens), taught };
            assert_same(&[&logits], &|| nats(&logits, &targets), &|| nats_by_graph(&logits, &targets));
        }
    }
}
