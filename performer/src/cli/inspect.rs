//! `performer inspect`: which lines a file has, and which of them is the melody.

use std::path::PathBuf;

use anyhow::{Context, Result};
use arranger::{Choice, Tune};
use chorale::{Key, Pitch, Surroundings};
use files::Kind;
use files::melody::{Clue, Inspection, LineReport, inspect};
use serde_json::{Value, json};

use super::output::{self, print};

/// Lists the lines of a file and marks the one that render would take for the melody
///
/// A line is what a track has on one channel; in a score, a voice of a part. For each: its notes, their range, the part
/// of the piece in which it sounds, how many notes it has at once, the syllables under it, and what speaks for it in
/// points. Words and a name count most; drums are never the melody. --track and --channel choose another line, here as
/// in render.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  performer inspect song.mid
  performer inspect song.mid --track 3
  performer inspect band.mid --track Flute --channel 5
  performer inspect hymnal.abc --tune Eventide
  performer inspect song.mxl --json > lines.json")]
pub struct Args {
    /// A MIDI, MusicXML or ABC file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The tune of an ABC file that holds several: its number (X:), or a part of its title [default: the first]
    #[arg(long, value_name = "N|TITLE")]
    tune: Option<String>,

    /// Only this track (in a score: part): its number, from 1, its name or a part of it
    #[arg(long, visible_alias = "part", value_name = "N|NAME")]
    track: Option<String>,

    /// Only this MIDI channel, 1 to 16; in a score the line within its part
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    channel: Option<u8>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let tune = output::open(&args.file, args.tune.as_deref(), output::tell)?;
    let choice = Choice { track: args.track, channel: args.channel };
    let inspection = inspect(&tune.source, &choice).with_context(|| tune.name.clone())?;
    let text = if args.json {
        serde_json::to_string_pretty(&in_json(&tune, &inspection))? + "\n"
    } else {
        table(&tune, &inspection)
    };
    print(&text)
}

/// A cell of the table, and whether it is set to the right.
type Cell = (String, bool);

fn table(tune: &Tune, Inspection { lines, remarks }: &Inspection) -> String {
    let kind = tune.source.kind;
    let mut text = rows(&[vec![heading(kind)], lines.iter().map(|line| row(tune, line)).collect()].concat());
    text += "\nWhat speaks for each, in points:\n";
    let names = Clue::ALL.iter().map(|clue| (clue.name().to_owned(), true));
    let heading: Vec<Cell> = [(String::new(), false), (kind.track().into(), true), (kind.line().into(), true)]
        .into_iter()
        .chain(names)
        .chain([("points".into(), true)])
        .collect();
    let points = |line: &LineReport| -> Vec<Cell> {
        let places = [line.track.to_string(), line.channel.to_string()].map(|place| (place, true));
        let points = line
            .evidence
            .0
            .iter()
            .chain([&line.evidence.points()])
            .map(|points| (format!("{points:.1}"), true))
            .collect::<Vec<_>>();
        [(mark(line).into(), false)].into_iter().chain(places).chain(points).collect()
    };
    text += &rows(&[vec![heading], lines.iter().map(points).collect()].concat());
    text.push('\n');
    match lines.iter().find(|line| line.taken.is_some()) {
        Some(line) => {
            let why = line.taken.as_deref().unwrap_or_default();
            text += &format!("* {} is the melody, {why}", place(kind, line));
            if lines.len() > 1 {
                text += &format!("; {} choose another", kind.options());
            }
            text += ".\n";
        }
        None => text += "None of them is the melody.\n",
    }
    for (line, lender) in lines.iter().filter_map(|line| Some((line, line.words_of?))) {
        text +=
            &format!("{} has no words of its own and sings those of {} {lender}.\n", place(kind, line), kind.track());
    }
    for remark in remarks {
        text += &format!("{remark}\n");
    }
    text
}

fn heading(kind: Kind) -> Vec<Cell> {
    let right = |text: &str| (text.to_owned(), true);
    let mut cells = vec![(String::new(), false), right(kind.track()), right(kind.line())];
    if kind == Kind::MusicXml {
        cells.push(right("staff"));
        cells.push(right("voice"));
    }
    cells.push(("name".into(), false));
    cells.push(right("notes"));
    cells.push(("range".into(), false));
    cells.extend(["sounds", "at once", "words"].map(right));
    cells
}

fn row(tune: &Tune, line: &LineReport) -> Vec<Cell> {
    let kind = tune.source.kind;
    let right = |text: String| (text, true);
    let mut cells = vec![(mark(line).into(), false), right(line.track.to_string()), right(line.channel.to_string())];
    if kind == Kind::MusicXml {
        let (staff, voice) = line.place.clone().unwrap_or((1, "1".into()));
        cells.push(right(staff.to_string()));
        cells.push(right(voice));
    }
    let name = line.name.clone().unwrap_or_default();
    cells.push((if line.is_percussion { format!("{name} (drums)").trim().into() } else { name }, false));
    cells.push(right(line.notes.to_string()));
    cells.push((format!("{}-{}", named(tune, line.lowest), named(tune, line.highest)), false));
    cells.push(right(format!("{:.0} %", 100.0 * line.coverage)));
    cells.push(right(line.at_once.to_string()));
    cells.push(right(line.words_of.map_or_else(|| line.words.to_string(), |lender| format!("as {lender}"))));
    cells
}

/// As the file's signature writes it.
fn named(tune: &Tune, pitch: Pitch) -> String {
    let spelled = |key: Key| key.spell(pitch, Surroundings::default()).to_string();
    files::signature(&tune.source.directions).map_or_else(|| pitch.name(), spelled)
}

fn mark(line: &LineReport) -> &'static str {
    if line.taken.is_some() { "*" } else { "" }
}

fn place(kind: Kind, line: &LineReport) -> String {
    let name = line.name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
    format!("{} {}{name} {} {}", kind.track(), line.track, kind.line(), line.channel)
}

/// In columns that are as wide as their widest cell.
fn rows(rows: &[Vec<Cell>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| text.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<Cell>| {
        let cells = row.iter().zip(&widths).map(|((text, to_the_right), &width)| match to_the_right {
            true => format!("{text:>width$}"),
            false => format!("{text:<width$}"),
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn in_json(tune: &Tune, Inspection { lines, remarks }: &Inspection) -> Value {
    let kind = tune.source.kind;
    let line = |line: &LineReport| {
        let evidence: serde_json::Map<String, Value> = Clue::ALL
            .iter()
            .zip(line.evidence.0)
            .map(|(clue, points)| (clue.name().to_owned(), rounded(points)))
            .collect();
        json!({
            kind.track(): line.track,
            kind.line(): line.channel,
            "staff": line.place.as_ref().map(|(staff, _)| staff),
            "voice": line.place.as_ref().map(|(_, voice)| voice),
            "name": line.name,
            "notes": line.notes,
            "lowest": named(tune, line.lowest),
            "highest": named(tune, line.highest),
            "coverage": rounded(line.coverage),
            "at_once": line.at_once,
            "words": line.words,
            "words_of": line.words_of,
            "percussion": line.is_percussion,
            "evidence": evidence,
            "points": rounded(line.evidence.points()),
            "taken": line.taken.is_some(),
            "why": line.taken,
        })
    };
    json!({
        "file": tune.name,
        "title": tune.source.title,
        "lines": lines.iter().map(line).collect::<Vec<Value>>(),
        "remarks": tune.source.remarks.iter().chain(remarks).collect::<Vec<_>>(),
    })
}

/// To hundredths.
fn rounded(value: f64) -> Value {
    json!((100.0 * value).round() / 100.0)
}
