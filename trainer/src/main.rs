//! `trainer`: reads the chorales, trains, evaluates and exports the harmony networks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use chorale::{Chord, Part, Token};
use clap::{Parser, ValueEnum};
use serde_json::json;
use trainer::checkpoint::Checkpoint;
use trainer::dataset::{CorpusPiece, Dataset, Source, Split};
use trainer::likelihood::{LikelihoodReport, Told};
use trainer::settings::Settings;
use trainer::train::{BEST, LAST, Run, evaluate, train};

fn main() -> ExitCode {
    trainer::train::leave_threads_to_shards();
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Trains the harmony networks on the 382 Bach chorales and exports them to ONNX.
#[derive(Parser)]
#[command(name = "trainer", version, disable_help_subcommand = true)]
enum Command {
    /// Print what the data set holds: counts, lengths, ranges, rests, and how often the previous note repeats
    ///
    /// Example: trainer dataset --data jsb_chorales.tgz
    #[command(verbatim_doc_comment)]
    Dataset(DatasetArgs),
    /// Train a network; the run's folder gets checkpoints, a log (JSON lines) and a learning curve (SVG)
    ///
    /// Examples:
    ///   trainer train wavenet
    ///   trainer train lstm --out runs/lstm-2 --seed 2 --data jsb_chorales.tgz
    ///   trainer train lstm --out runs/lstm-2 --resume                (goes on with it)
    ///   trainer train lstm --out runs/lstm-2 --resume --epochs 40    (and makes it longer)
    #[command(verbatim_doc_comment)]
    Train(Box<TrainArgs>),
    /// Measure T (mean nats per note) and accuracy of a checkpoint or an ONNX file on whole chorales
    ///
    /// Example: trainer evaluate models/wavenet.onnx --split test --json
    #[command(verbatim_doc_comment)]
    Evaluate(EvaluateArgs),
    /// Export a checkpoint to ONNX, after comparing the file with the checkpoint step by step
    ///
    /// Examples:
    ///   trainer export runs/wavenet/best.safetensors -o mine.onnx
    ///   trainer export runs/wavenet/best.safetensors -o mine.onnx --force    (over what is there)
    #[command(verbatim_doc_comment)]
    Export(ExportArgs),
}

#[derive(clap::Args)]
struct DatasetArgs {
    #[command(flatten)]
    source: Source,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Architecture {
    Lstm,
    Wavenet,
}

#[derive(clap::Args)]
struct TrainArgs {
    architecture: Architecture,
    #[command(flatten)]
    source: Source,
    /// The run's folder [default: runs/wavenet or runs/lstm]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Go on with the run in that folder where it was cut off, with the options that it was begun with; --epochs makes it
    /// longer. Where there is none, one is begun
    #[arg(long)]
    resume: bool,
    /// Begin with the weights of this checkpoint, of the same architecture and sizes [default: random ones]
    #[arg(long, value_name = "CHECKPOINT")]
    from: Option<PathBuf>,
    /// Learn beside the notes what this checkpoint thinks of them; may be given several times, for a mean of them all
    /// [default: none]
    #[arg(long = "teacher", value_name = "CHECKPOINT")]
    teachers: Vec<PathBuf>,
    /// What is drawn at random: the first weights, the order of the chorales, their keys, dropout [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How often each chorale is learned from. The learning rate falls over all of them; in a run that is made longer it goes
    /// on where the longer fall would be [default: 30 for the WaveNet, 24 for the LSTM]
    #[arg(long, value_name = "N", value_parser = whole(100_000), allow_negative_numbers = true)]
    epochs: Option<usize>,
    /// Chorales a weight update [default: 4]
    #[arg(long, value_name = "N", value_parser = whole(10_000), allow_negative_numbers = true)]
    batch: Option<usize>,
    /// Parts of a batch computed side by side, one thread each; the weights depend on it [default: 2]
    #[arg(long, value_name = "N", value_parser = whole(256), allow_negative_numbers = true)]
    shards: Option<usize>,
    /// The highest, after the first 200 updates; it falls along a cosine to a hundredth [default: 0.002]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// By which weights shrink, times the learning rate, at each update (AdamW) [default: 0.02]
    #[arg(long, value_name = "SHARE")]
    weight_decay: Option<f64>,
    /// Share of the values inside the network that are left out while it learns [default: 0.4]
    #[arg(long, value_name = "SHARE")]
    dropout: Option<f32>,
    /// Share of the pieces in which some notes of the past are heard wrong [default: 0.15]
    #[arg(long, value_name = "SHARE")]
    errors: Option<f64>,
    /// Share of the pieces that go on in another key from somewhere on [default: 0.1]
    #[arg(long, value_name = "SHARE")]
    jumps: Option<f64>,
    /// Order in which the parts of a chord are chosen, the soprano first [default: SBTA]
    #[arg(long, value_name = "LETTERS")]
    order: Option<String>,
    /// Width of the heads' hidden layers [default: 160 for the WaveNet, 144 for the LSTM]
    #[arg(long, value_name = "N", value_parser = whole(8192), allow_negative_numbers = true)]
    head_width: Option<usize>,
    /// WaveNet: channels; LSTM: hidden units a layer [default: 128, 256]
    #[arg(long, value_name = "N", value_parser = whole(8192), allow_negative_numbers = true)]
    width: Option<usize>,
    /// WaveNet: blocks, their dilations doubling from 1; LSTM: layers [default: 8, 2]
    #[arg(long, value_name = "N", value_parser = whole(12), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// WaveNet: width of the context [default: 256]
    #[arg(long, value_name = "N", value_parser = whole(8192), allow_negative_numbers = true)]
    context: Option<usize>,
}

#[derive(clap::Args)]
struct EvaluateArgs {
    /// A checkpoint (.safetensors) or an exported network (.onnx)
    model: PathBuf,
    #[command(flatten)]
    source: Source,
    /// The chorales that it is tried on
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    /// Only the pieces named in this file, one a line [default: all of the split]
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
    /// What to tell the network of the place in the bar
    #[arg(long, value_enum, default_value = "beat")]
    phase: Told,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct ExportArgs {
    /// What `trainer train` left: best.safetensors of a run's folder
    checkpoint: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE.onnx")]
    output: PathBuf,
    /// Replace the file if it is there already
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    source: Source,
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Dataset(args) => describe(&args.source.load()?, args.json),
        Command::Train(args) => run_train(*args),
        Command::Evaluate(args) => run_evaluate(args),
        Command::Export(args) => {
            let is_there = args.output.exists() && !args.force;
            ensure!(!is_there, "--output {} is there already; --force replaces it", args.output.display());
            let checkpoint = Checkpoint::load(&args.checkpoint)?;
            trainer::export::export(&checkpoint, &args.source.load()?, &args.output)
        }
    }
}

fn describe(dataset: &Dataset, json: bool) -> Result<()> {
    let mut splits = BTreeMap::new();
    for split in Split::ALL {
        let pieces = dataset.split(split);
        let lengths = || pieces.iter().map(|piece| piece.chorale.chords.len());
        let steps: usize = lengths().sum();
        let (mut rests, mut repeated) = (0, 0);
        for piece in pieces {
            let mut before = Chord::START;
            for &chord in &piece.chorale.chords {
                for part in Part::ALL {
                    rests += usize::from(chord[part] == Token::REST);
                    repeated += usize::from(chord[part] == before[part]);
                }
                before = chord;
            }
        }
        let notes = 4 * steps;
        // The first note of a part repeats nothing; the baseline is counted on the notes that have one before.
        let followers = notes - 4 * pieces.len();
        let range = |part: Part| {
            let ranges = || pieces.iter().filter_map(|piece| piece.chorale.range(part));
            let low = ranges().map(|(low, _)| low).min();
            let high = ranges().map(|(_, high)| high).max();
            [low, high].map(|pitch| pitch.map_or(0, |pitch| pitch.midi()))
        };
        splits.insert(
            split.name(),
            json!({
                "chorales": pieces.len(),
                "shortest": lengths().min(),
                "longest": lengths().max(),
                "steps": steps,
                "notes": notes,
                "rests": rests as f64 / notes as f64,
                "copy_accuracy": repeated as f64 / followers as f64,
                "ranges": Part::ALL.map(|part| (part.letter(), range(part))).into_iter().collect::<BTreeMap<_, _>>(),
            }),
        );
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&splits)?);
        return Ok(());
    }
    println!("split  chorales  length (steps)   steps    notes   rests  repeated   S        A        T        B");
    for split in Split::ALL {
        let row = &splits[split.name()];
        let ranges: Vec<String> = Part::ALL
            .map(|part| {
                let range = &row["ranges"][part.letter().to_string()];
                format!("{:>2}..{:<4}", range[0], range[1])
            })
            .into();
        println!(
            "{:<6} {:>8}  {:>7}..{:<6} {:>6}  {:>7}  {:>5.2} %  {:>6.2} %   {}",
            split.name(),
            row["chorales"],
            row["shortest"],
            row["longest"],
            row["steps"],
            row["notes"],
            100.0 * row["rests"].as_f64().unwrap_or(0.0),
            100.0 * row["copy_accuracy"].as_f64().unwrap_or(0.0),
            ranges.join(" ")
        );
    }
    Ok(())
}

