//! The melody that is to be harmonized: chosen, laid on bars and beats, and moved to where its singers reach it.

use std::ops::Range;

use chorale::{Key, Part, Pitch};
use files::melody::{self, Fold, Melody, MelodyError, MelodyStep};
use files::{
    Direction, Ensemble, Grid, Kind, Metre, NamedKey, Note, Scoring, Source, Tick, signature, tell_pickup,
    transpose_keys,
};
use harmonizer::phrasing::{self, CadenceOption, Phrasing, Signature};
use harmonizer::search::{Plan, SearchStep, contour_of};

use crate::progression::Told;
use crate::told_chords::told_chords;
use crate::{ArrangeError, Chords, Method, Options, Tune, changes, untold};

/// A melody ready to be harmonized, with all that was asked for it.
pub struct Cantus {
    pub(crate) options: Options,
    /// Of the file.
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) melody: Melody,
    pub(crate) grid: Grid,
    pub(crate) steps: Vec<MelodyStep>,
    /// How the network hears it.
    pub(crate) fold: Fold,
    /// The key in which it begins and ends.
    pub(crate) home: Key,
    /// The same as the file or the user names it, if it is a church mode.
    pub(crate) named: NamedKey,
    /// See [`changes::key_changes`].
    pub(crate) changes: Vec<(usize, Key)>,
    /// The melody as its phrases are found, with the steps of each note.
    pub(crate) contour: phrasing::Contour,
    pub(crate) spans: Vec<Range<usize>>,
    /// By [`Part::index`], in ticks of `source`.
    pub(crate) kept: [Option<Vec<Note>>; 4],
    /// The chords that are given, as they are sung.
    pub(crate) told: Vec<Told>,
    /// What was decided on the way, in sentences for the user.
    pub remarks: Vec<String>,
}

impl Tune {
    /// Chooses the melody and prepares it.
    ///
    /// # Errors
    /// Where there is no such melody, it leaves the range of MIDI, or the options contradict each other.
    pub fn choose(&self, options: &Options) -> Result<Cantus, ArrangeError> {
        let in_file = |error: MelodyError| ArrangeError::in_file(&self.name, error);
        let mut source = self.source.clone();
        let mut melody = Melody::find(&source, &options.melody).map_err(in_file)?;
        let of_file = signature(&source.directions);
        options.heading.amend(&mut source.title, &mut source.directions);
        let mut remarks = melody.remarks.clone();
        let asked = options.heading.key.or_else(|| mode_of_file(&source));
        match options.heading.key {
            Some(key) if of_file.is_none_or(|of_file| of_file.sharps != key.signature.sharps) => {
                remarks.extend(untold::contradicted(&source, &melody, key));
            }
            None if asked.is_none() => remarks.extend(untold::settle_signature(&mut source, &mut melody)),
            _ => {}
        }
        let is_doubted = remarks.len() > melody.remarks.len();
        melody = melody.transposed(options.transpose).map_err(|pitch| ArrangeError::OutOfMidi {
            semitones: options.transpose,
            pitch,
            file: self.name.clone(),
        })?;
        transpose_keys(&mut source.directions, options.transpose);
        let pickup = options.pickup.or_else(|| untold::pickup(&source, &melody, &mut remarks));
        if let Some(quarters) = pickup {
            source.directions = with_pickup(&source, quarters, melody.first_onset())?;
        }
        tell_pickup(&mut source.directions, source.ticks_per_quarter);
        let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
        let mut steps = melody::steps(&melody, &grid).map_err(in_file)?;
        melody.all_sing = options.all_sing;
        check_part(options)?;
        if let Some(octaves) = octaves_to_singers(&melody, &steps, options, &mut remarks) {
            melody = melody.transposed(12 * octaves).map_err(ArrangeError::CannotMove)?;
            steps = melody::steps(&melody, &grid).map_err(in_file)?;
        }
        remarks.extend(low_for_men(&melody, options));
        let bar = melody::beats_in_bar(&melody, &grid);
        let (contour, spans) = contour_of(&steps, bar);
        let changes = match asked {
            Some(_) => Vec::new(),
            None => changes::key_changes(&source, &steps, bar, &mut remarks),
        };
        remarks.extend(changes::told(&changes));
        let asked = asked.map(|key| key.transposed(options.transpose));
        let signature = told_key(&source);
        let found = || phrasing::melody_key(&contour, signature, Phrasing::learned());
        let first = || changes.first().map(|(_, key)| *key);
        let home = asked.map(|key| key.home).or_else(first).unwrap_or_else(found);
        // Nothing but signature and notes has told the key.
        let is_found = asked.is_none() && changes.is_empty();
        if is_found && !is_doubted {
            remarks.extend(untold::overruled(signature, home));
        }
        let fold = match (options.part, options.method) {
            (Part::Soprano, Method::Live) => Fold::of(&steps),
            (Part::Soprano, Method::Ahead { .. }) => Fold::with_shift(&steps),
            _ => Fold::Whole(0),
        };
        remarks.extend(fold.remark(options.transpose).filter(|_| options.ensemble.scoring == Scoring::Satb));
        remarks.extend(least_outside(&steps, fold, options));
        let kept = match &options.kept {
            Some(tune) => kept_parts(tune, source.ticks_per_quarter)?,
            None => [const { None }; 4],
        };
        let told = told_chords((&self.name, source.kind), options, &melody, &grid, home, &mut remarks)?;
        let (options, name) = (options.clone(), self.name.clone());
        let mut cantus = Cantus {
            options,
            name,
            source,
            melody,
            grid,
            steps,
            fold,
            home,
            named: asked.unwrap_or(home.into()),
            changes,
            contour,
            spans,
            kept,
            told,
            remarks,
        };
        if is_found {
            let remark = untold::other_final(&cantus);
            cantus.remarks.extend(remark);
        }
        Ok(cantus)
    }
}

