//! A checkpoint: one safetensors file with the weights and, in its header, the settings and how they came about.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::layers::Weights;
use crate::network::Network;
use crate::settings::Settings;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub settings: Settings,
    /// Epochs finished, and weight updates made in them.
    pub epoch: usize,
    pub updates: usize,
    /// Validation T of the averaged weights, and the best so far in the run.
    pub valid_t: f64,
    pub best_t: f64,
    /// Seconds spent training.
    pub seconds: f64,
    /// The command and the commit (if known) that trained it.
    pub command: String,
    pub commit: String,
    /// How many networks taught it; unknown in checkpoints of older versions.
    #[serde(default)]
    pub teachers: Option<usize>,
}

pub struct Checkpoint {
    pub header: Header,
    pub tensors: Weights,
}

/// Prefix of the averaged weights, the ones that are validated and exported.
const AVERAGE: &str = "average.";

impl Checkpoint {
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = HashMap::from([("chorale".to_string(), serde_json::to_string(&self.header)?)]);
        let bytes = safetensors::serialize(self.tensors.iter(), Some(header))
            .with_context(|| format!("cannot write the checkpoint '{}'", path.display()))?;
        Ok(files::write_whole(path, &bytes)?)
    }

    /// # Errors
    /// When the file cannot be read or is no checkpoint of this trainer.
    pub fn load(path: &Path) -> Result<Checkpoint> {
        let load = || -> Result<Checkpoint> {
            let bytes = fs::read(path)?;
            let (_, metadata) =
                safetensors::SafeTensors::read_metadata(&bytes).context("it is no .safetensors file")?;
            let header = metadata
                .metadata()
                .as_ref()
                .and_then(|metadata| metadata.get("chorale"))
                .ok_or_else(|| anyhow!("its header has no entry 'chorale': not written by `trainer train`"))?;
            let header = serde_json::from_str(header).context("its header does not hold the expected settings")?;
            let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?.into_iter().collect();
            Ok(Checkpoint { header, tensors })
        };
        load().with_context(|| format!("cannot use the checkpoint '{}'", path.display()))
    }

    /// The averaged weights.
    pub fn average(&self) -> Weights {
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(AVERAGE)?.to_string(), tensor.clone())))
            .collect()
    }

    /// The network with the averaged weights.
    pub fn network(&self) -> Result<Network> {
        Network::new(&self.header.settings, &self.average())
    }

    /// The same checkpoint with the averaged weights alone: enough to evaluate and export, not to resume.
    pub fn averaged(&self) -> Checkpoint {
        let tensors = self.tensors.iter().filter(|(name, _)| name.starts_with(AVERAGE));
        Checkpoint {
            header: self.header.clone(),
            tensors: tensors.map(|(name, tensor)| (name.clone(), tensor.clone())).collect(),
        }
    }
}
