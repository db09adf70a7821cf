//! Bach's rates, which `performer explain` sets beside those of a piece, counted anew on the real chorales. Ignored by
//! default, because they are not in the repository: `make data`.

use std::collections::HashMap;

use chorale::Rule;
use corpus::Split;
use engraving::Piece;
use engraving::explain::{bach_rate, chord_changes};
use files::Grid;
use files::parts::{TICKS_PER_QUARTER, chorale_score};
use tests::chorales::dataset;

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn bachs_rates_are_those_of_the_382_chorales() {
    let dataset = dataset();
    let (mut changes, mut counts) = (0, HashMap::<Rule, usize>::new());
    for split in [Split::Train, Split::Valid, Split::Test] {
        for piece in dataset.split(split) {
            let grid = Grid::new(TICKS_PER_QUARTER, &[], 0);
            let score = chorale_score(&piece.chorale, &grid, 0, TICKS_PER_QUARTER, Vec::new());
            let piece = Piece::new(score, grid);
            changes += chord_changes(&piece);
            piece.marks.iter().for_each(|mark| *counts.entry(mark.rule).or_default() += 1);
        }
    }
    for rule in Rule::ALL.into_iter().filter(|rule| rule.is_marked()) {
        let rate = 100.0 * counts.get(&rule).copied().unwrap_or(0) as f64 / changes as f64;
        println!("Rule::{rule:?} => {rate:.2},");
        assert!((rate - bach_rate(rule)).abs() < 0.006, "{}: {rate:.3}, stated {}", rule.name(), bach_rate(rule));
    }
}
