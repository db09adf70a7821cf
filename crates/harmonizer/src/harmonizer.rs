//! From a context to a chord: whole voicings are weighed by the network and the guard, and one is drawn.

use std::ops::Range;
use std::sync::Arc;

use arithmetic::larger;
use chorale::critic::Trace;
use chorale::phrase_tracker::Prospect;
use chorale::{Chord, GivenChord, Guard, Key, Part, Past, Phase, Pitch, Token, closing_cost, lacks_third};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::bound;
use crate::sampling::{Sampling, draw, log_softmax};
use crate::search::goals;
use network::{Context, Model, ModelError, Row, State};

/// A chord that could sound in the present step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub chord: Chord,
    /// Of the lower parts given the soprano, in nats.
    pub log_likelihood: f32,
    /// What the guard takes off, in nats.
    pub cost: f32,
}

impl Candidate {
    pub fn score(&self) -> f32 {
        self.log_likelihood - self.cost
    }

    /// `prospect` is that under its soprano.
    pub(crate) fn judge(
        &mut self,
        (past, trace): (&Past, Option<&Trace>),
        phase: Phase,
        prospect: Prospect,
        rules: &StepRules,
    ) {
        let StepRules { sampling: Sampling { guard, .. }, limits, is_closing } = rules;
        self.cost = guard.cost(&past.breaches_expecting(self.chord, phase, prospect));
        if let Some((critic, trace)) = guard.critic.zip(trace) {
            self.cost -= critic.worth(trace, past, self.chord, phase, prospect);
        }
        let heard = limits.heard(self.chord);
        if limits.silent.is_some() {
            self.cost += if lacks_third(&heard.pitches()) { HOLLOW_COST } else { 0.0 };
        }
        if *is_closing || *guard != Guard::OFF && past.is_likely_end(self.chord) {
            self.cost += closing_cost(past, heard);
        }
    }
}

/// Nats taken off a chord that lacks its third without the part that nobody sings: a full chord is chosen instead where
/// the network holds it for at least a twentieth (e to the -3) as likely. Chosen, not tuned: Bach left no trios to count.
const HOLLOW_COST: f32 = 3.0;

/// What binds the choice of one step's chord.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRules {
    pub sampling: Sampling,
    pub limits: Limits,
    /// Whether a chord to end on is sought, and kept.
    pub is_closing: bool,
}

/// What can be sung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lowest and highest pitch of each part, by [`Part::index`]: under a sounding soprano a part sings, and nothing
    /// beyond them. They span an octave or more within the vocabulary.
    pub ranges: [(Pitch, Pitch); 4],
    /// Parts that are given already, whatever the network thinks of them.
    pub kept: [Option<Token>; 4],
    /// A part that nobody sings. It is chosen all the same, since the networks know four parts, but the others must make
    /// sense without it.
    pub silent: Option<Part>,
    /// A chord of which the lower parts sing, as far as they are not kept.
    pub chord: Option<GivenChord>,
}

impl Limits {
    /// The chord without the part that nobody sings.
    pub(crate) fn heard(&self, mut chord: Chord) -> Chord {
        if let Some(silent) = self.silent {
            chord[silent] = Token::REST;
        }
        chord
    }
}

impl Default for Limits {
    /// Nothing that Bach's singers never had to sing. The networks give it little, but a long performance would meet it.
    fn default() -> Limits {
        Limits { ranges: Part::ALL.map(Part::range), kept: [None; 4], silent: None, chord: None }
    }
}

/// The beam that finds the likeliest voicings: of each soprano's partial voicings at most so many are kept after each
/// part, and none less likely than this share of the likeliest. The guard can then choose among what the network
/// holds for possible, and nothing else.
const BEAM: [usize; 3] = [8, 16, 32];
const BEAM_SHARE: f32 = 1e-3;
/// Sopranos among which a new chorale chooses.
const SOPRANOS: usize = 8;

/// A model, where it stands in a piece, and how it draws. A clone can try a step and be thrown away.
pub struct Harmonizer {
    model: Arc<Model>,
    sampling: Sampling,
    state: State,
    past: Past,
    trace: Option<Trace>,
    /// Steps begun so far, the phase of the present one, and the chord before it.
    steps: u64,
    phase: Phase,
    before: Chord,
    /// The key, if somebody has told it.
    home: Option<Key>,
    /// Of the present step, once there is one.
    context: Context,
}

impl Clone for Harmonizer {
    fn clone(&self) -> Harmonizer {
        let model = Arc::clone(&self.model);
        let (state, past, context) = (self.state.clone(), self.past.clone(), self.context.clone());
        Harmonizer { model, state, past, trace: self.trace.clone(), context, ..*self }
    }

