//! Changes of the key signature within a piece, as where the last verse is sung a tone higher.

use chorale::Key;
use files::melody::MelodyStep;
use files::{Direction, Source};
use harmonizer::phrasing::{self, Contour, ContourNote, Phrasing};
use harmonizer::search::contour_of;

use crate::cantus::believed;

/// Fewer notes between two signatures tell no key.
const FEWEST_NOTES: usize = 3;
/// Fewer must lie in their signature, but for one in so many, or else nobody meant it.
const FEW_NOTES: usize = 8;
const ONE_IN: usize = 4;

/// The key of each stretch of a melody that has another than the one before, and the step from which on it holds; empty where
/// the signature stays. The first begins with the piece. One alone is left where a first signature is passed over, which is
/// said.
pub(crate) fn key_changes(
    source: &Source,
    steps: &[MelodyStep],
    bar: Option<u32>,
    remarks: &mut Vec<String>,
) -> Vec<(usize, Key)> {
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
    if signatures.len() < 2 {
        return Vec::new();
    }
    let (mut changes, mut is_first_passed): (Vec<(usize, Key)>, bool) = (Vec::new(), false);
    for (index, (step, signature)) in signatures.iter().enumerate() {
        let end = signatures.get(index + 1).map_or(steps.len(), |(next, _)| *next);
        let (contour, _) = contour_of(&steps[*step..end], bar);
        if let Some(why) = no_key(&contour, *signature) {
            remarks.push(format!("the signature {signature} is passed over: {why}"));
            is_first_passed |= index == 0;
            continue;
        }
        let key = phrasing::melody_key(&contour, believed(source, *signature), Phrasing::learned());
        if changes.last().is_none_or(|(_, last)| *last != key) {
            changes.push((if changes.is_empty() { 0 } else { *step }, key));
        }
    }
    if changes.len() > 1 || is_first_passed { changes } else { Vec::new() }
}

/// Why the notes under a signature are no piece in a key of its own.
fn no_key(contour: &Contour, signature: Key) -> Option<&'static str> {
    let (major, minor) = (Key { minor: false, ..signature }, Key { minor: true, ..signature });
    let is_outside = |note: &&ContourNote| {
        let class = note.pitch.class();
        !major.has(class) && class != minor.leading_tone()
    };
    match contour.notes.len() {
        1 => Some("it stands over a single note"),
        few if few < FEWEST_NOTES => Some("it stands over two notes only"),
        few if few < FEW_NOTES && contour.notes.iter().filter(is_outside).count() * ONE_IN > few => {
            Some("the few notes under it do not lie in it")
        }
        _ => None,
    }
}

/// Which keys a piece begins and ends in, and through which it goes.
pub(crate) fn told(changes: &[(usize, Key)]) -> Option<String> {
    let [(_, first), .., (_, last)] = changes else { return None };
    let between: Vec<String> = changes[1..changes.len() - 1].iter().map(|(_, key)| key.to_string()).collect();
    let between = if between.is_empty() { String::new() } else { format!(", goes on in {}", between.join(", ")) };
    Some(format!("the key signature changes: the piece begins in {first}{between} and ends in {last}"))
}
