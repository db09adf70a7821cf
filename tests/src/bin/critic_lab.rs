//! Fits critics (`chorale::critic`) on the training sopranos and tries them on others; what came of it is told in
//! models/EXPERIMENTS.md.
//!
//!     cargo run --release --workspace --bin critic_lab -- DATA fit wavenet live 14 live.critic 0.7 0.3
//!     cargo run --release --workspace --bin critic_lab -- DATA eval wavenet live live.critic

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chorale::census::Census;
use chorale::critic::{Critic, THINGS, count};
use chorale::{Chorale, Guard, Phase, Rule};
use corpus::{Dataset, SPLIT_SEED};
use harmonizer::parallel::on_all_cores;
use harmonizer::search::PARTICLES;
use harmonizer::{Purpose, Sampling};
use network::Model;
use performer::study::distance::distances;
use performer::study::judges::give_aways::{GiveAways, ROWS};
use performer::study::judges::trial::{Heard, Trial, tried};
use performer::study::report::{Copied, Way, harmonize_all, nats_a_note, of_phrases};
use tests::aims::aim;

type Piece = (Chorale, Vec<Phase>);

fn model(name: &str) -> Result<Arc<Model>> {
    Ok(Arc::new(match name {
        "wavenet" => Model::wavenet()?,
        "lstm" => Model::lstm()?,
        _ => Model::load(Path::new(name))?,
    }))
}

fn way(name: &str) -> Result<(Purpose, Way)> {
    Ok(match name {
        "live" => (Purpose::Live, Way::Live),
        "cue" => (Purpose::Live, Way::LiveWithCue),
        "ahead" => (Purpose::Ahead, Way::Ahead(PARTICLES)),
        _ => bail!("live, cue or ahead"),
    })
}

fn load(path: &str, scale: f32) -> Result<&'static Critic> {
    let mut sum = vec![0.0f32; THINGS];
    for one in path.split('+') {
        let bytes = std::fs::read(one)?;
        for (sum, b) in sum.iter_mut().zip(bytes.as_chunks().0) {
            *sum += scale * f32::from_le_bytes(*b);
        }
    }
    Ok(leak(sum))
}

/// With the guard's weights that were found beside it, if there are any.
fn with_critic(mut guard: Guard, path: &str, scale: f32) -> Result<Guard> {
    guard.critic = Some(load(path, scale)?);
    if let Ok(text) = std::fs::read_to_string(format!("{path}.guard")) {
        for (weight, line) in guard.weights.iter_mut().zip(text.lines()) {
            *weight = line.parse()?;
        }
    }
    Ok(guard)
}

fn leak(weights: Vec<f32>) -> &'static Critic {
    Box::leak(Box::new(Critic::new(weights).expect("as many weights")))
}

fn save(path: &str, weights: &[f32]) -> Result<()> {
    let bytes: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    std::fs::write(format!("{path}.part"), bytes)?;
    Ok(std::fs::rename(format!("{path}.part"), path)?)
}

fn pieces(of: &[corpus::CorpusPiece]) -> Vec<Piece> {
    of.iter().map(|piece| (piece.chorale.clone(), piece.phases(false))).collect()
}

fn counts(chorales: &[Chorale], pieces: &[Piece]) -> Vec<f64> {
    let both: Vec<_> = chorales.iter().zip(pieces).collect();
    let each = on_all_cores(&both, |_, (chorale, (_, phases))| {
        let mut counts = vec![0u32; THINGS];
        count(&chorale.chords, phases, &mut counts);
        Ok::<_, std::convert::Infallible>(counts)
    })
    .unwrap_or_default();
    let mut sum = vec![0.0; THINGS];
    for one in each {
        sum.iter_mut().zip(one).for_each(|(sum, c)| *sum += f64::from(c));
    }
    sum
}

