//! `performer replay`: plays a recorded take again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use files::smf;
use harmonizer::{Harmonizer, Sampling};
use live::take::{self, ModelIdentity, TakeHeader};

use super::options::load_model;

/// Play a recorded take again, from its log
///
/// The same log gives the same notes, note for note: what was played comes from the log, and the networks answer anew.
/// Says so when the answer differs from the recorded one, which only another version of this program can bring about.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer replay take-2026-11-23-201504.log
      Is the take what this program would play again?
  performer replay take-2026-11-23-201504.log -o take.mid
      Its MIDI file, for example after a crash.")]
pub struct Args {
    /// The take's log
    #[arg(value_name = "LOG")]
    log: PathBuf,

    /// Write the take's MIDI file: four tracks on the beats of the performance
    #[arg(short, long, value_name = "OUT.mid")]
    output: Option<PathBuf>,

    /// Replace the output file where there is one already
    #[arg(short, long)]
    force: bool,
}

pub fn run(args: Args) -> Result<()> {
    if let Some(output) = args.output.as_ref().filter(|output| output.exists() && !args.force) {
        bail!("--output {} is there already; --force replaces it", output.display());
    }
    let name = args.log.display();
    let text = fs::read_to_string(&args.log).with_context(|| format!("cannot read {name}"))?;
    let take = take::read(&text).with_context(|| name.to_string())?;
    let TakeHeader { models, sampling, .. } = &take.header;
    let mut harmonizers = models
        .iter()
        .zip(sampling)
        .map(|(model, sampling)| harmonizer(model, sampling.try_into()?))
        .map(|harmonizer| harmonizer.with_context(|| name.to_string()));
    let first =
        harmonizers.next().with_context(|| format!("{name}: line 2 names no network; the log was changed"))??;
    let second = harmonizers.next().transpose()?;
    let lost = take.lost_at.map(|line| {
        format!(
            "{} events are missing in it, the first before line {line}: the machine was too busy to write them down, and what \
             was played from there on can't be played again as it was",
            take.lost
        )
    });
    let replayed = take::replay(&take, first, second);
    let replayed =
        replayed.with_context(|| lost.as_ref().map_or(name.to_string(), |lost| format!("{name}: {lost}")))?;

    let notes = replayed.score.parts.iter().map(Vec::len).sum::<usize>();
    println!("{name}: {notes} notes in four parts");
    // A crash may have come between what was played and the line that says what was sent.
    let recorded: Vec<&str> = take.sent.lines().collect();
    let difference = recorded.iter().zip(replayed.sent.lines()).find(|(recorded, replayed)| *recorded != replayed);
    if let Some(output) = &args.output {
        files::write_whole(output, &smf::write(&replayed.score))?;
        println!("written: {}", output.display());
    }
    if let Some(lost) = lost {
        bail!("{name}: {lost}");
    }
    if let Some((recorded, replayed)) = difference {
        bail!(
            "{name}: the take has '{recorded}' where now '{replayed}' is played; the log was changed, or is of another \
             version of this program"
        );
    }
    println!("the same as recorded: {} messages", recorded.len());
    Ok(())
}

fn harmonizer(identity: &ModelIdentity, sampling: Sampling) -> Result<Harmonizer> {
    let model = load_model(Path::new(&identity.name))?;
    if !identity.is_of(&model) {
        bail!(
            "the take was played with another network than what is now '{}'; put that one in its place, or take the \
             version of this program that played it",
            identity.name
        );
    }
    Ok(Harmonizer::new(model, sampling))
}
