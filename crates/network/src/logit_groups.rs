//! The logit of a token is the sum of its own output of the head and of one output of each group. A group says how the
//! token stands to one word that is known: the interval from a part's note, whether it is what is recalled, its degree in
//! a key.

use std::sync::{Arc, Weak};

use arithmetic::{Matrix, multiversion};
use chorale::{Token, columns};

use crate::linear::Linear;

/// A head has fewer outputs: the trainer's have up to 300, and an index is brought below it by a mask.
pub(crate) const OUTPUT_LIMIT: usize = 512;

/// Groups of a head in [`KnownGroups`], the tokens' own outputs among them. The trainer's have six.
const KNOWN_LIMIT: usize = 16;

/// Columns that [`KnownGroups`] may need. The trainer's heads need less than a thousand.
const COLUMN_LIMIT: usize = 2048;

/// From how many chosen parts on a head is asked for several rows of a state, so that it pays to add up the weights of
/// [`KnownGroups`].
const CHOSEN_THAT_PAY: usize = 2;

/// Tokens, made up to whole registers.
const LANES: usize = 48;

/// Which outputs of a head belong to a group.
pub(crate) struct LogitGroup {
    /// Of the word to which the tokens stand.
    pub column: usize,
    /// (words of the column, 47): the output of each token.
    pub outputs: Vec<u16>,
}

/// A head's last matrix: to the outputs that are added up for each row, and to those that are added up beforehand.
pub(crate) struct Output {
    /// Groups whose word may be a chosen part; in a head without [`Output::known`] all of them, first the tokens' own.
    pub groups: Vec<LogitGroup>,
    /// Hidden layer → the outputs of [`Output::groups`].
    pub linear: Linear,
    /// Where it is worth while.
    pub known: Option<Arc<KnownGroups>>,
}

impl Output {
    /// From the whole matrix with its bias as the last line, (inputs + 1, `outputs`).
    ///
    /// `None` where the groups would need far more columns than in a file of the trainer's.
    pub fn new(weights: Vec<f32>, outputs: usize, mut groups: Vec<LogitGroup>) -> Option<Output> {
        let weights = OutputWeights { values: weights, outputs };
        // Each token's own output first, whatever the word.
        let own: Vec<u16> = (0..Token::VOCABULARY as u16).collect();
        let chosen = groups.iter().filter(|group| group.column >= columns::GIVEN).count();
        let known = if chosen >= CHOSEN_THAT_PAY {
            let known = groups.extract_if(.., |group| group.column < columns::GIVEN);
            let known = known.map(|group| (Some(group.column), group.outputs));
            Some(Arc::new(KnownGroups::new(&weights, [(None, own)].into_iter().chain(known).collect())?))
        } else {
            groups.insert(0, LogitGroup { column: 0, outputs: own.repeat(columns::VOCABULARIES[0]) });
            None
        };
        Some(Output { linear: weights.only_named(&mut groups), groups, known })
    }
}

/// A head's last matrix, with its bias as the last line.
struct OutputWeights {
    /// (inputs + 1, outputs).
    values: Vec<f32>,
    outputs: usize,
}

impl OutputWeights {
    /// The columns `order`, one after the other: a line for each of the matrix.
    fn columns(&self, order: &[u16]) -> Vec<f32> {
        let lines = self.values.chunks(self.outputs);
        lines.flat_map(|line| order.iter().map(|&column| line[usize::from(column)])).collect()
    }

    /// A map to those outputs alone that the groups name; their indices become those in it.
    fn only_named(&self, groups: &mut [LogitGroup]) -> Linear {
        let mut order: Vec<u16> = groups.iter().flat_map(|group| &group.outputs).copied().collect();
        order.sort_unstable();
        order.dedup();
        for output in groups.iter_mut().flat_map(|group| &mut group.outputs) {
            *output = order.partition_point(|other| other < output) as u16;
        }
        let mut values = self.columns(&order);
        let bias = values.split_off(values.len() - order.len());
        Linear { matrix: Matrix::new(&values, order.len()), bias }
    }
}

