//! When a score's notes begin and end as sound, and what is heard before and beside them.

use chorale::{Part, Pitch};
use files::{Grid, Score, TempoMap, Tick};

/// By how much the other parts step back in a part's rehearsal track, and how far it comes forward itself.
const REHEARSAL_GAINS: (f32, f32) = (0.25, 1.3);

/// Seconds of a starting pitch, and from one to the next.
const STARTING_PITCH: (f64, f64) = (0.8, 1.0);
/// Seconds of the singer's own pitch, which comes last, and until the count begins.
const OWN_PITCH: (f64, f64) = (1.5, 2.5);

/// Quarters by which a fermata holds on at most, and seconds of breath after it.
const HOLD: f64 = 2.0;
const BREATH: f64 = 0.3;

/// Velocities of the count: of a bar's first beat, and of the others.
const CLICKS: (u8, u8) = (120, 72);

/// How a score sounds.
pub struct Performance {
    /// In seconds, in the order in which they sound.
    pub events: Vec<(f64, Event)>,
    /// When the last note ends, in seconds.
    pub seconds: f64,
    /// How loud each part is; 1 is usual.
    pub gains: [f32; 4],
}

/// What happens at a moment. Ends come before beginnings of the same moment, or a repeated note would end as it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    End(Part, Pitch),
    Begin(Part, Pitch, u8),
    Click(u8),
}

impl Performance {
    /// As it stands in the file.
    pub fn plain(score: &Score) -> Performance {
        let clock = score.clock();
        let at = |tick: Tick| clock.seconds(tick);
        let events = notes(score, at, at);
        Performance { events, seconds: clock.seconds(score.end()), gains: [1.0; 4] }
    }

    /// To learn a part by: it comes forward, the parts' first notes are heard from the bass up and its own once more, a bar is
    /// counted, and fermatas hold.
    pub fn to_rehearse(score: &Score, grid: &Grid, part: Part) -> Performance {
        let clock = score.clock();
        let (mut events, begin) = before_the_music(score, grid, &clock, part);
        let first = score.parts.iter().flatten().map(|note| note.start).min().unwrap_or(0);
        let holds = holds(score, &clock);
        let breathless = |tick: Tick| begin + clock.seconds(tick) - clock.seconds(first);
        let held = |until: Tick| holds.iter().take_while(move |(end, _)| *end <= until);
        let start = |tick: Tick| breathless(tick) + held(tick).map(|(_, hold)| hold + BREATH).sum::<f64>();
        let end = |tick: Tick| {
            let breath = |end: Tick| if end < tick { BREATH } else { 0.0 };
            breathless(tick) + held(tick).map(|(end, hold)| hold + breath(*end)).sum::<f64>()
        };
        events.extend(notes(score, start, end));
        let (back, front) = REHEARSAL_GAINS;
        let gains = Part::ALL.map(|other| if other == part { front } else { back });
        Performance { events, seconds: end(score.end()), gains }
    }
}

/// With the seconds at which a note begins and ends, by its ticks.
fn notes(score: &Score, start: impl Fn(Tick) -> f64, end: impl Fn(Tick) -> f64) -> Vec<(f64, Event)> {
    let mut events = Vec::new();
    for part in Part::ALL {
        for note in score.part(part) {
            events.push((start(note.start), Event::Begin(part, note.pitch, note.velocity)));
            events.push((end(note.end), Event::End(part, note.pitch)));
        }
    }
    events
}

/// Where the melody's notes with a fermata end, and for how many seconds they hold on there.
fn holds(score: &Score, clock: &TempoMap) -> Vec<(Tick, f64)> {
    let melody = score.part(score.melody);
    let with_fermata = melody.iter().filter(|note| score.fermatas.binary_search(&note.start).is_ok());
    let most = (HOLD * f64::from(score.ticks_per_quarter)) as Tick;
    let hold = |start: Tick, end: Tick| clock.seconds(end) - clock.seconds(start.max(end.saturating_sub(most)));
    with_fermata.map(|note| (note.end, hold(note.start, note.end))).collect()
}

/// The starting pitches and the count, and when the music begins after them.
fn before_the_music(score: &Score, grid: &Grid, clock: &TempoMap, part: Part) -> (Vec<(f64, Event)>, f64) {
    let mut events = Vec::new();
    let mut now = 0.0;
    let from_the_bass = Part::ALL.into_iter().rev().map(|part| (part, STARTING_PITCH));
    for (part, (length, next)) in from_the_bass.chain([(part, OWN_PITCH)]) {
        let Some(note) = score.part(part).first() else { continue };
        events.push((now, Event::Begin(part, note.pitch, note.velocity)));
        events.push((now + length, Event::End(part, note.pitch)));
        now += next;
    }
    let Some(first) = score.parts.iter().flatten().map(|note| note.start).min() else { return (events, now) };
    let quarter = clock.seconds(first + grid.quarter()) - clock.seconds(first);
    let (beats, quarters) = count(grid, first);
    events.extend(beats.into_iter().map(|(at, velocity)| (now + at * quarter, Event::Click(velocity))));
    (events, now + quarters * quarter)
}

