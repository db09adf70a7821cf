use std::collections::HashMap;
use std::path::Path;

use chorale::{Chord, Part, Phase, columns};
use contract::onnx::ModelProto;
use contract::{StateContract, metadata};
use prost::Message;
use thiserror::Error;

use crate::layers::Layers;
use crate::recipe;
#[cfg(feature = "tract")]
use crate::reference::Reference;
use crate::state::{Context, Row, State};

#[derive(Debug, Error)]
pub enum ModelError {
    #[error(transparent)]
    Read(std::io::Error),
    #[error("'{name}' is no usable network: {reason} (models/README.md tells what the file must hold)")]
    Contract { name: String, reason: String },
    #[error("the network failed to run: {0}")]
    Run(String),
}

pub(crate) const FOREIGN_STATE: &str = "the state belongs to another network";

impl ModelError {
    pub(crate) fn foreign_state() -> ModelError {
        ModelError::Run(FOREIGN_STATE.into())
    }
}

/// The kinds of trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Wavenet,
    Lstm,
}

/// A loaded network. Shared read-only between threads.
pub struct Model {
    implementation: Implementation,
    order: [Part; 4],
    state: StateContract,
    /// The file's metadata, as name and text.
    pub metadata: HashMap<String, String>,
    fingerprint: Fingerprint,
}

/// Of all bytes of the file. Only takes ask for it: that of a network that is built in, whose bytes stay where they are, is
/// taken when it is asked for; the bytes of a file are gone by then.
enum Fingerprint {
    Of(&'static [u8]),
    Taken(u64),
}

/// What runs a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime<'a> {
    /// Arithmetic of our own, for what the trainer writes.
    Fused,
    /// tract, about three times slower, for all else.
    Tract {
        /// Why the faster way was not taken.
        reason: &'a str,
    },
}

enum Implementation {
    Fused(Box<Layers>),
    #[cfg(feature = "tract")]
    Tract {
        reference: Box<Reference>,
        reason: String,
    },
}

impl Model {
    /// The WaveNet that is built in.
    ///
    /// # Errors
    /// Never, if the program was built from a whole checkout.
    pub fn wavenet() -> Result<Model, ModelError> {
        Model::built_in("models/wavenet.onnx", include_bytes!("../../../models/wavenet.onnx"))
    }

    /// The LSTM that is built in.
    ///
    /// # Errors
    /// Never, if the program was built from a whole checkout.
    pub fn lstm() -> Result<Model, ModelError> {
        Model::built_in("models/lstm.onnx", include_bytes!("../../../models/lstm.onnx"))
    }

    /// # Errors
    /// When the file cannot be read or does not keep the contract of models/README.md.
    pub fn load(path: &Path) -> Result<Model, ModelError> {
        let name = path.display().to_string();
        let bytes = files::load(path).map_err(ModelError::Read)?;
        Model::from_bytes(&name, &bytes)
    }

    /// # Errors
    /// When the bytes do not keep the contract of models/README.md. `name` is what the message calls them.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Model, ModelError> {
        Model::named(name, bytes, Fingerprint::Taken(fingerprint(bytes)), false)
    }

    /// As [`Model::from_bytes`], but run by tract, whatever the file holds: what the faster way is measured by.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    #[cfg(feature = "tract")]
    pub fn in_tract(name: &str, bytes: &[u8]) -> Result<Model, ModelError> {
        Model::named(name, bytes, Fingerprint::Taken(fingerprint(bytes)), true)
    }

    fn built_in(name: &str, bytes: &'static [u8]) -> Result<Model, ModelError> {
        Model::named(name, bytes, Fingerprint::Of(bytes), false)
    }

    fn named(name: &str, bytes: &[u8], fingerprint: Fingerprint, in_tract: bool) -> Result<Model, ModelError> {
        let built = build(bytes, fingerprint, in_tract);
        built.map_err(|reason| ModelError::Contract { name: name.into(), reason })
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

    /// What runs it.
    pub fn runtime(&self) -> Runtime<'_> {
        match &self.implementation {
            Implementation::Fused(_) => Runtime::Fused,
            #[cfg(feature = "tract")]
            Implementation::Tract { reason, .. } => Runtime::Tract { reason },
        }
    }

    /// A number that no other file will have by chance.
    pub fn fingerprint(&self) -> u64 {
        match self.fingerprint {
            Fingerprint::Of(bytes) => fingerprint(bytes),
            Fingerprint::Taken(fingerprint) => fingerprint,
        }
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
        State::new(&self.state)
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
            let heard = state.tracker.step(before, phase).words();
            let mut words = [0; columns::COUNT];
            let all = before.0.into_iter().map(|token| token.index()).chain(heard);
            words.iter_mut().zip(all).for_each(|(word, index)| *word = index as u8);
            context.words.push(words);
        }
        let phase = phase.index() as u8;
        match &self.implementation {
            Implementation::Fused(layers) => layers.step(states, phase, context),
            #[cfg(feature = "tract")]
            Implementation::Tract { reference, .. } => reference.step(states, phase, context).map_err(ModelError::Run),
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
        match &self.implementation {
            Implementation::Fused(layers) => layers.logits(part, context, rows, logits),
            #[cfg(feature = "tract")]
            Implementation::Tract { reference, .. } => {
                reference.logits(part, context, rows, logits).map_err(ModelError::Run)?
            }
        }
        Ok(())
    }
}

