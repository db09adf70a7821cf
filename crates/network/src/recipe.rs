//! Tells whether a file holds exactly the graph that `trainer export` writes, and if so takes its weights out.
//!
//! Every node, its inputs and its attributes, and every constant's type and dimensions are compared with the contract's
//! [`StepGraph`] for networks of the file's sizes. A graph that says anything else, however like it looks, is left to
//! tract.

use std::collections::HashMap;

use arithmetic::Matrix;
use chorale::{Part, Phase, Token, columns};
use contract::graph::{Constant, Content, EmbeddingSizes, HeadSizes, Node, Sizes, StepGraph, halves_of};
use contract::half::from_half;
use contract::onnx::{DataType, GraphProto, ModelProto, OperatorSetIdProto, TensorProto};
use contract::{OPSET, StateContract};

use crate::embedding::{Embedding, Feature};
use crate::head::{BETWEEN_LIMIT, Head};
use crate::layers::{Layers, Trunk};
use crate::linear::Linear;
use crate::logit_groups::{LogitGroup, OUTPUT_LIMIT, Output};
use crate::lstm::Lstm;
use crate::wavenet::{Block, Wavenet};

/// # Errors
/// What is not as it would have to be.
pub(crate) fn read(proto: &ModelProto, state: &StateContract, order: [Part; 4]) -> Result<Layers, String> {
    let graph = proto.graph.as_ref().ok_or("it holds no graph")?;
    let is_known = |import: &OperatorSetIdProto| import.domain.is_empty() && import.version == OPSET;
    if proto.opset_import.len() != 1 || !proto.opset_import.iter().all(is_known) || !proto.functions.is_empty() {
        return Err("it uses another operator set".into());
    }
    let constants = Constants(graph.initializer.iter().map(|constant| (constant.name.as_str(), constant)).collect());
    if constants.0.len() != graph.initializer.len() {
        return Err("two of its constants have one name".into());
    }
    let sizes = sizes(graph, &constants, state, order)?;
    let mut expected = StepGraph::new(&sizes);
    compare(graph, &mut expected.nodes)?;
    if let Some(input) = expected.inputs.iter().find(|input| constants.0.contains_key(input.name.as_str())) {
        return Err(format!("'{}' is a constant", input.name));
    }
    expected.constants.iter().try_for_each(|constant| constants.check(constant))?;

    let relations = constants.ints("relations")?;
    let heads = Part::ALL.map(|part| head(&constants, part, part == order[0], &relations));
    let [soprano, alto, tenor, bass] = heads;
    Ok(Layers { trunk: trunk(&constants, &sizes, &relations)?, heads: [soprano?, alto?, tenor?, bass?] })
}

/// The sizes that the file's constants have.
fn sizes(graph: &GraphProto, constants: &Constants, state: &StateContract, order: [Part; 4]) -> Result<Sizes, String> {
    // Each layer, and each tap, has nodes of its own: a file cannot ask for more of them than it holds.
    let (layers, context) = match state {
        StateContract::Queues { kernel, dilations, .. } => {
            (dilations.len().saturating_mul(kernel - 1), constants.dims::<1>("trunk.context.bias")?[0])
        }
        StateContract::Recurrent { layers, hidden, .. } => (*layers, layers * hidden),
    };
    if layers > graph.node.len() {
        return Err("it has another number of nodes".into());
    }
    let embedding = |name: &str| {
        let [rows, width] = constants.dims(&format!("{name}.table"))?;
        let [singles] = constants.dims(&format!("{name}.singles.columns"))?;
        let [pairs] = constants.dims(&format!("{name}.firsts.columns"))?;
        Ok::<_, String>(EmbeddingSizes { rows, width, singles, pairs })
    };
    let mut heads = [HeadSizes::default(); 4];
    for part in Part::ALL {
        let name = part.name().to_lowercase();
        let tokens = embedding(&format!("{name}.tokens"))?;
        heads[part.index()] = HeadSizes { tokens, outputs: constants.dims::<1>(&format!("{name}.output.bias"))?[0] };
    }
    Ok(Sizes {
        state: state.clone(),
        order,
        relations: constants.dims::<1>("relations")?[0],
        names: constants.dims::<2>("names")?[0],
        input: embedding("input")?,
        context,
        heads,
    })
}

/// Fails on the first node, by the names of their values, that only one of the two has. The order in which they stand is
/// the file's own affair.
fn compare(graph: &GraphProto, expected: &mut [Node]) -> Result<(), String> {
    let mut found = graph.node.iter().map(Node::from_proto).collect::<Result<Vec<_>, _>>()?;
    found.sort();
    expected.sort();
    for (found, expected) in found.iter().zip(&*expected) {
        if found != expected {
            return Err(format!("the node '{found}' stands where '{expected}' should"));
        }
    }
    if found.len() == expected.len() { Ok(()) } else { Err("it has another number of nodes".into()) }
}

