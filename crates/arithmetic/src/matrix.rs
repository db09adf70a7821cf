//! A matrix of weights, and which of its lines some rows need. How they are multiplied stands in `product.rs`.

#[allow(unsafe_code)]
mod product;

use self::product::add_product;
use crate::wide::any_bits;

/// Columns that one register of the widest kind holds.
const UNIT: usize = 16;
/// Columns of a panel.
const PANEL: usize = 4 * UNIT;
/// Rows of a block.
const ROWS: usize = 6;

/// A matrix laid out in panels of 64 columns, so that a product streams through it once, in the order in which it lies
/// in memory. The last panel is as narrow as its columns allow.
#[derive(Clone)]
pub struct Matrix {
    lines: usize,
    columns: usize,
    values: Vec<Unit>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Unit([f32; UNIT]);

impl Matrix {
    /// From `values` (lines, columns) in row-major order.
    ///
    /// # Panics
    /// When there are no columns, or `values` is no whole number of lines.
    pub fn new(values: &[f32], columns: usize) -> Matrix {
        assert!(values.len().is_multiple_of(columns), "{} values in lines of {columns}", values.len());
        let lines = values.len() / columns;
        let units = columns.div_ceil(UNIT);
        let mut matrix = Matrix { lines, columns, values: vec![Unit([0.0; UNIT]); lines * units] };
        for (line, values) in values.chunks(columns).enumerate() {
            for (unit, values) in values.chunks(UNIT).enumerate() {
                let (panel, unit) = (unit / (PANEL / UNIT), unit % (PANEL / UNIT));
                let place = panel * lines * (PANEL / UNIT) + line * matrix.units(panel) + unit;
                matrix.values[place].0[..values.len()].copy_from_slice(values);
            }
        }
        matrix
    }

    /// Of zeros, to be given its lines by [`Matrix::set_line`].
    ///
    /// # Panics
    /// When it has no columns, or more than a panel's 64.
    pub fn narrow(lines: usize, columns: usize) -> Matrix {
        assert!((1..=PANEL).contains(&columns), "{columns} columns do not make one panel");
        Matrix { lines, columns, values: vec![Unit([0.0; UNIT]); lines * columns.div_ceil(UNIT)] }
    }

    /// Replaces a line of a matrix that is no wider than a panel. `values` are made up to whole units of 16; what they
    /// have beyond the columns is never read.
    ///
    /// # Panics
    /// When there is no such line, or it does not have so many units.
    #[inline(always)]
    pub fn set_line<const WIDTH: usize>(&mut self, line: usize, values: &[f32; WIDTH]) {
        assert!(self.columns <= PANEL && self.columns.next_multiple_of(UNIT) == WIDTH, "{WIDTH} values for a line");
        let place = &mut self.values[line * (WIDTH / UNIT)..][..WIDTH / UNIT];
        for (unit, values) in place.iter_mut().zip(values.as_chunks().0) {
            unit.0 = *values;
        }
    }

    /// Replaces one value of a matrix that is no wider than a panel.
    ///
    /// # Panics
    /// When there is no such line or column.
    #[inline(always)]
    pub fn set(&mut self, line: usize, column: usize, value: f32) {
        assert!(column < self.columns && self.columns <= PANEL, "column {column} of {}", self.columns);
        self.values[line * self.columns.div_ceil(UNIT) + column / UNIT].0[column % UNIT] = value;
    }

