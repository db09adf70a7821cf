//! The guard's weights for the shipped networks.

use chorale::rules::{Guard, Rule};
use network::{Architecture, Model};

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

/// Set so that each network by itself does each thing about as often as Bach did in the validation chorales
/// (tests/src/bin/tune_guard.rs, which prints these lines).
pub fn guard(architecture: Architecture, purpose: Purpose) -> Guard {
    let weights = match purpose {
        Purpose::Live => LIVE,
        Purpose::Ahead => AHEAD,
        Purpose::New => NEW,
    };
    let mut guard = Guard::OFF;
    for (weights, rule) in weights {
        guard.weights[rule.index()] = weights[architecture as usize];
    }
    guard
}

/// The rules' weights for what a network is wanted for.
pub fn guard_for(model: &Model, purpose: Purpose) -> Guard {
    guard(model.architecture(), purpose)
}

/// The weights of a rule by [`Architecture`].
type Weights = [([f32; 2], Rule); Rule::COUNT];

#[rustfmt::skip]
const LIVE: Weights = [
    ([2.58, 2.43], Rule::ParallelFifths),
    ([3.13, 3.16], Rule::ParallelOctaves),
    ([2.17, 2.05], Rule::BeatParallels),
    ([0.81, 0.97], Rule::DirectFifthsOctaves),
    ([-0.19, -0.19], Rule::Crossing),
    ([0.24, 0.26], Rule::Overlap),
    ([0.57, 0.63], Rule::Spacing),
    ([-0.70, -0.71], Rule::ForbiddenLeap),
    ([-0.37, -0.40], Rule::WideLeap),
    ([0.43, 0.38], Rule::Tessitura),
    ([0.27, 0.34], Rule::DoubledLeadingTone),
    ([4.00, 4.00], Rule::UnresolvedSeventh),
    ([2.80, 2.65], Rule::UnresolvedSuspension),
    ([0.24, 0.32], Rule::Clash),
    ([-0.07, -0.19], Rule::Suspension),
    ([1.39, 1.30], Rule::Foreign),
    ([0.57, 0.52], Rule::Tension),
    ([0.78, 0.73], Rule::Hollow),
    ([0.21, 0.18], Rule::PassingClash),
    ([-0.08, -0.05], Rule::PassingForeign),
    ([0.91, 0.87], Rule::AloneSoprano),
    ([0.29, 0.20], Rule::UnderHeldSoprano),
    ([0.12, 0.16], Rule::StaticAlto),
    ([0.24, 0.26], Rule::StaticTenor),
    ([0.04, 0.06], Rule::StaticBass),
    ([-0.94, -0.88], Rule::StaticChord),
    ([-0.79, -0.81], Rule::HalfBeat),
    ([-0.09, -0.22], Rule::EighthAlto),
    ([-0.07, -0.19], Rule::EighthTenor),
    ([0.22, 0.09], Rule::EighthBass),
    ([-0.76, -0.93], Rule::Sixteenth),
    ([0.71, 0.54], Rule::Stuck),
    ([0.16, 0.18], Rule::Return),
    ([-0.44, -0.35], Rule::AllTogether),
    ([-0.36, -0.33], Rule::Restless),
    ([0.32, 0.21], Rule::UnsettledHold),
    ([1.01, 0.98], Rule::OpenHold),
    ([0.37, 0.36], Rule::FirstInversion),
    ([0.85, 0.72], Rule::SecondInversion),
    ([0.08, 0.04], Rule::DoubledThird),
    ([-0.03, -0.07], Rule::Unison),
    ([0.13, 0.11], Rule::DeepBass),
    ([-0.25, -0.23], Rule::BassStep),
    ([0.20, 0.29], Rule::BassFourth),
    ([-0.27, -0.33], Rule::BassOctave),
    ([0.28, 0.30], Rule::InnerThird),
    ([0.03, 0.06], Rule::ContraryOuter),
    ([0.26, 0.28], Rule::SimilarOuter),
    ([-1.17, -1.16], Rule::RootFallingFifth),
    ([1.46, 1.40], Rule::RootFallingSecond),
    ([0.73, 0.76], Rule::RootRisingThird),
    ([0.57, 0.66], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const AHEAD: Weights = [
    ([1.90, 1.96], Rule::ParallelFifths),
    ([2.20, 2.32], Rule::ParallelOctaves),
    ([1.26, 1.33], Rule::BeatParallels),
    ([0.41, 0.53], Rule::DirectFifthsOctaves),
    ([-0.23, -0.22], Rule::Crossing),
    ([0.14, 0.16], Rule::Overlap),
    ([0.11, 0.17], Rule::Spacing),
    ([-0.46, -0.57], Rule::ForbiddenLeap),
    ([-0.33, -0.36], Rule::WideLeap),
    ([0.32, 0.27], Rule::Tessitura),
    ([0.17, 0.05], Rule::DoubledLeadingTone),
    ([0.64, 0.40], Rule::UnresolvedSeventh),
    ([0.49, 0.58], Rule::UnresolvedSuspension),
    ([0.12, 0.12], Rule::Clash),
    ([-0.19, -0.24], Rule::Suspension),
    ([0.36, 0.33], Rule::Foreign),
    ([-0.04, -0.03], Rule::Tension),
    ([0.29, 0.28], Rule::Hollow),
    ([0.14, 0.15], Rule::PassingClash),
    ([-0.14, -0.14], Rule::PassingForeign),
    ([0.45, 0.53], Rule::AloneSoprano),
    ([-0.20, -0.20], Rule::UnderHeldSoprano),
    ([0.07, 0.09], Rule::StaticAlto),
    ([0.12, 0.17], Rule::StaticTenor),
    ([-0.06, -0.04], Rule::StaticBass),
    ([-0.33, -0.30], Rule::StaticChord),
    ([-0.54, -0.58], Rule::HalfBeat),
    ([-0.12, -0.17], Rule::EighthAlto),
    ([-0.10, -0.15], Rule::EighthTenor),
    ([-0.17, -0.24], Rule::EighthBass),
    ([-0.56, -0.72], Rule::Sixteenth),
    ([0.40, 0.34], Rule::Stuck),
    ([0.08, 0.09], Rule::Return),
    ([0.05, 0.12], Rule::AllTogether),
    ([-0.37, -0.33], Rule::Restless),
    ([-0.21, -0.27], Rule::UnsettledHold),
    ([0.30, 0.26], Rule::OpenHold),
    ([0.01, 0.03], Rule::FirstInversion),
    ([0.07, -0.10], Rule::SecondInversion),
    ([-0.08, -0.06], Rule::DoubledThird),
    ([-0.12, -0.13], Rule::Unison),
    ([0.06, 0.05], Rule::DeepBass),
    ([0.08, 0.10], Rule::BassStep),
    ([0.20, 0.22], Rule::BassFourth),
    ([0.08, -0.10], Rule::BassOctave),
    ([0.19, 0.16], Rule::InnerThird),
    ([0.35, 0.35], Rule::ContraryOuter),
    ([0.34, 0.36], Rule::SimilarOuter),
    ([-0.06, -0.06], Rule::RootFallingFifth),
    ([0.71, 0.69], Rule::RootFallingSecond),
    ([0.23, 0.20], Rule::RootRisingThird),
    ([-0.25, -0.28], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const NEW: Weights = [
    ([1.65, 1.65], Rule::ParallelFifths),
    ([1.77, 2.05], Rule::ParallelOctaves),
    ([1.50, 1.38], Rule::BeatParallels),
    ([0.13, 0.20], Rule::DirectFifthsOctaves),
    ([-0.34, -0.37], Rule::Crossing),
    ([0.13, 0.07], Rule::Overlap),
    ([-0.31, -0.19], Rule::Spacing),
    ([-0.42, -0.50], Rule::ForbiddenLeap),
    ([-0.33, -0.38], Rule::WideLeap),
    ([0.62, 0.56], Rule::Tessitura),
    ([0.08, 0.04], Rule::DoubledLeadingTone),
    ([0.27, 0.18], Rule::UnresolvedSeventh),
    ([0.21, 0.19], Rule::UnresolvedSuspension),
    ([0.14, 0.13], Rule::Clash),
    ([-0.34, -0.40], Rule::Suspension),
    ([-0.20, -0.30], Rule::Foreign),
    ([-0.26, -0.37], Rule::Tension),
    ([-0.14, -0.12], Rule::Hollow),
    ([0.18, 0.17], Rule::PassingClash),
    ([-0.16, -0.15], Rule::PassingForeign),
    ([0.43, 0.35], Rule::AloneSoprano),
    ([-0.05, -0.09], Rule::UnderHeldSoprano),
    ([0.16, 0.15], Rule::StaticAlto),
    ([0.31, 0.26], Rule::StaticTenor),
    ([-0.05, -0.05], Rule::StaticBass),
    ([0.22, 0.17], Rule::StaticChord),
    ([-0.57, -0.60], Rule::HalfBeat),
    ([-0.23, -0.28], Rule::EighthAlto),
    ([-0.19, -0.23], Rule::EighthTenor),
    ([-0.24, -0.40], Rule::EighthBass),
    ([-0.75, -0.92], Rule::Sixteenth),
    ([0.46, 0.39], Rule::Stuck),
    ([0.16, 0.13], Rule::Return),
    ([0.41, 0.42], Rule::AllTogether),
    ([-0.17, -0.22], Rule::Restless),
    ([-0.47, -0.42], Rule::UnsettledHold),
    ([0.48, 0.53], Rule::OpenHold),
    ([-0.08, -0.12], Rule::FirstInversion),
    ([-0.35, -0.42], Rule::SecondInversion),
    ([-0.17, -0.14], Rule::DoubledThird),
    ([-0.13, -0.18], Rule::Unison),
    ([0.10, 0.11], Rule::DeepBass),
    ([0.15, 0.20], Rule::BassStep),
    ([0.27, 0.25], Rule::BassFourth),
    ([0.14, 0.16], Rule::BassOctave),
    ([0.17, 0.16], Rule::InnerThird),
    ([0.34, 0.39], Rule::ContraryOuter),
    ([0.30, 0.30], Rule::SimilarOuter),
    ([0.14, 0.18], Rule::RootFallingFifth),
    ([0.69, 0.67], Rule::RootFallingSecond),
    ([0.09, 0.13], Rule::RootRisingThird),
    ([-0.26, -0.27], Rule::Chromatic),
    ([0.22, 0.26], Rule::StaticSoprano),
    ([-0.74, -0.87], Rule::EighthSoprano),
    ([-0.29, -0.33], Rule::SopranoLeap),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_line() {
        for weights in [LIVE, AHEAD, NEW] {
            for (place, (_, rule)) in weights.iter().enumerate() {
                assert_eq!(rule.index(), place, "{}", rule.name());
            }
        }
    }

    #[test]
    fn each_network_keeps_parallels_away_whatever_it_does() {
        for architecture in [Architecture::Wavenet, Architecture::Lstm] {
            for purpose in [Purpose::Live, Purpose::Ahead, Purpose::New] {
                let weights = guard(architecture, purpose).weights;
                assert!(weights[Rule::ParallelFifths.index()] > 1.0, "{architecture:?}, {purpose:?}");
            }
        }
    }
}