/// The outputs of the groups whose word is known before the step's soprano sounds. Which of them belong to a token depends
/// on nothing else, so that once a step their weights are added up, and each row is multiplied with 47 columns instead of
/// four times as many.
///
/// For that the columns are written out in such an order that those of tokens 1 to 46 stand side by side, whatever the
/// word; where two words need the same columns in the same order, they share them. With intervals that is so from word
/// to word. Were there three tokens besides the rest, the group of intervals from the note before would need five columns
/// instead of nine ([`side_by_side`]):
///
/// ```text
/// column                       0   1   2   3   4   5   6
/// output: the interval         -  -2  -1   0  +1  +2   -
/// of token, from note 3            1   2   3
/// of token, from note 2                1   2   3
/// of token, from note 1                    1   2   3
/// ```
///
/// The rest, token 0, has no interval: its outputs stand apart.
pub(crate) struct KnownGroups {
    /// (inputs + 1, `width`): weights, and the bias as the last line. Before the first and behind the last column stands
    /// one that is never used, since whole registers are read from one before the first.
    weights: Vec<f32>,
    width: usize,
    /// (.., inputs + 1): those of outputs that belong to token 0, output by output.
    rests: Vec<f32>,
    /// Of every group the column of its word, and for each word there where its outputs stand. The first, the tokens'
    /// own, depends on no word and has one place.
    groups: Vec<(Option<usize>, Vec<Span>)>,
}

/// Where the outputs of a group stand for one word.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Span {
    /// That of token 0, among the rests.
    rest: u32,
    /// That of token 1; the others follow.
    first: u32,
}

impl KnownGroups {
    fn new(weights: &OutputWeights, groups: Vec<(Option<usize>, Vec<u16>)>) -> Option<KnownGroups> {
        if groups.len() > KNOWN_LIMIT {
            return None;
        }
        // The first is never used.
        let (mut order, mut rests): (Vec<u16>, Vec<u16>) = (vec![0], Vec::new());
        let mut spans = Vec::with_capacity(groups.len());
        for (column, outputs) in groups {
            // From the last word to the first, since with rising words most outputs slide to the left.
            let mut of_words = Vec::new();
            for outputs in outputs.chunks_exact(Token::VOCABULARY).rev() {
                let rest = rests.iter().position(|&rest| rest == outputs[0]).unwrap_or_else(|| {
                    rests.push(outputs[0]);
                    rests.len() - 1
                });
                let (rest, first) = (rest as u32, side_by_side(&mut order, &outputs[1..]));
                of_words.push(Span { rest, first });
            }
            if order.len() > COLUMN_LIMIT {
                return None;
            }
            of_words.reverse();
            spans.push((column, of_words));
        }
        order.push(0);
        let rests = rests.iter().flat_map(|&rest| weights.columns(&[rest])).collect();
        Some(KnownGroups { weights: weights.columns(&order), width: order.len(), rests, groups: spans })
    }
}

/// Where the outputs `run` stand in `order`, behind its first place. What is missing of them is added at the end: if it
/// ends as they begin, only the rest of them.
fn side_by_side(order: &mut Vec<u16>, run: &[u16]) -> u32 {
    if let Some(index) = order[1..].windows(run.len()).position(|there| there == run) {
        return index as u32 + 1;
    }
    let longest = run.len().min(order.len() - 1);
    let overlap = (0..=longest).rev().find(|&overlap| order.ends_with(&run[..overlap])).unwrap_or(0);
    order.extend_from_slice(&run[overlap..]);
    (order.len() - run.len()) as u32
}

/// The weights of [`KnownGroups`], added up for a state. Notes that stay, and particles, need the same again.
#[derive(Clone)]
pub(crate) struct KnownSums {
    /// (inputs, 47).
    pub matrix: Matrix,
    pub bias: [f32; LANES],
    /// (inputs + 1): what is added up for token 0.
    rests: Vec<f32>,
    /// Whose weights, and which of them: what is kept is good for no others.
    of: Weak<KnownGroups>,
    spans: [Span; KNOWN_LIMIT],
}

