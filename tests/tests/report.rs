//! The figures of free-running harmony in models/README.md are those of the shipped models. Needs the 382 chorales
//! (`make data`).

use std::sync::Arc;

use chorale::census::{Census, Figure};
use performer::guards::Purpose;
use performer::harmonizer::Sampling;
use performer::model::Model;
use performer::report::{Way, harmonize_all};
use tests::chorales::dataset;

const CARD: &str = include_str!("../../models/README.md");

/// The columns of a table whose cells stand two spaces or more apart.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// The model card's figures under `title`, by name.
fn claimed(title: &str) -> Vec<(&'static str, f64)> {
    let mut lines = CARD.lines().skip_while(|line| !cells(line).contains(&"Bach"));
    let header = cells(lines.next().expect("models/README.md holds the table of `performer report`"));
    let column = header.iter().position(|cell| *cell == title).unwrap_or_else(|| panic!("no column '{title}'"));
    lines
        .take_while(|line| !line.starts_with("```"))
        .map(|line| {
            let cells = cells(line);
            (cells[0], cells[2 + column].parse().unwrap_or(f64::NAN))
        })
        .collect()
}

/// Rounding differs between processors, and one other draw changes what follows: hence the tolerance.
fn check(title: &str, figures: &[Figure], share: f64, absolute: f64) {
    let claimed = claimed(title);
    assert!(claimed.len() > 40, "{title}: {} rows", claimed.len());
    // What the network thinks of the result is checked as T; distances say the same as the counts.
    let is_counted =
        |&(name, value): &(&str, f64)| value.is_finite() && name != "network-nats" && !name.starts_with("distance-");
    for (name, value) in claimed.into_iter().filter(is_counted) {
        let found =
            figures.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("no figure {name}")).value;
        let off = (found - value).abs();
        assert!(off <= absolute + share * value.abs(), "{title}, {name}: {found:.2}, the model card says {value}");
    }
}

#[test]
#[ignore = "needs the chorales: make data"]
fn the_model_card_tells_how_the_shipped_models_play() {
    let pieces: Vec<_> = dataset().test.iter().map(|piece| (piece.chorale.clone(), piece.phases(false))).collect();
    let mut bach = Census::default();
    pieces.iter().for_each(|(piece, _)| bach.add(&Census::of(piece)));
    check("Bach", &bach.figures(), 0.0, 0.005);
    for (name, model) in [("wavenet", Model::wavenet()), ("lstm", Model::lstm())] {
        let model = Arc::new(model.unwrap());
        let sampling = Sampling::of(&model, Purpose::Live);
        let (census, _) = harmonize_all(&model, sampling, &pieces, Way::Live, || ()).unwrap();
        check(&format!("{name}, live"), &census.figures(), 0.15, 0.6);
    }
}