/// The file's constants by name.
struct Constants<'a>(HashMap<&'a str, &'a TensorProto>);

impl Constants<'_> {
    /// A constant's dimensions, none of them zero, and its bytes, which are those of as many values.
    fn raw(&self, name: &str, data_type: DataType) -> Result<(Vec<usize>, &[u8]), String> {
        let wrong = || format!("the constant '{name}' is missing or not as the trainer writes it");
        let constant = self.0.get(name).ok_or_else(wrong)?;
        let dims = constant.dims.iter().map(|&dim| usize::try_from(dim).ok().filter(|&dim| dim > 0));
        let dims = dims.collect::<Option<Vec<usize>>>().ok_or_else(wrong)?;
        let size = match data_type {
            DataType::Int64 => 8,
            DataType::Float | DataType::Undefined => 4,
            DataType::Float16 => 2,
        };
        let bytes = dims.iter().try_fold(size, |bytes: usize, &dim| bytes.checked_mul(dim));
        let fits = constant.data_type == data_type as i32
            && constant.external_data.is_empty()
            && bytes == Some(constant.raw_data.len());
        if fits { Ok((dims, &constant.raw_data)) } else { Err(wrong()) }
    }

    /// The dimensions of a constant of any type, or of a matrix, that has as many as are asked for.
    fn dims<const COUNT: usize>(&self, name: &str) -> Result<[usize; COUNT], String> {
        let halves = || self.raw(&halves_of(name), DataType::Float16);
        let (dims, _) =
            halves().or_else(|_| self.raw(name, DataType::Float)).or_else(|_| self.raw(name, DataType::Int64))?;
        dims.try_into().map_err(|_| format!("the constant '{name}' has another number of dimensions"))
    }

    fn check(&self, expected: &Constant) -> Result<(), String> {
        let name = &expected.name;
        let (dims, _) = self.raw(name, expected.content.data_type())?;
        if dims != expected.dims {
            return Err(format!("the dimensions of the constant '{name}' are {dims:?}, not {:?}", expected.dims));
        }
        match &expected.content {
            Content::Shape(values) if self.ints(name)? != *values => {
                Err(format!("the constant '{name}' holds other values"))
            }
            _ => Ok(()),
        }
    }

    fn ints(&self, name: &str) -> Result<Vec<i64>, String> {
        let (_, bytes) = self.raw(name, DataType::Int64)?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect())
    }

    /// Whole numbers from 0, each below `limit`.
    fn indices(&self, name: &str, limit: usize) -> Result<Vec<usize>, String> {
        let index = |value: i64| usize::try_from(value).ok().filter(|&value| value < limit);
        let indices = self.ints(name)?.into_iter().map(index).collect::<Option<_>>();
        indices.ok_or_else(|| format!("the constant '{name}' points beyond a table"))
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let (_, bytes) = self.raw(name, DataType::Float)?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    /// In row-major order.
    fn matrix(&self, name: &str) -> Result<Vec<f32>, String> {
        let (_, bytes) = self.raw(&halves_of(name), DataType::Float16)?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| from_half(u16::from_le_bytes(bytes))).collect())
    }

    fn linear(&self, name: &str) -> Result<Linear, String> {
        let bias = self.floats(&format!("{name}.bias"))?;
        Ok(Linear { matrix: Matrix::new(&self.matrix(&format!("{name}.weight"))?, bias.len()), bias })
    }

    /// Of words of which each column has as many as `vocabularies` says.
    fn embedding(&self, name: &str, relations: &[i64], vocabularies: &[usize]) -> Result<Embedding, String> {
        let of = |what: &str| format!("{name}.{what}");
        let [count, width] = self.dims(&of("table"))?;
        let columns = |what: &str| self.indices(&of(what), vocabularies.len());
        let singles = columns("singles.columns")?;
        let pairs = columns("firsts.columns")?.into_iter().zip(columns("seconds.columns")?);
        let kinds = self.indices(&of("kinds"), relations.len())?;
        let offsets = self.indices(&of("offsets"), count)?;
        let row = |offset: usize, class: i64| {
            let row = usize::try_from(class).ok().and_then(|class| class.checked_add(offset));
            row.filter(|&row| row < count)
                .map(|row| row as u32)
                .ok_or_else(|| format!("words point beyond the constant '{name}.table'"))
        };
        let mut features = Vec::with_capacity(offsets.len());
        for (&column, &offset) in singles.iter().zip(&offsets) {
            let rows = (0..vocabularies[column]).map(|word| row(offset, word as i64)).collect::<Result<_, _>>()?;
            features.push(Feature { columns: [column; 2], rows });
        }
        for (((first, second), kind), &offset) in pairs.zip(kinds).zip(&offsets[singles.len()..]) {
            let classes =
                relations.get(kind..kind + columns::TOKENS.pow(2)).ok_or("the constant 'relations' is too short")?;
            let rows = classes.iter().map(|&class| row(offset, class)).collect::<Result<_, _>>()?;
            features.push(Feature { columns: [first, second], rows });
        }
        Ok(Embedding { width, table: self.matrix(&of("table"))?, features })
    }
}

