//! The networks as tract runs them: what never changes ([`Model`]) and what changes at each step ([`State`]).
//!
//! An ONNX file holds one step of a whole network. Here it is cut in two at the value `context`: the trunk, run once
//! a step, and the head of each part, run for as many rows (sopranos) at once as one likes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use chorale::{Chord, Heard, Hearing, Part, Phase, Token};
use serde::Deserialize;
use thiserror::Error;
use tract_onnx::pb::{
    ModelProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension},
    type_proto,
};
use tract_onnx::prelude::*;

#[derive(Debug, Error)]
pub enum ModelError {
    #[error("cannot read '{path}': {source}")]
    Read { path: String, source: std::io::Error },
    #[error("'{name}' is no usable network: {reason} (models/README.md tells what the file must hold)")]
    Contract { name: String, reason: String },
    #[error("tract failed to run the network: {0}")]
    Run(String),
}

type Plan = Arc<TypedRunnableModel>;

/// A loaded network. Shared read-only between threads.
pub struct Model {
    /// chord, heard, phase, state → context, new state.
    trunk: Plan,
    /// For each part, soprano first: context (1, width), chord (M, 4), heard (M, 20) and given (M, 4) → logits
    /// (M, 47).
    heads: [Plan; 4],
    order: [Part; 4],
    state: StateContract,
    /// Made at the first [`Model::batch`].
    batch_plans: OnceLock<(Plan, [Plan; 4])>,
    /// The file, for [`Model::batch`], and what to call it.
    bytes: Cow<'static, [u8]>,
    name: String,
    /// The file's metadata, as name and text.
    pub metadata: HashMap<String, String>,
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
    hearing: Hearing,
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
        self.entries[self.oldest] = entry.into();
        self.oldest = (self.oldest + 1) % self.entries.len();
    }
}

/// What the trunk hands to the heads: all that the network knows before the soprano of the step sounds. (1, width), or
/// a row for each state of a [`Batch`].
#[derive(Clone)]
pub struct Context {
    values: TValue,
    /// What each state heard, for the heads.
    heard: Vec<[i64; Heard::WORDS]>,
}

/// One row for a head: the chord of the step before, and the present one as far as it is chosen.
#[derive(Clone, Copy)]
pub struct Row {
    pub before: Chord,
    pub given: Chord,
}

impl Model {
    /// The WaveNet that is built in.
    ///
    /// # Errors
    /// Never, if the program was built from a whole checkout.
    pub fn wavenet() -> Result<Model, ModelError> {
        Model::named("models/wavenet.onnx", Cow::Borrowed(include_bytes!("../../models/wavenet.onnx")))
    }

    /// The LSTM that is built in.
    ///
    /// # Errors
    /// Never, if the program was built from a whole checkout.
    pub fn lstm() -> Result<Model, ModelError> {
        Model::named("models/lstm.onnx", Cow::Borrowed(include_bytes!("../../models/lstm.onnx")))
    }

