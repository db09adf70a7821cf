//! A pickup that is shorter than a beat.

use std::sync::Arc;

use arranger::{Options, Tune};
use chorale::Sonority;
use network::Model;

/// The first line of "It came upon the midnight clear", of "In dulci jubilo" and of "Greensleeves".
const TUNES: [&str; 3] = [
    "X:1\nM:6/8\nL:1/8\nK:Bb\nF|d2A c2B|G2F G2F|F2G A2B|c3 c2|]\n",
    "X:1\nM:6/4\nL:1/4\nK:F\nF|F2 F A2 B|c2 d c2 F|F2 F A2 B|c2 d c2|]\n",
    "X:1\nM:6/8\nL:1/8\nK:Em\nE|G2A B>^cB|A2F D>EF|G2E E>^DE|F2^D B,2|]\n",
];

#[test]
fn the_first_downbeat_after_it_is_consonant() {
    let model = Arc::new(Model::lstm().unwrap());
    let mut dissonant = 0;
    for (tune, seed) in TUNES.iter().flat_map(|tune| (1..=4).map(move |seed| (tune, seed))) {
        let mut options = Options::default();
        options.freedom.seed = seed;
        let cantus = Tune::read("tune.abc", tune.as_bytes()).unwrap().choose(&options).unwrap();
        let piece = cantus.harmonize(&model).unwrap().remove(0).piece;
        let downbeat = piece.grid.tick(piece.grid.bar(0).end_step);
        let sounding = |notes: &Vec<files::Note>| {
            notes.iter().find(|note| note.start <= downbeat && downbeat < note.end).map(|note| note.pitch)
        };
        let pitches = piece.score.parts.each_ref().map(sounding);
        let begins = |notes: &Vec<files::Note>| notes[0].start == 0 && notes[0].end >= downbeat;
        assert!(piece.score.parts.iter().all(begins), "the pickup is one chord: {:?}", piece.score.parts);
        dissonant += usize::from(Sonority::of(&pitches) == Sonority::Unclassified);
    }
    assert!(dissonant <= 1, "{dissonant} of 12");
}
