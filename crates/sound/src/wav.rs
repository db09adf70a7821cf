//! A score as sound: 16-bit stereo WAV, by the built-in organ or a SoundFont.

use std::io::Cursor;

use chorale::Part;
use files::{Grid, Program, Score};

use crate::instrument::{Instrument, SoundError, Timbre};
use crate::performance::{Event, Performance};

pub const SAMPLE_RATE: u32 = 44_100;

/// A WAV file holds 4 GiB, six hours; no piece for four parts takes one.
const MAX_SECONDS: f64 = 3_600.0;

/// The room goes on sounding.
const TAIL_SECONDS: f64 = 2.0;

/// The bytes of a WAV file.
///
/// # Errors
/// Where the piece lasts longer than an hour.
pub fn write(score: &Score, timbre: &Timbre) -> Result<Vec<u8>, SoundError> {
    file(&Performance::plain(score), score.program, timbre)
}

/// The same to learn a part by: with the parts' starting pitches, a counted bar, that part in the foreground, and fermatas held.
///
/// # Errors
/// As there.
pub fn rehearsal(score: &Score, grid: &Grid, timbre: &Timbre, part: Part) -> Result<Vec<u8>, SoundError> {
    file(&Performance::to_rehearse(score, grid, part), score.program, timbre)
}

fn file(performance: &Performance, program: Program, timbre: &Timbre) -> Result<Vec<u8>, SoundError> {
    let samples = render(performance, program, timbre)?;
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
fn render(performance: &Performance, program: Program, timbre: &Timbre) -> Result<Vec<f32>, SoundError> {
    let Performance { events, seconds, gains } = performance;
    if *seconds > MAX_SECONDS {
        return Err(SoundError::TooLong(seconds / 60.0));
    }
    let frame = |seconds: f64| (seconds * f64::from(SAMPLE_RATE)).round() as usize;
    let mut events: Vec<(usize, Event)> = events.iter().map(|(at, event)| (frame(*at), *event)).collect();
    events.sort_unstable();
    let mut instrument = Instrument::new(timbre, SAMPLE_RATE)?;
    for part in Part::ALL {
        instrument.message(part, &[0xc0 | part.index() as u8, program.midi()]);
        instrument.set_gain(part, gains[part.index()]);
    }
    let mut samples = vec![0.0; 2 * frame(seconds + TAIL_SECONDS)];
    let mut now = 0;
    for (at, event) in events {
        instrument.render(&mut samples[2 * now..2 * at]);
        now = at;
        match event {
            Event::Begin(part, pitch, velocity) => instrument.note_on(part, pitch, velocity),
            Event::End(part, pitch) => instrument.note_off(part, pitch),
            Event::Click(velocity) => instrument.click(velocity),
        }
    }
    instrument.render(&mut samples[2 * now..]);
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use chorale::Pitch;
    use files::{Direction, Note};

    use super::*;

    fn score(tempo: u32) -> Score {
        let note = |start, end, pitch| Note { start, end, pitch: Pitch::new(pitch).unwrap(), velocity: 90 };
        let parts = [vec![note(0, 480, 72), note(480, 960, 72)], vec![], vec![], vec![note(0, 960, 48)]];
        Score { ticks_per_quarter: 480, directions: vec![(0, Direction::Tempo(tempo))], parts, ..Score::default() }
    }

    #[test]
    fn a_score_lasts_as_long_as_its_tempo_says() {
        let bytes = write(&score(1_000_000), &Timbre::Organ).unwrap();
        let reader = hound::WavReader::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(reader.duration(), SAMPLE_RATE * 4, "two quarters of a second and two seconds of room");
        let samples: Vec<i16> = reader.into_samples::<i16>().map(Result::unwrap).collect();
        let loudest = |from: f64, to: f64| {
            let at = |seconds: f64| 2 * (seconds * f64::from(SAMPLE_RATE)) as usize;
            samples[at(from)..at(to)].iter().map(|sample| sample.unsigned_abs()).max().unwrap()
        };
        assert!(loudest(0.1, 1.9) > 3_000 && loudest(3.8, 4.0) < 30);
        assert!(matches!(write(&score(0xff_ffff * 200), &Timbre::Organ), Err(SoundError::TooLong(_))));
    }
}