    pub fn lines(&self) -> usize {
        self.lines
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Units that a line of the panel has.
    fn units(&self, panel: usize) -> usize {
        (self.columns.div_ceil(UNIT) - panel * (PANEL / UNIT)).min(PANEL / UNIT)
    }

    /// `sums += rows · matrix`: `rows` (n, lines), `sums` (n, columns), both in row-major order.
    ///
    /// # Panics
    /// When the two are not of equally many rows.
    pub fn add_product(&self, rows: &[f32], sums: &mut [f32]) {
        self.check(rows, sums);
        add_product(self, rows, None, sums);
    }

    /// The same to the bit for finite matrices, but passes over the lines that meet zeros only, as `needed` tells of the
    /// same rows.
    ///
    /// # Panics
    /// As [`Matrix::add_product`], and when `needed` was found for rows of another size.
    pub fn add_product_of_needed(&self, rows: &[f32], needed: &Needed, sums: &mut [f32]) {
        self.check(rows, sums);
        let count = sums.len() / self.columns;
        assert!(needed.width == self.lines && needed.ends.len() == blocks(count).count(), "needed by other rows");
        add_product(self, rows, Some(needed), sums);
    }

    fn check(&self, rows: &[f32], sums: &[f32]) {
        let count = sums.len() / self.columns;
        assert!(
            sums.len() == count * self.columns && rows.len() == count * self.lines,
            "{} values times {} by {} into {}",
            rows.len(),
            self.lines,
            self.columns,
            sums.len()
        );
    }
}

/// How many rows each block of so many has.
fn blocks(count: usize) -> impl Iterator<Item = usize> {
    let mut left = count;
    std::iter::from_fn(move || {
        let height = match left {
            0 => return None,
            ROWS.. => ROWS,
            2.. => 2,
            _ => 1,
        };
        left -= height;
        Some(height)
    })
}

/// Which values of some rows are not zero, so that products with them need not go through the whole matrix. Behind
/// rectified units more than half are.
#[derive(Clone, Default)]
pub struct Needed {
    width: usize,
    /// For each block of rows the places at which one of them is not zero.
    places: Vec<u32>,
    /// Where each block's places end.
    ends: Vec<usize>,
    is_needed: Vec<u32>,
}

impl Needed {
    /// Looks through `rows` (n, `width`). Used again, it takes no new memory.
    pub fn find(&mut self, rows: &[f32], width: usize) {
        let count = rows.len() / width;
        self.width = width;
        self.ends.clear();
        self.is_needed.resize(width, 0);
        self.places.resize(width * blocks(count).count(), 0);
        let (mut end, mut rows) = (0, rows);
        for height in blocks(count) {
            let (block, rest) = rows.split_at(height * width);
            rows = rest;
            any_bits(block, &mut self.is_needed);
            let places = &mut self.places[end..][..width];
            let mut found = 0;
            // Without a branch, which nobody could foretell.
            for (place, &bits) in (0..).zip(&self.is_needed) {
                places[found] = place;
                found += usize::from(bits != 0);
            }
            end += found;
            self.ends.push(end);
        }
    }

    fn places(&self, block: usize) -> &[u32] {
        let start = if block == 0 { 0 } else { self.ends[block - 1] };
        &self.places[start..self.ends[block]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn number(index: usize) -> f32 {
        ((index * 37 + 11) % 29) as f32 / 7.0 - 2.0
    }

    #[test]
    fn a_row_gives_the_same_bits_alone_and_among_others() {
        let (rows, lines, columns) = (29, 50, 150);
        let values: Vec<f32> = (0..lines * columns).map(|index| number(index).sin()).collect();
        let x: Vec<f32> = (0..rows * lines).map(|index| number(index + 5).cos()).collect();
        let matrix = Matrix::new(&values, columns);
        let mut together = vec![0.1f32; rows * columns];
        matrix.add_product(&x, &mut together);
        for (x, together) in x.chunks(lines).zip(together.chunks(columns)) {
            let mut alone = vec![0.1f32; columns];
            matrix.add_product(x, &mut alone);
            assert_eq!(alone, together);
        }
    }

    #[test]
    fn passing_over_zeros_gives_the_same_bits_for_any_number_of_rows_and_zeros() {
        for (count, share) in [(1, 2), (2, 1), (5, 3), (6, 100), (13, 4), (24, 2)] {
            let (lines, columns) = (50, 90);
            let values: Vec<f32> = (0..lines * columns).map(|index| number(index).sin()).collect();
            let matrix = Matrix::new(&values, columns);
            let rows: Vec<f32> = (0..count * lines)
                .map(|index| if index * index % 7 % share == 0 { 0.0 } else { number(index).cos() })
                .collect();
            let (mut all, mut some) = (vec![0.1; count * columns], vec![0.1; count * columns]);
            matrix.add_product(&rows, &mut all);
            let mut needed = Needed::default();
            needed.find(&rows, lines);
            matrix.add_product_of_needed(&rows, &needed, &mut some);
            assert_eq!(all, some, "{count} rows");
        }
    }

    #[test]
    fn a_matrix_given_line_by_line_is_the_same_as_one_given_at_once() {
        let (lines, columns) = (7, 47);
        let values: Vec<f32> = (0..lines * columns).map(number).collect();
        let mut narrow = Matrix::narrow(lines, columns);
        for (line, values) in values.chunks(columns).enumerate() {
            let mut made_up = [9.0; 48];
            made_up[..columns].copy_from_slice(values);
            narrow.set_line(line, &made_up);
            narrow.set(line, 3, values[3]);
        }
        let rows: Vec<f32> = (0..3 * lines).map(number).collect();
        let (mut once, mut by_line) = (vec![0.0; 3 * columns], vec![0.0; 3 * columns]);
        Matrix::new(&values, columns).add_product(&rows, &mut once);
        narrow.add_product(&rows, &mut by_line);
        assert_eq!(once, by_line);
    }
}
