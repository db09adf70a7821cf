//! Each lower part as a line, and the parts beside each other.

use chorale::{Part, Phase};

use super::super::reading::{Note, Place, Reading};
use super::Counts;

pub fn count(reading: &Reading, counts: &mut Counts) {
    for part in Part::LOWER {
        line(reading, part, counts);
    }
    for step in 0..reading.chords.len() {
        together(reading, step, counts);
        if Place::of(step) == Place::Beat {
            spacing(reading, step, counts);
        }
    }
}

/// What a musician calls a move.
pub fn motion(by: Option<i16>) -> &'static str {
    match by {
        None => "nothing",
        Some(i16::MIN..=-3) => "leap down",
        Some(-2..=-1) => "step down",
        Some(0) => "no move",
        Some(1..=2) => "step up",
        Some(3..) => "leap up",
    }
}

fn line(reading: &Reading, part: Part, counts: &mut Counts) {
    let name = part.name().to_lowercase();
    let notes = &reading.notes[part.index()];
    for note in notes {
        let Note { start, end, midi, approach, .. } = *note;
        let place = Place::of(start).name();
        if let Some(by) = approach {
            counts.add(format!("{name} moves by {by} {place}"));
            counts.add(format!("{name} moves by {by}"));
        }
        counts.add(format!("{name}: {} steps from {place}", length(end - start)));
        if note.is_syncopated() {
            counts.add(format!("{name}: syncopation {place}"));
        }
        counts.add(format!("{name} degree {} {place}", reading.degree(midi)));
    }
    for pair in notes.windows(2) {
        counts.add(format!("{name}: {}, {}", motion(pair[0].approach), motion(pair[1].approach)));
    }
    for three in notes.windows(3) {
        let moves = [0, 1, 2].map(|index: usize| motion(three[index].approach));
        counts.add(format!("{name}: {}, {}, {}", moves[0], moves[1], moves[2]));
    }
    for beat in (0..reading.chords.len()).step_by(Phase::STEPS_PER_BEAT) {
        let begins = |step: usize| notes.binary_search_by_key(&step, |note| note.start).is_ok();
        let rhythm: String = (beat..beat + 4).map(|step| if begins(step) { 'x' } else { '.' }).collect();
        counts.add(format!("{name} rhythm: {rhythm}"));
    }
}

fn length(steps: usize) -> &'static str {
    match steps {
        1 => "1",
        2 => "2",
        3 => "3",
        4 => "4",
        5..=7 => "5 to 7",
        8 => "8",
        9..=15 => "9 to 15",
        _ => "16 and more",
    }
}

fn together(reading: &Reading, step: usize, counts: &mut Counts) {
    if step == 0 {
        return;
    }
    let by = |part: Part| Some(reading.midi(step, part)? - reading.midi(step - 1, part)?);
    let moves = Part::ALL.map(by);
    let who: String = Part::ALL
        .iter()
        .zip(moves)
        .filter(|(_, by)| by.is_some_and(|by| by != 0))
        .map(|(part, _)| part.letter())
        .collect();
    let place = Place::of(step).name();
    if who.is_empty() {
        counts.add(format!("nobody moves {place}"));
        return;
    }
    counts.add(format!("{who} move {place}"));
    counts.add(format!("{} parts move {place}", who.len()));
    for (upper, lower) in Part::PAIRS {
        let (Some(above), Some(below)) = (moves[upper.index()], moves[lower.index()]) else { continue };
        let pair = format!("{}{}", upper.letter(), lower.letter());
        let (Some(high), Some(low)) = (reading.midi(step, upper), reading.midi(step, lower)) else { continue };
        let interval = (high - low).rem_euclid(12);
        match (above.signum() * below.signum(), above == below) {
            (0, _) => {}
            (1, true) => counts.add(format!("{pair} in parallel: interval {interval}")),
            (1, false) => counts.add(format!("{pair} in similar motion to {interval}")),
            _ => counts.add(format!("{pair} in contrary motion to {interval}")),
        }
    }
}

fn spacing(reading: &Reading, step: usize, counts: &mut Counts) {
    for (upper, lower) in Part::PAIRS {
        let (Some(high), Some(low)) = (reading.midi(step, upper), reading.midi(step, lower)) else { continue };
        let pair = format!("{}{}", upper.letter(), lower.letter());
        counts.add(format!("{pair} interval {} on the beat", (high - low).rem_euclid(12)));
        counts.add(format!("{pair} {} semitones apart", (high - low).div_euclid(4) * 4));
    }
}
