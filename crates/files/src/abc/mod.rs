//! ABC notation (version 2.1), as collections of hymns and folk tunes use it: keys with their modes, metres, voices, words,
//! repeats and endings, ties, slurs, tuplets, broken rhythm, chords. Grace notes, ornaments and chord symbols are left
//! out.

mod book;
mod fields;
mod left_out;
mod lyrics;
mod music;
mod order;
mod tune;
mod voice;

use thiserror::Error;

use self::book::Book;
use self::tune::Tune;
use crate::source::{Kind, Source, told_below, trimmed_lines};
use crate::text::decode_document;
use crate::written::{Endless, MAX_MEASURES, Played, WrittenScore};

/// Why a text is no ABC tune that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error("no tune with notes: they stand below a line such as K:G, which names the key and ends a tune's head")]
    NoTune,
    #[error("the tune has no line such as K:G, which names its key and ends its head; write one above its notes")]
    NoKey,
    #[error("--tune {wanted}: the file holds {tunes}; name one of them by its number or a part of its title")]
    NotThere { wanted: String, tunes: String },
    #[error("the tune has more than {} {what}; is it one?", .most)]
    TooLarge { most: usize, what: &'static str },
    #[error("Z{0} is a rest of more than {MAX_MEASURES} measures; correct its number")]
    LongRest(u32),
    #[error(transparent)]
    Endless(#[from] Endless),
}

/// Ticks of a quarter, while they are counted: whole for the tuplets of two to ten and for their divisions.
const FINE_TICKS: u32 = 10_080;

/// Of how many of them a tick is made where nothing needs finer ones.
const COARSE: u32 = 21;

/// Where the notes of a file can begin to be looked for.
const LONGEST_HEAD: usize = 1 << 18;

/// Whether bytes, without a mark of their order, look like an ABC file: text that begins with the number of a tune, or has
/// the number and the key of one.
pub(crate) fn is_abc(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LONGEST_HEAD)];
    if head.starts_with(b"%abc") {
        return true;
    }
    let mut lines = head.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii_start);
    let is_field = |line: &[u8]| matches!(line, [b'A'..=b'Z', b':', ..]);
    let number = |line: &[u8]| line.strip_prefix(b"X:")?.trim_ascii_start().first().copied();
    let begins = |line: &[u8]| line.starts_with(b"X:");
    let first = lines.clone().find(|line| !line.is_empty() && !line.starts_with(b"%"));
    if first.and_then(number).is_some_and(|digit| digit.is_ascii_digit()) {
        return true;
    }
    let has_head = first.is_some_and(is_field) || lines.any(begins);
    !head.contains(&0) && has_head && lines.any(|line| line.starts_with(b"K:"))
}

/// The text of a file, a line feed behind each line.
fn text_of(bytes: &[u8]) -> String {
    let text = decode_document(bytes);
    if text.contains(['\0', '\r']) { text.replace('\0', "").replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// Reads the first tune of a file that has notes.
///
/// # Errors
/// Where there is none; never a panic, whatever the bytes.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    read_tune(bytes, None)
}

/// Reads the tune that is `wanted`, by its number or a part of its title; else as [`read`] does.
///
/// # Errors
/// Where it is not there or has no notes; never a panic, whatever the bytes.
pub fn read_tune(bytes: &[u8], wanted: Option<&str>) -> Result<Source, ReadError> {
    let text = text_of(bytes);
    let book = Book::of(&text)?;
    let (taken, tune) = match wanted {
        Some(wanted) => {
            let taken = book
                .find(wanted)
                .ok_or_else(|| ReadError::NotThere { wanted: wanted.to_owned(), tunes: book.list(|_| true) })?;
            (taken, book.read(taken)?)
        }
        None => book.first_with_notes()?,
    };
    if !tune.has_notes() {
        return Err(if tune.lacks_key() { ReadError::NoKey } else { ReadError::NoTune });
    }
    let mut remarks = tune.remarks();
    if wanted.is_none() && book.tunes.len() > 1 {
        let (count, name, others) = (book.tunes.len(), book.name(taken), book.list(|tune| tune != taken));
        remarks.push(format!("the file holds {count} tunes, and {name} is taken; --tune takes another: {others}"));
    }
    let (title, creators, below) =
        (tune.title.clone(), tune.creators.clone(), trimmed_lines(tune.below.iter().cloned()));
    remarks.extend(told_below(&below));
    let (mut parts, signs, sections) = tune.finish();
    let is_coarse = parts.iter().flat_map(|part| &part.measures).all(|measure| measure.has_multiples_of(COARSE));
    let mode = parts.iter().find_map(|part| part.mode);
    let names_major = parts.iter().any(|part| part.names_major);
    let divisor = if is_coarse { COARSE } else { 1 };
    parts.iter_mut().flat_map(|part| &mut part.measures).for_each(|measure| measure.divide(divisor));
    let ticks_per_quarter = FINE_TICKS / divisor;
    let score = WrittenScore { ticks_per_quarter: u64::from(ticks_per_quarter), parts, signs, sections };
    let Played { directions, tracks, remarks: of_repeats } = score.play()?;
    remarks.extend(of_repeats);
    Ok(Source {
        kind: Kind::Abc,
        title,
        creators,
        below,
        ticks_per_quarter: ticks_per_quarter as u16,
        directions,
        mode,
        names_major,
        tracks,
        remarks,
    })
}

/// The numbers of all tunes of a file that have notes, as [`read_tune`] takes them.
///
/// # Errors
/// Where there are none.
pub fn numbers(bytes: &[u8]) -> Result<Vec<u64>, ReadError> {
    let text = text_of(bytes);
    let book = Book::of(&text)?;
    // One that cannot be read says why when it is read.
    let has_notes = |place: &usize| book.read(*place).as_ref().map_or(true, Tune::has_notes);
    let numbers: Vec<u64> = (0..book.tunes.len()).filter(has_notes).map(|place| book.tunes[place].number).collect();
    if numbers.is_empty() { Err(ReadError::NoTune) } else { Ok(numbers) }
}

#[cfg(test)]
mod tests;
