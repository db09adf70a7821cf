//! A score as sound: 16-bit stereo WAV, by the built-in organ or a SoundFont.

use std::io::Cursor;
use std::sync::Arc;

use chorale::{Part, Pitch};
use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};
use thiserror::Error;

use crate::organ::Organ;
use files::Score;

pub const SAMPLE_RATE: u32 = 44_100;

/// A WAV file holds 4 GiB, six hours; no piece for four parts takes one.
const MAX_SECONDS: f64 = 3_600.0;

/// The room goes on sounding.
const TAIL_SECONDS: f64 = 2.0;

/// General MIDI's choir, counted from 0.
const CHOIR_AAHS: i32 = 52;

/// By how much the other parts step back in a part's rehearsal track.
const REHEARSAL_GAIN: f32 = 0.25;

#[derive(Debug, Error)]
pub enum SoundError {
    #[error("the piece lasts {0:.0} minutes at its tempo; more than an hour is not rendered")]
    TooLong(f64),
    #[error("not a SoundFont that can be used: {0}")]
    SoundFont(String),
}

/// What plays.
#[derive(Clone)]
pub enum Instrument {
    Organ,
    SoundFont(Arc<SoundFont>),
}

impl Instrument {
    /// The instrument in the bytes of a SoundFont 2 file (.sf2).
    ///
    /// # Errors
    /// Where they are none.
    pub fn sound_font(bytes: &[u8]) -> Result<Instrument, SoundError> {
        let font = SoundFont::new(&mut Cursor::new(bytes));
        let font = font.map_err(|error| SoundError::SoundFont(error.to_string()))?;
        Ok(Instrument::SoundFont(Arc::new(font)))
    }
}

/// How loud each part is in the rehearsal track of one.
pub fn rehearsal_gains(part: Part) -> [f32; 4] {
    Part::ALL.map(|other| if other == part { 1.3 } else { REHEARSAL_GAIN })
}

/// The bytes of a WAV file.
///
/// # Errors
/// Where the piece lasts longer than an hour.
pub fn write(score: &Score, instrument: &Instrument, gains: [f32; 4]) -> Result<Vec<u8>, SoundError> {
    let samples = render(score, instrument, gains)?;
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::with_capacity(2 * samples.len() + 64));
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a WAV header in memory");
    let mut writer16 = writer.get_i16_writer(samples.len() as u32);
    for sample in samples {
        writer16.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16);
    }
    writer16.flush().expect("memory takes all samples");
    writer.finalize().expect("memory takes the length of the file");
    Ok(bytes.into_inner())
}

/// Left, right, left, ... in -1..=1.
fn render(score: &Score, instrument: &Instrument, gains: [f32; 4]) -> Result<Vec<f32>, SoundError> {
    let clock = score.clock();
    let seconds = clock.seconds(score.end());
    if seconds > MAX_SECONDS {
        return Err(SoundError::TooLong(seconds / 60.0));
    }
    let frame = |seconds: f64| (seconds * f64::from(SAMPLE_RATE)).round() as usize;
    // Ends come before beginnings in the same frame, or a repeated note would end as it begins.
    let mut events: Vec<(usize, bool, Part, Pitch, u8)> = Vec::new();
    for part in Part::ALL {
        for note in score.part(part) {
            events.push((frame(clock.seconds(note.start)), true, part, note.pitch, note.velocity));
            events.push((frame(clock.seconds(note.end)), false, part, note.pitch, note.velocity));
        }
    }
    events.sort_by_key(|(frame, begins, part, ..)| (*frame, *begins, *part));
    let mut player = Player::new(instrument, gains)?;
    let mut samples = vec![0.0; 2 * frame(seconds + TAIL_SECONDS)];
    let mut now = 0;
    for (at, begins, part, pitch, velocity) in events {
        player.render(&mut samples[2 * now..2 * at]);
        now = at;
        match begins {
            true => player.note_on(part, pitch, velocity),
            false => player.note_off(part, pitch),
        }
    }
    player.render(&mut samples[2 * now..]);
    Ok(samples)
}

/// An instrument at work.
enum Player {
    Organ(Box<Organ>),
    SoundFont { synthesizer: Box<Synthesizer>, left: Vec<f32>, right: Vec<f32> },
}

