//! What a listener hears in a score: the chord of each beat, and where the part-writing breaks a rule.

use std::ops::Range;

use chorale::harmony::{Harmony, Key};
use chorale::rules::{Past, Rule};
use chorale::{Chord, Part, Pitch, Token};

use files::{Bar, Grid, Note, Score, Tick};

/// The place of a step as musicians count it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// 0 for a pickup.
    pub bar: u32,
    /// From 1, in beats of the metre; halves and quarters lie between.
    pub beat: f64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.bar {
            0 => write!(f, "pickup beat {}", self.beat),
            bar => write!(f, "bar {bar} beat {}", self.beat),
        }
    }
}

/// Steps of what musicians count: of the metre's unit, three of which make a beat in 6/8, 9/8 and 12/8.
fn steps_per_beat(grid: &Grid, step: u32) -> u32 {
    let metre = grid.metre(step);
    let unit = (16 / u32::from(metre.denominator())).max(1);
    let is_compound = metre.denominator() >= 8 && metre.numerator > 3 && metre.numerator.is_multiple_of(3);
    if is_compound { 3 * unit } else { unit }
}

pub fn place(grid: &Grid, step: u32) -> Place {
    let bar = grid.bar(step);
    let beat = f64::from(step - bar.first_step + missing_before(grid, bar)) / f64::from(steps_per_beat(grid, step));
    Place { bar: bar.number, beat: beat + 1.0 }
}

/// The beats that a pickup lacks are counted all the same.
fn missing_before(grid: &Grid, bar: Bar) -> u32 {
    let metre = grid.metre(bar.first_step);
    let whole = 16 * u32::from(metre.numerator) / u32::from(metre.denominator());
    if bar.number == 0 { whole.saturating_sub(bar.end_step - bar.first_step) } else { 0 }
}

/// One or more beats on one chord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sounding {
    /// Of the grid.
    pub steps: Range<u32>,
    pub harmony: Harmony,
    pub key: Key,
}

/// The chords of a score beat by beat, those that stay joined; beats that make no chord are left out.
pub fn chords(score: &Score, grid: &Grid) -> Vec<Sounding> {
    let keys = score.keys();
    let mut chords: Vec<Sounding> = Vec::new();
    for steps in beats(score, grid) {
        let ticks = grid.tick(steps.start)..grid.tick(steps.end);
        let key = keys[keys.partition_point(|(at, _)| *at <= ticks.start).max(1) - 1].1;
        let Some(harmony) = harmony_in(score, &ticks, key) else { continue };
        match chords.last_mut() {
            Some(last) if last.steps.end == steps.start && last.harmony == harmony && last.key == key => {
                last.steps.end = steps.end;
            }
            _ => chords.push(Sounding { steps, harmony, key }),
        }
    }
    chords
}

/// The beats in which something sounds, from an eighth to a dotted quarter long.
pub fn beats(score: &Score, grid: &Grid) -> Vec<Range<u32>> {
    let mut beats: Vec<Range<u32>> = Vec::new();
    let mut notes: Vec<&Note> = score.parts.iter().flatten().collect();
    notes.sort_by_key(|note| note.start);
    for note in notes {
        let end_step = grid.nearest_step(note.end);
        let mut step = grid.nearest_step(note.start).max(beats.last().map_or(0, |last| last.end));
        while step < end_step {
            let bar = grid.bar(step);
            // Where halves are counted, chords change in quarters.
            let length = match steps_per_beat(grid, step) {
                8.. => 4,
                counted => counted.max(2),
            };
            // Beats are counted from the bar line, in a pickup towards the next one.
            let offset = missing_before(grid, bar) % length;
            let first = bar.first_step.max(step.saturating_sub((step - bar.first_step + offset) % length));
            let first = first.max(beats.last().map_or(0, |last| last.end));
            let within = (first - bar.first_step + offset) % length;
            let end = (first + length - within).min(bar.end_step).max(first + 1);
            beats.push(first..end);
            step = end;
        }
    }
    beats
}

