//! The organ as an audio worklet plays it: block by block, channel by channel.

use chorale::Part;
use sound::{Instrument, Timbre};

/// Allocates in [`OrganBlock::new`] only.
pub struct OrganBlock {
    instrument: Instrument,
    interleaved: Vec<f32>,
    planar: Vec<f32>,
}

impl OrganBlock {
    /// The most frames of a block; worklets have 128 today.
    pub const FRAMES: usize = 2048;

    /// `None` where no sound card has such a rate.
    pub fn new(rate: f32) -> Option<OrganBlock> {
        if !(3000.0..=768_000.0).contains(&rate) {
            return None;
        }
        let instrument = Instrument::new(&Timbre::Organ, rate as u32).ok()?;
        let silence = vec![0.0; 2 * OrganBlock::FRAMES];
        Some(OrganBlock { instrument, interleaved: silence.clone(), planar: silence })
    }

    /// A message of two or three bytes; the part counts from the soprano, and of a part that isn't there nothing is heard.
    pub fn message(&mut self, part: u32, bytes: [u8; 3]) {
        if let Some(part) = part_of(part) {
            self.instrument.message(part, &bytes);
        }
    }

    pub fn set_gain(&mut self, part: u32, gain: f32) {
        if let Some(part) = part_of(part).filter(|_| (0.0..=4.0).contains(&gain)) {
            self.instrument.set_gain(part, gain);
        }
    }

    /// `velocity` 1..=127.
    pub fn click(&mut self, velocity: u32) {
        self.instrument.click(velocity.clamp(1, 127) as u8);
    }

    /// All left samples, then all right ones, of so many frames, [`OrganBlock::FRAMES`] at most.
    pub fn render(&mut self, frames: usize) -> &[f32] {
        let frames = frames.min(OrganBlock::FRAMES);
        let interleaved = &mut self.interleaved[..2 * frames];
        self.instrument.render(interleaved);
        let (left, right) = self.planar[..2 * frames].split_at_mut(frames);
        for ((frame, left), right) in interleaved.chunks_exact(2).zip(left).zip(right) {
            (*left, *right) = (frame[0], frame[1]);
        }
        &self.planar[..2 * frames]
    }
}

fn part_of(index: u32) -> Option<Part> {
    Part::ALL.get(index as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_heard_in_both_channels_until_its_part_is_turned_down() {
        let mut organ = OrganBlock::new(48_000.0).unwrap();
        organ.message(0, [0x90, 72, 90]);
        organ.message(9, [0x90, 72, 90]);
        let loudest = |samples: &[f32]| samples.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
        for _ in 0..40 {
            organ.render(128);
        }
        let (left, right) = organ.render(128).split_at(128);
        assert!(loudest(left) > 0.01 && loudest(right) > 0.01);
        organ.set_gain(0, 0.0);
        for _ in 0..2000 {
            organ.render(128);
        }
        assert!(loudest(organ.render(128)) < 1e-3);
        assert!(OrganBlock::new(f32::NAN).is_none() && OrganBlock::new(1.0).is_none());
    }
}
