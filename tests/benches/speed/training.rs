//! What an update of the weights takes, against the same network in PyTorch.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use chorale::Chorale;
use network::Model;
use serde_json::json;
use trainer::dataset::CorpusPiece;
use trainer::layers::Rows;
use trainer::network::{Batch, Network};
use trainer::optimizer::Optimizer;
use trainer::settings::{Settings, TrainingSettings};
use trainer::train::{Gradient, batches, gradient};

use crate::network::piece;
use crate::table::{Goal, Row, Times};

/// How long the 229 training chorales are: every fourteenth of them, in the order of their lengths.
const LENGTHS: [usize; 16] = [132, 156, 164, 192, 196, 196, 208, 228, 240, 252, 260, 260, 276, 304, 344, 436];
const PIECES: usize = 32;
/// Updates that are not counted, and those that are: about an epoch of the 229.
const WARM_UP: usize = 8;
const UPDATES: usize = 56;

pub fn rows(python: Option<&Path>) -> Result<Vec<Row>> {
    let pieces = pieces()?;
    let mut rows = Vec::new();
    for settings in [Settings::wavenet(), Settings::lstm()] {
        let name = settings.architecture();
        let folder = tempfile::tempdir()?;
        let work = folder.path().join("work.safetensors");
        write(&settings, &pieces, &work)?;
        let Some(theirs) = pytorch(&work, settings.training.shards, python)? else { continue };
        let ours = updates(&settings, &pieces)?;
        let what = format!("{name}: a training update of {} chorales", settings.training.batch);
        let against = format!("PyTorch, {} threads", settings.training.shards);
        rows.push(Row::share(&what, &ours, &against, &theirs, Goal::AtMost(1.0)));
    }
    Ok(rows)
}

/// As long as the chorales are, and like them: cut from what the WaveNet writes.
fn pieces() -> Result<Vec<CorpusPiece>> {
    let music = piece(&Arc::new(Model::wavenet()?))?;
    Ok((0..PIECES)
        .map(|index| {
            let chords = music.iter().cycle().skip(index * 16).take(LENGTHS[index % LENGTHS.len()]).copied();
            CorpusPiece { name: index.to_string(), chorale: Chorale { chords: chords.collect() }, metre: None }
        })
        .collect())
}

/// The updates of an epoch, as `trainer train` makes them: batches are made ready within the time.
fn updates(settings: &Settings, pieces: &[CorpusPiece]) -> Result<Times> {
    let mut optimizer = Optimizer::new(Network::declare(settings)?.variables)?;
    let network = network(settings, &optimizer)?;
    let mut epochs = (1..).map(|epoch| batches(pieces, settings, epoch));
    let mut left = Vec::new();
    let mut update = |_| {
        if left.is_empty() {
            left.extend(epochs.next().context("epochs without end")?);
        }
        let batch = left.pop().context("an epoch has batches")?;
        let begun = Instant::now();
        let gradient = gradient(&network, &optimizer, &batch, &[])?;
        optimizer.step(&gradient.weights, &settings.training, 1000)?;
        Ok(begun.elapsed())
    };
    Times::of(WARM_UP, &mut update)?;
    Times::of(UPDATES, &mut update)
}

fn network(settings: &Settings, optimizer: &Optimizer) -> Result<Network> {
    let weights = optimizer.variables.iter().map(|(name, variable)| (name.clone(), variable.as_tensor().clone()));
    Network::new(settings, &weights.collect())
}

/// What PyTorch needs to do the same, and to prove that it is the same.
fn write(settings: &Settings, pieces: &[CorpusPiece], work: &Path) -> Result<()> {
    let calm =
        Settings { training: TrainingSettings { dropout: 0.0, ..settings.training.clone() }, ..settings.clone() };
    let optimizer = Optimizer::new(Network::declare(&calm)?.variables)?;
    let network = network(&calm, &optimizer)?;
    let mut tensors: HashMap<String, Tensor> =
        optimizer.variables.iter().map(|(name, variable)| (name.clone(), variable.as_tensor().clone())).collect();
    let examples = batches(pieces, &calm, 1);
    let first = examples.first().context("there are batches")?;
    let Gradient { weights, nats, notes } = gradient(&network, &optimizer, first, &[])?;
    let mut squares = 0.0;
    for gradient in weights.values() {
        squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    let mut shapes = Vec::new();
    for (index, examples) in examples.iter().enumerate() {
        let batch = Batch::new(&examples.examples, network.order)?;
        shapes.push(batch.shape);
        let table = |rows: &Rows| Tensor::from_slice(&rows.indices, ((), rows.count), &Device::Cpu);
        tensors.insert(format!("{index}.inputs"), table(&batch.inputs)?);
        tensors.insert(format!("{index}.rows"), batch.rows);
        for (place, ((rows, group_outputs), now)) in
            batch.heads.iter().zip(&batch.group_outputs).zip(&batch.now).enumerate()
        {
            tensors.insert(format!("{index}.heads.{place}"), table(rows)?);
            tensors.insert(format!("{index}.names.{place}"), table(group_outputs)?);
            tensors.insert(format!("{index}.now.{place}"), Tensor::from_slice(now, now.len(), &Device::Cpu)?);
        }
    }
    let training = &settings.training;
    let told = json!({
        "trunk": settings.trunk,
        "order": settings.order,
        "tokens": chorale::Token::VOCABULARY,
        "parameters": optimizer.variables.values().map(|variable| variable.elem_count()).sum::<usize>(),
        "loss": nats / notes as f64,
        "gradient": squares.sqrt(),
        "shapes": shapes,
        "warm_up": WARM_UP,
        "updates": UPDATES,
        "dropout": training.dropout,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "clip": training.clip,
        "average_decay": training.average_decay,
    });
    let metadata = HashMap::from([("work".to_string(), told.to_string())]);
    Ok(safetensors::serialize_to_file(tensors.iter(), Some(metadata), work)?)
}

/// The same updates in PyTorch, or nothing but a message where there is none.
fn pytorch(work: &Path, threads: usize, python: Option<&Path>) -> Result<Option<Times>> {
    let Some(python) = python else {
        eprintln!("  PyTorch: skipped, no --python given");
        return Ok(None);
    };
    if !Command::new(python).args(["-c", "import torch"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("  PyTorch: skipped, '{}' has no package torch", python.display());
        return Ok(None);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/pytorch_training.py");
    let output = Command::new(python).arg(script).arg(work).arg(threads.to_string()).output()?;
    // A network that turns out to be another is no reason to go on.
    ensure!(output.status.success(), "PyTorch: {}", String::from_utf8_lossy(&output.stderr).trim());
    let microseconds: Vec<f64> =
        serde_json::from_slice(&output.stdout).context("the times printed by pytorch_training.py")?;
    Times::from_microseconds(microseconds).map(Some)
}
