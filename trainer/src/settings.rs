//! What to train: everything that decides the weights, kept beside them in every checkpoint.

use anyhow::{Result, ensure};
use chorale::Part;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub trunk: TrunkSettings,
    /// The order in which the parts of a chord are chosen, for example `SBTA`.
    pub order: String,
    /// Width of each head's hidden layer.
    pub head_width: usize,
    pub training: TrainingSettings,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum TrunkSettings {
    Wavenet {
        /// Width of the residual path and of each layer's gate.
        channels: usize,
        kernel: usize,
        dilations: Vec<usize>,
        /// Width of the context handed to the heads.
        context: usize,
    },
    Lstm {
        /// Width of the embedded input.
        input: usize,
        hidden: usize,
        layers: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSettings {
    pub seed: u64,
    pub epochs: usize,
    /// Chorales a weight update.
    pub batch: usize,
    /// Parts of a batch whose gradients are computed side by side, one thread each. Sums are taken in a fixed
    /// order, so the weights depend on this number but not on the machine's cores.
    pub shards: usize,
    pub learning_rate: f64,
    /// Updates over which the learning rate rises from 0; it then falls along a cosine to a hundredth.
    pub warmup: usize,
    pub weight_decay: f64,
    /// Gradients longer than this (2-norm over all weights) are shortened to it.
    pub clip: f64,
    pub dropout: f32,
    /// Decay of the exponential average of the weights, by which they are validated and exported.
    pub average_decay: f64,
    /// Share of the training pieces that hear only the place in the beat, not in the bar.
    pub unknown_phase: f64,
    /// Share of the training pieces in which some notes of the past are heard wrong, and share of those that go on in
    /// another key from somewhere on.
    pub errors: f64,
    pub jumps: f64,
    /// How much the distributions of the teachers count, if there are any, against the notes themselves: 0 to 1.
    #[serde(default)]
    pub teaching: f64,
}

impl Settings {
    /// Should reach validation T 0.34.
    pub fn wavenet() -> Settings {
        let mut settings = Settings::lstm();
        settings.trunk = TrunkSettings::Wavenet {
            channels: 128,
            kernel: 2,
            dilations: vec![1, 2, 4, 8, 16, 32, 64, 128],
            context: 256,
        };
        settings.head_width = 160;
        settings.training.epochs = 30;
        settings
    }

    /// Should reach validation T 0.34.
    pub fn lstm() -> Settings {
        Settings {
            trunk: TrunkSettings::Lstm { input: 128, hidden: 256, layers: 2 },
            order: "SBTA".into(),
            head_width: 144,
            training: TrainingSettings {
                seed: 1,
                epochs: 24,
                batch: 4,
                shards: 2,
                learning_rate: 2e-3,
                warmup: 200,
                weight_decay: 0.02,
                clip: 1.0,
                dropout: 0.4,
                average_decay: 0.998,
                unknown_phase: 0.5,
                errors: 0.15,
                jumps: 0.1,
                teaching: 0.5,
            },
        }
    }

    pub fn architecture(&self) -> &'static str {
        match self.trunk {
            TrunkSettings::Wavenet { .. } => "wavenet",
            TrunkSettings::Lstm { .. } => "lstm",
        }
    }

    /// Width of the context that the trunk hands to the heads.
    pub fn context_width(&self) -> usize {
        match self.trunk {
            TrunkSettings::Wavenet { context, .. } => context,
            TrunkSettings::Lstm { hidden, layers, .. } => hidden * layers,
        }
    }

    /// The parts in the order in which they are chosen.
    ///
    /// # Errors
    /// When `order` does not name each part once, the soprano first.
    pub fn part_order(&self) -> Result<[Part; 4]> {
        let parts: Vec<Part> = self.order.chars().filter_map(Part::from_letter).collect();
        let distinct = Part::ALL.iter().all(|part| parts.contains(part));
        ensure!(
            self.order.len() == 4 && distinct && parts[0] == Part::Soprano,
            "part order '{}': expected the letters S, A, T and B once each, S first (for example SBTA)",
            self.order
        );
        Ok([parts[0], parts[1], parts[2], parts[3]])
    }

    /// # Errors
    /// Names the setting that cannot work.
    pub fn check(&self) -> Result<()> {
        self.part_order()?;
        let positive: &[(&str, usize)] = match &self.trunk {
            TrunkSettings::Wavenet { channels, kernel, dilations, context } => {
                ensure!(*kernel >= 2, "kernel {kernel}: a causal convolution needs at least 2 taps");
                ensure!(
                    !dilations.is_empty() && dilations.iter().all(|&dilation| (1..=4096).contains(&dilation)),
                    "dilations {dilations:?}: expected at least one, each from 1 to 4096"
                );
                &[("channels", *channels), ("context", *context)]
            }
            TrunkSettings::Lstm { input, hidden, layers } => {
                &[("input", *input), ("hidden", *hidden), ("layers", *layers)]
            }
        };
        let training = &self.training;
        let common = [
            ("head width", self.head_width),
            ("epochs", training.epochs),
            ("batch", training.batch),
            ("shards", training.shards),
        ];
        for (name, value) in positive.iter().chain(&common) {
            ensure!(*value >= 1, "{name} {value}: must be at least 1");
        }
        ensure!((0.0..1.0).contains(&training.dropout), "dropout {}: must be from 0 to below 1", training.dropout);
        let shares = [
            ("unknown phase", training.unknown_phase),
            ("errors", training.errors),
            ("jumps", training.jumps),
            ("teaching", training.teaching),
        ];
        for (name, share) in shares {
            ensure!((0.0..=1.0).contains(&share), "{name} {share}: must be a share from 0 to 1");
        }
        ensure!(
            training.learning_rate > 0.0 && training.learning_rate.is_finite(),
            "learning rate {}: must be above 0",
            training.learning_rate
        );
        Ok(())
    }
}
