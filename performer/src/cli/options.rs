//! Options that several subcommands share.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use arranger::Freedom;
use chorale::{Guard, Part, Rule};
use harmonizer::Sampling;
use network::{Model, Runtime};

const CHOICE: &str = "Choice of notes";

/// Which network answers, and how freely.
#[derive(clap::Args, Clone)]
pub struct ModelOptions {
    /// The network: `wavenet` or `lstm` (both are built in), or an ONNX file that keeps the contract of models/README.md
    #[arg(long, value_name = "NAME|FILE", default_value = "wavenet", help_heading = CHOICE)]
    model: PathBuf,

    #[command(flatten)]
    sampling: SamplingOptions,
}

/// How freely the notes are chosen.
#[derive(clap::Args, Clone)]
pub struct SamplingOptions {
    /// The same seed with the same input gives the same notes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(0_u64, u64::MAX), allow_negative_numbers = true, help_heading = CHOICE)]
    seed: u64,

    /// Above 1 bolder, below 1 safer; 0 always takes the likeliest note
    #[arg(long, value_name = "X", default_value_t = Sampling::default().temperature, value_parser = temperature, allow_negative_numbers = true, help_heading = CHOICE)]
    temperature: f32,

    /// Leave out chords less likely than this share of the best one
    #[arg(long, value_name = "SHARE", default_value_t = Sampling::default().min_p, value_parser = share, allow_negative_numbers = true, help_heading = CHOICE)]
    min_p: f32,

    /// Choose by the network alone, without regard to the rules of part-writing
    #[arg(long, help_heading = CHOICE)]
    no_guard: bool,

    /// Weigh a rule differently, in nats: 0 switches it off, more keeps it more strictly. May be given several times; a
    /// wrong name lists all [default: as the network's weights have it]
    #[arg(long = "rule", value_name = "NAME=WEIGHT", value_parser = rule, help_heading = CHOICE)]
    rules: Vec<(Rule, f32)>,
}

impl ModelOptions {
    pub fn model(&self) -> Result<Arc<Model>> {
        load_model(&self.model)
    }

    /// As the user named it.
    pub fn name(&self) -> &str {
        self.model.to_str().unwrap_or("?")
    }

    pub fn freedom(&self) -> Freedom {
        self.sampling.freedom()
    }

    pub fn sampling(&self, guard: Guard) -> Sampling {
        self.sampling.sampling(guard)
    }
}

impl SamplingOptions {
    /// With this guard, as far as no option says otherwise.
    pub fn sampling(&self, guard: Guard) -> Sampling {
        self.freedom().sampling(guard)
    }

    pub fn freedom(&self) -> Freedom {
        let SamplingOptions { seed, temperature, min_p, no_guard, ref rules } = *self;
        Freedom { temperature, min_p, seed, is_guarded: !no_guard, rules: rules.clone() }
    }

    pub fn is_guarded(&self) -> bool {
        !self.no_guard
    }
}

/// A network that is built in, by name, or an ONNX file. One that does not run as fast as ours do is told of.
pub fn load_model(name: &Path) -> Result<Arc<Model>> {
    let model = match name.to_str() {
        Some("wavenet") => Model::wavenet()?,
        Some("lstm") => Model::lstm()?,
        _ if !name.exists() => {
            bail!(
                "there is no network '{}': wavenet and lstm are built in, any other name is that of an ONNX file, and \
                 there is none so called",
                name.display()
            );
        }
        _ => Model::load(name)?,
    };
    if let Runtime::Tract { reason } = model.runtime() {
        super::output::tell(&format!(
            "note: '{}' runs in tract, about 3 times slower than the trainer's networks: {reason}",
            name.display()
        ));
    }
    Ok(Arc::new(model))
}

/// Reads a whole number; one that is none, or beyond the bounds, is told what would do.
pub fn whole<T>(low: T, high: T) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| match text.parse::<T>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => Err(format!("expected a whole number from {low} to {high}")),
    }
}

pub fn part_named(name: &str) -> Result<Part, String> {
    let part = Part::ALL.into_iter().find(|part| part.name().eq_ignore_ascii_case(name));
    part.ok_or_else(|| "expected soprano, alto, tenor or bass".into())
}

fn temperature(text: &str) -> Result<f32, String> {
    number_within(text, 0.0, 10.0)
}

fn share(text: &str) -> Result<f32, String> {
    number_within(text, 0.0, 1.0)
}

fn rule(text: &str) -> Result<(Rule, f32), String> {
    let (name, weight) = text.split_once('=').ok_or("expected NAME=WEIGHT, such as parallel-fifths=8")?;
    let rule = Rule::from_name(name)
        .ok_or_else(|| format!("there is no rule '{name}'; the rules are {}", Rule::ALL.map(Rule::name).join(", ")))?;
    Ok((rule, number_within(weight, -20.0, 100.0)?))
}

fn number_within(text: &str, low: f32, high: f32) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => Err(format!("expected a number from {low} to {high}")),
    }
}
