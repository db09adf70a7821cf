//! The first judge: a logistic regression over the rates of things that a musician can name.

use std::collections::BTreeMap;

use super::features::Rates;

/// The share of pieces in which a thing must happen to be listened to.
const LEAST_SHARE: f64 = 0.05;
/// Weights of the penalty on squared weights to choose from, for each piece.
const PENALTIES: [f64; 5] = [0.01, 0.03, 0.1, 0.3, 1.0];
const FOLDS: usize = 5;
const ROUNDS: usize = 300;

/// What gives harmonizations away.
pub struct GiveAway {
    pub name: String,
    /// Its share of what lies between the two kinds' scores.
    pub share: f64,
    /// Bach's rate and ours, per 100 beats.
    pub rates: [f64; 2],
}

/// Weights for the roots of rates: what is rare is heard beside what is frequent.
pub struct Linear {
    names: Vec<String>,
    fit: Fit,
}

impl Linear {
    /// Learns from pairs of one soprano, the penalty chosen by how pairs are told apart that were left out, a fifth at a time.
    pub fn learn(bach: &[&Rates], ours: &[&Rates]) -> Linear {
        let names = frequent_names(bach, ours);
        let kinds = [(bach, -1.0), (ours, 1.0)];
        let all: Vec<Row> = kinds
            .into_iter()
            .flat_map(|(kind, label)| kind.iter().enumerate().map(move |(place, rates)| (place % FOLDS, *rates, label)))
            .map(|(fold, rates, label)| Row { fold, values: roots(&names, rates), label })
            .collect();
        let mut losses = [0.0; PENALTIES.len()];
        for fold in 0..FOLDS {
            let (out, learned): (Vec<&Row>, Vec<&Row>) = all.iter().partition(|row| row.fold == fold);
            for (loss, fit) in losses.iter_mut().zip(Fit::all(&learned, &PENALTIES)) {
                *loss += out.iter().map(|row| (-row.label * fit.score(&row.values)).exp().ln_1p()).sum::<f64>();
            }
        }
        let best = (0..PENALTIES.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0);
        let rows: Vec<&Row> = all.iter().collect();
        Linear { names, fit: Fit::all(&rows, &PENALTIES[best..=best]).swap_remove(0) }
    }

    /// The log-odds that a piece is ours.
    pub fn score(&self, rates: &Rates) -> f64 {
        self.fit.score(&roots(&self.names, rates))
    }

    /// What gives `ours` away beside `bach`, the most telling first.
    pub fn give_aways(&self, bach: &[&Rates], ours: &[&Rates]) -> Vec<GiveAway> {
        let mean = |of: &[&Rates]| -> Vec<f64> {
            let mut sums = vec![0.0; self.names.len()];
            for rates in of {
                let values = self.fit.standardized(&roots(&self.names, rates));
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value / of.len() as f64);
            }
            sums
        };
        let apart = mean(ours).into_iter().zip(mean(bach)).map(|(ours, bach)| ours - bach);
        let terms: Vec<f64> = apart.zip(&self.fit.weights).map(|(apart, weight)| apart * weight).collect();
        let sum: f64 = terms.iter().sum();
        let names = self.names.iter().cloned();
        let rate = |of: &[&Rates], name: &str| {
            of.iter().filter_map(|rates| rates.get(name)).fold(0.0, |sum, rate| sum + rate) / of.len().max(1) as f64
        };
        let told = |(name, term): (String, f64)| {
            let rates = [rate(bach, &name), rate(ours, &name)];
            GiveAway { name, share: term / sum, rates }
        };
        let mut found: Vec<GiveAway> = names.zip(terms).map(told).collect();
        found.sort_by(|a, b| b.share.total_cmp(&a.share));
        found
    }
}

/// Things that happen in some pieces at least.
fn frequent_names(bach: &[&Rates], ours: &[&Rates]) -> Vec<String> {
    let mut pieces: BTreeMap<&str, usize> = BTreeMap::new();
    for name in bach.iter().chain(ours).flat_map(|rates| rates.keys()) {
        *pieces.entry(name).or_default() += 1;
    }
    let least = LEAST_SHARE * (bach.len() + ours.len()) as f64;
    pieces.into_iter().filter(|(_, pieces)| *pieces as f64 >= least).map(|(name, _)| name.to_owned()).collect()
}

fn roots(names: &[String], rates: &Rates) -> Vec<f64> {
    names.iter().map(|name| rates.get(name).copied().unwrap_or(0.0).sqrt()).collect()
}

/// A piece to learn from.
struct Row {
    fold: usize,
    values: Vec<f64>,
    /// -1 for Bach, 1 for us.
    label: f64,
}

