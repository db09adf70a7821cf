//! Options that several subcommands share.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use performer::harmonizer::Sampling;
use performer::model::Model;

/// Which network answers, and how freely.
#[derive(clap::Args, Clone)]
pub struct ModelOptions {
    /// The network: `wavenet` or `lstm` (both are built in), or an ONNX file that keeps the contract of models/README.md
    #[arg(long, value_name = "NAME|FILE", default_value = "wavenet")]
    model: PathBuf,

    /// The same seed with the same input gives the same notes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Above 1 bolder, below 1 safer; 0 always takes the likeliest note
    #[arg(long, value_name = "X", default_value_t = 0.9, value_parser = temperature)]
    temperature: f32,

    /// Leave out notes less likely than this share of the likeliest one
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    min_p: f32,
}

impl ModelOptions {
    pub fn model(&self) -> Result<Arc<Model>> {
        let model = match self.model.to_str() {
            Some("wavenet") => Model::wavenet(),
            Some("lstm") => Model::lstm(),
            _ => Model::load(&self.model),
        };
        model.map(Arc::new).with_context(|| format!("--model {}", self.model.display()))
    }

    /// As the user named it.
    pub fn name(&self) -> &str {
        self.model.to_str().unwrap_or("?")
    }

    pub fn sampling(&self) -> Sampling {
        Sampling { temperature: self.temperature, min_p: self.min_p, seed: self.seed }
    }
}

fn temperature(text: &str) -> Result<f32, String> {
    number_within(text, 0.0, 10.0)
}

fn share(text: &str) -> Result<f32, String> {
    number_within(text, 0.0, 1.0)
}

fn number_within(text: &str, low: f32, high: f32) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => Err(format!("expected a number from {low} to {high}")),
    }
}
