//! A small pipe organ in a small church: the built-in instrument, live and for WAV files.

use std::f32::consts::TAU;

use chorale::{Part, Pitch};

/// Notes that can sound at once, those that fade out included.
const VOICES: usize = 24;

/// Strength of each harmonic, the first included: an eight-foot principal with a soft octave and twelfth.
const REGISTRATION: [f32; 10] = [1.0, 0.5, 0.28, 0.22, 0.08, 0.1, 0.03, 0.05, 0.02, 0.02];

/// Samples of one cycle.
const TABLE: usize = 2048;

/// Seconds in which a pipe speaks, and in which it falls silent.
const ATTACK: f32 = 0.03;
const RELEASE: f32 = 0.12;

/// Below this a voice is silent: -80 dB.
const SILENCE: f32 = 1e-4;

/// Where the parts stand, from left (-1) to right (1).
const PLACES: [f32; 4] = [-0.45, 0.35, -0.2, 0.3];

/// The loudness of one part at full velocity; four of them with the room stay below 1.
const LEVEL: f32 = 0.16;

/// How much of the sound comes back from the walls.
const ROOM: f32 = 0.28;

/// Allocates in [`Organ::new`] only: all else can be called in an audio callback.
#[derive(Clone)]
pub struct Organ {
    sample_rate: f32,
    /// One cycle for each octave of fundamentals, with the harmonics that stay below half the sample rate.
    tables: Vec<[f32; TABLE + 1]>,
    voices: [Voice; VOICES],
    gains: [f32; 4],
    room: Room,
}

#[derive(Clone, Copy, Default)]
struct Voice {
    pitch: u8,
    part: usize,
    table: usize,
    /// In cycles, 0..1.
    phase: f32,
    step: f32,
    level: f32,
    target: f32,
    is_held: bool,
}

impl Organ {
    /// `sample_rate` in hertz.
    pub fn new(sample_rate: f32) -> Organ {
        let tables = (0..11).map(|octave| table(highest_of(octave), sample_rate)).collect();
        Organ { sample_rate, tables, voices: Default::default(), gains: [1.0; 4], room: Room::new(sample_rate) }
    }

    /// Ends all sound at once.
    pub fn reset(&mut self) {
        self.voices = Default::default();
        self.room.reset();
    }

    /// How loud a part is; 1 is usual.
    pub fn set_gain(&mut self, part: Part, gain: f32) {
        self.gains[part.index()] = gain;
    }

    /// `velocity` 1..=127. A pitch that the part sounds already is struck again.
    pub fn note_on(&mut self, part: Part, pitch: Pitch, velocity: u8) {
        self.note_off(part, pitch);
        // The quietest voice gives way when all are taken.
        let quietest = self.voices.iter_mut().min_by(|a, b| a.level.total_cmp(&b.level));
        let Some(voice) = quietest else { return };
        let frequency = 440.0 * 2f32.powf((f32::from(pitch.midi()) - 69.0) / 12.0);
        // An organ knows no velocity; a third of it is enough to hear who played softly.
        let target = LEVEL * (0.7 + 0.3 * f32::from(velocity.min(127)) / 127.0);
        *voice = Voice {
            pitch: pitch.midi(),
            part: part.index(),
            table: usize::from(pitch.midi() / 12).min(self.tables.len() - 1),
            phase: 0.0,
            step: frequency / self.sample_rate,
            level: SILENCE,
            target,
            is_held: true,
        };
    }

    pub fn note_off(&mut self, part: Part, pitch: Pitch) {
        for voice in &mut self.voices {
            if voice.is_held && voice.part == part.index() && voice.pitch == pitch.midi() {
                voice.is_held = false;
            }
        }
    }

    pub fn all_notes_off(&mut self) {
        self.voices.iter_mut().for_each(|voice| voice.is_held = false);
    }