struct Fit {
    means: Vec<f64>,
    deviations: Vec<f64>,
    weights: Vec<f64>,
    bias: f64,
}

impl Fit {
    /// One for each penalty, by accelerated gradients (Nesterov 1983).
    fn all(rows: &[&Row], penalties: &[f64]) -> Vec<Fit> {
        let width = rows.first().map_or(0, |row| row.values.len());
        let count = rows.len().max(1) as f64;
        let mean = |of: &dyn Fn(&Row, usize) -> f64| -> Vec<f64> {
            (0..width).map(|column| rows.iter().map(|row| of(row, column)).sum::<f64>() / count).collect()
        };
        let means = mean(&|row, column| row.values[column]);
        let variances = mean(&|row, column| (row.values[column] - means[column]).powi(2));
        // What is the same in all pieces tells nothing.
        let deviation = |variance: f64| if variance < 1e-12 { f64::INFINITY } else { variance.sqrt() };
        let deviations = variances.into_iter().map(deviation).collect();
        let plain = Fit { means, deviations, weights: Vec::new(), bias: 0.0 };
        let rows: Vec<(Vec<f64>, f64)> = rows.iter().map(|row| (plain.standardized(&row.values), row.label)).collect();
        let products: Vec<Vec<f64>> =
            rows.iter().map(|(row, _)| rows.iter().map(|(other, _)| dot(row, other)).collect()).collect();
        let fitted = |&penalty: &f64| {
            let (weights, bias) = logistic(&rows, &products, penalty);
            Fit { means: plain.means.clone(), deviations: plain.deviations.clone(), weights, bias }
        };
        penalties.iter().map(fitted).collect()
    }

    fn standardized(&self, values: &[f64]) -> Vec<f64> {
        let scales = self.means.iter().zip(&self.deviations);
        values.iter().zip(scales).map(|(value, (mean, deviation))| (value - mean) / deviation).collect()
    }

    fn score(&self, values: &[f64]) -> f64 {
        self.bias + dot(&self.weights, &self.standardized(values))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weights and bias for rows with labels of -1 and 1, and the products of each two. There are fewer rows than columns, and
/// the weights are a sum of rows, so that the share of each row is sought and not the weights.
fn logistic(rows: &[(Vec<f64>, f64)], products: &[Vec<f64>], penalty: f64) -> (Vec<f64>, f64) {
    let count = rows.len().max(1) as f64;
    let rate = 1.0 / (largest_eigenvalue(products) / 4.0 / count + penalty);
    // Of each row, and the bias last.
    let (mut at, mut shares, mut momentum) = (vec![0.0; rows.len() + 1], vec![0.0; rows.len() + 1], 1.0f64);
    for _ in 0..ROUNDS {
        let bias = at[rows.len()];
        let pull = |(row, label): (&Vec<f64>, f64)| -label / (1.0 + (label * (dot(&at, row) + bias)).exp()) / count;
        let labels = rows.iter().map(|(_, label)| *label);
        let mut slopes: Vec<f64> = products.iter().zip(labels).map(pull).collect();
        let of_bias: f64 = slopes.iter().sum();
        slopes.iter_mut().zip(&at).for_each(|(slope, share)| *slope += penalty * share);
        slopes.push(of_bias);
        let next: Vec<f64> = at.iter().zip(&slopes).map(|(at, slope)| at - rate * slope).collect();
        let following = (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0;
        let ahead = (momentum - 1.0) / following;
        at = next.iter().zip(&shares).map(|(next, before)| next + ahead * (next - before)).collect();
        (shares, momentum) = (next, following);
    }
    let bias = shares.pop().unwrap_or(0.0);
    let mut weights = vec![0.0; rows.first().map_or(0, |(row, _)| row.len())];
    for ((row, _), share) in rows.iter().zip(shares) {
        weights.iter_mut().zip(row).for_each(|(weight, value)| *weight += share * value);
    }
    (weights, bias)
}

/// An upper bound of the largest eigenvalue of the products of rows with a bias: a few rounds of the power method.
fn largest_eigenvalue(products: &[Vec<f64>]) -> f64 {
    let mut direction: Vec<f64> = (0..products.len()).map(|row| 1.0 + 0.1 * (row % 7) as f64).collect();
    let mut largest = 1.0;
    for _ in 0..20 {
        let norm = dot(&direction, &direction).sqrt().max(1e-9);
        direction.iter_mut().for_each(|value| *value /= norm);
        let sum: f64 = direction.iter().sum();
        direction = products.iter().map(|row| dot(row, &direction) + sum).collect();
        largest = dot(&direction, &direction).sqrt();
    }
    1.2 * largest
}
