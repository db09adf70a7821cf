//! When the signature of a file is doubted, and when its mode: on tunes that are in order, and on the same under signatures that
//! are wrong.

use std::path::Path;

use arranger::{Cantus, Options, Tune};
use chorale::{Key, Part};
use corpus::Split;
use files::parts::{TICKS_PER_QUARTER, chorale_score};
use files::{Direction, Grid, Metre, Score, smf};
use tests::chorales::dataset;

fn doubts_signature(cantus: &Cantus) -> bool {
    cantus.remarks.iter().any(|remark| remark.starts_with("the signature is"))
}

fn names_mode(cantus: &Cantus) -> Option<&str> {
    let remark = cantus.remarks.iter().find(|remark| remark.starts_with("the melody ends and rests on"))?;
    remark.split_once("--key ").and_then(|(_, rest)| rest.split(" begins").next())
}

fn chosen(tune: &Tune) -> Cantus {
    tune.choose(&Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn nothing_is_doubted_in_forty_tunes_that_are_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tunes");
    let (mut tunes, mut named) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "abc") {
            continue;
        }
        let mut tune = arranger::open(&path).unwrap();
        // As a file that names no mode.
        tune.source.mode = None;
        let cantus = chosen(&tune);
        assert!(!doubts_signature(&cantus), "{}: {:?}", path.display(), cantus.remarks);
        named.extend(names_mode(&cantus).map(|mode| format!("{}: {mode}", path.file_stem().unwrap().display())));
        tunes += 1;
    }
    println!("{tunes} tunes; a mode is named in {named:?}");
    assert!(tunes >= 40 && named == ["banish_misfortune: \"D mixolydian\""], "{named:?}");
}

/// The soprano of a chorale under a signature without a mode.
fn soprano(score: &Score, sharps: i8) -> Tune {
    let mut directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR)), (0, Direction::Key { sharps, minor: false })];
    directions.extend(
        score
            .directions
            .iter()
            .filter(|(_, direction)| !matches!(direction, Direction::Key { .. } | Direction::Metre(_)))
            .cloned(),
    );
    let parts = [score.part(Part::Soprano).to_vec(), vec![], vec![], vec![]];
    let alone = Score { directions, parts, ticks_per_quarter: score.ticks_per_quarter, ..Score::default() };
    Tune::read("soprano.mid", &smf::write(&alone)).unwrap()
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn few_signatures_of_bachs_sopranos_are_doubted_and_wrong_ones_are_found() {
    let dataset = dataset();
    let signatures = |key: Key| {
        // As it is, and as church modes are written.

        [key.sharps, (key.sharps + if key.minor { 1 } else { -1 }).clamp(-7, 7)]
    };
    let (mut sopranos, mut doubted, mut wrong, mut found) = (0, 0, 0, 0);
    let mut named = Vec::new();
    for split in [Split::Train, Split::Valid] {
        for piece in dataset.split(split) {
            let grid = Grid::new(TICKS_PER_QUARTER, &[], 0);
            let score = chorale_score(&piece.chorale, &grid, 0, TICKS_PER_QUARTER, Vec::new());
            let key = score.found_key();
            sopranos += 1;
            for sharps in signatures(key) {
                let cantus = chosen(&soprano(&score, sharps));
                if doubts_signature(&cantus) {
                    doubted += 1;
                    println!("{key}, {sharps}: {:?}", cantus.remarks);
                }
            }
            let cantus = chosen(&soprano(&score, key.sharps));
            if let Some(mode) = names_mode(&cantus) {
                named.push(format!("{mode} of {key} at {}", cantus.home()));
            }
            for off in [-4, 3, 5] {
                let sharps = key.sharps + off;
                if (-7..=7).contains(&sharps) && sharps != 0 {
                    wrong += 1;
                    found += usize::from(doubts_signature(&chosen(&soprano(&score, sharps))));
                }
            }
        }
    }
    println!(
        "{sopranos} sopranos, {doubted} of {} signatures doubted; {found} of {wrong} wrong ones found",
        2 * sopranos
    );
    println!("a mode is named in {}: {named:#?}", named.len());
    // All of them under C major, where G major or D minor is meant.
    assert!(doubted <= 13 && 100 * found >= 92 * wrong, "{doubted}, {found} of {wrong}");
    // Bach's phrygian chorales, for the most part.
    assert!(named.len() <= 14, "{named:?}");
}
