//! Which accidentals are printed. `accidentals.txt` says it in cases, to which the staves of pages are held too.

use std::collections::BTreeMap;

use chorale::{Key, Part, Spelling};

use super::{Measure, Notehead};

/// The accidentals of each measure of a staff on which the parts stand, by voice and position: where a note is altered
/// otherwise than its letter has been in the measure so far, and as reminders. The voices of a staff share its accidentals,
/// so they are followed in the order of reading.
pub fn accidentals(measures: &[Measure], parts: &[Part]) -> Vec<BTreeMap<(usize, u32), i8>> {
    let mut before = Altered::new();
    let of_measure = |measure: &Measure| {
        let heads = in_order(measure, parts);
        let accidentals = of_measure(&heads, measure.key, &before);
        before = altered(&heads, measure.key);
        accidentals
    };
    measures.iter().map(of_measure).collect()
}

/// A line or space of a staff: letter and octave.
type Line = (char, i8);
type Altered = BTreeMap<Line, i8>;

struct Placed<'a> {
    position: u32,
    voice: usize,
    head: &'a Notehead,
}

impl Placed<'_> {
    fn line(&self) -> Line {
        line(self.head.spelling)
    }
}

fn line(spelling: Spelling) -> Line {
    (spelling.letter, spelling.octave)
}

fn in_order<'a>(measure: &'a Measure, parts: &[Part]) -> Vec<Placed<'a>> {
    let mut heads: Vec<Placed> = Vec::new();
    for (voice, part) in parts.iter().enumerate() {
        let items = &measure.parts[part.index()];
        let placed = items
            .iter()
            .filter_map(|item| Some(Placed { position: item.position, voice, head: item.notehead.as_ref()? }));
        heads.extend(placed);
    }
    heads.sort_by_key(|placed| (placed.position, placed.voice));
    heads
}

/// The lines that a measure leaves altered otherwise than its signature has them, by notes that are tied to it too.
fn altered(heads: &[Placed], key: Key) -> Altered {
    let last: BTreeMap<Line, Spelling> = heads.iter().map(|placed| (placed.line(), placed.head.spelling)).collect();
    let foreign = last.into_iter().filter(|(_, spelling)| spelling.alteration != spelling.signature_alteration(key));
    foreign.map(|(line, spelling)| (line, spelling.alteration)).collect()
}

fn of_measure(heads: &[Placed], key: Key, before: &Altered) -> BTreeMap<(usize, u32), i8> {
    let mut printed = Altered::new();
    let mut accidentals = BTreeMap::new();
    for placed in heads.iter().filter(|placed| !placed.head.tied_from) {
        let spelling = placed.head.spelling;
        let is_printed = match printed.get(&placed.line()) {
            Some(&present) => present != spelling.alteration,
            None if spelling.alteration != spelling.signature_alteration(key) => true,
            None => is_reminded(placed, heads, before),
        };
        if is_printed {
            accidentals.insert((placed.voice, placed.position), spelling.alteration);
            printed.insert(placed.line(), spelling.alteration);
        }
    }
    accidentals
}

/// Whether a note as the signature has it needs a sign all the same: the measure before has altered its line, or this one
/// another octave of its letter.
fn is_reminded(placed: &Placed, heads: &[Placed], before: &Altered) -> bool {
    let Spelling { letter, alteration, octave } = placed.head.spelling;
    let so_far = heads.iter().take_while(|other| other.position <= placed.position).map(|other| other.head.spelling);
    let octaves: BTreeMap<i8, i8> =
        so_far.filter(|other| other.letter == letter).map(|other| (other.octave, other.alteration)).collect();
    before.get(&placed.line()).is_some_and(|altered| *altered != alteration)
        || octaves.iter().any(|(other, altered)| *other != octave && *altered != alteration)
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::grid::Grid;
    use crate::notation::measures;
    use crate::score::{Direction, Metre, Note, Score, Tick};

    const CASES: &str = include_str!("accidentals.txt");
    const QUARTER: Tick = 480;
    const BAR: Tick = 2 * QUARTER;

    #[test]
    fn accidentals_and_reminders_are_printed_as_the_cases_say() {
        let cases = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut count = 0;
        for (what, staff) in cases.map(|line| line.split_once(": ").expect("what must hold, and a staff")) {
            assert_eq!(printed(staff), staff, "{what}");
            count += 1;
        }
        assert!(count > 10, "{count} cases");
    }

    /// A staff of `accidentals.txt` with the signs that we print.
    fn printed(staff: &str) -> String {
        let (key, voices) = staff.split_once(' ').unwrap();
        let keys = key.split(',').map(|sharps| sharps.parse().unwrap());
        let keys = (0..).step_by(BAR as usize).zip(keys);
        let mut directions = vec![(0, Direction::Metre(Metre { numerator: 2, ..Metre::FOUR_FOUR }))];
        directions.extend(keys.map(|(tick, sharps)| (tick, Direction::Key { sharps, minor: false })));
        let mut score = Score { ticks_per_quarter: 480, directions: directions.clone(), ..Score::default() };
        let words: Vec<Vec<&str>> = voices.split(" / ").map(|voice| voice.split(' ').collect()).collect();
        for (part, words) in words.iter().enumerate() {
            let mut is_tied = false;
            for (start, word) in (0..).step_by(QUARTER as usize).zip(words.iter().filter(|word| **word != "|")) {
                let end = start + QUARTER;
                match name(word) {
                    Some(_) if is_tied => score.parts[part].last_mut().unwrap().end = end,
                    Some(spelling) => {
                        score.parts[part].push(Note { start, end, pitch: pitch(spelling), velocity: 80 });
                        score.spellings[part].insert(start, spelling);
                    }
                    None => {}
                }
                is_tied = word.ends_with('~');
            }
        }
        let measures = measures(&score, &Grid::new(480, &directions, 0)).unwrap();
        let parts = &Part::ALL[..words.len()];
        let signs = accidentals(&measures, parts);
        let sign = |voice: usize, index: usize| {
            let place = (voice, index as u32 % 2 * super::super::DIVISIONS);
            match signs[index / 2].get(&place) {
                Some(0) => "n:",
                Some(1) => "#:",
                Some(-1) => "b:",
                Some(other) => unreachable!("{other}"),
                None => "",
            }
        };
        let voice = |(voice, words): (usize, &Vec<&str>)| {
            let mut index = 0;
            let word = |word: &&str| {
                if *word == "|" {
                    return "|".to_owned();
                }
                index += 1;
                format!("{}{}", sign(voice, index - 1), word.split_once(':').map_or(*word, |(_, name)| name))
            };
            words.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        let voices = words.iter().enumerate().map(voice).collect::<Vec<_>>().join(" / ");
        format!("{key} {voices}")
    }

    /// `None` for a rest.
    fn name(word: &str) -> Option<Spelling> {
        let name = word.split_once(':').map_or(word, |(_, name)| name).trim_end_matches('~');
        let alteration = name.matches('#').count() as i8 - name.matches('b').count() as i8;
        let octave = name.chars().last()?.to_digit(10)? as i8;
        Some(Spelling { letter: name.chars().next()?, alteration, octave })
    }

    fn pitch(Spelling { letter, alteration, octave }: Spelling) -> Pitch {
        let natural = [9, 11, 0, 2, 4, 5, 7][usize::from(letter as u8 - b'A')];
        Pitch::new((12 * (octave + 1) + natural + alteration) as u8).unwrap()
    }
}
