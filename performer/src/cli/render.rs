//! `performer render`: melodies from files, harmonized in four parts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use arranger::{Arrangement, Choice, Chords, HarmonicRhythm, Method, Nats, Options, Tune};
use chorale::{Density, Part};
use engraving::ExportOptions;
use files::NamedKey;
use files::musicxml::Layout;
use harmonizer::search::PARTICLES;
use network::Model;

use super::again::AgainOptions;
use super::batch::{self, Job, Jobs, Row};
use super::options::{ModelOptions, part_named, whole};
use super::output::{self, OUTPUT, OutputOptions};
use super::share::{Report, Share};
use super::targets::{NewFolders, folder_of, full};

const MELODY: &str = "Melody";
const HARMONY: &str = "Harmony";

/// Harmonizes melodies from MIDI, MusicXML and ABC files in four parts
///
/// The soprano stays as it is, note for note. Alto, tenor and bass are sought with the whole melody in view: many
/// harmonizations grow side by side, and those that foresee the melody best go on. With --live they are chosen step by
/// step, knowing only what came before. Tempo, metre and key are kept; the metre tells the network where the bar
/// begins, so it is worth having in the file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A file that holds the melody: MIDI (.mid), MusicXML (.musicxml, .xml, .mxl) or ABC (.abc); stdin is -. Or many:
    /// several files, folders (with what lies in them), patterns such as 'hymns/*.mid'
    #[arg(value_name = "MELODY", required = true)]
    melodies: Vec<String>,

    #[command(flatten)]
    output: OutputOptions,

    /// The track (in a score: the part) of the melody: its number (the first is 1), its name or a part of it. Without
    /// this it is the one for which most speaks: words, its name, its notes; `performer inspect` shows it
    #[arg(long, visible_alias = "part", value_name = "N|NAME", help_heading = MELODY)]
    track: Option<String>,

    /// The tune of an ABC file that holds several: its number (X:), or a part of its title; or all, each into a file of its
    /// own, in a folder [default: the first]
    #[arg(long, value_name = "N|TITLE|all", help_heading = MELODY)]
    tune: Option<String>,

    /// The MIDI channel of the melody, 1 to 16; in a score the line within its part: voices from the top
    #[arg(long, value_name = "N", value_parser = whole(1_u8, 16), allow_negative_numbers = true, help_heading = MELODY)]
    channel: Option<u8>,

    /// Quarters before the first bar line, less than a bar: many notation programs write a pickup as if the first bar began
    /// with it [default: as the file has it]
    #[arg(long, value_name = "QUARTERS", value_parser = pickup, allow_negative_numbers = true, help_heading = MELODY)]
    pickup: Option<f64>,

    /// Move the melody by so many semitones before it is harmonized, the key with it
    #[arg(long, value_name = "SEMITONES", allow_negative_numbers = true, default_value_t = 0, value_parser = semitones, help_heading = MELODY)]
    transpose: i32,

    /// How many melodies to work on at once [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = whole(1_u16, 256), allow_negative_numbers = true, help_heading = OUTPUT)]
    jobs: Option<u16>,

    /// Of many melodies the I-th of N shares alone, by their paths, so that N machines share the work: 3/16
    /// [default: all]
    #[arg(long, value_name = "I/N", help_heading = OUTPUT)]
    shard: Option<Share>,

    /// A file that gets a line of JSON for each melody as soon as it is done, behind what it has already
    /// [default: none]
    #[arg(long, value_name = "FILE.jsonl", help_heading = OUTPUT)]
    report: Option<PathBuf>,

    /// The part that sings the melody: soprano, alto, tenor or bass. Around a lower part the others, soprano included, are
    /// found by the search, which draws sopranos until they fit
    #[arg(long, value_name = "PART", default_value = "soprano", value_parser = part_named, conflicts_with = "keep", help_heading = MELODY)]
    melody_part: Part,

    /// Choose as in live playing, without looking ahead
    #[arg(long, conflicts_with_all = ["particles", "alternatives", "keep"], help_heading = HARMONY)]
    live: bool,

    /// How many harmonizations grow side by side: more is slower and better
    #[arg(long, value_name = "N", default_value_t = PARTICLES as u32, value_parser = whole(1_u32, 1024), allow_negative_numbers = true, help_heading = HARMONY)]
    particles: u32,

    /// Write N different harmonizations with _1, _2 and so on behind the name, the best first: the likeliest to the network and
    /// by the rules, with the fewest faults [default: one]
    #[arg(long, value_name = "N", value_parser = whole(2_u16, 99), allow_negative_numbers = true, help_heading = HARMONY)]
    alternatives: Option<u16>,

    /// Keep the alto, tenor or bass that this file has (MIDI, MusicXML or ABC; tracks, parts or voices so named), and find the others
    #[arg(long, value_name = "FILE", help_heading = HARMONY)]
    keep: Option<PathBuf>,

    /// Who sings the words: all parts, which strike each syllable, or the melody alone, under which the others hold on
    #[arg(long, value_name = "WHO", default_value = "all", help_heading = HARMONY)]
    words: Words,

    /// Where the lower parts may move while the melody holds a note: never (still), on beats, on eighths or on sixteenths
    #[arg(long, value_name = "HOW", default_value = "sixteenths", value_parser = density, help_heading = HARMONY)]
    density: Density,

    /// The chords to keep to, as far as the melody and the rules of part-writing let them: letters or degrees of the key, with
    /// bar lines where a bar has several, such as "| C Am | F G7/D |" or "| I vi | IV V43 |" (. holds a chord, % repeats a
    /// bar, N.C. leaves it free); they begin again where the melody goes on. Or file: the chord symbols of the file
    /// [default: whichever suit the melody]
    #[arg(long, value_name = "CHORDS|file", conflicts_with = "live", help_heading = HARMONY)]
    chords: Option<String>,

    /// The fastest that chords may follow each other: bar, half (a bar) or beat. Between, the lower parts hold whatever the
    /// melody does; --density says where they move while it holds [default: as often as it suits]
    #[arg(long, value_name = "HOW", value_parser = harmonic_rhythm, conflicts_with = "live", help_heading = HARMONY)]
    harmonic_rhythm: Option<HarmonicRhythm>,

    #[command(flatten)]
    again: AgainOptions,

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
  performer render tune.mid
      The same into tune-chorale.mid beside it, or tune-chorale-2.mid if that is there.
  performer render - -o - --format musicxml < tune.mid > chorale.musicxml
      From stdin to stdout. What is read shows by itself whether it is MIDI, MusicXML or ABC.
  performer render tune.mid -o other.mid --seed 2 --temperature 1.1
      Another harmonization of it, a bolder one. Each seed gives one, always the same.
  performer render band.mid -o chorale.mid --track Flute
  performer render band.mid -o chorale.mid --track 3 --channel 5
      The melody is in the track named Flute; in channel 5 of the third track.
  performer render hymnal.abc -o chorale.mid --tune 12
  performer render hymnal.abc -o chorale.mid --tune \"Old Hundredth\"
      Of a file of many tunes the one with that number or title.
  performer render hymnal.abc -o hymns/ --tune all --format musicxml
      Every tune of it: hymns/hymnal-1.musicxml and so on.
  performer render hymn.mid -o chorale.mid --pickup 1
      The first note is an upbeat of a quarter, which the file keeps to itself.
  performer render hymn.musicxml -o hymn.mxl -o hymn.svg -o hymn.html -o hymn.wav --rehearsal
      A choir score with the words, a picture, a page that plays, and sound, with a rehearsal track for each part.
  performer render hymn.musicxml -o hymn.pdf -o hymn.score.svg -o hymn.ogg -o hymn.mp3 --rehearsal
      An engraved score, also as a picture, and compressed sound, where MuseScore, oggenc, lame or ffmpeg are installed.
  performer render hymn.mid -o hymn.musicxml --staves 2 --key Eb --title \"Nun danket\" --marks
      Two staves as in a hymnal, in E flat major, with broken rules written over the notes.
  performer render hymn.mid -o low.mid --transpose -2
  performer render hymns/ -o harmonized/ --format mid,musicxml --jobs 4
      Every melody in a folder; what fails is listed at the end and the rest is done. Without -o into hymns-chorales. The same
      call again goes on where it was cut off: what is there stays, and --force harmonizes it again.
  performer render hymns/ -o harmonized/ --shard 3/16 --report harmonized-3.jsonl
      The third of sixteen shares, for as many machines, with a line for each melody in a file for programs.
  performer render tune.mid -o chorale.mid --alternatives 4
      Four harmonizations, chorale_1.mid the best of them, and how they rank.
  performer render tune.mid -o chorale.mid --keep bass.mid
      The track named Bass of bass.mid stays; alto and tenor are found.
  performer render chorale.mid -o better.mid --bars 5-8
  performer render chorale.mid -o better.mid --bars 2,5-8 --redo alto,tenor --alternatives 3
      Of a piece in four parts alto, tenor and bass of bars 5 to 8 anew, or alto and tenor of some bars in three versions;
      every other note stays as it is.
  performer render chorale.mid -o better.mid --fix alto:5:3=F#4
      The alto's note in bar 5 on beat 3 becomes F#4, and tenor and bass follow where they must.
  performer render cantus.mid -o chorale.mid --melody-part tenor
      The melody is sung by the tenor; soprano, alto and bass are found around it.
  performer render tune.mid -o trio.musicxml --ranges SAB
  performer render tune.mid -o men.musicxml --ranges TTBB --staves 2
  performer render tune.mid -o chorale.mid --ranges S:C4-G5,B:G2-D4
      For three parts; for men; for a choir whose sopranos end at G5 and whose basses begin at G2.
  performer render tune.mid -o calm.mid --density beats
      While the melody holds a note, the other parts move on beats alone.
  performer render song.musicxml -o choir.musicxml --chords file
  performer render tune.mid -o chorale.mid --chords \"| C Am | F G7 | C F | G7 C |\"
  performer render tune.mid -o chorale.mid --chords \"| I vi | ii65 V7 | I |\"
      With the chord symbols of the file, or with these chords; what could not be kept to is told.
  performer render song.musicxml -o song.mid --harmonic-rhythm bar --words melody
      One chord a bar, as under a pop song, whatever the melody does.
  performer render song.mxl -o song.musicxml --words melody
      One sings the words, the others hum.
  performer render tune.mid -o chorale.mid --live
      What you would have heard, had you played it.
  performer render tune.mid -o chorale.wav --soundfont choir.sf2
  performer render tune.mid -o chorale.mid --program organ
  performer render tune.mid -o chorale.mid --force --model lstm --quiet
      By the other network, over what is there, without a word.
  performer render tune.mid -o chorale.mid --particles 64 --min-p 0.05
  performer render tune.mid -o chorale.mid --rule parallel-fifths=8 --rule crossing=0
      Sought longer and chosen more narrowly; parallel fifths next to never, crossed parts at will.
  performer render tune.mid -o chorale.mid --no-guard
  performer render tune.mid -o chorale.mid --json > notes.json";

