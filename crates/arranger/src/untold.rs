//! What a file does not tell, or tells wrong, as its notes show it.

use chorale::Spelling;
use files::melody::{Melody, guess_pickup};
use files::{Source, mended_signature, set_signature};

/// Puts the key of the notes in the place of a signature of C major that nobody meant, so that they are spelled in it.
pub(crate) fn settle_signature(source: &mut Source, melody: &mut Melody) -> Option<String> {
    let key = mended_signature(source, melody.found_key())?;
    set_signature(&mut source.directions, key);
    // Sharps in a key of flats are those of a program that knew no key.
    let is_other = |spelling: &Spelling| i32::from(spelling.alteration) * i32::from(key.sharps) < 0;
    if melody.spellings.values().any(is_other) {
        melody.spellings.clear();
    }
    Some(format!("the signature is C major, the notes are in {key}: spelled in that (--key C keeps C major)"))
}

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
