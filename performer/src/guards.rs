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
    let weights = match purpose {
        Purpose::Live => LIVE,
        Purpose::Ahead => AHEAD,
        Purpose::New => NEW,
    };
    let mut guard = Guard::OFF;
    for (weights, rule) in weights {
        guard.weights[rule.index()] = weights[family as usize];
    }
    guard
}

/// The weights of a rule by [`Family`].
type Weights = [([f32; 2], Rule); Rule::COUNT];

#[rustfmt::skip]
const LIVE: Weights = [
    ([2.52, 2.57], Rule::ParallelFifths),
    ([3.09, 3.25], Rule::ParallelOctaves),
    ([2.16, 1.94], Rule::BeatParallels),
    ([0.80, 0.85], Rule::DirectFifthsOctaves),
    ([-0.44, -0.34], Rule::Crossing),
    ([0.45, 0.40], Rule::Overlap),
    ([0.44, 0.57], Rule::Spacing),
    ([-0.68, -0.61], Rule::ForbiddenLeap),
    ([-0.35, -0.36], Rule::WideLeap),
    ([0.40, 0.40], Rule::Tessitura),
    ([0.36, 0.40], Rule::DoubledLeadingTone),
    ([8.00, 8.00], Rule::UnresolvedSeventh),
    ([0.00, 0.00], Rule::UnresolvedSuspension),
    ([0.21, 0.27], Rule::Clash),
    ([0.00, 0.00], Rule::Suspension),
    ([0.40, 0.39], Rule::Foreign),
    ([0.50, 0.48], Rule::Tension),
    ([0.53, 0.48], Rule::Hollow),
    ([0.06, 0.08], Rule::PassingClash),
    ([-0.12, -0.12], Rule::PassingForeign),
    ([0.70, 0.65], Rule::AloneSoprano),
    ([0.01, 0.04], Rule::UnderHeldSoprano),
    ([0.09, 0.10], Rule::StaticAlto),
    ([0.23, 0.25], Rule::StaticTenor),
    ([0.18, 0.18], Rule::StaticBass),
    ([-0.68, -0.66], Rule::StaticChord),
    ([0.00, 0.00], Rule::HalfBeat),
    ([-0.50, -0.63], Rule::EighthAlto),
    ([-0.49, -0.59], Rule::EighthTenor),
    ([-0.37, -0.61], Rule::EighthBass),
    ([-0.81, -0.97], Rule::Sixteenth),
    ([0.73, 0.55], Rule::Stuck),
    ([0.23, 0.24], Rule::Return),
    ([-0.43, -0.45], Rule::AllTogether),
    ([-0.34, -0.29], Rule::Restless),
    ([0.09, 0.17], Rule::UnsettledHold),
    ([0.95, 0.87], Rule::OpenHold),
    ([0.37, 0.31], Rule::FirstInversion),
    ([0.64, 0.64], Rule::SecondInversion),
    ([0.02, 0.03], Rule::DoubledThird),
    ([-0.04, -0.08], Rule::Unison),
    ([0.09, 0.10], Rule::DeepBass),
    ([0.04, 0.05], Rule::BassStep),
    ([0.27, 0.32], Rule::BassFourth),
    ([-0.10, -0.12], Rule::BassOctave),
    ([0.41, 0.39], Rule::InnerThird),
    ([0.24, 0.25], Rule::ContraryOuter),
    ([0.51, 0.52], Rule::SimilarOuter),
    ([-0.76, -0.80], Rule::RootFallingFifth),
    ([1.17, 1.14], Rule::RootFallingSecond),
    ([0.74, 0.81], Rule::RootRisingThird),
    ([0.45, 0.54], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const AHEAD: Weights = [
    ([1.98, 1.98], Rule::ParallelFifths),
    ([2.29, 2.29], Rule::ParallelOctaves),
    ([1.17, 1.17], Rule::BeatParallels),
    ([0.36, 0.36], Rule::DirectFifthsOctaves),
    ([-0.33, -0.33], Rule::Crossing),
    ([0.28, 0.28], Rule::Overlap),
    ([0.20, 0.20], Rule::Spacing),
    ([-0.58, -0.58], Rule::ForbiddenLeap),
    ([-0.21, -0.21], Rule::WideLeap),
    ([0.27, 0.27], Rule::Tessitura),
    ([0.11, 0.11], Rule::DoubledLeadingTone),
    ([0.67, 0.67], Rule::UnresolvedSeventh),
    ([0.00, 0.00], Rule::UnresolvedSuspension),
    ([-0.01, -0.01], Rule::Clash),
    ([0.00, 0.00], Rule::Suspension),
    ([0.09, 0.09], Rule::Foreign),
    ([0.12, 0.12], Rule::Tension),
    ([0.41, 0.41], Rule::Hollow),
    ([0.08, 0.08], Rule::PassingClash),
    ([-0.14, -0.14], Rule::PassingForeign),
    ([0.25, 0.25], Rule::AloneSoprano),
    ([-0.15, -0.15], Rule::UnderHeldSoprano),
    ([0.05, 0.05], Rule::StaticAlto),
    ([0.12, 0.12], Rule::StaticTenor),
    ([0.07, 0.07], Rule::StaticBass),
    ([-0.26, -0.26], Rule::StaticChord),
    ([0.00, 0.00], Rule::HalfBeat),
    ([-0.40, -0.40], Rule::EighthAlto),
    ([-0.34, -0.34], Rule::EighthTenor),
    ([-0.44, -0.44], Rule::EighthBass),
    ([-0.46, -0.46], Rule::Sixteenth),
    ([0.39, 0.39], Rule::Stuck),
    ([0.14, 0.14], Rule::Return),
    ([0.05, 0.05], Rule::AllTogether),
    ([-0.24, -0.24], Rule::Restless),
    ([-0.02, -0.02], Rule::UnsettledHold),
    ([0.16, 0.16], Rule::OpenHold),
    ([0.12, 0.12], Rule::FirstInversion),
    ([0.03, 0.03], Rule::SecondInversion),
    ([0.00, 0.00], Rule::DoubledThird),
    ([-0.11, -0.11], Rule::Unison),
    ([0.08, 0.08], Rule::DeepBass),
    ([0.14, 0.14], Rule::BassStep),
    ([0.21, 0.21], Rule::BassFourth),
    ([0.04, 0.04], Rule::BassOctave),
    ([0.27, 0.27], Rule::InnerThird),
    ([0.37, 0.37], Rule::ContraryOuter),
    ([0.36, 0.36], Rule::SimilarOuter),
    ([0.00, 0.00], Rule::RootFallingFifth),
    ([0.00, 0.00], Rule::RootFallingSecond),
    ([0.00, 0.00], Rule::RootRisingThird),
    ([0.00, 0.00], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const NEW: Weights = [
    ([1.75, 1.75], Rule::ParallelFifths),
    ([2.47, 2.47], Rule::ParallelOctaves),
    ([1.50, 1.50], Rule::BeatParallels),
    ([0.24, 0.24], Rule::DirectFifthsOctaves),
    ([-0.46, -0.46], Rule::Crossing),
    ([0.21, 0.21], Rule::Overlap),
    ([-0.35, -0.35], Rule::Spacing),
    ([-0.47, -0.47], Rule::ForbiddenLeap),
    ([-0.35, -0.35], Rule::WideLeap),
    ([0.56, 0.56], Rule::Tessitura),
    ([0.47, 0.47], Rule::DoubledLeadingTone),
    ([0.51, 0.51], Rule::UnresolvedSeventh),
    ([0.00, 0.00], Rule::UnresolvedSuspension),
    ([0.07, 0.07], Rule::Clash),
    ([0.00, 0.00], Rule::Suspension),
    ([-0.12, -0.12], Rule::Foreign),
    ([-0.02, -0.02], Rule::Tension),
    ([0.08, 0.08], Rule::Hollow),
    ([0.13, 0.13], Rule::PassingClash),
    ([-0.15, -0.15], Rule::PassingForeign),
    ([0.07, 0.07], Rule::AloneSoprano),
    ([-0.04, -0.04], Rule::UnderHeldSoprano),
    ([0.13, 0.13], Rule::StaticAlto),
    ([0.30, 0.30], Rule::StaticTenor),
    ([0.10, 0.10], Rule::StaticBass),
    ([0.09, 0.09], Rule::StaticChord),
    ([0.00, 0.00], Rule::HalfBeat),
    ([-0.53, -0.53], Rule::EighthAlto),
    ([-0.49, -0.49], Rule::EighthTenor),
    ([-0.59, -0.59], Rule::EighthBass),
    ([-0.63, -0.63], Rule::Sixteenth),
    ([0.43, 0.43], Rule::Stuck),
    ([0.22, 0.22], Rule::Return),
    ([0.21, 0.21], Rule::AllTogether),
    ([0.09, 0.09], Rule::Restless),
    ([-0.20, -0.20], Rule::UnsettledHold),
    ([-0.65, -0.65], Rule::OpenHold),
    ([0.11, 0.11], Rule::FirstInversion),
    ([-0.18, -0.18], Rule::SecondInversion),
    ([-0.15, -0.15], Rule::DoubledThird),
    ([-0.12, -0.12], Rule::Unison),
    ([0.06, 0.06], Rule::DeepBass),
    ([0.21, 0.21], Rule::BassStep),
    ([0.21, 0.21], Rule::BassFourth),
    ([0.12, 0.12], Rule::BassOctave),
    ([0.20, 0.20], Rule::InnerThird),
    ([0.34, 0.34], Rule::ContraryOuter),
    ([0.34, 0.34], Rule::SimilarOuter),
    ([0.00, 0.00], Rule::RootFallingFifth),
    ([0.00, 0.00], Rule::RootFallingSecond),
    ([0.00, 0.00], Rule::RootRisingThird),
    ([0.00, 0.00], Rule::Chromatic),
    ([0.19, 0.19], Rule::StaticSoprano),
    ([-0.65, -0.65], Rule::EighthSoprano),
    ([-0.21, -0.21], Rule::SopranoLeap),
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
        for family in [Family::Wavenet, Family::Lstm] {
            for purpose in [Purpose::Live, Purpose::Ahead, Purpose::New] {
                let weights = guard(family, purpose).weights;
                assert!(weights[Rule::ParallelFifths.index()] > 1.0, "{family:?}, {purpose:?}");
            }
        }
    }
}
