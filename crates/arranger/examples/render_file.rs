//! Harmonizes the melody of a file and writes it in the format that the second name's ending asks for:
//!
//!     cargo run --release --example render_file -- demo/melody.mid chorale.musicxml

use std::path::Path;
use std::sync::Arc;

use arranger::{ExportOptions, Format, Options};
use network::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else { return Err("usage: render_file MELODY OUTPUT".into()) };
    let format = Format::from_path(Path::new(output)).ok_or(format!("{output} must end in {}", Format::ENDINGS))?;

    let model = Arc::new(Model::wavenet()?);
    let tune = arranger::open(input)?;
    let cantus = tune.choose(&Options::default())?;
    for remark in tune.remarks().chain(cantus.remarks.iter().cloned()) {
        eprintln!("{remark}");
    }
    let best = cantus.harmonize(&model)?.remove(0);
    std::fs::write(output, best.piece.export(format, &ExportOptions::default())?)?;
    println!("{output}: {} sixteenths harmonized, {} broken rules", best.steps, best.piece.marks.len());
    Ok(())
}
