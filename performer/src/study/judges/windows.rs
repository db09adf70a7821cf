//! The second judge: a small convolutional network over windows of the piano roll, seen from the tonic. It knows no rules,
//! and hears what the features of the first have no name for.

use arithmetic::multiversion;
use chorale::{Part, Phase};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::reading::Reading;

/// Steps of a window, eight beats, and from one to the next where a whole piece is judged.
const WINDOW: usize = 32;
const HOP: usize = 8;
const CHANNELS: usize = 32;
/// Both layers hear so many steps around each: the first every one, the second every other one.
const TAPS: usize = 5;
const SPREADS: [usize; 2] = [1, 2];
const EPOCHS: usize = 16;
const BATCH: usize = 32;
const RATE: f32 = 2e-3;
/// What a weight loses in a step, for each unit of the rate (Loshchilov and Hutter 2019).
const DECAY: f32 = 0.05;
/// Share of the pooled channels that a window in training goes without.
const DROPOUT: f32 = 0.5;

/// What each step has in it, as places in the input: for each part its pitch class over the tonic, that it begins, and its
/// height in thirds; for each two parts their interval; the place in the beat.
pub type Roll = Vec<Vec<u16>>;

const CLASSES: usize = 0;
const BEGINS: usize = CLASSES + 4 * 12;
const HEIGHTS: usize = BEGINS + 4;
const LEVELS: usize = 12;
const INTERVALS: usize = HEIGHTS + 4 * LEVELS;
const PLACES: usize = INTERVALS + 6 * 12;
const INPUTS: usize = PLACES + Phase::STEPS_PER_BEAT;

pub fn roll(reading: &Reading) -> Roll {
    let step = |step: usize| {
        let mut active = vec![PLACES + step % Phase::STEPS_PER_BEAT];
        let mut pair = 0;
        for part in Part::ALL {
            let Some(midi) = reading.midi(step, part) else {
                pair += 3 - part.index();
                continue;
            };
            let index = part.index();
            active.push(CLASSES + 12 * index + reading.degree(midi) as usize);
            if reading.note_at(step, part).is_some_and(|note| note.start == step) {
                active.push(BEGINS + index);
            }
            let lowest = i16::from(part.range().0.midi());
            active.push(HEIGHTS + LEVELS * index + ((midi - lowest).max(0) as usize / 3).min(LEVELS - 1));
            for lower in &Part::ALL[index + 1..] {
                if let Some(other) = reading.midi(step, *lower) {
                    active.push(INTERVALS + 12 * pair + (midi - other).rem_euclid(12) as usize);
                }
                pair += 1;
            }
        }
        active.into_iter().map(|place| place as u16).collect()
    };
    (0..reading.chords.len()).map(step).collect()
}

/// The weights, one after the other: each layer's taps (output channels innermost) and biases, then the sum over pooled
/// means and peaks.
pub struct Windows {
    weights: Vec<f32>,
}

const FIRST: usize = 0;
const FIRST_BIAS: usize = FIRST + TAPS * INPUTS * CHANNELS;
const SECOND: usize = FIRST_BIAS + CHANNELS;
const SECOND_BIAS: usize = SECOND + TAPS * CHANNELS * CHANNELS;
const OUT: usize = SECOND_BIAS + CHANNELS;
const OUT_BIAS: usize = OUT + 2 * CHANNELS;
const WEIGHTS: usize = OUT_BIAS + 1;

/// What a window leaves behind for the way back.
#[derive(Default)]
struct Trace {
    /// (steps, channels), after the rectifier.
    first: Vec<f32>,
    second: Vec<f32>,
    /// The step of each channel's peak.
    peaks: Vec<usize>,
    pooled: Vec<f32>,
}

/// The steps that each tap of a layer hears at `step`, within the window.
#[inline(always)]
fn heard(step: usize, length: usize, spread: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..TAPS).filter_map(move |tap| {
        let place = (step + tap * spread).checked_sub(TAPS / 2 * spread)?;
        (place < length).then_some((tap, place))
    })
}

/// As many values as channels: a length that the compiler knows is what makes the loops wide.
type Channels = [f32; CHANNELS];

#[inline(always)]
fn channels(values: &[f32], start: usize) -> &Channels {
    values[start..].first_chunk().expect("whole rows of channels")
}

