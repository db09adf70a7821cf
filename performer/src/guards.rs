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
    ([1.89, 1.83], Rule::ParallelFifths),
    ([2.45, 2.25], Rule::ParallelOctaves),
    ([1.36, 1.42], Rule::BeatParallels),
    ([0.40, 0.45], Rule::DirectFifthsOctaves),
    ([-0.21, -0.18], Rule::Crossing),
    ([0.13, 0.16], Rule::Overlap),
    ([0.08, 0.18], Rule::Spacing),
    ([-0.48, -0.53], Rule::ForbiddenLeap),
    ([-0.34, -0.33], Rule::WideLeap),
    ([0.24, 0.25], Rule::Tessitura),
    ([0.04, -0.03], Rule::DoubledLeadingTone),
    ([0.58, 0.48], Rule::UnresolvedSeventh),
    ([0.66, 0.48], Rule::UnresolvedSuspension),
    ([0.08, 0.14], Rule::Clash),
    ([-0.18, -0.21], Rule::Suspension),
    ([0.33, 0.25], Rule::Foreign),
    ([-0.03, -0.04], Rule::Tension),
    ([0.32, 0.29], Rule::Hollow),
    ([0.14, 0.12], Rule::PassingClash),
    ([-0.16, -0.18], Rule::PassingForeign),
    ([0.46, 0.50], Rule::AloneSoprano),
    ([-0.22, -0.17], Rule::UnderHeldSoprano),
    ([0.07, 0.06], Rule::StaticAlto),
    ([0.13, 0.17], Rule::StaticTenor),
    ([0.01, -0.01], Rule::StaticBass),
    ([-0.30, -0.32], Rule::StaticChord),
    ([-0.43, -0.47], Rule::HalfBeat),
    ([-0.13, -0.19], Rule::EighthAlto),
    ([-0.14, -0.18], Rule::EighthTenor),
    ([-0.19, -0.28], Rule::EighthBass),
    ([-0.57, -0.72], Rule::Sixteenth),
    ([0.36, 0.35], Rule::Stuck),
    ([0.11, 0.11], Rule::Return),
    ([-0.01, 0.03], Rule::AllTogether),
    ([-0.33, -0.30], Rule::Restless),
    ([-0.26, -0.25], Rule::UnsettledHold),
    ([0.24, 0.28], Rule::OpenHold),
    ([0.05, 0.05], Rule::FirstInversion),
    ([-0.04, -0.07], Rule::SecondInversion),
    ([-0.10, -0.03], Rule::DoubledThird),
    ([-0.13, -0.15], Rule::Unison),
    ([0.03, 0.05], Rule::DeepBass),
    ([0.11, 0.12], Rule::BassStep),
    ([0.24, 0.22], Rule::BassFourth),
    ([0.01, -0.08], Rule::BassOctave),
    ([0.15, 0.16], Rule::InnerThird),
    ([0.37, 0.37], Rule::ContraryOuter),
    ([0.37, 0.38], Rule::SimilarOuter),
    ([-0.08, -0.10], Rule::RootFallingFifth),
    ([0.63, 0.67], Rule::RootFallingSecond),
    ([0.29, 0.20], Rule::RootRisingThird),
    ([-0.20, -0.22], Rule::Chromatic),
    ([0.00, 0.00], Rule::StaticSoprano),
    ([0.00, 0.00], Rule::EighthSoprano),
    ([0.00, 0.00], Rule::SopranoLeap),
];

#[rustfmt::skip]
const NEW: Weights = [
    ([1.71, 1.77], Rule::ParallelFifths),
    ([2.01, 2.11], Rule::ParallelOctaves),
    ([1.55, 1.50], Rule::BeatParallels),
    ([0.16, 0.24], Rule::DirectFifthsOctaves),
    ([-0.39, -0.30], Rule::Crossing),
    ([0.15, 0.18], Rule::Overlap),
    ([-0.27, -0.23], Rule::Spacing),
    ([-0.46, -0.47], Rule::ForbiddenLeap),
    ([-0.38, -0.34], Rule::WideLeap),
    ([0.36, 0.50], Rule::Tessitura),
    ([0.11, 0.13], Rule::DoubledLeadingTone),
    ([0.32, 0.30], Rule::UnresolvedSeventh),
    ([0.18, 0.17], Rule::UnresolvedSuspension),
    ([0.14, 0.10], Rule::Clash),
    ([-0.30, -0.41], Rule::Suspension),
    ([-0.26, -0.32], Rule::Foreign),
    ([-0.28, -0.33], Rule::Tension),
    ([-0.14, -0.13], Rule::Hollow),
    ([0.13, 0.14], Rule::PassingClash),
    ([-0.14, -0.22], Rule::PassingForeign),
    ([0.34, 0.36], Rule::AloneSoprano),
    ([-0.06, -0.06], Rule::UnderHeldSoprano),
    ([0.18, 0.13], Rule::StaticAlto),
    ([0.33, 0.31], Rule::StaticTenor),
    ([0.03, 0.06], Rule::StaticBass),
    ([0.19, 0.17], Rule::StaticChord),
    ([-0.44, -0.48], Rule::HalfBeat),
    ([-0.24, -0.33], Rule::EighthAlto),
    ([-0.23, -0.31], Rule::EighthTenor),
    ([-0.34, -0.48], Rule::EighthBass),
    ([-0.73, -0.95], Rule::Sixteenth),
    ([0.39, 0.46], Rule::Stuck),
    ([0.20, 0.16], Rule::Return),
    ([0.33, 0.41], Rule::AllTogether),
    ([-0.18, -0.18], Rule::Restless),
    ([-0.25, -0.19], Rule::UnsettledHold),
    ([0.35, 0.37], Rule::OpenHold),
    ([-0.05, -0.12], Rule::FirstInversion),
    ([-0.45, -0.53], Rule::SecondInversion),
    ([-0.18, -0.18], Rule::DoubledThird),
    ([-0.17, -0.09], Rule::Unison),
    ([0.09, 0.06], Rule::DeepBass),
    ([0.19, 0.23], Rule::BassStep),
    ([0.25, 0.28], Rule::BassFourth),
    ([0.17, 0.24], Rule::BassOctave),
    ([0.17, 0.19], Rule::InnerThird),
    ([0.36, 0.39], Rule::ContraryOuter),
    ([0.37, 0.33], Rule::SimilarOuter),
    ([0.05, 0.13], Rule::RootFallingFifth),
    ([0.69, 0.62], Rule::RootFallingSecond),
    ([0.13, 0.04], Rule::RootRisingThird),
    ([-0.24, -0.23], Rule::Chromatic),
    ([0.25, 0.25], Rule::StaticSoprano),
    ([-0.70, -0.89], Rule::EighthSoprano),
    ([-0.30, -0.30], Rule::SopranoLeap),
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
