//! From a checkpoint to an ONNX file that keeps the contract of models/README.md.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use chorale::{Chord, Phase, Token};
use contract::graph::{Constant, Content, EmbeddingSizes, HeadSizes, Sizes, StepGraph, halves_of};
use contract::half::{from_half, to_half};
use contract::onnx::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use contract::{IR_VERSION, OPSET, StateContract, metadata};
use prost::Message;

use crate::checkpoint::{Checkpoint, Header};
use crate::dataset::Dataset;
use crate::features::{Features, INPUT_TOKENS, group_table, relation_table};
use crate::layers::{Linear, Weights};
use crate::likelihood::Told;
use crate::logits::LOWEST_LOGIT;
use crate::network::{Network, Trunk};
use crate::onnx::Runner;
use crate::train;

/// The largest difference allowed between a logit of the file and of the checkpoint.
pub const TOLERANCE: f32 = 1e-4;
/// Steps of real chorales over which the two are compared, at the least.
const COMPARED_STEPS: usize = 256;

/// The weights as a file keeps them: matrices in halves.
///
/// # Errors
/// When candle fails.
pub fn rounded(weights: &Weights) -> Result<Weights> {
    let rounded = |tensor: &Tensor| -> Result<Tensor> {
        if tensor.rank() < 2 {
            return Ok(tensor.clone());
        }
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let values = values.into_iter().map(|value| from_half(to_half(value))).collect::<Vec<_>>();
        Ok(Tensor::from_vec(values, tensor.shape(), tensor.device())?)
    };
    weights.iter().map(|(name, tensor)| Ok((name.clone(), rounded(tensor)?))).collect()
}

/// Writes the averaged weights of `checkpoint`, [`rounded`], to `path`. The metadata carry the validation and test T, measured
/// here; the file is first run in tract beside the checkpoint, and not written if a logit differs by more than
/// [`TOLERANCE`].
///
/// # Errors
/// When the two differ, or the file cannot be written.
pub fn export(checkpoint: &Checkpoint, dataset: &Dataset, path: &Path) -> Result<()> {
    let network = Network::new(&checkpoint.header.settings, &rounded(&checkpoint.average())?)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let t = |pieces| Ok::<_, anyhow::Error>(train::evaluate(&network, pieces, Told::Beat, threads)?.report().t);
    let (valid_t, test_t) = (t(&dataset.valid)?, t(&dataset.test)?);
    let bytes = encode(&network, &checkpoint.header, valid_t, test_t)?;

    let runner = Runner::new(&bytes).context("the exported network")?;
    let (mut steps, mut largest) = (0, 0f32);
    for piece in dataset.valid.iter().chain(&dataset.train) {
        let chords = &piece.chorale.chords;
        for told in [Told::Beat, Told::Bar] {
            let phases = told.phases(piece);
            largest = largest.max(difference(&network, &runner, chords, &phases)?);
            steps += chords.len();
        }
        if steps >= COMPARED_STEPS {
            break;
        }
    }
    ensure!(
        steps >= COMPARED_STEPS,
        "the pieces hold only {steps} steps; {COMPARED_STEPS} are needed to check the export"
    );
    ensure!(
        largest <= TOLERANCE,
        "nothing written: over {steps} steps a logit of the ONNX network in tract differs from the checkpoint by \
         {largest:e}, more than {TOLERANCE:e}"
    );
    files::write_whole(path, &bytes)?;
    eprintln!(
        "{}: {:.2} MB, T {valid_t:.4} on valid and {test_t:.4} on test; largest difference to the checkpoint \
         {largest:.1e} over {steps} steps",
        path.display(),
        bytes.len() as f64 / 1e6
    );
    Ok(())
}

