//! Harmonizations of whole splits, kept on disk in the form of the data set: to make them takes minutes, to judge them
//! seconds.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chorale::critic::Critic;
use chorale::{Chorale, Phase};
use harmonizer::Sampling;
use harmonizer::parallel::on_all_cores;
use network::Model;

use super::report::{Way, harmonized};

/// A piece with its name and phases.
pub struct Sung<'a> {
    pub name: &'a str,
    pub chorale: &'a Chorale,
    pub phases: Vec<Phase>,
}

/// What harmonizations depend on, besides the program.
pub struct Recipe<'a> {
    pub model: &'a Arc<Model>,
    pub sampling: Sampling,
    pub way: Way,
}

impl Recipe<'_> {
    /// One line for each thing; other lines, other harmonizations.
    fn text(&self) -> String {
        let Sampling { temperature, min_p, seed, guard } = self.sampling;
        let mut text = format!("program {}\nnetwork {:016x}\n", env!("CARGO_PKG_VERSION"), self.model.fingerprint());
        let _ = writeln!(text, "way {:?}\ntemperature {temperature}\nmin_p {min_p}\nseed {seed}", self.way);
        let _ = writeln!(text, "guard {:?}", guard.weights);
        let _ = writeln!(text, "critic {:x?}", guard.critic.map(Critic::fingerprint));
        text
    }
}

/// Every piece harmonized anew (the seed of each is the sampling's plus its place), or taken from `folder` where it was
/// kept before by the same recipe. The program's own code is not part of a recipe: who changes it empties the folder.
///
/// # Errors
/// When the model fails to run, or the folder cannot be read or written; names the file.
pub fn harmonizations(
    folder: Option<&Path>,
    recipe: &Recipe,
    pieces: &[Sung],
    done: impl Fn() + Sync,
) -> Result<Vec<Chorale>> {
    if let Some(folder) = folder {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder '{}'", folder.display()))?;
        let path = folder.join("recipe.txt");
        let text = recipe.text();
        // What another recipe made is in the way.
        if fs::read_to_string(&path).is_ok_and(|kept| kept != text) {
            for piece in pieces {
                let _ = fs::remove_file(folder.join(file_name(piece.name)));
            }
        }
        fs::write(&path, text).with_context(|| format!("cannot write '{}'", path.display()))?;
    }
    on_all_cores(pieces, |index, piece| {
        let path = folder.map(|folder| folder.join(file_name(piece.name)));
        if let Some(path) = path.as_deref().filter(|path| path.exists()) {
            let kept = read(path, piece.chorale.chords.len());
            done();
            return kept;
        }
        let sampling = Sampling { seed: recipe.sampling.seed.wrapping_add(index as u64), ..recipe.sampling };
        let chorale = harmonized(recipe.model, sampling, piece.chorale, &piece.phases, recipe.way)?;
        if let Some(path) = path {
            fs::write(&path, chorale.to_csv()).with_context(|| format!("cannot write '{}'", path.display()))?;
        }
        done();
        Ok(chorale)
    })
}

/// A name may hold folders.
fn file_name(name: &str) -> String {
    format!("{}.csv", name.replace(['/', '\\'], "-"))
}

fn read(path: &Path, steps: usize) -> Result<Chorale> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let kept = Chorale::from_csv(&text).with_context(|| format!("'{}'", path.display()))?;
    ensure!(
        kept.chords.len() == steps,
        "'{}' has {} steps, its soprano {steps}: it was made from other pieces (empty the folder)",
        path.display(),
        kept.chords.len()
    );
    Ok(kept)
}