    /// # Errors
    /// When the file cannot be read or does not keep the contract of models/README.md.
    pub fn load(path: &Path) -> Result<Model, ModelError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| ModelError::Read { path: name.clone(), source })?;
        Model::named(&name, bytes.into())
    }

    /// # Errors
    /// When the bytes do not keep the contract of models/README.md. `name` is what the message calls them.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Model, ModelError> {
        Model::named(name, bytes.to_vec().into())
    }

    fn named(name: &str, bytes: Cow<'static, [u8]>) -> Result<Model, ModelError> {
        build(name, bytes).map_err(|reason| ModelError::Contract { name: name.into(), reason })
    }

    /// The same network, prepared to run many states side by side.
    ///
    /// # Errors
    /// When the network cannot be run so.
    pub fn batch(self: &Arc<Model>) -> Result<Batch, ModelError> {
        let (trunk, heads) = match self.batch_plans.get() {
            Some(plans) => plans.clone(),
            None => {
                let contract_error = |reason| ModelError::Contract { name: self.name.clone(), reason };
                let proto = read_proto(&self.bytes).map_err(contract_error)?;
                let width = context_width(&proto).map_err(contract_error)?;
                let plans = plans(&proto, &self.state, self.order, width, None).map_err(contract_error)?;
                // Of several threads that come first at once, one's plans stay.
                self.batch_plans.get_or_init(|| plans).clone()
            }
        };
        Ok(Batch { model: Arc::clone(self), trunk, heads })
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
        State { hearing: Hearing::new(), memory }
    }

    /// One step of the trunk: takes the chord of the step before ([`Chord::START`] at the beginning) and the phase of
    /// the present one, moves `state` on and returns the context of the present step.
    ///
    /// # Errors
    /// When tract fails.
    pub fn step(&self, state: &mut State, before: Chord, phase: Phase) -> Result<Context, ModelError> {
        run_trunk(&self.trunk, &self.state, &mut [state], &[before], phase).map_err(run_error)
    }

    /// The logits of `part` for every row, 47 values each: of every token, were it the part's next, given the parts
    /// that come before it in [`Model::order`].
    ///
    /// # Errors
    /// When tract fails.
    pub fn logits(&self, part: Part, context: &Context, rows: &[Row]) -> Result<Vec<f32>, ModelError> {
        let heard = context.heard[0].repeat(rows.len());
        self.run_head(&self.heads, part, context.values.clone(), &heard, rows).map_err(run_error)
    }

    fn run_head(
        &self,
        heads: &[Plan; 4],
        part: Part,
        context: TValue,
        heard: &[i64],
        rows: &[Row],
    ) -> TractResult<Vec<f32>> {
        let column = |chord: fn(&Row) -> Chord| -> TractResult<TValue> {
            let tokens: Vec<i64> = rows.iter().flat_map(|row| chord(row).0.map(|token| token.index() as i64)).collect();
            Ok(Tensor::from_shape(&[rows.len(), 4], &tokens)?.into_tvalue())
        };
        let heard = Tensor::from_shape(&[rows.len(), Heard::WORDS], heard)?.into_tvalue();
        let mut inputs = tvec!(context, column(|row| row.before)?, heard);
        // The first head hears no part of the present chord.
        if part != self.order[0] {
            inputs.push(column(|row| row.given)?);
        }
        let outputs = heads[part.index()].run(inputs)?;
        Ok(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    }
}

/// A network that steps many states at once, each with a history of its own.
pub struct Batch {
    model: Arc<Model>,
    /// As in [`Model`], for any number of states.
    trunk: Plan,
    /// As in [`Model`], with a row of context for each row of chords.
    heads: [Plan; 4],
}

impl Batch {
    /// [`Model::step`] for every state, each after its own chord.
    ///
    /// # Errors
    /// When tract fails.
    pub fn step(&self, states: &mut [&mut State], before: &[Chord], phase: Phase) -> Result<Context, ModelError> {
        run_trunk(&self.trunk, &self.model.state, states, before, phase).map_err(run_error)
    }

    /// [`Model::logits`] for rows that each name the state to whose context they belong.
    ///
    /// # Errors
    /// When tract fails.
    pub fn logits(&self, part: Part, context: &Context, rows: &[(usize, Row)]) -> Result<Vec<f32>, ModelError> {
        let run = || {
            let width = context.values.shape()[1];
            let contexts = context.values.try_as_plain_ram()?;
            let contexts = contexts.as_slice::<f32>()?;
            let gathered: Vec<f32> =
                rows.iter().flat_map(|(state, _)| &contexts[state * width..][..width]).copied().collect();
            let heard: Vec<i64> = rows.iter().flat_map(|&(state, _)| context.heard[state]).collect();
            let context = Tensor::from_shape(&[rows.len(), width], &gathered)?.into_tvalue();
            let rows: Vec<Row> = rows.iter().map(|(_, row)| *row).collect();
            self.model.run_head(&self.heads, part, context, &heard, &rows)
        };
        run().map_err(run_error)
    }
}