fn run_train(args: TrainArgs) -> Result<()> {
    let new = match args.architecture {
        Architecture::Lstm => Settings::lstm(),
        Architecture::Wavenet => Settings::wavenet(),
    };
    let name = new.architecture();
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let last = folder.join(LAST);
    let settings = if last.exists() {
        ensure!(
            args.resume,
            "'{}' already holds a run; choose another folder with --out, or go on with it:\n  {} --resume",
            folder.display(),
            words_typed()
        );
        let before = Checkpoint::load(&last)?.header.settings;
        let found = before.architecture();
        ensure!(
            found == name,
            "'{}' holds the run of another network: trainer train {found} goes on with it",
            folder.display()
        );
        before
    } else {
        new
    };
    let settings = args.applied_to(settings)?;
    let dataset = args.source.load()?;
    // The commands of the checkpoints that it builds upon come before its own.
    let mut commands = Vec::new();
    if let Some(first) = &args.from {
        commands.push(Checkpoint::load(first)?.header.command);
    }
    let mut teachers = Vec::new();
    for path in &args.teachers {
        let teacher = Checkpoint::load(path)?;
        teachers.push(teacher.network().with_context(|| format!("'{}' cannot teach", path.display()))?);
        commands.push(teacher.header.command);
    }
    commands.push(command_line());
    let run = Run {
        folder: &folder,
        resume: args.resume,
        from: args.from.as_deref(),
        teachers: &teachers,
        command: commands.join("; "),
        commit: commit(),
    };
    let best = train(&settings, &dataset, &run)?;
    let best_file = folder.join(BEST);
    eprintln!("best validation T {best:.4}: {}", best_file.display());
    eprintln!("trainer export {} -o {name}.onnx makes a model of it; --resume --epochs N goes on", best_file.display());
    Ok(())
}

