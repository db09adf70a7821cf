//! `performer report --discriminator`: judges learn to tell Bach's harmonizations from ours, and what gives ours away.

use std::path::{Path, PathBuf};

use anyhow::Result;
use chorale::Chorale;
use corpus::{CorpusPiece, Dataset, Split};
use harmonizer::{Purpose, guard_for};
use performer::study::judges::give_aways::{GiveAways, ROWS, Share};
use performer::study::judges::trial::{Heard, Outcome, Trial, tried, with_wrong_notes};
use performer::study::kept::{Recipe, Sung, harmonizations};
use performer::study::report::{Copied, Way};

use super::options::{SamplingOptions, load_model};
use super::output::print;
use super::report::progress;

/// What is judged.
pub struct Request<'a> {
    pub dataset: &'a Dataset,
    pub models: &'a [PathBuf],
    pub sampling: &'a SamplingOptions,
    pub particles: usize,
    pub is_live: bool,
    /// At most so many sopranos of each split.
    pub most: usize,
    /// How many times, each with other draws.
    pub seeds: u64,
    pub kept: Option<&'a Path>,
}

/// Harmonizations of the validation and of the test sopranos.
struct Sides {
    valid: Vec<Chorale>,
    test: Vec<Chorale>,
}

/// Harmonizations of one kind, those of each seed.
struct Column {
    title: String,
    seeds: Vec<Sides>,
}

pub fn run(request: &Request) -> Result<()> {
    let bach = Sides {
        valid: chorales(request.dataset, Split::Valid, request.most),
        test: chorales(request.dataset, Split::Test, request.most),
    };
    let columns = harmonized(request)?;
    print(&tables(request, &bach, &columns)?)
}

fn chorales(dataset: &Dataset, split: Split, most: usize) -> Vec<Chorale> {
    dataset.split(split).iter().take(most).map(|piece| piece.chorale.clone()).collect()
}

fn harmonized(request: &Request) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    for path in request.models {
        let model = load_model(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut ways = vec![("live", Purpose::Live, Way::Live), ("live-cue", Purpose::Live, Way::LiveWithCue)];
        if !request.is_live {
            ways.push(("ahead", Purpose::Ahead, Way::Ahead(request.particles)));
            ways.push(("ahead-fermatas", Purpose::Ahead, Way::AheadWithFermatas(request.particles)));
        }
        for (way_name, purpose, way) in ways {
            let mut seeds = Vec::new();
            for seed in 0..request.seeds {
                let mut sampling = request.sampling.sampling(guard_for(&model, purpose));
                sampling.seed = sampling.seed.wrapping_add(seed);
                let recipe = Recipe { model: &model, sampling, way };
                let of_split = |split: Split| {
                    let pieces: Vec<Sung> = request.dataset.split(split).iter().take(request.most).map(sung).collect();
                    let place = format!("{name}-{way_name}-{}", sampling.seed);
                    let folder = request.kept.map(|kept| kept.join(place).join(split.name()));
                    let bar = progress(pieces.len() as u64, &format!("{name}, {way_name}, {}", split.name()))?;
                    let found = harmonizations(folder.as_deref(), &recipe, &pieces, || bar.inc(1));
                    bar.finish_and_clear();
                    found
                };
                seeds.push(Sides { valid: of_split(Split::Valid)?, test: of_split(Split::Test)? });
            }
            columns.push(Column { title: format!("{name}, {}", way_name.replace('-', ", ")), seeds });
        }
    }
    Ok(columns)
}

fn sung(piece: &CorpusPiece) -> Sung<'_> {
    Sung { name: &piece.name, chorale: &piece.chorale, phases: piece.phases(false) }
}

