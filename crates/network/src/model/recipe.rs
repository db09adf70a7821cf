//! Tells whether a file holds exactly the graph that `trainer export` writes, and if so takes its weights out.
//!
//! Every node, its inputs and its attributes are compared with what the trainer would have written for networks of the
//! file's sizes. A graph that says anything else, however like it looks, is left to tract.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use arithmetic::Matrix;
use chorale::{Part, Phase, Token, columns};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

use super::fused::{
    Block, Embedding, Feature, Fused, Head, KnownNames, Linear, MOST_BETWEEN, MOST_NAMINGS, MOST_OUTPUTS, MOST_WORDS,
    Place, Trunk,
};
use super::{StateContract, WORDS};

/// The operator set whose meaning the arithmetic has.
const OPSET: i64 = 17;
const GATES: usize = 4;

/// # Errors
/// What is not as it would have to be.
pub(super) fn take(proto: &ModelProto, state: &StateContract, order: [Part; 4]) -> Result<Fused, String> {
    let graph = proto.graph.as_ref().ok_or("no graph")?;
    let is_known = |import: &tract_onnx::pb::OperatorSetIdProto| import.domain.is_empty() && import.version == OPSET;
    if proto.opset_import.len() != 1 || !proto.opset_import.iter().all(is_known) || !proto.functions.is_empty() {
        return Err("another operator set".into());
    }
    let mut recipe = Recipe::default();
    recipe.graph(state, order);
    recipe.compare(graph)?;
    let constants = Constants(graph.initializer.iter().map(|constant| (constant.name.as_str(), constant)).collect());
    if constants.0.len() != graph.initializer.len() {
        return Err("two constants of one name".into());
    }
    let inputs = match state {
        StateContract::Queues { taps, .. } => vec![taps],
        StateContract::Recurrent { h, c, .. } => vec![h, c],
    };
    for input in ["chord", "heard", "phase", "given"].into_iter().chain(inputs.into_iter().map(String::as_str)) {
        if constants.0.contains_key(input) {
            return Err(format!("'{input}' is a constant"));
        }
    }
    for (name, dims, values) in &recipe.constants {
        if constants.ints(name)? != (dims.clone(), values.clone()) {
            return Err(format!("the constant '{name}'"));
        }
    }
    let relations = constants.ints("relations")?.1;
    let trunk = trunk(&constants, state, &relations)?;
    let width = match &trunk {
        Trunk::Wavenet { context, .. } => context.bias.len(),
        Trunk::Lstm { layers, hidden, .. } => (1 + layers.len()) * hidden,
    };
    let mut heads = Vec::with_capacity(4);
    for part in Part::ALL {
        heads.push(head(&constants, part, part == order[0], width, &relations)?);
    }
    Ok(Fused { trunk, heads: heads.try_into().map_err(|_| "four heads")?, width })
}

/// The nodes that the trainer writes, each as a line of text, and the constants that give them their shape.
#[derive(Default)]
struct Recipe {
    nodes: Vec<String>,
    constants: Vec<(String, Vec<i64>, Vec<i64>)>,
}

impl Recipe {
    fn node(&mut self, op: &str, name: &str, inputs: &[&str]) {
        self.nodes.push(format!("{op} {name} = {}", inputs.join(" ")));
    }

    fn ints(&mut self, name: String, dims: &[usize], values: &[i64]) {
        self.constants.push((name, dims.iter().map(|&dim| dim as i64).collect(), values.into()));
    }

    /// Fails on the first node that only one of the two has.
    fn compare(&mut self, graph: &GraphProto) -> Result<(), String> {
        let mut found = graph.node.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        found.sort();
        self.nodes.sort();
        for (found, wanted) in found.iter().zip(&self.nodes) {
            if found != wanted {
                return Err(format!("the node '{found}' stands where '{wanted}' should"));
            }
        }
        if found.len() == self.nodes.len() { Ok(()) } else { Err("another number of nodes".into()) }
    }

