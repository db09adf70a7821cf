//! The pickup of a file that does not tell of one: LilyPond, abc2midi and others write the first note at the beginning, as
//! if the first bar were full, so that all later bar lines lie too early.

use super::Melody;
use crate::score::{Direction, Metre, Tick};
use crate::source::{Kind, Source};

/// So many bars at least are needed to tell where they begin.
const FEWEST_BARS: u32 = 3;

/// By how much a pickup must fit better than none.
const CLEAR: f64 = 1.5;

/// What fits less than this, fits badly: notes are held over its bar lines too.
const FITTING: f64 = 1.0;

/// By how much one of half a bar must fit better than all else. A bar may lack its first half as well as have it.
const CLEAR_HALF: f64 = 3.0;

/// The quarters before the first bar line, where the notes show that the first bar is not full; `None` where it is, where
/// the file tells, and where nothing is clear.
pub fn guess_pickup(source: &Source, melody: &Melody) -> Option<f64> {
    let metre = only_metre(source)?;
    let quarter = f64::from(source.ticks_per_quarter);
    let unit = 4.0 / f64::from(metre.denominator());
    let bar = f64::from(metre.numerator) * unit;
    let notes = accents(melody, quarter);
    let length = notes.last().map_or(0.0, |last| last.start + last.length);
    // Who begins with a rest, or plays to drums, has counted bars.
    let is_counted = melody.first_onset() > Tick::from(source.ticks_per_quarter / 8) || has_drums(source);
    if is_counted || length < f64::from(FEWEST_BARS) * bar {
        return None;
    }
    let others = entry_of_others(source, melody).map(|tick| f64::from(tick) / quarter);
    let fit = |pickup: f64| fit(&notes, pickup, bar, beats(metre), others);
    let shortest = unit.min(0.5);
    let pickups = (1..).map(|units| f64::from(units) * shortest).take_while(|pickup| 2.2 * pickup < bar);
    let begins_with_a_note = |pickup: &f64| notes.iter().any(|note| (note.start - pickup).abs() < 0.06);
    let best = pickups.filter(begins_with_a_note).max_by(|a, b| fit(*a).total_cmp(&fit(*b)));
    let half = Some(bar / 2.0).filter(|half| beats(metre) % 2.0 == 0.0 && begins_with_a_note(half));
    let is_clear = |half: &f64| [0.0].into_iter().chain(best).all(|other| fit(*half) >= fit(other) + CLEAR_HALF);
    let half = half.filter(is_clear).filter(|half| fit(*half) >= FITTING);
    let best = best.filter(|best| fit(*best) >= FITTING.max(fit(0.0) + CLEAR));
    let quarter_of_bar = bar / 4.0;
    let three = Some(3.0 * quarter_of_bar).filter(|three| has_four_quarters(metre) && begins_with_a_note(three));
    let others: Vec<f64> = [0.0, quarter_of_bar, 2.0 * quarter_of_bar].into_iter().chain(half).chain(best).collect();
    let is_better = |three: f64, other: f64| fit(three) >= fit(other) + CLEAR && crossing(&notes, other, bar) > 0;
    let three =
        three.filter(|three| fills_bars(&notes, *three, bar) && others.iter().all(|other| is_better(*three, *other)));
    three.or(half).or(best)
}

/// 4/4 and 2/2, the metres of tunes that begin after the first beat of a bar.
fn has_four_quarters(metre: Metre) -> bool {
    matches!((metre.numerator, metre.denominator()), (4, 4) | (2, 2))
}

/// How many notes that begin within a bar last beyond its end.
fn crossing(notes: &[Accent], pickup: f64, bar: f64) -> usize {
    let crosses = |note: &&Accent| {
        let place = (note.start - pickup + 0.06).rem_euclid(bar) - 0.06;
        place > 0.06 && place + note.length > bar + 0.06
    };
    notes.iter().filter(crosses).count()
}

/// Whether no note crosses a bar line, and the last one, a long one, ends with its bar, or with what the pickup leaves of it.
fn fills_bars(notes: &[Accent], pickup: f64, bar: f64) -> bool {
    let Some(last) = notes.last() else { return false };
    let over = |end: f64| (last.start + last.length - end + 0.06).rem_euclid(bar) < 0.12;
    crossing(notes, pickup, bar) == 0 && last.length >= 1.5 * bar / 4.0 && (over(pickup) || over(0.0))
}

