//! When the signature of a file is doubted, and when its mode: on tunes that are in order, and on the same under signatures that
//! are wrong.

use std::collections::BTreeMap;
use std::path::Path;

use arranger::{Cantus, Options, Tune};
use chorale::{Key, Part, Pitch};
use corpus::Split;
use files::parts::{TICKS_PER_QUARTER, chorale_score};
use files::{Direction, Grid, Metre, Note, Score, smf};
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

/// The soprano of a chorale under a signature without a mode, so many semitones higher, as its notes are changed.
fn soprano_as(score: &Score, sharps: i8, changed: impl Fn(Pitch) -> Pitch) -> Tune {
    let mut directions = vec![(0, Direction::Metre(Metre::FOUR_FOUR)), (0, Direction::Key { sharps, minor: false })];
    directions.extend(
        score
            .directions
            .iter()
            .filter(|(_, direction)| !matches!(direction, Direction::Key { .. } | Direction::Metre(_)))
            .cloned(),
    );
    let notes = score.part(Part::Soprano).iter().map(|note| Note { pitch: changed(note.pitch), ..*note });
    let parts = [notes.collect(), vec![], vec![], vec![]];
    let alone = Score { directions, parts, ticks_per_quarter: score.ticks_per_quarter, ..Score::default() };
    Tune::read("soprano.mid", &smf::write(&alone)).unwrap()
}

fn soprano(score: &Score, sharps: i8) -> Tune {
    soprano_as(score, sharps, |pitch| pitch)
}

/// The same in a church mode: with a signature so many sharps away, and one degree of the key's moved as that says.
fn in_mode(score: &Score, key: Key, sharps: i8) -> Tune {
    let (degree, by) = match (key.minor, sharps) {
        (false, -1) => (11, -1),
        (false, _) => (5, 1),
        (true, 1) => (8, 1),
        (true, _) => (2, -1),
    };
    soprano_as(score, key.sharps + sharps, |pitch| {
        let by = if key.degree(pitch.class()) == degree { by } else { 0 };
        pitch.transposed(by).unwrap()
    })
}

fn same_notes(a: &Tune, b: &Tune) -> bool {
    let notes = |tune: &Tune| tune.source.tracks.iter().map(|track| track.channels.clone()).collect::<Vec<_>>();
    notes(a) == notes(b)
}

/// What became of signatures of one kind.
#[derive(Default)]
struct Count {
    all: usize,
    doubted: usize,
    /// The one that was put in its place is not the chorale's.
    wrong: usize,
}

impl Count {
    fn add(&mut self, kind: &str, tune: &Tune, key: Key) {
        let cantus = chosen(tune);
        self.all += 1;
        let Some(remark) = cantus.remarks.iter().find(|remark| remark.starts_with("the signature is")) else { return };
        self.doubted += 1;
        let (_, rest) = remark.split_once("the notes are in ").unwrap();
        let written: Key = rest.split(':').next().unwrap().parse().unwrap();
        self.wrong += usize::from((written.sharps - key.sharps).rem_euclid(12) != 0);
        if ["own", "mode"].contains(&kind) {
            println!("{kind}, {key}: {remark}");
        }
    }

    fn found(&self) -> usize {
        self.doubted - self.wrong
    }
}

#[test]
#[ignore = "needs the 382 chorales: run `make data`"]
fn few_signatures_of_bachs_sopranos_are_doubted_and_wrong_ones_are_found() {
    let dataset = dataset();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let (mut sopranos, mut named) = (0, Vec::new());
    for split in [Split::Train, Split::Valid] {
        for piece in dataset.split(split) {
            let grid = Grid::new(TICKS_PER_QUARTER, &[], 0);
            let score = chorale_score(&piece.chorale, &grid, 0, TICKS_PER_QUARTER, Vec::new());
            let key = score.found_key();
            sopranos += 1;
            let mut add = |kind, tune: &Tune| counts.entry(kind).or_default().add(kind, tune, key);
            add("own", &soprano(&score, key.sharps));
            let to_c = (i32::from(key.sharps) * 5 + 5).rem_euclid(12) - 5;
            let in_c = soprano_as(&score, 0, |pitch| pitch.transposed(to_c).unwrap());
            add("own", &in_c);
            for off in [-1, 1] {
                let modal = in_mode(&score, key, off);
                // Without the note that is changed it is no mode, but the key under a wrong signature.
                if !same_notes(&modal, &soprano(&score, key.sharps)) {
                    add("mode", &modal);
                }
                add(
                    match key.sharps + off {
                        0 => "C major, one off",
                        sharps if sharps.abs() < key.sharps.abs() => "old prints",
                        _ => "one off",
                    },
                    &soprano(&score, key.sharps + off),
                );
            }
            for off in [-4, -2, 2, 3, 5] {
                let sharps = key.sharps + off;
                if (-7..=7).contains(&sharps) && sharps != 0 {
                    add(if off.abs() == 2 { "two off" } else { "further off" }, &soprano(&score, sharps));
                }
            }
            let cantus = chosen(&soprano(&score, key.sharps));
            if let Some(mode) = names_mode(&cantus) {
                named.push(format!("{mode} of {key} at {}", cantus.home()));
            }
        }
    }
    println!("{sopranos} sopranos");
    for (kind, Count { all, doubted, wrong }) in &counts {
        println!("{kind}: {doubted} of {all} signatures doubted, {wrong} for another than the chorale's");
    }
    println!("a mode is named in {}: {named:#?}", named.len());
    // Those of the chorales, and as old prints and church modes have them.
    let kept = ["own", "old prints", "mode"].map(|kind| counts[kind].doubted);
    assert!(kept.iter().sum::<usize>() <= 5, "{kept:?}");
    for (kind, percent) in [("C major, one off", 85), ("one off", 50), ("two off", 92), ("further off", 92)] {
        let Count { all, .. } = counts[kind];
        assert!(100 * counts[kind].found() >= percent * all, "{kind}: {} of {all}", counts[kind].found());
    }
    // Bach's phrygian chorales, for the most part.
    assert!(named.len() <= 14, "{named:?}");
}