#[inline(always)]
fn channels_mut(values: &mut [f32], start: usize) -> &mut Channels {
    values[start..].first_chunk_mut().expect("whole rows of channels")
}

#[inline(always)]
fn add_scaled(sums: &mut Channels, values: &Channels, by: f32) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += by * value);
}

#[inline(always)]
fn dot(a: &Channels, b: &Channels) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

impl Windows {
    fn new(generator: &mut ChaCha8Rng) -> Windows {
        let mut weights = vec![0.0; WEIGHTS];
        // As many inputs are active in a step as there are parts, beginnings, heights, pairs and places.
        const ACTIVE: f32 = 17.0;
        for (range, inputs) in [
            (FIRST..FIRST_BIAS, TAPS as f32 * ACTIVE),
            (SECOND..SECOND_BIAS, (TAPS * CHANNELS) as f32),
            (OUT..OUT_BIAS, 2.0 * CHANNELS as f32),
        ] {
            // (He et al. 2015)
            let bound = (6.0 / inputs).sqrt();
            weights[range].iter_mut().for_each(|weight| *weight = generator.random_range(-bound..bound));
        }
        Windows { weights }
    }

    /// The log-odds that a window is ours. `dropped` scales the pooled channels.
    fn forward(&self, window: &[Vec<u16>], dropped: &[f32], trace: &mut Trace) -> f32 {
        let weights = &self.weights;
        trace.first.resize(window.len() * CHANNELS, 0.0);
        trace.second.resize(window.len() * CHANNELS, 0.0);
        first_layer(weights, window, &mut trace.first);
        second_layer(weights, &trace.first, &mut trace.second);
        trace.pooled.clear();
        trace.pooled.resize(2 * CHANNELS, 0.0);
        let share = 1.0 / window.len() as f32;
        trace.peaks.clear();
        trace.peaks.resize(CHANNELS, 0);
        for (step, row) in trace.second.chunks_exact(CHANNELS).enumerate() {
            add_scaled(channels_mut(&mut trace.pooled, 0), channels(row, 0), share);
            for (channel, &value) in row.iter().enumerate() {
                if value > trace.pooled[CHANNELS + channel] {
                    trace.pooled[CHANNELS + channel] = value;
                    trace.peaks[channel] = step;
                }
            }
        }
        trace.pooled.iter_mut().zip(dropped).for_each(|(value, dropped)| *value *= dropped);
        let [mean, peak] = [0, CHANNELS].map(|half| dot(channels(weights, OUT + half), channels(&trace.pooled, half)));
        weights[OUT_BIAS] + mean + peak
    }

    /// Adds the slopes of a window whose log-odds have the slope `slope`.
    fn backward(&self, window: &[Vec<u16>], dropped: &[f32], trace: &Trace, slope: f32, slopes: &mut [f32]) {
        let weights = &self.weights;
        slopes[OUT_BIAS] += slope;
        for half in [0, CHANNELS] {
            add_scaled(channels_mut(slopes, OUT + half), channels(&trace.pooled, half), slope);
        }
        let pooled: Vec<f32> =
            weights[OUT..OUT_BIAS].iter().zip(dropped).map(|(weight, dropped)| slope * weight * dropped).collect();
        let share = 1.0 / window.len() as f32;
        let mut second = vec![0.0; trace.second.len()];
        for (step, slopes) in second.chunks_exact_mut(CHANNELS).enumerate() {
            for (channel, slope) in slopes.iter_mut().enumerate() {
                let peak = if trace.peaks[channel] == step { pooled[CHANNELS + channel] } else { 0.0 };
                if trace.second[step * CHANNELS + channel] > 0.0 {
                    *slope = share * pooled[channel] + peak;
                }
            }
        }
        let mut first = vec![0.0; trace.first.len()];
        through_second_layer(weights, &trace.first, &second, slopes, &mut first);
        through_first_layer(window, &first, slopes);
    }