/// Of what sounds in some ticks. A root with its fifth alone is heard as the triad of the key.
pub(crate) fn harmony_in(score: &Score, ticks: &Range<Tick>, key: Key) -> Option<Harmony> {
    let mut weights = [0.0; 12];
    let mut bass: Option<(Tick, Pitch)> = None;
    for part in Part::ALL {
        let notes = score.part(part);
        let first = notes.partition_point(|note| note.end <= ticks.start);
        for note in notes[first..].iter().take_while(|note| note.start < ticks.end) {
            let (start, end) = (note.start.max(ticks.start), note.end.min(ticks.end));
            // What stands on the beat is heard as the chord; what follows may pass.
            let accent = if start == ticks.start { 2.0 } else { 1.0 };
            weights[usize::from(note.pitch.class())] += accent * f64::from(end.saturating_sub(start));
            if bass.is_none_or(|(at, pitch)| (start, note.pitch) < (at, pitch)) {
                bass = Some((start, note.pitch));
            }
        }
    }
    let bass = bass?.1.class();
    Harmony::find(&weights, bass).or_else(|| Harmony::of_fifth(&weights, bass, key))
}

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
    use files::parts::chorale_score;
    use files::{Direction, Metre};

    fn piece(rows: &[(&str, usize)]) -> (Score, Grid) {
        let rows: Vec<&str> = rows.iter().flat_map(|&(row, count)| vec![row; count]).collect();
        let text = format!("note0,note1,note2,note3\n{}\n", rows.join("\n"));
        let chorale = chorale::Chorale::from_csv(&text).unwrap();
        let directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR))];
        let grid = Grid::new(480, &directions, 0);
        (chorale_score(&chorale, &grid, 0, 480, directions), grid)
    }

    #[test]
    fn the_chord_of_a_beat_is_what_stands_on_it_not_what_passes() {
        // C major with a passing note in the alto, then its dominant seventh for two beats, then home.
        let (score, grid) = piece(&[("72,67,64,48", 2), ("72,65,64,48", 2), ("71,67,62,53", 8), ("72,67,64,52", 4)]);
        let found: Vec<(Range<u32>, String)> =
            chords(&score, &grid).iter().map(|chord| (chord.steps.clone(), chord.harmony.numeral(chord.key))).collect();
        assert_eq!(found, [(0..4, "I".into()), (4..12, "V42".into()), (12..16, "I6".into())]);
    }

    #[test]
    fn places_are_counted_in_what_the_metre_counts() {
        let check = |numerator, denominator_log2, steps: [u32; 3], expected: [&str; 3]| {
            let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
            let grid = Grid::new(480, &[(0, Direction::Metre(metre))], 0);
            assert_eq!(steps.map(|step| place(&grid, step).to_string()), expected);
        };
        check(4, 2, [0, 6, 20], ["bar 1 beat 1", "bar 1 beat 2.5", "bar 2 beat 2"]);
        check(3, 1, [8, 12, 24], ["bar 1 beat 2", "bar 1 beat 2.5", "bar 2 beat 1"]);
        check(6, 3, [6, 9, 12], ["bar 1 beat 2", "bar 1 beat 2.5", "bar 2 beat 1"]);
        check(3, 3, [2, 4, 6], ["bar 1 beat 2", "bar 1 beat 3", "bar 2 beat 1"]);
        check(5, 3, [8, 9, 10], ["bar 1 beat 5", "bar 1 beat 5.5", "bar 2 beat 1"]);
    }

    #[test]
    fn marks_of_one_step_are_named_together_and_once() {
        let mark = |step, rule| Mark { step, rule };
        let marks = [mark(4, Rule::Crossing), mark(4, Rule::Overlap), mark(4, Rule::Overlap), mark(6, Rule::Overlap)];
        assert_eq!(by_step(&marks), [(4, "crossing, overlap".into()), (6, "overlap".into())]);
    }

    #[test]
    fn a_broken_rule_is_marked_where_it_happens() {
        let (score, grid) = piece(&[("72,67,64,48", 4), ("74,69,65,50", 4)]);
        let found: Vec<(String, String)> =
            marks(&score, &grid).iter().map(|mark| (place(&grid, mark.step).to_string(), mark.words())).collect();
        assert!(found.contains(&("bar 1 beat 2".into(), "parallel octaves".into())), "{found:?}");
        assert!(found.iter().all(|(place, _)| place == "bar 1 beat 2"), "{found:?}");
    }
}
