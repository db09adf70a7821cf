//! `performer render`: melodies from files, harmonized in four parts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use chorale::harmony::Key;
use chorale::{Chord, Density, Part, Pitch};
use engraving::Piece;
use files::melody::{self, Choice, Fold, Melody, MelodyStep};
use files::{Direction, Ensemble, Grid, Kind, Metre, Note, Scoring, Source, Tick, parts, signature, transpose_keys};
use harmonizer::search::{self, Found, PARTICLES};
use harmonizer::{Arrangement, Harmonizer, Purpose, guard_for};
use network::Model;

use super::batch::{self, Job, Jobs, Row};
use super::options::ModelOptions;
use super::output::{OutputOptions, read_source};

/// Harmonizes melodies from MIDI and MusicXML files in four parts
///
/// The soprano stays as it is, note for note. Alto, tenor and bass are sought with the whole melody in view: many
/// harmonizations grow side by side, and those that foresee the melody best go on. With --live they are chosen step by
/// step, knowing only what came before. Tempo, metre and key are kept; the metre tells the network where the bar
/// begins, so it is worth having in the file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A file that holds the melody: MIDI (.mid) or MusicXML (.musicxml, .xml, .mxl). Or many: several files, folders
    /// (with what lies in them), patterns such as 'hymns/*.mid'
    #[arg(value_name = "MELODY", required = true)]
    melodies: Vec<String>,

    #[command(flatten)]
    output: OutputOptions,

    /// The track (in a score: the part) of the melody: its number (the first is 1), its name or a part of it. Without
    /// this it is the one named soprano or melody, else the one that lies highest
    #[arg(long, visible_alias = "part", value_name = "N|NAME")]
    track: Option<String>,

    /// The MIDI channel of the melody, 1 to 16; in a score the line within its part: voices from the top
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    channel: Option<u8>,

    /// Quarters before the first bar line, for files that don't tell: many notation programs write a pickup as if the
    /// first bar began with it
    #[arg(long, value_name = "QUARTERS", value_parser = pickup)]
    pickup: Option<f64>,

    /// Move the melody by so many semitones before it is harmonized, the key with it
    #[arg(long, value_name = "SEMITONES", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-36..=36))]
    transpose: Option<i32>,

    /// How many melodies to work on at once; without this as many as there are processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,

    /// The part that sings the melody: soprano, alto, tenor or bass. Around a lower part the others, soprano included, are
    /// found by the search, which draws sopranos until they fit
    #[arg(long, value_name = "PART", default_value = "soprano", value_parser = part_named, conflicts_with = "keep")]
    melody_part: Part,

    /// Choose as in live playing, without looking ahead
    #[arg(long, conflicts_with_all = ["particles", "alternatives", "keep"])]
    live: bool,

    /// How many harmonizations grow side by side: more is slower and better
    #[arg(long, value_name = "N", default_value_t = PARTICLES as u32, value_parser = clap::value_parser!(u32).range(1..=1024))]
    particles: u32,

    /// Write N different harmonizations, the best first, with _1, _2 and so on behind the name
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=99))]
    alternatives: Option<u16>,

    /// Keep the alto, tenor or bass that this file has (MIDI or MusicXML, tracks or parts so named), and find the others
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,

    /// Who sings the words: all parts, which strike each syllable, or the melody alone, under which the others hold on
    #[arg(long, value_name = "WHO", default_value = "all")]
    words: Words,

    /// Where the lower parts may move while the melody holds a note: never (still), on beats, on eighths or on sixteenths
    #[arg(long, value_name = "HOW", default_value = "sixteenths", value_parser = density)]
    density: Density,

    #[command(flatten)]
    model: ModelOptions,
}

/// See `--words`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Words {
    All,
    Melody,
}

