//! How live playing stands up to hands: six melodies, fingers of 0, 20 and 40 ms deviation, four clocks, both networks,
//! in virtual time. What each column means stands at `tests::hands::Measures`.
//!
//!     cargo run --release --bin hands -- [--seeds N] [--notes N] [--clock NAME] [--network NAME] [--sd MS]
//!                                                    [--tune NAME] [--scene NAME|all] [--each] [--json]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chorale::{Chord, Part};
use files::melody::Fold;
use harmonizer::parallel::on_all_cores;
use harmonizer::{Constraints, Harmonizer, Purpose, Sampling, guard_for, harmonize};
use network::Model;
use session::clock::{self, ClockSource};
use session::{Below, KeyboardSplit, Settings};
use tests::hands::{Manner, Measures, Plan, RATE, Written, judge, perform};
use tests::tune::{Tune, midi_file};

/// Hymns in quarters with and without eighths, dotted notes, running eighths, 3/4 and 6/8.
const TUNES: [&str; 6] = ["old_hundredth", "ein_feste_burg", "austria", "running", "amazing_grace", "greensleeves"];
const RUNNING: Tune = Tune {
    name: "Melody",
    tempo: 80,
    sharps: 1,
    quarters: 4,
    notes: "
        G4/8 A4/8 B4/8 C5/8 D5/8 C5/8 B4/8 A4/8 | G4/8 B4/8 D5/8 B4/8 G4/4 D5/4 |
        E5/8 D5/8 C5/8 B4/8 A4/8 B4/8 C5/8 A4/8 | B4/8 A4/8 G4/8 A4/8 B4/4 G4/4 |
        A4/8 B4/8 C5/8 D5/8 E5/8 D5/8 C5/8 B4/8 | A4/8 C5/8 B4/8 A4/8 G4/8 F#4/8 G4/8 E4/8 |
        D4/8 F#4/8 A4/8 C5/8 B4/8 A4/8 G4/8 F#4/8 | G4/2. r/4 |",
};
const CLOCKS: [(&str, ClockSource); 4] = [
    ("own", ClockSource::Internal),
    ("strict", ClockSource::Strict),
    ("midi", ClockSource::Midi),
    ("follow", ClockSource::Follow),
];
const NETWORKS: [&str; 2] = ["wavenet", "lstm"];
const DEVIATIONS: [f64; 3] = [0.0, 20.0, 40.0];
const SCENES: [&str; 11] =
    ["plain", "rubato", "detached", "chords", "bass", "trills", "repeats", "grace", "wrong", "leaps", "pedal"];

/// Below the lowest key of the melodies.
const SPLIT: u8 = 57;

struct Request {
    seeds: u64,
    notes: usize,
    clock: Option<String>,
    network: Option<String>,
    sd: Option<f64>,
    tune: Option<String>,
    scene: String,
    each: bool,
    json: bool,
}

/// One performance of one melody.
struct Job<'a> {
    written: &'a Written,
    clock: (&'static str, ClockSource),
    network: &'static str,
    model: Arc<Model>,
    scene: &'static str,
    sd: f64,
    seed: u64,
}

fn main() -> Result<()> {
    let request = Request::read(std::env::args().skip(1))?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tunes");
    let open = |path: &PathBuf| match path.file_stem() {
        Some(name) if name == "running" => Written::read("running.mid", &midi_file(&RUNNING)),
        _ => Written::open(path),
    };
    let is_asked = |name: &str, asked: &Option<String>| asked.as_ref().is_none_or(|asked| asked == name);
    let paths =
        TUNES.iter().filter(|name| is_asked(name, &request.tune)).map(|name| folder.join(format!("{name}.abc")));
    let paths: Vec<PathBuf> = match &request.tune {
        Some(file) if file.contains('.') => vec![file.into()],
        _ => paths.collect(),
    };
    let tunes: Vec<Written> =
        paths.iter().map(|path| Ok(open(path)?.shortened(request.notes))).collect::<Result<_>>()?;
    let mut jobs = Vec::new();
    for scene in SCENES.into_iter().filter(|name| request.scene == "all" || request.scene == *name) {
        for clock in CLOCKS.into_iter().filter(|(name, _)| is_asked(name, &request.clock)) {
            for network in NETWORKS.into_iter().filter(|name| is_asked(name, &request.network)) {
                let model = Arc::new(if network == "lstm" { Model::lstm()? } else { Model::wavenet()? });
                for sd in DEVIATIONS.into_iter().filter(|sd| request.sd.is_none_or(|asked| asked == *sd)) {
                    for written in &tunes {
                        let model = || Arc::clone(&model);
                        let job = |seed| Job { written, clock, network, model: model(), scene, sd, seed };
                        jobs.extend((0..request.seeds).map(job));
                    }
                }
            }
        }
    }
    let results = on_all_cores(&jobs, |_, job| job.play())?;
    print(&jobs, &results, &request)
}

impl Request {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Request> {
        let mut request = Request {
            seeds: 1,
            notes: usize::MAX,
            clock: None,
            network: None,
            sd: None,
            tune: None,
            scene: "plain".into(),
            each: false,
            json: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value"));
            match word.as_str() {
                "--seeds" => request.seeds = value()?.parse()?,
                "--notes" => request.notes = value()?.parse()?,
                "--clock" => request.clock = Some(value()?),
                "--network" => request.network = Some(value()?),
                "--sd" => request.sd = Some(value()?.parse()?),
                "--tune" => request.tune = Some(value()?),
                "--scene" => request.scene = value()?,
                "--each" => request.each = true,
                "--json" => request.json = true,
                _ => bail!("unknown option {word}"),
            }
        }
        Ok(request)
    }
}

