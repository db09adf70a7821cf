//! The graph of one step. The trainer fills in the weights, the network at run time compares a file with it and reads
//! them out.

use std::fmt::{self, Display};

use chorale::{Part, StepFeatures, Token, columns};

use crate::StateContract;
use crate::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionValue, GraphProto, NodeProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

/// Inputs that every network has, besides its state.
pub const CHORD: &str = "chord";
pub const PHASE: &str = "phase";
pub const GIVEN: &str = "given";
pub const HEARD: &str = "heard";
/// Outputs that every network has, besides its state. The graph can be cut at the context: nothing behind it reads the
/// phase or the state.
pub const LOGITS: &str = "logits";
pub const CONTEXT: &str = "context";

/// Gates of an LSTM. They stand in the order input, forget, output, cell, so that the three sigmoids are neighbours.
/// (ONNX's own LSTM orders i, o, f, c and candle's i, f, g, o; neither is used here.)
pub const GATES: usize = 4;

/// The values behind the head of `part`: its logits, (N, 47).
pub fn logits_of(part: Part) -> String {
    format!("logits_{}", part.name().to_lowercase())
}

/// The constant that keeps a matrix.
pub fn halves_of(matrix: &str) -> String {
    format!("{matrix}.halves")
}

/// The parts that are chosen before `part`, in their order.
pub fn chosen_before(part: Part, order: [Part; 4]) -> impl Iterator<Item = Part> {
    order.into_iter().take_while(move |&other| other != part)
}

/// Groups of a head's outputs besides those of the tokens themselves: from the part's note before, twice from what is
/// recalled, from each part that is chosen before, and from two keys.
pub fn logit_groups(part: Part, order: [Part; 4]) -> usize {
    5 + chosen_before(part, order).count()
}

/// What a network's graph depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    pub state: StateContract,
    /// The parts in the order in which they are chosen.
    pub order: [Part; 4],
    /// Rows of the table of how two words stand to each other.
    pub relations: usize,
    /// Rows of the table of which output of a group belongs to a token.
    pub names: usize,
    pub input: EmbeddingSizes,
    /// Width of the context.
    pub context: usize,
    /// By [`Part::index`].
    pub heads: [HeadSizes; 4],
}

/// The sizes of a sum of embedded words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EmbeddingSizes {
    /// Of the table.
    pub rows: usize,
    pub width: usize,
    /// Features of one word, and of two.
    pub singles: usize,
    pub pairs: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeadSizes {
    /// Its width is that of the hidden layer.
    pub tokens: EmbeddingSizes,
    pub outputs: usize,
}

/// A step's graph without its weights. Lists are in the order of the trainer's files: each node stands behind those
/// whose values it reads.
pub struct StepGraph {
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub nodes: Vec<Node>,
    pub constants: Vec<Constant>,
}

/// A value that goes in or comes out: N rows of `shape`.
pub struct Value {
    pub name: String,
    pub data_type: DataType,
    pub shape: Vec<usize>,
}

/// An operator of ONNX's own, whose attributes are whole numbers, and the one value that it makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    pub output: String,
    pub op: String,
    pub attributes: Vec<(String, i64)>,
    pub inputs: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    pub name: String,
    pub dims: Vec<usize>,
    pub content: Content,
}

/// What a constant's values are, or of what kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// These: they follow from the sizes.
    Shape(Vec<i64>),
    /// Whole numbers that say which words are looked at, and what they mean.
    Table,
    /// Learned numbers.
    Weights,
    /// Learned numbers of sixteen bits ([`crate::half`]).
    Halves,
}

impl Content {
    pub fn data_type(&self) -> DataType {
        match self {
            Content::Shape(_) | Content::Table => DataType::Int64,
            Content::Weights => DataType::Float,
            Content::Halves => DataType::Float16,
        }
    }
}