impl Cantus {
    /// Which line of the file is the melody, and of how many.
    pub fn place(&self) -> &str {
        &self.melody.place
    }

    /// The key in which the piece begins and ends.
    pub fn home(&self) -> Key {
        self.home
    }

    /// The same, or the church mode that the file or the user names.
    pub fn named_home(&self) -> NamedKey {
        self.named
    }

    /// What the phrases are found in.
    pub fn contour(&self) -> &phrasing::Contour {
        &self.contour
    }

    /// Where the last notes of phrases begin, and others on which the melody rests, in ticks of the file, with the cadences
    /// that suit each as often as Bach would take them there; the last note of all among them.
    pub fn phrase_ends(&self) -> Vec<(Tick, Vec<CadenceOption>)> {
        let mut plan = Plan::of(Vec::new());
        self.head_for_cadences(&mut plan, 0);
        plan.goals.into_iter().map(|goal| (self.steps[goal.arrival].start, goal.options)).collect()
    }

    /// The steps that are to be harmonized, with the cadences that they lead to.
    pub(crate) fn plan(&self, steps: Vec<SearchStep>) -> Plan {
        let mut plan = Plan::of(steps);
        // In the key in which the network hears it.
        let semitones = if let Fold::Shift(semitones) = self.fold { semitones } else { 0 };
        self.head_for_cadences(&mut plan, semitones);
        plan
    }

    /// Each stretch of the melody comes to rest in its own key.
    fn head_for_cadences(&self, plan: &mut Plan, semitones: i32) {
        let contour = self.contour.transposed(semitones);
        plan.head_for_cadences(&contour, &self.spans, self.home.transposed(semitones));
        for (from, key) in self.changes.iter().skip(1) {
            let mut later = Plan::of(Vec::new());
            later.head_for_cadences(&contour, &self.spans, key.transposed(semitones));
            // A note struck again on both sides of the change may be one rest.
            plan.goals.retain(|goal| goal.arrival < *from);
            let free = plan.goals.last().map_or(*from, |goal| goal.end.max(*from));
            plan.goals.extend(later.goals.into_iter().filter(|goal| goal.arrival >= free));
        }
    }
}

/// The church mode that a file names.
fn mode_of_file(source: &Source) -> Option<NamedKey> {
    source.mode.map(|home| NamedKey { signature: signature(&source.directions).unwrap_or(home), home })
}

/// What is known of the key before the notes are looked at.
fn told_key(source: &Source) -> Signature {
    match signature(&source.directions) {
        Some(Key { sharps: 0, minor: false }) if source.kind == Kind::Midi => Signature::Default,
        Some(key) => believed(source, key),
        None => Signature::None,
    }
}

/// What a signature tells. Where no mode is named, major is what programs write.
pub(crate) fn believed(source: &Source, key: Key) -> Signature {
    if key.minor || source.names_major { Signature::Key(key) } else { Signature::Sharps(key.sharps) }
}

