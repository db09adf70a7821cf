//! `make bench`: what the program costs, each row beside what it is measured against, in one run on one machine. Times are
//! wall-clock; a ratio is of medians.
//!
//! Run with `cargo bench --workspace --bench speed -- [--json] [--only PART] [--python PYTHON] [--live FIGURES]`. PYTHON
//! has numpy, and onnxruntime and torch for the rows that compare with them; FIGURES is what the bench `live` writes with
//! its option `--json`; PART is one of those in [`PARTS`].

mod growth;
mod hymn;
mod live;
mod network;
mod program;
mod table;
mod training;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use table::Row;

const PARTS: [&str; 7] = ["program", "wavenet", "lstm", "training", "growth", "hymn", "live"];

struct Options {
    json: bool,
    parts: Vec<String>,
    python: Option<PathBuf>,
    live: Option<PathBuf>,
}

fn main() -> Result<()> {
    trainer::train::leave_threads_to_shards();
    let options = options()?;
    let mut rows: Vec<Row> = Vec::new();
    for part in &options.parts {
        eprintln!("measuring: {part} ...");
        let python = options.python.as_deref();
        let measured = match part.as_str() {
            "program" => program::rows(),
            "training" => training::rows(python),
            "growth" => growth::rows(),
            "hymn" => hymn::rows(),
            "live" => options.live.as_deref().map_or(Ok(Vec::new()), live::rows),
            name => network::rows(name, python),
        };
        rows.extend(measured.with_context(|| part.clone())?);
    }
    let machine = machine(options.python.as_deref());
    if options.json {
        let live: Value = options.live.as_deref().map_or(Ok(Value::Null), live::read)?;
        let rows: Vec<Value> = rows.iter().map(Row::json).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "machine": machine, "rows": rows, "live": live }))?);
    } else {
        println!("{machine}");
        table::print(&rows);
    }
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options { json: false, parts: Vec::new(), python: None, live: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--json" => options.json = true,
            "--only" => options.parts.push(value()?),
            "--python" => options.python = Some(value()?.into()),
            "--live" => options.live = Some(value()?.into()),
            // What `cargo bench` adds by itself.
            "--bench" => {}
            other => bail!("unknown option '{other}': expected --json, --only, --python or --live"),
        }
    }
    for part in &options.parts {
        ensure!(PARTS.contains(&part.as_str()), "--only {part}: expected one of {}", PARTS.join(", "));
    }
    if options.parts.is_empty() {
        options.parts = PARTS.map(String::from).into();
    }
    Ok(options)
}

/// The processor, its cores, the system, and the versions of what is compared with.
fn machine(python: Option<&std::path::Path>) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix("model name")?.trim_start_matches([' ', '\t', ':']).to_string()))
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all =
        format!("{}, {cores} cores, {}", cpu.as_deref().unwrap_or(std::env::consts::ARCH), std::env::consts::OS);
    for package in ["onnxruntime", "torch"] {
        let script = format!("import importlib.metadata as m; print(m.version('{package}'))");
        let output = python.and_then(|python| Command::new(python).args(["-c", &script]).output().ok());
        if let Some(output) = output.filter(|output| output.status.success()) {
            all += &format!(", {package} {}", String::from_utf8_lossy(&output.stdout).trim());
        }
    }
    all
}
