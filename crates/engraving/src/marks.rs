//! Where the part-writing breaks a rule.

use chorale::{Chord, Part, Past, Rule, Token};
use files::{Grid, Note, Score};

use crate::analysis::beats;

/// Something that a teacher would mark, with where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub step: u32,
    pub rule: Rule,
}

impl Mark {
    /// `parallel fifths`.
    pub fn words(self) -> String {
        self.rule.name().replace('-', " ")
    }
}

/// Where something is marked, and what, each rule named once: `crossing, overlap`.
pub fn by_step(marks: &[Mark]) -> Vec<(u32, String)> {
    let at_one_step = marks.chunk_by(|a, b| a.step == b.step);
    let named = at_one_step.map(|marks| {
        let mut words: Vec<String> = marks.iter().map(|mark| mark.words()).collect();
        words.dedup();
        (marks[0].step, words.join(", "))
    });
    named.collect()
}

/// What a teacher marks: the rules of the textbooks, without wide leaps and high or low notes, which Bach writes daily.
pub fn is_marked(rule: Rule) -> bool {
    rule.is_textbook() && !matches!(rule, Rule::WideLeap | Rule::Tessitura)
}

/// Every breach of a rule, in order of step.
pub fn marks(score: &Score, grid: &Grid) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut past = Past::default();
    let mut chord = Chord::SILENCE;
    let steps = beats(score, grid);
    let mut lines = Part::ALL.map(|part| score.part(part).iter().peekable());
    let mut sounding: [Option<&Note>; 4] = [None; 4];
    let mut expected = None;
    for step in steps.into_iter().flatten() {
        // Nothing is broken across a rest.
        if expected != Some(step) {
            past = Past::default();
        }
        expected = Some(step + 1);
        for (part, line) in Part::ALL.into_iter().zip(&mut lines) {
            let held = &mut sounding[part.index()];
            while let Some(note) = line.next_if(|note| grid.nearest_step(note.start) <= step) {
                *held = Some(note);
            }
            *held = held.filter(|note| grid.nearest_step(note.end) > step);
            // Beyond the vocabulary no rule looks.
            chord[part] = held.and_then(|note| Token::from_pitch(note.pitch)).unwrap_or(Token::REST);
        }
        if chord == Chord::SILENCE {
            past = Past::default();
            continue;
        }
        let phase = grid.phase(step);
        let breaches = past.breaches(chord, phase);
        let count = |rule: Rule| breaches[rule.index()];
        for rule in Rule::ALL.into_iter().filter(|rule| is_marked(*rule)) {
            // Parallels from one chord to the next are also such from beat to beat.
            let is_said = rule == Rule::BeatParallels && count(Rule::ParallelFifths) + count(Rule::ParallelOctaves) > 0;
            if !is_said {
                marks.extend((0..count(rule)).map(|_| Mark { step, rule }));
            }
        }
        past.step(chord, phase);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::piece;
    use crate::position::bar_position;

    #[test]
    fn marks_of_one_step_are_named_together_and_once() {
        let mark = |step, rule| Mark { step, rule };
        let marks = [mark(4, Rule::Crossing), mark(4, Rule::Overlap), mark(4, Rule::Overlap), mark(6, Rule::Overlap)];
        assert_eq!(by_step(&marks), [(4, "crossing, overlap".into()), (6, "overlap".into())]);
    }

    #[test]
    fn a_broken_rule_is_marked_where_it_happens() {
        let (score, grid) = piece(&[("72,67,64,48", 4), ("74,69,65,50", 4)]);
        let found: Vec<(String, String)> = marks(&score, &grid)
            .iter()
            .map(|mark| (bar_position(&grid, mark.step).to_string(), mark.words()))
            .collect();
        assert!(found.contains(&("bar 1 beat 2".into(), "parallel octaves".into())), "{found:?}");
        assert!(found.iter().all(|(position, _)| position == "bar 1 beat 2"), "{found:?}");
    }
}
