use crate::breaches::{Breaches, Past};
use crate::critic::{Critic, Trace};
use crate::rules::Rule;
use crate::sonority::is_good_ending;
use crate::{Chord, Key, Part};

/// How much each rule weighs when the next chord is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guard {
    /// Nats taken off a candidate's log-likelihood for each breach, by [`Rule::index`]; below zero: added.
    pub weights: [f32; Rule::COUNT],
    /// What is learned of our own playing besides.
    pub critic: Option<&'static Critic>,
}

impl Guard {
    /// Weighs nothing.
    pub const OFF: Guard = Guard { weights: [0.0; Rule::COUNT], critic: None };

    /// What its critic looks back on, at the beginning of a piece; `None` without a critic, since nobody asks then.
    pub fn trace(&self) -> Option<Trace> {
        self.critic.map(|_| Trace::default())
    }

    /// Nats taken off a chord's log-likelihood.
    pub fn cost(&self, breaches: &Breaches) -> f32 {
        self.weights.iter().zip(breaches).map(|(weight, &count)| weight * f32::from(count)).sum()
    }
}

/// Nats for a chord that no piece could end on, where one is to end: a likelihood of 1 in 8000, half as much again as
/// any rule may weigh (6, the limit of fit_critic), so that a chord to end on is chosen wherever the network knows one. This
/// and the next two are set by hand, not tuned.
const NO_ENDING_COST: f32 = 9.0;

/// Nats for an ending elsewhere than on the tonic of the piece so far, or, under a soprano that the tonic can't have, on the
/// dominant: less than [`NO_ENDING_COST`], since any ending is better than none.
const OFF_TONIC_COST: f32 = 4.0;

/// Nats for each part that leaves an ending once it is reached: two parts weigh as much as an ending off the tonic.
const MOVE_COST: f32 = 2.0;

/// While the player asks for a close: nats taken off for a chord that a piece could not end on, less for one elsewhere
/// than on the tonic, and for each part that leaves an ending, besides what the rules take off. Under a note before the
/// last, which the tonic can't have, the dominant prepares the close.
pub fn closing_cost(past: &Past, chord: Chord) -> f32 {
    let elsewhere = past.home().map_or(0.0, |key| elsewhere_cost(chord, key));
    if elsewhere > 0.0 { elsewhere } else { resting_cost(past, chord) }
}

/// For a chord that a piece could end on, but elsewhere than on the tonic or, where the soprano keeps it off, the dominant.
fn elsewhere_cost(chord: Chord, home: Key) -> f32 {
    let degree = |part: Part| chord[part].pitch().map(|pitch| home.degree(pitch.class()));
    let third = if home.minor { 3 } else { 4 };
    let root = if degree(Part::Soprano).is_none_or(|soprano| [0, third, 7].contains(&soprano)) { 0 } else { 7 };
    if is_good_ending(&chord.pitches()) && degree(Part::Bass) != Some(root) { OFF_TONIC_COST } else { 0.0 }
}

/// As [`closing_cost`] for the end of a phrase, which may lie on any degree.
fn resting_cost(past: &Past, chord: Chord) -> f32 {
    let (before, now) = (past.before(), chord.pitches());
    if !is_good_ending(&now) {
        return NO_ENDING_COST;
    }
    // A new soprano is a new chord.
    if !is_good_ending(&before) || before[0] != now[0] {
        return 0.0;
    }
    let moves = before.iter().zip(now).filter(|(before, now)| **before != *now);
    MOVE_COST * moves.count() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chorale, Phase};

    fn chords(rows: &str) -> Vec<Chord> {
        Chorale::from_csv(&format!("note0,note1,note2,note3\n{rows}")).unwrap().chords
    }

    #[test]
    fn a_guard_takes_off_its_weight_for_each_breach() {
        let mut past = Past::default();
        let [before, chord] = chords("72,67,64,48\n72,65,60,47\n")[..] else { panic!("two chords") };
        past.step(before, Phase::in_beat(2));
        let breaches = past.breaches(chord, Phase::in_beat(3));
        let mut guard = Guard::OFF;
        guard.weights[Rule::Sixteenth.index()] = 1.5;
        guard.weights[Rule::InnerThird.index()] = -0.5;
        assert_eq!(guard.cost(&breaches), 3.0 * 1.5 - 0.5);
        assert_eq!(Guard::OFF.cost(&breaches), 0.0);
    }

    #[test]
    fn closing_seeks_a_root_position_triad_and_stays_on_it() {
        let in_c_major = "72,67,64,48\n72,69,65,53\n71,67,62,55\n72,67,64,48\n";
        let cost = |rows: &str| {
            let chords = chords(&format!("{in_c_major}{rows}"));
            let (last, before) = chords.split_last().unwrap();
            let mut past = Past::default();
            before.iter().for_each(|&chord| past.step(chord, Phase::in_beat(0)));
            closing_cost(&past, *last)
        };
        assert!(cost("71,67,62,55\n72,67,64,52\n") > 0.0, "an inversion");
        assert_eq!(cost("71,67,62,53\n72,67,64,48\n"), 0.0, "the close itself");
        assert!(cost("71,67,62,53\n72,69,64,45\n") > 0.0, "a close on the sixth degree");
        assert_eq!(cost("72,67,64,48\n72,67,64,48\n"), 0.0, "staying on it");
        assert!(cost("72,67,64,48\n72,67,64,60\n") > 0.0, "leaving it for another good one");
    }
}