/// The metre of a MIDI file that has one from the beginning to the end, and so does not tell of a pickup.
fn only_metre(source: &Source) -> Option<Metre> {
    if source.kind != Kind::Midi {
        return None;
    }
    let mut metres = source.directions.iter().filter_map(|(tick, direction)| match direction {
        Direction::Metre(metre) => Some((*tick, *metre)),
        _ => None,
    });
    let (tick, metre) = metres.next()?;
    (tick == 0 && metres.next().is_none()).then_some(metre)
}

fn has_drums(source: &Source) -> bool {
    source.tracks.iter().any(|track| track.channels.keys().any(|channel| track.is_drums(*channel)))
}

/// Where all other lines begin, if they begin together and later than the melody.
fn entry_of_others(source: &Source, melody: &Melody) -> Option<Tick> {
    let first = melody.notes.first()?;
    let lines = || source.tracks.iter().flat_map(|track| track.channels.values());
    let starts: Vec<Tick> = lines().filter_map(|notes| notes.first()).map(|note| note.start).collect();
    let later: Vec<Tick> = starts.iter().copied().filter(|start| *start > first.start).collect();
    let begins_together = later.len() + 1 == starts.len() && later.windows(2).all(|two| two[0] == two[1]);
    later.first().copied().filter(|_| begins_together)
}

/// A note, in quarters.
struct Accent {
    start: f64,
    /// To the next one, unless a rest comes before it.
    length: f64,
}

fn accents(melody: &Melody, quarter: f64) -> Vec<Accent> {
    let first = melody.first_onset();
    let notes = &melody.notes;
    // Who plays legato lets the last note ring on as the others do.
    let mut overlaps: Vec<f64> = notes
        .windows(2)
        .map(|two| f64::from(two[0].end - two[0].start) / f64::from((two[1].start - two[0].start).max(1)))
        .collect();
    overlaps.sort_by(f64::total_cmp);
    let overlap = overlaps.get(overlaps.len() / 2).map_or(1.0, |median| median.max(1.0));
    let accent = |index: usize| {
        let note = &melody.notes[index];
        let own = f64::from(note.end - note.start) / quarter;
        let next = melody.notes.get(index + 1).map(|next| f64::from(next.start - note.start) / quarter);
        // A breath or a gap of articulation belongs to the note.
        let length =
            next.map_or((2.0 * own / overlap - 0.05).ceil() / 2.0, |next| if next < own + 1.0 { next } else { own });
        Accent { start: f64::from(note.start - first) / quarter, length }
    };
    (0..melody.notes.len()).map(accent).collect()
}

/// The beats of a bar: in 6/8 and the like, of three eighths.
fn beats(metre: Metre) -> f64 {
    let units = f64::from(metre.numerator);
    if metre.denominator() >= 8 && metre.numerator.is_multiple_of(3) && metre.numerator > 3 {
        units / 3.0
    } else {
        units
    }
}