fn trunk(constants: &Constants, sizes: &Sizes, relations: &[i64]) -> Result<Trunk, String> {
    let vocabularies = [&columns::VOCABULARIES[..], &[Phase::COUNT]].concat();
    let input = constants.embedding("input", relations, &vocabularies)?;
    match &sizes.state {
        StateContract::Queues { channels, kernel, dilations, .. } => {
            if input.width != *channels {
                return Err("the constant 'input.table' is not as wide as the state's channels".into());
            }
            let block = |layer: usize| {
                let of = |what: &str| format!("trunk.{layer}.{what}");
                let is_last = layer + 1 == dilations.len();
                Ok(Block {
                    gate: constants.linear(&of("gate"))?,
                    residual: if is_last { None } else { Some(constants.linear(&of("residual"))?) },
                })
            };
            Ok(Trunk::Wavenet(Wavenet {
                input,
                blocks: (0..dilations.len()).map(block).collect::<Result<_, String>>()?,
                context: constants.linear("trunk.context")?,
                kernel: *kernel,
                dilations: dilations.clone(),
            }))
        }
        StateContract::Recurrent { layers, hidden, .. } => {
            let values = constants.matrix("trunk.0.gates.weight")?;
            let bias = constants.floats("trunk.0.gates.bias")?;
            let columns = bias.len();
            let (from_input, from_h) = values.split_at(input.width * columns);
            // The input's rows only ever meet the input weights, so they are multiplied beforehand.
            let mut table = vec![0.0; input.table.len() / input.width * columns];
            Matrix::new(from_input, columns).add_product(&input.table, &mut table);
            Ok(Trunk::Lstm(Lstm {
                input: Embedding { width: columns, table, features: input.features },
                recurrent: Linear { matrix: Matrix::new(from_h, columns), bias },
                layers: (1..*layers)
                    .map(|layer| constants.linear(&format!("trunk.{layer}.gates")))
                    .collect::<Result<_, _>>()?,
                hidden: *hidden,
            }))
        }
    }
}

fn head(constants: &Constants, part: Part, is_first: bool, relations: &[i64]) -> Result<Head, String> {
    let name = part.name().to_lowercase();
    let of = |what: &str| format!("{name}.{what}");
    let given: &[usize] = if is_first { &[] } else { &[columns::TOKENS; 4] };
    let vocabularies = [&columns::VOCABULARIES[..], given].concat();
    let mut known = constants.embedding(&of("tokens"), relations, &vocabularies)?;
    let (mut features, mut given, mut between) = (Vec::new(), [const { Vec::new() }; 4], Vec::new());
    for feature in known.features {
        match feature.columns.map(|column| column.checked_sub(columns::GIVEN)) {
            [None, None] => features.push(feature),
            [Some(one), Some(other)] if one != other => between.push(feature),
            [Some(part), _] | [_, Some(part)] => given[part].push(feature),
        }
    }
    known.features = features;
    let wrong = || format!("the outputs of the head '{name}' are too many, or point beyond a table");
    let bias = constants.floats(&of("output.bias"))?;
    let outputs = bias.len();
    if !(Token::VOCABULARY..OUTPUT_LIMIT).contains(&outputs) || between.len() > BETWEEN_LIMIT {
        return Err(wrong());
    }
    let groups = logit_groups(constants, &name, &vocabularies, outputs)?;
    let weights = [constants.matrix(&of("output.weight"))?, bias].concat();
    Ok(Head {
        context: constants.linear(&of("context"))?,
        known,
        given,
        between,
        output: Output::new(weights, outputs, groups).ok_or_else(wrong)?,
        lowest: constants.floats(&of("lowest"))?[0],
    })
}