    fn graph(&mut self, state: &StateContract, order: [Part; 4]) {
        self.node("Concat axis=1", "past.words", &["chord", "heard"]);
        self.node("Unsqueeze", "phase.column", &["phase", "axis1"]);
        self.node("Concat axis=1", "input.words", &["past.words", "phase.column"]);
        self.node("Concat axis=1", "head.words", &["past.words", "given"]);
        self.ints("axis1".into(), &[1], &[1]);
        self.ints("tokens".into(), &[], &[MOST_WORDS as i64]);
        self.embedding("input", "input.words");
        match state {
            StateContract::Queues { taps, pushes, channels, kernel, dilations } => {
                self.wavenet(taps, pushes, *channels, *kernel, dilations.len());
            }
            StateContract::Recurrent { h, c, h_next, c_next, layers, hidden } => {
                self.lstm([h, c], [h_next, c_next], *layers, *hidden);
            }
        }
        for part in Part::ALL {
            self.head(part, if part == order[0] { "past.words" } else { "head.words" }, order);
        }
        let logits: Vec<String> = Part::ALL.iter().map(|part| logits_name(*part)).collect();
        self.stack("logits", &logits, Token::VOCABULARY);
    }

    fn embedding(&mut self, name: &str, words: &str) {
        let of = |what: &str| format!("{name}.{what}");
        for columns in ["singles", "firsts", "seconds"] {
            self.node("Gather axis=1", &of(columns), &[words, &of(&format!("{columns}.columns"))]);
        }
        self.node("Mul", &of("scaled"), &[&of("firsts"), "tokens"]);
        self.node("Add", &of("both"), &[&of("scaled"), &of("seconds")]);
        self.node("Add", &of("pairs"), &[&of("both"), &of("kinds")]);
        self.node("Gather axis=0", &of("relations"), &["relations", &of("pairs")]);
        self.node("Concat axis=1", &of("classes"), &[&of("singles"), &of("relations")]);
        self.node("Add", &of("rows"), &[&of("classes"), &of("offsets")]);
        self.node("Gather axis=0", &of("embedded"), &[&of("table"), &of("rows")]);
        self.node("ReduceSum keepdims=0", &of("sum"), &[&of("embedded"), "axis1"]);
    }

    fn linear(&mut self, name: &str, x: &str) {
        self.node("MatMul", &format!("{name}.product"), &[x, &format!("{name}.weight")]);
        self.node("Add", name, &[&format!("{name}.product"), &format!("{name}.bias")]);
    }

    fn columns(&mut self, name: &str, x: &str, from: usize, to: usize) {
        let ends = [format!("{name}.from"), format!("{name}.to")];
        self.node("Slice", name, &[x, &ends[0], &ends[1], "axis1"]);
        for (name, value) in ends.into_iter().zip([from, to]) {
            self.ints(name, &[1], &[value as i64]);
        }
    }

    fn row(&mut self, name: &str, x: &str, index: usize) {
        self.node("Gather axis=1", name, &[x, &format!("{name}.index")]);
        self.ints(format!("{name}.index"), &[], &[index as i64]);
    }

