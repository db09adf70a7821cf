//! A value that a controller moves, without the steps that would be heard as clicks.

/// So near to its goal a value has reached it.
const NEAR: f32 = 1e-5;

/// Follows its goal with a time constant of its owner's.
#[derive(Clone, Copy, Debug)]
pub struct Smooth {
    now: f32,
    pub goal: f32,
}

impl Smooth {
    pub fn at(value: f32) -> Smooth {
        Smooth { now: value, goal: value }
    }

    /// Whether it is and stays 0.
    pub fn is_zero(&self) -> bool {
        self.now == 0.0 && self.goal == 0.0
    }

    /// The values of the next samples; `rate` is the share of the way that is made in one.
    pub fn fill(&mut self, values: &mut [f32], rate: f32) {
        if self.now == self.goal {
            return values.fill(self.now);
        }
        for value in values {
            self.now += (self.goal - self.now) * rate;
            if (self.goal - self.now).abs() < NEAR {
                self.now = self.goal;
            }
            *value = self.now;
        }
    }
}