/// Which of a head's outputs belong to its groups.
fn logit_groups(
    constants: &Constants,
    head: &str,
    vocabularies: &[usize],
    outputs: usize,
) -> Result<Vec<LogitGroup>, String> {
    let of = |what: &str| format!("{head}.{what}");
    let wrong = || format!("the outputs of the head '{head}' are too many, or point beyond a table");
    let names = constants.ints("names")?;
    let starts = constants.indices(&of("starts.columns"), vocabularies.len())?;
    let kinds = constants.indices(&of("kinds"), names.len() / Token::VOCABULARY)?;
    let offsets = constants.indices(&of("offsets"), outputs)?;
    let group = |((column, kind), offset): ((usize, usize), usize)| {
        let words = kind * Token::VOCABULARY..(kind + vocabularies[column]) * Token::VOCABULARY;
        let output = |&name: &i64| {
            let output = usize::try_from(name).ok()?.checked_add(offset)?;
            u16::try_from(output).ok().filter(|_| output < outputs)
        };
        let outputs = names.get(words).ok_or_else(wrong)?.iter().map(output).collect::<Option<_>>();
        Ok(LogitGroup { column, outputs: outputs.ok_or_else(wrong)? })
    };
    starts.into_iter().zip(kinds).zip(offsets).map(group).collect()
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::tiny;

    fn read_tiny(proto: &ModelProto, state: &StateContract) -> Result<Layers, String> {
        read(proto, state, tiny::ORDER)
    }

    #[test]
    fn the_contracts_graph_is_accepted_for_either_architecture() {
        for state in [tiny::queues(), tiny::recurrent()] {
            let layers = read_tiny(&tiny::network(&state), &state).unwrap();
            assert_eq!(matches!(layers.trunk, Trunk::Wavenet(_)), matches!(state, StateContract::Queues { .. }));
        }
    }

    #[test]
    fn the_shipped_networks_graphs_are_the_contracts_to_the_byte() {
        for bytes in [&include_bytes!("../../../models/wavenet.onnx")[..], include_bytes!("../../../models/lstm.onnx")]
        {
            let proto = ModelProto::decode(bytes).unwrap();
            let entry = |key: &str| &proto.metadata_props.iter().find(|entry| entry.key == key).unwrap().value;
            let state = serde_json::from_str(entry(contract::metadata::STATE)).unwrap();
            let order = entry(contract::metadata::PART_ORDER).chars().filter_map(Part::from_letter);
            let order = order.collect::<Vec<_>>().try_into().unwrap();
            let graph = proto.graph.as_ref().unwrap();
            let constants = Constants(graph.initializer.iter().map(|found| (found.name.as_str(), found)).collect());
            let sizes = sizes(graph, &constants, &state, order).unwrap();
            let fill = |constant: &Constant| Ok::<_, String>(constants.0[constant.name.as_str()].raw_data.clone());
            let again = StepGraph::new(&sizes).to_proto(&graph.name, fill).unwrap();
            assert!(again.encode_to_vec() == graph.encode_to_vec());
            assert!(proto.encode_to_vec() == bytes, "the file holds something that the messages do not tell of");
        }
    }

    #[test]
    fn a_graph_with_any_one_node_changed_is_refused_by_its_name() {
        for state in [tiny::queues(), tiny::recurrent()] {
            let proto = tiny::network(&state);
            for index in 0..proto.graph.as_ref().unwrap().node.len() {
                let mut changed = proto.clone();
                let node = &mut changed.graph.as_mut().unwrap().node[index];
                let name = node.output[0].clone();
                node.op_type = "Identity".into();
                let reason = read_tiny(&changed, &state).err().expect("refused");
                assert!(reason.contains(&format!("{name} = ")) && reason.contains("stands where"), "{name}: {reason}");
            }
        }
    }

    #[test]
    fn a_graph_with_any_one_constant_of_another_size_or_shape_is_refused() {
        for state in [tiny::queues(), tiny::recurrent()] {
            let proto = tiny::network(&state);
            let expected =
                |name: &str| ["from", "to", "index", "shape", "flat", "split"].iter().any(|end| name.ends_with(end));
            for index in 0..proto.graph.as_ref().unwrap().initializer.len() {
                let mut changed = proto.clone();
                let constant = &mut changed.graph.as_mut().unwrap().initializer[index];
                let name = constant.name.clone();
                if expected(&name) {
                    constant.raw_data[0] ^= 1;
                    let reason = read_tiny(&changed, &state).err().expect("refused");
                    assert!(reason.contains(&format!("'{name}'")), "{name}: {reason}");
                }
                let mut shortened = proto.clone();
                let constant = &mut shortened.graph.as_mut().unwrap().initializer[index];
                constant.raw_data.pop();
                assert!(read_tiny(&shortened, &state).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn what_a_state_asks_for_beyond_the_files_nodes_is_refused_before_it_takes_memory() {
        let proto = tiny::network(&tiny::recurrent());
        let [h, c, h_next, c_next] = ["h", "c", "h_next", "c_next"].map(String::from);
        let state = StateContract::Recurrent { h, c, h_next, c_next, layers: 1 << 24, hidden: 1 };
        assert_eq!(read_tiny(&proto, &state).err().as_deref(), Some("it has another number of nodes"));
        let proto = tiny::network(&tiny::queues());
        let (taps, pushes) = ("taps".into(), "pushes".into());
        let state = StateContract::Queues { taps, pushes, channels: 1, kernel: 1 << 24, dilations: vec![1] };
        assert_eq!(read_tiny(&proto, &state).err().as_deref(), Some("it has another number of nodes"));
    }
}