fn build(bytes: &[u8], fingerprint: Fingerprint, in_tract: bool) -> Result<Model, String> {
    let proto = ModelProto::decode(bytes).map_err(|_| "it is no ONNX file")?;
    let constants = || proto.graph.iter().flat_map(|graph| &graph.initializer);
    if let Some(constant) = constants().find(|constant| !constant.external_data.is_empty()) {
        return Err(format!("its constant '{}' lies in a file beside it; a network has all in one", constant.name));
    }
    let entries: HashMap<String, String> =
        proto.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let entry = |key: &str| entries.get(key).ok_or_else(|| format!("its metadata have no entry '{key}'"));
    let state: StateContract = serde_json::from_str(entry(metadata::STATE)?)
        .map_err(|error| format!("its metadata entry 'state': {error}"))?;
    check_state(&state)?;
    let order = part_order(entry(metadata::PART_ORDER)?)?;
    let fused = if in_tract {
        Err("tract was asked for".into())
    } else if cfg!(feature = "tract") && !arithmetic::has_fma() {
        Err("this processor has no fused multiply-add, without which tract is faster".into())
    } else {
        recipe::read(&proto, &state, order)
    };
    let implementation = match fused {
        Ok(layers) => Implementation::Fused(Box::new(layers)),
        Err(reason) => for_any(bytes, &state, order, reason)?,
    };
    let model = Model { implementation, order, state, metadata: entries, fingerprint };
    if model.runtime() != Runtime::Fused {
        model.try_out().map_err(|error| error.to_string())?;
    }
    Ok(model)
}

#[cfg(feature = "tract")]
fn for_any(bytes: &[u8], state: &StateContract, order: [Part; 4], reason: String) -> Result<Implementation, String> {
    Ok(Implementation::Tract { reference: Box::new(Reference::new(bytes, state, order)?), reason })
}

#[cfg(not(feature = "tract"))]
fn for_any(_: &[u8], _: &StateContract, _: [Part; 4], reason: String) -> Result<Implementation, String> {
    Err(format!(
        "it is not as the trainer writes networks ({reason}), and this program was built without tract, which runs any"
    ))
}

/// What a file may ask of a state: 64 MiB. The shipped WaveNet's has 100,000 values.
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

/// FNV-1a, eight bytes at a time.
fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().copied().chain([last, (bytes.len() as u64).to_le_bytes()]).map(u64::from_le_bytes);
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
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
    use crate::tiny;
    use chorale::Token;

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
    fn a_graph_that_is_not_the_trainers_runs_in_tract_or_is_refused_and_either_way_the_reason_is_told() {
        let mut proto = tiny::network(&tiny::recurrent());
        assert_eq!(Model::from_bytes("tiny", &proto.encode_to_vec()).unwrap().runtime(), Runtime::Fused);
        let nodes = &mut proto.graph.as_mut().unwrap().node;
        nodes.iter_mut().find(|node| node.name == "trunk.0.tanh").unwrap().op_type = "Sigmoid".into();
        let reason =
            "the node 'Sigmoid trunk.0.tanh = trunk.0.cell' stands where 'Tanh trunk.0.tanh = trunk.0.cell' should";
        let model = Model::from_bytes("tiny", &proto.encode_to_vec());
        #[cfg(feature = "tract")]
        assert_eq!(model.unwrap().runtime(), Runtime::Tract { reason });
        #[cfg(not(feature = "tract"))]
        {
            let error = model.err().expect("there is no tract").to_string();
            assert!(error.contains(reason) && error.contains("without tract"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_network_is_refused_by_name() {
        let error = |bytes: &[u8]| Model::from_bytes("tune.onnx", bytes).err().expect("an error").to_string();
        for bytes in [&b""[..], b"not an ONNX file", &[0xff; 64]] {
            assert!(error(bytes).contains("'tune.onnx' is no usable network"), "{}", error(bytes));
        }
    }

    #[test]
    fn a_network_has_the_same_fingerprint_built_in_and_from_a_file() {
        let bytes = include_bytes!("../../../models/lstm.onnx");
        let loaded = Model::from_bytes("copy.onnx", bytes).unwrap();
        assert_eq!(loaded.fingerprint(), Model::lstm().unwrap().fingerprint());
        assert_eq!(loaded.fingerprint(), fingerprint(bytes));
    }

    #[test]
    fn the_fingerprint_is_of_every_byte_and_of_the_length() {
        let bytes: Vec<u8> = (0..19).collect();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert_ne!(fingerprint(&changed), fingerprint(&bytes));
        }
        assert_ne!(fingerprint(&[0; 8]), fingerprint(&[0; 9]));
        assert_ne!(fingerprint(&[]), fingerprint(&[0]));
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
