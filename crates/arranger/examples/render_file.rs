//! Harmonizes the melody of a file and writes it in the format that the second name's ending asks for:
//!
//!     cargo run --release --example render_file -- demo/melody.mid chorale.musicxml

use std::path::Path;
use std::sync::Arc;

use arranger::{ExportOptions, FileKind, Options};
use network::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else { return Err("usage: render_file MELODY OUTPUT".into()) };
    let kind = FileKind::from_path(Path::new(output)).ok_or(format!("{output} must end in {}", FileKind::ENDINGS))?;
    kind.check()?;

    let model = Arc::new(Model::wavenet()?);
    let tune = arranger::open(input)?;
    let cantus = tune.choose(&Options::default())?;
    for remark in tune.remarks().chain(cantus.remarks.iter().cloned()) {
        eprintln!("{remark}");
    }
    let best = cantus.harmonize(&model)?.remove(0);
    std::fs::write(output, kind.export(&best.piece, &ExportOptions::default())?)?;
    println!("{output}: {} sixteenths harmonized, {} broken rules", best.steps, best.piece.marks.len());
    Ok(())
}
