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
    ([2.58, 2.48], Rule::ParallelFifths),
    ([3.09, 3.29], Rule::ParallelOctaves),
    ([2.08, 2.05], Rule::BeatParallels),
    ([0.79, 0.98], Rule::DirectFifthsOctaves),
    ([-0.26, -0.20], Rule::Crossing),
    ([0.30, 0.26], Rule::Overlap),
    ([0.57, 0.64], Rule::Spacing),
    ([-0.68, -0.71], Rule::ForbiddenLeap),
    ([-0.41, -0.42], Rule::WideLeap),
    ([0.40, 0.35], Rule::Tessitura),
    ([0.35, 0.18], Rule::DoubledLeadingTone),
    ([4.00, 4.00], Rule::UnresolvedSeventh),
    ([2.21, 2.32], Rule::UnresolvedSuspension),
    ([0.27, 0.20], Rule::Clash),
    ([-0.22, -0.26], Rule::Suspension),
    ([1.19, 1.19], Rule::Foreign),
    ([0.51, 0.48], Rule::Tension),
    ([0.68, 0.60], Rule::Hollow),
    ([0.14, 0.17], Rule::PassingClash),
    ([-0.11, -0.12], Rule::PassingForeign),
    ([0.87, 0.90], Rule::AloneSoprano),
    ([0.11, 0.11], Rule::UnderHeldSoprano),
    ([0.17, 0.18], Rule::StaticAlto),
    ([0.26, 0.28], Rule::StaticTenor),
    ([0.11, 0.11], Rule::StaticBass),
    ([-0.87, -0.90], Rule::StaticChord),
    ([-0.63, -0.63], Rule::HalfBeat),
    ([-0.16, -0.28], Rule::EighthAlto),
    ([-0.16, -0.24], Rule::EighthTenor),
    ([0.15, -0.09], Rule::EighthBass),
    ([-0.79, -0.97], Rule::Sixteenth),
    ([0.70, 0.52], Rule::Stuck),
    ([0.18, 0.20], Rule::Return),
    ([-0.47, -0.41], Rule::AllTogether),
    ([-0.37, -0.30], Rule::Restless),
    ([0.21, 0.27], Rule::UnsettledHold),
    ([1.04, 1.03], Rule::OpenHold),
    ([0.37, 0.36], Rule::FirstInversion),
    ([0.85, 0.82], Rule::SecondInversion),
    ([-0.00, 0.03], Rule::DoubledThird),
    ([-0.10, -0.10], Rule::Unison),
    ([0.12, 0.09], Rule::DeepBass),
    ([-0.14, -0.13], Rule::BassStep),
    ([0.29, 0.37], Rule::BassFourth),
    ([-0.23, -0.24], Rule::BassOctave),
    ([0.31, 0.31], Rule::InnerThird),
    ([0.15, 0.16], Rule::ContraryOuter),
    ([0.37, 0.38], Rule::SimilarOuter),
    ([-1.09, -1.12], Rule::RootFallingFifth),
    ([1.41, 1.34], Rule::RootFallingSecond),
    ([0.79, 0.80], Rule::RootRisingThird),
    ([0.46, 0.63], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const AHEAD: Weights = [
    ([1.71, 1.99], Rule::ParallelFifths),
    ([2.28, 2.61], Rule::ParallelOctaves),
    ([1.35, 1.37], Rule::BeatParallels),
    ([0.48, 0.45], Rule::DirectFifthsOctaves),
    ([-0.28, -0.33], Rule::Crossing),
    ([0.19, 0.20], Rule::Overlap),
    ([0.08, 0.11], Rule::Spacing),
    ([-0.49, -0.48], Rule::ForbiddenLeap),
    ([-0.34, -0.34], Rule::WideLeap),
    ([0.28, 0.27], Rule::Tessitura),
    ([0.06, 0.08], Rule::DoubledLeadingTone),
    ([0.76, 0.59], Rule::UnresolvedSeventh),
    ([0.54, 0.58], Rule::UnresolvedSuspension),
    ([0.02, -0.02], Rule::Clash),
    ([-0.18, -0.19], Rule::Suspension),
    ([0.22, 0.18], Rule::Foreign),
    ([0.01, 0.01], Rule::Tension),
    ([0.16, 0.21], Rule::Hollow),
    ([0.10, 0.10], Rule::PassingClash),
    ([-0.18, -0.17], Rule::PassingForeign),
    ([0.40, 0.42], Rule::AloneSoprano),
    ([-0.22, -0.17], Rule::UnderHeldSoprano),
    ([0.08, 0.06], Rule::StaticAlto),
    ([0.14, 0.16], Rule::StaticTenor),
    ([0.05, 0.00], Rule::StaticBass),
    ([-0.26, -0.30], Rule::StaticChord),
    ([-0.27, -0.31], Rule::HalfBeat),
    ([-0.19, -0.30], Rule::EighthAlto),
    ([-0.22, -0.23], Rule::EighthTenor),
    ([-0.30, -0.37], Rule::EighthBass),
    ([-0.62, -0.73], Rule::Sixteenth),
    ([0.35, 0.36], Rule::Stuck),
    ([0.10, 0.11], Rule::Return),
    ([-0.01, -0.04], Rule::AllTogether),
    ([-0.30, -0.29], Rule::Restless),
    ([-0.31, -0.29], Rule::UnsettledHold),
    ([0.22, 0.23], Rule::OpenHold),
    ([0.06, 0.06], Rule::FirstInversion),
    ([-0.07, -0.05], Rule::SecondInversion),
    ([-0.09, -0.06], Rule::DoubledThird),
    ([-0.13, -0.15], Rule::Unison),
    ([0.03, 0.06], Rule::DeepBass),
    ([0.13, 0.14], Rule::BassStep),
    ([0.24, 0.23], Rule::BassFourth),
    ([0.01, -0.02], Rule::BassOctave),
    ([0.17, 0.18], Rule::InnerThird),
    ([0.39, 0.39], Rule::ContraryOuter),
    ([0.39, 0.40], Rule::SimilarOuter),
    ([-0.11, -0.08], Rule::RootFallingFifth),
    ([0.65, 0.61], Rule::RootFallingSecond),
    ([0.18, 0.19], Rule::RootRisingThird),
    ([-0.18, -0.24], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const NEW: Weights = [
    ([1.80, 1.77], Rule::ParallelFifths),
    ([2.21, 2.32], Rule::ParallelOctaves),
    ([1.55, 1.42], Rule::BeatParallels),
    ([0.21, 0.16], Rule::DirectFifthsOctaves),
    ([-0.50, -0.47], Rule::Crossing),
    ([0.20, 0.21], Rule::Overlap),
    ([-0.29, -0.31], Rule::Spacing),
    ([-0.44, -0.46], Rule::ForbiddenLeap),
    ([-0.35, -0.36], Rule::WideLeap),
    ([0.50, 0.50], Rule::Tessitura),
    ([0.16, 0.09], Rule::DoubledLeadingTone),
    ([0.38, 0.21], Rule::UnresolvedSeventh),
    ([0.36, 0.24], Rule::UnresolvedSuspension),
    ([0.05, -0.01], Rule::Clash),
    ([-0.34, -0.38], Rule::Suspension),
    ([-0.37, -0.33], Rule::Foreign),
    ([-0.26, -0.32], Rule::Tension),
    ([-0.30, -0.22], Rule::Hollow),
    ([0.08, 0.18], Rule::PassingClash),
    ([-0.19, -0.19], Rule::PassingForeign),
    ([0.29, 0.29], Rule::AloneSoprano),
    ([-0.05, -0.06], Rule::UnderHeldSoprano),
    ([0.18, 0.14], Rule::StaticAlto),
    ([0.34, 0.30], Rule::StaticTenor),
    ([0.08, 0.09], Rule::StaticBass),
    ([0.19, 0.15], Rule::StaticChord),
    ([-0.32, -0.35], Rule::HalfBeat),
    ([-0.35, -0.39], Rule::EighthAlto),
    ([-0.27, -0.35], Rule::EighthTenor),
    ([-0.40, -0.54], Rule::EighthBass),
    ([-0.74, -0.92], Rule::Sixteenth),
    ([0.41, 0.42], Rule::Stuck),
    ([0.21, 0.19], Rule::Return),
    ([0.28, 0.29], Rule::AllTogether),
    ([-0.12, -0.16], Rule::Restless),
    ([-0.07, -0.13], Rule::UnsettledHold),
    ([0.26, 0.26], Rule::OpenHold),
    ([-0.05, -0.08], Rule::FirstInversion),
    ([-0.34, -0.42], Rule::SecondInversion),
    ([-0.18, -0.14], Rule::DoubledThird),
    ([-0.10, -0.18], Rule::Unison),
    ([0.03, 0.08], Rule::DeepBass),
    ([0.21, 0.23], Rule::BassStep),
    ([0.29, 0.30], Rule::BassFourth),
    ([0.19, 0.20], Rule::BassOctave),
    ([0.15, 0.16], Rule::InnerThird),
    ([0.39, 0.37], Rule::ContraryOuter),
    ([0.34, 0.35], Rule::SimilarOuter),
    ([0.05, 0.07], Rule::RootFallingFifth),
    ([0.63, 0.60], Rule::RootFallingSecond),
    ([0.07, 0.04], Rule::RootRisingThird),
    ([-0.25, -0.25], Rule::Chromatic),
    ([0.25, 0.24], Rule::StaticSoprano),
    ([-0.69, -0.90], Rule::EighthSoprano),
    ([-0.30, -0.29], Rule::SopranoLeap),
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