impl TrainArgs {
    /// The settings, but for what the user wants otherwise.
    fn applied_to(&self, mut settings: Settings) -> Result<Settings> {
        use trainer::settings::TrunkSettings;
        let training = &mut settings.training;
        training.seed = self.seed.unwrap_or(training.seed);
        training.epochs = self.epochs.unwrap_or(training.epochs);
        training.batch = self.batch.unwrap_or(training.batch);
        training.shards = self.shards.unwrap_or(training.shards);
        training.learning_rate = self.learning_rate.unwrap_or(training.learning_rate);
        training.weight_decay = self.weight_decay.unwrap_or(training.weight_decay);
        training.dropout = self.dropout.unwrap_or(training.dropout);
        training.errors = self.errors.unwrap_or(training.errors);
        training.jumps = self.jumps.unwrap_or(training.jumps);
        settings.order = self.order.clone().unwrap_or(settings.order);
        settings.head_width = self.head_width.unwrap_or(settings.head_width);
        match &mut settings.trunk {
            TrunkSettings::Wavenet { channels, dilations, context, .. } => {
                *channels = self.width.unwrap_or(*channels);
                *context = self.context.unwrap_or(*context);
                if let Some(layers) = self.layers {
                    ensure!((1..=12).contains(&layers), "--layers {layers}: expected 1 to 12");
                    *dilations = (0..layers).map(|layer| 1 << layer).collect();
                }
            }
            TrunkSettings::Lstm { hidden, layers, .. } => {
                ensure!(
                    self.context.is_none(),
                    "--context is for the WaveNet; an LSTM's context is its layers' outputs"
                );
                *hidden = self.width.unwrap_or(*hidden);
                *layers = self.layers.unwrap_or(*layers);
            }
        }
        Ok(settings)
    }
}