impl StepGraph {
    pub fn new(sizes: &Sizes) -> StepGraph {
        let mut graph = StepGraph { inputs: Vec::new(), outputs: Vec::new(), nodes: Vec::new(), constants: Vec::new() };
        graph.inputs_and_outputs(sizes);
        graph.node("Concat axis=1", "past.words", &[CHORD, HEARD]);
        graph.constant("relations", &[sizes.relations], Content::Table);
        graph.constant("names", &[sizes.names, Token::VOCABULARY], Content::Table);
        graph.shape("tokens", &[], &[columns::TOKENS]);
        graph.shape("axis1", &[1], &[1]);
        graph.node("Unsqueeze", "phase.column", &[PHASE, "axis1"]);
        graph.node("Concat axis=1", "input.words", &["past.words", "phase.column"]);
        graph.embedding("input", "input.words", &sizes.input);
        match &sizes.state {
            StateContract::Queues { .. } => graph.wavenet(sizes),
            StateContract::Recurrent { .. } => graph.lstm(sizes),
        }
        graph.node("Concat axis=1", "head.words", &["past.words", GIVEN]);
        for part in Part::ALL {
            graph.head(part, sizes);
        }
        graph.stack(LOGITS, &Part::ALL.map(logits_of), Token::VOCABULARY);
        graph
    }

