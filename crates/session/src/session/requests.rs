//! What the session asks of whoever works answer tables out, and what it has of them.

use std::collections::VecDeque;

use chorale::{Chord, Phase, Token};

use crate::answer::AnswerTable;
use crate::control::Overrides;

const REQUESTS: usize = 64;

/// What stands in the present step, for whoever prepares the next answer table.
///
/// The table wanted is that of `step + 1`, after `chord`, or after `previous` while nothing sounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableRequest {
    /// Counts requests from 1. The table that answers it has the same number.
    pub number: u64,
    /// Counts the steps that were begun, from 0.
    pub step: u64,
    /// The last chord that is final.
    pub previous: Chord,
    /// The present step's chord so far; `None` in a silence, which the network does not hear.
    pub chord: Option<Chord>,
    /// Where the present step stands in the bar, and where the next one will.
    pub phases: [Phase; 2],
    /// Steps before the present one that the clock went over, as one that goes by the keys does when the player is ahead:
    /// the last final chord went on in them.
    pub passed: usize,
    /// The bass that the player gives.
    pub bass: Option<Token>,
    /// The present step's table rests on another bass, or is missing: it is wanted too.
    pub is_present_void: bool,
    pub overrides: Overrides,
    /// Counts the songs that were begun: with each the networks begin anew, as if nothing had been played.
    pub restarts: u32,
}

/// Requests not yet taken, of each step the newest. When nobody takes them the oldest are forgotten.
pub struct Requests {
    queue: VecDeque<TableRequest>,
    count: u64,
}

impl Requests {
    pub fn new() -> Requests {
        Requests { queue: VecDeque::with_capacity(REQUESTS), count: 0 }
    }

    /// The number is given here.
    pub fn push(&mut self, request: TableRequest) {
        self.count += 1;
        if self.queue.back().is_some_and(|last| last.step == request.step) {
            self.queue.pop_back();
        } else if self.queue.len() == REQUESTS {
            self.queue.pop_front();
        }
        self.queue.push_back(TableRequest { number: self.count, ..request });
    }

    pub fn pop(&mut self) -> Option<TableRequest> {
        self.queue.pop_front()
    }
}

/// The answer tables at hand.
#[derive(Default)]
pub struct Tables {
    /// Answers for the present step, after the last final chord.
    pub present: Option<AnswerTable>,
    /// Answers for the step after, should the present chord stay as it is.
    pub next: Option<AnswerTable>,
    /// Whether the present chord was made without a table and will be remade when it arrives.
    pub awaited: Awaited,
}

/// How the parts go to an answer that comes late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Awaited {
    #[default]
    Nothing,
    /// A key or a step had no table.
    AtOnce,
    /// The player gave another bass.
    WithBass,
}

impl Tables {
    /// The present step has another chord now.
    pub fn keep_after(&mut self, chord: Chord) {
        self.next = self.next.filter(|table| table.after == chord);
    }

    /// The player gives another bass now, or none.
    pub fn keep_over(&mut self, bass: Option<Token>) {
        self.present = self.present.filter(|table| table.bass == bass);
        self.next = self.next.filter(|table| table.bass == bass);
    }

    /// Nothing of what was asked for fits any more.
    pub fn clear(&mut self) {
        *self = Tables::default();
    }

    pub fn enter_next_step(&mut self) {
        self.present = self.next.take();
        self.awaited = Awaited::Nothing;
    }
}
