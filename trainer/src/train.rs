//! The training loop.

use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use candle_core::Tensor;
use chorale::{Chord, Phase, Token};
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::augment::{Example, example};
use crate::checkpoint::{Checkpoint, Header};
use crate::curve;
use crate::dataset::{CorpusPiece, Dataset};
use crate::layers::{Dropout, Weights};
use crate::likelihood::{self, Likelihood, LikelihoodReport, Told};
use crate::logits::{self, Targets};
use crate::network::{Batch, Network};
use crate::optimizer::Optimizer;
use crate::settings::{Settings, TrainingSettings};
use crate::{parallel, sample};

/// Files of a run's folder: what it goes on from, and what to evaluate and export.
pub const LAST: &str = "last.safetensors";
pub const BEST: &str = "best.safetensors";

/// Where a run happens and how it came about.
pub struct Run<'a> {
    /// The run's folder: `last.safetensors` (to resume), `best.safetensors`, `log.jsonl`, `curve.svg`.
    pub folder: &'a Path,
    pub resume: bool,
    /// Begins with the averaged weights of this checkpoint instead of random ones.
    pub from: Option<&'a Path>,
    /// Networks whose mean distributions are learned beside the notes (knowledge distillation, Hinton et al. 2015,
    /// arXiv 1503.02531); `settings.training.teaching` says how much they count.
    pub teachers: &'a [Network],
    pub command: String,
    pub commit: String,
}

/// Keeps candle's operations from splitting themselves among threads, which would only wait for each other: each shard of
/// a batch has its own thread already. What the environment says of it stands. To be called before any thread is started.
pub fn leave_threads_to_shards() {
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        // SAFETY: by the contract no other thread could read the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("RAYON_NUM_THREADS", "1")
        };
    }
}

/// Trains to the end of `settings.training.epochs` and returns the best validation T of the averaged weights. After
/// every epoch the run can be cut off: `resume` then goes on exactly as if it had not been. With more epochs than it was begun
/// with it is made longer, and the learning rate goes on along the longer fall.
///
/// # Errors
/// When the folder holds another run, a checkpoint cannot be read, or a file cannot be written.
pub fn train(settings: &Settings, dataset: &Dataset, run: &Run) -> Result<f64> {
    settings.check()?;
    for teacher in run.teachers {
        ensure!(
            teacher.order == settings.part_order()?,
            "a teacher chooses the parts in the order {}, the network in the order {}; they must agree",
            teacher.settings.order,
            settings.order
        );
    }
    fs::create_dir_all(run.folder).with_context(|| format!("cannot create '{}'", run.folder.display()))?;
    let path = |name: &str| run.folder.join(name);
    let (mut optimizer, mut header) = begin(settings, run)?;
    let mut log = read_log(&path("log.jsonl"), header.epoch)?;
    write_log(&path("log.jsonl"), &log)?;

    let training = &settings.training;
    let weights: Weights =
        optimizer.variables.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    let network = Network::new(settings, &weights)?;
    let updates_an_epoch = dataset.train.len().div_ceil(training.batch);
    let total = updates_an_epoch * training.epochs;
    let bar = progress_bar(total, header.updates)?;

    while header.epoch < training.epochs {
        let started = Instant::now();
        let epoch = header.epoch + 1;
        let (mut nats, mut notes, mut steps) = (0.0, 0, 0);
        for batch in &batches(&dataset.train, settings, epoch) {
            let gradient = gradient(&network, &optimizer, batch, run.teachers)?;
            optimizer.step(&gradient.weights, training, total)?;
            nats += gradient.nats;
            notes += gradient.notes;
            steps += gradient.notes / 4;
            ensure!(nats.is_finite(), "the loss is no longer a number in epoch {epoch}; lower --learning-rate");
            bar.inc(1);
            bar.set_message(format!(
                "epoch {epoch}/{}  loss {:.4}  valid T {:.4} (best {:.4})  {:.0} steps/s",
                training.epochs,
                nats / notes as f64,
                header.valid_t,
                header.best_t,
                steps as f64 / started.elapsed().as_secs_f64()
            ));
        }
        let train_seconds = started.elapsed().as_secs_f64();

        let average = Network::new(settings, &optimizer.average()?)?;
        let report = evaluate(&average, &dataset.valid, Told::Beat, training.shards)?.report();
        header.epoch = epoch;
        header.updates = optimizer.updates;
        header.valid_t = report.t;
        header.seconds += started.elapsed().as_secs_f64();
        let is_best = report.t < header.best_t;
        header.best_t = header.best_t.min(report.t);

        let loss = nats / notes as f64;
        log.push(log_entry(&header, loss, &report, steps as f64 / train_seconds));
        let checkpoint = Checkpoint { header: header.clone(), tensors: optimizer.state()? };
        if is_best {
            checkpoint.averaged().save(&path(BEST))?;
        }
        write_log(&path("log.jsonl"), &log)?;
        draw_curve(&path("curve.svg"), settings, &log)?;
        // Last of all: as long as it is the old one, a resumed run repeats this epoch and writes the rest again.
        checkpoint.save(&path(LAST))?;
        let sample = match dataset.valid.first() {
            Some(piece) => format!("  {}: {}", piece.name, sample::first_bar(&average, piece)?),
            None => String::new(),
        };
        if bar.is_hidden() {
            eprintln!(
                "epoch {epoch}/{}  loss {loss:.4}  valid T {:.4} (best {:.4})  {:.0} steps/s\n{sample}",
                training.epochs,
                report.t,
                header.best_t,
                steps as f64 / train_seconds
            );
        } else {
            bar.println(sample);
        }
    }
    bar.finish_and_clear();
    Ok(header.best_t)
}