/// How well the notes lie in the bars: long ones and the last one on strong beats, and none of them over a bar line.
fn fit(notes: &[Accent], pickup: f64, bar: f64, beats: f64, others: Option<f64>) -> f64 {
    let place = |at: f64| (at - pickup).rem_euclid(bar);
    let is_at = |at: f64, place: f64| (at - place).abs() < 0.06 || (at - place).abs() > bar - 0.06;
    let strength = |at: f64| match place(at) {
        at if is_at(at, 0.0) => 1.0,
        at if beats % 2.0 == 0.0 && is_at(at, bar / 2.0) => 0.5,
        at if is_at((at * beats / bar).fract(), 0.0) => 0.0,
        _ => -0.5,
    };
    let crosses = |note: &Accent| place(note.start) + note.length > bar + 0.06;
    let mut lengths: Vec<f64> = notes.iter().map(|note| note.length).collect();
    lengths.sort_by(f64::total_cmp);
    let usual = lengths[lengths.len() / 2];
    let long: Vec<&Accent> =
        notes.iter().filter(|note| note.length >= 1.4 * usual && note.length >= 0.9 * bar / beats).collect();
    let mean = |value: &dyn Fn(&Accent) -> f64| -> f64 {
        long.iter().map(|note| value(note)).sum::<f64>() / long.len().max(1) as f64
    };
    // What few long notes say may be chance.
    let trust = (long.len() as f64 / 3.0).min(1.0);
    // A reel runs to its end and rests nowhere.
    let is_rest = |note: &&Accent| note.length >= (1.4 * usual).min(0.9 * bar / beats);
    let last = notes.last().filter(is_rest).map_or(0.0, |note| strength(note.start));
    let ends_with_a_bar = notes.last().is_some_and(|last| is_at(place(last.start + last.length), 0.0));
    let enters = others.is_some_and(|others| is_at(place(others), 0.0) && is_at(others, pickup));
    2.0 * last + 3.0 * trust * mean(&|note| strength(note.start))
        - 3.0 * trust * mean(&|note| f64::from(u8::from(crosses(note))))
        + 0.5 * f64::from(u8::from(ends_with_a_bar))
        + 2.0 * f64::from(u8::from(enters))
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;

    use super::*;
    use crate::score::Note;
    use crate::source::DRUM_CHANNEL;
    use crate::source::Track;

    /// A file in one metre, and its melody: lengths in quarters, `r` before a rest.
    fn song(numerator: u8, denominator: u8, lengths: &str) -> (Source, Melody) {
        let mut now = 0.0_f64;
        let mut notes = Vec::new();
        for word in lengths.split([' ', '|']).filter(|word| !word.is_empty()) {
            let length: f64 = word.trim_start_matches('r').parse().unwrap();
            let ticks = |quarters: f64| (quarters * 480.0).round() as Tick;
            let pitch = Pitch::new(67 + [0, 2, 4, 5, 4, 2][notes.len() % 6]).unwrap();
            if !word.starts_with('r') {
                notes.push(Note { start: ticks(now), end: ticks(now + length), pitch, velocity: 80 });
            }
            now += length;
        }
        let denominator_log2 = denominator.ilog2() as u8;
        let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
        let track = Track { channels: [(0, notes.clone())].into(), ..Track::default() };
        let source = Source {
            kind: Kind::Midi,
            title: None,
            creators: Vec::new(),
            below: Vec::new(),
            mode: None,
            names_major: false,
            ticks_per_quarter: 480,
            directions: vec![(0, Direction::Metre(metre))],
            tracks: vec![track],
            remarks: Vec::new(),
        };
        (source, Melody { notes, ..Melody::default() })
    }

    fn guess(numerator: u8, denominator: u8, lengths: &str) -> Option<f64> {
        let (source, melody) = song(numerator, denominator, lengths);
        guess_pickup(&source, &melody)
    }

    #[test]
    fn a_pickup_shows_in_where_long_notes_and_the_last_one_fall() {
        let check = |name: &str, metre: (u8, u8), lengths: &str, expected: f64| {
            assert_eq!(guess(metre.0, metre.1, lengths), Some(expected), "{name}");
        };
        check("quarters, the last one long", (4, 4), "1|1 1 1 1|1 1 1 1|1 1 1 1|3", 1.0);
        check(
            "Nun danket",
            (4, 4),
            "1|1 1 1 1|3 1|1 1 1 1|2 1 1|1 1 1 1|3 1|1 1 1 1|2 1 1|1 1 1 1|3 1|.5 .5 1 1 1|3",
            1.0,
        );
        check("St Anne", (4, 4), "1|1 1 1 1|1 1 1 1|1 1 1 1|3 1|1 1 1 1|1 1 1 1|1 1 1 1|3", 1.0);
        check("its last note longer", (4, 4), "1|1 1 1 1|1 1 1 1|1 1 1 1|3 1|1 1 1 1|1 1 1 1|1 1 1 1|4", 1.0);
        check("Amazing grace", (3, 4), "1|2 .5 .5|2 1|2 1|2 1|2 .5 .5|2 1|5 1|2 .5 .5|2 1|2 1|2 1|2 .5 .5|2 1|2", 1.0);
        check("Away in a manger", (3, 4), "1|1 .5 .5 1|1 1 1|1 1 1|2 1|1 .5 .5 1|1 1 1|1 1 1|2", 1.0);
        check("Adeste fideles", (4, 4), "1|2 1 1|2 2|1 1 1 1|2 1 1|2 1 1|1 1 1 1|2 1.5 .5|3", 1.0);
        check(
            "Auld lang syne",
            (4, 4),
            "1|1.5 .5 1 1|1.5 .5 1 1|1.5 .5 1 1|3 1|1.5 .5 1 1|1.5 .5 1 1|1.5 .5 1 1|3",
            1.0,
        );
        check("eighths", (4, 4), ".5|1 .5 .5 1 .5 .5|1 1 1.5 .5|1 .5 .5 1 .5 .5|3.5", 0.5);
        check(
            "a jig",
            (6, 8),
            ".5|1 .5 1 .5|1 .5 1 .5|1 .5 .5 .5 .5|2.5 .5|1 .5 1 .5|1 .5 1 .5|1 .5 .5 .5 .5|2.5",
            0.5,
        );
        check("halves", (2, 2), "1|1 1 1 1|1 1 1 1|1 1 1 1|3", 1.0);
    }

    #[test]
    fn a_pickup_of_half_a_bar_is_guessed_where_notes_would_be_held_over_the_bar_lines() {
        let check = |name: &str, metre: (u8, u8), lengths: &str, expected: Option<f64>| {
            assert_eq!(guess(metre.0, metre.1, lengths), expected, "{name}");
        };
        check("two quarters", (4, 4), "1 1|1 1 1 1|4|1 1 1 1|3 1|1 1 1 1|4|1 1 1 1|4", Some(2.0));
        check("a half", (4, 4), "2|1 1 1 1|3 1|1 1 1 1|3 1|1 1 1 1|3 1|1 1 1 1|4", Some(2.0));
        check("three eighths", (6, 8), ".5 .5 .5|1 .5 1 .5|2.5 .5|1 .5 1 .5|2.5 .5|1 .5 1 .5|3", Some(1.5));
        check("a gavotte, whose halves would do as well", (4, 4), "1 1|2 1 1|2 1 1|1 1 1 1|2 1 1|2 1 1|2 1 1|2", None);
        check("half of a bar of three is no beat", (3, 4), ".5 .5 .5|1 1 1|3|1 1 1|3|1 1 1|3", None);
    }

    #[test]
    fn a_pickup_of_three_beats_is_guessed_where_no_note_crosses_its_bar_lines_and_some_all_others() {
        let saints = "1 1 1|4|r1 1 1 1|4|r1 1 1 1|2 2|2 2|4|r1 1 1 1|3 1|2 1 1|1 1 1 1|2 2|2 2|4";
        let tied = saints.replace("4|r1", "5");
        let sunshine = "1 1 1|2 2|r1 1 1 1|2 2|r1 1 1 1|2 2|r1 1 1 1|4|r1 1 1 1|2 2|r1 1 1 1|2 2|r1 1 1 1|2 2|2 2|4";
        for lengths in [saints, &tied, sunshine] {
            assert_eq!([guess(4, 4, lengths), guess(2, 2, lengths)], [Some(3.0); 2], "{lengths}");
        }
        let shorter = saints.replace("|4|r1 1 1 1|3 1", "|4|1 1 1 1|3 2");
        assert_ne!(guess(4, 4, &shorter), Some(3.0), "a note crosses");
        assert_eq!(guess(4, 4, "1|1 1 1 1|3 1|1 1 1 1|3 1|1 1 1 1|3 1|1 1 1 1|3"), Some(1.0), "no note crosses these");
        let to_its_end = "1 1 1|2 2|r1 1 1 1|2 2|r1 1 1 1|2 2|r1 1 1 1|1";
        assert_ne!(guess(4, 4, to_its_end), Some(3.0), "its last note is no long one");
    }

    #[test]
    fn a_first_bar_that_is_full_stays_full() {
        let check = |name: &str, metre: (u8, u8), lengths: &str| {
            assert_eq!(guess(metre.0, metre.1, lengths), None, "{name}");
        };
        check("quarters", (4, 4), "1 1 1 1|1 1 1 1|1 1 1 1|4");
        check("Twinkle", (4, 4), "1 1 1 1|1 1 2|1 1 1 1|1 1 2|1 1 1 1|1 1 2|1 1 1 1|1 1 2");
        check("Ode to joy", (4, 4), "1 1 1 1|1 1 1 1|1 1 1 1|1.5 .5 2|1 1 1 1|1 1 1 1|1 1 1 1|1.5 .5 2");
        check("Stille Nacht", (3, 4), "1.5 .5 1|3|1.5 .5 1|3|2 1|3|2 1|3|2 1|1.5 .5 1|1.5 .5 1|3");
        check("Lobe den Herren", (3, 4), "1 1 1|1.5 .5 1|1 1 1|1 1 1|3|3|1 1 1|1.5 .5 1|1 1 1|3");
        check("Nicaea", (4, 4), "1 1 1 1|2 2|2 1 1|2 2|1.5 .5 1 1|1 1 1.5 .5|4");
        check("a sarabande", (3, 4), "1 2|1 2|1 1 1|3|1 2|1 2|1 1 1|3");
        check("long notes on the second beat", (4, 4), "1 2 1|1 2 1|1 2 1|4|1 2 1|1 2 1|1 2 1|4");
        check("halves", (4, 4), "2 2|2 2|2 1 1|4|2 2|2 2|2 1 1|4");
        check("quarters to the end", (4, 4), "1 1 1 1|1 1 1 1|1 1 1 1|1 1 1 1");
        check("a feminine ending", (3, 4), "2 1|2 1|1 1 1|3|2 1|2 1|2 1|1 2");
        let reel = [".5 .5 .5 .5 .5 .5 .5 .5|"; 8].concat();
        check("a reel in eighths to its end", (2, 2), &reel);
        check("a jig", (6, 8), &".5 .5 .5 .5 .5 .5|".repeat(8));
        check("too short", (4, 4), "1|1 1 1 1|3");
        check("a rest tells", (4, 4), "r3 1|1 1 1 1|1 1 1 1|1 1 1 1|3");
    }

    #[test]
    fn a_last_note_that_rings_on_as_all_do_is_no_long_one() {
        let legato = |lengths: &str| {
            let (source, mut melody) = song(4, 4, lengths);
            melody.notes.iter_mut().for_each(|note| note.end = note.start + 3 * (note.end - note.start) / 2);
            guess_pickup(&source, &melody)
        };
        assert_eq!(legato("1 1 1 1|1 1 1 1|1 1 1 1|1 1 1 1"), None);
        assert_eq!(legato("1|1 1 1 1|3 1|1 1 1 1|3 1|1 1 1 1|3"), Some(1.0));
    }

    #[test]
    fn a_file_that_tells_is_believed() {
        let lengths = "1|1 1 1 1|1 1 1 1|1 1 1 1|3";
        let (source, melody) = song(4, 4, lengths);
        let again = Direction::Metre(Metre::FOUR_FOUR);
        let told = Source { directions: [source.directions.clone(), vec![(480, again)]].concat(), ..source.clone() };
        assert_eq!(guess_pickup(&told, &melody), None);
        let untold = Source { directions: Vec::new(), ..source.clone() };
        assert_eq!(guess_pickup(&untold, &melody), None, "nor is anything said of bars");
        assert_eq!(guess_pickup(&Source { kind: Kind::MusicXml, ..source.clone() }, &melody), None);
        let mut with_drums = source.clone();
        with_drums.tracks[0].channels.insert(DRUM_CHANNEL, melody.notes.clone());
        assert_eq!(guess_pickup(&with_drums, &melody), None);
    }

    #[test]
    fn what_enters_a_little_later_begins_with_the_bar() {
        let (mut source, melody) = song(3, 4, "1|1 1 1|1 1 1|1 1 1|1 1");
        assert_eq!(guess_pickup(&source, &melody), None);
        let chord = |start| Note { start, end: start + 1440, ..melody.notes[0] };
        source.tracks[0].channels.insert(1, vec![chord(480), chord(1920)]);
        assert_eq!(guess_pickup(&source, &melody), Some(1.0));
    }
}
