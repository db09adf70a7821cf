//! The networks: what never changes ([`Model`]) and what changes at each step ([`State`]).
//!
//! A step has two halves: the trunk, run once, and the head of each part, run for as many rows (sopranos) at once as one
//! likes. What the trainer writes is run by arithmetic of our own (`model/fused.rs`), any other file that keeps the
//! contract of models/README.md by tract (`model/reference.rs`).

mod fused;
mod recipe;
mod reference;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use chorale::{Chord, FeatureTracker, Part, Phase, StepFeatures};
use serde::Deserialize;
use thiserror::Error;
use tract_onnx::prelude::Framework;

use fused::{Fused, Scratch};
use reference::Reference;

#[derive(Debug, Error)]
pub enum ModelError {
    #[error(transparent)]
    Read(std::io::Error),
    #[error("'{name}' is no usable network: {reason} (models/README.md tells what the file must hold)")]
    Contract { name: String, reason: String },
    #[error("the network failed to run: {0}")]
    Run(String),
}

/// The kinds of trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Wavenet,
    Lstm,
}

/// A loaded network. Shared read-only between threads.
pub struct Model {
    engine: Engine,
    order: [Part; 4],
    state: StateContract,
    /// The file's metadata, as name and text.
    pub metadata: HashMap<String, String>,
}

enum Engine {
    Fused(Box<Fused>),
    Reference(Box<Reference>),
}

/// The metadata entry `state`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum StateContract {
    Queues { taps: String, pushes: String, channels: usize, kernel: usize, dilations: Vec<usize> },
    Recurrent { h: String, c: String, h_next: String, c_next: String, layers: usize, hidden: usize },
}

/// What a network remembers of the steps so far.
#[derive(Clone)]
pub struct State {
    hearing: FeatureTracker,
    memory: Memory,
}

#[derive(Clone)]
enum Memory {
    Queues(Vec<ConvQueue>),
    Recurrent { h: Vec<f32>, c: Vec<f32> },
}

/// The past inputs of one dilated convolution, as far back as its oldest tap (the queues of fast-wavenet,
/// Le Paine et al. 2016, arXiv 1611.09482).
#[derive(Clone)]
struct ConvQueue {
    /// A ring. Entries are shared, so that a clone copies none.
    entries: Vec<Arc<[f32]>>,
    /// The place of the oldest entry; the next push takes it.
    oldest: usize,
}

impl ConvQueue {
    fn new(entries: usize, channels: usize) -> ConvQueue {
        ConvQueue { entries: vec![vec![0.0; channels].into(); entries], oldest: 0 }
    }

    /// The entry `index` steps younger than the oldest.
    fn entry(&self, index: usize) -> &[f32] {
        &self.entries[(self.oldest + index) % self.entries.len()]
    }

    fn push(&mut self, entry: &[f32]) {
        match Arc::get_mut(&mut self.entries[self.oldest]) {
            // No clone needs what falls out: its place is taken.
            Some(place) if place.len() == entry.len() => place.copy_from_slice(entry),
            _ => self.entries[self.oldest] = entry.into(),
        }
        self.oldest = (self.oldest + 1) % self.entries.len();
    }
}

/// What the heads are told of a step besides the context: the chord before and [`StepFeatures::words`].
const WORDS: usize = 4 + StepFeatures::WORDS;

/// What the trunk hands to the heads: all that the network knows before the soprano of the step sounds. One is enough
/// for a whole piece; used again, it takes no new memory.
#[derive(Clone, Default)]
pub struct Context {
    /// Of each state.
    words: Vec<[u8; WORDS]>,
    /// (states, width).
    values: Vec<f32>,
    scratch: Scratch,
}

/// What a head is asked about: a state, and the present chord as far as it is chosen.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its place among the states of the step.
    pub state: usize,
    pub given: Chord,
}

const FOREIGN_STATE: &str = "the state belongs to another network";

impl Model {
    /// The WaveNet that is built in.
    ///
    /// # Errors
    /// Never, if the program was built from a whole checkout.
    pub fn wavenet() -> Result<Model, ModelError> {
        Model::named("models/wavenet.onnx", include_bytes!("../../../models/wavenet.onnx"), false)
    }

    /// The LSTM that is built in.
    ///
    /// # Errors
    /// Never, if the program was built from a whole checkout.
    pub fn lstm() -> Result<Model, ModelError> {
        Model::named("models/lstm.onnx", include_bytes!("../../../models/lstm.onnx"), false)
    }

    /// # Errors
    /// When the file cannot be read or does not keep the contract of models/README.md.
    pub fn load(path: &Path) -> Result<Model, ModelError> {
        let name = path.display().to_string();
        let bytes = files::load(path).map_err(ModelError::Read)?;
        Model::named(&name, &bytes, false)
    }

