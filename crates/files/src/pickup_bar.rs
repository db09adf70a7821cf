//! A pickup as MIDI files tell it: a bar of its own, as short as it is.

use crate::score::{Direction, Metre, Tick};

/// Gives a first bar that is shorter than the metre after it a metre of its own length, where it has a longer one or none:
/// programs count the bars of a MIDI file from the beginning.
pub fn tell_pickup(directions: &mut Vec<(Tick, Direction)>, ticks_per_quarter: u16) {
    let metre_of = |(tick, direction): &(Tick, Direction)| match direction {
        Direction::Metre(metre) => Some((*tick, *metre)),
        _ => None,
    };
    let bar =
        |metre: Metre| u64::from(ticks_per_quarter) * 4 * u64::from(metre.numerator) / u64::from(metre.denominator());
    let Some((end, metre)) = directions.iter().filter_map(metre_of).find(|(tick, _)| *tick > 0) else { return };
    let Some(short) = as_long_as(end, metre, ticks_per_quarter).filter(|_| bar(metre) > end.into()) else { return };
    let first = directions.iter().rposition(|direction| metre_of(direction).is_some_and(|(tick, _)| tick == 0));
    match first {
        None => directions.insert(0, (0, Direction::Metre(short))),
        Some(first) if metre_of(&directions[first]).is_some_and(|(_, first)| bar(first) > end.into()) => {
            directions[first].1 = Direction::Metre(short);
        }
        Some(_) => {}
    }
}

/// The metre whose bar lasts for some ticks, in the units of another one or in shorter ones.
fn as_long_as(ticks: Tick, metre: Metre, ticks_per_quarter: u16) -> Option<Metre> {
    (metre.denominator_log2..=6).find_map(|denominator_log2| {
        let units = u64::from(ticks) << denominator_log2;
        let whole = 4 * u64::from(ticks_per_quarter);
        let numerator = u8::try_from(units / whole).ok().filter(|_| units.is_multiple_of(whole))?;
        Some(Metre { numerator, denominator_log2, ..metre })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;

    fn metre(tick: Tick, numerator: u8, denominator_log2: u8) -> (Tick, Direction) {
        (tick, Direction::Metre(Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR }))
    }

    #[test]
    fn a_pickup_becomes_a_bar_of_its_own_length_and_the_bars_stay_where_they_are() {
        let check = |before: &[(Tick, Direction)], after: &[(Tick, Direction)]| {
            let mut told = before.to_vec();
            tell_pickup(&mut told, 480);
            assert_eq!(told, after);
            let bars = |directions: &[(Tick, Direction)]| {
                let grid = Grid::new(480, directions, 0);
                (0..40).map(|step| (grid.bar(step), grid.phase(step), grid.metre(step))).collect::<Vec<_>>()
            };
            assert_eq!(bars(before), bars(after));
        };
        check(&[metre(0, 4, 2), metre(480, 4, 2)], &[metre(0, 1, 2), metre(480, 4, 2)]);
        check(&[metre(0, 6, 3), metre(240, 6, 3)], &[metre(0, 1, 3), metre(240, 6, 3)]);
        check(&[metre(0, 2, 1), metre(720, 2, 1)], &[metre(0, 3, 3), metre(720, 2, 1)]);
        check(&[metre(480, 3, 2)], &[metre(0, 1, 2), metre(480, 3, 2)]);
        for told in [vec![metre(0, 1, 2), metre(480, 4, 2)], vec![metre(0, 3, 2), metre(1440, 4, 2)]] {
            check(&told, &told);
        }
        for full in [vec![metre(0, 4, 2)], vec![metre(0, 4, 2), metre(1920, 3, 2)], vec![]] {
            check(&full, &full);
        }
        let odd = [metre(0, 4, 2), metre(479, 4, 2)];
        check(&odd, &odd);
    }
}
