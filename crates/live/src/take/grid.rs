//! Moments on ticks: the tempo and the bars of a take.
//!
//! Notes are never moved: a reader that goes by the file's tempo finds each at the moment at which it was played. What
//! gives way are beats, by a tolerance, so that the time of a clock becomes one tempo and that of a player a few.

use files::{Direction, Tick};
use session::clock::{self, Metre, Time};
use session::{Settings, StepBegun};

pub const TICKS_PER_QUARTER: u16 = 480;
pub const TICKS_PER_SIXTEENTH: u64 = TICKS_PER_QUARTER as u64 / 4;
/// The last tick of a take, some 150 hours at 80 beats a minute.
const LAST_TICK: f64 = (1 << 27) as f64;

/// How far the beginning of a sixteenth may lie off its tick, in seconds: a clock's, and a player's, whose fingers are
/// hardly ever off by more.
const TOLERANCE: f64 = 0.01;
const TOLERANCE_OF_FINGERS: f64 = 0.06;
/// A way forward is believed when its sixteenths are at most so many times longer or shorter than the clock's.
const PLAUSIBLE: f64 = 2.0;
/// The same of a single sixteenth of a clock, within which its tempo may change.
const PLAUSIBLE_STEP: f64 = 5.0;
/// A pause is stretched to whole bars when its tempo changes by no larger factor.
const STRETCHED: f64 = 1.3;

/// The ticks of a take's moments.
pub struct TakeGrid {
    /// Never empty, in order.
    tempi: Vec<Tempo>,
    bars: Bars,
    rate: f64,
}

/// From a moment on, the same tempo.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tempo {
    at: f64,
    tick: u64,
    /// Microseconds a quarter, as the file has it.
    quarter: u32,
}

/// A sixteenth of the file, counted from its first bar line, and the step that began there.
#[derive(Clone, Copy, Debug)]
struct Point {
    sixteenth: u64,
    step: StepBegun,
}

impl TakeGrid {
    /// `settings`: what the performance was begun with. The tempo named there is taken wherever it will do. `begins`: the
    /// first note, which in a count-in comes before the first step; it gets bars of its own.
    pub fn new(steps: &[StepBegun], settings: &Settings, begins: Option<Time>) -> TakeGrid {
        let clock::Settings { rate, tempo, .. } = settings.clock;
        let named = rate * 60.0 / tempo / settings.metre.beat() as f64;
        // Of a player who is followed, places were guessed and guesses corrected.
        let is_followed = steps.iter().any(|step| step.is_struck);
        let steps = if is_followed { sure(steps) } else { steps.to_vec() };
        let mut bars = Bars::new(steps.first().map_or(settings.metre, |first| first.metre));
        let mut points: Vec<Point> = Vec::with_capacity(steps.len());
        for step in steps {
            match points.last() {
                Some(&last) if last.step.metre != step.metre => points.push(in_new_metre(&last, step, &mut bars)),
                _ if is_followed => continue_following(&mut points, step, &bars),
                _ => continue_clock(&mut points, step, &mut bars),
            }
        }
        let counted = match (points.first(), begins) {
            (Some(first), Some(begins)) => counted(first, begins, rate),
            _ => 0,
        };
        points.iter_mut().for_each(|point| point.sixteenth += counted);
        if let Some(first) = points.first().filter(|_| counted > 0) {
            bars.begin_earlier(counted, first.step.metre);
        }
        let tolerance = if is_followed { TOLERANCE_OF_FINGERS } else { TOLERANCE };
        let mut tempi = tempi(&points, rate, named, tolerance * rate);
        if let Some(first) = points.first().filter(|_| counted > 0) {
            count_in(&mut tempi, first, rate);
        }
        TakeGrid { tempi, bars, rate }
    }

    pub fn tick(&self, at: Time) -> Tick {
        let index = self.tempi.partition_point(|tempo| tempo.at <= at as f64).max(1) - 1;
        let tempo = self.tempi[index];
        let quarters = (at as f64 - tempo.at) / self.rate * 1e6 / f64::from(tempo.quarter);
        (tempo.tick as f64 + quarters * f64::from(TICKS_PER_QUARTER)).round().clamp(0.0, LAST_TICK) as Tick
    }