    /// Learns from whole pieces; every epoch hears other windows of them.
    pub fn learn(bach: &[&Roll], ours: &[&Roll], seed: u64) -> Windows {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut judge = Windows::new(&mut generator);
        let mut adam = Adam::new(WEIGHTS);
        let mut trace = Trace::default();
        let pieces: Vec<(&Roll, f32)> =
            bach.iter().map(|roll| (*roll, 0.0)).chain(ours.iter().map(|roll| (*roll, 1.0))).collect();
        for epoch in 0..EPOCHS {
            let mut windows: Vec<(&[Vec<u16>], f32)> = Vec::new();
            for &(roll, label) in &pieces {
                let length = WINDOW.min(roll.len());
                for _ in 0..(2 * roll.len()).div_ceil(WINDOW) {
                    let beat = generator.random_range(0..=(roll.len() - length) / Phase::STEPS_PER_BEAT);
                    windows.push((&roll[beat * Phase::STEPS_PER_BEAT..][..length], label));
                }
            }
            windows.shuffle(&mut generator);
            // The rate falls to nothing along a half cosine (Loshchilov and Hutter 2017).
            let rate = RATE * 0.5 * (1.0 + (std::f32::consts::PI * epoch as f32 / EPOCHS as f32).cos());
            for batch in windows.chunks(BATCH) {
                let mut slopes = vec![0.0; WEIGHTS];
                for &(window, label) in batch {
                    let dropped: [f32; 2 * CHANNELS] = std::array::from_fn(|_| {
                        if generator.random::<f32>() < DROPOUT { 0.0 } else { 1.0 / (1.0 - DROPOUT) }
                    });
                    let odds = judge.forward(window, &dropped, &mut trace);
                    let slope = (1.0 / (1.0 + (-odds).exp()) - label) / batch.len() as f32;
                    judge.backward(window, &dropped, &trace, slope, &mut slopes);
                }
                adam.step(&mut judge.weights, &slopes, rate);
            }
        }
        judge
    }

    /// The mean log-odds of a piece's windows that they are ours.
    pub fn score(&self, roll: &Roll) -> f64 {
        let length = WINDOW.min(roll.len());
        let dropped = [1.0; 2 * CHANNELS];
        let mut trace = Trace::default();
        let starts: Vec<usize> = (0..=roll.len() - length).step_by(HOP).collect();
        let odds = |start: &usize| f64::from(self.forward(&roll[*start..][..length], &dropped, &mut trace));
        starts.iter().map(odds).sum::<f64>() / starts.len() as f64
    }
}

multiversion! {
    /// Each step's channels, after the rectifier.
    fn first_layer(weights: &[f32], window: &[Vec<u16>], first: &mut [f32]) {
        for step in 0..window.len() {
            let mut sums = *channels(weights, FIRST_BIAS);
            for (tap, place) in heard(step, window.len(), SPREADS[0]) {
                for &input in &window[place] {
                    let row = FIRST + (tap * INPUTS + usize::from(input)) * CHANNELS;
                    add_scaled(&mut sums, channels(weights, row), 1.0);
                }
            }
            *channels_mut(first, step * CHANNELS) = sums.map(|sum| sum.max(0.0));
        }
    }
}

multiversion! {
    fn second_layer(weights: &[f32], first: &[f32], second: &mut [f32]) {
        let steps = first.len() / CHANNELS;
        for step in 0..steps {
            let mut sums = *channels(weights, SECOND_BIAS);
            for (tap, place) in heard(step, steps, SPREADS[1]) {
                for (channel, &value) in channels(first, place * CHANNELS).iter().enumerate() {
                    if value > 0.0 {
                        let row = SECOND + (tap * CHANNELS + channel) * CHANNELS;
                        add_scaled(&mut sums, channels(weights, row), value);
                    }
                }
            }
            *channels_mut(second, step * CHANNELS) = sums.map(|sum| sum.max(0.0));
        }
    }
}

multiversion! {
    /// From the slopes of the second layer's channels to those of its weights and of the first layer's channels.
    fn through_second_layer(
        weights: &[f32],
        first: &[f32],
        second_slopes: &[f32],
        slopes: &mut [f32],
        first_slopes: &mut [f32],
    ) {
        let steps = first.len() / CHANNELS;
        for step in 0..steps {
            let second = channels(second_slopes, step * CHANNELS);
            add_scaled(channels_mut(slopes, SECOND_BIAS), second, 1.0);
            for (tap, place) in heard(step, steps, SPREADS[1]) {
                for (channel, &value) in channels(first, place * CHANNELS).iter().enumerate() {
                    if value > 0.0 {
                        let row = SECOND + (tap * CHANNELS + channel) * CHANNELS;
                        add_scaled(channels_mut(slopes, row), second, value);
                        first_slopes[place * CHANNELS + channel] += dot(channels(weights, row), second);
                    }
                }
            }
        }
    }
}

