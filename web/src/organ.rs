//! The organ as an audio worklet plays it: block by block, channel by channel.

use chorale::Part;
use session::control::REGISTRATIONS;
use session::midi::controller;
use sound::{BlockSound, Instrument, Timbre};

/// Allocates in [`OrganBlock::new`] only.
pub struct OrganBlock {
    sound: BlockSound,
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
        let sound = BlockSound::new(instrument, OrganBlock::FRAMES);
        Some(OrganBlock { sound, planar: vec![0.0; 2 * OrganBlock::FRAMES] })
    }

    /// A message of two or three bytes; the part counts from the soprano, and of a part that isn't there nothing is heard.
    pub fn message(&mut self, part: u32, bytes: [u8; 3]) {
        if let Some(part) = part_of(part) {
            self.sound.unheard().message(part, &bytes);
        }
    }

    /// Draws the stops of a place in [`REGISTRATIONS`], for all parts.
    pub fn draw_stops(&mut self, place: u32) {
        let Some((_, stops)) = REGISTRATIONS.get(place as usize) else { return };
        for (part, status) in Part::ALL.into_iter().zip(0xb0..) {
            for (controller, value) in controller::STOPS.into_iter().zip(*stops) {
                self.sound.unheard().message(part, &[status, controller, value]);
            }
        }
    }

    pub fn set_gain(&mut self, part: u32, gain: f32) {
        if let Some(part) = part_of(part).filter(|_| (0.0..=4.0).contains(&gain)) {
            self.sound.unheard().set_gain(part, gain);
        }
    }

    /// `velocity` 1..=127.
    pub fn click(&mut self, velocity: u32) {
        self.sound.unheard().click(velocity.clamp(1, 127) as u8);
    }

    /// All left samples, then all right ones, of so many frames, [`OrganBlock::FRAMES`] at most.
    pub fn render(&mut self, frames: usize) -> &[f32] {
        let frames = frames.min(OrganBlock::FRAMES);
        self.sound.begin_block();
        self.sound.render_until(frames);
        let (left, right) = self.planar[..2 * frames].split_at_mut(frames);
        for ((frame, left), right) in self.sound.frames().zip(left).zip(right) {
            [*left, *right] = frame;
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
