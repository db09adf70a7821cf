//! Works out answer tables ahead of the playing. This is the only place of a live performance where the network runs.

use std::collections::VecDeque;

use chorale::{Chord, Guard, Key, Part, Phase, Token};

use harmonizer::{Harmonizer, Limits, Purpose, Sampling, StepRules, guard_for};
use network::ModelError;
use session::control::Overrides;
use session::{AnswerTable, Settings, TableRequest};

/// Follows a session through its [`TableRequest`]s and gives the table that the session will need next.
///
/// The network's state is advanced only with chords that are final. Tables for the step after an unfinished one are
/// worked out on a copy, on the assumption that its chord stays; where it did, the copy is kept.
pub struct Worker {
    first: Answerer,
    /// Hears everything too, so that it can take over in the middle of a phrase.
    second: Option<Answerer>,
    /// What a network that sleeps will hear when it wakes, the oldest first; `None` where none sleeps.
    missed: Option<VecDeque<Heard>>,
    /// What `present` has heard and `committed` has not.
    unsettled: Vec<Heard>,
    key: Option<Key>,
    /// The last final chord.
    last: Chord,
    /// Where the present step stands in the bar, and how many before it the clock went over.
    place: (Phase, usize),
    /// Songs that were begun.
    restarts: u32,
    /// The request of the present step as it stands now; `None` before the first.
    request: Option<TableRequest>,
}

/// Steps that a network which wakes hears at once: sixteen bars, in some 0.03 s.
const MEMORY: usize = 256;

/// A step as it was told to the networks.
#[derive(Clone, Copy, PartialEq)]
struct Heard {
    /// The chord before it.
    previous: Chord,
    phase: Phase,
    key: Option<Key>,
}

/// A network that follows the playing and answers it.
struct Answerer {
    is_awake: bool,
    /// As it was started.
    sampling: Sampling,
    /// Has heard every final chord but the last.
    committed: Harmonizer,
    /// `committed` after the last final chord too, ready to answer in the present step.
    present: Harmonizer,
    /// One of the two a step later, as `foreseen` says.
    ahead: Harmonizer,
    /// `None` where `ahead` is of no use.
    foreseen: Option<Foreseen>,
}

/// What a network looked ahead to.
struct Foreseen {
    /// After `present`, otherwise after `committed`, since nothing sounds.
    after_present: bool,
    step: Heard,
    /// The answers there, and the rules that they keep to.
    answers: [Chord; Token::VOCABULARY],
    rules: StepRules,
}

impl Worker {
    /// A worker before the first step of a session that is set up so, and the table for that step. `second` answers while
    /// [`Overrides::second_model`] says so.
    pub fn new(
        first: Harmonizer,
        second: Option<Harmonizer>,
        settings: &Settings,
    ) -> Result<(Worker, AnswerTable), ModelError> {
        let (phase, key) = (settings.first_phase(), settings.key);
        let first = Answerer::new(first, phase, key)?;
        let second = second.map(|second| Answerer::new(second, phase, key)).transpose()?;
        let chords = first.present.clone().answers()?;
        let table = AnswerTable { number: 0, is_present: false, step: 0, after: Chord::START, bass: None, chords };
        let worker = Worker {
            first,
            second,
            missed: None,
            unsettled: vec![Heard { previous: Chord::START, phase, key }],
            key,
            last: Chord::START,
            place: (phase, 0),
            restarts: 0,
            request: None,
        };
        Ok((worker, table))
    }

    /// Of two networks the one that isn't wanted hears nothing, until it is; then it hears the last sixteen bars at once.
    /// Where many play side by side this saves a quarter of the work.
    #[must_use]
    pub fn with_one_asleep(mut self) -> Worker {
        if let Some(second) = &mut self.second {
            second.is_awake = false;
            self.missed = Some(VecDeque::with_capacity(MEMORY));
        }
        self
    }

