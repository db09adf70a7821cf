//! The WaveNet trunk: gated residual blocks of causal dilated convolutions (van den Oord et al. 2016,
//! arXiv 1609.03499), whose outputs are all gathered into the context by one linear map.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor};

use crate::layers::{Dropout, Initializer, Linear, Weights, values, with_values};
use arithmetic::multiversion;

pub struct Wavenet {
    pub kernel: usize,
    pub dilations: Vec<usize>,
    pub blocks: Vec<Block>,
    pub context: Linear,
}

pub struct Block {
    /// Inputs are the taps, oldest first, then the present: (kernel · channels, 2 · channels); the first half of the
    /// outputs goes through tanh, the second through a sigmoid.
    pub gate: Linear,
    pub residual: Linear,
}

impl Wavenet {
    pub fn declare(
        init: &mut Initializer,
        channels: usize,
        kernel: usize,
        layers: usize,
        context: usize,
    ) -> Result<()> {
        for layer in 0..layers {
            init.linear(&format!("trunk.{layer}.gate"), kernel * channels, 2 * channels)?;
            init.linear(&format!("trunk.{layer}.residual"), channels, channels)?;
        }
        init.linear("trunk.context", layers * channels, context)
    }

    pub fn new(weights: &Weights, kernel: usize, dilations: &[usize]) -> Result<Wavenet> {
        let blocks = (0..dilations.len())
            .map(|layer| {
                Ok(Block {
                    gate: Linear::new(weights, &format!("trunk.{layer}.gate"))?,
                    residual: Linear::new(weights, &format!("trunk.{layer}.residual"))?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Wavenet { kernel, dilations: dilations.to_vec(), blocks, context: Linear::new(weights, "trunk.context")? })
    }

    /// `x` (B, T, channels) → context (B, T, context). Before the first step stand zeros, as in an empty queue.
    pub fn forward(&self, x: &Tensor, dropout: &mut Dropout) -> Result<Tensor> {
        let mut x = x.clone();
        let mut gated = Vec::with_capacity(self.blocks.len());
        for (block, &dilation) in self.blocks.iter().zip(&self.dilations) {
            let window = window(&x, Taps { kernel: self.kernel, dilation })?;
            let z = dropout.apply(&gated_units(&block.gate.forward(&window)?)?)?;
            // Behind the last block nothing listens.
            if gated.len() + 1 < self.blocks.len() {
                x = (&x + block.residual.forward(&z)?)?;
            }
            gated.push(z);
        }
        self.context.forward(&Tensor::cat(&gated, D::Minus1)?)?.relu()
    }
}

/// What one output of a causal dilated convolution hears.
#[derive(Clone, Copy)]
pub struct Taps {
    pub kernel: usize,
    pub dilation: usize,
}

/// For each step of `x` (B, T, channels) the taps side by side, the oldest first: → (B, T, kernel · channels).
pub fn window(x: &Tensor, taps: Taps) -> Result<Tensor> {
    x.contiguous()?.apply_op1(taps)
}

impl Taps {
    /// The places of each tap that is not before the beginning: the step that hears it, counted in all pieces, which tap,
    /// and the step that it is.
    fn places(self, pieces: usize, steps: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..pieces).flat_map(move |piece| {
            (0..steps).flat_map(move |step| {
                (0..self.kernel).filter_map(move |tap| {
                    let before = step.checked_sub((self.kernel - 1 - tap) * self.dilation)?;
                    Some((piece * steps + step, tap, piece * steps + before))
                })
            })
        })
    }
}

impl CustomOp1 for Taps {
    fn name(&self) -> &'static str {
        "taps"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (pieces, steps, channels) = layout.shape().dims3()?;
        let x = values(x, layout)?;
        let mut windows = vec![0f32; self.kernel * x.len()];
        for (step, tap, heard) in self.places(pieces, steps) {
            let place = (step * self.kernel + tap) * channels;
            windows[place..][..channels].copy_from_slice(&x[heard * channels..][..channels]);
        }
        Ok((CpuStorage::F32(windows), (pieces, steps, self.kernel * channels).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (pieces, steps, channels) = x.dims3()?;
        let mut gradient = vec![0f32; x.elem_count()];
        with_values(grad, |grad| {
            for (step, tap, heard) in self.places(pieces, steps) {
                let place = (step * self.kernel + tap) * channels;
                let sums = gradient[heard * channels..][..channels].iter_mut();
                sums.zip(&grad[place..][..channels]).for_each(|(sum, value)| *sum += value);
            }
        })?;
        Ok(Some(Tensor::from_vec(gradient, x.shape(), x.device())?))
    }
}

/// tanh of the first half of the last axis times the sigmoid of the second: (.., 2 channels) → (.., channels).
pub fn gated_units(both: &Tensor) -> Result<Tensor> {
    both.contiguous()?.apply_op1(GatedUnits)
}

struct GatedUnits;

impl CustomOp1 for GatedUnits {
    fn name(&self) -> &'static str {
        "gated-units"
    }

    fn cpu_fwd(&self, both: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let both = values(both, layout)?;
        let mut dims = layout.dims().to_vec();
        let channels = dims.last().map_or(0, |width| width / 2);
        if let Some(width) = dims.last_mut() {
            *width = channels;
        }
        let mut units = vec![0f32; both.len() / 2];
        units_of(both, channels, &mut units);
        Ok((CpuStorage::F32(units), dims.into()))
    }

    fn bwd(&self, both: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let channels = both.dim(D::Minus1)? / 2;
        let mut gradient = vec![0f32; both.elem_count()];
        with_values(both, |both| with_values(grad, |grad| unit_gradients(both, channels, grad, &mut gradient)))??;
        Ok(Some(Tensor::from_vec(gradient, both.shape(), both.device())?))
    }
}

multiversion! {
    fn units_of(both: &[f32], channels: usize, units: &mut [f32]) {
        for (both, units) in both.chunks_exact(2 * channels).zip(units.chunks_exact_mut(channels)) {
            let (filter, gate) = both.split_at(channels);
            for ((unit, &filter), &gate) in units.iter_mut().zip(filter).zip(gate) {
                *unit = arithmetic::tanh(filter) * arithmetic::sigmoid(gate);
            }
        }
    }
}

multiversion! {
    fn unit_gradients(both: &[f32], channels: usize, grad: &[f32], gradient: &mut [f32]) {
        let rows = both.chunks_exact(2 * channels).zip(grad.chunks_exact(channels));
        for ((both, grad), gradient) in rows.zip(gradient.chunks_exact_mut(2 * channels)) {
            let (filter, gate) = both.split_at(channels);
            let (d_filter, d_gate) = gradient.split_at_mut(channels);
            for j in 0..channels {
                let (tanh, sigmoid) = (arithmetic::tanh(filter[j]), arithmetic::sigmoid(gate[j]));
                d_filter[j] = grad[j] * sigmoid * (1.0 - tanh * tanh);
                d_gate[j] = grad[j] * tanh * sigmoid * (1.0 - sigmoid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::tests::{assert_same, variable};

    fn window_by_graph(x: &Tensor, Taps { kernel, dilation }: Taps) -> Result<Tensor> {
        let (_, steps, _) = x.dims3()?;
        let taps = (0..kernel).rev().map(|back| {
            let delay = (back * dilation).min(steps);
            x.narrow(1, 0, steps - delay)?.pad_with_zeros(1, delay, 0)
        });
        Tensor::cat(&taps.collect::<Result<Vec<_>>>()?, D::Minus1)
    }

    fn gated_units_by_graph(both: &Tensor) -> Result<Tensor> {
        let halves = both.chunk(2, D::Minus1)?;
        halves[0].tanh()?.mul(&candle_nn::ops::sigmoid(&halves[1])?)
    }

    #[test]
    fn the_fused_units_have_the_values_and_gradients_of_the_graph() {
        let both = variable(&[3, 5, 14]);
        assert_same(&[&both], &|| gated_units(&both), &|| gated_units_by_graph(&both));
    }

    #[test]
    fn the_fused_window_has_the_values_and_gradients_of_the_graph() {
        let x = variable(&[2, 9, 3]);
        for (kernel, dilation) in [(2, 1), (2, 4), (3, 3), (2, 9), (3, 20)] {
            let taps = Taps { kernel, dilation };
            assert_same(&[&x], &|| window(&x, taps), &|| window_by_graph(&x, taps));
        }
    }
}
