//! The WaveNet trunk: gated residual blocks of causal dilated convolutions (van den Oord et al. 2016,
//! arXiv 1609.03499), whose outputs are all gathered into the context by one linear map.

use candle_core::{D, Result, Tensor};

use crate::layers::{Dropout, Initializer, Linear, Weights};

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
        let (_, steps, channels) = x.dims3()?;
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
            let tanh = both.narrow(D::Minus1, 0, channels)?.tanh()?;
            let sigmoid = candle_nn::ops::sigmoid(&both.narrow(D::Minus1, channels, channels)?)?;
            let z = dropout.apply(&tanh.mul(&sigmoid)?)?;
            x = (&x + block.residual.forward(&z)?)?;
            gated.push(z);
        }
        self.context.forward(&Tensor::cat(&gated, D::Minus1)?)?.relu()
    }
}
