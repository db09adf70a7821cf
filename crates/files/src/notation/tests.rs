use chorale::Pitch;
use proptest::prelude::*;

use super::*;
use crate::any_score::any_score;
use crate::score::Note;

fn metre(tick: Tick, numerator: u8, denominator: u8) -> (Tick, Direction) {
    let denominator_log2 = denominator.ilog2() as u8;
    (tick, Direction::Metre(Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR }))
}

fn score(metres: &[(Tick, Direction)], notes: &[(Tick, Tick, u8)]) -> (Score, Grid) {
    let note =
        |&(start, end, pitch): &(Tick, Tick, u8)| Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 80 };
    let soprano = notes.iter().map(note).collect();
    let parts = [soprano, Vec::new(), Vec::new(), Vec::new()];
    let score = Score { ticks_per_quarter: 480, directions: metres.to_vec(), parts, ..Score::default() };
    let grid = Grid::new(480, metres, 0);
    (score, grid)
}

/// The soprano in the notation of a hymnal: `C5/4.` a dotted quarter, `/8t` a triplet's eighth, `~` a tie to the
/// next, `R` a measure's rest, `|` a bar line.
fn line(metres: &[(Tick, Direction)], notes: &[(Tick, Tick, u8)]) -> String {
    let (score, grid) = score(metres, notes);
    let measures = measures(&score, &grid).unwrap();
    let item = |item: &Item| {
        let name = item.notehead.as_ref().map_or("r".into(), |head| head.spelling.to_string());
        let Some(value) = item.value else { return "R".into() };
        let dots = ".".repeat(value.dots as usize);
        let triplet = if value.triplet { "t" } else { "" };
        let tie = if item.notehead.as_ref().is_some_and(|head| head.tied_to) { "~" } else { "" };
        let (open, close) = match item.tuplet {
            Some(Tuplet::Start) => ("[", ""),
            Some(Tuplet::Stop) => ("", "]"),
            None => ("", ""),
        };
        format!("{open}{name}/{}{dots}{triplet}{tie}{close}", value.denominator)
    };
    let measure = |measure: &Measure| measure.parts[0].iter().map(item).collect::<Vec<_>>().join(" ");
    measures.iter().map(measure).collect::<Vec<_>>().join(" | ")
}

#[test]
fn notes_are_cut_at_bar_lines_and_beats_and_tied() {
    let four = [metre(0, 4, 4)];
    assert_eq!(line(&four, &[(0, 480, 72), (480, 2400, 74)]), "C5/4 D5/2.~ | D5/4 r/2.");
    assert_eq!(line(&four, &[(240, 720, 72), (720, 1920, 74)]), "r/8 C5/4 D5/8~ D5/2");
    assert_eq!(
        line(&four, &[(0, 720, 72), (720, 960, 74), (960, 1320, 76), (1320, 1440, 77)]),
        "C5/4. D5/8 E5/8. F5/16 r/4"
    );
    assert_eq!(line(&four, &[(1920, 3840, 72)]), "R | C5/1");
    let six_eight = [metre(0, 6, 8)];
    assert_eq!(line(&six_eight, &[(0, 720, 72), (720, 960, 74), (960, 1440, 76)]), "C5/4. D5/8 E5/4");
    assert_eq!(line(&six_eight, &[(0, 1440, 72)]), "C5/2.");
    assert_eq!(line(&six_eight, &[(0, 480, 72), (480, 1440, 74)]), "C5/4 D5/8~ D5/4.");
    assert_eq!(line(&six_eight, &[(0, 360, 72), (360, 1440, 74)]), "C5/8. D5/8.~ D5/4.");
    let three = [metre(0, 3, 4)];
    assert_eq!(line(&three, &[(0, 1440, 72), (1440, 2400, 74)]), "C5/2. | D5/2 r/4");
}