    /// Metres and tempi in order of tick.
    pub fn directions(&self) -> Vec<(Tick, Direction)> {
        let tick = |tick: u64| (tick as f64).min(LAST_TICK) as Tick;
        let metre = |(at, metre)| (tick(at * TICKS_PER_SIXTEENTH), Direction::Metre(metre));
        let mut directions: Vec<_> = self.bars.metres().into_iter().map(metre).collect();
        for (index, tempo) in self.tempi.iter().enumerate() {
            let at = if index == 0 { 0 } else { tick(tempo.tick) };
            directions.push((at, Direction::Tempo(tempo.quarter)));
        }
        directions.sort_by_key(|(tick, _)| *tick);
        directions
    }
}

/// The next step of a clock, which goes on, stands still for a while, or jumps. A pause is filled with whole bars. Where
/// there is no room for them a bar is cut short, as it was in the playing.
fn continue_clock(points: &mut Vec<Point>, step: StepBegun, bars: &mut Bars) {
    let Some(&last) = points.last() else {
        let sixteenth = step.sixteenth % bars.bar;
        return points.push(Point { sixteenth, step });
    };
    let passed = passed(&last, &step);
    let forward = step.sixteenth as i64 - last.step.sixteenth as i64;
    let factor = if forward == 1 { PLAUSIBLE_STEP } else { PLAUSIBLE };
    if is_plausible(forward, passed, factor) {
        return points.push(Point { sixteenth: last.sixteenth + forward as u64, step });
    }
    let whole_bars = nearest(forward, bars.bar, passed);
    if is_plausible(whole_bars, passed, STRETCHED) {
        return points.push(Point { sixteenth: last.sixteenth + whole_bars as u64, step });
    }
    if passed < 0.5 {
        // A step cut short by a jump has no room of its own.
        points.pop();
        return continue_clock(points, step, bars);
    }
    let sixteenth = last.sixteenth + passed.round() as u64;
    bars.cut(sixteenth, step.sixteenth % bars.bar);
    points.push(Point { sixteenth, step });
}

/// The steps of a player who is followed, without what was foretold after a key and is void since the next was struck.
fn sure(steps: &[StepBegun]) -> Vec<StepBegun> {
    let mut sure: Vec<StepBegun> = Vec::with_capacity(steps.len());
    for &step in steps {
        while step.is_struck && sure.last().is_some_and(|last| !last.is_struck) {
            sure.pop();
        }
        sure.push(step);
    }
    sure
}

/// The first step in another metre, that of another song.
fn in_new_metre(last: &Point, step: StepBegun, bars: &mut Bars) -> Point {
    let sixteenth = last.sixteenth + (passed(last, &step).round() as u64).max(1);
    bars.begin_metre(step.metre);
    bars.cut(sixteenth, step.sixteenth % bars.bar);
    Point { sixteenth, step }
}

/// The next step of a player who is followed. Of a place that was wrongly guessed only the place in the beat is kept.
fn continue_following(points: &mut Vec<Point>, step: StepBegun, bars: &Bars) {
    let Some(&last) = points.last() else {
        return points.push(Point { sixteenth: step.sixteenth % bars.bar, step });
    };
    let passed = passed(&last, &step);
    let forward = step.sixteenth as i64 - last.step.sixteenth as i64;
    let in_beat = nearest(forward, bars.metre.beat(), passed);
    if let Some(&way) = [forward, in_beat].iter().find(|&&way| is_plausible(way, passed, PLAUSIBLE)) {
        points.push(Point { sixteenth: last.sixteenth + way as u64, step });
    }
}

/// Sixteenths since then, at that moment's tempo.
fn passed(last: &Point, step: &StepBegun) -> f64 {
    (step.at as f64 - last.step.at as f64) / (last.step.length as f64).max(1.0)
}

fn is_plausible(forward: i64, passed: f64, factor: f64) -> bool {
    forward > 0 && (1.0 / factor..=factor).contains(&(passed / forward as f64))
}

/// Of the ways forward that differ by whole periods, the one nearest to what has passed.
fn nearest(forward: i64, period: u64, passed: f64) -> i64 {
    let period = period as i64;
    forward + period * ((passed - forward as f64) / period as f64).round() as i64
}

