//! Small networks, for tests that need one and do not care how it sings.

use candle_core::{Device, Tensor};
use chorale::Token;
use prost::Message;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use trainer::checkpoint::Header;
use trainer::export::{encode, rounded};
use trainer::layers::Weights;
use trainer::network::Network;
use trainer::settings::Settings;

/// A network of random weights, biases included, and the file exported from it.
pub fn random_network(settings: &Settings, seed: u64) -> (Network, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = Weights::new();
    for (name, variable) in Network::declare(settings).unwrap().variables {
        let values: Vec<f32> = (0..variable.elem_count()).map(|_| (rng.random::<f32>() - 0.5) * 0.6).collect();
        weights.insert(name, Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap());
    }
    let network = Network::new(settings, &rounded(&weights).unwrap()).unwrap();
    let header = Header {
        settings: settings.clone(),
        epoch: 0,
        updates: 0,
        valid_t: 0.0,
        best_t: 0.0,
        seconds: 0.0,
        command: "none: random weights".into(),
        commit: "none".into(),
        teachers: None,
    };
    let bytes = encode(&network, &header, 0.0, 0.0).unwrap();
    (network, bytes)
}

/// The smallest network that keeps the contract of models/README.md, not of the trainer's making: sums of words, and a
/// state that never changes.
pub fn smallest() -> Vec<u8> {
    let mut graph = GraphProto {
        name: "smallest".into(),
        output: vec![value("context", DataType::Float, &[None, Some(1)])],
        initializer: vec![
            ints("columns", &[1]),
            TensorProto {
                dims: vec![1, Token::VOCABULARY as i64],
                ..floats("from_context", &[0.01; Token::VOCABULARY])
            },
        ],
        node: vec![
            node("ReduceSum", &["chord.floats", "columns"], "context"),
            cast("chord"),
            cast("given"),
            node("Identity", &["h"], "h_next"),
            node("Identity", &["c"], "c_next"),
            node("MatMul", &["context", "from_context"], "both"),
        ],
        ..GraphProto::default()
    };
    for (part, words) in [("soprano", "chord"), ("bass", "given"), ("tenor", "given"), ("alto", "given")] {
        let weights: Vec<f32> = (0..4 * Token::VOCABULARY).map(|index| (index * 7 % 11) as f32 / 100.0).collect();
        let weight = format!("{part}.output.weight");
        graph.initializer.push(TensorProto { dims: vec![4, Token::VOCABULARY as i64], ..floats(&weight, &weights) });
        let product = format!("{part}.product");
        graph.node.push(node("MatMul", &[&format!("{words}.floats"), &weight], &product));
        graph.node.push(node("Add", &[&product, "both"], &format!("logits_{part}")));
    }
    let metadata = [
        ("state", r#"{"kind":"recurrent","h":"h","c":"c","h_next":"h_next","c_next":"c_next","layers":1,"hidden":1}"#),
        ("part_order", "SBTA"),
    ];
    let entry = |(key, value): (&str, &str)| StringStringEntryProto { key: key.into(), value: value.into() };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
        metadata_props: metadata.map(entry).to_vec(),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

/// Files that a stranger might hand us as a network, each made of [`smallest`]: what they ask for makes no sense, or more
/// memory than there is. None may be loaded.
pub fn faulty() -> Vec<(&'static str, Vec<u8>)> {
    let good = ModelProto::decode(&smallest()[..]).expect("a network");
    let with = |change: &dyn Fn(&mut ModelProto)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed.encode_to_vec()
    };
    let graph = |change: &dyn Fn(&mut GraphProto)| with(&|model| change(model.graph.as_mut().expect("a graph")));
    let entry = |key: &str, value: &str| {
        with(&|model| {
            let entries = model.metadata_props.iter_mut().filter(|entry| entry.key == key);
            entries.for_each(|entry| entry.value = value.into());
        })
    };
    let detour = |constants: &[TensorProto], nodes: &[(&str, &[&str], &str)]| {
        graph(&|graph| take_a_detour(graph, constants, nodes))
    };
    let weights = |change: &dyn Fn(&mut TensorProto)| {
        graph(&|graph| {
            let is_head = |constant: &&mut TensorProto| constant.name == "alto.output.weight";
            change(graph.initializer.iter_mut().find(is_head).expect("a head's weights"));
        })
    };
    const MANY: i64 = 300_000;
    let huge = || ints("huge", &[MANY, MANY]);
    let (tall, wide) = (ints("tall", &[MANY, 1]), ints("wide", &[1, MANY]));
    let one = || floats("one", &[1.0]);
    vec![
        ("no_metadata", with(&|model| model.metadata_props.clear())),
        ("state_of_another_kind", entry("state", r#"{"kind":"stack"}"#)),
        (
            "huge_state",
            entry(
                "state",
                r#"{"kind":"recurrent","h":"h","c":"c","h_next":"h_next","c_next":"c_next","layers":1,"hidden":1099511627776}"#,
            ),
        ),
        ("other_order", entry("part_order", "BTAS")),
        ("no_graph", with(&|model| model.graph = None)),
        ("no_nodes", graph(&|graph| graph.node.clear())),
        ("no_outputs", graph(&|graph| graph.output.clear())),
        (
            "renamed_input",
            graph(&|graph| {
                let inputs = graph.node.iter_mut().flat_map(|node| &mut node.input);
                inputs.filter(|name| *name == "chord").for_each(|name| *name = "accord".into());
            }),
        ),
        (
            "graph_within",
            graph(&|graph| {
                let body = AttributeProto {
                    name: "body".into(),
                    g: Some(GraphProto::default()),
                    r#type: AttributeType::Graph as i32,
                    ..AttributeProto::default()
                };
                graph.node[0] = NodeProto { attribute: vec![body], ..node("Loop", &["chord.floats"], "context") };
            }),
        ),
        ("weights_of_doubles", weights(&|constant| constant.data_type = DataType::Double as i32)),
        ("weights_turned", weights(&|constant| constant.dims.reverse())),
        (
            "weights_without_values",
            weights(&|constant| (constant.dims, constant.raw_data) = (vec![MANY, MANY], Vec::new())),
        ),
        (
            "weights_elsewhere",
            weights(&|constant| {
                constant.raw_data.clear();
                constant.data_location = Some(DataLocation::External as i32);
                constant.external_data =
                    vec![StringStringEntryProto { key: "location".into(), value: "../../../../etc/passwd".into() }];
            }),
        ),
        ("huge_constant", detour(&[huge()], &[("ConstantOfShape", &["huge"], "detour.all")])),
        ("huge_expansion", detour(&[huge(), one()], &[("Expand", &["one", "huge"], "detour.all")])),
        ("huge_tiling", detour(&[ints("many", &[MANY * MANY]), one()], &[("Tile", &["one", "many"], "detour.all")])),
        (
            "huge_range",
            detour(
                &[scalar("from", 0.0), scalar("to", 1e12), scalar("by", 1.0)],
                &[("Range", &["from", "to", "by"], "detour.all")],
            ),
        ),
        ("huge_padding", detour(&[ints("pads", &[MANY * MANY, 0]), one()], &[("Pad", &["one", "pads"], "detour.all")])),
        (
            "huge_broadcast",
            detour(
                &[tall.clone(), wide.clone()],
                &[
                    ("ConstantOfShape", &["tall"], "detour.column"),
                    ("ConstantOfShape", &["wide"], "detour.row"),
                    ("Add", &["detour.column", "detour.row"], "detour.all"),
                ],
            ),
        ),
        (
            "huge_product",
            detour(
                &[tall, wide],
                &[
                    ("ConstantOfShape", &["tall"], "detour.column"),
                    ("ConstantOfShape", &["wide"], "detour.row"),
                    ("MatMul", &["detour.column", "detour.row"], "detour.all"),
                ],
            ),
        ),
        // Its size follows from what is played.
        (
            "huge_answer",
            detour(
                &[ints("factor", &[MANY])],
                &[
                    ("Mul", &["phase", "factor"], "detour.size"),
                    ("Abs", &["detour.size"], "detour.shape"),
                    ("ConstantOfShape", &["detour.shape"], "detour.all"),
                ],
            ),
        ),
    ]
}

/// A good network with values made of constants, as some programs export them: small, and so none of [`faulty`].
pub fn roundabout() -> Vec<u8> {
    let mut model = ModelProto::decode(&smallest()[..]).expect("a network");
    let nodes: [(&str, &[&str], &str); 2] =
        [("Expand", &["one", "few"], "detour.ones"), ("Mul", &["detour.ones", "detour.ones"], "detour.all")];
    let constants = [ints("few", &[2, 3]), floats("one", &[1.0])];
    take_a_detour(model.graph.as_mut().expect("a graph"), &constants, &nodes);
    model.encode_to_vec()
}

/// Adds to the context what `nodes` make as `detour.all`, brought down to one number.
fn take_a_detour(graph: &mut GraphProto, constants: &[TensorProto], nodes: &[(&str, &[&str], &str)]) {
    let outputs = graph.node.iter_mut().flat_map(|node| &mut node.output);
    outputs.filter(|name| *name == "context").for_each(|name| *name = "detour.context".into());
    graph.initializer.extend_from_slice(constants);
    graph.node.extend(nodes.iter().map(|(op, inputs, output)| node(op, inputs, output)));
    let most = NodeProto { attribute: vec![int("keepdims", 0)], ..node("ReduceMax", &["detour.all"], "detour.most") };
    graph.node.push(most);
    graph
        .node
        .push(NodeProto { name: "detour.end".into(), ..node("Add", &["detour.context", "detour.most"], "context") });
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: output.into(),
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

/// Words as floats.
fn cast(words: &str) -> NodeProto {
    let to = int("to", DataType::Float as i64);
    NodeProto { attribute: vec![to], ..node("Cast", &[words], &format!("{words}.floats")) }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: value, r#type: AttributeType::Int as i32, ..AttributeProto::default() }
}

/// An output of a shape, in which `None` is the number of rows.
fn value(name: &str, ty: DataType, shape: &[Option<i64>]) -> ValueInfoProto {
    let dim = shape.iter().map(|dim| Dimension {
        value: Some(match dim {
            Some(size) => dimension::Value::DimValue(*size),
            None => dimension::Value::DimParam("N".into()),
        }),
        ..Dimension::default()
    });
    let tensor = type_proto::Tensor { elem_type: ty as i32, shape: Some(TensorShapeProto { dim: dim.collect() }) };
    let ty = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(ty), ..ValueInfoProto::default() }
}

fn constant(name: &str, dims: &[i64], ty: DataType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto { name: name.into(), dims: dims.to_vec(), data_type: ty as i32, raw_data, ..TensorProto::default() }
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    constant(name, &[values.len() as i64], DataType::Int64, bytes)
}

fn floats(name: &str, values: &[f32]) -> TensorProto {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    constant(name, &[values.len() as i64], DataType::Float, bytes)
}

fn scalar(name: &str, value: f32) -> TensorProto {
    TensorProto { dims: Vec::new(), ..floats(name, &[value]) }
}
