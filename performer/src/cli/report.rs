//! `performer report`: harmonizes a whole split as in live playing and sets the figures beside Bach's.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use chorale::census::{Census, Figure};
use chorale::{Chorale, Guard, Phase};
use corpus::{Dataset, SPLIT_SEED, Split};
use harmonizer::search::PARTICLES;
use harmonizer::{Purpose, Sampling, guard_for};
use indicatif::{ProgressBar, ProgressStyle};
use network::Model;
use performer::study::distance::distances;
use performer::study::report::{self, Disturbance, RECOVERY_WINDOW, Way};
use serde_json::{Value, json};

use super::discriminator::{self, Request};
use super::options::{SamplingOptions, load_model, whole};
use super::output::print;

/// Harmonizes every soprano of a split as in live playing, and counts what comes of it beside what Bach wrote
///
/// Side by side: the network alone; live, with the guard; live with the cadence cue on the last note; and the search
/// that looks ahead. Live, each step knows only what came before it; the place in the bar is never told. Bach's own
/// figures are counted by the same code.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer report --data jsb_chorales.tgz
      Both networks, with and without the guard, on the 77 test sopranos.
  performer report --data jsb_chorales.tgz --model mine.onnx --split valid --pieces 20
      A network of one's own, on the first 20 validation sopranos.
  performer report --data jsb_chorales.tgz --recovery
      How soon the harmony is right again after a sudden transposition or wrong notes.
  performer report --data jsb_chorales.tgz --discriminator --keep judged
      Two judges learn to tell Bach from us; what gives us away.
  performer report --data jsb_chorales.tgz --new 100
      New chorales instead of harmonizations, and how much in them is copied.")]
pub struct Args {
    /// The data set: its .tgz archive, the unpacked folder, or any folder of pieces in four parts
    #[arg(long, value_name = "PATH")]
    data: PathBuf,

    /// Whose sopranos
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,

    /// Only the first N pieces
    #[arg(long, value_name = "N", value_parser = whole(1, u32::MAX), allow_negative_numbers = true)]
    pieces: Option<u32>,

    /// A network: wavenet, lstm, or an ONNX file; may be given several times. Without this, both that are built in
    #[arg(long = "model", value_name = "NAME|FILE", default_values = ["wavenet", "lstm"])]
    models: Vec<PathBuf>,

    /// Only live playing, not the search that looks ahead
    #[arg(long)]
    live: bool,

    /// Particles of the search
    #[arg(long, value_name = "N", default_value_t = PARTICLES as u32, value_parser = whole(1_u32, 1024), allow_negative_numbers = true)]
    particles: u32,

    /// Measure the recovery from a sudden transposition by a semitone and from three wrong notes
    #[arg(long, conflicts_with = "new")]
    recovery: bool,

    /// Report on N new chorales of 256 steps instead
    #[arg(long, value_name = "N", value_parser = whole(1_u32, 100_000), allow_negative_numbers = true)]
    new: Option<u32>,

    /// Let judges learn, on the validation sopranos, to tell Bach's harmonizations from ours, and try them on the test
    /// sopranos
    #[arg(long, conflicts_with_all = ["new", "recovery", "split", "json"])]
    discriminator: bool,

    /// How many times the discriminator draws anew, to tell the spread
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole(1_u32, 100), allow_negative_numbers = true, requires = "discriminator")]
    repeats: u32,

    /// Where the discriminator keeps harmonizations and finds those that it made before
    #[arg(long, value_name = "FOLDER", requires = "discriminator")]
    keep: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    sampling: SamplingOptions,
}

/// Steps of a new chorale.
const NEW_STEPS: usize = 256;

/// A column of the table.
struct Column {
    title: String,
    figures: Vec<Figure>,
}