    /// Fills `stereo` (left, right, left, ...) with what comes next.
    pub fn render(&mut self, stereo: &mut [f32]) {
        let rise = 1.0 - (-1.0 / (ATTACK / 3.0 * self.sample_rate)).exp();
        let fall = (-1.0 / (RELEASE / 3.0 * self.sample_rate)).exp();
        stereo.fill(0.0);
        for voice in self.voices.iter_mut().filter(|voice| voice.level >= SILENCE) {
            let table = &self.tables[voice.table];
            let gain = self.gains[voice.part];
            let angle = (PLACES[voice.part] + 1.0) * TAU / 8.0;
            let (left, right) = (gain * angle.cos(), gain * angle.sin());
            for frame in stereo.chunks_exact_mut(2) {
                if voice.is_held {
                    voice.level += (voice.target - voice.level) * rise;
                } else {
                    voice.level *= fall;
                    if voice.level < SILENCE {
                        voice.level = 0.0;
                        break;
                    }
                }
                let place = voice.phase * TABLE as f32;
                // `phase` is below 1; rounding may bring the product to TABLE, where the table has one more entry.
                let index = (place as usize).min(TABLE - 1);
                let between = place - index as f32;
                let sample = (table[index] + (table[index + 1] - table[index]) * between) * voice.level;
                voice.phase += voice.step;
                voice.phase -= voice.phase.floor();
                frame[0] += sample * left;
                frame[1] += sample * right;
            }
        }
        self.room.render(stereo);
    }
}

/// In hertz, of the pitches `12 * octave` to `12 * octave + 11`.
fn highest_of(octave: u8) -> f32 {
    440.0 * 2f32.powf((12.0 * f32::from(octave) + 11.0 - 69.0) / 12.0)
}

fn table(highest: f32, sample_rate: f32) -> [f32; TABLE + 1] {
    let sum: f32 = REGISTRATION.iter().sum();
    let mut table = [0.0; TABLE + 1];
    for (index, strength) in REGISTRATION.iter().enumerate() {
        let harmonic = (index + 1) as f32;
        if harmonic * highest >= sample_rate / 2.0 {
            break;
        }
        for (place, sample) in table.iter_mut().enumerate() {
            // The last entry repeats the first, for the interpolation.
            let phase = (place % TABLE) as f32 / TABLE as f32;
            // Harmonics that begin at different places keep the peak low.
            *sample += strength / sum * 1.6 * (TAU * (harmonic * phase + 0.31 * harmonic * harmonic)).sin();
        }
    }
    table
}

/// Reverberation by a feedback delay network (J.-M. Jot and A. Chaigne, Digital delay networks for designing artificial
/// reverberators, AES 1991): four delays that feed each other through a matrix that keeps the energy.
#[derive(Clone)]
struct Room {
    delays: [Vec<f32>; 4],
    places: [usize; 4],
    /// Walls swallow the high tones.
    damped: [f32; 4],
    feedback: f32,
}

impl Room {
    fn new(sample_rate: f32) -> Room {
        // Lengths without common divisors, in samples at 44.1 kHz: 34 to 54 ms.
        let delays = [1499.0, 1789.0, 2063.0, 2383.0]
            .map(|length: f32| vec![0.0; ((length * sample_rate / 44_100.0) as usize).max(1)]);
        // Decay by 60 dB in 1.6 seconds.
        let mean = 1933.0 / 44_100.0;
        Room { delays, places: [0; 4], damped: [0.0; 4], feedback: 10f32.powf(-3.0 * mean / 1.6) }
    }

    fn reset(&mut self) {
        self.delays.iter_mut().for_each(|delay| delay.fill(0.0));
        self.damped = [0.0; 4];
    }