/// Sixteenths of whole bars that are missing before the first point for a note that begins then.
fn counted(first: &Point, begins: Time, rate: f64) -> u64 {
    let early = first.step.at.saturating_sub(begins) as f64;
    let missing = early / (first.step.length as f64).max(1.0) - first.sixteenth as f64;
    let bar = bar(first.step.metre);
    if early > TOLERANCE * rate && missing > 0.0 { (missing / bar as f64).ceil() as u64 * bar } else { 0 }
}

/// The beats that were counted before the first point had the clock's tempo.
fn count_in(tempi: &mut Vec<Tempo>, first: &Point, rate: f64) {
    let quarter = microseconds(first.step.length as f64, rate);
    if tempi.first().is_none_or(|tempo| tempo.quarter != quarter) {
        let at = first.step.at as f64 - first.sixteenth as f64 * f64::from(quarter) / 4e6 * rate;
        tempi.insert(0, Tempo { at, tick: 0, quarter });
    }
}

fn microseconds(sixteenth: f64, rate: f64) -> u32 {
    (4e6 * sixteenth / rate).round().clamp(1.0, 16_777_215.0) as u32
}

/// As few tempi as keep all points within the tolerance (a swinging door: J. Bristol, "Swinging door trending", 1990),
/// each beginning where the one before ends by the microseconds that the file has.
fn tempi(points: &[Point], rate: f64, named: f64, tolerance: f64) -> Vec<Tempo> {
    let Some(first) = points.first() else { return vec![Tempo { at: 0.0, tick: 0, quarter: 500_000 }] };
    let (mut at, mut from) = (first.step.at as f64, first.sixteenth);
    let (mut tempi, mut rest) = (Vec::new(), &points[1..]);
    while let [next, ..] = rest {
        // Lengths of a sixteenth that pass all points so far.
        let (mut shortest, mut longest) = (0.0_f64, f64::INFINITY);
        let mut count = 0;
        for Point { sixteenth, step } in rest {
            let sixteenths = (sixteenth - from) as f64;
            let low = shortest.max((step.at as f64 - tolerance - at) / sixteenths);
            let high = longest.min((step.at as f64 + tolerance - at) / sixteenths);
            if low > high {
                break;
            }
            (shortest, longest, count) = (low, high, count + 1);
        }
        let last = &rest[usize::max(count, 1) - 1];
        let sixteenths = last.sixteenth - from;
        let direct = (last.step.at as f64 - at) / sixteenths as f64;
        let length = if (shortest..=longest).contains(&named) { named } else { direct.max(shortest).min(longest) };
        let quarter = microseconds(length, rate);
        if tempi.last().is_none_or(|tempo: &Tempo| tempo.quarter != quarter) {
            tempi.push(Tempo { at, tick: from * TICKS_PER_SIXTEENTH, quarter });
        }
        at += sixteenths as f64 * f64::from(quarter) / 4e6 * rate;
        from = last.sixteenth;
        debug_assert!(last.sixteenth >= next.sixteenth);
        rest = &rest[usize::max(count, 1)..];
    }
    // What comes after goes on as the clock does.
    let after = microseconds(points.last().map_or(0.0, |point| point.step.length as f64), rate);
    if tempi.last().is_none_or(|tempo| (f64::from(tempo.quarter) / f64::from(after) - 1.0).abs() > 0.05) {
        tempi.push(Tempo { at, tick: from * TICKS_PER_SIXTEENTH, quarter: after });
    }
    tempi
}

/// Where the bar lines are.
struct Bars {
    metre: Metre,
    /// Sixteenths in a bar.
    bar: u64,
    /// From which sixteenth on bars have which length, in which metre, in order.
    changes: Vec<(u64, u64, Metre)>,
}

impl Bars {
    fn new(metre: Metre) -> Bars {
        let mut bars = Bars { metre, bar: 0, changes: Vec::new() };
        bars.begin_metre(metre);
        bars.change(0, bars.bar);
        bars
    }

    fn begin_metre(&mut self, metre: Metre) {
        (self.metre, self.bar) = (metre, bar(metre));
    }

    /// Whole bars of so many sixteenths together, in the first metre, come before all others.
    fn begin_earlier(&mut self, sixteenths: u64, metre: Metre) {
        self.changes.iter_mut().for_each(|(start, ..)| *start += sixteenths);
        self.changes.insert(0, (0, bar(metre), metre));
        self.changes.dedup_by_key(|(_, length, metre)| (*length, *metre));
    }

