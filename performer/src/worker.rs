//! Works out answer tables ahead of the playing. This is the only place of a live performance where the network runs.

use chorale::rules::Guard;
use chorale::{Chord, Phase};

use crate::answer::AnswerTable;
use crate::control::Wishes;
use crate::harmonizer::{Harmonizer, Sampling};
use crate::model::ModelError;
use crate::session::Report;

/// Follows a session through its [`Report`]s and gives the table that the session will need next.
///
/// The network's state is advanced only with chords that are final. Tables for the step after an unfinished one are
/// worked out on a copy, on the assumption that its chord stays.
pub struct Worker {
    first: Listener,
    /// Hears everything too, so that it can take over in the middle of a phrase.
    second: Option<Listener>,
    /// The last final chord.
    last: Chord,
    /// The report of the present step as it stands now; `None` before the first.
    report: Option<Report>,
}

/// A network that follows the playing.
struct Listener {
    /// As it was started.
    sampling: Sampling,
    /// Has heard every final chord but the last.
    heard: Harmonizer,
    /// `heard` after the last final chord too, ready to answer in the present step.
    ready: Harmonizer,
}

impl Worker {
    /// A worker before the first step, which stands at `phase`, and the table for that step. `second` answers while
    /// [`Wishes::second_model`] says so.
    pub fn new(
        first: Harmonizer,
        second: Option<Harmonizer>,
        phase: Phase,
    ) -> Result<(Worker, AnswerTable), ModelError> {
        let first = Listener::new(first, phase)?;
        let second = second.map(|second| Listener::new(second, phase)).transpose()?;
        let table = AnswerTable { number: 0, step: 0, after: Chord::START, chords: first.ready.clone().answers()? };
        Ok((Worker { first, second, last: Chord::START, report: None }, table))
    }

    /// Takes note of what was played. Cheap as long as the step is the same.
    pub fn follow(&mut self, report: &Report) -> Result<(), ModelError> {
        let (step, chord) = self.report.map_or((0, None), |before| (before.step, before.chord));
        if report.step != step {
            for listener in [Some(&mut self.first), self.second.as_mut()].into_iter().flatten() {
                if chord.is_some() {
                    listener.heard = listener.ready.clone();
                }
                listener.ready = listener.heard.clone();
                listener.ready.step(report.previous, report.phases[0])?;
            }
        }
        self.last = report.previous;
        self.report = Some(*report);
        Ok(())
    }

    /// The table for the step after the present one; `None` before the first report.
    pub fn table(&self) -> Result<Option<AnswerTable>, ModelError> {
        let Some(report) = self.report else { return Ok(None) };
        let listener = match &self.second {
            Some(second) if report.wishes.second_model => second,
            _ => &self.first,
        };
        let (mut ahead, after) = match report.chord {
            Some(chord) => (listener.ready.clone(), chord),
            None => (listener.heard.clone(), self.last),
        };
        ahead.set_sampling(listener.wished(report.wishes));
        ahead.set_closing(report.wishes.cadence);
        ahead.step(after, report.phases[1])?;
        Ok(Some(AnswerTable { number: report.number, step: report.step + 1, after, chords: ahead.answers()? }))
    }
}

impl Listener {
    fn new(mut harmonizer: Harmonizer, phase: Phase) -> Result<Listener, ModelError> {
        harmonizer.reset();
        let mut ready = harmonizer.clone();
        ready.step(Chord::START, phase)?;
        Ok(Listener { sampling: harmonizer.sampling(), heard: harmonizer, ready })
    }

