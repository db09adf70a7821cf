//! How often each rule is to be broken where weights are found, and how they are written.

use anyhow::{Context, Result};
use chorale::Rule;
use chorale::census::Census;
use harmonizer::Purpose;

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

/// Nats by which the search's weights were moved by hand: after looks at forty tunes that are not Bach's, where it breaks these
/// rules more often than under his sopranos, and where its critic had moved the bass away from Bach's under the validation
/// sopranos (models/EXPERIMENTS.md).
pub fn by_hand(purpose: Purpose, rule: Rule) -> f32 {
    match rule {
        _ if purpose != Purpose::Ahead => 0.0,
        Rule::ParallelFifths | Rule::ParallelOctaves => 0.5,
        Rule::ForbiddenLeap | Rule::UnresolvedSuspension => 0.3,
        Rule::BassOctave => 0.25,
        Rule::UnresolvedSeventh | Rule::BassFourth => 0.2,
        Rule::Crossing | Rule::Spacing | Rule::DoubledLeadingTone => 0.15,
        Rule::TenorBassSpacing => 0.04,
        Rule::EighthBass => -0.12,
        _ => 0.0,
    }
}

/// Writes a weight of a network into a table of models/guards.toml, beside the other network's.
///
/// # Errors
/// A table without the rule; a network that it does not know.
pub fn set_weight(toml: &mut String, table: &str, rule: Rule, network: &str, weight: f32) -> Result<()> {
    let unknown = || format!("models/guards.toml has no {network} weight of {} in [{table}]", rule.name());
    let of_table = toml.find(&format!("[{table}]\n")).with_context(unknown)?;
    let line = toml[of_table..].find(&format!("\n{} = {{", rule.name())).with_context(unknown)? + of_table;
    let name = format!("{network} = ");
    let start = toml[line..].find(&name).with_context(unknown)? + line + name.len();
    let length = toml[start..].find([',', ' ']).with_context(unknown)?;
    toml.replace_range(start..start + length, &format!("{weight:.2}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_written_into_its_table_beside_the_other_networks() {
        let mut toml = "[live]\ncrossing = { wavenet = 0.07, lstm = 0.12 }\n\n[ahead]\ncrossing = { wavenet = 1.00, lstm = 2.00 }\n"
            .to_owned();
        set_weight(&mut toml, "ahead", Rule::Crossing, "wavenet", -0.5).unwrap();
        set_weight(&mut toml, "ahead", Rule::Crossing, "lstm", 0.125).unwrap();
        assert!(toml.starts_with("[live]\ncrossing = { wavenet = 0.07, lstm = 0.12 }\n"), "{toml}");
        assert!(toml.ends_with("[ahead]\ncrossing = { wavenet = -0.50, lstm = 0.12 }\n"), "{toml}");
        assert!(set_weight(&mut toml, "new", Rule::Crossing, "lstm", 0.0).is_err());
        assert!(set_weight(&mut toml, "live", Rule::Overlap, "lstm", 0.0).is_err());
    }
}