    /// Takes note of what was played. Cheap as long as the step and its place in the bar are the same. What the networks
    /// have heard after it depends on the last request of each step alone: of those that came before in the same step some
    /// may never have reached us.
    pub fn follow(&mut self, request: &TableRequest) -> Result<(), ModelError> {
        if request.restarts == self.restarts {
            self.hear(request)?;
        } else {
            self.begin_anew(request)?;
        }
        self.last = request.previous;
        self.request = Some(*request);
        self.wake(request.overrides.second_model)
    }

    fn begin_anew(&mut self, request: &TableRequest) -> Result<(), ModelError> {
        let (phase, key) = (request.phases[0], request.overrides.key);
        self.restarts = request.restarts;
        self.place = (phase, request.passed);
        self.key = key;
        if let Some(missed) = &mut self.missed {
            missed.clear();
        }
        self.unsettled = vec![Heard { previous: Chord::START, phase, key }];
        for answerer in self.awake() {
            answerer.begin_anew(phase, key)?;
        }
        Ok(())
    }

    fn hear(&mut self, request: &TableRequest) -> Result<(), ModelError> {
        let (step, chord) = self.request.map_or((0, None), |before| (before.step, before.chord));
        let is_new = request.step != step;
        let place = (request.phases[0], request.passed);
        if is_new || place != self.place {
            let is_settled = is_new && chord.is_some();
            if let Some(missed) = self.missed.as_mut().filter(|_| is_settled) {
                missed.extend(&self.unsettled);
                missed.drain(..missed.len().saturating_sub(MEMORY));
            }
            let steps = (0..=request.passed).rev().map(|passed| request.phases[0].before(passed));
            let key = self.key;
            self.unsettled = steps.map(|phase| Heard { previous: request.previous, phase, key }).collect();
            let unsettled = std::mem::take(&mut self.unsettled);
            for answerer in self.awake() {
                answerer.enter(&unsettled, is_settled)?;
            }
            self.unsettled = unsettled;
        }
        self.place = place;
        self.key = request.overrides.key;
        for answerer in self.awake() {
            answerer.set_key(request.overrides.key);
        }
        Ok(())
    }

    fn awake(&mut self) -> impl Iterator<Item = &mut Answerer> {
        [Some(&mut self.first), self.second.as_mut()].into_iter().flatten().filter(|answerer| answerer.is_awake)
    }

    /// Tells the network that is wanted what it slept through, and lets the other one sleep.
    fn wake(&mut self, is_second: bool) -> Result<(), ModelError> {
        let (Some(second), Some(missed)) = (&mut self.second, &self.missed) else { return Ok(()) };
        let (wanted, other) = if is_second { (second, &mut self.first) } else { (&mut self.first, second) };
        if !wanted.is_awake {
            wanted.committed.reset();
            for &Heard { previous, phase, key } in missed {
                wanted.committed.set_key(key);
                wanted.committed.step(previous, phase)?;
            }
            wanted.foreseen = None;
            wanted.enter(&self.unsettled, false)?;
            wanted.set_key(self.key);
            (wanted.is_awake, other.is_awake) = (true, false);
        }
        Ok(())
    }

    /// The table for the step after the present one; `None` before the first request.
    pub fn table(&mut self) -> Result<Option<AnswerTable>, ModelError> {
        let Some(request) = self.request else { return Ok(None) };
        let (after, phase, key) = (request.chord.unwrap_or(self.last), request.phases[1], self.key);
        let ahead = Heard { previous: after, phase, key };
        let chords = self.answerer(&request).answers_ahead(ahead, request.chord.is_some(), &request)?;
        let (number, step, bass) = (request.number, request.step + 1, request.bass);
        Ok(Some(AnswerTable { number, is_present: false, step, after, bass, chords }))
    }

    /// The table for the present step over the bass that is given now; `None` where the session has it.
    pub fn present_table(&mut self) -> Result<Option<AnswerTable>, ModelError> {
        let Some(request) = self.request.filter(|request| request.is_present_void) else { return Ok(None) };
        let answerer = self.answerer(&request);
        let chords = answerer.present.answers_by(&answerer.rules(&request))?;
        let TableRequest { number, step, bass, .. } = request;
        Ok(Some(AnswerTable { number, is_present: true, step, after: self.last, bass, chords }))
    }