impl Player {
    fn new(instrument: &Instrument, gains: [f32; 4]) -> Result<Player, SoundError> {
        match instrument {
            Instrument::Organ => {
                let mut organ = Organ::new(SAMPLE_RATE as f32);
                Part::ALL.into_iter().for_each(|part| organ.set_gain(part, gains[part.index()]));
                Ok(Player::Organ(Box::new(organ)))
            }
            Instrument::SoundFont(font) => {
                let settings = SynthesizerSettings::new(SAMPLE_RATE as i32);
                let synthesizer = Synthesizer::new(font, &settings);
                let mut synthesizer = synthesizer.map_err(|error| SoundError::SoundFont(error.to_string()))?;
                // Half by default, which leaves four voices of a choir far below full scale.
                synthesizer.set_master_volume(1.2);
                for part in Part::ALL {
                    let channel = part.index() as i32;
                    synthesizer.process_midi_message(channel, 0xc0, CHOIR_AAHS, 0);
                    // Volume is a controller of 100 by default.
                    let volume = (gains[part.index()] * 97.0).clamp(0.0, 127.0) as i32;
                    synthesizer.process_midi_message(channel, 0xb0, 7, volume);
                }
                Ok(Player::SoundFont { synthesizer: Box::new(synthesizer), left: Vec::new(), right: Vec::new() })
            }
        }
    }

    fn note_on(&mut self, part: Part, pitch: Pitch, velocity: u8) {
        match self {
            Player::Organ(organ) => organ.note_on(part, pitch, velocity),
            Player::SoundFont { synthesizer, .. } => {
                synthesizer.note_on(part.index() as i32, i32::from(pitch.midi()), i32::from(velocity));
            }
        }
    }

    fn note_off(&mut self, part: Part, pitch: Pitch) {
        match self {
            Player::Organ(organ) => organ.note_off(part, pitch),
            Player::SoundFont { synthesizer, .. } => {
                synthesizer.note_off(part.index() as i32, i32::from(pitch.midi()));
            }
        }
    }

    fn render(&mut self, stereo: &mut [f32]) {
        match self {
            Player::Organ(organ) => organ.render(stereo),
            Player::SoundFont { synthesizer, left, right } => {
                left.resize(stereo.len() / 2, 0.0);
                right.resize(stereo.len() / 2, 0.0);
                synthesizer.render(left, right);
                for ((frame, left), right) in stereo.chunks_exact_mut(2).zip(left.iter()).zip(right.iter()) {
                    frame.copy_from_slice(&[*left, *right]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use files::{Direction, Note};

    fn score(tempo: u32) -> Score {
        let note = |start, end, pitch| Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 90 };
        let parts = [vec![note(0, 480, 72), note(480, 960, 72)], vec![], vec![], vec![note(0, 960, 48)]];
        Score { ticks_per_quarter: 480, directions: vec![(0, Direction::Tempo(tempo))], parts, ..Score::default() }
    }

    #[test]
    fn a_score_lasts_as_long_as_its_tempo_says() {
        let bytes = write(&score(1_000_000), &Instrument::Organ, [1.0; 4]).unwrap();
        let reader = hound::WavReader::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(reader.duration(), SAMPLE_RATE * 4, "two quarters of a second and two seconds of room");
        let samples: Vec<i16> = reader.into_samples::<i16>().map(Result::unwrap).collect();
        let loudest = |from: f64, to: f64| {
            let at = |seconds: f64| 2 * (seconds * f64::from(SAMPLE_RATE)) as usize;
            samples[at(from)..at(to)].iter().map(|sample| sample.unsigned_abs()).max().unwrap()
        };
        assert!(loudest(0.1, 1.9) > 3_000 && loudest(3.8, 4.0) < 30);
        assert!(matches!(write(&score(0xff_ffff * 200), &Instrument::Organ, [1.0; 4]), Err(SoundError::TooLong(_))));
    }

    #[test]
    fn bytes_that_are_no_sound_font_are_refused() {
        assert!(matches!(Instrument::sound_font(b"RIFF....WAVE"), Err(SoundError::SoundFont(_))));
    }
}
