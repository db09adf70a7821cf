//! What a file does not tell, or tells wrong, as its notes show it.

use chorale::{Key, Surroundings};
use files::melody::{Melody, guess_pickup};
use files::{FoundKey, Grid, NamedKey, Source, is_contradicted, mended_signature, set_signature, signature};
use harmonizer::phrasing::{Phrasing, Segmentation, Signature, melody_key};

use crate::Cantus;
use crate::phrase_ends::contour;

/// Puts the key of the notes in the place of a signature that nobody meant, so that they are spelled in it.
pub(crate) fn settle_signature(source: &mut Source, melody: &mut Melody) -> Option<String> {
    let told = signature(&source.directions)?;
    let key = mended_signature(source, found_key(source, melody))?;
    set_signature(&mut source.directions, key);
    // What is no sharp or flat of the key is that of a program that knew no key, or another.
    let in_key = melody.notes.iter().filter(|note| key.has(note.pitch.class()));
    let mut written = in_key.filter_map(|note| Some((note.pitch, melody.spellings.get(&note.start)?)));
    if written.any(|(pitch, spelling)| *spelling != key.spell(pitch, Surroundings::default())) {
        melody.spellings.clear();
    }
    Some(format!("the signature is {told}, the notes are in {key}: spelled in that ({})", keeping(told)))
}

fn found_key(source: &Source, melody: &Melody) -> FoundKey {
    let key = melody.found_key();
    let grid = Grid::new(source.ticks_per_quarter, &source.directions, melody.first_onset());
    let is_sure = contour(melody, &grid)
        .is_some_and(|(contour, _)| melody_key(&contour, Signature::None, Phrasing::learned()).index() == key.index());
    FoundKey { key, is_sure }
}

/// That a melody is plainly in another key than the one that is asked for, and not the file's own, with what moves it there.
pub(crate) fn contradicted(source: &Source, melody: &Melody, asked: NamedKey) -> Option<String> {
    let found = found_key(source, melody);
    let key = found.key;
    let ends_there = melody.notes.last().is_some_and(|last| last.pitch.class() == asked.home.tonic());
    if key.tonic() != asked.home.tonic() && ends_there || !is_contradicted(source, asked.signature, found) {
        return None;
    }
    let up = i32::from(key.degree(asked.home.tonic()));
    let semitones = if up > 6 { up - 12 } else { up };
    let way_out = if key.minor == asked.home.minor && semitones != 0 {
        format!(
            "--transpose {semitones} in its place moves them into {}, without either they stay in {key}",
            asked.home
        )
    } else {
        format!("without it they stay in {key}")
    };
    Some(format!("--key says {asked}, but the notes are in {key}: {way_out}"))
}

/// That a melody is in another key than the one that the file names with its mode.
pub(crate) fn overruled(told: Signature, home: Key) -> Option<String> {
    let Signature::Key(told) = told else { return None };
    let is_other = told.tonic() != home.tonic() || told.minor != home.minor;
    is_other.then(|| {
        format!(
            "the file names {told}, but the melody begins, ends and lies as in {home}: it is harmonized in that ({})",
            keeping(told)
        )
    })
}

/// The option that keeps a key; a letter alone is major.
fn keeping(key: Key) -> String {
    let name = key.to_string();
    let option = if key.minor { name.as_str() } else { name.split(' ').next().unwrap_or_default() };
    format!("--key {} keeps {name}", quoted(option))
}

/// As a shell wants it.
fn quoted(key: &str) -> String {
    if key.contains(' ') { format!("\"{key}\"") } else { key.to_owned() }
}

/// That a melody rests and ends on another note than that of the key in which it is harmonized, as one in a church mode does.
pub(crate) fn other_final(cantus: &Cantus) -> Option<String> {
    let home = cantus.home;
    let classes: Vec<u8> = cantus.melody.notes.iter().map(|note| note.pitch.class()).collect();
    let (&[first, second, ..], &last) = (classes.as_slice(), classes.last()?) else { return None };
    let relative = if home.minor { Key { minor: false, ..home } } else { home };
    let mode = NamedKey::of_final(relative.sharps, last).filter(|mode| mode.home.tonic() != home.tonic())?;
    // Where phrases end, the last of all among them; and the first note, if its fifth does not lead to it.
    let segmentation = Segmentation::new(&cantus.contour, home, Phrasing::learned());
    let ends = segmentation.likely_ends(&segmentation.likelihoods());
    let mut rests: Vec<u8> = ends.into_iter().map(|end| cantus.contour.notes[end].pitch.class()).collect();
    let is_pickup = (first + 12 - last) % 12 == 7 && second == last;
    let begins_on = if is_pickup { second } else { first };
    rests.push(begins_on);
    let on = |class: u8| rests.iter().filter(|rest| **rest == class).count();
    let length = |class: u8| {
        let of_class = cantus.melody.notes.iter().filter(|note| note.pitch.class() == class);
        of_class.map(|note| u64::from(note.end - note.start)).sum::<u64>()
    };
    let more = if begins_on == last { 1 } else { MORE_RESTS };
    let is_clear = on(last) >= on(home.tonic()) + more && 5 * length(last) >= 4 * length(home.tonic());
    let name = mode.to_string();
    is_clear.then(|| {
        format!(
            "the melody ends and rests on {}: if it is in {name}, --key {} begins and ends in that",
            name.split(' ').next().unwrap_or_default(),
            quoted(&name)
        )
    })
}

/// By how many more of its phrases must rest on a final than on the tonic, where it begins on neither.
const MORE_RESTS: usize = 2;

/// Quarters before the first bar line, where the notes show them.
pub(crate) fn pickup(source: &Source, melody: &Melody, remarks: &mut Vec<String>) -> Option<f64> {
    let pickup = guess_pickup(source, melody)?;
    let length = match pickup {
        0.5 => "an eighth".into(),
        1.0 => "a quarter".into(),
        1.5 | 2.5 => format!("{} eighths", 2.0 * pickup),
        _ => format!("{pickup} quarters"),
    };
    remarks.push(format!(
        "the melody seems to begin with a pickup of {length}, which the file does not tell \
         (--pickup {pickup}; --pickup 0 begins with a full bar)"
    ));
    Some(pickup)
}
