//! Melodies written as text, made into MIDI files: the source of the demo and of test inputs.

use std::path::Path;

use chorale::{Chorale, Part, Phase};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};

pub const TICKS_PER_QUARTER: u32 = 480;

/// A tune as a hymnal prints it.
pub struct Tune {
    /// Of the melody's track.
    pub name: &'static str,
    /// Quarters a minute.
    pub tempo: u32,
    /// Sharps; flats below zero.
    pub sharps: i8,
    /// Quarters in a bar.
    pub quarters: u8,
    /// `D5/4` is a quarter, `D5/4.` a dotted one, `r/4` a rest; `|` a bar line, which is checked; `,` a breath, which
    /// takes a sixteenth from the note before. What stands before the first bar line may be a pickup.
    pub notes: &'static str,
}

/// Nun danket alle Gott, by Johann Crüger (1647), in the even rhythm that became usual: the tune of the demo.
pub const NUN_DANKET: Tune = Tune {
    name: "Melody",
    tempo: 80,
    sharps: 1,
    quarters: 4,
    notes: "
        D5/4 | D5/4 D5/4 E5/4 E5/4 | D5/2. , B4/4 | C5/4 B4/4 A4/4 B4/4 | A4/2 G4/4 ,
        D5/4 | D5/4 D5/4 E5/4 E5/4 | D5/2. , B4/4 | C5/4 B4/4 A4/4 B4/4 | A4/2 G4/4 ,
        A4/4 | A4/4 A4/4 B4/4 B4/4 | A4/2. , A4/4 | B4/8 C#5/8 D5/4 D5/4 C#5/4 | D5/2. ,
        D5/4 | E5/4 D5/4 C5/4 B4/4 | C5/2. , B4/4 | A4/4 B4/8 C5/8 A4/4. G4/8 | G4/2.",
};

/// A tune on ticks.
pub struct Written {
    /// Start and end tick and pitch of each note.
    pub notes: Vec<(u32, u32, u8)>,
    /// The length of the pickup.
    pub first_bar_line: u32,
}

/// # Panics
/// Where the text is no tune: a bar that is not full, a name that is no note.
pub fn write_out(tune: &Tune) -> Written {
    let bar = u32::from(tune.quarters) * TICKS_PER_QUARTER;
    let (mut now, mut bar_lines, mut notes) = (0, Vec::new(), Vec::<(u32, u32, u8)>::new());
    for word in tune.notes.split_whitespace() {
        match word {
            "|" => {
                if let Some(before) = bar_lines.last() {
                    assert_eq!(now - before, bar, "the bar that ends at tick {now} is not full");
                }
                bar_lines.push(now);
            }
            "," => notes.last_mut().expect("a breath follows a note").1 -= TICKS_PER_QUARTER / 4,
            _ => {
                let (name, length) = word.split_once('/').unwrap_or_else(|| panic!("'{word}' has no length"));
                let plain = 4 * TICKS_PER_QUARTER / length.trim_end_matches('.').parse::<u32>().expect("4, 8, ...");
                let length = if length.ends_with('.') { plain * 3 / 2 } else { plain };
                if name != "r" {
                    notes.push((now, now + length, pitch(name)));
                }
                now += length;
            }
        }
    }
    Written { notes, first_bar_line: bar_lines.first().copied().unwrap_or(0) }
}

fn pitch(name: &str) -> u8 {
    let mut letters = name.chars();
    let class = match letters.next() {
        Some('C') => 0,
        Some('D') => 2,
        Some('E') => 4,
        Some('F') => 5,
        Some('G') => 7,
        Some('A') => 9,
        Some('B') => 11,
        _ => panic!("'{name}' is no note"),
    };
    let rest = letters.as_str();
    let altered = rest.matches('#').count() as i32 - rest.matches('b').count() as i32;
    let octave: i32 = rest.trim_start_matches(['#', 'b']).parse().expect("an octave");
    u8::try_from(12 * (octave + 1) + class + altered).expect("a MIDI note")
}

/// Format 1: a conductor's track, in which a pickup is a bar of its own, and the melody on channel 1.
pub fn midi_file(tune: &Tune) -> Vec<u8> {
    bytes(tune, &write_out(tune))
}

/// The soprano of a chorale as such a file, in 4/4; a length of whole bars and a quarter is taken for a quarter's pickup.
///
/// # Panics
/// When the file cannot be written.
pub fn write_soprano(path: &Path, chorale: &Chorale) {
    let step = TICKS_PER_QUARTER / Phase::STEPS_PER_BEAT as u32;
    let mut notes: Vec<(u32, u32, u8)> = Vec::new();
    for (index, chord) in (0..).zip(&chorale.chords) {
        let Some(pitch) = chord[Part::Soprano].pitch() else { continue };
        match notes.last_mut() {
            Some(last) if last.1 == index * step && last.2 == pitch.midi() => last.1 += step,
            _ => notes.push((index * step, (index + 1) * step, pitch.midi())),
        }
    }
    let has_pickup = chorale.chords.len() % Phase::STEPS_PER_BAR == Phase::STEPS_PER_BEAT;
    let first_bar_line = if has_pickup { TICKS_PER_QUARTER } else { 0 };
    let tune = Tune { name: "Soprano", tempo: 80, sharps: 0, quarters: 4, notes: "" };
    std::fs::write(path, bytes(&tune, &Written { notes, first_bar_line })).expect("the soprano's file");
}

fn bytes(tune: &Tune, written: &Written) -> Vec<u8> {
    let pickup = written.first_bar_line;
    let metre = |quarters: u8| MetaMessage::TimeSignature(quarters, 2, 24, 8);
    let mut conductor = vec![
        (0, MetaMessage::Tempo(u24::from(60_000_000 / tune.tempo))),
        (0, MetaMessage::KeySignature(tune.sharps, false)),
    ];
    if pickup > 0 {
        conductor.push((0, metre((pickup / TICKS_PER_QUARTER) as u8)));
    }
    conductor.push((pickup, metre(tune.quarters)));
    let conductor = conductor.into_iter().map(|(tick, message)| (tick, TrackEventKind::Meta(message))).collect();

    let mut melody = vec![(0, TrackEventKind::Meta(MetaMessage::TrackName(tune.name.as_bytes())))];
    for &(start, end, pitch) in &written.notes {
        let key = u7::from(pitch);
        let channel = u4::from(0);
        melody.push((start, TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel: u7::from(80) } }));
        melody.push((end, TrackEventKind::Midi { channel, message: MidiMessage::NoteOff { key, vel: u7::from(64) } }));
    }
    let timing = Timing::Metrical(u15::from(TICKS_PER_QUARTER as u16));
    let header = Header { format: Format::Parallel, timing };
    let mut bytes = Vec::new();
    Smf { header, tracks: vec![track(conductor), track(melody)] }.write_std(&mut bytes).expect("a Vec takes all bytes");
    bytes
}

fn track(events: Vec<(u32, TrackEventKind)>) -> Vec<TrackEvent> {
    let mut now = 0;
    let mut track: Vec<TrackEvent> = Vec::new();
    for (tick, kind) in events {
        track.push(TrackEvent { delta: u28::from(tick - now), kind });
        now = tick;
    }
    track.push(TrackEvent { delta: u28::from(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}
