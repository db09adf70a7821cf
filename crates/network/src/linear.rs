use arithmetic::{Matrix, Needed, multiversion, rectified};

/// x · matrix + bias.
pub(crate) struct Linear {
    /// (inputs, outputs).
    pub matrix: Matrix,
    /// (outputs).
    pub bias: Vec<f32>,
}

impl Linear {
    /// `rows` (n, inputs) → `sums` (n, outputs), which is made to fit.
    pub fn apply(&self, rows: &[f32], sums: &mut Vec<f32>) {
        self.start(rows, sums);
        self.matrix.add_product(rows, sums);
    }

    /// The same where `needed` tells which values of the rows are not zero.
    pub fn apply_to_needed(&self, rows: &[f32], needed: &Needed, sums: &mut Vec<f32>) {
        self.start(rows, sums);
        self.matrix.add_product_of_needed(rows, needed, sums);
    }

    fn start(&self, rows: &[f32], sums: &mut Vec<f32>) {
        sums.clear();
        (0..rows.len() / self.matrix.lines()).for_each(|_| sums.extend_from_slice(&self.bias));
    }
}

multiversion! {
    pub(crate) fn keep_positive(values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value = rectified(*value));
    }
}

multiversion! {
    pub(crate) fn add_values(sums: &mut [f32], values: &[f32]) {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
}

/// As many zeros as `count` says.
pub(crate) fn fill(values: &mut Vec<f32>, count: usize) {
    values.clear();
    values.resize(count, 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_layer_multiplies_each_row_and_adds_the_bias_with_zeros_passed_over_or_not() {
        let linear = Linear { matrix: Matrix::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), bias: vec![0.5, 0.0, -0.5] };
        let rows = [1.0, 0.0, 0.0, 2.0];
        let (mut sums, mut of_needed) = (vec![9.0], Vec::new());
        linear.apply(&rows, &mut sums);
        assert_eq!(sums, [1.5, 2.0, 2.5, 8.5, 10.0, 11.5]);
        let mut needed = Needed::default();
        needed.find(&rows, 2);
        linear.apply_to_needed(&rows, &needed, &mut of_needed);
        assert_eq!(of_needed, sums);
    }
}