    fn stack(&mut self, name: &str, rows: &[String], width: usize) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        self.node("Concat axis=1", &format!("{name}.flat"), &rows);
        self.node("Reshape", name, &[&format!("{name}.flat"), &format!("{name}.shape")]);
        self.ints(format!("{name}.shape"), &[3], &[0, rows.len() as i64, width as i64]);
    }

    fn wavenet(&mut self, taps: &str, pushes: &str, channels: usize, kernel: usize, layers: usize) {
        let mut x = "input.sum".to_string();
        let (mut pushed, mut gated) = (Vec::new(), Vec::new());
        for layer in 0..layers {
            let of = |what: &str| format!("trunk.{layer}.{what}");
            let mut window: Vec<String> = (0..kernel - 1).map(|tap| of(&format!("tap.{tap}"))).collect();
            for (tap, name) in window.iter().enumerate() {
                self.row(name, taps, layer * (kernel - 1) + tap);
            }
            window.push(x.clone());
            let window: Vec<&str> = window.iter().map(String::as_str).collect();
            self.node("Concat axis=1", &of("window"), &window);
            self.linear(&of("gate"), &of("window"));
            self.columns(&of("filter"), &of("gate"), 0, channels);
            self.columns(&of("gating"), &of("gate"), channels, 2 * channels);
            self.node("Tanh", &of("tanh"), &[&of("filter")]);
            self.node("Sigmoid", &of("sigmoid"), &[&of("gating")]);
            self.node("Mul", &of("gated"), &[&of("tanh"), &of("sigmoid")]);
            pushed.push(x.clone());
            if layer + 1 < layers {
                self.linear(&of("residual"), &of("gated"));
                self.node("Add", &of("output"), &[&x, &of("residual")]);
                x = of("output");
            }
            gated.push(of("gated"));
        }
        let gated: Vec<&str> = gated.iter().map(String::as_str).collect();
        self.node("Concat axis=1", "trunk.gated", &gated);
        self.linear("trunk.context", "trunk.gated");
        self.node("Relu", "context", &["trunk.context"]);
        self.stack(pushes, &pushed, channels);
    }

    fn lstm(&mut self, state: [&str; 2], next: [&str; 2], layers: usize, hidden: usize) {
        let mut x = "input.sum".to_string();
        let mut outputs = [Vec::new(), Vec::new()];
        for layer in 0..layers {
            let of = |what: &str| format!("trunk.{layer}.{what}");
            self.row(&of("h"), state[0], layer);
            self.row(&of("c"), state[1], layer);
            self.node("Concat axis=1", &of("both"), &[&x, &of("h")]);
            self.linear(&of("gates"), &of("both"));
            self.columns(&of("sigmoids"), &of("gates"), 0, 3 * hidden);
            self.node("Sigmoid", &of("sigmoid"), &[&of("sigmoids")]);
            self.columns(&of("cell"), &of("gates"), 3 * hidden, GATES * hidden);
            self.node("Tanh", &of("tanh"), &[&of("cell")]);
            for (index, gate) in ["input", "forget", "output"].into_iter().enumerate() {
                self.columns(&of(gate), &of("sigmoid"), index * hidden, (index + 1) * hidden);
            }
            self.node("Mul", &of("kept"), &[&of("forget"), &of("c")]);
            self.node("Mul", &of("added"), &[&of("input"), &of("tanh")]);
            self.node("Add", &of("c_next"), &[&of("kept"), &of("added")]);
            self.node("Tanh", &of("squashed"), &[&of("c_next")]);
            self.node("Mul", &of("h_next"), &[&of("output"), &of("squashed")]);
            x = of("h_next");
            outputs[0].push(of("h_next"));
            outputs[1].push(of("c_next"));
        }
        let all: Vec<&str> = outputs[0].iter().map(String::as_str).collect();
        self.node("Concat axis=1", "context", &all);
        for (name, rows) in next.into_iter().zip(&outputs) {
            self.stack(name, rows, hidden);
        }
    }

    fn head(&mut self, part: Part, words: &str, order: [Part; 4]) {
        let name = part.name().to_lowercase();
        let of = |what: &str| format!("{name}.{what}");
        self.linear(&of("context"), "context");
        self.embedding(&of("tokens"), words);
        self.node("Add", &of("both"), &[&of("context"), &of("tokens.sum")]);
        self.node("Relu", &of("hidden"), &[&of("both")]);
        self.linear(&of("output"), &of("hidden"));
        self.node("Gather axis=1", &of("starts"), &[words, &of("starts.columns")]);
        self.node("Add", &of("rows"), &[&of("starts"), &of("kinds")]);
        self.node("Gather axis=0", &of("names"), &["names", &of("rows")]);
        self.node("Add", &of("outputs"), &[&of("names"), &of("offsets")]);
        self.node("Reshape", &of("flat_names"), &[&of("outputs"), &of("flat")]);
        self.node("GatherElements axis=1", &of("named"), &[&of("output"), &of("flat_names")]);
        self.node("Reshape", &of("by_naming"), &[&of("named"), &of("split")]);
        self.node("ReduceSum keepdims=0", &of("all_namings"), &[&of("by_naming"), "axis1"]);
        self.columns(&of("absolute"), &of("output"), 0, Token::VOCABULARY);
        self.node("Add", &of("sum"), &[&of("absolute"), &of("all_namings")]);
        self.node("Max", &logits_name(part), &[&of("sum"), &of("lowest")]);
        // From the part's note, twice from what is recalled, from each chosen part and from two keys.
        let namings = (5 + order.iter().take_while(|&&other| other != part).count()) as i64;
        self.ints(of("flat"), &[2], &[0, namings * Token::VOCABULARY as i64]);
        self.ints(of("split"), &[3], &[0, namings, Token::VOCABULARY as i64]);
    }
}

