//! What plays, live and for WAV files alike: the organ or a SoundFont, as loud in one as in the other.

use std::io::Cursor;
use std::sync::Arc;

use chorale::{Part, Pitch};
use files::Program;
use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};
use thiserror::Error;

use crate::click::Click;
use crate::organ::Organ;

/// With it a General MIDI choir (that of TimGM6mb) is as loud as the organ.
const MASTER_VOLUME: f32 = 1.05;

/// MIDI's volume (controller 7) of a part whose gain is 1; rustysynth's own is 100.
const CHANNEL_VOLUME: f32 = 97.0;

/// From here on loud sounds are rounded off: nothing is ever above 1.
const KNEE: f32 = 0.75;

/// Frames that a SoundFont renders at once, so that [`Instrument::render`] need not allocate.
const BLOCK: usize = 256;

/// Why there is no sound.
#[derive(Debug, Error)]
pub enum SoundError {
    #[error("the piece lasts {0:.0} minutes at its tempo; more than an hour is not rendered")]
    TooLong(f64),
    #[error("not a SoundFont that can be used: {0}")]
    SoundFont(String),
}

/// Which sound the parts have.
#[derive(Clone)]
pub enum Timbre {
    Organ,
    SoundFont(Arc<SoundFont>),
}

impl Timbre {
    /// The sounds in the bytes of a SoundFont 2 file (.sf2).
    ///
    /// # Errors
    /// Where they are none.
    pub fn sound_font(bytes: &[u8]) -> Result<Timbre, SoundError> {
        let font = SoundFont::new(&mut Cursor::new(bytes));
        let font = font.map_err(|error| SoundError::SoundFont(error.to_string()))?;
        Ok(Timbre::SoundFont(Arc::new(font)))
    }
}

/// Plays four parts. Allocates in [`Instrument::new`] only: all else can be called in an audio callback.
pub struct Instrument {
    synth: Synth,
    click: Click,
}

enum Synth {
    Organ(Box<Organ>),
    /// With two buffers, left and right.
    SoundFont(Box<Synthesizer>, Box<[[f32; BLOCK]; 2]>),
}

impl Instrument {
    /// `sample_rate` in hertz. May take a second for a large SoundFont, whose channels all begin with the choir.
    ///
    /// # Errors
    /// Where a SoundFont cannot be played at this rate.
    pub fn new(timbre: &Timbre, sample_rate: u32) -> Result<Instrument, SoundError> {
        let click = Click::new(sample_rate as f32);
        let Timbre::SoundFont(font) = timbre else {
            return Ok(Instrument { synth: Synth::Organ(Box::new(Organ::new(sample_rate as f32))), click });
        };
        let settings = SynthesizerSettings::new(sample_rate as i32);
        let synthesizer = Synthesizer::new(font, &settings);
        let mut synthesizer = synthesizer.map_err(|error| SoundError::SoundFont(error.to_string()))?;
        synthesizer.set_master_volume(MASTER_VOLUME);
        for channel in 0..16 {
            synthesizer.process_midi_message(channel, 0xc0, i32::from(Program::CHOIR.midi()), 0);
            set_volume(&mut synthesizer, channel, 1.0);
        }
        Ok(Instrument { synth: Synth::SoundFont(Box::new(synthesizer), Box::new([[0.0; BLOCK]; 2])), click })
    }

    /// How loud a part is; 1 is usual. Of a SoundFont the channel of [`Instrument::note_on`] is meant.
    pub fn set_gain(&mut self, part: Part, gain: f32) {
        match &mut self.synth {
            Synth::Organ(organ) => organ.set_gain(part, gain),
            Synth::SoundFont(synthesizer, _) => set_volume(synthesizer, part.index() as i32, gain),
        }
    }

    /// On channels 1 to 4 of a SoundFont, from the soprano down.
    pub fn note_on(&mut self, part: Part, pitch: Pitch, velocity: u8) {
        match &mut self.synth {
            Synth::Organ(organ) => organ.note_on(part, pitch, velocity),
            Synth::SoundFont(synthesizer, _) => {
                synthesizer.note_on(part.index() as i32, i32::from(pitch.midi()), i32::from(softened(velocity)));
            }
        }
    }

    pub fn note_off(&mut self, part: Part, pitch: Pitch) {
        match &mut self.synth {
            Synth::Organ(organ) => organ.note_off(part, pitch),
            Synth::SoundFont(synthesizer, _) => {
                synthesizer.note_off(part.index() as i32, i32::from(pitch.midi()));
            }
        }
    }