/// Random weights, those of another run, or where this run was cut off.
fn begin(settings: &Settings, run: &Run) -> Result<(Optimizer, Header)> {
    let mut optimizer = Optimizer::new(Network::declare(settings)?.variables)?;
    let mut header = Header {
        settings: settings.clone(),
        epoch: 0,
        updates: 0,
        valid_t: f64::INFINITY,
        best_t: f64::INFINITY,
        seconds: 0.0,
        command: run.command.clone(),
        commit: run.commit.clone(),
        teachers: Some(run.teachers.len()),
    };
    let last = run.folder.join(LAST);
    if last.exists() {
        ensure!(
            run.resume,
            "'{}' already holds a run; go on with it by --resume, or choose another folder with --out",
            run.folder.display()
        );
        let last = Checkpoint::load(&last)?;
        let before = &last.header.settings;
        let epochs = settings.training.epochs;
        let same = Settings { training: TrainingSettings { epochs, ..before.training.clone() }, ..before.clone() };
        ensure!(
            same == *settings,
            "'{}' was begun with other settings; --resume has them without being told, and of the options that stand for them \
             only --epochs may be another",
            run.folder.display()
        );
        ensure!(
            epochs >= last.header.epoch,
            "--epochs {epochs}: '{}' has had {} already",
            run.folder.display(),
            last.header.epoch
        );
        let teachers = last.header.teachers.unwrap_or(run.teachers.len());
        ensure!(
            teachers == run.teachers.len(),
            "'{}' learns from {teachers} teachers; name the same ones with --teacher",
            run.folder.display()
        );
        optimizer.restore(&last.tensors, last.header.updates)?;
        let is_longer = before.training.epochs != epochs;
        header = Header { settings: settings.clone(), ..last.header };
        if is_longer {
            header.command += &format!("; then --resume --epochs {epochs}");
        }
    } else if let Some(path) = run.from {
        let weights = Checkpoint::load(path)?.average();
        optimizer
            .start_from(&weights)
            .with_context(|| format!("'{}' holds a network of another shape", path.display()))?;
    }
    Ok((optimizer, header))
}

fn progress_bar(total: usize, done: usize) -> Result<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let bar = ProgressBar::new(total as u64).with_position(done as u64);
    bar.reset_eta();
    bar.set_style(ProgressStyle::with_template("{bar:24} {percent}%  {msg}  {eta} left")?);
    Ok(bar)
}