fn logits_name(part: Part) -> String {
    format!("logits_{}", part.name().to_lowercase())
}

/// A node of the file as [`Recipe::node`] would put it.
fn line(node: &NodeProto) -> Result<String, String> {
    let [output] = &node.output[..] else { return Err(format!("the outputs of the node '{}'", node.name)) };
    if !node.domain.is_empty() {
        return Err(format!("the domain of the node '{output}'"));
    }
    let mut op = node.op_type.clone();
    for attribute in &node.attribute {
        if attribute.r#type != AttributeType::Int as i32 {
            return Err(format!("an attribute of the node '{output}'"));
        }
        op.push_str(&format!(" {}={}", attribute.name, attribute.i));
    }
    Ok(format!("{op} {output} = {}", node.input.join(" ")))
}

/// The file's constants by name.
struct Constants<'a>(HashMap<&'a str, &'a TensorProto>);

impl Constants<'_> {
    /// Its bytes, and its dimensions, which are those of so many values of `size` bytes.
    fn raw(&self, name: &str, ty: DataType, size: usize) -> Result<(Vec<i64>, &[u8]), String> {
        let wrong = || format!("the constant '{name}'");
        let constant = self.0.get(name).ok_or_else(wrong)?;
        let count = constant.dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(usize::try_from(dim).ok()?));
        let fits = constant.data_type == ty as i32
            && constant.external_data.is_empty()
            && count.and_then(|count| count.checked_mul(size)) == Some(constant.raw_data.len());
        if fits { Ok((constant.dims.clone(), &constant.raw_data)) } else { Err(wrong()) }
    }

    fn ints(&self, name: &str) -> Result<(Vec<i64>, Vec<i64>), String> {
        let (dims, bytes) = self.raw(name, DataType::Int64, 8)?;
        Ok((dims, bytes.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect()))
    }

    /// A row of so many indices, whose dimensions are `dims`, each below `limit`.
    fn indices(&self, name: &str, dims: &[usize], limit: usize) -> Result<Vec<usize>, String> {
        let (found, values) = self.ints(name)?;
        let values: Option<Vec<usize>> =
            values.into_iter().map(|value| usize::try_from(value).ok().filter(|&value| value < limit)).collect();
        match values {
            Some(values) if found.iter().map(|&dim| dim as usize).eq(dims.iter().copied()) => Ok(values),
            _ => Err(format!("the constant '{name}'")),
        }
    }

    /// A matrix in row-major order, and its columns.
    fn matrix(&self, name: &str) -> Result<(Vec<f32>, usize), String> {
        let (dims, bytes) = self.raw(name, DataType::Float, 4)?;
        let values = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        match dims[..] {
            [lines, columns] if lines > 0 && columns > 0 => Ok((values, columns as usize)),
            _ => Err(format!("the dimensions of the constant '{name}'")),
        }
    }

    fn linear(&self, name: &str, inputs: usize, outputs: Option<usize>) -> Result<Linear, String> {
        let (values, columns) = self.matrix(&format!("{name}.weight"))?;
        let bias = self.bias(&format!("{name}.bias"), columns)?;
        if values.len() != inputs * columns || outputs.is_some_and(|outputs| outputs != columns) {
            return Err(format!("the dimensions of the constant '{name}.weight'"));
        }
        Ok(Linear { matrix: Matrix::new(&values, columns), bias })
    }

    fn bias(&self, name: &str, outputs: usize) -> Result<Vec<f32>, String> {
        let (dims, bytes) = self.raw(name, DataType::Float, 4)?;
        if dims != [outputs as i64] {
            return Err(format!("the dimensions of the constant '{name}'"));
        }
        Ok(bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    /// Of words of which there are so many in each column.
    fn embedding(&self, name: &str, relations: &[i64], vocabularies: &[usize]) -> Result<Embedding, String> {
        let of = |what: &str| format!("{name}.{what}");
        let (table, width) = self.matrix(&of("table"))?;
        let count = table.len() / width;
        let length = |what: &str| Ok::<_, String>(self.ints(&of(what))?.1.len());
        let (singles, pairs) = (length("singles.columns")?, length("firsts.columns")?);
        let columns = |what: &str, count: usize| self.indices(&of(what), &[count], vocabularies.len());
        let singles = columns("singles.columns", singles)?;
        let firsts = columns("firsts.columns", pairs)?;
        let seconds = columns("seconds.columns", pairs)?;
        let kinds = self.indices(&of("kinds"), &[1, pairs], relations.len())?;
        let offsets = self.indices(&of("offsets"), &[1, singles.len() + pairs], count)?;
        let row = |offset: usize, class: i64| {
            let row = usize::try_from(class).ok().and_then(|class| class.checked_add(offset));
            row.filter(|&row| row < count).map(|row| row as u32).ok_or_else(|| format!("the rows of '{name}.table'"))
        };
        let mut features = Vec::with_capacity(offsets.len());
        for (&column, &offset) in singles.iter().zip(&offsets) {
            let rows = (0..vocabularies[column]).map(|word| row(offset, word as i64)).collect::<Result<_, _>>()?;
            features.push(Feature { columns: [column; 2], rows });
        }
        for (((first, second), kind), &offset) in
            firsts.into_iter().zip(seconds).zip(kinds).zip(&offsets[singles.len()..])
        {
            let classes = relations.get(kind..kind + MOST_WORDS * MOST_WORDS).ok_or("the constant 'relations'")?;
            let rows = classes.iter().map(|&class| row(offset, class)).collect::<Result<_, _>>()?;
            features.push(Feature { columns: [first, second], rows });
        }
        Ok(Embedding { width, table, features })
    }
}

/// How many words there are in each column that was heard: the chord before and [`StepFeatures::words`].
fn vocabularies() -> [usize; WORDS] {
    columns::VOCABULARIES
}

fn trunk(constants: &Constants, state: &StateContract, relations: &[i64]) -> Result<Trunk, String> {
    let heard = [&vocabularies()[..], &[Phase::COUNT]].concat();
    let input = constants.embedding("input", relations, &heard)?;
    match state {
        StateContract::Queues { channels, kernel, dilations, .. } => {
            let (channels, layers) = (*channels, dilations.len());
            if input.width != channels {
                return Err("the dimensions of the constant 'input.table'".into());
            }
            let block = |layer: usize| {
                let of = |what: &str| format!("trunk.{layer}.{what}");
                let residual = || constants.linear(&of("residual"), channels, Some(channels));
                Ok(Block {
                    gate: constants.linear(&of("gate"), kernel * channels, Some(2 * channels))?,
                    residual: if layer + 1 < layers { Some(residual()?) } else { None },
                })
            };
            Ok(Trunk::Wavenet {
                input,
                blocks: (0..layers).map(block).collect::<Result<_, String>>()?,
                context: constants.linear("trunk.context", layers * channels, None)?,
                kernel: *kernel,
                dilations: dilations.clone(),
            })
        }
        StateContract::Recurrent { layers, hidden, .. } => {
            let hidden = *hidden;
            let (values, columns) = constants.matrix("trunk.0.gates.weight")?;
            let bias = constants.bias("trunk.0.gates.bias", columns)?;
            if columns != GATES * hidden || values.len() != (input.width + hidden) * columns {
                return Err("the dimensions of the constant 'trunk.0.gates.weight'".into());
            }
            let (from_input, from_h) = values.split_at(input.width * columns);
            // The input's rows only ever meet the input weights, so they are multiplied beforehand.
            let mut table = vec![0.0; input.table.len() / input.width * columns];
            Matrix::new(from_input, columns).add_product(&input.table, &mut table);
            Ok(Trunk::Lstm {
                input: Embedding { width: columns, table, features: input.features },
                recurrent: Linear { matrix: Matrix::new(from_h, columns), bias },
                layers: (1..*layers)
                    .map(|layer| constants.linear(&format!("trunk.{layer}.gates"), 2 * hidden, Some(columns)))
                    .collect::<Result<_, _>>()?,
                hidden,
            })
        }
    }
}

fn head(constants: &Constants, part: Part, is_first: bool, context: usize, relations: &[i64]) -> Result<Head, String> {
    let name = part.name().to_lowercase();
    let of = |what: &str| format!("{name}.{what}");
    let now: &[usize] = if is_first { &[] } else { &[MOST_WORDS; 4] };
    let vocabularies = [&vocabularies()[..], now].concat();
    let mut known = constants.embedding(&of("tokens"), relations, &vocabularies)?;
    let (mut features, mut now, mut between) = (Vec::new(), [const { Vec::new() }; 4], Vec::new());
    for feature in known.features {
        match feature.columns.map(|column| column.checked_sub(WORDS)) {
            [None, None] => features.push(feature),
            [Some(one), Some(other)] if one != other => between.push(feature),
            [Some(part), _] | [_, Some(part)] => now[part].push(feature),
        }
    }
    known.features = features;
    let hidden = known.width;
    let wrong = || format!("the names of '{name}'");
    let (weights, outputs) = constants.matrix(&of("output.weight"))?;
    let bias = constants.bias(&of("output.bias"), outputs)?;
    let (dims, names) = constants.ints("names")?;
    if weights.len() != hidden * outputs
        || dims.len() != 2
        || dims[1] != Token::VOCABULARY as i64
        || !(Token::VOCABULARY..MOST_OUTPUTS).contains(&outputs)
        || between.len() > MOST_BETWEEN
    {
        return Err(wrong());
    }
    let count = constants.ints(&of("starts.columns"))?.1.len();
    let starts = constants.indices(&of("starts.columns"), &[count], vocabularies.len())?;
    let kinds = constants.indices(&of("kinds"), &[1, count], names.len() / Token::VOCABULARY)?;
    let offsets = constants.indices(&of("offsets"), &[1, count, 1], outputs)?;
    let mut namings = Vec::with_capacity(count);
    for ((column, kind), offset) in starts.into_iter().zip(kinds).zip(offsets) {
        let words = kind * Token::VOCABULARY..(kind + vocabularies[column]) * Token::VOCABULARY;
        let place = |&name: &i64| {
            let place = usize::try_from(name).ok()?.checked_add(offset)?;
            u16::try_from(place).ok().filter(|_| place < outputs)
        };
        let names: Option<Vec<u16>> = names.get(words).ok_or_else(wrong)?.iter().map(place).collect();
        let names = names.ok_or_else(wrong)?;
        namings.push((column, names));
    }
    // Each token's own output first, whatever the word.
    let own: Vec<u16> = (0..Token::VOCABULARY as u16).collect();
    let by_chosen = namings.iter().filter(|(column, _)| *column >= WORDS).count();
    let known_names = if by_chosen >= WORTH_WHILE {
        let known = namings.extract_if(.., |(column, _)| *column < WORDS).map(|(column, names)| (Some(column), names));
        Some([(None, own)].into_iter().chain(known).collect())
    } else {
        namings.insert(0, (0, own.repeat(vocabularies[0])));
        None
    };
    let matrix = OutputWeights { values: [&weights[..], &bias].concat(), outputs };
    let (lowest, _) = constants.matrix(&of("lowest"))?;
    let [lowest] = lowest[..] else { return Err(wrong()) };
    Ok(Head {
        context: constants.linear(&of("context"), context, Some(hidden))?,
        known,
        now,
        between,
        known_names: known_names.map(|namings| expanded(&matrix, namings).ok_or_else(wrong)).transpose()?,
        output: matrix.taken_out(&mut namings),
        namings,
        lowest,
    })
}

/// From so many chosen parts on a head is asked for several rows of a state, so that it pays to add up the weights of
/// [`KnownNames`].
const WORTH_WHILE: usize = 2;

/// A head's last matrix, with its bias as the last line.
struct OutputWeights {
    values: Vec<f32>,
    outputs: usize,
}

impl OutputWeights {
    /// The columns `order`, one after the other: a line for each of the matrix.
    fn columns(&self, order: &[u16]) -> Vec<f32> {
        let lines = self.values.chunks(self.outputs);
        lines.flat_map(|line| order.iter().map(|&column| line[usize::from(column)])).collect()
    }

    /// A map to those outputs alone that are named; the names are changed to their places in it.
    fn taken_out(&self, namings: &mut [(usize, Vec<u16>)]) -> Linear {
        let mut order: Vec<u16> = namings.iter().flat_map(|(_, names)| names).copied().collect();
        order.sort_unstable();
        order.dedup();
        for name in namings.iter_mut().flat_map(|(_, names)| names) {
            *name = order.partition_point(|output| output < name) as u16;
        }
        let mut values = self.columns(&order);
        let bias = values.split_off(values.len() - order.len());
        Linear { matrix: Matrix::new(&values, order.len()), bias }
    }
}

/// The outputs written out for [`KnownNames`]; `None` where that would be far more than a file of the trainer's asks for.
fn expanded(matrix: &OutputWeights, namings: Vec<(Option<usize>, Vec<u16>)>) -> Option<KnownNames> {
    const MOST_COLUMNS: usize = 2048;
    static READ: AtomicUsize = AtomicUsize::new(0);
    if namings.len() > MOST_NAMINGS {
        return None;
    }
    // The first is never used.
    let (mut order, mut rests): (Vec<u16>, Vec<u16>) = (vec![0], Vec::new());
    let mut places = Vec::with_capacity(namings.len());
    for (column, names) in namings {
        // From the last word to the first, since with rising words most namings slide to the left.
        let mut of_words = Vec::new();
        for names in names.chunks_exact(Token::VOCABULARY).rev() {
            let rest = rests.iter().position(|&rest| rest == names[0]).unwrap_or_else(|| {
                rests.push(names[0]);
                rests.len() - 1
            });
            let (rest, first) = (rest as u32, side_by_side(&mut order, &names[1..]));
            of_words.push(Place { rest, first });
        }
        if order.len() > MOST_COLUMNS {
            return None;
        }
        of_words.reverse();
        places.push((column, of_words));
    }
    order.push(0);
    let rests = rests.iter().flat_map(|&rest| matrix.columns(&[rest])).collect();
    let number = READ.fetch_add(1, Ordering::Relaxed);
    Some(KnownNames { number, weights: matrix.columns(&order), width: order.len(), rests, namings: places })
}

/// Where `run` stands in `order`, behind the first place; what is missing is added at the end.
fn side_by_side(order: &mut Vec<u16>, run: &[u16]) -> u32 {
    if let Some(place) = order[1..].windows(run.len()).position(|there| there == run) {
        return place as u32 + 1;
    }
    let longest = run.len().min(order.len() - 1);
    let overlap = (0..=longest).rev().find(|&overlap| order.ends_with(&run[..overlap])).unwrap_or(0);
    order.extend_from_slice(&run[overlap..]);
    (order.len() - run.len()) as u32
}