pub fn run(mut args: Args) -> Result<()> {
    args.output.versions = args.alternatives.unwrap_or(0);
    let jobs = batch::jobs(&args.melodies, args.tune.as_deref(), args.shard, &args.output)?;
    args.check_kept(&jobs)?;
    let options = args.output.export_options()?;
    if let Some(job) = jobs.all().next() {
        args.output.tell_program(&job.targets);
    }
    let model = args.model.model()?;
    let render = |job: &Job, say: &dyn Fn(&str)| -> Result<Rendered> {
        let Harmonized { mut all, seconds, place, home, layout } = harmonize(&args, job, &model, say)?;
        let options = ExportOptions { layout: args.output.layout(layout), ..options.clone() };
        let (mut written, mut files) = (Vec::new(), Vec::new());
        for (version, rendered) in (1..).zip(&mut all) {
            rendered.piece.score.program = args.output.program;
            let targets = if args.alternatives.is_some() { &job.targets.version(version) } else { &job.targets };
            args.output.write(&rendered.piece, targets, &options)?;
            files.extend(args.output.files(targets));
            written.push(match rendered.nats {
                Some(nats) if args.alternatives.is_some() => rank(&targets.list(), nats, rendered.piece.marks.len()),
                _ => targets.list(),
            });
        }
        Ok(Rendered { best: all.remove(0), written, files, seconds, place, home })
    };
    match &jobs {
        Jobs::One(_) if args.shard.is_some() => {
            bail!("--shard is for many melodies; name a folder, several files or a pattern")
        }
        Jobs::Many(..) if args.output.wants_json() => {
            bail!("--json shows one piece; for many, --format json writes a file each")
        }
        _ => {}
    }
    let report = args.report(&jobs)?;
    if let Jobs::One(job) = &jobs {
        let rendered = render(job, &|remark| args.output.say(remark));
        let row = rendered.as_ref().map(|rendered| Some(rendered.row())).map_err(|error| anyhow!("{error:#}"));
        let added = report.map(|report| report.add(&job.input.display().to_string(), Vec::new, &row)).transpose();
        let Rendered { best: Arrangement { piece, steps, .. }, written, seconds, home, .. } = rendered?;
        added?;
        args.output.show(&piece)?;
        let notes = piece.score.part(piece.score.melody).len();
        let notes = if notes == 1 { "1 melody note".into() } else { format!("{notes} melody notes") };
        let key = home.map(|home| format!(" in {home}")).unwrap_or_default();
        let separator = if args.alternatives.is_some() { "\n" } else { ": " };
        let written_to = written.join("\n");
        args.output.say(&format!("{written_to}{separator}{notes}{key}, {steps} steps harmonized in {seconds:.2} s"));
        if args.alternatives.is_some() {
            args.output.say(RANKS);
        }
        if let Some(wanted) = args.alternatives.map(usize::from).filter(|&wanted| wanted > written.len()) {
            args.output.say(&format!(
                "only {} of {wanted} harmonizations differ; others with another --seed or a higher --temperature",
                written.len()
            ));
        }
        return Ok(());
    }
    let Jobs::Many(folder, jobs) = jobs else { return Ok(()) };
    batch::run((folder, jobs), (args.jobs, report), &args.output, |job, say| Ok(render(job, say)?.row()))
}

