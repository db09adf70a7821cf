//! Where the phrases of a piece end that has its parts already, found as they are where a melody is harmonized.

use chorale::Key;
use engraving::Piece;
use files::melody::{self, Melody};
use files::{Grid, Score, Tick};
use harmonizer::phrasing::{Contour, Phrasing, Segmentation};
use harmonizer::search::contour_of;

/// A score with what is known of it, the ends of its phrases too.
pub(crate) fn piece(score: Score, grid: Grid) -> Piece {
    let phrase_ends = phrase_ends(&score, &grid);
    Piece { phrase_ends, ..Piece::new(score, grid) }
}

/// Where the last notes of phrases begin, by the notes and words of the melody. None in a melody that no voice sings.
fn phrase_ends(score: &Score, grid: &Grid) -> Vec<Tick> {
    let melody = Melody {
        notes: score.part(score.melody).to_vec(),
        fermatas: score.fermatas.clone(),
        phrasing: score.phrasing.clone(),
        line_ends: score.line_ends(),
        ..Melody::default()
    };
    let Some((contour, starts)) = contour(&melody, grid).filter(|(contour, _)| !contour.notes.is_empty()) else {
        return Vec::new();
    };
    in_contour(&contour, score.home()).into_iter().map(|end| starts[end]).collect()
}

/// The notes that end phrases.
pub(crate) fn in_contour(contour: &Contour, home: Key) -> Vec<usize> {
    let segmentation = Segmentation::new(contour, home, Phrasing::learned());
    segmentation.likely_ends(&segmentation.likelihoods())
}

/// What keys and phrases are found in, and where its notes begin; `None` for a melody that no voice sings.
pub(crate) fn contour(melody: &Melody, grid: &Grid) -> Option<(Contour, Vec<Tick>)> {
    let steps = melody::steps(melody, grid).ok()?;
    let (contour, spans) = contour_of(&steps, melody::beats_in_bar(melody, grid));
    Some((contour, spans.into_iter().map(|span| steps[span.start].start).collect()))
}
