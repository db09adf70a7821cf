//! A melody with its harmony.

use std::sync::Arc;

use chorale::{Chord, GivenChord, Part, Rule};
use engraving::Piece;
use files::melody::{Fold, MelodyStep};
use files::{NamedKey, parts};
use harmonizer::search::{self, Harmonization};
use harmonizer::{Constraints, Harmonizer, Purpose, guard_for};
use network::Model;

use crate::told_chords::{by_step, obedience};
use crate::{ArrangeError, Cantus, Method, Options, phrase_ends};

/// One harmonization.
pub struct Arrangement {
    pub piece: Piece,
    /// Sixteenths that were harmonized.
    pub steps: usize,
    /// None with [`Method::Live`], where the soprano's likelihood was never asked for.
    pub nats: Option<Nats>,
    /// What became of what was asked for, in sentences for the user.
    pub remarks: Vec<String>,
}

/// How unlikely a harmonization is, a note of any part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nats {
    /// By the network.
    pub alone: f64,
    /// With the costs of the rules and habits.
    pub with_rules: f64,
    /// With what faults cost besides, that is broken rules of the textbooks and beginnings and ends of phrases that are missed.
    /// The best harmonization has the fewest.
    pub with_faults: f64,
}

impl Nats {
    pub(crate) fn of(found: &Harmonization, notes: f64) -> Nats {
        let a_note = |merit: f64| -merit / notes;
        Nats {
            alone: a_note(found.log_likelihood),
            with_rules: a_note(found.score()),
            with_faults: a_note(found.merit()),
        }
    }
}

/// The chord of each step, and how likely they are where that is known.
type Harmony = (Vec<Chord>, Option<Nats>);

/// Nats by which every fault costs more under given chords, which lead the network off the ways that it knows to be clean; and
/// how often a search is run for each version that is wanted.
const TOLD_COST: f32 = 2.0;
const TOLD_ROUNDS: usize = 4;

impl Cantus {
    /// As many different harmonizations as were asked for and found, at least one, the best first.
    ///
    /// # Errors
    /// Where the network cannot sing what is asked for, or fails.
    pub fn harmonize(&self, model: &Arc<Model>) -> Result<Vec<Arrangement>, ArrangeError> {
        let found = match self.options.method {
            Method::Live => vec![(self.live(model)?, None)],
            Method::Ahead { particles, alternatives } => self.ahead(model, particles, alternatives)?,
        };
        let ends = phrase_ends::in_contour(&self.contour, self.home);
        Ok(found.into_iter().map(|(chords, nats)| self.arrangement(&chords, &ends, nats)).collect())
    }

    fn constraints(&self) -> Constraints {
        Constraints { ensemble: self.options.ensemble, density: self.options.density }
    }

    fn live(&self, model: &Arc<Model>) -> Result<Vec<Chord>, ArrangeError> {
        let constraints = self.constraints();
        let sampling = self.options.freedom.sampling(constraints.guard(guard_for(model, Purpose::Live)));
        let mut harmonizer = Harmonizer::new(Arc::clone(model), sampling);
        let chords = harmonizer::harmonize(&self.steps, self.fold, &constraints, &mut harmonizer);
        chords.map_err(|error| ArrangeError::in_file(&self.name, error))
    }

    fn ahead(&self, model: &Arc<Model>, particles: usize, alternatives: usize) -> Result<Vec<Harmony>, ArrangeError> {
        let Cantus { options, steps, .. } = self;
        let constraints = self.constraints();
        let wanted = match options.part {
            Part::Soprano => search::steps_under(steps, self.fold, &self.kept, &constraints),
            part => search::steps_around(steps, part, &constraints),
        };
        // What cannot be kept is the fault of the file that it is in.
        let place = options.kept.as_ref().map_or(self.name.clone(), |kept| format!("--keep {}", kept.name));
        let mut plan = self.plan(wanted.map_err(|error| ArrangeError::in_file(&place, error))?);
        if let Some(rhythm) = options.harmonic_rhythm {
            plan.change_only_at(&rhythm.changes(steps, &self.grid));
        }
        let mut guard = constraints.guard(guard_for(model, Purpose::Ahead));
        let mut rounds = 1;
        if !self.told.is_empty() {
            let (chords, begins): (Vec<_>, Vec<_>) = self.heard_chords().unzip();
            let chords: Vec<_> = chords.into_iter().map(|told| told.map(|(_, chord)| chord)).collect();
            plan.obey(&chords, &begins);
            let marked = Rule::ALL.into_iter().filter(|rule| rule.is_marked());
            marked.for_each(|rule| guard.weights[rule.index()] += TOLD_COST);
            rounds = TOLD_ROUNDS;
        }
        let mut sampling = options.freedom.sampling(guard);
        // Searches that follow each other have seeds that follow each other; the next seed of the user's has others.
        sampling.seed = sampling.seed.wrapping_mul(rounds as u64);
        let mut found = search::alternatives(model, sampling, &plan, particles, alternatives * rounds)?;
        found.truncate(alternatives);
        let notes = 4.0 * steps.len() as f64;
        let harmony = |one: Harmonization| {
            let nats = Nats::of(&one, notes);
            (one.chords, Some(nats))
        };
        Ok(found.into_iter().map(harmony).collect())
    }

