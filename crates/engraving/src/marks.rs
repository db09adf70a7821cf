//! Where the part-writing breaks a rule.

use chorale::{Chord, Part, Parts, Past, Rule, Token};
use files::{Ensemble, Grid, Note, Score};

use crate::analysis::beats;

/// Something that a teacher would mark, with where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub step: u32,
    pub rule: Rule,
    /// Who breaks it.
    pub parts: Parts,
}

impl Mark {
    /// `parallel fifths (Soprano, Bass)`.
    pub fn words(self, ensemble: &Ensemble) -> String {
        format!("{} ({})", name(self.rule), self.names(ensemble).join(", "))
    }

    /// Of the parts, from the top.
    pub fn names(self, ensemble: &Ensemble) -> Vec<&'static str> {
        self.parts.iter().map(|part| ensemble.name(part)).collect()
    }
}

fn name(rule: Rule) -> String {
    rule.name().replace('-', " ")
}

/// Where something is marked, and what, each rule named once, short enough to stand over notes:
/// `parallel fifths S-B, overlap A-T, T-B`.
pub fn by_step(marks: &[Mark], ensemble: &Ensemble) -> Vec<(u32, String)> {
    let at_one_step = marks.chunk_by(|a, b| a.step == b.step);
    let named = at_one_step.map(|marks| {
        let of_one_rule = marks.chunk_by(|a, b| a.rule == b.rule);
        let words: Vec<String> = of_one_rule.map(|marks| words_of_one_rule(marks, ensemble)).collect();
        (marks[0].step, words.join(", "))
    });
    named.collect()
}

fn words_of_one_rule(marks: &[Mark], ensemble: &Ensemble) -> String {
    let letters = |mark: &Mark| {
        let letters: Vec<&str> = mark.parts.iter().map(|part| ensemble.short_name(part)).collect();
        letters.join("-")
    };
    let mut who: Vec<String> = marks.iter().map(letters).collect();
    who.dedup();
    format!("{} {}", name(marks[0].rule), who.join(", "))
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
        let breaches = past.breaches_by_part(chord, phase);
        // Parallels from one chord to the next are also such from beat to beat.
        let has_parallels =
            breaches.iter().any(|(rule, _)| matches!(rule, Rule::ParallelFifths | Rule::ParallelOctaves));
        let is_said = |rule: Rule| rule == Rule::BeatParallels && has_parallels;
        let told = breaches.into_iter().filter(|(rule, _)| rule.is_marked() && !is_said(*rule));
        marks.extend(told.map(|(rule, parts)| Mark { step, rule, parts }));
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
    fn marks_of_one_step_are_named_together_and_each_rule_once_with_its_parts() {
        use Part::{Alto, Bass, Soprano, Tenor};
        let mark = |step, rule, parts: [Part; 2]| Mark { step, rule, parts: parts.into() };
        let marks = [
            mark(4, Rule::Crossing, [Alto, Tenor]),
            mark(4, Rule::Overlap, [Soprano, Alto]),
            mark(4, Rule::Overlap, [Tenor, Bass]),
            mark(6, Rule::Overlap, [Tenor, Bass]),
        ];
        let satb = Ensemble::default();
        let expected = [(4, "crossing A-T, overlap S-A, T-B".into()), (6, "overlap T-B".into())];
        assert_eq!(by_step(&marks, &satb), expected);
        let men = Ensemble::of(files::Scoring::Ttbb);
        assert_eq!(by_step(&marks[3..], &men), [(6, "overlap Bar-B".into())]);
        assert_eq!(marks[3].words(&men), "overlap (Baritone, Bass)");
    }

    #[test]
    fn a_broken_rule_is_marked_where_it_happens_with_the_parts_that_break_it() {
        let (score, grid) = piece(&[("72,67,64,48", 4), ("74,69,65,50", 4)]);
        let found: Vec<(String, String)> = marks(&score, &grid)
            .iter()
            .map(|mark| (bar_position(&grid, mark.step).to_string(), mark.words(&score.ensemble)))
            .collect();
        let expected = ("bar 1 beat 2".into(), "parallel octaves (Soprano, Bass)".into());
        assert!(found.contains(&expected), "{found:?}");
        assert!(found.iter().all(|(position, _)| position == "bar 1 beat 2"), "{found:?}");
    }
}
