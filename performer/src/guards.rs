//! The guard's weights for the shipped networks.

use chorale::rules::{Guard, Rule};

/// What is chosen under a guard. Each task leads a network astray in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Voicings under a soprano, knowing only the past.
    Live,
    /// The same for the search that looks ahead: choosing by the soprano to come, it needs less help.
    Ahead,
    /// New chorales, whose soprano is chosen too.
    New,
}

/// Which of the shipped networks another one resembles most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Wavenet,
    Lstm,
}

/// Set so that each network by itself does each thing about as often as Bach did in the validation chorales
/// (tests/src/bin/tune_guard.rs, which prints these lines).
pub fn guard(family: Family, purpose: Purpose) -> Guard {
    let mut guard = Guard::OFF;
    for (rule, weights) in WEIGHTS {
        guard.weights[rule.index()] = weights[family as usize][purpose as usize];
    }
    guard
}

/// By [`Family`], then by [`Purpose`].
#[rustfmt::skip]
const WEIGHTS: [(Rule, [[f32; 3]; 2]); Rule::COUNT] = [
    (Rule::ParallelFifths, [[2.74, 1.98, 1.75], [2.74, 1.98, 1.75]]),
    (Rule::ParallelOctaves, [[3.41, 2.29, 2.47], [3.41, 2.29, 2.47]]),
    (Rule::BeatParallels, [[1.99, 1.17, 1.50], [1.99, 1.17, 1.50]]),
    (Rule::DirectFifthsOctaves, [[0.72, 0.36, 0.24], [0.72, 0.36, 0.24]]),
    (Rule::Crossing, [[-0.42, -0.33, -0.46], [-0.42, -0.33, -0.46]]),
    (Rule::Overlap, [[0.46, 0.28, 0.21], [0.46, 0.28, 0.21]]),
    (Rule::Spacing, [[0.60, 0.20, -0.35], [0.60, 0.20, -0.35]]),
    (Rule::ForbiddenLeap, [[-0.59, -0.58, -0.47], [-0.59, -0.58, -0.47]]),
    (Rule::WideLeap, [[-0.29, -0.21, -0.35], [-0.29, -0.21, -0.35]]),
    (Rule::Tessitura, [[0.40, 0.27, 0.56], [0.40, 0.27, 0.56]]),
    (Rule::DoubledLeadingTone, [[0.26, 0.11, 0.47], [0.26, 0.11, 0.47]]),
    (Rule::UnresolvedSeventh, [[8.00, 0.67, 0.51], [8.00, 0.67, 0.51]]),
    (Rule::Clash, [[0.22, -0.01, 0.07], [0.22, -0.01, 0.07]]),
    (Rule::Foreign, [[0.48, 0.09, -0.12], [0.48, 0.09, -0.12]]),
    (Rule::Tension, [[0.68, 0.12, -0.02], [0.68, 0.12, -0.02]]),
    (Rule::Hollow, [[0.64, 0.41, 0.08], [0.64, 0.41, 0.08]]),
    (Rule::PassingClash, [[0.09, 0.08, 0.13], [0.09, 0.08, 0.13]]),
    (Rule::PassingForeign, [[-0.10, -0.14, -0.15], [-0.10, -0.14, -0.15]]),
    (Rule::AloneSoprano, [[0.62, 0.25, 0.07], [0.62, 0.25, 0.07]]),
    (Rule::UnderHeldSoprano, [[0.15, -0.15, -0.04], [0.15, -0.15, -0.04]]),
    (Rule::StaticAlto, [[0.06, 0.05, 0.13], [0.06, 0.05, 0.13]]),
    (Rule::StaticTenor, [[0.19, 0.12, 0.30], [0.19, 0.12, 0.30]]),
    (Rule::StaticBass, [[0.14, 0.07, 0.10], [0.14, 0.07, 0.10]]),
    (Rule::StaticChord, [[-0.67, -0.26, 0.09], [-0.67, -0.26, 0.09]]),
    (Rule::EighthAlto, [[-0.48, -0.40, -0.53], [-0.48, -0.40, -0.53]]),
    (Rule::EighthTenor, [[-0.46, -0.34, -0.49], [-0.46, -0.34, -0.49]]),
    (Rule::EighthBass, [[-0.39, -0.44, -0.59], [-0.39, -0.44, -0.59]]),
    (Rule::Sixteenth, [[-0.67, -0.46, -0.63], [-0.67, -0.46, -0.63]]),
    (Rule::Stuck, [[0.55, 0.39, 0.43], [0.55, 0.39, 0.43]]),
    (Rule::Return, [[0.21, 0.14, 0.22], [0.21, 0.14, 0.22]]),
    (Rule::AllTogether, [[-0.43, 0.05, 0.21], [-0.43, 0.05, 0.21]]),
    (Rule::Restless, [[-0.29, -0.24, 0.09], [-0.29, -0.24, 0.09]]),
    (Rule::UnsettledHold, [[0.32, -0.02, -0.20], [0.32, -0.02, -0.20]]),
    (Rule::OpenHold, [[0.77, 0.16, -0.65], [0.77, 0.16, -0.65]]),
    (Rule::FirstInversion, [[0.42, 0.12, 0.11], [0.42, 0.12, 0.11]]),
    (Rule::SecondInversion, [[0.66, 0.03, -0.18], [0.66, 0.03, -0.18]]),
    (Rule::DoubledThird, [[0.08, 0.00, -0.15], [0.08, 0.00, -0.15]]),
    (Rule::Unison, [[-0.03, -0.11, -0.12], [-0.03, -0.11, -0.12]]),
    (Rule::DeepBass, [[0.12, 0.08, 0.06], [0.12, 0.08, 0.06]]),
    (Rule::BassStep, [[0.03, 0.14, 0.21], [0.03, 0.14, 0.21]]),
    (Rule::BassFourth, [[0.07, 0.21, 0.21], [0.07, 0.21, 0.21]]),
    (Rule::BassOctave, [[-0.12, 0.04, 0.12], [-0.12, 0.04, 0.12]]),
    (Rule::InnerThird, [[0.42, 0.27, 0.20], [0.42, 0.27, 0.20]]),
    (Rule::ContraryOuter, [[0.18, 0.37, 0.34], [0.18, 0.37, 0.34]]),
    (Rule::SimilarOuter, [[0.41, 0.36, 0.34], [0.41, 0.36, 0.34]]),
    (Rule::StaticSoprano, [[0.00, 0.00, 0.19], [0.00, 0.00, 0.19]]),
    (Rule::EighthSoprano, [[0.00, 0.00, -0.65], [0.00, 0.00, -0.65]]),
    (Rule::SopranoLeap, [[0.00, 0.00, -0.21], [0.00, 0.00, -0.21]]),];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_line() {
        for (place, (rule, _)) in WEIGHTS.iter().enumerate() {
            assert_eq!(rule.index(), place, "{}", rule.name());
        }
    }

    #[test]
    fn each_network_keeps_parallels_away_whatever_it_does() {
        for family in [Family::Wavenet, Family::Lstm] {
            for purpose in [Purpose::Live, Purpose::Ahead, Purpose::New] {
                let weights = guard(family, purpose).weights;
                assert!(weights[Rule::ParallelFifths.index()] > 1.0, "{family:?}, {purpose:?}");
            }
        }
    }
}
