//! ABC notation (version 2.1), as collections of hymns and folk tunes use it: keys with their modes, metres, voices, words,
//! repeats and endings, ties, slurs, tuplets, broken rhythm, chords. Grace notes, ornaments and chord symbols are left
//! out.

mod fields;
mod lyrics;
mod music;
mod tune;
mod voice;

use thiserror::Error;

use self::tune::{Tune, tunes};
use crate::source::{Kind, Source};
use crate::text::decode;
use crate::written::{Played, TooManyMeasures, WrittenScore};

/// Why a text is no ABC tune that can be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    #[error("no tune with notes: they stand below a line such as K:G, which names the key and ends a tune's head")]
    NoTune,
    #[error("the tune has more than {} {what}; is it one?", .most)]
    TooLarge { most: usize, what: &'static str },
    #[error(transparent)]
    TooManyMeasures(#[from] TooManyMeasures),
}

/// Ticks of a quarter, while they are counted: whole for the tuplets of two to ten and for their divisions.
const FINE_TICKS: u32 = 10_080;

/// Of how many of them a tick is made where nothing needs finer ones.
const COARSE: u32 = 21;

/// Where the notes of a file can begin to be looked for.
const LONGEST_HEAD: usize = 1 << 18;

/// Whether bytes look like an ABC file: text with the number and the key of a tune.
pub(crate) fn is_abc(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LONGEST_HEAD)];
    if head.starts_with(b"%abc") {
        return true;
    }
    let mut lines = head.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii_start);
    let is_field = |line: &[u8]| matches!(line, [b'A'..=b'Z', b':', ..]);
    let begins = |line: &[u8]| line.starts_with(b"X:");
    let first = lines.clone().find(|line| !line.is_empty());
    let has_head = first.is_some_and(is_field) || lines.any(begins);
    !head.contains(&0) && has_head && lines.any(|line| line.starts_with(b"K:"))
}

/// Reads the first tune of a file that has notes.
///
/// # Errors
/// Where there is none; never a panic, whatever the bytes.
pub fn read(bytes: &[u8]) -> Result<Source, ReadError> {
    let text = decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let all = tunes(&text);
    let count = all.len();
    let mut with_notes = all.into_iter().map(Tune::read).filter(|tune| tune.as_ref().map_or(true, Tune::has_notes));
    let tune = with_notes.next().ok_or(ReadError::NoTune)??;
    let mut remarks = tune.remarks();
    if count > 1 {
        let name = tune.title.as_ref().map(|title| format!(", '{title}',")).unwrap_or_default();
        remarks.push(format!(
            "the file holds {count} tunes: the first{name} is taken; put another into a file of its own"
        ));
    }
    let (title, creators) = (tune.title.clone(), tune.creators.clone());
    let (mut parts, signs) = tune.finish();
    let is_coarse = parts.iter().flat_map(|part| &part.measures).all(|measure| measure.has_multiples_of(COARSE));
    let divisor = if is_coarse { COARSE } else { 1 };
    parts.iter_mut().flat_map(|part| &mut part.measures).for_each(|measure| measure.divide(divisor));
    let ticks_per_quarter = FINE_TICKS / divisor;
    let score = WrittenScore { ticks_per_quarter: u64::from(ticks_per_quarter), parts, signs };
    let Played { directions, tracks, remarks: of_repeats } = score.play()?;
    remarks.extend(of_repeats);
    Ok(Source {
        kind: Kind::Abc,
        title,
        creators,
        ticks_per_quarter: ticks_per_quarter as u16,
        directions,
        tracks,
        remarks,
    })
}

#[cfg(test)]
mod tests;