impl KnownSums {
    fn new(inputs: usize) -> KnownSums {
        KnownSums {
            matrix: Matrix::narrow(inputs, Token::VOCABULARY),
            bias: [0.0; LANES],
            rests: Vec::new(),
            of: Weak::new(),
            spans: [Span::default(); KNOWN_LIMIT],
        }
    }

    /// Makes `sums` those of the state that has heard `words`, unless they are already; `inputs` is the width of the
    /// head's hidden layer.
    pub fn update(sums: &mut Option<KnownSums>, known: &Arc<KnownGroups>, words: &[u8; columns::COUNT], inputs: usize) {
        let mut spans = [Span::default(); KNOWN_LIMIT];
        for (span, (column, of_words)) in spans.iter_mut().zip(&known.groups) {
            *span = of_words[column.map_or(0, |column| usize::from(words[column]))];
        }
        if sums.as_ref().is_some_and(|sums| sums.of.as_ptr() == Arc::as_ptr(known) && sums.spans == spans) {
            return;
        }
        let sums = sums.get_or_insert_with(|| KnownSums::new(inputs));
        if sums.matrix.lines() != inputs {
            *sums = KnownSums::new(inputs);
        }
        // A weak reference, so that no other network can come to lie there, and none is kept alive.
        (sums.of, sums.spans) = (Arc::downgrade(known), spans);
        add_known(known, &spans[..known.groups.len()], sums);
    }
}

