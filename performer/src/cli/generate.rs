//! `performer generate`: a new chorale.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use arranger::{ComposeOptions, Prompt};
use files::melody::MAX_STEPS;

use super::options::{ModelOptions, whole};
use super::output::{self, Names, OutputOptions, is_table};

const PIECE: &str = "Piece";

/// Writes a new chorale in four parts
///
/// All four parts are drawn from the network, step by step. A prompt, the beginning of a piece in four parts, is heard
/// first and kept; the network goes on from there.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
// What is otherwise where there is no melody.
#[command(mut_arg("output", |output| output.help(OUTPUT_HELP)), mut_arg("title", |title| title.help(TITLE_HELP)))]
#[command(mut_arg("staves", |staves| staves.help(STAVES_HELP)))]
#[command(mut_arg("key", |key| key.help(KEY_HELP)), mut_arg("ranges", |ranges| ranges.help(RANGES_HELP)))]
pub struct Args {
    #[command(flatten)]
    output: OutputOptions,

    /// The length of the whole piece in sixteenths, prompt included; 16 make a bar of 4/4
    #[arg(long, value_name = "N", help_heading = PIECE, default_value_t = 256, value_parser = whole(1_u32, MAX_STEPS as u32), allow_negative_numbers = true)]
    steps: u32,

    /// Quarters a minute [default: the prompt's own, else 80]
    #[arg(long, value_name = "BPM", help_heading = PIECE, value_parser = whole(10_u16, 400), allow_negative_numbers = true)]
    tempo: Option<u16>,

    /// What to begin with: a MIDI, MusicXML or ABC file of four parts, or a table in the form of the data set (.csv)
    #[arg(long, value_name = "FILE", help_heading = PIECE)]
    prompt: Option<PathBuf>,

    /// How many sixteenths of the prompt to take, counted from its first note; at most its whole length
    #[arg(long, value_name = "N", help_heading = PIECE, default_value_t = 64, requires = "prompt", value_parser = whole(1_u32, MAX_STEPS as u32), allow_negative_numbers = true)]
    prompt_steps: u32,

    #[command(flatten)]
    model: ModelOptions,
}

const OUTPUT_HELP: &str = concat!(
    output::what_endings_say!(),
    "Several with several -o. In a folder (done/, which is made where there is none) the piece is called chorale and gets the \
     formats of --format, and - stands for stdout, in the one format of --format. Each file appears whole or not at all \
     [default: chorale.mid, or chorale-2.mid and so on where that is there, in the formats of --format; nothing is replaced]"
);
const TITLE_HELP: &str = "The title of the piece [default: none]";
const KEY_HELP: &str = "The key: C, Bb, F#; small letters or an m for minor. The piece begins and ends in it; with --prompt, whose key it \
                        goes on in, it is only spelled for it [default: the prompt's, else one that the seed draws]";
const STAVES_HELP: &str = "Staves of a score: 4, one a part, or 2, as hymnals print [default: 4]";
const RANGES_HELP: &str = "Who sings: SATB; SAB, where the tenor is left out; TTBB, men's voices; and ranges of single parts, alone or \
                           behind one of these: TTBB,Bass:D2-C4";

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
  performer generate -o men.musicxml --ranges TTBB --title \"For men\" --key Eb --staves 2
  performer generate -o new.png --marks --force
  performer generate -o new.wav --rehearsal --soundfont choir.sf2 --model lstm --quiet
  performer generate -o folder/ --format mid,musicxml --seed 7 --min-p 0.05 --rule crossing=4
  performer generate --program organ
      Into chorale.mid, or chorale-2.mid if that is there, for an organ.
  performer generate -o - --format wav | aplay
  performer generate -o new.mid --no-guard --json > notes.json";

pub fn run(args: Args) -> Result<()> {
    let Args { output, steps, tempo, prompt: path, prompt_steps, model: chosen } = args;
    let heading = output.heading();
    if let Some(key) = heading.key.filter(|key| key.is_church_mode()) {
        bail!("--key '{key}': new chorales are in major or minor; the nearest is --key \"{}\"", key.home);
    }
    let names = Names { input: path.as_deref(), stem: "chorale", new: Some(PathBuf::from("chorale")) };
    let targets = output.targets(&names)?;
    let export_options = output.export_options()?;
    output.tell_program(&targets);
    let prompt = match &path {
        Some(path) => read_prompt(path, prompt_steps, |remark| output.say(remark))?,
        None => Prompt::default(),
    };
    let options =
        ComposeOptions { length: steps as usize, tempo, heading, ensemble: output.ranges, freedom: chosen.freedom() };
    let begun = prompt.length();
    let mut piece = arranger::compose(&chosen.model()?, prompt, &options)?;
    piece.score.program = output.program;
    output.write(&piece, &targets, &export_options)?;
    output.show(&piece)?;
    output.say(&format!("{}: {steps} steps, {begun} of them prompt", targets.list()));
    Ok(())
}

/// At most `limit` steps of it.
fn read_prompt(path: &Path, limit: u32, say: impl Fn(&str)) -> Result<Prompt> {
    if is_table(path) {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Ok(Prompt::of_table(&path.display().to_string(), &text, limit)?);
    }
    Ok(output::open(path, None, say)?.prompt(limit)?)
}
