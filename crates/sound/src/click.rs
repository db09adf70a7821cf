//! The click of the metronome: a knock on wood.

use std::f32::consts::TAU;

/// Loudness at full strength.
const LEVEL: f32 = 0.5;
/// Hertz of the softest knock, and how much higher the strongest is: an accent is heard as one.
const PITCH: (f32, f32) = (1100.0, 900.0);
/// The second partial of a bar of wood that is free at both ends (Fletcher & Rossing, The Physics of Musical Instruments,
/// 2.15), and its strength. It is gone twice as fast as the first.
const PARTIAL: (f32, f32) = (2.756, 0.3);
/// Seconds in which it gets weaker by a factor e.
const DECAY: f32 = 0.012;
/// Below this it is silent: -80 dB.
const SILENCE: f32 = 1e-4;

pub struct Click {
    sample_rate: f32,
    level: f32,
    /// In cycles of the first partial since the knock, and those of a sample.
    phase: f32,
    step: f32,
}

impl Click {
    /// `sample_rate` in hertz.
    pub fn new(sample_rate: f32) -> Click {
        Click { sample_rate, level: 0.0, phase: 0.0, step: 0.0 }
    }

    /// `velocity` 1..=127.
    pub fn strike(&mut self, velocity: u8) {
        let strength = f32::from(velocity.min(127)) / 127.0;
        self.level = LEVEL * strength;
        self.step = (PITCH.0 + PITCH.1 * strength) / self.sample_rate;
        self.phase = 0.0;
    }

    /// Adds what comes next to `stereo` (left, right, left, ...).
    pub fn render(&mut self, stereo: &mut [f32]) {
        let decay = (-1.0 / (DECAY * self.sample_rate)).exp();
        for frame in stereo.chunks_exact_mut(2) {
            if self.level < SILENCE {
                return;
            }
            let (ratio, strength) = PARTIAL;
            let second = strength * self.level / LEVEL * (TAU * self.phase * ratio).sin();
            let sample = self.level * ((TAU * self.phase).sin() + second);
            frame.iter_mut().for_each(|side| *side += sample);
            self.phase += self.step;
            self.level *= decay;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knock_begins_and_ends_without_a_jump_is_gone_in_an_eighth_of_a_second_and_stronger_is_higher() {
        let knock = |velocity: u8| {
            let mut click = Click::new(48_000.0);
            let mut sound = vec![0.0; 2 * 6000];
            click.strike(velocity);
            click.render(&mut sound);
            sound.into_iter().step_by(2).collect::<Vec<f32>>()
        };
        let crossings = |sound: &[f32]| sound[..1200].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        let (accent, other) = (knock(127), knock(72));
        assert!(crossings(&accent) > crossings(&other), "{} {}", crossings(&accent), crossings(&other));
        for sound in [accent, other] {
            let loudest = sound.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
            assert!((0.2..0.7).contains(&loudest), "{loudest}");
            assert!(sound.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.4));
            assert_eq!(sound[0], 0.0);
            assert!(sound[5800..].iter().all(|sample| *sample == 0.0));
        }
    }
}