/// The generator of one purpose in one place of a run. Nothing else is random, so a resumed run draws the same.
fn generator(seed: u64, epoch: usize, batch: usize, shard: usize) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (bytes, number) in key.chunks_mut(8).zip([seed, epoch as u64, batch as u64, shard as u64]) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Some pieces that are trained on at once, and where in the run.
pub struct TrainingBatch {
    pub epoch: usize,
    /// Within the epoch.
    pub index: usize,
    pub examples: Vec<Example>,
}

/// Every training piece once, each in a freshly drawn legal transposition, in batches of like length (so that little
/// is padded) in random order.
pub fn batches(pieces: &[CorpusPiece], settings: &Settings, epoch: usize) -> Vec<TrainingBatch> {
    const POOL: usize = 8;
    let training = &settings.training;
    let mut rng = generator(training.seed, epoch, usize::MAX, 0);
    let mut order: Vec<&CorpusPiece> = pieces.iter().collect();
    order.shuffle(&mut rng);
    let mut batches: Vec<Vec<Example>> = Vec::new();
    for pool in order.chunks_mut(POOL * training.batch) {
        pool.sort_by_key(|piece| piece.chorale.chords.len());
        for pieces in pool.chunks(training.batch) {
            let examples = pieces.iter().map(|piece| example(piece, training, &mut rng));
            batches.push(examples.collect());
        }
    }
    batches.shuffle(&mut rng);
    batches.into_iter().enumerate().map(|(index, examples)| TrainingBatch { epoch, index, examples }).collect()
}

/// The mean distributions of the teachers, (N, 47) for each part, soprano first; `None` without any.
fn taught(teachers: &[Network], batch: &Batch) -> candle_core::Result<Option<[Tensor; 4]>> {
    if teachers.is_empty() {
        return Ok(None);
    }
    let logits = teachers
        .iter()
        .map(|teacher| teacher.forward(batch, &mut Dropout::off()))
        .collect::<candle_core::Result<Vec<_>>>()?;
    let mean = |part: usize| -> candle_core::Result<Tensor> {
        let distributions = logits
            .iter()
            .map(|logits| candle_nn::ops::softmax(&logits[part], 1))
            .collect::<candle_core::Result<Vec<_>>>()?;
        Tensor::stack(&distributions, 0)?.mean(0)
    };
    Ok(Some([mean(0)?, mean(1)?, mean(2)?, mean(3)?]))
}

/// What a batch says of the weights.
pub struct Gradient {
    /// Of the mean nats per note, by each weight.
    pub weights: Weights,
    /// Of all notes.
    pub nats: f64,
    pub notes: usize,
}

/// The gradient over a batch. Each shard of it has a thread; they are added in the order of the shards. The batch's place
/// in the run tells the generators what to draw.
///
/// # Errors
/// When the arithmetic fails, which it does for weights that are none of the network's.
pub fn gradient(
    network: &Network,
    optimizer: &Optimizer,
    batch: &TrainingBatch,
    teachers: &[Network],
) -> Result<Gradient> {
    let training = &network.settings.training;
    let TrainingBatch { epoch, index, examples } = batch;
    let notes: usize = examples.iter().map(|example| 4 * example.chords.len()).sum();
    let shard_gradient = |(shard, examples): (usize, &[Example])| -> Result<(Weights, f64)> {
        let batch = Batch::new(examples, network.order)?;
        let taught = taught(teachers, &batch)?;
        let mut dropout = Dropout::new(training.dropout, generator(training.seed, *epoch, *index, shard));
        let nats = shard_nats(network, &batch, taught, &mut dropout)?;
        let grads = (&nats / notes as f64)?.backward()?;
        let mut gradients = Weights::new();
        for (name, variable) in &optimizer.variables {
            let gradient = match grads.get(variable) {
                // Detached, or the moments of the optimizer would keep the graph of every batch.
                Some(gradient) => gradient.detach(),
                None => variable.zeros_like()?,
            };
            gradients.insert(name.clone(), gradient);
        }
        Ok((gradients, f64::from(nats.to_scalar::<f32>()?)))
    };
    let shards = examples.chunks(examples.len().div_ceil(training.shards)).enumerate();
    let mut sum: Option<(Weights, f64)> = None;
    for shard in parallel::map(shards, shard_gradient) {
        let (gradients, nats) = shard?;
        sum = Some(match sum {
            None => (gradients, nats),
            Some((mut total, earlier)) => {
                for (name, gradient) in gradients {
                    let added = (&total[&name] + gradient)?;
                    total.insert(name, added);
                }
                (total, earlier + nats)
            }
        });
    }
    let (weights, nats) = sum.context("an empty batch")?;
    Ok(Gradient { weights, nats, notes })
}

