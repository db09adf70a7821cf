//! How often each rule is to be broken where weights are found.

use chorale::Rule;
use chorale::census::Census;

/// How far `ours` breaks a rule from as often as it is to, in nats. A little is added to both, so that what is rare moves its
/// weight little.
pub fn off(rule: Rule, ours: &Census, bach: &Census) -> f32 {
    ((ours.rate(rule).0 + 0.1) / (aim(rule) * bach.rate(rule).0 + 0.1)).ln() as f32
}

/// The rate to reach, against Bach's. What goes wrong in Bach has its reasons, which the networks see only in part:
/// they had better do it less often. On other sopranos than these they move less than Bach. And Bach knew which held
/// note would go on and where a phrase would end: who doesn't had better have a chord under each that could be the last,
/// rest there, and lead to it by its dominant.
fn aim(rule: Rule) -> f64 {
    match rule {
        Rule::ParallelFifths | Rule::ParallelOctaves | Rule::BeatParallels => 0.5,
        Rule::Crossing | Rule::IncompleteTriad | Rule::SemitoneDissonance => 0.65,
        Rule::DirectFifthsOctaves | Rule::Overlap | Rule::DoubledLeadingTone => 0.8,
        Rule::UnresolvedSeventh | Rule::UnresolvedSuspension => 0.8,
        Rule::Unclassified | Rule::UnsettledHold | Rule::OpenHold => 0.6,
        Rule::PassingSemitoneDissonance | Rule::AloneSoprano | Rule::Stuck => 0.85,
        Rule::HalfBeat => 1.05,
        Rule::PhraseEndMotion | Rule::PhraseEndChord => 0.5,
        Rule::AuthenticCadence | Rule::CadentialDominant => 1.3,
        _ => 1.0,
    }
}
