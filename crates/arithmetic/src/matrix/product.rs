//! The products themselves, in registers: the only arithmetic here that names instructions of a processor.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _mm_prefetch, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use std::arch::wasm32::{f32x4_add, f32x4_mul, f32x4_splat, v128, v128_load, v128_store};

use super::{Matrix, Needed, PANEL, ROWS, UNIT, Unit, blocks};

/// How far ahead, in values, weights are fetched for a single row, which waits for nothing else: two kilobytes. (One to
/// four serve equally; without, the product of one row with matrices that fill the third-level cache takes a fifth longer
/// on an AMD Zen 5.)
const AHEAD: usize = 512;

/// `sums += rows · matrix`, through the lines that are needed or all, with the widest registers that the processor has.
pub(super) fn add_product(matrix: &Matrix, rows: &[f32], needed: Option<&Needed>, sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has been asked for the feature.
            return unsafe { product_avx512(matrix, rows, needed, sums) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            return unsafe { product_avx2(matrix, rows, needed, sums) };
        }
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    // SAFETY: the module is not even loaded where its instructions are not known.
    return unsafe { product::<[v128; 4], 2, 1, 1>(matrix, rows, needed, sums) };
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    // SAFETY: it needs no feature.
    unsafe {
        product::<[f32; UNIT], ROWS, 1, 2>(matrix, rows, needed, sums)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn product_avx512(matrix: &Matrix, rows: &[f32], needed: Option<&Needed>, sums: &mut [f32]) {
    // 24 of the 32 registers hold sums.
    // SAFETY: the feature is enabled here.
    unsafe { product::<__m512, ROWS, 4, 4>(matrix, rows, needed, sums) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn product_avx2(matrix: &Matrix, rows: &[f32], needed: Option<&Needed>, sums: &mut [f32]) {
    // 12 of the 16 registers hold sums.
    // SAFETY: the features are enabled here.
    unsafe { product::<[__m256; 2], ROWS, 1, 2>(matrix, rows, needed, sums) }
}

/// A unit in registers.
trait Lanes: Copy {
    /// # Safety
    /// The processor must have the registers, and `from` point to a unit.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// As [`Lanes::load`]; `to` may be written.
    unsafe fn store(self, to: *mut f32);
    /// # Safety
    /// The processor must have the registers.
    unsafe fn zero() -> Self;
    /// `self + factor · values`, rounded once (on wasm32 twice).
    ///
    /// # Safety
    /// The processor must have the registers.
    unsafe fn add_scaled(self, factor: f32, values: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
impl Lanes for __m512 {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_set1_ps(0.0) }
    }

    #[inline(always)]
    unsafe fn add_scaled(self, factor: f32, values: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_fmadd_ps(_mm512_set1_ps(factor), values, self) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for [__m256; 2] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(UNIT / 2))] }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe {
            _mm256_storeu_ps(to, self[0]);
            _mm256_storeu_ps(to.add(UNIT / 2), self[1]);
        }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's.
        unsafe { [_mm256_set1_ps(0.0); 2] }
    }

    #[inline(always)]
    unsafe fn add_scaled(self, factor: f32, values: Self) -> Self {
        // SAFETY: the caller's.
        unsafe {
            let factor = _mm256_set1_ps(factor);
            [_mm256_fmadd_ps(factor, values[0], self[0]), _mm256_fmadd_ps(factor, values[1], self[1])]
        }
    }
}

/// In WebAssembly, which has no fused multiply-add: every sum is rounded once more than elsewhere.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Lanes for [v128; UNIT / 4] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's; four values lie in a unit at each of these places.
        std::array::from_fn(|four| unsafe { v128_load(from.add(4 * four).cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (four, values) in self.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { v128_store(to.add(4 * four).cast(), values) };
        }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        [f32x4_splat(0.0); UNIT / 4]
    }

    #[inline(always)]
    unsafe fn add_scaled(self, factor: f32, values: Self) -> Self {
        let factor = f32x4_splat(factor);
        std::array::from_fn(|four| f32x4_add(self[four], f32x4_mul(factor, values[four])))
    }
}

impl Lanes for [f32; UNIT] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        unsafe { from.cast::<[f32; UNIT]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[f32; UNIT]>().write(self) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; UNIT]
    }

    #[inline(always)]
    unsafe fn add_scaled(mut self, factor: f32, values: Self) -> Self {
        for (sum, value) in self.iter_mut().zip(values) {
            // WebAssembly has no fused multiply-add, and what stands in for it is a function call for each value.
            *sum = if cfg!(target_arch = "wasm32") { *sum + factor * value } else { factor.mul_add(value, *sum) };
        }
        self
    }
}