/// What the first of several harmonizations is first in.
const RANKS: &str = "the smallest number comes first: how unlikely the notes are to the network (0 would be certain), what they \
                     cost by the rules and habits, and 4 for each fault (a mark is one, a beginning or end of a phrase that \
                     is missed is two), all by the number of notes";

/// How one of several harmonizations stands.
fn rank(files: &str, Nats { alone, with_rules, with_faults }: Nats, marks: usize) -> String {
    let (rules, faults) = (with_rules - alone, with_faults - with_rules);
    let marks = if marks == 1 { "1 mark".into() } else { format!("{marks} marks") };
    format!(
        "{files}: {with_faults:.3} = {alone:.3} by the network + {rules:.3} by the rules + {faults:.3} for faults; {marks}"
    )
}

/// What became of a melody.
struct Rendered {
    best: Arrangement,
    /// The files, for people, an entry for each harmonization.
    written: Vec<String>,
    /// All of them, rehearsal tracks included.
    files: Vec<PathBuf>,
    /// That the harmonizing took.
    seconds: f64,
    /// Which line of the file is the melody.
    place: String,
    /// The key in which it begins and ends; none for a piece that had its parts already.
    home: Option<NamedKey>,
}

impl Rendered {
    /// Of the best.
    fn row(&self) -> Row {
        let Rendered { best: Arrangement { piece, steps, .. }, files, seconds, place, .. } = self;
        let notes = piece.score.part(piece.score.melody).len();
        let (marks, place, files) = (piece.marks.len(), place.clone(), files.clone());
        Row { notes, steps: *steps, marks, seconds: *seconds, place, files }
    }
}

