//! Plain loops over f32, compiled once for every x86-64 processor and once more for those with AVX-512 (or AVX2); and the
//! functions of gates in a form that such loops take sixteen at a time, which those of libm do not.

/// Defines a function whose body is also compiled with wider registers, chosen when it is called.
macro_rules! wide {
    ($(#[$attribute:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn body($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,fma")]
                fn avx512($($arg: $ty),*) {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) {
                    body($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("fma")
                {
                    // SAFETY: the processor has been asked for each of the features.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use wide;

/// e^x to about 1e-7 of its value (polynomial of Cephes' `expf`), for x within ±87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 · 2^23 rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4f32;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + coefficient;
    }
    let power = p * r * r + r + 1.0;
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// A matrix laid out in panels of [`LANES`] columns, so that a product with a few rows streams through it once.
pub struct Panels {
    lines: usize,
    columns: usize,
    values: Vec<f32>,
}

const LANES: usize = 64;

impl Panels {
    /// From `matrix` (lines, columns) in row-major order.
    pub fn new(matrix: &[f32], columns: usize) -> Panels {
        let lines = matrix.len() / columns;
        let panels = columns.div_ceil(LANES);
        let mut values = vec![0f32; panels * lines * LANES];
        for (line, row) in matrix.chunks(columns).enumerate() {
            for (panel, part) in row.chunks(LANES).enumerate() {
                values[(panel * lines + line) * LANES..][..part.len()].copy_from_slice(part);
            }
        }
        Panels { lines, columns, values }
    }

    /// `sums += rows · matrix`: `rows` (n, lines), `sums` (n, columns).
    pub fn add_product(&self, rows: &[f32], sums: &mut [f32]) {
        let mut rows = rows.chunks(self.lines * 2);
        let mut sums = sums.chunks_mut(self.columns * 2);
        for (rows, sums) in rows.by_ref().zip(sums.by_ref()) {
            if rows.len() == 2 * self.lines {
                add_two(&self.values, rows, self.lines, sums, self.columns);
            } else {
                add_one(&self.values, rows, self.lines, sums, self.columns);
            }
        }
    }
}

wide! {
    fn add_two(panels: &[f32], rows: &[f32], lines: usize, sums: &mut [f32], columns: usize) {
        let (first, second) = rows.split_at(lines);
        let (first_sums, second_sums) = sums.split_at_mut(columns);
        let sums = first_sums.chunks_mut(LANES).zip(second_sums.chunks_mut(LANES));
        for (panel, (first_sums, second_sums)) in panels.chunks_exact(lines * LANES).zip(sums) {
            let mut totals = [[0f32; LANES]; 2];
            for ((line, a), b) in panel.as_chunks::<LANES>().0.iter().zip(first).zip(second) {
                for lane in 0..LANES {
                    totals[0][lane] = a.mul_add(line[lane], totals[0][lane]);
                    totals[1][lane] = b.mul_add(line[lane], totals[1][lane]);
                }
            }
            for (sums, totals) in [first_sums, second_sums].into_iter().zip(&totals) {
                for (sum, total) in sums.iter_mut().zip(totals) {
                    *sum += total;
                }
            }
        }
    }
}

wide! {
    fn add_one(panels: &[f32], row: &[f32], lines: usize, sums: &mut [f32], _columns: usize) {
        for (panel, sums) in panels.chunks_exact(lines * LANES).zip(sums.chunks_mut(LANES)) {
            let mut totals = [0f32; LANES];
            for (line, a) in panel.as_chunks::<LANES>().0.iter().zip(row) {
                for lane in 0..LANES {
                    totals[lane] = a.mul_add(line[lane], totals[lane]);
                }
            }
            for (sum, total) in sums.iter_mut().zip(&totals) {
                *sum += total;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_gates_are_those_of_the_library_to_the_last_digits() {
        for step in -4000..=4000 {
            let x = step as f32 * 0.01;
            assert!((tanh(x) - x.tanh()).abs() < 4e-7, "tanh {x}: {} and {}", tanh(x), x.tanh());
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - expected).abs() < 2e-7, "sigmoid {x}: {} and {expected}", sigmoid(x));
        }
    }

    #[test]
    fn a_product_in_panels_is_the_product_for_any_number_of_rows_and_columns() {
        for (rows, lines, columns) in [(1, 3, 5), (2, 7, 64), (3, 10, 130), (4, 65, 128), (5, 1, 200)] {
            let number = |index: usize| ((index * 37 + 11) % 29) as f32 / 7.0 - 2.0;
            let matrix: Vec<f32> = (0..lines * columns).map(number).collect();
            let x: Vec<f32> = (0..rows * lines).map(|index| number(index + 5)).collect();
            let mut sums = vec![1f32; rows * columns];
            Panels::new(&matrix, columns).add_product(&x, &mut sums);
            for row in 0..rows {
                for column in 0..columns {
                    let products = (0..lines).map(|line| x[row * lines + line] * matrix[line * columns + column]);
                    let expected = 1.0 + products.sum::<f32>();
                    assert!((sums[row * columns + column] - expected).abs() < 1e-3);
                }
            }
        }
    }
}
