//! The organ's ranks of pipes: what each sounds like at each pitch, and the stops that draw them.

use std::f32::consts::TAU;

/// Samples of one cycle.
pub const TABLE: usize = 2048;
pub const STOPS: usize = 4;

/// Harmonics of a principal and their strength.
const PRINCIPAL: [(u8, f32); 10] =
    [(1, 1.0), (2, 0.42), (3, 0.28), (4, 0.14), (5, 0.08), (6, 0.06), (7, 0.03), (8, 0.03), (9, 0.02), (10, 0.02)];
/// Three ranks of higher pipes: the 19th, 22nd and 26th above the key.
const MIXTURE: [(u8, f32); 3] = [(6, 1.0), (8, 0.9), (12, 0.6)];
/// Where a mixture's pipe would be higher, in hertz, it breaks back by octaves.
const HIGHEST: f32 = 7_000.0;

/// What a stop draws: a row of pipes, one for each key.
pub struct Rank {
    /// Octaves above the key.
    pub above: u8,
    pub is_mixture: bool,
    /// How loud it is, of all that are drawn.
    pub strength: f32,
    /// Seconds until its pipes speak, at middle C; twice as long two octaves below.
    pub speech: f32,
    /// Cents by which it is out of tune with the others: the slow beating is what keeps a held chord alive.
    pub cents: f32,
}

/// 8', 4', 2' and mixture.
pub const RANKS: [Rank; STOPS] = [
    Rank { above: 0, is_mixture: false, strength: 1.0, speech: 0.02, cents: 0.0 },
    Rank { above: 1, is_mixture: false, strength: 0.55, speech: 0.01, cents: 0.9 },
    Rank { above: 2, is_mixture: false, strength: 0.4, speech: 0.006, cents: -0.7 },
    Rank { above: 0, is_mixture: true, strength: 0.3, speech: 0.004, cents: 0.4 },
];

/// How far each stop is drawn at first: 8' and half of 4'.
pub const DRAWN: [f32; STOPS] = [1.0, 0.5, 0.0, 0.0];

/// One cycle of each sound, for each octave of keys, with the harmonics that stay below half the sample rate.
#[derive(Clone)]
pub struct Tables {
    principal: Vec<Cycle>,
    mixture: Vec<Cycle>,
}

/// Its last sample repeats the first, for the interpolation.
pub type Cycle = [f32; TABLE + 1];

impl Tables {
    /// `sample_rate` in hertz.
    pub fn new(sample_rate: f32) -> Tables {
        let octaves = 0..11u8;
        let principal = |octave| cycle(PRINCIPAL, highest_of(octave), sample_rate, f32::INFINITY);
        let mixture = |octave| cycle(MIXTURE, highest_of(octave), sample_rate, HIGHEST);
        Tables { principal: octaves.clone().map(principal).collect(), mixture: octaves.map(mixture).collect() }
    }

    /// The sound of a rank's pipe under the key of that MIDI number.
    pub fn cycle(&self, rank: &Rank, midi: u8) -> &Cycle {
        let tables = if rank.is_mixture { &self.mixture } else { &self.principal };
        &tables[usize::from(midi / 12 + rank.above).min(tables.len() - 1)]
    }
}

/// In hertz, of the pitches `12 * octave` to `12 * octave + 11`.
fn highest_of(octave: u8) -> f32 {
    440.0 * 2f32.powf((12.0 * f32::from(octave) + 11.0 - 69.0) / 12.0)
}

/// A cycle of harmonics; those above `breaks` sound so many octaves lower that they are not.
fn cycle<const N: usize>(harmonics: [(u8, f32); N], highest: f32, sample_rate: f32, breaks: f32) -> Cycle {
    let sum: f32 = harmonics.iter().map(|(_, strength)| strength).sum();
    let mut cycle = [0.0; TABLE + 1];
    for (harmonic, strength) in harmonics {
        let mut harmonic = f32::from(harmonic);
        while harmonic * highest > breaks && harmonic >= 2.0 {
            harmonic = (harmonic / 2.0).floor();
        }
        if harmonic * highest >= sample_rate / 2.0 {
            continue;
        }
        for (place, sample) in cycle.iter_mut().enumerate() {
            let phase = (place % TABLE) as f32 / TABLE as f32;
            // Harmonics that begin at different places keep the peak low.
            *sample += strength / sum * 1.6 * (TAU * (harmonic * phase + 0.31 * harmonic * harmonic)).sin();
        }
    }
    cycle
}