    /// `ends` are the notes that end phrases.
    fn arrangement(&self, chords: &[Chord], ends: &[usize], nats: Option<Nats>) -> Arrangement {
        let Cantus { options, source, melody, steps, .. } = self;
        let directions = source.directions.clone();
        let ticks_per_quarter = source.ticks_per_quarter;
        let mut steps_struck = steps.clone();
        // Behind the end of a phrase all breathe, whether words tell so or not.
        for &end in ends {
            if let Some(next) = steps_struck.get_mut(self.spans[end].end) {
                next.restruck = true;
            }
        }
        if let Some(rhythm) = options.harmonic_rhythm {
            let changes = rhythm.changes(steps, &self.grid);
            steps_struck.iter_mut().zip(changes).for_each(|(step, changes)| step.restruck &= changes);
        }
        let mut score =
            parts::score(melody, options.part, &steps_struck, chords, self.fold, ticks_per_quarter, directions);
        score.title.clone_from(&source.title);
        score.creators.clone_from(&source.creators);
        score.below.clone_from(&source.below);
        score.is_notated = source.kind.is_notated();
        if options.heading.key.is_none_or(NamedKey::is_church_mode) {
            score.set_home(self.home);
        }
        score.names_mode = self.named.is_church_mode();
        for (part, kept) in score.parts.iter_mut().zip(&self.kept).skip(1) {
            if let Some(notes) = kept {
                part.clone_from(notes);
            }
        }
        let piece = phrase_ends::piece(score.sung_by(options.ensemble), self.grid.clone());
        let heard = self.heard_chords().zip(steps);
        let is_bound = |begins: bool, step: &MelodyStep| begins || step.phase.is_on_beat();
        let told: Vec<_> = heard.map(|((told, begins), step)| told.filter(|_| is_bound(begins, step))).collect();
        let mut remarks: Vec<String> = obedience(&piece, steps, chords, &told).into_iter().collect();
        remarks.extend(self.below_range(&piece));
        Arrangement { piece, steps: steps.len(), nats, remarks }
    }

    /// The lower parts that the low notes of a melody that fits nowhere have drawn below their ranges.
    fn below_range(&self, piece: &Piece) -> Option<String> {
        let Options { ensemble, part, .. } = self.options;
        let lowest = |part: Part| piece.score.part(part).iter().map(|note| note.pitch).min();
        let below = Part::LOWER.into_iter().filter(|lower| *lower != part).filter_map(|lower| {
            let (low, _) = ensemble.range(lower);
            let (name, lowest) = (ensemble.name(lower).to_lowercase(), lowest(lower).filter(|lowest| *lowest < low)?);
            Some(format!("the {name} to {lowest}, below {low}"))
        });
        let below: Vec<String> = below.collect();
        (self.fold == Fold::NoteByNote && !below.is_empty())
            .then(|| format!("under the low notes of the melody parts leave their ranges: {}", below.join("; ")))
    }

    /// For each step the chord that is told there, by its text and as the network hears it, and whether it begins there.
    fn heard_chords(&self) -> impl Iterator<Item = (Option<(&str, GivenChord)>, bool)> {
        by_step(&self.told, &self.steps).into_iter().zip(&self.steps).map(|((told, begins), step)| {
            let (_, semitones) = self.fold.apply(step.soprano);
            (told.map(|(text, chord)| (text.as_str(), chord.transposed(semitones))), begins)
        })
    }
}