    fn render(&mut self, stereo: &mut [f32]) {
        for frame in stereo.chunks_exact_mut(2) {
            let mut heard = [0.0; 4];
            for (index, delay) in self.delays.iter().enumerate() {
                let out = delay[self.places[index]];
                self.damped[index] += 0.6 * (out - self.damped[index]);
                heard[index] = self.damped[index];
            }
            // A Householder reflection, x - 2/N sum(x) for N delays: each gets all of them.
            let reflection = heard.iter().sum::<f32>() * 0.5;
            let dry = [frame[0], frame[1], frame[0], frame[1]];
            for (index, delay) in self.delays.iter_mut().enumerate() {
                let back = (heard[index] - reflection) * self.feedback;
                // Numbers too small to hear cost some processors much time.
                delay[self.places[index]] = if back.abs() < 1e-15 { dry[index] } else { dry[index] + back };
                self.places[index] = (self.places[index] + 1) % delay.len();
            }
            frame[0] += ROOM * (heard[0] + heard[2]);
            frame[1] += ROOM * (heard[1] + heard[3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: f32 = 44_100.0;

    fn pitch(midi: u8) -> Pitch {
        Pitch::new(midi).unwrap()
    }

    fn render(organ: &mut Organ, seconds: f32) -> Vec<f32> {
        let mut stereo = vec![0.0; 2 * (seconds * RATE) as usize];
        organ.render(&mut stereo);
        stereo
    }

    fn loudest(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |loudest, sample| loudest.max(sample.abs()))
    }

    /// The strength of a frequency in the left channel (Goertzel).
    fn strength(stereo: &[f32], frequency: f32) -> f32 {
        let (mut real, mut imaginary, mut count) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (index, frame) in stereo.chunks_exact(2).enumerate() {
            let angle = f64::from(TAU * frequency / RATE) * index as f64;
            real += f64::from(frame[0]) * angle.cos();
            imaginary += f64::from(frame[0]) * angle.sin();
            count += 1.0;
        }
        (real.hypot(imaginary) / count) as f32
    }

    #[test]
    fn a_note_sounds_at_its_pitch_and_falls_silent_after_its_end() {
        let mut organ = Organ::new(RATE);
        assert_eq!(loudest(&render(&mut organ, 0.1)), 0.0);
        organ.note_on(Part::Alto, pitch(69), 100);
        let sound = render(&mut organ, 1.0);
        let (at, beside) = (strength(&sound, 440.0), strength(&sound, 466.16));
        assert!(at > 20.0 * beside, "{at} at A4, {beside} a semitone above");
        organ.note_off(Part::Alto, pitch(69));
        render(&mut organ, 4.0);
        let left = loudest(&render(&mut organ, 0.1));
        assert!(left < 1e-3, "{left} is left after four seconds");
    }

    #[test]
    fn four_parts_at_full_velocity_stay_within_the_range_of_samples() {
        let mut organ = Organ::new(RATE);
        for (part, midi) in Part::ALL.into_iter().zip([72, 67, 64, 48]) {
            organ.note_on(part, pitch(midi), 127);
        }
        let loudest = loudest(&render(&mut organ, 5.0));
        assert!((0.2..1.0).contains(&loudest), "{loudest}");
    }

    #[test]
    fn a_part_turned_down_is_quieter() {
        let level = |gain: f32| {
            let mut organ = Organ::new(RATE);
            organ.set_gain(Part::Bass, gain);
            organ.note_on(Part::Bass, pitch(48), 100);
            loudest(&render(&mut organ, 0.5))
        };
        assert!((level(0.25) / level(1.0) - 0.25).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn what_is_played_does_not_depend_on_the_size_of_the_blocks(
            notes in prop::collection::vec((0usize..4, 0u8..=127, 1u8..=127), 1..40),
            block in 1usize..500,
        ) {
            let play = |block: usize| {
                let mut organ = Organ::new(RATE);
                notes.iter().for_each(|&(part, midi, velocity)| organ.note_on(Part::ALL[part], pitch(midi), velocity));
                let mut samples = vec![0.0; 2 * 1000];
                samples.chunks_mut(2 * block).for_each(|chunk| organ.render(chunk));
                samples
            };
            let (whole, pieces) = (play(1000), play(block));
            prop_assert!(whole.iter().all(|sample| sample.is_finite()));
            // Voices are added in the same order, so that not even rounding differs.
            prop_assert_eq!(whole, pieces);
        }
    }
}
