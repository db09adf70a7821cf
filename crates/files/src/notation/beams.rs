//! Beams between the notes of a beat.

use super::{Beam, DIVISIONS, Item};

/// Joins neighbouring notes of a beat by beams.
pub(super) fn beam(items: &mut [Item], beat: u32) {
    let levels = |item: &Item| match (&item.notehead, item.value) {
        (Some(_), Some(value)) => value.denominator.ilog2().saturating_sub(2),
        _ => 0,
    };
    let mut first = 0;
    while first < items.len() {
        let is_joined = |item: &Item| levels(item) > 0 && item.position / beat == items[first].position / beat;
        let count = items[first..].iter().take_while(|item| is_joined(item)).count();
        for index in first..first + count {
            let reach = |neighbour: Option<usize>| {
                neighbour.filter(|at| (first..first + count).contains(at)).map_or(0, |at| levels(&items[at]))
            };
            let (before, after) = (reach(index.checked_sub(1)), reach(Some(index + 1)));
            let points_on = before == 0 || (after > 0 && items[index].position.is_multiple_of(DIVISIONS / 2));
            let beam = |level: u32| match (before >= level, after >= level) {
                (false, true) => Beam::Begin,
                (true, true) => Beam::Continue,
                (true, false) => Beam::End,
                (false, false) if points_on => Beam::ForwardHook,
                (false, false) => Beam::BackwardHook,
            };
            let beams = (1..=levels(&items[index])).map(beam).collect();
            // A note alone keeps its flag.
            items[index].beams = if count > 1 { beams } else { Vec::new() };
        }
        first += count.max(1);
    }
}