/// The whole product, in blocks of six rows, `HEIGHT` of them at once, and `UNITS` units, or of two rows and `UNITS_OF_TWO`,
/// whose sums stay in registers.
///
/// # Safety
/// The processor must have the registers of `L`.
#[inline(always)]
unsafe fn product<L: Lanes, const HEIGHT: usize, const UNITS: usize, const UNITS_OF_TWO: usize>(
    matrix: &Matrix,
    rows: &[f32],
    needed: Option<&Needed>,
    sums: &mut [f32],
) {
    let Matrix { lines, columns, values } = matrix;
    let (lines, columns) = (*lines, *columns);
    let count = sums.len() / columns;
    let mut values = &values[..];
    for panel in 0..columns.div_ceil(PANEL) {
        let stride = matrix.units(panel);
        let (weights, rest) = values.split_at(lines * stride);
        values = rest;
        let mut tile = Tile { lines, columns, stride, row: 0, column: panel * PANEL, needed: None };
        for (block, height) in blocks(count).enumerate() {
            tile.needed = needed.map(|needed| needed.places(block));
            // SAFETY: the caller's.
            unsafe {
                match height {
                    ROWS => {
                        for row in (tile.row..tile.row + ROWS).step_by(HEIGHT) {
                            across::<L, HEIGHT, UNITS>(weights, rows, sums, &Tile { row, ..tile });
                        }
                    }
                    2 => across::<L, 2, UNITS_OF_TWO>(weights, rows, sums, &tile),
                    // One row is bound by memory and its sums by the latency of additions: all of a panel at once.
                    _ => across::<L, 1, { PANEL / UNIT }>(weights, rows, sums, &tile),
                }
            };
            tile.row += height;
        }
    }
}

/// `HEIGHT` rows times a panel, at most `WIDTH` units at once.
///
/// # Safety
/// The processor must have the registers of `L`.
#[inline(always)]
unsafe fn across<L: Lanes, const HEIGHT: usize, const WIDTH: usize>(
    weights: &[Unit],
    rows: &[f32],
    sums: &mut [f32],
    panel: &Tile,
) {
    let mut unit = 0;
    while unit < panel.stride {
        let width = WIDTH.min(panel.stride - unit);
        let tile = Tile { column: panel.column + unit * UNIT, ..*panel };
        let weights = &weights[unit..];
        // SAFETY: the caller's.
        unsafe {
            match width {
                1 => block::<L, HEIGHT, 1>(weights, rows, sums, tile),
                2 if WIDTH >= 2 => block::<L, HEIGHT, 2>(weights, rows, sums, tile),
                3 if WIDTH >= 3 => block::<L, HEIGHT, 3>(weights, rows, sums, tile),
                4 if WIDTH >= 4 => block::<L, HEIGHT, 4>(weights, rows, sums, tile),
                _ => unreachable!("no panel is wider"),
            }
        }
        unit += width;
    }
}

/// The part of a product that a block works out.
struct Tile<'a> {
    lines: usize,
    columns: usize,
    /// Units of a line of the panel.
    stride: usize,
    row: usize,
    column: usize,
    /// The lines to go through, if not all.
    needed: Option<&'a [u32]>,
}