    /// The file's graph, with the bytes of all constants that `fill` gives: those of the kind [`Content::Shape`] are
    /// known.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn to_proto<E>(
        &self,
        name: &str,
        mut fill: impl FnMut(&Constant) -> Result<Vec<u8>, E>,
    ) -> Result<GraphProto, E> {
        let constant = |constant: &Constant| {
            let raw_data = match &constant.content {
                Content::Shape(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                Content::Table | Content::Weights | Content::Halves => fill(constant)?,
            };
            Ok(TensorProto {
                name: constant.name.clone(),
                dims: constant.dims.iter().map(|&dim| dim as i64).collect(),
                data_type: constant.content.data_type() as i32,
                raw_data,
                ..TensorProto::default()
            })
        };
        Ok(GraphProto {
            name: name.into(),
            node: self.nodes.iter().map(Node::to_proto).collect(),
            initializer: self.constants.iter().map(constant).collect::<Result<_, E>>()?,
            input: self.inputs.iter().map(Value::to_proto).collect(),
            output: self.outputs.iter().map(Value::to_proto).collect(),
        })
    }

    fn inputs_and_outputs(&mut self, sizes: &Sizes) {
        let ints = |name: &str, shape: &[usize]| Value::new(name, DataType::Int64, shape);
        let floats = |name: &str, shape: &[usize]| Value::new(name, DataType::Float, shape);
        self.inputs = vec![ints(CHORD, &[4]), ints(PHASE, &[]), ints(GIVEN, &[4]), ints(HEARD, &[StepFeatures::WORDS])];
        self.outputs = vec![floats(LOGITS, &[4, Token::VOCABULARY]), floats(CONTEXT, &[sizes.context])];
        match &sizes.state {
            StateContract::Queues { taps, pushes, channels, kernel, dilations } => {
                self.inputs.push(floats(taps, &[dilations.len() * (kernel - 1), *channels]));
                self.outputs.push(floats(pushes, &[dilations.len(), *channels]));
            }
            StateContract::Recurrent { h, c, h_next, c_next, layers, hidden } => {
                self.inputs.extend([h, c].map(|name| floats(name, &[*layers, *hidden])));
                self.outputs.extend([h_next, c_next].map(|name| floats(name, &[*layers, *hidden])));
            }
        }
    }

    /// A node: its operator with its attributes, the value that it makes, and those that it reads.
    fn node(&mut self, op: &str, output: &str, inputs: &[&str]) {
        let mut words = op.split(' ');
        let op = words.next().unwrap_or_default().to_string();
        let attributes = words.filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_string(), value.parse().ok()?))
        });
        self.nodes.push(Node {
            output: output.into(),
            op,
            attributes: attributes.collect(),
            inputs: inputs.iter().map(|input| (*input).into()).collect(),
        });
    }

    fn constant(&mut self, name: &str, dims: &[usize], content: Content) {
        self.constants.push(Constant { name: name.into(), dims: dims.into(), content });
    }

    fn shape(&mut self, name: &str, dims: &[usize], values: &[usize]) {
        self.constant(name, dims, Content::Shape(values.iter().map(|&value| value as i64).collect()));
    }

    fn weights(&mut self, name: &str, dims: &[usize]) {
        self.constant(name, dims, Content::Weights);
    }

    /// Kept in halves, computed with in full.
    fn matrix(&mut self, name: &str, dims: &[usize]) {
        let halves = halves_of(name);
        self.constant(&halves, dims, Content::Halves);
        self.node(&format!("Cast to={}", DataType::Float as i32), name, &[&halves]);
    }

    /// The sum of the rows of a table that stand for single words and for pairs of them: words (N, columns) → `name.sum`
    /// (N, width).
    fn embedding(&mut self, name: &str, words: &str, sizes: &EmbeddingSizes) {
        let of = |what: &str| format!("{name}.{what}");
        for (picked, count) in [("singles", sizes.singles), ("firsts", sizes.pairs), ("seconds", sizes.pairs)] {
            let columns = of(&format!("{picked}.columns"));
            self.constant(&columns, &[count], Content::Table);
            self.node("Gather axis=1", &of(picked), &[words, &columns]);
        }
        self.node("Mul", &of("scaled"), &[&of("firsts"), "tokens"]);
        self.node("Add", &of("both"), &[&of("scaled"), &of("seconds")]);
        self.constant(&of("kinds"), &[1, sizes.pairs], Content::Table);
        self.node("Add", &of("pairs"), &[&of("both"), &of("kinds")]);
        self.node("Gather axis=0", &of("relations"), &["relations", &of("pairs")]);
        self.node("Concat axis=1", &of("classes"), &[&of("singles"), &of("relations")]);
        self.constant(&of("offsets"), &[1, sizes.singles + sizes.pairs], Content::Table);
        self.node("Add", &of("rows"), &[&of("classes"), &of("offsets")]);
        self.matrix(&of("table"), &[sizes.rows, sizes.width]);
        self.node("Gather axis=0", &of("embedded"), &[&of("table"), &of("rows")]);
        self.node("ReduceSum keepdims=0", &of("sum"), &[&of("embedded"), "axis1"]);
    }

    /// x (N, inputs) → `name` (N, outputs).
    fn linear(&mut self, name: &str, x: &str, inputs: usize, outputs: usize) {
        let of = |what: &str| format!("{name}.{what}");
        self.matrix(&of("weight"), &[inputs, outputs]);
        self.weights(&of("bias"), &[outputs]);
        self.node("MatMul", &of("product"), &[x, &of("weight")]);
        self.node("Add", name, &[&of("product"), &of("bias")]);
    }

    /// Columns `from..to` of (N, width).
    fn columns(&mut self, name: &str, x: &str, from: usize, to: usize) {
        let [from_name, to_name] = ["from", "to"].map(|end| format!("{name}.{end}"));
        self.shape(&from_name, &[1], &[from]);
        self.shape(&to_name, &[1], &[to]);
        self.node("Slice", name, &[x, &from_name, &to_name, "axis1"]);
    }

    /// Row `index` of the middle axis: (N, rows, width) → (N, width).
    fn row(&mut self, name: &str, x: &str, index: usize) {
        let index_name = format!("{name}.index");
        self.shape(&index_name, &[], &[index]);
        self.node("Gather axis=1", name, &[x, &index_name]);
    }

    /// Values side by side: k of (N, width) → (N, k · width).
    fn concat(&mut self, name: &str, values: &[String]) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        self.node("Concat axis=1", name, &values);
    }

    /// k values (N, width) → (N, k, width).
    fn stack(&mut self, name: &str, rows: &[String], width: usize) {
        let of = |what: &str| format!("{name}.{what}");
        self.concat(&of("flat"), rows);
        self.shape(&of("shape"), &[3], &[0, rows.len(), width]);
        self.node("Reshape", name, &[&of("flat"), &of("shape")]);
    }

    /// Gated convolutions with residuals; the context is made of all blocks' units.
    fn wavenet(&mut self, sizes: &Sizes) {
        let StateContract::Queues { taps, pushes, channels, kernel, dilations } = &sizes.state else { return };
        let (channels, layers, back) = (*channels, dilations.len(), kernel - 1);
        let mut x = "input.sum".to_string();
        let (mut pushed, mut gated) = (Vec::new(), Vec::new());
        for layer in 0..layers {
            let of = |what: &str| format!("trunk.{layer}.{what}");
            pushed.push(x.clone());
            let mut window: Vec<String> = (0..back).map(|tap| of(&format!("tap.{tap}"))).collect();
            for (tap, name) in window.iter().enumerate() {
                self.row(name, taps, layer * back + tap);
            }
            window.push(x.clone());
            self.concat(&of("window"), &window);
            self.linear(&of("gate"), &of("window"), kernel * channels, 2 * channels);
            self.columns(&of("filter"), &of("gate"), 0, channels);
            self.columns(&of("gating"), &of("gate"), channels, 2 * channels);
            self.node("Tanh", &of("tanh"), &[&of("filter")]);
            self.node("Sigmoid", &of("sigmoid"), &[&of("gating")]);
            self.node("Mul", &of("gated"), &[&of("tanh"), &of("sigmoid")]);
            // Nothing listens to the last block's residual path.
            if layer + 1 < layers {
                self.linear(&of("residual"), &of("gated"), channels, channels);
                self.node("Add", &of("output"), &[&x, &of("residual")]);
                x = of("output");
            }
            gated.push(of("gated"));
        }
        self.concat("trunk.gated", &gated);
        self.linear("trunk.context", "trunk.gated", layers * channels, sizes.context);
        self.node("Relu", CONTEXT, &["trunk.context"]);
        self.stack(pushes, &pushed, channels);
    }

    /// The context is all layers' h, side by side.
    fn lstm(&mut self, sizes: &Sizes) {
        let StateContract::Recurrent { h, c, h_next, c_next, layers, hidden } = &sizes.state else { return };
        let hidden = *hidden;
        let mut x = "input.sum".to_string();
        let mut width = sizes.input.width;
        let (mut all_h, mut all_c) = (Vec::new(), Vec::new());
        for layer in 0..*layers {
            let of = |what: &str| format!("trunk.{layer}.{what}");
            self.row(&of("h"), h, layer);
            self.row(&of("c"), c, layer);
            // Input and recurrent weights as one matrix: one product instead of two.
            self.concat(&of("both"), &[x, of("h")]);
            self.linear(&of("gates"), &of("both"), width + hidden, GATES * hidden);
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
            (x, width) = (of("h_next"), hidden);
            all_h.push(of("h_next"));
            all_c.push(of("c_next"));
        }
        self.concat(CONTEXT, &all_h);
        self.stack(h_next, &all_h, hidden);
        self.stack(c_next, &all_c, hidden);
    }

    /// A hidden layer over the context and the words, and the logit of each token as the sum of its own output and of one
    /// of each group.
    fn head(&mut self, part: Part, sizes: &Sizes) {
        // The first head hears no part of the present chord.
        let words = if part == sizes.order[0] { "past.words" } else { "head.words" };
        let HeadSizes { tokens, outputs } = &sizes.heads[part.index()];
        let groups = logit_groups(part, sizes.order);
        let name = part.name().to_lowercase();
        let of = |what: &str| format!("{name}.{what}");
        self.linear(&of("context"), CONTEXT, sizes.context, tokens.width);
        self.embedding(&of("tokens"), words, tokens);
        self.node("Add", &of("both"), &[&of("context"), &of("tokens.sum")]);
        self.node("Relu", &of("hidden"), &[&of("both")]);
        self.linear(&of("output"), &of("hidden"), tokens.width, *outputs);
        self.constant(&of("starts.columns"), &[groups], Content::Table);
        self.node("Gather axis=1", &of("starts"), &[words, &of("starts.columns")]);
        self.constant(&of("kinds"), &[1, groups], Content::Table);
        self.node("Add", &of("rows"), &[&of("starts"), &of("kinds")]);
        self.node("Gather axis=0", &of("names"), &["names", &of("rows")]);
        self.constant(&of("offsets"), &[1, groups, 1], Content::Table);
        self.node("Add", &of("outputs"), &[&of("names"), &of("offsets")]);
        self.shape(&of("flat"), &[2], &[0, groups * Token::VOCABULARY]);
        self.node("Reshape", &of("flat_names"), &[&of("outputs"), &of("flat")]);
        self.node("GatherElements axis=1", &of("named"), &[&of("output"), &of("flat_names")]);
        self.shape(&of("split"), &[3], &[0, groups, Token::VOCABULARY]);
        self.node("Reshape", &of("by_naming"), &[&of("named"), &of("split")]);
        self.node("ReduceSum keepdims=0", &of("all_namings"), &[&of("by_naming"), "axis1"]);
        self.columns(&of("absolute"), &of("output"), 0, Token::VOCABULARY);
        self.node("Add", &of("sum"), &[&of("absolute"), &of("all_namings")]);
        self.weights(&of("lowest"), &[1, 1]);
        self.node("Max", &logits_of(part), &[&of("sum"), &of("lowest")]);
    }
}