fn tables(request: &Request, bach: &Sides, columns: &[Column]) -> Result<String> {
    let heard = [Heard::all(&bach.valid), Heard::all(&bach.test)];
    let mut trials: Vec<Trial> = Vec::new();
    for seed in 0..request.seeds {
        trials.push(Trial::halves("Bach, halves by lot".into(), seed));
    }
    for seed in 0..request.seeds {
        let [valid, test] = [&bach.valid, &bach.test].map(|pieces| Heard::all(&with_wrong_notes(pieces, seed)));
        trials.push(Trial::pairs("Bach, 2 % wrong".into(), seed, valid, test));
    }
    for column in columns {
        for (seed, sides) in (0..).zip(&column.seeds) {
            let [valid, test] = [&sides.valid, &sides.test].map(|pieces| Heard::all(pieces));
            trials.push(Trial::pairs(column.title.clone(), seed, valid, test));
        }
    }
    let bar = progress(trials.len() as u64, "judges")?;
    let outcomes = tried(&heard, &trials, || bar.inc(1));
    bar.finish_and_clear();

    let mut text = areas(&outcomes);
    text += &copies(request, bach, columns);
    text += &give_away_table(bach, columns);
    text += &ranked(&outcomes);
    Ok(text)
}

/// Areas under the ROC curve by both judges: mean and spread over the seeds.
fn areas(outcomes: &[Outcome]) -> String {
    let mut text = format!("{:28} {:>23} {:>23}\n", "", "judge of features", "judge of windows");
    text += &format!(
        "{:28} {:>11} {:>11} {:>11} {:>11}\n",
        "area under the ROC curve", "all pairs", "by soprano", "all pairs", "by soprano"
    );
    for group in outcomes.chunk_by(|a, b| a.title == b.title) {
        text += &format!("{:28}", group[0].title);
        for verdict in Outcome::summary(group) {
            text += &match verdict {
                Some((mean, spread)) => format!("  {mean:.3} ±{spread:.3}"),
                None => format!(" {:>13}", "-"),
            };
        }
        text.push('\n');
    }
    text
}

/// How much stands in the training chorales: each piece's longest run of steps.
fn copies(request: &Request, bach: &Sides, columns: &[Column]) -> String {
    let training: Vec<&Chorale> = request.dataset.train.iter().map(|piece| &piece.chorale).collect();
    let row = |title: &str, pieces: &[Chorale]| {
        let copied = Copied::of(pieces, &training);
        format!("{title:28} {:>7} {:>7} {:>7}\n", copied.median_longest, copied.ninetieth_longest, copied.longest)
    };
    let mut text = format!("\n{:28} {:>7} {:>7} {:>7}\n", "longest quote in steps", "median", "90 %", "most");
    text += &row("Bach", &bach.test);
    columns.iter().for_each(|column| text += &row(&column.title, &column.seeds[0].test));
    text
}

fn give_away_table(bach: &Sides, columns: &[Column]) -> String {
    let counted = |all: &mut dyn Iterator<Item = (&Chorale, &Chorale)>| {
        let mut sum = GiveAways::default();
        all.for_each(|(piece, bach)| sum.add(&GiveAways::of(piece, bach)));
        sum
    };
    let originals = || bach.valid.iter().chain(&bach.test);
    let mut counts = vec![("Bach".to_owned(), counted(&mut originals().zip(originals())))];
    for column in columns {
        let mut sum = GiveAways::default();
        for sides in &column.seeds {
            sum.add(&counted(&mut sides.valid.iter().chain(&sides.test).zip(originals())));
        }
        counts.push((column.title.clone(), sum));
    }
    let mut text = format!("\n{:60}", "validation and test sopranos");
    counts.iter().for_each(|(title, _)| text += &format!(" {title:>14}", title = title.replace("fermatas", "ferm.")));
    text.push('\n');
    for (row, (name, scale)) in ROWS.into_iter().enumerate() {
        text += &format!("{name:60}");
        for (_, found) in &counts {
            let Share { count, of } = found.0[row];
            let value = scale * count as f64 / of.max(1) as f64;
            text += &if scale > 1.0 { format!(" {value:>14.1}") } else { format!(" {value:>14.3}") };
        }
        text.push('\n');
    }
    text
}

/// What the first judge goes by, of the first seed.
fn ranked(outcomes: &[Outcome]) -> String {
    const MOST: usize = 25;
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.seed == 0 && !outcome.give_aways.is_empty()) {
        let title = format!("{}: what gives it away", outcome.title);
        text += &format!("\n{title:62} {:>8} {:>9} {:>9}\n", "share, %", "Bach", "per 100 beats");
        for told in outcome.give_aways.iter().take(MOST) {
            text +=
                &format!("{:62} {:8.1} {:9.1} {:9.1}\n", told.name, 100.0 * told.share, told.rates[0], told.rates[1]);
        }
    }
    text
}
