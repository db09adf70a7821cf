//! Where the phrases of a finished chorale end. The tables of the data set have no fermatas, but all four parts come to
//! rest there, on a triad over its root, and the distances are much alike.

use crate::cadence::is_falling_fifth;
use crate::{Chord, Part, Phase, Pitch};

/// The end of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhraseEnd {
    /// The step at which its last chord is reached.
    pub arrival: usize,
    /// The step after its last one: there a part moves again.
    pub end: usize,
}

/// The phrases of a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhraseEnds {
    /// Beats of what looks like the bar: 4 or 3.
    pub bar: usize,
    /// In order; the last is that of the piece.
    pub ends: Vec<PhraseEnd>,
}

/// The likeliest phrase ends of a piece whose first step is on a beat: those of most evidence at distances that chorales
/// have (dynamic programming, once for bars of four beats and once for bars of three). The weights are set by eye on the
/// training chorales.
pub fn phrase_ends(chords: &[Chord]) -> PhraseEnds {
    let rests = rests(chords);
    let best = [4, 3].into_iter().filter_map(|bar| segmented(&rests, chords.len(), bar));
    best.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(PhraseEnds { bar: 4, ends: Vec::new() }, |(_, found)| found)
}

/// A chord that a phrase could end on.
struct Rest {
    end: PhraseEnd,
    /// For how many steps the soprano has its note, and whether the bass falls by a fifth to it.
    soprano: usize,
    by_fifth: bool,
}

impl Rest {
    fn evidence(&self) -> f32 {
        let stillness = match self.end.end - self.end.arrival {
            8.. => 2.0,
            5.. => 1.5,
            4 => 0.5,
            _ => -2.0,
        };
        stillness + if self.by_fifth { 1.0 } else { -0.5 }
    }
}

/// Triads over their root that are reached on a beat, and over which the soprano stays for a beat.
fn rests(chords: &[Chord]) -> Vec<Rest> {
    let class = |step: usize| chords[step][Part::Bass].pitch().map(Pitch::class);
    let mut rests = Vec::new();
    for arrival in (0..chords.len().saturating_sub(3)).step_by(Phase::STEPS_PER_BEAT) {
        let chord = chords[arrival];
        let until =
            |is_same: &dyn Fn(&Chord) -> bool| chords[arrival..].iter().take_while(|other| is_same(other)).count();
        let soprano = until(&|other| other[Part::Soprano] == chord[Part::Soprano]);
        let is_reached = arrival == 0 || chords[arrival - 1] != chord;
        if soprano < Phase::STEPS_PER_BEAT || !is_reached || !is_over_its_root(chord) {
            continue;
        }
        let end = PhraseEnd { arrival, end: arrival + until(&|other| *other == chord) };
        let before = arrival.checked_sub(1).and_then(class);
        let by_fifth = before.zip(class(arrival)).is_some_and(|(before, now)| is_falling_fifth(before, now));
        rests.push(Rest { end, soprano, by_fifth });
    }
    rests
}

/// What sounds, one bit for each number of semitones above the bass within an octave; `None` without a bass.
pub(crate) fn above_bass(chord: Chord) -> Option<u16> {
    let bass = chord[Part::Bass].pitch()?;
    let above = |pitch: Pitch| (pitch.class() + 12 - bass.class()) % 12;
    Some(chord.pitches().into_iter().flatten().fold(0, |classes, pitch| classes | 1 << above(pitch)))
}

/// A major or minor triad, perhaps without third or fifth, whose root is in the bass.
pub(crate) fn is_over_its_root(chord: Chord) -> bool {
    let Some(classes) = above_bass(chord) else { return false };
    let fits = |triad: u16| classes & !triad == 0;
    fits(1 | 1 << 4 | 1 << 7) || fits(1 | 1 << 3 | 1 << 7)
}

/// How usual a distance of two phrase ends is, in beats.
fn distance_score(beats: usize, bar: usize) -> f32 {
    match (beats / bar, beats.is_multiple_of(bar)) {
        (1, true) => [-3.0, -1.5][usize::from(bar == 4)],
        (2, true) => 0.0,
        (3, true) => -1.2,
        (4, true) => [0.0, -1.0][usize::from(bar == 4)],
        (_, true) => -4.0,
        _ if (3..=16).contains(&beats) => -5.0,
        _ => -12.0,
    }
}

/// How usual it is that the first phrase ends so many beats after the beginning.
fn first_score(beats: usize) -> f32 {
    match beats {
        0..3 => -8.0,
        3..9 => -1.0,
        9..17 => -1.5,
        _ => -4.0 - 0.3 * (beats - 16) as f32,
    }
}

fn segmented(rests: &[Rest], length: usize, bar: usize) -> Option<(f32, PhraseEnds)> {
    // Two ends that are as far apart as the two before them.
    const REGULAR: f32 = 0.7;
    let mut best: Vec<(f32, Option<usize>)> = Vec::with_capacity(rests.len());
    for rest in rests {
        let arrival = rest.end.arrival;
        let mut found = (first_score(arrival / Phase::STEPS_PER_BEAT), None);
        for (other, &(score, before)) in best.iter().enumerate() {
            let distance = arrival - rests[other].end.arrival;
            let is_regular =
                before.is_some_and(|before: usize| rests[other].end.arrival - rests[before].end.arrival == distance);
            let score =
                score + distance_score(distance / Phase::STEPS_PER_BEAT, bar) + if is_regular { REGULAR } else { 0.0 };
            if score > found.0 {
                found = (score, Some(other));
            }
        }
        best.push((found.0 + rest.evidence(), found.1));
    }
    let is_last = |rest: &Rest| rest.end.arrival + rest.soprano + 2 >= length;
    let ends = (0..rests.len()).filter(|&index| is_last(&rests[index]));
    let last = ends.max_by(|&a, &b| best[a].0.total_cmp(&best[b].0)).or(rests.len().checked_sub(1))?;
    let mut ends = Vec::new();
    let mut next = Some(last);
    while let Some(index) = next {
        ends.push(rests[index].end);
        next = best[index].1;
    }
    ends.reverse();
    Some((best[last].0, PhraseEnds { bar, ends }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chorale;

    #[test]
    fn phrases_end_where_all_parts_rest_at_like_distances() {
        // Six moving beats, then two of rest, three times: I ... V, I ... I, I ... I.
        let moving = "72,67,64,48\n72,67,64,48\n74,67,65,50\n74,67,65,50\n".repeat(3) + &"71,67,62,55\n".repeat(12);
        let rest = "72,67,64,48\n".repeat(8);
        let rows = format!("note0,note1,note2,note3\n{}", (moving + &rest).repeat(3));
        let found = phrase_ends(&Chorale::from_csv(&rows).unwrap().chords);
        assert_eq!(found.bar, 4);
        let arrivals: Vec<usize> = found.ends.iter().map(|end| end.arrival / 4).collect();
        assert_eq!(arrivals, [6, 14, 22]);
        assert_eq!(phrase_ends(&[]).ends, []);
    }
}
