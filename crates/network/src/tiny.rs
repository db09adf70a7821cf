//! Small networks for tests: the contract's graph with made-up weights.

use chorale::{Part, Token};
use contract::graph::{Constant, Content, EmbeddingSizes, HeadSizes, Sizes, StepGraph};
use contract::half::to_half;
use contract::onnx::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use contract::{IR_VERSION, OPSET, StateContract, metadata};

pub const ORDER: [Part; 4] = [Part::Soprano, Part::Bass, Part::Tenor, Part::Alto];

pub fn queues() -> StateContract {
    let (taps, pushes) = ("taps".into(), "pushes".into());
    StateContract::Queues { taps, pushes, channels: 3, kernel: 3, dilations: vec![1, 2] }
}

pub fn recurrent() -> StateContract {
    let [h, c, h_next, c_next] = ["h", "c", "h_next", "c_next"].map(String::from);
    StateContract::Recurrent { h, c, h_next, c_next, layers: 2, hidden: 3 }
}

/// One feature of the soprano's note before, and one of it and the alto's.
pub fn network(state: &StateContract) -> ModelProto {
    let embedding = EmbeddingSizes { rows: 48 + 1, width: 3, singles: 1, pairs: 1 };
    let context = if let StateContract::Recurrent { layers, hidden, .. } = state { layers * hidden } else { 5 };
    let sizes = Sizes {
        state: state.clone(),
        order: ORDER,
        relations: 48 * 48,
        names: 48,
        input: embedding,
        context,
        heads: [HeadSizes { tokens: embedding, outputs: Token::VOCABULARY }; 4],
    };
    let fill = |constant: &Constant| {
        let count: usize = constant.dims.iter().product();
        let weight = |index: usize| ((index * 37 + constant.name.len() * 11) % 29) as f32 / 20.0 - 0.7;
        Ok::<_, ()>(match constant.content {
            Content::Weights => (0..count).flat_map(|index| weight(index).to_le_bytes()).collect(),
            Content::Halves => (0..count).flat_map(|index| to_half(weight(index)).to_le_bytes()).collect(),
            // The blocks of an embedding's table: of the single word, and of the pair.
            _ if constant.name.ends_with("tokens.offsets") || constant.name == "input.offsets" => {
                [0i64, 48].map(i64::to_le_bytes).concat()
            }
            _ => vec![0; 8 * count],
        })
    };
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
    ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        graph: StepGraph::new(&sizes).to_proto("tiny", fill).ok(),
        metadata_props: vec![
            entry(metadata::STATE, serde_json::to_string(state).expect("a state has a form in JSON")),
            entry(metadata::PART_ORDER, ORDER.map(Part::letter).into_iter().collect()),
        ],
        ..ModelProto::default()
    }
}