    /// The music goes on at `sixteenth` so many sixteenths after a bar line, whatever was before.
    fn cut(&mut self, sixteenth: u64, phase: u64) {
        let &(start, length, _) =
            self.changes.iter().rev().find(|(start, ..)| *start <= sixteenth).expect("the first begins at 0");
        let begun = (sixteenth - start) % length;
        let bar_line = sixteenth - begun;
        let rest = (self.bar - phase) % self.bar;
        self.changes.retain(|(start, ..)| *start < bar_line);
        match begun + rest {
            long if long > self.bar => {
                self.change(bar_line, begun);
                self.change(sixteenth, rest);
            }
            0 => {}
            one => self.change(bar_line, one),
        }
        self.change(sixteenth + rest, self.bar);
    }

    fn change(&mut self, at: u64, length: u64) {
        let is_new = self.changes.last().is_none_or(|(_, before, metre)| (*before, *metre) != (length, self.metre));
        if length > 0 && is_new {
            self.changes.push((at, length, self.metre));
        }
    }

    /// As they are written. Without a metre there are none.
    fn metres(&self) -> Vec<(u64, files::Metre)> {
        self.changes.iter().filter_map(|&(at, length, metre)| Some((at, written(length, metre)?))).collect()
    }
}

/// Sixteenths in a bar; without bars a beat is one.
fn bar(metre: Metre) -> u64 {
    metre.bar().unwrap_or(metre.beat())
}

