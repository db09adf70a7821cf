//! Changes of the key signature within a piece, as where the last verse is sung a tone higher.

use chorale::Key;
use files::melody::MelodyStep;
use files::{Direction, Source};
use harmonizer::phrasing::{self, Phrasing};
use harmonizer::search::contour_of;

use crate::cantus::believed;

/// Fewer notes between two signatures are no piece in a key of its own.
const FEWEST_NOTES: usize = 8;

/// The key of each stretch of a melody that has another than the one before, and the step from which on it holds; empty where
/// the signature stays. The first begins with the piece.
pub(crate) fn key_changes(source: &Source, steps: &[MelodyStep], bar: Option<u32>) -> Vec<(usize, Key)> {
    let mut signatures: Vec<(usize, Key)> = Vec::new();
    for (tick, direction) in &source.directions {
        let Direction::Key { sharps, minor } = *direction else { continue };
        let (step, key) = (steps.partition_point(|step| step.start < *tick), Key { sharps, minor });
        match signatures.last_mut() {
            None => signatures.push((0, key)),
            Some((at, last)) if *at == step => *last = key,
            Some((_, last)) if *last == key => {}
            Some(_) if step < steps.len() => signatures.push((step, key)),
            Some(_) => {}
        }
    }
    let mut changes: Vec<(usize, Key)> = Vec::new();
    for (index, (step, signature)) in signatures.iter().enumerate() {
        let end = signatures.get(index + 1).map_or(steps.len(), |(next, _)| *next);
        let (contour, _) = contour_of(&steps[*step..end], bar);
        if contour.notes.len() < FEWEST_NOTES {
            continue;
        }
        let key = phrasing::melody_key(&contour, believed(source, *signature), Phrasing::learned());
        if changes.last().is_none_or(|(_, last)| *last != key) {
            changes.push((if changes.is_empty() { 0 } else { *step }, key));
        }
    }
    if changes.len() > 1 { changes } else { Vec::new() }
}

/// Which keys a piece begins and ends in, and through which it goes.
pub(crate) fn told(changes: &[(usize, Key)]) -> Option<String> {
    let ((_, first), (_, last)) = (changes.first()?, changes.last()?);
    let between: Vec<String> = changes[1..changes.len() - 1].iter().map(|(_, key)| key.to_string()).collect();
    let between = if between.is_empty() { String::new() } else { format!(", goes on in {}", between.join(", ")) };
    Some(format!("the key signature changes: the piece begins in {first}{between} and ends in {last}"))
}