const EXAMPLES: &str = "\
Examples:
  performer render tune.mid -o chorale.mid
      The melody of tune.mid with alto, tenor and bass, as four tracks; notes and piano roll on the terminal.
  performer render tune.mid -o other.mid --seed 2 --temperature 1.1
      Another harmonization of it, a bolder one. Each seed gives one, always the same.
  performer render band.mid -o chorale.mid --track Flute
  performer render band.mid -o chorale.mid --track 3 --channel 5
      The melody is in the track named Flute; in channel 5 of the third track.
  performer render hymn.mid -o chorale.mid --pickup 1
      The first note is an upbeat of a quarter, which the file keeps to itself.
  performer render hymn.musicxml -o hymn.mxl -o hymn.svg -o hymn.html -o hymn.wav --rehearsal
      A choir score with the words, a picture, a page that plays, and sound, with a rehearsal track for each part.
  performer render hymn.mid -o hymn.musicxml --staves 2 --key Eb --title \"Nun danket\" --marks
      Two staves as in a hymnal, in E flat major, with broken rules written over the notes.
  performer render hymn.mid -o low.mid --transpose -2
  performer render hymns/ -o harmonized/ --format mid,musicxml --jobs 4
      Every melody in a folder; what fails is listed at the end and the rest is done.
  performer render tune.mid -o chorale.mid --alternatives 4
      Four harmonizations, chorale_1.mid the best of them, and how they rank.
  performer render tune.mid -o chorale.mid --keep bass.mid
      The track named Bass of bass.mid stays; alto and tenor are found.
  performer render cantus.mid -o chorale.mid --melody-part tenor
      The melody is sung by the tenor; soprano, alto and bass are found around it.
  performer render tune.mid -o trio.musicxml --ranges SAB
  performer render tune.mid -o men.musicxml --ranges TTBB --staves 2
  performer render tune.mid -o chorale.mid --ranges S:C4-G5,B:G2-D4
      For three parts; for men; for a choir whose sopranos end at G5 and whose basses begin at G2.
  performer render tune.mid -o calm.mid --density beats
      While the melody holds a note, the other parts move on beats alone.
  performer render song.mxl -o song.musicxml --words melody
      One sings the words, the others hum.
  performer render tune.mid -o chorale.mid --live
      What you would have heard, had you played it.
  performer render tune.mid -o chorale.wav --soundfont choir.sf2
  performer render tune.mid -o chorale.mid --force --model lstm --quiet
      By the other network, over what is there, without a word.
  performer render tune.mid -o chorale.mid --particles 64 --min-p 0.05 --rule parallel-fifths=8 --rule crossing=0
      Sought longer, chosen more narrowly, parallel fifths next to never, crossed parts at will.
  performer render tune.mid -o chorale.mid --no-guard
  performer render tune.mid -o chorale.mid --json > notes.json";

