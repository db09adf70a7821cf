//! Writes the plugin's presets as VST3 hosts read them: `chorale_presets FOLDER`. scripts/plugin.sh runs it.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("error: chorale_presets FOLDER");
        return ExitCode::FAILURE;
    };
    match chorale_plugin::write_vst3_presets(&folder) {
        Ok(count) => {
            println!("{count} presets in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: the presets can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}
