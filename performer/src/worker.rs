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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chorale::{Pitch, Token};

    use super::*;
    use crate::harmonizer::Sampling;
    use crate::model::Model;

    fn harmonizer() -> Harmonizer {
        let model = Arc::new(Model::wavenet().unwrap());
        Harmonizer::new(model, Sampling { seed: 7, ..Sampling::default() })
    }

    fn soprano(midi: u8) -> usize {
        Token::from_pitch(Pitch::new(midi).unwrap()).unwrap().index()
    }

    #[test]
    fn tables_are_those_of_a_network_that_heard_exactly_the_final_chords() {
        let (mut worker, mut table) = Worker::new(harmonizer()).unwrap();
        let mut reference = harmonizer();
        let mut previous = Chord::START;
        for (step, key) in (0..).zip([67, 69, 71, 72, 72, 71, 69, 67, 66, 67]) {
            reference.step(previous, phase(step)).unwrap();
            assert_eq!(table, AnswerTable { step, after: previous, chords: reference.answers().unwrap() });
            // An ornament first, thought better of within the step.
            for key in [key + 2, key] {
                let chord = table.chords[soprano(key)];
                worker.follow(&Report { step, previous, chord: Some(chord) }).unwrap();
                assert_eq!(worker.table().unwrap().after, chord);
            }
            previous = table.chords[soprano(key)];
            table = worker.table().unwrap();
        }
    }

    #[test]
    fn in_a_silence_the_bar_goes_on_and_the_network_waits() {
        let (mut worker, table) = Worker::new(harmonizer()).unwrap();
        let chord = table.chords[soprano(67)];
        worker.follow(&Report { step: 0, previous: Chord::START, chord: Some(chord) }).unwrap();
        for step in 1..=5 {
            worker.follow(&Report { step, previous: chord, chord: None }).unwrap();
        }
        let mut reference = harmonizer();
        reference.step(Chord::START, phase(0)).unwrap();
        reference.step(chord, phase(6)).unwrap();
        let expected = AnswerTable { step: 6, after: chord, chords: reference.answers().unwrap() };
        assert_eq!(worker.table().unwrap(), expected);

        // The next note is answered from that table's step, and heard as the second.
        let second = expected.chords[soprano(69)];
        worker.follow(&Report { step: 6, previous: chord, chord: Some(second) }).unwrap();
        reference.step(second, phase(7)).unwrap();
        assert_eq!(worker.table().unwrap().chords, reference.answers().unwrap());
    }
}
