//! A melody cut into phrases: a log-linear model over all ways to do so (a semi-Markov conditional random field: Sarawagi
//! and Cohen 2004), in which a state is the last two ends, so that equal distances can count.

use chorale::{Key, Phase};

use super::features::{self, COUNT};
use super::{Contour, Phrasing};

/// All ways to cut a melody, with their scores.
struct Lattice<'a> {
    contour: &'a Contour,
    bar: u32,
    /// Notes that may end a phrase.
    candidates: Vec<usize>,
    /// The features of each, and its score.
    notes: Vec<(Vec<usize>, f64)>,
    weights: &'a [f32],
    /// For each candidate the first of those from which a phrase may reach it.
    first_before: Vec<usize>,
}

/// The last two ends, as places among the candidates; the one before is missing for the first end.
type Pair = (Option<usize>, usize);

impl<'a> Lattice<'a> {
    fn new(contour: &'a Contour, bar: u32, key: Key, weights: &'a [f32]) -> Lattice<'a> {
        let candidates: Vec<usize> = (0..contour.notes.len()).filter(|&index| contour.may_end(index)).collect();
        let lengths = features::Lengths::of(contour);
        let parallels = features::parallels(contour);
        let notes = candidates
            .iter()
            .map(|&index| {
                let mut features = features::of_note(contour, &lengths, index, key);
                features.extend(parallels[index]);
                let score = features.iter().map(|&feature| f64::from(weights[feature])).sum();
                (features, score)
            })
            .collect();
        let onsets: Vec<u32> = candidates.iter().map(|&index| contour.notes[index].onset).collect();
        let farthest = features::FARTHEST * Phase::STEPS_PER_BEAT as u32;
        let first_before = |onset: &u32| onsets.partition_point(|before| before.saturating_add(farthest) < *onset);
        let first_before = onsets.iter().map(first_before).collect();
        Lattice { contour, bar, candidates, notes, weights, first_before }
    }

    fn onset(&self, place: usize) -> u32 {
        self.contour.notes[self.candidates[place]].onset
    }

    fn distance(&self, before: usize, now: usize) -> u32 {
        self.onset(now) - self.onset(before)
    }

    /// Steps from the first note.
    fn since_start(&self, place: usize) -> u32 {
        self.onset(place) - self.contour.notes[0].onset
    }

    fn weight(&self, feature: usize) -> f64 {
        f64::from(self.weights[feature])
    }

    /// The feature of the distance between two ends, where they may follow each other. The last end may follow any.
    fn step_feature(&self, before: usize, now: usize) -> Option<Option<usize>> {
        match features::of_distance(self.distance(before, now), self.bar) {
            None if now + 1 < self.candidates.len() => None,
            feature => Some(feature),
        }
    }

    /// The feature of `now` coming as regularly after `pair` as `pair` came.
    fn regular_feature(&self, pair: Pair, now: usize) -> Option<usize> {
        match pair {
            (Some(earlier), before) => {
                features::of_distances(self.distance(earlier, before), self.distance(before, now))
            }
            (None, before) => {
                features::of_first_distances(self.since_start(before), self.distance(before, now), self.bar)
            }
        }
    }

    fn first_score(&self, place: usize) -> f64 {
        self.weight(features::of_first(self.since_start(place))) + self.notes[place].1
    }

    fn step_score(&self, pair: Pair, now: usize) -> Option<f64> {
        let step = self.step_feature(pair.1, now)?;
        let score = |feature: Option<usize>| feature.map_or(0.0, |feature| self.weight(feature));
        Some(score(step) + score(self.regular_feature(pair, now)) + self.notes[now].1)
    }

    /// The pairs that end at a place.
    fn pairs(&self, place: usize) -> impl Iterator<Item = Pair> {
        std::iter::once((None, place)).chain((self.first_before[place]..place).map(move |before| (Some(before), place)))
    }

    fn index(&self, (before, now): Pair) -> usize {
        before.map_or(0, |before| 1 + before - self.first_before[now])
    }

    /// For each pair, by the place of its second end, the sum (or the best) over all ways that lead to it.
    fn forward(&self, join: impl Fn(f64, f64) -> f64) -> Vec<Vec<f64>> {
        let mut forward: Vec<Vec<f64>> = Vec::with_capacity(self.candidates.len());
        for now in 0..self.candidates.len() {
            let scores = self
                .pairs(now)
                .map(|(before, _)| match before {
                    None => self.first_score(now),
                    Some(before) => self.pairs(before).fold(f64::NEG_INFINITY, |sum, pair| {
                        let step = self.step_score(pair, now).unwrap_or(f64::NEG_INFINITY);
                        join(sum, forward[before][self.index(pair)] + step)
                    }),
                })
                .collect();
            forward.push(scores);
        }
        forward
    }

    /// For each pair the sum over all ways from it to the end.
    fn backward(&self) -> Vec<Vec<f64>> {
        let count = self.candidates.len();
        let mut backward: Vec<Vec<f64>> =
            (0..count).map(|now| vec![f64::NEG_INFINITY; self.pairs(now).count()]).collect();
        if let Some(last) = backward.last_mut() {
            last.fill(0.0);
        }
        for now in (0..count).rev() {
            for before in self.first_before[now]..now {
                let rest = backward[now][self.index((Some(before), now))];
                for pair in self.pairs(before) {
                    let Some(step) = self.step_score(pair, now) else { continue };
                    let sum = &mut backward[before][self.index(pair)];
                    *sum = log_add(*sum, step + rest);
                }
            }
        }
        backward
    }
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// A note less likely to end a phrase is not made an end: a wrong one is heard more than a missing one.
const LEAST_LIKELIHOOD: f64 = 0.4;