impl Value {
    fn new(name: &str, data_type: DataType, shape: &[usize]) -> Value {
        Value { name: name.into(), data_type, shape: shape.into() }
    }

    fn to_proto(&self) -> ValueInfoProto {
        let batch = DimensionValue::DimParam("N".into());
        let dim = std::iter::once(batch)
            .chain(self.shape.iter().map(|&dim| DimensionValue::DimValue(dim as i64)))
            .map(|value| Dimension { value: Some(value) })
            .collect();
        let tensor = TensorType { elem_type: self.data_type as i32, shape: Some(TensorShapeProto { dim }) };
        let r#type = TypeProto { value: Some(TypeValue::TensorType(tensor)) };
        ValueInfoProto { name: self.name.clone(), r#type: Some(r#type) }
    }
}

impl Node {
    /// # Errors
    /// What a file's node has that no node of our graphs has.
    pub fn from_proto(node: &NodeProto) -> Result<Node, String> {
        let [output] = &node.output[..] else {
            return Err(format!("the node '{}' has no output, or several", node.name));
        };
        if !node.domain.is_empty() {
            return Err(format!("the node '{output}' is no operator of ONNX's own"));
        }
        if node.attribute.iter().any(|attribute| attribute.r#type != AttributeType::Int as i32) {
            return Err(format!("the node '{output}' has an attribute that is no whole number"));
        }
        Ok(Node {
            output: output.clone(),
            op: node.op_type.clone(),
            attributes: node.attribute.iter().map(|attribute| (attribute.name.clone(), attribute.i)).collect(),
            inputs: node.input.clone(),
        })
    }

