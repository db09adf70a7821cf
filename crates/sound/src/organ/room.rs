//! The church in which the organ stands.

/// How much of the sound comes back from the walls.
const ROOM: f32 = 0.28;

/// Reverberation by a feedback delay network (J.-M. Jot and A. Chaigne, Digital delay networks for designing artificial
/// reverberators, AES 1991): four delays that feed each other through a matrix that keeps the energy.
#[derive(Clone)]
pub struct Room {
    delays: [Vec<f32>; 4],
    places: [usize; 4],
    /// Walls swallow the high tones.
    damped: [f32; 4],
    feedback: f32,
}

impl Room {
    pub fn new(sample_rate: f32) -> Room {
        // Lengths without common divisors, in samples at 44.1 kHz: 34 to 54 ms.
        let delays = [1499.0, 1789.0, 2063.0, 2383.0]
            .map(|length: f32| vec![0.0; ((length * sample_rate / 44_100.0) as usize).max(1)]);
        // Decay by 60 dB in 1.6 seconds.
        let mean = 1933.0 / 44_100.0;
        Room { delays, places: [0; 4], damped: [0.0; 4], feedback: 10f32.powf(-3.0 * mean / 1.6) }
    }

    pub fn reset(&mut self) {
        self.delays.iter_mut().for_each(|delay| delay.fill(0.0));
        self.damped = [0.0; 4];
    }

    /// Adds what the walls send back.
    pub fn render(&mut self, stereo: &mut [f32]) {
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
