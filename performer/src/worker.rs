//! Works out answer tables ahead of the playing. This is the only place of a live performance where the network runs.

use chorale::{Chord, Phase};

use crate::answer::AnswerTable;
use crate::harmonizer::Harmonizer;
use crate::model::ModelError;
use crate::session::Report;

/// Follows a session through its [`Report`]s and gives the table that the session will need next.
///
/// The network's state is advanced only with chords that are final. Tables for the step after an unfinished one are
/// worked out on a copy, on the assumption that its chord stays.
pub struct Worker {
    /// Has heard every final chord but the last.
    heard: Harmonizer,
    /// The last final chord.
    last: Chord,
    /// `heard` after `last` too, ready to answer in the present step.
    ready: Harmonizer,
    /// The present step, and its chord so far.
    step: u64,
    chord: Option<Chord>,
}

impl Worker {
    /// A worker before the first step, and the table for that step.
    pub fn new(mut harmonizer: Harmonizer) -> Result<(Worker, AnswerTable), ModelError> {
        harmonizer.reset();
        let mut ready = harmonizer.clone();
        ready.step(Chord::START, phase(0))?;
        let first = AnswerTable { step: 0, after: Chord::START, chords: ready.answers()? };
        Ok((Worker { heard: harmonizer, last: Chord::START, ready, step: 0, chord: None }, first))
    }

    /// Takes note of what was played. Cheap as long as the step is the same.
    pub fn follow(&mut self, report: &Report) -> Result<(), ModelError> {
        if report.step != self.step {
            if self.chord.is_some() {
                self.heard = self.ready.clone();
            }
            self.ready = self.heard.clone();
            self.ready.step(report.previous, phase(report.step))?;
        }
        self.last = report.previous;
        self.step = report.step;
        self.chord = report.chord;
        Ok(())
    }

    /// The table for the step after the present one.
    pub fn table(&self) -> Result<AnswerTable, ModelError> {
        let step = self.step + 1;
        let (mut ahead, after) = match self.chord {
            Some(chord) => (self.ready.clone(), chord),
            None => (self.heard.clone(), self.last),
        };
        ahead.step(after, phase(step))?;
        Ok(AnswerTable { step, after, chords: ahead.answers()? })
    }
}

fn phase(step: u64) -> Phase {
    Phase::in_bar((step % Phase::STEPS_PER_BAR as u64) as usize)
}