/// A bar's metre; where it is odd, the largest unit that fits.
fn written(length: u64, metre: Metre) -> Option<files::Metre> {
    let Metre::Bars { numerator, denominator } = metre else { return None };
    let (numerator, denominator_log2) = match length {
        whole if Some(whole) == metre.bar() => (numerator, denominator.trailing_zeros() as u8),
        quarters if quarters.is_multiple_of(4) => ((quarters / 4) as u8, 2),
        eighths if eighths.is_multiple_of(2) => ((eighths / 2) as u8, 3),
        sixteenths => (sixteenths as u8, 4),
    };
    // A metronome clicks on the beats.
    let clocks_per_click = 6 * metre.beat() as u8;
    Some(files::Metre { numerator, denominator_log2, clocks_per_click, ..files::Metre::FOUR_FOUR })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds, at 60 beats a minute.
    const RATE: f64 = 1000.0;
    const LENGTH: Time = 250;

    fn step(at: Time, sixteenth: u64) -> StepBegun {
        let (song, key) = (None, None);
        StepBegun { at, sixteenth, metre: Metre::default(), length: LENGTH, is_struck: false, song, key }
    }

    fn running(from: Time, sixteenths: std::ops::Range<u64>) -> impl Iterator<Item = StepBegun> {
        let first = sixteenths.start;
        sixteenths.map(move |sixteenth| step(from + (sixteenth - first) * LENGTH, sixteenth))
    }

    fn settings() -> Settings {
        let source = clock::ClockSource::Midi;
        Settings::new(clock::Settings { source, rate: RATE, tempo: 60.0, first: 0 })
    }

    fn grid(steps: impl IntoIterator<Item = StepBegun>) -> TakeGrid {
        TakeGrid::new(&steps.into_iter().collect::<Vec<_>>(), &settings(), None)
    }

    /// As `metre@tick` and beats a minute at ticks.
    fn told(grid: &TakeGrid) -> Vec<String> {
        let one = |(tick, direction): (Tick, Direction)| match direction {
            Direction::Metre(metre) => format!("{metre}@{tick}"),
            Direction::Tempo(quarter) => format!("{}@{tick}", (60e6 / f64::from(quarter)).round()),
            _ => unreachable!("no other is written"),
        };
        grid.directions().into_iter().map(one).collect()
    }

    #[test]
    fn a_steady_clock_is_one_tempo_and_its_steps_fall_on_sixteenths() {
        let steps: Vec<_> = running(1007, 12..400).collect();
        let grid = grid(steps.clone());
        assert_eq!(told(&grid), ["4/4@0", "60@0"]);
        assert!(steps.iter().all(|step| u64::from(grid.tick(step.at)) == 120 * step.sixteenth));
    }

    #[test]
    fn a_clock_that_stands_still_is_filled_with_whole_bars() {
        // 41 sixteenths pass from the 20th to the 21st.
        let grid = grid(running(0, 0..21).chain(running(20 * LENGTH + 41 * LENGTH, 21..60)));
        let directions = told(&grid);
        assert_eq!(grid.tick(61 * LENGTH) % 1920, 5 * 120, "{directions:?}");
        assert!(directions.iter().filter(|told| told.contains('/')).eq(["4/4@0"]), "{directions:?}");
        assert_eq!(directions.len(), 4, "{directions:?}");
    }

    #[test]
    fn where_the_song_position_jumps_the_bar_is_cut_short_and_the_tempo_stays() {
        let to_downbeat = grid(running(0, 0..21).chain(running(21 * LENGTH, 64..100)));
        assert_eq!(told(&to_downbeat), ["4/4@0", "60@0", "5/16@1920", "4/4@2520"]);
        let into_a_bar = grid(running(0, 0..24).chain(running(24 * LENGTH, 72..100)));
        assert_eq!(told(&into_a_bar), ["4/4@0", "60@0"], "from the middle of a bar to that of another");
        let back = grid(running(0, 0..20).chain(running(20 * LENGTH, 10..40)));
        assert_eq!(told(&back), ["4/4@0", "60@0", "5/8@1920", "4/4@3120"]);
    }

    #[test]
    fn bars_are_written_in_the_metre_and_without_one_there_are_none() {
        let in_metre = |metre: &str| {
            let settings = Settings { metre: metre.parse().unwrap(), ..settings() };
            let steps = running(0, 0..20).chain(running(20 * LENGTH, 24..40));
            let steps: Vec<_> = steps.map(|step| StepBegun { metre: settings.metre, ..step }).collect();
            told(&TakeGrid::new(&steps, &settings, None))
        };
        assert_eq!(in_metre("3/4")[..], ["3/4@0", "60@0", "2/4@1440", "3/4@2400"]);
        assert_eq!(in_metre("6/8")[..], ["6/8@0", "60@0", "2/4@1440", "6/8@2400"]);
        assert_eq!(in_metre("free")[..], ["60@0"]);
    }

    #[test]
    fn a_song_in_another_metre_begins_a_bar_of_it() {
        let songs = |first: &str, second: &str, is_struck: bool| {
            let [first, second] = [first, second].map(|metre| metre.parse::<Metre>().unwrap());
            let begun = running(0, 0..30).map(|step| StepBegun { metre: first, is_struck, ..step });
            let after = running(40 * LENGTH, 0..30).map(|step| StepBegun { metre: second, is_struck, ..step });
            told(&grid(begun.chain(after)))
        };
        for is_struck in [false, true] {
            assert_eq!(songs("4/4", "3/4", is_struck)[..], ["4/4@0", "60@0", "2/4@3840", "3/4@4800"]);
            assert_eq!(songs("3/4", "6/8", is_struck)[..], ["3/4@0", "60@0", "1/4@4320", "6/8@4800"]);
            assert_eq!(songs("4/4", "free", is_struck)[..], ["4/4@0", "60@0"]);
        }
    }

    #[test]
    fn a_step_that_a_jump_cuts_off_leaves_no_tempo_behind() {
        let grid = grid(running(0, 0..21).chain(running(20 * LENGTH + 3, 0..40)));
        assert_eq!(told(&grid), ["4/4@0", "60@0", "1/4@1920", "4/4@2400"]);
    }

    #[test]
    fn what_was_foretold_is_void_when_the_player_strikes_and_a_pause_keeps_the_place_in_the_beat() {
        let struck = |at: Time, sixteenth: u64| StepBegun { is_struck: true, ..step(at, sixteenth) };
        let mut steps = vec![struck(0, 0), step(250, 1), step(500, 2), step(750, 3), step(1000, 4), step(1250, 5)];
        steps.extend([struck(1100, 4), struck(2200, 8), step(2475, 9), struck(12_700, 12), struck(13_800, 16)]);
        let grid = TakeGrid::new(&steps, &settings(), None);
        assert_eq!([grid.tick(0), grid.tick(1100), grid.tick(2200)], [0, 480, 960], "{:?}", told(&grid));
        assert_eq!(grid.tick(12_700), 13 * 480, "the pause is filled with beats: {:?}", told(&grid));
    }
}