/// Reads a number from 1 on; one that is none, or that nobody can mean, is told what would do.
fn whole(high: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if (1..=high).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from 1 to {high}")),
    }
}

/// The command as it was typed, to be typed again.
fn words_typed() -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_=./,:+".contains(character);
    let quoted = |word: String| match word.chars().all(is_plain) && !word.is_empty() {
        true => word,
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("trainer {}", words.join(" "))
}

/// The command as it was typed, without the program's folder and without paths of the data.
fn command_line() -> String {
    let mut words = vec!["trainer".to_string()];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let (name, has_value) = argument.split_once('=').map_or((argument.as_str(), false), |(name, _)| (name, true));
        let is_path = ["--data", "--out", "--from", "--teacher"].contains(&name);
        if is_path && !has_value {
            arguments.next();
        }
        match name {
            // What they stand for comes before, in the run's command.
            "--from" | "--teacher" => words.push(format!("{name} BEST")),
            "--data" | "--out" | "--resume" | "--offline" => {}
            _ => words.push(argument),
        }
    }
    words.join(" ")
}

/// The commit of the working copy, if there is one.
fn commit() -> String {
    std::process::Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string())
        .unwrap_or_else(|| "unknown".into())
}

fn run_evaluate(args: EvaluateArgs) -> Result<()> {
    let mut dataset = args.source.load()?;
    let mut pieces: Vec<CorpusPiece> = match args.split {
        Split::Train => std::mem::take(&mut dataset.train),
        Split::Valid => std::mem::take(&mut dataset.valid),
        Split::Test => std::mem::take(&mut dataset.test),
    };
    if let Some(list) = &args.only {
        let text = std::fs::read_to_string(list).with_context(|| format!("cannot read '{}'", list.display()))?;
        let names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        for name in &names {
            ensure!(
                pieces.iter().any(|piece| piece.name == *name),
                "'{}' names '{name}', which is not in the split '{}'",
                list.display(),
                args.split.name()
            );
        }
        pieces.retain(|piece| names.contains(&piece.name.as_str()));
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let likelihood = if args.model.extension().is_some_and(|extension| extension == "onnx") {
        trainer::onnx::evaluate(&args.model, &pieces, args.phase, threads)?
    } else {
        let checkpoint = Checkpoint::load(&args.model)?;
        evaluate(&checkpoint.network()?, &pieces, args.phase, threads)?
    };
    let report = likelihood.report();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print_report(&report, args.split.name(), pieces.len());
    }
    Ok(())
}

fn print_report(report: &LikelihoodReport, split: &str, pieces: usize) {
    println!("{pieces} chorales of {split}, {} notes", report.notes);
    println!("T {:.4} nats per note, accuracy {:.4}", report.t, report.accuracy);
    println!("alto, tenor, bass given the soprano: {:.4}", report.atb_given_s);
    for part in Part::ALL {
        let measure = &report.per_part[&part.letter()];
        println!("  {:<8} {:.4}  accuracy {:.4}", part.name(), measure.nats, measure.accuracy);
    }
    println!("steps where two or more parts move: {:.4} ({} notes)", report.moving.nats, report.moving.notes);
    println!("all other steps:                    {:.4} ({} notes)", report.other.nats, report.other.notes);
}