pub fn run(mut args: Args) -> Result<()> {
    args.output.versions = args.alternatives.unwrap_or(0);
    let jobs = batch::jobs(&args.melodies, &args.output)?;
    let options = args.output.export_options()?;
    let model = args.model.model()?;
    let render = |job: &Job, say: &dyn Fn(&str)| -> Result<(Rendered, Vec<String>)> {
        let mut all = harmonize(&args, &job.input, Arc::clone(&model), say)?;
        let mut written = Vec::new();
        for (version, rendered) in (1..).zip(&all) {
            let targets = if args.alternatives.is_some() { &job.targets.version(version) } else { &job.targets };
            args.output.write(&rendered.piece, targets, &options)?;
            written.push(match rendered.nats {
                Some(Nats { with_rules, alone }) if args.alternatives.is_some() => format!(
                    "{}: {with_rules:.3} nats a note with the rules' costs, {alone:.3} by the network, {} marks",
                    targets.list(),
                    rendered.piece.marks.len()
                ),
                _ => targets.list(),
            });
        }
        Ok((all.remove(0), written))
    };
    if let Jobs::One(job) = &jobs {
        let (Rendered { piece, steps, seconds, .. }, written) = render(job, &|remark| args.output.say(remark))?;
        args.output.show(&piece)?;
        let notes = piece.score.part(piece.score.melody).len();
        let separator = if args.alternatives.is_some() { "\n" } else { ": " };
        args.output.say(&format!(
            "{}{separator}{notes} melody notes, {steps} steps harmonized in {seconds:.2} s",
            written.join("\n"),
        ));
        if let Some(wanted) = args.alternatives.map(usize::from).filter(|&wanted| wanted > written.len()) {
            args.output.say(&format!(
                "only {} of {wanted} harmonizations differ; others with another --seed or a higher --temperature",
                written.len()
            ));
        }
        return Ok(());
    }
    let Jobs::Many(jobs) = jobs else { return Ok(()) };
    if args.output.wants_json() {
        bail!("--json shows one piece; for many, --format json writes a file each");
    }
    batch::run(jobs, args.jobs, &args.output, |job, say| {
        let (Rendered { piece, steps, seconds, .. }, _) = render(job, say)?;
        Ok(Row { notes: piece.score.part(piece.score.melody).len(), steps, marks: piece.marks.len(), seconds })
    })
}

/// For a note of any part.
struct Nats {
    /// With what the rules take off.
    with_rules: f64,
    /// By the network.
    alone: f64,
}

/// A melody with its harmony.
struct Rendered {
    piece: Piece,
    steps: usize,
    /// None where it was not asked for the soprano.
    nats: Option<Nats>,
    /// That the network took.
    seconds: f64,
}