/// The nats of all notes of a shard: → a scalar. `taught` is what [`taught`] gives.
fn shard_nats(network: &Network, batch: &Batch, taught: Option<[Tensor; 4]>, dropout: &mut Dropout) -> Result<Tensor> {
    let logits = network.forward(batch, dropout)?;
    let mut nats = None;
    for (part, logits) in logits.iter().enumerate() {
        let taught = taught.as_ref().map(|taught| (taught[part].clone(), network.settings.training.teaching as f32));
        let part_nats = logits::nats(logits, &Targets { tokens: Arc::clone(&batch.now[part]), taught })?;
        nats = Some(match nats {
            None => part_nats,
            Some(sum) => (sum + part_nats)?,
        });
    }
    nats.context("a chord has four parts")
}

/// The likelihood of whole pieces by a network, from an empty state, a part of them in each of the threads.
///
/// # Errors
/// When the arithmetic fails.
pub fn evaluate(network: &Network, pieces: &[CorpusPiece], told: Told, threads: usize) -> Result<Likelihood> {
    likelihood::in_threads(pieces, threads, |pieces| {
        let mut likelihood = Likelihood::default();
        for piece in pieces {
            let chords = &piece.chorale.chords;
            let logits = logits(network, chords, &told.phases(piece))?;
            for (step, &chord) in chords.iter().enumerate() {
                let before = if step == 0 { Chord::START } else { chords[step - 1] };
                let row = |part: usize| &logits[part][step * Token::VOCABULARY..][..Token::VOCABULARY];
                likelihood.add_step(before, chord, [row(0), row(1), row(2), row(3)]);
            }
        }
        Ok(likelihood)
    })
}

/// Teacher-forced logits of one piece, for each part (steps · 47) values, soprano first.
pub fn logits(network: &Network, chords: &[Chord], phases: &[Phase]) -> Result<[Vec<f32>; 4]> {
    let example = Example { chords: chords.to_vec(), heard: chords.to_vec(), phases: phases.to_vec() };
    let batch = Batch::new(&[example], network.order)?;
    let mut values = [const { Vec::new() }; 4];
    for (values, logits) in values.iter_mut().zip(network.forward(&batch, &mut Dropout::off())?) {
        *values = logits.flatten_all()?.to_vec1()?;
    }
    Ok(values)
}

fn log_entry(header: &Header, loss: f64, valid: &LikelihoodReport, steps_per_second: f64) -> Value {
    json!({
        "epoch": header.epoch,
        "updates": header.updates,
        "loss": loss,
        "valid_T": valid.t,
        "valid_accuracy": valid.accuracy,
        "valid_atb_given_s": valid.atb_given_s,
        "best_T": header.best_t,
        "steps_per_second": steps_per_second.round(),
        "seconds": header.seconds.round(),
    })
}

/// The entries of the first `epochs` epochs. What a cut-off run logged beyond its last checkpoint is dropped.
fn read_log(path: &Path, epochs: usize) -> Result<Vec<Value>> {
    if epochs == 0 {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let entries: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).take(epochs).collect();
    ensure!(entries.len() == epochs, "'{}' holds {} of {epochs} epochs", path.display(), entries.len());
    Ok(entries)
}

fn write_log(path: &Path, log: &[Value]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
        for entry in log {
            writeln!(file, "{entry}")?;
        }
        file.sync_all()
    };
    write().with_context(|| format!("cannot write '{}'", path.display()))
}

fn draw_curve(path: &Path, settings: &Settings, log: &[Value]) -> Result<()> {
    let points = |key: &str| -> Vec<(f64, f64)> {
        log.iter().filter_map(|entry| Some((entry["epoch"].as_f64()?, entry[key].as_f64()?))).collect()
    };
    curve::draw(path, settings.architecture(), &points("loss"), &points("valid_T"))
}