fn run_trunk(
    plan: &Plan,
    contract: &StateContract,
    states: &mut [&mut State],
    before: &[Chord],
    phase: Phase,
) -> TractResult<Context> {
    let count = states.len();
    let chords: Vec<i64> = before.iter().flat_map(|chord| chord.0.map(|token| token.index() as i64)).collect();
    let hear =
        |(state, &before): (&mut &mut State, &Chord)| state.hearing.step(before, phase).words().map(|word| word as i64);
    let heard: Vec<[i64; Heard::WORDS]> = states.iter_mut().zip(before).map(hear).collect();
    let mut inputs = tvec!(
        Tensor::from_shape(&[count, 4], &chords)?.into_tvalue(),
        Tensor::from_shape(&[count, Heard::WORDS], &heard.concat())?.into_tvalue(),
        tensor1(&vec![phase.index() as i64; count]).into_tvalue()
    );
    match contract {
        StateContract::Queues { channels, kernel, dilations, .. } => {
            let rows = dilations.len() * (kernel - 1);
            let mut taps = Vec::with_capacity(count * rows * channels);
            for state in states.iter() {
                let Memory::Queues(queues) = &state.memory else { return Err(foreign_state()) };
                for (queue, dilation) in queues.iter().zip(dilations) {
                    (0..kernel - 1).for_each(|tap| taps.extend_from_slice(queue.entry(tap * dilation)));
                }
            }
            inputs.push(Tensor::from_shape(&[count, rows, *channels], &taps)?.into_tvalue());
        }
        StateContract::Recurrent { layers, hidden, .. } => {
            let (mut all_h, mut all_c) = (Vec::new(), Vec::new());
            for state in states.iter() {
                let Memory::Recurrent { h, c } = &state.memory else { return Err(foreign_state()) };
                all_h.extend_from_slice(h);
                all_c.extend_from_slice(c);
            }
            inputs.push(Tensor::from_shape(&[count, *layers, *hidden], &all_h)?.into_tvalue());
            inputs.push(Tensor::from_shape(&[count, *layers, *hidden], &all_c)?.into_tvalue());
        }
    }
    let outputs = plan.run(inputs)?;
    let new: Vec<&[f32]> =
        outputs[1..].iter().map(|output| output.try_as_plain_ram()?.as_slice::<f32>()).collect::<TractResult<_>>()?;
    for (index, state) in states.iter_mut().enumerate() {
        let of_state = |values: &[f32]| index * (values.len() / count)..(index + 1) * (values.len() / count);
        match &mut state.memory {
            Memory::Queues(queues) => {
                let pushes = &new[0][of_state(new[0])];
                let channels = pushes.len() / queues.len();
                for (queue, entry) in queues.iter_mut().zip(pushes.chunks(channels)) {
                    queue.push(entry);
                }
            }
            Memory::Recurrent { h, c } => {
                h.copy_from_slice(&new[0][of_state(new[0])]);
                c.copy_from_slice(&new[1][of_state(new[1])]);
            }
        }
    }
    Ok(Context { values: outputs[0].clone(), heard })
}

fn foreign_state() -> TractError {
    tract_onnx::tract_core::internal::anyhow!("the state belongs to another network")
}

fn run_error(error: TractError) -> ModelError {
    ModelError::Run(format!("{error:#}"))
}

fn read_proto(bytes: &[u8]) -> Result<ModelProto, String> {
    tract_onnx::onnx().proto_model_for_read(&mut &*bytes).map_err(|_| "it is no ONNX file".into())
}

fn context_width(proto: &ModelProto) -> Result<usize, String> {
    value_info(proto, "context")
        .and_then(|info| dimensions(info)?.last().copied().flatten())
        .ok_or_else(|| "it has no output 'context' of a fixed width".into())
}