fn check_part(options: &Options) -> Result<(), ArrangeError> {
    let name = || options.ensemble.name(options.part).to_lowercase();
    if options.method == Method::Live && options.part != Part::Soprano {
        return Err(ArrangeError::LiveBelow(name()));
    }
    if options.method == Method::Live && (options.chords != Chords::Found || options.harmonic_rhythm.is_some()) {
        return Err(ArrangeError::LiveChords);
    }
    if options.ensemble.silent() == Some(options.part) {
        return Err(ArrangeError::LeftOut(name()));
    }
    Ok(())
}

/// By how many octaves up the melody is moved for those who sing it.
fn octaves_to_singers(
    melody: &Melody,
    steps: &[MelodyStep],
    options: &Options,
    remarks: &mut Vec<String>,
) -> Option<i32> {
    let Options { ensemble, part, method, transpose, .. } = *options;
    let name = ensemble.name(part).to_lowercase();
    let is_usual = part == Part::Soprano && ensemble == Ensemble::default();
    match Fold::into_range(steps, ensemble.range(part)) {
        Fold::Whole(0) => None,
        // What dips only a little below its range a choir sings a little lower, and not an octave away.
        Fold::Whole(octaves)
            if is_usual && octaves > 0 && method != Method::Live && Fold::dips(steps, ensemble.range(part)) =>
        {
            None
        }
        // What is played low is answered lower still; a choir can only sing it higher. Above a choir it may stay.
        Fold::Whole(octaves) if !is_usual || (octaves > 0 && method != Method::Live) => {
            let as_it_lies =
                part_that_sings(steps, ensemble).filter(|other| *other != part && ensemble.silent().is_none());
            let way_out = as_it_lies.map(|other| {
                let (sung, name) = (ensemble.name(other).to_lowercase(), other.name().to_lowercase());
                format!("; --melody-part {name} gives it to the {sung} as it lies")
            });
            let (way, way_out) = (octaves_in_words(octaves), way_out.unwrap_or_default());
            let nearer = Fold::semitones_up(steps, ensemble.range(part)).filter(|up| octaves > 0 && *up < 12 * octaves);
            let nearer = nearer.map(|up| {
                let sounds = 12 * octaves + transpose;
                let instead = match transpose {
                    0 => String::new(),
                    _ if sounds == 0 => ", so that --transpose moves nothing".into(),
                    _ => format!(", so that it lies {} than in the file", semitones_in_words(sounds)),
                };
                format!("{instead}; --transpose {} would be enough", transpose + up)
            });
            let nearer = nearer.unwrap_or_default();
            remarks.push(format!("the melody is moved {way}, into the range of the {name}{nearer}{way_out}"));
            Some(octaves)
        }
        Fold::NoteByNote if !is_usual => {
            let octaves = Fold::nearest_octaves(steps, ensemble.range(part));
            remarks.push(beyond_range(melody, octaves, ensemble.range(part), &name));
            Some(octaves).filter(|octaves| *octaves != 0)
        }
        Fold::NoteByNote if method != Method::Live => {
            let octaves = Some(Fold::octaves_up(steps, ensemble.range(part))).filter(|octaves| *octaves > 0)?;
            let way = octaves_in_words(octaves);
            remarks.push(format!("the melody is moved {way}, nearer to the range of the {name}"));
            Some(octaves)
        }
        _ => None,
    }
}

/// Which key has most of a melody that none holds within the range of the sopranos.
fn least_outside(
    steps: &[MelodyStep],
    fold: Fold,
    Options { ensemble, part, transpose, .. }: &Options,
) -> Option<String> {
    if fold != Fold::NoteByNote || *part != Part::Soprano || ensemble.scoring != Scoring::Satb {
        return None;
    }
    let (semitones, as_it_is, moved) = Fold::least_outside(steps, Part::Soprano.range());
    let way_out = match moved < as_it_is {
        true => format!("--transpose {} leaves {moved} % there", transpose + semitones),
        false => "no --transpose leaves less".into(),
    };
    Some(format!("{as_it_is} % of the melody are outside, where the other parts may leave their ranges; {way_out}"))
}

/// Semitones below the middle of its range from which on a melody leaves men no room below it, and so many from the top of
/// the range, where it still sings well.
const LOW: i32 = 1;
const BELOW_TOP: i32 = 2;

