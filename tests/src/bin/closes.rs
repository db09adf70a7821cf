//! How harmonizations of tunes, and new chorales, begin, breathe and end: a table over all tunes, seeds and both networks.
//!
//!     cargo run --release --bin closes -- [--seeds N] [--ranges WHO] FILE...
//!     cargo run --release --bin closes -- --new N

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use arranger::{ComposeOptions, Options, Prompt, compose};
use chorale::{Approach, Chord, Key, Part, Pitch, Sonority};
use engraving::Piece;
use files::{Ensemble, Note, Tick};
use harmonizer::parallel::on_all_cores;
use harmonizer::phrasing::CadenceOption;
use network::{Model, ModelError};

/// What sounds at a tick, from the top.
fn sounding(piece: &Piece, tick: Tick) -> [Option<Pitch>; 4] {
    let at = |notes: &[Note]| notes.iter().find(|note| note.start <= tick && tick < note.end).map(|note| note.pitch);
    piece.score.parts.each_ref().map(|notes| at(notes))
}

/// A triad over its root, whoever sings that: the root, and whether it is minor.
fn rooted(pitches: &[Option<Pitch>; 4]) -> Option<(u8, bool)> {
    let bass = (*pitches.iter().flatten().min()?).class();
    let mut above: Vec<u8> = pitches.iter().flatten().map(|pitch| (pitch.class() + 12 - bass) % 12).collect();
    above.sort_unstable();
    above.dedup();
    let fits = |triad: [u8; 3]| above.iter().all(|class| triad.contains(class));
    match (fits([0, 4, 7]), fits([0, 3, 7])) {
        (true, minor) => Some((bass, minor && above.contains(&3))),
        (false, true) => Some((bass, true)),
        _ => None,
    }
}

/// Whether the chord of `root` is reached from its dominant in root position, within the beat before.
fn from_dominant(piece: &Piece, arrival: Tick, root: u8) -> bool {
    let quarter = Tick::from(piece.score.ticks_per_quarter);
    let beat = arrival.saturating_sub(quarter * 3 / 2)..arrival;
    let mut ticks: Vec<Tick> =
        piece.score.parts.iter().flatten().map(|note| note.start).filter(|start| beat.contains(start)).collect();
    ticks.push(beat.start);
    ticks.iter().any(|tick| {
        let pitches = sounding(piece, *tick);
        let has = |above: u8| pitches.iter().flatten().any(|pitch| pitch.class() == (root + above) % 12);
        pitches.iter().flatten().min().is_some_and(|bass| bass.class() == (root + 7) % 12) && has(11)
    })
}

/// Whether the chord of `root` is reached from iv6 of the key whose dominant it is, over a bass that falls by a semitone.
fn is_phrygian(piece: &Piece, arrival: Tick, root: u8) -> bool {
    let before = sounding(piece, arrival.saturating_sub(1));
    let classes: Vec<u8> = before.iter().flatten().map(|pitch| (pitch.class() + 12 - root) % 12).collect();
    let bass = before.iter().flatten().min().map(|pitch| (pitch.class() + 12 - root) % 12);
    bass == Some(1) && [5, 10].iter().all(|above| classes.contains(above))
}

