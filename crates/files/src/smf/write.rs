//! Scores as files.

use chorale::Part;
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};

use crate::score::{Direction, Lyric, Score, Tick};

/// A format 1 file: a track for the conductor, then soprano, alto, tenor and bass (or what the ensemble calls them) on
/// channels 1 to 4, each of which begins by choosing the score's program.
pub fn write(score: &Score) -> Vec<u8> {
    let mut tracks = vec![conductor_track(score)];
    for part in score.ensemble.parts() {
        let lyrics = if part == score.melody { score.lyrics.as_slice() } else { &[] };
        tracks.push(part_track(part, score, lyrics));
    }
    let timing = Timing::Metrical(u15::from(score.ticks_per_quarter));
    let smf = Smf { header: Header { format: Format::Parallel, timing }, tracks };
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes).expect("five tracks of ticks below 2^28, with texts from a file, fit into a file");
    bytes
}

fn conductor_track(score: &Score) -> Vec<TrackEvent<'_>> {
    let directions = score.directions.iter().map(|(tick, direction)| {
        let message = match direction {
            Direction::Tempo(tempo) => MetaMessage::Tempo(u24::from(*tempo)),
            Direction::Metre(metre) => MetaMessage::TimeSignature(
                metre.numerator,
                metre.denominator_log2,
                metre.clocks_per_click,
                metre.thirtyseconds_per_quarter,
            ),
            Direction::Key { sharps, minor } => MetaMessage::KeySignature(*sharps, *minor),
            Direction::Marker(name) => MetaMessage::Marker(name),
            Direction::Copyright(notice) => MetaMessage::Copyright(notice),
        };
        (*tick, TrackEventKind::Meta(message))
    });
    let name = score.title.as_ref().map(|title| (0, TrackEventKind::Meta(MetaMessage::TrackName(title.as_bytes()))));
    track(name.into_iter().chain(directions).collect())
}

fn part_track<'a>(part: Part, score: &'a Score, lyrics: &'a [Lyric]) -> Vec<TrackEvent<'a>> {
    let channel = u4::from(part.index() as u8);
    // Offs come before ons at the same tick, or a repeated note would end as it begins.
    const OFF: u8 = 0;
    const TEXT: u8 = 1;
    const ON: u8 = 2;
    let notes = score.part(part);
    let mut events = Vec::with_capacity(2 * notes.len() + lyrics.len());
    for note in notes {
        let key = u7::from(note.pitch.midi());
        let on = MidiMessage::NoteOn { key, vel: u7::from(note.velocity) };
        let off = MidiMessage::NoteOff { key, vel: u7::from(64) };
        events.push((note.start, ON, TrackEventKind::Midi { channel, message: on }));
        events.push((note.end, OFF, TrackEventKind::Midi { channel, message: off }));
    }
    // MIDI knows one line of words.
    for lyric in lyrics.iter().filter(|lyric| lyric.verse == 1) {
        events.push((lyric.tick, TEXT, TrackEventKind::Meta(MetaMessage::Lyric(&lyric.text))));
    }
    events.sort_by_key(|(tick, order, _)| (*tick, *order));
    let name = (0, TrackEventKind::Meta(MetaMessage::TrackName(score.ensemble.name(part).as_bytes())));
    let program = MidiMessage::ProgramChange { program: u7::from(score.program.midi()) };
    let program = (0, TrackEventKind::Midi { channel, message: program });
    track([name, program].into_iter().chain(events.into_iter().map(|(tick, _, kind)| (tick, kind))).collect())
}

/// Absolute ticks, ascending, to the distances of the file; with the end mark.
fn track(events: Vec<(Tick, TrackEventKind<'_>)>) -> Vec<TrackEvent<'_>> {
    let mut now = 0;
    let mut track = Vec::with_capacity(events.len() + 1);
    for (tick, kind) in events {
        track.push(TrackEvent { delta: u28::from(tick - now), kind });
        now = tick;
    }
    track.push(TrackEvent { delta: u28::from(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}