/// That men's other parts have too little room below the melody, and which key has more.
fn low_for_men(melody: &Melody, Options { ensemble, part, transpose, .. }: &Options) -> Option<String> {
    if ensemble.scoring != Scoring::Ttbb || *part != Part::Soprano {
        return None;
    }
    let midi = |pitch: Pitch| i32::from(pitch.midi());
    let pitches = || melody.notes.iter().map(|note| note.pitch);
    let (lowest, highest) = (pitches().min()?, pitches().max()?);
    let (low, high) = ensemble.range(*part);
    let is_low = midi(lowest) + midi(highest) < midi(low) + midi(high) - 2 * LOW;
    let semitones = (midi(high) - BELOW_TOP - midi(highest)).min(7);
    let name = ensemble.name(*part).to_lowercase();
    (is_low && semitones > 0).then(|| {
        format!(
            "the melody lies low for the {name}, {lowest} to {highest}, with little room below it; --transpose {} \
             would give it more",
            transpose + semitones
        )
    })
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

/// `9 semitones higher`.
fn semitones_in_words(semitones: i32) -> String {
    let many = if semitones.abs() == 1 { "a semitone".into() } else { format!("{} semitones", semitones.abs()) };
    format!("{many} {}", if semitones > 0 { "higher" } else { "lower" })
}

/// That no octave of the melody suits its singers, not even the nearest, and which key would.
fn beyond_range(melody: &Melody, octaves: i32, (low, high): (Pitch, Pitch), name: &str) -> String {
    let pitches = || melody.notes.iter().filter_map(|note| note.pitch.transposed(12 * octaves));
    let (lowest, highest) = (pitches().min().unwrap_or(low), pitches().max().unwrap_or(high));
    let fits = |semitones: &i32| {
        let moved = |pitch: Pitch| pitch.transposed(*semitones);
        moved(lowest).is_some_and(|lowest| lowest >= low) && moved(highest).is_some_and(|highest| highest <= high)
    };
    let way_out = match (1..=18).flat_map(|semitones| [semitones, -semitones]).find(fits) {
        Some(semitones) => format!("--transpose {semitones} would bring it in"),
        None => "no key would bring it in".into(),
    };
    let way = if octaves == 0 { String::new() } else { format!("is moved {} and ", octaves_in_words(octaves)) };
    format!("the melody {way}goes from {lowest} to {highest}, the {name} from {low} to {high}; {way_out}")
}

/// The lower parts that a file names, in ticks of so many a quarter.
fn kept_parts(tune: &Tune, ticks_per_quarter: u16) -> Result<[Option<Vec<Note>>; 4], ArrangeError> {
    let source = &tune.source;
    let mut parts = melody::named_parts(source);
    parts[Part::Soprano.index()] = None;
    if parts.iter().all(Option::is_none) {
        return Err(ArrangeError::NothingToKeep { file: tune.name.clone(), kind: source.kind });
    }
    let scaled = |tick: Tick| {
        let ticks = u64::from(tick) * u64::from(ticks_per_quarter) / u64::from(source.ticks_per_quarter);
        ticks.min(u32::MAX.into()) as Tick
    };
    for note in parts.iter_mut().flatten().flatten() {
        (note.start, note.end) = (scaled(note.start), scaled(note.end).max(scaled(note.start) + 1));
    }
    Ok(parts)
}

/// The file's metre, beginning anew so many quarters after the first note.
fn with_pickup(source: &Source, quarters: f64, first_onset: Tick) -> Result<Vec<(Tick, Direction)>, ArrangeError> {
    let bar_line = first_onset + (quarters * f64::from(source.ticks_per_quarter)).round() as Tick;
    let metres = source.directions.iter().filter_map(|(tick, direction)| match direction {
        Direction::Metre(metre) => Some((*tick, *metre)),
        _ => None,
    });
    // A file may write its pickup as a bar of its own; the metre is that of the bars that follow.
    let (before, after): (Vec<_>, Vec<_>) = metres.partition(|(tick, _)| *tick <= bar_line);
    let metre = before.last().or(after.first()).map_or(Metre::FOUR_FOUR, |(_, metre)| *metre);
    let bar = 4.0 * f64::from(metre.numerator) / f64::from(metre.denominator());
    if quarters >= bar {
        return Err(ArrangeError::LongPickup { quarters, metre, bar });
    }
    let mut directions = source.directions.clone();
    let begins = (bar_line, Direction::Metre(metre));
    if !directions.contains(&begins) {
        directions.push(begins);
    }
    directions.sort_by_key(|(tick, _)| *tick);
    Ok(directions)
}