/// But where so many phrases are equally long, those between them are too: of the training and validation chorales' ends that
/// are less likely, 57 of 106 are right, and 31 of the 47 that lie so.
const EQUAL: usize = 3;

/// Steps between a rest and the end of a phrase at least: four beats.
const CLOSEST: u32 = 4 * Phase::STEPS_PER_BEAT as u32;

/// A melody whose phrases are sought, in its own bars or, where it has none, in both usual ones.
pub struct Segmentation<'a> {
    lattices: Vec<Lattice<'a>>,
}

impl<'a> Segmentation<'a> {
    pub fn new(contour: &'a Contour, key: Key, phrasing: &'a Phrasing) -> Segmentation<'a> {
        let bars = contour.bar_beats().map_or(vec![4, 3], |bar| vec![bar]);
        let lattices = bars.into_iter().map(|bar| Lattice::new(contour, bar, key, &phrasing.phrases));
        Segmentation { lattices: lattices.collect() }
    }

    /// The notes that end the phrases in the likeliest way to cut the melody; the last note among them.
    pub fn ends(&self) -> Vec<usize> {
        let best = self.lattices.iter().filter_map(|lattice| {
            let forward = lattice.forward(f64::max);
            let last = forward.len().checked_sub(1)?;
            let score = |pair: &Pair| forward[pair.1][lattice.index(*pair)];
            let mut pair = lattice.pairs(last).max_by(|a, b| score(a).total_cmp(&score(b)))?;
            let total = score(&pair);
            let mut ends = vec![lattice.candidates[last]];
            while let (Some(before), now) = pair {
                ends.push(lattice.candidates[before]);
                let led = |pair: &Pair| score(pair) + lattice.step_score(*pair, now).unwrap_or(f64::NEG_INFINITY);
                pair = lattice.pairs(before).max_by(|a, b| led(a).total_cmp(&led(b)))?;
            }
            ends.reverse();
            Some((total, ends))
        });
        best.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(Vec::new(), |(_, ends)| ends)
    }

    /// Those [`ends`](Self::ends) that are likely enough by the [`likelihoods`](Self::likelihoods) or in their place by the
    /// lengths of the phrases around them, and the last note.
    pub fn likely_ends(&self, likelihoods: &[f64]) -> Vec<usize> {
        let ends = self.ends();
        let contour = self.lattices[0].contour;
        let onset = |end: usize| contour.notes[end].onset;
        let distances: Vec<u32> = ends.windows(2).map(|two| onset(two[1]) - onset(two[0])).collect();
        let count = |distance: u32| distances.iter().filter(|other| **other == distance).count();
        let usual = distances.iter().copied().max_by_key(|distance| count(*distance));
        let usual = usual.filter(|usual| contour.tells_strokes && count(*usual) >= EQUAL);
        let is_regular = |place: usize| {
            let around = &distances[place.saturating_sub(1)..distances.len().min(place + 1)];
            around.iter().all(|distance| Some(*distance) == usual)
        };
        let stands = |&(place, end): &(usize, usize)| {
            end + 1 == likelihoods.len() || likelihoods[end] >= LEAST_LIKELIHOOD || is_regular(place)
        };
        ends.iter().copied().enumerate().filter(stands).map(|(_, end)| end).collect()
    }

    /// The same, and between them, the likeliest first, other notes that are likely enough and the long ones on which the
    /// melody rests; not where nobody tells how long notes are.
    pub fn rests(&self, likelihoods: &[f64]) -> Vec<usize> {
        let mut ends = self.likely_ends(likelihoods);
        let contour = self.lattices[0].contour;
        if !contour.tells_strokes {
            return ends;
        }
        let onset = |index: usize| contour.notes[index].onset;
        let is_rest = features::is_rest(contour);
        let could = |&index: &usize| is_rest[index] || likelihoods[index] >= LEAST_LIKELIHOOD;
        let mut others: Vec<usize> = (0..is_rest.len()).filter(could).collect();
        others.sort_by(|&a, &b| likelihoods[b].total_cmp(&likelihoods[a]));
        for other in others {
            if ends.iter().all(|&end| onset(end).abs_diff(onset(other)) >= CLOSEST) {
                ends.push(other);
            }
        }
        ends.sort_unstable();
        ends
    }

    /// How likely each note is to end a phrase, over all ways to cut the melody.
    pub fn likelihoods(&self) -> Vec<f64> {
        let sums: Vec<_> = self.lattices.iter().map(|lattice| (lattice.forward(log_add), lattice.backward())).collect();
        let all = sums.iter().map(|(forward, _)| total(forward)).fold(f64::NEG_INFINITY, log_add);
        let mut likelihoods = vec![0.0; self.lattices[0].contour.notes.len()];
        for (lattice, (forward, backward)) in self.lattices.iter().zip(&sums) {
            for (place, &note) in lattice.candidates.iter().enumerate() {
                let sum = forward[place].iter().zip(&backward[place]).map(|(a, b)| (a + b - all).exp()).sum::<f64>();
                likelihoods[note] += sum;
            }
        }
        likelihoods
    }
}