/// `HEIGHT` rows times `UNITS` units of a panel; `weights` begins with the first of them.
///
/// # Safety
/// The processor must have the registers of `L`.
#[inline(always)]
unsafe fn block<L: Lanes, const HEIGHT: usize, const UNITS: usize>(
    weights: &[Unit],
    rows: &[f32],
    sums: &mut [f32],
    tile: Tile,
) {
    let Tile { lines, columns, stride, row, column, needed } = tile;
    assert!(weights.len() + stride >= lines * stride + UNITS && rows.len() >= (row + HEIGHT) * lines);
    let inputs: [*const f32; HEIGHT] = std::array::from_fn(|index| rows[(row + index) * lines..].as_ptr());
    let from = weights.as_ptr().cast::<f32>();
    // SAFETY: the registers are the caller's; the last line's last unit and each row's last value lie in the slices, by
    // the assertion, and no line that is needed is beyond the last, by that of the product.
    let totals = unsafe {
        let mut totals = [[L::zero(); UNITS]; HEIGHT];
        match needed {
            None => {
                for line in 0..lines {
                    add_line(from.add(line * stride * UNIT), AHEAD, &inputs, line, &mut totals);
                }
            }
            Some(needed) => {
                for &line in needed {
                    add_line(from.add(line as usize * stride * UNIT), 2 * AHEAD, &inputs, line as usize, &mut totals);
                }
            }
        }
        totals
    };
    let width = (columns - column).min(UNITS * UNIT);
    for (index, totals) in totals.iter().enumerate() {
        let mut flat = [[0f32; UNIT]; UNITS];
        for (flat, total) in flat.iter_mut().zip(totals) {
            // SAFETY: the registers are the caller's; `flat` is a unit.
            unsafe { total.store(flat.as_mut_ptr()) };
        }
        let sums = &mut sums[(row + index) * columns + column..][..width];
        sums.iter_mut().zip(flat.as_flattened()).for_each(|(sum, total)| *sum += total);
    }
}

/// Adds to `totals` the products with one line, whose units begin at `from`. For a single row what lies `ahead` values
/// further is fetched.
///
/// # Safety
/// The processor must have the registers of `L`; so many units must lie there, and each input reach to the line.
#[inline(always)]
unsafe fn add_line<L: Lanes, const HEIGHT: usize, const UNITS: usize>(
    from: *const f32,
    ahead: usize,
    inputs: &[*const f32; HEIGHT],
    line: usize,
    totals: &mut [[L; UNITS]; HEIGHT],
) {
    if HEIGHT == 1 {
        (0..UNITS).for_each(|unit| prefetch(from.wrapping_add(ahead + unit * UNIT)));
    }
    // SAFETY: the caller's.
    unsafe {
        let values: [L; UNITS] = std::array::from_fn(|unit| L::load(from.add(unit * UNIT)));
        for (totals, input) in totals.iter_mut().zip(inputs) {
            let factor = *input.add(line);
            for (total, value) in totals.iter_mut().zip(&values) {
                *total = total.add_scaled(factor, *value);
            }
        }
    }
}

/// Asks for the memory to be brought near. Any address will do.
#[inline(always)]
fn prefetch(_address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction, and it never fails.
    unsafe {
        _mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(_address.cast());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::number;
    use super::*;

    #[test]
    fn a_product_is_right_for_any_number_of_rows_lines_and_columns_and_every_kind_of_register() {
        type Product = fn(&Matrix, &[f32], &mut [f32]);
        let mut kinds: Vec<(&str, Product)> = vec![
            ("chosen", Matrix::add_product),
            // SAFETY: plain arrays are on every processor.
            ("plain", |matrix, rows, sums| unsafe {
                product::<[f32; UNIT], ROWS, 1, 2>(matrix, rows, None, sums);
            }),
        ];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has been asked for the features.
            kinds.push(("avx2", |matrix, rows, sums| unsafe { product_avx2(matrix, rows, None, sums) }));
        }
        let sizes =
            [(1, 3, 5), (2, 7, 64), (3, 10, 130), (6, 4, 16), (7, 65, 47), (14, 9, 112), (5, 1, 200), (0, 4, 4)];
        for (rows, lines, columns) in sizes {
            let values: Vec<f32> = (0..lines * columns).map(number).collect();
            let x: Vec<f32> = (0..rows * lines).map(|index| number(index + 5)).collect();
            let matrix = Matrix::new(&values, columns);
            for (kind, add_product) in &kinds {
                let mut sums = vec![1f32; rows * columns];
                add_product(&matrix, &x, &mut sums);
                for row in 0..rows {
                    for column in 0..columns {
                        let products = (0..lines).map(|line| x[row * lines + line] * values[line * columns + column]);
                        let expected = 1.0 + products.sum::<f32>();
                        let found = sums[row * columns + column];
                        assert!((found - expected).abs() < 1e-3, "{kind}, ({row}, {column}): {found}, not {expected}");
                    }
                }
            }
        }
    }
}