impl Job<'_> {
    /// What was measured, and how many lower notes a beat has in `render --live`.
    fn play(&self) -> Result<(Measures, f64)> {
        let mut manner = Manner { sd: self.sd, master: self.clock.1 == ClockSource::Midi, ..Manner::default() };
        let clock = clock::Settings { source: self.clock.1, rate: RATE, tempo: manner.bpm, first: self.written.first };
        let mut settings = Settings::new(clock);
        let sampling = Sampling { guard: guard_for(&self.model, Purpose::Live), ..Sampling::default() };
        let harmonizer = Harmonizer::new(Arc::clone(&self.model), Sampling { seed: self.seed, ..sampling });
        let fold = Fold::of(&self.written.steps);
        let chords = harmonize(&self.written.steps, fold, &Constraints::default(), &mut harmonizer.clone())?;
        match self.scene {
            "plain" => {}
            "rubato" => manner.rubato = 8.0,
            "detached" => manner.legato = 0.0,
            "chords" => manner.chord = vec![5, 9, 24],
            "bass" => {
                settings.split = Some(KeyboardSplit { key: SPLIT, channel: 4, below: Below::Bass });
                manner.left_hand = bass_line(&chords);
            }
            "trills" => manner.trill = 0.3,
            "repeats" => (manner.repeat, manner.repeat_hz) = (0.3, 12.0),
            "grace" => manner.grace = 0.3,
            "wrong" => manner.wrong = 0.15,
            "leaps" => (manner.leap, manner.legato) = (0.15, 1.0),
            "pedal" => manner.pedal = true,
            _ => bail!("no scene {}", self.scene),
        }
        let plan = Plan::new(self.written, &manner, self.seed);
        let heard = perform(&plan, settings, harmonizer, self.seed)?;
        Ok((judge(&plan, &heard), self.rendered_per_beat(&chords)))
    }

    /// Lower notes struck a beat where the melody lies on the grid.
    fn rendered_per_beat(&self, chords: &[Chord]) -> f64 {
        let steps = &self.written.steps;
        let struck = (0..chords.len()).map(|step| {
            let begins =
                |part: &&Part| step == 0 || steps[step].restruck || chords[step][**part] != chords[step - 1][**part];
            Part::LOWER.iter().filter(begins).count()
        });
        struck.sum::<usize>() as f64 / (chords.len() as f64 / 4.0)
    }
}

/// Starts, lengths and keys in sixteenths.
fn bass_line(chords: &[Chord]) -> Vec<(f64, f64, u8)> {
    let mut line: Vec<(f64, f64, u8)> = Vec::new();
    for (step, chord) in chords.iter().enumerate() {
        let Some(pitch) = chord[Part::Bass].pitch() else { continue };
        match line.last_mut() {
            _ if pitch.midi() >= SPLIT => {}
            Some(last) if last.2 == pitch.midi() => last.1 += 1.0,
            _ => line.push((step as f64, 1.0, pitch.midi())),
        }
    }
    line
}

fn print(jobs: &[Job], results: &[(Measures, f64)], request: &Request) -> Result<()> {
    let name = |job: &Job| {
        let each = if request.each { format!(" {} {}", job.written.name, job.seed) } else { String::new() };
        format!("{:<8} {:<6} {:<7} {:>2}{each}", job.scene, job.clock.0, job.network, job.sd)
    };
    if !request.json {
        println!(
            "scene    clock  network sd  strikes  answered  late  false  <60ms  revised  inner  before  again  after  \
             a beat  render  right  lowest  faults"
        );
    }
    let mut from = 0;
    while from < jobs.len() {
        let to = (from..jobs.len()).find(|at| name(&jobs[*at]) != name(&jobs[from])).unwrap_or(jobs.len());
        let (mut all, mut rendered) = (Measures::default(), 0.0);
        for (measures, render) in &results[from..to] {
            all.add(measures);
            rendered += render / (to - from) as f64;
        }
        let name = name(&jobs[from]);
        from = to;
        if request.json {
            let mut line = serde_json::to_value(&all)?;
            line["performance"] = name.split_whitespace().collect::<Vec<_>>().into();
            line["rendered_per_beat"] = rendered.into();
            println!("{line}");
            continue;
        }
        println!(
            "{name} {:>8} {:>9.1} {:>5.1} {:>6.1} {:>6.1} {:>8.1} {:>6.1} {:>7.1} {:>6.1} {:>6} {:>7.2} {:>7.2} {:>6.1} {:>7} {:>7}",
            all.strikes,
            all.per_strike(all.answered),
            all.per_strike(all.late),
            all.per_strike(all.false_moves),
            all.per_note(all.short60),
            all.per_strike(all.revised),
            all.per_strike(all.inner_revised),
            all.per_strike(all.preceded),
            all.per_strike(all.restruck),
            all.after_last,
            all.lower_notes as f64 / all.beats,
            rendered,
            100.0 * all.right as f64 / (all.right + all.beside + all.far).max(1) as f64,
            all.lowest,
            all.faults,
        );
    }
    Ok(())
}
