use arithmetic::{multiversion, sigmoid, tanh};

use crate::embedding::Embedding;
use crate::linear::{Linear, add_values, fill, keep_positive};
use crate::model::ModelError;
use crate::state::{Context, State, TrunkScratch, with_phase};

/// A WaveNet's trunk (van den Oord et al. 2016): dilated causal convolutions with gates and residuals, one step at a time.
pub(crate) struct Wavenet {
    /// Words → the first block's input (channels).
    pub input: Embedding,
    pub blocks: Vec<Block>,
    /// All blocks' units side by side (blocks · channels) → context (width), of which what is positive is kept.
    pub context: Linear,
    /// Taps of a convolution, the present included.
    pub kernel: usize,
    /// For each block, how many steps lie between its taps.
    pub dilations: Vec<usize>,
}

pub(crate) struct Block {
    /// Taps, oldest first, and the present (kernel · channels) → filters, then gates (2 · channels).
    pub gate: Linear,
    /// Units (channels) → what is added to the block's input (channels). Missing in the last block, where nothing listens
    /// to it.
    pub residual: Option<Linear>,
}

impl Wavenet {
    /// Moves the states on and puts what they know into `context`, whose words are those of the step.
    ///
    /// # Errors
    /// When a state belongs to another network.
    pub fn step(&self, states: &mut [&mut State], phase: u8, context: &mut Context) -> Result<(), ModelError> {
        let Context { words, values, needed, trunk, .. } = context;
        let TrunkScratch { x, window, gates, units, gathered, rows } = trunk;
        let (channels, layers) = (self.input.width, self.blocks.len());
        fill(x, states.len() * channels);
        for (x, words) in x.chunks_exact_mut(channels).zip(words.iter()) {
            self.input.add(&with_phase(words, phase), rows, x);
        }
        fill(gathered, states.len() * layers * channels);
        for (layer, (block, &dilation)) in self.blocks.iter().zip(&self.dilations).enumerate() {
            window.clear();
            for (state, x) in states.iter_mut().zip(x.chunks_exact(channels)) {
                let queue = state.queues()?.get_mut(layer).ok_or_else(ModelError::foreign_state)?;
                (0..self.kernel - 1).for_each(|tap| window.extend_from_slice(queue.read(tap * dilation)));
                window.extend_from_slice(x);
                queue.push(x);
            }
            if window.len() != states.len() * self.kernel * channels {
                return Err(ModelError::foreign_state());
            }
            block.gate.apply(window, gates);
            fill(units, states.len() * channels);
            gated_units(gates, channels, units);
            for (gathered, units) in gathered.chunks_exact_mut(layers * channels).zip(units.chunks_exact(channels)) {
                gathered[layer * channels..][..channels].copy_from_slice(units);
            }
            if let Some(residual) = &block.residual {
                residual.apply(units, gates);
                add_values(x, gates);
            }
        }
        self.context.apply(gathered, values);
        keep_positive(values);
        needed.find(values, self.context.bias.len());
        Ok(())
    }
}

multiversion! {
    /// tanh of the first half of each row times the sigmoid of the second: (n, 2 · channels) → (n, channels).
    fn gated_units(both: &[f32], channels: usize, units: &mut [f32]) {
        for (both, units) in both.chunks_exact(2 * channels).zip(units.chunks_exact_mut(channels)) {
            let (filter, gate) = both.split_at(channels);
            for ((unit, &filter), &gate) in units.iter_mut().zip(filter).zip(gate) {
                *unit = tanh(filter) * sigmoid(gate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_opens_and_closes_what_its_filter_lets_through() {
        // Two rows of two channels: filters, then gates.
        let both = [1.0, -2.0, 30.0, 0.0, 0.5, 0.0, -30.0, 30.0];
        let mut units = [0.0; 4];
        gated_units(&both, 2, &mut units);
        let expected = [1f32.tanh(), (-2f32).tanh() / 2.0, 0.0, 0.0];
        assert!(units.iter().zip(expected).all(|(unit, expected)| (unit - expected).abs() < 1e-6), "{units:?}");
    }
}