/// The largest difference of any logit between candle on the whole piece and tract step by step.
///
/// # Errors
/// When either fails.
pub fn difference(network: &Network, runner: &Runner, chords: &[Chord], phases: &[Phase]) -> Result<f32> {
    let expected = train::logits(network, chords, phases)?;
    let mut state = runner.start();
    let mut before = Chord::START;
    let mut largest = 0f32;
    for (step, (&chord, &phase)) in chords.iter().zip(phases).enumerate() {
        let logits = runner.step(&mut state, before, phase, chord)?;
        for (part, expected) in expected.iter().enumerate() {
            let expected = &expected[step * Token::VOCABULARY..][..Token::VOCABULARY];
            let found = &logits[part * Token::VOCABULARY..][..Token::VOCABULARY];
            for (a, b) in expected.iter().zip(found) {
                // `max` would let NaN pass.
                let difference = (a - b).abs();
                largest = if difference.is_nan() { f32::INFINITY } else { largest.max(difference) };
            }
        }
        before = chord;
    }
    Ok(largest)
}

/// The ONNX file's bytes: the contract's graph of a step, filled with the network's weights.
///
/// # Errors
/// When a weight cannot be read.
pub fn encode(network: &Network, header: &Header, valid_t: f64, test_t: f64) -> Result<Vec<u8>> {
    let sizes = sizes(network)?;
    let receptive_field = match &sizes.state {
        StateContract::Queues { kernel, dilations, .. } => {
            (1 + (kernel - 1) * dilations.iter().sum::<usize>()).to_string()
        }
        StateContract::Recurrent { .. } => "unbounded".into(),
    };
    let metadata: BTreeMap<&str, String> = BTreeMap::from([
        (metadata::ARCHITECTURE, network.settings.architecture().to_string()),
        (metadata::VOCABULARY, "0 = rest, 1..46 = MIDI pitches 36..81; 47 = start, in the input 'chord' only".into()),
        (metadata::PHASE, "0..15 = sixteenth of a 4/4 bar; 16..19 = sixteenth of the beat, bar unknown".into()),
        (metadata::PART_ORDER, network.settings.order.clone()),
        (metadata::STATE, serde_json::to_string(&sizes.state)?),
        (metadata::RECEPTIVE_FIELD, receptive_field),
        (metadata::SETTINGS, serde_json::to_string(&header.settings)?),
        (metadata::TRAINING_COMMAND, header.command.clone()),
        (metadata::TRAINING_COMMIT, header.commit.clone()),
        (metadata::TRAINING_EPOCH, header.epoch.to_string()),
        (metadata::VALID_T, format!("{valid_t:.4}")),
        (metadata::TEST_T, format!("{test_t:.4}")),
    ]);
    let contents = Contents::of(network)?;
    let name = network.settings.architecture();
    let model = ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "chorale trainer".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(StepGraph::new(&sizes).to_proto(name, |constant| contents.bytes(constant))?),
        metadata_props: metadata
            .into_iter()
            .map(|(key, value)| StringStringEntryProto { key: key.into(), value })
            .collect(),
        ..ModelProto::default()
    };
    Ok(model.encode_to_vec())
}

fn sizes(network: &Network) -> Result<Sizes> {
    let state = match &network.trunk {
        Trunk::Wavenet(wavenet) => StateContract::Queues {
            taps: "taps".into(),
            pushes: "pushes".into(),
            channels: wavenet.blocks[0].residual.weight.dim(0)?,
            kernel: wavenet.kernel,
            dilations: wavenet.dilations.clone(),
        },
        Trunk::Lstm(lstm) => StateContract::Recurrent {
            h: "h".into(),
            c: "c".into(),
            h_next: "h_next".into(),
            c_next: "c_next".into(),
            layers: lstm.layers.len(),
            hidden: lstm.layers[0].recurrent.dim(0)?,
        },
    };
    let embedding = |table: &Tensor, features: &Features| -> Result<EmbeddingSizes> {
        let (rows, width) = table.dims2()?;
        Ok(EmbeddingSizes { rows, width, singles: features.singles.len(), pairs: features.pairs.len() })
    };
    let mut heads = [HeadSizes::default(); 4];
    for head in &network.heads {
        heads[head.part.index()] =
            HeadSizes { tokens: embedding(&head.tokens, &head.features)?, outputs: head.output.bias.dim(0)? };
    }
    Ok(Sizes {
        state,
        order: network.order,
        relations: relation_table().len(),
        names: group_table().len() / Token::VOCABULARY,
        input: embedding(&network.input, &Features::of_trunk())?,
        context: network.settings.context_width(),
        heads,
    })
}

/// What fills the graph's constants, by their names.
struct Contents(HashMap<String, Values>);

