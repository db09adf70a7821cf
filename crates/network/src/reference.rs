//! The networks as tract runs them, from any file that keeps the contract of models/README.md; for the files that the
//! trainer writes, the measure of [`crate::layers`].
//!
//! An ONNX file holds one step of a whole network. Here it is cut in two at the value `context`: the trunk, run once
//! a step, and the head of each part, run for as many rows (sopranos) at once as one likes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use chorale::{Part, StepFeatures, Token, columns};
use contract::StateContract;
use contract::graph::{CHORD, CONTEXT, GIVEN, HEARD, PHASE, logits_of};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{ModelProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use crate::model::FOREIGN_STATE;
use crate::state::{Context, Memory, Row, State};

type Plan = Arc<TypedRunnableModel>;

pub(crate) struct Reference {
    proto: ModelProto,
    state: StateContract,
    order: [Part; 4],
    width: usize,
    one: Plans,
    /// For any number of states; made when there are several for the first time.
    many: OnceLock<Result<Plans, String>>,
}

struct Plans {
    /// chord, heard, phase, state → context, new state.
    trunk: Plan,
    /// For each part, soprano first: context, chord (M, 4), heard (M, 20) and given (M, 4) → logits (M, 47). The context
    /// is that of the one state (1, width), or one for each row (M, width).
    heads: [Plan; 4],
}

impl Reference {
    pub fn new(bytes: &[u8], state: &StateContract, order: [Part; 4]) -> Result<Reference, String> {
        let proto = tract_onnx::onnx().proto_model_for_read(&mut &*bytes).map_err(|_| "it is no ONNX file")?;
        let width = context_width(&proto)?;
        let one = caught(|| plans(&proto, state, order, width, Some(1)))?;
        Ok(Reference { proto, state: state.clone(), order, width, one, many: OnceLock::new() })
    }

    fn plans(&self, states: usize) -> Result<&Plans, String> {
        if states == 1 {
            return Ok(&self.one);
        }
        let plans = self.many.get_or_init(|| caught(|| plans(&self.proto, &self.state, self.order, self.width, None)));
        plans.as_ref().map_err(String::clone)
    }

    /// As [`crate::layers::Layers::step`].
    pub fn step(&self, states: &mut [&mut State], phase: u8, context: &mut Context) -> Result<(), String> {
        let plan = &self.plans(states.len())?.trunk;
        caught(|| run_trunk(plan, &self.state, states, phase, context).map_err(|error| format!("{error:#}")))
    }

    /// As [`crate::layers::Layers::logits`].
    pub fn logits(&self, part: Part, context: &Context, rows: &[Row], logits: &mut Vec<f32>) -> Result<(), String> {
        let plan = &self.plans(context.words.len())?.heads[part.index()];
        let is_first = part == self.order[0];
        caught(|| run_head(plan, is_first, self.width, context, rows, logits).map_err(|error| format!("{error:#}")))
    }
}

/// Some graphs that make no sense (an index beyond its table, say) tract does not refuse, but panics over. Nobody is to
/// see more of it than that the network cannot run.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panics::catch(work).unwrap_or_else(|_| Err("its graph makes no sense: tract breaks off".into()))
}

fn run_head(
    plan: &Plan,
    is_first: bool,
    width: usize,
    context: &Context,
    rows: &[Row],
    logits: &mut Vec<f32>,
) -> TractResult<()> {
    let values = if context.words.len() == 1 {
        Tensor::from_shape(&[1, width], &context.values)?
    } else {
        let gathered: Vec<f32> =
            (rows.iter().flat_map(|row| &context.values[row.state * width..][..width])).copied().collect();
        Tensor::from_shape(&[rows.len(), width], &gathered)?
    };
    let words = |from: usize, to: usize| -> TractResult<TValue> {
        let words: Vec<i64> =
            rows.iter().flat_map(|row| &context.words[row.state][from..to]).map(|&word| word.into()).collect();
        Ok(Tensor::from_shape(&[rows.len(), to - from], &words)?.into_tvalue())
    };
    let mut inputs = tvec!(
        values.into_tvalue(),
        words(columns::CHORD, columns::FEATURES)?,
        words(columns::FEATURES, columns::COUNT)?
    );
    // The first head hears no part of the present chord.
    if !is_first {
        let given: Vec<i64> = rows.iter().flat_map(|row| row.given.0.map(|token| token.index() as i64)).collect();
        inputs.push(Tensor::from_shape(&[rows.len(), 4], &given)?.into_tvalue());
    }
    let outputs = plan.run(inputs)?;
    logits.extend_from_slice(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?);
    Ok(())
}

