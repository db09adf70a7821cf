use arithmetic::multiversion;
use chorale::columns;

/// A table whose rows are added up, one for each feature of the step's words.
pub(crate) struct Embedding {
    pub width: usize,
    /// (rows, width).
    pub table: Vec<f32>,
    pub features: Vec<Feature>,
}

/// Which row of the table stands for a word, or for two words.
pub(crate) struct Feature {
    /// Of the words; the same one twice for a single word.
    pub columns: [usize; 2],
    /// (words of the column), or (48 · 48), by the first word and then the second.
    pub rows: Vec<u32>,
}

impl Feature {
    pub fn row(&self, words: &[u8]) -> u32 {
        let [first, second] = self.columns.map(|column| usize::from(words[column]));
        if self.rows.len() > columns::TOKENS { self.rows[first * columns::TOKENS + second] } else { self.rows[first] }
    }
}

impl Embedding {
    /// Adds to `sum` (width) the rows that stand for `words`. `rows` is scratch.
    pub fn add(&self, words: &[u8], rows: &mut Vec<u32>, sum: &mut [f32]) {
        add_features(&self.features, &self.table, words, rows, sum);
    }
}

/// Adds to `sum` (width) the rows of `table` that the features name.
pub(crate) fn add_features(features: &[Feature], table: &[f32], words: &[u8], rows: &mut Vec<u32>, sum: &mut [f32]) {
    rows.clear();
    rows.extend(features.iter().map(|feature| feature.row(words)));
    add_rows(table, rows, sum);
}

multiversion! {
    /// Adds rows of a table, as wide as `sum`.
    fn add_rows(table: &[f32], rows: &[u32], sum: &mut [f32]) {
        // So many sums stay in registers.
        const LANES: usize = 64;
        let width = sum.len();
        let mut from = 0;
        let mut chunks = sum.chunks_exact_mut(LANES);
        for sum in &mut chunks {
            let mut sums = [0f32; LANES];
            sums.copy_from_slice(sum);
            for &row in rows {
                let values = &table[row as usize * width + from..][..LANES];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            sum.copy_from_slice(&sums);
            from += LANES;
        }
        let sum = chunks.into_remainder();
        for &row in rows {
            let values = &table[row as usize * width + from..][..sum.len()];
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_single_words_and_of_pairs_are_added_at_any_width() {
        for width in [1, 64, 70] {
            let table: Vec<f32> = (0..5 * width).map(|index| (index / width) as f32).collect();
            // The pair's row is 3, but 4 where both words are alike.
            let pairs = (0..columns::TOKENS.pow(2)).map(|pair| 3 + u32::from(pair % (columns::TOKENS + 1) == 0));
            let features = vec![
                Feature { columns: [1; 2], rows: vec![0, 2, 1] },
                Feature { columns: [0, 2], rows: pairs.collect() },
            ];
            let embedding = Embedding { width, table, features };
            for (words, expected) in [([7, 1, 7], 10.0 + 2.0 + 4.0), ([7, 2, 8], 10.0 + 1.0 + 3.0)] {
                let mut sum = vec![10.0; width];
                embedding.add(&words, &mut Vec::new(), &mut sum);
                assert_eq!(sum, vec![expected; width]);
            }
        }
    }
}