/// The harmonizations of a melody, the best first, and the rest as in [`Rendered`].
struct Harmonized {
    all: Vec<Arrangement>,
    seconds: f64,
    place: String,
    home: Option<NamedKey>,
    /// How a score of it is laid out where nobody says.
    layout: Layout,
}

fn harmonize(args: &Args, job: &Job, model: &Arc<Model>, say: &dyn Fn(&str)) -> Result<Harmonized> {
    let tune = output::open(&job.input, job.tune.as_deref(), say)?;
    if args.again.is_wanted() {
        let before = Instant::now();
        let (all, place) = args.again.apply(&tune, &args.options(None), model)?;
        all[0].remarks.iter().for_each(|remark| say(remark));
        return Ok(Harmonized {
            all,
            seconds: before.elapsed().as_secs_f64(),
            place,
            home: None,
            layout: tune.layout(),
        });
    }
    let kept = args.keep.as_deref().map(|path| output::open(path, None, say)).transpose()?;
    let cantus = tune.choose(&args.options(kept))?;
    cantus.remarks.iter().for_each(|remark| say(remark));
    let before = Instant::now();
    let all = cantus.harmonize(model)?;
    all[0].remarks.iter().for_each(|remark| say(remark));
    let (seconds, layout) = (before.elapsed().as_secs_f64(), Layout::default());
    Ok(Harmonized { all, seconds, place: cantus.place().to_owned(), home: Some(cantus.named_home()), layout })
}

