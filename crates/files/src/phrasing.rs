//! What a score says of how its notes are sung: breaths, slurs, dynamics, words of expression.

use std::collections::BTreeSet;

use crate::score::Tick;

/// The signs of a line besides its notes, words and fermatas. Every list is in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrasing {
    /// Where the notes begin after which a breath is taken or the line breaks off: a comma, a caesura.
    pub breaths: Vec<Tick>,
    /// Where the first and the last note under a slur begin.
    pub slurs: Vec<(Tick, Tick)>,
    /// Where the syllables stand that a line is drawn after: they are sung on the notes that follow, too.
    pub extenders: Vec<Tick>,
    pub expressions: Vec<(Tick, Expression)>,
}

/// Loudness and character, from a tick on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expression {
    /// `p`, `mf`, ...
    Dynamic(String),
    /// `dolce`, `ritardando`, ...
    Words(String),
    /// Getting louder, or else softer, until `end`.
    Hairpin { louder: bool, end: Tick },
}

impl Phrasing {
    /// What of it belongs to the notes that begin at `starts`.
    pub(crate) fn of_notes(&self, starts: &BTreeSet<Tick>) -> Phrasing {
        let begins = |tick: &Tick| starts.contains(tick);
        Phrasing {
            breaths: self.breaths.iter().copied().filter(begins).collect(),
            slurs: self.slurs.iter().copied().filter(|(first, last)| begins(first) && begins(last)).collect(),
            ..self.clone()
        }
    }

    /// As its lists promise to be.
    pub(crate) fn in_order(mut self) -> Phrasing {
        self.breaths.sort_unstable();
        self.breaths.dedup();
        self.slurs.sort_unstable();
        self.slurs.dedup();
        self.extenders.sort_unstable();
        self.extenders.dedup();
        self.expressions.sort();
        self.expressions.dedup();
        self
    }
}
