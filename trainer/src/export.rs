//! From a checkpoint to an ONNX file that keeps the contract of models/README.md.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use chorale::{Chord, Part, Phase, StepFeatures, Token};
use tract_onnx::pb::tensor_proto::DataType;

use crate::checkpoint::{Checkpoint, Header};
use crate::dataset::Dataset;
use crate::features::{Features, INPUT_TOKENS, naming_table, relation_table};
use crate::layers::Linear;
use crate::logits::LOWEST_LOGIT;
use crate::lstm::{GATES, Lstm};
use crate::network::{Network, Trunk};
use crate::onnx::{Attribute, Graph, Runner, StateContract};
use crate::score::Told;
use crate::train;
use crate::wavenet::Wavenet;

/// The largest difference allowed between a logit of the file and of the checkpoint.
pub const TOLERANCE: f32 = 1e-4;
/// Steps of real chorales over which the two are compared, at the least.
const COMPARED_STEPS: usize = 256;

/// Writes the averaged weights of `checkpoint` to `path`. The metadata carry the validation and test T, measured
/// here; the file is first run in tract beside the checkpoint, and not written if a logit differs by more than
/// [`TOLERANCE`].
///
/// # Errors
/// When the two differ, or the file cannot be written.
pub fn export(checkpoint: &Checkpoint, dataset: &Dataset, path: &Path) -> Result<()> {
    let network = checkpoint.network()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let t = |pieces| {
        Ok::<_, anyhow::Error>(train::evaluate(&network, pieces, Told::Beat, threads, &Device::Cpu)?.report().t)
    };
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
    let expected = train::logits(network, chords, phases, &Device::Cpu)?;
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

/// The ONNX file's bytes.
///
/// # Errors
/// When a weight cannot be read.
pub fn encode(network: &Network, header: &Header, valid_t: f64, test_t: f64) -> Result<Vec<u8>> {
    let mut graph = Graph::default();
    let chord = graph.input("chord", DataType::Int64, &[4]);
    let phase = graph.input("phase", DataType::Int64, &[]);
    let given = graph.input("given", DataType::Int64, &[4]);
    let heard = graph.input("heard", DataType::Int64, &[StepFeatures::WORDS]);
    let heard = graph.node("Concat", "past.words", &[&chord, &heard], &[Attribute("axis", 1)]);
    let tables = Tables::new(&mut graph);
    let axis = graph.ints("axis1", &[1], &[1]);
    let phase = graph.node("Unsqueeze", "phase.column", &[&phase, &axis], &[]);
    let words = graph.node("Concat", "input.words", &[&heard, &phase], &[Attribute("axis", 1)]);
    let x = embed_sum(&mut graph, "input", &network.input, &Features::of_trunk(), &tables, &words)?;
    let (context, state) = match &network.trunk {
        Trunk::Wavenet(wavenet) => wavenet_step(&mut graph, wavenet, &x)?,
        Trunk::Lstm(lstm) => lstm_step(&mut graph, lstm, &x)?,
    };
    let now = graph.node("Concat", "head.words", &[&heard, &given], &[Attribute("axis", 1)]);
    let mut logits = Vec::new();
    for part in Part::ALL {
        let place = network.order.iter().position(|&other| other == part).context("the order names every part")?;
        logits.push(head(&mut graph, network, place, &context, &heard, &now, &tables)?);
    }
    stack(&mut graph, "logits", &logits, Token::VOCABULARY);

    // The outputs, in this order: logits, context, then the state.
    graph.output("logits", &[4, Token::VOCABULARY]);
    graph.output("context", &[network.settings.context_width()]);
    let receptive_field = match &state {
        StateContract::Queues { taps: _, pushes, channels, kernel, dilations } => {
            graph.output(pushes, &[dilations.len(), *channels]);
            (1 + (kernel - 1) * dilations.iter().sum::<usize>()).to_string()
        }
        StateContract::Recurrent { h_next, c_next, layers, hidden, .. } => {
            graph.output(h_next, &[*layers, *hidden]);
            graph.output(c_next, &[*layers, *hidden]);
            "unbounded".into()
        }
    };
    let metadata = BTreeMap::from(
        [
            ("architecture", network.settings.architecture().to_string()),
            ("vocabulary", "0 = rest, 1..46 = MIDI pitches 36..81; 47 = start, in the input 'chord' only".into()),
            ("phase", "0..15 = sixteenth of a 4/4 bar; 16..19 = sixteenth of the beat, bar unknown".into()),
            ("part_order", network.settings.order.clone()),
            ("state", serde_json::to_string(&state)?),
            ("receptive_field", receptive_field),
            ("settings", serde_json::to_string(&header.settings)?),
            ("training_command", header.command.clone()),
            ("training_commit", header.commit.clone()),
            ("training_epoch", header.epoch.to_string()),
            ("valid_T", format!("{valid_t:.4}")),
            ("test_T", format!("{test_t:.4}")),
        ]
        .map(|(key, value)| (key.to_string(), value)),
    );
    Ok(graph.encode(network.settings.architecture(), &metadata))
}

/// Constants that all embeddings and heads share.
struct Tables {
    /// (2 · 48 · 48): [`relation_table`].
    relations: String,
    /// (kinds · 48, 47): [`naming_table`].
    names: String,
    /// A scalar, 48.
    tokens: String,
}

impl Tables {
    fn new(graph: &mut Graph) -> Tables {
        let signed = |table: Vec<u32>| table.into_iter().map(i64::from).collect::<Vec<i64>>();
        let table = signed(relation_table());
        let relations = graph.ints("relations", &[table.len()], &table);
        let table = signed(naming_table());
        let names = graph.ints("names", &[table.len() / Token::VOCABULARY, Token::VOCABULARY], &table);
        Tables { relations, names, tokens: graph.ints("tokens", &[], &[INPUT_TOKENS as i64]) }
    }
}

/// The sum of the embedded features: words (N, columns) → (N, width).
fn embed_sum(
    graph: &mut Graph,
    name: &str,
    table: &Tensor,
    features: &Features,
    tables: &Tables,
    words: &str,
) -> Result<String> {
    let singles: Vec<usize> = features.singles.iter().map(|&(column, _)| column).collect();
    let singles = pick(graph, &format!("{name}.singles"), words, &singles);
    let [firsts, seconds]: [Vec<usize>; 2] = [
        features.pairs.iter().map(|&(_, first, _)| first).collect(),
        features.pairs.iter().map(|&(.., second)| second).collect(),
    ];
    let firsts = pick(graph, &format!("{name}.firsts"), words, &firsts);
    let seconds = pick(graph, &format!("{name}.seconds"), words, &seconds);
    let firsts = graph.node("Mul", &format!("{name}.scaled"), &[&firsts, &tables.tokens], &[]);
    let pairs = graph.node("Add", &format!("{name}.both"), &[&firsts, &seconds], &[]);
    let kinds: Vec<i64> =
        features.pairs.iter().map(|&(relation, ..)| (relation as usize * INPUT_TOKENS * INPUT_TOKENS) as i64).collect();
    let kinds = graph.ints(&format!("{name}.kinds"), &[1, kinds.len()], &kinds);
    let pairs = graph.node("Add", &format!("{name}.pairs"), &[&pairs, &kinds], &[]);
    let pairs =
        graph.node("Gather", &format!("{name}.relations"), &[&tables.relations, &pairs], &[Attribute("axis", 0)]);
    let rows = graph.node("Concat", &format!("{name}.classes"), &[&singles, &pairs], &[Attribute("axis", 1)]);
    let offsets: Vec<i64> = features.offsets().into_iter().map(|offset| offset as i64).collect();
    let offsets = graph.ints(&format!("{name}.offsets"), &[1, offsets.len()], &offsets);
    let rows = graph.node("Add", &format!("{name}.rows"), &[&rows, &offsets], &[]);
    let table = floats(graph, &format!("{name}.table"), table)?;
    let embedded = graph.node("Gather", &format!("{name}.embedded"), &[&table, &rows], &[Attribute("axis", 0)]);
    Ok(graph.node("ReduceSum", &format!("{name}.sum"), &[&embedded, "axis1"], &[Attribute("keepdims", 0)]))
}

/// Some columns of (N, columns), in any order and as often as wanted.
fn pick(graph: &mut Graph, name: &str, x: &str, columns: &[usize]) -> String {
    let indices: Vec<i64> = columns.iter().map(|&column| column as i64).collect();
    let indices = graph.ints(&format!("{name}.columns"), &[indices.len()], &indices);
    graph.node("Gather", name, &[x, &indices], &[Attribute("axis", 1)])
}

fn floats(graph: &mut Graph, name: &str, tensor: &Tensor) -> Result<String> {
    Ok(graph.floats(name, tensor.dims(), &tensor.flatten_all()?.to_vec1::<f32>()?))
}

fn linear(graph: &mut Graph, name: &str, linear: &Linear, x: &str) -> Result<String> {
    let weight = floats(graph, &format!("{name}.weight"), &linear.weight)?;
    let bias = floats(graph, &format!("{name}.bias"), &linear.bias)?;
    let product = graph.node("MatMul", &format!("{name}.product"), &[x, &weight], &[]);
    Ok(graph.node("Add", name, &[&product, &bias], &[]))
}

/// Columns `from..to` of (N, width).
fn columns(graph: &mut Graph, name: &str, x: &str, from: usize, to: usize) -> String {
    let from = graph.ints(&format!("{name}.from"), &[1], &[from as i64]);
    let to = graph.ints(&format!("{name}.to"), &[1], &[to as i64]);
    graph.node("Slice", name, &[x, &from, &to, "axis1"], &[])
}

/// Row `index` of the middle axis: (N, rows, width) → (N, width).
fn row(graph: &mut Graph, name: &str, x: &str, index: usize) -> String {
    let index = graph.ints(&format!("{name}.index"), &[], &[index as i64]);
    graph.node("Gather", name, &[x, &index], &[Attribute("axis", 1)])
}

/// k values (N, width) → (N, k, width).
fn stack(graph: &mut Graph, name: &str, rows: &[String], width: usize) -> String {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let flat = graph.node("Concat", &format!("{name}.flat"), &rows, &[Attribute("axis", 1)]);
    let shape = graph.ints(&format!("{name}.shape"), &[3], &[0, rows.len() as i64, width as i64]);
    graph.node("Reshape", name, &[&flat, &shape], &[])
}

fn wavenet_step(graph: &mut Graph, wavenet: &Wavenet, x: &str) -> Result<(String, StateContract)> {
    let layers = wavenet.blocks.len();
    let channels = wavenet.blocks[0].residual.weight.dim(0)?;
    let back = wavenet.kernel - 1;
    let taps = graph.input("taps", DataType::Float, &[layers * back, channels]);
    let mut x = x.to_string();
    let (mut pushes, mut gated) = (Vec::new(), Vec::new());
    for (layer, block) in wavenet.blocks.iter().enumerate() {
        let name = format!("trunk.{layer}");
        pushes.push(x.clone());
        let mut window: Vec<String> =
            (0..back).map(|tap| row(graph, &format!("{name}.tap.{tap}"), &taps, layer * back + tap)).collect();
        window.push(x.clone());
        let window: Vec<&str> = window.iter().map(String::as_str).collect();
        let window = graph.node("Concat", &format!("{name}.window"), &window, &[Attribute("axis", 1)]);
        let both = linear(graph, &format!("{name}.gate"), &block.gate, &window)?;
        let filter = columns(graph, &format!("{name}.filter"), &both, 0, channels);
        let gate = columns(graph, &format!("{name}.gating"), &both, channels, 2 * channels);
        let filter = graph.node("Tanh", &format!("{name}.tanh"), &[&filter], &[]);
        let gate = graph.node("Sigmoid", &format!("{name}.sigmoid"), &[&gate], &[]);
        let z = graph.node("Mul", &format!("{name}.gated"), &[&filter, &gate], &[]);
        // Nothing listens to the last block's residual path.
        if layer + 1 < layers {
            let residual = linear(graph, &format!("{name}.residual"), &block.residual, &z)?;
            x = graph.node("Add", &format!("{name}.output"), &[&x, &residual], &[]);
        }
        gated.push(z);
    }
    let gated: Vec<&str> = gated.iter().map(String::as_str).collect();
    let gated = graph.node("Concat", "trunk.gated", &gated, &[Attribute("axis", 1)]);
    let context = linear(graph, "trunk.context", &wavenet.context, &gated)?;
    let context = graph.node("Relu", "context", &[&context], &[]);
    let pushes = stack(graph, "pushes", &pushes, channels);
    let (kernel, dilations) = (wavenet.kernel, wavenet.dilations.clone());
    Ok((context, StateContract::Queues { taps, pushes, channels, kernel, dilations }))
}

fn lstm_step(graph: &mut Graph, lstm: &Lstm, x: &str) -> Result<(String, StateContract)> {
    let layers = lstm.layers.len();
    let hidden = lstm.layers[0].recurrent.dim(0)?;
    let h = graph.input("h", DataType::Float, &[layers, hidden]);
    let c = graph.input("c", DataType::Float, &[layers, hidden]);
    let mut x = x.to_string();
    let (mut h_next, mut c_next) = (Vec::new(), Vec::new());
    for (layer, weights) in lstm.layers.iter().enumerate() {
        let name = format!("trunk.{layer}");
        let h = row(graph, &format!("{name}.h"), &h, layer);
        let c = row(graph, &format!("{name}.c"), &c, layer);
        // Input and recurrent weights as one matrix: one product instead of two.
        let both = graph.node("Concat", &format!("{name}.both"), &[&x, &h], &[Attribute("axis", 1)]);
        let joined = Linear {
            weight: Tensor::cat(&[&weights.input.weight, &weights.recurrent], 0)?,
            bias: weights.input.bias.clone(),
        };
        let gates = linear(graph, &format!("{name}.gates"), &joined, &both)?;
        let sigmoids = columns(graph, &format!("{name}.sigmoids"), &gates, 0, 3 * hidden);
        let sigmoids = graph.node("Sigmoid", &format!("{name}.sigmoid"), &[&sigmoids], &[]);
        let cell = columns(graph, &format!("{name}.cell"), &gates, 3 * hidden, GATES * hidden);
        let cell = graph.node("Tanh", &format!("{name}.tanh"), &[&cell], &[]);
        let input = columns(graph, &format!("{name}.input"), &sigmoids, 0, hidden);
        let forget = columns(graph, &format!("{name}.forget"), &sigmoids, hidden, 2 * hidden);
        let output = columns(graph, &format!("{name}.output"), &sigmoids, 2 * hidden, 3 * hidden);
        let kept = graph.node("Mul", &format!("{name}.kept"), &[&forget, &c], &[]);
        let added = graph.node("Mul", &format!("{name}.added"), &[&input, &cell], &[]);
        let c = graph.node("Add", &format!("{name}.c_next"), &[&kept, &added], &[]);
        let squashed = graph.node("Tanh", &format!("{name}.squashed"), &[&c], &[]);
        x = graph.node("Mul", &format!("{name}.h_next"), &[&output, &squashed], &[]);
        h_next.push(x.clone());
        c_next.push(c);
    }
    let outputs: Vec<&str> = h_next.iter().map(String::as_str).collect();
    let context = graph.node("Concat", "context", &outputs, &[Attribute("axis", 1)]);
    let h_next = stack(graph, "h_next", &h_next, hidden);
    let c_next = stack(graph, "c_next", &c_next, hidden);
    Ok((context, StateContract::Recurrent { h, c, h_next, c_next, layers, hidden }))
}

/// The head at `place` in the order → its logits (N, 47), named `logits_soprano` and so on.
fn head(
    graph: &mut Graph,
    network: &Network,
    place: usize,
    context: &str,
    heard: &str,
    now: &str,
    tables: &Tables,
) -> Result<String> {
    let head = &network.heads[place];
    let part = head.part.name().to_lowercase();
    let projected = linear(graph, &format!("{part}.context"), &head.context, context)?;
    // The first head hears no part of the present chord.
    let words = if place == 0 { heard } else { now };
    let tokens = embed_sum(graph, &format!("{part}.tokens"), &head.tokens, &head.features, tables, words)?;
    let hidden = graph.node("Add", &format!("{part}.both"), &[&projected, &tokens], &[]);
    let hidden = graph.node("Relu", &format!("{part}.hidden"), &[&hidden], &[]);
    let output = linear(graph, &format!("{part}.output"), &head.output, &hidden)?; // (N, outputs)

    let namings = head.names.count();
    let starts = pick(graph, &format!("{part}.starts"), words, &head.names.columns);
    let kinds: Vec<i64> = head.names.kinds.iter().map(|&kind| (kind as usize * INPUT_TOKENS) as i64).collect();
    let kinds = graph.ints(&format!("{part}.kinds"), &[1, namings], &kinds);
    let rows = graph.node("Add", &format!("{part}.rows"), &[&starts, &kinds], &[]);
    let names = graph.node("Gather", &format!("{part}.names"), &[&tables.names, &rows], &[Attribute("axis", 0)]);
    let offsets: Vec<i64> = head.names.offsets().into_iter().map(|offset| offset as i64).collect();
    let offsets = graph.ints(&format!("{part}.offsets"), &[1, namings, 1], &offsets);
    let names = graph.node("Add", &format!("{part}.outputs"), &[&names, &offsets], &[]);
    let flat = graph.ints(&format!("{part}.flat"), &[2], &[0, (namings * Token::VOCABULARY) as i64]);
    let names = graph.node("Reshape", &format!("{part}.flat_names"), &[&names, &flat], &[]);
    let named = graph.node("GatherElements", &format!("{part}.named"), &[&output, &names], &[Attribute("axis", 1)]);
    let split = graph.ints(&format!("{part}.split"), &[3], &[0, namings as i64, Token::VOCABULARY as i64]);
    let named = graph.node("Reshape", &format!("{part}.by_naming"), &[&named, &split], &[]);
    let named =
        graph.node("ReduceSum", &format!("{part}.all_namings"), &[&named, "axis1"], &[Attribute("keepdims", 0)]);
    let absolute = columns(graph, &format!("{part}.absolute"), &output, 0, Token::VOCABULARY);
    let sum = graph.node("Add", &format!("{part}.sum"), &[&absolute, &named], &[]);
    let lowest = graph.floats(&format!("{part}.lowest"), &[1, 1], &[LOWEST_LOGIT]);
    Ok(graph.node("Max", &format!("logits_{part}"), &[&sum, &lowest], &[]))
}
