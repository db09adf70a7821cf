//! Chords given for a melody, one after the other: `| I IV | V7 I |`, `C Am F G7`.

use chorale::{GivenChord, Key, NoChord};
use files::{Grid, Metre, Tick};
use thiserror::Error;

/// Bars of chords that divide them evenly. Between bar lines stand the chords of a bar; without bar lines every chord has one
/// to itself. A dot holds the chord before it, `%` repeats the bar before it, and `N.C.` leaves its time free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progression {
    bars: Vec<Vec<Slot>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    Chord(String, GivenChord),
    Held,
    Free,
}

/// Why a text is no progression.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProgressionError {
    #[error(transparent)]
    NoChord(#[from] NoChord),
    #[error(
        "it names no chord; write them with spaces between, and bar lines where a bar has several: \"| C Am | F G7 |\""
    )]
    Empty,
    #[error("'%' stands for the bar before it, and there is none")]
    NothingToRepeat,
    #[error("'%' repeats a whole bar and stands alone in it; . holds a chord")]
    RepeatsPart,
    #[error("bar {bar} has {chords} chords; bar {place} of the melody, in {metre}, has room for {room}")]
    Crowded { bar: usize, chords: usize, place: u32, metre: Metre, room: u32 },
}

/// A chord as it is told, from some tick on; none where the harmony is free again.
pub(crate) type Told = (Tick, Option<(String, GivenChord)>);

impl Progression {
    /// Degrees are those of `key`.
    ///
    /// # Errors
    /// The first word that is no chord.
    pub fn parse(text: &str, key: Key) -> Result<Progression, ProgressionError> {
        let has_bars = text.contains('|');
        let mut bars: Vec<Vec<Slot>> = Vec::new();
        for bar in text.split('|') {
            let words = bar.split([' ', '\t', '\n', '\r', ',']).map(|word| word.trim_matches(':'));
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            if has_bars && words == ["%"] {
                let before = bars.last().cloned();
                bars.push(before.ok_or(ProgressionError::NothingToRepeat)?);
                continue;
            }
            let mut slots = Vec::new();
            for word in words {
                slots.push(match word {
                    "%" if has_bars => return Err(ProgressionError::RepeatsPart),
                    "." | "%" => Slot::Held,
                    "N.C." | "NC" | "N.C" | "-" => Slot::Free,
                    _ => Slot::Chord(word.to_owned(), GivenChord::parse(word, key)?),
                });
            }
            match has_bars {
                true if slots.is_empty() => {}
                true => bars.push(slots),
                false => bars.extend(slots.into_iter().map(|slot| vec![slot])),
            }
        }
        let is_chord = |slot: &Slot| matches!(slot, Slot::Chord(..));
        if bars.iter().flatten().any(is_chord) { Ok(Progression { bars }) } else { Err(ProgressionError::Empty) }
    }

    /// How many bars it has.
    pub fn bars(&self) -> usize {
        self.bars.len()
    }

    /// Laid on the whole bars of a piece from tick `first` to `end`, over and over.
    ///
    /// # Errors
    /// Where a bar has more chords than sixteenths.
    pub(crate) fn laid_on(&self, grid: &Grid, first: Tick, end: Tick) -> Result<Vec<Told>, ProgressionError> {
        let mut told: Vec<Told> = Vec::new();
        let (mut step, last) = (grid.nearest_step(first), grid.nearest_step(end));
        let mut bars = (1..).zip(&self.bars).cycle();
        while step < last {
            let bar = grid.bar(step);
            step = bar.end_step.max(step + 1);
            // A pickup leads to the first chord.
            if bar.number == 0 {
                continue;
            }
            let Some((number, slots)) = bars.next() else { break };
            let length = bar.end_step - bar.first_step;
            if slots.len() > length as usize {
                let (chords, metre) = (slots.len(), grid.metre(bar.first_step));
                return Err(ProgressionError::Crowded { bar: number, chords, place: bar.number, metre, room: length });
            }
            for (index, slot) in (0..).zip(slots) {
                let tick = grid.tick(bar.first_step + length * index / slots.len() as u32);
                match slot {
                    Slot::Chord(text, chord) => told.push((tick, Some((text.clone(), *chord)))),
                    Slot::Free => told.push((tick, None)),
                    Slot::Held => {}
                }
            }
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use files::Direction;

    use super::*;

    fn laid_on(text: &str, bars: u32) -> Result<Vec<Told>, ProgressionError> {
        let grid = Grid::new(480, &[(0, Direction::Metre(Metre::FOUR_FOUR))], 0);
        Progression::parse(text, "C".parse().unwrap())?.laid_on(&grid, 0, bars * 1920)
    }

    fn told(text: &str, bars: u32) -> Vec<(Tick, String)> {
        let told = laid_on(text, bars).unwrap();
        told.into_iter().map(|(tick, chord)| (tick, chord.map_or("-".into(), |(text, _)| text))).collect()
    }

    fn expected(list: &[(Tick, &str)]) -> Vec<(Tick, String)> {
        list.iter().map(|(tick, text)| (*tick, (*text).to_owned())).collect()
    }

    #[test]
    fn chords_divide_their_bars_and_begin_again_at_the_end() {
        assert_eq!(
            told("| I IV | V7 |", 3),
            expected(&[(0, "I"), (960, "IV"), (1920, "V7"), (3840, "I"), (4800, "IV")])
        );
        assert_eq!(told("C Am", 3), expected(&[(0, "C"), (1920, "Am"), (3840, "C")]));
        assert_eq!(told("|: C . . G/B | % :|", 2), expected(&[(0, "C"), (1440, "G/B"), (1920, "C"), (3360, "G/B")]));
        assert_eq!(told("| C | N.C. F |", 2), expected(&[(0, "C"), (1920, "-"), (2880, "F")]));
        assert_eq!(told("C . F", 3), expected(&[(0, "C"), (3840, "F")]));
    }

    #[test]
    fn what_names_no_chords_is_refused_with_the_word() {
        let refused = |text: &str| Progression::parse(text, "C".parse().unwrap()).unwrap_err().to_string();
        assert!(refused("C H7").starts_with("'H7' is no chord"));
        assert!(refused("").starts_with("it names no chord") && refused("| . | |").starts_with("it names no chord"));
        assert!(refused("% | C |").starts_with("'%' stands for the bar before"));
    }

    #[test]
    fn a_bar_with_more_chords_than_sixteenths_is_refused() {
        let crowded = format!("| C | {} |", "F ".repeat(17));
        let refused = laid_on(&crowded, 2).unwrap_err().to_string();
        assert_eq!(refused, "bar 2 has 17 chords; bar 2 of the melody, in 4/4, has room for 16");
        assert_eq!(told(&"F ".repeat(16), 1).len(), 1, "without bar lines each has a bar");
        assert_eq!(told(&format!("| {} |", "F ".repeat(16)), 1).len(), 16);
    }

    #[test]
    fn a_sign_that_repeats_a_bar_stands_alone_in_it() {
        for text in ["| C | F % |", "| C | % F |", "| C | % % |", "| C | % . |"] {
            let refused = Progression::parse(text, "C".parse().unwrap());
            assert_eq!(refused, Err(ProgressionError::RepeatsPart), "{text}");
        }
        assert_eq!(told("| C F | % | % |", 3).len(), 6);
    }
}
