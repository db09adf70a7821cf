//! The WaveNet trunk: gated residual blocks of causal dilated convolutions (van den Oord et al. 2016,
//! arXiv 1609.03499), whose outputs are all gathered into the context by one linear map.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor};

use crate::layers::{Dropout, Initializer, Linear, Weights};
use arithmetic::wide;

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
        let (_, steps, _) = x.dims3()?;
        let mut x = x.clone();
        let mut gated = Vec::with_capacity(self.blocks.len());
        for (block, &dilation) in self.blocks.iter().zip(&self.dilations) {
            let mut taps = (1..self.kernel)
                .rev()
                .map(|back| {
                    let delay = (back * dilation).min(steps);
                    x.narrow(1, 0, steps - delay)?.pad_with_zeros(1, delay, 0)
                })
                .collect::<Result<Vec<_>>>()?;
            taps.push(x.clone());
            let both = block.gate.forward(&Tensor::cat(&taps, D::Minus1)?)?; // (B, T, 2 channels)
            let z = dropout.apply(&gated_units(&both)?)?;
            x = (&x + block.residual.forward(&z)?)?;
            gated.push(z);
        }
        self.context.forward(&Tensor::cat(&gated, D::Minus1)?)?.relu()
    }
}

/// tanh of the first half of the last axis times the sigmoid of the second: (.., 2 channels) → (.., channels).
pub fn gated_units(both: &Tensor) -> Result<Tensor> {
    if both.device().is_cpu() { both.contiguous()?.apply_op1(GatedUnits) } else { gated_units_by_graph(both) }
}

/// The same as a graph; for devices on which [`gated_units`] has no code.
pub fn gated_units_by_graph(both: &Tensor) -> Result<Tensor> {
    let halves = both.chunk(2, D::Minus1)?;
    halves[0].tanh()?.mul(&candle_nn::ops::sigmoid(&halves[1])?)
}

struct GatedUnits;

impl CustomOp1 for GatedUnits {
    fn name(&self) -> &'static str {
        "gated-units"
    }

    fn cpu_fwd(&self, both: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("gated-units takes a contiguous tensor")
        };
        let both = &both.as_slice::<f32>()?[from..to];
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
        let values = both.flatten_all()?.to_vec1::<f32>()?;
        let grad = grad.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let mut gradient = vec![0f32; values.len()];
        unit_gradients(&values, channels, &grad, &mut gradient);
        Ok(Some(Tensor::from_vec(gradient, both.shape(), both.device())?))
    }
}

wide! {
    fn units_of(both: &[f32], channels: usize, units: &mut [f32]) {
        for (both, units) in both.chunks_exact(2 * channels).zip(units.chunks_exact_mut(channels)) {
            let (filter, gate) = both.split_at(channels);
            for ((unit, &filter), &gate) in units.iter_mut().zip(filter).zip(gate) {
                *unit = arithmetic::tanh(filter) * arithmetic::sigmoid(gate);
            }
        }
    }
}

wide! {
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
    use candle_core::{Device, Var};

    #[test]
    fn the_fused_units_have_the_values_and_gradients_of_the_graph() {
        let values: Vec<f32> = (0..3 * 5 * 14).map(|index| ((index * 37) % 61) as f32 / 10.0 - 3.0).collect();
        let both = Var::from_vec(values, (3, 5, 14), &Device::Cpu).unwrap();
        let run = |units: fn(&Tensor) -> Result<Tensor>| {
            let units = units(&both).unwrap();
            let grads = units.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            [values(&units), values(grads.get(&both).unwrap())]
        };
        for (fused, graph) in run(gated_units).iter().zip(&run(gated_units_by_graph)) {
            let largest = fused.iter().zip(graph).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest < 1e-6, "largest difference {largest}");
        }
    }
}
