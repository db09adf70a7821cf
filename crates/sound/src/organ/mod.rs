//! A small pipe organ in a small church: the built-in instrument, live and for WAV files.

mod division;
mod room;
mod smooth;
mod stops;
#[cfg(test)]
mod tests;

use std::f32::consts::TAU;

use chorale::{Part, Pitch};

use division::{BLOCK, Division, Moves};
use room::Room;
use stops::{RANKS, STOPS, TABLE, Tables};

/// Notes that can sound at once, those that fade out included.
const VOICES: usize = 24;

/// Seconds in which the wind reaches a pipe, and in which it leaves it.
const ATTACK: f32 = 0.03;
const RELEASE: f32 = 0.12;

/// Below this a voice is silent: -80 dB.
const SILENCE: f32 = 1e-4;

/// Where the parts stand, from left (-1) to right (1).
const PLACES: [f32; 4] = [-0.45, 0.35, -0.2, 0.3];

/// The loudness of one part at full velocity.
const LEVEL: f32 = 0.19;

/// Cents by which a pipe may be out of tune.
const TUNING: f32 = 1.0;

/// Hertz of the tremulant.
const TREMULANT: f32 = 6.0;

/// Controllers that draw stops (general purpose 5 to 8): 8', 4', 2' and mixture.
const FIRST_STOP: u8 = 80;

/// Allocates in [`Organ::new`] only: all else can be called in an audio callback.
#[derive(Clone)]
pub struct Organ {
    sample_rate: f32,
    tables: Tables,
    voices: [Voice; VOICES],
    /// Soprano to bass.
    divisions: [Division; 4],
    /// Frames since the tremulant's last beginning, and between two.
    wind: usize,
    wind_period: usize,
    room: Room,
}

#[derive(Clone, Copy, Default)]
struct Voice {
    pitch: u8,
    part: usize,
    /// One for each stop.
    pipes: [Pipe; STOPS],
    level: f32,
    target: f32,
    is_held: bool,
}

#[derive(Clone, Copy, Default)]
struct Pipe {
    /// In cycles, 0..1.
    phase: f32,
    step: f32,
    /// How far it speaks, 0..1, and the share of the rest that a sample brings.
    speech: f32,
    speaks: f32,
}

impl Organ {
    /// `sample_rate` in hertz.
    pub fn new(sample_rate: f32) -> Organ {
        Organ {
            sample_rate,
            tables: Tables::new(sample_rate),
            voices: Default::default(),
            divisions: PLACES.map(|place| Division::new(place, sample_rate)),
            wind: 0,
            wind_period: (sample_rate / TREMULANT).max(1.0) as usize,
            room: Room::new(sample_rate),
        }
    }

    /// Ends all sound at once. What controllers have set stays.
    pub fn reset(&mut self) {
        self.voices = Default::default();
        self.room.reset();
    }

    /// How loud a part is, whatever MIDI says; 1 is usual.
    pub fn set_gain(&mut self, part: Part, gain: f32) {
        self.divisions[part.index()].set_part_gain(gain);
    }