fn build(name: &str, bytes: Cow<'static, [u8]>) -> Result<Model, String> {
    let proto = read_proto(&bytes)?;
    let metadata: HashMap<String, String> =
        proto.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let entry = |key: &str| metadata.get(key).ok_or_else(|| format!("its metadata have no entry '{key}'"));
    let state: StateContract =
        serde_json::from_str(entry("state")?).map_err(|error| format!("its metadata entry 'state': {error}"))?;
    check_state(&state)?;
    let order = part_order(entry("part_order")?)?;
    let width = context_width(&proto)?;
    let (trunk, heads) = plans(&proto, &state, order, width, Some(1))?;
    Ok(Model { trunk, heads, order, state, batch_plans: OnceLock::new(), bytes, name: name.into(), metadata })
}

/// The trunk and the heads for so many states at once; `None` leaves the number open, and each row of a head then has
/// a context of its own.
fn plans(
    proto: &ModelProto,
    state: &StateContract,
    order: [Part; 4],
    width: usize,
    count: Option<usize>,
) -> Result<(Plan, [Plan; 4]), String> {
    let (state_inputs, state_outputs) = match state {
        StateContract::Queues { taps, pushes, channels, kernel, dilations } => (
            vec![(taps.as_str(), [dilations.len() * (kernel - 1), *channels])],
            vec![(pushes.as_str(), [dilations.len(), *channels])],
        ),
        StateContract::Recurrent { h, c, h_next, c_next, layers, hidden } => {
            let shape = [*layers, *hidden];
            (vec![(h.as_str(), shape), (c.as_str(), shape)], vec![(h_next.as_str(), shape), (c_next.as_str(), shape)])
        }
    };
    let with_count = |[rows, columns]: [usize; 2]| vec![count, Some(rows), Some(columns)];
    let mut inputs = vec![
        Input::words("chord", count, 4),
        Input::words("heard", count, Heard::WORDS),
        Input { name: "phase", ty: DataType::Int64, shape: vec![count] },
    ];
    inputs.extend(state_inputs.into_iter().map(|(name, shape)| Input::floats(name, with_count(shape))));
    let mut outputs = vec![("context", vec![count, Some(width)])];
    outputs.extend(state_outputs.into_iter().map(|(name, shape)| (name, with_count(shape))));
    let trunk = plan(proto, &inputs, &outputs)?;

    let mut heads = Vec::with_capacity(4);
    for part in Part::ALL {
        let name = format!("logits_{}", part.name().to_lowercase());
        let mut inputs = vec![
            Input::floats("context", vec![count, Some(width)]),
            Input::words("chord", None, 4),
            Input::words("heard", None, Heard::WORDS),
        ];
        if part != order[0] {
            inputs.push(Input::words("given", None, 4));
        }
        heads.push(plan(proto, &inputs, &[(&name, vec![None, Some(Token::VOCABULARY)])])?);
    }
    let heads = heads.try_into().map_err(|_| "a head is missing")?;
    Ok((trunk, heads))
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

fn value_info<'a>(proto: &'a ModelProto, name: &str) -> Option<&'a ValueInfoProto> {
    proto.graph.as_ref()?.output.iter().find(|info| info.name == name)
}

/// The dimensions of a value, `None` for a symbolic one.
fn dimensions(info: &ValueInfoProto) -> Option<Vec<Option<usize>>> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    let dims = tensor.shape.as_ref()?.dim.iter().map(|dim| match dim.value {
        Some(dimension::Value::DimValue(value)) => usize::try_from(value).ok(),
        _ => None,
    });
    Some(dims.collect())
}

/// An input of a piece cut out of the graph. `None` in the shape stands for the number of rows, M.
struct Input<'a> {
    name: &'a str,
    ty: DataType,
    shape: Vec<Option<usize>>,
}

