//! Learns from the training chorales how a listener who knows only the past foretells the ends of phrases, and prints
//! crates/chorale/src/phrase_tracker/weights.rs. How well that foretells the validation chorales goes to stderr.
//!
//!     cargo run --release --bin fit_phrase_tracker -- DATA > crates/chorale/src/phrase_tracker/weights.rs
//!
//! The phrase ends to learn from are found in Bach's four parts (`chorale::phrase_ends`). Each model is fitted by
//! likelihood, drawn a little towards zero (L2), by Adam.

use anyhow::{Context, Result};
use chorale::phrase_tracker::{FEATURES, Lesson, Lessons, PhraseTracker, lessons};
use chorale::{Approach, Chord, Part, Phase, PitchClassDurations, cadence_of, phrase_ends};
use corpus::CorpusPiece;
use tests::adam::Adam;

const ROUNDS: usize = 400;
const RATE: f64 = 0.1;
/// Nats for the square of a weight, over all lessons.
const DECAY: f64 = 1.5;
/// A dominant is expected under a degree where it leads to so many of the ends that come from there.
const LEAST_SHARE: f64 = 0.15;
const LEAST_COUNT: usize = 3;

/// Its name, what it foretells, and its lessons.
type Model = (&'static str, &'static str, fn(&Lessons) -> &Vec<Lesson>);

fn main() -> Result<()> {
    let data = std::env::args().nth(1).context("usage: fit_phrase_tracker DATA > weights.rs")?;
    let dataset = tests::chorales::named(&data)?;
    let train = all_lessons(&dataset.train);
    let valid = all_lessons(&dataset.valid);
    let mut text = String::from(
        "//! Learned from the training chorales, and printed, by tests/src/bin/fit_phrase_tracker.rs: nats for each feature\n\
         //! (`features.rs`).\n\nuse super::FEATURES;\n",
    );
    let models: [Model; 3] = [
        ("PAST", "That a note which is over ended a phrase.", |lessons| &lessons.past),
        ("REST", "That a phrase rests on its last chord.", |lessons| &lessons.rest),
        ("ARRIVAL", "That it reaches it on the beat in question.", |lessons| &lessons.arrival),
    ];
    for (name, meaning, of) in models {
        let weights = fit(of(&train));
        eprintln!(
            "{name}: nats a lesson: training {:.4}, validation {:.4}",
            loss(of(&train), &weights),
            loss(of(&valid), &weights)
        );
        text += &format!("\n/// {meaning}\n#[rustfmt::skip]\npub const {name}: [f32; FEATURES] = [\n");
        for line in weights.chunks(12) {
            text +=
                &format!("    {},\n", line.iter().map(|weight| format!("{weight:.2}")).collect::<Vec<_>>().join(", "));
        }
        text += "];\n";
    }
    text += "\n/// Under each degree of the soprano, in major and in minor, whose dominants lead to the ends of phrases: one bit for each\n\
             /// degree that is a root there.\n#[rustfmt::skip]\npub const DOMINANTS: [[u16; 12]; 2] = [\n";
    for masks in dominants(&dataset.train) {
        text += &format!("    [{}],\n", masks.map(|mask| format!("{mask:#05x}")).join(", "));
    }
    text += "];\n";
    print!("{text}");
    report(&dataset.valid);
    Ok(())
}

fn all_lessons(pieces: &[CorpusPiece]) -> Lessons {
    let mut all = Lessons::default();
    for piece in pieces {
        let chords = &piece.chorale.chords;
        let Lessons { past, rest, arrival } = lessons(chords, &phrase_ends(chords).ends);
        all.past.extend(past);
        all.rest.extend(rest);
        all.arrival.extend(arrival);
    }
    all
}

fn likelihood(weights: &[f64], lesson: &Lesson) -> f64 {
    let score: f64 = lesson.features.iter().map(|&feature| weights[feature]).sum();
    1.0 / (1.0 + (-score).exp())
}

fn loss(lessons: &[Lesson], weights: &[f64]) -> f64 {
    let nats = lessons.iter().map(|lesson| {
        let likelihood = likelihood(weights, lesson);
        -if lesson.is_so { likelihood } else { 1.0 - likelihood }.ln()
    });
    nats.sum::<f64>() / lessons.len() as f64
}