    /// Takes hardly any new memory where both are of one network.
    fn clone_from(&mut self, other: &Harmonizer) {
        let Harmonizer { model, sampling, state, past, trace, steps, phase, before, home, context } = self;
        model.clone_from(&other.model);
        state.clone_from(&other.state);
        past.clone_from(&other.past);
        trace.clone_from(&other.trace);
        context.clone_from(&other.context);
        (*sampling, *steps, *phase) = (other.sampling, other.steps, other.phase);
        (*before, *home) = (other.before, other.home);
    }
}

impl Harmonizer {
    pub fn new(model: Arc<Model>, sampling: Sampling) -> Harmonizer {
        let state = model.start();
        Harmonizer {
            model,
            sampling,
            state,
            past: Past::default(),
            trace: sampling.guard.trace(),
            steps: 0,
            phase: Phase::in_bar(0),
            before: Chord::START,
            home: None,
            context: Context::default(),
        }
    }

    /// Tells the key, from now on; `None` goes back to what is heard. It counts in the first steps above all, as long as
    /// nobody else can know it.
    pub fn set_key(&mut self, key: Option<Key>) {
        if self.home != key {
            self.home = key;
            self.past.set_home(key);
        }
    }

    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What binds a step where nothing else is asked for: its own sampling, a choir's ranges.
    pub fn rules(&self) -> StepRules {
        StepRules { sampling: self.sampling, limits: Limits::default(), is_closing: false }
    }

    /// Works from now on in the memory in which another one has worked.
    pub fn take_memory_of(&mut self, other: &mut Harmonizer) {
        self.context.take_memory_of(&mut other.context);
    }

    pub fn reset(&mut self) {
        let key = self.home;
        *self = Harmonizer::new(Arc::clone(&self.model), self.sampling);
        self.set_key(key);
    }

    /// Feeds the chord of the step before ([`Chord::START`] before the first) and readies the answers for the step at
    /// `phase`.
    ///
    /// # Errors
    /// When the network fails.
    pub fn step(&mut self, before: Chord, phase: Phase) -> Result<(), ModelError> {
        self.model.step(&mut [&mut self.state], &[before], phase, &mut self.context)?;
        if before != Chord::START {
            self.past.step(before, self.phase);
            if let Some(trace) = &mut self.trace {
                trace.step(before, self.phase);
            }
        }
        self.phase = phase;
        self.before = before;
        self.steps += 1;
        Ok(())
    }

    /// The chord under `soprano` in the present step.
    ///
    /// # Errors
    /// When the network fails, or before the first [`Harmonizer::step`].
    pub fn answer(&mut self, soprano: Token) -> Result<Chord, ModelError> {
        self.answer_by(soprano, &self.rules())
    }

    /// [`Harmonizer::answer`] by other rules than its own.
    ///
    /// # Errors
    /// As there.
    pub fn answer_by(&mut self, soprano: Token, rules: &StepRules) -> Result<Chord, ModelError> {
        Ok(self.complete(&[soprano], rules)?[0])
    }

    /// The chords under all 47 sopranos, by index of the soprano's token, in one batched run. Those below the
    /// soprano's range get the answer of their octave within it, as an answer table looks them up.
    ///
    /// # Errors
    /// When the network fails, or before the first [`Harmonizer::step`].
    pub fn answers(&mut self) -> Result<[Chord; Token::VOCABULARY], ModelError> {
        self.answers_by(&self.rules())
    }

    /// [`Harmonizer::answers`] by other rules than its own.
    ///
    /// # Errors
    /// As there.
    pub fn answers_by(&mut self, rules: &StepRules) -> Result<[Chord; Token::VOCABULARY], ModelError> {
        let sopranos: Vec<Token> =
            Token::all().filter(|token| token.pitch().is_none_or(|pitch| Part::Soprano.fold(pitch).1 == 0)).collect();
        let answers = self.complete(&sopranos, rules)?;
        let mut chords = [Chord::SILENCE; Token::VOCABULARY];
        for token in Token::all() {
            let folded = token.pitch().map_or(token, |pitch| Part::Soprano.fold(pitch).0);
            let place = sopranos.iter().position(|&soprano| soprano == folded).unwrap_or_default();
            chords[token.index()] = answers[place];
            chords[token.index()][Part::Soprano] = token;
        }
        Ok(chords)
    }

