use serde::{Deserialize, Serialize};

/// What a network keeps from step to step: the metadata entry `state`, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum StateContract {
    /// A WaveNet's: one queue a layer. Input `taps` (N, layers · (kernel - 1), channels): for each layer, what was pushed
    /// (kernel - 1) · dilation, .., 1 · dilation steps ago, zeros before the start. Output `pushes` (N, layers,
    /// channels).
    Queues { taps: String, pushes: String, channels: usize, kernel: usize, dilations: Vec<usize> },
    /// An LSTM's: inputs `h` and `c` (N, layers, hidden), zeros at the start; outputs `h_next` and `c_next`.
    Recurrent { h: String, c: String, h_next: String, c_next: String, layers: usize, hidden: usize },
}