fn fit(lessons: &[Lesson]) -> Vec<f64> {
    let mut weights = vec![0.0; FEATURES];
    let mut adam = Adam::new(FEATURES, 1e-7);
    for round in 1..=ROUNDS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| 2.0 * DECAY * weight).collect();
        for lesson in lessons {
            let off = likelihood(&weights, lesson) - f64::from(u8::from(lesson.is_so));
            lesson.features.iter().for_each(|&feature| gradient[feature] += off);
        }
        let rate = RATE * (1.0 - round as f64 / (ROUNDS + 1) as f64);
        let slopes: Vec<f64> = gradient.iter().map(|sum| sum / lessons.len() as f64).collect();
        for (weight, step) in weights.iter_mut().zip(adam.step(&slopes)) {
            *weight -= rate * step;
        }
    }
    weights
}

/// By mode and degree of the soprano in the step before the end.
fn dominants(pieces: &[CorpusPiece]) -> [[u16; 12]; 2] {
    // The last one counts all, however they are reached.
    let mut counts = [[[0_usize; 13]; 12]; 2];
    for piece in pieces {
        let chords = &piece.chorale.chords;
        for end in phrase_ends(chords).ends {
            let Some(before) = end.arrival.checked_sub(1) else { continue };
            let Some(home) = PitchClassDurations::of(&chords[..end.arrival]).key() else { continue };
            let Some(soprano) = chords[before][Part::Soprano].pitch() else { continue };
            let Some(cadence) = cadence_of(chords, end.arrival, home) else { continue };
            let roots = &mut counts[usize::from(home.minor)][usize::from(home.degree(soprano.class()))];
            roots[12] += 1;
            if cadence.approach == Approach::Authentic {
                roots[usize::from(home.degree(cadence.root))] += 1;
            }
        }
    }
    counts.map(|degrees| {
        degrees.map(|roots| {
            let is_usual = |count: usize| count >= LEAST_COUNT && count as f64 >= LEAST_SHARE * roots[12] as f64;
            (0..12).filter(|&root| is_usual(roots[root])).fold(0, |mask, root| mask | 1 << root)
        })
    })
}

/// How the weights that are compiled in foretell pieces step by step, from their own guesses at the ends before.
fn report(pieces: &[CorpusPiece]) {
    let (mut rest, mut arrival) = (Vec::new(), Vec::new());
    for piece in pieces {
        let chords: &[Chord] = &piece.chorale.chords;
        let ends = phrase_ends(chords).ends;
        let (mut tracker, mut durations) = (PhraseTracker::default(), PitchClassDurations::default());
        for (step, &chord) in chords.iter().enumerate() {
            let (phase, home) = (Phase::in_beat(step), durations.key());
            let prospect = tracker.prospects(phase, home).of(chord[Part::Soprano]);
            rest.push((prospect.rest, ends.iter().any(|end| (end.arrival..end.end).contains(&step))));
            let next = step - step % Phase::STEPS_PER_BEAT + Phase::STEPS_PER_BEAT;
            arrival.push((prospect.arrival, ends.iter().any(|end| end.arrival == next)));
            tracker.step(chord, phase, home);
            durations.add(chord);
        }
    }
    for (name, foretold) in [("rest", rest), ("arrival", arrival)] {
        eprintln!("{name}, validation, with the weights compiled in: area under the curve {:.3}", area(&foretold));
        for least in [0.0, 0.2, 0.4, 0.6, 0.8] {
            let bin = foretold.iter().filter(|(likely, _)| (least..least + 0.2).contains(likely));
            let (sum, right, count) = bin.fold((0.0, 0, 0), |(sum, right, count), (likely, is_so)| {
                (sum + likely, right + usize::from(*is_so), count + 1)
            });
            eprintln!("    foretold {:.2}, came {:.2} of {count}", sum / count as f32, right as f32 / count as f32);
        }
    }
}

/// How often what came was foretold as likelier than what did not.
fn area(foretold: &[(f32, bool)]) -> f64 {
    let mut sorted = foretold.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let came = sorted.iter().filter(|(_, is_so)| *is_so).count() as f64;
    let ranks: f64 = sorted.iter().enumerate().filter(|(_, (_, is_so))| *is_so).map(|(rank, _)| rank as f64).sum();
    (ranks - came * (came - 1.0) / 2.0) / (came * (sorted.len() as f64 - came))
}