#[test]
fn a_pickup_is_a_short_measure_of_the_metre_that_follows_and_the_last_one_gives_it_back() {
    let metres = [metre(0, 1, 4), metre(480, 4, 4)];
    assert_eq!(line(&metres, &[(0, 480, 67), (480, 1920, 72)]), "G4/4 | C5/2.");
    assert_eq!(line(&metres, &[(0, 480, 67), (480, 2400, 72)]), "G4/4 | C5/1");
    let (score, grid) = score(&metres, &[(0, 480, 67), (480, 2400, 72)]);
    let measures = measures(&score, &grid).unwrap();
    let heads: Vec<_> = measures.iter().map(|m| (m.number, m.new_metre, m.metre.numerator, m.length)).collect();
    assert_eq!(heads, [(0, true, 4, 24), (1, false, 4, 96)]);
}

#[test]
fn triplets_are_bracketed_and_articulation_closes() {
    let four = [metre(0, 4, 4)];
    let triplet = [(0, 160, 72), (160, 320, 74), (320, 480, 76), (480, 900, 77), (960, 1900, 79)];
    assert_eq!(line(&four, &triplet), "[C5/8t D5/8t E5/8t] F5/4 G5/2");
    let uneven = [(0, 320, 72), (320, 480, 74), (480, 960, 76)];
    assert_eq!(line(&four, &uneven), "[C5/4t D5/8t] E5/4 r/2");
    // A note that reaches into a triplet.
    let tied = [(0, 640, 72), (640, 960, 74), (960, 1920, 76)];
    assert_eq!(line(&four, &tied), "C5/4~ [C5/8t D5/4t] E5/2");
}

#[test]
fn three_quarters_in_the_time_of_a_half_have_one_bracket() {
    let four = [metre(0, 4, 4)];
    assert_eq!(
        line(&four, &[(0, 320, 72), (320, 640, 74), (640, 960, 76), (960, 1920, 77)]),
        "[C5/4t D5/4t E5/4t] F5/2"
    );
}

#[test]
fn the_triplets_of_the_melody_decide_how_all_parts_are_written() {
    let (mut score, grid) = score(&[metre(0, 4, 4)], &[(0, 160, 72), (160, 320, 74), (320, 480, 76)]);
    let note = |start, end| Note { start, end, pitch: Pitch::new(48).unwrap(), velocity: 80 };
    score.parts[3] = vec![note(0, 120), note(120, 240), note(240, 360), note(360, 480)];
    let measures = measures(&score, &grid).unwrap();
    let triplets = measures[0].parts[0].iter().filter(|item| item.value.is_some_and(|value| value.triplet));
    assert_eq!(triplets.count(), 3);
}

#[test]
fn beams_join_the_notes_of_a_beat() {
    use Beam::{BackwardHook, Begin, Continue, End, ForwardHook};
    let beams = |metre: (Tick, Direction), notes: &[(Tick, Tick, u8)]| -> Vec<Vec<Beam>> {
        let (score, grid) = score(&[metre], notes);
        let measures = measures(&score, &grid).unwrap();
        measures
            .into_iter()
            .flat_map(|measure| measure.parts.into_iter().next().unwrap())
            .map(|item| item.beams)
            .collect()
    };
    let notes = [(0, 240, 72), (240, 360, 74), (360, 480, 76), (480, 840, 77), (840, 960, 76), (960, 1920, 72)];
    let expected = [vec![Begin], vec![Continue, Begin], vec![End, End], vec![Begin], vec![End, BackwardHook], vec![]];
    assert_eq!(beams(metre(0, 4, 4), &notes), expected);
    let snap = [(0, 120, 72), (120, 480, 74), (480, 720, 76), (960, 1080, 77), (1320, 1440, 76)];
    let expected = [vec![Begin, ForwardHook], vec![End], vec![], vec![], vec![], vec![], vec![]];
    assert_eq!(beams(metre(0, 4, 4), &snap)[..7], expected, "a note alone has a flag, and a rest parts two");
    let three = [(0, 240, 72), (240, 480, 74), (480, 720, 76), (720, 960, 77), (960, 1440, 76)];
    assert_eq!(beams(metre(0, 6, 8), &three)[..4], [vec![Begin], vec![Continue], vec![End], vec![]]);
}

