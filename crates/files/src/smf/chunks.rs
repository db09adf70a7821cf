//! The chunks of a file: its header, and the bytes of its tracks.

use super::ReadError;
use super::events::{END_OF_TRACK, Event, Events};

/// Some programs wrap the file: RIFF (.rmi) or a MacBinary header of 128 bytes stand before `MThd`.
const LONGEST_WRAPPING: usize = 512;

pub(super) struct HeaderChunk {
    pub tracks: u16,
    pub division: u16,
}

/// The header, and all that follows it. Read here rather than by midly, whose 0.5.3 negates the SMPTE byte 0x80 with
/// an overflow.
pub(super) fn read_header(bytes: &[u8]) -> Result<(HeaderChunk, &[u8]), ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let wrapping = bytes.windows(4).take(LONGEST_WRAPPING).position(|window| window == b"MThd");
    let Some(wrapping) = wrapping else {
        let found = String::from_utf8_lossy(&bytes[..bytes.len().min(4)]).escape_default().to_string();
        return Err(ReadError::NotMidi { found });
    };
    let (data, rest) = match next_chunk(&bytes[wrapping..]) {
        Some(Chunk { declared, data, rest, .. }) if declared == data.len() && declared >= 6 => (data, rest),
        _ => return Err(ReadError::TruncatedHeader),
    };
    let word = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]);
    match word(0) {
        0 | 1 => Ok((HeaderChunk { tracks: word(2), division: word(4) }, rest)),
        2 => Err(ReadError::Sequential),
        other => Err(ReadError::UnknownFormat(other)),
    }
}

/// The kind and the length of a chunk, before its data.
const CHUNK_HEAD: usize = 8;

struct Chunk<'a> {
    kind: &'a [u8],
    declared: usize,
    /// Shorter than `declared` when the file breaks off.
    data: &'a [u8],
    rest: &'a [u8],
}

fn next_chunk(bytes: &[u8]) -> Option<Chunk<'_>> {
    let (kind, rest) = bytes.split_at_checked(4)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let declared = u32::from_be_bytes(*length) as usize;
    let (data, rest) = rest.split_at(declared.min(rest.len()));
    Some(Chunk { kind, declared, data, rest })
}

/// The tracks' bytes, and what had to be interpreted, in sentences for the user. Chunks of other kinds are skipped, as the
/// standard asks, and so is what follows the last track.
pub(super) fn track_chunks(mut bytes: &[u8], declared: u16) -> Result<(Vec<&[u8]>, Vec<String>), ReadError> {
    let (mut tracks, mut remarks) = (Vec::new(), Vec::new());
    while let Some(chunk) = next_chunk(bytes) {
        let is_track = chunk.kind == b"MTrk";
        let number = tracks.len() + 1;
        if !is_track && tracks.len() >= usize::from(declared) {
            break;
        }
        if is_track && let Some(end) = end_within(&chunk) {
            let declared = chunk.declared;
            remarks.push(format!("track {number}: its length is said to be {declared}; it is read to its end mark"));
            tracks.push(&chunk.data[..end]);
            bytes = &bytes[CHUNK_HEAD + end..];
            continue;
        }
        if chunk.data.len() < chunk.declared {
            let what = if is_track { format!("track {number}") } else { "a chunk".into() };
            return Err(ReadError::Truncated { what, declared: chunk.declared, present: chunk.data.len() });
        }
        bytes = chunk.rest;
        if is_track && chunk.declared == 0 {
            let (data, rest) = bytes.split_at(unfinished_length(bytes));
            if !data.is_empty() {
                remarks.push(format!("track {number}: its length is said to be 0; it is read to its end"));
            }
            tracks.push(data);
            bytes = rest;
        } else if is_track {
            tracks.push(chunk.data);
        }
    }
    let present = tracks.len();
    let is_cut = !bytes.is_empty() && b"MTrk".starts_with(&bytes[..bytes.len().min(4)]);
    if present < usize::from(declared) && (present == 0 || is_cut) {
        return Err(ReadError::MissingTracks { declared, present });
    }
    if present < usize::from(declared) {
        let (is, are) = if present == 1 { ("", "is") } else { ("s", "are") };
        remarks.push(format!("the file's header promises {declared} tracks; {present} track{is} {are} there and read"));
    }
    Ok((tracks, remarks))
}

/// Where a track ends by its mark, if its length leads beyond the end of the file or into the next track.
fn end_within(chunk: &Chunk) -> Option<usize> {
    let mut events = Events::new(chunk.data);
    let has_end = events.by_ref().any(|(_, event)| matches!(event, Event::Meta { kind: END_OF_TRACK, .. }));
    let end = Some(events.read()).filter(|_| has_end)?;
    let over = &chunk.data[end..];
    // The first bytes of the next track may be all that lies in this one.
    let has_next = !over.is_empty() && b"MTrk".starts_with(&over[..over.len().min(4)]);
    (chunk.data.len() < chunk.declared || has_next).then_some(end)
}

/// How long a track is whose length was never written, as of a recording that was broken off: to its end mark, or to the next
/// track or the end of the file, if all before it are events.
fn unfinished_length(bytes: &[u8]) -> usize {
    let next = bytes.windows(4).position(|window| window == b"MTrk").unwrap_or(bytes.len());
    let mut events = Events::new(&bytes[..next]);
    let has_end = events.by_ref().any(|(_, event)| matches!(event, Event::Meta { kind: END_OF_TRACK, .. }));
    if has_end || events.read() == next { events.read() } else { 0 }
}
