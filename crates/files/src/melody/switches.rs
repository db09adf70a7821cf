//! The key switches of sample players: very short notes far below a line, which choose how it is played.

use std::borrow::Cow;

use super::lines::{Line, counted};
use crate::score::{Note, Tick};
use crate::source::{Kind, Source};

/// More than an octave and a half below all that is held for longer.
const FAR: u8 = 18;

/// Of so many notes one at most is a switch.
const SELDOM: usize = 4;

/// The notes of a line without its key switches.
pub(super) fn without_switches<'a>(line: &Line<'a>, file: &Source) -> Cow<'a, [Note]> {
    if file.kind != Kind::Midi {
        return Cow::Borrowed(line.notes);
    }
    let notes = line.notes;
    let quarter = Tick::from(file.ticks_per_quarter);
    // A thirty-second.
    let is_short = |note: &Note| 8 * u64::from(note.end - note.start) <= u64::from(quarter);
    let held = notes.iter().filter(|note| !is_short(note)).map(|note| note.pitch.midi());
    let Some(lowest) = held.min() else { return Cow::Borrowed(notes) };
    let is_switch = |note: &Note| is_short(note) && note.pitch.midi() + FAR < lowest;
    let switches = notes.iter().filter(|note| is_switch(note)).count();
    if switches == 0 || SELDOM * switches > notes.len() {
        return Cow::Borrowed(notes);
    }
    notes.iter().copied().filter(|note| !is_switch(note)).collect()
}

/// That some are left out.
pub(super) fn told_switches(line: &Line, file: &Source) -> Option<String> {
    let switches = line.notes.len() - without_switches(line, file).len();
    let (is, a) =
        if switches == 1 { ("is", "a key switch of a sampler is") } else { ("are", "key switches of samplers are") };
    (switches > 0).then(|| {
        let described = line.describe(file);
        format!("{described}: {} far below all others and very short, as {a}, {is} left out", counted(switches))
    })
}
