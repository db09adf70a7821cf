//! Learns from the training chorales where the phrases of a soprano end, which key it is in, and which cadences suit its
//! ends: models/phrasing.toml, on stdout. How well that foretells the validation chorales goes to stderr.
//!
//!     cargo run --release --bin fit_phrasing -- DATA > models/phrasing.toml
//!
//! The phrase ends to learn from are found in Bach's four parts (`chorale::phrase_ends`). The weights are fitted by the
//! likelihood of those ends under the soprano alone, drawn a little towards zero (L2).

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chorale::{Chord, Key, Part, PhraseEnds, Pitch, cadence_of, phrase_ends};
use corpus::{CorpusPiece, Dataset};
use harmonizer::phrasing::{
    CadenceCount, Contour, ContourNote, FEATURES, MARKS, Mark, PARALLELS, Phrasing, Segmentation, Signature,
    expected_features, melody_key, observed_features,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tests::adam::Adam;

/// Nats for a rest of a beat or more, the end of a line of words, a breath mark and a fermata. Bach's tables have none to
/// learn from.
const MARK_WEIGHTS: [f32; 4] = [5.0, 3.5, 5.0, 9.0];
/// Steps of the fit, how far each goes, and how strongly weights are drawn towards zero.
const ROUNDS: usize = 120;
const RATE: f64 = 0.15;
const DECAY: f64 = 0.004;

/// A soprano with its phrases.
struct Lesson {
    contour: Contour,
    key: Key,
    bar: u32,
    /// Notes that end phrases.
    ends: Vec<usize>,
}

fn main() -> Result<()> {
    let data = std::env::args().nth(1).context("usage: fit_phrasing DATA > models/phrasing.toml")?;
    let dataset = tests::chorales::named(&data)?;
    let mut phrasing = Phrasing {
        phrases: vec![0.0; FEATURES],
        durations: Default::default(),
        first: Default::default(),
        last: Default::default(),
        cadences: Vec::new(),
    };
    learn_keys(&dataset.train, &mut phrasing);
    phrasing.cadences = cadences(&dataset.train);
    fit(&lessons(&dataset.train), &mut phrasing);
    report(&dataset, &phrasing);
    let lines = tests::lines::found(&phrasing)?;
    lines
        .tunes
        .iter()
        .for_each(|tune| eprintln!("    {}: missed {:?}, wrong {:?}", tune.name, tune.missed, tune.wrong));
    eprintln!("tunes: {lines}");
    print!("{}", written(&phrasing));
    Ok(())
}

/// The key of all four parts, with the bass on which they end.
fn key_of(chords: &[Chord]) -> Key {
    let notes = chords.iter().flat_map(|chord| chord.pitches()).flatten().map(|pitch| (pitch, 1));
    let last = chords.iter().rev().find_map(|chord| chord[Part::Bass].pitch());
    Key::of_notes(notes, last)
}

/// The soprano's notes. A table doesn't tell a repeated note from a held one: where `is_split`, a beat on which two of the
/// lower parts move begins a new one.
fn contour_of(chords: &[Chord], is_split: bool) -> Contour {
    let mut notes: Vec<ContourNote> = Vec::new();
    for (step, chord) in chords.iter().enumerate() {
        let Some(pitch) = chord[Part::Soprano].pitch() else {
            if let Some(last) = notes.last_mut() {
                last.rest += 1;
            }
            continue;
        };
        let moves = |before: Chord| Part::LOWER.into_iter().filter(|part| before[*part] != chord[*part]).count();
        let is_struck = step == 0 || is_split && step.is_multiple_of(4) && moves(chords[step - 1]) >= 2;
        match notes.last_mut() {
            Some(last) if last.pitch == pitch && last.rest == 0 && !is_struck => last.length += 1,
            _ => notes.push(ContourNote { onset: step as u32, length: 1, rest: 0, pitch, mark: Mark::None }),
        }
    }
    Contour { notes, bar: None, tells_strokes: is_split }
}

fn lesson(chords: &[Chord], is_split: bool) -> Option<Lesson> {
    let PhraseEnds { bar, ends } = phrase_ends(chords);
    let contour = contour_of(chords, is_split);
    let mut found: Vec<usize> = ends
        .iter()
        .filter_map(|end| contour.notes.iter().rposition(|note| note.onset as usize <= end.arrival))
        .filter(|&index| contour.notes[index].onset.is_multiple_of(4))
        .collect();
    let last = contour.notes.len().checked_sub(1)?;
    if found.last() != Some(&last) {
        found.push(last);
    }
    found.dedup();
    // What is further apart than the model can see teaches nothing.
    let is_whole = found.windows(2).all(|two| contour.notes[two[1]].onset - contour.notes[two[0]].onset <= 96);
    is_whole.then_some(Lesson { contour, key: key_of(chords), bar: bar as u32, ends: found })
}

/// Bach's sopranos move in quarters and end phrases with one or two. Other tunes end them with longer notes, and many are
/// in three: so each piece teaches such forms of itself too.
fn lessons(pieces: &[CorpusPiece]) -> Vec<Lesson> {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut forms = |piece: &CorpusPiece| {
        let chords = &piece.chorale.chords;
        let (told, joined) = (lesson(chords, true), lesson(chords, false));
        let long = told.as_ref().map(|lesson| with_long_ends(lesson, &mut generator));
        let filled = told.as_ref().map(|lesson| with_filled_bars(lesson, &mut generator));
        let three = told.as_ref().and_then(in_three);
        [told, joined, long, filled, three]
    };
    pieces.iter().flat_map(&mut forms).flatten().collect()
}

/// Most phrases end with a note some beats longer, so that their lengths tell nothing, and some other notes are as long.
fn with_long_ends(lesson: &Lesson, generator: &mut ChaCha8Rng) -> Lesson {
    lengthened(lesson, |_, generator| 4 * generator.random_range(1..=6), generator)
}

/// Most phrases end with a note so much longer that the next end comes whole bars later, as where six syllables have four
/// bars of two; some other notes are a bar longer.
fn with_filled_bars(lesson: &Lesson, generator: &mut ChaCha8Rng) -> Lesson {
    let bar = 4 * lesson.bar;
    let onset = |index: usize| lesson.contour.notes[index].onset;
    let more = |index: usize| {
        let place = lesson.ends.iter().position(|end| *end == index)?;
        let distance = onset(*lesson.ends.get(place + 1)?) - onset(index);
        Some(distance.next_multiple_of(bar) - distance)
    };
    lengthened(lesson, |index, _| more(index).unwrap_or(bar), generator)
}

/// Of the ends of phrases and of other notes on a beat so many are longer.
const LONG_ENDS: f64 = 0.85;
const LONG_OTHERS: f64 = 0.02;

fn lengthened(lesson: &Lesson, more: impl Fn(usize, &mut ChaCha8Rng) -> u32, generator: &mut ChaCha8Rng) -> Lesson {
    let mut notes = lesson.contour.notes.clone();
    let mut later = 0;
    for (index, note) in notes.iter_mut().enumerate() {
        let share = match lesson.ends.contains(&index) {
            true => LONG_ENDS,
            false if note.onset.is_multiple_of(4) && note.length.is_multiple_of(4) => LONG_OTHERS,
            false => 0.0,
        };
        note.onset += later;
        if generator.random_bool(share) {
            let more = more(index, generator);
            note.length += more;
            later += more;
        }
    }
    Lesson { contour: Contour { notes, ..lesson.contour }, ends: lesson.ends.clone(), ..*lesson }
}

/// Every second beat, that of the phrases' ends, is twice as long: four quarters become two bars of three. `None` where the
/// ends don't lie alike, or the piece is in three already.
fn in_three(lesson: &Lesson) -> Option<Lesson> {
    let notes = &lesson.contour.notes;
    let is_odd = |&end: &usize| notes[end].onset / 4 % 2;
    let odd = is_odd(lesson.ends.first()?);
    if lesson.bar != 4 || lesson.ends.iter().any(|end| is_odd(end) != odd) {
        return None;
    }
    // The beats before a step are its own number and one more for each long one.
    let moved = |step: u32| {
        let (beat, within) = (step / 4, step % 4);
        let is_long = beat % 2 == odd;
        4 * (beat + (beat + 1 - odd) / 2) + if is_long { 2 * within } else { within }
    };
    let notes = notes.iter().map(|note| {
        let (onset, end) = (moved(note.onset), moved(note.onset + note.length));
        ContourNote { onset, length: end - onset, rest: moved(note.onset + note.length + note.rest) - end, ..*note }
    });
    Some(Lesson {
        contour: Contour { notes: notes.collect(), ..lesson.contour },
        bar: 3,
        ends: lesson.ends.clone(),
        key: lesson.key,
    })
}

/// Follows the gradient. What comes twice is weighed last, beside what else is known: Bach's sopranos seldom tell it, and
/// where nobody tells strokes nothing is to depend on it.
fn fit(lessons: &[Lesson], phrasing: &mut Phrasing) {
    for (weight, value) in phrasing.phrases[MARKS].iter_mut().zip(MARK_WEIGHTS) {
        *weight = value;
    }
    climb(lessons, phrasing, |index| !MARKS.contains(&index) && !PARALLELS.contains(&index));
    climb(lessons, phrasing, |index| PARALLELS.contains(&index));
}

fn climb(lessons: &[Lesson], phrasing: &mut Phrasing, is_free: impl Fn(usize) -> bool) {
    let observed: Vec<Vec<f64>> =
        lessons.iter().map(|lesson| observed_features(&lesson.contour, lesson.key, lesson.bar, &lesson.ends)).collect();
    let mut adam = Adam::new(FEATURES, 1e-6);
    for round in 1..=ROUNDS {
        let (mut gradient, mut likelihood) = (vec![0.0; FEATURES], 0.0);
        for (lesson, observed) in lessons.iter().zip(&observed) {
            let (expected, total) = expected_features(&lesson.contour, lesson.key, lesson.bar, &phrasing.phrases);
            let score: f64 =
                observed.iter().zip(&phrasing.phrases).map(|(count, weight)| count * f64::from(*weight)).sum();
            likelihood += score - total;
            for (sum, (observed, expected)) in gradient.iter_mut().zip(observed.iter().zip(&expected)) {
                *sum += (observed - expected) / lessons.len() as f64;
            }
        }
        let slopes = gradient.iter().zip(&phrasing.phrases).map(|(sum, weight)| sum - DECAY * f64::from(*weight));
        let steps = adam.step(&slopes.collect::<Vec<_>>());
        for index in (0..FEATURES).filter(|index| is_free(*index)) {
            phrasing.phrases[index] += (RATE * steps[index]) as f32;
        }
        if round % 10 == 0 {
            eprintln!("round {round}: {:.3} nats a piece", -likelihood / lessons.len() as f64);
        }
    }
}

/// How long each degree sounds, and which are first and last.
fn learn_keys(pieces: &[CorpusPiece], phrasing: &mut Phrasing) {
    // As if every degree had been met for half a beat more, or in half a piece more.
    let start = [[0.5_f32; 12]; 2];
    let (mut durations, mut first, mut last) = (start, start, start);
    for piece in pieces {
        let key = key_of(&piece.chorale.chords);
        let contour = contour_of(&piece.chorale.chords, false);
        let mode = usize::from(key.minor);
        let degree = |note: &ContourNote| usize::from(key.degree(note.pitch.class()));
        for note in &contour.notes {
            durations[mode][degree(note)] += note.length as f32 / 4.0;
        }
        if let [begin, .., end] = &contour.notes[..] {
            first[mode][degree(begin)] += 1.0;
            last[mode][degree(end)] += 1.0;
        }
    }
    let logarithms =
        |counts: [[f32; 12]; 2]| counts.map(|counts| counts.map(|count| (count / counts.iter().sum::<f32>()).ln()));
    (phrasing.durations, phrasing.first, phrasing.last) = (logarithms(durations), logarithms(first), logarithms(last));
}

fn cadences(pieces: &[CorpusPiece]) -> Vec<CadenceCount> {
    let mut counts: BTreeMap<CadenceCount, u32> = BTreeMap::new();
    for piece in pieces {
        let chords = &piece.chorale.chords;
        let key = key_of(chords);
        let ends = phrase_ends(chords).ends;
        for (index, end) in ends.iter().enumerate() {
            let soprano = |step: usize| chords[step][Part::Soprano].pitch();
            let Some(pitch) = soprano(end.arrival) else { continue };
            let before = (0..end.arrival).rev().filter_map(soprano).find(|before| *before != pitch).unwrap_or(pitch);
            let Some(cadence) = cadence_of(chords, end.arrival, key) else { continue };
            let degree = |pitch: Pitch| key.degree(pitch.class());
            let count = CadenceCount {
                minor: key.minor,
                last: index + 1 == ends.len(),
                degree: degree(pitch),
                before: degree(before),
                root: key.degree(cadence.root),
                minor_triad: cadence.minor,
                approach: cadence.approach.index() as u8,
                count: 0,
            };
            *counts.entry(count).or_default() += 1;
        }
    }
    counts.into_iter().map(|(cadence, count)| CadenceCount { count, ..cadence }).collect()
}

/// How well the sopranos of the validation chorales foretell keys and phrase ends.
fn report(dataset: &Dataset, phrasing: &Phrasing) {
    for (name, pieces) in [("training", &dataset.train), ("validation", &dataset.valid)] {
        let right = pieces.iter().filter(|piece| {
            let chords = &piece.chorale.chords;
            melody_key(&contour_of(chords, false), Signature::None, phrasing).index() == key_of(chords).index()
        });
        let of_notes = pieces.iter().filter(|piece| {
            let chords = &piece.chorale.chords;
            let contour = contour_of(chords, false);
            let found = Key::of_notes(
                contour.notes.iter().map(|note| (note.pitch, note.length)),
                contour.notes.last().map(|note| note.pitch),
            );
            found.index() == key_of(chords).index()
        });
        eprintln!("{name}: key right in {} of {} (before {})", right.count(), pieces.len(), of_notes.count());
        for is_split in [true, false] {
            let (mut hits, mut found, mut wanted, mut calibration) = (0, 0, 0, [(0.0, 0.0, 0); 5]);
            for lesson in pieces.iter().filter_map(|piece| lesson(&piece.chorale.chords, is_split)) {
                let segmentation = Segmentation::new(&lesson.contour, lesson.key, phrasing);
                let ends = segmentation.ends();
                hits += ends.iter().filter(|end| lesson.ends.contains(end)).count() - 1;
                found += ends.len() - 1;
                wanted += lesson.ends.len() - 1;
                for (index, likelihood) in
                    segmentation.likelihoods().iter().enumerate().take(lesson.contour.notes.len() - 1)
                {
                    let bin = &mut calibration[((likelihood * 5.0) as usize).min(4)];
                    *bin = (bin.0 + likelihood, bin.1 + f64::from(u8::from(lesson.ends.contains(&index))), bin.2 + 1);
                }
            }
            eprintln!(
                "{name}, repeated notes {}: of {found} ends found {hits} are right, of {wanted}: precision {:.3}, recall {:.3}",
                if is_split { "told" } else { "joined" },
                hits as f64 / found as f64,
                hits as f64 / wanted as f64
            );
            for (likely, right, count) in calibration {
                let count = f64::from(count).max(1.0);
                eprintln!("    foretold {:.2}, came {:.2} of {count}", likely / count, right / count);
            }
        }
    }
}

fn written(phrasing: &Phrasing) -> String {
    let list = |values: &[f32]| values.iter().map(|value| format!("{value:.2}")).collect::<Vec<_>>().join(", ");
    let mut text = String::from(
        "# What a melody tells of its key, its phrases and their cadences: learned from the training chorales, and printed, by\n\
         # tests/src/bin/fit_phrasing.rs.\n\n\
         # Nats for each feature of a phrase's end (crates/harmonizer/src/phrasing/features.rs).\n",
    );
    text += "phrases = [\n";
    for line in phrasing.phrases.chunks(12) {
        text += &format!("    {},\n", list(line));
    }
    text += "]\n\n# Nats for each degree, in semitones above the tonic: of a beat, of the first note, of the last; major, then minor.\n";
    for (name, tables) in [("durations", phrasing.durations), ("first", phrasing.first), ("last", phrasing.last)] {
        text += &format!("{name} = [\n    [{}],\n    [{}],\n]\n", list(&tables[0]), list(&tables[1]));
    }
    text += "\n# How often phrases end how. Degrees and roots in semitones above the tonic; approach: 0 authentic, 1 leading, 2\n# plagal, 3 Phrygian, 4 another.\ncadences = [\n";
    for count in &phrasing.cadences {
        let CadenceCount { minor, last, degree, before, root, minor_triad, approach, count } = count;
        text += &format!(
            "    {{ minor = {minor}, last = {last}, degree = {degree}, before = {before}, root = {root}, minor_triad = {minor_triad}, approach = {approach}, count = {count} }},\n"
        );
    }
    text += "]\n";
    text
}