    /// # Errors
    /// When the bytes do not keep the contract of models/README.md. `name` is what the message calls them.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Model, ModelError> {
        Model::named(name, bytes, false)
    }

    /// As [`Model::from_bytes`], but run by tract, whatever the file holds: what the faster way is measured by.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn in_tract(name: &str, bytes: &[u8]) -> Result<Model, ModelError> {
        Model::named(name, bytes, true)
    }

    fn named(name: &str, bytes: &[u8], in_tract: bool) -> Result<Model, ModelError> {
        build(bytes, in_tract).map_err(|reason| ModelError::Contract { name: name.into(), reason })
    }

    /// One step and the answers to one soprano, so that a file that cannot run is refused when it is loaded.
    fn try_out(&self) -> Result<(), ModelError> {
        let (mut state, mut context, mut logits) = (self.start(), Context::default(), Vec::new());
        self.step(&mut [&mut state], &[Chord::START], Phase::in_bar(0), &mut context)?;
        for part in Part::ALL {
            self.logits(part, &mut context, &[Row { state: 0, given: Chord::SILENCE }], &mut logits)?;
        }
        Ok(())
    }

    /// Whether tract runs it, and not the faster arithmetic of our own.
    pub fn is_in_tract(&self) -> bool {
        matches!(self.engine, Engine::Reference(_))
    }

    /// Which kind of trunk it has.
    pub fn architecture(&self) -> Architecture {
        match self.state {
            StateContract::Queues { .. } => Architecture::Wavenet,
            StateContract::Recurrent { .. } => Architecture::Lstm,
        }
    }

    /// The parts in the order in which they are chosen; the soprano is the first.
    pub fn order(&self) -> [Part; 4] {
        self.order
    }

    /// The state before the first step.
    pub fn start(&self) -> State {
        let memory = match &self.state {
            StateContract::Queues { channels, kernel, dilations, .. } => Memory::Queues(
                dilations.iter().map(|dilation| ConvQueue::new((kernel - 1) * dilation, *channels)).collect(),
            ),
            StateContract::Recurrent { layers, hidden, .. } => {
                let zeros = vec![0.0; layers * hidden];
                Memory::Recurrent { h: zeros.clone(), c: zeros }
            }
        };
        State { hearing: FeatureTracker::new(), memory }
    }

    /// One step of the trunk for some states side by side: takes for each the chord of the step before
    /// ([`Chord::START`] at the beginning) and the phase of the present one, moves it on and readies `context` for the
    /// present step.
    ///
    /// # Errors
    /// When a state belongs to another network, or tract fails.
    pub fn step(
        &self,
        states: &mut [&mut State],
        before: &[Chord],
        phase: Phase,
        context: &mut Context,
    ) -> Result<(), ModelError> {
        context.words.clear();
        for (state, &before) in states.iter_mut().zip(before) {
            let heard = state.hearing.step(before, phase).words();
            let mut words = [0; WORDS];
            let all = before.0.into_iter().map(|token| token.index()).chain(heard);
            words.iter_mut().zip(all).for_each(|(word, index)| *word = index as u8);
            context.words.push(words);
        }
        let phase = phase.index() as u8;
        match &self.engine {
            Engine::Fused(fused) if fused.step(states, phase, context) => Ok(()),
            Engine::Fused(_) => Err(ModelError::Run(FOREIGN_STATE.into())),
            Engine::Reference(reference) => reference.step(states, phase, context).map_err(ModelError::Run),
        }
    }

    /// The logits of `part` for every row, 47 values each, into `logits`: of every token, were it the part's next, given
    /// the parts that come before it in [`Model::order`].
    ///
    /// # Errors
    /// When tract fails.
    pub fn logits(
        &self,
        part: Part,
        context: &mut Context,
        rows: &[Row],
        logits: &mut Vec<f32>,
    ) -> Result<(), ModelError> {
        logits.clear();
        match &self.engine {
            Engine::Fused(fused) => fused.logits(part, context, rows, logits),
            Engine::Reference(reference) => reference.logits(part, context, rows, logits).map_err(ModelError::Run)?,
        }
        Ok(())
    }
}

fn build(bytes: &[u8], in_tract: bool) -> Result<Model, String> {
    let proto = tract_onnx::onnx().proto_model_for_read(&mut &*bytes).map_err(|_| "it is no ONNX file")?;
    let constants = || proto.graph.iter().flat_map(|graph| &graph.initializer);
    if let Some(constant) = constants().find(|constant| !constant.external_data.is_empty()) {
        return Err(format!("its constant '{}' lies in a file beside it; a network has all in one", constant.name));
    }
    let metadata: HashMap<String, String> =
        proto.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let entry = |key: &str| metadata.get(key).ok_or_else(|| format!("its metadata have no entry '{key}'"));
    let state: StateContract =
        serde_json::from_str(entry("state")?).map_err(|error| format!("its metadata entry 'state': {error}"))?;
    check_state(&state)?;
    let order = part_order(entry("part_order")?)?;
    let fused = if in_tract || !arithmetic::has_fma() { None } else { recipe::take(&proto, &state, order).ok() };
    let engine = match fused {
        Some(fused) => Engine::Fused(Box::new(fused)),
        None => Engine::Reference(Box::new(Reference::new(proto, &state, order)?)),
    };
    let model = Model { engine, order, state, metadata };
    if model.is_in_tract() {
        model.try_out().map_err(|error| error.to_string())?;
    }
    Ok(model)
}

