use arithmetic::{Needed, multiversion, rectified};
use chorale::{Part, Token, columns};

use crate::embedding::{Embedding, Feature, add_features};
use crate::linear::Linear;
use crate::logit_groups::{KnownSums, OUTPUT_LIMIT, Output, add_groups};
use crate::state::{Row, with_given};

/// One part's: context, words and the parts chosen before it → logits. What it makes of the context and the step's words
/// is worked out once and shared by all rows (sopranos).
pub(crate) struct Head {
    /// Context (width) → hidden layer (hidden).
    pub context: Linear,
    /// What is known before the step's soprano sounds → hidden layer.
    pub known: Embedding,
    /// For each part of the present chord, by [`Part::index`]: what it adds by itself; rows of the same table.
    pub given: [Vec<Feature>; 4],
    /// What two of them add together.
    pub between: Vec<Feature>,
    /// Hidden layer, of which what is positive is kept → logits (47).
    pub output: Output,
    /// No logit falls below it.
    pub lowest: f32,
}

/// A head has no more relations between two chosen parts: the rows that are added up for one answer stand in an array.
/// The trainer's have at most three.
pub(crate) const BETWEEN_LIMIT: usize = 16;

/// Rows that are worked out together: as many as leave what is between the products near the processor.
const TOGETHER: usize = 24;

/// What the heads work in, kept for the next time. No logit depends on what stands there, so that a clone begins with its
/// own.
#[derive(Default)]
pub(crate) struct HeadScratch {
    /// For each head, by [`Part::index`]: its hidden layer before the chosen parts are added, (states, hidden); empty
    /// until it is asked for in this step.
    bases: [Vec<f32>; 4],
    /// For each head, the last sums that were needed.
    sums: [Option<KnownSums>; 4],
    /// What each token of each part of the present chord adds to a head's hidden layer: (4, 48, hidden), and whether it
    /// has been worked out for the state at hand (4, 48).
    added: Vec<f32>,
    is_added: Vec<bool>,
    /// (rows, hidden), and which of it is not zero.
    hidden: Vec<f32>,
    needed: Needed,
    /// (rows, outputs).
    outputs: Vec<f32>,
    /// Of an embedding's table, one for each feature.
    rows: Vec<u32>,
}

impl Clone for HeadScratch {
    fn clone(&self) -> HeadScratch {
        HeadScratch::default()
    }

    fn clone_from(&mut self, _: &HeadScratch) {
        self.forget_bases();
    }
}

impl HeadScratch {
    /// The context is another one.
    pub fn forget_bases(&mut self) {
        self.bases.iter_mut().for_each(Vec::clear);
    }
}

impl Head {
    /// Adds to `logits` 47 for each row. `context` holds (states, width), `needed`, which of it is not zero, if that has
    /// been looked up; `words`, those of each state.
    pub fn logits(
        &self,
        part: Part,
        (context, needed): (&[f32], Option<&Needed>),
        words: &[[u8; columns::COUNT]],
        asked: &[Row],
        scratch: &mut HeadScratch,
        logits: &mut Vec<f32>,
    ) {
        let width = self.known.width;
        let base = &mut scratch.bases[part.index()];
        if base.is_empty() {
            match needed {
                Some(needed) => self.context.apply_to_needed(context, needed, base),
                None => self.context.apply(context, base),
            }
            for (base, words) in base.chunks_exact_mut(width).zip(words) {
                self.known.add(words, &mut scratch.rows, base);
            }
        }
        scratch.added.resize(4 * columns::TOKENS * width, 0.0);
        for asked in asked.chunk_by(|one, next| one.state == next.state) {
            let words = &words[asked[0].state];
            scratch.is_added.clear();
            scratch.is_added.resize(4 * columns::TOKENS, false);
            if let Some(known) = &self.output.known {
                KnownSums::update(&mut scratch.sums[part.index()], known, words, width);
            }
            for asked in asked.chunks(TOGETHER) {
                self.rows(part, words, asked, scratch, logits);
            }
        }
    }