/// The sum over all ways to cut a melody; no way for one without notes.
fn total(forward: &[Vec<f64>]) -> f64 {
    forward.last().map_or(f64::NEG_INFINITY, |last| last.iter().copied().fold(f64::NEG_INFINITY, log_add))
}

/// How often each feature is met in one way to cut the melody.
pub fn observed_features(contour: &Contour, key: Key, bar: u32, ends: &[usize]) -> Vec<f64> {
    let weights = [0.0; COUNT];
    let lattice = Lattice::new(contour, bar, key, &weights);
    let mut counts = vec![0.0; COUNT];
    let places: Vec<usize> =
        ends.iter().filter_map(|end| lattice.candidates.iter().position(|candidate| candidate == end)).collect();
    let mut count = |feature: Option<usize>| feature.into_iter().for_each(|feature| counts[feature] += 1.0);
    for (index, &now) in places.iter().enumerate() {
        lattice.notes[now].0.iter().for_each(|&feature| count(Some(feature)));
        let Some(before) = index.checked_sub(1).map(|before| places[before]) else {
            count(Some(features::of_first(lattice.since_start(now))));
            continue;
        };
        count(lattice.step_feature(before, now).flatten());
        count(lattice.regular_feature((index.checked_sub(2).map(|earlier| places[earlier]), before), now));
    }
    counts
}

/// How often each feature is met on average over all ways, each as often as it is likely; and the logarithm of the sum
/// that makes their likelihoods one.
pub fn expected_features(contour: &Contour, key: Key, bar: u32, weights: &[f32]) -> (Vec<f64>, f64) {
    let lattice = Lattice::new(contour, bar, key, weights);
    let (forward, backward) = (lattice.forward(log_add), lattice.backward());
    let mut counts = vec![0.0; COUNT];
    let total = total(&forward);
    for now in 0..lattice.candidates.len() {
        for pair in lattice.pairs(now) {
            let index = lattice.index(pair);
            let share = (forward[now][index] + backward[now][index] - total).exp();
            lattice.notes[now].0.iter().for_each(|&feature| counts[feature] += share);
            let Some(before) = pair.0 else {
                counts[features::of_first(lattice.since_start(now))] += share;
                continue;
            };
            if let Some(Some(feature)) = lattice.step_feature(before, now) {
                counts[feature] += share;
            }
            for earlier in lattice.pairs(before) {
                let Some(feature) = lattice.regular_feature(earlier, now) else { continue };
                let Some(step) = lattice.step_score(earlier, now) else { continue };
                let way = forward[before][lattice.index(earlier)] + step + backward[now][index];
                counts[feature] += (way - total).exp();
            }
        }
    }
    (counts, total)
}