    /// `velocity` 1..=127, to which the loudness is proportional. A pitch that the part sounds already is struck again.
    pub fn note_on(&mut self, part: Part, pitch: Pitch, velocity: u8) {
        self.note_off(part, pitch);
        // The quietest voice gives way when all are taken.
        let quietest = self.voices.iter_mut().min_by(|a, b| a.level.total_cmp(&b.level));
        let Some(voice) = quietest else { return };
        *voice = Voice {
            pitch: pitch.midi(),
            part: part.index(),
            pipes: std::array::from_fn(|stop| pipe(stop, pitch.midi(), self.sample_rate)),
            level: SILENCE,
            target: LEVEL * f32::from(velocity.min(127)) / 127.0,
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

    /// A MIDI controller of a part: 1 tremulant, 7 volume, 11 swell, 80 to 83 the stops 8', 4', 2' and mixture.
    pub fn controller(&mut self, part: Part, controller: u8, value: u8) {
        let division = &mut self.divisions[part.index()];
        match controller {
            1 => division.set_tremulant(value),
            7 => division.set_volume(value),
            11 => division.set_swell(value),
            FIRST_STOP..=83 => division.draw_stop(usize::from(controller - FIRST_STOP), value),
            121 => division.reset_controllers(),
            // Every part sends them; the first one ends all sound.
            120 | 123 => self.all_notes_off(),
            _ => {}
        }
    }

    /// 0..=16383, 8192 for none.
    pub fn bend(&mut self, part: Part, bend: u16) {
        self.divisions[part.index()].bend(bend);
    }

    /// Fills `stereo` (left, right, left, ...) with what comes next.
    pub fn render(&mut self, stereo: &mut [f32]) {
        stereo.fill(0.0);
        let mut moves = Moves::new();
        for block in stereo.chunks_mut(2 * BLOCK) {
            let wind = self.next_wind();
            let wind = &wind[..block.len() / 2];
            self.wind = (self.wind + wind.len()) % self.wind_period;
            for (part, division) in self.divisions.iter_mut().enumerate() {
                let is_drawn: [bool; STOPS] = std::array::from_fn(|stop| division.is_drawn(stop));
                division.fill(&mut moves, wind);
                let mut pipes = [0.0; BLOCK];
                let pipes = &mut pipes[..wind.len()];
                let sounding = self.voices.iter_mut().filter(|voice| voice.part == part && voice.level >= SILENCE);
                for voice in sounding {
                    voice.render(pipes, &is_drawn, &moves, &self.tables, self.sample_rate);
                }
                division.mix(pipes, &moves, block);
            }
        }
        self.room.render(stereo);
    }

    /// The tremulant's swing in the samples that come next.
    fn next_wind(&self) -> [f32; BLOCK] {
        let cycles = |frame| ((self.wind + frame) % self.wind_period) as f32 / self.wind_period as f32;
        std::array::from_fn(|frame| (TAU * cycles(frame)).sin())
    }
}

/// A pipe that begins to speak.
fn pipe(stop: usize, midi: u8, sample_rate: f32) -> Pipe {
    let rank = &RANKS[stop];
    let octaves = (f32::from(midi) - 69.0) / 12.0 + f32::from(rank.above);
    // Spread over the keys without order, and the same each time (the golden ratio's multiples).
    let spread = (f32::from(midi) * 0.618_034 + stop as f32 * 0.37).fract() * 2.0 - 1.0;
    let cents = rank.cents + TUNING * spread;
    let frequency = 440.0 * 2f32.powf(octaves + cents / 1200.0);
    // Long pipes take longer to speak.
    let speech = rank.speech * 2f32.powf((60.0 - f32::from(midi)) / 24.0);
    Pipe { phase: 0.0, step: frequency / sample_rate, speech: 0.0, speaks: 1.0 - (-1.0 / (speech * sample_rate)).exp() }
}

impl Voice {
    /// Adds what the pipes sound in the next samples.
    fn render(
        &mut self,
        sound: &mut [f32],
        is_drawn: &[bool; STOPS],
        moves: &Moves,
        tables: &Tables,
        sample_rate: f32,
    ) {
        let mut wind = [0.0; BLOCK];
        let wind = &mut wind[..sound.len()];
        self.breathe(wind, sample_rate);
        for (stop, pipe) in self.pipes.iter_mut().enumerate().filter(|(stop, _)| is_drawn[*stop]) {
            let cycle = tables.cycle(&RANKS[stop], self.pitch);
            let drawn = moves.stops[stop].iter().zip(&moves.pitch);
            for ((sample, wind), (drawn, pitch)) in sound.iter_mut().zip(&*wind).zip(drawn) {
                pipe.speech += (1.0 - pipe.speech) * pipe.speaks;
                let place = pipe.phase * TABLE as f32;
                // `phase` is below 1; rounding may bring the product to TABLE, where the table has one more entry.
                let index = (place as usize).min(TABLE - 1);
                let between = place - index as f32;
                let tone = cycle[index] + (cycle[index + 1] - cycle[index]) * between;
                *sample += tone * wind * drawn * RANKS[stop].strength * pipe.speech;
                pipe.phase += pipe.step * pitch;
                pipe.phase -= pipe.phase.floor();
            }
        }
    }

    /// The wind in the pipes, sample by sample: it comes and goes with the key.
    fn breathe(&mut self, wind: &mut [f32], sample_rate: f32) {
        let rise = 1.0 - (-3.0 / (ATTACK * sample_rate)).exp();
        let fall = (-3.0 / (RELEASE * sample_rate)).exp();
        for wind in wind {
            if self.is_held {
                self.level += (self.target - self.level) * rise;
            } else {
                self.level *= fall;
                if self.level < SILENCE {
                    self.level = 0.0;
                    return;
                }
            }
            *wind = self.level;
        }
    }
}