/// The beats of a whole bar, and of the bar in which the music begins those before it, in quarters; and how long both are.
fn count(grid: &Grid, first: Tick) -> (Vec<(f64, u8)>, f64) {
    let step = grid.nearest_step(first);
    let (bar, metre) = (grid.bar(step), grid.metre(step));
    let unit = 4.0 / f64::from(metre.denominator());
    let beat = if metre.has_dotted_beats() { 3.0 * unit } else { unit };
    let length = f64::from(metre.numerator) * unit;
    let quarters = |from: Tick, to: Tick| f64::from(to.saturating_sub(from)) / f64::from(grid.quarter());
    let before = match bar.number {
        0 => (length - quarters(first, grid.tick(bar.end_step))).max(0.0),
        _ => quarters(grid.tick(bar.first_step), first),
    };
    let all = length + before;
    let beats = (0_u32..).map(|beats| f64::from(beats) * beat).take_while(|at| *at < all - 1e-3);
    let is_first = |at: f64| at == 0.0 || (at - length).abs() < 1e-3;
    (beats.map(|at| (at, if is_first(at) { CLICKS.0 } else { CLICKS.1 })).collect(), all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use files::{Direction, Metre, Note};

    fn note(start: Tick, end: Tick, pitch: u8) -> Note {
        Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 90 }
    }

    /// A quarter before the first bar of 3/4, at a second a quarter.
    fn with_pickup() -> (Score, Grid) {
        let metre = Metre { numerator: 3, ..Metre::FOUR_FOUR };
        let directions =
            vec![(0, Direction::Metre(metre)), (0, Direction::Tempo(1_000_000)), (480, Direction::Metre(metre))];
        let soprano = vec![note(0, 480, 72), note(480, 1440, 74), note(1440, 1920, 72)];
        let parts = [soprano, vec![note(0, 1920, 67)], vec![], vec![note(0, 1440, 48), note(1440, 1920, 43)]];
        let grid = Grid::new(480, &directions, 0);
        (Score { ticks_per_quarter: 480, directions, parts, fermatas: vec![480], ..Score::default() }, grid)
    }

    #[test]
    fn a_rehearsal_gives_the_pitches_from_the_bass_up_then_the_singers_own_and_counts_up_to_the_pickup() {
        let (score, grid) = with_pickup();
        let performance = Performance::to_rehearse(&score, &grid, Part::Alto);
        let begun = performance.events.iter().filter_map(|(at, event)| match event {
            Event::Begin(part, pitch, _) => Some((*at, *part, pitch.midi())),
            _ => None,
        });
        let begun: Vec<_> = begun.take(4).collect();
        let expected = [(0.0, Part::Bass, 48), (1.0, Part::Alto, 67), (2.0, Part::Soprano, 72), (3.0, Part::Alto, 67)];
        assert_eq!(begun, expected, "nobody sings the tenor");
        let clicks = performance.events.iter().filter_map(|(at, event)| match event {
            Event::Click(velocity) => Some((*at, *velocity)),
            _ => None,
        });
        let (strong, weak) = CLICKS;
        let counted: Vec<_> = clicks.collect();
        assert_eq!(counted, [(5.5, strong), (6.5, weak), (7.5, weak), (8.5, strong), (9.5, weak)]);
        let sung = performance.events.iter().find(|(at, event)| *at > 5.0 && matches!(event, Event::Begin(..)));
        assert_eq!(sung.unwrap().0, 10.5, "the pickup comes on the third beat");
        assert!(performance.gains[1] > 1.0 && performance.gains[0] < 0.5);
    }

    #[test]
    fn a_fermata_holds_all_who_sing_on_and_a_breath_comes_after_it() {
        let (score, grid) = with_pickup();
        let performance = Performance::to_rehearse(&score, &grid, Part::Bass);
        let at = |wanted: Event| performance.events.iter().rfind(|(_, event)| *event == wanted).unwrap().0;
        let begin = 10.5;
        let pitch = |midi| Pitch::new(midi).unwrap();
        assert_eq!(at(Event::End(Part::Soprano, pitch(74))), begin + 3.0 + 2.0, "two quarters more");
        assert_eq!(at(Event::End(Part::Bass, pitch(48))), begin + 3.0 + 2.0);
        assert_eq!(at(Event::Begin(Part::Bass, pitch(43), 90)), begin + 3.0 + 2.0 + BREATH);
        assert_eq!(at(Event::End(Part::Alto, pitch(67))), begin + 4.0 + 2.0 + BREATH, "who sings through it goes on");
        assert_eq!(performance.seconds, begin + 4.0 + 2.0 + BREATH);
    }

    #[test]
    fn beats_of_compound_bars_are_counted_in_threes() {
        let metre = Metre { numerator: 6, denominator_log2: 3, ..Metre::FOUR_FOUR };
        let grid = Grid::new(480, &[(0, Direction::Metre(metre))], 0);
        let (strong, weak) = CLICKS;
        assert_eq!(count(&grid, 0), (vec![(0.0, strong), (1.5, weak)], 3.0));
    }
}