/// Nothing that the widths of a file name may ask for more memory than this.
const MOST_STATE_VALUES: usize = 1 << 24;

fn check_state(state: &StateContract) -> Result<(), String> {
    let values = match state {
        StateContract::Queues { channels, kernel, dilations, .. } => {
            if *kernel < 2 || *channels == 0 || dilations.is_empty() || dilations.contains(&0) {
                return Err("its metadata entry 'state' needs kernel ≥ 2, channels ≥ 1 and dilations ≥ 1".into());
            }
            dilations
                .iter()
                .try_fold(0usize, |sum, &dilation| sum.checked_add(dilation))
                .and_then(|sum| sum.checked_mul(kernel - 1)?.checked_mul(*channels))
        }
        StateContract::Recurrent { layers, hidden, .. } => layers.checked_mul(*hidden).filter(|&values| values > 0),
    };
    match values {
        Some(values) if values <= MOST_STATE_VALUES => Ok(()),
        _ => Err("its metadata entry 'state' names no sizes, or too large ones".into()),
    }
}

fn part_order(text: &str) -> Result<[Part; 4], String> {
    let parts: Vec<Part> = text.chars().filter_map(Part::from_letter).collect();
    match <[Part; 4]>::try_from(parts) {
        Ok(order) if order[0] == Part::Soprano && Part::ALL.iter().all(|part| order.contains(part)) => Ok(order),
        _ => Err(format!("its metadata entry 'part_order' is '{text}', expected S, A, T and B once each, S first")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chorale::Token;

    #[test]
    fn a_queue_gives_back_what_was_pushed_as_many_steps_ago_as_it_has_entries() {
        let mut queue = ConvQueue::new(3, 2);
        assert_eq!(queue.entry(0), [0.0, 0.0]);
        for value in 1..=5 {
            queue.push(&[value as f32; 2]);
        }
        assert_eq!([queue.entry(0)[0], queue.entry(1)[0], queue.entry(2)[1]], [3.0, 4.0, 5.0]);
    }

    #[test]
    fn the_queues_of_the_shipped_wavenet_equal_recomputing_its_receptive_field() {
        let model = Model::wavenet().unwrap();
        let window: usize = model.metadata["receptive_field"].parse().unwrap();
        let steps = window + 160;
        // Wandering parts, so that no two steps are told the same.
        let chords: Vec<Chord> = (0..steps)
            .map(|step| {
                Chord([40, 30, 22, 12].map(|token| Token::from_index(token + step * (token + 3) / 4 % 7).unwrap()))
            })
            .collect();
        let before = |step: usize| if step == 0 { Chord::START } else { chords[step - 1] };
        let last = |state: &mut State, steps: std::ops::Range<usize>| -> Vec<f32> {
            let mut context = Context::default();
            for step in steps {
                model.step(&mut [&mut *state], &[before(step)], Phase::in_beat(step), &mut context).unwrap();
            }
            context.values
        };
        // What was heard stays; what the trunk remembers is lost.
        let emptied = |state: &State| State { memory: model.start().memory, ..state.clone() };
        let mut state = model.start();
        last(&mut state, 0..steps - window);
        let mut whole = emptied(&state);
        last(&mut state, steps - window..steps - 8);
        let mut short = emptied(&state);
        let cached = last(&mut state, steps - 8..steps);
        let whole = last(&mut whole, steps - window..steps);
        let short = last(&mut short, steps - 8..steps);
        let difference = |other: &[f32]| cached.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference(&whole) <= 1e-5, "{:e}", difference(&whole));
        assert!(difference(&short) > 1e-3, "a shorter window should not do");
    }

    #[test]
    fn a_file_that_is_no_network_is_refused_by_name() {
        let error = |bytes: &[u8]| Model::from_bytes("tune.onnx", bytes).err().expect("an error").to_string();
        for bytes in [&b""[..], b"not an ONNX file", &[0xff; 64]] {
            assert!(error(bytes).contains("'tune.onnx' is no usable network"), "{}", error(bytes));
        }
    }

    #[test]
    fn a_state_of_absurd_size_is_refused_before_any_memory_is_taken() {
        let state = |text: &str| check_state(&serde_json::from_str(text).unwrap());
        let queues = |dilations: &str| {
            format!(r#"{{"kind":"queues","taps":"t","pushes":"p","channels":96,"kernel":2,"dilations":[{dilations}]}}"#)
        };
        assert!(state(&queues("1,2,4")).is_ok());
        assert!(state(&queues("1,18446744073709551615")).is_err());
        assert!(state(&queues("")).is_err());
        assert!(state(&queues("0")).is_err());
    }
}