enum Values {
    Weights(Tensor),
    Table(Vec<i64>),
}

impl Contents {
    fn of(network: &Network) -> Result<Contents> {
        let mut contents = Contents(HashMap::new());
        contents.table("relations", relation_table());
        contents.table("names", group_table());
        contents.embedding("input", &network.input, &Features::of_trunk());
        match &network.trunk {
            Trunk::Wavenet(wavenet) => {
                for (layer, block) in wavenet.blocks.iter().enumerate() {
                    contents.linear(&format!("trunk.{layer}.gate"), &block.gate);
                    contents.linear(&format!("trunk.{layer}.residual"), &block.residual);
                }
                contents.linear("trunk.context", &wavenet.context);
            }
            Trunk::Lstm(lstm) => {
                for (layer, weights) in lstm.layers.iter().enumerate() {
                    let joined = Linear {
                        weight: Tensor::cat(&[&weights.input.weight, &weights.recurrent], 0)?,
                        bias: weights.input.bias.clone(),
                    };
                    contents.linear(&format!("trunk.{layer}.gates"), &joined);
                }
            }
        }
        for head in &network.heads {
            let name = head.part.name().to_lowercase();
            let of = |what: &str| format!("{name}.{what}");
            contents.linear(&of("context"), &head.context);
            contents.embedding(&of("tokens"), &head.tokens, &head.features);
            contents.linear(&of("output"), &head.output);
            contents.table(&of("starts.columns"), head.groups.columns.iter().map(|&column| column as u32));
            contents.table(&of("kinds"), head.groups.kinds.iter().map(|&kind| kind as u32 * INPUT_TOKENS as u32));
            contents.table(&of("offsets"), head.groups.offsets().into_iter().map(|offset| offset as u32));
            contents.weights(&of("lowest"), &Tensor::full(LOWEST_LOGIT, (1, 1), &Device::Cpu)?);
        }
        Ok(contents)
    }

    fn weights(&mut self, name: &str, tensor: &Tensor) {
        self.0.insert(name.into(), Values::Weights(tensor.clone()));
    }

    fn table(&mut self, name: &str, values: impl IntoIterator<Item = u32>) {
        self.0.insert(name.into(), Values::Table(values.into_iter().map(i64::from).collect()));
    }

    fn linear(&mut self, name: &str, linear: &Linear) {
        self.weights(&halves_of(&format!("{name}.weight")), &linear.weight);
        self.weights(&format!("{name}.bias"), &linear.bias);
    }

    fn embedding(&mut self, name: &str, table: &Tensor, features: &Features) {
        let of = |what: &str| format!("{name}.{what}");
        let relation_size = (INPUT_TOKENS * INPUT_TOKENS) as u32;
        self.table(&of("singles.columns"), features.singles.iter().map(|&(column, _)| column as u32));
        self.table(&of("firsts.columns"), features.pairs.iter().map(|&(_, first, _)| first as u32));
        self.table(&of("seconds.columns"), features.pairs.iter().map(|&(.., second)| second as u32));
        self.table(&of("kinds"), features.pairs.iter().map(|&(relation, ..)| relation as u32 * relation_size));
        self.table(&of("offsets"), features.offsets().into_iter().map(|offset| offset as u32));
        self.weights(&halves_of(&of("table")), table);
    }

    /// The values of one of the graph's constants, as they lie in the file.
    fn bytes(&self, constant: &Constant) -> Result<Vec<u8>> {
        let Constant { name, dims, content } = constant;
        match self.0.get(name).with_context(|| format!("the network has nothing for the constant '{name}'"))? {
            Values::Weights(tensor) => {
                ensure!(tensor.dims() == dims, "'{name}' is {:?}, the contract wants {dims:?}", tensor.dims());
                let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter();
                Ok(match content {
                    Content::Halves => values.flat_map(|value| to_half(value).to_le_bytes()).collect(),
                    _ => values.flat_map(f32::to_le_bytes).collect(),
                })
            }
            Values::Table(values) => {
                let count: usize = dims.iter().product();
                ensure!(values.len() == count, "'{name}' has {} values, the contract wants {count}", values.len());
                Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
        }
    }
}
