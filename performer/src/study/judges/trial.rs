//! Judges in court: they learn from the pairs of some sopranos and are tried on those of others.

use std::convert::Infallible;

use chorale::{Chorale, Part};
use harmonizer::parallel::on_all_cores;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::auc::{area, mean, paired_area, standard_deviation};
use super::features::{Rates, rates};
use super::linear::{GiveAway, Linear};
use super::reading::Reading;
use super::windows::{self, Roll, Windows};

/// A piece as both judges hear it.
pub struct Heard {
    rates: Rates,
    roll: Roll,
}

impl Heard {
    pub fn of(piece: &Chorale) -> Heard {
        let reading = Reading::of(piece);
        Heard { rates: rates(&reading), roll: windows::roll(&reading) }
    }

    pub fn all(pieces: &[Chorale]) -> Vec<Heard> {
        pieces.iter().map(Heard::of).collect()
    }
}

/// What is to be told from Bach.
pub struct Trial {
    title: String,
    seed: u64,
    against: Against,
}

enum Against {
    /// Bach himself: half of his pieces by lot.
    Himself,
    /// Pieces to learn from and to be tried on, each of the soprano that has its place.
    Pairs([Vec<Heard>; 2]),
}

impl Trial {
    pub fn halves(title: String, seed: u64) -> Trial {
        Trial { title, seed, against: Against::Himself }
    }

    pub fn pairs(title: String, seed: u64, learned: Vec<Heard>, tried: Vec<Heard>) -> Trial {
        Trial { title, seed, against: Against::Pairs([learned, tried]) }
    }
}

/// Two kinds of pieces: Bach's and the others.
type Kinds<'a> = [Vec<&'a Heard>; 2];

fn map<'a, T>(kinds: &Kinds<'a>, of: impl Fn(&'a Heard) -> T) -> [Vec<T>; 2] {
    [0, 1].map(|kind: usize| kinds[kind].iter().map(|heard| of(heard)).collect())
}

fn halves(bach: &[Heard], seed: u64) -> Kinds<'_> {
    let mut all: Vec<&Heard> = bach.iter().collect();
    all.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let others = all.split_off(all.len() / 2);
    [all, others]
}

/// How well a judge tells two kinds apart: the area under the ROC curve over all pairs, and over those of one soprano alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub area: f64,
    pub by_soprano: Option<f64>,
}

/// What came of a trial.
pub struct Outcome {
    pub title: String,
    pub seed: u64,
    pub by_features: Verdict,
    pub by_windows: Verdict,
    /// What the judge of features goes by, the most telling first; nothing where Bach is tried against himself.
    pub give_aways: Vec<GiveAway>,
}

impl Outcome {
    /// Over several seeds, mean and standard deviation of the areas: by features and by windows, each of all pairs and by
    /// soprano.
    pub fn summary(outcomes: &[Outcome]) -> [Option<(f64, f64)>; 4] {
        let of = |area: fn(&Outcome) -> Option<f64>| {
            let areas: Vec<f64> = outcomes.iter().filter_map(area).collect();
            Some((mean(areas.iter().copied())?, standard_deviation(&areas)))
        };
        [
            of(|outcome| Some(outcome.by_features.area)),
            of(|outcome| outcome.by_features.by_soprano),
            of(|outcome| Some(outcome.by_windows.area)),
            of(|outcome| outcome.by_windows.by_soprano),
        ]
    }
}

/// Each trial with judges of its own; `bach` are his pieces to learn from and to be tried on.
pub fn tried(bach: &[Vec<Heard>; 2], trials: &[Trial], done: impl Fn() + Sync) -> Vec<Outcome> {
    let outcomes = on_all_cores(trials, |_, trial| {
        let outcome = try_one(bach, trial);
        done();
        Ok::<_, Infallible>(outcome)
    });
    match outcomes {
        Ok(outcomes) => outcomes,
        Err(never) => match never {},
    }
}