fn run_trunk(
    plan: &Plan,
    contract: &StateContract,
    states: &mut [&mut State],
    phase: u8,
    context: &mut Context,
) -> TractResult<()> {
    let count = states.len();
    let words = |from: usize, to: usize| -> TractResult<TValue> {
        let words: Vec<i64> =
            context.words.iter().flat_map(|words| &words[from..to]).map(|&word| word.into()).collect();
        Ok(Tensor::from_shape(&[count, to - from], &words)?.into_tvalue())
    };
    let phases = tensor1(&vec![i64::from(phase); count]).into_tvalue();
    let mut inputs =
        tvec!(words(columns::CHORD, columns::FEATURES)?, words(columns::FEATURES, columns::COUNT)?, phases);
    match contract {
        StateContract::Queues { channels, kernel, dilations, .. } => {
            let rows = dilations.len() * (kernel - 1);
            let mut taps = Vec::with_capacity(count * rows * channels);
            for state in states.iter() {
                let Memory::Queues(queues) = &state.memory else { return Err(foreign_state()) };
                for (queue, dilation) in queues.iter().zip(dilations) {
                    (0..kernel - 1).for_each(|tap| taps.extend_from_slice(queue.read(tap * dilation)));
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
    context.values.clear();
    context.values.extend_from_slice(outputs[0].try_as_plain_ram()?.as_slice::<f32>()?);
    Ok(())
}

fn foreign_state() -> TractError {
    tract_onnx::tract_core::internal::anyhow!(FOREIGN_STATE)
}

fn context_width(proto: &ModelProto) -> Result<usize, String> {
    value_info(proto, CONTEXT)
        .and_then(|info| dimensions(info)?.last().copied().flatten())
        .ok_or_else(|| "it has no output 'context' of a fixed width".into())
}

/// The trunk and the heads for so many states at once; `None` leaves the number open, and each row of a head then has
/// a context of its own.
fn plans(
    proto: &ModelProto,
    state: &StateContract,
    order: [Part; 4],
    width: usize,
    count: Option<usize>,
) -> Result<Plans, String> {
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
        Input::words(CHORD, count, 4),
        Input::words(HEARD, count, StepFeatures::WORDS),
        Input { name: PHASE, ty: DataType::Int64, shape: vec![count] },
    ];
    inputs.extend(state_inputs.into_iter().map(|(name, shape)| Input::floats(name, with_count(shape))));
    let mut outputs = vec![(CONTEXT, vec![count, Some(width)])];
    outputs.extend(state_outputs.into_iter().map(|(name, shape)| (name, with_count(shape))));
    let trunk = plan(proto, &inputs, &outputs)?;

    let mut heads = Vec::with_capacity(4);
    for part in Part::ALL {
        let name = logits_of(part);
        let mut inputs = vec![
            Input::floats(CONTEXT, vec![count, Some(width)]),
            Input::words(CHORD, None, 4),
            Input::words(HEARD, None, StepFeatures::WORDS),
        ];
        if part != order[0] {
            inputs.push(Input::words(GIVEN, None, 4));
        }
        heads.push(plan(proto, &inputs, &[(&name, vec![None, Some(Token::VOCABULARY)])])?);
    }
    let heads = heads.try_into().map_err(|_| "a head is missing")?;
    Ok(Plans { trunk, heads })
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
    let mut seen: HashSet<&str> = inputs.iter().map(|input| input.name).collect();
    let mut kept = HashSet::new();
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
    for node in &piece.node {
        if node.attribute.iter().any(|attribute| attribute.g.is_some() || !attribute.graphs.is_empty()) {
            return Err(format!("its node '{}' holds a graph of its own, whose size nothing bounds", node.name));
        }
    }
    let proto = ModelProto { graph: Some(piece), functions: Vec::new(), ..proto.clone() };
    let cannot = |error: TractError| format!("tract cannot run it: {error:#}");
    let mut model = tract_onnx::onnx().model_for_proto_model(&proto).map_err(cannot)?;
    check_sizes(&mut model)?;
    let model = model.into_optimized().map_err(cannot)?;
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

/// Values that a piece may make of one row, and besides them, such as constants worked out of constants. Ten times what
/// the shipped networks make; of more, memory could run out.
const MOST_ROW_VALUES: usize = 1 << 18;
const MOST_OTHER_VALUES: usize = 1 << 22;

/// Works the shapes of all values out, one after the other, and refuses those that are too large before any is made:
/// tract makes what follows from constants as soon as it looks at it, whatever its size.
fn check_sizes(model: &mut InferenceModel) -> Result<(), String> {
    let cannot = |error: TractError| format!("tract cannot run it: {error:#}");
    let one_row = SymbolValues::default().with(&model.symbols.sym("M"), 1);
    let (mut of_row, mut others) = (0usize, 0usize);
    for id in model.eval_order().map_err(cannot)? {
        let node = model.node(id);
        if node.inputs.is_empty() {
            continue; // a constant of the file, or an input of the contract
        }
        let (inputs, outputs) = model.node_facts(id).map_err(cannot)?;
        let observed = node.op.observe_outlets(model, node).map_err(cannot)?;
        let observed: TVec<_> =
            observed.into_iter().map(|outlet| model.outlet_fact(outlet)).collect::<TractResult<_>>().map_err(cannot)?;
        let mut op = node.op.clone();
        let (_, shapes, _) = op.infer_facts(inputs.clone(), outputs.clone(), observed.clone()).map_err(cannot)?;
        for fact in &shapes {
            let size = |dim: &TDim| usize::try_from(dim.eval(&one_row).to_i64().ok()?).ok();
            let dims = fact.shape.concretize();
            let count =
                dims.as_ref().and_then(|dims| dims.iter().try_fold(1usize, |all, dim| all.checked_mul(size(dim)?)));
            let count =
                count.ok_or_else(|| format!("how large its value '{}' is cannot be told beforehand", node.name))?;
            let is_of_row = dims.iter().flatten().any(|dim| dim.to_i64().is_err());
            let (sum, most) = if is_of_row { (&mut of_row, MOST_ROW_VALUES) } else { (&mut others, MOST_OTHER_VALUES) };
            *sum = sum.saturating_add(count);
            if *sum > most {
                return Err(format!("its value '{}' holds {count} numbers; all together may hold {most}", node.name));
            }
        }
        let (_, found, _) = op.infer(inputs, outputs, observed).map_err(cannot)?;
        for (slot, fact) in found.into_iter().enumerate() {
            model.set_outlet_fact(OutletId::new(id, slot), fact).map_err(cannot)?;
        }
    }
    Ok(())
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
