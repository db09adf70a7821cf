//! `performer generate`: a new chorale.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chorale::harmony::Key;
use chorale::{Chorale, Chord, Phase};
use engraving::Piece;
use files::melody::{self, MAX_STEPS};
use files::parts::TICKS_PER_QUARTER;
use files::{Direction, Grid, Metre, Score, Scoring, Source, Tick, parts};
use harmonizer::{Arrangement, Harmonizer, Limits, Purpose, Sampling, guard_for};

use super::options::ModelOptions;
use super::output::{OutputOptions, read_source};

/// Writes a new chorale in four parts
///
/// All four parts are drawn from the network, step by step. A prompt, the beginning of a piece in four parts, is heard
/// first and kept; the network goes on from there.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    output: OutputOptions,

    /// The length of the whole piece in sixteenths, prompt included; 16 make a bar of 4/4
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=MAX_STEPS as i64))]
    steps: u32,

    /// Quarters a minute. Without this a MIDI prompt's own tempo holds, else 80
    #[arg(long, value_name = "BPM", value_parser = clap::value_parser!(u16).range(10..=400))]
    tempo: Option<u16>,

    /// What to begin with: a MIDI or MusicXML file of four parts, or a table in the form of the data set (.csv)
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,

    /// How many sixteenths of the prompt to take, counted from its first note; at most its whole length
    #[arg(long, value_name = "N", default_value_t = 64, requires = "prompt", value_parser = clap::value_parser!(u32).range(1..=MAX_STEPS as i64))]
    prompt_steps: u32,

    #[command(flatten)]
    model: ModelOptions,
}

const EXAMPLES: &str = "\
Examples:
  performer generate -o new.mid
      Sixteen bars; notes and piano roll on the terminal. Another with --seed 2, and so on.
  performer generate -o calm.mid --steps 512 --temperature 0.7 --tempo 60
      Twice as long, keeping more to the usual, and slower.
  performer generate -o variant.mid --prompt chorale.mid --prompt-steps 32
      Begins with the first two bars of a chorale and finds its own way from there.
  performer generate -o new.mid --key c --steps 128
      In C minor: what the network writes is moved there.
  performer generate -o men.musicxml -o men.png --ranges TTBB --title \"For men\" --key Eb --staves 2 --marks --force
  performer generate -o new.wav --rehearsal --soundfont choir.sf2 --model lstm --quiet
  performer generate -o folder/ --format mid,musicxml --seed 7 --min-p 0.05 --rule crossing=4
  performer generate -o new.mid --no-guard --json > notes.json";

/// Quarters a minute where nothing says otherwise; about how chorales are sung.
const DEFAULT_TEMPO: u16 = 80;

/// Chords to begin with, and the time they are in.
struct Prompt {
    chords: Vec<Chord>,
    ticks_per_quarter: u16,
    directions: Vec<(Tick, Direction)>,
    grid: Grid,
    /// The step of the grid on which the first chord stands.
    first_step: u32,
    /// Whether the grid knows where bars begin. A table doesn't tell.
    has_bars: bool,
}

pub fn run(args: Args) -> Result<()> {
    let Args { output, steps, tempo, prompt: path, prompt_steps, model: chosen } = args;
    let targets = output.targets(path.as_deref(), "chorale")?;
    let options = output.export_options()?;
    let mut prompt = match &path {
        Some(path) => read_prompt(path, prompt_steps, |remark| output.say(remark))?,
        None => Prompt::metrical(Vec::new(), true),
    };
    if prompt.chords.len() >= steps as usize {
        bail!(
            "--steps {steps} leaves nothing to write after {} steps of prompt; ask for more, or lower --prompt-steps",
            prompt.chords.len()
        );
    }
    let beats_a_minute = tempo.or_else(|| (!has_tempo(&prompt.directions)).then_some(DEFAULT_TEMPO));
    if let Some(beats) = beats_a_minute {
        prompt.directions.retain(|(_, direction)| !matches!(direction, Direction::Tempo(_)));
        prompt.directions.insert(0, (0, Direction::Tempo(60_000_000 / u32::from(beats))));
    }

    let ensemble = output.ranges;
    // Men's parts are what the network knows as women's, an octave lower.
    let octaves = i32::from(ensemble.voicing == Scoring::Ttbb);
    for chord in &mut prompt.chords {
        *chord = chord.transposed(12 * octaves).with_context(|| {
            let path = path.as_deref().unwrap_or(Path::new("-")).display();
            format!(
                "{path} lies too high for --ranges TTBB, which takes it an octave up; move it down, or leave that out"
            )
        })?;
    }
    let arrangement = Arrangement { ensemble, ..Arrangement::default() };
    let model = chosen.model()?;
    let sampling = chosen.sampling(arrangement.guard(guard_for(&model, Purpose::New)));
    let mut harmonizer = Harmonizer::new(model, sampling);
    let limits = arrangement.limits(octaves)?;
    harmonizer.set_limits(limits);
    let phase = |step: usize| match prompt.has_bars {
        true => prompt.grid.phase(prompt.first_step + step as u32),
        false => Phase::in_beat(step),
    };
    let mut chorale = harmonizer::generate(&prompt.chords, steps as usize, phase, &mut harmonizer)?;
    // A prompt brings its key.
    if let Some(key) = output.key.filter(|_| prompt.chords.is_empty()) {
        let mut attempt = 0;
        chorale = loop {
            match moved_to(&chorale, key, &limits) {
                Some(moved) => break moved,
                None if attempt < ATTEMPTS => attempt += 1,
                None => bail!(
                    "--key: none of {ATTEMPTS} chorales could be brought to {key}; another --seed, or more --steps"
                ),
            }
            // Far from the seeds that a user would give.
            let seed = sampling.seed.wrapping_add(attempt << 32);
            harmonizer.reset();
            harmonizer.set_sampling(Sampling { seed, ..sampling });
            harmonizer.set_limits(limits);
            chorale = harmonizer::generate(&[], steps as usize, phase, &mut harmonizer)?;
        };
    }
    for chord in &mut chorale.chords {
        *chord = chord.transposed(-12 * octaves).context("a part of the new chorale lies too low")?;
    }
    let Prompt { chords: begun, ticks_per_quarter, directions, grid, first_step, .. } = prompt;
    let mut score = parts::chorale_score(&chorale, &grid, first_step, ticks_per_quarter, directions);
    output.amend(&mut score.title, &mut score.directions);
    let piece = Piece::new(score.sung_by(ensemble), grid);
    output.write(&piece, &targets, &options)?;
    output.show(&piece)?;
    output.say(&format!("{}: {steps} steps, {} of them prompt", targets.list(), begun.len()));
    Ok(())
}

