//! What a listener hears in a score: the chord of each beat.

use std::ops::Range;

use chorale::{Harmony, Key, Part, Pitch, Quality, Spelling};
use files::notation::all_spellings;
use files::{Grid, Note, Score, Tick};

use crate::position::{missing_before, steps_per_beat};

/// One or more beats on one chord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sounding {
    /// Of the grid.
    pub steps: Range<u32>,
    pub harmony: Harmony,
    pub key: Key,
    /// Letters as on a lead sheet, spelled as the notes are.
    pub symbol: String,
}

/// The chords of a score beat by beat, those that stay joined; beats that make no chord are left out.
pub fn chords(score: &Score, grid: &Grid) -> Vec<Sounding> {
    // Of a church mode, its tonic counts and not that of its signature.
    let (keys, signature, home) = (score.keys(), score.key(), score.home());
    let mut chords: Vec<Sounding> = Vec::new();
    for steps in beats(score, grid) {
        let ticks = grid.tick(steps.start)..grid.tick(steps.end);
        let key = keys[keys.partition_point(|(at, _)| *at <= ticks.start).max(1) - 1].1;
        let key = if key == signature { home } else { key };
        let Some(harmony) = harmony_in(score, &ticks, key) else { continue };
        match chords.last_mut() {
            Some(last) if last.steps.end == steps.start && last.harmony == harmony && last.key == key => {
                last.steps.end = steps.end;
            }
            _ => chords.push(Sounding { steps, harmony, key, symbol: String::new() }),
        }
    }
    let spellings = all_spellings(score);
    let written =
        |chord: &Sounding| written_in(score, &spellings, &(grid.tick(chord.steps.start)..grid.tick(chord.steps.end)));
    name_diminished(&mut chords, &written);
    for chord in &mut chords {
        chord.symbol = chord.harmony.symbol_as_written(chord.key, &written(chord));
    }
    chords
}

/// The notes that sound in some ticks with their names, from the bass up.
fn written_in(score: &Score, spellings: &[Vec<Spelling>; 4], ticks: &Range<Tick>) -> Vec<(Pitch, Spelling)> {
    let mut written = Vec::new();
    for part in Part::ALL.into_iter().rev() {
        let notes = score.part(part);
        let first = notes.partition_point(|note| note.end <= ticks.start);
        let sounding = notes[first..].iter().zip(&spellings[part.index()][first..]);
        let sounding = sounding.take_while(|(note, _)| note.start < ticks.end);
        written.extend(sounding.map(|(note, spelling)| (note.pitch, *spelling)));
    }
    written
}

/// Gives diminished seventh chords the root that leads to the next chord, or else the one that is written.
fn name_diminished(chords: &mut [Sounding], written: &impl Fn(&Sounding) -> Vec<(Pitch, Spelling)>) {
    let is_diminished = |chord: &Sounding| chord.harmony.quality == Quality::DiminishedSeventh;
    for index in 0..chords.len() {
        let harmony = chords[index].harmony;
        if !is_diminished(&chords[index]) {
            continue;
        }
        let next = chords[index + 1..].iter().find(|next| !is_diminished(next));
        let led = next.and_then(|next| harmony.led_to(next.harmony));
        chords[index].harmony = led.or_else(|| harmony.by_spelling(&written(&chords[index]))).unwrap_or(harmony);
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use files::parts::chorale_score;
    use files::{Direction, Metre};

    /// A score of rows, each so many sixteenths long.
    pub(crate) fn piece(rows: &[(&str, usize)]) -> (Score, Grid) {
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
    fn a_chord_is_spelled_as_its_notes_are() {
        let symbols = |rows: &[&str], sharps: i8| {
            let rows: Vec<(&str, usize)> = rows.iter().map(|row| (*row, 4)).collect();
            let (mut score, grid) = piece(&rows);
            score.directions.push((0, Direction::Key { sharps, minor: false }));
            let found: Vec<String> = chords(&score, &grid).iter().map(|chord| chord.symbol.clone()).collect();
            found.join(" ")
        };
        // A flat major, F minor, D flat major in root position and over its third, A flat seventh over its third.
        let in_c = ["72,68,63,56", "72,68,65,53", "73,68,65,49", "73,68,61,53", "75,68,66,48", "72,67,64,48"];
        assert_eq!(symbols(&in_c, 0), "Ab Fm Db Db/F Ab7/C C");
        assert_eq!(symbols(&["71,67,62,55", "70,67,63,55", "71,67,62,55"], 1), "G Eb/G G");
        assert_eq!(symbols(&["71,68,64,56", "71,66,63,59"], 4), "E/G# B");
    }

    #[test]
    fn a_diminished_seventh_is_named_by_its_leading_tone_whatever_its_bass() {
        // G#, D and F over B, then A minor; and a cadential six-four after the diminished seventh on F#.
        let (score, grid) = piece(&[("77,68,62,47", 4), ("76,69,60,48", 4), ("75,69,60,54", 4), ("76,67,60,55", 4)]);
        let found: Vec<String> = chords(&score, &grid).iter().map(|chord| chord.harmony.numeral(chord.key)).collect();
        assert_eq!(found[0], "vii°65/vi");
        assert_eq!(found[2..], ["vii°7/V", "I64"]);
    }
}