impl<'a> Input<'a> {
    fn words(name: &'a str, rows: Option<usize>, words: usize) -> Input<'a> {
        Input { name, ty: DataType::Int64, shape: vec![rows, Some(words)] }
    }

    fn floats(name: &'a str, shape: Vec<Option<usize>>) -> Input<'a> {
        Input { name, ty: DataType::Float, shape }
    }
}

/// Cuts the piece between `inputs` and `outputs` out of the graph, optimizes it and checks its outputs' shapes.
fn plan(proto: &ModelProto, inputs: &[Input], outputs: &[(&str, Vec<Option<usize>>)]) -> Result<Plan, String> {
    let graph = proto.graph.as_ref().ok_or("it holds no graph")?;
    let producers: HashMap<&str, &NodeProto> =
        graph.node.iter().flat_map(|node| node.output.iter().map(move |name| (name.as_str(), node))).collect();
    let mut needed: Vec<&str> = outputs.iter().map(|(name, _)| *name).collect();
    let mut seen: std::collections::HashSet<&str> = inputs.iter().map(|input| input.name).collect();
    let mut kept = std::collections::HashSet::new();
    while let Some(name) = needed.pop() {
        if !seen.insert(name) {
            continue;
        }
        if let Some(node) = producers.get(name) {
            kept.insert(std::ptr::from_ref(*node));
            needed.extend(node.input.iter().map(String::as_str));
        } else if !graph.initializer.iter().any(|constant| constant.name == name) {
            return Err(format!("its graph makes no value '{name}' from the inputs that the contract names"));
        }
    }
    let mut piece = graph.clone();
    piece.node = graph.node.iter().filter(|node| kept.contains(&std::ptr::from_ref(*node))).cloned().collect();
    piece.initializer.retain(|constant| seen.contains(constant.name.as_str()));
    piece.value_info.clear();
    piece.input = inputs.iter().map(|input| declare(input.name, input.ty, &input.shape)).collect();
    piece.output = outputs.iter().map(|(name, shape)| declare(name, DataType::Float, shape)).collect();
    let proto = ModelProto { graph: Some(piece), ..proto.clone() };
    let model = tract_onnx::onnx()
        .model_for_proto_model(&proto)
        .and_then(|model| model.into_optimized())
        .map_err(|error| format!("tract cannot run it: {error:#}"))?;
    for (index, (name, shape)) in outputs.iter().enumerate() {
        let fact = model.output_fact(index).map_err(|error| format!("its output '{name}': {error}"))?;
        let fits = fact.datum_type == f32::datum_type()
            && fact.rank() == shape.len()
            && fact.shape.iter().zip(shape).all(|(dim, wanted)| wanted.is_none_or(|wanted| *dim == wanted.to_dim()));
        if !fits {
            return Err(format!("its output '{name}' is {fact:?}, expected f32 of the shape {shape:?}"));
        }
    }
    model.into_runnable().map_err(|error| format!("tract cannot run it: {error:#}"))
}

fn declare(name: &str, ty: DataType, shape: &[Option<usize>]) -> ValueInfoProto {
    let dim = shape
        .iter()
        .map(|dim| match dim {
            Some(value) => dimension::Value::DimValue(*value as i64),
            None => dimension::Value::DimParam("M".into()),
        })
        .map(|value| Dimension { value: Some(value), ..Dimension::default() })
        .collect();
    let tensor = type_proto::Tensor { elem_type: ty as i32, shape: Some(TensorShapeProto { dim }) };
    let ty = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(ty), ..ValueInfoProto::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let contexts = |state: &mut State, steps: std::ops::Range<usize>| -> Vec<Context> {
            steps.map(|step| model.step(state, before(step), Phase::in_beat(step)).unwrap()).collect()
        };
        let last = |contexts: &[Context]| -> Vec<f32> {
            contexts[contexts.len() - 1].values.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
        };
        // What was heard stays; what the trunk remembers is lost.
        let emptied = |state: &State| State { memory: model.start().memory, ..state.clone() };
        let mut state = model.start();
        contexts(&mut state, 0..steps - window);
        let mut whole = emptied(&state);
        contexts(&mut state, steps - window..steps - 8);
        let mut short = emptied(&state);
        let cached = last(&contexts(&mut state, steps - 8..steps));
        let whole = last(&contexts(&mut whole, steps - window..steps));
        let short = last(&contexts(&mut short, steps - 8..steps));
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
