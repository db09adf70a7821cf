//! How often the harmony changes.

use files::Grid;
use files::melody::MelodyStep;

/// The fastest that chords may follow each other. Within a chord the lower parts hold, whatever the melody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HarmonicRhythm {
    Bar,
    /// Half a bar, where the bar has two halves of whole beats; else the bar.
    Half,
    Beat,
}

impl HarmonicRhythm {
    /// In which steps the chord may change.
    pub(crate) fn changes(self, steps: &[MelodyStep], grid: &Grid) -> Vec<bool> {
        let mut before: Option<(u32, u32)> = None;
        let is_change = |step: &MelodyStep| {
            let place = self.place(grid, grid.nearest_step(step.start));
            let changes = before != Some(place);
            before = Some(place);
            changes
        };
        steps.iter().map(is_change).collect()
    }

    /// The bar of a step, and which chord of the bar it belongs to.
    fn place(self, grid: &Grid, step: u32) -> (u32, u32) {
        let (bar, metre) = (grid.bar(step), grid.metre(step));
        let unit = (16 / u32::from(metre.denominator())).max(1);
        let beat = if metre.has_dotted_beats() { 3 * unit } else { unit };
        let whole = 16 * u32::from(metre.numerator) / u32::from(metre.denominator());
        // A pickup ends where the bar line is.
        let missing = if bar.number == 0 { whole.saturating_sub(bar.end_step - bar.first_step) } else { 0 };
        let within = step - bar.first_step + missing;
        let place = match self {
            HarmonicRhythm::Bar => 0,
            HarmonicRhythm::Half if (whole / beat.max(1)).is_multiple_of(2) => within / (whole / 2).max(1),
            HarmonicRhythm::Half => 0,
            HarmonicRhythm::Beat => within / beat.max(1),
        };
        (bar.first_step, place)
    }
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;
    use files::melody::{self, Melody};
    use files::{Direction, Metre, Note};

    use super::*;

    #[test]
    fn chords_change_with_bars_halves_or_beats_of_the_metre() {
        let changes = |rhythm: HarmonicRhythm, numerator: u8, denominator_log2: u8| {
            let metre = Metre { numerator, denominator_log2, ..Metre::FOUR_FOUR };
            let grid = Grid::new(480, &[(0, Direction::Metre(metre))], 0);
            let note = |index: u32| Note {
                start: 120 * index,
                end: 120 * (index + 1),
                pitch: Pitch::new(72).unwrap(),
                velocity: 80,
            };
            let melody = Melody { notes: (0..24).map(note).collect(), ..Melody::default() };
            let steps = melody::steps(&melody, &grid).unwrap();
            let changes = rhythm.changes(&steps, &grid);
            let at = steps.iter().zip(changes).filter(|(_, changes)| *changes).map(|(step, _)| step.start / 120);
            at.collect::<Vec<_>>()
        };
        use HarmonicRhythm::{Bar, Beat, Half};
        assert_eq!([changes(Bar, 4, 2), changes(Half, 4, 2)], [vec![0, 16], vec![0, 8, 16]]);
        assert_eq!(changes(Beat, 4, 2), [0, 4, 8, 12, 16, 20]);
        assert_eq!([changes(Bar, 3, 2), changes(Half, 3, 2)], [vec![0, 12], vec![0, 12]], "three beats have no half");
        assert_eq!([changes(Half, 6, 3), changes(Beat, 6, 3)], [vec![0, 6, 12, 18], vec![0, 6, 12, 18]]);
        assert_eq!(changes(Half, 2, 1), [0, 8, 16]);
    }
}