/// How many chorales are written until one is major or minor as asked, and high or low enough.
const ATTEMPTS: u64 = 50;

/// Transposed to `key` by the shortest way that leaves all parts within their ranges; `None` for one in the other mode, or
/// where no way does.
fn moved_to(chorale: &Chorale, key: Key, limits: &Limits) -> Option<Chorale> {
    let grid = Grid::new(TICKS_PER_QUARTER, &[], 0);
    let found = parts::chorale_score(chorale, &grid, 0, TICKS_PER_QUARTER, Vec::new()).found_key();
    if found.minor != key.minor {
        return None;
    }
    let up = (i32::from(key.tonic()) - i32::from(found.tonic())).rem_euclid(12);
    let mut ways = [up, up - 12];
    ways.sort_by_key(|way| way.abs());
    let is_sung = |chord: &Chord| {
        chord
            .pitches()
            .into_iter()
            .zip(limits.ranges)
            .all(|(pitch, (low, high))| pitch.is_none_or(|pitch| low <= pitch && pitch <= high))
    };
    ways.into_iter().filter_map(|way| chorale.transposed(way)).find(|moved| moved.chords.iter().all(is_sung))
}

fn has_tempo(directions: &[(Tick, Direction)]) -> bool {
    directions.iter().any(|(_, direction)| matches!(direction, Direction::Tempo(_)))
}

impl Prompt {
    /// In 4/4 from step 0.
    fn metrical(chords: Vec<Chord>, has_bars: bool) -> Prompt {
        let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
        let grid = Grid::new(TICKS_PER_QUARTER, &directions, 0);
        Prompt { chords, ticks_per_quarter: TICKS_PER_QUARTER, directions, grid, first_step: 0, has_bars }
    }
}

/// At most `limit` steps of it.
fn read_prompt(path: &Path, limit: u32, say: impl Fn(&str)) -> Result<Prompt> {
    let in_file = || path.display().to_string();
    let is_table = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    if is_table {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut chords = Chorale::from_csv(&text).with_context(in_file)?.chords;
        chords.truncate(limit as usize);
        return Ok(Prompt::metrical(chords, false));
    }
    let file = read_source(path, say)?;
    let parts = melody::four_parts(&file).with_context(in_file)?;
    let Source { ticks_per_quarter, mut directions, .. } = file;
    let first_onset = parts.iter().flatten().map(|note| note.start).min().unwrap_or(0);
    let score = Score { ticks_per_quarter, parts, ..Score::default() };
    let grid = Grid::new(ticks_per_quarter, &directions, first_onset);
    let first_step = grid.nearest_step(first_onset);
    let chords = files::chords_of(&score, &grid, first_step, limit).with_context(in_file)?;
    // What the rest of the piece would have changed does not concern the new one.
    let end = grid.tick(first_step + chords.len() as u32);
    directions.retain(|(tick, _)| *tick <= end);
    let grid = Grid::new(ticks_per_quarter, &directions, first_onset);
    Ok(Prompt { chords, ticks_per_quarter, directions, grid, first_step, has_bars: true })
}
