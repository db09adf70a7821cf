//! Chords that the user or the file gives: where each begins in a melody, and what became of them.

use chorale::{Chord, GivenChord, Key};
use engraving::Piece;
use files::melody::{Melody, MelodyStep};
use files::{Grid, Kind, Tick};

use crate::progression::{Progression, Told};
use crate::{ArrangeError, Chords, Options};

/// Those of a melody, from the beginning to the end; none where none were asked for. `home` is the key of the piece as it is sung.
pub(crate) fn told_chords(
    (name, kind): (&str, Kind),
    options: &Options,
    melody: &Melody,
    grid: &Grid,
    home: Key,
    remarks: &mut Vec<String>,
) -> Result<Vec<Told>, ArrangeError> {
    // As it stands in the file, which is how the chords are meant.
    let key = home.transposed(-options.transpose);
    let end = melody.notes.iter().map(|note| note.end).max().unwrap_or(0);
    let mut told: Vec<Told> = match &options.chords {
        Chords::Found => {
            if !melody.symbols.is_empty() {
                remarks.push(format!(
                    "chord symbols are left out ({}): the harmony is new (--chords file keeps to them)",
                    melody.symbols.len()
                ));
            }
            return Ok(Vec::new());
        }
        Chords::OfFile if melody.symbols.is_empty() => {
            let hint = if kind == Kind::Midi { ", which MIDI files never have" } else { "" };
            return Err(ArrangeError::NoSymbols { file: name.to_owned(), hint });
        }
        Chords::OfFile => of_file(melody, key, remarks),
        Chords::Given(text) => {
            let refused = |error| ArrangeError::in_file("--chords", error);
            let progression = Progression::parse(text, key).map_err(refused)?;
            let told = progression.laid_on(grid, melody.first_onset(), end).map_err(refused)?;
            remarks.extend(how_often(&progression, grid, melody.first_onset(), end));
            told
        }
    };
    for (_, chord) in &mut told {
        *chord = chord.take().map(|(text, chord)| (text, chord.transposed(options.transpose)));
    }
    Ok(told)
}

/// What is no chord for us leaves its time free.
fn of_file(melody: &Melody, key: Key, remarks: &mut Vec<String>) -> Vec<Told> {
    let mut unknown: Vec<&str> = Vec::new();
    let read = |(tick, text): &(Tick, String)| (*tick, text.clone(), GivenChord::parse(text.trim(), key).ok());
    let told: Vec<(Tick, String, Option<GivenChord>)> = melody.symbols.iter().map(read).collect();
    for ((_, text), (.., chord)) in melody.symbols.iter().zip(&told) {
        let is_rest = text.replace(['.', ' '], "").eq_ignore_ascii_case("nc");
        if chord.is_none() && !is_rest && !unknown.contains(&text.as_str()) {
            unknown.push(text);
        }
    }
    if !unknown.is_empty() {
        remarks.push(format!("no chords that are known, their time is left free: {}", unknown.join(", ")));
    }
    told.into_iter().map(|(tick, text, chord)| (tick, chord.map(|chord| (text, chord)))).collect()
}

/// That there are more or fewer bars of chords than of melody.
fn how_often(progression: &Progression, grid: &Grid, first: Tick, end: Tick) -> Option<String> {
    let (first, end) = (grid.nearest_step(first), grid.nearest_step(end));
    let last = grid.bar(end.saturating_sub(1).max(first)).number;
    let bars = (last + 1).saturating_sub(grid.bar(first).number.max(1)) as usize;
    let given = progression.bars();
    let word = |count: usize| if count == 1 { "1 bar".into() } else { format!("{count} bars") };
    match given.cmp(&bars) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => {
            Some(format!("--chords has {}, the melody {}: they begin again at their end", word(given), word(bars)))
        }
        std::cmp::Ordering::Greater => {
            Some(format!("--chords has {}, the melody {}: the last are left out", word(given), word(bars)))
        }
    }
}

/// For each step the chord that is told there, and whether it begins there.
pub(crate) fn by_step<'a>(told: &'a [Told], steps: &[MelodyStep]) -> Vec<(Option<&'a (String, GivenChord)>, bool)> {
    let mut before = None;
    let place = |step: &MelodyStep| {
        // A step that begins a little late has the chord that begins with it.
        let middle = step.start + (step.end - step.start) / 2;
        told.partition_point(|(tick, _)| *tick <= middle).checked_sub(1)
    };
    let mut chord = |step: &MelodyStep| {
        let place = place(step);
        let begins = place.is_some() && place != before;
        before = place;
        (place.and_then(|place| told[place].1.as_ref()), begins)
    };
    steps.iter().map(&mut chord).collect()
}

/// At most so many places are listed.
const LISTED: usize = 6;

/// How far the chords told are those that sound. `chords` are as the network hears them, `told` too, at the steps that are
/// bound to them.
pub(crate) fn obedience(
    piece: &Piece,
    steps: &[MelodyStep],
    chords: &[Chord],
    told: &[Option<(&str, GivenChord)>],
) -> Option<String> {
    let (mut bound, mut broken, mut unit) = (0, Vec::new(), "beat");
    for ((step, chord), told) in steps.iter().zip(chords).zip(told) {
        let Some((text, given)) = told else { continue };
        bound += 1;
        if !step.phase.is_on_beat() {
            unit = "place";
        }
        if !given.is_heard_in(&chord.pitches()) {
            broken.push(format!("{} ({text})", piece.position(step.start)));
        }
    }
    let places = format!("{bound} {unit}{}", if bound == 1 { "" } else { "s" });
    match (bound, broken.len()) {
        (0, _) => None,
        (_, 0) => Some(format!("the chords that are given sound on all {places}")),
        (_, many) => {
            let rest = if many > LISTED { format!(" and {} more", many - LISTED) } else { String::new() };
            broken.truncate(LISTED);
            let list = broken.join(", ");
            Some(format!("the chords that are given sound on {} of {places}; not on {list}{rest}", bound - many))
        }
    }
}
