//! The optimizer of the small models that are fitted here.

/// Each weight at its own pace, by the mean of its slopes and of their squares (Adam: Kingma and Ba 2015).
pub struct Adam {
    mean: Vec<f64>,
    square: Vec<f64>,
    round: i32,
    /// Added to the root of the squares.
    epsilon: f64,
}

impl Adam {
    pub fn new(count: usize, epsilon: f64) -> Adam {
        Adam { mean: vec![0.0; count], square: vec![0.0; count], round: 0, epsilon }
    }

    /// How far each weight goes along its slope, before the rate.
    pub fn step(&mut self, slopes: &[f64]) -> Vec<f64> {
        self.round += 1;
        let unbiased = |value: f64, decay: f64| value / (1.0 - decay.powi(self.round));
        let pairs = self.mean.iter_mut().zip(&mut self.square).zip(slopes);
        pairs
            .map(|((mean, square), slope)| {
                *mean = 0.9 * *mean + 0.1 * slope;
                *square = 0.99 * *square + 0.01 * slope * slope;
                unbiased(*mean, 0.9) / (unbiased(*square, 0.99).sqrt() + self.epsilon)
            })
            .collect()
    }
}
