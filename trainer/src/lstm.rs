//! The LSTM trunk (Hochreiter & Schmidhuber 1997, with forget gates): a stack of layers whose outputs, side by side,
//! are the context.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor};

use crate::layers::{Dropout, Initializer, Linear, Weights, values, weight, with_values};
use arithmetic::{Matrix, multiversion};
use contract::graph::GATES;

pub struct Lstm {
    pub layers: Vec<Layer>,
}

pub struct Layer {
    /// From the layer's input to the gates: (inputs, 4 · hidden), with the gates' bias.
    pub input: Linear,
    /// From the layer's previous output to the gates: (hidden, 4 · hidden).
    pub recurrent: Tensor,
}

impl Lstm {
    pub fn declare(init: &mut Initializer, input: usize, hidden: usize, layers: usize) -> Result<()> {
        for layer in 0..layers {
            let inputs = if layer == 0 { input } else { hidden };
            init.linear(&format!("trunk.{layer}.input"), inputs, GATES * hidden)?;
            let bound = (1.0 / hidden as f32).sqrt();
            init.uniform(&format!("trunk.{layer}.recurrent"), &[hidden, GATES * hidden], bound)?;
        }
        Ok(())
    }

    pub fn new(weights: &Weights, layers: usize) -> Result<Lstm> {
        let layers = (0..layers)
            .map(|layer| {
                Ok(Layer {
                    input: Linear::new(weights, &format!("trunk.{layer}.input"))?,
                    recurrent: weight(weights, &format!("trunk.{layer}.recurrent"))?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Lstm { layers })
    }

    /// `x` (B, T, input) → context (B, T, layers · hidden), from h = c = 0. Dropout lies between the layers only: the
    /// heads have their own on the context.
    pub fn forward(&self, x: &Tensor, dropout: &mut Dropout) -> Result<Tensor> {
        let mut x = x.clone();
        let mut outputs = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = dropout.apply(&x)?;
            }
            let gates = layer.input.forward(&x)?; // (B, T, 4 hidden)
            x = scan(&gates, &layer.recurrent)?;
            outputs.push(x.clone());
        }
        Tensor::cat(&outputs, D::Minus1)
    }
}

/// The recurrence over a whole sequence as one operation with its own gradient: `gates` (B, T, 4H), what the input
/// adds to the gates, and `recurrent` (H, 4H) → h (B, T, H). A graph node a step would cost more than the arithmetic.
pub fn scan(gates: &Tensor, recurrent: &Tensor) -> Result<Tensor> {
    gates.contiguous()?.apply_op2(&recurrent.contiguous()?, Scan::default())
}

/// What [`Scan`] keeps of each step for its gradient, in blocks of H values: h, c, then the four gates.
const SAVED: usize = 2 + GATES;

#[derive(Default)]
struct Scan {
    /// (B, T, SAVED · H), once it has run forwards.
    saved: OnceLock<Vec<f32>>,
}

impl CustomOp2 for Scan {
    fn name(&self) -> &'static str {
        "lstm-scan"
    }

    fn cpu_fwd(
        &self,
        gates: &CpuStorage,
        gates_layout: &Layout,
        recurrent: &CpuStorage,
        recurrent_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, steps, width) = gates_layout.shape().dims3()?;
        let hidden = width / GATES;
        let gates = values(gates, gates_layout)?;
        let recurrent = values(recurrent, recurrent_layout)?;
        let saved_width = SAVED * hidden;
        let mut saved = vec![0f32; batch * steps * saved_width];
        let mut result = vec![0f32; batch * steps * hidden];
        let recurrent = Matrix::new(recurrent, width);
        // One step of all sequences at a time, so that the weights are read once for all of them.
        let mut sums = vec![0f32; batch * width];
        let mut h = vec![0f32; batch * hidden];
        let mut c = h.clone();
        for t in 0..steps {
            for (b, sums) in sums.chunks_mut(width).enumerate() {
                sums.copy_from_slice(&gates[(b * steps + t) * width..][..width]);
            }
            if t > 0 {
                recurrent.add_product(&h, &mut sums);
            }
            for b in 0..batch {
                let saved = &mut saved[(b * steps + t) * saved_width..][..saved_width];
                let (outputs, activations) = saved.split_at_mut(2 * hidden);
                let c = &mut c[b * hidden..][..hidden];
                activate(&sums[b * width..][..width], c, outputs, activations);
                h[b * hidden..][..hidden].copy_from_slice(&outputs[..hidden]);
                result[(b * steps + t) * hidden..][..hidden].copy_from_slice(&outputs[..hidden]);
            }
        }
        let _ = self.saved.set(saved);
        Ok((CpuStorage::F32(result), (batch, steps, hidden).into()))
    }

    /// Backpropagation through time.
    fn bwd(
        &self,
        gates: &Tensor,
        recurrent: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (batch, steps, width) = gates.dims3()?;
        let hidden = width / GATES;
        let Some(saved) = self.saved.get() else { candle_core::bail!("lstm-scan goes backwards before forwards") };
        let transposed = with_values(&recurrent.t()?, |transposed| Matrix::new(transposed, hidden))?; // (4H, H)
        let mut grad_gates = vec![0f32; batch * steps * width];
        let mut before = vec![0f32; batch * steps * hidden]; // h of the step before, for the weights' gradient
        let (mut dh, mut dc) = (vec![0f32; batch * hidden], vec![0f32; batch * hidden]);
        let mut d = vec![0f32; batch * width];
        let zeros = vec![0f32; hidden];
        let mut back = |t: usize, grad_h: &[f32]| {
            for b in 0..batch {
                let row = b * steps + t;
                let saved_before = (t > 0).then(|| &saved[(row - 1) * SAVED * hidden..][..2 * hidden]);
                let c_before = saved_before.map_or(&zeros[..], |saved| &saved[hidden..]);
                let d = &mut d[b * width..][..width];
                let dc = &mut dc[b * hidden..][..hidden];
                let saved = &saved[row * SAVED * hidden..][..SAVED * hidden];
                let grad_h = &grad_h[row * hidden..][..hidden];
                gate_gradients(saved, c_before, grad_h, &dh[b * hidden..][..hidden], dc, d);
                grad_gates[row * width..][..width].copy_from_slice(d);
                if let Some(saved_before) = saved_before {
                    before[row * hidden..][..hidden].copy_from_slice(&saved_before[..hidden]);
                }
            }
            dh.fill(0.0);
            transposed.add_product(&d, &mut dh);
        };
        with_values(grad, |grad_h| (0..steps).rev().for_each(|t| back(t, grad_h)))?;
        let device = gates.device();
        let grad_gates = Tensor::from_vec(grad_gates, (batch * steps, width), device)?;
        let before = Tensor::from_vec(before, (batch * steps, hidden), device)?;
        let grad_recurrent = before.t()?.matmul(&grad_gates)?;
        Ok((Some(grad_gates.reshape((batch, steps, width))?), Some(grad_recurrent)))
    }
}

