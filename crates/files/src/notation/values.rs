//! Note values: what lengths can be written where in a bar, and the brackets of triplets.

use super::{DIVISIONS, Item, Tuplet, Value};
use crate::score::Metre;

/// A quarter of three in the time of a half.
pub(super) const QUARTER_OF_THREE: Value = Value { denominator: 4, dots: 0, triplet: true };

/// Whether the second of three quarters in the time of a half begins here.
pub(super) fn follows_in_triplet(before: &Item, position: u32, length: u32) -> bool {
    let third = 2 * DIVISIONS / 3;
    before.value == Some(QUARTER_OF_THREE)
        && before.length == third
        && length == third
        && position % (2 * DIVISIONS) == third
}

/// Puts brackets around the items of a triplet that has become whole.
pub(super) fn bracket(items: &mut [Item]) {
    let Some(last) = items.last() else { return };
    let end = last.position + last.length;
    let open = items.iter().rposition(|item| item.tuplet == Some(Tuplet::Stop)).map_or(0, |stop| stop + 1);
    let Some(first) = (open..items.len()).find(|&index| items[index].value.is_some_and(|value| value.triplet)) else {
        return;
    };
    let start = items[first].position;
    if (end - start).is_multiple_of(DIVISIONS) && end > start && first + 1 < items.len() {
        items[first].tuplet = Some(Tuplet::Start);
        let last = items.len() - 1;
        items[last].tuplet = Some(Tuplet::Stop);
    }
}

/// The first of the values that make up `length` at `position` in a bar, with its own length.
pub(super) fn first_value(position: u32, length: u32, metre: Metre) -> (u32, Value) {
    let end = position + length;
    // Triplets stay within their quarter, except where they are quarters in the time of a half.
    let quarter_end = position - position % DIVISIONS + DIVISIONS;
    let is_ternary = |place: u32| !(place % DIVISIONS).is_multiple_of(3);
    if is_ternary(position) || (end < quarter_end && is_ternary(end)) {
        return triplet_value(length.min(quarter_end - position));
    }
    // What ends inside a triplet is cut at its beginning.
    let length = if is_ternary(end) { length - end % DIVISIONS } else { length };
    plain_value(position, length, metre)
}

/// The longest value of a triplet that is not longer than `room`.
fn triplet_value(room: u32) -> (u32, Value) {
    // Lengths, with the denominator of the value and its dots.
    const VALUES: [(u32, u32, u32); 7] =
        [(16, 4, 0), (12, 8, 1), (8, 8, 0), (6, 16, 1), (4, 16, 0), (2, 32, 0), (1, 64, 0)];
    let (length, denominator, dots) = VALUES.into_iter().find(|(value, ..)| *value <= room).unwrap_or(VALUES[6]);
    (length, Value { denominator, dots, triplet: true })
}

/// The longest value, not longer than `length`, that shows the beats of the bar.
fn plain_value(position: u32, length: u32, metre: Metre) -> (u32, Value) {
    // Lengths, with the denominator of the value and its dots.
    const VALUES: [(u32, u32, u32); 13] = [
        (144, 1, 1),
        (96, 1, 0),
        (72, 2, 1),
        (48, 2, 0),
        (36, 4, 1),
        (24, 4, 0),
        (18, 8, 1),
        (12, 8, 0),
        (9, 16, 1),
        (6, 16, 0),
        (3, 32, 0),
        (2, 64, 1),
        (1, 64, 0),
    ];
    let in_quarter = position % DIVISIONS;
    let is_compound = metre.is_compound();
    // In bars of two or four beats, a value off the beat may not cover the middle of the bar.
    let is_even = metre.numerator.is_multiple_of(2) && !is_compound;
    let hides_middle = |value: u32| is_even && in_quarter != 0 && position % 48 + value > 48;
    // What begins within a dotted beat ends with it.
    let beat = 3 * DIVISIONS / 2;
    let hides_beat = |value: u32| is_compound && !position.is_multiple_of(beat) && position % beat + value > beat;
    let is_allowed = |value: u32| match value {
        _ if hides_beat(value) => false,
        144 => position == 0,
        96 | 48 if is_compound => false,
        72 | 36 if is_compound => position.is_multiple_of(36),
        96 => position.is_multiple_of(48),
        72 | 48 => in_quarter == 0,
        36 => in_quarter == 0 || (in_quarter == 12 && !hides_middle(value)),
        24 if is_compound => matches!(position % 36, 0 | 12),
        24 => in_quarter.is_multiple_of(12) && !hides_middle(value),
        18 => matches!(in_quarter, 0 | 6) || (is_compound && (position.is_multiple_of(12) || position % beat == 18)),
        12 => in_quarter.is_multiple_of(6),
        9 => in_quarter.is_multiple_of(3),
        _ => true,
    };
    let fits = VALUES.into_iter().find(|(value, ..)| *value <= length && is_allowed(*value));
    let (length, denominator, dots) = fits.unwrap_or(VALUES[12]);
    (length, Value { denominator, dots, triplet: false })
}
