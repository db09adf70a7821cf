//! What is asked of a harmonization. Every default is that of the command line.

use chorale::{Density, Guard, Part, Rule};
use files::melody::Choice;
use files::{Direction, Ensemble, NamedKey, Tick, set_signature};
use harmonizer::Sampling;
use harmonizer::search::PARTICLES;

use crate::{HarmonicRhythm, Tune};

/// How a melody is to be harmonized.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which line of the file is the melody.
    pub melody: Choice,
    /// Quarters before the first bar line, for files that don't tell.
    pub pickup: Option<f64>,
    /// Semitones by which the melody is moved first, its key with it.
    pub transpose: i32,
    /// Instead of the file's own.
    pub heading: Heading,
    /// Who sings.
    pub ensemble: Ensemble,
    /// Where the lower parts may move while the melody holds a note.
    pub density: Density,
    /// Where the harmony may change at all; none lets it change wherever the density does.
    pub harmonic_rhythm: Option<HarmonicRhythm>,
    /// The chords that the melody has.
    pub chords: Chords,
    /// Who sings the melody.
    pub part: Part,
    /// A file whose alto, tenor or bass, so named, stay as they are.
    pub kept: Option<Tune>,
    /// Whether all parts sing the words, and strike each syllable.
    pub all_sing: bool,
    pub method: Method,
    pub freedom: Freedom,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            melody: Choice::default(),
            pickup: None,
            transpose: 0,
            heading: Heading::default(),
            ensemble: Ensemble::default(),
            density: Density::default(),
            harmonic_rhythm: None,
            chords: Chords::default(),
            part: Part::Soprano,
            kept: None,
            all_sing: true,
            method: Method::Ahead { particles: PARTICLES, alternatives: 1 },
            freedom: Freedom::default(),
        }
    }
}

/// Which chords a melody has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Chords {
    /// Those that are found for it.
    #[default]
    Found,
    /// Those that its file writes over it.
    OfFile,
    /// Those of a text, as [`Progression::parse`](crate::Progression::parse) reads it, for the melody as its file has it.
    Given(String),
}

/// How the chords are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Step by step as in live playing, under a soprano.
    Live,
    /// With the whole melody in view.
    Ahead {
        /// How many harmonizations grow side by side: more is slower and better.
        particles: usize,
        /// How many different harmonizations are wanted, at least one.
        alternatives: usize,
    },
}

/// The title and the key of a piece. The piece begins and ends in the key, and is spelled for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    pub title: Option<String>,
    pub key: Option<NamedKey>,
}

impl Heading {
    /// Puts what is given in place of the file's.
    pub fn amend(&self, title: &mut Option<String>, directions: &mut Vec<(Tick, Direction)>) {
        if let Some(text) = &self.title {
            *title = Some(text.clone());
        }
        if let Some(key) = self.key {
            set_signature(directions, key.signature);
        }
    }
}

/// How freely the notes are chosen; see [`Sampling`].
#[derive(Clone, Debug, PartialEq)]
pub struct Freedom {
    pub temperature: f32,
    pub min_p: f32,
    pub seed: u64,
    /// Whether the rules of part-writing count.
    pub is_guarded: bool,
    /// Weights in place of the network's own.
    pub rules: Vec<(Rule, f32)>,
}

impl Default for Freedom {
    fn default() -> Freedom {
        let Sampling { temperature, min_p, seed, .. } = Sampling::default();
        Freedom { temperature, min_p, seed, is_guarded: true, rules: Vec::new() }
    }
}

impl Freedom {
    /// Under this guard, as far as nothing else is asked for.
    pub fn sampling(&self, guard: Guard) -> Sampling {
        let mut guard = if self.is_guarded { guard } else { Guard::OFF };
        for (rule, weight) in &self.rules {
            guard.weights[rule.index()] = *weight;
        }
        Sampling { temperature: self.temperature, min_p: self.min_p, seed: self.seed, guard }
    }
}
