//! The figures of free-running harmony in models/FIGURES.md are those of the shipped models. Needs the 382 chorales
//! (`make data`).

use std::sync::Arc;

use chorale::census::{Census, Figure, ends_by_a_fifth};
use chorale::{Chorale, Key, Part, Token};
use files::Grid;
use files::parts::chorale_score;
use harmonizer::parallel::on_all_cores;
use harmonizer::search::{self, PARTICLES, Plan};
use harmonizer::{Purpose, Sampling};
use network::Model;
use performer::study::report::{Way, harmonize_all, of_phrases};
use tests::chorales::dataset;

const CARD: &str = include_str!("../../models/FIGURES.md");

/// The columns of a table whose cells stand two spaces or more apart.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// The model card's figures under `title`, by name.
fn claimed(title: &str) -> Vec<(&'static str, f64)> {
    let mut lines = CARD.lines().skip_while(|line| !cells(line).contains(&"Bach"));
    let header = cells(lines.next().expect("models/FIGURES.md holds the table of `performer report`"));
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
    pieces.iter().for_each(|(piece, _)| bach.add(&of_phrases(piece, piece)));
    check("Bach", &bach.figures(), 0.0, 0.0051);
    for (name, model) in [("wavenet", Model::wavenet()), ("lstm", Model::lstm())] {
        let model = Arc::new(model.unwrap());
        let sampling = Sampling::of(&model, Purpose::Live);
        let (census, _) = harmonize_all(&model, sampling, &pieces, Way::Live, || ()).unwrap();
        check(&format!("{name}, live"), &census.figures(), 0.15, 0.6);
    }
}

/// Of the notes that the lower parts begin in the first four beats, how many there are and how many lie outside `key`;
/// whether the first chord is over the tonic; and whether the bass falls by a fifth to the end.
fn opening_and_end(chorale: &Chorale, key: Key) -> [usize; 4] {
    let chords = &chorale.chords[..chorale.chords.len().min(16)];
    let (mut begun, mut foreign) = (0, 0);
    for (index, chord) in chords.iter().enumerate() {
        for part in Part::LOWER {
            let Some(pitch) = chord[part].pitch() else { continue };
            if index == 0 || chords[index - 1][part] != chord[part] {
                begun += 1;
                foreign += usize::from(!key.has(pitch.class()));
            }
        }
    }
    let bass = chords[0][Part::Bass].pitch();
    let is_on_tonic = bass.is_some_and(|bass| bass.class() == key.tonic());
    [begun, foreign, usize::from(is_on_tonic), usize::from(ends_by_a_fifth(&chorale.chords))]
}

#[test]
#[ignore = "needs the chorales: make data"]
fn a_search_that_is_told_the_key_begins_and_ends_in_it_about_as_often_as_bach() {
    let model = Arc::new(Model::wavenet().unwrap());
    let pieces: Vec<_> = dataset().valid.iter().map(|piece| (&piece.chorale, piece.phases(false))).collect();
    let found = on_all_cores(&pieces, |index, (piece, phases)| {
        let key = chorale_score(piece, &Grid::new(480, &[], 0), 0, 480, Vec::new()).found_key();
        let sopranos = piece.chords.iter().map(|chord| chord[Part::Soprano]).zip(phases.iter().copied());
        let untold = Plan::of(search::steps(sopranos.clone(), true));
        let mut told = Plan::of(search::steps(sopranos, false));
        let sampling = Sampling { seed: index as u64, ..Sampling::of(&model, Purpose::Ahead) };
        let searched = |plan: &Plan| {
            search::search(&model, sampling, plan, PARTICLES)
                .map(|found| opening_and_end(&Chorale { chords: found.chords }, key))
        };
        let sopranos: Vec<Token> = piece.chords.iter().map(|chord| chord[Part::Soprano]).collect();
        let (contour, notes) = search::contour_of_sopranos(&sopranos);
        told.head_for_cadences(&contour, &notes, key);
        Ok::<_, network::ModelError>([opening_and_end(piece, key), searched(&untold)?, searched(&told)?])
    });
    let found = found.unwrap();
    let sums: Vec<[usize; 4]> = (0..3)
        .map(|way| found.iter().fold([0; 4], |sum, one| std::array::from_fn(|index| sum[index] + one[way][index])))
        .collect();
    for (name, [begun, foreign, on_tonic, by_fifth]) in
        ["Bach", "without the key", "with the key"].into_iter().zip(&sums)
    {
        let share = 100.0 * *foreign as f64 / *begun as f64;
        println!("{name}: {share:.2} % of {begun} notes outside the key, {on_tonic} first chords over the tonic");
        println!("{name}: {by_fifth} of {} fall by a fifth to the end", pieces.len());
    }
    let share = |way: usize| sums[way][1] as f64 / sums[way][0] as f64;
    assert!(share(2) < 0.035, "{sums:?}");
    assert!(sums[2][2].abs_diff(sums[0][2]) <= 10, "{sums:?}");
    assert!(sums[2][3].abs_diff(sums[0][3]) <= 5, "{sums:?}");
}