fn main() -> Result<()> {
    let data = std::env::args().nth(1).context("the data set's path")?;
    let a: Vec<String> = std::env::args().skip(2).collect();
    let s = |i: usize| a.get(i).map(String::as_str);
    let num = |i: usize, default: f64| s(i).map_or(Ok(default), str::parse);
    let data = Dataset::open(Path::new(&data), SPLIT_SEED)?;
    match s(0).context("fit|eval|judge")? {
        // fit MODEL WAY ROUNDS OUT Z RATE EVERY START|- [guard]: with `guard` the guard's weights are found anew too
        "fit" => {
            let model = model(s(1).context("model")?)?;
            let (purpose, way) = way(s(2).context("way")?)?;
            let rounds = num(3, 20.0)? as usize;
            let out = s(4).context("out")?;
            let (z, rate, every) = (num(5, 1.0)?, num(6, 0.15)?, num(7, 1.0)? as usize);
            let all = pieces(&data.train);
            let mut sampling = Sampling::of(&model, purpose);
            let is_joint = s(9) == Some("guard");
            let mut weights = match s(8).filter(|start| *start != "-") {
                Some(start) => load(start, 1.0)?.weights().to_vec(),
                None => vec![0.0f32; THINGS],
            };
            let averaged = rounds.div_ceil(2);
            let mut guard = [0.0f32; Rule::COUNT];
            let mut average = vec![0.0f32; THINGS];
            for round in 0..rounds {
                let some: Vec<Piece> = all.iter().skip(round % every).step_by(every).cloned().collect();
                let own: Vec<Chorale> = some.iter().map(|piece| piece.0.clone()).collect();
                let bach = counts(&own, &some);
                sampling.seed = 1000 * round as u64;
                sampling.guard.critic = Some(leak(weights.clone()));
                let (census, ours) = harmonize_all(&model, sampling, &some, way, || ())?;
                let mut of_bach = Census::default();
                own.iter().for_each(|piece| of_bach.add(&Census::of(piece)));
                let step = 0.4 * (averaged as f32 / (round + 1) as f32).min(1.0);
                for rule in Rule::ALL.into_iter().filter(|_| is_joint) {
                    let off = ((census.rate(rule).0 + 0.1) / (aim(rule) * of_bach.rate(rule).0 + 0.1)).ln() as f32;
                    let weight = &mut sampling.guard.weights[rule.index()];
                    *weight = (*weight + step * off).clamp(-4.0, 4.0);
                    if round >= rounds - averaged {
                        guard[rule.index()] += *weight;
                    }
                }
                let ours = counts(&ours, &some);
                let rate = rate * (averaged as f64 / (round + 1) as f64).min(1.0);
                let (mut distance, mut n, mut outside) = (0.0, 0, 0);
                for (index, weight) in weights.iter_mut().enumerate() {
                    let (b, o) = (bach[index], ours[index]);
                    if b + o == 0.0 {
                        continue;
                    }
                    let off = b - o;
                    let noise = z * (b + o).sqrt();
                    let soft = off.signum() * (off.abs() - noise).max(0.0);
                    if b + o >= 20.0 {
                        n += 1;
                        distance += ((b + 1.0) / (o + 1.0)).ln().abs();
                        outside += usize::from(off.abs() > 2.0 * (b + o).sqrt());
                    }
                    *weight = (*weight + (rate * soft / (b + o + 10.0)) as f32).clamp(-3.0, 3.0);
                    if round >= rounds - averaged {
                        average[index] += *weight / averaged as f32;
                    }
                }
                let used = weights.iter().filter(|w| **w != 0.0).count();
                eprintln!(
                    "round {round}: {n} things, mean |log ratio| {:.3}, {outside} off by 2 sd; {used} weights",
                    distance / n as f64
                );
                if round >= rounds - averaged {
                    let done = (round + 1 - (rounds - averaged)) as f32 / averaged as f32;
                    save(out, &average.iter().map(|w| w / done).collect::<Vec<_>>())?;
                    let n = (round + 1 - (rounds - averaged)) as f32;
                    if !is_joint {
                        continue;
                    }
                    let lines: Vec<String> = guard.iter().map(|w| format!("{}", w / n)).collect();
                    std::fs::write(format!("{out}.guard"), lines.join("\n"))?;
                }
            }
        }
        // eval MODEL WAY [CRITIC|none] [SCALE] [SEED] [valid|test]
        "eval" => {
            let model = model(s(1).context("model")?)?;
            let (purpose, way) = way(s(2).context("way")?)?;
            let mut sampling = Sampling::of(&model, purpose);
            if let Some(path) = s(3).filter(|path| *path != "none") {
                sampling.guard = with_critic(sampling.guard, path, num(4, 1.0)? as f32)?;
            }
            sampling.seed = num(5, 1.0)? as u64;
            let all = pieces(&data.valid);
            let (census, ours) = harmonize_all(&model, sampling, &all, way, || ())?;
            let own: Vec<Chorale> = all.iter().map(|piece| piece.0.clone()).collect();
            const FOLDS: usize = 4;
            let (mut f, mut w) = ([0.0; 2], [0.0; 2]);
            for fold in 0..FOLDS {
                let split = |of: &[Chorale]| {
                    let part = |tried: bool| -> Vec<Chorale> {
                        of.iter()
                            .enumerate()
                            .filter(|(i, _)| (i % FOLDS == fold) == tried)
                            .map(|(_, c)| c.clone())
                            .collect()
                    };
                    [part(false), part(true)].map(|chorales| Heard::all(&chorales))
                };
                let [learned, tested] = split(&ours);
                let outcomes = tried(&split(&own), &[Trial::pairs("x".into(), 1, learned, tested)], || ());
                let one = &outcomes[0];
                f[0] += one.by_features.area / FOLDS as f64;
                f[1] += one.by_features.by_soprano.unwrap_or(0.5) / FOLDS as f64;
                w[0] += one.by_windows.area / FOLDS as f64;
                w[1] += one.by_windows.by_soprano.unwrap_or(0.5) / FOLDS as f64;
                if fold == 0 && s(7).is_some() {
                    for told in one.give_aways.iter().take(30) {
                        println!(
                            "{:60} {:6.1} {:8.1} {:8.1}",
                            told.name,
                            100.0 * told.share,
                            told.rates[0],
                            told.rates[1]
                        );
                    }
                }
            }
            println!("AUC features {:.3} {:.3} windows {:.3} {:.3}", f[0], f[1], w[0], w[1]);
            let mut bach = Census::default();
            all.iter().for_each(|(piece, _)| bach.add(&of_phrases(piece, piece)));
            for (b, o) in bach.figures().iter().zip(census.figures()) {
                println!("{b:?} | {o:?}");
            }
            for figure in distances(&ours, &own) {
                println!("{figure:?}");
            }
            println!("nats a note {:.4}", nats_a_note(&model, &ours, &all)?);
            let (mut a, mut b) = (GiveAways::default(), GiveAways::default());
            for (piece, bach) in ours.iter().zip(&own) {
                a.add(&GiveAways::of(piece, bach));
                b.add(&GiveAways::of(bach, bach));
            }
            for (row, (name, scale)) in ROWS.into_iter().enumerate() {
                let v = |g: &GiveAways| scale * g.0[row].count as f64 / g.0[row].of.max(1) as f64;
                println!("{name:60} {:7.3} {:7.3}", v(&b), v(&a));
            }
            let training: Vec<&Chorale> = data.train.iter().map(|piece| &piece.chorale).collect();
            let c = Copied::of(&ours, &training);
            println!("quotes {} {} {}", c.median_longest, c.ninetieth_longest, c.longest);
        }
        // judge MODEL WAY [CRITIC|none] [SEEDS]: judges that learn on validation and are tried on test
        "judge" => {
            let model = model(s(1).context("model")?)?;
            let (purpose, way) = way(s(2).context("way")?)?;
            let mut sampling = Sampling::of(&model, purpose);
            if let Some(path) = s(3).filter(|path| *path != "none") {
                sampling.guard = with_critic(sampling.guard, path, 1.0)?;
            }
            let sides = [pieces(&data.valid), pieces(&data.test)];
            let heard = |all: &[Piece]| Heard::all(&all.iter().map(|piece| piece.0.clone()).collect::<Vec<_>>());
            let bach = [heard(&sides[0]), heard(&sides[1])];
            let mut trials = Vec::new();
            for seed in 0..num(4, 1.0)? as u64 {
                sampling.seed = 1 + seed;
                let ours = |all: &[Piece]| Ok::<_, anyhow::Error>(harmonize_all(&model, sampling, all, way, || ())?.1);
                let [valid, test] = [ours(&sides[0])?, ours(&sides[1])?];
                trials.push(Trial::pairs("ours".into(), seed, Heard::all(&valid), Heard::all(&test)));
            }
            for outcome in tried(&bach, &trials, || ()) {
                let (f, w) = (outcome.by_features, outcome.by_windows);
                println!(
                    "seed {}: features {:.3} {:?} windows {:.3} {:?}",
                    outcome.seed + 1,
                    f.area,
                    f.by_soprano,
                    w.area,
                    w.by_soprano
                );
            }
        }
        // write MODEL WAY SEED FOLDER [CRITIC]: harmonizations of the training sopranos as a data set
        "write" => {
            let model = model(s(1).context("model")?)?;
            let (purpose, way) = way(s(2).context("way")?)?;
            let mut sampling = Sampling::of(&model, purpose);
            sampling.seed = num(3, 1.0)? as u64;
            if let Some(path) = s(5) {
                sampling.guard.critic = Some(load(path, 1.0)?);
            }
            let folder = Path::new(s(4).context("folder")?);
            for split in ["train", "valid", "test"] {
                std::fs::create_dir_all(folder.join(split))?;
            }
            let all = pieces(&data.train);
            let (_, ours) = harmonize_all(&model, sampling, &all, way, || ())?;
            for (piece, own) in data.train.iter().zip(ours) {
                std::fs::write(
                    folder.join("train").join(format!("{}-{}.csv", piece.name, sampling.seed)),
                    own.to_csv(),
                )?;
            }
        }
        // time MODEL [CRITIC]: step and answer table, microseconds
        "time" => {
            let model = model(s(1).context("model")?)?;
            let mut sampling = Sampling::of(&model, Purpose::Live);
            if let Some(path) = s(2) {
                sampling.guard.critic = Some(load(path, 1.0)?);
            }
            let mut times = Vec::new();
            for (piece, phases) in pieces(&data.valid).iter().take(8) {
                let mut harmonizer = harmonizer::Harmonizer::new(Arc::clone(&model), sampling);
                let mut before = chorale::Chord::START;
                for (&chord, &phase) in piece.chords.iter().zip(phases) {
                    let start = std::time::Instant::now();
                    harmonizer.step(before, phase)?;
                    harmonizer.answers()?;
                    times.push(start.elapsed().as_micros());
                    before = chord;
                }
            }
            times.sort_unstable();
            println!("median {} p99 {} of {}", times[times.len() / 2], times[times.len() * 99 / 100], times.len());
        }
        _ => bail!("fit, eval or write"),
    }
    Ok(())
}