fn harmonize(args: &Args, path: &Path, model: Arc<Model>, say: &dyn Fn(&str)) -> Result<Vec<Rendered>> {
    let Args { output, track, channel, pickup, transpose, .. } = args;
    let mut file = read_source(path, say)?;
    let in_file = || path.display().to_string();
    let choice = Choice { track: track.clone(), channel: *channel };
    let mut melody = Melody::find(&file, &choice).with_context(in_file)?;
    output.amend(&mut file.title, &mut file.directions);
    // Many programs write C major into MIDI files that nobody has told them the key of.
    let is_default =
        |key: &Key| output.key.is_none() && file.kind == Kind::Midi && *key == Key { sharps: 0, minor: false };
    let found = melody.found_key();
    // Nor does a signature tell major from minor.
    let is_open = |key: &Key| is_default(key) || output.key.is_none() && found.minor && key.sharps == found.sharps;
    let told = signature(&file.directions).filter(|key| !is_open(key));
    let home = told.unwrap_or(found).transposed(transpose.unwrap_or(0));
    if let Some(semitones) = *transpose {
        melody = melody.transposed(semitones).map_err(|pitch| {
            anyhow!("--transpose {semitones} moves {pitch} of {} out of the range of MIDI", path.display())
        })?;
        transpose_keys(&mut file.directions, semitones);
    }
    let bars = match *pickup {
        Some(quarters) => with_pickup(&file, quarters, melody.first_onset()),
        None => file.directions.clone(),
    };
    let grid = Grid::new(file.ticks_per_quarter, &bars, melody.first_onset());
    let steps = melody::steps(&melody, &grid).with_context(in_file)?;
    melody.remarks.iter().for_each(|remark| say(remark));
    melody.all_sing = args.words == Words::All;
    let part = args.melody_part;
    let arrangement = Arrangement { ensemble: output.ranges, density: args.density };
    let ensemble = arrangement.ensemble;
    let name = ensemble.name(part).to_lowercase();
    if args.live && part != Part::Soprano {
        bail!("--live answers a soprano; without it the search harmonizes around the {name}");
    }
    if ensemble.silent() == Some(part) {
        bail!("--melody-part {name}: --ranges SAB leaves the tenor out; give the melody to another part");
    }
    let mut steps = steps;
    let is_usual = part == Part::Soprano && ensemble == Ensemble::default();
    match Fold::into_range(&steps, ensemble.range(part)) {
        Fold::Whole(0) => {}
        // What is played low is answered lower still; a choir can only sing it higher. Above a choir it may stay.
        Fold::Whole(octaves) if !is_usual || (octaves > 0 && !args.live) => {
            let as_it_lies =
                part_that_sings(&steps, ensemble).filter(|other| *other != part && ensemble.silent().is_none());
            let way_out = as_it_lies.map(|other| {
                let (sung, name) = (ensemble.name(other).to_lowercase(), other.name().to_lowercase());
                format!("; --melody-part {name} gives it to the {sung} as it lies")
            });
            melody = melody.transposed(12 * octaves).map_err(|pitch| anyhow!("{pitch} cannot be moved by octaves"))?;
            let (way, way_out) = (octaves_in_words(octaves), way_out.unwrap_or_default());
            say(&format!("the melody is moved {way}, into the range of the {name}{way_out}"));
            steps = melody::steps(&melody, &grid).with_context(in_file)?;
        }
        Fold::NoteByNote if !is_usual => say(&beyond_range(&melody, ensemble.range(part), &name)),
        _ => {}
    }
    let fold = if part == Part::Soprano { Fold::of(&steps) } else { Fold::Whole(0) };
    if let Some(remark) = fold.remark().filter(|_| ensemble.voicing == Scoring::Satb) {
        say(&remark);
    }

    let kept = match &args.keep {
        Some(path) => kept_parts(path, file.ticks_per_quarter, say)?,
        None => [const { None }; 4],
    };
    let before = Instant::now();
    let found: Vec<(Vec<Chord>, Option<Nats>)> = if args.live {
        let sampling = args.model.sampling(arrangement.guard(guard_for(&model, Purpose::Live)));
        let mut harmonizer = Harmonizer::new(model, sampling);
        vec![(harmonizer::harmonize(&steps, fold, &arrangement, &mut harmonizer).with_context(in_file)?, None)]
    } else {
        let tasks = match part {
            Part::Soprano => search::melody_tasks(&steps, fold, &kept, &arrangement),
            _ => search::tasks_around(&steps, part, &arrangement),
        };
        // What cannot be kept is the fault of the file that it is in.
        let mut tasks = tasks.with_context(|| match &args.keep {
            Some(kept) => format!("--keep {}", kept.display()),
            None => in_file(),
        })?;
        search::set_home(&mut tasks, home);
        let sampling = args.model.sampling(arrangement.guard(guard_for(&model, Purpose::Ahead)));
        let particles = args.particles as usize;
        let notes = 4.0 * steps.len() as f64;
        let found = search::alternatives(&model, sampling, &tasks, particles, args.alternatives.unwrap_or(1).into())?;
        let nats = |found: &Found| Nats { with_rules: -found.score() / notes, alone: -found.log_likelihood / notes };
        found.into_iter().map(|found| (found.chords.clone(), Some(nats(&found)))).collect()
    };
    let seconds = before.elapsed().as_secs_f64();
    let rendered = found.into_iter().map(|(chords, nats)| {
        let mut score =
            parts::score(&melody, part, &steps, &chords, fold, file.ticks_per_quarter, file.directions.clone());
        score.title.clone_from(&file.title);
        score.creators.clone_from(&file.creators);
        score.is_notated = file.kind == Kind::MusicXml;
        if output.key.is_none() {
            score.settle_mode();
        }
        for (part, kept) in score.parts.iter_mut().zip(&kept).skip(1) {
            if let Some(notes) = kept {
                part.clone_from(notes);
            }
        }
        let piece = Piece::new(score.sung_by(ensemble), grid.clone());
        Rendered { piece, steps: steps.len(), nats, seconds }
    });
    Ok(rendered.collect())
}