multiversion! {
    fn through_first_layer(window: &[Vec<u16>], first_slopes: &[f32], slopes: &mut [f32]) {
        for step in 0..window.len() {
            let first = channels(first_slopes, step * CHANNELS);
            add_scaled(channels_mut(slopes, FIRST_BIAS), first, 1.0);
            for (tap, place) in heard(step, window.len(), SPREADS[0]) {
                for &input in &window[place] {
                    let row = FIRST + (tap * INPUTS + usize::from(input)) * CHANNELS;
                    add_scaled(channels_mut(slopes, row), first, 1.0);
                }
            }
        }
    }
}

/// Adam (Kingma and Ba 2015) with decoupled decay.
struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    round: i32,
}

impl Adam {
    fn new(count: usize) -> Adam {
        Adam { mean: vec![0.0; count], square: vec![0.0; count], round: 0 }
    }

    fn step(&mut self, weights: &mut [f32], slopes: &[f32], rate: f32) {
        self.round += 1;
        let [mean_scale, square_scale] = [0.9f32, 0.999].map(|decay| 1.0 / (1.0 - decay.powi(self.round)));
        let state = self.mean.iter_mut().zip(&mut self.square);
        for ((weight, slope), (mean, square)) in weights.iter_mut().zip(slopes).zip(state) {
            *mean += 0.1 * (slope - *mean);
            *square += 0.001 * (slope * slope - *square);
            *weight -= rate * (mean_scale * *mean / ((square_scale * *square).sqrt() + 1e-8) + DECAY * *weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::tests::piece;
    use super::*;

    fn random_roll(generator: &mut ChaCha8Rng, steps: usize) -> Roll {
        (0..steps).map(|_| (0..12).map(|_| generator.random_range(0..INPUTS as u16)).collect()).collect()
    }

    #[test]
    fn a_step_tells_classes_over_the_tonic_beginnings_heights_intervals_and_place() {
        let piece = piece(&[([72, 67, 64, 48], 4), ([72, 67, 0, 48], 4)]);
        let roll = roll(&Reading::of(&piece));
        let has = |step: usize, place: usize| roll[step].contains(&(place as u16));
        // G over C is 7; the tenor begins on the first step alone, and rests later.
        assert!(has(0, CLASSES + 12 + 7) && has(0, BEGINS + 2) && !has(1, BEGINS + 2));
        assert!(has(0, INTERVALS + 12 * 5 + 4) && !has(4, INTERVALS + 12 * 5 + 4), "tenor and bass are a tenth apart");
        assert!(has(4, INTERVALS + 12 * 4 + 7), "alto and bass are a twelfth apart");
        assert!(has(5, PLACES + 1));
        assert!(roll.iter().flatten().all(|place| usize::from(*place) < INPUTS));
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let mut generator = ChaCha8Rng::seed_from_u64(3);
        let mut judge = Windows::new(&mut generator);
        let roll = random_roll(&mut generator, 9);
        let dropped: [f32; 2 * CHANNELS] = std::array::from_fn(|channel| if channel % 3 == 0 { 0.0 } else { 1.5 });
        let mut trace = Trace::default();
        judge.forward(&roll, &dropped, &mut trace);
        let mut slopes = vec![0.0; WEIGHTS];
        judge.backward(&roll, &dropped, &trace, 1.0, &mut slopes);
        let steepest =
            |range: std::ops::Range<usize>| range.max_by(|&a, &b| slopes[a].abs().total_cmp(&slopes[b].abs())).unwrap();
        for range in [
            FIRST..FIRST_BIAS,
            FIRST_BIAS..SECOND,
            SECOND..SECOND_BIAS,
            SECOND_BIAS..OUT,
            OUT..OUT_BIAS,
            OUT_BIAS..WEIGHTS,
        ] {
            let place = steepest(range);
            let weight = judge.weights[place];
            let mut at = |offset: f32| {
                judge.weights[place] = weight + offset;
                judge.forward(&roll, &dropped, &mut trace)
            };
            let difference = (at(1e-3) - at(-1e-3)) / 2e-3;
            judge.weights[place] = weight;
            let off = (difference - slopes[place]).abs();
            assert!(off < 0.02 * slopes[place].abs() + 1e-3, "{place}: {difference} and {}", slopes[place]);
        }
    }
}