    fn wished(&self, wishes: Wishes) -> Sampling {
        let temperature = wishes.temperature.unwrap_or(self.sampling.temperature);
        let guard = match wishes.guard {
            Some(false) => Guard::OFF,
            // Switched on where it was started without.
            Some(true) if self.sampling.guard == Guard::OFF => Guard::LIVE,
            _ => self.sampling.guard,
        };
        Sampling { temperature, guard, ..self.sampling }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chorale::{Pitch, Token};

    use super::*;
    use crate::model::Model;

    fn harmonizer() -> Harmonizer {
        let model = Arc::new(Model::wavenet().unwrap());
        Harmonizer::new(model, Sampling { seed: 7, ..Sampling::default() })
    }

    fn phase(step: u64) -> Phase {
        Phase::in_bar(step as usize)
    }

    fn report(step: u64, previous: Chord, chord: Option<Chord>) -> Report {
        let phases = [phase(step), phase(step + 1)];
        Report { number: step + 1, step, previous, chord, phases, wishes: Wishes::default() }
    }

    fn soprano(midi: u8) -> usize {
        Token::from_pitch(Pitch::new(midi).unwrap()).unwrap().index()
    }

    #[test]
    fn tables_are_those_of_a_network_that_heard_exactly_the_final_chords() {
        let (mut worker, mut table) = Worker::new(harmonizer(), None, phase(0)).unwrap();
        let mut reference = harmonizer();
        let mut previous = Chord::START;
        for (step, key) in (0..).zip([67, 69, 71, 72, 72, 71, 69, 67, 66, 67]) {
            reference.step(previous, phase(step)).unwrap();
            assert_eq!(
                table,
                AnswerTable { number: step, step, after: previous, chords: reference.answers().unwrap() }
            );
            // An ornament first, thought better of within the step.
            for key in [key + 2, key] {
                let chord = table.chords[soprano(key)];
                worker.follow(&report(step, previous, Some(chord))).unwrap();
                assert_eq!(worker.table().unwrap().unwrap().after, chord);
            }
            previous = table.chords[soprano(key)];
            table = worker.table().unwrap().unwrap();
        }
    }

    #[test]
    fn in_a_silence_the_bar_goes_on_and_the_network_waits() {
        let (mut worker, table) = Worker::new(harmonizer(), None, phase(0)).unwrap();
        let chord = table.chords[soprano(67)];
        worker.follow(&report(0, Chord::START, Some(chord))).unwrap();
        for step in 1..=5 {
            worker.follow(&report(step, chord, None)).unwrap();
        }
        let mut reference = harmonizer();
        reference.step(Chord::START, phase(0)).unwrap();
        reference.step(chord, phase(6)).unwrap();
        let expected = AnswerTable { number: 6, step: 6, after: chord, chords: reference.answers().unwrap() };
        assert_eq!(worker.table().unwrap().unwrap(), expected);

        // The next note is answered from that table's step, and heard as the second.
        let second = expected.chords[soprano(69)];
        worker.follow(&report(6, chord, Some(second))).unwrap();
        reference.step(second, phase(7)).unwrap();
        assert_eq!(worker.table().unwrap().unwrap().chords, reference.answers().unwrap());
    }

    /// Three steps of the same chord have passed; the table wanted is that of the next beat, where much is possible.
    fn before_the_beat(second: Option<Harmonizer>) -> (Worker, Report, Chord) {
        let (mut worker, table) = Worker::new(harmonizer(), second, phase(0)).unwrap();
        let chord = table.chords[soprano(67)];
        for step in 0..3 {
            worker.follow(&report(step, if step == 0 { Chord::START } else { chord }, Some(chord))).unwrap();
        }
        (worker, report(3, chord, Some(chord)), chord)
    }

    fn reference(mut harmonizer: Harmonizer, chord: Chord) -> [Chord; Token::VOCABULARY] {
        for step in 0..=4 {
            harmonizer.step(if step == 0 { Chord::START } else { chord }, phase(step)).unwrap();
        }
        harmonizer.answers().unwrap()
    }

    #[test]
    fn the_second_network_takes_over_in_mid_phrase_and_knows_what_was_played() {
        let model = Arc::new(Model::lstm().unwrap());
        let lstm = Harmonizer::new(model, harmonizer().sampling());
        let (mut worker, report, chord) = before_the_beat(Some(lstm.clone()));
        worker.follow(&report).unwrap();
        let first = worker.table().unwrap().unwrap();
        worker.follow(&Report { wishes: Wishes { second_model: true, ..Wishes::default() }, ..report }).unwrap();
        let second = worker.table().unwrap().unwrap();
        assert_eq!(first.chords, reference(harmonizer(), chord));
        assert_eq!(second.chords, reference(lstm, chord));
        assert_ne!(first.chords, second.chords);
    }

    #[test]
    fn a_temperature_of_the_players_own_is_used_from_the_next_table_on() {
        let (mut worker, report, chord) = before_the_beat(None);
        let wishes = Wishes { temperature: Some(1.5), ..Wishes::default() };
        worker.follow(&Report { wishes, ..report }).unwrap();
        let mut bold = harmonizer();
        bold.set_sampling(Sampling { temperature: 1.5, ..bold.sampling() });
        let chords = worker.table().unwrap().unwrap().chords;
        assert_eq!(chords, reference(bold, chord));
        assert_ne!(chords, reference(harmonizer(), chord));
        worker.follow(&report).unwrap();
        assert_eq!(worker.table().unwrap().unwrap().chords, reference(harmonizer(), chord));
    }
}