fn try_one(bach: &[Vec<Heard>; 2], trial: &Trial) -> Outcome {
    let seed = trial.seed;
    let [learned, tried]: [Kinds; 2] = [0, 1].map(|side: usize| match &trial.against {
        Against::Himself => halves(&bach[side], 2 * seed + side as u64),
        Against::Pairs(others) => [bach[side].iter().collect(), others[side].iter().collect()],
    });
    let is_paired = matches!(trial.against, Against::Pairs(_));
    let verdict = |scores: [Vec<f64>; 2]| {
        let [bach, others] = &scores;
        let by_soprano = if is_paired { paired_area(bach, others) } else { None };
        Verdict { area: area(bach, others).unwrap_or(f64::NAN), by_soprano }
    };
    let [bach_rates, other_rates] = map(&learned, |heard| &heard.rates);
    let by_features = Linear::learn(&bach_rates, &other_rates);
    let give_aways = if is_paired { by_features.give_aways(&bach_rates, &other_rates) } else { Vec::new() };
    let [bach_rolls, other_rolls] = map(&learned, |heard| &heard.roll);
    let by_windows = Windows::learn(&bach_rolls, &other_rolls, seed);
    Outcome {
        title: trial.title.clone(),
        seed,
        by_features: verdict(map(&tried, |heard| by_features.score(&heard.rates))),
        by_windows: verdict(map(&tried, |heard| by_windows.score(&heard.roll))),
        give_aways,
    }
}

/// Two in a hundred of the lower parts' notes moved by a semitone or two.
pub fn with_wrong_notes(pieces: &[Chorale], seed: u64) -> Vec<Chorale> {
    const SHARE: f64 = 0.02;
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut all = pieces.to_vec();
    for (wrong, piece) in all.iter_mut().zip(pieces) {
        for part in Part::LOWER {
            let mut start = 0;
            for run in piece.chords.chunk_by(|a, b| a[part] == b[part]) {
                let by = [-2, -1, 1, 2][generator.random_range(0..4)];
                let is_wrong = generator.random::<f64>() < SHARE;
                if let Some(moved) = run[0][part].transposed(by).filter(|_| is_wrong) {
                    wrong.chords[start..start + run.len()].iter_mut().for_each(|chord| chord[part] = moved);
                }
                start += run.len();
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::reading::tests::piece;
    use super::*;

    /// Pieces of I, IV and V in some order, and where a difference is `planted` with the alto moving through every fourth
    /// chord or so.
    fn pieces(count: usize, seed: u64, planted: bool) -> Vec<Chorale> {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let one = |_| {
            let mut rows = Vec::new();
            for _ in 0..16 {
                let chord = [[72, 67, 64, 48], [72, 69, 65, 53], [71, 67, 62, 55]][generator.random_range(0..3)];
                let passing = [chord[0], chord[1] - 2, chord[2], chord[3]];
                if planted && generator.random::<f64>() < 0.3 {
                    rows.extend([(chord, 2), (passing, 2)]);
                } else {
                    rows.push((chord, 4));
                }
            }
            piece(&rows)
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn judges_find_a_planted_difference_and_name_it_and_nothing_where_there_is_none() {
        let bach = [1, 2].map(|seed| Heard::all(&pieces(24, seed, false)));
        let trial = |planted: bool| {
            let [learned, tried] = [3, 4].map(|seed| Heard::all(&pieces(24, seed, planted)));
            Trial::pairs(format!("planted: {planted}"), 1, learned, tried)
        };
        let outcomes = tried(&bach, &[trial(true), trial(false), Trial::halves("halves".into(), 1)], || ());
        let areas = |outcome: &Outcome| [outcome.by_features.area, outcome.by_windows.area];
        assert!(areas(&outcomes[0]).iter().all(|area| *area > 0.95), "{:?}", areas(&outcomes[0]));
        assert!(outcomes[0].give_aways[0].name.contains("alto"), "{}", outcomes[0].give_aways[0].name);
        for none in &outcomes[1..] {
            // 24 pieces of each: two standard deviations of an area are 0.17.
            assert!(areas(none).iter().all(|area| (area - 0.5).abs() < 0.25), "{}: {:?}", none.title, areas(none));
        }
        assert_eq!(outcomes[2].by_features.by_soprano, None);
    }

    #[test]
    fn two_notes_in_a_hundred_are_wrong_and_the_soprano_keeps_its_own() {
        let right = pieces(40, 5, false);
        let wrong = with_wrong_notes(&right, 1);
        let differs = |part: Part| {
            let pairs = right.iter().zip(&wrong).flat_map(|(right, wrong)| right.chords.iter().zip(&wrong.chords));
            pairs.filter(|(right, wrong)| right[part] != wrong[part]).count() as f64 / (40.0 * 64.0)
        };
        assert_eq!(differs(Part::Soprano), 0.0);
        assert!(Part::LOWER.into_iter().all(|part| (0.005..0.05).contains(&differs(part))));
        assert_eq!(wrong, with_wrong_notes(&right, 1));
    }
}