    fn to_proto(&self) -> NodeProto {
        let attribute = self.attributes.iter().map(|(name, value)| AttributeProto {
            name: name.clone(),
            r#type: AttributeType::Int as i32,
            i: *value,
        });
        NodeProto {
            name: self.output.clone(),
            op_type: self.op.clone(),
            input: self.inputs.clone(),
            output: vec![self.output.clone()],
            attribute: attribute.collect(),
            ..NodeProto::default()
        }
    }
}

/// For example `Concat axis=1 past.words = chord heard`.
impl Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}", self.op)?;
        for (name, value) in &self.attributes {
            write!(formatter, " {name}={value}")?;
        }
        write!(formatter, " {} = {}", self.output, self.inputs.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn sizes(state: StateContract) -> Sizes {
        let embedding = EmbeddingSizes { rows: 50, width: 4, singles: 2, pairs: 3 };
        Sizes {
            state,
            order: [Part::Soprano, Part::Bass, Part::Tenor, Part::Alto],
            relations: 4608,
            names: 192,
            input: embedding,
            context: 8,
            heads: [HeadSizes { tokens: embedding, outputs: 60 }; 4],
        }
    }

    fn wavenet() -> Sizes {
        let (taps, pushes) = ("taps".into(), "pushes".into());
        sizes(StateContract::Queues { taps, pushes, channels: 4, kernel: 3, dilations: vec![1, 2, 4] })
    }

    fn lstm() -> Sizes {
        let [h, c, h_next, c_next] = ["h", "c", "h_next", "c_next"].map(String::from);
        sizes(StateContract::Recurrent { h, c, h_next, c_next, layers: 2, hidden: 4 })
    }

    #[test]
    fn each_value_is_made_once_before_it_is_read_and_all_but_the_outputs_are_read() {
        for sizes in [wavenet(), lstm()] {
            let graph = StepGraph::new(&sizes);
            let mut known: HashSet<&str> = HashSet::new();
            let constants = graph.constants.iter().map(|constant| &constant.name);
            for name in graph.inputs.iter().map(|input| &input.name).chain(constants) {
                assert!(known.insert(name), "{name} twice");
            }
            let mut unread = known.clone();
            for node in &graph.nodes {
                for input in &node.inputs {
                    assert!(known.contains(input.as_str()), "{node}: no {input}");
                    unread.remove(input.as_str());
                }
                assert!(known.insert(&node.output), "{} twice", node.output);
                unread.insert(&node.output);
            }
            assert_eq!(
                unread,
                graph.outputs.iter().filter(|output| output.name != CONTEXT).map(|o| &*o.name).collect()
            );
        }
    }

    #[test]
    fn a_node_is_the_same_after_a_way_through_a_file_and_one_that_is_not_ours_is_named() {
        let graph = StepGraph::new(&lstm());
        for node in &graph.nodes {
            assert_eq!(Node::from_proto(&node.to_proto()).as_ref(), Ok(node));
        }
        assert_eq!(graph.nodes[0].to_string(), "Concat axis=1 past.words = chord heard");
        let mut node = graph.nodes[0].to_proto();
        node.attribute[0].r#type = AttributeType::Undefined as i32;
        assert_eq!(
            Node::from_proto(&node),
            Err("the node 'past.words' has an attribute that is no whole number".into())
        );
        node.domain = "com.example".into();
        assert_eq!(Node::from_proto(&node), Err("the node 'past.words' is no operator of ONNX's own".into()));
    }

    #[test]
    fn the_model_card_names_every_input_output_and_metadata_entry() {
        let card = include_str!("../../../models/README.md");
        let contract = &card[card.find("## The contract").expect("the card states the contract")..];
        let graphs = [wavenet(), lstm()].map(|sizes| StepGraph::new(&sizes));
        let values =
            graphs.iter().flat_map(|graph| graph.inputs.iter().chain(&graph.outputs)).map(|value| &*value.name);
        for name in values.chain(crate::metadata::ALL).chain(Part::ALL.map(logits_of).iter().map(String::as_str)) {
            assert!(contract.contains(&format!("`{name}`")), "models/README.md does not tell of `{name}`");
        }
        assert!(contract.contains(&format!("opset {}", crate::OPSET)));
        assert!(contract.contains(&format!("int64 (N, {})", StepFeatures::WORDS)));
    }
}