multiversion! {
    /// For each line of the weights the sums over the groups: into the lines of the matrix, and the last into its bias.
    fn add_known(known: &KnownGroups, spans: &[Span], sums: &mut KnownSums) {
        let inputs = sums.matrix.lines();
        for (line, weights) in known.weights.chunks_exact(known.width).enumerate() {
            let mut totals = [0f32; LANES];
            for span in spans {
                let weights = &weights[span.first as usize - 1..][..LANES];
                totals.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            if line < inputs { sums.matrix.set_line(line, &totals) } else { sums.bias = totals }
        }
        // The rest's weights in a second pass: a single value between whole registers would make them wait.
        let lines = inputs + 1;
        sums.rests.clear();
        sums.rests.resize(lines, 0.0);
        for span in spans {
            let weights = &known.rests[span.rest as usize * lines..][..lines];
            sums.rests.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
        }
        for line in 0..inputs {
            sums.matrix.set(line, 0, sums.rests[line]);
        }
        sums.bias[0] = sums.rests[inputs];
    }
}

multiversion! {
    /// Adds to the 47 logits of a row, for each token, its output of each group; none stays below `lowest`.
    pub(crate) fn add_groups(
        outputs: &[f32; OUTPUT_LIMIT], words: &[u8; columns::COUNT + 4], groups: &[LogitGroup], lowest: f32,
        logits: &mut [f32],
    ) {
        const TOKENS: usize = Token::VOCABULARY;
        let mut sums = [0f32; TOKENS];
        sums.copy_from_slice(&logits[..TOKENS]);
        for group in groups {
            let of_word = &group.outputs[usize::from(words[group.column]) * TOKENS..][..TOKENS];
            for (sum, &output) in sums.iter_mut().zip(of_word) {
                *sum += outputs[usize::from(output) % OUTPUT_LIMIT];
            }
        }
        logits.iter_mut().zip(&sums).for_each(|(logit, sum)| *logit = if *sum > lowest { *sum } else { lowest });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_that_slide_from_word_to_word_share_their_columns() {
        // The example of KnownGroups: outputs 10 to 14 are the intervals -2 to +2.
        let mut order = vec![0];
        let starts = [[10, 11, 12], [11, 12, 13], [12, 13, 14]].map(|run| side_by_side(&mut order, &run));
        assert_eq!((starts, &order[..]), ([1, 2, 3], &[0, 10, 11, 12, 13, 14][..]));
        // What stands there already is found, what overlaps nothing follows, and the unused place is never taken.
        let starts = [[11, 12, 13], [7, 7, 8], [0, 10, 11]].map(|run| side_by_side(&mut order, &run));
        assert_eq!((starts, &order[6..]), ([2, 6, 9], &[7, 7, 8, 0, 10, 11][..]));
    }

    #[test]
    fn added_up_beforehand_or_for_each_row_the_logits_are_the_same() {
        const TOKENS: usize = Token::VOCABULARY;
        let (inputs, outputs) = (5, TOKENS + 2 * TOKENS + 3);
        let number = |index: usize| ((index * 37 + 11) % 29) as f32 / 8.0 - 2.0;
        let weights = || (0..(inputs + 1) * outputs).map(number).collect();
        let words_of = |column: usize| if column < columns::COUNT { columns::VOCABULARIES[column] } else { 48 };
        // Sliding outputs from known words, and others from chosen parts.
        let group = |column: usize| LogitGroup {
            column,
            outputs: (0..words_of(column) * TOKENS)
                .map(|index| match (index / TOKENS, index % TOKENS) {
                    (_, 0) => (TOKENS + index % 3) as u16,
                    (word, token) if column < columns::COUNT => (TOKENS + 3 + token + 47 - word.min(47)) as u16,
                    (word, token) => ((word * 5 + token * 3) % outputs) as u16,
                })
                .collect(),
        };
        let groups = || -> Vec<LogitGroup> {
            [0, columns::RECALLED_BY_CHORD, columns::GIVEN, columns::GIVEN + 1].map(&group).into()
        };
        let output = Output::new(weights(), outputs, groups()).unwrap();
        let known = output.known.as_ref().expect("two chosen parts pay");
        let mut words = [0; columns::COUNT + 4];
        (0..).zip(&mut words).for_each(|(index, word)| *word = index * 7 % 48);
        let hidden: Vec<f32> = (0..inputs).map(number).collect();

        let mut sums = None;
        for _ in 0..2 {
            KnownSums::update(&mut sums, known, words.first_chunk().unwrap(), inputs);
        }
        let sums = sums.unwrap();
        let mut logits = sums.bias[..TOKENS].to_vec();
        sums.matrix.add_product(&hidden, &mut logits);
        let mut of_row = Vec::new();
        output.linear.apply(&hidden, &mut of_row);
        of_row.resize(OUTPUT_LIMIT, 0.0);
        add_groups(of_row.first_chunk().unwrap(), &words, &output.groups, -1e9, &mut logits);

        let values: Vec<f32> = weights();
        let all: Vec<f32> = (0..outputs)
            .map(|output| {
                (0..=inputs).map(|line| values[line * outputs + output] * hidden.get(line).unwrap_or(&1.0)).sum()
            })
            .collect();
        for token in 0..TOKENS {
            let of_groups =
                |group: LogitGroup| all[usize::from(group.outputs[usize::from(words[group.column]) * TOKENS + token])];
            let expected: f32 = all[token] + groups().into_iter().map(of_groups).sum::<f32>();
            assert!((logits[token] - expected).abs() < 1e-3, "token {token}: {}, not {expected}", logits[token]);
        }
    }

    #[test]
    fn sums_of_one_network_are_not_taken_for_those_of_another() {
        let groups =
            || [columns::GIVEN, columns::GIVEN + 1].map(|column| LogitGroup { column, outputs: vec![0; 48 * 47] });
        let known = |weight: f32| {
            Output::new(vec![weight; 2 * Token::VOCABULARY], Token::VOCABULARY, groups().into()).unwrap().known.unwrap()
        };
        let (one, other) = (known(1.0), known(2.0));
        let mut sums = None;
        for (known, expected) in [(&one, 1.0), (&other, 2.0), (&one, 1.0)] {
            KnownSums::update(&mut sums, known, &[0; columns::COUNT], 1);
            assert_eq!(sums.as_ref().unwrap().bias[1], expected);
        }
    }
}
