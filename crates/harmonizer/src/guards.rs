//! The guard's weights and critics for the shipped networks: models/guards.toml, models/*.critic.

use std::collections::HashMap;
use std::sync::LazyLock;

use chorale::critic::Critic;
use chorale::{Guard, Rule};
use network::{Architecture, Model};
use serde::Deserialize;

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

/// Set so that each network by itself does each thing about as often as Bach did in the validation chorales.
pub fn guard(architecture: Architecture, purpose: Purpose) -> Guard {
    Guard { critic: critic(architecture, purpose), ..GUARDS[purpose as usize][architecture as usize] }
}

/// What is learned of a network's own playing; of new chorales nothing is.
fn critic(architecture: Architecture, purpose: Purpose) -> Option<&'static Critic> {
    static CRITICS: [[LazyLock<Critic>; 2]; 2] = [
        [
            LazyLock::new(|| read(include_bytes!("../../../models/wavenet-live.critic"))),
            LazyLock::new(|| read(include_bytes!("../../../models/lstm-live.critic"))),
        ],
        [
            LazyLock::new(|| read(include_bytes!("../../../models/wavenet-ahead.critic"))),
            LazyLock::new(|| read(include_bytes!("../../../models/lstm-ahead.critic"))),
        ],
    ];
    fn read(bytes: &[u8]) -> Critic {
        Critic::from_bytes(bytes).expect("the critics in models are ours")
    }
    CRITICS.get(purpose as usize).map(|critics| &*critics[architecture as usize])
}

/// The critic with this [`Critic::fingerprint`], if it is one of ours.
pub fn critic_of(fingerprint: u64) -> Option<&'static Critic> {
    let all = [Purpose::Live, Purpose::Ahead]
        .into_iter()
        .flat_map(|purpose| [Architecture::Wavenet, Architecture::Lstm].map(|network| critic(network, purpose)));
    all.flatten().find(|critic| critic.fingerprint() == fingerprint)
}

/// The rules' weights for what a network is wanted for.
pub fn guard_for(model: &Model, purpose: Purpose) -> Guard {
    guard(model.architecture(), purpose)
}

/// By [`Purpose`] and [`Architecture`].
static GUARDS: LazyLock<[[Guard; 2]; 3]> = LazyLock::new(|| {
    let tables: Tables =
        toml::from_str(include_str!("../../../models/guards.toml")).expect("models/guards.toml is ours");
    [tables.live, tables.ahead, tables.new]
        .map(|table| [guard_in(&table, |weights| weights.wavenet), guard_in(&table, |weights| weights.lstm)])
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    live: Table,
    ahead: Table,
    new: Table,
}

/// By the rules' names.
type Table = HashMap<String, Weights>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    wavenet: f32,
    lstm: f32,
}

fn guard_in(table: &Table, weight: impl Fn(&Weights) -> f32) -> Guard {
    let mut guard = Guard::OFF;
    for rule in Rule::ALL {
        guard.weights[rule.index()] = table.get(rule.name()).map_or(0.0, &weight);
    }
    guard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_line_in_every_table_and_no_line_is_of_another() {
        let tables: Tables = toml::from_str(include_str!("../../../models/guards.toml")).unwrap();
        for table in [tables.live, tables.ahead, tables.new] {
            for rule in Rule::ALL {
                assert!(table.contains_key(rule.name()), "{}", rule.name());
            }
            assert_eq!(table.len(), Rule::COUNT);
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
