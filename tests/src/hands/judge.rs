//! How well hands were answered: the measures of a performance.

use serde::Serialize;

use super::{Heard, Plan, StrikeKind};

/// A note as it sounded. Times are seconds; parts count from the soprano, 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardNote {
    pub part: usize,
    pub key: u8,
    pub on: f64,
    pub off: f64,
    pub velocity: u8,
}

/// Counts over one or several performances.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measures {
    /// Keys struck that are no accompaniment.
    pub strikes: usize,
    /// Those that sounded within 30 ms as soprano, and those under which alto, tenor and bass sounded 12 ms after it.
    pub passed_on: usize,
    pub answered: usize,
    /// Those whose own answer, or the soprano itself, came later than a millisecond.
    pub late: usize,
    /// Strikes with a lower part struck 2 to 120 ms after the soprano, the same without the bass, and before it.
    pub revised: usize,
    pub inner_revised: usize,
    pub preceded: usize,
    /// Lower notes, and those of at most 1 ms, under 60 ms and under 100 ms.
    pub lower_notes: usize,
    pub zero: usize,
    pub short60: usize,
    pub short100: usize,
    /// Lower notes of at most 120 ms that a strike cuts off: moved just before a late finger.
    pub false_moves: usize,
    /// Lower notes struck again on their pitch within 20 ms after their end.
    pub restruck: usize,
    /// Lower notes struck after the last soprano had ended.
    pub after_last: usize,
    pub beats: f64,
    /// Soprano strikes on the sixteenth where they are written, those one early or late, and others.
    pub right: usize,
    pub beside: usize,
    pub far: usize,
    /// The lowest lower note.
    pub lowest: u8,
    /// Notes begun twice, ends of nothing, notes that never end; tables that came too late.
    pub faults: usize,
    pub missed: u64,
}

const MS: f64 = 0.001;

pub fn judge(plan: &Plan, heard: &Heard) -> Measures {
    let parts: Vec<Vec<HeardNote>> =
        (0..4).map(|part| heard.notes.iter().filter(|note| note.part == part).copied().collect()).collect();
    let lower: Vec<HeardNote> = heard.notes.iter().filter(|note| note.part > 0).copied().collect();
    let sounds = |part: &[HeardNote], at: f64| part.iter().any(|note| note.on <= at && at < note.off);
    let strikes = plan.strikes.iter().filter(|strike| strike.kind != StrikeKind::Accompaniment);
    let mut measures = Measures { faults: heard.faults, missed: heard.missed, lowest: u8::MAX, ..Measures::default() };
    for strike in strikes {
        measures.strikes += 1;
        let is_it = |note: &&HeardNote| {
            note.key == strike.key && -0.0003 <= note.on - strike.on && note.on - strike.on < 30.0 * MS
        };
        let Some(soprano) = parts[0].iter().find(is_it) else { continue };
        measures.passed_on += 1;
        let at = soprano.on;
        measures.answered += usize::from(parts[1..].iter().all(|part| sounds(part, at + 12.0 * MS)));
        let answer = lower.iter().filter(|note| (0.0..=12.0 * MS).contains(&(note.on - at))).map(|note| note.on);
        measures.late += usize::from(answer.fold(at, f64::max) - strike.on > MS);
        let after = |note: &&HeardNote| (2.0 * MS..=120.0 * MS).contains(&(note.on - at));
        measures.revised += usize::from(lower.iter().any(|note| after(&note)));
        measures.inner_revised += usize::from(lower.iter().any(|note| note.part < 3 && after(&note)));
        measures.preceded += usize::from(lower.iter().any(|note| (2.0 * MS..=120.0 * MS).contains(&(at - note.on))));
    }
    let length = |note: &HeardNote| note.off - note.on;
    let shorter = |limit: f64| lower.iter().filter(|note| length(note) < limit).count();
    measures.lower_notes = lower.len();
    measures.zero = lower.iter().filter(|note| length(note) <= MS).count();
    (measures.short60, measures.short100) = (shorter(60.0 * MS), shorter(100.0 * MS));
    let is_cut = |note: &&HeardNote| {
        parts[0].iter().any(|hit| (hit.on - note.off).abs() <= 3.0 * MS && note.on < hit.on + 0.0005)
    };
    measures.false_moves = lower.iter().filter(is_cut).filter(|note| length(note) <= 120.0 * MS).count();
    for part in &parts[1..] {
        let again = |pair: &&[HeardNote]| pair[0].key == pair[1].key && pair[1].on - pair[0].off < 20.0 * MS;
        measures.restruck += part.windows(2).filter(again).count();
    }
    let last = parts[0].iter().map(|note| note.off).fold(0.0, f64::max);
    measures.after_last = lower.iter().filter(|note| note.on > last).count();
    let begin = plan.strikes.iter().map(|strike| strike.on).fold(f64::MAX, f64::min);
    let end = plan.strikes.iter().map(|strike| strike.off).fold(0.0, f64::max);
    measures.beats = (end - begin) * plan.bpm / 60.0;
    measures.lowest = lower.iter().map(|note| note.key).min().unwrap_or(u8::MAX);
    place(plan, heard, &mut measures);
    measures
}

/// The session's sixteenth of each soprano against the written one, up to the commonest difference.
fn place(plan: &Plan, heard: &Heard, measures: &mut Measures) {
    let mut differences: Vec<i64> = Vec::new();
    for strike in plan.strikes.iter().filter(|strike| strike.kind == StrikeKind::Melody) {
        let is_it = |(at, key, _): &&(f64, u8, u64)| *key == strike.key && (at - strike.on).abs() < 0.001;
        if let Some((.., position)) = heard.answered.iter().find(is_it) {
            differences.push(*position as i64 - strike.position.round() as i64);
        }
    }
    let commonest = |wanted: i64| differences.iter().filter(|difference| **difference == wanted).count();
    let Some(base) = differences.iter().copied().max_by_key(|wanted| commonest(*wanted)) else { return };
    for difference in &differences {
        match (difference - base).abs() {
            0 => measures.right += 1,
            1 => measures.beside += 1,
            _ => measures.far += 1,
        }
    }
}

impl Measures {
    pub fn add(&mut self, other: &Measures) {
        let Measures {
            strikes, passed_on, answered, late, revised, inner_revised, preceded, lower_notes, zero, ..
        } = other;
        for (sum, more) in [
            (&mut self.strikes, strikes),
            (&mut self.passed_on, passed_on),
            (&mut self.answered, answered),
            (&mut self.late, late),
            (&mut self.revised, revised),
            (&mut self.inner_revised, inner_revised),
            (&mut self.preceded, preceded),
            (&mut self.lower_notes, lower_notes),
            (&mut self.zero, zero),
            (&mut self.short60, &other.short60),
            (&mut self.short100, &other.short100),
            (&mut self.false_moves, &other.false_moves),
            (&mut self.restruck, &other.restruck),
            (&mut self.after_last, &other.after_last),
            (&mut self.right, &other.right),
            (&mut self.beside, &other.beside),
            (&mut self.far, &other.far),
            (&mut self.faults, &other.faults),
        ] {
            *sum += more;
        }
        self.beats += other.beats;
        self.missed += other.missed;
        self.lowest = if self.lowest == 0 { other.lowest } else { self.lowest.min(other.lowest) };
    }

    /// Of a hundred strikes.
    pub fn per_strike(&self, count: usize) -> f64 {
        100.0 * count as f64 / self.strikes.max(1) as f64
    }

    /// Of a hundred lower notes.
    pub fn per_note(&self, count: usize) -> f64 {
        100.0 * count as f64 / self.lower_notes.max(1) as f64
    }
}