    /// A chord whose soprano is chosen too, together with the voicing under it.
    ///
    /// # Errors
    /// When the network fails, or before the first [`Harmonizer::step`].
    pub fn continuation(&mut self) -> Result<Chord, ModelError> {
        self.check_begun()?;
        let rules = self.rules();
        let mut logits = Vec::new();
        let row = Row { state: 0, given: Chord::SILENCE };
        self.model.logits(Part::Soprano, &mut self.context, &[row], &mut logits)?;
        log_softmax(&mut logits);
        let mut sopranos: Vec<(Token, f32)> = Token::all().zip(logits).collect();
        let (low, high) = rules.limits.ranges[Part::Soprano.index()];
        sopranos.retain(|(token, _)| token.pitch().is_none_or(|pitch| low <= pitch && pitch <= high));
        sopranos.sort_by(|a, b| b.1.total_cmp(&a.1));
        sopranos.truncate(SOPRANOS);
        let tokens: Vec<Token> = sopranos.iter().map(|(token, _)| *token).collect();
        let candidates = self.candidates(&tokens, &rules)?;
        let (chords, scores): (Vec<Chord>, Vec<f32>) = sopranos
            .iter()
            .zip(&candidates)
            .flat_map(|((_, soprano), under)| under.iter().map(move |one| (one.chord, soprano + one.score())))
            .unzip();
        let mut generator = self.generator(rules.sampling.seed, Token::START);
        Ok(chords[draw(&scores, rules.sampling, &mut generator)])
    }

    fn check_begun(&self) -> Result<(), ModelError> {
        match self.steps {
            0 => Err(ModelError::Run("an answer was asked for before the first step".into())),
            _ => Ok(()),
        }
    }

    /// Draws a voicing under each soprano.
    fn complete(&mut self, sopranos: &[Token], rules: &StepRules) -> Result<Vec<Chord>, ModelError> {
        let candidates = self.candidates(sopranos, rules)?;
        let sampling = rules.sampling;
        let mut scores = Vec::new();
        Ok(sopranos
            .iter()
            .zip(candidates)
            .map(|(&soprano, candidates)| {
                scores.clear();
                scores.extend(candidates.iter().map(Candidate::score));
                candidates[draw(&scores, sampling, &mut self.generator(sampling.seed, soprano))].chord
            })
            .collect())
    }

    /// The likeliest voicings under each soprano, at least one for each, the likeliest first.
    fn candidates(&mut self, sopranos: &[Token], rules: &StepRules) -> Result<Vec<Vec<Candidate>>, ModelError> {
        self.check_begun()?;
        let limits = rules.limits;
        let queries: Vec<Query> =
            sopranos.iter().map(|&soprano| Query { state: 0, soprano, limits, bass: None }).collect();
        let mut beams = beams(&self.model, &mut self.context, &queries)?;
        let prospects = self.past.prospects(self.phase);
        for (beam, &soprano) in beams.iter_mut().zip(sopranos) {
            let prospect = prospects.of(soprano);
            for candidate in beam {
                candidate.judge((&self.past, self.trace.as_ref()), self.phase, prospect, rules);
                candidate.cost += self.opening_cost(rules, candidate.chord);
            }
        }
        Ok(beams)
    }

    /// Nats for a beginning elsewhere than in the key that was told or, where none was, on another chord than a major triad
    /// over its root: that fits most tunes, and a beginning by lot fits few.
    fn opening_cost(&self, rules: &StepRules, chord: Chord) -> f32 {
        let heard = rules.limits.heard(chord);
        match self.home {
            _ if rules.sampling.guard == Guard::OFF => 0.0,
            Some(home) if self.steps <= goals::OPENING as u64 => goals::opening_cost(home, self.before, heard),
            None if self.before == Chord::START => goals::unknown_opening_cost(heard),
            _ => 0.0,
        }
    }

    fn generator(&self, seed: u64, soprano: Token) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        for (bytes, number) in key.chunks_mut(8).zip([seed, self.steps, soprano.index() as u64]) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// The indices of what may be sung from a lowest to a highest pitch: no rest.
pub(crate) fn singable((low, high): (Pitch, Pitch)) -> Range<usize> {
    let index = |pitch| Token::from_pitch(pitch).map_or(0, Token::index);
    index(low)..index(high) + 1
}

/// A soprano for which voicings are sought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// The place of its state in the context.
    pub state: usize,
    pub soprano: Token,
    pub limits: Limits,
    /// The pitch class that the bass must have, where it is not kept.
    pub bass: Option<u8>,
}

