//! A part's division of the organ: its stops, its swell box, its wind, and where it stands.

use std::f32::consts::TAU;

use super::smooth::Smooth;
use super::stops::{DRAWN, STOPS};

/// Seconds in which what a controller moves has gone most of its way.
const GLIDE: f32 = 0.015;
/// Semitones of a whole pitch bend.
const BEND: f32 = 2.0;
/// MIDI's volume (controller 7) of an instrument that was told none; the others are to it as the square of their value
/// (General MIDI 1).
const VOLUME: f32 = 100.0;
/// What the closed swell box leaves of the sound, and of its frequencies in hertz.
const CLOSED: f32 = 0.04;
const CLOSED_CUTOFF: f32 = 500.0;
const OPEN_CUTOFF: f32 = 20_000.0;
/// How far the tremulant takes loudness and pitch up and down, of 1.
const TREMBLE: f32 = 0.18;
const TREMBLE_PITCH: f32 = 0.005;

/// Samples that are worked out at once.
pub const BLOCK: usize = 64;

/// The values of one block, sample by sample.
pub struct Moves {
    pub stops: [[f32; BLOCK]; STOPS],
    /// By which frequencies are multiplied.
    pub pitch: [f32; BLOCK],
    loudness: [f32; BLOCK],
    opening: [f32; BLOCK],
}

impl Moves {
    pub fn new() -> Moves {
        Moves { stops: [[0.0; BLOCK]; STOPS], pitch: [0.0; BLOCK], loudness: [0.0; BLOCK], opening: [0.0; BLOCK] }
    }
}

#[derive(Clone)]
pub struct Division {
    /// Left and right.
    place: [f32; 2],
    /// The share of its way that a moved value makes in one sample.
    rate: f32,
    sample_rate: f32,
    part_gain: f32,
    volume: f32,
    swell: f32,
    stops: [Smooth; STOPS],
    bend: Smooth,
    tremulant: Smooth,
    gain: Smooth,
    /// Coefficient of the low-pass filter that is the swell box; 1 lets everything through.
    opening: Smooth,
    filtered: f32,
}

impl Division {
    /// `place`: from left (-1) to right (1).
    pub fn new(place: f32, sample_rate: f32) -> Division {
        let angle = (place + 1.0) * TAU / 8.0;
        Division {
            place: [angle.cos(), angle.sin()],
            rate: 1.0 - (-1.0 / (GLIDE * sample_rate)).exp(),
            sample_rate,
            part_gain: 1.0,
            volume: 1.0,
            swell: 1.0,
            stops: DRAWN.map(Smooth::at),
            bend: Smooth::at(1.0),
            tremulant: Smooth::at(0.0),
            gain: Smooth::at(1.0),
            opening: Smooth::at(1.0),
            filtered: 0.0,
        }
    }

    /// How loud the part is, whatever MIDI says; 1 is usual.
    pub fn set_part_gain(&mut self, gain: f32) {
        self.part_gain = gain;
        self.gain.goal = self.gain();
    }

    /// Controller 7.
    pub fn set_volume(&mut self, value: u8) {
        self.volume = (f32::from(value) / VOLUME).powi(2);
        self.gain.goal = self.gain();
    }

    /// Controller 11: the swell box, which makes the sound darker as it closes.
    pub fn set_swell(&mut self, value: u8) {
        let open = f32::from(value) / 127.0;
        self.swell = CLOSED + (1.0 - CLOSED) * open * open;
        self.gain.goal = self.gain();
        let cutoff = CLOSED_CUTOFF * (OPEN_CUTOFF / CLOSED_CUTOFF).powf(open);
        self.opening.goal = if value == 127 { 1.0 } else { 1.0 - (-TAU * cutoff / self.sample_rate).exp() };
    }

    /// How far a stop is drawn.
    pub fn draw_stop(&mut self, stop: usize, value: u8) {
        if let Some(stop) = self.stops.get_mut(stop) {
            stop.goal = f32::from(value) / 127.0;
        }
    }

    /// Controller 1: the tremulant.
    pub fn set_tremulant(&mut self, value: u8) {
        self.tremulant.goal = f32::from(value) / 127.0;
    }

    /// 0..=16383, 8192 for none.
    pub fn bend(&mut self, bend: u16) {
        let semitones = BEND * (f32::from(bend) - 8192.0) / 8192.0;
        self.bend.goal = 2f32.powf(semitones / 12.0);
    }

    /// What the reset of all controllers resets (MIDI RP-015): volume and stops stay.
    pub fn reset_controllers(&mut self) {
        self.set_swell(127);
        self.set_tremulant(0);
        self.bend.goal = 1.0;
    }

    fn gain(&self) -> f32 {
        self.part_gain * self.volume * self.swell
    }

    /// Whether a stop sounds now or is about to.
    pub fn is_drawn(&self, stop: usize) -> bool {
        !self.stops[stop].is_zero()
    }

    /// The values of the next samples, one for each of `wind`: the tremulant's swing, from -1 to 1.
    pub fn fill(&mut self, moves: &mut Moves, wind: &[f32]) {
        let frames = wind.len();
        for (stop, values) in self.stops.iter_mut().zip(&mut moves.stops) {
            stop.fill(&mut values[..frames], self.rate);
        }
        self.bend.fill(&mut moves.pitch[..frames], self.rate);
        self.gain.fill(&mut moves.loudness[..frames], self.rate);
        self.opening.fill(&mut moves.opening[..frames], self.rate);
        if !self.tremulant.is_zero() {
            let mut depth = [0.0; BLOCK];
            self.tremulant.fill(&mut depth[..frames], self.rate);
            for (frame, (depth, swing)) in depth.iter().zip(wind).enumerate() {
                moves.pitch[frame] *= 1.0 + TREMBLE_PITCH * depth * swing;
                moves.loudness[frame] *= 1.0 + TREMBLE * depth * swing;
            }
        }
    }

    /// Lets the pipes' sound through the swell box into the church.
    pub fn mix(&mut self, pipes: &[f32], moves: &Moves, stereo: &mut [f32]) {
        let moves = moves.opening.iter().zip(&moves.loudness);
        for ((frame, sample), (opening, loudness)) in stereo.chunks_exact_mut(2).zip(pipes).zip(moves) {
            self.filtered += opening * (sample - self.filtered);
            frame[0] += self.filtered * loudness * self.place[0];
            frame[1] += self.filtered * loudness * self.place[1];
        }
    }
}