impl Args {
    /// Refuses to write over the parts that are kept.
    fn check_kept(&self, jobs: &Jobs) -> Result<()> {
        let Some(kept) = &self.keep else { return Ok(()) };
        let is_kept = |file: &PathBuf| full(file) == full(kept);
        match jobs.all().flat_map(|job| self.output.all_files(&job.targets)).find(is_kept) {
            Some(file) => {
                bail!("--output {} is the file that --keep reads; choose another name", file.display())
            }
            None => Ok(()),
        }
    }

    /// The `--report`, opened before any work is done; not into what is read or written.
    fn report(&self, jobs: &Jobs) -> Result<Option<Report>> {
        let Some(path) = &self.report else { return Ok(None) };
        let jobs: Vec<&Job> = jobs.all().collect();
        let is_report = |file: &Path| full(file) == full(path);
        if jobs.iter().map(|job| &job.input).chain(&self.keep).any(|file| is_report(file)) {
            bail!("--report {} is a file that is read; choose another name", path.display());
        }
        if jobs.iter().flat_map(|job| self.output.all_files(&job.targets)).any(|file| is_report(&file)) {
            bail!("--report {} is a file that --output writes; choose another name", path.display());
        }
        let mut folders = NewFolders::default();
        if self.output.is_in_new_folder(path) {
            folders.make(folder_of(path)).with_context(|| format!("--report {}", path.display()))?;
        }
        let report = Report::open(path)?;
        folders.kept();
        Ok(Some(report))
    }

    fn options(&self, kept: Option<Tune>) -> Options {
        Options {
            melody: Choice { track: self.track.clone(), channel: self.channel },
            pickup: self.pickup,
            transpose: self.transpose,
            heading: self.output.heading(),
            ensemble: self.output.ranges,
            density: self.density,
            harmonic_rhythm: self.harmonic_rhythm,
            chords: match self.chords.as_deref() {
                None => Chords::Found,
                Some(text) if text.eq_ignore_ascii_case("file") => Chords::OfFile,
                Some(text) => Chords::Given(text.to_owned()),
            },
            part: self.melody_part,
            kept,
            all_sing: self.words == Words::All,
            method: match self.live {
                true => Method::Live,
                false => Method::Ahead {
                    particles: self.particles as usize,
                    alternatives: self.alternatives.unwrap_or(1).into(),
                },
            },
            freedom: self.model.freedom(),
        }
    }
}

fn semitones(text: &str) -> Result<i32, String> {
    let expected = |_| "expected semitones from -36 to 36, such as -2, or 12 for an octave up".to_owned();
    whole(-36, 36)(text).map_err(expected)
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

fn harmonic_rhythm(name: &str) -> Result<HarmonicRhythm, String> {
    Ok(match name {
        "bar" => HarmonicRhythm::Bar,
        "half" => HarmonicRhythm::Half,
        "beat" => HarmonicRhythm::Beat,
        _ => return Err("expected bar, half or beat".into()),
    })
}

fn pickup(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(quarters) if (0.0..=16.0).contains(&quarters) => Ok(quarters),
        _ => Err("expected quarters, from 0 to 16, such as 1 or 0.5".into()),
    }
}
