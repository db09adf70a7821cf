//! Writes the man pages and the shells' completions of `performer` into a folder: performer-manual FOLDER
//!
//! A program of its own, so that nobody who plays waits for it to be built.

// Of the command line only its arguments are looked at.
#![allow(dead_code, reason = "nothing is run")]

mod cli;

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).context("say where: performer-manual FOLDER")?;
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    // Its page would say what each of the others says.
    let mut command = cli::Command::command().disable_help_subcommand(true);
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        clap_complete::generate_to(shell, &mut command, "performer", &folder)
            .with_context(|| format!("can't write completions into {}", folder.display()))?;
    }
    clap_mangen::generate_to(command, &folder)
        .with_context(|| format!("can't write man pages into {}", folder.display()))
}