pub fn run(args: Args) -> Result<()> {
    let dataset = Dataset::open(&args.data, SPLIT_SEED)?;
    let most = args.pieces.map_or(usize::MAX, |pieces| pieces as usize);
    if args.discriminator {
        return discriminator::run(&Request {
            dataset: &dataset,
            models: &args.models,
            sampling: &args.sampling,
            particles: args.particles as usize,
            is_live: args.live,
            most,
            seeds: u64::from(args.repeats),
            kept: args.keep.as_deref(),
        });
    }
    let pieces: Vec<(Chorale, Vec<Phase>)> =
        dataset.split(args.split).iter().take(most).map(|piece| (piece.chorale.clone(), piece.phases(false))).collect();
    let mut bach = Census::default();
    pieces.iter().for_each(|(chorale, _)| bach.add(&report::of_phrases(chorale, chorale)));

    let unguarded = Sampling { guard: Guard::OFF, ..args.sampling.sampling(Guard::OFF) };
    let particles = args.particles as usize;
    // Names of columns, what is guarded, and how.
    let mut choices: Vec<(String, Option<Purpose>, Way)> = Vec::new();
    if args.new.is_some() || args.recovery {
        let purpose = if args.recovery { Purpose::Live } else { Purpose::New };
        let is_guarded = args.sampling.is_guarded();
        let name = if is_guarded { "guard" } else { "no guard" };
        choices.push((name.into(), is_guarded.then_some(purpose), Way::Live));
    } else {
        choices.push(("no guard".into(), None, Way::Live));
        if args.sampling.is_guarded() {
            choices.push(("live".into(), Some(Purpose::Live), Way::Live));
            if !args.live {
                choices.push(("live, cue".into(), Some(Purpose::Live), Way::LiveWithCue));
                choices.push((format!("ahead, {particles}"), Some(Purpose::Ahead), Way::Ahead(particles)));
            }
        }
    }
    let mut columns = vec![Column { title: "Bach".into(), figures: bach.figures() }];
    let own: Vec<Chorale> = pieces.iter().map(|(chorale, _)| chorale.clone()).collect();
    // Bach's own is that of as many other pieces.
    let others: Vec<Chorale> = spread(&dataset.train, own.len()).map(|piece| piece.chorale.clone()).collect();
    columns[0].figures.extend(distances(&others, &own));
    if args.new.is_some() {
        columns[0].figures.extend(copy_figures(&own, &dataset));
    }
    for path in &args.models {
        let model = load_model(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (choice, purpose, way) in &choices {
            let sampling = purpose.map_or(unguarded, |purpose| args.sampling.sampling(guard_for(&model, purpose)));
            let title = format!("{name}, {choice}");
            let figures = if args.recovery {
                recovery_figures(&model, sampling, &pieces)?
            } else if let Some(count) = args.new {
                let bar = progress(u64::from(count), &title)?;
                let (census, chorales) =
                    report::generate_all(&model, sampling, count as usize, NEW_STEPS, || bar.inc(1))?;
                bar.finish_and_clear();
                let figures = census.figures().into_iter().chain(distances(&chorales, &own));
                figures.chain(copy_figures(&chorales, &dataset)).collect()
            } else {
                let bar = progress(pieces.len() as u64, &title)?;
                let (census, chorales) = report::harmonize_all(&model, sampling, &pieces, *way, || bar.inc(1))?;
                bar.finish_and_clear();
                let value = report::nats_a_note(&model, &chorales, &pieces)?;
                let nats = Figure { name: "network-nats".into(), unit: "a note", value };
                census.figures().into_iter().chain(distances(&chorales, &own)).chain([nats]).collect()
            };
            columns.push(Column { title, figures });
        }
    }
    if args.recovery {
        columns.remove(0);
    }
    if args.json {
        let document = json!({
            "split": args.split.name(),
            "pieces": pieces.len(),
            "temperature": unguarded.temperature,
            "min_p": unguarded.min_p,
            "seed": unguarded.seed,
            "columns": columns.iter().map(in_json).collect::<Vec<Value>>(),
        });
        print(&(serde_json::to_string_pretty(&document)? + "\n"))
    } else {
        print(&table(&columns))
    }
}

/// `count` pieces from all over, or all.
fn spread<T>(pieces: &[T], count: usize) -> impl Iterator<Item = &T> {
    let count = count.clamp(1, pieces.len().max(1));
    (0..count).filter_map(move |index| pieces.get(index * pieces.len() / count))
}

pub fn progress(count: u64, title: &str) -> Result<ProgressBar> {
    let bar = ProgressBar::new(count);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")?);
    bar.set_message(title.to_owned());
    Ok(bar)
}

fn copy_figures(chorales: &[Chorale], dataset: &Dataset) -> Vec<Figure> {
    let training: Vec<&Chorale> = dataset.train.iter().map(|piece| &piece.chorale).collect();
    let copied = report::Copied::of(chorales, &training);
    vec![
        Figure { name: "copied-windows".into(), unit: "% of 8-step windows", value: 100.0 * copied.share },
        Figure { name: "longest-copy".into(), unit: "steps", value: copied.longest as f64 },
        Figure { name: "median-longest-copy".into(), unit: "steps a piece", value: copied.median_longest as f64 },
    ]
}

fn recovery_figures(model: &Arc<Model>, sampling: Sampling, pieces: &[(Chorale, Vec<Phase>)]) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for disturbance in Disturbance::ALL {
        let bar = progress(pieces.len() as u64, disturbance.name())?;
        let steps = report::recovery(model, sampling, pieces, disturbance, || bar.inc(1))?;
        bar.finish_and_clear();
        let quantile = |share: f64| {
            let place = ((steps.len() as f64 * share).ceil() as usize).clamp(1, steps.len());
            steps.get(place - 1).map_or(0.0, |steps| *steps as f64)
        };
        let never = steps.iter().filter(|&&steps| steps >= RECOVERY_WINDOW).count();
        for (what, value) in [("median", quantile(0.5)), ("95th-percentile", quantile(0.95))] {
            let name = format!("{}-{what}", disturbance.name());
            figures.push(Figure { name, unit: "steps", value });
        }
        let name = format!("{}-never", disturbance.name());
        figures.push(Figure { name, unit: "pieces", value: never as f64 });
    }
    Ok(figures)
}

fn in_json(column: &Column) -> Value {
    let figures: serde_json::Map<String, Value> = (column.figures.iter())
        .map(|figure| (figure.name.clone(), json!({ "value": figure.value, "unit": figure.unit })))
        .collect();
    json!({ "title": column.title, "figures": figures })
}

fn table(columns: &[Column]) -> String {
    let longest = columns.iter().map(|column| column.figures.len()).max().unwrap_or(0);
    let mut text = format!("{:30} {:22}", "", "");
    for column in columns {
        text += &format!(" {:>20}", column.title);
    }
    text.push('\n');
    let fullest = columns.iter().find(|column| column.figures.len() == longest);
    for Figure { name, unit, .. } in fullest.into_iter().flat_map(|column| &column.figures) {
        text += &format!("{name:30} {unit:22}");
        for column in columns {
            match column.figures.iter().find(|figure| figure.name == *name) {
                Some(figure) => text += &format!(" {:20.2}", figure.value),
                None => text += &format!(" {:>20}", "-"),
            }
        }
        text.push('\n');
    }
    text
}