    fn answerer(&mut self, request: &TableRequest) -> &mut Answerer {
        match &mut self.second {
            Some(second) if request.overrides.second_model => second,
            _ => &mut self.first,
        }
    }
}

impl Answerer {
    fn new(harmonizer: Harmonizer, phase: Phase, key: Option<Key>) -> Result<Answerer, ModelError> {
        let [present, ahead] = [harmonizer.clone(), harmonizer.clone()];
        let sampling = harmonizer.sampling();
        let mut answerer = Answerer { is_awake: true, sampling, committed: harmonizer, present, ahead, foreseen: None };
        answerer.begin_anew(phase, key)?;
        Ok(answerer)
    }

    /// As before the first step.
    fn begin_anew(&mut self, phase: Phase, key: Option<Key>) -> Result<(), ModelError> {
        self.committed.reset();
        self.committed.set_key(key);
        self.foreseen = None;
        self.enter(&[Heard { previous: Chord::START, phase, key }], false)
    }

    /// The present step is another one; `is_settled`: what it was before is final.
    fn enter(&mut self, steps: &[Heard], is_settled: bool) -> Result<(), ModelError> {
        let foreseen = self.foreseen.take();
        let is_foreseen = foreseen.is_some_and(|seen| seen.after_present == is_settled && steps == [seen.step]);
        if is_settled {
            std::mem::swap(&mut self.committed, &mut self.present);
        }
        if is_foreseen {
            std::mem::swap(&mut self.present, &mut self.ahead);
            self.ahead.take_memory_of(&mut self.present);
            return Ok(());
        }
        self.present.clone_from(&self.committed);
        for &Heard { previous, phase, key } in steps {
            self.present.set_key(key);
            self.present.step(previous, phase)?;
        }
        Ok(())
    }

    fn set_key(&mut self, key: Option<Key>) {
        self.foreseen = self.foreseen.take().filter(|foreseen| foreseen.step.key == key);
        self.committed.set_key(key);
        self.present.set_key(key);
    }

    /// The answers in a step to come. What is there already from an earlier request of the same step is taken again.
    fn answers_ahead(
        &mut self,
        step: Heard,
        after_present: bool,
        request: &TableRequest,
    ) -> Result<[Chord; Token::VOCABULARY], ModelError> {
        let rules = self.rules(request);
        let foreseen = self.foreseen.take().filter(|seen| seen.after_present == after_present && seen.step == step);
        if foreseen.is_none() {
            self.ahead.clone_from(if after_present { &self.present } else { &self.committed });
            self.ahead.step(step.previous, step.phase)?;
        }
        let answers = match foreseen {
            Some(Foreseen { answers, rules: kept_to, .. }) if kept_to == rules => answers,
            _ => self.ahead.answers_by(&rules)?,
        };
        self.foreseen = Some(Foreseen { after_present, step, answers, rules });
        Ok(answers)
    }

    /// What its answers have to keep to in that step.
    fn rules(&self, request: &TableRequest) -> StepRules {
        let mut limits = Limits::default();
        limits.ranges = request.overrides.ranges.unwrap_or(limits.ranges);
        limits.kept[Part::Bass.index()] = request.bass;
        StepRules { sampling: self.sampling(request.overrides), limits, is_closing: request.overrides.cadence }
    }

