use arithmetic::{multiversion, sigmoid, tanh};

use crate::embedding::Embedding;
use crate::linear::{Linear, fill};
use crate::model::ModelError;
use crate::state::{Context, State, TrunkScratch, with_phase};

/// An LSTM's trunk. The context is all layers' h, side by side (layers · hidden).
pub(crate) struct Lstm {
    /// Words → gates of the first layer (4 · hidden): its input weights are worked into the table.
    pub input: Embedding,
    /// The first layer's h (hidden) → its gates (4 · hidden).
    pub recurrent: Linear,
    /// For each other layer, the h of the layer below and its own side by side (2 · hidden) → its gates (4 · hidden).
    pub layers: Vec<Linear>,
    pub hidden: usize,
}

impl Lstm {
    /// Moves the states on and puts what they know into `context`, whose words are those of the step.
    ///
    /// # Errors
    /// When a state belongs to another network.
    pub fn step(&self, states: &mut [&mut State], phase: u8, context: &mut Context) -> Result<(), ModelError> {
        let Context { words, values, trunk, .. } = context;
        let TrunkScratch { window, gates, rows, .. } = trunk;
        let hidden = self.hidden;
        let width = (1 + self.layers.len()) * hidden;
        for state in states.iter_mut() {
            let (h, c) = state.recurrent()?;
            if h.len() != width || c.len() != width {
                return Err(ModelError::foreign_state());
            }
        }
        fill(values, states.len() * width);
        for layer in 0..=self.layers.len() {
            let own = layer * hidden..(layer + 1) * hidden;
            window.clear();
            for (index, state) in states.iter_mut().enumerate() {
                if layer > 0 {
                    window.extend_from_slice(&values[index * width + own.start - hidden..][..hidden]);
                }
                window.extend_from_slice(&state.recurrent()?.0[own.clone()]);
            }
            if layer == 0 {
                self.recurrent.apply(window, gates);
                for (gates, words) in gates.chunks_exact_mut(self.input.width).zip(words.iter()) {
                    self.input.add(&with_phase(words, phase), rows, gates);
                }
            } else {
                self.layers[layer - 1].apply(window, gates);
            }
            for (index, (state, gates)) in states.iter_mut().zip(gates.chunks_exact(self.input.width)).enumerate() {
                let (h, c) = state.recurrent()?;
                recur(gates, &mut h[own.clone()], &mut c[own.clone()]);
                values[index * width + own.start..][..hidden].copy_from_slice(&h[own.clone()]);
            }
        }
        Ok(())
    }
}

multiversion! {
    /// One step of one layer: sums of the gates (input, forget, output, cell: 4 · hidden); h and c (hidden) move on.
    fn recur(gates: &[f32], h: &mut [f32], c: &mut [f32]) {
        let hidden = h.len();
        let c = &mut c[..hidden];
        let [input, forget, output, cell] = [0, 1, 2, 3].map(|gate| &gates[gate * hidden..][..hidden]);
        for j in 0..hidden {
            c[j] = sigmoid(forget[j]) * c[j] + sigmoid(input[j]) * tanh(cell[j]);
            h[j] = sigmoid(output[j]) * tanh(c[j]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_forgets_takes_in_and_shows_as_its_gates_say() {
        let (open, shut) = (30.0, -30.0);
        // Four cells of 0.5: keeps and shows, forgets, takes in besides, keeps and hides.
        let input = [shut, shut, open, shut];
        let forget = [open, shut, open, open];
        let output = [open, open, open, shut];
        let gates = [input, forget, output, [open; 4]].concat();
        let (mut h, mut c) = ([9.0; 4], [0.5; 4]);
        recur(&gates, &mut h, &mut c);
        let near = |found: [f32; 4], expected: [f32; 4]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}, not {expected:?}");
        };
        near(c, [0.5, 0.0, 1.5, 0.5]);
        near(h, [0.5f32.tanh(), 0.0, 1.5f32.tanh(), 0.0]);
    }
}
