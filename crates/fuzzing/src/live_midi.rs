use std::collections::HashMap;

use chorale::{Chord, Part, Pitch, Token};
use session::AnswerTable;
use session::clock::{self, ClockSource};
use session::control::Control;
use session::{Below, KeyboardSplit, Session, Settings, TableRequest};

/// A fixed answer under every soprano.
fn table(report: Option<TableRequest>, is_present: bool) -> AnswerTable {
    let number = report.map_or(0, |report| report.number);
    let step = report.map_or(0, |report| report.step + u64::from(!is_present));
    let after = match report {
        Some(report) if is_present => report.previous,
        Some(report) => report.chord.unwrap_or(report.previous),
        None => Chord::START,
    };
    let bass = report.and_then(|report| report.bass);
    let token = |midi: u64| Pitch::new(midi as u8).and_then(Token::from_pitch).unwrap_or(Token::REST);
    let mut chords = [Chord([64 + step % 3, 60, 55 + step % 2, 43 + step % 5].map(token)); Token::VOCABULARY];
    for (soprano, chord) in Token::all().zip(&mut chords) {
        chord[Part::Soprano] = soprano;
        if let Some(bass) = bass {
            chord[Part::Bass] = bass;
        }
    }
    AnswerTable { number, is_present, step, after, bass, chords }
}

#[derive(Default)]
struct Wire {
    sounding: HashMap<(u8, u8), u32>,
    last: u64,
    /// Ends of notes may come twice once messages were lost.
    may_repeat: bool,
}

impl Wire {
    fn drain(&mut self, session: &mut Session) {
        while let Some(message) = session.next_message() {
            session.sent();
            assert!(message.at >= self.last, "time goes back");
            self.last = message.at;
            if !message.is_heard {
                continue;
            }
            let bytes = message.bytes();
            match bytes[0] & 0xf0 {
                0x90 if bytes[2] > 0 => {
                    let count = self.sounding.entry((bytes[0] & 0xf, bytes[1])).or_default();
                    *count += 1;
                    assert!(*count <= 1, "struck again while it sounds");
                }
                0x80 | 0x90 => {
                    let sounded = self.sounding.remove(&(bytes[0] & 0xf, bytes[1]));
                    assert!(sounded.is_some() || self.may_repeat, "the end of a note that did not sound");
                }
                _ => {}
            }
        }
    }
}

const SOURCES: [ClockSource; 4] = [ClockSource::Internal, ClockSource::Strict, ClockSource::Midi, ClockSource::Follow];

/// Arbitrary bytes from a keyboard at arbitrary times, with tables and controls between them: every note-on has one
/// note-off, times never go back, and nothing sounds after the stop.
///
/// # Panics
/// When something does not hold.
pub fn live_midi(bytes: &[u8]) {
    let [choices, bytes @ ..] = bytes else { return };
    let source = SOURCES[usize::from(choices % 4)];
    let clock = clock::Settings { source, rate: 1e9, tempo: 72.0, first: u64::from(choices & 4) };
    let mut settings = Settings::new(clock);
    let below = if choices & 8 == 0 { Below::Through } else { Below::Bass };
    settings.split = (choices & 16 != 0).then_some(KeyboardSplit { key: 60, channel: 4, below });
    settings.has_own_ports = choices & 32 != 0;
    let mut session = Session::new(settings);
    let mut wire = Wire::default();
    let mut now = 0;
    session.table(0, &table(None, false));
    for event in bytes.chunks(5) {
        let [kind, wait, ref rest @ ..] = *event else { break };
        now += u64::from(wait) * u64::from(kind >> 4) * 100_000;
        match kind % 8 {
            0 => session.advance(now),
            1 => {
                let control = Control::ALL[usize::from(wait) % Control::ALL.len()];
                session.control(now, control, rest.first().copied().unwrap_or(0) & 127);
            }
            2 if kind == 0xf2 => session.input_lost(now),
            2 if kind == 0xe2 => session.output_regained(now),
            2 if kind == 0xd2 => {
                wire.may_repeat = true;
                session.messages_lost(now);
            }
            _ => {
                session.midi(now, rest);
            }
        }
        while let Some(report) = session.next_request() {
            if kind & 8 == 0 {
                if report.is_present_void {
                    session.table(now, &table(Some(report), true));
                }
                session.table(now, &table(Some(report), false));
            }
        }
        while session.next_step_begun().is_some() {}
        wire.drain(&mut session);
    }
    session.stop(now);
    wire.drain(&mut session);
    assert!(wire.sounding.is_empty(), "still sounding after the stop: {:?}", wire.sounding);
    assert_eq!(session.sounding(), [None; 4]);
}