    /// A MIDI message for a part, of two or three bytes. The organ takes notes, bends and the controllers of
    /// [`Organ::controller`]; a SoundFont takes everything, on the channel that the message names.
    pub fn message(&mut self, part: Part, bytes: &[u8]) {
        let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let (status, data) = (at(0), [at(1), at(2)]);
        match &mut self.synth {
            Synth::Organ(organ) => organ_message(organ, part, status & 0xf0, data),
            Synth::SoundFont(synthesizer, _) => {
                let value = if status & 0xf0 == 0x90 { softened(data[1]) } else { data[1] };
                synthesizer.process_midi_message(
                    i32::from(status & 0x0f),
                    i32::from(status & 0xf0),
                    i32::from(data[0]),
                    i32::from(value),
                );
            }
        }
    }

    /// The metronome's click, which is the same whatever the parts sound like. `velocity` 1..=127.
    pub fn click(&mut self, velocity: u8) {
        self.click.strike(velocity);
    }

    /// Fills `stereo` (left, right, left, ...) with what comes next.
    pub fn render(&mut self, stereo: &mut [f32]) {
        match &mut self.synth {
            Synth::Organ(organ) => organ.render(stereo),
            Synth::SoundFont(synthesizer, buffers) => {
                for piece in stereo.chunks_mut(2 * BLOCK) {
                    let frames = piece.len() / 2;
                    let [left, right] = buffers.as_mut();
                    synthesizer.render(&mut left[..frames], &mut right[..frames]);
                    for (frame, (left, right)) in piece.chunks_exact_mut(2).zip(left.iter().zip(right.iter())) {
                        frame.copy_from_slice(&[*left, *right]);
                    }
                }
            }
        }
        self.click.render(stereo);
        stereo.iter_mut().for_each(|sample| *sample = rounded(*sample));
    }
}

fn set_volume(synthesizer: &mut Synthesizer, channel: i32, gain: f32) {
    let volume = (gain * CHANNEL_VOLUME).clamp(0.0, 127.0) as i32;
    synthesizer.process_midi_message(channel, 0xb0, 7, volume);
}

fn organ_message(organ: &mut Organ, part: Part, kind: u8, [data, value]: [u8; 2]) {
    match (kind, Pitch::new(data)) {
        (0x90, Some(pitch)) if value > 0 => organ.note_on(part, pitch, value),
        (0x90 | 0x80, Some(pitch)) => organ.note_off(part, pitch),
        (0xb0, _) => organ.controller(part, data, value),
        (0xe0, _) => organ.bend(part, u16::from(data & 0x7f) | u16::from(value & 0x7f) << 7),
        _ => {}
    }
}

/// A SoundFont's loudness goes by the square of the velocity; with this it is proportional, as the organ's is.
fn softened(velocity: u8) -> u8 {
    (f32::from(velocity.min(127)) * 127.0).sqrt().round() as u8
}

/// Below the knee as it is; above it bent towards 1, without a corner.
fn rounded(sample: f32) -> f32 {
    let above = sample.abs() - KNEE;
    if above <= 0.0 { sample } else { (KNEE + (1.0 - KNEE) * (above / (1.0 - KNEE)).tanh()).copysign(sample) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_sound_font_are_refused() {
        assert!(matches!(Timbre::sound_font(b"RIFF....WAVE"), Err(SoundError::SoundFont(_))));
    }

    #[test]
    fn however_much_sounds_no_sample_is_above_one_and_four_parts_are_hardly_bent() {
        let mut instrument = Instrument::new(&Timbre::Organ, 44_100).unwrap();
        let mut loudest = |notes: &[u8], stops: u8| {
            for part in Part::ALL {
                (80..84).for_each(|stop| instrument.message(part, &[0xb0, stop, stops]));
                notes.iter().for_each(|&key| instrument.message(part, &[0x90, key + 5 * part.index() as u8, 127]));
            }
            let mut sound = vec![0.0; 2 * 44_100];
            instrument.render(&mut sound);
            sound.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()))
        };
        let four = loudest(&[55], 64);
        assert!((0.3..0.95).contains(&four), "{four}");
        let many = loudest(&[36, 40, 43, 48, 52, 60], 127);
        assert!((0.9..=1.0).contains(&many), "{many}");
        assert!((rounded(KNEE + 1e-3) - KNEE - 1e-3).abs() < 1e-4 && rounded(-9.0) >= -1.0 && rounded(0.5) == 0.5);
    }

    #[test]
    fn a_softened_velocity_squared_is_the_velocity() {
        for velocity in 0..=127u8 {
            let squared = f32::from(softened(velocity)).powi(2) / 127.0;
            assert!((squared - f32::from(velocity)).abs() < 1.0, "{velocity}: {squared}");
        }
    }
}