multiversion! {
    /// One step of one sequence: the gates' sums (4H) and c (H), which moves on → h and c (2H), and the gates (4H).
    fn activate(sums: &[f32], c: &mut [f32], outputs: &mut [f32], activations: &mut [f32]) {
        let hidden = c.len();
        let (sigmoids, cells) = activations.split_at_mut(3 * hidden);
        for (sigmoid, &sum) in sigmoids.iter_mut().zip(sums) {
            *sigmoid = arithmetic::sigmoid(sum);
        }
        for (cell, &sum) in cells.iter_mut().zip(&sums[3 * hidden..]) {
            *cell = arithmetic::tanh(sum);
        }
        let (input, rest) = sigmoids.split_at(hidden);
        let (forget, output) = rest.split_at(hidden);
        for (((c, forget), input), cell) in c.iter_mut().zip(forget).zip(input).zip(&*cells) {
            *c = forget * *c + input * cell;
        }
        let (h, saved_c) = outputs.split_at_mut(hidden);
        for (((h, saved_c), &c), output) in h.iter_mut().zip(saved_c).zip(&*c).zip(output) {
            *h = output * arithmetic::tanh(c);
            *saved_c = c;
        }
    }
}

multiversion! {
    /// One step of one sequence backwards: what was saved (6H), c before, and the gradients of h from above and from
    /// the step after (H each) and of c (H), which moves back → the gradient of the gates' sums (4H).
    fn gate_gradients(saved: &[f32], c_before: &[f32], above: &[f32], after: &[f32], dc: &mut [f32], d: &mut [f32]) {
        let hidden = dc.len();
        let block = |index: usize| &saved[index * hidden..][..hidden];
        let [c, input, forget, output, cell] = [1, 2, 3, 4, 5].map(block);
        let (d_input, rest) = d.split_at_mut(hidden);
        let (d_forget, rest) = rest.split_at_mut(hidden);
        let (d_output, d_cell) = rest.split_at_mut(hidden);
        let (d_forget, d_output, d_cell) = (&mut d_forget[..hidden], &mut d_output[..hidden], &mut d_cell[..hidden]);
        let (c_before, above, after) = (&c_before[..hidden], &above[..hidden], &after[..hidden]);
        for j in 0..hidden {
            let tanh_c = arithmetic::tanh(c[j]);
            let dh = after[j] + above[j];
            let dcj = dc[j] + dh * output[j] * (1.0 - tanh_c * tanh_c);
            d_input[j] = dcj * cell[j] * input[j] * (1.0 - input[j]);
            d_forget[j] = dcj * c_before[j] * forget[j] * (1.0 - forget[j]);
            d_output[j] = dh * tanh_c * output[j] * (1.0 - output[j]);
            d_cell[j] = dcj * input[j] * (1.0 - cell[j] * cell[j]);
            dc[j] = dcj * forget[j];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::tests::{assert_same, variable};

    /// One graph node after the other.
    fn scan_by_graph(gates: &Tensor, recurrent: &Tensor) -> Result<Tensor> {
        let (batch, steps, _) = gates.dims3()?;
        let hidden = recurrent.dim(0)?;
        let mut h = Tensor::zeros((batch, hidden), gates.dtype(), gates.device())?;
        let mut c = h.clone();
        let mut outputs = Vec::with_capacity(steps);
        for gates in gates.chunk(steps, 1)? {
            let gates = (gates.squeeze(1)? + h.matmul(recurrent)?)?;
            let sigmoid = candle_nn::ops::sigmoid(&gates.narrow(1, 0, 3 * hidden)?)?;
            let cell = gates.narrow(1, 3 * hidden, hidden)?.tanh()?;
            let [input, forget, output] = [0, 1, 2].map(|gate| sigmoid.narrow(1, gate * hidden, hidden));
            c = ((forget? * &c)? + (input? * cell)?)?;
            h = (output? * c.tanh()?)?;
            outputs.push(h.clone());
        }
        Tensor::stack(&outputs, 1)
    }

    #[test]
    fn the_fused_scan_has_the_values_and_gradients_of_the_graph() {
        let (batch, steps, hidden) = (3, 17, 6);
        let (gates, recurrent) = (variable(&[batch, steps, GATES * hidden]), variable(&[hidden, GATES * hidden]));
        let calm = || recurrent.affine(0.1, 0.0);
        assert_same(&[&gates, &recurrent], &|| scan(&gates, &calm()?), &|| scan_by_graph(&gates, &calm()?));
    }
}