/// The likeliest voicings under each soprano, at least one for each, the likeliest first; their cost is still 0. A part
/// that is kept has its token whatever the network thinks of it.
pub(crate) fn beams(
    model: &Model,
    context: &mut Context,
    queries: &[Query],
) -> Result<Vec<Vec<Candidate>>, ModelError> {
    let mut beams: Vec<Vec<Candidate>> = queries
        .iter()
        .map(|query| {
            let mut chord = Chord::SILENCE;
            chord[Part::Soprano] = query.soprano;
            vec![Candidate { chord, log_likelihood: 0.0, cost: 0.0 }]
        })
        .collect();
    let (mut rows, mut logits) = (Vec::new(), Vec::new());
    let order = &model.order()[1..];
    for (place, (&part, most)) in order.iter().zip(BEAM).enumerate() {
        rows.clear();
        rows.extend(queries.iter().zip(&beams).flat_map(|(query, beam)| {
            beam.iter().map(move |candidate| Row { state: query.state, given: candidate.chord })
        }));
        model.logits(part, context, &rows, &mut logits)?;
        let mut logits = &mut logits[..];
        for (beam, query) in beams.iter_mut().zip(queries) {
            let (of_beam, rest) = logits.split_at_mut(beam.len() * Token::VOCABULARY);
            logits = rest;
            *beam = match query.limits.chord {
                None => longer(beam, part, query, of_beam, most),
                Some(chord) => bound::longer(beam, (part, &order[place + 1..]), (query, chord), of_beam, most),
            };
        }
    }
    Ok(beams)
}

/// The likeliest ways to go on from each candidate of a beam with `part`, the likeliest first; ties in the order of
/// candidates and tokens. `logits` are the part's, 47 for each candidate.
fn longer(beam: &[Candidate], part: Part, query: &Query, logits: &mut [f32], most: usize) -> Vec<Candidate> {
    let limits = &query.limits;
    let kept = limits.kept[part.index()];
    let class = query.bass.filter(|_| part == Part::Bass && kept.is_none());
    let is_open = |token: Token| {
        kept.is_none_or(|kept| kept == token)
            && class.is_none_or(|class| token.pitch().is_some_and(|pitch| pitch.class() == class))
    };
    let tokens = |candidate: &Candidate| match kept {
        None if candidate.chord[Part::Soprano] != Token::REST => singable(limits.ranges[part.index()]),
        _ => 0..Token::VOCABULARY,
    };
    let mut best = f32::NEG_INFINITY;
    for (candidate, logits) in beam.iter().zip(logits.chunks_exact_mut(Token::VOCABULARY)) {
        let tokens = tokens(candidate);
        let logits = &mut logits[tokens.clone()];
        log_softmax(logits);
        let likeliest = match (kept, class) {
            (Some(kept), _) => logits[kept.index()],
            (None, None) => logits.iter().fold(f32::NEG_INFINITY, |most, &logit| larger(logit, most)),
            (None, Some(_)) => Token::all()
                .skip(tokens.start)
                .zip(logits.iter())
                .filter(|(token, _)| is_open(*token))
                .fold(f32::NEG_INFINITY, |most, (_, &logit)| larger(logit, most)),
        };
        best = larger(candidate.log_likelihood + likeliest, best);
    }
    let least = best + BEAM_SHARE.ln();
    let mut longer = Vec::with_capacity(2 * most);
    for (candidate, logits) in beam.iter().zip(logits.chunks_exact(Token::VOCABULARY)) {
        let tokens = tokens(candidate);
        for (token, &logit) in Token::all().zip(logits).skip(tokens.start).take(tokens.len()) {
            let log_likelihood = candidate.log_likelihood + logit;
            if log_likelihood >= least && is_open(token) {
                let mut candidate = Candidate { log_likelihood, ..*candidate };
                candidate.chord[part] = token;
                longer.push(candidate);
            }
        }
    }
    longer.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
    longer.truncate(most);
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_under_a_sounding_soprano_sings_within_its_range() {
        // The hottest draws there are: without the limit nearly every chord breaks it.
        let model = Arc::new(Model::wavenet().unwrap());
        let mut harmonizer =
            Harmonizer::new(model, Sampling { temperature: 10.0, min_p: 0.0, seed: 1, guard: Guard::OFF });
        harmonizer.step(Chord::START, Phase::in_bar(0)).unwrap();
        for chord in &harmonizer.answers().unwrap()[1..] {
            for part in Part::LOWER {
                let ((low, high), pitch) = (part.range(), chord[part].pitch());
                assert!(pitch.is_some_and(|pitch| low <= pitch && pitch <= high), "{part:?} in {chord:?}");
            }
        }
    }
}