#[derive(Default, Debug)]
struct Counts(BTreeMap<&'static str, f32>);

impl Counts {
    fn add(&mut self, name: &'static str, is: bool) {
        self.add_share(name, f32::from(u8::from(is)));
    }

    fn add_share(&mut self, name: &'static str, share: f32) {
        *self.0.entry(name).or_default() += share;
    }
}

/// What kind of cadence ends a phrase, if it is one of those that are counted: authentic, half (Phrygian ones too),
/// deceptive.
fn kind(key: Key, root: u8, minor: bool, authentic: bool) -> Option<usize> {
    match (authentic, key.degree(root)) {
        (true, _) => Some(0),
        (false, 7) if !minor => Some(1),
        (false, 8 | 9) => Some(2),
        _ => None,
    }
}

fn count(piece: &Piece, key: Key, ends: &[(Tick, Vec<CadenceOption>)], counts: &mut Counts) {
    const KINDS: [&str; 3] = ["6 authentic", "6 half", "6 deceptive"];
    const BACH: [&str; 3] = ["7 authentic by Bach", "7 half by Bach", "7 deceptive by Bach"];
    let soprano = piece.score.part(Part::Soprano);
    let (first, last) = (soprano[0], soprano[soprano.len() - 1]);
    counts.add("0 pieces", true);
    let begin = sounding(piece, first.start);
    let of_tonic = |pitches: &[Option<Pitch>; 4]| {
        rooted(pitches).is_some_and(|(root, minor)| root == key.tonic() && (key.minor || !minor))
    };
    let on_dominant = rooted(&begin).is_some_and(|(root, minor)| root == (key.tonic() + 7) % 12 && !minor);
    counts.add("1 begins on the tonic", of_tonic(&begin));
    counts.add("1 begins on the dominant", on_dominant);
    let end = sounding(piece, last.end - 1);
    counts.add("2 ends on the tonic", of_tonic(&end));
    counts.add(
        "2 ends on the tonic over another bass",
        !of_tonic(&end) && end[3].is_some() && rooted(&end).is_none() && Sonority::of(&end) == Sonority::Triad,
    );
    // A last note struck again is one rest.
    let arrival = soprano.iter().rev().take_while(|note| note.pitch == last.pitch).last().map_or(0, |note| note.start);
    counts.add("2 ends on the tonic as soon as the last note begins", of_tonic(&sounding(piece, arrival)));
    counts.add("3 final authentic", of_tonic(&end) && from_dominant(piece, arrival, key.tonic()));
    for bar in piece.grid.bars(0..piece.grid.nearest_step(piece.score.end())).filter(|bar| bar.number > 0) {
        let sonority = Sonority::of(&sounding(piece, piece.grid.tick(bar.first_step)));
        counts.add("4 downbeats", true);
        counts.add("4 dissonant downbeats", sonority == Sonority::Unclassified);
    }
    for (tick, options) in ends.iter().filter(|(tick, _)| *tick < last.start) {
        counts.add("4 inner ends", true);
        for CadenceOption { cadence, share } in options {
            let kind = kind(key, cadence.root, cadence.minor, cadence.approach == Approach::Authentic);
            kind.into_iter().for_each(|kind| counts.add_share(BACH[kind], *share));
            if cadence.approach == Approach::Phrygian {
                counts.add_share("7 Phrygian by Bach", *share);
            }
        }
        let Some(note) = soprano.iter().find(|note| note.start == *tick) else { continue };
        let chord = sounding(piece, note.end - 1);
        let rest = rooted(&chord);
        counts.add("5 over their root", rest.is_some());
        let quarter = Tick::from(piece.score.ticks_per_quarter);
        let moves = piece.score.parts[1..]
            .iter()
            .flatten()
            .any(|other| other.start > note.start && other.start < note.end.min(note.start + 16 * quarter));
        counts.add("5 at rest", !moves);
        if let Some((root, minor)) = rest {
            let authentic = from_dominant(piece, note.start, root);
            kind(key, root, minor, authentic).into_iter().for_each(|kind| counts.add(KINDS[kind], true));
            counts.add("6 Phrygian", !minor && is_phrygian(piece, note.start, root));
            counts.add("6 authentic on the tonic", authentic && key.degree(root) == 0);
        }
    }
}

/// Where lower parts move in dotted beats: on the beat, on its second and third eighth; and the same where the soprano
/// strikes no note with them.
fn count_thirds(piece: &Piece, counts: &mut Counts) {
    const NAMES: [[&str; 4]; 2] = [
        ["8 moves on the beat", "8 on the second eighth", "8 on the third", "8 between"],
        ["9 alone on the beat", "9 alone on the second eighth", "9 alone on the third", "9 alone between"],
    ];
    let soprano = piece.score.part(Part::Soprano);
    for note in piece.score.parts[1..].iter().flatten() {
        let step = piece.grid.nearest_step(note.start);
        let bar = piece.grid.bar(step);
        if bar.number == 0 || !piece.grid.metre(step).has_dotted_beats() || piece.grid.metre(step).denominator() != 8 {
            continue;
        }
        let (third, within) = ((step - bar.first_step) / 2 % 3, (step - bar.first_step) % 2);
        let place = if within == 0 { third as usize } else { 3 };
        let is_alone = soprano.iter().all(|other| other.start != note.start);
        counts.add(NAMES[0][place], true);
        counts.add(NAMES[1][place], is_alone);
    }
}

/// A new chorale of sixteen bars.
fn composed(model: &Arc<Model>, seed: u64) -> Result<Piece, ModelError> {
    let mut options = ComposeOptions::default();
    options.freedom.seed = seed;
    compose(model, Prompt::default(), &options).map_err(|error| ModelError::Run(error.to_string()))
}

/// How a new chorale begins, ends every second bar, and whether a figure of a bar or half of one comes three times in a row
/// or the first four bars come twice.
fn count_new(piece: &Piece, counts: &mut Counts) {
    let key = piece.score.key();
    let at = |step: u32| piece.grid.tick(step);
    let of_tonic = |chord: Option<(u8, bool)>| chord == Some((key.tonic(), key.minor));
    counts.add("0 pieces", true);
    counts.add("1 begins on the tonic", of_tonic(rooted(&sounding(piece, 0))));
    let length = piece.grid.nearest_step(piece.score.end());
    for end in (32..=length).step_by(32) {
        let is_last = end == length;
        let arrival = at(end - if is_last { 8 } else { 4 });
        let chord = rooted(&sounding(piece, at(end) - 1));
        let authentic = chord.is_some_and(|(root, _)| from_dominant(piece, arrival, root));
        if is_last {
            // A raised third in minor counts.
            let ends = of_tonic(chord) || chord == Some((key.tonic(), false));
            counts.add("2 ends on the tonic", ends);
            counts.add("2 final authentic", ends && authentic);
            continue;
        }
        let lower = piece.score.parts[1..].iter().flatten();
        let moves = lower.filter(|note| note.start > arrival && note.start < at(end)).count();
        counts.add("3 inner ends", true);
        counts.add("4 at rest", moves == 0);
        counts.add("4 over their root", chord.is_some());
        counts.add("5 authentic", authentic);
        counts.add("5 half", !authentic && chord == Some(((key.tonic() + 7) % 12, false)));
    }
    let chords = files::chords_of(&piece.score, &piece.grid, 0, u32::MAX).unwrap_or_default();
    let moves = |chords: &[Chord]| chords.windows(2).any(|two| two[0] != two[1]);
    let thrice = |length: usize| {
        chords.windows(3 * length).any(|window| window[..2 * length] == window[length..] && moves(&window[..length]))
    };
    counts.add("6 a figure three times in a row", thrice(8) || thrice(16));
    counts.add("6 the first four bars twice", chords.len() >= 128 && chords[..64] == chords[64..128]);
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut seeds, mut ensemble, mut new) = (8, Ensemble::default(), 0);
    while arguments.first().is_some_and(|first| first.starts_with("--")) {
        let option = arguments.remove(0);
        let value = arguments.first().with_context(|| format!("{option} wants a value"))?;
        match option.as_str() {
            "--seeds" => seeds = value.parse()?,
            "--ranges" => ensemble = value.parse()?,
            "--new" => new = value.parse()?,
            other => anyhow::bail!("there is no option {other}"),
        }
        arguments.remove(0);
    }
    for (name, model) in [("wavenet", Model::wavenet()?), ("lstm", Model::lstm()?)] {
        let model = Arc::new(model);
        let mut all = Counts::default();
        let seeds_of_new: Vec<u64> = (1..=new).collect();
        for piece in on_all_cores(&seeds_of_new, |_, &seed| composed(&model, seed))? {
            count_new(&piece, &mut all);
        }
        for file in &arguments {
            let tune = arranger::open(file)?;
            let seeds: Vec<u64> = (1..=seeds).collect();
            let found = on_all_cores(&seeds, |_, &seed| {
                let mut options = Options::default();
                options.freedom.seed = seed;
                options.ensemble = ensemble;
                let cantus = tune.choose(&options).map_err(|error| ModelError::Run(error.to_string()))?;
                let piece =
                    cantus.harmonize(&model).map_err(|error| ModelError::Run(error.to_string()))?.remove(0).piece;
                Ok::<_, ModelError>((piece, cantus.home(), cantus.phrase_ends()))
            })?;
            let mut counts = Counts::default();
            for (piece, key, ends) in &found {
                count(piece, *key, ends, &mut counts);
                count(piece, *key, ends, &mut all);
                count_thirds(piece, &mut all);
            }
            let (piece, key, ends) = &found[0];
            let soprano = piece.score.part(Part::Soprano);
            let places: Vec<usize> =
                ends.iter().map(|(end, _)| soprano.partition_point(|note| note.start <= *end)).collect();
            println!(
                "{name} {}: {key}, phrases end with notes {places:?} of {}",
                file.rsplit('/').next().unwrap_or(file),
                soprano.len()
            );
            println!("    {}", line(&counts));
        }
        println!("{name}, all: {}", line(&all));
    }
    Ok(())
}

fn line(counts: &Counts) -> String {
    counts.0.iter().map(|(name, count)| format!("{} {count:.0}", &name[2..])).collect::<Vec<_>>().join(", ")
}