#[test]
fn a_tempo_stands_once_where_it_is_said_though_nothing_sounds_there() {
    let (mut score, grid) = score(&[metre(0, 4, 4)], &[(3840, 4320, 72)]);
    let tempos = [(0, 500_000), (1920, 500_000), (2400, 600_000), (3840, 600_000)];
    score.directions.extend(tempos.map(|(tick, tempo)| (tick, Direction::Tempo(tempo))));
    let measures = measures(&score, &grid).unwrap();
    let tempos: Vec<_> = measures.iter().map(|measure| measure.tempos.clone()).collect();
    assert_eq!(tempos, [vec![(0, 500_000)], vec![(24, 600_000)], vec![]]);
}

#[test]
fn thirty_seconds_and_short_rests_of_a_notated_melody_are_kept() {
    let four = [metre(0, 4, 4)];
    let notes = [(0, 60, 72), (60, 120, 74), (120, 240, 76), (240, 360, 77), (480, 600, 79), (720, 960, 72)];
    assert_eq!(line(&four, &notes), "C5/32 D5/32 E5/16 F5/8 G5/8 C5/8 r/2", "a played one closes its gaps");
    let (score, grid) = score(&four, &notes);
    let measures = measures(&Score { is_notated: true, ..score }, &grid).unwrap();
    let lengths: Vec<u32> = measures[0].parts[0].iter().map(|item| item.length).collect();
    assert_eq!(lengths, [3, 3, 6, 6, 6, 6, 6, 12, 48]);
}

#[test]
fn notes_of_a_notated_melody_that_overlap_are_cut() {
    let notes = [(0, 480, 72), (320, 960, 74), (640, 960, 76), (960, 1920, 77)];
    let (score, grid) = score(&[metre(0, 4, 4)], &notes);
    let measures = measures(&Score { is_notated: true, ..score }, &grid).unwrap();
    assert_eq!(measures[0].parts[0].iter().map(|item| item.length).sum::<u32>(), 96);
}

#[test]
fn a_fermata_stands_on_the_end_of_every_parts_note() {
    let (mut score, grid) = score(&[metre(0, 4, 4)], &[(0, 960, 72), (960, 2880, 74)]);
    score.parts[3] = score.parts[0].clone();
    score.parts[3][1].start = 1440;
    score.parts[3][0].end = 1440;
    score.fermatas = vec![960];
    let measures = measures(&score, &grid).unwrap();
    let marked = |part: usize| -> Vec<(usize, u32)> {
        let items = measures
            .iter()
            .enumerate()
            .flat_map(|(index, measure)| measure.parts[part].iter().map(move |item| (index, item)));
        items
            .filter(|(_, item)| item.notehead.as_ref().is_some_and(|head| head.fermata))
            .map(|(index, item)| (index, item.position))
            .collect()
    };
    assert_eq!((marked(0), marked(3)), (vec![(1, 0)], vec![(1, 0)]));
}

#[test]
fn a_piece_of_endless_silence_is_refused() {
    let (score, grid) = score(&[metre(0, 4, 4)], &[(0, 480, 72), (200_000_000, 200_000_480, 72)]);
    assert_eq!(measures(&score, &grid), Err(TooLong));
}

proptest! {
    #[test]
    fn every_measure_is_full_and_every_value_is_as_long_as_it_sounds(score in any_score()) {
        let grid = Grid::new(score.ticks_per_quarter, &score.directions, 0);
        let Ok(measures) = measures(&score, &grid) else { return Ok(()) };
        for measure in &measures {
            for items in &measure.parts {
                let mut now = 0;
                let mut is_open = false;
                for item in items {
                    prop_assert_eq!(item.position, now);
                    now += item.length;
                    if let Some(value) = item.value {
                        let plain = 4.0 * f64::from(DIVISIONS) / f64::from(value.denominator);
                        let dotted = plain * [1.0, 1.5][value.dots as usize];
                        let length = if value.triplet { dotted * 2.0 / 3.0 } else { dotted };
                        prop_assert!((length - f64::from(item.length)).abs() < 0.51, "{:?}", item);
                    }
                    match item.tuplet {
                        Some(Tuplet::Start) => { prop_assert!(!is_open); is_open = true; }
                        Some(Tuplet::Stop) => { prop_assert!(is_open); is_open = false; }
                        None => {}
                    }
                }
                prop_assert_eq!(now, measure.length);
                prop_assert!(!is_open);
            }
        }
    }
}