    /// Adds to `logits` 47 for each row, all of one state, for which the known groups have been added up.
    fn rows(
        &self,
        part: Part,
        words: &[u8; columns::COUNT],
        asked: &[Row],
        scratch: &mut HeadScratch,
        logits: &mut Vec<f32>,
    ) {
        let width = self.known.width;
        self.hidden(part, words, asked, scratch);
        let HeadScratch { hidden, needed, sums, outputs, .. } = scratch;
        needed.find(hidden, width);
        let start = logits.len();
        match &sums[part.index()] {
            Some(sums) if self.output.known.is_some() => {
                asked.iter().for_each(|_| logits.extend_from_slice(&sums.bias[..Token::VOCABULARY]));
                sums.matrix.add_product_of_needed(hidden, needed, &mut logits[start..]);
            }
            _ => logits.resize(start + asked.len() * Token::VOCABULARY, 0.0),
        }
        let Output { linear, groups, .. } = &self.output;
        linear.apply_to_needed(hidden, needed, outputs);
        let count = linear.bias.len();
        outputs.resize(outputs.len() + OUTPUT_LIMIT, 0.0);
        for (index, (row, logits)) in asked.iter().zip(logits[start..].chunks_exact_mut(Token::VOCABULARY)).enumerate()
        {
            let (outputs, _) = outputs[index * count..].split_first_chunk().expect("room is made at the end");
            add_groups(outputs, &with_given(words, row.given), groups, self.lowest, logits);
        }
    }

    /// The hidden layer of the rows: the state's base, and what the chosen parts add, of which what is positive is kept.
    fn hidden(&self, part: Part, words: &[u8; columns::COUNT], asked: &[Row], scratch: &mut HeadScratch) {
        let HeadScratch { rows, bases, added, is_added, hidden, .. } = scratch;
        let width = self.known.width;
        hidden.resize(asked.len() * width, 0.0);
        for (hidden, row) in hidden.chunks_exact_mut(width).zip(asked) {
            let all = with_given(words, row.given);
            let mut tokens = [0; 4];
            let mut count = 0;
            for (part, features) in self.given.iter().enumerate().filter(|(_, features)| !features.is_empty()) {
                let token = part * columns::TOKENS + usize::from(all[columns::GIVEN + part]);
                if !std::mem::replace(&mut is_added[token], true) {
                    let added = &mut added[token * width..][..width];
                    added.fill(0.0);
                    add_features(features, &self.known.table, &all, rows, added);
                }
                tokens[count] = token;
                count += 1;
            }
            let mut together: [&[f32]; 4 + BETWEEN_LIMIT] = [&[]; 4 + BETWEEN_LIMIT];
            for (together, token) in together.iter_mut().zip(&tokens[..count]) {
                *together = &added[token * width..][..width];
            }
            for feature in &self.between {
                together[count] = &self.known.table[feature.row(&all) as usize * width..][..width];
                count += 1;
            }
            add_positive(&bases[part.index()][row.state * width..][..width], &together[..count], hidden);
        }
    }
}

multiversion! {
    /// Adds up rows as wide as `sum`, the first of them `base`, and keeps what is positive.
    fn add_positive(base: &[f32], added: &[&[f32]], sum: &mut [f32]) {
        const LANES: usize = 32;
        let width = sum.len();
        let mut from = 0;
        while from + LANES <= width {
            let mut sums = [0f32; LANES];
            sums.copy_from_slice(&base[from..][..LANES]);
            for added in added {
                sums.iter_mut().zip(&added[from..][..LANES]).for_each(|(sum, value)| *sum += value);
            }
            sum[from..][..LANES].iter_mut().zip(&sums).for_each(|(sum, value)| *sum = rectified(*value));
            from += LANES;
        }
        for index in from..width {
            let mut total = base[index];
            added.iter().for_each(|added| total += added[index]);
            sum[index] = rectified(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_added_up_and_what_is_negative_becomes_nothing_at_any_width() {
        for width in [1, 32, 40] {
            let row = |from: f32| -> Vec<f32> { (0..width).map(|index| from + index as f32).collect() };
            let (base, one, other) = (row(-20.0), row(3.0), row(1.0));
            let mut sum = vec![9.0; width];
            add_positive(&base, &[&one, &other], &mut sum);
            let expected: Vec<f32> = (0..width).map(|index| (3.0 * index as f32 - 16.0).max(0.0)).collect();
            assert_eq!(sum, expected);
        }
    }
}
