//! The soprano, alto, tenor and bass of a file that has them all.

use chorale::Part;

use super::MelodyError;
use super::lines::{Line, all_lines, by_height, list_tracks, no_lines};
use crate::ensemble::Scoring;
use crate::score::{Note, Tick};
use crate::source::Source;

/// The soprano, alto, tenor and bass of a file that has them all: by their names, else four lines from high to low. A
/// line of chords counts as a line for each of the notes that it has at once.
///
/// # Errors
/// When there are no notes, or the lines have neither those names nor that number.
pub fn four_parts(file: &Source) -> Result<[Vec<Note>; 4], MelodyError> {
    let mut lines = pitched_lines(file);
    if lines.is_empty() {
        return Err(no_lines(file));
    }
    if let [Some(soprano), Some(alto), Some(tenor), Some(bass)] = named_parts(file) {
        return Ok([soprano, alto, tenor, bass]);
    }
    lines.sort_by(|a, b| by_height(b, a));
    let slip = Tick::from(file.ticks_per_quarter / 8);
    let parts: Vec<Vec<Note>> = match lines.len() {
        4 => lines.iter().map(|line| line.notes.to_vec()).collect(),
        _ => lines.iter().flat_map(|line| voices(line.notes, slip)).collect(),
    };
    if parts.len() == 1 {
        return Err(MelodyError::MelodyAlone);
    }
    parts.try_into().map_err(|_| MelodyError::NotFourParts { available: list_tracks(file) })
}

/// The line of each part that the file names: a track or part called Soprano, Alto, Tenor or Bass, or by its letter.
/// A part named twice counts as not named.
pub fn named_parts(file: &Source) -> [Option<Vec<Note>>; 4] {
    let lines = pitched_lines(file);
    Part::ALL.map(|part| {
        let name = part.name().to_lowercase();
        let is_named = |line: &&Line| {
            let track = file.tracks[line.track].name.as_deref().unwrap_or_default().trim().to_lowercase();
            track.starts_with(&name) || track == name[..1]
        };
        let mut lines = lines.iter().filter(is_named);
        lines.next().filter(|_| lines.next().is_none()).map(|line| line.notes.to_vec())
    })
}

/// The parts of a file that calls them as a choir of another kind than SATB does: Soprano, Alto and Baritone (or Bass, or Men),
/// without a tenor; first and second tenor, baritone and bass.
pub fn named_choir(file: &Source) -> Option<([Vec<Note>; 4], Scoring)> {
    const CHOIRS: [(Scoring, [&[&str]; 4]); 2] = [
        (Scoring::Sab, [&["soprano"], &["alto"], &[], &["baritone", "bass", "men"]]),
        (Scoring::Ttbb, [&["tenor 1", "tenor i"], &["tenor 2", "tenor ii"], &["baritone", "bass 1"], &["bass"]]),
    ];
    let lines = pitched_lines(file);
    let called = |line: &Line| file.tracks[line.track].name.as_deref().unwrap_or_default().trim().to_lowercase();
    let parts_of = |(scoring, names): (Scoring, [&[&str]; 4])| {
        let parts = names.map(|names| {
            let mut named = lines.iter().filter(|line| names.contains(&called(line).as_str()));
            named.next().filter(|_| named.next().is_none()).map(|line| line.notes.to_vec())
        });
        let is_whole = parts.iter().flatten().count() == lines.len()
            && parts.iter().zip(names).all(|(part, names)| part.is_some() || names.is_empty());
        is_whole.then(|| (parts.map(Option::unwrap_or_default), scoring))
    };
    CHOIRS.into_iter().find_map(parts_of)
}

fn pitched_lines(file: &Source) -> Vec<Line<'_>> {
    all_lines(file).into_iter().filter(|line| !line.is_drums(file)).collect()
}

/// The notes of a line of chords, from the top: as many voices as ever sound at once, for longer than a `slip`. A chord of
/// fewer notes goes to the voices that are nearest.
fn voices(notes: &[Note], slip: Tick) -> Vec<Vec<Note>> {
    let most = most_at_once(notes, slip);
    let mut voices: Vec<Vec<Note>> = vec![Vec::new(); most];
    if most > Part::ALL.len() {
        return voices;
    }
    for chord in chords(notes) {
        let start = chord[0].start;
        for (note, voice) in chord.iter().rev().zip(nearest_voices(chord, &voices, slip)) {
            if let Some(last) = voices[voice].last_mut() {
                last.end = last.end.min(start);
            }
            voices[voice].push(*note);
        }
    }
    voices
}

/// Notes that begin together, from the lowest.
fn chords(notes: &[Note]) -> impl Iterator<Item = &[Note]> {
    notes.chunk_by(|a, b| a.start == b.start)
}

fn most_at_once(notes: &[Note], slip: Tick) -> usize {
    let mut ends: Vec<Tick> = Vec::new();
    let counts = chords(notes).map(|chord| {
        ends.retain(|end| *end > chord[0].start + slip);
        ends.extend(chord.iter().map(|note| note.end));
        ends.len()
    });
    counts.max().unwrap_or(0)
}

/// The voices of a chord's notes, from the top: the lower note has the lower voice, and of all such ways this is the one
/// with the smallest leaps. None where too few voices are free.
fn nearest_voices(chord: &[Note], voices: &[Vec<Note>], slip: Tick) -> Vec<usize> {
    let start = chord[0].start;
    let is_free = |voice: &Vec<Note>| voice.last().is_none_or(|last| last.end <= start + slip);
    // Sets of voices are bits.
    let free: u8 = (0..voices.len()).filter(|&voice| is_free(&voices[voice])).map(|voice| 1 << voice).sum();
    let members = |set: u8| (0..voices.len()).filter(move |voice| set & (1 << voice) != 0);
    let leaps = |set: &u8| -> u32 {
        let leap = |(note, voice): (&Note, usize)| {
            voices[voice].last().map_or(0, |last| u32::from(last.pitch.midi().abs_diff(note.pitch.midi())))
        };
        chord.iter().rev().zip(members(*set)).map(leap).sum()
    };
    let ways = (0..1_u8 << voices.len()).filter(|set| set & !free == 0 && set.count_ones() as usize == chord.len());
    ways.min_by_key(leaps).map(|set| members(set).collect()).unwrap_or_default()
}
