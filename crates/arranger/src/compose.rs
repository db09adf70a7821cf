//! A new chorale, or one that goes on from a beginning.

use std::sync::Arc;

use chorale::{Chorale, Chord, Phase};
use engraving::Piece;
use files::parts::TICKS_PER_QUARTER;
use files::{Direction, Ensemble, Grid, Metre, Score, Scoring, Tick, melody, parts, set_signature};
use harmonizer::{Constraints, Outline, Purpose, guard_for};
use network::Model;

use crate::{ArrangeError, Freedom, Heading, Tune, phrase_ends};

/// Quarters a minute where nothing says otherwise; about how chorales are sung.
const DEFAULT_TEMPO: u16 = 80;

/// What a new chorale is to be.
#[derive(Clone, Debug)]
pub struct ComposeOptions {
    /// Sixteenths of the whole piece, prompt included.
    pub length: usize,
    /// Quarters a minute; without it the prompt's, else 80.
    pub tempo: Option<u16>,
    /// The key only counts where there is no prompt, which brings its own.
    pub heading: Heading,
    pub ensemble: Ensemble,
    pub freedom: Freedom,
}

impl Default for ComposeOptions {
    /// Sixteen bars of 4/4.
    fn default() -> ComposeOptions {
        ComposeOptions {
            length: 256,
            tempo: None,
            heading: Heading::default(),
            ensemble: Ensemble::default(),
            freedom: Freedom::default(),
        }
    }
}

/// Chords to begin with, and the time they are in.
#[derive(Clone, Debug)]
pub struct Prompt {
    name: String,
    chords: Vec<Chord>,
    ticks_per_quarter: u16,
    directions: Vec<(Tick, Direction)>,
    grid: Grid,
    /// The step of the grid on which the first chord stands.
    first_step: u32,
    /// Whether the grid knows where bars begin. A table doesn't tell.
    has_bars: bool,
}

impl Prompt {
    /// At most `limit` chords of a table in the form of the data set. `name` is what messages call it.
    ///
    /// # Errors
    /// The first line that is no chord.
    pub fn of_table(name: &str, text: &str, limit: u32) -> Result<Prompt, ArrangeError> {
        let mut chords = Chorale::from_csv(text).map_err(|error| ArrangeError::in_file(name, error))?.chords;
        chords.truncate(limit as usize);
        Ok(Prompt::metrical(name, chords, false))
    }

    /// How many steps it has.
    pub fn length(&self) -> usize {
        self.chords.len()
    }

    /// In 4/4 from step 0.
    fn metrical(name: &str, chords: Vec<Chord>, has_bars: bool) -> Prompt {
        let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
        let grid = Grid::new(TICKS_PER_QUARTER, &directions, 0);
        let (name, ticks_per_quarter) = (name.to_owned(), TICKS_PER_QUARTER);
        Prompt { name, chords, ticks_per_quarter, directions, grid, first_step: 0, has_bars }
    }

    fn phase(&self, step: usize) -> Phase {
        match self.has_bars {
            true => self.grid.phase(self.first_step + step as u32),
            false => Phase::in_beat(step),
        }
    }
}

impl Default for Prompt {
    /// Nothing, in 4/4.
    fn default() -> Prompt {
        Prompt::metrical("-", Vec::new(), true)
    }
}

impl Tune {
    /// At most `limit` sixteenths of its four parts, from the first note on.
    ///
    /// # Errors
    /// Where the file doesn't tell which are its four parts, or they go beyond what the networks know.
    pub fn prompt(&self, limit: u32) -> Result<Prompt, ArrangeError> {
        let parts = melody::four_parts(&self.source).map_err(|error| ArrangeError::no_four_parts(&self.name, error))?;
        let ticks_per_quarter = self.source.ticks_per_quarter;
        let mut directions = self.source.directions.clone();
        let first_onset = parts.iter().flatten().map(|note| note.start).min().unwrap_or(0);
        let score = Score { ticks_per_quarter, parts, ..Score::default() };
        let grid = Grid::new(ticks_per_quarter, &directions, first_onset);
        let first_step = grid.nearest_step(first_onset);
        let chords = files::chords_of(&score, &grid, first_step, limit);
        let chords = chords.map_err(|error| ArrangeError::in_file(&self.name, error))?;
        // What the rest of the piece would have changed does not concern the new one.
        let end = grid.tick(first_step + chords.len() as u32);
        directions.retain(|(tick, _)| *tick <= end);
        let grid = Grid::new(ticks_per_quarter, &directions, first_onset);
        Ok(Prompt { name: self.name.clone(), chords, ticks_per_quarter, directions, grid, first_step, has_bars: true })
    }
}

/// Draws all four parts from the network, after the chords of the prompt.
///
/// # Errors
/// Where the prompt is too long or too high, the key is not reached, or the network fails.
pub fn compose(model: &Arc<Model>, mut prompt: Prompt, options: &ComposeOptions) -> Result<Piece, ArrangeError> {
    let ComposeOptions { length, ref heading, ensemble, .. } = *options;
    if prompt.length() >= length {
        return Err(ArrangeError::NothingToWrite { length, prompt: prompt.length() });
    }
    set_tempo(&mut prompt.directions, options.tempo);
    // Men's parts are what the network knows as women's, an octave lower.
    let octaves = i32::from(ensemble.scoring == Scoring::Ttbb);
    for chord in &mut prompt.chords {
        *chord = chord.transposed(12 * octaves).ok_or_else(|| ArrangeError::PromptTooHigh(prompt.name.clone()))?;
    }
    let constraints = Constraints { ensemble, ..Constraints::default() };
    let limits = constraints.limits(12 * octaves)?;
    let sampling = options.freedom.sampling(constraints.guard(guard_for(model, Purpose::New)));
    let key = heading.key.map(|key| key.home).filter(|_| prompt.chords.is_empty());
    let outline = Outline { prompt: &prompt.chords, length, key, limits };
    let home = prompt.chords.is_empty().then(|| outline.home(sampling.seed));
    let mut chorale = harmonizer::generate(model, sampling, outline, |step| prompt.phase(step))?;
    for chord in &mut chorale.chords {
        *chord = chord.transposed(-12 * octaves).ok_or(ArrangeError::TooLow)?;
    }
    let Prompt { ticks_per_quarter, directions, grid, first_step, .. } = prompt;
    let mut score = parts::chorale_score(&chorale, &grid, first_step, ticks_per_quarter, directions);
    heading.amend(&mut score.title, &mut score.directions);
    home.into_iter().for_each(|home| set_signature(&mut score.directions, home));
    Ok(phrase_ends::piece(score.sung_by(ensemble), grid))
}

/// Puts a tempo at the beginning, in place of all others; without one the usual, where there is no other.
fn set_tempo(directions: &mut Vec<(Tick, Direction)>, tempo: Option<u16>) {
    let is_tempo = |direction: &Direction| matches!(direction, Direction::Tempo(_));
    let has_tempo = directions.iter().any(|(_, direction)| is_tempo(direction));
    if let Some(beats) = tempo.or_else(|| (!has_tempo).then_some(DEFAULT_TEMPO)) {
        directions.retain(|(_, direction)| !is_tempo(direction));
        directions.insert(0, (0, Direction::Tempo(60_000_000 / u32::from(beats.max(1)))));
    }
}