/// The lower part in whose range the melody lies.
fn part_that_sings(steps: &[MelodyStep], ensemble: Ensemble) -> Option<Part> {
    Part::LOWER.into_iter().find(|part| Fold::into_range(steps, ensemble.range(*part)) == Fold::Whole(0))
}

/// `an octave up`, `2 octaves down`.
fn octaves_in_words(octaves: i32) -> String {
    let many = if octaves.abs() == 1 { "an octave".into() } else { format!("{} octaves", octaves.abs()) };
    format!("{many} {}", if octaves > 0 { "up" } else { "down" })
}

/// That no octave of the melody suits its singers, and which key would.
fn beyond_range(melody: &Melody, (low, high): (Pitch, Pitch), name: &str) -> String {
    let pitches = || melody.notes.iter().map(|note| note.pitch);
    let (lowest, highest) = (pitches().min().unwrap_or(low), pitches().max().unwrap_or(high));
    let fits = |semitones: &i32| {
        let moved = |pitch: Pitch| pitch.transposed(*semitones);
        moved(lowest).is_some_and(|lowest| lowest >= low) && moved(highest).is_some_and(|highest| highest <= high)
    };
    let way_out = match (1..=18).flat_map(|semitones| [semitones, -semitones]).find(fits) {
        Some(semitones) => format!("--transpose {semitones} would bring it in"),
        None => "no key would bring it in".into(),
    };
    format!("the melody goes from {lowest} to {highest}, the {name} from {low} to {high}; {way_out}")
}

/// The lower parts that a file names, in ticks of so many a quarter.
fn kept_parts(path: &Path, ticks_per_quarter: u16, say: &dyn Fn(&str)) -> Result<[Option<Vec<Note>>; 4]> {
    let file = read_source(path, say)?;
    let mut parts = melody::named_parts(&file);
    parts[Part::Soprano.index()] = None;
    if parts.iter().all(Option::is_none) {
        bail!(
            "--keep {}: no {} in it is named Alto, Tenor or Bass; name those that are to stay",
            path.display(),
            file.kind.track()
        );
    }
    let scaled = |tick: Tick| {
        (u64::from(tick) * u64::from(ticks_per_quarter) / u64::from(file.ticks_per_quarter)).min(u32::MAX.into())
            as Tick
    };
    for note in parts.iter_mut().flatten().flatten() {
        (note.start, note.end) = (scaled(note.start), scaled(note.end).max(scaled(note.start) + 1));
    }
    Ok(parts)
}

/// The file's metre, beginning anew so many quarters after the first note.
fn with_pickup(file: &Source, quarters: f64, first_onset: Tick) -> Vec<(Tick, Direction)> {
    let metre = file.directions.iter().find_map(|(_, direction)| match direction {
        Direction::Metre(metre) => Some(*metre),
        _ => None,
    });
    let bar_line = first_onset + (quarters * f64::from(file.ticks_per_quarter)).round() as Tick;
    let mut directions = file.directions.clone();
    directions.push((bar_line, Direction::Metre(metre.unwrap_or(Metre::FOUR_FOUR))));
    directions.sort_by_key(|(tick, _)| *tick);
    directions
}

fn part_named(name: &str) -> Result<Part, String> {
    let part = Part::ALL.into_iter().find(|part| part.name().eq_ignore_ascii_case(name));
    part.ok_or_else(|| "expected soprano, alto, tenor or bass".into())
}

fn density(name: &str) -> Result<Density, String> {
    Ok(match name {
        "still" => Density::Still,
        "beats" => Density::Beats,
        "eighths" => Density::Eighths,
        "sixteenths" => Density::Sixteenths,
        _ => return Err("expected still, beats, eighths or sixteenths".into()),
    })
}

fn pickup(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(quarters) if (0.0..=16.0).contains(&quarters) => Ok(quarters),
        _ => Err("expected quarters, from 0 to 16, such as 1 or 0.5".into()),
    }
}