    fn sampling(&self, overrides: Overrides) -> Sampling {
        let temperature = overrides.temperature.unwrap_or(self.sampling.temperature);
        let guard = match overrides.guard {
            Some(false) => Guard::OFF,
            // Switched on where it was started without.
            Some(true) if self.sampling.guard == Guard::OFF => guard_for(self.committed.model(), Purpose::Live),
            _ => self.sampling.guard,
        };
        let seed = overrides.seed.unwrap_or(self.sampling.seed);
        Sampling { temperature, seed, guard, ..self.sampling }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chorale::{Pitch, Token};
    use proptest::prelude::*;

    use super::*;
    use network::Model;
    use session::clock::{self, ClockSource, Time};
    use session::{Below, KeyboardSplit, Session};

    fn harmonizer() -> Harmonizer {
        let model = Arc::new(Model::wavenet().unwrap());
        Harmonizer::new(model, Sampling { seed: 7, ..Sampling::default() })
    }

    /// At 240 beats a minute and 1000 units a second, from a downbeat.
    fn settings() -> Settings {
        Settings::new(clock::Settings { source: ClockSource::Strict, rate: 1000.0, tempo: 240.0, first: 0 })
    }

    fn phase(step: u64) -> Phase {
        Phase::in_bar(step as usize)
    }

    fn request(step: u64, previous: Chord, chord: Option<Chord>) -> TableRequest {
        let phases = [phase(step), phase(step + 1)];
        let (bass, is_present_void) = (None, false);
        TableRequest {
            number: step + 1,
            step,
            previous,
            chord,
            phases,
            passed: 0,
            bass,
            is_present_void,
            overrides: Overrides::default(),
            restarts: 0,
        }
    }

    fn soprano(midi: u8) -> usize {
        Token::from_pitch(Pitch::new(midi).unwrap()).unwrap().index()
    }

    #[test]
    fn tables_are_those_of_a_network_that_heard_exactly_the_final_chords() {
        let (mut worker, mut table) = Worker::new(harmonizer(), None, &settings()).unwrap();
        let mut reference = harmonizer();
        let mut previous = Chord::START;
        for (step, key) in (0..).zip([67, 69, 71, 72, 72, 71, 69, 67, 66, 67]) {
            reference.step(previous, phase(step)).unwrap();
            let chords = reference.answers().unwrap();
            let expected = AnswerTable { number: step, is_present: false, step, after: previous, bass: None, chords };
            assert_eq!(table, expected);
            // An ornament first, thought better of within the step.
            for key in [key + 2, key] {
                let chord = table.chords[soprano(key)];
                worker.follow(&request(step, previous, Some(chord))).unwrap();
                assert_eq!(worker.table().unwrap().unwrap().after, chord);
            }
            previous = table.chords[soprano(key)];
            table = worker.table().unwrap().unwrap();
        }
    }

    #[test]
    fn in_a_silence_the_bar_goes_on_and_the_network_waits() {
        let (mut worker, table) = Worker::new(harmonizer(), None, &settings()).unwrap();
        let chord = table.chords[soprano(67)];
        worker.follow(&request(0, Chord::START, Some(chord))).unwrap();
        for step in 1..=5 {
            worker.follow(&request(step, chord, None)).unwrap();
        }
        let mut reference = harmonizer();
        reference.step(Chord::START, phase(0)).unwrap();
        reference.step(chord, phase(6)).unwrap();
        let chords = reference.answers().unwrap();
        let expected = AnswerTable { number: 6, is_present: false, step: 6, after: chord, bass: None, chords };
        assert_eq!(worker.table().unwrap().unwrap(), expected);

        // The next note is answered from that table's step, and heard as the second.
        let second = expected.chords[soprano(69)];
        worker.follow(&request(6, chord, Some(second))).unwrap();
        reference.step(second, phase(7)).unwrap();
        assert_eq!(worker.table().unwrap().unwrap().chords, reference.answers().unwrap());
    }

    #[test]
    fn steps_that_the_clock_went_over_are_heard_as_the_last_chord_going_on() {
        let (mut worker, table) = Worker::new(harmonizer(), None, &settings()).unwrap();
        let chord = table.chords[soprano(67)];
        worker.follow(&request(0, Chord::START, Some(chord))).unwrap();
        // The second key is taken for the fifth step first, then for the fourth.
        let jump = |position: u64| TableRequest {
            phases: [phase(position), phase(position + 1)],
            passed: position as usize - 1,
            ..request(1, chord, Some(chord))
        };
        worker.follow(&jump(4)).unwrap();
        worker.follow(&jump(3)).unwrap();
        let table = worker.table().unwrap().unwrap();
        assert_eq!((table.step, table.chords), (2, reference(harmonizer(), chord)), "as if no step were missing");
    }

    /// Three steps of the same chord have passed; the table wanted is that of the next beat, where much is possible.
    fn before_the_beat(second: Option<Harmonizer>) -> (Worker, TableRequest, Chord) {
        let (mut worker, table) = Worker::new(harmonizer(), second, &settings()).unwrap();
        let chord = table.chords[soprano(67)];
        for step in 0..3 {
            worker.follow(&request(step, if step == 0 { Chord::START } else { chord }, Some(chord))).unwrap();
        }
        (worker, request(3, chord, Some(chord)), chord)
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
        let (mut worker, request, chord) = before_the_beat(Some(lstm.clone()));
        worker.follow(&request).unwrap();
        let first = worker.table().unwrap().unwrap();
        worker
            .follow(&TableRequest { overrides: Overrides { second_model: true, ..Overrides::default() }, ..request })
            .unwrap();
        let second = worker.table().unwrap().unwrap();
        assert_eq!(first.chords, reference(harmonizer(), chord));
        assert_eq!(second.chords, reference(lstm, chord));
        assert_ne!(first.chords, second.chords);
    }

    #[test]
    fn a_network_that_slept_answers_as_one_that_listened() {
        let lstm = || Harmonizer::new(Arc::new(Model::lstm().unwrap()), harmonizer().sampling());
        let (listening, mut table) = Worker::new(harmonizer(), Some(lstm()), &settings()).unwrap();
        let asleep = Worker::new(harmonizer(), Some(lstm()), &settings()).unwrap().0.with_one_asleep();
        let mut workers = [listening, asleep];
        let mut previous = Chord::START;
        // A key is told in mid-phrase, a silence passes, and the networks take turns.
        for (step, key) in (0..).zip([67, 69, 71, 72, 0, 0, 72, 71, 69, 67, 66, 67, 67, 69]) {
            let overrides = Overrides {
                second_model: matches!(step, 5..8 | 11..),
                key: (step > 2).then(|| "G major".parse().unwrap()),
                ..Overrides::default()
            };
            let chord = (key > 0).then(|| table.chords[soprano(key)]);
            let request = TableRequest { overrides, ..request(step, previous, chord) };
            let tables = workers.each_mut().map(|worker| {
                worker.follow(&request).unwrap();
                worker.table().unwrap().unwrap()
            });
            assert_eq!(tables[0], tables[1], "after step {step}");
            table = tables[0];
            previous = chord.unwrap_or(previous);
        }
    }

    #[test]
    fn a_temperature_of_the_players_own_is_used_from_the_next_table_on() {
        let (mut worker, request, chord) = before_the_beat(None);
        let overrides = Overrides { temperature: Some(1.5), ..Overrides::default() };
        worker.follow(&TableRequest { overrides, ..request }).unwrap();
        let bold = Harmonizer::new(
            Arc::new(Model::wavenet().unwrap()),
            Sampling { temperature: 1.5, ..harmonizer().sampling() },
        );
        let chords = worker.table().unwrap().unwrap().chords;
        assert_eq!(chords, reference(bold, chord));
        assert_ne!(chords, reference(harmonizer(), chord));
        worker.follow(&request).unwrap();
        assert_eq!(worker.table().unwrap().unwrap().chords, reference(harmonizer(), chord));
    }

    #[test]
    fn with_a_new_song_the_networks_begin_anew_in_the_ranges_of_that_song() {
        let (mut worker, before, _) = before_the_beat(None);
        let usual = before.overrides;
        let ranges = Part::ALL.map(|part| if part == Part::Bass { (pitch(48), pitch(60)) } else { part.range() });
        let request = TableRequest {
            previous: Chord::START,
            chord: None,
            is_present_void: true,
            restarts: 1,
            overrides: Overrides { ranges: Some(ranges), ..usual },
            ..request(4, Chord::START, None)
        };
        worker.follow(&request).unwrap();
        let [present, next] = [worker.present_table().unwrap().unwrap(), worker.table().unwrap().unwrap()];
        let mut fresh = harmonizer();
        let mut rules = fresh.rules();
        rules.limits.ranges = ranges;
        for (table, step) in [(present, 4), (next, 5)] {
            fresh.reset();
            fresh.step(Chord::START, phase(step)).unwrap();
            assert_eq!(
                (table.step, table.after, table.chords),
                (step, Chord::START, fresh.answers_by(&rules).unwrap())
            );
            assert!(table.chords.iter().all(|chord| chord[Part::Bass].pitch().is_none_or(|bass| bass >= pitch(48))));
        }
    }

    fn pitch(midi: u8) -> Pitch {
        Pitch::new(midi).unwrap()
    }

    /// What binds a harmonizer whose bass is given.
    fn over(harmonizer: &Harmonizer, bass: Option<Token>) -> StepRules {
        let mut rules = harmonizer.rules();
        rules.limits.kept[Part::Bass.index()] = bass;
        rules
    }

    #[test]
    fn over_a_given_bass_both_tables_are_those_of_a_network_that_has_no_choice_there() {
        let (mut worker, before, chord) = before_the_beat(None);
        let bass = Token::from_pitch(Pitch::new(45).unwrap());
        worker.follow(&TableRequest { bass, is_present_void: true, ..before }).unwrap();
        let [present, next] = [worker.present_table().unwrap().unwrap(), worker.table().unwrap().unwrap()];
        assert_eq!((present.step, present.after, present.bass), (3, chord, bass));
        assert_eq!((next.step, next.after, next.bass), (4, chord, bass));
        let mut reference = harmonizer();
        let rules = over(&reference, bass);
        for step in 0..=4 {
            reference.step(if step == 0 { Chord::START } else { chord }, phase(step)).unwrap();
            if step == 3 {
                assert_eq!(present.chords, reference.answers_by(&rules).unwrap());
            }
        }
        assert_eq!(next.chords, reference.answers_by(&rules).unwrap());
        assert!(next.chords.iter().all(|chord| Some(chord[Part::Bass]) == bass));
        worker.follow(&before).unwrap();
        assert_eq!(worker.present_table().unwrap(), None);
        assert_ne!(worker.table().unwrap().unwrap().chords, next.chords, "the network chooses again");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Through a real session.
        #[test]
        fn whatever_is_played_the_next_table_is_that_of_a_network_that_hears_it_anew(
            keys in prop::collection::vec((20u64..900, 60u8..82, 30u64..800, prop::option::of(36u8..60)), 1..12),
        ) {
            let mut settings = settings();
            settings.split = Some(KeyboardSplit { key: 60, channel: 4, below: Below::Bass });
            let mut session = Session::new(settings);
            let (mut worker, first) = Worker::new(harmonizer(), None, &settings).unwrap();
            session.table(0, &first);
            let (mut played, mut last): (Vec<(u64, Phase, Chord)>, Option<TableRequest>) = (Vec::new(), None);
            let mut work = |session: &mut Session, now: Time| {
                while let Some(request) = session.next_request() {
                    worker.follow(&request).unwrap();
                    played.retain(|(step, ..)| *step != request.step);
                    played.extend(request.chord.map(|chord| (request.step, request.phases[0], chord)));
                    last = Some(request);
                    for table in [worker.present_table().unwrap(), worker.table().unwrap()].into_iter().flatten() {
                        session.table(now, &table);
                    }
                }
            };
            let (mut events, mut at): (Vec<(Time, [u8; 3])>, Time) = (Vec::new(), 0);
            for (wait, key, length, bass) in keys {
                at += wait;
                for key in [Some(key), bass].into_iter().flatten() {
                    events.extend([(at, [0x90, key, 80]), (at + length, [0x80, key, 0])]);
                }
            }
            events.sort();
            for (at, bytes) in events {
                while let Some(due) = session.due().filter(|&due| due < at) {
                    session.advance(due);
                    work(&mut session, due);
                }
                session.midi(at, &bytes);
                work(&mut session, at);
            }
            let request = last.expect("something was played");
            let mut anew = harmonizer();
            let mut before = Chord::START;
            for (_, phase, chord) in played {
                anew.step(before, phase).unwrap();
                before = chord;
            }
            anew.step(before, request.phases[1]).unwrap();
            let rules = over(&anew, request.bass);
            prop_assert_eq!(worker.table().unwrap().unwrap().chords, anew.answers_by(&rules).unwrap());
        }
    }
}
